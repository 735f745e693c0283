//! How far the replicas may go, by limits with a period each.
//!
//! In: the replicas now and what has changed lately. Out: the count that a direction may reach.
//! Knows nothing of proposals.

use serde::{Deserialize, Serialize};

use super::log::EventLog;
use crate::time::{Duration, Timestamp};

/// The limits of one direction.
#[derive(Clone, Copy, Debug)]
pub struct Limits<'a> {
    /// Each with its own period.
    pub of: &'a [ChangeLimit],
    /// Which of them holds.
    pub select: Select,
}

impl Limits<'_> {
    /// The longest period of the limits; zero for none.
    #[must_use]
    pub fn longest(&self) -> Duration {
        self.of.iter().map(|limit| limit.period).max().unwrap_or(Duration::ZERO)
    }

    /// How far growth may go from `current`; after much growth that may lie below it.
    #[must_use]
    pub fn scale_up(
        &self,
        at: Timestamp,
        current: u32,
        grown: &EventLog,
        shrunk: &EventLog,
    ) -> i64 {
        let candidates = self.of.iter().map(|limit| {
            let base = limit.base(at, current, grown, shrunk);
            match limit.change {
                Change::Replicas(replicas) => base + i64::from(replicas),
                // Rounded up, or a small workload could never grow.
                Change::Percent(percent) => {
                    (base as f64 * (1.0 + f64::from(percent) / 100.0)).ceil() as i64
                }
            }
        });
        match self.select {
            Select::Disabled => current.into(),
            Select::Max => candidates.max().unwrap_or(i32::MIN.into()),
            Select::Min => candidates.min().unwrap_or(i32::MAX.into()),
        }
    }

    /// How far shrinking may go from `current`; after much shrinking that may lie above it, and
    /// for more than a hundred percent below zero.
    #[must_use]
    pub fn scale_down(
        &self,
        at: Timestamp,
        current: u32,
        grown: &EventLog,
        shrunk: &EventLog,
    ) -> i64 {
        let candidates = self.of.iter().map(|limit| {
            let base = limit.base(at, current, grown, shrunk);
            match limit.change {
                Change::Replicas(replicas) => base - i64::from(replicas),
                Change::Percent(percent) => {
                    (base as f64 * (1.0 - f64::from(percent) / 100.0)) as i64 // truncates
                }
            }
        });
        match self.select {
            Select::Disabled => current.into(),
            // The largest change is the smallest count.
            Select::Max => candidates.min().unwrap_or(i32::MAX.into()),
            Select::Min => candidates.max().unwrap_or(i32::MIN.into()),
        }
    }
}

/// The most that may change in a period: `{"percent": 100, "period": "15s"}` or
/// `{"replicas": 4, "period": "15s"}`; also as Kubernetes writes it,
/// `{"type": "Pods", "value": 4, "periodSeconds": 15}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "LimitText", into = "LimitText")]
pub struct ChangeLimit {
    /// How much.
    pub change: Change,
    /// In which time; 0 limits each decision by itself.
    pub period: Duration,
}

/// An amount of change, in either direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// So many replicas.
    Replicas(u32),
    /// So much percent of the replicas at the period's start.
    Percent(u32),
}

impl ChangeLimit {
    /// The replicas at the start of the period.
    fn base(&self, at: Timestamp, current: u32, grown: &EventLog, shrunk: &EventLog) -> i64 {
        i64::from(current) - grown.change_in(at, self.period) + shrunk.change_in(at, self.period)
    }
}

/// Which of several limits of a direction holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Select {
    /// The one that allows the largest change.
    #[default]
    #[serde(alias = "Max")]
    Max,
    /// The one that allows the smallest change.
    #[serde(alias = "Min")]
    Min,
    /// None: no change in this direction.
    #[serde(alias = "Disabled")]
    Disabled,
}

/// A [`ChangeLimit`] as it is written.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct LimitText {
    /// So much percent of the replicas at the period's start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    percent: Option<u32>,
    /// So many replicas.
    #[serde(default, skip_serializing_if = "Option::is_none", alias = "pods")]
    replicas: Option<u32>,
    /// In which time.
    #[serde(alias = "periodSeconds", alias = "period_seconds")]
    period: Duration,
    /// As Kubernetes names it, together with `value`.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "type")]
    unit: Option<Unit>,
    /// Percent or replicas, as `type` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<u32>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
enum Unit {
    Percent,
    Pods,
}

impl TryFrom<LimitText> for ChangeLimit {
    type Error = &'static str;

    fn try_from(text: LimitText) -> Result<Self, Self::Error> {
        let change = match (text.percent, text.replicas, text.unit, text.value) {
            (Some(percent), None, None, None) => Change::Percent(percent),
            (None, Some(replicas), None, None) => Change::Replicas(replicas),
            (None, None, Some(Unit::Percent), Some(value)) => Change::Percent(value),
            (None, None, Some(Unit::Pods), Some(value)) => Change::Replicas(value),
            _ => return Err("must have either `percent` or `replicas`, beside the `period`"),
        };
        Ok(Self { change, period: text.period })
    }
}

impl From<ChangeLimit> for LimitText {
    fn from(limit: ChangeLimit) -> Self {
        let (percent, replicas) = match limit.change {
            Change::Percent(percent) => (Some(percent), None),
            Change::Replicas(replicas) => (None, Some(replicas)),
        };
        Self { percent, replicas, period: limit.period, unit: None, value: None }
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for ChangeLimit {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ChangeLimit".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        LimitText::json_schema(generator)
    }
}
