//! What is known besides the load in a replay: other metrics, campaigns.
//!
//! In: values by time, each of which holds until the next. Out: the one that holds at a time. Knows
//! nothing of what it is known for.

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::time::Timestamp;

/// Values by time, each of which holds until the next.
///
/// ```
/// use forescale::sim::Known;
/// use forescale::Timestamp;
///
/// let campaign = Known::new(&[60, 180].map(Timestamp::from_secs), &[1.0, 0.0])?;
/// let at = |second| campaign.at(Timestamp::from_secs(second));
/// assert_eq!([at(59), at(60), at(179), at(999)], [None, Some(1.0), Some(1.0), Some(0.0)]);
/// # Ok::<(), forescale::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved")]
pub struct Known {
    /// Invariant: rising.
    times: Vec<Timestamp>,
    /// Invariant: finite, and as many.
    values: Vec<f64>,
}

impl Known {
    /// Of values and the times from which they hold.
    ///
    /// # Errors
    /// [`ErrorKind::Trace`](crate::ErrorKind::Trace) if the lengths differ, the times do not rise, or a
    /// value is not finite; rows count from 1.
    pub fn new(times: &[Timestamp], values: &[f64]) -> Result<Self, Error> {
        if times.len() != values.len() {
            let message = format!("has {} values for {} times", values.len(), times.len());
            return Err(Error::trace("", message));
        }
        if let Some(index) = times.windows(2).position(|pair| pair[0] >= pair[1]) {
            let message = "has a time that is not after that of the row above it, times must rise";
            return Err(Error::trace(format!("row {}", index + 2), message));
        }
        if let Some(index) = values.iter().position(|value| !value.is_finite()) {
            let message = format!("is {}, must be a finite number", values[index]);
            return Err(Error::trace(format!("row {}", index + 1), message));
        }
        Ok(Self { times: times.to_vec(), values: values.to_vec() })
    }

    /// The times from which the values hold; they rise.
    #[must_use]
    pub fn times(&self) -> &[Timestamp] {
        &self.times
    }

    /// The values, finite.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The value that holds at a time; `None` before the first.
    #[must_use]
    pub fn at(&self, at: Timestamp) -> Option<f64> {
        let after = self.times.partition_point(|&from| from <= at);
        after.checked_sub(1).map(|index| self.values[index])
    }

    /// Takes checked values in place of those from the first of them on.
    pub(crate) fn tell(&mut self, times: &[Timestamp], values: &[f64]) {
        let Some(&first) = times.first() else { return };
        let n = self.times.partition_point(|&at| at < first);
        self.times.truncate(n);
        self.values.truncate(n);
        self.times.extend_from_slice(times);
        self.values.extend_from_slice(values);
    }

    /// Forgets what holds at no time from `at` on.
    pub(crate) fn forget(&mut self, at: Timestamp) {
        let past = self.times.partition_point(|&from| from <= at).saturating_sub(1);
        self.times.drain(..past);
        self.values.drain(..past);
    }

    /// The places of the values from one time on and before another.
    pub(super) fn between(&self, from: Timestamp, until: Timestamp) -> std::ops::Range<usize> {
        let place = |at: Timestamp| self.times.partition_point(|&time| time < at);
        place(from)..place(until).max(place(from))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    times: Vec<Timestamp>,
    values: Vec<f64>,
}

impl TryFrom<Saved> for Known {
    type Error = Error;

    fn try_from(Saved { times, values }: Saved) -> Result<Self, Error> {
        Self::new(&times, &values)
    }
}
