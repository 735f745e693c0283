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
        {"kind": "step", "metric": "cpu", "threshold": 0.5, "comparison": "above", "points": 1,
         "steps": [{"lower": 0, "by": 1}], "fallback": {"failures": 2, "replicas": 7}},
        {"kind": "simple", "metric": "queue", "threshold": 5, "comparison": "below", "by": -1},
        {"kind": "target_tracking", "metric": "rps", "target": 70, "points_in": 2},
        {"kind": "backlog", "metric": "rps", "rate_per_replica": 3},
        {"kind": "jobs", "metric": "rps", "target": 90},
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

/// Settings of any one policy, as far from the defaults as people go, with what every policy may have.
fn policy() -> impl Strategy<Value = String> {
    let kinds = prop_oneof![
        Just(r#""kind": "target", "metric": "cpu", "target": 0.6"#),
        Just(r#""kind": "target", "metric": "rps", "target": 0.5, "by": "value""#),
        Just(r#""kind": "watermark", "metric": "queue", "low": 10, "high": 30"#),
        Just(r#""kind": "concurrency", "metric": "rps", "target": 0.01, "scale_down_delay": "1h""#),
        Just(
            r#""kind": "concurrency", "metric": "queue", "target": 7, "stable_window": "1h",
               "panic_window_ratio": 0.01, "activation_scale": 2"#
        ),
        Just(
            r#""kind": "step", "metric": "cpu", "threshold": 0.5, "comparison": "above",
               "adjustment": "percent", "min_adjustment": 4294967295, "points": 1, "warm_up": "40s",
               "steps": [{"lower": 0, "upper": 0.2, "by": 10}, {"lower": 0.2, "by": 2147483647}]"#
        ),
        Just(
            r#""kind": "step", "metric": "queue", "threshold": 30, "comparison": "at_or_below",
               "points": 2, "of": 100, "missing_data": "breaching", "period": "1s", "warm_up": 0,
               "steps": [{"upper": 0, "by": -3}]"#
        ),
        Just(
            r#""kind": "simple", "metric": "rps", "threshold": 900, "comparison": "above",
               "adjustment": "exact", "by": 30, "points": 1, "cooldown": "36500d""#
        ),
        Just(
            r#""kind": "simple", "metric": "cpu", "threshold": 0, "comparison": "at_or_above",
               "by": -2147483648, "points": 1, "missing_data": "ignore", "cooldown": 0"#
        ),
        Just(r#""kind": "target_tracking", "metric": "rps", "target": 1e-300, "points_out": 1"#),
        Just(
            r#""kind": "target_tracking", "metric": "cpu", "target": 0.5, "points_in": 2,
               "warm_up": "36500d", "scale_in_margin": 0"#
        ),
        Just(
            r#""kind": "rule", "metric": "cpu", "operator": ">=", "threshold": 0,
               "adjustment": "+2147483647%", "breach_duration": 0, "cool_down": 0"#
        ),
        Just(
            r#""kind": "rule", "metric": "queue", "operator": "<", "threshold": 40,
               "adjustment": "-10%", "breach_duration": "20s""#
        ),
        Just(
            r#""kind": "backlog", "metric": "rps", "arrivals": "rps", "drain": "1ms",
               "rate_per_replica": 1e-300"#
        ),
        Just(r#""kind": "jobs", "metric": "rps", "target": 5, "strategy": "accurate""#),
        Just(
            r#""kind": "jobs", "metric": "rps", "target": 1e-300, "strategy": "custom",
               "running_job_percentage": 1e300, "queue_length_deduction": 4294967295"#
        ),
        Just(r#""kind": "target_value", "metric": "queue", "target": 1e-300, "threshold": 0"#),
        Just(
            r#""kind": "threshold", "metric": "rps", "lower_bound": 100, "window": "36500d",
               "within_bounds_trigger": 2, "percentage": -1e308"#
        ),
        Just(r#""kind": "pass_through", "metric": "queue", "max_scale_up": 4294967295"#),
        Just(r#""kind": "fixed_value", "value": 4294967295"#),
        Just(r#""kind": "schedule", "cron": "*/7 * * * *", "duration": "3m", "min_replicas": 3"#),
    ];
    let shared = prop_oneof![
        5 => Just(""),
        1 => Just(r#", "direction": "up""#),
        1 => Just(r#", "direction": "down""#),
        1 => Just(r#", "fallback": {"failures": 1, "replicas": 4294967295}"#),
        1 => Just(r#", "fallback": {"after": "30s", "replicas": 0, "behavior": "higher"}"#),
        1 => Just(r#", "guards": ["stabilization", {"kind": "cooldown", "scale_up": "36500d"}]"#),
        1 => Just(r#", "guards": [{"kind": "rate"}, {"kind": "change_limit"}]"#),
    ];
    (kinds, shared).prop_map(|(kind, shared)| format!("{{{kind}{shared}}}"))
}

/// Settings of the whole but for its policies.
fn whole() -> impl Strategy<Value = (String, u32, u32)> {
    let limits =
        prop_oneof![Just((0, 1)), Just((1, 9)), Just((0, 100)), Just((2, 40)), Just((0, u32::MAX))];
    let combine = prop_oneof![
        3 => Just(r#""maximum""#),
        1 => Just(r#""all""#),
        1 => Just(r#""priority""#),
        1 => Just(r#"{"kind": "k_of_n", "scale_up": 1, "scale_down": 1}"#),
    ];
    let mode = prop_oneof![6 => Just("on"), 1 => Just("observe"), 1 => Just("scale_up_only")];
    let lead_time = prop_oneof![Just("0s"), Just("2m"), Just("36500d"), Just("learned")];
    let guards = prop_oneof![
        Just(""),
        Just(r#""guards": [],"#),
        Just(r#""guards": ["tolerance", {"kind": "cooldown", "scale_down": 0}],"#)
    ];
    let zero = prop_oneof![
        2 => Just(""),
        1 => Just(r#""zero": {"metric": "rps", "idle_grace": "36500d", "initial_grace": 0},"#),
        1 => Just(r#""zero": {"triggers": [{"metric": "rps", "activation": 1e300}], "idle_grace": 0},"#),
    ];
    (limits, combine, mode, lead_time, guards, zero, any::<bool>()).prop_map(
        |((min, max), combine, mode, lead_time, guards, zero, pause)| {
            let zero = if min == 0 { zero } else { "" };
            let text = format!(
                r#""min_replicas": {min}, "max_replicas": {max}, "combine": {combine}, {guards} {zero}
                "mode": "{mode}", "lead_time": "{lead_time}", "pause_at_zero": {pause},
                "metrics": {{"rps": {{"kind": "total"}}, "cpu": {{"kind": "utilization"}},
                             "queue": {{"kind": "average"}}}}"#
            );
            (text, min, max)
        },
    )
}

fn built(whole: &str, policies: &[String]) -> Result<Autoscaler, forescale::Error> {
    Autoscaler::from_text(&format!("{{{whole}, \"policies\": [{}]}}", policies.join(",")))
}

/// The snapshot with another number in place of one of those it holds.
fn with_number(snapshot: &[u8], which: usize, number: &str) -> Vec<u8> {
    let is_number = |byte: &u8| byte.is_ascii_digit() || b"-+.eE".contains(byte);
    let starts: Vec<_> = (1..snapshot.len())
        .filter(|&at| {
            let before = snapshot[at - 1];
            matches!(before, b':' | b',' | b'[') && is_number(&snapshot[at])
        })
        .collect();
    let start = starts[which % starts.len()];
    let n_digits = snapshot[start..].iter().take_while(|byte| is_number(byte)).count();
    [&snapshot[..start], number.as_bytes(), &snapshot[start + n_digits..]].concat()
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

    /// Whatever the settings: the limits and the mode hold, every fact is a number, a snapshot after
    /// each observation changes nothing, and the order of the policies does not matter to `maximum`.
    #[test]
    fn any_settings_keep_the_promises(
        (whole, min, max) in whole(),
        policies in proptest::collection::vec(policy(), 1..5),
        ticks in proptest::collection::vec(tick(), 1..40),
    ) {
        // A fallback without a metric, nobody to wake up, and their like are refused.
        let Ok(mut scaler) = built(&whole, &policies) else { return Ok(()) };
        let mut twin = built(&whole, &policies).unwrap();
        let reversed: Vec<_> = policies.iter().rev().cloned().collect();
        let mut reversed = built(&whole, &reversed).unwrap();
        let is_maximum = whole.contains(r#""combine": "maximum""#);
        let mut at = 1_767_600_000_000_i64;
        for tick in &ticks {
            at = at.saturating_add(tick.step_ms);
            let seen = observation(at, tick);
            let decision = scaler.decide(&seen);
            prop_assert_eq!(decision.to_json(), twin.decide(&seen).to_json());
            twin = Autoscaler::restore(&twin.snapshot().unwrap()).unwrap();
            if is_maximum {
                prop_assert_eq!(decision.replicas, reversed.decide(&seen).replicas);
            }
            let (current, replicas) = (decision.current, decision.replicas);
            if replicas != current {
                prop_assert!((min..=max).contains(&replicas), "{}", decision.explain());
                prop_assert!(!whole.contains("observe"), "{}", decision.explain());
                let is_up_only = whole.contains("scale_up_only");
                prop_assert!(replicas > current || !is_up_only, "{}", decision.explain());
            }
            prop_assert!(decision.wish.is_none_or(f64::is_finite), "{}", decision.explain());
            for step in &decision.steps {
                let are_numbers = step.reason.facts().iter().all(|(_, fact)| fact.is_finite());
                prop_assert!(are_numbers, "{:?}", step);
            }
        }
    }

    /// With all else equal, more load at each time never proposes fewer replicas.
    #[test]
    fn more_load_never_means_fewer_replicas(
        ready in 1_u32..40,
        loads in proptest::collection::vec((0.0..5_000.0, 0.0..5_000.0), 20),
    ) {
        for law in [
            r#""kind": "target", "target": 70"#,
            r#""kind": "concurrency", "target": 70, "scale_down_delay": "1m""#,
            r#""kind": "target_tracking", "target": 70, "points_in": 2, "points_out": 1"#,
            r#""kind": "backlog", "rate_per_replica": 2"#,
            r#""kind": "jobs", "target": 70"#,
            r#""kind": "target_value", "target": 700"#,
            r#""kind": "pass_through""#,
        ] {
            let config = format!(
                r#"{{"max_replicas": 1000, "metrics": {{"rps": {{"kind": "total"}}}}, "guards": [],
                    "policies": [{{{law}, "metric": "rps"}}]}}"#
            );
            let mut scalers = [(); 2].map(|()| Autoscaler::from_text(&config).unwrap());
            for (tick, (load, more)) in (0..).zip(&loads) {
                let at = Timestamp::from_secs(tick * 30);
                let mut replicas = [*load, *load + *more];
                for (scaler, number) in scalers.iter_mut().zip(&mut replicas) {
                    let seen = Observation::at(at).ready(ready).metric("rps", *number);
                    *number = scaler.decide(&seen).replicas.into();
                }
                let [fewer, replicas] = replicas;
                prop_assert!(replicas >= fewer, "{}: {} below {}", law, replicas, fewer);
            }
        }
    }

    /// No snapshot, however damaged, is more than an error.
    #[test]
    fn a_damaged_snapshot_is_refused_or_harmless(
        cut in any::<usize>(),
        flip in any::<usize>(),
        byte in any::<u8>(),
        number in prop_oneof![
            Just("0"), Just("-1"), Just("1e308"), Just("4294967295"), Just("268435456"),
            Just("9223372036854775807"), Just("-9223372036854775808"), Just("null"), Just("[]"),
        ],
    ) {
        let mut scaler = Autoscaler::from_text(EVERYTHING).unwrap();
        for second in 0..40 {
            let seen = Observation::at(Timestamp::from_secs(second * 15)).ready(5).metric("rps", 300.0 + second as f64);
            scaler.decide(&seen);
        }
        let whole = scaler.snapshot().unwrap();
        prop_assert!(Autoscaler::restore(&whole[..cut % whole.len()]).is_err());
        let mut flipped = whole.clone();
        let place = flip % flipped.len();
        flipped[place] = byte;
        for damaged in [flipped, with_number(&whole, flip, number)] {
            let Ok(mut scaler) = Autoscaler::restore(&damaged) else { continue };
            for second in 600..620 {
                let at = Timestamp::from_secs(second * 15);
                let seen = Observation::at(at).ready(5).metric("rps", 300.0).metric("cpu", 0.4);
                scaler.decide(&seen);
            }
        }
    }
}
