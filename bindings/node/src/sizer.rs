//! Vertical sizing as Node sees it.
//!
//! In: settings as text, milliseconds, millicores and bytes, checked by `index.js`. Out: reasons and
//! recommendations as JSON text.

use forescale::Duration;
use forescale::size::{self, Config, Refused, Sample, Samples, VpaCheckpoint};
use napi::bindgen_prelude::{Buffer, Either, Env, Float64ArraySlice, Result};
use napi_derive::napi;
use serde::Serialize;

use crate::convert;
use crate::raise::raise;

/// Sizes the containers of one name in one workload.
#[napi]
#[derive(Debug)]
pub struct Sizer(size::Sizer);

#[derive(Serialize)]
struct RefusedAt {
    index: usize,
    #[serde(flatten)]
    refused: Refused,
}

#[napi]
impl Sizer {
    /// From settings as JSON or YAML text.
    #[napi(constructor)]
    pub fn new(env: &Env, config: String) -> Result<Self> {
        size::Sizer::from_text(&config).map(Self).map_err(|error| raise(env, &error))
    }

    /// From a snapshot.
    #[napi(factory)]
    pub fn restore(env: &Env, snapshot: &[u8]) -> Result<Self> {
        size::Sizer::restore(snapshot).map(Self).map_err(|error| raise(env, &error))
    }

    /// From the status of a checkpoint of the Kubernetes VPA, as JSON text.
    #[napi(factory)]
    pub fn from_checkpoint(env: &Env, config: String, checkpoint: String) -> Result<Self> {
        let sizer = || {
            size::Sizer::from_checkpoint(
                Config::from_text(&config)?,
                &VpaCheckpoint::from_json(&checkpoint)?,
            )
        };
        sizer().map(Self).map_err(|error| raise(env, &error))
    }

    /// The state as JSON bytes.
    #[napi]
    pub fn snapshot(&self, env: &Env) -> Result<Buffer> {
        self.0.snapshot().map(Buffer::from).map_err(|error| raise(env, &error))
    }

    /// What the Kubernetes VPA would store, as JSON text.
    #[napi]
    pub fn checkpoint(&self, at: f64) -> String {
        self.0.checkpoint(convert::timestamp(at)).to_json()
    }

    /// The settings in force as JSON text.
    #[napi]
    pub fn settings(&self) -> String {
        convert::json(self.0.settings())
    }

    /// Takes in a sample; what was refused as JSON text, `None` if nothing was.
    #[napi]
    pub fn observe(
        &mut self,
        at: f64,
        container: String,
        cpu: Option<f64>,
        memory: Option<f64>,
        cpu_request: Option<f64>,
    ) -> Option<String> {
        let refused = self.0.observe(&Sample {
            at: convert::timestamp(at),
            container,
            cpu_millicores: cpu,
            memory_bytes: memory,
            cpu_request_millicores: cpu_request,
        });
        (!refused.is_none()).then(|| convert::json(&refused))
    }

    /// Takes in many samples of one container, a NaN is a missing reading; what was refused as JSON
    /// text.
    #[napi]
    pub fn observe_many(
        &mut self,
        env: &Env,
        container: String,
        times: Float64ArraySlice,
        cpu: Option<Float64ArraySlice>,
        memory: Option<Float64ArraySlice>,
        cpu_request: Option<Float64ArraySlice>,
    ) -> Result<String> {
        let readings = |given: Option<Float64ArraySlice>| -> Option<Vec<_>> {
            Some(given?.iter().map(|&number| (!number.is_nan()).then_some(number)).collect())
        };
        let times: Vec<_> = times.iter().copied().map(convert::timestamp).collect();
        let (cpu, memory, cpu_request) = (readings(cpu), readings(memory), readings(cpu_request));
        let samples = Samples {
            container: &container,
            times: &times,
            cpu_millicores: cpu.as_deref(),
            memory_bytes: memory.as_deref(),
            cpu_request_millicores: cpu_request.as_deref(),
        };
        let refused = self.0.observe_many(&samples).map_err(|error| raise(env, &error))?;
        let refused = refused.into_iter().map(|(index, refused)| RefusedAt { index, refused });
        Ok(convert::json(&refused.collect::<Vec<_>>()))
    }

    /// Takes in that a container ran out of memory; why it does not count as JSON text, or `null`.
    #[napi]
    pub fn out_of_memory(&mut self, at: f64, container: String, requested: f64) -> String {
        let taken = self.0.out_of_memory(&container, convert::timestamp(at), requested);
        convert::json(&taken.err())
    }

    /// Forgets which readings of a container came last.
    #[napi]
    pub fn forget(&mut self, container: String) {
        self.0.forget(&container);
    }

    /// What to request; without a time as of the latest sample.
    #[napi]
    pub fn recommend(&self, at: Option<f64>) -> Recommendation {
        let at = at.map(convert::timestamp).or(self.0.last_sample());
        Recommendation(self.0.recommend(at.unwrap_or_default()))
    }

    /// The CPU to request while the container starts, in millicores; `ready_for` is a text with
    /// units or milliseconds.
    #[napi]
    pub fn startup_cpu(
        &self,
        env: &Env,
        wanted: &Recommendation,
        ready_for: Option<Either<String, f64>>,
    ) -> Result<Option<i64>> {
        let span = |given: Either<String, f64>| match given {
            Either::A(text) => text.parse(),
            Either::B(millis) => Duration::from_secs_f64(millis / 1000.0),
        };
        let ready_for = ready_for.map(span).transpose();
        let ready_for = ready_for.map_err(|error| raise(env, &error.at("readyFor")))?;
        Ok(self.0.startup_cpu(&wanted.0, ready_for))
    }
}

/// What a container should request of each resource.
#[napi]
#[derive(Debug)]
pub struct Recommendation(size::Recommendation);

#[napi]
impl Recommendation {
    /// The recommendation as JSON text, the same in every language.
    #[napi]
    pub fn json(&self) -> String {
        self.0.to_json()
    }
}
