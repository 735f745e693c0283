//! The watermark family, answered by the library's public types alone.
//!
//! In: an operation and its input as `wpa_watermark_*.json` describes them. Out: the answer as
//! JSON. Converts and composes; every number comes from the library.

use forescale::guard::change_limit::{Bounds, scale_down_limit, scale_up_limit};
use forescale::guard::cooldown::{self, should_scale};
use forescale::policy::watermark::dwell::{Condition, Conditions, Dwell};
use forescale::policy::watermark::marks::{
    Advice, Algorithm, Converge, Law, Size, Source, Verdict, combine, fill_watermarks,
};
use forescale::policy::watermark::pods::{Pod, PodPhase, Ready, Standing, ready_count};
use forescale::{Code, Duration, Reason, codes};
use serde_json::{Value, json};

/// The library's answer to one operation; `None` if the operation is not known.
pub(crate) fn answer(op: &str, input: &Value) -> Option<Value> {
    Some(match op {
        "recommend" => {
            let source = match text(input, "metric_kind") {
                "resource" => Source::Resource,
                "external" => Source::External,
                other => panic!("unknown metric kind {other}"),
            };
            let values = list(input, "values").iter().map(integer);
            told(law(input).recommend(source, values, &size(input)))
        }
        "follow_recommendation" => {
            let advice = present(input, "recommendation").map(|advice| Advice {
                replicas: count(advice, "replicas"),
                lower: count(advice, "lower"),
                upper: count(advice, "upper"),
            });
            told(law(input).follow(advice, &size(input)))
        }
        "combine" => told(combined(input)),
        "scale_up_limit" => {
            let limit = scale_up_limit(count(input, "current_replicas"), real(input, "limit_pct"));
            json!({ "limit": limit })
        }
        "scale_down_limit" => {
            let limit =
                scale_down_limit(count(input, "current_replicas"), real(input, "limit_pct"));
            json!({ "limit": limit })
        }
        "normalize" => {
            let [current, desired, ready] =
                ["current_replicas", "desired_replicas", "ready_replicas"]
                    .map(|field| count(input, field));
            let (replicas, bound) = bounds(input).normalize(current, desired, ready);
            json!({ "replicas": replicas, "reason": bound.as_str() })
        }
        "should_scale" => {
            let [current, desired] =
                ["current_replicas", "desired_replicas"].map(|field| count(input, field));
            let stable = flag(input, "stable");
            json!({ "scale": may_scale(input, current, desired, &conditions(input), stable) })
        }
        "reconcile" => reconcile(input),
        "fill_watermarks" => {
            let mark = |field| present(input, field).map(integer);
            let (low, high) = fill_watermarks(mark("low"), mark("high"));
            json!({ "low": low, "high": high })
        }
        "ready_count" => {
            let pods: Vec<_> = list(input, "pods").iter().map(counted_pod).collect();
            match ready_count(&pods, span(input, "readiness_delay_s")) {
                Ok(ready) => json!({ "ready": ready }),
                Err(reason) => refusal(&reason),
            }
        }
        "classify_pods" => classify(input),
        _ => return None,
    })
}

/// One round of the controller: the metrics first, then what cannot wait, then bounds and waits.
fn reconcile(input: &Value) -> Value {
    let [spec, status] = ["spec_replicas", "status_replicas"].map(|field| count(input, field));
    let bounds = bounds(input);
    let verdict = match combined(input) {
        Ok(verdict) => verdict,
        Err(reason) => {
            let mut answer = refusal(&reason);
            answer["replicas"] = spec.into();
            return answer;
        }
    };
    let at_once = if spec == 0 {
        Some(0)
    } else if spec > bounds.max_replicas {
        Some(bounds.max_replicas)
    } else if spec < bounds.min_replicas {
        Some(bounds.min_replicas)
    } else {
        (status == 0).then_some(1)
    };
    let replicas = at_once.unwrap_or_else(|| {
        let (desired, _) = bounds.normalize(spec, verdict.replicas, verdict.ready);
        let conditions = conditions(input).next(verdict.above, verdict.below);
        let stable = !verdict.above && !verdict.below;
        if may_scale(input, spec, desired, &conditions, stable) { desired } else { spec }
    });
    json!({ "replicas": replicas })
}

