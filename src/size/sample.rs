//! What a sizer takes in at one time, and what it refuses of it.

use serde::{Deserialize, Serialize};

use crate::explain::Reason;
use crate::time::Timestamp;

/// What a container used at one time.
///
/// ```
/// use forescale::size::Sample;
/// use forescale::Timestamp;
///
/// let sample = Sample::at(Timestamp::from_secs(60)).container("web-0").cpu_millicores(250.0);
/// assert_eq!((sample.cpu_millicores, sample.memory_bytes), (Some(250.0), None));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// When.
    pub at: Timestamp,
    /// Which of the workload's running containers; may stay empty if there is one only.
    #[serde(default)]
    pub container: String,
    /// CPU in millicores, from 0 up.
    #[serde(default)]
    pub cpu_millicores: Option<f64>,
    /// Memory in bytes, from 0 up: the working set.
    #[serde(default)]
    pub memory_bytes: Option<f64>,
    /// What the container requests of the CPU, in millicores; matters to
    /// [`CpuSampleWeight::Request`](super::CpuSampleWeight::Request) only.
    #[serde(default)]
    pub cpu_request_millicores: Option<f64>,
}

impl Sample {
    /// A sample of that time, yet without readings.
    #[must_use]
    pub fn at(at: Timestamp) -> Self {
        Self { at, ..Self::default() }
    }

    /// Names the running container, such as by its pod.
    #[must_use]
    pub fn container(self, name: impl Into<String>) -> Self {
        Self { container: name.into(), ..self }
    }

    /// Adds a reading of the CPU in millicores.
    #[must_use]
    pub fn cpu_millicores(self, millicores: f64) -> Self {
        Self { cpu_millicores: Some(millicores), ..self }
    }

    /// Adds a reading of the memory in bytes.
    #[must_use]
    pub fn memory_bytes(self, bytes: f64) -> Self {
        Self { memory_bytes: Some(bytes), ..self }
    }

    /// Adds what the container requests of the CPU, in millicores.
    #[must_use]
    pub fn cpu_request_millicores(self, millicores: f64) -> Self {
        Self { cpu_request_millicores: Some(millicores), ..self }
    }
}

/// What was refused of a sample, and why.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Refused {
    /// Why the reading of the CPU does not count; `None` if it does, or there was none.
    pub cpu: Option<Reason>,
    /// Why the reading of the memory does not count; `None` if it does, or there was none.
    pub memory: Option<Reason>,
}

impl Refused {
    /// Whether nothing was refused.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.cpu.is_none() && self.memory.is_none()
    }
}
