//! Diaries of the whole loop: what it sees, what it answers, and what it says of it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use forescale::{Autoscaler, Observation, Timestamp};

fn scaler(text: &str) -> Autoscaler {
    Autoscaler::from_text(text).unwrap()
}

fn seen(second: i64, ready: u32) -> Observation {
    Observation::at(Timestamp::from_secs(second)).ready(ready)
}

fn codes(scaler: &mut Autoscaler, observation: &Observation) -> Vec<&'static str> {
    scaler.decide(observation).steps.iter().map(|step| step.reason.code()).collect()
}

/// What was idle before it was scaled by hand is not idle all the while.
#[test]
fn the_grace_begins_anew_after_a_size_outside_the_limits() {
    let mut scaler = scaler(
        r#"{"min_replicas": 0, "max_replicas": 5, "metrics": {"queue": {"kind": "total"}},
            "policies": [{"kind": "target", "metric": "queue", "target": 10}],
            "guards": [], "zero": {"metric": "queue", "idle_grace": "5m"}}"#,
    );
    //           second, ready, queue -> replicas
    let diary = [(0, 1, 0.0, 1), (60, 9, 90.0, 5), (3600, 1, 0.0, 1), (3899, 1, 0.0, 1)];
    for (second, ready, queue, want) in diary {
        let decision = scaler.decide(&seen(second, ready).metric("queue", queue));
        assert_eq!(decision.replicas, want, "{}", decision.explain());
    }
    assert_eq!(scaler.decide(&seen(3900, 1).metric("queue", 0.0)).replicas, 0);
}

/// Idle time and activity are remembered; what is set may have changed meanwhile.
#[test]
fn a_snapshot_keeps_the_grace_of_zero() {
    let text = r#"{"min_replicas": 0, "max_replicas": 5,
        "metrics": {"queue": {"kind": "total"}, "rps": {"kind": "total"}},
        "policies": [{"kind": "target", "metric": "queue", "target": 10}], "guards": [],
        "zero": {"triggers": [{"metric": "queue"}, {"metric": "rps", "activation": 2}],
                 "idle_grace": "5m", "initial_grace": 0}}"#;
    //           second, ready, queue, rps -> replicas
    let diary = [
        (0, 0, 0.0, 3.0, 1),
        (30, 1, 0.0, 2.0, 1), // has been active, so the initial grace is over
        (329, 1, 0.0, 0.0, 1),
        (330, 1, 0.0, 0.0, 0),
    ];
    let mut going = scaler(text);
    for (second, ready, queue, rps, want) in diary {
        let seen = seen(second, ready).metric("queue", queue).metric("rps", rps);
        let snapshot = going.snapshot().unwrap();
        let mut resumed = scaler(text);
        resumed.resume(&snapshot).unwrap();
        for scaler in [&mut going, &mut Autoscaler::restore(&snapshot).unwrap(), &mut resumed] {
            let decision = scaler.decide(&seen);
            assert_eq!(decision.replicas, want, "at {second} s: {}", decision.explain());
        }
    }
    let mut fresh = scaler(text);
    let idle = seen(0, 1).metric("queue", 0.0).metric("rps", 0.0);
    assert_eq!(fresh.decide(&idle).replicas, 0);
}

/// Work of a minute every half hour, 2 minutes to start: from a snapshot too it sleeps until just before.
#[test]
fn a_workload_at_zero_is_woken_before_its_work() {
    let text = r#"{"min_replicas": 0, "max_replicas": 5, "lead_time": "2m",
        "metrics": {"queue": {"kind": "total"}},
        "policies": [{"kind": "target", "metric": "queue", "target": 10}], "guards": [],
        "zero": {"metric": "queue", "learn_arrivals": true}}"#;
    let mut going = scaler(text);
    let mut ready = 0;
    let mut asked = Vec::new();
    for minute in 0..30 * 13 {
        let queue = if minute % 30 == 0 { 7.0 } else { 0.0 };
        let seen = seen(60 * minute, ready).metric("queue", queue);
        let mut twin = Autoscaler::restore(&going.snapshot().unwrap()).unwrap();
        let decision = going.decide(&seen);
        assert_eq!(twin.decide(&seen), decision, "at minute {minute}");
        ready = decision.replicas;
        if minute >= 30 * 12 {
            asked.push(ready);
        }
    }
    // Awake with the work, asleep after it, ready a tenth of the time and a start before the next.
    let mut want = vec![0; 30];
    want[0] = 1;
    want[26..].fill(1);
    assert_eq!(asked, want);
    let codes = codes(&mut going, &seen(60 * 30 * 13 + 60, 1).metric("queue", 0.0));
    assert!(codes.contains(&"arrival_due"), "{codes:?}");
}

