//! Other limits at times that people know beforehand, one window at a time.
//!
//! In: the time of the observation. Out: a range of replicas, or the reason to have no opinion.
//! Knows nothing of load.
//!
//! The law is that of the schedules of the Cloud Foundry app autoscaler (February 2026): where windows overlap, the
//! one that starts first is kept, and the later one is dropped whole, not taken up again when the
//! first ends. It differs in these points:
//!
//! - There a window replaces the limits of the app. Here the limits of the autoscaler bound every
//!   window: set them to the widest that any window asks for, and the everyday ones as `otherwise`.
//! - There the initial minimum is given once, when the window starts or the autoscaler first hears
//!   of it; so it is here, with the first decision that is made within the window, in which the
//!   replicas are raised to it at once. From the next decision on the policies may go down to
//!   `min_replicas`; a rule leaves the size alone until it is breached, a target does not.
//! - There two windows that start at once are kept or dropped by chance; here the first in the list
//!   is kept.
//! - Time zones are IANA names; a window may last to the end of its day (`24:00`), and without days
//!   comes every day.
//! - When clocks are set forward, a start or an end at a time that is skipped happens as the clock
//!   goes on; when they are set back, one at a time that comes twice happens the first time. There
//!   this is left to the job scheduler.
//!
//! Why no cron here? What starts by cron for a duration is a [`schedule`](super::schedule), whose
//! windows add up where they overlap; a calendar beside one is met as another schedule of rank 0.

mod days;

use serde::{Deserialize, Serialize};

use self::days::{Daily, Days, Stretch, Windows};
use super::schedule::window;
use super::{Policy, Proposal, View, Want};
use crate::Error;
use crate::explain::{Reason, codes};
use crate::time::Timestamp;

/// Asks for the range of replicas of the window that is open, as Cloud Foundry's schedules.
///
/// ```
/// use forescale::Timestamp;
/// use forescale::policy::calendar::{Calendar, Config};
///
/// let settings: Config = serde_json::from_str(
///     r#"{"time_zone": "Europe/Berlin", "entries": [
///         {"days_of_week": [1, 2, 3, 4, 5], "start_time": "08:00", "end_time": "18:00",
///          "min_replicas": 4, "max_replicas": 20, "initial_min_replicas": 10},
///         {"start": "2026-01-05T17:00", "end": "2026-01-05T23:00",
///          "min_replicas": 8, "max_replicas": 40}]}"#,
/// )?;
/// let mut calendar = Calendar::new(settings)?;
/// let monday_noon = Timestamp::from_secs(1_767_610_800); // 2026-01-05T12:00+01:00
/// assert_eq!(calendar.open_entry(monday_noon), Some(0));
/// // The second starts while the first is open, so it is dropped whole.
/// let seven_in_the_evening = Timestamp::from_secs(1_767_636_000);
/// assert_eq!(calendar.open_entry(seven_in_the_evening), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Calendar {
    settings: Config,
    windows: Windows,
    /// Start of the window that has had its first decision.
    begun: Option<Timestamp>,
    /// Spares the search in the calendar. Not saved: it follows from the settings and the time.
    stretch: Option<Stretch>,
}

impl Calendar {
    /// A calendar has so many entries at most.
    pub const MOST_ENTRIES: usize = 256;

    /// From its settings.
    ///
    /// # Errors
    /// If the time zone is unknown; if there is no entry, or more than 256; if one is neither daily
    /// (`start_time`, `end_time`) nor by date (`start`, `end`), or both; if one does not end after
    /// it starts; or if its replicas contradict each other.
    pub fn new(settings: Config) -> Result<Self, Error> {
        let windows = settings.windows()?;
        Ok(Self { settings, windows, begun: None, stretch: None })
    }

    /// The place in the list of the entry whose window is open at this time.
    pub fn open_entry(&mut self, at: Timestamp) -> Option<usize> {
        self.open(at).map(|window| window.entry)
    }

    fn open(&mut self, at: Timestamp) -> Option<days::Window> {
        let cached = self.stretch.filter(|stretch| stretch.from <= at && at < stretch.until);
        self.stretch = cached.or_else(|| self.windows.stretch(at));
        self.stretch?.open
    }
}

impl Policy for Calendar {
    fn propose(&mut self, view: &View<'_>) -> Result<Proposal, Reason> {
        let Some(open) = self.open(view.at) else {
            let Some(Range { min_replicas, max_replicas }) = self.settings.otherwise else {
                return Err(Reason::new(codes::SCHEDULE_INACTIVE, []));
            };
            let reason = Reason::new(codes::CALENDAR_OTHERWISE, facts(min_replicas, max_replicas));
            return Ok(asked(min_replicas, max_replicas, reason));
        };
        let Entry { min_replicas, max_replicas, initial_min_replicas, .. } =
            self.settings.entries[open.entry];
        let initial = initial_min_replicas.filter(|_| self.begun != Some(open.start));
        if let Some(least) = initial {
            let reason = Reason::new(codes::CALENDAR_BEGINS, facts(least, max_replicas));
            return Ok(asked(least, max_replicas, reason));
        }
        let [min, max] = facts(min_replicas, max_replicas);
        let left = ("left_seconds", open.end.since(view.at).as_secs_f64());
        let reason = Reason::new(codes::SCHEDULE_ACTIVE, [min, max, left]);
        Ok(asked(min_replicas, max_replicas, reason))
    }

