use std::f64::consts::TAU;
use std::sync::OnceLock;

use super::*;
use crate::forecast::testing::uniform;

const STEP: Duration = Duration::from_secs(900);
const DAY: usize = 96;

/// Series of two peaks a day at hours and levels of their own, days that differ, a level that
/// wanders.
fn panel(n_series: usize, n_samples: usize, seed: u64) -> Vec<f64> {
    let mut random = uniform(seed);
    let mut values = Vec::new();
    for _ in 0..n_series {
        let (level, shift) = (10.0 + 1000.0 * random(), DAY as f64 * random());
        let mut wander = 0.0;
        for at in 0..n_samples {
            wander = 0.95 * wander + 0.04 * (random() + random() - 1.0);
            let turn = TAU * (at as f64 + shift) / DAY as f64;
            let day = 1.0 + 0.5 * libm::sin(turn) + 0.25 * libm::cos(2.0 * turn);
            values.push(level * day * libm::exp(wander) * (1.0 + 0.1 * (random() - 0.5)));
        }
    }
    values
}

/// Fitted once for all tests.
fn fitted() -> &'static ElasticNet {
    static FITTED: OnceLock<ElasticNet> = OnceLock::new();
    FITTED.get_or_init(|| {
        let values = panel(20, 6 * DAY, 1);
        let panel =
            Panel { values: &values, n_series: 20, start: Timestamp::default(), step: STEP };
        let settings = Config { horizon: 8, rows: 2000, ..Config::default() };
        ElasticNet::fit(&panel, settings).expect("enough of them")
    })
}

/// On series it was not fitted on.
#[test]
fn it_beats_yesterday_and_as_now_and_covers_what_it_says() {
    let model = fitted();
    let n_samples = 6 * DAY;
    let (mut ours, mut yesterday, mut as_now) = (0.0, 0.0, 0.0);
    let (mut n, mut n_covered) = (0.0, 0.0);
    for series in panel(30, n_samples, 2).chunks(n_samples) {
        let level = series.iter().sum::<f64>() / n_samples as f64;
        for now in (3 * DAY..n_samples - 8).step_by(11) {
            let at = Timestamp::default() + STEP.times(now as i64);
            let forecast = model.forecast(&series[..=now], at, 8, &[0.5, 0.9]).expect("in range");
            let forecast = forecast.expect("three days are enough");
            assert_eq!((forecast.horizon(), forecast.issued_at), (8, at));
            let truth = series[now + 8];
            ours += (forecast.row(7)[0] - truth).abs() / level;
            yesterday += (series[now + 8 - DAY] - truth).abs() / level;
            as_now += (series[now] - truth).abs() / level;
            n_covered += f64::from(u8::from(truth <= forecast.row(7)[1]));
            n += 1.0;
        }
    }
    assert!(ours < 0.8 * yesterday && ours < 0.6 * as_now, "{ours} {yesterday} {as_now}");
    let covered = n_covered / n;
    assert!((0.86..0.94).contains(&covered), "{covered}");
}

#[test]
fn odd_histories_are_forecast_or_abstain_with_a_reason() {
    let model = fitted();
    let clean = panel(1, 3 * DAY, 3);
    let reason = |history: &[f64]| {
        let answer = model.forecast(history, Timestamp::default(), 8, &[0.1, 0.5, 0.999]);
        match answer.expect("in range") {
            Ok(forecast) => {
                assert!((0..8).all(|ahead| forecast.row(ahead).is_sorted()));
                assert!(forecast.values.iter().all(|load| (0.0..=f64::MAX).contains(load)));
                None
            }
            Err(reason) => Some(reason.code()),
        }
    };
    let with = |change: &dyn Fn(usize, f64) -> f64| {
        clean.iter().enumerate().map(|(at, &load)| change(at, load)).collect::<Vec<_>>()
    };
    assert_eq!(reason(&clean), None);
    for short in [0, 1, DAY / 2] {
        assert_eq!(reason(&clean[..short]), Some("too_little_history"));
    }
    assert_eq!(reason(&with(&|_, _| f64::NAN)), Some("too_little_history"));
    assert_eq!(
        reason(&with(&|at, v| if at > 280 { f64::NAN } else { v })),
        Some("too_little_history")
    );
    assert_eq!(reason(&with(&|at, v| if at % 3 == 0 { f64::NAN } else { v })), None);
    assert_eq!(reason(&with(&|at, v| if at == 200 { 1e12 } else { v })), None);
    assert_eq!(reason(&with(&|at, v| if at == 287 { f64::MAX } else { v })), None);
    assert_eq!(reason(&with(&|at, v| if at % 50 == 0 { -5.0 } else { v })), None);
    assert_eq!(reason(&with(&|at, _| if at > 280 { 1.0 } else { 0.0 })), None);
    // Nothing to scale by.
    assert_eq!(reason(&with(&|_, _| 0.0)), Some("too_little_history"));
}

