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

/// Risks of many kinds: rehearsed, dear and cheap, with a reserve, beside a law on the utilization.
pub(super) fn by_risk() -> Vec<Config> {
    let by = |risk: &str, forecaster: &str, more: &str| {
        config(&format!(
            r#""policies": [{{"kind": "predictive", "metric": "rps", "risk": {risk},
                              "forecaster": {forecaster}}}] {more}"#
        ))
    };
    let naive = r#"{"kind": "naive"}"#;
    let daily = r#"{"kind": "seasonal_naive", "season": "1d"}"#;
    let hpa = config(&format!(
        r#""lead_time": "4m", "policies": [{{"kind": "predictive", "metric": "rps", "risk": 0.03,
               "forecaster": {daily}}}, {{"kind": "target", "metric": "cpu", "target": 0.8}}]"#
    ));
    let mut reserved = by("0.1", naive, "");
    if let Some(crate::capacity::CapacityConfig::Fixed(capacity)) = &mut reserved.capacity {
        capacity.headroom = 0.2;
    }
    vec![
        by(r#""auto""#, daily, ""),
        by("0.001", daily, ""),
        by("0.03", daily, r#", "lead_time": "5m""#),
        by("1", naive, r#", "guards": []"#),
        by("0.3", naive, r#", "lead_time": "10s""#),
        hpa,
        reserved,
    ]
}

/// A load that needs a fleet so large that those who buy no reserve keep it nearly full.
fn large(n_days: usize) -> Trace {
    let mut random = crate::testing::uniform(5);
    let values = (0..n_days * 1440).map(|minute| {
        let course = libm::sin(minute as f64 / 1440.0 * std::f64::consts::TAU);
        3000.0 * (1.0 + 0.5 * course) * (0.995 + 0.01 * random())
    });
    let step = Duration::from_secs(60);
    Trace::new("large", Timestamp::from_secs(30), step, values.collect()).expect("whole")
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
pub(super) fn total(spans: &[Span]) -> f64 {
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

#[test]
fn risks_too() {
    assert_agree(&web_service(10, 7), &three_days(), &by_risk());
    assert_agree(&bursts(9), &three_days(), &by_risk());
    let settings = Settings { noise: 0.001, missing: 0.05, ..three_days() };
    assert_agree(&large(9), &settings, &by_risk());
}

/// What depends on the ready replicas has its say in the one above: a fleet that is full follows its load.
#[test]
fn a_full_fleet_that_follows_its_load_is_among_them() {
    let trace = large(9);
    let settings =
        Settings { noise: 0.001, load_per_replica: Some(100.0), decisions: true, ..three_days() };
    let mut scaler = crate::Autoscaler::new(by_risk()[3].clone()).expect("it builds");
    let report = crate::sim::replay(&mut scaler, &trace, &settings).expect("it runs");
    let codes: Vec<_> = report
        .decisions
        .iter()
        .flat_map(|decision| decision.steps.iter().map(|step| step.reason.code()))
        .collect();
    for code in ["saturated", "works_off", "worth_its_price", "needed_now"] {
        let n = codes.iter().filter(|known| **known == code).count();
        assert!(n > 10, "{code}: {n} of {}", codes.len());
    }
}

/// Of many risks each has a tape, and those that are new join later.
#[test]
fn those_who_differ_in_their_risk_alone_share_a_pass() {
    let trace = web_service(3, 7);
    let settings = Settings { scored: "4h".parse().expect("a time"), ..Settings::default() };
    let stage = Stage::new(&trace, &settings, 100.0, settings.scored_part(&trace)).expect("a part");
    let with = |risks: std::ops::Range<u32>| -> Vec<Config> {
        let one = |risk: u32| {
            config(&format!(
                r#""policies": [{{"kind": "predictive", "metric": "rps", "risk": {},
                                  "forecaster": {{"kind": "naive"}}}}]"#,
                0.001 * f64::from(risk)
            ))
        };
        risks.map(one).collect()
    };
    let mut lanes = Lanes::new(&stage, 960, 1).expect("a plant for lanes");
    let mut enter = |configs: &[Config]| -> Vec<Lane> {
        let entered = lanes.enter(&configs.iter().collect::<Vec<_>>()).expect("they build");
        entered.into_iter().map(|lane| lane.expect("a lane")).collect()
    };
    let first = enter(&with(1..21));
    let again = enter(&with(11..41));
    assert_eq!(first[10..], again[..10]);
    // Readings, edges, loads, worths and one for each; whoever comes later has a pass of its own.
    assert_eq!(lanes.tapes.words.len(), 4 + 20 + 4 + 20);
    assert!(lanes.tapes.words.iter().all(|tape| tape.len() == 960));
    let mut alone = Lanes::new(&stage, 960, 1).expect("a plant for lanes");
    let entered = alone.enter(&[&with(17..18)[0]]).expect("it builds")[0].expect("a lane");
    let told = [lanes.on_cores(&first[16..17]), alone.on_cores(&[entered])];
    let [one, other] = told.map(|told| told.expect("it runs"));
    assert_eq!(one, other);
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
        assert_agree(&bursts(9), &plant, &by_risk()[..4]);
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
        (
            r#""policies": [{"kind": "predictive", "metric": "rps"}], "lead_time": "5h""#,
            "longer than four hours",
        ),
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
