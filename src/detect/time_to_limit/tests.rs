use super::*;
use crate::testing::uniform;

fn normal(seed: u64) -> impl FnMut() -> f64 {
    let mut random = uniform(seed);
    move || {
        let (radius, angle) = (1.0 - random(), random());
        (-2.0 * libm::log(radius)).sqrt() * libm::cos(std::f64::consts::TAU * angle)
    }
}

fn at(minute: usize) -> Timestamp {
    Timestamp::from_secs(60 * minute as i64)
}

fn minutes(at: Timestamp) -> f64 {
    at.as_millis() as f64 / 60_000.0
}

/// What the tests ask of noisy ramps: each answer with the time at which the ramp reaches the limit.
fn ramps(memory: f64, mut told: impl FnMut(Answer, f64, usize)) {
    for seed in 1..=300 {
        let (mut noise, mut random) = (normal(seed), uniform(seed + 7_000));
        let reached = 600.0 + 4_000.0 * random();
        let limit = 1_000.0;
        let start = 400.0 * random();
        let size = 20.0 + 60.0 * random();
        let mut leak = TimeToLimit::new(Config::at(limit)).expect("settings");
        let mut wander = 0.0;
        for minute in 0..(0.95 * reached) as usize / 5 {
            wander = memory * wander + (1.0 - memory * memory).sqrt() * noise();
            let line = start + (limit - start) * (5 * minute) as f64 / reached;
            leak.observe(at(5 * minute), line + size * wander);
            if minute % 20 == 19
                && let Ok(answer) = leak.answer()
            {
                told(answer, reached, 5 * minute);
            }
        }
    }
}

#[test]
fn of_noisy_ramps_the_time_is_known_and_the_range_keeps_its_word() {
    for memory in [0.0, 0.5] {
        let (mut errors, mut n_covered, mut n_asked) = (Vec::new(), 0, 0);
        ramps(memory, |answer, reached, now| {
            n_asked += 1;
            if let Answer::Range { earliest, likely, latest } = answer {
                let left = reached - now as f64;
                errors.push((minutes(likely) - reached).abs() / left);
                n_covered += usize::from((minutes(earliest)..=minutes(latest)).contains(&reached));
            }
        });
        errors.sort_by(f64::total_cmp);
        let median = errors[errors.len() / 2];
        let covered = n_covered as f64 / errors.len() as f64;
        let told = errors.len() as f64 / n_asked as f64;
        assert!(median <= 0.15, "memory {memory}: {median}");
        assert!((0.87..=0.93).contains(&covered), "memory {memory}: {covered}");
        assert!(told > 0.4, "memory {memory}: {told}");
    }
}

#[test]
fn what_only_wanders_or_has_seasons_is_hardly_ever_said_to_reach_its_limit_within_a_day() {
    let mut all = 0;
    for (memory, season) in [(0.0_f64, 0.0), (0.9, 0.0), (0.99, 0.0), (0.5, 3.0), (0.9, 3.0)] {
        let (mut n_false, mut n_days) = (0, 0);
        for seed in 1..=40 {
            let (mut noise, mut random) = (normal(seed), uniform(seed + 900));
            let phase = std::f64::consts::TAU * random();
            let limit = 100.0 + 10.0 * (season * (1.0 + random()) + 4.5 + 3.0 * random());
            let mut disk = TimeToLimit::new(Config::at(limit)).expect("settings");
            let (mut wander, mut last_false) = (0.0, None);
            for step in 0..288 * 14 {
                wander = memory * wander + (1.0 - memory * memory).sqrt() * noise();
                let day = libm::sin(phase + std::f64::consts::TAU * step as f64 / 288.0);
                disk.observe(at(5 * step), 100.0 + 10.0 * (wander + season * day));
                if let Ok(Answer::Range { likely, .. }) = disk.answer()
                    && minutes(likely) < (5 * step + 1_440) as f64
                {
                    // One false alarm a day, however long it lasts.
                    n_false += usize::from(last_false != Some(step / 288));
                    last_false = Some(step / 288);
                }
            }
            n_days += 14;
        }
        assert!(n_false as f64 <= 0.03 * n_days as f64, "{memory} {season}: {n_false}");
        all += n_false;
    }
    assert!(f64::from(all as u32) <= 0.01 * 5.0 * 40.0 * 14.0, "{all}");
}

#[test]
fn a_clean_up_begins_a_new_story() {
    let mut disk = TimeToLimit::new(Config::at(1_000.0)).expect("settings");
    let mut noise = normal(3);
    let mut told = Vec::new();
    for minute in 0..600 {
        // Full after 300 minutes, but for the clean-up at minute 250; then at 650.
        let used = if minute < 250 { 100 + 3 * minute } else { 100 + 9 * (minute - 250) / 4 };
        disk.observe(at(minute), f64::from(used as u32) + 4.0 * noise());
        told.push(disk.answer());
    }
    let likely = |minute: usize| match told[minute] {
        Ok(Answer::Range { likely, .. }) => minutes(likely),
        other => panic!("{other:?}"),
    };
    assert!((likely(200) - 300.0).abs() < 10.0, "{}", likely(200));
    assert!(told[255].is_err(), "{:?}", told[255]);
    assert!((likely(500) - 650.0).abs() < 25.0, "{}", likely(500));
}

