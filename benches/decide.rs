//! The time of a decision in the steady state: one reactive policy, four kinds together, each law
//! alone, and a day of 15-second decisions through the simulator. Figures, with machine and date:
//! `README.md` here.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use forescale::{Autoscaler, Observation, Timestamp, sim};

const REACTIVE: &str = r#"{
    "min_replicas": 2, "max_replicas": 60,
    "metrics": {"cpu": {"kind": "utilization"}},
    "policies": [{"kind": "target", "metric": "cpu", "target": 0.6}]
}"#;

const EVERYTHING: &str = r#"{
    "min_replicas": 2, "max_replicas": 60, "lead_time": "2m",
    "metrics": {"rps": {"kind": "total"}, "cpu": {"kind": "utilization"}},
    "capacity": {"kind": "fixed", "metric": "rps", "load_per_replica": 100},
    "policies": [
        {"kind": "target", "metric": "cpu", "target": 0.7},
        {"kind": "watermark", "metric": "cpu", "low": 0.3, "high": 0.8},
        {"kind": "schedule", "cron": "0 8 * * mon-fri", "time_zone": "Europe/Berlin",
         "duration": "10h", "min_replicas": 5},
        {"kind": "predictive", "metric": "rps", "forecaster": {"kind": "seasonal_naive"}}
    ],
    "guards": [{"kind": "tolerance"}, {"kind": "stabilization"}, {"kind": "rate"}, {"kind": "cooldown"}]
}"#;

/// Each law alone, without guards, on the metrics of [`observation`].
const LAWS: &[(&str, &str)] = &[
    ("target", r#"{"kind": "target", "metric": "cpu", "target": 0.6}"#),
    ("watermark", r#"{"kind": "watermark", "metric": "cpu", "low": 0.5, "high": 0.65}"#),
    ("concurrency", r#"{"kind": "concurrency", "metric": "rps", "target": 70}"#),
    (
        "step",
        r#"{"kind": "step", "metric": "cpu", "threshold": 0.6, "comparison": "above",
            "adjustment": "percent", "steps": [{"upper": 0.05, "by": 10}, {"lower": 0.05, "by": 30}]}"#,
    ),
    (
        "simple",
        r#"{"kind": "simple", "metric": "cpu", "threshold": 0.6, "comparison": "above",
            "adjustment": "change", "by": 1}"#,
    ),
    ("target_tracking", r#"{"kind": "target_tracking", "metric": "cpu", "target": 0.6}"#),
    (
        "rule",
        r#"{"kind": "rule", "metric": "cpu", "operator": ">", "threshold": 0.62, "adjustment": "+1"}"#,
    ),
    ("target_value", r#"{"kind": "target_value", "metric": "cpu", "target": 0.6}"#),
    (
        "threshold",
        r#"{"kind": "threshold", "metric": "cpu", "lower_bound": 0.62, "delta": 1, "window": "5m"}"#,
    ),
    ("pass_through", r#"{"kind": "pass_through", "metric": "rps"}"#),
    ("fixed_value", r#"{"kind": "fixed_value", "value": 5}"#),
    ("backlog", r#"{"kind": "backlog", "metric": "rps", "rate_per_replica": 0.3}"#),
    ("jobs", r#"{"kind": "jobs", "metric": "rps", "target": 50}"#),
    (
        "schedule",
        r#"{"kind": "schedule", "cron": "0 8 * * mon-fri", "duration": "10h", "min_replicas": 5}"#,
    ),
    (
        "calendar",
        r#"{"kind": "calendar", "entries": [{"start_time": "08:00", "end_time": "18:00",
            "min_replicas": 5, "max_replicas": 60}]}"#,
    ),
];

/// A load that swings a little, so that the guards have something to hold.
fn observation(tick: i64, ready: u32) -> Observation {
    let swing = (tick % 40) as f64 / 40.0;
    Observation::at(Timestamp::from_millis(1_767_600_000_000 + tick * 15_000))
        .ready(ready)
        .metric("rps", 800.0 + 100.0 * swing)
        .metric("cpu", 0.6 + 0.1 * swing)
}

/// Eight days of history by the minute.
fn warm(scaler: &mut Autoscaler) {
    let start = 1_767_600_000 - 8 * 86_400;
    let times: Vec<_> =
        (0..8 * 1440).map(|minute| Timestamp::from_secs(start + minute * 60)).collect();
    let values: Vec<_> =
        (0..8 * 1440).map(|minute| Some(800.0 + f64::from(minute % 1440) / 10.0)).collect();
    scaler.warm_up("rps", &times, &values).expect("the history is sound");
}

fn decide(criterion: &mut Criterion) {
    for (name, config) in [("decide/reactive", REACTIVE), ("decide/all_four", EVERYTHING)] {
        let mut scaler = Autoscaler::from_text(config).expect("the settings are sound");
        if config == EVERYTHING {
            warm(&mut scaler);
        }
        steady(criterion, name, &mut scaler);
    }
    for (name, policy) in LAWS {
        let config = format!(
            r#"{{"max_replicas": 60, "guards": [], "policies": [{policy}],
                "metrics": {{"rps": {{"kind": "total"}}, "cpu": {{"kind": "utilization"}}}}}}"#
        );
        let mut scaler = Autoscaler::from_text(&config).expect("the settings are sound");
        steady(criterion, &format!("law/{name}"), &mut scaler);
    }
}

/// A decision each 15 seconds.
fn steady(criterion: &mut Criterion, name: &str, scaler: &mut Autoscaler) {
    let mut seen = observation(0, 10);
    let mut tick = 0;
    criterion.bench_function(name, |bencher| {
        bencher.iter(|| {
            tick += 1;
            // Only the numbers change: the observation is the host's to build.
            seen.at = Timestamp::from_millis(1_767_600_000_000 + tick * 15_000);
            let swing = (tick % 40) as f64 / 40.0;
            *seen.metrics.get_mut("cpu").expect("is there") = (0.6 + 0.1 * swing).into();
            black_box(scaler.decide(black_box(&seen)).replicas)
        });
    });
}

fn replay(criterion: &mut Criterion) {
    let trace = sim::web_service(2, 7);
    let settings =
        sim::Settings::from_text(r#"{"scored": "1d", "history": "2d", "load_per_replica": 100}"#)
            .expect("is sound");
    for (name, config) in
        [("replay_a_day/reactive", REACTIVE), ("replay_a_day/all_four", EVERYTHING)]
    {
        criterion.bench_function(name, |bencher| {
            bencher.iter(|| {
                let mut scaler = Autoscaler::from_text(config).expect("the settings are sound");
                black_box(sim::replay(&mut scaler, &trace, &settings).expect("the trace is sound"))
            });
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = decide, replay
}
criterion_main!(benches);
