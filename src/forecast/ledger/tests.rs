use proptest::prelude::*;

use super::*;
use crate::forecast::testing::{MINUTE, sample, uniform};

const FIVE: Duration = Duration::from_secs(300);

/// The same expected at each of some horizons.
fn issued(horizon: usize, median: f64, quantile: f64) -> Forecast {
    let values = (0..horizon).flat_map(|_| [median, quantile]).collect();
    Forecast { quantiles: vec![0.5, 0.9], values, step: MINUTE, ..Forecast::default() }
}

fn row(ledger: &Ledger, of: Judged, ahead: i64) -> Accuracy {
    let of_kind = |row: &Accuracy| row.of == of && row.ahead == ledger.settings.step.times(ahead);
    ledger.accuracy().find(of_kind).expect("it has been judged")
}

#[test]
fn each_forecast_is_kept_until_its_truth_comes() {
    let mut ledger = Ledger::new(0.9, 0.0, 2, 3, MINUTE);
    // At each minute the load, and what is expected of the minutes after: median and quantile.
    let diary = [(10.0, 8.0, 12.0), (11.0, 9.0, 10.0), (13.0, 13.0, 13.0), (12.0, 1.0, 2.0)];
    for (minute, (load, median, quantile)) in diary.into_iter().enumerate() {
        ledger.observe(sample(minute, Some(load)), Some(&issued(3, median, quantile)));
    }
    let one = row(&ledger, Judged::Forecast, 1);
    // Quantile less load: 12 - 11, 10 - 13, 13 - 12; losses 0.1, 0.9 * 3, 0.1.
    assert_eq!(one.n_judged, 3);
    assert!((one.ever.loss - 2.9 / 3.0).abs() < 1e-12, "{one:?}");
    assert!((one.ever.coverage - 2.0 / 3.0).abs() < 1e-12);
    assert!((one.ever.bias - (-3.0 - 4.0 + 1.0) / 3.0).abs() < 1e-12); // 8 - 11, 9 - 13, 13 - 12
    assert_eq!((one.lately, one.quantile), (one.ever, 0.9));
    let two = row(&ledger, Judged::Forecast, 2);
    // Two minutes on: 12 for 13 and 10 for 12; medians 8 for 13 and 9 for 12.
    assert_eq!((two.n_judged, two.ever.coverage, two.ever.bias), (2, 0.0, -4.0));
    assert!((two.ever.loss - 0.9 * 1.5).abs() < 1e-12);
}

#[test]
fn a_step_without_load_or_forecast_is_not_judged() {
    let mut ledger = Ledger::new(0.9, 0.0, 1, 1, MINUTE);
    let forecast = issued(1, 5.0, 6.0);
    ledger.observe(sample(0, Some(5.0)), Some(&forecast));
    ledger.observe(sample(1, None), Some(&forecast));
    ledger.observe(sample(2, Some(5.0)), None);
    ledger.observe(sample(3, Some(5.0)), Some(&forecast));
    assert_eq!(row(&ledger, Judged::Forecast, 1).n_judged, 1);
}

#[test]
fn horizons_double_and_the_lead_time_is_one_of_them() {
    let aheads = |lead, horizon| {
        let ledger = Ledger::new(0.9, 0.0, lead, horizon, MINUTE);
        ledger.bands.iter().map(|band| band.ahead()).collect::<Vec<_>>()
    };
    assert_eq!(aheads(5, 11), [1, 2, 4, 5, 8]);
    assert_eq!(aheads(1, 1), [1]);
    assert_eq!(aheads(600, 1201), [1, 2, 4, 8, 16, 32, 64, 128, 256, 600]);
}

#[test]
fn references_are_judged_beside_the_forecast() {
    let mut ledger = Ledger::new(0.9, 0.0, 2, 4, FIVE);
    // A load that rises by one a step, and a day is 288 steps.
    for step in 0..600_u32 {
        ledger.observe(sample(step as usize, Some(f64::from(step))), Some(&issued(4, 0.0, 700.0)));
    }
    let bias = |of, ahead| row(&ledger, of, ahead).ever.bias;
    assert!((bias(Judged::AsNow, 4) + 4.0).abs() < 1e-6, "{}", bias(Judged::AsNow, 4));
    assert!((bias(Judged::Yesterday, 2) + 288.0).abs() < 1e-6, "{}", bias(Judged::Yesterday, 2));
    let coverage = row(&ledger, Judged::AsNow, 1).lately.coverage;
    assert!(coverage > 0.85, "{coverage}");
    assert_eq!(row(&ledger, Judged::Forecast, 1).ever.coverage, 1.0);
}

#[test]
fn the_level_is_the_mean_that_suits_the_load() {
    let (mut random, mut walk) = (uniform(3), 1000.0);
    let mut ledgers = [(); 2].map(|()| Ledger::new(0.9, 0.0, 1, 1, FIVE));
    for step in 0..3000 {
        walk += 20.0 * (random() - 0.5);
        for (ledger, load) in ledgers.iter_mut().zip([100.0 * random(), walk]) {
            ledger.observe(sample(step, Some(load)), Some(&issued(1, load, load)));
        }
    }
    let loss = |ledger, of| row(ledger, of, 1).lately.loss;
    let [noise, walk] =
        ledgers.each_ref().map(|ledger| loss(ledger, Judged::Level) / loss(ledger, Judged::AsNow));
    assert!(noise < 0.7, "{noise}");
    assert!((1.0..2.0).contains(&walk), "{walk}");
}

