//! KEDA's activation: the size after one poll of the triggers.
//!
//! In: what a poll has found, with ages. Out: the size, and what is told of activity and readiness.
//! Reads no clock, keeps nothing, and knows no metric source.
//!
//! Followed are KEDA 2.20 and 2.21; between 1 and the maximum its Kubernetes HPA is in charge.

use crate::time::Duration;

/// What a poll of a workload's triggers has found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Poll {
    /// The replicas there are.
    pub current: u32,
    /// The least replicas while active. KEDA: `minReplicaCount`; `None` is 0.
    pub min_replicas: Option<u32>,
    /// The replicas while idle, if other than the least. KEDA: `idleReplicaCount`.
    pub idle_replicas: Option<u32>,
    /// Whether any trigger is above its activation threshold.
    pub active: bool,
    /// Whether any trigger could not be read.
    pub trigger_error: bool,
    /// Whether it counts as active whatever the triggers say. KEDA: `force-activation`.
    pub forced: bool,
    /// Whether nothing may change. KEDA: `paused`.
    pub paused: bool,
    /// Whether it must not shrink. KEDA: `paused-scale-in`.
    pub pause_scale_in: bool,
    /// Whether it must not grow. KEDA: `paused-scale-out`.
    pub pause_scale_out: bool,
    /// The replicas of the fallback, if there is one. KEDA: `fallback.replicas`.
    pub fallback_replicas: Option<u32>,
    /// The age of the last activity; `None` if never active.
    pub last_active: Option<Duration>,
    /// The age of the workload's settings.
    pub created: Duration,
    /// After activity, no shrinking up to and including this age. KEDA: `cooldownPeriod`.
    pub cooldown: Duration,
    /// Where never active, no shrinking up to and including this age of the settings. KEDA:
    /// `initialCooldownPeriod`.
    pub initial_cooldown: Duration,
}

/// The size after a poll, and what is told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale {
    /// The replicas to have.
    pub replicas: u32,
    /// Whether it counts as active. KEDA: the condition `Active`.
    pub active: bool,
    /// Whether it works; `None` if that stays open, as some triggers do and some do not. KEDA: the
    /// condition `Ready`, which also holds where a failure has no effect.
    pub ready: Option<bool>,
    /// Whether it was paused. KEDA: the condition `Paused`.
    pub paused: bool,
}

/// The size after one poll.
///
/// While a trigger cannot be read, nothing shrinks, unless the fallback is of 0 replicas.
///
/// ```
/// use forescale::Duration;
/// use forescale::zero::activation::{Poll, request_scale};
///
/// let idle = Poll { current: 3, cooldown: Duration::from_secs(300), ..Poll::default() };
/// let last = |seconds| Poll { last_active: Some(Duration::from_secs(seconds)), ..idle };
/// assert_eq!(request_scale(&last(300)).replicas, 3);
/// assert_eq!(request_scale(&last(301)).replicas, 0);
/// assert_eq!(request_scale(&Poll { active: true, ..Poll::default() }).replicas, 1);
/// ```
#[must_use]
pub fn request_scale(poll: &Poll) -> Scale {
    let Poll { current, idle_replicas: idle, .. } = *poll;
    let min = poll.min_replicas.unwrap_or(0);
    let active = poll.active || poll.forced;
    let unreadable = poll.trigger_error;
    let to = |replicas, ready| Scale { replicas, active, ready, paused: poll.paused };
    let well = Some(true);
    if poll.paused {
        return to(current, well);
    }
    if active {
        let asleep = current == 0 || (idle.is_some() && current < min);
        if !asleep {
            return to(current, (!unreadable).then_some(true));
        }
        return to(if poll.pause_scale_out { current } else { min.max(1) }, well);
    }

    match poll.fallback_replicas {
        Some(1..) if unreadable => return to(current, well),
        None if unreadable => return to(current, Some(false)),
        _ => {}
    }
    let awake = idle.is_some_and(|idle| current > idle) || (current > 0 && min == 0);
    if awake {
        let rested = match poll.last_active {
            Some(age) => age > poll.cooldown,
            None => poll.created > poll.initial_cooldown,
        };
        let shrinks = rested && !poll.pause_scale_in;
        let (_, rest) = idle_or_min(idle, poll.min_replicas);
        return to(if shrinks { rest } else { current }, well);
    }
    to(if idle.is_none() { current.max(min) } else { current }, well)
}

/// Whether there is an idle size, and the size while inactive: that one, else the minimum.
///
/// ```
/// use forescale::zero::activation::idle_or_min;
///
/// assert_eq!(idle_or_min(Some(0), Some(2)), (true, 0));
/// assert_eq!(idle_or_min(None, Some(2)), (false, 2));
/// assert_eq!(idle_or_min(None, None), (false, 0));
/// ```
#[must_use]
pub fn idle_or_min(idle_replicas: Option<u32>, min_replicas: Option<u32>) -> (bool, u32) {
    (idle_replicas.is_some(), idle_replicas.or(min_replicas).unwrap_or(0))
}

/// Whether any value is above its activation threshold, strictly; pairs of value and threshold.
#[must_use]
pub fn any_active(triggers: impl IntoIterator<Item = (f64, f64)>) -> bool {
    triggers.into_iter().any(|(value, activation)| value > activation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_that_is_paused_leaves_the_workload_active_and_asleep() {
        let poll = Poll { active: true, pause_scale_out: true, ..Poll::default() };
        let scale = request_scale(&poll);
        assert_eq!((scale.replicas, scale.active), (0, true));
    }

    #[test]
    fn shrinking_that_is_paused_keeps_the_size() {
        let poll = Poll { current: 4, created: Duration::from_secs(1), ..Poll::default() };
        assert_eq!(request_scale(&poll).replicas, 0);
        assert_eq!(request_scale(&Poll { pause_scale_in: true, ..poll }).replicas, 4);
    }

    #[test]
    fn below_the_minimum_without_an_idle_size_it_is_lifted_though_inactive() {
        let poll = Poll { current: 2, min_replicas: Some(5), ..Poll::default() };
        assert_eq!(request_scale(&poll).replicas, 5);
        assert_eq!(request_scale(&Poll { idle_replicas: Some(2), ..poll }).replicas, 2);
    }
}
