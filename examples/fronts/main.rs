//! What does the forecast save at the same violations? Replays each trace of a folder against the HPA,
//! tuned in hindsight, and against `predictive` with its one knob; prints a table.
//!
//! ```text
//! cargo fronts TRACES                 # a folder of CSV files, plain or gzip
//! cargo fronts TRACES --start-up 5m --only tweets
//! ```
//!
//! For each trace both have a front: violation minutes against replica-hours, as a lower convex hull.
//! Saved is the share of the cost between the HPA's front and who knows the load that is saved at the
//! same violations: 0 is as good as the best HPA for that trace, 1 as good as knowing the load.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use comfy_table::{Table, presets};
use forescale::sim::{self, Comparison, Front, Settings, Trace};

/// Compare fronts over a folder of traces.
#[derive(Parser)]
#[command(name = "fronts", version)]
struct Arguments {
    /// Folder of CSV files of time and load, plain or gzip
    traces: PathBuf,
    /// How long a replica takes to start
    #[arg(long, default_value = "2m")]
    start_up: String,
    /// Only files whose name holds this
    #[arg(long)]
    only: Option<String>,
}

/// The violation shares at which the fronts are compared.
const LEVELS: [f64; 4] = [0.05, 0.02, 0.01, 0.005];

const RISKS: [f64; 9] = [0.0005, 0.002, 0.005, 0.01, 0.03, 0.1, 0.25, 0.5, 1.0];
const TARGETS: [f64; 15] =
    [0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95];
const WINDOWS: [u32; 4] = [0, 300, 900, 3600];
const TOLERANCES: [f64; 2] = [0.0, 0.1];

fn main() -> ExitCode {
    match fronts(&Arguments::parse()) {
        Ok(told) => {
            println!("{told}");
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("fronts: {message}");
            ExitCode::from(1)
        }
    }
}

fn fronts(arguments: &Arguments) -> Result<String, String> {
    let start_up = arguments.start_up.parse().map_err(|error| format!("--start-up: {error}"))?;
    let settings = Settings { start_up, ..Settings::default() };
    let mut paths = std::fs::read_dir(&arguments.traces)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, _>>())
        .map_err(|error| format!("{}: {error}", arguments.traces.display()))?;
    paths.retain(|path| {
        let name = name(path);
        let is_csv = path.to_string_lossy().trim_end_matches(".gz").ends_with(".csv");
        is_csv && arguments.only.as_ref().is_none_or(|only| name.contains(only.as_str()))
    });
    paths.sort();
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header([
        "",
        "saved at 5 %",
        "2 %",
        "1 %",
        "0.5 %",
        "default: share",
        "x clairv.",
        "hpa 0.7",
    ]);
    let (mut saved, mut points) = (Vec::new(), vec![(0.0, 0.0); RISKS.len()]);
    let (mut n_dearer, mut n_traces) = (0, 0);
    for path in &paths {
        // A fleet has more than two columns; it is no trace.
        let Ok(trace) = File::open(path)
            .map_err(drop)
            .and_then(|file| Trace::from_csv(name(path), file).map_err(drop))
        else {
            continue;
        };
        let comparison = replay(&trace, &settings).map_err(|error| error.to_string())?;
        n_traces += 1;
        let bound = comparison.bounds.clairvoyant.replica_hours;
        let score = |index: usize| {
            let score = &comparison.reports[index].score;
            (score.violation_share(), score.replica_hours / bound)
        };
        let n_hpa = comparison.reports.len() - RISKS.len();
        let hpa = Front::of((0..n_hpa).map(score));
        let ours = Front::of((n_hpa..n_hpa + RISKS.len()).map(score));
        let mut row = vec![trace.name.clone()];
        for level in LEVELS {
            let told = match ours.gap_closed(level, &hpa, 1.0) {
                None => "-".to_owned(), // the HPA cannot at all
                Some(share) => {
                    let costs = hpa.cost(level).zip(ours.cost(level));
                    n_dearer += usize::from(costs.is_none_or(|(hpa, ours)| ours > 1.005 * hpa));
                    saved.push(share);
                    if share.is_finite() { format!("{share:.2}") } else { "never".to_owned() }
                }
            };
            row.push(told);
        }
        for (index, point) in points.iter_mut().enumerate() {
            let (share, cost) = score(n_hpa + index);
            *point = (point.0 + share, point.1 + cost);
        }
        let default = RISKS.iter().position(|&risk| risk == 0.01).unwrap_or(0);
        let (share, cost) = score(n_hpa + default);
        let usual = comparison.reports[..n_hpa].iter().position(|one| one.name == "0.7 300s 0.1");
        let (hpa_share, hpa_cost) = score(usual.unwrap_or(0));
        row.extend([
            format!("{:.2} %", 100.0 * share),
            format!("{cost:.2}"),
            format!("{:.2} % {hpa_cost:.2}", 100.0 * hpa_share),
        ]);
        table.add_row(row);
    }
    if saved.is_empty() {
        return Err(format!("{}: holds no trace that can be replayed", arguments.traces.display()));
    }
    saved.sort_by(f64::total_cmp);
    let mean =
        points.iter().map(|&(share, cost)| (share / n_traces as f64, cost / n_traces as f64));
    let one = Front::of(mean).cost(0.01);
    Ok(format!(
        "{table}\n{n_traces} traces, {} to start: saved {:.2} (median of {}), dearer by more than 0.5 % in \
         {:.0} %; one setting for all, 1 % of the minutes on average: {} x clairvoyant",
        settings.start_up,
        saved[saved.len() / 2],
        saved.len(),
        100.0 * n_dearer as f64 / saved.len() as f64,
        one.map_or("never".to_owned(), |cost| format!("{cost:.2}")),
    ))
}

