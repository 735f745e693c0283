use super::*;
use crate::testing::uniform;

/// Standard normal numbers (Box and Muller 1958).
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

/// A group of `n` members under one load that comes and goes; each wanders by itself with memory
/// `wander` (0: none). From `fault` on member 3 lies `off` deviations off. Calls with each answer.
fn run(
    (seed, n, n_ticks, wander): (u64, usize, usize, f64),
    (fault, off): (usize, f64),
    mut told: impl FnMut(usize, &[Peer]),
) {
    let (mut peers, mut noise) = (Peers::new(Config::default()).expect("settings"), normal(seed));
    let names: Vec<_> = (0..n).map(|member| format!("web-{member}")).collect();
    let mut apart = vec![0.0; n];
    for tick in 0..n_ticks {
        let load = 60.0 + 30.0 * libm::sin(tick as f64 / 229.0);
        for apart in &mut apart {
            *apart = wander * *apart + (1.0 - wander * wander).sqrt() * noise();
        }
        let reading = |member: usize| {
            let fault = if member == 3 && tick >= fault { off } else { 0.0 };
            load + 2.0 * (apart[member] + fault)
        };
        let readings: Vec<_> =
            (0..n).map(|member| (names[member].as_str(), Some(reading(member)))).collect();
        if let Ok(odd) = peers.see(at(tick), &readings) {
            told(tick, odd);
        }
    }
}

#[test]
fn a_fault_of_three_deviations_among_ten_is_found_within_five_ticks() {
    // Its first tick, and five more.
    let (mut n_found, n_runs) = (0, 1_000);
    for seed in 0..n_runs {
        let mut found = None;
        let off = if seed % 2 == 0 { 3.0 } else { -3.0 };
        run((seed + 1, 10, 306, 0.0), (300, off), |tick, odd| {
            if tick >= 300 && odd.iter().any(|peer| peer.name == "web-3") {
                found = found.or(Some(tick));
            }
        });
        n_found += u32::from(found.is_some());
    }
    let share = f64::from(n_found) / n_runs as f64;
    assert!(share >= 0.95, "{share}");
}

#[test]
fn chance_alone_is_told_as_rarely_as_was_asked_for() {
    for (wander, n_days) in [(0.0, 300), (0.5, 150), (0.9, 150)] {
        let mut n_alarms = 0;
        run((7, 10, 1_440 * n_days, wander), (usize::MAX, 0.0), |tick, odd| {
            if tick > 5_760 {
                n_alarms += odd.iter().filter(|peer| peer.is_new).count();
            }
        });
        let rate = n_alarms as f64 / (n_days - 4) as f64;
        assert!(rate <= if wander == 0.0 { 0.02 } else { 0.1 }, "wander {wander}: {rate}");
    }
}

#[test]
fn one_wild_tick_is_no_fault_and_a_member_that_is_mended_is_told_no_more() {
    let mut told = Vec::new();
    run((3, 8, 300, 0.0), (290, 50.0), |tick, odd| {
        told.extend(odd.iter().map(|peer| (tick, peer.is_new)));
    });
    let ticks: Vec<_> = told.iter().map(|&(tick, _)| tick).collect();
    assert_eq!(ticks, (292..300).collect::<Vec<_>>());
    assert_eq!(told.iter().filter(|(_, is_new)| *is_new).count(), 1);

    let mut peers = Peers::new(Config::default()).expect("settings");
    let mut noise = normal(5);
    let mut last_odd = 0;
    for tick in 0..400 {
        let broken = if (200..300).contains(&tick) { 9.0 } else { 0.0 };
        let readings: Vec<_> = (0..6)
            .map(|member| {
                let fault = if member == 2 { broken } else { 0.0 };
                (member.to_string(), Some(noise() + fault))
            })
            .collect();
        if peers.see(at(tick), &readings).is_ok_and(|odd| !odd.is_empty()) {
            last_odd = tick;
        }
    }
    assert!((299..310).contains(&last_odd), "{last_odd}");
}

#[test]
fn replicas_may_come_and_go() {
    let mut peers = Peers::new(Config::default()).expect("settings");
    let mut noise = normal(9);
    for tick in 0..1_000 {
        let first = tick / 10; // one is replaced every ten minutes
        let readings: Vec<_> = (first..first + 10)
            .map(|member| {
                let name = format!("pod-{member}");
                (name, (member % 7 != 6 || tick % 3 > 0).then(|| 50.0 + noise()))
            })
            .collect();
        let odd = peers.see(at(tick), &readings);
        assert!(odd.as_ref().map_or(true, |odd| odd.is_empty()), "{tick}: {odd:?}");
        assert!(peers.members.len() < 30);
    }
    let few = [("a", Some(1.0)), ("b", Some(1.0)), ("c", None), ("d", Some(f64::NAN))];
    assert_eq!(peers.see(at(1_000), &few).expect_err("too few").code(), "too_few_peers");
}

#[test]
fn two_kinds_of_members_are_no_odd_ones() {
    let mut peers = Peers::new(Config::default()).expect("settings");
    let mut noise = normal(11);
    for tick in 0..300 {
        let kind = |member: usize| if member % 5 < 3 { 100.0 } else { 10.0 };
        let readings: Vec<_> =
            (0..10).map(|member| (member.to_string(), Some(kind(member) + noise()))).collect();
        let odd = peers.see(at(tick), &readings);
        assert!(odd.as_ref().map_or(true, |odd| odd.is_empty()), "{tick}: {odd:?}");
    }
}

#[test]
fn restored_at_any_tick_it_goes_on_the_same_whatever_comes() {
    let mut peers = Peers::new(Config::default()).expect("settings");
    let (mut noise, mut n_odd) = (normal(13), 0);
    for tick in 0..600 {
        let readings: Vec<_> = (0..6)
            .map(|member| {
                let value = match (tick * 7 + member * 13) % 97 {
                    0 => f64::NAN,
                    1 => 1e300,
                    2 => -1e300,
                    _ if member == 1 && tick > 300 => 9.0,
                    _ => noise(),
                };
                (member.to_string(), Some(value))
            })
            .collect();
        let text = serde_json::to_string(&peers).expect("it can be written");
        let mut twin: Peers = serde_json::from_str(&text).expect("its own text");
        let one = format!("{:?}", peers.see(at(tick), &readings));
        n_odd += usize::from(one.contains("Above"));
        assert_eq!(one, format!("{:?}", twin.see(at(tick), &readings)));
        assert_eq!(serde_json::to_string(&peers).ok(), serde_json::to_string(&twin).ok());
    }
    assert!(n_odd > 100, "{n_odd}");
}

#[test]
fn settings_out_of_range_and_damaged_states_are_refused() {
    for (text, field) in [
        (r#"{"least_members": 3}"#, "least_members"),
        (r#"{"least_ticks": 0}"#, "least_ticks"),
        (r#"{"false_alarms_per_day": 0}"#, "false_alarms_per_day"),
    ] {
        let settings = serde_json::from_str(text).expect("settings");
        assert_eq!(Peers::new(settings).expect_err(text).path(), field);
    }
    let text = serde_json::to_string(&Peers::new(Config::default()).expect("settings"));
    let damaged = text.expect("a text").replace("\"variance\":0.0", "\"variance\":-1.0");
    assert!(serde_json::from_str::<Peers>(&damaged).is_err());
}
