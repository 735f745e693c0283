use super::*;
use crate::forecast::testing::{
    MINUTE, beats_as_now, daily, hourly, recovers, sample, survives_a_snapshot, uniform,
};

const HOUR: Duration = Duration::from_secs(3600);

fn model() -> Harmonic {
    Harmonic::new(Config::default(), MINUTE).expect("defaults hold")
}

#[test]
fn covers_what_it_says_and_beats_as_now_on_a_smooth_day() {
    beats_as_now(|| Box::new(model()), &daily(6 * 1440, 0.8, 0.05, 31), 15, 2 * 1440, 0.7);
}

#[test]
fn days_and_weeks_are_found_together() {
    let days = |days: u32| Duration::from_secs(86_400 * days);
    let settings = Config { seasons: vec![days(7), days(1)], pairs: 3, memory: days(28) };
    let mut model = Harmonic::new(settings, HOUR).expect("in range");
    let load = |hour: usize| {
        let wave = |period: f64| (hour as f64 / period * std::f64::consts::TAU).sin();
        let root = 30.0 + 8.0 * wave(24.0) + 4.0 * wave(168.0) + 2.0 * wave(84.0);
        root * root
    };
    for hour in 0..24 * 28 {
        model.observe(sample(hour, Some(load(hour))));
    }
    for ahead in [1, 12, 84, 168] {
        let course = model.waves.at(24 * 28 + ahead).expect("solved");
        let truth = load(24 * 28 + ahead as usize - 1).sqrt();
        assert!((course - truth).abs() < 0.2, "{ahead}: {course} for {truth}");
    }
}

#[test]
fn a_spike_or_a_reset_is_over_after_two_days() {
    let hours = || Harmonic::new(Config::default(), HOUR).expect("in range");
    recovers(|| Box::new(hours()), &hourly(24 * 28, 1.0), 24 * 19, 48);
}

#[test]
fn a_snapshot_changes_no_answer() {
    let mut uniform = uniform(32);
    let holes = |load| Some(load).filter(|_| uniform() > 0.1);
    let loads: Vec<_> = hourly(24 * 14, 0.6).into_iter().map(holes).collect();
    let hours = || Harmonic::new(Config::default(), HOUR).expect("in range");
    survives_a_snapshot(|| Box::new(hours()), &loads);
}

#[test]
fn settings_out_of_range_are_refused() {
    let refused =
        |settings| Harmonic::new(settings, MINUTE).expect_err("out of range").path().to_owned();
    assert_eq!(refused(Config { seasons: vec![], ..Config::default() }), "seasons");
    let odd = vec![Duration::from_secs(90)];
    assert_eq!(refused(Config { seasons: odd, ..Config::default() }), "seasons[0]");
    assert_eq!(refused(Config { pairs: 33, ..Config::default() }), "pairs");
    assert_eq!(refused(Config { pairs: 0, ..Config::default() }), "pairs");
    assert_eq!(refused(Config { memory: HOUR, ..Config::default() }), "memory");
}
