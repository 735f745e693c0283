//! A search on the graphics card over real load: what the card tells of a setting is what the live code
//! tells of it. Runs where an adapter is found, if only a software driver; with `FORESCALE_REQUIRE_GPU=1`
//! one must be there. Traces are those of the folder `FORESCALE_TRACES` (default: `../shared/traces`).
//!
//! Tolerance: a tenth of a percent of the minutes and two of the replica-hours, of the worst of the dozen
//! that lead. Both sides count replicas and times in whole numbers; a load or a utilization within 4e-7
//! of an edge may fall to its other side in single precision, and then there is a replica more or fewer for some
//! intervals.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "a test may read the environment")]

mod card;

use forescale::Config;
use forescale::gpu::Device;
use forescale::sim::{Settings, Trace, web_service};
use forescale::tune::{Dimension, Options, Tuning, to_the_end, tune};

use card::adapter;

fn searched(trace: &Trace, policies: &str, options: Options) -> Tuning {
    let peak = trace.values.iter().copied().fold(0.0, f64::max);
    let text = format!(
        r#"{{"max_replicas": 120,
            "metrics": {{"rps": {{"kind": "total"}}, "cpu": {{"kind": "utilization"}}}},
            "capacity": {{"kind": "fixed", "metric": "rps", "load_per_replica": {}}},
            "policies": [{policies}]}}"#,
        peak / 21.0
    );
    let plant = Settings { interval: "30s".parse().unwrap(), ..Settings::default() };
    let config = Config::from_text(&text).unwrap();
    tune(&config, trace, &plant, &options, &to_the_end).unwrap()
}

fn assert_agrees(tuning: &Tuning, n: usize) {
    assert!(tuning.n_on_device >= n && tuning.device != "cpu", "{:?}", tuning.not_on_device);
    let off = tuning.off_by.expect("whoever leads is replayed once more");
    let usual = tuning.current.selected.replica_hours_per_day;
    let share = off.replica_hours_per_day / usual;
    println!(
        "{}: {:.1e} of the minutes, {share:.1e} of the cost",
        tuning.trace, off.violation_share
    );
    assert!(off.violation_share <= 1e-3 && share <= 2e-3, "{}: {off:?}", tuning.trace);
}

const HPA: &str = r#"{"kind": "target", "metric": "cpu", "target": 0.7}"#;

#[test]
fn quantiles_and_a_target_on_the_card_are_those_of_the_live_code() {
    let Some(choice) = adapter() else { return };
    let by = |quantile: f64| serde_json::json!({ "quantile": quantile });
    let space = vec![
        Dimension::values("policies[0]", [0.9, 0.95, 0.99].map(by)),
        Dimension::range("policies[1].target", 0.5, 0.85).in_grains(0.01),
        Dimension::values("capacity.target_utilization", [0.7, 0.8, 0.9]),
        Dimension::values("guards[0].scale_down", [0, 300, 900]),
    ];
    let options = Options {
        settings: 24,
        space: Some(space),
        device: Device::Gpu,
        choice,
        ..Options::default()
    };
    let predictive = r#"{"kind": "predictive", "metric": "rps", "quantile": 0.95,
                         "forecaster": {"kind": "seasonal_naive", "season": "1d"}}"#;
    let tuning = searched(&web_service(6, 7), &format!("{predictive}, {HPA}"), options);
    assert_agrees(&tuning, 20);
}

/// `predictive` as it comes: its risk is rehearsed, or one of those of the default space.
#[test]
fn risks_on_the_card_are_those_of_the_live_code() {
    let Some(choice) = adapter() else { return };
    let options = Options { settings: 24, device: Device::Gpu, choice, ..Options::default() };
    let predictive = r#"{"kind": "predictive", "metric": "rps"}"#;
    let tuning = searched(&web_service(6, 7), predictive, options);
    assert_eq!(tuning.not_on_device, None);
    assert_agrees(&tuning, 20);
}

/// Real load, where it is found beside the checkout: an HPA at first, and `predictive` as it comes.
#[cfg(feature = "csv")]
#[test]
fn settings_on_real_load_are_those_of_the_live_code() {
    let Some(choice) = adapter() else { return };
    let folder = std::env::var_os("FORESCALE_TRACES").map_or_else(
        || concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/traces").into(),
        std::path::PathBuf::from,
    );
    for name in ["wc98", "twitter_prod", "nab_elb_requests", "tweets_amzn"] {
        let Ok(file) = std::fs::File::open(folder.join(format!("{name}.csv.gz"))) else {
            println!("skipped: no {name}");
            continue;
        };
        let trace = Trace::from_csv(name, file).unwrap();
        // A week is enough where a software driver replays it.
        let week: forescale::Duration = "7d".parse().unwrap();
        let selected = (trace.length() > week.times(4)).then_some(week);
        let options = |settings| Options {
            settings,
            selected,
            device: Device::Gpu,
            choice: choice.clone(),
            ..Options::default()
        };
        assert_agrees(&searched(&trace, HPA, options(24)), 20);
        // What is known of the load by each risk takes the processor a while.
        if name == "wc98" {
            let predictive = r#"{"kind": "predictive", "metric": "rps"}"#;
            assert_agrees(&searched(&trace, predictive, options(12)), 8);
        }
    }
}
