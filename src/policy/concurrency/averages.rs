//! Readings as they come, averaged over two windows.
//!
//! In: a reading and its time, as often or as seldom as the host looks. Out: its average over the
//! stable and the panic window. Knows nothing of replicas.
//!
//! Knative scrapes once a second and leaves a second without a scrape at 0. A host here may look
//! every minute, so a reading speaks for each second since the one before, at most for a window:
//! then the average is the mean of what was observed, weighed by time, and the panic average of a
//! host that looks less often than the panic window is long is its last reading. Readings in one and
//! the same second are averaged first.

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::series::{Weighting, Window};
use crate::time::{Duration, Timestamp};

/// The length of a slot: Knative's `BucketSize`.
const SLOT: Duration = Duration::from_secs(1);

/// A metric's averages over a stable and a panic window, in slots of a second.
///
/// ```
/// use forescale::policy::concurrency::averages::Averages;
/// use forescale::{Duration, Timestamp};
///
/// let mut averages = Averages::new(Duration::from_secs(60), Duration::from_secs(6))?;
/// for (second, load) in [(0, 10.0), (15, 10.0), (30, 10.0), (45, 50.0)] {
///     averages.observe(Timestamp::from_secs(second), load);
/// }
/// // (31 * 10 + 15 * 50) / 46 over the seconds that have passed, and the last six of them.
/// assert_eq!(averages.at(Timestamp::from_secs(45)), (23.043478, 50.0));
/// # Ok::<(), forescale::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct Averages {
    stable: Window,
    panic: Window,
    last: Option<Last>,
}

/// The last second with a reading.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Last {
    at: Timestamp,
    mean: f64,
    n: u32,
}

impl Averages {
    /// Empty windows of these lengths.
    ///
    /// # Errors
    /// As [`Window::new`].
    pub fn new(stable: Duration, panic: Duration) -> Result<Self, Error> {
        let window = |length, field| {
            Window::new(length, SLOT, Weighting::Linear).map_err(|_| {
                Error::config(field, format!("is {length}, must be a window of seconds"))
            })
        };
        let (stable, panic) = (window(stable, "stable")?, window(panic, "panic")?);
        Ok(Self { stable, panic, last: None })
    }

    /// Takes a reading, finite and from 0 up. Returns whether time has gone back, by which
    /// everything before is forgotten.
    pub fn observe(&mut self, at: Timestamp, load: f64) -> bool {
        let went_back = self.last.is_some_and(|last| at < last.at);
        if went_back {
            self.stable.clear();
            self.panic.clear();
            self.last = None;
        }
        let second = |at: Timestamp| at.as_millis().div_euclid(SLOT.as_millis());
        let (mean, n) = match self.last {
            Some(Last { at: last, mean, n }) if second(last) == second(at) => {
                let n = n.saturating_add(1);
                (mean + (load - mean) / f64::from(n), n)
            }
            _ => (load, 1),
        };
        let before = self.last.map(|last| last.at);
        self.stable.fill(before, at, mean);
        self.panic.fill(before, at, mean);
        self.last = Some(Last { at, mean, n });
        went_back
    }

    /// The averages over the stable and the panic window at a time.
    #[must_use]
    pub fn at(&self, now: Timestamp) -> (f64, f64) {
        (self.stable.average(now), self.panic.average(now))
    }

    /// Whether both average over the same windows.
    pub(super) fn fits(&self, other: &Self) -> bool {
        let windows = |averages: &Self| {
            let Self { stable, panic, .. } = averages;
            [stable.window(), stable.granularity(), panic.window(), panic.granularity()]
        };
        windows(self) == windows(other)
    }
}

/// What a snapshot holds, before it is trusted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    stable: Window,
    panic: Window,
    last: Option<Last>,
}

impl TryFrom<Stored> for Averages {
    type Error = &'static str;

    fn try_from(Stored { stable, panic, last }: Stored) -> Result<Self, &'static str> {
        if last.is_some_and(|last| !last.mean.is_finite() || last.n == 0) {
            return Err("the last reading of an average is none");
        }
        Ok(Self { stable, panic, last })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn averages() -> Averages {
        Averages::new(Duration::from_secs(60), Duration::from_secs(6)).expect("in range")
    }

    /// A load that rises by one each minute, looked at every so often, against its own mean.
    #[test]
    fn however_seldom_it_is_read_the_average_is_the_mean_of_what_was_observed() {
        for step in [1, 2, 15, 60] {
            let mut averages = averages();
            let mut readings = Vec::new();
            for second in (0..=600).step_by(step) {
                let load = 100.0 + second as f64;
                averages.observe(Timestamp::from_secs(second), load);
                readings.push(load);
                let mean = |window: usize| {
                    let n = window.div_ceil(step);
                    readings.iter().rev().take(n).sum::<f64>() / n as f64
                };
                if second >= 60 {
                    let now = Timestamp::from_secs(second);
                    let want = (mean(60), mean(6));
                    assert_eq!(averages.at(now), want, "a reading each {step} s, at {second} s");
                }
            }
        }
    }

    #[test]
    fn a_gap_is_spoken_for_by_the_reading_after_it_and_never_counts_as_zero() {
        let mut averages = averages();
        for second in [0, 1, 2, 40, 41] {
            averages.observe(Timestamp::from_secs(second), 5.0);
            assert_eq!(averages.at(Timestamp::from_secs(second)), (5.0, 5.0));
        }
        averages.observe(Timestamp::from_secs(1_000_000), 9.0);
        assert_eq!(averages.at(Timestamp::from_secs(1_000_000)), (9.0, 9.0));
        averages.observe(Timestamp::from_secs(1_000_030), 3.0);
        assert_eq!(averages.at(Timestamp::from_secs(1_000_030)), (6.0, 3.0));
    }

    #[test]
    fn readings_of_the_same_second_are_averaged_first() {
        let mut averages = averages();
        for (millis, load) in [(0, 2.0), (250, 4.0), (500, 6.0), (1000, 10.0)] {
            averages.observe(Timestamp::from_millis(millis), load);
        }
        assert_eq!(averages.at(Timestamp::from_millis(1000)), (7.0, 7.0));
    }

    #[test]
    fn a_clock_that_steps_back_starts_anew() {
        let mut averages = averages();
        assert!(!averages.observe(Timestamp::from_secs(86_400), 50.0));
        assert!(averages.observe(Timestamp::from_secs(0), 7.0));
        assert!(!averages.observe(Timestamp::from_secs(30), 7.0));
        assert_eq!(averages.at(Timestamp::from_secs(30)), (7.0, 7.0));
    }
}
