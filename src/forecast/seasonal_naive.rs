//! The same time one season ago, on the level of now.
//!
//! In: samples. Out: last season's course from here on, shifted as the present asks. Knows one season
//! only.

use serde::{Deserialize, Serialize};

use super::level::Level;
use super::residuals::Residuals;
use super::seasons::steps_of;
use super::{Forecast, Forecaster, History};
use crate::series::Sample;
use crate::time::Duration;
use crate::{Error, Reason};

/// Expects what came one season ago, on the level of now.
///
/// The point forecast is `(sqrt(s(t + h)) + r)^2` with `s` the mean of last season's samples around
/// the same time and `r` the rest to expect: what the load has lately been off its course, weighed
/// as it proved right so far. Square roots stand half-way between adding and scaling, and hold at
/// zero. Where last season's samples are missing, those of the season before stand in.
///
/// ```
/// use forescale::forecast::seasonal_naive::{Config, SeasonalNaive};
/// use forescale::forecast::{Forecast, Forecaster};
/// use forescale::series::Sample;
/// use forescale::{Duration, Timestamp};
///
/// let (step, season) = (Duration::from_secs(60), Duration::from_secs(3600));
/// let settings = Config { season, smooth: Duration::ZERO, ..Config::default() };
/// let mut model = SeasonalNaive::new(settings, step)?;
/// for minute in 0..240 {
///     let load = if minute % 60 < 30 { 100.0 } else { 900.0 };
///     model.observe(Sample { at: Timestamp::from_secs(60 * (minute + 1)), value: Some(load) });
/// }
/// let mut forecast = Forecast::default();
/// model.forecast(40, &[0.5], &mut forecast).expect("four hours are enough");
/// assert!((forecast.values[0] - 100.0).abs() < 1.0 && (forecast.values[35] - 900.0).abs() < 9.0);
/// # Ok::<(), forescale::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved", into = "Saved")]
pub struct SeasonalNaive {
    settings: Config,
    step: Duration,
    course: Course,
    residuals: Residuals,
}

/// Last season, and what the present adds to it.
#[derive(Clone, Debug, PartialEq)]
struct Course {
    /// In steps.
    season: usize,
    /// In steps to each side.
    smooth: usize,
    history: History,
    /// `None`: last season as it was.
    level: Option<Level>,
}

impl SeasonalNaive {
    /// From its settings and the step of its samples.
    ///
    /// # Errors
    /// If the season is not a whole number of steps, at least two.
    pub fn new(settings: Config, step: Duration) -> Result<Self, Error> {
        let season = steps_of(settings.season, step, "season")?;
        let smooth = (settings.smooth.as_millis() / step.as_millis()) as usize / 2;
        let smooth = smooth.min(season / 4).min(MOST_SMOOTH);
        let level = match settings.level {
            LevelKind::Learned => Some(Level::new(step)),
            LevelKind::None => None,
        };
        // Two seasons, as one with a hole borrows from the other.
        let history = History::new(2 * season + smooth + 1, step);
        let course = Course { season, smooth, history, level };
        Ok(Self { settings, step, course, residuals: Residuals::doubling() })
    }
}

impl Forecaster for SeasonalNaive {
    fn observe(&mut self, sample: Sample) {
        let truth = self.course.history.push(sample);
        self.course.follow(truth);
        let point = self.course.points();
        self.residuals.observe(truth, |ahead| truth.and_then(|_| point(ahead)));
    }

    fn forecast(
        &self,
        horizon: usize,
        quantiles: &[f64],
        forecast: &mut Forecast,
    ) -> Result<(), Reason> {
        let Course { history, season, .. } = &self.course;
        let point = self.course.points();
        history.fill(&self.residuals, *season, horizon, quantiles, forecast, point)
    }

    fn reset(&mut self) -> bool {
        self.course.history.clear();
        if let Some(level) = &mut self.course.level {
            level.clear();
        }
        self.residuals.clear();
        true
    }
}

impl Course {
    /// The point forecasts, some steps from now, from 1.
    fn points(&self) -> impl Fn(usize) -> Option<f64> + '_ {
        let now = self.seasonal(0);
        move |ahead| {
            let then = self.seasonal(ahead)?;
            let rest = match &self.level {
                Some(level) => level.rest(ahead, now?, then)?,
                None => 0.0,
            };
            let root = (then + rest).max(0.0);
            Some((root * root).min(f64::MAX))
        }
    }

    /// Takes the load of this step.
    fn follow(&mut self, truth: Option<f64>) {
        if let Some(mut level) = self.level.take() {
            level.observe(truth.map(f64::sqrt), |ahead| self.seasonal(ahead));
            self.level = Some(level);
        }
    }

    /// The square root of last season's value for `ahead` steps from now, 0 for now.
    fn seasonal(&self, ahead: usize) -> Option<f64> {
        let first = ahead.div_ceil(self.season).max(1);
        let around = |age: usize| {
            let ages = age.saturating_sub(self.smooth)..=age + self.smooth;
            mean(ages.filter_map(|age| self.history.ring.back(age)))
        };
        (first..first + 2).find_map(|seasons| around(seasons * self.season - ahead)).map(f64::sqrt)
    }
}

/// So many samples to each side are averaged at most; the cost of a step grows with them.
const MOST_SMOOTH: usize = 120;

/// The mean of finite values; `None` without any.
fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (n, sum) = values.fold((0_u32, 0.0), |(n, sum), value| (n + 1, sum + value));
    (n > 0).then(|| (sum / f64::from(n)).min(f64::MAX))
}

