//! The ridge regression of one horizon, kept up to date step by step.
//!
//! In: features and the distance that came of them. Out: weights. Knows nothing of what they mean.

use serde::{Deserialize, Serialize};
use wide::f32x4;

use super::horizons::ANCHORS;
use super::memory::{Features, N, SEASON as MEANS};
use super::prior::prior;
use crate::forecast::cholesky::{LANES, solve};

/// Weighs the features by ridge regression towards a prior (Hoerl and Kennard 1970), forgetting
/// exponentially.
///
/// The ridge is the variance of the error over that of the weights around the prior, as Bayes has
/// it (Lindley and Smith 1972): a load that is nearly certain is learnt to the last digit, one that
/// is mostly noise stays near the prior. Distances that overlap tell less than as many apart, so
/// the ridge grows with the horizon. Errors above four times their usual size count as that
/// (Huber 1964).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved", into = "Saved")]
pub(super) struct Ridge {
    /// Which of [`ANCHORS`].
    which: usize,
    /// Steps after which a sample has lost most of its weight.
    memory: f32,
    /// The season that the features are of, in steps.
    season: Option<usize>,
    /// Sums of the products of features with each other, the lower triangle row by row, each row up
    /// to a multiple of [`LANES`]; and with the distance that came.
    products: [f32x4; TRIANGLE],
    targets: [f32; N],
    weights: Weights,
    /// Weight of the next sample: it grows instead of that of all before shrinking.
    next_weight: f32,
    n: u32,
    /// When to solve again, in samples.
    next: u32,
}

/// The triangle's quads of numbers.
const TRIANGLE: usize = start(N);

/// Where a row of the triangle begins, in quads.
const fn start(row: usize) -> usize {
    let (block, rest) = (row / LANES, row % LANES);
    LANES * block * (block + 1) / 2 + rest * (block + 1)
}

/// Variance of the weights around the prior.
const SPREAD: f64 = 0.05;

/// A sample has lost most of its weight after so many steps and days.
const MEMORY: f32 = 2500.0;
const MEMORY_DAYS: f32 = 3.0;

/// Share that what was learnt of the means keeps where a season comes or goes: their weights are
/// others beside those of the season.
const KEPT: f32 = 0.2;

/// Where the weight of a sample begins anew.
const MOST_WEIGHT: f32 = 1e3;

/// The ridge is at least this share of the mean square of the features: single precision.
const FLOOR: f64 = 1e-6;

impl Ridge {
    pub(super) fn new(which: usize, day: usize) -> Self {
        Self {
            which,
            memory: MEMORY.max(MEMORY_DAYS * day as f32),
            season: None,
            products: [f32x4::ZERO; TRIANGLE],
            targets: [0.0; N],
            weights: Weights::prior(which, None),
            next_weight: 1.0,
            n: 0,
            next: 4,
        }
    }

    /// Whether it is of the same band and the same step as `new`.
    pub(super) fn is_like(&self, new: &Self) -> bool {
        (self.which, self.memory) == (new.which, new.memory)
    }

    /// Forgets all samples.
    pub(super) fn clear(&mut self) {
        self.products.fill(f32x4::ZERO);
        self.season = None;
        (self.targets, self.weights) = ([0.0; N], Weights::prior(self.which, None));
        (self.next_weight, self.n, self.next) = (1.0, 0, 4);
    }

    /// Forgets what was learnt of the old season, and most of what was learnt beside it; `usual` is
    /// the usual size of an error.
    pub(super) fn forget(&mut self, season: Option<usize>, usual: f32) {
        self.season = season;
        self.products[start(MEANS)..].fill(f32x4::ZERO);
        self.targets[MEANS..].fill(0.0);
        self.scale(KEPT);
        self.weights = self.fresh(usual);
    }

    /// What the prior expects.
    #[inline]
    pub(super) fn prior(&self, features: &Features) -> f32 {
        dot(prior(self.which, self.season), features)
    }

    /// The distances to expect, by the weights as last solved: of all features, of the means alone.
    pub(super) fn expects(&self, features: &Features) -> (f32, f32) {
        self.weights.expects(features)
    }

