use super::*;
use crate::forecast::Model;
use crate::forecast::testing::{MINUTE, daily};

const QUANTILES: [f64; 3] = [0.5, 0.9, 0.99];

fn kinds() -> Vec<ForecasterConfig> {
    let texts = [
        "naive",
        r#"{"kind": "seasonal_naive", "season": "1h", "smooth": "4m"}"#,
        r#"{"kind": "batch", "seasons": ["1h"], "n_samples": 280}"#,
    ];
    texts.map(|text| ForecasterConfig::from_text(text).expect("settings")).to_vec()
}

/// Series that differ, some with holes, one empty, one negative at times.
fn values(n_series: usize, n_samples: usize) -> Vec<f64> {
    let series = |series: usize| {
        let loads = daily(n_samples, 0.1 * (series % 9) as f64, 0.1, series as u64 + 1);
        loads.into_iter().enumerate().map(move |(at, load)| match series % 11 {
            3 => f64::NAN,
            5 if at % 10 < 3 => f64::NAN,
            7 if at % 25 == 0 => -load,
            _ => load,
        })
    };
    (0..n_series).flat_map(series).collect()
}

fn panel(values: &[f64], n_series: usize) -> Panel<'_> {
    Panel { values, n_series, start: Timestamp::from_secs(60), step: MINUTE }
}

/// All bits, as NaN is not equal to itself.
fn bits(forecast: &PanelForecast) -> Vec<u64> {
    forecast.values.iter().map(|value| value.to_bits()).collect()
}

#[test]
fn each_series_is_forecast_as_by_a_model_of_its_own() {
    let (n_series, n_samples) = (37, 300);
    let values = values(n_series, n_samples);
    let times: Vec<_> = (1..=n_samples as i64).map(|at| Timestamp::from_secs(60 * at)).collect();
    for settings in kinds() {
        let forecast =
            forecast_panel(&settings, &panel(&values, n_series), 20, &QUANTILES).expect("in range");
        assert_eq!(forecast.n_series(), n_series);
        let mut n_abstained = 0;
        for (series, samples) in values.chunks(n_samples).enumerate() {
            let samples: Vec<_> =
                samples.iter().map(|&load| Some(load).filter(|load| *load >= 0.0)).collect();
            let mut model = Model::new(settings.clone(), MINUTE).expect("in range");
            model.observe(&times, &samples).expect("a history");
            let alone = model.forecast(20, &QUANTILES).expect("in range");
            n_abstained += usize::from(alone.is_err());
            if let Ok(alone) = &alone {
                assert_eq!(alone.issued_at, forecast.issued_at);
            }
            let alone = alone.as_ref().map(|alone| &alone.values[..]).map_err(|&reason| reason);
            assert_eq!(forecast.series(series), alone, "series {series}");
        }
        assert_eq!(forecast.abstained.len(), n_abstained);
        assert!(n_abstained >= 3, "{n_abstained}");
    }
}

#[cfg(feature = "parallel")]
#[test]
fn the_number_of_threads_changes_no_bit() {
    let values = values(101, 200);
    for settings in kinds() {
        let on = |n_threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build();
            pool.expect("a pool").install(|| {
                forecast_panel(&settings, &panel(&values, 101), 9, &QUANTILES).expect("in range")
            })
        };
        let [one, two, three] = [1, 2, 3].map(on);
        for other in [two, three] {
            assert_eq!(bits(&other), bits(&one));
            assert_eq!(other.abstained, one.abstained);
        }
    }
}

#[test]
fn a_panel_without_series_or_samples_is_none_the_less_one() {
    let naive = &kinds()[0];
    let none = forecast_panel(naive, &panel(&[], 0), 5, &[0.5]).expect("in range");
    assert_eq!((none.n_series(), none.values.len(), none.abstained.len()), (0, 0, 0));
    let empty = forecast_panel(naive, &panel(&[], 3), 5, &[0.5]).expect("in range");
    assert!(empty.values.len() == 15 && empty.values.iter().all(|value| value.is_nan()));
    let codes: Vec<_> = empty.abstained.iter().map(|(at, reason)| (*at, reason.code())).collect();
    assert_eq!(codes, [0, 1, 2].map(|series| (series, "too_little_history")));
    assert_eq!(empty.issued_at, Timestamp::from_secs(0));
}

#[test]
fn what_is_no_panel_is_refused_by_name() {
    let naive = &kinds()[0];
    let values = [1.0; 6];
    let refused = |panel: Panel<'_>, horizon: usize, quantiles: &[f64]| {
        let error = forecast_panel(naive, &panel, horizon, quantiles).expect_err("out of range");
        error.path().to_owned()
    };
    assert_eq!(refused(panel(&values, 4), 1, &[0.5]), "values");
    assert_eq!(refused(panel(&values, 0), 1, &[0.5]), "values");
    assert_eq!(refused(panel(&values, usize::MAX), 1, &[0.5]), "values");
    assert_eq!(refused(panel(&[], usize::MAX), 1, &[0.5]), "horizon");
    assert_eq!(refused(panel(&values, 2), 0, &[0.5]), "horizon");
    assert_eq!(refused(panel(&values, 2), 1, &[0.5, 0.5]), "quantiles[1]");
    let no_step = Panel { step: Duration::ZERO, ..panel(&values, 2) };
    assert_eq!(refused(no_step, 1, &[0.5]), "step");
    let error =
        forecast_panel(&kinds()[1], &Panel { step: Duration::from_secs(7), ..no_step }, 1, &[0.5]);
    assert_eq!(error.expect_err("not a whole season").path(), "season");
}
