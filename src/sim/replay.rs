//! The live code on a recorded load.
//!
//! In: an [`Autoscaler`], a trace, a plant's settings. Out: a [`Report`]. The plant and the score are
//! the same for whoever decides, the bounds too.

use std::sync::Arc;

use serde::Serialize;

use super::agreement::{Agreement, Record};
use super::bounds::Bounds;
use super::known::Known;
use super::plant::{Plant, Tick};
use super::score::{Score, Scorer};
use super::settings::Settings;
use super::trace::Trace;
use crate::forecast::Forecast;
use crate::series::Observation;
use crate::time::{Duration, Timestamp};
use crate::{Autoscaler, Decision, Error};

/// Replays a trace against an autoscaler: history is fed, the last part is scored. Nothing of the
/// scored part is known before it is observed, but for the load per replica where the settings
/// derive it from the scored peak (see [`Settings::load_per_replica`]).
///
/// ```
/// use forescale::sim::{Settings, replay, web_service};
/// use forescale::Autoscaler;
///
/// let mut scaler = Autoscaler::from_text(
///     r#"{"max_replicas": 60, "metrics": {"cpu": {"kind": "utilization"}},
///         "policies": [{"kind": "target", "metric": "cpu", "target": 0.7}]}"#,
/// )?;
/// let settings = Settings { scored: "1d".parse()?, ..Settings::default() };
/// let report = replay(&mut scaler, &web_service(2, 7), &settings)?;
/// assert!(report.clairvoyant_gap.cost_ratio > 1.0, "dearer than who knows the load");
/// assert_eq!(report.series.ready.len(), 5_760); // a day of 15-second decisions
/// # Ok::<(), forescale::Error>(())
/// ```
///
/// # Errors
/// [`ErrorKind::Config`](crate::ErrorKind::Config) for settings out of their range and a
/// configuration that names none of the plant's metrics;
/// [`ErrorKind::Trace`](crate::ErrorKind::Trace) for a trace that cannot be replayed, or that
/// [knows](Trace::with_known) what is neither a metric nor a regressor of the configuration.
pub fn replay(
    scaler: &mut Autoscaler,
    trace: &Trace,
    settings: &Settings,
) -> Result<Report, Error> {
    let scene = Scene::new(trace, settings)?;
    scene.check_known(scaler)?;
    let bounds = Bounds::of(&scene);
    scene.report("replay", scaler, bounds, &|_| {})
}

/// What a replay showed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The name of the configuration.
    pub name: String,
    /// The name of the trace.
    pub trace: String,
    /// The settings of the plant, with the load per replica filled in.
    pub settings: Settings,
    /// The figures of merit.
    pub score: Score,
    /// The same for the two bounds, on the same plant.
    pub bounds: Bounds,
    /// How far from the clairvoyant bound.
    pub clairvoyant_gap: Gap,
    /// How far from the best constant size.
    pub constant_gap: Gap,
    /// How closely it follows what really ran, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agreement: Option<Agreement>,
    /// What really ran, for the pictures.
    #[serde(skip)]
    pub record: Option<Arc<Record>>,
    /// What happened over time.
    pub series: Series,
    /// Forecasts issued on the way, if the configuration has a predictive policy on the load.
    pub forecasts: Vec<Forecast>,
    /// Every decision with its steps, if the settings ask for them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub decisions: Vec<Decision>,
}

impl Report {
    /// The report held against what really ran: with its [`agreement`](Self::agreement), and with the
    /// record in its pictures.
    ///
    /// # Errors
    /// As [`Agreement::between`].
    pub fn against(mut self, record: impl Into<Arc<Record>>) -> Result<Self, Error> {
        let record = record.into();
        self.agreement = Some(Agreement::between(&self.series, &record)?);
        self.record = Some(record);
        Ok(self)
    }

    /// The report as JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("plain numbers and texts can be written")
    }
}

/// The distance of a score from a bound.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Gap {
    /// Replica-hours as a multiple of the bound's; infinite (JSON `null`) if the bound cost nothing.
    pub cost_ratio: f64,
    /// Violation minutes more than the bound's; negative if fewer.
    pub violation_minutes: f64,
}

impl Gap {
    pub(super) fn between(score: &Score, bound: &Score) -> Self {
        Self {
            cost_ratio: score.replica_hours / bound.replica_hours,
            violation_minutes: score.violation_minutes - bound.violation_minutes,
        }
    }
}

