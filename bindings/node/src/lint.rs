//! What is wrong with settings that build.
//!
//! In: settings as text, milliseconds. Out: the findings as JSON text.

use forescale::Config;
use napi::bindgen_prelude::{Env, Result};
use napi_derive::napi;

use crate::convert;
use crate::raise::raise;

/// The findings as JSON text, the worst first.
#[napi]
pub fn lint(env: &Env, config: String, now: Option<f64>) -> Result<String> {
    Config::from_text(&config)
        .and_then(|config| forescale::lint::lint(&config, now.map(convert::timestamp)))
        .map(|findings| convert::json(&findings))
        .map_err(|error| raise(env, &error))
}
