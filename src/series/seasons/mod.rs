//! Which seasons a history has, if any: found, not assumed.
//!
//! In: samples on a fixed step, missing ones as NaN. Out: periods with their strength and the
//! probability of as much likeness by chance. Knows nothing of forecasts.
//!
//! The history is cut into at most 2,048 bins, clipped and straightened (`grid.rs`). An hour, a day
//! and a week are tried, and the peaks of the spectrum (`spectrum.rs`). Each is tested by the
//! likeness of its cycles (`fold.rs`); the strongest is taken out and the rest tested again.

mod fold;
mod grid;
mod spectrum;
#[cfg(test)]
mod tests;
mod watch;

use fold::{Cells, Folded, fold};
use grid::{MOST_BINS, prepare};
use serde::{Deserialize, Serialize};
use spectrum::{MOST_PEAKS, Spectrum, is_harmonic};
pub use watch::SeasonWatch;

use crate::Error;
use crate::time::Duration;

/// A period after which a history comes again.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Season {
    /// The period in steps, at least 4; a whole number unless the period is none (a day in steps of
    /// 7 minutes) or many cycles tell it finer.
    pub period_steps: f64,
    /// The share of the variance around the moving level that it explains, 0 to 1: the mean over one
    /// period is the level, spikes are clipped, square roots taken, stronger seasons taken out.
    pub strength: f64,
    /// The probability of as much likeness of cycles in noise of any color, paid for the number of
    /// periods that were tried.
    pub p_value: f64,
}

impl Season {
    /// The period in whole steps.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.period_steps.round() as usize
    }

    /// Whether each number is in its range.
    fn is_whole(&self) -> bool {
        (4.0..=1e12).contains(&self.period_steps)
            && (0.0..=1.0).contains(&self.strength)
            && (0.0..=1.0).contains(&self.p_value)
    }
}

/// Settings of [`seasons`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct SeasonSettings {
    /// A season counts if chance gives its likeness with at most this probability, in (0, 0.5].
    /// Default 0.01.
    pub significance: f64,
    /// A season counts if it explains at least this share of the variance, in [0, 1). Default 0.05:
    /// less is not worth a model.
    pub min_strength: f64,
}

impl Default for SeasonSettings {
    fn default() -> Self {
        Self { significance: 0.01, min_strength: 0.05 }
    }
}

impl SeasonSettings {
    /// # Errors
    /// If a setting is out of its range.
    pub fn check(&self) -> Result<(), Error> {
        if !(self.significance > 0.0 && self.significance <= 0.5) {
            let message = format!("is {}, must be in (0, 0.5]", self.significance);
            return Err(Error::config("significance", message));
        }
        if !(0.0..1.0).contains(&self.min_strength) {
            let message = format!("is {}, must be in [0, 1)", self.min_strength);
            return Err(Error::config("min_strength", message));
        }
        Ok(())
    }
}

/// The seasons of `values`, samples each `step`, the oldest first, NaN where one is missing; the
/// strongest first, at most three, none if none is sure.
///
/// An hour, a day and a week are tried whatever the spectrum says, and win where another period is
/// not clearly better. A period needs two whole cycles, one off the calendar three. A harmonic of a
/// season is not told apart from it.
///
/// Periodogram for the candidates (Schuster 1898), coherence of whitened cycles for the test (see
/// `series/seasons/fold.rs`).
///
/// ```
/// use forescale::Duration;
/// use forescale::series::{SeasonSettings, seasons};
///
/// let hourly = Duration::from_secs(3600);
/// let load = |hour: usize| if (8..18).contains(&(hour % 24)) { 900.0 } else { 200.0 };
/// let noisy = |hour: usize| load(hour) + (hour * hour % 97) as f64;
/// let values: Vec<f64> = (0..24 * 7).map(noisy).collect();
/// let found = seasons(&values, hourly, &SeasonSettings::default())?;
/// assert_eq!(found.len(), 1);
/// assert_eq!(found[0].steps(), 24);
/// assert!(found[0].strength > 0.9 && found[0].p_value < 1e-6);
///
/// let noise: Vec<f64> = (0..24 * 7).map(|hour| (hour * hour % 97) as f64).collect();
/// assert_eq!(seasons(&noise[..95], hourly, &SeasonSettings::default())?, []);
/// # Ok::<(), forescale::Error>(())
/// ```
///
/// # Errors
/// If a setting is out of its range.
pub fn seasons(
    values: &[f64],
    step: Duration,
    settings: &SeasonSettings,
) -> Result<Vec<Season>, Error> {
    SeasonFinder::new(settings.clone()).map(|mut finder| finder.find(values, step).to_vec())
}

/// So many seasons are told at most.
const MOST_SEASONS: usize = 3;

/// The share of the whole variance below which a season may be rounding.
const LEAST_EXPLAINED: f64 = 1e-4;

/// An hour, a day and a week.
const CALENDAR: [u32; 3] = [3600, 86_400, 604_800];

