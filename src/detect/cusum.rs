//! A small change that lasts: deviations that add up.
//!
//! In: deviations. Out: how rare their sum is. Knows nothing of windows.

use serde::{Deserialize, Serialize};

use super::baseline::Seen;
use super::recent::Recent;
use super::tail::Tail;
pub use super::watch::Config;
use super::watch::{Evidence, Found, Watch};

/// The cumulative sums of Page 1954, one to each side, with a slack of one spread, against the tail
/// of all such sums so far.
pub type Cusum = Watch<Sums>;

/// See [`Cusum`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sums {
    above: f64,
    below: f64,
    tail: Tail,
}

impl Sums {
    const SLACK: f64 = 1.0;

    /// One deviation adds at most so much.
    const CLIP: f64 = 6.0;

    /// A change that goes on for ever must not take as long to forget.
    const MOST: f64 = 100.0;
}

impl Evidence for Sums {
    fn new() -> Self {
        Self { above: 0.0, below: 0.0, tail: Tail::new(2.0) }
    }

    fn weigh(&mut self, seen: &Seen, _recent: &Recent) -> Found {
        if !seen.settled {
            return Found::default();
        }
        let off = seen.off.clamp(-Self::CLIP, Self::CLIP);
        self.above = (self.above + off - Self::SLACK).clamp(0.0, Self::MOST);
        self.below = (self.below - off - Self::SLACK).clamp(0.0, Self::MOST);
        let sum = self.above.max(self.below);
        let digits = self.tail.digits(sum);
        self.tail.learn(sum, seen.pace);
        Found::new(digits, self.above > self.below)
    }

    fn restart(&mut self) {
        self.tail.restart();
    }
}
