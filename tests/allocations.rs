//! Deciding allocates nothing once its buffers have grown.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use forescale::tune::{SelfTuning, SelfTuningConfig};
use forescale::{Autoscaler, Observation, Timestamp};

const START: i64 = 1_767_600_000;

fn allocations_of_a_day(config: &str, history: bool) -> u64 {
    let mut scaler = Autoscaler::from_text(config).unwrap();
    if history {
        let minutes = 3 * 1440;
        let times: Vec<_> =
            (0..minutes).map(|i| Timestamp::from_secs(START - (minutes - i) * 60)).collect();
        let values: Vec<_> = (0..minutes).map(|i| Some(500.0 + (i % 1440) as f64)).collect();
        scaler.warm_up("rps", &times, &values).unwrap();
    }
    let mut seen = Observation::at(Timestamp::from_secs(START))
        .ready(10)
        .metric("rps", 700.0)
        .metric("cpu", 0.6);
    let mut tick = 0;
    let mut run = |ticks: i64| {
        let end = tick + ticks;
        while tick < end {
            tick += 1;
            seen.at = Timestamp::from_secs(START + tick * 15);
            let swing = (tick % 97) as f64 / 97.0;
            *seen.metrics.get_mut("cpu").unwrap() = (0.3 + 0.6 * swing).into();
            *seen.metrics.get_mut("rps").unwrap() = (600.0 + 300.0 * swing).into();
            let decision = scaler.decide(&seen);
            seen.replicas.ready = decision.replicas;
        }
    };
    run(5760);
    allocation_counter::measure(|| run(5760)).count_total
}

#[test]
fn a_reactive_decision_allocates_nothing() {
    let config = r#"{
        "min_replicas": 2, "max_replicas": 60, "metrics": {"cpu": {"kind": "utilization"}, "rps": {"kind": "total"}},
        "policies": [{"kind": "target", "metric": "cpu", "target": 0.6}]
    }"#;
    assert_eq!(allocations_of_a_day(config, false), 0);
}

/// Recording the load for a self-tuning costs none either.
#[test]
fn a_decision_that_is_recorded_allocates_nothing() {
    let config = forescale::Config::from_text(
        r#"{"max_replicas": 60, "metrics": {"cpu": {"kind": "utilization"}, "rps": {"kind": "total"}},
            "policies": [{"kind": "target", "metric": "cpu", "target": 0.6}]}"#,
    );
    let mut scaler = SelfTuning::new(config.unwrap(), SelfTuningConfig::default()).unwrap();
    let mut seen = Observation::default().ready(10).metric("rps", 700.0).metric("cpu", 0.6);
    let mut tick = 0;
    let mut run = || {
        for _ in 0..5760 {
            tick += 1;
            seen.at = Timestamp::from_secs(START + tick * 15);
            *seen.metrics.get_mut("rps").unwrap() = (600.0 + (tick % 97) as f64).into();
            seen.replicas.ready = scaler.decide(&seen).replicas;
        }
    };
    run();
    assert_eq!(allocation_counter::measure(run).count_total, 0);
}

#[test]
fn a_decision_with_all_four_policies_allocates_nothing() {
    let config = r#"{
        "min_replicas": 2, "max_replicas": 60, "metrics": {"cpu": {"kind": "utilization"}, "rps": {"kind": "total"}},
        "capacity": {"kind": "fixed", "metric": "rps", "load_per_replica": 100},
        "policies": [
            {"kind": "target", "metric": "cpu", "target": 0.6},
            {"kind": "watermark", "metric": "cpu", "low": 0.4, "high": 0.7},
            {"kind": "schedule", "cron": "0 8 * * mon-fri", "time_zone": "Europe/Berlin",
             "duration": "10h", "min_replicas": 5},
            {"kind": "predictive", "metric": "rps", "forecaster": {"kind": "seasonal_naive"}}
        ]
    }"#;
    // The schedule looks its next window up twice a day, through the cron library.
    let n = allocations_of_a_day(config, true);
    assert!(n <= 200, "{n} allocations in 5760 decisions");
}

