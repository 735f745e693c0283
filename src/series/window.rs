//! Sums in slots of a moving window, and their average.
//!
//! In: values with their times, in any order. Out: the linear or exponential average over the last
//! while. Knows nothing of what the values mean, and reads no clock.
//!
//! The arithmetic is that of the metric windows of the Knative pod autoscaler (Knative Serving,
//! `pkg/autoscaler/aggregation`). It differs in three points: a sum is taken of the slots that are
//! held, not carried along, so that a huge value that has left leaves no crumbs of rounding behind;
//! what is not finite is not recorded; and [`fill`](Window::fill) is ours, for readings of a level
//! that come less often than once a slot.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::time::{Duration, Timestamp};

/// Sums of values in slots of a fixed length over a moving window.
///
/// Slot `k` covers `[k * granularity, (k + 1) * granularity)`. The window holds
/// `ceil(window / granularity)` slots, at most [`MOST_SLOTS`](Self::MOST_SLOTS), of which the newest
/// is that of the latest write.
///
/// ```
/// use forescale::series::{Weighting, Window};
/// use forescale::{Duration, Timestamp};
///
/// let seconds = Duration::from_secs;
/// let mut window = Window::new(seconds(60), seconds(2), Weighting::Linear)?;
/// window.record(Timestamp::from_secs(1000), 8.0);
/// window.record(Timestamp::from_secs(1002), 4.0);
/// // Until the window has filled, only the slots that have passed count.
/// assert_eq!(window.average(Timestamp::from_secs(1002)), 6.0);
/// # Ok::<(), forescale::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct Window {
    weighting: Weighting,
    window: Duration,
    granularity: Duration,
    /// The sum of slot `k` lies at `k` modulo their number, so that a restored window adds in the
    /// same order.
    slots: Vec<f64>,
    /// The sum of each [`BLOCK`] of them, so that an average need not add up every slot.
    #[serde(skip_serializing)]
    blocks: Vec<f64>,
    /// The first slot that counts and the latest one; `None` if nothing was recorded.
    span: Option<Span>,
}

/// An hour of seconds is 57 blocks, and what was written since the last average a block or two.
const BLOCK: usize = 64;

/// How the slots of a [`Window`] weigh in its average.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weighting {
    /// All alike.
    #[default]
    Linear,
    /// The newer the more, by [`smoothing_coefficient`].
    Exponential,
}

/// Invariant: `first` is not after `latest`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Span {
    first: i64,
    latest: i64,
}

impl Window {
    /// A window never has more slots.
    pub const MOST_SLOTS: usize = 100_000;

    /// A slot's sum stays within plus and minus this, so that no sum of slots is beyond all numbers.
    pub const LARGEST: f64 = 1e302;

    /// An empty window.
    ///
    /// # Errors
    /// If `window` or `granularity` is zero, or the window has more than
    /// [`MOST_SLOTS`](Self::MOST_SLOTS) slots.
    pub fn new(
        window: Duration,
        granularity: Duration,
        weighting: Weighting,
    ) -> Result<Self, Error> {
        let n_slots = n_slots(window, granularity)?;
        Ok(Self::of(weighting, window, granularity, vec![0.0; n_slots], None))
    }

    /// From parts that fit together.
    fn of(
        weighting: Weighting,
        window: Duration,
        granularity: Duration,
        slots: Vec<f64>,
        span: Option<Span>,
    ) -> Self {
        let blocks = slots.chunks(BLOCK).map(sum).collect();
        Self { weighting, window, granularity, slots, blocks, span }
    }

    /// The length of the window.
    #[must_use]
    pub fn window(&self) -> Duration {
        self.window
    }

    /// The length of a slot.
    #[must_use]
    pub fn granularity(&self) -> Duration {
        self.granularity
    }

    /// Adds a value to the slot of its time; returns whether it counts.
    ///
    /// A value whose slot starts a whole window or more before the latest one comes too late and is
    /// dropped; one that much after it forgets everything before. In between any order will do. A
    /// value that is not finite is dropped, and a sum beyond [`LARGEST`](Self::LARGEST) stays there.
    pub fn record(&mut self, at: Timestamp, value: f64) -> bool {
        let slot = self.slot(at);
        if !value.is_finite() || !self.advance(slot, slot) {
            return false;
        }
        let sum = self.slots[self.place(slot)] + value;
        self.set(slot, 1, sum);
        true
    }

