//! A sizer as a value: written at any time, taken up again on any machine.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::samples::Container;
use super::{Config, Sizer, Usage};
use crate::error::Error;
use crate::time::Timestamp;

const FORMAT: &str = "forescale sizer";
const VERSION: u64 = 1;

/// What a snapshot holds, before it is trusted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stored {
    settings: Config,
    cpu: Usage,
    memory: Usage,
    containers: BTreeMap<Arc<str>, Container>,
    last: Option<Timestamp>,
    doubtful: Option<Timestamp>,
}

impl TryFrom<Stored> for Sizer {
    type Error = Error;

    fn try_from(stored: Stored) -> Result<Self, Error> {
        let Stored { settings, cpu, memory, containers, last, doubtful } = stored;
        let fresh = Self::new(settings)?;
        for (own, saved) in [(&fresh.cpu, &cpu), (&fresh.memory, &memory)] {
            let (own, saved) = (&own.histogram, &saved.histogram);
            if own.layout() != saved.layout() || own.half_life() != saved.half_life() {
                return Err(Error::snapshot("a histogram has another layout or half-life"));
            }
        }
        if containers.len() > Self::MOST_CONTAINERS || !containers.values().all(Container::is_sound)
        {
            return Err(Error::snapshot("a container has a peak that cannot be"));
        }
        Ok(Self { cpu, memory, containers, last, doubtful, ..fresh })
    }
}

#[derive(Serialize)]
struct Snapshot<'a> {
    format: &'a str,
    version: u64,
    sizer: &'a Sizer,
}

impl Sizer {
    /// Settings and state as JSON text in UTF-8; loses nothing.
    ///
    /// ```
    /// use forescale::size::{Config, Sizer};
    ///
    /// let sizer = Sizer::new(Config::default())?;
    /// assert_eq!(Sizer::restore(&sizer.snapshot()?)?, sizer);
    /// # Ok::<(), forescale::Error>(())
    /// ```
    ///
    /// # Errors
    /// None at present: a sizer can always be written.
    pub fn snapshot(&self) -> Result<Vec<u8>, Error> {
        serde_json::to_vec(&Snapshot { format: FORMAT, version: VERSION, sizer: self })
            .map_err(|error| Error::snapshot(format!("cannot be written: {error}")))
    }

    /// Takes up a snapshot.
    ///
    /// # Errors
    /// [`ErrorKind::Snapshot`](crate::ErrorKind::Snapshot) if it is cut, damaged, of another
    /// version, or no snapshot of a sizer.
    pub fn restore(snapshot: &[u8]) -> Result<Self, Error> {
        let mut value: Value = serde_json::from_slice(snapshot)
            .map_err(|error| Error::snapshot(format!("the snapshot is not JSON: {error}")))?;
        if value.get("format").and_then(Value::as_str) != Some(FORMAT) {
            return Err(Error::snapshot("the text is no snapshot of a sizer"));
        }
        if value.get("version").and_then(Value::as_u64) != Some(VERSION) {
            let message = format!("the snapshot's version is unknown, must be {VERSION}");
            return Err(Error::snapshot(message));
        }
        serde_json::from_value(value["sizer"].take())
            .map_err(|error| Error::snapshot(format!("the snapshot is damaged: {error}")))
    }
}
