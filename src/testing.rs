//! What the tests of several rooms share.

use proptest::test_runner::{Config, RngSeed};

/// So many cases, the same in every run: a test that fails now and then helps nobody.
pub(crate) fn cases(cases: u32) -> Config {
    Config { cases, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..Config::default() }
}

/// Uniform numbers in [0, 1) from a seed (xorshift, Marsaglia 2003).
pub(crate) fn uniform(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// The adapter to test on, if only a software driver; `None` without one, which is told with its reason.
/// `tests/gpu.rs` fails where there must be one.
#[cfg(feature = "gpu")]
pub(crate) fn adapter() -> Option<crate::gpu::Choice> {
    let choice = crate::gpu::Choice { allow_software: true, ..Default::default() };
    let found = crate::gpu::info(&choice).map_err(|error| println!("skipped: {error}"));
    found.is_ok().then_some(choice)
}
