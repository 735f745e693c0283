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
use forescale::sim::{self, Contender, Front, Settings, Trace};

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
    let (mut saved, mut points) = (Vec::new(), Vec::new());
    let (mut n_dearer, mut n_traces) = (0, 0);
    for path in &paths {
        // A fleet has more than two columns; it is no trace.
        let Ok(trace) = File::open(path)
            .map_err(drop)
            .and_then(|file| Trace::from_csv(name(path), file).map_err(drop))
        else {
            continue;
        };
        let contenders = [Contender::HpaTuned, Contender::Predictive];
        let fronts = sim::fronts(&trace, &settings, &contenders, &[], &|| {})
            .map_err(|error| error.to_string())?;
        n_traces += 1;
        let bound = fronts.bounds.clairvoyant.replica_hours;
        let [hpa_points, our_points] = [0, 1].map(|which| {
            let points = fronts.sweeps[which].points.iter();
            let pair = |point: &sim::SweepPoint| {
                (point.score.violation_share(), point.score.replica_hours / bound)
            };
            points.map(|point| (point.label.clone(), pair(point))).collect::<Vec<_>>()
        });
        let front = |points: &[(String, (f64, f64))]| Front::of(points.iter().map(|point| point.1));
        let (hpa, ours) = (front(&hpa_points), front(&our_points));
        let at = |points: &[(String, (f64, f64))], label: &str| {
            let found = points.iter().find(|point| point.0 == label);
            found.map(|point| point.1).unwrap_or((f64::NAN, f64::NAN))
        };
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
        points.resize(our_points.len(), (0.0, 0.0));
        for (sum, (_, (share, cost))) in points.iter_mut().zip(&our_points) {
            *sum = (sum.0 + share, sum.1 + cost);
        }
        let (share, cost) = at(&our_points, "risk 0.01");
        let (hpa_share, hpa_cost) = at(&hpa_points, "target 0.7, 300 s, tolerance 0.1");
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
