//! What a decision would have led to: a recorded load, a model of the workload, and the live code.
//!
//! In: a [`Trace`] of load, the [`Settings`] of a plant, a configuration. Out: a [`Report`]: what it
//! cost, how long it was too slow, how restless it was, and how far that is from the two bounds.
//! [`replay`] drives the same [`Autoscaler`](crate::Autoscaler) that runs live. Everything is seeded
//! and reads no clock, so the same input gives the same bytes.
//!
//! Why a fluid queue and not single requests? A trace tells sums of a minute, so single arrivals
//! would have to be invented; and a day of 15-second decisions must take milliseconds.

mod agreement;
mod batch;
mod bounds;
mod compare;
mod generate;
mod plant;
pub mod prometheus;
mod queue;
#[cfg(feature = "csv")]
mod read_csv;
mod replay;
#[cfg(feature = "report")]
pub mod report;
mod score;
mod settings;
mod trace;

pub use agreement::{Agreement, Record};
pub(crate) use batch::{Batch, Span, Stage};
pub use bounds::Bounds;
pub use compare::{Comparison, compare, n_ticks};
pub use generate::web_service;
pub use plant::{Plant, Tick};
pub use replay::{Gap, Report, Series, replay};
pub use score::{Elasticity, Score};
pub use settings::Settings;
pub use trace::Trace;
