//! A policy in the loop, with what may narrow its say.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Direction, PolicyEntry};
use crate::Error;
use crate::explain::{Reason, Step, codes};
use crate::guard::{Guard, GuardConfig};
use crate::policy::{Policy, Proposal, View, Want};
use crate::time::Timestamp;

/// A policy with its label, direction and guards.
#[derive(Debug)]
pub(crate) struct Voter {
    pub(crate) policy: Box<dyn Policy>,
    label: Arc<str>,
    direction: Direction,
    guards: Vec<(Arc<str>, Box<dyn Guard>)>,
}

/// What a policy's say comes to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Vote {
    /// So many replicas, and the unrounded number behind them.
    Replicas(u32, f64),
    /// A narrower range of the limits.
    Range { min: Option<u32>, max: Option<u32>, rank: i32 },
    /// It cannot read its metric, and others must not lower.
    Blocks,
    /// No opinion.
    Abstains,
}

impl Voter {
    /// A policy that nothing narrows.
    pub(crate) fn plain(label: Arc<str>, policy: Box<dyn Policy>) -> Self {
        Self { policy, label, direction: Direction::Both, guards: Vec::new() }
    }

    /// Of a policy that is already built from the entry's settings.
    pub(crate) fn new(
        label: Arc<str>,
        policy: Box<dyn Policy>,
        entry: &PolicyEntry,
    ) -> Result<Self, Error> {
        let direction = entry.direction;
        let guards = GuardConfig::build_all(&entry.guards, Some(&label))?;
        Ok(Self { policy, label, direction, guards })
    }

    pub(crate) fn label(&self) -> &Arc<str> {
        &self.label
    }

    /// Asks the policy, and narrows what it says; each stage that spoke leaves a step.
    pub(crate) fn vote(&mut self, view: &View<'_>, steps: &mut Vec<Step>) -> Vote {
        let current = view.replicas.current();
        let mut step = |by: &Arc<str>, before, replicas, reason| {
            steps.push(Step { by: Arc::clone(by), before, replicas, reason });
        };
        let (mut replicas, wish) = match self.policy.propose(view) {
            Ok(Proposal { want: Want::Replicas(replicas), wish, reason, .. }) => {
                step(&self.label, current, Some(replicas), reason);
                (replicas, wish.unwrap_or(f64::from(replicas)))
            }
            Ok(Proposal { want: Want::Range { min, max, rank }, reason, .. }) => {
                let clamped = current.min(max.unwrap_or(u32::MAX)).max(min.unwrap_or(0));
                step(&self.label, current, Some(clamped), reason);
                return Vote::Range { min, max, rank };
            }
            Ok(Proposal { want: Want::NotFewer, reason, .. }) => {
                step(&self.label, current, None, reason);
                let blocks = self.direction == Direction::Both;
                return if blocks { Vote::Blocks } else { Vote::Abstains };
            }
            Err(reason) => {
                step(&self.label, current, None, reason);
                return Vote::Abstains;
            }
        };
        let other_way = match self.direction {
            Direction::Up if replicas <= current => Some(codes::MAY_ONLY_RAISE),
            Direction::Down if replicas >= current => Some(codes::MAY_ONLY_LOWER),
            _ => None,
        };
        if let Some(code) = other_way {
            step(&self.label, replicas, None, Reason::new(code, []));
            return Vote::Abstains;
        }
        for (label, guard) in &mut self.guards {
            let (held, reason) = guard.hold(view.at, current, replicas);
            if let Some(reason) = reason {
                step(label, replicas, Some(held), reason);
            }
            replicas = held;
        }
        Vote::Replicas(replicas, wish)
    }

    /// Tells the policy and its guards what was decided.
    pub(crate) fn decided(&mut self, at: Timestamp, current: u32, replicas: u32) {
        self.policy.decided(at, current, replicas);
        for (_, guard) in &mut self.guards {
            guard.decided(at, current, replicas);
        }
    }

    pub(crate) fn save(&self) -> Result<Value, Error> {
        let policy = self.policy.save()?;
        let guards: Vec<_> =
            self.guards.iter().map(|(_, guard)| guard.save()).collect::<Result<_, _>>()?;
        Ok(json!({"policy": policy, "guards": guards}))
    }

    pub(crate) fn load(&mut self, mut saved: Value) -> Result<(), Error> {
        let damaged = || Error::snapshot("holds a policy that is damaged");
        let Some(Value::Array(guards)) = saved.get_mut("guards").map(Value::take) else {
            return Err(damaged());
        };
        if guards.len() != self.guards.len() {
            return Err(damaged());
        }
        self.policy.load(saved.get_mut("policy").map(Value::take).ok_or_else(damaged)?)?;
        for ((_, guard), saved) in self.guards.iter_mut().zip(guards) {
            guard.load(saved)?;
        }
        Ok(())
    }
}
