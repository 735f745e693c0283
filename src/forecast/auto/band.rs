//! Forecasts around one horizon: several experts, mixed as they proved right, and how far they err.
//!
//! In: features of a step ahead, and the truth when it comes. Out: the distance from now to expect,
//! and the scale of the error around it, all in square-root scale. Knows no time of day.

use serde::{Deserialize, Serialize};
use wide::{f32x4, u8x16};

use super::errors::{Errors, LEVELS, Scales};
use super::experts::{ExpertKind, N_EXPERTS, opinions};
use super::horizons::{ANCHORS, MOST_WAITING, N_TURNS, SPACINGS, TURNS, most_waiting};
use super::memory::{Features, Memory, Present};
use super::ridge::{Ridge, Weights};
use super::seek::Seasons;
use super::waiting::Waiting;

/// Who of those asked has an opinion.
fn awake(asked: [bool; N_EXPERTS], seasons: Seasons) -> [bool; N_EXPERTS] {
    std::array::from_fn(|at| asked[at] && ExpertKind::ALL[at].is_awake(seasons))
}

/// Before any truth has come all those awake have the same say.
fn first_say(asked: [bool; N_EXPERTS], awake: [bool; N_EXPERTS]) -> [f32; N_EXPERTS] {
    // Where nobody is awake, as before a season was found, those asked speak all the same.
    let who = if awake.contains(&true) { awake } else { asked };
    let n = who.iter().filter(|&&is_in| is_in).count().max(1) as f32;
    who.map(|is_in| if is_in { 1.0 / n } else { 0.0 })
}

/// What is learnt around one horizon.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Band {
    /// Which of [`ANCHORS`].
    which: usize,
    waiting: Vec<Waiting>,
    /// Steps so far.
    clock: u32,
    /// When each of those that wait is due, side by side to be looked through at once; 0 beyond.
    #[serde(skip)]
    dues: [u8; MOST_WAITING],
    ridge: Ridge,
    /// Mean absolute error of each expert, lately; of an expert without an opinion as it was.
    losses: [f32; N_EXPERTS],
    /// Who is asked, and of them who has an opinion now.
    asked: [bool; N_EXPERTS],
    awake: [bool; N_EXPERTS],
    /// The say of each, as last worked out.
    say: [f32; N_EXPERTS],
    /// Truths so far.
    n: u32,
    /// Mean size of the error, in the long run and lately.
    ever: f32,
    lately: f32,
    /// The mean size of the error by the time of the season; empty without one.
    by_phase: Vec<Size>,
    /// Pinball losses at each of [`LEVELS`] by a scale that moves with the present, and by one that
    /// does not.
    pinball: [[f32; LEVELS.len()]; 2],
    n_scored: u32,
}

/// Memory of the experts' errors, of the error lately, of it in the long run, and of the pinball
/// losses, in steps.
const MEMORIES: [f32; 4] = [350.0, 10.0, 2000.0, 2000.0];

/// While there are fewer errors than that, the mean of each follows the later ones so many times as
/// fast as all count the same: at first little had been learnt.
const LEARNING: [f32; 4] = [2.0, 1.0, 1.3, 1.0];

/// The error of a band is told by the time of the season in so many parts.
const PHASES: usize = 48;

/// So many truths must have come before errors are worth a quantile.
pub(super) const LEAST: u32 = 12;

impl Band {
    /// Around [`ANCHORS`]`[which]`, asking these experts, where a day has so many steps.
    pub(super) fn new(which: usize, experts: &[ExpertKind], day: usize) -> Self {
        let asked = ExpertKind::ALL.map(|expert| experts.contains(&expert));
        let awake = awake(asked, Seasons::default());
        Self {
            which,
            waiting: Vec::with_capacity(most_waiting(which)),
            clock: 0,
            dues: [0; MOST_WAITING],
            ridge: Ridge::new(which, day),
            losses: [0.0; N_EXPERTS],
            asked,
            awake,
            say: first_say(asked, awake),
            n: 0,
            ever: 0.0,
            lately: 0.0,
            by_phase: Vec::new(),
            pinball: Default::default(),
            n_scored: 0,
        }
    }

