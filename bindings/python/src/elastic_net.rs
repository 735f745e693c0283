//! One model for many series, fitted off the interpreter.
//!
//! In: settings as text, a matrix. Out: `ElasticNet`, and the parts of its forecasts.

use forescale::forecast::Panel;
use forescale::forecast::elastic_net::{self as core, Config};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::convert::{self, Span};
use crate::error::raise;
use crate::forecaster::{Ahead, Answer, PanelParts, panel_parts};

/// The core of `forescale.ElasticNet`.
#[pyclass(frozen, module = "forescale._native")]
#[derive(Debug)]
pub(crate) struct ElasticNet(core::ElasticNet);

#[pymethods]
impl ElasticNet {
    /// Fitted on the rows of a matrix; `start` in seconds since the epoch.
    #[staticmethod]
    fn fit(
        py: Python<'_>,
        settings: Option<&str>,
        values: &Bound<'_, PyAny>,
        step: Span,
        start: f64,
    ) -> PyResult<Self> {
        let settings = settings.map_or(Ok(Config::default()), Config::from_text).map_err(raise)?;
        let (step, start) = (step.read("step")?, convert::timestamp("start", start)?);
        let (n_series, values) = convert::matrix("values", values)?;
        py.detach(|| {
            let panel = Panel { values: &values, n_series, start, step };
            core::ElasticNet::fit(&panel, settings)
        })
        .map(Self)
        .map_err(raise)
    }

    /// From what `snapshot` wrote.
    #[staticmethod]
    fn restore(py: Python<'_>, snapshot: &[u8]) -> PyResult<Self> {
        py.detach(|| core::ElasticNet::restore(snapshot)).map(Self).map_err(raise)
    }

    /// Settings and weights, as JSON.
    fn snapshot<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let snapshot = self.0.snapshot().map_err(raise)?;
        Ok(PyBytes::new(py, &snapshot))
    }

    /// The settings in force, as JSON.
    fn settings(&self) -> String {
        serde_json::to_string(self.0.settings()).expect("settings are plain values")
    }

    /// The step in seconds.
    fn step(&self) -> f64 {
        self.0.step().as_secs_f64()
    }

    /// What is expected of a series after its last sample, which ends at `issued_at`.
    fn forecast<'py>(
        &self,
        py: Python<'py>,
        history: &Bound<'py, PyAny>,
        issued_at: f64,
        horizon: Ahead,
        quantiles: Vec<f64>,
    ) -> PyResult<Answer<'py>> {
        let history = convert::numbers("history", history)?;
        let issued_at = convert::timestamp("issued_at", issued_at)?;
        let horizon = horizon.read()?;
        let answer = self.0.forecast(&history, issued_at, horizon, &quantiles).map_err(raise)?;
        Answer::new(py, answer)
    }

    /// The same of each row of a matrix.
    fn forecast_panel<'py>(
        &self,
        py: Python<'py>,
        values: &Bound<'py, PyAny>,
        start: f64,
        horizon: Ahead,
        quantiles: Vec<f64>,
    ) -> PyResult<PanelParts<'py>> {
        let (start, horizon) = (convert::timestamp("start", start)?, horizon.read()?);
        let (n_series, values) = convert::matrix("values", values)?;
        let forecast = py.detach(|| {
            let panel = Panel { values: &values, n_series, start, step: self.0.step() };
            self.0.forecast_panel(&panel, horizon, &quantiles)
        });
        drop(values);
        panel_parts(py, forecast.map_err(raise)?)
    }
}
