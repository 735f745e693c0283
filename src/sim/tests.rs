//! What holds of any replay: odd traces, odd plants, everything at once.

use proptest::prelude::*;

use super::replay::Scene;
use super::*;
use crate::time::{Duration, Timestamp};
use crate::{Autoscaler, Decision, Observation};

const HPA: &str = r#"{"max_replicas": 90,
    "metrics": {"cpu": {"kind": "utilization"}, "rps": {"kind": "total"}},
    "policies": [{"kind": "target", "metric": "cpu", "target": 0.6}]}"#;

fn trace(step: u32, values: Vec<f64>) -> Trace {
    Trace::new("t", Timestamp::from_secs(1_767_600_000), Duration::from_secs(step), values).unwrap()
}

fn run(trace: &Trace, settings: &Settings) -> Report {
    replay(&mut Autoscaler::from_text(HPA).unwrap(), trace, settings).unwrap()
}

fn everything_wrong() -> Faults {
    let episodes = || Episodes { per_day: 30.0, lasts: Duration::from_secs(900) };
    Faults {
        missing: episodes(),
        zero: episodes(),
        node_loss: NodeLoss { per_day: 20.0, share: 0.3 },
        node_shortage: episodes(),
        slow_starts: SlowStarts { share: 0.3, times: 5.0 },
    }
}

fn workloads() -> [Workload; 3] {
    [
        Workload::FluidQueue,
        Workload::Servers(Servers::default()),
        Workload::BatchServer(BatchServer::default()),
    ]
}

proptest! {
    #![proptest_config(crate::testing::cases(48))]

    /// Whatever comes and whatever breaks: the figures are numbers within their ranges, the bounds
    /// are in no more violation than the load forces on them, and the same again is the same.
    #[test]
    fn any_replay_has_a_score_and_the_same_one_twice(
        values in prop::collection::vec(0.0..500.0_f64, 2..60),
        quiet in 0_usize..60,
        step in prop::sample::select(vec![15_u32, 60, 300]),
        start_up in 0_u32..4000,
        kind in 0_usize..3,
        is_faulty in any::<bool>(),
        seed in 0_u64..1000,
    ) {
        let mut values = values;
        let n_values = values.len();
        values[quiet % n_values..].iter_mut().take(7).for_each(|value| *value = 0.0);
        let settings = Settings {
            workload: workloads()[kind].clone(),
            load_per_replica: Some(12.0),
            start_up: Duration::from_secs(start_up),
            start_up_p95: is_faulty.then(|| Duration::from_secs(2 * start_up + 1)),
            faults: if is_faulty { everything_wrong() } else { Faults::default() },
            price: Some(Price {
                per_hour: 0.3,
                increment: Duration::from_secs(60),
                minimum: Duration::from_secs(600),
            }),
            crashes_per_day: if is_faulty { 40.0 } else { 0.0 },
            seed,
            ..Settings::default()
        };
        let settings = Settings { start_up: settings.start_up.max(Duration::from_secs(1)), ..settings };
        let trace = trace(step, values);
        let report = run(&trace, &settings);
        prop_assert_eq!(&report, &run(&trace, &settings));
        for score in [report.score, report.bounds.constant, report.bounds.clairvoyant] {
            prop_assert!((0.0..=1.0).contains(&score.violation_share()), "{:?}", score);
            prop_assert!((0.0..=1.0 + 1e-9).contains(&(score.late_share + score.dropped_share)) || score.late_share <= 1.0 + 1e-9, "{:?}", score);
            prop_assert!(score.replica_hours >= 0.0 && score.replica_hours.is_finite());
            prop_assert!(score.recovery.median_minutes <= score.recovery.longest_minutes);
            // Rounded up, so no less than the hours; those that stop are billed in full.
            prop_assert!(score.cost.unwrap() >= 0.3 * score.replica_hours - 1e-6, "{:?}", score);
        }
        if !is_faulty {
            prop_assert_eq!(report.bounds.clairvoyant.violation_minutes, 0.0);
        }
    }
}