/// [`seasons`] for many series, with memory that is used again: after the first one nothing is
/// allocated.
///
/// ```
/// use forescale::Duration;
/// use forescale::series::{SeasonFinder, SeasonSettings};
///
/// let mut finder = SeasonFinder::new(SeasonSettings::default())?;
/// assert!(finder.find(&[1.0; 500], Duration::from_secs(60)).is_empty());
/// # Ok::<(), forescale::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct SeasonFinder {
    settings: SeasonSettings,
    grid: Vec<f64>,
    sorted: Vec<f64>,
    spectrum: Spectrum,
    cells: Cells,
    peaks: Vec<f64>,
    /// The history of a [`SeasonWatch`].
    unpacked: Vec<f64>,
    candidates: Vec<Candidate>,
    found: Vec<Season>,
}

/// A period to be tested.
#[derive(Clone, Debug)]
struct Candidate {
    on_calendar: bool,
    folded: Folded,
    /// Paid for the number of periods tried.
    p_value: f64,
}

impl SeasonFinder {
    /// From its settings.
    ///
    /// # Errors
    /// If a setting is out of its range.
    pub fn new(settings: SeasonSettings) -> Result<Self, Error> {
        settings.check()?;
        Ok(Self {
            settings,
            grid: Vec::new(),
            sorted: Vec::new(),
            spectrum: Spectrum::default(),
            cells: Cells::default(),
            peaks: Vec::new(),
            unpacked: Vec::new(),
            candidates: Vec::new(),
            found: Vec::new(),
        })
    }

    /// As [`seasons`]; nothing is found on a step of zero.
    pub fn find(&mut self, values: &[f64], step: Duration) -> &[Season] {
        let bin = values.len().div_ceil(MOST_BINS).max(1);
        let last = &values[values.len() - values.len().min(MOST_BINS)..];
        self.find_in(values, bin, 1, last, step, |_| true)
    }

    /// The seasons of a history in two parts: all of it in bins of `width` steps, to be joined by
    /// `bin` of them, and the last samples one by one, unless `is_open` says of the seasons of the
    /// bins that what they hide does not matter.
    pub(crate) fn find_in(
        &mut self,
        all: &[f64],
        bin: usize,
        width: usize,
        last: &[f64],
        step: Duration,
        is_open: impl FnOnce(&[Season]) -> bool,
    ) -> &[Season] {
        self.found.clear();
        if step.is_zero() {
            return &self.found;
        }
        let steps = (bin * width) as f64;
        // What the bins hide is looked for in the last samples.
        let hidden = if steps > 1.0 { 8.0 * steps } else { 0.0 };
        self.search(all, bin, steps, step, hidden..f64::INFINITY);
        if steps > 1.0 && is_open(&self.found) {
            let n_coarse = self.found.len();
            self.search(last, 1, 1.0, step, 0.0..hidden);
            // The coarse bins see a fast cycle as two or three of it, the fine ones may see a slow
            // one again.
            let mut fine = self.found.split_off(n_coarse);
            let is_of = |slow: &Season, fast: &Season| {
                is_harmonic(slow.period_steps, fast.period_steps, 1.0)
            };
            fine.retain(|fast| {
                self.found.iter().all(|slow| fast.period_steps < 0.9 * slow.period_steps)
            });
            self.found.retain(|slow| {
                on_calendar(slow.period_steps, step) || !fine.iter().any(|fast| is_of(slow, fast))
            });
            self.found.extend(fine);
        }
        self.found.sort_by(|a, b| b.strength.total_cmp(&a.strength));
        self.found.truncate(MOST_SEASONS);
        &self.found
    }

    /// Adds the seasons whose period in steps lies in `range`.
    ///
    /// `bin` values make a bin, which is `bins` steps long.
    fn search(
        &mut self,
        values: &[f64],
        bin: usize,
        bins: f64,
        step: Duration,
        range: std::ops::Range<f64>,
    ) {
        if !prepare(values, bin, &mut self.sorted, &mut self.grid) {
            return;
        }
        self.candidates.clear();
        let mut calendar = [0.0; CALENDAR.len()];
        for (period, seconds) in calendar.iter_mut().zip(CALENDAR) {
            *period = f64::from(seconds) * 1000.0 / step.as_millis() as f64 / bins;
        }
        let Self { grid, cells, candidates, peaks, spectrum, .. } = self;
        for &period in &calendar {
            if range.contains(&(period * bins)) {
                try_period(grid, period, true, cells, candidates);
            }
        }
        let n_calendar = candidates.len();
        let mut known = [0.0; CALENDAR.len()];
        for (period, candidate) in known.iter_mut().zip(candidates.iter()) {
            *period = candidate.folded.period;
        }
        spectrum.peaks(grid, &known[..n_calendar], peaks);
        for &period in peaks.iter() {
            if range.contains(&(period * bins)) {
                try_period(grid, period, false, cells, candidates);
            }
        }
        // A peak is the best of as many as there are frequencies.
        let n_tried = (n_calendar as f64, (n_calendar + grid.len() / 2) as f64);
        let mut n_found = 0;
        loop {
            for candidate in &mut self.candidates {
                let times = if candidate.on_calendar { n_tried.0 } else { n_tried.1 };
                candidate.p_value = (candidate.folded.p_value * times).min(1.0);
            }
            let Some(best) = self.best() else { break };
            let taken = self.refined(best, bins);
            taken.folded.subtract(&mut self.grid);
            self.found.push(Season {
                period_steps: taken.folded.period * bins,
                strength: taken.folded.strength,
                p_value: taken.p_value,
            });
            n_found += 1;
            if n_found == MOST_SEASONS {
                break;
            }
            let length = self.grid.len() as f64;
            self.candidates.retain(|other| {
                other.p_value < 0.5 && !explained(other, taken.folded.period, length)
            });
            for candidate in &mut self.candidates {
                if let Some(folded) = fold(&self.grid, candidate.folded.period, &mut self.cells) {
                    candidate.folded = folded;
                }
            }
        }
    }

