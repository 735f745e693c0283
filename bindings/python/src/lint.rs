//! What is wrong with settings that build.
//!
//! In: settings as text, a time. Out: the findings as JSON; the package makes objects of them.

use forescale::{Config, lint};
use pyo3::prelude::*;

use crate::convert;
use crate::error::raise;

/// The findings as JSON, the worst first; `now` in seconds since the epoch.
#[pyfunction]
#[pyo3(name = "lint")]
pub(crate) fn check(py: Python<'_>, config: &str, now: Option<f64>) -> PyResult<String> {
    let now = now.map(|now| convert::timestamp("now", now)).transpose()?;
    let findings = py.detach(|| lint::lint(&Config::from_text(config)?, now)).map_err(raise)?;
    Ok(serde_json::to_string(&findings).expect("findings have text keys"))
}
