//! Laws that hold for any observation, thrown at every policy and guard.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use forescale::{Autoscaler, Observation, Phase, Reading, ReplicaReading, Timestamp};
use proptest::prelude::*;

/// Every policy and guard at once, with limits that a law can be checked against.
const EVERYTHING: &str = r#"{
    "min_replicas": 2, "max_replicas": 40, "lead_time": "2m",
    "metrics": {"rps": {"kind": "total"}, "cpu": {"kind": "utilization"}, "queue": {"kind": "average"}},
    "capacity": {"kind": "fixed", "metric": "rps", "load_per_replica": 100},
    "policies": [
        {"kind": "target", "metric": "cpu", "target": 0.6},
        {"kind": "target", "metric": "rps", "target": 70, "by": "value"},
        {"kind": "target", "metric": "queue", "target": 30, "direction": "up",
         "guards": [{"kind": "cooldown", "scale_up": "20s"}, {"kind": "rate"}]},
        {"kind": "watermark", "metric": "queue", "low": 10, "high": 30, "converge_towards": "high"},
        {"kind": "concurrency", "metric": "queue", "target": 20, "scale_down_delay": "1m"},
        {"kind": "schedule", "cron": "*/7 * * * *", "time_zone": "America/New_York",
         "duration": "3m", "min_replicas": 4, "max_replicas": 30},
        {"kind": "predictive", "metric": "rps", "step": "10s",
         "forecaster": {"kind": "seasonal_naive", "season": "10m"}},
        {"kind": "calendar", "time_zone": "Europe/Berlin", "entries": [
            {"start_time": "08:00", "end_time": "12:00", "min_replicas": 3, "max_replicas": 40,
             "initial_min_replicas": 9},
            {"start": "2026-01-05T11:00", "end": "2026-01-06", "min_replicas": 4, "max_replicas": 9}]},
        {"kind": "rule", "metric": "cpu", "operator": ">", "threshold": 0.8, "adjustment": "+10%",
         "breach_duration": "1m", "cool_down": "1m"},
        {"kind": "rule", "metric": "queue", "operator": "<=", "threshold": 5, "adjustment": -1},
        {"kind": "target_value", "metric": "queue", "target": 0, "max_scale_up": 3},
        {"kind": "threshold", "metric": "rps", "lower_bound": 100, "within_bounds_trigger": 2,
         "percentage": 10},
        {"kind": "fixed_value", "value": 3},
        {"kind": "pass_through", "metric": "rps", "max_scale_down": 1}
    ],
    "guards": [
        {"kind": "tolerance"}, {"kind": "stabilization", "scale_up": "30s"}, {"kind": "rate"},
        {"kind": "change_limit"}, {"kind": "cooldown", "scale_up": "10s", "scale_down": "1m"}
    ]
}"#;

/// Numbers as broken sources send them.
fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        5 => 0.0..2000.0,
        1 => Just(0.0),
        1 => Just(f64::NAN),
        1 => Just(f64::INFINITY),
        1 => Just(f64::NEG_INFINITY),
        1 => Just(-1.0),
        1 => Just(f64::MAX),
        1 => Just(f64::MIN_POSITIVE),
        1 => any::<f64>(),
    ]
}

fn phase() -> impl Strategy<Value = Phase> {
    prop_oneof![
        Just(Phase::Ready),
        Just(Phase::Unready),
        Just(Phase::Ignored),
        Just(Phase::Unlisted)
    ]
}

fn replica() -> impl Strategy<Value = ReplicaReading> {
    (proptest::option::of(number()), proptest::option::of(number()), phase())
        .prop_map(|(value, request, phase)| ReplicaReading { value, request, phase })
}

fn reading() -> impl Strategy<Value = Reading> {
    prop_oneof![
        3 => number().prop_map(Reading::Number),
        1 => Just(Reading::Missing),
        1 => number().prop_map(|total| Reading::Total { total }),
        1 => number().prop_map(|average| Reading::Average { average }),
        2 => proptest::collection::vec(replica(), 0..6).prop_map(Reading::PerReplica),
    ]
}

/// Mostly a step forward; sometimes still, back, or far away.
fn step_ms() -> impl Strategy<Value = i64> {
    prop_oneof![
        30 => 1_000_i64..40_000,
        2 => Just(0),
        2 => -100_000_i64..0,
        1 => Just(31_536_000_000),
        1 => Just(-31_536_000_000),
        1 => any::<i64>(),
    ]
}

