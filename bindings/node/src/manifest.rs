//! Manifests of other systems as settings.
//!
//! In: a text. Out: the imports as JSON.

use forescale::{Error, manifest};
use napi::bindgen_prelude::{Env, Result};
use napi_derive::napi;

use crate::raise::raise;

/// The imports as JSON: a list, each with its settings as YAML and its report as text.
#[napi]
pub fn load_manifest(env: &Env, text: String) -> Result<String> {
    let read = || -> std::result::Result<String, Error> {
        let mut told = Vec::new();
        for import in manifest::load(&text)? {
            let mut value = serde_json::to_value(&import).expect("an import is JSON");
            value["config_yaml"] = import.config.to_yaml()?.into();
            value["report"] = import.to_string().into();
            told.push(value);
        }
        Ok(serde_json::Value::from(told).to_string())
    };
    read().map_err(|error| raise(env, &error))
}
