use rand_core::Rng;
use rand_pcg::Pcg32;

use super::*;

const FIVE_MINUTES: Duration = Duration::from_secs(300);
const HOUR: Duration = Duration::from_secs(3600);

fn uniform(random: &mut Pcg32) -> f64 {
    f64::from(random.next_u32()) / 4_294_967_296.0
}

fn normal(random: &mut Pcg32) -> f64 {
    let [radius, angle] = [1.0 - uniform(random), uniform(random)];
    (-2.0 * libm::log(radius)).sqrt() * libm::cos(std::f64::consts::TAU * angle)
}

/// Autoregressive noise of first order.
fn red(n: usize, memory: f64, random: &mut Pcg32) -> Vec<f64> {
    let mut level = 0.0;
    let next = |_| {
        level = memory * level + normal(random);
        level
    };
    (0..n).map(next).collect()
}

/// A day of two peaks, 0.2 to about 1, from a share of the day.
fn day(share: f64) -> f64 {
    let bell = |center: f64, width: f64| {
        let apart = (share.rem_euclid(1.0) - center).abs();
        let apart = apart.min(1.0 - apart) / width;
        libm::exp(-0.5 * apart * apart)
    };
    0.2 + 0.6 * bell(0.45, 0.12) + 0.8 * bell(0.8, 0.08)
}

/// The share of seeded series for which `wanted` holds of the periods found, in steps.
fn share(
    n_series: u64,
    step: Duration,
    make: impl Fn(&mut Pcg32) -> Vec<f64>,
    wanted: impl Fn(&[usize]) -> bool,
) -> f64 {
    let mut finder = SeasonFinder::new(SeasonSettings::default()).expect("defaults hold");
    let n_wanted = (0..n_series).filter(|&seed| {
        let values = make(&mut Pcg32::new(seed, 5));
        let found: Vec<_> = finder.find(&values, step).iter().map(Season::steps).collect();
        wanted(&found)
    });
    n_wanted.count() as f64 / n_series as f64
}

fn found(values: &[f64], step: Duration) -> Vec<usize> {
    let found = seasons(values, step, &SeasonSettings::default()).expect("defaults hold");
    found.iter().map(Season::steps).collect()
}

/// A week in steps of five minutes of everything that looks like a season and is none.
#[test]
fn noise_of_any_color_has_no_season() {
    type Noise = fn(&mut Pcg32) -> Vec<f64>;
    const N: usize = 2016;
    let noises: [(&str, Noise); 9] = [
        ("white", |random| red(N, 0.0, random)),
        ("red", |random| red(N, 0.95, random)),
        ("random walk", |random| red(N, 1.0, random)),
        ("walk in white noise", |random| {
            red(N, 1.0, random).into_iter().map(|walk| walk + 5.0 * normal(random)).collect()
        }),
        ("walk of a walk", |random| {
            let mut sum = 0.0;
            let add = |step: f64| {
                sum += step;
                sum
            };
            red(N, 1.0, random).into_iter().map(add).collect()
        }),
        ("bursts", |random| red(N, 0.9, random).into_iter().map(libm::exp).collect()),
        ("a cycle that loses its phase", |random| {
            let angle = std::f64::consts::TAU / 40.0;
            let (mut last, mut before) = (0.0, 0.0);
            let next = |_| {
                let value = 1.96 * libm::cos(angle) * last - 0.9604 * before + normal(random);
                (before, last) = (last, value);
                value
            };
            (0..N).map(next).collect()
        }),
        ("days that begin at any hour", |random| {
            let mut shift = 0.0;
            let next = |at: usize| {
                if at.is_multiple_of(288) {
                    shift = uniform(random);
                }
                day(at as f64 / 288.0 + shift) + 0.1 * normal(random)
            };
            (0..N).map(next).collect()
        }),
        ("days of shuffled hours", |random| {
            let mut order: [usize; 24] = std::array::from_fn(|hour| hour);
            let next = |at: usize| {
                if at.is_multiple_of(288) {
                    for last in (1..24).rev() {
                        order.swap(last, (uniform(random) * (last + 1) as f64) as usize);
                    }
                }
                let hour = order[at % 288 / 12] as f64 + (at % 12) as f64 / 12.0;
                day(hour / 24.0) + 0.1 * normal(random)
            };
            (0..N).map(next).collect()
        }),
    ];
    for (name, noise) in noises {
        let wrong = share(300, FIVE_MINUTES, noise, |found| !found.is_empty());
        assert!(wrong <= 0.05, "{name}: {wrong}");
    }
}

