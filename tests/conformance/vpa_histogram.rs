//! The sizing family, answered by the library's public types alone.
//!
//! In: an operation and its input as `vpa_histogram_*.json` describes them. Out: the answer as
//! JSON. Converts and composes; every number comes from the library.

use std::collections::BTreeMap;

use forescale::series::{Histogram, HistogramCheckpoint, Layout};
use forescale::size::amount::{amount, millicores, pod_minimums, round_up};
use forescale::size::estimate::{History, Stage, percentile, through};
use forescale::size::samples::{Container, Edit, Resource, Rules, is_expired};
use forescale::size::{Amounts, CpuSampleWeight};
use forescale::{Error, Timestamp};
use serde_json::{Map, Value, json};

use crate::input::{integer, list, optional_integer, real, span, text};

/// The library's answer to one operation; `None` if the operation is not known.
pub(crate) fn answer(op: &str, input: &Value) -> Option<Value> {
    Some(match op {
        "layout" => {
            let layout = layout(&input["layout"]);
            let index = |value| usize::try_from(integer(value)).expect("a bucket");
            let starts: Vec<_> =
                list(&input["start_of"]).iter().map(|value| layout.start(index(value))).collect();
            let finds: Vec<_> =
                list(&input["find"]).iter().map(|value| layout.find(real(value))).collect();
            json!({ "buckets": layout.n_buckets(), "starts": starts, "finds": finds })
        }
        "percentiles" => {
            let mut histogram = histogram(&input["histogram"]);
            list(&input["steps"]).iter().for_each(|step| apply(&mut histogram, step));
            json!({ "values": percentiles(&histogram, input) })
        }
        "emptiness" => {
            let mut histogram = histogram(&input["histogram"]);
            let mut empty = vec![histogram.is_empty()];
            for step in list(&input["steps"]) {
                apply(&mut histogram, step);
                empty.push(histogram.is_empty());
            }
            json!({ "empty": empty })
        }
        "merge" => {
            let [mut into, from] = ["into", "from"].map(|field| histogram(&input[field]));
            into.merge(&from).expect("the two have one layout");
            let total = into.total_weight();
            let shares: Map<_, _> = into
                .buckets()
                .map(|(bucket, weight)| (bucket.to_string(), json!(weight / total)))
                .collect();
            json!({ "shares": shares, "percentiles": percentiles(&into, input) })
        }
        "checkpoint_save" => {
            let HistogramCheckpoint { reference, bucket_weights, total_weight } =
                histogram(&input["histogram"]).save_checkpoint();
            json!({
                "total_weight": total_weight,
                "bucket_weights": bucket_weights,
                "reference_t_s": reference.map(seconds),
            })
        }
        "checkpoint_load" => {
            if input["checkpoint"].is_null() {
                return Some(json!({ "error": "no_checkpoint" }));
            }
            let mut histogram = histogram(&input["histogram"]);
            match histogram.load_checkpoint(&checkpoint(&input["checkpoint"])) {
                Err(error) => refusal(&error),
                Ok(()) => json!({
                    "total_weight": histogram.total_weight(),
                    "bucket_weights": histogram.buckets().collect::<BTreeMap<_, _>>(),
                    "empty": histogram.is_empty(),
                    "reference_t_s": histogram.reference().map(seconds),
                }),
            }
        }
        "checkpoint_round_trip" => {
            let before = histogram(&input["histogram"]);
            let mut after = fresh(&input["histogram"]);
            after.load_checkpoint(&before.save_checkpoint()).expect("its own checkpoint");
            json!({ "before_empty": before.is_empty(), "after_empty": after.is_empty() })
        }
        "amount" => {
            let whole = input["cores"].as_f64().map(millicores);
            json!({ "amount": whole.unwrap_or_else(|| amount(real(&input["bytes"]))) })
        }
        "round_up" => match round_up(integer(&input["amount"]), integer(&input["scale"])) {
            Ok(amount) => json!({ "amount": amount }),
            Err(error) => refusal(&error),
        },
        "estimate" => {
            let base = optional_integer(&input["constant"]).unwrap_or_else(|| {
                let unit_scale = input["unit_scale"].as_f64().unwrap_or(1.0);
                percentile(&histogram(&input["histogram"]), real(&input["percentile"]), unit_scale)
            });
            let stages: Vec<_> = list(&input["stages"]).iter().map(stage).collect();
            json!({ "amount": through(base, &stages) })
        }
        "confidence" => json!({ "confidence": confidence(&input["history"]) }),
        "pod_minimums" => least(input),
        "container_samples" => container_samples(input),
        "expired" => {
            let [created, last, now] =
                ["created_s", "last_sample_s", "now_s"].map(|field| time(&input[field]));
            let last = Some(last).filter(|_| integer(&input["samples"]) > 0);
            let count = u32::try_from(integer(&input["interval_count"])).expect("a count");
            json!({ "expired": is_expired(created, last, now, span(&input["interval_s"]), count) })
        }
        _ => return None,
    })
}

