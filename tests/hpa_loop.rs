//! The Kubernetes HPA's whole decision, through [`Autoscaler`]: the `reconcile` cases as a
//! configuration and one observation.
//!
//! The conformance harness runs the parts; this runs the loop that joins them. It reads the same
//! files, from `FORESCALE_CONFORMANCE_DIR` if that is set.

#![cfg(feature = "schedule")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "the folder of the cases is the tester's choice")]

#[allow(dead_code, unreachable_pub, reason = "shared with the conformance harness")]
#[path = "conformance/input.rs"]
mod input;

use std::path::PathBuf;

use forescale::guard::rate::limit::{Change, ChangeLimit, Select};
use forescale::guard::rate::log::{Event, EventLog};
use forescale::guard::rate::{Config as RateConfig, Limited, Rate};
use forescale::guard::stabilization::{Config as Windows, Recommendation, Stabilization};
use forescale::guard::without_behavior::{self, WithoutBehavior};
use forescale::{Autoscaler, Decision, Observation, Phase, Reading, ReplicaReading};
use input::{NOW, ago, count, integer, integers, list, optional_integer, real, span, text};
use serde_json::{Value, json};

/// One metric of the case: its settings, its policy and its reading; a source that the HPA cannot
/// read is a metric without reading.
fn metric(name: &str, metric: &Value, tolerance: &Value) -> (Value, Value, Reading) {
    let input = &metric["input"];
    let milli = |value: &Value| integer(value) as f64 / 1000.0;
    let (kind, by, target, reading) = match text(&metric["op"]) {
        "resource_utilization" => {
            let target = integer(&input["target_utilization_pct"]) as f64 / 100.0;
            ("utilization", "utilization", target, pods(input))
        }
        "pods_average_value" => {
            ("average", "average_value", milli(&input["target_average_value"]), pods(input))
        }
        "object_value" => {
            let reading = Reading::from(milli(&input["metric_value"]));
            ("total", "value", milli(&input["target_value"]), reading)
        }
        "object_average_value" => {
            let reading = Reading::from(milli(&input["metric_value"]));
            ("total", "average_value", milli(&input["target_average_value"]), reading)
        }
        "external_value" => ("total", "value", milli(&input["target_value"]), series(input)),
        "external_average_value" => {
            ("total", "average_value", milli(&input["target_average_value"]), series(input))
        }
        _ => ("total", "value", 1.0, Reading::Missing),
    };
    let policy = json!({
        "kind": "target", "metric": name, "by": by, "target": target, "tolerance": tolerance,
    });
    (json!({ "kind": kind }), policy, reading)
}

fn pods(input: &Value) -> Reading {
    let pod = |pod: &Value| {
        let milli = |value| optional_integer(value).map(|whole| whole as f64 / 1000.0);
        let phase = match text(&pod["state"]) {
            "counted" => Phase::Ready,
            "unready" => Phase::Unready,
            "ignored" => Phase::Ignored,
            other => panic!("a pod is {other}"),
        };
        ReplicaReading { value: milli(&pod["value"]), request: milli(&pod["request"]), phase }
    };
    let stray = |stray: &Value| ReplicaReading {
        value: Some(integer(&stray["value"]) as f64 / 1000.0),
        request: None,
        phase: Phase::Unlisted,
    };
    let listed = list(&input["pods"]).iter().map(pod);
    Reading::from(listed.chain(list(&input["extra_metrics"]).iter().map(stray)).collect::<Vec<_>>())
}

fn series(input: &Value) -> Reading {
    Reading::from(integers(&input["metric_values"]).sum::<i64>() as f64 / 1000.0)
}

/// The ready pods: as the case says, else the counted ones among those it lists, else those there
/// are.
fn ready(case: &Value) -> u32 {
    let metrics = list(&case["metrics"]);
    let said = metrics.iter().find_map(|metric| metric["input"].get("ready_pods"));
    let listed = metrics.iter().find_map(|metric| metric["input"].get("pods"));
    match (said, listed) {
        (Some(ready), _) => count(ready),
        (None, Some(pods)) => {
            list(pods).iter().filter(|pod| pod["state"] == "counted").count() as u32
        }
        (None, None) => count(&case["status_replicas"]),
    }
}

/// The observation of a case.
fn observation(case: &Value) -> Observation {
    let mut seen = Observation::at(NOW).ready(ready(case)).requested(count(&case["spec_replicas"]));
    for (at, given) in list(&case["metrics"]).iter().enumerate() {
        let name = format!("metric-{at}");
        let (_, _, reading) = metric(&name, given, &case["tolerance"]);
        seen = seen.metric(name, reading);
    }
    seen
}

/// The case without a past and with the controller's default flags: what a manifest can say.
fn fresh(case: &Value) -> Value {
    let mut case = case.clone();
    case["recommendations"] = Value::Null;
    case["scale_up_events"] = json!([]);
    case["scale_down_events"] = json!([]);
    case["downscale_stabilization_s"] = json!(300);
    case["default_scale_up_limit"] = json!({"factor": 2.0, "minimum": 4});
    if case["behavior"].is_null() {
        case["tolerance"] = json!(0.1);
    }
    case
}

