//! What does the forecast save at the same violations? Replays each trace of a folder against the HPA,
//! tuned in hindsight, and against `predictive` with its one knob; prints a table.
//!
//! ```text
//! cargo fronts TRACES                 # a folder of CSV files, plain or gzip
//! cargo fronts TRACES --start-up 5m --only tweets
//! cargo fronts TRACES --plant plant.yaml     # with faults, for one
//! ```
//!
//! For each trace both have a front: violation minutes against replica-hours, as a lower convex hull.
//! The last columns are without any setting: `predictive` by default beside the HPA at 70 %, each as the
//! share of minutes in violation and the cost as a multiple of who knows the load; `+` where the first
//! is no worse in either. Saved is the share of the cost between the HPA's front and who knows the load
//! that is saved at the same violations: 0 is as good as the best HPA for that trace, 1 as good as
//! knowing the load.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use comfy_table::{Table, presets};
use forescale::sim::{self, Contender, Family, Front, Settings, Trace};

/// Compare fronts over a folder of traces.
#[derive(Parser)]
#[command(name = "fronts", version)]
struct Arguments {
    /// Folder of CSV files of time and load, plain or gzip
    traces: PathBuf,
    /// How long a replica takes to start; by default what the plant says, or 2m
    #[arg(long)]
    start_up: Option<String>,
    /// Settings of the plant, such as its faults, JSON or YAML
    #[arg(long)]
    plant: Option<PathBuf>,
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
    let settings = settings(arguments)?;
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
    table.set_header(["", "saved at 5 %", "2 %", "1 %", "0.5 %", "default", "hpa 0.7", ""]);
    let (mut saved, mut sums) = (Vec::new(), [Vec::new(), Vec::new()]);
    let (mut n_dearer, mut n_better, mut n_traces) = (0, 0, 0);
    for path in &paths {
        // A fleet has more than two columns; it is no trace.
        let Ok(trace) = File::open(path)
            .map_err(drop)
            .and_then(|file| Trace::from_csv(name(path), file).map_err(drop))
        else {
            continue;
        };
        let contenders = [Contender::HpaTuned, Contender::Predictive];
        let fronts = by_default(&trace, &settings)
            .and_then(|default| sim::fronts(&trace, &settings, &contenders, &[default], &|| {}))
            .map_err(|error| error.to_string())?;
        n_traces += 1;
        let bound = fronts.bounds.clairvoyant.replica_hours;
        let [hpa_points, our_points, default] = [0, 1, 2].map(|which| {
            let points = fronts.sweeps[which].points.iter();
            let pair = |point: &sim::SweepPoint| {
                (point.score.violation_share(), point.score.replica_hours / bound)
            };
            points.map(|point| (point.label.clone(), pair(point))).collect::<Vec<_>>()
        });
        let front = |points: &[(String, (f64, f64))]| Front::of(points.iter().map(|point| point.1));
        let (hpa, ours) = (front(&hpa_points), front(&our_points));
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
        for (sums, points) in sums.iter_mut().zip([&our_points, &hpa_points]) {
            sums.resize(points.len(), (0.0, 0.0));
            for (sum, (_, (share, cost))) in sums.iter_mut().zip(points) {
                *sum = (sum.0 + share, sum.1 + cost);
            }
        }
        let usual = hpa_points.iter().find(|point| point.0 == "target 0.7, 300 s, tolerance 0.1");
        if let (Some((_, own)), Some((_, usual))) = (default.first(), usual) {
            let is_better = own.0 <= usual.0 && own.1 <= usual.1;
            n_better += usize::from(is_better);
            let told = |(share, cost): &(f64, f64)| format!("{:.2} % {cost:.2}", 100.0 * share);
            row.extend([told(own), told(usual), (if is_better { "+" } else { "" }).to_owned()]);
        }
        table.add_row(row);
    }
    if saved.is_empty() {
        return Err(format!("{}: holds no trace that can be replayed", arguments.traces.display()));
    }
    saved.sort_by(f64::total_cmp);
    let one = |points: &[(f64, f64)]| {
        let n = n_traces as f64;
        let mean = points.iter().map(|&(share, cost)| (share / n, cost / n));
        Front::of(mean).cost(0.01).map_or("never".to_owned(), |cost| format!("{cost:.2}"))
    };
    Ok(format!(
        "{table}\n{n_traces} traces, {} to start: saved {:.2} (median of {}), dearer by more than 0.5 % in \
         {:.0} %; one setting for all, 1 % of the minutes on average: {} x clairvoyant, the best HPA {}; \
         without any setting no worse than the HPA at 70 % in either on {n_better}",
        settings.start_up,
        saved[saved.len() / 2],
        saved.len(),
        100.0 * n_dearer as f64 / saved.len() as f64,
        one(&sums[0]),
        one(&sums[1]),
    ))
}

fn settings(arguments: &Arguments) -> Result<Settings, String> {
    let mut settings = match &arguments.plant {
        Some(path) => std::fs::read_to_string(path)
            .map_err(|error| error.to_string())
            .and_then(|text| Settings::from_text(&text).map_err(|error| error.to_string()))
            .map_err(|error| format!("{}: {error}", path.display()))?,
        None => Settings::default(),
    };
    if let Some(start_up) = &arguments.start_up {
        settings.start_up = start_up.parse().map_err(|error| format!("--start-up: {error}"))?;
    }
    Ok(settings)
}

/// `predictive` as it is without any setting.
fn by_default(trace: &Trace, settings: &Settings) -> Result<Family, forescale::Error> {
    let config = format!(
        r#"{{"max_replicas": {most}, "lead_time": {lead_time}, "metrics": {{"{rps}": {{"kind": "total"}}}},
            "capacity": {{"kind": "fixed", "metric": "{rps}", "load_per_replica": {full}}},
            "policies": [{{"kind": "predictive", "metric": "{rps}"}}]}}"#,
        most = settings.peak_replicas * 4,
        lead_time = settings.start_up.as_secs_f64(),
        full = settings.capacity_on(trace)?,
        rps = settings.load_metric,
    );
    Ok(Family { name: "default".to_owned(), configs: vec![("default".to_owned(), config)] })
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
            start_up: Some(start_up.into()),
            plant: None,
            only: None,
        };
        assert!(fronts(&arguments("no/such/folder", "2m")).unwrap_err().contains("no/such/folder"));
        assert!(fronts(&arguments("examples", "soon")).unwrap_err().contains("--start-up"));
        let error = fronts(&arguments("examples/fronts", "2m")).unwrap_err();
        assert!(error.contains("holds no trace"), "{error}");
    }
}
