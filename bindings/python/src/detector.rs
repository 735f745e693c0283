//! One series and its detector, behind a lock so that any thread may use it.
//!
//! In: settings as text, times in seconds, values. Out: what is said of each, one by one or as memory
//! of `double`s.

use std::sync::{Mutex, MutexGuard, PoisonError};

use forescale::detect::{self, AnomalyKind, DetectorConfig, Model};
use pyo3::prelude::*;
use pyo3::sync::MutexExt;
use pyo3::types::{PyByteArray, PyBytes, PyDateTime};

use crate::convert::{self, Span};
use crate::decision::{Reason, datetime};
use crate::error::raise;

/// The core of `forescale.Detector`.
#[pyclass(frozen, module = "forescale._native")]
#[derive(Debug)]
pub(crate) struct Detector {
    core: Mutex<Model>,
}

/// Scores, chances, expected values and both bounds as memory of `double`s, one after the other;
/// then a byte each for an alarm, and the kinds.
type Columns<'py> = (Bound<'py, PyByteArray>, Bound<'py, PyBytes>, Vec<Option<&'static str>>);

#[pymethods]
impl Detector {
    /// From settings as JSON text, None for the default ones, and a step.
    #[new]
    fn new(settings: Option<&str>, step: Span) -> PyResult<Self> {
        let settings = settings.map_or(Ok(DetectorConfig::default()), DetectorConfig::from_text);
        let step = step.read("step")?;
        settings.and_then(|settings| Model::new(settings, step)).map(Self::from).map_err(raise)
    }

    /// From what `snapshot` wrote.
    #[staticmethod]
    fn restore(py: Python<'_>, snapshot: &[u8]) -> PyResult<Self> {
        py.detach(|| Model::restore(snapshot)).map(Self::from).map_err(raise)
    }

    /// Settings and state, as JSON.
    fn snapshot<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let snapshot = self.lock(py).snapshot().map_err(raise)?;
        Ok(PyBytes::new(py, &snapshot))
    }

    /// The settings in force, as JSON.
    fn settings(&self, py: Python<'_>) -> String {
        serde_json::to_string(self.lock(py).settings()).expect("settings are plain values")
    }

    /// The step in seconds.
    fn step(&self, py: Python<'_>) -> f64 {
        self.lock(py).step().as_secs_f64()
    }

    /// Scores one value; `at` in seconds since the epoch.
    fn score(&self, py: Python<'_>, at: f64, value: Option<f64>) -> PyResult<Anomaly> {
        let at = convert::timestamp("at", at)?;
        self.lock(py).score(at, value).map(Anomaly).map_err(raise)
    }

    /// Scores many; `times` in seconds since the epoch.
    fn score_many<'py>(
        &self,
        py: Python<'py>,
        times: &Bound<'py, PyAny>,
        values: &Bound<'py, PyAny>,
    ) -> PyResult<Columns<'py>> {
        let times = convert::times("times", times)?;
        let values = convert::series("values", values)?;
        // The lock is taken within: a thread must not wait for it while it holds the interpreter.
        let scores = py
            .detach(|| {
                let mut core = self.core.lock().unwrap_or_else(PoisonError::into_inner);
                core.score_many(&times, &values)
            })
            .map_err(raise)?;
        let columns =
            [&scores.score, &scores.p_value, &scores.expected, &scores.lower, &scores.upper];
        let numbers = columns.into_iter().flatten();
        let size = size_of::<f64>() * columns.len() * scores.score.len();
        let memory = PyByteArray::new_with(py, size, |bytes| {
            for (into, number) in bytes.chunks_exact_mut(size_of::<f64>()).zip(numbers) {
                into.copy_from_slice(&number.to_ne_bytes());
            }
            Ok(())
        })?;
        let alarms: Vec<_> = scores.is_anomaly.iter().map(|&alarm| u8::from(alarm)).collect();
        let kinds = scores.kind.iter().map(|kind| kind.map(AnomalyKind::name)).collect();
        Ok((memory, PyBytes::new(py, &alarms), kinds))
    }
}

impl From<Model> for Detector {
    fn from(core: Model) -> Self {
        Self { core: Mutex::new(core) }
    }
}

impl Detector {
    /// A panic elsewhere is no reason to refuse: the core keeps its state whole.
    fn lock(&self, py: Python<'_>) -> MutexGuard<'_, Model> {
        self.core.lock_py_attached(py).unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a detector says of one sample.
#[pyclass(frozen, eq, module = "forescale")]
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Anomaly(detect::Anomaly);

#[pymethods]
impl Anomaly {
    /// When, in UTC.
    #[getter]
    fn at<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDateTime>> {
        datetime(py, self.0.at)
    }

    /// The value it is about; None for a missing one.
    #[getter]
    fn value(&self) -> Option<f64> {
        self.0.value
    }

    /// How much it is an event that was not told before, from 0 to 1; an alarm from 0.5 on.
    #[getter]
    fn score(&self) -> f64 {
        self.0.score
    }

    /// The share of samples that show as much or more when all is as usual.
    #[getter]
    fn p_value(&self) -> f64 {
        self.0.p_value
    }

    /// Whether this is an alarm.
    #[getter]
    fn is_anomaly(&self) -> bool {
        self.0.is_anomaly
    }

    /// What it is, such as `level_up`; None while all is as usual.
    #[getter]
    fn kind(&self) -> Option<&'static str> {
        self.0.kind.map(AnomalyKind::name)
    }

    /// What was expected; None before there is enough history.
    #[getter]
    fn expected(&self) -> Option<f64> {
        self.0.expected
    }

    /// Below this, one value in two thousand lies when all is as usual.
    #[getter]
    fn lower(&self) -> Option<f64> {
        self.0.lower
    }

    /// Above this, one value in two thousand lies when all is as usual.
    #[getter]
    fn upper(&self) -> Option<f64> {
        self.0.upper
    }

    /// Why, with the numbers.
    #[getter]
    fn reason(&self) -> Reason {
        Reason(self.0.reason)
    }

    /// Why, as an English sentence.
    fn explain(&self) -> String {
        self.0.reason.to_string()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!(
            "Anomaly(at={}, value={}, score={:.3}, p_value={:.2e}, kind={})",
            datetime(py, self.0.at)?.repr()?,
            self.0.value.into_pyobject(py)?.repr()?,
            self.0.score,
            self.0.p_value,
            self.kind().into_pyobject(py)?.repr()?,
        ))
    }
}
