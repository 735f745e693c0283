//! The last deviations from what was expected: their means, their noise, their slope.
//!
//! In: deviations in spreads. Out: statistics of the last few. Knows nothing of what is usual.

use serde::{Deserialize, Serialize};

/// The last [`KEPT`](Self::KEPT) deviations, clipped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Recent {
    /// Invariant: [`KEPT`](Self::KEPT) of them; where none has come yet, 0.
    values: Vec<f64>,
    /// Where the next one goes.
    next: usize,
    n: u64,
    /// Mean and standard deviation of all that is kept.
    mean: f64,
    deviation: f64,
}

impl Recent {
    /// So many are kept.
    pub(super) const KEPT: usize = 36;

    /// None counts for more.
    const CLIP: f64 = 25.0;

    pub(super) fn new() -> Self {
        Self { values: vec![0.0; Self::KEPT], next: 0, n: 0, mean: 0.0, deviation: 0.0 }
    }

    pub(super) fn is_whole(&self) -> bool {
        self.values.len() == Self::KEPT
            && self.next < Self::KEPT
            && self.values.iter().all(|value| value.abs() <= Self::CLIP)
    }

    pub(super) fn push(&mut self, off: f64) {
        self.values[self.next] = off.clamp(-Self::CLIP, Self::CLIP);
        self.next = (self.next + 1) % Self::KEPT;
        self.n += 1;
        self.mean = self.mean_of(Self::KEPT);
        let squares = |value: &f64| (value - self.mean) * (value - self.mean);
        let sum: f64 = self.values.iter().map(squares).sum();
        self.deviation = libm::sqrt(sum / Self::KEPT as f64);
    }

    /// Whether all that it can keep has come.
    pub(super) fn is_full(&self) -> bool {
        self.n >= Self::KEPT as u64
    }

    /// The mean of all that is kept.
    pub(super) fn mean(&self) -> f64 {
        self.mean
    }

    /// The standard deviation of all that is kept, once it is full.
    pub(super) fn deviation(&self) -> f64 {
        self.deviation
    }

    /// The mean of the last `count`, or of those there are.
    pub(super) fn mean_of(&self, count: usize) -> f64 {
        let count = count.min(Self::KEPT).min(self.n as usize);
        if count == 0 {
            return 0.0;
        }
        let end = self.next;
        let sum: f64 = if count <= end {
            self.values[end - count..end].iter().sum()
        } else {
            let first: f64 = self.values[Self::KEPT + end - count..].iter().sum();
            first + self.values[..end].iter().sum::<f64>()
        };
        sum / count as f64
    }

    /// By how much the line through all that is kept (least squares) rises over it.
    pub(super) fn rise(&self) -> f64 {
        let middle = (Self::KEPT - 1) as f64 / 2.0;
        let (mut sum, mut squares) = (0.0, 0.0);
        for age in 0..Self::KEPT {
            let place = age as f64 - middle;
            sum += place * self.values[(self.next + age) % Self::KEPT];
            squares += place * place;
        }
        sum / squares * Self::KEPT as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_are_those_worked_out_by_hand() {
        let mut recent = Recent::new();
        (0..50).for_each(|index| recent.push(f64::from(index) / 10.0));
        // 1.4 to 4.9 are kept.
        assert!((recent.mean() - 3.15).abs() < 1e-12);
        assert!((recent.mean_of(2) - 4.85).abs() < 1e-12);
        assert!((recent.mean_of(20) - 3.95).abs() < 1e-12);
        assert!((recent.rise() - 3.6).abs() < 1e-12);
        // A uniform row of n steps of 0.1: 0.1 sqrt((n^2 - 1) / 12).
        let want = 0.1 * (1295.0_f64 / 12.0).sqrt();
        assert!((recent.deviation() - want).abs() < 1e-12);
    }
}