#[test]
#[cfg(feature = "schedule")]
fn after_its_window_a_schedule_alone_says_why_it_shrinks() {
    let mut scaler = scaler(
        r#"{"min_replicas": 2, "max_replicas": 20, "guards": [],
            "policies": [{"kind": "schedule", "min_replicas": 10,
                "windows": [{"start": "1970-01-01T00:00", "end": "1970-01-01T01:00"}]}]}"#,
    );
    let open = codes(&mut scaler, &seen(60, 10));
    assert_eq!(open, ["schedule_floor", "minimum_suffices", "too_few_replicas"]);
    let decision = scaler.decide(&seen(3600, 10));
    assert_eq!(decision.replicas, 2);
    assert_eq!(
        decision.explain(),
        "Scale down from 10 to 2 replicas: schedule says nothing, as no window of the schedule is \
         open; combine says 2, as beside schedules nothing asks for more than the minimum of 2."
    );
}

#[test]
#[cfg(feature = "schedule")]
fn a_proposal_beside_a_schedule_is_told_last() {
    let mut scaler = scaler(
        r#"{"max_replicas": 20, "metrics": {"rps": {"kind": "total"}}, "guards": [],
            "policies": [{"kind": "target", "metric": "rps", "target": 100},
                {"kind": "schedule", "min_replicas": 4,
                 "windows": [{"start": "1970-01-01T00:00", "end": "1970-01-01T01:00"}]}]}"#,
    );
    let decision = scaler.decide(&seen(60, 4).metric("rps", 600.0));
    assert_eq!(decision.replicas, 6);
    assert_eq!(decision.steps.last().and_then(|step| step.replicas), Some(6));
}

#[test]
fn what_is_within_the_tolerance_of_a_mark_is_not_said_to_lie_between_the_marks() {
    let mut scaler = scaler(
        r#"{"max_replicas": 20, "metrics": {"cpu": {"kind": "utilization"}},
            "policies": [{"kind": "watermark", "metric": "cpu", "low": 0.4, "high": 0.7}]}"#,
    );
    let said = scaler.decide(&seen(0, 10).metric("cpu", 0.75)).explain();
    let want = "0.75 lies between the marks 0.4 and 0.7 or within their tolerance.";
    assert!(said.ends_with(want), "{said}");
}

fn predictive() -> Autoscaler {
    scaler(
        r#"{"max_replicas": 50, "metrics": {"rps": {"kind": "total"}}, "guards": [],
            "capacity": {"kind": "fixed", "metric": "rps", "load_per_replica": 100},
            "policies": [{"kind": "predictive", "metric": "rps", "quantile": 0.95, "forecaster":
                {"kind": "seasonal_naive", "season": "1h", "smooth": "0s"}}]}"#,
    )
}

fn hourly(minute: i64) -> f64 {
    if minute % 60 < 30 { 100.0 } else { 900.0 }
}

fn warmed_up(from: i64) -> Autoscaler {
    let mut scaler = predictive();
    let times: Vec<_> = (from..from + 600).map(|m| Timestamp::from_secs(60 * m)).collect();
    let values: Vec<_> = (from..from + 600).map(|m| Some(hourly(m))).collect();
    scaler.warm_up("rps", &times, &values).unwrap();
    scaler
}

/// As from seconds taken for milliseconds, or after a clock that was set back.
#[test]
fn a_forecast_that_begins_beyond_the_horizon_is_not_followed() {
    let mut future = warmed_up(1_000_000);
    let said = codes(&mut future, &seen(0, 3).metric("rps", 100.0));
    assert_eq!(said, ["time_went_back", "no_proposal"]);

    let mut set_back = warmed_up(60);
    let said = |scaler: &mut Autoscaler, minute: i64| {
        codes(scaler, &seen(60 * minute, 3).metric("rps", hourly(minute)))
    };
    assert_eq!(said(&mut set_back, 660), ["forecast"]);
    assert_eq!(said(&mut set_back, 600), ["time_went_back"]); // the clock's own word: held
    assert_eq!(said(&mut set_back, 601), ["time_went_back", "no_proposal"]);
    assert_eq!(said(&mut set_back, 602), ["forecast"]);
}

