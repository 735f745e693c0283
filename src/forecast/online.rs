//! What all models that follow the rest of a load have in common.
//!
//! In: samples. Out: quantiles of the load, from a [`Rule`] that expects the rest: what is left of
//! the square root of the load when its seasons are taken off. Knows no rule.

use std::fmt::Debug;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::residuals::Residuals;
use super::screen::{Screen, Seen};
use super::seasons::Seasons;
use super::{Forecast, History, MOST_STALE};
use crate::series::Sample;
use crate::time::Duration;
use crate::{Error, Reason};

/// How a model follows the rest of a load.
///
/// Whatever comes, its numbers must stay finite as long as rests are below 1e155.
pub(super) trait Rule: Clone + Debug + PartialEq + Serialize + DeserializeOwned {
    type Config: Clone + Debug + PartialEq + Serialize + DeserializeOwned;

    /// From its settings and the step of its samples.
    ///
    /// # Errors
    /// If a setting is out of its range.
    fn new(settings: &Self::Config, step: Duration) -> Result<Self, Error>;

    /// The seasons that are taken off first.
    ///
    /// # Errors
    /// If one is out of its range.
    fn seasons(settings: &Self::Config, step: Duration) -> Result<Seasons, Error>;

    /// Takes over what was saved, if it is sound.
    fn restored(&self, saved: Self) -> Result<Self, String>;

    /// A step passes; takes its rest, if there is one.
    fn follow(&mut self, rest: Option<f64>);

    /// The level is so much higher from now on.
    fn shift(&mut self, by: f64);

    /// The rest to expect `ahead` steps from now, from 1; `None` before the first.
    fn expects(&self, ahead: usize) -> Option<f64>;
}

/// A rule with all it needs to be a forecaster: history, seasons, screening, errors.
///
/// The point forecast is `(seasons(t + h) + rest(t + h))^2`. Square roots stand half-way between
/// adding and scaling, and hold at zero.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved<R>", into = "Saved<R>", bound = "R: Rule")]
pub(super) struct Online<R: Rule> {
    settings: R::Config,
    step: Duration,
    history: History,
    seasons: Seasons,
    screen: Screen,
    rule: R,
    residuals: Residuals,
}

impl<R: Rule> Online<R> {
    pub(super) fn new(settings: R::Config, step: Duration) -> Result<Self, Error> {
        Ok(Self {
            history: History::new(1 + MOST_STALE, step),
            seasons: R::seasons(&settings, step)?,
            screen: Screen::default(),
            rule: R::new(&settings, step)?,
            residuals: Residuals::doubling(),
            settings,
            step,
        })
    }

    pub(super) fn observe(&mut self, sample: Sample) {
        let Self { history, seasons, screen, rule, residuals, .. } = self;
        let truth = history.push(sample);
        let lift = seasons.at(1);
        let mut rest = truth.map(|truth| truth.sqrt() - lift);
        if let (Some(seen), Some(expected)) = (rest, rule.expects(1)) {
            match screen.judge(seen - expected) {
                Seen::Plain => {}
                Seen::Odd => rest = None,
                Seen::Shift => {
                    rule.shift(seen - expected);
                    seasons.shift(seen - expected);
                }
            }
        }
        rule.follow(rest);
        let moved = seasons.observe(rest.map(|rest| rest + lift));
        if moved != 0.0 {
            rule.shift(-moved);
        }
        let point = points(seasons, rule);
        residuals.observe(truth, |ahead| truth.and_then(|_| point(ahead)));
    }

    /// See [`Forecaster::forecast`](super::Forecaster::forecast).
    pub(super) fn forecast(
        &self,
        horizon: usize,
        quantiles: &[f64],
        forecast: &mut Forecast,
    ) -> Result<(), Reason> {
        let point = points(&self.seasons, &self.rule);
        self.history.fill(&self.residuals, 1, horizon, quantiles, forecast, point)
    }

    /// See [`Forecaster::reset`](super::Forecaster::reset).
    pub(super) fn reset(&mut self) {
        self.history.clear();
        self.seasons.clear();
        self.screen = Screen::default();
        self.rule = R::new(&self.settings, self.step).expect("it was built of these before");
        self.residuals.clear();
    }
}

/// The point forecasts, some steps from now, from 1.
fn points<R: Rule>(seasons: &Seasons, rule: &R) -> impl Fn(usize) -> Option<f64> {
    |ahead| {
        let root = (seasons.at(ahead) + rule.expects(ahead)?).max(0.0);
        Some((root * root).min(f64::MAX))
    }
}

/// As text.
#[derive(Serialize, Deserialize)]
#[serde(bound = "R: Rule")]
struct Saved<R: Rule> {
    settings: R::Config,
    step: Duration,
    history: History,
    seasons: Seasons,
    screen: Screen,
    rule: R,
    residuals: Residuals,
}

impl<R: Rule> From<Online<R>> for Saved<R> {
    fn from(model: Online<R>) -> Self {
        let Online { settings, step, history, seasons, screen, rule, residuals } = model;
        Self { settings, step, history, seasons, screen, rule, residuals }
    }
}

impl<R: Rule> TryFrom<Saved<R>> for Online<R> {
    type Error = String;

    fn try_from(saved: Saved<R>) -> Result<Self, String> {
        let mut model = Self::new(saved.settings, saved.step).map_err(|error| error.to_string())?;
        model.history = model.history.restored(saved.history)?;
        model.seasons = model.seasons.restored(saved.seasons)?;
        model.screen = model.screen.restored(saved.screen)?;
        model.rule = model.rule.restored(saved.rule)?;
        model.residuals = model.residuals.restored(saved.residuals)?;
        Ok(model)
    }
}

/// Writes the public type of a model that is an [`Online`] rule, and its role.
macro_rules! online {
    ($(#[$attribute:meta])* $Model:ident, $Rule:ty, $Config:ty) => {
        $(#[$attribute])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $Model($crate::forecast::online::Online<$Rule>);

        impl $Model {
            /// From its settings and the step of its samples.
            ///
            /// # Errors
            /// If a setting is out of its range.
            pub fn new(settings: $Config, step: $crate::Duration) -> Result<Self, $crate::Error> {
                $crate::forecast::online::Online::new(settings, step).map(Self)
            }
        }

        impl $crate::forecast::Forecaster for $Model {
            fn observe(&mut self, sample: $crate::series::Sample) {
                self.0.observe(sample);
            }

            fn forecast(
                &self,
                horizon: usize,
                quantiles: &[f64],
                forecast: &mut $crate::forecast::Forecast,
            ) -> Result<(), $crate::Reason> {
                self.0.forecast(horizon, quantiles, forecast)
            }

            fn reset(&mut self) -> bool {
                self.0.reset();
                true
            }
        }
    };
}
pub(super) use online;
