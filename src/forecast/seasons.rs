//! How a load runs over its day, its week or other seasons.
//!
//! In: the load of each step in square-root scale. Out: how far its seasons are expected to lift it
//! some steps from now. Knows nothing of the level.

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::time::Duration;

/// A season is kept in at most so many bins: hours of the week, nine minutes of the day.
const MOST_BINS: usize = 168;

/// So many steps a season has at most.
const MOST_STEPS: usize = 200_000;

/// Least weight of a new cycle: a season of which the last five or so cycles are remembered.
const LEAST_WEIGHT: f64 = 0.2;

/// The steps of a season, checked.
///
/// # Errors
/// If it is not a whole number of them, at least two; the error lies at `path`.
pub(super) fn steps_of(season: Duration, step: Duration, path: &str) -> Result<usize, Error> {
    let steps = season.steps(step);
    if step.times(steps as i64) != season || !(2..=MOST_STEPS).contains(&steps) {
        let message = format!("is {season}, must be 2 to {MOST_STEPS} whole steps of {step}");
        return Err(Error::config(path, message));
    }
    Ok(steps)
}

/// Running profiles of any number of seasons.
///
/// Each profile is a mean over its last cycles, bin by bin, of how far the load lies off its mean
/// over about a cycle when the other seasons are taken off; it joins in once its first cycle is
/// complete. What it says is shrunk by how much of it
/// came true so far (the slope of the load on the profile, James and Stein 1961 in spirit), so a
/// season that is none fades instead of adding noise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Seasons {
    profiles: Vec<Profile>,
    /// Samples so far.
    now: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Profile {
    /// In steps.
    period: usize,
    /// Complete cycles; 0 while the first is collected.
    n_cycles: u32,
    /// The mean of the load over about a cycle, its seasons taken off, and how many values are in it.
    level: f64,
    n_known: f64,
    /// `None` where nothing was seen yet.
    bins: Vec<Option<f64>>,
    /// Sum and count of the bin that is filling.
    filling: (f64, u32),
    /// Discounted sums of what the profile said times what came, and of its square.
    came: f64,
    said: f64,
    /// From 0 to 1: how much of it is believed.
    strength: f64,
}

impl Seasons {
    /// Of the seasons' lengths in steps, checked by [`steps_of`].
    pub(super) fn new(periods: impl IntoIterator<Item = usize>) -> Self {
        let profiles = periods.into_iter().map(Profile::new).collect();
        Self { profiles, now: 0 }
    }

    /// Of the setting `seasons`, none if it is empty.
    ///
    /// # Errors
    /// If one is not a whole number of steps.
    pub(super) fn of(seasons: &[Duration], step: Duration) -> Result<Self, Error> {
        let periods: Result<Vec<_>, _> = (seasons.iter().enumerate())
            .map(|(at, &season)| steps_of(season, step, &format!("seasons[{at}]")))
            .collect();
        Ok(Self::new(periods?))
    }

    /// Forgets all, keeping the memory.
    pub(super) fn clear(&mut self) {
        self.now = 0;
        self.profiles.iter_mut().for_each(Profile::clear);
    }

    /// Takes over what was saved, if it has the same seasons and is sound.
    pub(super) fn restored(&self, saved: Self) -> Result<Self, String> {
        let same = |(ours, theirs): (&Profile, &Profile)| {
            ours.period == theirs.period
                && ours.bins.len() == theirs.bins.len()
                && (0.0..=1.0).contains(&theirs.strength)
                && theirs.said >= 0.0
                && theirs.n_known >= 0.0
        };
        if saved.profiles.len() != self.profiles.len()
            || !self.profiles.iter().zip(&saved.profiles).all(same)
            || saved.now > 1 << 53
        {
            return Err("the seasons of a forecaster are not of its settings".to_owned());
        }
        Ok(saved)
    }

    /// How far the seasons lift the load `ahead` steps from the last sample, 0 for itself.
    pub(super) fn at(&self, ahead: usize) -> f64 {
        let step = self.now as i64 - 1 + ahead as i64;
        self.profiles.iter().map(|profile| profile.at(step)).sum()
    }

