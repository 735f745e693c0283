//! base-commit placeholder of the loop; the types are final, the bodies come
use std::sync::Arc;
use serde::{Deserialize, Serialize};
use crate::explain::Step;
use crate::forecast::Forecast;
use crate::series::Observation;
use crate::time::{Duration, Timestamp};
use crate::{Error, Reason};

/// Whether decisions are acted upon.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Decides, recommends nothing.
    Observe,
    /// Never takes a replica away.
    ScaleUpOnly,
    /// Both directions.
    #[default]
    On,
}

/// The answer to one observation: replicas, and every step on the way to them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Decision {
    /// The time of the observation.
    pub at: Timestamp,
    /// The replicas the workload was asked to have before.
    pub current: u32,
    /// The replicas it should have now.
    pub replicas: u32,
    /// The highest proposal, unrounded; `None` if no policy had an opinion.
    pub wish: Option<f64>,
    /// The mode it was made in.
    pub mode: Mode,
    /// Every stage, in order.
    pub steps: Vec<Step>,
}

#[allow(missing_docs, unused_variables, clippy::todo)]
impl Decision {
    pub fn explain(&self) -> String { todo!() }
    pub fn to_json(&self) -> String { todo!() }
}

/// The loop of one workload.
#[derive(Debug)]
pub struct Autoscaler {}

#[allow(missing_docs, unused_variables, clippy::todo)]
impl Autoscaler {
    /// JSON or (feature yaml) YAML text
    pub fn from_text(text: &str) -> Result<Self, Error> { todo!() }
    pub fn decide(&mut self, observation: &Observation) -> &Decision { todo!() }
    /// values: None/NaN = missing; negative or infinite = Error(Observation)
    pub fn warm_up(&mut self, metric: &str, times: &[Timestamp], values: &[Option<f64>]) -> Result<(), Error> { todo!() }
    /// Err kind Observation when metric has no forecaster or args wrong; Ok(Err(reason)) to abstain
    pub fn forecast(&self, metric: &str, horizon: Duration, quantiles: &[f64]) -> Result<Result<Forecast, Reason>, Error> { todo!() }
    /// JSON bytes (UTF-8), versioned
    pub fn snapshot(&self) -> Result<Vec<u8>, Error> { todo!() }
    pub fn restore(snapshot: &[u8]) -> Result<Self, Error> { todo!() }
    /// effective config as JSON: every value with its origin given|default
    pub fn effective_config(&self) -> String { todo!() }
}
