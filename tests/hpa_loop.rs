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

fn decided(case: &Value) -> Decision {
    let (mut metrics, mut policies) = (json!({}), Vec::new());
    let mut seen = Observation::at(NOW).ready(ready(case)).requested(count(&case["spec_replicas"]));
    for (at, given) in list(&case["metrics"]).iter().enumerate() {
        let name = format!("metric-{at}");
        let (kind, policy, reading) = metric(&name, given, &case["tolerance"]);
        metrics[&name] = kind;
        policies.push(policy);
        seen = seen.metric(name, reading);
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
    let mut scaler = if behavior.is_null() {
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
    };
    scaler.decide(&seen).clone()
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
