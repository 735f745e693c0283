//! What the linter says of settings, and that the running loop says the same.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use forescale::lint::{Finding, Severity, lint};
use forescale::{Autoscaler, Config, Duration, Observation, Timestamp};

fn config(text: &str) -> Config {
    Config::from_text(text).unwrap()
}

fn found(text: &str) -> Vec<Finding> {
    lint(&config(text), None).unwrap()
}

#[test]
fn smoke() {
    for text in [
        "{max_replicas: 20, metrics: {cpu: {kind: utilization}}, policies: [{kind: watermark, metric: cpu, low: 0.5, high: 0.6, tolerance: 0}]}",
        "{max_replicas: 20, metrics: {cpu: {kind: utilization}}, policies: [{kind: watermark, metric: cpu, low: 0.5, high: 0.7}]}",
        "{max_replicas: 4000000000, metrics: {cpu: {kind: utilization}}, policies: [{kind: watermark, metric: cpu, low: 0.3, high: 0.7, dwell_up: 10m}]}",
        "{max_replicas: 200, metrics: {cpu: {kind: utilization}}, policies: [{kind: target, metric: cpu, target: 0.7}]}",
        "{max_replicas: 200, metrics: {cpu: {kind: total}}, policies: [{kind: target, metric: cpu, target: 70}]}",
    ] {
        let start = std::time::Instant::now();
        let f = found(text);
        println!("{text}\n  {:?}", start.elapsed());
        for f in f { println!("  {f}"); }
    }
}
