//! What the load will be: role [`Forecaster`], a file a model.
//!
//! In: samples of the load on a fixed step. Out: a [`Forecast`], quantiles for each of the next
//! steps, or the reason to abstain. Knows nothing of replicas; so the forecast of a recorded load
//! is the same whatever we decide on it.
//!
//! An autoscaler asks through an [`Outlook`]; a host without one feeds a [`Model`], or hands many
//! series to [`forecast_panel`].

pub mod auto;
mod bank;
pub mod batch;
mod carry;
mod cholesky;
mod contest;
pub(crate) mod cores;
mod crossing;
pub mod croston;
pub mod drift;
#[cfg(feature = "ml")]
pub mod elastic_net;
#[cfg(feature = "augurs")]
pub mod ets;
mod gate;
pub mod harmonic;
mod history;
pub mod holt_winters;
mod input;
pub mod kalman;
mod ledger;
mod level;
mod line;
mod margin;
mod model;
#[cfg(feature = "augurs")]
pub mod mstl;
pub mod naive;
mod online;
mod outlook;
mod outlook_config;
mod panel;
mod reference;
pub mod regressors;
mod residuals;
mod risk;
mod screen;
pub mod seasonal_naive;
mod seasons;
#[cfg(test)]
mod testing;
pub mod theta;

use serde::{Deserialize, Serialize};

pub use crossing::Crossing;
pub use ledger::{Accuracy, Judged, Score};
pub use model::{Horizon, Model};
pub(crate) use outlook::LEVELS;
pub use outlook::Outlook;
pub use outlook_config::OutlookConfig;
pub use panel::{On, Panel, PanelForecast, forecast_panel, forecast_panel_on};
pub use risk::Risk;
/// So many of a model's errors are kept; a quantile above `n / (n + 1)` of them is the largest.
pub(crate) const ERRORS_KEPT: usize = residuals::Residuals::KEPT;

use history::{History, MOST_STALE};

use crate::Error;
use crate::catalog::{Saved, catalog};
use crate::explain::Reason;
use crate::series::Sample;
use crate::time::{Duration, Timestamp};

catalog! {
    /// Settings of a built-in forecaster; `kind` names it. Built with the step of its samples.
    pub enum ForecasterConfig => dyn Forecaster (step: Duration) {
        "auto" => auto::Auto,
        "batch" => batch::Batch,
        "croston" => croston::Croston,
        "drift" => drift::Drift,
        #[cfg(feature = "augurs")] "ets" => ets::Ets,
        "harmonic" => harmonic::Harmonic,
        "holt_winters" => holt_winters::HoltWinters,
        "kalman" => kalman::Kalman,
        #[cfg(feature = "augurs")] "mstl" => mstl::Mstl,
        "naive" => naive::Naive,
        "regressors" => regressors::Regressors,
        "seasonal_naive" => seasonal_naive::SeasonalNaive,
        "theta" => theta::Theta,
    }
}

impl Default for ForecasterConfig {
    fn default() -> Self {
        // The best of them on every set of loads that was measured, without a setting.
        Self::Auto(auto::Config::default())
    }
}

/// Quantiles of the load for each of the next steps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// End of the last sample that went into it.
    pub issued_at: Timestamp,
    /// Time between two rows; row `h` (from 0) speaks of the step that ends at
    /// `issued_at + (h + 1) * step`.
    pub step: Duration,
    /// The quantiles, rising, each in (0, 1).
    pub quantiles: Vec<f64>,
    /// Row-major, `[horizon x quantiles]`, in the unit of the load; each row rises.
    pub values: Vec<f64>,
}

impl Forecast {
    /// The number of steps it looks ahead.
    #[must_use]
    pub fn horizon(&self) -> usize {
        self.values.len() / self.quantiles.len().max(1)
    }

    /// The quantiles of one step ahead, from 0.
    ///
    /// # Panics
    /// If `ahead` is not below [`horizon`](Self::horizon).
    #[must_use]
    pub fn row(&self, ahead: usize) -> &[f64] {
        let width = self.quantiles.len();
        &self.values[ahead * width..(ahead + 1) * width]
    }
}

/// Role: forecasts one series, fed one sample at a time.
pub trait Forecaster: Saved + std::fmt::Debug + Send + Sync {
    /// Takes the sample of the next step; a missing one has no value.
    fn observe(&mut self, sample: Sample);

