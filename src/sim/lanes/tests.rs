//! Lanes beside the ordinary simulator, which is the measure of all.
//!
//! Tolerance: 0.2 % of the replica-hours and 2 minutes or 2 % of the violations, over days. Both sides count
//! replicas and times in whole numbers and look the HPA's roundings up in the same tables; but a
//! utilization or a load within 4e-7 of an edge may fall to its other side in single precision, and then
//! a lane keeps a replica more or fewer for some intervals.

use super::*;
use crate::sim::{Settings, Trace, web_service};
use crate::time::{Duration, Timestamp};

const METRICS: &str = r#""metrics": {"cpu": {"kind": "utilization"}, "rps": {"kind": "total"}},
    "capacity": {"kind": "fixed", "metric": "rps", "load_per_replica": 100}"#;

fn config(rest: &str) -> Config {
    Config::from_text(&format!(r#"{{"max_replicas": 60, {METRICS}, {rest}}}"#)).expect("whole")
}

/// Laws, guards, tolerances and limits of many kinds.
pub(super) fn configs() -> Vec<Config> {
    let hpa = r#""policies": [{"kind": "target", "metric": "cpu", "target": 0.7}]"#;
    let window = |down| {
        format!(
            r#"{hpa}, "guards": [{{"kind": "stabilization", "scale_down": {down}}}, {{"kind": "rate"}}]"#
        )
    };
    let slow = r#"[{"percent": 10, "period": 60}, {"replicas": 1, "period": 90}]"#;
    let texts = [
        hpa.to_owned(),
        r#""policies": [{"kind": "target", "metric": "cpu", "target": 0.45, "tolerance": 0.05}]"#.into(),
        r#""policies": [{"kind": "target", "metric": "cpu", "target": 0.8, "tolerance": 0}], "min_replicas": 7"#.into(),
        window(0),
        window(900),
        format!(
            r#"{hpa}, "guards": [{{"kind": "stabilization", "scale_up": 60, "scale_down": 120}},
                {{"kind": "rate", "scale_down": {slow}, "select_scale_down": "min", "scale_up": {slow}}}]"#
        ),
        format!(
            r#"{hpa}, "guards": [{{"kind": "rate", "select_scale_down": "disabled"}},
                {{"kind": "tolerance", "scale_up": 0.2, "scale_down": 0.3}}]"#
        ),
        format!(r#"{hpa}, "guards": []"#),
        r#""policies": [{"kind": "target", "metric": "rps", "target": 70}]"#.into(),
        r#""policies": [{"kind": "target", "metric": "rps", "target": 55, "tolerance": {"up": 0.02, "down": 0.2}},
                        {"kind": "target", "metric": "cpu", "target": 0.6}], "guards": [{"kind": "rate"}]"#
            .into(),
    ];
    texts.iter().map(|text| config(text)).collect()
}

pub(super) fn forecasting() -> Vec<Config> {
    let by = |quantile: f64, more: &str| {
        config(&format!(
            r#""policies": [{{"kind": "predictive", "metric": "rps", "quantile": {quantile},
                              "forecaster": {{"kind": "seasonal_naive", "season": "1d"}}}} {more}]"#
        ))
    };
    let hpa = r#", {"kind": "target", "metric": "cpu", "target": 0.7}"#;
    vec![by(0.95, ""), by(0.9, hpa), by(0.99, hpa)]
}

/// Steps up and down by factors of five, so that the screen has much to hold.
fn bursts(n_days: usize) -> Trace {
    let mut random = crate::testing::uniform(3);
    let values = (0..n_days * 1440).map(|minute| {
        let burst = if minute % 180 < 11 { 6.0 } else { 1.0 };
        let hole = if minute % 777 < 5 { 0.0 } else { 1.0 };
        300.0 * burst * hole * (0.9 + 0.2 * random())
    });
    let step = Duration::from_secs(60);
    Trace::new("bursts", Timestamp::from_secs(30), step, values.collect()).expect("whole")
}

/// Both answers by day, the ordinary one first.
fn both(trace: &Trace, settings: &Settings, configs: &[Config]) -> Vec<[Vec<Span>; 2]> {
    let part = settings.scored_part(trace);
    let stage = Stage::new(trace, settings, 100.0, part).expect("a part");
    let n_ticks = stage.0.loads.len();
    let span_ticks = n_ticks / 3;
    let mut lanes = Lanes::new(&stage, span_ticks, 3).expect("a plant for lanes");
    let entered = lanes.enter(&configs.iter().collect::<Vec<_>>()).expect("they build");
    let entered: Vec<Lane> = entered.into_iter().map(|lane| lane.expect("a lane")).collect();
    let told = lanes.on_cores(&entered).expect("they run");
    let ordinary = |config: &Config| {
        let mut batch = stage.batch(0, config.clone()).expect("it builds");
        (0..3).for_each(|_| batch.pass(span_ticks, true));
        batch.spans().next().expect("one").1.expect("alone").to_vec()
    };
    let told = told.into_iter().map(|spans| spans.expect("within what is known"));
    configs.iter().zip(told).map(|(config, told)| [ordinary(config), told]).collect()
}

