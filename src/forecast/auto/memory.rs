//! What `auto` remembers of a load, and what its past says of a step ahead.
//!
//! In: square roots of the load, step by step. Out: [`Features`], a few numbers that tell where the
//! load may go. Knows no forecast.

mod saved;

use serde::{Deserialize, Serialize};
use wide::f32x4;

use self::saved::Saved;
use super::seek::{FIRST_LOOK, Seasons, next_look, seasons};
use super::track::{Packed, Track};
use crate::time::Duration;

/// What is told of a step ahead, each in square-root scale and as a distance from now.
pub(super) type Features = [f32; N];

/// The number of features: four means, and four of each of three courses.
pub(super) const N: usize = 4 + 4 * COURSES;

/// One season ago, the profile of the slow season, the profile of the season.
const COURSES: usize = 3;

/// Where the features of each course begin: how far its value at the step ahead lies from now, how
/// far now lies from its value now, and that distance's means over an hour's and a day's worth. The
/// second of the slow season, where an hour is about a step, is rather what it changes from one season
/// ago to the step ahead.
pub(super) const SEASON: usize = 4;
pub(super) const SLOW: usize = 8;
pub(super) const PROFILE: usize = 12;

/// Time constants of the means, in steps; the last one also in shares of a day.
const MEANS: [f32; 3] = [2.0, 6.0, 18.0];
const QUARTER: f32 = 0.25;

/// The last samples one by one: a day of 5 minutes and what lies around it.
const FINE: usize = 352;

/// Means of more samples, a week of quarters of an hour and what lies around it.
const COARSE: usize = 704;
const WEEK: usize = 672;

/// The profile has at most so many values.
const SLOTS: usize = 288;

/// A season of so many steps is fine: an hour of a day is several of them.
pub(super) const FINE_SEASON: usize = 100;

/// The square root of the largest load that is believed; beyond, squares of squares leave the range
/// of single precision.
pub(super) const MOST_ROOT: f64 = 1e15;

/// Share of the last season in the profile: about the last five count.
const PROFILE_WEIGHT: f32 = 0.2;

/// Share of the last slow season in its profile: the mean of the first three, then about as many.
const SLOW_WEIGHT: f32 = 0.3;

/// The past of a load in constant memory; square roots, in which the noise of counts has one width.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved", into = "Saved")]
pub(super) struct Memory {
    step: Duration,
    /// Steps in a day, at least 1.
    day: usize,
    /// Samples so far, missing ones too.
    pub(super) n_samples: u64,
    /// How many of the last ones are missing without a break.
    pub(super) n_missing: u64,
    /// The last value that is not missing.
    pub(super) now: f64,
    /// The same as it is remembered, and the side to which the last one was odd.
    kept: f64,
    odd: i8,
    means: [f32; 4],
    /// Values that went into the means.
    n_known: u64,
    fine: Track,
    coarse: Track,
    /// Sum and count of the coarse bin that is filling.
    filling: (f64, u32),
    /// Steps in a coarse bin, and how many of them the one that is filling lacks.
    width: usize,
    lacking: usize,
    pub(super) seasons: Seasons,
    /// The mean course of the season; empty without one.
    profile: Packed,
    /// The same of the slow season, in bins as wide as the coarse ones, and how many of them went in.
    slow_profile: Packed,
    n_slow: u64,
    /// What each course says of now.
    base: [Option<f32>; COURSES],
    /// How far the last while was away from each, over an hour's and a day's worth.
    away: [[f32; 2]; COURSES],
    n_away: [u32; COURSES],
    /// When to look for seasons again, in samples.
    next_look: u64,
    /// Where the last sample lies in the season and in the slow one, in steps; 0 without.
    phases: [usize; 2],
}

/// The past as seen from now: what is the same for all steps ahead.
#[derive(Debug)]
pub(super) struct Present {
    features: Features,
    /// Which courses are known now.
    known: [bool; COURSES],
}

impl Memory {
    pub(super) fn new(step: Duration) -> Self {
        let profiles = [Packed::default(), Packed::default()];
        Self::without_samples(step, [Track::new(FINE), Track::new(COARSE)], profiles)
    }

    /// Forgets all samples.
    pub(super) fn clear(&mut self) {
        let mut tracks = [std::mem::take(&mut self.fine), std::mem::take(&mut self.coarse)];
        let mut profiles =
            [std::mem::take(&mut self.profile), std::mem::take(&mut self.slow_profile)];
        tracks.iter_mut().for_each(Track::clear);
        profiles.iter_mut().for_each(Packed::clear);
        *self = Self::without_samples(self.step, tracks, profiles);
    }

