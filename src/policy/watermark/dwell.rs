//! For how long a load must lie outside the marks before it counts.
//!
//! In: whether the usage is above or below, decision by decision, with ages. Out: the age of each
//! condition, and whether it has held for long enough. Reads no clock and knows no marks.

use crate::time::Duration;

/// Whether something holds, and since how long it has or has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Condition {
    /// Whether it holds.
    pub active: bool,
    /// For how long `active` has been what it is.
    pub age: Duration,
}

impl Condition {
    /// The condition after it was looked at again: unchanged it keeps its age, changed or new it
    /// starts at age 0 (Kubernetes: `lastTransitionTime`).
    ///
    /// ```
    /// use forescale::{Duration, policy::watermark::dwell::Condition};
    ///
    /// let hot = Condition { active: true, age: Duration::from_secs(90) };
    /// assert_eq!(Condition::next(Some(hot), true).age, Duration::from_secs(90));
    /// assert_eq!(Condition::next(Some(hot), false).age, Duration::ZERO);
    /// ```
    #[must_use]
    pub fn next(before: Option<Self>, active: bool) -> Self {
        let kept = before.filter(|before| before.active == active);
        kept.unwrap_or(Self { active, age: Duration::ZERO })
    }

    /// Whether it has held for `dwell`, equal being enough. Ages count in whole seconds, as those
    /// of the Datadog watermark autoscaler do.
    #[must_use]
    pub fn has_held(&self, dwell: Duration) -> bool {
        self.active && self.age.as_millis() / 1000 * 1000 >= dwell.as_millis()
    }
}

/// The conditions above the high mark and below the low one; `None` if never looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// Above the high mark.
    pub above: Option<Condition>,
    /// Below the low mark.
    pub below: Option<Condition>,
}

impl Conditions {
    /// Both conditions after they were looked at again.
    #[must_use]
    pub fn next(self, above: bool, below: bool) -> Self {
        let above = Some(Condition::next(self.above, above));
        Self { above, below: Some(Condition::next(self.below, below)) }
    }

    /// Whether the condition behind a change from `current` to `proposed` has held for its dwell
    /// time. A dwell time of 0 does not ask, nor does a `stable` load, inside the marks: what moves
    /// then is convergence.
    #[must_use]
    pub fn allow(&self, current: u32, proposed: u32, dwell: Dwell, stable: bool) -> bool {
        let (condition, dwell) =
            if proposed > current { (self.above, dwell.up) } else { (self.below, dwell.down) };
        stable || dwell.is_zero() || condition.is_some_and(|condition| condition.has_held(dwell))
    }
}

/// Dwell times by direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dwell {
    /// Above the high mark for so long before growing. Datadog WPA: `upscaleDelayAboveWatermarkSeconds`.
    pub up: Duration,
    /// Below the low mark for so long before shrinking. Datadog WPA: `downscaleDelayBelowWatermarkSeconds`.
    pub down: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_is_enough_and_fractions_of_a_second_do_not_count() {
        let dwell = Duration::from_secs(60);
        for (millis, want) in [(59_999, false), (60_000, true), (60_001, true)] {
            let hot = Condition { active: true, age: Duration::from_millis(millis) };
            assert_eq!(hot.has_held(dwell), want, "{millis} ms");
        }
        let cold = Condition { active: false, age: Duration::from_secs(600) };
        assert!(!cold.has_held(dwell));
    }

    #[test]
    fn what_was_never_seen_has_not_held() {
        let dwell = Dwell { up: Duration::from_secs(60), down: Duration::ZERO };
        let unknown = Conditions::default();
        assert!(!unknown.allow(8, 10, dwell, false));
        assert!(unknown.allow(8, 10, dwell, true), "converging asks for no dwell");
        assert!(unknown.allow(8, 6, dwell, false), "no dwell time downwards");
    }
}
