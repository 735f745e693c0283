//! The answers of a Prometheus server as times and values.
//!
//! In: bodies of answers as bytes, options as text. Out: milliseconds and numbers, NaN for a missing one.

use forescale::sim::prometheus::{self, History, Options};
use forescale::{Duration, Error};
use napi::bindgen_prelude::{Buffer, Either, Env, Float64Array, Result};
use napi_derive::napi;

use crate::convert;
use crate::raise::raise;

/// One series of samples on a fixed step.
#[napi(object, object_from_js = false)]
#[expect(missing_debug_implementations, reason = "napi's arrays have none")]
pub struct Samples {
    /// Milliseconds since the epoch.
    pub times: Float64Array,
    /// NaN for a missing one.
    pub values: Float64Array,
    /// Milliseconds.
    pub step: f64,
    /// How many values are NaN.
    pub n_missing: u32,
    /// What the server warned of.
    pub warnings: Vec<String>,
}

/// The samples in the answers; `options` as JSON.
#[napi]
pub fn read_prometheus(env: &Env, answers: Vec<Buffer>, options: String) -> Result<Samples> {
    let read = || {
        let options = Options::from_text(&options)?;
        let history = History::read(answers)?;
        let samples = history.samples(&options)?;
        let times: Vec<_> = samples.times.iter().map(|at| at.as_millis() as f64).collect();
        let values: Vec<_> = samples.values.iter().map(|value| value.unwrap_or(f64::NAN)).collect();
        Ok(Samples {
            times: Float64Array::new(times),
            values: Float64Array::new(values),
            step: samples.step.as_millis() as f64,
            n_missing: u32::try_from(samples.n_missing).unwrap_or(u32::MAX),
            warnings: history.warnings().to_vec(),
        })
    };
    read().map_err(|error: Error| raise(env, &error))
}

/// The starts and ends of the queries to ask for, in milliseconds; `step` in seconds or as a text.
#[napi]
pub fn prometheus_chunks(
    env: &Env,
    start: f64,
    end: f64,
    step: Either<String, f64>,
) -> Result<Vec<Vec<f64>>> {
    let step = match step {
        Either::A(text) => text.parse(),
        Either::B(seconds) => Duration::from_secs_f64(seconds),
    };
    let chunks = step
        .map_err(|error| error.at("step"))
        .and_then(|step| {
            prometheus::chunks(convert::timestamp(start), convert::timestamp(end), step)
        })
        .map_err(|error| raise(env, &error))?;
    let millis = |(start, end): (forescale::Timestamp, forescale::Timestamp)| {
        [start, end].map(|at| at.as_millis() as f64).to_vec()
    };
    Ok(chunks.into_iter().map(millis).collect())
}