/// A fresh case as a manifest of a HorizontalPodAutoscaler; `None` for a source that cannot be read.
fn manifest(case: &Value) -> Option<Value> {
    let milli = |value: &Value| json!(format!("{}m", integer(value)));
    let mut metrics = Vec::new();
    for (at, given) in list(&case["metrics"]).iter().enumerate() {
        let (name, input) = (format!("metric-{at}"), &given["input"]);
        let named = |target: Value| json!({"metric": {"name": name}, "target": target});
        let value = || json!({"type": "Value", "value": milli(&input["target_value"])});
        let average = || json!({"type": "AverageValue", "averageValue": milli(&input["target_average_value"])});
        metrics.push(match text(&given["op"]) {
            "resource_utilization" => json!({"type": "Resource", "resource": {"name": name,
                "target": {"type": "Utilization",
                    "averageUtilization": input["target_utilization_pct"]}}}),
            "pods_average_value" => json!({"type": "Pods", "pods": named(average())}),
            "object_value" => json!({"type": "Object", "object": named(value())}),
            "object_average_value" => json!({"type": "Object", "object": named(average())}),
            "external_value" => json!({"type": "External", "external": named(value())}),
            "external_average_value" => json!({"type": "External", "external": named(average())}),
            _ => return None,
        });
    }
    let mut spec = json!({"minReplicas": case["min_replicas"], "maxReplicas": case["max_replicas"],
        "metrics": metrics});
    let tolerance = &case["tolerance"];
    let band = |side: &str| tolerance.get(side).unwrap_or(tolerance).clone();
    if case["behavior"].is_null() {
        return Some(hpa(spec));
    }
    for (theirs, ours, side) in [("scaleUp", "scale_up", "up"), ("scaleDown", "scale_down", "down")]
    {
        let rules = &case["behavior"][ours];
        let policies: Vec<_> = list(&rules["policies"])
            .iter()
            .map(|policy| {
                json!({"type": policy["type"], "value": policy["value"],
                    "periodSeconds": policy["period_s"]})
            })
            .collect();
        let window = rules["stabilization_window_s"].as_f64().unwrap_or(0.0) as u32;
        spec["behavior"][theirs] = json!({
            "stabilizationWindowSeconds": window,
            "selectPolicy": rules["select_policy"], "tolerance": band(side), "policies": policies,
        });
    }
    Some(hpa(spec))
}

fn hpa(spec: Value) -> Value {
    json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "spec": spec})
}

/// What a manifest says decides as the same settings given by hand, minute by minute.
#[test]
fn an_imported_manifest_decides_as_the_hpa_does() {
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conformance/hpa_behavior_open.json");
    let file: Value = serde_json::from_slice(&std::fs::read(own).unwrap()).unwrap();
    let mut n_compared = 0;
    for case in list(&file["cases"]).iter().filter(|case| case["op"] == "reconcile") {
        let input = fresh(&case["input"]);
        let Some(manifest) = manifest(&input) else { continue };
        // Kubernetes itself refuses some of the cases' settings.
        let Ok(imports) = forescale::manifest::load(&manifest.to_string()) else { continue };
        let mut imported = Autoscaler::new(imports[0].config.clone()).unwrap();
        let mut by_hand = scaler(&input);
        let mut seen = observation(&input);
        for minute in 0..8 {
            let want = by_hand.decide(&seen).replicas;
            let decision = imported.decide(&seen);
            let told = decision.explain();
            assert_eq!(decision.replicas, want, "{} at {minute} min: {told}", case["name"]);
            seen = seen.requested(want);
            seen.at = seen.at + forescale::Duration::from_secs(60);
        }
        n_compared += 1;
    }
    assert!(n_compared >= 5, "only {n_compared} cases make a manifest");
    println!("{n_compared} cases");
}

fn decided(case: &Value) -> Decision {
    scaler(case).decide(&observation(case)).clone()
}

