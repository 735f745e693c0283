use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn at(second: i64) -> Timestamp {
    Timestamp::from_secs(second)
}

fn window(seconds: u32) -> Window {
    Window::new(Duration::from_secs(seconds), SECOND, Weighting::Linear).expect("in range")
}

fn recorded(seconds: u32, values: &[(i64, f64)]) -> Window {
    let mut window = window(seconds);
    for &(second, value) in values {
        window.record(at(second), value);
    }
    window
}

#[test]
fn a_huge_value_that_has_left_leaves_nothing_behind() {
    let mut window = recorded(5, &[(0, 0.1), (1, 1e300), (2, 0.2)]);
    window.record(at(6), 0.3);
    assert_eq!(window.total(), 0.5);
}

#[test]
fn sums_beyond_the_largest_stay_there() {
    let window = recorded(5, &[(0, f64::MAX), (0, f64::MAX), (1, f64::MAX)]);
    assert_eq!(window.total(), 2.0 * Window::LARGEST);
    assert_eq!(window.average(at(1)), Window::LARGEST);
    assert_eq!(recorded(5, &[(0, f64::NAN), (0, f64::INFINITY)]).span, None);
}

#[test]
fn a_long_window_adds_all_of_its_slots() {
    let values: Vec<_> = (0..5000).map(|second| (second, second as f64)).collect();
    let window = recorded(3601, &values);
    // 1399 + ... + 4999
    assert_eq!(window.total(), 3601.0 * 3199.0);
    assert_eq!(window.average(at(5000)), (3601.0 * 3199.0 - 1399.0) / 3600.0);
}

#[test]
fn filling_speaks_for_the_time_since_the_reading_before() {
    let mut window = window(60);
    for step in 0..40 {
        let before = (step > 0).then(|| at(step * 15 - 15));
        window.fill(before, at(step * 15), step as f64);
    }
    assert_eq!(window.average(at(585)), (36.0 + 37.0 + 38.0 + 39.0) / 4.0);
    // A gap longer than the window fills it whole; one in the same slot replaces it.
    window.fill(Some(at(585)), at(9000), 7.0);
    assert_eq!(window.total(), 420.0);
    window.fill(Some(at(9000)), at(9000), 1.0);
    assert_eq!(window.total(), 414.0);
    assert!(!window.fill(None, at(8940), 1.0), "too late");
    assert!(!window.fill(None, at(9001), f64::NAN));
    // Within the window, order does not matter.
    assert!(window.fill(Some(at(8900)), at(8942), 0.0));
    assert_eq!(window.total(), 400.0);
}

#[test]
fn resizing_forgets_what_is_older_than_the_old_window() {
    let values = [(0, 1.0), (1, 2.0), (2, 3.0), (3, 4.0), (4, 5.0)];
    for (second, want) in [(9, 15.0), (10, 0.0)] {
        let mut window = recorded(5, &values);
        window.resize(Duration::from_secs(10), at(second)).expect("in range");
        assert_eq!(window.total(), want, "resized at {second} s");
    }
    let mut window = recorded(5, &values);
    assert!(window.resize(Duration::ZERO, at(4)).is_err());
    assert_eq!(window, recorded(5, &values));
    // Of the same number of slots but another length: counts as full.
    let mut window = Window::new(Duration::from_secs(5), Duration::from_secs(2), Weighting::Linear)
        .expect("in range");
    window.record(at(0), 6.0);
    window.resize(Duration::from_secs(6), at(0)).expect("in range");
    assert_eq!(window.average(at(0)), 2.0);
}

#[test]
fn the_ends_of_time_do_no_harm() {
    for weighting in [Weighting::Linear, Weighting::Exponential] {
        let mut window = Window::new(Duration::from_secs(3), Duration::from_millis(1), weighting)
            .expect("in range");
        for millis in [i64::MIN, i64::MAX, 0, i64::MAX - 1, i64::MIN + 1] {
            let at = Timestamp::from_millis(millis);
            window.record(at, 1.0);
            window.fill(Some(Timestamp::from_millis(i64::MIN)), at, 1.0);
            assert!(window.average(at).is_finite());
            assert!(window.slots().count() <= 3000);
            window.resize(Duration::from_secs(2), at).expect("in range");
            window.resize(Duration::from_secs(3), at).expect("in range");
        }
    }
}

#[test]
fn windows_of_nothing_or_of_too_many_slots_are_refused() {
    let day = Duration::from_secs(86_400);
    for (window, granularity, path) in [
        (Duration::ZERO, SECOND, "window"),
        (day, Duration::from_millis(1), "window"),
        (day, Duration::ZERO, "granularity"),
    ] {
        let error = Window::new(window, granularity, Weighting::Linear).expect_err(path);
        assert_eq!(error.path(), path);
    }
}

#[test]
fn a_snapshot_goes_on_and_a_damaged_one_is_refused() {
    let mut window = recorded(5, &[(3, 0.1), (4, 0.2), (8, 0.3)]);
    let text = serde_json::to_string(&window).expect("a snapshot");
    let mut restored: Window = serde_json::from_str(&text).expect("its own snapshot");
    assert_eq!(restored, window);
    window.record(at(11), 0.7);
    restored.record(at(11), 0.7);
    assert_eq!(restored.total().to_bits(), window.total().to_bits());
    for (part, damage) in [
        (r#""window":"5s""#, r#""window":"6s""#),
        (r#""window":"5s""#, r#""window":"100d""#),
        (r#""granularity":"1s""#, r#""granularity":"0s""#),
        (r#""first":3"#, r#""first":12"#),
        (r#"{"first":3,"latest":8}"#, "null"),
        ("0.3", "null"),
    ] {
        let damaged = text.replace(part, damage);
        assert_ne!(damaged, text, "`{part}` is not in it");
        assert!(serde_json::from_str::<Window>(&damaged).is_err(), "{damaged}");
    }
}

#[test]
fn rounding_leaves_what_has_no_decimals() {
    assert_eq!(round_digits(f64::MAX, 6), f64::MAX);
    assert_eq!(round_digits(2.5, 0), 3.0);
    assert_eq!(round_digits(-2.5, 0), -3.0);
    assert_eq!(round_digits(1.0, u32::MAX), 1.0);
}
