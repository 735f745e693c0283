use proptest::prelude::*;

use super::*;
use crate::testing::{cases, uniform};
use crate::time::Timestamp;

fn learned(more: &str) -> Result<Learned, Error> {
    let text = format!(r#"{{"metric": "rps", "utilization": "cpu"{more}}}"#);
    Learned::new(serde_json::from_str(&text).expect("of the right types"))
}

fn full(learned: &Learned) -> Option<f64> {
    learned.full
}

/// `n` looks 15 seconds apart at four replicas that carry `capacity` each at full use, at a
/// utilization between 0.3 and 0.9 that is `noise` off.
fn watch(learned: &mut Learned, looks: std::ops::Range<i64>, capacity: f64, noise: f64, seed: u64) {
    let mut uniform = uniform(seed);
    for look in looks {
        let load = capacity * 4.0 * (0.3 + 0.6 * uniform());
        let used = load / capacity / 4.0 * (1.0 + noise * (2.0 * uniform() - 1.0));
        see(learned, look, 4, load, used);
    }
}

fn see(learned: &mut Learned, look: i64, ready: u32, load: f64, used: f64) {
    let at = Timestamp::from_secs(15 * look);
    learned.observe(&Seen { at, ready, load: Some(load), other: Some(used) });
}

#[test]
fn abstains_until_a_quarter_of_the_window_is_seen_and_says_how_much() {
    let mut learned = learned("").expect("in range");
    watch(&mut learned, 0..18, 100.0, 0.0, 1); // the first minute settles
    let reason = learned.load_per_replica().expect_err("14 of 15");
    assert_eq!(reason.code(), "capacity_unknown");
    let facts = (reason.fact("n_samples"), reason.fact("needed_samples"));
    assert_eq!(facts, (Some(14.0), Some(15.0)));
    watch(&mut learned, 18..19, 100.0, 0.0, 1);
    let load = learned.load_per_replica().expect("15 are enough");
    assert!((load - 75.0).abs() < 1e-9, "{load}");
    assert_eq!(learned.n_samples(), Some(15));
}

#[test]
fn an_initial_load_fades_into_what_is_seen() {
    let mut learned = learned(r#", "load_per_replica": 100"#).expect("in range");
    assert_eq!(learned.load_per_replica(), Ok(75.0));
    let mut before = 75.0;
    for look in 0..40 {
        watch(&mut learned, look..look + 1, 200.0, 0.0, 2);
        let load = learned.load_per_replica().expect("always known");
        assert!(load >= before && load <= before * Learned::STEP + 1e-9, "{load} after {before}");
        before = load;
    }
    assert!((before - 150.0).abs() < 1e-9, "{before}");
}

/// A tenth of noise to both sides is a quarter of a tenth in the median.
#[test]
fn noise_is_averaged_out() {
    let mut learned = learned("").expect("in range");
    watch(&mut learned, 0..300, 100.0, 0.1, 3);
    for look in 300..600 {
        watch(&mut learned, look..look + 1, 100.0, 0.1, look as u64);
        let full = full(&learned).expect("known");
        assert!((full - 100.0).abs() < 4.0, "{full}");
    }
}

#[test]
fn a_release_that_halves_the_capacity_is_followed_after_half_a_window_and_sixteen_samples() {
    for (noise, seed) in [(0.0, 4), (0.1, 5), (0.1, 6)] {
        let mut learned = learned("").expect("in range");
        watch(&mut learned, 0..200, 100.0, noise, seed);
        watch(&mut learned, 200..200 + 60 / 2 + 16, 50.0, noise, seed + 100);
        let halved = full(&learned).expect("known");
        assert!((halved - 50.0).abs() < 5.0, "{halved}");
    }
}

#[test]
fn outliers_of_less_than_half_of_the_samples_do_not_move_it_beyond_the_others() {
    let mut learned = learned("").expect("in range");
    watch(&mut learned, 0..100, 100.0, 0.05, 7);
    for look in 100..400 {
        let load = if look % 5 < 2 { 1e9 } else { 240.0 };
        see(&mut learned, look, 4, load, 0.6);
        let full = full(&learned).expect("known");
        assert!((90.0..110.0).contains(&full), "{full} at {look}");
    }
}

#[test]
fn a_saturated_load_is_no_more_than_an_upper_bound() {
    // Twice what they carry comes to four replicas: 200 each, at a utilization of 1.
    let mut stranger = learned("").expect("in range");
    (0..100).for_each(|look| see(&mut stranger, look, 4, 800.0, 1.0));
    assert_eq!(stranger.n_samples(), Some(0), "demand is not capacity");
    watch(&mut stranger, 100..200, 100.0, 0.0, 8);
    (200..300).for_each(|look| see(&mut stranger, look, 4, 800.0, 1.0));
    assert!((full(&stranger).expect("known") - 100.0).abs() < 1e-9);
    // But where they carry less than is believed, that is so.
    (300..400).for_each(|look| see(&mut stranger, look, 4, 200.0, 0.99));
    assert!((full(&stranger).expect("known") - 50.0).abs() < 1e-9, "{stranger:?}");
}

#[test]
fn what_tells_nothing_is_not_learnt_from() {
    let mut learned = learned("").expect("in range");
    watch(&mut learned, 0..100, 100.0, 0.0, 9);
    let before = learned.clone();
    let at = Timestamp::from_secs(15 * 100);
    for (ready, load, other) in [
        (4, None, Some(0.5)),
        (4, Some(200.0), None),
        (4, Some(0.0), Some(0.5)),
        (4, Some(200.0), Some(0.0)),
        (4, Some(200.0), Some(0.09)), // too little of it is load
        (4, Some(f64::NAN), Some(0.5)),
        (4, Some(f64::INFINITY), Some(0.5)),
        (4, Some(200.0), Some(f64::NAN)),
        (4, Some(f64::MAX), Some(0.11)),
    ] {
        learned.observe(&Seen { at, ready, load, other });
        assert_eq!(learned, before, "{ready} {load:?} {other:?}");
    }
    see(&mut learned, 100, 0, 200.0, 0.5);
    assert_eq!(full(&learned), full(&before), "none is ready");
}

#[test]
fn replicas_that_have_just_got_ready_are_not_learnt_from() {
    let mut learned = learned("").expect("in range");
    watch(&mut learned, 0..100, 100.0, 0.0, 10);
    // Every two minutes the number doubles or halves, and for a minute the readings are wrong.
    for look in 100..500 {
        let ready = if look / 8 % 2 == 0 { 4 } else { 8 };
        let used = if look % 8 < 4 { 0.9 } else { 0.5 };
        see(&mut learned, look, ready, f64::from(ready) * 50.0, used);
        let full = full(&learned).expect("known");
        assert!((full - 100.0).abs() < 1e-9, "{full} at {look}");
    }
    assert!(learned.n_samples() > Some(200));
    // Crash loops change the number all the while: nothing is learnt.
    let n_samples = learned.n_samples();
    (500..700).for_each(|look| see(&mut learned, look, 3 + look as u32 % 2, 100.0, 0.9));
    assert_eq!(learned.n_samples(), n_samples);
}

#[test]
fn an_idle_utilization_that_is_known_is_taken_off() {
    let mut learned =
        learned(r#", "idle_utilization": 0.2, "target_utilization": 0.7"#).expect("in range");
    for look in 0..100 {
        let used = [0.3, 0.5, 0.8][look as usize % 3];
        see(&mut learned, look, 4, 400.0 * (used - 0.2), used);
    }
    let load = learned.load_per_replica().expect("known");
    assert!((load - 50.0).abs() < 1e-9, "{load}");
}

#[test]
fn settings_out_of_range_are_refused_by_name() {
    for (more, field) in [
        (r#", "load_per_replica": 0"#, "load_per_replica"),
        (r#", "target_utilization": 0"#, "target_utilization"),
        (r#", "target_utilization": 0.3, "idle_utilization": 0.3"#, "target_utilization"),
        (r#", "idle_utilization": 0.6"#, "idle_utilization"),
        (r#", "headroom": -1"#, "headroom"),
        (r#", "window": 4"#, "window"),
    ] {
        assert_eq!(learned(more).expect_err(more).path(), field);
    }
    let same = serde_json::from_str(r#"{"metric": "cpu", "utilization": "cpu"}"#).expect("types");
    assert_eq!(Learned::new(same).expect_err("the same").path(), "utilization");
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn whatever_is_seen_it_is_a_load_or_a_reason_and_a_snapshot_changes_nothing(
        looks in prop::collection::vec(
            (0_i64..100, 0_u32..4, prop::option::of(prop::num::f64::ANY), prop::option::of(0.0..2.0)),
            1..200,
        ),
    ) {
        let mut straight = learned(r#", "settle": 0, "window": 9"#).expect("in range");
        let mut restored = straight.clone();
        for (seconds, ready, load, other) in looks {
            let seen = Seen { at: Timestamp::from_secs(seconds), ready, load, other };
            straight.observe(&seen);
            restored.observe(&seen);
            if let Ok(load) = straight.load_per_replica() {
                prop_assert!(load.is_finite() && load > 0.0, "{load}");
            }
            let text = serde_json::to_string(&restored).expect("a snapshot");
            restored = serde_json::from_str(&text).expect("its own");
            prop_assert_eq!(&straight, &restored);
        }
    }
}
