//! The KEDA family, answered by the library's public functions alone.
//!
//! In: an operation and its input as `keda_*.json` describes them. Out: the answer as JSON.
//! Converts and composes; every number comes from the library.

use std::collections::BTreeMap;

use forescale::policy::fallback::{
    Answer, Behavior, Formula, Health, Modifiers, Rule, StandIn, Target, TargetType,
    average_target, composite, modifier_input, value,
};
use forescale::policy::jobs::scaling::{
    Calculation, Jobs, Limits, Queue, Start, Strategy, job_decision, job_demand, job_strategy,
};
use forescale::zero::activation::{Poll, any_active, idle_or_min, request_scale};
use forescale::{Duration, codes};
use serde_json::{Value, json};

use crate::input::{count, integer, list, optional_integer, real, text};

/// The library's answer to one operation; `None` if the operation is not known.
pub(crate) fn answer(op: &str, input: &Value) -> Option<Value> {
    Some(match op {
        "fallback" => fallback(input),
        "modifier_input" => {
            let health = present(&input["health"]).map(health);
            let value =
                modifier_input(real(&input["value"]), rule(input).as_ref(), health.as_ref());
            json!({ "value": value })
        }
        "composite" => {
            let formula = match text(&input["formula"]) {
                "sum" => Formula::Sum,
                "first_present" => Formula::FirstPresent,
                other => panic!("unknown formula {other}"),
            };
            let values =
                list(&input["triggers"]).iter().map(|trigger| present(&trigger["value"]).map(real));
            let target = text(&input["target"]).parse().unwrap_or_else(|_| panic!("no target"));
            let replicas = optional_integer(&input["fallback"]["replicas"]);
            match composite(formula, values, target, replicas) {
                Some(value) => json!({ "value": value }),
                None => json!({ "error": "no_value" }),
            }
        }
        "idle_or_min" => {
            let (idle, replicas) = idle_or_min(
                optional_count(&input["idle_replicas"]),
                optional_count(&input["min_replicas"]),
            );
            json!({ "idle": idle, "replicas": replicas })
        }
        "request_scale" => scaled(input),
        "any_active" => {
            let triggers = list(&input["triggers"]).iter();
            let triggers =
                triggers.map(|trigger| (real(&trigger["value"]), real(&trigger["activation"])));
            json!({ "active": any_active(triggers) })
        }
        "average_target" => {
            let targets: Vec<_> = list(&input["targets"]).iter().map(real).collect();
            json!({ "target": average_target(&targets) })
        }
        "job_demand" => {
            let queues: Vec<_> = list(&input["scalers"])
                .iter()
                .map(|scaler| Queue {
                    length: amount(&scaler["queue_length"]),
                    target: amount(&scaler["target"]),
                    active: flag(&scaler["active"]),
                })
                .collect();
            let calculation = match text(&input["calculation"]) {
                "min" => Calculation::Min,
                "avg" => Calculation::Avg,
                "sum" => Calculation::Sum,
                _ => Calculation::Max,
            };
            let demand = job_demand(&queues, calculation, limits(input));
            json!({
                "active": demand.active,
                "queue_length": demand.queue_length,
                "max_value": demand.max_scale,
            })
        }
        "job_strategy" => started(job_strategy(
            strategy(input),
            integer(&input["max_scale"]),
            jobs(input),
            integer(&input["max_replicas"]),
            integer(&input["scale_to"]),
        )),
        "job_decision" => started(job_decision(
            strategy(input),
            integer(&input["max_scale"]),
            jobs(input),
            limits(input),
            integer(&input["scale_to"]),
        )),
        _ => return None,
    })
}

fn fallback(input: &Value) -> Value {
    let metric = text(&input["metric"]);
    let mut known: BTreeMap<_, _> = input["health"]
        .as_object()
        .map(|known| known.iter().map(|(name, its)| (name.as_str(), health(its))).collect())
        .unwrap_or_default();
    let rule = rule(input);
    let modifiers = present(&input["modifiers"]).map(|modifiers| Modifiers {
        target: text(&modifiers["target"]),
        kind: target_type(&modifiers["metric_type"]),
    });
    let target = Target { value: real(&input["target"]), kind: target_type(&input["target_type"]) };
    let replicas =
        (optional_count(&input["current_replicas"]), optional_count(&input["ready_replicas"]));
    let reading = present(&input["reading"]).map(real);

    let is_usable = rule.is_some_and(|rule| rule.usable(modifiers.as_ref()));
    let mut its = known.get(metric).copied().unwrap_or_default();
    let told = value(reading, target, rule.as_ref(), modifiers.as_ref(), &mut its, replicas);
    if is_usable {
        known.insert(metric, its);
    }
    let mut answer = match told {
        Ok(Answer::Reading(value)) => json!({ "value": value, "used_fallback": false }),
        Ok(Answer::Replacement(value)) => json!({ "value": value, "used_fallback": true }),
        Ok(Answer::Placeholder) => json!({ "placeholder": true, "used_fallback": false }),
        Err(reason) if reason.code() == codes::NO_READY_REPLICAS.name() => {
            json!({ "error": "no_ready_replicas" })
        }
        Err(_) => json!({ "error": "reading_failed" }),
    };
    let any = rule.is_some_and(|rule| is_usable && rule.any_fallback(known.values()));
    answer["any_fallback"] = any.into();
    answer["health"] = known
        .iter()
        .map(|(&name, its)| {
            (name.to_owned(), json!({ "failures": its.failures, "failing": its.failing }))
        })
        .collect::<serde_json::Map<_, _>>()
        .into();
    answer
}

