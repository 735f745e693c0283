//! The readings of the last while.
//!
//! In: readings with their times, one by one. Out: those of a window that ends now, oldest first.
//! Knows neither what a reading means nor what is asked of it.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::time::{Duration, Timestamp};

/// The readings of the last `span`, in the order of time and in bounded memory.
///
/// It keeps [`MOST`](Self::MOST) readings at most, one for each of as many equal parts of the span:
/// of readings that follow each other faster only the last of such a part is kept. Over a minute
/// that thins nothing that comes at most eight times a second.
///
/// ```
/// use forescale::series::Recent;
/// use forescale::{Duration, Timestamp};
///
/// let mut recent = Recent::new(Duration::from_secs(60))?;
/// for (second, value) in [(0, 5.0), (30, 6.0), (75, 7.0)] {
///     recent.push(Timestamp::from_secs(second), value);
/// }
/// let values: Vec<f64> = recent.values(Timestamp::from_secs(90)).collect();
/// assert_eq!(values, [6.0, 7.0]); // a reading as old as the span still counts
/// # Ok::<(), forescale::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct Recent {
    span: Duration,
    /// Invariant: times rise, values are finite, at most `MOST` of them, none older than `span`
    /// when the last one came.
    readings: VecDeque<(Timestamp, f64)>,
}

impl Recent {
    /// So many readings are kept at most.
    pub const MOST: usize = 512;

    /// An empty one for the readings of the last `span`; above zero.
    ///
    /// # Errors
    /// If the span is zero.
    pub fn new(span: Duration) -> Result<Self, Error> {
        if span.is_zero() {
            return Err(Error::config("", "is 0s, must be above zero"));
        }
        Ok(Self { span, readings: VecDeque::new() })
    }

    /// The time that is looked back on.
    #[must_use]
    pub fn span(&self) -> Duration {
        self.span
    }

    /// Takes the reading at `at`, in place of one of the same time. Readings later than `at` are
    /// forgotten: the clock went back, and what lies ahead was another time's. A value that is not
    /// finite is not taken.
    pub fn push(&mut self, at: Timestamp, value: f64) {
        self.forget(at);
        if !value.is_finite() {
            return;
        }
        let grain = self.grain();
        match self.readings.back_mut() {
            Some(last) if part(last.0, grain) == part(at, grain) => *last = (at, value),
            _ => self.readings.push_back((at, value)),
        }
        // The span may begin and end within a part, and so touch one more than it has.
        if self.readings.len() > Self::MOST {
            self.readings.pop_front();
        }
    }

    /// Forgets what the span that ends at `at` does not hold.
    pub fn forget(&mut self, at: Timestamp) {
        while self.readings.back().is_some_and(|&(time, _)| time > at) {
            self.readings.pop_back();
        }
        while self.readings.front().is_some_and(|&(time, _)| time < at - self.span) {
            self.readings.pop_front();
        }
    }

    /// The values of the span that ends at `at`, both ends included, oldest first.
    pub fn values(&self, at: Timestamp) -> impl Iterator<Item = f64> {
        let from = at - self.span;
        let held = move |&&(time, _): &&(Timestamp, f64)| from <= time && time <= at;
        self.readings.iter().filter(held).map(|&(_, value)| value)
    }

    /// The length of a part: of the readings in one, only the last is kept.
    fn grain(&self) -> i64 {
        let most = Self::MOST as i64;
        // Rounded up without leaving the range, and at least a millisecond.
        (self.span.as_millis() / most + i64::from(self.span.as_millis() % most > 0)).max(1)
    }
}

/// The parts lie on a grid of their own, so that a stream of readings cannot stay in one for ever.
fn part(at: Timestamp, grain: i64) -> i64 {
    at.as_millis().div_euclid(grain)
}

/// What a snapshot holds, before it is trusted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    span: Duration,
    readings: VecDeque<(Timestamp, f64)>,
}

