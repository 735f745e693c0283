//! The median of the last samples, in constant memory.
//!
//! In: numbers. Out: the number in the middle of the last so many of them.

use serde::{Deserialize, Serialize};

/// The last `capacity` numbers, and their median at hand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved")]
pub(super) struct Median {
    capacity: usize,
    /// Invariant: finite, at most `capacity` of them.
    last: std::collections::VecDeque<f64>,
    /// Invariant: the same numbers, rising.
    #[serde(skip_serializing)]
    sorted: Vec<f64>,
}

impl Median {
    /// No window is longer.
    pub(super) const MOST: usize = 10_000;

    /// An empty window of `capacity` numbers, at least one and at most [`MOST`](Self::MOST).
    pub(super) fn new(capacity: usize) -> Self {
        let capacity = capacity.clamp(1, Self::MOST);
        let last = std::collections::VecDeque::with_capacity(capacity);
        Self { capacity, last, sorted: Vec::with_capacity(capacity) }
    }

    /// How many numbers there are.
    pub(super) fn len(&self) -> usize {
        self.last.len()
    }

    /// How many numbers there are at most.
    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Takes the next number; one that is not finite is not taken.
    pub(super) fn push(&mut self, number: f64) {
        if !number.is_finite() {
            return;
        }
        if self.last.len() == self.capacity
            && let Some(oldest) = self.last.pop_front()
            && let Ok(at) = self.sorted.binary_search_by(|known| known.total_cmp(&oldest))
        {
            self.sorted.remove(at);
        }
        self.last.push_back(number);
        let at = self.sorted.partition_point(|known| known.total_cmp(&number).is_lt());
        self.sorted.insert(at, number);
    }

    /// The number in the middle, of an even number of them the mean of the two there.
    pub(super) fn median(&self) -> Option<f64> {
        let (n, sorted) = (self.sorted.len(), &self.sorted);
        let upper = *sorted.get(n / 2)?;
        Some(if n % 2 == 1 { upper } else { upper / 2.0 + sorted[n / 2 - 1] / 2.0 })
    }
}

/// As it comes from a snapshot, unchecked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    capacity: usize,
    last: Vec<f64>,
}

impl TryFrom<Saved> for Median {
    type Error = String;

    fn try_from(Saved { capacity, last }: Saved) -> Result<Self, String> {
        let n = last.len();
        if capacity == 0 || capacity > Self::MOST || n > capacity {
            return Err(format!("a window of {capacity} cannot hold {n} numbers"));
        }
        let mut median = Self::new(capacity);
        last.iter().for_each(|&number| median.push(number));
        if median.len() != n {
            return Err("a window holds what is no finite number".to_owned());
        }
        Ok(median)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_that_of_the_sorted_window() {
        let mut uniform = crate::testing::uniform(3);
        let (mut median, mut all) = (Median::new(7), Vec::new());
        assert_eq!(median.median(), None);
        for _ in 0..200 {
            let number = (uniform() * 10.0).floor() - 5.0; // with ties and zeros
            median.push(number);
            median.push(f64::NAN);
            all.push(number);
            let mut window = all[all.len().saturating_sub(7)..].to_vec();
            window.sort_by(f64::total_cmp);
            let (low, high) = (window[(window.len() - 1) / 2], window[window.len() / 2]);
            assert_eq!(median.median(), Some((low + high) / 2.0));
        }
        let text = serde_json::to_string(&median).expect("a snapshot");
        assert_eq!(serde_json::from_str::<Median>(&text).expect("its own"), median);
        let short = text.replace(r#""capacity":7"#, r#""capacity":6"#);
        assert!(serde_json::from_str::<Median>(&short).is_err());
    }
}