/// Cost of a day, where a minute in violation is as dear as half an hour of ten replicas.
fn total(spans: &[Span]) -> f64 {
    spans.iter().map(|span| span.replica_hours + 5.0 * span.violation_minutes).sum()
}

fn assert_agree(trace: &Trace, settings: &Settings, configs: &[Config]) {
    let answers = both(trace, settings, configs);
    let order = |side: usize| {
        let mut order: Vec<usize> = (0..answers.len()).collect();
        order.sort_by(|&a, &b| total(&answers[a][side]).total_cmp(&total(&answers[b][side])));
        order
    };
    assert_eq!(order(0), order(1), "who is better is better on both sides");
    for (answers, config) in answers.iter().zip(configs) {
        let [ordinary, lane] = answers;
        assert_eq!(ordinary.len(), lane.len());
        for (one, other) in ordinary.iter().zip(lane) {
            assert_eq!(one.minutes, other.minutes);
            let cost = (one.replica_hours - other.replica_hours).abs();
            let violated = (one.violation_minutes - other.violation_minutes).abs();
            assert!(cost <= 0.002 * one.replica_hours, "{one:?} {other:?} {config:?}");
            let most = (0.02 * one.violation_minutes).max(2.0);
            assert!(violated <= most, "{one:?} {other:?} {config:?}");
        }
    }
}

pub(super) fn three_days() -> Settings {
    Settings { scored: "3d".parse().expect("a time"), ..Settings::default() }
}

#[test]
fn scores_are_those_of_the_ordinary_simulator() {
    assert_agree(&web_service(10, 7), &three_days(), &configs());
    assert_agree(&bursts(9), &three_days(), &configs());
}

#[test]
fn forecasts_too() {
    assert_agree(&web_service(10, 7), &three_days(), &forecasting());
}

/// Noise, lag and the plant's times away from their defaults.
#[test]
fn other_plants_too() {
    let time = |text: &str| text.parse().expect("a time");
    let plants = [
        Settings { noise: 0.0, missing: 0.0, start_up_jitter: 0.0, ..three_days() },
        Settings {
            interval: time("60s"),
            metric_lag: time("0s"),
            stop: time("150s"),
            start_up: time("7m"),
            timeout: time("4m"),
            late_after: time("10s"),
            noise: 0.1,
            missing: 0.1,
            initial_replicas: Some(80),
            ..three_days()
        },
        Settings {
            interval: time("20s"),
            stop: time("0s"),
            start_up_p95: Some(time("5m")),
            metric_lag: time("3m"),
            ..three_days()
        },
    ];
    for plant in plants {
        assert_agree(&bursts(9), &plant, &configs()[..6]);
    }
}

/// What the kernel does not know is named, and left to the live code.
#[test]
fn what_is_for_the_live_code_alone_is_named() {
    let trace = web_service(4, 7);
    let why = |settings: &Settings, rest: &str| {
        let stage =
            Stage::new(&trace, settings, 100.0, settings.scored_part(&trace)).expect("a part");
        let mut lanes = match Lanes::new(&stage, 100, 4) {
            Ok(lanes) => lanes,
            Err(why) => return why,
        };
        lanes.enter(&[&config(rest)]).expect("it builds")[0].expect_err("it is refused")
    };
    let hpa = r#""policies": [{"kind": "target", "metric": "cpu", "target": 0.7}]"#;
    let plain = three_days();
    let faulty = Settings { crashes_per_day: 1.0, ..three_days() };
    assert_eq!(why(&faulty, hpa), "the plant has faults");
    let cases = [
        (r#""policies": [{"kind": "predictive", "metric": "rps", "risk": 0.1}]"#, "by risk"),
        (
            r#""policies": [{"kind": "watermark", "metric": "cpu", "low": 0.4, "high": 0.8}]"#,
            "neither",
        ),
        (
            r#""policies": [{"kind": "target", "metric": "cpu", "target": 0.7, "direction": "up"}]"#,
            "direction",
        ),
        (
            r#""policies": [{"kind": "target", "metric": "rps", "target": 70}], "combine": "all""#,
            "maximum",
        ),
    ];
    for (rest, want) in cases {
        assert!(why(&plain, rest).contains(want), "{rest}: {}", why(&plain, rest));
    }
    for (more, want) in [
        (r#", "guards": [{"kind": "cooldown"}]"#, "a guard is none of"),
        (r#", "guards": [{"kind": "rate"}, {"kind": "rate"}]"#, "twice"),
        (r#", "mode": "observe""#, "observes"),
        (r#", "lead_time": {"kind": "learned"}"#, "learnt"),
        (r#", "guards": [{"kind": "stabilization", "scale_down": "1d"}]"#, "longer than 1000"),
    ] {
        let rest = format!("{hpa}{more}");
        assert!(why(&plain, &rest).contains(want), "{rest}: {}", why(&plain, &rest));
    }
}
