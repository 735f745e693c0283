//! The triggers of KEDA's ScaledObject and ScaledJob.
//!
//! In: one trigger. Out: what it measures and its target, a policy on a resource, or a schedule.
//! Knows which field is the target from [`keda_scalers`](super::keda_scalers).

use serde_json::{Value, json};

use super::cron;
use super::document::At;
use super::draft::Draft;
use super::hpa::unit;
use super::keda_scalers::scaler;
use crate::Error;

/// A trigger that reads a metric from outside the workload.
pub(super) struct External<'d> {
    pub(super) wanted: String,
    pub(super) feed: String,
    pub(super) by: &'static str,
    pub(super) target: f64,
    /// The field that the target is in, if it is given.
    pub(super) place: Option<At<'d>>,
    pub(super) activation: Option<(At<'d>, f64)>,
}

pub(super) fn external<'d>(trigger: &At<'d>, kind: &str) -> Result<External<'d>, Error> {
    let metadata = trigger.field("metadata").mapping()?;
    let scaler = scaler(kind);
    let given = scaler.targets.iter().map(|name| metadata.field(name)).find(At::exists);
    let target = match (&given, scaler.default) {
        (Some(place), _) => number(place)?,
        (None, Some(default)) => default,
        (None, None) => {
            let names: Vec<_> = scaler.targets.iter().map(|name| format!("`{name}`")).collect();
            let message = format!(
                "has no target: a trigger of type \"{kind}\" must have {}",
                names.join(" or ")
            );
            return Err(metadata.refuse(&message));
        }
    };
    if target <= 0.0 {
        let place = given.as_ref().expect("a default is above 0");
        return Err(place.must("be above 0"));
    }
    let by = trigger.field("metricType");
    let by = match by.text()? {
        None | Some("AverageValue") => "average_value",
        Some("Value") => "value",
        Some(_) => return Err(by.must("be AverageValue or Value")),
    };
    let place = scaler.activations.iter().map(|name| metadata.field(name)).find(At::exists);
    let activation = match place {
        Some(place) => {
            let number = number(&place)?;
            Some((place, number))
        }
        None => None,
    };
    let label = trigger.field("name").text()?;
    let wanted = label.unwrap_or(kind).replace('-', "_");
    // Two triggers of a type are common, and without names only their places tell them apart.
    let which = label.map_or(format!("at {}", trigger.path()), |label| format!("{label:?}"));
    let feed = format!("what the {kind} trigger {which} measures, in all");
    Ok(External { wanted, feed, by, target, place: given, activation })
}

/// KEDA's metadata are texts, and often numbers.
pub(super) fn number(at: &At<'_>) -> Result<f64, Error> {
    let number = at.number_or_text()?.ok_or_else(|| at.missing())?;
    if number < 0.0 { Err(at.must("not be negative")) } else { Ok(number) }
}

impl External<'_> {
    /// The fates of the trigger's fields, activation left out.
    pub(super) fn tell(&self, trigger: &At<'_>, draft: &mut Draft, metric: &str, to: &str) {
        trigger.field("type").mapped(format!("metrics.{metric}"));
        trigger.field("name").mapped(format!("metrics.{metric}"));
        trigger.field("metricType").mapped(format!("{to}.by"));
        match &self.place {
            Some(place) => place.mapped(format!("{to}.target")),
            None => {
                let target = format!("{to}.target");
                draft.tell(&target, self.target.to_string(), "default of KEDA's scaler");
            }
        }
    }
}

/// Whatever of a trigger nobody has spoken of.
pub(super) fn query(trigger: &At<'_>) {
    trigger.field("metadata").ignored("part of the query, which the host makes");
    trigger.field("authenticationRef").ignored("the host reads the metric by its own rights");
    trigger.field("useCachedMetrics").ignored("the host decides how often it observes");
}

pub(super) fn resource(
    trigger: &At<'_>,
    kind: &str,
    draft: &mut Draft,
    tolerance: &Value,
) -> Result<(), Error> {
    let metadata = trigger.field("metadata").mapping()?;
    // Before 2.17 the type stood in the metadata.
    let by = [trigger.field("metricType"), metadata.field("type")];
    let by = by.iter().find(|at| at.exists()).unwrap_or(&by[0]);
    let value = metadata.field("value");
    let container = metadata.field("containerName");
    let container_name = container.text()?;
    let of = container_name
        .map_or("each replica".to_owned(), |name| format!("container {name} of each replica"));
    let wanted = container_name.map_or(kind.to_owned(), |name| format!("{kind}_{name}"));
    let unit = unit(kind);
    let (how, metric, target) = match by.text()? {
        None | Some("Utilization") => {
            let percent = value.whole_or_text()?.ok_or_else(|| value.missing())?;
            if percent == 0 {
                return Err(value.must("be at least 1"));
            }
            let feed = format!("the {kind} usage of {of} with its request, in {unit}");
            let metric = draft.metric(&wanted, "utilization", feed);
            ("utilization", metric, f64::from(percent) / 100.0)
        }
        Some("AverageValue") => {
            let quantity = value.quantity()?.ok_or_else(|| value.missing())?;
            let feed = format!("the {kind} usage of {of}, in {unit}");
            let metric = draft.metric(&wanted, "average", feed);
            ("average_value", metric, quantity.value())
        }
        Some(_) => return Err(by.must("be Utilization or AverageValue")),
    };
    let to = draft.policy(json!({
        "kind": "target", "metric": metric, "by": how, "target": target, "tolerance": tolerance,
    }));
    by.mapped(format!("{to}.by"));
    value.mapped(format!("{to}.target"));
    container.mapped(format!("metrics.{metric}"));
    trigger.field("type").mapped(format!("metrics.{metric}"));
    trigger.field("name").ignored("a name of the trigger, which the metric does without");
    query(trigger);
    Ok(())
}

/// KEDA's cron trigger: a floor while its window is open.
pub(super) fn schedule(trigger: &At<'_>, draft: &mut Draft, most: u32) -> Result<(), Error> {
    let metadata = trigger.field("metadata").mapping()?;
    let [start, end, zone, desired] =
        ["start", "end", "timezone", "desiredReplicas"].map(|name| metadata.field(name));
    let length = cron::between(start.need_text()?, end.need_text()?)
        .map_err(|why| end.refuse(&format!("{why}, so the window has no length of its own")))?;
    let floor = desired.whole_or_text()?.ok_or_else(|| desired.missing())?;
    let time_zone = zone.need_text()?;
    let to = draft.policy(json!({
        "kind": "schedule", "cron": start.need_text()?, "time_zone": time_zone,
        "duration": length.duration, "min_replicas": floor.min(most),
    }));
    if let Some(name) = trigger.field("name").text()? {
        draft.policies.last_mut().expect("just added")["name"] = json!(name);
        trigger.field("name").mapped(format!("{to}.name"));
    }
    trigger.field("type").mapped(to.clone());
    start.mapped(format!("{to}.cron"));
    zone.mapped(format!("{to}.time_zone"));
    let mut how = "ends at once, where KEDA waits for the stabilization or the cooldown".to_owned();
    if length.crosses_midnight && time_zone != "UTC" && time_zone != "Etc/UTC" {
        how += "; a length of time, so an hour off in the night in which clocks change";
    }
    end.approximated(format!("{to}.duration"), how);
    if floor > most {
        desired
            .approximated(format!("{to}.min_replicas"), "cut to `max_replicas`, as the HPA does");
    } else {
        desired.mapped(format!("{to}.min_replicas"));
    }
    query(trigger);
    Ok(())
}
