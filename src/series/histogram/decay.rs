//! How much a sample counts by its time.
//!
//! In: times. Out: factors in powers of two, relative to a reference that moves along. Knows no
//! weights.

use serde::{Deserialize, Serialize};

use crate::time::{Duration, Timestamp};

/// Half as much for each half-life before the reference, twice as much for each after it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Decay {
    /// Invariant: above zero.
    pub(super) half_life: Duration,
    /// `None` is the distant past: the first sample sets it, and what was held before is forgotten.
    #[serde(default)]
    pub(super) reference: Option<Timestamp>,
}

impl Decay {
    /// Further than so many half-lives after the reference, it moves, so that no weight overflows.
    const MOST_HALF_LIVES: i64 = 100;

    /// January 1st of year 1 in milliseconds, from which the VPA counts multiples of the half-life.
    const YEAR_ONE: i128 = -62_135_596_800_000;

    pub(super) fn new(half_life: Duration) -> Self {
        Self { half_life, reference: None }
    }

    /// Whether a sample at `at` is too new for the reference.
    pub(super) fn is_outgrown(&self, at: Timestamp) -> bool {
        let most = self.half_life.times(Self::MOST_HALF_LIVES);
        self.reference.is_none_or(|reference| at.since(reference) > most)
    }

    /// What a sample at `at` counts in units of one at the reference.
    pub(super) fn factor(&self, at: Timestamp) -> f64 {
        libm::exp2(half_lives(at, self.reference.unwrap_or(at), self.half_life))
    }

    /// Moves the reference to the multiple of the half-life nearest to `to`, halves up; the factor
    /// for what was weighed by the old one.
    pub(super) fn move_to(&mut self, to: Timestamp) -> f64 {
        let step = i128::from(self.half_life.as_millis());
        let past = (i128::from(to.as_millis()) - Self::YEAR_ONE).rem_euclid(step);
        let nearest = i128::from(to.as_millis()) - past + if past + past < step { 0 } else { step };
        let millis = i64::try_from(nearest).unwrap_or(to.as_millis());
        let new = Timestamp::from_millis(millis);
        let old = self.reference.replace(new);
        old.map_or(0.0, |old| libm::exp2((half_lives(old, new, self.half_life) + 0.5).floor()))
    }
}

/// From `reference` to `at` in half-lives; negative if `at` is the earlier one.
fn half_lives(at: Timestamp, reference: Timestamp, half_life: Duration) -> f64 {
    let passed = i128::from(at.as_millis()) - i128::from(reference.as_millis());
    passed as f64 / half_life.as_millis() as f64
}
