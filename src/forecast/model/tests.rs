use super::*;
use crate::forecast::testing::{MINUTE, daily};

fn hourly() -> ForecasterConfig {
    ForecasterConfig::from_text(r#"{"kind": "seasonal_naive", "season": "1h", "smooth": "0s"}"#)
        .expect("settings")
}

fn model() -> Model {
    Model::new(hourly(), MINUTE).expect("in range")
}

fn state(model: &Model) -> String {
    String::from_utf8(model.snapshot().expect("a snapshot")).expect("JSON is UTF-8")
}

/// What the model has learnt, without how the readings came.
fn learnt(model: &Model) -> String {
    model.forecaster.save().expect("it can be saved").to_string()
}

fn seconds(seconds: impl IntoIterator<Item = i64>) -> Vec<Timestamp> {
    seconds.into_iter().map(Timestamp::from_secs).collect()
}

/// Minutes from `first` on, in seconds.
fn minutes(first: i64, n: usize) -> Vec<Timestamp> {
    seconds((0..n as i64).map(|minute| first + 60 * minute))
}

fn loads(n: usize) -> Vec<Option<f64>> {
    daily(n, 0.5, 0.1, 3).into_iter().map(Some).collect()
}

/// A forecaster fed by hand with samples whose steps end from `first` on, in seconds.
fn by_hand(first: i64, values: &[Option<f64>]) -> String {
    let mut model = hourly().build(MINUTE).expect("in range");
    for (&at, &value) in minutes(first, values.len()).iter().zip(values) {
        model.observe(Sample { at, value });
    }
    model.save().expect("it can be saved").to_string()
}

#[test]
fn values_on_any_even_grid_are_taken_as_they_are_and_none_stays_open() {
    for first in [0, 60, 17, -3_599, 1_767_600_007] {
        let values = loads(300);
        let times = minutes(first, 300);
        let want = by_hand(first, &values);
        let mut at_once = model();
        at_once.observe(&times, &values).expect("even");
        assert_eq!(learnt(&at_once), want, "from {first} s");
        let forecast = at_once.forecast(5, &[0.5]).expect("in range").expect("five hours");
        assert_eq!((forecast.issued_at, forecast.horizon()), (times[299], 5));

        let mut one_by_one = model();
        for (&at, &value) in times.iter().zip(&values) {
            one_by_one.observe(&[at], &[value]).expect("even");
        }
        assert_eq!(state(&one_by_one), state(&at_once));
    }
}

#[test]
fn the_way_taken_for_even_times_changes_nothing() {
    let values: Vec<_> =
        (0..).zip(loads(200)).map(|(at, load)| load.filter(|_| at % 7 > 1)).collect();
    let times = minutes(30, 200);
    let (mut even, mut uneven) = (model(), model());
    even.observe(&times, &values).expect("even");
    assert!(even.goes_on_evenly(&minutes(30 + 200 * 60, 3)));
    for (&at, &value) in times.iter().zip(&values) {
        uneven.take(at, value);
    }
    assert_eq!(state(&even), state(&uneven));
    // A gap after the even ones is bridged alike.
    for model in [&mut even, &mut uneven] {
        model.observe(&seconds([30 + 203 * 60]), &[Some(9.0)]).expect("later");
    }
    assert_eq!(state(&even), state(&uneven));
}

#[test]
fn values_that_come_more_often_are_averaged_over_the_step_that_ends_after_them() {
    let mut model = model();
    // The first closes its own step; then four a minute.
    let values = [9.0, 1.0, 2.0, 3.0, 6.0, 5.0, 5.0, 5.0, 1.0, 7.0].map(Some);
    model.observe(&seconds((0..10).map(|quarter| 15 * quarter)), &values).expect("they rise");
    assert_eq!(learnt(&model), by_hand(0, &[9.0, 3.0, 4.0].map(Some)));
    // The seven is open until its minute is over.
    model.observe(&seconds([180]), &[Some(9.0)]).expect("later");
    assert_eq!(learnt(&model), by_hand(0, &[9.0, 3.0, 4.0, 8.0].map(Some)));
}

#[test]
fn values_that_come_less_often_lie_on_lines_and_wide_gaps_are_missing() {
    let mut coarse = model();
    coarse.observe(&seconds([0, 180, 360]), &[0.0, 30.0, 60.0].map(Some)).expect("they rise");
    assert_eq!(learnt(&coarse), by_hand(0, &[0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0].map(Some)));

    let mut model = model();
    model.observe(&seconds([0, 60, 120, 540]), &[1.0, 2.0, 3.0, 4.0].map(Some)).expect("they rise");
    let mut want = vec![None; 10];
    for (minute, value) in [(0, 1.0), (1, 2.0), (2, 3.0), (9, 4.0)] {
        want[minute] = Some(value);
    }
    assert_eq!(learnt(&model), by_hand(0, &want));
}

#[test]
fn a_clock_that_trembles_does_not_shift_the_steps() {
    let trembling = [0, 4, -5, 6, -6, 1];
    let times = seconds((0..300).map(|minute| 60 * minute + trembling[minute as usize % 6]));
    let values = loads(300);
    let mut model = model();
    for (&at, &value) in times.iter().zip(&values) {
        model.observe(&[at], &[value]).expect("they rise");
    }
    assert_eq!(learnt(&model), by_hand(0, &values));
}

#[test]
fn what_comes_for_a_step_that_has_closed_counts_in_the_next_one() {
    let mut model = model();
    model
        .observe(&seconds([0, 55, 58, 60, 115]), &[9.0, 1.0, 2.0, 4.0, 6.0].map(Some))
        .expect("ok");
    assert_eq!(learnt(&model), by_hand(0, &[9.0, 1.0, 4.0].map(Some)));
}

#[test]
fn what_is_no_history_is_refused_and_changes_nothing() {
    let mut model = model();
    model.observe(&minutes(0, 100), &loads(100)).expect("even");
    let before = state(&model);
    let late = 100 * 60;
    for (times, values, path) in [
        (vec![late], vec![], "values"),
        (vec![late - 60], vec![1.0], "times[0]"),
        (vec![late, late], vec![1.0, 1.0], "times[1]"),
        (vec![late, late + 60], vec![1.0, -1.0], "values[1]"),
        (vec![late], vec![f64::INFINITY], "values[0]"),
    ] {
        let values: Vec<_> = values.into_iter().map(Some).collect();
        let error = model.observe(&seconds(times), &values).expect_err(path);
        assert_eq!((error.kind().as_str(), error.path()), ("observation", path));
    }
    model.observe(&[], &[]).expect("nothing is nothing wrong");
    assert_eq!(state(&model), before);
}

#[test]
fn nan_and_none_are_one_thing() {
    let (mut nan, mut none) = (model(), model());
    let values = loads(100);
    let with = |hole: Option<f64>| {
        let holed =
            (0..).zip(&values).map(move |(at, &load)| if at % 9 == 0 { hole } else { load });
        holed.collect::<Vec<_>>()
    };
    for times in [minutes(0, 100), seconds((101..201).map(|at| 60 * at + at % 2 * 9))] {
        nan.observe(&times, &with(Some(f64::NAN))).expect("NaN is missing");
        none.observe(&times, &with(None)).expect("none is missing");
    }
    assert_eq!(state(&nan), state(&none));
}

#[test]
fn arguments_out_of_range_are_refused_by_name() {
    let error = Model::new(hourly(), Duration::ZERO).expect_err("no step");
    assert_eq!((error.kind().as_str(), error.path()), ("config", "step"));
    let error = Model::new(hourly(), Duration::from_secs(7)).expect_err("not a whole season");
    assert_eq!(error.path(), "season");
    let model = model();
    for (horizon, quantiles, path) in [
        (0, vec![0.5], "horizon"),
        (10_001, vec![0.5], "horizon"),
        (usize::MAX, vec![0.5], "horizon"),
        (1, vec![], "quantiles"),
        (1, vec![1.0], "quantiles[0]"),
        (1, vec![0.9, 0.5], "quantiles[1]"),
        (1, vec![f64::NAN], "quantiles[0]"),
    ] {
        let error = model.forecast(horizon, &quantiles).expect_err(path);
        assert_eq!((error.kind().as_str(), error.path()), ("observation", path));
    }
    let reason = model.forecast(1, &[0.5]).expect("in range").expect_err("nothing came");
    assert_eq!(reason.code(), "too_little_history");
}

#[test]
fn a_snapshot_at_any_reading_changes_nothing() {
    let times = seconds((0..400).map(|at| 41 * at + at % 3));
    let mut straight = model();
    let mut restored = model();
    for (&at, &value) in times.iter().zip(&loads(400)) {
        restored = Model::restore(&restored.snapshot().expect("a snapshot")).expect("its own");
        straight.observe(&[at], &[value]).expect("they rise");
        restored.observe(&[at], &[value]).expect("they rise");
    }
    assert_eq!(state(&straight), state(&restored));
    assert_eq!(straight.forecast(9, &[0.5]), restored.forecast(9, &[0.5]));
}

#[test]
fn a_damaged_snapshot_is_refused() {
    let mut model = model();
    model.observe(&minutes(0, 100), &loads(100)).expect("even");
    let text = state(&model);
    for (old, new) in [
        ("forescale forecaster", "forescale snapshot"),
        (r#""version":1"#, r#""version":2"#),
        (r#""step":"1m","forecaster""#, r#""step":"2m","forecaster""#),
        (r#""step":"1m","forecaster""#, r#""step":"0s","forecaster""#),
        (r#""kind":"seasonal_naive""#, r#""kind":"seasonal""#),
        (r#""first":0"#, r#""first":999999999"#),
        (r#""closed":59"#, r#""closed":77759"#),
        (r#""n_samples":100"#, r#""n_samples":1"#),
    ] {
        let damaged = text.replacen(old, new, 1);
        assert_ne!(damaged, text, "{old} does not stand in {text}");
        let error = Model::restore(damaged.as_bytes()).expect_err(new);
        assert_eq!(error.kind().as_str(), "snapshot");
        assert!(!error.to_string().contains('\u{1}'), "{error}");
    }
    assert!(Model::restore(&text.as_bytes()[..text.len() / 2]).is_err());
    assert!(Model::restore(b"[]").is_err());
}

#[test]
fn the_ends_of_time_do_no_harm() {
    let mut model = Model::new(ForecasterConfig::from_text("naive").expect("a kind"), MINUTE);
    let model = model.as_mut().expect("in range");
    let times = [i64::MIN, -1, 0, i64::MAX - 1, i64::MAX].map(Timestamp::from_millis);
    model.observe(&times, &[Some(1.0); 5]).expect("they rise");
    assert!(model.forecast(5, &[0.5]).expect("in range").is_err());
}
