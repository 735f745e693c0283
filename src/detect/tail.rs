//! How rare a number is, learnt from those that came before.
//!
//! In: evidence, numbers from 0 up of any scale. Out: digits, `-log10` of the share of samples that
//! show as much or more. Knows nothing of what the evidence is of.

use serde::{Deserialize, Serialize};

/// The upper tail of a stream of evidence: a running quantile, and beyond it a power law.
///
/// Above the quantile `1 - SHARE` the logarithm of the excess is taken as exponential, its mean
/// learnt (the estimator of Hill 1975, faded; peaks over a threshold as in Siffer et al. 2017,
/// "Anomaly Detection in Streams with Extreme Value Theory", with the heavy tail alone). Below the
/// quantile digits are in proportion. It fades: what came long ago counts less, and what came at the
/// very beginning, while whatever gives the evidence was still learning, counts less still.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tail {
    /// Invariant: at least `least`.
    quantile: f64,
    /// Mean of `ln(evidence / quantile)` above it, above 0.
    excess: f64,
    /// Mean size of the evidence, by which the quantile moves.
    size: f64,
    /// Samples since the last new start.
    n: u64,
    /// Evidence below this is never rare; it keeps what never moves from being alarmed by a crumb.
    least: f64,
}

impl Tail {
    /// Beyond the quantile lie so many.
    const SHARE: f64 = 0.02;

    /// The digits of `SHARE`.
    const AT_QUANTILE: f64 = 1.698_970_004_336_019;

    /// Samples after which one counts by half, roughly.
    const MEMORY: f64 = 2000.0;

    /// So many samples before the first answer.
    pub(super) const LEAST: u64 = 30;

    /// The more, the less the beginning counts: rates are `(1 + EARLY) / (n + EARLY)`.
    const EARLY: f64 = 2.0;

    /// An excess counts at most so many times the mean.
    const CLIP: f64 = 10.0;

    /// The mean excess before any is seen: one of a light tail, since it is learnt soon.
    const EXCESS: f64 = 0.25;

    /// No evidence gives more digits.
    pub(super) const MOST: f64 = 30.0;

    /// For evidence of which less than `least`, above 0, is never rare.
    pub(super) fn new(least: f64) -> Self {
        Self { quantile: least, excess: Self::EXCESS, size: 0.0, n: 0, least }
    }

    /// Begins anew.
    pub(super) fn restart(&mut self) {
        *self = Self::new(self.least);
    }

    /// The digits of `evidence`; 0 before [`LEAST`](Self::LEAST) samples.
    pub(super) fn digits(&self, evidence: f64) -> f64 {
        if self.n < Self::LEAST {
            return 0.0;
        }
        if evidence <= self.quantile {
            return Self::AT_QUANTILE * (evidence / self.quantile);
        }
        let beyond = libm::log(evidence / self.quantile) / self.excess;
        (Self::AT_QUANTILE + beyond * std::f64::consts::LOG10_E).min(Self::MOST)
    }

    /// The evidence that has so many digits, [`SHARE`](Self::SHARE)'s at least.
    pub(super) fn evidence(&self, digits: f64) -> f64 {
        let beyond = (digits - Self::AT_QUANTILE).max(0.0) * std::f64::consts::LN_10;
        self.quantile * libm::exp((beyond * self.excess).min(50.0))
    }

    /// Learns from `evidence` at a pace from 0 to 1, less than 1 while values are abnormal.
    pub(super) fn learn(&mut self, evidence: f64, pace: f64) {
        self.n += 1;
        let n = self.n as f64;
        let rate = |n: f64| (1.0 + Self::EARLY) / (n + Self::EARLY);
        self.size += pace * rate(n).clamp(1.0 / Self::MEMORY, 1.0) * (evidence - self.size);
        if self.n <= Self::LEAST {
            self.quantile = self.quantile.max(evidence);
            return;
        }
        // Robbins and Monro 1951: up by what lies above, down by what lies below, in balance where
        // `SHARE` lies above.
        let step =
            pace * 6.0 * self.size.max(0.2 * self.quantile) * rate(n).max(1.0 / Self::MEMORY);
        if evidence > self.quantile {
            let excess = libm::log(evidence / self.quantile).min(Self::CLIP * self.excess);
            let rate = rate(5.0 + n * Self::SHARE).clamp(1.0 / (Self::MEMORY * Self::SHARE), 0.15);
            self.excess = (self.excess + pace * rate * (excess - self.excess)).max(1e-3);
            self.quantile += step * (1.0 - Self::SHARE);
        } else {
            self.quantile -= step * Self::SHARE;
        }
        self.quantile = self.quantile.max(self.least);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::testing::normal;

    /// The claim and the truth, for tails light and heavy.
    #[test]
    fn digits_are_the_share_of_samples_that_show_as_much() {
        for (number, draw) in [f64::abs, f64::exp].iter().enumerate() {
            let (mut noise, mut tail) = (normal(7 + number as u64), Tail::new(1e-9));
            let (mut n_three, mut n_four) = (0.0, 0.0);
            for index in 0..400_000 {
                let evidence = draw(noise());
                let digits = tail.digits(evidence);
                tail.learn(evidence, 1.0);
                if index >= 2000 {
                    n_three += f64::from(u8::from(digits >= 3.0)) / 398.0;
                    n_four += f64::from(u8::from(digits >= 4.0)) / 39.8;
                }
            }
            // A power law errs to the quiet side where the tail is light.
            assert!((0.1..2.0).contains(&n_three), "{number}: {n_three}");
            assert!(n_four < 2.0, "{number}: {n_four}");
        }
    }

    #[test]
    fn evidence_and_digits_are_inverse() {
        let mut tail = Tail::new(0.5);
        (0..500).for_each(|index| tail.learn(f64::from(index % 50), 1.0));
        for digits in [2.0, 3.0, 6.0] {
            assert!((tail.digits(tail.evidence(digits)) - digits).abs() < 1e-9);
        }
    }

    #[test]
    fn a_crumb_is_not_rare_where_nothing_ever_moved() {
        let mut tail = Tail::new(1.0);
        (0..500).for_each(|_| tail.learn(0.0, 1.0));
        assert!(tail.digits(0.5) < 1.0);
        assert!(tail.digits(50.0) > 6.0);
    }
}
