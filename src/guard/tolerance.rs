//! A change too small to be worth it does not happen.
//!
//! In: each proposal. Out: the current replicas where the relative change is within the tolerance.
//! Remembers nothing.

use serde::{Deserialize, Serialize};

use super::Guard;
use crate::Error;
use crate::explain::{Reason, codes};
use crate::time::Timestamp;

/// Holds a proposal that lies within a tolerance of the current replicas.
///
/// Where a policy's own tolerance weighs its reading, this one weighs replicas, whoever proposes
/// them. Both edges belong to the tolerance; from zero every change goes through.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tolerance {
    settings: Config,
}

impl Tolerance {
    /// From its settings.
    ///
    /// # Errors
    /// If a setting is out of its range.
    pub fn new(settings: Config) -> Result<Self, Error> {
        let Config { scale_up, scale_down } = settings;
        if !(scale_up.is_finite() && scale_up >= 0.0) {
            let message = format!("is {scale_up}, must be a finite number from 0 up");
            return Err(Error::config("scale_up", message));
        }
        if !(0.0..1.0).contains(&scale_down) {
            let message = format!("is {scale_down}, must be from 0 to below 1");
            return Err(Error::config("scale_down", message));
        }
        Ok(Self { settings })
    }
}

impl Guard for Tolerance {
    fn hold(&mut self, _: Timestamp, current: u32, proposed: u32) -> (u32, Option<Reason>) {
        if current == 0 || proposed == current {
            return (proposed, None);
        }
        let Config { scale_up, scale_down } = self.settings;
        let ratio = f64::from(proposed) / f64::from(current);
        if !(1.0 - scale_down <= ratio && ratio <= 1.0 + scale_up) {
            return (proposed, None);
        }
        let tolerance = if proposed > current { scale_up } else { scale_down };
        let facts = [("change_ratio", ratio - 1.0), ("tolerance_ratio", tolerance)];
        (current, Some(Reason::new(codes::SMALL_CHANGE, facts)))
    }
}

/// Settings of [`Tolerance`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// No growth by at most this share of the current replicas, from 0 up. Default 0.1, the
    /// HPA's tolerance.
    pub scale_up: f64,
    /// No shrinking by at most this share of the current replicas, from 0 to below 1. Default 0.1,
    /// the HPA's tolerance.
    pub scale_down: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self { scale_up: 0.1, scale_down: 0.1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_what_lies_within_both_edges() {
        let mut guard = Tolerance::new(Config { scale_up: 0.1, scale_down: 0.2 }).unwrap();
        //           current, proposed -> replicas
        let diary = [(10, 11, 10), (10, 12, 12), (10, 8, 10), (10, 7, 7), (0, 1, 1), (3, 0, 0)];
        for (current, proposed, want) in diary {
            let (replicas, reason) = guard.hold(Timestamp::default(), current, proposed);
            assert_eq!(replicas, want, "from {current} to {proposed}");
            assert_eq!(reason.is_some(), replicas != proposed);
        }
    }

    #[test]
    fn refuses_what_is_no_share() {
        let bad = [(f64::NAN, 0.1), (-0.1, 0.1), (0.1, 1.0), (0.1, f64::INFINITY)];
        for (scale_up, scale_down) in bad {
            assert!(Tolerance::new(Config { scale_up, scale_down }).is_err());
        }
    }
}