/// Of more series than one thread takes at a time; one of them is missing.
#[test]
fn a_panel_is_forecast_as_each_of_its_series() {
    let model = fitted();
    let n_samples = 3 * DAY;
    let mut values = panel(40, n_samples, 4);
    values[17 * n_samples..18 * n_samples].fill(f64::NAN);
    let start = Timestamp::from_secs(900);
    let panel = Panel { values: &values, n_series: 40, start, step: STEP };
    let forecasts = model.forecast_panel(&panel, 5, &[0.5, 0.9]).expect("in range");
    assert_eq!((forecasts.n_series(), forecasts.horizon), (40, 5));
    for (at, series) in values.chunks(n_samples).enumerate() {
        let alone = model.forecast(series, forecasts.issued_at, 5, &[0.5, 0.9]).expect("in range");
        assert_eq!(
            forecasts.series(at),
            alone.as_ref().map(|one| &one.values[..]).map_err(|why| *why)
        );
        assert_eq!(at == 17, alone.is_err());
    }
    let none = Panel { values: &[], n_series: 0, start, step: STEP };
    assert_eq!(model.forecast_panel(&none, 5, &[0.5]).expect("in range").n_series(), 0);
}

#[test]
fn a_snapshot_is_the_model_and_a_foreign_text_none() {
    let model = fitted();
    let snapshot = model.snapshot().expect("as text");
    assert_eq!(&ElasticNet::restore(&snapshot).expect("its own"), model);
    for foreign in [&snapshot[..100], b"{}", b"[1]"] {
        assert_eq!(
            ElasticNet::restore(foreign).expect_err("none").kind(),
            crate::ErrorKind::Snapshot
        );
    }
}

#[test]
fn a_saved_model_answers_the_same_and_a_damaged_one_is_refused() {
    let model = fitted();
    let text = serde_json::to_string(model).expect("as text");
    assert_eq!(&serde_json::from_str::<ElasticNet>(&text).expect("its own text"), model);
    for (from, to) in [
        (r#""ahead":2"#, r#""ahead":3"#),
        (r#""weights":["#, r#""weights":[0.5,"#),
        (r#""errors":["#, r#""errors":[1e9,"#),
        (r#""step":"15m""#, r#""step":"0s""#),
    ] {
        let damaged = text.replace(from, to);
        assert!(damaged != text, "{from}");
        assert!(serde_json::from_str::<ElasticNet>(&damaged).is_err(), "{to}");
    }
}

#[test]
fn what_is_out_of_range_is_refused_by_name() {
    let values = panel(2, 3 * DAY, 1);
    let fit = |values: &[f64], n_series, settings| {
        let panel = Panel { values, n_series, start: Timestamp::default(), step: STEP };
        ElasticNet::fit(&panel, settings).expect_err("refused").path().to_owned()
    };
    let defaults = Config::default;
    assert_eq!(fit(&values, 2, Config { horizon: 0, ..defaults() }), "horizon");
    assert_eq!(fit(&values, 2, Config { penalty: 0.0, ..defaults() }), "penalty");
    assert_eq!(fit(&values, 2, Config { l1_ratio: 1.5, ..defaults() }), "l1_ratio");
    assert_eq!(fit(&values, 2, Config { rows: 5, ..defaults() }), "rows");
    assert_eq!(fit(&values, 5, defaults()), "values");
    assert_eq!(fit(&values[..DAY], 1, defaults()), "values");
    assert_eq!(fit(&[], 0, defaults()), "values");
    let model = fitted();
    let error = model.forecast(&values, Timestamp::default(), 9, &[0.5]).expect_err("too far");
    assert_eq!(error.path(), "horizon");
    let error = model.forecast(&values, Timestamp::default(), 8, &[0.5, 0.4]).expect_err("falls");
    assert_eq!(error.path(), "quantiles[1]");
    let many = |values: &[f64], n_series, step, horizon: usize| {
        let panel = Panel { values, n_series, start: Timestamp::default(), step };
        model.forecast_panel(&panel, horizon, &[0.5]).expect_err("refused").path().to_owned()
    };
    assert_eq!(many(&values, 2, STEP, 9), "horizon");
    assert_eq!(many(&values, 5, STEP, 8), "values");
    assert_eq!(many(&values, 2, Duration::from_secs(60), 8), "step");
}
