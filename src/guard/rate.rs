//! No faster than so many replicas, or so much percent, in a period.
//!
//! In: each proposal, and each change that was decided. Out: the proposal, or as far towards it as
//! the limits leave room. The arithmetic is that of the Kubernetes HPA's scaling policies
//! (`behavior.scaleUp.policies`). Knows nothing of why replicas change.

pub mod limit;
pub mod log;

use serde::{Deserialize, Serialize};

use self::limit::{Change, ChangeLimit, Limits, Select};
use self::log::EventLog;
use super::Guard;
use crate::Error;
use crate::explain::{Reason, codes};
use crate::time::{Duration, Timestamp};

/// Limits how fast the replicas grow and shrink, over periods of their own.
///
/// What has changed within a period is part of its budget: a limit counts from the replicas at the
/// period's start.
///
/// ```
/// use forescale::Timestamp;
/// use forescale::guard::Guard;
/// use forescale::guard::rate::{Config, Rate};
///
/// let mut guard = Rate::new(Config::default()).unwrap();
/// let now = Timestamp::from_secs(0);
/// assert_eq!(guard.hold(now, 10, 50).0, 20); // doubles at most
/// guard.decided(now, 10, 20);
/// assert_eq!(guard.hold(Timestamp::from_secs(14), 20, 50).0, 20); // the period's budget is spent
/// assert_eq!(guard.hold(Timestamp::from_secs(15), 20, 50).0, 40);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    settings: Config,
    grown: EventLog,
    shrunk: EventLog,
}

impl Rate {
    /// From its settings.
    ///
    /// # Errors
    /// If a direction has no limit at all.
    pub fn new(settings: Config) -> Result<Self, Error> {
        Self::with_events(settings, EventLog::default(), EventLog::default())
    }

    /// As [`new`](Self::new), with what has grown and shrunk before.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_events(settings: Config, grown: EventLog, shrunk: EventLog) -> Result<Self, Error> {
        let directions = [
            ("scale_up", &settings.scale_up, settings.select_scale_up),
            ("scale_down", &settings.scale_down, settings.select_scale_down),
        ];
        for (field, limits, select) in directions {
            if limits.is_empty() && select != Select::Disabled {
                let message = format!(
                    "is empty, must have a limit; leave it out for the default, or set `select_{field}` to \"disabled\""
                );
                return Err(Error::config(field, message));
            }
        }
        Ok(Self { settings, grown, shrunk })
    }

    /// What has grown and what has shrunk.
    #[must_use]
    pub fn events(&self) -> (&EventLog, &EventLog) {
        (&self.grown, &self.shrunk)
    }

    /// The proposal within the rate and within `min` and `max`, and what limited it, as one step of
    /// the HPA. A limit equal to `max` or `min` is told as that; a proposal equal to `current` is
    /// never limited, not even outside of `min` and `max`.
    #[must_use]
    pub fn limit(
        &self,
        at: Timestamp,
        current: u32,
        proposed: u32,
        min: u32,
        max: u32,
    ) -> (u32, Limited) {
        let settings = &self.settings;
        let (now, min, max) = (i64::from(current), i64::from(min), i64::from(max));
        let (held, why) = if proposed > current {
            let limit = settings.growth().scale_up(at, current, &self.grown, &self.shrunk).max(now);
            let cap = if max > limit {
                (limit, Limited::ScaleUpLimit)
            } else {
                (max, Limited::TooManyReplicas)
            };
            if i64::from(proposed) <= cap.0 {
                return (proposed, Limited::No);
            }
            cap
        } else if proposed < current {
            let limit =
                settings.shrinking().scale_down(at, current, &self.grown, &self.shrunk).min(now);
            let floor = if min < limit {
                (limit, Limited::ScaleDownLimit)
            } else {
                (min, Limited::TooFewReplicas)
            };
            if i64::from(proposed) >= floor.0 {
                return (proposed, Limited::No);
            }
            floor
        } else {
            return (proposed, Limited::No);
        };
        (u32::try_from(held).unwrap_or(if held < 0 { 0 } else { u32::MAX }), why)
    }
}

