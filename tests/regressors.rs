//! What is known besides the load reaches the decisions: in a replay the replicas are there before the load.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use forescale::sim::{Report, Settings, Trace, diff, replay};
use forescale::tune::{Options, SelfTuning, SelfTuningConfig, to_the_end, tune};
use forescale::{Autoscaler, Config, Duration, Error, Observation, Timestamp};

const DAY: usize = 1440;

fn minute(number: usize) -> Timestamp {
    Timestamp::from_secs(60 * number as i64)
}

/// From 0 to 1, the same numbers each time.
fn uniform(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as f64 / f64::from(1_u32 << 31)
    }
}

/// 1 in an hour that comes at random, about four times a day.
fn campaigns(n_minutes: usize) -> Vec<f64> {
    let (mut random, mut left) = (uniform(11), 0);
    let mut runs = |_| {
        if left == 0 && random() < 1.0 / 300.0 {
            left = 60;
        }
        left -= i32::from(left > 0);
        f64::from(u8::from(left > 0))
    };
    (0..n_minutes).map(&mut runs).collect()
}

/// A load that a campaign triples, in a calm day with noise.
fn shop(campaigns: &[f64]) -> Trace {
    let mut random = uniform(5);
    let load = |(at, runs): (usize, &f64)| {
        let day = 1.0 + 0.3 * libm::sin(at as f64 / DAY as f64 * std::f64::consts::TAU);
        300.0 * day * (1.0 + 2.0 * runs) * (0.97 + 0.06 * random())
    };
    let loads = campaigns.iter().enumerate().map(load).collect();
    Trace::new("shop", minute(0), Duration::from_secs(60), loads).unwrap()
}

/// What an upstream serves comes ten minutes later as the load; it leaps at random.
fn upstream(n_minutes: usize) -> (Vec<f64>, Trace) {
    let (mut random, mut level) = (uniform(3), 300.0);
    let mut serves = |_| {
        if random() < 1.0 / 60.0 {
            level = if level > 600.0 { 300.0 } else { 900.0 };
        }
        level * (0.97 + 0.06 * random())
    };
    let upstream: Vec<_> = (0..n_minutes).map(&mut serves).collect();
    let loads = (0..n_minutes).map(|at| upstream[at.saturating_sub(10)]).collect();
    (upstream, Trace::new("service", minute(0), Duration::from_secs(60), loads).unwrap())
}

const CAMPAIGN: &str = r#", "forecaster": {"kind": "regressors", "regressors": {"campaign": {}}}"#;
const UPSTREAM: &str = r#", "forecaster": {"kind": "regressors", "forecaster": "naive", "regressors": {"upstream": {}}}"#;
const METRIC: &str = r#", "upstream": {"kind": "total"}"#;

/// A replica that is asked for is there in four minutes: two to start, at times more, readings that are half a
/// minute old, and a minute until its mean is known.
fn config(metrics: &str, forecaster: &str) -> String {
    format!(
        r#"{{"max_replicas": 90, "metrics": {{"rps": {{"kind": "total"}}{metrics}}}, "lead_time": "4m",
            "capacity": {{"kind": "fixed", "metric": "rps", "load_per_replica": 60}},
            "policies": [{{"kind": "predictive", "metric": "rps"{forecaster}}}]}}"#
    )
}

fn scaler(metrics: &str, forecaster: &str) -> Autoscaler {
    Autoscaler::from_text(&config(metrics, forecaster)).unwrap()
}

fn plant() -> Settings {
    let scored = "3d".parse().unwrap();
    Settings { scored, load_per_replica: Some(60.0), ..Settings::default() }
}

fn replayed(config: &str, trace: &Trace) -> Report {
    replay(&mut Autoscaler::from_text(config).unwrap(), trace, &plant()).unwrap()
}

