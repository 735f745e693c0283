//! What graphics card there is.
//!
//! In: the text of `FORESCALE_GPU`. Out: the adapter as JSON.

use forescale::gpu::{Choice, info};
use pyo3::prelude::*;

use crate::error::raise;

/// The adapter as JSON; `choice` is the text of `FORESCALE_GPU`.
#[pyfunction]
pub(crate) fn gpu_info(py: Python<'_>, choice: Option<&str>) -> PyResult<String> {
    let told = py.detach(|| info(&Choice::from_text(choice))).map_err(raise)?;
    Ok(serde_json::to_string(&told).expect("texts and numbers"))
}
