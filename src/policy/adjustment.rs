//! How a capacity is adjusted: by a number, to a number, or by a share, exactly as AWS does it.
//!
//! In: a capacity and an adjustment in whole numbers. Out: the capacity after it. Knows no metric
//! and no limits. Source: the EC2 Auto Scaling guide, scaling adjustment types, and the API's
//! `MinAdjustmentMagnitude`.

use serde::{Deserialize, Serialize};

use crate::Error;

/// What the number of an adjustment means; AWS's `AdjustmentType`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Adjustment {
    /// So many replicas more, or fewer where it is negative. AWS: `ChangeInCapacity`.
    #[default]
    Change,
    /// Exactly so many replicas. AWS: `ExactCapacity`.
    Exact,
    /// So many whole percent more, or fewer where it is negative. AWS: `PercentChangeInCapacity`.
    Percent,
}

impl Adjustment {
    /// The capacity after the adjustment by `by`, at least 0.
    ///
    /// A change by percent is rounded toward zero, but to one replica at least; 0 percent stay 0.
    /// It is then widened to `least` replicas, which the other two do not know. AWS widens 25
    /// percent of 4, one instance, to two for a minimum of two; what it does where the percentage
    /// is of nothing is not documented: here the minimum then counts, in the percentage's direction.
    ///
    /// ```
    /// use forescale::policy::adjustment::Adjustment::{Change, Exact, Percent};
    ///
    /// assert_eq!(Change.apply(3, 5, 0), 8);
    /// assert_eq!(Exact.apply(3, 5, 0), 5);
    /// assert_eq!(Percent.apply(10, 10, 0), 11);
    /// assert_eq!(Percent.apply(4, 25, 2), 6);
    /// ```
    #[must_use]
    pub fn apply(self, capacity: u32, by: i32, least: u32) -> u32 {
        let (capacity, by) = (i64::from(capacity), i64::from(by));
        let after = match self {
            Self::Change => capacity + by,
            Self::Exact => by,
            Self::Percent if by == 0 => capacity,
            Self::Percent => {
                let hundredfold = capacity * by;
                let least = i64::from(least).max(i64::from(hundredfold != 0));
                capacity + by.signum() * (hundredfold / 100).abs().max(least)
            }
        };
        u32::try_from(after.max(0)).unwrap_or(u32::MAX)
    }

    /// Refuses a number that the adjustment has no meaning for.
    ///
    /// # Errors
    /// If an exact capacity is negative.
    pub(super) fn check(self, by: i32) -> Result<(), Error> {
        if self == Self::Exact && by < 0 {
            let message = format!("is {by}, must be from 0 up where `adjustment` is `exact`");
            return Err(Error::config("by", message));
        }
        Ok(())
    }

    /// Refuses a smallest change where it has no meaning.
    ///
    /// # Errors
    /// If there is one and the adjustment is not by percent.
    pub(super) fn check_least(self, least: u32) -> Result<(), Error> {
        if least > 0 && self != Self::Percent {
            let message = format!("is {least}, must be 0 unless `adjustment` is `percent`");
            return Err(Error::config("min_adjustment", message));
        }
        Ok(())
    }
}

/// A change that is asked for until the next period closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Action {
    /// The size it was reckoned from.
    pub(super) from: u32,
    /// The size it leads to.
    pub(super) to: u32,
}

impl Action {
    /// The size it asks for now: what is already done is not done again, and an action that takes
    /// away says no more once somebody has added.
    pub(super) fn now(self, current: u32) -> u32 {
        match self {
            Self { from, to } if to >= from => to.max(current),
            Self { from, to } if current <= from => to.min(current),
            _ => current,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Adjustment::{Change, Exact, Percent};
    use super::*;

    #[test]
    fn percent_changes_are_rounded_as_the_guide_says() {
        // capacity, percent -> change. The guide's examples: 12.7, 0.67, -0.58, -6.67.
        let table = [
            (127, 10, 12),
            (67, 1, 1),
            (58, -1, -1),
            (667, -1, -6),
            (10, 10, 1),
            (11, 30, 3),   // 3.3
            (14, -10, -1), // -1.4
            (13, -30, -3), // -3.9
            (1, 199, 1),
            (1, 100, 1),
            (1, 1, 1),
            (1, -1, -1),
            (10, 0, 0),
            (0, 50, 0),
            (0, -50, 0),
            (3, -100, -3),
            (3, -1000, -3), // there are no more to take
        ];
        for (capacity, percent, change) in table {
            let after = Percent.apply(capacity, percent, 0);
            assert_eq!(i64::from(after) - i64::from(capacity), change, "{percent} % of {capacity}");
        }
    }

    #[test]
    fn a_change_by_percent_is_widened_to_the_smallest_one() {
        let table = [
            (4, 25, 2, 6),
            (4, 75, 2, 7),
            (4, -25, 2, 2),
            (1, -25, 2, 0),
            (4, 0, 2, 4), // no change is none
            (0, 25, 2, 2),
            (0, -25, 2, 0),
        ];
        for (capacity, percent, least, want) in table {
            assert_eq!(Percent.apply(capacity, percent, least), want, "{percent} % of {capacity}");
        }
    }

    #[test]
    fn changes_and_exact_sizes_stay_within_the_numbers() {
        let table = [
            (Change, 3, 5, 8),
            (Change, 3, -5, 0),
            (Change, u32::MAX, i32::MAX, u32::MAX),
            (Exact, 3, 5, 5),
            (Exact, 3, 0, 0),
            (Percent, u32::MAX, i32::MAX, u32::MAX),
            (Percent, u32::MAX, i32::MIN, 0),
        ];
        for (adjustment, capacity, by, want) in table {
            assert_eq!(adjustment.apply(capacity, by, 0), want, "{adjustment:?} {by}");
        }
        assert_eq!(Change.apply(3, 1, 9), 4, "the smallest change is one of percent");
    }

    #[test]
    fn an_action_is_not_done_twice() {
        let (out, inwards) = (Action { from: 10, to: 12 }, Action { from: 10, to: 8 });
        for (current, want) in [(10, 12), (11, 12), (12, 12), (15, 15), (9, 12)] {
            assert_eq!(out.now(current), want, "out at {current}");
        }
        for (current, want) in [(10, 8), (9, 8), (8, 8), (5, 5), (11, 11)] {
            assert_eq!(inwards.now(current), want, "in at {current}");
        }
    }
}
