//! How many replicas are wanted: role [`Policy`], a file a law.
//!
//! In: a [`View`] of the workload now and of the load to come. Out: a [`Proposal`], or the reason
//! to have no opinion. Knows nothing of the other policies, of guards or of limits.

pub mod adjustment;
pub mod alarm;
pub mod backlog;
#[cfg(feature = "schedule")]
pub mod calendar;
pub mod concurrency;
pub mod fallback;
pub mod jobs;
pub mod predictive;
pub mod rule;
#[cfg(feature = "schedule")]
pub mod schedule;
pub mod simple;
pub mod step;
pub mod strategies;
pub mod target;
pub mod target_tracking;
mod warm_up;
pub mod watermark;

use std::sync::Arc;

use self::strategies::{fixed_value, pass_through, target_value, threshold};
use crate::Error;
use crate::capacity::Capacity;
use crate::catalog::{Saved, catalog};
use crate::demand::Demand;
use crate::explain::{Reason, codes};
use crate::forecast::{Outlook, OutlookConfig};
use crate::series::{MetricKind, Observation, Replicas, Usage, total_load};
use crate::time::{Duration, Timestamp};

/// Role: proposes replicas from what is seen and expected.
pub trait Policy: Saved + std::fmt::Debug + Send + Sync {
    /// The policy's opinion on this observation.
    ///
    /// # Errors
    /// The reason to have none now; the decision goes on without this policy.
    fn propose(&mut self, view: &View<'_>) -> Result<Proposal, Reason>;

    /// Whether [`learn`](Self::learn) does anything.
    fn learns(&self) -> bool {
        false
    }

    /// Learns from history that is fed before the first decision: a load that was, of the metric whose
    /// outlook it asks for.
    fn learn(&mut self, past: &Past<'_>) {
        let _ = past;
    }

    /// Hears what was decided in the end, also at observations it had no opinion on.
    fn decided(&mut self, at: Timestamp, current: u32, replicas: u32) {
        let _ = (at, current, replicas);
    }

    /// The name its user gave it, for its label in the steps; without one its kind and metric serve.
    fn name(&self) -> Option<&str> {
        None
    }

    /// The metric it reads, for its label and so that a name the configuration lacks is refused.
    fn metric(&self) -> Option<&str> {
        None
    }

    /// Another metric that it reads, which must be of kind `total`: the setting that names it, and
    /// the name.
    fn also_reads(&self) -> Option<(&'static str, &str)> {
        None
    }

    /// Whether it only ever narrows the limits, as a schedule does, and never wants a number.
    fn only_narrows(&self) -> bool {
        false
    }

    /// Whether it never asks for fewer than there are, as what it runs ends by itself.
    fn never_lowers(&self) -> bool {
        false
    }

    /// Refuses settings that do not fit the kind of its metric, which [`new`](PolicyConfig::build)
    /// cannot know. Called once when the autoscaler is built.
    ///
    /// # Errors
    /// If a setting does not fit the kind.
    fn check(&self, kind: MetricKind) -> Result<(), Error> {
        let _ = kind;
        Ok(())
    }

    /// Refuses settings that the limits of the autoscaler would take the effect of. Called once
    /// when the autoscaler is built.
    ///
    /// # Errors
    /// If a setting lies outside the limits.
    fn check_limits(&self, min_replicas: u32, max_replicas: u32) -> Result<(), Error> {
        let _ = (min_replicas, max_replicas);
        Ok(())
    }

    /// What it needs to be forecast of its metric, if anything.
    fn outlook(&self) -> Option<&OutlookConfig> {
        None
    }
}

catalog! {
    /// Settings of a built-in policy; `kind` names it.
    pub enum PolicyConfig => dyn Policy {
        "backlog" => backlog::Backlog,
        #[cfg(feature = "schedule")]
        "calendar" => calendar::Calendar,
        "concurrency" => concurrency::Concurrency,
        "fixed_value" => fixed_value::FixedValue,
        "jobs" => jobs::Jobs,
        "pass_through" => pass_through::PassThrough,
        "predictive" => predictive::Predictive,
        "rule" => rule::Rule,
        #[cfg(feature = "schedule")]
        "schedule" => schedule::Schedule,
        "simple" => simple::SimpleScaling,
        "step" => step::StepScaling,
        "target" => target::Target,
        "target_tracking" => target_tracking::TargetTracking,
        "target_value" => target_value::TargetValue,
        "threshold" => threshold::Threshold,
        "watermark" => watermark::Watermark,
    }
}

/// A policy's opinion.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Proposal {
    /// What is asked for.
    pub want: Want,
    /// The unrounded number of replicas behind it, where there is one.
    pub wish: Option<f64>,
    /// The load behind it, where there is one.
    pub demand: Option<Demand>,
    /// Why.
    pub reason: Reason,
}

impl Proposal {
    /// So many replicas, without a number behind them.
    fn replicas(replicas: u32, reason: Reason) -> Self {
        Self { want: Want::Replicas(replicas), wish: None, demand: None, reason }
    }
}

