//! A search for better settings, off the interpreter.
//!
//! In: settings, plant, options and card as text, a `Trace`. Out: `Tuning`, kept as the core made it until
//! asked. The search runs on a thread of its own, so that this one hears of an interruption.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use forescale::gpu::Choice;
use forescale::{Config, sim, tune as core};
use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;

use crate::error::raise;
use crate::replay::Trace;

/// How often the interpreter is asked whether to go on.
const ASK_EVERY: Duration = Duration::from_millis(20);

/// The core of `forescale.Tuning`.
#[pyclass(frozen, module = "forescale._native")]
#[derive(Debug)]
pub(crate) struct Tuning(core::Tuning);

#[pymethods]
impl Tuning {
    /// The tuning as JSON.
    fn to_json(&self, py: Python<'_>) -> String {
        py.detach(|| self.0.to_json())
    }
}

/// Searches; `choice` is the text of `FORESCALE_GPU`. `go_on` hears the share that is done and stops the
/// search where it answers False.
#[pyfunction]
#[pyo3(signature = (config, trace, plant, options, choice=None, go_on=None))]
pub(crate) fn tune(
    py: Python<'_>,
    config: &str,
    trace: &Trace,
    plant: &str,
    options: &str,
    choice: Option<&str>,
    go_on: Option<Py<PyAny>>,
) -> PyResult<Tuning> {
    let search = |control: &core::Control<'_>| {
        let config = Config::from_text(config)?;
        let plant = sim::Settings::from_text(plant)?;
        let choice = Choice::from_text(choice);
        let options = core::Options { choice, ..core::Options::from_text(options)? };
        core::tune(&config, &trace.0, &plant, &options, control)
    };
    worked_out(py, go_on.as_ref(), search).map(Tuning)
}

/// Does work on a thread of its own that `go_on` and Ctrl-C may end; the interpreter is free meanwhile.
pub(crate) fn worked_out<T: Send>(
    py: Python<'_>,
    go_on: Option<&Py<PyAny>>,
    work: impl FnOnce(&core::Control<'_>) -> Result<T, forescale::Error> + Send,
) -> PyResult<T> {
    let (stops, share) = (AtomicBool::new(false), AtomicU64::new(0));
    let control = |done: f64| {
        share.store(done.to_bits(), Ordering::Relaxed);
        if stops.load(Ordering::Relaxed) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    std::thread::scope(|scope| {
        let work = scope.spawn(|| work(&control));
        let mut refused = None;
        while !work.is_finished() {
            py.detach(|| std::thread::sleep(ASK_EVERY));
            let done = f64::from_bits(share.load(Ordering::Relaxed));
            match asked(py, go_on, done) {
                Ok(true) => {}
                Ok(false) => stops.store(true, Ordering::Relaxed),
                Err(error) => {
                    stops.store(true, Ordering::Relaxed);
                    refused.get_or_insert(error);
                }
            }
        }
        let found = py.detach(|| work.join());
        if let Some(error) = refused {
            return Err(error);
        }
        match found {
            Ok(found) => found.map_err(raise),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// Whether to go on; not after Ctrl-C.
fn asked(py: Python<'_>, go_on: Option<&Py<PyAny>>, done: f64) -> PyResult<bool> {
    let answer = py.check_signals().and_then(|()| {
        let Some(go_on) = go_on else { return Ok(true) };
        let answer = go_on.call1(py, (done,))?;
        Ok(!matches!(answer.extract::<bool>(py), Ok(false)))
    });
    match answer {
        Err(error) if error.is_instance_of::<PyKeyboardInterrupt>(py) => Ok(false),
        answer => answer,
    }
}
