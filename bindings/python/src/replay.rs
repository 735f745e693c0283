//! A recorded load through the loop, in simulated time.
//!
//! In: settings and plant as text, a series. Out: `Report`, kept as the core made it until asked.

use forescale::{Autoscaler, sim};
use pyo3::prelude::*;

use crate::convert;
use crate::error::raise;

/// The core of `forescale.Report`.
#[pyclass(frozen, module = "forescale._native")]
#[derive(Debug)]
pub(crate) struct Report(sim::Report);

#[pymethods]
impl Report {
    /// The report held against sizes that really ran; `times` in seconds since the epoch.
    fn against(
        &self,
        py: Python<'_>,
        times: &Bound<'_, PyAny>,
        replicas: &Bound<'_, PyAny>,
    ) -> PyResult<Self> {
        let times = convert::times("times", times)?;
        let replicas = convert::series("replicas", replicas)?;
        let report = py.detach(|| {
            let record = sim::Record::new(times, replicas)?;
            self.0.clone().against(record)
        });
        report.map(Self).map_err(raise)
    }

    /// The report as JSON.
    fn to_json(&self, py: Python<'_>) -> String {
        py.detach(|| self.0.to_json())
    }

    /// One self-contained HTML page.
    fn to_html(&self, py: Python<'_>) -> PyResult<String> {
        py.detach(|| self.0.to_html()).map_err(raise)
    }
}

/// Replays a trace; `times` in seconds since the epoch, a missing value is a hole.
#[pyfunction]
pub(crate) fn replay(
    py: Python<'_>,
    config: &str,
    name: &str,
    times: &Bound<'_, PyAny>,
    values: &Bound<'_, PyAny>,
    plant: &str,
) -> PyResult<Report> {
    let (times, values) = convert::samples(times, values)?;
    py.detach(|| {
        let mut scaler = Autoscaler::from_text(config)?;
        let settings = sim::Settings::from_text(plant)?;
        let trace = sim::Trace::from_samples(name, &times, &values)?;
        sim::replay(&mut scaler, &trace, &settings)
    })
    .map(Report)
    .map_err(raise)
}
