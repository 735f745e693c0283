//! Keep a metric at its target: the target tracking of AWS.
//!
//! In: one metric's periods and the size. Out: the size that brings the metric to its target, the
//! present one while it is near, or no opinion where it may not speak on scaling in. Knows nothing
//! of other policies.
//!
//! The law is that of EC2 Auto Scaling (its user guide as last published in the open, June 2023) and
//! Application Auto Scaling (API reference of 2026), as far as it is documented:
//!
//! - It has two [alarms](super::alarm). Above the target for `points_out` periods it scales out, in
//!   proportion, rounded up; below the target less a margin for `points_in` periods it scales in,
//!   in proportion, rounded so that no more go than the target allows.
//! - Growing, replicas that are warming up are no capacity to reckon from, but count in what is
//!   there. Shrinking, nothing goes while anything warms up.
//! - Of several policies the largest size holds: out if any asks for it, in only if all do that may.
//!   One that may not scale in has no say on it. So one that is content asks for the present size.
//! - Without a reading in the last period nothing is scaled in, by nobody.
//!
//! Where it differs, or where AWS does not tell:
//!
//! - The periods of the alarms and the margin are those seen at AWS for a metric of one minute, and
//!   settings here. It says that it scales in more gradually than out, not by how much: here, the
//!   15 periods are what makes it gradual, and the size is in proportion at once.
//! - The proportion is that of the last period; scaling in, to the replicas that were ready in it, so
//!   that what has just been taken away is not taken away once more.
//! - A metric of kind `total` is divided by the ready replicas, as AWS's request count per target
//!   is; a total itself makes no target there, as it does not fall when replicas are added. At zero
//!   replicas, where AWS has no metric, a total asks for its load over the target at once.
//! - Warm-up is as with [step scaling](super::step): the lead time and `warm_up` from the request,
//!   whoever asked. While something warms up it asks for the present size, even if it may not scale
//!   in. The reading is the host's: AWS leaves those that warm up out of it.
//! - Within a period the same size is asked for again until the period ends, so that a guard may
//!   delay it.

use serde::{Deserialize, Serialize};

use super::adjustment::Action;
use super::alarm::{
    Comparison, MissingData, Rule, State, a_minute, check_period, check_periods, five_minutes,
    own_trouble, three,
};
use super::warm_up::{WarmUp, Warming};
use super::{Policy, Proposal, View, Want, check_utilization};
use crate::Error;
use crate::explain::{Reason, codes};
use crate::series::{MetricKind, Periods, Replicas};
use crate::time::{Duration, Timestamp};

/// Scales in proportion to a metric's distance from its target, as AWS's target tracking does.
///
/// ```
/// use forescale::policy::PolicyConfig;
///
/// let text = r#"{"kind": "target_tracking", "metric": "cpu", "target": 0.5}"#;
/// let settings: PolicyConfig = serde_json::from_str(text).expect("these are settings");
/// assert_eq!(settings.build()?.metric(), Some("cpu"));
/// # Ok::<(), forescale::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct TargetTracking {
    settings: Config,
    periods: Periods,
    /// The load of all ready replicas in the last period: what was measured of a replica, times those
    /// there were when it was measured.
    loads: Periods,
    high: State,
    low: State,
    warm_up: WarmUp,
    /// What this period asks for; `None` if nothing yet.
    action: Option<Action>,
}

/// The size that brings `measured`, the mean load of a replica, to `target`: in proportion, rounded
/// up, so that growing adds enough and shrinking removes no more than the target allows.
///
/// ```
/// use forescale::policy::target_tracking::proportional;
///
/// // The guide: 1.5 instances too few are two more, 1.5 too many are one fewer.
/// assert_eq!(proportional(3, 75.0, 50.0), 5); // 4.5
/// assert_eq!(proportional(6, 37.5, 50.0), 5); // 4.5
/// ```
#[must_use]
pub fn proportional(capacity: u32, measured: f64, target: f64) -> u32 {
    (f64::from(capacity) * measured / target).ceil() as u32
}

impl TargetTracking {
    /// From its settings.
    ///
    /// # Errors
    /// If a setting is out of its range.
    pub fn new(settings: Config) -> Result<Self, Error> {
        settings.check()?;
        let periods = Periods::new(settings.period, settings.range());
        let loads = Periods::new(settings.period, 1);
        let (high, low) = (State::default(), State::default());
        let warm_up = WarmUp::default();
        Ok(Self { settings, periods, loads, high, low, warm_up, action: None })
    }

