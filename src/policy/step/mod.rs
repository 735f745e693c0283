//! Steps by the size of a breach: exactly the step scaling of AWS.
//!
//! In: one metric's periods and the size. Out: the size after the step that the breach falls into,
//! or no opinion while there is none. Knows nothing of other policies; grows or shrinks, so most
//! workloads have two of them.
//!
//! The law is that of EC2 Auto Scaling (its user guide as last published in the open, June 2023) and
//! Application Auto Scaling (API reference of 2026):
//!
//! - Once a period, while the [alarm](super::alarm) is on, the means that it judged by are
//!   aggregated, and the [step](StepAdjustment) whose bounds hold that number is
//!   [applied](super::adjustment).
//! - Growing, replicas that are warming up are no capacity to reckon from, but count in what is
//!   there: a second breach in the same step adds nothing, one in a larger step the difference.
//! - Shrinking, replicas that are still ending are capacity to reckon from, so that no more go than
//!   need be; and nothing goes while anything warms up.
//! - An alarm that is off or has too little data has no say: it keeps nobody from anything.
//!
//! Where it differs, or where AWS does not tell:
//!
//! - A replica warms up for the lead time and `warm_up` after it was asked for; there, for the
//!   warm-up after it is in service. Replicas count whoever asked for them, as with AWS's default
//!   instance warmup; AWS's warm-up of one policy knows its own only.
//! - While something warms up the policy asks for the present size, so that other policies take
//!   nothing away either. The reading itself is the host's: AWS leaves those that warm up out of it.
//! - Within a period the same size is asked for again until the period ends, so that a guard may
//!   delay it.
//! - Those ending are `ready + pending` beyond `requested`; a host that gives no `requested` has none.
//! - The bounds are added to the threshold before they are compared, in binary64.
//! - An alarm judges at most 100 periods (there: a day of them), out of 2 more.

mod steps;

use serde::{Deserialize, Serialize};

pub use self::steps::StepAdjustment;
use super::adjustment::{Action, Adjustment};
use super::alarm::{
    Comparison, MissingData, Rule, Watch, a_minute, five_minutes, own_trouble, three,
};
use super::warm_up::{WarmUp, Warming};
use super::{Policy, Proposal, View, check_utilization};
use crate::Error;
use crate::explain::{Reason, codes};
use crate::series::{MetricKind, Replicas};
use crate::time::{Duration, Timestamp};

/// Adjusts the size by the step that a breach falls into, as AWS's step scaling does.
///
/// ```
/// use forescale::policy::PolicyConfig;
///
/// let text = r#"{"kind": "step", "metric": "cpu", "threshold": 0.5, "comparison": "at_or_above",
///     "adjustment": "percent",
///     "steps": [{"lower": 0, "upper": 0.2, "by": 10}, {"lower": 0.2, "by": 30}]}"#;
/// let settings: PolicyConfig = serde_json::from_str(text).expect("these are settings");
/// assert_eq!(settings.build()?.metric(), Some("cpu"));
/// # Ok::<(), forescale::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct StepScaling {
    settings: Config,
    watch: Watch,
    warm_up: WarmUp,
    /// What this period asks for; `None` if nothing yet.
    action: Option<Action>,
    #[serde(skip_serializing)]
    rule: Rule,
}

impl StepScaling {
    /// From its settings.
    ///
    /// # Errors
    /// If a setting is out of its range, or AWS would refuse the steps: they leave a gap, overlap,
    /// or end at a bound away from the threshold.
    pub fn new(settings: Config) -> Result<Self, Error> {
        let rule = settings.rule()?;
        let watch = Watch::new(&rule, settings.period);
        Ok(Self { settings, watch, warm_up: WarmUp::default(), action: None, rule })
    }

    /// What the alarm asks for.
    fn act(&mut self, replicas: Replicas, warming: Warming) -> Result<Proposal, Reason> {
        self.watch.check_alarm(&self.rule)?;
        let Config { aggregation, adjustment, min_adjustment, threshold, .. } = self.settings;
        let measured = aggregation
            .of(self.rule.judged(self.watch.means()))
            .ok_or_else(|| Reason::new(codes::METRIC_MISSING, []))?;
        let is_above = self.rule.comparison.is_above();
        let step =
            self.settings.steps.iter().find(|step| step.holds(measured, threshold, is_above));
        let facts = [("measured", measured), ("threshold", threshold)];
        let by = step.ok_or_else(|| Reason::new(codes::NO_STEP, facts))?.by;

        let current = replicas.current();
        let action = match self.action {
            Some(action) => action,
            None => {
                let to = adjust(adjustment, by, min_adjustment, replicas, warming.n);
                if to < current && warming.n > 0 {
                    return Err(warming.reason());
                }
                *self.action.insert(Action { from: current, to })
            }
        };
        let [measured, threshold] = facts;
        let facts = [measured, threshold, ("by", f64::from(by))];
        let reason = Reason::new(codes::BEYOND_THRESHOLD, facts);
        Ok(Proposal::replicas(action.now(current), reason))
    }
}

