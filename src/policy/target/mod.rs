//! Keep a metric at its target: exactly the replica arithmetic of the Kubernetes HPA (1.37).
//!
//! In: the readings of one metric now. Out: the replicas that bring it to its target, or, where it
//! cannot be read, that nothing be taken away. Remembers nothing. [`replicas`] has the arithmetic
//! in integers, [`pods`] the rules for which pods take part.
//!
//! Why integers? The HPA counts in thousandths and whole percents and truncates; with anything
//! else some observations would give one replica more or less than the HPA does.

pub mod pods;
pub mod replicas;
mod tally;
mod tolerance;

use serde::{Deserialize, Serialize};

use self::replicas::{
    Pod, Refusal, Sizing, Tolerance, Verdict, object_average_value, object_value,
};
use self::tally::{Measure, Tally};
use super::{Policy, Proposal, View, Want};
use crate::Error;
use crate::explain::{Reason, codes};
use crate::series::{MetricKind, Phase, ReplicaReading, Replicas, Usage, total_load};

/// Proposes the replicas that bring a metric to its target, as the Kubernetes HPA does.
///
/// A metric that cannot be read asks that nothing be taken away ([`Want::NotFewer`]), as an invalid
/// metric of an HPA does. Replicas that are pending but have no reading of their own count as
/// unready, ready ones that a list of readings leaves out as missing. One case differs from the HPA: with `by: value` and no replica ready it would propose
/// none at all; this holds.
///
/// ```
/// use forescale::policy::target::{Config, Target};
///
/// let settings: Config = serde_json::from_str(r#"{"metric": "cpu", "target": 0.7}"#).unwrap();
/// assert!(Target::new(settings).is_ok());
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Target {
    settings: Config,
}

impl Target {
    /// From its settings.
    ///
    /// # Errors
    /// If a setting is out of its range, or the target of a utilization is no whole percent.
    pub fn new(settings: Config) -> Result<Self, Error> {
        settings.check()?;
        Ok(Self { settings })
    }
}

impl Policy for Target {
    fn propose(&mut self, view: &View<'_>) -> Result<Proposal, Reason> {
        let sized = view.usage(&self.settings.metric).and_then(|(usage, kind)| {
            let by = self.settings.by.unwrap_or(By::default_of(kind));
            self.settings.size(by, usage, kind, view.replicas)
        });
        Ok(sized.unwrap_or_else(|reason| Proposal {
            want: Want::NotFewer,
            wish: None,
            demand: None,
            reason,
        }))
    }

    fn metric(&self) -> Option<&str> {
        Some(&self.settings.metric)
    }

    fn check(&self, kind: MetricKind) -> Result<(), Error> {
        self.settings.check_target(self.settings.by.unwrap_or(By::default_of(kind)))
    }
}

/// Settings of [`Target`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The metric, by its name in the configuration.
    pub metric: String,
    /// What the metric is to be: for a utilization a ratio in whole percents (0.7, as the HPA's
    /// `averageUtilization: 70`; at most 10), else in the metric's unit from 0.001 to 10^12, kept to the
    /// thousandth.
    pub target: f64,
    /// What is compared with the target. Default: `utilization` for a metric of that kind, else
    /// `average_value`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<By>,
    /// How far the ratio of reading to target may lie from 1 before anything moves: a number, or
    /// `up` and `down`. Default 0.1, as the HPA.
    #[serde(default)]
    pub tolerance: Tolerance,
}

/// What is compared with the target; the HPA's target types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// The usage against the requests. Kubernetes: `Utilization`.
    Utilization,
    /// The load of one replica. Kubernetes: `AverageValue`.
    AverageValue,
    /// The reading itself, such as a latency, which falls as replicas are added. Kubernetes: `Value`.
    Value,
}

impl By {
    fn default_of(kind: MetricKind) -> Self {
        match kind {
            MetricKind::Utilization => Self::Utilization,
            MetricKind::Total | MetricKind::Average => Self::AverageValue,
        }
    }
}

impl Config {
    fn check(&self) -> Result<(), Error> {
        if self.metric.is_empty() {
            return Err(Error::config("metric", "is empty, must be the name of a metric"));
        }
        self.tolerance.check().map_err(|error| error.at("tolerance"))?;
        // Whether the default is a utilization is known with the metric's kind only.
        self.check_target(self.by.unwrap_or(By::AverageValue))
    }

    fn check_target(&self, by: By) -> Result<(), Error> {
        let target = self.target;
        if !(0.001..=1e12).contains(&target) {
            let message = format!("is {target}, must be from 0.001 to 1000000000000");
            return Err(Error::config("target", message));
        }
        if by == By::Utilization && target > MOST_UTILIZATION {
            let message =
                format!("is {target}, must be at most {MOST_UTILIZATION}: 0.7 stands for 70 %");
            return Err(Error::config("target", message));
        }
        let percent = target * 100.0;
        if by == By::Utilization && (percent - percent.round()).abs() > 1e-6 {
            let message = format!(
                "is {target}, must be a whole percent for a utilization, such as 0.7 or 0.75"
            );
            return Err(Error::config("target", message));
        }
        Ok(())
    }

