//! Finds better settings for a recorded load, tells what to expect of them, and how it turned out.
//!
//! ```text
//! cargo tune                          # a load made up for show
//! cargo tune your.csv                 # columns `timestamp,value`, plain or gzip
//! cargo tune your.csv --config hpa.yaml --start-up 5m --violation-share 0.01
//! cargo tune TRACES --follow          # over a folder: does it hold in the week that follows?
//! cargo tune TRACES --by-itself       # and if it tunes itself, night after night?
//! ```
//!
//! With `--follow` the last week (a quarter of a shorter trace) is kept from the search altogether;
//! then the settings that it recommends and those it began with are both replayed over it. With
//! `--by-itself` the end of the trace is lived through, once as it is and once with a retuning each night.

mod by_itself;
mod follow;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use comfy_table::{Table, presets};
use forescale::gpu::{Choice, Device};
use forescale::sim::{Settings, Trace, web_service};
use forescale::tune::{self, Objective, Options, Tried, Tuning};
use forescale::{Config, Error};

/// Search for better settings on a recorded load.
#[derive(Parser)]
#[command(name = "tune", version)]
struct Arguments {
    /// A CSV file of time and load, plain or gzip, or a folder of them
    trace: Option<PathBuf>,
    /// Settings to begin with, JSON or YAML
    #[arg(long)]
    config: Option<PathBuf>,
    /// Which of the built-in settings to begin with: `hpa` or `predictive`
    #[arg(long, default_value = "predictive")]
    begin: String,
    /// How long a replica takes to start
    #[arg(long, default_value = "2m")]
    start_up: String,
    /// Settings to try
    #[arg(long, default_value_t = 256)]
    settings: usize,
    /// A minute in violation is as dear as so many minutes of the fleet
    #[arg(long, default_value_t = 30.0)]
    violation_price: f64,
    /// In place of a price: the least cost with such a share of the minutes in violation
    #[arg(long)]
    violation_share: Option<f64>,
    /// Where settings are replayed: `cpu`, `gpu` or `auto`; the card needs a build with `--features gpu`, and
    /// `FORESCALE_GPU` chooses it
    #[arg(long, default_value = "cpu")]
    device: String,
    /// Whether to replay what is recommended over the week that follows
    #[arg(long)]
    follow: bool,
    /// Whether to live through the end of the trace with a retuning each night
    #[arg(long)]
    by_itself: bool,
    /// Time from decision to decision
    #[arg(long, default_value = "15s")]
    interval: String,
}

impl Arguments {
    fn options(&self) -> Result<Options, Error> {
        let objective = match self.violation_share {
            Some(violation_share) => Objective::LeastCost { violation_share },
            None => Objective::LeastTotal { violation_price: self.violation_price },
        };
        let device = Device::from_text(&self.device)?;
        #[allow(clippy::disallowed_methods, reason = "an example may read the environment")]
        let choice = Choice::from_text(std::env::var("FORESCALE_GPU").ok().as_deref());
        Ok(Options { objective, settings: self.settings, device, choice, ..Options::default() })
    }

    fn plant(&self) -> Result<Settings, String> {
        let start_up = self.start_up.parse().map_err(|error| format!("--start-up: {error}"))?;
        let interval = self.interval.parse().map_err(|error| format!("--interval: {error}"))?;
        Ok(Settings { start_up, interval, ..Settings::default() })
    }

    /// The settings to begin with, for replicas that carry so much.
    fn config(&self, plant: &Settings, load_per_replica: f64) -> Result<Config, String> {
        if let Some(path) = &self.config {
            let text = std::fs::read_to_string(path)
                .map_err(|error| format!("{}: {error}", path.display()))?;
            return Config::from_text(&text).map_err(|error| error.to_string());
        }
        let lead_time = plant.start_up.as_secs_f64();
        let policies = match &*self.begin {
            "hpa" => r#"{"kind": "target", "metric": "cpu", "target": 0.7}"#,
            "predictive" => r#"{"kind": "predictive", "metric": "rps"}"#,
            other => return Err(format!("--begin is {other}, must be hpa or predictive")),
        };
        let text = format!(
            r#"{{"max_replicas": {most}, "lead_time": {lead_time},
                "metrics": {{"rps": {{"kind": "total"}}, "cpu": {{"kind": "utilization"}}}},
                "capacity": {{"kind": "fixed", "metric": "rps", "load_per_replica": {load_per_replica}}},
                "policies": [{policies}]}}"#,
            most = plant.peak_replicas * 4,
        );
        Config::from_text(&text).map_err(|error| error.to_string())
    }
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(told) => {
            println!("{told}");
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("tune: {message}");
            ExitCode::from(1)
        }
    }
}