    /// In memory that is empty.
    fn without_samples(
        step: Duration,
        [fine, coarse]: [Track; 2],
        [profile, slow_profile]: [Packed; 2],
    ) -> Self {
        let day = day(step);
        let width = (7 * day).div_ceil(WEEK);
        Self {
            step,
            day,
            n_samples: 0,
            n_missing: 0,
            now: 0.0,
            kept: 0.0,
            odd: 0,
            means: [0.0; 4],
            n_known: 0,
            fine,
            coarse,
            filling: (0.0, 0),
            width,
            lacking: width,
            seasons: Seasons::default(),
            profile,
            slow_profile,
            n_slow: 0,
            base: [None; COURSES],
            away: [[0.0; 2]; COURSES],
            n_away: [0; COURSES],
            next_look: FIRST_LOOK,
            phases: [0; 2],
        }
    }

    /// Works out where the last sample lies in the seasons.
    fn find_phases(&mut self) {
        let Seasons { season, slow } = self.seasons;
        let number = self.n_samples.saturating_sub(1);
        self.phases = [season, slow]
            .map(|season| season.map_or(0, |season| (number % season as u64) as usize));
    }

    /// Whether it is of samples each `step`.
    pub(super) fn is_for(&self, step: Duration) -> bool {
        self.step == step
    }

    /// The heap that it holds.
    #[cfg(test)]
    pub(super) fn n_bytes(&self) -> usize {
        let parts = [&self.fine.values, &self.coarse.values, &self.profile, &self.slow_profile];
        parts.map(Packed::n_bytes).iter().sum()
    }

    /// Takes the square root of the load of the next step, if there is one; `false` if it is odd.
    ///
    /// A value further than `most` from the one before is odd, and remembered as if it lay there; a
    /// second one on the same side is a shift, and taken as it is.
    pub(super) fn push(&mut self, value: Option<f64>, most: f64) -> bool {
        self.n_samples += 1;
        let Seasons { season, slow } = self.seasons;
        for (phase, season) in self.phases.iter_mut().zip([season, slow]) {
            *phase = season.map_or(0, |season| within(*phase + 1, season));
        }
        let mut odd = 0;
        let kept = value.map(|value| {
            let far = value - self.kept;
            let side = if far > 0.0 { 1 } else { -1 };
            if far.abs() > most && self.odd != side {
                odd = side;
                return (self.kept + most * f64::from(side)).max(0.0);
            }
            value
        });
        self.fine.push(kept.map(|value| value as f32), FINE);
        if let Some(value) = kept {
            self.filling = (self.filling.0 + value, self.filling.1 + 1);
        }
        self.lacking -= 1;
        if self.lacking == 0 {
            let (sum, n) = std::mem::take(&mut self.filling);
            self.coarse.push((n > 0).then(|| (sum / f64::from(n)) as f32), COARSE);
        }
        self.base = self.courses(0);
        let (Some(value), Some(kept)) = (value, kept) else {
            self.n_missing += 1;
            return false;
        };
        self.n_missing = 0;
        self.now = value;
        self.odd = odd;
        if odd != 0 {
            return false;
        }
        self.kept = kept;
        self.n_known += 1;
        let (now, first) = (kept as f32, 1.0 / self.n_known as f32);
        let [short, middle, long] = MEANS;
        let slow = (QUARTER * self.day as f32).max(24.0);
        let weights = f32x4::ONE / f32x4::new([short, middle, long, slow]);
        let means = f32x4::new(self.means);
        let moved = (f32x4::splat(now) - means) * weights.fast_max(f32x4::splat(first));
        self.means = (means + moved).to_array();
        let season = season.unwrap_or(self.day) as f32;
        let weights = [season / 24.0, season].map(|stretch| 1.0 / stretch.max(2.0));
        for (course, (means, n)) in
            self.base.into_iter().zip(self.away.iter_mut().zip(&mut self.n_away))
        {
            let Some(course) = course else { continue };
            *n = n.saturating_add(1);
            let first = 1.0 / *n as f32;
            for (mean, weight) in means.iter_mut().zip(weights) {
                *mean += (now - course - *mean) * if weight > first { weight } else { first };
            }
        }
        true
    }

