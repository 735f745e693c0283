//! The workload as far as it is known: a plant for replays.
//!
//! In: the configuration, what is seen live. Out: the metrics that a replay shows, and the plant's
//! settings. Replays nothing.

use serde::{Deserialize, Serialize};

use super::load_log::LoadLog;
use super::settings::SelfTuningConfig;
use crate::capacity::learned::{self, Learned};
use crate::capacity::{Capacity, LeadTimeConfig, Seen};
use crate::config::read::to_value;
use crate::explain::Reason;
use crate::series::MetricKind;
use crate::sim::Settings;
use crate::time::Duration;
use crate::{Autoscaler, Config, Error, Observation};

/// What a replay shows of a workload, and what a replica of it carries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Likeness {
    /// The metric whose load is recorded.
    load: String,
    /// The mean utilization of the replicas, if that is a metric too.
    utilization: Option<String>,
    carries: Carries,
    /// Where it is not learnt.
    start_up: Option<Duration>,
}

/// How the load that a replica carries is known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Carries {
    Known(f64),
    /// There is only a utilization, so the load is in units of one fully used replica.
    Share,
    Learned(Box<Learned>),
    /// As the configuration's capacity has learnt it.
    ByCapacity,
}

impl Likeness {
    /// Of the settings that an autoscaler begins with, as those to come may plan with another headroom
    /// or lead time.
    pub(super) fn new(config: &Config, settings: &SelfTuningConfig) -> Result<Self, Error> {
        let kind = |kind: MetricKind| {
            let all = config.metrics.iter().filter(move |(_, metric)| metric.kind == kind);
            all.map(|(name, _)| name.clone())
        };
        let capacity = config.capacity.clone().map(|capacity| capacity.build()).transpose()?;
        let load = match &capacity {
            Some(capacity) => Some(capacity.metric().to_owned()),
            None => kind(MetricKind::Total).chain(kind(MetricKind::Average)).next(),
        };
        let is_by_share = load.is_none();
        let Some(load) = load.or_else(|| kind(MetricKind::Utilization).next()) else {
            return Err(Error::config("metrics", "is empty, must name the load"));
        };
        let utilization = kind(MetricKind::Utilization).find(|name| *name != load);
        let shown = [Some(&load), utilization.as_ref(), Some(&settings.plant.latency_metric)];
        if let Some(other) = config.metrics.keys().find(|name| !shown.contains(&Some(*name))) {
            let message = "is neither the load nor a utilization, so no replay can show it";
            return Err(Error::config(format!("metrics.{other}"), message));
        }
        let fixed = to_value(&config.capacity)?;
        let carries = match (settings.plant.load_per_replica, &utilization) {
            _ if is_by_share => Carries::Share,
            (Some(load), _) => Carries::Known(load),
            _ if fixed["kind"] == "fixed" => {
                Carries::Known(fixed["load_per_replica"].as_f64().unwrap_or(1.0))
            }
            (None, Some(utilization)) => {
                Carries::Learned(Box::new(Learned::new(learned::Config {
                    metric: load.clone(),
                    utilization: utilization.clone(),
                    load_per_replica: None,
                    target_utilization: 1.0,
                    idle_utilization: 0.0,
                    headroom: 0.0,
                    settle: Duration::from_secs(60),
                    window: 60,
                })?))
            }
            _ if capacity.is_some() => Carries::ByCapacity,
            _ => {
                let message = "is missing, must be given where there is neither a capacity nor a \
                               utilization to learn it from";
                return Err(Error::config("plant.load_per_replica", message));
            }
        };
        let start_up = match &config.lead_time {
            LeadTimeConfig::Fixed(duration) => Some(*duration),
            LeadTimeConfig::Learned(_) => None,
        };
        Ok(Self { load, utilization, carries, start_up })
    }

    /// The metric whose load is recorded.
    pub(super) fn load(&self) -> &str {
        &self.load
    }

    /// Learns what a replica carries.
    pub(super) fn see(&mut self, seen: &Observation, load: Option<f64>) {
        let (Carries::Learned(learned), Some(utilization)) = (&mut self.carries, &self.utilization)
        else {
            return;
        };
        let other = seen.metrics.get(utilization).and_then(|reading| {
            let usage = reading.usage(MetricKind::Utilization).ok()?;
            let ready = seen.replicas.ready;
            let used = crate::series::total_load(usage, MetricKind::Utilization, ready).ok()?;
            Some(used / f64::from(ready))
        });
        learned.observe(&Seen { at: seen.at, ready: seen.replicas.ready, load, other });
    }

