//! Whether the forecast may be believed: it must have proved better than what needs no model.
//!
//! In: at each step the loss of the forecast that has met its truth, and those of the references.
//! Out: the skill against each, and whether the gate is open. Knows neither loads nor models.

use serde::{Deserialize, Serialize};

use super::history::too_little;
use super::reference::DAY;
use crate::explain::{Code, Reason, codes};
use crate::time::Duration;

/// The references, in the order of [`Gate::judge`].
pub(super) const N_REFERENCES: usize = 3;
const YESTERDAY: usize = 1;

/// Compares the losses of forecasts with those of references at the same steps.
///
/// It opens when the forecast has been better than each of them over about a day by `min_skill`, and
/// by so much that chance does not explain it: losses are summed over blocks that are long against
/// their memory, and the mean difference of the blocks must be [`OPENS`](Self::OPENS) times its
/// standard error (the test of Diebold and Mariano 1995 on block means, with what memory is left
/// between neighbors counted in). Yesterday is a forecast itself: not to be worse than it by more
/// than [`BAND`](Self::BAND) is enough. The gate closes when the skill falls [`BAND`](Self::BAND) below
/// `min_skill`, or the difference below [`CLOSES`](Self::CLOSES) standard errors: what lies between
/// keeps it from flapping.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Gate {
    trials: [Trial; N_REFERENCES],
    open: bool,
}

/// What a gate goes by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Terms {
    pub(super) min_skill: f64,
    /// In steps.
    pub(super) ahead: usize,
    pub(super) step: Duration,
}

impl Terms {
    /// In steps: a day, but so many that there is something to judge.
    pub(super) fn memory(&self) -> f64 {
        (DAY.steps(self.step) as f64).max(2.0 * Gate::BLOCKS)
    }

    /// Steps in a block: half an hour, but so long that forecasts of neighbors have little in common.
    fn block(&self) -> u64 {
        ((self.memory() / Gate::BLOCKS) as u64).max(2 * self.ahead as u64)
    }
}

impl Gate {
    /// Standard errors by which it must be better before it is believed. Who is no better than one
    /// of the references is then believed about 2 % of the time by chance.
    const OPENS: f64 = 2.0;

    /// Standard errors below which it is believed no more: when lately it was not better at all.
    const CLOSES: f64 = 0.0;

    /// Share of a reference's loss by which it must be beaten: about what who knew the distribution of
    /// mere noise is better by. More keeps noise out altogether, and with it loads that a day foretells
    /// by a few parts in a hundred, which is worth many replicas too late.
    const HANDICAP: f64 = 0.005;

    /// Blocks in a day, and those that count, roughly.
    const BLOCKS: f64 = 48.0;

    /// So few blocks prove nothing.
    const LEAST: u64 = 8;

    /// So far below `min_skill` it stays open: about the error of a skill measured over a day.
    const BAND: f64 = 0.05;

    pub(super) fn new() -> Self {
        Self { trials: [Trial::default(); N_REFERENCES], open: false }
    }

    /// Takes the loss of a forecast, and of the references: "as now", yesterday, the level lately.
    pub(super) fn judge(&mut self, terms: Terms, loss: f64, others: [Option<f64>; N_REFERENCES]) {
        let mut tested = false;
        for (trial, other) in self.trials.iter_mut().zip(others) {
            if let Some(other) = other {
                tested |= trial.judge(terms, loss, other);
            }
        }
        let proven = |least: f64, skill: f64| {
            self.known().all(|(index, trial)| {
                if index == YESTERDAY {
                    return trial.skill() >= terms.min_skill - Self::BAND;
                }
                trial.skill() >= skill && trial.evidence() >= least * trial.caution()
            })
        };
        if self.open {
            // Bad forecasts are believed no longer than it takes to see them.
            self.open = proven(Self::CLOSES, terms.min_skill - Self::BAND);
        } else if tested && self.lacking() == 0 {
            self.open = proven(Self::OPENS, terms.min_skill);
        }
    }

