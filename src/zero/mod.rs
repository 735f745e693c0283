//! Scale to and from zero: activity of triggers, the grace after it, and when work is to come back.
//!
//! In: an observation, the replicas there are and those that came out so far. Out: the replicas to
//! go on with, and the reason if they differ. Knows no policy, no guard and no limits but zero.
//!
//! The rule is that of KEDA 2.21, which [`activation`] has to the letter: active if any trigger is above
//! its threshold, asleep once it has been inactive for long enough, and whoever is active has at
//! least one replica whatever the policies want. [`Zero`] differs from it in six points:
//!
//! - The grace counts from the first idle observation, not from the last active one.
//! - The whole of the grace is enough; in KEDA it must be exceeded.
//! - A trigger that cannot be read begins the grace anew; in KEDA it goes on meanwhile.
//! - A workload that was never active has the same grace unless `initial_grace` is set, where KEDA
//!   has none; and that counts from the first idle observation too, KEDA's from the creation.
//! - There is no idle size but zero, no pause and no forced activation, and what cannot be read
//!   always holds: KEDA with a fallback of 0 replicas goes to zero without a reading.
//! - With `learn_arrivals` the idle times so far take the place of the grace (`arrivals.rs`), and a
//!   workload is woken before its work.

pub mod activation;
mod arrivals;

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::explain::{Reason, codes};
use crate::series::{MetricKind, Observation, total_load};
use crate::time::{Duration, Timestamp};
use activation::any_active;
use arrivals::Arrivals;

/// Keeps a workload at zero while it is idle, and awake while it is not.
///
/// ```
/// use forescale::zero::Zero;
/// use forescale::{Observation, Timestamp};
///
/// let settings = serde_json::from_str(r#"{"metric": "rps", "idle_grace": "1m"}"#).unwrap();
/// let mut zero = Zero::new(&settings)?;
/// let mut asked = |second, rps: f64| {
///     let seen = Observation::at(Timestamp::from_secs(second)).ready(1).metric("rps", rps);
///     zero.hold(&seen, 1, 0).0
/// };
/// assert_eq!((asked(0, 3.0), asked(30, 0.0), asked(60, 0.0), asked(90, 0.0)), (1, 1, 1, 0));
/// # Ok::<(), forescale::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Zero {
    triggers: Vec<Trigger>,
    idle_grace: Duration,
    initial_grace: Duration,
    learns: bool,
    lead_time: Duration,
    state: State,
}

/// What is remembered between two observations.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct State {
    /// Since when the load has not been above any threshold.
    idle_since: Option<Timestamp>,
    /// Whether it has ever been.
    was_active: bool,
    /// Where they are learnt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    arrivals: Option<Arrivals>,
}

impl Zero {
    /// From its settings.
    ///
    /// # Errors
    /// If a setting is out of its range, or triggers are given in both forms or in neither.
    pub fn new(settings: &Config) -> Result<Self, Error> {
        let Config { idle_grace, initial_grace, learn_arrivals: learns, .. } = *settings;
        let triggers = settings.each_trigger()?;
        let initial_grace = initial_grace.unwrap_or(idle_grace);
        let (lead_time, state) = (Duration::ZERO, State::default());
        Ok(Self { triggers, idle_grace, initial_grace, learns, lead_time, state })
    }

    pub(crate) fn state(&self) -> State {
        self.state.clone()
    }

    pub(crate) fn take_up(&mut self, state: State) {
        self.state = State { arrivals: state.arrivals.filter(|_| self.learns), ..state };
    }

    /// Hears how long a replica takes to get ready; 0 until then.
    pub fn follow(&mut self, lead_time: Duration) {
        self.lead_time = lead_time;
    }

    /// Hears of an observation on which it is not asked: not looked at is not idle.
    pub fn pass_over(&mut self) {
        self.state.idle_since = None;
    }

