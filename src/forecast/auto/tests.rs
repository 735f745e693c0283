use super::*;
use crate::forecast::naive::{self, Naive};
use crate::forecast::testing::{MINUTE, daily, judged, sample, survives_a_snapshot, uniform};

const DAY: usize = 288;
const FIVE: Duration = Duration::from_secs(300);

fn model(step: Duration) -> Auto {
    Auto::new(Config::default(), step).expect("no settings")
}

/// A load of each five minutes that follows the day.
fn five_minutes(days: usize, noise: f64, seed: u64) -> Vec<f64> {
    let minutes = daily(days * 1440, 0.8, noise, seed);
    minutes.chunks(5).map(|five| five.iter().sum::<f64>() / 5.0).collect()
}

/// The forecast of `horizon` steps after `loads`.
fn after(loads: &[f64], horizon: usize, quantiles: &[f64]) -> (Auto, Result<Forecast, Reason>) {
    let mut model = model(FIVE);
    model.observe_many(Timestamp::from_secs(300), FIVE, loads);
    let mut forecast = Forecast::default();
    let answer = model.forecast(horizon, quantiles, &mut forecast);
    (model, answer.map(|()| forecast))
}

#[test]
fn covers_what_it_says_and_beats_as_now() {
    let loads = five_minutes(14, 0.6, 1);
    let quantiles = [0.5, 0.9, 0.95, 0.99];
    for ahead in [1, 6, 12] {
        let ours = judged(&mut model(FIVE), &loads, ahead, &quantiles, 4 * DAY);
        let mut naive = Naive::new(naive::Config {}, FIVE).expect("no settings");
        let theirs = judged(&mut naive, &loads, ahead, &quantiles, 4 * DAY);
        for ((q, ours), theirs) in quantiles.iter().zip(&ours).zip(&theirs) {
            assert!((ours.0 - q).abs() < 0.03, "{q} is {} at {ahead}", ours.0);
            assert!(ours.1 < theirs.1, "{q} at {ahead}: {} {}", ours.1, theirs.1);
        }
    }
}

#[test]
fn the_season_is_found_and_none_in_noise() {
    let (model, _) = after(&five_minutes(5, 0.1, 2), 1, &[0.5]);
    assert_eq!(model.seasons().collect::<Vec<_>>(), [DAY, 7 * DAY]);
    let mut uniform = uniform(3);
    let noise: Vec<f64> = (0..5 * DAY).map(|_| 100.0 + uniform()).collect();
    assert_eq!(after(&noise, 1, &[0.5]).0.seasons().count(), 0);
}

#[test]
fn after_a_level_shift_it_is_right_again_within_tens_of_samples() {
    let before = five_minutes(7, 0.05, 4);
    let doubled = before[..80].iter().map(|load| load * 2.0);
    let mut model = model(FIVE);
    model.observe_many(Timestamp::from_secs(300), FIVE, &before);
    let mut forecast = Forecast::default();
    let mut errors = Vec::new();
    for (step, load) in doubled.enumerate() {
        if step > 0 {
            model.forecast(1, &[0.5], &mut forecast).expect("history enough");
            errors.push((forecast.values[0] / load - 1.0).abs());
        }
        model.observe(Sample { at: Timestamp::from_secs(0), value: Some(load) });
    }
    let mean = |errors: &[f64]| errors.iter().sum::<f64>() / errors.len() as f64;
    assert!(mean(&errors[40..]) < 0.1, "{errors:?}");
}

#[test]
fn a_constant_load_stays_constant_and_zeros_stay_zero() {
    for load in [700.0, 0.0, 1e-9, 1e12] {
        let (_, forecast) = after(&[load; 600], 12, &[0.5, 0.99]);
        for value in forecast.expect("history enough").values {
            assert!((value - load).abs() <= 1e-6 * load, "{value} for {load}");
        }
    }
}

