//! Reading and writing of settings as text.

use std::fmt;

use serde::de::{self, DeserializeOwned};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::Config;
use crate::Error;
use crate::catalog::{did_you_mean, unlocated};
use crate::decide::Mode;
use crate::detect::DetectorConfig;
use crate::forecast::ForecasterConfig;
use crate::guard::GuardConfig;

/// A setting in force, and where it comes from.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Origin {
    /// Its place, such as `policies[0].quantile`.
    pub path: String,
    /// Its value.
    pub value: Value,
    /// Whether it was given; if not, it is the default.
    pub given: bool,
}

impl Config {
    /// Reads settings: JSON, or YAML with the feature `yaml`.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) for text that is neither, for an unknown
    /// field (named, with the nearest known one) and a value of the wrong type. Ranges are checked
    /// when the [`Autoscaler`](crate::Autoscaler) is built.
    pub fn from_text(text: &str) -> Result<Self, Error> {
        Self::from_value(parse(text)?)
    }

    pub(crate) fn from_value(given: Value) -> Result<Self, Error> {
        let mut config: Self = read(&given)?;
        if given.get("guards").is_none() && config.holds_by_itself() {
            config.guards.retain(|guard| !matches!(guard, GuardConfig::Stabilization(_)));
        }
        config.given = Some(given);
        Ok(config)
    }

    /// The settings as they were given; those built in Rust are all given.
    pub(crate) fn given(&self) -> Result<Value, Error> {
        self.given.clone().map_or_else(|| to_value(self), Ok)
    }

    /// The same settings without the memory of how they were given, cheap to copy.
    pub(crate) fn bare(&self) -> Self {
        Self { given: None, ..self.clone() }
    }

    /// The same in another mode, as bare.
    pub(crate) fn in_mode(&self, mode: Mode) -> Self {
        Self { mode, ..self.bare() }
    }

    /// Every setting in force, with its origin, sorted by name.
    ///
    /// ```
    /// # let text = r#"{"max_replicas": 9, "metrics": {"cpu": {"kind": "utilization"}},
    /// #     "policies": [{"kind": "target", "metric": "cpu", "target": 0.6}]}"#;
    /// let config = forescale::Config::from_text(text)?;
    /// let settings = config.effective()?;
    /// let min = settings.iter().find(|setting| setting.path == "min_replicas").unwrap();
    /// assert_eq!((min.value.as_u64(), min.given), (Some(1), false));
    /// # Ok::<(), forescale::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if a number in the settings is not finite.
    pub fn effective(&self) -> Result<Vec<Origin>, Error> {
        let mut settings = Vec::new();
        flatten(
            String::new(),
            to_value(self)?,
            self.given.as_ref(),
            self.given.is_none(),
            &mut settings,
        );
        Ok(settings)
    }

    /// The settings as YAML that [`from_text`](Self::from_text) reads back to the same; every
    /// setting in force stands in it, defaults too.
    ///
    /// ```
    /// # let text = r#"{"max_replicas": 9, "metrics": {"on": {"kind": "total"}},
    /// #     "policies": [{"kind": "target", "metric": "on", "target": 60}]}"#;
    /// let config = forescale::Config::from_text(text)?;
    /// let yaml = config.to_yaml()?;
    /// assert!(yaml.contains("max_replicas: 9"));
    /// let read = forescale::Config::from_text(&yaml)?;
    /// assert_eq!(read.to_yaml()?, yaml);
    /// # Ok::<(), forescale::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if a number in the settings is not finite.
    #[cfg(feature = "yaml")]
    pub fn to_yaml(&self) -> Result<String, Error> {
        let value = to_value(self)?;
        let text = serde_saphyr::to_string(&value).map_err(|error| {
            Error::config("", format!("the settings cannot be written: {error}"))
        })?;
        // Whatever a writer of YAML may get wrong, it must not become other settings in silence.
        match parse(&text) {
            Ok(read) if read == value => Ok(text),
            _ => Err(Error::config("", "the settings have a text that YAML cannot carry")),
        }
    }

    /// The JSON Schema of the settings, generated from their types; editors complete with it.
    #[cfg(feature = "schema")]
    #[must_use]
    pub fn schema() -> Value {
        schemars::schema_for!(Config).to_value()
    }
}

impl ForecasterConfig {
    /// Reads a forecaster's settings: JSON, or YAML with the feature `yaml`; a kind alone stands for
    /// its defaults.
    ///
    /// ```
    /// use forescale::forecast::ForecasterConfig;
    ///
    /// let settings = ForecasterConfig::from_text(r#"{"kind": "naive"}"#)?;
    /// assert_eq!(ForecasterConfig::from_text("naive")?, settings);
    /// let error = ForecasterConfig::from_text("naiv").unwrap_err();
    /// assert!(error.to_string().contains("did you mean `naive`?"), "{error}");
    /// # Ok::<(), forescale::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) for text that is neither, for an unknown kind
    /// or setting (named, with the nearest known one) and a value of the wrong type. Ranges are
    /// checked when the forecaster is built.
    pub fn from_text(text: &str) -> Result<Self, Error> {
        member(text)
    }
}

