//! A manifest and a record made up for show.
//!
//! The load is the generated web service; the record is that of the manifest's law on the same load,
//! but on another plant: slower to start, noisier, with crashes, and unknown to the replay.

use forescale::sim::prometheus::{History, Options};
use forescale::sim::{self, Record, Settings, Trace};
use forescale::{Autoscaler, Duration, Timestamp};
use serde_json::json;

use super::Case;

const MANIFEST: &str = include_str!("hpa.yaml");

pub(crate) fn case() -> Result<Case, String> {
    let told = |error: forescale::Error| error.to_string();
    let import = forescale::manifest::load(MANIFEST).map_err(told)?.remove(0);
    let real = sim::web_service(3, 11);
    let mut scaler = Autoscaler::new(import.config.clone()).map_err(told)?;
    let truth = Settings {
        seed: 1_998,
        noise: 0.04,
        missing: 0.02,
        start_up: Duration::from_secs(150),
        crashes_per_day: 0.5,
        ..Settings::default()
    };
    let ran = sim::replay(&mut scaler, &real, &truth).map_err(told)?.series;

    // Both come by way of what Prometheus would have answered, once a minute.
    let minute = Duration::from_secs(60);
    let load = answers(real.start, minute, real.values.iter().map(|load| format!("{load:.3}")));
    let every = minute.steps(ran.step);
    let replicas = ran.wanted.iter().step_by(every).map(u32::to_string);
    let replicas = answers(ran.start, minute, replicas);
    let trace: Trace = History::read(load)
        .and_then(|history| history.samples(&Options::default())?.trace("web"))
        .map_err(told)?;
    let samples = History::read(replicas)
        .and_then(|history| history.samples(&Options::default()))
        .map_err(told)?;
    let record = Record::new(samples.times, samples.values).map_err(told)?;
    Ok(Case {
        import,
        trace,
        record: Some(record),
        plant: Settings::default(),
        remark: "For show: a generated load, and a record of the same law on another plant.\n\n",
    })
}

/// The answers to one range query, in chunks that a server would give.
fn answers(start: Timestamp, step: Duration, values: impl Iterator<Item = String>) -> Vec<String> {
    let samples: Vec<_> = values
        .enumerate()
        .map(|(k, value)| json!([(start + step.times(k as i64)).as_millis() / 1000, value]))
        .collect();
    samples
        .chunks(usize::try_from(sim::prometheus::MOST_POINTS).unwrap_or(1))
        .map(|values| {
            let series = json!([{"metric": {"deployment": "web"}, "values": values}]);
            json!({"status": "success", "data": {"resultType": "matrix", "result": series}})
                .to_string()
        })
        .collect()
}