/// As text.
#[derive(Serialize, Deserialize)]
struct Saved {
    settings: Config,
    step: Duration,
    history: History,
    residuals: Residuals,
    level: Option<Level>,
}

impl From<SeasonalNaive> for Saved {
    fn from(model: SeasonalNaive) -> Self {
        let SeasonalNaive { settings, step, course, residuals } = model;
        let Course { history, level, .. } = course;
        Self { settings, step, history, residuals, level }
    }
}

impl TryFrom<Saved> for SeasonalNaive {
    type Error = String;

    fn try_from(saved: Saved) -> Result<Self, String> {
        let mut model = Self::new(saved.settings, saved.step).map_err(|error| error.to_string())?;
        model.course.history = model.course.history.restored(saved.history)?;
        model.residuals = model.residuals.restored(saved.residuals)?;
        model.course.level = match (model.course.level, saved.level) {
            (Some(level), Some(saved)) => Some(level.restored(saved)?),
            (None, None) => None,
            _ => return Err("the level of a forecaster is not of its settings".to_owned()),
        };
        Ok(model)
    }
}

/// Settings of [`SeasonalNaive`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// After this time the load comes again; a whole number of steps. Default `1d`: most loads that
    /// people make follow the day.
    pub season: Duration,
    /// How the present shifts last season's course: `learned` (default), or `none` for last season
    /// as it was. Learned, it was better on each of four real loads than any fixed stretch tried.
    pub level: LevelKind,
    /// The stretch over which last season is averaged, so that its noise is not forecast; cut to
    /// half of the season, to 240 steps, and to whole steps. Default `30m`.
    pub smooth: Duration,
}

/// How [`SeasonalNaive`] brings last season to the level of now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum LevelKind {
    /// Not at all.
    None,
    /// By the rests of the last steps, weighed as it proved right so far.
    #[default]
    Learned,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            season: Duration::from_secs(86_400),
            level: LevelKind::Learned,
            smooth: Duration::from_secs(1800),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecast::naive::{self, Naive};
    use crate::forecast::testing::{MINUTE, daily, judged, sample, survives_a_snapshot};

    const DAY: usize = 1440;

    fn model() -> SeasonalNaive {
        SeasonalNaive::new(Config::default(), MINUTE).expect("defaults hold")
    }

    #[test]
    fn covers_what_it_says_and_beats_as_now() {
        let loads = daily(6 * DAY, 0.8, 0.05, 1);
        let quantiles = [0.1, 0.5, 0.9, 0.95];
        for ahead in [5, 15] {
            let ours = judged(&mut model(), &loads, ahead, &quantiles, 2 * DAY);
            let mut naive = Naive::new(naive::Config {}, MINUTE).expect("no settings");
            let theirs = judged(&mut naive, &loads, ahead, &quantiles, 2 * DAY);
            for ((q, ours), theirs) in quantiles.iter().zip(&ours).zip(&theirs) {
                assert!((ours.0 - q).abs() < 0.02, "{q} is {} at {ahead}", ours.0);
                assert!(ours.1 < 0.9 * theirs.1, "{q} at {ahead}: {} {}", ours.1, theirs.1);
            }
        }
    }

    #[test]
    fn without_level_and_smoothing_it_is_last_season_as_it_was() {
        let settings =
            Config { level: LevelKind::None, smooth: Duration::ZERO, ..Config::default() };
        let mut model = SeasonalNaive::new(settings, MINUTE).expect("in range");
        let loads = daily(DAY, 0.8, 0.05, 2);
        // Repeated exactly, so the errors are zero but for rounding.
        for minute in 0..DAY + 200 {
            model.observe(sample(minute, Some(loads[minute % DAY])));
        }
        let mut forecast = Forecast::default();
        model.forecast(30, &[0.5], &mut forecast).expect("enough history");
        for (ahead, &load) in forecast.values.iter().enumerate() {
            assert!((load - loads[200 + ahead]).abs() < 1e-9, "{ahead}");
        }
    }

    #[test]
    fn a_hole_in_the_last_season_is_filled_by_the_one_before() {
        let mut model = model();
        let loads = daily(4 * DAY, 0.8, 0.01, 3);
        let hole = 2 * DAY + 300..2 * DAY + 420;
        for (minute, &load) in loads[..3 * DAY + 300].iter().enumerate() {
            model.observe(sample(minute, Some(load).filter(|_| !hole.contains(&minute))));
        }
        let mut forecast = Forecast::default();
        model.forecast(60, &[0.5], &mut forecast).expect("the season before is there");
        for (ahead, load) in forecast.values.iter().enumerate() {
            let truth = loads[3 * DAY + 300 + ahead];
            assert!((load / truth - 1.0).abs() < 0.1, "{ahead}: {load} for {truth}");
        }
    }

    #[test]
    fn a_snapshot_changes_no_answer() {
        let loads: Vec<_> = (daily(3300, 0.8, 0.1, 4).into_iter().enumerate())
            .map(|(minute, load)| Some(load).filter(|_| minute % 97 > 3))
            .collect();
        survives_a_snapshot(|| Box::new(model()), &loads);
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        let refused = |settings, step| {
            SeasonalNaive::new(settings, step).expect_err("out of range").path().to_owned()
        };
        let odd = Config { season: Duration::from_secs(90), ..Config::default() };
        assert_eq!(refused(odd, MINUTE), "season");
        assert_eq!(refused(Config::default(), Duration::ZERO), "season");
    }
}
