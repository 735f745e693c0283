use super::*;
use crate::testing::uniform;

fn screen(text: &str, kind: MetricKind) -> Screen {
    Screen::new(serde_json::from_str(text).expect("settings"), kind).expect("in range")
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_secs(second)
}

/// A load around 900, a sample a minute, until minute `n`.
fn trained(text: &str, n: i64) -> Screen {
    let mut screen = screen(text, MetricKind::Total);
    let mut random = uniform(3);
    for minute in 0..n {
        let load = 850.0 + 100.0 * random();
        let found = screen.see(at(60 * minute), &load.into(), 9, || None);
        assert!(found.is_none(), "{found:?} at {minute}");
    }
    screen
}

/// The code of what is found, and the reading to act upon.
fn see(screen: &mut Screen, minute: i64, load: f64) -> (&'static str, Reading) {
    let reading = Reading::Number(load);
    match screen.see(at(60 * minute), &reading, 9, || Some(777.0)) {
        None => ("", reading),
        Some(found) => (found.reason.code(), found.reading.cloned().unwrap_or(reading)),
    }
}

#[test]
fn a_burst_waits_for_one_more_sample_and_a_glitch_never_moves_anything() {
    let mut screen = trained("{}", 100);
    assert_eq!(see(&mut screen, 100, 9_000.0), ("implausible_rise", Reading::Missing));
    assert_eq!(see(&mut screen, 101, 880.0).0, "");
    for (minute, load) in [(102, 3_000.0), (103, 5_000.0), (104, 12_000.0), (105, 50_000.0)] {
        let want = if minute == 102 { "implausible_rise" } else { "" };
        assert_eq!(see(&mut screen, minute, load).0, want, "at {minute}");
    }
}

#[test]
fn no_rise_waits_twice_however_it_goes_on() {
    for seed in 1..200 {
        let mut screen = trained("{}", 60);
        let mut random = uniform(seed);
        let mut held = 0;
        for minute in 60..80 {
            let load = 900.0 * libm::exp(5.0 * random());
            held =
                if see(&mut screen, minute, load).0 == "implausible_rise" { held + 1 } else { 0 };
            assert!(held < 2, "seed {seed}, minute {minute}");
        }
    }
}

#[test]
fn a_zero_is_held_for_an_hour_and_a_fall_for_ten_minutes() {
    for (load, code, minutes) in [(0.0, "zero_beside_load", 60), (20.0, "implausible_fall", 10)] {
        let mut screen = trained("{}", 100);
        let mut random = uniform(23);
        let mut low = || load * (0.9 + 0.2 * random());
        for minute in 0..minutes {
            assert_eq!(see(&mut screen, 100 + minute, low()), (code, Reading::Missing), "{minute}");
        }
        for minute in minutes..minutes + 100 {
            assert_eq!(see(&mut screen, 100 + minute, low()).0, "", "taken for true, {minute}");
        }
    }
}

#[test]
fn a_metric_that_is_often_idle_may_go_to_zero() {
    let mut screen = screen("{}", MetricKind::Total);
    let mut random = uniform(5);
    let mut n_found = 0;
    for minute in 0..5_000 {
        let load = if minute % 60 < 20 { 0.0 } else { 80.0 + 40.0 * random() };
        let code = see(&mut screen, minute, load).0;
        n_found += u32::from(code == "zero_beside_load" && minute > 100);
    }
    assert_eq!(n_found, 0);
}

#[test]
fn a_value_that_stands_still_is_found_by_how_long_this_metric_keeps_one() {
    // Read four times a minute, and new each minute: each value comes four times.
    let mut screen = screen("{}", MetricKind::Total);
    let mut random = uniform(7);
    let mut load = 0.0;
    for tick in 0..2_000 {
        if tick % 4 == 0 {
            load = 100.0 + 50.0 * random();
        }
        assert!(screen.see(at(15 * tick), &Reading::Number(load), 5, || None).is_none());
    }
    let mut first = None;
    for tick in 2_000..2_400 {
        let found = screen.see(at(15 * tick), &Reading::Number(load), 5, || None);
        if let Some(found) = found {
            assert_eq!(found.reason.code(), "stuck_value");
            first = first.or(Some(tick));
        } else if tick > 2_100 {
            let waited = 15 * (tick - first.expect("it was found"));
            assert!(waited >= 3_600, "taken for true after {waited} s");
        }
    }
    let after = first.expect("found") - 1_996;
    assert!((10..=16).contains(&after), "found after {after} ticks");
}

