//! Diaries of the policy: second, reading, replicas -> what it asks for and why.

use super::*;
use crate::catalog::Saved;
use crate::policy::{Metric, Want};
use crate::series::Observation;

/// Above 50, one period is enough, 10 % from 60 and 30 % from 70; warm-up 5 minutes, no lead time.
const OUT: &str = r#"{"metric": "cpu", "threshold": 50, "comparison": "at_or_above", "points": 1,
    "adjustment": "percent", "steps": [{"lower": 0, "upper": 10, "by": 0},
        {"lower": 10, "upper": 20, "by": 10}, {"lower": 20, "by": 30}]}"#;

fn policy(text: &str) -> StepScaling {
    StepScaling::new(serde_json::from_str(text).expect(text)).expect("in range")
}

fn seen(second: i64, value: Option<f64>, ready: u32) -> Observation {
    Observation::at(Timestamp::from_secs(second)).ready(ready).metric("cpu", value)
}

fn ask(policy: &mut StepScaling, seen: &Observation) -> Result<Proposal, Reason> {
    let metrics = [Metric { name: "cpu".into(), kind: MetricKind::Average }];
    let view = View::alone(seen, &metrics);
    policy.propose(&view)
}

/// A size, or `None` for no opinion, and the code.
fn answer(policy: &mut StepScaling, seen: &Observation) -> (Option<u32>, &'static str) {
    match ask(policy, seen) {
        Ok(Proposal { want: Want::Replicas(replicas), reason, .. }) => {
            (Some(replicas), reason.code())
        }
        Ok(other) => panic!("{other:?}"),
        Err(reason) => (None, reason.code()),
    }
}

/// Runs a diary of (second, mean, ready) -> (size, code); no size: no opinion.
fn read(policy: &mut StepScaling, diary: &[(i64, f64, u32, Option<u32>, &str)]) {
    for &(second, mean, ready, want, code) in diary {
        let answer = answer(policy, &seen(second, Some(mean), ready));
        assert_eq!(answer, (want, code), "at {second} s");
        // As the loop would do it, without guards.
        policy.decided(Timestamp::from_secs(second), ready, want.unwrap_or(ready));
    }
}

#[test]
fn growing_reckons_without_what_warms_up_and_shrinking_with_what_is_ending() {
    use Adjustment::{Change, Exact, Percent};
    // adjustment, by, at least, ready, pending, requested, warming -> size
    let table = [
        (Percent, 10, 0, 10, 0, None, 0, 11),
        (Percent, 30, 0, 11, 0, None, 0, 14),      // 3.3
        (Percent, 10, 0, 11, 0, None, 1, 11),      // the one is there
        (Percent, 30, 0, 11, 0, None, 1, 13),      // 3 of 10
        (Percent, 30, 0, 10, 1, None, 1, 13),      // starting or serving is the same
        (Percent, -10, 0, 14, 0, None, 0, 13),     // 1.4
        (Percent, -30, 0, 13, 0, None, 0, 10),     // 3.9
        (Percent, -30, 0, 14, 0, Some(13), 0, 10), // 4.2 of 14, of which one is ending
        (Percent, 25, 2, 4, 0, None, 0, 6),
        (Change, 2, 0, 10, 0, None, 1, 11),
        (Change, -1, 0, 32, 0, Some(30), 0, 30), // the guide: no action
        (Change, -3, 0, 32, 0, Some(30), 0, 29),
        (Change, 0, 0, 32, 0, Some(30), 5, 30),
        (Change, -9, 0, 3, 0, None, 0, 0),
        (Exact, 5, 0, 3, 0, None, 2, 5),
        (Exact, 5, 0, 9, 0, None, 0, 5),
    ];
    for (adjustment, by, least, ready, pending, requested, warming, want) in table {
        let size = adjust(adjustment, by, least, Replicas { ready, pending, requested }, warming);
        assert_eq!(size, want, "{adjustment:?} {by} of {ready} + {pending}, {requested:?}");
    }
}

