//! The predictive loop by a risk, in closed loop on a generated load.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use forescale::sim::{Plant, Report, Settings, Trace, replay, web_service};
use forescale::{Autoscaler, Duration, Observation, Timestamp};

fn ran(policy: &str) -> Report {
    on(&web_service(3, 7), policy)
}

fn on(trace: &Trace, policy: &str) -> Report {
    let settings = Settings { scored: "3d".parse().unwrap(), ..Settings::default() };
    let full = settings.capacity_on(trace).unwrap();
    let config = format!(
        r#"{{"max_replicas": 90, "metrics": {{"rps": {{"kind": "total"}}, "cpu": {{"kind": "utilization"}}}},
            "capacity": {{"kind": "fixed", "metric": "rps", "load_per_replica": {full}}},
            "lead_time": "2m", "policies": [{policy}]}}"#
    );
    replay(&mut Autoscaler::from_text(&config).unwrap(), trace, &settings).unwrap()
}

fn by_risk(risk: f64) -> Report {
    ran(&format!(r#"{{"kind": "predictive", "metric": "rps", "risk": {risk}}}"#))
}

#[test]
fn it_is_cheaper_than_the_usual_hpa_and_keeps_to_its_risk() {
    let hpa = ran(r#"{"kind": "target", "metric": "cpu", "target": 0.7}"#);
    let own = by_risk(0.01);
    let (cost, usual) = (own.score.replica_hours, hpa.score.replica_hours);
    assert!(cost < 0.9 * usual, "{cost} replica-hours, the HPA {usual}");
    assert!(own.score.violation_share() <= 0.01, "{}", own.score.violation_share());
}

/// Nothing but the metric is told: on load with a pattern and on load without one it has fewer violations
/// than the usual HPA, for fewer replicas.
#[test]
fn by_default_it_is_better_than_the_usual_hpa_in_both() {
    for trace in [web_service(9, 7), bursts()] {
        let hpa = on(&trace, r#"{"kind": "target", "metric": "cpu", "target": 0.7}"#);
        let own = on(&trace, r#"{"kind": "predictive", "metric": "rps"}"#);
        let (cost, usual) = (own.score.replica_hours, hpa.score.replica_hours);
        assert!(cost < usual, "{cost} replica-hours, the HPA {usual}");
        let (late, usual) = (own.score.violation_minutes, hpa.score.violation_minutes);
        assert!(late <= usual, "{late} minutes in violation, the HPA {usual}");
    }
}

/// A week that triples for 20 minutes at any time, about once an hour.
fn bursts() -> Trace {
    let mut state = 7_u64;
    let mut random = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as f64 / f64::from(1_u32 << 31)
    };
    let mut left = 0;
    let values = (0..9 * 1440).map(|_| {
        if left == 0 && random() < 1.0 / 60.0 {
            left = 20;
        }
        left -= i32::from(left > 0);
        (if left > 0 { 900.0 } else { 300.0 }) * (0.95 + 0.1 * random())
    });
    let (start, step) = (Timestamp::from_secs(0), Duration::from_secs(60));
    Trace::new("bursts", start, step, values.collect()).unwrap()
}

#[test]
fn more_risk_is_cheaper_and_later() {
    let reports = [0.002, 0.02, 0.2].map(by_risk);
    let costs = reports.iter().map(|report| report.score.replica_hours);
    assert!(costs.collect::<Vec<_>>().is_sorted_by(|careful, bold| careful > bold));
    let shares: Vec<_> = reports.iter().map(|report| report.score.violation_share()).collect();
    assert!(shares.is_sorted(), "{shares:?}");
}

/// What is needed again before a replica could be back is not taken away.
#[test]
fn a_dip_shorter_than_the_lead_time_takes_nothing_away() {
    let mut scaler = Autoscaler::from_text(
        r#"{"max_replicas": 90, "metrics": {"rps": {"kind": "total"}}, "lead_time": "5m",
            "capacity": {"kind": "fixed", "metric": "rps", "load_per_replica": 100}, "guards": [],
            "policies": [{"kind": "predictive", "metric": "rps", "risk": 0.01}]}"#,
    )
    .unwrap();
    let mut replicas = 20;
    for tick in 0..4 * 600 {
        let dips = tick >= 2000 && tick % 40 < 12;
        let load = if dips { 700.0 } else { 1000.0 } + f64::from(tick * 7 % 11);
        let at = Timestamp::from_secs(15 * i64::from(tick));
        let seen = Observation::at(at).ready(replicas).metric("rps", load);
        replicas = scaler.decide(&seen).replicas;
        assert!(tick < 2000 || replicas >= 10, "{replicas} at tick {tick}");
    }
}

#[test]
fn a_risk_and_a_quantile_exclude_each_other() {
    let error = Autoscaler::from_text(
        r#"{"max_replicas": 9, "metrics": {"rps": {"kind": "total"}},
            "capacity": {"kind": "fixed", "metric": "rps", "load_per_replica": 100},
            "policies": [{"kind": "predictive", "metric": "rps", "risk": 0.01, "quantile": 0.9}]}"#,
    )
    .unwrap_err();
    let want = "`policies[0].risk` is given, must be absent where `quantile` is set";
    assert_eq!(error.to_string(), want);
}

/// A load that is measured where it is served: it quadruples, and behind the full fleet nobody sees how
/// much there is. The minutes until it is carried, and how often the fleet was called saturated.
fn minutes_until_carried(policy: &str) -> (u32, usize) {
    const FULL: f64 = 100.0;
    let settings = Settings { missing: 0.0, ..Settings::default() };
    let start = Timestamp::from_secs(1_767_571_200);
    let minute = Duration::from_secs(60);
    let load = |k: i64| 1000.0 + 200.0 * (k as f64 / 1440.0 * std::f64::consts::TAU).sin();
    let mut scaler = Autoscaler::from_text(&format!(
        r#"{{"max_replicas": 90, "lead_time": "2m", "metrics": {{"rps": {{"kind": "total"}}}},
            "capacity": {{"kind": "fixed", "metric": "rps", "load_per_replica": {FULL}}},
            "policies": [{policy}]}}"#
    ))
    .unwrap();
    let times: Vec<_> = (0..4 * 1440).map(|k| start + minute.times(k)).collect();
    let values: Vec<_> = (0..4 * 1440).map(|k| Some(load(k))).collect();
    scaler.warm_up("rps", &times, &values).unwrap();
    let from = start + minute.times(4 * 1440);
    let mut plant = Plant::new(&settings, FULL, from, 13, load(0));
    let mut seen = Observation::default().metric("rps", None);
    let (mut served, mut waiting, mut n_saturated) = ([load(0); 2], 0.0, 0);
    for tick in 0..4 * 300_i64 {
        plant.observe(&mut seen);
        seen = seen.metric("rps", served[0]);
        let decision = scaler.decide(&seen);
        n_saturated +=
            decision.steps.iter().filter(|step| step.reason.code() == "saturated").count();
        plant.request(decision.replicas);
        let offered = load(tick / 4) * if tick < 4 * 60 { 1.0 } else { 4.0 };
        let span = plant.pass(offered);
        let done = (span.came + waiting - span.waiting - span.dropped) / 15.0;
        (served, waiting) = ([served[1], done], span.waiting);
        if tick < 4 * 60 {
            assert_eq!(n_saturated, 0, "in ordinary running, at {tick}");
        } else if span.capacity >= offered {
            return ((tick - 4 * 60) as u32 / 4, n_saturated);
        }
    }
    (u32::MAX, n_saturated)
}

