//! What was measured: one observation of a workload, and history on a fixed step.
//!
//! In: readings as the host has them, at any times. Out: the load of the whole workload, samples on
//! an even grid, averages and maxima of the last while, and how often which values came. Knows
//! nothing of forecasts or replicas to come.

mod histogram;
mod observation;
mod periods;
mod recent;
mod resample;
mod ring;
mod seasons;
mod sliding_max;
mod window;

pub(crate) use histogram::rfc3339;
pub use histogram::{Histogram, HistogramCheckpoint, Layout};
pub use observation::{
    MetricKind, Observation, Phase, Reading, ReplicaReading, Replicas, Usage, total_load,
};
pub use periods::Periods;
pub use recent::Recent;
pub use resample::{Resampler, Sample};
pub use ring::Ring;
pub use seasons::{Season, SeasonFinder, SeasonSettings, SeasonWatch, seasons};
pub use sliding_max::{SlidingMax, TimedMax};
pub use window::{Weighting, Window, round_digits, smoothing_coefficient};
