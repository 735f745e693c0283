//! What is the same for all series of a panel, and their numbers made ready.
//!
//! In: the shape of the panel and what is asked. Out: seasons, horizons and rates; each series' roots on
//! a scale of its own, in single precision. Knows no model.

use crate::Duration;

/// Horizons in steps at which is learnt; between two of them forecasts are mixed.
const AHEAD: [usize; 6] = [1, 2, 5, 12, 28, 64];

/// Steps between two forecasts that are judged: those of neighbors tell the same.
const SPACING: [usize; AHEAD.len()] = [1, 1, 2, 4, 8, 8];

/// So many forecasts must have been judged before errors are worth a quantile.
pub(super) const LEAST: f32 = 12.0;

/// Share of the history whose errors are left out of the quantiles, as little was learnt yet.
const SKIP: f64 = 0.2;

/// A course from the past is the mean of three samples where a day has more than so many.
const FINE_DAY: usize = 500;

/// The square root of the largest load that is believed; beyond, squares of squares leave the range.
const MOST_ROOT: f64 = 1e15;

/// What all series of a panel have in common.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Plan {
    pub(super) n_samples: usize,
    /// Seasons in steps, 0 for none; the slow one is the longer one.
    pub(super) season: usize,
    pub(super) slow: usize,
    /// Whether a course from the past is the mean of three samples.
    pub(super) smooth: bool,
    /// Rates at which the four means follow the load.
    pub(super) means: [f32; 4],
    /// Rates at which the distances from the courses are followed, over an hour's and a day's worth.
    pub(super) away: [f32; 2],
    pub(super) anchors: Vec<Anchor>,
    /// The quantiles of the errors.
    pub(super) levels: Vec<f32>,
}

/// What is particular to one horizon.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Anchor {
    /// The horizon in steps.
    pub(super) ahead: usize,
    /// Steps between two forecasts that are judged.
    pub(super) spacing: usize,
    /// Steps between two solutions of the regression, at least `ahead`.
    pub(super) refit: usize,
    /// So many judged forecasts later the first one's truth has come.
    pub(super) delay: usize,
    /// The step from which errors count for the quantiles.
    pub(super) skip: usize,
    /// Where its errors begin among those of all anchors.
    #[cfg_attr(not(feature = "gpu"), allow(dead_code))]
    pub(super) first: usize,
    /// How many there are.
    pub(super) n_errors: usize,
    /// Rates at which the experts' losses, the error in the long run and lately are followed.
    pub(super) loss: f32,
    pub(super) ever: f32,
    pub(super) lately: f32,
    /// How much more the next sample weighs.
    pub(super) growth: f32,
    /// The ridge in squares of the usual error.
    pub(super) ridge: f32,
}

impl Plan {
    pub(super) fn new(
        n_samples: usize,
        step: Duration,
        seasons: &[Duration],
        horizon: usize,
        levels: &[f64],
    ) -> Self {
        let day = in_steps(Duration::from_secs(86_400), step).max(1);
        // A season counts once the history holds it twice.
        let mut held: Vec<usize> = seasons.iter().map(|&season| in_steps(season, step)).collect();
        held.retain(|&season| season >= 2 && 2 * season <= n_samples);
        held.sort_unstable();
        held.dedup();
        let season = held.first().copied().unwrap_or(0);
        let slow = held.get(1).copied().unwrap_or(0);

        let farthest = AHEAD.partition_point(|&ahead| ahead < horizon).min(AHEAD.len() - 1);
        let mut first = 0;
        let anchors = (0..=farthest).map(|which| {
            let anchor = Anchor::new(AHEAD[which], SPACING[which], n_samples, first);
            first += anchor.n_errors;
            anchor
        });
        let anchors = anchors.collect();
        let of_season = if season > 0 { season } else { day } as f32;
        Self {
            n_samples,
            season,
            slow,
            smooth: day > FINE_DAY,
            means: [2.0, 6.0, 18.0, (0.25 * day as f32).max(24.0)].map(|steps| 1.0 / steps),
            away: [of_season / 24.0, of_season].map(|steps| 1.0 / steps.max(2.0)),
            anchors,
            levels: levels.iter().map(|&level| level as f32).collect(),
        }
    }