    /// Takes in what is seen; what is warming up.
    fn observe(&mut self, view: &View<'_>, value: Option<f64>) -> Warming {
        let (high, low) = self.settings.rules();
        let (mut is_high, mut is_low, mut closed) = (self.high, self.low, false);
        let load = value.map(|value| value * f64::from(view.replicas.ready));
        self.loads.push(view.at, load, |_| {});
        self.periods.push(view.at, value, |means| {
            let newest_first = |rule: &Rule| (0..rule.range()).map(|age| means.back(age));
            is_high = high.judge(newest_first(&high), is_high);
            is_low = low.judge(newest_first(&low), is_low);
            closed = true;
        });
        if self.periods.is_empty() {
            // At the start, and after a clock that was set back.
            (is_high, is_low, closed) = (State::default(), State::default(), true);
        }
        (self.high, self.low) = (is_high, is_low);
        if closed {
            self.action = None;
        }
        self.warm_up.see(view.at, view.replicas.current());
        self.warm_up.warming(view.at, view.lead_time, self.settings.warm_up)
    }

    /// What the alarms ask for; an error is no opinion.
    fn act(&mut self, replicas: Replicas, warming: Warming) -> Result<Proposal, Reason> {
        let insufficient = || {
            let n_periods = (0..self.periods.capacity()).filter_map(|age| self.periods.back(age));
            let facts = [("n_periods", n_periods.count() as f64)];
            Reason::new(codes::INSUFFICIENT_DATA, facts)
        };
        let measured = self.periods.back(0).ok_or_else(insufficient)?;
        let (target, current) = (self.settings.target, replicas.current());
        let facts = [("measured", measured), ("target", target)];
        let (to, code) = match (self.high, self.low) {
            (State::InsufficientData, _) => return Err(insufficient()),
            (State::Alarm, _) => {
                let capacity = current.saturating_sub(warming.n);
                let to = proportional(capacity, measured, target).max(current);
                (to, codes::ABOVE_TARGET)
            }
            _ if warming.n > 0 => return Ok(Proposal::replicas(current, warming.reason())),
            _ if !self.settings.scale_in => {
                return Err(Reason::new(codes::SCALE_IN_DISABLED, []));
            }
            (_, State::Alarm) => {
                // Those that carried it then, not those there are now: what has just been taken away
                // is not to be taken away once more.
                let load = self.loads.back(0).ok_or_else(insufficient)?;
                let to = proportional(1, load, target).min(current);
                (to, codes::BELOW_TARGET)
            }
            _ => {
                let [measured, target] = facts;
                let facts = [measured, target, ("low", self.settings.low())];
                return Ok(Proposal::replicas(current, Reason::new(codes::ON_TARGET, facts)));
            }
        };
        let action = *self.action.get_or_insert(Action { from: current, to });
        Ok(Proposal::replicas(action.now(current), Reason::new(code, facts)))
    }

    /// Nothing can be told: nothing is scaled in either, by nobody if it may speak on that.
    fn freeze(&self, reason: Reason) -> Result<Proposal, Reason> {
        if !self.settings.scale_in {
            return Err(reason);
        }
        Ok(Proposal { want: Want::NotFewer, wish: None, demand: None, reason })
    }
}

/// The mean load of a ready replica.
fn per_replica(view: &View<'_>, metric: &str) -> Result<f64, Reason> {
    let (_, kind) = view.usage(metric)?;
    let value = view.value(metric)?;
    match (kind, view.replicas.ready) {
        (MetricKind::Total, 0) => Err(Reason::new(codes::NO_READY_REPLICAS, [])),
        (MetricKind::Total, ready) => Ok(value / f64::from(ready)),
        _ => Ok(value),
    }
}

impl Policy for TargetTracking {
    fn propose(&mut self, view: &View<'_>) -> Result<Proposal, Reason> {
        let metric = &self.settings.metric;
        let from_zero = match view.usage(metric) {
            Ok((_, MetricKind::Total)) if view.replicas.current() == 0 => view.value(metric).ok(),
            _ => None,
        };
        let value = per_replica(view, metric);
        let warming = self.observe(view, value.ok());
        if let Some(load) = from_zero {
            let target = self.settings.target;
            let facts = [("measured", load), ("target", target)];
            let reason = Reason::new(codes::FROM_ZERO, facts);
            return Ok(Proposal::replicas(proportional(1, load, target), reason));
        }
        let current = view.replicas.current();
        match self.act(view.replicas, warming) {
            Err(reason) if reason.code() == codes::INSUFFICIENT_DATA.name() => {
                let reason = own_trouble(reason, value);
                warming.stay(current, reason).or_else(|reason| self.freeze(reason))
            }
            answer => answer,
        }
    }