#[test]
fn it_acts_once_a_period_and_asks_for_the_same_until_the_next() {
    read(
        &mut policy(
            r#"{"metric": "cpu", "threshold": 50, "comparison": "above", "points": 1,
            "steps": [{"lower": 0, "by": 2}], "warm_up": 0}"#,
        ),
        &[
            (0, 60.0, 10, None, "insufficient_data"),
            (59, 60.0, 10, None, "insufficient_data"),
            (60, 40.0, 10, Some(12), "beyond_threshold"),
            (75, 60.0, 10, Some(12), "beyond_threshold"), // a guard held it
            (90, 80.0, 12, Some(12), "beyond_threshold"), // done
            (119, 60.0, 12, Some(12), "beyond_threshold"),
            (120, 40.0, 12, Some(14), "beyond_threshold"), // the mean was 55
            (180, 40.0, 14, None, "within_threshold"),
        ],
    );
}

#[test]
fn nothing_is_taken_away_while_something_warms_up() {
    let below = r#"{"metric": "cpu", "threshold": 50, "comparison": "below", "points": 1,
        "steps": [{"upper": 0, "by": -2}], "warm_up": "90s"}"#;
    read(
        &mut policy(below),
        &[
            (0, 60.0, 10, None, "insufficient_data"),
            (30, 60.0, 13, Some(13), "warming_up"), // by hand or by another policy
            (60, 40.0, 13, Some(13), "warming_up"), // within the threshold, and nobody may take
            (119, 40.0, 13, Some(13), "warming_up"),
            (120, 40.0, 13, Some(11), "beyond_threshold"),
            (179, 40.0, 11, Some(11), "beyond_threshold"),
            (180, 40.0, 11, Some(9), "beyond_threshold"),
            // Somebody adds: what this period asked for is no more.
            (200, 40.0, 12, Some(12), "beyond_threshold"),
            (240, 40.0, 12, Some(12), "warming_up"),
        ],
    );
}

/// The guide's alarm: each period anew, and only those that are over.
#[test]
fn so_many_periods_must_be_breaching_and_their_aggregate_picks_the_step() {
    let text = |aggregation| {
        format!(
            r#"{{"metric": "cpu", "threshold": 50, "comparison": "above", "points": 2, "of": 3,
            "aggregation": "{aggregation}", "warm_up": 0, "steps": [
                {{"lower": 0, "upper": 10, "by": 1}}, {{"lower": 10, "upper": 20, "by": 2}},
                {{"lower": 20, "by": 3}}]}}"#
        )
    };
    // Means of 52, 40, 91: average 61, smallest 40, largest 91.
    for (aggregation, want) in [
        ("average", (Some(12), "beyond_threshold")),
        ("minimum", (None, "no_step")),
        ("maximum", (Some(13), "beyond_threshold")),
    ] {
        let mut policy = policy(&text(aggregation));
        for (second, mean, code) in [
            (0, 52.0, "insufficient_data"),
            (60, 40.0, "insufficient_data"),
            (120, 91.0, "within_threshold"),
        ] {
            assert_eq!(answer(&mut policy, &seen(second, Some(mean), 10)).1, code, "at {second} s");
        }
        assert_eq!(answer(&mut policy, &seen(180, Some(0.0), 10)), want, "{aggregation}");
    }
}

#[test]
fn missing_data_is_treated_as_set() {
    let text = |missing| {
        format!(
            r#"{{"metric": "cpu", "threshold": 50, "comparison": "above", "points": 1,
            "missing_data": "{missing}", "warm_up": 0, "steps": [{{"lower": 0, "by": 1}}]}}"#
        )
    };
    // One period above, then none: its reading is looked back at over two periods more.
    for (missing, want) in [
        ("missing", (None, "metric_missing")),
        ("not_breaching", (None, "within_threshold")),
        ("breaching", (None, "metric_missing")),
        ("ignore", (None, "metric_missing")),
    ] {
        let mut policy = policy(&text(missing));
        assert_eq!(answer(&mut policy, &seen(0, Some(60.0), 10)).0, None);
        assert_eq!(answer(&mut policy, &seen(60, None, 10)).0, Some(11), "{missing}");
        assert_eq!(answer(&mut policy, &seen(120, Some(f64::NAN), 10)).0, Some(11), "{missing}");
        assert_eq!(answer(&mut policy, &seen(180, None, 10)).0, Some(11), "{missing}");
        assert_eq!(answer(&mut policy, &seen(240, None, 10)), want, "{missing}");
    }
}

