//! The strategies of the HashiCorp Nomad autoscaler (July 2026, commit ede4e61), a file each.
//!
//! In: settings, the present count and recent points of one metric. Out: an [`Action`], to the bit
//! as Nomad's plugins answer it: the real arithmetic is binary64 in their order, its noise included.
//! [`winner`] chooses among the actions of several checks. Knows no limits and no time.
//!
//! Each strategy has `Settings`, read from texts as a Nomad job carries them
//! (`Settings::from_texts`), and `Settings::action` on parsed ones; the policies stand on the latter
//! with settings of their own. Numbers in texts are decimal, `inf` or `nan`: Go's hexadecimal
//! numbers and digits parted by `_` are refused.
//!
//! As policies the strategies differ from Nomad in this: a metric that cannot be read stops the
//! shrinking that others want, where Nomad by default leaves its check out; points are the readings
//! of the observations, where Nomad asks its metric source for them; counts end at 0 and 2^32 - 1;
//! and the highest count wins, which is Nomad's choice among checks without groups.

pub mod fixed_value;
pub mod pass_through;
pub mod target_value;
pub mod threshold;
pub mod winner;

use std::collections::BTreeMap;

use self::winner::Direction;
use super::{Proposal, Want};
use crate::Error;
use crate::explain::{Code, Reason, codes};

/// What a strategy asks for: a direction and a count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Action {
    /// Where to.
    pub direction: Direction,
    /// The wanted count; 0 where nothing is wanted.
    pub count: i64,
}

impl Action {
    /// Nothing is wanted.
    pub const NONE: Self = Self { direction: Direction::None, count: 0 };

    /// To `wanted` from `count`, by comparison; equal counts want nothing.
    #[must_use]
    pub fn towards(count: i64, wanted: i64) -> Self {
        match Direction::between(count, wanted) {
            Direction::None => Self::NONE,
            direction => Self { direction, count: wanted },
        }
    }

    /// Whether it is worth executing: it has a direction, and another count than the current one.
    #[must_use]
    pub fn needed(&self, current: i64) -> bool {
        self.direction != Direction::None && self.count != current
    }

