//! From a percentile of the usage to the amount to request.
//!
//! In: a histogram, and how much history stands behind it. Out: an amount. Knows no samples and no
//! settings; the arithmetic is that of the VPA's recommender.

use serde::{Deserialize, Serialize};

use super::amount::amount;
use crate::series::Histogram;
use crate::time::{Duration, Timestamp};

/// How much was seen of a resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct History {
    /// The time of the earliest sample.
    pub first: Timestamp,
    /// The time of the latest sample.
    pub last: Timestamp,
    /// How many samples came.
    pub samples: u64,
}

impl History {
    /// Takes in the time of one more sample.
    pub fn note(&mut self, at: Timestamp) {
        let is_first = self.samples == 0;
        self.first = if is_first { at } else { self.first.min(at) };
        self.last = if is_first { at } else { self.last.max(at) };
        self.samples = self.samples.saturating_add(1);
    }

    /// How far the history can be relied on, as intervals: the lesser of its span and of its
    /// samples at one a minute. 0 if there is none, or for an empty interval.
    ///
    /// ```
    /// use forescale::size::estimate::History;
    /// use forescale::{Duration, Timestamp};
    ///
    /// let noon = Timestamp::from_secs(43_200);
    /// let half_a_day = History { first: Timestamp::default(), last: noon, samples: 10_000 };
    /// assert_eq!(half_a_day.confidence(Duration::from_secs(86_400)), 0.5);
    /// ```
    #[must_use]
    pub fn confidence(&self, interval: Duration) -> f64 {
        if interval.is_zero() {
            return 0.0;
        }
        let span = self.last.since(self.first).as_millis() as f64 / interval.as_millis() as f64;
        span.min(self.samples as f64 / (interval.as_millis() as f64 / 60_000.0))
    }
}

/// One stage on the way from usage to request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stage {
    /// Adds this fraction of the amount; what is added is whole, the fraction dropped.
    Margin(f64),
    /// Not less than this amount.
    Min(i64),
    /// Widens by `(1 + multiplier / confidence)^exponent`: without any history to infinity for a
    /// positive exponent, which stops at [`MOST`](super::amount::MOST), to 0 for a negative one.
    Confidence {
        /// Weight of the lack of history, above 0.
        multiplier: f64,
        /// Positive for an upper bound, negative for a lower one.
        exponent: f64,
        /// See [`History::confidence`].
        confidence: f64,
    },
}

/// The amount at percentile `p` of the usage, in units of which `unit_scale` make one of the
/// histogram's: 1000 for cores as millicores, 1 for bytes.
#[must_use]
pub fn percentile(usage: &Histogram, p: f64, unit_scale: f64) -> i64 {
    amount(usage.percentile(p) * unit_scale)
}

/// The amount after all stages in their order.
///
/// ```
/// use forescale::size::estimate::{Stage, through};
///
/// // 33 * 0.15 = 4.95 counts as 4.
/// assert_eq!(through(33, &[Stage::Margin(0.15), Stage::Min(25)]), 37);
/// ```
#[must_use]
pub fn through(base: i64, stages: &[Stage]) -> i64 {
    stages.iter().fold(base, |before, stage| match *stage {
        Stage::Margin(fraction) => before.saturating_add(amount(before as f64 * fraction)),
        Stage::Min(least) => before.max(least),
        Stage::Confidence { multiplier, exponent, confidence } => {
            amount(before as f64 * widening(multiplier, exponent, confidence))
        }
    })
}

fn widening(multiplier: f64, exponent: f64, confidence: f64) -> f64 {
    let base = if confidence == 0.0 { f64::INFINITY } else { 1.0 + multiplier / confidence };
    libm::pow(base, exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_history_a_bound_is_unknown_not_a_number_by_chance() {
        let widened = |base, exponent| {
            let stage = Stage::Confidence { multiplier: 0.001, exponent, confidence: 0.0 };
            through(base, &[stage])
        };
        assert_eq!([widened(3140, 1.0), widened(3140, -2.0)], [super::super::amount::MOST, 0]);
        assert_eq!([widened(0, 1.0), widened(7, 0.0)], [0, 7]);
    }

    #[test]
    fn a_sample_out_of_order_widens_the_span_at_its_own_end() {
        let mut history = History::default();
        for second in [500, 900, 100] {
            history.note(Timestamp::from_secs(second));
        }
        let [first, last] = [100, 900].map(Timestamp::from_secs);
        assert_eq!(history, History { first, last, samples: 3 });
    }
}
