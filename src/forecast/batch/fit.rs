//! One walk through the past of several series, at one horizon: regression, experts, their errors.
//!
//! In: roots of the load and a plan. Out: [`ROWS`] numbers a series and horizon that say what was
//! learnt. In single precision, step by step as `gpu/fit.wgsl` has it. Knows no load.

use super::lanes::Lanes;
use super::plan::{Anchor, Plan};
use super::walk::Walk;

/// Features of a step ahead: four means, and four of each of three courses.
pub(super) const FEATURES: usize = 16;
/// Who says where the load goes.
pub(super) const EXPERTS: usize = 9;

/// Where the features of the season, the slow season and the profile begin.
pub(super) const SEASON: usize = 4;
const SLOW: usize = 8;
const PROFILE: usize = 12;

/// The weights before anything is learnt: a little of each course, a little back to the means.
pub(super) const PRIOR: [f32; FEATURES] =
    [0.0, 0.1, 0.1, 0.0, 0.2, 0.1, 0.05, 0.05, 0.15, 0.0, 0.0, 0.1, 0.2, 0.1, 0.1, 0.0];

/// The ridge is at least this share of the mean square of the features: single precision.
const FLOOR: f32 = 1e-3;
/// No error counts as more than so many usual ones, and beyond so many it is learnt from less.
const SPIKE: f32 = 20.0;
const ODD: f32 = 5.0;
/// So many errors must be known before one can be told to be odd.
const USUAL: f32 = 50.0;
/// Smaller losses and scales are as good as none.
const TINY: f32 = 1e-9;
/// Stands for an error that is not there; all others are smaller.
const ABSENT: f32 = 3e38;
/// Halvings until a quantile is found to the last digit.
const HALVINGS: usize = 26;

/// The rows that are written for each series and horizon before those of the quantiles: weights of
/// all features, of the means alone, say of the experts, error lately and ever, number of errors,
/// the four means, the three courses' distances.
pub(super) const ROWS: usize = 42;
pub(super) const FEW: usize = 16;
pub(super) const SAY: usize = 20;
pub(super) const LATELY: usize = 29;
pub(super) const EVER: usize = 30;
pub(super) const COUNT: usize = 31;
pub(super) const MEANS: usize = 32;
pub(super) const AWAY: usize = 36;

