//! The loop of one workload, behind a lock so that any thread may use it; also one that tunes itself.
//!
//! In: settings as text, times in seconds, readings. Out: `Decision`, the parts of a forecast, and what
//! a retuning came to.

use std::sync::{Mutex, MutexGuard, PoisonError};

use forescale::Observation;
use forescale::forecast::{Accuracy, Score};
use forescale::tune::{Event, SelfTuning, SelfTuningConfig};
use forescale::{Config, Decision as Answered, Error, Timestamp};
use pyo3::prelude::*;
use pyo3::sync::MutexExt;
use pyo3::types::PyBytes;

use crate::convert::{self, Span};
use crate::decision::Decision;
use crate::error::{raise, refuse};
use crate::forecaster::Answer;
use crate::tune::worked_out;

/// The core of `forescale.Autoscaler` and of `forescale.SelfTuning`.
#[pyclass(frozen, module = "forescale._native")]
#[derive(Debug)]
pub(crate) struct Autoscaler {
    core: Mutex<Core>,
}

/// Which of the two it is.
#[derive(Debug)]
enum Core {
    Plain(Box<forescale::Autoscaler>),
    SelfTuning(Box<SelfTuning>),
}

impl Core {
    fn scaler(&self) -> &forescale::Autoscaler {
        match self {
            Self::Plain(scaler) => scaler,
            Self::SelfTuning(own) => own.autoscaler(),
        }
    }

    fn tuning(&mut self) -> PyResult<&mut SelfTuning> {
        match self {
            Self::SelfTuning(own) => Ok(own),
            Self::Plain(_) => Err(refuse("autoscaler", "does not tune itself")),
        }
    }

    fn decide(&mut self, seen: &Observation) -> &Answered {
        match self {
            Self::Plain(scaler) => scaler.decide(seen),
            Self::SelfTuning(own) => own.decide(seen),
        }
    }

    fn warm_up(
        &mut self,
        metric: &str,
        times: &[Timestamp],
        values: &[Option<f64>],
    ) -> Result<(), Error> {
        match self {
            Self::Plain(scaler) => scaler.warm_up(metric, times, values),
            Self::SelfTuning(own) => own.warm_up(metric, times, values),
        }
    }

    fn regressor(
        &mut self,
        metric: &str,
        name: &str,
        times: &[Timestamp],
        values: &[f64],
    ) -> Result<(), Error> {
        match self {
            Self::Plain(scaler) => scaler.regressor(metric, name, times, values),
            Self::SelfTuning(own) => own.regressor(metric, name, times, values),
        }
    }

    fn snapshot(&self) -> Result<Vec<u8>, Error> {
        match self {
            Self::Plain(scaler) => scaler.snapshot(),
            Self::SelfTuning(own) => own.snapshot(),
        }
    }
}

/// JSON, whether settings were changed, and a sentence.
type EventParts = (String, bool, String);

fn parts(event: &Event) -> EventParts {
    (event.to_json(), event.is_change(), event.explain())
}