    /// Sets each slot after that of `after`, up to that of `at`, to a value: a reading of a level
    /// that speaks for the time since the one before. Without `after`, or where both lie in one
    /// slot, sets that of `at` alone. Returns whether it counts, as [`record`](Self::record).
    ///
    /// ```
    /// use forescale::series::{Weighting, Window};
    /// use forescale::{Duration, Timestamp};
    ///
    /// let seconds = Duration::from_secs;
    /// let mut window = Window::new(seconds(60), seconds(1), Weighting::Linear)?;
    /// window.fill(None, Timestamp::from_secs(0), 10.0);
    /// window.fill(Some(Timestamp::from_secs(0)), Timestamp::from_secs(15), 2.0);
    /// // (1 * 10 + 15 * 2) / 16
    /// assert_eq!(window.average(Timestamp::from_secs(15)), 2.5);
    /// # Ok::<(), forescale::Error>(())
    /// ```
    pub fn fill(&mut self, after: Option<Timestamp>, at: Timestamp, value: f64) -> bool {
        let slot = self.slot(at);
        let oldest = slot.saturating_sub(self.slots.len() as i64 - 1);
        let first = after.map_or(slot, |after| self.slot(after).saturating_add(1));
        let first = first.clamp(oldest, slot);
        if !value.is_finite() || !self.advance(first, slot) {
            return false;
        }
        // What lies before the window is not held.
        let held = self.oldest().max(first);
        self.set(held, (slot - held + 1) as usize, value);
        true
    }

    /// The average at `now`; 0 if nothing was recorded, or nothing for a whole window.
    ///
    /// Linear: the sum of the slots that are within the window, by how many of them have passed
    /// since the first write, rounded to 6 decimals by [`round_digits`]. Slots without a value count
    /// as 0, but time since the latest write shortens the divisor. Exponential: each slot weighs
    /// `a * (1 - a)^(slots before now)`, with `a` of [`smoothing_coefficient`]. A `now` before the
    /// latest write counts as that.
    #[must_use]
    pub fn average(&self, now: Timestamp) -> f64 {
        let Some(Span { first, latest }) = self.span else { return 0.0 };
        let n_slots = self.slots.len() as i64;
        let gap = self.slot(now).saturating_sub(latest).max(0);
        if gap >= n_slots {
            return 0.0;
        }
        match self.weighting {
            Weighting::Linear => {
                let passed = latest.saturating_sub(first).saturating_add(1);
                round_digits(self.sum(gap) / passed.min(n_slots - gap) as f64, 6)
            }
            Weighting::Exponential => {
                let coefficient = smoothing_coefficient(self.slots.len());
                let mut weight = coefficient * libm::pow(1.0 - coefficient, gap as f64);
                let mut average = 0.0;
                for back in 0..n_slots - gap {
                    average += self.slots[self.place(latest.saturating_sub(back))] * weight;
                    weight *= 1.0 - coefficient;
                }
                average
            }
        }
    }