/// The same by a quantile, at 70 % utilization.
fn by_quantile(config: &str, trace: &Trace) -> Report {
    let metric = r#""kind": "predictive", "metric": "rps""#;
    replayed(&config.replace(metric, &format!(r#"{metric}, "quantile": 0.95"#)), trace)
}

fn late(report: &Report) -> f64 {
    report.score.violation_minutes
}

fn cost(report: &Report) -> f64 {
    report.score.replica_hours
}

/// Of the leaps of the load by half and more, the share at which there is enough from the first moment on.
fn met(report: &Report) -> f64 {
    let series = &report.series;
    let leaps = |&at: &usize| series.load[at] > 1.5 * series.load[at - 1];
    let leaps: Vec<_> = (1..series.load.len()).filter(leaps).collect();
    assert!(leaps.len() >= 10, "{} leaps", leaps.len());
    let met = leaps.iter().filter(|&&at| series.capacity[at] >= series.load[at]).count();
    met as f64 / leaps.len() as f64
}

#[test]
fn the_replicas_are_there_before_a_campaign_that_was_told() {
    let runs = campaigns(12 * DAY);
    let times: Vec<_> = (0..runs.len()).map(minute).collect();
    let trace = shop(&runs);
    let told = trace.clone().with_known("campaign", &times, &runs).unwrap();
    let [known, auto] = [config("", CAMPAIGN), config("", "")];
    let [with, untold] = [&told, &trace].map(|trace| by_quantile(&known, trace));
    let shares = [&with, &untold].map(met);
    assert!(shares[0] > 0.9 && shares[1] < 0.2, "{shares:?}");
    // Where nothing else is set.
    let [with, without] =
        [(&known, &told), (&auto, &trace)].map(|(one, trace)| replayed(one, trace));
    assert!(late(&with) < 0.3 * late(&without), "{} {}", late(&with), late(&without));
    assert!(cost(&with) < 0.95 * cost(&without), "{} {}", cost(&with), cost(&without));
}

#[test]
fn the_replicas_are_there_before_what_an_upstream_sends() {
    let (upstream, trace) = upstream(7 * DAY);
    // The mean of a minute is known at its end.
    let ends: Vec<_> = (1..=upstream.len()).map(minute).collect();
    let trace = trace.with_known("upstream", &ends, &upstream).unwrap();
    let [known, auto] = [config(METRIC, UPSTREAM), config(METRIC, "")];
    let [with, without] = [&known, &auto].map(|config| by_quantile(config, &trace));
    let shares = [&with, &without].map(met);
    assert!(shares[0] > 0.9 && shares[1] < 0.2, "{shares:?}");
    let [with, without] = [&known, &auto].map(|config| replayed(config, &trace));
    assert!(late(&with) < 0.3 * late(&without), "{} {}", late(&with), late(&without));
    assert!(cost(&with) < 0.95 * cost(&without), "{} {}", cost(&with), cost(&without));
}

/// Live, from a snapshot at any time, and told anew on the way: what it is told of is all that counts.
#[test]
fn what_is_told_is_in_the_snapshot_and_can_be_told_anew() {
    let runs = campaigns(6 * DAY);
    let times: Vec<_> = (0..runs.len()).map(minute).collect();
    let trace = shop(&runs);
    let n = 5 * DAY;
    let loads: Vec<_> = trace.values.iter().copied().map(Some).collect();
    let mut scaler = scaler("", CAMPAIGN);
    scaler.regressor("rps", "campaign", &times[..n], &runs[..n]).unwrap();
    scaler.warm_up("rps", &times[..n], &loads[..n]).unwrap();
    let expected = |scaler: &Autoscaler| {
        let hour = Duration::from_secs(3600);
        scaler.forecast("rps", hour, &[0.5]).unwrap().unwrap().row(40)[0]
    };
    let calm = expected(&scaler);
    // Twice in time: a campaign in half an hour, and that it is called off.
    scaler.regressor("rps", "campaign", &times[n + 30..n + 31], &[1.0]).unwrap();
    let mut twin = Autoscaler::restore(&scaler.snapshot().unwrap()).unwrap();
    assert!(expected(&twin) > 2.0 * calm, "{} {calm}", expected(&twin));
    twin.regressor("rps", "campaign", &times[n + 30..n + 31], &[0.0]).unwrap();
    assert_eq!(expected(&twin), calm);
    for at in 0..30 {
        let load = 300.0 + (at * 7 % 11) as f64;
        let seen = Observation::at(minute(n + at)).ready(8).metric("rps", load);
        let mut restored = Autoscaler::restore(&scaler.snapshot().unwrap()).unwrap();
        let decision = scaler.decide(&seen);
        assert_eq!(restored.decide(&seen), decision);
        // 8 replicas carry 480, the campaign brings 900 or so.
        assert_eq!(decision.replicas > 12, at >= 26, "at {at}: {}", decision.explain());
        assert!(twin.decide(&seen).replicas <= 8);
    }
}

/// Readings of a metric are told as they come: its history and each observation.
#[test]
fn an_upstream_that_is_a_metric_needs_no_other_call() {
    let (upstream, trace) = upstream(3 * DAY);
    let times: Vec<_> = (0..upstream.len()).map(minute).collect();
    let some = |values: &[f64]| values.iter().copied().map(Some).collect::<Vec<_>>();
    let n = 3 * DAY - 60;
    let mut scaler = scaler(METRIC, UPSTREAM);
    scaler.warm_up("upstream", &times[..n], &some(&upstream[..n])).unwrap();
    scaler.warm_up("rps", &times[..n], &some(&trace.values[..n])).unwrap();
    let mut n_leaps = 0;
    for at in n..3 * DAY {
        let seen = Observation::at(times[at]).ready(9).metric("rps", trace.values[at]);
        scaler.decide(&seen.metric("upstream", upstream[at]));
        scaler = Autoscaler::restore(&scaler.snapshot().unwrap()).unwrap();
        let forecast = scaler.forecast("rps", Duration::from_secs(600), &[0.5]).unwrap().unwrap();
        // Row 9 is the minute that ends ten minutes after the last one that is over; this one is not.
        let (expected, truth) = (forecast.row(9)[0], upstream[at - 1]);
        assert!((expected / truth - 1.0).abs() < 0.1, "{at}: {expected} for {truth}");
        n_leaps += usize::from((upstream[at - 1] / trace.values[at]).ln().abs() > 0.5);
    }
    assert!(n_leaps > 5, "{n_leaps}");
}

fn refused<T: std::fmt::Debug>(answer: Result<T, Error>) -> (String, String) {
    let error = answer.unwrap_err();
    (error.path().to_owned(), error.to_string())
}

#[test]
fn what_cannot_be_told_is_named() {
    let mut told = scaler("", CAMPAIGN);
    let before = told.snapshot().unwrap();
    let two = [minute(1), minute(2)];
    let one = [1.0, 0.0];
    for (metric, name, times, values, path, words) in [
        ("rpm", "campaign", &two[..], &one[..], "metric", "did you mean `rps`?"),
        ("rps", "campain", &two, &one, "name", "did you mean `campaign`?"),
        ("rps", "campaign", &two, &one[..1], "values", "has 1 entries, but there are 2 times"),
        ("rps", "campaign", &[two[1], two[0]], &one, "times[1]", "is 60000 ms, must be after"),
        ("rps", "campaign", &two, &[1.0, f64::NAN], "values[1]", "is NaN, must be finite"),
    ] {
        let (at, said) = refused(told.regressor(metric, name, times, values));
        assert_eq!(at, path, "{said}");
        assert!(said.contains(words), "{said}");
    }
    assert_eq!(told.snapshot().unwrap(), before);
    let (at, said) = refused(scaler("", "").regressor("rps", "campaign", &two, &one));
    assert!(at == "name" && said.contains("has no regressors"), "{said}");
    let (at, said) = refused(scaler(METRIC, UPSTREAM).regressor("rps", "upstream", &two, &one));
    assert!(at == "name" && said.contains("the readings of the metric of that name"), "{said}");
    let no_forecast = r#"{"max_replicas": 9, "metrics": {"rps": {"kind": "total"}},
        "policies": [{"kind": "target", "metric": "rps", "target": 60}]}"#;
    let mut no_forecast = Autoscaler::from_text(no_forecast).unwrap();
    let (at, said) = refused(no_forecast.regressor("rps", "campaign", &two, &one));
    assert!(at == "metric" && said.contains("no `predictive` policy forecasts"), "{said}");
}

#[test]
fn a_regressor_that_cannot_be_read_from_a_metric_is_refused() {
    let place = "policies[0].forecaster.regressors.upstream";
    let other = r#", "upstream": {"kind": "utilization"}"#;
    let (at, said) = refused(Autoscaler::from_text(&config(other, UPSTREAM)));
    assert!(at == place && said.contains("must be of kind `total`"), "{said}");
    let own = UPSTREAM.replace("upstream", "rps");
    let (at, said) = refused(Autoscaler::from_text(&config("", &own)));
    assert!(at == place.replace("upstream", "rps"), "{said}");
}

#[test]
fn a_trace_may_know_only_what_is_read() {
    let times = [0, 1, 2].map(minute);
    let trace = shop(&[0.0; DAY]);
    let known = |name: &str| trace.clone().with_known(name, &times[..1], &[1.0]).unwrap();
    let run = |trace: &Trace| replay(&mut scaler("", CAMPAIGN), trace, &plant());
    run(&known("campaign")).unwrap();
    let (at, said) = refused(run(&known("campain")));
    assert!(at == "known.campain" && said.contains("did you mean `campaign`?"), "{said}");
    let (at, said) = refused(run(&known("cpu")));
    assert!(at == "known.cpu" && said.contains("shows by itself"), "{said}");
    let parsed = Config::from_text(&config("", CAMPAIGN)).unwrap();
    let searched = tune(&parsed, &known("campain"), &plant(), &Options::default(), &to_the_end);
    assert_eq!(refused(searched).0, "known.campain");
    // Side by side, one may know less.
    let pair = ["", CAMPAIGN].map(|forecaster| (forecaster.to_owned(), config("", forecaster)));
    diff(&known("campaign"), &plant(), &pair[0], &pair[1]).unwrap();
    assert_eq!(refused(trace.clone().with_known("a", &times, &[1.0])).0, "known.a");
    let (at, _) = refused(trace.clone().with_known("a", &times[..1], &[f64::NAN]));
    assert_eq!(at, "known.a.row 1");
}

/// Also those who share their forecasts in a search.
#[test]
fn a_search_knows_what_a_replay_does() {
    let runs = campaigns(12 * DAY);
    let times: Vec<_> = (0..runs.len()).map(minute).collect();
    let trace = shop(&runs);
    let told = trace.clone().with_known("campaign", &times, &runs).unwrap();
    let parsed = Config::from_text(&config("", CAMPAIGN)).unwrap();
    let options = Options { settings: 3, ..Options::default() };
    let [with, without] = [&told, &trace].map(|trace| {
        let tuning = tune(&parsed, trace, &plant(), &options, &to_the_end).unwrap();
        tuning.current.selected.violation_share
    });
    assert!(with < 0.5 * without, "{with} {without}");
}

/// It remembers what was told, for its replays and for the settings to come.
#[test]
fn a_self_tuning_is_told_too() {
    let parsed = Config::from_text(&config("", CAMPAIGN)).unwrap();
    let settings = SelfTuningConfig::from_text("{}").unwrap();
    let mut own = SelfTuning::new(parsed, settings).unwrap();
    let times = [0, 600, 660].map(minute);
    own.regressor("rps", "campaign", &times, &[0.0, 1.0, 0.0]).unwrap();
    assert_eq!(refused(own.regressor("rps", "weather", &times, &[0.0; 3])).0, "name");
    let snapshot = own.snapshot().unwrap();
    let text = String::from_utf8(snapshot.clone()).unwrap();
    assert!(text.contains(r#""known":{"campaign":{"times":[0,36000000,39600000]"#), "{text}");
    assert_eq!(SelfTuning::restore(&snapshot).unwrap().snapshot().unwrap(), snapshot);
}
