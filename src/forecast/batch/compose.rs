//! The forecast of one series from what was learnt of it.
//!
//! In: its samples, its scale, and the rows that a walk wrote for each horizon, on whatever device. Out:
//! quantiles of the load, in double precision. Learns nothing.

use super::super::history::{stale, too_little};
use super::fit::{AWAY, COUNT, EVER, EXPERTS, FEATURES, FEW, LATELY, MEANS, PRIOR};
use super::fit::{ROWS, SAY};
use super::plan::{LEAST, Plan, Scale};
use super::walk::PROFILE_SEASONS;
use crate::{Duration, Reason};

/// One series among others that lie beside it.
#[derive(Clone, Copy)]
pub(super) struct One<'a> {
    pub(super) plan: &'a Plan,
    pub(super) step: Duration,
    pub(super) scale: Scale,
    /// Samples and rows of all, `stride` numbers from one to the next; this one's are at `lane`.
    pub(super) samples: &'a [f32],
    pub(super) rows: &'a [f32],
    pub(super) stride: usize,
    pub(super) lane: usize,
}

impl One<'_> {
    /// Writes the quantiles of each of the next steps.
    ///
    /// # Errors
    /// The reason to abstain.
    pub(super) fn forecast(&self, values: &mut [f64]) -> Result<(), Reason> {
        let Self { plan, scale, .. } = *self;
        let n_samples = plan.n_samples as u64;
        let lacking = plan.anchors.iter().enumerate().filter_map(|(which, anchor)| {
            let lack = LEAST - self.row(which, COUNT) as f32;
            // Of as many samples more a share is left out of the quantiles.
            (lack > 0.0).then(|| (1.25 * lack * anchor.spacing as f32).ceil() as u64 + 1)
        });
        let n_left = n_samples.saturating_sub(plan.anchors.last().map_or(0, |a| a.ahead as u64));
        if scale.n_known == 0 {
            return Err(too_little(0, 1));
        }
        let n_stale = stale(scale.n_missing as u64, self.step)?;
        if n_left == 0 {
            return Err(too_little(n_samples, n_samples + 1));
        }
        if let Some(lack) = lacking.max() {
            return Err(too_little(n_samples, n_samples + lack));
        }
        let n_levels = plan.levels.len();
        let mut told = vec![0.0; 2 * n_levels];
        for (ahead, row) in (1..).zip(values.chunks_mut(n_levels)) {
            let features = self.features(ahead);
            let (lower, upper, share) = self.between(ahead + n_stale);
            let (low, high) = told.split_at_mut(n_levels);
            self.tell(lower, ahead + n_stale, &features, low);
            self.tell(upper, ahead + n_stale, &features, high);
            for ((value, &low), &high) in row.iter_mut().zip(&*low).zip(&*high) {
                let root = scale.center + scale.spread * (low + (high - low) * share);
                let root = root.clamp(0.0, 1e150);
                *value = root * root;
            }
            // Scales differ between quantiles, so that they could cross.
            for at in 1..row.len() {
                row[at] = row[at].max(row[at - 1]);
            }
        }
        Ok(())
    }

    fn row(&self, which: usize, row: usize) -> f64 {
        let n_rows = ROWS + 2 * self.plan.levels.len();
        f64::from(self.rows[(which * n_rows + row) * self.stride + self.lane])
    }

    fn sample(&self, at: usize) -> f64 {
        f64::from(self.samples[at * self.stride + self.lane])
    }

    /// Between which two anchors `ahead` lies, and how far over the logarithm; at the last one beyond.
    fn between(&self, ahead: usize) -> (usize, usize, f64) {
        let anchors = &self.plan.anchors;
        let upper = anchors.partition_point(|anchor| anchor.ahead < ahead);
        let upper = upper.min(anchors.len() - 1);
        if upper == 0 || anchors[upper].ahead <= ahead {
            return (upper, upper, 0.0);
        }
        let log = |steps: usize| libm::log(steps as f64);
        let from = log(anchors[upper - 1].ahead);
        (upper - 1, upper, (log(ahead) - from) / (log(anchors[upper].ahead) - from))
    }

    /// The quantiles that one anchor tells of a step ahead.
    fn tell(&self, which: usize, ahead: usize, features: &[f64; FEATURES], into: &mut [f64]) {
        let plan = self.plan;
        let weigh = |first: usize, n: usize| -> f64 {
            (0..n).map(|at| self.row(which, first + at) * features[at]).sum()
        };
        let f = features;
        let prior: f64 = PRIOR.iter().zip(f).map(|(&weight, f)| f64::from(weight) * f).sum();
        let opinions: [f64; EXPERTS] = [
            weigh(0, FEATURES),
            weigh(FEW, 4),
            prior,
            f[4] + 0.5 * f[6],
            f[12] + f[14],
            f[8] + f[11],
            0.0,
            f[2],
            0.5 * (f[4] + f[12] + f[15]),
        ];
        let say = (0..EXPERTS).map(|expert| self.row(which, SAY + expert));
        let mixed: f64 = say.zip(opinions).map(|(say, opinion)| say * opinion).sum();
        let now = self.sample(plan.n_samples - 1);
        let grown = self.grown(which, ahead);
        let scale = 0.35 * self.row(which, LATELY) + 0.65 * self.row(which, EVER);
        let n_levels = plan.levels.len();
        for (level, value) in into.iter_mut().enumerate() {
            let moving = self.row(which, ROWS + level) * scale;
            let steady = self.row(which, ROWS + n_levels + level);
            // Half of the say to each: the one errs where calm and storm alternate, the other where
            // the load itself grows.
            *value = now + mixed + 0.5 * (moving + steady) * grown;
        }
    }

    /// How much larger the error is beyond the last anchor: it grows there as between the last two.
    fn grown(&self, which: usize, ahead: usize) -> f64 {
        let anchors = &self.plan.anchors;
        let last = anchors[which].ahead;
        if which + 1 < anchors.len() || ahead <= last || which == 0 {
            return 1.0;
        }
        let (before, here) = (self.row(which - 1, EVER), self.row(which, EVER));
        if before <= 0.0 || here <= before {
            return 1.0;
        }
        let octaves = libm::log(last as f64 / anchors[which - 1].ahead as f64);
        let slope = (libm::log(here / before) / octaves).min(1.0);
        libm::pow(ahead as f64 / last as f64, slope)
    }

    /// What is told of a step ahead of the last sample, as the walk has it.
    fn features(&self, ahead: usize) -> [f64; FEATURES] {
        let plan = self.plan;
        let now = self.sample(plan.n_samples - 1);
        let mut features = [0.0; FEATURES];
        for (at, feature) in features[..4].iter_mut().enumerate() {
            *feature = self.row(0, MEANS + at) - now;
        }
        let courses = |ahead| {
            let season = self.ago(ahead, plan.season);
            [season, self.ago(ahead, plan.slow), self.profile(ahead)]
        };
        let (base, then) = (courses(0), courses(ahead));
        for (course, into) in features[4..].chunks_exact_mut(4).enumerate() {
            if let (Some(then), Some(base)) = (then[course], base[course]) {
                let away = |at| self.row(0, AWAY + 2 * course + at);
                into.copy_from_slice(&[then - now, now - base, away(0), away(1)]);
            }
        }
        features
    }

    fn ago(&self, ahead: usize, season: usize) -> Option<f64> {
        let last = self.plan.n_samples - 1;
        let then = self.then(ahead, season)?;
        if !self.plan.smooth {
            return Some(self.sample(then));
        }
        let after = (then + 1).min(last);
        let around = [then.saturating_sub(1), then, after].map(|at| self.sample(at));
        Some(around.iter().sum::<f64>() / 3.0)
    }

    fn profile(&self, ahead: usize) -> Option<f64> {
        let season = self.plan.season;
        let then = self.then(ahead, season)?;
        let n = (then / season + 1).min(PROFILE_SEASONS);
        let sum: f64 = (0..n).map(|seasons| self.sample(then - seasons * season)).sum();
        Some(sum / n as f64)
    }

    /// The same time of the last season before now.
    fn then(&self, ahead: usize, season: usize) -> Option<usize> {
        let last = self.plan.n_samples - 1;
        (season > 0)
            .then(|| (last + ahead).checked_sub(ahead.div_ceil(season).max(1) * season))
            .flatten()
    }
}