fn combined(input: &Value) -> Result<Verdict, Reason> {
    const FAILED: Code = Code::new("metric_failed", "the metric has failed");
    combine(list(input, "proposals").iter().map(|proposal| {
        if present(proposal, "error").is_some() {
            return Err(Reason::new(FAILED, []));
        }
        Ok(Verdict {
            replicas: count(proposal, "replicas"),
            ready: count(proposal, "ready_replicas"),
            above: flag(proposal, "above"),
            below: flag(proposal, "below"),
            ..Verdict::default()
        })
    }))
}

fn may_scale(
    input: &Value,
    current: u32,
    desired: u32,
    conditions: &Conditions,
    stable: bool,
) -> bool {
    let windows = cooldown::Config {
        scale_up: span(input, "upscale_forbidden_s"),
        scale_down: span(input, "downscale_forbidden_s"),
    };
    let dwell =
        Dwell { up: span(input, "upscale_delay_s"), down: span(input, "downscale_delay_s") };
    let since_last = present(input, "last_scale_age_s").map(age);
    should_scale(current, desired, since_last, &windows, dwell, conditions, stable)
}

fn classify(input: &Value) -> Value {
    let cpu = text(input, "resource") == "cpu";
    let delay = span(input, "readiness_delay_s");
    let reporting = list(input, "reporting");
    let standings: Vec<_> = list(input, "pods")
        .iter()
        .map(|pod| {
            let ready = present(pod, "ready_condition").map(|condition| Ready {
                status: match text(condition, "status") {
                    "True" => Some(true),
                    "False" => Some(false),
                    _ => None,
                },
                age: age(&condition["transition_age_s"]),
            });
            let seen = Pod {
                phase: phase(pod),
                owned: flag(pod, "owned"),
                started: present(pod, "start_age_s").map(age),
                ready,
                reports: reporting.contains(&pod["name"]),
                ..Pod::default()
            };
            (seen.standing(cpu, delay), text(pod, "name"))
        })
        .collect();
    let named = |wanted| {
        let of = standings.iter().filter(move |&&(standing, _)| standing == wanted);
        of.map(|&(_, name)| name)
    };
    let mut ignored: Vec<_> = named(Standing::Ignored).collect();
    ignored.sort_unstable();
    json!({ "ready_count": named(Standing::Ready).count(), "ignored": ignored })
}

fn counted_pod(pod: &Value) -> Pod {
    let status = Some(flag(pod, "ready"));
    let ready = present(pod, "transition_age_s").map(age).map(|age| Ready { status, age });
    Pod { phase: phase(pod), deleted: flag(pod, "deleted"), ready, ..Pod::default() }
}

fn phase(pod: &Value) -> PodPhase {
    match text(pod, "phase") {
        "Pending" => PodPhase::Pending,
        "Running" => PodPhase::Running,
        "Succeeded" => PodPhase::Succeeded,
        "Failed" => PodPhase::Failed,
        _ => PodPhase::Unknown,
    }
}

/// The law of `recommend`; `follow_recommendation` has neither marks nor algorithm.
fn law(input: &Value) -> Law {
    let milli = |field| present(input, field).map_or(0, integer);
    Law {
        low: milli("low"),
        high: milli("high"),
        tolerance: milli("tolerance_milli"),
        algorithm: match input["algorithm"].as_str() {
            Some("absolute") => Algorithm::Absolute,
            Some("average") | None => Algorithm::Average,
            Some(other) => panic!("unknown algorithm {other}"),
        },
        converge_towards: match text(input, "converge_towards") {
            "none" => Converge::None,
            "low" => Converge::Low,
            "high" => Converge::High,
            other => panic!("unknown mark {other}"),
        },
        scaling_step: count(input, "scaling_step"),
        tolerate_zero: flag(input, "tolerate_zero"),
        least_ready_percent: count(input, "min_available_pct"),
    }
}