    /// Takes one sample for each of the next steps, of which the first ends at `first`; NaN is a
    /// missing one. A model that can be faster than one after the other must be equal to it.
    fn observe_many(&mut self, first: Timestamp, step: Duration, values: &[f64]) {
        for (index, &value) in values.iter().enumerate() {
            let at = first + step.times(index as i64);
            self.observe(Sample { at, value: Some(value).filter(|value| !value.is_nan()) });
        }
    }

    /// The names of the regressors that it can be told of.
    fn regressors(&self) -> Vec<&str> {
        Vec::new()
    }

    /// Takes values of a regressor, what is known besides the load; each holds from its time until
    /// the next, in place of what was told before from the first of them on. Times may lie ahead.
    ///
    /// # Errors
    /// If the forecaster has no regressor of that name, the times do not rise, or a value is not
    /// finite; nothing is taken then.
    fn regressor(&mut self, name: &str, times: &[Timestamp], values: &[f64]) -> Result<(), Error> {
        let _ = (times, values);
        let message = format!("is \"{name}\", but the forecaster has no regressors");
        Err(Error::observation("name", message))
    }

    /// Forgets all samples, keeping settings and memory, so that the next of many series costs no
    /// new model. `false` from a model that cannot; whoever holds the settings builds it anew then.
    fn reset(&mut self) -> bool {
        false
    }

    /// Writes the forecast of the next `horizon` steps at `quantiles` (rising, in (0, 1)) into
    /// `forecast`, whose memory is reused.
    ///
    /// # Errors
    /// The reason to abstain: too little history, a gap, a model that cannot be fitted.
    fn forecast(
        &self,
        horizon: usize,
        quantiles: &[f64],
        forecast: &mut Forecast,
    ) -> Result<(), Reason>;

    /// The experts that it mixes, with their say and their errors; none for a model of its own.
    fn experts(&self) -> Vec<Expert> {
        Vec::new()
    }
}

