//! Which window of a calendar is open.
//!
//! In: the days and times of windows, their time zone, and a point in time. Out: the window that
//! is open then, those that come too late left out; exact across changes of the clock. Knows
//! nothing of replicas.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{ToSpan, Unit};

use crate::time::Timestamp;

/// A window, `start <= at < end`. Those that start first come first, then those listed first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Window {
    pub(super) start: Timestamp,
    /// Its place in the list of entries.
    pub(super) entry: usize,
    pub(super) end: Timestamp,
}

/// A window on some days, within each of them.
#[derive(Clone, Debug)]
pub(super) struct Daily {
    pub(super) entry: usize,
    pub(super) days: Days,
    /// First and last date, both included.
    pub(super) dates: (Option<Date>, Option<Date>),
    pub(super) start: Time,
    /// `None` for the midnight that ends the day.
    pub(super) end: Option<Time>,
}

/// Days as bits, the first one in bit 1.
#[derive(Clone, Copy, Debug)]
pub(super) enum Days {
    All,
    /// Monday is the first.
    OfWeek(u32),
    OfMonth(u32),
}

/// The windows of a calendar.
#[derive(Clone, Debug)]
pub(super) struct Windows {
    zone: TimeZone,
    daily: Vec<Daily>,
    /// Invariant: ascending, and none of them comes too late.
    dated: Vec<Window>,
}

/// A stretch of time, `from <= at < until`, in which the answer stays the same.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch {
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
    pub(super) open: Option<Window>,
}

impl Windows {
    /// From windows in any order.
    pub(super) fn new(zone: TimeZone, daily: Vec<Daily>, mut dated: Vec<Window>) -> Self {
        dated.sort_unstable();
        let mut windows = Self { zone, daily, dated: Vec::with_capacity(dated.len()) };
        for window in dated {
            windows.dated.push(window);
            let date = jiff::Timestamp::from_millisecond(window.start.as_millis())
                .map(|start| windows.zone.to_datetime(start).date());
            if !date.is_ok_and(|date| windows.kept_around(date).contains(&window)) {
                windows.dated.pop();
            }
        }
        windows
    }

    /// The stretch from `at` on; `None` outside the calendar, the years -9999 to 9999.
    pub(super) fn stretch(&self, at: Timestamp) -> Option<Stretch> {
        let now = jiff::Timestamp::from_millisecond(at.as_millis()).ok()?;
        let today = self.zone.to_datetime(now).date();
        let kept = self.kept_around(today);
        let open = kept.iter().find(|window| window.start <= at && at < window.end).copied();
        let until = match open {
            Some(window) => window.end,
            None => {
                let midnight = today.tomorrow().ok().and_then(|day| self.reached(day.into()));
                let next = kept.iter().map(|window| window.start).find(|&start| start > at);
                next.into_iter().chain(midnight).min()?
            }
        };
        Some(Stretch { from: at, until, open })
    }

    /// The windows of a day and of its neighbors, less those that start while another is open.
    ///
    /// Windows within a day leave each midnight to those by date, of which only the kept ones are
    /// here; so what was before does not matter. The neighbors are for clocks that are set back
    /// across midnight.
    fn kept_around(&self, date: Date) -> Vec<Window> {
        let dates = [date.yesterday().ok(), Some(date), date.tomorrow().ok()];
        let mut windows: Vec<Window> = dates
            .into_iter()
            .flatten()
            .flat_map(|date| self.daily.iter().filter_map(move |daily| self.on(daily, date)))
            .collect();
        windows.extend(&self.dated);
        windows.sort_unstable();
        let mut busy_until = Timestamp::from_millis(i64::MIN);
        windows.retain(|window| {
            let is_free = window.start >= busy_until;
            if is_free {
                busy_until = window.end;
            }
            is_free
        });
        windows
    }

    /// A daily window on a date, unless it is none of its days or the clock skips all of it.
    fn on(&self, daily: &Daily, date: Date) -> Option<Window> {
        let (first, last) = daily.dates;
        let is_out =
            first.is_some_and(|first| date < first) || last.is_some_and(|last| date > last);
        let is_day = match daily.days {
            Days::All => true,
            Days::OfWeek(days) => days >> date.weekday().to_monday_one_offset() & 1 == 1,
            Days::OfMonth(days) => days >> date.day() & 1 == 1,
        };
        if is_out || !is_day {
            return None;
        }
        let start = self.reached(date.to_datetime(daily.start))?;
        let end = match daily.end {
            Some(time) => self.reached(date.to_datetime(time))?,
            None => self.reached(date.tomorrow().ok()?.into())?,
        };
        (start < end).then_some(Window { start, entry: daily.entry, end })
    }

    /// When the clock first shows a time, or skips it.
    fn reached(&self, civil: DateTime) -> Option<Timestamp> {
        let time = match self.zone.to_ambiguous_timestamp(civil).offset() {
            AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(civil).ok()?,
            AmbiguousOffset::Fold { before, .. } => before.to_timestamp(civil).ok()?,
            AmbiguousOffset::Gap { before, .. } => {
                // As long after the change as the time lies within what is skipped.
                let after = before.to_timestamp(civil).ok()?.checked_add(1.nanosecond()).ok()?;
                self.zone.preceding(after).next()?.timestamp()
            }
        };
        Some(Timestamp::from_millis(time.round(Unit::Millisecond).ok()?.as_millisecond()))
    }
}
