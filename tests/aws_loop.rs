//! The examples of the EC2 Auto Scaling guide through the whole loop, number for number.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use forescale::{Autoscaler, Observation, Timestamp};

/// A loop with these policies and limits, without guards and without lead time.
fn scaler(min: u32, max: u32, policies: &str) -> Autoscaler {
    let text = format!(
        r#"{{"min_replicas": {min}, "max_replicas": {max}, "lead_time": 0, "guards": [],
            "metrics": {{"cpu": {{"kind": "average"}}, "queue": {{"kind": "average"}}}},
            "policies": [{policies}]}}"#
    );
    Autoscaler::from_text(&text).unwrap()
}

/// Runs a diary, a line a minute, (cpu, queue, size decided); what is decided is there a minute
/// later. Each decision is made by a restored snapshot too.
fn read(scaler: &mut Autoscaler, start: u32, diary: &[(f64, f64, u32)]) {
    let mut size = start;
    for (minute, &(cpu, queue, want)) in (0..).zip(diary) {
        let at = Timestamp::from_secs(minute * 60);
        let seen = Observation::at(at).ready(size).metric("cpu", cpu).metric("queue", queue);
        let mut restored = Autoscaler::restore(&scaler.snapshot().unwrap()).unwrap();
        let decision = scaler.decide(&seen);
        assert_eq!(decision.replicas, want, "minute {minute}: {}", decision.explain());
        assert_eq!(restored.decide(&seen), decision, "minute {minute}");
        size = decision.replicas;
    }
}

const STEPS: &str = r#"
    {"kind": "step", "name": "out", "metric": "cpu", "threshold": 50, "comparison": "at_or_above",
     "adjustment": "percent", "points": 1, "steps": [{"lower": 0, "upper": 10, "by": 0},
        {"lower": 10, "upper": 20, "by": 10}, {"lower": 20, "by": 30}]},
    {"kind": "step", "name": "in", "metric": "cpu", "threshold": 50, "comparison": "at_or_below",
     "adjustment": "percent", "points": 1, "steps": [{"lower": -10, "upper": 0, "by": 0},
        {"lower": -20, "upper": -10, "by": -10}, {"upper": -20, "by": -30}]}"#;

/// A group of 10, threshold 50: 60 is one more, 70 three more; then 40 one fewer, 30 three fewer.
#[test]
fn step_scaling_goes_as_in_the_guide() {
    // A reading acts a minute later, when its period is over; five minutes are the warm-up.
    let diary = [
        (55.0, 0.0, 10),
        (60.0, 0.0, 10),
        (55.0, 0.0, 11), // 10 % of 10
        (55.0, 0.0, 11),
        (55.0, 0.0, 11),
        (55.0, 0.0, 11),
        (55.0, 0.0, 11),
        (70.0, 0.0, 11),
        (45.0, 0.0, 14), // 30 % of 11 is 3.3
        (45.0, 0.0, 14),
        (45.0, 0.0, 14),
        (45.0, 0.0, 14),
        (45.0, 0.0, 14),
        (40.0, 0.0, 14),
        (30.0, 0.0, 13), // 10 % of 14 is 1.4
        (45.0, 0.0, 10), // 30 % of 13 is 3.9
        (45.0, 0.0, 10),
    ];
    read(&mut scaler(1, 40, STEPS), 10, &diary);
}

/// 60, then 62 and 70 while the new one warms up: 11, still 11, then 13 and not 14.
#[test]
fn overlapping_breaches_are_one_action_of_the_larger_size_as_in_the_guide() {
    let diary = [
        (60.0, 0.0, 10),
        (62.0, 0.0, 11),
        (70.0, 0.0, 11), // 10 % of 10 once more
        (30.0, 0.0, 13), // 30 % of 10
        (30.0, 0.0, 13), // nothing goes while anything warms up
        (30.0, 0.0, 13),
        (30.0, 0.0, 13),
        (30.0, 0.0, 13),
        (30.0, 0.0, 10), // the last is warm: 3.9 of 13
    ];
    read(&mut scaler(1, 40, STEPS), 10, &diary);
}

#[test]
fn limits_cut_an_adjustment_as_in_the_guide() {
    let simple = |comparison, by| {
        format!(
            r#"{{"kind": "simple", "metric": "cpu", "threshold": 50, "comparison": "{comparison}",
                "points": 1, "by": {by}}}"#
        )
    };
    let (hot, cold) = ([(90.0, 0.0, 2), (90.0, 0.0, 3)], [(9.0, 0.0, 3), (9.0, 0.0, 2)]);
    read(&mut scaler(1, 3, &simple("above", 3)), 2, &hot);
    read(&mut scaler(2, 9, &simple("below", -2)), 3, &cold);
}

/// Eight: one policy takes three away, the other a quarter, which is two. Two go.
#[test]
fn the_policy_with_the_largest_capacity_has_precedence_as_in_the_guide() {
    let policies = r#"
        {"kind": "simple", "metric": "cpu", "threshold": 50, "comparison": "below", "points": 1, "by": -3},
        {"kind": "simple", "metric": "queue", "threshold": 5, "comparison": "below", "points": 1,
         "adjustment": "percent", "by": -25}"#;
    read(&mut scaler(1, 9, policies), 8, &[(9.0, 1.0, 8), (9.0, 1.0, 6), (9.0, 1.0, 6)]);
}

fn two_targets(more: &str) -> String {
    format!(
        r#"{{"kind": "target_tracking", "metric": "cpu", "target": 50, "points_out": 1,
            "points_in": 2, "warm_up": 0}},
           {{"kind": "target_tracking", "metric": "queue", "target": 10, "points_out": 1,
            "points_in": 2, "warm_up": 0{more}}}"#
    )
}

#[test]
fn target_tracking_goes_out_if_any_wants_to_and_in_only_if_all_do() {
    let diary = [
        (50.0, 10.0, 10),
        (60.0, 5.0, 10),
        (40.0, 5.0, 12),  // 10 * 60 / 50 for the CPU, though the queue is short
        (40.0, 10.0, 12), // the CPU is low for one period only
        (40.0, 5.0, 12),  // the CPU wants 10, the queue's last period does not
        (40.0, 5.0, 12),
        (40.0, 5.0, 10), // both are low for two: 12 * 40 / 50 = 9.6
    ];
    read(&mut scaler(1, 40, &two_targets("")), 10, &diary);
}

#[test]
fn one_with_scale_in_disabled_does_not_keep_another_from_it() {
    let diary = [
        (50.0, 10.0, 10),
        (40.0, 10.0, 10),
        (40.0, 10.0, 10),
        (50.0, 20.0, 8),  // 10 * 40 / 50; the queue at its target has no say
        (50.0, 10.0, 16), // out it may: 8 * 20 / 10
    ];
    read(&mut scaler(1, 40, &two_targets(r#", "scale_in": false"#)), 10, &diary);
}
