//! The metric is itself the number of replicas.
//!
//! In: the latest point of a metric and the present count. Out: the point as a count. Knows no
//! target and no time.

use serde::{Deserialize, Serialize};

use super::winner::Direction;
use super::{Action, MaxScale, Texts, check_metric, unread};
use crate::Error;
use crate::explain::Reason;
use crate::policy::{Policy, Proposal, View};

/// Proposes as many replicas as the metric says, as Nomad's `pass-through`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Config", into = "Config")]
pub struct PassThrough {
    settings: Config,
}

impl PassThrough {
    /// From its settings.
    ///
    /// # Errors
    /// If the metric has no name.
    pub fn new(settings: Config) -> Result<Self, Error> {
        check_metric(&settings.metric)?;
        Ok(Self { settings })
    }
}

impl Policy for PassThrough {
    fn propose(&mut self, view: &View<'_>) -> Result<Proposal, Reason> {
        let measured = match view.value(&self.settings.metric) {
            Ok(measured) => measured,
            Err(reason) => return Ok(unread(reason)),
        };
        let current = view.replicas.current();
        let wanted = self.settings.law().action(current.into(), measured);
        let facts = [("measured", measured), ("current", f64::from(current))];
        Ok(Proposal { wish: Some(measured), ..wanted.proposal(current, facts) })
    }

    fn metric(&self) -> Option<&str> {
        Some(&self.settings.metric)
    }
}

/// Nomad's settings of the strategy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// By how much the count may move.
    pub max_scale: MaxScale,
}

impl Settings {
    /// From `max_scale_up` and `max_scale_down`, whole numbers; none means no limit.
    ///
    /// # Errors
    /// If one of them is no whole number.
    pub fn from_texts(texts: &Texts) -> Result<Self, Error> {
        Ok(Self { max_scale: MaxScale::from_texts(texts)? })
    }

    /// The action at `count`. The direction follows the bare point, the count drops its fraction.
    ///
    /// ```
    /// use forescale::policy::strategies::{Action, pass_through::Settings, winner::Direction};
    ///
    /// let action = Settings::default().action(5, 5.7);
    /// assert_eq!(action, Action { direction: Direction::Up, count: 5 });
    /// ```
    #[must_use]
    pub fn action(&self, count: i64, point: f64) -> Action {
        let wanted = point.trunc() as i64;
        if point > count as f64 {
            let count = self.max_scale.at_most(count, wanted);
            Action { direction: Direction::Up, count }
        } else if point < count as f64 {
            let count = self.max_scale.at_least(count, wanted);
            Action { direction: Direction::Down, count }
        } else {
            Action::NONE
        }
    }
}

/// The action at `count` after `points`, oldest first; `None` without points. The settings are
/// read first, so that bad ones are refused in any case.
///
/// # Errors
/// As [`Settings::from_texts`].
pub fn run(texts: &Texts, count: i64, points: &[f64]) -> Result<Option<Action>, Error> {
    let settings = Settings::from_texts(texts)?;
    Ok(points.last().map(|&latest| settings.action(count, latest)))
}

/// Settings of [`PassThrough`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The metric whose value is the number of replicas; a fraction is dropped.
    pub metric: String,
    /// At most so many replicas more at once. Default: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_scale_up: Option<u32>,
    /// At most so many replicas fewer at once. Default: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_scale_down: Option<u32>,
}

impl Config {
    fn law(&self) -> Settings {
        Settings { max_scale: MaxScale::new(self.max_scale_up, self.max_scale_down) }
    }
}

impl TryFrom<Config> for PassThrough {
    type Error = Error;

    fn try_from(settings: Config) -> Result<Self, Error> {
        Self::new(settings)
    }
}

impl From<PassThrough> for Config {
    fn from(policy: PassThrough) -> Self {
        policy.settings
    }
}