    /// Passes if the forecast may be believed; `n_samples` is how many there were so far.
    ///
    /// # Errors
    /// [`TOO_LITTLE_HISTORY`](codes::TOO_LITTLE_HISTORY) or [`NO_SKILL`](codes::NO_SKILL).
    pub(super) fn check(&self, terms: Terms, n_samples: u64) -> Result<(), Reason> {
        if self.open {
            return Ok(());
        }
        let lacking = self.lacking();
        if lacking > 0 {
            return Err(too_little(n_samples, n_samples + lacking * terms.block()));
        }
        Err(self.lost(terms))
    }

    /// Whether enough was judged to believe anything.
    pub(super) fn has_evidence(&self) -> bool {
        self.lacking() == 0
    }

    /// The least skill against any of the references; 0 before the first is judged.
    pub(super) fn skill(&self) -> f64 {
        self.known().map(|(_, trial)| trial.skill()).reduce(f64::min).unwrap_or(0.0)
    }

    /// Why it is closed: the reference that stands most in the way.
    fn lost(&self, terms: Terms) -> Reason {
        let distance = |(index, trial): (usize, &Trial)| {
            // A lack of skill weighs more than a lack of evidence, which yesterday needs none of.
            let slack = if index == YESTERDAY { Self::BAND } else { 0.0 };
            let short = (terms.min_skill - slack - trial.skill()).max(0.0);
            let unproven = Self::OPENS * trial.caution() - trial.evidence();
            (short, if index == YESTERDAY { -MOST } else { unproven })
        };
        let worst = self.known().max_by(|&a, &b| {
            let (a, b) = (distance(a), distance(b));
            a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1))
        });
        let (index, trial) = worst.unwrap_or((0, &self.trials[0]));
        let code = [LOST_TO_NOW, LOST_TO_YESTERDAY, LOST_TO_LEVEL][index];
        let needed = Self::OPENS * trial.caution();
        let facts = [("skill", trial.skill()), ("evidence", trial.evidence()), ("needed", needed)];
        let [now, yesterday, level] = self.trials.map(|trial| trial.skill());
        let [a, b, c] = facts;
        let (now, level) = (("skill_as_now", now), ("skill_level", level));
        if self.trials[YESTERDAY].n_blocks < Self::LEAST {
            return Reason::new(code, [a, b, c, now, level]);
        }
        Reason::new(code, [a, b, c, now, ("skill_yesterday", yesterday), level])
    }

    /// The references that count: yesterday only once there has been one.
    fn known(&self) -> impl Iterator<Item = (usize, &Trial)> {
        let counts = |index, trial: &Trial| index != YESTERDAY || trial.n_blocks >= Self::LEAST;
        self.trials.iter().enumerate().filter(move |&(index, trial)| counts(index, trial))
    }

    /// How many blocks lack before anything is proved.
    fn lacking(&self) -> u64 {
        let lacks = self.known().map(|(_, trial)| Self::LEAST.saturating_sub(trial.n_blocks));
        lacks.max().unwrap_or(Self::LEAST)
    }

    pub(super) fn is_whole(&self) -> bool {
        self.trials.iter().all(Trial::is_whole)
    }
}

/// [`NO_SKILL`](codes::NO_SKILL), with the sentence for each reference.
const LOST_TO_NOW: Code = codes::NO_SKILL;
const LOST_TO_YESTERDAY: Code = Code::new(
    codes::NO_SKILL.name(),
    "the forecast has lately been worse than the same time yesterday (skill {skill})",
);
const LOST_TO_LEVEL: Code = Code::new(
    codes::NO_SKILL.name(),
    "the forecast has not lately proved better than the level of the load (skill {skill}, {evidence} standard errors of {needed} needed)",
);

/// The forecast against one reference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Trial {
    /// Mean losses over about a day, of the forecast and of the reference.
    loss: f64,
    loss_other: f64,
    n_judged: u64,
    /// Means of the block that is not yet complete.
    block: f64,
    block_other: f64,
    n_in_block: u64,
    /// Half of the mean of both losses: the unit of the differences.
    scale: f64,
    /// Of the differences, in units, each at most [`CLIP`](Self::CLIP) in size: mean, mean square, mean product of
    /// neighbors, and the last one.
    mean: f64,
    square: f64,
    product: f64,
    last: f64,
    /// Sum of the squared weights of the blocks in the mean: the inverse of their number.
    weights: f64,
    n_blocks: u64,
    /// Those in which either erred: they alone tell something.
    n_weighed: u64,
}

