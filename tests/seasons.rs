//! The seasons of real load: the traces in which a day is plain to see have one.
//!
//! Reads the folder `FORESCALE_TRACES`, every trace of one column that its `index.json` names, and
//! says so where none is given. `cargo test --test seasons -- --nocapture` prints what was found.

#![cfg(feature = "csv")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "the tests are told where traces lie")]

use std::fs::{self, File};
use std::path::PathBuf;

use forescale::series::{Season, SeasonFinder, SeasonSettings};
use forescale::sim::Trace;

/// A day is plain to see where the load is that much more like a day ago than 18 or 30 hours ago; a
/// level that stays is like all three.
const PLAIN: f64 = 0.2;

/// The likeness of a load (its square root, a hundredth clipped at each end) with itself a day ago,
/// beyond that of 18 and 30 hours ago.
fn likeness_of_days(trace: &Trace) -> f64 {
    let mut sorted = trace.values.clone();
    sorted.sort_by(f64::total_cmp);
    let cut = sorted.len() / 100;
    let (low, high) = (sorted[cut], sorted[sorted.len() - 1 - cut]);
    let mut roots: Vec<_> =
        trace.values.iter().map(|v| (v.clamp(low, high) - low).sqrt()).collect();
    let mean = roots.iter().sum::<f64>() / roots.len() as f64;
    roots.iter_mut().for_each(|root| *root -= mean);
    let product = |lag: usize| {
        let pairs = roots[lag..].iter().zip(&roots);
        pairs.map(|(a, b)| a * b).sum::<f64>() / (roots.len() - lag) as f64
    };
    let after =
        |hours: f64| product((hours * 3600.0 / trace.step.as_secs_f64()) as usize) / product(0);
    after(24.0) - after(18.0).max(after(30.0))
}

fn is_day(season: &Season, step_seconds: f64) -> bool {
    (season.period_steps * step_seconds - 86_400.0).abs() < 1.0
}

#[test]
fn a_day_that_is_plain_to_see_is_found() {
    let Some(folder) = std::env::var_os("FORESCALE_TRACES").map(PathBuf::from) else {
        eprintln!("skipped: FORESCALE_TRACES is not set");
        return;
    };
    let index: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.join("index.json")).unwrap()).unwrap();
    let mut finder = SeasonFinder::new(SeasonSettings::default()).unwrap();
    let (mut n_plain, mut n_found, mut n_found_of_a_week) = (0, 0, 0);
    for entry in index.as_array().unwrap().iter().filter(|entry| entry["series"] == 1) {
        let file = folder.join(entry["file"].as_str().unwrap());
        let trace = Trace::from_csv(entry["name"].as_str().unwrap(), File::open(file).unwrap());
        let trace = trace.unwrap();
        let step = trace.step.as_secs_f64();
        let found = finder.find(&trace.values, trace.step).to_vec();
        let likeness = likeness_of_days(&trace);
        let plain = likeness >= PLAIN;
        let daily = found.iter().any(|season| is_day(season, step));
        // What an autoscaler has after a week.
        let week = trace.values.len().min((7.0 * 86_400.0 / step) as usize);
        let of_a_week = finder.find(&trace.values[trace.values.len() - week..], trace.step);
        if plain {
            n_plain += 1;
            n_found += usize::from(daily);
            n_found_of_a_week += usize::from(of_a_week.iter().any(|season| is_day(season, step)));
        }
        let hours: Vec<_> = (found.iter())
            .map(|season| {
                format!("{:.2}h {:.2}", season.period_steps * step / 3600.0, season.strength)
            })
            .collect();
        println!("{:22} likeness of days {likeness:5.2} found {hours:?}", trace.name);
    }
    println!("a day in {n_found} of {n_plain}, from the last week in {n_found_of_a_week}");
    assert_eq!(n_found, n_plain);
    assert!(n_found_of_a_week * 10 >= n_plain * 9);
}
