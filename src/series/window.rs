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
mod tests;