impl Trial {
    /// A block counts for no more than so many usual ones: one spike is one piece of evidence.
    const CLIP: f64 = 3.0;

    /// Takes two losses, and says whether that has completed a block.
    fn judge(&mut self, terms: Terms, loss: f64, other: f64) -> bool {
        self.n_judged += 1;
        // A plain mean at first, then one that forgets over a day.
        let weight = (1.0 / self.n_judged as f64).max(1.0 / terms.memory());
        self.loss += (loss - self.loss) * weight;
        self.loss_other += (other - self.loss_other) * weight;

        self.n_in_block += 1;
        let weight = 1.0 / self.n_in_block as f64;
        self.block += (loss - self.block) * weight;
        self.block_other += (other - self.block_other) * weight;
        if self.n_in_block < terms.block() {
            return false;
        }
        let (loss, other) = (self.block, self.block_other);
        (self.block, self.block_other, self.n_in_block) = (0.0, 0.0, 0);
        self.n_blocks += 1;
        if loss + other > 0.0 {
            self.weigh(loss, (1.0 - Gate::HANDICAP) * other);
        }
        true
    }

    /// Takes the mean losses over a block.
    fn weigh(&mut self, loss: f64, other: f64) {
        let size = 0.5 * (loss + other);
        let first = self.n_weighed == 0;
        self.n_weighed += 1;
        let weight = (1.0 / self.n_weighed as f64).max(1.0 / Gate::BLOCKS);
        // The unit is that of the blocks before; one spike must not make the next days invisible.
        let unit = if first { size } else { self.scale };
        let counted = if first { size } else { size.min(4.0 * self.scale) };
        self.scale += (counted - self.scale) * weight;
        let difference = (0.5 * (other - loss) / unit).clamp(-Self::CLIP, Self::CLIP);

        self.mean += (difference - self.mean) * weight;
        self.square += (difference * difference - self.square) * weight;
        let product = if first { 0.0 } else { difference * self.last };
        self.product += (product - self.product) * weight;
        self.last = difference;
        self.weights = (1.0 - weight) * (1.0 - weight) * self.weights + weight * weight;
    }

    /// The mean difference in standard errors; positive where the forecast is better.
    fn evidence(&self) -> f64 {
        if self.n_weighed < Gate::LEAST {
            return 0.0;
        }
        let mean_square = self.mean * self.mean;
        let variance = (self.square - mean_square).max(0.0);
        let kinship = ((self.product - mean_square) / variance).clamp(0.0, 0.8);
        let kinship = if kinship.is_finite() { kinship } else { 0.0 };
        let spread = self.weights / (1.0 - self.weights).max(f64::MIN_POSITIVE);
        let error = (variance * spread * (1.0 + kinship) / (1.0 - kinship)).sqrt();
        let evidence = if self.mean == 0.0 { 0.0 } else { self.mean / error };
        evidence.clamp(-MOST, MOST)
    }

    /// By how much few blocks must prove more than many (Student 1908, to the first order).
    fn caution(&self) -> f64 {
        let freedom = (1.0 / self.weights - 1.0).clamp(1.0, 1e9);
        1.0 + (Gate::OPENS * Gate::OPENS + 1.0) / (4.0 * freedom)
    }

    /// `1 - loss / loss of the reference`: 1 is perfect, 0 no better.
    fn skill(&self) -> f64 {
        if self.loss == self.loss_other {
            return 0.0; // also where neither ever errs
        }
        (1.0 - self.loss / self.loss_other).max(-MOST)
    }

    fn is_whole(&self) -> bool {
        let sizes = [self.loss, self.loss_other, self.block, self.block_other, self.scale];
        let clip = Self::CLIP * Self::CLIP;
        let shares = [self.mean, self.square, self.product, self.last, self.weights];
        sizes.iter().all(|size| *size >= 0.0 && size.is_finite())
            && shares.iter().all(|share| (-clip..=clip).contains(share))
            && (0.0..=1.0).contains(&self.weights)
            && self.n_weighed <= self.n_blocks
            && self.n_blocks <= self.n_judged
            && self.n_judged <= 1 << 53
    }
}

/// No skill and no evidence is told larger than this: what never errs would make it infinite.
const MOST: f64 = 99.0;

#[cfg(test)]
mod tests;
