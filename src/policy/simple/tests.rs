//! Diaries of the policy: second, reading, replicas -> what it asks for and why.

use super::*;
use crate::catalog::Saved;
use crate::policy::{Metric, Want};
use crate::series::Observation;

/// The guide's example: one more instance whenever the CPU exceeds 90 %, then 300 s of cooldown.
const OUT: &str =
    r#"{"metric": "cpu", "threshold": 90, "comparison": "above", "points": 1, "by": 1}"#;

fn policy(text: &str) -> SimpleScaling {
    SimpleScaling::new(serde_json::from_str(text).expect(text)).expect("in range")
}

/// A size, or `None` for no opinion, and the code.
fn answer(
    policy: &mut SimpleScaling,
    second: i64,
    mean: f64,
    ready: u32,
) -> (Option<u32>, &'static str) {
    let observation =
        Observation::at(Timestamp::from_secs(second)).ready(ready).metric("cpu", mean);
    let metrics = [Metric { name: "cpu".into(), kind: MetricKind::Average }];
    let view = View { lead_time: Duration::from_secs(60), ..View::alone(&observation, &metrics) };
    match policy.propose(&view) {
        Ok(Proposal { want: Want::Replicas(replicas), reason, .. }) => {
            (Some(replicas), reason.code())
        }
        Ok(other) => panic!("{other:?}"),
        Err(reason) => (None, reason.code()),
    }
}

/// Runs a diary of (second, mean, ready) -> (size, code), each one decided.
fn read(policy: &mut SimpleScaling, diary: &[(i64, f64, u32, Option<u32>, &str)]) {
    for &(second, mean, ready, want, code) in diary {
        assert_eq!(answer(policy, second, mean, ready), (want, code), "at {second} s");
        policy.decided(Timestamp::from_secs(second), ready, want.unwrap_or(ready));
    }
}

#[test]
fn one_adjustment_then_the_cooldown_and_only_then_the_next() {
    read(
        &mut policy(OUT),
        &[
            (0, 95.0, 2, None, "insufficient_data"),
            (60, 95.0, 2, Some(3), "beyond_threshold"),
            (120, 99.0, 3, None, "cooldown"), // it fires on, nothing follows
            (180, 80.0, 3, None, "cooldown"),
            (240, 95.0, 3, None, "within_threshold"),
            (359, 95.0, 3, None, "cooldown"),
            (360, 95.0, 3, Some(4), "beyond_threshold"), // the whole of the time is enough
            (420, 80.0, 4, None, "cooldown"),
            (600, 80.0, 4, None, "within_threshold"),
            // The additional one was enough: it stays.
            (660, 80.0, 4, None, "within_threshold"),
        ],
    );
}

/// The guide: the activity must be over and the cooldown have passed; the lead time here is 60 s.
#[test]
fn growing_waits_for_the_activity_too_and_shrinking_is_over_at_once() {
    let short = r#""cooldown": "30s", "period": "10s", "points": 1"#;
    read(
        &mut policy(&format!(
            r#"{{"metric": "cpu", "threshold": 90, "comparison": "above", "by": 2, {short}}}"#
        )),
        &[
            (0, 95.0, 2, None, "insufficient_data"),
            (10, 95.0, 2, Some(4), "beyond_threshold"),
            (40, 95.0, 4, None, "cooldown"),
            (69, 95.0, 4, None, "cooldown"),
            (70, 95.0, 4, Some(6), "beyond_threshold"),
        ],
    );
    read(
        &mut policy(&format!(
            r#"{{"metric": "cpu", "threshold": 90, "comparison": "below", "by": -2, {short}}}"#
        )),
        &[
            (0, 5.0, 6, None, "insufficient_data"),
            (10, 5.0, 6, Some(4), "beyond_threshold"),
            (39, 5.0, 4, None, "cooldown"),
            (40, 5.0, 4, Some(2), "beyond_threshold"),
        ],
    );
}

#[test]
fn the_wait_follows_any_change_and_what_is_held_back_is_asked_for_again() {
    let mut policy = policy(OUT);
    assert_eq!(answer(&mut policy, 0, 95.0, 2).0, None);
    assert_eq!(answer(&mut policy, 60, 95.0, 2), (Some(3), "beyond_threshold"));
    policy.decided(Timestamp::from_secs(60), 2, 2); // a guard held it
    assert_eq!(answer(&mut policy, 75, 95.0, 2), (Some(3), "beyond_threshold"));
    policy.decided(Timestamp::from_secs(75), 2, 7); // another policy asked for more
    for second in [130, 190, 250, 310, 374] {
        assert_eq!(answer(&mut policy, second, 95.0, 7), (None, "cooldown"), "at {second} s");
    }
    assert_eq!(answer(&mut policy, 375, 95.0, 7), (Some(8), "beyond_threshold"));
}

#[test]
fn a_clock_that_steps_back_waits_once_more_and_not_until_it_has_caught_up() {
    let mut policy = policy(OUT);
    policy.decided(Timestamp::from_secs(86_400), 2, 3);
    assert_eq!(answer(&mut policy, 0, 95.0, 3), (None, "insufficient_data"));
    for second in [60, 120, 180, 240, 299] {
        assert_eq!(answer(&mut policy, second, 95.0, 3), (None, "cooldown"), "at {second} s");
    }
    assert_eq!(answer(&mut policy, 300, 95.0, 3), (Some(4), "beyond_threshold"));
}

#[test]
fn data_that_never_came_can_count_as_breaching() {
    let mut policy = policy(&OUT.replace("\"by\"", "\"missing_data\": \"breaching\", \"by\""));
    assert_eq!(answer(&mut policy, 0, f64::NAN, 2), (None, "metric_invalid"));
    assert_eq!(answer(&mut policy, 60, f64::NAN, 2), (Some(3), "metric_missing"));
}

#[test]
fn a_snapshot_changes_no_decision_and_a_damaged_one_is_refused() {
    let mut policy = policy(OUT);
    for tick in 0..200 {
        let mut restored = self::policy(OUT);
        restored.load(policy.save().expect("a snapshot")).expect("its own snapshot");
        assert_eq!(restored, policy);
        let (second, mean) = (i64::from(tick) * 20, 80.0 + f64::from(tick % 17));
        let want = answer(&mut policy, second, mean, 3);
        assert_eq!(answer(&mut restored, second, mean, 3), want, "tick {tick}");
        policy.decided(Timestamp::from_secs(second), 3, want.0.unwrap_or(3));
    }
    let mut saved = policy.save().expect("a snapshot");
    *saved.pointer_mut("/settings/points").expect("a setting") = serde_json::json!(5);
    assert!(policy.load(saved).is_err());
}

#[test]
fn settings_out_of_range_are_refused() {
    for (more, want) in [
        (r#", "min_adjustment": 2"#, "`min_adjustment` is 2, must be 0 unless"),
        (r#", "of": 0"#, "`of` is 0, must be from 1 to 100"),
        (r#", "period": "25h""#, "`period` is 1d 1h, must be from 1s to 1d"),
    ] {
        let text = format!("{}{more}}}", &OUT[..OUT.len() - 1]);
        let error = SimpleScaling::new(serde_json::from_str(&text).expect(&text)).expect_err(want);
        assert!(error.to_string().starts_with(want), "{error}");
    }
    let exact = r#"{"metric": "cpu", "threshold": 90, "comparison": "above", "adjustment": "exact", "by": -1}"#;
    let error =
        SimpleScaling::new(serde_json::from_str(exact).expect(exact)).expect_err("negative");
    assert!(error.to_string().starts_with("`by` is -1, must be from 0 up"), "{error}");
}
