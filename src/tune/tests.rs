//! The whole search on small traces.

use std::sync::Mutex;

use serde_json::json;

use super::*;
use crate::time::{Duration, Timestamp};
fn config(text: &str) -> Config {
    Config::from_text(text).unwrap()
}

/// Ready for far more than comes.
pub(super) fn wasteful() -> Config {
    config(
        r#"{"max_replicas": 60, "metrics": {"cpu": {"kind": "utilization"}},
            "policies": [{"kind": "target", "metric": "cpu", "target": 0.3}]}"#,
    )
}

/// A day's wave, and every three hours a step up for twenty minutes.
pub(super) fn waves(n_days: usize) -> Trace {
    let mut random = crate::testing::uniform(3);
    let values = (0..n_days * 288).map(|step| {
        let wave = 1.5 - libm::cos(step as f64 / 288.0 * 2.0 * std::f64::consts::PI);
        let peak = if step % 36 < 4 { 1.5 } else { 1.0 };
        100.0 * wave * peak * (0.9 + 0.2 * random())
    });
    let step = Duration::from_secs(300);
    Trace::new("waves", Timestamp::from_secs(0), step, values.collect()).unwrap()
}

pub(super) fn plant() -> Settings {
    Settings { interval: Duration::from_secs(60), ..Settings::default() }
}

pub(super) fn options(settings: usize) -> Options {
    Options { settings, ..Options::default() }
}

#[test]
fn a_wasteful_target_is_raised_and_what_to_expect_is_told() {
    let tuning = tune(&wasteful(), &waves(8), &plant(), &options(24), &to_the_end).unwrap();
    assert!(tuning.is_change() && !tuning.is_partial, "{}", tuning.reason);
    assert_eq!(tuning.reason.code(), "proved_better");
    let (now, then) = (tuning.current.expected.unwrap(), tuning.recommended.expected.unwrap());
    assert!(then.saved_share.mean > 0.1 && then.saved_share.low > 0.0, "{then:?}");
    assert!(then.replica_hours_per_day.high < now.replica_hours_per_day.low, "{then:?} {now:?}");
    let change = &tuning.recommended.changes[0];
    assert_eq!(change.path, "policies[0].target");
    assert_eq!(tuning.recommended.config["policies"][0]["target"], change.value);
    Autoscaler::new(tuning.recommended.config().unwrap()).unwrap();
    let points: Vec<_> = tuning.front.iter().map(|one| one.selected).collect();
    assert!(
        points.len() > 1
            && points.is_sorted_by(|a, b| {
                a.violation_share < b.violation_share
                    && a.replica_hours_per_day > b.replica_hours_per_day
            }),
        "{points:?}"
    );
    assert!(tuning.told.start == tuning.selected.end && tuning.told.end == waves(8).end());
    let json: Value = serde_json::from_str(&tuning.to_json()).unwrap();
    assert_eq!(json["reason"]["code"], "proved_better");
}

#[test]
fn the_answer_depends_on_the_seed_and_not_on_the_cores() {
    let run = |seed| {
        let options = Options { seed, ..options(16) };
        tune(&wasteful(), &waves(4), &plant(), &options, &to_the_end).unwrap().to_json()
    };
    let one = run(1);
    assert_eq!(one, run(1));
    assert_ne!(one, run(2));
    #[cfg(feature = "parallel")]
    for n in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
        assert_eq!(pool.install(|| run(1)), one, "{n} threads");
    }
}

/// The settings that are best are not changed for worse ones.
#[test]
fn what_proves_no_better_is_not_recommended() {
    let space = Some(vec![Dimension::range("policies[0].target", 0.2, 0.299)]);
    let options = Options { space, ..options(8) };
    let tuning = tune(&wasteful(), &waves(4), &plant(), &options, &to_the_end).unwrap();
    assert!(!tuning.is_change());
    assert_eq!(tuning.reason.code(), "nothing_better");
    assert!(tuning.recommended.changes.is_empty());
}