    /// Forgets all samples.
    pub(super) fn clear(&mut self) {
        self.waiting.clear();
        self.by_phase.clear();
        self.ridge.clear();
        (self.clock, self.n, self.n_scored) = (0, 0, 0);
        self.dues = [0; MOST_WAITING];
        (self.ever, self.lately, self.losses) = (0.0, 0.0, [0.0; N_EXPERTS]);
        self.awake = awake(self.asked, Seasons::default());
        self.say = first_say(self.asked, self.awake);
        self.pinball = Default::default();
    }

    /// Whether each number is in its range, and the band is of the kind of `new`.
    pub(super) fn is_whole(&self, new: &Self) -> bool {
        let is_size = |value: f32| (0.0..=1e17).contains(&value);
        let is_due =
            |waiting: &Waiting| (1..=64).contains(&self.until(waiting)) && waiting.is_whole(PHASES);
        let sizes = self.losses.iter().chain(self.pinball.as_flattened());
        (self.which, self.asked) == (new.which, new.asked)
            && self.waiting.len() <= most_waiting(self.which)
            && self.waiting.iter().all(is_due)
            && sizes.chain([&self.ever, &self.lately]).copied().all(is_size)
            && self.by_phase.iter().all(|size| is_size(size.get()))
            && self.say.iter().all(|say| (0.0..=1.0).contains(say))
            && self.ridge.is_like(&new.ridge)
            && (self.by_phase.is_empty() || self.by_phase.len() == PHASES)
    }

    /// The heap and the place that it holds.
    #[cfg(test)]
    pub(super) fn n_bytes(&self) -> usize {
        size_of::<Self>()
            + self.waiting.capacity() * size_of::<Waiting>()
            + self.by_phase.capacity() * size_of::<Size>()
    }

    /// How many truths lack before it may be believed, and how many steps they take.
    pub(super) fn lacking(&self) -> Option<usize> {
        let lack = LEAST.saturating_sub(self.n) as usize;
        (lack > 0).then(|| (lack << SPACINGS[self.which]) + ANCHORS[self.which])
    }

    /// The seasons have changed: what was learnt of the old ones is void.
    pub(super) fn forget_season(&mut self, seasons: Seasons) {
        self.ridge.forget(seasons.season, self.ever);
        // Those who wake begin as good as the mixture.
        let mixed = self.mixed_loss();
        for (loss, expert) in self.losses.iter_mut().zip(ExpertKind::ALL) {
            if !expert.is_awake(Seasons::default()) {
                *loss = mixed;
            }
        }
        self.awake = awake(self.asked, seasons);
        self.say = self.weights();
        self.by_phase.clear();
        if seasons.season.is_some() {
            self.by_phase.resize(PHASES, Size::new(self.ever));
        }
    }

    /// Once read: works out what is not written.
    pub(super) fn recall(&mut self) {
        for (due, waiting) in self.dues.iter_mut().zip(&self.waiting) {
            *due = waiting.due;
        }
    }

    /// In how many steps its truth comes.
    fn until(&self, waiting: &Waiting) -> u8 {
        waiting.due.wrapping_sub(self.clock as u8)
    }

    /// One step has passed; whether a truth has come that a forecast waits for.
    #[inline]
    pub(super) fn step(&mut self) -> bool {
        self.clock = self.clock.wrapping_add(1);
        self.is_due().is_some()
    }

    /// Learns from `truth`, if the step has one. What was wrong goes into `errors`.
    pub(super) fn judge(&mut self, truth: Option<f64>, errors: &mut Errors) {
        while let Some(index) = self.is_due() {
            let due = self.waiting.swap_remove(index);
            self.dues[index] = self.dues[self.waiting.len()];
            self.dues[self.waiting.len()] = 0;
            if let Some(truth) = truth {
                self.learn(&due, truth as f32 - due.from, errors);
            }
        }
    }

