//! The workload that is scaled: replicas that start and stop, load that waits, metrics that lie.
//!
//! In: the size asked for, and the load of each span. Out: a [`Tick`] of what happened, and
//! observations as a host would make them. Knows no policy.

use std::collections::VecDeque;
use std::sync::Arc;

use rand_core::Rng;
use rand_pcg::Pcg32;

use super::faults::{Reads, Trouble};
use super::known::Known;
use super::money::Meter;
use super::queue::{Patience, Queue};
use super::settings::{FARTHEST, Settings};
use super::workload::Span;
use crate::series::{Observation, Reading, Replicas};
use crate::time::{Duration, Timestamp};

/// A simulated workload under one policy.
///
/// Readings, start-ups, crashes and each fault are drawn from streams of their own, so that the noise
/// and the missing readings do not depend on what a policy did, nor does when a fault comes. Start-ups are as long for the n-th start of
/// one policy as for that of another; who is hit by a crash depends on how many are ready.
///
/// ```
/// use forescale::sim::{Plant, Settings};
/// use forescale::Timestamp;
///
/// let settings = Settings { start_up_jitter: 0.0, ..Settings::default() };
/// let mut plant = Plant::new(&settings, 100.0, Timestamp::from_secs(0), 2, 150.0);
/// plant.request(3);
/// let ready: Vec<_> = (0..9).map(|_| plant.pass(150.0).ready).collect();
/// assert_eq!(ready, [2, 2, 2, 2, 2, 2, 2, 2, 3]); // ready after 2 minutes, 8 spans of 15 seconds
/// ```
#[derive(Clone, Debug)]
pub struct Plant {
    now: Timestamp,
    /// Seconds since the start, for the queue.
    clock: f64,
    ready: u32,
    /// When each starting replica gets ready, the earliest first.
    starting: VecDeque<Timestamp>,
    /// Starts that wait for a node.
    waiting: u32,
    /// When stopping replicas are gone, and how many, the earliest first.
    stopping: VecDeque<(Timestamp, u32)>,
    queue: Queue,
    /// What the metrics of the last spans show, the oldest first: the front one is read now.
    measured: VecDeque<Measured>,
    noise: Pcg32,
    latency_noise: Pcg32,
    start_ups: Pcg32,
    crashes: Pcg32,
    trouble: Option<Box<Trouble>>,
    meter: Option<Meter>,
    /// Of a log-normal start-up.
    start_up_spread: Option<f64>,
    load_per_replica: f64,
    patience: Patience,
    /// Other metrics, which do not depend on what is decided.
    shown: Arc<[(String, Known)]>,
    settings: Settings,
}

/// What the metrics are made of.
#[derive(Clone, Copy, Debug)]
struct Measured {
    load: f64,
    utilization: Option<f64>,
    capacity: f64,
    waiting: f64,
}

/// What happened in one span of the plant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tick {
    /// Start of the span.
    pub at: Timestamp,
    /// Mean load that came, in the load's unit.
    pub load: f64,
    /// Mean load that could be carried, in the load's unit. A replica that gets ready within the
    /// span counts for the rest of it, spread over all of it.
    pub capacity: f64,
    /// Replicas ready at its start.
    pub ready: u32,
    /// Replicas asked for: ready and starting.
    pub requested: u32,
    /// Load that waits at its end, as spans of one second of it.
    pub waiting: f64,
    /// Load that came, times seconds.
    pub came: f64,
    /// Load that was served late, times seconds.
    pub late: f64,
    /// Load that gave up, times seconds.
    pub dropped: f64,
    /// Whether that is a violation, as the workload sees it.
    pub violated: bool,
    /// Replica-seconds paid: starting, ready and stopping, but not those that wait for a node.
    pub paid: f64,
}

impl Plant {
    /// A plant at rest with `replicas` ready, each of which carries `load_per_replica`; `load` has
    /// been coming until now. The settings are taken as checked.
    #[must_use]
    pub fn new(
        settings: &Settings,
        load_per_replica: f64,
        start: Timestamp,
        replicas: u32,
        load: f64,
    ) -> Self {
        let utilization =
            (replicas > 0).then(|| (load / (load_per_replica * f64::from(replicas))).min(1.0));
        let capacity = load_per_replica * f64::from(replicas);
        let measured = Measured { load, utilization, capacity, waiting: 0.0 };
        let n_lagging = settings.metric_lag.steps(settings.interval);
        let stream = |number| Pcg32::new(settings.seed, number);
        Self {
            now: start,
            clock: 0.0,
            ready: replicas,
            starting: VecDeque::new(),
            waiting: 0,
            stopping: VecDeque::new(),
            queue: Queue::default(),
            measured: vec![measured; n_lagging + 1].into(),
            noise: stream(1),
            latency_noise: stream(9),
            start_ups: stream(2),
            crashes: stream(3),
            trouble: Trouble::new(&settings.faults, settings.seed, settings.interval).map(Box::new),
            meter: settings.price.map(|price| Meter::new(price, replicas, start)),
            start_up_spread: settings.start_up_spread(),
            load_per_replica,
            patience: Patience {
                late_after: settings.workload.late_after(settings.late_after).as_secs_f64(),
                timeout: settings.timeout.as_secs_f64(),
            },
            shown: Arc::default(),
            settings: settings.clone(),
        }
    }

