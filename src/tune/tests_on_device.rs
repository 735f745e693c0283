//! A search on the device: what it recommends is the live code's word.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use super::tests::{options, plant, wasteful, waves};
use super::*;
use crate::gpu::{Choice, Device};
use crate::testing::adapter;

fn on_device(settings: usize) -> Option<Options> {
    Some(Options { device: Device::Gpu, choice: adapter()?, ..options(settings) })
}

/// The recommended settings alone, by the processor.
fn by_live_code(found: &Tuning, config: &Config, trace: &Trace) -> Tuning {
    let changes = found.recommended.changes.iter();
    let space = changes.map(|change| Dimension::values(&change.path, [change.value.clone()]));
    let options = Options { space: Some(space.collect()), ..options(1) };
    tune(config, trace, &plant(), &options, &to_the_end).expect("it was tuned before")
}

#[test]
fn what_the_device_finds_is_confirmed_by_the_live_code() {
    let Some(options) = on_device(48) else { return };
    let trace = waves(8);
    let tuning = tune(&wasteful(), &trace, &plant(), &options, &to_the_end).unwrap();
    assert_eq!(tuning.reason.code(), "proved_better");
    assert_ne!(tuning.device, "cpu");
    assert_eq!((tuning.n_on_device, tuning.not_on_device.as_ref()), (tuning.n_tried, None));
    let off = tuning.off_by.expect("somebody was replayed once more");
    assert!(off.violation_share < 1e-3 && off.replica_hours_per_day < 1.0, "{off:?}");
    let alone = by_live_code(&tuning, &wasteful(), &trace);
    assert_eq!(alone.device, "cpu");
    assert_eq!(alone.recommended.selected, tuning.recommended.selected);
    assert_eq!(alone.recommended.expected, tuning.recommended.expected);
    assert_eq!(alone.current, tuning.current);
    // All of them were replayed to the end, so it is at least as good as a race on the cores.
    let cores = Options { device: Device::Cpu, ..options };
    let other = tune(&wasteful(), &trace, &plant(), &cores, &to_the_end).unwrap();
    let usual = tuning.current.selected.replica_hours_per_day;
    let badness =
        |tuning: &Tuning| tuning.objective.badness(&tuning.recommended.selected, usual).1 / usual;
    assert!(badness(&tuning) <= badness(&other) + 0.02, "{} {}", badness(&tuning), badness(&other));
}

fn predictive() -> Config {
    Config::from_text(
        r#"{"max_replicas": 60, "metrics": {"rps": {"kind": "total"}},
            "capacity": {"kind": "fixed", "metric": "rps", "load_per_replica": 40},
            "policies": [{"kind": "predictive", "metric": "rps",
                          "forecaster": {"kind": "naive"}}]}"#,
    )
    .expect("whole")
}

/// As `predictive` comes, by the space that it has by default.
#[test]
fn quantiles_and_risks_are_replayed_there() {
    let Some(options) = on_device(40) else { return };
    let tuning = tune(&predictive(), &waves(8), &plant(), &options, &to_the_end).unwrap();
    assert_eq!((tuning.n_on_device, tuning.not_on_device.as_ref()), (tuning.n_tried, None));
    assert!(tuning.n_tried > 20);
    let off = tuning.off_by.expect("somebody was replayed once more");
    assert!(off.violation_share < 1e-3 && off.replica_hours_per_day < 1.0, "{off:?}");
    assert_eq!(by_live_code(&tuning, &predictive(), &waves(8)).current, tuning.current);
}

/// Guards that are known there, others by the live code: one search.
#[test]
fn what_the_device_cannot_replay_goes_the_ordinary_way() {
    let Some(options) = on_device(12) else { return };
    let kinds = [
        json!([]),
        json!([{"kind": "stabilization"}]),
        json!([{"kind": "cooldown"}]),
        json!([{"kind": "flap_budget"}]),
    ];
    let space = Some(vec![Dimension::values("guards", kinds)]);
    let options = Options { space, ..options };
    let tuning = tune(&predictive(), &waves(4), &plant(), &options, &to_the_end).unwrap();
    assert_eq!((tuning.n_tried, tuning.n_on_device), (4, 2));
    assert!(tuning.not_on_device.unwrap().contains("a guard is none of"));

    let faulty = Settings { crashes_per_day: 1.0, ..plant() };
    let tuning = tune(&wasteful(), &waves(4), &faulty, &options_of_target(&options), &to_the_end);
    let tuning = tuning.unwrap();
    assert_eq!((tuning.device.as_str(), tuning.n_on_device), ("cpu", 0));
    assert_eq!(tuning.not_on_device.as_deref(), Some("the plant has faults"));
}

fn options_of_target(options: &Options) -> Options {
    let space = Some(vec![Dimension::range("policies[0].target", 0.3, 0.8).in_grains(0.01)]);
    Options { space, settings: 4, ..options.clone() }
}

#[test]
fn an_interruption_on_the_device_recommends_nothing() {
    let Some(options) = on_device(32) else { return };
    let asked = AtomicUsize::new(0);
    let count = |_: f64| {
        asked.fetch_add(1, Ordering::Relaxed);
        ControlFlow::Continue(())
    };
    tune(&wasteful(), &waves(4), &plant(), &options, &count).unwrap();
    let whole = asked.load(Ordering::Relaxed);
    for share in [0.0, 0.5, 0.9] {
        let left = AtomicUsize::new((whole as f64 * share) as usize);
        let stop = |done: f64| {
            assert!((0.0..=1.0).contains(&done));
            match left.load(Ordering::Relaxed) {
                0 => ControlFlow::Break(()),
                n => {
                    left.store(n - 1, Ordering::Relaxed);
                    ControlFlow::Continue(())
                }
            }
        };
        let tuning = tune(&wasteful(), &waves(4), &plant(), &options, &stop).unwrap();
        assert!(tuning.is_partial && !tuning.is_change() && !tuning.front.is_empty(), "{share}");
        assert_eq!(tuning.reason.code(), "interrupted");
    }
}

#[test]
fn a_device_that_is_not_there_is_named_and_auto_does_without() {
    let off = Options { device: Device::Gpu, choice: Choice::off(), ..options(8) };
    let error = tune(&wasteful(), &waves(4), &plant(), &off, &to_the_end).unwrap_err();
    assert_eq!(error.path(), "device");
    assert!(error.to_string().contains("no adapter was found"), "{error}");
    let auto = Options { device: Device::Auto, choice: Choice::off(), ..options(8) };
    let tuning = tune(&wasteful(), &waves(4), &plant(), &auto, &to_the_end).unwrap();
    let cores = tune(&wasteful(), &waves(4), &plant(), &options(8), &to_the_end).unwrap();
    assert_eq!(tuning, cores);
}
