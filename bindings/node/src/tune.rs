//! A search for better settings off the main thread.
//!
//! In: settings as text, a `Trace`. Out: a promise of a tuning. The search runs on a thread of
//! libuv's pool, and hears there whether it is to end.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use forescale::gpu::Choice;
use forescale::sim::{self, Settings};
use forescale::tune::{self, Options};
use napi::Task;
use napi::bindgen_prelude::{AsyncTask, Env, Result};
use napi_derive::napi;

use crate::raise::raise;
use crate::replay::Trace;

/// A search that can be ended.
#[napi]
#[derive(Debug)]
pub struct Search(Tune);

#[napi]
impl Search {
    /// Of settings, plant and options as text; `choice` is the text of `FORESCALE_GPU`.
    #[napi(constructor)]
    pub fn new(
        env: &Env,
        config: String,
        plant: String,
        options: String,
        trace: &Trace,
        choice: Option<String>,
    ) -> Result<Self> {
        let search = || {
            Ok(Tune {
                config: forescale::Config::from_text(&config)?,
                plant: Settings::from_text(&plant)?,
                options: Options {
                    choice: Choice::from_text(choice.as_deref()),
                    ..Options::from_text(&options)?
                },
                trace: trace.0.clone(),
                stops: Arc::default(),
            })
        };
        search().map(Self).map_err(|error| raise(env, &error))
    }

    /// Begins; a promise of the tuning as JSON text.
    #[napi]
    pub fn run(&self) -> AsyncTask<Tune> {
        AsyncTask::new(self.0.clone())
    }

    /// Ends it soon, with what has been found so far.
    #[napi]
    pub fn stop(&self) {
        self.0.stops.store(true, Ordering::Relaxed);
    }
}

/// What runs on the pool.
#[derive(Clone, Debug)]
pub struct Tune {
    config: forescale::Config,
    plant: Settings,
    options: Options,
    trace: sim::Trace,
    stops: Arc<AtomicBool>,
}

impl Task for Tune {
    type Output = std::result::Result<tune::Tuning, forescale::Error>;
    type JsValue = String;

    fn compute(&mut self) -> Result<Self::Output> {
        let go_on = |_done: f64| {
            if self.stops.load(Ordering::Relaxed) {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        // A refusal becomes an error on the main thread, as only there JavaScript's values are made.
        Ok(tune::tune(&self.config, &self.trace, &self.plant, &self.options, &go_on))
    }

    fn resolve(&mut self, env: Env, output: Self::Output) -> Result<String> {
        output.map(|tuning| tuning.to_json()).map_err(|error| raise(&env, &error))
    }
}
