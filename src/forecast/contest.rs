//! Which of several candidates forecasts best, at some horizons at once.
//!
//! In: the truth of each step and what each candidate now says. Out: how much each candidate counts
//! at each horizon. Knows nothing of how candidates forecast.

use serde::{Deserialize, Serialize};

use super::residuals::between;
use crate::time::Duration;

/// The horizons at which candidates are judged, in steps; between them weights are interpolated.
pub(super) const HORIZONS: [usize; 4] = [1, 4, 16, 64];

/// At a horizon at most so many forecasts of a candidate wait for their truth; at the longer ones
/// only every so many steps one is kept.
const MOST_WAITING: usize = 8;

/// Weighs candidates by their squared errors so far, discounted over a day or 200 steps.
///
/// A weight falls with the sixteenth power of the mean squared error: a candidate that is 4 % worse
/// counts half, one that is 20 % worse a twentieth. Near equals are averaged, which beats choosing
/// among them (Bates and Granger 1969), and what is plainly worse has no say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Contest {
    /// Steps so far.
    now: u64,
    bands: Vec<Band>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Band {
    /// Weight of all before, for each judgment.
    keep: f64,
    /// What the candidates said, by slot; empty before.
    waiting: Vec<Vec<f64>>,
    /// Discounted sums of squared errors.
    losses: Vec<f64>,
    /// Sum to one.
    weights: Vec<f64>,
}

impl Contest {
    /// Of `n` candidates over samples of that step.
    pub(super) fn new(n: usize, step: Duration) -> Self {
        let memory = (86_400.0 / step.as_secs_f64()).max(200.0);
        let band = |&ahead: &usize| Band {
            keep: libm::exp(-(stride(ahead) as f64) / memory),
            waiting: vec![Vec::new(); ahead / stride(ahead)],
            losses: vec![0.0; n],
            weights: vec![1.0 / n as f64; n],
        };
        Self { now: 0, bands: HORIZONS.iter().map(band).collect() }
    }

    /// Takes over what was saved, if it has as many candidates and is sound.
    pub(super) fn restored(&self, saved: Self) -> Result<Self, String> {
        let same = |(ours, theirs): (&Band, &Band)| {
            let n = ours.losses.len();
            ours.keep == theirs.keep
                && ours.waiting.len() == theirs.waiting.len()
                && theirs.waiting.iter().all(|said| said.is_empty() || said.len() == n)
                && (theirs.losses.len(), theirs.weights.len()) == (n, n)
                && theirs.losses.iter().all(|&loss| loss >= 0.0)
                && theirs.weights.iter().all(|weight| (0.0..=1.0).contains(weight))
        };
        if saved.bands.len() != self.bands.len()
            || !self.bands.iter().zip(&saved.bands).all(same)
            || saved.now > 1 << 53
        {
            return Err("the candidates of a forecaster are not of its settings".to_owned());
        }
        Ok(saved)
    }

    /// Takes the truth of this step, then what each candidate says `ahead` steps from now, which
    /// `says` writes.
    pub(super) fn observe(&mut self, truth: Option<f64>, says: impl Fn(usize, &mut [f64])) {
        for (band, ahead) in self.bands.iter_mut().zip(HORIZONS) {
            let stride = stride(ahead) as u64;
            if !self.now.is_multiple_of(stride) {
                continue;
            }
            let slot = (self.now / stride) as usize % band.waiting.len();
            if let Some(truth) = truth
                && !band.waiting[slot].is_empty()
            {
                band.judge(truth, slot);
            }
            let said = &mut band.waiting[slot];
            said.resize(band.losses.len(), 0.0);
            says(ahead, said);
        }
        self.now += 1;
    }

    /// Says that the load has shifted, so that all that was said before is meant so much higher.
    pub(super) fn shift(&mut self, by: f64) {
        let waiting = self.bands.iter_mut().flat_map(|band| &mut band.waiting);
        waiting.flatten().for_each(|said| *said += by);
    }

