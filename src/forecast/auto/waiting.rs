//! A forecast that waits for its truth, in few bytes.
//!
//! In: the features that it was made of. Out: the same, to the fifth digit of the largest one. Knows
//! nothing of horizons.

use serde::{Deserialize, Serialize};
use wide::{f32x4, f32x8, i16x8, i32x8};

use super::errors::Scales;
use super::memory::{Features, N};

/// What is needed to learn from a forecast once its truth comes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Waiting {
    pub(super) from: f32,
    pub(super) scales: Scales,
    /// How much larger the error is at its horizon than at the anchor.
    pub(super) grown: f32,
    /// The features in multiples of `grain`.
    grain: f32,
    codes: [i16; N],
    /// The last bits of the step at which it comes.
    pub(super) due: u8,
    /// The part of the season in which it comes; [`NO_PHASE`] without one.
    phase: u8,
}

const NO_PHASE: u8 = u8::MAX;

/// The code of the largest feature.
const MOST: f32 = 32_767.0;

impl Waiting {
    #[inline]
    pub(super) fn new(
        due: u8,
        from: f32,
        features: &Features,
        (scales, grown): (Scales, f32),
        phase: Option<u8>,
    ) -> Self {
        let quads = features.as_chunks().0.iter().map(|&quad| f32x4::new(quad).abs());
        let sizes = quads.fold(f32x4::ZERO, |most, sizes| most.fast_max(sizes)).to_array();
        let largest =
            sizes.into_iter().fold(0.0, |most, size| if size > most { size } else { most });
        let (grain, fine) =
            if largest > 1e-30 { (largest / MOST, MOST / largest) } else { (0.0, 0.0) };
        // Beside so large a number the last bits are the whole number nearest.
        const ROUND: f32 = (3 << 22) as f32;
        let codes = features.map(|feature| (feature * fine + ROUND).to_bits() as i16);
        Self { from, scales, grown, grain, codes, due, phase: phase.unwrap_or(NO_PHASE) }
    }

    #[inline]
    pub(super) fn features(&self) -> Features {
        let mut features = [0.0; N];
        let codes = self.codes.as_chunks().0.iter();
        for (into, &codes) in features.as_chunks_mut().0.iter_mut().zip(codes) {
            let codes = f32x8::from_i32x8(i32x8::from_i16x8(i16x8::new(codes)));
            *into = (codes * self.grain).to_array();
        }
        features
    }

    pub(super) fn phase(&self) -> Option<u8> {
        Some(self.phase).filter(|&phase| phase != NO_PHASE)
    }

    /// Whether each number is in its range.
    pub(super) fn is_whole(&self, n_phases: usize) -> bool {
        let is_size = |value: f32| (0.0..=1e17).contains(&value);
        self.from.abs() <= 1e17
            && is_size(self.grain)
            && is_size(self.scales.moving)
            && is_size(self.scales.steady)
            && (0.1..=100.0).contains(&self.grown)
            && self.phase().is_none_or(|phase| usize::from(phase) < n_phases)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecast::testing::uniform;

    #[test]
    fn features_come_back_to_the_fifth_digit_of_the_largest() {
        let scales = (Scales { moving: 1.0, steady: 1.0 }, 1.0);
        let mut uniform = uniform(4);
        for largest in [0.0, 1e-40, 1e-9, 1.0, 1e15] {
            let mut features = [0.0; N];
            features.iter_mut().for_each(|it| *it = largest * (2.0 * uniform() as f32 - 1.0));
            features[3] = -largest;
            let back = Waiting::new(7, 1.0, &features, scales, None).features();
            for (back, feature) in back.iter().zip(features) {
                assert!((back - feature).abs() <= 1.6e-5 * largest.max(1e-30), "{back} {feature}");
            }
        }
    }
}
