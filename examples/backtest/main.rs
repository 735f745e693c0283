//! What would predictive scaling have done to a load? Replays a trace against several
//! configurations, prints a table, writes a page with pictures.
//!
//! ```text
//! cargo backtest                                  # a generated week of a web service
//! cargo backtest load.csv.gz --out load.html      # a load of your own
//! cargo backtest load.csv --config mine.yaml --config other.yaml --plant plant.yaml
//! ```

mod configs;

use std::fs::File;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use comfy_table::{CellAlignment, Table, presets};
use forescale::sim::{self, Comparison, Score, Settings, Trace};
use indicatif::{ProgressBar, ProgressStyle};

/// Replay a load against autoscaling configurations, between two bounds.
#[derive(Parser)]
#[command(name = "backtest", version)]
struct Arguments {
    /// CSV of time and load, plain or gzip [default: a generated week of a web service]
    trace: Option<PathBuf>,
    /// Configuration to replay, JSON or YAML; may be repeated [default: five built-in ones]
    #[arg(long)]
    config: Vec<PathBuf>,
    /// Settings of the plant, JSON or YAML
    #[arg(long)]
    plant: Option<PathBuf>,
    /// Where the page goes
    #[arg(long, default_value = "backtest.html")]
    out: PathBuf,
}

fn main() -> ExitCode {
    match backtest(&Arguments::parse()) {
        Ok(told) => {
            println!("{told}");
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("backtest: {message}");
            ExitCode::from(1)
        }
    }
}

/// Runs it all; the table and where the page lies.
fn backtest(arguments: &Arguments) -> Result<String, String> {
    let mut settings = match &arguments.plant {
        Some(path) => Settings::from_text(&read(path)?)
            .map_err(|error| format!("{}: {error}", path.display()))?,
        None => Settings::default(),
    };
    let trace = match &arguments.trace {
        Some(path) => read_trace(path)?,
        None => {
            if arguments.plant.is_none() {
                settings.scored = "7d".parse().map_err(|error| format!("{error}"))?;
            }
            sim::web_service(4, 7)
        }
    };
    let configs = if arguments.config.is_empty() {
        configs::built_in(&trace, &settings).map_err(|error| error.to_string())?
    } else {
        arguments
            .config
            .iter()
            .map(|path| Ok((name(path), read(path)?)))
            .collect::<Result<_, String>>()?
    };
    let n_ticks = sim::n_ticks(&trace, &settings).map_err(|error| error.to_string())?;
    let bar = if std::io::stderr().is_terminal() {
        ProgressBar::new((n_ticks * configs.len()) as u64)
    } else {
        ProgressBar::hidden()
    };
    let style = ProgressStyle::with_template("{bar:40} {percent}% of {len} decisions, {eta} left");
    bar.set_style(style.map_err(|error| error.to_string())?);
    let comparison = sim::compare(&trace, &settings, &configs, &|ticks| bar.inc(ticks as u64))
        .map_err(|error| error.to_string())?;
    bar.finish_and_clear();
    let page = sim::report::html(&comparison).map_err(|error| error.to_string())?;
    std::fs::write(&arguments.out, page)
        .map_err(|error| format!("{}: {error}", arguments.out.display()))?;
    Ok(format!(
        "{}\n\n{}\n{LEGEND}\n\npictures: {}",
        headline(&trace, &comparison),
        table(&comparison),
        arguments.out.display()
    ))
}

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn read_trace(path: &Path) -> Result<Trace, String> {
    let file = File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut name = name(path);
    // load.csv.gz has two endings.
    if let Some(short) = name.strip_suffix(".csv") {
        name = short.to_owned();
    }
    Trace::from_csv(name, file).map_err(|error| format!("{}: {error}", path.display()))
}

fn name(path: &Path) -> String {
    path.file_stem()
        .map_or_else(|| path.display().to_string(), |stem| stem.to_string_lossy().into())
}

fn headline(trace: &Trace, comparison: &Comparison) -> String {
    let minutes = comparison.bounds.clairvoyant.minutes;
    let scored = match minutes {
        few if few < 120.0 => format!("{few:.0} minutes"),
        few if few < 2880.0 => format!("{:.1} hours", few / 60.0),
        many => format!("{:.1} days", many / 1440.0),
    };
    let load_per_replica = short(comparison.settings.load_per_replica.unwrap_or_default());
    let mut line = format!(
        "{}: {scored} scored, {} steps of {} in all; a replica carries {load_per_replica} and takes {} to start",
        trace.name,
        trace.values.len(),
        trace.step,
        comparison.settings.start_up,
    );
    if trace.n_filled > 0 {
        line += &format!("; {} missing steps filled in", trace.n_filled);
    }
    line
}