    /// The first of those that wait whose truth comes now.
    #[inline]
    fn is_due(&self) -> Option<usize> {
        let are = u8x16::new(self.dues).simd_eq(u8x16::splat(self.clock as u8)).to_bitmask();
        let first = are.trailing_zeros() as usize;
        Some(first).filter(|&first| first < self.waiting.len())
    }

    /// The steps between two forecasts that are judged, as a power of two; twice as many once much
    /// is learnt.
    fn spacing(&self) -> u32 {
        SPACINGS[self.which] + u32::from(self.n >= MUCH)
    }

    #[inline(never)] // as what it changes would be kept apart from the state all the while
    fn learn(&mut self, due: &Waiting, target: f32, errors: &mut Errors) {
        let &Waiting { scales, grown, .. } = due;
        let features = &due.features();
        let opinions = opinions(self.ridge.expects(features), self.ridge.prior(features), features);
        let error = target - self.mixed(&opinions);
        self.n = self.n.saturating_add(1);
        let spacing = (1_u32 << self.spacing()) as f32;
        let learning = f32x4::new(LEARNING);
        let young = learning / (f32x4::splat(self.n as f32) + learning - f32x4::ONE);
        let old = f32x4::new(MEMORIES.map(|memory| 1.0 / memory)) * spacing;
        let weights = young.fast_max(old.fast_min(f32x4::ONE)).to_array();
        let [of_experts, of_lately, of_ever, of_pinball] = weights;

        let spikes = |most: f32| if self.n < 50 { f32::MAX } else { most * self.ever };
        let (most, most_of_scale) = (spikes(SPIKE), spikes(SPIKE_OF_SCALE[self.which]));
        let at_anchor = 1.0 / grown;
        let losses = self.losses;
        self.losses = std::array::from_fn(|at| {
            let size = (target - opinions[at]).abs() * at_anchor;
            losses[at] + (if size < most { size } else { most } - losses[at]) * of_experts
        });
        if self.n < 8 || self.n.is_multiple_of(8) {
            self.say = self.weights();
        }
        self.score(error, scales, of_pinball, errors);
        // At the anchor, and no more than a spike is worth.
        let size = (error.abs() * at_anchor).min(most_of_scale);
        self.ever += (size - self.ever) * of_ever;
        self.lately += (size - self.lately) * of_lately;
        if let (Some(phase), false) = (due.phase(), self.by_phase.is_empty()) {
            let by_phase = &mut self.by_phase[usize::from(phase)];
            let before = by_phase.get();
            *by_phase = Size::new(before + (size - before) * BY_PHASE);
        }
        self.ridge.learn(features, (target, target - opinions[0]), self.ever, spacing);
    }

    /// Puts the error beside what those before say, and then among them.
    fn score(&mut self, error: f32, scales: Scales, weight: f32, errors: &mut Errors) {
        if self.n <= LEAST || scales.steady <= 0.0 || scales.moving <= 0.0 {
            return;
        }
        self.n_scored = self.n_scored.saturating_add(1);
        let weight = weight.max(1.0 / self.n_scored as f32);
        let sides = self.pinball.iter_mut().zip(errors.edges());
        for ((losses, edges), scale) in sides.zip([scales.moving, scales.steady]) {
            let (before, q) = (f32x4::new(*losses), f32x4::new(LEVELS));
            let short = f32x4::splat(error) - f32x4::new(*edges) * scale;
            let loss = (q * short).fast_max((q - f32x4::ONE) * short);
            *losses = (before + (loss - before) * weight).to_array();
        }
        errors.push(error, scales);
    }

