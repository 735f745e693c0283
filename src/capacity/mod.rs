//! Load to replicas and back: role [`Capacity`], a file a model.
//!
//! In: the load to be carried. Out: the replicas that carry it, as a number with a fraction. Knows
//! nothing of where the load comes from or who may change the replicas.

pub mod fixed;

use crate::catalog::{Saved, catalog};

/// Role: what a replica carries.
pub trait Capacity: Saved + std::fmt::Debug + Send + Sync {
    /// The metric whose load it speaks of.
    fn metric(&self) -> &str;

    /// The load that one replica carries as planned, in the load's unit; above 0.
    fn load_per_replica(&self) -> f64;

    /// The replicas that carry `load`, before rounding up.
    fn replicas(&self, load: f64) -> f64 {
        load / self.load_per_replica()
    }
}

catalog! {
    /// Settings of a built-in capacity; `kind` names it.
    pub enum CapacityConfig => dyn Capacity {
        "fixed" => fixed::Fixed,
    }
}