fn run(arguments: &Arguments) -> Result<String, String> {
    let plant = arguments.plant()?;
    match &arguments.trace {
        Some(path) if arguments.by_itself => {
            by_itself::told(arguments, &follow::traces(path)?, &plant)
        }
        Some(path) if path.is_dir() => follow::told(arguments, &follow::traces(path)?, &plant),
        Some(path) => one(arguments, &read(path)?, &plant),
        None => one(arguments, &web_service(28, 7), &plant),
    }
}

/// The front of one trace, and what is recommended.
fn one(arguments: &Arguments, trace: &Trace, plant: &Settings) -> Result<String, String> {
    if arguments.follow {
        return follow::told(arguments, std::slice::from_ref(trace), plant);
    }
    let peak = trace.values.iter().copied().fold(0.0, f64::max);
    let load_per_replica = peak / (f64::from(plant.peak_replicas) * plant.target_utilization);
    let config = arguments.config(plant, load_per_replica)?;
    let plant = Settings { load_per_replica: Some(load_per_replica), ..plant.clone() };
    let told = |error: Error| error.to_string();
    let options = arguments.options().map_err(told)?;
    let tuning = tune::tune(&config, trace, &plant, &options, &tune::to_the_end).map_err(told)?;
    let on_card = match tuning.n_on_device {
        0 => String::new(),
        n => format!(", {n} of them on {}", tuning.device),
    };
    Ok(format!(
        "{}\n{} settings tried{on_card}, {} refused. Recommended: {}, as {}",
        table(&tuning),
        tuning.n_tried,
        tuning.n_refused,
        changes(&tuning.recommended),
        tuning.reason,
    ))
}

fn table(tuning: &Tuning) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header(["", "violated", "expected", "hours a day", "expected", "settings"]);
    let mut add = |what: &str, one: &Tried| {
        let told = |estimate: Option<tune::Estimate>, scale: f64| {
            estimate.map_or("-".to_owned(), |told| {
                let [mean, low, high] = [told.mean, told.low, told.high].map(|n| scale * n);
                format!("{mean:.2} ({low:.2} to {high:.2})")
            })
        };
        let expected = one.expected;
        table.add_row([
            what.to_owned(),
            format!("{:.2} %", 100.0 * one.selected.violation_share),
            told(expected.map(|expected| expected.violation_share), 100.0) + " %",
            format!("{:.1}", one.selected.replica_hours_per_day),
            told(expected.map(|expected| expected.replica_hours_per_day), 1.0),
            changes(one),
        ]);
    };
    tuning.front.iter().for_each(|one| add("", one));
    add("current", &tuning.current);
    add("recommended", &tuning.recommended);
    table
}

fn changes(one: &Tried) -> String {
    let told: Vec<_> = one
        .changes
        .iter()
        .map(|change| format!("{} {}", change.path, change.value.to_string().replace('"', "")))
        .collect();
    if told.is_empty() { "as it is".to_owned() } else { told.join(", ") }
}

fn read(path: &Path) -> Result<Trace, String> {
    let told = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let name = name.trim_end_matches(".gz").trim_end_matches(".csv").to_owned();
    let file = File::open(path).map_err(|error| told(&error))?;
    Trace::from_csv(name, file).map_err(|error| told(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_tells_the_front_and_what_is_recommended() {
        let arguments = Arguments::parse_from([
            "tune",
            "--settings",
            "8",
            "--begin",
            "hpa",
            "--start-up",
            "3m",
        ]);
        let plant = Settings { interval: "1m".parse().unwrap(), ..arguments.plant().unwrap() };
        let told = one(&arguments, &web_service(4, 7), &plant).unwrap();
        assert!(told.contains("policies[0].target") && told.contains("8 settings tried"), "{told}");
        let arguments = Arguments { follow: true, ..arguments };
        let told = one(&arguments, &web_service(6, 7), &plant).unwrap();
        assert!(told.contains("better in") && told.contains("worst"), "{told}");
        let arguments = Arguments { settings: 32, ..arguments };
        let told = by_itself::told(&arguments, &[web_service(2, 7)], &plant).unwrap();
        assert!(told.contains("found") && told.contains("worst"), "{told}");
    }

    #[test]
    fn mistakes_are_named() {
        let told =
            |more: &[&str]| run(&Arguments::parse_from(["tune"].iter().chain(more))).unwrap_err();
        assert!(told(&["no/such.csv"]).contains("no/such.csv"));
        assert!(told(&["--begin", "luck"]).contains("--begin is luck"));
        assert!(told(&["--start-up", "soon"]).contains("--start-up"));
        assert!(told(&["--interval", "soon"]).contains("--interval"));
        assert!(told(&["examples/tune"]).contains("holds no trace"));
        assert!(told(&["examples/tune", "--by-itself"]).contains("holds no trace"));
    }
}
