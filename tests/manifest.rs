//! Manifests of other systems: what they become, what is told of them, and what is refused.
//!
//! `tests/manifests/` has them; beside each stands its report and settings as text, which
//! `UPDATE=1` rewrites.

#![cfg(all(feature = "schedule", feature = "yaml"))]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "UPDATE=1 is the tester's wish")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use forescale::manifest::{Import, load};
use forescale::{Autoscaler, Config};
use serde_json::Value;

fn fixtures() -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/manifests");
    let mut fixtures: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "yaml" || ending == "json"))
        .map(|path| (path.clone(), fs::read_to_string(path).unwrap()))
        .collect();
    fixtures.sort();
    fixtures
}

fn loaded(path: &Path, text: &str) -> Vec<Import> {
    load(text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn there_are_fixtures_of_every_system() {
    let names: Vec<_> = fixtures()
        .into_iter()
        .map(|(path, _)| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    assert!(names.len() >= 20, "{names:?}");
    for system in ["hpa", "keda", "knative", "aws", "gcp", "azure"] {
        assert!(names.iter().any(|name| name.starts_with(system)), "none of {system}");
    }
}

#[test]
fn each_import_builds_and_reports_as_recorded() {
    let mut wrong = Vec::new();
    for (path, text) in fixtures() {
        let mut told = String::new();
        for import in loaded(&path, &text) {
            Autoscaler::new(import.config.clone()).unwrap();
            told.push_str(&format!("{import}settings:\n{}\n", import.config.to_yaml().unwrap()));
        }
        let beside = path.with_extension("report.txt");
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&beside, &told).unwrap();
        } else if fs::read_to_string(&beside).ok().as_ref() != Some(&told) {
            wrong.push(path);
        }
    }
    assert!(wrong.is_empty(), "other reports (UPDATE=1 rewrites them): {wrong:?}");
}

/// The leaves of a document, by the same names as the report's.
fn leaves(value: &Value, path: &str, into: &mut Vec<String>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (name, value) in fields {
                let is_plain = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
                let path = match (name.chars().all(is_plain), path) {
                    (false, _) => format!("{path}[{name:?}]"),
                    (true, "") => name.clone(),
                    (true, _) => format!("{path}.{name}"),
                };
                leaves(value, &path, into);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (index, value) in items.iter().enumerate() {
                leaves(value, &format!("{path}[{index}]"), into);
            }
        }
        _ => into.push(path.to_owned()),
    }
}

/// Nothing is dropped in silence: every leaf of every document that was read stands in the report
/// once, and every other document is told as skipped.
#[test]
fn each_field_is_reported_exactly_once() {
    for (path, text) in fixtures() {
        let imports = loaded(&path, &text);
        let documents: Vec<Value> = if text.starts_with(['{', '[']) {
            let values = serde_json::Deserializer::from_str(&text).into_iter();
            values.collect::<Result<_, _>>().unwrap()
        } else {
            serde_saphyr::from_multiple(&text).unwrap()
        };
        let documents: Vec<_> = documents.into_iter().filter(|value| !value.is_null()).collect();
        let mut wanted = Vec::new();
        for (index, document) in documents.iter().enumerate() {
            let mut paths = Vec::new();
            leaves(document, "", &mut paths);
            wanted.extend(paths.into_iter().map(|path| (index + 1, path)));
        }
        let skipped = &imports[0].skipped;
        let is_skipped = |number: usize, path: &str| {
            skipped.iter().any(|skipped| {
                skipped.document == number
                    && (path.starts_with(&skipped.path) || skipped.path.is_empty())
            })
        };
        wanted.retain(|(number, path)| !is_skipped(*number, path));
        let mut told: Vec<_> = imports
            .iter()
            .flat_map(|import| &import.fields)
            .map(|field| (field.document, field.path.clone()))
            .collect();
        let n_told = told.len();
        told.sort();
        wanted.sort();
        assert_eq!(told, wanted, "{}", path.display());
        assert_eq!(told.into_iter().collect::<BTreeSet<_>>().len(), n_told, "{}", path.display());
    }
}

