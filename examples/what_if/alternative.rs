//! What is compared: the manifest as it is, and with a forecast on top of it.

use forescale::capacity::CapacityConfig;
use forescale::combine::{Combine, PolicyEntry};
use forescale::manifest::Import;
use forescale::policy::PolicyConfig;
use forescale::policy::target::By;
use forescale::series::MetricKind;
use forescale::sim::{Record, Trace};
use forescale::{Config, Duration, MetricConfig};
use serde_json::json;

use super::{Case, text};

/// Lets the plant show its load, as `wanted` or the first total, and its utilization under the names
/// of the manifest's metrics, and leaves out the policies on others; what was done.
pub(crate) fn name_metrics(wanted: Option<&str>, case: &mut Case) -> Result<String, String> {
    let Import { config, metrics: feeds, .. } = &mut case.import;
    let kind = |name: &String| config.metrics[name].kind;
    let (used, mut loads): (Vec<String>, Vec<String>) =
        config.metrics.keys().cloned().partition(|name| kind(name) == MetricKind::Utilization);
    loads.sort_by_key(|name| kind(name) != MetricKind::Total);
    let load = match wanted {
        Some(wanted) => Some(loads.iter().find(|name| *name == wanted).ok_or_else(|| {
            format!("--metric is \"{wanted}\", must be a load that the manifest knows: {loads:?}")
        })?),
        None => loads.first(),
    };
    if let Some(name) = used.first() {
        case.plant.utilization_metric.clone_from(name);
    }
    if let Some(name) = load {
        case.plant.load_metric.clone_from(name);
    }
    let shown = [&case.plant.load_metric, &case.plant.utilization_metric];
    let means = |name: &String| feeds.get(name).map_or(String::new(), |feed| format!(" ({feed})"));
    let mut told = format!(
        "the history is shown to it as \"{}\"{}, and the utilization that comes of it as \"{}\"",
        shown[0],
        means(shown[0]),
        shown[1]
    );

    let unseen: Vec<_> = config.metrics.keys().filter(|name| !shown.contains(name)).collect();
    if unseen.is_empty() {
        return Ok(told);
    }
    let metric = |entry: &PolicyEntry| -> Option<String> {
        let settings = serde_json::to_value(entry).ok()?;
        settings["metric"].as_str().map(str::to_owned)
    };
    let is_seen = |entry: &PolicyEntry| metric(entry).is_none_or(|name| !unseen.contains(&&name));
    let has_one = config.policies.iter().any(|entry| metric(entry).is_some() && is_seen(entry));
    told += &format!("; the history tells nothing of {unseen:?}, so ");
    // Kept, a policy that cannot read its metric would keep the others from lowering.
    if has_one && config.combine == Combine::Maximum {
        config.policies = config.policies.iter().filter(|entry| is_seen(entry)).cloned().collect();
        told += "the policies on them are left out";
    } else {
        told += "the policies on them are silent, and may keep others from lowering";
    }
    Ok(told)
}

/// The target of its first policy on a utilization.
pub(crate) fn utilization_target(config: &Config) -> Option<f64> {
    config.policies.iter().find_map(|entry| match &entry.policy {
        PolicyConfig::Target(target) => {
            let kind = config.metrics.get(&target.metric)?.kind;
            let by_utilization = match target.by {
                Some(by) => by == By::Utilization,
                None => kind == MetricKind::Utilization,
            };
            by_utilization.then_some(target.target)
        }
        _ => None,
    })
}

/// The median load of a replica while the record ran.
pub(crate) fn held(trace: &Trace, record: &Record) -> Option<f64> {
    let times = (0..trace.values.len()).map(|k| trace.start + trace.step.times(k as i64));
    let mut loads: Vec<f64> = times
        .zip(&trace.values)
        .filter_map(|(at, load)| {
            record.at(at).filter(|&size| size > 0).map(|size| load / f64::from(size))
        })
        .filter(|load| *load > 0.0)
        .collect();
    loads.sort_by(f64::total_cmp);
    loads.get(loads.len() / 2).copied()
}

/// The manifest, and with a forecast; by name.
pub(crate) fn configs(case: &Case) -> Result<Vec<(String, String)>, String> {
    let Case { import, plant, .. } = case;
    let mut predictive = import.config.clone();
    // The slowest start-up, and what a reading is late by.
    let late = plant.start_up.as_secs_f64() * (1.0 + plant.start_up_jitter);
    predictive.lead_time = Duration::from_secs_f64(late + plant.metric_lag.as_secs_f64())
        .map_err(|error| error.to_string())?
        .into();
    let load = &plant.load_metric;
    predictive.metrics.entry(load.clone()).or_insert(MetricConfig::new(MetricKind::Total));
    let capacity = json!({
        "kind": "fixed", "metric": load, "load_per_replica": plant.load_per_replica,
        "target_utilization": 0.9,
    });
    let refused = |error: serde_json::Error| error.to_string();
    let capacity: CapacityConfig = serde_json::from_value(capacity).map_err(refused)?;
    predictive.capacity = Some(capacity);
    let forecast = json!({"kind": "predictive", "metric": load, "quantile": 0.95});
    let forecast: PolicyEntry = serde_json::from_value(forecast).map_err(refused)?;
    if !predictive.policies.iter().any(|entry| entry.policy.kind() == forecast.policy.kind()) {
        predictive.policies.push(forecast);
    }

    let mut configs = vec![
        (format!("{} as it is", import.name), text(&import.config)?),
        ("with a forecast".to_owned(), text(&predictive)?),
    ];
    // With a forecast above it the law for surprises can be less careful.
    let careful = utilization_target(&import.config).is_some_and(|target| target < NET);
    if careful {
        for entry in &mut predictive.policies {
            if let PolicyConfig::Target(target) = &mut entry.policy
                && predictive.metrics.get(&target.metric).is_some_and(|metric| {
                    metric.kind == MetricKind::Utilization && target.target < NET
                })
            {
                target.target = NET;
            }
        }
        configs.push((format!("with a forecast, target {NET}"), text(&predictive)?));
    }
    Ok(configs)
}

/// The target utilization of a law that is only a net below a forecast.
const NET: f64 = 0.85;
