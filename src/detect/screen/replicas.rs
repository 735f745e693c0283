//! One replica whose reading is not of this world, beside its siblings.
//!
//! In: a reading per replica. Out: the same with what is far off brought to a plausible value. How far
//! replicas of this workload lie apart is learnt. For faults that last and are small, see `peers`.

use serde::{Deserialize, Serialize};

use super::slope::Record;
use super::{Config, Treatment};
use crate::series::{Phase, ReplicaReading};

/// With fewer replicas none can be said to differ.
const LEAST_REPLICAS: usize = 4;
/// Up to so many times the median, or one so many-th of it, no replica is odd.
const LEAST_FACTOR: f64 = 5.0;
/// What must be beyond the second largest factor of late.
const MARGIN: f64 = 1.5;
/// A replica that reads nothing counts as this share of the median for what is learnt.
const NOTHING: f64 = 0.01;

/// How far the replicas lie apart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Apart {
    n_seen: u32,
    above: Record,
    below: Record,
}

/// What was found among the replicas.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Odd {
    pub(super) n_odd: u32,
    /// The reading of the farthest one.
    pub(super) measured: f64,
    pub(super) median: f64,
}

impl Apart {
    pub(super) fn is_sound(&self) -> bool {
        self.above.is_sound() && self.below.is_sound()
    }

    /// Brings what is odd to a plausible value, in place, as the settings say.
    pub(super) fn screen(
        &mut self,
        replicas: &mut [ReplicaReading],
        sorted: &mut Vec<f64>,
        forget: f64,
        settings: &Config,
    ) -> Option<Odd> {
        sorted.clear();
        sorted.extend(replicas.iter().filter_map(ratio));
        if sorted.len() < LEAST_REPLICAS {
            return None;
        }
        sorted.sort_unstable_by(f64::total_cmp);
        let n = sorted.len();
        let median = 0.5 * (sorted[(n - 1) / 2] + sorted[n / 2]);
        if median <= 0.0 {
            return None;
        }
        let most = LEAST_FACTOR.max(MARGIN * self.above.usual());
        let least = LEAST_FACTOR.max(MARGIN * self.below.usual());
        let known = self.n_seen >= settings.samples;
        self.n_seen = self.n_seen.saturating_add(1);
        self.above.push(forget, 1.0, sorted[n - 1] / median);
        self.below.push(forget, 1.0, median / sorted[0].max(NOTHING * median));
        let (high, low) = (most * median, median / least);
        // Where many are off, they are another half of the workload and no fault.
        let is_odd = |value: f64| value > high || value < low;
        let n_odd = sorted.iter().filter(|&&value| is_odd(value)).count();
        if !known || n_odd == 0 || 4 * n_odd > n {
            return None;
        }
        let far = if sorted[n - 1] > high { sorted[n - 1] } else { sorted[0] };
        for replica in replicas.iter_mut() {
            let Some(value) = ratio(replica).filter(|&value| is_odd(value)) else { continue };
            let asked = replica.request.unwrap_or(1.0);
            replica.value = match settings.replica {
                Treatment::Pass => replica.value,
                Treatment::Hold => None,
                Treatment::Substitute => Some(median * asked),
                Treatment::Cap => Some(value.clamp(low, high) * asked),
            };
        }
        Some(Odd { n_odd: n_odd as u32, measured: far, median })
    }
}

/// A replica's reading as a share of its request, where it has one.
fn ratio(replica: &ReplicaReading) -> Option<f64> {
    let value = replica.value.filter(|_| replica.phase == Phase::Ready)?;
    match replica.request {
        Some(request) if request > 0.0 => Some(value / request).filter(|ratio| ratio.is_finite()),
        Some(_) => None,
        None => Some(value),
    }
}
