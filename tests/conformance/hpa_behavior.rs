//! The Kubernetes HPA after its metrics: stabilization, rate limits, minimum and maximum.

use forescale::guard::Guard;
use forescale::guard::rate::limit::{Change, ChangeLimit, Limits, Select};
use forescale::guard::rate::log::{Event, EventLog};
use forescale::guard::rate::{Config as RateConfig, Limited, Rate, limit_default};
use forescale::guard::stabilization::{Config as Windows, Recommendation, Stabilization};
use serde_json::{Value, json};

use super::hpa_replicas;
use super::input::{NOW, ago, count, list, real, span, text};

/// See [`Answer`](super::Answer).
pub fn answer(op: &str, input: &Value) -> Option<Value> {
    let current = || count(&input["current_replicas"]);
    let desired = || count(&input["desired_replicas"]);
    let grown = || log(&input["scale_up_events"]);
    let shrunk = || log(&input["scale_down_events"]);
    Some(match op {
        "stabilize_default" => {
            let mut windows = windows(&Value::Null, &input["window_s"], &input["history"]);
            let replicas = windows.highest(NOW, desired(), desired());
            stabilized(replicas, &windows)
        }
        "stabilize" => {
            let (up, down) = (&input["scale_up_window_s"], &input["scale_down_window_s"]);
            let mut windows = windows(up, down, &input["history"]);
            let (replicas, _) = windows.hold(NOW, current(), desired());
            stabilized(replicas, &windows)
        }
        "change_in_period" => {
            json!({"change": log(&input["events"]).change_in(NOW, span(&input["period_s"]))})
        }
        "scale_up_limit" => {
            let (limits, select) = rules(&input["rules"]);
            let limits = Limits { of: &limits, select };
            json!({"limit": limits.scale_up(NOW, current(), &grown(), &shrunk())})
        }
        "scale_down_limit" => {
            let (limits, select) = rules(&input["rules"]);
            let limits = Limits { of: &limits, select };
            json!({"limit": limits.scale_down(NOW, current(), &grown(), &shrunk())})
        }
        "limit_with_rules" => {
            let (replicas, limited) = rate(input, input).limit(
                NOW,
                current(),
                desired(),
                count(&input["min_replicas"]),
                count(&input["max_replicas"]),
            );
            json!({"replicas": replicas, "reason": limited.kubernetes_name()})
        }
        "limit_default" => {
            let (replicas, limited) = default_limit(input, current(), desired());
            json!({"replicas": replicas, "reason": limited.kubernetes_name()})
        }
        "record_event" => {
            let mut events = log(&input["events"]);
            if !input["rules"].is_null() {
                let (previous, new) =
                    (count(&input["previous_replicas"]), count(&input["new_replicas"]));
                let (limits, select) = rules(&input["rules"]);
                let longest = Limits { of: &limits, select }.longest();
                events.record(NOW, new.abs_diff(previous), longest);
            }
            let told: Vec<_> = events
                .events()
                .iter()
                .map(|event| json!({"change": event.change, "outdated": event.is_outdated}))
                .collect();
            json!({ "events": told })
        }
        "reconcile" => reconciled(input),
        _ => return None,
    })
}

/// One full decision.
fn reconciled(input: &Value) -> Value {
    let [min, max, spec] =
        ["min_replicas", "max_replicas", "spec_replicas"].map(|field| count(&input[field]));
    if spec == 0 && min != 0 {
        return json!({"replicas": 0});
    }
    if spec > max || spec < min {
        return json!({"replicas": if spec > max { max } else { min }});
    }
    let metrics = list(&input["metrics"]);
    let proposals: Vec<u32> = metrics.iter().filter_map(|metric| proposed(metric, input)).collect();
    let highest = proposals.iter().copied().max();
    let is_blocked = |desired: &u32| proposals.len() < metrics.len() && *desired < spec;
    let Some(desired) = highest.filter(|desired| !is_blocked(desired)) else {
        return json!({"replicas": spec, "error": "metrics_unavailable"});
    };

    let behavior = &input["behavior"];
    let (up, down) = match behavior {
        Value::Null => (&Value::Null, &input["downscale_stabilization_s"]),
        rules => (
            &rules["scale_up"]["stabilization_window_s"],
            &rules["scale_down"]["stabilization_window_s"],
        ),
    };
    let mut windows = windows(up, down, &input["recommendations"]);
    let (replicas, limited) = if behavior.is_null() {
        let stabilized = windows.highest(NOW, spec, desired);
        default_limit(input, spec, stabilized)
    } else {
        let (stabilized, _) = windows.hold(NOW, spec, desired);
        rate(behavior, input).limit(NOW, spec, stabilized, min, max)
    };
    json!({"replicas": replicas, "limit_reason": limited.kubernetes_name()})
}

