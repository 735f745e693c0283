//! The same time one season ago, brought to the level of now.
//!
//! In: samples. Out: last season's course from here on, shifted so that it starts from the recent
//! level. Knows one season only.

use serde::{Deserialize, Serialize};

use super::residuals::Residuals;
use super::{Forecast, Forecaster, History, MOST_STALE};
use crate::series::Sample;
use crate::time::Duration;
use crate::{Error, Reason};

/// Expects what came one season ago, shifted to the level of now.
///
/// The point forecast is `(sqrt(s(t + h)) + d)^2` with `s` last season's samples, smoothed, and `d`
/// how far the square root of the recent mean is from that of the same stretch one season ago:
/// half-way between adding and scaling, and defined at zero. Where last season's samples are
/// missing, those of the season before stand in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved", into = "Saved")]
pub struct SeasonalNaive {
    settings: Config,
    step: Duration,
    course: Course,
    residuals: Residuals,
}

/// Last season, and how far the present lies from it.
#[derive(Clone, Debug, PartialEq)]
struct Course {
    /// In steps, as the next two.
    season: usize,
    level: usize,
    /// To each side.
    smooth: usize,
    history: History,
    /// How far the level lies from that of last season, in square-root scale.
    shift: Option<f64>,
}

impl SeasonalNaive {
    /// From its settings and the step of its samples.
    ///
    /// # Errors
    /// If the season is not a whole number of steps, at least two, or a stretch is out of range.
    pub fn new(settings: Config, step: Duration) -> Result<Self, Error> {
        let (season, level) = (settings.season.steps(step), settings.level.steps(step));
        if step.times(season as i64) != settings.season || !(2..=MOST_STEPS).contains(&season) {
            let season = settings.season;
            let message = format!("is {season}, must be 2 to {MOST_STEPS} whole steps of {step}");
            return Err(Error::config("season", message));
        }
        for (field, stretch) in [("level", settings.level), ("smooth", settings.smooth)] {
            if stretch.times(2) > settings.season {
                let message = format!("is {stretch}, must be at most half of the season");
                return Err(Error::config(field, message));
            }
        }
        let smooth = settings.smooth.steps(step) / 2;
        let history = History::new(2 * season + level + smooth + MOST_STALE, step);
        let course = Course { season, level, smooth, history, shift: None };
        Ok(Self { settings, step, course, residuals: Residuals::doubling() })
    }
}

impl Forecaster for SeasonalNaive {
    fn observe(&mut self, sample: Sample) {
        let truth = self.course.history.push(sample);
        if truth.is_some() {
            self.course.follow();
        }
        let course = &self.course;
        self.residuals.observe(truth, |ahead| truth.and_then(|_| course.point(ahead)));
    }

    fn forecast(
        &self,
        horizon: usize,
        quantiles: &[f64],
        forecast: &mut Forecast,
    ) -> Result<(), Reason> {
        let Course { history, season, .. } = &self.course;
        let point = |ahead| self.course.point(ahead);
        history.fill(&self.residuals, *season, horizon, quantiles, forecast, point)
    }
}

impl Course {
    /// The point forecast `ahead` steps from now, from 1.
    fn point(&self, ahead: usize) -> Option<f64> {
        let root = self.seasonal(ahead)?.sqrt() + self.shift?;
        Some(root.max(0.0).powi(2).min(f64::MAX))
    }

    /// Last season's value for `ahead` steps from now.
    fn seasonal(&self, ahead: usize) -> Option<f64> {
        let first = ahead.div_ceil(self.season);
        let ages = (first..first + 2).map(|seasons| seasons * self.season - ahead);
        ages.filter_map(|age| self.around(age, self.smooth)).next()
    }

    /// Mean of the samples at most `side` steps from the age `age`.
    fn around(&self, age: usize, side: usize) -> Option<f64> {
        mean((age.saturating_sub(side)..=age + side).filter_map(|age| self.history.ring.back(age)))
    }

    /// Sets the shift anew; it stays as it was while the samples for it are missing.
    fn follow(&mut self) {
        if self.level == 0 {
            self.shift = Some(0.0);
            return;
        }
        let recent = mean((0..self.level).filter_map(|age| self.history.ring.back(age)));
        let center = (self.level - 1) / 2;
        let side = self.smooth.max(self.level / 2);
        let before = self
            .around(self.season + center, side)
            .or_else(|| self.around(2 * self.season + center, side));
        if let (Some(recent), Some(before)) = (recent, before) {
            self.shift = Some(recent.sqrt() - before.sqrt());
        }
    }
}

/// So many steps a season or less.
const MOST_STEPS: usize = 200_000;

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
    shift: Option<f64>,
}

impl From<SeasonalNaive> for Saved {
    fn from(model: SeasonalNaive) -> Self {
        let SeasonalNaive { settings, step, course, residuals } = model;
        let Course { history, shift, .. } = course;
        Self { settings, step, history, residuals, shift }
    }
}

impl TryFrom<Saved> for SeasonalNaive {
    type Error = String;

    fn try_from(saved: Saved) -> Result<Self, String> {
        let mut model = Self::new(saved.settings, saved.step).map_err(|error| error.to_string())?;
        model.course.history = model.course.history.restored(saved.history)?;
        model.residuals = model.residuals.restored(saved.residuals)?;
        model.course.shift = saved.shift;
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
    /// The stretch whose mean is the recent level, at most half of the season; zero takes last
    /// season as it was. Default `10m`.
    pub level: Duration,
    /// The stretch over which last season is averaged, so that its noise is not forecast; at most
    /// half of the season. Default `30m`.
    pub smooth: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            season: Duration::from_secs(86_400),
            level: Duration::from_secs(600),
            smooth: Duration::from_secs(1800),
        }
    }
}
