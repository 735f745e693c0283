//! A policy in the loop, with what may narrow its say.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Direction, PolicyEntry};
use crate::Error;
use crate::catalog::{Labeled, Saved as _};
use crate::explain::{Reason, Step, codes};
use crate::guard::{Guard, GuardConfig};
use crate::policy::fallback::Fallback;
use crate::policy::{Policy, Proposal, View, Want};
use crate::time::Timestamp;

/// A policy with its label, direction and guards.
#[derive(Debug)]
pub(crate) struct Voter {
    pub(crate) policy: Box<dyn Policy>,
    label: Arc<str>,
    direction: Direction,
    group: String,
    guards: Vec<Labeled<Box<dyn Guard>>>,
    fallback: Option<Fallback>,
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
        Self {
            policy,
            label,
            direction: Direction::Both,
            group: String::new(),
            guards: Vec::new(),
            fallback: None,
        }
    }

    /// Of a policy that is already built from the entry's settings.
    ///
    /// # Errors
    /// If a setting is out of its range, or can have no effect on such a policy.
    pub(crate) fn new(
        label: Arc<str>,
        policy: Box<dyn Policy>,
        entry: &PolicyEntry,
    ) -> Result<Self, Error> {
        let direction = entry.direction;
        if policy.only_narrows() {
            let idle = |field, given| {
                let message = format!("is {given}, must not be given: the policy has no proposals");
                Err(Error::config(field, message))
            };
            match (direction, entry.guards.len()) {
                (Direction::Both, 0) => {}
                (Direction::Both, n_guards) => return idle("guards", format!("{n_guards} guards")),
                (direction, _) => {
                    return idle("direction", format!("{direction:?}").to_lowercase());
                }
            }
        }
        if entry.fallback.is_some() && policy.metric().is_none() {
            let message = "is given, must not be: the policy reads no metric that could fail";
            return Err(Error::config("fallback", message));
        }
        let guards = GuardConfig::build_all(&entry.guards, Some(&label))?;
        let fallback = entry.fallback.map(Fallback::new).transpose();
        let fallback = fallback.map_err(|error| error.at("fallback"))?;
        let group = entry.group.clone();
        Ok(Self { policy, label, direction, group, guards, fallback })
    }

    pub(crate) fn label(&self) -> &Arc<str> {
        &self.label
    }

    /// The named group it belongs to, if any.
    pub(crate) fn group(&self) -> Option<&str> {
        (!self.group.is_empty()).then_some(&self.group)
    }

    /// Asks the policy, and narrows what it says; each stage that spoke leaves a step.
    pub(crate) fn vote(&mut self, view: &View<'_>, steps: &mut Vec<Step>) -> Vote {
        let current = view.replicas.current();
        let mut step = |by: &Arc<str>, before, replicas, reason| {
            steps.push(Step { by: Arc::clone(by), before, replicas, reason });
        };
        let mut proposal = self.policy.propose(view);
        if let Some(fallback) = &mut self.fallback {
            match failure(&proposal) {
                None => fallback.read(),
                Some(reason) => {
                    if let Some(replicas) = fallback.failed(view.at, current) {
                        step(&self.label, current, None, reason);
                        let reason = fallback.reason(view.at, replicas);
                        let want = Want::Replicas(replicas);
                        proposal = Ok(Proposal { want, wish: None, demand: None, reason });
                    }
                }
            }
        }
        let (mut replicas, wish) = match proposal {
            Ok(Proposal { want: Want::Replicas(replicas), wish, reason, .. }) => {
                step(&self.label, current, Some(replicas), reason);
                (replicas, wish.filter(|wish| wish.is_finite()).unwrap_or(f64::from(replicas)))
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
        for (label, guard) in &mut self.guards {
            let (held, reason) = guard.hold(view.at, current, replicas);
            if let Some(reason) = reason {
                step(label, replicas, Some(held), reason);
            }
            replicas = held;
        }
        let other_way = match self.direction {
            Direction::Up if replicas <= current => Some(codes::MAY_ONLY_RAISE),
            Direction::Down if replicas >= current => Some(codes::MAY_ONLY_LOWER),
            _ => None,
        };
        if let Some(code) = other_way {
            step(&self.label, replicas, None, Reason::new(code, []));
            return Vote::Abstains;
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

    /// Tells its guards that a size is wanted.
    pub(crate) fn stay(&mut self, at: Timestamp, replicas: u32) {
        for (_, guard) in &mut self.guards {
            guard.hold(at, replicas, replicas);
        }
    }

    pub(crate) fn save(&self) -> Result<Value, Error> {
        let policy = self.policy.save()?;
        let guards: Vec<_> =
            self.guards.iter().map(|(_, guard)| guard.save()).collect::<Result<_, _>>()?;
        Ok(json!({"policy": policy, "guards": guards, "fallback": self.fallback}))
    }

    pub(crate) fn load(&mut self, mut saved: Value) -> Result<(), Error> {
        let damaged = || Error::snapshot("holds a policy that is damaged");
        let Some(Value::Array(guards)) = saved.get_mut("guards").map(Value::take) else {
            return Err(damaged());
        };
        let fallback = saved.get_mut("fallback").map(Value::take).unwrap_or_default();
        if guards.len() != self.guards.len() || fallback.is_null() == self.fallback.is_some() {
            return Err(damaged());
        }
        if let Some(own) = &mut self.fallback {
            own.load(fallback)?;
        }
        self.policy.load(saved.get_mut("policy").map(Value::take).ok_or_else(damaged)?)?;
        for ((_, guard), saved) in self.guards.iter_mut().zip(guards) {
            guard.load(saved)?;
        }
        Ok(())
    }
}

/// Why the policy could not read its metric, if that is so. No opinion for another reason, such as
/// too little history, is no failure of the metric.
fn failure(proposal: &Result<Proposal, Reason>) -> Option<Reason> {
    let reason = match proposal {
        Ok(Proposal { want: Want::NotFewer, reason, .. }) | Err(reason) => *reason,
        Ok(_) => return None,
    };
    let unreadable = [codes::METRIC_MISSING, codes::METRIC_INVALID, codes::GAP_TOO_WIDE];
    unreadable.iter().any(|code| code.name() == reason.code()).then_some(reason)
}