    /// Takes the load of the next step; tells how much higher its seasons lift that step than they
    /// did before, where they have been drawn anew.
    pub(super) fn observe(&mut self, root: Option<f64>) -> f64 {
        if self.profiles.is_empty() {
            return 0.0;
        }
        self.now += 1;
        let step = self.now as i64 - 1;
        let all = self.at(0);
        let mut moved = 0.0;
        for profile in &mut self.profiles {
            let before = profile.at(step);
            // What the other seasons leave.
            let left = root.map(|root| root - (all - before));
            if profile.observe(step, left) {
                moved += profile.at(step) - before;
            }
        }
        moved
    }

    /// Says that the load has shifted for another reason than a season.
    pub(super) fn shift(&mut self, by: f64) {
        self.profiles.iter_mut().for_each(|profile| profile.level += by);
    }
}

impl Profile {
    fn new(period: usize) -> Self {
        Self {
            period,
            n_cycles: 0,
            level: 0.0,
            n_known: 0.0,
            bins: vec![None; period.min(MOST_BINS)],
            filling: (0.0, 0),
            came: 0.0,
            said: 0.0,
            strength: 0.0,
        }
    }

    fn clear(&mut self) {
        (self.n_cycles, self.level, self.n_known) = (0, 0.0, 0.0);
        self.bins.fill(None);
        self.filling = (0.0, 0);
        (self.came, self.said, self.strength) = (0.0, 0.0, 0.0);
    }

    fn at(&self, step: i64) -> f64 {
        if self.n_cycles == 0 { 0.0 } else { self.strength * self.raw(step) }
    }

    /// The profile at the sample number `step` (from 0), on the line between the middles of bins.
    fn raw(&self, step: i64) -> f64 {
        let n_bins = self.bins.len();
        let phase = step.rem_euclid(self.period as i64) as f64;
        let place = (phase + 0.5) * n_bins as f64 / self.period as f64 - 0.5;
        let (left, share) = (place.floor(), place - place.floor());
        let left = (left as i64).rem_euclid(n_bins as i64) as usize;
        match (self.bins[left], self.bins[(left + 1) % n_bins]) {
            (Some(left), Some(right)) => left * (1.0 - share) + right * share,
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => 0.0,
        }
    }

    fn bin(&self, step: i64) -> usize {
        step.rem_euclid(self.period as i64) as usize * self.bins.len() / self.period
    }

    /// Takes what the other seasons leave of the load; whether the profile has been drawn anew.
    fn observe(&mut self, step: i64, left: Option<f64>) -> bool {
        if let Some(left) = left {
            self.n_known = (self.n_known + 1.0).min(self.period as f64);
            self.level += (left - self.at(step) - self.level) / self.n_known;
            // Collected as it is, as the level moves while the first cycle lasts.
            let target = if self.n_cycles == 0 { left } else { left - self.level };
            self.filling.0 += target;
            self.filling.1 += 1;
            if self.n_cycles > 0 {
                // Squares must stay within the range of numbers.
                let said = self.raw(step).clamp(-1e150, 1e150);
                let keep = 1.0 - 1.0 / (2 * self.period).max(200) as f64;
                self.came = keep * self.came + said * target.clamp(-1e150, 1e150);
                self.said = keep * self.said + said * said;
            }
        }
        let bin = self.bin(step);
        if self.bin(step + 1) != bin {
            self.close(bin);
        }
        let cycle_ends = (step + 1).rem_euclid(self.period as i64) == 0;
        if cycle_ends && self.n_cycles == 0 {
            return self.begin();
        }
        if cycle_ends {
            self.n_cycles = self.n_cycles.saturating_add(1);
        }
        false
    }

    fn close(&mut self, bin: usize) {
        let (sum, n) = std::mem::take(&mut self.filling);
        if n > 0 {
            let mean = sum / f64::from(n);
            let weight = (1.0 / (f64::from(self.n_cycles) + 1.0)).max(LEAST_WEIGHT);
            let value = self.bins[bin].get_or_insert(mean);
            *value += (mean - *value) * weight;
        }
        if self.said > 0.0 {
            self.strength = (self.came / self.said).clamp(0.0, 1.0);
        }
    }

