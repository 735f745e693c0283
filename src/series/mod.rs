//! What was measured: one observation of a workload, and history on a fixed step.
//!
//! In: readings as the host has them, at any times. Out: the load of the whole workload, and
//! samples on an even grid. Knows nothing of forecasts or replicas to come.

mod observation;
mod periods;
mod resample;
mod ring;

pub use observation::{
    MetricKind, Observation, Phase, Reading, ReplicaReading, Replicas, Usage, total_load,
};
pub use periods::Periods;
pub use resample::{Resampler, Sample};
pub use ring::Ring;