/// Quiet days, and three in the second part and all of the third on which the load steps up at times: what
/// saves most on the quiet ones leads, and is no better on days with steps.
#[test]
fn where_the_best_is_not_confirmed_the_surest_has_its_turn() {
    let n_steps_up = |day: usize| match day {
        7 | 13 | 17 => 3,
        21.. => 12,
        _ => 0,
    };
    let load = |step: usize| {
        let (day, of_day) = (step / 288, step % 288);
        let steps_up = of_day % 24 == 12 && of_day / 24 < n_steps_up(day);
        if steps_up { 150.0 } else { 100.0 }
    };
    let step = Duration::from_secs(300);
    let values = (0..28 * 288).map(load).collect();
    let trace = Trace::new("steps", Timestamp::from_secs(0), step, values).unwrap();
    let config = config(
        r#"{"max_replicas": 60, "metrics": {"cpu": {"kind": "utilization"}},
            "policies": [{"kind": "target", "metric": "cpu", "target": 0.45}]}"#,
    );
    let space = Some(vec![
        Dimension::range("policies[0].target", 0.45, 0.7).in_grains(0.05),
        Dimension::values("policies[0].tolerance", [0.0, 0.02, 0.05]),
    ]);
    let objective = Objective::LeastTotal { violation_price: 60.0 };
    let options = Options { space, objective, ..options(32) };
    let tuning = tune(&config, &trace, &plant(), &options, &to_the_end).unwrap();
    assert_eq!(tuning.reason.code(), "proved_better");
    let usual = tuning.current.selected.replica_hours_per_day;
    let total = |one: &Tried| options.objective.badness(&one.selected, usual).1;
    let first = tuning.front.iter().min_by(|a, b| total(a).total_cmp(&total(b))).unwrap();
    assert!(total(first) < total(&tuning.recommended), "{first:?} {:?}", tuning.recommended);
    let [first, own] = [first, &tuning.recommended].map(|one| one.expected.unwrap().saved_share);
    assert!(first.mean < 0.0 && own.low > 0.0, "{first:?} {own:?}");
}

#[test]
fn each_objective_has_its_own_best() {
    let best = |objective| {
        let options = Options { objective, ..options(24) };
        let tuning = tune(&wasteful(), &waves(8), &plant(), &options, &to_the_end).unwrap();
        tuning.recommended.selected
    };
    let calm = best(Objective::LeastCost { violation_share: 0.001 });
    let tight = best(Objective::LeastCost { violation_share: 0.05 });
    assert!(tight.replica_hours_per_day < calm.replica_hours_per_day, "{tight:?} {calm:?}");
    let budget = tight.replica_hours_per_day * 1.2;
    let within = best(Objective::LeastViolations { replica_hours_per_day: budget });
    assert!(within.replica_hours_per_day <= budget, "{within:?}");
    assert!(within.violation_share <= tight.violation_share, "{within:?} {tight:?}");
}

