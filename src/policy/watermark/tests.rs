//! Diaries of the policy: second, reading, replicas -> what it asks for and why.

use super::*;
use crate::catalog::Saved;
use crate::policy::Metric;
use crate::series::{Observation, Reading, ReplicaReading};

fn policy(more: &str) -> Watermark {
    let text = format!(r#"{{"metric": "cpu", "low": 0.4, "high": 0.7{more}}}"#);
    Watermark::new(serde_json::from_str(&text).expect("settings")).expect("in range")
}

fn ask(policy: &mut Watermark, kind: MetricKind, seen: &Observation) -> Proposal {
    let metrics = [Metric { name: "cpu".into(), kind }];
    let view = View::alone(seen, &metrics);
    policy.propose(&view).expect("a watermark policy always has an opinion")
}

fn seen(second: i64, reading: impl Into<Reading>, ready: u32) -> Observation {
    Observation::at(Timestamp::from_secs(second)).ready(ready).metric("cpu", reading)
}

/// Runs a diary of (second, mean utilization, ready) -> (replicas, code).
fn read(policy: &mut Watermark, diary: &[(i64, f64, u32, u32, &str)]) {
    for &(second, mean, ready, want, code) in diary {
        let asked = ask(policy, MetricKind::Utilization, &seen(second, mean, ready));
        assert_eq!(
            (asked.want, asked.reason.code()),
            (Want::Replicas(want), code),
            "at {second} s"
        );
    }
}

/// Marks 0.4 and 0.7 with ten percent: the band is 0.36 to 0.77, its edges included.
#[test]
fn a_load_swinging_within_the_band_moves_nothing() {
    let within = "within_watermarks";
    read(
        &mut policy(""),
        &[
            (0, 0.5, 10, 10, within),
            (15, 0.77, 10, 10, within),
            (30, 0.36, 10, 10, within),
            (45, 0.77, 10, 10, within),
        ],
    );
}

#[test]
fn outside_the_band_it_goes_for_the_mark_that_was_crossed() {
    read(
        &mut policy(""),
        &[
            // ceil(10 * 0.9 / 0.7) = 13; floor(13 * 0.3 / 0.4) = 9
            (0, 0.9, 10, 13, "above_high_watermark"),
            (15, 0.3, 13, 9, "below_low_watermark"),
            // The floor on the way down: one replica stays.
            (30, 0.01, 9, 1, "below_low_watermark"),
        ],
    );
}

#[test]
fn it_acts_once_the_load_has_been_outside_for_the_dwell_time() {
    let mut policy = policy(r#", "dwell_up": "60s", "dwell_down": "5m""#);
    read(
        &mut policy,
        &[
            (0, 0.9, 10, 10, "dwell"),
            (59, 0.9, 10, 10, "dwell"),
            (60, 0.9, 10, 13, "above_high_watermark"),
            // Back inside: the wait starts anew.
            (75, 0.5, 13, 13, "within_watermarks"),
            (90, 0.9, 13, 13, "dwell"),
            // From above to below at once: below counts from here.
            (105, 0.2, 13, 13, "dwell"),
            (404, 0.2, 13, 13, "dwell"),
            (405, 0.2, 13, 6, "below_low_watermark"),
        ],
    );
    let dwelling = ask(&mut policy, MetricKind::Utilization, &seen(435, 0.9, 6)).reason;
    assert_eq!(dwelling.fact("dwell_seconds"), Some(60.0));
    let dwelling = ask(&mut policy, MetricKind::Utilization, &seen(455, 0.9, 6)).reason;
    assert_eq!(dwelling.fact("outside_seconds"), Some(20.0));
}

#[test]
fn an_unreadable_metric_blocks_shrinking_and_keeps_the_age() {
    let mut policy = policy(r#", "dwell_up": "60s""#);
    read(&mut policy, &[(0, 0.9, 10, 10, "dwell")]);
    for (reading, code) in
        [(Reading::Missing, "metric_missing"), (f64::NAN.into(), "metric_invalid")]
    {
        let asked = ask(&mut policy, MetricKind::Utilization, &seen(30, reading, 10));
        assert_eq!((asked.want, asked.reason.code()), (Want::NotFewer, code));
    }
    read(&mut policy, &[(60, 0.9, 10, 13, "above_high_watermark")]);
}

#[test]
fn a_clock_that_steps_back_starts_the_wait_anew() {
    let mut policy = policy(r#", "dwell_up": "60s""#);
    read(
        &mut policy,
        &[
            (86_400, 0.9, 10, 10, "dwell"),
            (0, 0.9, 10, 10, "dwell"),
            (59, 0.9, 10, 10, "dwell"),
            (60, 0.9, 10, 13, "above_high_watermark"),
        ],
    );
}

#[test]
fn it_converges_step_by_step_without_dwelling_until_the_mark_is_near() {
    let mut thrifty = policy(r#", "converge_towards": "high", "dwell_down": "5m""#);
    read(
        &mut thrifty,
        &[
            // 5 replicas' worth of load: ceil(10 / 0.7 * 0.5) = 8 keep it below the high mark.
            (0, 0.5, 10, 9, "converging"),
            (15, 5.0 / 9.0, 9, 8, "converging"),
            (30, 5.0 / 8.0, 8, 8, "within_watermarks"),
        ],
    );
    let mut roomy = policy(r#", "converge_towards": "low", "scaling_step": 2"#);
    read(
        &mut roomy,
        &[
            // floor(10 / 0.4 * 0.5) = 12
            (0, 0.5, 10, 12, "converging"),
            (15, 0.416, 12, 12, "within_watermarks"),
        ],
    );
}

#[test]
fn readings_per_replica_count_those_that_take_part() {
    let mut policy = policy(r#", "least_ready": 0.6"#);
    let replica = |value, phase| ReplicaReading { value, request: None, phase };
    let mut readings = vec![
        replica(Some(0.9), Phase::Ready),
        replica(Some(0.8), Phase::Ready),
        replica(None, Phase::Ready),
        replica(Some(0.1), Phase::Unready),
        replica(Some(0.1), Phase::Ignored),
        replica(Some(0.1), Phase::Unlisted),
    ];
    let crowd = seen(0, readings.clone(), 3);
    let asked = ask(&mut policy, MetricKind::Utilization, &crowd);
    // ceil(2 * 0.85 / 0.7) = 3, and growth never goes below the 3 there are.
    assert_eq!(asked.want, Want::Replicas(3));
    assert_eq!(asked.reason.fact("measured"), Some(0.85));

    readings[1].value = None;
    let asked = ask(&mut policy, MetricKind::Utilization, &seen(15, readings.clone(), 3));
    assert_eq!((asked.want, asked.reason.code()), (Want::NotFewer, "too_few_ready"));
    readings[0].value = None;
    let asked = ask(&mut policy, MetricKind::Utilization, &seen(30, readings, 3));
    assert_eq!((asked.want, asked.reason.code()), (Want::NotFewer, "metric_missing"));
    let starting = vec![replica(Some(0.9), Phase::Unready)];
    let asked = ask(&mut policy, MetricKind::Utilization, &seen(45, starting, 0));
    assert_eq!((asked.want, asked.reason.code()), (Want::NotFewer, "no_ready_replicas"));
}

#[test]
fn replicas_that_the_list_leaves_out_count_as_not_reporting() {
    let mut policy = policy(r#", "least_ready": 0.6"#);
    let three_of_ten = seen(0, vec![Some(0.1); 3], 10);
    let asked = ask(&mut policy, MetricKind::Utilization, &three_of_ten);
    assert_eq!((asked.want, asked.reason.code()), (Want::NotFewer, "too_few_ready"));
    assert_eq!(asked.reason.fact("ready_ratio"), Some(0.3));
}

#[test]
fn a_utilization_is_taken_of_what_was_asked_for() {
    let replica = |value, request| ReplicaReading {
        value: Some(value),
        request: Some(request),
        phase: Phase::Ready,
    };
    let mut policy = policy("");
    let uneven = seen(0, vec![replica(2.7, 3.0), replica(0.1, 0.5)], 2);
    let asked = ask(&mut policy, MetricKind::Utilization, &uneven);
    // 2.8 of 3.5 asked for.
    assert_eq!(asked.reason.fact("measured"), Some(0.8));
    let nothing = seen(15, vec![replica(2.7, 0.0)], 1);
    let asked = ask(&mut policy, MetricKind::Utilization, &nothing);
    assert_eq!((asked.want, asked.reason.code()), (Want::NotFewer, "metric_invalid"));
}

#[test]
fn a_total_of_zero_is_believed_only_if_told_so() {
    let mut wary = policy("");
    let asked = ask(&mut wary, MetricKind::Total, &seen(0, 0.0, 3).pending(2));
    assert_eq!((asked.want, asked.reason.code()), (Want::Replicas(5), "zero_reading"));
    let mut trusting = policy(r#", "tolerate_zero": true"#);
    let asked = ask(&mut trusting, MetricKind::Total, &seen(0, 0.0, 3));
    assert_eq!((asked.want, asked.reason.code()), (Want::Replicas(1), "below_low_watermark"));
}

#[test]
fn settings_out_of_range_are_refused_by_name() {
    for (text, path) in [
        (r#"{"metric": "cpu"}"#, "high"),
        (r#"{"metric": "cpu", "low": 0.8, "high": 0.7}"#, "low"),
        (r#"{"metric": "cpu", "low": -0.1, "high": 0.7}"#, "low"),
        (r#"{"metric": "cpu", "high": 0}"#, "high"),
        (r#"{"metric": "cpu", "high": 0.0004}"#, "high"),
        (r#"{"metric": "cpu", "high": 0.7, "tolerance": 1.5}"#, "tolerance"),
        (r#"{"metric": "cpu", "high": 0.7, "least_ready": -1}"#, "least_ready"),
        (r#"{"metric": "cpu", "high": 0.7, "scaling_step": 0}"#, "scaling_step"),
    ] {
        let settings: Config = serde_json::from_str(text).expect("these are settings");
        assert_eq!(Watermark::new(settings).expect_err(text).path(), path, "{text}");
    }
    assert!(serde_json::from_str::<Config>(r#"{"metric": "cpu", "highest": 0.7}"#).is_err());
}

#[test]
fn a_snapshot_keeps_the_dwell_and_a_damaged_one_is_refused() {
    let mut policy = policy(r#", "dwell_up": "60s""#);
    read(&mut policy, &[(0, 0.9, 10, 10, "dwell")]);
    let mut saved = policy.save().expect("writes");
    let mut restored = Watermark::new(policy.settings.clone()).expect("in range");
    restored.load(saved.clone()).expect("reads");
    assert_eq!(restored, policy);
    read(&mut restored, &[(60, 0.9, 10, 13, "above_high_watermark")]);

    saved["settings"]["scaling_step"] = 0.into();
    assert!(restored.load(saved).is_err());
}