#[test]
fn two_days_of_noise_have_no_season_either() {
    for memory in [0.0, 0.95, 1.0] {
        let noise = |random: &mut Pcg32| red(48, memory, random);
        let wrong = share(400, HOUR, noise, |found| !found.is_empty());
        assert!(wrong <= 0.05, "{memory}: {wrong}");
    }
}

#[test]
fn a_day_is_found_in_noise_of_its_size() {
    // The day has a standard deviation of 0.28.
    let noisy = |noise: f64| {
        move |random: &mut Pcg32| {
            let wander = red(2016, 0.97, random);
            (0..2016)
                .map(|at| day(at as f64 / 288.0) + noise * normal(random) + 0.02 * wander[at])
                .collect()
        }
    };
    for (noise, least) in [(0.05, 0.99), (0.25, 0.99), (0.5, 0.95)] {
        let right = share(100, FIVE_MINUTES, noisy(noise), |found| found == [288]);
        assert!(right >= least, "{noise}: {right}");
    }
}

#[test]
fn two_clean_days_are_enough_for_a_day() {
    let clean = |random: &mut Pcg32| {
        (0..576).map(|at| day(at as f64 / 288.0) * (1.0 + 0.05 * normal(random))).collect()
    };
    assert!(share(100, FIVE_MINUTES, clean, |found| found == [288]) >= 0.95);
}

/// Two and a half weeks of hours: five days of work, two at home.
#[test]
fn a_week_is_found_beside_its_days() {
    let weeks = |random: &mut Pcg32| {
        let load = |hour: usize| {
            let works = if hour % 168 < 120 { 1.0 } else { 0.6 };
            works * day(hour as f64 / 24.0) * (1.0 + 0.1 * normal(random))
        };
        (0..420).map(load).collect()
    };
    let both = |found: &[usize]| found.len() == 2 && found.contains(&24) && found.contains(&168);
    assert!(share(100, HOUR, weeks, both) >= 0.95);
    // Less than two of them are no season.
    let week = |random: &mut Pcg32| weeks(random)[..320].to_vec();
    assert!(share(100, HOUR, week, |found| found == [24]) >= 0.95);
}

#[test]
fn cycles_of_45_minutes_are_found_alone_and_under_a_day() {
    let cycles = |daily: f64, minutes: usize, n: usize| {
        move |random: &mut Pcg32| {
            let load = |at: usize| {
                let minute = at * minutes;
                let burst = if minute % 45 < 15 { 0.5 } else { 0.0 };
                daily * day(minute as f64 / 1440.0) + burst + 0.15 * normal(random)
            };
            (0..n).map(load).collect::<Vec<_>>()
        }
    };
    let alone = share(100, FIVE_MINUTES, cycles(0.0, 5, 2016), |found| found == [9]);
    assert!(alone >= 0.95, "{alone}");
    let minute = Duration::from_secs(60);
    let fine = share(100, minute, cycles(0.0, 1, 1000), |found| found == [45]);
    assert!(fine >= 0.95, "{fine}");
    let both = share(100, FIVE_MINUTES, cycles(1.0, 5, 2016), |found| {
        found.len() == 2 && found.contains(&288) && found.contains(&9)
    });
    assert!(both >= 0.95, "{both}");
    // Two weeks of minutes are binned by ten; the cycle is found in the last of them.
    let long = share(20, minute, cycles(1.0, 1, 20_160), |found| {
        found.len() == 2 && found.contains(&1440) && found.contains(&45)
    });
    assert!(long >= 0.95, "{long}");
}