    /// The same, which shows other metrics too: late as its own, but as they are.
    pub(super) fn showing(self, shown: Arc<[(String, Known)]>) -> Self {
        Self { shown, ..self }
    }

    /// The replicas there are; stopping ones are no longer among them.
    #[must_use]
    pub fn replicas(&self) -> Replicas {
        let starting = u32::try_from(self.starting.len()).unwrap_or(u32::MAX);
        let pending = starting.saturating_add(self.waiting);
        Replicas { ready: self.ready, pending, requested: None }
    }

    /// Writes what a host would see now into `observation`: late, noisy, at times missing. Of the
    /// metrics only those are written that `observation` already has, so nothing is allocated. To be
    /// called once a span, so that the luck is the same for every policy.
    pub fn observe(&mut self, observation: &mut Observation) {
        observation.at = self.now;
        observation.replicas = self.replicas();
        let Some(&Measured { load, utilization, capacity, waiting }) = self.measured.front() else {
            return; // it never is empty
        };
        let load = self.measure(Some(load)).map(|total| Reading::Total { total });
        // Nothing shows more than full use, whatever waits.
        let utilization =
            self.measure(utilization).map(|used| Reading::Average { average: used.min(1.0) });
        let reads = self.trouble.as_ref().map_or(Reads::Sound, |trouble| trouble.reads());
        let Settings { load_metric, utilization_metric, latency_metric, .. } = &self.settings;
        let write = |reading: Option<Reading>, old: &mut Reading| {
            *old = match (reads, reading) {
                (Reads::Sound, Some(reading)) => reading,
                (Reads::Sound, None) | (Reads::Nothing, _) => Reading::Missing,
                (Reads::Zero, Some(Reading::Total { .. })) => Reading::Total { total: 0.0 },
                (Reads::Zero, _) => Reading::Average { average: 0.0 },
            };
        };
        for (name, known) in &*self.shown {
            if let Some(old) = observation.metrics.get_mut(name) {
                let value = known.at(self.now - self.settings.metric_lag);
                write(value.map(|total| Reading::Total { total }), old);
            }
        }
        for (name, reading) in [(load_metric, load), (utilization_metric, utilization)] {
            if let Some(old) = observation.metrics.get_mut(name) {
                write(reading, old);
            }
        }
        if let Some(old) = observation.metrics.get_mut(latency_metric) {
            let Settings { workload, noise, missing, .. } = &self.settings;
            let timeout = self.patience.timeout;
            let load = self.measured.front().map_or(0.0, |measured| measured.load);
            let seconds = workload.latency(load, capacity, waiting, self.load_per_replica, timeout);
            let error = 1.0 + noise * normal(&mut self.latency_noise);
            let is_missing = uniform(&mut self.latency_noise) < *missing;
            let seconds = seconds.filter(|_| !is_missing).map(|seconds| (seconds * error).max(0.0));
            write(seconds.map(|average| Reading::Average { average }), old);
        }
    }

    /// Asks for a size: starts what is missing, or stops what is too much, the youngest first.
    pub fn request(&mut self, replicas: u32) {
        let current = self.replicas().existing();
        for _ in current..replicas {
            self.start();
        }
        let mut surplus = current.saturating_sub(replicas);
        let unplaced = surplus.min(self.waiting);
        self.waiting -= unplaced;
        surplus -= unplaced;
        while surplus > 0 && self.starting.pop_back().is_some() {
            surplus -= 1;
            self.end(1, self.now);
        }
        if surplus > 0 {
            let gone_at = self.now + self.settings.stop;
            self.ready -= surplus;
            self.stopping.push_back((gone_at, surplus));
            self.end(surplus, gone_at);
        }
    }

