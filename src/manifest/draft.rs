//! Settings under construction.
//!
//! In: metrics, policies and settings as a system's file finds them. Out: an [`Import`] whose
//! configuration builds. Knows no system.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::Import;
use super::document::At;
use super::report::{Assumed, Fate, Field};
use crate::{Autoscaler, Config, Error};

#[derive(Debug, Default)]
pub(super) struct Draft {
    settings: Map<String, Value>,
    pub(super) metrics: Map<String, Value>,
    pub(super) policies: Vec<Value>,
    feeds: BTreeMap<String, String>,
    assumed: Vec<Assumed>,
}

impl Draft {
    /// A metric of a name near the one wanted that is not taken yet; `feed` tells the host what to
    /// send.
    pub(super) fn metric(&mut self, wanted: &str, kind: &str, feed: impl Into<String>) -> String {
        let wanted = if wanted.is_empty() { "metric" } else { wanted };
        let mut name = wanted.to_owned();
        let mut number = 2;
        while self.metrics.contains_key(&name) {
            name = format!("{wanted}_{number}");
            number += 1;
        }
        self.metrics.insert(name.clone(), json!({ "kind": kind, "screen": "off" }));
        self.feeds.insert(name.clone(), feed.into());
        name
    }

    /// As [`metric`](Self::metric), but one for all that want the same name.
    pub(super) fn shared_metric(&mut self, name: &str, kind: &str, feed: String) -> String {
        if self.feeds.get(name) == Some(&feed) {
            return name.to_owned();
        }
        self.metric(name, kind, feed)
    }

    /// Where schedules replace the limits and do not only narrow them: the limits become the
    /// widest ones, and outside of all windows the given ones hold.
    pub(super) fn widen(&mut self, given: (u32, u32), widest: (u32, u32)) {
        if given == widest {
            return;
        }
        self.set("min_replicas", widest.0);
        self.set("max_replicas", widest.1.max(1));
        self.policy(json!({
            "kind": "schedule", "name": "outside of all windows", "rank": -1,
            "windows": [{"start": "1970-01-01", "end": "9999-01-01"}],
            "min_replicas": given.0, "max_replicas": given.1,
        }));
    }

    /// Adds a policy and tells its place, such as `policies[2]`.
    pub(super) fn policy(&mut self, policy: Value) -> String {
        self.policies.push(policy);
        format!("policies[{}]", self.policies.len() - 1)
    }

    /// The place that the next policy will have.
    pub(super) fn next_policy(&self) -> String {
        format!("policies[{}]", self.policies.len())
    }

    pub(super) fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.settings.insert(name.to_owned(), value.into());
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.settings.remove(name);
    }

    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.settings.get(name)
    }

    pub(super) fn assume(&mut self, setting: &str, value: impl Into<Value>, why: &str) {
        let value = value.into();
        let text = value.as_str().map_or(value.to_string(), str::to_owned);
        self.set(setting, value);
        self.tell(setting, text, why);
    }

    /// Notes an assumption whose setting is made elsewhere.
    pub(super) fn tell(&mut self, setting: &str, value: impl Into<String>, why: &str) {
        let (setting, value, why) = (setting.to_owned(), value.into(), why.to_owned());
        self.assumed.push(Assumed { setting, value, why });
    }

    /// The import, with the fields of all of `places`.
    ///
    /// # Errors
    /// If the settings make no autoscaler; the error names the field of the manifest where there
    /// is one.
    pub(super) fn finish(
        mut self,
        name: String,
        source: impl Into<String>,
        places: &[At<'_>],
    ) -> Result<Import, Error> {
        self.set("metrics", self.metrics.clone());
        self.set("policies", self.policies.clone());
        let fields: Vec<Field> = places.iter().flat_map(At::report).collect();
        let config = Config::from_value(Value::Object(self.settings));
        let config = config.and_then(|config| {
            Autoscaler::new(config.clone())?;
            Ok(config)
        });
        let config = config.map_err(|error| at_field(&error, &name, &fields))?;
        Ok(Import {
            name,
            source: source.into(),
            config,
            fields,
            metrics: self.feeds,
            assumed: self.assumed,
            skipped: Vec::new(),
        })
    }
}

/// An error of the settings, told of the field that the setting was made of.
fn at_field(error: &Error, name: &str, fields: &[Field]) -> Error {
    let made = |field: &&Field| match &field.fate {
        Fate::Mapped { to } | Fate::Approximated { to, .. } => to == error.path(),
        Fate::Ignored { .. } => false,
    };
    match fields.iter().find(made).filter(|_| !error.path().is_empty()) {
        Some(field) => {
            let line = field.line.map_or(String::new(), |line| format!(" (line {line})"));
            let message = format!("makes no valid setting{line}: {error}");
            Error::config(field.path.clone(), message)
        }
        None => Error::config("", format!("`{name}` makes no valid settings: {error}")),
    }
}