/// What the report says a field became is there.
#[test]
fn each_setting_that_the_report_names_exists() {
    for (path, text) in fixtures() {
        for import in loaded(&path, &text) {
            let settings = serde_json::to_value(&import.config).unwrap();
            for field in &import.fields {
                let told = serde_json::to_value(&field.fate).unwrap();
                let Some(to) = told["to"].as_str() else { continue };
                let to = to.split(" (").next().unwrap();
                if to.contains(['*', ' ']) {
                    continue;
                }
                let pointer = format!("/{}", to.replace(['.', '['], "/").replace(']', ""));
                assert!(
                    settings.pointer(&pointer).is_some(),
                    "{}: `{}` is said to be `{to}`, which is not in {settings}",
                    path.display(),
                    field.path
                );
            }
        }
    }
}

#[test]
fn the_settings_written_as_yaml_read_back_the_same() {
    for (path, text) in fixtures() {
        for import in loaded(&path, &text) {
            let written = import.config.to_yaml().unwrap();
            let read = Config::from_text(&written).unwrap();
            assert_eq!(read.effective().unwrap().len(), import.config.effective().unwrap().len());
            let values = |config: &Config| serde_json::to_value(config).unwrap();
            assert_eq!(values(&read), values(&import.config), "{}:\n{written}", path.display());
        }
    }
}

/// Texts that YAML would take for something else, as names and as values.
#[test]
fn special_texts_survive_as_yaml() {
    for text in [
        "on",
        "off",
        "yes",
        "no",
        "y",
        "n",
        "true",
        "Null",
        "~",
        "1",
        "1e3",
        "0x1",
        "0o7",
        "1_000",
        ".inf",
        ".nan",
        "-",
        "- a",
        "?",
        ":",
        "a: b",
        "a:",
        "#",
        "a #b",
        "&a",
        "*a",
        "!t",
        "|",
        ">",
        "%",
        "@",
        "`",
        "'",
        "\"",
        "{",
        "}",
        "[",
        "]",
        ",",
        " a",
        "a ",
        "\t",
        "a\nb",
        "2026-01-05",
        "12:30",
        "<<",
        "=",
        "\\",
        "\u{e9}",
        "\u{1f600}",
        "---",
        "...",
        "\u{85}",
        "\u{feff}a",
    ] {
        let given = serde_json::json!({
            "max_replicas": 9, "metrics": {text: {"kind": "total"}},
            "policies": [
                {"kind": "target", "metric": text, "target": 1},
                {"kind": "schedule", "name": text, "min_replicas": 2,
                    "windows": [{"start": "2026-01-05", "end": "2026-01-06"}]},
            ],
        });
        let config = Config::from_text(&given.to_string()).unwrap();
        let written = config.to_yaml().unwrap_or_else(|error| panic!("{text:?}: {error}"));
        let values = |config: &Config| serde_json::to_value(config).unwrap();
        let read = Config::from_text(&written).unwrap();
        assert_eq!(values(&read), values(&config), "{text:?}:\n{written}");
    }
}

/// Numbers keep every bit.
#[test]
fn numbers_survive_as_yaml() {
    for number in [0.1, 1e-7, 1e21, 123_456_789.125, 0.1 + 0.2, 5e-324, 1.797e308, 3.0] {
        let given = serde_json::json!({
            "max_replicas": 9, "metrics": {"rps": {"kind": "total"}},
            "capacity": {"kind": "fixed", "metric": "rps", "load_per_replica": number},
            "policies": [{"kind": "predictive", "metric": "rps"}], "guards": ["rate", "cooldown"],
        });
        let config = Config::from_text(&given.to_string()).unwrap();
        let read = Config::from_text(&config.to_yaml().unwrap()).unwrap();
        let values = |config: &Config| serde_json::to_value(config).unwrap();
        assert_eq!(values(&read), values(&config), "{number}");
    }
}