    /// The proposal that it is, from `current` replicas. To stay is one too: as in Nomad it
    /// outranks shrinking.
    fn proposal<const N: usize>(self, current: u32, facts: [(&'static str, f64); N]) -> Proposal {
        let code = match self.direction {
            Direction::None => return proposal(codes::STRATEGY_NONE, current.into(), facts),
            Direction::Down => codes::STRATEGY_DOWN,
            Direction::Up | Direction::Recommendation => codes::STRATEGY_UP,
        };
        proposal(code, self.count, facts)
    }
}

fn proposal<const N: usize>(code: Code, count: i64, facts: [(&'static str, f64); N]) -> Proposal {
    let replicas = u32::try_from(count.max(0)).unwrap_or(u32::MAX);
    let reason = Reason::new(code, facts);
    Proposal { want: Want::Replicas(replicas), wish: None, demand: None, reason }
}

/// Brings a count into `min..=max`; where the two contradict each other and the count is below
/// both, `min` holds. The second answer is whether it changed.
///
/// -1 is no count but Nomad's mark of a dry run, and is left alone.
///
/// ```
/// use forescale::policy::strategies::cap_count;
///
/// assert_eq!(cap_count(15, 5, 10), (10, true));
/// assert_eq!(cap_count(-1, 5, 10), (-1, false));
/// ```
#[must_use]
pub fn cap_count(count: i64, min: i64, max: i64) -> (i64, bool) {
    const DRY_RUN: i64 = -1;
    let capped = match count {
        DRY_RUN => count,
        _ if count < min => min,
        _ if count > max => max,
        _ => count,
    };
    (capped, capped != count)
}

/// The cooldown after an action, in seconds: growth has its own, all else the general one.
#[must_use]
pub fn cooldown_for(direction: Direction, general_seconds: f64, up_seconds: f64) -> f64 {
    if direction == Direction::Up { up_seconds } else { general_seconds }
}

/// The seconds of a cooldown that are left; negative once it is over.
#[must_use]
pub fn cooldown_left(cooldown_seconds: f64, since_last_event_seconds: f64) -> f64 {
    cooldown_seconds - since_last_event_seconds
}

/// What becomes of a check, failed or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It has not failed.
    UseResult,
    /// It is left out, the other checks decide.
    SkipCheck,
    /// Nothing is decided.
    Abort,
}

/// What becomes of a check by its own `on_error` and the policy's `on_check_error`, as the texts
/// that they are: only `ignore` and `fail` mean something on a check, only `fail` on a policy.
///
/// ```
/// use forescale::policy::strategies::{Outcome, on_error};
///
/// assert_eq!(on_error(true, "ignore", "fail"), Outcome::SkipCheck);
/// assert_eq!(on_error(true, "", "fail"), Outcome::Abort);
/// assert_eq!(on_error(false, "fail", "fail"), Outcome::UseResult);
/// ```
#[must_use]
pub fn on_error(check_failed: bool, on_error: &str, on_check_error: &str) -> Outcome {
    match (check_failed, on_error, on_check_error) {
        (false, _, _) => Outcome::UseResult,
        (true, "ignore", _) => Outcome::SkipCheck,
        (true, "fail", _) | (true, _, "fail") => Outcome::Abort,
        _ => Outcome::SkipCheck,
    }
}

/// The settings of a check as a Nomad job carries them.
pub type Texts = BTreeMap<String, String>;

/// The text of a key; an empty one is the same as none.
fn text<'a>(texts: &'a Texts, key: &str) -> Option<&'a str> {
    texts.get(key).map(String::as_str).filter(|text| !text.is_empty())
}

/// A whole number of 64 bits: an optional sign and digits.
fn whole(texts: &Texts, key: &str) -> Result<Option<i64>, Error> {
    let parse = |text: &str| {
        let refused =
            |_| Error::config(key, format!("is \"{text}\", must be a whole number of 64 bits"));
        text.parse().map_err(refused)
    };
    text(texts, key).map(parse).transpose()
}

/// A number; one that is too large to be written as binary64 is refused.
fn number(texts: &Texts, key: &str) -> Result<Option<f64>, Error> {
    let parse = |text: &str| match text.parse::<f64>() {
        Ok(number) if number.is_finite() || !text.contains(|c: char| c.is_ascii_digit()) => {
            Ok(number)
        }
        _ => Err(Error::config(key, format!("is \"{text}\", must be a number"))),
    };
    text(texts, key).map(parse).transpose()
}

fn missing(key: &str) -> Error {
    Error::config(key, "is missing, must be given")
}

/// By how much an action may move the count; no limit where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MaxScale {
    /// At most so many more.
    pub up: Option<i64>,
    /// At most so many fewer.
    pub down: Option<i64>,
}

impl MaxScale {
    /// From `max_scale_up` and `max_scale_down`, whole numbers.
    ///
    /// # Errors
    /// If one of them is no whole number.
    pub fn from_texts(texts: &Texts) -> Result<Self, Error> {
        Ok(Self { up: whole(texts, "max_scale_up")?, down: whole(texts, "max_scale_down")? })
    }

    fn new(up: Option<u32>, down: Option<u32>) -> Self {
        Self { up: up.map(i64::from), down: down.map(i64::from) }
    }

    fn at_most(&self, count: i64, wanted: i64) -> i64 {
        self.up.map_or(wanted, |up| wanted.min(count.saturating_add(up)))
    }

    fn at_least(&self, count: i64, wanted: i64) -> i64 {
        self.down.map_or(wanted, |down| wanted.max(count.saturating_sub(down)))
    }
}

/// The proposal that holds the others while the metric cannot be read.
fn unread(reason: Reason) -> Proposal {
    Proposal { want: Want::NotFewer, wish: None, demand: None, reason }
}

fn check_metric(metric: &str) -> Result<(), Error> {
    if metric.is_empty() {
        return Err(Error::config("metric", "is empty, must be the name of a metric"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