fn size(input: &Value) -> Size {
    let limit = |field| present(input, field).map(whole);
    Size {
        current: count(input, "current_replicas"),
        existing: count(input, "status_replicas"),
        ready: count(input, "ready_replicas"),
        considered: count(input, "considered_pods"),
        min_replicas: limit("min_replicas"),
        max_replicas: limit("max_replicas").unwrap_or(u32::MAX),
    }
}

fn bounds(input: &Value) -> Bounds {
    Bounds {
        min_replicas: present(input, "min_replicas").map_or(0, whole),
        max_replicas: count(input, "max_replicas"),
        scale_up: real(input, "scale_up_limit_pct"),
        scale_down: real(input, "scale_down_limit_pct"),
    }
}

fn conditions(input: &Value) -> Conditions {
    let condition = |field| {
        present(input, field).map(|condition| Condition {
            active: flag(condition, "active"),
            age: age(&condition["since_age_s"]),
        })
    };
    Conditions { above: condition("above"), below: condition("below") }
}

fn told(verdict: Result<Verdict, Reason>) -> Value {
    match verdict {
        Ok(verdict) => json!({
            "replicas": verdict.replicas,
            "ready_replicas": verdict.ready,
            "usage": verdict.usage.map(|usage| usage as i64),
            "above": verdict.above,
            "below": verdict.below,
        }),
        Err(reason) => refusal(&reason),
    }
}

/// A refusal by the family's own token for it.
fn refusal(reason: &Reason) -> Value {
    let token = match reason.code() {
        code if code == codes::METRIC_MISSING.name() => "no_metrics",
        code if code == codes::NO_READY_REPLICAS.name() => "none_ready",
        code => code,
    };
    json!({ "error": token })
}

fn present<'a>(input: &'a Value, field: &str) -> Option<&'a Value> {
    input.get(field).filter(|value| !value.is_null())
}

fn list<'a>(input: &'a Value, field: &str) -> &'a [Value] {
    input[field].as_array().unwrap_or_else(|| panic!("`{field}` of {input} is no list"))
}

fn text<'a>(input: &'a Value, field: &str) -> &'a str {
    input[field].as_str().unwrap_or_else(|| panic!("`{field}` of {input} is no text"))
}

fn flag(input: &Value, field: &str) -> bool {
    input[field].as_bool().unwrap_or_else(|| panic!("`{field}` of {input} is no boolean"))
}

fn real(input: &Value, field: &str) -> f64 {
    input[field].as_f64().unwrap_or_else(|| panic!("`{field}` of {input} is no number"))
}

fn count(input: &Value, field: &str) -> u32 {
    whole(&input[field])
}

fn whole(value: &Value) -> u32 {
    integer(value).try_into().unwrap_or_else(|_| panic!("{value} is no count"))
}

/// Integers beyond 2^53 come as decimal texts.
fn integer(value: &Value) -> i64 {
    let parsed = value.as_str().map_or_else(|| value.as_i64(), |text| text.parse().ok());
    parsed.unwrap_or_else(|| panic!("{value} is no integer"))
}

fn span(input: &Value, field: &str) -> Duration {
    age(&input[field])
}

/// Seconds as whole milliseconds, rounded down so that nothing gets older than it is.
fn age(seconds: &Value) -> Duration {
    let number = seconds.as_f64().unwrap_or_else(|| panic!("{seconds} is no number"));
    let millis = (number * 1000.0).floor().max(0.0) / 1000.0;
    Duration::from_secs_f64(millis).unwrap_or_else(|error| panic!("{seconds}: {error}"))
}