impl DetectorConfig {
    /// Reads a detector's settings: JSON, or YAML with the feature `yaml`; a kind alone stands for
    /// its defaults.
    ///
    /// ```
    /// use forescale::detect::DetectorConfig;
    ///
    /// let settings = DetectorConfig::from_text(r#"{"kind": "shift"}"#)?;
    /// assert_eq!(DetectorConfig::from_text("shift")?, settings);
    /// # Ok::<(), forescale::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) for text that is neither, for an unknown kind
    /// or setting (named, with the nearest known one) and a value of the wrong type. Ranges are
    /// checked when the detector is built.
    pub fn from_text(text: &str) -> Result<Self, Error> {
        member(text)
    }
}

/// Reads settings that have no kind.
macro_rules! from_text {
    ($($Config:ty),+) => {$(
        impl $Config {
            /// Reads settings: JSON, or YAML with the feature `yaml`.
            ///
            /// # Errors
            /// [`ErrorKind::Config`](crate::ErrorKind::Config) for text that is neither, for an
            /// unknown setting (named, with the nearest known one) and a value of the wrong type.
            /// Ranges are checked when it is built.
            pub fn from_text(text: &str) -> Result<Self, Error> {
                read(&parse(text)?)
            }
        }
    )+};
}
from_text!(
    crate::detect::peers::Config,
    crate::detect::relation::Config,
    crate::detect::time_to_limit::Config
);
#[cfg(feature = "ml")]
from_text!(crate::forecast::elastic_net::Config);

/// A member's settings from text, or from its kind alone.
fn member<T: DeserializeOwned + Serialize>(text: &str) -> Result<T, Error> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let kind = text.trim();
    if !kind.is_empty() && kind.chars().all(is_name) {
        return read(&serde_json::json!({"kind": kind}));
    }
    read(&parse(text)?)
}

/// Settings from a text in which all may be absent, as in a file without a line that is no comment.
pub(crate) fn or_default<T: Default + DeserializeOwned + Serialize>(
    text: &str,
) -> Result<T, Error> {
    let given = parse(text)?;
    if given.is_null() { Ok(T::default()) } else { read(&given) }
}

/// Settings of any kind from their values, with our words for what `serde` refuses.
pub(crate) fn read<T: DeserializeOwned + Serialize>(given: &Value) -> Result<T, Error> {
    if !given.is_object() {
        return Err(Error::config("", "the settings must be a mapping of names to values"));
    }
    let taken: T = serde_path_to_error::deserialize(given)
        .map_err(|error| refused(&error.path().to_string(), &error.inner().to_string()))?;
    if let Some(place) = list_for_mapping(given, &to_value(&taken)?) {
        return Err(Error::config(place, "is a list, must be a mapping of names to values"));
    }
    Ok(taken)
}

pub(crate) fn to_value(settings: &impl Serialize) -> Result<Value, Error> {
    serde_json::to_value(settings)
        .map_err(|error| Error::config("", format!("the settings cannot be written: {error}")))
}

/// The values in a text: JSON, or YAML with the feature `yaml`.
pub(crate) fn parse(text: &str) -> Result<Value, Error> {
    let is_json = text.trim_start().starts_with('{');
    if is_json {
        return serde_json::from_str(text)
            .map(|Unique(value)| value)
            .map_err(|error| Error::config("", format!("the settings are not JSON: {error}")));
    }
    // As in YAML 1.2, `on` is a text; the mode `on` would else be a truth.
    #[cfg(feature = "yaml")]
    let options = serde_saphyr::options! { strict_booleans: true };
    #[cfg(feature = "yaml")]
    return serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let text = error.to_string();
        let first = text.lines().next().unwrap_or_default();
        Error::config("", format!("the settings are not YAML: {first}"))
    });
    #[cfg(not(feature = "yaml"))]
    Err(Error::config("", "the settings are not JSON; YAML needs the feature `yaml`"))
}

/// Where a list stands for a mapping, if anywhere: `serde` takes its items for the fields in turn,
/// so that a mistake would pass for settings.
fn list_for_mapping(given: &Value, taken: &Value) -> Option<String> {
    match (given, taken) {
        (Value::Array(_), Value::Object(_)) => Some(String::new()),
        (Value::Object(given), Value::Object(taken)) => given.iter().find_map(|(name, given)| {
            let inner = list_for_mapping(given, taken.get(name)?)?;
            let gap = if inner.is_empty() || inner.starts_with('[') { "" } else { "." };
            Some(format!("{name}{gap}{inner}"))
        }),
        (Value::Array(given), Value::Array(taken)) => {
            given.iter().zip(taken).enumerate().find_map(|(index, (given, taken))| {
                let inner = list_for_mapping(given, taken)?;
                let gap = if inner.is_empty() || inner.starts_with('[') { "" } else { "." };
                Some(format!("[{index}]{gap}{inner}"))
            })
        }
        _ => None,
    }
}