    /// Takes the present into the profiles, once it has been used.
    pub(super) fn close(&mut self) {
        if self.lacking == 0 {
            self.lacking = self.width;
            self.fill_slow(0);
            self.base[1] = self.seasons.slow.and_then(|slow| self.of_slow(slow, 0));
        }
        if let (Some(season), 0, 0) = (self.seasons.season, self.n_missing, self.odd) {
            let slot = self.slot(season, 0);
            let in_slot = (season as f32 / self.profile.len() as f32).max(1.0);
            let now = self.kept as f32;
            let weight = PROFILE_WEIGHT / in_slot;
            let before = self.profile.get(slot).unwrap_or(now);
            self.profile.set(slot, Some(before + (now - before) * weight));
            self.base[2] = self.profile.get(slot);
        }
    }

    /// What the courses say of now.
    pub(super) fn present(&self) -> Present {
        let now = self.now as f32;
        let mut features = [0.0; N];
        for (feature, mean) in features.iter_mut().zip(self.means) {
            *feature = mean - now;
        }
        let base = self.base;
        for ((base, away), place) in base.iter().zip(self.away).zip([SEASON, SLOW, PROFILE]) {
            if let Some(base) = base {
                features[place + 1..place + 4].copy_from_slice(&[now - base, away[0], away[1]]);
            }
        }
        Present { features, known: base.map(|base| base.is_some()) }
    }

    /// What the courses say of `ahead` steps from now.
    #[inline(always)] // so that they are made where they are wanted
    pub(super) fn features(&self, ahead: usize, present: &Present) -> Features {
        let now = self.now as f32;
        let mut features = present.features;
        let then = self.courses(ahead);
        for (course, place) in [SEASON, SLOW, PROFILE].into_iter().enumerate() {
            match then[course].filter(|_| present.known[course]) {
                Some(then) => features[place] = then - now,
                None => features[place..place + 4].fill(0.0),
            }
        }
        if let Seasons { season: Some(season @ ..FINE_SEASON), slow: Some(slow) } = self.seasons {
            let back = ahead.div_ceil(season).max(1) * season - ahead;
            let change = then[1].zip(self.of_slow(slow, slow - back));
            features[SLOW + 1] = change.map_or(0.0, |(then, before)| then - before);
        }
        features
    }

    /// The courses' values `ahead` steps from now, 0 for now; `None` where the past does not reach.
    #[inline]
    fn courses(&self, ahead: usize) -> [Option<f32>; COURSES] {
        let Seasons { season, slow } = self.seasons;
        [
            season.and_then(|season| self.ago(season, ahead)),
            slow.and_then(|slow| self.of_slow(slow, ahead)),
            season.and_then(|season| self.profile.get(self.slot(season, ahead))),
        ]
    }

    /// The mean course of the slow season `ahead` steps from now, between the middles of two bins.
    #[inline]
    fn of_slow(&self, slow: usize, ahead: usize) -> Option<f32> {
        let n_slots = self.slow_profile.len();
        let phase = within(self.phases[1] + ahead, slow);
        let known = |slot: usize| self.slow_profile.get(slot);
        if n_slots == slow {
            return known(phase);
        }
        let scale = n_slots as f32 / slow as f32;
        let place = (phase as f32 + 0.5) * scale + n_slots as f32 - 0.5;
        let slot = place as u32;
        let (share, slot) = (place - slot as f32, slot as usize);
        match (known(within(slot, n_slots)), known(within(slot + 1, n_slots))) {
            (Some(low), Some(high)) => Some(low + (high - low) * share),
            (low, high) => low.or(high),
        }
    }

    /// Takes a coarse bin into the profile of the slow season, `age` bins before the last one.
    fn fill_slow(&mut self, age: usize) {
        let (Some(slow), Some(bin)) = (self.seasons.slow, self.coarse.back(age)) else { return };
        let width = self.width as u64;
        let first = (self.n_samples / width - 1 - age as u64) * width;
        let n_slots = self.slow_profile.len();
        let slot = ((first + width / 2) % slow as u64) as usize * n_slots / slow;
        let weight = SLOW_WEIGHT.max(1.0 / (1.0 + (self.n_slow / n_slots as u64) as f32));
        let before = self.slow_profile.get(slot).unwrap_or(bin);
        self.slow_profile.set(slot, Some(before + (bin - before) * weight));
        self.n_slow += 1;
    }

