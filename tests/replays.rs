//! Replays of real load: the same twice, and with a snapshot at every tick.
//!
//! Reads every trace of the folder `FORESCALE_TRACES` that is named below (default:
//! `../shared/traces` beside the repository), and says so where there is none; the generated week is
//! always tried. `FORESCALE_REPLAY_HOURS` sets how much of each trace's end is decided (default 2).

#![cfg(feature = "csv")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "the tests are told where traces lie")]

use std::fs::File;
use std::path::PathBuf;

use forescale::sim::{self, Trace};
use forescale::{Autoscaler, Duration, Observation};

/// Every kind of policy and guard, on the load alone.
const CONFIG: &str = r#"{
    "min_replicas": 1, "max_replicas": 80, "lead_time": "3m",
    "metrics": {"rps": {"kind": "total"}, "cpu": {"kind": "utilization"}},
    "capacity": {"kind": "fixed", "metric": "rps", "load_per_replica": LOAD},
    "policies": [
        {"kind": "target", "metric": "cpu", "target": 0.7},
        {"kind": "watermark", "metric": "cpu", "low": 0.3, "high": 0.8, "dwell_down": "2m"},
        {"kind": "schedule", "cron": "*/30 * * * *", "duration": "10m", "min_replicas": 3},
        {"kind": "predictive", "metric": "rps", "quantile": 0.9}
    ],
    "guards": [{"kind": "tolerance"}, {"kind": "stabilization"}, {"kind": "rate"},
               {"kind": "cooldown", "scale_up": "15s", "scale_down": "1m"}]
}"#;

fn traces() -> Vec<Trace> {
    let folder = std::env::var_os("FORESCALE_TRACES").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/traces")),
        PathBuf::from,
    );
    let mut traces = vec![sim::web_service(2, 1)];
    for name in ["wc98", "twitter_prod", "nab_elb_requests", "tweets_amzn"] {
        let file = folder.join(format!("{name}.csv.gz"));
        match File::open(&file) {
            Ok(file) => traces.push(Trace::from_csv(name, file).unwrap()),
            Err(error) => eprintln!("skipped: {}: {error}", file.display()),
        }
    }
    traces
}

fn hours() -> i64 {
    let given = std::env::var("FORESCALE_REPLAY_HOURS").ok();
    given.map_or(2, |text| text.parse().expect("`FORESCALE_REPLAY_HOURS` is a number of hours"))
}

#[test]
fn a_snapshot_at_every_tick_changes_no_decision() {
    for trace in traces() {
        let end = trace.start + trace.step.times(trace.values.len() as i64 - 1);
        let start = end - Duration::from_secs(3600).times(hours());
        let peak = trace.values.iter().copied().fold(1.0, f64::max);
        let load_per_replica = peak / 30.0;
        let config = CONFIG.replace("LOAD", &load_per_replica.to_string());

        let mut straight = Autoscaler::from_text(&config).unwrap();
        let history: Vec<_> = (0..trace.values.len())
            .map(|index| trace.start + trace.step.times(index as i64))
            .filter(|&at| at < start && start.since(at) <= Duration::from_secs(8 * 86_400))
            .collect();
        let loads: Vec<_> = history.iter().map(|&at| Some(trace.load(at))).collect();
        straight.warm_up("rps", &history, &loads).unwrap();
        let mut restored = Autoscaler::restore(&straight.snapshot().unwrap()).unwrap();

        let (mut ready, mut at, mut n_moves) = (5_u32, start, 0);
        while at <= end {
            let load = trace.load(at);
            let used = load / load_per_replica / f64::from(ready.max(1));
            let mut seen = Observation::at(at).ready(ready).metric("rps", load).metric("cpu", used);
            if at.as_millis() / 15_000 % 53 == 0 {
                seen.metrics.clear(); // a scrape that failed
            }
            let decision = straight.decide(&seen);
            assert_eq!(decision.to_json(), restored.decide(&seen).to_json(), "{}", trace.name);
            n_moves += u32::from(decision.replicas != ready);
            ready = decision.replicas;
            restored = Autoscaler::restore(&restored.snapshot().unwrap()).unwrap();
            at = at + Duration::from_secs(15);
        }
        assert_eq!(straight.snapshot().unwrap(), restored.snapshot().unwrap(), "{}", trace.name);
        assert!(n_moves > 0, "{}: nothing ever moved", trace.name);
    }
}