    /// The plant, and the load that a replica of it carries.
    ///
    /// # Errors
    /// The reason why that is not known yet.
    pub(super) fn plant(
        &self,
        scaler: &Autoscaler,
        log: &LoadLog,
        settings: &Settings,
    ) -> Result<(Settings, f64), Reason> {
        let load_per_replica = match &self.carries {
            Carries::Known(load) => *load,
            Carries::Share => 1.0,
            Carries::Learned(learned) => learned.full_load()?,
            Carries::ByCapacity => scaler.full_load()?,
        };
        let start_up = self.start_up.unwrap_or_else(|| scaler.lead_time());
        // What nothing reads has a name that no setting has.
        let unread = format!("{} of all", self.load);
        let (load_metric, utilization_metric) = match (&self.carries, &self.utilization) {
            (Carries::Share, _) => (unread, self.load.clone()),
            (_, utilization) => (self.load.clone(), utilization.clone().unwrap_or(unread)),
        };
        let plant = Settings {
            interval: log.interval().unwrap_or(settings.interval),
            load_per_replica: Some(load_per_replica),
            start_up,
            start_up_p95: settings.start_up_p95.filter(|p95| *p95 >= start_up),
            load_metric,
            utilization_metric,
            ..settings.clone()
        };
        Ok((plant, load_per_replica))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;

    fn config(rest: &str) -> Config {
        Config::from_text(&format!(r#"{{"max_replicas": 9, {rest}}}"#)).unwrap()
    }

    const CPU: &str = r#""metrics": {"cpu": {"kind": "utilization"}},
        "policies": [{"kind": "target", "metric": "cpu", "target": 0.6}]"#;
    const BOTH: &str = r#""metrics": {"cpu": {"kind": "utilization"}, "rps": {"kind": "total"}},
        "policies": [{"kind": "target", "metric": "cpu", "target": 0.6}]"#;

    fn known(config: &Config) -> Result<Likeness, String> {
        Likeness::new(config, &SelfTuningConfig::default()).map_err(|error| error.to_string())
    }

    #[test]
    fn what_a_replica_carries_is_taken_from_where_it_is_known() {
        let log = LoadLog::new(Duration::from_secs(60), Duration::from_secs(86_400));
        let plant = |likeness: &Likeness, config: Config| {
            likeness.plant(&Autoscaler::new(config).unwrap(), &log, &Settings::default())
        };
        let by_share = known(&config(CPU)).unwrap();
        let (settings, load) = plant(&by_share, config(CPU)).unwrap();
        assert_eq!((settings.utilization_metric.as_str(), load), ("cpu", 1.0));
        assert_ne!(settings.load_metric, "cpu");

        let text = format!(
            r#"{BOTH}, "lead_time": "3m", "capacity":
               {{"kind": "fixed", "metric": "rps", "load_per_replica": 110, "headroom": 0.1}}"#
        );
        let fixed = known(&config(&text)).unwrap();
        let (settings, load) = plant(&fixed, config(&text)).unwrap();
        assert_eq!((load, settings.start_up), (110.0, Duration::from_secs(180)));

        let mut learned = known(&config(BOTH)).unwrap();
        assert_eq!(plant(&learned, config(BOTH)).unwrap_err().code(), "capacity_unknown");
        for look in 0..60 {
            let at = Timestamp::from_secs(15 * look);
            let seen = Observation::at(at).ready(4).metric("cpu", 0.5);
            learned.see(&seen, Some(200.0));
        }
        let (settings, load) = plant(&learned, config(BOTH)).unwrap();
        assert_eq!((load, settings.utilization_metric.as_str()), (100.0, "cpu"));
    }

    #[test]
    fn what_no_replay_can_show_is_named() {
        let queue = r#""metrics": {"rps": {"kind": "total"}, "queue": {"kind": "total"}},
            "capacity": {"kind": "fixed", "metric": "rps", "load_per_replica": 100},
            "policies": [{"kind": "predictive", "metric": "rps"}]"#;
        let message = known(&config(queue)).unwrap_err();
        assert!(message.starts_with("`metrics.queue` is neither the load"), "{message}");
        let unknown = r#""metrics": {"rps": {"kind": "total"}},
            "policies": [{"kind": "target", "metric": "rps", "target": 80}]"#;
        let message = known(&config(unknown)).unwrap_err();
        assert!(message.starts_with("`plant.load_per_replica` is missing"), "{message}");
    }
}