/// The size after an adjustment, as AWS reckons it: growing from the capacity without the `warming`
/// replicas, shrinking from that with the ending ones, and in neither case back.
///
/// ```
/// use forescale::Replicas;
/// use forescale::policy::adjustment::Adjustment::{Change, Percent};
/// use forescale::policy::step::adjust;
///
/// // Ten, and one more that warms up: 10 % are one, which is there; 30 % are two more.
/// let eleven = Replicas { ready: 11, ..Replicas::default() };
/// assert_eq!(adjust(Percent, 10, 0, eleven, 1), 11);
/// assert_eq!(adjust(Percent, 30, 0, eleven, 1), 13);
/// // Thirty are wanted, two of 32 are ending: one fewer is reached already.
/// let ending = Replicas { ready: 32, pending: 0, requested: Some(30) };
/// assert_eq!(adjust(Change, -1, 0, ending, 0), 30);
/// ```
#[must_use]
pub fn adjust(
    adjustment: Adjustment,
    by: i32,
    min_adjustment: u32,
    replicas: Replicas,
    warming: u32,
) -> u32 {
    let current = replicas.current();
    let capacity = match adjustment {
        Adjustment::Exact => return adjustment.apply(current, by, min_adjustment),
        _ if by > 0 => current.saturating_sub(warming),
        _ => current.max(replicas.existing()),
    };
    let after = adjustment.apply(capacity, by, min_adjustment);
    if by > 0 { after.max(current) } else { after.min(current) }
}

impl Policy for StepScaling {
    fn propose(&mut self, view: &View<'_>) -> Result<Proposal, Reason> {
        let (at, replicas) = (view.at, view.replicas);
        let value = view.value(&self.settings.metric);
        if self.watch.push(at, &self.rule, value.ok()) {
            self.action = None;
        }
        self.warm_up.see(at, replicas.current());
        let warming = self.warm_up.warming(at, view.lead_time, self.settings.warm_up);
        self.act(replicas, warming)
            .map_err(|reason| own_trouble(reason, value))
            .or_else(|reason| warming.stay(replicas.current(), reason))
    }

    fn decided(&mut self, at: Timestamp, _: u32, replicas: u32) {
        self.warm_up.see(at, replicas);
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

/// How the means that an alarm judged by become one number; AWS's `MetricAggregationType`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Aggregation {
    /// Their mean.
    #[default]
    Average,
    /// The smallest.
    Minimum,
    /// The largest.
    Maximum,
}

impl Aggregation {
    fn of(self, means: impl Iterator<Item = f64>) -> Option<f64> {
        let mut n = 0.0;
        means.reduce(|sofar, mean| {
            n += 1.0;
            match self {
                // As in a period: equal numbers have exactly their mean.
                Self::Average => sofar + (mean - sofar) / (n + 1.0),
                Self::Minimum => sofar.min(mean),
                Self::Maximum => sofar.max(mean),
            }
        })
    }
}

/// What a snapshot holds, before it is trusted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    settings: Config,
    watch: Watch,
    warm_up: WarmUp,
    action: Option<Action>,
}

impl TryFrom<Stored> for StepScaling {
    type Error = Error;

    fn try_from(Stored { settings, watch, warm_up, action }: Stored) -> Result<Self, Error> {
        let fresh = Self::new(settings)?;
        watch.check(&fresh.rule, fresh.settings.period)?;
        Ok(Self { watch, warm_up, action, ..fresh })
    }
}

/// Settings of [`StepScaling`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// What people call it, such as "out".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The metric it reads: a total as it is, else the mean over the ready replicas.
    pub metric: String,
    /// What a breach is measured against, in the metric's unit; for a utilization at most 10.
    pub threshold: f64,
    /// On which side of the threshold a period is breaching. AWS: `ComparisonOperator`.
    pub comparison: Comparison,
    /// What the steps' numbers mean. Default: `change`. AWS: `AdjustmentType`.
    #[serde(default)]
    pub adjustment: Adjustment,
    /// The steps, 1 to 20 in any order, without a gap or an overlap; beyond the last one away from
    /// the threshold there must be no bound. AWS: `StepAdjustments`.
    pub steps: Vec<StepAdjustment>,
    /// A change by percent is one of so many replicas at least; only for `percent`. Default: 0.
    /// AWS: `MinAdjustmentMagnitude`.
    #[serde(default)]
    pub min_adjustment: u32,
    /// How the periods that the alarm judged by become the number that the step is chosen by.
    /// Default: `average`, as AWS's `MetricAggregationType`.
    #[serde(default)]
    pub aggregation: Aggregation,
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
    /// For how long a replica in service warms up; from 0 up. Default: 5 minutes, as AWS's default
    /// cooldown, which stands in for `EstimatedInstanceWarmup`.
    #[serde(default = "five_minutes")]
    pub warm_up: Duration,
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
        steps::check(&self.steps)?;
        for (index, step) in self.steps.iter().enumerate() {
            let inside = |error: Error| error.at(&format!("steps[{index}]"));
            self.adjustment.check(step.by).map_err(inside)?;
        }
        self.adjustment.check_least(self.min_adjustment)?;
        Ok(rule)
    }
}

#[cfg(test)]
mod tests;
