//! The answers of a Prometheus server as times and values.
//!
//! In: bodies of answers as bytes, options as text. Out: seconds and numbers, None for a missing one.

use forescale::Timestamp;
use forescale::sim::prometheus::{self, History, Options};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;

use crate::convert::{self, Span};
use crate::error::raise;

/// Times, values, the step in seconds, and what the server warned of.
type Samples = (Vec<f64>, Vec<Option<f64>>, f64, Vec<String>);

/// The samples in the answers; `options` as JSON.
#[pyfunction]
pub(crate) fn read_prometheus(
    py: Python<'_>,
    answers: Vec<PyBackedBytes>,
    options: &str,
) -> PyResult<Samples> {
    py.detach(|| {
        let options = Options::from_text(options)?;
        let history = History::read(answers)?;
        let samples = history.samples(&options)?;
        let times = samples.times.into_iter().map(seconds).collect();
        let warnings = history.warnings().to_vec();
        Ok((times, samples.values, samples.step.as_secs_f64(), warnings))
    })
    .map_err(raise)
}

/// The starts and ends of the queries to ask for, in seconds.
#[pyfunction]
pub(crate) fn prometheus_chunks(start: f64, end: f64, step: Span) -> PyResult<Vec<(f64, f64)>> {
    let [start, end] =
        [("start", start), ("end", end)].map(|(path, at)| convert::timestamp(path, at));
    let chunks = prometheus::chunks(start?, end?, step.read("step")?).map_err(raise)?;
    Ok(chunks.into_iter().map(|(start, end)| (seconds(start), seconds(end))).collect())
}

fn seconds(at: Timestamp) -> f64 {
    at.as_millis() as f64 / 1000.0
}
