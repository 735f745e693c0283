//! When the windows of a schedule are open.
//!
//! In: a cron pattern or dates, their time zone, and a point in time. Out: the stretch of time
//! around that point in which the answer stays the same, exact across changes of the clock. Knows
//! nothing of replicas.

use croner::parser::{CronParser, Seconds, Year};
use jiff::civil::{DateTime, Time};
use jiff::fmt::temporal::Pieces;
use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, ToSpan};

use crate::Error;
use crate::catalog::did_you_mean;
use crate::time::{Duration, Timestamp};

/// A stretch of time, `from <= at < until`, in which a schedule answers the same.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Stretch {
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
    /// End of the window that is open all through the stretch; `None` if none is.
    pub(super) open_until: Option<Timestamp>,
}

impl Stretch {
    /// Nothing is open, from here to there; without a bound for all time.
    fn closed(from: Option<Timestamp>, until: Option<Timestamp>) -> Self {
        Self {
            from: from.unwrap_or(Timestamp::from_millis(i64::MIN)),
            until: until.unwrap_or(Timestamp::from_millis(i64::MAX)),
            open_until: None,
        }
    }
}

/// Windows of equal length that a cron pattern opens.
#[derive(Clone, Debug)]
pub(super) struct Recurring {
    cron: croner::Cron,
    zone: TimeZone,
    duration: SignedDuration,
    /// Whether the pattern names all hours, so that it follows elapsed time, not the clock.
    every_hour: bool,
}

/// A time in which a zone keeps one offset, from one change of its clock (or of its name) to the
/// next.
struct Era {
    offset: Offset,
    /// When it began, and the offset before; `None` for the first one.
    began: Option<(jiff::Timestamp, Offset)>,
}

impl Recurring {
    /// From five fields of cron, in the civil time of `zone`.
    ///
    /// # Errors
    /// If the pattern is none, or names a date that never comes.
    pub(super) fn new(text: &str, zone: TimeZone, duration: Duration) -> Result<Self, Error> {
        let parser =
            CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let cron = parser.parse(text).map_err(|error| {
            let message = format!(
                "is \"{text}\", must be five fields of cron such as \"0 8 * * mon-fri\" ({})",
                error.to_string().trim_end_matches('.')
            );
            Error::config("cron", message)
        })?;
        // The calendar repeats after 400 years; from a leap year every date comes within them.
        let start = DateTime::constant(2000, 1, 1, 0, 0, 0, 0);
        if cron.find_next_occurrence(&start, true).is_err() {
            let message =
                format!("is \"{text}\", must name a date that comes, this one never does");
            return Err(Error::config("cron", message));
        }
        let every_hour = cron.pattern.hours.values().len() == 24;
        let duration = SignedDuration::from_millis(duration.as_millis());
        Ok(Self { cron, zone, duration, every_hour })
    }

    /// The stretch around `at`; `None` outside the years 1 to 5000, in which nothing opens.
    pub(super) fn stretch(&self, at: Timestamp) -> Option<Stretch> {
        let now = jiff::Timestamp::from_millisecond(at.as_millis()).ok()?;
        let years = croner::YEAR_LOWER_LIMIT..=croner::YEAR_UPPER_LIMIT;
        if !years.contains(&self.zone.to_datetime(now).year().into()) {
            return None;
        }
        let millis = |time: jiff::Timestamp| Timestamp::from_millis(time.as_millisecond());
        let next = self.next_start(now).map(millis);
        let Some(start) = self.latest_start(now) else { return Some(Stretch::closed(None, next)) };
        let end = start.saturating_add(self.duration).unwrap_or(jiff::Timestamp::MAX);
        let (start, end) = (millis(start), millis(end));
        Some(if at < end {
            let until = next.map_or(end, |next| next.min(end));
            Stretch { from: start, until, open_until: Some(end) }
        } else {
            Stretch::closed(Some(end), next)
        })
    }

    /// The last start at or before `now`.
    fn latest_start(&self, mut now: jiff::Timestamp) -> Option<jiff::Timestamp> {
        loop {
            let era = self.era(now);
            let local = era.offset.to_datetime(now);
            let civil = self.cron.find_previous_occurrence(&local, true).ok();
            if let Some(start) = civil.and_then(|civil| self.start_in(&era, civil)) {
                return Some(start);
            }
            let (began, _) = era.began?;
            now = began.checked_sub(1.second()).ok()?;
        }
    }

    /// The first start after `now`.
    fn next_start(&self, now: jiff::Timestamp) -> Option<jiff::Timestamp> {
        let mut era = self.era(now);
        let second_later = era.offset.to_datetime(now).checked_add(1.second()).ok()?;
        let mut from = self.first_civil(&era).map_or(second_later, |first| first.max(second_later));
        let mut after = now;
        loop {
            let civil = self.cron.find_next_occurrence(&from, true).ok()?;
            let end = self.zone.following(after).next().map(|change| change.timestamp());
            let Some(end) = end else {
                return self.start_in(&era, civil);
            };
            if civil < era.offset.to_datetime(end) {
                return self.start_in(&era, civil);
            }
            after = end;
            era = self.era(end);
            from = self.first_civil(&era)?;
        }
    }