#[test]
fn one_wrong_sample_poisons_nothing() {
    let loads = five_minutes(6, 0.05, 5);
    for wrong in [0.0, 1e12] {
        let mut hurt = loads.clone();
        hurt[5 * DAY] = wrong;
        let (_, whole) = after(&loads, 12, &[0.5]);
        let (_, hurt) = after(&hurt, 12, &[0.5]);
        let (whole, hurt) = (whole.expect("history"), hurt.expect("history"));
        for (whole, hurt) in whole.values.iter().zip(&hurt.values) {
            assert!((hurt / whole - 1.0).abs() < 0.25, "{hurt} for {whole} after {wrong}");
        }
    }
}

#[test]
fn a_load_beyond_all_range_is_missing() {
    let mut loads = five_minutes(2, 0.05, 6);
    loads.extend([1e31; 6]);
    assert_eq!(after(&loads, 1, &[0.5]).1.expect_err("six missing").code(), "gap_too_wide");
}

#[test]
fn the_say_of_the_experts_is_one_at_each_horizon() {
    let (model, _) = after(&five_minutes(4, 0.1, 7), 1, &[0.5]);
    let experts = model.experts();
    for ahead in ANCHORS {
        let there = experts.iter().filter(|expert| expert.ahead == ahead);
        let sum: f64 = there.clone().map(|expert| expert.weight).sum();
        assert!(
            (sum - 1.0).abs() < 1e-5 && there.count() == ExpertKind::ALL.len(),
            "{ahead}: {sum}"
        );
    }
    let naive = experts.iter().find(|expert| (expert.name, expert.ahead) == ("naive", 64));
    let ridge = experts.iter().find(|expert| (expert.name, expert.ahead) == ("ridge", 64));
    assert!(ridge.expect("listed").weight > 100.0 * naive.expect("listed").weight);
}

#[test]
fn a_reset_model_is_a_new_one_and_many_samples_are_one_after_the_other() {
    let loads = five_minutes(4, 0.1, 8);
    let (mut used, _) = after(&loads, 1, &[0.5]);
    assert!(used.reset());
    assert_eq!(used, model(FIVE));
    used.observe_many(Timestamp::from_secs(300), FIVE, &loads);
    let mut single = model(FIVE);
    for (index, &load) in loads.iter().enumerate() {
        let at = Timestamp::from_secs(300 * (index as i64 + 1));
        single.observe(Sample { at, value: Some(load) });
    }
    assert_eq!(used, single);
}

#[test]
fn a_snapshot_changes_no_answer() {
    let loads: Vec<_> = (daily(3300, 0.8, 0.1, 4).into_iter().enumerate())
        .map(|(minute, load)| Some(load).filter(|_| minute % 97 > 3))
        .collect();
    survives_a_snapshot(|| Box::new(model(MINUTE)), &loads);
}

#[test]
fn a_damaged_text_is_refused() {
    let (model, _) = after(&five_minutes(3, 0.1, 9), 1, &[0.5]);
    let whole = serde_json::to_value(&model).expect("JSON");
    let read = |value| serde_json::from_value::<Auto>(value);
    assert_eq!(read(whole.clone()).expect("its own"), model);
    for (place, value) in [
        ("/memory/fine/next", 1e6),
        ("/memory/n_samples", 1.0),
        ("/memory/seasons/season", 1.0),
        ("/memory/now", -1.0),
        ("/bands/0/which", 1.0),
        ("/bands/2/ever", -1.0),
        ("/bands/2/ridge/next_weight", 0.0),
        ("/bands/3/ridge/which", 7.0),
        ("/errors/moving/total", 0.0),
        ("/memory/n_slow", 1e9),
        ("/slopes/0", 7.0),
    ] {
        let mut damaged = whole.clone();
        let at = damaged.pointer_mut(place).expect(place);
        *at = if at.is_u64() { (value as i64).into() } else { value.into() };
        assert!(read(damaged).is_err(), "{place}");
    }
}

#[test]
fn it_takes_a_step_that_no_day_is_a_multiple_of_and_steps_of_a_day() {
    for step in [Duration::from_secs(57), Duration::from_secs(86_400), Duration::from_millis(1)] {
        let mut model = Auto::new(Config::default(), step).expect("any step");
        for index in 0..400_i64 {
            let load = 100.0 + (index % 7) as f64;
            model.observe(Sample { at: Timestamp::from_secs(index), value: Some(load) });
        }
        let mut forecast = Forecast::default();
        model.forecast(5, &[0.5], &mut forecast).expect("history enough");
        assert!(forecast.values.iter().all(|value| (90.0..120.0).contains(value)));
    }
    assert_eq!(Auto::new(Config::default(), Duration::ZERO).expect_err("no step").path(), "step");
}

