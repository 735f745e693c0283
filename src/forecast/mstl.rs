//! Several seasons at once: the seasonal parts of MSTL, on the level of now.
//!
//! In: samples. Out: the day's and the week's course from here on, shifted as the present asks. The decomposition is that of the augurs crates; the quantiles are our own.

use augurs::mstl::stlrs::MstlParams;
use serde::{Deserialize, Serialize};

use super::level::Level;
use super::residuals::Residuals;
use super::{Forecast, Forecaster, History, MOST_STALE};
use crate::explain::codes;
use crate::series::{Ring, Sample};
use crate::time::Duration;
use crate::{Error, Reason};

/// Decomposes the history into seasons, and follows the level between two decompositions.
///
/// MSTL (Bandara, Hyndman, Bergmeir 2021) runs once every `refit` over the square roots of the
/// history, in which the noise of counts has one width. Of its result the last cycle of each season
/// is kept; the point forecast is `(sum of the seasons at t + h + r)^2` with `r` the rest to expect:
/// what the load has lately been off its seasons, weighed as it proved right so far. Long histories are averaged into bins first,
/// at most 144 to the shortest season, and the seasons interpolated between bins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved", into = "Saved")]
pub struct Mstl {
    settings: Config,
    step: Duration,
    history: History,
    /// Means of the square roots over each bin that has closed.
    bins: Ring,
    /// Sum and count of the bin that is filling.
    filling: (f64, u32),
    course: Course,
    level: Level,
    residuals: Residuals,
    /// Whether the last decomposition gave no finite numbers.
    failed: bool,
}

/// The bins to the shortest season are at most so many.
const MOST_BINS: usize = 144;

/// The bins in the whole history are at most so many.
const MOST_HISTORY: usize = 8192;

/// The trend and the seasons as last fitted, in square-root scale.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Course {
    /// Steps in a bin.
    bin: usize,
    /// Bins that had closed when it was fitted.
    fitted_at: u64,
    /// The last cycle of each season, a value a bin; empty before the first fit.
    seasons: Vec<Vec<f64>>,
    trend: f64,
}

impl Mstl {
    /// From its settings and the step of its samples.
    ///
    /// # Errors
    /// If there is no season, or one that is not a whole number of bins or longer than half of the
    /// history, or `refit` is zero.
    pub fn new(settings: Config, step: Duration) -> Result<Self, Error> {
        let Some(&shortest) = settings.seasons.iter().min() else {
            return Err(Error::config("seasons", "is empty, must name one at least"));
        };
        let bin = shortest.steps(step).div_ceil(MOST_BINS).max(1);
        let width = step.times(bin as i64);
        for (at, &season) in settings.seasons.iter().enumerate() {
            let n_bins = season.steps(width);
            if n_bins < 2 || season.times(2) > settings.history {
                let message = format!(
                    "is {season}, must be from two bins of {width} to half of the history, {}",
                    settings.history
                );
                return Err(Error::config(format!("seasons[{at}]"), message));
            }
            if width.times(n_bins as i64) != season {
                let message = format!("is {season}, must be a whole number of bins of {width}");
                return Err(Error::config(format!("seasons[{at}]"), message));
            }
        }
        let n_bins = settings.history.steps(width);
        if n_bins > MOST_HISTORY {
            let message =
                format!("is {}, must be at most {MOST_HISTORY} bins of {width}", settings.history);
            return Err(Error::config("history", message));
        }
        if settings.refit.is_zero() {
            return Err(Error::config("refit", "is 0s, must be longer"));
        }
        let course = Course { bin, fitted_at: 0, seasons: Vec::new(), trend: 0.0 };
        Ok(Self {
            history: History::new(1 + MOST_STALE, step),
            bins: Ring::new(n_bins),
            filling: (0.0, 0),
            course,
            level: Level::new(step),
            residuals: Residuals::doubling(),
            failed: false,
            settings,
            step,
        })
    }

    /// Bins that have closed so far.
    fn n_bins(&self) -> u64 {
        self.history.n_samples / self.course.bin as u64
    }

