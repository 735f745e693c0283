//! What is abnormal, and what may be believed.
//!
//! In: readings of metrics, of replicas and of whole workloads. Out: what stands out and why, and for
//! the loop whether a reading may move replicas. Knows no forecast and no policy.

pub mod screen;

pub use screen::{Screen, ScreenConfig};
