//! What stands in for a metric that cannot be read for long: KEDA's fallback.
//!
//! In: whether a metric was read, observation by observation. Out: a replacement once it has failed
//! for too long, as replicas for the loop ([`Fallback`]) or as a metric's value, as KEDA hands it to
//! the Kubernetes HPA ([`value`] and the functions beside it). Knows no policy and no metric source.
//!
//! The functions follow KEDA 2.20 and 2.21. [`Fallback`] differs from it in three points: it answers
//! with replicas instead of a value, so no target has to be taken out again; it can count time
//! instead of failures, as the fallback of the Kubernetes HPA does (KEP 5679); and it has no
//! `scaling_modifiers`, as there are no formulas here.

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::explain::{Reason, codes};
use crate::time::{Duration, Timestamp};

/// Counts how long a metric has been unreadable, and answers with replicas from then on.
///
/// ```
/// use forescale::Timestamp;
/// use forescale::policy::fallback::{Config, Fallback};
///
/// let text = r#"{"failures": 2, "replicas": 6, "behavior": "higher"}"#;
/// let mut fallback = Fallback::new(serde_json::from_str(text).expect("these are settings"))?;
/// let at = Timestamp::from_secs(0);
/// assert_eq!(fallback.failed(at, 9), None);
/// assert_eq!(fallback.failed(at, 9), None);
/// assert_eq!(fallback.failed(at, 9), Some(9)); // the count must exceed the threshold
/// fallback.read();
/// assert_eq!(fallback.failed(at, 9), None);
/// # Ok::<(), forescale::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct Fallback {
    settings: Config,
    /// Failures since the last reading.
    failures: u32,
    /// When the first of them was; without any, none.
    since: Option<Timestamp>,
}

impl Fallback {
    /// From its settings.
    ///
    /// # Errors
    /// If `failures` and `after` are both given, or neither is.
    pub fn new(settings: Config) -> Result<Self, Error> {
        match (settings.failures, settings.after) {
            (Some(_), Some(after)) => {
                let message = format!("is {after}, must not be given beside `failures`");
                Err(Error::config("after", message))
            }
            (None, None) => {
                let message = "is missing as `after` is, one of them must be given";
                Err(Error::config("failures", message))
            }
            _ => Ok(Self { settings, failures: 0, since: None }),
        }
    }

    /// Hears that the metric was read: all failures are forgotten.
    pub fn read(&mut self) {
        (self.failures, self.since) = (0, None);
    }

    /// Hears that the metric could not be read. The replicas to stand in, of `current` ones, once
    /// the failures exceed `failures` or have lasted for `after`; `None` before.
    pub fn failed(&mut self, at: Timestamp, current: u32) -> Option<u32> {
        self.failures = self.failures.saturating_add(1);
        // After a clock that stepped back, time is counted from there, not from the future.
        let since = self.since.unwrap_or(at).min(at);
        self.since = Some(since);
        let by_count = self.settings.failures.is_some_and(|most| self.failures > most);
        let by_time = self.settings.after.is_some_and(|after| at.since(since) >= after);
        let Config { replicas, behavior, .. } = self.settings;
        (by_count || by_time).then(|| behavior.replicas(replicas, current))
    }

    /// Why `replicas` stand in at a time.
    #[must_use]
    pub fn reason(&self, at: Timestamp, replicas: u32) -> Reason {
        let failing = self.since.map_or(Duration::ZERO, |since| at.since(since));
        let facts = [
            ("replicas", f64::from(replicas)),
            ("n_failures", f64::from(self.failures)),
            ("failing_seconds", failing.as_secs_f64()),
        ];
        Reason::new(codes::FALLBACK, facts)
    }
}

/// Settings of [`Fallback`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// It stands in after more consecutive failures than this, from 0 up. Either this or `after`
    /// must be given. KEDA: `failureThreshold`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failures: Option<u32>,
    /// It stands in once every reading has failed for so long, equal being enough; from 0 up.
    /// Counted from the first failed observation. Kubernetes: KEP 5679, there 180 s by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Duration>,
    /// The replicas that stand in. KEDA: `fallback.replicas`; not used where `behavior` is `current`.
    pub replicas: u32,
    /// How these go together with the replicas there are. Default: `static`, as KEDA.
    #[serde(default)]
    pub behavior: Behavior,
}

