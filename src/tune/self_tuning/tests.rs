//! Weeks of a live autoscaler on a plant, with a call to retune each night.

use serde_json::Value;

use super::*;
use crate::sim::{Plant, Settings};
use crate::tune::to_the_end;

const DAY: i64 = 86_400;
const INTERVAL: Duration = Duration::from_secs(60);
const LOAD_PER_REPLICA: f64 = 100.0;

fn config(target: f64, rest: &str) -> Config {
    Config::from_text(&format!(
        r#"{{"max_replicas": 60, "metrics": {{"cpu": {{"kind": "utilization"}}, "rps": {{"kind": "total"}}}},
             "policies": [{{"kind": "target", "metric": "cpu", "target": {target}}}]{rest}}}"#
    ))
    .unwrap()
}

fn settings(rest: &str) -> SelfTuningConfig {
    SelfTuningConfig::from_text(&format!(
        r#"{{"step": "5m", "record": "14d", "least": "2d", "shadow": "1d", "shadow_longest": "4d",
             "probation": "4d", "pause": "5d", "search": {{"settings": 12}}{rest}}}"#
    ))
    .unwrap()
}

/// A day's wave with some noise.
fn calm(at: Timestamp) -> f64 {
    let seconds = at.as_millis() as f64 / 1000.0;
    let mut random = crate::testing::uniform((seconds / 300.0) as u64);
    let wave = 1.5 - libm::cos(seconds / DAY as f64 * 2.0 * std::f64::consts::PI);
    600.0 * wave * (0.95 + 0.1 * random())
}

/// The same, with leaps to the double for ten minutes of each hour.
fn wild(at: Timestamp) -> f64 {
    let is_up = at.as_millis() / 1000 % 3600 < 600;
    calm(at) * if is_up { 2.0 } else { 1.0 }
}

/// A live workload.
struct Live {
    scaler: SelfTuning,
    plant: Plant,
    at: Timestamp,
    seen: Observation,
    replica_hours: f64,
    violation_minutes: f64,
}

impl Live {
    fn new(config: Config, settings: SelfTuningConfig) -> Self {
        let plant = Settings { interval: INTERVAL, missing: 0.02, ..Settings::default() };
        let at = Timestamp::from_secs(0);
        let mut seen = Observation::default();
        for metric in config.metrics.keys() {
            seen = seen.metric(metric, None);
        }
        Self {
            scaler: SelfTuning::new(config, settings).unwrap(),
            plant: Plant::new(&plant, LOAD_PER_REPLICA, at, 12, 300.0),
            at,
            seen,
            replica_hours: 0.0,
            violation_minutes: 0.0,
        }
    }

    fn tick(&mut self, load: fn(Timestamp) -> f64) {
        self.plant.observe(&mut self.seen);
        self.plant.request(self.scaler.decide(&self.seen).replicas);
        let tick = self.plant.pass(load(self.at));
        self.replica_hours += tick.paid / 3600.0;
        self.violation_minutes += f64::from(u8::from(tick.violated));
        self.at = self.at + INTERVAL;
    }

    fn days(&mut self, n: i64, load: fn(Timestamp) -> f64) {
        for _ in 0..n * DAY / 60 {
            self.tick(load);
        }
    }

    /// Days with a call each night.
    fn nights(&mut self, n: usize, load: fn(Timestamp) -> f64) -> Vec<Event> {
        (0..n)
            .map(|_| {
                self.days(1, load);
                self.scaler.retune(&to_the_end).unwrap().clone()
            })
            .collect()
    }

    fn target(&self) -> f64 {
        let config = serde_json::to_value(self.scaler.autoscaler().config()).unwrap();
        config["policies"][0]["target"].as_f64().unwrap()
    }
}

fn told(events: &[Event]) -> Vec<&str> {
    events.iter().map(|event| event.reason.code()).collect()
}

