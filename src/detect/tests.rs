use proptest::prelude::*;

use super::testing::{STEP, daily, normal, sample};
use super::*;
use crate::codes;

fn one_of_each() -> Vec<Box<dyn Detector>> {
    let build = |kind: &&str| {
        let settings = serde_json::from_value::<DetectorConfig>(serde_json::json!(kind));
        settings.expect("a kind alone").build(STEP).expect("defaults")
    };
    DetectorConfig::KINDS.iter().map(build).collect()
}

fn auto() -> Box<dyn Detector> {
    DetectorConfig::default().build(STEP).expect("defaults")
}

/// What an `auto` says of `values` from number `from` on.
fn scored(values: &[f64], from: usize) -> Vec<Anomaly> {
    let mut detector = auto();
    let seen: Vec<_> = (values.iter().enumerate())
        .map(|(index, &value)| detector.score(sample(index, value)))
        .collect();
    seen[from..].to_vec()
}

fn alarms(seen: &[Anomaly]) -> Vec<(usize, AnomalyKind)> {
    let kinds = seen.iter().enumerate();
    kinds
        .filter(|(_, seen)| seen.is_anomaly)
        .filter_map(|(at, seen)| Some((at, seen.kind?)))
        .collect()
}

fn any_value() -> impl Strategy<Value = Option<f64>> {
    prop_oneof![
        8 => (0.0..1e4).prop_map(Some),
        2 => Just(None),
        1 => Just(Some(0.0)),
        1 => prop::num::f64::ANY.prop_map(Some),
        1 => prop_oneof![Just(1e300), Just(-1e300), Just(f64::MAX)].prop_map(Some),
    ]
}

proptest! {
    #![proptest_config(crate::testing::cases(24))]

    #[test]
    fn a_score_is_from_0_to_1_whatever_comes_and_a_snapshot_changes_nothing(
        values in prop::collection::vec((any_value(), 0_i64..900), 400),
        cut in 0_usize..400,
    ) {
        for mut detector in one_of_each() {
            let mut at = crate::Timestamp::from_secs(0);
            for (index, &(value, seconds)) in values.iter().enumerate() {
                // Doubled times too, and gaps; now and then of a week.
                let gap = if index % 97 == 96 { 604_800 } else { seconds };
                at = at + Duration::from_secs(gap as u32);
                if index == cut {
                    let text = detector.save().expect("it can be saved").to_string();
                    detector.load(serde_json::from_str(&text).expect("JSON")).expect("whole");
                    prop_assert_eq!(detector.save().expect("again").to_string(), text);
                }
                let seen = detector.score(Sample { at, value });
                prop_assert!((0.0..=1.0).contains(&seen.score), "{seen:?}");
                prop_assert!((0.0..=1.0).contains(&seen.p_value), "{seen:?}");
                prop_assert_eq!(seen.is_anomaly, seen.score >= 0.5);
                let band = [seen.lower, seen.expected, seen.upper].map(Option::unwrap_or_default);
                prop_assert!(band.iter().all(|end| end.is_finite()) && band.is_sorted());
            }
        }
    }
}

#[test]
fn each_detector_says_that_it_is_too_early_and_then_no_more() {
    for mut detector in one_of_each() {
        for (index, value) in daily(1, 1).into_iter().enumerate() {
            let seen = detector.score(sample(index, value));
            let early = seen.reason.code() == codes::TOO_LITTLE_HISTORY.name();
            assert_eq!(early, index < 30, "{detector:?}");
        }
    }
}

/// A spike is seen once thirty values are known, without a season.
#[test]
fn the_first_useful_answer_comes_after_thirty_samples() {
    let mut noise = normal(3);
    let mut values: Vec<_> = (0..40).map(|_| 100.0 + noise()).collect();
    values.push(300.0);
    assert_eq!(alarms(&scored(&values, 0)), [(40, AnomalyKind::Spike)]);
}

#[test]
fn each_kind_of_trouble_is_named() {
    let n_days = 12;
    let start = 288 * 10 + 100;
    type Trouble = fn(usize, f64) -> f64;
    let cases: [(AnomalyKind, Trouble); 6] = [
        (AnomalyKind::Spike, |age, load| if age < 1 { load + 1500.0 } else { load }),
        (AnomalyKind::Dip, |age, load| if age < 1 { load - 1000.0 } else { load }),
        (AnomalyKind::LevelUp, |_, load| load + 350.0),
        (AnomalyKind::LevelDown, |_, load| load - 350.0),
        (AnomalyKind::Trend, |age, load| load + 6.0 * age as f64),
        (AnomalyKind::Stuck, |_, _| 1234.5),
    ];
    for (kind, trouble) in cases {
        let mut n_named = 0;
        for seed in 0..20 {
            let mut values = daily(seed, n_days);
            for (index, value) in values.iter_mut().enumerate().skip(start) {
                *value = trouble(index - start, *value);
            }
            let seen = scored(&values, start);
            // What lasts begins as a spike; it is known for what it is within some hours.
            let is_told = seen[..72].iter().any(|seen| seen.is_anomaly);
            let is_named = seen[..72].iter().any(|seen| seen.kind == Some(kind));
            n_named += usize::from(is_told && is_named);
        }
        assert!(n_named >= 17, "{kind:?}: {n_named} of 20");
    }
}

