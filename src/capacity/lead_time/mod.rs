//! From a replica's request to its readiness: known, or learnt from what is seen.
//!
//! In: the replicas at each observation and what was decided. Out: the lead time in force. Knows
//! neither metrics nor policies.
//!
//! Why is it no role with a catalog? A duration alone must go on meaning a known lead time, and a
//! host that knows better sets that.

mod learned;
mod starts;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

pub use learned::{Config as LearnedLeadTime, Learned};
pub use starts::{Start, Starts};

use crate::Error;
use crate::catalog::{settings, take_kind, unknown_kind};
use crate::series::Replicas;
use crate::time::{Duration, Timestamp};

/// Settings of the lead time: a duration, or `{ kind: learned, initial: 90s }`; the text `learned`
/// alone is that kind with its defaults.
///
/// ```
/// use forescale::Duration;
/// use forescale::capacity::LeadTimeConfig;
///
/// let known: LeadTimeConfig = serde_json::from_str(r#""90s""#)?;
/// assert_eq!(known, Duration::from_secs(90).into());
/// let learned: LeadTimeConfig = serde_json::from_str(r#"{"kind": "learned", "initial": "90s"}"#)?;
/// assert_eq!(learned.initial(), Duration::from_secs(90));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum LeadTimeConfig {
    /// Known beforehand. In text: a duration, or `{ kind: fixed, duration: 90s }`.
    Fixed(Duration),
    /// Learnt from what is seen.
    Learned(LearnedLeadTime),
}

impl LeadTimeConfig {
    /// The kinds, as the configuration names them.
    pub const KINDS: &'static [&'static str] = &["fixed", "learned"];

    /// The lead time that is in force before anything was seen.
    #[must_use]
    pub fn initial(&self) -> Duration {
        match self {
            Self::Fixed(duration) => *duration,
            Self::Learned(settings) => settings.initial,
        }
    }

    /// The longest lead time that may come into force.
    #[must_use]
    pub fn longest(&self) -> Duration {
        match self {
            Self::Fixed(duration) => *duration,
            Self::Learned(settings) => settings.longest(),
        }
    }

    /// Builds the member.
    ///
    /// # Errors
    /// If a setting is out of its range.
    pub fn build(self) -> Result<LeadTime, Error> {
        Ok(match self {
            Self::Fixed(duration) => LeadTime::Fixed(duration),
            Self::Learned(settings) => LeadTime::Learned(Learned::new(settings)?),
        })
    }
}

impl Default for LeadTimeConfig {
    fn default() -> Self {
        Self::Fixed(Duration::from_secs(120)) // a container that pulls its image and warms up
    }
}

impl From<Duration> for LeadTimeConfig {
    fn from(duration: Duration) -> Self {
        Self::Fixed(duration)
    }
}

/// The lead time of one workload.
///
/// ```
/// use forescale::capacity::LeadTimeConfig;
/// use forescale::series::Replicas;
/// use forescale::{Duration, Timestamp};
///
/// let settings: LeadTimeConfig =
///     serde_json::from_str(r#"{"kind": "learned", "initial": "2m"}"#)?;
/// let mut lead_time = settings.build()?;
/// // Every ten minutes one replica more is asked for, and is ready at the third look after.
/// for look in 0..600_i64 {
///     let (at, n) = (Timestamp::from_secs(15 * look), (look / 40) as u32);
///     let ready = if look % 40 < 3 { n } else { n + 1 };
///     lead_time.see(at, Replicas { ready, pending: n + 1 - ready, requested: None });
///     lead_time.decided(at, if look % 40 == 39 { n + 2 } else { n + 1 });
/// }
/// // Decided a look before, so the start took 45 to 60 seconds.
/// assert_eq!(lead_time.in_force(), Duration::from_millis(58_500));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum LeadTime {
    /// Known beforehand.
    Fixed(Duration),
    /// Learnt from what is seen.
    Learned(Learned),
}

impl LeadTime {
    /// The time from a replica's request to its readiness to reckon with now.
    #[must_use]
    pub fn in_force(&self) -> Duration {
        match self {
            Self::Fixed(duration) => *duration,
            Self::Learned(learned) => learned.in_force(),
        }
    }

    /// The replicas whose start it was learnt from so far; `None` if it is known beforehand.
    #[must_use]
    pub fn n_starts(&self) -> Option<u64> {
        match self {
            Self::Fixed(_) => None,
            Self::Learned(learned) => Some(learned.n_starts()),
        }
    }

    /// Takes in the replicas there are; true if another lead time is in force from now on.
    pub fn see(&mut self, at: Timestamp, replicas: Replicas) -> bool {
        match self {
            Self::Fixed(_) => false,
            Self::Learned(learned) => learned.see(at, replicas),
        }
    }

