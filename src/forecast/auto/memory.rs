//! What `auto` remembers of a load, and what its past says of a step ahead.
//!
//! In: square roots of the load, step by step. Out: [`Features`], a few numbers that tell where the
//! load may go. Knows no forecast.

use serde::{Deserialize, Serialize};

use super::seek::{FIRST_LOOK, Seasons, next_look, seasons};
use super::track::{MISSING, Track};
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
    /// Steps in a coarse bin.
    width: usize,
    pub(super) seasons: Seasons,
    /// The mean course of the season; empty without one.
    profile: Vec<f32>,
    /// The same of the slow season, in bins as wide as the coarse ones, and how many of them went in.
    slow_profile: Vec<f32>,
    n_slow: u64,
    away: [[f32; 2]; COURSES],
    n_away: [u32; COURSES],
    /// When to look for seasons again, in samples.
    next_look: u64,
}

impl Memory {
    pub(super) fn new(step: Duration) -> Self {
        let profiles = [Vec::new(), Vec::new()];
        Self::without_samples(step, [Track::new(FINE), Track::new(COARSE)], profiles)
    }

    /// Forgets all samples.
    pub(super) fn clear(&mut self) {
        let mut tracks = [std::mem::take(&mut self.fine), std::mem::take(&mut self.coarse)];
        let mut profiles =
            [std::mem::take(&mut self.profile), std::mem::take(&mut self.slow_profile)];
        tracks.iter_mut().for_each(Track::clear);
        profiles.iter_mut().for_each(Vec::clear);
        *self = Self::without_samples(self.step, tracks, profiles);
    }