impl Guard for Rate {
    fn hold(&mut self, at: Timestamp, current: u32, proposed: u32) -> (u32, Option<Reason>) {
        self.grown.recall(at);
        self.shrunk.recall(at);
        let (held, limited) = self.limit(at, current, proposed, 0, u32::MAX);
        let code = match limited {
            Limited::ScaleUpLimit => codes::SCALE_UP_LIMIT,
            Limited::ScaleDownLimit => codes::SCALE_DOWN_LIMIT,
            Limited::No | Limited::TooFewReplicas | Limited::TooManyReplicas => {
                return (held, None);
            }
        };
        (held, Some(Reason::new(code, [("limit", held.into())])))
    }

    fn decided(&mut self, at: Timestamp, current: u32, replicas: u32) {
        let (log, limits) = if replicas > current {
            (&mut self.grown, self.settings.growth())
        } else if replicas < current {
            (&mut self.shrunk, self.settings.shrinking())
        } else {
            return;
        };
        log.recall(at);
        log.record(at, replicas.abs_diff(current), limits.longest());
    }
}

/// What limited a proposal; the HPA's reasons of its condition `ScalingLimited`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Limited {
    /// Nothing. Kubernetes: `DesiredWithinRange`.
    No,
    /// The lower limit.
    TooFewReplicas,
    /// The upper limit.
    TooManyReplicas,
    /// The rate of growth.
    ScaleUpLimit,
    /// The rate of shrinking.
    ScaleDownLimit,
}

impl Limited {
    /// The name that Kubernetes has for it.
    #[must_use]
    pub const fn kubernetes_name(self) -> &'static str {
        match self {
            Self::No => "DesiredWithinRange",
            Self::TooFewReplicas => "TooFewReplicas",
            Self::TooManyReplicas => "TooManyReplicas",
            Self::ScaleUpLimit => "ScaleUpLimit",
            Self::ScaleDownLimit => "ScaleDownLimit",
        }
    }
}

/// The proposal within `min`, `max` and a single growth of `factor` times the current replicas, at
/// least `minimum`: what an HPA without `behavior` does (factor 2, minimum 4).
///
/// ```
/// use forescale::guard::rate::{Limited, limit_default};
///
/// assert_eq!(limit_default(3, 1000, 1, 2000, 2.0, 4), (6, Limited::ScaleUpLimit));
/// ```
#[must_use]
pub fn limit_default(
    current: u32,
    proposed: u32,
    min: u32,
    max: u32,
    factor: f64,
    minimum: u32,
) -> (u32, Limited) {
    let limit = (factor * f64::from(current)).max(f64::from(minimum)) as u32; // truncates
    let (cap, why) =
        if max > limit { (limit, Limited::ScaleUpLimit) } else { (max, Limited::TooManyReplicas) };
    if proposed < min {
        (min, Limited::TooFewReplicas)
    } else if proposed > cap {
        (cap, why)
    } else {
        (proposed, Limited::No)
    }
}

/// Settings of [`Rate`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Limits of growth. Default: 100 percent or 4 replicas in 15s, as the HPA.
    pub scale_up: Vec<ChangeLimit>,
    /// Limits of shrinking. Default: 100 percent in 15s, hence none, as the HPA.
    pub scale_down: Vec<ChangeLimit>,
    /// Which of the limits of growth holds. Default `max`, as the HPA.
    pub select_scale_up: Select,
    /// Which of the limits of shrinking holds. Default `max`, as the HPA.
    pub select_scale_down: Select,
}

impl Config {
    fn growth(&self) -> Limits<'_> {
        Limits { of: &self.scale_up, select: self.select_scale_up }
    }

    fn shrinking(&self) -> Limits<'_> {
        Limits { of: &self.scale_down, select: self.select_scale_down }
    }
}

impl Default for Config {
    fn default() -> Self {
        let in_15s = |change| ChangeLimit { change, period: Duration::from_secs(15) };
        Self {
            scale_up: vec![in_15s(Change::Percent(100)), in_15s(Change::Replicas(4))],
            scale_down: vec![in_15s(Change::Percent(100))],
            select_scale_up: Select::Max,
            select_scale_down: Select::Max,
        }
    }
}

#[cfg(test)]
mod tests;
