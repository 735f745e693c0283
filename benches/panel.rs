//! Many series at once: `batch` on all cores and on the graphics card, by the number of series.
//!
//! A program of its own and no table of criterion's, as one run on a card is enough to tell and what is
//! wanted is where the time goes: what was moved, what was computed, and how far both are from what
//! the card can do. `FORESCALE_GPU` chooses the card as everywhere; the card's own figures come by
//! `FORESCALE_GPU_GBPS` (memory, 10^9 bytes a second) and `FORESCALE_GPU_TFLOPS` (f32).
//! Run with `cargo bench --features gpu --bench panel -- [SERIES ...]`. Figures: `README.md` here.

#![allow(clippy::disallowed_methods, reason = "a benchmark reads the clock and the environment")]

mod card;

use std::time::Instant;

use forescale::forecast::{ForecasterConfig, On, Panel, PanelForecast, forecast_panel_on};
use forescale::gpu::{Choice, Device};
use forescale::{Duration, Timestamp};

use card::Rates;

const STEP: Duration = Duration::from_secs(300);
const WEEK: usize = 2016;
const HORIZON: usize = 12;
const QUANTILES: [f64; 4] = [0.5, 0.9, 0.95, 0.99];

/// Errors that are judged a sample: horizons 1, 2, 5 and 12 at every, every, second and fourth step.
const JUDGED: f64 = 1.0 + 1.0 + 0.5 + 0.25;
/// Operations for each of them: products of 16 features with each other and the target, 9 experts,
/// features, and halving two ranges 26 times for 4 quantiles, as written in `gpu/fit.wgsl` and
/// `gpu/quantiles.wgsl`.
const OPERATIONS: f64 = 2.0 * (160.0 + 16.0) + 2.0 * 60.0 + 2.0 * 26.0 * 4.0 * 2.0;
/// Numbers read and written for each: 10 of the past, 3 of scratch memory, and 27 rounds through two
/// kinds of errors, of four quantiles at once.
const NUMBERS: f64 = 13.0 + 2.0 * 27.0;

/// Numbers that come back of a series: 42 of what was learnt and two of each quantile, at four horizons.
const ROWS: f64 = 4.0 * (42.0 + 2.0 * 4.0);

fn main() {
    let choice = Choice::from_text(std::env::var("FORESCALE_GPU").ok().as_deref());
    // `--bench` comes from cargo, `--test` where it only asks whether it runs.
    let words: Vec<String> = std::env::args().skip(1).collect();
    let info = forescale::gpu::info(&choice);
    match &info {
        Ok(info) => println!("{} ({}), {}, {}", info.adapter, info.kind, info.driver, info.backend),
        Err(error) => println!("the cores alone: {error}"),
    }
    let mut sizes: Vec<usize> = words.iter().filter_map(|word| word.parse().ok()).collect();
    if words.iter().any(|word| word == "--test") {
        sizes = vec![16];
    } else if sizes.is_empty() {
        let is_software = info.is_ok_and(|info| info.kind == "cpu");
        sizes = if is_software { vec![100, 1_000] } else { vec![100, 1_000, 10_000, 100_000] };
    }
    println!(
        "{WEEK} samples, {HORIZON} steps ahead, {} quantiles; the best of three",
        QUANTILES.len()
    );
    println!(
        "| series | on | seconds | series a second | upload | kernel | read-back | moved | of memory | of f32 |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for n_series in sizes {
        let values = loads(n_series);
        let cpu = measured(&values, n_series, Device::Cpu, &choice);
        if let Ok((seconds, _)) = &cpu {
            let rate = n_series as f64 / seconds;
            println!("| {n_series} | cores | {seconds:.4} | {rate:.0} | | | | | | |");
        }
        if let Ok((seconds, forecast)) = measured(&values, n_series, Device::Gpu, &choice) {
            let judged = JUDGED * (n_series * WEEK) as f64;
            let moved =
                n_series as f64 * (4.0 + 1.0 / 8.0) * WEEK as f64 + n_series as f64 * 4.0 * ROWS;
            let rates = Rates {
                seconds: forecast.device_seconds,
                moved,
                gigabytes: 4e-9 * NUMBERS * judged,
                teraflops: 1e-12 * OPERATIONS * judged,
            };
            let rate = n_series as f64 / seconds;
            println!("| {n_series} | card | {seconds:.4} | {rate:.0} | {} |", rates.columns());
        }
    }
}

fn measured(
    values: &[f64],
    n_series: usize,
    device: Device,
    choice: &Choice,
) -> Result<(f64, PanelForecast), forescale::Error> {
    let settings = ForecasterConfig::from_text("batch")?;
    let panel = Panel { values, n_series, start: Timestamp::from_secs(300), step: STEP };
    let on = On { device, choice: choice.clone(), ..On::default() };
    let run = || -> Result<(f64, PanelForecast), forescale::Error> {
        let start = Instant::now();
        let forecast = forecast_panel_on(&settings, &panel, HORIZON, &QUANTILES, &on)?;
        Ok((start.elapsed().as_secs_f64(), forecast))
    };
    let mut best = run()?;
    for _ in 0..2 {
        let again = run()?;
        if again.0 < best.0 {
            best = again;
        }
    }
    Ok(best)
}

/// A load with a course of the day, weaker at weekends, and noise that has a memory.
fn loads(n_series: usize) -> Vec<f64> {
    let day: Vec<f64> =
        (0..288).map(|at| libm::sin(std::f64::consts::TAU * f64::from(at) / 288.0)).collect();
    let mut values = Vec::with_capacity(n_series * WEEK);
    for series in 0..n_series as u64 {
        let mut state = series.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut noise = 0.0;
        for at in 0..WEEK {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            noise = 0.8 * noise + ((state >> 11) as f64 / (1_u64 << 53) as f64 - 0.5);
            let weekend = if at / 288 % 7 < 5 { 1.0 } else { 0.6 };
            values.push(1000.0 * weekend * (1.0 + 0.6 * day[at % 288] + 0.1 * noise));
        }
    }
    values
}
