//! One series and its forecaster, behind a lock so that any thread may use it; and many at once.
//!
//! In: settings as text, times in seconds, series. Out: the parts of a forecast, or the reason why
//! there is none.

use std::sync::{Mutex, MutexGuard, PoisonError};

use forescale::forecast::{self, ForecasterConfig, Horizon, Model, On, Panel};
use forescale::gpu::{Choice, Device};
use forescale::{Duration, Timestamp};
use pyo3::prelude::*;
use pyo3::sync::MutexExt;
use pyo3::types::{PyByteArray, PyBytes, PyDateTime};

use crate::convert::{self, Span};
use crate::decision::{Reason, datetime};
use crate::error::{raise, refuse};

/// The core of `forescale.Forecaster`.
#[pyclass(frozen, module = "forescale._native")]
#[derive(Debug)]
pub(crate) struct Forecaster {
    core: Mutex<Model>,
}

/// When it was issued, its step in seconds, its quantiles and its rows.
pub(crate) type ForecastParts<'py> = (Bound<'py, PyDateTime>, f64, Vec<f64>, Vec<Vec<f64>>);

/// A forecast, or the reason to abstain.
#[derive(IntoPyObject)]
pub(crate) enum Answer<'py> {
    Forecast(ForecastParts<'py>),
    Abstain(Reason),
}

impl<'py> Answer<'py> {
    pub(crate) fn new(
        py: Python<'py>,
        answer: Result<forecast::Forecast, forescale::Reason>,
    ) -> PyResult<Self> {
        Ok(match answer {
            Ok(forecast) => Self::Forecast((
                datetime(py, forecast.issued_at)?,
                forecast.step.as_secs_f64(),
                forecast.quantiles.clone(),
                (0..forecast.horizon()).map(|ahead| forecast.row(ahead).to_vec()).collect(),
            )),
            Err(reason) => Self::Abstain(Reason(reason)),
        })
    }
}

/// How far ahead: a number of steps, or a span of time as a text or with its unit.
#[derive(Debug, FromPyObject)]
pub(crate) enum Ahead {
    Steps(i64),
    Text(String),
    /// In seconds.
    Span((f64,)),
}

impl Ahead {
    pub(crate) fn read(self) -> PyResult<Horizon> {
        Ok(match self {
            Self::Steps(steps) => {
                let refused =
                    |_| refuse("horizon", &format!("is {steps} steps, must be one at least"));
                Horizon::Steps(usize::try_from(steps).map_err(refused)?)
            }
            Self::Text(text) => Horizon::Span(Span::Text(text).read("horizon")?),
            Self::Span((seconds,)) => Horizon::Span(Span::Seconds(seconds).read("horizon")?),
        })
    }
}

#[pymethods]
impl Forecaster {
    /// From settings as JSON text, None for the default ones, and a step.
    #[new]
    fn new(settings: Option<&str>, step: Span) -> PyResult<Self> {
        Model::new(config(settings)?, step.read("step")?).map(Self::from).map_err(raise)
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

    /// The experts that it mixes, as JSON: a list of `name`, `ahead`, `weight` and `error`.
    fn experts(&self, py: Python<'_>) -> String {
        serde_json::to_string(&self.lock(py).experts()).expect("names and numbers")
    }

    /// The step in seconds.
    fn step(&self, py: Python<'_>) -> f64 {
        self.lock(py).step().as_secs_f64()
    }

    /// Feeds values; `times` in seconds since the epoch.
    fn observe(
        &self,
        py: Python<'_>,
        times: &Bound<'_, PyAny>,
        values: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let times = convert::times("times", times)?;
        let values = convert::series("values", values)?;
        // The lock is taken within: a thread must not wait for it while it holds the interpreter.
        py.detach(|| {
            let mut core = self.core.lock().unwrap_or_else(PoisonError::into_inner);
            core.observe(&times, &values)
        })
        .map_err(raise)
    }

    /// Tells values of a regressor; `times` in seconds since the epoch.
    fn regressor(
        &self,
        py: Python<'_>,
        name: &str,
        times: &Bound<'_, PyAny>,
        values: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let times = convert::times("times", times)?;
        let values = convert::numbers("values", values)?;
        self.lock(py).regressor(name, &times, &values).map_err(raise)
    }

    /// What is expected.
    fn forecast<'py>(
        &self,
        py: Python<'py>,
        horizon: Ahead,
        quantiles: Vec<f64>,
    ) -> PyResult<Answer<'py>> {
        let horizon = horizon.read()?;
        let answer = py
            .detach(|| {
                let core = self.core.lock().unwrap_or_else(PoisonError::into_inner);
                core.forecast(horizon, &quantiles)
            })
            .map_err(raise)?;
        Answer::new(py, answer)
    }
}

