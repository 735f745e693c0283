//! What was measured: one observation of a workload, and history on a fixed step.
//!
//! In: readings as the host has them, at any times. Out: the load of the whole workload, samples on
//! an even grid, and how often which values came. Knows nothing of forecasts or replicas to come.

mod histogram;
mod observation;
mod resample;
mod ring;

pub(crate) use histogram::rfc3339;
pub use histogram::{Histogram, HistogramCheckpoint, Layout};
pub use observation::{
    MetricKind, Observation, Phase, Reading, ReplicaReading, Replicas, Usage, total_load,
};
pub use resample::{Resampler, Sample};
pub use ring::Ring;
