//! The largest value of the last while.
//!
//! In: values by the index of their slot, or by time. Out: the maximum over the last slots. Knows
//! nothing of what the values mean, and reads no clock.
//!
//! The Knative pod autoscaler (Knative Serving, `pkg/autoscaler/aggregation/max`) holds its
//! scale-down with it. It differs where values come out of order: Knative takes their indices for
//! ascending and may forget what still counts, here order does not matter.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::time::{Duration, Timestamp};

/// The maximum over the last slots, by their index.
///
/// Several values in one slot keep the largest; a slot leaves once it is as many or more behind the
/// newest one. Holds a value for each slot at most, and costs O(1) a value on average (Lemire 2006).
///
/// ```
/// use forescale::series::SlidingMax;
///
/// let mut max = SlidingMax::new(5);
/// for (slot, value) in [(0, 5.0), (1, 7.0), (2, 1.0), (6, 2.0)] {
///     max.record(slot, value);
/// }
/// assert_eq!(max.max(), Some(2.0)); // slot 1 is five behind slot 6, slot 2 has only 1
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct SlidingMax {
    slots: usize,
    /// Invariant: slots rise and values fall strictly towards the back, so that the front is the
    /// largest and the back the newest.
    maxima: VecDeque<(i64, f64)>,
}

impl SlidingMax {
    /// An empty one over so many slots, at least one.
    #[must_use]
    pub fn new(slots: usize) -> Self {
        Self { slots: slots.max(1), maxima: VecDeque::new() }
    }

    /// Over how many slots.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.slots
    }

    /// Takes a value into its slot. One that is too far behind the newest slot, or not finite, is
    /// dropped.
    pub fn record(&mut self, slot: i64, value: f64) {
        if !value.is_finite() {
            return;
        }
        let newest = self.maxima.back().map_or(slot, |&(newest, _)| newest.max(slot));
        if self.has_left(slot, newest) {
            return;
        }
        let mut place = self.maxima.partition_point(|&(other, _)| other < slot);
        // From its own slot on, one that is as large hides it.
        if self.maxima.get(place).is_some_and(|&(_, other)| other >= value) {
            return;
        }
        // What it hides in turn: a smaller one of its own slot, and smaller ones before.
        if self.maxima.get(place).is_some_and(|&(other, _)| other == slot) {
            self.maxima.remove(place);
        }
        while place > 0 && self.maxima[place - 1].1 <= value {
            place -= 1;
            self.maxima.remove(place);
        }
        self.maxima.insert(place, (slot, value));
        self.forget();
    }

    /// The maximum; `None` if nothing was recorded.
    #[must_use]
    pub fn max(&self) -> Option<f64> {
        self.maxima.front().map(|&(_, value)| value)
    }

    /// Changes the number of slots, at least one. What has left stays away.
    pub fn resize(&mut self, slots: usize) {
        self.slots = slots.max(1);
        self.forget();
    }

    fn forget(&mut self) {
        let Some(&(newest, _)) = self.maxima.back() else { return };
        while self.maxima.front().is_some_and(|&(slot, _)| self.has_left(slot, newest)) {
            self.maxima.pop_front();
        }
    }

    fn has_left(&self, slot: i64, newest: i64) -> bool {
        newest.saturating_sub(slot) >= i64::try_from(self.slots).unwrap_or(i64::MAX)
    }
}

/// What a snapshot holds, before it is trusted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    slots: usize,
    maxima: VecDeque<(i64, f64)>,
}

impl TryFrom<Stored> for SlidingMax {
    type Error = &'static str;

    fn try_from(Stored { slots, maxima }: Stored) -> Result<Self, &'static str> {
        let falls = maxima.iter().zip(maxima.iter().skip(1)).all(|(a, b)| a.0 < b.0 && a.1 > b.1);
        let read = Self { slots, maxima };
        let ends = read.maxima.front().zip(read.maxima.back());
        let spread = ends.is_some_and(|(first, last)| read.has_left(first.0, last.0));
        let is_finite = read.maxima.iter().all(|(_, value)| value.is_finite());
        if slots == 0 || !falls || spread || !is_finite {
            return Err("a sliding maximum's values do not fall within its slots");
        }
        Ok(read)
    }
}

/// The maximum over the last while: a [`SlidingMax`] over `ceil(window / granularity)` slots of time.
///
/// ```
/// use forescale::series::TimedMax;
/// use forescale::{Duration, Timestamp};
///
/// let mut max = TimedMax::new(Duration::from_secs(5), Duration::from_secs(2)); // three slots
/// max.record(Timestamp::from_secs(1000), 9.0);
/// max.record(Timestamp::from_millis(1_005_900), 3.0);
/// assert_eq!(max.max(), Some(9.0));
/// max.record(Timestamp::from_secs(1006), 2.0);
/// assert_eq!(max.max(), Some(3.0));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "StoredTimed")]
pub struct TimedMax {
    /// Invariant: not zero.
    granularity: Duration,
    over: SlidingMax,
}

