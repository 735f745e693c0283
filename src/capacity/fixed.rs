//! Each replica carries the same, known beforehand.

use serde::{Deserialize, Serialize};

use super::{Capacity, check};
use crate::{Error, Reason};

/// A replica's load at the target utilization, less the headroom.
///
/// ```
/// use forescale::capacity::{Capacity, fixed};
///
/// let settings = fixed::Config {
///     metric: "rps".into(),
///     load_per_replica: 110.0,
///     target_utilization: Some(0.75),
///     headroom: 0.1,
/// };
/// let capacity = fixed::Fixed::new(settings)?;
/// // 110 * 0.75 / 1.1 = 75
/// assert!((capacity.replicas(750.0).unwrap() - 10.0).abs() < 1e-9);
/// # Ok::<(), forescale::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fixed {
    metric: String,
    planned: f64,
    full: f64,
}

impl Fixed {
    /// From its settings.
    ///
    /// # Errors
    /// If a setting is out of its range.
    pub fn new(settings: Config) -> Result<Self, Error> {
        let Config { metric, load_per_replica, target_utilization: given, headroom } = settings;
        let target_utilization = given.unwrap_or(DEFAULT_TARGET_UTILIZATION);
        check(Some(load_per_replica), headroom)?;
        if !(target_utilization > 0.0 && target_utilization <= 1.0) {
            let message = format!("is {target_utilization}, must be in (0, 1]");
            return Err(Error::config("target_utilization", message));
        }
        let carries = load_per_replica / (1.0 + headroom);
        let (planned, full) = (carries * target_utilization, carries * given.unwrap_or(1.0));
        Ok(Self { metric, planned, full })
    }
}

impl Capacity for Fixed {
    fn metric(&self) -> &str {
        &self.metric
    }

    fn load_per_replica(&self) -> Result<f64, Reason> {
        Ok(self.planned)
    }

    fn full_load(&self) -> Result<f64, Reason> {
        Ok(self.full)
    }
}

/// Settings of [`Fixed`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The metric whose load this speaks of.
    pub metric: String,
    /// The load one replica can carry at most, in the load's unit; above 0.
    pub load_per_replica: f64,
    /// The share of it that is planned with, in (0, 1]. Default: 0.75, as queues grow fast above; but
    /// 1 where a `risk` decides, which sets a reserve of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_utilization: Option<f64>,
    /// Spare load on top, as a ratio in [0, 10]. Default: 0, as the quantile of a forecast already
    /// leaves room.
    #[serde(default)]
    pub headroom: f64,
}

const DEFAULT_TARGET_UTILIZATION: f64 = 0.75;
