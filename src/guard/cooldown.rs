//! After a change, no further one for a while.
//!
//! In: each proposal and each decision with its time. Out: the current replicas while it cools
//! down. The waits count from the last change in either direction, as the Datadog watermark
//! autoscaler's forbidden windows do.

use serde::{Deserialize, Serialize};

use super::Guard;
use crate::Error;
use crate::explain::{Reason, codes};
use crate::time::{Duration, Timestamp};

/// Holds for a while after each change, the longer the riskier the direction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cooldown {
    settings: Config,
    last_change: Option<Timestamp>,
}

impl Cooldown {
    /// From its settings.
    ///
    /// # Errors
    /// None at present.
    pub fn new(settings: Config) -> Result<Self, Error> {
        Ok(Self { settings, last_change: None })
    }
}

impl Guard for Cooldown {
    fn hold(&mut self, at: Timestamp, current: u32, proposed: u32) -> (u32, Option<Reason>) {
        let wait =
            if proposed > current { self.settings.scale_up } else { self.settings.scale_down };
        let Some(last) = self.last_change.map(|last| last.min(at)) else { return (proposed, None) };
        let passed = at.since(last);
        if proposed == current || passed >= wait {
            return (proposed, None);
        }
        let left = wait.as_secs_f64() - passed.as_secs_f64();
        (current, Some(Reason::new(codes::COOLDOWN, [("left_seconds", left)])))
    }

    fn decided(&mut self, at: Timestamp, current: u32, replicas: u32) {
        if replicas != current {
            self.last_change = Some(at);
        }
    }
}

/// Settings of [`Cooldown`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// No scale-up within this time after any change.
    pub scale_up: Duration,
    /// No scale-down within this time after any change.
    pub scale_down: Duration,
}

impl Default for Config {
    fn default() -> Self {
        // As the Datadog watermark autoscaler.
        Self { scale_up: Duration::from_secs(60), scale_down: Duration::from_secs(300) }
    }
}
