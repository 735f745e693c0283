//! HorizontalPodAutoscaler of Kubernetes: `autoscaling/v2`, `v2beta2` and `v1`.
//!
//! In: the document. Out: a `target` policy for each metric, and the guards of its `behavior` or of
//! its absence, so that the same readings give the HPA's decisions. Knows nothing of KEDA, whose
//! HPA it also describes.

use serde_json::{Value, json};

use super::document::At;
use super::draft::Draft;
use super::{Import, bookkeeping, identity};
use crate::Error;

/// The versions that are read.
const VERSIONS: [&str; 3] = ["autoscaling/v2", "autoscaling/v2beta2", "autoscaling/v1"];

pub(super) fn import(at: &At<'_>) -> Result<Import, Error> {
    let version = at.field("apiVersion");
    let version = match version.need_text()? {
        known if VERSIONS.contains(&known) => known,
        _ => return Err(version.must("be autoscaling/v2, autoscaling/v2beta2 or autoscaling/v1")),
    };
    let name = identity(at)?;
    let spec = at.field("spec").mapping()?;
    if !spec.exists() {
        return Err(spec.missing());
    }
    let mut draft = Draft::default();
    limits(&spec, &mut draft)?;
    spec.field("scaleTargetRef").ignored("names the workload, which the host scales");

    let tolerance;
    if version == "autoscaling/v1" {
        tolerance = None;
        let percent = spec.field("targetCPUUtilizationPercentage");
        let annotations = at.fields(&["metadata", "annotations"]);
        for (name, entry) in annotations.entries() {
            if name.starts_with("autoscaling.alpha.kubernetes.io/") {
                let why = "autoscaling/v1 hides what it has no field for; export the HPA as \
                           autoscaling/v2 to read it";
                entry.ignored(why);
            }
        }
        utilization(&mut draft, "cpu", &percent, percent.whole()?, &json!(0.1), None)?;
        draft.set("guards", json!([{"kind": "without_behavior"}]));
    } else {
        let (guards, asked) = behavior(&spec.field("behavior"))?;
        draft.set("guards", guards);
        tolerance = asked;
        let tolerance = tolerance.clone().unwrap_or(json!(0.1));
        let metrics = spec.field("metrics").items()?;
        if metrics.is_empty() {
            spec.field("metrics").mapped("policies[0] (none: 80 % of the requested cpu)");
            let nothing = spec.field("metrics").field("none");
            utilization(&mut draft, "cpu", &nothing, None, &tolerance, None)?;
        }
        for metric in metrics {
            self::metric(&metric, &mut draft, &tolerance)?;
        }
    }
    if tolerance.is_none() {
        let why = "default of the controller's --horizontal-pod-autoscaler-tolerance";
        draft.tell("policies[*].tolerance", "0.1", why);
    }
    bookkeeping(at);
    draft.finish(name, format!("HorizontalPodAutoscaler {version}"), std::slice::from_ref(at))
}

/// `minReplicas` and `maxReplicas`; a workload at zero is taken as paused.
fn limits(spec: &At<'_>, draft: &mut Draft) -> Result<(), Error> {
    let (min, max) = (spec.field("minReplicas"), spec.field("maxReplicas"));
    let most = max.whole()?.ok_or_else(|| max.missing())?;
    if most == 0 {
        return Err(max.must("be at least 1"));
    }
    let least = min.whole()?.unwrap_or(1);
    if least > most {
        return Err(min.must(&format!("not be above `maxReplicas`, which is {most}")));
    }
    min.mapped("min_replicas");
    max.mapped("max_replicas");
    draft.set("min_replicas", least);
    draft.set("max_replicas", most);
    draft.set("pause_at_zero", true);
    Ok(())
}

