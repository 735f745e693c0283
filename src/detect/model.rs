//! One series and its detector, for a host that has times and values.
//!
//! In: times and values as the host has them. Out: an [`Anomaly`] for each, or arrays of them. Knows
//! no detector.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Anomaly, AnomalyKind, Detector, DetectorConfig};
use crate::Error;
use crate::catalog::{opened, unlocated};
use crate::series::Sample;
use crate::time::{Duration, Timestamp};

/// A detector of one series that is fed times and values.
///
/// Each value is scored as it comes, then learnt from; nothing is resampled. The step is the typical
/// distance of two values: it tells what a gap is and how many samples a day has. Feed a missing value
/// as `None` (or NaN) where one should have come, so that its absence can be told at once.
///
/// ```
/// use forescale::detect::{AnomalyKind, DetectorConfig, Model};
/// use forescale::{Duration, Timestamp};
///
/// let mut model = Model::new(DetectorConfig::default(), Duration::from_secs(300))?;
/// // Two days of a load that rises and falls with the hour, then ten times as much at once.
/// let load = |index: i64| 500.0 + 20.0 * (index / 12 % 24) as f64 + (index * 7 % 13) as f64;
/// for index in 0..576 {
///     let seen = model.score(Timestamp::from_secs(300 * index), Some(load(index)))?;
///     assert!((0.0..=1.0).contains(&seen.score));
/// }
/// let seen = model.score(Timestamp::from_secs(300 * 576), Some(5000.0))?;
/// assert!(seen.is_anomaly && seen.p_value < 0.01);
/// assert_eq!(seen.kind, Some(AnomalyKind::Spike));
/// assert!(seen.expected.is_some_and(|expected| expected < 1500.0));
/// assert!(seen.reason.to_string().starts_with("5000 is a spike"));
///
/// let mut twin = Model::restore(&model.snapshot()?)?;
/// let next = Timestamp::from_secs(300 * 577);
/// assert_eq!(twin.score(next, Some(510.0))?, model.score(next, Some(510.0))?);
/// # Ok::<(), forescale::Error>(())
/// ```
#[derive(Debug)]
pub struct Model {
    settings: DetectorConfig,
    step: Duration,
    detector: Box<dyn Detector>,
    last: Option<Timestamp>,
}

/// What was said of many samples, one entry each.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scores {
    /// As [`Anomaly::score`].
    pub score: Vec<f64>,
    /// As [`Anomaly::p_value`].
    pub p_value: Vec<f64>,
    /// As [`Anomaly::is_anomaly`].
    pub is_anomaly: Vec<bool>,
    /// As [`Anomaly::kind`].
    pub kind: Vec<Option<AnomalyKind>>,
    /// As [`Anomaly::expected`]; NaN where it is not known.
    pub expected: Vec<f64>,
    /// As [`Anomaly::lower`]; NaN where it is not known.
    pub lower: Vec<f64>,
    /// As [`Anomaly::upper`]; NaN where it is not known.
    pub upper: Vec<f64>,
}

impl Scores {
    fn with_capacity(n: usize) -> Self {
        Self {
            score: Vec::with_capacity(n),
            p_value: Vec::with_capacity(n),
            is_anomaly: Vec::with_capacity(n),
            kind: Vec::with_capacity(n),
            expected: Vec::with_capacity(n),
            lower: Vec::with_capacity(n),
            upper: Vec::with_capacity(n),
        }
    }

    fn push(&mut self, seen: &Anomaly) {
        self.score.push(seen.score);
        self.p_value.push(seen.p_value);
        self.is_anomaly.push(seen.is_anomaly);
        self.kind.push(seen.kind);
        self.expected.push(seen.expected.unwrap_or(f64::NAN));
        self.lower.push(seen.lower.unwrap_or(f64::NAN));
        self.upper.push(seen.upper.unwrap_or(f64::NAN));
    }
}