const HPA: &str = "apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: { name: web }
spec:
  minReplicas: 2
  maxReplicas: 9
  metrics:
    - type: Resource
      resource: { name: cpu, target: { type: Utilization, averageUtilization: 70 } }
";

fn refused(text: &str) -> String {
    let started = std::time::Instant::now();
    let error = load(text).unwrap_err();
    assert!(started.elapsed().as_secs() < 10, "took {:?}: {error}", started.elapsed());
    assert_eq!(error.kind(), forescale::ErrorKind::Config);
    let text = error.to_string();
    assert!(text.len() < 2000, "a long error: {text}");
    text
}

/// Each change of a good manifest, and what its refusal must say.
#[test]
fn a_wrong_field_is_refused_with_its_line_and_column() {
    for (from, to, says) in [
        (
            "maxReplicas: 9",
            "maxReplicas: ten",
            "`spec.maxReplicas` is \"ten\", must be a whole number from 0 to 2147483647 (line 6, column 16)",
        ),
        ("maxReplicas: 9", "maxReplicas: 1.5", "is 1.5, must be a whole number"),
        ("maxReplicas: 9", "maxReplicas: -3", "is -3, must be a whole number"),
        (
            "maxReplicas: 9",
            "maxReplicas: 1",
            "`spec.minReplicas` is 2, must not be above `maxReplicas`, which is 1 (line 5, column 16)",
        ),
        ("maxReplicas: 9", "maxReplicas: 99999999999", "is 99999999999, must be a whole number"),
        ("maxReplicas: 9", "other: 9", "`spec.maxReplicas` is missing (line 5, column 3)"),
        ("minReplicas: 2", "minReplicas: 0", "makes no valid setting"),
        (
            "minReplicas: 2",
            "minReplicas: [2]",
            "`spec.minReplicas` is a list, must be a whole number",
        ),
        (
            "autoscaling/v2",
            "autoscaling/v3",
            "`apiVersion` is \"autoscaling/v3\", must be autoscaling/v2, autoscaling/v2beta2 or autoscaling/v1 (line 1, column 13)",
        ),
        (
            "type: Resource",
            "type: Recource",
            "`spec.metrics[0].type` is \"Recource\", must be Resource, ContainerResource, Pods, Object or External (line 8, column 13)",
        ),
        ("averageUtilization: 70", "averageUtilization: 0", "is 0, must be at least 1"),
        ("averageUtilization: 70", "averageUtilization: 7000", "makes no valid setting (line 9)"),
        (
            "averageUtilization: 70",
            "averageValue: 1",
            "`spec.metrics[0].resource.target.averageUtilization` is missing",
        ),
        (
            "type: Utilization, averageUtilization: 70",
            "type: AverageValue, averageValue: 70mm",
            "is \"70mm\", must be a quantity",
        ),
        (
            "type: Utilization, averageUtilization: 70",
            "type: AverageValue, averageValue: -1",
            "is -1, must not be negative",
        ),
        (
            "kind: HorizontalPodAutoscaler",
            "kind: Deployment",
            "the manifest has no autoscaler that is read: Deployment autoscaling/v2 web (line 1): not the settings of a known autoscaler",
        ),
        (
            "kind: HorizontalPodAutoscaler",
            "kind: [1]",
            "`kind` is a list, must be a text (line 2, column 7)",
        ),
        (
            "metadata: { name: web }",
            "metadata: web",
            "`metadata` is \"web\", must be a mapping (line 3, column 11)",
        ),
        ("  maxReplicas: 9", "  minReplicas: 9", "line 6"),
        ("  maxReplicas: 9", "\tmaxReplicas: 9", "found a tab at line "),
        ("averageUtilization: 70 }", "averageUtilization: 70", "line "),
        ("maxReplicas: 9", "maxReplicas: \"9", "line "),
        (
            "maxReplicas: 9",
            "maxReplicas: \u{0}9",
            "the manifest has a NUL character at line 6 column 16",
        ),
        ("maxReplicas: 9", "maxReplicas: *nobody", "line 6"),
        ("maxReplicas: 9", "maxReplicas: .inf", "line 6"),
    ] {
        let changed = HPA.replacen(from, to, 1);
        assert_ne!(changed, HPA);
        let text = refused(&changed);
        assert!(text.contains(says), "{to}: {text}");
    }
    assert!(load(HPA).is_ok());
    assert!(load(&format!("\u{feff}{HPA}")).is_ok(), "a byte order mark does no harm");
    assert!(load(&HPA.replace('\n', "\r\n")).is_ok());
}