#[test]
fn the_state_is_small_whatever_the_history() {
    let minutes = daily(40 * 1440, 0.8, 0.1, 10);
    for n_minutes in [1, 5, 60] {
        let step = Duration::from_secs(60 * n_minutes);
        let mut model = model(step);
        for (number, some) in minutes.chunks(n_minutes as usize).enumerate() {
            let load = some.iter().sum::<f64>() / some.len() as f64;
            model.observe(Sample { at: Timestamp::default(), value: Some(load) });
            if number % 97 == 0 {
                let bands: usize = model.bands.iter().map(Band::n_bytes).sum();
                let parts = model.memory.n_bytes() + model.errors.n_bytes() + bands;
                let n_bytes = size_of::<Auto>() + parts;
                assert!(n_bytes <= 16 * 1024, "{n_bytes} after {number} steps of {n_minutes}");
            }
        }
        assert_eq!(model.seasons().count(), 2, "the state is full");
    }
}

/// Saturday follows Friday, and is as the Saturdays before on the level of now.
#[test]
fn the_days_of_the_week_are_told_apart() {
    let mut uniform = uniform(13);
    let hour = Duration::from_secs(3600);
    let loads: Vec<f64> = (0..24 * 7 * 6)
        .map(|index| {
            let (hour, day) = (index % 24, index / 24 % 7);
            let busy = if day < 5 { 1000.0 } else { 300.0 };
            let course = if (8..20).contains(&hour) { busy } else { 100.0 };
            course * (1.0 + 0.2 * (uniform() - 0.5))
        })
        .collect();
    let mut forecast = Forecast::default();
    for (day, busy) in [(4, 1000.0), (5, 300.0), (0, 1000.0)] {
        let mut model = model(hour);
        let n_known = 24 * (7 * 5 + day);
        model.observe_many(Timestamp::from_secs(3600), hour, &loads[..n_known]);
        model.forecast(24, &[0.5, 0.95], &mut forecast).expect("history enough");
        let noon = forecast.row(12);
        assert!((noon[0] / busy - 1.0).abs() < 0.2, "{noon:?} on day {day}");
        assert!((noon[1] / busy - 1.0).abs() < 0.6, "{noon:?} on day {day}");
    }
}

#[test]
fn samples_beyond_those_of_one_band_do_not_pass_for_enough() {
    let (_, near) = after(&five_minutes(1, 0.1, 11)[..60], 1, &[0.5]);
    let (_, far) = after(&five_minutes(1, 0.1, 11)[..60], 200, &[0.5]);
    assert!(near.is_ok());
    assert_eq!(far.expect_err("too early").code(), "too_little_history");
    let mut model = model(FIVE);
    model.observe(sample(0, Some(1.0)));
}

#[test]
fn one_expert_alone_is_a_model_of_its_own_and_none_is_refused() {
    let loads = five_minutes(5, 0.2, 12);
    for expert in ExpertKind::ALL {
        let mut model = Auto::new(Config { experts: vec![expert] }, FIVE).expect("one is enough");
        model.observe_many(Timestamp::from_secs(300), FIVE, &loads);
        let mut forecast = Forecast::default();
        model.forecast(12, &[0.05, 0.95], &mut forecast).expect("history enough");
        let say: Vec<_> = model.experts().into_iter().filter(|it| it.weight > 0.0).collect();
        assert!(say.iter().all(|it| (it.name, it.weight) == (expert.name(), 1.0)), "{expert:?}");
        let text = serde_json::to_value(expert).expect("JSON");
        assert_eq!(text, expert.name());
    }
    let none = Auto::new(Config { experts: Vec::new() }, FIVE).expect_err("nobody is asked");
    assert_eq!(none.path(), "experts");
}