impl From<Model> for Forecaster {
    fn from(core: Model) -> Self {
        Self { core: Mutex::new(core) }
    }
}

impl Forecaster {
    /// A panic elsewhere is no reason to refuse: the core keeps its state whole.
    fn lock(&self, py: Python<'_>) -> MutexGuard<'_, Model> {
        self.core.lock_py_attached(py).unwrap_or_else(PoisonError::into_inner)
    }
}

/// The first step of a forecast above a limit: its end, the probability, the load.
#[pyfunction]
pub(crate) fn crosses<'py>(
    py: Python<'py>,
    forecast: (f64, f64, Vec<f64>, Vec<Vec<f64>>),
    limit: f64,
    within: Span,
) -> PyResult<Option<(Bound<'py, PyDateTime>, f64, f64)>> {
    let (issued_at, step, quantiles, rows) = forecast;
    let forecast = forecast::Forecast {
        issued_at: convert::timestamp("issued_at", issued_at)?,
        step: Span::Seconds(step).read("step")?,
        quantiles,
        values: rows.concat(),
    };
    let found = forecast.crosses(limit, within.read("within")?);
    found.map(|found| Ok((datetime(py, found.at)?, found.probability, found.load))).transpose()
}

/// When it was issued, its step in seconds, the number of steps, its quantiles, its values as memory
/// of `double`s, who abstained, and what did it.
pub(crate) type PanelParts<'py> = (
    Bound<'py, PyDateTime>,
    f64,
    usize,
    Vec<f64>,
    Bound<'py, PyByteArray>,
    Vec<(usize, Reason)>,
    String,
);

/// The forecast of each row of `values`; `start` in seconds since the epoch, `choice` is the text of
/// `FORESCALE_GPU`.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "the package is the only caller")]
pub(crate) fn forecast_panel<'py>(
    py: Python<'py>,
    settings: Option<&str>,
    values: &Bound<'py, PyAny>,
    step: Span,
    start: f64,
    horizon: Ahead,
    quantiles: Vec<f64>,
    device: &str,
    choice: Option<&str>,
) -> PyResult<PanelParts<'py>> {
    let settings = config(settings)?;
    let device = Device::from_text(device).map_err(raise)?;
    let choice = Choice::from_text(choice);
    let step: Duration = step.read("step")?;
    let start: Timestamp = convert::timestamp("start", start)?;
    let horizon = horizon.read()?;
    let (n_series, values) = convert::matrix("values", values)?;
    // Ctrl-C ends the call between two parts of the work, with Python's own exception.
    let interrupt = Mutex::new(None);
    let go_on = || match Python::attach(|py| py.check_signals()) {
        Ok(()) => true,
        Err(error) => {
            *interrupt.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            false
        }
    };
    let forecast = py.detach(|| {
        let panel = Panel { values: &values, n_series, start, step };
        let on = On { device, choice, go_on: &go_on };
        forecast::forecast_panel_on(&settings, &panel, horizon, &quantiles, &on)
    });
    let interrupt = interrupt.into_inner().unwrap_or_else(PoisonError::into_inner);
    let forecast = forecast.map_err(|error| interrupt.unwrap_or_else(|| raise(error)))?;
    drop(values);
    panel_parts(py, forecast)
}

/// A forecast of many series as it crosses.
pub(crate) fn panel_parts<'py>(
    py: Python<'py>,
    forecast: forecast::PanelForecast,
) -> PyResult<PanelParts<'py>> {
    let size = size_of::<f64>() * forecast.values.len();
    let bytes = PyByteArray::new_with(py, size, |bytes| {
        for (into, value) in bytes.chunks_exact_mut(size_of::<f64>()).zip(&forecast.values) {
            into.copy_from_slice(&value.to_ne_bytes());
        }
        Ok(())
    })?;
    let abstained = forecast.abstained.into_iter();
    Ok((
        datetime(py, forecast.issued_at)?,
        forecast.step.as_secs_f64(),
        forecast.horizon,
        forecast.quantiles,
        bytes,
        abstained.map(|(series, reason)| (series, Reason(reason))).collect(),
        forecast.device,
    ))
}

fn config(settings: Option<&str>) -> PyResult<ForecasterConfig> {
    settings.map_or(Ok(ForecasterConfig::default()), ForecasterConfig::from_text).map_err(raise)
}
