//! What would predictive scaling have done to a load? Replays a trace against several
//! configurations, prints a table, writes a page with pictures.
//!
//! ```text
//! cargo backtest                                  # a generated week of a web service
//! cargo backtest load.csv.gz --out load.html      # a load of your own
//! cargo backtest load.csv --config mine.yaml --config other.yaml --plant plant.yaml
//! cargo backtest load.csv --fronts                # the ways to scale that people use, each over its knob
//! cargo backtest load.csv --diff "hpa 0.7" predictive
//! ```

mod configs;
mod files;
mod front_table;
mod table;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use forescale::sim::{self, Settings};
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
    /// Sweep the ways to scale that people use, each over its knob, and draw their fronts
    #[arg(long)]
    fronts: bool,
    /// Tell where the decisions of two configurations differ, and why
    #[arg(long, num_args = 2, value_names = ["NAME", "NAME"])]
    diff: Vec<String>,
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
        Some(path) => Settings::from_text(&files::text(path)?)
            .map_err(|error| format!("{}: {error}", path.display()))?,
        None => Settings::default(),
    };
    let trace = match &arguments.trace {
        Some(path) => files::trace(path)?,
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
            .map(|path| Ok((files::name(path), files::text(path)?)))
            .collect::<Result<_, String>>()?
    };
    settings.decisions |= !arguments.diff.is_empty();
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
    let mut told = format!(
        "{}\n\n{}\n{}\n\n",
        table::headline(&trace, &comparison),
        table::table(&comparison),
        table::LEGEND
    );
    if let [a, b] = &arguments.diff[..] {
        let report = |name: &String| {
            let found = comparison.reports.iter().find(|report| report.name == *name);
            let known: Vec<_> = comparison.reports.iter().map(|report| &report.name).collect();
            found.ok_or_else(|| format!("--diff: \"{name}\" must be one of {known:?}"))
        };
        let diff = sim::Diff::between(report(a)?, report(b)?).map_err(|error| error.to_string())?;
        told += &format!("{diff}\n");
    }
    let page = if arguments.fronts {
        let fronts = sim::fronts(&trace, &settings, &sim::Contender::ALL, &[], &|| {})
            .map_err(|error| error.to_string())?;
        told += &format!("{}\n\n", front_table::table(&fronts));
        sim::report::html_with_fronts(&comparison, &fronts)
    } else {
        sim::report::html(&comparison)
    };
    let page = page.map_err(|error| error.to_string())?;
    std::fs::write(&arguments.out, page)
        .map_err(|error| format!("{}: {error}", arguments.out.display()))?;
    Ok(format!("{told}pictures: {}", arguments.out.display()))
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

        let told_of = |trace: &str, config: &[&str], diff: &[&str]| {
            backtest(&Arguments {
                fronts: !diff.is_empty(),
                diff: diff.iter().map(|name| (*name).to_owned()).collect(),
                trace: Some(path(trace)),
                config: config.iter().map(|name| path(name)).collect(),
                plant: Some(path("plant.yaml")),
                out: path("page.html"),
            })
        };
        let run = |trace: &str, config: &[&str]| told_of(trace, config, &[]);
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
        // The default says nothing of the fronts; asked for, they are in the table and on the page.
        assert!(!told.contains("hpa_tuned") && !page.contains("hpa_tuned"));
        let told = told_of("load.csv", &[], &["hpa 0.7", "predictive"]).unwrap();
        assert!(told.contains("hpa_tuned") && told.contains("differ in"), "{told}");
        let page = std::fs::read_to_string(path("page.html")).unwrap();
        assert!(page.contains("hpa_tuned") && page.contains("Timeline"));
        let error = told_of("load.csv", &[], &["hpa 0.7", "nobody"]).unwrap_err();
        assert!(error.contains("\"nobody\" must be one of"), "{error}");
        assert!(run("text.csv", &[]).unwrap_err().contains("`line 3` has \"many\""));
        assert!(run("load.csv", &["odd.yaml"]).unwrap_err().contains("max_replicas"));
        assert!(run("none.csv", &[]).unwrap_err().contains("none.csv"));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