/// What is learnt of `N` series at one horizon, row by row: [`ROWS`], then the quantiles of the errors
/// in multiples of the scale, then those of the errors themselves.
pub(super) fn fit<const N: usize>(
    plan: &Plan,
    anchor: &Anchor,
    samples: &[[f32; N]],
    known: &[[u32; N]],
    rows: &mut [[f32; N]],
) {
    let Anchor { ahead, spacing, refit, delay, .. } = *anchor;
    let awake = plan.awake();
    let prior = Learnt {
        weights: PRIOR.map(Lanes::all),
        few: std::array::from_fn(|at| Lanes::all(PRIOR[at])),
        say: equal_say(&awake),
        ever: Lanes::ZERO,
    };
    let (mut now_known, mut pending) = (prior, prior);
    let mut learning = Learning::new();
    let mut walk = Walk::new(plan, samples);
    let mut lately = Lanes::<N>::ZERO;
    let mut n_lately = Lanes::<N>::ZERO;
    let n_counted = (0..plan.n_samples).step_by(spacing).filter(|&at| at >= anchor.skip);
    let mut moving = Vec::with_capacity(n_counted.clone().count());
    let mut steady = Vec::with_capacity(n_counted.count());
    let mut sizes: Vec<Lanes<N>> = Vec::with_capacity(anchor.n_errors);
    let mut counted = Lanes::<N>::ZERO;

    for at in 0..plan.n_samples {
        walk.take(at);
        // What was solved from errors before `at - ahead` may be used from now on.
        if at >= ahead && (at - ahead) % refit == 0 {
            now_known = pending;
        }
        if at > 0 && at % refit == 0 {
            pending = learning.learnt(anchor, &awake);
        }
        if at % spacing != 0 || at + ahead >= plan.n_samples {
            continue;
        }
        let is_there = both_known(known, at, at + ahead);
        let features = walk.features(at, ahead);
        let target = Lanes(samples[at + ahead]) - Lanes(samples[at]);
        let opinions = opinions(&now_known.weights, &now_known.few, &features);
        let error = target - mixed(&now_known.say, &opinions);

        if let Some(&size) = sizes.len().checked_sub(delay).and_then(|index| sizes.get(index)) {
            (lately, n_lately) = followed(lately, n_lately, size, anchor.lately);
        }
        let scale = lately * 0.35 + now_known.ever * 0.65;
        if at >= anchor.skip {
            let only_there = |error: Lanes<N>| {
                error.zip(is_there, |error, there| if there > 0.0 { error } else { ABSENT })
            };
            moving.push(only_there(error / scale.max(Lanes::all(TINY))));
            steady.push(only_there(error));
            counted += is_there;
        }
        let size = learning.learn(anchor, &features, target, &opinions, error, is_there);
        sizes.push(size.zip(is_there, |size, there| if there > 0.0 { size } else { -1.0 }));
    }
    // By now the last errors are known too.
    for &size in &sizes[sizes.len().saturating_sub(delay)..] {
        (lately, n_lately) = followed(lately, n_lately, size, anchor.lately);
    }

    let learnt = learning.learnt(anchor, &awake);
    let Learnt { weights, few, say, ever } = learnt;
    let away = walk.away.as_flattened();
    let told = weights.iter().chain(&few).chain(&say).chain([&lately, &ever, &counted]);
    for (row, value) in rows.iter_mut().zip(told.chain(&walk.means).chain(away)) {
        *row = value.0;
    }
    for (errors, rows) in
        [&moving, &steady].into_iter().zip(rows[ROWS..].chunks_mut(plan.levels.len().max(1)))
    {
        quantiles(errors, counted, &plan.levels, rows);
    }
}

/// What is used at a time of all that was learnt before.
#[derive(Clone, Copy)]
struct Learnt<const N: usize> {
    weights: [Lanes<N>; FEATURES],
    few: [Lanes<N>; SEASON],
    say: [Lanes<N>; EXPERTS],
    ever: Lanes<N>,
}

/// The sums of the regression, and the errors of all experts.
struct Learning<const N: usize> {
    /// Products of features with each other; the lower triangle is used.
    products: [[Lanes<N>; FEATURES]; FEATURES],
    targets: [Lanes<N>; FEATURES],
    /// Weight of the next sample: it grows instead of that of all before shrinking.
    next_weight: f32,
    losses: [Lanes<N>; EXPERTS],
    ever: Lanes<N>,
    n: Lanes<N>,
}

impl<const N: usize> Learning<N> {
    fn new() -> Self {
        Self {
            products: [[Lanes::ZERO; FEATURES]; FEATURES],
            targets: [Lanes::ZERO; FEATURES],
            next_weight: 1.0,
            losses: [Lanes::ZERO; EXPERTS],
            ever: Lanes::ZERO,
            n: Lanes::ZERO,
        }
    }

    /// Takes what came of a forecast; the size of its error, no more than a spike is worth.
    #[inline(always)]
    fn learn(
        &mut self,
        anchor: &Anchor,
        features: &[Lanes<N>; FEATURES],
        target: Lanes<N>,
        opinions: &[Lanes<N>; EXPERTS],
        error: Lanes<N>,
        is_there: Lanes<N>,
    ) -> Lanes<N> {
        self.n += is_there;
        let first = self.n.map(|n| 1.0 / n.max(1.0));
        let most = self.n.zip(self.ever, |n, ever| if n < USUAL { ABSENT } else { SPIKE * ever });
        for (loss, &opinion) in self.losses.iter_mut().zip(opinions) {
            let size = (target - opinion).abs().min(most);
            *loss += (size - *loss) * first.max(Lanes::all(anchor.loss)) * is_there;
        }
        let size = error.abs().min(most);
        self.ever += (size - self.ever) * first.max(Lanes::all(anchor.ever)) * is_there;

        let odd = self.ever * ODD;
        let trust = error.abs().zip(odd, |error, odd| if error > odd { odd / error } else { 1.0 });
        let trust = trust.zip(self.n, |trust, n| if n < USUAL { 1.0 } else { trust });
        let weight = trust * is_there * self.next_weight;
        self.next_weight *= anchor.growth;
        for (row, products) in self.products.iter_mut().enumerate() {
            let scaled = features[row] * weight;
            for (product, &feature) in products[..=row].iter_mut().zip(features) {
                *product += scaled * feature;
            }
            self.targets[row] += scaled * target;
        }
        size
    }

