//! The time of a search: a month at one-minute steps, decided every 15 seconds, 256 settings, on one
//! core where `RAYON_NUM_THREADS=1` is set; then the same on the cores and on the graphics card by the number
//! of settings. A search takes too long for many samples, so each is timed once.
//!
//! `FORESCALE_GPU` chooses the card as everywhere; the card's own figures come by `FORESCALE_GPU_GBPS`
//! (memory, 10^9 bytes a second) and `FORESCALE_GPU_TFLOPS` (f32).
//! Run with `cargo bench --features gpu --bench tune -- [SETTINGS ...]`. Figures: `README.md` here.

#![allow(clippy::disallowed_methods, reason = "a benchmark reads the clock and the environment")]

mod card;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use forescale::Config;
use forescale::gpu::{Choice, Device, info};
use forescale::sim::{Settings, Trace, web_service};
use forescale::tune::{Options, Tuning, to_the_end, tune};

use card::Rates;

/// Operations of a control step as written in `gpu/replay/`, where nothing waits and no guard
/// moves: the screen's two slopes 170, law and guards 50, start-ups and queue 60.
const OPERATIONS: f64 = 280.0;
/// Words of its own that a lane reads and writes a step: utilization and stopping replicas twice each,
/// the window four times. What all lanes share is read by a group at once.
const WORDS: f64 = 8.0;
/// Bytes that are moved: four numbers a tick; words of a lane, and three back a day. A tape of what is
/// known of the load, a word a tick, is shared by many lanes and left out.
const A_TICK: f64 = 4.0 * 4.0;
const A_LANE: f64 = 4.0 * 39.0;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if !words.iter().any(|word| word == "--bench") {
        return; // listed or run as a test
    }
    let trace = web_service(30, 7);
    let sizes: Vec<usize> = words.iter().filter_map(|word| word.parse().ok()).collect();
    if sizes.is_empty() {
        for name in ["hpa", "risk", "quantile"] {
            usual(name, &trace);
        }
    }
    by_size(&sizes, &trace);
}

fn config(name: &str, trace: &Trace) -> Config {
    let load_per_replica = trace.values.iter().copied().fold(0.0, f64::max) / 21.0;
    let policies = match name {
        "hpa" => r#"{"kind": "target", "metric": "cpu", "target": 0.7}"#,
        "risk" => r#"{"kind": "predictive", "metric": "rps", "risk": 0.01}"#,
        "predictive" => r#"{"kind": "predictive", "metric": "rps"}"#,
        _ => {
            r#"{"kind": "predictive", "metric": "rps"}, {"kind": "target", "metric": "cpu", "target": 0.7}"#
        }
    };
    let text = format!(
        r#"{{"max_replicas": 120,
            "metrics": {{"rps": {{"kind": "total"}}, "cpu": {{"kind": "utilization"}}}},
            "capacity": {{"kind": "fixed", "metric": "rps", "load_per_replica": {load_per_replica}}},
            "policies": [{policies}]}}"#
    );
    Config::from_text(&text).expect("it is whole")
}

fn searched(config: &Config, trace: &Trace, options: &Options) -> (f64, u64, Tuning) {
    let (began, n_asked) = (Instant::now(), AtomicU64::new(0));
    let count = |share: f64| {
        n_asked.fetch_add(1, Ordering::Relaxed);
        to_the_end(share)
    };
    let tuning = tune(config, trace, &Settings::default(), options, &count);
    let tuning = tuning.expect("a month is enough, and what is asked for is there");
    (began.elapsed().as_secs_f64(), n_asked.load(Ordering::Relaxed), tuning)
}

fn usual(name: &str, trace: &Trace) {
    let (seconds, n_asked, tuning) = searched(&config(name, trace), trace, &Options::default());
    println!(
        "tune/month/{name}: {seconds:.1} s for {} settings ({} refused), {n_asked} pieces of 500 intervals, {}",
        tuning.n_tried,
        tuning.n_refused,
        tuning.reason.code(),
    );
}

/// A target with its window and rate, then `predictive` as it comes, by the number of settings: all of them
/// over all days on the card, a race on the cores.
fn by_size(sizes: &[usize], trace: &Trace) {
    let choice = Choice::from_text(std::env::var("FORESCALE_GPU").ok().as_deref());
    let card = match info(&choice) {
        Ok(card) => {
            println!("{} ({}), {}, {}", card.adapter, card.kind, card.driver, card.backend);
            Some(card)
        }
        Err(error) => {
            println!("the cores alone: {error}");
            None
        }
    };
    let is_real = card.as_ref().is_some_and(|card| card.kind != "cpu");
    let usual: &[usize] = if is_real { &[256, 1_000, 10_000, 100_000] } else { &[256] };
    println!(
        "| begun with | settings | on | seconds | steps a second in the kernel | off by | upload | kernel | read-back | moved | of memory | of f32 |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|");
    for name in ["hpa", "predictive"] {
        let config = config(name, trace);
        for &settings in if sizes.is_empty() { usual } else { sizes } {
            // A race of as many takes the cores hours.
            if settings <= 10_000 {
                let options = Options { settings, ..Options::default() };
                let (seconds, _, tuning) = searched(&config, trace, &options);
                println!("| {name} | {} | cores | {seconds:.2} | | | | | | | | |", tuning.n_tried);
            }
            if card.is_none() {
                continue;
            }
            let choice = choice.clone();
            let options = Options { settings, device: Device::Gpu, choice, ..Options::default() };
            let (seconds, _, tuning) = searched(&config, trace, &options);
            on_card(name, seconds, &tuning);
        }
    }
}

/// The row of a search on the card.
fn on_card(name: &str, seconds: f64, tuning: &Tuning) {
    let span = tuning.selected.end.since(tuning.selected.start);
    let n_ticks = span.as_secs_f64() / tuning.settings.interval.as_secs_f64();
    let n_lanes = tuning.n_on_device as f64;
    let steps = n_lanes * n_ticks;
    let rates = Rates {
        seconds: tuning.device_seconds,
        moved: A_TICK * n_ticks + (A_LANE + 12.0 * span.as_secs_f64() / 86_400.0) * n_lanes,
        gigabytes: 4e-9 * WORDS * steps,
        teraflops: 1e-12 * OPERATIONS * steps,
    };
    let kernel = tuning.device_seconds.filter(|seconds| seconds.kernel > 0.0);
    let rate = kernel.map_or_else(String::new, |of| format!("{:.2e}", steps / of.kernel));
    let off = tuning.off_by.map_or_else(String::new, |off| {
        let share = 100.0 * off.violation_share;
        format!("{share:.4} % of minutes, {:.3} replica-hours a day", off.replica_hours_per_day)
    });
    println!("| {name} | {n_lanes} | card | {seconds:.2} | {rate} | {off} | {} |", rates.columns());
}
