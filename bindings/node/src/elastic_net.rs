//! One model for many series, fitted off the main thread.
//!
//! In: settings as text, a matrix. Out: a promise of an `ElasticNet`, and of its forecasts.

use std::sync::Arc;

use forescale::forecast::elastic_net::{self as core, Config};
use forescale::forecast::{self, Horizon, Panel};
use forescale::{Duration, Error, Timestamp};
use napi::Task;
use napi::bindgen_prelude::{AsyncTask, Buffer, Either, Env, Float64ArraySlice, Result};
use napi_derive::napi;

use crate::forecaster::{self, PanelForecast, ahead, span};
use crate::raise::raise;
use crate::{Abstain, Forecast, convert};

/// One model for many series.
#[napi]
#[derive(Debug)]
pub struct ElasticNet(Arc<core::ElasticNet>);

/// Fits one on the rows of a row-major matrix; a promise.
#[napi]
pub fn fit_elastic_net(
    env: &Env,
    settings: Option<String>,
    values: Float64ArraySlice,
    n_series: u32,
    start: f64,
    step: Either<String, f64>,
) -> Result<AsyncTask<FitTask>> {
    let task = || {
        Ok(FitTask {
            settings: settings.map_or(Ok(Config::default()), |text| Config::from_text(&text))?,
            values: values.to_vec(),
            n_series: n_series as usize,
            start: convert::timestamp(start),
            step: span("step", step)?,
        })
    };
    task().map(AsyncTask::new).map_err(|error: Error| raise(env, &error))
}

#[napi]
impl ElasticNet {
    /// From a snapshot.
    #[napi(factory)]
    pub fn restore(env: &Env, snapshot: &[u8]) -> Result<Self> {
        let net = core::ElasticNet::restore(snapshot).map_err(|error| raise(env, &error))?;
        Ok(Self(net.into()))
    }

    /// Settings and weights as JSON bytes.
    #[napi]
    pub fn snapshot(&self, env: &Env) -> Result<Buffer> {
        self.0.snapshot().map(Buffer::from).map_err(|error| raise(env, &error))
    }

    /// The settings in force as JSON text.
    #[napi]
    pub fn settings(&self) -> String {
        convert::json(self.0.settings())
    }

    /// The forecast of a series from its last samples.
    #[napi]
    pub fn forecast(
        &self,
        env: &Env,
        history: Float64ArraySlice,
        issued_at: f64,
        horizon: Either<String, u32>,
        quantiles: Vec<f64>,
    ) -> Result<Either<Forecast, Abstain>> {
        let issued_at = convert::timestamp(issued_at);
        ahead(horizon)
            .and_then(|horizon| self.0.forecast(&history, issued_at, horizon, &quantiles))
            .map(forecaster::answer)
            .map_err(|error| raise(env, &error))
    }

    /// Those of the rows of a row-major matrix; a promise.
    #[napi]
    pub fn forecast_panel(
        &self,
        env: &Env,
        values: Float64ArraySlice,
        n_series: u32,
        start: f64,
        horizon: Either<String, u32>,
        quantiles: Vec<f64>,
    ) -> Result<AsyncTask<ForecastTask>> {
        let horizon = ahead(horizon).map_err(|error| raise(env, &error))?;
        Ok(AsyncTask::new(ForecastTask {
            net: self.0.clone(),
            values: values.to_vec(),
            n_series: n_series as usize,
            start: convert::timestamp(start),
            horizon,
            quantiles,
        }))
    }
}

/// What runs on the pool.
#[derive(Debug)]
pub struct FitTask {
    settings: Config,
    values: Vec<f64>,
    n_series: usize,
    start: Timestamp,
    step: Duration,
}

impl Task for FitTask {
    type Output = std::result::Result<core::ElasticNet, Error>;
    type JsValue = ElasticNet;

    fn compute(&mut self) -> Result<Self::Output> {
        let Self { settings, values, n_series, start, step } = self;
        let panel = Panel { values, n_series: *n_series, start: *start, step: *step };
        // A refusal becomes an error on the main thread, as only there JavaScript's values are made.
        Ok(core::ElasticNet::fit(&panel, settings.clone()))
    }

    fn resolve(&mut self, env: Env, output: Self::Output) -> Result<ElasticNet> {
        Ok(ElasticNet(output.map_err(|error| raise(&env, &error))?.into()))
    }
}

/// What runs on the pool.
#[derive(Debug)]
pub struct ForecastTask {
    net: Arc<core::ElasticNet>,
    values: Vec<f64>,
    n_series: usize,
    start: Timestamp,
    horizon: Horizon,
    quantiles: Vec<f64>,
}

impl Task for ForecastTask {
    type Output = std::result::Result<forecast::PanelForecast, Error>;
    type JsValue = PanelForecast;

    fn compute(&mut self) -> Result<Self::Output> {
        let Self { net, values, n_series, start, horizon, quantiles } = self;
        let panel = Panel { values, n_series: *n_series, start: *start, step: net.step() };
        Ok(net.forecast_panel(&panel, *horizon, quantiles))
    }

    fn resolve(&mut self, env: Env, output: Self::Output) -> Result<PanelForecast> {
        output.map(PanelForecast::from).map_err(|error| raise(&env, &error))
    }
}
