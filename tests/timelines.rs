//! Timelines: a configuration, observations, and the decisions that must come of them.
//!
//! Python and Node run the same files; `NAME.decisions.jsonl` holds each decision's JSON to the
//! byte. `UPDATE=1 cargo test --test timelines` writes those lines anew: review them as code.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "`UPDATE` is for people, not for the library")]

use std::fs;
use std::path::{Path, PathBuf};

use forescale::{Autoscaler, Observation, Timestamp};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Timeline {
    #[serde(rename = "description")]
    _for_the_reader: String,
    config: Value,
    /// What is known of regressors before the history.
    #[serde(default)]
    told: Vec<Told>,
    warm_up: Option<WarmUp>,
    observations: Vec<Observation>,
    expected: Vec<Expected>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    metric: String,
    name: String,
    times: Vec<Timestamp>,
    values: Vec<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WarmUp {
    metric: String,
    times: Vec<Timestamp>,
    values: Vec<Option<f64>>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Expected {
    replicas: u32,
    codes: Vec<String>,
}

fn timelines() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/timelines");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

fn scaler(timeline: &Timeline) -> Autoscaler {
    let mut scaler = Autoscaler::from_text(&timeline.config.to_string()).unwrap();
    for Told { metric, name, times, values } in &timeline.told {
        scaler.regressor(metric, name, times, values).unwrap();
    }
    if let Some(WarmUp { metric, times, values }) = &timeline.warm_up {
        scaler.warm_up(metric, times, values).unwrap();
    }
    scaler
}

#[test]
fn each_timeline_decides_as_written_to_the_byte() {
    for file in timelines() {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let timeline: Timeline = serde_json::from_str(&fs::read_to_string(&file).unwrap())
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(timeline.observations.len(), timeline.expected.len(), "{name}");
        let mut scaler = scaler(&timeline);
        let mut lines = String::new();
        for (index, (seen, want)) in
            timeline.observations.iter().zip(&timeline.expected).enumerate()
        {
            let decision = scaler.decide(seen);
            let codes = decision.steps.iter().map(|step| step.reason.code().to_owned()).collect();
            let got = Expected { replicas: decision.replicas, codes };
            assert_eq!(&got, want, "{name}[{index}]: {}", decision.explain());
            lines += &decision.to_json();
            lines.push('\n');
        }
        let golden = file.with_extension("decisions.jsonl");
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&golden, &lines).unwrap();
        }
        let want = fs::read_to_string(&golden).unwrap_or_default();
        assert!(lines == want, "{name}: the decisions differ from {}", golden.display());
    }
}

#[test]
fn a_snapshot_between_any_two_observations_changes_no_decision() {
    for file in timelines() {
        let timeline: Timeline = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        let mut straight = scaler(&timeline);
        let mut restored = scaler(&timeline);
        for seen in &timeline.observations {
            restored = Autoscaler::restore(&restored.snapshot().unwrap()).unwrap();
            assert_eq!(straight.decide(seen), restored.decide(seen), "{}", file.display());
        }
        assert_eq!(straight.snapshot().unwrap(), restored.snapshot().unwrap());
    }
}