#[test]
fn json_is_refused_with_line_and_column_too() {
    let good = r#"{"apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler",
 "spec": {"maxReplicas": 3}}"#;
    assert!(load(good).is_ok());
    for (from, to, says) in [
        ("3}}", "3}", "the manifest is not JSON: EOF while parsing an object at line 2"),
        (
            "3}}",
            "\"3\"}}",
            "is \"3\", must be a whole number from 0 to 2147483647 (line 2, column 26)",
        ),
        (
            "\"maxReplicas\": 3",
            "\"maxReplicas\": 3, \"maxReplicas\": 4",
            "`maxReplicas` is given twice at line 2",
        ),
        ("3}}", "3}} x", "the manifest is not JSON: expected value at line 2"),
    ] {
        let text = refused(&good.replacen(from, to, 1));
        assert!(text.contains(says), "{to}: {text}");
    }
}

#[test]
fn nothing_and_too_much_are_refused() {
    for nothing in ["", " \n", "---\n---\n", "# only a comment\n", "null", "\u{feff}"] {
        assert_eq!(refused(nothing), "the manifest is empty", "{nothing:?}");
    }
    for other in ["42", "[]", "[1, 2]", "- a\n", "just text", "{}", "a: 1"] {
        refused(other);
    }
    let long = format!("{HPA}# {}", "x".repeat(1 << 20));
    assert!(refused(&long).contains("must have at most 1048576"));
    refused(&format!("a: {}1{}", "[".repeat(2000), "]".repeat(2000)));
    refused(&"[".repeat(1_000_000));
    refused(&"{\"a\":".repeat(100_000));
    refused(&format!("{}x", "- ".repeat(400_000)));
    let mut mapping = String::from("kind: Other\nspec:\n");
    (0..60_000).for_each(|index| mapping.push_str(&format!("  k{index}: 1\n")));
    refused(&mapping);
}

/// Ten aliases of ten aliases of ten... of a text: unfolded, more than any memory.
#[test]
fn anchors_that_explode_are_refused() {
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let before = format!("*a{}, ", level - 1).repeat(10);
        text.push_str(&format!("a{level}: &a{level} [{before}]\n"));
    }
    let says = refused(&text);
    assert!(says.contains("line "), "{says}");
}

