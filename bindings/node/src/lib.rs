//! What `node/index.js` calls: the core's types as Node sees them.
//!
//! In: settings as text, times as milliseconds, data as numbers and typed arrays, checked by
//! `index.js`, the only caller. Out: the core's answers. Converts, and decides nothing.

mod convert;
pub mod detector;
pub mod elastic_net;
pub mod forecaster;
pub mod gpu;
pub mod lint;
pub mod manifest;
pub mod prometheus;
mod raise;
pub mod replay;
pub mod self_tuning;
pub mod sizer;
pub mod tune;
pub mod watch;

use forescale::tune::{SelfTuning, SelfTuningConfig};
use forescale::{Config, Duration, Observation, Replicas};
use napi::bindgen_prelude::{Buffer, Either, Env, Float64Array, Float64ArraySlice, Object, Result};
use napi_derive::napi;

use raise::raise;
use self_tuning::{Core, Retuned, Step, ToldEvent};

/// The loop of one workload, also one that tunes itself.
#[napi]
#[derive(Debug)]
pub struct Autoscaler(Core);

#[napi]
impl Autoscaler {
    /// From settings as JSON or YAML text.
    #[napi(constructor)]
    pub fn new(env: &Env, config: String) -> Result<Self> {
        forescale::Autoscaler::from_text(&config)
            .map(Self::from)
            .map_err(|error| raise(env, &error))
    }

    /// From a snapshot.
    #[napi(factory)]
    pub fn restore(env: &Env, snapshot: &[u8]) -> Result<Self> {
        forescale::Autoscaler::restore(snapshot).map(Self::from).map_err(|error| raise(env, &error))
    }

    /// One that tunes itself, from settings and from those of the tuning, as text.
    #[napi(factory)]
    pub fn self_tuning(env: &Env, config: String, settings: String) -> Result<Self> {
        let own = || {
            SelfTuning::new(Config::from_text(&config)?, SelfTuningConfig::from_text(&settings)?)
        };
        own().map(Self::from).map_err(|error| raise(env, &error))
    }

    /// The same from a snapshot.
    #[napi(factory)]
    pub fn restore_self_tuning(env: &Env, snapshot: &[u8]) -> Result<Self> {
        SelfTuning::restore(snapshot).map(Self::from).map_err(|error| raise(env, &error))
    }

    /// The step of its tuning that is to be done next.
    #[napi]
    pub fn retuning(&mut self, env: &Env) -> Result<Step> {
        Ok(Step(self.0.tuning(env)?.retuning().into()))
    }

    /// Does what a step came to.
    #[napi]
    pub fn settle(&mut self, env: &Env, retuned: &Retuned) -> Result<ToldEvent> {
        let event = self.0.tuning(env)?.settle(retuned.0.clone());
        event.map(ToldEvent::from).map_err(|error| raise(env, &error))
    }

    /// What the last steps came to, the oldest first.
    #[napi]
    pub fn events(&mut self, env: &Env) -> Result<Vec<ToldEvent>> {
        Ok(self.0.tuning(env)?.events().map(ToldEvent::from).collect())
    }

    /// The state as JSON bytes.
    #[napi]
    pub fn snapshot(&self, env: &Env) -> Result<Buffer> {
        self.0.snapshot().map(Buffer::from).map_err(|error| raise(env, &error))
    }

    /// The settings in force as JSON text, each with its origin.
    #[napi]
    pub fn config(&self, env: &Env) -> Result<String> {
        let settings = self.0.scaler().config().effective().map_err(|error| raise(env, &error))?;
        Ok(convert::json(&settings))
    }

    /// Feeds history of a metric; a NaN is a missing value.
    #[napi]
    pub fn warm_up(
        &mut self,
        env: &Env,
        metric: String,
        times: Float64ArraySlice,
        values: Float64ArraySlice,
    ) -> Result<()> {
        let times: Vec<_> = times.iter().copied().map(convert::timestamp).collect();
        let values: Vec<_> =
            values.iter().map(|&value| (!value.is_nan()).then_some(value)).collect();
        self.0.warm_up(&metric, &times, &values).map_err(|error| raise(env, &error))
    }

    /// Tells values of a regressor.
    #[napi]
    pub fn regressor(
        &mut self,
        env: &Env,
        metric: String,
        name: String,
        times: Float64ArraySlice,
        values: Float64ArraySlice,
    ) -> Result<()> {
        let times: Vec<_> = times.iter().copied().map(convert::timestamp).collect();
        self.0.regressor(&metric, &name, &times, &values).map_err(|error| raise(env, &error))
    }

