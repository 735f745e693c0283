//! KEDA's ScaledObject and ScaledJob, `keda.sh/v1alpha1`.
//!
//! In: the document. Out: for a ScaledObject what the HPA that KEDA makes of it does, with scaling
//! to and from zero; for a ScaledJob the jobs to run. What a trigger is, is known to
//! [`keda_triggers`](super::keda_triggers).

use serde_json::{Value, json};

use super::document::At;
use super::draft::Draft;
use super::hpa::behavior;
use super::keda_triggers::{external, number, query, resource, schedule};
use super::{Import, bookkeeping, identity};
use crate::Error;

const PREFIX: &str = "autoscaling.keda.sh/";

pub(super) fn import(at: &At<'_>) -> Result<Import, Error> {
    let version = at.field("apiVersion");
    if version.need_text()? != "keda.sh/v1alpha1" {
        return Err(version.must("be keda.sh/v1alpha1"));
    }
    let name = identity(at)?;
    let spec = at.field("spec").mapping()?;
    if !spec.exists() {
        return Err(spec.missing());
    }
    let mut draft = Draft::default();
    spec.field("pollingInterval").ignored("the host decides how often it observes");
    let source = if at.field("kind").text()? == Some("ScaledJob") {
        jobs(&spec, &mut draft)?;
        "ScaledJob keda.sh/v1alpha1"
    } else {
        object(at, &spec, &mut draft)?;
        "ScaledObject keda.sh/v1alpha1"
    };
    bookkeeping(at);
    draft.finish(name, source, std::slice::from_ref(at))
}

/// `minReplicaCount` and `maxReplicaCount`, as far as given.
fn limits(spec: &At<'_>) -> Result<(Option<u32>, u32), Error> {
    let (min, max) = (spec.field("minReplicaCount"), spec.field("maxReplicaCount"));
    let most = max.whole()?.unwrap_or(100);
    if most == 0 {
        return Err(max.must("be at least 1"));
    }
    let least = min.whole()?;
    if least.is_some_and(|least| least > most) {
        return Err(min.must(&format!("not be above `maxReplicaCount`, which is {most}")));
    }
    max.mapped("max_replicas");
    min.mapped("min_replicas");
    Ok((least, most))
}

fn object(at: &At<'_>, spec: &At<'_>, draft: &mut Draft) -> Result<(), Error> {
    let (least, most) = limits(spec)?;
    draft.set("max_replicas", most);
    if !spec.field("maxReplicaCount").exists() {
        draft.tell("max_replicas", most.to_string(), "default of KEDA");
    }
    spec.field("scaleTargetRef").ignored("names the workload, which the host scales");
    let advanced = spec.field("advanced").mapping()?;
    let hpa = advanced.field("horizontalPodAutoscalerConfig").mapping()?;
    hpa.field("name").ignored("names an object of Kubernetes");
    advanced
        .field("restoreToOriginalReplicaCount")
        .ignored("is about deleting the ScaledObject, not about scaling");
    let (guards, tolerance) = behavior(&hpa.field("behavior"))?;
    draft.set("guards", guards);
    let tolerance = tolerance.unwrap_or(json!(0.1));

    let modifiers = advanced.field("scalingModifiers").mapping()?;
    let has_formula = modifiers.field("formula").exists();
    let mut active = Vec::new(); // triggers of `zero`
    let mut triggers = spec.field("triggers").items()?;
    if triggers.is_empty() {
        return Err(spec.field("triggers").missing());
    }
    let mut names = Vec::new();
    let mut n_schedules = 0;
    for trigger in &mut triggers {
        let kind = trigger.field("type").need_text()?;
        match kind {
            "cron" => {
                schedule(trigger, draft, most)?;
                n_schedules += 1;
            }
            "cpu" | "memory" => resource(trigger, kind, draft, &tolerance)?,
            _ if has_formula => {
                names.push(trigger.field("name").text()?.unwrap_or(kind).to_owned());
                let how = "the host reads it and puts it into the formula";
                for part in ["type", "name"] {
                    trigger.field(part).approximated("metrics.composite", how);
                }
                trigger.field("metricType").ignored("the formula has one of its own");
                query(trigger);
            }
            _ => {
                let external = external(trigger, kind)?;
                let metric = draft.metric(&external.wanted, "total", external.feed.clone());
                let to = draft.policy(json!({
                    "kind": "target", "metric": metric, "by": external.by,
                    "target": external.target, "tolerance": tolerance,
                }));
                external.tell(trigger, draft, &metric, &to);
                active.push((metric, trigger.clone(), external.activation.clone()));
            }
        }
    }
    if has_formula {
        active.push(formula(&modifiers, draft, &names, &tolerance)?);
    }
    fallback(&spec.field("fallback"), draft)?;
    zero(spec, draft, least, &active, n_schedules)?;
    paused(at, draft)
}