/// An upstream's readings that are a regressor.
#[test]
fn a_decision_that_knows_an_upstream_allocates_nothing() {
    let mut scaler = Autoscaler::from_text(
        r#"{"max_replicas": 60, "metrics": {"rps": {"kind": "total"}, "upstream": {"kind": "total"}},
            "capacity": {"kind": "fixed", "metric": "rps", "load_per_replica": 100},
            "policies": [{"kind": "predictive", "metric": "rps", "forecaster":
                {"kind": "regressors", "regressors": {"upstream": {}}}}]}"#,
    )
    .unwrap();
    let mut seen = Observation::default().ready(10).metric("rps", 700.0).metric("upstream", 900.0);
    let mut tick = 0;
    let mut run = || {
        for _ in 0..2 * 5760 {
            tick += 1;
            seen.at = Timestamp::from_secs(START + tick * 15);
            let swing = (tick % 97) as f64 / 97.0;
            *seen.metrics.get_mut("rps").unwrap() = (600.0 + 300.0 * swing).into();
            *seen.metrics.get_mut("upstream").unwrap() = (900.0 - 300.0 * swing).into();
            seen.replicas.ready = scaler.decide(&seen).replicas;
        }
    };
    run();
    assert_eq!(allocation_counter::measure(run).count_total, 0);
}

#[test]
fn learning_lead_time_and_capacity_allocates_nothing() {
    for (kind, second) in [
        ("utilization", r#""kind": "learned", "utilization": "cpu""#),
        ("average", r#""kind": "latency", "latency": "cpu", "objective": 0.9"#),
    ] {
        let config = format!(
            r#"{{
                "min_replicas": 2, "max_replicas": 60, "lead_time": "learned",
                "metrics": {{"cpu": {{"kind": "{kind}"}}, "rps": {{"kind": "total"}}}},
                "capacity": {{{second}, "metric": "rps", "load_per_replica": 100, "settle": 0}},
                "policies": [
                    {{"kind": "target", "metric": "cpu", "target": 0.6}},
                    {{"kind": "predictive", "metric": "rps", "forecaster": {{"kind": "seasonal_naive"}}}}
                ]
            }}"#
        );
        assert_eq!(allocations_of_a_day(&config, true), 0, "{kind}");
    }
}

#[test]
fn a_decision_on_averages_allocates_nothing() {
    let config = r#"{
        "max_replicas": 60, "metrics": {"cpu": {"kind": "utilization"}, "rps": {"kind": "total"}},
        "policies": [{"kind": "concurrency", "metric": "rps", "target": 70,
                      "stable_window": "1h", "scale_down_delay": "1h"}]
    }"#;
    assert_eq!(allocations_of_a_day(config, false), 0);
}

#[test]
fn rules_and_strategies_allocate_nothing_and_a_calendar_a_few_times_a_day() {
    let config = r#"{
        "min_replicas": 2, "max_replicas": 60, "metrics": {"cpu": {"kind": "utilization"}, "rps": {"kind": "total"}},
        "policies": [
            {"kind": "rule", "metric": "cpu", "operator": ">", "threshold": 0.8, "adjustment": "+1"},
            {"kind": "rule", "metric": "cpu", "operator": "<", "threshold": 0.4, "adjustment": "-10%"},
            {"kind": "target_value", "metric": "cpu", "target": 0.6},
            {"kind": "threshold", "metric": "cpu", "lower_bound": 0.5, "delta": 1},
            {"kind": "fixed_value", "value": 3},
            {"kind": "pass_through", "metric": "rps", "max_scale_up": 1}CALENDAR
        ]
    }"#;
    assert_eq!(allocations_of_a_day(&config.replace("CALENDAR", ""), false), 0);
    let calendar = r#", {"kind": "calendar", "entries": [
        {"start_time": "08:00", "end_time": "18:00", "min_replicas": 5, "max_replicas": 60}]}"#;
    let n = allocations_of_a_day(&config.replace("CALENDAR", calendar), false);
    assert!(n <= 50, "{n} allocations in 5760 decisions");
}

/// A model for each thread and the answer, whatever the number of series.
#[test]
fn a_panel_allocates_nothing_for_each_series() {
    use forescale::Duration;
    use forescale::forecast::{ForecasterConfig, Panel, forecast_panel};

    let settings = r#"{"kind": "seasonal_naive", "season": "1h", "smooth": "0s"}"#;
    let settings = ForecasterConfig::from_text(settings).unwrap();
    let (start, step) = (Timestamp::from_secs(START), Duration::from_secs(60));
    let allocations = |n_series: usize| {
        let values: Vec<f64> = (0..n_series * 200).map(|at| 500.0 + (at % 60) as f64).collect();
        let panel = Panel { values: &values, n_series, start, step };
        let forecast = || forecast_panel(&settings, &panel, 12, &[0.5, 0.95]).unwrap();
        let count = || allocation_counter::measure(|| drop(forecast())).count_total;
        // The counter sees its own thread only, so all must happen there.
        #[cfg(feature = "parallel")]
        let n = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap().install(count);
        #[cfg(not(feature = "parallel"))]
        let n = count();
        assert!(forecast().abstained.is_empty());
        n
    };
    let (few, many) = (allocations(32), allocations(320));
    assert!(0 < few && many <= few, "{few} allocations for 32 series, {many} for 320");
}
