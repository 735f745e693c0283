//! What holidays are like: the weekdays and past holidays, half hour by half hour.
//!
//! In: dates, roots of the load by time. Out: what a holiday adds to the weekday it falls on.

use std::collections::BTreeSet;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::time::Timestamp;

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

/// The holidays, and how the days were.
#[derive(Debug)]
pub(super) struct Days {
    zone: TimeZone,
    dates: BTreeSet<Date>,
    like: Option<Weekday>,
    pub(super) profile: Profile,
}

/// Half hours of a day.
const SLOTS: usize = 48;

/// The type of a day: the weekdays from Monday on, then holidays.
const TYPES: usize = 8;
const HOLIDAY: usize = 7;

/// The weight of a new day against all before it of its type, once there are some.
const LATELY: f64 = 0.3;

/// The mean roots of the load.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved", into = "Saved")]
pub(super) struct Profile {
    /// By type and slot. Invariant: [`TYPES`] * [`SLOTS`] of them, finite.
    means: Vec<f64>,
    /// How many days went into each.
    counts: Vec<u32>,
    /// The slot that is filling: its place in the two, how many samples and their mean.
    open: Option<(usize, u32, f64)>,
}

impl Days {
    pub(super) fn new(
        dates: &[String],
        like: Option<Weekday>,
        time_zone: &Option<String>,
    ) -> Result<Self, Error> {
        let dates: Result<_, Error> = (dates.iter().enumerate())
            .map(|(index, text)| {
                text.parse::<Date>().map_err(|_| {
                    let message = format!("is \"{text}\", must be a date such as \"2026-12-25\"");
                    Error::config(format!("holidays[{index}]"), message)
                })
            })
            .collect();
        let zone = zone(time_zone.as_deref().unwrap_or("UTC"))?;
        let n = TYPES * SLOTS;
        let profile = Profile { means: vec![0.0; n], counts: vec![0; n], open: None };
        Ok(Self { zone, dates: dates?, like, profile })
    }

    /// The type and the weekday of the day, and the slot in it. A sample speaks of the time before
    /// it, so midnight belongs to the day that ends.
    fn place(&self, at: Timestamp) -> Option<(usize, usize, usize)> {
        let instant = jiff::Timestamp::from_millisecond(at.as_millis().saturating_sub(1)).ok()?;
        let local = self.zone.to_datetime(instant);
        let weekday = local.weekday().to_monday_zero_offset() as usize;
        let kind = if self.dates.contains(&local.date()) { HOLIDAY } else { weekday };
        let slot = local.hour() as usize * 2 + local.minute() as usize / 30;
        Some((kind, weekday, slot))
    }

    /// What the calendar adds to the root of the load at a time.
    pub(super) fn effect(&self, at: Timestamp) -> f64 {
        let Some((HOLIDAY, weekday, slot)) = self.place(at) else { return 0.0 };
        let mean = |kind: usize| {
            let index = kind * SLOTS + slot;
            (self.profile.counts[index] > 0).then(|| self.profile.means[index])
        };
        let like = match self.like {
            Some(like) => mean(like as usize),
            None => mean(HOLIDAY).or_else(|| mean(Weekday::Sunday as usize)),
        };
        like.zip(mean(weekday)).map_or(0.0, |(like, usual)| like - usual)
    }

    /// Takes the root of the load at a time, without what regressors add.
    pub(super) fn learn(&mut self, at: Timestamp, root: f64) {
        let Some((kind, _, slot)) = self.place(at) else { return };
        let index = kind * SLOTS + slot;
        let open = match self.profile.open {
            Some((filling, n, mean)) if filling == index => (index, n.saturating_add(1), mean),
            other => {
                if let Some((filled, _, mean)) = other {
                    self.profile.close(filled, mean);
                }
                (index, 1, 0.0)
            }
        };
        let mean = open.2 + (root - open.2) / f64::from(open.1);
        self.profile.open = Some((open.0, open.1, mean));
    }
}

impl Profile {
    fn close(&mut self, index: usize, mean: f64) {
        self.counts[index] = self.counts[index].saturating_add(1);
        let weight = (1.0 / f64::from(self.counts[index])).max(LATELY);
        self.means[index] += (mean - self.means[index]) * weight;
    }
}

/// # Errors
/// If the name is none of a time zone this build knows.
fn zone(name: &str) -> Result<TimeZone, Error> {
    if name == "UTC" {
        return Ok(TimeZone::UTC);
    }
    #[cfg(feature = "schedule")]
    if let Ok(zone) = jiff::tz::TimeZoneDatabase::bundled().get(name) {
        return Ok(zone);
    }
    let needs =
        if cfg!(feature = "schedule") { "" } else { "; others need the feature `schedule`" };
    let message = format!("is \"{name}\", must be an IANA time zone or \"UTC\"{needs}");
    Err(Error::config("time_zone", message))
}

/// As text.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    means: Vec<f64>,
    counts: Vec<u32>,
    open: Option<(usize, u32, f64)>,
}

impl From<Profile> for Saved {
    fn from(Profile { means, counts, open }: Profile) -> Self {
        Self { means, counts, open }
    }
}

impl TryFrom<Saved> for Profile {
    type Error = &'static str;

    fn try_from(Saved { means, counts, open }: Saved) -> Result<Self, &'static str> {
        let n = TYPES * SLOTS;
        let open_is_whole =
            open.is_none_or(|(index, samples, mean)| index < n && samples > 0 && mean.is_finite());
        let whole = means.len() == n && counts.len() == n && means.iter().all(|m| m.is_finite());
        if whole && open_is_whole {
            Ok(Self { means, counts, open })
        } else {
            Err("the profile of days is damaged")
        }
    }
}
