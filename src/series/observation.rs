//! What the host saw of its workload at one moment.
//!
//! In: numbers from any metric source. Out: readings that a policy may rely on, and the load of the
//! whole workload. A reading that is not a finite number from 0 up never gets further than here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::explain::{Reason, codes};
use crate::time::Timestamp;

/// One look at a workload: when, how many replicas, and the readings of its metrics by name.
///
/// ```
/// use forescale::{Observation, Timestamp};
///
/// let seen = Observation::at(Timestamp::from_secs(60))
///     .ready(7)
///     .metric("rps", 1240.0)
///     .metric("cpu", vec![Some(0.71), Some(0.64), None]);
/// assert_eq!(seen.replicas.current(), 7);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Observation {
    /// When; milliseconds since the epoch.
    pub at: Timestamp,
    /// How many replicas there are.
    pub replicas: Replicas,
    /// The readings by the metric's name in the configuration; a metric may be absent.
    #[serde(default)]
    pub metrics: BTreeMap<String, Reading>,
}

impl Observation {
    /// An observation without replicas or readings yet.
    #[must_use]
    pub fn at(at: Timestamp) -> Self {
        Self { at, ..Self::default() }
    }

    /// Sets the number of ready replicas.
    #[must_use]
    pub fn ready(mut self, ready: u32) -> Self {
        self.replicas.ready = ready;
        self
    }

    /// Sets the number of replicas that are requested but not ready yet.
    #[must_use]
    pub fn pending(mut self, pending: u32) -> Self {
        self.replicas.pending = pending;
        self
    }

    /// Sets the size asked for, where it differs from ready and pending together.
    #[must_use]
    pub fn requested(mut self, requested: u32) -> Self {
        self.replicas.requested = Some(requested);
        self
    }

    /// Sets the reading of a metric.
    #[must_use]
    pub fn metric(mut self, name: impl Into<String>, reading: impl Into<Reading>) -> Self {
        self.metrics.insert(name.into(), reading.into());
        self
    }
}

/// How many replicas a workload has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replicas {
    /// Replicas that serve.
    pub ready: u32,
    /// Replicas that are starting.
    #[serde(default)]
    pub pending: u32,
    /// The size the workload is asked to have (Kubernetes: `spec.replicas`), where it differs from
    /// `ready + pending` (Kubernetes: `status.replicas`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested: Option<u32>,
}

impl Replicas {
    /// The size the workload is asked to have: what a decision moves.
    #[must_use]
    pub fn current(&self) -> u32 {
        self.requested.unwrap_or_else(|| self.existing())
    }

    /// Replicas that exist, ready or starting.
    #[must_use]
    pub fn existing(&self) -> u32 {
        self.ready.saturating_add(self.pending)
    }
}

/// A metric's reading at one moment. In text: a number, a list, `null`, or `{"total": 1240}`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Reading {
    /// No reading now.
    #[default]
    Missing,
    /// A bare number; the metric's [`MetricKind`] says what it means.
    Number(f64),
    /// One reading a replica.
    PerReplica(Vec<ReplicaReading>),
    /// The load of the whole workload, whatever the kind.
    Total {
        /// In the host's load unit.
        total: f64,
    },
    /// The mean over the ready replicas, whatever the kind.
    Average {
        /// In the host's load unit, or as a ratio for a utilization.
        average: f64,
    },
}

