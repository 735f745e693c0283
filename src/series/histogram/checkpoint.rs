//! The short form in which the Kubernetes VPA keeps a histogram.
//!
//! In: a histogram, or what was stored. Out: the other one. Loses what is lighter than a ten
//! thousandth of the heaviest bucket; the histogram's own snapshot loses nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Histogram;
use crate::error::Error;
use crate::time::Timestamp;

/// A histogram as the VPA stores it: whole weights of which the heaviest is 10,000.
///
/// Reads and writes the fields of `HistogramCheckpoint` of `autoscaling.k8s.io/v1`.
///
/// ```
/// use forescale::series::{Histogram, Layout};
/// use forescale::Timestamp;
///
/// let mut usage = Histogram::new(Layout::linear(10.0, 1.0, 1e-15)?);
/// usage.add(3.0, 2.0, Timestamp::default());
/// usage.add(5.0, 1.0, Timestamp::default());
/// let kept = usage.save_checkpoint();
/// assert_eq!(kept.bucket_weights, [(3, 10_000), (5, 5_000)].into());
///
/// let mut twin = Histogram::new(*usage.layout());
/// twin.load_checkpoint(&kept)?;
/// assert_eq!(twin, usage);
/// # Ok::<(), forescale::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HistogramCheckpoint {
    /// The time at which a sample counts by its bare weight; `None` without decay.
    #[serde(rename = "referenceTimestamp", with = "rfc3339")]
    pub reference: Option<Timestamp>,
    /// The weights by their bucket, zeros left out.
    pub bucket_weights: BTreeMap<i64, u32>,
    /// The weight of all samples, which the buckets share.
    pub total_weight: f64,
}

impl HistogramCheckpoint {
    /// The weight of the heaviest bucket.
    const HEAVIEST: f64 = 10_000.0;
}

impl Histogram {
    /// The histogram in the VPA's short form.
    #[must_use]
    pub fn save_checkpoint(&self) -> HistogramCheckpoint {
        let held = || (self.lo..=self.hi).map(|bucket| (bucket as i64, self.weights[bucket]));
        let heaviest = held().map(|(_, weight)| weight).fold(0.0, f64::max);
        let ratio = HistogramCheckpoint::HEAVIEST / heaviest;
        // An empty histogram has 0 times infinity, which the cast takes for 0.
        let whole = |weight: f64| (weight * ratio + 0.5).floor() as u32;
        let bucket_weights = held()
            .map(|(bucket, weight)| (bucket, whole(weight)))
            .filter(|&(_, weight)| weight > 0)
            .collect();
        HistogramCheckpoint {
            reference: self.reference(),
            bucket_weights,
            total_weight: self.total,
        }
    }

    /// Adds what a checkpoint holds to what is there, and with decay adopts its reference, both as
    /// the VPA does it: take an empty histogram, as what is there is not brought to that reference.
    ///
    /// A checkpoint without weights changes no weight.
    ///
    /// # Errors
    /// If a bucket lies outside the layout, or the total is negative or not finite; nothing is then
    /// changed.
    pub fn load_checkpoint(&mut self, checkpoint: &HistogramCheckpoint) -> Result<(), Error> {
        let HistogramCheckpoint { reference, bucket_weights, total_weight } = checkpoint;
        if !(*total_weight >= 0.0 && (self.total + total_weight).is_finite()) {
            let message = format!("the checkpoint has a total weight of {total_weight}");
            return Err(Error::snapshot(message));
        }
        let n_buckets = self.layout.n_buckets();
        let place = |bucket: i64| usize::try_from(bucket).ok().filter(|&at| at < n_buckets);
        if let Some(bucket) = bucket_weights.keys().find(|&&bucket| place(bucket).is_none()) {
            let message = format!("the checkpoint has a bucket {bucket}, there are {n_buckets}");
            return Err(Error::snapshot(message));
        }
        let sum: u64 = bucket_weights.values().map(|&weight| u64::from(weight)).sum();
        if sum > 0 {
            let ratio = total_weight / sum as f64;
            for (&bucket, &weight) in bucket_weights {
                let Some(bucket) = place(bucket) else { continue };
                self.weights[bucket] += f64::from(weight) * ratio;
                self.lo = self.lo.min(bucket);
                self.hi = self.hi.max(bucket);
            }
            self.total += total_weight;
            // Small samples spread thinly may leave buckets that count as empty.
            self.trim();
        }
        if let Some(decay) = &mut self.decay {
            decay.reference = *reference;
        }
        Ok(())
    }
}

/// Times as Kubernetes writes them: RFC 3339, or null.
pub(crate) mod rfc3339 {
    use serde::{Deserialize, Deserializer, Serializer, de, ser};

    use crate::time::Timestamp;

    pub(crate) fn serialize<S: Serializer>(
        at: &Option<Timestamp>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let Some(at) = at else { return serializer.serialize_none() };
        let at = jiff::Timestamp::from_millisecond(at.as_millis()).map_err(ser::Error::custom)?;
        serializer.collect_str(&at)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Timestamp>, D::Error> {
        let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
        let at: jiff::Timestamp = text.parse().map_err(de::Error::custom)?;
        Ok(Some(Timestamp::from_millis(at.as_millisecond())))
    }
}