    /// The sum over all slots that are held, whatever the time is now.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.sum(0)
    }

    /// The slots that hold more than 0, the oldest first: their start and their sum.
    pub fn slots(&self) -> impl Iterator<Item = (Timestamp, f64)> + '_ {
        let millis = self.granularity.as_millis();
        self.span.into_iter().flat_map(move |Span { latest, .. }| {
            (self.oldest()..=latest)
                .map(move |slot| (slot, self.slots[self.place(slot)]))
                .filter(|&(_, sum)| sum > 0.0)
                .map(move |(slot, sum)| (Timestamp::from_millis(slot.saturating_mul(millis)), sum))
        })
    }

    /// Changes the length of the window at `now`; the same length changes nothing.
    ///
    /// If the latest slot is at most one old window old, as many of the newest slots as there are in
    /// both windows are kept, and from then on the old window counts as having been full. Otherwise
    /// everything is forgotten.
    ///
    /// # Errors
    /// As [`new`](Self::new); nothing is changed then.
    pub fn resize(&mut self, window: Duration, now: Timestamp) -> Result<(), Error> {
        if window == self.window {
            return Ok(());
        }
        let mut resized = Self::new(window, self.granularity, self.weighting)?;
        let age = |latest| {
            let gap = self.slot(now).saturating_sub(latest);
            gap.saturating_mul(self.granularity.as_millis())
        };
        let kept = self.span.filter(|span| age(span.latest) <= self.window.as_millis());
        if let Some(Span { latest, .. }) = kept {
            for back in 0..self.slots.len().min(resized.slots.len()) as i64 {
                let slot = latest.saturating_sub(back);
                let place = resized.place(slot);
                resized.slots[place] = self.slots[self.place(slot)];
            }
            resized.add_up(0..resized.slots.len());
            let first = latest.saturating_sub(self.slots.len() as i64 - 1);
            resized.span = Some(Span { first, latest });
        }
        *self = resized;
        Ok(())
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.slots.fill(0.0);
        self.blocks.fill(0.0);
        self.span = None;
    }

    /// The oldest slot that is held, of a window with a latest one.
    fn oldest(&self) -> i64 {
        let latest = self.span.map_or(0, |span| span.latest);
        latest.saturating_sub(self.slots.len() as i64 - 1)
    }

    fn slot(&self, at: Timestamp) -> i64 {
        at.as_millis().div_euclid(self.granularity.as_millis())
    }

    fn place(&self, slot: i64) -> usize {
        slot.rem_euclid(self.slots.len() as i64) as usize
    }

    /// Makes room for a write to the slots from `first` to `last`; `false` if it comes too late.
    fn advance(&mut self, first: i64, last: i64) -> bool {
        let Some(span) = self.span else {
            self.span = Some(Span { first, latest: last });
            return true;
        };
        let n_slots = self.slots.len() as i64;
        if span.latest.saturating_sub(last) >= n_slots {
            return false;
        }
        let ahead = last.saturating_sub(span.latest);
        if ahead >= n_slots {
            self.clear();
            self.span = Some(Span { first, latest: last });
            return true;
        }
        if ahead > 0 {
            self.set(span.latest + 1, ahead as usize, 0.0);
        }
        self.span = Some(Span { first: span.first.min(first), latest: span.latest.max(last) });
        true
    }

    /// Sets the `n` slots from `first` on; no more than there are.
    fn set(&mut self, first: i64, n: usize, value: f64) {
        let place = self.place(first);
        let n_before_wrap = n.min(self.slots.len() - place);
        for places in [place..place + n_before_wrap, 0..n - n_before_wrap] {
            self.slots[places.clone()].fill(value.clamp(-Self::LARGEST, Self::LARGEST));
            self.add_up(places);
        }
    }

    /// Brings the blocks of these places up to date.
    fn add_up(&mut self, places: Range<usize>) {
        for block in places.start / BLOCK..places.end.div_ceil(BLOCK) {
            let end = self.slots.len().min((block + 1) * BLOCK);
            self.blocks[block] = sum(&self.slots[block * BLOCK..end]);
        }
    }

    /// The sum of the slots but for the `gap` oldest ones.
    fn sum(&self, gap: i64) -> f64 {
        let Some(Span { latest, .. }) = self.span else { return 0.0 };
        if gap == 0 {
            return sum(&self.blocks);
        }
        (0..self.slots.len() as i64 - gap)
            .map(|back| self.slots[self.place(latest.saturating_sub(back))])
            .sum()
    }
}

/// In four lanes, as each addition would else have to wait for the one before.
fn sum(values: &[f64]) -> f64 {
    let (fours, rest) = values.as_chunks::<4>();
    let mut lanes = [0.0; 4];
    for four in fours {
        for (lane, value) in lanes.iter_mut().zip(four) {
            *lane += value;
        }
    }
    lanes.iter().chain(rest).sum()
}

fn n_slots(window: Duration, granularity: Duration) -> Result<usize, Error> {
    if granularity.is_zero() {
        return Err(Error::config("granularity", "is 0s, must be above 0"));
    }
    let n_slots = window.steps(granularity);
    if (1..=Window::MOST_SLOTS).contains(&n_slots) {
        return Ok(n_slots);
    }
    let message =
        format!("is {window}, must have 1 to {} slots of {granularity}", Window::MOST_SLOTS);
    Err(Error::config("window", message))
}

