//! A policy's place in the configuration: its own settings, and those that every policy may have.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::catalog::located;
use crate::guard::GuardConfig;
use crate::policy::{PolicyConfig, fallback};

/// A policy's settings, and beside them those that every policy may have.
///
/// ```
/// use forescale::combine::{Direction, PolicyEntry};
///
/// let entry: PolicyEntry = serde_json::from_str(
///     r#"{"kind": "target", "metric": "queue", "target": 30, "direction": "up",
///         "guards": [{"kind": "cooldown", "scale_up": "1m"}]}"#,
/// )?;
/// assert_eq!((entry.policy.kind(), entry.direction), ("target", Direction::Up));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(transform = closed))]
pub struct PolicyEntry {
    /// The policy's own settings; its `kind` names it.
    #[serde(flatten)]
    pub policy: PolicyConfig,
    /// Whether it may only raise or only lower. Default: `both`.
    #[serde(default)]
    pub direction: Direction,
    /// Who holds this policy's proposals back before they are combined, in this order: fast on the
    /// queue, slow on the CPU. Default: nobody; the guards of the whole come after the combination.
    #[serde(default)]
    pub guards: Vec<GuardConfig>,
    /// Policies of one named group look at one thing from several sides: those that are content take
    /// no part unless all of the group are, so that one of them may lower alone. Nomad: the `group`
    /// of a check. Default: none, and who is content keeps others from lowering.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// What it proposes once its metric has been missing or invalid for too long. Default: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<fallback::Config>,
}

/// Which way a policy's proposals count; one that goes the other way, or nowhere, is no opinion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Both ways.
    #[default]
    Both,
    /// It may only raise. AWS: target tracking with scale-in disabled.
    Up,
    /// It may only lower, where nobody else wants more.
    Down,
}

impl From<PolicyConfig> for PolicyEntry {
    fn from(policy: PolicyConfig) -> Self {
        Self {
            policy,
            direction: Direction::default(),
            guards: Vec::new(),
            group: String::new(),
            fallback: None,
        }
    }
}

impl<'de> Deserialize<'de> for PolicyEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// Every setting but those of the kind.
        #[derive(Deserialize)]
        struct Shared {
            #[serde(default)]
            direction: Direction,
            #[serde(default)]
            guards: Vec<GuardConfig>,
            #[serde(default)]
            group: String,
            fallback: Option<fallback::Config>,
        }
        const SHARED: &[&str] = &["direction", "guards", "group", "fallback"];

        let mut given = Value::deserialize(deserializer)?;
        let mut shared = Map::new();
        if let Value::Object(fields) = &mut given {
            for name in SHARED {
                shared.extend(fields.remove_entry(*name));
            }
        }
        let Shared { direction, guards, group, fallback } =
            crate::catalog::settings(Value::Object(shared))?;
        let policy = PolicyConfig::deserialize(given)
            .map_err(|error| serde::de::Error::custom(with_known(&error.to_string(), SHARED)))?;
        Ok(Self { policy, direction, guards, group, fallback })
    }
}

/// A policy needs settings, so it is no text alone; and a setting of neither part is refused.
#[cfg(feature = "schema")]
fn closed(schema: &mut schemars::Schema) {
    if let Some(Value::Array(kinds)) = schema.get_mut("oneOf") {
        kinds.retain(|kind| kind.get("enum").is_none());
    }
    schema.insert("unevaluatedProperties".to_owned(), Value::Bool(false));
}

/// Names the shared settings too where a field of the policy itself is refused as unknown.
fn with_known(message: &str, shared: &[&str]) -> String {
    let (path, text) = crate::catalog::unlocated(message);
    let unknown = text.strip_prefix("unknown field `").and_then(|rest| rest.split_once('`'));
    match unknown {
        Some((name, _)) if name == path || path.is_empty() => {
            let names: String = shared.iter().map(|name| format!(", `{name}`")).collect();
            located(&path, &format!("{text}{names}"))
        }
        _ => message.to_owned(),
    }
}
