//! Loads made for the tests of this room.

use super::naive::{self, Naive};
use super::{Forecast, Forecaster};
use crate::series::Sample;
pub(super) use crate::testing::uniform;
use crate::time::{Duration, Timestamp};

pub(super) const MINUTE: Duration = Duration::from_secs(60);

/// Minutes of a load around 1000 that swings over the day, with noise (both as shares of it).
pub(super) fn daily(minutes: usize, swing: f64, noise: f64, seed: u64) -> Vec<f64> {
    let mut uniform = uniform(seed);
    let value = |minute: usize| {
        let phase = minute as f64 / 1440.0 * std::f64::consts::TAU;
        1000.0 * (1.0 + swing * phase.sin() + noise * (uniform() + uniform() - 1.0))
    };
    (0..minutes).map(value).collect()
}

/// The sample of the minute number `minute`, from 0.
pub(super) fn sample(minute: usize, value: Option<f64>) -> Sample {
    Sample { at: Timestamp::from_secs(60 * (minute as i64 + 1)), value }
}

/// What a model does on a load: share of truths at or below each quantile, and the mean pinball
/// loss, `ahead` steps from now over all but the first `skip`.
pub(super) fn judged(
    model: &mut dyn Forecaster,
    loads: &[f64],
    ahead: usize,
    quantiles: &[f64],
    skip: usize,
) -> Vec<(f64, f64)> {
    let mut judged = vec![(0.0, 0.0); quantiles.len()];
    let mut n = 0.0;
    let mut forecast = Forecast::default();
    for (minute, &load) in loads.iter().enumerate() {
        model.observe(sample(minute, Some(load)));
        let Some(&truth) = loads.get(minute + ahead) else { break };
        if minute < skip {
            continue;
        }
        model.forecast(ahead, quantiles, &mut forecast).expect("enough history");
        n += 1.0;
        for ((covered, loss), (q, &value)) in
            judged.iter_mut().zip(quantiles.iter().zip(forecast.row(ahead - 1)))
        {
            *covered += f64::from(u8::from(truth <= value));
            *loss += if truth > value { q * (truth - value) } else { (1.0 - q) * (value - truth) };
        }
    }
    judged.iter().map(|&(covered, loss)| (covered / n, loss / n)).collect()
}

/// Feeds half of a load, saves and loads, feeds the rest to both, and compares all answers.
pub(super) fn survives_a_snapshot(build: impl Fn() -> Box<dyn Forecaster>, loads: &[Option<f64>]) {
    let answer = |model: &dyn Forecaster| {
        let mut forecast = Forecast::default();
        model.forecast(12, &[0.1, 0.5, 0.95], &mut forecast).map(|()| forecast)
    };
    let mut model = build();
    let half = loads.len() / 2;
    for (minute, &load) in loads[..half].iter().enumerate() {
        model.observe(sample(minute, load));
    }
    let text = serde_json::to_string(&model.save().expect("it can be saved")).expect("JSON");
    let mut other = build();
    other.load(serde_json::from_str(&text).expect("JSON")).expect("its own snapshot");
    let mut n_answers = 0;
    for (minute, &load) in loads.iter().enumerate().skip(half) {
        assert_eq!(answer(&*model), answer(&*other), "minute {minute}");
        n_answers += usize::from(answer(&*model).is_ok());
        model.observe(sample(minute, load));
        other.observe(sample(minute, load));
    }
    assert!(n_answers > 0, "nothing was compared");
}

/// Asserts that a model covers what it says within 4 % and that its mean pinball loss over some
/// quantiles is at most `share` of that of "as now", over all but the first `skip` minutes.
pub(super) fn beats_as_now(
    build: impl Fn() -> Box<dyn Forecaster>,
    loads: &[f64],
    ahead: usize,
    skip: usize,
    share: f64,
) {
    const QUANTILES: [f64; 4] = [0.1, 0.5, 0.9, 0.95];
    let ours = judged(&mut *build(), loads, ahead, &QUANTILES, skip);
    let mut naive = Naive::new(naive::Config {}, MINUTE).expect("no settings");
    let theirs = judged(&mut naive, loads, ahead, &QUANTILES, skip);
    for (q, (covered, _)) in QUANTILES.iter().zip(&ours) {
        assert!((covered - q).abs() < 0.04, "{q} covers {covered}");
    }
    let loss = |judged: &[(f64, f64)]| judged.iter().map(|(_, loss)| loss).sum::<f64>();
    let ratio = loss(&ours) / loss(&theirs);
    assert!(ratio < share, "{ratio} of as now");
}

/// Asserts that a model is back to what it would have said, within 10 %, `within` samples after one
/// of 1e12, or after ten of zero, at the minute `at`.
pub(super) fn recovers(
    build: impl Fn() -> Box<dyn Forecaster>,
    loads: &[f64],
    at: usize,
    within: usize,
) {
    let median = |from: f64, length: usize, minutes: usize| {
        let mut model = build();
        for (minute, &load) in loads[..minutes].iter().enumerate() {
            let hit = (at..at + length).contains(&minute);
            model.observe(sample(minute, Some(if hit { from } else { load })));
        }
        let mut forecast = Forecast::default();
        model.forecast(15, &[0.5], &mut forecast).expect("enough history");
        forecast.values
    };
    for (from, length) in [(1e12, 1), (0.0, 10)] {
        for minutes in [within, within + 30, loads.len() - at - length] {
            let minutes = at + length + minutes;
            let (ours, whole) = (median(from, length, minutes), median(0.0, 0, minutes));
            for (ahead, (ours, whole)) in ours.iter().zip(&whole).enumerate() {
                let off = (ours / whole - 1.0).abs();
                assert!(off < 0.1, "{from} at {minutes}, {ahead}: {ours} for {whole}");
            }
        }
    }
}

/// Hours of a load that swings over the day and is so much of itself on weekends, with noise.
pub(super) fn hourly(hours: usize, on_weekends: f64) -> Vec<f64> {
    let mut uniform = uniform(9);
    let load = |hour: usize| {
        let day = 1.0 + 0.6 * (hour as f64 / 24.0 * std::f64::consts::TAU).sin();
        let weekend = if hour / 24 % 7 >= 5 { on_weekends } else { 1.0 };
        1000.0 * day * weekend * (0.95 + 0.1 * uniform())
    };
    (0..hours).map(load).collect()
}