    /// The weights of the candidates at each of [`HORIZONS`].
    pub(super) fn weights(&self) -> impl Iterator<Item = &[f64]> {
        self.bands.iter().map(|band| band.weights.as_slice())
    }
}

/// A number known at each of [`HORIZONS`], `ahead` steps from now.
pub(super) fn interpolated(ahead: usize, at: impl Fn(usize) -> f64) -> f64 {
    let (lower, upper, share) = between(&HORIZONS, |&horizon| horizon, ahead);
    at(lower) * (1.0 - share) + at(upper) * share
}

fn stride(ahead: usize) -> usize {
    ahead.div_ceil(MOST_WAITING)
}

impl Band {
    fn judge(&mut self, truth: f64, slot: usize) {
        // Far beyond any load, so that sums stay within the range of numbers.
        const MOST: f64 = 1e300;
        for (loss, said) in self.losses.iter_mut().zip(&self.waiting[slot]) {
            let error = truth - said;
            *loss = self.keep * *loss + (error * error).min(MOST);
        }
        const LEAST: f64 = 1e-30; // so that all are equal where all are perfect
        let best = self.losses.iter().fold(f64::INFINITY, |best, &loss| best.min(loss)) + LEAST;
        for (weight, loss) in self.weights.iter_mut().zip(&self.losses) {
            let ratio = best / (loss + LEAST);
            let square = ratio * ratio;
            let fourth = square * square;
            let eighth = fourth * fourth;
            *weight = eighth * eighth;
        }
        let sum: f64 = self.weights.iter().sum();
        self.weights.iter_mut().for_each(|weight| *weight /= sum);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecast::testing::{MINUTE, uniform};

    #[test]
    fn each_horizon_has_its_own_best() {
        // The first candidate is right one step ahead, the second at longer horizons.
        let mut uniform = uniform(2);
        let mut contest = Contest::new(2, MINUTE);
        for _ in 0..400 {
            contest.observe(Some(uniform()), |ahead, said| {
                said.copy_from_slice(if ahead == 1 { &[0.5, 0.9] } else { &[0.9, 0.5] });
            });
        }
        let weights: Vec<_> = contest.weights().collect();
        assert!(weights[0][0] > 0.99, "{weights:?}");
        assert!(weights[1..].iter().all(|weights| weights[1] > 0.99), "{weights:?}");
    }

    #[test]
    fn a_forecast_is_judged_by_the_truth_of_its_own_step() {
        let mut contest = Contest::new(1, MINUTE);
        for step in 0..300 {
            // Says the step it speaks of, so it is always right.
            contest.observe(Some(f64::from(step)), |ahead, said| {
                said[0] = f64::from(step) + ahead as f64;
            });
        }
        assert!(contest.bands.iter().all(|band| band.losses == [0.0]));
        contest.shift(5.0);
        contest.observe(Some(305.0), |_, said| said[0] = 0.0);
        assert!(contest.bands.iter().all(|band| band.losses == [0.0]));
    }

    #[test]
    fn equals_share_and_the_largest_numbers_do_not_overflow() {
        let mut contest = Contest::new(2, MINUTE);
        for truth in [0.0, 1.3e154, 0.0, 1.3e154, 5.0] {
            contest.observe(Some(truth), |_, said| said.fill(0.0));
        }
        assert!(contest.weights().all(|weights| weights == [0.5, 0.5]));
    }

    #[test]
    fn damaged_ones_are_refused() {
        let contest = Contest::new(3, MINUTE);
        let refused = |damaged: Contest| contest.restored(damaged).is_err();
        assert!(!refused(contest.clone()));
        assert!(refused(Contest::new(2, MINUTE)));
        assert!(refused(Contest::new(3, Duration::from_secs(5))));
        let mut damaged = contest.clone();
        damaged.bands[1].waiting[0] = vec![1.0];
        assert!(refused(damaged));
        let mut damaged = contest.clone();
        damaged.bands[1].losses[0] = -1.0;
        assert!(refused(damaged));
    }
}
