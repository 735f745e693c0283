//! Diaries of the policy: second, reading, replicas -> what it asks for and why.

use super::*;
use crate::catalog::Saved;
use crate::policy::Metric;
use crate::series::Observation;

/// Target 50; out after 2 periods, in after 3 below 45; warm-up 2 minutes, no lead time.
const SETTINGS: &str =
    r#"{"metric": "cpu", "target": 50, "points_out": 2, "points_in": 3, "warm_up": "2m"}"#;

fn policy(text: &str) -> TargetTracking {
    TargetTracking::new(serde_json::from_str(text).expect(text)).expect("in range")
}

fn seen(second: i64, value: f64, ready: u32) -> Observation {
    Observation::at(Timestamp::from_secs(second)).ready(ready).metric("cpu", value)
}

fn ask(
    policy: &mut TargetTracking,
    kind: MetricKind,
    seen: &Observation,
) -> Result<Proposal, Reason> {
    let metrics = [Metric { name: "cpu".into(), kind }];
    let view = View::alone(seen, &metrics);
    policy.propose(&view)
}

const FROZEN: Option<Want> = Some(Want::NotFewer);

fn size(replicas: u32) -> Option<Want> {
    Some(Want::Replicas(replicas))
}

/// Runs a diary of (second, mean, ready) -> (want, code), each one decided; no want: no opinion.
fn read(policy: &mut TargetTracking, diary: &[(i64, f64, u32, Option<Want>, &str)]) {
    for &(second, mean, ready, want, code) in diary {
        let answer = match ask(policy, MetricKind::Average, &seen(second, mean, ready)) {
            Ok(Proposal { want, reason, .. }) => (Some(want), reason.code()),
            Err(reason) => (None, reason.code()),
        };
        assert_eq!(answer, (want, code), "at {second} s");
        let Some(Want::Replicas(replicas)) = want else { continue };
        policy.decided(Timestamp::from_secs(second), ready, replicas);
    }
}

#[test]
fn sizes_are_in_proportion_and_rounded_to_the_safe_side() {
    let table = [
        (10, 50.0, 50.0, 10),
        (10, 60.0, 50.0, 12),
        (10, 50.1, 50.0, 11),
        (3, 75.0, 50.0, 5), // 1.5 too few: two more
        (6, 37.5, 50.0, 5), // 1.5 too many: one fewer
        (10, 44.0, 50.0, 9),
        (10, 0.0, 50.0, 0),
        (0, 60.0, 50.0, 0),
        (u32::MAX, 1e300, 1e-300, u32::MAX),
    ];
    for (capacity, measured, target, want) in table {
        assert_eq!(proportional(capacity, measured, target), want, "{capacity} at {measured}");
    }
}

#[test]
fn it_scales_out_at_once_and_in_after_longer() {
    read(
        &mut policy(SETTINGS),
        &[
            (0, 60.0, 10, FROZEN, "insufficient_data"),
            (60, 75.0, 10, FROZEN, "insufficient_data"), // one of two periods
            (120, 50.0, 10, size(15), "above_target"),   // 10 * 75 / 50
            (135, 50.0, 10, size(15), "above_target"),   // a guard held it
            (150, 50.0, 15, size(15), "above_target"),
            (180, 44.0, 15, size(15), "warming_up"),
            (240, 44.0, 15, size(15), "warming_up"),
            (300, 40.0, 15, size(15), "on_target"), // two of three
            (360, 20.0, 15, size(12), "below_target"), // 15 * 40 / 50
            (375, 20.0, 12, size(12), "below_target"),
            (420, 45.0, 12, size(6), "below_target"), // (15 + 12) / 2 * 20 / 50 = 5.4
            (480, 45.0, 6, size(6), "on_target"),     // 45 is not below 45
        ],
    );
}