/// What a snapshot holds, before it is trusted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    weighting: Weighting,
    window: Duration,
    granularity: Duration,
    slots: Vec<f64>,
    span: Option<Span>,
}

impl TryFrom<Stored> for Window {
    type Error = Error;

    fn try_from(stored: Stored) -> Result<Self, Error> {
        let Stored { weighting, window, granularity, slots, span } = stored;
        let n_slots = n_slots(window, granularity)?;
        let in_range = slots.iter().all(|sum| sum.abs() <= Self::LARGEST);
        let is_empty = slots.iter().all(|&sum| sum == 0.0);
        let in_order = span.is_none_or(|span| span.first <= span.latest);
        if slots.len() != n_slots || !in_range || !in_order || (span.is_none() && !is_empty) {
            return Err(Error::snapshot(format!(
                "holds a window of {n_slots} slots that do not fit"
            )));
        }
        Ok(Self::of(weighting, window, granularity, slots, span))
    }
}

/// The weight of the newest of `slots` slots: `max(1 - 0.0001^(1 / slots), 0.2)`, so that after a
/// whole window one ten-thousandth of a weight is left, or less.
///
/// ```
/// use forescale::series::smoothing_coefficient;
///
/// assert!((smoothing_coefficient(6) - 0.78456).abs() < 1e-5);
/// assert_eq!(smoothing_coefficient(60), 0.2);
/// ```
#[must_use]
pub fn smoothing_coefficient(slots: usize) -> f64 {
    (1.0 - libm::pow(0.0001, 1.0 / slots as f64)).max(0.2)
}