fn least(input: &Value) -> Value {
    let containers = input["containers"].as_object().expect("containers by name");
    let least = pod_minimums(
        real(&input["min_cpu_millicores"]),
        real(&input["min_memory_mb"]),
        containers.len(),
    );
    let answers = containers.iter().map(|(name, wanted)| {
        let controlled = wanted["controlled"].as_array();
        let own = |resource: &str| {
            let is_controlled = controlled.is_none_or(|names| names.contains(&json!(resource)));
            is_controlled.then(|| integer(&wanted[resource]))
        };
        let given = Amounts { cpu: own("cpu"), memory: own("memory") }.at_least(least);
        let mut answer = Map::new();
        for (resource, amount) in [("cpu", given.cpu), ("memory", given.memory)] {
            answer.extend(amount.map(|amount| (resource.to_owned(), json!(amount))));
        }
        (name.clone(), Value::Object(answer))
    });
    json!({ "containers": answers.collect::<Map<_, _>>() })
}

fn container_samples(input: &Value) -> Value {
    let rules = Rules {
        interval: span(&input["interval_s"]),
        oom_bump_ratio: real(&input["oom_bump_ratio"]),
        oom_min_bump: real(&input["oom_min_bump_bytes"]),
    };
    let mut container = Container::default();
    let mut edits = Vec::new();
    let mut accepted = Vec::new();
    for event in list(&input["events"]) {
        let at = time(&event["t_s"]);
        let note = |edit| edits.push(told(edit));
        let taken = match text(&event["kind"]) {
            "cpu" => {
                let weight = CpuSampleWeight::Constant.of(None);
                container.cpu(at, real(&event["value"]), weight, note)
            }
            "memory" => container.memory(&rules, at, real(&event["value"]), note),
            "oom" => container.out_of_memory(&rules, at, real(&event["requested"]), note),
            other => panic!("unknown event {other}"),
        };
        accepted.push(taken.is_ok());
    }
    json!({ "accepted": accepted, "edits": edits })
}

fn told(Edit { resource, subtract, value, weight, at }: Edit) -> Value {
    let resource = match resource {
        Resource::Cpu => "cpu",
        Resource::Memory => "memory",
    };
    let verb = if subtract { "subtract" } else { "add" };
    json!({ "resource": resource, "do": verb, "value": value, "weight": weight, "t_s": seconds(at) })
}

fn layout(input: &Value) -> Layout {
    serde_json::from_value(input.clone()).unwrap_or_else(|error| panic!("{error}"))
}

fn fresh(input: &Value) -> Histogram {
    let layout = layout(&input["layout"]);
    match &input["half_life_s"] {
        Value::Null => Histogram::new(layout),
        half_life => Histogram::decaying(layout, span(half_life)).expect("a half-life"),
    }
}

fn histogram(input: &Value) -> Histogram {
    let mut histogram = fresh(input);
    for sample in list(&input["samples"]) {
        histogram.add(real(&sample["value"]), real(&sample["weight"]), time(&sample["t_s"]));
    }
    histogram
}

fn apply(histogram: &mut Histogram, step: &Value) {
    let (value, weight, at) = (real(&step["value"]), real(&step["weight"]), time(&step["t_s"]));
    match text(&step["do"]) {
        "add" => histogram.add(value, weight, at),
        "subtract" => histogram.subtract(value, weight, at),
        other => panic!("unknown step {other}"),
    };
}

fn percentiles(histogram: &Histogram, input: &Value) -> Vec<f64> {
    list(&input["percentiles"]).iter().map(|p| histogram.percentile(real(p))).collect()
}

fn checkpoint(input: &Value) -> HistogramCheckpoint {
    let weights = input["bucket_weights"].as_object().expect("weights by bucket");
    let weight = |(bucket, weight): (&String, &Value)| {
        (bucket.parse().expect("a bucket"), u32::try_from(integer(weight)).expect("a weight"))
    };
    HistogramCheckpoint {
        reference: input.get("reference_t_s").filter(|at| !at.is_null()).map(time),
        bucket_weights: weights.iter().map(weight).collect(),
        total_weight: real(&input["total_weight"]),
    }
}

fn stage(input: &Value) -> Stage {
    match text(&input["stage"]) {
        "margin" => Stage::Margin(real(&input["fraction"])),
        "min" => Stage::Min(integer(&input["amount"])),
        "confidence" => Stage::Confidence {
            multiplier: real(&input["multiplier"]),
            exponent: real(&input["exponent"]),
            confidence: confidence(&input["history"]),
        },
        other => panic!("unknown stage {other}"),
    }
}

fn confidence(input: &Value) -> f64 {
    let [first, last] = ["first_sample_s", "last_sample_s"].map(|field| time(&input[field]));
    let samples = u64::try_from(integer(&input["samples"])).expect("a count");
    History { first, last, samples }.confidence(span(&input["interval_s"]))
}

/// Seconds since the epoch; absent is the epoch itself, where nothing decays.
fn time(value: &Value) -> Timestamp {
    let seconds = if value.is_null() { 0.0 } else { real(value) };
    Timestamp::from_millis((seconds * 1000.0).round() as i64)
}

fn seconds(at: Timestamp) -> f64 {
    at.as_millis() as f64 / 1000.0
}

fn refusal(error: &Error) -> Value {
    json!({ "error": error.to_string() })
}