/// What happened over time: one entry for each interval of the scored part.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Series {
    /// Start of the first interval.
    pub start: Timestamp,
    /// Length of an interval.
    pub step: Duration,
    /// Load that came, in the load's unit.
    pub load: Vec<f64>,
    /// Load that could be carried, in the load's unit.
    pub capacity: Vec<f64>,
    /// Replicas ready.
    pub ready: Vec<u32>,
    /// Replicas asked for.
    pub wanted: Vec<u32>,
    /// Load that waits at the end, times seconds.
    pub queue: Vec<f64>,
}

impl Series {
    fn push(&mut self, tick: &Tick) {
        self.load.push(tick.load);
        self.capacity.push(tick.capacity);
        self.ready.push(tick.ready);
        self.wanted.push(tick.requested);
        self.queue.push(tick.waiting);
    }
}

/// The quantiles of the forecasts in a report: the median and two bands around it.
const QUANTILES: [f64; 5] = [0.05, 0.25, 0.5, 0.75, 0.95];

/// The progress of a replay is told each so many ticks.
const TELL_EVERY: usize = 1_000;

/// A checked trace and plant: the stage on which whoever decides plays.
#[derive(Clone, Debug)]
pub(super) struct Scene<'a> {
    pub(super) trace: &'a Trace,
    /// With the load per replica filled in.
    pub(super) settings: Settings,
    pub(super) load_per_replica: f64,
    pub(super) start: Timestamp,
    /// Mean load of the interval before the scored part: all that may be known when it begins.
    pub(super) before: f64,
    /// Mean load of each interval of the scored part.
    pub(super) loads: Vec<f64>,
    /// The fewest replicas that carry each of them without a violation.
    pub(super) needs: Vec<u32>,
    /// What is known besides the load.
    shown: Arc<[(String, Known)]>,
}

impl<'a> Scene<'a> {
    pub(super) fn new(trace: &'a Trace, settings: &Settings) -> Result<Self, Error> {
        let load_per_replica = settings.capacity_on(trace)?;
        Self::over(trace, settings, load_per_replica, settings.scored_part(trace))
    }

    /// The same over any part of the trace, from its start up to its end.
    pub(super) fn over(
        trace: &'a Trace,
        settings: &Settings,
        load_per_replica: f64,
        (start, end): (Timestamp, Timestamp),
    ) -> Result<Self, Error> {
        let settings = Settings { load_per_replica: Some(load_per_replica), ..settings.clone() };
        let interval = settings.interval.as_millis();
        let n_ticks = end.since(start).as_millis() / interval;
        if n_ticks == 0 {
            let message = "is shorter in its scored part than one `interval`";
            return Err(Error::trace("trace", message));
        }
        const MOST_TICKS: i64 = 100_000_000;
        if n_ticks > MOST_TICKS {
            let message = format!("has {n_ticks} intervals to score, at most {MOST_TICKS} can be");
            return Err(Error::trace("trace", message));
        }
        let loads: Vec<_> = (0..n_ticks)
            .map(|tick| mean_load(trace, start + settings.interval.times(tick), settings.interval))
            .collect();
        let before = mean_load(trace, start - settings.interval, settings.interval);
        let needs = Vec::with_capacity(loads.len());
        let own = [&settings.load_metric, &settings.utilization_metric, &settings.latency_metric];
        if let Some(name) = trace.known.keys().find(|name| own.contains(name)) {
            let message = "has the name of a metric that the plant shows by itself";
            return Err(Error::trace(format!("known.{name}"), message));
        }
        let shown = trace.known.iter().map(|(name, known)| (name.clone(), known.clone())).collect();
        let mut scene =
            Self { trace, settings, load_per_replica, start, before, loads, needs, shown };
        // Each replica has its own start-up; a capacity in the wrong unit must not ask for billions.
        const MOST_REPLICAS: u32 = 100_000;
        let peak = scene.loads.iter().copied().fold(0.0, f64::max);
        let needed = scene.replicas_for(peak, scene.settings.target_utilization);
        if needed > MOST_REPLICAS {
            let message = format!(
                "is {load_per_replica}, so that the peak of {peak} needs {needed} replicas; at most {MOST_REPLICAS} can be simulated"
            );
            return Err(Error::config("load_per_replica", message));
        }
        let mut need = 0;
        for load in &scene.loads {
            need = scene.settings.workload.need(load / load_per_replica, need);
            scene.needs.push(need);
            if need > MOST_REPLICAS {
                let message = format!(
                    "needs {need} replicas for a load of {load}; at most {MOST_REPLICAS} can be simulated"
                );
                return Err(Error::config("workload", message));
            }
        }
        Ok(scene)
    }

