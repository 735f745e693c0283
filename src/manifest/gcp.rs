//! The autoscaler of Google Compute Engine's managed instance groups, as the REST resource
//! `autoscalers` and `regionAutoscalers` (v1) writes it.
//!
//! In: the document. Out: a `target` policy for each signal, `schedule` for each scaling schedule,
//! `predictive` for predictive autoscaling.

use serde_json::json;

use super::Import;
use super::document::At;
use super::draft::Draft;
use crate::Error;

pub(super) fn import(at: &At<'_>) -> Result<Import, Error> {
    let name = at.field("name").text()?.unwrap_or("unnamed").to_owned();
    at.field("name").mapped("the import's name");
    let policy = at.field("autoscalingPolicy").mapping()?;
    let mut draft = Draft::default();
    let (min, max) = (policy.field("minNumReplicas"), policy.field("maxNumReplicas"));
    let most = max.whole()?.ok_or_else(|| max.missing())?;
    let least = min.whole()?.unwrap_or(1);
    if least > most {
        return Err(min.must(&format!("not be above `maxNumReplicas`, which is {most}")));
    }
    draft.set("min_replicas", least);
    draft.set("max_replicas", most);
    min.mapped("min_replicas");
    max.mapped("max_replicas");

    let mode = policy.field("mode");
    if let Some(text) = mode.text()? {
        draft.set(
            "mode",
            match text {
                "ON" => "on",
                "OFF" => "observe",
                "ONLY_SCALE_OUT" | "ONLY_UP" => "scale_up_only",
                _ => return Err(mode.must("be ON, OFF, ONLY_SCALE_OUT or ONLY_UP")),
            },
        );
        mode.mapped("mode");
    }
    let starts = policy.field("coolDownPeriodSec");
    let seconds = starts.whole()?.unwrap_or(60);
    draft.set("lead_time", seconds);
    starts.approximated("lead_time", "the host says which replicas still start");
    if !starts.exists() {
        draft.tell("lead_time", "60s", "default of Compute Engine's coolDownPeriodSec");
    }

    signals(&policy, &mut draft)?;
    schedules(&policy, &mut draft)?;
    guards(&policy, &mut draft)?;
    policy.field("scaleDownControl").ignored("the name of scaleInControl in the beta API");
    for name in [
        "kind",
        "id",
        "creationTimestamp",
        "description",
        "target",
        "zone",
        "region",
        "selfLink",
        "selfLinkWithId",
        "status",
        "statusDetails",
        "recommendedSize",
        "scalingScheduleStatus",
    ] {
        at.field(name).ignored("describes the autoscaler, no setting");
    }
    draft.finish(name, "Compute Engine autoscaler", std::slice::from_ref(at))
}

fn signals(policy: &At<'_>, draft: &mut Draft) -> Result<(), Error> {
    let cpu = policy.field("cpuUtilization").mapping()?;
    let balanced = policy.field("loadBalancingUtilization").mapping()?;
    let customs = policy.field("customMetricUtilizations").items()?;
    let is_default = !cpu.exists() && !balanced.exists() && customs.is_empty();
    if cpu.exists() || (is_default && !policy.field("scalingSchedules").exists()) {
        let feed = "the cpu utilization, a mean of the replicas as a ratio";
        let target = utilization(&cpu, "cpu", feed, 0.6, draft)?;
        let method = cpu.field("predictiveMethod");
        match method.text()? {
            None | Some("NONE") => method.mapped("policies"),
            Some("OPTIMIZE_AVAILABILITY") => {
                let feed = "the cpu utilizations of all replicas, summed as ratios";
                let metric = draft.metric("cpu_load", "total", feed);
                draft.set(
                    "capacity",
                    json!({"kind": "fixed", "metric": metric, "load_per_replica": target,
                        "target_utilization": 1.0, "headroom": 0.0}),
                );
                let to = draft.policy(json!({"kind": "predictive", "metric": metric,
                    "quantile": 0.5, "direction": "up"}));
                method.approximated(to.clone(), "another forecaster, with a season of a day");
                draft.tell(&format!("{to}.quantile"), "0.5", "Google tells of one forecast");
            }
            Some(_) => return Err(method.must("be NONE or OPTIMIZE_AVAILABILITY")),
        }
    }
    if balanced.exists() {
        let feed = "the load balancer's serving capacity in use, as a ratio";
        utilization(&balanced, "load_balancing", feed, 0.8, draft)?;
    }
    for custom in customs {
        let name = custom.field("metric");
        let text = name.need_text()?;
        let (target, share) =
            (custom.field("utilizationTarget"), custom.field("singleInstanceAssignment"));
        let kind = custom.field("utilizationTargetType");
        let rate = match kind.text()? {
            None | Some("GAUGE") => "",
            Some("DELTA_PER_SECOND") => ", as its change per second",
            Some("DELTA_PER_MINUTE") => ", as its change per minute",
            Some(_) => return Err(kind.must("be GAUGE, DELTA_PER_SECOND or DELTA_PER_MINUTE")),
        };
        let (of, what, number, at) = match (target.number()?, share.number()?) {
            (Some(number), _) => ("average", "a mean of the replicas", number, &target),
            (None, Some(number)) => ("total", "of the whole group", number, &share),
            (None, None) => return Err(target.missing()),
        };
        let metric = draft.metric(text, of, format!("{text}{rate}, {what}"));
        let to = draft.policy(json!({"kind": "target", "metric": metric, "target": number,
            "by": "average_value"}));
        at.mapped(format!("{to}.target"));
        name.mapped(format!("{to}.metric"));
        kind.ignored("the host makes the rate");
        custom.field("filter").ignored("part of the query, which the host makes");
    }
    draft.tell("policies[*].tolerance", "0.1", "that of the HPA; Google's is not public");
    Ok(())
}

