//! The answer to one observation.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::explain::{Reason, Step};
use crate::time::Timestamp;

/// Whether decisions are acted upon.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Decides and tells, moves nothing.
    Observe,
    /// Never takes a replica away.
    ScaleUpOnly,
    /// Both directions.
    #[default]
    On,
}

/// The answer to one observation: replicas, and every step on the way to them.
///
/// Its JSON is the same, byte for byte, in Rust, Python and Node.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Decision {
    /// The time of the observation.
    pub at: Timestamp,
    /// The replicas the workload was asked to have before.
    pub current: u32,
    /// The replicas it should have now.
    pub replicas: u32,
    /// The highest proposal, unrounded; `None` if no policy had an opinion.
    pub wish: Option<f64>,
    /// The mode it was made in.
    pub mode: Mode,
    /// Every stage that spoke, in order.
    pub steps: Vec<Step>,
}

impl Decision {
    /// One English sentence: what is done and why, with the numbers.
    #[must_use]
    pub fn explain(&self) -> String {
        let Self { current, replicas, .. } = *self;
        let noun = |n: u32| if n == 1 { "replica" } else { "replicas" };
        let mut sentence = match replicas.cmp(&current) {
            std::cmp::Ordering::Greater => {
                format!("Scale up from {current} to {replicas} {}", noun(replicas))
            }
            std::cmp::Ordering::Less => {
                format!("Scale down from {current} to {replicas} {}", noun(replicas))
            }
            std::cmp::Ordering::Equal => format!("Stay at {current} {}", noun(current)),
        };
        let mut gap = ": ";
        for Step { by, replicas, reason, .. } in &self.steps {
            let clause = match replicas {
                None => format!("{by} says nothing, as {reason}"),
                Some(replicas) => format!("{by} says {replicas}, as {reason}"),
            };
            sentence.push_str(gap);
            sentence.push_str(&clause);
            gap = "; ";
        }
        sentence.push('.');
        sentence
    }

    /// The decision as JSON text, without line breaks.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a decision has text keys and plain numbers only")
    }

    /// Empties it for the next observation and keeps its memory.
    pub(super) fn begin(&mut self, at: Timestamp, current: u32, mode: Mode) {
        let mut steps = std::mem::take(&mut self.steps);
        steps.clear();
        *self = Self { at, current, replicas: current, wish: None, mode, steps };
    }

    pub(super) fn step(
        &mut self,
        by: &Arc<str>,
        before: u32,
        replicas: Option<u32>,
        reason: Reason,
    ) {
        self.steps.push(Step { by: Arc::clone(by), before, replicas, reason });
    }
}
