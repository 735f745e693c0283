//! From readings at any times to samples on a fixed step.
//!
//! In: `(time, load)` as it comes: bunched, late, doubled, with gaps. Out: one sample a step, in
//! order, each step once. Knows nothing of what is done with them.

use serde::{Deserialize, Serialize};

use crate::time::{Duration, Timestamp};

/// One step of a series on a fixed grid.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// End of the step; steps lie at whole multiples of their length since the epoch.
    pub at: Timestamp,
    /// Mean of the step's readings; `None` if it had none.
    pub value: Option<f64>,
}

/// Averages readings into steps of a fixed length and closes each step when time has left it.
///
/// Readings in one step are averaged, whatever their order; a reading of a step that is closed
/// already comes too late and is dropped. Up to [`MOST_BRIDGED`](Self::MOST_BRIDGED) steps between
/// two readings are filled along a line, so that a host may look less often than once a step; the
/// steps of a wider gap become missing samples, at most [`MOST_MISSING`](Self::MOST_MISSING) of
/// them, with the grid kept.
///
/// ```
/// use forescale::series::Resampler;
/// use forescale::{Duration, Timestamp};
///
/// let mut resampler = Resampler::new(Duration::from_secs(60));
/// let mut samples = Vec::new();
/// for (second, load) in [(0, 10.0), (30, 20.0), (61, 7.0), (180, 9.0), (600, 1.0)] {
///     resampler.push(Timestamp::from_secs(second), Some(load), |sample| samples.push(sample.value));
/// }
/// assert_eq!(samples[..4], [Some(15.0), Some(7.0), Some(8.0), Some(9.0)]);
/// assert_eq!(samples[4..], [None; 6]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved")]
pub struct Resampler {
    /// Invariant: not zero.
    step: Duration,
    /// The step that is filling: its start, and what has come.
    open: Option<Open>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Open {
    start: Timestamp,
    sum: f64,
    n: u32,
    /// Whether it has been handed on already, by [`Resampler::close`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    closed: bool,
}

impl Resampler {
    /// So many missing samples stand for any longer gap.
    pub const MOST_MISSING: i64 = 100_000;

    /// So many steps without a reading, between two that have one, are filled along a line.
    pub const MOST_BRIDGED: i64 = 5;

    /// A resampler without readings; a `step` of zero counts as a millisecond.
    #[must_use]
    pub fn new(step: Duration) -> Self {
        Self { step: step.max(Duration::from_millis(1)), open: None }
    }

    /// The length of a step.
    #[must_use]
    pub fn step(&self) -> Duration {
        self.step
    }

    /// Takes a reading (`None`: time goes on without one) and hands each step that it closes to
    /// `closed`, the oldest first. Returns whether the reading came in time to count.
    pub fn push(
        &mut self,
        at: Timestamp,
        load: Option<f64>,
        mut closed: impl FnMut(Sample),
    ) -> bool {
        let millis = self.step.as_millis();
        let start =
            Timestamp::from_millis(at.as_millis().div_euclid(millis).saturating_mul(millis));
        let mut open = match self.open {
            Some(open) if start < open.start => return false,
            Some(open) if start == open.start && open.closed => return false,
            Some(open) if start == open.start => open,
            Some(open) => {
                let before = open.mean();
                if !open.closed {
                    closed(Sample { at: open.start + self.step, value: before });
                }
                let gap = start.since(open.start).as_millis() / millis - 1;
                let ends = before.zip(load).filter(|_| gap <= Self::MOST_BRIDGED);
                for back in (1..=gap.min(Self::MOST_MISSING)).rev() {
                    let bridged = ends.map(|(before, after)| {
                        after + (before - after) * (back as f64 / (gap + 1) as f64)
                    });
                    // The sample `back` steps before the new one ends where the next one starts.
                    let at = start - self.step.times(back - 1);
                    closed(Sample { at, value: bridged.filter(|value| value.is_finite()) });
                }
                Open::at(start)
            }
            None => Open::at(start),
        };
        // Whatever would leave the sum infinite counts as missing too.
        if let Some(sum) = load.map(|load| open.sum + load).filter(|sum| sum.is_finite()) {
            open.sum = sum;
            open.n = open.n.saturating_add(1);
        }
        self.open = Some(open);
        true
    }

    /// Hands the open step to `closed` now, for a host that knows its readings to be complete; one
    /// of that step that comes later is too late.
    pub fn close(&mut self, closed: impl FnOnce(Sample)) {
        if let Some(open) = self.open.as_mut().filter(|open| !open.closed) {
            open.closed = true;
            closed(Sample { at: open.start + self.step, value: open.mean() });
        }
    }

    /// Goes on at `at` if the open step lies ahead of it, as after a clock was set back; what the
    /// open step holds is dropped.
    pub fn rebase(&mut self, at: Timestamp) {
        if self.open.is_some_and(|open| open.start > at) {
            self.open = None;
        }
    }
}

/// As it comes from a snapshot, unchecked.
#[derive(Deserialize)]
struct Saved {
    step: Duration,
    open: Option<Open>,
}

impl TryFrom<Saved> for Resampler {
    type Error = &'static str;

