//! What no decision changes: loads and errors of readings, start-ups, and what is known of the load.
//!
//! In: a scene, and for a tape a configuration. Out: numbers by tick, made once by the live code and the
//! ordinary plant. Knows no lane.

use crate::capacity::LeadTimeConfig;
use crate::policy::PolicyConfig;
use crate::policy::predictive;
use crate::series::{MetricKind, Usage};
use crate::sim::plant::Plant;
use crate::sim::replay::Scene;
use crate::{Autoscaler, Config, Error};

/// The marks of a reading and of a forecast that are not there; all that are there are from 0 up.
pub(super) const ABSENT: f32 = -1.0;

/// Starts of replicas of one lane: whoever takes more is replayed by the ordinary code.
const STARTS: usize = 1 << 18;

/// What no decision changes on a stage, by tick.
#[derive(Clone, Debug)]
pub(crate) struct Sheet {
    /// The load in replicas that it fills.
    pub(super) loads: Vec<f32>,
    /// A reading of the utilization as a multiple of the truth; [`ABSENT`] if it is missing.
    pub(super) errors: Vec<f32>,
    /// Whether another minute of the clock begins.
    pub(super) begins: Vec<bool>,
    /// How long each start takes, in milliseconds, in the order of a lane's starts.
    pub(super) starts: Vec<u32>,
    /// An interval in milliseconds.
    pub(super) interval: u32,
    /// Seconds.
    pub(super) late_after: f32,
    pub(super) timeout: f32,
    /// Intervals.
    pub(super) lag: u32,
    pub(super) stop: u32,
    /// Milliseconds for which a stopping replica is paid for beyond those intervals.
    pub(super) rest: u32,
}

impl Sheet {
    /// Of the first `n_ticks` of a scene that [`plant_refused`](super::lane::plant_refused) lets pass.
    pub(crate) fn new(scene: &Scene<'_>, n_ticks: usize) -> Self {
        let settings = &scene.settings;
        let interval = settings.interval.as_millis();
        let mut plant = scene.plant(1);
        let mut errors = Vec::with_capacity(n_ticks);
        for _ in 0..n_ticks {
            errors.push(plant.error_of_utilization().map_or(ABSENT, |error| error as f32));
        }
        let minute = |tick: usize| {
            let at = scene.start + settings.interval.times(tick as i64);
            at.as_millis().div_euclid(60_000)
        };
        let begins = |tick: usize| tick == 0 || minute(tick) != minute(tick - 1);
        let in_replicas = |load: &f64| (load / scene.load_per_replica) as f32;
        let stop = settings.stop.as_millis();
        Self {
            loads: scene.loads[..n_ticks].iter().map(in_replicas).collect(),
            errors,
            begins: (0..n_ticks).map(begins).collect(),
            starts: (0..STARTS).map(|_| plant.start_up_millis() as u32).collect(),
            interval: interval as u32,
            late_after: settings.workload.late_after(settings.late_after).as_secs_f64() as f32,
            timeout: settings.timeout.as_secs_f64() as f32,
            lag: settings.metric_lag.steps(settings.interval) as u32,
            stop: (stop / interval) as u32,
            rest: (stop % interval) as u32,
        }
    }

    pub(super) fn n_ticks(&self) -> usize {
        self.loads.len()
    }
}

/// What is known of the load at each tick.
#[derive(Clone, Debug)]
pub(crate) struct Tape {
    /// The reading as it is believed, in thousandths of its unit; [`ABSENT`] if there is none.
    pub(super) readings: Vec<f32>,
    /// The load that the forecast asks for, in its unit; [`ABSENT`] if it abstains.
    pub(super) demands: Vec<f32>,
}

impl Tape {
    /// As the live code of a configuration sees and forecasts the first `n_ticks` of a scene, whatever is
    /// decided, as long as a replica is ready.
    ///
    /// # Errors
    /// If the configuration reads nothing that the plant shows.
    pub(crate) fn new(config: &Config, scene: &Scene<'_>, n_ticks: usize) -> Result<Self, Error> {
        let mut scaler = Autoscaler::new(config.clone())?;
        let mut seen = scene.observation(&scaler)?;
        scene.warm_up(&mut scaler)?;
        let lead_time = match config.lead_time {
            LeadTimeConfig::Fixed(lead_time) => lead_time,
            LeadTimeConfig::Learned(_) => config.lead_time.initial(),
        };
        let forecast = config.policies.iter().find_map(|entry| match &entry.policy {
            PolicyConfig::Predictive(settings) => Some(settings),
            _ => None,
        });
        let metric = &scene.settings.load_metric;
        let mut plant: Plant = scene.plant(scene.initial(&scaler).max(1));
        let mut tape =
            Self { readings: Vec::with_capacity(n_ticks), demands: Vec::with_capacity(n_ticks) };
        for &load in &scene.loads[..n_ticks] {
            plant.observe(&mut seen);
            let screened = scaler.believe(&seen).flatten();
            let believed = screened.as_ref().unwrap_or(&seen);
            scaler.feed(believed, &seen);
            let reading = believed.metrics.get(metric);
            let total = match reading.and_then(|reading| reading.usage(MetricKind::Total).ok()) {
                // To thousandths, as the HPA counts.
                Some(Usage::Total(total)) => (total * 1000.0).round() as f32,
                _ => ABSENT,
            };
            let outlook = scaler.outlooks().iter().find(|outlook| outlook.metric() == metric);
            let demand = forecast.zip(outlook).and_then(|(settings, outlook)| {
                predictive::demand(settings, outlook, seen.at, lead_time).ok()
            });
            tape.readings.push(total);
            tape.demands.push(demand.map_or(ABSENT, |demand| demand.load.max(0.0) as f32));
            plant.pass(load);
        }
        Ok(tape)
    }
}
