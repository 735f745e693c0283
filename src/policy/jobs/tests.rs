//! What the policy asks for, and the settings it refuses.

use super::*;
use crate::policy::Metric;
use crate::series::Observation;
use crate::time::Timestamp;

fn policy(more: &str) -> Result<Jobs, Error> {
    let text = format!(r#"{{"metric": "queue", "target": 5{more}}}"#);
    Jobs::new(serde_json::from_str(&text).expect("these are settings"))
}

fn ask(policy: &mut Jobs, seen: &Observation) -> Proposal {
    let metrics = [Metric { name: "queue".into(), kind: MetricKind::Total }];
    let view = View::alone(seen, &metrics);
    policy.propose(&view).expect("it always has an opinion")
}

fn seen(ready: u32, pending: u32, queue: Option<f64>) -> Observation {
    let seen = Observation::at(Timestamp::from_secs(0)).ready(ready).pending(pending);
    seen.metric("queue", queue)
}

#[test]
fn each_strategy_counts_the_jobs_there_are_in_its_own_way() {
    // 60 items, 5 a job: 12 jobs; 3 have begun, 4 have not.
    let custom =
        r#", "strategy": "custom", "queue_length_deduction": 1, "running_job_percentage": 0.5"#;
    for (more, starts) in [
        ("", 5),
        (r#", "strategy": "accurate""#, 8),
        (r#", "strategy": "eager""#, 12),
        (r#", "strategy": "eager", "max_jobs": 20"#, 9),
        (custom, 8), // 12 - 1 - trunc(3.5)
        (r#", "max_jobs": 10"#, 3),
        (r#", "min_jobs": 2"#, 7), // 12 beside the two permanent ones
    ] {
        let proposal = ask(&mut policy(more).expect("in range"), &seen(3, 4, Some(60.0)));
        assert_eq!(proposal.want, Want::Replicas(7 + starts), "{more}");
        assert_eq!(proposal.reason.code(), "jobs_to_start");
        assert_eq!(proposal.reason.fact("n_starts"), Some(f64::from(starts)));
    }
}

#[test]
fn jobs_end_by_themselves() {
    let mut policy = policy(r#", "max_jobs": 4"#).expect("in range");
    for queue in [0.0, 10.0, 1e300] {
        let proposal = ask(&mut policy, &seen(9, 0, Some(queue)));
        assert_eq!((proposal.want, proposal.reason.code()), (Want::Replicas(9), "enough_jobs"));
    }
}

#[test]
fn no_more_jobs_are_started_than_there_are_items() {
    let mut policy = policy(r#", "strategy": "accurate""#).expect("in range");
    assert_eq!(ask(&mut policy, &seen(2, 0, Some(0.2))).want, Want::Replicas(3));
    assert_eq!(ask(&mut policy, &seen(2, 0, Some(0.0))).want, Want::Replicas(2));
}

#[test]
fn what_was_requested_but_is_not_there_yet_is_not_started_again() {
    let mut policy = policy("").expect("in range");
    let seen = seen(2, 0, Some(60.0)).requested(12);
    assert_eq!(ask(&mut policy, &seen).want, Want::Replicas(12));
}

#[test]
fn the_minimum_is_started_without_a_reading_and_else_nothing_is_taken_away() {
    let mut policy = policy(r#", "min_jobs": 3"#).expect("in range");
    let few = ask(&mut policy, &seen(1, 0, None));
    assert_eq!((few.want, few.reason.code()), (Want::Replicas(3), "too_few_jobs"));
    let enough = ask(&mut policy, &seen(3, 0, None));
    assert_eq!((enough.want, enough.reason.code()), (Want::NotFewer, "metric_missing"));
}

#[test]
fn settings_without_effect_are_refused() {
    for (more, want) in [
        (r#", "max_jobs": 0"#, "`max_jobs` is 0"),
        (r#", "min_jobs": 101"#, "`min_jobs` is 101, must not be above `max_jobs`, which is 100"),
        (r#", "strategy": "custom""#, "`running_job_percentage` is missing"),
        (
            r#", "strategy": "custom", "running_job_percentage": -0.5"#,
            "`running_job_percentage` is -0.5",
        ),
        (r#", "queue_length_deduction": 2"#, "`queue_length_deduction` is 2, must not be given"),
        (
            r#", "strategy": "eager", "running_job_percentage": 0.5"#,
            "`running_job_percentage` is 0.5, must not be given",
        ),
    ] {
        let error = policy(more).expect_err(want);
        assert!(error.to_string().contains(want), "{error}");
    }
    let policy = policy(r#", "max_jobs": 30"#).expect("in range");
    assert!(policy.check_limits(0, 30).is_ok());
    assert!(policy.check_limits(0, 29).is_err());
    assert!(policy.check(MetricKind::Average).is_err());
}

#[test]
fn it_is_taken_up_from_its_settings_and_wrong_ones_are_refused() {
    let one = policy(r#", "strategy": "eager""#).expect("in range");
    let mut saved = serde_json::to_value(&one).expect("it can be written");
    assert_eq!(serde_json::from_value::<Jobs>(saved.clone()).expect("it was written"), one);
    saved["target"] = (-1).into();
    assert!(serde_json::from_value::<Jobs>(saved).is_err());
}