    /// How many forecasts of one series are judged at all anchors together.
    #[cfg(feature = "gpu")]
    pub(super) fn n_errors(&self) -> usize {
        self.anchors.iter().map(|anchor| anchor.n_errors).sum()
    }

    /// Who has an opinion with these seasons.
    pub(super) fn awake(&self) -> [bool; super::fit::EXPERTS] {
        let (season, slow) = (self.season > 0, self.slow > 0);
        [true, true, true, season, season, slow, true, true, season]
    }
}

impl Anchor {
    /// Of how many errors the quantiles are.
    #[cfg(feature = "gpu")]
    pub(super) fn n_counted(&self) -> usize {
        self.n_errors.saturating_sub(self.skip.div_ceil(self.spacing))
    }

    fn new(ahead: usize, spacing: usize, n_samples: usize, first: usize) -> Self {
        let every = (n_samples / 24).clamp(8, 96).max(ahead);
        let overlap = 1.0 + 0.5 * ahead as f32;
        Self {
            ahead,
            spacing,
            refit: every.div_ceil(spacing) * spacing,
            delay: ahead.div_ceil(spacing),
            skip: (SKIP * n_samples as f64) as usize,
            first,
            n_errors: n_samples.saturating_sub(ahead).div_ceil(spacing),
            loss: spacing as f32 / 500.0,
            ever: spacing as f32 / 2000.0,
            lately: spacing as f32 / 10.0,
            growth: 1.0 + spacing as f32 / 2500.0,
            // The variance of the error over that of the weights (0.05) around the prior, times
            // what overlapping distances tell less.
            ridge: 1.5 / 0.05 * overlap,
        }
    }
}

/// A span in whole steps, rounded.
fn in_steps(span: Duration, step: Duration) -> usize {
    (span.as_secs_f64() / step.as_secs_f64()).round() as usize
}

/// How one series' roots were brought to a common scale, and what is missing of it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Scale {
    pub(super) center: f64,
    pub(super) spread: f64,
    pub(super) n_known: usize,
    /// How many of the last samples are missing without a break.
    pub(super) n_missing: usize,
}

/// The square root of a load, in which the noise of counts has one width; `None` if it is missing.
pub(super) fn root(value: f64) -> Option<f64> {
    // A NaN is in no range.
    (0.0..=MOST_ROOT * MOST_ROOT).contains(&value).then(|| value.sqrt())
}

/// Writes the roots of one series, minus their mean, over their deviation, each `stride` numbers; and
/// a bit for each sample that is known. What is missing is as the sample before it, in a long gap
/// as the one a season ago, at the beginning as the first.
pub(super) fn pack(
    plan: &Plan,
    values: &[f64],
    samples: &mut [f32],
    known: &mut [u32],
    stride: usize,
) -> Scale {
    let roots = || values.iter().map(|&value| root(value));
    let n_known = roots().flatten().count();
    let n_missing = roots().rev().take_while(Option::is_none).count();
    let n = n_known.max(1) as f64;
    let center = roots().flatten().sum::<f64>() / n;
    let squares: f64 = roots().flatten().map(|root| (root - center) * (root - center)).sum();
    let spread = (squares / n).sqrt();
    // Nothing moves, or by no more than single precision tells apart.
    let spread = if spread > 1e-9 * center { spread } else { 1.0 };
    let mut last = roots().flatten().next().map_or(0.0, |first| ((first - center) / spread) as f32);
    let mut gap = 0;
    for (word, roots) in values.chunks(32).enumerate() {
        let mut bits = 0_u32;
        for (bit, &value) in roots.iter().enumerate() {
            let at = 32 * word + bit;
            if let Some(root) = root(value) {
                (last, gap) = (((root - center) / spread) as f32, 0);
                bits |= 1 << bit;
            } else {
                gap += 1;
                let is_inside = n_missing + at < values.len();
                if gap > super::MOST_STALE && is_inside && plan.season > 0 && at >= plan.season {
                    last = samples[(at - plan.season) * stride];
                }
            }
            samples[at * stride] = last;
        }
        known[word * stride] = bits;
    }
    Scale { center, spread, n_known, n_missing }
}
