//! What the strategies answer as policies, and which settings are refused.

use super::*;
use crate::policy::{Metric, Policy, PolicyConfig, View};
use crate::series::{MetricKind, Observation, Reading};
use crate::time::Timestamp;

fn policy(settings: &str) -> Box<dyn Policy> {
    serde_json::from_str::<PolicyConfig>(settings).expect(settings).build().expect(settings)
}

fn ask(policy: &mut dyn Policy, second: i64, reading: impl Into<Reading>, ready: u32) -> Proposal {
    let at = Timestamp::from_secs(second);
    let seen = Observation::at(at).ready(ready).metric("rps", reading);
    let metrics = [Metric { name: "rps".into(), kind: MetricKind::Total }];
    policy.propose(&View::alone(&seen, &metrics)).expect("a strategy always has an opinion")
}

/// Runs a diary of (second, reading, ready) -> (replicas, code).
fn read(policy: &mut dyn Policy, diary: &[(i64, f64, u32, u32, &str)]) {
    for &(second, reading, ready, want, code) in diary {
        let asked = ask(policy, second, reading, ready);
        let got = (asked.want, asked.reason.code());
        assert_eq!(got, (Want::Replicas(want), code), "at {second} s");
        assert!(!asked.reason.to_string().contains('{'), "{}", asked.reason);
    }
}

#[test]
fn target_value_multiplies_by_the_ratio_within_its_steps() {
    let mut policy = policy(
        r#"{"kind": "target_value", "metric": "rps", "target": 50, "max_scale_up": 3, "max_scale_down": 1}"#,
    );
    read(
        &mut *policy,
        &[
            (0, 60.0, 10, 12, "strategy_up"),
            (15, 500.0, 10, 13, "strategy_up"),
            (30, 50.5, 10, 10, "strategy_none"), // 1.01 is an edge
            (45, 1.0, 10, 9, "strategy_down"),
            (60, 120.0, 0, 3, "strategy_up"),
            (75, 0.0, 0, 0, "strategy_none"),
        ],
    );
    let asked = ask(&mut *policy, 90, 60.0, 10);
    assert_eq!((asked.wish, asked.reason.fact("factor")), (Some(12.0), Some(1.2)));
}