#[test]
fn what_was_lately_forgets_over_a_day_and_the_rest_never() {
    let mut ledger = Ledger::new(0.9, 0.0, 1, 1, FIVE);
    for step in 0..10 * 288 {
        let quantile = if step < 7 * 288 { 0.0 } else { 20.0 };
        ledger.observe(sample(step, Some(10.0)), Some(&issued(1, 10.0, quantile)));
    }
    let row = row(&ledger, Judged::Forecast, 1);
    assert!((row.ever.coverage - 0.3).abs() < 0.01, "{row:?}");
    assert!((row.lately.coverage - 0.95).abs() < 0.01, "{row:?}"); // 1 - exp(-3)
    assert_eq!(ledger.coverage(), Some(row.lately.coverage));
}

/// Even who knows the distribution of noise knows nothing of what comes.
#[test]
fn knowing_the_quantile_of_mere_noise_is_no_skill() {
    let (mut n_open, n) = (0, 60 * 288);
    for seed in 0..4 {
        let mut random = uniform(seed);
        let mut ledger = Ledger::new(0.95, 0.0, 1, 2, FIVE);
        // The sum of two uniform numbers: its quantile 0.95 is 2 - sqrt(0.1).
        let forecast = Forecast {
            quantiles: vec![0.5, 0.95],
            values: vec![101.0, 102.0 - 0.1_f64.sqrt(), 101.0, 102.0 - 0.1_f64.sqrt()],
            ..Forecast::default()
        };
        for step in 0..n {
            let load = 100.0 + random() + random();
            ledger.observe(sample(step, Some(load)), Some(&forecast));
            n_open += usize::from(ledger.check().is_ok());
        }
        assert!(ledger.skill() < 0.1, "{}", ledger.skill());
    }
    assert!(n_open * 50 < 4 * n, "open at {n_open} of {} steps", 4 * n);
}

proptest! {
    #![proptest_config(crate::testing::cases(64))]

    #[test]
    fn whatever_comes_scores_stay_numbers_and_a_snapshot_changes_nothing(
        steps in prop::collection::vec((any_load(), any_load(), any_load()), 30..200),
        cut in 0..30_usize,
    ) {
        let new = || Ledger::new(0.95, 0.0, 2, 4, Duration::from_secs(3600));
        let mut ledger = new();
        for (step, (load, median, above)) in steps.into_iter().enumerate() {
            let forecast = median.zip(above).map(|(median, above)| issued(4, median, median.max(above)));
            ledger.observe(sample(step, load), forecast.as_ref());
            if step % 30 == cut {
                let text = serde_json::to_string(&ledger).expect("JSON");
                let saved = serde_json::from_str(&text).expect("its own");
                let twin = new().restored(saved).expect("whole");
                prop_assert_eq!(&twin, &ledger);
                ledger = twin;
            }
        }
        for row in ledger.accuracy() {
            for score in [row.lately, row.ever] {
                prop_assert!(score.loss >= 0.0 && score.loss.is_finite());
                prop_assert!((0.0..=1.0).contains(&score.coverage) && score.bias.is_finite());
            }
        }
        prop_assert!(ledger.skill().is_finite());
    }
}

fn any_load() -> impl Strategy<Value = Option<f64>> {
    prop_oneof![
        8 => (0.0..1e4).prop_map(Some),
        1 => Just(None),
        1 => Just(Some(0.0)),
        1 => Just(Some(f64::MAX)),
        1 => Just(Some(1e12)),
    ]
}

#[test]
fn a_damaged_or_foreign_ledger_is_refused() {
    let new = |quantile| Ledger::new(quantile, 0.0, 2, 4, FIVE);
    let mut ledger = new(0.9);
    for step in 0..400_u32 {
        let load = f64::from(step % 7);
        ledger.observe(sample(step as usize, Some(load)), Some(&issued(4, 3.0, 6.0)));
    }
    let whole = serde_json::to_value(&ledger).expect("JSON");
    let read = |value, ledger: &Ledger| {
        serde_json::from_value::<Ledger>(value)
            .map_err(|error| error.to_string())
            .and_then(|saved| ledger.restored(saved))
    };
    assert_eq!(read(whole.clone(), &ledger).expect("its own"), ledger);
    read(whole.clone(), &new(0.95)).expect_err("of another quantile");
    for (place, value) in [
        ("/bands/0/ahead", 3.0),
        ("/bands/1/medians/capacity", 77.0),
        ("/bands/1/quantiles/samples/0", -1.0),
        ("/bands/0/tallies/0/lately/coverage", 2.0),
        ("/bands/0/tallies/0/n", 1e9),
        ("/bands/0/now/size", -1.0),
        ("/bands/0/gate/trials/0/weights", 2.0),
        ("/bands/0/gate/trials/0/loss", -1.0),
        ("/points/n_loads", 1e9),
        ("/points/loads/samples/0", -1.0),
        ("/points/yesterday/width", 2.0),
        ("/points/yesterday/mean", -1.0),
    ] {
        let mut damaged = whole.clone();
        let number = if value == f64::trunc(value) && value >= 0.0 {
            (value as u64).into()
        } else {
            value.into()
        };
        *damaged.pointer_mut(place).expect(place) = number;
        assert!(read(damaged, &ledger).is_err(), "{place}");
    }
}
