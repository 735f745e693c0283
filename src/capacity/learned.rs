//! What a replica carries, learnt from its load and its utilization.
//!
//! In: the load, the utilization and the ready replicas at each observation. Out: the load of a
//! replica at the target utilization, or how much is still to be seen. Knows no forecast.
//!
//! The utilization is taken as `idle + load / capacity` of a replica, so that each observation is a
//! sample of the capacity, `load / (utilization - idle)`; in force is their median over a window,
//! which half of the samples can be wrong without moving it beyond the others (Hampel 1971), and
//! which has moved to a new level after half of a window. Why is `idle` not learnt too? A workload
//! that is scaled well runs at one utilization, from which the two cannot be told apart; left at 0
//! it is an error only far from the target, to the side of too many replicas.

use serde::{Deserialize, Serialize};

use super::median::Median;
use super::steady::Steady;
use super::{Capacity, Seen, check, check_apart};
use crate::Error;
use crate::explain::{Reason, codes};
use crate::series::MetricKind;
use crate::time::Duration;

/// A replica's load at the target utilization, learnt, less the headroom.
///
/// An observation counts where the replicas have been about the same for `settle` (what has just
/// got ready is still warming up, and readings are means of the past), the utilization is at least
/// [`LEAST`](Self::LEAST) above idle, and it is below [`SATURATED`](Self::SATURATED). Above that the
/// load no longer tells what a replica could use: what comes is at least what it carries, so that
/// its load is an upper bound of the capacity (censoring): it counts where it lies below what is
/// believed, and else confirms that.
///
/// The capacity in force moves by at most [`STEP`](Self::STEP) a sample. After a release that halves
/// it, it has come down to within a tenth after half of a window and 16 samples more.
///
/// ```
/// use forescale::capacity::{Capacity, Seen, learned};
/// use forescale::Timestamp;
///
/// let settings = r#"{"metric": "rps", "utilization": "cpu", "target_utilization": 0.8}"#;
/// let mut capacity = learned::Learned::new(serde_json::from_str(settings)?)?;
/// assert_eq!(capacity.load_per_replica().unwrap_err().code(), "capacity_unknown");
/// for look in 0..60 {
///     let at = Timestamp::from_secs(15 * look);
///     capacity.observe(&Seen { at, ready: 4, load: Some(240.0), other: Some(0.6) });
/// }
/// // 240 / 4 at 0.6 are 100 at full use.
/// assert_eq!(capacity.load_per_replica().unwrap(), 80.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved")]
pub struct Learned {
    settings: Config,
    steady: Steady,
    /// The load of a replica at full use.
    samples: Median,
    n_samples: u64,
    /// The same, in force; `None` while it is not known.
    full: Option<f64>,
}

impl Learned {
    /// So far above idle a utilization must be to tell the capacity.
    pub const LEAST: f64 = 0.1;

    /// From this utilization on a workload is saturated.
    pub const SATURATED: f64 = 0.95;

    /// By so large a ratio the capacity in force moves at most with each sample.
    pub const STEP: f64 = 1.05;

    /// From its settings.
    ///
    /// # Errors
    /// If a setting is out of its range.
    pub fn new(settings: Config) -> Result<Self, Error> {
        settings.check()?;
        let (samples, full) = (Median::new(settings.window), settings.load_per_replica);
        Ok(Self { settings, steady: Steady::default(), samples, n_samples: 0, full })
    }

    /// So many samples it takes until only they count: a quarter of the window.
    fn n_needed(&self) -> u64 {
        (self.settings.window / 4).max(1) as u64
    }

    fn sample(&self, seen: &Seen) -> Option<f64> {
        let (load, utilization) = seen.per_replica()?;
        if utilization < Self::SATURATED {
            let used = utilization - self.settings.idle_utilization;
            return (used >= Self::LEAST).then(|| load / used);
        }
        Some(self.full?.min(load / (1.0 - self.settings.idle_utilization)))
    }
}

impl Capacity for Learned {
    fn metric(&self) -> &str {
        &self.settings.metric
    }

    fn also_reads(&self) -> Option<(&'static str, &str, MetricKind)> {
        Some(("utilization", &self.settings.utilization, MetricKind::Utilization))
    }

