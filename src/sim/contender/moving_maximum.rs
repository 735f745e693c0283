//! As many replicas as the highest load of the last while needs.

use serde::{Deserialize, Serialize};

use super::law;
use crate::explain::{Code, Reason};
use crate::policy::{Policy, Proposal, View};
use crate::series::TimedMax;
use crate::time::{Duration, Timestamp};

const MOVING_MAXIMUM: Code = Code::new(
    "moving_maximum",
    "the highest load of the last {window_seconds} s is {load}, at {load_per_replica} a replica",
);

/// The maximum of the load over a moving window, as the recommender of Autopilot with the statistic
/// `max` (Rzadca et al. 2020, section 3.2), for the number of replicas.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct MovingMaximum {
    metric: String,
    load_per_replica: f64,
    window: Duration,
    seen: TimedMax,
}

impl MovingMaximum {
    /// `load_per_replica` is what a replica is to carry; the history ends where the replay begins.
    pub(super) fn new(
        metric: &str,
        load_per_replica: f64,
        window: Duration,
        history: impl Iterator<Item = (Timestamp, f64)>,
    ) -> Self {
        let mut seen = TimedMax::new(window, Duration::from_secs(60));
        history.for_each(|(at, load)| seen.record(at, load));
        Self { metric: metric.into(), load_per_replica, window, seen }
    }
}

impl Policy for MovingMaximum {
    fn propose(&mut self, view: &View<'_>) -> Result<Proposal, Reason> {
        let load = view.value(&self.metric);
        if let Ok(load) = load {
            self.seen.record(view.at, load);
        }
        // A reading that is missing changes nothing of what was seen.
        let most = self.seen.max().map_or(load, Ok)?;
        let window = ("window_seconds", self.window.as_secs_f64());
        let carries = ("load_per_replica", self.load_per_replica);
        let reason = Reason::new(MOVING_MAXIMUM, [window, ("load", most), carries]);
        Ok(law(most / self.load_per_replica, reason))
    }

    fn metric(&self) -> Option<&str> {
        Some(&self.metric)
    }
}
