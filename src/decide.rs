//! The loop of one workload: observation in, decision and its reasons out.
//!
//! In: an [`Observation`]. Out: a [`Decision`], always. The order is that of the crate's head: time is
//! checked, the outlooks are fed, the policies propose, the proposals are combined, the guards hold
//! back, zero and the limits have their say, the mode comes last. Knows no member of any room.

mod clock;
mod decision;
mod snapshot;

use std::sync::Arc;

use crate::Error;
use crate::capacity::Capacity;
use crate::config::{Config, ZeroConfig};
use crate::explain::{Reason, codes};
use crate::forecast::{Forecast, Outlook};
use crate::guard::Guard;
use crate::policy::{Metric, Policy, Proposal, View, Want};
use crate::series::{Observation, total_load};
use crate::time::{Duration, Timestamp};
use clock::{Clock, Tick};
pub use decision::{Decision, Mode};

/// Turns observations of one workload into decisions.
///
/// It reads no clock: time comes in with the observation. The same observations give the same
/// decisions, whatever machine they are made on, and a [`snapshot`](Self::snapshot) taken between
/// any two of them changes none.
///
/// ```
/// use forescale::{Autoscaler, Observation, Timestamp};
///
/// let mut scaler = Autoscaler::from_text(
///     r#"{
///         "min_replicas": 2, "max_replicas": 60,
///         "metrics": {"cpu": {"kind": "utilization"}},
///         "policies": [{"kind": "target", "metric": "cpu", "target": 0.6}]
///     }"#,
/// )?;
/// let seen = Observation::at(Timestamp::from_secs(0)).ready(6).metric("cpu", 0.9);
/// let decision = scaler.decide(&seen);
/// // HPA: ceil(6 ready * 0.9 / 0.6) = 9
/// assert_eq!(decision.replicas, 9);
/// assert_eq!(
///     decision.explain(),
///     "Scale up from 6 to 9 replicas: target(cpu) says 9, as 0.9 is above the target 0.6."
/// );
/// # Ok::<(), forescale::Error>(())
/// ```
#[derive(Debug)]
pub struct Autoscaler {
    config: Config,
    metrics: Vec<Metric>,
    outlooks: Vec<Outlook>,
    capacity: Option<Box<dyn Capacity>>,
    policies: Vec<(Arc<str>, Box<dyn Policy>)>,
    guards: Vec<(Arc<str>, Box<dyn Guard>)>,
    labels: Labels,
    state: State,
    decision: Decision,
    /// Scratch, so that deciding allocates nothing: the step and the range of each open schedule.
    ranges: Vec<(usize, Range)>,
}

/// What the loop itself remembers between two observations.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
struct State {
    clock: Clock,
    /// The last accepted answer: the replicas there were, and those decided.
    last: Option<(u32, u32)>,
    /// Since when the load has not been above the activation threshold.
    idle_since: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug)]
struct Range {
    min: Option<u32>,
    max: Option<u32>,
    rank: i32,
}

/// The names under which the stages of the loop speak.
#[derive(Debug)]
struct Labels {
    observation: Arc<str>,
    combine: Arc<str>,
    zero: Arc<str>,
    limits: Arc<str>,
    mode: Arc<str>,
}

impl Autoscaler {
    /// Builds the loop from its settings.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if a setting is out of its range, or two of
    /// them contradict each other.
    pub fn new(config: Config) -> Result<Self, Error> {
        let parts = config.build()?;
        Ok(Self {
            config,
            metrics: parts.metrics,
            outlooks: parts.outlooks,
            capacity: parts.capacity,
            policies: parts.policies,
            guards: parts.guards,
            labels: Labels {
                observation: "observation".into(),
                combine: "combine".into(),
                zero: "zero".into(),
                limits: "limits".into(),
                mode: "mode".into(),
            },
            state: State::default(),
            decision: Decision::default(),
            ranges: Vec::new(),
        })
    }

    /// Builds the loop from settings as text: JSON, or YAML with the feature `yaml`.
    ///
    /// # Errors
    /// As [`new`](Self::new), and for text that is neither, an unknown field (named, with the
    /// nearest known one) and a value of the wrong type.
    pub fn from_text(text: &str) -> Result<Self, Error> {
        Self::new(Config::from_text(text)?)
    }

    /// Adds a policy of the host's own, under the name by which it speaks in the steps.
    #[must_use]
    pub fn with_policy(mut self, name: &str, policy: Box<dyn Policy>) -> Self {
        self.policies.push((name.into(), policy));
        self
    }

