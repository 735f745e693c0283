//! What the past of several series says of a step ahead.
//!
//! In: their samples, step by step. Out: means, courses, and features as distances from now. Learns
//! nothing.

use super::fit::{FEATURES, SEASON};
use super::lanes::Lanes;
use super::plan::Plan;

/// So many past seasons are in the profile.
pub(super) const PROFILE_SEASONS: usize = 8;

/// The means of the load and its distances from the courses, step by step.
pub(super) struct Walk<'a, const N: usize> {
    plan: &'a Plan,
    samples: &'a [[f32; N]],
    pub(super) means: [Lanes<N>; 4],
    pub(super) away: [[Lanes<N>; 2]; 3],
    base: [Option<Lanes<N>>; 3],
}

impl<'a, const N: usize> Walk<'a, N> {
    pub(super) fn new(plan: &'a Plan, samples: &'a [[f32; N]]) -> Self {
        let first = Lanes(samples.first().copied().unwrap_or([0.0; N]));
        Self { plan, samples, means: [first; 4], away: [[Lanes::ZERO; 2]; 3], base: [None; 3] }
    }

    #[inline(always)]
    pub(super) fn take(&mut self, at: usize) {
        let now = Lanes(self.samples[at]);
        let first = 1.0 / (at + 1) as f32;
        for (mean, rate) in self.means.iter_mut().zip(self.plan.means) {
            *mean += (now - *mean) * rate.max(first);
        }
        self.base = self.courses(at, 0);
        let seasons = [self.plan.season, self.plan.slow, self.plan.season];
        for ((away, base), season) in self.away.iter_mut().zip(self.base).zip(seasons) {
            let Some(base) = base else { continue };
            let first = 1.0 / (at - season + 1) as f32;
            for (away, rate) in away.iter_mut().zip(self.plan.away) {
                *away += (now - base - *away) * rate.max(first);
            }
        }
    }

    /// What is told of the step `ahead` of `at`, as distances from now.
    #[inline(always)]
    pub(super) fn features(&self, at: usize, ahead: usize) -> [Lanes<N>; FEATURES] {
        let now = Lanes(self.samples[at]);
        let mut features = [Lanes::ZERO; FEATURES];
        for (feature, &mean) in features.iter_mut().zip(&self.means) {
            *feature = mean - now;
        }
        let then = self.courses(at, ahead);
        for (course, into) in features[SEASON..].chunks_exact_mut(4).enumerate() {
            if let (Some(then), Some(base)) = (then[course], self.base[course]) {
                let [hour, day] = self.away[course];
                into.copy_from_slice(&[then - now, now - base, hour, day]);
            }
        }
        features
    }

    /// The courses' values `ahead` of `at`, where the past reaches.
    #[inline(always)]
    fn courses(&self, at: usize, ahead: usize) -> [Option<Lanes<N>>; 3] {
        let Plan { season, slow, .. } = *self.plan;
        [self.ago(at, ahead, season), self.ago(at, ahead, slow), self.profile(at, ahead)]
    }

    #[inline(always)]
    fn ago(&self, at: usize, ahead: usize, season: usize) -> Option<Lanes<N>> {
        if season == 0 {
            return None;
        }
        let then = (at + ahead).checked_sub(ahead.div_ceil(season).max(1) * season)?;
        if !self.plan.smooth {
            return Some(Lanes(self.samples[then]));
        }
        let before = Lanes(self.samples[then.saturating_sub(1)]);
        let after = Lanes(self.samples[(then + 1).min(at)]);
        Some((before + Lanes(self.samples[then]) + after) * (1.0 / 3.0))
    }

    #[inline(always)]
    fn profile(&self, at: usize, ahead: usize) -> Option<Lanes<N>> {
        let season = self.plan.season;
        if season == 0 {
            return None;
        }
        let mut then = (at + ahead).checked_sub(ahead.div_ceil(season).max(1) * season)?;
        let (mut sum, mut n) = (Lanes::ZERO, 0.0);
        for _ in 0..PROFILE_SEASONS {
            sum += Lanes(self.samples[then]);
            n += 1.0;
            if then < season {
                break;
            }
            then -= season;
        }
        Some(sum * (1.0 / n))
    }
}
