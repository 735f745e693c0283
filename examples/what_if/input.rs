//! Files in, series out.

use std::path::PathBuf;

use forescale::Timestamp;
use forescale::sim::prometheus::{History, Options, Samples};
use forescale::sim::{Record, Trace};

use super::files;

/// The load of the whole workload.
pub(crate) fn trace(paths: &[PathBuf]) -> Result<Trace, String> {
    let name = files::name(&paths[0]);
    match &csv(paths)? {
        Some(path) => files::trace(path),
        None => prometheus(paths)?.trace(name).map_err(|error| error.to_string()),
    }
}

/// The replicas that really ran.
pub(crate) fn record(paths: &[PathBuf]) -> Result<Record, String> {
    let (times, values): (Vec<Timestamp>, Vec<Option<f64>>) = match &csv(paths)? {
        Some(path) => {
            let trace = files::trace(path)?;
            let times = (0..trace.values.len()).map(|k| trace.start + trace.step.times(k as i64));
            (times.collect(), trace.values.iter().copied().map(Some).collect())
        }
        None => {
            let samples = prometheus(paths)?;
            (samples.times, samples.values)
        }
    };
    Record::new(times, values).map_err(|error| error.to_string())
}

/// The one CSV file there is, or none if all are answers of Prometheus.
fn csv(paths: &[PathBuf]) -> Result<Option<PathBuf>, String> {
    let is_json = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "json");
    match paths {
        all if all.iter().all(is_json) => Ok(None),
        [one] => Ok(Some(one.clone())),
        several => Err(format!("{} files of which one is no .json", several.len())),
    }
}

fn prometheus(paths: &[PathBuf]) -> Result<Samples, String> {
    let mut history = History::new();
    for path in paths {
        let answer = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
        history.add(answer).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    let options = Options { sum: true, ..Options::default() };
    history.samples(&options).map_err(|error| error.to_string())
}