#[test]
fn an_hour_is_a_season_of_its_own_beside_the_day() {
    let hours = |random: &mut Pcg32| {
        let load = |at: usize| {
            let burst = if at % 12 < 4 { 0.4 } else { 0.0 };
            2.0 * day(at as f64 / 288.0) + burst + 0.1 * normal(random)
        };
        (0..2016).map(load).collect()
    };
    let both = |found: &[usize]| found == [288, 12];
    assert!(share(50, FIVE_MINUTES, hours, both) >= 0.95);
}

#[test]
fn harmonics_are_not_told_apart_and_the_fundamental_is_not_doubled() {
    // One narrow peak has all harmonics.
    let narrow = |random: &mut Pcg32| {
        let load = |at: usize| if at % 288 < 12 { 5.0 } else { 0.0 } + 0.5 * normal(random);
        (0..2016).map(load).collect()
    };
    assert!(share(50, FIVE_MINUTES, narrow, |found| found == [288]) >= 0.95);
    for period in [144, 240] {
        let load = |at: usize, noise: f64| day(at as f64 / period as f64) + 0.1 * noise;
        let other = |random: &mut Pcg32| (0..2880).map(|at| load(at, normal(random))).collect();
        let right = share(50, FIVE_MINUTES, other, |found| {
            found.len() == 1 && found[0].abs_diff(period) <= 1
        });
        assert!(right >= 0.9, "{period}: {right}");
    }
}

#[test]
fn trends_steps_and_constants_are_no_season() {
    type Curve = fn(f64) -> f64;
    let curves: [Curve; 6] =
        [|_| 0.0, |_| 1e9, |x| 5.0 * x, |x| x * x, |x| libm::exp(3.0 * x), |x| -x * x * x];
    for (n, step) in [(2016, FIVE_MINUTES), (600, FIVE_MINUTES), (48, HOUR), (400, HOUR)] {
        for (which, curve) in curves.iter().enumerate() {
            let values: Vec<_> = (0..n).map(|at| curve(at as f64 / n as f64)).collect();
            assert_eq!(found(&values, step), [0; 0], "{which} of {n}");
            let mut random = Pcg32::new(7, which as u64);
            let noisy: Vec<_> = values.iter().map(|v| v + 1e-3 * normal(&mut random)).collect();
            assert_eq!(found(&noisy, step), [0; 0], "{which} of {n} with noise");
        }
        let shift = |random: &mut Pcg32| {
            let when = uniform(random);
            let load = |at: usize| f64::from(u8::from(at as f64 > when * n as f64));
            (0..n).map(|at| load(at) + 0.1 * normal(random)).collect()
        };
        let wrong = share(200, step, shift, |found| !found.is_empty());
        assert!(wrong <= 0.06, "{n}: {wrong}");
    }
}

#[test]
fn spikes_gaps_a_trend_and_any_scale_hide_no_day() {
    let mut random = Pcg32::new(3, 5);
    let clean: Vec<_> =
        (0..2016).map(|at| day(at as f64 / 288.0) + 0.1 * normal(&mut random)).collect();
    let mut spiky = clean.clone();
    for at in [5, 100, 777, 1200, 1900] {
        spiky[at] = 1e12;
    }
    assert_eq!(found(&spiky, FIVE_MINUTES), [288]);
    let gaps: Vec<_> = (clean.iter().enumerate())
        .map(|(at, &v)| if at % 7 == 3 || (800..1100).contains(&at) { f64::NAN } else { v })
        .collect();
    assert_eq!(found(&gaps, FIVE_MINUTES), [288]);
    let rising: Vec<_> = clean.iter().enumerate().map(|(at, v)| v + at as f64 / 500.0).collect();
    assert_eq!(found(&rising, FIVE_MINUTES), [288]);
    for (scale, offset) in [(1e299, 0.0), (1e-300, 0.0), (-3.0, 0.0), (1.0, 1e6)] {
        let scaled: Vec<_> = clean.iter().map(|v| v * scale + offset).collect();
        assert_eq!(found(&scaled, FIVE_MINUTES), [288], "{scale} {offset}");
    }
}

