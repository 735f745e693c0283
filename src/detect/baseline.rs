//! What is usual: the level, the time of day, the hour of the week, and how far values stray.
//!
//! In: samples. Out: [`Seen`], each value beside what was expected of it, in usual deviations. Knows
//! nothing of alarms.

use serde::{Deserialize, Serialize};

use super::watch::Whole;
use crate::series::Sample;
use crate::time::{Duration, Timestamp};

/// One value beside what was expected of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seen {
    pub(super) value: f64,
    /// What the level, the time of day and the hour of the week foretell.
    pub(super) expected: f64,
    /// The usual deviation from that at this time of day, above 0.
    pub(super) spread: f64,
    /// How far the value lies from what was expected, in spreads, at most [`FAR`] to each side.
    pub(super) off: f64,
    /// How far it lies from the value before, in the usual such distances, likewise.
    pub(super) jump: f64,
    /// Half of that deviation which counts as nothing whatever the history, above 0.
    pub(super) crumb: f64,
    /// Values so far, without this one.
    pub(super) n: u64,
    /// How fast to learn from it: 1, less while values are abnormal.
    pub(super) pace: f64,
    /// Whether the time of day is roughly known by now.
    pub(super) settled: bool,
}

/// No deviation counts for more.
pub(super) const FAR: f64 = 1e6;

/// Which seasons are learnt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Season {
    /// None: a value is held against the level alone.
    None,
    /// The time of day.
    Day,
    /// The time of day and, from the second week on, the hour of the week. Costs 2.7 KiB.
    #[default]
    Week,
}

impl Season {
    /// Hours of the day and of the week.
    fn lengths(self) -> (usize, usize) {
        match self {
            Self::None => (0, 0),
            Self::Day => (24, 0),
            Self::Week => (24, 168),
        }
    }
}

/// Level, daily and weekly profile, and deviations from them; all fade.
///
/// Everything learns from clipped deviations, as a Huber estimator does (Huber 1964), so that one
/// wild value moves it little, and slower while values stay abnormal. When they stay so on one side
/// for [`ACCEPT`](Self::ACCEPT) samples in a row, the level that they are on is accepted as the new one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Baseline {
    season: Season,
    /// Samples in a day, above 0.
    per_day: f64,
    least_deviation: f64,
    n: u64,
    level: f64,
    /// Mean deviation from the level.
    deviation: f64,
    /// Mean deviation from all that is expected.
    rest: f64,
    /// Mean distance of two values in a row.
    step: f64,
    last: f64,
    hours: Vec<Hour>,
    week: Vec<Slot>,
    /// How many values in a row, roughly, lay far off on one side.
    run: u32,
    above: bool,
    /// The last deviations from what was expected.
    late: [f64; Self::LATE],
}

/// An hour of the day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "(f64, f64, f32, f32)", into = "(f64, f64, f32, f32)")]
struct Hour {
    /// Deviation from the level at its middle.
    value: f64,
    /// Mean deviation from what is expected in it.
    spread: f64,
    n: f32,
    n_spread: f32,
}

/// An hour of the week.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "(f64, f32)", into = "(f64, f32)")]
struct Slot {
    value: f64,
    n: f32,
}

impl From<(f64, f64, f32, f32)> for Hour {
    fn from((value, spread, n, n_spread): (f64, f64, f32, f32)) -> Self {
        Self { value, spread, n, n_spread }
    }
}

impl From<Hour> for (f64, f64, f32, f32) {
    fn from(Hour { value, spread, n, n_spread }: Hour) -> Self {
        (value, spread, n, n_spread)
    }
}

impl From<(f64, f32)> for Slot {
    fn from((value, n): (f64, f32)) -> Self {
        Self { value, n }
    }
}

impl From<Slot> for (f64, f32) {
    fn from(Slot { value, n }: Slot) -> Self {
        (value, n)
    }
}

/// Where a time lies among the hours of the day: between the middles of two of them.
#[derive(Clone, Copy, Debug)]
struct Place {
    before: usize,
    after: usize,
    /// Share of the second one.
    share: f64,
    hour: usize,
    of_week: usize,
}

