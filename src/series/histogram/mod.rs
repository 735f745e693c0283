//! How often which values came, in fixed memory, with older samples counting less.
//!
//! In: values with weights and times. Out: percentiles as bucket edges, and a checkpoint. Knows
//! nothing of what the values mean.
//!
//! The histogram is that of the Kubernetes vertical pod autoscaler (VPA): bucket layouts in
//! [`Layout`], which names the one bit that differs, the decay here, its checkpoints in
//! [`HistogramCheckpoint`].

mod checkpoint;
mod decay;
mod layout;

pub use checkpoint::HistogramCheckpoint;
pub(crate) use checkpoint::rfc3339;
pub use layout::Layout;

use serde::{Deserialize, Serialize};

use self::decay::Decay;
use crate::error::Error;
use crate::time::{Duration, Timestamp};

/// A weighted histogram over a fixed [`Layout`], with or without exponential decay by time.
///
/// As in the VPA, a bucket lighter than the layout's epsilon counts as empty. It differs in that a
/// value or weight that is no finite number, a negative weight, and a sum beyond the range of
/// numbers are refused, where the VPA ends its process or goes on with what is no number.
///
/// ```
/// use forescale::series::{Histogram, Layout};
/// use forescale::{Duration, Timestamp};
///
/// let layout = Layout::linear(10.0, 1.0, 1e-15)?;
/// let mut usage = Histogram::decaying(layout, Duration::from_secs(3600))?;
/// usage.add(4.2, 1.0, Timestamp::from_secs(0));
/// usage.add(7.7, 1.0, Timestamp::from_secs(3600)); // an hour newer: counts twice
/// assert_eq!(usage.percentile(0.33), 5.0); // the end of the bucket from 4 to 5
/// assert_eq!(usage.percentile(0.34), 8.0);
/// # Ok::<(), forescale::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved", into = "Saved")]
pub struct Histogram {
    layout: Layout,
    /// Invariant: a weight for each bucket, finite and not negative.
    weights: Vec<f64>,
    /// Kept apart from the sum of the buckets, from which clamped subtractions take it away.
    total: f64,
    /// Invariant: the first bucket that is not empty, the last one of all if there is none.
    lo: usize,
    /// Invariant: the last bucket that is not empty, the first one of all if there is none.
    hi: usize,
    decay: Option<Decay>,
}

impl Histogram {
    /// An empty histogram whose samples count the same at any age.
    #[must_use]
    pub fn new(layout: Layout) -> Self {
        let n_buckets = layout.n_buckets();
        Self {
            layout,
            weights: vec![0.0; n_buckets],
            total: 0.0,
            lo: n_buckets - 1,
            hi: 0,
            decay: None,
        }
    }

    /// An empty histogram where a sample counts half as much as one that is `half_life` newer.
    ///
    /// # Errors
    /// If `half_life` is zero.
    pub fn decaying(layout: Layout, half_life: Duration) -> Result<Self, Error> {
        if half_life.is_zero() {
            return Err(Error::config("half_life", "is 0, must be above 0"));
        }
        Ok(Self { decay: Some(Decay::new(half_life)), ..Self::new(layout) })
    }

    /// Forgets all samples.
    pub fn clear(&mut self) {
        let decay = self.half_life().map(Decay::new);
        *self = Self { decay, ..Self::new(self.layout) };
    }

    /// The layout of its buckets.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The half-life; `None` without decay.
    #[must_use]
    pub fn half_life(&self) -> Option<Duration> {
        self.decay.as_ref().map(|decay| decay.half_life)
    }

    /// The time at which a sample counts by its bare weight; `None` without decay or before the
    /// first sample.
    #[must_use]
    pub fn reference(&self) -> Option<Timestamp> {
        self.decay.as_ref().and_then(|decay| decay.reference)
    }

    /// The weight of all samples as of [`reference`](Self::reference).
    #[must_use]
    pub fn total_weight(&self) -> f64 {
        self.total
    }

