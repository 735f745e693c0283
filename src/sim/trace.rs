//! A recorded load on a fixed step.
//!
//! In: samples with their times. Out: a [`Trace`] that can be replayed, or the row that stands in
//! the way. Knows no file format.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::known::Known;
use crate::Error;
use crate::time::{Duration, Timestamp};

/// The load of a workload over time: one value a step, none missing, none negative.
///
/// The load within a step is level, so that the sum of the record is kept.
///
/// ```
/// use forescale::sim::Trace;
/// use forescale::{Duration, Timestamp};
///
/// let times = [0, 60, 180].map(Timestamp::from_secs);
/// let trace = Trace::from_samples("shop", &times, &[10.0, 20.0, 40.0])?;
/// assert_eq!(trace.step, Duration::from_secs(60));
/// assert_eq!(trace.values, [10.0, 20.0, 30.0, 40.0]); // the hole is filled on a straight line
/// assert_eq!(trace.n_filled, 1);
/// # Ok::<(), forescale::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    /// What it is called in reports.
    pub name: String,
    /// Start of the first step.
    pub start: Timestamp,
    /// Length of a step; above zero.
    pub step: Duration,
    /// Mean load in each step, in the load's own unit; finite, from 0 up.
    pub values: Vec<f64>,
    /// How many of the values were absent in the record and filled in.
    #[serde(default)]
    pub n_filled: usize,
    /// What is known besides the load, by name; see [`with_known`](Self::with_known).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub known: BTreeMap<String, Known>,
}

impl Trace {
    /// A trace of values on a fixed step.
    ///
    /// # Errors
    /// [`ErrorKind::Trace`](crate::ErrorKind::Trace) for no values, a step of zero, and a value that
    /// is not a finite number from 0 up; rows count from 1.
    pub fn new(
        name: impl Into<String>,
        start: Timestamp,
        step: Duration,
        values: Vec<f64>,
    ) -> Result<Self, Error> {
        let known = BTreeMap::new();
        let trace = Self { name: name.into(), start, step, values, n_filled: 0, known };
        trace.check()?;
        Ok(trace)
    }

    /// The trace with what is known besides its load, for a forecaster with
    /// [`regressors`](crate::forecast::regressors): values that each hold until the next.
    ///
    /// In a replay, those with the name of a metric of the configuration are shown as its readings, each when
    /// its time has come; a mean belongs to the end of its span then. Those with the name of a regressor
    /// alone are told before the first decision, those of times to come too, as a calendar of campaigns is.
    /// What a configuration has neither as the one nor as the other is refused by `replay` and `tune`, which have
    /// one alone, and is nothing to it where several are compared.
    ///
    /// ```
    /// use forescale::sim::Trace;
    /// use forescale::Timestamp;
    ///
    /// let times = [0, 60, 120].map(Timestamp::from_secs);
    /// let trace = Trace::from_samples("shop", &times, &[10.0, 10.0, 30.0])?
    ///     .with_known("campaign", &times[2..], &[1.0])?;
    /// assert_eq!(trace.known["campaign"].at(times[2]), Some(1.0));
    /// # Ok::<(), forescale::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Trace`](crate::ErrorKind::Trace) as [`Known::new`].
    pub fn with_known(
        mut self,
        name: impl Into<String>,
        times: &[Timestamp],
        values: &[f64],
    ) -> Result<Self, Error> {
        let name = name.into();
        let known =
            Known::new(times, values).map_err(|error| error.at(&format!("known.{name}")))?;
        self.known.insert(name, known);
        Ok(self)
    }

    /// A trace from samples with their times. The step is the shortest distance between two of
    /// them; a hole of whole steps is filled on a straight line and counted.
    ///
    /// # Errors
    /// [`ErrorKind::Trace`](crate::ErrorKind::Trace), with the row counted from 1: lengths that
    /// differ, fewer than two samples, times that are doubled or do not rise, a distance that is
    /// not a multiple of the step, holes that make up more than nine tenths of the trace, and a
    /// value that is not a finite number from 0 up.
    pub fn from_samples(
        name: impl Into<String>,
        times: &[Timestamp],
        values: &[f64],
    ) -> Result<Self, Error> {
        Self::from_rows(name.into(), times, values, |index| format!("row {}", index + 1))
    }

    /// As [`from_samples`](Self::from_samples); `place` names a row in errors.
    pub(crate) fn from_rows(
        name: String,
        times: &[Timestamp],
        values: &[f64],
        place: impl Fn(usize) -> String,
    ) -> Result<Self, Error> {
        if times.len() != values.len() {
            let message = format!("has {} values for {} times", values.len(), times.len());
            return Err(Error::trace("trace", message));
        }
        if times.len() < 2 {
            let message = format!("has {} samples, must have at least 2", times.len());
            return Err(Error::trace("trace", message));
        }
        let step = grid(times, None, &place)?;
        Self::fill(name, step, times, values, place)
    }

