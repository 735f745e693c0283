use proptest::prelude::*;

use super::*;
use crate::testing::{cases, uniform};
use crate::time::Timestamp;

fn latency(more: &str) -> Result<Latency, Error> {
    let text = format!(
        r#"{{"metric": "rps", "latency": "p95_ms", "objective": 250, "headroom": 0{more}}}"#
    );
    Latency::new(serde_json::from_str(&text).expect("of the right types"))
}

/// A replica that takes `service` milliseconds alone and carries `capacity` at most.
#[derive(Clone, Copy)]
struct Replica {
    service: f64,
    capacity: f64,
}

impl Replica {
    const USUAL: Self = Self { service: 50.0, capacity: 100.0 };

    fn latency(self, load: f64) -> f64 {
        // What waits too long is turned away.
        if load < self.capacity { self.service / (1.0 - load / self.capacity) } else { 30_000.0 }
            .min(30_000.0)
    }

    /// Where the latency comes to the objective of 250.
    fn carries(self) -> f64 {
        self.capacity * (1.0 - self.service / 250.0)
    }
}

/// Looks 15 seconds apart at four such replicas, whose load swings over two hours between the
/// shares `low` and `high` of what `around` carries; the latency is off by `noise` to both sides.
fn watch(
    latency: &mut Latency,
    looks: std::ops::Range<i64>,
    replica: Replica,
    (low, high): (f64, f64),
    noise: f64,
) {
    let mut uniform = uniform(looks.start as u64 + 1);
    for look in looks {
        let swing = 0.5 - 0.5 * libm::cos(look as f64 / 480.0 * std::f64::consts::TAU);
        let load = 100.0 * (low + (high - low) * swing);
        let read = replica.latency(load) * (1.0 + noise * (2.0 * uniform() - 1.0));
        see(latency, look, load, read);
    }
}

fn see(latency: &mut Latency, look: i64, load: f64, read: f64) {
    let at = Timestamp::from_secs(15 * look);
    latency.observe(&Seen { at, ready: 4, load: Some(4.0 * load), other: Some(read) });
}

fn load(latency: &Latency) -> f64 {
    latency.load_per_replica().expect("it is known")
}

#[test]
fn the_load_at_the_objective_is_found_from_loads_below_it() {
    let mut latency = latency("").expect("in range");
    watch(&mut latency, 0..960, Replica::USUAL, (0.3, 0.7), 0.0);
    assert!((load(&latency) - Replica::USUAL.carries()).abs() < 1.0, "{}", load(&latency));
    assert_eq!(latency.n_samples(), Some(956)); // the first minute settles
}

/// Two days, a fifth of noise to both sides.
#[test]
fn noise_moves_it_by_less_than_a_sixth() {
    let mut latency = latency("").expect("in range");
    watch(&mut latency, 0..960, Replica::USUAL, (0.3, 0.75), 0.2);
    for day in 1..24 {
        watch(&mut latency, 480 * (day + 1)..480 * (day + 2), Replica::USUAL, (0.3, 0.75), 0.2);
        let error = load(&latency) / Replica::USUAL.carries() - 1.0;
        assert!(error.abs() < 0.17, "{error} on day {day}");
    }
}

#[test]
fn replicas_that_become_twice_as_slow_are_followed_after_three_blocks_and_the_steps() {
    let mut latency = latency("").expect("in range");
    watch(&mut latency, 0..960, Replica::USUAL, (0.2, 0.45), 0.05);
    let slow = Replica { service: 100.0, capacity: 50.0 };
    // 80 before, 30 now: three blocks until the median is theirs, five steps of 1.25.
    let n_looks = 8 * (3 + 5);
    watch(&mut latency, 960..960 + n_looks, slow, (0.2, 0.45), 0.05);
    let error = load(&latency) / slow.carries() - 1.0;
    assert!(error.abs() < 0.2, "{error}");
}

#[test]
fn a_saturated_load_is_no_more_than_an_upper_bound() {
    let mut latency = latency("").expect("in range");
    watch(&mut latency, 0..960, Replica::USUAL, (0.3, 0.7), 0.0);
    let before = load(&latency);
    (960..1200).for_each(|look| see(&mut latency, look, 300.0, 30_000.0));
    assert_eq!(load(&latency), before, "300 come, that does not mean that more is carried");
    (1200..1400).for_each(|look| see(&mut latency, look, 60.0, 30_000.0));
    assert_eq!(load(&latency), 60.0, "60 are already too many");
}

#[test]
fn nothing_is_told_far_beyond_what_was_seen() {
    let mut latency = latency("").expect("in range");
    watch(&mut latency, 0..960, Replica::USUAL, (0.1, 0.3), 0.0);
    assert!((load(&latency) - 45.0).abs() < 0.1, "{}", load(&latency));
}

