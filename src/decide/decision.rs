//! The answer to one observation.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::explain::{Reason, Step};
use crate::guard::GuardConfig;
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

    /// The steps of those that wanted a number: the policies, in their order.
    ///
    /// ```
    /// use forescale::{Autoscaler, Observation, Timestamp};
    ///
    /// let mut scaler = Autoscaler::from_text(
    ///     r#"{"max_replicas": 60, "metrics": {"cpu": {"kind": "utilization"}},
    ///         "policies": [{"kind": "target", "metric": "cpu", "target": 0.2}]}"#,
    /// )?;
    /// let seen = Observation::at(Timestamp::from_secs(0)).ready(6).metric("cpu", 0.9);
    /// let decision = scaler.decide(&seen);
    /// let told = |step: &forescale::Step| (step.by.to_string(), step.replicas);
    /// assert_eq!(decision.wanted().map(told).collect::<Vec<_>>(), [("target(cpu)".into(), Some(27))]);
    /// assert_eq!(decision.held().map(told).collect::<Vec<_>>(), [("rate".into(), Some(12))]);
    /// # Ok::<(), forescale::Error>(())
    /// ```
    pub fn wanted(&self) -> impl Iterator<Item = &Step> {
        const STAGES: [&str; 2] = ["observation", "combine"];
        self.steps
            .iter()
            .filter(|step| step.replicas.is_some() && !STAGES.contains(&kind(step)) && !holds(step))
    }

    /// The steps of those that kept another number than came to them: guards, zero, the limits and the
    /// mode. A guard of the host's own is told where it has the name of a built-in kind.
    pub fn held(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| holds(step) && step.replicas != Some(step.before))
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

/// The kind of who spoke: `rate` of `target(cpu).rate#2`.
fn kind(step: &Step) -> &str {
    let name = step.by.rsplit_once('.').map_or(&*step.by, |(_, kind)| kind);
    name.split(['#', '(']).next().unwrap_or(name)
}

/// Whether it is one that only holds back.
fn holds(step: &Step) -> bool {
    const STAGES: [&str; 3] = ["zero", "limits", "mode"];
    STAGES.contains(&kind(step)) || GuardConfig::KINDS.contains(&kind(step))
}
