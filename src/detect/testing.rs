//! Noise and loads for the tests of this room; seeded.

use crate::series::Sample;
use crate::testing::uniform;
use crate::time::{Duration, Timestamp};

pub(super) const STEP: Duration = Duration::from_secs(300);

/// Normal noise of mean 0 and deviation 1 from a seed (Box and Muller 1958).
pub(super) fn normal(seed: u64) -> impl FnMut() -> f64 {
    let mut uniform = uniform(seed);
    move || {
        let (radius, angle) = (1.0 - uniform(), uniform());
        (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
    }
}

/// Five-minute samples of a load with a daily wave and noise.
pub(super) fn daily(seed: u64, n_days: usize) -> Vec<f64> {
    let mut noise = normal(seed);
    let wave = |index: usize| (index as f64 / 288.0 * std::f64::consts::TAU).sin();
    (0..288 * n_days).map(|index| 1000.0 + 400.0 * wave(index) + 30.0 * noise()).collect()
}

/// The sample number `index`, on five-minute steps.
pub(super) fn sample(index: usize, value: impl Into<Option<f64>>) -> Sample {
    Sample { at: Timestamp::from_secs(300 * index as i64), value: value.into() }
}