    /// Which candidate is the next season.
    fn best(&self) -> Option<usize> {
        let Self { settings, candidates, .. } = self;
        let counts = |candidate: &&Candidate| {
            candidate.p_value <= settings.significance
                && candidate.folded.strength >= settings.min_strength
                && candidate.folded.explained >= LEAST_EXPLAINED
        };
        let all = candidates.iter().enumerate().filter(|(_, candidate)| counts(candidate));
        // The calendar comes from short to long: an hour before a day, a day before a week, as the
        // longer one would take the shorter one with it.
        let on_calendar = all.clone().find(|(_, candidate)| candidate.on_calendar);
        let strongest =
            all.max_by(|(_, a), (_, b)| a.folded.explained.total_cmp(&b.folded.explained))?;
        match on_calendar {
            Some((at, one)) if one.folded.explained >= 0.8 * strongest.1.folded.explained => {
                Some(at)
            }
            Some((at, _)) if strongest.1.on_calendar => Some(at),
            _ => Some(strongest.0),
        }
    }

    /// The candidate with the period that fits best near its own.
    fn refined(&mut self, at: usize, bins: f64) -> Candidate {
        let mut best = self.candidates[at].clone();
        let divisor = best.folded.divisor();
        if divisor > 1 {
            let faster = best.folded.period / divisor as f64;
            self.prefer(faster, 0.95, &mut best);
        }
        if !best.on_calendar {
            let n_cycles = self.grid.len() as f64 / best.folded.period;
            // The spectrum tells a period to about a third of a cycle over the whole history. A
            // whole number of steps in it is as good at a little less.
            let mut apart = 0.3 / n_cycles;
            let whole = (best.folded.period * bins).round() / bins;
            if (whole / best.folded.period - 1.0).abs() < apart
                && self.prefer(whole, 0.97, &mut best)
            {
                return best;
            }
            for _ in 0..3 {
                let middle = best.folded.period;
                for period in [middle * (1.0 - apart), middle * (1.0 + apart)] {
                    self.prefer(period, 1.0, &mut best);
                }
                apart /= 2.0;
            }
            let whole = (best.folded.period * bins).round() / bins;
            if (whole / best.folded.period - 1.0).abs() < 0.3 / n_cycles {
                self.prefer(whole, 0.9, &mut best);
            }
        }
        best
    }

    /// Takes another period where it explains more than `share` of what the present one does.
    fn prefer(&mut self, period: f64, share: f64, best: &mut Candidate) -> bool {
        let other = fold(&self.grid, period, &mut self.cells);
        let better = other.filter(|folded| folded.explained > share * best.folded.explained);
        better.map(|folded| best.folded = folded).is_some()
    }
}

/// Whether a period in steps is an hour, a day or a week.
fn on_calendar(period: f64, step: Duration) -> bool {
    let millis = period * step.as_millis() as f64;
    CALENDAR.iter().any(|&seconds| (millis - f64::from(seconds) * 1000.0).abs() < 1.0)
}

/// Adds a period to the candidates if it can be tested.
fn try_period(
    grid: &[f64],
    period: f64,
    on_calendar: bool,
    cells: &mut Cells,
    candidates: &mut Vec<Candidate>,
) {
    candidates.reserve(CALENDAR.len() + MOST_PEAKS);
    if let Some(folded) = fold(grid, period, cells) {
        candidates.push(Candidate { on_calendar, folded, p_value: 1.0 });
    }
}

/// Whether a candidate off the calendar is but a harmonic, a multiple or a sideband of a season of
/// that period, in a grid of that length.
fn explained(candidate: &Candidate, period: f64, length: f64) -> bool {
    if candidate.on_calendar {
        // The day of a week that was taken whole is still a day; the day itself is gone.
        return (candidate.folded.period / period - 1.0).abs() < 1e-9;
    }
    let (ours, theirs) = (length / candidate.folded.period, length / period);
    is_harmonic(ours, theirs, 1.5)
        || is_harmonic(theirs, ours, 1.5)
        || (ours / theirs - 1.0).abs() < 0.3
}
