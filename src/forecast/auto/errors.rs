//! The errors of all horizons together, in multiples of their scales.
//!
//! In: errors and the two scales that they had. Out: quantiles for either scale. Knows no horizon.

use serde::{Deserialize, Serialize};

use super::sketch::Sketch;

/// The distribution of errors in multiples of a scale that moves with the present, and of one that
/// does not.
///
/// One for all horizons: their errors are spread alike once each is told in its own scale, and six
/// times as many tell more of the far quantiles than those of one horizon alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Errors {
    moving: Sketch,
    steady: Sketch,
    /// The quantiles at [`LEVELS`] of both, when last looked up.
    edges: [[f32; LEVELS.len()]; 2],
    n: u32,
}

/// Quantiles at which the two scales compete.
pub(super) const LEVELS: [f32; 4] = [0.5, 0.9, 0.95, 0.99];

/// How many errors are remembered: of some 1,500 and 3,000 steps.
const MOVING: f32 = 6000.0;
const STEADY: f32 = 12_000.0;

/// The two scales of an error.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Scales {
    pub(super) moving: f32,
    pub(super) steady: f32,
}

impl Errors {
    pub(super) fn new() -> Self {
        let (moving, steady) = (Sketch::new(MOVING), Sketch::new(STEADY));
        Self { edges: edges(&moving, &steady), moving, steady, n: 0 }
    }

    /// Forgets all errors.
    pub(super) fn clear(&mut self) {
        self.moving.clear();
        self.steady.clear();
        (self.edges, self.n) = (edges(&self.moving, &self.steady), 0);
    }

    /// The heap that it holds.
    #[cfg(test)]
    pub(super) fn n_bytes(&self) -> usize {
        (self.moving.n_numbers() + self.steady.n_numbers()) * size_of::<f32>()
    }

    /// Whether each number is in its range.
    pub(super) fn is_whole(&self) -> bool {
        self.edges.as_flattened().iter().all(|edge| edge.abs() <= 1e17)
    }

    /// Takes an error whose scales are above zero.
    #[inline]
    pub(super) fn push(&mut self, error: f32, scales: Scales) {
        self.moving.push(error / scales.moving);
        self.steady.push(error / scales.steady);
        self.n = self.n.saturating_add(1);
        // Quantiles move slowly; looking them up each time would cost more than all else.
        if self.n.is_power_of_two() || self.n.is_multiple_of(256) {
            self.edges = edges(&self.moving, &self.steady);
        }
    }

    /// The quantiles at [`LEVELS`], lately: in multiples of the moving and of the steady scale.
    pub(super) fn edges(&self) -> &[[f32; LEVELS.len()]; 2] {
        &self.edges
    }

    /// The quantile `q` in multiples of the moving and of the steady scale.
    pub(super) fn quantile(&self, q: f64) -> (f32, f32) {
        (self.moving.quantile(q as f32), self.steady.quantile(q as f32))
    }
}

fn edges(moving: &Sketch, steady: &Sketch) -> [[f32; LEVELS.len()]; 2] {
    [moving, steady].map(|sketch| LEVELS.map(|q| sketch.quantile(q)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecast::testing::uniform;

    #[test]
    fn quantiles_are_multiples_of_either_scale() {
        let mut errors = Errors::new();
        let mut uniform = uniform(5);
        for _ in 0..20_000 {
            errors.push(uniform() as f32, Scales { moving: 0.5, steady: 2.0 });
        }
        for (level, q) in LEVELS.into_iter().enumerate() {
            let (moving, steady) = errors.quantile(f64::from(q));
            assert!((moving - 2.0 * q).abs() < 0.1 && (steady - 0.5 * q).abs() < 0.03, "{q}");
            assert!((errors.edges()[0][level] - moving).abs() < 0.05, "{q}");
        }
        errors.clear();
        assert_eq!(errors, Errors::new());
    }

    #[test]
    fn of_the_first_errors_the_later_ones_tell_more() {
        let mut errors = Errors::new();
        let scales = Scales { moving: 1.0, steady: 1.0 };
        (0..2000).for_each(|_| errors.push(8.0, scales));
        (0..2000).for_each(|_| errors.push(1.0, scales));
        let (moving, steady) = errors.quantile(0.6);
        assert!(moving < 1.5 && steady < 1.5, "{moving} {steady}");
    }
}
