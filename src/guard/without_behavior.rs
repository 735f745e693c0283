//! What a Kubernetes HPA without `behavior` does to a proposal.
//!
//! In: each proposal with its time. Out: the highest proposal of the last while, no further than one
//! decision may grow. The arithmetic is [`Stabilization::highest`] and [`limit_default`]. Knows
//! nothing of the metrics.

use serde::{Deserialize, Serialize};

use super::Guard;
use super::rate::{Limited, limit_default};
use super::stabilization::{self, Stabilization};
use crate::Error;
use crate::explain::{Reason, codes};
use crate::time::{Duration, Timestamp};

/// Goes to the highest proposal of the window, and grows by no more than a factor at once.
///
/// Alone among the guards it may go above both the current replicas and the proposal: an HPA
/// without `behavior` goes on growing to a high proposal for as long as that lies in its window.
/// Kubernetes: `normalizeDesiredReplicas`, 1.18 to 1.37; every HPA whose manifest says nothing of
/// `behavior`, also those that KEDA makes.
///
/// ```
/// use forescale::Timestamp;
/// use forescale::guard::Guard;
/// use forescale::guard::without_behavior::{Config, WithoutBehavior};
///
/// let mut guard = WithoutBehavior::new(Config::default())?;
/// let at = Timestamp::from_secs;
/// assert_eq!(guard.hold(at(0), 1, 9).0, 4); // at most twice as many, or 4
/// assert_eq!(guard.hold(at(15), 4, 5).0, 8); // on towards the 9 of the window
/// assert_eq!(guard.hold(at(301), 8, 5).0, 5);
/// # Ok::<(), forescale::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WithoutBehavior {
    settings: Config,
    windows: Stabilization,
}

impl WithoutBehavior {
    /// From its settings.
    ///
    /// # Errors
    /// If the factor is below 1 or not finite.
    pub fn new(settings: Config) -> Result<Self, Error> {
        Self::with_windows(settings, Stabilization::new)
    }

    /// As [`new`](Self::new), with what was recommended before.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_history(
        settings: Config,
        history: Vec<stabilization::Recommendation>,
    ) -> Result<Self, Error> {
        Self::with_windows(settings, |windows| Stabilization::with_history(windows, history))
    }

    fn with_windows(
        settings: Config,
        build: impl FnOnce(stabilization::Config) -> Result<Stabilization, Error>,
    ) -> Result<Self, Error> {
        if !(settings.factor.is_finite() && settings.factor >= 1.0) {
            let message = format!("is {}, must be a finite number from 1 up", settings.factor);
            return Err(Error::config("factor", message));
        }
        let windows =
            build(stabilization::Config { scale_up: Duration::ZERO, scale_down: settings.window })?;
        Ok(Self { settings, windows })
    }
}

impl Guard for WithoutBehavior {
    fn hold(&mut self, at: Timestamp, current: u32, proposed: u32) -> (u32, Option<Reason>) {
        let Config { window, factor, minimum } = self.settings;
        let highest = self.windows.highest(at, current, proposed);
        let (held, limited) = limit_default(current, highest, 0, u32::MAX, factor, minimum);
        let reason = (held != proposed).then(|| match limited {
            Limited::ScaleUpLimit => Reason::new(codes::SCALE_UP_LIMIT, [("limit", held.into())]),
            _ => {
                let facts =
                    [("recommended", highest.into()), ("window_seconds", window.as_secs_f64())];
                Reason::new(codes::STABILIZATION_WINDOW, facts)
            }
        });
        (held, reason)
    }

    fn decided(&mut self, at: Timestamp, current: u32, replicas: u32) {
        self.windows.decided(at, current, replicas);
    }
}

/// Settings of [`WithoutBehavior`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The highest proposal of this time holds. Default 5m, as the HPA
    /// (`--horizontal-pod-autoscaler-downscale-stabilization`).
    pub window: Duration,
    /// No single decision grows to more than so many times the current replicas; from 1. Default 2.
    pub factor: f64,
    /// So far a single decision may grow whatever the factor. Default 4 replicas.
    pub minimum: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self { window: Duration::from_secs(300), factor: 2.0, minimum: 4 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_highest_of_the_window_and_at_most_doubles() {
        let mut guard = WithoutBehavior::new(Config::default()).unwrap();
        //           second, current, proposed -> replicas
        let diary = [
            (0, 10, 50, 20),
            (15, 20, 15, 40),
            (30, 40, 15, 50),
            (300, 50, 15, 50),
            (301, 50, 15, 15),
        ];
        for (second, current, proposed, want) in diary {
            let (held, reason) = guard.hold(Timestamp::from_secs(second), current, proposed);
            assert_eq!(held, want, "at {second} s");
            assert_eq!(reason.is_some(), held != proposed, "at {second} s");
        }
    }

    #[test]
    fn refuses_a_factor_that_shrinks() {
        for factor in [0.5, f64::NAN, f64::INFINITY] {
            assert!(WithoutBehavior::new(Config { factor, ..Config::default() }).is_err());
        }
    }
}