    /// Adds the sample to the bins and fits anew if it is time.
    fn collect(&mut self, value: Option<f64>) {
        if let Some(value) = value {
            self.filling.0 += value.sqrt();
            self.filling.1 += 1;
        }
        if !self.history.n_samples.is_multiple_of(self.course.bin as u64) {
            return;
        }
        let (sum, n) = std::mem::take(&mut self.filling);
        self.bins.push((n > 0).then(|| sum / f64::from(n)));
        let refit = self.settings.refit.steps(self.step).div_ceil(self.course.bin) as u64;
        let due = self.course.seasons.is_empty() || self.n_bins() - self.course.fitted_at >= refit;
        if due && value.is_some() {
            self.fit();
        }
    }

    /// Decomposes the history anew; the load stays where it is.
    fn fit(&mut self) {
        let Some(series) = filled(&self.bins) else { return };
        let width = self.step.times(self.course.bin as i64);
        let periods: Vec<usize> = (self.settings.seasons.iter())
            .map(|season| season.steps(width))
            .filter(|period| 2 * period <= series.len())
            .collect();
        if periods.is_empty() {
            return;
        }
        let fitted = MstlParams::new().fit(&series, &periods);
        let finite = |result: &augurs::mstl::stlrs::MstlResult<f64>| {
            let seasons = result.seasonal().iter().flatten();
            seasons.chain(result.trend()).all(|value| value.is_finite())
        };
        let Some(result) = fitted.ok().filter(finite) else {
            self.failed = true;
            self.course.seasons.clear();
            return;
        };
        self.failed = false;
        let now = self.history.n_samples;
        let before = self.course.at(now, 0);
        let cycles = periods.iter().zip(result.seasonal());
        self.course.seasons =
            cycles.map(|(&period, values)| values[values.len() - period..].to_vec()).collect();
        self.course.trend = result.trend().last().copied().unwrap_or(0.0);
        self.course.fitted_at = self.n_bins();
        if let (Some(before), Some(after)) = (before, self.course.at(now, 0)) {
            self.level.moved(before - after);
        }
    }
}

impl Forecaster for Mstl {
    fn observe(&mut self, sample: Sample) {
        let truth = self.history.push(sample);
        let now = self.history.n_samples;
        let root = truth.map(f64::sqrt);
        self.level.observe(root, |ahead| self.course.at(now, ahead));
        self.collect(truth);
        let point = self.course.points(&self.level, now);
        self.residuals.observe(truth, |ahead| truth.and_then(|_| point(ahead)));
    }

    fn forecast(
        &self,
        horizon: usize,
        quantiles: &[f64],
        forecast: &mut Forecast,
    ) -> Result<(), Reason> {
        let now = self.history.n_samples;
        if self.failed {
            return Err(Reason::new(codes::MODEL_FAILED, [("n_samples", now as f64)]));
        }
        let shortest =
            self.settings.seasons.iter().min().map_or(0, |season| season.steps(self.step));
        let point = self.course.points(&self.level, now);
        self.history.fill(&self.residuals, 2 * shortest, horizon, quantiles, forecast, point)
    }

    fn reset(&mut self) -> bool {
        self.history.clear();
        self.bins.clear();
        self.filling = (0.0, 0);
        self.course.seasons.clear();
        (self.course.fitted_at, self.course.trend) = (0, 0.0);
        self.level.clear();
        self.residuals.clear();
        self.failed = false;
        true
    }
}

impl Course {
    /// The point forecasts, some steps (from 1) from the sample number `now`.
    fn points(&self, level: &Level, now: u64) -> impl Fn(usize) -> Option<f64> {
        let course = self.at(now, 0);
        move |ahead| {
            let then = self.at(now, ahead)?;
            let root = (then + level.rest(ahead, course?, then)?).max(0.0);
            Some((root * root).min(f64::MAX))
        }
    }

