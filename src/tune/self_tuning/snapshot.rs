//! A self-tuning autoscaler as a value: written at any time, taken up again on any machine.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::likeness::Likeness;
use super::load_log::LoadLog;
use super::trial::Trial;
use super::{Event, SelfTuning, SelfTuningConfig};
use crate::catalog::opened;
use crate::series::Observation;
use crate::sim::Known;
use crate::time::Timestamp;
use crate::{Autoscaler, Error};

const FORMAT: &str = "forescale self-tuning autoscaler";
const VERSION: u64 = 1;

#[derive(Serialize, Deserialize)]
struct Snapshot {
    format: String,
    version: u64,
    autoscaler: Value,
    settings: SelfTuningConfig,
    likeness: Likeness,
    log: LoadLog,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    known: BTreeMap<String, Known>,
    lately: VecDeque<Observation>,
    trial: Option<Trial>,
    paused_until: Option<Timestamp>,
    events: VecDeque<Event>,
}

impl SelfTuning {
    /// Settings, state, record and events as JSON text in UTF-8.
    ///
    /// ```
    /// # let config = forescale::Config::from_text(r#"{"max_replicas": 9,
    /// #     "metrics": {"cpu": {"kind": "utilization"}},
    /// #     "policies": [{"kind": "target", "metric": "cpu", "target": 0.6}]}"#)?;
    /// use forescale::tune::{SelfTuning, SelfTuningConfig};
    ///
    /// let scaler = SelfTuning::new(config, SelfTuningConfig::default())?;
    /// let twin = SelfTuning::restore(&scaler.snapshot()?)?;
    /// assert_eq!(twin.snapshot()?, scaler.snapshot()?);
    /// # Ok::<(), forescale::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Snapshot`](crate::ErrorKind::Snapshot) if it cannot be written.
    pub fn snapshot(&self) -> Result<Vec<u8>, Error> {
        let autoscaler = serde_json::from_slice(&self.scaler.snapshot()?).map_err(unwritten)?;
        let snapshot = Snapshot {
            format: FORMAT.to_owned(),
            version: VERSION,
            autoscaler,
            settings: self.settings.clone(),
            likeness: self.likeness.clone(),
            log: self.log.clone(),
            known: self.known.clone(),
            lately: self.lately.clone(),
            trial: self.trial.clone(),
            paused_until: self.paused_until,
            events: self.events.clone(),
        };
        serde_json::to_vec(&snapshot).map_err(unwritten)
    }

    /// Takes up a snapshot.
    ///
    /// # Errors
    /// [`ErrorKind::Snapshot`](crate::ErrorKind::Snapshot) if it is cut, damaged, of another
    /// version, or no snapshot of this.
    pub fn restore(snapshot: &[u8]) -> Result<Self, Error> {
        let damaged = |error: &dyn std::fmt::Display| {
            Error::snapshot(format!("the snapshot is damaged: {error}"))
        };
        let opened = opened(snapshot, FORMAT, VERSION)?;
        let saved: Snapshot = serde_json::from_value(opened).map_err(|error| damaged(&error))?;
        let Snapshot { autoscaler, settings, likeness, log, lately, trial, .. } = saved;
        let (paused_until, events, known) = (saved.paused_until, saved.events, saved.known);
        settings.check().map_err(|error| damaged(&error))?;
        if !log.is_of(settings.step, settings.record) {
            return Err(damaged(&"its record is of other settings"));
        }
        let scaler = Autoscaler::restore(&serde_json::to_vec(&autoscaler).map_err(unwritten)?)?;
        if !scaler.config().metrics.contains_key(likeness.load()) {
            return Err(damaged(&"its load is no metric of its settings"));
        }
        if let Some(trial) = &trial {
            Autoscaler::new(trial.other.clone()).map_err(|error| damaged(&error))?;
        }
        Ok(Self { scaler, settings, likeness, log, known, lately, trial, paused_until, events })
    }
}

fn unwritten(error: serde_json::Error) -> Error {
    Error::snapshot(format!("cannot be written: {error}"))
}