    fn observe(&mut self, seen: &Seen) {
        if !self.steady.see(seen.at, seen.ready, self.settings.settle) {
            return;
        }
        let Some(sample) = self.sample(seen).filter(|sample| (1e-12..1e300).contains(sample))
        else {
            return;
        };
        self.samples.push(sample);
        self.n_samples = self.n_samples.saturating_add(1);
        let Some(median) = self.samples.median() else { return };
        let (n, needed) = (self.n_samples as f64, self.n_needed() as f64);
        self.full = match (self.full, self.settings.load_per_replica) {
            (None, _) => (n >= needed).then_some(median),
            (Some(full), initial) => {
                let share = (n / needed).min(1.0);
                let initial = initial.unwrap_or(median);
                let wanted = initial + (median - initial) * share;
                Some(wanted.clamp(full / Self::STEP, full * Self::STEP))
            }
        };
    }

    fn load_per_replica(&self) -> Result<f64, Reason> {
        let Config { target_utilization, idle_utilization, headroom, .. } = self.settings;
        let full = self.full.ok_or_else(|| {
            let facts =
                [("n_samples", self.n_samples as f64), ("needed_samples", self.n_needed() as f64)];
            Reason::new(codes::CAPACITY_UNKNOWN, facts)
        })?;
        Ok(full * (target_utilization - idle_utilization) / (1.0 + headroom))
    }

    fn n_samples(&self) -> Option<u64> {
        Some(self.n_samples)
    }
}

/// Settings of [`Learned`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The metric whose load this speaks of.
    pub metric: String,
    /// The metric of kind `utilization` that the load causes.
    pub utilization: String,
    /// The load one replica can carry at most, in the load's unit and above 0, until it is learnt.
    /// Default: none, and the capacity is unknown until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load_per_replica: Option<f64>,
    /// The utilization that is planned with, above `idle_utilization` and at most 1. Default: 0.75,
    /// as queues grow fast above.
    #[serde(default = "default_target_utilization")]
    pub target_utilization: f64,
    /// The utilization of a replica without load, in [0, 0.5]. Default: 0.
    #[serde(default)]
    pub idle_utilization: f64,
    /// Spare load on top, as a ratio in [0, 10]. Default: 0, as the quantile of a forecast already
    /// leaves room.
    #[serde(default)]
    pub headroom: f64,
    /// So long after a change of the ready replicas nothing is learnt. Default: 1 minute, the age of
    /// most readings and a short warm-up.
    #[serde(default = "default_settle")]
    pub settle: Duration,
    /// The median goes over so many samples, from 5 to 10000; a quarter of them must be seen at
    /// first. Default: 60, a quarter of an hour of the Kubernetes HPA's looks.
    #[serde(default = "default_window")]
    pub window: usize,
}

fn default_target_utilization() -> f64 {
    0.75
}

pub(super) fn default_settle() -> Duration {
    Duration::from_secs(60)
}

fn default_window() -> usize {
    60
}

impl Config {
    fn check(&self) -> Result<(), Error> {
        let Self {
            target_utilization, idle_utilization, headroom, window, load_per_replica, ..
        } = *self;
        check_apart(&self.metric, "utilization", &self.utilization)?;
        if !(0.0..=0.5).contains(&idle_utilization) {
            let message = format!("is {idle_utilization}, must be in [0, 0.5]");
            return Err(Error::config("idle_utilization", message));
        }
        if !(target_utilization > idle_utilization && target_utilization <= 1.0) {
            let message =
                format!("is {target_utilization}, must be above `idle_utilization`, at most 1");
            return Err(Error::config("target_utilization", message));
        }
        if !(5..=Median::MOST).contains(&window) {
            let message = format!("is {window}, must be from 5 to {}", Median::MOST);
            return Err(Error::config("window", message));
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
    samples: Median,
    n_samples: u64,
    full: Option<f64>,
}

impl TryFrom<Saved> for Learned {
    type Error = String;

    fn try_from(saved: Saved) -> Result<Self, String> {
        let Saved { settings, steady, samples, n_samples, full } = saved;
        settings.check().map_err(|error| error.to_string())?;
        if samples.capacity() != settings.window || (samples.len() as u64) > n_samples {
            return Err(format!("a capacity has {} samples of {n_samples}", samples.len()));
        }
        if full.is_some_and(|full| !(full.is_finite() && full > 0.0)) {
            return Err("a capacity is not above 0".to_owned());
        }
        Ok(Self { settings, steady, samples, n_samples, full })
    }
}

#[cfg(test)]
mod tests;
