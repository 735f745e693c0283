//! Settings of the screening of one metric.
//!
//! In: what the configuration says. Out: checked settings and their defaults. Judges nothing.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Error;
use crate::catalog;
use crate::time::Duration;

/// What is done with a reading that is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Treatment {
    /// The metric has no reading for now: what it alone scales keeps its replicas.
    Hold,
    /// The nearest value that would be plausible takes its place.
    Cap,
    /// The forecast of the load takes its place where one is believed, else the last good value; for
    /// a bounded time, after which it is as `hold`.
    Substitute,
    /// It is acted upon and learnt from, with the finding told beside.
    Pass,
}

/// Settings of [`Screen`](super::Screen): what is done with each finding, and for how long.
///
/// In text a mapping, or `off` for no screening at all.
///
/// ```
/// use forescale::detect::ScreenConfig;
/// use forescale::detect::screen::Treatment;
///
/// let settings: ScreenConfig = serde_json::from_str(r#"{"zero": "substitute"}"#)?;
/// assert_eq!((settings.zero, settings.rise), (Treatment::Substitute, Treatment::Hold));
/// let off: ScreenConfig = serde_json::from_str(r#""off""#)?;
/// assert!(!off.enabled && settings.enabled);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Whether anything is screened; `false` is the text `off`. Default: true.
    pub enabled: bool,
    /// NaN, infinite or negative: `hold` (the default), `substitute` or `pass` (each policy then says
    /// that it cannot read the metric). A single replica's is left out.
    pub invalid: Treatment,
    /// A rise beyond all that was usual; from the next observation on that confirms it, it passes in
    /// full. Default: `hold`.
    pub rise: Treatment,
    /// A fall beyond all that was usual, to less than a tenth. Default: `hold`, until it is over or
    /// accepted.
    pub fall: Treatment,
    /// Zero beside a busy past, as a source that is down often reads. Default: `hold`.
    pub zero: Treatment,
    /// About a thousand times the load, beyond all of the day: another unit. Default: `hold`.
    pub unit: Treatment,
    /// The same number for twice as long as this metric ever kept one: `hold` (the default),
    /// `substitute` or `pass`.
    pub stuck: Treatment,
    /// A replica that reads far above or below its siblings, of four or more: `cap` (the default)
    /// brings it to the nearest plausible value, `substitute` to the median, `hold` leaves it out.
    pub replica: Treatment,
    /// A fall or another unit that lasts so long is the new normal. Default 10m: twice the time for
    /// which the Kubernetes HPA waits with a scale-down anyway.
    pub accept_after: Duration,
    /// A load of zero that lasts so long is true. Default 1h: to take away what serves costs more
    /// than an hour of too many replicas, and a source is rarely down for longer unnoticed.
    pub accept_zero_after: Duration,
    /// A number that stands still for so long is true. Default 1h, as for a zero.
    pub accept_stuck_after: Duration,
    /// So long something takes the place of readings at most, counted from the last good one. Default
    /// 30m.
    pub substitute_for: Duration,
    /// Nothing is found before so many values were seen, at least 10. Default 30.
    pub samples: u32,
}

impl Default for Config {
    fn default() -> Self {
        let minutes = |n: u32| Duration::from_secs(60 * n);
        Self {
            enabled: true,
            invalid: Treatment::Hold,
            rise: Treatment::Hold,
            fall: Treatment::Hold,
            zero: Treatment::Hold,
            unit: Treatment::Hold,
            stuck: Treatment::Hold,
            replica: Treatment::Cap,
            accept_after: minutes(10),
            accept_zero_after: minutes(60),
            accept_stuck_after: minutes(60),
            substitute_for: minutes(30),
            samples: 30,
        }
    }
}

impl Config {
    /// Screening that is off.
    #[must_use]
    pub fn off() -> Self {
        Self { enabled: false, ..Self::default() }
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// If one is out of its range, or a treatment means nothing for its finding.
    pub fn check(&self) -> Result<(), Error> {
        for (field, treatment) in [("invalid", self.invalid), ("stuck", self.stuck)] {
            if treatment == Treatment::Cap {
                let message = "is cap, must be hold, substitute or pass, as there is no bound";
                return Err(Error::config(field, message));
            }
        }
        if self.samples < 10 {
            let message = format!("is {}, must be at least 10", self.samples);
            return Err(Error::config("samples", message));
        }
        Ok(())
    }
}

/// The fields of [`Config`] as they stand in text.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
struct Fields {
    invalid: Treatment,
    rise: Treatment,
    fall: Treatment,
    zero: Treatment,
    unit: Treatment,
    stuck: Treatment,
    replica: Treatment,
    accept_after: Duration,
    accept_zero_after: Duration,
    accept_stuck_after: Duration,
    substitute_for: Duration,
    samples: u32,
}

macro_rules! same_fields {
    ($from:ident => $Into:ident { $($extra:tt)* }) => {
        $Into {
            invalid: $from.invalid,
            rise: $from.rise,
            fall: $from.fall,
            zero: $from.zero,
            unit: $from.unit,
            stuck: $from.stuck,
            replica: $from.replica,
            accept_after: $from.accept_after,
            accept_zero_after: $from.accept_zero_after,
            accept_stuck_after: $from.accept_stuck_after,
            substitute_for: $from.substitute_for,
            samples: $from.samples,
            $($extra)*
        }
    };
}

impl Default for Fields {
    fn default() -> Self {
        let config = Config::default();
        same_fields!(config => Self {})
    }
}

impl Serialize for Config {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !self.enabled {
            return serializer.serialize_str("off");
        }
        same_fields!(self => Fields {}).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Config {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::String(text) if text == "off" => Ok(Self::off()),
            fields @ serde_json::Value::Object(_) => {
                let fields: Fields = catalog::settings(fields)?;
                Ok(same_fields!(fields => Self { enabled: true }))
            }
            other => {
                let message = format!("is {other}, must be \"off\" or a mapping of settings");
                Err(D::Error::custom(catalog::located("", &message)))
            }
        }
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Config {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ScreenConfig".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let fields = generator.subschema_for::<Fields>();
        schemars::json_schema!({ "anyOf": [{ "const": "off" }, fields] })
    }
}
