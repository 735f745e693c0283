//! An autoscaler that tunes itself.
//!
//! In: observations, and now and then a call to retune. Out: decisions, and an [`Event`] for each call.
//!
//! The load is recorded as it comes. A search on it, as [`tune`](crate::tune::tune) does, may find
//! settings that look better; they are adopted only where they prove better in shadow, on load that has
//! come since. Then those before are replayed beside them in turn, and come back if they would have
//! done better. No thread, no clock: the host says when, and how long it may take.
//!
//! Why is one step done a call? Each then takes as long as a search or as two replays at most, and each
//! has one reason.

mod event;
mod likeness;
mod load_log;
mod retuning;
mod settings;
mod snapshot;
mod trial;

use std::collections::{BTreeMap, VecDeque};

use self::likeness::Likeness;
use self::load_log::LoadLog;
use self::retuning::Next;
use self::trial::Trial;
use super::Control;
use crate::decide::{Before, copy};
use crate::explain::{Reason, codes};
use crate::series::{MetricKind, Observation, Reading};
use crate::sim::{Known, Trace};
use crate::time::{Duration, Timestamp};
use crate::{Autoscaler, Config, Decision, Error};
pub use event::{Event, Revision};
pub use retuning::{Retuned, Retuning};
pub use settings::SelfTuningConfig;

/// An [`Autoscaler`] that records the load it sees and finds itself better settings on it.
///
/// [`retune`](Self::retune) is called when the host likes, nightly for example, and answers what it came
/// to. Of what a replay cannot show nothing may be read: there is one load and at most one utilization, and
/// a latency under the plant's name.
///
/// ```
/// use forescale::sim::web_service;
/// use forescale::tune::{SelfTuning, SelfTuningConfig, to_the_end};
/// use forescale::{Config, Observation, Timestamp};
///
/// let config = Config::from_text(
///     r#"{"max_replicas": 60,
///         "metrics": {"cpu": {"kind": "utilization"}, "rps": {"kind": "total"}},
///         "capacity": {"kind": "fixed", "metric": "rps", "load_per_replica": 100},
///         "policies": [{"kind": "target", "metric": "cpu", "target": 0.3}]}"#,
/// )?;
/// let settings = SelfTuningConfig::from_text(r#"{"search": {"settings": 12}}"#)?;
/// let mut scaler = SelfTuning::new(config, settings)?;
/// let trace = web_service(1, 7);
/// let times: Vec<_> =
///     (0..trace.values.len()).map(|k| trace.start + trace.step.times(k as i64)).collect();
/// scaler.warm_up("rps", &times, &trace.values.into_iter().map(Some).collect::<Vec<_>>())?;
/// let seen = Observation::at(times[times.len() - 1] + trace.step).ready(9).metric("rps", 400.0);
/// assert_eq!(scaler.decide(&seen.metric("cpu", 0.44)).replicas, 14); // ceil(9 * 0.44 / 0.3)
///
/// // Twice the replicas that are needed: something cheaper is found, and must prove itself.
/// let event = scaler.retune(&to_the_end)?;
/// assert_eq!((event.reason.code(), event.is_change()), ("proved_better", false));
/// assert_eq!(scaler.retune(&to_the_end)?.reason.code(), "in_shadow");
/// # Ok::<(), forescale::Error>(())
/// ```
#[derive(Debug)]
pub struct SelfTuning {
    scaler: Autoscaler,
    settings: SelfTuningConfig,
    likeness: Likeness,
    log: LoadLog,
    /// What was told of regressors, by name.
    known: BTreeMap<String, Known>,
    /// The last observations, the oldest first.
    lately: VecDeque<Observation>,
    trial: Option<Trial>,
    paused_until: Option<Timestamp>,
    events: VecDeque<Event>,
}

/// As long as the longest windows of guards usually are; and as many observations as that is for an HPA.
const LATELY: Duration = Duration::from_secs(3600);
const MOST_LATELY: usize = 240;

/// Events that are kept: two months of nights.
const MOST_EVENTS: usize = 64;

