//! What a replica carries within a latency objective, learnt from its load and the latency.
//!
//! In: the load, a latency and the ready replicas at each observation. Out: the load of a replica at
//! which the latency comes to the objective, or how much is still to be seen. Knows no forecast.
//!
//! A replica is taken as a server that shares itself evenly among its requests (M/G/1-PS): at a load
//! `x` of the `capacity` a request that takes `service` alone takes
//!
//! ```text
//! latency = service / (1 - x / capacity)    so    1 / latency = fast - slope * x
//! ```
//!
//! with `fast = 1 / service` and `slope = 1 / (service * capacity)`, whatever the distribution of the
//! service times (Kleinrock 1976, Queueing Systems II, 4.4); for a single server in turn with
//! exponential times (M/M/1) each quantile of the latency has the same form, with another `service`.
//! The line through `1 / latency` is robust by its shape, as the worst latencies lie next to 0.
//!
//! A slope needs loads that differ, so it comes from a long memory: the median of the slopes between
//! any two blocks of samples not far apart (Theil 1950, Sen 1968). A replica that gets slower by a
//! factor has a longer `service` and a smaller `capacity`, and the same slope; so `fast` comes from
//! the last blocks alone, and follows at once.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::learned::default_settle;
use super::median::Median;
use super::steady::Steady;
use super::{Capacity, Seen, check, check_apart};
use crate::Error;
use crate::explain::{Reason, codes};
use crate::series::MetricKind;
use crate::time::Duration;

/// A replica's load at which the latency comes to the objective, less the headroom.
///
/// An observation counts where the replicas have been about the same for `settle`. [`BLOCK`
/// ](Self::BLOCK) of them are a block, whose medians are learnt from; [`KEPT`](Self::KEPT) blocks are
/// kept. A block whose latency is above [`SATURATED`](Self::SATURATED) times the objective is no
/// point of the line, as load waits or is turned away: its load is an upper bound only (censoring).
/// No load is told beyond [`BEYOND`](Self::BEYOND) times the highest that was seen, as the line is
/// not known there, and the load in force moves by at most [`STEP`](Self::STEP) a block.
///
/// Replicas that become twice as slow are followed after three blocks and the steps.
///
/// ```
/// use forescale::capacity::{Capacity, Seen, latency};
/// use forescale::Timestamp;
///
/// let settings = r#"{"metric": "rps", "latency": "p95_ms", "objective": 250, "headroom": 0}"#;
/// let mut capacity = latency::Latency::new(serde_json::from_str(settings)?)?;
/// for look in 0..600 {
///     let load = 40.0 + 40.0 * (look % 100) as f64 / 100.0;
///     let latency = 50.0 / (1.0 - load / 100.0);
///     let at = Timestamp::from_secs(15 * look);
///     capacity.observe(&Seen { at, ready: 4, load: Some(4.0 * load), other: Some(latency) });
/// }
/// // 50 / (1 - 80 / 100) = 250
/// assert!((capacity.load_per_replica().unwrap() - 80.0).abs() < 1.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved")]
pub struct Latency {
    settings: Config,
    steady: Steady,
    /// Of the block that is not full: loads of a replica, and latencies as parts of the objective.
    loads: Median,
    latencies: Median,
    /// Invariant: at most `KEPT` of them, the oldest first.
    blocks: VecDeque<Block>,
    n_samples: u64,
    /// How much `1 / latency` falls by unit of load; `None` while it is not known.
    slope: Option<f64>,
    /// The load of a replica in force.
    load: Option<f64>,
    /// Whether even without load the latency is above the objective.
    unreachable: Option<f64>,
    /// Between any two blocks that can be compared, rising; follows from them.
    #[serde(skip_serializing)]
    slopes: Vec<f64>,
}

/// Medians of samples that followed each other.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Block {
    /// Of a replica. Invariant: finite, above 0.
    load: f64,
    /// As part of the objective. Invariant: finite, above 0.
    latency: f64,
}

impl Block {
    fn is_saturated(&self) -> bool {
        self.latency > Latency::SATURATED
    }
}

impl Latency {
    /// So many samples are one block.
    pub const BLOCK: usize = 8;

    /// So many blocks are kept: an hour and a half of looks 15 seconds apart.
    pub const KEPT: usize = 48;

