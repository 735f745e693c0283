//! An autoscaler that tunes itself, off the main thread.
//!
//! In: settings as text. Out: a promise of what a step of its tuning came to, which is settled on the
//! main thread. Decisions go on meanwhile.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use forescale::tune::{self, Event, Retuning, SelfTuning};
use forescale::{Decision, Error, Observation, Timestamp};
use napi::Task;
use napi::bindgen_prelude::{AsyncTask, Env, Result};
use napi_derive::napi;

use crate::Autoscaler;
use crate::raise::raise;

/// An autoscaler, or one that tunes itself.
#[derive(Debug)]
pub(crate) enum Core {
    Plain(Box<forescale::Autoscaler>),
    SelfTuning(Box<SelfTuning>),
}

impl Core {
    pub(crate) fn scaler(&self) -> &forescale::Autoscaler {
        match self {
            Self::Plain(scaler) => scaler,
            Self::SelfTuning(own) => own.autoscaler(),
        }
    }

    pub(crate) fn tuning(&mut self, env: &Env) -> Result<&mut SelfTuning> {
        match self {
            Self::SelfTuning(own) => Ok(own),
            Self::Plain(_) => Err(raise(env, &Error::config("autoscaler", "does not tune itself"))),
        }
    }

    pub(crate) fn decide(&mut self, seen: &Observation) -> &Decision {
        match self {
            Self::Plain(scaler) => scaler.decide(seen),
            Self::SelfTuning(own) => own.decide(seen),
        }
    }

    pub(crate) fn warm_up(
        &mut self,
        metric: &str,
        times: &[Timestamp],
        values: &[Option<f64>],
    ) -> std::result::Result<(), Error> {
        match self {
            Self::Plain(scaler) => scaler.warm_up(metric, times, values),
            Self::SelfTuning(own) => own.warm_up(metric, times, values),
        }
    }

    pub(crate) fn regressor(
        &mut self,
        metric: &str,
        name: &str,
        times: &[Timestamp],
        values: &[f64],
    ) -> std::result::Result<(), Error> {
        match self {
            Self::Plain(scaler) => scaler.regressor(metric, name, times, values),
            Self::SelfTuning(own) => own.regressor(metric, name, times, values),
        }
    }

    pub(crate) fn snapshot(&self) -> std::result::Result<Vec<u8>, Error> {
        match self {
            Self::Plain(scaler) => scaler.snapshot(),
            Self::SelfTuning(own) => own.snapshot(),
        }
    }
}

impl From<forescale::Autoscaler> for Autoscaler {
    fn from(core: forescale::Autoscaler) -> Self {
        Self(Core::Plain(Box::new(core)))
    }
}

impl From<SelfTuning> for Autoscaler {
    fn from(core: SelfTuning) -> Self {
        Self(Core::SelfTuning(Box::new(core)))
    }
}

/// An event as JSON text, whether settings were changed, and a sentence.
#[napi(object, object_from_js = false)]
#[derive(Debug)]
pub struct ToldEvent {
    /// The event as JSON text.
    pub json: String,
    /// Whether other settings are in force since.
    pub is_change: bool,
    /// One English sentence.
    pub explanation: String,
}

impl From<&Event> for ToldEvent {
    fn from(event: &Event) -> Self {
        let (json, explanation) = (event.to_json(), event.explain());
        Self { json, is_change: event.is_change(), explanation }
    }
}

/// A step that can be ended.
#[napi]
#[derive(Debug)]
pub struct Step(pub(crate) Work);

#[napi]
impl Step {
    /// Begins; a promise of what it came to.
    #[napi]
    pub fn run(&self) -> AsyncTask<Work> {
        AsyncTask::new(self.0.clone())
    }

    /// Ends it soon.
    #[napi]
    pub fn stop(&self) {
        self.0.stops.store(true, Ordering::Relaxed);
    }
}

/// What runs on the pool.
#[derive(Clone, Debug)]
pub struct Work {
    retuning: Retuning,
    stops: Arc<AtomicBool>,
}

impl From<Retuning> for Work {
    fn from(retuning: Retuning) -> Self {
        Self { retuning, stops: Arc::default() }
    }
}

impl Task for Work {
    type Output = std::result::Result<tune::Retuned, Error>;
    type JsValue = Retuned;

    fn compute(&mut self) -> Result<Self::Output> {
        let go_on = |_done: f64| {
            if self.stops.load(Ordering::Relaxed) {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        // A refusal becomes an error on the main thread, as only there JavaScript's values are made.
        Ok(self.retuning.clone().run(&go_on))
    }

    fn resolve(&mut self, env: Env, output: Self::Output) -> Result<Retuned> {
        output.map(Retuned).map_err(|error| raise(&env, &error))
    }
}

/// What a step came to, to be settled.
#[napi]
#[derive(Debug)]
pub struct Retuned(pub(crate) tune::Retuned);