impl SelfTuning {
    /// From the configuration to begin with.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) for settings that are refused, a metric that a
    /// replay cannot show, nothing to tell what a replica carries by, and a configuration that leaves
    /// nothing open to search.
    pub fn new(config: Config, settings: SelfTuningConfig) -> Result<Self, Error> {
        settings.check()?;
        let likeness = Likeness::new(&config, &settings)?;
        if settings.search.space.is_none() && super::default_space(&config)?.is_empty() {
            let message = "is missing, must be given where the configuration leaves nothing open that is \
                           known to be worth a search";
            return Err(Error::config("search.space", message));
        }
        let log = LoadLog::new(settings.step, settings.record);
        Ok(Self {
            scaler: Autoscaler::new(config)?,
            settings,
            likeness,
            log,
            known: BTreeMap::new(),
            lately: VecDeque::new(),
            trial: None,
            paused_until: None,
            events: VecDeque::new(),
        })
    }

    /// The decision on one observation, as of the autoscaler itself.
    pub fn decide(&mut self, observation: &Observation) -> &Decision {
        if let Some(screened) = self.scaler.believe(observation) {
            let seen = screened.as_ref().unwrap_or(observation);
            self.scaler.feed(seen, observation);
            let load = self.scaler.load_to_learn(self.likeness.load(), seen, observation);
            self.likeness.see(seen, load);
            self.log.see(observation.at, load);
            self.remember(observation);
            self.scaler.conclude(observation, screened);
        }
        self.scaler.decision()
    }

    /// Feeds history of a metric's total load, as
    /// [`Autoscaler::warm_up`](crate::Autoscaler::warm_up); that of the load is recorded too.
    ///
    /// # Errors
    /// As there.
    pub fn warm_up(
        &mut self,
        metric: &str,
        times: &[Timestamp],
        values: &[Option<f64>],
    ) -> Result<(), Error> {
        self.scaler.warm_up(metric, times, values)?;
        if metric == self.likeness.load() {
            let known = self.log.last_at();
            for (&at, &load) in times.iter().zip(values) {
                if known.is_none_or(|known| known < at) {
                    self.log.record(at, load);
                }
            }
        }
        Ok(())
    }

    /// Tells values of a regressor of a metric's forecaster, as
    /// [`Autoscaler::regressor`](crate::Autoscaler::regressor); replays know them too.
    ///
    /// # Errors
    /// As there.
    pub fn regressor(
        &mut self,
        metric: &str,
        name: &str,
        times: &[Timestamp],
        values: &[f64],
    ) -> Result<(), Error> {
        self.scaler.regressor(metric, name, times, values)?;
        let known = self.known.entry(name.to_owned()).or_default();
        known.tell(times, values);
        if let Some((start, _)) = self.log.part() {
            known.forget(start);
        }
        Ok(())
    }

    /// The autoscaler with the settings in force.
    #[must_use]
    pub fn autoscaler(&self) -> &Autoscaler {
        &self.scaler
    }

    /// What the last calls of [`retune`](Self::retune) came to, the oldest first; 64 of them at most.
    pub fn events(&self) -> impl ExactSizeIterator<Item = &Event> {
        self.events.iter()
    }

    /// Goes one step on: searches, or compares what was found or given up last with the settings in
    /// force, and adopts or rolls back where that is the better one.
    ///
    /// `control` hears the share of the work that is done and may end it; nothing is changed or lost
    /// then. Decisions wait meanwhile; [`retuning`](Self::retuning) is for who cannot wait.
    ///
    /// # Errors
    /// Those of [`tune`](crate::tune::tune); nothing is changed then.
    pub fn retune(&mut self, control: &Control<'_>) -> Result<&Event, Error> {
        let retuned = self.retuning().run(control)?;
        self.settle(retuned)
    }

