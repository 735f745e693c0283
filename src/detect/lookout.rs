//! One metric's detector, fed by readings at any times.
//!
//! In: readings of the total load. Out: the alarm of a step that has just closed. Knows no detector.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Anomaly, Detector, DetectorConfig};
use crate::Error;
use crate::series::Resampler;
use crate::time::{Duration, Timestamp};

/// Averages readings over minutes and has each minute scored.
///
/// ```
/// use forescale::detect::{AnomalyKind, DetectorConfig, Lookout};
/// use forescale::Timestamp;
///
/// let mut lookout = Lookout::new(DetectorConfig::default())?;
/// for tick in 0..2000 {
///     let load = if tick < 1996 { 100.0 + f64::from(tick * 7 % 5) } else { 900.0 };
///     let alarm = lookout.observe(Timestamp::from_secs(15 * i64::from(tick)), Some(load));
///     assert!(alarm.is_none());
/// }
/// // The minute of the last four readings closes.
/// let alarm = lookout.observe(Timestamp::from_secs(15 * 2000), Some(900.0)).expect("an alarm");
/// assert_eq!((alarm.kind, alarm.value), (Some(AnomalyKind::Spike), Some(900.0)));
/// # Ok::<(), forescale::Error>(())
/// ```
#[derive(Debug)]
pub struct Lookout {
    resampler: Resampler,
    detector: Box<dyn Detector>,
}

impl Lookout {
    /// Readings are averaged over so long.
    pub const STEP: Duration = Duration::from_secs(60);

    /// From the settings of a detector.
    ///
    /// # Errors
    /// If a setting is out of its range.
    pub fn new(settings: DetectorConfig) -> Result<Self, Error> {
        let detector = settings.build(Self::STEP)?;
        Ok(Self { resampler: Resampler::new(Self::STEP), detector })
    }

    /// Feeds one reading (`None`: no reading now); the alarm of a step that it closes, if any.
    pub fn observe(&mut self, at: Timestamp, load: Option<f64>) -> Option<Anomaly> {
        let Self { resampler, detector } = self;
        let mut alarm = None;
        resampler.push(at, load.filter(|load| load.is_finite()), |sample| {
            let seen = detector.score(sample);
            if seen.is_anomaly {
                alarm = Some(seen);
            }
        });
        alarm
    }

    /// Goes on from a clock that was set back.
    pub fn rebase(&mut self, at: Timestamp) {
        self.resampler.rebase(at);
    }

    /// The state as a JSON value, for a snapshot.
    ///
    /// # Errors
    /// If it cannot be written as JSON.
    pub fn save(&self) -> Result<Value, Error> {
        let saved = Saved { resampler: self.resampler.clone(), detector: self.detector.save()? };
        serde_json::to_value(saved)
            .map_err(|error| Error::snapshot(format!("cannot be written: {error}")))
    }

    /// Takes over what [`save`](Self::save) wrote.
    ///
    /// # Errors
    /// If `saved` is not of such a one; this one is then unchanged.
    pub fn load(&mut self, saved: Value) -> Result<(), Error> {
        let saved: Saved = serde_json::from_value(saved).map_err(|error| {
            Error::snapshot(format!("holds a detector that is damaged: {error}"))
        })?;
        if saved.resampler.step() != Self::STEP {
            return Err(Error::snapshot("holds a detector on another step"));
        }
        self.detector.load(saved.detector)?;
        self.resampler = saved.resampler;
        Ok(())
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    resampler: Resampler,
    detector: Value,
}
