//! Which seasons a load has, as far as its memory reaches.
//!
//! In: the coarse and the fine past. Out: a season and a longer one, and when to look again. Knows
//! nothing of forecasts.

use std::cell::RefCell;

use serde::{Deserialize, Serialize};

use super::track::Track;
use crate::series::{Season, SeasonFinder, SeasonSettings};
use crate::time::Duration;

/// The seasons that were found, in steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Seasons {
    /// The season whose profile is kept, as the day.
    pub(super) season: Option<usize>,
    /// A longer one, as the week: found, or seven times the day.
    pub(super) slow: Option<usize>,
}

thread_local! {
    /// Scratch of the search, for all series of a thread.
    static FINDER: RefCell<(SeasonFinder, Vec<f64>, Vec<f64>)> = RefCell::new((
        SeasonFinder::new(SeasonSettings::default()).expect("the defaults are in range"),
        Vec::new(),
        Vec::new(),
    ));
}

/// The seasons of a past in bins of `width` steps and in its last steps one by one.
pub(super) fn seasons(
    coarse: &Track,
    fine: &Track,
    width: usize,
    step: Duration,
    day: usize,
) -> Seasons {
    FINDER.with_borrow_mut(|(finder, bins, steps)| {
        coarse.unpack(bins);
        fine.unpack(steps);
        // Once a day is found what is faster is not asked for.
        let is_open = |found: &[Season]| chosen(found, day).season != Some(day);
        chosen(finder.find_in(bins, 1, width, steps, step, is_open), day)
    })
}

/// When to look again after `n` samples: four times as many each time up to two days, then half as
/// many again, and in the end whenever a quarter of what is remembered is new.
pub(super) fn next_look(n: u64, day: usize, reach: usize) -> u64 {
    let two_days = 2 * day as u64;
    if n < two_days { (4 * n).min(two_days) } else { n + (n / 2).min((reach / 4) as u64) }
}

/// Seasons are first looked for after so many samples.
pub(super) const FIRST_LOOK: u64 = 36;

/// The day where it or a multiple of it was found, else the strongest season; and a longer one
/// beside it. Beside a day the week, whose worth the forecasts themselves will show.
fn chosen(found: &[Season], day: usize) -> Seasons {
    let all = || found.iter().filter_map(|season| whole(season.period_steps));
    let is_day = |steps: usize| day >= 4 && steps.is_multiple_of(day);
    let season = if all().any(is_day) { Some(day) } else { all().next() };
    let longer = all().filter(|&steps| Some(steps) > season).max();
    let week = season.filter(|&season| season == day).map(|day| 7 * day);
    Seasons { season, slow: longer.or(week).filter(|_| season.is_some()) }
}

/// The period, or the fewest of it that are whole steps but for a fiftieth of a period.
fn whole(period: f64) -> Option<usize> {
    let many = (1..=6).map(|n| f64::from(n) * period);
    many.filter(|many| (many - many.round()).abs() <= 0.02 * period)
        .map(|many| many.round() as usize)
        .find(|&steps| steps >= 2)
}
