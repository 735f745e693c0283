//! Jobs that work a queue off and end by themselves: the `ScaledJob` of KEDA 2.21.
//!
//! In: the length of a queue, and the jobs that run or are about to. Out: those and the jobs to
//! start; never fewer than there are, and nothing where the queue cannot be read. Remembers
//! nothing. [`scaling`] has the arithmetic.
//!
//! A replica here is a job: a ready one has begun, a pending one has not. What was requested beyond
//! the two counts as pending. The policy differs from KEDA in five points: it reads one queue (of
//! several policies the highest proposal goes on, as with KEDA's `max`), which is active above 0;
//! a queue that cannot be read also keeps other policies from taking jobs away; the settings of the
//! custom strategy are refused where they have no effect, and it is refused without a share, where
//! KEDA silently takes the default one; a maximum that is not given is cut by the autoscaler's
//! limits, which a policy does not see; and what the guards hold back is not started at once. Scale
//! to zero does not ask it: where `zero` is set too, its grace must outlast the longest job.

pub mod scaling;

use serde::{Deserialize, Serialize};

use self::scaling::{Calculation, Jobs as Counts, Limits, Queue, job_decision, job_demand};
use super::{Policy, Proposal, View, Want, check_queue};
use crate::Error;
use crate::explain::{Reason, codes};
use crate::series::{MetricKind, Replicas};

/// Proposes the jobs that there are and those to start, as KEDA's `ScaledJob` does.
///
/// ```
/// use forescale::{Autoscaler, Observation, Timestamp};
///
/// let mut scaler = Autoscaler::from_text(
///     r#"{"min_replicas": 0, "max_replicas": 50, "guards": [],
///         "metrics": {"queue": {"kind": "total"}},
///         "policies": [{"kind": "jobs", "metric": "queue", "target": 5}]}"#,
/// )?;
/// let mut jobs = |second, ready, queue: f64| {
///     let seen = Observation::at(Timestamp::from_secs(second));
///     scaler.decide(&seen.ready(ready).metric("queue", queue)).replicas
/// };
/// assert_eq!(jobs(0, 0, 42.0), 9); // ceil(42 / 5)
/// assert_eq!(jobs(30, 9, 20.0), 9); // 4 would be enough, but jobs end by themselves
/// # Ok::<(), forescale::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Config", into = "Config")]
pub struct Jobs {
    settings: Config,
    strategy: scaling::Strategy,
    limits: Limits,
}

impl Jobs {
    /// The most jobs where the settings do not say, as KEDA.
    pub const MOST: u32 = 100;

    /// From its settings.
    ///
    /// # Errors
    /// If a setting is out of its range, has no effect, or is missing for the strategy.
    pub fn new(settings: Config) -> Result<Self, Error> {
        let strategy = settings.strategy()?;
        let Config { target, min_jobs, max_jobs, .. } = settings;
        if !(target.is_finite() && target > 0.0) {
            return Err(Error::config("target", format!("is {target}, must be above 0")));
        }
        let most = max_jobs.unwrap_or(Self::MOST);
        if most == 0 {
            return Err(Error::config("max_jobs", "is 0, must be at least 1"));
        }
        if min_jobs > most {
            let message = format!("is {min_jobs}, must not be above `max_jobs`, which is {most}");
            return Err(Error::config("min_jobs", message));
        }
        Ok(Self { settings, strategy, limits: Limits::new(min_jobs, most) })
    }

    /// How many jobs there are to be.
    fn size(&self, length: f64, jobs: Counts) -> u32 {
        let queue = Queue { length, target: self.settings.target, active: length > 0.0 };
        let demand = job_demand(&[queue], Calculation::Max, self.limits);
        let start =
            job_decision(self.strategy, demand.max_scale, jobs, self.limits, demand.queue_length);
        let start = if demand.active { start.jobs() } else { 0 };
        (jobs.running as u32).saturating_add(start)
    }
}

/// The jobs there are, as KEDA counts them: those that have not begun are running too.
fn count(replicas: Replicas) -> Counts {
    let running = replicas.existing().max(replicas.current());
    Counts { running: running.into(), pending: running.saturating_sub(replicas.ready).into() }
}