    /// Takes the distance that came of the features, and by how much it was not as expected; `usual`
    /// is the usual size of an error, and `steps` lie between two samples.
    pub(super) fn learn(
        &mut self,
        features: &Features,
        (target, error): (f32, f32),
        usual: f32,
        steps: f32,
    ) {
        let error = error.abs();
        let most = 5.0 * usual; // four standard deviations of a Gaussian error
        let weight = if self.n >= 50 && error > most { most / error } else { 1.0 };
        let weight = weight * self.next_weight;
        self.next_weight *= 1.0 + steps / self.memory;
        add_products(&mut self.products, features, weight);
        let scaled = weight * target;
        for (sum, feature) in self.targets.iter_mut().zip(features) {
            *sum += scaled * feature;
        }
        if self.next_weight > MOST_WEIGHT {
            self.scale(1.0 / self.next_weight);
            self.next_weight = 1.0;
        }
        self.n = self.n.saturating_add(1);
        if self.n >= self.next {
            self.next = self.n.saturating_add((self.n / 4).clamp(4, 96));
            self.weights = self.fresh(usual);
        }
    }

    fn scale(&mut self, times: f32) {
        self.products.iter_mut().for_each(|sums| *sums *= times);
        self.targets.iter_mut().for_each(|sum| *sum *= times);
    }

    /// The weights as of now.
    pub(super) fn fresh(&self, usual: f32) -> Weights {
        Weights {
            all: self.solved::<N, { N / LANES }>(usual, self.season),
            means: self.solved::<MEANS, { MEANS / LANES }>(usual, None),
        }
    }

    /// The weights of the first `D` features that minimize the squared error plus the ridge, by
    /// Cholesky's decomposition.
    fn solved<const D: usize, const QUADS: usize>(
        &self,
        usual: f32,
        season: Option<usize>,
    ) -> [f32; D] {
        let prior = prior(self.which, season);
        let prior: [f32; D] = std::array::from_fn(|at| prior[at]);
        let scale = 1.0 / f64::from(self.next_weight);
        let variance = 1.5 * f64::from(usual) * f64::from(usual);
        let mut matrix = [[[0.0; LANES]; QUADS]; D];
        let mut trace = 0.0;
        let mut products = &self.products[..];
        for (row, values) in matrix.iter_mut().enumerate() {
            let (these, rest) = products.split_at(row / LANES + 1);
            for (values, products) in values.iter_mut().zip(these) {
                *values = products.as_array().map(|product| f64::from(product) * scale);
            }
            trace += values.as_flattened()[row];
            products = rest;
        }
        let overlap = 1.0 + 0.5 * ANCHORS[self.which] as f64;
        let ridge = variance * overlap / SPREAD + FLOOR * trace / D as f64;
        let mut weights = [0.0; D];
        for at in 0..D {
            matrix[at].as_flattened_mut()[at] += ridge;
            weights[at] = f64::from(self.targets[at]) * scale + ridge * f64::from(prior[at]);
        }
        solve(&mut matrix, &mut weights);
        // Nothing has ever moved, or numbers are beyond their range.
        if weights.iter().all(|weight| weight.is_finite()) {
            weights.map(|weight| weight as f32)
        } else {
            prior
        }
    }
}

/// Adds the products of the features with each other, times a weight.
fn add_products(sums: &mut [f32x4; TRIANGLE], features: &Features, weight: f32) {
    let mut quads = [f32x4::ZERO; N / LANES];
    for (quad, features) in quads.iter_mut().zip(features.as_chunks().0) {
        *quad = f32x4::new(*features);
    }
    let mut rows = &mut sums[..];
    for (block, &quad) in quads.iter().enumerate() {
        for scaled in (quad * weight).to_array() {
            let (row, rest) = rows.split_at_mut(block + 1);
            for (sums, others) in row.iter_mut().zip(quads) {
                *sums += others * scaled;
            }
            rows = rest;
        }
    }
}

/// How much each feature says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Weights {
    all: [f32; N],
    /// Without any course.
    means: [f32; MEANS],
}

impl Weights {
    fn prior(which: usize, season: Option<usize>) -> Self {
        let means = prior(which, None);
        Self { all: *prior(which, season), means: std::array::from_fn(|at| means[at]) }
    }

    /// The distances to expect: of all features, of the means alone.
    #[inline]
    pub(super) fn expects(&self, features: &Features) -> (f32, f32) {
        let product = |at: usize| self.means[at] * features[at];
        (dot(&self.all, features), (product(0) + product(1)) + (product(2) + product(3)))
    }
}

