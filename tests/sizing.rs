//! Sizings: settings, what containers use, and the recommendations that must come of it.
//!
//! Python and Node run the same files; `NAME.recommendations.jsonl` holds each recommendation's JSON
//! and `NAME.snapshot.json` the sizer's state at the end, to the byte. `UPDATE=1 cargo test --test
//! sizing` writes both anew: review them as code.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "`UPDATE` is for people, not for the library")]

use std::fs;
use std::path::{Path, PathBuf};

use forescale::Timestamp;
use forescale::size::{Config, Sample, Sizer, VpaCheckpoint};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sizing {
    #[serde(rename = "description")]
    _for_the_reader: String,
    config: Value,
    events: Vec<Event>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Event {
    /// `refused` has the codes, if there are any.
    Observe {
        at: Timestamp,
        container: String,
        cpu: Option<f64>,
        memory: Option<f64>,
        #[serde(default)]
        refused: [Option<String>; 2],
    },
    OutOfMemory {
        at: Timestamp,
        container: String,
        requested: f64,
    },
    Recommend {
        at: Timestamp,
    },
}

fn sizings() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sizing");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut names: Vec<_> = files
        .filter(|path| path.to_str().unwrap().ends_with(".sizing.json"))
        .map(|path| path.with_extension("").with_extension(""))
        .collect();
    names.sort();
    assert!(!names.is_empty());
    names
}

fn read(name: &Path) -> Sizing {
    serde_json::from_str(&fs::read_to_string(name.with_extension("sizing.json")).unwrap()).unwrap()
}

/// What came of the events; `between` may swap the sizer before each.
fn run(sizing: &Sizing, between: impl Fn(Sizer) -> Sizer) -> (Sizer, String) {
    let mut sizer = Sizer::from_text(&sizing.config.to_string()).unwrap();
    let mut lines = String::new();
    for event in &sizing.events {
        sizer = between(sizer);
        match event {
            Event::Observe { at, container, cpu, memory, refused } => {
                let sample = Sample {
                    cpu_millicores: *cpu,
                    memory_bytes: *memory,
                    ..Sample::at(*at).container(container)
                };
                let answer = sizer.observe(&sample);
                let codes = [answer.cpu, answer.memory]
                    .map(|reason| reason.map(|reason| reason.code().to_owned()));
                assert_eq!(&codes, refused, "at {at:?}");
            }
            Event::OutOfMemory { at, container, requested } => {
                assert_eq!(sizer.out_of_memory(container, *at, *requested), Ok(()));
            }
            Event::Recommend { at } => {
                lines.push_str(&sizer.recommend(*at).to_json());
                lines.push('\n');
            }
        }
    }
    (sizer, lines)
}

#[test]
fn a_sizing_recommends_as_written_to_the_byte() {
    for name in sizings() {
        let (sizer, lines) = run(&read(&name), |sizer| sizer);
        let snapshot = String::from_utf8(sizer.snapshot().unwrap()).unwrap();
        for (ending, got) in [("recommendations.jsonl", lines), ("snapshot.json", snapshot)] {
            let file = name.with_extension(ending);
            if std::env::var_os("UPDATE").is_some() {
                fs::write(&file, got).unwrap();
            } else {
                assert_eq!(got, fs::read_to_string(&file).unwrap(), "{}", file.display());
            }
        }
    }
}

#[test]
fn a_snapshot_between_any_two_events_changes_no_recommendation() {
    for name in sizings() {
        let sizing = read(&name);
        let twin = |sizer: Sizer| Sizer::restore(&sizer.snapshot().unwrap()).unwrap();
        assert_eq!(run(&sizing, twin), run(&sizing, |sizer| sizer));
    }
}

#[test]
fn a_checkpoint_keeps_the_sizes_within_a_bucket() {
    for name in sizings() {
        let sizing = read(&name);
        let (sizer, _) = run(&sizing, |sizer| sizer);
        let now = sizer.last_sample().unwrap();
        let stored = VpaCheckpoint::from_json(&sizer.checkpoint(now).to_json()).unwrap();
        let config = Config::from_text(&sizing.config.to_string()).unwrap();
        let twin = Sizer::from_checkpoint(config, &stored).unwrap();
        let [old, new] = [&sizer, &twin].map(|sizer| sizer.recommend(now).cpu.bounds.unwrap());
        let ratio = new.target as f64 / old.target as f64;
        assert!((0.95..=1.05).contains(&ratio), "{} became {}", old.target, new.target);
    }
}
