//! Load to replicas and back: role [`Capacity`], a file a model; and how long a replica takes to
//! start, [`LeadTime`].
//!
//! In: the load to be carried, and what is seen of the replicas that carry it now. Out: the replicas
//! that carry it, as a number with a fraction, and the lead time. Knows nothing of where the load
//! comes from or who may change the replicas.

pub mod fixed;
pub mod latency;
pub mod lead_time;
pub mod learned;
mod median;
mod steady;

use crate::Error;
use crate::catalog::{Saved, catalog};
use crate::explain::Reason;
use crate::series::MetricKind;
use crate::time::Timestamp;
pub use lead_time::{LeadTime, LeadTimeConfig};

/// Role: what a replica carries.
pub trait Capacity: Saved + std::fmt::Debug + Send + Sync {
    /// The metric whose load it speaks of.
    fn metric(&self) -> &str;

    /// Another metric that it learns from: the setting that names it, the name, and the kind that
    /// the metric must be of.
    fn also_reads(&self) -> Option<(&'static str, &str, MetricKind)> {
        None
    }

    /// Takes in what is seen of the workload, at each observation; called where it
    /// [`also_reads`](Self::also_reads) a metric.
    fn observe(&mut self, seen: &Seen) {
        let _ = seen;
    }

    /// The load that one replica carries as planned, in the load's unit; above 0.
    ///
    /// # Errors
    /// The reason why it is not known now.
    fn load_per_replica(&self) -> Result<f64, Reason>;

    /// The load at which one replica is full, in the load's unit; above 0. Who keeps a reserve of
    /// their own plan with it. By default what is planned with otherwise.
    ///
    /// # Errors
    /// As [`load_per_replica`](Self::load_per_replica).
    fn full_load(&self) -> Result<f64, Reason> {
        self.load_per_replica()
    }

    /// The replicas that carry `load`, before rounding up.
    ///
    /// # Errors
    /// As [`load_per_replica`](Self::load_per_replica).
    fn replicas(&self, load: f64) -> Result<f64, Reason> {
        Ok(load / self.load_per_replica()?)
    }

    /// The samples it was learnt from so far; `None` if it is known beforehand.
    fn n_samples(&self) -> Option<u64> {
        None
    }
}

catalog! {
    /// Settings of a built-in capacity; `kind` names it.
    pub enum CapacityConfig => dyn Capacity {
        "fixed" => fixed::Fixed,
        "latency" => latency::Latency,
        "learned" => learned::Learned,
    }
}

/// Checks settings that several capacities have.
///
/// # Errors
/// If the load of a replica is not above 0, or the headroom not in [0, 10].
fn check(load_per_replica: Option<f64>, headroom: f64) -> Result<(), Error> {
    if let Some(load) = load_per_replica.filter(|load| !(load.is_finite() && *load > 0.0)) {
        return Err(Error::config("load_per_replica", format!("is {load}, must be above 0")));
    }
    if !(0.0..=10.0).contains(&headroom) {
        return Err(Error::config("headroom", format!("is {headroom}, must be in [0, 10]")));
    }
    Ok(())
}

/// Checks that what is learnt from is `other` than the metric whose load is carried.
///
/// # Errors
/// If it is the same; `setting` names it.
fn check_apart(metric: &str, setting: &str, other: &str) -> Result<(), Error> {
    if metric == other {
        let message = format!("is \"{other}\", must be another metric than `metric`");
        return Err(Error::config(setting, message));
    }
    Ok(())
}

/// What a [`Capacity`] sees of the workload at one observation.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Seen {
    /// When.
    pub at: Timestamp,
    /// Replicas that serve.
    pub ready: u32,
    /// The load of the whole workload, in its unit; `None` if it cannot be read.
    pub load: Option<f64>,
    /// The mean over the ready replicas of the other metric that is read; `None` if it cannot be.
    pub other: Option<f64>,
}

impl Seen {
    /// The load of a replica and the other metric, if both are above 0 and finite.
    fn per_replica(&self) -> Option<(f64, f64)> {
        let sound = |number: &f64| number.is_finite() && *number > 0.0;
        let load = self.load? / f64::from(self.ready);
        Some((Some(load).filter(sound)?, self.other.filter(sound)?))
    }
}
