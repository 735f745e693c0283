//! Text to settings, and settings to the parts of an autoscaler.
//!
//! In: JSON or YAML. Out: a checked [`Config`], or an error that names the setting, its place, what
//! came and what is allowed. Knows no member of any room: the rooms' catalogs do.

pub(crate) mod read;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Error;
use crate::capacity::{Capacity, CapacityConfig, LeadTime, LeadTimeConfig};
use crate::catalog::{Labeled, label};
use crate::combine::{Combine, Direction, PolicyEntry, Voter};
use crate::decide::Mode;
use crate::detect::{DetectorConfig, Lookout, Screen, ScreenConfig};
use crate::forecast::Outlook;
use crate::guard::{Guard, GuardConfig};
use crate::policy::{Metric, PolicyConfig};
use crate::series::MetricKind;
use crate::zero::{Config as ZeroConfig, Zero};
pub use read::Origin;

/// Settings of an [`Autoscaler`](crate::Autoscaler); the same keys in every language.
///
/// ```
/// let config = forescale::Config::from_text(
///     r#"{
///         "min_replicas": 2, "max_replicas": 60,
///         "metrics": {"rps": {"kind": "total"}},
///         "policies": [{"kind": "target", "metric": "rps", "target": 80}]
///     }"#,
/// )?;
/// assert_eq!(config.lead_time.initial(), forescale::Duration::from_secs(120));
///
/// let error = forescale::Config::from_text(r#"{"max_replica": 60}"#).unwrap_err();
/// assert!(error.to_string().contains("did you mean `max_replicas`?"), "{error}");
/// # Ok::<(), forescale::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Never fewer. Default: 1, as the Kubernetes HPA. For 0 there must be a policy on a metric of
    /// kind `total`, a schedule, or `zero`: nothing else has a reading to wake up by.
    #[serde(default = "one")]
    pub min_replicas: u32,
    /// Never more; at least 1 and not below `min_replicas`.
    pub max_replicas: u32,
    /// Whether decisions are acted upon. Default: `on`.
    #[serde(default)]
    pub mode: Mode,
    /// The metrics an observation may carry, by name.
    #[serde(default)]
    pub metrics: BTreeMap<String, MetricConfig>,
    /// What a replica carries; a `predictive` policy needs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<CapacityConfig>,
    /// From a replica's request to its readiness: a duration, or how it is learnt. Default: 2
    /// minutes, a container that pulls its image and warms up.
    #[serde(default)]
    pub lead_time: LeadTimeConfig,
    /// Who proposes replicas; at least one.
    #[serde(default)]
    pub policies: Vec<PolicyEntry>,
    /// How their proposals become one. Default: `maximum`.
    #[serde(default)]
    pub combine: Combine,
    /// Who holds changes back, in this order. Default: `stabilization` and `rate` with their
    /// defaults, as the Kubernetes HPA; where all policies are `predictive` by `risk`, `rate` alone, as
    /// these keep by themselves what is needed again.
    #[serde(default = "hpa_guards")]
    pub guards: Vec<GuardConfig>,
    /// Scale to and from zero; needs `min_replicas: 0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zero: Option<ZeroConfig>,
    /// Whether a workload found at zero replicas, with `min_replicas` above zero, is taken as
    /// paused by its user, as the Kubernetes HPA does. Default: false, it is lifted to the minimum.
    #[serde(default)]
    pub pause_at_zero: bool,
    /// The settings as they were given, to tell them from defaults.
    #[serde(skip)]
    given: Option<Value>,
}

/// Settings of a metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MetricConfig {
    /// What a bare number of it means.
    pub kind: MetricKind,
    /// What is done with readings that cannot be believed. Default: they are held back; `off` takes
    /// every reading as it comes.
    #[serde(default)]
    pub screen: ScreenConfig,
    /// Watches its load a minute and tells each alarm as a step of the decision; it moves no
    /// replicas. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detector: Option<DetectorConfig>,
}

impl MetricConfig {
    /// A metric of a kind, screened by default.
    #[must_use]
    pub fn new(kind: MetricKind) -> Self {
        Self { kind, screen: ScreenConfig::default(), detector: None }
    }
}

fn one() -> u32 {
    1
}

fn hpa_guards() -> Vec<GuardConfig> {
    vec![
        GuardConfig::Stabilization(crate::guard::stabilization::Config::default()),
        GuardConfig::Rate(crate::guard::rate::Config::default()),
    ]
}

