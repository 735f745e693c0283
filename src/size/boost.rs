//! More CPU while a container starts.
//!
//! In: the recommended CPU, and since when the container is ready. Out: the CPU to request. Memory
//! is never boosted, as it cannot be taken back.

use serde::{Deserialize, Serialize};

use super::amount::{MOST, amount};
use crate::error::Error;
use crate::time::Duration;

/// How much more CPU a starting container gets, and for how long. The VPA's `startupBoost`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum StartupBoost {
    /// Some times as much.
    Factor {
        /// So many times the recommended CPU, from 1 up.
        factor: f64,
        /// For how long after the container is ready. Default: 0.
        #[serde(default)]
        duration: Duration,
    },
    /// A fixed amount more.
    Quantity {
        /// So many millicores more, from 0 up.
        cpu_millicores: i64,
        /// For how long after the container is ready. Default: 0.
        #[serde(default)]
        duration: Duration,
    },
}

impl StartupBoost {
    /// The CPU to request, in millicores: boosted until the container has been ready for the
    /// duration. `ready_for` is `None` while it is not ready. It may exceed what is allowed otherwise.
    ///
    /// ```
    /// use forescale::Duration;
    /// use forescale::size::StartupBoost;
    ///
    /// let boost = StartupBoost::Factor { factor: 3.0, duration: Duration::from_secs(10) };
    /// let cpu = |ready_for: Option<u32>| boost.apply(200, ready_for.map(Duration::from_secs));
    /// assert_eq!([cpu(None), cpu(Some(9)), cpu(Some(10))], [600, 600, 200]);
    /// ```
    #[must_use]
    pub fn apply(&self, cpu_millicores: i64, ready_for: Option<Duration>) -> i64 {
        let (boosted, duration) = match *self {
            Self::Factor { factor, duration } => (amount(cpu_millicores as f64 * factor), duration),
            Self::Quantity { cpu_millicores: more, duration } => {
                (cpu_millicores.saturating_add(more).min(MOST), duration)
            }
        };
        let is_started = ready_for.is_some_and(|ready| ready >= duration);
        if is_started { cpu_millicores } else { boosted.max(cpu_millicores) }
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        match *self {
            Self::Factor { factor, .. } if !(1.0..=1000.0).contains(&factor) => {
                Err(Error::config("factor", format!("is {factor}, must be in [1, 1000]")))
            }
            Self::Quantity { cpu_millicores: more, .. } if !(0..=MOST).contains(&more) => {
                Err(Error::config("cpu_millicores", format!("is {more}, must be in [0, {MOST}]")))
            }
            _ => Ok(()),
        }
    }
}