    fn learnt(&self, anchor: &Anchor, awake: &[bool; EXPERTS]) -> Learnt<N> {
        Learnt {
            weights: self.solved(anchor),
            few: self.solved(anchor),
            say: self.say(awake),
            ever: self.ever,
        }
    }

    /// The weights of the first `D` features that minimize the squared error plus the ridge towards the
    /// prior, by Cholesky's decomposition.
    #[allow(clippy::needless_range_loop, reason = "rows and columns, as the shader has them")]
    fn solved<const D: usize>(&self, anchor: &Anchor) -> [Lanes<N>; D] {
        let scale = 1.0 / self.next_weight;
        let mut trace = Lanes::ZERO;
        for at in 0..D {
            trace += self.products[at][at] * scale;
        }
        let ridge = self.ever * self.ever * anchor.ridge + trace * (FLOOR / D as f32);
        let ridge = ridge + Lanes::all(1e-12);
        let mut matrix = [[Lanes::ZERO; D]; D];
        let mut weights = [Lanes::ZERO; D];
        for row in 0..D {
            for column in 0..=row {
                matrix[row][column] = self.products[row][column] * scale;
            }
            matrix[row][row] += ridge;
            weights[row] = self.targets[row] * scale + ridge * PRIOR[row];
        }
        for row in 0..D {
            for column in 0..row {
                let mut rest = matrix[row][column];
                for at in 0..column {
                    rest = rest - matrix[row][at] * matrix[column][at];
                }
                matrix[row][column] = rest * matrix[column][column];
            }
            let mut rest = matrix[row][row];
            let mut weight = weights[row];
            for at in 0..row {
                rest = rest - matrix[row][at] * matrix[row][at];
                weight = weight - matrix[row][at] * weights[at];
            }
            // The diagonal is kept inverted.
            matrix[row][row] = rest.map(|rest| 1.0 / rest.max(1e-30).sqrt());
            weights[row] = weight * matrix[row][row];
        }
        for row in (0..D).rev() {
            let mut weight = weights[row];
            for at in row + 1..D {
                weight = weight - matrix[at][row] * weights[at];
            }
            weights[row] = weight * matrix[row][row];
        }
        weights
    }

    /// The experts' mean errors to the power of -20, so that one that errs by a tenth more has a
    /// seventh of the say.
    fn say(&self, awake: &[bool; EXPERTS]) -> [Lanes<N>; EXPERTS] {
        let mut best = Lanes::all(ABSENT);
        for (&loss, _) in self.losses.iter().zip(awake).filter(|(_, awake)| **awake) {
            best = best.min(loss);
        }
        best = best.max(Lanes::all(TINY));
        let mut say = [Lanes::ZERO; EXPERTS];
        let mut sum = Lanes::ZERO;
        for (at, &loss) in self.losses.iter().enumerate().filter(|(at, _)| awake[*at]) {
            let ratio = best / loss.max(Lanes::all(TINY));
            let square = ratio * ratio;
            let fourth = square * square;
            let eighth = fourth * fourth;
            say[at] = eighth * eighth * fourth;
            sum += say[at];
        }
        say.map(|say| say / sum)
    }
}

fn equal_say<const N: usize>(awake: &[bool; EXPERTS]) -> [Lanes<N>; EXPERTS] {
    let n = awake.iter().filter(|&&is_in| is_in).count() as f32;
    awake.map(|is_in| Lanes::all(if is_in { 1.0 / n } else { 0.0 }))
}

