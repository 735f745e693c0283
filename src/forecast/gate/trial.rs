//! The forecast against one reference.
//!
//! In: the losses of both at the same steps. Out: the skill, and the evidence that one is better.

use serde::{Deserialize, Serialize};

use super::{Gate, Losses, Terms};

/// The forecast against one reference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Trial {
    /// Mean losses of the quantiles over about a day, of the forecast and of the reference.
    loss: f64,
    loss_other: f64,
    n_judged: u64,
    /// Mean losses of the points in the block that is not yet complete.
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
    /// Their running sums, upward and downward from the best of the past, not below zero.
    rise: f64,
    fall: f64,
    /// Sum of the squared weights of the blocks in the mean: the inverse of their number.
    weights: f64,
    n_blocks: u64,
    /// Those in which either erred: they alone tell something.
    n_weighed: u64,
}

impl Trial {
    /// A block counts for no more than so many usual ones: one spike is one piece of evidence.
    const CLIP: f64 = 3.0;

    /// Takes the losses of the forecast and of the reference, and says whether that has completed a block.
    pub(super) fn judge(&mut self, terms: Terms, own: Losses, other: Losses) -> bool {
        self.n_judged += 1;
        // A plain mean at first, then one that forgets over a day.
        let weight = (1.0 / self.n_judged as f64).max(1.0 / terms.memory());
        self.loss += (own.quantile - self.loss) * weight;
        self.loss_other += (other.quantile - self.loss_other) * weight;

        self.n_in_block += 1;
        let weight = 1.0 / self.n_in_block as f64;
        self.block += (own.point - self.block) * weight;
        self.block_other += (other.point - self.block_other) * weight;
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
        self.rise = (self.rise + difference - Gate::CREEP).clamp(0.0, 2.0 * Gate::RISEN);
        self.fall = (self.fall - difference).clamp(0.0, 2.0 * Gate::FALLEN);
        self.weights = (1.0 - weight) * (1.0 - weight) * self.weights + weight * weight;
    }

    /// The mean difference in standard errors; positive where the forecast is better.
    pub(super) fn evidence(&self) -> f64 {
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
    pub(super) fn caution(&self) -> f64 {
        let freedom = (1.0 / self.weights - 1.0).clamp(1.0, 1e9);
        1.0 + (Gate::OPENS * Gate::OPENS + 1.0) / (4.0 * freedom)
    }

    /// `1 - loss / loss of the reference`: 1 is perfect, 0 no better.
    pub(super) fn skill(&self) -> f64 {
        if self.loss == self.loss_other {
            return 0.0; // also where neither ever errs
        }
        (1.0 - self.loss / self.loss_other).max(-MOST)
    }

    /// By how many usual losses it has been better of late, and worse.
    pub(super) fn rise(&self) -> f64 {
        self.rise
    }

    pub(super) fn fall(&self) -> f64 {
        self.fall
    }

    pub(super) fn n_blocks(&self) -> u64 {
        self.n_blocks
    }

    pub(super) fn is_whole(&self) -> bool {
        let sizes = [self.loss, self.loss_other, self.block, self.block_other, self.scale];
        let clip = Self::CLIP * Self::CLIP;
        let shares = [self.mean, self.square, self.product, self.last, self.weights];
        sizes.iter().all(|size| *size >= 0.0 && size.is_finite())
            && shares.iter().all(|share| (-clip..=clip).contains(share))
            && (0.0..=1.0).contains(&self.weights)
            && (0.0..=2.0 * Gate::RISEN).contains(&self.rise)
            && (0.0..=2.0 * Gate::FALLEN).contains(&self.fall)
            && self.n_weighed <= self.n_blocks
            && self.n_blocks <= self.n_judged
            && self.n_judged <= 1 << 53
    }
}

/// No skill and no evidence is told larger than this: what never errs would make it infinite.
pub(super) const MOST: f64 = 99.0;