    /// Trend and seasons `ahead` steps from the sample number `now`, interpolated between the middles
    /// of bins; `None` before the first fit.
    fn at(&self, now: u64, ahead: usize) -> Option<f64> {
        if self.seasons.is_empty() {
            return None;
        }
        let bin = self.bin as f64;
        // Sample number n (from 1) is the step n - 1; a bin's middle lies (bin - 1) / 2 steps in.
        let step = (now as f64 - 1.0) + ahead as f64 - self.fitted_at as f64 * bin;
        let place = (step - (bin - 1.0) / 2.0) / bin;
        let (left, share) = (place.floor(), place - place.floor());
        let value = |season: &[f64]| {
            let at = (left as i64).rem_euclid(season.len() as i64) as usize;
            season[at] * (1.0 - share) + season[(at + 1) % season.len()] * share
        };
        Some(self.trend + self.seasons.iter().map(|season| value(season)).sum::<f64>())
    }
}

/// The bins without those missing at the start, gaps bridged by straight lines; `None` if the end
/// or more than half is missing.
fn filled(bins: &Ring) -> Option<Vec<f64>> {
    let mut series: Vec<f64> = Vec::with_capacity(bins.len());
    let (mut n_known, mut gap) = (0, 0);
    for value in bins.iter() {
        match (value, series.last().copied()) {
            (Some(value), before) => {
                let before = before.unwrap_or(value);
                let slope = (value - before) / (gap + 1) as f64;
                series.extend((1..=gap).map(|at| before + slope * at as f64));
                series.push(value);
                (n_known, gap) = (n_known + 1, 0);
            }
            (None, Some(_)) => gap += 1,
            (None, None) => {}
        }
    }
    (gap == 0 && 2 * n_known >= series.len()).then_some(series)
}

/// As text.
#[derive(Serialize, Deserialize)]
struct Saved {
    settings: Config,
    step: Duration,
    history: History,
    bins: Ring,
    filling: (f64, u32),
    course: Course,
    level: Level,
    residuals: Residuals,
    failed: bool,
}

impl From<Mstl> for Saved {
    fn from(model: Mstl) -> Self {
        let Mstl { settings, step, history, bins, filling, course, level, residuals, failed } =
            model;
        Self { settings, step, history, bins, filling, course, level, residuals, failed }
    }
}

impl TryFrom<Saved> for Mstl {
    type Error = String;

    fn try_from(saved: Saved) -> Result<Self, String> {
        let mut model = Self::new(saved.settings, saved.step).map_err(|error| error.to_string())?;
        model.history = model.history.restored(saved.history)?;
        model.level = model.level.restored(saved.level)?;
        model.residuals = model.residuals.restored(saved.residuals)?;
        let same_bins = saved.bins.capacity() == model.bins.capacity();
        if !same_bins || saved.course.bin != model.course.bin {
            return Err("the bins of a decomposition have another size".to_owned());
        }
        if saved.course.seasons.iter().any(Vec::is_empty) || model.n_bins() < saved.course.fitted_at
        {
            return Err("a decomposition has an empty season or comes from the future".to_owned());
        }
        model.bins = saved.bins;
        model.filling = saved.filling;
        model.course = saved.course;
        model.failed = saved.failed;
        Ok(model)
    }
}

/// Settings of [`Mstl`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// After these times the load comes again, each at most half of `history`; one counts once two
    /// of its cycles have been seen. Default `1d` and `1w`: the days and weeks of people.
    pub seasons: Vec<Duration>,
    /// So much is decomposed. Default `14d`: the least that shows a week twice.
    pub history: Duration,
    /// Time between two decompositions. Default `1h`: seasons change slowly.
    pub refit: Duration,
}