/// A number rounded to so many decimals, halves away from 0: `round(value * 10^digits) / 10^digits`.
/// A number too large for that is returned as it is, having no decimals to round.
///
/// ```
/// use forescale::series::round_digits;
///
/// assert_eq!(round_digits(1.2345, 3), 1.235);
/// assert_eq!(round_digits(-0.5, 0), -1.0);
/// ```
#[must_use]
pub fn round_digits(value: f64, digits: u32) -> f64 {
    const MOST: u32 = f64::MAX_10_EXP as u32;
    let scale = (0..digits.min(MOST)).fold(1.0, |scale, _| scale * 10.0);
    let scaled = value * scale;
    if scaled.is_finite() { scaled.round() / scale } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_secs(second)
    }

    fn window(seconds: u32) -> Window {
        Window::new(Duration::from_secs(seconds), SECOND, Weighting::Linear).expect("in range")
    }

    fn recorded(seconds: u32, values: &[(i64, f64)]) -> Window {
        let mut window = window(seconds);
        for &(second, value) in values {
            window.record(at(second), value);
        }
        window
    }

    #[test]
    fn a_huge_value_that_has_left_leaves_nothing_behind() {
        let mut window = recorded(5, &[(0, 0.1), (1, 1e300), (2, 0.2)]);
        window.record(at(6), 0.3);
        assert_eq!(window.total(), 0.5);
    }

    #[test]
    fn sums_beyond_the_largest_stay_there() {
        let window = recorded(5, &[(0, f64::MAX), (0, f64::MAX), (1, f64::MAX)]);
        assert_eq!(window.total(), 2.0 * Window::LARGEST);
        assert_eq!(window.average(at(1)), Window::LARGEST);
        assert_eq!(recorded(5, &[(0, f64::NAN), (0, f64::INFINITY)]).span, None);
    }

    #[test]
    fn a_long_window_adds_all_of_its_slots() {
        let values: Vec<_> = (0..5000).map(|second| (second, second as f64)).collect();
        let window = recorded(3601, &values);
        // 1399 + ... + 4999
        assert_eq!(window.total(), 3601.0 * 3199.0);
        assert_eq!(window.average(at(5000)), (3601.0 * 3199.0 - 1399.0) / 3600.0);
    }

    #[test]
    fn filling_speaks_for_the_time_since_the_reading_before() {
        let mut window = window(60);
        for step in 0..40 {
            let before = (step > 0).then(|| at(step * 15 - 15));
            window.fill(before, at(step * 15), step as f64);
        }
        assert_eq!(window.average(at(585)), (36.0 + 37.0 + 38.0 + 39.0) / 4.0);
        // A gap longer than the window fills it whole; one in the same slot replaces it.
        window.fill(Some(at(585)), at(9000), 7.0);
        assert_eq!(window.total(), 420.0);
        window.fill(Some(at(9000)), at(9000), 1.0);
        assert_eq!(window.total(), 414.0);
        assert!(!window.fill(None, at(8940), 1.0), "too late");
        assert!(!window.fill(None, at(9001), f64::NAN));
        // Within the window, order does not matter.
        assert!(window.fill(Some(at(8900)), at(8942), 0.0));
        assert_eq!(window.total(), 400.0);
    }

    #[test]
    fn resizing_forgets_what_is_older_than_the_old_window() {
        let values = [(0, 1.0), (1, 2.0), (2, 3.0), (3, 4.0), (4, 5.0)];
        for (second, want) in [(9, 15.0), (10, 0.0)] {
            let mut window = recorded(5, &values);
            window.resize(Duration::from_secs(10), at(second)).expect("in range");
            assert_eq!(window.total(), want, "resized at {second} s");
        }
        let mut window = recorded(5, &values);
        assert!(window.resize(Duration::ZERO, at(4)).is_err());
        assert_eq!(window, recorded(5, &values));
        // Of the same number of slots but another length: counts as full.
        let mut window =
            Window::new(Duration::from_secs(5), Duration::from_secs(2), Weighting::Linear)
                .expect("in range");
        window.record(at(0), 6.0);
        window.resize(Duration::from_secs(6), at(0)).expect("in range");
        assert_eq!(window.average(at(0)), 2.0);
    }

    #[test]
    fn the_ends_of_time_do_no_harm() {
        for weighting in [Weighting::Linear, Weighting::Exponential] {
            let mut window =
                Window::new(Duration::from_secs(3), Duration::from_millis(1), weighting)
                    .expect("in range");
            for millis in [i64::MIN, i64::MAX, 0, i64::MAX - 1, i64::MIN + 1] {
                let at = Timestamp::from_millis(millis);
                window.record(at, 1.0);
                window.fill(Some(Timestamp::from_millis(i64::MIN)), at, 1.0);
                assert!(window.average(at).is_finite());
                assert!(window.slots().count() <= 3000);
                window.resize(Duration::from_secs(2), at).expect("in range");
                window.resize(Duration::from_secs(3), at).expect("in range");
            }
        }
    }

    #[test]
    fn windows_of_nothing_or_of_too_many_slots_are_refused() {
        let day = Duration::from_secs(86_400);
        for (window, granularity, path) in [
            (Duration::ZERO, SECOND, "window"),
            (day, Duration::from_millis(1), "window"),
            (day, Duration::ZERO, "granularity"),
        ] {
            let error = Window::new(window, granularity, Weighting::Linear).expect_err(path);
            assert_eq!(error.path(), path);
        }
    }

    #[test]
    fn a_snapshot_goes_on_and_a_damaged_one_is_refused() {
        let mut window = recorded(5, &[(3, 0.1), (4, 0.2), (8, 0.3)]);
        let text = serde_json::to_string(&window).expect("a snapshot");
        let mut restored: Window = serde_json::from_str(&text).expect("its own snapshot");
        assert_eq!(restored, window);
        window.record(at(11), 0.7);
        restored.record(at(11), 0.7);
        assert_eq!(restored.total().to_bits(), window.total().to_bits());
        for (part, damage) in [
            (r#""window":"5s""#, r#""window":"6s""#),
            (r#""window":"5s""#, r#""window":"100d""#),
            (r#""granularity":"1s""#, r#""granularity":"0s""#),
            (r#""first":3"#, r#""first":12"#),
            (r#"{"first":3,"latest":8}"#, "null"),
            ("0.3", "null"),
        ] {
            let damaged = text.replace(part, damage);
            assert_ne!(damaged, text, "`{part}` is not in it");
            assert!(serde_json::from_str::<Window>(&damaged).is_err(), "{damaged}");
        }
    }

    #[test]
    fn rounding_leaves_what_has_no_decimals() {
        assert_eq!(round_digits(f64::MAX, 6), f64::MAX);
        assert_eq!(round_digits(2.5, 0), 3.0);
        assert_eq!(round_digits(-2.5, 0), -3.0);
        assert_eq!(round_digits(1.0, u32::MAX), 1.0);
    }
}