    /// The value at the same time of the last season before now that knows it, of two.
    #[inline]
    fn ago(&self, season: usize, ahead: usize) -> Option<f32> {
        let seasons = if ahead <= season { 1 } else { ahead.div_ceil(season) };
        let age = seasons * season - ahead;
        self.around(age).or_else(|| self.around(age + season))
    }

    /// The mean around the sample `age` steps before the last one.
    #[inline]
    fn around(&self, age: usize) -> Option<f32> {
        if age < self.fine.len() && (self.width == 1 || age + 1 < FINE) {
            // Three samples: their noise is not to be forecast.
            return if self.width == 1 { self.fine.back(age) } else { self.fine.around(age) };
        }
        // Interpolated between the middles of two bins.
        let at = self.n_samples.checked_sub(1 + age as u64)?;
        let place = (at as f64 + 0.5) / self.width as f64 - 0.5;
        let (older, share) = (place.floor().max(0.0), (place - place.floor()) as f32);
        let n_bins = self.n_samples / self.width as u64;
        let bin = |number: u64| self.coarse.back(n_bins.checked_sub(1 + number)? as usize);
        match (bin(older as u64), bin(older as u64 + 1)) {
            (Some(older), Some(newer)) => Some(older + (newer - older) * share),
            (older, newer) => older.or(newer),
        }
    }

    /// Where the time `ahead` steps from now lies in the profile.
    #[inline]
    fn slot(&self, season: usize, ahead: usize) -> usize {
        let phase = within(self.phases[0] + ahead, season);
        if season <= SLOTS { phase } else { phase * SLOTS / season }
    }

    /// Where the time `ahead` steps from now lies in the season, 0 to below 1.
    pub(super) fn phase(&self, ahead: usize) -> Option<f32> {
        let season = self.seasons.season?;
        Some(within(self.phases[0] + ahead, season) as f32 / season as f32)
    }

    /// Looks for seasons if it is time; `true` if they are others than before.
    pub(super) fn look(&mut self) -> bool {
        if self.n_samples < self.next_look {
            return false;
        }
        self.next_look = next_look(self.n_samples, self.day, COARSE * self.width);
        let found = seasons(&self.coarse, &self.fine, self.width, self.step, self.day);
        if found == self.seasons {
            return false;
        }
        let is_other = found.season != self.seasons.season;
        let is_other_slow = found.slow != self.seasons.slow;
        self.seasons = found;
        self.find_phases();
        if is_other_slow {
            self.draw_slow_profile();
        }
        if is_other {
            self.draw_profile();
            (self.away, self.n_away) = ([[0.0; 2]; COURSES], [0; COURSES]);
        } else {
            (self.away[1], self.n_away[1]) = ([0.0; 2], 0);
        }
        self.base = self.courses(0);
        true
    }

    /// The profile of the slow season from the past that is still there.
    fn draw_slow_profile(&mut self) {
        self.slow_profile.clear();
        self.n_slow = 0;
        let Some(slow) = self.seasons.slow else { return };
        self.slow_profile.reset(slow.div_ceil(self.width).min(WEEK));
        for age in (0..self.coarse.len()).rev() {
            self.fill_slow(age);
        }
    }

    /// The profile from the past that is still there.
    fn draw_profile(&mut self) {
        self.profile.clear();
        let Some(season) = self.seasons.season else { return };
        self.profile.reset(season.min(SLOTS));
        let reach = (self.coarse.len() * self.width).max(self.fine.len());
        let reach = reach.min(self.n_samples as usize);
        for age in (0..reach).rev() {
            let Some(value) = self.around(age) else { continue };
            let number = self.n_samples - 1 - age as u64;
            let phase = (number % season as u64) as usize;
            let slot = phase * season.min(SLOTS) / season;
            let weight = PROFILE_WEIGHT / (season as f32 / SLOTS as f32).max(1.0);
            let before = self.profile.get(slot).unwrap_or(value);
            self.profile.set(slot, Some(before + (value - before) * weight));
        }
    }
}

/// The rest of a division, without it where a few seasons do not lie between.
#[inline]
fn within(at: usize, n: usize) -> usize {
    let over = at.wrapping_sub(n);
    if at < n {
        at
    } else if over < n {
        over
    } else {
        over % n
    }
}

/// Steps in a day, at least 1.
pub(super) fn day(step: Duration) -> usize {
    Duration::from_secs(86_400).steps(step).max(1)
}
