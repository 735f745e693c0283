//! The decision of the Knative pod autoscaler, from averages to replicas.
//!
//! In: the ready replicas, and a metric's averages over a long (stable) and a short (panic) window.
//! Out: the replicas wanted, whether it panics, and what is left for a burst. Knows nothing of where
//! the averages come from; time comes in with them.
//!
//! Follows `pkg/autoscaler/scaling/autoscaler.go` of Knative Serving (2025) to the last bit. Two
//! points differ, neither of them in what it decides: a number of replicas beyond 32 bits stays at
//! the largest, and the delay before scale-down takes values in any order of time.

use serde::{Deserialize, Serialize};

use crate::series::TimedMax;
use crate::time::{Duration, Timestamp};

/// How often Knative decides, and so the slots in which it remembers for its delay.
const TICK: Duration = Duration::from_secs(2);

/// What the decision goes by. Every number is taken as it is; the policy's settings have the ranges.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Law {
    /// The load a replica should have, in the metric's unit.
    pub target: f64,
    /// The load a replica can have, in the metric's unit.
    pub total: f64,
    /// The load that must find room at once: 0 for none, below 0 for any.
    pub target_burst_capacity: f64,
    /// Panics from this ratio of the replicas wanted for the panic average to the ready ones.
    pub panic_threshold: f64,
    /// At most this many times the ready replicas.
    pub max_scale_up_rate: f64,
    /// At least the ready replicas by this.
    pub max_scale_down_rate: f64,
    /// For how long it goes on panicking after the panic average last was over the threshold.
    pub stable_window: Duration,
    /// Goes down only to the highest want of this time.
    pub scale_down_delay: Duration,
    /// The fewest replicas where there is any load; 0 and 1 change nothing.
    pub activation_scale: u32,
    /// Whether the workload can get requests; what cannot may shrink to nothing at once.
    pub reachable: bool,
}

/// What is seen at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Averages {
    /// When.
    pub at: Timestamp,
    /// The ready replicas; `None` if they cannot be counted.
    pub ready: Option<u32>,
    /// The metric's average over the stable window; `None` if there is none.
    pub stable: Option<f64>,
    /// The metric's average over the panic window; `None` if there is none.
    pub panic: Option<f64>,
}

/// What is remembered between two decisions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    panic_since: Option<Timestamp>,
    peak: u32,
    delayed: TimedMax,
}

/// A decision of the [`Law`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    /// Whether there was anything to decide on; if not, nothing has been remembered either.
    pub valid: bool,
    /// The replicas wanted; 0 if not valid.
    pub desired: u32,
    /// The replicas that the averages ask for now, before the panic's peak and the delay.
    pub asked: u32,
    /// The replicas wanted before the delay.
    pub undelayed: u32,
    /// The load that would still find room if the target burst came now, in the metric's unit; below
    /// 0 if it would not find room, -1 if bursts are without limit, 0 if none is planned for.
    pub excess_burst_capacity: i64,
    /// Whether it panics.
    pub panicking: bool,
    /// When the panic average last was over the threshold, while it panics.
    pub panic_since: Option<Timestamp>,
}

impl State {
    /// At the start, with so many ready replicas. With more than one it starts in panic, so that
    /// nothing is taken away before there is an average to go by.
    #[must_use]
    pub fn start(at: Timestamp, ready: u32) -> Self {
        Self {
            panic_since: (ready > 1).then_some(at),
            peak: ready,
            delayed: TimedMax::new(TICK, TICK),
        }
    }

    /// In a panic that began at `since` and has wanted `peak` replicas.
    #[must_use]
    pub fn panicking(since: Timestamp, peak: u32) -> Self {
        Self { panic_since: Some(since), ..Self::start(since, peak) }
    }

    /// Whether its slots are those of a [`State::start`]: what was read from a snapshot may have
    /// others.
    pub(super) fn is_sound(&self) -> bool {
        self.delayed.granularity() == TICK
    }