    /// Adds a guard of the host's own, behind those of the configuration.
    #[must_use]
    pub fn with_guard(mut self, name: &str, guard: Box<dyn Guard>) -> Self {
        self.guards.push((name.into(), guard));
        self
    }

    /// The settings.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Feeds history of a metric's total load, so that its forecast need not start from nothing.
    ///
    /// `values` are in the load's unit; `None` or NaN is a missing one. What lies before the samples
    /// that it has is skipped, so history may overlap; of a metric that no policy forecasts nothing
    /// is kept.
    ///
    /// # Errors
    /// [`ErrorKind::Observation`](crate::ErrorKind::Observation) for a metric the configuration
    /// does not name, for lengths that differ, times that do not rise, and for a value that is
    /// negative or infinite.
    pub fn warm_up(
        &mut self,
        metric: &str,
        times: &[Timestamp],
        values: &[Option<f64>],
    ) -> Result<(), Error> {
        self.known(metric)?;
        match self.outlooks.iter_mut().find(|outlook| outlook.metric() == metric) {
            Some(outlook) => outlook.warm_up(times, values),
            None => Ok(()),
        }
    }

    /// The forecast of a metric's total load from its last closed step on, up to `horizon` ahead;
    /// the inner error is the reason to abstain.
    ///
    /// It is what the model says, whether or not the trust gate lets the policy use it.
    ///
    /// # Errors
    /// [`ErrorKind::Observation`](crate::ErrorKind::Observation) for a metric that is not
    /// configured or that no policy forecasts, a horizon of no or too many steps, and quantiles that
    /// do not rise within (0, 1).
    pub fn forecast(
        &self,
        metric: &str,
        horizon: Duration,
        quantiles: &[f64],
    ) -> Result<Result<Forecast, Reason>, Error> {
        self.known(metric)?;
        let outlook = self.outlooks.iter().find(|outlook| outlook.metric() == metric);
        let outlook = outlook.ok_or_else(|| {
            let message = format!("is \"{metric}\", which no `predictive` policy forecasts");
            Error::observation("metric", message)
        })?;
        outlook.forecast(horizon.steps(outlook.step()), quantiles)
    }

    fn known(&self, metric: &str) -> Result<(), Error> {
        if self.metrics.iter().any(|known| &*known.name == metric) {
            return Ok(());
        }
        let known: Vec<_> = self.metrics.iter().map(|known| &*known.name).collect();
        let near = crate::catalog::did_you_mean(metric, &known);
        let message = format!("is \"{metric}\", must be one of {known:?}{near}");
        Err(Error::observation("metric", message))
    }

    /// The decision on one observation. It never fails: data that cannot be relied on is answered
    /// with the replicas there are, and the reason.
    ///
    /// The decision lies in the autoscaler and is overwritten by the next one; clone it to keep it.
    /// In the steady state nothing is allocated.
    pub fn decide(&mut self, observation: &Observation) -> &Decision {
        let current = observation.replicas.current();
        self.decision.begin(observation.at, current, self.config.mode);
        match self.state.clock.tick(observation.at) {
            Tick::Forward => {}
            Tick::SteppedBack => {
                self.outlooks.iter_mut().for_each(|outlook| outlook.rebase(observation.at));
            }
            Tick::Doubtful(reason) => {
                // The same observation once more: the last answer stands.
                let stood_still = reason.code() == codes::TIME_STOOD_STILL.name();
                let replicas = match self.state.last {
                    Some((before, after)) if stood_still && before == current => after,
                    _ => current,
                };
                self.decision.step(&self.labels.observation, current, Some(replicas), reason);
                self.decision.replicas = replicas;
                return &self.decision;
            }
        }
        self.observe(observation);
        let combined = self.propose(observation);
        let mut replicas = self.limit(observation, combined);
        replicas = self.apply_mode(current, replicas);
        self.guards
            .iter_mut()
            .for_each(|(_, guard)| guard.decided(observation.at, current, replicas));
        self.state.last = Some((current, replicas));
        self.decision.replicas = replicas;
        &self.decision
    }

