//! How far a reading may lie from its target before anything moves.
//!
//! In: a number for both directions, or one for each. Out: [`Tolerance`]. Knows no metric.

use serde::{Deserialize, Serialize};

use crate::Error;

/// How far the ratio of reading to target may lie from 1 before anything moves.
///
/// Both edges belong to the tolerance and are computed in binary64. In a configuration it is a
/// number for both directions, or `{"up": 0.1, "down": 0.05}`.
///
/// ```
/// use forescale::policy::target::replicas::Tolerance;
///
/// let tolerance = Tolerance { up: 0.1, down: 0.05 };
/// assert!(tolerance.contains(1.1) && tolerance.contains(0.95));
/// assert!(!tolerance.contains(0.94));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "ToleranceText")]
pub struct Tolerance {
    /// Towards more replicas, as a ratio from 0 up. Default 0.1, as the HPA.
    pub up: f64,
    /// Towards fewer replicas, as a ratio from 0 up to 1. Default 0.1, as the HPA.
    pub down: f64,
}

impl Tolerance {
    /// Whether a ratio of reading to target is near enough to 1 to keep the replicas.
    #[must_use]
    pub fn contains(&self, ratio: f64) -> bool {
        1.0 - self.down <= ratio && ratio <= 1.0 + self.up
    }

    /// Refuses what is no tolerance.
    ///
    /// # Errors
    /// If `up` is negative or not finite, or `down` is not from 0 to 1.
    pub fn check(&self) -> Result<(), Error> {
        if !(self.up.is_finite() && self.up >= 0.0) {
            let message = format!("is {}, must be a finite number from 0 up", self.up);
            return Err(Error::config("up", message));
        }
        if !(0.0..=1.0).contains(&self.down) {
            return Err(Error::config("down", format!("is {}, must be from 0 to 1", self.down)));
        }
        Ok(())
    }
}

impl Default for Tolerance {
    fn default() -> Self {
        Self { up: 0.1, down: 0.1 } // --horizontal-pod-autoscaler-tolerance
    }
}

/// The two ways to write a [`Tolerance`].
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged, expecting = "must be a number, or a mapping with `up` and `down`")]
enum ToleranceText {
    Both(f64),
    Each(ToleranceFields),
}

#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
struct ToleranceFields {
    up: f64,
    down: f64,
}

impl Default for ToleranceFields {
    fn default() -> Self {
        let Tolerance { up, down } = Tolerance::default();
        Self { up, down }
    }
}

impl From<ToleranceText> for Tolerance {
    fn from(text: ToleranceText) -> Self {
        match text {
            ToleranceText::Both(both) => Self { up: both, down: both },
            ToleranceText::Each(ToleranceFields { up, down }) => Self { up, down },
        }
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Tolerance {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Tolerance".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        ToleranceText::json_schema(generator)
    }
}