    /// The replicas to go on with, and why if they are not `replicas`.
    pub fn hold(
        &mut self,
        observation: &Observation,
        current: u32,
        replicas: u32,
    ) -> (u32, Option<Reason>) {
        let (answer, reason) = match self.activity(observation) {
            // Not read is not idle: neither goes to zero nor wakes up.
            Err(reason) => {
                self.state.idle_since = None;
                (if current == 0 { 0 } else { replicas.max(1) }, reason)
            }
            Ok(Some((load, activation))) => {
                if let (true, Some(since)) =
                    (self.learns && self.state.was_active, self.state.idle_since)
                {
                    let arrivals = self.state.arrivals.get_or_insert_default();
                    arrivals.learn(observation.at.since(since));
                }
                (self.state.idle_since, self.state.was_active) = (None, true);
                let facts = [("load", load), ("activation", activation)];
                (replicas.max(1), Reason::new(codes::ACTIVATED, facts))
            }
            Ok(None) => {
                let at = observation.at;
                let since = self.state.idle_since.unwrap_or(at).min(at);
                self.state.idle_since = Some(since);
                self.idle(at.since(since), current, replicas)
            }
        };
        (answer, (answer != replicas).then_some(reason))
    }

    /// The replicas of a workload that has been idle for so long, and why.
    fn idle(&self, idle: Duration, current: u32, replicas: u32) -> (u32, Reason) {
        let seconds = Duration::as_secs_f64;
        let idle_fact = ("idle_seconds", seconds(idle));
        let arrivals = self.state.arrivals.as_ref().filter(|_| self.state.was_active);
        let awake = arrivals.and_then(|arrivals| arrivals.awake(self.lead_time));
        if let Some((from, until)) = awake {
            let facts = |name, time| [idle_fact, (name, seconds(time))];
            return if idle < from {
                (0, Reason::new(codes::ASLEEP, facts("until_seconds", from)))
            } else if idle <= until {
                (replicas.max(1), Reason::new(codes::ARRIVAL_DUE, facts("until_seconds", until)))
            } else {
                (0, Reason::new(codes::IDLE, [idle_fact]))
            };
        }
        let grace = self.grace();
        if current == 0 || idle >= grace {
            (0, Reason::new(codes::IDLE, [idle_fact]))
        } else {
            let facts = [idle_fact, ("grace_seconds", seconds(grace))];
            (replicas.max(1), Reason::new(codes::IDLE_GRACE, facts))
        }
    }

    fn grace(&self) -> Duration {
        if self.state.was_active { self.idle_grace } else { self.initial_grace }
    }

    /// Load and threshold of the first trigger that is active, if any is.
    ///
    /// # Errors
    /// Why the first that cannot be read cannot, if none of the others is active.
    fn activity(&self, observation: &Observation) -> Result<Option<(f64, f64)>, Reason> {
        let mut unread = None;
        for Trigger { metric, activation } in &self.triggers {
            let load = observation
                .metrics
                .get(metric)
                .ok_or_else(|| Reason::new(codes::METRIC_MISSING, []))
                .and_then(|reading| reading.usage(MetricKind::Total))
                .and_then(|usage| total_load(usage, MetricKind::Total, observation.replicas.ready));
            match load {
                Ok(load) if any_active([(load, *activation)]) => {
                    return Ok(Some((load, *activation)));
                }
                Ok(_) => {}
                Err(reason) => unread = unread.or(Some(reason)),
            }
        }
        unread.map_or(Ok(None), Err)
    }
}

/// Settings of scaling to and from zero: KEDA's activation thresholds and cooldowns.
///
/// ```
/// use forescale::ZeroConfig;
///
/// let one: ZeroConfig = serde_json::from_str(r#"{"metric": "rps", "activation": 5}"#).unwrap();
/// let several: ZeroConfig =
///     serde_json::from_str(r#"{"triggers": [{"metric": "rps", "activation": 5}]}"#).unwrap();
/// assert_eq!(one.each_trigger(), several.each_trigger());
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The metric that tells whether there is work, of kind `total`: no other has a reading at
    /// zero. Either this or `triggers` must be given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<String>,
    /// Above this load of `metric`, strictly, the workload is active. In the load's unit, from 0.
    /// Default: 0. KEDA: the trigger's activation value.
    #[serde(default)]
    pub activation: f64,
    /// Several metrics that tell whether there is work; one that is active is enough, and each
    /// names its metric once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub triggers: Vec<Trigger>,
    /// So long without activity before the last replica goes. Default: 5 minutes, as KEDA's
    /// `cooldownPeriod`.
    #[serde(default = "five_minutes")]
    pub idle_grace: Duration,
    /// The same for a workload that was never seen active. Default: that of `idle_grace`, so that a
    /// start without a snapshot puts nothing to sleep; 0 is the default of KEDA's
    /// `initialCooldownPeriod`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_grace: Option<Duration>,
    /// Whether the idle times so far say when work comes back: then the workload sleeps until a lead
    /// time before the earliest of them, is awake until the latest, and has the graces above only
    /// where there is no pattern. The rule is that of Shahrad et al. 2020, "Serverless in the Wild".
    /// Default: false, as KEDA.
    #[serde(default, skip_serializing_if = "is_false")]
    pub learn_arrivals: bool,
}

