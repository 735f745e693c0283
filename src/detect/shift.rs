//! A new level: the mean of the last values is far from what was expected of them.
//!
//! In: the last deviations. Out: how rare their mean is. Knows nothing of single values.

use serde::{Deserialize, Serialize};

use super::watch::{Evidence, Found, Watch};
use super::baseline::Seen;
use super::recent::Recent;
use super::tail::Tail;
pub use super::watch::Config;

/// The mean deviation of the last three dozen values, against the tail of all such means so far.
pub type Shift = Watch<Mean<{ Recent::KEPT }>>;

/// The mean of the last `N` deviations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mean<const N: usize> {
    tail: Tail,
}

impl<const N: usize> Evidence for Mean<N> {
    fn new() -> Self {
        Self { tail: Tail::new(0.5) }
    }

    fn weigh(&mut self, seen: &Seen, recent: &Recent) -> Found {
        if !seen.settled {
            return Found::default();
        }
        let mean = if N == Recent::KEPT { recent.mean() } else { recent.mean_of(N) };
        let digits = self.tail.digits(mean.abs());
        self.tail.learn(mean.abs());
        Found::new(digits, mean > 0.0)
    }

    fn restart(&mut self) {
        self.tail.restart();
    }
}