    /// Feeds the outlooks, and tells of metrics that are not configured.
    fn observe(&mut self, observation: &Observation) {
        for outlook in &mut self.outlooks {
            let metric = self.metrics.iter().find(|known| *known.name == *outlook.metric());
            let kind = metric.expect("an outlook's metric is configured").kind;
            let load = observation
                .metrics
                .get(outlook.metric())
                .and_then(|reading| reading.usage(kind).ok())
                .and_then(|usage| total_load(usage, kind, observation.replicas.ready).ok());
            outlook.observe(observation.at, load);
        }
        let is_known = |name: &String| self.metrics.iter().any(|known| *known.name == **name);
        let n_unknown = observation.metrics.keys().filter(|name| !is_known(name)).count();
        if n_unknown > 0 {
            let reason = Reason::new(codes::UNKNOWN_METRIC, [("n_metrics", n_unknown as f64)]);
            self.decision.step(&self.labels.observation, self.decision.current, None, reason);
        }
    }

    /// Asks the policies and combines what they say: the highest proposal, never below the current
    /// replicas while a policy cannot read its metric. `None` if none has an opinion.
    fn propose(&mut self, observation: &Observation) -> Option<u32> {
        let view = View {
            at: observation.at,
            replicas: observation.replicas,
            lead_time: self.config.lead_time,
            observation,
            metrics: &self.metrics,
            outlooks: &self.outlooks,
            capacity: self.capacity.as_deref(),
        };
        let current = self.decision.current;
        let (mut highest, mut n_proposals, mut n_blocking) = (None, 0, 0);
        self.ranges.clear();
        for (label, policy) in &mut self.policies {
            match policy.propose(&view) {
                Ok(Proposal { want: Want::Replicas(replicas), wish, reason, .. }) => {
                    n_proposals += 1;
                    let wish = wish.unwrap_or(f64::from(replicas));
                    if highest.is_none_or(|most| replicas > most) {
                        highest = Some(replicas);
                    }
                    if self.decision.wish.is_none_or(|most| wish > most) {
                        self.decision.wish = Some(wish);
                    }
                    self.decision.step(label, current, Some(replicas), reason);
                }
                Ok(Proposal { want: Want::Range { min, max, rank }, reason, .. }) => {
                    self.ranges.push((self.decision.steps.len(), Range { min, max, rank }));
                    let clamped = current.min(max.unwrap_or(u32::MAX)).max(min.unwrap_or(0));
                    self.decision.step(label, current, Some(clamped), reason);
                }
                Ok(Proposal { want: Want::NotFewer, reason, .. }) => {
                    n_blocking += 1;
                    self.decision.step(label, current, None, reason);
                }
                Err(reason) => self.decision.step(label, current, None, reason),
            }
        }
        let spoken = self.decision.steps.iter().rev().find_map(|step| step.replicas);
        let (answer, reason) = match highest {
            Some(highest) if n_blocking > 0 && highest < current => {
                let facts = [("n_blocking", f64::from(n_blocking))];
                (None, Reason::new(codes::SCALE_DOWN_BLOCKED, facts))
            }
            // A range may have spoken last; the steps then still have to come to the proposal.
            Some(highest) if n_proposals > 1 || spoken != Some(highest) => {
                let facts = [("n_proposals", f64::from(n_proposals))];
                (Some(highest), Reason::new(codes::HIGHEST_PROPOSAL, facts))
            }
            Some(highest) => return Some(highest),
            // Schedules alone: between their windows the minimum is enough.
            None if self.policies.iter().all(|(_, policy)| policy.only_narrows()) => {
                let least = self.config.min_replicas;
                let facts = [("min_replicas", f64::from(least))];
                (Some(least), Reason::new(codes::MINIMUM_SUFFICES, facts))
            }
            None => (None, Reason::new(codes::NO_PROPOSAL, [])),
        };
        self.decision.step(&self.labels.combine, current, Some(answer.unwrap_or(current)), reason);
        answer
    }