#[test]
fn a_start_up_longer_than_the_trace_leaves_what_there_is() {
    let settings = Settings {
        load_per_replica: Some(10.0),
        start_up: Duration::from_secs(86_400),
        initial_replicas: Some(3),
        ..Settings::default()
    };
    let report = run(&trace(60, vec![90.0; 60]), &settings);
    assert!(report.series.ready.iter().all(|&ready| ready == 3));
    assert_eq!(report.score.violation_share(), 1.0);
    assert_eq!(report.score.recovery.n_stretches, 1);
    assert_eq!(report.bounds.clairvoyant.violation_minutes, 0.0, "it began with what it needs");
}

#[test]
fn constant_zero_and_gappy_traces_are_replayed() {
    let settings = Settings { load_per_replica: Some(10.0), ..Settings::default() };
    let constant = run(&trace(60, vec![35.0; 90]), &settings);
    assert!(constant.score.violation_minutes == 0.0 && constant.score.cost.is_none());
    let zero = run(&trace(60, vec![0.0; 90]), &settings);
    assert_eq!((zero.score.violation_minutes, zero.bounds.clairvoyant.replica_hours), (0.0, 0.0));
    let message = replay(
        &mut Autoscaler::from_text(HPA).unwrap(),
        &trace(60, vec![0.0; 90]),
        &Settings::default(),
    );
    assert!(message.unwrap_err().to_string().contains("`load_per_replica` must be given"));
    let times: Vec<_> = [0, 60, 120, 600, 660].map(Timestamp::from_secs).into();
    let gappy = Trace::from_samples("gaps", &times, &[20.0, 30.0, 30.0, 50.0, 20.0]).unwrap();
    assert_eq!(gappy.n_filled, 7);
    assert!(run(&gappy, &settings).score.minutes > 2.0);
}

