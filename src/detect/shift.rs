//! A new level: the mean of the last values is far from what was expected of them.
//!
//! In: the last deviations. Out: how rare their mean is. Knows nothing of single values.

use serde::{Deserialize, Serialize};

use super::baseline::Seen;
use super::recent::Recent;
use super::tail::Tail;
pub use super::watch::Config;
use super::watch::{Evidence, Found, Watch};

/// The mean deviation of the last three dozen values, against the tail of all such means so far.
pub type Shift = Watch<Mean>;

/// See [`Shift`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mean {
    tail: Tail,
}

impl Evidence for Mean {
    fn new() -> Self {
        Self { tail: Tail::new(0.5) }
    }

    fn weigh(&mut self, seen: &Seen, recent: &Recent) -> Found {
        if !seen.settled {
            return Found::default();
        }
        let mean = recent.mean();
        let digits = self.tail.digits(mean.abs());
        self.tail.learn(mean.abs(), seen.pace);
        Found::new(digits, mean > 0.0)
    }

    fn restart(&mut self) {
        self.tail.restart();
    }
}
