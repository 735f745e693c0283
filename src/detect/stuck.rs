//! A value that stands still where it never did for so long.
//!
//! In: values. Out: how far the stillness goes beyond any before. Knows
//! nothing of levels.

use serde::{Deserialize, Serialize};

use super::baseline::Seen;
use super::recent::Recent;
pub use super::watch::Config;
use super::watch::{Evidence, Found, Watch};

/// The same value again and again, against the longest such row so far. What repeats itself by nature
/// (a counter at rest, a metric read more often than it is written) has long rows from the beginning.
pub type Stuck = Watch<Stillness>;

/// See [`Stuck`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stillness {
    last: f64,
    /// How often the last value has come in a row.
    run: u64,
    /// The longest row that has ended.
    longest: u64,
    /// Rows that have ended.
    n_rows: u64,
}

impl Stillness {
    /// So many rows must have ended before one can be too long.
    const LEAST: u64 = 30;

    /// The digits of a row that is longer by its own length once more.
    const DIGITS: f64 = 2.0;
}

impl Evidence for Stillness {
    fn new() -> Self {
        Self { last: f64::MAX, run: 0, longest: 0, n_rows: 0 }
    }

    fn weigh(&mut self, seen: &Seen, _recent: &Recent) -> Found {
        if (seen.value - self.last).abs() <= 1e-9 * self.last.abs() {
            self.run += 1;
        } else {
            if self.run > 0 {
                self.n_rows += 1;
                self.longest = self.longest.max(self.run);
            }
            (self.last, self.run) = (seen.value, 1);
        }
        let mut digits = 0.0;
        if self.n_rows >= Self::LEAST && self.run > self.longest {
            let beyond = (self.run - self.longest) as f64 / (self.longest + 1) as f64;
            digits = Self::DIGITS * (beyond / (1.0 + beyond)) + libm::log10(1.0 + beyond);
        }
        Found::new(digits, false)
    }

    fn restart(&mut self) {}
}