impl Whole for Baseline {
    fn is_whole(&self) -> bool {
        (self.hours.len(), self.week.len()) == self.season.lengths() && self.per_day > 0.0
    }
}

impl Baseline {
    /// The level follows over so many samples.
    const MEMORY: f64 = 250.0;

    /// The profile of the day follows over so many days.
    const DAYS: f64 = 5.0;

    /// That of the week over so many weeks.
    const WEEKS: f64 = 3.0;

    /// A deviation counts for at most so many usual ones in what is learnt.
    const CLIP: f64 = 6.0;

    /// So far off is abnormal, in spreads.
    const ABNORMAL: f64 = 3.0;

    /// How much slower it learns while values are abnormal.
    const SLOW: f64 = 0.3;

    /// And how much slower all that holds evidence against the usual.
    const STILL: f64 = 0.1;

    /// A level that has held for so many samples is the new one.
    pub(super) const ACCEPT: u32 = 36;

    const LATE: usize = 12;

    /// As in the tails: what came first, from a poor start, counts less.
    const EARLY: f64 = 2.0;

    /// The spread is never below so large a share of the deviation from the expected.
    const LEAST_SPREAD: f64 = 0.1;

    /// Share of the level that counts as nothing.
    const CRUMB: f64 = 0.002;

    pub(super) fn new(season: Season, step: Duration, least_deviation: f64) -> Self {
        let per_day = (86_400_000.0 / step.as_millis().max(1) as f64).max(1e-3);
        let (n_hours, n_slots) = season.lengths();
        Self {
            season,
            per_day,
            least_deviation,
            n: 0,
            level: 0.0,
            deviation: 0.0,
            rest: 0.0,
            step: 0.0,
            last: 0.0,
            hours: vec![Hour::default(); n_hours],
            week: vec![Slot::default(); n_slots],
            run: 0,
            above: false,
            late: [0.0; Self::LATE],
        }
    }

    /// Values after which the time of day is roughly known: a day, but some tails' worth.
    pub(super) fn settles_after(&self) -> u64 {
        if self.season == Season::None { 60 } else { (self.per_day as u64).max(60) }
    }

    fn per_hour(&self) -> f64 {
        (self.per_day / 24.0).max(1.0)
    }

    fn place(&self, at: Timestamp) -> Place {
        const HOUR: i64 = 3_600_000;
        let millis = at.as_millis();
        let of_day = millis.rem_euclid(24 * HOUR);
        let half = (of_day + HOUR / 2).rem_euclid(24 * HOUR);
        let after = (half / HOUR) as usize;
        Place {
            before: (after + 23) % 24,
            after,
            share: (half % HOUR) as f64 / HOUR as f64,
            hour: (of_day / HOUR) as usize,
            of_week: (millis.rem_euclid(168 * HOUR) / HOUR) as usize,
        }
    }

    /// Looks at a value, then learns from it. The first value is what is expected of itself.
    pub(super) fn see(&mut self, sample: Sample, value: f64) -> Seen {
        if self.n == 0 {
            (self.level, self.last) = (value, value);
        }
        let place = self.place(sample.at);
        let crumb = (Self::CRUMB * self.level.abs()).max(self.least_deviation).max(1e-12);
        let (season, of_week, spread) = self.usual(place, crumb);
        let gap = value - self.level;
        let off = gap - season;
        let jump = value - self.last;
        let begun = self.n >= 5;
        let far = |number: f64, unit: f64| {
            if begun { (number / unit).clamp(-FAR, FAR) } else { 0.0 }
        };
        let seen = Seen {
            value,
            expected: self.level + season,
            spread,
            off: far(off, spread),
            jump: far(jump, self.step.max(crumb)),
            crumb,
            n: self.n,
            pace: if self.run > 3 { Self::STILL } else { 1.0 },
            settled: self.n >= self.settles_after(),
        };
        self.learn(place, &seen, gap, off, of_week, crumb);
        seen
    }

