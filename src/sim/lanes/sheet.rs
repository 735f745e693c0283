//! What no decision changes and all lanes see alike: loads, errors of readings, start-ups.
//!
//! In: a scene. Out: numbers by tick, made once by the ordinary plant. Knows no lane.

use crate::policy::predictive::Foresight;
use crate::sim::replay::Scene;
use crate::time::Duration;

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
    /// The slot of time, of those by which the highest of a while is kept: only differences count.
    pub(super) slots: Vec<u32>,
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
    /// Slots for which what was ready counts as what a reading may show, and the same in intervals.
    pub(super) recent: u32,
    pub(super) age: u32,
    /// Intervals for which a load that was read beyond what is carried hides nothing.
    pub(super) memory: u32,
    /// Intervals after which what waits is not known any more.
    pub(super) gap: u32,
}

/// Slots of time after which their numbers begin anew: a tick's slot and a number of replicas share a word.
pub(super) const MOST_SLOTS: u32 = 1 << 21;

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
        let slot = |tick: usize| {
            let at = scene.start + settings.interval.times(tick as i64);
            let slot = at.as_millis().div_euclid(Foresight::SLOT.as_millis());
            slot.rem_euclid(i64::from(MOST_SLOTS)) as u32
        };
        let intervals = |time: Duration| (time.as_millis() / interval) as u32;
        Self {
            loads: scene.loads[..n_ticks].iter().map(in_replicas).collect(),
            errors,
            begins: (0..n_ticks).map(begins).collect(),
            slots: (0..n_ticks).map(slot).collect(),
            starts: (0..STARTS).map(|_| plant.start_up_millis() as u32).collect(),
            interval: interval as u32,
            late_after: settings.workload.late_after(settings.late_after).as_secs_f64() as f32,
            timeout: settings.timeout.as_secs_f64() as f32,
            lag: settings.metric_lag.steps(settings.interval) as u32,
            stop: (stop / interval) as u32,
            rest: (stop % interval) as u32,
            recent: Foresight::RECENT.steps(Foresight::SLOT) as u32,
            age: intervals(Foresight::RECENT),
            memory: intervals(Foresight::MEMORY),
            gap: intervals(Foresight::GAP) + 1,
        }
    }

    pub(super) fn n_ticks(&self) -> usize {
        self.loads.len()
    }
}
