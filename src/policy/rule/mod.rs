//! A fixed adjustment once a metric has breached a threshold for a while.
//!
//! In: one metric's value, the present replicas, and what was decided. Out: the replicas after the
//! adjustment while the breach lasts, else no opinion. Knows nothing of limits nor of other rules.
//!
//! The law is that of a scaling rule of the Cloud Foundry app autoscaler (February 2026);
//! [`adjustment`] its
//! arithmetic. A rule that is not breached has no opinion, so that rules for growth and for
//! shrinking stand side by side. The policy differs from Cloud Foundry in these points:
//!
//! - There the first rule in the list that is breached acts; here, of several, the one that asks
//!   for most replicas.
//! - There the cooldown is that of the rule that acted, and holds all rules; here each rule waits
//!   for its own, after any change this autoscaler decided on, one made by a schedule included.
//! - There the values are whole numbers. There a hole in the readings ends no breach as long as one
//!   reading is older than the breach and less than twice as old; here a hole longer than
//!   `breach_duration` begins it anew (readings must come more often than that), and so does a clock that steps back.
//! - A metric that cannot be read stops the shrinking that others want if the rule would grow.
//!
//! As AWS simple scaling with `n` evaluation periods and a reading each: a `breach_duration` of a
//! little less than `n - 1` periods, as the breach must last for longer; a percentage rounds
//! differently there.
//! As an Azure rule: there the mean over the time window is compared, here every reading of
//! `breach_duration`; there replicas go only if all rules for shrinking are breached, here the rule
//! that takes least wins.

pub mod adjustment;

use serde::{Deserialize, Serialize};

use self::adjustment::Adjustment;
use super::{Policy, Proposal, View, Want};
use crate::Error;
use crate::explain::{Reason, codes};
use crate::series::MetricKind;
use crate::time::{Duration, Timestamp};

/// Moves the replicas by a fixed adjustment once every reading of a while breaches a threshold,
/// then waits.
///
/// ```
/// use forescale::policy::PolicyConfig;
///
/// let text = r#"{"kind": "rule", "metric": "cpu", "operator": ">", "threshold": 0.8,
///                "breach_duration": "2m", "cool_down": "5m", "adjustment": "+1"}"#;
/// let settings: PolicyConfig = serde_json::from_str(text).expect("these are settings");
/// assert_eq!(settings.build()?.metric(), Some("cpu"));
/// # Ok::<(), forescale::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct Rule {
    settings: Config,
    watch: Option<Watch>,
    last_change: Option<Timestamp>,
}

/// What is known of the breach.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Watch {
    /// The last reading within the threshold; before there is one, the first reading of all.
    since: Timestamp,
    last: Timestamp,
}

impl Rule {
    /// From its settings.
    ///
    /// # Errors
    /// If the metric has no name or the threshold is not finite.
    pub fn new(settings: Config) -> Result<Self, Error> {
        if settings.metric.is_empty() {
            return Err(Error::config("metric", "is empty, must be the name of a metric"));
        }
        if !settings.threshold.is_finite() {
            let message = format!("is {}, must be a finite number", settings.threshold);
            return Err(Error::config("threshold", message));
        }
        Ok(Self { settings, watch: None, last_change: None })
    }

    /// Takes in a reading; since when every reading has breached, the reading before them included.
    fn note(&mut self, at: Timestamp, is_breach: bool) -> Timestamp {
        let hole = self.settings.breach_duration;
        let kept = self.watch.filter(|watch| {
            is_breach && watch.last <= at && (hole.is_zero() || at.since(watch.last) <= hole)
        });
        let since = kept.map_or(at, |watch| watch.since);
        self.watch = Some(Watch { since, last: at });
        since
    }
}

