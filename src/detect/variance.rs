//! Noise that is larger or smaller than it was.
//!
//! In: the last deviations. Out: how rare their spread is. Knows nothing of levels.

use serde::{Deserialize, Serialize};

use super::baseline::Seen;
use super::recent::Recent;
use super::tail::Tail;
pub use super::watch::Config;
use super::watch::{Evidence, Found, Watch};

/// The ratio of the standard deviation of the last three dozen deviations to its running mean,
/// against the tail of all such ratios so far, each side on its own.
pub type Variance = Watch<Ratio>;

/// See [`Variance`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ratio {
    usual: f64,
    n: u64,
    larger: Tail,
    smaller: Tail,
}

impl Ratio {
    const MEMORY: f64 = 250.0;

    /// Added to both: a spread below says nothing of note.
    const CRUMB: f64 = 0.02;
}

impl Evidence for Ratio {
    fn new() -> Self {
        Self { usual: 0.0, n: 0, larger: Tail::new(0.2), smaller: Tail::new(0.2) }
    }

    fn weigh(&mut self, seen: &Seen, recent: &Recent) -> Found {
        if !(seen.settled && recent.is_full()) {
            return Found::default();
        }
        let deviation = recent.deviation();
        self.n += 1;
        if self.n == 1 {
            self.usual = deviation;
        }
        let ratio = libm::log((deviation + Self::CRUMB) / (self.usual + Self::CRUMB));
        let rate = (3.0 / (self.n as f64 + 2.0)).max(1.0 / Self::MEMORY);
        self.usual += rate.min(1.0) * (deviation - self.usual);
        let (larger, smaller) = (ratio.max(0.0), (-ratio).max(0.0));
        let digits = self.larger.digits(larger).max(self.smaller.digits(smaller));
        self.larger.learn(larger, seen.pace);
        self.smaller.learn(smaller, seen.pace);
        Found::new(digits, ratio > 0.0)
    }

    fn restart(&mut self) {
        self.larger.restart();
        self.smaller.restart();
    }
}