#[derive(Debug, Clone)]
struct Tick {
    step_ms: i64,
    ready: u32,
    pending: u32,
    requested: Option<u32>,
    metrics: Vec<(&'static str, Reading)>,
}

fn tick() -> impl Strategy<Value = Tick> {
    let name = prop_oneof![Just("rps"), Just("cpu"), Just("queue"), Just("no_such_metric")];
    let count = || prop_oneof![5 => 0_u32..50, 1 => Just(0), 1 => any::<u32>()];
    (
        step_ms(),
        count(),
        count(),
        proptest::option::of(count()),
        proptest::collection::vec((name, reading()), 0..4),
    )
        .prop_map(|(step_ms, ready, pending, requested, metrics)| Tick {
            step_ms,
            ready,
            pending,
            requested,
            metrics,
        })
}

fn observation(at: i64, tick: &Tick) -> Observation {
    let mut seen =
        Observation::at(Timestamp::from_millis(at)).ready(tick.ready).pending(tick.pending);
    seen.replicas.requested = tick.requested;
    seen.metrics =
        tick.metrics.iter().map(|(name, reading)| ((*name).to_owned(), reading.clone())).collect();
    seen
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(1), // the same observations in every run
        ..ProptestConfig::default()
    })]

    /// No observation panics; an answer that moves lies within the limits and has its reasons; a
    /// snapshot at any time changes nothing; two runs agree to the byte.
    #[test]
    fn any_observations_are_answered(ticks in proptest::collection::vec(tick(), 1..60)) {
        let mut scaler = Autoscaler::from_text(EVERYTHING).unwrap();
        let mut twin = Autoscaler::from_text(EVERYTHING).unwrap();
        let mut at = 1_767_600_000_000_i64;
        for (index, tick) in ticks.iter().enumerate() {
            at = at.saturating_add(tick.step_ms);
            let seen = observation(at, tick);
            if index % 5 == 0 {
                twin = Autoscaler::restore(&twin.snapshot().unwrap()).unwrap();
            }
            let decision = scaler.decide(&seen);
            prop_assert_eq!(decision.to_json(), twin.decide(&seen).to_json());
            if decision.replicas != decision.current {
                prop_assert!((2..=40).contains(&decision.replicas), "{}", decision.explain());
                prop_assert!(!decision.steps.is_empty());
                let last = decision.steps.iter().rev().find_map(|step| step.replicas);
                prop_assert_eq!(last, Some(decision.replicas), "{}", decision.explain());
            }
            let sentence = decision.explain();
            prop_assert!(!sentence.contains('{') && sentence.ends_with('.'), "{}", sentence);
        }
        prop_assert_eq!(scaler.snapshot().unwrap(), twin.snapshot().unwrap());
    }

    /// With all else equal, more load never proposes fewer replicas.
    #[test]
    fn more_load_never_means_fewer_replicas(ready in 1_u32..40, load in 0.0..5_000.0, more in 0.0..5_000.0) {
        let replicas = |load: f64| {
            let config = r#"{"max_replicas": 1000, "metrics": {"rps": {"kind": "total"}}, "guards": [],
                "policies": [{"kind": "target", "metric": "rps", "target": 70}]}"#;
            let mut scaler = Autoscaler::from_text(config).unwrap();
            let seen = Observation::at(Timestamp::from_secs(0)).ready(ready).metric("rps", load);
            scaler.decide(&seen).replicas
        };
        prop_assert!(replicas(load + more) >= replicas(load));
    }

    /// No snapshot, however damaged, is more than an error.
    #[test]
    fn a_damaged_snapshot_is_refused_or_harmless(cut in 0_usize..4_000, flip in 0_usize..4_000, byte in any::<u8>()) {
        let mut scaler = Autoscaler::from_text(EVERYTHING).unwrap();
        for second in 0..40 {
            let seen = Observation::at(Timestamp::from_secs(second * 15)).ready(5).metric("rps", 300.0 + second as f64);
            scaler.decide(&seen);
        }
        let whole = scaler.snapshot().unwrap();
        prop_assert!(Autoscaler::restore(&whole[..cut.min(whole.len() - 1)]).is_err());
        let mut flipped = whole.clone();
        let place = flip % flipped.len();
        flipped[place] = byte;
        if let Ok(mut scaler) = Autoscaler::restore(&flipped) {
            for second in 600..620 {
                let seen = Observation::at(Timestamp::from_secs(second * 15)).ready(5).metric("rps", 300.0);
                scaler.decide(&seen);
            }
        }
    }
}