    /// Guards, zero and limits. As in the Kubernetes HPA a size outside the limits goes to the
    /// nearer one at once, and without a proposal nothing moves and no guard is asked.
    fn limit(&mut self, observation: &Observation, proposed: Option<u32>) -> u32 {
        let (at, current) = (observation.at, self.decision.current);
        let (min, max) = (self.config.min_replicas, self.config.max_replicas);
        if current == 0 && min > 0 && self.config.pause_at_zero {
            let reason = Reason::new(codes::PAUSED_AT_ZERO, []);
            self.decision.step(&self.labels.limits, current, Some(0), reason);
            return 0;
        }
        let mut replicas = proposed.unwrap_or(current);
        if (min..=max).contains(&current) {
            if proposed.is_some() {
                for (label, guard) in &mut self.guards {
                    let (held, reason) = guard.hold(at, current, replicas);
                    if let Some(reason) = reason {
                        self.decision.step(label, replicas, Some(held), reason);
                    }
                    replicas = held;
                }
            }
            replicas = self.zero(observation, replicas);
        } else {
            replicas = current;
            // Not looked at is not idle.
            self.state.idle_since = None;
        }
        let (least, most) = self.narrowed();
        let (within, reason) = if replicas > most {
            (most, Reason::new(codes::TOO_MANY_REPLICAS, [("max_replicas", f64::from(most))]))
        } else if replicas < least {
            (least, Reason::new(codes::TOO_FEW_REPLICAS, [("min_replicas", f64::from(least))]))
        } else {
            return replicas;
        };
        self.decision.step(&self.labels.limits, replicas, Some(within), reason);
        within
    }

    /// The limits, narrowed by the open schedules of the highest rank.
    fn narrowed(&mut self) -> (u32, u32) {
        let (mut least, mut most) = (self.config.min_replicas, self.config.max_replicas);
        let Some(top) = self.ranges.iter().map(|(_, range)| range.rank).max() else {
            return (least, most);
        };
        let (mut floor, mut cap) = (None::<u32>, None::<u32>);
        for &(step, range) in &self.ranges {
            if range.rank < top {
                let reason = Reason::new(codes::SCHEDULE_OVERRULED, [("rank", f64::from(top))]);
                let step = &mut self.decision.steps[step];
                (step.replicas, step.reason) = (None, reason);
                continue;
            }
            floor = floor.max(range.min);
            cap = match (cap, range.max) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            };
        }
        // The configured limits outrank every schedule; a floor outranks a cap, as too many
        // replicas cost money and too few cost users.
        if let Some(cap) = cap {
            most = cap.clamp(least, most);
        }
        if let Some(floor) = floor {
            least = floor.clamp(least, self.config.max_replicas);
            most = most.max(least);
        }
        (least, most)
    }

    /// Scale to and from zero: KEDA's activation and idle grace. Activation outranks what the
    /// policies want.
    fn zero(&mut self, observation: &Observation, replicas: u32) -> u32 {
        let Some(ZeroConfig { metric, activation, idle_grace }) = &self.config.zero else {
            return replicas;
        };
        let current = self.decision.current;
        let known = self.metrics.iter().find(|known| *known.name == **metric);
        let kind = known.expect("checked when built: the metric of `zero` is configured").kind;
        let load = observation
            .metrics
            .get(metric)
            .ok_or_else(|| Reason::new(codes::METRIC_MISSING, []))
            .and_then(|reading| reading.usage(kind))
            .and_then(|usage| total_load(usage, kind, observation.replicas.ready));
        let (answer, reason) = match load {
            // Not read is not idle: neither goes to zero nor wakes up.
            Err(reason) => {
                self.state.idle_since = None;
                (if current == 0 { 0 } else { replicas.max(1) }, reason)
            }
            Ok(load) if load > *activation => {
                self.state.idle_since = None;
                let facts = [("load", load), ("activation", *activation)];
                (replicas.max(1), Reason::new(codes::ACTIVATED, facts))
            }
            Ok(_) => {
                let since = self.state.idle_since.unwrap_or(observation.at).min(observation.at);
                self.state.idle_since = Some(since);
                let idle = observation.at.since(since);
                let idle_fact = ("idle_seconds", idle.as_secs_f64());
                if current == 0 || idle >= *idle_grace {
                    (0, Reason::new(codes::IDLE, [idle_fact]))
                } else {
                    let facts = [idle_fact, ("grace_seconds", idle_grace.as_secs_f64())];
                    (replicas.max(1), Reason::new(codes::IDLE_GRACE, facts))
                }
            }
        };
        if answer != replicas {
            self.decision.step(&self.labels.zero, replicas, Some(answer), reason);
        }
        answer
    }

    fn apply_mode(&mut self, current: u32, replicas: u32) -> u32 {
        let reason = match self.config.mode {
            Mode::Observe if replicas != current => codes::OBSERVE_ONLY,
            Mode::ScaleUpOnly if replicas < current => codes::SCALE_UP_ONLY,
            _ => return replicas,
        };
        self.decision.step(&self.labels.mode, replicas, Some(current), Reason::new(reason, []));
        current
    }
}