    /// The buckets that hold any weight, with it, rising.
    pub fn buckets(&self) -> impl Iterator<Item = (usize, f64)> + '_ {
        self.weights.iter().copied().enumerate().filter(|&(_, weight)| weight > 0.0)
    }

    /// Whether no bucket holds the epsilon of the layout.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.weights[self.lo] < self.layout.epsilon()
    }

    /// Adds a sample; false if it is refused, see [`Histogram`]. Without decay `at` does not matter.
    pub fn add(&mut self, value: f64, weight: f64, at: Timestamp) -> bool {
        let Some(weight) = self.weigh(value, weight, at) else { return false };
        if !(self.total + weight).is_finite() {
            return false;
        }
        let bucket = self.layout.find(value);
        self.weights[bucket] += weight;
        self.total += weight;
        if self.weights[bucket] >= self.layout.epsilon() {
            self.lo = self.lo.min(bucket);
            self.hi = self.hi.max(bucket);
        }
        true
    }

    /// Takes a sample away again that was added with the same `at`; false if it is refused.
    ///
    /// Bucket and total stop at 0 each for itself, as in the VPA: who takes away more than there is
    /// leaves a total that is not the sum of the buckets.
    pub fn subtract(&mut self, value: f64, weight: f64, at: Timestamp) -> bool {
        let Some(weight) = self.weigh(value, weight, at) else { return false };
        let epsilon = self.layout.epsilon();
        let rest = |held: f64| if held - weight < epsilon { 0.0 } else { held - weight };
        let bucket = self.layout.find(value);
        self.total = rest(self.total);
        self.weights[bucket] = rest(self.weights[bucket]);
        self.trim();
        true
    }

    /// Adds all that `other` holds. With decay, the one with the earlier reference is first brought
    /// to the later one; `other` itself stays as it is, where the VPA moves it too.
    ///
    /// # Errors
    /// If the two differ in their layout or half-life, or the sum is beyond the range of numbers;
    /// nothing is then added.
    pub fn merge(&mut self, other: &Self) -> Result<(), Error> {
        if self.layout != other.layout || self.half_life() != other.half_life() {
            let message = "has another layout or half-life, so it cannot be merged";
            return Err(Error::observation("histogram", message));
        }
        if !(self.total + other.total).is_finite() {
            return Err(Error::observation("histogram", "is too heavy to be merged"));
        }
        let mut moved;
        let mut from = other;
        if self.reference() < other.reference() {
            self.move_reference(other.reference());
        } else if other.reference() < self.reference() {
            moved = other.clone();
            moved.move_reference(self.reference());
            from = &moved;
        }
        for bucket in from.lo..=from.hi {
            self.weights[bucket] += from.weights[bucket];
        }
        self.total += from.total;
        self.lo = self.lo.min(from.lo);
        self.hi = self.hi.max(from.hi);
        Ok(())
    }

    /// The value that the share `p` of the weight does not exceed, as the end of its bucket; the
    /// start for the last bucket, which has no end. 0 if empty.
    ///
    /// A `p` below 0 counts as 0, one above 1 or no number as 1.
    #[must_use]
    pub fn percentile(&self, p: f64) -> f64 {
        if self.is_empty() {
            return 0.0;
        }
        let threshold = p * self.total;
        let mut sum = 0.0;
        let reached = (self.lo..self.hi).find(|&bucket| {
            sum += self.weights[bucket];
            sum >= threshold
        });
        let bucket = reached.unwrap_or(self.hi);
        self.layout.start(if bucket < self.layout.n_buckets() - 1 { bucket + 1 } else { bucket })
    }

    /// The weight as of the reference, which a much newer sample moves; `None` for what is refused.
    fn weigh(&mut self, value: f64, weight: f64, at: Timestamp) -> Option<f64> {
        if !value.is_finite() || !weight.is_finite() || weight < 0.0 {
            return None;
        }
        if self.decay.as_ref().is_some_and(|decay| decay.is_outgrown(at)) {
            self.move_reference(Some(at));
        }
        let factor = self.decay.as_ref().map_or(1.0, |decay| decay.factor(at));
        Some(weight * factor).filter(|weight| weight.is_finite())
    }

    fn move_reference(&mut self, to: Option<Timestamp>) {
        let (Some(decay), Some(to)) = (&mut self.decay, to) else { return };
        let factor = decay.move_to(to);
        self.weights.iter_mut().for_each(|weight| *weight *= factor);
        self.total *= factor;
        self.trim();
    }

    /// Brings `lo` and `hi` inward over buckets that count as empty.
    fn trim(&mut self) {
        let epsilon = self.layout.epsilon();
        while self.weights[self.lo] < epsilon && self.lo < self.layout.n_buckets() - 1 {
            self.lo += 1;
        }
        while self.weights[self.hi] < epsilon && self.hi > 0 {
            self.hi -= 1;
        }
    }
}

/// What a snapshot holds, before it is trusted.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    layout: Layout,
    #[serde(default)]
    decay: Option<Decay>,
    total: f64,
    weights: Vec<(usize, f64)>,
}

impl From<Histogram> for Saved {
    fn from(histogram: Histogram) -> Self {
        let weights = histogram.buckets().collect();
        let Histogram { layout, total, decay, .. } = histogram;
        Self { layout, decay, total, weights }
    }
}

impl TryFrom<Saved> for Histogram {
    type Error = String;

    fn try_from(saved: Saved) -> Result<Self, String> {
        let is_weight = |weight: f64| weight.is_finite() && weight >= 0.0;
        let mut histogram = Self::new(saved.layout);
        if !is_weight(saved.total) || saved.decay.is_some_and(|decay| decay.half_life.is_zero()) {
            return Err("a histogram has a total that is no weight, or no half-life".to_owned());
        }
        for (bucket, weight) in saved.weights {
            match histogram.weights.get_mut(bucket) {
                Some(held) if is_weight(weight) => *held = weight,
                _ => return Err(format!("a histogram has {weight} in its bucket {bucket}")),
            }
        }
        // By their invariant the ends follow from the weights.
        (histogram.lo, histogram.hi) = (0, histogram.layout.n_buckets() - 1);
        histogram.trim();
        Ok(Self { total: saved.total, decay: saved.decay, ..histogram })
    }
}

#[cfg(test)]
mod tests;
