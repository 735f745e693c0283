//! What watches several series or a limit, each behind a lock so that any thread may use it.
//!
//! In: settings as text, times in seconds, values. Out: what is found as JSON text, or the reason why
//! nothing can be said.

use std::sync::{Mutex, MutexGuard, PoisonError};

use forescale::detect::{self, peers, relation, time_to_limit};
use pyo3::prelude::*;
use pyo3::sync::MutexExt;
use pyo3::types::PyBytes;
use serde::Serialize;

use crate::convert;
use crate::decision::Reason;
use crate::error::raise;

/// What is found, as JSON, or the reason why nothing can be said.
#[expect(clippy::large_enum_variant, reason = "it lives for one call")]
#[derive(IntoPyObject)]
pub(crate) enum Found {
    Json(String),
    Abstain(Reason),
}

impl Found {
    fn new(answer: Result<impl Serialize, forescale::Reason>) -> Self {
        match answer {
            Ok(found) => {
                Self::Json(serde_json::to_string(&found).expect("findings are plain values"))
            }
            Err(reason) => Self::Abstain(Reason(reason)),
        }
    }
}

/// A class around one of the core's, with what all of them can do and methods of its own.
macro_rules! watcher {
    (
        $(#[$doc:meta])*
        $Watcher:ident of $Config:path;
        $($methods:tt)*
    ) => {
        $(#[$doc])*
        #[pyclass(frozen, module = "forescale._native")]
        #[derive(Debug)]
        pub(crate) struct $Watcher {
            core: Mutex<detect::$Watcher>,
        }

        #[pymethods]
        impl $Watcher {
            /// From settings as JSON text.
            #[new]
            fn new(settings: &str) -> PyResult<Self> {
                <$Config>::from_text(settings)
                    .and_then(detect::$Watcher::new)
                    .map(Self::from)
                    .map_err(raise)
            }

            /// From what `snapshot` wrote.
            #[staticmethod]
            fn restore(snapshot: &[u8]) -> PyResult<Self> {
                detect::$Watcher::restore(snapshot).map(Self::from).map_err(raise)
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

            $($methods)*
        }

        impl From<detect::$Watcher> for $Watcher {
            fn from(core: detect::$Watcher) -> Self {
                Self { core: Mutex::new(core) }
            }
        }

        impl $Watcher {
            /// A panic elsewhere is no reason to refuse: the core keeps its state whole.
            fn lock(&self, py: Python<'_>) -> MutexGuard<'_, detect::$Watcher> {
                self.core.lock_py_attached(py).unwrap_or_else(PoisonError::into_inner)
            }
        }
    };
}

watcher! {
    /// The core of `forescale.Peers`.
    Peers of peers::Config;

    /// Takes a tick's readings; `at` in seconds since the epoch.
    fn see(
        &self,
        py: Python<'_>,
        at: f64,
        names: Vec<String>,
        values: &Bound<'_, PyAny>,
    ) -> PyResult<Found> {
        let at = convert::timestamp("at", at)?;
        let values = convert::series("readings", values)?;
        let readings: Vec<_> = names.into_iter().zip(values).collect();
        Ok(Found::new(self.lock(py).see(at, &readings)))
    }
}

watcher! {
    /// The core of `forescale.Relation`.
    Relation of relation::Config;

    /// Takes a pair of values, NaN for a missing one; `at` in seconds since the epoch.
    fn observe(&self, py: Python<'_>, at: f64, first: f64, second: f64) -> PyResult<Found> {
        let at = convert::timestamp("at", at)?;
        Ok(Found::new(self.lock(py).observe(at, first, second)))
    }
}

watcher! {
    /// The core of `forescale.TimeToLimit`.
    TimeToLimit of time_to_limit::Config;

    /// Takes values; `times` in seconds since the epoch.
    fn observe(
        &self,
        py: Python<'_>,
        times: &Bound<'_, PyAny>,
        values: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let (times, values) = convert::pairs(times, values)?;
        let mut core = self.lock(py);
        for (at, value) in times.into_iter().zip(values) {
            core.observe(at, value.unwrap_or(f64::NAN));
        }
        Ok(())
    }

    /// When the limit is reached.
    fn answer(&self, py: Python<'_>) -> Found {
        Found::new(self.lock(py).answer())
    }

    /// The trend a day and its range.
    fn per_day(&self, py: Python<'_>) -> Option<(f64, f64, f64)> {
        self.lock(py).per_day()
    }

    /// Forgets all samples.
    fn reset(&self, py: Python<'_>) {
        self.lock(py).reset();
    }
}
