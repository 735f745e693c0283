//! The loop of one workload: observation in, decision and its reasons out.
//!
//! In: an [`Observation`]. Out: a [`Decision`], always. The order is that of the crate's head: time is
//! checked, readings are screened, the outlooks are fed, the policies propose, the proposals are combined, the guards hold
//! back, zero and the limits have their say, the mode comes last. Knows no member of any room.

mod clock;
mod decision;
mod heir;
mod said;
mod snapshot;
mod stages;

use std::sync::Arc;

use crate::Error;
use crate::capacity::{Capacity, LeadTime};
use crate::catalog::Labeled;
use crate::combine::{Vote, Voter};
use crate::config::Config;
use crate::detect::{Lookout, Screen};
use crate::explain::{Reason, codes};
use crate::forecast::{Accuracy, Forecast, Outlook};
use crate::guard::Guard;
use crate::policy::{Metric, Past, Policy};
use crate::series::Observation;
use crate::time::{Duration, Timestamp};
use crate::zero::Zero;
use clock::{Clock, Tick};
pub use decision::{Decision, Mode};
pub(crate) use heir::Before;
pub use said::Said;
pub(crate) use stages::copy;

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
    screens: Vec<Labeled<Screen>>,
    lookouts: Vec<(usize, Labeled<Lookout>)>,
    outlooks: Vec<Outlook>,
    capacity: Option<Box<dyn Capacity>>,
    lead_time: LeadTime,
    voters: Vec<Voter>,
    guards: Vec<Labeled<Box<dyn Guard>>>,
    zero: Option<Zero>,
    labels: Labels,
    state: State,
    decision: Decision,
    /// Scratch, so that deciding allocates nothing: the step and the range of each open schedule.
    ranges: Vec<(usize, Range)>,
    /// Scratch: what the policies say, in their order, and which of their proposals take part.
    votes: Vec<Vote>,
    proposals: Vec<u32>,
    /// Scratch: the observation as it is believed, where that is not as it came.
    screened: Observation,
}

