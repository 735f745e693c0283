//! A number that comes again and again where it used to change.
//!
//! In: numbers as their source gave them. Out: whether one has come again for longer than this metric
//! ever kept one; a source that is read four times a minute and moves once gives each four times.

use serde::{Deserialize, Serialize};

use super::Config;
use super::judge::Finding;
use crate::time::{Duration, Timestamp};

/// Fewer equal numbers in a row are never stuck.
const LEAST_REPEATS: f64 = 10.0;
/// Stuck is what lasts so many times as long as the longest that was usual.
const FACTOR: f64 = 2.0;
/// What one run can add to the longest one known.
const GROWTH: f64 = 1.3;
const MARGIN: f64 = 2.0;

/// The runs of equal numbers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stuck {
    value: f64,
    /// How often it has come in a row.
    repeats: u32,
    /// Since when that is too often, if it is.
    since: Option<Timestamp>,
    /// The longest run of late; it fades.
    longest: f64,
    n_changes: u32,
    /// Whether this run was taken for true after all.
    is_accepted: bool,
}

impl Stuck {
    pub(super) fn is_sound(&self) -> bool {
        let numbers = [self.value, self.longest];
        numbers.iter().all(|number| number.is_finite() && *number >= 0.0)
    }

    pub(super) fn rebase(&mut self, at: Timestamp) {
        self.since = self.since.map(|_| at);
    }

    /// Whether the number is that of before, and what is found if it has come too often. At the
    /// bounds of what a metric shows, it is never stuck.
    pub(super) fn see(
        &mut self,
        at: Timestamp,
        value: f64,
        at_bound: bool,
        forget: f64,
        settings: &Config,
    ) -> (bool, Option<Finding>) {
        self.longest *= 1.0 - forget;
        if value != self.value || self.repeats == 0 {
            // A run that ended by itself tells how long they are, unless it was a fault.
            let run = f64::from(self.repeats);
            self.longest = self.longest.max(run.min(GROWTH * self.longest + MARGIN));
            self.n_changes = self.n_changes.saturating_add(1);
            (self.value, self.repeats, self.since, self.is_accepted) = (value, 1, None, false);
            return (false, None);
        }
        self.repeats = self.repeats.saturating_add(1);
        let most = (FACTOR * self.longest + MARGIN).max(LEAST_REPEATS);
        if at_bound
            || self.is_accepted
            || self.n_changes < settings.samples
            || f64::from(self.repeats) <= most
        {
            return (true, None);
        }
        let since = *self.since.get_or_insert(at);
        let waited = at.since(since).as_millis() - settings.accept_stuck_after.as_millis();
        if waited >= 0 {
            self.is_accepted = true;
            self.longest = self.longest.max(f64::from(self.repeats));
            return (true, None);
        }
        let left = Duration::from_millis((-waited).min(i64::from(u32::MAX)) as u32);
        (true, Some(Finding::Stuck { repeats: self.repeats, most: most as u32, left }))
    }
}