    fn decided(&mut self, at: Timestamp, _: u32, _: u32) {
        self.begun = self.open(at).map(|window| window.start);
    }

    fn only_narrows(&self) -> bool {
        true
    }

    fn check_limits(&self, min_replicas: u32, max_replicas: u32) -> Result<(), Error> {
        let outside = |field: String, asked, side, limit, bound| {
            let message = format!(
                "is {asked}, must not be {side} the autoscaler's `{limit}`, which is {bound}"
            );
            Err(Error::config(field, message))
        };
        let entries =
            self.settings.entries.iter().enumerate().map(|(i, entry)| {
                (format!("entries[{i}]"), entry.min_replicas, entry.max_replicas)
            });
        let otherwise = self
            .settings
            .otherwise
            .iter()
            .map(|range| ("otherwise".to_owned(), range.min_replicas, range.max_replicas));
        for (place, min, max) in entries.chain(otherwise) {
            if max > max_replicas {
                let field = format!("{place}.max_replicas");
                return outside(field, max, "above", "max_replicas", max_replicas);
            }
            if min < min_replicas {
                let field = format!("{place}.min_replicas");
                return outside(field, min, "below", "min_replicas", min_replicas);
            }
        }
        Ok(())
    }
}

fn facts(min: u32, max: u32) -> [(&'static str, f64); 2] {
    [("min_replicas", f64::from(min)), ("max_replicas", f64::from(max))]
}

fn asked(min: u32, max: u32, reason: Reason) -> Proposal {
    let want = Want::Range { min: Some(min), max: Some(max), rank: 0 };
    Proposal { want, wish: None, demand: None, reason }
}

/// What a snapshot holds, before it is trusted.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    settings: Config,
    begun: Option<Timestamp>,
}

impl TryFrom<Stored> for Calendar {
    type Error = Error;

    fn try_from(Stored { settings, begun }: Stored) -> Result<Self, Error> {
        Ok(Self { begun, ..Self::new(settings)? })
    }
}

impl From<Calendar> for Stored {
    fn from(Calendar { settings, begun, .. }: Calendar) -> Self {
        Self { settings, begun }
    }
}

/// Settings of [`Calendar`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The IANA name of the time zone. Default: `UTC`, as no other is everybody's.
    #[serde(default = "utc")]
    pub time_zone: String,
    /// The windows, from 1 to 256 entries.
    pub entries: Vec<Entry>,
    /// What holds while no window is open. Default: the autoscaler's limits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub otherwise: Option<Range>,
}

/// A range of replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", schemars(rename = "CalendarRange"))]
pub struct Range {
    /// At least so many replicas; not below the autoscaler's `min_replicas`.
    pub min_replicas: u32,
    /// At most so many replicas; not above the autoscaler's `max_replicas`.
    pub max_replicas: u32,
}

/// A window that comes again, `start_time` to `end_time`, or one by date, `start` to `end`; and the
/// range of replicas that it asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", schemars(rename = "CalendarEntry"))]
pub struct Entry {
    /// The days of the week, 1 for Monday to 7 for Sunday. Default: every day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days_of_week: Option<Vec<u32>>,
    /// The days of the month, 1 to 31, in place of `days_of_week`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days_of_month: Option<Vec<u32>>,
    /// When the window opens on such a day, as `08:00` in the civil time of `time_zone`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_time: Option<String>,
    /// When the window closes on the same day, after `start_time`; up to `24:00`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_time: Option<String>,
    /// The first date of a window that comes again, as `2026-12-01`. Default: since ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_date: Option<String>,
    /// The last date of a window that comes again; not before `start_date`. Default: for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_date: Option<String>,
    /// When a window by date opens, as `2026-12-24T08:00` in the civil time of `time_zone`, or with
    /// an offset of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    /// When a window by date closes; written as `start` is, and after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
    /// At least so many replicas while the window is open; not below the autoscaler's
    /// `min_replicas`.
    pub min_replicas: u32,
    /// At most so many replicas while the window is open; not above the autoscaler's
    /// `max_replicas`.
    pub max_replicas: u32,
    /// At least so many replicas at the first decision within the window; from `min_replicas` to
    /// `max_replicas`. Default: `min_replicas`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_min_replicas: Option<u32>,
}

fn utc() -> String {
    "UTC".to_owned()
}

