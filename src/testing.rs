//! What the tests of several rooms share.

use proptest::test_runner::{Config, RngSeed};

/// So many cases, the same in every run: a test that fails now and then helps nobody.
pub(crate) fn cases(cases: u32) -> Config {
    Config { cases, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..Config::default() }
}