    fn try_from(Saved { step, open }: Saved) -> Result<Self, &'static str> {
        if step.is_zero() { Err("a resampler's step is zero") } else { Ok(Self { step, open }) }
    }
}

impl Open {
    fn at(start: Timestamp) -> Self {
        Self { start, sum: 0.0, n: 0, closed: false }
    }

    fn mean(&self) -> Option<f64> {
        (self.n > 0).then(|| self.sum / f64::from(self.n))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closed_by(readings: &[(i64, Option<f64>)]) -> Vec<(i64, Option<f64>)> {
        let mut resampler = Resampler::new(Duration::from_secs(10));
        let mut samples = Vec::new();
        for &(second, load) in readings {
            resampler.push(Timestamp::from_secs(second), load, |sample| {
                samples.push((sample.at.as_millis() / 1000, sample.value));
            });
        }
        samples
    }

    #[test]
    fn a_gap_becomes_missing_samples_on_the_same_grid() {
        let samples = closed_by(&[(3, Some(1.0)), (73, Some(2.0)), (80, None)]);
        let mut want = vec![(10, Some(1.0))];
        want.extend((2..=7).map(|step| (10 * step, None)));
        want.push((80, Some(2.0)));
        assert_eq!(samples, want);
    }

    #[test]
    fn a_short_gap_between_two_readings_is_filled_along_a_line() {
        let samples = closed_by(&[(3, Some(1.0)), (41, Some(5.0)), (50, None)]);
        let values: Vec<_> = samples.iter().map(|&(_, value)| value).collect();
        assert_eq!(values, [1.0, 2.0, 3.0, 4.0, 5.0].map(Some));
        // Nothing is made up where one end is missing.
        let samples = closed_by(&[(3, Some(1.0)), (41, None), (50, None)]);
        assert_eq!(samples[1..4].iter().filter_map(|&(_, value)| value).count(), 0);
    }

    #[test]
    fn late_readings_count_in_the_open_step_only() {
        let samples = closed_by(&[(12, Some(4.0)), (11, Some(2.0)), (9, Some(99.0)), (20, None)]);
        assert_eq!(samples, [(20, Some(3.0))]);
    }

    #[test]
    fn a_jump_by_centuries_costs_a_bounded_number_of_samples() {
        let samples = closed_by(&[(0, Some(1.0)), (i64::MAX / 1000, Some(2.0))]);
        assert_eq!(samples.len(), 1 + Resampler::MOST_MISSING as usize);
    }

    #[test]
    fn readings_beyond_all_numbers_count_as_missing() {
        let most = Some(f64::MAX);
        let samples =
            closed_by(&[(0, most), (1, most), (2, Some(f64::NAN)), (10, Some(1.0)), (20, None)]);
        assert_eq!(samples, [(10, most), (20, Some(1.0))]);
    }

    #[test]
    fn the_ends_of_time_do_no_harm() {
        let samples = closed_by(&[(i64::MIN, Some(1.0)), (0, Some(2.0)), (i64::MAX, Some(3.0))]);
        assert_eq!(samples.len(), 2 + 2 * Resampler::MOST_MISSING as usize);
    }

    #[test]
    fn a_step_that_is_closed_early_is_handed_on_once_and_still_bridges_the_gap_behind_it() {
        let mut resampler = Resampler::new(Duration::from_secs(10));
        let mut samples = Vec::new();
        let mut take = |sample: Sample| samples.push((sample.at.as_millis() / 1000, sample.value));
        resampler.close(&mut take);
        assert!(resampler.push(Timestamp::from_secs(3), Some(1.0), &mut take));
        resampler.close(&mut take);
        resampler.close(&mut take);
        assert!(!resampler.push(Timestamp::from_secs(9), Some(7.0), &mut take));
        let text = serde_json::to_string(&resampler).expect("a snapshot");
        resampler = serde_json::from_str(&text).expect("its own snapshot");
        assert!(resampler.push(Timestamp::from_secs(23), Some(3.0), &mut take));
        resampler.close(&mut take);
        assert_eq!(samples, [(10, Some(1.0)), (20, Some(2.0)), (30, Some(3.0))]);
    }

    #[test]
    fn a_damaged_snapshot_is_refused() {
        let text = r#"{"step": "0s", "open": null}"#;
        assert!(serde_json::from_str::<Resampler>(text).is_err());
        let mut resampler = Resampler::new(Duration::from_secs(10));
        resampler.push(Timestamp::from_secs(3), Some(0.1), |_| {});
        let text = serde_json::to_string(&resampler).expect("a snapshot");
        assert_eq!(serde_json::from_str::<Resampler>(&text).expect("its own snapshot"), resampler);
    }
}