impl Policy for Rule {
    fn propose(&mut self, view: &View<'_>) -> Result<Proposal, Reason> {
        let Config { threshold, operator, adjustment, breach_duration, cool_down, .. } =
            self.settings;
        let measured = match view.value(&self.settings.metric) {
            Ok(measured) => measured,
            Err(reason) if adjustment.grows() => {
                return Ok(Proposal { want: Want::NotFewer, wish: None, demand: None, reason });
            }
            Err(reason) => return Err(reason),
        };
        let is_breach = operator.holds(measured, threshold);
        let since = self.note(view.at, is_breach);
        let facts = [("measured", measured), ("threshold", threshold)];
        if !is_breach {
            return Err(Reason::new(codes::NOT_BREACHED, facts));
        }
        let [measured, threshold] = facts;
        let wanted = ("breach_seconds", breach_duration.as_secs_f64());
        let lasted = view.at.since(since);
        let breached = ("breached_seconds", lasted.as_secs_f64());
        // Longer, not as long: Cloud Foundry wants a reading from before the breach's beginning.
        if !breach_duration.is_zero() && lasted <= breach_duration {
            let facts = [measured, threshold, breached, wanted];
            return Err(Reason::new(codes::BREACH_TOO_SHORT, facts));
        }
        // After a clock that stepped back, the wait is counted from there, not from the future.
        self.last_change = self.last_change.map(|last| last.min(view.at));
        let passed = self.last_change.map(|last| view.at.since(last));
        if let Some(passed) = passed.filter(|&passed| passed < cool_down) {
            let left = cool_down.as_secs_f64() - passed.as_secs_f64();
            return Err(Reason::new(codes::COOLDOWN, [("left_seconds", left)]));
        }
        let replicas = adjustment.apply(view.replicas.current());
        let reason = Reason::new(codes::BREACHED, [measured, threshold, breached, wanted]);
        Ok(Proposal { want: Want::Replicas(replicas), wish: None, demand: None, reason })
    }

    fn decided(&mut self, at: Timestamp, current: u32, replicas: u32) {
        if replicas != current {
            self.last_change = Some(at);
        }
    }

    fn metric(&self) -> Option<&str> {
        Some(&self.settings.metric)
    }

    fn check(&self, kind: MetricKind) -> Result<(), Error> {
        super::check_utilization(kind, "threshold", self.settings.threshold)
    }
}

/// What a snapshot holds, before it is trusted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    settings: Config,
    watch: Option<Watch>,
    last_change: Option<Timestamp>,
}

impl TryFrom<Stored> for Rule {
    type Error = Error;

    fn try_from(Stored { settings, watch, last_change }: Stored) -> Result<Self, Error> {
        if watch.is_some_and(|watch| watch.since > watch.last) {
            return Err(Error::snapshot("holds a breach that began after its last reading"));
        }
        Ok(Self { watch, last_change, ..Self::new(settings)? })
    }
}

/// Settings of [`Rule`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The metric it reads.
    pub metric: String,
    /// How the metric compares with the threshold when it breaches it.
    pub operator: Operator,
    /// The value that is breached, in the metric's unit; for a utilization a ratio.
    pub threshold: f64,
    /// Every reading must have breached for longer than this; at 0 the reading now suffices. Default: 2
    /// minutes, as Cloud Foundry's `breach_duration_secs`.
    #[serde(default = "default_breach_duration")]
    pub breach_duration: Duration,
    /// No action within this time after a change of this autoscaler's; from 0 up. Default: 5
    /// minutes, as Cloud Foundry's `cool_down_secs`.
    #[serde(default = "default_cool_down")]
    pub cool_down: Duration,
    /// What is done: `"+1"`, `"-2"`, `"+50%"`, `"-10%"`.
    pub adjustment: Adjustment,
}

fn default_breach_duration() -> Duration {
    Duration::from_secs(120)
}

fn default_cool_down() -> Duration {
    Duration::from_secs(300)
}

/// How a metric compares with a threshold that it breaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Operator {
    /// Above it.
    #[serde(rename = ">")]
    Above,
    /// At it or above.
    #[serde(rename = ">=")]
    AtLeast,
    /// Below it.
    #[serde(rename = "<")]
    Below,
    /// At it or below.
    #[serde(rename = "<=")]
    AtMost,
}

impl Operator {
    /// Whether `value` breaches `threshold`; what is not a number breaches nothing.
    #[must_use]
    pub fn holds(self, value: f64, threshold: f64) -> bool {
        match self {
            Self::Above => value > threshold,
            Self::AtLeast => value >= threshold,
            Self::Below => value < threshold,
            Self::AtMost => value <= threshold,
        }
    }
}

#[cfg(test)]
mod tests;
