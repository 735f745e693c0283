//! What is abnormal, and what may be believed: role [`Detector`], a file a detector.
//!
//! In: samples of a series, readings of metrics, of replicas and of whole workloads. Out: an [`Anomaly`]
//! for each sample (a score, a chance, what was expected, what it is, and why); what stands out among
//! [`Peers`], between two metrics ([`Relation`]) and on the way to a limit ([`TimeToLimit`]); and for
//! the loop whether a reading may move replicas ([`Screen`]). All of them stream, in constant memory.
//! Knows no forecast and no policy.
//!
//! Why does [`Screen`] not go by a detector's score? A guard has to know at once that one reading is
//! broken, and must let a true burst pass with the next one; an alarm may take its time, and must be
//! rare.

mod alarm;
mod anomaly;
pub mod auto;
mod baseline;
pub mod cusum;
mod excess;
mod kept;
mod lookout;
mod missing;
mod model;
pub mod peers;
mod recent;
pub mod record;
pub mod relation;
pub mod screen;
pub mod shape;
pub mod shift;
pub mod spike;
pub mod stuck;
mod tail;
#[cfg(test)]
mod testing;
pub mod time_to_limit;
pub mod variance;
mod watch;

pub use anomaly::{Anomaly, AnomalyKind};
pub use baseline::Season;
pub use lookout::Lookout;
pub use model::{Model, Scores};
pub use peers::Peers;
pub use relation::Relation;
pub use screen::{Screen, ScreenConfig};
pub use time_to_limit::TimeToLimit;
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