/// A host whose replicas carry 100 each and take 200 seconds to start.
#[test]
fn lead_time_and_capacity_are_learnt_and_told() {
    let text = r#"{"max_replicas": 50, "guards": [],
        "metrics": {"rps": {"kind": "total"}, "cpu": {"kind": "utilization"}},
        "lead_time": {"kind": "learned", "initial": "1m"},
        "capacity": {"kind": "learned", "metric": "rps", "utilization": "cpu", "window": 20},
        "policies": [{"kind": "target", "metric": "cpu", "target": 0.75, "tolerance": 0},
            {"kind": "predictive", "metric": "rps", "quantile": 0.95, "forecaster":
                {"kind": "seasonal_naive", "season": "1h", "smooth": "0s"}}]}"#;
    let mut scaler = scaler(text);
    let times: Vec<_> = (0..600).map(|m| Timestamp::from_secs(60 * m)).collect();
    let values: Vec<_> = (0..600).map(|m| Some(hourly(m))).collect();
    scaler.warm_up("rps", &times, &values).unwrap();

    let (mut ready, mut starting) = (2_u32, Vec::<i64>::new());
    let mut told = Vec::new();
    for second in (36_000..36_000 + 12 * 3600).step_by(15) {
        ready += starting.iter().filter(|&&at| at <= second).count() as u32;
        starting.retain(|&at| at > second);
        let load = hourly(second / 60);
        let used = (load / f64::from(ready) / 100.0).min(1.0);
        let seen = seen(second, ready).pending(starting.len() as u32);
        if second % 600 == 0 {
            scaler = Autoscaler::restore(&scaler.snapshot().unwrap()).unwrap();
        }
        let decision = scaler.decide(&seen.metric("rps", load).metric("cpu", used));
        let forecast = decision.steps.iter().find(|step| &*step.by == "predictive(rps)").unwrap();
        told.push((forecast.reason, decision.explain()));
        let (n, there) = (decision.replicas, ready + starting.len() as u32);
        (there..n).for_each(|_| starting.push(second + 200));
        let n_gone = there.saturating_sub(n);
        let n_cancelled = n_gone.min(starting.len() as u32);
        starting.truncate(starting.len() - n_cancelled as usize);
        ready -= n_gone - n_cancelled;
    }
    let (first, _) = &told[0];
    assert_eq!(first.code(), "capacity_unknown");
    assert_eq!(first.fact("needed_samples"), Some(5.0));
    let (last, sentence) = told.last().unwrap();
    assert_eq!((last.code(), last.fact("load_per_replica")), ("forecast", Some(75.0)));
    // Ready at the look 210 seconds after the decision, not yet at that of 195.
    assert_eq!(last.fact("lead_time_seconds"), Some(208.5), "{sentence}");
    assert!(sentence.contains("75 a replica as learnt from "), "{sentence}");
    assert!(sentence.contains("takes 208.5 s to start as learnt from "), "{sentence}");

    let other = text.replace("\"1m\"", "\"2m\"");
    let refused = self::scaler(&other).resume(&scaler.snapshot().unwrap()).unwrap_err().to_string();
    assert_eq!(refused, "holds other `lead_time` than the settings of this autoscaler");
}

#[test]
fn a_snapshot_of_other_settings_is_not_taken_up() {
    let snapshot = warmed_up(0).snapshot().unwrap();
    let text = String::from_utf8(snapshot).unwrap();
    predictive().resume(text.as_bytes()).unwrap();
    let wider = text.replacen(r#""max_replicas":50"#, r#""max_replicas":70"#, 1);
    assert_ne!(wider, text);
    predictive().resume(wider.as_bytes()).unwrap();
    let other = text.replacen(r#""load_per_replica":100"#, r#""load_per_replica":200"#, 1);
    assert_ne!(other, text);
    let error = predictive().resume(other.as_bytes()).unwrap_err().to_string();
    assert_eq!(error, "holds other `capacity` than the settings of this autoscaler");
}