    /// The most that is ever needed.
    pub(super) fn peak_need(&self) -> u32 {
        self.needs.iter().copied().max().unwrap_or(0)
    }

    /// The fewest replicas that carry `load` at a utilization.
    pub(super) fn replicas_for(&self, load: f64, utilization: f64) -> u32 {
        // A hair above a whole number is rounding.
        (load / (self.load_per_replica * utilization) - 1e-9).ceil().max(0.0) as u32
    }

    /// Lets `decide` play from a size on: it hears the number of the tick and the observation, which
    /// has the metrics that `observation` names, and answers with the size to ask for.
    pub(super) fn play(
        &self,
        initial: u32,
        mut observation: Observation,
        mut decide: impl FnMut(usize, &Observation) -> u32,
        mut each: impl FnMut(&Tick),
    ) -> Score {
        let mut plant = self.plant(initial);
        let mut scorer = Scorer::new(&self.settings);
        for (number, (&load, &need)) in self.loads.iter().zip(&self.needs).enumerate() {
            plant.observe(&mut observation);
            plant.request(decide(number, &observation));
            let tick = plant.pass(load);
            scorer.add(&tick, need);
            each(&tick);
        }
        scorer.score(plant.cost())
    }

    /// Replays an autoscaler; `told` hears how many ticks have passed since it heard last.
    pub(super) fn report(
        &self,
        name: &str,
        scaler: &mut Autoscaler,
        bounds: Bounds,
        told: &(dyn Fn(usize) + Sync),
    ) -> Result<Report, Error> {
        let (observation, initial) = self.enter(scaler)?;
        let load_metric = &self.settings.load_metric;
        let n_ticks = self.loads.len();
        let mut series = Series {
            start: self.start,
            step: self.settings.interval,
            load: Vec::with_capacity(n_ticks),
            capacity: Vec::with_capacity(n_ticks),
            ready: Vec::with_capacity(n_ticks),
            wanted: Vec::with_capacity(n_ticks),
            queue: Vec::with_capacity(n_ticks),
        };
        let (mut forecasts, mut decisions) = (Vec::new(), Vec::new());
        let mut refused = None;
        let forecasts_load = scaler.forecast(load_metric, self.settings.interval, &[0.5]).is_ok();
        let every = self.settings.forecast_every.steps(self.settings.interval);
        let score = self.play(
            initial,
            observation,
            |number, seen| {
                let decision = scaler.decide(seen);
                let replicas = decision.replicas;
                if self.settings.decisions {
                    decisions.push(decision.clone());
                }
                if forecasts_load && number % every == 0 && refused.is_none() {
                    match scaler.forecast(load_metric, self.settings.forecast_horizon, &QUANTILES) {
                        Ok(Ok(forecast)) => forecasts.push(forecast),
                        Ok(Err(_abstains)) => {}
                        Err(error) => refused = Some(error),
                    }
                }
                if (number + 1) % TELL_EVERY == 0 || number + 1 == n_ticks {
                    told(number % TELL_EVERY + 1);
                }
                replicas
            },
            |tick| series.push(tick),
        );
        if let Some(error) = refused {
            return Err(error.at("forecast_horizon"));
        }
        Ok(Report {
            name: name.to_owned(),
            trace: self.trace.name.clone(),
            settings: self.settings.clone(),
            score,
            clairvoyant_gap: Gap::between(&score, &bounds.clairvoyant),
            constant_gap: Gap::between(&score, &bounds.constant),
            bounds,
            agreement: None,
            record: None,
            series,
            forecasts,
            decisions,
        })
    }

    /// Replays an autoscaler for its score alone.
    pub(super) fn score(&self, scaler: &mut Autoscaler) -> Result<Score, Error> {
        let (observation, initial) = self.enter(scaler)?;
        Ok(self.play(initial, observation, |_, seen| scaler.decide(seen).replicas, |_| {}))
    }

    /// Feeds history; what the plant shows of what the autoscaler reads, still without a value, and the
    /// size to begin with.
    fn enter(&self, scaler: &mut Autoscaler) -> Result<(Observation, u32), Error> {
        let observation = self.observation(scaler)?;
        self.warm_up(scaler)?;
        Ok((observation, self.initial(scaler)))
    }

