//! placeholder of the base commit; the forecast room writes it
use super::Forecast;
use crate::{Duration, Error, Reason, Timestamp};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What is expected of one metric, and whether to believe it.
#[derive(Debug)]
pub struct Outlook {
    metric: Arc<str>,
}

#[allow(missing_docs, unused_variables, clippy::todo)]
impl Outlook {
    /// From settings; `lead_time` sets the default horizon and the horizon at which skill is judged.
    pub fn new(settings: &OutlookConfig, lead_time: Duration) -> Result<Self, Error> {
        todo!()
    }
    pub fn metric(&self) -> &str {
        &self.metric
    }
    /// Feeds one reading of the total load (None: no reading now). Closes steps; no allocation in steady state.
    pub fn observe(&mut self, at: Timestamp, load: Option<f64>) {
        todo!()
    }
    /// Feeds history; then as `observe`.
    pub fn warm_up(&mut self, times: &[Timestamp], values: &[Option<f64>]) -> Result<(), Error> {
        todo!()
    }
    /// The cached forecast at the policy's quantile up to the horizon, if it may be believed.
    pub fn latest(&self) -> Result<&Forecast, Reason> {
        todo!()
    }
    /// A forecast for people: any horizon (in steps) and quantiles; not gated by skill.
    pub fn forecast(
        &self,
        horizon: Duration,
        quantiles: &[f64],
    ) -> Result<Result<Forecast, Reason>, Error> {
        todo!()
    }
    pub fn settings(&self) -> &OutlookConfig {
        todo!()
    }
    pub fn rebase(&mut self, at: Timestamp) {}
    pub fn step(&self) -> Duration {
        todo!()
    }
    pub fn save(&self) -> Result<serde_json::Value, Error> {
        todo!()
    }
    pub fn load(&mut self, saved: serde_json::Value) -> Result<(), Error> {
        todo!()
    }
}

/// Settings of an [`Outlook`]; also those of the `predictive` policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct OutlookConfig {
    /// The metric whose load is forecast; the configuration's `capacity` speaks of it too.
    pub metric: String,
    /// quantile
    pub quantile: f64,
}
#[allow(missing_docs, unused_variables, clippy::todo)]
impl OutlookConfig {
    pub fn check(&self) -> Result<(), Error> {
        todo!()
    }
    pub fn horizon_or(&self, lead_time: Duration) -> Duration {
        todo!()
    }
}