impl TimedMax {
    /// An empty one; a granularity of zero counts as a millisecond, a window of zero as one slot.
    #[must_use]
    pub fn new(window: Duration, granularity: Duration) -> Self {
        let granularity = granularity.max(Duration::from_millis(1));
        Self { granularity, over: SlidingMax::new(window.steps(granularity)) }
    }

    /// The length of a slot.
    #[must_use]
    pub fn granularity(&self) -> Duration {
        self.granularity
    }

    /// Takes a value into the slot of its time; see [`SlidingMax::record`].
    pub fn record(&mut self, at: Timestamp, value: f64) {
        self.over.record(at.as_millis().div_euclid(self.granularity.as_millis()), value);
    }

    /// The maximum; `None` if nothing was recorded.
    #[must_use]
    pub fn max(&self) -> Option<f64> {
        self.over.max()
    }

    /// Changes the length of the window; see [`SlidingMax::resize`].
    pub fn resize(&mut self, window: Duration) {
        self.over.resize(window.steps(self.granularity));
    }
}

/// What a snapshot holds, before it is trusted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredTimed {
    granularity: Duration,
    over: SlidingMax,
}

impl TryFrom<StoredTimed> for TimedMax {
    type Error = &'static str;

    fn try_from(StoredTimed { granularity, over }: StoredTimed) -> Result<Self, &'static str> {
        if granularity.is_zero() {
            return Err("a sliding maximum's slots have no length");
        }
        Ok(Self { granularity, over })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against the definition: keep everything, look at all of it.
    #[test]
    fn it_is_the_maximum_over_the_last_slots_in_any_order() {
        let mut seed = 7_u64;
        let mut draw = |n: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            ((seed >> 33) % n) as i64
        };
        for slots in 1..9 {
            let (mut max, mut all) = (SlidingMax::new(slots), Vec::new());
            for step in 0..500 {
                let (slot, value) = (step / 2 + draw(8) - draw(12), draw(20) as f64);
                max.record(slot, value);
                all.push((slot, value));
                let newest = all.iter().map(|&(slot, _)| slot).max().expect("there is one");
                let within = all.iter().filter(|&&(slot, _)| newest - slot < slots as i64);
                let want = within.map(|&(_, value)| value).max_by(f64::total_cmp);
                assert_eq!(max.max(), want, "{slots} slots, step {step}");
                assert!(max.maxima.len() <= slots);
            }
        }
    }

    #[test]
    fn what_has_left_does_not_come_back_with_a_longer_window() {
        let mut max = TimedMax::new(Duration::from_secs(10), Duration::from_secs(2));
        for (second, value) in [(0, 9.0), (2, 5.0), (8, 1.0)] {
            max.record(Timestamp::from_secs(second), value);
        }
        assert_eq!(max.max(), Some(9.0));
        max.resize(Duration::from_secs(8));
        assert_eq!(max.max(), Some(5.0));
        max.resize(Duration::from_secs(60));
        assert_eq!(max.max(), Some(5.0));
    }

    #[test]
    fn the_ends_of_time_and_what_is_no_number_do_no_harm() {
        let mut max = TimedMax::new(Duration::ZERO, Duration::ZERO);
        max.record(Timestamp::from_millis(0), f64::NAN);
        assert_eq!(max.max(), None);
        for (millis, want) in [(i64::MIN, 1.0), (i64::MAX, 2.0), (0, 2.0)] {
            max.record(Timestamp::from_millis(millis), want);
            assert_eq!(max.max(), Some(want));
        }
    }

    #[test]
    fn a_damaged_snapshot_is_refused() {
        let mut max = TimedMax::new(Duration::from_secs(10), Duration::from_secs(2));
        for (second, value) in [(0, 9.0), (2, 5.0), (8, 1.0)] {
            max.record(Timestamp::from_secs(second), value);
        }
        let text = serde_json::to_string(&max).expect("a snapshot");
        assert_eq!(serde_json::from_str::<TimedMax>(&text).expect("its own snapshot"), max);
        for (part, damage) in [
            (r#""granularity":"2s""#, r#""granularity":"0s""#),
            (r#""slots":5"#, r#""slots":0"#),
            (r#""slots":5"#, r#""slots":4"#),
            ("[0,9.0]", "[0,5.0]"),
            ("[0,9.0]", "[1,9.0]"),
        ] {
            let damaged = text.replace(part, damage);
            assert_ne!(damaged, text, "`{part}` is not in it");
            assert!(serde_json::from_str::<TimedMax>(&damaged).is_err(), "{damaged}");
        }
    }
}
