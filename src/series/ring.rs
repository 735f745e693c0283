//! The last samples on a fixed step, in constant memory.
//!
//! In: samples one by one, missing ones too. Out: any of the last `capacity`, by its age.

use serde::{Deserialize, Serialize};

/// A ring of the last `capacity` samples of a series, some of which may be missing.
///
/// ```
/// use forescale::series::Ring;
///
/// let mut ring = Ring::new(2);
/// for sample in [Some(1.0), None, Some(3.0)] {
///     ring.push(sample);
/// }
/// assert_eq!((ring.len(), ring.back(0), ring.back(1), ring.back(2)), (2, Some(3.0), None, None));
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Saved", into = "Saved")]
pub struct Ring {
    /// Invariant: at most `capacity` of them, NaN for a missing one; full before `next` moves. Grows
    /// to that only after a snapshot.
    samples: Vec<f64>,
    /// Where the oldest sample lies once the ring is full.
    next: usize,
    capacity: usize,
}

impl Ring {
    /// An empty ring for `capacity` samples, at least one.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        let capacity = capacity.max(1);
        Self { samples: Vec::with_capacity(capacity), next: 0, capacity }
    }

    /// How many samples there are, missing ones among them.
    #[must_use]
    pub fn len(&self) -> usize {
        self.samples.len()
    }

    /// Whether there is no sample yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    /// How many samples it keeps at most.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Forgets all samples, keeping the memory.
    pub fn clear(&mut self) {
        self.samples.clear();
        self.next = 0;
    }

    /// Takes the next sample; forgets the oldest one if full. A sample that is not finite counts
    /// as missing.
    pub fn push(&mut self, sample: Option<f64>) {
        let sample = number(sample);
        if self.samples.len() < self.capacity {
            // All at once where a snapshot has brought room for its own samples only.
            self.samples.reserve_exact(self.capacity - self.samples.len());
            self.samples.push(sample);
        } else {
            self.samples[self.next] = sample;
            self.next = (self.next + 1) % self.capacity;
        }
    }

    /// The sample `age` steps before the last one; `None` if it is missing or forgotten.
    #[must_use]
    pub fn back(&self, age: usize) -> Option<f64> {
        let oldest_first = self.samples.len().checked_sub(age)?.checked_sub(1)?;
        let at = (self.next + oldest_first) % self.samples.len();
        Some(self.samples[at]).filter(|value| !value.is_nan())
    }

    /// All samples, the oldest first.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Option<f64>> + '_ {
        (0..self.samples.len()).rev().map(|age| self.back(age))
    }
}

/// A sample as it is kept.
fn number(sample: Option<f64>) -> f64 {
    sample.filter(|value| value.is_finite()).unwrap_or(f64::NAN)
}

/// Equal rings answer the same, wherever their oldest sample lies.
impl PartialEq for Ring {
    fn eq(&self, other: &Self) -> bool {
        self.capacity == other.capacity && self.iter().eq(other.iter())
    }
}

/// As text: the samples oldest first, `null` for a missing one.
#[derive(Serialize, Deserialize)]
struct Saved {
    capacity: usize,
    samples: Vec<Option<f64>>,
}

impl From<Ring> for Saved {
    fn from(ring: Ring) -> Self {
        Self { capacity: ring.capacity, samples: ring.iter().collect() }
    }
}

impl TryFrom<Saved> for Ring {
    type Error = String;

    fn try_from(saved: Saved) -> Result<Self, String> {
        const MOST: usize = 1 << 28;
        let Saved { capacity, samples } = saved;
        if capacity == 0 || capacity > MOST || samples.len() > capacity {
            let n = samples.len();
            return Err(format!("a ring of capacity {capacity} cannot hold {n} samples"));
        }
        // Room for the samples there are: whether the capacity is right, only the owner can tell,
        // and a damaged one must not ask for all memory until then.
        let samples = samples.into_iter().map(number).collect();
        Ok(Self { samples, next: 0, capacity })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(capacity: usize, samples: &[Option<f64>]) -> Ring {
        let mut ring = Ring::new(capacity);
        samples.iter().for_each(|&sample| ring.push(sample));
        ring
    }

    #[test]
    fn the_oldest_samples_are_forgotten() {
        let ring = filled(3, &[Some(1.0), Some(2.0), None, Some(4.0), Some(5.0)]);
        assert_eq!(ring.iter().collect::<Vec<_>>(), [None, Some(4.0), Some(5.0)]);
        let by_age = [0, 1, 2, 3, usize::MAX].map(|age| ring.back(age));
        assert_eq!(by_age, [Some(5.0), Some(4.0), None, None, None]);
        assert_eq!(Ring::new(2).back(0), None);
    }

    #[test]
    fn what_is_not_finite_counts_as_missing() {
        let ring = filled(3, &[Some(f64::NAN), Some(f64::INFINITY), Some(0.0)]);
        assert_eq!(ring.iter().collect::<Vec<_>>(), [None, None, Some(0.0)]);
    }

    #[test]
    fn a_snapshot_keeps_the_samples_and_goes_on() {
        for n in 0..8 {
            let samples: Vec<_> = (0..n).map(|i| (i % 3 > 0).then_some(f64::from(i))).collect();
            let mut ring = filled(4, &samples);
            let text = serde_json::to_string(&ring).expect("a snapshot");
            let mut restored: Ring = serde_json::from_str(&text).expect("its own snapshot");
            for next in [Some(7.0), None] {
                assert_eq!(restored, ring);
                ring.push(next);
                restored.push(next);
            }
        }
    }

    #[test]
    fn a_damaged_capacity_asks_for_no_memory() {
        let text = r#"{"capacity": 268435456, "samples": [1, null]}"#;
        let ring: Ring = serde_json::from_str(text).expect("as far as a ring can tell");
        assert!(ring.samples.capacity() < 100, "{}", ring.samples.capacity());
        assert_eq!((ring.len(), ring.back(0), ring.back(1)), (2, None, Some(1.0)));
    }

    #[test]
    fn a_damaged_snapshot_is_refused() {
        for text in [
            r#"{"capacity": 0, "samples": []}"#,
            r#"{"capacity": 1, "samples": [1, 2]}"#,
            r#"{"capacity": 1e9, "samples": []}"#,
            r#"{"capacity": 4000000000, "samples": []}"#,
        ] {
            assert!(serde_json::from_str::<Ring>(text).is_err(), "{text}");
        }
    }
}