/// One formula in place of all external triggers: the host works it out.
fn formula<'d>(
    modifiers: &At<'d>,
    draft: &mut Draft,
    names: &[String],
    tolerance: &Value,
) -> Result<Active<'d>, Error> {
    let formula = modifiers.field("formula");
    let feed = format!("the value of `{}`, of {}", formula.need_text()?, names.join(", "));
    let metric = draft.metric("composite", "total", feed);
    let target = modifiers.field("target");
    let wanted = number(&target)?;
    if wanted <= 0.0 {
        return Err(target.must("be above 0"));
    }
    let by = modifiers.field("metricType");
    let how = match by.text()? {
        None | Some("AverageValue") => "average_value",
        Some("Value") => "value",
        Some(_) => return Err(by.must("be AverageValue or Value")),
    };
    let to = draft.policy(json!({
        "kind": "target", "metric": metric, "by": how, "target": wanted, "tolerance": tolerance,
    }));
    formula.approximated(
        format!("metrics.{metric}"),
        "no formula is worked out here; the host sends its value",
    );
    target.mapped(format!("{to}.target"));
    by.mapped(format!("{to}.by"));
    let place = modifiers.field("activationTarget");
    let activation = if place.exists() { Some((place.clone(), number(&place)?)) } else { None };
    Ok((metric, modifiers.clone(), activation))
}

fn fallback(at: &At<'_>, draft: &mut Draft) -> Result<(), Error> {
    let at = at.clone().mapping()?;
    if !at.exists() {
        return Ok(());
    }
    let (threshold, replicas, behavior) =
        (at.field("failureThreshold"), at.field("replicas"), at.field("behavior"));
    let settings = json!({
        "failures": threshold.whole()?.ok_or_else(|| threshold.missing())?,
        "replicas": replicas.whole()?.ok_or_else(|| replicas.missing())?,
        "behavior": match behavior.text()? {
            None | Some("static" | "scalingModifiers") => "static",
            Some("currentReplicas") => "current",
            Some("currentReplicasIfHigher") => "higher",
            Some("currentReplicasIfLower") => "lower",
            Some(_) => {
                return Err(behavior.must(
                    "be static, currentReplicas, currentReplicasIfHigher, \
                     currentReplicasIfLower or scalingModifiers",
                ));
            }
        },
    });
    let mut first = None;
    for (index, policy) in draft.policies.iter_mut().enumerate() {
        // As in KEDA, not for cpu and memory.
        let by = policy["by"].as_str();
        let is_external =
            policy["kind"] == "target" && matches!(by, Some("average_value" | "value"));
        let metric = policy["metric"].as_str().unwrap_or_default().to_owned();
        if is_external && draft.metrics[&metric]["kind"] == "total" {
            policy["fallback"] = settings.clone();
            first = first.or(Some(index));
        }
    }
    let Some(first) = first else {
        at.ignored("stands in for external triggers only, of which there is none");
        return Ok(());
    };
    let to = format!("policies[{first}].fallback");
    let how = "counted in observations, of each external trigger";
    threshold.approximated(format!("{to}.failures"), how);
    replicas.mapped(format!("{to}.replicas"));
    if behavior.text()? == Some("scalingModifiers") {
        behavior.approximated(format!("{to}.behavior"), "the host decides what its formula gives");
    } else {
        behavior.mapped(format!("{to}.behavior"));
    }
    Ok(())
}