impl Model {
    /// From the settings of a detector and the typical distance of two values.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if a setting is out of its range or the step
    /// is zero.
    pub fn new(settings: DetectorConfig, step: Duration) -> Result<Self, Error> {
        if step.is_zero() {
            return Err(Error::config("step", "is 0s, must be longer"));
        }
        let detector = settings.clone().build(step)?;
        Ok(Self { settings, step, detector, last: None })
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &DetectorConfig {
        &self.settings
    }

    /// The typical distance of two values.
    #[must_use]
    pub fn step(&self) -> Duration {
        self.step
    }

    /// Scores a value, then learns from it. `None`, NaN, an infinite value and one beyond 1e300 are
    /// missing. A time may come twice.
    ///
    /// # Errors
    /// [`ErrorKind::Observation`](crate::ErrorKind::Observation) if the time lies before the last
    /// one; nothing is learnt then.
    pub fn score(&mut self, at: Timestamp, value: Option<f64>) -> Result<Anomaly, Error> {
        self.check(&[at], 1)?;
        Ok(self.take(at, value))
    }

    /// Scores values one after the other, each by what is known from those before it.
    ///
    /// # Errors
    /// As [`score`](Self::score), and if the lengths differ; nothing is learnt then.
    pub fn score_many(
        &mut self,
        times: &[Timestamp],
        values: &[Option<f64>],
    ) -> Result<Scores, Error> {
        self.check(times, values.len())?;
        let mut scores = Scores::with_capacity(times.len());
        for (&at, &value) in times.iter().zip(values) {
            scores.push(&self.take(at, value));
        }
        Ok(scores)
    }

    fn take(&mut self, at: Timestamp, value: Option<f64>) -> Anomaly {
        self.last = Some(at);
        self.detector.score(Sample { at, value })
    }

    fn check(&self, times: &[Timestamp], n_values: usize) -> Result<(), Error> {
        if times.len() != n_values {
            let message = format!("has {n_values} entries, must have {} as `times`", times.len());
            return Err(Error::observation("values", message));
        }
        let before = self.last.into_iter().chain(times.iter().copied());
        let start = usize::from(self.last.is_none());
        let pairs = before.zip(times.iter().skip(start));
        if let Some(index) = pairs.into_iter().position(|(before, &at)| at < before) {
            let message = "lies before the time that came last, must not";
            return Err(Error::observation(format!("times[{}]", index + start), message));
        }
        Ok(())
    }

    /// Settings and state as JSON text in UTF-8.
    ///
    /// # Errors
    /// None at present: a built-in detector can always be written.
    pub fn snapshot(&self) -> Result<Vec<u8>, Error> {
        let snapshot = Snapshot {
            format: FORMAT.to_owned(),
            version: VERSION,
            settings: self.settings.clone(),
            step: self.step,
            detector: self.detector.save()?,
            last: self.last,
        };
        serde_json::to_vec(&snapshot)
            .map_err(|error| Error::snapshot(format!("cannot be written: {error}")))
    }

    /// Takes up a snapshot.
    ///
    /// # Errors
    /// [`ErrorKind::Snapshot`](crate::ErrorKind::Snapshot) if it is cut, damaged, of another
    /// version, or no snapshot of a detector.
    pub fn restore(snapshot: &[u8]) -> Result<Self, Error> {
        let value = opened(snapshot, FORMAT, VERSION)?;
        let damaged = |what: &str| Error::snapshot(format!("the snapshot is damaged: {what}"));
        let Snapshot { settings, step, detector, last, .. } = serde_json::from_value(value)
            .map_err(|error| damaged(&unlocated(&error.to_string()).1))?;
        let mut model = Self::new(settings, step).map_err(|error| damaged(&error.to_string()))?;
        model.detector.load(detector)?;
        Ok(Self { last, ..model })
    }
}

const FORMAT: &str = "forescale detector";
const VERSION: u64 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Snapshot {
    format: String,
    version: u64,
    settings: DetectorConfig,
    step: Duration,
    detector: Value,
    last: Option<Timestamp>,
}