#[test]
fn two_replays_agree_to_the_byte() {
    let settings = sim::Settings::from_text(r#"{"scored": "6h", "decisions": true}"#).unwrap();
    for trace in traces() {
        let load_per_replica = settings.capacity_on(&trace).unwrap();
        let config = CONFIG.replace("LOAD", &load_per_replica.to_string());
        let run = || {
            let mut scaler = Autoscaler::from_text(&config).unwrap();
            sim::replay(&mut scaler, &trace, &settings).unwrap().to_json()
        };
        assert_eq!(run(), run(), "{}", trace.name);
    }
}

#[test]
fn a_comparison_on_all_cores_is_its_replays_one_by_one() {
    let trace = sim::web_service(2, 3);
    let settings = sim::Settings::from_text(r#"{"scored": "3h", "crashes_per_day": 5}"#).unwrap();
    let load_per_replica = settings.capacity_on(&trace).unwrap().to_string();
    let config = CONFIG.replace("LOAD", &load_per_replica);
    let configs: Vec<_> = [0.5, 0.6, 0.7, 0.8]
        .map(|target| {
            (
                format!("at {target}"),
                config.replace("\"target\": 0.7", &format!("\"target\": {target}")),
            )
        })
        .into();
    let comparison = sim::compare(&trace, &settings, &configs, &|_| {}).unwrap();
    for ((name, config), mut together) in configs.iter().zip(comparison.reports) {
        let mut scaler = Autoscaler::from_text(config).unwrap();
        let alone = sim::replay(&mut scaler, &trace, &settings).unwrap();
        assert_eq!(&together.name, name);
        together.name.clone_from(&alone.name);
        assert_eq!(together.to_json(), alone.to_json(), "{name}");
    }
}

/// Who must learn how long a replica takes to start and what it carries does about as well as who
/// knows: the first day goes by with what it begins with.
#[test]
fn what_is_learnt_does_about_as_well_as_what_is_known() {
    let trace = sim::web_service(3, 2);
    let settings = sim::Settings::from_text(r#"{"crashes_per_day": 0.5}"#).unwrap();
    let load_per_replica = settings.capacity_on(&trace).unwrap();
    let run = |lead_time: &str, capacity: &str| {
        let config = format!(
            r#"{{"max_replicas": 90, "lead_time": {lead_time},
                "metrics": {{"rps": {{"kind": "total"}}, "cpu": {{"kind": "utilization"}}}},
                "capacity": {{"metric": "rps", "target_utilization": 0.8, {capacity}}},
                "policies": [{{"kind": "target", "metric": "cpu", "target": 0.8}},
                             {{"kind": "predictive", "metric": "rps", "quantile": 0.95, "forecaster": "harmonic"}}]}}"#
        );
        let mut scaler = Autoscaler::from_text(&config).unwrap();
        let report = sim::replay(&mut scaler, &trace, &settings).unwrap();
        (report, scaler)
    };
    let known = format!(r#""kind": "fixed", "load_per_replica": {load_per_replica}"#);
    let (known, _) = run(r#""144s""#, &known);
    let (learnt, scaler) = run(
        r#"{"kind": "learned", "initial": "30s"}"#,
        r#""kind": "learned", "utilization": "cpu""#,
    );
    let cost = learnt.score.replica_hours / known.score.replica_hours;
    assert!((0.95..1.05).contains(&cost), "{cost}");
    let more = learnt.score.violation_minutes - known.score.violation_minutes;
    assert!(more < 15.0, "{more} minutes of violation more in three days");

    // A forecast tells what it goes by, but only while it is believed; the snapshot always.
    let saved: serde_json::Value = serde_json::from_slice(&scaler.snapshot().unwrap()).unwrap();
    let config: forescale::Config = scaler.config().clone();
    let mut lead_time = config.lead_time.build().unwrap();
    lead_time.load(Some(saved["lead_time"].clone())).unwrap();
    let mut capacity = config.capacity.unwrap().build().unwrap();
    capacity.load(saved["capacity"].clone()).unwrap();
    // Start-ups are 96 to 144 seconds, seen at looks 15 seconds apart.
    let lead_time = lead_time.in_force().as_secs_f64();
    assert!((125.0..165.0).contains(&lead_time), "{lead_time}");
    let load = capacity.load_per_replica().unwrap() / 0.8 / load_per_replica;
    assert!((0.95..1.05).contains(&load), "{load}");
    eprintln!("cost {cost}, violation minutes {more} more, lead time {lead_time}, load {load}");
}

#[test]
fn a_better_informed_autoscaler_comes_nearer_to_the_clairvoyant_bound() {
    // Three weeks with the same daily course: the forecast sees the morning coming.
    let trace = sim::web_service(3, 2);
    let settings = sim::Settings::default();
    let load_per_replica = settings.capacity_on(&trace).unwrap();
    let head = format!(
        r#"{{"max_replicas": 90, "metrics": {{"rps": {{"kind": "total"}}, "cpu": {{"kind": "utilization"}}}},
            "capacity": {{"kind": "fixed", "metric": "rps", "load_per_replica": {load_per_replica}, "target_utilization": 0.8}},
            "policies": [{{"kind": "target", "metric": "cpu", "target": 0.8}}"#
    );
    let run = |more: &str| {
        let mut scaler = Autoscaler::from_text(&format!("{head}{more}]}}")).unwrap();
        sim::replay(&mut scaler, &trace, &settings).unwrap()
    };
    let reactive = run("");
    // Two minutes ahead little more can be known than the level of the load: it takes a model with
    // several weeks in it to be believed for more than a few hours.
    let predictive = run(
        r#", {"kind": "predictive", "metric": "rps", "quantile": 0.95, "forecaster": "harmonic"}"#,
    );
    let clairvoyant = &predictive.bounds.clairvoyant;
    assert!(predictive.score.violation_minutes < reactive.score.violation_minutes);
    assert!(clairvoyant.replica_hours < predictive.score.replica_hours);
    assert!(clairvoyant.violation_minutes <= predictive.score.violation_minutes);
}
