use super::*;
use crate::Timestamp;
use crate::forecast::testing::{MINUTE, daily};
use crate::forecast::{ForecasterConfig, Panel, forecast_panel};

#[test]
fn settings_out_of_range_are_refused_by_name() {
    let cases = [
        (r#"{"seasons": ["1h", "2h", "3h"]}"#, "seasons"),
        (r#"{"seasons": ["1h", "90s"]}"#, "seasons[1]"),
        (r#"{"n_samples": 31}"#, "n_samples"),
        (r#"{"n_samples": 100001}"#, "n_samples"),
    ];
    for (text, path) in cases {
        let settings: Config = serde_json::from_str(text).expect("of the right types");
        assert_eq!(Batch::new(settings, MINUTE).expect_err(text).path(), path);
    }
    let error = Batch::new(Config::default(), Duration::ZERO).expect_err("no step");
    assert_eq!(error.path(), "step");
}

/// What the model says of the next steps.
fn forecast(settings: Config, loads: &[f64], horizon: usize) -> Result<Forecast, Reason> {
    let mut model = Batch::new(settings, MINUTE).expect("settings");
    model.observe_many(Timestamp::from_secs(60), MINUTE, loads);
    let mut forecast = Forecast::default();
    model.forecast(horizon, &[0.05, 0.5, 0.95], &mut forecast).map(|()| forecast)
}

fn of_an_hour() -> Config {
    Config { seasons: vec![Duration::from_secs(3600)], ..Config::default() }
}

#[test]
fn a_course_that_returns_is_forecast_at_every_horizon() {
    let course = |minute: usize| 500.0 + 40.0 * (minute % 60) as f64;
    let loads: Vec<f64> = (0..600).map(course).collect();
    let forecast = forecast(of_an_hour(), &loads, 150).expect("ten hours are enough");
    for ahead in 0..150 {
        let (want, row) = (course(600 + ahead), forecast.row(ahead));
        assert!((row[1] / want - 1.0).abs() < 0.02, "{ahead}: {row:?} for {want}");
    }
}

#[test]
fn what_stands_still_is_forecast_to_the_last_digit() {
    for load in [0.0, 7.0, 1e12] {
        let forecast = forecast(of_an_hour(), &[load; 300], 90).expect("five hours are enough");
        let near = |value: &f64| (value - load).abs() <= 1e-12 * load;
        assert!(forecast.values.iter().all(near), "{load}: {:?}", forecast.row(89));
    }
}

#[test]
fn quantiles_cover_as_they_say() {
    let n_series = 64;
    let series: Vec<_> = (0..n_series).map(|seed| daily(612, 0.0, 0.3, seed + 5)).collect();
    let values: Vec<f64> = series.iter().flat_map(|loads| loads[..600].to_vec()).collect();
    let settings = r#"{"kind": "batch", "seasons": ["1h"]}"#;
    let settings = ForecasterConfig::from_text(settings).expect("settings");
    let start = Timestamp::from_secs(60);
    let panel = Panel { values: &values, n_series: series.len(), start, step: MINUTE };
    let told = forecast_panel(&settings, &panel, 12, &[0.05, 0.5, 0.95]).expect("in range");
    let (mut n, mut covered) = (0.0, 0.0);
    for (at, loads) in series.iter().enumerate() {
        let rows = told.series(at).expect("enough history").chunks(3);
        for (load, row) in loads[600..].iter().zip(rows) {
            n += 1.0;
            covered += f64::from(u8::from(*load <= row[2]));
        }
    }
    assert!((0.92..0.98).contains(&(covered / n)), "{}", covered / n);
}

#[test]
fn lanes_side_by_side_change_no_bit() {
    let plan = of_an_hour().plan(400, MINUTE, 12, &[0.5, 0.9]);
    let series: Vec<Vec<f64>> = (0..3)
        .map(|seed| {
            let loads = daily(400, 0.3, 0.2, seed as u64 + 3).into_iter().enumerate();
            let gap = |(at, load)| if at % 50 < 8 * seed { f64::NAN } else { load };
            loads.map(gap).collect()
        })
        .collect();
    let n_rows = ROWS + 4;
    let mut beside = vec![[0.0_f32; 3]; 400];
    let mut known_beside = vec![[0_u32; 3]; 13];
    for (lane, values) in series.iter().enumerate() {
        let samples = &mut beside.as_flattened_mut()[lane..];
        pack(&plan, values, samples, &mut known_beside.as_flattened_mut()[lane..], 3);
    }
    for anchor in &plan.anchors {
        let mut together = vec![[0.0_f32; 3]; n_rows];
        fit::<3>(&plan, anchor, &beside, &known_beside, &mut together);
        for lane in 0..3 {
            let samples: Vec<_> = beside.iter().map(|row| [row[lane]]).collect();
            let known: Vec<_> = known_beside.iter().map(|row| [row[lane]]).collect();
            let mut alone = vec![[0.0_f32; 1]; n_rows];
            fit::<1>(&plan, anchor, &samples, &known, &mut alone);
            let bits = |value: f32| value.to_bits();
            let together: Vec<_> = together.iter().map(|row| bits(row[lane])).collect();
            assert_eq!(alone.iter().map(|row| bits(row[0])).collect::<Vec<_>>(), together);
        }
    }
}