    /// A trace of samples on a grid of `step`, which [`grid`] has found sound; what lies between two
    /// of them is filled on a straight line.
    pub(super) fn fill(
        name: String,
        step: Duration,
        times: &[Timestamp],
        values: &[f64],
        place: impl Fn(usize) -> String,
    ) -> Result<Self, Error> {
        if let Some(index) = values.iter().position(|value| !is_load(*value)) {
            let message = format!("is {}, must be a finite number from 0 up", values[index]);
            return Err(Error::trace(place(index), message));
        }
        let (mut filled, mut n_filled) = (Vec::with_capacity(times.len()), 0);
        for (pair, ends) in times.windows(2).zip(values.windows(2)) {
            let n = pair[1].since(pair[0]).as_millis() / step.as_millis();
            let (from, to) = (ends[0], ends[1]);
            filled.push(from);
            filled.extend((1..n).map(|k| from + (to - from) * k as f64 / n as f64));
            n_filled += n as usize - 1;
        }
        filled.push(values[values.len() - 1]);
        let known = BTreeMap::new();
        Ok(Self { name, start: times[0], step, values: filled, n_filled, known })
    }

    /// The load at `at`; that of the nearest step outside of the trace.
    #[must_use]
    pub fn load(&self, at: Timestamp) -> f64 {
        let index = at.since(self.start).as_millis() / self.step.as_millis().max(1);
        self.values[(index as usize).min(self.values.len() - 1)]
    }

    /// End of the last step.
    #[must_use]
    pub fn end(&self) -> Timestamp {
        self.start + self.length()
    }

    /// From the start of the first step to the end of the last one.
    #[must_use]
    pub fn length(&self) -> Duration {
        self.step.times(self.values.len() as i64)
    }

    /// A public field may have been changed since it was made.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.step.is_zero() {
            return Err(Error::trace("step", "is 0, must be above 0"));
        }
        if self.values.is_empty() {
            return Err(Error::trace("trace", "is empty, must have at least 1 sample"));
        }
        if let Some(index) = self.values.iter().position(|value| !is_load(*value)) {
            let message = format!("is {}, must be a finite number from 0 up", self.values[index]);
            return Err(Error::trace(format!("row {}", index + 1), message));
        }
        Ok(())
    }
}

/// The step on which all of the times lie: the given one, else the shortest distance between two of
/// them, which needs two times. `place` names a row in errors.
pub(super) fn grid(
    times: &[Timestamp],
    given: Option<Duration>,
    place: impl Fn(usize) -> String,
) -> Result<Duration, Error> {
    let mut shortest = i64::MAX;
    for (index, pair) in times.windows(2).enumerate() {
        let apart = pair[1].as_millis().saturating_sub(pair[0].as_millis());
        if apart <= 0 {
            let what = if apart == 0 { "the same time as" } else { "a time before" };
            let message = format!("has {what} the row above it, times must rise");
            return Err(Error::trace(place(index + 1), message));
        }
        shortest = shortest.min(apart);
    }
    let step = given.map_or(shortest, Duration::as_millis).max(1);
    let seconds = |millis: i64| millis as f64 / 1000.0;
    // So that one odd row cannot ask for all memory.
    let n_steps = times.last().map_or(0, |last| last.since(times[0]).as_millis() / step);
    if n_steps / 10 > times.len() as i64 {
        let message = format!(
            "has {} samples for {n_steps} steps of {} s, most are missing",
            times.len(),
            seconds(step)
        );
        return Err(Error::trace("trace", message));
    }
    for (index, pair) in times.windows(2).enumerate() {
        let apart = pair[1].since(pair[0]).as_millis();
        if apart % step != 0 {
            let message = format!(
                "comes {} s after the row above it, which is no multiple of the step of {} s",
                seconds(apart),
                seconds(step)
            );
            return Err(Error::trace(place(index + 1), message));
        }
    }
    Ok(Duration::from_millis(1).times(step))
}

fn is_load(value: f64) -> bool {
    value.is_finite() && value >= 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(seconds: &[i64], values: &[f64]) -> String {
        let times: Vec<_> = seconds.iter().map(|&second| Timestamp::from_secs(second)).collect();
        Trace::from_samples("t", &times, values).unwrap_err().to_string()
    }

    #[test]
    fn what_cannot_be_replayed_is_named_with_its_row() {
        let cases: [(&[i64], &[f64], &str); 8] = [
            (&[], &[], "has 0 samples"),
            (&[0], &[1.0], "has 1 samples"),
            (&[0, 60, 60], &[1.0; 3], "`row 3` has the same time as"),
            (&[0, 60, 30], &[1.0; 3], "`row 3` has a time before"),
            (&[0, 60, 150], &[1.0; 3], "`row 3` comes 90 s after the row above it"),
            (&[0, 60], &[1.0, f64::NAN], "`row 2` is NaN"),
            (&[0, 60], &[-1.0, 0.0], "`row 1` is -1"),
            (&[0, 60, i64::MAX / 2000 * 60], &[1.0; 3], "most are missing"),
        ];
        for (seconds, values, want) in cases {
            let message = refused(seconds, values);
            assert!(message.contains(want), "{seconds:?}: {message}");
        }
    }

    #[test]
    fn the_load_within_a_step_is_level() {
        let trace =
            Trace::new("t", Timestamp::from_secs(0), Duration::from_secs(60), vec![3.0, 5.0])
                .unwrap();
        let at = |second| trace.load(Timestamp::from_secs(second));
        assert_eq!([at(-9), at(0), at(59), at(60), at(500)], [3.0, 3.0, 3.0, 5.0, 5.0]);
    }
}
