use std::sync::Arc;

use super::*;
use crate::policy::Metric;
use crate::series::{Observation, Reading};
use crate::time::Timestamp;

fn target(settings: &str) -> Target {
    Target::new(serde_json::from_str(settings).unwrap()).unwrap()
}

fn propose(target: &mut Target, kind: MetricKind, observation: &Observation) -> Proposal {
    let metrics = [Metric { name: Arc::from("m"), kind }];
    target.propose(&View::alone(observation, &metrics)).unwrap()
}

fn seen(ready: u32, pending: u32, reading: impl Into<Reading>) -> Observation {
    Observation::at(Timestamp::from_secs(60)).ready(ready).pending(pending).metric("m", reading)
}

#[test]
fn a_utilization_moves_the_replicas_as_the_hpa_does() {
    let mut target = target(r#"{"metric": "m", "target": 0.5}"#);
    //          ready, pending, utilization -> replicas, code
    let diary = [
        (3, 0, 0.75, 5, "above_target"),
        (4, 0, 0.25, 2, "below_target"),
        (3, 0, 0.55, 3, "within_tolerance"), // the edge belongs to the tolerance
        (3, 0, 0.56, 4, "above_target"),
        (3, 0, 0.0, 0, "below_target"),
        (2, 3, 0.75, 5, "unready_replicas"), // 150 % of 5 requests is 30 %
        (3, 1, 0.9, 6, "above_target"),      // ceil(4 * 67 / 50)
    ];
    for (ready, pending, utilization, want, code) in diary {
        let observation = seen(ready, pending, utilization);
        let proposal = propose(&mut target, MetricKind::Utilization, &observation);
        assert_eq!(proposal.want, Want::Replicas(want), "{utilization}: {}", proposal.reason);
        assert_eq!(proposal.reason.code(), code, "{utilization}");
        assert_eq!(proposal.reason.fact("measured"), Some(utilization));
    }
}

#[test]
fn readings_of_replicas_count_by_phase_and_request() {
    let mut target = target(r#"{"metric": "m", "target": 0.3}"#);
    let reading = |value: Option<f64>, phase| ReplicaReading { value, request: Some(2.0), phase };
    let damped = vec![
        reading(Some(0.6), Phase::Unready),
        reading(Some(1.0), Phase::Ready),
        reading(Some(1.4), Phase::Ready),
        reading(Some(9.0), Phase::Ignored),
    ];
    let proposal = propose(&mut target, MetricKind::Utilization, &seen(2, 1, damped));
    // 2.4 of 6.0 is 40 %: ceil(3 * 40 / 30) = 4; what was measured first is 60 %.
    assert_eq!(proposal.want, Want::Replicas(4));
    assert_eq!(proposal.reason.fact("measured"), Some(0.6));

    let missing = vec![Some(0.1), None];
    let proposal = propose(&mut target, MetricKind::Utilization, &seen(2, 0, missing));
    assert_eq!(proposal.want, Want::Replicas(2), "a missing replica counts as fully used");
    assert_eq!(proposal.reason.code(), "unready_replicas");
}

/// Three of ten report, all too hot: the other seven are missing, not gone.
#[test]
fn replicas_that_the_list_leaves_out_are_missing() {
    let mut target = target(r#"{"metric": "m", "target": 0.6}"#);
    let diary = [
        (10, 0, vec![Some(0.9); 3], 10, "unready_replicas"), // 27 % of 10 requests
        (10, 0, vec![Some(0.1); 3], 10, "unready_replicas"), // 73 % of 10 requests
        (10, 0, vec![Some(0.1); 9], 4, "below_target"),      // 19 % of 10 requests
        (3, 7, vec![Some(0.9); 3], 10, "unready_replicas"),
        (3, 0, vec![Some(0.9); 3], 5, "above_target"),
    ];
    for (ready, pending, readings, want, code) in diary {
        let observation = seen(ready, pending, readings);
        let proposal = propose(&mut target, MetricKind::Utilization, &observation);
        assert_eq!((proposal.want, proposal.reason.code()), (Want::Replicas(want), code));
    }
}

#[test]
fn a_load_is_shared_among_the_replicas() {
    let mut target = target(r#"{"metric": "m", "target": 100, "tolerance": {"up": 0.01}}"#);
    let diary = [(4, 404.0, 4), (4, 405.0, 5), (4, 350.0, 4), (0, 101.0, 2), (0, 0.0, 0)];
    for (ready, load, want) in diary {
        let proposal = propose(&mut target, MetricKind::Total, &seen(ready, 0, load));
        assert_eq!(proposal.want, Want::Replicas(want), "{load}");
    }
    // Replicas that report as one average are as many as are ready.
    let proposal = propose(&mut target, MetricKind::Average, &seen(4, 0, 150.0));
    assert_eq!(proposal.want, Want::Replicas(6));
}

/// Within the tolerance the HPA goes to the size that the workload reports.
#[test]
fn a_shared_load_on_target_keeps_what_exists_not_what_was_asked_for() {
    let mut target = target(r#"{"metric": "m", "target": 2}"#);
    let observation = seen(6, 0, 12.0).requested(4);
    assert_eq!(propose(&mut target, MetricKind::Total, &observation).want, Want::Replicas(6));
}

#[test]
fn a_value_scales_the_ready_replicas() {
    let mut target = target(r#"{"metric": "m", "target": 0.2, "by": "value"}"#);
    let diary = [(5, 0.4, 10), (5, 0.21, 5), (5, 0.1, 3), (0, 0.9, 5)];
    for (ready, latency, want) in diary {
        let proposal = propose(&mut target, MetricKind::Average, &seen(ready, 0, latency));
        assert_eq!(proposal.want, Want::Replicas(want), "{latency}");
    }
}

#[test]
fn what_cannot_be_read_takes_nothing_away() {
    let cpu = || target(r#"{"metric": "m", "target": 0.7}"#);
    let by_value = || target(r#"{"metric": "m", "target": 0.2, "by": "value"}"#);
    let unasked = ReplicaReading { value: Some(0.2), request: None, phase: Phase::Ready };
    let asked = ReplicaReading { request: Some(0.5), ..unasked };
    let unready = ReplicaReading { phase: Phase::Unready, ..asked };
    let diary = [
        (cpu(), seen(3, 0, None), "metric_missing"),
        (cpu(), seen(3, 0, f64::NAN), "metric_invalid"),
        (cpu(), seen(3, 0, -0.1), "metric_invalid"),
        (cpu(), seen(3, 0, vec![Some(f64::INFINITY)]), "metric_invalid"),
        (cpu(), seen(0, 3, 0.9), "no_ready_replicas"),
        (cpu(), seen(0, 0, 0.9), "no_ready_replicas"),
        (cpu(), seen(2, 0, vec![None, None]), "metric_missing"),
        (cpu(), seen(2, 0, vec![asked, unasked]), "request_missing"),
        (cpu(), seen(0, 1, vec![unready]), "no_ready_replicas"),
        (by_value(), seen(0, 3, 0.9), "no_ready_replicas"),
        (cpu(), Observation::at(Timestamp::from_secs(0)).ready(3), "metric_missing"),
    ];
    for (mut target, observation, code) in diary {
        let proposal = propose(&mut target, MetricKind::Utilization, &observation);
        assert_eq!(proposal.want, Want::NotFewer, "{observation:?}");
        assert_eq!(proposal.reason.code(), code, "{observation:?}");
    }
}

#[test]
fn enormous_readings_saturate() {
    let mut target = target(r#"{"metric": "m", "target": 0.01}"#);
    for kind in [MetricKind::Total, MetricKind::Average, MetricKind::Utilization] {
        for reading in [Reading::from(f64::MAX), vec![Some(f64::MAX); 3].into()] {
            let proposal = propose(&mut target, kind, &seen(u32::MAX, u32::MAX, reading));
            assert!(matches!(proposal.want, Want::Replicas(_)), "{proposal:?}");
        }
    }
    let proposal = propose(&mut target, MetricKind::Total, &seen(1, 0, f64::MAX));
    assert_eq!(proposal.want, Want::Replicas(replicas::MOST_REPLICAS));
}

#[test]
fn settings_out_of_range_are_refused_by_name() {
    let refused = |settings: &str| {
        let settings: Config = serde_json::from_str(settings).unwrap();
        Target::new(settings).unwrap_err().to_string()
    };
    let diary = [
        (r#"{"metric": "m", "target": 0}"#, "`target` is 0"),
        (r#"{"metric": "m", "target": -1}"#, "`target` is -1"),
        (r#"{"metric": "", "target": 1}"#, "`metric` is empty"),
        (r#"{"metric": "m", "target": 0.755, "by": "utilization"}"#, "must be a whole percent"),
        (r#"{"metric": "m", "target": 1, "tolerance": -0.1}"#, "`tolerance.up` is -0.1"),
        (r#"{"metric": "m", "target": 1, "tolerance": {"down": 2}}"#, "`tolerance.down` is 2"),
    ];
    for (settings, text) in diary {
        let error = refused(settings);
        assert!(error.contains(text), "{error}");
    }
    // What is a utilization by its metric's kind is refused once the kind is known.
    let half = target(r#"{"metric": "m", "target": 0.755}"#);
    assert!(half.check(MetricKind::Average).is_ok());
    assert!(half.check(MetricKind::Utilization).is_err());
}

#[test]
fn a_tolerance_is_one_number_or_two() {
    let read = |text: &str| serde_json::from_str::<Tolerance>(text).map_err(|e| e.to_string());
    assert_eq!(read("0.2"), Ok(Tolerance { up: 0.2, down: 0.2 }));
    assert_eq!(read("0"), Ok(Tolerance { up: 0.0, down: 0.0 }));
    assert_eq!(read(r#"{"up": 0.3}"#), Ok(Tolerance { up: 0.3, down: 0.1 }));
    assert!(read(r#""much""#).unwrap_err().contains("must be a number"));
}

/// The HPA's own cases give its own numbers when they come in as observations.
#[test]
fn observations_give_the_replicas_of_the_hpa() {
    use serde_json::Value;
    let text = include_str!("../../../tests/conformance/hpa_replicas_open.json");
    let file: Value = serde_json::from_str(text).unwrap();
    let whole =
        |value: &Value| value.as_f64().or_else(|| value.as_str()?.parse().ok()).unwrap_or_default();
    let unit = |value: &Value| (!value.is_null()).then(|| whole(value) / 1000.0);
    let mut n_checked = 0;
    for case in file["cases"].as_array().unwrap() {
        let input = &case["input"];
        let (by, kind, field) = match case["op"].as_str().unwrap() {
            "resource_utilization" => {
                (By::Utilization, MetricKind::Utilization, "target_utilization_pct")
            }
            "pods_average_value" => (By::AverageValue, MetricKind::Average, "target_average_value"),
            "object_average_value" => (By::AverageValue, MetricKind::Total, "target_average_value"),
            "object_value" => (By::Value, MetricKind::Total, "target_value"),
            _ => continue,
        };
        let scale = if by == By::Utilization { 100.0 } else { 1000.0 };
        let mut target = Target::new(Config {
            metric: "m".to_owned(),
            target: whole(&input[field]) / scale,
            by: Some(by),
            tolerance: serde_json::from_value(input["tolerance"].clone()).unwrap(),
        })
        .unwrap();

        let read = |list: &str, phase: Option<Phase>| -> Vec<ReplicaReading> {
            let list = input[list].as_array().map(Vec::as_slice).unwrap_or_default();
            let read = |pod: &Value| ReplicaReading {
                value: unit(&pod["value"]),
                request: unit(&pod["request"]),
                phase: phase.unwrap_or_else(|| match pod["state"].as_str().unwrap() {
                    "counted" => Phase::Ready,
                    "unready" => Phase::Unready,
                    _ => Phase::Ignored,
                }),
            };
            list.iter().map(read).collect()
        };
        let mut readings = read("pods", None);
        let n_of = |phase| readings.iter().filter(|reading| reading.phase == phase).count() as u32;
        let current = whole(&input["current_replicas"]) as u32;
        let observation = if input["pods"].is_array() {
            let (ready, pending) = (n_of(Phase::Ready), n_of(Phase::Unready));
            readings.extend(read("extra_metrics", Some(Phase::Unlisted)));
            seen(ready, pending, readings).requested(current)
        } else {
            let ready = input["ready_pods"].as_u64().map_or(current, |ready| ready as u32);
            seen(ready, 0, whole(&input["metric_value"]) / 1000.0).requested(current)
        };

        let want = match case["expect"]["replicas"].as_u64() {
            Some(replicas) => Want::Replicas(replicas as u32),
            None => Want::NotFewer,
        };
        assert_eq!(propose(&mut target, kind, &observation).want, want, "{}", case["name"]);
        n_checked += 1;
    }
    assert!(n_checked >= 50, "only {n_checked} cases");
}
