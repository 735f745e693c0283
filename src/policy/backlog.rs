//! As many replicas as work off a queue in time: what arrives, and what waits.
//!
//! In: the length of a queue and, if measured, its arrivals. Out: the replicas that keep up with the
//! arrivals and drain the queue in the time allowed, or, where one of the two cannot be read, that
//! nothing be taken away. Remembers nothing, and estimates no arrivals that are not measured.

use serde::{Deserialize, Serialize};

use super::{Policy, Proposal, View, Want, check_queue};
use crate::Error;
use crate::explain::{Reason, codes};
use crate::series::MetricKind;
use crate::time::Duration;

/// Proposes the replicas that drain a queue in time.
///
/// Without arrivals it is the backlog per instance that AWS recommends for queues: their
/// acceptable backlog of an instance is `drain` times `rate_per_replica`. It differs in two points:
/// AWS tracks that target with alarms on both sides of it, this goes to the size at once; and with
/// arrivals the queue comes on top of a size that keeps up with them, where AWS lets it grow until
/// it asks for that size.
///
/// ```
/// use forescale::{Autoscaler, Observation, Timestamp};
///
/// let mut scaler = Autoscaler::from_text(
///     r#"{"max_replicas": 50, "guards": [],
///         "metrics": {"queue": {"kind": "total"}, "arrivals": {"kind": "total"}},
///         "policies": [{"kind": "backlog", "metric": "queue", "arrivals": "arrivals",
///                       "drain": "5m", "rate_per_replica": 12}]}"#,
/// )?;
/// let seen = Observation::at(Timestamp::from_secs(0)).ready(4);
/// let seen = seen.metric("queue", 9000.0).metric("arrivals", 40.0);
/// assert_eq!(scaler.decide(&seen).replicas, 6); // ceil((40 + 9000 / 300) / 12)
/// # Ok::<(), forescale::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Config", into = "Config")]
pub struct Backlog {
    settings: Config,
}

impl Backlog {
    /// From its settings.
    ///
    /// # Errors
    /// If a setting is out of its range.
    pub fn new(settings: Config) -> Result<Self, Error> {
        if settings.drain.is_zero() {
            return Err(Error::config("drain", "is 0s, must be above 0"));
        }
        let rate = settings.rate_per_replica;
        if !(rate.is_finite() && rate > 0.0) {
            return Err(Error::config("rate_per_replica", format!("is {rate}, must be above 0")));
        }
        Ok(Self { settings })
    }

    fn size(&self, view: &View<'_>) -> Result<(f64, Reason), Reason> {
        let Config { metric, arrivals, drain, rate_per_replica } = &self.settings;
        let queue = view.value(metric)?;
        let (drain_fact, rate_fact) =
            (("drain_seconds", drain.as_secs_f64()), ("rate_per_replica", *rate_per_replica));
        let (arrivals, reason) = match arrivals {
            Some(arrivals) => {
                let arrivals = view.value(arrivals)?;
                let facts = [("queue", queue), ("arrivals", arrivals), drain_fact, rate_fact];
                (arrivals, Reason::new(codes::BACKLOG_AND_ARRIVALS, facts))
            }
            None => (0.0, Reason::new(codes::BACKLOG, [("queue", queue), drain_fact, rate_fact])),
        };
        Ok((replicas(queue, arrivals, *drain, *rate_per_replica), reason))
    }
}

/// The replicas, not rounded, that carry `arrivals` items a second and in the time of `drain` also
/// the `queue`, at a rate of so many items a second and replica.
///
/// ```
/// use forescale::Duration;
/// use forescale::policy::backlog::replicas;
///
/// assert_eq!(replicas(9000.0, 30.0, Duration::from_secs(300), 12.0), 5.0);
/// ```
#[must_use]
pub fn replicas(queue: f64, arrivals: f64, drain: Duration, rate_per_replica: f64) -> f64 {
    (arrivals + queue / drain.as_secs_f64()) / rate_per_replica
}

impl Policy for Backlog {
    fn propose(&mut self, view: &View<'_>) -> Result<Proposal, Reason> {
        let (want, wish, reason) = match self.size(view) {
            Ok((wish, reason)) => (Want::Replicas(wish.ceil() as u32), Some(wish), reason),
            Err(reason) => (Want::NotFewer, None, reason),
        };
        Ok(Proposal { want, wish, demand: None, reason })
    }

