//! After a change, no further one for a while.
//!
//! In: each proposal and each decision with its time. Out: the current replicas while it cools
//! down. The waits count from the last change in either direction, as the Datadog watermark
//! autoscaler's (WPA's) forbidden windows do. Knows nothing of load.

use serde::{Deserialize, Serialize};

use super::Guard;
use crate::Error;
use crate::explain::{Reason, codes};
use crate::policy::watermark::dwell::{Conditions, Dwell};
use crate::time::{Duration, Timestamp};

/// Holds for a while after each change, the longer the riskier the direction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cooldown {
    settings: Config,
    last_change: Option<Timestamp>,
}

impl Cooldown {
    /// From its settings.
    ///
    /// # Errors
    /// None at present.
    pub fn new(settings: Config) -> Result<Self, Error> {
        Ok(Self { settings, last_change: None })
    }
}

impl Guard for Cooldown {
    fn hold(&mut self, at: Timestamp, current: u32, proposed: u32) -> (u32, Option<Reason>) {
        // After a clock that stepped back, the wait is counted from there, not from the future.
        self.last_change = self.last_change.map(|last| last.min(at));
        let since_last = self.last_change.map(|last| at.since(last));
        match self.settings.left(current, proposed, since_last) {
            None => (proposed, None),
            Some(left) => {
                let facts = [("left_seconds", left.as_secs_f64())];
                (current, Some(Reason::new(codes::COOLDOWN, facts)))
            }
        }
    }

    fn decided(&mut self, at: Timestamp, current: u32, replicas: u32) {
        if replicas != current {
            self.last_change = Some(at);
        }
    }
}

/// Whether the size may change now, as the WPA asks it: windows after the last change and dwell
/// times outside the marks in one. Before the first change it always may, even where nothing
/// changes.
///
/// An autoscaler here has the two apart, as this guard and as the watermark policy's dwell times.
///
/// ```
/// use forescale::Duration;
/// use forescale::guard::cooldown::{Config, should_scale};
/// use forescale::policy::watermark::dwell::{Conditions, Dwell};
///
/// let windows = Config { scale_up: Duration::from_secs(60), scale_down: Duration::from_secs(300) };
/// let ask = |since_last, desired| {
///     should_scale(8, desired, since_last, &windows, Dwell::default(), &Conditions::default(), false)
/// };
/// assert!(ask(Some(Duration::from_secs(60)), 10));
/// assert!(!ask(Some(Duration::from_secs(60)), 6));
/// assert!(ask(None, 6));
/// ```
#[must_use]
pub fn should_scale(
    current: u32,
    desired: u32,
    since_last: Option<Duration>,
    windows: &Config,
    dwell: Dwell,
    conditions: &Conditions,
    stable: bool,
) -> bool {
    since_last.is_none()
        || (desired != current
            && windows.left(current, desired, since_last).is_none()
            && conditions.allow(current, desired, dwell, stable))
}

/// Settings of [`Cooldown`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// No scale-up within this time after any change; from 0 up. Default: 60 s, as the WPA's
    /// `upscaleForbiddenWindowSeconds`.
    pub scale_up: Duration,
    /// No scale-down within this time after any change; from 0 up. Default: 5 min, as the WPA's
    /// `downscaleForbiddenWindowSeconds`.
    pub scale_down: Duration,
}

impl Config {
    /// The time left until a change from `current` to `proposed` is allowed; `None` if it is now.
    /// Nothing is forbidden before the first change, and the whole of the time is enough.
    #[must_use]
    pub fn left(
        &self,
        current: u32,
        proposed: u32,
        since_last: Option<Duration>,
    ) -> Option<Duration> {
        let wait = if proposed > current { self.scale_up } else { self.scale_down };
        let passed = since_last.filter(|&passed| passed < wait && proposed != current)?;
        // A span has no minus; the two ends have.
        Some((Timestamp::default() + wait).since(Timestamp::default() + passed))
    }
}

impl Default for Config {
    fn default() -> Self {
        // As the Datadog watermark autoscaler.
        Self { scale_up: Duration::from_secs(60), scale_down: Duration::from_secs(300) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a diary of (second, current, proposed) -> replicas, each one decided.
    fn read(guard: &mut Cooldown, diary: &[(i64, u32, u32, u32)]) {
        for &(second, current, proposed, want) in diary {
            let at = Timestamp::from_secs(second);
            let (held, reason) = guard.hold(at, current, proposed);
            assert_eq!(held, want, "at {second} s: {reason:?}");
            assert_eq!(reason.is_some(), held != proposed, "at {second} s");
            guard.decided(at, current, held);
        }
    }

    #[test]
    fn both_windows_count_from_the_last_change_in_either_direction() {
        let mut guard = Cooldown::new(Config::default()).expect("any settings will do");
        read(
            &mut guard,
            &[
                (0, 5, 4, 4), // never changed before
                (59, 4, 6, 4),
                (60, 4, 6, 6), // equal is enough
                (300, 6, 5, 6),
                (300, 6, 6, 6), // nothing to hold
                (359, 6, 5, 6),
                (360, 6, 5, 5),
            ],
        );
    }

    #[test]
    fn a_clock_that_steps_back_waits_once_more_and_not_until_it_has_caught_up() {
        let mut guard = Cooldown::new(Config::default()).expect("any settings will do");
        read(&mut guard, &[(86_400, 5, 6, 6), (0, 6, 7, 6), (59, 6, 7, 6), (60, 6, 7, 7)]);
    }

    #[test]
    fn the_reason_tells_what_is_left() {
        let mut guard = Cooldown::new(Config::default()).expect("any settings will do");
        guard.decided(Timestamp::from_secs(0), 5, 6);
        let (_, reason) = guard.hold(Timestamp::from_millis(10_500), 6, 7);
        assert_eq!(reason.and_then(|reason| reason.fact("left_seconds")), Some(49.5));
    }
}
