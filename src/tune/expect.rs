//! How sure the figures of a setting are.
//!
//! In: what happened on each day. Out: means with intervals. Days are drawn with replacement, whole
//! (block bootstrap; Kunsch 1989), as minutes of one day hang together and those of two hardly do.

use rand_pcg::Pcg32;
use serde::Serialize;

use super::options::{Objective, Outcome, by_badness};
use super::space::uniform;
use crate::sim::Span;

/// A figure and the interval that it lies in with the confidence of the options.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// As it came out.
    pub mean: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// What is to be expected of a setting: its figures on days on which it was not chosen.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Expected {
    /// Share of the minutes in violation, 0 to 1.
    pub violation_share: Estimate,
    /// Replica-hours a day.
    pub replica_hours_per_day: Estimate,
    /// The share of the current settings' total (see the objective) that it saves, drawn on the same
    /// days; without a price per violation it is of the cost alone.
    pub saved_share: Estimate,
}

/// How often days are drawn.
const DRAWS: usize = 1000;

/// The same where many settings are held against the current ones.
const FEWER: usize = 200;

/// Settings that are, at most: the best ones.
const MOST_ASKED: usize = 256;

/// As many days as there are, each drawn from all of them.
fn days(n: usize, random: &mut Pcg32) -> Vec<usize> {
    (0..n).map(|_| ((uniform(random) * n as f64) as usize).min(n - 1)).collect()
}

/// The outcome over some spans.
pub(super) fn outcome<'a>(spans: impl IntoIterator<Item = &'a Span>) -> Outcome {
    let mut sum = Span::default();
    for span in spans {
        sum.violation_minutes += span.violation_minutes;
        sum.minutes += span.minutes;
        sum.replica_hours += span.replica_hours;
    }
    let minutes = sum.minutes.max(f64::MIN_POSITIVE);
    Outcome {
        violation_share: (sum.violation_minutes / minutes).min(1.0),
        replica_hours_per_day: sum.replica_hours / minutes * 1440.0,
    }
}

/// What to expect, from the spans of a setting and those of the current ones at the same time.
pub(super) fn expected(
    spans: &[Span],
    current: &[Span],
    objective: Objective,
    confidence: f64,
    seed: u64,
) -> Expected {
    let usual = outcome(current).replica_hours_per_day;
    let figures = |own: &Outcome, other: &Outcome| {
        let price = match objective {
            Objective::LeastTotal { violation_price } => violation_price,
            Objective::LeastCost { .. } | Objective::LeastViolations { .. } => 0.0,
        };
        let total = |outcome: &Outcome| {
            outcome.replica_hours_per_day + price * outcome.violation_share * usual
        };
        let of = total(other);
        let saved = if of > 0.0 { 1.0 - total(own) / of } else { 0.0 };
        [own.violation_share, own.replica_hours_per_day, saved]
    };
    let means = figures(&outcome(spans), &outcome(current));
    let mut random = Pcg32::new(seed, 11);
    let mut drawn = vec![[0.0; 3]; DRAWS];
    for figure in &mut drawn {
        let days = days(spans.len(), &mut random);
        let own = outcome(days.iter().map(|&day| &spans[day]));
        let other = outcome(days.iter().filter_map(|&day| current.get(day)));
        *figure = figures(&own, &other);
    }
    let tail = (1.0 - confidence) / 2.0;
    let estimate = |which: usize| {
        let mut numbers: Vec<f64> = drawn.iter().map(|figures| figures[which]).collect();
        numbers.sort_by(f64::total_cmp);
        let at = |share: f64| numbers[((share * DRAWS as f64) as usize).min(DRAWS - 1)];
        Estimate { mean: means[which], low: at(tail), high: at(1.0 - tail) }
    };
    Expected {
        violation_share: estimate(0),
        replica_hours_per_day: estimate(1),
        saved_share: estimate(2),
    }
}

/// How bad a setting was over some of its spans.
fn badness(spans: &[Span], days: &[usize], objective: Objective, usual: f64) -> (f64, f64) {
    objective.badness(&outcome(days.iter().map(|&day| &spans[day])), usual)
}

/// The number of who is surest to be better by the objective than the current settings, which come first: who
/// gains most at the end of the interval where it gains least. The current ones where nobody gains there.
pub(super) fn surest(
    all: &[(usize, &[Span])],
    objective: Objective,
    confidence: f64,
    seed: u64,
) -> usize {
    let Some((&(first, current), others)) = all.split_first() else { return 0 };
    let usual = outcome(current).replica_hours_per_day;
    // Who is far from the best cannot be.
    let mut others: Vec<_> = others
        .iter()
        .map(|&(id, spans)| (objective.badness(&outcome(spans), usual), id, spans))
        .collect();
    others.sort_by(|(one, ..), (other, ..)| by_badness(one, other));
    others.truncate(MOST_ASKED);
    let mut random = Pcg32::new(seed, 17);
    let drawn: Vec<_> = (0..FEWER).map(|_| days(current.len(), &mut random)).collect();
    let bad = |spans| drawn.iter().map(move |days| badness(spans, days, objective, usual));
    let now: Vec<_> = bad(current).collect();
    let end = (((1.0 + confidence) / 2.0 * FEWER as f64) as usize).min(FEWER - 1);
    let worse_by = |spans| {
        let mut worse: Vec<_> =
            bad(spans).zip(&now).map(|(own, now)| (own.0 - now.0, own.1 - now.1)).collect();
        worse.sort_by(by_badness);
        worse[end]
    };
    let all = others.into_iter().map(|(_, id, spans)| (id, worse_by(spans)));
    let all = std::iter::once((first, (0.0, 0.0))).chain(all);
    all.min_by(|(_, one), (_, other)| by_badness(one, other)).map_or(first, |(id, _)| id)
}

