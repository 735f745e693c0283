//! Many small level-trend models side by side, mixed by how well they forecast.
//!
//! In: values and each candidate's gains. Out: the value to expect some steps from now. Knows
//! neither seasons nor where the gains come from.

use serde::{Deserialize, Serialize};

use super::contest::{Contest, interpolated};
use crate::time::Duration;

/// Groups of candidates that share how trend and deviation fade.
pub(super) const N_GROUPS: usize = 4;

/// Candidates in a group.
pub(super) const GROUP: usize = 8;

/// All candidates.
pub(super) const N: usize = N_GROUPS * GROUP;

/// How a group's trend and deviation fade, as the share that is left after a step.
#[derive(Debug)]
pub(super) struct Fades {
    pub(super) slope: [f64; N_GROUPS],
    pub(super) deviation: [f64; N_GROUPS],
}

/// The share of an error that goes to a candidate's level, slope and deviation.
#[derive(Debug)]
pub(super) struct Gains {
    pub(super) level: [f64; N],
    pub(super) slope: [f64; N],
    pub(super) deviation: [f64; N],
}

/// The states of all candidates: `level + deviation` now; after a step the slope has faded and
/// joined the level, and the deviation has faded.
///
/// Candidates lie in arrays, one loop for all, so that the compiler can use its vectors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Bank {
    /// Empty before the first value, then [`N`] each.
    levels: Vec<f64>,
    slopes: Vec<f64>,
    deviations: Vec<f64>,
    contest: Contest,
    /// The states as the contest weighs them at each of its horizons.
    mixes: Vec<Mix>,
}

/// A weighted sum of states; slopes and deviations by group, as groups fade differently.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Mix {
    level: f64,
    slopes: [f64; N_GROUPS],
    deviations: [f64; N_GROUPS],
}

impl Bank {
    pub(super) fn new(step: Duration) -> Self {
        Self {
            levels: Vec::new(),
            slopes: Vec::new(),
            deviations: Vec::new(),
            contest: Contest::new(N, step),
            mixes: Vec::new(),
        }
    }

    /// Takes over what was saved, if it is sound.
    pub(super) fn restored(&self, saved: Self) -> Result<Self, String> {
        let n = saved.levels.len();
        let n_mixes = if n == 0 { 0 } else { self.contest.weights().count() };
        if ![0, N].contains(&n)
            || (saved.slopes.len(), saved.deviations.len()) != (n, n)
            || saved.mixes.len() != n_mixes
        {
            return Err(format!("{n} candidates of a forecaster are not ours"));
        }
        Ok(Self { contest: self.contest.restored(saved.contest)?, ..saved })
    }

    /// A step passes; takes its value, if there is one.
    pub(super) fn observe(&mut self, value: Option<f64>, fades: &Fades, gains: &Gains) {
        if self.levels.is_empty() {
            let Some(value) = value else { return };
            self.levels = vec![value; N];
            self.slopes = vec![0.0; N];
            self.deviations = vec![0.0; N];
        }
        let Self { levels, slopes, deviations, contest, mixes } = self;
        for c in 0..N {
            slopes[c] *= fades.slope[c / GROUP];
            levels[c] += slopes[c];
            deviations[c] *= fades.deviation[c / GROUP];
        }
        if let Some(value) = value {
            for c in 0..N {
                let error = value - levels[c] - deviations[c];
                levels[c] += gains.level[c] * error;
                slopes[c] += gains.slope[c] * error;
                deviations[c] += gains.deviation[c] * error;
            }
        }
        contest.observe(value, |ahead, said| {
            for group in 0..N_GROUPS {
                let risen = sum_of_powers(fades.slope[group], ahead);
                let left = power(fades.deviation[group], ahead);
                for c in group * GROUP..(group + 1) * GROUP {
                    said[c] = levels[c] + slopes[c] * risen + deviations[c] * left;
                }
            }
        });
        mixes.clear();
        mixes.extend(contest.weights().map(|weights| {
            let mut mix = Mix::default();
            for (c, weight) in weights.iter().enumerate() {
                mix.level += weight * levels[c];
                mix.slopes[c / GROUP] += weight * slopes[c];
                mix.deviations[c / GROUP] += weight * deviations[c];
            }
            mix
        }));
    }

    /// Moves all levels at once.
    pub(super) fn shift(&mut self, by: f64) {
        self.levels.iter_mut().for_each(|level| *level += by);
        self.mixes.iter_mut().for_each(|mix| mix.level += by);
        self.contest.shift(by);
    }

    /// The value to expect `ahead` steps from now, from 1; `None` before the first.
    pub(super) fn expects(&self, ahead: usize, fades: &Fades) -> Option<f64> {
        if self.mixes.is_empty() {
            return None;
        }
        let risen = fades.slope.map(|fade| sum_of_powers(fade, ahead));
        let left = fades.deviation.map(|fade| power(fade, ahead));
        let value = |mix: &Mix| {
            let parts = (0..N_GROUPS).map(|group| {
                mix.slopes[group] * risen[group] + mix.deviations[group] * left[group]
            });
            mix.level + parts.sum::<f64>()
        };
        Some(interpolated(ahead, |horizon| value(&self.mixes[horizon])))
    }
}

/// `base^n` by squaring; the same on every machine.
pub(super) fn power(mut base: f64, mut n: usize) -> f64 {
    let mut product = 1.0;
    while n > 0 {
        if n % 2 == 1 {
            product *= base;
        }
        base *= base;
        n /= 2;
    }
    product
}

/// `base + base^2 + ... + base^n`, for a base from 0 up to but not 1.
pub(super) fn sum_of_powers(base: f64, n: usize) -> f64 {
    base * (1.0 - power(base, n)) / (1.0 - base)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecast::testing::MINUTE;

    #[test]
    fn powers_are_powers() {
        assert_eq!([0, 1, 2, 5, 10].map(|n| power(2.0, n)), [1.0, 2.0, 4.0, 32.0, 1024.0]);
        assert_eq!((power(0.0, 0), power(0.0, 3)), (1.0, 0.0));
        assert!((sum_of_powers(0.5, 3) - 0.875).abs() < 1e-12);
        assert_eq!(sum_of_powers(0.0, 7), 0.0);
    }

    #[test]
    fn a_gap_lets_trends_and_deviations_fade() {
        let fades = Fades { slope: [0.5; N_GROUPS], deviation: [0.8; N_GROUPS] };
        let gains = Gains { level: [0.5; N], slope: [0.1; N], deviation: [0.3; N] };
        let mut bank = Bank::new(MINUTE);
        assert_eq!(bank.expects(1, &fades), None);
        bank.observe(Some(10.0), &fades, &gains);
        bank.observe(Some(20.0), &fades, &gains);
        // Level 15, slope 1, deviation 3 now; two steps on 15 + 0.5 + 0.25 and 3 * 0.64.
        let expected = 15.0 + 0.75 + 1.92;
        assert!((bank.expects(2, &fades).expect("fed") - expected).abs() < 1e-12);
        bank.observe(None, &fades, &gains);
        assert!((bank.expects(1, &fades).expect("fed") - expected).abs() < 1e-12);
        bank.shift(-5.0);
        assert!((bank.expects(1, &fades).expect("fed") - expected + 5.0).abs() < 1e-12);
    }

    #[test]
    fn a_damaged_one_is_refused() {
        let bank = Bank::new(MINUTE);
        let mut damaged = bank.clone();
        damaged.levels = vec![1.0; N];
        assert!(bank.restored(damaged).is_err());
        assert!(bank.restored(bank.clone()).is_ok());
    }
}
