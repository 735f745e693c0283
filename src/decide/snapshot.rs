//! An autoscaler as a value: written at any time, taken up again on any machine.
//!
//! The snapshot is JSON text, so that a host can keep it where it keeps its own state.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Autoscaler, State};
use crate::Error;
use crate::capacity::LeadTimeConfig;
use crate::combine::Voter;
use crate::config::Config;
use crate::zero;

const FORMAT: &str = "forescale snapshot";
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Snapshot {
    format: String,
    version: u32,
    config: Value,
    state: State,
    capacity: Option<Value>,
    /// Where it is learnt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lead_time: Option<Value>,
    /// One a metric, in the order of their names; none in snapshots from before there were any.
    #[serde(default)]
    screens: Vec<Value>,
    /// Of the metrics that have a detector, in the order of their names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    lookouts: Vec<Value>,
    outlooks: Vec<Value>,
    policies: Vec<Value>,
    guards: Vec<Value>,
    zero: Option<zero::State>,
}

impl Autoscaler {
    /// Settings and state as JSON text in UTF-8.
    ///
    /// ```
    /// # let config = r#"{"max_replicas": 9, "metrics": {"cpu": {"kind": "utilization"}},
    /// #     "policies": [{"kind": "target", "metric": "cpu", "target": 0.6}]}"#;
    /// use forescale::Autoscaler;
    ///
    /// let scaler = Autoscaler::from_text(config)?;
    /// let twin = Autoscaler::restore(&scaler.snapshot()?)?;
    /// assert_eq!(twin.snapshot()?, scaler.snapshot()?);
    /// # Ok::<(), forescale::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Snapshot`](crate::ErrorKind::Snapshot) if a host's own member cannot be written.
    pub fn snapshot(&self) -> Result<Vec<u8>, Error> {
        let snapshot = Snapshot {
            format: FORMAT.to_owned(),
            version: VERSION,
            config: self.config.given()?,
            state: self.state.clone(),
            capacity: self.capacity.as_ref().map(|capacity| capacity.save()).transpose()?,
            lead_time: self.lead_time.save()?,
            screens: self
                .screens
                .iter()
                .map(|(_, screen)| screen.save())
                .collect::<Result<_, _>>()?,
            lookouts: (self.lookouts.iter())
                .map(|(_, (_, lookout))| lookout.save())
                .collect::<Result<_, _>>()?,
            outlooks: self
                .outlooks
                .iter()
                .map(|outlook| outlook.save())
                .collect::<Result<_, _>>()?,
            policies: self.voters.iter().map(Voter::save).collect::<Result<_, _>>()?,
            guards: self.guards.iter().map(|(_, guard)| guard.save()).collect::<Result<_, _>>()?,
            zero: self.zero.as_ref().map(zero::Zero::state),
        };
        serde_json::to_vec(&snapshot)
            .map_err(|error| Error::snapshot(format!("cannot be written: {error}")))
    }

    /// Takes up a snapshot of an autoscaler whose members are all built in.
    ///
    /// # Errors
    /// [`ErrorKind::Snapshot`](crate::ErrorKind::Snapshot) if it is cut, damaged, of another
    /// version, or no snapshot at all.
    pub fn restore(snapshot: &[u8]) -> Result<Self, Error> {
        let parsed = Snapshot::parse(snapshot)?;
        let config = Config::from_value(parsed.config.clone()).map_err(|error| {
            Error::snapshot(format!("holds settings that are refused: {error}"))
        })?;
        let mut scaler = Self::new(config).map_err(|error| {
            Error::snapshot(format!("holds settings that are refused: {error}"))
        })?;
        scaler.take_up(parsed)?;
        Ok(scaler)
    }