    /// What the season adds to the level, the share of the hour of the week in it that is trusted,
    /// and the spread.
    fn usual(&self, place: Place, crumb: f64) -> (f64, f64, f64) {
        if self.hours.is_empty() {
            return (0.0, 0.0, self.deviation.max(crumb));
        }
        // Half an hour's worth of it is believed by half.
        let known = |n: f64| n / (n + 0.5 * self.per_hour());
        let [before, after] = [place.before, place.after].map(|hour| self.hours[hour]);
        let mut season = (1.0 - place.share) * known(before.n.into()) * before.value
            + place.share * known(after.n.into()) * after.value;
        let mut of_week = 0.0;
        if let Some(slot) = self.week.get(place.of_week) {
            let n = f64::from(slot.n);
            of_week = n / (n + 2.0 * self.per_hour());
            season += of_week * slot.value;
        }
        let hour = self.hours[place.hour];
        let share = known(hour.n_spread.into());
        let spread = share * hour.spread + (1.0 - share) * self.rest;
        let least = Self::LEAST_SPREAD * self.rest;
        (season, of_week, spread.max(least).max(crumb))
    }

    fn learn(&mut self, place: Place, seen: &Seen, gap: f64, off: f64, of_week: f64, crumb: f64) {
        self.n += 1;
        let n = self.n as f64;
        let rate = |n: f64, memory: f64| {
            ((1.0 + Self::EARLY) / (n + Self::EARLY)).clamp(1.0 / memory, 1.0)
        };
        let far = seen.off.abs() > Self::ABNORMAL;
        if far && (seen.off > 0.0) == self.above {
            self.run += 1;
        } else if far {
            (self.run, self.above) = (1, seen.off > 0.0);
        } else {
            self.run = self.run.saturating_sub(2);
        }
        self.late[(self.n % Self::LATE as u64) as usize] = off;
        if self.run >= Self::ACCEPT {
            let mut late = self.late;
            late.sort_by(f64::total_cmp);
            self.level += late[Self::LATE / 2];
            self.run = 0;
        }
        let slow = if self.run > 1 { Self::SLOW } else { 1.0 };
        let pace = rate(n, Self::MEMORY) * slow;
        let begun = self.n > 10;
        let clip = |number: f64, usual: f64| {
            let most = Self::CLIP * usual.max(crumb);
            if begun { number.clamp(-most, most) } else { number }
        };
        let clipped = clip(gap, self.deviation);
        self.level += pace * clipped;
        self.deviation += pace * (clipped.abs() - self.deviation);
        let jump = clip((seen.value - self.last).abs(), 2.0 * self.step);
        self.step += pace * (jump - self.step);
        self.last = seen.value;
        // What an hour has seen twice says nothing yet about what is too far off in it.
        let new = self.hours.get(place.hour).is_some_and(|hour| hour.n_spread < 3.0);
        let rest = if new { off } else { clip(off, seen.spread) };
        self.rest += pace * (rest.abs() - self.rest);
        self.learn_season(place, rest, of_week, slow);
    }

    fn learn_season(&mut self, place: Place, rest: f64, of_week: f64, slow: f64) {
        if self.hours.is_empty() {
            return;
        }
        let per_hour = self.per_hour();
        let memory = Self::DAYS * per_hour;
        let rate =
            |n: f64| slow * ((1.0 + Self::EARLY) / (n + 1.0 + Self::EARLY)).max(1.0 / memory);
        for (hour, share) in [(place.before, 1.0 - place.share), (place.after, place.share)] {
            let hour = &mut self.hours[hour];
            hour.value += rate(hour.n.into()) * share * rest;
            hour.n = (f64::from(hour.n) + share).min(3.0 * memory) as f32;
        }
        let hour = &mut self.hours[place.hour];
        hour.spread += rate(hour.n_spread.into()) * (rest.abs() - hour.spread);
        hour.n_spread = (f64::from(hour.n_spread) + 1.0).min(3.0 * memory) as f32;
        if let Some(slot) = self.week.get_mut(place.of_week) {
            let memory = Self::WEEKS * per_hour;
            let rate = slow * (1.0 / (f64::from(slot.n) + 1.0)).max(1.0 / memory);
            // What is not trusted yet has stayed in the rest.
            slot.value += rate * (rest - (1.0 - of_week) * slot.value);
            slot.n = (f64::from(slot.n) + 1.0).min(3.0 * memory) as f32;
        }
    }
}
