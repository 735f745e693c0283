//! So many replicas, whatever happens.
//!
//! In: the present count. Out: the value of the settings. Knows no metric.

use serde::{Deserialize, Serialize};

use super::{Action, Texts, missing, whole};
use crate::Error;
use crate::explain::Reason;
use crate::policy::{Policy, Proposal, View};

/// Always proposes the same number of replicas, as Nomad's `fixed-value`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FixedValue {
    settings: Config,
}

impl FixedValue {
    /// From its settings.
    ///
    /// # Errors
    /// None at present.
    pub fn new(settings: Config) -> Result<Self, Error> {
        Ok(Self { settings })
    }
}

impl Policy for FixedValue {
    fn propose(&mut self, view: &View<'_>) -> Result<Proposal, Reason> {
        let current = view.replicas.current();
        let wanted = Settings { value: self.settings.value.into() }.action(current.into());
        Ok(wanted.proposal(current, [("current", f64::from(current))]))
    }
}

/// Nomad's settings of the strategy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The wanted count.
    pub value: i64,
}

impl Settings {
    /// From `value`, a whole number.
    ///
    /// # Errors
    /// If it is missing or no whole number.
    pub fn from_texts(texts: &Texts) -> Result<Self, Error> {
        let value = whole(texts, "value")?.ok_or_else(|| missing("value"))?;
        Ok(Self { value })
    }

    /// The action at `count`.
    #[must_use]
    pub fn action(&self, count: i64) -> Action {
        Action::towards(count, self.value)
    }
}

/// Settings of [`FixedValue`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The number of replicas; from 0 up.
    pub value: u32,
}
