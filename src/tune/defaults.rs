//! What may be changed where nobody says.
//!
//! In: a configuration. Out: the dimensions that its members leave open. This is the one place of the
//! room that knows members by their kind, as only their settings tell what is worth a try.

use serde_json::{Value, json};

use super::space::{Dimension, three_digits};
use crate::config::read::to_value;
use crate::{Config, Error};

/// The settings of a configuration that are worth a search: quantile or risk, targets, tolerance,
/// thresholds, windows and rates of scale-down, headroom, lead time.
///
/// ```
/// use forescale::{Config, tune::default_space};
///
/// let config = Config::from_text(
///     r#"{"max_replicas": 60, "metrics": {"cpu": {"kind": "utilization"}},
///         "policies": [{"kind": "target", "metric": "cpu", "target": 0.7}]}"#,
/// )?;
/// let space = default_space(&config)?;
/// assert_eq!(space[0].path, "policies[0].target");
/// assert!(space.iter().any(|dimension| dimension.path == "guards[0].scale_down"));
/// # Ok::<(), forescale::Error>(())
/// ```
///
/// # Errors
/// [`ErrorKind::Config`](crate::ErrorKind::Config) if a number in the settings is not finite.
pub fn default_space(config: &Config) -> Result<Vec<Dimension>, Error> {
    let settings = to_value(config)?;
    let mut space = Vec::new();
    for (index, policy) in items(&settings["policies"]).enumerate() {
        let path = |field: &str| format!("policies[{index}].{field}");
        let is_utilization = policy["metric"]
            .as_str()
            .and_then(|metric| settings["metrics"][metric]["kind"].as_str())
            .is_some_and(|kind| kind == "utilization");
        match policy["kind"].as_str() {
            Some("target") => {
                space.extend(goal(path("target"), &policy["target"], is_utilization));
                // A full fleet reads 1 and no more; that must lie beyond the highest target's tolerance.
                let most = if is_utilization { 3 } else { 4 };
                let values = [0.0, 0.05, 0.1, 0.2].into_iter().take(most);
                space.push(Dimension::values(path("tolerance"), values));
            }
            Some("concurrency" | "target_tracking" | "target_value") => {
                space.extend(goal(path("target"), &policy["target"], is_utilization));
            }
            Some("watermark") => {
                space.extend(goal(path("low"), &policy["low"], false));
                space.extend(goal(path("high"), &policy["high"], false));
            }
            Some("predictive") if policy["risk"].is_number() => {
                space.push(Dimension::range(path("risk"), 0.0005, 1.0).by_factors());
            }
            Some("predictive") => {
                let by_quantile = [0.9, 0.95, 0.98, 0.995]
                    .map(|quantile| json!({"quantile": quantile, "risk": null}));
                let by_risk = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3]
                    .map(|risk| json!({"quantile": null, "risk": risk}));
                let auto = json!({"quantile": null, "risk": "auto"});
                let values = by_quantile.into_iter().chain(by_risk).chain([auto]);
                space.push(Dimension::values(format!("policies[{index}]"), values));
            }
            _ => {}
        }
    }
    for (index, guard) in items(&settings["guards"]).enumerate() {
        let path = format!("guards[{index}].scale_down");
        match guard["kind"].as_str() {
            Some("stabilization") => {
                let seconds = [0, 60, 120, 300, 600, 900, 1800, 3600];
                space.push(Dimension::values(path, seconds));
            }
            Some("rate") => {
                let slow = [50, 10].map(|percent| json!([{"percent": percent, "period": 60}]));
                let own = guard["scale_down"].clone();
                space.push(Dimension::values(path, std::iter::once(own).chain(slow)));
            }
            _ => {}
        }
    }
    let is_predictive =
        |policy: &Value| policy["kind"].as_str().is_some_and(|kind| kind == "predictive");
    if items(&settings["policies"]).any(is_predictive) {
        let capacity = &settings["capacity"];
        if capacity["target_utilization"].is_number() {
            space.push(Dimension::range("capacity.target_utilization", 0.6, 1.0));
        }
        if capacity["headroom"].is_number() {
            space.push(Dimension::values("capacity.headroom", [0.0, 0.05, 0.1, 0.2]));
        }
        if let Some(fixed) = settings["lead_time"].as_str() {
            let fixed: crate::time::Duration =
                fixed.parse().map_err(|error| Error::config("lead_time", format!("{error}")))?;
            let seconds = fixed.as_secs_f64();
            space.push(Dimension::values("lead_time", [seconds, (1.5 * seconds).round()]));
        }
    }
    Ok(space)
}

/// A goal: a utilization between the usual extremes, or any number by factors of its own.
fn goal(path: String, now: &Value, is_utilization: bool) -> Option<Dimension> {
    if is_utilization {
        return Some(Dimension::range(path, 0.3, 0.85).in_grains(0.01)); // whole percents
    }
    let now = now.as_f64().filter(|&now| now > 0.0)?;
    let [from, to] = [0.4, 1.4].map(|factor| three_digits(factor * now));
    (from < to).then(|| Dimension::range(path, from, to).by_factors())
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Autoscaler;
    use crate::tune::space::apply;

    /// Of each dimension alone, both ends and the middle build.
    #[test]
    fn every_dimension_changes_settings_into_others_that_build() {
        let config = Config::from_text(
            r#"{"max_replicas": 60, "lead_time": "3m",
                "metrics": {"cpu": {"kind": "utilization"}, "rps": {"kind": "total"}},
                "capacity": {"kind": "fixed", "metric": "rps", "load_per_replica": 100},
                "policies": [{"kind": "target", "metric": "cpu", "target": 0.7},
                             {"kind": "target", "metric": "rps", "target": 70},
                             {"kind": "watermark", "metric": "cpu", "low": 0.4, "high": 0.8},
                             {"kind": "predictive", "metric": "rps"}]}"#,
        )
        .unwrap();
        let space = default_space(&config).unwrap();
        assert_eq!(space.len(), 2 + 2 + 2 + 1 + 2 + 3);
        let most = space[0].to.unwrap() * (1.0 + space[1].values.last().unwrap().as_f64().unwrap());
        assert!(most < 1.0, "a full fleet must not be content: {most}");
        let base = to_value(&config).unwrap();
        for dimension in &space {
            dimension.check().unwrap();
            let builds = |place: f64| {
                let (settings, _) = apply(&base, std::slice::from_ref(dimension), &[place]);
                Config::from_value(settings).and_then(Autoscaler::new).is_ok()
            };
            let n = [0.0, 0.5, 1.0 - 1e-9].into_iter().filter(|&place| builds(place)).count();
            // A threshold alone may come to lie beyond the other one.
            let least = if dimension.path.starts_with("policies[2]") { 1 } else { 3 };
            assert!(n >= least, "{dimension:?}: {n}");
        }
    }
}