/// What an autoscaler is made of.
pub(crate) struct Parts {
    pub(crate) metrics: Vec<Metric>,
    /// One a metric, in their order.
    pub(crate) screens: Vec<Labeled<Screen>>,
    /// Of the metrics that have one, by their place among them.
    pub(crate) lookouts: Vec<(usize, Labeled<Lookout>)>,
    pub(crate) capacity: Option<Box<dyn Capacity>>,
    pub(crate) lead_time: LeadTime,
    pub(crate) outlooks: Vec<Outlook>,
    pub(crate) voters: Vec<Voter>,
    pub(crate) guards: Vec<Labeled<Box<dyn Guard>>>,
    pub(crate) zero: Option<Zero>,
}

impl Config {
    /// Builds the members and checks what no member can check alone.
    pub(crate) fn build(&self) -> Result<Parts, Error> {
        self.check_limits()?;
        let metrics: Vec<_> = self
            .metrics
            .iter()
            .map(|(name, metric)| Metric { name: name.as_str().into(), kind: metric.kind })
            .collect();
        let screens = self.build_screens()?;
        let lookouts = self.build_lookouts()?;
        let capacity = self.capacity.clone().map(CapacityConfig::build).transpose();
        let capacity = capacity.map_err(|error| error.at("capacity"))?;
        if let Some(capacity) = &capacity {
            self.check_capacity(&**capacity).map_err(|error| error.at("capacity"))?;
        }
        let lead_time = self.lead_time.clone().build().map_err(|error| error.at("lead_time"))?;
        if self.policies.is_empty() {
            return Err(Error::config("policies", "is empty, must have at least one"));
        }
        let mut voters = Vec::<Voter>::new();
        let mut outlooks = Vec::<Outlook>::new();
        let mut wakes = self.min_replicas > 0 || self.zero.is_some();
        for (index, entry) in self.policies.iter().enumerate() {
            let inside = |error: Error| error.at(&format!("policies[{index}]"));
            let policy = entry.policy.clone().build().map_err(inside)?;
            policy.check_limits(self.min_replicas, self.max_replicas).map_err(inside)?;
            match policy.metric() {
                Some(metric) => {
                    let kind = self.check_metric(metric).map_err(inside)?;
                    policy.check(kind).map_err(inside)?;
                    wakes |= kind == MetricKind::Total && entry.direction != Direction::Down;
                }
                None => wakes |= entry.direction != Direction::Down,
            }
            if let Some((setting, metric)) = policy.also_reads() {
                self.check_total(setting, metric).map_err(inside)?;
            }
            if let Some(wanted) = policy.outlook() {
                self.check_forecast(&wanted.metric, capacity.as_deref()).map_err(inside)?;
                match outlooks.iter().find(|outlook| outlook.metric() == wanted.metric) {
                    Some(other) if other.settings() == wanted => {}
                    Some(_) => {
                        let message = format!(
                            "is \"{}\", which another policy forecasts with other settings",
                            wanted.metric
                        );
                        return Err(inside(Error::config("metric", message)));
                    }
                    None => {
                        let mut outlook =
                            Outlook::new(wanted, lead_time.in_force()).map_err(inside)?;
                        outlook.check_reach(self.lead_time.longest()).map_err(inside)?;
                        outlook.follow_upstreams(self.upstreams(&outlook).map_err(inside)?);
                        outlooks.push(outlook);
                    }
                }
            }
            let kind = policy.name().unwrap_or(entry.policy.kind());
            let name =
                policy.metric().map_or(kind.to_owned(), |metric| format!("{kind}({metric})"));
            let label = label(name, &voters, Voter::label);
            voters.push(Voter::new(label, policy, entry).map_err(inside)?);
        }
        let n_proposing = voters.iter().filter(|voter| !voter.policy.only_narrows()).count();
        self.combine.check(n_proposing).map_err(|error| error.at("combine"))?;
        if !wakes {
            let message = "is 0, from which no policy could wake up, as its metric has no reading \
                           there; must be at least 1, or `zero` be set";
            return Err(Error::config("min_replicas", message));
        }
        let guards = GuardConfig::build_all(&self.guards, None)?;
        let zero = self.zero.as_ref().map(Zero::new).transpose();
        let zero = zero.map_err(|error| error.at("zero"))?;
        Ok(Parts {
            metrics,
            screens,
            lookouts,
            capacity,
            lead_time,
            outlooks,
            voters,
            guards,
            zero,
        })
    }

    fn build_screens(&self) -> Result<Vec<Labeled<Screen>>, Error> {
        let build = |(name, metric): (&String, &MetricConfig)| {
            let screen = Screen::new(metric.screen.clone(), metric.kind)
                .map_err(|error| error.at(&format!("metrics.{name}.screen")))?;
            Ok((format!("screen({name})").into(), screen))
        };
        self.metrics.iter().map(build).collect()
    }

