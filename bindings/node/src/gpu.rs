//! What graphics card there is.
//!
//! In: the text of `FORESCALE_GPU`. Out: the adapter as JSON text.

use forescale::gpu::{Choice, info};
use napi::bindgen_prelude::{Env, Result};
use napi_derive::napi;

use crate::convert;
use crate::raise::raise;

/// The adapter as JSON text; `choice` is the text of `FORESCALE_GPU`.
#[napi]
pub fn gpu_info(env: &Env, choice: Option<String>) -> Result<String> {
    info(&Choice::from_text(choice.as_deref()))
        .map(|told| convert::json(&told))
        .map_err(|error| raise(env, &error))
}
