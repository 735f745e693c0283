//! The one place where a refusal becomes a JavaScript error.
//!
//! In: an error of the core, or of a conversion here. Out: an `Error` with `code` and `path`, from
//! which `index.js` makes its `ForescaleError`.

use napi::bindgen_prelude::{Env, JsObjectValue, JsValue};
use napi::{Error, JsError};

/// The JavaScript error for one of the core's: `FORESCALE_CONFIG` and the like by its kind.
pub(crate) fn raise(env: &Env, error: &forescale::Error) -> Error {
    let code = format!("FORESCALE_{}", error.kind().as_str().to_uppercase());
    refuse(env, code, error.path(), error.to_string())
}

/// A JavaScript error by its parts.
pub(crate) fn refuse(env: &Env, code: String, path: &str, message: String) -> Error {
    let error = JsError::from(Error::new(code, message)).into_unknown(*env);
    let located = error.coerce_to_object().and_then(|mut object| {
        object.set_named_property("path", path)?;
        Ok(object.to_unknown())
    });
    located.map_or_else(|failure| failure, Error::from)
}