#[test]
fn a_leak_that_begins_after_days_of_quiet_is_seen() {
    let mut memory = TimeToLimit::new(Config::at(2_000.0)).expect("settings");
    let mut noise = normal(5);
    let mut first = None;
    for minute in 0..4_000_usize {
        let leak = minute.saturating_sub(3_000) as f64; // one a minute: full at minute 4,000
        memory.observe(at(minute), 1_000.0 + leak + 15.0 * noise());
        if let Ok(Answer::Range { earliest, latest, .. }) = memory.answer() {
            assert!(minute > 3_000, "{minute}");
            first = first.or(Some(minute));
            if minute > 3_600 {
                assert!(minutes(earliest) < 4_080.0 && minutes(latest) > 3_920.0, "{minute}");
            }
        }
    }
    let after = first.expect("it is seen") - 3_000;
    assert!(after < 700, "seen after {after} minutes");
}

#[test]
fn a_limit_below_and_one_that_is_reached() {
    let settings = Config { side: Side::Below, ..Config::at(0.0) };
    let mut free = TimeToLimit::new(settings).expect("settings");
    for minute in 0..500 {
        free.observe(at(minute), 400.0 - minute as f64 + (minute * 7 % 5) as f64);
        match free.answer() {
            Ok(Answer::Range { likely, .. }) if minute > 210 => {
                assert!((minutes(likely) - 402.0).abs() < 10.0, "{minute}: {likely:?}");
            }
            Ok(Answer::Reached) => assert!(minute > 395, "{minute}"),
            other => assert!(minute <= 210 && !matches!(other, Ok(Answer::Reached)), "{other:?}"),
        }
    }
    assert_eq!(free.answer(), Ok(Answer::Reached));
    let (_, per_day, _) = free.per_day().expect("a trend");
    assert!((per_day + 1_440.0).abs() < 10.0, "{per_day}");
}

#[test]
fn restored_at_any_sample_it_goes_on_the_same_whatever_comes() {
    let mut one = TimeToLimit::new(Config::at(500.0)).expect("settings");
    let (mut noise, mut random) = (normal(9), uniform(9));
    let mut n_told = 0;
    let mut minute = 0;
    for sample in 0..1_500 {
        minute += (random() * 3.0) as usize;
        let value = match (random() * 60.0) as u32 {
            0 => f64::NAN,
            1 => 1e300,
            2 => -1e300,
            3 => f64::INFINITY,
            _ => sample as f64 * 0.2 + 5.0 * noise(),
        };
        let text = serde_json::to_string(&one).expect("it can be written");
        let mut two: TimeToLimit = serde_json::from_str(&text).expect("its own text");
        one.observe(at(minute), value);
        two.observe(at(minute), value);
        assert_eq!((one.answer(), one.per_day()), (two.answer(), two.per_day()), "{sample}");
        assert_eq!(one, two);
        n_told += usize::from(one.answer().is_ok());
        assert!(text.len() < 8_192, "{}", text.len());
    }
    assert!(n_told > 100, "{n_told}");
}

#[test]
fn a_constant_and_a_short_history_have_no_trend() {
    let mut flat = TimeToLimit::new(Config::at(10.0)).expect("settings");
    assert_eq!(flat.answer().expect_err("nothing yet").code(), "too_little_history");
    for minute in 0..2_000 {
        flat.observe(at(minute), 5.0);
        flat.observe(at(minute), 50.0); // the same time once more
        match flat.answer() {
            Ok(Answer::NotBefore(time)) => assert!(time >= at(minute)),
            Err(_) => assert!(minute < 29),
            other => panic!("{other:?}"),
        }
    }
    flat.reset();
    assert!(flat.answer().is_err());
}

#[test]
fn settings_out_of_range_and_damaged_states_are_refused() {
    for (text, field) in [
        (r#"{"limit": 1e200}"#, "limit"),
        (r#"{"limit": 1, "reach": 0}"#, "reach"),
        (r#"{"limit": 1, "reach": 11}"#, "reach"),
    ] {
        let settings = serde_json::from_str(text).expect("settings");
        assert_eq!(TimeToLimit::new(settings).expect_err(text).path(), field);
    }
    let good = serde_json::to_string(&TimeToLimit::new(Config::at(1.0)).expect("settings"));
    let good = good.expect("a text");
    for (from, to) in [("\"per_stretch\":1", "\"per_stretch\":0"), ("\"n_off\":0", "\"n_off\":3")] {
        let damaged = good.replace(from, to);
        assert_ne!(damaged, good);
        assert!(serde_json::from_str::<TimeToLimit>(&damaged).is_err(), "{to}");
    }
}
