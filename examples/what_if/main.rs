//! What would predictive scaling have done to *your* workload? Reads the manifest you have, replays
//! it on the load that was recorded, shows how closely that comes to what really ran, and only then
//! what a forecast on top of it would have changed.
//!
//! ```text
//! cargo what-if                                       # a manifest and a record made up for show
//! cargo what-if hpa.yaml --history load.json --replicas replicas.json
//! cargo what-if hpa.yaml --history load.csv.gz --load-per-replica 110 --plant plant.yaml
//! ```
//!
//! Histories are answers of Prometheus to range queries (`.json`, several with `--history` again,
//! several series are added up) or CSV of time and value (`.csv`, `.csv.gz`).

mod alternative;
mod capacity;
mod demo;
#[path = "../backtest/files.rs"]
mod files;
mod input;
#[path = "../backtest/table.rs"]
mod table;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use forescale::Config;
use forescale::manifest::{self, Import};
use forescale::sim::{self, Agreement, Comparison, Record, Series, Settings, Trace};

/// Replay the autoscaler you have on the load you had, and see what a forecast would change.
#[derive(Parser)]
#[command(name = "what-if", version)]
struct Arguments {
    /// Manifest: HPA, KEDA, Knative, AWS, GCP or Azure [default: one made up for show]
    manifest: Option<PathBuf>,
    /// The load of the whole workload: Prometheus answers or CSV; may be repeated
    #[arg(long, requires = "manifest")]
    history: Vec<PathBuf>,
    /// The replicas that really ran: Prometheus answers or CSV; may be repeated
    #[arg(long, requires = "history")]
    replicas: Vec<PathBuf>,
    /// Which of the manifest's workloads, if there are several
    #[arg(long)]
    name: Option<String>,
    /// The load that one replica can carry [default: fitted to what really ran]
    #[arg(long, allow_negative_numbers = true)]
    load_per_replica: Option<f64>,
    /// Which of the manifest's metrics the load is [default: the first that is a total]
    #[arg(long)]
    metric: Option<String>,
    /// Settings of the plant, JSON or YAML
    #[arg(long)]
    plant: Option<PathBuf>,
    /// Where the page goes
    #[arg(long, default_value = "what_if.html")]
    out: PathBuf,
}

fn main() -> ExitCode {
    match what_if(&Arguments::parse()) {
        Ok(told) => {
            println!("{told}");
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("what-if: {message}");
            ExitCode::from(1)
        }
    }
}

/// A manifest, what was recorded, and the workload as it is taken to be.
pub(crate) struct Case {
    pub(crate) import: Import,
    pub(crate) trace: Trace,
    pub(crate) record: Option<Record>,
    pub(crate) plant: Settings,
    /// Where it comes from, if it was made up.
    pub(crate) remark: &'static str,
}

/// Runs it all; what to tell.
fn what_if(arguments: &Arguments) -> Result<String, String> {
    let mut case = match &arguments.manifest {
        Some(manifest) => read(arguments, manifest)?,
        None => demo::case()?,
    };
    let named = alternative::name_metrics(arguments.metric.as_deref(), &mut case)?;
    let (capacity, is_fitted) = capacity::settle(arguments.load_per_replica, &mut case)?;
    let (from, _) = case.plant.scored_part(&case.trace);
    if let (None, Some(record)) = (case.plant.initial_replicas, &case.record) {
        case.plant.initial_replicas = record.at(from);
    }
    case.plant.decisions = true;

    let configs = alternative::configs(&case)?;
    let refused = |error: forescale::Error| error.to_string();
    let mut comparison =
        sim::compare(&case.trace, &case.plant, &configs, &|_| {}).map_err(refused)?;
    if let Some(record) = case.record.clone() {
        comparison = comparison.against(record).map_err(refused)?;
    }
    let page = sim::report::html(&comparison).map_err(refused)?;
    std::fs::write(&arguments.out, page)
        .map_err(|error| format!("{}: {error}", arguments.out.display()))?;
    Ok(tell(&case, &comparison, &[named, capacity], is_fitted, arguments))
}