/// All HPAs, then all risks.
fn replay(trace: &Trace, settings: &Settings) -> Result<Comparison, forescale::Error> {
    let load_per_replica = settings.capacity_on(trace)?;
    let most = settings.peak_replicas * 4;
    let (rps, cpu) = (&settings.load_metric, &settings.utilization_metric);
    let mut configs = Vec::new();
    for target in TARGETS {
        for window in WINDOWS {
            for tolerance in TOLERANCES {
                let text = format!(
                    r#"{{"max_replicas": {most}, "metrics": {{"{cpu}": {{"kind": "utilization"}}}},
                        "policies": [{{"kind": "target", "metric": "{cpu}", "target": {target},
                                       "tolerance": {tolerance}}}],
                        "guards": [{{"kind": "stabilization", "scale_down": "{window}s"}}]}}"#
                );
                configs.push((format!("{target} {window}s {tolerance}"), text));
            }
        }
    }
    let lead_time = settings.start_up.as_secs_f64();
    for risk in RISKS {
        let text = format!(
            r#"{{"max_replicas": {most}, "lead_time": {lead_time},
                "metrics": {{"{rps}": {{"kind": "total"}}}},
                "capacity": {{"kind": "fixed", "metric": "{rps}", "load_per_replica": {load_per_replica}}},
                "policies": [{{"kind": "predictive", "metric": "{rps}", "risk": {risk}}}]}}"#
        );
        configs.push((format!("risk {risk}"), text));
    }
    sim::compare(trace, settings, &configs, &|_| {})
}

fn name(path: &Path) -> String {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    name.trim_end_matches(".gz").trim_end_matches(".csv").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_traces_is_named() {
        let arguments = |traces: &str, start_up: &str| Arguments {
            traces: traces.into(),
            start_up: start_up.into(),
            only: None,
        };
        assert!(fronts(&arguments("no/such/folder", "2m")).unwrap_err().contains("no/such/folder"));
        assert!(fronts(&arguments("examples", "soon")).unwrap_err().contains("--start-up"));
        let error = fronts(&arguments("examples/fronts", "2m")).unwrap_err();
        assert!(error.contains("holds no trace"), "{error}");
    }
}