    /// Hears what size is asked for from `at` on; not to be called where nobody acts upon it.
    pub fn decided(&mut self, at: Timestamp, replicas: u32) {
        if let Self::Learned(learned) = self {
            learned.decided(at, replicas);
        }
    }

    /// Goes on from a clock that was set back: what is starting now tells nothing.
    pub fn rebase(&mut self) {
        if let Self::Learned(learned) = self {
            learned.rebase();
        }
    }

    /// Settings and state as a JSON value; `None` for one that is known beforehand.
    ///
    /// # Errors
    /// If it cannot be written as JSON.
    pub fn save(&self) -> Result<Option<Value>, Error> {
        let Self::Learned(learned) = self else { return Ok(None) };
        let value = serde_json::to_value(learned);
        value.map(Some).map_err(|error| Error::snapshot(format!("cannot be written: {error}")))
    }

    /// Takes over what [`save`](Self::save) wrote; nothing if the lead time is known beforehand or
    /// nothing was saved.
    ///
    /// # Errors
    /// If `saved` is damaged; this one is then unchanged.
    pub fn load(&mut self, saved: Option<Value>) -> Result<(), Error> {
        if let (Self::Learned(learned), Some(saved)) = (self, saved) {
            *learned = serde_json::from_value(saved).map_err(|error| {
                Error::snapshot(format!("holds a lead time that is damaged: {error}"))
            })?;
        }
        Ok(())
    }
}

/// `{ kind: fixed, duration: 90s }`, the long form of a duration.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct Fixed {
    /// The time from a replica's request to its readiness.
    duration: Duration,
}

impl<'de> Deserialize<'de> for LeadTimeConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error as _;

        let given = Value::deserialize(deserializer)?;
        let is_kind = given.as_str().is_some_and(|text| Self::KINDS.contains(&text));
        if !is_kind && !given.is_object() {
            return Duration::deserialize(given).map(Self::Fixed).map_err(D::Error::custom);
        }
        let (kind, rest) = take_kind(given, Self::KINDS).map_err(D::Error::custom)?;
        match kind.as_str() {
            "fixed" => settings(rest).map(|Fixed { duration }| Self::Fixed(duration)),
            "learned" => settings(rest).map(Self::Learned),
            _ => Err(unknown_kind(&kind, Self::KINDS, &[])),
        }
    }
}

impl Serialize for LeadTimeConfig {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(tag = "kind", rename_all = "snake_case")]
        enum Tagged<'a> {
            Learned(&'a LearnedLeadTime),
        }
        match self {
            Self::Fixed(duration) => duration.serialize(serializer),
            Self::Learned(settings) => Tagged::Learned(settings).serialize(serializer),
        }
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for LeadTimeConfig {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "LeadTimeConfig".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        #[derive(schemars::JsonSchema)]
        #[schemars(tag = "kind", rename_all = "snake_case")]
        #[allow(dead_code, reason = "for its schema only")]
        enum Kinds {
            Fixed(Fixed),
            Learned(LearnedLeadTime),
        }
        let duration = generator.subschema_for::<Duration>();
        let kinds = Kinds::json_schema(generator);
        schemars::json_schema!({
            "description": "A duration, or how it is learnt",
            "anyOf": [duration, kinds]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_a_duration_or_of_a_kind() {
        let read = |text: &str| serde_json::from_str::<LeadTimeConfig>(text);
        let minutes = |n: u32| Duration::from_secs(60 * n);
        for text in [r#""2m""#, "120", r#"{"kind": "fixed", "duration": "2m"}"#] {
            let settings = read(text).expect(text);
            assert_eq!(settings, minutes(2).into());
            assert_eq!(serde_json::to_string(&settings).expect("a text"), r#""2m""#);
        }
        let learned = read(r#""learned""#).expect("its defaults");
        assert_eq!((learned.initial(), learned.longest()), (minutes(2), minutes(20)));
        let text = serde_json::to_string(&learned).expect("a text");
        assert!(text.starts_with(r#"{"kind":"learned","initial":"2m""#), "{text}");
        assert_eq!(read(&text).expect("its own text"), learned);

        for (text, want) in [
            (r#""soon""#, "is \"soon\", must be a duration"),
            ("-5", "is -5 seconds, must be from 0"),
            (r#"{"initial": "2m"}"#, "has no `kind`, must be one of \"fixed\", \"learned\""),
            (r#"{"kind": "learnt"}"#, "did you mean `learned`?"),
            (r#""fixed""#, "missing field `duration`"),
            (r#"{"kind": "learned", "quantil": 0.9}"#, "unknown field `quantil`"),
        ] {
            let error = read(text).expect_err(text).to_string();
            assert!(error.contains(want), "{text}: {error}");
        }
    }
}
