//! What is abnormal in a series: role [`Detector`], a file a detector.
//!
//! In: samples, one after the other. Out: an [`Anomaly`] for each: a score, a chance, what was
//! expected, what it is, and why. All of them stream, in constant memory. Knows nothing of forecasts
//! or replicas.

mod alarm;
mod anomaly;
pub mod auto;
mod baseline;
pub mod cusum;
mod missing;
mod model;
mod recent;
pub mod record;
pub mod shape;
pub mod shift;
pub mod spike;
pub mod stuck;
mod tail;
#[cfg(test)]
mod testing;
pub mod variance;
mod watch;

pub use anomaly::{Anomaly, AnomalyKind};
pub use baseline::Season;
pub use model::{Model, Scores};
pub use watch::{Direction, Watch};

use crate::catalog::{Saved, catalog};
use crate::series::Sample;
use crate::time::Duration;

/// Role: says of each sample how abnormal it is, and learns from it.
pub trait Detector: Saved + std::fmt::Debug + Send + Sync {
    /// Scores a sample, then learns from it. Times should rise; equal ones are taken as they come.
    fn score(&mut self, sample: Sample) -> Anomaly;
}

catalog! {
    /// Settings of a built-in detector; `kind` names it. Built with the typical distance of two
    /// samples.
    pub enum DetectorConfig => dyn Detector (step: Duration) {
        "auto" => auto::Auto,
        "cusum" => cusum::Cusum,
        "record" => record::Record,
        "shape" => shape::Shape,
        "shift" => shift::Shift,
        "spike" => spike::Spike,
        "stuck" => stuck::Stuck,
        "variance" => variance::Variance,
    }
}

impl Default for DetectorConfig {
    fn default() -> Self {
        Self::Auto(auto::Config::default())
    }
}

#[cfg(test)]
mod tests;
