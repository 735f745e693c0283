//! The Knative pod autoscaler's family, answered by the library's public types alone.
//!
//! In: an operation and its input as `knative_kpa_*.json` describes them. Out: the answer as JSON.
//! Converts and composes; every number comes from the library.

use forescale::Timestamp;
use forescale::policy::concurrency::law::{Averages, Law, State, Verdict};
use forescale::series::{
    SlidingMax, TimedMax, Weighting, Window, round_digits, smoothing_coefficient,
};
use serde_json::{Map, Value, json};

use crate::input::{count, integer, list, optional_integer, real, span, text};

/// The library's answer to one operation; `None` if the operation is not known.
pub(crate) fn answer(op: &str, input: &Value) -> Option<Value> {
    Some(match op {
        "sequence" => sequence(input),
        "window" => window(input).unwrap_or_else(|error| json!({ "error": error.to_string() })),
        "smoothing" => json!({ "coefficient": smoothing_coefficient(slots(&input["slots"])) }),
        "sliding_max" => sliding_max(input),
        "round_digits" => {
            json!({ "value": round_digits(real(&input["value"]), count(&input["digits"])) })
        }
        _ => return None,
    })
}

fn sequence(input: &Value) -> Value {
    let mut config = input["config"].clone();
    let ready = optional_integer(&input["initial_ready_pods"]).unwrap_or(0);
    let ready = u32::try_from(ready).unwrap_or_else(|_| panic!("{ready} is no count"));
    let start = Timestamp::from_secs(0);
    let mut state = match &input["initial_state"] {
        Value::Null => State::start(start, ready),
        known => State::panicking(start - span(&known["panic_age_s"]), count(&known["panic_pods"])),
    };
    let initial = json!({
        "panicking": state.panic_since().is_some(),
        "panic_pods": state.peak(),
    });
    let steps: Vec<_> = list(&input["steps"])
        .iter()
        .map(|step| {
            if let Some(changes) = step["config"].as_object() {
                for (field, value) in changes {
                    config[field] = value.clone();
                }
            }
            let seen = Averages {
                at: at(&step["t_s"]),
                ready: present(&step["ready_pods"]).map(count),
                stable: present(&step["stable"]).map(real),
                panic: present(&step["panic"]).map(real),
            };
            told(&state.step(&law(&config), &seen))
        })
        .collect();
    json!({ "initial": initial, "steps": steps })
}

fn law(config: &Value) -> Law {
    Law {
        target: real(&config["target_value"]),
        total: real(&config["total_value"]),
        target_burst_capacity: real(&config["target_burst_capacity"]),
        panic_threshold: real(&config["panic_threshold"]),
        max_scale_up_rate: real(&config["max_scale_up_rate"]),
        max_scale_down_rate: real(&config["max_scale_down_rate"]),
        stable_window: span(&config["stable_window_s"]),
        scale_down_delay: span(&config["scale_down_delay_s"]),
        activation_scale: count(&config["activation_scale"]),
        reachable: config["reachable"].as_bool().expect("a truth value"),
    }
}

fn told(verdict: &Verdict) -> Value {
    json!({
        "valid": verdict.valid,
        "desired": verdict.desired,
        "excess_burst_capacity": verdict.excess_burst_capacity,
        "panicking": verdict.panicking,
        "panic_since_s": verdict.panic_since.map(seconds),
    })
}

fn window(input: &Value) -> Result<Value, forescale::Error> {
    let weighting = match text(&input["weighting"]) {
        "linear" => Weighting::Linear,
        "exponential" => Weighting::Exponential,
        other => panic!("unknown weighting {other}"),
    };
    let mut window =
        Window::new(span(&input["window_s"]), span(&input["granularity_s"]), weighting)?;
    let mut results = Vec::new();
    for step in list(&input["steps"]) {
        match text(&step["do"]) {
            "record" => {
                window.record(at(&step["t_s"]), real(&step["value"]));
            }
            "average" => results.push(window.average(at(&step["t_s"])).into()),
            "resize" => window.resize(span(&step["window_s"]), at(&step["t_s"]))?,
            "total" => results.push(window.total().into()),
            "slots" => {
                let slots =
                    window.slots().map(|(start, sum)| (seconds(start).to_string(), sum.into()));
                results.push(Value::Object(Map::from_iter(slots)));
            }
            other => panic!("unknown step {other}"),
        }
    }
    Ok(json!({ "results": results }))
}

fn sliding_max(input: &Value) -> Value {
    let records = list(&input["records"]);
    let value = |record: &Value| real(&record["value"]);
    let maxima: Vec<_> = if input["slots"].is_null() {
        let mut max = TimedMax::new(span(&input["window_s"]), span(&input["granularity_s"]));
        let step = |record: &Value| {
            max.record(at(&record["t_s"]), value(record));
            max.max()
        };
        records.iter().map(step).collect()
    } else {
        let mut max = SlidingMax::new(slots(&input["slots"]));
        let step = |record: &Value| {
            max.record(integer(&record["index"]), value(record));
            max.max()
        };
        records.iter().map(step).collect()
    };
    json!({ "maxima": maxima })
}

fn slots(value: &Value) -> usize {
    usize::try_from(integer(value)).unwrap_or_else(|_| panic!("{value} is no count"))
}

fn present(value: &Value) -> Option<&Value> {
    (!value.is_null()).then_some(value)
}

/// A time in whole milliseconds, rounded down so that nothing moves into the next slot; noise of
/// the decimal fraction apart.
fn at(seconds: &Value) -> Timestamp {
    let millis = real(seconds) * 1000.0;
    let near = millis.round();
    let whole = if (millis - near).abs() < 1e-3 { near } else { millis.floor() };
    Timestamp::from_millis(whole as i64)
}

/// Whole seconds are written as such.
fn seconds(at: Timestamp) -> Value {
    match at.as_millis() % 1000 {
        0 => (at.as_millis() / 1000).into(),
        _ => (at.as_millis() as f64 / 1000.0).into(),
    }
}
