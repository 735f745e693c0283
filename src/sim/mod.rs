//! What a decision would have led to: a recorded load, a model of the workload, and the live code.
//!
//! In: a [`Trace`] of load, the [`Settings`] of a plant, a configuration. Out: a [`Report`]: what it
//! cost, how long it was too slow, how restless it was, and how far that is from the two bounds.
//! [`replay`] drives the same [`Autoscaler`](crate::Autoscaler) that runs live. Everything is seeded
//! and reads no clock, so the same input gives the same bytes. [`fronts`] sweeps the ways to scale that
//! people use, each over its knob, [`diff`] holds two configurations side by side, and
//! [`Report::explain`] tells why it was so at one moment.
//!
//! Why a fluid queue and not single requests? A trace tells sums of a minute, so single arrivals
//! would have to be invented; and a day of 15-second decisions must take milliseconds.

mod agreement;
mod batch;
mod bounds;
mod compare;
mod contender;
mod diff;
mod faults;
mod front;
mod fronts;
mod generate;
mod known;
mod lanes;
mod moment;
mod money;
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
#[cfg(test)]
mod tests;
mod trace;
mod workload;

pub use agreement::{Agreement, Record};
pub(crate) use batch::{Batch, Span, Stage};
pub use bounds::Bounds;
pub use compare::{Comparison, compare, n_ticks};
pub use contender::Contender;
pub use diff::{Diff, DiffAnswer, DiffMoment, DiffSide, diff};
pub use faults::{Episodes, Faults, NodeLoss, SlowStarts};
pub use front::{Front, FrontPoint};
pub use fronts::{Family, Fronts, Sweep, SweepPoint, fronts};
pub use generate::web_service;
pub use known::Known;
pub(crate) use lanes::{Lane, Lanes};
pub use moment::Moment;
pub use money::Price;
pub use plant::{Plant, Tick};
pub use replay::{Gap, Report, Series, replay};
pub use score::{Elasticity, Recovery, Score};
pub use settings::Settings;
pub use trace::Trace;
pub use workload::{BatchServer, Servers, Workload};