#[test]
fn a_clock_that_is_set_back_starts_anew() {
    let mut policy = policy(OUT);
    read(
        &mut policy,
        &[
            (86_400, 60.0, 10, None, "insufficient_data"),
            (86_460, 60.0, 10, Some(11), "beyond_threshold"),
            (0, 60.0, 11, Some(11), "warming_up"),
            (60, 60.0, 11, Some(11), "beyond_threshold"),
            (240, 60.0, 11, Some(11), "beyond_threshold"),
            (300, 60.0, 11, Some(12), "beyond_threshold"),
        ],
    );
}

#[test]
fn a_snapshot_changes_no_decision_and_a_damaged_one_is_refused() {
    let mut policy = policy(OUT);
    for tick in 0..200 {
        let swing = f64::from(tick % 17) * 5.0;
        let observation =
            seen(i64::from(tick) * 20, (tick % 5 > 0).then_some(swing), 10 + tick / 40);
        let mut restored = self::policy(OUT);
        restored.load(policy.save().expect("a snapshot")).expect("its own snapshot");
        assert_eq!(restored, policy);
        assert_eq!(ask(&mut restored, &observation), ask(&mut policy, &observation), "tick {tick}");
    }
    let sound = policy.save().expect("a snapshot");
    for (place, damaged) in [
        ("/settings/points", serde_json::json!(2)),
        ("/settings/period", serde_json::json!("30s")),
        ("/settings/steps", serde_json::json!([])),
        ("/watch/periods/closed/samples", serde_json::json!([1, 2, 3, 4])),
        ("/warm_up/launches", serde_json::json!([{"at": 0, "n": 0}])),
        ("/action", serde_json::json!({"from": -1, "to": 1})),
    ] {
        let mut saved = sound.clone();
        *saved.pointer_mut(place).expect(place) = damaged;
        let before = policy.clone();
        assert!(policy.load(saved).is_err(), "{place}");
        assert_eq!(policy, before, "{place}");
    }
}

#[test]
fn settings_out_of_range_are_refused() {
    let sound = r#"{"metric": "cpu", "threshold": 50, "comparison": "above", "steps": [{"lower": 0, "by": 1}]}"#;
    assert!(StepScaling::new(serde_json::from_str(sound).expect(sound)).is_ok());
    for (from, to, want) in [
        (
            r#""by": 1"#,
            r#""by": 1, "upper": -1"#,
            "`steps[0].lower` is 0, must be below `upper`, -1",
        ),
        (
            r#""threshold""#,
            r#""min_adjustment": 2, "threshold""#,
            "`min_adjustment` is 2, must be 0 unless `adjustment` is `percent`",
        ),
        (r#""threshold""#, r#""points": 0, "threshold""#, "`points` is 0, must be from 1 to"),
        (r#""threshold""#, r#""period": 0, "threshold""#, "`period` is 0s, must be from 1s"),
    ] {
        let text = sound.replace(from, to);
        let error = StepScaling::new(serde_json::from_str(&text).expect(&text)).expect_err(want);
        assert!(error.to_string().starts_with(want), "{error}");
    }
    let exact = sound
        .replace(r#""by": 1"#, r#""by": -1"#)
        .replace(r#""threshold""#, r#""adjustment": "exact", "threshold""#);
    let error =
        StepScaling::new(serde_json::from_str(&exact).expect(&exact)).expect_err("negative");
    assert!(error.to_string().starts_with("`steps[0].by` is -1, must be from 0 up"), "{error}");
    let error = policy(sound).check(MetricKind::Utilization).expect_err("a percentage");
    assert!(error.to_string().contains("0.7 stands for 70 %"), "{error}");
}
