//! A replay off the main thread.
//!
//! In: settings as text, a load as numbers. Out: a promise of a report. The work runs on a thread of
//! libuv's pool, so that the event loop goes on.

use forescale::sim::{self, Settings, Trace};
use napi::Task;
use napi::bindgen_prelude::{AsyncTask, Env, Float64ArraySlice, Result};
use napi_derive::napi;

use crate::convert;
use crate::raise::raise;

/// Replays the load with the configuration; a promise. A NaN is a hole.
#[napi]
pub fn replay(
    env: &Env,
    config: String,
    plant: String,
    name: String,
    times: Float64ArraySlice,
    values: Float64ArraySlice,
) -> Result<AsyncTask<Replay>> {
    let (times, values) = convert::samples(&times, &values);
    let replay = || {
        Ok(Replay {
            scaler: forescale::Autoscaler::from_text(&config)?,
            settings: Settings::from_text(&plant)?,
            trace: Trace::from_samples(name, &times, &values)?,
        })
    };
    replay().map(AsyncTask::new).map_err(|error| raise(env, &error))
}

/// What runs on the pool.
#[derive(Debug)]
pub struct Replay {
    scaler: forescale::Autoscaler,
    settings: Settings,
    trace: Trace,
}

impl Task for Replay {
    type Output = std::result::Result<sim::Report, forescale::Error>;
    type JsValue = Report;

    fn compute(&mut self) -> Result<Self::Output> {
        // A refusal becomes an error on the main thread, as only there JavaScript's values are made.
        Ok(sim::replay(&mut self.scaler, &self.trace, &self.settings))
    }

    fn resolve(&mut self, env: Env, output: Self::Output) -> Result<Report> {
        output.map(Report).map_err(|error| raise(&env, &error))
    }
}

/// What a replay came to.
#[napi]
#[derive(Debug)]
pub struct Report(sim::Report);

#[napi]
impl Report {
    /// The report held against sizes that really ran; a NaN is a hole in the record.
    #[napi]
    pub fn against(
        &self,
        env: &Env,
        times: Float64ArraySlice,
        replicas: Float64ArraySlice,
    ) -> Result<Self> {
        let times = times.iter().copied().map(convert::timestamp).collect();
        let record = sim::Record::new(times, replicas.iter().copied().map(Some).collect());
        let report = record.and_then(|record| self.0.clone().against(record));
        report.map(Self).map_err(|error| raise(env, &error))
    }

    /// The report as JSON text.
    #[napi]
    pub fn json(&self) -> String {
        self.0.to_json()
    }

    /// The report as one HTML file.
    #[napi]
    pub fn html(&self, env: &Env) -> Result<String> {
        self.0.to_html().map_err(|error| raise(env, &error))
    }
}