/// How the fallback's replicas go together with those there are. KEDA: `fallback.behavior`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Behavior {
    /// The fallback's replicas, whatever there are. KEDA: `static`.
    #[default]
    Static,
    /// The replicas there are. KEDA: `currentReplicas`.
    Current,
    /// The larger of the two. KEDA: `currentReplicasIfHigher`.
    Higher,
    /// The smaller of the two. KEDA: `currentReplicasIfLower`.
    Lower,
}

impl Behavior {
    /// The replicas that stand in.
    ///
    /// ```
    /// use forescale::policy::fallback::Behavior;
    ///
    /// assert_eq!(Behavior::Static.replicas(10, 15), 10);
    /// assert_eq!(Behavior::Current.replicas(10, 15), 15);
    /// assert_eq!(Behavior::Higher.replicas(10, 15), 15);
    /// assert_eq!(Behavior::Lower.replicas(10, 15), 10);
    /// ```
    #[must_use]
    pub fn replicas(self, fallback: u32, current: u32) -> u32 {
        match self {
            Self::Static => fallback,
            Self::Current => current,
            Self::Higher => current.max(fallback),
            Self::Lower => current.min(fallback),
        }
    }
}

/// What a snapshot holds, before it is trusted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    settings: Config,
    failures: u32,
    since: Option<Timestamp>,
}

impl TryFrom<Stored> for Fallback {
    type Error = Error;

    fn try_from(Stored { settings, failures, since }: Stored) -> Result<Self, Error> {
        if (failures > 0) != since.is_some() {
            let message = format!("holds {failures} failures, but not the time of the first");
            return Err(Error::snapshot(message));
        }
        Ok(Self { failures, since, ..Self::new(settings)? })
    }
}

/// What is known of a metric's source. KEDA: `status.health`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Consecutive failures.
    pub failures: u32,
    /// Whether the last attempt failed.
    pub failing: bool,
}

/// KEDA's `spec.fallback`, as given: only [`usable`](Self::usable) ones have an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The failures that must be exceeded; a negative number makes the rule unusable.
    pub failure_threshold: i64,
    /// The replicas that stand in; a negative number makes the rule unusable.
    pub replicas: i64,
    /// What takes the place of the value.
    pub stand_in: StandIn,
}

/// What takes the place of a value that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StandIn {
    /// The value that asks for so many replicas.
    Value(Behavior),
    /// Nothing, so that a formula may use another trigger. KEDA: `scalingModifiers`.
    Nothing,
}

/// How a value becomes replicas: divided by the target, or in the ratio to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetType {
    /// The value is that of all replicas together. Kubernetes: `AverageValue`.
    AverageValue,
    /// The value is compared with the target as it is. Kubernetes: `Value`.
    Value,
}

/// A target and its type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Target {
    /// In the metric's unit.
    pub value: f64,
    /// How the value becomes replicas.
    pub kind: TargetType,
}

/// The target of a combining formula. KEDA: `advanced.scalingModifiers`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Modifiers<'a> {
    /// The target as its user wrote it.
    pub target: &'a str,
    /// How the formula's outcome becomes replicas.
    pub kind: TargetType,
}

impl Modifiers<'_> {
    /// The target where a fallback can use it: a positive whole number.
    fn whole_target(&self) -> Option<f64> {
        self.target.parse().ok().filter(|&target: &i64| target > 0).map(|target| target as f64)
    }
}

impl Rule {
    /// Whether the rule has any effect: no negative number in it, and the target of `modifiers`, if
    /// there are any, a positive whole number.
    #[must_use]
    pub fn usable(&self, modifiers: Option<&Modifiers<'_>>) -> bool {
        self.failure_threshold >= 0
            && self.replicas >= 0
            && modifiers.is_none_or(|modifiers| modifiers.whole_target().is_some())
    }

    /// Whether a metric has failed for longer than the rule allows.
    #[must_use]
    pub fn exceeded(&self, health: &Health) -> bool {
        i64::from(health.failures) > self.failure_threshold
    }

    /// Whether any of the metrics is failing for longer than the rule allows. KEDA: the condition
    /// `Fallback`, which is told from the health before the last attempt, so one attempt later.
    #[must_use]
    pub fn any_fallback<'a>(&self, health: impl IntoIterator<Item = &'a Health>) -> bool {
        health.into_iter().any(|health| health.failing && self.exceeded(health))
    }
}