/// A metric that tells whether there is work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Trigger {
    /// The metric, of kind `total`: no other has a reading at zero.
    pub metric: String,
    /// Above this load, strictly, it is active. In the load's unit, from 0. Default: 0.
    #[serde(default)]
    pub activation: f64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "as serde has it")]
fn is_false(flag: &bool) -> bool {
    !flag
}

fn five_minutes() -> Duration {
    Duration::from_secs(300)
}

impl Config {
    /// The triggers, whichever way they were given; checked, but for the metrics' kinds.
    ///
    /// # Errors
    /// If they are given in both forms or in neither, a metric comes twice, or a threshold is no
    /// number from 0 up.
    pub fn each_trigger(&self) -> Result<Vec<Trigger>, Error> {
        let Self { metric, activation, triggers, .. } = self;
        let sound = |activation: f64| {
            if activation.is_finite() && activation >= 0.0 {
                return Ok(());
            }
            let message = format!("is {activation}, must be a number from 0 up");
            Err(Error::config("activation", message))
        };
        sound(*activation)?;
        match metric {
            Some(metric) if triggers.is_empty() => {
                return Ok(vec![Trigger { metric: metric.clone(), activation: *activation }]);
            }
            Some(metric) => {
                let message = format!("is \"{metric}\", must not be given beside `triggers`");
                return Err(Error::config("metric", message));
            }
            None if triggers.is_empty() => {
                let message = "is missing as `triggers` is, one of them must be given";
                return Err(Error::config("metric", message));
            }
            None if *activation != 0.0 => {
                let message = format!("is {activation}, must be given in each of the `triggers`");
                return Err(Error::config("activation", message));
            }
            None => {}
        }
        for (index, Trigger { metric, activation }) in triggers.iter().enumerate() {
            let inside = |error: Error| error.at(&format!("triggers[{index}]"));
            sound(*activation).map_err(inside)?;
            if triggers[..index].iter().any(|before| before.metric == *metric) {
                let message = format!("is \"{metric}\", which another trigger has");
                return Err(inside(Error::config("metric", message)));
            }
        }
        Ok(triggers.clone())
    }