    /// Issues a forecast that will be judged, if it is time; `slope` is that of the error over the
    /// logarithm of the horizon.
    #[inline]
    pub(super) fn issue(&mut self, memory: &Memory, present: &Present, slope: f32) {
        let spacing = self.spacing();
        if self.clock & ((1 << spacing) - 1) != 0 {
            return;
        }
        let turn = (self.clock >> spacing) as usize;
        let ahead = usize::from(TURNS[self.which][turn % N_TURNS]);
        let features = memory.features(ahead, present);
        let phase = self.phase(memory.phase(ahead));
        let scales = self.scales(ahead, phase, slope);
        let due = (self.clock as u8).wrapping_add(ahead as u8);
        self.dues[self.waiting.len()] = due;
        self.waiting.push(Waiting::new(due, memory.now as f32, &features, scales, phase));
    }

    /// The part of the season, where the error is told by it.
    pub(super) fn phase(&self, phase: Option<f32>) -> Option<u8> {
        let part = |phase| (phase * PHASES as f32) as u8 % PHASES as u8;
        phase.filter(|_| !self.by_phase.is_empty()).map(part)
    }

    /// The scales of the error `ahead` steps from now, and how much larger it is there than at the
    /// anchor.
    #[inline(always)]
    pub(super) fn scales(&self, ahead: usize, phase: Option<u8>, slope: f32) -> (Scales, f32) {
        let phased = match phase {
            Some(part) => {
                let part = usize::from(part);
                let next = self.by_phase[if part + 1 < PHASES { part + 1 } else { 0 }];
                let before = self.by_phase[if part > 0 { part - 1 } else { PHASES - 1 }];
                (before.get() + self.by_phase[part].get() + next.get()) * (1.0 / 3.0)
            }
            _ => self.ever,
        };
        let grown = grown(ahead, ANCHORS[self.which], slope);
        let moving = if self.n < 30 {
            self.ever
        } else {
            0.35 * self.lately + 0.35 * phased + 0.3 * self.ever
        };
        (Scales { moving: moving * grown, steady: self.ever * grown }, grown)
    }

    /// The mean size of the error in the long run.
    pub(super) fn ever(&self) -> f32 {
        self.ever
    }

    /// So far from the one before a value is odd.
    pub(super) fn far(&self) -> f64 {
        if self.n < 50 { f64::INFINITY } else { f64::from(ODD * self.ever) }
    }

    /// The weights of the experts: their mean errors to the power of -20, so that one that errs by a
    /// tenth more has a seventh of the say.
    fn weights(&self) -> [f32; N_EXPERTS] {
        if self.n == 0 || !self.awake.contains(&true) {
            return first_say(self.asked, self.awake);
        }
        // What sleeps is nothing to any power.
        let mut losses = [[f32::INFINITY; 4]; N_EXPERTS.div_ceil(4)];
        for (loss, (ours, is_awake)) in
            losses.as_flattened_mut().iter_mut().zip(self.losses.iter().zip(self.awake))
        {
            *loss = if is_awake { *ours } else { f32::INFINITY };
        }
        let losses = losses.map(|quad| f32x4::new(quad).fast_max(f32x4::splat(1e-12)));
        let best = losses.into_iter().fold(f32x4::splat(f32::MAX), f32x4::fast_min);
        let [a, b, c, d] = best.to_array();
        let best = f32x4::splat(a.min(b).min(c.min(d)));
        let weights = losses.map(|losses| {
            let r4 = fourth(best / losses);
            r4 * fourth(r4)
        });
        let [a, b, c, d] = weights.into_iter().sum::<f32x4>().to_array();
        let share = 1.0 / ((a + b) + (c + d));
        let weights = weights.map(|weights| (weights * share).to_array());
        std::array::from_fn(|at| weights.as_flattened()[at])
    }

    /// The say of each expert in the mixture, 1 together.
    pub(super) fn say(&self) -> &[f32; N_EXPERTS] {
        &self.say
    }