#[test]
fn an_interruption_returns_what_there_is() {
    let whole = Mutex::new(0);
    let count = |_: f64| {
        *whole.lock().unwrap() += 1;
        ControlFlow::Continue(())
    };
    tune(&wasteful(), &waves(4), &plant(), &options(16), &count).unwrap();
    let whole = *whole.lock().unwrap();
    for share in [0.0, 0.3, 0.6, 0.97] {
        let left = Mutex::new((f64::from(whole) * share) as i32);
        let stop = |_: f64| {
            let mut left = left.lock().unwrap();
            *left -= 1;
            if *left < 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let tuning = tune(&wasteful(), &waves(4), &plant(), &options(16), &stop).unwrap();
        assert!(tuning.is_partial && !tuning.front.is_empty(), "{share}");
        assert_eq!(tuning.reason.code(), "interrupted", "{share}");
        assert!(!tuning.is_change() && tuning.current.selected.replica_hours_per_day > 0.0);
    }
}

#[test]
fn what_cannot_be_tuned_is_named() {
    let trace = waves(4);
    let refused = |config: &Config, trace: &Trace, options: Options| {
        tune(config, trace, &plant(), &options, &to_the_end).unwrap_err().to_string()
    };
    let space = |dimension| Options { space: Some(vec![dimension]), ..options(8) };

    let minute = Duration::from_secs(60);
    let short = Trace::new("t", Timestamp::from_secs(0), minute, vec![1.0; 9]).unwrap();
    let message = refused(&wasteful(), &short, options(8));
    assert!(
        message.starts_with("`trace` is 9m long, too short to choose settings on"),
        "{message}"
    );
    let none = Trace::new("t", Timestamp::from_secs(0), minute, vec![0.0; 9000]).unwrap();
    let message = refused(&wasteful(), &none, options(8));
    assert_eq!(message, "`trace` has no load at all, so `load_per_replica` must be given");
    let told = Options { told: Some("3d".parse().unwrap()), ..options(8) };
    let message = refused(&wasteful(), &trace, told);
    assert!(message.contains("may take three quarters"), "{message}");

    let message =
        refused(&wasteful(), &trace, space(Dimension::range("policies[0].goal", 0.1, 0.9)));
    assert!(
        message.starts_with("`space[0].path` is \"policies[0].goal\", of which no value"),
        "{message}"
    );
    assert!(message.contains("`policies[0].goal` is not a known setting"), "{message}");
    let message =
        refused(&wasteful(), &trace, space(Dimension::range("policies[7].target", 0.1, 0.9)));
    assert!(message.contains("of which no value can be built"), "{message}");
    // Each alone is allowed, together they never are.
    let never = Options {
        space: Some(vec![
            Dimension::values("min_replicas", [50, 60]),
            Dimension::values("max_replicas", [30, 40, 49]),
        ]),
        ..options(8)
    };
    let message = refused(&wasteful(), &trace, never);
    assert!(message.starts_with("`space` holds nothing that can be built"), "{message}");
    let fixed = config(
        r#"{"max_replicas": 9, "metrics": {"rps": {"kind": "total"}}, "guards": [],
            "policies": [{"kind": "pass_through", "metric": "rps"}]}"#,
    );
    let message = refused(&fixed, &trace, options(8));
    assert!(message.starts_with("`space` is empty, as"), "{message}");
}

/// Constant, all zero, mostly holes: an answer, or nothing to choose by, never a panic.
#[test]
fn odd_loads_are_answered() {
    let minute = Duration::from_secs(60);
    let start = Timestamp::from_secs(0);
    let plant = Settings { load_per_replica: Some(10.0), ..plant() };
    let mut holes = vec![50.0; 4000];
    holes.iter_mut().step_by(7).for_each(|value| *value = 0.0);
    for values in [vec![50.0; 4000], vec![0.0; 4000], holes] {
        let trace = Trace::new("odd", start, minute, values).unwrap();
        let tuning = tune(&wasteful(), &trace, &plant, &options(8), &to_the_end).unwrap();
        assert!(tuning.current.expected.is_some());
    }
}

/// A quantile and a risk, with their own forecasts, beside a target: all in one search.
#[test]
fn quantiles_and_risks_compete() {
    let config = config(
        r#"{"max_replicas": 60, "metrics": {"rps": {"kind": "total"}},
            "capacity": {"kind": "fixed", "metric": "rps", "load_per_replica": 40},
            "policies": [{"kind": "predictive", "metric": "rps",
                          "forecaster": {"kind": "naive"}}]}"#,
    );
    let space = Some(vec![Dimension::values(
        "policies[0]",
        [
            json!({"quantile": 0.9}),
            json!({"quantile": 0.99}),
            json!({"risk": 0.01}),
            json!({"risk": 0.1}),
        ],
    )]);
    let options = Options { space, settings: 8, ..Options::default() };
    let tuning = tune(&config, &waves(4), &plant(), &options, &to_the_end).unwrap();
    assert_eq!(tuning.n_tried, 4);
    assert_eq!(tuning.n_refused, 0);
}
