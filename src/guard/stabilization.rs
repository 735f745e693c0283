//! Goes no further than every recent recommendation agrees to.
//!
//! In: each proposal with its time. Out: the replicas nearest to the current ones that the
//! recommendations of both windows allow. The arithmetic is that of the Kubernetes HPA, with
//! `behavior` in [`Guard::hold`] and without in [`Stabilization::highest`]. Knows nothing of what
//! the other guards did: it remembers proposals as they came.

use serde::{Deserialize, Serialize};

use super::Guard;
use crate::Error;
use crate::explain::{Reason, codes};
use crate::time::{Duration, Timestamp};

/// Grows only to the lowest recommendation of one window, shrinks only to the highest of another.
///
/// A workload that it has never seen counts as recommended at its current size just then, so a
/// restart takes nothing away before the window has passed. Kubernetes:
/// `stabilizationWindowSeconds`.
///
/// ```
/// use forescale::Timestamp;
/// use forescale::guard::Guard;
/// use forescale::guard::stabilization::{Config, Stabilization};
///
/// let mut guard = Stabilization::new(Config::default()).unwrap();
/// let hold = |guard: &mut Stabilization, second, proposed| {
///     guard.hold(Timestamp::from_secs(second), 10, proposed).0
/// };
/// assert_eq!(hold(&mut guard, 0, 4), 10); // a first sight shrinks nothing
/// assert_eq!(hold(&mut guard, 299, 4), 10);
/// assert_eq!(hold(&mut guard, 300, 4), 4); // five minutes later it does
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stabilization {
    settings: Config,
    /// `None` before the first decision.
    history: Option<Vec<Recommendation>>,
}

/// What was proposed at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recommendation {
    /// When.
    pub at: Timestamp,
    /// How many replicas.
    pub replicas: u32,
}

impl Stabilization {
    /// From its settings.
    ///
    /// # Errors
    /// None at present.
    pub fn new(settings: Config) -> Result<Self, Error> {
        Ok(Self { settings, history: None })
    }

    /// As [`new`](Self::new), with what was recommended before. An empty history is that of a
    /// workload already known, whose recommendations have all been forgotten.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_history(settings: Config, history: Vec<Recommendation>) -> Result<Self, Error> {
        Ok(Self { history: Some(history), ..Self::new(settings)? })
    }

    /// What is remembered, in the order of the slots: a new recommendation takes the place of the
    /// last outdated one.
    #[must_use]
    pub fn history(&self) -> &[Recommendation] {
        self.history.as_deref().unwrap_or_default()
    }

    /// The highest of the proposal and all recommendations of the window for scale-down, which may
    /// lie above the current replicas: what an HPA without `behavior` does. Here the edge of the
    /// window belongs to it.
    pub fn highest(&mut self, at: Timestamp, current: u32, proposed: u32) -> u32 {
        let window = self.settings.scale_down;
        self.recall(at, current);
        let recent = self.history().iter().filter(|seen| at.since(seen.at) <= window);
        let highest = recent.map(|seen| seen.replicas).fold(proposed, u32::max);
        self.remember(at, proposed, |age| age > window);
        highest
    }

    /// Makes the history fit for the time: it begins with the first sight, and nothing in it lies
    /// ahead, so that a clock set back holds nothing for ever.
    fn recall(&mut self, at: Timestamp, current: u32) {
        let first_sight = || vec![Recommendation { at, replicas: current }];
        for seen in self.history.get_or_insert_with(first_sight) {
            seen.at = seen.at.min(at);
        }
    }

    fn remember(&mut self, at: Timestamp, replicas: u32, is_stale: impl Fn(Duration) -> bool) {
        let history = self.history.get_or_insert_default();
        let slot = history.iter().rposition(|seen| is_stale(at.since(seen.at)));
        let new = Recommendation { at, replicas };
        match slot {
            Some(slot) => history[slot] = new,
            None => {
                if history.len() >= MOST_SLOTS {
                    forget(history);
                }
                history.push(new);
            }
        }
    }
}

impl Guard for Stabilization {
    fn hold(&mut self, at: Timestamp, current: u32, proposed: u32) -> (u32, Option<Reason>) {
        let Config { scale_up, scale_down } = self.settings;
        self.recall(at, current);
        let (mut lowest, mut highest) = (proposed, proposed);
        for seen in self.history() {
            let age = at.since(seen.at);
            if age < scale_up {
                lowest = lowest.min(seen.replicas);
            }
            if age < scale_down {
                highest = highest.max(seen.replicas);
            }
        }
        // Neither live nor stale exactly at an edge, as in the HPA.
        self.remember(at, proposed, |age| age > scale_up && age > scale_down);

        let held = current.max(lowest).min(highest);
        let reason = (held != proposed).then(|| {
            let (window, recommended) =
                if held < proposed { (scale_up, lowest) } else { (scale_down, highest) };
            let facts =
                [("recommended", recommended.into()), ("window_seconds", window.as_secs_f64())];
            Reason::new(codes::STABILIZATION_WINDOW, facts)
        });
        (held, reason)
    }

