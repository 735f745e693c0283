//! One series and its forecaster; and many series at once, off the main thread.
//!
//! In: settings as text, times as milliseconds, series. Out: forecasts, or why there is none; a
//! promise of those of a panel.

use forescale::forecast::{self, ForecasterConfig, Horizon, Model, On, Panel};
use forescale::gpu::{Choice, Device};
use forescale::{Duration, Error, Timestamp};
use napi::Task;
use napi::bindgen_prelude::{
    AsyncTask, Buffer, Either, Env, Float64Array, Float64ArraySlice, Result,
};
use napi_derive::napi;

use crate::convert;
use crate::raise::raise;
use crate::{Abstain, Forecast};

/// One series and its forecaster.
#[napi]
#[derive(Debug)]
pub struct Forecaster(Model);

#[napi]
impl Forecaster {
    /// From settings as JSON or YAML text, `null` for the default ones, and a step: a text with
    /// units or milliseconds.
    #[napi(constructor)]
    pub fn new(env: &Env, settings: Option<String>, step: Either<String, f64>) -> Result<Self> {
        config(settings)
            .and_then(|settings| Model::new(settings, span("step", step)?))
            .map(Self)
            .map_err(|error| raise(env, &error))
    }

    /// From a snapshot.
    #[napi(factory)]
    pub fn restore(env: &Env, snapshot: &[u8]) -> Result<Self> {
        Model::restore(snapshot).map(Self).map_err(|error| raise(env, &error))
    }

    /// Settings and state as JSON bytes.
    #[napi]
    pub fn snapshot(&self, env: &Env) -> Result<Buffer> {
        self.0.snapshot().map(Buffer::from).map_err(|error| raise(env, &error))
    }

    /// The settings in force as JSON text.
    #[napi]
    pub fn settings(&self) -> String {
        convert::json(self.0.settings())
    }

    /// The experts that it mixes, as JSON text.
    #[napi]
    pub fn experts(&self) -> String {
        convert::json(&self.0.experts())
    }

    /// Feeds values; a NaN is a missing one.
    #[napi]
    pub fn observe(
        &mut self,
        env: &Env,
        times: Float64ArraySlice,
        values: Float64ArraySlice,
    ) -> Result<()> {
        let times: Vec<_> = times.iter().copied().map(convert::timestamp).collect();
        let values: Vec<_> = values.iter().copied().map(Some).collect();
        self.0.observe(&times, &values).map_err(|error| raise(env, &error))
    }

    /// Tells values of a regressor.
    #[napi]
    pub fn regressor(
        &mut self,
        env: &Env,
        name: String,
        times: Float64ArraySlice,
        values: Float64ArraySlice,
    ) -> Result<()> {
        let times: Vec<_> = times.iter().copied().map(convert::timestamp).collect();
        self.0.regressor(&name, &times, &values).map_err(|error| raise(env, &error))
    }

    /// The forecast up to `horizon`: a text with units, or a number of steps.
    #[napi]
    pub fn forecast(
        &self,
        env: &Env,
        horizon: Either<String, u32>,
        quantiles: Vec<f64>,
    ) -> Result<Either<Forecast, Abstain>> {
        ahead(horizon)
            .and_then(|horizon| self.0.forecast(horizon, &quantiles))
            .map(answer)
            .map_err(|error| raise(env, &error))
    }
}

/// A forecast, or the reason to abstain, as Node sees it.
pub(crate) fn answer(
    answer: std::result::Result<forecast::Forecast, forescale::Reason>,
) -> Either<Forecast, Abstain> {
    match answer {
        Ok(forecast) => Either::A(Forecast {
            issued_at: forecast.issued_at.as_millis() as f64,
            step: forecast.step.as_millis() as f64,
            quantiles: forecast.quantiles,
            values: Float64Array::new(forecast.values),
        }),
        Err(reason) => Either::B(Abstain::from(reason)),
    }
}

/// The first step of a forecast above a limit: its end in milliseconds after the issue, the
/// probability and the load.
#[napi]
pub fn crosses(
    env: &Env,
    step: f64,
    quantiles: Vec<f64>,
    values: Float64ArraySlice,
    limit: f64,
    within: Either<String, f64>,
) -> Result<Option<Vec<f64>>> {
    let found = span("step", Either::B(step)).and_then(|step| {
        let issued_at = Timestamp::from_millis(0);
        let forecast = forecast::Forecast { issued_at, step, quantiles, values: values.to_vec() };
        Ok(forecast.crosses(limit, span("within", within)?))
    });
    let found = found.map_err(|error| raise(env, &error))?;
    Ok(found.map(|found| vec![found.at.as_millis() as f64, found.probability, found.load]))
}