/// A target in whole percents; the ratio.
fn utilization(
    at: &At<'_>,
    name: &str,
    feed: &str,
    default: f64,
    draft: &mut Draft,
) -> Result<f64, Error> {
    let target = at.field("utilizationTarget");
    let asked = target.number()?.unwrap_or(default);
    if !(asked > 0.0 && asked <= 1.0) {
        return Err(target.must("be above 0 and at most 1"));
    }
    let ratio = ((asked * 100.0).round() / 100.0).max(0.01);
    let metric = draft.metric(name, "utilization", feed);
    let to = draft.policy(json!({"kind": "target", "metric": metric, "target": ratio}));
    if (ratio - asked).abs() > 1e-9 {
        target.approximated(format!("{to}.target"), format!("{ratio}, a whole percent"));
    } else {
        target.mapped(format!("{to}.target"));
    }
    if !target.exists() {
        draft.tell(&format!("{to}.target"), ratio.to_string(), "default of Compute Engine");
    }
    Ok(ratio)
}

fn schedules(policy: &At<'_>, draft: &mut Draft) -> Result<(), Error> {
    for (name, schedule) in policy.field("scalingSchedules").mapping()?.entries() {
        let [cron, zone, duration, least, disabled] =
            ["schedule", "timeZone", "durationSec", "minRequiredReplicas", "disabled"]
                .map(|name| schedule.field(name));
        if disabled.truth()? == Some(true) {
            schedule.ignored("the schedule is disabled");
            continue;
        }
        let floor = least.whole()?.ok_or_else(|| least.missing())?;
        let most = draft.get("max_replicas").and_then(|most| most.as_u64()).unwrap_or(0);
        let to = draft.policy(json!({
            "kind": "schedule", "name": name, "cron": cron.need_text()?,
            "time_zone": zone.text()?.unwrap_or("UTC"),
            "duration": duration.whole()?.ok_or_else(|| duration.missing())?,
            "min_replicas": u64::from(floor).min(most),
        }));
        cron.mapped(format!("{to}.cron"));
        zone.mapped(format!("{to}.time_zone"));
        duration.mapped(format!("{to}.duration"));
        disabled.mapped(to.clone());
        if u64::from(floor) > most {
            least.approximated(format!("{to}.min_replicas"), "cut to `maxNumReplicas`");
        } else {
            least.mapped(format!("{to}.min_replicas"));
        }
        schedule.field("description").ignored("a text for people");
    }
    Ok(())
}

/// The ten minutes for which a peak is kept, and the limit of what is taken away.
fn guards(policy: &At<'_>, draft: &mut Draft) -> Result<(), Error> {
    let control = policy.field("scaleInControl").mapping()?;
    let mut guards = vec![json!({"kind": "stabilization", "scale_down": "10m"})];
    draft.tell("guards[0].scale_down", "10m", "for so long Compute Engine keeps a peak");
    let (most, window) = (control.field("maxScaledInReplicas"), control.field("timeWindowSec"));
    let (fixed, percent) = (most.field("fixed"), most.field("percent"));
    let seconds = window.whole()?.unwrap_or(600);
    let limit = match (fixed.whole()?, percent.whole()?) {
        (Some(replicas), _) => Some((json!({"replicas": replicas, "period": seconds}), &fixed)),
        (None, Some(share)) => Some((json!({"percent": share, "period": seconds}), &percent)),
        (None, None) => None,
    };
    if let Some((limit, at)) = limit {
        guards.push(json!({"kind": "rate", "scale_up": [{"percent": 1_000_000, "period": "0s"}],
            "scale_down": [limit]}));
        let to = "guards[1].scale_down[0]";
        at.approximated(to, "counted from the window's start, not from its peak");
        window.mapped(format!("{to}.period"));
    }
    most.field("calculated").ignored("computed by Google");
    control.ignored("limits nothing without maxScaledInReplicas");
    draft.set("guards", json!(guards));
    Ok(())
}
