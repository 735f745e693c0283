//! The workload that is scaled: replicas that start and stop, load that waits, metrics that lie.
//!
//! In: the size asked for, and the load of each span. Out: a [`Tick`] of what happened, and
//! observations as a host would make them. Knows no policy.

use std::collections::VecDeque;

use rand_core::Rng;
use rand_pcg::Pcg32;

use super::queue::{Flow, Patience, Queue};
use super::settings::Settings;
use crate::series::{Observation, Reading, Replicas};
use crate::time::{Duration, Timestamp};

/// A simulated workload under one policy.
///
/// Readings, start-ups and crashes are drawn from streams of their own, so that the noise and the
/// missing readings do not depend on what a policy did. Start-ups are as long for the n-th start of
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
    /// When stopping replicas are gone, and how many, the earliest first.
    stopping: VecDeque<(Timestamp, u32)>,
    queue: Queue,
    /// Load and utilization of the last spans, the oldest first: the front one is read now.
    measured: VecDeque<(f64, Option<f64>)>,
    noise: Pcg32,
    start_ups: Pcg32,
    crashes: Pcg32,
    load_per_replica: f64,
    patience: Patience,
    settings: Settings,
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
    /// Replica-seconds paid: starting, ready and stopping.
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
        let n_lagging = settings.metric_lag.steps(settings.interval);
        let stream = |number| Pcg32::new(settings.seed, number);
        Self {
            now: start,
            clock: 0.0,
            ready: replicas,
            starting: VecDeque::new(),
            stopping: VecDeque::new(),
            queue: Queue::default(),
            measured: (0..=n_lagging).map(|_| (load, utilization)).collect(),
            noise: stream(1),
            start_ups: stream(2),
            crashes: stream(3),
            load_per_replica,
            patience: Patience {
                late_after: settings.late_after.as_secs_f64(),
                timeout: settings.timeout.as_secs_f64(),
            },
            settings: settings.clone(),
        }
    }

    /// The replicas there are; stopping ones are no longer among them.
    #[must_use]
    pub fn replicas(&self) -> Replicas {
        let pending = u32::try_from(self.starting.len()).unwrap_or(u32::MAX);
        Replicas { ready: self.ready, pending, requested: None }
    }

    /// Writes what a host would see now into `observation`: late, noisy, at times missing. Of the
    /// metrics only those are written that `observation` already has, so nothing is allocated. To be
    /// called once a span, so that the luck is the same for every policy.
    pub fn observe(&mut self, observation: &mut Observation) {
        observation.at = self.now;
        observation.replicas = self.replicas();
        let (load, utilization) = self.measured.front().copied().unwrap_or((0.0, None));
        let load = self.measure(Some(load)).map(|total| Reading::Total { total });
        // Nothing shows more than full use, whatever waits.
        let utilization =
            self.measure(utilization).map(|used| Reading::Average { average: used.min(1.0) });
        let Settings { load_metric, utilization_metric, .. } = &self.settings;
        for (name, reading) in [(load_metric, load), (utilization_metric, utilization)] {
            if let Some(old) = observation.metrics.get_mut(name) {
                *old = reading.unwrap_or_default();
            }
        }
    }

    /// Asks for a size: starts what is missing, or stops what is too much, the youngest first.
    pub fn request(&mut self, replicas: u32) {
        let current = self.replicas().existing();
        for _ in current..replicas {
            self.start();
        }
        let mut surplus = current.saturating_sub(replicas);
        while surplus > 0 && self.starting.pop_back().is_some() {
            surplus -= 1;
        }
        if surplus > 0 {
            self.ready -= surplus;
            self.stopping.push_back((self.now + self.settings.stop, surplus));
        }
    }

    /// Lets one span pass, in which `load` flows in evenly.
    pub fn pass(&mut self, load: f64) -> Tick {
        let span = self.settings.interval;
        let (at, end, seconds) = (self.now, self.now + span, span.as_secs_f64());
        self.crash();
        let (requested, ready) = (self.replicas().existing(), self.ready);
        let mut paid = f64::from(requested) * seconds;
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
        let Flow { served, late, dropped } =
            self.queue.pass(self.clock, seconds, load, capacity, self.patience);
        let utilization = (capacity > 0.0).then(|| (served / (capacity * seconds)).min(1.0));
        self.measured.push_back((load, utilization));
        self.measured.pop_front();
        self.now = end;
        self.clock += seconds;
        let waiting = self.queue.waiting();
        let came = load * seconds;
        Tick { at, load, capacity, ready, requested, waiting, came, late, dropped, paid }
    }

    /// A reading with its error; draws even where there is nothing to read.
    fn measure(&mut self, value: Option<f64>) -> Option<f64> {
        let error = 1.0 + self.settings.noise * normal(&mut self.noise);
        let is_missing = uniform(&mut self.noise) < self.settings.missing;
        value.filter(|_| !is_missing).map(|value| (value * error).max(0.0))
    }

    fn start(&mut self) {
        let stray = self.settings.start_up_jitter * (2.0 * uniform(&mut self.start_ups) - 1.0);
        let millis = self.settings.start_up.as_millis() as f64 * (1.0 + stray);
        let ready_at = self.now + Duration::from_millis(1).times(millis as i64);
        let place = self.starting.partition_point(|&other| other <= ready_at);
        self.starting.insert(place, ready_at);
    }

    fn crash(&mut self) {
        if self.settings.crashes_per_day > 0.0 {
            let days = self.settings.interval.as_secs_f64() / 86_400.0;
            let chance = self.settings.crashes_per_day * days;
            for _ in 0..self.ready {
                if uniform(&mut self.crashes) < chance {
                    self.ready -= 1;
                    self.start();
                }
            }
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
mod tests {
    use super::*;

    fn plant(change: impl FnOnce(&mut Settings)) -> Plant {
        let mut settings =
            Settings { start_up_jitter: 0.0, noise: 0.0, missing: 0.0, ..Settings::default() };
        change(&mut settings);
        Plant::new(&settings, 10.0, Timestamp::from_secs(0), 4, 20.0)
    }

    #[test]
    fn a_stopping_replica_serves_no_more_and_is_paid_for_its_grace() {
        let mut plant = plant(|_| {});
        plant.request(3);
        let ticks: Vec<_> = (0..3).map(|_| plant.pass(20.0)).collect();
        assert_eq!(ticks.iter().map(|tick| tick.capacity).collect::<Vec<_>>(), [30.0; 3]);
        assert_eq!(ticks.iter().map(|tick| tick.paid).collect::<Vec<_>>(), [60.0, 60.0, 45.0]);
    }

    #[test]
    fn starting_replicas_are_cancelled_before_ready_ones_stop() {
        let mut plant = plant(|_| {});
        plant.request(6);
        plant.request(3);
        assert_eq!(plant.replicas(), Replicas { ready: 3, pending: 0, requested: None });
    }

    #[test]
    fn readings_lag_and_utilization_cannot_show_an_overload() {
        let mut plant = plant(|settings| settings.metric_lag = Duration::from_secs(30));
        let mut seen = Observation::default().metric("rps", None).metric("cpu", None);
        let mut read = |plant: &mut Plant| {
            plant.observe(&mut seen);
            (seen.metrics["rps"].clone(), seen.metrics["cpu"].clone())
        };
        let want = |total, average| (Reading::Total { total }, Reading::Average { average });
        assert_eq!(read(&mut plant), want(20.0, 0.5));
        plant.pass(80.0);
        assert_eq!(read(&mut plant), want(20.0, 0.5));
        plant.pass(80.0);
        plant.pass(80.0);
        assert_eq!(read(&mut plant), want(80.0, 1.0)); // twice of what four replicas carry
    }

    #[test]
    fn a_crashed_replica_starts_again() {
        let mut plant = plant(|settings| settings.crashes_per_day = 1e6);
        plant.pass(20.0);
        assert_eq!(plant.replicas(), Replicas { ready: 0, pending: 4, requested: None });
    }

    #[test]
    fn the_draws_of_the_generator_stay_as_they_are() {
        let mut random = Pcg32::new(1, 1);
        let drawn = [normal(&mut random), normal(&mut random), uniform(&mut random)];
        assert!(drawn.iter().all(|number| number.is_finite()));
        let mut again = Pcg32::new(1, 1);
        assert_eq!(drawn[0].to_bits(), normal(&mut again).to_bits());
    }
}