    fn build_lookouts(&self) -> Result<Vec<(usize, Labeled<Lookout>)>, Error> {
        let metrics = self.metrics.iter().enumerate();
        let watched = metrics.filter_map(|(index, (name, metric))| {
            metric.detector.clone().map(|settings| (index, name, settings))
        });
        let build = |(index, name, settings): (usize, &String, DetectorConfig)| {
            let lookout = Lookout::new(settings)
                .map_err(|error| error.at(&format!("metrics.{name}.detector")))?;
            Ok((index, (format!("detector({name})").into(), lookout)))
        };
        watched.map(build).collect()
    }

    /// Whether all policies keep by themselves what is needed again soon.
    fn holds_by_itself(&self) -> bool {
        !self.policies.is_empty()
            && self.policies.iter().all(|entry| match &entry.policy {
                PolicyConfig::Predictive(settings) => settings.risk().is_some(),
                _ => false,
            })
    }

    fn check_limits(&self) -> Result<(), Error> {
        let Self { min_replicas: min, max_replicas: max, .. } = *self;
        if max == 0 {
            return Err(Error::config("max_replicas", "is 0, must be at least 1"));
        }
        if min > max {
            let message = format!("is {min}, must not be above `max_replicas`, which is {max}");
            return Err(Error::config("min_replicas", message));
        }
        if let Some(zero) = &self.zero {
            let inside = |error: Error| error.at("zero");
            if min > 0 {
                let message = format!("is {min}, must be 0 where `zero` is set");
                return Err(Error::config("min_replicas", message));
            }
            zero.check(|metric| self.check_metric(metric)).map_err(inside)?;
        }
        Ok(())
    }

    fn check_metric(&self, metric: &str) -> Result<MetricKind, Error> {
        self.check_named("metric", metric)
    }

    fn check_capacity(&self, capacity: &dyn Capacity) -> Result<(), Error> {
        self.check_metric(capacity.metric())?;
        let Some((setting, metric, kind)) = capacity.also_reads() else { return Ok(()) };
        if self.check_named(setting, metric)? == kind {
            return Ok(());
        }
        let kind = match kind {
            MetricKind::Total => "total",
            MetricKind::Average => "average",
            MetricKind::Utilization => "utilization",
        };
        Err(Error::config(setting, format!("is \"{metric}\", must be of kind `{kind}`")))
    }

    fn check_total(&self, setting: &str, metric: &str) -> Result<(), Error> {
        if self.check_named(setting, metric)? == MetricKind::Total {
            return Ok(());
        }
        Err(Error::config(setting, format!("is \"{metric}\", must be of kind `total`")))
    }

    fn check_named(&self, setting: &str, metric: &str) -> Result<MetricKind, Error> {
        if let Some(known) = self.metrics.get(metric) {
            return Ok(known.kind);
        }
        let known: Vec<_> = self.metrics.keys().collect();
        let near = crate::catalog::did_you_mean(metric, &known);
        let message = format!("is \"{metric}\", must be one of `metrics`: {known:?}{near}");
        Err(Error::config(setting, message))
    }

    /// The regressors that are metrics too.
    fn upstreams(&self, outlook: &Outlook) -> Result<Vec<String>, Error> {
        let mut upstreams = Vec::new();
        for name in outlook.regressors() {
            let Some(metric) = self.metrics.get(name) else { continue };
            let refused = |message: &'static str| {
                Error::config(format!("forecaster.regressors.{name}"), message)
            };
            if name == outlook.metric() {
                return Err(refused("is the metric that is forecast, must be another one"));
            }
            if metric.kind != MetricKind::Total {
                let message = "has the name of a metric, which must be of kind `total` to be read; \
                               one that is told must have another name";
                return Err(refused(message));
            }
            upstreams.push(name.to_owned());
        }
        Ok(upstreams)
    }

    /// A forecast of load becomes replicas only through a capacity of the same metric.
    fn check_forecast(&self, metric: &str, capacity: Option<&dyn Capacity>) -> Result<(), Error> {
        match capacity.map(Capacity::metric) {
            Some(other) if other == metric => Ok(()),
            Some(other) => {
                let message =
                    format!("is \"{metric}\", must be that of `capacity`, which is \"{other}\"");
                Err(Error::config("metric", message))
            }
            None => {
                let message = format!("is \"{metric}\", which needs a `capacity` of that metric");
                Err(Error::config("metric", message))
            }
        }
    }
}
