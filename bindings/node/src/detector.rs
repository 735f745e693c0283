//! One series and its detector.
//!
//! In: settings as text, times as milliseconds, values. Out: what is said of each, as JSON text for
//! one and as arrays for many.

use forescale::detect::{AnomalyKind, DetectorConfig, Model};
use napi::bindgen_prelude::{Buffer, Either, Env, Float64Array, Float64ArraySlice, Result};
use napi_derive::napi;

use crate::convert;
use crate::forecaster::span;
use crate::raise::raise;

/// One series and its detector.
#[napi]
#[derive(Debug)]
pub struct Detector(Model);

/// What is said of one sample.
#[napi(object, object_from_js = false)]
#[derive(Debug)]
pub struct Anomaly {
    /// All of it as JSON text.
    pub json: String,
    /// The reason in English.
    pub explanation: String,
}

/// What is said of many samples.
#[napi(object, object_from_js = false)]
#[expect(missing_debug_implementations, reason = "napi's arrays have none")]
pub struct Scores {
    /// How much each is an event that was not told before.
    pub score: Float64Array,
    /// The share of samples that show as much or more.
    pub p_value: Float64Array,
    /// What was expected; NaN where it is not known.
    pub expected: Float64Array,
    /// The lower bound; NaN where it is not known.
    pub lower: Float64Array,
    /// The upper bound; NaN where it is not known.
    pub upper: Float64Array,
    /// Whether it is an alarm.
    pub is_anomaly: Vec<bool>,
    /// What it is.
    pub kind: Vec<Option<String>>,
}

#[napi]
impl Detector {
    /// From settings as JSON or YAML text, `null` for the default ones, and a step: a text with
    /// units or milliseconds.
    #[napi(constructor)]
    pub fn new(env: &Env, settings: Option<String>, step: Either<String, f64>) -> Result<Self> {
        settings
            .map_or(Ok(DetectorConfig::default()), |text| DetectorConfig::from_text(&text))
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

    /// Scores one value; a NaN is a missing one.
    #[napi]
    pub fn score(&mut self, env: &Env, at: f64, value: f64) -> Result<Anomaly> {
        let seen = self.0.score(convert::timestamp(at), Some(value));
        let seen = seen.map_err(|error| raise(env, &error))?;
        Ok(Anomaly { json: convert::json(&seen), explanation: seen.reason.to_string() })
    }

    /// Scores many; a NaN is a missing one.
    #[napi]
    pub fn score_many(
        &mut self,
        env: &Env,
        times: Float64ArraySlice,
        values: Float64ArraySlice,
    ) -> Result<Scores> {
        let times: Vec<_> = times.iter().copied().map(convert::timestamp).collect();
        let values: Vec<_> = values.iter().copied().map(Some).collect();
        let scores = self.0.score_many(&times, &values).map_err(|error| raise(env, &error))?;
        let name = |kind: Option<AnomalyKind>| kind.map(|kind| kind.name().to_owned());
        Ok(Scores {
            score: Float64Array::new(scores.score),
            p_value: Float64Array::new(scores.p_value),
            expected: Float64Array::new(scores.expected),
            lower: Float64Array::new(scores.lower),
            upper: Float64Array::new(scores.upper),
            is_anomaly: scores.is_anomaly,
            kind: scores.kind.into_iter().map(name).collect(),
        })
    }
}
