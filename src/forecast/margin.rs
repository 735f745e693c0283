//! What a reference expects at a quantile, and the level as the best of several means.
//!
//! In: points in square-root scale, and the truth of their step. Out: the load at the quantile, from
//! the errors of the points before. Knows nothing of steps and horizons.

use serde::{Deserialize, Serialize};

use super::reference::{SMOOTHED, is_root};

/// What was expected of this step.
#[derive(Clone, Copy, Debug)]
pub(super) struct Issued {
    /// As square root.
    pub(super) point: f64,
    /// The load at the quantile.
    pub(super) quantile: f64,
}

/// The quantile of a reference's own errors, followed one error at a time.
///
/// Stochastic approximation (Robbins and Monro 1951) with steps in multiples of the mean error, so
/// that it forgets over about as many errors as a model keeps. The margin is the one known when the
/// truth comes, a little fresher than the forecast it is added to: that only makes a reference
/// harder to beat.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Margin {
    /// Of the errors of square roots.
    level: f64,
    /// Their mean size.
    size: f64,
    n: u64,
}

impl Margin {
    /// So few errors give no quantile.
    const LEAST: u64 = 19;

    /// So many errors it remembers.
    const MEMORY: f64 = 1440.0;

    /// What it has expected of a step with this truth around a point, both as square roots; then it
    /// learns.
    pub(super) fn meet(&mut self, q: f64, truth: f64, point: Option<f64>) -> Option<Issued> {
        let point = point?;
        let issued = self.expects(point).map(|quantile| Issued { point, quantile });
        self.learn(q, truth - point);
        issued
    }

    /// The load to expect at the quantile around a point given as square root.
    fn expects(&self, point: f64) -> Option<f64> {
        let root = (point + self.level).max(0.0);
        (self.n >= Self::LEAST).then(|| (root * root).min(f64::MAX))
    }

    /// Takes the error of a point at quantile `q`: truth less what was expected, as square roots.
    fn learn(&mut self, q: f64, error: f64) {
        if self.n < Self::LEAST {
            // Up to the largest of them for high quantiles, none for the median.
            let highest = error * (2.0 * q - 1.0);
            self.level = if self.n == 0 { highest } else { self.level.max(highest) };
        }
        self.n += 1;
        // One spike must not make the steps useless for days.
        let size = if self.size > 0.0 { error.abs().min(8.0 * self.size) } else { error.abs() };
        self.size += (size - self.size) * (1.0 / self.n as f64).max(1.0 / Self::MEMORY);
        if self.n <= Self::LEAST {
            return;
        }
        // The density at the quantile is about 2 (1 - q) / size: the best step is its inverse by n,
        // but n errors tell nothing of a tail that is thinner than 1 / n.
        let n = (self.n as f64).min(Self::MEMORY);
        let step = self.size / (2.0 * (1.0 - q).max(1.0 / n) * n);
        self.level += step * if error > self.level { q } else { q - 1.0 };
    }

    pub(super) fn is_whole(&self) -> bool {
        self.level.is_finite() && is_root(self.size)
    }
}

/// The running mean of the load that lately was the nearest to the truth, of [`SMOOTHED`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Level {
    margins: [Margin; SMOOTHED.len()],
    /// The mean squared error of each lately.
    errors: [f64; SMOOTHED.len()],
    n: u64,
}

impl Level {
    /// Steps over which the means are compared: long enough that chance does not choose among them.
    const MEMORY: f64 = 256.0;

    /// What the best of them has expected; all of them learn.
    pub(super) fn meet(
        &mut self,
        q: f64,
        truth: f64,
        points: [Option<f64>; SMOOTHED.len()],
    ) -> Option<Issued> {
        let by_error = |&a: &usize, &b: &usize| self.errors[a].total_cmp(&self.errors[b]);
        let best = (0..SMOOTHED.len()).min_by(by_error)?;
        let mut issued = [None; SMOOTHED.len()];
        for ((issued, margin), point) in issued.iter_mut().zip(&mut self.margins).zip(points) {
            *issued = margin.meet(q, truth, point);
        }
        // There are none at all before the first load, and all of them after it.
        if points.iter().all(Option::is_some) {
            self.n += 1;
            let weight = (1.0 / self.n as f64).max(1.0 / Self::MEMORY);
            for (mean, point) in self.errors.iter_mut().zip(points.into_iter().flatten()) {
                *mean += (squared_error(truth, point) - *mean) * weight;
            }
        }
        issued[best]
    }

    pub(super) fn is_whole(&self, n_steps: u64) -> bool {
        self.margins.iter().all(Margin::is_whole)
            && self.errors.iter().copied().all(is_root)
            && self.n <= n_steps
    }
}

/// The squared error of a point, both as square roots.
pub(super) fn squared_error(truth: f64, point: f64) -> f64 {
    let error = truth - point;
    // Rounding is no error, or a constant load would be judged by it.
    if error.abs() <= 1e-9 * truth { 0.0 } else { (error * error).min(MOST) }
}

/// No error counts for more, so that means of errors stay numbers.
pub(super) const MOST: f64 = 1e300;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecast::testing::uniform;

    #[test]
    fn a_margin_covers_as_often_as_it_should() {
        for q in [0.5, 0.9, 0.95, 0.99] {
            let (mut margin, mut random) = (Margin::default(), uniform(5));
            let (mut covered, n) = (0, 20_000);
            for _ in 0..n {
                let error = 3.0 * (random() + random() + random() - 1.5);
                covered +=
                    u32::from(margin.expects(50.0).is_some_and(|x| (50.0 + error).powi(2) <= x));
                margin.learn(q, error);
            }
            let share = f64::from(covered) / f64::from(n);
            assert!((share - q).abs() < 0.01, "{q}: {share}");
        }
    }

    #[test]
    fn a_margin_survives_a_spike() {
        let (mut margin, mut random) = (Margin::default(), uniform(6));
        let mut learn = |margin: &mut Margin, n| {
            (0..n).for_each(|_| margin.learn(0.95, random() - 0.5));
            margin.level
        };
        let before = learn(&mut margin, 2000);
        margin.learn(0.95, 1e9);
        let after = learn(&mut margin, 200);
        assert!((after - before).abs() < 0.1, "{before} {after}");
    }
}
