//! Where the buckets of a histogram begin.
//!
//! In: a largest value and the size of the buckets. Out: the bucket of a value, the start of a
//! bucket. Knows no weights.

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// The buckets of a histogram: all of one size, or each larger than the one before by a ratio.
///
/// The arithmetic is that of the Kubernetes VPA. `libm`'s logarithm is Go's, so a value at the very
/// edge of a bucket falls to the same side, which it need not with another mathematical library.
/// Its power is not Go's: starts may differ in the last bit, which changes one whole amount of the
/// VPA's two layouts, 43,101,250 bytes, where Go has one less.
///
/// ```
/// use forescale::series::Layout;
///
/// // The VPA's for CPU: from 0.01 cores up to 1000, each bucket 5 % wider than the one before.
/// let cores = Layout::exponential(1000.0, 0.01, 1.05, 1e-4)?;
/// assert_eq!(cores.n_buckets(), 176);
/// assert_eq!((cores.find(0.009), cores.find(0.015), cores.find(1e6)), (0, 1, 175));
/// assert_eq!(cores.start(1), 0.01);
/// # Ok::<(), forescale::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Shape", into = "Shape")]
pub struct Layout {
    shape: Shape,
    n_buckets: usize,
    /// Of the ratio; 0 if linear.
    ln_ratio: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum Shape {
    Linear { max_value: f64, bucket_size: f64, epsilon: f64 },
    Exponential { max_value: f64, first_bucket_size: f64, ratio: f64, epsilon: f64 },
}

impl Layout {
    /// A histogram has so many buckets at most: 8 MiB of weights.
    const MOST_BUCKETS: f64 = 1_048_576.0;

    /// Buckets of `bucket_size` from 0 up to `max_value`, and one for what is beyond it; a bucket
    /// with less weight than `epsilon` counts as empty.
    ///
    /// # Errors
    /// If a number is not finite or not above 0, or it takes more than a million buckets.
    pub fn linear(max_value: f64, bucket_size: f64, epsilon: f64) -> Result<Self, Error> {
        Shape::Linear { max_value, bucket_size, epsilon }.try_into()
    }

    /// Buckets from 0 up to `max_value`, the first of `first_bucket_size`, each `ratio` times as
    /// wide as the one before, and one for what is beyond; a bucket with less weight than `epsilon`
    /// counts as empty.
    ///
    /// # Errors
    /// If a number is not finite or not above 0, `ratio` not above 1, or it takes more than a
    /// million buckets.
    pub fn exponential(
        max_value: f64,
        first_bucket_size: f64,
        ratio: f64,
        epsilon: f64,
    ) -> Result<Self, Error> {
        Shape::Exponential { max_value, first_bucket_size, ratio, epsilon }.try_into()
    }

    /// How many buckets there are, at least one.
    #[must_use]
    pub fn n_buckets(&self) -> usize {
        self.n_buckets
    }

    /// The weight below which a bucket counts as empty.
    #[must_use]
    pub fn epsilon(&self) -> f64 {
        match self.shape {
            Shape::Linear { epsilon, .. } | Shape::Exponential { epsilon, .. } => epsilon,
        }
    }

    /// The smallest value of a bucket.
    #[must_use]
    pub fn start(&self, bucket: usize) -> f64 {
        match self.shape {
            Shape::Linear { bucket_size, .. } => bucket as f64 * bucket_size,
            Shape::Exponential { .. } if bucket == 0 => 0.0,
            Shape::Exponential { first_bucket_size, ratio, .. } => {
                first_bucket_size * (libm::pow(ratio, bucket as f64) - 1.0) / (ratio - 1.0)
            }
        }
    }

    /// The bucket of a value; the first one for negative values and what is no number, the last
    /// one for whatever is beyond the largest value.
    #[must_use]
    pub fn find(&self, value: f64) -> usize {
        // The cast stops at 0 below and takes NaN for 0.
        let bucket = match self.shape {
            Shape::Linear { bucket_size, .. } => (value / bucket_size) as usize,
            Shape::Exponential { first_bucket_size, .. } if value < first_bucket_size => 0,
            Shape::Exponential { first_bucket_size, ratio, .. } => {
                grown(value, first_bucket_size, ratio, self.ln_ratio) as usize
            }
        };
        bucket.min(self.n_buckets - 1)
    }
}

/// After how many buckets, and what part of the next, `value` is reached.
fn grown(value: f64, first: f64, ratio: f64, ln_ratio: f64) -> f64 {
    libm::log(value * (ratio - 1.0) / first + 1.0) / ln_ratio
}

impl TryFrom<Shape> for Layout {
    type Error = Error;

    fn try_from(shape: Shape) -> Result<Self, Error> {
        let (numbers, steps, ln_ratio) = match shape {
            Shape::Linear { max_value, bucket_size, epsilon } => {
                let numbers =
                    [("max_value", max_value), ("bucket_size", bucket_size), ("epsilon", epsilon)];
                (numbers, max_value / bucket_size, 0.0)
            }
            Shape::Exponential { max_value, first_bucket_size, ratio, epsilon } => {
                if !(ratio > 1.0 && ratio.is_finite()) {
                    return Err(Error::config("ratio", format!("is {ratio}, must be above 1")));
                }
                let numbers = [
                    ("max_value", max_value),
                    ("first_bucket_size", first_bucket_size),
                    ("epsilon", epsilon),
                ];
                let ln_ratio = libm::log(ratio);
                (numbers, grown(max_value, first_bucket_size, ratio, ln_ratio), ln_ratio)
            }
        };
        for (field, number) in numbers {
            if !(number > 0.0 && number.is_finite()) {
                return Err(Error::config(field, format!("is {number}, must be above 0")));
            }
        }
        let n_buckets = steps.ceil() + 1.0;
        if !(1.0..=Self::MOST_BUCKETS).contains(&n_buckets) {
            let most = Self::MOST_BUCKETS;
            let message = format!("takes {n_buckets} buckets, must be at most {most}");
            return Err(Error::config("max_value", message));
        }
        Ok(Self { shape, n_buckets: n_buckets as usize, ln_ratio })
    }
}

impl From<Layout> for Shape {
    fn from(layout: Layout) -> Self {
        layout.shape
    }
}
