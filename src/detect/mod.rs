//! What is abnormal, and what may be believed.
//!
//! In: readings of metrics, of replicas and of whole workloads. Out: what stands out and why, and for
//! the loop whether a reading may move replicas. Knows no forecast and no policy.

mod excess;
pub mod peers;
pub mod relation;
pub mod screen;
pub mod time_to_limit;

pub use peers::Peers;
pub use relation::Relation;
pub use screen::{Screen, ScreenConfig};
pub use time_to_limit::TimeToLimit;
