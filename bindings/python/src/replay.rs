//! A recorded load through the loop, in simulated time.
//!
//! In: settings and plant as text, a `Trace`. Out: `Report`, kept as the core made it until asked.

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

    /// One moment of it, as JSON and as sentences; `at` in seconds since the epoch.
    fn explain(&self, at: f64) -> PyResult<(String, String)> {
        let moment = self.0.explain(convert::timestamp("at", at)?).map_err(raise)?;
        Ok((moment.to_json(), moment.explain()))
    }

    /// One self-contained HTML page.
    fn to_html(&self, py: Python<'_>) -> PyResult<String> {
        py.detach(|| self.0.to_html()).map_err(raise)
    }
}

/// A recorded load, and what is known besides.
#[pyclass(frozen, module = "forescale._native")]
#[derive(Debug)]
pub(crate) struct Trace(pub(crate) sim::Trace);

#[pymethods]
impl Trace {
    /// From `times` in seconds since the epoch; a missing value is a hole.
    #[new]
    fn new(name: &str, times: &Bound<'_, PyAny>, values: &Bound<'_, PyAny>) -> PyResult<Self> {
        let (times, values) = convert::samples(times, values)?;
        sim::Trace::from_samples(name, &times, &values).map(Self).map_err(raise)
    }

    /// The same with values that each hold until the next.
    fn with_known(
        &self,
        name: &str,
        times: &Bound<'_, PyAny>,
        values: &Bound<'_, PyAny>,
    ) -> PyResult<Self> {
        let times = convert::times("times", times)?;
        let values = convert::numbers("values", values)?;
        self.0.clone().with_known(name, &times, &values).map(Self).map_err(raise)
    }
}

/// Replays a trace.
#[pyfunction]
pub(crate) fn replay(py: Python<'_>, config: &str, trace: &Trace, plant: &str) -> PyResult<Report> {
    py.detach(|| {
        let mut scaler = Autoscaler::from_text(config)?;
        let settings = sim::Settings::from_text(plant)?;
        sim::replay(&mut scaler, &trace.0, &settings)
    })
    .map(Report)
    .map_err(raise)
}

/// The core of `forescale.Fronts`.
#[pyclass(frozen, module = "forescale._native")]
#[derive(Debug)]
pub(crate) struct Fronts(sim::Fronts);

#[pymethods]
impl Fronts {
    /// The least cost at so many violations, in replica-hours.
    fn cost(&self, name: &str, violation_share: f64) -> Option<f64> {
        self.0.sweep(name)?.front.cost(violation_share)
    }

    /// The share of the gap from one way to scale to clairvoyance that another one closes.
    fn gap_closed(&self, violation_share: f64, by: &str, than: &str) -> Option<f64> {
        self.0.gap_closed(violation_share, by, than)
    }

    /// The fronts as JSON.
    fn to_json(&self, py: Python<'_>) -> String {
        py.detach(|| self.0.to_json())
    }

    /// The picture.
    fn to_svg(&self, py: Python<'_>) -> PyResult<String> {
        py.detach(|| self.0.to_svg()).map_err(raise)
    }
}

/// The fronts of contenders and of families of one's own.
#[pyfunction]
pub(crate) fn fronts(
    py: Python<'_>,
    trace: &Trace,
    plant: &str,
    contenders: Option<Vec<String>>,
    families: Vec<(String, Vec<(String, String)>)>,
) -> PyResult<Fronts> {
    py.detach(|| {
        let contenders = match contenders {
            Some(names) => names
                .iter()
                .map(|name| sim::Contender::from_name(name))
                .collect::<Result<_, _>>()?,
            None => sim::Contender::ALL.to_vec(),
        };
        let families: Vec<_> =
            families.into_iter().map(|(name, configs)| sim::Family { name, configs }).collect();
        let settings = sim::Settings::from_text(plant)?;
        sim::fronts(&trace.0, &settings, &contenders, &families, &|| {})
    })
    .map(Fronts)
    .map_err(raise)
}

/// Two configurations over the same trace, as JSON and as lines for people.
#[pyfunction]
pub(crate) fn diff(
    py: Python<'_>,
    configs: ((String, String), (String, String)),
    trace: &Trace,
    plant: &str,
) -> PyResult<(String, String)> {
    py.detach(|| {
        let settings = sim::Settings::from_text(plant)?;
        let diff = sim::diff(&trace.0, &settings, &configs.0, &configs.1)?;
        Ok((diff.to_json(), diff.to_string()))
    })
    .map_err(raise)
}
