//! A fixed adjustment while enough recent points lie within bounds.
//!
//! In: the points of the last while and the present count. Out: the count by a delta, a percentage
//! or a value once enough points, not necessarily in a row, lie within the bounds. Knows no target.

use serde::{Deserialize, Serialize};

use super::{Action, Texts, check_metric, number, proposal, unread, whole};
use crate::Error;
use crate::explain::{Reason, codes};
use crate::policy::{Policy, Proposal, View, check_utilization};
use crate::series::{MetricKind, Recent};
use crate::time::Duration;

/// Moves the replicas by a fixed step while enough points of the last `window` lie within bounds,
/// as Nomad's `threshold`.
///
/// The points are the readings at the observations: with one every 15 seconds a minute has five,
/// both ends counted. A missing reading is no point. In Nomad the checks of one metric form a group, of
/// which one at most finds its points; here each that finds none asks to stay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct Threshold {
    settings: Config,
    points: Recent,
    #[serde(skip_serializing)]
    law: Settings,
}

impl Threshold {
    /// From its settings.
    ///
    /// # Errors
    /// If the metric has no name, there is no bound or they are no numbers, not exactly one of
    /// `delta`, `percentage` and `value` is given, the window is empty, or more points are asked
    /// for than are kept.
    pub fn new(settings: Config) -> Result<Self, Error> {
        check_metric(&settings.metric)?;
        let law = settings.law()?;
        let points = Recent::new(settings.window).map_err(|error| error.at("window"))?;
        Ok(Self { settings, points, law })
    }
}

impl Policy for Threshold {
    fn propose(&mut self, view: &View<'_>) -> Result<Proposal, Reason> {
        let read = view.value(&self.settings.metric);
        match read {
            Ok(measured) => self.points.push(view.at, measured),
            Err(_) => self.points.forget(view.at),
        }
        let within = self.law.n_within(self.points.values(view.at));
        let current = view.replicas.current();
        let enough = i64::from(self.settings.within_bounds_trigger);
        if let Err(reason) = read
            && within < enough
        {
            return Ok(unread(reason));
        }
        let facts = [
            ("n_within", within as f64),
            ("trigger", enough as f64),
            ("current", f64::from(current)),
        ];
        if within < enough {
            return Ok(proposal(codes::TOO_FEW_WITHIN_BOUNDS, current.into(), facts));
        }
        Ok(self.law.on_count(current.into(), within).proposal(current, facts))
    }

    fn metric(&self) -> Option<&str> {
        Some(&self.settings.metric)
    }

    fn check(&self, kind: MetricKind) -> Result<(), Error> {
        let Config { lower_bound, upper_bound, .. } = self.settings;
        for (field, bound) in [("lower_bound", lower_bound), ("upper_bound", upper_bound)] {
            check_utilization(kind, field, bound.unwrap_or(0.0))?;
        }
        Ok(())
    }
}

/// Nomad's settings of the strategy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Points from here up count.
    pub lower: f64,
    /// Points below this count.
    pub upper: f64,
    /// So many of them are needed.
    pub trigger: i64,
    /// What is done then.
    pub step: Step,
}

/// What the strategy does once enough points lie within the bounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step {
    /// So many more; fewer if negative.
    Delta(i64),
    /// By so many percent, rounded up.
    Percentage(f64),
    /// To so many.
    Value(i64),
}

impl Settings {
    /// From `lower_bound`, `upper_bound` (numbers; at least one, a missing one is infinite),
    /// `within_bounds_trigger` (a whole number; 5 if missing) and one of `delta` (whole),
    /// `percentage` (a number) and `value` (whole, from 0 up).
    ///
    /// # Errors
    /// If there is no bound, not exactly one step, or one of them cannot be read.
    pub fn from_texts(texts: &Texts) -> Result<Self, Error> {
        let bounds = (number(texts, "lower_bound")?, number(texts, "upper_bound")?);
        let trigger = whole(texts, "within_bounds_trigger")?;
        let (delta, percentage) = (whole(texts, "delta")?, number(texts, "percentage")?);
        let step = Step::only(delta, percentage, whole(texts, "value")?)?;
        Self::new(bounds, trigger.unwrap_or(default_trigger().into()), step)
    }

    fn new(bounds: (Option<f64>, Option<f64>), trigger: i64, step: Step) -> Result<Self, Error> {
        if bounds == (None, None) {
            let message = "is missing as `upper_bound` is, one of them must be given";
            return Err(Error::config("lower_bound", message));
        }
        let lower = bounds.0.unwrap_or(f64::NEG_INFINITY);
        let upper = bounds.1.unwrap_or(f64::INFINITY);
        Ok(Self { lower, upper, trigger, step })
    }