/// As in an answer on AWS re:Post: overlapping breaches give the difference.
#[test]
fn what_warms_up_is_no_capacity_to_reckon_from_but_counts_in_what_is_there() {
    read(
        &mut policy(r#"{"metric": "cpu", "target": 50, "points_out": 1}"#),
        &[
            (0, 60.0, 4, FROZEN, "insufficient_data"),
            (60, 60.0, 4, size(5), "above_target"),  // 4.8
            (120, 74.0, 5, size(5), "above_target"), // the same once more
            (180, 74.0, 5, size(6), "above_target"), // 4 * 74 / 50 = 5.92
            (240, 40.0, 6, size(6), "above_target"),
            (359, 60.0, 6, size(6), "warming_up"),
            // The first has warmed up, the other has not: 5 * 60 / 50.
            (360, 60.0, 6, size(6), "above_target"),
            (420, 60.0, 6, size(6), "above_target"),
            (480, 60.0, 6, size(8), "above_target"), // 7.2
        ],
    );
}

#[test]
fn without_a_reading_in_the_last_period_nothing_is_scaled_in() {
    let gap = f64::NAN;
    read(
        &mut policy(SETTINGS),
        &[
            (0, 20.0, 10, FROZEN, "insufficient_data"),
            (60, 20.0, 10, size(10), "on_target"),
            (120, gap, 10, size(10), "on_target"),
            (180, gap, 10, FROZEN, "metric_invalid"),
            (200, 20.0, 10, FROZEN, "insufficient_data"),
            (240, 20.0, 10, size(4), "below_target"), // three with a reading: 20, 20 and 20
        ],
    );
    let blind = &SETTINGS.replace("{", r#"{"scale_in": false, "#);
    read(&mut policy(blind), &[(0, gap, 10, None, "metric_invalid")]);
}

#[test]
fn one_that_may_not_scale_in_has_no_say_on_it() {
    let out_only = SETTINGS.replace("{", r#"{"scale_in": false, "#);
    read(
        &mut policy(&out_only),
        &[
            (0, 75.0, 10, None, "insufficient_data"),
            (60, 75.0, 10, None, "insufficient_data"),
            (120, 20.0, 10, size(15), "above_target"),
            (180, 20.0, 15, size(15), "warming_up"),
            (240, 20.0, 15, None, "scale_in_disabled"),
            (300, 20.0, 15, None, "scale_in_disabled"),
        ],
    );
}

#[test]
fn a_total_is_divided_by_the_ready_replicas_and_wakes_from_zero() {
    let mut policy = policy(SETTINGS);
    for (second, ready, total, want, code) in [
        (0, 0, 0.0, size(0), "from_zero"),
        (15, 0, 120.0, size(3), "from_zero"), // 2.4
        (60, 3, 300.0, size(3), "warming_up"),
        (120, 3, 300.0, size(3), "warming_up"),
        (180, 3, 300.0, size(6), "above_target"), // 100 each
    ] {
        let asked = ask(&mut policy, MetricKind::Total, &seen(second, total, ready));
        let answer = asked.map(|asked| (asked.want, asked.reason.code())).expect("an opinion");
        assert_eq!(Some(answer.0), want, "at {second} s");
        assert_eq!(answer.1, code, "at {second} s");
    }
}

#[test]
fn a_load_just_at_its_target_moves_nothing() {
    let mut policy = policy(r#"{"metric": "cpu", "target": 0.1, "points_out": 1, "points_in": 1}"#);
    for tick in 0..40 {
        let asked = ask(&mut policy, MetricKind::Utilization, &seen(tick * 20, 0.1, 10));
        let want = asked.expect("an opinion").want;
        assert!(want == Want::Replicas(10) || tick < 3, "tick {tick}: {want:?}");
    }
}

#[test]
fn a_snapshot_changes_no_decision_and_a_damaged_one_is_refused() {
    let mut policy = policy(SETTINGS);
    for tick in 0..300 {
        let mut restored = self::policy(SETTINGS);
        restored.load(policy.save().expect("a snapshot")).expect("its own snapshot");
        assert_eq!(restored, policy);
        let mean = if tick % 11 == 0 { f64::NAN } else { f64::from(tick % 70) };
        let observation = seen(i64::from(tick) * 20, mean, 10 + tick as u32 / 60);
        let want = ask(&mut policy, MetricKind::Average, &observation);
        assert_eq!(ask(&mut restored, MetricKind::Average, &observation), want, "tick {tick}");
    }
    let sound = policy.save().expect("a snapshot");
    for (place, damaged) in [
        ("/settings/points_in", serde_json::json!(9)),
        ("/settings/target", serde_json::json!(0)),
        ("/high", serde_json::json!("loud")),
    ] {
        let mut saved = sound.clone();
        *saved.pointer_mut(place).expect(place) = damaged;
        assert!(policy.load(saved).is_err(), "{place}");
    }
}

#[test]
fn settings_out_of_range_are_refused() {
    for (settings, want) in [
        (r#""target": 0"#, "`target` is 0, must be a number above 0"),
        (r#""target": 1, "scale_in_margin": 1"#, "`scale_in_margin` is 1, must be in [0, 1)"),
        (r#""target": 1, "points_in": 101"#, "`points_in` is 101, must be from 1 to 100"),
        (r#""target": 1, "points_out": 0"#, "`points_out` is 0, must be from 1 to 100"),
        (r#""target": 1, "period": 0.5"#, "`period` is 500ms, must be from 1s to 1d"),
    ] {
        let text = format!(r#"{{"metric": "cpu", {settings}}}"#);
        let error = TargetTracking::new(serde_json::from_str(&text).expect(&text)).expect_err(want);
        assert!(error.to_string().starts_with(want), "{error}");
    }
    let error = policy(SETTINGS).check(MetricKind::Utilization).expect_err("a percentage");
    assert!(error.to_string().starts_with("`target` is 50, must be at most 10"), "{error}");
}