impl TryFrom<Stored> for Recent {
    type Error = Error;

    fn try_from(Stored { span, readings }: Stored) -> Result<Self, Error> {
        let rising = readings.iter().zip(readings.iter().skip(1)).all(|(one, next)| one.0 < next.0);
        let finite = readings.iter().all(|(_, value)| value.is_finite());
        if !rising || !finite || readings.len() > Self::MOST {
            let message = "must be finite numbers at rising times, not too many of them";
            return Err(Error::snapshot(format!("holds recent readings that {message}")));
        }
        Ok(Self { readings, ..Self::new(span)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recent(span: u32, seconds: impl IntoIterator<Item = i64>) -> Recent {
        let mut recent = Recent::new(Duration::from_secs(span)).expect("a span");
        for second in seconds {
            recent.push(Timestamp::from_secs(second), second as f64);
        }
        recent
    }

    fn values(recent: &Recent, second: i64) -> Vec<f64> {
        recent.values(Timestamp::from_secs(second)).collect()
    }

    #[test]
    fn both_ends_of_the_window_belong_to_it() {
        let recent = recent(60, [0, 15, 30, 45, 60]);
        assert_eq!(values(&recent, 60), [0.0, 15.0, 30.0, 45.0, 60.0]);
        assert_eq!(values(&recent, 61), [15.0, 30.0, 45.0, 60.0]);
        assert!(values(&recent, 121).is_empty());
    }

    #[test]
    fn a_clock_that_goes_back_leaves_only_what_lies_behind_it() {
        assert_eq!(values(&recent(60, [0, 15, 30, 20]), 20), [0.0, 15.0, 20.0]);
        assert_eq!(values(&recent(60, [86_400, 86_415, 0]), 0), [0.0]);
        assert_eq!(values(&recent(60, [0, 86_400]), 86_400), [86_400.0]);
    }

    #[test]
    fn what_is_no_number_is_not_taken() {
        let mut recent = recent(60, [0]);
        recent.push(Timestamp::from_secs(1), f64::NAN);
        recent.push(Timestamp::from_secs(2), f64::INFINITY);
        assert_eq!(values(&recent, 2), [0.0]);
    }

    #[test]
    fn memory_is_bounded_however_fast_readings_come_and_the_latest_is_kept() {
        let mut recent = recent(60, []);
        for millis in 0..200_000 {
            recent.push(Timestamp::from_millis(millis), millis as f64);
            assert!(recent.readings.len() <= Recent::MOST);
        }
        let values = values(&recent, 200);
        assert_eq!(values.last(), Some(&199_999.0));
        // The grain of a minute is 118 ms; the window is still covered.
        assert!(values.len() > 500, "{}", values.len());
        let oldest = values[0];
        assert!(oldest < 140_500.0, "{oldest}");
    }

    #[test]
    fn any_length_of_span_and_any_time_will_do() {
        let longest = Duration::from_secs(u32::MAX).times(i64::MAX);
        let mut recent = Recent::new(longest).expect("a span");
        for millis in [i64::MIN, 0, i64::MAX] {
            recent.push(Timestamp::from_millis(millis), 1.0);
        }
        assert!(recent.readings.len() <= 3);
        assert!(Recent::new(Duration::ZERO).is_err());
    }

    #[test]
    fn a_snapshot_reads_back_and_a_damaged_one_is_refused() {
        let recent = recent(60, [0, 15, 30]);
        let saved = serde_json::to_value(&recent).expect("writes");
        assert_eq!(serde_json::from_value::<Recent>(saved.clone()).expect("reads"), recent);
        let mut swapped = saved.clone();
        swapped["readings"][0][0] = 15_000.into();
        assert!(serde_json::from_value::<Recent>(swapped).is_err(), "times must rise");
        let mut empty = saved;
        empty["span"] = "0s".into();
        assert!(serde_json::from_value::<Recent>(empty).is_err(), "a span is above zero");
    }
}
