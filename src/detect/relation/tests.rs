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

/// What becomes of load and CPU.
type Broken = fn(f64, f64) -> (f64, f64);

/// A daily load and the CPU that follows it with noise, from `fault` on changed by `broken`. Calls
/// with what is told of each minute.
fn run(
    (seed, n): (u64, usize),
    (fault, broken): (usize, Broken),
    mut told: impl FnMut(usize, Option<Break>),
) {
    let mut relation = Relation::new(Config::default()).expect("settings");
    let mut noise = normal(seed);
    for minute in 0..n {
        let day = libm::sin(std::f64::consts::TAU * minute as f64 / 1_440.0);
        let load = 600.0 + 250.0 * day + 40.0 * noise();
        let cpu = 0.1 + load / 1_500.0 + 0.02 * noise();
        let (load, cpu) = if minute >= fault { broken(load, cpu) } else { (load, cpu) };
        if let Ok(found) = relation.observe(at(minute), load, cpu) {
            told(minute, found);
        }
    }
}

#[test]
fn a_break_is_found_within_ten_samples_and_the_side_that_moved_is_named() {
    let breaks: [(Broken, Moved, bool); 3] = [
        (|load, cpu| (load, cpu + 0.15), Moved::Second, true), // a loop that burns
        (|load, _| (load, 0.1), Moved::Second, false),         // requests that fail at once
        (|load, cpu| (load * 2.5, cpu), Moved::First, false),  // a load that does not arrive
    ];
    for (number, (broken, moved, is_above)) in breaks.into_iter().enumerate() {
        let (mut n_found, mut n_named) = (0, 0);
        for seed in 1..=100 {
            let fault = 2_900 + 13 * seed as usize;
            let mut first = None;
            run((seed, fault + 10), (fault, broken), |minute, found| {
                if minute >= fault
                    && let Some(found) = found
                {
                    first = first.or(Some(found));
                }
            });
            let Some(first) = first else { continue };
            n_found += 1;
            assert_eq!(first.is_above, is_above, "break {number}, seed {seed}");
            assert!(first.is_new && first.deviations > 1.0);
            n_named += u32::from(first.moved == moved);
        }
        assert!(n_found >= 98, "break {number}: {n_found} found");
        assert!(n_named >= 70, "break {number}: {n_named} named");
    }
}

#[test]
fn chance_alone_is_told_about_as_rarely_as_it_was_allowed() {
    let (mut n_alarms, n) = (0, 1_440 * 200);
    run((7, n), (usize::MAX, |load, cpu| (load, cpu)), |minute, found| {
        n_alarms += u32::from(minute > 8_000 && found.is_some_and(|found| found.is_new));
    });
    // 28 are allowed.
    assert!(n_alarms <= 28, "{n_alarms}");
}

#[test]
fn a_new_relation_that_lasts_is_learnt() {
    let mut last = 0;
    run((3, 6_000), (3_000, |load, cpu| (load, 0.5 * cpu + 0.3)), |minute, found| {
        if found.is_some() {
            last = minute;
        }
    });
    assert!((3_100..3_600).contains(&last), "{last}");
}

#[test]
fn what_has_no_relation_says_so() {
    let mut relation = Relation::new(Config::default()).expect("settings");
    let mut noise = normal(5);
    for minute in 0..1_000 {
        let told = relation.observe(at(minute), noise(), noise());
        let code = told.expect_err("no relation").code();
        assert_eq!(
            code,
            if minute < 60 { "too_little_history" } else { "no_relation" },
            "{minute}"
        );
    }
    let mut flat = Relation::new(Config::default()).expect("settings");
    for minute in 0..100 {
        assert!(flat.observe(at(minute), 5.0, 5.0).is_err());
    }
}

#[test]
fn restored_at_any_sample_it_goes_on_the_same_whatever_comes() {
    let mut one = Relation::new(Config::default()).expect("settings");
    let mut noise = normal(9);
    let mut n_found = 0;
    for minute in 0..2_000 {
        let load = 100.0 + 20.0 * noise();
        let cpu = match (minute * 7) % 301 {
            0 => f64::NAN,
            1 => 1e300,
            2 => -1e300,
            _ if minute > 1_500 => 7.0,
            _ => load / 50.0 + 0.1 * noise(),
        };
        let text = serde_json::to_string(&one).expect("it can be written");
        let mut two: Relation = serde_json::from_str(&text).expect("its own text");
        let told = one.observe(at(minute), load, cpu);
        assert_eq!(told, two.observe(at(minute), load, cpu), "{minute}");
        assert_eq!(one, two);
        n_found += usize::from(matches!(told, Ok(Some(_))));
        assert!(text.len() < 4_096, "{}", text.len());
    }
    assert!(n_found > 10, "{n_found}");
}

#[test]
fn settings_out_of_range_and_damaged_states_are_refused() {
    for (text, field) in [
        (r#"{"memory": 59}"#, "memory"),
        (r#"{"chance": 0}"#, "chance"),
        (r#"{"accept_after": 9}"#, "accept_after"),
    ] {
        let settings = serde_json::from_str(text).expect("settings");
        assert_eq!(Relation::new(settings).expect_err(text).path(), field);
    }
    let good = serde_json::to_string(&Relation::new(Config::default()).expect("settings"));
    let damaged = good.expect("a text").replace("\"error\":0.0", "\"error\":-1.0");
    assert!(serde_json::from_str::<Relation>(&damaged).is_err());
}
