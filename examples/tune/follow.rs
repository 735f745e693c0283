//! Does what was recommended hold in the week that follows?

use std::path::Path;
use std::time::Instant;

use comfy_table::{Table, presets};
use forescale::sim::{self, Score, Settings, Trace};
use forescale::tune;
use forescale::{Config, Duration, Timestamp};

use super::{Arguments, changes, read};

/// The traces of a folder, or one; what is none in a folder is passed over.
pub(crate) fn traces(folder: &Path) -> Result<Vec<Trace>, String> {
    if !folder.is_dir() {
        return Ok(vec![read(folder)?]);
    }
    let mut paths = std::fs::read_dir(folder)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, _>>())
        .map_err(|error| format!("{}: {error}", folder.display()))?;
    paths.retain(|path| path.to_string_lossy().trim_end_matches(".gz").ends_with(".csv"));
    paths.sort();
    let traces: Vec<_> = paths.iter().filter_map(|path| read(path).ok()).collect();
    if traces.is_empty() {
        return Err(format!("{}: holds no trace that can be replayed", folder.display()));
    }
    Ok(traces)
}

/// A row for each trace, and the sums.
pub(crate) fn told(
    arguments: &Arguments,
    traces: &[Trace],
    plant: &Settings,
) -> Result<String, String> {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header(["", "days", "seconds", "before", "after", "total", "why", "settings"]);
    let mut ratios = Vec::new();
    for trace in traces {
        let week = Duration::from_secs(7 * 86_400);
        let n_steps = trace.values.len();
        let n_kept = week.steps(trace.step).min(n_steps / 4).max(1);
        let n_known = n_steps - n_kept;
        let cut = |values: &[f64]| {
            Trace::new(trace.name.clone(), trace.start, trace.step, values.to_vec())
                .map_err(|error| error.to_string())
        };
        // At most a month is known, and what a replica carries is known from it.
        let month = Duration::from_secs(30 * 86_400).steps(trace.step).min(n_known);
        let start = trace.start + trace.step.times((n_known - month) as i64);
        let known = Trace { start, ..cut(&trace.values[n_known - month..n_known])? };
        let all = Trace { start, ..cut(&trace.values[n_known - month..])? };
        let peak = known.values.iter().copied().fold(0.0, f64::max);
        if peak <= 0.0 {
            continue;
        }
        let load_per_replica = peak / (f64::from(plant.peak_replicas) * plant.target_utilization);
        let plant = Settings { load_per_replica: Some(load_per_replica), ..plant.clone() };
        let config = arguments.config(&plant, load_per_replica)?;
        #[allow(clippy::disallowed_methods, reason = "how long it takes is told")]
        let began = Instant::now();
        let options = arguments.options().map_err(|error| error.to_string())?;
        let Ok(tuning) = tune::tune(&config, &known, &plant, &options, &tune::to_the_end) else {
            continue; // too short
        };
        let seconds = began.elapsed().as_secs_f64();
        let recommended = tuning.recommended.config().map_err(|error| error.to_string())?;
        let scored = all.end().since(start + known.step.times(known.values.len() as i64));
        let before = replay(&config, &all, &plant, scored)?;
        let after = replay(&recommended, &all, &plant, scored)?;
        let total = |score: &Score| {
            let price = arguments.violation_price * score.violation_share();
            score.replica_hours + price * before.replica_hours
        };
        let ratio = total(&after) / total(&before);
        ratios.push(ratio);
        let figures = |score: &Score| {
            format!("{:.2} % {:.0} h", 100.0 * score.violation_share(), score.replica_hours)
        };
        table.add_row([
            trace.name.clone(),
            format!("{:.0}", known.length().as_secs_f64() / 86_400.0),
            format!("{seconds:.1}"),
            figures(&before),
            figures(&after),
            format!("{ratio:.3}"),
            tuning.reason.code().to_owned(),
            changes(&tuning.recommended),
        ]);
    }
    if ratios.is_empty() {
        return Err("every trace is too short for a search and a week after it".to_owned());
    }
    ratios.sort_by(f64::total_cmp);
    let n_better = ratios.iter().filter(|ratio| **ratio < 1.0).count();
    let n_worse = ratios.iter().filter(|ratio| **ratio > 1.05).count();
    Ok(format!(
        "{table}\n{} traces, {} to start, a violation as dear as {} fleet minutes: better in {n_better}, more than 5 % worse in \
         {n_worse}; the median total is {:.3} of that before, the worst {:.3}",
        ratios.len(),
        plant.start_up,
        arguments.violation_price,
        ratios[ratios.len() / 2],
        ratios[ratios.len() - 1],
    ))
}

/// Over the end of the trace, with all before it as history.
fn replay(
    config: &Config,
    trace: &Trace,
    plant: &Settings,
    scored: Duration,
) -> Result<Score, String> {
    let settings = Settings { scored, ..plant.clone() };
    let (start, end): (Timestamp, Timestamp) = settings.scored_part(trace);
    debug_assert!(end.since(start) <= scored, "the end of the trace");
    let mut scaler =
        forescale::Autoscaler::new(config.clone()).map_err(|error| error.to_string())?;
    sim::replay(&mut scaler, trace, &settings)
        .map(|report| report.score)
        .map_err(|error| error.to_string())
}