fn scaler(case: &Value) -> Autoscaler {
    let (mut metrics, mut policies) = (json!({}), Vec::new());
    for (at, given) in list(&case["metrics"]).iter().enumerate() {
        let name = format!("metric-{at}");
        let (kind, policy, _) = metric(&name, given, &case["tolerance"]);
        metrics[&name] = kind;
        policies.push(policy);
    }
    // With readings of pods only, a minimum of 0 is refused, as the HPA's own API does; the cases
    // have it all the same. A schedule, though long over, is a way up from zero.
    policies.push(json!({
        "kind": "schedule", "windows": [{"start": "1970-01-01", "end": "1970-01-02"}],
        "max_replicas": case["max_replicas"],
    }));
    let config = json!({
        "min_replicas": case["min_replicas"], "max_replicas": case["max_replicas"],
        "pause_at_zero": true, "metrics": metrics, "policies": policies, "guards": [],
    });
    let scaler = Autoscaler::from_text(&config.to_string()).unwrap();
    let behavior = &case["behavior"];
    if behavior.is_null() {
        let growth = &case["default_scale_up_limit"];
        let settings = without_behavior::Config {
            window: span(&case["downscale_stabilization_s"]),
            factor: real(&growth["factor"]),
            minimum: count(&growth["minimum"]),
        };
        let guard = match recommendations(case) {
            None => WithoutBehavior::new(settings),
            Some(history) => WithoutBehavior::with_history(settings, history),
        };
        let guard = guard.unwrap();
        scaler.with_guard("without_behavior", Box::new(guard))
    } else {
        let window = |direction: &str| match &behavior[direction]["stabilization_window_s"] {
            Value::Null => json!(0),
            seconds => seconds.clone(),
        };
        let windows = windows(&window("scale_up"), &window("scale_down"), case);
        scaler
            .with_guard("stabilization", Box::new(windows))
            .with_guard("rate", Box::new(rate(behavior, case)))
    }
}

fn windows(up: &Value, down: &Value, case: &Value) -> Stabilization {
    let settings = Windows { scale_up: span(up), scale_down: span(down) };
    match recommendations(case) {
        None => Stabilization::new(settings),
        Some(history) => Stabilization::with_history(settings, history),
    }
    .unwrap()
}

fn recommendations(case: &Value) -> Option<Vec<Recommendation>> {
    let seen = |entry: &Value| Recommendation {
        at: ago(&entry["age_s"]),
        replicas: count(&entry["replicas"]),
    };
    let entries = &case["recommendations"];
    (!entries.is_null()).then(|| list(entries).iter().map(seen).collect())
}

fn rate(behavior: &Value, case: &Value) -> Rate {
    let limit = |policy: &Value| {
        let value = count(&policy["value"]);
        let change = match text(&policy["type"]) {
            "Pods" => Change::Replicas(value),
            "Percent" => Change::Percent(value),
            other => panic!("a policy is of type {other}"),
        };
        ChangeLimit { change, period: span(&policy["period_s"]) }
    };
    let limits = |rules: &Value| list(&rules["policies"]).iter().map(limit).collect();
    let select = |rules: &Value| match text(&rules["select_policy"]) {
        "Max" => Select::Max,
        "Min" => Select::Min,
        "Disabled" => Select::Disabled,
        other => panic!("the selection is {other}"),
    };
    let log = |events: &Value| {
        let event = |event: &Value| Event {
            at: ago(&event["age_s"]),
            change: count(&event["change"]),
            is_outdated: event["outdated"] == true,
        };
        EventLog::new(list(events).iter().map(event).collect())
    };
    let (up, down) = (&behavior["scale_up"], &behavior["scale_down"]);
    let settings = RateConfig {
        scale_up: limits(up),
        scale_down: limits(down),
        select_scale_up: select(up),
        select_scale_down: select(down),
    };
    Rate::with_events(settings, log(&case["scale_up_events"]), log(&case["scale_down_events"]))
        .unwrap()
}

/// What limited the decision, by the HPA's name for it.
fn limit_reason(decision: &Decision) -> &'static str {
    let names = [
        ("too_many_replicas", Limited::TooManyReplicas),
        ("too_few_replicas", Limited::TooFewReplicas),
        ("scale_up_limit", Limited::ScaleUpLimit),
        ("scale_down_limit", Limited::ScaleDownLimit),
    ];
    let said = |code: &str| decision.steps.iter().any(|step| step.reason.code() == code);
    let limited = names.iter().find(|(code, _)| said(code)).map_or(Limited::No, |&(_, why)| why);
    limited.kubernetes_name()
}

#[test]
fn the_loop_decides_as_the_hpa_does() {
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conformance");
    let folder = std::env::var_os("FORESCALE_CONFORMANCE_DIR").map_or(own.into(), PathBuf::from);
    let mut n_cases = 0;
    let mut wrong = Vec::new();
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !(name.starts_with("hpa_behavior") && name.ends_with(".json")) {
            continue;
        }
        let file: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        for case in list(&file["cases"]).iter().filter(|case| case["op"] == "reconcile") {
            n_cases += 1;
            let decision = decided(&case["input"]);
            let expect = &case["expect"];
            let reason = expect["limit_reason"].as_str();
            if decision.replicas != count(&expect["replicas"])
                || reason.is_some_and(|reason| reason != limit_reason(&decision))
            {
                wrong.push(format!("{}: {expect}, but {}", case["name"], decision.explain()));
            }
        }
    }
    assert!(n_cases > 0, "no `reconcile` case in {}", folder.display());
    assert!(wrong.is_empty(), "{} of {n_cases}:\n{}", wrong.len(), wrong.join("\n"));
}