#[test]
fn loads_that_are_alike_tell_no_slope_and_the_reason_says_so() {
    let mut latency = latency("").expect("in range");
    watch(&mut latency, 0..960, Replica::USUAL, (0.5, 0.51), 0.1);
    let reason = latency.load_per_replica().expect_err("one point is no line");
    assert_eq!(reason.code(), "loads_too_alike");
    let facts = ["n_samples", "n_comparisons", "needed_comparisons"].map(|name| reason.fact(name));
    assert_eq!(facts, [Some(956.0), Some(0.0), Some(16.0)]);
    // Nor does a latency that falls with the load.
    let mut latency = self::latency("").expect("in range");
    for look in 0..960 {
        let load = 40.0 + 30.0 * (look % 480) as f64 / 480.0;
        see(&mut latency, look, load, 200.0 - load);
    }
    assert!(latency.load_per_replica().is_err());
}

#[test]
fn an_objective_below_the_latency_of_an_idle_replica_is_out_of_reach() {
    let mut latency = latency("").expect("in range");
    let slow = Replica { service: 300.0, capacity: 100.0 };
    watch(&mut latency, 0..960, slow, (0.2, 0.6), 0.0);
    let reason = latency.load_per_replica().expect_err("300 are above 250");
    assert_eq!(reason.code(), "objective_unreachable");
    let unloaded = reason.fact("latency").expect("a fact");
    assert!((unloaded - 300.0).abs() < 3.0, "{unloaded}");
    watch(&mut latency, 960..1200, Replica::USUAL, (0.2, 0.6), 0.0);
    assert!(latency.load_per_replica().is_ok(), "the next release is faster");
}

#[test]
fn an_initial_load_holds_until_the_slope_is_known() {
    let mut latency = latency(r#", "load_per_replica": 20"#).expect("in range");
    watch(&mut latency, 0..40, Replica::USUAL, (0.3, 0.7), 0.0);
    assert_eq!(load(&latency), 20.0);
    watch(&mut latency, 40..960, Replica::USUAL, (0.3, 0.7), 0.0);
    assert!((load(&latency) - 80.0).abs() < 1.0, "{}", load(&latency));
}

#[test]
fn what_tells_nothing_is_not_learnt_from() {
    let mut latency = latency("").expect("in range");
    watch(&mut latency, 0..960, Replica::USUAL, (0.3, 0.7), 0.0);
    let before = latency.clone();
    for (load, other) in [
        (None, Some(100.0)),
        (Some(200.0), None),
        (Some(0.0), Some(100.0)),
        (Some(200.0), Some(0.0)),
        (Some(f64::NAN), Some(100.0)),
        (Some(200.0), Some(f64::INFINITY)),
        (Some(f64::MAX), Some(100.0)),
    ] {
        latency.observe(&Seen { at: Timestamp::from_secs(15 * 960), ready: 4, load, other });
        assert_eq!(latency, before, "{load:?} {other:?}");
    }
    // Crash loops change the number all the while.
    for look in 960..1100 {
        let (at, ready) = (Timestamp::from_secs(15 * look), 3 + look as u32 % 2);
        latency.observe(&Seen { at, ready, load: Some(9.0), other: Some(9000.0) });
    }
    assert_eq!(load(&latency), load(&before));
}

#[test]
fn settings_out_of_range_are_refused_by_name() {
    for (more, field) in [
        (r#""objective": 0"#, "objective"),
        (r#""objective": 1, "headroom": 11"#, "headroom"),
        (r#""objective": 1, "load_per_replica": -1"#, "load_per_replica"),
    ] {
        let text = format!(r#"{{"metric": "rps", "latency": "p95", {more}}}"#);
        let settings = serde_json::from_str(&text).expect("of the right types");
        assert_eq!(Latency::new(settings).expect_err(more).path(), field);
    }
    let same = r#"{"metric": "rps", "latency": "rps", "objective": 1}"#;
    let same = serde_json::from_str(same).expect("of the right types");
    assert_eq!(Latency::new(same).expect_err("the same").path(), "latency");
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn whatever_is_seen_it_is_a_load_or_a_reason_and_a_snapshot_changes_nothing(
        looks in prop::collection::vec(
            (
                0_i64..100,
                0_u32..4,
                prop::option::of(prop_oneof![4 => 0.0..100.0, 1 => prop::num::f64::ANY]),
                prop::option::of(prop_oneof![4 => 0.0..1000.0, 1 => prop::num::f64::ANY]),
            ),
            1..400,
        ),
    ) {
        let mut straight = latency(r#", "settle": 0"#).expect("in range");
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