/// What KEDA hands on as a metric's value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Answer {
    /// What was read.
    Reading(f64),
    /// What stands in for it, in the metric's unit.
    Replacement(f64),
    /// Nothing stands in; the formula has to do without.
    Placeholder,
}

/// The reading of a metric or what stands in for it, and its health brought up to date.
///
/// `replicas` are those there are and, of them, the ready ones; `None` if not known. KEDA:
/// `GetMetricsWithFallback`. Without a usable rule `health` is left as it is.
///
/// ```
/// use forescale::policy::fallback::{Answer, Behavior, Health, Rule, StandIn, Target, TargetType, value};
///
/// let rule = Rule { failure_threshold: 3, replicas: 10, stand_in: StandIn::Value(Behavior::Static) };
/// let target = Target { value: 2.5, kind: TargetType::AverageValue };
/// let mut health = Health { failures: 2, failing: true };
/// let mut read = |reading| value(reading, target, Some(&rule), None, &mut health, (None, None));
/// assert!(read(None).is_err()); // the third failure
/// assert_eq!(read(None), Ok(Answer::Replacement(25.0)));
/// assert_eq!(read(Some(7.0)), Ok(Answer::Reading(7.0)));
/// assert_eq!(health, Health::default());
/// ```
///
/// # Errors
/// [`METRIC_MISSING`](codes::METRIC_MISSING) if there is no reading and nothing stands in, also
/// where the behaviour needs the present replicas and they are not known;
/// [`NO_READY_REPLICAS`](codes::NO_READY_REPLICAS) if a [`TargetType::Value`] would be divided by
/// none.
pub fn value(
    reading: Option<f64>,
    target: Target,
    rule: Option<&Rule>,
    modifiers: Option<&Modifiers<'_>>,
    health: &mut Health,
    (current, ready): (Option<u32>, Option<u32>),
) -> Result<Answer, Reason> {
    let failed = Reason::new(codes::METRIC_MISSING, []);
    let usable = rule.filter(|rule| rule.usable(modifiers));
    if let Some(reading) = reading {
        if usable.is_some() {
            *health = Health::default();
        }
        return Ok(Answer::Reading(reading));
    }
    let rule = usable.ok_or(failed)?;
    *health = Health { failures: health.failures.saturating_add(1), failing: true };
    if !rule.exceeded(health) {
        return Err(failed);
    }
    let StandIn::Value(behavior) = rule.stand_in else { return Ok(Answer::Placeholder) };
    let present = if behavior == Behavior::Static { Some(0) } else { current };
    let fixed = u32::try_from(rule.replicas).unwrap_or(u32::MAX);
    let mut replicas = f64::from(behavior.replicas(fixed, present.ok_or(failed)?));

    let Target { value, kind } = match modifiers {
        Some(modifiers) => Target {
            value: modifiers.whole_target().expect("checked: the rule is usable"),
            kind: modifiers.kind,
        },
        None => target,
    };
    if kind == TargetType::Value {
        match ready {
            None | Some(0) => return Err(Reason::new(codes::NO_READY_REPLICAS, [])),
            Some(ready) => replicas /= f64::from(ready),
        }
    }
    // KEDA hands thousandths on.
    Ok(Answer::Replacement((value * 1000.0 * replicas).trunc() / 1000.0))
}

/// A trigger's value as a combining formula sees it: none where the rule leaves it to the formula
/// and the trigger has failed for longer than the rule allows.
#[must_use]
pub fn modifier_input(value: f64, rule: Option<&Rule>, health: Option<&Health>) -> Option<f64> {
    let lost = rule
        .zip(health)
        .is_some_and(|(rule, health)| rule.stand_in == StandIn::Nothing && rule.exceeded(health));
    (!lost).then_some(value)
}

/// The two formulas that need no language of their own; KEDA evaluates any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Formula {
    /// The sum of all; nothing if one is missing.
    Sum,
    /// The first that is not missing. KEDA: `a ?? b`.
    FirstPresent,
}

