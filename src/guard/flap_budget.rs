//! So many turns in a while, and no more.
//!
//! In: each proposal and each decision with its time. Out: the current replicas where a scale-down would
//! be a turn beyond the budget. Scaling up is never held, as load that is there must be carried. Knows
//! nothing of load.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::Guard;
use crate::Error;
use crate::explain::{Reason, codes};
use crate::time::{Duration, Timestamp};

/// Bounds how often the size turns from growing to shrinking and back.
///
/// A turn is a change in the other direction than the last one. Once there were as many within the
/// window as the budget has, the size stays up until the oldest of them is out of it; so there is at
/// most one turn more than the budget in any window, and that one is upwards.
///
/// ```
/// use forescale::guard::Guard as _;
/// use forescale::guard::flap_budget::{Config, FlapBudget};
/// use forescale::{Duration, Timestamp};
///
/// let window = Duration::from_secs(600);
/// let mut guard = FlapBudget::new(Config { turns: 2, window })?;
/// let at = |second| Timestamp::from_secs(second);
/// for (second, from, to) in [(0, 4, 6), (60, 6, 4), (120, 4, 6)] {
///     assert_eq!(guard.hold(at(second), from, to).0, to);
///     guard.decided(at(second), from, to);
/// }
/// assert_eq!(guard.hold(at(180), 6, 4).0, 6); // the turns at 60 and 120 are all there are
/// assert_eq!(guard.hold(at(660), 6, 4).0, 4); // the first is out of the window
/// # Ok::<(), forescale::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FlapBudget {
    settings: Config,
    /// The turns within the window, the oldest first; no more than the budget.
    turns: VecDeque<Timestamp>,
    /// Whether the last change was upwards.
    was_up: Option<bool>,
}

impl FlapBudget {
    /// From its settings.
    ///
    /// # Errors
    /// If a setting is out of its range.
    pub fn new(settings: Config) -> Result<Self, Error> {
        if !(1..=Config::MOST).contains(&settings.turns) {
            let message = format!("is {}, must be in [1, {}]", settings.turns, Config::MOST);
            return Err(Error::config("turns", message));
        }
        if settings.window.is_zero() {
            return Err(Error::config("window", "is 0s, must be above 0"));
        }
        let turns = VecDeque::with_capacity(settings.turns as usize + 1);
        Ok(Self { settings, turns, was_up: None })
    }

    /// Forgets what is out of the window; a turn of a clock that was ahead counts as of now.
    fn forget(&mut self, at: Timestamp) {
        for turn in &mut self.turns {
            *turn = (*turn).min(at);
        }
        while self.turns.front().is_some_and(|&turn| at.since(turn) >= self.settings.window) {
            self.turns.pop_front();
        }
    }
}

impl Guard for FlapBudget {
    fn hold(&mut self, at: Timestamp, current: u32, proposed: u32) -> (u32, Option<Reason>) {
        self.forget(at);
        let turns_down = proposed < current && self.was_up == Some(true);
        if !turns_down || self.turns.len() < self.settings.turns as usize {
            return (proposed, None);
        }
        let facts = [
            ("n_turns", self.turns.len() as f64),
            ("window_seconds", self.settings.window.as_secs_f64()),
        ];
        (current, Some(Reason::new(codes::FLAP_BUDGET_SPENT, facts)))
    }

    fn decided(&mut self, at: Timestamp, current: u32, replicas: u32) {
        if replicas == current {
            return;
        }
        let is_up = replicas > current;
        if self.was_up.replace(is_up).is_some_and(|was_up| was_up != is_up) {
            self.forget(at);
            self.turns.push_back(at);
            if self.turns.len() > self.settings.turns as usize {
                self.turns.pop_front();
            }
        }
    }
}

/// Settings of [`FlapBudget`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How often the size may turn within the window, from 1 to 1000. Default 4: two ups and two downs
    /// an hour follow any day's course.
    pub turns: u32,
    /// The window, above 0. Default 1h.
    pub window: Duration,
}

impl Config {
    const MOST: u32 = 1000;
}

impl Default for Config {
    fn default() -> Self {
        Self { turns: 4, window: Duration::from_secs(3600) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_secs(second)
    }

    /// Whatever is proposed: no window has more turns than the budget and one, and no rise is held.
    #[test]
    fn no_window_has_more_turns_than_the_budget_and_one() {
        let window = Duration::from_secs(300);
        let mut guard = FlapBudget::new(Config { turns: 3, window }).expect("in range");
        let mut random = crate::testing::uniform(4);
        let (mut size, mut was_up, mut turns) = (5_u32, None, Vec::new());
        for tick in 0..5000 {
            let proposed = 1 + (9.0 * random()) as u32;
            let (held, reason) = guard.hold(at(15 * tick), size, proposed);
            assert_eq!(held != proposed, reason.is_some());
            assert!(proposed < size || held == proposed, "a rise is held");
            guard.decided(at(15 * tick), size, held);
            if held != size && was_up.replace(held > size).is_some_and(|was| was != (held > size)) {
                turns.push(15 * tick);
            }
            size = held;
        }
        assert!(turns.len() > 100);
        assert!(turns.windows(5).all(|five| five[4] - five[0] >= 300), "five turns in a window");
    }

    #[test]
    fn the_way_down_in_one_go_is_no_flap() {
        let mut guard =
            FlapBudget::new(Config { turns: 1, ..Config::default() }).expect("in range");
        for (tick, size) in (2..10).rev().enumerate() {
            assert_eq!(guard.hold(at(15 * tick as i64), size + 1, size), (size, None));
            guard.decided(at(15 * tick as i64), size + 1, size);
        }
    }

    #[test]
    fn a_clock_that_steps_back_waits_one_window_and_no_longer() {
        let window = Duration::from_secs(600);
        let mut guard = FlapBudget::new(Config { turns: 1, window }).expect("in range");
        for (second, from, to) in [(86_400, 5, 4), (86_460, 4, 6)] {
            guard.decided(at(second), from, to);
        }
        let (held, reason) = guard.hold(at(0), 6, 5);
        assert_eq!((held, reason.map(|reason| reason.code())), (6, Some("flap_budget_spent")));
        assert_eq!(guard.hold(at(600), 6, 5), (5, None));
    }

    #[test]
    fn settings_out_of_range_are_refused_by_name() {
        let refused = |turns, window| {
            let settings = Config { turns, window: Duration::from_secs(window) };
            FlapBudget::new(settings).expect_err("out of range").path().to_owned()
        };
        assert_eq!([refused(0, 1), refused(1001, 1), refused(1, 0)], ["turns", "turns", "window"]);
    }
}
