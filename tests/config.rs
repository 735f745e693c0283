//! Settings that are wrong, and what is said about them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use forescale::{Autoscaler, ErrorKind, Observation, Timestamp};

/// A configuration that is right, with one part replaced.
fn with(part: &str, replacement: &str) -> String {
    let right = r#"{
        "min_replicas": 2, "max_replicas": 60, "lead_time": "90s",
        "metrics": {"rps": {"kind": "total"}, "cpu": {"kind": "utilization"}},
        "capacity": {"kind": "fixed", "metric": "rps", "load_per_replica": 110},
        "policies": [{"kind": "target", "metric": "cpu", "target": 0.7},
                     {"kind": "predictive", "metric": "rps", "quantile": 0.95}],
        "guards": [{"kind": "stabilization", "scale_down": "5m"}]
    }"#;
    assert!(Autoscaler::from_text(right).is_ok(), "{:?}", Autoscaler::from_text(right));
    let wrong = right.replacen(part, replacement, 1);
    assert_ne!(wrong, right, "`{part}` is not in it");
    wrong
}

#[test]
fn each_mistake_is_named_with_its_place_and_what_is_allowed() {
    let mistakes = [
        // What is wrong, and what the error must say.
        (
            with(r#""min_replicas""#, r#""min_replica""#),
            "`min_replica` is not a known setting; did you mean `min_replicas`",
        ),
        (with(r#""max_replicas": 60, "#, ""), "`max_replicas` is missing"),
        (with("60", "1"), "`min_replicas` is 2, must not be above `max_replicas`, which is 1"),
        (with("60", "0"), "`max_replicas` is 0, must be at least 1"),
        (with("60", "-3"), "`max_replicas` is number `-3`, must be a whole number from 0 up"),
        (
            with("60", "\"many\""),
            "`max_replicas` is text \"many\", must be a whole number from 0 up",
        ),
        (with("\"90s\"", "\"soon\""), "`lead_time` is \"soon\", must be a duration such as"),
        (with("\"90s\"", "-5"), "`lead_time` is -5 seconds, must be from 0"),
        (with("\"total\"", "\"totals\""), "`metrics.rps.kind` unknown variant `totals`"),
        (with("\"target\": 0.7", "\"target\": -1"), "`policies[0].target` is -1"),
        (
            with("\"target\": 0.7", "\"targt\": 0.7"),
            "`policies[0].targt` is not a known setting; did you mean `target`",
        ),
        (
            with(r#"{"kind": "target""#, r#"{"kind": "targets""#),
            "`policies[0].kind` is \"targets\", must be one of",
        ),
        (with(r#"{"kind": "target", "#, "{"), "`policies[0]` has no `kind`, must be one of"),
        (
            with(r#""metric": "cpu", "target""#, r#""metric": "cpus", "target""#),
            "`policies[0].metric` is \"cpus\", must be one of `metrics`: [\"cpu\", \"rps\"]; did you mean `cpu`?",
        ),
        (with("0.95", "1.5"), "`policies[1].quantile` is 1.5, must be in"),
        (with("0.7", "70"), "`policies[0].target` is 70, must be at most 10: 0.7 stands for 70 %"),
        (
            with(
                r#""target", "metric": "cpu", "target": 0.7"#,
                r#""watermark", "metric": "cpu", "high": 70"#,
            ),
            "`policies[0].high` is 70, must be at most 10",
        ),
        (
            with(
                r#"{"kind": "target", "metric": "cpu", "target": 0.7}"#,
                r#"{"kind": "schedule", "cron": "0 8 * * *", "duration": "1h", "min_replicas": 100}"#,
            ),
            "`policies[0].min_replicas` is 100, must not be above the autoscaler's `max_replicas`, which is 60",
        ),
        (
            with(
                r#"{"kind": "target", "metric": "cpu", "target": 0.7}"#,
                r#"{"kind": "schedule", "cron": "0 8 * * *", "duration": "1h", "replicas": 0}"#,
            ),
            "`policies[0].replicas` is 0, must not be below the autoscaler's `min_replicas`, which is 2",
        ),
        (
            r#"{"min_replicas": 0, "max_replicas": 9, "metrics": {"cpu": {"kind": "utilization"}},
                "policies": [{"kind": "target", "metric": "cpu", "target": 0.7}]}"#
                .to_owned(),
            "`min_replicas` is 0, from which no policy could wake up",
        ),
        (
            with(r#""min_replicas": 2"#, r#""min_replicas": 0, "zero": {"metric": "cpu"}"#),
            "`zero.metric` is \"cpu\", which has no reading at zero replicas, must be of kind `total`",
        ),
        (
            with(
                r#""min_replicas": 2"#,
                r#""min_replicas": 0, "zero": {"triggers": [{"metric": "rps"}, {"metric": "cpu"}]}"#,
            ),
            "`zero.triggers[1].metric` is \"cpu\", which has no reading at zero replicas",
        ),
        (
            with(
                r#""min_replicas": 2"#,
                r#""min_replicas": 0, "zero": {"triggers": [{"metric": "rsp"}]}"#,
            ),
            "`zero.triggers[0].metric` is \"rsp\", must be one of `metrics`",
        ),
        (
            with(
                r#"{"kind": "target", "metric": "cpu", "target": 0.7}"#,
                r#"{"kind": "backlog", "metric": "rps", "arrivals": "rsp", "rate_per_replica": 9}"#,
            ),
            "`policies[0].arrivals` is \"rsp\", must be one of `metrics`: [\"cpu\", \"rps\"]",
        ),
        (
            with(
                r#"{"kind": "target", "metric": "cpu", "target": 0.7}"#,
                r#"{"kind": "backlog", "metric": "rps", "arrivals": "cpu", "rate_per_replica": 9}"#,
            ),
            "`policies[0].arrivals` is \"cpu\", must be of kind `total`",
        ),
        (
            with("\"90s\"", r#"{"kind": "learned", "initial": "90s", "quantile": 90}"#),
            "`lead_time.quantile` is 90, must be in [0.5, 1)",
        ),
        (
            with("\"90s\"", r#"{"kind": "learned", "initials": "90s"}"#),
            "`lead_time.initials` is not a known setting; did you mean `initial`",
        ),
        (
            with("\"90s\"", r#"{"kind": "learnt"}"#),
            "`lead_time.kind` is \"learnt\", must be one of \"fixed\", \"learned\"; did you mean",
        ),
        (with("\"90s\"", r#""fixed""#), "`lead_time.duration` is missing"),
        (
            with("\"90s\"", r#"{"kind": "learned", "max": "7d", "initial": "1h"}"#),
            "`policies[1].horizon` is 20161 steps, must be 1 to 10000",
        ),
        (
            with(
                r#""fixed", "metric": "rps", "load_per_replica": 110"#,
                r#""learned", "metric": "rps", "utilization": "cpus""#,
            ),
            "`capacity.utilization` is \"cpus\", must be one of `metrics`: [\"cpu\", \"rps\"]; did you mean `cpu`?",
        ),
        (
            with(
                r#""fixed", "metric": "rps", "load_per_replica": 110"#,
                r#""latency", "metric": "rps", "latency": "cpu", "objective": 1"#,
            ),
            "`capacity.latency` is \"cpu\", must be of kind `average`",
        ),
        (with("110", "0"), "`capacity.load_per_replica` is 0, must be above 0"),
        (
            with(r#""metric": "rps", "load"#, r#""metric": "cpu", "load"#),
            "`policies[1].metric` is \"rps\", must be that of `capacity`, which is \"cpu\"",
        ),
        (
            with(r#""scale_down": "5m""#, r#""scale_down": [5]"#),
            "`guards[0].scale_down` is a list, must be a duration",
        ),
        (
            with(
                r#""policies": [{"kind": "target", "metric": "cpu", "target": 0.7},
                     {"kind": "predictive", "metric": "rps", "quantile": 0.95}]"#,
                r#""policies": []"#,
            ),
            "`policies` is empty",
        ),
        (
            with("\n        \"min_replicas\"", "\n  oops \"min_replicas\""),
            "the settings are not JSON",
        ),
        (with("60, ", r#"60, "max_replicas": 6, "#), "`max_replicas` is given twice"),
        (with(r#""cpu": {"#, r#""rps": {"kind": "average"}, "cpu": {"#), "`rps` is given twice"),
        (
            with(r#"{"kind": "utilization"}"#, r#"["utilization"]"#),
            "`metrics.cpu` is a list, must be",
        ),
        (
            with(r#""target": 0.7"#, r#""target": 0.7, "tolerance": [0.1, 0.2]"#),
            "`policies[0].tolerance` is a list, must be a mapping",
        ),
        (
            with(
                r#""scale_down": "5m"}"#,
                r#""scale_down": "5m"}, {"kind": "rate", "scale_up": [[100, null, 15]]}"#,
            ),
            "`guards[1].scale_up[0]` is a list, must be a mapping",
        ),
        ("[1, 2]".to_owned(), "must be"),
        ("a: [1".to_owned(), "not YAML"),
        (String::new(), "must be"),
    ];
    for (text, want) in mistakes {
        let error = Autoscaler::from_text(&text).expect_err(want);
        assert_eq!(error.kind(), ErrorKind::Config, "{error}");
        assert!(error.to_string().contains(want), "said: {error}\nwant: {want}");
    }
}

#[test]
fn the_same_settings_are_read_from_json_and_yaml() {
    let yaml = "
        max_replicas: 9
        metrics: { cpu: { kind: utilization } }
        policies: [{ kind: target, metric: cpu, target: 0.7 }]
        guards: [{ kind: cooldown, scale_up: 90, scale_down: 1h30m }]
        mode: on
    ";
    let json = r#"{"max_replicas": 9, "mode": "on", "metrics": {"cpu": {"kind": "utilization"}},
        "policies": [{"kind": "target", "metric": "cpu", "target": 0.7}],
        "guards": [{"kind": "cooldown", "scale_up": "1m 30s", "scale_down": 5400}]}"#;
    let effective = |text| forescale::Config::from_text(text).unwrap().effective().unwrap();
    assert_eq!(effective(yaml), effective(json));
}

#[test]
fn defaults_are_told_from_what_was_given() {
    let text = r#"{"max_replicas": 9, "metrics": {"cpu": {"kind": "utilization"}},
        "policies": [{"kind": "target", "metric": "cpu", "target": 0.7}]}"#;
    let settings = forescale::Config::from_text(text).unwrap().effective().unwrap();
    let given: Vec<_> = settings
        .iter()
        .filter(|setting| setting.given)
        .map(|setting| setting.path.as_str())
        .collect();
    let want = [
        "max_replicas",
        "metrics.cpu.kind",
        "policies[0].kind",
        "policies[0].metric",
        "policies[0].target",
    ];
    assert_eq!(given, want);
    assert!(
        settings.iter().any(|setting| setting.path == "guards[0].scale_down" && !setting.given)
    );
}

#[test]
fn foreign_texts_are_no_snapshots() {
    let scaler = Autoscaler::from_text(&with("90s", "2m")).unwrap();
    let snapshot = String::from_utf8(scaler.snapshot().unwrap()).unwrap();
    let half = &snapshot[..snapshot.len() / 2];
    let other = snapshot.replace("\"version\":1", "\"version\":7");
    let broken = snapshot.replace("\"max_replicas\":60", "\"max_replicas\":1");
    for (text, want) in [
        (half, "cut off"),
        ("", "cut off"),
        ("{}", "no snapshot"),
        ("hello", "not JSON"),
        (other.as_str(), "version is 7, must be 1"),
        (broken.as_str(), "settings that are refused: `min_replicas` is 2"),
    ] {
        let error = Autoscaler::restore(text.as_bytes()).expect_err(want);
        assert_eq!(error.kind(), ErrorKind::Snapshot);
        assert!(error.to_string().contains(want), "said: {error}\nwant: {want}");
    }
}

#[test]
fn history_is_checked_at_the_border() {
    let mut scaler = Autoscaler::from_text(&with("90s", "2m")).unwrap();
    let times = [0, 60, 120].map(Timestamp::from_secs);
    for (metric, times, values, want) in [
        ("rsp", &times[..], vec![Some(1.0); 3], "`metric` is \"rsp\""),
        ("rps", &times[..], vec![Some(1.0); 2], "2"),
        ("rps", &times[..], vec![Some(1.0), Some(-3.0), None], "`values[1]` is -3"),
        ("rps", &times[..], vec![Some(1.0), Some(f64::INFINITY), None], "`values[1]` is inf"),
        ("rps", &[times[1], times[0], times[2]][..], vec![Some(1.0); 3], "times[1]"),
    ] {
        let error = scaler.warm_up(metric, times, &values).expect_err(want);
        assert_eq!(error.kind(), ErrorKind::Observation);
        assert!(error.to_string().contains(want), "said: {error}\nwant: {want}");
    }
    scaler.warm_up("rps", &times, &[Some(1.0), None, Some(f64::NAN)]).unwrap();
}

/// YAML takes `+1` for a number and `+50%` for a text.
#[test]
#[cfg(feature = "yaml")]
fn an_adjustment_need_not_be_quoted() {
    let replicas = |adjustment: &str| {
        let text = format!(
            "max_replicas: 60
metrics: {{ rps: {{ kind: total }} }}
guards: []
policies:
  - {{ kind: rule, metric: rps, operator: \">\", threshold: 80, breach_duration: 0, adjustment: {adjustment} }}
"
        );
        let mut scaler = Autoscaler::from_text(&text).unwrap();
        let seen = Observation::at(Timestamp::from_secs(0)).ready(8).metric("rps", 90.0);
        scaler.decide(&seen).replicas
    };
    assert_eq!(
        [replicas("+1"), replicas("-2"), replicas("+50%"), replicas("\"-50%\"")],
        [9, 6, 12, 4]
    );
}

/// What editors complete with says the same as the reader: shared settings are optional, a text
/// alone is a kind, a setting that nobody knows is refused.
#[test]
#[cfg(feature = "schema")]
fn the_schema_allows_what_is_read() {
    let schema = forescale::Config::schema();
    let definition = |name: &str| &schema["$defs"][name];
    let entry = definition("PolicyEntry");
    assert_eq!(entry["unevaluatedProperties"], false);
    for kind in entry["oneOf"].as_array().unwrap() {
        let required = kind["required"].as_array().unwrap();
        assert!(!required.contains(&"direction".into()) && required.contains(&"kind".into()));
    }
    assert!(entry["required"].is_null(), "{}", entry["required"]);
    for (name, kinds) in [
        ("GuardConfig", forescale::guard::GuardConfig::KINDS),
        ("Combine", forescale::combine::Combine::KINDS),
    ] {
        let texts = definition(name)["oneOf"].as_array().unwrap().last().unwrap();
        let texts: Vec<_> =
            texts["enum"].as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect();
        assert_eq!(texts, kinds, "{name}");
    }
}