    /// Refuses metrics that have no reading at zero; `kind_of` knows the configured ones.
    ///
    /// # Errors
    /// As [`each_trigger`](Self::each_trigger), and for a metric that is not of kind `total`.
    pub(crate) fn check(
        &self,
        kind_of: impl Fn(&str) -> Result<MetricKind, Error>,
    ) -> Result<(), Error> {
        for (index, Trigger { metric, .. }) in self.each_trigger()?.iter().enumerate() {
            let inside = |error: Error| match self.metric {
                Some(_) => error,
                None => error.at(&format!("triggers[{index}]")),
            };
            if kind_of(metric).map_err(inside)? != MetricKind::Total {
                let message = format!(
                    "is \"{metric}\", which has no reading at zero replicas, must be of kind `total`"
                );
                return Err(inside(Error::config("metric", message)));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zero(settings: &str) -> Zero {
        let settings = serde_json::from_str(settings).expect("these are settings");
        Zero::new(&settings).expect("the settings are right")
    }

    fn seen(second: i64, ready: u32) -> Observation {
        Observation::at(Timestamp::from_secs(second)).ready(ready)
    }

    #[test]
    fn one_active_trigger_wakes_and_an_unread_one_only_stays_the_grace() {
        let triggers = r#"{"triggers": [{"metric": "rps", "activation": 5}, {"metric": "queue"}],
            "idle_grace": "1m"}"#;
        let mut zero = zero(triggers);
        let none = None::<f64>;
        for (second, rps, queue, current, want, code) in [
            (0, Some(5.0), Some(0.0), 0, 0, None),
            (15, Some(5.0), Some(1.0), 0, 1, Some("activated")),
            (30, none, Some(1.0), 0, 1, Some("activated")),
            (45, Some(9.0), none, 0, 1, Some("activated")),
            (60, Some(0.0), none, 0, 0, None),
            (60, Some(0.0), none, 1, 1, Some("metric_missing")),
            (75, Some(0.0), Some(0.0), 1, 1, Some("idle_grace")),
            (134, Some(0.0), Some(0.0), 1, 1, Some("idle_grace")),
            (135, Some(0.0), Some(0.0), 1, 0, None),
        ] {
            let seen = seen(second, current).metric("rps", rps).metric("queue", queue);
            let (answer, reason) = zero.hold(&seen, current, 0);
            assert_eq!(answer, want, "at {second} s");
            assert_eq!(reason.map(|reason| reason.code()), code, "at {second} s");
        }
    }

    #[test]
    fn who_was_never_active_has_the_initial_grace() {
        for (initial, last_awake) in [("", 119), (r#", "initial_grace": 0"#, -1)] {
            let mut zero = zero(&format!(r#"{{"metric": "rps", "idle_grace": 120{initial}}}"#));
            for second in [0, 119, 120] {
                let (answer, _) = zero.hold(&seen(second, 1).metric("rps", 0.0), 1, 3);
                assert_eq!(answer > 0, second <= last_awake, "at {second} s with {initial:?}");
            }
            zero.hold(&seen(200, 1).metric("rps", 1.0), 1, 1);
            let (answer, _) = zero.hold(&seen(215, 1).metric("rps", 0.0), 1, 1);
            assert_eq!(answer, 1, "it has been active with {initial:?}");
        }
    }

    /// A minute of work every half hour, 2 minutes to start; from the twelfth time on it is known.
    #[test]
    fn a_workload_that_learns_sleeps_and_is_ready_just_before_its_work() {
        let run = |settings: &str, at_random: bool| {
            let mut zero = zero(settings);
            zero.follow(Duration::from_secs(120));
            let mut random = crate::testing::uniform(5);
            let (mut next, mut current, mut n_cold, mut n_awake) = (0.0, 0, 0, 0);
            let (mut starting, mut n_works) = (0, 0);
            for minute in 0..(24 * 60 * 4) {
                let is_new = f64::from(minute) >= next;
                if is_new {
                    let gap = if at_random { -30.0 * libm::log(1.0 - random()) } else { 30.0 };
                    next += gap.max(2.0);
                    n_works += 1;
                    // Of the last three days.
                    n_cold += u32::from(current == 0 && minute > 24 * 60);
                }
                let rps = if is_new { 5.0 } else { 0.0 };
                let seen = seen(60 * i64::from(minute), current).metric("rps", rps);
                let (wanted, _) = zero.hold(&seen, current, u32::from(is_new));
                starting = if wanted > current { starting + 1 } else { 0 };
                if wanted < current || starting >= 2 {
                    (current, starting) = (wanted, 0);
                }
                n_awake += u32::from(minute > 24 * 60 && wanted > 0);
            }
            assert!(n_works > 100);
            (n_cold, f64::from(n_awake) / f64::from(3 * 24 * 60))
        };
        let fixed = run(r#"{"metric": "rps"}"#, false);
        let learnt = run(r#"{"metric": "rps", "learn_arrivals": true}"#, false);
        assert_eq!((fixed.0, learnt.0), (143, 0));
        assert!(learnt.1 < 0.2, "asleep most of the time: {learnt:?}");
        // Where it comes at any time, being awake for most of it is what spares the starts.
        let fixed = run(r#"{"metric": "rps"}"#, true);
        let learnt = run(r#"{"metric": "rps", "learn_arrivals": true}"#, true);
        assert!(learnt.0 <= fixed.0, "{learnt:?}, {fixed:?}");
    }

    #[test]
    fn both_forms_at_once_and_neither_are_refused() {
        for (settings, want) in [
            ("{}", "`metric` is missing as `triggers` is"),
            (r#"{"metric": "a", "triggers": [{"metric": "b"}]}"#, "`metric` is \"a\", must not be"),
            (r#"{"activation": 2, "triggers": [{"metric": "b"}]}"#, "`activation` is 2, must be"),
            (r#"{"metric": "a", "activation": -1}"#, "`activation` is -1"),
            (
                r#"{"triggers": [{"metric": "b", "activation": -1}]}"#,
                "`triggers[0].activation` is -1",
            ),
            (
                r#"{"triggers": [{"metric": "b"}, {"metric": "b"}]}"#,
                "`triggers[1].metric` is \"b\", which another trigger has",
            ),
        ] {
            let settings: Config = serde_json::from_str(settings).expect("these are settings");
            let error = Zero::new(&settings).expect_err(want);
            assert!(error.to_string().contains(want), "{error}");
        }
    }
}