    /// The action at `count` after `points`, all of which count.
    ///
    /// ```
    /// use forescale::policy::strategies::Action;
    /// use forescale::policy::strategies::threshold::{Settings, Step};
    ///
    /// let settings =
    ///     Settings { lower: 5.0, upper: 20.0, trigger: 3, step: Step::Percentage(10.0) };
    /// // 100 * (1 + 10 / 100) is 110.00000000000001
    /// assert_eq!(settings.action(100, [9.0, 30.0, 9.0, 5.0]), Action::towards(100, 111));
    /// assert_eq!(settings.action(100, [9.0, 20.0, 5.0]), Action::NONE);
    /// ```
    #[must_use]
    pub fn action(&self, count: i64, points: impl IntoIterator<Item = f64>) -> Action {
        self.on_count(count, self.n_within(points))
    }

    fn n_within(&self, points: impl IntoIterator<Item = f64>) -> i64 {
        let within = |point: &f64| self.lower <= *point && *point < self.upper;
        i64::try_from(points.into_iter().filter(within).count()).unwrap_or(i64::MAX)
    }

    fn on_count(&self, count: i64, n_within: i64) -> Action {
        if n_within < self.trigger {
            return Action::NONE;
        }
        let wanted = match self.step {
            Step::Delta(delta) => count.saturating_add(delta),
            Step::Percentage(percent) => (count as f64 * (1.0 + percent / 100.0)).ceil() as i64,
            Step::Value(value) => value,
        };
        Action::towards(count, wanted.max(0))
    }
}

impl Step {
    fn only(
        delta: Option<i64>,
        percentage: Option<f64>,
        value: Option<i64>,
    ) -> Result<Self, Error> {
        match (delta, percentage, value) {
            (Some(delta), None, None) => Ok(Self::Delta(delta)),
            (None, Some(percentage), None) => Ok(Self::Percentage(percentage)),
            (None, None, Some(value)) if value >= 0 => Ok(Self::Value(value)),
            (None, None, Some(value)) => {
                Err(Error::config("value", format!("is {value}, must be from 0 up")))
            }
            _ => {
                let message = "must have exactly one of `delta`, `percentage` and `value`";
                Err(Error::config("", message))
            }
        }
    }
}

/// The action at `count` after `points`; `None` without points, whatever the settings.
///
/// # Errors
/// As [`Settings::from_texts`].
pub fn run(texts: &Texts, count: i64, points: &[f64]) -> Result<Option<Action>, Error> {
    if points.is_empty() {
        return Ok(None);
    }
    Ok(Some(Settings::from_texts(texts)?.action(count, points.iter().copied())))
}

/// What a snapshot holds, before it is trusted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    settings: Config,
    points: Recent,
}

impl TryFrom<Stored> for Threshold {
    type Error = Error;

    fn try_from(Stored { settings, points }: Stored) -> Result<Self, Error> {
        let fresh = Self::new(settings)?;
        if points.span() != fresh.points.span() {
            return Err(Error::snapshot("holds points of another window"));
        }
        Ok(Self { points, ..fresh })
    }
}

/// Settings of [`Threshold`]; exactly one of `delta`, `percentage` and `value`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The metric it reads.
    pub metric: String,
    /// Points from here up count, in the metric's unit. Default: all below `upper_bound`; one of
    /// the two must be given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lower_bound: Option<f64>,
    /// Points below this count, in the metric's unit. Default: all from `lower_bound` up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upper_bound: Option<f64>,
    /// So many points within the bounds are needed, from 1 to 256. Default: 5, as Nomad.
    #[serde(default = "default_trigger")]
    pub within_bounds_trigger: u32,
    /// The points of the last while; above zero. Default: 1 minute, as Nomad's `query_window`.
    #[serde(default = "default_window")]
    pub window: Duration,
    /// So many replicas more; fewer if negative.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delta: Option<i32>,
    /// By so many percent of the replicas, rounded up; fewer if negative.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percentage: Option<f64>,
    /// To so many replicas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<u32>,
}

/// As many points as a window keeps at least, however it is thinned.
const MOST_NEEDED: u32 = Recent::MOST as u32 / 2;

fn default_trigger() -> u32 {
    5
}

fn default_window() -> Duration {
    Duration::from_secs(60)
}

impl Config {
    fn law(&self) -> Result<Settings, Error> {
        let numbers = [
            ("lower_bound", self.lower_bound),
            ("upper_bound", self.upper_bound),
            ("percentage", self.percentage),
        ];
        for (field, number) in numbers {
            if let Some(number) = number.filter(|number| !number.is_finite()) {
                return Err(Error::config(field, format!("is {number}, must be a finite number")));
            }
        }
        if let (Some(lower), Some(upper)) = (self.lower_bound, self.upper_bound)
            && lower >= upper
        {
            let message = format!("is {lower}, must be below `upper_bound`, {upper}");
            return Err(Error::config("lower_bound", message));
        }
        let trigger = self.within_bounds_trigger;
        if !(1..=MOST_NEEDED).contains(&trigger) {
            let message = format!("is {trigger}, must be from 1 to {MOST_NEEDED}");
            return Err(Error::config("within_bounds_trigger", message));
        }
        let (delta, value) = (self.delta.map(i64::from), self.value.map(i64::from));
        let step = Step::only(delta, self.percentage, value)?;
        Settings::new((self.lower_bound, self.upper_bound), trigger.into(), step)
    }
}