/// A JSON value in which no name comes twice; of two, one would be lost without a word.
struct Unique(Value);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON value")
            }

            fn visit_unit<E>(self) -> Result<Value, E> {
                Ok(Value::Null)
            }

            fn visit_bool<E>(self, truth: bool) -> Result<Value, E> {
                Ok(truth.into())
            }

            fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
                Ok(number.into())
            }

            fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
                Ok(number.into())
            }

            fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
                Ok(number.into())
            }

            fn visit_str<E>(self, text: &str) -> Result<Value, E> {
                Ok(text.into())
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
                let mut list = Vec::new();
                while let Some(Unique(item)) = items.next_element()? {
                    list.push(item);
                }
                Ok(list.into())
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
                let mut mapping = serde_json::Map::new();
                while let Some(name) = fields.next_key::<String>()? {
                    if mapping.contains_key(&name) {
                        return Err(de::Error::custom(format!("`{name}` is given twice")));
                    }
                    let Unique(value) = fields.next_value()?;
                    mapping.insert(name, value);
                }
                Ok(mapping.into())
            }
        }
        deserializer.deserialize_any(Visitor).map(Unique)
    }
}

/// Turns a message of `serde` into one of ours: where, what came, what is allowed.
fn refused(outer: &str, message: &str) -> Error {
    let (inner, message) = unlocated(message);
    let mut path = if outer == "." { "" } else { outer };
    let mut rest = inner.as_str();
    // An unknown or missing field is part of the message, not of the path.
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    if let (true, [unknown, known @ ..]) = (message.starts_with("unknown field"), quoted.as_slice())
    {
        let parent = |path: &str| -> String {
            let kept = path.strip_suffix(unknown).unwrap_or(path);
            kept.strip_suffix('.').unwrap_or(kept).to_owned()
        };
        let (outer, inner) = if rest.is_empty() {
            (parent(path), String::new())
        } else {
            (path.to_owned(), parent(rest))
        };
        let known_list =
            known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let known_list = if known.is_empty() { "none".to_owned() } else { known_list };
        let near = did_you_mean(unknown, known);
        // What every user of Kubernetes tries first.
        let hint =
            if *unknown == "apiVersion" { "; `manifest::load` reads manifests" } else { &near };
        let text = format!("is not a known setting{hint} (known: {known_list})");
        return Error::config(*unknown, text).at(&inner).at(&outer);
    }
    if let (true, [missing, ..]) = (message.starts_with("missing field"), quoted.as_slice()) {
        return Error::config(*missing, "is missing").at(rest).at(path);
    }
    let text = match message
        .split_once(": ")
        .map(|(what, detail)| (what, detail.split_once(", expected ")))
    {
        Some(("invalid type" | "invalid value", Some((came, expected)))) => {
            format!("is {}, must be {}", in_plain_words(came), in_plain_words(expected))
        }
        _ => message.clone(),
    };
    if path.is_empty() {
        (path, rest) = (rest, "");
    }
    Error::config("", text).at(rest).at(path)
}

/// What `serde` calls a type, as the user calls it.
fn in_plain_words(text: &str) -> String {
    const WORDS: [(&str, &str); 9] = [
        ("floating point ", "number "),
        ("integer ", "number "),
        ("string ", "text "),
        ("boolean ", ""),
        ("a string", "a text"),
        ("a boolean", "true or false"),
        ("a sequence", "a list"),
        ("f64", "a number"),
        ("a map", "a mapping"),
    ];
    match text {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number from 0 up".to_owned(),
        "i8" | "i16" | "i32" | "i64" => "a whole number".to_owned(),
        "sequence" => "a list".to_owned(),
        "map" => "a mapping".to_owned(),
        "null" | "unit value" => "nothing".to_owned(),
        other => {
            let found = WORDS.iter().find(|(theirs, _)| other.starts_with(theirs));
            found.map_or(other.to_owned(), |(theirs, ours)| other.replacen(theirs, ours, 1))
        }
    }
}

fn flatten(path: String, value: Value, given: Option<&Value>, all: bool, into: &mut Vec<Origin>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (name, value) in fields {
                let inner = given.and_then(|given| given.get(&name));
                let path = if path.is_empty() { name } else { format!("{path}.{name}") };
                flatten(path, value, inner, all, into);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (index, value) in items.into_iter().enumerate() {
                let inner = given.and_then(|given| given.get(index));
                flatten(format!("{path}[{index}]"), value, inner, all, into);
            }
        }
        value => into.push(Origin { path, value, given: all || given.is_some() }),
    }
}
