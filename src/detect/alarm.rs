//! One alarm an event, and no more alarms than were asked for.
//!
//! In: digits of evidence, sample by sample. Out: a score, 0.5 and more for an alarm. Knows nothing
//! of what the evidence is of.

use serde::{Deserialize, Serialize};

/// Turns evidence into a score: new events only, on a budget.
///
/// A score fades from its event on, and what stays below it, or comes right after it, is the same
/// event. Alarms are paid from
/// a purse that fills by the budget; once it is empty, each further one must be stronger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Alarm {
    /// The last event's score as it has faded by now.
    told: f64,
    /// Samples for which the last alarm's event goes on, whatever comes.
    hold: u32,
    /// Alarms that may still be given; below 0 when too many were.
    purse: f64,
}

impl Alarm {
    /// Digits at which the score is one half.
    const HALF: f64 = 5.0;

    /// So much stronger must an event be than the last one, at once after it.
    const GAIN: f64 = 1.02;

    /// Samples in which what was told fades to a third.
    const MEMORY: f64 = 550.0;

    /// Samples after an alarm in which there is no other: an event often grows before it is over.
    const HOLD: u32 = 12;

    /// Alarms that a purse holds at most.
    const FULL: f64 = 5.0;

    /// By how much stronger the evidence must be for each alarm that was one too many.
    const DEARER: f64 = 1.2;

    pub(super) fn new() -> Self {
        Self { told: 0.0, hold: 0, purse: Self::FULL }
    }

    /// The score of evidence; `goes_on` while values stay abnormal, which is the same event; `income`
    /// is what the purse gains a sample.
    pub(super) fn score(&mut self, digits: f64, goes_on: bool, income: f64) -> f64 {
        let strict = if self.purse < 0.0 { libm::pow(Self::DEARER, -self.purse) } else { 1.0 };
        let score = digits / (digits + Self::HALF * strict);
        let is_new = score > self.told && self.hold == 0;
        self.hold = match self.hold {
            0 => 0,
            _ if goes_on => Self::HOLD,
            hold => hold - 1,
        };
        self.told = (self.told * (1.0 - 1.0 / Self::MEMORY)).max(score * Self::GAIN);
        self.purse = (self.purse + income).min(Self::FULL);
        if !is_new {
            return 0.5 * score;
        }
        if score >= 0.5 {
            self.purse -= 1.0;
            self.hold = Self::HOLD;
        }
        score
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_that_lasts_is_one_alarm() {
        let mut alarm = Alarm::new();
        let n_alarms = (0..200).filter(|_| alarm.score(8.0, false, 0.001) >= 0.5).count();
        assert_eq!(n_alarms, 1);
        // A far worse one in its midst is another.
        assert!(alarm.score(20.0, false, 0.001) >= 0.5);
    }

    #[test]
    fn the_budget_holds_however_restless_the_series_is() {
        let mut alarm = Alarm::new();
        // Once in two days, on five-minute samples, with a budget of one in ten days.
        let day = 288;
        let event = |index: usize| if index.is_multiple_of(2 * day) { 7.0 } else { 0.0 };
        let n_alarms = (0..400 * day)
            .filter(|&index| alarm.score(event(index), false, 0.1 / day as f64) >= 0.5)
            .count();
        // A full purse more, and the two or so by which it is overdrawn.
        assert!((40..=50).contains(&n_alarms), "{n_alarms}");
    }
}