    /// The era that holds `now`.
    fn era(&self, now: jiff::Timestamp) -> Era {
        let began = now.checked_add(1.nanosecond()).ok().and_then(|now| {
            let change = self.zone.preceding(now).next()?.timestamp();
            Some((change, self.zone.to_offset(change.checked_sub(1.nanosecond()).ok()?)))
        });
        Era { offset: self.zone.to_offset(now), began }
    }

    /// The first civil time whose starts are this era's; `None` in the first era.
    ///
    /// Where a pattern follows the clock, each civil time belongs to one era: the times that the
    /// clock skips belong to the era after it (and start at its beginning), the times that come
    /// twice to the era before it (and start the first time). Where it follows elapsed time, an
    /// era has just the civil times that pass in it.
    fn first_civil(&self, era: &Era) -> Option<DateTime> {
        let (began, before) = era.began?;
        Some(if self.every_hour { era.offset } else { before }.to_datetime(began))
    }

    /// When the start at `civil` happens; `None` if it belongs to an earlier era.
    fn start_in(&self, era: &Era, civil: DateTime) -> Option<jiff::Timestamp> {
        let start = era.offset.to_timestamp(civil).ok()?;
        match (self.first_civil(era), era.began) {
            (Some(first), _) if civil < first => None,
            (_, Some((began, _))) => Some(start.max(began)),
            (_, None) => Some(start),
        }
    }
}

/// Windows from date to date.
#[derive(Clone, Debug)]
pub(super) struct Dated {
    /// Invariant: start before end, and each end before the next start.
    windows: Vec<(Timestamp, Timestamp)>,
}

impl Dated {
    /// From starts and ends in any order; windows that overlap or touch become one.
    pub(super) fn new(mut windows: Vec<(Timestamp, Timestamp)>) -> Self {
        windows.sort_unstable();
        windows.dedup_by(|next, last| {
            let joined = next.0 <= last.1;
            if joined {
                last.1 = last.1.max(next.1);
            }
            joined
        });
        Self { windows }
    }

    /// The stretch around `at`.
    pub(super) fn stretch(&self, at: Timestamp) -> Stretch {
        let n_begun = self.windows.partition_point(|&(start, _)| start <= at);
        let last = n_begun.checked_sub(1).map(|last| self.windows[last]);
        match last {
            Some((from, until)) if at < until => Stretch { from, until, open_until: Some(until) },
            _ => {
                let next = self.windows.get(n_begun).map(|&(start, _)| start);
                Stretch::closed(last.map(|(_, end)| end), next)
            }
        }
    }
}

/// The time zone of an IANA name, from the bundled database.
///
/// # Errors
/// If there is none of that name.
pub(in crate::policy) fn zone(name: &str) -> Result<TimeZone, Error> {
    let known = TimeZoneDatabase::bundled();
    known.get(name).map_err(|_| {
        let names: Vec<String> = known.available().map(|known| known.to_string()).collect();
        let is_city = |known: &&String| {
            known.rsplit_once('/').is_some_and(|(_, city)| city.eq_ignore_ascii_case(name))
        };
        let hint = match names.iter().find(is_city) {
            Some(known) => format!("; did you mean `{known}`?"),
            None => did_you_mean(name, &names),
        };
        let message =
            format!("is \"{name}\", must be an IANA name such as \"Europe/Berlin\"{hint}");
        Error::config("time_zone", message)
    })
}

/// The moment of a date and time, in `zone` unless the text has an offset of its own.
///
/// A time that the clock skips counts as if it had not been set forward yet, of a time that comes
/// twice the first one counts (RFC 5545, "compatible").
///
/// # Errors
/// If the text is no date and time, or names a zone.
pub(in crate::policy) fn moment(text: &str, zone: &TimeZone) -> Result<Timestamp, Error> {
    let read = || {
        let pieces = Pieces::parse(text).ok()?;
        if pieces.time_zone_annotation().is_some() {
            return None;
        }
        let civil = pieces.date().to_datetime(pieces.time().unwrap_or(Time::midnight()));
        let time = match pieces.to_numeric_offset() {
            Some(offset) => offset.to_timestamp(civil),
            None => zone.to_timestamp(civil),
        };
        Some(Timestamp::from_millis(time.ok()?.as_millisecond()))
    };
    read().ok_or_else(|| {
        let message = format!(
            "is \"{text}\", must be a date and time such as \"2026-12-24T08:00\" (in `time_zone`) \
             or \"2026-12-24T08:00+01:00\""
        );
        Error::config("", message)
    })
}