    fn decided(&mut self, at: Timestamp, _: u32, replicas: u32) {
        self.warm_up.see(at, replicas);
    }

    fn metric(&self) -> Option<&str> {
        Some(&self.settings.metric)
    }

    fn check(&self, kind: MetricKind) -> Result<(), Error> {
        check_utilization(kind, "target", self.settings.target)
    }
}

/// What a snapshot holds, before it is trusted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    settings: Config,
    periods: Periods,
    loads: Periods,
    high: State,
    low: State,
    warm_up: WarmUp,
    action: Option<Action>,
}

impl TryFrom<Stored> for TargetTracking {
    type Error = Error;

    fn try_from(stored: Stored) -> Result<Self, Error> {
        let Stored { settings, periods, loads, high, low, warm_up, action } = stored;
        settings.check()?;
        let is_of = |periods: &Periods, keep| {
            periods.period() == settings.period && periods.capacity() == keep
        };
        if !is_of(&periods, settings.range()) || !is_of(&loads, 1) {
            return Err(Error::snapshot("holds periods of other settings"));
        }
        Ok(Self { settings, periods, loads, high, low, warm_up, action })
    }
}

/// Settings of [`TargetTracking`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The metric, by its name in the configuration: the mean over the ready replicas, and a total
    /// divided by them.
    pub metric: String,
    /// What the metric is to be for each replica, above 0; for a utilization a ratio up to 10. AWS:
    /// `TargetValue`.
    pub target: f64,
    /// Whether it may take replicas away. Default: yes; AWS's `DisableScaleIn` says the opposite.
    #[serde(default = "yes")]
    pub scale_in: bool,
    /// The length of a period, from 1 s to 1 day. Default: 1 minute.
    #[serde(default = "a_minute")]
    pub period: Duration,
    /// So many periods in a row above the target scale out, from 1 to 100. Default: 3, as AWS.
    #[serde(default = "three")]
    pub points_out: u32,
    /// So many periods in a row below the target and its margin scale in, from 1 to 100. Default:
    /// 15, as AWS.
    #[serde(default = "fifteen")]
    pub points_in: u32,
    /// How far below the target it scales in, as a share of it in [0, 1). Default: 0.1, as AWS.
    #[serde(default = "a_tenth")]
    pub scale_in_margin: f64,
    /// For how long a replica in service warms up; from 0 up. Default: 5 minutes, as AWS's default
    /// cooldown, which stands in for `EstimatedInstanceWarmup`.
    #[serde(default = "five_minutes")]
    pub warm_up: Duration,
}

fn yes() -> bool {
    true
}

fn fifteen() -> u32 {
    15
}

fn a_tenth() -> f64 {
    0.1
}

impl Config {
    fn check(&self) -> Result<(), Error> {
        if !(self.target.is_finite() && self.target > 0.0) {
            let message = format!("is {}, must be a number above 0", self.target);
            return Err(Error::config("target", message));
        }
        if !(0.0..1.0).contains(&self.scale_in_margin) {
            let message = format!("is {}, must be in [0, 1)", self.scale_in_margin);
            return Err(Error::config("scale_in_margin", message));
        }
        check_periods("points_out", self.points_out, Rule::MOST_PERIODS)?;
        check_periods("points_in", self.points_in, Rule::MOST_PERIODS)?;
        check_period(self.period)
    }

    /// Below this it scales in.
    fn low(&self) -> f64 {
        self.target * (1.0 - self.scale_in_margin)
    }

    /// The rules of the high alarm and of the low one.
    fn rules(&self) -> (Rule, Rule) {
        let rule = |comparison, threshold, points| {
            let missing_data = MissingData::Missing;
            Rule { comparison, threshold, points, of: points, missing_data }
        };
        let high = rule(Comparison::Above, self.target, self.points_out);
        (high, rule(Comparison::Below, self.low(), self.points_in))
    }

    /// The periods that the alarms look back over.
    fn range(&self) -> usize {
        let (high, low) = self.rules();
        high.range().max(low.range())
    }
}

#[cfg(test)]
mod tests;