#[test]
fn odd_histories_have_no_season_and_break_nothing() {
    let odd: [Vec<f64>; 8] = [
        vec![],
        vec![1.0],
        vec![f64::NAN; 3000],
        vec![f64::INFINITY; 300],
        vec![f64::MAX; 300],
        [f64::MAX, f64::MIN, f64::NAN, 0.0].repeat(2),
        (0..3000).map(|at| if at == 1500 { 1e12 } else { 0.0 }).collect(),
        (0..40).map(f64::from).collect(),
    ];
    for (which, values) in odd.iter().enumerate() {
        for step in [Duration::ZERO, Duration::from_millis(1), HOUR, HOUR.times(1000)] {
            assert_eq!(found(values, step), [0; 0], "{which} at {step}");
        }
    }
    let extremes = [f64::MAX, f64::MIN, 0.0, 5.0, 1e-300, -1.0].repeat(50);
    assert_eq!(found(&extremes, HOUR), [6]);
}

#[test]
fn a_day_in_steps_that_do_not_divide_it_is_found() {
    let step = Duration::from_secs(420);
    let mut random = Pcg32::new(3, 5);
    let values: Vec<_> =
        (0..1500).map(|at| day(at as f64 * 420.0 / 86_400.0) + 0.1 * normal(&mut random)).collect();
    let found = seasons(&values, step, &SeasonSettings::default()).expect("defaults hold");
    assert_eq!(found.len(), 1);
    assert!((found[0].period_steps - 86_400.0 / 420.0).abs() < 1e-9, "{found:?}");
}

/// The probability is what shuffling gives: each cycle rolled by a random phase.
#[test]
fn the_probability_is_that_of_shuffles() {
    const PERIOD: usize = 24;
    const N_SHUFFLES: usize = 200;
    let mut cells = Cells::default();
    let mut random = Pcg32::new(11, 5);
    let (mut bias, mut apart, mut n) = (0.0, 0.0, 0.0);
    for strength in [0.0, 0.0, 0.1, 0.2, 0.3, 2.0].repeat(10) {
        let noise = red(10 * PERIOD, 0.5, &mut random);
        let grid: Vec<_> = (noise.iter().enumerate())
            .map(|(at, noise)| noise + strength * 4.0 * day(at as f64 / PERIOD as f64))
            .collect();
        let ours = fold(&grid, PERIOD as f64, &mut cells).expect("ten cycles").p_value;
        let mut shuffled = grid.clone();
        let as_alike = (0..N_SHUFFLES).filter(|_| {
            shuffled.copy_from_slice(&grid);
            for cycle in shuffled.chunks_exact_mut(PERIOD) {
                cycle.rotate_left((uniform(&mut random) * PERIOD as f64) as usize);
            }
            fold(&shuffled, PERIOD as f64, &mut cells).expect("ten cycles").p_value <= ours
        });
        let theirs = (1 + as_alike.count()) as f64 / (1 + N_SHUFFLES) as f64;
        assert!(strength < 2.0 || ours.max(theirs) < 0.01, "{ours} {theirs}");
        bias += ours - theirs;
        apart += (ours - theirs).abs();
        n += 1.0;
    }
    assert!((bias / n).abs() < 0.1 && apart / n < 0.12, "{} {}", bias / n, apart / n);
}