#[test]
fn noise_that_grows_is_named() {
    let mut n_named = 0;
    for seed in 0..20 {
        let mut noise = normal(100 + seed);
        let mut values = daily(seed, 12);
        for value in &mut values[3000..] {
            *value += 150.0 * noise();
        }
        let seen = scored(&values, 3000);
        n_named +=
            usize::from(seen[..72].iter().any(|seen| seen.kind == Some(AnomalyKind::Variance)));
    }
    assert!(n_named >= 12, "{n_named} of 20");
}

/// One alarm, and a day later the new level is what is expected.
#[test]
fn a_level_that_lasts_is_alarmed_once_and_then_accepted() {
    let (mut n_once, mut n_accepted) = (0, 0);
    for seed in 0..40 {
        let mut values = daily(seed, 20);
        let start = 288 * 10 + 7 * seed as usize;
        values[start..].iter_mut().for_each(|value| *value += 500.0);
        let seen = scored(&values, start);
        n_once += usize::from(alarms(&seen[..288 * 7]).len() == 1);
        // Within three dozen samples and a few more.
        let usual = |seen: &Anomaly| {
            seen.expected.is_some_and(|is| (is - seen.value.unwrap_or(0.0)).abs() < 150.0)
        };
        n_accepted += usize::from(seen[48..60].iter().all(usual));
    }
    assert!(n_once >= 38 && n_accepted >= 38, "{n_once} once, {n_accepted} accepted, of 40");
}

#[test]
fn on_loads_without_trouble_there_are_few_alarms() {
    let n_days = 28;
    let n_alarms: usize =
        (0..20).map(|seed| alarms(&scored(&daily(500 + seed, n_days), 288)).len()).sum();
    let per_day = n_alarms as f64 / (20 * (n_days - 1)) as f64;
    // The budget is 0.2.
    assert!(per_day < 0.1, "{per_day} a day");
}

#[test]
fn data_that_stop_are_told_while_they_are_missing() {
    let mut detector = auto();
    let values = daily(9, 2);
    for (index, &value) in values.iter().enumerate() {
        // One in a hundred is lost now and then.
        detector.score(sample(index, Some(value).filter(|_| index % 100 != 99)));
    }
    let told = (0..12).find(|&late| {
        let seen = detector.score(sample(values.len() + late, None));
        seen.is_anomaly && seen.kind == Some(AnomalyKind::Missing)
    });
    assert!(told.is_some_and(|late| (2..9).contains(&late)), "{told:?}");
}

#[test]
fn only_the_side_that_is_asked_for_is_alarmed() {
    for (direction, want) in [("above", AnomalyKind::Spike), ("below", AnomalyKind::Dip)] {
        let settings = serde_json::json!({"kind": "spike", "direction": direction});
        let settings: DetectorConfig = serde_json::from_value(settings).expect("settings");
        let mut detector = settings.build(STEP).expect("in range");
        let mut values = daily(4, 12);
        (values[2500], values[3000]) = (3000.0, 0.0);
        let seen: Vec<_> = (values.iter().enumerate())
            .map(|(index, &value)| detector.score(sample(index, value)))
            .collect();
        assert_eq!(alarms(&seen).iter().map(|alarm| alarm.1).collect::<Vec<_>>(), [want]);
    }
}

#[test]
fn what_never_moved_is_not_alarmed_by_a_crumb() {
    let mut values = vec![50.0; 2000];
    values[1900] = 50.04;
    assert_eq!(alarms(&scored(&values, 0)), []);
    values[1900] = 80.0;
    assert_eq!(alarms(&scored(&values, 0)), [(1900, AnomalyKind::Spike)]);
}

#[test]
fn the_state_is_small() {
    for (season, most) in [("none", 4096), ("day", 4096), ("week", 16_384)] {
        let settings = serde_json::json!({"kind": "auto", "season": season});
        let settings: DetectorConfig = serde_json::from_value(settings).expect("settings");
        let mut detector = settings.build(STEP).expect("in range");
        for (index, value) in daily(6, 30).into_iter().enumerate() {
            detector.score(sample(index, value));
        }
        let saved = detector.save().expect("it can be saved");
        let size = saved.to_string().len();
        assert!(size <= most, "{season}: {size} bytes");
    }
}

#[test]
fn settings_out_of_range_are_refused_with_their_place() {
    let refused = |text: &str| {
        let settings: DetectorConfig = serde_json::from_str(text).expect("settings");
        settings.build(STEP).expect_err("out of range").to_string()
    };
    let text = r#"{"kind": "auto", "alarms_per_day": 0}"#;
    assert_eq!(refused(text), "`alarms_per_day` is 0, must be in [0.001, 1000]");
    let text = r#"{"kind": "spike", "min_deviation": -1}"#;
    assert_eq!(refused(text), "`min_deviation` is -1, must be in [0, 1e100]");
}

#[test]
fn a_damaged_state_is_refused() {
    let mut detector = auto();
    let whole = detector.save().expect("it can be saved");
    for (path, wrong) in [
        ("/recent/next", serde_json::json!(36)),
        ("/recent/values", serde_json::json!([1.0])),
        ("/baseline/hours", serde_json::json!([])),
    ] {
        let mut damaged = whole.clone();
        *damaged.pointer_mut(path).expect("there") = wrong;
        assert!(detector.load(damaged).is_err(), "{path}");
    }
    detector.load(whole).expect("whole");
}
