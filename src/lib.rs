//! map to come
#![cfg_attr(docsrs, feature(doc_cfg))]

mod catalog;
mod error;
mod explain;
mod time;

pub mod series;

pub mod forecast;

pub mod demand;

pub mod capacity;

pub mod policy;

pub mod guard;

pub use catalog::Saved;
pub use error::{Error, ErrorKind};
pub use explain::{Code, Reason, Step, codes};
pub use time::{Duration, Timestamp};

mod config;
mod decide;
pub use config::{Config, MetricConfig, Origin, ZeroConfig};
pub use decide::{Autoscaler, Decision, Mode};
pub use series::{Observation, Phase, Reading, ReplicaReading, Replicas};