#[test]
fn settings_out_of_range_are_refused() {
    for (text, path) in [
        (r#"{"significance": 0}"#, "significance"),
        (r#"{"significance": 0.6}"#, "significance"),
        (r#"{"min_strength": 1}"#, "min_strength"),
        (r#"{"min_strength": -0.1}"#, "min_strength"),
    ] {
        let settings: SeasonSettings = serde_json::from_str(text).expect("of the right types");
        assert_eq!(SeasonFinder::new(settings).expect_err(text).path(), path);
    }
    assert!(SeasonWatch::new(Duration::ZERO).is_err());
}

fn watched(watch: &mut SeasonWatch, loads: impl Iterator<Item = f64>) -> Vec<(usize, Vec<usize>)> {
    let mut finder = SeasonFinder::new(SeasonSettings::default()).expect("defaults hold");
    let mut looks = Vec::new();
    for (at, load) in loads.enumerate() {
        if watch.observe(Some(load), &mut finder) {
            looks.push((at, watch.seasons().iter().map(Season::steps).collect()));
        }
    }
    looks
}

#[test]
fn a_watch_finds_the_day_after_two_and_the_week_after_two_and_forgets_what_ends() {
    let mut watch = SeasonWatch::new(Duration::from_secs(60)).expect("a step");
    let mut random = Pcg32::new(1, 5);
    let mut load = |minute: usize| {
        let works = if minute % 10_080 < 7200 { 1.0 } else { 0.6 };
        works * day(minute as f64 / 1440.0) * (1.0 + 0.05 * normal(&mut random))
    };
    let looks = watched(&mut watch, (0..4 * 10_080).map(&mut load));
    let first = |period: usize| {
        let look = looks.iter().find(|(_, found)| found.contains(&period));
        look.map_or(usize::MAX, |&(at, _)| at)
    };
    assert!((2880..4 * 1440).contains(&first(1440)), "{}", first(1440));
    assert!((2 * 10_080..3 * 10_080).contains(&first(10_080)), "{}", first(10_080));
    assert!(looks.len() < 60, "{}", looks.len());
    let wrong = looks.iter().filter(|(at, found)| *at < 2880 && !found.is_empty());
    assert_eq!(wrong.count(), 0, "{looks:?}");
    // Five weeks of noise later nothing is left of it.
    let mut random = Pcg32::new(2, 5);
    watched(&mut watch, (0..10 * 10_080).map(|_| 0.5 + 0.1 * normal(&mut random)));
    assert_eq!(watch.seasons(), []);
}

#[test]
fn a_snapshot_of_a_watch_goes_on_and_a_damaged_one_is_refused() {
    let mut finder = SeasonFinder::new(SeasonSettings::default()).expect("defaults hold");
    let mut watch = SeasonWatch::new(FIVE_MINUTES).expect("a step");
    let mut random = Pcg32::new(1, 5);
    let mut load =
        |at: usize| (at % 50 > 2).then(|| day(at as f64 / 288.0) + 0.1 * normal(&mut random));
    for at in 0..1500 {
        watch.observe(load(at), &mut finder);
    }
    let text = serde_json::to_string(&watch).expect("a snapshot");
    let mut restored: SeasonWatch = serde_json::from_str(&text).expect("its own snapshot");
    for at in 1500..2500 {
        assert!(restored == watch, "at {at}");
        let load = load(at);
        watch.observe(load, &mut finder);
        restored.observe(load, &mut finder);
    }
    assert_eq!(watch.seasons()[0].steps(), 288);
    for (from, to) in [
        (r#""width":2"#, r#""width":3"#),
        (r#""step":"5m""#, r#""step":"0s""#),
        (r#""n_seen":1500"#, r#""n_seen":15000000"#),
        (r#""strength":0."#, r#""strength":4."#),
    ] {
        let damaged = text.replace(from, to);
        assert!(damaged != text, "{from}");
        assert!(serde_json::from_str::<SeasonWatch>(&damaged).is_err(), "{to}");
    }
}