#[test]
fn a_badly_set_autoscaler_becomes_better_by_itself() {
    let mut own = Live::new(config(0.3, ""), settings(""));
    let mut other = Live::new(config(0.3, ""), settings(""));
    let events = own.nights(14, calm);
    other.days(14, calm);
    let codes = told(&events);
    assert_eq!(codes[..2], ["too_little_seen"; 2], "{codes:?}");
    let found = codes.iter().position(|code| *code == "proved_better").expect("found");
    let adopted = codes.iter().position(|code| *code == "adopted").expect("adopted");
    assert!(found < adopted && codes.contains(&"kept"), "{codes:?}");
    let event = &events[adopted];
    let change =
        event.changes.iter().find(|one| one.path == "policies[0].target").expect("changed");
    assert_eq!(change.from, 0.3);
    assert!(own.target() > 0.4 && event.is_change() && !events[found].is_change());
    assert!(event.explain().starts_with("Set "), "{}", event.explain());
    // The total, at the price of the objective.
    let total = |live: &Live| {
        live.replica_hours + 30.0 * live.violation_minutes / (14.0 * 1440.0) * other.replica_hours
    };
    assert!(total(&own) < 0.8 * total(&other), "{} {}", total(&own), total(&other));
    assert_eq!(own.scaler.events().len(), 14);
}

#[test]
fn after_the_world_has_changed_the_settings_before_come_back_and_nothing_is_tried_for_a_while() {
    let mut live = Live::new(config(0.4, ""), settings(""));
    let events = live.nights(5, calm);
    assert!(told(&events).contains(&"adopted"), "{:?}", told(&events));
    let adopted = live.target();
    assert!(adopted > 0.5, "{adopted}");
    let mut events = Vec::new();
    while live.target() == adopted && events.len() < 4 {
        events.extend(live.nights(1, wild));
    }
    assert_eq!(live.target(), 0.4, "{:?}", told(&events));
    let back = events.len() - 1;
    let target = events[back].changes.iter().find(|one| one.path == "policies[0].target").unwrap();
    assert_eq!((target.from.as_f64(), target.to.as_f64()), (Some(adopted), Some(0.4)));
    events.extend(live.nights(4, wild));
    let codes = told(&events);
    assert_eq!(codes[back], "rolled_back");
    assert!(codes[back + 1..].iter().all(|code| *code == "paused"), "{codes:?}");
}

#[test]
fn where_nothing_is_better_nothing_is_adopted() {
    let space = r#", "search": {"settings": 6, "space":
        [{"path": "policies[0].target", "from": 0.2, "to": 0.299}]}"#;
    let settings = SelfTuningConfig::from_text(&format!(r#"{{"step": "5m"{space}}}"#)).unwrap();
    let mut live = Live::new(config(0.3, ""), settings);
    let events = live.nights(6, calm);
    let codes = told(&events);
    assert!(codes[3..].iter().all(|code| *code == "nothing_better"), "{codes:?}");
    assert_eq!(live.target(), 0.3);
}

/// Other settings, another window: the replicas that there are stay for as long as that.
#[test]
fn an_adoption_alone_moves_no_replica_that_the_guards_hold() {
    let space = r#", "search": {"settings": 4, "space": [
        {"path": "policies[0].target", "values": [0.7]},
        {"path": "guards[0].scale_down", "values": [600]}]}"#;
    let text = format!(r#"{{"step": "5m", "shadow": "1d"{space}}}"#);
    let mut live = Live::new(config(0.3, ""), SelfTuningConfig::from_text(&text).unwrap());
    let events = live.nights(5, calm);
    assert_eq!(told(&events)[4], "adopted");
    let before = live.plant.replicas().existing();
    for minute in 0..20 {
        live.tick(calm);
        let now = live.plant.replicas().existing();
        if minute < 9 {
            assert_eq!(now, before, "{minute}");
        }
    }
    let after = live.plant.replicas().existing();
    assert!(after < before * 2 / 3, "{before} to {after}");
}

