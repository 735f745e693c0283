//! Vertical sizing of one workload, behind a lock so that any thread may use it.
//!
//! In: settings as text, times in seconds, millicores and bytes. Out: `Recommendation`, and reasons.

use std::sync::{Mutex, MutexGuard, PoisonError};

use forescale::size::{self, Config, Sample, Samples, VpaCheckpoint};
use pyo3::prelude::*;
use pyo3::sync::MutexExt;
use pyo3::types::PyBytes;

use crate::convert::{self, Span};
use crate::decision::Reason;
use crate::error::raise;

/// The core of `forescale.Sizer`.
#[pyclass(frozen, module = "forescale._native")]
#[derive(Debug)]
pub(crate) struct Sizer {
    core: Mutex<size::Sizer>,
}

/// Why the readings of CPU and of memory do not count.
type Refused = (Option<Reason>, Option<Reason>);

fn refused(answer: &size::Refused) -> Refused {
    (answer.cpu.map(Reason), answer.memory.map(Reason))
}

#[pymethods]
impl Sizer {
    /// From JSON or YAML text.
    #[new]
    fn new(config: &str) -> PyResult<Self> {
        size::Sizer::from_text(config).map(Self::from).map_err(raise)
    }

    /// From what `snapshot` wrote.
    #[staticmethod]
    fn restore(snapshot: &[u8]) -> PyResult<Self> {
        size::Sizer::restore(snapshot).map(Self::from).map_err(raise)
    }

    /// From the status of a checkpoint of the Kubernetes VPA, as JSON.
    #[staticmethod]
    fn from_checkpoint(config: &str, checkpoint: &str) -> PyResult<Self> {
        let sizer = || {
            size::Sizer::from_checkpoint(
                Config::from_text(config)?,
                &VpaCheckpoint::from_json(checkpoint)?,
            )
        };
        sizer().map(Self::from).map_err(raise)
    }

    /// Settings and state, as JSON.
    fn snapshot<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let snapshot = self.lock(py).snapshot().map_err(raise)?;
        Ok(PyBytes::new(py, &snapshot))
    }

    /// What the Kubernetes VPA would store at `at`, as JSON.
    fn checkpoint(&self, py: Python<'_>, at: f64) -> PyResult<String> {
        let at = convert::timestamp("at", at)?;
        Ok(self.lock(py).checkpoint(at).to_json())
    }

    /// The settings in force, as JSON.
    fn settings(&self, py: Python<'_>) -> String {
        serde_json::to_string(self.lock(py).settings()).expect("settings were checked to be finite")
    }

    /// Takes in a sample; millicores and bytes.
    fn observe(
        &self,
        py: Python<'_>,
        at: f64,
        container: String,
        cpu: Option<f64>,
        memory: Option<f64>,
        cpu_request: Option<f64>,
    ) -> PyResult<Refused> {
        let at = convert::timestamp("at", at)?;
        let sample = Sample {
            at,
            container,
            cpu_millicores: cpu,
            memory_bytes: memory,
            cpu_request_millicores: cpu_request,
        };
        Ok(refused(&self.lock(py).observe(&sample)))
    }

    /// Takes in many samples of one container; what was refused, by place.
    fn observe_many(
        &self,
        py: Python<'_>,
        container: &str,
        times: &Bound<'_, PyAny>,
        cpu: Option<&Bound<'_, PyAny>>,
        memory: Option<&Bound<'_, PyAny>>,
        cpu_request: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Vec<(usize, Refused)>> {
        let times = convert::times("times", times)?;
        // As in a warm-up, NaN is a missing reading: arrays have no other.
        let readings = |name, given: Option<&Bound<'_, PyAny>>| {
            let series = given.map(|given| convert::series(name, given)).transpose()?;
            let given = |reading: Option<f64>| reading.filter(|number| !number.is_nan());
            Ok::<_, PyErr>(series.map(|series| series.into_iter().map(given).collect::<Vec<_>>()))
        };
        let (cpu, memory) = (readings("cpu", cpu)?, readings("memory", memory)?);
        let cpu_request = readings("cpu_request", cpu_request)?;
        let many = py
            .detach(|| {
                // Not taken before: a thread must not wait for it while it holds the interpreter.
                let mut core = self.core.lock().unwrap_or_else(PoisonError::into_inner);
                core.observe_many(&Samples {
                    container,
                    times: &times,
                    cpu_millicores: cpu.as_deref(),
                    memory_bytes: memory.as_deref(),
                    cpu_request_millicores: cpu_request.as_deref(),
                })
            })
            .map_err(raise)?;
        Ok(many.iter().map(|(index, answer)| (*index, refused(answer))).collect())
    }

    /// Takes in that a container ran out of memory with so many bytes requested; why it does not
    /// count, if so.
    fn out_of_memory(
        &self,
        py: Python<'_>,
        at: f64,
        container: &str,
        requested: f64,
    ) -> PyResult<Option<Reason>> {
        let at = convert::timestamp("at", at)?;
        Ok(self.lock(py).out_of_memory(container, at, requested).err().map(Reason))
    }

    /// Forgets which readings of a container came last.
    fn forget(&self, py: Python<'_>, container: &str) {
        self.lock(py).forget(container);
    }

    /// What to request; without a time as of the latest sample.
    fn recommend(&self, py: Python<'_>, at: Option<f64>) -> PyResult<Recommendation> {
        let at = at.map(|at| convert::timestamp("at", at)).transpose()?;
        let core = self.lock(py);
        let at = at.or(core.last_sample()).unwrap_or_default();
        Ok(Recommendation(core.recommend(at)))
    }

    /// The CPU to request while the container starts, in millicores.
    fn startup_cpu(
        &self,
        py: Python<'_>,
        wanted: &Recommendation,
        ready_for: Option<Span>,
    ) -> PyResult<Option<i64>> {
        let ready_for = ready_for.map(|span| span.read("ready_for")).transpose()?;
        Ok(self.lock(py).startup_cpu(&wanted.0, ready_for))
    }
}