    fn decided(&mut self, at: Timestamp, current: u32, _: u32) {
        // As in the HPA, the first sight is when it was first asked at all, with a proposal or not.
        self.recall(at, current);
    }
}

/// Slots that are kept at most; at one decision in 15 s the HPA's five minutes take 21.
const MOST_SLOTS: usize = 1024;

/// Makes room: forgets what no later answer can depend on, and if that is not enough, the oldest.
///
/// A recommendation matters only as long as no newer one is as high, or none is as low (Lemire
/// 2006), as the newer one stays longer in either window.
fn forget(history: &mut Vec<Recommendation>) {
    history.sort_unstable_by_key(|seen| std::cmp::Reverse(seen.at));
    let mut extremes: Option<(u32, u32)> = None;
    history.retain(|seen| {
        let (lowest, highest) = extremes.unwrap_or((seen.replicas, seen.replicas));
        let matters = extremes.is_none() || seen.replicas < lowest || seen.replicas > highest;
        extremes = Some((lowest.min(seen.replicas), highest.max(seen.replicas)));
        matters
    });
    history.truncate(MOST_SLOTS - 1);
}

/// Settings of [`Stabilization`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Growth goes only to the lowest recommendation of this time. Default 0s, as the HPA: load
    /// that is there must be carried at once.
    pub scale_up: Duration,
    /// Shrinking goes only to the highest recommendation of this time. Default 5m, as the HPA.
    pub scale_down: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self { scale_up: Duration::ZERO, scale_down: Duration::from_secs(300) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(scale_up: u32, scale_down: u32) -> Stabilization {
        let [scale_up, scale_down] = [scale_up, scale_down].map(Duration::from_secs);
        Stabilization::with_history(Config { scale_up, scale_down }, Vec::new()).unwrap()
    }

    /// A peak keeps its say for the window, then the replicas go down at once.
    #[test]
    fn holds_a_peak_for_the_window_then_lets_go() {
        let mut guard = guard(0, 300);
        //           second, current, proposed -> replicas
        let diary = [(0, 1, 10, 10), (60, 10, 1, 10), (299, 10, 1, 10), (300, 10, 1, 1)];
        for (second, current, proposed, want) in diary {
            let (replicas, reason) = guard.hold(Timestamp::from_secs(second), current, proposed);
            assert_eq!(replicas, want, "at {second} s");
            assert_eq!(reason.is_some(), replicas != proposed, "at {second} s");
        }
    }

    #[test]
    fn grows_only_as_far_as_the_whole_window_asked_for() {
        let mut guard = guard(60, 0);
        let diary = [(0, 2, 2, 2), (15, 2, 8, 2), (30, 2, 5, 2), (60, 2, 9, 5), (95, 5, 9, 9)];
        for (second, current, proposed, want) in diary {
            let (replicas, _) = guard.hold(Timestamp::from_secs(second), current, proposed);
            assert_eq!(replicas, want, "at {second} s");
        }
    }

    #[test]
    fn a_clock_set_back_by_a_year_holds_no_longer_than_the_window() {
        let mut guard = guard(0, 300);
        let (year, back) = (31_557_600, 100);
        assert_eq!(guard.hold(Timestamp::from_secs(year), 10, 10).0, 10);
        assert_eq!(guard.hold(Timestamp::from_secs(back), 10, 1).0, 10);
        assert_eq!(guard.hold(Timestamp::from_secs(back + 300), 10, 1).0, 1);
    }

    /// Ten decisions a second within one window: the same answers as if all 20 000 were kept.
    #[test]
    fn memory_is_bounded_and_the_answers_stay() {
        let mut guard = guard(0, 3600);
        let mut all = Vec::new();
        for tick in 0..20_000_u32 {
            let at = Timestamp::from_millis(i64::from(tick) * 100);
            // A saw with a falling edge, so that older highs keep mattering.
            let proposed = 500 - tick / 50 + tick * 7 % 13;
            all.push(proposed);
            let highest = all.iter().copied().max().unwrap();
            assert_eq!(guard.hold(at, 1000, proposed).0, highest, "at tick {tick}");
            assert!(guard.history().len() <= MOST_SLOTS);
        }
    }

    #[test]
    fn the_first_sight_counts_from_the_first_decision_even_without_a_proposal() {
        let mut guard = Stabilization::new(Config::default()).unwrap();
        guard.decided(Timestamp::from_secs(0), 10, 10);
        assert_eq!(guard.hold(Timestamp::from_secs(299), 10, 4).0, 10);
        assert_eq!(guard.hold(Timestamp::from_secs(300), 10, 4).0, 4);
    }

    #[test]
    fn a_restored_guard_answers_as_the_one_it_was_saved_from() {
        use crate::Saved;
        let mut one = Stabilization::new(Config::default()).unwrap();
        one.hold(Timestamp::from_secs(0), 10, 8);
        let mut other = guard(1, 1);
        other.load(one.save().unwrap()).unwrap();
        assert_eq!(one, other);
    }
}