    fn metric(&self) -> Option<&str> {
        Some(&self.settings.metric)
    }

    fn also_reads(&self) -> Option<(&'static str, &str)> {
        self.settings.arrivals.as_deref().map(|metric| ("arrivals", metric))
    }

    fn check(&self, kind: MetricKind) -> Result<(), Error> {
        check_queue(kind, &self.settings.metric)
    }
}

impl TryFrom<Config> for Backlog {
    type Error = Error;

    fn try_from(settings: Config) -> Result<Self, Error> {
        Self::new(settings)
    }
}

impl From<Backlog> for Config {
    fn from(backlog: Backlog) -> Self {
        backlog.settings
    }
}

/// Settings of [`Backlog`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The length of the queue in items, a metric of kind `total`.
    pub metric: String,
    /// The arrivals in items a second, a metric of kind `total`. Default: none, and only what waits
    /// is counted, so that the queue must grow before it asks for replicas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrivals: Option<String>,
    /// In so much time the queue is to be worked off, above 0. Default: 5 minutes, so that a peak
    /// costs no more than a scale-down window of the Kubernetes HPA would.
    #[serde(default = "five_minutes")]
    pub drain: Duration,
    /// What a replica works off, in items a second, above 0.
    pub rate_per_replica: f64,
}

fn five_minutes() -> Duration {
    Duration::from_secs(300)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Metric;
    use crate::series::Observation;
    use crate::time::Timestamp;

    fn policy(more: &str) -> Result<Backlog, Error> {
        let text = format!(r#"{{"metric": "queue", "rate_per_replica": 10{more}}}"#);
        Backlog::new(serde_json::from_str(&text).expect("these are settings"))
    }

    fn ask(policy: &mut Backlog, seen: &Observation) -> Proposal {
        let total = |name: &str| Metric { name: name.into(), kind: MetricKind::Total };
        let metrics = [total("queue"), total("arrivals")];
        let view = View::alone(seen, &metrics);
        policy.propose(&view).expect("it always has an opinion")
    }

    #[test]
    fn arrivals_and_queue_are_carried_together() {
        let mut policy = policy(r#", "arrivals": "arrivals", "drain": "100s""#).expect("in range");
        for (queue, arrivals, want) in [
            (0.0, 0.0, 0),
            (0.0, 40.0, 4),
            (1.0, 40.0, 5),
            (1000.0, 40.0, 5),
            (1001.0, 40.0, 6),
            (1e300, 1e300, u32::MAX),
        ] {
            let seen = Observation::at(Timestamp::from_secs(0)).ready(3);
            let seen = seen.metric("queue", queue).metric("arrivals", arrivals);
            assert_eq!(ask(&mut policy, &seen).want, Want::Replicas(want), "{queue}, {arrivals}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_not_taken_for_nothing() {
        let mut policy = policy(r#", "arrivals": "arrivals""#).expect("in range");
        let seen = Observation::at(Timestamp::from_secs(0)).ready(3);
        for (queue, arrivals, code) in [
            (None, Some(1.0), "metric_missing"),
            (Some(1.0), None, "metric_missing"),
            (Some(f64::NAN), Some(1.0), "metric_invalid"),
            (Some(1.0), Some(-1.0), "metric_invalid"),
        ] {
            let seen = seen.clone().metric("queue", queue).metric("arrivals", arrivals);
            let proposal = ask(&mut policy, &seen);
            assert_eq!((proposal.want, proposal.reason.code()), (Want::NotFewer, code));
        }
    }

    #[test]
    fn without_arrivals_only_what_waits_counts() {
        let seen = Observation::at(Timestamp::from_secs(0)).ready(3).metric("queue", 3001.0);
        let proposal = ask(&mut policy("").expect("in range"), &seen);
        assert_eq!(proposal.reason.fact("arrivals"), None);
        assert_eq!(proposal.want, Want::Replicas(2)); // 3000 is the acceptable backlog of one
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        assert!(policy(r#", "drain": 0"#).is_err());
        let settings = r#"{"metric": "queue", "rate_per_replica": 0}"#;
        let settings = serde_json::from_str(settings).expect("these are settings");
        let error = Backlog::new(settings).expect_err("nothing is worked off");
        assert_eq!(error.to_string(), "`rate_per_replica` is 0, must be above 0");
    }
}
