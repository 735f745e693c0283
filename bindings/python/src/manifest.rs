//! Manifests of other systems as settings.
//!
//! In: a text. Out: the imports as JSON.

use forescale::manifest;
use pyo3::prelude::*;

use crate::error::raise;

/// The imports as JSON: a list, each with its settings as YAML and its report as text.
#[pyfunction]
pub(crate) fn load_manifest(py: Python<'_>, text: &str) -> PyResult<String> {
    py.detach(|| {
        let mut told = Vec::new();
        for import in manifest::load(text)? {
            let mut value = serde_json::to_value(&import).expect("an import is JSON");
            value["config_yaml"] = import.config.to_yaml()?.into();
            value["report"] = import.to_string().into();
            told.push(value);
        }
        Ok(serde_json::Value::from(told).to_string())
    })
    .map_err(raise)
}