#[test]
fn a_full_machine_is_full_and_not_stuck() {
    let mut screen = screen("{}", MetricKind::Utilization);
    let mut random = uniform(9);
    for tick in 0..400 {
        let used = if tick < 200 { 0.5 + 0.2 * random() } else { 1.0 };
        let found = screen.see(at(15 * tick), &Reading::Number(used), 4, || None);
        assert!(found.is_none(), "{found:?} at {tick}");
    }
}

#[test]
fn a_utilization_that_halves_as_the_replicas_double_is_no_fall() {
    let mut screen = screen("{}", MetricKind::Utilization);
    let mut random = uniform(11);
    for tick in 0..400 {
        let ready = if tick < 200 { 2 } else { 40 };
        // The mean follows twice late, as metrics do.
        let used = if tick < 202 { 0.8 } else { 0.04 } * (0.95 + 0.1 * random());
        let found = screen.see(at(15 * tick), &Reading::Number(used), ready, || None);
        assert!(found.is_none(), "{found:?} at {tick}");
    }
}

#[test]
fn another_unit_is_held_longer_than_a_burst() {
    let mut screen = trained("{}", 200);
    for minute in 200..210 {
        let (code, reading) = see(&mut screen, minute, 900_000.0 + minute as f64);
        assert_eq!((code, reading), ("other_unit", Reading::Missing), "{minute}");
    }
    assert_eq!(see(&mut screen, 210, 900_000.0).0, "");
    // A backlog that was idle may leap by any factor.
    let mut queue = screen_of_queue();
    assert_eq!(see(&mut queue, 300, 4_000.0).0, "implausible_rise");
    assert_eq!(see(&mut queue, 301, 4_000.0).0, "");
}

fn screen_of_queue() -> Screen {
    let mut queue = screen("{}", MetricKind::Total);
    let mut random = uniform(13);
    for minute in 0..300 {
        let most = if minute < 250 { 100.0 } else { 6.0 };
        see(&mut queue, minute, (most * random()).floor());
    }
    queue
}

