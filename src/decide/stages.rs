//! The stages of a decision, in their order.
//!
//! In: an observation whose time is believed. Out: replicas, and a step for each stage that had
//! something to say. Knows roles only, no member.

use super::{Autoscaler, Mode, Range};
use crate::capacity::Seen;
use crate::combine::{Combine, Vote, Voter};
use crate::explain::{Reason, codes};
use crate::policy::View;
use crate::series::{Observation, Reading, total_load};

impl Autoscaler {
    /// Tells of metrics that are not configured.
    pub(super) fn tell_unknown(&mut self, observation: &Observation) {
        let is_unknown = |name: &&String| self.metrics.iter().all(|known| *known.name != ***name);
        let mut unknown = observation.metrics.keys().filter(is_unknown);
        if let Some(first) = unknown.next() {
            let n_unknown = 1 + unknown.count();
            // The label is kept, so that a host that always sends too much costs nothing more.
            if !self.labels.unknown_metric.0.eq(first) {
                let label = format!("observation({first})").into();
                self.labels.unknown_metric = (first.clone(), label);
            }
            let reason = Reason::new(codes::UNKNOWN_METRIC, [("n_metrics", n_unknown as f64)]);
            let by = &self.labels.unknown_metric.1;
            self.decision.step(by, self.decision.current, None, reason);
        }
    }

    /// Tells the alarms of the detectors, which see each reading as it came.
    pub(super) fn look_out(&mut self, observation: &Observation) {
        for (index, (label, lookout)) in &mut self.lookouts {
            let metric = &self.metrics[*index];
            let reading = observation.metrics.get(&*metric.name);
            let ready = observation.replicas.ready;
            let load = reading
                .and_then(|reading| reading.usage(metric.kind).ok())
                .and_then(|usage| total_load(usage, metric.kind, ready).ok());
            if let Some(alarm) = lookout.observe(observation.at, load) {
                self.decision.step(label, self.decision.current, None, alarm.reason);
            }
        }
    }

    /// Writes the observation as it is believed, and says whether that is another than it came.
    pub(super) fn screen(&mut self, observation: &Observation, screened: &mut Observation) -> bool {
        let (at, ready) = (observation.at, observation.replicas.ready);
        let mut is_screened = false;
        for (metric, (label, screen)) in self.metrics.iter().zip(&mut self.screens) {
            let Some(reading) = observation.metrics.get(&*metric.name) else { continue };
            let outlook = self.outlooks.iter().find(|outlook| *outlook.metric() == *metric.name);
            let forecast = || outlook.and_then(|outlook| outlook.expected(at));
            let Some(found) = screen.see(at, reading, ready, forecast) else { continue };
            self.decision.step(label, self.decision.current, None, found.reason);
            let Some(believed) = found.reading else { continue };
            if !is_screened {
                is_screened = true;
                copy(observation, screened);
            }
            if let Some(reading) = screened.metrics.get_mut(&*metric.name) {
                copy_reading(believed, reading);
            }
        }
        is_screened
    }

    /// Feeds lead time and capacity, but not with what stands in for a reading that is not believed.
    pub(super) fn observe(&mut self, observation: &Observation, came: &Observation) {
        if self.lead_time.see(observation.at, observation.replicas) {
            let lead_time = self.lead_time.in_force();
            self.outlooks.iter_mut().for_each(|outlook| outlook.follow(lead_time));
        }
        self.observe_capacity(observation, came);
    }

    /// Feeds the outlooks in the same way.
    pub(crate) fn feed(&mut self, observation: &Observation, came: &Observation) {
        let mut outlooks = std::mem::take(&mut self.outlooks);
        for outlook in &mut outlooks {
            let load = |metric: &str| self.load_to_learn(metric, observation, came);
            outlook.observe_upstreams(observation.at, load);
            let load = load(outlook.metric());
            outlook.observe(observation.at, load);
        }
        self.outlooks = outlooks;
    }

    /// The total load of a metric that an outlook reads, as that learns of it.
    pub(crate) fn load_to_learn(
        &self,
        metric: &str,
        observation: &Observation,
        came: &Observation,
    ) -> Option<f64> {
        let known = self.metrics.iter().find(|known| *known.name == *metric);
        let kind = known.expect("an outlook's metric is configured").kind;
        own_reading(metric, observation, came)
            .and_then(|reading| reading.usage(kind).ok())
            .and_then(|usage| total_load(usage, kind, observation.replicas.ready).ok())
    }

    fn observe_capacity(&mut self, observation: &Observation, came: &Observation) {
        let Some(capacity) = &mut self.capacity else { return };
        let Some((_, other, _)) = capacity.also_reads() else { return };
        let (at, ready) = (observation.at, observation.replicas.ready);
        let view = View {
            at,
            replicas: observation.replicas,
            lead_time: self.lead_time.in_force(),
            n_starts: self.lead_time.n_starts(),
            observation,
            metrics: &self.metrics,
            outlooks: &[],
            capacity: None,
        };
        let load = view.usage(capacity.metric());
        let load = load.and_then(|(usage, kind)| total_load(usage, kind, ready)).ok();
        let is_own = |metric: &str| own_reading(metric, observation, came).is_some();
        let load = load.filter(|_| is_own(capacity.metric()));
        let other_value = view.value(other).ok().filter(|_| is_own(other));
        capacity.observe(&Seen { at, ready, load, other: other_value });
    }

