//! Forecasts of small series, the same in every language.
//!
//! Python and Node read the same files; a line of `NAME.expected.jsonl` is the answer for a series.
//! `UPDATE=1 cargo test --test forecasts` writes those lines anew: review them as code.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "`UPDATE` is for people, not for the library")]

use std::fs;
use std::path::{Path, PathBuf};

use forescale::forecast::{Forecast, ForecasterConfig, Model, Panel, forecast_panel};
use forescale::{Duration, Reason, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fixture {
    #[serde(rename = "description")]
    _for_the_reader: String,
    settings: ForecasterConfig,
    step: Duration,
    horizon: usize,
    quantiles: Vec<f64>,
    /// On the step, so that the series are a panel too.
    times: Vec<Timestamp>,
    series: Vec<Vec<Option<f64>>>,
}

fn fixtures() -> Vec<(PathBuf, Fixture)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/forecasts");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .collect();
    files.sort();
    assert!(!files.is_empty());
    let read = |file: PathBuf| {
        let fixture = serde_json::from_str(&fs::read_to_string(&file).unwrap());
        let fixture = fixture.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        (file, fixture)
    };
    files.into_iter().map(read).collect()
}

fn answer(fixture: &Fixture, series: &[Option<f64>]) -> Result<Forecast, Reason> {
    let mut model = Model::new(fixture.settings.clone(), fixture.step).unwrap();
    model.observe(&fixture.times, series).unwrap();
    model.forecast(fixture.horizon, &fixture.quantiles).unwrap()
}

fn line(answer: &Result<Forecast, Reason>) -> Value {
    match answer {
        Ok(forecast) => json!({"issued_at": forecast.issued_at, "values": forecast.values}),
        Err(reason) => json!({"reason": reason.code()}),
    }
}

/// Equal but for what rounding may differ by on another processor.
fn alike(got: &Value, want: &Value) -> bool {
    match (got, want) {
        (Value::Number(got), Value::Number(want)) => {
            let (got, want) = (got.as_f64().unwrap(), want.as_f64().unwrap());
            (got - want).abs() <= 1e-9 * want.abs()
        }
        (Value::Array(got), Value::Array(want)) => {
            got.len() == want.len() && got.iter().zip(want).all(|(got, want)| alike(got, want))
        }
        (Value::Object(got), Value::Object(want)) => {
            got.keys().eq(want.keys())
                && got.values().zip(want.values()).all(|(got, want)| alike(got, want))
        }
        _ => got == want,
    }
}

#[test]
fn each_series_is_forecast_as_written() {
    for (file, fixture) in fixtures() {
        let got: Vec<_> =
            fixture.series.iter().map(|series| line(&answer(&fixture, series))).collect();
        let golden = file.with_extension("expected.jsonl");
        if std::env::var_os("UPDATE").is_some() {
            let lines: String = got.iter().map(|line| format!("{line}\n")).collect();
            fs::write(&golden, lines).unwrap();
        }
        let text = fs::read_to_string(&golden).unwrap_or_default();
        let want: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(got.len(), want.len(), "{}", golden.display());
        for (series, (got, want)) in got.iter().zip(&want).enumerate() {
            assert!(alike(got, want), "{}: series {series}: {got}", golden.display());
        }
        assert!(want.iter().any(|line| line.get("values").is_some()));
        assert!(want.iter().any(|line| line.get("reason").is_some()));
    }
}

#[test]
fn the_panel_of_the_series_says_the_same() {
    for (file, fixture) in fixtures() {
        let Fixture { settings, step, horizon, quantiles, times, series, .. } = &fixture;
        let values: Vec<f64> =
            series.iter().flatten().map(|value| value.unwrap_or(f64::NAN)).collect();
        let panel = Panel { values: &values, n_series: series.len(), start: times[0], step: *step };
        let forecast = forecast_panel(settings, &panel, *horizon, quantiles).unwrap();
        assert_eq!(forecast.issued_at, *times.last().unwrap());
        for (at, series) in series.iter().enumerate() {
            let alone = answer(&fixture, series).map(|alone| alone.values);
            let got = forecast.series(at).map(<[f64]>::to_vec);
            assert_eq!(got, alone, "{}: series {at}", file.display());
        }
    }
}
