//! One adjustment, then a wait: exactly the simple scaling of AWS.
//!
//! In: one metric's periods, the size and what was decided. Out: the adjusted size while the alarm
//! is on, or no opinion. Knows nothing of steps and of warm-up; grows or shrinks, so most workloads
//! have two of them.
//!
//! The law is that of EC2 Auto Scaling (its user guide as last published in the open, June 2023): when the [alarm](super::alarm) is on, the
//! [adjustment](super::adjustment) is applied to the present size; then nothing more is done until
//! the activity is over and the cooldown, counted from when the replicas were launched, has passed.
//!
//! Where it differs, or where AWS does not tell:
//!
//! - An activity that adds replicas takes the lead time; one that takes away is over at once.
//! - The wait follows any change that was decided, whoever asked for it, and lasts for this policy's
//!   own cooldown; there it follows the activities of simple scaling, and lasts for the cooldown of
//!   the policy that acted. Others are not held up by it, as there.
//! - Within a period the same size is asked for again until the period ends, so that a guard may
//!   delay it.

use serde::{Deserialize, Serialize};

use super::adjustment::{Action, Adjustment};
use super::alarm::{
    Comparison, MissingData, Rule, Watch, a_minute, five_minutes, own_trouble, three,
};
use super::{Policy, Proposal, View, check_utilization};
use crate::Error;
use crate::explain::{Reason, codes};
use crate::series::MetricKind;
use crate::time::{Duration, Timestamp};

/// Adjusts the size once and waits for the cooldown, as AWS's simple scaling does.
///
/// ```
/// use forescale::policy::PolicyConfig;
///
/// let text = r#"{"kind": "simple", "metric": "cpu", "threshold": 0.9, "comparison": "above", "by": 1}"#;
/// let settings: PolicyConfig = serde_json::from_str(text).expect("these are settings");
/// assert_eq!(settings.build()?.metric(), Some("cpu"));
/// # Ok::<(), forescale::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct SimpleScaling {
    settings: Config,
    watch: Watch,
    /// What this period asks for; `None` if nothing yet.
    action: Option<Action>,
    last_change: Option<Change>,
    #[serde(skip_serializing)]
    rule: Rule,
}

/// The last change that was decided.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    at: Timestamp,
    added: bool,
}

impl SimpleScaling {
    /// From its settings.
    ///
    /// # Errors
    /// If a setting is out of its range.
    pub fn new(settings: Config) -> Result<Self, Error> {
        let rule = settings.rule()?;
        let watch = Watch::new(&rule, settings.period);
        Ok(Self { settings, watch, action: None, last_change: None, rule })
    }

    /// The reason to wait, if it must.
    fn check_cooldown(&mut self, view: &View<'_>) -> Result<(), Reason> {
        let Some(change) = &mut self.last_change else { return Ok(()) };
        // After a clock that stepped back, the wait is counted from there, not from the future.
        change.at = change.at.min(view.at);
        let activity = if change.added { view.lead_time } else { Duration::ZERO };
        let left = (change.at + self.settings.cooldown.max(activity)).since(view.at);
        if left.is_zero() {
            return Ok(());
        }
        Err(Reason::new(codes::COOLDOWN, [("left_seconds", left.as_secs_f64())]))
    }
}

impl Policy for SimpleScaling {
    fn propose(&mut self, view: &View<'_>) -> Result<Proposal, Reason> {
        let value = view.value(&self.settings.metric);
        if self.watch.push(view.at, &self.rule, value.ok()) {
            self.action = None;
        }
        let waiting = self.check_cooldown(view);
        self.watch.check_alarm(&self.rule).map_err(|reason| own_trouble(reason, value))?;
        waiting?;
        let Config { adjustment, by, min_adjustment, threshold, .. } = self.settings;
        let from = view.replicas.current();
        let to = adjustment.apply(from, by, min_adjustment);
        let action = *self.action.get_or_insert(Action { from, to });
        let reason = match self.watch.means().find_map(|mean| mean) {
            Some(measured) => {
                let facts =
                    [("measured", measured), ("threshold", threshold), ("by", f64::from(by))];
                Reason::new(codes::BEYOND_THRESHOLD, facts)
            }
            // Missing data counts as breaching.
            None => Reason::new(codes::METRIC_MISSING, []),
        };
        Ok(Proposal::replicas(action.now(from), reason))
    }

    fn decided(&mut self, at: Timestamp, current: u32, replicas: u32) {
        if replicas != current {
            self.last_change = Some(Change { at, added: replicas > current });
        }
    }

    fn name(&self) -> Option<&str> {
        self.settings.name.as_deref()
    }

    fn metric(&self) -> Option<&str> {
        Some(&self.settings.metric)
    }

    fn check(&self, kind: MetricKind) -> Result<(), Error> {
        check_utilization(kind, "threshold", self.rule.threshold)
    }
}

/// What a snapshot holds, before it is trusted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    settings: Config,
    watch: Watch,
    action: Option<Action>,
    last_change: Option<Change>,
}

impl TryFrom<Stored> for SimpleScaling {
    type Error = Error;

    fn try_from(Stored { settings, watch, action, last_change }: Stored) -> Result<Self, Error> {
        let fresh = Self::new(settings)?;
        watch.check(&fresh.rule, fresh.settings.period)?;
        Ok(Self { watch, action, last_change, ..fresh })
    }
}

/// Settings of [`SimpleScaling`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// What people call it, such as "out".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The metric it reads: a total as it is, else the mean over the ready replicas.
    pub metric: String,
    /// What a period is compared with, in the metric's unit; for a utilization at most 10.
    pub threshold: f64,
    /// On which side of the threshold a period is breaching. AWS: `ComparisonOperator`.
    pub comparison: Comparison,
    /// What `by` means. Default: `change`. AWS: `AdjustmentType`.
    #[serde(default)]
    pub adjustment: Adjustment,
    /// The adjustment: replicas, or whole percent; not negative for `exact`. AWS:
    /// `ScalingAdjustment`.
    pub by: i32,
    /// A change by percent is one of so many replicas at least; only for `percent`. Default: 0.
    /// AWS: `MinAdjustmentMagnitude`.
    #[serde(default)]
    pub min_adjustment: u32,
    /// So many periods must be breaching, from 1 to `of`. Default: 3. AWS: `DatapointsToAlarm`.
    #[serde(default = "three")]
    pub points: u32,
    /// Of so many, up to 100. Default: as `points`. AWS: `EvaluationPeriods`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<u32>,
    /// The length of a period, from 1 s to 1 day. Default: 1 minute.
    #[serde(default = "a_minute")]
    pub period: Duration,
    /// What stands for periods without a reading where there are too few with one. Default:
    /// `missing`, as AWS's `TreatMissingData`.
    #[serde(default)]
    pub missing_data: MissingData,
    /// No adjustment within this time after a change; from 0 up. Default: 5 minutes, as AWS's
    /// default cooldown.
    #[serde(default = "five_minutes")]
    pub cooldown: Duration,
}

impl Config {
    fn rule(&self) -> Result<Rule, Error> {
        let rule = Rule {
            comparison: self.comparison,
            threshold: self.threshold,
            points: self.points,
            of: self.of.unwrap_or(self.points),
            missing_data: self.missing_data,
        };
        rule.check(self.period)?;
        self.adjustment.check(self.by)?;
        self.adjustment.check_least(self.min_adjustment)?;
        Ok(rule)
    }
}

#[cfg(test)]
mod tests;