fn read(arguments: &Arguments, manifest: &std::path::Path) -> Result<Case, String> {
    if arguments.history.is_empty() {
        return Err("a manifest needs --history, the load that it is replayed on".to_owned());
    }
    let text = files::text(manifest)?;
    let imports =
        manifest::load(&text).map_err(|error| format!("{}: {error}", manifest.display()))?;
    let names: Vec<_> = imports.iter().map(|import| import.name.clone()).collect();
    let mut chosen = imports
        .into_iter()
        .filter(|import| arguments.name.as_ref().is_none_or(|name| *name == import.name));
    let import = match (chosen.next(), chosen.next()) {
        (Some(import), None) => import,
        _ => return Err(format!("choose a workload with --name, one of {names:?}")),
    };
    let record = if arguments.replicas.is_empty() {
        None
    } else {
        Some(input::record(&arguments.replicas)?)
    };
    let plant = match &arguments.plant {
        Some(path) => Settings::from_text(&files::text(path)?)
            .map_err(|error| format!("{}: {error}", path.display()))?,
        None => Settings::default(),
    };
    Ok(Case { import, trace: input::trace(&arguments.history)?, record, plant, remark: "" })
}

fn tell(
    case: &Case,
    comparison: &Comparison,
    remarks: &[String],
    is_fitted: bool,
    arguments: &Arguments,
) -> String {
    let mut told = format!("{}{}\n", case.remark, case.import);
    for remark in remarks {
        told += &format!("{remark}\n");
    }
    told += &format!("{}\n\n", table::headline(&case.trace, comparison));
    let manifest = &comparison.reports[0];
    let judged = case.record.as_ref().and_then(|record| {
        let series = &manifest.series;
        let judged = if is_fitted { second_half(series) } else { series.clone() };
        Agreement::between(&judged, record).ok()
    });
    told += &match &judged {
        None if case.record.is_some() => {
            "Nothing was recorded in the half that tells how true the replay is.\n".to_owned()
        }
        None => {
            "No replicas were recorded (--replicas), so nothing tells how true the replay is.\n"
                .to_owned()
        }
        Some(agreement) => faithful(agreement, is_fitted),
    };
    told += &format!(
        "\n{}\n{}\n\npictures and timeline: {}",
        table::table(comparison),
        table::LEGEND,
        arguments.out.display()
    );
    told
}

/// What happened from the middle on.
fn second_half(series: &Series) -> Series {
    let half = series.wanted.len() / 2;
    Series {
        start: series.start + series.step.times(half as i64),
        wanted: series.wanted[half..].to_vec(),
        ..series.clone()
    }
}

/// How far the replay of the manifest can be trusted.
fn faithful(agreement: &Agreement, is_fitted: bool) -> String {
    let Agreement { n_compared, actions: [replayed, recorded], .. } = *agreement;
    let mut told = format!(
        "{}, the replay of the manifest has the recorded size in {:.1} % of {n_compared} intervals, \
         is off by one at most in {:.1} %, by {:.2} replicas on average; {replayed} changes of size \
         for {recorded} recorded{}.\n",
        if is_fitted { "In its second half, to which nothing was fitted" } else { "All in all" },
        100.0 * agreement.equal_share,
        100.0 * agreement.within_one_share,
        agreement.mean_absolute_difference,
        agreement
            .cost_ratio
            .map_or(String::new(), |ratio| format!(", {ratio:.3} times the recorded cost")),
    );
    if agreement.within_one_share < 0.8 {
        told += "That is far off: before believing what stands below, look for what the replay does \
                 not know, such as the start-up time and the capacity of a replica (--plant), or \
                 changes by hand.\n";
    }
    told
}

/// The settings as text, for a replay.
pub(crate) fn text(config: &Config) -> Result<String, String> {
    serde_json::to_string(config).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests;