/// What one metric asks for; `None` if it is invalid.
fn proposed(metric: &Value, case: &Value) -> Option<u32> {
    let op = text(&metric["op"]);
    let mut input = metric.get("input").cloned().unwrap_or_else(|| json!({}));
    let reports = matches!(op, "object_average_value" | "external_average_value");
    let current = if reports { "status_replicas" } else { "spec_replicas" };
    input["current_replicas"] = case[current].clone();
    input["tolerance"] = case["tolerance"].clone();
    let answer = hpa_replicas::answer(op, &input)?;
    answer.get("replicas").map(count)
}

fn default_limit(input: &Value, current: u32, desired: u32) -> (u32, Limited) {
    let growth = &input["default_scale_up_limit"];
    let [min, max] = ["min_replicas", "max_replicas"].map(|field| count(&input[field]));
    limit_default(current, desired, min, max, real(&growth["factor"]), count(&growth["minimum"]))
}

/// Stabilization over two windows; a history of null is that of an autoscaler never seen.
fn windows(up: &Value, down: &Value, history: &Value) -> Stabilization {
    let window = |value: &Value| if value.is_null() { span(&json!(0)) } else { span(value) };
    let settings = Windows { scale_up: window(up), scale_down: window(down) };
    let seen = |entry: &Value| Recommendation {
        at: ago(&entry["age_s"]),
        replicas: count(&entry["replicas"]),
    };
    match history {
        Value::Null => Stabilization::new(settings),
        entries => Stabilization::with_history(settings, list(entries).iter().map(seen).collect()),
    }
    .expect("windows of any length are allowed")
}

fn stabilized(replicas: u32, windows: &Stabilization) -> Value {
    let slots: Vec<_> = windows.history().iter().map(|seen| seen.replicas).collect();
    json!({"replicas": replicas, "history": slots})
}

/// The rate guard by the rules of `behavior` and the events of `case`.
fn rate(behavior: &Value, case: &Value) -> Rate {
    let (scale_up, select_scale_up) = rules(&behavior["scale_up"]);
    let (scale_down, select_scale_down) = rules(&behavior["scale_down"]);
    let settings = RateConfig { scale_up, scale_down, select_scale_up, select_scale_down };
    Rate::with_events(settings, log(&case["scale_up_events"]), log(&case["scale_down_events"]))
        .unwrap_or_else(|error| panic!("{error}"))
}

fn rules(rules: &Value) -> (Vec<ChangeLimit>, Select) {
    let limit = |policy: &Value| {
        let value = count(&policy["value"]);
        let change = match text(&policy["type"]) {
            "Pods" => Change::Replicas(value),
            "Percent" => Change::Percent(value),
            other => panic!("a policy is of type {other}"),
        };
        ChangeLimit { change, period: span(&policy["period_s"]) }
    };
    let select = match text(&rules["select_policy"]) {
        "Max" => Select::Max,
        "Min" => Select::Min,
        "Disabled" => Select::Disabled,
        other => panic!("the selection is {other}"),
    };
    (list(&rules["policies"]).iter().map(limit).collect(), select)
}

fn log(events: &Value) -> EventLog {
    let event = |event: &Value| Event {
        at: ago(&event["age_s"]),
        change: count(&event["change"]),
        is_outdated: event["outdated"] == true,
    };
    EventLog::new(list(events).iter().map(event).collect())
}
