//! The load now, from readings that are noisy.
//!
//! In: readings of the total load. Out: the load that they agree on, and how far it may be off. Knows
//! no forecast.

use serde::{Deserialize, Serialize};

use crate::time::{Duration, Timestamp};

/// The mean of the readings since the load last moved, of eight at most and of two minutes.
///
/// A reading further away than three times their noise is a move of the load and begins a new mean,
/// so a step is followed at once. The noise is learnt from the differences of neighbors, each counted
/// as three times the usual one at most.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nowcast {
    load: f64,
    /// Readings in the mean.
    n: f64,
    /// Standard deviation of a reading, as a share of it.
    noise: f64,
    last: Option<(Timestamp, f64)>,
}

impl Default for Nowcast {
    fn default() -> Self {
        Self { load: 0.0, n: 0.0, noise: Self::FIRST_NOISE, last: None }
    }
}

impl Nowcast {
    /// Before it is learnt: what scraped rates usually stray by.
    const FIRST_NOISE: f64 = 0.02;
    const MOST: f64 = 8.0;
    /// Seconds over which a load may be taken for the same.
    const SAME: f64 = 120.0;
    /// Differences whose noise counts, roughly.
    const MEMORY: f64 = 200.0;
    /// Standard deviations beyond which the load has moved.
    const MOVED: f64 = 3.0;

    pub(super) fn see(&mut self, at: Timestamp, reading: f64) {
        if let Some((_, before)) = self.last
            && reading + before > 0.0
        {
            // The mean distance of two normal numbers is 2 / sqrt(pi) standard deviations.
            let noise = 0.886 * (reading - before).abs() / (0.5 * (reading + before));
            let noise = noise.min(3.0 * self.noise);
            self.noise = (self.noise + (noise - self.noise) / Self::MEMORY).clamp(0.001, 0.5);
        }
        let before = self.last.replace((at, reading));
        let apart = before.map_or(0.0, |(before, _)| at.since(before).as_secs_f64());
        let most = (Self::SAME / apart.max(1.0)).clamp(1.0, Self::MOST);
        let distance = Self::MOVED * self.noise * self.load * (1.0 + 1.0 / self.n.max(1.0)).sqrt();
        if self.n == 0.0 || (reading - self.load).abs() > distance {
            (self.load, self.n) = (reading, 1.0);
        } else {
            self.n = (self.n + 1.0).min(most);
            self.load += (reading - self.load) / self.n;
        }
    }

    /// The load now, and its standard error; `None` without a reading within `age`.
    pub(super) fn now(&self, at: Timestamp, age: Duration) -> Option<(f64, f64)> {
        let is_fresh = self.last.is_some_and(|(last, _)| last <= at && at.since(last) <= age);
        is_fresh.then(|| (self.load, self.noise * self.load / self.n.sqrt()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_averaged_and_a_step_followed_at_once() {
        let mut nowcast = Nowcast::default();
        let mut random = crate::testing::uniform(5);
        let at = |tick: i64| Timestamp::from_secs(15 * tick);
        for tick in 0..100 {
            nowcast.see(at(tick), 1000.0 + 40.0 * (random() - 0.5));
        }
        let minute = Duration::from_secs(60);
        let (load, error) = nowcast.now(at(100), minute).expect("just seen");
        assert!((load - 1000.0).abs() < 15.0 && error < 12.0, "{load} {error}");
        nowcast.see(at(100), 1500.0);
        assert_eq!(nowcast.now(at(100), minute).expect("just seen").0, 1500.0);
        assert_eq!(nowcast.now(at(105), minute), None);
    }

    #[test]
    fn readings_far_apart_are_not_averaged() {
        let mut nowcast = Nowcast::default();
        let at = |tick: i64| Timestamp::from_secs(300 * tick);
        for tick in 0..100 {
            nowcast.see(at(tick), 1000.0 + 5.0 * tick as f64);
        }
        let now = nowcast.now(at(99), Duration::from_secs(60)).expect("just seen");
        assert_eq!(now.0, 1495.0);
    }
}
