//! What a retuning came to.
//!
//! In: settings before and after, a reason. Out: an [`Event`] and its sentence. Decides nothing.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::config::read::to_value;
use crate::explain::{Reason, codes};
use crate::time::Timestamp;
use crate::{Config, Error};

/// What one call of [`SelfTuning::retune`](super::SelfTuning::retune) came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// The time of the last observation.
    pub at: Timestamp,
    /// What it is about: what was changed, or would be by what is tried.
    pub changes: Vec<Revision>,
    /// Why.
    pub reason: Reason,
}

/// One setting, before and after.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revision {
    /// The place of the setting, such as `policies[0].target`.
    pub path: String,
    /// Its value before; null where it was absent.
    pub from: Value,
    /// Its value after; null where it is taken away.
    pub to: Value,
}

impl Event {
    /// Whether other settings are in force since.
    ///
    /// ```
    /// use forescale::tune::Event;
    ///
    /// let event: Event = serde_json::from_str(
    ///     r#"{"at": 0, "changes": [{"path": "policies[0].target", "from": 0.3, "to": 0.6}],
    ///         "reason": {"code": "adopted",
    ///                    "facts": {"seen_days": 2, "saved_share": 0.3, "chance": 0.99}}}"#,
    /// )?;
    /// assert!(event.is_change());
    /// let told = event.explain();
    /// assert!(told.starts_with("Set policies[0].target to 0.6 in place of 0.3: over 2 days"), "{told}");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn is_change(&self) -> bool {
        [codes::ADOPTED, codes::ROLLED_BACK].iter().any(|code| code.name() == self.reason.code())
    }

    /// One English sentence.
    #[must_use]
    pub fn explain(&self) -> String {
        let told: Vec<_> = self
            .changes
            .iter()
            .map(|Revision { path, from, to }| match to {
                Value::Null => format!("{path} to its default in place of {from}"),
                to if from.is_null() => format!("{path} to {to}"),
                to => format!("{path} to {to} in place of {from}"),
            })
            .collect();
        let told = told.join(", ");
        match (self.is_change(), told.is_empty()) {
            (true, _) => format!("Set {told}: {}.", self.reason),
            (false, true) => format!("Keep the settings: {}.", self.reason),
            (false, false) => format!("Keep the settings ({told}?): {}.", self.reason),
        }
    }

    /// The event as JSON text, without line breaks.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("an event has text keys and plain numbers only")
    }
}

/// What differs between two configurations, in the order of their fields.
pub(super) fn revisions(before: &Config, after: &Config) -> Result<Vec<Revision>, Error> {
    let mut found = Vec::new();
    compare(String::new(), &to_value(before)?, &to_value(after)?, &mut found);
    Ok(found)
}

fn compare(path: String, before: &Value, after: &Value, found: &mut Vec<Revision>) {
    match (before, after) {
        (before, after) if before == after => {}
        (Value::Object(old), Value::Object(new)) => {
            let added = new.keys().filter(|name| !old.contains_key(*name));
            for name in old.keys().chain(added) {
                let inner = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                let [old, new] = [old, new].map(|fields| fields.get(name).unwrap_or(&Value::Null));
                compare(inner, old, new, found);
            }
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            for (index, (old, new)) in old.iter().zip(new).enumerate() {
                compare(format!("{path}[{index}]"), old, new, found);
            }
        }
        (before, after) => {
            found.push(Revision { path, from: before.clone(), to: after.clone() });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_told_by_its_place() {
        let config = |target: f64, rest: &str| {
            Config::from_text(&format!(
                r#"{{"max_replicas": 9, "metrics": {{"cpu": {{"kind": "utilization"}}}},
                     "policies": [{{"kind": "target", "metric": "cpu", "target": {target}}}]{rest}}}"#
            ))
            .unwrap()
        };
        let (one, other) = (config(0.5, ""), config(0.7, r#", "lead_time": "3m""#));
        let found = revisions(&one, &other).unwrap();
        let told: Vec<_> = found.iter().map(|one| (&*one.path, &one.from, &one.to)).collect();
        let [from, to] = ["2m", "3m"].map(Value::from);
        let targets = [0.5, 0.7].map(Value::from);
        assert!(told.contains(&("lead_time", &from, &to)), "{told:?}");
        assert!(told.contains(&("policies[0].target", &targets[0], &targets[1])), "{told:?}");
        assert_eq!(told.len(), 2);
        assert_eq!(revisions(&one, &one).unwrap(), []);
    }

    #[test]
    fn an_event_comes_back_as_it_was_written() {
        let facts = [("seen_days", 1.5), ("saved_share", -0.1), ("chance", 0.25)];
        for code in [codes::ADOPTED, codes::DROPPED, codes::ROLLED_BACK, codes::KEPT] {
            let reason = Reason::new(code, facts);
            let event = Event { at: Timestamp::from_secs(9), changes: Vec::new(), reason };
            let read: Event = serde_json::from_str(&event.to_json()).unwrap();
            assert_eq!(read, event);
            assert_eq!(read.explain(), event.explain());
        }
        let unknown = r#"{"at": 0, "changes": [], "reason": {"code": "luck", "facts": {}}}"#;
        let error = serde_json::from_str::<Event>(unknown).unwrap_err().to_string();
        assert!(error.contains("a built-in reason code"), "{error}");
    }
}
