//! What holds a change back: role [`Guard`], a file a guard.
//!
//! In: the replicas proposed so far. Out: the replicas to go on with, between the current and the
//! proposed ones, and the reason if they differ. Knows nothing of load. Guards stand in a row and
//! each hears in the end what was decided.

pub mod change_limit;
pub mod cooldown;
pub mod flap_budget;
pub mod rate;
pub mod stabilization;
pub mod tolerance;
pub mod without_behavior;

use crate::Error;
use crate::catalog::{Labeled, Saved, catalog, label};
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
        "flap_budget" => flap_budget::FlapBudget,
        "rate" => rate::Rate,
        "stabilization" => stabilization::Stabilization,
        "tolerance" => tolerance::Tolerance,
        "without_behavior" => without_behavior::WithoutBehavior,
    }
}

impl GuardConfig {
    /// Builds guards in their order, with the labels by which they speak; those of a policy speak
    /// as `target(cpu).rate`.
    pub(crate) fn build_all(
        settings: &[Self],
        policy: Option<&str>,
    ) -> Result<Vec<Labeled<Box<dyn Guard>>>, Error> {
        let mut guards = Vec::new();
        for (index, settings) in settings.iter().enumerate() {
            let guard = settings.clone().build();
            let guard = guard.map_err(|error| error.at(&format!("guards[{index}]")))?;
            let kind = settings.kind();
            let name = policy.map_or(kind.to_owned(), |policy| format!("{policy}.{kind}"));
            guards.push((label(name, &guards, |(label, _)| label), guard));
        }
        Ok(guards)
    }
}
