//! Several policies in one loop: each with its own guards and direction, and what becomes of them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use forescale::{Autoscaler, Observation, Reading, Timestamp};

const METRICS: &str =
    r#""metrics": {"cpu": {"kind": "utilization"}, "queue": {"kind": "total"}}, "guards": []"#;
const CPU: &str = r#""kind": "target", "metric": "cpu", "target": 0.5"#;
const SCHEDULE: &str =
    r#""kind": "schedule", "cron": "0 8 * * *", "duration": "1h", "min_replicas": 3"#;
const QUEUE: &str = r#""kind": "target", "metric": "queue", "target": 10"#;

fn scaler(rest: &str) -> Autoscaler {
    Autoscaler::from_text(&format!(r#"{{"max_replicas": 99, {METRICS}, {rest}}}"#)).unwrap()
}

fn seen(
    second: i64,
    ready: u32,
    cpu: impl Into<Reading>,
    queue: impl Into<Reading>,
) -> Observation {
    let at = Timestamp::from_secs(second);
    Observation::at(at).ready(ready).metric("cpu", cpu).metric("queue", queue)
}

/// Fast on the queue, slow on the CPU: asked for in kubernetes#114383.
#[test]
fn each_policy_has_guards_of_its_own() {
    let mut scaler = scaler(&format!(
        r#""policies": [{{{QUEUE}}},
            {{{CPU}, "guards": [{{"kind": "stabilization", "scale_up": "1m", "scale_down": "10m"}}]}}]"#
    ));
    //           second, ready, cpu, queue -> replicas
    let diary = [
        (0, 4, 0.5, 40.0, 4),
        (15, 4, 1.0, 40.0, 4), // the CPU must ask for a minute
        (30, 4, 1.0, 60.0, 6), // the queue need not
        (75, 6, 1.0, 60.0, 8), // to the least that the CPU asked for in the last minute
        (90, 8, 0.25, 80.0, 8),
        (105, 8, 0.25, 60.0, 8), // the CPU's peak of half a minute ago has its say for ten
        (690, 8, 0.25, 60.0, 6),
    ];
    for (second, ready, cpu, queue, want) in diary {
        let twin = Autoscaler::restore(&scaler.snapshot().unwrap())
            .unwrap()
            .decide(&seen(second, ready, cpu, queue))
            .clone();
        let decision = scaler.decide(&seen(second, ready, cpu, queue));
        assert_eq!(decision.replicas, want, "at {second} s: {}", decision.explain());
        assert_eq!(*decision, twin, "a snapshot keeps the guards' memory");
    }
    let held = scaler.decide(&seen(705, 6, 1.0, 60.0));
    assert_eq!(
        held.explain(),
        "Stay at 6 replicas: target(queue) says 6, as 10 is within the tolerance of the target 10; \
         target(cpu) says 12, as 1 is above the target 0.5; target(cpu).stabilization says 6, as a \
         recommendation of 4 within the last 60 s holds it; combine says 6, as the highest of 2 \
         proposals."
    );
}

#[test]
fn a_policy_that_may_only_raise_leaves_lowering_to_the_others() {
    let mut scaler = scaler(&format!(
        r#""policies": [{{{QUEUE}, "direction": "up"}}, {{{CPU}, "direction": "both"}}]"#
    ));
    for (second, ready, cpu, queue, want) in [
        (0, 10, 0.25, 80.0, 5), // the queue would keep 8
        (15, 5, 0.5, 80.0, 8),
        (30, 8, 0.25, 200.0, 20),
    ] {
        let decision = scaler.decide(&seen(second, ready, cpu, queue));
        assert_eq!(decision.replicas, want, "{}", decision.explain());
    }
    let decision = scaler.decide(&seen(9_000, 10, 0.25, None));
    assert_eq!(decision.replicas, 5, "what may only raise blocks nothing: {}", decision.explain());
}

#[test]
fn a_policy_that_may_only_lower_raises_nothing() {
    let mut scaler = scaler(&format!(r#""policies": [{{{CPU}, "direction": "down"}}]"#));
    assert_eq!(scaler.decide(&seen(0, 4, 1.0, None)).replicas, 4);
    assert_eq!(scaler.decide(&seen(15, 4, 0.25, None)).replicas, 2);
}

#[test]
fn all_of_them_must_agree_where_that_is_asked() {
    let mut scaler = scaler(&format!(r#""combine": "all", "policies": [{{{CPU}}}, {{{QUEUE}}}]"#));
    //           second, cpu, queue -> replicas; of ten
    let diary = [
        (0, 1.0, 150.0, 15),
        (15, 1.0, 100.0, 10),
        (30, 0.25, 150.0, 10),
        (45, 0.25, 80.0, 8),
        (60, 0.25, 100.0, 10),
    ];
    for (second, cpu, queue, want) in diary {
        let decision = scaler.decide(&seen(second, 10, cpu, queue));
        assert_eq!(decision.replicas, want, "at {second} s: {}", decision.explain());
    }
    assert_eq!(scaler.decide(&seen(75, 10, 0.25, None)).replicas, 10, "unreadable blocks lowering");
    assert_eq!(scaler.decide(&seen(90, 10, 1.0, None)).replicas, 20, "and not raising");
    let split = scaler.decide(&seen(105, 10, 1.0, 50.0));
    assert!(split.explain().ends_with(
        "combine says 10, as of 2 proposals 1 want more and 1 fewer, which is no agreement."
    ));
}

#[test]
fn the_first_with_an_opinion_decides_where_priority_is_asked() {
    let mut scaler = scaler(&format!(
        r#""combine": {{"kind": "priority"}}, "policies": [{{{QUEUE}, "direction": "up"}}, {{{CPU}}}]"#
    ));
    assert_eq!(scaler.decide(&seen(0, 10, 1.0, 120.0)).replicas, 12);
    assert_eq!(scaler.decide(&seen(15, 10, 0.25, 50.0)).replicas, 5);
}

/// Nomad's groups of checks: one of two thresholds on the same metric may lower alone, but not
/// against a check outside that is content.
#[test]
fn of_a_group_those_that_are_content_take_no_part() {
    let low_and_high = r#"
        {"kind": "threshold", "metric": "cpu", "upper_bound": 0.3, "delta": -1,
         "within_bounds_trigger": 1, "group": "cpu"},
        {"kind": "threshold", "metric": "cpu", "lower_bound": 0.8, "delta": 2,
         "within_bounds_trigger": 1, "group": "cpu"}"#;
    let apart = low_and_high.replace(r#", "group": "cpu""#, "");
    let beside = format!(r#"{low_and_high}, {{"kind": "fixed_value", "value": 4}}"#);
    for (policies, cpu, want) in [
        (low_and_high, 0.2, 3),
        (low_and_high, 0.5, 4),
        (low_and_high, 0.9, 6),
        (&apart, 0.2, 4), // the content one keeps the other from lowering
        (&apart, 0.9, 6),
        (&beside, 0.2, 4),
    ] {
        let mut scaler = scaler(&format!(r#""policies": [{policies}]"#));
        let decision = scaler.decide(&seen(0, 4, cpu, 0.0));
        assert_eq!(decision.replicas, want, "{cpu}: {}", decision.explain());
    }
}

/// Content or not, who stands behind has no say; so it has none where it cannot read either.
#[test]
fn by_priority_only_the_first_of_them_need_be_readable() {
    let mut scaler =
        scaler(&format!(r#""combine": "priority", "policies": [{{{CPU}}}, {{{QUEUE}}}]"#));
    assert_eq!(scaler.decide(&seen(0, 10, 0.25, 100.0)).replicas, 5, "the queue is content");
    let decision = scaler.decide(&seen(15, 10, 0.25, None));
    assert_eq!(decision.replicas, 5, "and now unreadable: {}", decision.explain());
    let decision = scaler.decide(&seen(30, 10, None, 50.0));
    assert_eq!(decision.replicas, 10, "the first cannot be read: {}", decision.explain());
}

/// Its alarm has too little data then, which is the metric's failing, not another reason.
#[test]
fn replicas_stand_in_for_the_metric_of_an_alarm_too() {
    for law in [
        r#""kind": "simple", "by": 1"#,
        r#""kind": "step", "warm_up": 0, "steps": [{"lower": 0, "by": 1}]"#,
        r#""kind": "target_tracking", "warm_up": 0"#,
    ] {
        let limit = if law.contains("tracking") {
            r#""target": 0.5"#
        } else {
            r#""threshold": 0.5, "comparison": "above""#
        };
        let mut scaler = scaler(&format!(
            r#""policies": [{{{law}, "metric": "cpu", {limit}, "fallback": {{"failures": 3, "replicas": 7}}}}]"#
        ));
        let mut replicas = Vec::new();
        for minute in 0..6 {
            replicas.push(scaler.decide(&seen(minute * 60, 4, None, None)).replicas);
        }
        assert_eq!(replicas, [4, 4, 4, 7, 7, 7], "{law}");
    }
}

/// KEDA's `fallback`: three failures are borne, the fourth brings the replacement.
#[test]
fn replicas_stand_in_for_a_metric_that_cannot_be_read() {
    let mut scaler = scaler(&format!(
        r#""policies": [{{{QUEUE}, "fallback": {{"failures": 3, "replicas": 7}}}}]"#
    ));
    //           second, queue -> replicas; of four
    let diary = [
        (0, Some(40.0), 4),
        (15, None, 4),
        (30, Some(f64::NAN), 4),
        (45, None, 4),
        (60, None, 7),
        (75, Some(20.0), 2),
        (90, None, 4), // counted from the beginning
    ];
    for (second, queue, want) in diary {
        let observation = seen(second, 4, None, queue);
        let twin = Autoscaler::restore(&scaler.snapshot().unwrap());
        let twin = twin.unwrap().decide(&observation).clone();
        let decision = scaler.decide(&observation);
        assert_eq!(decision.replicas, want, "at {second} s: {}", decision.explain());
        assert_eq!(*decision, twin, "a snapshot keeps the count");
    }
}

/// Beside the autoscaler that acts, one in mode `observe` with the same settings wants the same at
/// every tick: it waits after what the other one has done.
#[test]
fn a_shadow_waits_as_the_one_that_acts_does() {
    let text = |mode: &str| {
        format!(
            r#"{{"max_replicas": 60, "mode": "{mode}", "lead_time": "30s",
            "metrics": {{"cpu": {{"kind": "utilization"}}, "queue": {{"kind": "total"}}}},
            "policies": [
                {{"kind": "simple", "metric": "cpu", "threshold": 0.6, "comparison": "above",
                  "adjustment": "percent", "by": 20, "cooldown": "2m", "points": 1}},
                {{"kind": "rule", "metric": "cpu", "operator": "<", "threshold": 0.3,
                  "breach_duration": "30s", "cool_down": "1m", "adjustment": "-1"}},
                {{{QUEUE}, "guards": [{{"kind": "cooldown", "scale_up": "1m", "scale_down": "3m"}}]}}],
            "guards": ["rate"]}}"#
        )
    };
    let mut acting = Autoscaler::from_text(&text("on")).unwrap();
    let mut shadow = Autoscaler::from_text(&text("observe")).unwrap();
    let (mut size, mut n_changes) = (10, 0);
    for tick in 0..400 {
        let load = f64::from(40 + 35 * (tick / 20 % 3));
        let seen = seen(i64::from(tick) * 15, size, load / 10.0 / f64::from(size), load);
        let replicas = acting.decide(&seen).replicas;
        let decision = shadow.decide(&seen);
        assert_eq!(decision.replicas, size, "it only observes");
        let wanted = decision.steps.iter().rev().find_map(|step| match &*step.by {
            "mode" => Some(step.before),
            _ => None,
        });
        assert_eq!(wanted.unwrap_or(size), replicas, "tick {tick}: {}", decision.explain());
        n_changes += u32::from(replicas != size);
        size = replicas;
    }
    assert!(n_changes > 20, "only {n_changes} changes to follow");
}

#[test]
fn what_can_never_be_fulfilled_is_refused() {
    let refused = |rest: &str| {
        let text = format!(r#"{{"max_replicas": 9, {METRICS}, {rest}}}"#);
        Autoscaler::from_text(&text).unwrap_err().to_string()
    };
    let two = format!(r#""policies": [{{{CPU}}}, {{{QUEUE}}}]"#);
    for (rest, want) in [
        (
            format!(r#""combine": {{"kind": "k_of_n", "scale_up": 3, "scale_down": 1}}, {two}"#),
            "`combine.scale_up` is 3, must be from 1 to the number of policies, 2",
        ),
        (
            format!(r#""combine": {{"kind": "k_of_n", "scale_up": 1, "scale_down": 0}}, {two}"#),
            "`combine.scale_down` is 0, must be from 1 to the number of policies, 2",
        ),
        (
            format!(
                r#""combine": {{"kind": "k_of_n", "scale_up": 2, "scale_down": 1}},
                   "policies": [{{{CPU}}}, {{{SCHEDULE}}}]"#
            ),
            "`combine.scale_up` is 2, must be from 1 to the number of policies, 1",
        ),
        (
            format!(r#""policies": [{{{CPU}}}, {{{SCHEDULE}, "direction": "up"}}]"#),
            "`policies[1].direction` is up, must not be given: the policy has no proposals",
        ),
        (
            format!(r#""policies": [{{{CPU}}}, {{{SCHEDULE}, "guards": ["rate"]}}]"#),
            "`policies[1].guards` is 1 guards, must not be given",
        ),
        (
            r#""policies": [{"kind": "fixed_value", "value": 3, "fallback": {"failures": 3, "replicas": 7}}]"#
                .to_owned(),
            "`policies[0].fallback` is given, must not be: the policy reads no metric",
        ),
        (
            format!(r#""min_replicas": 0, "policies": [{{{QUEUE}, "direction": "down"}}]"#),
            "`min_replicas` is 0, from which no policy could wake up",
        ),
        (
            r#""policies": [{"kind": "threshold", "metric": "cpu", "upper_bound": 30, "delta": -1}]"#
                .to_owned(),
            "`policies[0].upper_bound` is 30, must be at most 10: 0.7 stands for 70 %",
        ),
        (
            format!(r#""combine": "mean", {two}"#),
            "`combine.kind` is \"mean\", must be one of \"maximum\", \"all\", \"k_of_n\", \"priority\"",
        ),
        (
            format!(r#""combine": {{"kind": "all", "k": 1}}, {two}"#),
            "`combine.k` is not a known setting (known: none)",
        ),
        (
            format!(r#""policies": [{{{CPU}, "directon": "up"}}]"#),
            "`policies[0].directon` is not a known setting; did you mean `direction`? (known: \
             `metric`, `target`, `by`, `tolerance`, `direction`, `guards`, `group`, `fallback`)",
        ),
        (
            format!(r#""policies": [{{{CPU}, "direction": "sideways"}}]"#),
            "`policies[0].direction` unknown variant `sideways`, expected one of `both`, `up`, `down`",
        ),
        (
            format!(
                r#""policies": [{{{CPU}, "guards": [{{"kind": "cooldown", "scale_up": -1}}]}}]"#
            ),
            "`policies[0].guards[0].scale_up`",
        ),
        (
            format!(
                r#""policies": [{{{CPU}, "guards": [{{"kind": "rate", "scale_up": {{"replicas": 0}}}}]}}]"#
            ),
            "`policies[0].guards[0].scale_up",
        ),
    ] {
        let message = refused(&rest);
        assert!(message.contains(want), "{message}\nis not\n{want}");
    }
}