    /// Asks the policies and combines what they say. `None` if none has an opinion.
    pub(super) fn propose(&mut self, observation: &Observation) -> Option<u32> {
        let view = View {
            at: observation.at,
            replicas: observation.replicas,
            lead_time: self.lead_time.in_force(),
            n_starts: self.lead_time.n_starts(),
            observation,
            metrics: &self.metrics,
            outlooks: &self.outlooks,
            capacity: self.capacity.as_deref(),
        };
        let current = self.decision.current;
        self.ranges.clear();
        self.votes.clear();
        for voter in &mut self.voters {
            let n_steps = self.decision.steps.len();
            let vote = voter.vote(&view, &mut self.decision.steps);
            match vote {
                Vote::Replicas(_, wish) if self.decision.wish.is_none_or(|most| wish > most) => {
                    self.decision.wish = Some(wish);
                }
                Vote::Range { min, max, rank } => {
                    self.ranges.push((n_steps, Range { min, max, rank }));
                }
                _ => {}
            }
            self.votes.push(vote);
        }
        let n_blocking = self.config.combine.n_blocking(&self.votes);
        let groups = self.voters.iter().map(Voter::group);
        let votes = groups.zip(self.votes.iter().copied());
        Combine::partaking(current, votes, &mut self.proposals);
        let (answer, reason) = if self.proposals.is_empty() {
            // Schedules alone: between their windows the minimum is enough.
            if self.voters.iter().all(|voter| voter.policy.only_narrows()) {
                let least = self.config.min_replicas;
                let facts = [("min_replicas", f64::from(least))];
                (Some(least), Reason::new(codes::MINIMUM_SUFFICES, facts))
            } else {
                (None, Reason::new(codes::NO_PROPOSAL, []))
            }
        } else {
            let combine = self.config.combine;
            let (chosen, reason) = combine.decide(current, &self.proposals, n_blocking);
            let spoken = self.decision.steps.iter().rev().find_map(|step| step.replicas);
            let reason = match reason {
                Some(reason) => reason,
                // A range may have spoken last; the steps then still have to come to the proposal.
                None if spoken != chosen => {
                    Reason::new(codes::HIGHEST_PROPOSAL, [("n_proposals", 1.0)])
                }
                None => return chosen,
            };
            (chosen, reason)
        };
        self.decision.step(&self.labels.combine, current, Some(answer.unwrap_or(current)), reason);
        answer
    }

    /// Guards, zero and limits. As in the Kubernetes HPA a size outside the limits goes to the
    /// nearer one at once, and without a proposal nothing moves and no guard is asked.
    pub(super) fn limit(&mut self, observation: &Observation, proposed: Option<u32>) -> u32 {
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
            // Activation outranks what the policies want.
            if let Some(zero) = &mut self.zero {
                zero.follow(self.lead_time.in_force());
                let (held, reason) = zero.hold(observation, current, replicas);
                if let Some(reason) = reason {
                    self.decision.step(&self.labels.zero, replicas, Some(held), reason);
                }
                replicas = held;
            }
        } else {
            replicas = current;
            if let Some(zero) = &mut self.zero {
                zero.pass_over();
            }
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

    pub(super) fn apply_mode(&mut self, current: u32, replicas: u32) -> u32 {
        let reason = match self.config.mode {
            Mode::Observe if replicas != current => codes::OBSERVE_ONLY,
            Mode::ScaleUpOnly if replicas < current => codes::SCALE_UP_ONLY,
            _ => return replicas,
        };
        self.decision.step(&self.labels.mode, replicas, Some(current), Reason::new(reason, []));
        current
    }
}

/// A metric's reading where it is that of its source, of replicas at least for the most part.
fn own_reading<'a>(
    metric: &str,
    believed: &'a Observation,
    came: &Observation,
) -> Option<&'a Reading> {
    let reading = believed.metrics.get(metric)?;
    let is_own = matches!(reading, Reading::PerReplica(_))
        || came.metrics.get(metric).is_some_and(|came| came == reading);
    is_own.then_some(reading)
}

/// Makes one observation as another; what has memory keeps it.
pub(crate) fn copy(from: &Observation, into: &mut Observation) {
    (into.at, into.replicas) = (from.at, from.replicas);
    into.metrics.retain(|name, _| from.metrics.contains_key(name));
    for (name, reading) in &from.metrics {
        match into.metrics.get_mut(name) {
            Some(own) => copy_reading(reading, own),
            None => _ = into.metrics.insert(name.clone(), reading.clone()),
        }
    }
}

fn copy_reading(from: &Reading, into: &mut Reading) {
    match (from, into) {
        (Reading::PerReplica(from), Reading::PerReplica(into)) => into.clone_from(from),
        (from, into) => into.clone_from(from),
    }
}
