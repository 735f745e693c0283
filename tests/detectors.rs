//! Alarms in the decisions: told as a step, moving nothing.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use forescale::sim::web_service;
use forescale::{Autoscaler, Observation};

const CONFIG: &str = r#"{
    "max_replicas": 60,
    "metrics": {"rps": {"kind": "total", "screen": "off"DETECTOR}},
    "policies": [{"kind": "target", "metric": "rps", "target": 100}]
}"#;

fn scaler(detector: &str) -> Autoscaler {
    Autoscaler::from_text(&CONFIG.replace("DETECTOR", detector)).unwrap()
}

/// Friday's outage of the generated load, in a third week after two of history.
#[test]
fn an_outage_is_told_within_minutes_and_moves_no_replicas_by_itself() {
    let trace = web_service(3, 7);
    let times: Vec<_> =
        (0..trace.values.len()).map(|index| trace.start + trace.step.times(index as i64)).collect();
    let known = (14 + 3) * 1440;
    let values: Vec<_> = trace.values[..known].iter().copied().map(Some).collect();
    let (mut plain, mut watched) = (scaler(""), scaler(r#", "detector": "auto""#));
    for scaler in [&mut plain, &mut watched] {
        scaler.warm_up("rps", &times[..known], &values).unwrap();
    }
    let mut told = Vec::new();
    let mut ready = 10;
    let week = times.iter().zip(&trace.values).skip(known).take(2 * 1440);
    for (minute, (&at, &load)) in week.enumerate() {
        let seen = Observation::at(at).ready(ready).metric("rps", load);
        if minute == 700 {
            watched = Autoscaler::restore(&watched.snapshot().unwrap()).unwrap();
        }
        let decision = watched.decide(&seen).clone();
        assert_eq!(decision.replicas, plain.decide(&seen).replicas);
        ready = decision.replicas;
        for step in decision.steps.iter().filter(|step| &*step.by == "detector(rps)") {
            assert_eq!(step.replicas, None);
            told.push((minute, step.reason.code()));
        }
    }
    // From 10:05 to 10:45 on the second day, 5 % of the load is left.
    let outage = 1440 + 10 * 60 + 5;
    let first = told.iter().find(|(minute, _)| *minute >= outage).unwrap();
    assert!(first.0 <= outage + 3 && first.1 == "dip", "{told:?}");
    assert!(told.len() <= 4, "{told:?}");
}

#[test]
fn a_detector_is_built_from_its_kind_or_refused_with_its_place() {
    let config =
        CONFIG.replace("DETECTOR", r#", "detector": {"kind": "spike", "alarms_per_day": 0}"#);
    let error = Autoscaler::from_text(&config).unwrap_err();
    let want = "`metrics.rps.detector.alarms_per_day` is 0, must be in [0.001, 1000]";
    assert_eq!(error.to_string(), want);
}
