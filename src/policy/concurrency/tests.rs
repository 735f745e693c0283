//! Diaries of the policy, alone and in the loop: second, load, ready -> replicas and why.

use super::*;
use crate::catalog::Saved;
use crate::policy::Metric;
use crate::series::{Observation, Reading};
use crate::{Autoscaler, Timestamp};

fn settings(more: &str) -> Config {
    let text = format!(r#"{{"metric": "in_flight", "target": 10{more}}}"#);
    serde_json::from_str(&text).expect("these are settings")
}

fn policy(more: &str) -> Concurrency {
    Concurrency::new(settings(more)).expect("in range")
}

fn ask(policy: &mut Concurrency, kind: MetricKind, seen: &Observation) -> Proposal {
    let metrics = [Metric { name: "in_flight".into(), kind }];
    let view = View::alone(seen, &metrics);
    policy.propose(&view).expect("a concurrency policy always has an opinion")
}

fn seen(second: i64, reading: impl Into<Reading>, ready: u32) -> Observation {
    Observation::at(Timestamp::from_secs(second)).ready(ready).metric("in_flight", reading)
}

/// Runs a diary of (second, total, ready) -> (replicas, code).
fn read(policy: &mut Concurrency, diary: &[(i64, f64, u32, u32, &str)]) {
    for &(second, total, ready, want, code) in diary {
        let asked = ask(policy, MetricKind::Total, &seen(second, total, ready));
        let got = (asked.want, asked.reason.code());
        assert_eq!(got, (Want::Replicas(want), code), "at {second} s: {}", asked.reason);
    }
}

#[test]
fn a_burst_is_followed_at_once_and_nothing_is_taken_away_for_a_stable_window() {
    read(
        &mut policy(""),
        &[
            (0, 10.0, 1, 1, "stable_average"),
            (15, 10.0, 1, 1, "stable_average"),
            (30, 10.0, 1, 1, "stable_average"),
            // 15 of the 46 s so far: an average of 36 over the window so far, 90 in the last 6 s.
            (45, 90.0, 1, 9, "panic"),
            (60, 10.0, 9, 9, "panic_peak"),
            (90, 10.0, 9, 9, "panic_peak"),
            (105, 10.0, 9, 9, "panic_peak"), // at one stable window it still panics
            (106, 10.0, 9, 4, "stable_average"), // 1 would do, but no less than a half at once
            (120, 10.0, 4, 2, "stable_average"),
            (135, 10.0, 2, 1, "stable_average"),
        ],
    );
}

#[test]
fn a_burst_that_lasts_prolongs_the_panic() {
    read(
        &mut policy(""),
        &[
            (0, 10.0, 1, 1, "stable_average"),
            (15, 90.0, 1, 9, "panic"),
            (60, 180.0, 9, 18, "panic"),
            (120, 10.0, 18, 18, "panic_peak"),
            (121, 10.0, 18, 9, "stable_average"),
        ],
    );
}

#[test]
fn with_several_replicas_it_starts_in_panic_so_that_nothing_is_lost() {
    read(
        &mut policy(""),
        &[
            (0, 10.0, 8, 8, "panic_peak"),
            (60, 10.0, 8, 8, "panic_peak"),
            (61, 10.0, 8, 4, "stable_average"),
        ],
    );
    // So it does after a clock that was set back.
    let mut policy = policy("");
    read(&mut policy, &[(86_400, 80.0, 8, 8, "panic"), (86_461, 80.0, 8, 8, "stable_average")]);
    read(&mut policy, &[(0, 10.0, 8, 8, "panic_peak"), (61, 10.0, 8, 4, "stable_average")]);
}

#[test]
fn no_load_at_all_asks_for_no_replica() {
    read(
        &mut policy(r#", "activation_scale": 3"#),
        &[
            (0, 10.0, 1, 3, "stable_average"),
            (60, 0.0, 1, 0, "stable_average"),
            (75, 0.0, 0, 0, "stable_average"),
            // The first request: 1 / 16 of the last minute.
            (79, 1.0, 0, 3, "stable_average"),
        ],
    );
}

#[test]
fn a_delayed_scale_down_waits_for_the_highest_want_of_the_delay() {
    let mut policy = policy(r#", "scale_down_delay": "5m""#);
    read(
        &mut policy,
        &[
            (0, 40.0, 1, 4, "panic"),
            (61, 10.0, 4, 4, "scale_down_delay"),
            (120, 10.0, 4, 4, "scale_down_delay"),
            (299, 10.0, 4, 4, "scale_down_delay"),
            (300, 10.0, 4, 2, "stable_average"),
        ],
    );
    let asked = ask(&mut policy, MetricKind::Total, &seen(301, 60.0, 4)).reason;
    assert_eq!((asked.fact("delayed"), asked.fact("panic_average")), (None, Some(18.333333)));
}

#[test]
fn what_cannot_be_read_blocks_shrinking_and_is_not_remembered() {
    let mut policy = policy("");
    read(&mut policy, &[(0, 10.0, 1, 1, "stable_average"), (15, 30.0, 1, 3, "panic")]);
    let before = policy.clone();
    for (reading, code) in
        [(Reading::Missing, "metric_missing"), (f64::NAN.into(), "metric_invalid")]
    {
        let asked = ask(&mut policy, MetricKind::Total, &seen(30, reading, 3));
        assert_eq!((asked.want, asked.reason.code()), (Want::NotFewer, code));
    }
    assert_eq!(policy, before);
    let average = ask(&mut policy, MetricKind::Average, &seen(45, 10.0, 0));
    assert_eq!((average.want, average.reason.code()), (Want::NotFewer, "no_ready_replicas"));
    // The gap is spoken for by the reading after it: (1 * 10 + 15 * 30 + 30 * 30) / 46
    let asked = ask(&mut policy, MetricKind::Total, &seen(45, 30.0, 3)).reason;
    assert_eq!(asked.fact("stable_average"), Some(29.565217));
}

#[test]
fn an_average_of_the_replicas_counts_as_their_total() {
    let mut by_average = policy("");
    let asked = ask(&mut by_average, MetricKind::Average, &seen(0, 25.0, 4));
    assert_eq!(asked.want, Want::Replicas(10));
    let asked = ask(&mut policy(""), MetricKind::Total, &seen(0, vec![Some(25.0); 4], 4));
    assert_eq!(asked.want, Want::Replicas(10));
}

#[test]
fn the_reason_tells_what_is_left_for_a_burst() {
    for (more, want) in [
        ("", -213.0), // floor(2 * 10 / 0.7 - 211 - 30)
        (r#", "total_value": 200"#, 159.0),
        (r#", "target_burst_capacity": 0"#, 0.0),
        (r#", "target_burst_capacity": -1"#, -1.0),
    ] {
        let asked = ask(&mut policy(more), MetricKind::Total, &seen(0, 30.0, 2));
        let excess = asked.reason.fact("excess_burst_capacity");
        assert_eq!(excess, Some(want), "{more}");
    }
}

#[test]
fn huge_loads_ask_for_what_the_rate_allows_and_break_nothing() {
    let mut policy = policy(r#", "stable_window": "1h", "panic_window_ratio": 1"#);
    for (second, total) in [(0, f64::MAX), (1, f64::MAX), (2, f64::MIN_POSITIVE), (3, 1e300)] {
        let asked = ask(&mut policy, MetricKind::Total, &seen(second, total, 3));
        assert_eq!(asked.want, Want::Replicas(3000), "at {second} s");
        assert!(asked.wish.is_some_and(f64::is_finite));
        assert!(asked.reason.facts().iter().all(|(_, number)| number.is_finite()));
    }
    let many = ask(&mut policy, MetricKind::Total, &seen(4, 1e300, u32::MAX));
    assert_eq!(many.want, Want::Replicas(u32::MAX));
}

#[test]
fn settings_out_of_range_are_refused_by_name() {
    for (more, path) in [
        (r#", "stable_window": "5s""#, "stable_window"),
        (r#", "stable_window": "61m""#, "stable_window"),
        (r#", "stable_window": "6500ms""#, "stable_window"),
        (r#", "panic_window_ratio": 10"#, "panic_window_ratio"),
        (r#", "panic_threshold": 200"#, "panic_threshold"),
        (r#", "panic_threshold": 1"#, "panic_threshold"),
        (r#", "max_scale_up_rate": 1"#, "max_scale_up_rate"),
        (r#", "max_scale_down_rate": 1"#, "max_scale_down_rate"),
        (r#", "scale_down_delay": "2h""#, "scale_down_delay"),
        (r#", "activation_scale": 0"#, "activation_scale"),
        (r#", "target_burst_capacity": -2"#, "target_burst_capacity"),
        (r#", "total_value": 9"#, "total_value"),
    ] {
        let error = Concurrency::new(settings(more)).expect_err(more);
        assert_eq!(error.path(), path, "{error}");
    }
    for target in ["0", "-1", "0.009"] {
        let text = format!(r#"{{"metric": "in_flight", "target": {target}}}"#);
        let settings = serde_json::from_str(&text).expect("these are settings");
        assert_eq!(Concurrency::new(settings).expect_err(target).path(), "target");
    }
    assert!(policy("").check(MetricKind::Utilization).is_err());
    assert!(policy("").check(MetricKind::Average).is_ok());
    assert!(policy(r#", "activation_scale": 5"#).check_limits(0, 4).is_err());
}

#[test]
fn a_damaged_snapshot_is_refused() {
    let mut policy = policy("");
    read(&mut policy, &[(0, 10.0, 1, 1, "stable_average"), (15, 30.0, 1, 3, "panic")]);
    let saved = policy.save().expect("writes");
    let mut restored = Concurrency::new(settings("")).expect("in range");
    restored.load(saved.clone()).expect("reads");
    assert_eq!(restored, policy);
    for (pointer, damage) in [
        ("/settings/stable_window", "30s".into()),
        ("/settings/target", 0.into()),
        ("/averages/last/n", 0.into()),
        ("/averages/stable/slots/0", serde_json::Value::Null),
        ("/state/delayed/granularity", "0s".into()),
        ("/state/delayed/granularity", "1s".into()),
        ("/state/peak", (-1).into()),
    ] {
        let mut damaged = saved.clone();
        *damaged.pointer_mut(pointer).expect(pointer) = damage;
        assert!(restored.load(damaged).is_err(), "{pointer}");
        assert_eq!(restored, policy, "{pointer}");
    }
}

const LOOP: &str = r#"{
    "min_replicas": 0, "max_replicas": 100,
    "metrics": {"in_flight": {"kind": "total"}},
    "policies": [{"kind": "concurrency", "metric": "in_flight", "target": 10}],
    "guards": []
}"#;

/// A steady load, a burst of a minute at `start`, and calm again; looked at each `step` seconds.
fn burst(start: i64, second: i64) -> f64 {
    if (start..start + 60).contains(&second) { 200.0 } else { 40.0 }
}

#[test]
fn in_the_loop_a_burst_is_answered_within_one_tick_at_any_pace() {
    for step in [1, 2, 15, 60] {
        let mut scaler = Autoscaler::from_text(LOOP).expect("the settings are sound");
        let (mut ready, mut peak, mut calm_since) = (4, 0, None);
        for second in (0..=900).step_by(step) {
            let load = burst(300, second);
            let decision = scaler.decide(&seen(second, load, ready));
            let (replicas, said) = (decision.replicas, decision.steps[0].reason.code());
            let place = format!("each {step} s, at {second} s: {}", decision.explain());
            if (61..300).contains(&second) {
                assert_eq!((replicas, said), (4, "stable_average"), "{place}");
            }
            if load == 200.0 {
                // One tick: at most the panic window until its average is all burst.
                let full = second - 300 >= 5 || step >= 6;
                assert!(replicas >= if full { 20 } else { ready }, "{place}");
                assert!(!full || said.starts_with("panic"), "{place}");
                peak = peak.max(replicas);
            } else if second > 300 && said.starts_with("panic") {
                assert_eq!(replicas, peak, "nothing is taken away in panic: {place}");
            } else if second > 300 {
                assert!(replicas <= ready, "{place}");
                calm_since.get_or_insert(second);
            }
            ready = replicas;
        }
        let calm_since = calm_since.expect("the panic ends");
        // One stable window after the burst last wanted twice the ready replicas, at its start.
        assert!((361..=420).contains(&calm_since), "each {step} s: calm at {calm_since} s");
        assert_eq!(ready, 4);
    }
}

#[test]
fn a_restart_amid_the_panic_changes_no_decision() {
    let mut straight = Autoscaler::from_text(LOOP).expect("the settings are sound");
    let mut restarted = Autoscaler::from_text(LOOP).expect("the settings are sound");
    let mut ready = 4;
    for second in (0..600).step_by(7) {
        let seen = seen(second, burst(100, second) + (second % 5) as f64 / 7.0, ready);
        let decision = straight.decide(&seen).clone();
        assert_eq!(restarted.decide(&seen), &decision, "at {second} s");
        let snapshot = restarted.snapshot().expect("writes");
        restarted = Autoscaler::restore(&snapshot).expect("its own snapshot");
        ready = decision.replicas;
    }
}
