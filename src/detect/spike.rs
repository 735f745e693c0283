//! One value that is far off: from what was expected of it, or from the value before.
//!
//! In: a value beside what was expected. Out: how rare that is. Knows nothing of those to come.

use serde::{Deserialize, Serialize};

use super::baseline::Seen;
use super::recent::Recent;
use super::tail::Tail;
pub use super::watch::Config;
use super::watch::{Evidence, Found, Watch};

/// The rarer of two: the deviation from what level and season foretell, and the jump from the value
/// before, each against the tail of all such deviations so far.
pub type Spike = Watch<Single>;

/// See [`Spike`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Single {
    off: Tail,
    jump: Tail,
}

impl Single {
    /// The deviation, in spreads, that so many digits are of.
    pub(super) fn reach(&self, digits: f64) -> f64 {
        self.off.evidence(digits)
    }
}

impl Evidence for Single {
    fn new() -> Self {
        Self { off: Tail::new(1.0), jump: Tail::new(1.0) }
    }

    fn weigh(&mut self, seen: &Seen, _recent: &Recent) -> Found {
        // The way back to what was expected is no jump.
        let is_off = seen.off.abs() > 1.0 && (seen.jump > 0.0) == (seen.off > 0.0);
        let jump = if is_off { seen.jump.abs() } else { 0.0 };
        let digits = self.off.digits(seen.off.abs()).max(self.jump.digits(jump));
        self.off.learn(seen.off.abs(), seen.pace);
        self.jump.learn(jump, seen.pace);
        Found::new(digits, seen.off > 0.0)
    }

    fn restart(&mut self) {
        self.off.restart();
        self.jump.restart();
    }
}
