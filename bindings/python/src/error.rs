//! The one place where a core error becomes a Python exception.

use forescale::{Error, ErrorKind};
use pyo3::PyErr;

pyo3::import_exception!(forescale.errors, ForescaleError);
pyo3::import_exception!(forescale.errors, ConfigError);
pyo3::import_exception!(forescale.errors, ObservationError);
pyo3::import_exception!(forescale.errors, SnapshotError);
pyo3::import_exception!(forescale.errors, TraceError);

/// The exception of the error's kind, with its text and its `path`.
pub(crate) fn raise(error: Error) -> PyErr {
    let arguments = (error.to_string(), error.path().to_owned());
    match error.kind() {
        ErrorKind::Config => ConfigError::new_err(arguments),
        ErrorKind::Observation => ObservationError::new_err(arguments),
        ErrorKind::Snapshot => SnapshotError::new_err(arguments),
        ErrorKind::Trace => TraceError::new_err(arguments),
        _ => ForescaleError::new_err(arguments),
    }
}

/// A refusal at the binding's own border: an argument that is no observation.
///
/// The text reads as the core's: `` `ready` is -1, must be ... ``.
pub(crate) fn refuse(path: impl Into<String>, message: &str) -> PyErr {
    let path = path.into();
    ObservationError::new_err((format!("`{path}` {message}"), path))
}
