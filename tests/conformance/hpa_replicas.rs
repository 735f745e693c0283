//! The Kubernetes HPA: one metric into a wanted number of replicas.

use forescale::Phase;
use forescale::policy::target::pods::{self, CpuStart, Readiness, Sample, Standing, classify};
use forescale::policy::target::replicas::{
    Pod, Ratio, Refusal, Sizing, Tolerance, average_ratio, external_average_value, external_value,
    object_average_value, object_value, pods_average_value, resource_utilization,
    utilization_ratio,
};
use serde_json::{Value, json};

use super::input::{NOW, ago, count, integer, integers, list, optional_integer, real, span, text};

/// See [`Answer`](super::Answer).
pub fn answer(op: &str, input: &Value) -> Option<Value> {
    let current = || count(&input["current_replicas"]);
    let ready = || count(&input["ready_pods"]);
    let target = |field: &str| integer(&input[field]);
    let tolerance = || Tolerance {
        up: real(&input["tolerance"]["up"]),
        down: real(&input["tolerance"]["down"]),
    };
    Some(match op {
        "resource_utilization" => {
            let target = target("target_utilization_pct");
            let sized = resource_utilization(pods(input), current(), target, tolerance());
            told(sized.map(|sizing| {
                json!({
                    "replicas": sizing.replicas,
                    "utilization_pct": sizing.measured,
                    "average_value": sizing.average,
                })
            }))
        }
        "pods_average_value" => {
            let target = target("target_average_value");
            told(pods_average_value(pods(input), current(), target, tolerance()).map(average))
        }
        "object_value" => {
            let value = integer(&input["metric_value"]);
            measured(object_value(value, current(), ready(), target("target_value"), tolerance()))
        }
        "object_average_value" => {
            let value = integer(&input["metric_value"]);
            let target = target("target_average_value");
            average(object_average_value(value, current(), target, tolerance()))
        }
        "external_value" => {
            let values = integers(&input["metric_values"]);
            let target = target("target_value");
            measured(external_value(values, current(), ready(), target, tolerance()))
        }
        "external_average_value" => {
            let values = integers(&input["metric_values"]);
            let target = target("target_average_value");
            average(external_average_value(values, current(), target, tolerance()))
        }
        "utilization_ratio" => {
            let used = map(&input["values"]).filter_map(|(name, value)| {
                Some((integer(value), integer(input["requests"].get(name)?)))
            });
            told(utilization_ratio(used, target("target_utilization_pct")).map(
                |Ratio { ratio, measured, average }| {
                    json!({"ratio": ratio, "utilization_pct": measured, "average_value": average})
                },
            ))
        }
        "average_ratio" => {
            let values = map(&input["values"]).map(|(_, value)| integer(value));
            told(average_ratio(values, target("target_average_value")).map(
                |Ratio { ratio, average, .. }| json!({"ratio": ratio, "average_value": average}),
            ))
        }
        "classify_pods" => classified(input),
        _ => return None,
    })
}

fn pods(input: &Value) -> impl Iterator<Item = Pod> {
    let listed = list(&input["pods"]).iter().map(|pod| Pod {
        phase: match text(&pod["state"]) {
            "counted" => Phase::Ready,
            "unready" => Phase::Unready,
            "ignored" => Phase::Ignored,
            other => panic!("a pod is {other}"),
        },
        value: optional_integer(&pod["value"]),
        request: optional_integer(&pod["request"]),
    });
    let strays = list(&input["extra_metrics"]).iter().map(|stray| Pod {
        phase: Phase::Unlisted,
        value: Some(integer(&stray["value"])),
        request: None,
    });
    listed.chain(strays)
}

fn map(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().unwrap_or_else(|| panic!("{value} is no map")).iter()
}

fn told(answer: Result<Value, Refusal>) -> Value {
    answer.unwrap_or_else(|refusal| {
        let token = match refusal {
            Refusal::NoReading => "no_metrics",
            Refusal::NoPods => "no_pods",
            Refusal::MissingRequest => "missing_request",
            Refusal::NoUsableReading => "no_usable_metrics",
            Refusal::NoMatch => "metrics_match_no_pod",
        };
        json!({ "error": token })
    })
}

fn average(sizing: Sizing) -> Value {
    json!({"replicas": sizing.replicas, "average_value": sizing.average})
}

fn measured(sizing: Sizing) -> Value {
    json!({"replicas": sizing.replicas, "metric_value": sizing.measured})
}

fn classified(input: &Value) -> Value {
    let cpu = (text(&input["resource"]) == "cpu").then(|| CpuStart {
        initialization_period: span(&input["cpu_initialization_period_s"]),
        readiness_delay: span(&input["initial_readiness_delay_s"]),
    });
    let known = |value: &Value| (!value.is_null()).then(|| ago(value));
    let (mut n_ready, mut unready, mut missing, mut ignored) = (0, vec![], vec![], vec![]);
    for pod in list(&input["pods"]) {
        let (name, phase) = (text(&pod["name"]), text(&pod["phase"]));
        let condition = &pod["ready_condition"];
        let facts = pods::Pod {
            is_ending: pod["deleted"] == true || phase == "Failed",
            is_pending: phase == "Pending",
            started: known(&pod["start_age_s"]),
            readiness: (!condition.is_null()).then(|| Readiness {
                is_ready: text(&condition["status"]) == "True",
                since: ago(&condition["transition_age_s"]),
            }),
            sample: input["metrics"].get(name).map(|sample| Sample {
                at: ago(&sample["timestamp_age_s"]),
                window: span(&sample["window_s"]),
            }),
        };
        match classify(&facts, NOW, cpu) {
            Standing::Ready => n_ready += 1,
            Standing::Unready => unready.push(name),
            Standing::Missing => missing.push(name),
            Standing::Ignored => ignored.push(name),
        }
    }
    for names in [&mut unready, &mut missing, &mut ignored] {
        names.sort_unstable();
    }
    json!({"ready_count": n_ready, "unready": unready, "missing": missing, "ignored": ignored})
}
