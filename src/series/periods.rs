//! The means of whole periods of a metric, the last few of them.
//!
//! In: readings at any times. Out: the mean of each period that is over, missing ones known as
//! missing. Knows nothing of what is judged by them.

use serde::{Deserialize, Serialize};

use super::Ring;
use crate::time::{Duration, Timestamp};

/// The means of the last closed periods; periods lie at whole multiples of their length since the
/// epoch, as those of Amazon CloudWatch do.
///
/// A period closes with the first reading behind it and is the mean of its readings, or missing
/// where it had none: nothing is made up. A time in a period before the open one, as after a clock
/// was set back, forgets everything and starts anew.
///
/// ```
/// use forescale::series::Periods;
/// use forescale::{Duration, Timestamp};
///
/// let mut periods = Periods::new(Duration::from_secs(60), 3);
/// for (second, value) in [(0, 10.0), (30, 20.0), (65, 7.0), (190, 9.0)] {
///     periods.push(Timestamp::from_secs(second), Some(value), |_| {});
/// }
/// // The last one is over at 180 s and had no reading; the one from 180 s on is still open.
/// assert_eq!([periods.back(0), periods.back(1), periods.back(2)], [None, Some(7.0), Some(15.0)]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved")]
pub struct Periods {
    /// Invariant: not zero.
    period: Duration,
    /// The period that is filling.
    open: Option<Open>,
    closed: Ring,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Open {
    start: Timestamp,
    mean: f64,
    n: u32,
}

impl Periods {
    /// Without readings; keeps the last `keep` periods, at least one. A `period` of zero counts as
    /// a millisecond.
    #[must_use]
    pub fn new(period: Duration, keep: usize) -> Self {
        let period = period.max(Duration::from_millis(1));
        Self { period, open: None, closed: Ring::new(keep) }
    }

    /// The length of a period.
    #[must_use]
    pub fn period(&self) -> Duration {
        self.period
    }

    /// How many closed periods it keeps at most.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.closed.capacity()
    }

    /// Whether no period is closed yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.closed.is_empty()
    }

    /// The mean of the period `age` periods before the last closed one; `None` if it is missing or
    /// forgotten.
    #[must_use]
    pub fn back(&self, age: usize) -> Option<f64> {
        self.closed.back(age)
    }

    /// When the open period is over; `None` before the first reading.
    #[must_use]
    pub fn ends_at(&self) -> Option<Timestamp> {
        self.open.map(|open| open.start + self.period)
    }

    /// Takes a reading (`None`, or a number that is not finite: time goes on without one) and calls
    /// `closed` after each period that it closes, the oldest first, with the closed ones.
    ///
    /// Of a gap only as many periods are closed as are kept.
    pub fn push(&mut self, at: Timestamp, value: Option<f64>, mut closed: impl FnMut(&Ring)) {
        let millis = self.period.as_millis();
        let start =
            Timestamp::from_millis(at.as_millis().div_euclid(millis).saturating_mul(millis));
        let fresh = Open { start, mean: 0.0, n: 0 };
        let mut open = match self.open {
            Some(open) if start == open.start => open,
            Some(open) if start > open.start => {
                self.closed.push((open.n > 0).then_some(open.mean));
                closed(&self.closed);
                let n_missing = start.since(open.start).as_millis() / millis - 1;
                let n_kept = i64::try_from(self.closed.capacity()).unwrap_or(i64::MAX);
                for _ in 0..n_missing.min(n_kept) {
                    self.closed.push(None);
                    closed(&self.closed);
                }
                fresh
            }
            Some(_) => {
                self.closed = Ring::new(self.closed.capacity());
                fresh
            }
            None => fresh,
        };
        if let Some(value) = value.filter(|value| value.is_finite()) {
            open.n = open.n.saturating_add(1);
            // In place of a sum: the mean of equal readings is that reading, to the last bit.
            let mean = open.mean + (value - open.mean) / f64::from(open.n);
            if mean.is_finite() {
                open.mean = mean;
            }
        }
        self.open = Some(open);
    }
}