    /// The mean absolute error of each expert lately.
    pub(super) fn losses(&self) -> &[f32; N_EXPERTS] {
        &self.losses
    }

    fn mixed(&self, opinions: &[f32; N_EXPERTS]) -> f32 {
        let part = |at: usize| self.say[at] * opinions[at];
        // In pairs, so that none waits for all before.
        let pairs: [f32; N_EXPERTS / 2] = std::array::from_fn(|at| part(2 * at) + part(2 * at + 1));
        let [a, b, c, d, e] = pairs;
        (a + b) + (c + d) + e
    }

    fn mixed_loss(&self) -> f32 {
        self.say.iter().zip(self.losses).map(|(say, loss)| say * loss).sum()
    }

    /// The distance from now to expect, by weights of the ridge that are up to date.
    pub(super) fn expects(&self, ridge: &Weights, features: &Features) -> f32 {
        self.mixed(&opinions(ridge.expects(features), self.ridge.prior(features), features))
    }

    /// The weights of the ridge as of now.
    pub(super) fn ridge(&self) -> Weights {
        self.ridge.fresh(self.ever)
    }

    /// The share that each of the two scales has in the quantile `q` of the error, which is `times`
    /// the moving and the steady one.
    pub(super) fn quantile(&self, q: f64, (moving_times, steady_times): (f32, f32)) -> Quantile {
        let level = LEVELS.partition_point(|&level| f64::from(level) < q - 0.02).min(3);
        let (moving, steady) = (self.pinball[0][level], self.pinball[1][level]);
        let share = if self.n_scored < 50 || moving <= 0.0 || steady <= 0.0 {
            0.5
        } else {
            let ratio = fourth(fourth(fourth(f64::from(steady / moving)))).min(1e12);
            (ratio / (1.0 + ratio)) as f32
        };
        Quantile { moving: share * moving_times, steady: (1.0 - share) * steady_times }
    }
}

/// A size in half of single precision's memory: it never was negative, and eight bits of its
/// fraction are enough.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Size(u16);

impl Size {
    fn new(size: f32) -> Self {
        Self(((size.to_bits() + (1 << 14)) >> 15) as u16)
    }

    fn get(self) -> f32 {
        f32::from_bits(u32::from(self.0) << 15)
    }
}

/// A quantile of the error, to be multiplied with its scales.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Quantile {
    moving: f32,
    steady: f32,
}

impl Quantile {
    pub(super) fn times(self, scales: Scales) -> f32 {
        self.moving * scales.moving + self.steady * scales.steady
    }
}

/// A value is odd so many usual errors away from the one before: loads with jobs now and then jump
/// by tens of them, and what is learnt of that is worth keeping.
const ODD: f32 = 60.0;

/// No error counts as more than so many usual ones: among the experts', and in the scale of each
/// band, where those far ahead are few and overlap.
const SPIKE: f32 = 20.0;
const SPIKE_OF_SCALE: [f32; ANCHORS.len()] = [20.0, 20.0, 20.0, 5.0, 5.0, 5.0];

/// Share of an error in what is told by the time of the season.
const BY_PHASE: f32 = 0.2;

/// The fourth power.
fn fourth<T: Copy + std::ops::Mul<Output = T>>(x: T) -> T {
    let square = x * x;
    square * square
}

/// How much larger the error is `ahead` steps from now than at the anchor, where it grows as the
/// power `slope` of the horizon.
fn grown(ahead: usize, anchor: usize, slope: f32) -> f32 {
    let times = ahead as f32 / anchor as f32;
    // A line near the anchor, where it is asked at every step.
    const LINE: f32 = 2.5;
    let near = 1.0 + slope * (times.min(LINE) - 1.0);
    if times <= LINE { near } else { near * libm::powf(times / LINE, slope) }
}

/// So many truths are much: of those after, each second one is enough.
const MUCH: u32 = 384;
