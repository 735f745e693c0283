//! What holds a change back: role [`Guard`], a file a guard.
//!
//! In: the replicas proposed so far. Out: the replicas to go on with, between the current and the
//! proposed ones, and the reason if they differ. Knows nothing of load. Guards stand in a row and
//! each hears in the end what was decided.

pub mod change_limit;
pub mod cooldown;
pub mod rate;
pub mod stabilization;
pub mod tolerance;

use crate::catalog::{Saved, catalog};
use crate::explain::Reason;
use crate::time::Timestamp;

/// Role: holds a change back, never pushes it.
pub trait Guard: Saved + std::fmt::Debug + Send + Sync {
    /// The replicas to go on with, and why if they are not `proposed`.
    ///
    /// Called once an observation that has a proposal, in the order of time.
    fn hold(&mut self, at: Timestamp, current: u32, proposed: u32) -> (u32, Option<Reason>);

    /// Hears what was decided in the end, also where no guard was asked.
    fn decided(&mut self, at: Timestamp, current: u32, replicas: u32) {
        let _ = (at, current, replicas);
    }
}

catalog! {
    /// Settings of a built-in guard; `kind` names it.
    pub enum GuardConfig => dyn Guard {
        "change_limit" => change_limit::ChangeLimit,
        "cooldown" => cooldown::Cooldown,
        "rate" => rate::Rate,
        "stabilization" => stabilization::Stabilization,
        "tolerance" => tolerance::Tolerance,
    }
}
