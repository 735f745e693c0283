//! Which of several actions is taken.
//!
//! In: the actions of checks, by group. Out: one of them, or nothing. Knows no metric and no limit.

use super::Action;

/// Where an action leads, in the order of safety: each outranks those before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// Fewer.
    Down,
    /// Stay.
    #[default]
    None,
    /// More.
    Up,
    /// A size recommended from outside (Nomad's dynamic application sizing).
    Recommendation,
}

impl Direction {
    /// From `count` to `wanted`.
    #[must_use]
    pub fn between(count: i64, wanted: i64) -> Self {
        match wanted.cmp(&count) {
            std::cmp::Ordering::Less => Self::Down,
            std::cmp::Ordering::Equal => Self::None,
            std::cmp::Ordering::Greater => Self::Up,
        }
    }

    /// By Nomad's name: `down`, `none`, `up` or `recommendation`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Down, Self::None, Self::Up, Self::Recommendation]
            .into_iter()
            .find(|direction| direction.as_str() == name)
    }

    /// Nomad's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::None => "none",
            Self::Up => "up",
            Self::Recommendation => "recommendation",
        }
    }
}

/// The safer of two actions: the higher direction, of two that grow or two that shrink the larger
/// count, else the first.
///
/// ```
/// use forescale::policy::strategies::{Action, winner::preempt};
///
/// let (four, one) = (Action::towards(9, 4), Action::towards(9, 1));
/// assert_eq!(preempt(one, four), four);
/// assert_eq!(preempt(four, Action::NONE), Action::NONE);
/// ```
#[must_use]
pub fn preempt(a: Action, b: Action) -> Action {
    let by_count = matches!(a.direction, Direction::Up | Direction::Down) && b.count > a.count;
    if b.direction > a.direction || (b.direction == a.direction && by_count) { b } else { a }
}

/// The action to take of those that groups of checks ask for; `None` where none asks.
///
/// In a named group, checks that want nothing take no part unless all of the group do, as most are
/// expected to see their metric elsewhere; in the unnamed one (`""`) they do. A check without a
/// result (`None`) is skipped, but with it not all of the group want nothing. Nomad goes through
/// the groups in no fixed order; here the first of equals stays.
///
/// ```
/// use forescale::policy::strategies::{Action, winner::pick_winner};
///
/// let checks = [Some(Action::NONE), Some(Action::towards(9, 8))];
/// assert_eq!(pick_winner([("load", checks.as_slice())]), checks[1]);
/// assert_eq!(pick_winner([("", checks.as_slice())]), checks[0]);
/// ```
#[must_use]
pub fn pick_winner<'a>(
    groups: impl IntoIterator<Item = (&'a str, &'a [Option<Action>])>,
) -> Option<Action> {
    let of_group = |(name, results): (&str, &'a [Option<Action>])| {
        let is_idle = |result: &Option<Action>| {
            result.is_some_and(|action| action.direction == Direction::None)
        };
        let counts_idle = name.is_empty() || results.iter().all(is_idle);
        let partakes = |result: &&Option<Action>| counts_idle || !is_idle(result);
        results.iter().filter(partakes).filter_map(|&result| result).reduce(preempt)
    };
    groups.into_iter().filter_map(of_group).reduce(preempt)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn action(direction: Direction, count: i64) -> Option<Action> {
        Some(Action { direction, count })
    }

    #[test]
    fn a_check_without_a_result_keeps_the_others_none_out_of_its_named_group() {
        let (none, down) = (action(Direction::None, 0), action(Direction::Down, 1));
        let groups = |first: [Option<Action>; 2]| {
            pick_winner([("load", first.as_slice()), ("", [down].as_slice())])
        };
        assert_eq!(groups([none, None]), down);
        assert_eq!(groups([none, none]), none);
    }

    #[test]
    fn of_two_recommendations_the_first_stays() {
        let (one, nine) =
            (action(Direction::Recommendation, 1), action(Direction::Recommendation, 9));
        assert_eq!(pick_winner([("", [one, nine].as_slice())]), one);
    }
}
