//! As many replicas as bring a metric to its target, by ratio.
//!
//! In: the latest point of a metric and the present count. Out: the count times the ratio of point
//! to target, rounded up. Knows no readiness and no time.

use serde::{Deserialize, Serialize};

use super::winner::Direction;
use super::{Action, MaxScale, Texts, check_metric, missing, number, unread};
use crate::Error;
use crate::explain::Reason;
use crate::policy::{Policy, Proposal, View};
use crate::series::MetricKind;

/// Proposes the present replicas times the ratio of metric to target, as Nomad's `target-value`.
///
/// Unlike [`target`](crate::policy::target) it takes the size asked for, not the ready replicas,
/// and the reading as it is: no replica counts as missing or unready.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Config", into = "Config")]
pub struct TargetValue {
    settings: Config,
}

impl TargetValue {
    /// From its settings.
    ///
    /// # Errors
    /// If the metric has no name, the target is negative or not finite, or the threshold is not in
    /// [0, 1).
    pub fn new(settings: Config) -> Result<Self, Error> {
        check_metric(&settings.metric)?;
        let Config { target, threshold, .. } = settings;
        if !(target.is_finite() && target >= 0.0) {
            return Err(Error::config(
                "target",
                format!("is {target}, must be a number from 0 up"),
            ));
        }
        if !(0.0..1.0).contains(&threshold) {
            let message = format!("is {threshold}, must be in [0, 1)");
            return Err(Error::config("threshold", message));
        }
        Ok(Self { settings })
    }
}

impl Policy for TargetValue {
    fn propose(&mut self, view: &View<'_>) -> Result<Proposal, Reason> {
        let measured = match view.value(&self.settings.metric) {
            Ok(measured) => measured,
            Err(reason) => return Ok(unread(reason)),
        };
        let current = view.replicas.current();
        let law = self.settings.law();
        let wanted = law.action(current.into(), measured);
        let facts = [
            ("measured", measured),
            ("target", law.target),
            ("factor", law.factor(measured).min(f64::MAX)),
            ("current", f64::from(current)),
        ];
        let wish = Some(law.wish(current.into(), measured)).filter(|wish| wish.is_finite());
        Ok(Proposal { wish, ..wanted.proposal(current, facts) })
    }

    fn metric(&self) -> Option<&str> {
        Some(&self.settings.metric)
    }

    fn check(&self, kind: MetricKind) -> Result<(), Error> {
        crate::policy::check_utilization(kind, "target", self.settings.target)
    }
}

/// Nomad's settings of the strategy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// What the metric is to be; at 0 the metric is itself the ratio.
    pub target: f64,
    /// How far the ratio may lie from 1 before anything moves.
    pub threshold: f64,
    /// By how much the count may move.
    pub max_scale: MaxScale,
}

impl Settings {
    /// From `target`, `threshold` (numbers; 0.01 if missing), `max_scale_up` and `max_scale_down`
    /// (whole numbers; none means no limit).
    ///
    /// # Errors
    /// If the target is missing, or one of them is no number.
    pub fn from_texts(texts: &Texts) -> Result<Self, Error> {
        Ok(Self {
            target: number(texts, "target")?.ok_or_else(|| missing("target"))?,
            threshold: number(texts, "threshold")?.unwrap_or_else(default_threshold),
            max_scale: MaxScale::from_texts(texts)?,
        })
    }

    /// The action at `count`. The edges of the threshold still move nothing.
    ///
    /// ```
    /// use forescale::policy::strategies::{Action, target_value::Settings};
    ///
    /// let settings = Settings { target: 13.0, threshold: 0.01, max_scale: Default::default() };
    /// assert_eq!(settings.action(2, 26.0), Action::towards(2, 4));
    /// assert_eq!(settings.action(0, 26.0), Action::towards(0, 2)); // the ratio itself
    /// ```
    #[must_use]
    pub fn action(&self, count: i64, point: f64) -> Action {
        let factor = self.factor(point);
        let direction = match count {
            0 if factor > 0.0 => Direction::Up,
            0 => Direction::None,
            _ if factor < 1.0 - self.threshold => Direction::Down,
            _ if factor > 1.0 + self.threshold => Direction::Up,
            _ => Direction::None,
        };
        let wanted = self.wish(count, point).ceil() as i64;
        let wanted = self.max_scale.at_most(count, self.max_scale.at_least(count, wanted));
        if direction == Direction::None || wanted == count {
            return Action::NONE;
        }
        Action { direction, count: wanted }
    }

    fn factor(&self, point: f64) -> f64 {
        if self.target == 0.0 { point } else { point / self.target }
    }

    fn wish(&self, count: i64, point: f64) -> f64 {
        let factor = self.factor(point);
        if count == 0 { factor } else { count as f64 * factor }
    }
}

/// The action at `count` after `points`, oldest first; `None` without points, whatever the settings.
///
/// # Errors
/// As [`Settings::from_texts`].
pub fn run(texts: &Texts, count: i64, points: &[f64]) -> Result<Option<Action>, Error> {
    let Some(&latest) = points.last() else { return Ok(None) };
    Ok(Some(Settings::from_texts(texts)?.action(count, latest)))
}

/// Settings of [`TargetValue`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The metric it reads.
    pub metric: String,
    /// What the metric is to be, in its unit; from 0 up. At 0, such as for a queue, the metric is
    /// itself the ratio that the replicas are multiplied by.
    pub target: f64,
    /// How far the ratio of metric to target may lie from 1 before anything moves; in [0, 1).
    /// Default: 0.01, as Nomad.
    #[serde(default = "default_threshold")]
    pub threshold: f64,
    /// At most so many replicas more at once. Default: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_scale_up: Option<u32>,
    /// At most so many replicas fewer at once. Default: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_scale_down: Option<u32>,
}

fn default_threshold() -> f64 {
    0.01
}

impl Config {
    fn law(&self) -> Settings {
        Settings {
            target: self.target,
            threshold: self.threshold,
            max_scale: MaxScale::new(self.max_scale_up, self.max_scale_down),
        }
    }
}

impl TryFrom<Config> for TargetValue {
    type Error = Error;

    fn try_from(settings: Config) -> Result<Self, Error> {
        Self::new(settings)
    }
}

impl From<TargetValue> for Config {
    fn from(policy: TargetValue) -> Self {
        policy.settings
    }
}
