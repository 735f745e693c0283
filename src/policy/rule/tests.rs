//! Diaries of the rule: second, reading, replicas -> what it asks for and why.

use super::*;
use crate::catalog::Saved;
use crate::policy::Metric;
use crate::series::{Observation, Reading};

fn rule(more: &str) -> Rule {
    let text = format!(
        r#"{{"metric": "rps", "operator": ">", "threshold": 80, "adjustment": "+1"{more}}}"#
    );
    Rule::new(serde_json::from_str(&text).expect(&text)).expect(&text)
}

fn ask(
    rule: &mut Rule,
    second: i64,
    reading: impl Into<Reading>,
    ready: u32,
) -> Result<Proposal, Reason> {
    let at = Timestamp::from_secs(second);
    let seen = Observation::at(at).ready(ready).metric("rps", reading);
    let metrics = [Metric { name: "rps".into(), kind: MetricKind::Total }];
    rule.propose(&View::alone(&seen, &metrics))
}

/// Runs a diary of (second, reading, ready) -> (replicas, code), each one decided.
fn read(rule: &mut Rule, diary: &[(i64, f64, u32, Option<u32>, &str)]) {
    for &(second, reading, ready, want, code) in diary {
        let asked = ask(rule, second, reading, ready);
        let (got, reason) = match asked {
            Ok(proposal) => (Some(proposal.want), proposal.reason),
            Err(reason) => (None, reason),
        };
        assert_eq!((got, reason.code()), (want.map(Want::Replicas), code), "at {second} s");
        assert!(!reason.to_string().contains('{'), "{reason}");
        rule.decided(Timestamp::from_secs(second), ready, want.unwrap_or(ready));
    }
}

const SHORT: &str = "breach_too_short";
const CALM: &str = "not_breached";

#[test]
fn it_acts_once_every_reading_has_breached_for_longer_than_the_duration_then_waits() {
    read(
        &mut rule(""),
        &[
            (0, 81.0, 4, None, SHORT),
            (60, 81.0, 4, None, SHORT),
            (120, 81.0, 4, None, SHORT),
            (121, 81.0, 4, Some(5), "breached"),
            (180, 81.0, 5, None, "cooldown"),
            (300, 81.0, 5, None, "cooldown"),
            (420, 81.0, 5, None, "cooldown"),
            (421, 81.0, 5, Some(6), "breached"),
        ],
    );
}

#[test]
fn one_reading_within_the_threshold_begins_the_breach_anew() {
    read(
        &mut rule(""),
        &[
            (0, 90.0, 4, None, SHORT),
            (60, 80.0, 4, None, CALM),
            (120, 90.0, 4, None, SHORT),
            (180, 90.0, 4, None, SHORT), // the reading at 60 s lies within the last 120 s
            (181, 90.0, 4, Some(5), "breached"),
        ],
    );
}

#[test]
fn a_hole_longer_than_the_duration_and_a_clock_that_steps_back_begin_it_anew() {
    read(
        &mut rule(r#", "cool_down": 0"#),
        &[
            (0, 90.0, 4, None, SHORT),
            (120, 90.0, 4, None, SHORT),
            (240, 90.0, 4, Some(5), "breached"),
            (361, 90.0, 5, None, SHORT),
            (481, 90.0, 5, None, SHORT),
            (482, 90.0, 5, Some(6), "breached"),
            (100, 90.0, 6, None, SHORT),
            (220, 90.0, 6, None, SHORT),
            (221, 90.0, 6, Some(7), "breached"),
        ],
    );
}

#[test]
fn after_a_clock_that_steps_back_it_cools_down_once_more_and_not_until_it_has_caught_up() {
    let mut rule = rule(r#", "breach_duration": 0, "cool_down": "1m""#);
    read(
        &mut rule,
        &[
            (86_400, 90.0, 4, Some(5), "breached"),
            (0, 90.0, 5, None, "cooldown"),
            (59, 90.0, 5, None, "cooldown"),
            (60, 90.0, 5, Some(6), "breached"),
        ],
    );
}

#[test]
fn a_change_that_another_policy_made_counts_for_the_cooldown() {
    let mut rule = rule(r#", "breach_duration": 0"#);
    rule.decided(Timestamp::from_secs(0), 9, 4);
    let refusal = ask(&mut rule, 299, 90.0, 4).expect_err("cools down");
    assert_eq!((refusal.code(), refusal.fact("left_seconds")), ("cooldown", Some(1.0)));
    assert_eq!(ask(&mut rule, 300, 90.0, 4).expect("acts").want, Want::Replicas(5));
}

#[test]
fn each_operator_breaches_on_its_side() {
    for (operator, breaches) in [
        (Operator::Above, [false, false, true]),
        (Operator::AtLeast, [false, true, true]),
        (Operator::Below, [true, false, false]),
        (Operator::AtMost, [true, true, false]),
    ] {
        assert_eq!([79.9, 80.0, 80.1].map(|value| operator.holds(value, 80.0)), breaches);
        assert!(!operator.holds(f64::NAN, 80.0));
    }
}

#[test]
fn an_unreadable_metric_blocks_shrinking_for_a_rule_that_grows_only() {
    let grows = ask(&mut rule(""), 0, Reading::Missing, 4).expect("holds the others");
    assert_eq!((grows.want, grows.reason.code()), (Want::NotFewer, "metric_missing"));
    let mut shrinks = rule("");
    shrinks.settings.adjustment = "-10%".parse().expect("an adjustment");
    assert_eq!(ask(&mut shrinks, 0, f64::NAN, 4).expect_err("mute").code(), "metric_invalid");
}

#[test]
fn settings_out_of_range_are_refused_by_name() {
    for (field, value) in [("metric", "\"\""), ("threshold", "1e999")] {
        let mut settings = rule("").settings;
        match field {
            "metric" => settings.metric.clear(),
            _ => settings.threshold = f64::INFINITY,
        }
        assert_eq!(Rule::new(settings).expect_err(value).path(), field);
    }
    for text in [
        r#"{"metric": "rps", "operator": "=", "threshold": 80, "adjustment": "+1"}"#,
        r#"{"metric": "rps", "operator": ">", "threshold": 80, "adjustment": "1"}"#,
        r#"{"metric": "rps", "operator": ">", "threshold": 80}"#,
        r#"{"metric": "rps", "operator": ">", "threshold": 80, "adjustment": "+1", "cooldown": 1}"#,
    ] {
        assert!(serde_json::from_str::<Config>(text).is_err(), "{text}");
    }
    let percent = rule("").check(MetricKind::Utilization).expect_err("80 stands for 8000 %");
    assert_eq!(percent.path(), "threshold");
    assert!(rule("").check(MetricKind::Total).is_ok());
}

#[test]
fn a_snapshot_keeps_the_breach_and_the_wait_and_a_damaged_one_is_refused() {
    let mut first = rule("");
    read(&mut first, &[(0, 90.0, 4, None, SHORT), (120, 90.0, 4, None, SHORT)]);
    let mut saved = first.save().expect("writes");
    let mut resumed = rule("");
    resumed.load(saved.clone()).expect("reads");
    assert_eq!(resumed, first);
    read(&mut resumed, &[(121, 90.0, 4, Some(5), "breached"), (122, 90.0, 5, None, "cooldown")]);
    saved["watch"]["since"] = 121_000.into();
    assert!(resumed.load(saved).is_err());
}