    fn size(
        &self,
        by: By,
        usage: Usage<'_>,
        kind: MetricKind,
        replicas: Replicas,
    ) -> Result<Proposal, Reason> {
        let (current, target) = (replicas.current(), milli(self.target));
        let (sizing, measured) = match (usage, by) {
            (Usage::Total(total), By::AverageValue) => {
                let existing = replicas.existing();
                let sizing = object_average_value(milli(total), existing, target, self.tolerance);
                (sizing, total / f64::from(existing.max(1)))
            }
            (Usage::Total(value) | Usage::Average(value), By::Value) => {
                (self.by_value(value, replicas)?, value)
            }
            (Usage::PerReplica(_), By::Value) if kind == MetricKind::Total => {
                let total = total_load(usage, kind, replicas.ready)?;
                (self.by_value(total, replicas)?, total)
            }
            (Usage::Total(_) | Usage::Average(_), _) if replicas.ready == 0 => {
                return Err(none_ready());
            }
            (Usage::Total(total), By::Utilization) => {
                let reading = ReplicaReading::from(Some(total / f64::from(replicas.ready)));
                self.by_pods(by, &[reading], replicas.ready, replicas)?
            }
            (Usage::Average(average), _) => {
                let reading = ReplicaReading::from(Some(average));
                self.by_pods(by, &[reading], replicas.ready, replicas)?
            }
            (Usage::PerReplica(readings), _) => self.by_pods(by, readings, 1, replicas)?,
        };
        let code = match sizing.verdict {
            Verdict::Above if current == 0 => codes::FROM_ZERO,
            Verdict::Above => codes::ABOVE_TARGET,
            Verdict::Below => codes::BELOW_TARGET,
            Verdict::Within => codes::WITHIN_TOLERANCE,
            Verdict::Unclear => codes::UNREADY_REPLICAS,
        };
        let facts = [
            ("measured", measured),
            ("target", self.target),
            ("current", current.into()),
            ("ready", replicas.ready.into()),
        ];
        Ok(Proposal {
            want: Want::Replicas(sizing.replicas),
            wish: Some(sizing.wish),
            demand: None,
            reason: Reason::new(code, facts),
        })
    }

    fn by_value(&self, value: f64, replicas: Replicas) -> Result<Sizing, Reason> {
        let (current, ready) = (replicas.current(), replicas.ready);
        if current > 0 && ready == 0 {
            return Err(none_ready());
        }
        Ok(object_value(milli(value), current, ready, milli(self.target), self.tolerance))
    }

    /// Each of `readings` stands for `times` replicas.
    fn by_pods(
        &self,
        by: By,
        readings: &[ReplicaReading],
        times: u32,
        replicas: Replicas,
    ) -> Result<(Sizing, f64), Reason> {
        let mut tally = Tally::new(match by {
            By::Utilization => Measure::Utilization { target_percent: percent(self.target) },
            By::AverageValue | By::Value => Measure::Average { target: milli(self.target) },
        });
        // Where no replica states a request, the values are ratios: thousandths of one request.
        let stated = readings
            .iter()
            .find_map(|reading| reading.request.filter(|_| reading.phase != Phase::Unlisted));
        let whole = if stated.is_some() { None } else { Some(1000) };
        let (mut n_listed, mut n_unready) = (0_u32, 0_u32);
        for reading in readings {
            let is_unready = reading.phase == Phase::Unready;
            n_unready += u32::from(is_unready);
            n_listed = n_listed.saturating_add(if is_unready || reading.phase == Phase::Ready {
                times
            } else {
                0
            });
            let request = reading.request.map(milli).or(whole);
            let value = reading.value.map(milli);
            tally.add(Pod { phase: reading.phase, value, request }, times);
        }
        // A replica that no reading speaks of is missing, as a pod without metrics is to the HPA.
        let silent = |phase| Pod { phase, value: None, request: stated.map(milli).or(whole) };
        let n_starting = replicas.pending.saturating_sub(n_unready);
        let n_missing = replicas.existing().saturating_sub(n_listed).saturating_sub(n_starting);
        tally.add(silent(Phase::Unready), n_starting);
        tally.add(silent(Phase::Ready), n_missing);

        let sizing = tally.size(replicas.current(), self.tolerance).map_err(|refusal| {
            let code = match refusal {
                Refusal::NoReading => codes::METRIC_MISSING,
                Refusal::MissingRequest => codes::REQUEST_MISSING,
                Refusal::NoPods | Refusal::NoUsableReading | Refusal::NoMatch => {
                    codes::NO_READY_REPLICAS
                }
            };
            Reason::new(code, [])
        })?;
        let unit = if by == By::Utilization { 100.0 } else { 1000.0 };
        Ok((sizing, sizing.measured as f64 / unit))
    }
}

/// A utilization above this is a percentage that was meant: 70 for 0.7.
const MOST_UTILIZATION: f64 = 10.0;

fn none_ready() -> Reason {
    Reason::new(codes::NO_READY_REPLICAS, [])
}

/// To thousandths, saturating.
fn milli(number: f64) -> i64 {
    (number * 1000.0).round() as i64
}

fn percent(ratio: f64) -> i64 {
    (ratio * 100.0).round() as i64
}

#[cfg(test)]
mod tests;