    /// Lets one span pass, in which `load` flows in evenly.
    pub fn pass(&mut self, load: f64) -> Tick {
        let span = self.settings.interval;
        let (at, end, seconds) = (self.now, self.now + span, span.as_secs_f64());
        self.crash();
        self.lose();
        let (requested, ready) = (self.replicas().existing(), self.ready);
        let mut paid = f64::from(requested - self.waiting) * seconds;
        let mut serving = f64::from(self.ready) * seconds;
        while let Some(&ready_at) = self.starting.front().filter(|&&ready_at| ready_at <= end) {
            serving += end.since(ready_at).as_secs_f64().min(seconds);
            self.ready += 1;
            self.starting.pop_front();
        }
        for &(gone_at, n) in &self.stopping {
            paid += f64::from(n) * gone_at.since(at).as_secs_f64().min(seconds);
        }
        while self.stopping.front().is_some_and(|&(gone_at, _)| gone_at <= end) {
            self.stopping.pop_front();
        }
        let capacity = serving / seconds * self.load_per_replica;
        let flow = self.queue.pass(self.clock, seconds, load, capacity, self.patience);
        let load_per_replica = self.load_per_replica;
        let span = Span { load, capacity, seconds, load_per_replica, flow };
        let verdict = self.settings.workload.verdict(&span);
        let (late, violated, dropped) = (verdict.late, verdict.violated, flow.dropped);
        let waiting = self.queue.waiting();
        let utilization = verdict.utilization;
        self.measured.push_back(Measured { load, utilization, capacity, waiting });
        self.measured.pop_front();
        self.now = end;
        self.clock += seconds;
        if let Some(trouble) = &mut self.trouble {
            trouble.pass(end);
            if !trouble.lacks_nodes() {
                for _ in 0..std::mem::take(&mut self.waiting) {
                    self.start();
                }
            }
        }
        let came = load * seconds;
        Tick { at, load, capacity, ready, requested, waiting, came, late, dropped, violated, paid }
    }

    /// What has been billed until now, where there is a price.
    #[must_use]
    pub fn cost(&self) -> Option<f64> {
        self.meter.as_ref().map(|meter| meter.cost(self.now))
    }

    /// A reading with its error; draws even where there is nothing to read.
    fn measure(&mut self, value: Option<f64>) -> Option<f64> {
        let error = 1.0 + self.settings.noise * normal(&mut self.noise);
        let is_missing = uniform(&mut self.noise) < self.settings.missing;
        value.filter(|_| !is_missing).map(|value| (value * error).max(0.0))
    }

    /// Starts a new replica, if there is a node for it.
    fn start(&mut self) {
        if self.trouble.as_ref().is_some_and(|trouble| trouble.lacks_nodes()) {
            self.waiting += 1;
            return;
        }
        if let Some(meter) = &mut self.meter {
            meter.begins(self.now);
        }
        self.boot();
    }

    /// The error of a reading of the utilization as a factor, none if it is missing; draws as
    /// [`observe`](Self::observe) does.
    pub(super) fn error_of_utilization(&mut self) -> Option<f64> {
        self.measure(None);
        self.measure(Some(1.0))
    }

    /// Lets a replica that has a node become ready.
    fn boot(&mut self) {
        let millis = self.start_up_millis();
        let ready_at = self.now + Duration::from_millis(1).times(millis);
        let place = self.starting.partition_point(|&other| other <= ready_at);
        self.starting.insert(place, ready_at);
    }

    /// How long the next start takes.
    pub(super) fn start_up_millis(&mut self) -> i64 {
        let mut times = match self.start_up_spread {
            Some(spread) => libm::exp(spread * normal(&mut self.start_ups).min(FARTHEST)),
            None => {
                1.0 + self.settings.start_up_jitter * (2.0 * uniform(&mut self.start_ups) - 1.0)
            }
        };
        if let Some(trouble) = &mut self.trouble {
            times *= trouble.slowness();
        }
        (self.settings.start_up.as_millis() as f64 * times) as i64
    }

    fn crash(&mut self) {
        if self.settings.crashes_per_day > 0.0 {
            let days = self.settings.interval.as_secs_f64() / 86_400.0;
            let chance = self.settings.crashes_per_day * days;
            for _ in 0..self.ready {
                if uniform(&mut self.crashes) < chance {
                    self.ready -= 1;
                    self.boot();
                }
            }
        }
    }

    /// Loses what ran on a node that is gone, and starts as many elsewhere.
    fn lose(&mut self) {
        let lost = self.trouble.as_ref().map_or(0, |trouble| trouble.lost(self.ready));
        self.ready -= lost;
        self.end(lost, self.now);
        for _ in 0..lost {
            self.start();
        }
    }

    fn end(&mut self, n_replicas: u32, at: Timestamp) {
        if let Some(meter) = &mut self.meter {
            meter.end(n_replicas, at);
        }
    }
}

/// Evenly in [0, 1).
pub(super) fn uniform(random: &mut Pcg32) -> f64 {
    f64::from(random.next_u32()) / 4_294_967_296.0
}

/// Standard normal (Box and Muller 1958); libm, so that every machine gives the same bytes.
pub(super) fn normal(random: &mut Pcg32) -> f64 {
    let [radius, angle] = [1.0 - uniform(random), uniform(random)];
    (-2.0 * libm::log(radius)).sqrt() * libm::cos(2.0 * std::f64::consts::PI * angle)
}

#[cfg(test)]
mod tests;
