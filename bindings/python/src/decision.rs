//! The core's answer as Python sees it.
//!
//! In: a `Decision` of the core. Out: frozen classes that hold it; nothing is turned into Python
//! objects before it is asked for, so that a decision costs the host little.

use forescale::Timestamp;
use pyo3::prelude::*;
use pyo3::types::{PyDateTime, PyDict, PyTzInfo};
use serde::Serialize;

/// The answer to one observation: replicas, and every step on the way to them.
#[pyclass(frozen, eq, module = "forescale")]
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Decision(pub(crate) forescale::Decision);

#[pymethods]
impl Decision {
    /// When it was made for: the time of the observation, in UTC.
    #[getter]
    fn at<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDateTime>> {
        datetime(py, self.0.at)
    }

    /// The replicas that the workload was asked to have before.
    #[getter]
    fn current(&self) -> u32 {
        self.0.current
    }

    /// The replicas that it should have now.
    #[getter]
    fn replicas(&self) -> u32 {
        self.0.replicas
    }

    /// The highest proposal, unrounded and before guards and limits; None if there was none.
    #[getter]
    fn wish(&self) -> Option<f64> {
        self.0.wish
    }

    /// The mode it was made in, as the configuration names it.
    #[getter]
    fn mode(&self) -> String {
        name(&self.0.mode)
    }

    /// Every stage, in order.
    #[getter]
    fn steps(&self) -> Vec<Step> {
        self.0.steps.iter().cloned().map(Step).collect()
    }

    /// The stages that wanted a number: the policies.
    #[getter]
    fn wanted(&self) -> Vec<Step> {
        self.0.wanted().cloned().map(Step).collect()
    }

    /// The stages that kept another number than came to them: guards, zero, limits, the mode.
    #[getter]
    fn held(&self) -> Vec<Step> {
        self.0.held().cloned().map(Step).collect()
    }

    /// The decision in one English sentence: what is done and why.
    fn explain(&self) -> String {
        self.0.explain()
    }

    /// The decision as JSON, byte for byte as in every other language.
    fn to_json(&self) -> String {
        self.0.to_json()
    }

    /// The decision as plain Python values; `at` is in milliseconds, as in the JSON.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        py.import("json")?.call_method1("loads", (self.0.to_json(),))
    }

    /// It is frozen, so it is its own copy.
    fn __copy__(this: Py<Self>) -> Py<Self> {
        this
    }

    fn __deepcopy__(this: Py<Self>, _memo: Bound<'_, PyAny>) -> Py<Self> {
        this
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!(
            "Decision(at={}, current={}, replicas={}, mode={:?}, steps={:?})",
            datetime(py, self.0.at)?.repr()?,
            self.0.current,
            self.0.replicas,
            self.mode(),
            self.0.steps.iter().map(|step| step.reason.code()).collect::<Vec<_>>(),
        ))
    }
}

/// One stage on the way to a decision: who spoke, the number before and after, and why.
#[pyclass(frozen, eq, module = "forescale")]
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Step(forescale::Step);

#[pymethods]
impl Step {
    /// Who spoke: a policy, a guard, or a stage of the loop.
    #[getter]
    fn by(&self) -> &str {
        &self.0.by
    }

    /// Replicas that came into this stage.
    #[getter]
    fn before(&self) -> u32 {
        self.0.before
    }

    /// Replicas that it answered with; None if it had no opinion.
    #[getter]
    fn replicas(&self) -> Option<u32> {
        self.0.replicas
    }

    /// Why.
    #[getter]
    fn reason(&self) -> Reason {
        Reason(self.0.reason)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!(
            "Step(by={:?}, before={}, replicas={}, reason={})",
            self.by(),
            self.before(),
            self.0.replicas.into_pyobject(py)?.repr()?,
            self.reason().__repr__(),
        ))
    }
}

/// Why a stage answered as it did: a stable code, and numbers whose names carry the unit.
#[pyclass(frozen, eq, module = "forescale")]
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Reason(pub(crate) forescale::Reason);

#[pymethods]
impl Reason {
    /// The stable name of the cause, in `snake_case`.
    #[getter]
    fn code(&self) -> &'static str {
        self.0.code()
    }

    /// The numbers, by names with their unit.
    #[getter]
    fn facts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let facts = PyDict::new(py);
        for (name, number) in self.0.facts() {
            facts.set_item(name, number)?;
        }
        Ok(facts)
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self) -> String {
        format!("Reason({:?}, {:?})", self.0.code(), self.0.to_string())
    }
}

/// A point in time as an aware `datetime` in UTC.
pub(crate) fn datetime(py: Python<'_>, at: Timestamp) -> PyResult<Bound<'_, PyDateTime>> {
    let utc = PyTzInfo::utc(py)?.to_owned();
    PyDateTime::from_timestamp(py, at.as_millis() as f64 / 1000.0, Some(&utc))
}

/// The name that a unit variant has in the configuration.
fn name(variant: &impl Serialize) -> String {
    match serde_json::to_value(variant) {
        Ok(serde_json::Value::String(name)) => name,
        other => format!("{other:?}"),
    }
}
