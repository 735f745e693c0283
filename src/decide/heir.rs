//! Other settings that go on from where an autoscaler stands.
//!
//! In: the settings, the load so far, the last observations. Out: an autoscaler that knows what the one
//! before it knew, as far as its settings let it. Knows no member of any room.
//!
//! A member whose settings are the same takes its state over. Every other one has followed the last
//! observations as if it had been there all along and only observed, and guards know the present size as
//! what is wanted last: a change of settings alone moves no replica that they would hold.

use super::{Autoscaler, Mode};
use crate::config::Config;
use crate::explain::{Reason, codes};
use crate::forecast::{OutlookConfig, Risk};
use crate::series::Observation;
use crate::time::Timestamp;
use crate::{Duration, Error};

/// The load of a metric up to the last observations.
pub(crate) struct Before<'a> {
    pub(crate) metric: &'a str,
    pub(crate) times: Vec<Timestamp>,
    pub(crate) values: Vec<Option<f64>>,
    /// What was told of its forecaster's regressors: names, times and values.
    pub(crate) known: Vec<(&'a str, &'a [Timestamp], &'a [f64])>,
}

impl Autoscaler {
    /// An autoscaler of these settings that goes on from here; the host's own members are not in it.
    ///
    /// # Errors
    /// If the settings are refused or the load is no history.
    pub(crate) fn heir<'a>(
        &self,
        config: Config,
        before: &Before<'_>,
        lately: impl Iterator<Item = &'a Observation>,
    ) -> Result<Self, Error> {
        let mut heir = Self::new(config.in_mode(Mode::Observe))?;
        let (own, old) = (&heir.config, &self.config);
        let is_known = own.policies == old.policies
            && own.lead_time == old.lead_time
            && own.metrics == old.metrics;
        if !is_known {
            for &(name, times, values) in &before.known {
                if heir.regressors(before.metric).contains(&name) {
                    heir.regressor(before.metric, name, times, values)?;
                }
            }
            heir.warm_up(before.metric, &before.times, &before.values)?;
        }
        for seen in lately {
            heir.decide(seen);
        }
        if let (Some(at), Some((current, replicas))) = (self.state.clock.last(), self.state.last) {
            heir.tell(at, current, replicas);
            heir.stay(at, replicas);
        }
        heir.inherit(self)?;
        heir.config = config;
        Ok(heir)
    }

    /// Tells the guards that a size is wanted, which they then hold as they would any other.
    fn stay(&mut self, at: Timestamp, replicas: u32) {
        self.voters.iter_mut().for_each(|voter| voter.stay(at, replicas));
        for (_, guard) in &mut self.guards {
            guard.hold(at, replicas, replicas);
        }
    }

    /// Takes over the state of every member whose settings are the same.
    fn inherit(&mut self, other: &Self) -> Result<(), Error> {
        let (own, old) = (&self.config, &other.config);
        if own.metrics == old.metrics {
            for ((_, screen), (_, known)) in self.screens.iter_mut().zip(&other.screens) {
                screen.load(known.save()?)?;
            }
            for ((_, (_, lookout)), (_, (_, known))) in
                self.lookouts.iter_mut().zip(&other.lookouts)
            {
                lookout.load(known.save()?)?;
            }
        }
        if let (Some(capacity), Some(known), true) =
            (&mut self.capacity, &other.capacity, own.capacity == old.capacity)
        {
            capacity.load(known.save()?)?;
        }
        let is_same_lead_time = own.lead_time == old.lead_time;
        if is_same_lead_time {
            self.lead_time.load(other.lead_time.save()?)?;
        }
        let entries = own.policies.iter().zip(&old.policies);
        let members = self.voters.iter_mut().zip(&other.voters);
        for ((entry, known), (voter, old)) in entries.zip(members) {
            if entry == known {
                voter.load(old.save()?)?;
            }
        }
        let settings = own.guards.iter().zip(&old.guards);
        let members = self.guards.iter_mut().zip(&other.guards);
        for ((settings, known), ((_, guard), (_, old))) in settings.zip(members) {
            if settings == known {
                guard.load(old.save()?)?;
            }
        }
        let lead_time = self.lead_time.in_force();
        for outlook in &mut self.outlooks {
            let expects = expectation(outlook.settings());
            let known = other.outlooks.iter().find(|old| expectation(old.settings()) == expects);
            if let (Some(known), true) = (known, is_same_lead_time) {
                outlook.load(known.save()?)?;
            }
            outlook.follow(lead_time);
        }
        if let (Some(zero), Some(known)) = (&mut self.zero, &other.zero) {
            zero.take_up(known.state());
        }
        self.state = other.state.clone();
        self.decision = other.decision.clone();
        Ok(())
    }

    /// The lead time in force.
    pub(crate) fn lead_time(&self) -> Duration {
        self.lead_time.in_force()
    }

    /// The load at which a replica is full, as the capacity knows it.
    ///
    /// # Errors
    /// The reason why it is not known now.
    pub(crate) fn full_load(&self) -> Result<f64, Reason> {
        let unknown = || Reason::new(codes::METRIC_MISSING, []);
        self.capacity.as_ref().ok_or_else(unknown)?.full_load()
    }
}

/// What an outlook expects of the load does not depend on the price that its policy has.
fn expectation(settings: &OutlookConfig) -> OutlookConfig {
    OutlookConfig { risk: settings.risk().map(|_| Risk::Auto), ..settings.clone() }
}