    /// Above so many times the objective a block is no point of the line.
    pub const SATURATED: f64 = 4.0;

    /// No load is told beyond so many times the highest one that was seen.
    pub const BEYOND: f64 = 1.5;

    /// By so large a ratio the load in force moves at most with each block.
    pub const STEP: f64 = 1.25;

    /// Blocks further apart are not compared: the replicas may have become others meanwhile.
    const APART: usize = 12;

    /// Loads that differ by less, as a share of the higher, tell no slope through the noise.
    const DIFFER: f64 = 0.1;

    /// So many slopes must be known.
    const NEEDED: usize = 16;

    /// `fast` is the median over so many of the last blocks.
    const RECENT: usize = 5;

    /// From its settings.
    ///
    /// # Errors
    /// If a setting is out of its range.
    pub fn new(settings: Config) -> Result<Self, Error> {
        settings.check()?;
        let load = settings.load_per_replica;
        Ok(Self {
            settings,
            steady: Steady::default(),
            loads: Median::new(Self::BLOCK),
            latencies: Median::new(Self::BLOCK),
            blocks: VecDeque::with_capacity(Self::KEPT),
            n_samples: 0,
            slope: None,
            load,
            unreachable: None,
            slopes: Vec::with_capacity(Self::KEPT * Self::APART),
        })
    }

    /// Learns from a block that has come together.
    fn learn(&mut self, block: Block) {
        if self.blocks.len() == Self::KEPT {
            self.blocks.pop_front();
        }
        self.blocks.push_back(block);
        self.find_slopes();
        if self.slopes.len() >= Self::NEEDED {
            let slope = self.slopes[self.slopes.len() / 2];
            // A latency that falls with the load tells nothing of a limit.
            self.slope = Some(slope).filter(|slope| *slope > 0.0).or(self.slope);
        }
        if block.is_saturated() {
            if let Some(load) = self.load.filter(|&load| load > block.load) {
                self.load = Some(block.load.max(load / Self::STEP));
            }
            return;
        }
        let Some(slope) = self.slope else { return };
        // In parts of the objective, whose own 1 / latency is 1.
        let Some(fast) = self.fast(slope) else { return };
        self.unreachable = (fast <= 1.0).then_some(self.settings.objective / fast);
        if self.unreachable.is_some() {
            return;
        }
        let highest = self.blocks.iter().map(|block| block.load).fold(0.0, f64::max);
        let load = ((fast - 1.0) / slope).min(highest * Self::BEYOND);
        self.load = Some(match self.load {
            Some(before) => load.clamp(before / Self::STEP, before * Self::STEP),
            None => load,
        })
        .filter(|load| (1e-12..1e300).contains(load))
        .or(self.load);
    }

    fn find_slopes(&mut self) {
        let Self { blocks, slopes, .. } = self;
        slopes.clear();
        for (age, one) in blocks.iter().enumerate() {
            for other in blocks.iter().skip(age + 1).take(Self::APART) {
                let apart = one.load - other.load;
                if one.is_saturated()
                    || other.is_saturated()
                    || apart.abs() < Self::DIFFER * one.load.max(other.load)
                {
                    continue;
                }
                let slope = (1.0 / other.latency - 1.0 / one.latency) / apart;
                if slope.is_finite() {
                    slopes.push(slope);
                }
            }
        }
        slopes.sort_unstable_by(f64::total_cmp);
    }

    /// `1 / latency` without load, of the last blocks.
    fn fast(&self, slope: f64) -> Option<f64> {
        let mut recent = [0.0; Self::RECENT];
        let mut n = 0;
        let blocks = self.blocks.iter().rev().filter(|block| !block.is_saturated());
        for (fast, block) in recent.iter_mut().zip(blocks) {
            *fast = 1.0 / block.latency + slope * block.load;
            n += 1;
        }
        let recent = &mut recent[..n];
        recent.sort_unstable_by(f64::total_cmp);
        recent.get(n / 2).copied()
    }
}

impl Capacity for Latency {
    fn metric(&self) -> &str {
        &self.settings.metric
    }

    fn also_reads(&self) -> Option<(&'static str, &str, MetricKind)> {
        Some(("latency", &self.settings.latency, MetricKind::Average))
    }