#[inline]
fn dot(weights: &[f32; N], features: &Features) -> f32 {
    let (weights, features) = (weights.as_chunks::<LANES>().0, features.as_chunks::<LANES>().0);
    let product = |at: usize| f32x4::new(weights[at]) * f32x4::new(features[at]);
    let sums = (product(0) + product(1)) + (product(2) + product(3));
    let [a, b, c, d] = sums.to_array();
    (a + b) + (c + d)
}

/// As text.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    which: usize,
    memory: f32,
    season: Option<usize>,
    products: Vec<f32>,
    targets: [f32; N],
    weights: Weights,
    next_weight: f32,
    n: u32,
    next: u32,
}

impl From<Ridge> for Saved {
    fn from(
        Ridge { which, memory, season, products, targets, weights, next_weight, n, next }: Ridge,
    ) -> Self {
        let products = products.iter().flat_map(|quad| quad.to_array()).collect();
        Self { which, memory, season, products, targets, weights, next_weight, n, next }
    }
}

impl TryFrom<Saved> for Ridge {
    type Error = String;

    fn try_from(saved: Saved) -> Result<Self, String> {
        let Saved { which, memory, season, products, targets, weights, next_weight, n, next } =
            saved;
        let finite = |values: &[f32]| values.iter().all(|value| value.is_finite());
        if which >= ANCHORS.len()
            || products.len() != TRIANGLE * LANES
            || !finite(&products)
            || !finite(&targets)
            || !finite(&weights.all)
            || !finite(&weights.means)
            || !(1.0..=2.0 * MOST_WEIGHT).contains(&next_weight)
        {
            return Err("the regression of a forecaster is damaged".to_owned());
        }
        let quads = products.as_chunks().0;
        let products = std::array::from_fn(|at| f32x4::new(quads[at]));
        Ok(Self { which, memory, season, products, targets, weights, next_weight, n, next })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecast::testing::uniform;

    /// Learns `target` from features that are noise, with an error of the size `noise`.
    fn learnt(noise: f32, n: usize) -> [f32; N] {
        let mut ridge = Ridge::new(0, 24);
        let mut uniform = uniform(7);
        for _ in 0..n {
            let mut features = [0.0; N];
            features.iter_mut().for_each(|feature| *feature = uniform() as f32 - 0.5);
            let target = features[4] - 0.5 * features[12] + noise * (uniform() as f32 - 0.5);
            let error = target - ridge.expects(&features).0;
            ridge.learn(&features, (target, error), noise / 4.0, 1.0);
        }
        ridge.fresh(noise / 4.0).all
    }

    #[test]
    fn what_is_certain_is_learnt_and_noise_stays_near_the_prior() {
        let certain = learnt(1e-4, 200);
        assert!((certain[4] - 1.0).abs() < 0.01 && (certain[12] + 0.5).abs() < 0.01, "{certain:?}");
        let noisy = learnt(20.0, 200);
        for (weight, prior) in noisy.iter().zip(prior(0, None)) {
            assert!((weight - prior).abs() < 0.25, "{noisy:?}");
        }
    }

    #[test]
    fn nothing_that_moves_leaves_the_prior() {
        let mut ridge = Ridge::new(2, 24);
        for _ in 0..100 {
            ridge.learn(&[0.0; N], (0.0, 0.0), 0.0, 1.0);
        }
        assert_eq!(ridge.fresh(0.0), Weights::prior(2, None));
    }

    #[test]
    fn a_forgotten_season_leaves_the_means_learnt() {
        let mut ridge = Ridge::new(0, 24);
        let mut uniform = uniform(8);
        for _ in 0..300 {
            let mut features = [0.0; N];
            features.iter_mut().for_each(|feature| *feature = uniform() as f32 - 0.5);
            let target = 0.8 * features[1] + features[5];
            let error = target - ridge.expects(&features).0;
            ridge.learn(&features, (target, error), 0.001, 1.0);
        }
        ridge.forget(Some(24), 0.001);
        let weights = ridge.fresh(0.001).all;
        assert!((weights[1] - 0.8).abs() < 0.1, "{weights:?}");
        assert_eq!(weights[4..], prior(0, Some(24))[4..]);
    }
}
