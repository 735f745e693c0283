use super::*;
use crate::forecast::testing::uniform;

const TERMS: Terms = Terms { min_skill: 0.0, ahead: 1, step: Duration::from_secs(300) };
const DAY_STEPS: usize = 288;

/// The same of point and quantile.
fn both(loss: f64) -> Losses {
    Losses { point: loss, quantile: loss }
}

/// Feeds a gate losses that vary by chance, the references' each times what `worth` says of the
/// step; tells when it was open.
fn opened(n: usize, seed: u64, worth: impl Fn(usize) -> [f64; 2]) -> (Gate, Vec<bool>) {
    let (mut gate, mut random) = (Gate::new(), uniform(seed));
    let mut open = Vec::new();
    for step in 0..n {
        let others = worth(step).map(|worth| Some(both(worth * random())));
        gate.judge(TERMS, both(random()), others);
        open.push(gate.check(TERMS, step as u64).is_ok());
    }
    (gate, open)
}

#[test]
fn opens_by_evidence_closes_without_and_opens_again() {
    let bad = 10 * DAY_STEPS..11 * DAY_STEPS;
    let worth = |step| if bad.contains(&step) { [0.5; 2] } else { [1.4; 2] };
    let (gate, open) = opened(20 * DAY_STEPS, 1, worth);
    let first = open.iter().position(|&open| open).expect("it opens");
    let least = Gate::LEAST as usize * TERMS.block() as usize;
    assert!((least - 1..DAY_STEPS).contains(&first), "{first}");
    let changes: Vec<_> = (1..open.len()).filter(|&at| open[at] != open[at - 1]).collect();
    assert_eq!(changes.len(), 3, "opens, closes, opens: {changes:?}");
    assert!(bad.contains(&changes[1]) && changes[2] > bad.end, "{changes:?}");
    assert!((gate.skill() - 0.286).abs() < 0.1, "{}", gate.skill()); // 1 - 1 / 1.4
}

#[test]
fn what_is_no_better_is_hardly_ever_believed() {
    let share = |worth: [f64; 2]| {
        let (_, open) = opened(1000 * DAY_STEPS, 2, |_| worth);
        open.iter().filter(|&&open| open).count() as f64 / open.len() as f64
    };
    assert!(share([1.0; 2]) < 0.02);
    // It is worth nothing to be better than one of two.
    let (one, other) = (share([9.0, 1.0]), share([1.0, 9.0]));
    assert!(one < 0.08 && other < 0.08, "{one} {other}");
}

#[test]
fn what_is_a_little_better_always_is_believed_in_the_end() {
    let (_, open) = opened(40 * DAY_STEPS, 7, |_| [1.2; 2]);
    let late = &open[10 * DAY_STEPS..];
    let share = late.iter().filter(|&&open| open).count() as f64 / late.len() as f64;
    assert!(share > 0.95, "{share}");
}

/// A day of being worse takes the evidence away; to be much better since is seen within hours.
#[test]
fn what_has_become_much_better_need_not_wait_for_a_day() {
    let turns = 5 * DAY_STEPS;
    let (_, open) =
        opened(turns + DAY_STEPS, 8, |step| if step < turns { [0.7; 2] } else { [9.0; 2] });
    assert!(!open[..turns].contains(&true));
    let first = open[turns..].iter().position(|&open| open).expect("it opens");
    assert!(first < DAY_STEPS / 4, "{first}");
}

#[test]
fn who_falls_far_behind_is_out_within_two_hours_and_one_block_is_forgiven() {
    let turns = 5 * DAY_STEPS;
    for (n_blocks, closes) in [(1, false), (4, true)] {
        let bad = turns..turns + n_blocks * TERMS.block() as usize;
        let (mut gate, mut random) = (Gate::new(), uniform(9));
        let mut open = Vec::new();
        for step in 0..turns + 24 {
            let own = if bad.contains(&step) { 30.0 } else { 1.0 };
            let others = [(); 2].map(|()| Some(both(3.0 * random())));
            gate.judge(TERMS, Losses { point: own * random(), quantile: random() }, others);
            open.push(gate.check(TERMS, step as u64).is_ok());
        }
        assert!(open[turns - 1]);
        assert_eq!(open[turns..].contains(&false), closes, "{n_blocks}");
    }
}

#[test]
fn the_reason_names_the_reference_it_lost_to() {
    for (worth, name) in [([0.97, 2.0], "\"as now\""), ([2.0, 0.97], "the level of the load")] {
        let (gate, _) = opened(5 * DAY_STEPS, 3, |_| worth);
        let reason = gate.check(TERMS, 1440).expect_err(name);
        assert_eq!(reason.code(), codes::NO_SKILL.name());
        assert!(reason.to_string().contains(name), "{reason}");
        let skills = ["skill_as_now", "skill_level"].map(|name| reason.fact(name));
        assert_eq!(reason.fact("skill"), skills.into_iter().flatten().reduce(f64::min), "{reason}");
    }
}

#[test]
fn the_reason_tells_what_is_lacking() {
    let told = |point: f64, quantile: f64| {
        let (mut gate, mut random) = (Gate::new(), uniform(10));
        for _ in 0..5 * DAY_STEPS {
            let other = Losses { point: point * random(), quantile: quantile * random() };
            gate.judge(TERMS, both(random()), [Some(both(9.0)), Some(other)]);
        }
        gate.check(TERMS, 1440).expect_err("it is no better").to_string()
    };
    assert!(told(1.04, 2.0).contains("not lately proved better than the level"));
    assert!(told(2.0, 0.5).contains("worth less than that of the level"));
    assert!(told(0.5, 2.0).contains("fallen behind the level"));
}

#[test]
fn before_enough_blocks_it_asks_for_history() {
    let (gate, open) = opened(30, 4, |_| [9.0; 2]);
    assert!(!open.contains(&true));
    let reason = gate.check(TERMS, 30).expect_err("five blocks of six steps");
    assert_eq!(reason.code(), codes::TOO_LITTLE_HISTORY.name());
    assert_eq!(reason.fact("needed_samples"), Some(30.0 + 3.0 * 6.0));
}

#[test]
fn where_nobody_errs_there_is_no_skill() {
    let mut gate = Gate::new();
    for _ in 0..DAY_STEPS {
        gate.judge(TERMS, both(0.0), [Some(both(0.0)); 2]);
    }
    let reason = gate.check(TERMS, 288).expect_err("a constant load needs no forecast");
    assert_eq!((reason.code(), reason.fact("skill")), ("no_skill", Some(0.0)));
}

#[test]
fn a_spike_is_one_piece_of_evidence_and_leaves_numbers() {
    let mut random = uniform(5);
    let (mut gate, _) = opened(5 * DAY_STEPS, 6, |_| [1.0; 2]);
    gate.judge(TERMS, both(0.0), [Some(both(1e300)); 2]);
    for step in 0..4 * DAY_STEPS {
        gate.judge(TERMS, both(random()), [(); 2].map(|()| Some(both(random()))));
        assert!(gate.check(TERMS, 1440).is_err(), "{step} steps after");
    }
    assert!(gate.is_whole());
    let text = serde_json::to_string(&gate).expect("JSON");
    assert_eq!(serde_json::from_str::<Gate>(&text).expect("its own"), gate);
}