    /// The metrics that the plant shows and the configuration knows, without a value.
    pub(super) fn observation(&self, scaler: &Autoscaler) -> Result<Observation, Error> {
        let Settings { load_metric, utilization_metric, latency_metric, .. } = &self.settings;
        let mut observation = Observation::default();
        let known = self.trace.known.keys();
        for metric in [load_metric, utilization_metric, latency_metric].into_iter().chain(known) {
            if scaler.config().metrics.contains_key(metric) {
                observation = observation.metric(metric, None);
            }
        }
        if observation.metrics.is_empty() {
            let message = format!(
                "has none of \"{load_metric}\", \"{utilization_metric}\" and \"{latency_metric}\", which are what the simulator shows"
            );
            return Err(Error::config("metrics", message));
        }
        Ok(observation)
    }

    /// The replicas at the start.
    pub(super) fn initial(&self, scaler: &Autoscaler) -> u32 {
        self.initial_within(scaler.config().min_replicas, scaler.config().max_replicas)
    }

    /// The same within these limits.
    pub(super) fn initial_within(&self, least: u32, most: u32) -> u32 {
        self.settings.initial_replicas.unwrap_or_else(|| {
            self.replicas_for(self.before, self.settings.target_utilization).clamp(least, most)
        })
    }

    /// A plant as it is when the scored part begins.
    pub(super) fn plant(&self, initial: u32) -> Plant {
        Plant::new(&self.settings, self.load_per_replica, self.start, initial, self.before)
            .showing(self.shown.clone())
    }

    /// Refuses what is known of the trace to no end, as a name is misspelt most likely.
    pub(crate) fn check_known(&self, scaler: &Autoscaler) -> Result<(), Error> {
        let metrics = &scaler.config().metrics;
        let regressors = scaler.regressors(&self.settings.load_metric);
        let is_read = |name: &str| metrics.contains_key(name) || regressors.contains(&name);
        let Some(name) = self.trace.known.keys().find(|name| !is_read(name)) else { return Ok(()) };
        let names: Vec<_> = metrics.keys().map(String::as_str).chain(regressors).collect();
        let near = crate::catalog::did_you_mean(name, &names);
        let message = format!(
            "is neither a metric of the configuration nor a regressor of what forecasts its load: {names:?}{near}"
        );
        Err(Error::trace(format!("known.{name}"), message))
    }

    /// Feeds what is known besides the load: of metrics what was before the scored part, from a time on,
    /// and all of what is told ahead.
    fn tell(&self, scaler: &mut Autoscaler, from: Timestamp) -> Result<(), Error> {
        let metric = &self.settings.load_metric;
        for (name, known) in &*self.shown {
            let outside = |error: Error| Error::trace(format!("known.{name}"), error.to_string());
            if scaler.config().metrics.contains_key(name) {
                let past = known.between(from, self.start);
                let values: Vec<_> =
                    known.values()[past.clone()].iter().copied().map(Some).collect();
                scaler.warm_up(name, &known.times()[past], &values).map_err(outside)?;
            } else if scaler.regressors(metric).contains(&&**name) {
                scaler.regressor(metric, name, known.times(), known.values()).map_err(outside)?;
            }
        }
        Ok(())
    }

    /// Feeds the trace before the scored part, if the configuration knows the load.
    pub(super) fn warm_up(&self, scaler: &mut Autoscaler) -> Result<(), Error> {
        let Trace { step, values, start, .. } = self.trace;
        let history = self.history_range();
        self.tell(scaler, *start + step.times(history.start as i64))?;
        if !scaler.config().metrics.contains_key(&self.settings.load_metric) {
            return Ok(());
        }
        let at = |index: usize| *start + step.times(index as i64);
        let times: Vec<_> = history.clone().map(at).collect();
        let values: Vec<_> = values[history].iter().copied().map(Some).collect();
        scaler.warm_up(&self.settings.load_metric, &times, &values)
    }

    /// The steps of the trace before the scored part that may be known.
    pub(super) fn history_range(&self) -> std::ops::Range<usize> {
        let until = self.start.since(self.trace.start).steps(self.trace.step);
        until.saturating_sub(self.settings.history.steps(self.trace.step))..until
    }
}

/// The mean load from `at` on for `span`; the load within a step of the trace is level.
fn mean_load(trace: &Trace, at: Timestamp, span: Duration) -> f64 {
    let (mut now, end, mut sum) = (at, at + span, 0.0);
    while now < end {
        let n_before = now.since(trace.start).as_millis() / trace.step.as_millis();
        let next = (trace.start + trace.step.times(n_before + 1)).min(end);
        sum += trace.load(now) * next.since(now).as_secs_f64();
        now = next;
    }
    sum / span.as_secs_f64()
}