/// What is known but not read says what to give instead.
#[test]
fn templates_are_refused_with_what_to_give_instead() {
    for (text, says) in [
        (
            r#"{"Resources": {"P": {"Type": "AWS::AutoScaling::ScalingPolicy"}}}"#,
            "describe-policies",
        ),
        (r#"{"resource": {"aws_autoscaling_policy": {}}}"#, "the cloud's own client"),
        (r#"{"$schema": "x", "contentVersion": "1.0.0.0", "resources": []}"#, "autoscale show"),
    ] {
        let text = refused(text);
        assert!(text.contains(says), "{text}");
    }
    assert_eq!(
        refused("/etc/hpa.yaml"),
        "the document is \"/etc/hpa.yaml\", must be a mapping (line 1, column 1)"
    );
}

/// Without names, the metrics of two triggers of a type are told apart by their places.
#[test]
fn each_metric_of_a_manifest_says_what_it_is() {
    let text = "apiVersion: keda.sh/v1alpha1
kind: ScaledObject
spec:
  triggers:
    - { type: rabbitmq, metadata: { queueName: orders } }
    - { type: rabbitmq, metadata: { queueName: mails } }
";
    let imports = load(text).unwrap();
    let feeds: BTreeSet<_> = imports[0].metrics.values().collect();
    assert_eq!(feeds.len(), 2, "{feeds:?}");
}

/// KEDA: cpu keeps nothing above zero, so outside of the office hours nobody is there.
#[test]
fn office_hours_with_cpu_rest_at_zero() {
    let text = "apiVersion: keda.sh/v1alpha1
kind: ScaledObject
spec:
  minReplicaCount: 0
  triggers:
    - { type: cpu, metricType: Utilization, metadata: { value: '60' } }
    - type: cron
      metadata: { timezone: UTC, start: 0 8 * * *, end: 0 18 * * *, desiredReplicas: '3' }
";
    for (least, rests) in [("minReplicaCount: 0", 0), ("minReplicaCount: 1", 1)] {
        let text = text.replace("minReplicaCount: 0", least);
        let mut scaler = Autoscaler::new(load(&text).unwrap().remove(0).config).unwrap();
        let mut current = rests;
        for (hour, want) in [(7, rests), (8, 3), (17, 3), (18, rests), (31, rests), (32, 3)] {
            let midnight = 1_767_571_200;
            let at = forescale::Timestamp::from_secs(midnight + hour * 3600);
            let seen = forescale::Observation::at(at).ready(current).metric("cpu", 0.1);
            let decision = scaler.decide(&seen);
            assert_eq!(decision.replicas, want, "{least}, hour {hour}: {}", decision.explain());
            current = decision.replicas;
        }
    }
}

/// Whatever stands where a value was, the manifest is refused with a short text, or it builds and its
/// settings survive as YAML.
#[test]
fn a_wrong_value_anywhere_does_no_harm() {
    let wrong = ["", "{a: 1}", "[1]", "-1", "1e300", "\"-0\"", "PT999999999999H", "é😀"];
    for (path, text) in fixtures() {
        let lines: Vec<_> = text.lines().collect();
        for (number, line) in lines.iter().enumerate() {
            let Some((name, value)) = line.split_once(": ") else { continue };
            let comma = if value.ends_with(',') { "," } else { "" };
            for value in wrong.into_iter().cycle().skip(number).take(3) {
                let mut changed = lines.clone();
                let line = format!("{name}: {value}{comma}");
                changed[number] = &line;
                let place = format!("{} line {}: {value}", path.display(), number + 1);
                match load(&changed.join("\n")) {
                    Err(error) => assert!(error.to_string().len() < 2000, "{place}: {error}"),
                    Ok(imports) => {
                        for import in imports {
                            let told = |error| panic!("{place}: {error}");
                            Autoscaler::new(import.config.clone()).unwrap_or_else(told);
                            let written = import.config.to_yaml().unwrap();
                            let read = Config::from_text(&written).unwrap();
                            let values = |config: &Config| serde_json::to_value(config).unwrap();
                            assert_eq!(values(&read), values(&import.config), "{place}");
                        }
                    }
                }
            }
        }
    }
}

/// A manifest cut anywhere is refused or read, and never panics.
#[test]
fn a_manifest_cut_anywhere_does_no_harm() {
    for (_, text) in fixtures() {
        for (at, _) in text.char_indices().step_by(11) {
            let _ = load(&text[..at]);
        }
    }
}

#[test]
fn the_configuration_points_to_this_module() {
    let error = Config::from_text(HPA).unwrap_err().to_string();
    assert!(error.contains("`manifest::load` reads manifests"), "{error}");
}