impl From<f64> for Reading {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<Option<f64>> for Reading {
    fn from(number: Option<f64>) -> Self {
        number.map_or(Self::Missing, Self::Number)
    }
}

impl From<Vec<ReplicaReading>> for Reading {
    fn from(replicas: Vec<ReplicaReading>) -> Self {
        Self::PerReplica(replicas)
    }
}

impl From<Vec<Option<f64>>> for Reading {
    fn from(values: Vec<Option<f64>>) -> Self {
        Self::PerReplica(values.into_iter().map(ReplicaReading::from).collect())
    }
}

/// One replica's reading. In text: a number, `null`, or
/// `{"value": 0.3, "request": 0.5, "phase": "unready"}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "ReplicaText")]
pub struct ReplicaReading {
    /// The usage; `None` if the replica reported nothing.
    pub value: Option<f64>,
    /// What the replica asked for of the same resource (Kubernetes: `resources.requests`), in the
    /// unit of `value`. Without it a utilization's `value` is itself the ratio.
    pub request: Option<f64>,
    /// How the replica counts.
    pub phase: Phase,
}

impl From<Option<f64>> for ReplicaReading {
    fn from(value: Option<f64>) -> Self {
        Self { value, ..Self::default() }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum ReplicaText {
    Missing,
    Value(f64),
    Whole(ReplicaFields),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReplicaFields {
    value: Option<f64>,
    request: Option<f64>,
    #[serde(default)]
    phase: Phase,
}

impl From<ReplicaText> for ReplicaReading {
    fn from(text: ReplicaText) -> Self {
        match text {
            ReplicaText::Missing => Self::default(),
            ReplicaText::Value(value) => Some(value).into(),
            ReplicaText::Whole(ReplicaFields { value, request, phase }) => {
                Self { value, request, phase }
            }
        }
    }
}

/// How a replica counts in the arithmetic of the Kubernetes HPA.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Takes part; without a value it is missing.
    #[default]
    Ready,
    /// Starting or not ready: its reading is dropped at first.
    Unready,
    /// Ending or failed: dropped for good.
    Ignored,
    /// Known to the metric source only, not among the workload's replicas.
    Unlisted,
}

/// What a bare number of a metric means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum MetricKind {
    /// The load of the whole workload: requests a second, messages in a queue.
    #[default]
    Total,
    /// The mean load of a ready replica.
    Average,
    /// The share of its resources that a ready replica uses, 0 to 1 (more when it bursts).
    Utilization,
}

/// A reading that has passed the border: every number in it is finite and not negative.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Usage<'a> {
    /// The load of the whole workload.
    Total(f64),
    /// The mean over the ready replicas.
    Average(f64),
    /// One reading a replica.
    PerReplica(&'a [ReplicaReading]),
}

impl Reading {
    /// The reading as its metric's kind means it, checked.
    ///
    /// # Errors
    /// [`METRIC_MISSING`](codes::METRIC_MISSING) if there is none, and
    /// [`METRIC_INVALID`](codes::METRIC_INVALID) if a number in it is NaN, infinite or negative.
    pub fn usage(&self, kind: MetricKind) -> Result<Usage<'_>, Reason> {
        let usage = match (self, kind) {
            (Self::Missing, _) => return Err(Reason::new(codes::METRIC_MISSING, [])),
            (&Self::Number(total), MetricKind::Total) => Usage::Total(total),
            (&Self::Number(average), _) => Usage::Average(average),
            (&Self::Total { total }, _) => Usage::Total(total),
            (&Self::Average { average }, _) => Usage::Average(average),
            (Self::PerReplica(replicas), _) => Usage::PerReplica(replicas),
        };
        let sound = |number: f64| number.is_finite() && number >= 0.0;
        let is_sound = match usage {
            Usage::Total(number) | Usage::Average(number) => sound(number),
            Usage::PerReplica(replicas) => replicas.iter().all(|replica| {
                replica.value.is_none_or(sound) && replica.request.is_none_or(sound)
            }),
        };
        if is_sound { Ok(usage) } else { Err(Reason::new(codes::METRIC_INVALID, [])) }
    }
}

/// The load of the whole workload: a total as it is, a mean times the ready replicas, readings per
/// replica as their mean times the replicas that take part (so a missing one counts as the mean),
/// which for a mean or a utilization are as many as are ready, listed or not.
///
/// Utilization does not tell the load by itself, as it falls when we scale up; times the ready
/// replicas it does, in units of one fully used replica.
///
/// # Errors
/// [`NO_READY_REPLICAS`](codes::NO_READY_REPLICAS) where a mean has nothing to stand on,
/// [`METRIC_MISSING`](codes::METRIC_MISSING) where no replica that takes part reported, and
/// [`METRIC_INVALID`](codes::METRIC_INVALID) where the load is beyond all numbers or of requests of
/// nothing.
pub fn total_load(usage: Usage<'_>, kind: MetricKind, ready: u32) -> Result<f64, Reason> {
    let none_ready = || Reason::new(codes::NO_READY_REPLICAS, []);
    let load = match usage {
        Usage::Total(total) => total,
        Usage::Average(_) if ready == 0 => return Err(none_ready()),
        Usage::Average(average) => average * f64::from(ready),
        Usage::PerReplica(replicas) => {
            let (mut used, mut asked, mut n_ready, mut n_known) = (0.0, 0.0, 0.0, 0_usize);
            for replica in replicas.iter().filter(|replica| replica.phase == Phase::Ready) {
                n_ready += 1.0;
                if let Some(value) = replica.value {
                    n_known += 1;
                    used += value;
                    asked += match kind {
                        MetricKind::Utilization => replica.request.unwrap_or(1.0),
                        MetricKind::Total | MetricKind::Average => 1.0,
                    };
                }
            }
            // With requests the mean is that of the ratios: sum(used) / sum(asked).
            let mean = match n_known {
                0 if n_ready == 0.0 => return Err(none_ready()),
                0 => return Err(Reason::new(codes::METRIC_MISSING, [])),
                _ => used / asked, // of requests of nothing it is no number
            };
            match kind {
                MetricKind::Total => mean * n_ready,
                MetricKind::Average | MetricKind::Utilization => {
                    mean * f64::from(ready).max(n_ready)
                }
            }
        }
    };
    if load.is_finite() { Ok(load) } else { Err(Reason::new(codes::METRIC_INVALID, [])) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(json: &str, kind: MetricKind, ready: u32) -> Result<f64, &'static str> {
        let reading: Reading = serde_json::from_str(json).expect(json);
        let load = reading.usage(kind).and_then(|usage| total_load(usage, kind, ready));
        load.map_err(|reason| reason.code())
    }

    #[test]
    fn a_reading_tells_the_load_of_the_whole_workload() {
        use MetricKind::{Average, Total, Utilization};
        for (json, kind, want) in [
            ("1200", Total, Ok(1200.0)),
            ("300", Average, Ok(1200.0)),
            ("0.5", Utilization, Ok(2.0)),
            (r#"{"total": 7}"#, Average, Ok(7.0)),
            (r#"{"average": 7}"#, Total, Ok(28.0)),
            ("[1, 2, 3, 4, 5]", Average, Ok(15.0)),
            ("[1, 2, 3, null]", Average, Ok(8.0)), // the missing one counts as the mean
            ("[1, 2, 3]", Average, Ok(8.0)),       // as does one that is not listed
            ("[1, 2, 3]", Total, Ok(6.0)),         // but parts of a total are all there are
            ("[1, null, 3]", Total, Ok(6.0)),
            (
                r#"[1, {"value": 9, "phase": "unready"}, {"value": 9, "phase": "ignored"}]"#,
                Average,
                Ok(4.0),
            ),
            // (0.5 + 0.2) / (1 + 0.4) of four replicas
            (
                r#"[{"value": 0.5, "request": 1}, {"value": 0.2, "request": 0.4}]"#,
                Utilization,
                Ok(2.0),
            ),
            ("null", Total, Err("metric_missing")),
            ("-1", Total, Err("metric_invalid")),
            ("[1, -1]", Average, Err("metric_invalid")),
            ("1e308", Average, Err("metric_invalid")),
            ("[1e308, 1e308]", Average, Err("metric_invalid")),
            ("[null]", Average, Err("metric_missing")),
            (r#"[{"value": 1, "phase": "unready"}]"#, Average, Err("no_ready_replicas")),
            (r#"[{"value": 1, "request": 0}]"#, Utilization, Err("metric_invalid")),
            ("[]", Average, Err("no_ready_replicas")),
        ] {
            assert_eq!(load(json, kind, 4), want, "{json} as {kind:?}");
        }
        assert_eq!(load("0.5", Utilization, 0), Err("no_ready_replicas"));
        assert_eq!(load("12", Total, 0), Ok(12.0));
    }

    #[test]
    fn what_is_no_reading_is_refused() {
        for json in [
            "\"many\"",
            "true",
            "{}",
            r#"{"total": null}"#,
            r#"{"total": 1, "average": 2}"#,
            r#"[{"value": 1, "phase": "gone"}]"#,
            r#"[{"valeu": 1}]"#,
        ] {
            assert!(serde_json::from_str::<Reading>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn a_number_that_is_none_is_invalid() {
        for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let reason = Reading::from(number).usage(MetricKind::Total).expect_err("invalid");
            assert_eq!(reason.code(), "metric_invalid");
        }
    }

    #[test]
    fn an_observation_survives_its_text() {
        let seen = Observation::at(Timestamp::from_secs(60))
            .ready(7)
            .pending(2)
            .metric("rps", 1240.0)
            .metric("cpu", vec![Some(0.71), None])
            .metric("lost", None);
        let text = serde_json::to_string(&seen).expect("a text");
        assert_eq!(serde_json::from_str::<Observation>(&text).expect("its own text"), seen);
        assert_eq!((seen.replicas.current(), seen.requested(4).replicas.current()), (9, 4));
        let replicas = Replicas { ready: u32::MAX, pending: 1, requested: None };
        assert_eq!(replicas.current(), u32::MAX);
    }
}
