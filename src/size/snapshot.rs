//! A sizer as a value: written at any time, taken up again on any machine.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use super::samples::Container;
use super::{Config, Sizer, Usage};
use crate::catalog::{taken_up, written};
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
        written(FORMAT, VERSION, self)
    }

    /// Takes up a snapshot.
    ///
    /// # Errors
    /// [`ErrorKind::Snapshot`](crate::ErrorKind::Snapshot) if it is cut, damaged, of another
    /// version, or no snapshot of a sizer.
    pub fn restore(snapshot: &[u8]) -> Result<Self, Error> {
        taken_up(snapshot, FORMAT, VERSION)
    }
}
