//! The distribution of errors as it has lately been, in a few hundred bytes.
//!
//! In: errors in multiples of their scale. Out: any quantile of them. Knows nothing of time or load.

use serde::{Deserialize, Serialize};

/// A histogram that forgets, with bins that widen with the size of the error.
///
/// A bin is a quarter of an octave wide, from 1/32 of the scale to 64 times it, on both sides of
/// zero; within a bin errors count as spread evenly. Each error weighs more than the one before by
/// the same factor, which is the same as forgetting all of them exponentially. A prior of a few
/// errors that are spread as those of a Laplace distribution speaks until real ones have come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved", into = "Saved")]
pub(super) struct Sketch {
    weights: Vec<f32>,
    total: f32,
    /// Weight of the next error.
    next: f32,
    /// How many errors it remembers.
    memory: f32,
    /// How many have come.
    n: u32,
}

/// Below this size an error lies in the middle bin.
const LEAST: f32 = 1.0 / 32.0;

/// Octaves on each side, and bins in each.
const OCTAVES: usize = 11;
const BINS: usize = 4;

const SIDE: usize = OCTAVES * BINS;
const N: usize = 2 * SIDE + 1;

/// So many errors the prior counts.
const PRIOR: f32 = 240.0;

/// While few have come it remembers fewer: twice as many as there are, and so many.
const YOUNG: f32 = 360.0;

impl Sketch {
    /// With a memory of so many errors.
    pub(super) fn new(memory: f32) -> Self {
        let mut sketch = Self { weights: vec![0.0; N], total: 0.0, next: 1.0, memory, n: 0 };
        sketch.clear();
        sketch
    }

    #[cfg(test)]
    pub(super) fn n_numbers(&self) -> usize {
        self.weights.capacity()
    }

    /// Forgets all errors.
    pub(super) fn clear(&mut self) {
        // The Laplace distribution with the mean size 1.
        let below = |x: f32| {
            if x < 0.0 { 0.5 * libm::expf(x) } else { 1.0 - 0.5 * libm::expf(-x) }
        };
        for (bin, weight) in self.weights.iter_mut().enumerate() {
            *weight = PRIOR * (below(edge(bin + 1)) - below(edge(bin)));
        }
        self.total = self.weights.iter().sum();
        (self.next, self.n) = (1.0, 0);
    }

    /// Takes an error.
    #[inline]
    pub(super) fn push(&mut self, error: f32) {
        self.weights[bin(error)] += self.next;
        self.total += self.next;
        self.n = self.n.saturating_add(1);
        let young = 2.0 * self.n as f32 + YOUNG;
        self.next *= 1.0 + 1.0 / if young < self.memory { young } else { self.memory };
        if self.next > 1e4 {
            self.weights.iter_mut().for_each(|weight| *weight /= self.next);
            self.total = self.weights.iter().sum();
            self.next = 1.0;
        }
    }

    /// The quantile `q` of the errors.
    pub(super) fn quantile(&self, q: f32) -> f32 {
        let mut left = q * self.total;
        for (bin, &weight) in self.weights.iter().enumerate() {
            if left <= weight && weight > 0.0 {
                let (low, high) = (edge(bin), edge(bin + 1));
                return low + (high - low) * (left / weight);
            }
            left -= weight;
        }
        edge(N)
    }
}

/// The bin of an error: the leading bits of a float are its octave and its place in it.
#[inline]
fn bin(error: f32) -> usize {
    let size = error.abs() / LEAST;
    if size < 1.0 || size.is_nan() {
        return SIDE;
    }
    let place = ((size.to_bits() >> 21) as usize - (127 << 2)).min(SIDE - 1);
    if error < 0.0 { SIDE - 1 - place } else { SIDE + 1 + place }
}

/// Where a bin begins.
fn edge(bin: usize) -> f32 {
    let size = |place: usize| {
        LEAST * (1.0 + (place % BINS) as f32 / BINS as f32) * (1_u32 << (place / BINS)) as f32
    };
    if bin <= SIDE { -size(SIDE - bin) } else { size(bin - SIDE - 1) }
}

/// As text.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    weights: Vec<f32>,
    total: f32,
    next: f32,
    memory: f32,
    n: u32,
}

impl From<Sketch> for Saved {
    fn from(Sketch { weights, total, next, memory, n }: Sketch) -> Self {
        Self { weights, total, next, memory, n }
    }
}

impl TryFrom<Saved> for Sketch {
    type Error = String;

    fn try_from(Saved { weights, total, next, memory, n }: Saved) -> Result<Self, String> {
        let whole = weights.len() == N
            && weights.iter().all(|weight| (0.0..1e12).contains(weight))
            && (f32::MIN_POSITIVE..1e12).contains(&total)
            && (f32::MIN_POSITIVE..1e5).contains(&next)
            && (1.0..1e9).contains(&memory);
        if !whole {
            return Err("the errors of a forecaster are damaged".to_owned());
        }
        Ok(Self { weights, total, next, memory, n })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecast::testing::uniform;

    #[test]
    fn bins_follow_each_other_and_hold_what_lies_between_their_edges() {
        for at in 0..N {
            assert!(edge(at) < edge(at + 1), "{at}");
            let middle = (edge(at) + edge(at + 1)) / 2.0;
            assert_eq!(bin(middle), at);
        }
        assert_eq!((edge(SIDE), edge(SIDE + 1)), (-LEAST, LEAST));
        for (error, want) in [(0.0, SIDE), (f32::NAN, SIDE), (f32::MAX, N - 1), (f32::MIN, 0)] {
            assert_eq!(bin(error), want, "{error}");
        }
    }

    #[test]
    fn quantiles_are_those_of_the_errors_lately() {
        let mut sketch = Sketch::new(500.0);
        assert!((sketch.quantile(0.5)).abs() < 1e-3);
        assert!((sketch.quantile(0.95) - 2.303).abs() < 0.1, "of the prior"); // -ln(2 * 0.05)
        let mut uniform = uniform(3);
        for shift in [10.0, 0.0] {
            for _ in 0..30_000 {
                sketch.push(uniform() as f32 + shift);
            }
        }
        for q in [0.1, 0.5, 0.9, 0.99] {
            assert!((sketch.quantile(q) - q).abs() < 0.06, "{q}: {}", sketch.quantile(q));
        }
    }
}