impl From<size::Sizer> for Sizer {
    fn from(core: size::Sizer) -> Self {
        Self { core: Mutex::new(core) }
    }
}

impl Sizer {
    /// A panic elsewhere is no reason to refuse: the core keeps its state whole.
    fn lock(&self, py: Python<'_>) -> MutexGuard<'_, size::Sizer> {
        self.core.lock_py_attached(py).unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a container should request of each resource, and why.
#[pyclass(frozen, eq, module = "forescale")]
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Recommendation(size::Recommendation);

#[pymethods]
impl Recommendation {
    /// CPU in millicores.
    #[getter]
    fn cpu(&self) -> Estimate {
        Estimate(self.0.cpu)
    }

    /// Memory in bytes.
    #[getter]
    fn memory(&self) -> Estimate {
        Estimate(self.0.memory)
    }

    /// The recommendation as JSON, byte for byte as in every other language.
    fn to_json(&self) -> String {
        self.0.to_json()
    }

    /// The recommendation as plain Python values.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        py.import("json")?.call_method1("loads", (self.0.to_json(),))
    }

    fn __repr__(&self) -> String {
        format!(
            "Recommendation(cpu={}, memory={})",
            self.cpu().__repr__(),
            self.memory().__repr__()
        )
    }
}

/// What to request of one resource, and why.
#[pyclass(frozen, eq, module = "forescale")]
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Estimate(size::Estimate);

#[pymethods]
impl Estimate {
    /// The amounts; None if there is nothing to size by.
    #[getter]
    fn bounds(&self) -> Option<Bounds> {
        self.0.bounds.map(Bounds)
    }

    /// Why these, or why none.
    #[getter]
    fn reason(&self) -> Reason {
        Reason(self.0.reason)
    }

    fn __repr__(&self) -> String {
        let bounds = self.0.bounds.map_or("None".to_owned(), |bounds| Bounds(bounds).__repr__());
        format!("Estimate(bounds={bounds}, reason={:?})", self.0.reason.code())
    }
}

/// What to request, and between which bounds a present request may stay; millicores or bytes.
#[pyclass(frozen, eq, module = "forescale")]
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bounds(size::Bounds);

#[pymethods]
impl Bounds {
    /// Below this the container lacks.
    #[getter]
    fn lower(&self) -> i64 {
        self.0.lower
    }

    /// What to request.
    #[getter]
    fn target(&self) -> i64 {
        self.0.target
    }

    /// Above this the container wastes; 10^14 while no bound is known.
    #[getter]
    fn upper(&self) -> i64 {
        self.0.upper
    }

    fn __repr__(&self) -> String {
        let size::Bounds { lower, target, upper } = self.0;
        format!("Bounds(lower={lower}, target={target}, upper={upper})")
    }
}