/// The guards, and the tolerance if it is given: what `behavior` says, or an HPA without it does.
///
/// # Errors
/// If a value is of the wrong type or out of the range that Kubernetes allows.
pub(super) fn behavior(at: &At<'_>) -> Result<(Value, Option<Value>), Error> {
    let at = at.clone().mapping()?;
    if !at.exists() {
        return Ok((json!([{"kind": "without_behavior"}]), None));
    }
    let mut windows = json!({"kind": "stabilization", "scale_up": "0s", "scale_down": "5m"});
    let mut rate = json!({"kind": "rate"});
    let mut tolerance = json!({"up": 0.1, "down": 0.1});
    let mut is_given = false;
    for (theirs, ours) in [("scaleUp", "up"), ("scaleDown", "down")] {
        let rules = at.field(theirs).mapping()?;
        let direction = format!("scale_{ours}");
        let window = rules.field("stabilizationWindowSeconds");
        if let Some(seconds) = window.whole()? {
            if seconds > 3600 {
                return Err(window.must("be from 0 to 3600"));
            }
            windows[&direction] = json!(seconds);
            window.mapped(format!("guards[0].{direction}"));
        }
        let asked = rules.field("tolerance");
        if let Some(quantity) = asked.quantity()? {
            tolerance[ours] = json!(quantity.value());
            is_given = true;
            asked.mapped(format!("policies[*].tolerance.{ours}"));
        }
        let select = rules.field("selectPolicy");
        if let Some(choice) = select.text()? {
            let choice = match choice {
                "Max" => "max",
                "Min" => "min",
                "Disabled" => "disabled",
                _ => return Err(select.must("be Max, Min or Disabled")),
            };
            rate[format!("select_{direction}")] = json!(choice);
            select.mapped(format!("guards[1].select_{direction}"));
        }
        if rules.field("policies").exists() {
            let mut limits = Vec::new();
            for policy in rules.field("policies").items()? {
                let to = format!("guards[1].{direction}[{}]", limits.len());
                limits.push(limit(&policy, &to)?);
            }
            if limits.is_empty() {
                return Err(rules.field("policies").must("have at least one policy"));
            }
            rate[&direction] = json!(limits);
        }
        rules.mapped("guards (empty: the defaults of `behavior`)");
    }
    at.mapped("guards (empty: the defaults of `behavior`)");
    Ok((json!([windows, rate]), is_given.then_some(tolerance)))
}

fn limit(policy: &At<'_>, to: &str) -> Result<Value, Error> {
    let (kind, value, period) =
        (policy.field("type"), policy.field("value"), policy.field("periodSeconds"));
    let unit = match kind.need_text()? {
        "Pods" => "replicas",
        "Percent" => "percent",
        _ => return Err(kind.must("be Pods or Percent")),
    };
    let amount = value.whole()?.ok_or_else(|| value.missing())?;
    if amount == 0 {
        return Err(value.must("be above 0"));
    }
    let seconds = period.whole()?.ok_or_else(|| period.missing())?;
    if !(1..=1800).contains(&seconds) {
        return Err(period.must("be from 1 to 1800"));
    }
    kind.mapped(to);
    value.mapped(format!("{to}.{unit}"));
    period.mapped(format!("{to}.period"));
    Ok(json!({unit: amount, "period": seconds}))
}

