//! How the load leaves its seasonal course, learnt from how it did so far.
//!
//! In: the load and the course at each step, both in square-root scale. Out: the rest to expect
//! some steps from now. Knows nothing of how the course is made.

use serde::{Deserialize, Serialize};

use super::cholesky;
use super::residuals::{DOUBLING, between};
use crate::time::Duration;

/// What the rest is combined from: the last rest, its means over [`STRETCHES`], and what the course
/// will do meanwhile.
const N: usize = 2 + STRETCHES.len();

/// Time constants of the running means: noise, a burst, a slow drift.
const STRETCHES: [Duration; 3] =
    [Duration::from_secs(120), Duration::from_secs(600), Duration::from_secs(3600)];

/// Before anything is learnt: half-way between "as now" and the course on the level of now.
const PRIOR: [f64; N] = [0.5, 0.5, 0.0, 0.0, 0.5];

/// Weight of the prior, as a share of the mean square of the features.
const RIDGE: f64 = 0.01;

/// Expects the rest as a combination of recent rests and of the course's own change, learnt for
/// each of some horizons.
///
/// Ridge regression (Hoerl and Kennard 1970) towards a prior, forgetting exponentially over about a
/// day. Some loads stay where they are, some return to their course, some are mostly noise; which
/// one it is decides how much the last sample says, and no fixed level suits all. "As now" is one
/// of the combinations, so a course that says nothing loses its say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved", into = "Saved")]
pub(super) struct Level {
    step: Duration,
    /// The last rest and its means; `None` before the first.
    rests: Option<[f64; N - 1]>,
    bands: Vec<Band>,
}

/// What is learnt for one horizon.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Band {
    /// The features of the last steps, whose rest has not come yet. Invariant: as many as the
    /// horizon has steps.
    waiting: Vec<Option<[f64; N]>>,
    /// Where the oldest of them lies.
    next: usize,
    /// Sums of the products of features with each other, and with the rest that came.
    products: [[f64; N]; N],
    targets: [f64; N],
    weights: [f64; N],
}

impl Level {
    pub(super) fn new(step: Duration) -> Self {
        let bands = DOUBLING.iter().map(|&ahead| Band::new(ahead)).collect();
        Self { step, rests: None, bands }
    }

    /// Forgets all it has learnt, keeping the memory.
    pub(super) fn clear(&mut self) {
        self.rests = None;
        for band in &mut self.bands {
            band.waiting.fill(None);
            (band.next, band.weights) = (0, PRIOR);
            (band.products, band.targets) = ([[0.0; N]; N], [0.0; N]);
        }
    }

    /// Takes over what was saved, if it has the same step.
    pub(super) fn restored(&self, saved: Self) -> Result<Self, String> {
        if saved.step == self.step {
            Ok(saved)
        } else {
            Err("the level of a forecaster has another step".to_owned())
        }
    }

    /// Takes the load of this step, and the course: `course(ahead)` steps from now, 0 for now.
    pub(super) fn observe(&mut self, truth: Option<f64>, course: impl Fn(usize) -> Option<f64>) {
        let now = truth.and_then(|_| course(0));
        let rest = truth.zip(now).map(|(truth, now)| truth - now);
        if let Some(rest) = rest {
            let rests = self.rests.get_or_insert([rest; N - 1]);
            rests[0] = rest;
            for (mean, stretch) in rests[1..].iter_mut().zip(STRETCHES) {
                let steps = self.step.as_secs_f64() / stretch.as_secs_f64();
                *mean += (rest - *mean) * -libm::expm1(-steps);
            }
        }
        // At least some hundred steps, or the combination would follow the noise.
        let memory = (86_400.0 / self.step.as_secs_f64()).max(200.0);
        for (band, &ahead) in self.bands.iter_mut().zip(&DOUBLING) {
            if let (Some(rest), Some(features)) = (rest, band.waiting[band.next]) {
                band.learn(&features, rest, 1.0 - 1.0 / memory);
            }
            let known = rest.and(self.rests).zip(now);
            band.waiting[band.next] = known
                .and_then(|(rests, now)| course(ahead).map(|then| features(rests, now - then)));
            band.next = (band.next + 1) % ahead;
        }
    }

    /// Says that the course has been drawn anew, `by` lower than it was: rests are higher by that.
    pub(super) fn moved(&mut self, by: f64) {
        let waiting = self.bands.iter_mut().flat_map(|band| &mut band.waiting).flatten();
        let rests = waiting.flat_map(|features| &mut features[..N - 1]);
        rests.chain(self.rests.iter_mut().flatten()).for_each(|rest| *rest += by);
    }

    /// The rest to expect `ahead` steps from now (from 1), where the course goes from `now` to
    /// `then`; `None` before the first sample.
    pub(super) fn rest(&self, ahead: usize, now: f64, then: f64) -> Option<f64> {
        let rests = self.rests?;
        let features = features(rests, now - then);
        let (lower, upper, share) = between(&DOUBLING, |&band| band, ahead);
        let rest = self.bands[lower].expects(&features) * (1.0 - share)
            + self.bands[upper].expects(&features) * share;
        // Beyond the range of numbers, as now.
        Some(if rest.is_finite() { rest } else { rests[0] + (now - then) })
    }
}

