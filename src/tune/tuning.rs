//! What a search has found.

use serde::Serialize;
use serde_json::Value;

use super::expect::Expected;
use super::options::{Objective, Outcome};
use super::space::Change;
use crate::config::Config;
use crate::gpu::Seconds;
use crate::sim::Settings;
use crate::time::Timestamp;
use crate::{Error, Reason};

/// What a search has found: the front, a recommendation, and what to expect of each.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tuning {
    /// The name of the trace.
    pub trace: String,
    /// The settings of the plant, with the load per replica filled in.
    pub settings: Settings,
    /// What was best.
    pub objective: Objective,
    /// The part of the trace on which settings were chosen; before it forecasts only learnt.
    pub selected: Part,
    /// The part that was kept apart, on which it is told what to expect.
    pub told: Part,
    /// Whether it was interrupted; what is there then rests on less.
    pub is_partial: bool,
    /// Settings that were tried, beside the current ones.
    pub n_tried: usize,
    /// Settings that the space allows and the configuration does not; they were passed over.
    pub n_refused: usize,
    /// What replayed settings beside the processor: the adapter's name, or `cpu` where none did.
    pub device: String,
    /// Settings that were replayed on that device; of them, whoever leads once more by the live code.
    pub n_on_device: usize,
    /// Why the first of the others was not, where a device was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_on_device: Option<String>,
    /// How far the figures of that device were off at most, of those who were replayed once more: it
    /// rounds. None where nobody was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub off_by: Option<Outcome>,
    /// The time of transfer and kernel, each by itself, where the device has a clock.
    #[serde(skip)]
    pub device_seconds: Option<Seconds>,
    /// The settings as they are.
    pub current: Tried,
    /// What can be had at which violations: the lower convex hull of all that came to the end of the
    /// part they were chosen on, the fewest violations first.
    pub front: Vec<Tried>,
    /// What is best by the objective; the current settings where nothing proved better.
    pub recommended: Tried,
    /// Why.
    pub reason: Reason,
}

/// A part of the trace.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Part {
    /// Its start.
    pub start: Timestamp,
    /// Its end.
    pub end: Timestamp,
}

/// Settings that were tried.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tried {
    /// The whole configuration; [`Config::from_text`] reads its text.
    pub config: Value,
    /// What differs from the current settings.
    pub changes: Vec<Change>,
    /// How it did on the part on which settings were chosen; the best of many is there better than it
    /// will be.
    pub selected: Outcome,
    /// What to expect: its figures on the part kept apart. None where the search was interrupted before.
    pub expected: Option<Expected>,
}

impl Tuning {
    /// Whether something else than the current settings is recommended.
    #[must_use]
    pub fn is_change(&self) -> bool {
        self.recommended != self.current
    }

    /// The tuning as JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("plain numbers and texts can be written")
    }
}

impl Tried {
    /// The settings, to build an [`Autoscaler`](crate::Autoscaler) of.
    ///
    /// # Errors
    /// None that is known, as they have been built before.
    pub fn config(&self) -> Result<Config, Error> {
        Config::from_value(self.config.clone())
    }
}