fn scaled(input: &Value) -> Value {
    let scale = request_scale(&Poll {
        current: count(&input["current_replicas"]),
        min_replicas: optional_count(&input["min_replicas"]),
        idle_replicas: optional_count(&input["idle_replicas"]),
        active: flag(&input["active"]),
        trigger_error: flag(&input["trigger_error"]),
        forced: flag(&input["force_activation"]),
        paused: flag(&input["paused"]),
        pause_scale_in: flag(&input["pause_scale_in"]),
        pause_scale_out: flag(&input["pause_scale_out"]),
        fallback_replicas: optional_count(&input["fallback_replicas"]),
        last_active: present(&input["last_active_age_s"]).map(age),
        created: age(&input["created_age_s"]),
        cooldown: age(&input["cooldown_s"]),
        initial_cooldown: age(&input["initial_cooldown_s"]),
    });
    json!({
        "replicas": scale.replicas,
        "active": scale.active,
        "ready": scale.ready,
        "paused": scale.paused,
    })
}

fn rule(input: &Value) -> Option<Rule> {
    present(&input["fallback"]).map(|given| Rule {
        failure_threshold: integer(&given["failure_threshold"]),
        replicas: optional_integer(&given["replicas"]).unwrap_or(0),
        stand_in: match text(&given["behavior"]) {
            "static" => StandIn::Value(Behavior::Static),
            "current" => StandIn::Value(Behavior::Current),
            "higher" => StandIn::Value(Behavior::Higher),
            "lower" => StandIn::Value(Behavior::Lower),
            "scaling_modifiers" => StandIn::Nothing,
            other => panic!("unknown behavior {other}"),
        },
    })
}

fn health(given: &Value) -> Health {
    Health { failures: count(&given["failures"]), failing: flag(&given["failing"]) }
}

fn target_type(kind: &Value) -> TargetType {
    match text(kind) {
        "average_value" => TargetType::AverageValue,
        "value" => TargetType::Value,
        other => panic!("unknown type {other}"),
    }
}

fn strategy(input: &Value) -> Strategy {
    match text(&input["strategy"]) {
        "custom" => Strategy::custom(
            optional_integer(&input["queue_length_deduction"]),
            present(&input["running_job_percentage"]).map(text),
        ),
        "accurate" => Strategy::Accurate,
        "eager" => Strategy::Eager,
        _ => Strategy::Default,
    }
}

fn jobs(input: &Value) -> Jobs {
    Jobs { running: integer(&input["running"]), pending: integer(&input["pending"]) }
}

fn limits(input: &Value) -> Limits {
    Limits::new(count(&input["min_replicas"]), count(&input["max_replicas"]))
}

fn started(start: Start) -> Value {
    json!({ "effective_max": start.effective_max, "scale_to": start.scale_to })
}

fn present(value: &Value) -> Option<&Value> {
    (!value.is_null()).then_some(value)
}

fn optional_count(value: &Value) -> Option<u32> {
    present(value).map(count)
}

/// A real number, or an integer beyond 2^53.
fn amount(value: &Value) -> f64 {
    if value.is_string() { integer(value) as f64 } else { real(value) }
}

fn flag(value: &Value) -> bool {
    value.as_bool().unwrap_or_else(|| panic!("{value} is no boolean"))
}

/// Whole milliseconds, rounded up so that what has been exceeded stays exceeded; a hundred years
/// are an age as good as any above.
fn age(seconds: &Value) -> Duration {
    const MOST: f64 = 100.0 * 365.25 * 86_400.0;
    let seconds = (real(seconds).clamp(0.0, MOST) * 1000.0).ceil() / 1000.0;
    Duration::from_secs_f64(seconds).unwrap_or_else(|error| panic!("{error}"))
}