impl Policy for Jobs {
    fn propose(&mut self, view: &View<'_>) -> Result<Proposal, Reason> {
        let jobs = count(view.replicas);
        let answer = |want, wish, reason| Ok(Proposal { want, wish, demand: None, reason });
        if jobs.running < self.limits.min() {
            let min = self.settings.min_jobs;
            let reason = Reason::new(codes::TOO_FEW_JOBS, [("min_jobs", f64::from(min))]);
            return answer(Want::Replicas(min), Some(f64::from(min)), reason);
        }
        let length = match view.value(&self.settings.metric) {
            Ok(length) => length,
            Err(reason) => return answer(Want::NotFewer, None, reason),
        };
        let size = self.size(length, jobs);
        let starts = f64::from(size) - jobs.running as f64;
        let code = if starts > 0.0 { codes::JOBS_TO_START } else { codes::ENOUGH_JOBS };
        let facts = [
            ("n_starts", starts),
            ("queue", length),
            ("target", self.settings.target),
            ("n_jobs", jobs.running as f64),
            ("n_pending", jobs.pending as f64),
        ];
        answer(Want::Replicas(size), Some(f64::from(size)), Reason::new(code, facts))
    }

    fn metric(&self) -> Option<&str> {
        Some(&self.settings.metric)
    }

    fn never_lowers(&self) -> bool {
        true
    }

    fn check(&self, kind: MetricKind) -> Result<(), Error> {
        check_queue(kind, &self.settings.metric)
    }

    fn check_limits(&self, _: u32, max_replicas: u32) -> Result<(), Error> {
        let Config { min_jobs, max_jobs, .. } = self.settings;
        for (setting, jobs) in [("max_jobs", max_jobs.unwrap_or(0)), ("min_jobs", min_jobs)] {
            if jobs > max_replicas {
                let message = format!(
                    "is {jobs}, must not be above the autoscaler's `max_replicas`, which is \
                     {max_replicas}"
                );
                return Err(Error::config(setting, message));
            }
        }
        Ok(())
    }
}

impl TryFrom<Config> for Jobs {
    type Error = Error;

    fn try_from(settings: Config) -> Result<Self, Error> {
        Self::new(settings)
    }
}

impl From<Jobs> for Config {
    fn from(jobs: Jobs) -> Self {
        jobs.settings
    }
}

/// Settings of [`Jobs`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The length of the queue, a metric of kind `total`.
    pub metric: String,
    /// Items of the queue a job, above 0.
    pub target: f64,
    /// How the demand and the jobs there are become jobs to start. Default: `default`, as KEDA.
    #[serde(default)]
    pub strategy: Strategy,
    /// With `custom`: jobs that the demand is lessened by. Default: 0. KEDA:
    /// `customScalingQueueLengthDeduction`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue_length_deduction: Option<u32>,
    /// With `custom`, and must be given there: the share of the running jobs that the demand is
    /// lessened by, a ratio from 0 up. KEDA: `customScalingRunningJobPercentage`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub running_job_percentage: Option<f64>,
    /// Jobs that run whatever the queue holds; not above `max_jobs`. Default: 0. KEDA:
    /// `minReplicaCount`.
    #[serde(default)]
    pub min_jobs: u32,
    /// The most jobs that the strategy counts with, at least 1 and not above the autoscaler's
    /// `max_replicas`. Default: 100, as KEDA's `maxReplicaCount`, or what the limits leave of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_jobs: Option<u32>,
}

/// How the demand, a share of the queue, and the jobs there are become jobs to start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// The demand less the jobs there are: for queues that still count the items in work.
    #[default]
    Default,
    /// The demand less a number and less a share of the jobs there are.
    Custom,
    /// The demand less the jobs that have not begun: for queues that no longer count the items in
    /// work.
    Accurate,
    /// Fills all places that are free.
    Eager,
}

impl Config {
    fn strategy(&self) -> Result<scaling::Strategy, Error> {
        let Self { queue_length_deduction, running_job_percentage, .. } = *self;
        if self.strategy == Strategy::Custom {
            let running_share = running_job_percentage.ok_or_else(|| {
                let message = "is missing, must be given where `strategy` is `custom`";
                Error::config("running_job_percentage", message)
            })?;
            if !(running_share.is_finite() && running_share >= 0.0) {
                let message = format!("is {running_share}, must be a number from 0 up");
                return Err(Error::config("running_job_percentage", message));
            }
            let deduction = queue_length_deduction.unwrap_or(0).into();
            return Ok(scaling::Strategy::Custom { deduction, running_share });
        }
        let given = [
            ("queue_length_deduction", queue_length_deduction.map(f64::from)),
            ("running_job_percentage", running_job_percentage),
        ];
        for (setting, number) in given {
            if let Some(number) = number {
                let message =
                    format!("is {number}, must not be given unless `strategy` is `custom`");
                return Err(Error::config(setting, message));
            }
        }
        Ok(match self.strategy {
            Strategy::Accurate => scaling::Strategy::Accurate,
            Strategy::Eager => scaling::Strategy::Eager,
            Strategy::Default | Strategy::Custom => scaling::Strategy::Default,
        })
    }
}

#[cfg(test)]
mod tests;