impl From<forescale::Reason> for Abstain {
    fn from(reason: forescale::Reason) -> Self {
        Self { reason: convert::json(&reason), explanation: reason.to_string() }
    }
}

/// Forecasts each series of a row-major matrix; a promise.
#[napi]
#[allow(clippy::too_many_arguments, reason = "`index.js` is the only caller")]
pub fn forecast_panel(
    env: &Env,
    settings: Option<String>,
    values: Float64ArraySlice,
    n_series: u32,
    start: f64,
    step: Either<String, f64>,
    horizon: Either<String, u32>,
    quantiles: Vec<f64>,
    device: String,
    choice: Option<String>,
) -> Result<AsyncTask<PanelTask>> {
    let task = || {
        Ok(PanelTask {
            settings: config(settings)?,
            values: values.to_vec(),
            n_series: n_series as usize,
            start: convert::timestamp(start),
            step: span("step", step)?,
            horizon: ahead(horizon)?,
            quantiles,
            device: Device::from_text(&device)?,
            choice: Choice::from_text(choice.as_deref()),
        })
    };
    task().map(AsyncTask::new).map_err(|error: Error| raise(env, &error))
}

/// What runs on the pool.
#[derive(Debug)]
pub struct PanelTask {
    settings: ForecasterConfig,
    values: Vec<f64>,
    n_series: usize,
    start: Timestamp,
    step: Duration,
    horizon: Horizon,
    quantiles: Vec<f64>,
    device: Device,
    choice: Choice,
}

impl Task for PanelTask {
    type Output = std::result::Result<forecast::PanelForecast, Error>;
    type JsValue = PanelForecast;

    fn compute(&mut self) -> Result<Self::Output> {
        let Self { settings, values, n_series, start, step, horizon, quantiles, .. } = self;
        let panel = Panel { values, n_series: *n_series, start: *start, step: *step };
        // A refusal becomes an error on the main thread, as only there JavaScript's values are made.
        let on = On { device: self.device, choice: self.choice.clone(), ..On::default() };
        Ok(forecast::forecast_panel_on(settings, &panel, *horizon, quantiles, &on))
    }

    fn resolve(&mut self, env: Env, output: Self::Output) -> Result<PanelForecast> {
        output.map(PanelForecast::from).map_err(|error| raise(&env, &error))
    }
}

impl From<forecast::PanelForecast> for PanelForecast {
    fn from(forecast: forecast::PanelForecast) -> Self {
        let abstained = forecast.abstained.into_iter();
        Self {
            issued_at: forecast.issued_at.as_millis() as f64,
            step: forecast.step.as_millis() as f64,
            horizon: forecast.horizon as f64,
            quantiles: forecast.quantiles,
            values: Float64Array::new(forecast.values),
            abstained: abstained.map(|(series, reason)| (series as f64, reason.into())).collect(),
            device: forecast.device,
        }
    }
}

/// Quantiles of the load of many series.
#[napi(object, object_from_js = false)]
#[expect(missing_debug_implementations, reason = "napi's arrays have none")]
pub struct PanelForecast {
    /// End of the last sample, in milliseconds.
    pub issued_at: f64,
    /// Time between two rows, in milliseconds.
    pub step: f64,
    /// The number of steps it looks ahead.
    pub horizon: f64,
    /// The quantiles, rising.
    pub quantiles: Vec<f64>,
    /// Row-major, `[series x horizon x quantiles]`, NaN where a series abstains.
    pub values: Float64Array,
    /// The series without a forecast, and why.
    pub abstained: Vec<(f64, Abstain)>,
    /// What did it: `cpu`, or the adapter's name.
    pub device: String,
}

fn config(settings: Option<String>) -> std::result::Result<ForecasterConfig, Error> {
    settings.map_or(Ok(ForecasterConfig::default()), |text| ForecasterConfig::from_text(&text))
}

pub(crate) fn span(path: &str, given: Either<String, f64>) -> std::result::Result<Duration, Error> {
    match given {
        Either::A(text) => text.parse(),
        Either::B(millis) => Duration::from_secs_f64(millis / 1000.0),
    }
    .map_err(|error: Error| error.at(path))
}

pub(crate) fn ahead(horizon: Either<String, u32>) -> std::result::Result<Horizon, Error> {
    match horizon {
        Either::A(text) => span("horizon", Either::A(text)).map(Horizon::Span),
        Either::B(steps) => Ok(Horizon::Steps(steps as usize)),
    }
}
