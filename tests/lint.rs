//! What the linter says of settings, and that the running loop says the same.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use forescale::lint::{Finding, Severity, lint};
use forescale::sim::{Plant, Settings, web_service};
use forescale::{Autoscaler, Config, Duration, Observation, Reading, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::{Config as Runs, RngAlgorithm, TestRng, TestRunner};

#[path = "../examples/backtest/configs.rs"]
mod configs;

/// A Wednesday.
const NOW: Timestamp = Timestamp::from_secs(1_767_830_400);

fn config(text: &str) -> Config {
    Config::from_text(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// One policy on the mean utilization, from one replica to twenty.
fn on_cpu(policies: &str) -> String {
    format!(
        "max_replicas: 20\nmetrics: {{ cpu: {{ kind: utilization }} }}\npolicies: [{policies}]\n"
    )
}

fn codes(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|finding| finding.code).collect()
}

/// The only finding of that code.
fn only(text: &str, code: &str) -> Finding {
    let findings = lint(&config(text), Some(NOW)).unwrap();
    let mut of_code = findings.iter().filter(|finding| finding.code == code);
    let first = of_code.next().unwrap_or_else(|| panic!("no {code} in {findings:?}: {text}"));
    assert_eq!(of_code.next(), None, "{text}");
    first.clone()
}

/// The workload in the simulator's plant, under a load that never changes: the sizes in force at
/// each look, and how often the direction of the changes turned round.
fn live(config: &Config, load: f64, from: u32, days: f64, start_up: Duration) -> (Vec<u32>, u32) {
    let settings = Settings {
        start_up,
        start_up_jitter: 0.0,
        metric_lag: Duration::ZERO,
        noise: 0.0,
        missing: 0.0,
        ..Settings::default()
    };
    let mut plant = Plant::new(&settings, 1.0, NOW, from, load);
    let mut scaler = Autoscaler::new(config.clone()).unwrap();
    let mut seen = Observation::at(NOW);
    for name in ["rps", "cpu"].into_iter().filter(|name| config.metrics.contains_key(*name)) {
        seen = seen.metric(name, Reading::Missing);
    }
    let (mut sizes, mut n_reversals, mut last) = (Vec::new(), 0, 0);
    for _ in 0..(days * 5760.0) as usize {
        plant.observe(&mut seen);
        // Measured now, without a lag, and above full use too.
        if let Some(reading) = seen.metrics.get_mut("cpu") {
            let average = load / f64::from(seen.replicas.ready.max(1));
            *reading = Reading::Average { average };
        }
        let before = seen.replicas.current();
        let replicas = scaler.decide(&seen).replicas;
        let change = i64::from(replicas) - i64::from(before);
        if change != 0 {
            n_reversals += u32::from(last * change < 0);
            last = change.signum();
        }
        plant.request(replicas);
        plant.pass(load);
        sizes.push(replicas);
    }
    (sizes, n_reversals)
}

#[test]
fn what_is_flagged_turns_round_all_day_and_what_is_mended_comes_to_rest() {
    let cases = [
        // Up above 0.6, down below 0.5: two at 0.3 each are too cold.
        ("{ kind: watermark, metric: cpu, low: 0.5, high: 0.6, tolerance: 0 }", "policies[0].low"),
        ("{ kind: watermark, metric: cpu, low: 0.6, high: 0.8 }", "policies[0].low"),
        ("{ kind: watermark, metric: cpu, high: 0.8, tolerance: 0.05 }", "policies[0].low"),
        (
            "{ kind: watermark, metric: cpu, low: 0.5, high: 0.6, dwell_up: 2m, dwell_down: 10m }",
            "policies[0].low",
        ),
        // A pair whose thresholds look apart.
        (
            "{ kind: watermark, metric: cpu, low: 0, high: 0.6, tolerance: 0, direction: up },
             { kind: watermark, metric: cpu, low: 0.4, high: 1, tolerance: 0, direction: down }",
            "policies[1].low",
        ),
        // Cloud Foundry's rules; Azure would not act on the second one, as it foresees the flapping.
        (
            "{ kind: rule, metric: cpu, operator: '>', threshold: 0.6, adjustment: '+1' },
             { kind: rule, metric: cpu, operator: '<', threshold: 0.4, adjustment: '-1' }",
            "policies[1].threshold",
        ),
        (
            "{ kind: rule, metric: cpu, operator: '>=', threshold: 0.8, adjustment: '+100%' },
             { kind: rule, metric: cpu, operator: '<=', threshold: 0.5, adjustment: '-50%' }",
            "policies[1].threshold",
        ),
        // AWS, whose guide asks for room between the thresholds.
        (
            "{ kind: step, metric: cpu, threshold: 0.6, comparison: above, points: 1, steps: [{ lower: 0, by: 1 }] },
             { kind: step, metric: cpu, threshold: 0.4, comparison: below, points: 1, steps: [{ upper: 0, by: -1 }] }",
            "policies[1].threshold",
        ),
        (
            "{ kind: simple, metric: cpu, threshold: 0.6, comparison: above, adjustment: percent, by: 50, min_adjustment: 1, points: 1, cooldown: 3m },
             { kind: simple, metric: cpu, threshold: 0.4, comparison: below, by: -1, points: 1, cooldown: 3m }",
            "policies[1].threshold",
        ),
        // Nomad's strategies.
        (
            "{ kind: threshold, metric: cpu, lower_bound: 0.7, within_bounds_trigger: 2, delta: 1, direction: up },
             { kind: threshold, metric: cpu, upper_bound: 0.4, within_bounds_trigger: 2, delta: -1, direction: down }",
            "policies[1].upper_bound",
        ),
    ];
    for (policies, path) in cases {
        let config = config(&on_cpu(policies));
        let finding = only(&on_cpu(policies), "oscillation");
        assert_eq!((finding.severity, finding.path.as_str()), (Severity::Error, path));
        let (load, low) = (finding.facts["load"], finding.facts["replicas_low"] as u32);
        for start_up in [Duration::from_secs(15), config.lead_time.initial()] {
            let (_, n_reversals) = live(&config, load, low, 2.0, start_up);
            assert!(n_reversals > 60, "{n_reversals} in two days: {finding}");
        }

        let mended = finding.apply(&config).unwrap();
        assert!(!codes(&lint(&mended, None).unwrap()).contains(&"oscillation"), "{finding}");
        for tenth in 1..60 {
            for start_up in [Duration::from_secs(15), config.lead_time.initial()] {
                let (sizes, _) = live(&mended, f64::from(tenth) / 10.0 * load, 1, 0.2, start_up);
                let settled = &sizes[sizes.len() - 300..];
                assert!(settled.iter().all(|n| *n == settled[0]), "{finding}: {settled:?}");
            }
        }
    }
}

#[test]
fn the_fix_is_the_smallest_one_written_short() {
    // Two of 0.7 * 1.1 / 2 = 0.385 each must not be below low * 0.9: low is at most 0.427.
    let policies = "{ kind: watermark, metric: cpu, low: 0.5, high: 0.7 }";
    let finding = only(&on_cpu(policies), "oscillation");
    let fix = finding.fix.unwrap();
    assert_eq!((fix.path.as_str(), &fix.value), ("policies[0].low", &serde_json::json!(0.42)));
    // From three replicas on the same marks are far enough apart: 3 of 0.77 * 2 / 3.
    let text = on_cpu(policies) + "min_replicas: 2\n";
    assert_eq!(lint(&config(&text), None).unwrap(), []);
}

#[test]
fn a_guard_that_keeps_it_still_is_no_oscillation_and_one_that_slows_it_down_is() {
    let policies = "{ kind: watermark, metric: cpu, low: 0.5, high: 0.6, tolerance: 0 }";
    let with = |guards: &str| {
        let text = format!("{}guards: [{guards}]\n", on_cpu(policies));
        codes(&lint(&config(&text), None).unwrap()).contains(&"oscillation")
    };
    assert!(with(""));
    assert!(with("{ kind: cooldown, scale_up: 1h, scale_down: 3h }"));
    assert!(with("{ kind: stabilization, scale_up: 10m, scale_down: 30m }"));
    assert!(!with("{ kind: change_limit, scale_down: 0 }"));
    assert!(!with("{ kind: rate, select_scale_down: disabled }"));
    assert!(!with("{ kind: tolerance, scale_up: 1, scale_down: 0.5 }"));
    let observed = on_cpu(policies) + "mode: observe\n";
    assert_eq!(only(&observed, "oscillation").severity, Severity::Error);
    let up_only = on_cpu(policies) + "mode: scale_up_only\n";
    assert_eq!(lint(&config(&up_only), None).unwrap(), []);
}

#[test]
fn a_reading_that_no_replica_shares_is_noted() {
    let text = "max_replicas: 20\nmetrics: { latency: { kind: average } }\npolicies: [{ kind: target, metric: latency, target: 0.2, by: value }]";
    let finding = only(text, "not_proven");
    assert_eq!(finding.severity, Severity::Note);
    assert_eq!(finding.apply(&config(text)).unwrap(), config(text));
}

/// Every kind of finding with a fix: applied, it is gone, and the settings build.
#[test]
fn each_fix_takes_its_finding_away() {
    let rps = |rest: &str| {
        format!(
            "metrics: {{ rps: {{ kind: total }} }}\ncapacity: {{ kind: fixed, metric: rps, load_per_replica: 10 }}\n{rest}"
        )
    };
    let scheduled = |schedules: &str| {
        rps(&format!(
            "min_replicas: 2\nmax_replicas: 20\npolicies: [{{ kind: target, metric: rps, target: 8 }}, {schedules}]"
        ))
    };
    let mut cases = vec![
        (
            "oscillation",
            on_cpu("{ kind: watermark, metric: cpu, low: 0.5, high: 0.6, tolerance: 0 }"),
        ),
        (
            "no_choice",
            rps(
                "min_replicas: 3\nmax_replicas: 3\npolicies: [{ kind: target, metric: rps, target: 8 }]",
            ),
        ),
        (
            "cannot_scale_down",
            on_cpu("{ kind: watermark, metric: cpu, low: 0.3, high: 0.7, scaling_step: 5 }"),
        ),
        (
            "activation_drops_load",
            rps(
                "min_replicas: 0\nmax_replicas: 9\nzero: { metric: rps, activation: 20 }\npolicies: [{ kind: target, metric: rps, target: 8 }]",
            ),
        ),
        (
            "fallback_out_of_reach",
            on_cpu(
                "{ kind: target, metric: cpu, target: 0.7, fallback: { failures: 3, replicas: 30 } }",
            ),
        ),
        (
            "activation_drops_load",
            rps(
                "min_replicas: 0\nmax_replicas: 9\nzero: { triggers: [{ metric: rps, activation: 20 }] }\npolicies: [{ kind: target, metric: rps, target: 8 }]",
            ),
        ),
        (
            "quantile_without_history",
            rps("max_replicas: 9\npolicies: [{ kind: predictive, metric: rps, quantile: 0.999 }]"),
        ),
        (
            "horizon_shorter_than_lead_time",
            rps(
                "max_replicas: 9\nlead_time: 10m\npolicies: [{ kind: predictive, metric: rps, horizon: 5m }]",
            ),
        ),
    ];
    if cfg!(feature = "schedule") {
        let daily = "cron: '0 8 * * *', duration: 4h";
        cases.extend([
            (
                "schedule_never_holds",
                scheduled(&format!("{{ kind: schedule, {daily}, min_replicas: 2 }}")),
            ),
            (
                "schedule_never_holds",
                scheduled(&format!("{{ kind: schedule, {daily}, max_replicas: 20 }}")),
            ),
            (
                "schedule_never_holds",
                scheduled(&format!(
                    "{{ kind: schedule, cron: '0 9 * * mon', duration: 1h, min_replicas: 9 }}, \
                     {{ kind: schedule, {daily}, min_replicas: 5, rank: 3 }}"
                )),
            ),
            (
                "schedules_contradict",
                scheduled(&format!(
                    "{{ kind: schedule, cron: '0 9 * * mon', duration: 1h, min_replicas: 9 }}, \
                     {{ kind: schedule, {daily}, max_replicas: 5 }}"
                )),
            ),
        ]);
    }
    for (code, text) in cases {
        let finding = only(&text, code);
        let fix = finding.fix.as_ref().unwrap_or_else(|| panic!("no fix: {finding}"));
        let told = finding.to_string();
        assert!(told.contains(code) && told.contains(&fix.path), "{told}");
        let mended = finding.apply(&config(&text)).unwrap();
        assert_ne!(mended, config(&text));
        let left = lint(&mended, Some(NOW)).unwrap();
        assert!(!codes(&left).contains(&code), "{told}\n{left:?}");
    }
}

#[test]
fn sizes_that_no_load_moves_are_named_with_the_size() {
    // Sizes are multiples of 5, so 5 is the fewest.
    let text = on_cpu("{ kind: watermark, metric: cpu, low: 0.3, high: 0.7, scaling_step: 5 }");
    let finding = only(&text, "cannot_scale_down");
    assert_eq!((finding.facts["replicas"], finding.path.as_str()), (5.0, "min_replicas"));
    // Nothing lowers; nothing is to be kept, so no limit mends it.
    let text = on_cpu("{ kind: target, metric: cpu, target: 0.7, direction: up }");
    let finding = only(&text, "cannot_scale_down");
    assert_eq!((finding.facts["replicas"], finding.fix), (20.0, None));
    // Two must agree to grow, and one of them never does.
    let text = on_cpu(
        "{ kind: target, metric: cpu, target: 0.7 }, \
         { kind: target, metric: cpu, target: 0.7, direction: down }",
    ) + "combine: { kind: k_of_n, scale_up: 2, scale_down: 1 }\n";
    assert_eq!(only(&text, "cannot_scale_up").facts["replicas"], 1.0);
    // A forecast may move what the readings cannot.
    let text = "max_replicas: 9\nmetrics: { rps: { kind: total } }\ncapacity: { kind: fixed, metric: rps, load_per_replica: 10 }\npolicies: [{ kind: target, metric: rps, target: 8, direction: up }, { kind: predictive, metric: rps }]";
    assert_eq!(lint(&config(text), None).unwrap(), []);
}

/// A rule that waits for less than a replica takes to start asks again and again: proven in the plant.
#[test]
fn a_wait_shorter_than_the_start_overshoots_and_one_as_long_does_not() {
    let with = |lead: &str, wait: &str| {
        on_cpu(&format!(
            "{{ kind: rule, metric: cpu, operator: '>', threshold: 0.7, breach_duration: 0s, cool_down: {wait}, adjustment: '+1' }}, \
             {{ kind: rule, metric: cpu, operator: '<', threshold: 0.2, adjustment: '-1' }}"
        )) + &format!("lead_time: {lead}\nguards: []\n")
    };
    let text = with("4m", "1m");
    let finding = only(&text, "cooldown_shorter_than_start");
    assert_eq!(finding.path, "policies[0].cool_down");
    let [from, wanted, reached] =
        ["replicas", "replicas_wanted", "replicas_reached"].map(|name| finding.facts[name] as u32);
    let peak = |config: &Config| {
        let (sizes, _) = live(config, finding.facts["load"], from, 0.1, config.lead_time.initial());
        sizes.into_iter().max().unwrap()
    };
    assert!(reached > wanted);
    assert_eq!(peak(&config(&text)), reached, "{finding}");
    let mended = finding.apply(&config(&text)).unwrap();
    assert_eq!(peak(&mended), wanted, "{finding}");
    assert_eq!(lint(&mended, None).unwrap(), []);
    assert_eq!(lint(&config(&with("1m", "1m")), None).unwrap(), []);

    // So does AWS's simple scaling.
    let simple = on_cpu(
        "{ kind: simple, metric: cpu, threshold: 0.7, comparison: above, by: 1, points: 1, cooldown: 1m }, \
         { kind: simple, metric: cpu, threshold: 0.3, comparison: below, by: -1 }",
    ) + "lead_time: 10m\nguards: []\n";
    let finding = only(&simple, "cooldown_shorter_than_start");
    assert_eq!(finding.path, "policies[0].cooldown");
    assert_eq!(lint(&finding.apply(&config(&simple)).unwrap(), None).unwrap(), []);

    // Where the rule has no wait of its own, a guard does it.
    let text = text.replace("guards: []", "guards: [{ kind: cooldown, scale_up: 30s }]");
    let text = text.replace("cool_down: 1m", "cool_down: 0s");
    let mended = only(&text, "cooldown_shorter_than_start").apply(&config(&text)).unwrap();
    assert_eq!(lint(&mended, None).unwrap(), []);
}

/// Laws that reckon the whole size at once count what is starting, or ask for the same again.
#[test]
fn laws_that_ask_for_the_whole_size_need_no_wait() {
    for policy in [
        "{ kind: target, metric: cpu, target: 0.7 }",
        "{ kind: watermark, metric: cpu, low: 0.3, high: 0.7 }",
        "{ kind: target_tracking, metric: cpu, target: 0.7, warm_up: 20m }",
        // The steps count what is warming up, for as long as it takes to start.
        "{ kind: step, metric: cpu, threshold: 0.7, comparison: above, steps: [{ lower: 0, by: 1 }], warm_up: 1m }, \
         { kind: step, metric: cpu, threshold: 0.3, comparison: below, steps: [{ upper: 0, by: -1 }] }",
    ] {
        let text = on_cpu(policy) + "lead_time: 20m\nguards: []\n";
        assert_eq!(lint(&config(&text), None).unwrap(), [], "{policy}");
    }
}

#[cfg(feature = "schedule")]
#[test]
fn a_schedule_that_is_over_is_found_where_the_time_is_known() {
    let with = |end: &str, min: u32| {
        format!(
            "max_replicas: 20\npolicies: [{{ kind: schedule, windows: [{{ start: 2025-12-01, end: {end} }}], min_replicas: {min} }}]"
        )
    };
    let finding = only(&with("2026-01-01", 5), "schedule_never_holds");
    assert!((finding.facts["closed_days"] - 7.0).abs() < 0.01, "{finding}");
    assert_eq!(lint(&config(&with("2026-01-01", 5)), None).unwrap(), []);
    assert_eq!(lint(&config(&with("2026-03-01", 5)), Some(NOW)).unwrap(), []);
    // Without effect at any time, unless it is there to overrule.
    let floor = "{ kind: schedule, cron: '0 8 * * *', duration: 4h, min_replicas: 1, rank: 1 }";
    let other = "{ kind: schedule, cron: '0 6 * * *', duration: 9h, min_replicas: 4 }";
    let one = format!("max_replicas: 20\npolicies: [{floor}]");
    let two = format!("max_replicas: 20\npolicies: [{floor}, {other}]");
    assert_eq!(codes(&lint(&config(&one), None).unwrap()), ["schedule_never_holds"]);
    assert_eq!(lint(&config(&two), None).unwrap(), []);
}

#[test]
fn what_people_run_is_clean() {
    let mut clean = vec![
        (
            "the HPA".to_owned(),
            "min_replicas: 1\nmax_replicas: 500\nmetrics: { cpu: { kind: utilization }, rps: { kind: average } }\npolicies: [{ kind: target, metric: cpu, target: 0.8 }, { kind: target, metric: rps, target: 100 }]".to_owned(),
        ),
        (
            "KEDA".to_owned(),
            "min_replicas: 0\nmax_replicas: 50\nmetrics: { queue: { kind: total }, rate: { kind: total }, jobs: { kind: total } }\nzero: { triggers: [{ metric: queue, activation: 5 }, { metric: rate }] }\npolicies: [{ kind: backlog, metric: queue, arrivals: rate, rate_per_replica: 3 }]".to_owned(),
        ),
        (
            "KEDA's jobs".to_owned(),
            "min_replicas: 0\nmax_replicas: 50\nmetrics: { queue: { kind: total } }\npolicies: [{ kind: jobs, metric: queue, target: 1 }]".to_owned(),
        ),
        (
            "Knative".to_owned(),
            "min_replicas: 0\nmax_replicas: 30\nmetrics: { concurrency: { kind: total } }\npolicies: [{ kind: concurrency, metric: concurrency, target: 10 }]\nguards: []".to_owned(),
        ),
        (
            "Nomad".to_owned(),
            on_cpu("{ kind: target_value, metric: cpu, target: 0.7 }")
                + "guards: [{ kind: cooldown, scale_up: 5m, scale_down: 5m }]\n",
        ),
        (
            "Cloud Foundry".to_owned(),
            on_cpu(
                "{ kind: rule, metric: cpu, operator: '>', threshold: 0.8, adjustment: '+1' }, \
                 { kind: rule, metric: cpu, operator: '<', threshold: 0.3, adjustment: '-1' }",
            ),
        ),
        (
            "AWS".to_owned(),
            on_cpu(
                "{ kind: target_tracking, metric: cpu, target: 0.6 }, \
                 { kind: step, metric: cpu, threshold: 0.8, comparison: at_or_above, adjustment: percent, min_adjustment: 1, steps: [{ upper: 0.1, by: 10 }, { lower: 0.1, by: 30 }] }",
            ),
        ),
        (
            "a wish and a floor".to_owned(),
            "min_replicas: 3\nmax_replicas: 30\nmetrics: { wish: { kind: total } }\npolicies: [{ kind: pass_through, metric: wish }, { kind: fixed_value, value: 3 }]".to_owned(),
        ),
        (
            "the WPA's example".to_owned(),
            on_cpu("{ kind: watermark, metric: cpu, low: 0.4, high: 0.75, converge_towards: none }"),
        ),
    ];
    let trace = web_service(3, 1);
    clean.extend(configs::built_in(&trace, &Settings::default()).unwrap());
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    for (index, block) in readme.split("from_text(\n    \"").skip(1).enumerate() {
        clean.push((format!("README {index}"), block.split("\",").next().unwrap().to_owned()));
    }
    assert!(clean.iter().any(|(name, _)| name == "README 0"));
    for entry in std::fs::read_dir(root.join("tests/timelines")).unwrap() {
        let file = entry.unwrap().path();
        if file.extension().is_some_and(|ending| ending == "json") {
            let text = std::fs::read_to_string(&file).unwrap();
            let timeline: serde_json::Value = serde_json::from_str(&text).unwrap();
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            clean.push((name, timeline["config"].to_string()));
        }
    }
    let mut told = Vec::new();
    for (name, text) in clean {
        for finding in lint(&config(&text), None).unwrap() {
            told.push(format!("{name}: {finding}"));
        }
    }
    assert!(told.is_empty(), "{}", told.join("\n"));
}

/// Decisions are counted, not timed: bounded work however absurd the settings.
#[test]
fn absurd_settings_take_no_longer_than_ordinary_ones() {
    for policies in [
        "{ kind: target, metric: cpu, target: 0.7 }",
        "{ kind: watermark, metric: cpu, low: 0.3, high: 0.7, dwell_up: 9d, dwell_down: 36500d }",
        "{ kind: watermark, metric: cpu, low: 0.69, high: 0.7, tolerance: 0 }",
        "{ kind: watermark, metric: cpu, low: 0, high: 0.7, scaling_step: 4000000000 }",
    ] {
        let text = format!(
            "max_replicas: 4000000000\nlead_time: 36500d\nmetrics: {{ cpu: {{ kind: utilization }} }}\npolicies: [{policies}]\n"
        );
        let _ = lint(&config(&text), None).unwrap();
    }
}

#[test]
fn what_does_not_build_is_an_error_and_no_finding() {
    let error = lint(&config("max_replicas: 0"), None).unwrap_err();
    assert_eq!(error.path(), "max_replicas");
    let finding =
        only(&on_cpu("{ kind: watermark, metric: cpu, low: 0.5, high: 0.6 }"), "oscillation");
    let other = config("max_replicas: 3\npolicies: []");
    assert!(finding.apply(&other).is_err(), "the setting is not there");
}

#[test]
fn findings_are_json_with_stable_names() {
    let finding =
        only(&on_cpu("{ kind: watermark, metric: cpu, low: 0.5, high: 0.6 }"), "oscillation");
    let json = serde_json::to_value(&finding).unwrap();
    assert_eq!(json["code"], "oscillation");
    assert_eq!(json["severity"], "error");
    assert_eq!(json["path"], "policies[0].low");
    assert_eq!(json["fix"]["path"], "policies[0].low");
    assert!(json["facts"]["load"].is_number());
}

/// Whether the loop turns round again and again from `from` under `load`; replicas are ready at once.
fn oscillates(config: &Config, from: u32, load: f64) -> bool {
    let mut scaler = Autoscaler::new(config.clone()).unwrap();
    let (mut n, mut n_reversals, mut last) = (from, 0, 0);
    for step in 0..200 {
        let at = NOW + Duration::from_secs(15).times(step);
        let seen = Observation::at(at).ready(n).metric("cpu", load / f64::from(n));
        let replicas = scaler.decide(&seen).replicas;
        let change = i64::from(replicas) - i64::from(n);
        if change != 0 {
            n_reversals += u32::from(last * change < 0);
            last = change.signum();
        }
        n = replicas;
    }
    n_reversals >= 8
}

/// Small random settings of marks, one policy or a pair of them, with and without guards.
fn any_config() -> impl Strategy<Value = String> {
    let mark = |range: std::ops::Range<u32>| range.prop_map(|percent| f64::from(percent) / 100.0);
    let marks = (mark(5..90), mark(0..40), prop_oneof![Just(0.0), Just(0.05), Just(0.1)]);
    let single = (
        marks.clone(),
        1..4_u32,
        prop_oneof![Just("none"), Just("low"), Just("high")],
    )
        .prop_map(|((low, gap, tolerance), step, towards)| {
            let high = (low + gap).min(1.0);
            format!(
                "{{ kind: watermark, metric: cpu, low: {low}, high: {high}, tolerance: {tolerance}, scaling_step: {step}, converge_towards: {towards} }}"
            )
        });
    let adjustment = prop_oneof![Just("1"), Just("2"), Just("50%"), Just("30%")];
    let rules = (mark(5..90), mark(0..40), adjustment.clone(), adjustment).prop_map(
        |(low, gap, up, down)| {
            let high = (low + gap).min(1.0);
            format!(
                "{{ kind: rule, metric: cpu, operator: '>', threshold: {high}, breach_duration: 0s, cool_down: 0s, adjustment: '+{up}' }}, {{ kind: rule, metric: cpu, operator: '<', threshold: {low}, breach_duration: 0s, cool_down: 0s, adjustment: '-{down}' }}"
            )
        },
    );
    let pair = marks.prop_map(|(low, gap, tolerance)| {
        let high = (low + gap).min(1.0);
        format!(
            "{{ kind: watermark, metric: cpu, low: 0, high: {high}, tolerance: {tolerance}, direction: up }}, {{ kind: watermark, metric: cpu, low: {low}, high: 1, tolerance: {tolerance}, direction: down }}"
        )
    });
    let guards = prop_oneof![
        3 => Just(""),
        1 => Just("{ kind: stabilization, scale_down: 1m }, rate"),
        1 => Just("{ kind: cooldown, scale_up: 30s, scale_down: 1m }"),
        1 => Just("{ kind: change_limit, scale_up: 0.5, scale_down: 0.2 }"),
        1 => Just("tolerance"),
    ];
    (prop_oneof![2 => single, 1 => pair, 2 => rules], guards, 1..4_u32, 0..7_u32).prop_map(
        |(policies, guards, min, more)| {
            format!(
                "min_replicas: {min}\nmax_replicas: {}\nmetrics: {{ cpu: {{ kind: utilization }} }}\npolicies: [{policies}]\nguards: [{guards}]\n",
                min + more
            )
        },
    )
}

#[test]
fn flagged_is_what_oscillates_and_nothing_else() {
    let runs = Runs { cases: 150, failure_persistence: None, ..Runs::default() };
    let mut runner =
        TestRunner::new_with_rng(runs, TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]));
    let counts = std::cell::Cell::new((0, 0));
    runner
        .run(&any_config(), |text| {
            let config = config(&text);
            let findings = lint(&config, None).unwrap();
            let flagged = findings.iter().find(|finding| finding.code == "oscillation");
            let does = |config: &Config| {
                (config.min_replicas..=config.max_replicas).any(|from| {
                    (1..120).any(|step| oscillates(config, from, f64::from(step) * 0.083))
                })
            };
            match flagged {
                Some(finding) => {
                    let from = finding.facts["replicas_low"] as u32;
                    let load = finding.facts["load"];
                    prop_assert!(oscillates(&config, from, load), "{finding}\n{text}");
                    let mended = finding.apply(&config).unwrap();
                    if finding.fix.is_some() {
                        prop_assert!(!does(&mended), "{finding}\n{text}");
                    }
                }
                None => prop_assert!(!does(&config), "not flagged:\n{text}"),
            }
            let (flags, fixes) = counts.get();
            let fixed = flagged.is_some_and(|finding| finding.fix.is_some());
            counts.set((flags + u32::from(flagged.is_some()), fixes + u32::from(fixed)));
            Ok(())
        })
        .unwrap();
    let (flags, fixes) = counts.get();
    assert!((30..120).contains(&flags), "{flags} of 150 flagged: the cases are one-sided");
    assert!(fixes * 10 >= flags * 9, "only {fixes} of {flags} have a fix");
}