impl Default for Config {
    fn default() -> Self {
        const DAY: u32 = 86_400;
        Self {
            seasons: vec![Duration::from_secs(DAY), Duration::from_secs(7 * DAY)],
            history: Duration::from_secs(14 * DAY),
            refit: Duration::from_secs(3600),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecast::testing::{MINUTE, daily, judged, sample, survives_a_snapshot, uniform};

    const DAY: usize = 1440;

    fn model() -> Mstl {
        Mstl::new(Config::default(), MINUTE).expect("defaults hold")
    }

    /// Days that differ from weekends: a load of which one season cannot tell.
    fn weekly(days: usize) -> Vec<f64> {
        let weekend = |minute: usize| if minute / DAY % 7 >= 5 { 0.4 } else { 1.0 };
        let loads = daily(days * DAY, 0.8, 0.05, 5).into_iter().enumerate();
        loads.map(|(minute, load)| load * weekend(minute)).collect()
    }

    #[test]
    fn covers_what_it_says_on_a_weekly_load() {
        let loads = weekly(21);
        let [median, high] = judged(&mut model(), &loads, 15, &[0.5, 0.95], 14 * DAY)[..] else {
            unreachable!("two quantiles were asked for")
        };
        assert!((median.0 - 0.5).abs() < 0.03, "{}", median.0);
        assert!((high.0 - 0.95).abs() < 0.015, "{}", high.0);
        assert!(median.1 < 0.025 * 1000.0 / 2.0, "{}", median.1);
    }

    #[test]
    fn is_learnt_from_two_cycles_of_the_shortest_season() {
        let mut model = model();
        let mut forecast = Forecast::default();
        for (minute, &load) in weekly(3).iter().enumerate() {
            model.observe(sample(minute, Some(load)));
            if minute < 2 * DAY - 1 {
                let reason = model.forecast(5, &[0.5], &mut forecast).expect_err("too early");
                assert_eq!(reason.code(), "too_little_history");
            }
        }
        model.forecast(5, &[0.5], &mut forecast).expect("two days are enough for the day");
    }

    #[test]
    fn a_snapshot_changes_no_answer() {
        let mut uniform = uniform(6);
        let holes = |load| Some(load).filter(|_| uniform() > 0.1);
        let loads: Vec<_> = weekly(7).into_iter().map(holes).collect();
        survives_a_snapshot(|| Box::new(model()), &loads);
    }

    #[test]
    fn a_failed_fit_is_told_and_the_next_one_heals_it() {
        let mut model = model();
        let loads = weekly(3);
        for (minute, &load) in loads[..2 * DAY + 200].iter().enumerate() {
            model.observe(sample(minute, Some(load)));
        }
        // As after a decomposition that is not finite: no such input is known.
        model.failed = true;
        model.course.seasons.clear();
        let mut forecast = Forecast::default();
        let reason = model.forecast(5, &[0.5], &mut forecast).expect_err("it failed");
        assert_eq!((reason.code(), reason.fact("n_samples")), ("model_failed", Some(3080.0)));
        for (minute, &load) in loads.iter().enumerate().skip(2 * DAY + 200).take(10) {
            model.observe(sample(minute, Some(load)));
        }
        model.forecast(5, &[0.5], &mut forecast).expect("fitted anew at the end of the bin");
    }

    #[test]
    fn gaps_are_bridged_by_straight_lines() {
        let mut bins = Ring::new(9);
        for bin in [None, Some(1.0), Some(2.0), None, None, Some(5.0), Some(4.0)] {
            bins.push(bin);
        }
        assert_eq!(filled(&bins), Some(vec![1.0, 2.0, 3.0, 4.0, 5.0, 4.0]));
        bins.push(None);
        assert_eq!(filled(&bins), None);
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        let hours = |hours: u32| Duration::from_secs(3600 * hours);
        let refused =
            |settings| Mstl::new(settings, MINUTE).expect_err("out of range").path().to_owned();
        let none = Config { seasons: vec![], ..Config::default() };
        assert_eq!(refused(none), "seasons");
        let long = Config { history: hours(24 * 13), ..Config::default() };
        assert_eq!(refused(long), "seasons[1]");
        let odd =
            Config { seasons: vec![hours(24), Duration::from_secs(86_460)], ..Config::default() };
        assert_eq!(refused(odd), "seasons[1]");
        let never = Config { refit: Duration::ZERO, ..Config::default() };
        assert_eq!(refused(never), "refit");
    }
}