/// The outcome of a combining formula; without one, as many times the `target` as the fallback has
/// replicas. `None` if there is no fallback either.
///
/// ```
/// use forescale::policy::fallback::{Formula, composite};
///
/// assert_eq!(composite(Formula::Sum, [Some(3.0), Some(4.0)], 2.0, Some(7)), Some(7.0));
/// assert_eq!(composite(Formula::Sum, [Some(3.0), None], 2.0, Some(7)), Some(14.0));
/// assert_eq!(composite(Formula::FirstPresent, [None, Some(3.0)], 2.0, Some(7)), Some(3.0));
/// assert_eq!(composite(Formula::FirstPresent, [], 2.0, None), None);
/// ```
#[must_use]
pub fn composite(
    formula: Formula,
    values: impl IntoIterator<Item = Option<f64>>,
    target: f64,
    fallback_replicas: Option<i64>,
) -> Option<f64> {
    let mut values = values.into_iter();
    let outcome = match formula {
        Formula::Sum => values.try_fold(0.0, |sum, value| Some(sum + value?)),
        Formula::FirstPresent => values.flatten().next(),
    };
    outcome.or_else(|| fallback_replicas.map(|replicas| replicas as f64 * target))
}

/// The mean of the targets of a trigger's metrics; 0 if there is none.
#[must_use]
pub fn average_target(targets: &[f64]) -> f64 {
    if targets.is_empty() {
        return 0.0;
    }
    targets.iter().fold(0.0, |sum, target| sum + target) / targets.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fallback(settings: &str) -> Fallback {
        Fallback::new(serde_json::from_str(settings).expect("these are settings"))
            .expect("the settings are right")
    }

    #[test]
    fn by_time_it_stands_in_once_the_whole_of_it_has_passed() {
        let mut fallback = fallback(r#"{"after": "3m", "replicas": 6}"#);
        // second -> replicas; a reading in between starts it anew.
        for (second, want) in [(0, None), (60, None), (179, None), (180, Some(6)), (400, Some(6))] {
            assert_eq!(fallback.failed(Timestamp::from_secs(second), 9), want, "at {second} s");
        }
        let reason = fallback.reason(Timestamp::from_secs(400), 6);
        assert_eq!(reason.fact("n_failures"), Some(5.0));
        assert_eq!(reason.fact("failing_seconds"), Some(400.0));
        fallback.read();
        assert_eq!(fallback.failed(Timestamp::from_secs(500), 9), None);
        assert_eq!(fallback.failed(Timestamp::from_secs(680), 9), Some(6));
    }

    #[test]
    fn a_clock_that_steps_back_starts_the_time_anew() {
        let mut fallback = fallback(r#"{"after": "3m", "replicas": 6}"#);
        for (second, want) in [(86_400, None), (0, None), (179, None), (180, Some(6))] {
            assert_eq!(fallback.failed(Timestamp::from_secs(second), 9), want, "at {second} s");
        }
    }

    #[test]
    fn no_failure_is_allowed_where_the_threshold_is_zero() {
        let mut fallback = fallback(r#"{"failures": 0, "replicas": 6, "behavior": "lower"}"#);
        assert_eq!(fallback.failed(Timestamp::from_secs(0), 4), Some(4));
        assert_eq!(fallback.failed(Timestamp::from_secs(0), 9), Some(6));
    }

    #[test]
    fn one_of_the_two_ways_to_count_must_be_chosen() {
        for (settings, want) in [
            (r#"{"replicas": 6}"#, "`failures` is missing as `after` is"),
            (r#"{"replicas": 6, "failures": 3, "after": 9}"#, "`after` is 9s, must not be given"),
        ] {
            let settings = serde_json::from_str(settings).expect("these are settings");
            let error = Fallback::new(settings).expect_err(want);
            assert!(error.to_string().contains(want), "{error}");
        }
    }

    #[test]
    fn state_survives_and_damaged_state_is_refused() {
        let mut one = fallback(r#"{"failures": 2, "replicas": 6}"#);
        one.failed(Timestamp::from_secs(0), 9);
        one.failed(Timestamp::from_secs(15), 9);
        let saved = serde_json::to_value(&one).expect("it can be written");
        let mut other: Fallback = serde_json::from_value(saved.clone()).expect("it was written");
        assert_eq!(other.failed(Timestamp::from_secs(30), 9), Some(6));
        let mut damaged = saved;
        damaged["since"] = serde_json::Value::Null;
        assert!(serde_json::from_value::<Fallback>(damaged).is_err());
    }
}
