//! How rare a size is, learnt from the sizes themselves.
//!
//! In: sizes from 0 up. Out: the size that only so small a share of them exceeds. Above a high quantile
//! the excesses are taken as exponential, which holds for most tails far enough out (Balkema and de Haan
//! 1974; Siffer et al. 2017 learn theirs in the same place).

use serde::{Deserialize, Serialize};

/// The quantile above which the tail begins.
const SHARE: f64 = 0.005;
/// With fewer sizes nothing is said: twenty in the tail.
const LEAST: u32 = 4_000;
/// An excess counts at most so many times their mean, so that a fault is not learnt as usual.
const CLIP: f64 = 8.0;

/// The tail of a running quantity.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Excess {
    n_seen: u32,
    n_above: u32,
    quantile: f64,
    mean: f64,
}

impl Excess {
    pub(super) fn is_sound(&self) -> bool {
        [self.quantile, self.mean].iter().all(|number| number.is_finite() && *number >= 0.0)
    }

    pub(super) fn learn(&mut self, size: f64) {
        self.n_seen = self.n_seen.saturating_add(1);
        // Robbins and Monro 1951, in steps of the tail's own scale; large at first.
        let haste = (200.0 / f64::from(self.n_seen)).max(1.0);
        let step = 0.05 * haste * (self.mean + 0.05 * self.quantile + 1e-9);
        if size <= self.quantile {
            self.quantile = (self.quantile - SHARE * step).max(0.0);
            return;
        }
        let excess = size - self.quantile;
        self.quantile += (1.0 - SHARE) * step.min(excess);
        self.n_above = self.n_above.saturating_add(1);
        let most = if self.n_above > 5 { CLIP * self.mean } else { f64::MAX };
        let weight = (1.0 / f64::from(self.n_above)).max(1.0 / 100.0);
        self.mean += weight * (excess.min(most) - self.mean);
    }

    /// The size that a share `p` of them exceeds; none before enough were seen.
    pub(super) fn beyond(&self, p: f64) -> Option<f64> {
        let depth = libm::log((SHARE / p).max(1.0));
        (self.n_seen >= LEAST).then_some(self.quantile + self.mean * depth)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::uniform;

    #[test]
    fn of_exponential_sizes_the_claimed_share_exceeds_what_it_says() {
        let (mut excess, mut random) = (Excess::default(), uniform(1));
        assert_eq!(excess.beyond(1e-4), None);
        let (mut n_beyond, n) = (0, 1_000_000);
        for index in 0..n {
            let size = -libm::log(1.0 - random());
            if index > 4_000 && excess.beyond(1e-4).is_some_and(|most| size > most) {
                n_beyond += 1;
            }
            excess.learn(size);
        }
        let share = f64::from(n_beyond) / f64::from(n);
        assert!((0.5e-4..2e-4).contains(&share), "{share}");
    }
}