    /// Takes the state of a snapshot over into an autoscaler that was built in the same way, with
    /// the host's own members added in the same order. Limits, mode and zero may differ; those of
    /// this autoscaler hold.
    ///
    /// # Errors
    /// As [`restore`](Self::restore), and if the two differ in their members or the settings of them; `self` is then to be
    /// thrown away.
    pub fn resume(&mut self, snapshot: &[u8]) -> Result<(), Error> {
        let parsed = Snapshot::parse(snapshot)?;
        let saved = Config::from_value(parsed.config.clone()).map_err(|error| {
            Error::snapshot(format!("holds settings that are refused: {error}"))
        })?;
        let same_lead_time = match (&saved.lead_time, &self.config.lead_time) {
            (LeadTimeConfig::Fixed(_), LeadTimeConfig::Fixed(_)) => true,
            (saved, own) => saved == own,
        };
        // Members take their settings from the snapshot, so others here would silently not count.
        let same = [
            ("metrics", saved.metrics == self.config.metrics),
            ("capacity", saved.capacity == self.config.capacity),
            ("lead_time", same_lead_time),
            ("policies", saved.policies == self.config.policies),
            ("guards", saved.guards == self.config.guards),
        ];
        if let Some((field, _)) = same.iter().find(|(_, same)| !same) {
            let message = format!("holds other `{field}` than the settings of this autoscaler");
            return Err(Error::snapshot(message));
        }
        self.take_up(parsed)
    }

    fn take_up(&mut self, snapshot: Snapshot) -> Result<(), Error> {
        let Snapshot {
            state,
            capacity,
            lead_time,
            screens,
            lookouts,
            outlooks,
            policies,
            guards,
            zero,
            ..
        } = snapshot;
        let counts = [
            ("policies", self.voters.len(), policies.len()),
            ("guards", self.guards.len(), guards.len()),
            ("forecasts", self.outlooks.len(), outlooks.len()),
            ("capacities", usize::from(self.capacity.is_some()), usize::from(capacity.is_some())),
        ];
        for (what, have, saved) in counts {
            if have != saved {
                let message = format!("holds {saved} {what}, this autoscaler has {have}");
                return Err(Error::snapshot(message));
            }
        }
        if !screens.is_empty() && screens.len() != self.screens.len() {
            let (have, saved) = (self.screens.len(), screens.len());
            let message = format!("holds {saved} screens, this autoscaler has {have}");
            return Err(Error::snapshot(message));
        }
        if lookouts.len() != self.lookouts.len() {
            let (have, saved) = (self.lookouts.len(), lookouts.len());
            let message = format!("holds {saved} detectors, this autoscaler has {have}");
            return Err(Error::snapshot(message));
        }
        for ((_, (_, own)), saved) in self.lookouts.iter_mut().zip(lookouts) {
            own.load(saved)?;
        }
        for ((_, own), saved) in self.screens.iter_mut().zip(screens) {
            own.load(saved)?;
        }
        if let (Some(own), Some(saved)) = (&mut self.capacity, capacity) {
            own.load(saved)?;
        }
        self.lead_time.load(lead_time)?;
        for (own, saved) in self.outlooks.iter_mut().zip(outlooks) {
            own.load(saved)?;
            own.follow(self.lead_time.in_force());
        }
        for (own, saved) in self.voters.iter_mut().zip(policies) {
            own.load(saved)?;
        }
        for ((_, own), saved) in self.guards.iter_mut().zip(guards) {
            own.load(saved)?;
        }
        if let (Some(own), Some(saved)) = (&mut self.zero, zero) {
            own.take_up(saved);
        }
        self.state = state;
        Ok(())
    }
}

impl Snapshot {
    /// Reads the head first, so that a foreign or newer text is called what it is.
    fn parse(text: &[u8]) -> Result<Self, Error> {
        let value: Value = serde_json::from_slice(text).map_err(|error| {
            let what = if error.is_eof() { "is cut off" } else { "is not JSON" };
            Error::snapshot(format!("the snapshot {what}: {error}"))
        })?;
        if value.get("format").and_then(Value::as_str) != Some(FORMAT) {
            return Err(Error::snapshot("the text is no snapshot of an autoscaler"));
        }
        match value.get("version").and_then(Value::as_u64) {
            Some(version) if version == u64::from(VERSION) => {}
            version => {
                let version = version.map_or("unknown".to_owned(), |version| version.to_string());
                let message = format!("the snapshot's version is {version}, must be {VERSION}");
                return Err(Error::snapshot(message));
            }
        }
        serde_json::from_value(value)
            .map_err(|error| Error::snapshot(format!("the snapshot is damaged: {error}")))
    }
}