#[test]
fn a_target_of_zero_takes_the_metric_for_the_ratio() {
    let mut policy = policy(r#"{"kind": "target_value", "metric": "rps", "target": 0}"#);
    read(&mut *policy, &[(0, 4.0, 3, 12, "strategy_up"), (15, 0.0, 3, 0, "strategy_down")]);
}

#[test]
fn pass_through_takes_the_metric_for_the_count() {
    let mut policy = policy(r#"{"kind": "pass_through", "metric": "rps", "max_scale_down": 2}"#);
    read(
        &mut *policy,
        &[
            (0, 7.9, 5, 7, "strategy_up"),
            (15, 5.7, 5, 5, "strategy_up"),
            (30, 0.0, 5, 3, "strategy_down"),
            (45, 1e300, 5, u32::MAX, "strategy_up"),
        ],
    );
}

#[test]
fn fixed_value_needs_no_metric() {
    let mut policy = policy(r#"{"kind": "fixed_value", "value": 4}"#);
    read(
        &mut *policy,
        &[
            (0, f64::NAN, 2, 4, "strategy_up"),
            (15, 1.0, 4, 4, "strategy_none"),
            (30, 1.0, 9, 4, "strategy_down"),
        ],
    );
}

const FEW: &str = "too_few_within_bounds";

#[test]
fn threshold_counts_the_points_of_its_window_and_forgets_them_in_time() {
    let mut policy = policy(
        r#"{"kind": "threshold", "metric": "rps", "lower_bound": 80, "within_bounds_trigger": 3, "delta": 2}"#,
    );
    read(
        &mut *policy,
        &[
            (0, 80.0, 5, 5, FEW),
            (15, 10.0, 5, 5, FEW),
            (30, 90.0, 5, 5, FEW),
            (45, 99.0, 5, 7, "strategy_up"),
            (60, 10.0, 7, 9, "strategy_up"), // the first is a minute old and still counts
            (61, 10.0, 9, 9, FEW),
        ],
    );
}

#[test]
fn threshold_goes_by_the_points_it_has_while_the_metric_is_missing() {
    let mut policy = policy(
        r#"{"kind": "threshold", "metric": "rps", "upper_bound": 5, "within_bounds_trigger": 2, "percentage": -50}"#,
    );
    read(&mut *policy, &[(0, 1.0, 8, 8, FEW), (15, 1.0, 8, 4, "strategy_down")]);
    let asked = ask(&mut *policy, 60, Reading::Missing, 5);
    assert_eq!(asked.want, Want::Replicas(3), "ceil(5 * 0.5)");
    let asked = ask(&mut *policy, 61, Reading::Missing, 5);
    assert_eq!((asked.want, asked.reason.code()), (Want::NotFewer, "metric_missing"));
}

#[test]
fn threshold_resumed_from_a_snapshot_goes_on_with_its_points() {
    let settings = r#"{"kind": "threshold", "metric": "rps", "upper_bound": 5, "within_bounds_trigger": 2, "value": 1}"#;
    let mut first = policy(settings);
    read(&mut *first, &[(0, 1.0, 8, 8, FEW)]);
    let mut saved = first.save().expect("writes");
    let mut resumed = policy(settings);
    resumed.load(saved.clone()).expect("reads");
    read(&mut *resumed, &[(15, 1.0, 8, 1, "strategy_down")]);
    saved["points"]["span"] = "2m".into();
    assert!(resumed.load(saved.clone()).is_err(), "the window is not the settings'");
    saved["settings"]["window"] = "0s".into();
    assert!(resumed.load(saved).is_err());
}

#[test]
fn an_unreadable_metric_stops_others_from_shrinking() {
    for settings in [
        r#"{"kind": "target_value", "metric": "rps", "target": 50}"#,
        r#"{"kind": "pass_through", "metric": "rps"}"#,
        r#"{"kind": "threshold", "metric": "rps", "upper_bound": 50, "delta": 1}"#,
    ] {
        let asked = ask(&mut *policy(settings), 0, f64::NAN, 5);
        let got = (asked.want, asked.reason.code());
        assert_eq!(got, (Want::NotFewer, "metric_invalid"), "{settings}");
    }
}

#[test]
fn settings_out_of_range_are_refused_by_name() {
    for (settings, path) in [
        (r#"{"kind": "target_value", "metric": "", "target": 5}"#, "metric"),
        (r#"{"kind": "target_value", "metric": "rps", "target": -1}"#, "target"),
        (r#"{"kind": "target_value", "metric": "rps", "target": 5, "threshold": 1}"#, "threshold"),
        (r#"{"kind": "pass_through", "metric": ""}"#, "metric"),
        (r#"{"kind": "threshold", "metric": "rps", "delta": 1}"#, "lower_bound"),
        (
            r#"{"kind": "threshold", "metric": "rps", "lower_bound": 5, "upper_bound": 5, "delta": 1}"#,
            "lower_bound",
        ),
        (r#"{"kind": "threshold", "metric": "rps", "lower_bound": 5}"#, ""),
        (r#"{"kind": "threshold", "metric": "rps", "lower_bound": 5, "delta": 1, "value": 1}"#, ""),
        (
            r#"{"kind": "threshold", "metric": "rps", "lower_bound": 5, "delta": 1, "window": 0}"#,
            "window",
        ),
        (
            r#"{"kind": "threshold", "metric": "rps", "lower_bound": 5, "delta": 1, "within_bounds_trigger": 0}"#,
            "within_bounds_trigger",
        ),
        (
            r#"{"kind": "threshold", "metric": "rps", "lower_bound": 5, "delta": 1, "within_bounds_trigger": 257}"#,
            "within_bounds_trigger",
        ),
    ] {
        let read = serde_json::from_str::<PolicyConfig>(settings).expect(settings);
        assert_eq!(read.build().expect_err(settings).path(), path, "{settings}");
    }
    for settings in [
        r#"{"kind": "fixed_value", "value": -1}"#,
        r#"{"kind": "fixed_value", "value": 1, "metric": "rps"}"#,
    ] {
        assert!(serde_json::from_str::<PolicyConfig>(settings).is_err(), "{settings}");
    }
}

#[test]
fn texts_are_read_as_whole_numbers_and_numbers_and_empty_ones_as_missing() {
    let texts = |key: &str, text: &str| Texts::from([(key.to_owned(), text.to_owned())]);
    for (read, want) in [("+5", Some(5)), ("-7", Some(-7)), ("", None), ("007", Some(7))] {
        assert_eq!(whole(&texts("n", read), "n"), Ok(want), "{read}");
    }
    for refused in ["5.0", " 5", "1e3", "0x5", "1_000", "9223372036854775808", "+", "five"] {
        assert_eq!(whole(&texts("n", refused), "n").expect_err(refused).path(), "n");
    }
    for (read, want) in [("5", 5.0), (".5", 0.5), ("-1e3", -1000.0), ("Inf", f64::INFINITY)] {
        assert_eq!(number(&texts("x", read), "x"), Ok(Some(want)), "{read}");
    }
    for refused in ["1e400", "5 ", "5%", "0x1p4", "1_000", "--5"] {
        assert_eq!(number(&texts("x", refused), "x").expect_err(refused).path(), "x");
    }
}

#[test]
fn the_largest_counts_neither_overflow_nor_panic() {
    let extremes = [i64::MIN, -1, 0, 1, i64::MAX];
    for (count, limit) in extremes.iter().flat_map(|&a| extremes.map(|b| (a, b))) {
        let max_scale = MaxScale { up: Some(limit), down: Some(limit) };
        for point in [f64::MAX, f64::MIN, 0.0, f64::NAN, f64::INFINITY] {
            let _ = pass_through::Settings { max_scale }.action(count, point);
            let by_target = target_value::Settings { target: 1.0, threshold: 0.0, max_scale };
            let _ = by_target.action(count, point);
            let step = threshold::Step::Delta(limit);
            let bounds = threshold::Settings { lower: 0.0, upper: 1.0, trigger: 0, step };
            assert!(bounds.action(count, [point]).count >= 0);
        }
    }
}
