use super::*;
use crate::forecast::testing::uniform;

const TERMS: Terms = Terms { min_skill: 0.0, ahead: 1, step: Duration::from_secs(300) };
const DAY_STEPS: usize = 288;

/// Feeds a gate losses that vary by chance, the references' each times what `worth` says of the
/// step; tells when it was open.
fn opened(n: usize, seed: u64, worth: impl Fn(usize) -> [f64; 3]) -> (Gate, Vec<bool>) {
    let (mut gate, mut random) = (Gate::new(), uniform(seed));
    let mut open = Vec::new();
    for step in 0..n {
        let others = worth(step).map(|worth| Some(worth * random()));
        gate.judge(TERMS, random(), others);
        open.push(gate.check(TERMS, step as u64).is_ok());
    }
    (gate, open)
}

#[test]
fn opens_by_evidence_closes_without_and_opens_again() {
    let bad = 10 * DAY_STEPS..11 * DAY_STEPS;
    let worth = |step| if bad.contains(&step) { [0.5; 3] } else { [1.4; 3] };
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
    let share = |worth: [f64; 3]| {
        let (_, open) = opened(1000 * DAY_STEPS, 2, |_| worth);
        open.iter().filter(|&&open| open).count() as f64 / open.len() as f64
    };
    assert!(share([1.0; 3]) < 0.02);
    // It is worth nothing to be better than two of three.
    let (one, other) = (share([9.0, 9.0, 1.0]), share([1.0, 9.0, 9.0]));
    assert!(one < 0.12 && other < 0.12, "{one} {other}");
    // Exactly as much better as it costs a reference to learn is the border.
    let border = share([1.005, 9.0, 9.0]);
    assert!((0.01..0.15).contains(&border), "{border}");
}

#[test]
fn the_reason_names_the_reference_it_lost_to() {
    for (worth, name) in [
        ([0.8, 2.0, 2.0], "\"as now\""),
        ([2.0, 0.8, 2.0], "the same time yesterday"),
        ([2.0, 2.0, 0.8], "the level of the load"),
    ] {
        let (gate, _) = opened(5 * DAY_STEPS, 3, |_| worth);
        let reason = gate.check(TERMS, 1440).expect_err(name);
        assert_eq!(reason.code(), codes::NO_SKILL.name());
        assert!(reason.to_string().contains(name), "{reason}");
        let skills =
            ["skill_as_now", "skill_yesterday", "skill_level"].map(|name| reason.fact(name));
        let least = skills.into_iter().flatten().reduce(f64::min);
        assert_eq!(reason.fact("skill"), least, "{reason}");
        assert!(least < Some(-0.1), "{reason}");
    }
}

#[test]
fn yesterday_counts_only_once_there_has_been_one() {
    let mut gate = Gate::new();
    for _ in 0..DAY_STEPS {
        gate.judge(TERMS, 1.0, [Some(2.0), None, Some(2.0)]);
    }
    assert!(gate.check(TERMS, 288).is_ok());
    // As good as yesterday is good enough: it is a forecast itself.
    for step in 0..3 * DAY_STEPS {
        gate.judge(TERMS, 1.0, [Some(2.0), Some(1.0), Some(2.0)]);
        assert!(gate.check(TERMS, 289).is_ok(), "{step}");
    }
    for _ in 0..DAY_STEPS {
        gate.judge(TERMS, 1.0, [Some(2.0), Some(0.5), Some(2.0)]);
    }
    assert!(gate.check(TERMS, 289).is_err());
}

#[test]
fn before_enough_blocks_it_asks_for_history() {
    let (gate, open) = opened(30, 4, |_| [9.0; 3]);
    assert!(!open.contains(&true));
    let reason = gate.check(TERMS, 30).expect_err("five blocks of six steps");
    assert_eq!(reason.code(), codes::TOO_LITTLE_HISTORY.name());
    assert_eq!(reason.fact("needed_samples"), Some(30.0 + 3.0 * 6.0));
}

#[test]
fn where_nobody_errs_there_is_no_skill() {
    let mut gate = Gate::new();
    for _ in 0..DAY_STEPS {
        gate.judge(TERMS, 0.0, [Some(0.0); 3]);
    }
    let reason = gate.check(TERMS, 288).expect_err("a constant load needs no forecast");
    assert_eq!((reason.code(), reason.fact("skill")), ("no_skill", Some(0.0)));
}

#[test]
fn a_spike_is_one_piece_of_evidence_and_leaves_numbers() {
    let mut random = uniform(5);
    let (mut gate, _) = opened(5 * DAY_STEPS, 6, |_| [1.0; 3]);
    gate.judge(TERMS, 0.0, [Some(1e300); 3]);
    for step in 0..4 * DAY_STEPS {
        gate.judge(TERMS, random(), [(); 3].map(|()| Some(random())));
        assert!(gate.check(TERMS, 1440).is_err(), "{step} steps after");
    }
    assert!(gate.is_whole());
    let text = serde_json::to_string(&gate).expect("JSON");
    assert_eq!(serde_json::from_str::<Gate>(&text).expect("its own"), gate);
}