/// Whose, how long ahead in seconds, the quantile, how many; loss, coverage and bias lately and ever.
type AccuracyParts = (&'static str, f64, f64, u64, (f64, f64, f64), (f64, f64, f64));

#[pymethods]
impl Autoscaler {
    /// From JSON or YAML text.
    #[new]
    fn new(config: &str) -> PyResult<Self> {
        forescale::Autoscaler::from_text(config).map(Self::from).map_err(raise)
    }

    /// From what `snapshot` wrote.
    #[staticmethod]
    fn restore(py: Python<'_>, snapshot: &[u8]) -> PyResult<Self> {
        py.detach(|| forescale::Autoscaler::restore(snapshot)).map(Self::from).map_err(raise)
    }

    /// One that tunes itself, from settings and from those of the tuning.
    #[staticmethod]
    fn self_tuning(config: &str, settings: &str) -> PyResult<Self> {
        let own =
            || SelfTuning::new(Config::from_text(config)?, SelfTuningConfig::from_text(settings)?);
        own().map(Self::from).map_err(raise)
    }

    /// The same from what `snapshot` wrote.
    #[staticmethod]
    fn restore_self_tuning(py: Python<'_>, snapshot: &[u8]) -> PyResult<Self> {
        py.detach(|| SelfTuning::restore(snapshot)).map(Self::from).map_err(raise)
    }

    /// Goes one step of its tuning on, beside the decisions; `go_on` hears the share that is done and
    /// stops it where it answers False.
    #[pyo3(signature = (go_on=None))]
    fn retune(&self, py: Python<'_>, go_on: Option<Py<PyAny>>) -> PyResult<EventParts> {
        let retuning = self.lock(py).tuning()?.retuning();
        let retuned = worked_out(py, go_on.as_ref(), |control| retuning.run(control))?;
        let mut core = self.lock(py);
        core.tuning()?.settle(retuned).map(parts).map_err(raise)
    }

    /// What the last retunings came to, the oldest first.
    fn events(&self, py: Python<'_>) -> PyResult<Vec<EventParts>> {
        Ok(self.lock(py).tuning()?.events().map(parts).collect())
    }

    /// Settings and state, as JSON.
    fn snapshot<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let snapshot = self.lock(py).snapshot().map_err(raise)?;
        Ok(PyBytes::new(py, &snapshot))
    }

    /// Every setting in force, as JSON: a list of `path`, `value` and whether it was `given`.
    fn settings(&self, py: Python<'_>) -> PyResult<String> {
        let settings = self.lock(py).scaler().config().effective().map_err(raise)?;
        Ok(serde_json::to_string(&settings).expect("settings are JSON values already"))
    }

    /// Feeds the history of a metric; `times` in seconds since the epoch.
    fn warm_up(
        &self,
        py: Python<'_>,
        metric: &str,
        times: &Bound<'_, PyAny>,
        values: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let times = convert::times("times", times)?;
        let values = convert::series("values", values)?;
        // The lock is taken within: a thread must not wait for it while it holds the interpreter.
        py.detach(|| {
            let mut core = self.core.lock().unwrap_or_else(PoisonError::into_inner);
            core.warm_up(metric, &times, &values)
        })
        .map_err(raise)
    }

    /// Tells values of a regressor; `times` in seconds since the epoch.
    fn regressor(
        &self,
        py: Python<'_>,
        metric: &str,
        name: &str,
        times: &Bound<'_, PyAny>,
        values: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let times = convert::times("times", times)?;
        let values = convert::numbers("values", values)?;
        py.detach(|| {
            let mut core = self.core.lock().unwrap_or_else(PoisonError::into_inner);
            core.regressor(metric, name, &times, &values)
        })
        .map_err(raise)
    }

    /// The answer to what the host saw at `at`, in seconds since the epoch.
    fn decide(
        &self,
        py: Python<'_>,
        at: f64,
        ready: i64,
        pending: i64,
        requested: Option<i64>,
        metrics: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Decision> {
        let mut seen = Observation::at(convert::timestamp("at", at)?);
        seen.replicas.ready = convert::count("ready", ready)?;
        seen.replicas.pending = convert::count("pending", pending)?;
        seen.replicas.requested =
            requested.map(|size| convert::count("requested", size)).transpose()?;
        if let Some(metrics) = metrics {
            convert::readings(&mut seen, metrics)?;
        }
        Ok(Decision(self.lock(py).decide(&seen).clone()))
    }

    /// What is expected of a metric; `horizon` in seconds or as a text.
    fn forecast<'py>(
        &self,
        py: Python<'py>,
        metric: &str,
        horizon: Span,
        quantiles: Vec<f64>,
    ) -> PyResult<Answer<'py>> {
        let horizon = horizon.read("horizon")?;
        let answer = py
            .detach(|| {
                let core = self.core.lock().unwrap_or_else(PoisonError::into_inner);
                core.scaler().forecast(metric, horizon, &quantiles)
            })
            .map_err(raise)?;
        Answer::new(py, answer)
    }

    /// What the forecast says of a moment beside the load that came, as JSON and as a sentence.
    fn said(
        &self,
        py: Python<'_>,
        metric: &str,
        at: f64,
        load: Option<f64>,
        quantiles: Vec<f64>,
    ) -> PyResult<Option<(String, String)>> {
        let at = convert::timestamp("at", at)?;
        let said = self.lock(py).scaler().said(metric, at, load, &quantiles).map_err(raise)?;
        Ok(said.map(|said| (said.to_json(), said.explain())))
    }

    /// How good the forecasts of a metric have been.
    fn accuracy(&self, py: Python<'_>, metric: &str) -> PyResult<Vec<AccuracyParts>> {
        let rows = self.lock(py).scaler().accuracy(metric).map_err(raise)?;
        let score = |score: Score| (score.loss, score.coverage, score.bias);
        let parts = |row: Accuracy| {
            let ahead = row.ahead.as_secs_f64();
            (row.of.name(), ahead, row.quantile, row.n_judged, score(row.lately), score(row.ever))
        };
        Ok(rows.into_iter().map(parts).collect())
    }
}

impl From<forescale::Autoscaler> for Autoscaler {
    fn from(core: forescale::Autoscaler) -> Self {
        Self { core: Mutex::new(Core::Plain(Box::new(core))) }
    }
}

impl From<SelfTuning> for Autoscaler {
    fn from(core: SelfTuning) -> Self {
        Self { core: Mutex::new(Core::SelfTuning(Box::new(core))) }
    }
}

impl Autoscaler {
    /// A panic elsewhere is no reason to refuse: the core keeps its state whole.
    fn lock(&self, py: Python<'_>) -> MutexGuard<'_, Core> {
        self.core.lock_py_attached(py).unwrap_or_else(PoisonError::into_inner)
    }
}