/// As it comes from a snapshot, unchecked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    period: Duration,
    open: Option<Open>,
    closed: Ring,
}

impl TryFrom<Saved> for Periods {
    type Error = &'static str;

    fn try_from(Saved { period, open, closed }: Saved) -> Result<Self, &'static str> {
        if period.is_zero() { Err("a period is zero") } else { Ok(Self { period, open, closed }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fed(readings: &[(i64, Option<f64>)]) -> (Periods, usize) {
        let mut periods = Periods::new(Duration::from_secs(60), 4);
        let mut n_closed = 0;
        for &(second, value) in readings {
            periods.push(Timestamp::from_secs(second), value, |_| n_closed += 1);
        }
        (periods, n_closed)
    }

    fn means(periods: &Periods) -> Vec<Option<f64>> {
        (0..periods.capacity()).rev().map(|age| periods.back(age)).collect()
    }

    #[test]
    fn a_period_is_the_mean_of_its_readings_in_any_order() {
        let (periods, n_closed) =
            fed(&[(59, Some(1.0)), (30, Some(2.0)), (1, Some(6.0)), (60, None)]);
        assert_eq!((periods.back(0), n_closed), (Some(3.0), 1));
        assert_eq!(periods.ends_at(), Some(Timestamp::from_secs(120)));
    }

    #[test]
    fn a_period_without_a_reading_is_missing_and_nothing_is_bridged() {
        let (periods, n_closed) =
            fed(&[(0, Some(1.0)), (130, Some(f64::NAN)), (190, Some(4.0)), (240, None)]);
        assert_eq!(means(&periods), [Some(1.0), None, None, Some(4.0)]);
        assert_eq!(n_closed, 4);
    }

    #[test]
    fn equal_readings_have_exactly_their_mean() {
        // 0.1 + 0.1 + 0.1 is more than 0.3 in binary.
        let (periods, _) = fed(&[(0, Some(0.1)), (1, Some(0.1)), (2, Some(0.1)), (60, None)]);
        assert_eq!(periods.back(0), Some(0.1));
        let most = Some(f64::MAX);
        let (periods, _) = fed(&[(0, most), (1, most), (2, most), (60, None)]);
        assert_eq!(periods.back(0), most);
    }

    #[test]
    fn a_gap_of_centuries_closes_no_more_periods_than_are_kept() {
        let (periods, n_closed) = fed(&[(i64::MIN, Some(1.0)), (0, Some(2.0)), (i64::MAX, None)]);
        assert_eq!(n_closed, 2 * (1 + 4));
        assert_eq!(means(&periods), [None; 4]);
    }

    #[test]
    fn a_clock_that_was_set_back_starts_anew() {
        let (periods, _) = fed(&[(600, Some(1.0)), (660, Some(2.0)), (59, Some(3.0))]);
        assert!(periods.is_empty());
        let (periods, _) = fed(&[(600, Some(1.0)), (660, Some(2.0)), (59, Some(3.0)), (60, None)]);
        assert_eq!(means(&periods), [None, None, None, Some(3.0)]);
    }

    #[test]
    fn a_snapshot_goes_on_and_a_damaged_one_is_refused() {
        let (mut periods, _) = fed(&[(0, Some(0.1)), (61, None), (130, Some(0.7))]);
        let text = serde_json::to_string(&periods).expect("a snapshot");
        let mut restored: Periods = serde_json::from_str(&text).expect("its own snapshot");
        for second in [140, 200, 400] {
            assert_eq!(restored, periods);
            periods.push(Timestamp::from_secs(second), Some(0.3), |_| {});
            restored.push(Timestamp::from_secs(second), Some(0.3), |_| {});
        }
        let damaged = text.replace(r#""1m""#, r#""0s""#);
        assert_ne!(damaged, text);
        assert!(serde_json::from_str::<Periods>(&damaged).is_err());
    }
}