#[test]
fn a_saturated_fleet_that_hides_its_load_is_found_out_fast() {
    for risk in ["0.01", "\"auto\""] {
        let policy = format!(r#"{{"kind": "predictive", "metric": "rps", "risk": {risk}}}"#);
        let (minutes, n_saturated) = minutes_until_carried(&policy);
        assert!(minutes <= 20 && n_saturated > 0, "risk {risk}: {minutes} min, {n_saturated}");
    }
}

/// Over a week and its flash crowd and outage, with the load measured where it comes.
#[test]
fn an_ordinary_load_is_not_called_saturated() {
    let settings =
        Settings { scored: "7d".parse().unwrap(), decisions: true, ..Settings::default() };
    let trace = web_service(4, 7);
    let full = settings.capacity_on(&trace).unwrap();
    let config = format!(
        r#"{{"max_replicas": 90, "metrics": {{"rps": {{"kind": "total"}}}}, "lead_time": "2m",
            "capacity": {{"kind": "fixed", "metric": "rps", "load_per_replica": {full}}},
            "policies": [{{"kind": "predictive", "metric": "rps"}}]}}"#
    );
    let report = replay(&mut Autoscaler::from_text(&config).unwrap(), &trace, &settings).unwrap();
    let is_saturated = |step: &forescale::Step| step.reason.code() == "saturated";
    let n = report.decisions.iter().filter(|one| one.steps.iter().any(is_saturated)).count();
    assert!(n < report.decisions.len() / 1000, "{n} of {}", report.decisions.len());
}
