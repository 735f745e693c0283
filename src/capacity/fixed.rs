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
///     target_utilization: 0.75,
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
        let Config { metric, load_per_replica, target_utilization, headroom } = settings;
        check(Some(load_per_replica), headroom)?;
        if !(target_utilization > 0.0 && target_utilization <= 1.0) {
            let message = format!("is {target_utilization}, must be in (0, 1]");
            return Err(Error::config("target_utilization", message));
        }
        let full = load_per_replica / (1.0 + headroom);
        Ok(Self { metric, planned: full * target_utilization, full })
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
    /// The share of it that is planned with, in (0, 1]. Default: 0.75, as queues grow fast above.
    /// Without effect on a `predictive` policy by `risk`, which sets a reserve of its own.
    #[serde(default = "default_target_utilization")]
    pub target_utilization: f64,
    /// Spare load on top, as a ratio in [0, 10]. Default: 0, as the quantile of a forecast already
    /// leaves room.
    #[serde(default)]
    pub headroom: f64,
}

fn default_target_utilization() -> f64 {
    0.75
}