#[test]
fn it_goes_on_to_the_bit_from_any_snapshot() {
    let run = |restores: bool| {
        let mut live = Live::new(config(0.4, ""), settings(""));
        let mut codes = Vec::new();
        for day in 0..8 {
            for step in 0..48 {
                (0..30).for_each(|_| live.tick(if day < 5 { calm } else { wild }));
                if restores && step % 13 == day % 13 {
                    let snapshot = live.scaler.snapshot().unwrap();
                    live.scaler = SelfTuning::restore(&snapshot).unwrap();
                    assert_eq!(live.scaler.snapshot().unwrap(), snapshot);
                }
            }
            codes.push(live.scaler.retune(&to_the_end).unwrap().reason.code());
        }
        (codes, live.scaler.snapshot().unwrap(), live.replica_hours)
    };
    let whole = run(false);
    assert!(whole.0.contains(&"adopted"), "{:?}", whole.0);
    assert!(whole == run(true), "{:?}", whole.0);
}

#[test]
fn an_interruption_loses_nothing() {
    let mut live = Live::new(config(0.3, ""), settings(""));
    live.days(3, calm);
    let stops = |_: f64| std::ops::ControlFlow::Break(());
    let without_events = |live: &Live| {
        let mut value: Value = serde_json::from_slice(&live.scaler.snapshot().unwrap()).unwrap();
        value["events"] = Value::Null;
        value
    };
    let before = without_events(&live);
    assert_eq!(live.scaler.retune(&stops).unwrap().reason.code(), "interrupted");
    assert_eq!(without_events(&live), before);
    assert_eq!(live.scaler.retune(&to_the_end).unwrap().reason.code(), "proved_better");
    live.days(1, calm);
    let before = without_events(&live);
    assert_eq!(live.scaler.retune(&stops).unwrap().reason.code(), "interrupted");
    assert_eq!(without_events(&live), before);
    assert_eq!(live.scaler.retune(&to_the_end).unwrap().reason.code(), "adopted");
}

/// Broken readings, a clock that goes both ways, no replica: events, and never a panic.
#[test]
fn odd_input_is_answered() {
    let mut scaler = SelfTuning::new(config(0.5, ""), settings("")).unwrap();
    assert_eq!(scaler.retune(&to_the_end).unwrap().reason.code(), "capacity_unknown");
    let odd = [f64::NAN, f64::INFINITY, -1.0, 1e300, 0.0, 50.0];
    let mut random = crate::testing::uniform(9);
    for look in 0..20_000_i64 {
        let at = match look % 5000 {
            4000 => -900_000,
            4500 => i64::MAX / 2000,
            _ => 60 * look,
        };
        let mut pick = || odd[(random() * odd.len() as f64) as usize];
        let seen = Observation::at(Timestamp::from_secs(at)).ready((look % 7) as u32);
        scaler.decide(&seen.metric("rps", pick()).metric("cpu", pick()));
        if look % 900 == 0 {
            let _ = scaler.retune(&to_the_end);
            let snapshot = scaler.snapshot().unwrap();
            scaler = SelfTuning::restore(&snapshot).unwrap();
            assert_eq!(scaler.snapshot().unwrap(), snapshot);
        }
    }
    let cut = scaler.snapshot().unwrap();
    assert!(SelfTuning::restore(&cut[..cut.len() / 2]).is_err());
    assert!(Autoscaler::restore(&cut).is_err(), "it is another kind of snapshot");
}

/// A utilization alone: the load is in units of one fully used replica.
#[test]
fn a_utilization_is_enough() {
    let config = Config::from_text(
        r#"{"max_replicas": 60, "metrics": {"cpu": {"kind": "utilization"}}, "mode": "observe",
            "policies": [{"kind": "target", "metric": "cpu", "target": 0.3}]}"#,
    )
    .unwrap();
    let mut scaler = SelfTuning::new(config, settings("")).unwrap();
    for minute in 0..3 * 1440 {
        let at = Timestamp::from_secs(60 * minute);
        let seen = Observation::at(at).ready(40).metric("cpu", calm(at) / 4000.0);
        assert_eq!(scaler.decide(&seen).replicas, 40);
    }
    let event = scaler.retune(&to_the_end).unwrap();
    assert_eq!(event.reason.code(), "proved_better", "{}", event.explain());
    assert!(event.changes.iter().all(|change| change.path != "mode"), "{}", event.explain());
}
