//! Panels on the graphics card beside the processor. Runs where an adapter is found, if only a software
//! driver; with `FORESCALE_REQUIRE_GPU=1` one must be there.
//!
//! Tolerance: 1e-4 of the value, or of the series' mean where the value is below that (a quantile near
//! zero is a difference of larger numbers). Both sides work in single precision, whose 6e-8 the sums of
//! two thousand products and the 20th powers of losses multiply by some hundreds; a device may fuse
//! multiply and add, and divide with an error of two more digits.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "a test may read the environment")]

mod card;

use std::sync::atomic::{AtomicUsize, Ordering};

use forescale::forecast::{ForecasterConfig, On, Panel, PanelForecast, forecast_panel_on};
use forescale::gpu::{Choice, Device};
use forescale::{Duration, Timestamp};

use card::adapter;

const MINUTE: Duration = Duration::from_secs(60);
const QUANTILES: [f64; 4] = [0.05, 0.5, 0.95, 0.99];

/// Minutes of a load around 1000 that swings over the day, with noise.
fn daily(minutes: usize, swing: f64, noise: f64, seed: u64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut uniform = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let value = |minute: usize| {
        let phase = minute as f64 / 1440.0 * std::f64::consts::TAU;
        1000.0 * (1.0 + swing * libm::sin(phase) + noise * (uniform() + uniform() - 1.0))
    };
    (0..minutes).map(value).collect()
}

fn settings(text: &str) -> ForecasterConfig {
    ForecasterConfig::from_text(text).expect("settings")
}

fn on(device: Device, choice: &Choice) -> On<'static> {
    On { device, choice: choice.clone(), ..On::default() }
}

/// Both answers, the device's first.
fn both(
    settings: &ForecasterConfig,
    values: &[f64],
    n_series: usize,
    step: Duration,
    horizon: usize,
    choice: &Choice,
) -> [PanelForecast; 2] {
    let panel = Panel { values, n_series, start: Timestamp::from_secs(0), step };
    [Device::Gpu, Device::Cpu].map(|device| {
        forecast_panel_on(settings, &panel, horizon, &QUANTILES, &on(device, choice))
            .expect("in range")
    })
}

/// The largest difference relative to the value or the series' mean.
fn difference([device, cpu]: &[PanelForecast; 2], values: &[f64]) -> f64 {
    assert_eq!(device.abstained, cpu.abstained);
    assert_eq!(cpu.device, "cpu");
    // Nothing to do is done anywhere.
    assert_eq!(device.device == "cpu", values.is_empty());
    let n_samples = values.len() / cpu.n_series().max(1);
    let mut most: f64 = 0.0;
    for series in 0..cpu.n_series() {
        let loads = &values[series * n_samples..(series + 1) * n_samples];
        let loads = loads.iter().filter(|load| (0.0..1e30).contains(*load));
        let (sum, n) = loads.fold((0.0, 0.0_f64), |(sum, n), load| (sum + load, n + 1.0));
        let mean = sum / n.max(1.0);
        if let (Ok(device), Ok(cpu)) = (device.series(series), cpu.series(series)) {
            for (device, cpu) in device.iter().zip(cpu) {
                let far = (device - cpu).abs() / cpu.abs().max(mean).max(1e-30);
                assert!(far < 1e-4, "series {series}: {device} for {cpu}");
                most = most.max(far);
            }
        }
    }
    most
}

/// Series of every kind that a fleet has.
fn odd_series(n_samples: usize) -> Vec<f64> {
    let base = |seed: u64| daily(n_samples, 0.4, 0.2, seed);
    let mut rows: Vec<Vec<f64>> = (0..9).map(base).collect();
    let with = |seed, change: &dyn Fn(usize, f64) -> f64| {
        base(seed).into_iter().enumerate().map(|(at, load)| change(at, load)).collect::<Vec<_>>()
    };
    rows.push(vec![f64::NAN; n_samples]);
    rows.push(vec![0.0; n_samples]);
    rows.push(vec![7.0; n_samples]);
    rows.push(with(20, &|at, load| if at % 13 == 0 { load } else { 0.0 }));
    rows.push(with(21, &|at, load| if at % 40 < 15 { f64::NAN } else { load }));
    rows.push(with(22, &|at, load| if at + 3 > n_samples { f64::NAN } else { load }));
    rows.push(with(23, &|at, load| if at + 90 < n_samples { f64::NAN } else { load }));
    rows.push(with(24, &|at, load| if at + 1 < n_samples { f64::NAN } else { load }));
    rows.push(with(25, &|at, load| if at % 97 == 5 { load * 1e4 } else { load }));
    rows.push(with(26, &|at, load| if at % 50 == 0 { f64::INFINITY } else { -load * at as f64 }));
    rows.push(with(27, &|_, load| load * 1e24));
    rows.push(with(28, &|_, load| 1e9 + load));
    rows.push(with(29, &|at, load| if at < n_samples / 2 { load } else { 30.0 * load }));
    rows.concat()
}