/// One of the experts that a forecaster mixes, around one horizon.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Expert {
    /// What it is called; the same at every horizon.
    pub name: &'static str,
    /// The horizon in steps.
    pub ahead: usize,
    /// Its share in the forecast, from 0 to 1; all at one horizon are 1 together.
    pub weight: f64,
    /// Its mean absolute error lately, in square-root scale.
    pub error: f64,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::testing::{MINUTE, sample};
    use super::*;

    /// One of each kind, with a season short enough for a test.
    fn one_of_each() -> Vec<Box<dyn Forecaster>> {
        let settings = |kind: &&str| match *kind {
            "batch" => r#"{"kind": "batch", "seasons": ["10m", "30m"], "n_samples": 200}"#,
            "croston" => r#""croston""#,
            "harmonic" => r#"{"kind": "harmonic", "seasons": ["10m", "20m"], "memory": "1h"}"#,
            "ets" => r#"{"kind": "ets", "seasons": ["10m"], "n_samples": 24, "refit": "4h"}"#,
            "drift" => r#"{"kind": "drift", "stretch": "5m", "fade": "10m"}"#,
            "holt_winters" => r#"{"kind": "holt_winters", "seasons": ["10m", "30m"]}"#,
            "kalman" => r#"{"kind": "kalman", "seasons": ["10m"]}"#,
            "theta" => r#"{"kind": "theta", "season": "10m", "line": "20m"}"#,
            "mstl" => r#"{"kind": "mstl", "seasons": ["10m"], "history": "1h", "refit": "5m"}"#,
            "seasonal_naive" => r#"{"kind": "seasonal_naive", "season": "10m", "smooth": "2m"}"#,
            "auto" => r#""auto""#,
            "naive" => r#""naive""#,
            "regressors" => {
                r#"{"kind": "regressors", "holidays": ["1970-01-01"], "regressors": {"flag": {}},
                    "forecaster": {"kind": "seasonal_naive", "season": "10m", "smooth": "2m"}}"#
            }
            other => panic!("a test for {other} is missing"),
        };
        let build = |text: &str| {
            serde_json::from_str::<ForecasterConfig>(text).map(|settings| settings.build(MINUTE))
        };
        let texts = ForecasterConfig::KINDS.iter().map(settings);
        texts.map(|text| build(text).expect("settings").expect("in range")).collect()
    }

    fn any_value() -> impl Strategy<Value = Option<f64>> {
        prop_oneof![
            8 => (0.0..1e4).prop_map(Some),
            2 => Just(None),
            1 => Just(Some(0.0)),
            1 => prop::num::f64::ANY.prop_map(Some),
            1 => Just(Some(f64::MAX)),
        ]
    }

    proptest! {
        #![proptest_config(crate::testing::cases(24))]

        #[test]
        fn quantiles_are_loads_and_rise_whatever_comes(
            values in prop::collection::vec(any_value(), 150..400),
        ) {
            const QUANTILES: [f64; 5] = [0.001, 0.3, 0.5, 0.95, 0.999];
            for (mut model, &kind) in one_of_each().into_iter().zip(ForecasterConfig::KINDS) {
                let mut forecast = Forecast::default();
                for (minute, &value) in values.iter().enumerate() {
                    model.observe(sample(minute, value));
                    if kind == "batch" && minute % 40 != 0 {
                        continue; // it learns anew from all of its history each time
                    }
                    if model.forecast(70, &QUANTILES, &mut forecast).is_ok() {
                        prop_assert_eq!(forecast.horizon(), 70);
                        let loads = forecast.values.iter();
                        prop_assert!(loads.copied().all(|load| (0.0..=f64::MAX).contains(&load)));
                        prop_assert!((0..70).all(|ahead| forecast.row(ahead).is_sorted()));
                    }
                }
                // A number that is not finite would be lost in the text.
                let text = model.save().expect("it can be saved").to_string();
                let saved = serde_json::from_str(&text).expect("JSON");
                prop_assert!(model.load(saved).is_ok(), "{:?}", model);
            }
        }
    }

    /// All of a model: settings and state.
    fn state(model: &dyn Forecaster) -> String {
        model.save().expect("it can be saved").to_string()
    }

    #[test]
    fn a_model_that_is_reset_is_as_a_new_one() {
        let mut n_reset = 0;
        for (mut model, fresh) in one_of_each().into_iter().zip(one_of_each()) {
            for (minute, &load) in super::testing::daily(400, 0.5, 0.1, 7).iter().enumerate() {
                model.observe(sample(minute, Some(load).filter(|_| minute % 13 != 0)));
            }
            assert_ne!(state(&*model), state(&*fresh));
            if model.reset() {
                n_reset += 1;
                assert_eq!(state(&*model), state(&*fresh));
            }
        }
        assert_eq!(n_reset, one_of_each().len());
    }

    #[test]
    fn many_samples_at_once_are_the_same_as_one_after_the_other() {
        let loads = super::testing::daily(500, 0.5, 0.1, 8);
        let holes = |(minute, load)| if minute % 17 < 2 { f64::NAN } else { load };
        let loads: Vec<f64> = loads.into_iter().enumerate().map(holes).collect();
        for (mut one_by_one, mut at_once) in one_of_each().into_iter().zip(one_of_each()) {
            for (minute, &load) in loads.iter().enumerate() {
                one_by_one.observe(sample(minute, Some(load).filter(|load| !load.is_nan())));
            }
            let (first, second) = loads.split_at(333);
            at_once.observe_many(sample(0, None).at, MINUTE, first);
            at_once.observe_many(sample(333, None).at, MINUTE, second);
            assert_eq!(state(&*at_once), state(&*one_by_one));
        }
    }

    #[test]
    fn each_kind_answers_at_last_and_abstains_before_and_in_a_gap() {
        for mut model in one_of_each() {
            let mut forecast = Forecast::default();
            let reason = model.forecast(5, &[0.5], &mut forecast).expect_err("no sample yet");
            assert_eq!(reason.code(), "too_little_history");
            let mut needed = 0.0;
            for minute in 0..200 {
                if let Err(reason) = model.forecast(5, &[0.5], &mut forecast) {
                    assert_eq!(reason.code(), "too_little_history", "{model:?}");
                    needed = reason.fact("needed_samples").expect("a fact");
                    assert!(needed > minute as f64);
                }
                model.observe(sample(minute, Some((minute % 10) as f64)));
            }
            assert!(needed < 120.0, "{needed}");
            model.forecast(5, &[0.5], &mut forecast).expect("enough history");
            for minute in 200..206 {
                model.forecast(5, &[0.5], &mut forecast).expect("the gap is short");
                assert_eq!(forecast.issued_at, Timestamp::from_secs(60 * minute));
                model.observe(sample(minute as usize, None));
            }
            let reason = model.forecast(5, &[0.5], &mut forecast).expect_err("six are missing");
            assert_eq!((reason.code(), reason.fact("gap_seconds")), ("gap_too_wide", Some(360.0)));
        }
    }
}