    /// Makes the first profile of what was collected, if half of it was seen.
    fn begin(&mut self) -> bool {
        let n = self.bins.iter().flatten().count();
        if 2 * n < self.bins.len() {
            return false;
        }
        let mean = self.bins.iter().flatten().sum::<f64>() / n as f64;
        self.bins.iter_mut().flatten().for_each(|value| *value -= mean);
        let squares = self.bins.iter().flatten().map(|v| v.abs().min(1e150)).map(|v| v * v);
        // Believed at first, as after an eighth of a cycle in which all came true.
        self.said = squares.sum::<f64>() / n as f64 * self.period as f64 / 8.0;
        self.came = self.said;
        self.strength = 1.0;
        self.n_cycles = 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecast::testing::uniform;

    fn swing(step: usize, period: usize) -> f64 {
        (step as f64 / period as f64 * std::f64::consts::TAU).sin()
    }

    #[test]
    fn two_seasons_are_told_apart_and_the_level_is_left_out() {
        let mut seasons = Seasons::new([24, 168]);
        let mut moved = 0.0;
        for step in 0..168 * 6 {
            let root = 50.0 + 3.0 * swing(step, 24) + 2.0 * swing(step, 168);
            moved += f64::from(u8::from(seasons.observe(Some(root)) != 0.0));
        }
        assert_eq!(moved, 2.0, "each season joins in once");
        for ahead in 1..60 {
            let step = 168 * 6 - 1 + ahead;
            let lift = 3.0 * swing(step, 24) + 2.0 * swing(step, 168);
            assert!((seasons.at(ahead) - lift).abs() < 0.5, "{ahead}: {}", seasons.at(ahead));
        }
    }

    #[test]
    fn a_season_that_is_none_fades() {
        let mut uniform = uniform(3);
        let mut seasons = Seasons::new([24]);
        for _ in 0..24 * 40 {
            seasons.observe(Some(50.0 + 2.0 * uniform() - 1.0));
        }
        let largest = (1..25).map(|ahead| seasons.at(ahead).abs()).fold(0.0, f64::max);
        // The noise of a mean of ten is up to 0.5.
        assert!(largest < 0.1, "{largest}");
    }

    #[test]
    fn long_seasons_are_binned_and_gaps_are_borrowed() {
        let mut seasons = Seasons::new([1440]);
        for step in 0..1440 * 3 {
            let known = step % 1440 > 100 || step < 1440;
            seasons.observe(Some(30.0 + 10.0 * swing(step, 1440)).filter(|_| known));
        }
        for ahead in (1..1440).step_by(7) {
            let lift = 10.0 * swing(1440 * 3 - 1 + ahead, 1440);
            assert!((seasons.at(ahead) - lift).abs() < 0.5, "{ahead}: {}", seasons.at(ahead));
        }
    }

    #[test]
    fn a_shift_leaves_the_profile_as_it_was() {
        let lifts = |shifts: bool| {
            let mut seasons = Seasons::new([24]);
            for step in 0..24 * 10 {
                let by = if shifts && step >= 200 { 500.0 } else { 0.0 };
                if shifts && step == 200 {
                    seasons.shift(by);
                }
                seasons.observe(Some(by + 50.0 + swing(step, 24)));
            }
            (0..24).map(|ahead| seasons.at(ahead)).collect::<Vec<_>>()
        };
        let off =
            lifts(true).iter().zip(lifts(false)).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(off < 1e-9, "{off}");
    }

    #[test]
    fn damaged_ones_are_refused() {
        let seasons = Seasons::new([24]);
        let refused = |damaged: Seasons| seasons.restored(damaged).is_err();
        assert!(!refused(seasons.clone()));
        assert!(refused(Seasons::new([25])));
        assert!(refused(Seasons::new([24, 24])));
        let mut damaged = seasons.clone();
        damaged.profiles[0].strength = 2.0;
        assert!(refused(damaged));
        let mut damaged = seasons.clone();
        damaged.profiles[0].bins.pop();
        assert!(refused(damaged));
    }
}
