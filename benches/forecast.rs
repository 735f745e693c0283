//! The time of a forecast: each model from a week of history at 5 minutes, one more sample and the
//! next forecast, and many series at once. How good they are: `forecast/` here. Figures, with machine
//! and date: `README.md` here.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use forescale::forecast::{Forecast, Forecaster, ForecasterConfig, Panel, forecast_panel};
use forescale::series::Sample;
use forescale::{Duration, Timestamp};
use rand_core::{Rng, SeedableRng};
use rand_pcg::Pcg64;

const STEP: Duration = Duration::from_secs(300);
const START: i64 = 1_767_600_000;
const WEEK: usize = 2016;
/// The next hour.
const HORIZON: usize = 12;
const QUANTILES: [f64; 4] = [0.5, 0.9, 0.95, 0.99];

/// A load with a course of the day, weaker at weekends, and noise that has a memory.
fn load(n_samples: usize, seed: u64) -> Vec<f64> {
    let mut random = Pcg64::seed_from_u64(seed);
    let mut noise = 0.0;
    let at = |index: usize| {
        let day = libm::sin(std::f64::consts::TAU * (index % 288) as f64 / 288.0);
        let weekend = if index / 288 % 7 < 5 { 1.0 } else { 0.6 };
        noise = 0.8 * noise + (f64::from(random.next_u32()) / f64::from(u32::MAX) - 0.5);
        1000.0 * weekend * (1.0 + 0.6 * day + 0.1 * noise)
    };
    (0..n_samples).map(at).collect()
}

fn sample(index: usize, value: f64) -> Sample {
    let at = Timestamp::from_secs(START + 300 * (index as i64 + 1));
    Sample { at, value: Some(value) }
}

fn settings(kind: &str) -> ForecasterConfig {
    ForecasterConfig::from_text(kind).expect("a kind alone will do")
}

fn fitted(kind: &str, history: &[f64]) -> Box<dyn Forecaster> {
    let mut model = settings(kind).build(STEP).expect("the defaults");
    model.observe_many(sample(0, 0.0).at, STEP, history);
    model
}

/// Each kind in the catalog; the updates go through the same week again and again.
fn models(criterion: &mut Criterion) {
    let history = &load(WEEK, 1)[..];
    let mut forecast = Forecast::default();
    // Regressors move the forecast of another, and are nothing by default.
    for kind in ForecasterConfig::KINDS.iter().filter(|&&kind| kind != "regressors") {
        let mut model = fitted(kind, history);
        if let Err(reason) = model.forecast(HORIZON, &QUANTILES, &mut forecast) {
            // As a model of sparse load may of this one; there is no time to tell.
            println!("forecast/{kind} abstains: {reason}");
            continue;
        }
        criterion.bench_function(&format!("forecast/fit/{kind}"), |bencher| {
            bencher.iter(|| {
                let model = fitted(kind, black_box(history));
                model.forecast(HORIZON, &QUANTILES, &mut forecast).expect("a week is enough");
                black_box(forecast.values[0])
            });
        });

        let mut index = WEEK;
        criterion.bench_function(&format!("forecast/update/{kind}"), |bencher| {
            bencher.iter(|| {
                model.observe(sample(index, history[index % WEEK]));
                index += 1;
                model.forecast(HORIZON, &QUANTILES, &mut forecast).expect("no gap");
                black_box(forecast.values[0])
            });
        });
    }
}

/// A tenth of a fleet of 10,000 series of a week, on all cores.
fn panel(criterion: &mut Criterion) {
    const N_SERIES: usize = 1000;
    let values: Vec<f64> = (0..N_SERIES as u64).flat_map(|series| load(WEEK, series)).collect();
    let panel = Panel { values: &values, n_series: N_SERIES, start: sample(0, 0.0).at, step: STEP };
    let mut group = criterion.benchmark_group("forecast/panel");
    group.sample_size(10);
    // The others cost no less one by one.
    for kind in
        ["seasonal_naive", "auto"].iter().filter(|kind| ForecasterConfig::KINDS.contains(kind))
    {
        let settings = settings(kind);
        group.bench_function(*kind, |bencher| {
            bencher.iter(|| {
                let forecasts = forecast_panel(&settings, black_box(&panel), HORIZON, &QUANTILES);
                black_box(forecasts.expect("in range").values[0])
            });
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = models, panel
}
criterion_main!(benches);
