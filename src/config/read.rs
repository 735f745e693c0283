//! Reading and writing of settings as text.

use serde::Serialize;
use serde_json::Value;

use super::Config;
use crate::Error;
use crate::catalog::{did_you_mean, unlocated};

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
        if !given.is_object() {
            return Err(Error::config("", "the settings must be a mapping of names to values"));
        }
        let mut config: Self = serde_path_to_error::deserialize(&given).map_err(|error| {
            let outer = error.path().to_string();
            refused(&outer, &error.inner().to_string())
        })?;
        config.given = Some(given);
        Ok(config)
    }

    /// The settings as they were given; those built in Rust are all given.
    pub(crate) fn given(&self) -> Result<Value, Error> {
        self.given.clone().map_or_else(|| self.to_value(), Ok)
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
            self.to_value()?,
            self.given.as_ref(),
            self.given.is_none(),
            &mut settings,
        );
        Ok(settings)
    }

    fn to_value(&self) -> Result<Value, Error> {
        serde_json::to_value(self)
            .map_err(|error| Error::config("", format!("the settings cannot be written: {error}")))
    }

    /// The JSON Schema of the settings, generated from their types; editors complete with it.
    #[cfg(feature = "schema")]
    #[must_use]
    pub fn schema() -> Value {
        schemars::schema_for!(Config).to_value()
    }
}

fn parse(text: &str) -> Result<Value, Error> {
    let is_json = text.trim_start().starts_with('{');
    if is_json {
        return serde_json::from_str(text)
            .map_err(|error| Error::config("", format!("the settings are not JSON: {error}")));
    }
    #[cfg(feature = "yaml")]
    return serde_saphyr::from_str(text).map_err(|error| {
        let text = error.to_string();
        let first = text.lines().next().unwrap_or_default();
        Error::config("", format!("the settings are not YAML: {first}"))
    });
    #[cfg(not(feature = "yaml"))]
    Err(Error::config("", "the settings are not JSON; YAML needs the feature `yaml`"))
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
        let text = format!("is not a known setting{near} (known: {known_list})");
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
            format!("is {came}, must be {expected}")
        }
        _ => message.clone(),
    };
    if path.is_empty() {
        (path, rest) = (rest, "");
    }
    Error::config("", text).at(rest).at(path)
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
