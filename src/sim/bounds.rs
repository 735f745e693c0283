//! What any policy lies between: the best constant size, and who knows what comes.
//!
//! In: a trace and a plant. Out: the scores of two deciders that no live system can be. Both go
//! through the same plant as a policy.

use serde::Serialize;

use super::replay::Scene;
use super::score::Score;
use crate::series::Observation;

/// The scores of the two bounds. Both begin with the size they like, ready, and heed no
/// `min_replicas` or `max_replicas`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Bounds {
    /// The size of [`constant`](Self::constant).
    pub constant_replicas: u32,
    /// The smallest size, found in hindsight, that never changes and violates in at most 1 % of
    /// the minutes. Where replicas crash, luck has a part in it: then a size that does while one
    /// replica fewer does not; if none up to twice the peak's need does, that one.
    pub constant: Score,
    /// Knows the trace and the longest start-up: has each replica ready when the load first needs
    /// it, and keeps it over a dip if that is cheaper than stopping and starting it.
    ///
    /// It is the cheapest plan with which no load ever waits, whatever the luck of the start-ups. It
    /// is no bound for those who let load wait: a policy that is in violation may be cheaper, and by
    /// a few percent one that makes use of `late_after` or of start-ups that happen to be short.
    /// Against crashes and faults it keeps no reserve.
    pub clairvoyant: Score,
}

/// The violations that the constant size may have, as a share of the minutes.
const ACCEPTED: f64 = 0.01;

impl Bounds {
    pub(super) fn of(scene: &Scene<'_>) -> Self {
        let (constant_replicas, constant) = constant(scene);
        Self { constant_replicas, constant, clairvoyant: clairvoyant(scene) }
    }
}

/// Bisects the size: with more replicas nothing waits longer, but for crashes.
fn constant(scene: &Scene<'_>) -> (u32, Score) {
    let play = |size: u32| scene.play(size, Observation::default(), |_, _| size, |_| {});
    let (mut low, mut high) = (0, scene.peak_need());
    let (mut best, most) = (play(high), high.saturating_mul(2));
    while best.violation_share() > ACCEPTED && high < most {
        low = high + 1;
        high = (high + high.div_ceil(8)).min(most);
        best = play(high);
    }
    while low < high {
        let middle = low + (high - low) / 2;
        let score = play(middle);
        if score.violation_share() <= ACCEPTED {
            (high, best) = (middle, score);
        } else {
            low = middle + 1;
        }
    }
    (high, best)
}

fn clairvoyant(scene: &Scene<'_>) -> Score {
    let plan = plan(scene);
    scene.play(plan[0], Observation::default(), |number, _| plan[number], |_| {})
}

