//! The last deviations from what was expected: their means, their noise, their slope.
//!
//! In: deviations in spreads. Out: statistics of the last few. Knows nothing of what is usual.

use serde::{Deserialize, Serialize};

use super::watch::Whole;

/// The last [`KEPT`](Self::KEPT) deviations, clipped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recent {
    /// Invariant: [`KEPT`](Self::KEPT) of them; where none has come yet, 0.
    values: Vec<f32>,
    /// Where the next one goes.
    next: usize,
    n: u64,
    /// Mean and standard deviation of all that is kept.
    mean: f64,
    deviation: f64,
}

impl Whole for Recent {
    fn is_whole(&self) -> bool {
        self.values.len() == Self::KEPT
            && self.next < Self::KEPT
            && self.values.iter().all(|value| f64::from(value.abs()) <= Self::CLIP)
    }
}

impl Recent {
    /// So many are kept.
    pub(super) const KEPT: usize = 36;

    /// None counts for more.
    const CLIP: f64 = 25.0;

    pub(super) fn new() -> Self {
        Self { values: vec![0.0; Self::KEPT], next: 0, n: 0, mean: 0.0, deviation: 0.0 }
    }

    pub(super) fn push(&mut self, off: f64) {
        self.values[self.next] = off.clamp(-Self::CLIP, Self::CLIP) as f32;
        self.next = (self.next + 1) % Self::KEPT;
        self.n += 1;
        let count = (self.n as usize).min(Self::KEPT);
        self.mean = self.all().sum::<f64>() / count as f64;
        let squares = |value: f64| (value - self.mean) * (value - self.mean);
        let sum: f64 = self.all().map(squares).sum();
        self.deviation = libm::sqrt(sum / Self::KEPT as f64);
    }

    fn all(&self) -> impl Iterator<Item = f64> + '_ {
        self.values.iter().map(|&value| f64::from(value))
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

    /// How many of the last `count` lie beyond `off`, on the side of its sign.
    pub(super) fn n_beyond(&self, count: usize, off: f64) -> usize {
        let count = count.min(Self::KEPT);
        let late = (1..=count).map(|age| self.values[(self.next + Self::KEPT - age) % Self::KEPT]);
        late.filter(|&value| f64::from(value) * off.signum() > off.abs()).count()
    }

    /// Whether a line through all that is kept (least squares) fits better than two levels, with the
    /// step between them where that fits best.
    pub(super) fn is_a_line(&self) -> bool {
        let count = Self::KEPT as f64;
        let middle = (count - 1.0) / 2.0;
        let (mut along, mut squares, mut sum, mut step) = (0.0, 0.0, 0.0, 0.0_f64);
        let total = self.mean * count;
        for age in 0..Self::KEPT {
            let place = age as f64;
            let value = f64::from(self.values[(self.next + age) % Self::KEPT]);
            if age > 0 {
                // What a step here explains: between the groups, of the squares.
                let rest = total - sum;
                let explained = sum * sum / place + rest * rest / (count - place);
                step = step.max(explained - total * total / count);
            }
            along += (place - middle) * value;
            squares += (place - middle) * (place - middle);
            sum += value;
        }
        along * along / squares > step
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
        assert!((recent.mean() - 3.15).abs() < 1e-6);
        assert_eq!((recent.n_beyond(4, 4.65), recent.n_beyond(4, -1.0)), (3, 0));
        // A uniform row of n steps of 0.1: 0.1 sqrt((n^2 - 1) / 12).
        let want = 0.1 * (1295.0_f64 / 12.0).sqrt();
        assert!((recent.deviation() - want).abs() < 1e-6);
        assert!(recent.is_a_line());
        (0..18).for_each(|_| recent.push(0.0));
        (0..18).for_each(|_| recent.push(9.0));
        assert!(!recent.is_a_line());
    }
}