/// What the loop itself remembers between two observations.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
struct State {
    clock: Clock,
    /// The last accepted answer: the replicas there were, and those decided.
    last: Option<(u32, u32)>,
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
    /// The last metric that is not configured, and the label that names it.
    unknown_metric: (String, Arc<str>),
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
            screens: parts.screens,
            lookouts: parts.lookouts,
            outlooks: parts.outlooks,
            capacity: parts.capacity,
            lead_time: parts.lead_time,
            voters: parts.voters,
            guards: parts.guards,
            zero: parts.zero,
            labels: Labels {
                observation: "observation".into(),
                unknown_metric: (String::new(), "".into()),
                combine: "combine".into(),
                zero: "zero".into(),
                limits: "limits".into(),
                mode: "mode".into(),
            },
            state: State::default(),
            decision: Decision::default(),
            ranges: Vec::new(),
            votes: Vec::new(),
            proposals: Vec::new(),
            screened: Observation::default(),
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
        self.voters.push(Voter::plain(name.into(), policy));
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
    /// that it has is skipped, so history may overlap; of a metric that no policy forecasts and that is
    /// no regressor nothing is kept. History of a regressor comes before that of the load, so that what it
    /// is worth is learnt.
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
        for outlook in &mut self.outlooks {
            outlook.warm_up_upstream(metric, times, values)?;
        }
        if let Some(outlook) = self.outlooks.iter_mut().find(|outlook| outlook.metric() == metric) {
            let full_load = self.capacity.as_ref().and_then(|known| known.full_load().ok());
            let lead_time = self.lead_time.in_force();
            outlook.warm_up_with(times, values, &mut |outlook, at, load| {
                for voter in &mut self.voters {
                    if voter.policy.outlook() == Some(outlook.settings()) {
                        voter.policy.learn(&Past { at, load, outlook, lead_time, full_load });
                    }
                }
            })?;
        }
        // What is usual is learnt of history too; its mistakes were told above.
        let known = self.metrics.iter().position(|known| &*known.name == metric);
        let known = known.expect("checked: it is known");
        let lookout = self.lookouts.iter_mut().find(|(index, _)| *index == known);
        let mut lookout = lookout.map(|(_, (_, lookout))| lookout);
        let (_, screen) = &mut self.screens[known];
        for (&at, &load) in times.iter().zip(values) {
            screen.warm_up(at, load);
            if let Some(lookout) = &mut lookout {
                lookout.observe(at, load);
            }
        }
        Ok(())
    }

    /// Tells values of a regressor of a metric's forecaster: what is known besides the load, such as
    /// campaigns to come or what has been ordered. It is one that the settings of the forecaster
    /// [`regressors`](crate::forecast::regressors) name.
    ///
    /// Each value holds from its time until the next; a series told anew replaces what was known from its
    /// first time on. Times may lie ahead, so that a campaign is known before it begins; what belongs to a
    /// load should be told before it, and before its history is fed. What is told is part of the snapshot;
    /// the latest 100,000 values are kept, and none is needed that is longer past than the longest lag.
    ///
    /// A regressor with the name of a metric of the configuration is not told: its values are the readings
    /// in the observations, and history for [`warm_up`](Self::warm_up).
    ///
    /// ```
    /// use forescale::{Autoscaler, Duration, Timestamp};
    ///
    /// let mut scaler = Autoscaler::from_text(
    ///     r#"{"max_replicas": 30, "metrics": {"rps": {"kind": "total"}},
    ///         "capacity": {"kind": "fixed", "metric": "rps", "load_per_replica": 100},
    ///         "policies": [{"kind": "predictive", "metric": "rps", "forecaster": {
    ///             "kind": "regressors", "forecaster": "naive",
    ///             "regressors": {"campaign": {"lags": ["0s"]}}}}]}"#,
    /// )?;
    /// // A campaign each third hour brings 900 in place of 400; minute 1860 lies in one.
    /// let minute = |number: i64| Timestamp::from_secs(60 * number);
    /// let hours = (0..35).map(|hour| (minute(60 * hour), f64::from(u8::from(hour % 3 == 0))));
    /// let (times, values): (Vec<_>, Vec<_>) = hours.unzip();
    /// scaler.regressor("rps", "campaign", &times, &values)?;
    /// let loads = (0..1860).map(|at| Some(if at / 60 % 3 == 0 { 900.0 } else { 400.0 }));
    /// let minutes: Vec<_> = (0..1860).map(minute).collect();
    /// scaler.warm_up("rps", &minutes, &loads.collect::<Vec<_>>())?;
    ///
    /// // The last one ended at minute 1860; the next begins at 1980, two hours ahead.
    /// let forecast = scaler.forecast("rps", Duration::from_secs(7800), &[0.5])?;
    /// let forecast = forecast.expect("a day of minutes");
    /// assert!((forecast.row(60)[0] / 400.0 - 1.0).abs() < 0.1);
    /// assert!((forecast.row(125)[0] / 900.0 - 1.0).abs() < 0.1);
    /// # Ok::<(), forescale::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Observation`](crate::ErrorKind::Observation) for a metric that is not configured or
    /// that no policy forecasts, for a name that is none of its forecaster's regressors or that of a metric,
    /// lengths that differ or are above 100,000, times that do not rise, and a value that is not finite;
    /// nothing is taken then.
    pub fn regressor(
        &mut self,
        metric: &str,
        name: &str,
        times: &[Timestamp],
        values: &[f64],
    ) -> Result<(), Error> {
        self.outlook(metric)?;
        let outlook = self.outlooks.iter_mut().find(|outlook| outlook.metric() == metric);
        outlook.expect("just found").regressor(name, times, values)
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
        let outlook = self.outlook(metric)?;
        outlook.forecast(horizon.steps(outlook.step()), quantiles)
    }

    /// How good the forecasts of a metric have been by horizon, beside what needs no model: a row
    /// for each, as [`Outlook::accuracy`] tells them. Empty before the first has met its truth.
    ///
    /// ```
    /// use forescale::forecast::Judged;
    /// use forescale::{Autoscaler, Timestamp};
    ///
    /// let mut scaler = Autoscaler::from_text(
    ///     r#"{
    ///         "max_replicas": 9, "metrics": {"rps": {"kind": "total"}},
    ///         "capacity": {"kind": "fixed", "metric": "rps", "load_per_replica": 100},
    ///         "policies": [{"kind": "predictive", "metric": "rps", "forecaster": {"kind": "naive"}}]
    ///     }"#,
    /// )?;
    /// let times: Vec<_> = (0..60).map(|minute| Timestamp::from_secs(60 * minute)).collect();
    /// let values: Vec<_> = (0..60).map(|minute| Some(500.0 + f64::from(minute % 3))).collect();
    /// scaler.warm_up("rps", &times, &values)?;
    /// let rows = scaler.accuracy("rps")?;
    /// assert_eq!((rows[0].of, rows[1].of), (Judged::Forecast, Judged::AsNow));
    /// assert!(rows[0].ever.coverage > 0.9 && rows[0].ahead.as_secs_f64() == 60.0);
    /// # Ok::<(), forescale::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Observation`](crate::ErrorKind::Observation) for a metric that is not
    /// configured or that no policy forecasts.
    pub fn accuracy(&self, metric: &str) -> Result<Vec<Accuracy>, Error> {
        Ok(self.outlook(metric)?.accuracy())
    }

    /// What the forecast says of a moment, beside the load that came: the forecast from the last
    /// closed step on, at the given quantiles, so that of the observation decided last it knows nothing
    /// yet. `None` where it abstains or does not reach there, ten steps at most.
    ///
    /// ```
    /// use forescale::{Autoscaler, Observation, Timestamp};
    ///
    /// let mut scaler = Autoscaler::from_text(
    ///     r#"{
    ///         "max_replicas": 9, "metrics": {"rps": {"kind": "total"}},
    ///         "capacity": {"kind": "fixed", "metric": "rps", "load_per_replica": 100},
    ///         "policies": [{"kind": "predictive", "metric": "rps", "forecaster": {"kind": "naive"}}]
    ///     }"#,
    /// )?;
    /// let times: Vec<_> = (0..60).map(|minute| Timestamp::from_secs(60 * minute)).collect();
    /// let values: Vec<_> = (0..60).map(|minute| Some(500.0 + f64::from(minute % 3))).collect();
    /// scaler.warm_up("rps", &times, &values)?;
    /// let seen = Observation::at(Timestamp::from_secs(3630)).ready(6).metric("rps", 700.0);
    /// scaler.decide(&seen);
    /// let said = scaler.said("rps", seen.at, Some(700.0), &[0.05, 0.5, 0.95])?;
    /// let said = said.expect("there is history");
    /// assert_eq!(said.came, Some(700.0));
    /// assert!(said.values[2] < 600.0, "nobody expected as much: {}", said.explain());
    /// # Ok::<(), forescale::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`forecast`](Self::forecast).
    pub fn said(
        &self,
        metric: &str,
        at: Timestamp,
        came: Option<f64>,
        quantiles: &[f64],
    ) -> Result<Option<Said>, Error> {
        let forecast = self.outlook(metric)?.forecast(10, quantiles)?;
        Ok(forecast.ok().and_then(|forecast| Said::of(&forecast, at, came)))
    }

    fn outlook(&self, metric: &str) -> Result<&Outlook, Error> {
        self.known(metric)?;
        let outlook = self.outlooks.iter().find(|outlook| outlook.metric() == metric);
        outlook.ok_or_else(|| {
            let message = format!("is \"{metric}\", which no `predictive` policy forecasts");
            Error::observation("metric", message)
        })
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
        if let Some(screened) = self.believe(observation) {
            let seen = screened.as_ref().unwrap_or(observation);
            self.feed(seen, observation);
            self.conclude(observation, screened);
        }
        &self.decision
    }

    /// What comes before the outlooks learn of an observation: its time is checked, its readings are
    /// screened, lead time and capacity learn of it. `None` if its time is not believed: that is
    /// the decision then. Else the observation as it is believed, where that is not as it came.
    pub(crate) fn believe(&mut self, observation: &Observation) -> Option<Option<Observation>> {
        let current = observation.replicas.current();
        self.decision.begin(observation.at, current, self.config.mode);
        let last_at = self.state.clock.last();
        match self.state.clock.tick(observation.at) {
            Tick::Forward => self.follow(last_at, current),
            Tick::SteppedBack => {
                self.lead_time.rebase();
                self.outlooks.iter_mut().for_each(|outlook| outlook.rebase(observation.at));
                self.screens.iter_mut().for_each(|(_, screen)| screen.rebase(observation.at));
                for (_, (_, lookout)) in &mut self.lookouts {
                    lookout.rebase(observation.at);
                }
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
                return None;
            }
        }
        self.tell_unknown(observation);
        self.look_out(observation);
        let mut screened = std::mem::take(&mut self.screened);
        let is_screened = self.screen(observation, &mut screened);
        self.observe(if is_screened { &screened } else { observation }, observation);
        if is_screened {
            return Some(Some(screened));
        }
        self.screened = screened;
        Some(None)
    }

    /// What comes after: the policies propose, the guards hold back, the limits have their say.
    pub(crate) fn conclude(&mut self, observation: &Observation, screened: Option<Observation>) {
        let current = observation.replicas.current();
        let seen = screened.as_ref().unwrap_or(observation);
        let combined = self.propose(seen);
        let mut replicas = self.limit(seen, combined);
        if let Some(screened) = screened {
            self.screened = screened; // its memory is used again
        }
        replicas = self.apply_mode(current, replicas);
        self.tell(observation.at, current, replicas);
        if self.config.mode != Mode::Observe {
            self.lead_time.decided(observation.at, replicas);
        }
        self.state.last = Some((current, replicas));
        self.decision.replicas = replicas;
    }

    /// The decision on the last observation.
    pub(crate) fn decision(&self) -> &Decision {
        &self.decision
    }

    /// The names of the regressors of a metric's forecaster; none where nothing forecasts it.
    pub(crate) fn regressors(&self, metric: &str) -> Vec<&str> {
        self.outlook(metric).map_or(Vec::new(), Outlook::regressors)
    }

    /// What is expected of each metric that is forecast.
    pub(crate) fn outlooks(&self) -> &[Outlook] {
        &self.outlooks
    }

    /// Whether a policy learns of history as it is forecast.
    pub(crate) fn learns(&self) -> bool {
        self.voters.iter().any(|voter| voter.policy.learns())
    }

    /// The policy at a place of the configuration.
    pub(crate) fn policy(&self, place: usize) -> &dyn Policy {
        &*self.voters[place].policy
    }

    /// Exchanges the outlooks, so that those who expect the same can share them.
    pub(crate) fn exchange(&mut self, outlooks: &mut Vec<Outlook>) {
        std::mem::swap(&mut self.outlooks, outlooks);
    }

    /// Who only observes does not decide, so what another one has decided since the last observation
    /// is what policies and guards have to wait after.
    fn follow(&mut self, last_at: Option<Timestamp>, current: u32) {
        if self.config.mode == Mode::Observe
            && let (Some(at), Some((before, _))) = (last_at, self.state.last)
            && before != current
        {
            self.tell(at, before, current);
        }
    }

    fn tell(&mut self, at: Timestamp, current: u32, replicas: u32) {
        for voter in &mut self.voters {
            voter.decided(at, current, replicas);
        }
        for (_, guard) in &mut self.guards {
            guard.decided(at, current, replicas);
        }
    }
}