    /// The decision on one observation.
    #[napi]
    pub fn decide(
        &mut self,
        env: &Env,
        at: f64,
        ready: u32,
        pending: u32,
        requested: Option<u32>,
        metrics: Object,
    ) -> Result<Decision> {
        let observation = Observation {
            at: convert::timestamp(at),
            replicas: Replicas { ready, pending, requested },
            metrics: convert::readings(env, &metrics)?,
        };
        Ok(Decision(self.0.decide(&observation).clone()))
    }

    /// The forecast of a metric up to `horizon`, a text with units or milliseconds.
    #[napi]
    pub fn forecast(
        &self,
        env: &Env,
        metric: String,
        horizon: Either<String, f64>,
        quantiles: Vec<f64>,
    ) -> Result<Either<Forecast, Abstain>> {
        let horizon = match horizon {
            Either::A(text) => text.parse(),
            Either::B(millis) => Duration::from_secs_f64(millis / 1000.0),
        };
        horizon
            .map_err(|error| error.at("horizon"))
            .and_then(|horizon| self.0.scaler().forecast(&metric, horizon, &quantiles))
            .map(forecaster::answer)
            .map_err(|error| raise(env, &error))
    }

    /// What the forecast says of a moment beside the load that came: JSON text, and a sentence.
    #[napi]
    pub fn said(
        &self,
        env: &Env,
        metric: String,
        at: f64,
        load: Option<f64>,
        quantiles: Vec<f64>,
    ) -> Result<Option<Vec<String>>> {
        let said = self.0.scaler().said(&metric, convert::timestamp(at), load, &quantiles);
        let said = said.map_err(|error| raise(env, &error))?;
        Ok(said.map(|said| vec![said.to_json(), said.explain()]))
    }

    /// How good the forecasts of a metric have been.
    #[napi]
    pub fn accuracy(&self, env: &Env, metric: String) -> Result<Vec<Accuracy>> {
        let rows = self.0.scaler().accuracy(&metric).map_err(|error| raise(env, &error))?;
        Ok(rows.iter().map(Accuracy::from).collect())
    }
}

/// How good the forecasts of one kind and horizon have been.
#[napi(object, object_from_js = false)]
#[derive(Debug)]
pub struct Accuracy {
    /// Whose: the forecaster's, or those of a reference.
    pub of: String,
    /// How long before its truth each was issued, in milliseconds.
    pub ahead: f64,
    /// The quantile at which loss and coverage are measured.
    pub quantile: f64,
    /// How many have met their truth.
    pub n_judged: f64,
    /// Over about the last day.
    pub lately: Score,
    /// Since the start.
    pub ever: Score,
}

/// Means over forecasts that have met their truth.
#[napi(object, object_from_js = false)]
#[derive(Debug)]
pub struct Score {
    /// Pinball loss, in the unit of the load.
    pub loss: f64,
    /// Share of loads at or below the quantile.
    pub coverage: f64,
    /// The median less the load, in its unit.
    pub bias: f64,
}

impl From<&forescale::forecast::Accuracy> for Accuracy {
    fn from(row: &forescale::forecast::Accuracy) -> Self {
        Self {
            of: row.of.name().to_owned(),
            ahead: row.ahead.as_millis() as f64,
            quantile: row.quantile,
            n_judged: row.n_judged as f64,
            lately: Score::from(row.lately),
            ever: Score::from(row.ever),
        }
    }
}

impl From<forescale::forecast::Score> for Score {
    fn from(score: forescale::forecast::Score) -> Self {
        Self { loss: score.loss, coverage: score.coverage, bias: score.bias }
    }
}

/// The answer to one observation.
#[napi]
#[derive(Debug)]
pub struct Decision(forescale::Decision);

#[napi]
impl Decision {
    /// The decision as JSON text, the same in every language.
    #[napi]
    pub fn json(&self) -> String {
        self.0.to_json()
    }

    /// One English sentence.
    #[napi]
    pub fn explain(&self) -> String {
        self.0.explain()
    }
}

/// Quantiles of the load for each of the next steps.
#[napi(object, object_from_js = false)]
#[expect(missing_debug_implementations, reason = "napi's arrays have none")]
pub struct Forecast {
    /// End of the last sample that went into it, in milliseconds.
    pub issued_at: f64,
    /// Time between two rows, in milliseconds.
    pub step: f64,
    /// The quantiles, rising.
    pub quantiles: Vec<f64>,
    /// Row-major, `[horizon x quantiles]`.
    pub values: Float64Array,
}

/// Why there is no forecast.
#[napi(object, object_from_js = false)]
#[derive(Debug)]
pub struct Abstain {
    /// The reason as JSON text.
    pub reason: String,
    /// The reason in English.
    pub explanation: String,
}