/// Triggers that tell of work: their metric, the trigger, the activation value.
type Active<'d> = (String, At<'d>, Option<(At<'d>, f64)>);

fn zero(
    spec: &At<'_>,
    draft: &mut Draft,
    least: Option<u32>,
    active: &[Active<'_>],
    n_schedules: usize,
) -> Result<(), Error> {
    let (idle, cooldown, initial) = (
        spec.field("idleReplicaCount"),
        spec.field("cooldownPeriod"),
        spec.field("initialCooldownPeriod"),
    );
    let idle_replicas = idle.whole()?;
    if idle_replicas.is_some_and(|idle| idle > 0) {
        return Err(idle.must("be 0, as KEDA knows no other"));
    }
    let cooldown_seconds = cooldown.whole()?.unwrap_or(300);
    let initial_seconds = initial.whole()?.unwrap_or(0);
    let goes_to_zero = idle_replicas.is_some() || least.unwrap_or(0) == 0;
    let mut min = if idle_replicas.is_some() { 0 } else { least.unwrap_or(0) };
    if goes_to_zero && !active.is_empty() {
        let triggers: Vec<_> = active
            .iter()
            .map(|(metric, _, activation)| {
                let activation = activation.as_ref().map_or(0.0, |(_, number)| *number);
                json!({"metric": metric, "activation": activation})
            })
            .collect();
        draft.set(
            "zero",
            json!({"triggers": triggers, "idle_grace": cooldown_seconds,
                "initial_grace": initial_seconds}),
        );
        cooldown.mapped("zero.idle_grace");
        initial.approximated("zero.initial_grace", "counted from the first observation");
        if !cooldown.exists() {
            draft.tell("zero.idle_grace", "5m", "default of KEDA's cooldownPeriod");
        }
    } else {
        let is_resting = goes_to_zero && n_schedules > 0;
        let why = if is_resting {
            "the end of a window is not waited for"
        } else {
            "only the way to zero waits for it, and nothing goes there"
        };
        cooldown.ignored(why);
        initial.ignored(why);
        let wants_more = |policy: &Value| policy["kind"] != "schedule";
        if is_resting && (idle_replicas.is_some() || draft.policies.iter().any(wants_more)) {
            let to = draft.policy(json!({
                "kind": "schedule", "name": "outside of all windows", "rank": -1,
                "windows": [{"start": "1970-01-01", "end": "9999-01-01"}], "max_replicas": 0,
            }));
            let why = "in KEDA cpu and memory keep nothing above zero once no window is open";
            draft.tell(&format!("{to}.max_replicas"), "0", why);
        }
        if min == 0 && n_schedules == 0 {
            if spec.field("minReplicaCount").exists() {
                let rule = "be at least 1, as cpu and memory tell nothing at zero";
                return Err(spec.field("minReplicaCount").must(rule));
            }
            min = 1;
        }
    }
    for (index, (_, trigger, activation)) in active.iter().enumerate() {
        if let Some((place, _)) = activation {
            if draft.get("zero").is_some() {
                place.mapped(format!("zero.triggers[{index}].activation"));
            } else {
                place.ignored("tells when to leave zero, and nothing goes there");
            }
        }
        query(trigger);
    }
    idle.mapped("min_replicas");
    if let (Some(_), Some(least)) = (idle_replicas, least.filter(|&least| least > 1)) {
        // Active means at least so many; idle outranks it, as `zero` comes after the policies.
        let to = draft.policy(json!({"kind": "fixed_value", "value": least}));
        let place = spec.field("minReplicaCount");
        place.unmark();
        place.mapped(format!("{to}.value"));
    }
    if !spec.field("minReplicaCount").exists() && !idle.exists() {
        draft.assume("min_replicas", min, "default of KEDA, at least 1 without external triggers");
    }
    draft.set("min_replicas", min);
    Ok(())
}

/// KEDA's annotations that stop scaling.
fn paused(at: &At<'_>, draft: &mut Draft) -> Result<(), Error> {
    let annotations = at.fields(&["metadata", "annotations"]).mapping()?;
    let on = |name: &str| -> Result<(At<'_>, bool), Error> {
        let place = annotations.field(&format!("{PREFIX}{name}"));
        let truth = place.truth()?.unwrap_or(false);
        Ok((place, truth))
    };
    let (all, is_paused) = on("paused")?;
    let (scale_in, is_in_paused) = on("paused-scale-in")?;
    let (scale_out, is_out_paused) = on("paused-scale-out")?;
    let (forced, is_forced) = on("force-activation")?;
    let at_replicas = annotations.field(&format!("{PREFIX}paused-replicas"));
    all.mapped("mode");
    scale_in.mapped("mode");
    if is_forced && draft.get("zero").is_some() {
        draft.remove("zero");
        draft.set(
            "min_replicas",
            draft.get("min_replicas").and_then(Value::as_u64).unwrap_or(0).max(1),
        );
        forced.approximated("min_replicas", "always active, so never below 1");
    } else {
        forced.ignored("nothing goes to zero here");
    }
    if is_out_paused {
        for policy in &mut draft.policies {
            if policy["kind"] != "schedule" {
                policy["direction"] = json!("down");
            }
        }
    }
    scale_out.approximated(
        if is_out_paused { "policies[0].direction" } else { "policies" },
        "policies may only lower; `zero` and schedules still raise",
    );
    if is_paused || (is_in_paused && is_out_paused) {
        draft.set("mode", "observe");
    } else if is_in_paused {
        draft.set("mode", "scale_up_only");
    }
    match at_replicas.whole_or_text()? {
        Some(0) => {
            draft.set("mode", "observe");
            at_replicas.approximated("mode", "stays where it is, does not go to 0 first");
        }
        Some(replicas) => {
            for setting in ["min_replicas", "max_replicas"] {
                draft.set(setting, replicas);
            }
            draft.remove("zero");
            at_replicas.mapped("max_replicas (and min_replicas; remove the annotation to scale)");
        }
        None => {}
    }
    Ok(())
}

fn jobs(spec: &At<'_>, draft: &mut Draft) -> Result<(), Error> {
    let (least, most) = limits(spec)?;
    if !spec.field("maxReplicaCount").exists() {
        draft.tell("max_replicas", most.to_string(), "default of KEDA");
    }
    draft.set("max_replicas", most);
    draft.set("min_replicas", least.unwrap_or(0));
    draft.set("guards", json!([]));
    for name in [
        "jobTargetRef",
        "successfulJobsHistoryLimit",
        "failedJobsHistoryLimit",
        "rollout",
        "rolloutStrategy",
        "envSourceContainerName",
    ] {
        spec.field(name).ignored("is about the jobs themselves, which the host starts");
    }
    let strategy = spec.field("scalingStrategy").mapping()?;
    let [kind, deduction, share, combine] = [
        "strategy",
        "customScalingQueueLengthDeduction",
        "customScalingRunningJobPercentage",
        "multipleScalersCalculation",
    ]
    .map(|name| strategy.field(name));
    let ours = match kind.text()? {
        None | Some("default") => "default",
        Some("custom") => "custom",
        Some("accurate") => "accurate",
        Some("eager") => "eager",
        Some(_) => return Err(kind.must("be default, custom, accurate or eager")),
    };
    match combine.text()? {
        None | Some("max" | "") => combine.mapped("combine"),
        Some(other @ ("min" | "avg" | "sum")) => {
            combine.approximated("combine", format!("the highest, not the {other}"));
        }
        Some(_) => return Err(combine.must("be max, min, avg or sum")),
    }
    draft.set("combine", "maximum");
    strategy
        .field("pendingPodConditions")
        .ignored("the host says which jobs are pending and which are ready");
    let triggers = spec.field("triggers").items()?;
    if triggers.is_empty() {
        return Err(spec.field("triggers").missing());
    }
    for trigger in triggers {
        let name = trigger.field("type").need_text()?;
        if matches!(name, "cpu" | "memory" | "cron") {
            return Err(trigger.field("type").must("be a trigger that counts work, for jobs"));
        }
        let external = external(&trigger, name)?;
        let metric = draft.metric(&external.wanted, "total", external.feed.clone());
        let mut policy =
            json!({"kind": "jobs", "metric": metric, "target": external.target, "strategy": ours});
        if ours == "custom" {
            policy["queue_length_deduction"] = json!(deduction.whole()?.unwrap_or(0));
            policy["running_job_percentage"] = json!(share.number_or_text()?.unwrap_or(0.0));
        }
        if let Some(least) = least.filter(|&least| least > 0) {
            policy["min_jobs"] = json!(least);
        }
        let to = draft.policy(policy);
        external.tell(&trigger, draft, &metric, &to);
        kind.mapped(format!("{to}.strategy"));
        if ours == "custom" {
            deduction.mapped(format!("{to}.queue_length_deduction"));
            share.mapped(format!("{to}.running_job_percentage"));
        }
        if let Some((place, _)) = &external.activation {
            place.ignored("jobs have no zero to wake from; every item counts");
        }
        query(&trigger);
    }
    deduction.ignored("only the strategy `custom` has it");
    share.ignored("only the strategy `custom` has it");
    Ok(())
}
