//! What was found, and the change that mends it.
//!
//! In: what a check proved. Out: [`Finding`] in words, as JSON, and applied. Proves nothing itself.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::config::read::to_value;
use crate::{Autoscaler, Config, Error};

/// How bad a [`Finding`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Severity {
    /// The settings work against themselves: the loop cannot come to rest.
    Error,
    /// A setting without the effect that its author must have had in mind.
    Warning,
    /// Something that cannot be judged from the settings.
    Note,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        })
    }
}

/// One thing that is wrong with a configuration.
///
/// In text: `error[oscillation] policies[0].low: At 1 replica ...`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// The stable name of the kind of finding; see [`lint`](crate::lint::lint).
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// The setting that it speaks of, such as `policies[0].low`.
    pub path: String,
    /// One sentence with the numbers.
    pub message: String,
    /// The numbers, by names that carry the unit.
    pub facts: BTreeMap<&'static str, f64>,
    /// The smallest change known to mend it, tried out before it is told; `None` if none is known.
    pub fix: Option<Fix>,
}

/// A change to one setting.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Fix {
    /// The setting.
    pub path: String,
    /// Its new value.
    pub value: Value,
    /// What to do, in one sentence.
    pub message: String,
}

impl Fix {
    pub(super) fn new(path: impl Into<String>, value: Value) -> Self {
        let path = path.into();
        let message = format!("Set `{path}` to {value}.");
        Self { path, value, message }
    }

    /// The configuration with this change, if it still builds.
    pub(super) fn apply(&self, config: &Config) -> Result<Config, Error> {
        // What was left to its default stays so; settings that are not there as they were given
        // (a kind as a bare text) are written out first.
        let mut given = config.given()?;
        if !set(&mut given, &self.path, &self.value) {
            given = to_value(config)?;
            if !set(&mut given, &self.path, &self.value) {
                return Err(Error::config(self.path.clone(), "is not a setting that is there"));
            }
        }
        let changed = Config::from_value(given)?;
        Autoscaler::new(changed.bare())?;
        Ok(changed)
    }
}

impl Finding {
    pub(super) fn new<const N: usize>(
        code: &'static str,
        severity: Severity,
        path: impl Into<String>,
        message: String,
        facts: [(&'static str, f64); N],
    ) -> Self {
        Self { code, severity, path: path.into(), message, facts: facts.into(), fix: None }
    }

    /// The configuration mended: as it was, with the [`fix`](Self::fix). Without a fix it is the
    /// configuration as it was.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if `config` is not the one that this was
    /// found in, so that the setting is not there or does not build.
    pub fn apply(&self, config: &Config) -> Result<Config, Error> {
        self.fix.as_ref().map_or_else(|| Ok(config.clone()), |fix| fix.apply(config))
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, severity, path, message, fix, .. } = self;
        write!(f, "{severity}[{code}]")?;
        if !path.is_empty() {
            write!(f, " {path}")?;
        }
        write!(f, ": {message}")?;
        fix.as_ref().map_or(Ok(()), |fix| write!(f, " {}", fix.message))
    }
}

/// Sets the value at a path such as `policies[0].low`; a last key that is absent is added. False if
/// the way to it is not there.
fn set(settings: &mut Value, path: &str, value: &Value) -> bool {
    let mut place = settings;
    let mut keys = path.split('.').peekable();
    while let Some(part) = keys.next() {
        let mut pieces = part.split('[');
        let Some(name) = pieces.next().filter(|name| !name.is_empty()) else { return false };
        let is_last = keys.peek().is_none() && !part.contains('[');
        let Value::Object(fields) = place else { return false };
        if is_last {
            fields.insert(name.to_owned(), value.clone());
            return true;
        }
        let Some(next) = fields.get_mut(name) else { return false };
        place = next;
        for index in pieces {
            let index = index.trim_end_matches(']').parse::<usize>().ok();
            let Some(item) = index.and_then(|index| place.get_mut(index)) else { return false };
            place = item;
        }
    }
    *place = value.clone();
    true
}

/// A number as a JSON value, without a fraction where it has none.
pub(super) fn number(value: f64) -> Value {
    if value == value.trunc() && value.abs() < 9e15 {
        Value::from(value as i64)
    } else {
        Value::from(value)
    }
}

/// The numbers of a policy's settings by their names, those of nested settings too.
pub(super) fn numbers(settings: &Map<String, Value>) -> Vec<f64> {
    fn walk(value: &Value, into: &mut Vec<f64>) {
        match value {
            Value::Number(number) => into.extend(number.as_f64()),
            Value::Array(items) => items.iter().for_each(|item| walk(item, into)),
            Value::Object(fields) => fields.values().for_each(|field| walk(field, into)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    settings.values().for_each(|value| walk(value, &mut found));
    found
}

/// The unit of the second digit that matters.
pub(super) fn unit(value: f64) -> f64 {
    libm::pow(10.0, libm::log10(value.max(1e-12)).floor() - 1.0)
}

/// Two digits that matter, rounded up or down.
pub(super) fn rounded(value: f64, up: bool) -> f64 {
    let unit = unit(value);
    let steps = value / unit;
    let steps = if up { (steps - 1e-6).ceil() } else { (steps + 1e-6).floor() };
    // Over its inverse, as 29 * 0.01 is not 0.29.
    if unit < 1.0 { steps / (1.0 / unit).round() } else { steps * unit }
}

/// A number as people write it: four digits that matter.
pub(super) fn short(value: f64) -> String {
    if value == 0.0 || value == value.trunc() && value.abs() < 1e9 {
        return format!("{value}");
    }
    let decimals = (3.0 - libm::log10(value.abs()).floor()).clamp(0.0, 12.0) as usize;
    let text = format!("{value:.decimals$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// `1 replica`, `2 replicas`.
pub(super) fn replicas(n: u32) -> String {
    format!("{n} replica{}", if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_setting_is_replaced_or_added_and_never_invented() {
        let mut settings = json!({"policies": [{"kind": "target", "low": 1}], "guards": ["rate"]});
        assert!(set(&mut settings, "policies[0].low", &json!(0.5)));
        assert!(set(&mut settings, "min_replicas", &json!(2)));
        assert!(set(&mut settings, "guards[0]", &json!("tolerance")));
        let want = json!({
            "policies": [{"kind": "target", "low": 0.5}], "guards": ["tolerance"], "min_replicas": 2
        });
        assert_eq!(settings, want);
        for path in
            ["policies[1].low", "zero.activation", "guards[0].scale_up", "policies[x].low", ""]
        {
            assert!(!set(&mut settings, path, &json!(1)), "{path}");
        }
        assert_eq!(settings, want);
    }

    #[test]
    fn numbers_are_short() {
        let cases =
            [(0.0, "0"), (1.0, "1"), (0.660001, "0.66"), (1234.5678, "1235"), (98.76543, "98.77")];
        for (value, want) in cases {
            assert_eq!(short(value), want);
        }
        let cases =
            [(0.2951, 0.29, 0.3), (0.29, 0.29, 0.29), (1234.0, 1200.0, 1300.0), (2.9, 2.9, 2.9)];
        for (value, down, up) in cases {
            assert_eq!((rounded(value, false), rounded(value, true)), (down, up));
        }
        assert_eq!((number(2.0), number(0.25)), (json!(2), json!(0.25)));
    }
}