/// One entry of `metrics`.
fn metric(at: &At<'_>, draft: &mut Draft, tolerance: &Value) -> Result<(), Error> {
    let at = at.clone().mapping()?;
    let kind = at.field("type");
    let (source, is_container) = match kind.need_text()? {
        "Resource" => ("resource", false),
        "ContainerResource" => ("containerResource", true),
        "Pods" => ("pods", false),
        "Object" => ("object", false),
        "External" => ("external", false),
        _ => {
            return Err(kind.must("be Resource, ContainerResource, Pods, Object or External"));
        }
    };
    let source = at.field(source).mapping()?;
    if !source.exists() {
        return Err(source.missing());
    }
    let policy = draft.next_policy();
    kind.mapped(policy.clone());
    let target = source.field("target").mapping()?;
    if !target.exists() {
        return Err(target.missing());
    }
    let how = target.field("type");
    let how_text = how.need_text()?;

    if kind.text()? == Some("Resource") || is_container {
        let resource = source.field("name").need_text()?;
        let container = source.field("container");
        let container_name = if is_container { Some(container.need_text()?) } else { None };
        match how_text {
            "Utilization" => {
                let percent = target.field("averageUtilization");
                let whole = percent.whole()?.ok_or_else(|| percent.missing())?;
                let metric =
                    utilization(draft, resource, &percent, Some(whole), tolerance, container_name)?;
                source.field("name").mapped(format!("metrics.{metric}"));
                container.mapped(format!("metrics.{metric}"));
            }
            "AverageValue" => {
                let value = target.field("averageValue");
                let quantity = value.quantity()?.ok_or_else(|| value.missing())?;
                let unit = unit(resource);
                let of = container_name.map_or("each replica".to_owned(), |name| {
                    format!("container {name} of each replica")
                });
                let feed = format!("the {resource} usage of {of}, in {unit}");
                let wanted =
                    container_name.map_or(resource.to_owned(), |name| format!("{resource}_{name}"));
                let metric = draft.metric(&wanted, "average", feed);
                let to = push(draft, &metric, "average_value", quantity.value(), tolerance);
                value.mapped(format!("{to}.target"));
                source.field("name").mapped(format!("metrics.{metric}"));
                container.mapped(format!("metrics.{metric}"));
            }
            _ => return Err(how.must("be Utilization or AverageValue")),
        }
        how.mapped(format!("{policy}.by"));
        return Ok(());
    }

    let identifier = source.field("metric").mapping()?;
    let name = identifier.field("name").need_text()?;
    let selector =
        if identifier.field("selector").exists() { ", of the selector given" } else { "" };
    let (kind, feed) = match kind.text()? {
        Some("Pods") => ("average", format!("{name} of each replica{selector}")),
        Some("Object") => {
            let object = source.field("describedObject");
            let part = |field| object.field(field).text().map(Option::unwrap_or_default);
            let feed = format!("{name} of {} {}{selector}", part("kind")?, part("name")?);
            ("total", feed)
        }
        _ => ("total", format!("the sum of the series of {name}{selector}")),
    };
    let (by, value) = match (how_text, kind) {
        ("AverageValue", _) => ("average_value", target.field("averageValue")),
        ("Value", "total") => ("value", target.field("value")),
        (_, "average") => return Err(how.must("be AverageValue")),
        _ => return Err(how.must("be Value or AverageValue")),
    };
    let quantity = value.quantity()?.ok_or_else(|| value.missing())?;
    let metric = draft.metric(name, kind, feed);
    let to = push(draft, &metric, by, quantity.value(), tolerance);
    value.mapped(format!("{to}.target"));
    how.mapped(format!("{to}.by"));
    identifier.field("name").mapped(format!("metrics.{metric}"));
    identifier.field("selector").ignored("part of the query, which the host makes");
    source.field("describedObject").ignored("part of the query, which the host makes");
    Ok(())
}

/// A target on the usage against the requests; none given is 80 %.
fn utilization(
    draft: &mut Draft,
    resource: &str,
    at: &At<'_>,
    percent: Option<u32>,
    tolerance: &Value,
    container: Option<&str>,
) -> Result<String, Error> {
    if percent == Some(0) {
        return Err(at.must("be at least 1"));
    }
    let unit = unit(resource);
    let of = container
        .map_or("each replica".to_owned(), |name| format!("container {name} of each replica"));
    let feed = format!("the {resource} usage of {of} with its request, in {unit}");
    let wanted = container.map_or(resource.to_owned(), |name| format!("{resource}_{name}"));
    let metric = draft.metric(&wanted, "utilization", feed);
    let target = f64::from(percent.unwrap_or(80)) / 100.0;
    let to = push(draft, &metric, "utilization", target, tolerance);
    at.mapped(format!("{to}.target"));
    if percent.is_none() {
        draft.tell(
            &format!("{to}.target"),
            "0.8",
            "default of Kubernetes where no metric is given",
        );
    }
    Ok(metric)
}

/// The unit of a resource's readings.
pub(super) fn unit(resource: &str) -> &'static str {
    match resource {
        "cpu" => "cores",
        "memory" | "ephemeral-storage" => "bytes",
        _ => "its own unit",
    }
}

fn push(draft: &mut Draft, metric: &str, by: &str, target: f64, tolerance: &Value) -> String {
    draft.policy(json!({
        "kind": "target", "metric": metric, "by": by, "target": target, "tolerance": tolerance,
    }))
}