/// A number that may be of any size: 96.9, 0.0123, 7.1e301.
fn short(number: f64) -> String {
    match number {
        plain if (10.0..1e7).contains(&plain) => format!("{plain:.1}"),
        small if (0.001..10.0).contains(&small) => format!("{small:.3}"),
        other => format!("{other:.2e}"),
    }
}

/// What the heads of the table mean.
const LEGEND: &str = "\
cost: replica-hours paid; x clairv.: as a multiple of who knows the load beforehand
violation: minutes with late or dropped load; late, dropped: shares of the load
under, over: replicas missing or too many, as a share of the demand; unstable: share of the time that
supply and demand move apart (elasticity of SPEC; 0 is best)";

fn table(comparison: &Comparison) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header([
        "",
        "cost h",
        "x clairv.",
        "violation min",
        "share",
        "late",
        "dropped",
        "actions",
        "reversals",
        "under",
        "over",
        "unstable",
    ]);
    let clairvoyant = &comparison.bounds.clairvoyant;
    let mut add = |name: &str, score: &Score| {
        let percent = |share: f64| format!("{:.2}%", share * 100.0);
        table.add_row([
            name.to_owned(),
            format!("{:.0}", score.replica_hours),
            if clairvoyant.replica_hours > 0.0 {
                format!("{:.2}", score.replica_hours / clairvoyant.replica_hours)
            } else {
                "-".to_owned() // no load, no cost to be a multiple of
            },
            format!("{:.0}", score.violation_minutes),
            percent(score.violation_share()),
            percent(score.late_share),
            percent(score.dropped_share),
            score.actions.to_string(),
            score.reversals.to_string(),
            percent(score.elasticity.under_accuracy),
            percent(score.elasticity.over_accuracy),
            percent(score.elasticity.instability),
        ]);
    };
    for report in &comparison.reports {
        add(&report.name, &report.score);
    }
    let constant = format!("bound: constant {}", comparison.bounds.constant_replicas);
    add(&constant, &comparison.bounds.constant);
    add("bound: clairvoyant", clairvoyant);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole way, on a short load of its own, and the errors a user may meet.
    #[test]
    fn runs() {
        let folder =
            std::env::temp_dir().join(format!("forescale-backtest-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = |name: &str| folder.join(name);
        let generated = sim::web_service(1, 7);
        let rows: Vec<_> = generated.values.iter().take(4 * 1440).enumerate().collect();
        let rows: String = rows.iter().map(|(at, load)| format!("{},{load}\n", at * 60)).collect();
        std::fs::write(path("load.csv"), format!("timestamp,value\n{rows}")).unwrap();
        std::fs::write(path("plant.yaml"), "scored: 6h\nhistory: 3d\n").unwrap();
        std::fs::write(path("text.csv"), "timestamp,value\n0,1\n60,many\n").unwrap();
        std::fs::write(path("odd.yaml"), "max_replica: 3\n").unwrap();

        let run = |trace: &str, config: &[&str]| {
            backtest(&Arguments {
                trace: Some(path(trace)),
                config: config.iter().map(|name| path(name)).collect(),
                plant: Some(path("plant.yaml")),
                out: path("page.html"),
            })
        };
        let told = run("load.csv", &[]).unwrap();
        for name in [
            "hpa 0.7",
            "hpa 0.85",
            "watermark",
            "schedule",
            "predictive",
            "constant",
            "clairvoyant",
        ] {
            assert!(told.contains(name), "{name} is missing in\n{told}");
        }
        let page = std::fs::read_to_string(path("page.html")).unwrap();
        assert!(page.contains("<svg") && !page.contains("http-equiv") && page.len() < 2_000_000);
        assert!(run("text.csv", &[]).unwrap_err().contains("`line 3` has \"many\""));
        assert!(run("load.csv", &["odd.yaml"]).unwrap_err().contains("max_replicas"));
        assert!(run("none.csv", &[]).unwrap_err().contains("none.csv"));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