    fn observe(&mut self, seen: &Seen) {
        if !self.steady.see(seen.at, seen.ready, self.settings.settle) {
            return;
        }
        let Some((load, latency)) = seen.per_replica() else { return };
        let latency = latency / self.settings.objective;
        if !(1e-12..1e12).contains(&load) || !(1e-12..1e12).contains(&latency) {
            return;
        }
        self.loads.push(load);
        self.latencies.push(latency);
        self.n_samples = self.n_samples.saturating_add(1);
        if self.n_samples.is_multiple_of(Self::BLOCK as u64)
            && let (Some(load), Some(latency)) = (self.loads.median(), self.latencies.median())
        {
            self.learn(Block { load, latency });
        }
    }

    fn load_per_replica(&self) -> Result<f64, Reason> {
        if let Some(unloaded) = self.unreachable {
            let facts = [("latency", unloaded), ("objective", self.settings.objective)];
            return Err(Reason::new(codes::OBJECTIVE_UNREACHABLE, facts));
        }
        let load = self.load.ok_or_else(|| {
            let (n, needed) = (self.slopes.len() as f64, Self::NEEDED as f64);
            Reason::new(
                codes::LOADS_TOO_ALIKE,
                [
                    ("n_samples", self.n_samples as f64),
                    ("n_comparisons", n),
                    ("needed_comparisons", needed),
                ],
            )
        })?;
        Ok(load / (1.0 + self.settings.headroom))
    }

    fn n_samples(&self) -> Option<u64> {
        Some(self.n_samples)
    }
}

/// Settings of [`Latency`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The metric whose load this speaks of.
    pub metric: String,
    /// The metric of kind `average` that tells the latency: its mean or a quantile of it.
    pub latency: String,
    /// The latency that is to be kept, in the unit of that metric and above 0.
    pub objective: f64,
    /// The load one replica can carry within the objective, in the load's unit and above 0, until it
    /// is learnt. Default: none, and the capacity is unknown until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load_per_replica: Option<f64>,
    /// Spare load on top, as a ratio in [0, 10]. Default: 0.1, as latency grows fastest at the
    /// objective.
    #[serde(default = "default_headroom")]
    pub headroom: f64,
    /// So long after a change of the ready replicas nothing is learnt. Default: 1 minute, the age of
    /// most readings and a short warm-up.
    #[serde(default = "default_settle")]
    pub settle: Duration,
}

fn default_headroom() -> f64 {
    0.1
}

impl Config {
    fn check(&self) -> Result<(), Error> {
        let Self { objective, headroom, load_per_replica, .. } = *self;
        check_apart(&self.metric, "latency", &self.latency)?;
        if !(1e-9..1e12).contains(&objective) {
            return Err(Error::config("objective", format!("is {objective}, must be above 0")));
        }
        check(load_per_replica, headroom)
    }
}

/// As it comes from a snapshot, unchecked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    settings: Config,
    steady: Steady,
    loads: Median,
    latencies: Median,
    blocks: Vec<Block>,
    n_samples: u64,
    slope: Option<f64>,
    load: Option<f64>,
    unreachable: Option<f64>,
}

impl TryFrom<Saved> for Latency {
    type Error = String;

    fn try_from(saved: Saved) -> Result<Self, String> {
        let sound = |number: f64| number.is_finite() && number > 0.0;
        let known = [saved.slope, saved.load, saved.unreachable];
        let blocks = &saved.blocks;
        if saved.loads.capacity() != Self::BLOCK || saved.latencies.capacity() != Self::BLOCK {
            return Err("a block of a capacity has another length".to_owned());
        }
        if blocks.len() > Self::KEPT
            || !blocks.iter().all(|block| sound(block.load) && sound(block.latency))
        {
            return Err(format!("{} blocks are too many or of no load", blocks.len()));
        }
        if !known.into_iter().flatten().all(sound) {
            return Err("a capacity is not above 0".to_owned());
        }
        let mut latency = Self::new(saved.settings).map_err(|error| error.to_string())?;
        latency.blocks.extend(saved.blocks);
        latency.find_slopes();
        (latency.loads, latency.latencies, latency.steady) =
            (saved.loads, saved.latencies, saved.steady);
        (latency.slope, latency.load, latency.unreachable, latency.n_samples) =
            (saved.slope, saved.load, saved.unreachable, saved.n_samples);
        Ok(latency)
    }
}

#[cfg(test)]
mod tests;