/// 1 where both samples are known, else 0.
#[inline(always)]
fn both_known<const N: usize>(known: &[[u32; N]], at: usize, then: usize) -> Lanes<N> {
    let (now, later) = (known[at / 32], known[then / 32]);
    Lanes(std::array::from_fn(|lane| {
        ((now[lane] >> (at % 32)) & (later[lane] >> (then % 32)) & 1) as f32
    }))
}

/// The size of the error lately, with one more known; a negative one is none.
#[inline(always)]
fn followed<const N: usize>(
    lately: Lanes<N>,
    n: Lanes<N>,
    size: Lanes<N>,
    rate: f32,
) -> (Lanes<N>, Lanes<N>) {
    let is_there = size.map(|size| if size < 0.0 { 0.0 } else { 1.0 });
    let n = n + is_there;
    let rate = n.map(|n| (1.0 / n.max(1.0)).max(rate.min(1.0)));
    (lately + (size - lately) * rate * is_there, n)
}

/// What each expert says of the distance from now: the regression, the same on the means alone, the
/// prior, the season ago with half of what the last while was away from it, the profile and the slow
/// season so, as now, the mean of the last 18 steps, half season and half profile.
#[inline(always)]
pub(super) fn opinions<const N: usize>(
    weights: &[Lanes<N>; FEATURES],
    few: &[Lanes<N>; 4],
    features: &[Lanes<N>; FEATURES],
) -> [Lanes<N>; EXPERTS] {
    let f = features;
    [
        dot(weights, f),
        dot(few, &f[..4]),
        dot(&PRIOR.map(Lanes::all), f),
        f[SEASON] + f[SEASON + 2] * 0.5,
        f[PROFILE] + f[PROFILE + 2],
        f[SLOW] + f[SLOW + 3],
        Lanes::ZERO,
        f[2],
        (f[SEASON] + f[PROFILE] + f[PROFILE + 3]) * 0.5,
    ]
}

/// Four sums side by side, as a vector of four has them.
#[inline(always)]
fn dot<const N: usize>(weights: &[Lanes<N>], features: &[Lanes<N>]) -> Lanes<N> {
    let mut sums = [Lanes::ZERO; 4];
    for (weights, features) in weights.chunks_exact(4).zip(features.chunks_exact(4)) {
        for (sum, (&weight, &feature)) in sums.iter_mut().zip(weights.iter().zip(features)) {
            *sum += weight * feature;
        }
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3])
}

#[inline(always)]
fn mixed<const N: usize>(say: &[Lanes<N>; EXPERTS], opinions: &[Lanes<N>; EXPERTS]) -> Lanes<N> {
    let mut sum = Lanes::ZERO;
    for (&say, &opinion) in say.iter().zip(opinions) {
        sum += say * opinion;
    }
    sum
}

/// The quantiles of `n` errors, the others being [`ABSENT`]: the smallest error that so many are at or
/// below, found by halving the range in which it lies. Without an error it is 0.
fn quantiles<const N: usize>(
    errors: &[Lanes<N>],
    n: Lanes<N>,
    levels: &[f32],
    rows: &mut [[f32; N]],
) {
    let (mut least, mut most) = (Lanes::all(ABSENT), Lanes::all(-ABSENT));
    for &error in errors {
        least = least.min(error);
        most = most.max(error.map(|error| if error < ABSENT { error } else { -ABSENT }));
    }
    for (&level, row) in levels.iter().zip(rows) {
        let rank = n.map(|n| ((n + 1.0) * level).ceil().min(n).max(1.0));
        let (mut low, mut high) = (least, most);
        for _ in 0..HALVINGS {
            let middle = low * 0.5 + high * 0.5;
            let mut below = Lanes::<N>::ZERO;
            for &error in errors {
                below += error.zip(middle, |error, middle| f32::from(error <= middle));
            }
            for lane in 0..N {
                let is_enough = below.0[lane] >= rank.0[lane];
                let end = if is_enough { &mut high } else { &mut low };
                end.0[lane] = middle.0[lane];
            }
        }
        *row = high.zip(n, |high, n| if n > 0.0 { high } else { 0.0 }).0;
    }
}