    /// When the panic average last was over the threshold; `None` if it does not panic.
    #[must_use]
    pub fn panic_since(&self) -> Option<Timestamp> {
        self.panic_since
    }

    /// The most replicas that this panic has wanted; at the start the ready ones.
    #[must_use]
    pub fn peak(&self) -> u32 {
        self.peak
    }

    /// Decides. Without a count or an average the verdict is not valid and nothing is remembered.
    ///
    /// ```
    /// use forescale::policy::concurrency::law::{Averages, Law, State};
    /// use forescale::{Duration, Timestamp};
    ///
    /// let law = Law {
    ///     target: 10.0, total: 13.0, target_burst_capacity: 0.0, panic_threshold: 2.0,
    ///     max_scale_up_rate: 1000.0, max_scale_down_rate: 2.0,
    ///     stable_window: Duration::from_secs(60), scale_down_delay: Duration::ZERO,
    ///     activation_scale: 1, reachable: true,
    /// };
    /// let mut state = State::start(Timestamp::from_secs(0), 1);
    /// let mut decide = |second, ready, stable, panic| {
    ///     let (ready, stable, panic) = (Some(ready), Some(stable), Some(panic));
    ///     state.step(&law, &Averages { at: Timestamp::from_secs(second), ready, stable, panic })
    /// };
    /// assert_eq!(decide(0, 5, 50.0, 91.0).desired, 10); // ceil(91 / 10) is twice 5: panic
    /// assert_eq!(decide(60, 10, 20.0, 20.0).desired, 10); // nothing is taken away in it
    /// assert_eq!(decide(61, 10, 20.0, 20.0).desired, 5); // floor(10 / 2), wanted are 2
    /// ```
    pub fn step(&mut self, law: &Law, seen: &Averages) -> Verdict {
        let (Some(ready), Some(stable), Some(panic)) = (seen.ready, seen.stable, seen.panic) else {
            return self.verdict(false, [0; 3], 0);
        };
        let counted = f64::from(ready.max(1));
        let most = (law.max_scale_up_rate * counted).ceil();
        let least = if law.reachable { (counted / law.max_scale_down_rate).floor() } else { 0.0 };
        let want = |average: f64| {
            let raw = (average / law.target).ceil();
            let within = raw.max(least).min(most) as u32;
            // Above the limit of growth too: the first request may start so many.
            let activates = law.activation_scale > 1 && raw > 0.0;
            (raw, if activates { within.max(law.activation_scale) } else { within })
        };
        let (_, stable_want) = want(stable);
        let (panic_raw, panic_want) = want(panic);

        if panic_raw / counted >= law.panic_threshold {
            self.panic_since = Some(seen.at);
        } else if self.panic_since.is_some_and(|since| since + law.stable_window < seen.at) {
            self.panic_since = None;
            self.peak = 0;
        }
        let mut asked = stable_want;
        let mut undelayed = asked;
        if self.panic_since.is_some() {
            asked = stable_want.max(panic_want);
            self.peak = self.peak.max(asked);
            undelayed = self.peak;
        }

        let mut desired = undelayed;
        if law.reachable && !law.scale_down_delay.is_zero() {
            self.delayed.resize(law.scale_down_delay);
            self.delayed.record(seen.at, f64::from(undelayed));
            desired = self.delayed.max().map_or(undelayed, |most| most as u32);
        }
        let excess = match law.target_burst_capacity {
            0.0 => 0.0,
            burst if burst < 0.0 => -1.0,
            burst => (f64::from(ready) * law.total - burst - panic).floor(),
        };
        self.verdict(true, [desired, asked, undelayed], excess as i64)
    }

    fn verdict(&self, valid: bool, replicas: [u32; 3], excess_burst_capacity: i64) -> Verdict {
        let [desired, asked, undelayed] = replicas;
        Verdict {
            valid,
            desired,
            asked,
            undelayed,
            excess_burst_capacity,
            panicking: self.panic_since.is_some(),
            panic_since: self.panic_since,
        }
    }
}