    /// The step that is to be done next, with a copy of all that it needs, to be worked out beside the
    /// decisions and brought back by [`settle`](Self::settle).
    ///
    /// ```
    /// # let config = forescale::Config::from_text(r#"{"max_replicas": 9,
    /// #     "metrics": {"cpu": {"kind": "utilization"}},
    /// #     "policies": [{"kind": "target", "metric": "cpu", "target": 0.6}]}"#)?;
    /// use forescale::tune::{SelfTuning, SelfTuningConfig, to_the_end};
    ///
    /// let mut scaler = SelfTuning::new(config, SelfTuningConfig::default())?;
    /// let retuning = scaler.retuning();
    /// let retuned = std::thread::spawn(move || retuning.run(&to_the_end)).join().unwrap()?;
    /// assert_eq!(scaler.settle(retuned)?.reason.code(), "too_little_seen");
    /// # Ok::<(), forescale::Error>(())
    /// ```
    #[must_use]
    pub fn retuning(&self) -> Retuning {
        Retuning {
            settings: self.settings.clone(),
            config: self.scaler.config().bare(),
            trace: self.trace(),
            plant: self.likeness.plant(&self.scaler, &self.log, &self.settings.plant),
            trial: self.trial.clone(),
            paused_until: self.paused_until,
            now: self.now(),
        }
    }

    /// Does what a [`Retuning`] came to; the decisions after it are by the new settings, if there are. Of two that
    /// were worked out at the same time only the first counts, the other is `interrupted`.
    ///
    /// # Errors
    /// If settings that were built before cannot be built now; nothing is changed then.
    pub fn settle(&mut self, retuned: Retuned) -> Result<&Event, Error> {
        let Retuned { trial, changes, mut reason, next } = retuned;
        match (next, &self.trial) {
            (Next::Stays, _) => {}
            (_, own) if trial != *own => {
                reason = Reason::new(codes::INTERRUPTED, [("n_tried", 0.0)]);
            }
            (Next::Tries(found), _) => self.trial = Some(*found),
            (Next::TakesOver, Some(trial)) => {
                let is_probation = trial.is_probation;
                let since = self.log.part().map_or_else(|| self.now(), |(_, end)| end);
                let other = self.take_over(trial.other.clone())?;
                let others = Trial { other, since, is_probation: true };
                self.trial = (!is_probation).then_some(others);
                self.paused_until = is_probation.then(|| self.now() + self.settings.pause);
            }
            (Next::TakesOver | Next::Drops, _) => self.trial = None,
        }
        if self.events.len() == MOST_EVENTS {
            self.events.pop_front();
        }
        self.events.push_back(Event { at: self.now(), changes, reason });
        Ok(self.events.back().expect("just put there"))
    }

    /// Lets these settings go on from here; the ones before.
    fn take_over(&mut self, other: Config) -> Result<Config, Error> {
        let metric = self.likeness.load();
        let until = self.lately.front().map_or(Timestamp::default(), |seen| seen.at);
        let (mut times, mut values) = (Vec::new(), Vec::new());
        if let Some(trace) = self.trace() {
            let starts = (0..).map(|step| trace.start + trace.step.times(step));
            for (at, &load) in starts.zip(&trace.values).take_while(|(at, _)| *at < until) {
                times.push(at);
                values.push(Some(load));
            }
        }
        let known = (self.known.iter())
            .map(|(name, known)| (&**name, known.times(), known.values()))
            .collect();
        let before = Before { metric, times, values, known };
        let heir = self.scaler.heir(other, &before, self.lately.iter())?;
        Ok(std::mem::replace(&mut self.scaler, heir).config().bare())
    }

    /// The load so far, and what is known besides.
    fn trace(&self) -> Option<Trace> {
        let trace = self.log.trace(self.likeness.load())?;
        Some(Trace { known: self.known.clone(), ..trace })
    }

    fn now(&self) -> Timestamp {
        self.log.last_at().unwrap_or_default()
    }

    /// Keeps an observation, in the memory of those that are too old.
    fn remember(&mut self, observation: &Observation) {
        let mut kept = Observation::default();
        while let Some(oldest) = self.lately.front() {
            let is_in = oldest.at < observation.at && observation.at.since(oldest.at) <= LATELY;
            if is_in && self.lately.len() < MOST_LATELY {
                break;
            }
            kept = self.lately.pop_front().unwrap_or_default();
        }
        copy(observation, &mut kept);
        for reading in kept.metrics.values_mut() {
            // What no text can hold holds nothing either.
            if reading.usage(MetricKind::Total).is_err() {
                *reading = Reading::Missing;
            }
        }
        self.lately.push_back(kept);
    }
}

#[cfg(test)]
mod tests;