/// The size to ask for at each tick.
fn plan(scene: &Scene<'_>) -> Vec<u32> {
    let settings = &scene.settings;
    let tick = settings.interval.as_secs_f64();
    // In time even if the start-up strays to the long side; ready at the start of the tick.
    let lead = (settings.longest_start_up_seconds() / tick).ceil() as usize;
    // Stopping and starting is paid for the grace and the lead, an idle replica for the dip.
    let restart = (settings.stop.as_secs_f64() / tick).floor() as usize + lead;
    let needs = &scene.needs;
    let n_ticks = needs.len();
    // Each layer is one replica: the k-th is needed while the load needs k. Layers lie inside each
    // other, so their sum is the size; marked by where one begins and ends.
    let mut changes = vec![0_i64; n_ticks + 1];
    let layers = needs.iter().copied().max().unwrap_or(0);
    // When each layer was needed last; the end of its stay so far.
    let mut until: Vec<Option<usize>> = vec![None; layers as usize];
    for (number, &need) in needs.iter().enumerate() {
        for end in &mut until[..need as usize] {
            match *end {
                Some(end) if number - end <= restart => {} // kept over the dip
                Some(end) => {
                    changes[end] -= 1;
                    changes[number.saturating_sub(lead)] += 1;
                }
                None => changes[number.saturating_sub(lead)] += 1,
            }
            *end = Some(number + 1);
        }
    }
    until.iter().flatten().for_each(|&end| changes[end] -= 1);
    let mut size = 0;
    let running = changes[..n_ticks].iter().map(|change| {
        size += change;
        u32::try_from(size).expect("a layer begins before it ends")
    });
    running.collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sim::{Settings, Trace};
    use crate::time::{Duration, Timestamp};

    fn trace(values: &[f64]) -> Trace {
        let minute = Duration::from_secs(60);
        Trace::new("t", Timestamp::from_secs(0), minute, values.to_vec()).unwrap()
    }

    fn settings() -> Settings {
        Settings { load_per_replica: Some(10.0), ..Settings::default() }
    }

    /// A lead of 2 minutes and a fifth are 10 ticks; stopping and starting costs 12.
    #[test]
    fn the_clairvoyant_is_in_time_and_keeps_a_replica_over_a_short_dip() {
        // 40 minutes to leave out; the scored 20: 4 of one replica, 1 of three, a dip of 2, 1 of
        // three, a dip of 8, 1 of three, 3 of one.
        let scored = [(4, 10.0), (1, 30.0), (2, 10.0), (1, 30.0), (8, 10.0), (1, 30.0), (3, 10.0)];
        let mut values = vec![10.0; 40];
        values.extend(scored.iter().flat_map(|&(minutes, load)| vec![load; minutes]));
        let trace = trace(&values);
        let scene = Scene::new(&trace, &settings()).unwrap();
        let sizes: Vec<_> =
            plan(&scene).chunk_by(|a, b| a == b).map(|run| (run[0], run.len())).collect();
        // The peak begins at tick 16; the second peak ends at tick 32, the third is 64 to 68.
        assert_eq!(sizes, [(1, 6), (3, 26), (1, 22), (3, 14), (1, 12)]);
        assert_eq!(clairvoyant(&scene).violation_minutes, 0.0);
    }

    #[test]
    fn the_constant_is_the_smallest_size_within_one_percent() {
        // 300 minutes, the last 100 scored: 99 need 2 replicas, one needs 5.
        let mut values = vec![20.0; 300];
        values[250] = 50.0;
        let trace = trace(&values);
        let scene = Scene::new(&trace, &settings()).unwrap();
        let (size, score) = constant(&scene);
        assert!(score.violation_share() <= ACCEPTED);
        let smaller = scene.play(size - 1, Observation::default(), |_, _| size - 1, |_| {});
        assert!(smaller.violation_share() > ACCEPTED);
        assert!(size > 2, "what waits in the peak is late in the minute after too");
    }

    #[test]
    fn the_constant_has_a_reserve_where_replicas_crash() {
        let trace = trace(&[40.0; 300]);
        let crashing = Settings { crashes_per_day: 24.0, ..settings() };
        let (size, score) = constant(&Scene::new(&trace, &crashing).unwrap());
        assert!(
            score.violation_share() <= ACCEPTED && (5..=8).contains(&size),
            "{size}: {score:?}"
        );
        // Where none suffices, it ends all the same.
        let hopeless = Settings { crashes_per_day: 1e6, ..settings() };
        assert_eq!(constant(&Scene::new(&trace, &hopeless).unwrap()).0, 8);
    }

    proptest! {
        #![proptest_config(crate::testing::cases(24))]

        /// Of all plans of seven ticks with up to two replicas, none that lets nothing wait is
        /// cheaper. Start-up and grace are whole ticks, and whatever waits is late.
        #[test]
        fn no_plan_without_waiting_is_cheaper_than_the_clairvoyant(
            needs in prop::collection::vec(0_u8..3, 7),
            start_up in 0_u32..4,
            stop in 0_u32..4,
        ) {
            let mut values: Vec<f64> = vec![0.0; 14];
            values.extend(needs.iter().map(|&need| 10.0 * f64::from(need)));
            let settings = Settings {
                interval: Duration::from_secs(60),
                start_up: Duration::from_secs(60 * start_up),
                start_up_jitter: 0.0,
                stop: Duration::from_secs(60 * stop),
                late_after: Duration::from_secs(0),
                ..settings()
            };
            let trace = trace(&values);
            let scene = Scene::new(&trace, &settings).unwrap();
            let clairvoyant = clairvoyant(&scene);
            prop_assert_eq!(clairvoyant.violation_minutes, 0.0);
            let mut least = f64::INFINITY;
            for plan in 0..3_u32.pow(7) {
                let size = |tick: usize| plan / 3_u32.pow(tick as u32) % 3;
                let score = scene.play(size(0), Observation::default(), |tick, _| size(tick), |_| {});
                // What waits at the end has escaped the count.
                if score.violation_minutes == 0.0 && needs[6] <= size(6) as u8 {
                    least = least.min(score.replica_hours);
                }
            }
            prop_assert!((clairvoyant.replica_hours - least).abs() < 1e-9, "{least} {clairvoyant:?}");
        }
    }
}