impl Config {
    fn windows(&self) -> Result<Windows, Error> {
        let zone = window::zone(&self.time_zone)?;
        let n_entries = self.entries.len();
        if !(1..=Calendar::MOST_ENTRIES).contains(&n_entries) {
            let message = format!("are {n_entries}, must be 1 to {}", Calendar::MOST_ENTRIES);
            return Err(Error::config("entries", message));
        }
        if let Some(range) = &self.otherwise {
            check_range(range.min_replicas, range.max_replicas)
                .map_err(|error| error.at("otherwise"))?;
        }
        let (mut daily, mut dated) = (Vec::new(), Vec::new());
        for (place, entry) in self.entries.iter().enumerate() {
            let at = |error: Error| error.at(&format!("entries[{place}]"));
            entry.check_replicas().map_err(at)?;
            if entry.start.is_some() || entry.end.is_some() {
                let (start, end) = entry.dated(&zone).map_err(at)?;
                dated.push(days::Window { start, entry: place, end });
            } else {
                daily.push(entry.daily(place).map_err(at)?);
            }
        }
        Ok(Windows::new(zone, daily, dated))
    }
}

fn check_range(min: u32, max: u32) -> Result<(), Error> {
    if min > max {
        let message = format!("is {min}, must be at most `max_replicas`, {max}");
        return Err(Error::config("min_replicas", message));
    }
    Ok(())
}

impl Entry {
    fn check_replicas(&self) -> Result<(), Error> {
        let (min, max) = (self.min_replicas, self.max_replicas);
        check_range(min, max)?;
        match self.initial_min_replicas {
            Some(initial) if !(min..=max).contains(&initial) => {
                let message = format!("is {initial}, must be from {min} to {max}");
                Err(Error::config("initial_min_replicas", message))
            }
            _ => Ok(()),
        }
    }

    fn dated(&self, zone: &jiff::tz::TimeZone) -> Result<(Timestamp, Timestamp), Error> {
        let of_daily = [
            ("days_of_week", self.days_of_week.is_some()),
            ("days_of_month", self.days_of_month.is_some()),
            ("start_time", self.start_time.is_some()),
            ("end_time", self.end_time.is_some()),
            ("start_date", self.start_date.is_some()),
            ("end_date", self.end_date.is_some()),
        ];
        if let Some((field, _)) = of_daily.into_iter().find(|&(_, is_given)| is_given) {
            return Err(Error::config(field, "is given, must stand without `start` and `end`"));
        }
        let moment = |field, text: &Option<String>| {
            let text = text.as_deref().ok_or_else(|| {
                Error::config(field, "is missing, must be given with its counterpart")
            })?;
            window::moment(text, zone).map_err(|error| error.at(field))
        };
        let (start, end) = (moment("start", &self.start)?, moment("end", &self.end)?);
        if start >= end {
            return Err(Error::config("end", "is not after `start`, must be"));
        }
        Ok((start, end))
    }

    fn daily(&self, entry: usize) -> Result<Daily, Error> {
        let time = |field, text: &Option<String>| {
            let text = text.as_deref().ok_or_else(|| {
                Error::config(field, "is missing, must be given, or else `start` and `end`")
            })?;
            if field == "end_time" && text == "24:00" {
                return Ok(None);
            }
            let refused = |_| {
                Error::config(field, format!("is \"{text}\", must be a time such as \"08:00\""))
            };
            text.parse::<jiff::civil::Time>().map(Some).map_err(refused)
        };
        let date = |field, text: &Option<String>| {
            let parse = |text: &String| {
                let refused = |_| {
                    let message = format!("is \"{text}\", must be a date such as \"2026-12-24\"");
                    Error::config(field, message)
                };
                text.parse::<jiff::civil::Date>().map_err(refused)
            };
            text.as_ref().map(parse).transpose()
        };
        let start = time("start_time", &self.start_time)?.unwrap_or_default();
        let end = time("end_time", &self.end_time)?;
        if end.is_some_and(|end| end <= start) {
            let message = "is not after `start_time`, must be; one past midnight takes two entries";
            return Err(Error::config("end_time", message));
        }
        let dates = (date("start_date", &self.start_date)?, date("end_date", &self.end_date)?);
        if let (Some(first), Some(last)) = dates
            && last < first
        {
            let message = format!("is {last}, must not be before `start_date`, {first}");
            return Err(Error::config("end_date", message));
        }
        let days = match (&self.days_of_week, &self.days_of_month) {
            (None, None) => Days::All,
            (Some(days), None) => Days::OfWeek(bits("days_of_week", days, 7)?),
            (None, Some(days)) => Days::OfMonth(bits("days_of_month", days, 31)?),
            (Some(_), Some(_)) => {
                let message = "is given, must stand without `days_of_week`";
                return Err(Error::config("days_of_month", message));
            }
        };
        Ok(Daily { entry, days, dates, start, end })
    }
}

/// Days from 1 up as bits.
fn bits(field: &str, days: &[u32], most: u32) -> Result<u32, Error> {
    if days.is_empty() {
        return Err(Error::config(field, "is empty, must have at least one day"));
    }
    days.iter().try_fold(0, |bits, &day| {
        if (1..=most).contains(&day) {
            return Ok(bits | 1 << day);
        }
        Err(Error::config(field, format!("has {day}, must be from 1 to {most}")))
    })
}

#[cfg(test)]
mod tests;