#[test]
fn device_and_processor_agree_on_every_kind_of_series() {
    let Some(choice) = adapter() else { return };
    let of_an_hour = settings(r#"{"kind": "batch", "seasons": ["1h", "5h"]}"#);
    // Of 2,000 samples both kernels go on over several dispatches.
    for (n_samples, horizon) in [(2000, 4), (700, 70), (90, 12), (33, 1), (1, 3), (0, 3)] {
        let values = odd_series(n_samples);
        let answers = both(&of_an_hour, &values, 22, MINUTE, horizon, &choice);
        println!("{n_samples} samples: {:.1e}", difference(&answers, &values));
        assert!(n_samples < 700 || answers[0].abstained.len() < 6);
    }
    let none = both(&of_an_hour, &[], 0, MINUTE, 5, &choice);
    assert!(none.iter().all(|forecast| forecast.n_series() == 0));
}

#[test]
fn a_panel_longer_than_a_buffer_goes_in_chunks() {
    let Some(choice) = adapter() else { return };
    let values = daily(37 * 400, 0.4, 0.2, 3);
    let batch = settings(r#"{"kind": "batch", "seasons": ["1h"]}"#);
    let whole = both(&batch, &values, 37, MINUTE, 12, &choice);
    // Errors of four horizons: 399 + 398 + 198 + 97 numbers a series, and five series a chunk.
    let small = Choice { most_bytes: Some(4 * 1100 * 5), ..choice.clone() };
    let chunks = both(&batch, &values, 37, MINUTE, 12, &small);
    assert_eq!(chunks[0].values, whole[0].values);
    difference(&chunks, &values);
    let tiny = Choice { most_bytes: Some(4000), ..choice };
    let panel =
        Panel { values: &values, n_series: 37, start: Timestamp::from_secs(0), step: MINUTE };
    let refused = forecast_panel_on(&batch, &panel, 12, &[0.5], &on(Device::Gpu, &tiny));
    assert!(refused.expect_err("too long").to_string().contains("more than a buffer holds"));
    let answer = forecast_panel_on(&batch, &panel, 12, &[0.5], &on(Device::Auto, &tiny));
    assert_eq!(answer.expect("the processor answers").device, "cpu");
}

#[test]
fn two_threads_at_once_get_their_own_answers() {
    let Some(choice) = adapter() else { return };
    let batch = settings(r#"{"kind": "batch", "seasons": ["1h"]}"#);
    let one = |seed: u64| {
        let values = daily(40 * 400, 0.4, 0.2, seed);
        for _ in 0..3 {
            let answers = both(&batch, &values, 40, MINUTE, 12, &choice);
            difference(&answers, &values);
        }
    };
    std::thread::scope(|scope| {
        let both = [scope.spawn(|| one(1)), scope.spawn(|| one(2))];
        for thread in both {
            thread.join().expect("no panic");
        }
    });
}

#[test]
fn a_call_that_is_stopped_ends_between_chunks() {
    let Some(choice) = adapter() else { return };
    let choice = Choice { most_bytes: Some(4 * 1100 * 5), ..choice };
    let values = daily(37 * 400, 0.4, 0.2, 3);
    let batch = settings(r#"{"kind": "batch", "seasons": ["1h"]}"#);
    let panel =
        Panel { values: &values, n_series: 37, start: Timestamp::from_secs(0), step: MINUTE };
    for device in [Device::Gpu, Device::Cpu] {
        let asked = AtomicUsize::new(0);
        let go_on = || asked.fetch_add(1, Ordering::Relaxed) < 2;
        let on = On { device, choice: choice.clone(), go_on: &go_on };
        let answer = forecast_panel_on(&batch, &panel, 12, &QUANTILES, &on);
        // A part of the processor's work is more than these 37.
        assert_eq!(answer.is_err(), device == Device::Gpu);
        let on = On { device, choice: choice.clone(), go_on: &|| false };
        let stopped = forecast_panel_on(&batch, &panel, 12, &QUANTILES, &on);
        assert_eq!(stopped.expect_err("stopped").to_string(), "was interrupted");
    }
}

#[test]
fn another_kind_is_not_for_the_device() {
    let panel =
        Panel { values: &[1.0; 60], n_series: 1, start: Timestamp::from_secs(0), step: MINUTE };
    let on = on(Device::Gpu, &Choice::default());
    let error = forecast_panel_on(&settings("naive"), &panel, 3, &[0.5], &on).expect_err("no");
    assert_eq!(error.to_string(), "`device` is \"gpu\", which takes the forecaster `batch`");
}

/// Real fleets, where they are found beside the checkout.
#[cfg(feature = "csv")]
#[test]
fn device_and_processor_agree_on_real_fleets() {
    use std::io::Read;

    let Some(choice) = adapter() else { return };
    let folder = std::env::var_os("FORESCALE_TRACES").unwrap_or("../shared/traces".into());
    let folder = std::path::PathBuf::from(folder);
    for (name, step, horizon) in [
        ("fleet_azure_vm_open", 300, 12),
        ("fleet_genai_gpu", 60, 60),
        ("fleet_planetlab", 300, 12),
    ] {
        let Ok(file) = std::fs::File::open(folder.join(format!("{name}.csv.gz"))) else {
            println!("skipped: no {name}");
            continue;
        };
        let mut text = String::new();
        flate2::read::GzDecoder::new(file).read_to_string(&mut text).expect("gzip");
        // Each third series, of which the last 2,016 samples; an empty cell is a missing value.
        let row = |line: &str| -> Vec<f64> {
            let cells = line.split(',').skip(1).step_by(3).take(64);
            cells.map(|cell| cell.parse().unwrap_or(f64::NAN)).collect()
        };
        let lines: Vec<_> = text.lines().skip(1).map(row).collect();
        let lines = &lines[lines.len().saturating_sub(2016)..];
        let n_series = lines[0].len();
        let values: Vec<_> =
            (0..n_series).flat_map(|series| lines.iter().map(move |line| line[series])).collect();
        let step = Duration::from_secs(step);
        let answers = both(&settings("batch"), &values, n_series, step, horizon, &choice);
        let n = n_series - answers[0].abstained.len();
        println!("{name}: {n} of {n_series} series, {:.1e}", difference(&answers, &values));
        assert!(n > 0);
    }
}