    /// In memory that is empty.
    fn without_samples(
        step: Duration,
        [fine, coarse]: [Track; 2],
        [profile, slow_profile]: [Vec<f32>; 2],
    ) -> Self {
        let day = day(step);
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
            width: (7 * day).div_ceil(WEEK),
            seasons: Seasons::default(),
            profile,
            slow_profile,
            n_slow: 0,
            away: [[0.0; 2]; COURSES],
            n_away: [0; COURSES],
            next_look: FIRST_LOOK,
        }
    }

    /// Whether it is of samples each `step`.
    pub(super) fn is_for(&self, step: Duration) -> bool {
        self.step == step
    }

    /// The heap that it holds.
    #[cfg(test)]
    pub(super) fn n_bytes(&self) -> usize {
        let tracks = self.fine.values.capacity() + self.coarse.values.capacity();
        let profiles = self.profile.capacity() + self.slow_profile.capacity();
        (tracks + profiles) * size_of::<f32>()
    }

    /// Takes the square root of the load of the next step, if there is one; `false` if it is odd.
    ///
    /// A value further than `most` from the one before is odd, and remembered as if it lay there; a
    /// second one on the same side is a shift, and taken as it is.
    pub(super) fn push(&mut self, value: Option<f64>, most: f64) -> bool {
        self.n_samples += 1;
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
        if self.n_samples.is_multiple_of(self.width as u64) {
            let (sum, n) = std::mem::take(&mut self.filling);
            self.coarse.push((n > 0).then(|| (sum / f64::from(n)) as f32), COARSE);
        }
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
        let slow = QUARTER * self.day as f32;
        for (mean, stretch) in self.means.iter_mut().zip(MEANS.into_iter().chain([slow.max(24.0)]))
        {
            *mean += (now - *mean) * first.max(1.0 / stretch);
        }
        let season = self.seasons.season.unwrap_or(self.day) as f32;
        for (course, (means, n)) in
            self.courses(0).into_iter().zip(self.away.iter_mut().zip(&mut self.n_away))
        {
            let Some(course) = course else { continue };
            *n = n.saturating_add(1);
            for (mean, stretch) in means.iter_mut().zip([season / 24.0, season]) {
                let weight = (1.0 / stretch.max(2.0)).max(1.0 / *n as f32);
                *mean += (now - course - *mean) * weight;
            }
        }
        true
    }

    /// Takes the present into the profiles, once it has been used.
    pub(super) fn close(&mut self) {
        if self.n_samples.is_multiple_of(self.width as u64) {
            self.fill_slow(0);
        }
        if let (Some(season), 0, 0) = (self.seasons.season, self.n_missing, self.odd) {
            let slot = self.slot(season, 0);
            let in_slot = (season as f32 / self.profile.len() as f32).max(1.0);
            let now = self.kept as f32;
            let value = &mut self.profile[slot];
            *value =
                if *value < 0.0 { now } else { *value + (now - *value) * PROFILE_WEIGHT / in_slot };
        }
    }

    /// What the courses say of `ahead` steps from now.
    #[inline]
    pub(super) fn features(&self, ahead: usize, base: &[Option<f32>; COURSES]) -> Features {
        let now = self.now as f32;
        let mut features = [0.0; N];
        for (feature, mean) in features.iter_mut().zip(self.means) {
            *feature = mean - now;
        }
        let then = self.courses(ahead);
        for course in 0..COURSES {
            if let (Some(then), Some(base)) = (then[course], base[course]) {
                let away = self.away[course];
                let place = SEASON + 4 * course;
                features[place..place + 4].copy_from_slice(&[
                    then - now,
                    now - base,
                    away[0],
                    away[1],
                ]);
            }
        }
        if let Seasons { season: Some(season @ ..FINE_SEASON), slow: Some(slow) } = self.seasons {
            let before = ahead as i64 - (ahead.div_ceil(season).max(1) * season) as i64;
            let change = then[1].zip(self.of_slow(slow, before));
            features[SLOW + 1] = change.map_or(0.0, |(then, before)| then - before);
        }
        features
    }

    /// The courses' values `ahead` steps from now, 0 for now; `None` where the past does not reach.
    #[inline]
    pub(super) fn courses(&self, ahead: usize) -> [Option<f32>; COURSES] {
        let Seasons { season, slow } = self.seasons;
        [
            season.and_then(|season| self.ago(season, ahead)),
            slow.and_then(|slow| self.of_slow(slow, ahead as i64)),
            season.and_then(|season| {
                Some(self.profile[self.slot(season, ahead)]).filter(|value| *value >= 0.0)
            }),
        ]
    }

    /// The mean course of the slow season `ahead` steps from now, between the middles of two bins.
    fn of_slow(&self, slow: usize, ahead: i64) -> Option<f32> {
        let n_slots = self.slow_profile.len();
        let phase = (self.n_samples as i64 - 1 + ahead).rem_euclid(slow as i64) as usize;
        let known = |slot: usize| Some(self.slow_profile[slot]).filter(|value| *value >= 0.0);
        if n_slots == slow {
            return known(phase);
        }
        let place = (phase as f32 + 0.5) * n_slots as f32 / slow as f32 + n_slots as f32 - 0.5;
        let (slot, share) = (place as usize, place.fract());
        match (known(slot % n_slots), known((slot + 1) % n_slots)) {
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
        let value = &mut self.slow_profile[slot];
        *value = if *value < 0.0 { bin } else { *value + (bin - *value) * weight };
        self.n_slow += 1;
    }

    /// The value at the same time of the last season before now that knows it, of two.
    fn ago(&self, season: usize, ahead: usize) -> Option<f32> {
        let seasons = ahead.div_ceil(season).max(1);
        (seasons..seasons + 2).find_map(|seasons| self.around(seasons * season - ahead))
    }

    /// The mean around the sample `age` steps before the last one.
    #[inline]
    fn around(&self, age: usize) -> Option<f32> {
        if age < self.fine.values.len() && (self.width == 1 || age + 1 < FINE) {
            if self.width == 1 {
                return self.fine.back(age);
            }
            // Three samples: their noise is not to be forecast.
            let newer = if age > 0 { self.fine.back(age - 1) } else { None };
            let (mut n, mut sum) = (0, 0.0);
            for value in [newer, self.fine.back(age), self.fine.back(age + 1)].into_iter().flatten()
            {
                (n, sum) = (n + 1, sum + value);
            }
            return (n > 0).then(|| sum / n as f32);
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
    fn slot(&self, season: usize, ahead: usize) -> usize {
        let phase = ((self.n_samples - 1 + ahead as u64) % season as u64) as usize;
        phase * self.profile.len() / season
    }

    /// Where the time `ahead` steps from now lies in the season, 0 to below 1.
    pub(super) fn phase(&self, ahead: usize) -> Option<f32> {
        let season = self.seasons.season? as u64;
        Some(((self.n_samples - 1 + ahead as u64) % season) as f32 / season as f32)
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
        if is_other_slow {
            self.draw_slow_profile();
        }
        if is_other {
            self.draw_profile();
            (self.away, self.n_away) = ([[0.0; 2]; COURSES], [0; COURSES]);
        } else {
            (self.away[1], self.n_away[1]) = ([0.0; 2], 0);
        }
        true
    }

    /// The profile of the slow season from the past that is still there.
    fn draw_slow_profile(&mut self) {
        self.slow_profile.clear();
        self.n_slow = 0;
        let Some(slow) = self.seasons.slow else { return };
        self.slow_profile.resize(slow.div_ceil(self.width).min(WEEK), MISSING);
        for age in (0..self.coarse.values.len()).rev() {
            self.fill_slow(age);
        }
    }

    /// The profile from the past that is still there.
    fn draw_profile(&mut self) {
        self.profile.clear();
        let Some(season) = self.seasons.season else { return };
        self.profile.resize(season.min(SLOTS), MISSING);
        let reach = (self.coarse.values.len() * self.width).max(self.fine.values.len());
        let reach = reach.min(self.n_samples as usize);
        for age in (0..reach).rev() {
            let Some(value) = self.around(age) else { continue };
            let number = self.n_samples - 1 - age as u64;
            let phase = (number % season as u64) as usize;
            let slot = &mut self.profile[phase * season.min(SLOTS) / season];
            let weight = PROFILE_WEIGHT / (season as f32 / SLOTS as f32).max(1.0);
            *slot = if *slot < 0.0 { value } else { *slot + (value - *slot) * weight };
        }
    }
}

/// Steps in a day, at least 1.
pub(super) fn day(step: Duration) -> usize {
    Duration::from_secs(86_400).steps(step).max(1)
}

/// As text.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    step: Duration,
    n_samples: u64,
    n_missing: u64,
    now: f64,
    kept: f64,
    odd: i8,
    means: [f32; 4],
    n_known: u64,
    fine: Track,
    coarse: Track,
    filling: (f64, u32),
    seasons: Seasons,
    profile: Vec<f32>,
    slow_profile: Vec<f32>,
    n_slow: u64,
    away: [[f32; 2]; COURSES],
    n_away: [u32; COURSES],
    next_look: u64,
}

impl From<Memory> for Saved {
    fn from(memory: Memory) -> Self {
        let Memory {
            step, n_samples, n_missing, now, kept, odd, means, n_known, fine, coarse, ..
        } = memory;
        let Memory { filling, seasons, profile, slow_profile, n_slow, .. } = memory;
        let Memory { away, n_away, next_look, .. } = memory;
        Self {
            step,
            n_samples,
            n_missing,
            now,
            kept,
            odd,
            means,
            n_known,
            fine,
            coarse,
            filling,
            seasons,
            profile,
            slow_profile,
            n_slow,
            away,
            n_away,
            next_look,
        }
    }
}

impl TryFrom<Saved> for Memory {
    type Error = String;

    fn try_from(saved: Saved) -> Result<Self, String> {
        let mut memory = Self::new(saved.step);
        let Saved { n_samples, n_missing, now, kept, odd, .. } = saved;
        let Saved { means, n_known, fine, coarse, filling, .. } = saved;
        let Seasons { season, slow } = saved.seasons;
        const MOST: u64 = 1 << 53; // so that counting on never overflows
        let counts = n_samples <= MOST && n_missing <= n_samples && n_known <= n_samples;
        let n_bins = n_samples / memory.width as u64;
        let tracks = fine.values.len() as u64 == n_samples.min(FINE as u64)
            && coarse.values.len() as u64 == n_bins.min(COARSE as u64)
            && fine.next < FINE
            && coarse.next < COARSE
            && (fine.values.len() == FINE || fine.next == 0)
            && (coarse.values.len() == COARSE || coarse.next == 0);
        let in_range = |value: f32| value.abs() <= MOST_ROOT as f32;
        let profiles = saved.profile.iter().chain(&saved.slow_profile);
        let all = fine.values.iter().chain(&coarse.values).chain(profiles);
        let numbers = all.chain(&means).chain(saved.away.as_flattened()).copied().all(in_range)
            && (0.0..=MOST_ROOT).contains(&now)
            && (0.0..=MOST_ROOT).contains(&kept)
            && (0.0..=MOST_ROOT * f64::from(filling.1)).contains(&filling.0)
            && (filling.1 as usize) < memory.width.max(2);
        let seasons = season.is_none_or(|season| season >= 2)
            && slow.is_none_or(|slow| Some(slow) > season)
            && saved.profile.len() == season.map_or(0, |season| season.min(SLOTS))
            && saved.slow_profile.len()
                == slow.map_or(0, |slow| slow.div_ceil(memory.width).min(WEEK))
            && saved.n_slow <= n_bins;
        if !(counts && tracks && numbers && seasons && n_samples < saved.next_look) {
            return Err("the memory of a forecaster is damaged".to_owned());
        }
        memory.seasons = saved.seasons;
        memory.profile = saved.profile;
        memory.slow_profile = saved.slow_profile;
        memory.n_slow = saved.n_slow;
        memory.away = saved.away;
        memory.n_away = saved.n_away;
        memory.next_look = saved.next_look;
        memory.now = now;
        memory.kept = kept;
        memory.odd = odd;
        Ok(Self { n_samples, n_missing, means, n_known, fine, coarse, filling, ..memory })
    }
}