/// `back` is the rest's change if the load stayed as it is while the course goes on.
fn features(rests: [f64; N - 1], back: f64) -> [f64; N] {
    let mut features = [back; N];
    features[..N - 1].copy_from_slice(&rests);
    features
}

impl Band {
    fn new(ahead: usize) -> Self {
        Self {
            waiting: vec![None; ahead],
            next: 0,
            products: [[0.0; N]; N],
            targets: [0.0; N],
            weights: PRIOR,
        }
    }

    fn expects(&self, features: &[f64; N]) -> f64 {
        self.weights.iter().zip(features).map(|(weight, feature)| weight * feature).sum()
    }

    /// Takes a rest that came and what was known before; `keep` is the weight of all before.
    fn learn(&mut self, features: &[f64; N], rest: f64, keep: f64) {
        for (i, feature) in features.iter().enumerate() {
            for (product, other) in self.products[i].iter_mut().zip(features) {
                *product = keep * *product + feature * other;
            }
            self.targets[i] = keep * self.targets[i] + feature * rest;
        }
        match self.solved() {
            Some(weights) => self.weights = weights,
            // Beyond the range of numbers: begin anew.
            None => {
                self.products = [[0.0; N]; N];
                self.targets = [0.0; N];
                self.weights = PRIOR;
            }
        }
    }

    /// The weights that minimize the squared error plus the ridge; `None` if numbers overflow.
    fn solved(&self) -> Option<[f64; N]> {
        let trace: f64 = (0..N).map(|i| self.products[i][i]).sum();
        // Never zero, so that a load that keeps to its course leaves the prior.
        let ridge = RIDGE * trace / N as f64 + 1e-9;
        let mut lower = [cholesky::Row::<{ N.div_ceil(cholesky::LANES) }>::default(); N];
        let mut weights = self.targets;
        for (i, row) in lower.iter_mut().enumerate() {
            let row = row.as_flattened_mut();
            row[..N].copy_from_slice(&self.products[i]);
            row[i] += ridge;
            weights[i] += ridge * PRIOR[i];
        }
        cholesky::solve(&mut lower, &mut weights);
        weights.iter().all(|weight| weight.is_finite()).then_some(weights)
    }
}

/// As text.
#[derive(Serialize, Deserialize)]
struct Saved {
    step: Duration,
    rests: Option<[f64; N - 1]>,
    bands: Vec<Band>,
}

impl From<Level> for Saved {
    fn from(Level { step, rests, bands }: Level) -> Self {
        Self { step, rests, bands }
    }
}

impl TryFrom<Saved> for Level {
    type Error = String;

    fn try_from(Saved { step, rests, bands }: Saved) -> Result<Self, String> {
        let fits =
            |(band, &ahead): (&Band, &usize)| band.waiting.len() == ahead && band.next < ahead;
        if bands.len() != DOUBLING.len() || !bands.iter().zip(&DOUBLING).all(fits) || step.is_zero()
        {
            return Err("the level of a forecaster has other horizons".to_owned());
        }
        Ok(Self { step, rests, bands })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_load_that_returns_to_its_course_is_expected_to() {
        // The rest jumps about and means nothing; the course is flat.
        let mut uniform = crate::forecast::testing::uniform(7);
        let mut level = Level::new(Duration::from_secs(60));
        for _ in 0..2000 {
            level.observe(Some(30.0 + uniform() - 0.5), |_| Some(30.0));
        }
        level.observe(Some(31.0), |_| Some(30.0));
        let rest = level.rest(8, 30.0, 30.0).expect("fed");
        assert!(rest.abs() < 0.2, "{rest}");
    }

    #[test]
    fn a_load_that_stays_where_it_is_makes_as_now_of_it() {
        // A random walk under a course that goes up and down for nothing.
        let mut uniform = crate::forecast::testing::uniform(8);
        let mut level = Level::new(Duration::from_secs(60));
        let course = |minute: usize| 50.0 + 10.0 * (minute as f64 / 40.0).sin();
        let mut load = 100.0;
        for minute in 0..3000 {
            load += uniform() - 0.5;
            level.observe(Some(load), |ahead| Some(course(minute + ahead)));
        }
        let (now, then) = (course(2999), course(3007));
        let expected = then + level.rest(8, now, then).expect("fed");
        assert!((expected - load).abs() < 1.0, "{expected} for {load}, {now} to {then}");
    }

    #[test]
    fn numbers_beyond_the_range_make_it_begin_anew() {
        let mut level = Level::new(Duration::from_secs(60));
        for step in 0..300 {
            let load = if step == 150 { 1e300 } else { 10.0 };
            level.observe(Some(load), |_| Some(9.0));
            assert!(level.rest(4, 9.0, 9.0).is_some_and(f64::is_finite));
        }
    }
}