#[test]
fn each_treatment_does_what_it_says() {
    let told = |treatment: &str, load: f64| {
        let text = format!(r#"{{"rise": "{treatment}", "zero": "{treatment}"}}"#);
        see(&mut trained(&text, 100), 100, load).1
    };
    assert_eq!(told("hold", 9_000.0), Reading::Missing);
    assert_eq!(told("pass", 9_000.0), Reading::Number(9_000.0));
    assert_eq!(told("substitute", 9_000.0), Reading::Total { total: 777.0 });
    let Reading::Total { total } = told("cap", 9_000.0) else { panic!("a bound") };
    assert!((1_800.0..2_500.0).contains(&total), "{total}");
    let Reading::Total { total } = told("cap", 0.0) else { panic!("a bound") };
    assert!((1.0..90.0).contains(&total), "{total}");
}

#[test]
fn something_takes_the_place_of_readings_for_half_an_hour_only() {
    let mut screen = trained(r#"{"zero": "substitute", "invalid": "substitute"}"#, 100);
    for minute in 100..150 {
        let load = if minute % 2 == 0 { f64::NAN } else { 0.0 };
        let reading = see(&mut screen, minute, load).1;
        let stands_in = reading == Reading::Total { total: 777.0 };
        assert_eq!(stands_in, minute <= 130, "{minute}: {reading:?}");
    }
    // Without a forecast the last good value does.
    let mut screen = trained(r#"{"zero": "substitute"}"#, 100);
    let found = screen.see(at(6_000), &Reading::Number(0.0), 9, || None).expect("found");
    let Some(Reading::Total { total }) = found.reading else { panic!("{found:?}") };
    assert!((850.0..950.0).contains(total), "{total}");
    assert_eq!(found.reason.fact("stand_in"), Some(*total));
}

#[test]
fn one_replica_that_is_not_of_this_world_is_brought_back() {
    let mut screen = screen("{}", MetricKind::Utilization);
    let mut random = uniform(17);
    let mut replicas = |odd: Option<f64>| {
        let mut values: Vec<_> = (0..6).map(|_| Some(0.4 + 0.2 * random())).collect();
        values[2] = odd.or(values[2]);
        Reading::from(values)
    };
    for tick in 0..100 {
        assert!(screen.see(at(15 * tick), &replicas(None), 6, || None).is_none());
    }
    for (odd, code) in
        [(70.0, "replica_outlier"), (0.0, "replica_outlier"), (-1.0, "replica_invalid")]
    {
        let reading = replicas(Some(odd));
        let found = screen.see(at(1_500), &reading, 6, || None).expect("found");
        assert_eq!(found.reason.code(), code);
        let Some(Reading::PerReplica(believed)) = found.reading else { panic!("{found:?}") };
        let value = believed[2].value;
        assert!(value.is_none_or(|value| (0.05..3.5).contains(&value)), "{odd}: {value:?}");
        assert_eq!(value.is_none(), odd < 0.0);
    }
    let usual = replicas(None);
    assert!(screen.see(at(1_515), &usual, 6, || None).is_none());
}

#[test]
fn nothing_is_found_in_what_is_not_known_yet_nor_at_zero_replicas() {
    let mut screen = screen("{}", MetricKind::Total);
    for (minute, load) in [(0, 1.0), (1, 1e300), (2, 0.0), (3, 1e-300), (4, f64::NAN), (5, -1.0)] {
        assert_eq!(see(&mut screen, minute, load).0, "", "{load}");
    }
    let mut screen = trained("{}", 100);
    assert!(screen.see(at(6_000), &Reading::Number(1e6), 0, || None).is_none());
    assert!(screen.see(at(6_060), &Reading::Missing, 3, || None).is_none());
}

#[test]
fn restored_at_any_sample_it_goes_on_the_same_whatever_comes() {
    let mut random = uniform(19);
    let mut one = screen(r#"{"zero": "substitute", "rise": "cap"}"#, MetricKind::Total);
    let (mut second, mut n_found) = (0, 0);
    for sample in 0..3_000 {
        second += if random() < 0.02 { 4_000 } else { 15 };
        let load = match (random() * 40.0) as u32 {
            0 => 0.0,
            1 => 1e4 * random(),
            2 => f64::NAN,
            3 => 1e300,
            4 => 1e-300,
            5..9 => 100.0,
            _ => 80.0 + 40.0 * random(),
        };
        let mut two = screen(r#"{"zero": "substitute", "rise": "cap"}"#, MetricKind::Total);
        let text = one.save().expect("it can be saved").to_string();
        two.load(serde_json::from_str(&text).expect("JSON")).expect("its own state");
        let reading = Reading::Number(load);
        let told =
            |screen: &mut Screen| format!("{:?}", screen.see(at(second), &reading, 3, || None));
        let first = told(&mut one);
        assert_eq!(first, told(&mut two), "sample {sample}");
        n_found += u32::from(first != "None");
        assert_eq!(one.save().expect("saved"), two.save().expect("saved"));
    }
    assert!(n_found > 100, "{n_found}");
}

#[test]
fn settings_out_of_range_are_refused_by_name() {
    for (text, field) in [
        (r#"{"invalid": "cap"}"#, "invalid"),
        (r#"{"stuck": "cap"}"#, "stuck"),
        (r#"{"samples": 3}"#, "samples"),
    ] {
        let settings = serde_json::from_str(text).expect("settings");
        let error = Screen::new(settings, MetricKind::Total).expect_err(text);
        assert_eq!(error.path(), field);
    }
    for text in [r#""on""#, "3", r#"{"zeros": "hold"}"#, r#"{"zero": "keep"}"#] {
        assert!(serde_json::from_str::<Config>(text).is_err(), "{text}");
    }
    let off = serde_json::to_string(&Config::off()).expect("a text");
    assert_eq!(off, r#""off""#);
    let settings = Config { zero: Treatment::Pass, ..Config::default() };
    let text = serde_json::to_string(&settings).expect("a text");
    assert_eq!(serde_json::from_str::<Config>(&text).expect("its own text"), settings);
}

#[test]
fn a_damaged_state_is_refused() {
    let screen = trained("{}", 100);
    let good = screen.save().expect("saved").to_string();
    for (from, to) in [("\"level\":8", "\"level\":-8"), ("\"repeats\":1", "\"repeats\":-1")] {
        let damaged = good.replacen(from, to, 1);
        assert_ne!(damaged, good, "{from} in {good}");
        let value = serde_json::from_str(&damaged).expect("JSON");
        assert!(screen.clone().load(value).is_err(), "{to}");
    }
}