/// Of a pool whose replicas carry nothing there is nothing to simulate.
#[test]
fn no_capacity_and_a_price_that_is_none_are_refused() {
    for (text, want) in [
        (r#"{"load_per_replica": 0}"#, "`load_per_replica` is 0, must be above 0"),
        (
            r#"{"price": {"per_hour": -1}}"#,
            "`price.per_hour` is -1, must be a finite number from 0 up",
        ),
        (
            r#"{"price": {"per_hour": 1, "increment": 0}}"#,
            "`price.increment` is 0s, must be above 0",
        ),
        (r#"{"price": {}}"#, "`price.per_hour` is missing"),
        (
            r#"{"start_up": "2m", "start_up_p95": "1m"}"#,
            "`start_up_p95` is 1m, must be at least `start_up`",
        ),
        (r#"{"latency_metric": "cpu"}"#, "`latency_metric` is cpu, must be other than"),
    ] {
        let message = Settings::from_text(text).unwrap_err().to_string();
        assert!(message.starts_with(want), "{text}: {message}");
    }
}

/// An HPA that sees the response time scales by it, on each workload that has one.
#[test]
fn a_latency_can_be_scaled_by() {
    let text = r#"{"max_replicas": 90, "metrics": {"latency": {"kind": "average"}},
        "policies": [{"kind": "target", "metric": "latency", "target": TARGET}]}"#;
    let values: Vec<f64> = (0..360).map(|minute| if minute > 300 { 300.0 } else { 60.0 }).collect();
    for (workload, target) in [(1, "0.4"), (2, "0.04")] {
        let settings = Settings {
            workload: workloads()[workload].clone(),
            load_per_replica: Some(10.0),
            ..Settings::default()
        };
        let mut scaler = Autoscaler::from_text(&text.replace("TARGET", target)).unwrap();
        let report = replay(&mut scaler, &trace(60, values.clone()), &settings).unwrap();
        let most = report.series.ready.iter().max().unwrap();
        assert!(*most > 30, "{most} of {:?}", report.settings.workload);
    }
}

/// Five times the load on the same replicas is in violation long before they are full.
#[test]
fn a_workload_is_in_violation_before_the_queue_is() {
    let late = |workload: Workload, load: f64| {
        let settings =
            Settings { workload, late_after: Duration::from_secs(1), ..Settings::default() };
        let mut plant = Plant::new(&settings, 10.0, Timestamp::from_secs(0), 10, load);
        let tick = plant.pass(load);
        (tick.violated, tick.waiting > 0.0)
    };
    let [fluid, servers, batch] = workloads();
    assert_eq!(late(fluid, 97.0), (false, false));
    assert_eq!(late(servers.clone(), 97.0), (true, false));
    assert_eq!(late(batch.clone(), 97.0), (true, false));
    assert_eq!((late(servers, 60.0).0, late(batch, 60.0).0), (false, false));
}

/// A snapshot at any tick changes no later decision of a contender's own policies either.
#[test]
fn contenders_are_the_same_from_a_snapshot_on() {
    let settings = Settings { scored: "6h".parse().unwrap(), ..Settings::default() };
    let week = web_service(1, 7);
    let scene = Scene::new(&week, &settings).unwrap();
    for contender in
        [Contender::AwsPredictive, Contender::PeriodicMaximum, Contender::MovingMaximum]
    {
        let mut pair: Vec<Autoscaler> = Vec::new();
        for _ in 0..2 {
            pair.push(contender.entries(&scene).unwrap().swap_remove(6).scaler);
        }
        let (mut own, mut twin) = (pair.swap_remove(0), pair.swap_remove(0));
        let see = |tick: i64| {
            Observation::at(scene.start + settings.interval.times(tick))
                .ready(10)
                .metric("rps", 100.0 + 40.0 * (tick % 97) as f64)
                .metric("cpu", 0.5 + 0.004 * (tick % 97) as f64)
        };
        for tick in 0..400 {
            if tick == 250 {
                twin.resume(&own.snapshot().unwrap()).unwrap();
            }
            let decision: Decision = own.decide(&see(tick)).clone();
            if tick >= 250 {
                assert_eq!(&decision, twin.decide(&see(tick)), "{contender:?} at tick {tick}");
            }
        }
    }
}

#[test]
fn each_contender_has_a_front_and_moving_its_knob_moves_its_cost() {
    let settings = Settings { scored: "2h".parse().unwrap(), ..Settings::default() };
    let mut days = web_service(1, 7);
    days.values.truncate(3 * 1440);
    let fronts = fronts(&days, &settings, &Contender::ALL, &[], &|| {}).unwrap();
    assert_eq!(fronts.sweeps.len(), Contender::ALL.len());
    for sweep in &fronts.sweeps {
        assert!(sweep.front.cost(0.1).is_some(), "{} never keeps to a tenth", sweep.name);
        let costs = sweep.points.iter().map(|point| point.score.replica_hours);
        let range = costs.fold((f64::INFINITY, 0.0), |(least, most): (f64, f64), cost| {
            (cost.min(least), cost.max(most))
        });
        assert!(range.1 > 1.05 * range.0, "{}: {range:?}", sweep.name);
    }
    let cost = |name: &str| fronts.sweep(name).unwrap().front.cost(0.1);
    assert!(
        cost("hpa").is_none_or(|hpa| cost("hpa_tuned").is_some_and(|tuned| tuned < 1.05 * hpa)),
        "what is tuned in hindsight is no dearer"
    );
    assert_eq!(fronts.gap_closed(0.02, "nobody", "hpa"), None);
    // A family of one's own: the same settings have the same scores.
    let family = Family {
        name: "mine".into(),
        configs: vec![("flat".into(), HPA.into()), ("flat again".into(), HPA.into())],
    };
    let mine = super::fronts(&days, &settings, &[], &[family], &|| {}).unwrap();
    let [one, other] = &mine.sweeps[0].points[..] else { unreachable!() };
    assert_eq!(one.score, other.score);
    let broken = Family { name: "mine".into(), configs: vec![("odd".into(), "{}".into())] };
    let error = super::fronts(&days, &settings, &[], &[broken], &|| {}).unwrap_err();
    assert!(error.to_string().starts_with("`mine.odd"), "{error}");
}

/// What the plant draws does not depend on what is swept beside it, nor on faults that are off.
#[test]
fn settings_that_are_off_change_nothing() {
    let week = web_service(1, 7);
    let plain = Settings { scored: "6h".parse().unwrap(), ..Settings::default() };
    let mut wired = plain.clone();
    // Everything named, nothing on: the draws of faults are there, and have no effect.
    wired.faults.node_loss.share = 0.9;
    wired.faults.slow_starts.times = 9.0;
    wired.faults.zero.lasts = Duration::from_secs(1);
    let (one, other) = (run(&week, &plain), run(&week, &wired));
    assert_eq!((one.series, one.score), (other.series, other.score));
}