/// What a [`Proposal`] asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// So many replicas. The highest of these goes on to the guards.
    Replicas(u32),
    /// A narrower range of the limits for now; of several ranges the one of the highest rank holds,
    /// and of equal rank their widest demands: the highest minimum, the lowest maximum.
    Range {
        /// At least so many, if it says.
        min: Option<u32>,
        /// At most so many, if it says.
        max: Option<u32>,
        /// Overrules ranges of a lower rank.
        rank: i32,
    },
    /// The metric cannot be read: whoever else wants fewer replicas than now must wait.
    NotFewer,
}

/// What a policy sees.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The time of the observation.
    pub at: Timestamp,
    /// The replicas there are.
    pub replicas: Replicas,
    /// From a replica's request to its readiness.
    pub lead_time: Duration,
    /// The starts from which the lead time was learnt; `None` if it is known beforehand.
    pub(crate) n_starts: Option<u64>,
    pub(crate) observation: &'a Observation,
    pub(crate) metrics: &'a [Metric],
    pub(crate) outlooks: &'a [Outlook],
    pub(crate) capacity: Option<&'a dyn Capacity>,
}

/// A load that was, and what was expected then.
#[derive(Clone, Copy, Debug)]
pub struct Past<'a> {
    /// When it was.
    pub at: Timestamp,
    /// The total load, in the load's unit.
    pub load: f64,
    /// The outlook as it was after that load.
    pub outlook: &'a Outlook,
    /// From a replica's request to its readiness.
    pub lead_time: Duration,
    /// The load at which one replica is full, where it is known.
    pub full_load: Option<f64>,
}

/// A metric as configured.
#[derive(Clone, Debug)]
pub(crate) struct Metric {
    pub(crate) name: Arc<str>,
    pub(crate) kind: MetricKind,
}

impl<'a> View<'a> {
    /// A metric's reading, checked, and the metric's kind.
    ///
    /// # Errors
    /// [`METRIC_MISSING`](codes::METRIC_MISSING) or [`METRIC_INVALID`](codes::METRIC_INVALID).
    pub fn usage(&self, metric: &str) -> Result<(Usage<'a>, MetricKind), Reason> {
        let missing = || Reason::new(codes::METRIC_MISSING, []);
        let kind =
            self.metrics.iter().find(|known| &*known.name == metric).ok_or_else(missing)?.kind;
        let reading = self.observation.metrics.get(metric).ok_or_else(missing)?;
        Ok((reading.usage(kind)?, kind))
    }

    /// A metric as one number, as its kind means it: the load of the whole workload for a total,
    /// the mean over the ready replicas for an average or a utilization.
    ///
    /// # Errors
    /// As [`usage`](Self::usage), and [`NO_READY_REPLICAS`](codes::NO_READY_REPLICAS) where a mean
    /// has nothing to stand on.
    pub fn value(&self, metric: &str) -> Result<f64, Reason> {
        match self.usage(metric)? {
            (Usage::Average(mean), MetricKind::Average | MetricKind::Utilization) => Ok(mean),
            (usage, MetricKind::Total) => total_load(usage, MetricKind::Total, self.replicas.ready),
            (_, _) if self.replicas.ready == 0 => Err(Reason::new(codes::NO_READY_REPLICAS, [])),
            (usage, kind) => {
                let load = total_load(usage, kind, self.replicas.ready)?;
                Ok(load / f64::from(self.replicas.ready))
            }
        }
    }

    /// What is expected of a metric; `None` if nothing forecasts it.
    #[must_use]
    pub fn outlook(&self, metric: &str) -> Option<&'a Outlook> {
        self.outlooks.iter().find(|outlook| outlook.metric() == metric)
    }

    /// What a replica carries, if the configuration says.
    #[must_use]
    pub fn capacity(&self) -> Option<&'a dyn Capacity> {
        self.capacity
    }
}

#[cfg(test)]
impl<'a> View<'a> {
    /// What the tests of one policy show it: an observation and its metrics, no forecast, no
    /// capacity, and replicas that are ready at once.
    fn alone(observation: &'a Observation, metrics: &'a [Metric]) -> Self {
        Self {
            at: observation.at,
            replicas: observation.replicas,
            lead_time: Duration::ZERO,
            n_starts: None,
            observation,
            metrics,
            outlooks: &[],
            capacity: None,
        }
    }
}

/// Refuses a metric that is not a queue of the workload as a whole.
fn check_queue(kind: MetricKind, metric: &str) -> Result<(), Error> {
    if kind == MetricKind::Total {
        return Ok(());
    }
    let message = format!(
        "is \"{metric}\", must be of kind `total`, as a queue is the workload's as a whole"
    );
    Err(Error::config("metric", message))
}

/// Refuses a utilization that was meant as a percentage: 70 for 0.7.
fn check_utilization(kind: MetricKind, field: &str, number: f64) -> Result<(), Error> {
    const MOST: f64 = 10.0;
    if kind == MetricKind::Utilization && number > MOST {
        let message = format!("is {number}, must be at most {MOST}: 0.7 stands for 70 %");
        return Err(Error::config(field, message));
    }
    Ok(())
}
