//! What a detector says of one sample.
//!
//! In: numbers. Out: [`Anomaly`], with the reason as a sentence. Decides nothing.

use serde::{Deserialize, Serialize};

use crate::explain::{Code, Reason, codes};
use crate::time::Timestamp;

/// What a detector says of one sample.
///
/// Two things are told apart. [`p_value`](Self::p_value) is the state: how rare a sample like this is,
/// as long as it lasts. [`score`](Self::score) is the onset: it reaches 0.5 once an event, so that
/// one event is one alarm.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Anomaly {
    /// When.
    pub at: Timestamp,
    /// The value it is about; `None` for a missing one.
    pub value: Option<f64>,
    /// How much it is an event that was not told before, from 0 to 1; never NaN. From 0.5 on it is an
    /// alarm; what is as abnormal as an alarm before it stays below.
    pub score: f64,
    /// The share of samples that show as much or more when all is as usual, from 0 to 1: small is
    /// abnormal. 1 before there is enough history.
    pub p_value: f64,
    /// Whether this is an alarm: the score is 0.5 or more.
    pub is_anomaly: bool,
    /// What it is, where `p_value` is at most 0.001 or it is an alarm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<AnomalyKind>,
    /// What was expected, in the unit of the value; `None` before there is enough history.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<f64>,
    /// Below this, one value in two thousand lies when all is as usual, as above `upper`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lower: Option<f64>,
    /// See `lower`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upper: Option<f64>,
    /// Why, with the numbers.
    pub reason: Reason,
}

/// What an anomaly is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AnomalyKind {
    /// Few values far above.
    Spike,
    /// Few values far below.
    Dip,
    /// The values are on a higher level.
    LevelUp,
    /// The values are on a lower level.
    LevelDown,
    /// The values run away, ever further.
    Trend,
    /// The noise has become larger or smaller.
    Variance,
    /// The value stands still.
    Stuck,
    /// No data come.
    Missing,
}

impl AnomalyKind {
    /// Every kind.
    pub const ALL: &'static [Self] = &[
        Self::Spike,
        Self::Dip,
        Self::LevelUp,
        Self::LevelDown,
        Self::Trend,
        Self::Variance,
        Self::Stuck,
        Self::Missing,
    ];

    /// Its name, in `snake_case`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.code().name()
    }

    pub(super) fn code(self) -> Code {
        match self {
            Self::Spike => codes::SPIKE,
            Self::Dip => codes::DIP,
            Self::LevelUp => codes::LEVEL_UP,
            Self::LevelDown => codes::LEVEL_DOWN,
            Self::Trend => codes::TREND,
            Self::Variance => codes::VARIANCE,
            Self::Stuck => codes::STUCK,
            Self::Missing => codes::MISSING,
        }
    }
}
