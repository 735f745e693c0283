//! A course that no stretch of the last while resembles.
//!
//! In: values. Out: how far the last two dozen of them are, in shape, from their nearest neighbor.
//! Knows nothing of levels: a shape is what is left once level and size are taken out.

use serde::{Deserialize, Serialize};

use super::baseline::Seen;
use super::recent::Recent;
use super::tail::Tail;
pub use super::watch::Config;
use super::watch::{Evidence, Found, Watch};

/// The distance of the last two dozen values, brought to mean 0 and deviation 1, from the nearest
/// such stretch among the six hundred before them, against the tail of all such distances so far: the
/// left matrix profile (Yeh et al. 2016) over a window of memory.
///
/// It finds what no threshold sees, a beat that is skipped or a wave the wrong way round; spikes and
/// levels are for the others. Some ten times the time of [`Auto`](super::auto::Auto), which is why it
/// is not part of it; its state takes some 12 KiB in a snapshot.
pub type Shape = Watch<Neighbor>;

/// See [`Shape`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Neighbor {
    /// The oldest first; at most [`KEPT`](Self::KEPT) and a chunk that is cut off at once.
    values: Vec<f64>,
    /// Of each stretch of them; follows from the values.
    #[serde(skip)]
    deviations: Vec<f64>,
    tail: Tail,
}

impl Neighbor {
    /// Values in a stretch.
    const LENGTH: usize = 24;

    /// Values that are kept.
    const KEPT: usize = 600;

    /// So many more are let come before the oldest are cut off.
    const CHUNK: usize = 128;

    /// The mean and the deviation of a stretch.
    fn moments(stretch: &[f64]) -> (f64, f64) {
        let count = stretch.len() as f64;
        let mean = stretch.iter().map(|value| value / count).sum::<f64>();
        let squares = stretch.iter().map(|value| (value - mean) * ((value - mean) / count));
        (mean, libm::sqrt(squares.sum::<f64>()))
    }

    /// Completes the deviations of all stretches, the oldest first.
    fn complete(&mut self) {
        let n_stretches = self.values.len() + 1 - Self::LENGTH;
        for start in self.deviations.len()..n_stretches {
            let (_, deviation) = Self::moments(&self.values[start..start + Self::LENGTH]);
            self.deviations.push(deviation);
        }
    }

    /// The least distance, from 0 (the same shape) to 2 (upside down). What hardly moves is flat.
    fn nearest(&self, crumb: f64) -> Option<f64> {
        let (before, last) = self.values.split_at_checked(self.values.len() - Self::LENGTH)?;
        if before.len() < 3 * Self::LENGTH {
            return None;
        }
        let (mean, deviation) = Self::moments(last);
        let mut shape = [0.0; Self::LENGTH];
        for (place, value) in shape.iter_mut().zip(last) {
            *place = (value - mean) / (deviation.max(crumb) * Self::LENGTH as f64);
        }
        // What overlaps by more than half is the same stretch.
        let reach = before.len() - Self::LENGTH / 2;
        let stretches = before[..reach].windows(Self::LENGTH).zip(&self.deviations);
        let likeness = stretches.map(|(stretch, size)| {
            // The shape sums to 0, so the stretch need not be brought to mean 0. Four sums at once.
            let mut sums = [0.0; 4];
            for (shape, stretch) in shape.chunks_exact(4).zip(stretch.chunks_exact(4)) {
                for (sum, (a, b)) in sums.iter_mut().zip(shape.iter().zip(stretch)) {
                    *sum += a * b;
                }
            }
            sums.iter().sum::<f64>() / size.max(crumb)
        });
        let most = likeness.fold(-1.0, f64::max);
        Some(libm::sqrt((2.0 - 2.0 * most).max(0.0)))
    }
}

impl Evidence for Neighbor {
    fn new() -> Self {
        Self { values: Vec::new(), deviations: Vec::new(), tail: Tail::new(0.02) }
    }

    fn weigh(&mut self, seen: &Seen, _recent: &Recent) -> Found {
        self.values.push(seen.value);
        if self.values.len() > Self::KEPT + Self::CHUNK {
            self.values.drain(..Self::CHUNK);
            self.deviations.drain(..Self::CHUNK.min(self.deviations.len()));
        }
        if !seen.settled || self.values.len() < Self::LENGTH {
            return Found::default();
        }
        self.complete();
        let Some(distance) = self.nearest(seen.crumb) else { return Found::default() };
        // From 0 to 2 becomes from 0 up, as the tail has no end.
        let distance = distance / (2.0 - distance).max(1e-3);
        let digits = self.tail.digits(distance);
        // A strange course comes into the stretch bit by bit, and must not be usual by the time it
        // is whole.
        let pace = if digits > 3.0 { 0.1 } else { 1.0 };
        self.tail.learn(distance, pace * seen.pace);
        Found::new(digits, seen.off > 0.0)
    }

    fn restart(&mut self) {
        self.tail.restart();
    }
}

#[cfg(test)]
mod tests {
    use super::super::DetectorConfig;
    use super::super::testing::{STEP, normal, sample};

    /// A beat of two dozen values with noise; the one at the end is skipped, within the usual range.
    #[test]
    fn a_beat_that_is_skipped_is_seen() {
        let settings: DetectorConfig = serde_json::from_str(r#""shape""#).expect("a kind alone");
        let (mut n_seen, mut n_wrong) = (0, 0);
        for seed in 0..10 {
            let mut detector = settings.clone().build(STEP).expect("defaults");
            let mut noise = normal(seed);
            let beat = |index: usize| (index as f64 / 24.0 * std::f64::consts::TAU).sin();
            let mut told = Vec::new();
            for index in 0..3000 {
                let wrong = (2800..2824).contains(&index);
                let wave = if wrong { -beat(index) * beat(index) } else { beat(index) };
                let seen = detector.score(sample(index, 100.0 + 10.0 * wave + noise()));
                if seen.is_anomaly && index > 1500 {
                    told.push(index);
                }
            }
            let right = |index: &&usize| (2800..2848).contains(*index);
            n_seen += usize::from(told.iter().any(|index| right(&index)));
            n_wrong += told.iter().filter(|index| !right(index)).count();
        }
        // Chance gives one in four thousand, and 1,500 are looked at ten times.
        assert!(n_wrong <= 6, "{n_wrong} elsewhere");
        assert!(n_seen >= 8, "{n_seen} of 10");
    }
}
