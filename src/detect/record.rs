//! A value outside everything seen so far.
//!
//! In: values. Out: how far they leave the range of all before. Two numbers of state.

use serde::{Deserialize, Serialize};

use super::baseline::Seen;
use super::recent::Recent;
pub use super::watch::Config;
use super::watch::{Evidence, Found, Watch};

/// A new highest or lowest value, by how much of the range so far it lies outside.
///
/// Among `n` values in any order the next is a record with a chance of `2 / n` (Rényi 1962), so a
/// record says little early on; one by a good part of the whole range is rare at any time. Nothing
/// fades: on loads that grow, the range grows along, and small records are worth little.
pub type Record = Watch<Range>;

/// See [`Record`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// Lowest and highest so far.
    ends: Option<(f64, f64)>,
}

impl Range {
    /// Share of the range by which a record counts a digit more; ten times that, another.
    const SHARE: f64 = 0.01;

    /// Digits of the least record: those of a record among two hundred.
    const DIGITS: f64 = 2.0;
}

impl Evidence for Range {
    fn new() -> Self {
        Self { ends: None }
    }

    fn weigh(&mut self, seen: &Seen, _recent: &Recent) -> Found {
        let value = seen.value;
        let (low, high) = self.ends.unwrap_or((value, value));
        self.ends = Some((low.min(value), high.max(value)));
        let beyond = (value - high).max(low - value);
        let is_up = value > high;
        if beyond <= seen.crumb || !seen.settled {
            return Found::new(0.0, is_up);
        }
        let share = beyond / (high - low).max(2.0 * seen.crumb);
        Found::new(Self::DIGITS + libm::log10(1.0 + share / Self::SHARE), is_up)
    }

    fn restart(&mut self) {}
}