/// The share of draws of the same spans in which the first are better by the objective.
pub(super) fn chance_better(
    spans: &[Span],
    current: &[Span],
    objective: Objective,
    seed: u64,
) -> f64 {
    let usual = outcome(current).replica_hours_per_day;
    let n = spans.len().min(current.len());
    let mut random = Pcg32::new(seed, 13);
    let n_better = (0..DRAWS).filter(|_| {
        let days = days(n, &mut random);
        let [own, other] = [spans, current].map(|spans| badness(spans, &days, objective, usual));
        own < other
    });
    n_better.count() as f64 / DRAWS as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(violated: &[f64]) -> Vec<Span> {
        let day = |&violation_minutes: &f64| Span {
            violation_minutes,
            minutes: 1440.0,
            replica_hours: 240.0,
        };
        violated.iter().map(day).collect()
    }

    #[test]
    fn days_that_are_alike_leave_no_doubt_and_others_do() {
        let calm = days(&[14.4; 7]);
        let told = expected(&calm, &calm, Objective::default(), 0.9, 1);
        let share = told.violation_share;
        for number in [share.mean, share.low, share.high] {
            assert!((number - 0.01).abs() < 1e-12, "{share:?}");
        }
        assert_eq!(told.saved_share.mean, 0.0);
        let wild = expected(
            &days(&[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 100.8]),
            &calm,
            Objective::default(),
            0.9,
            1,
        );
        let share = wild.violation_share;
        assert!((share.mean - 0.01).abs() < 1e-12 && share.low == 0.0 && share.high > 0.02);
    }

    /// Of 14 days from the same population the interval holds the truth about as often as it says.
    #[test]
    fn intervals_hold_the_truth_as_often_as_they_say() {
        let mut random = crate::testing::uniform(5);
        let (mut held, n) = (0, 200);
        for _ in 0..n {
            let violated: Vec<f64> = (0..14).map(|_| 20.0 * random()).collect();
            let spans = days(&violated);
            let share = expected(&spans, &spans, Objective::default(), 0.9, 1).violation_share;
            held += usize::from((share.low..=share.high).contains(&(10.0 / 1440.0)));
        }
        assert!((0.8..=0.97).contains(&(f64::from(held as u32) / f64::from(n))), "{held} of {n}");
    }

    /// As good is not better, on each day better is so for sure, and on half of them about a coin's throw.
    #[test]
    fn the_chance_to_be_better_is_that_of_the_draws() {
        let calm = days(&[10.0; 8]);
        let chance =
            |violated: &[f64]| chance_better(&days(violated), &calm, Objective::default(), 1);
        assert_eq!(chance(&[10.0; 8]), 0.0);
        assert_eq!(chance(&[9.0; 8]), 1.0);
        let half = chance(&[9.0, 11.0, 9.0, 11.0, 9.0, 11.0, 9.0, 11.0]);
        assert!((0.3..0.5).contains(&half), "{half}");
        // What must be kept goes before what is to be least.
        let objective = Objective::LeastCost { violation_share: 0.01 };
        assert_eq!(chance_better(&days(&[20.0; 8]), &calm, objective, 1), 0.0);
    }

    #[test]
    fn surest_is_who_gains_on_most_days_and_not_who_gains_most_on_one() {
        let now = days(&[10.0; 7]);
        let lucky = days(&[0.0, 0.0, 0.0, 10.0, 10.0, 11.0, 12.0]);
        let steady = days(&[9.0; 7]);
        let unsure = days(&[9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 20.0]);
        let surest = |others: &[(usize, &[Span])]| {
            let all: Vec<_> =
                std::iter::once((0, &now[..])).chain(others.iter().copied()).collect();
            surest(&all, Objective::default(), 0.9, 1)
        };
        assert!(outcome(&lucky).violation_share < outcome(&steady).violation_share);
        assert_eq!(surest(&[(3, &lucky), (5, &steady), (7, &unsure)]), 5);
        assert_eq!(surest(&[(7, &unsure), (8, &now)]), 0);
        assert_eq!(surest(&[]), 0);
    }

    /// What saves a tenth on each day saves it for sure, however the days differ.
    #[test]
    fn the_difference_is_drawn_on_the_same_days() {
        let current: Vec<Span> = (1..8)
            .map(|day| Span {
                violation_minutes: 0.0,
                minutes: 1440.0,
                replica_hours: f64::from(day) * 100.0,
            })
            .collect();
        let cheaper: Vec<Span> = current
            .iter()
            .map(|span| Span { replica_hours: 0.9 * span.replica_hours, ..*span })
            .collect();
        let saved = expected(&cheaper, &current, Objective::default(), 0.9, 1).saved_share;
        assert!((saved.low - 0.1).abs() < 1e-9 && (saved.high - 0.1).abs() < 1e-9, "{saved:?}");
    }
}
