use super::*;
use crate::forecast::testing::{MINUTE, daily, sample, survives_a_snapshot, uniform};

const DAY: usize = 1440;

fn model(text: &str) -> Regressors {
    let settings: Config = serde_json::from_str(text).expect("of the right types");
    Regressors::new(settings, MINUTE).expect("in range")
}

fn minute(minute: usize) -> Timestamp {
    sample(minute, None).at
}

/// Tells a value for each minute.
fn tell(model: &mut Regressors, name: &str, from: usize, values: &[f64]) {
    let times: Vec<_> = (from..from + values.len()).map(minute).collect();
    model.regressor(name, &times, values).expect("a regressor");
}

fn median(model: &Regressors, ahead: usize) -> f64 {
    let mut forecast = Forecast::default();
    model.forecast(ahead, &[0.5], &mut forecast).expect("enough history");
    forecast.row(ahead - 1)[0]
}

/// An upstream's load comes ten minutes later as 0.6 times as much; it jumps at random.
#[test]
fn the_lag_and_the_gain_of_an_upstream_are_learnt() {
    let mut random = uniform(5);
    let mut level = 100.0;
    let mut upstream = Vec::new();
    for at in 0..1500 {
        if at % 40 == 0 {
            level = 50.0 + 400.0 * random();
        }
        upstream.push(level);
    }
    let mut model =
        model(r#"{"forecaster": "naive", "regressors": {"upstream": {}, "noise": {}}}"#);
    let loads: Vec<_> = (0..1490)
        .map(|at| {
            let came = if at < 10 { 100.0 } else { upstream[at - 10] };
            0.6 * came * (1.0 + 0.03 * (random() + random() - 1.0))
        })
        .collect();
    for (at, &load) in loads.iter().enumerate() {
        tell(&mut model, "upstream", at, &[upstream[at]]);
        tell(&mut model, "noise", at, &[100.0 * random()]);
        model.observe(sample(at, Some(load)));
    }
    // Inputs are in the order of their names.
    let [noise, upstream_input] = &model.inputs[..] else { panic!("two") };
    assert_eq!(noise.effect(minute(1489)), 0.0);
    let share = upstream_input.effect(minute(1489)) / upstream[1479].sqrt();
    assert!((share / 0.6_f64.sqrt() - 1.0).abs() < 0.05, "{share}");
    for ahead in [1, 5, 10] {
        let truth = 0.6 * upstream[1489 + ahead - 10];
        let load = median(&model, ahead);
        assert!((load / truth - 1.0).abs() < 0.1, "{ahead}: {load} for {truth}");
    }
}

#[test]
fn a_campaign_that_is_told_ahead_is_expected() {
    let mut model = model(r#"{"regressors": {"campaign": {"lags": ["0s"]}}}"#);
    let runs = |at: usize| (at / DAY).is_multiple_of(2) && (600..700).contains(&(at % DAY));
    let loads = daily(9 * DAY, 0.5, 0.05, 2);
    let (times, flags): (Vec<_>, Vec<_>) =
        (0..9 * DAY).map(|at| (minute(at), f64::from(u8::from(runs(at))))).unzip();
    let now = 8 * DAY + 590;
    let load = |at: usize| loads[at] * if runs(at) { 1.8 } else { 1.0 };
    for at in 0..=now {
        if at % DAY == 0 {
            // A day ahead.
            let day = at..(at + 2 * DAY).min(9 * DAY);
            model.regressor("campaign", &times[day.clone()], &flags[day]).expect("a regressor");
        }
        model.observe(sample(at, Some(load(at))));
    }
    let mut forecast = Forecast::default();
    model.forecast(130, &[0.5], &mut forecast).expect("enough history");
    for ahead in [5, 20, 60, 100, 125] {
        let (expected, truth) = (forecast.row(ahead - 1)[0], load(now + ahead));
        assert!((expected / truth - 1.0).abs() < 0.15, "{ahead}: {expected} for {truth}");
    }
}

#[test]
fn a_regressor_without_effect_changes_nothing() {
    let mut random = uniform(7);
    let loads = daily(2 * DAY, 0.5, 0.1, 3);
    let mut with = model(r#"{"forecaster": "naive", "regressors": {"noise": {}}}"#);
    let naive = ForecasterConfig::from_text("naive").expect("a kind");
    let mut without = naive.build(MINUTE).expect("in range");
    let mut n_moved = 0;
    for (at, &load) in loads.iter().enumerate() {
        tell(&mut with, "noise", at, &[50.0 * random()]);
        with.observe(sample(at, Some(load)));
        without.observe(sample(at, Some(load)));
        n_moved += usize::from(with.inputs[0].effect(minute(at)) != 0.0);
    }
    assert_eq!(n_moved, 0);
    let mut plain = Forecast::default();
    without.forecast(10, &[0.5], &mut plain).expect("enough history");
    assert_eq!(plain.row(9)[0], median(&with, 10));
}

/// Saturdays and Sundays bring half; the epoch began on a Thursday.
#[test]
fn a_holiday_is_like_a_sunday_and_then_like_the_last_one() {
    let load = |at: usize| {
        let day = at / DAY;
        let share = match day {
            18 | 25 => 0.3, // Mondays, and holidays
            day if matches!((day + 3) % 7, 5 | 6) => 0.5,
            _ => 1.0,
        };
        share * (1000.0 + 500.0 * f64::from(u8::from((480..1080).contains(&(at % DAY)))))
    };
    let mut model = model(r#"{"holidays": ["1970-01-19", "1970-01-26"]}"#);
    let mut sunday = self::model(r#"{"holidays": ["1970-01-19", "1970-01-26"], "like": "sunday"}"#);
    let noon = |day: usize| day * DAY + 720;
    for at in 0..=noon(25) - 60 {
        if at == noon(18) - 60 || at == noon(25) - 60 {
            let expected = model.days.as_ref().expect("holidays").effect(minute(at + 60));
            let usual = 1500.0_f64.sqrt();
            let share = if at < noon(19) { 0.5 } else { 0.3 };
            let like = (share * 1500.0_f64).sqrt();
            assert!((expected - (like - usual)).abs() < 1.0, "{expected} {}", like - usual);
            let told = sunday.days.as_ref().expect("holidays").effect(minute(at + 60));
            assert!((told - ((0.5 * 1500.0_f64).sqrt() - usual)).abs() < 1.0, "{told}");
        }
        model.observe(sample(at, Some(load(at))));
        sunday.observe(sample(at, Some(load(at))));
    }
    let ahead = median(&model, 60);
    assert!((ahead / 450.0 - 1.0).abs() < 0.15, "{ahead}");
}

#[test]
fn a_snapshot_changes_no_answer() {
    let loads: Vec<_> = (daily(2000, 0.8, 0.1, 4).into_iter().enumerate())
        .map(|(minute, load)| Some(load).filter(|_| minute % 97 > 3))
        .collect();
    let text = r#"{"forecaster": "naive", "holidays": ["1970-01-02"], "regressors": {"flag": {}}}"#;
    let told = || {
        let mut model = model(text);
        let flags: Vec<_> = (0..2000).map(|at| f64::from(u8::from(at % 50 < 20))).collect();
        tell(&mut model, "flag", 0, &flags);
        model
    };
    survives_a_snapshot(|| Box::new(told()), &loads);
    let text = serde_json::to_string(&told()).expect("a snapshot");
    for (from, to) in [
        (r#""chosen":0"#, r#""chosen":99"#),
        (r#""name":"flag""#, r#""name":"flog""#),
        (r#""xx":0.0"#, r#""xx":-1.0"#),
        (r#""means":[0.0,"#, r#""means":["#),
    ] {
        let damaged = text.replace(from, to);
        assert!(damaged != text, "{from}");
        assert!(serde_json::from_str::<Regressors>(&damaged).is_err(), "{to}");
    }
}

#[test]
fn what_is_told_must_be_a_series_of_a_known_regressor() {
    let mut model = model(r#"{"regressors": {"flag": {}}}"#);
    let times = [minute(1), minute(2)];
    let mut refused = |name: &str, times: &[Timestamp], values: &[f64]| {
        let before = serde_json::to_string(&model).expect("a snapshot");
        let error = model.regressor(name, times, values).expect_err("refused");
        assert_eq!(serde_json::to_string(&model).expect("a snapshot"), before);
        error.path().to_owned()
    };
    assert_eq!(refused("flog", &times, &[1.0, 0.0]), "name");
    assert_eq!(refused("flag", &times, &[1.0]), "values");
    assert_eq!(refused("flag", &times, &[1.0, f64::NAN]), "values[1]");
    assert_eq!(refused("flag", &[times[1], times[0]], &[1.0, 0.0]), "times[1]");
    // A flood, one in two calls, and what is told anew.
    let many: Vec<_> = (0..100_001).map(minute).collect();
    assert_eq!(refused("flag", &many, &vec![1.0; 100_001]), "values");
    tell(&mut model, "flag", 0, &[1.0, 1.0]);
    tell(&mut model, "flag", 1, &vec![1.0; 100_000]);
    assert_eq!(model.inputs[0].root(minute(0)), None);
    assert_eq!(model.inputs[0].root(minute(1)), Some(1.0));
    let mut model = self::model(r#"{"regressors": {"flag": {}}}"#);
    tell(&mut model, "flag", 5, &[1.0, 1.0, 1.0]);
    tell(&mut model, "flag", 6, &[4.0]);
    assert_eq!(model.inputs[0].root(minute(5)), Some(1.0));
    assert_eq!(model.inputs[0].root(minute(9)), Some(2.0));
    assert_eq!(model.inputs[0].root(minute(4)), None);
}

#[test]
fn settings_out_of_range_are_refused() {
    for (text, path) in [
        ("{}", "regressors"),
        (r#"{"regressors": {"a": {"lags": []}}}"#, "regressors.a.lags"),
        (r#"{"regressors": {"a": {"lags": ["2d"]}}}"#, "regressors.a.lags"),
        (r#"{"holidays": ["2026-02-30"]}"#, "holidays[0]"),
        (r#"{"holidays": ["2026-02-01"], "time_zone": "Mars/North"}"#, "time_zone"),
        (
            r#"{"regressors": {"a": {}}, "forecaster": {"kind": "seasonal_naive", "season": "90s"}}"#,
            "forecaster.season",
        ),
    ] {
        let settings: Config = serde_json::from_str(text).expect("of the right types");
        assert_eq!(Regressors::new(settings, MINUTE).expect_err(text).path(), path, "{text}");
    }
}
