//! As many replicas as the same hours of the days before have needed.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::law;
use crate::explain::{Code, Reason, codes};
use crate::policy::{Policy, Proposal, View};
use crate::time::{Duration, Timestamp};

const PERIODIC_MAXIMUM: Code = Code::new(
    "periodic_maximum",
    "the highest load of the coming {ahead_seconds} s was {load} on the {n_days} days before, at {load_per_replica} a replica",
);

/// The highest load that past days have seen in the hour that comes: the maximum over the cycles of a
/// periodic series within the prediction window, as Crane predicts for its effective HPA.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct PeriodicMaximum {
    metric: String,
    load_per_replica: f64,
    /// The highest load of each minute, the oldest first, where there was one.
    minutes: VecDeque<Option<f64>>,
    /// The minute since the epoch that is the last of them.
    last: i64,
    /// The minute for which the maximum was found, and it.
    found: Option<(i64, f64)>,
}

const A_DAY: usize = 24 * 60;
/// Days that are looked back at.
const N_DAYS: usize = 7;
/// Minutes that are looked ahead.
const AHEAD: usize = 60;

impl PeriodicMaximum {
    /// `load_per_replica` is what a replica is to carry; the history ends where the replay begins.
    pub(super) fn new(
        metric: &str,
        load_per_replica: f64,
        step: Duration,
        history: impl Iterator<Item = (Timestamp, f64)>,
    ) -> Self {
        let minutes = VecDeque::with_capacity(N_DAYS * A_DAY + 1);
        let mut own =
            Self { metric: metric.into(), load_per_replica, minutes, last: i64::MIN, found: None };
        let a_minute = Duration::from_secs(60);
        for (at, load) in history {
            // The load within a step is level.
            (0..step.steps(a_minute).max(1) as i64)
                .for_each(|minute| own.record(at + a_minute.times(minute), load));
        }
        own
    }

    fn record(&mut self, at: Timestamp, load: f64) {
        let minute = at.as_millis().div_euclid(60_000);
        if self.minutes.is_empty() || minute - self.last > (N_DAYS * A_DAY) as i64 {
            self.minutes.clear();
            self.last = minute - 1;
        }
        while self.last < minute {
            self.minutes.push_back(None);
            self.last += 1;
            if self.minutes.len() > N_DAYS * A_DAY {
                self.minutes.pop_front();
            }
        }
        if let Some(newest) = self.minutes.back_mut() {
            *newest = Some(newest.map_or(load, |most| most.max(load)));
        }
    }

    /// The highest load of the past days in the minutes from `minute` on; `None` before a day is known.
    fn maximum(&self, minute: i64) -> Option<f64> {
        let mut most: Option<f64> = None;
        for days in 1..=N_DAYS {
            let first = minute - (days * A_DAY) as i64;
            for at in first..first + AHEAD as i64 {
                let back = self.last - at; // 0 is the newest
                let index = self.minutes.len() as i64 - 1 - back;
                let known = usize::try_from(index).ok().and_then(|at| self.minutes.get(at));
                if let Some(&Some(load)) = known {
                    most = Some(most.map_or(load, |most| most.max(load)));
                }
            }
        }
        most
    }
}

impl Policy for PeriodicMaximum {
    fn propose(&mut self, view: &View<'_>) -> Result<Proposal, Reason> {
        if let Ok(load) = view.value(&self.metric) {
            self.record(view.at, load);
        }
        let minute = view.at.as_millis().div_euclid(60_000);
        let load = match self.found {
            Some((of, load)) if of == minute => load,
            _ => {
                let facts =
                    [("n_samples", self.minutes.len() as f64), ("needed_samples", A_DAY as f64)];
                let short = || Reason::new(codes::TOO_LITTLE_HISTORY, facts);
                let load = self.maximum(minute).ok_or_else(short)?;
                self.found = Some((minute, load));
                load
            }
        };
        let n_days = (self.minutes.len() / A_DAY) as f64;
        let facts = [
            ("ahead_seconds", 60.0 * AHEAD as f64),
            ("load", load),
            ("n_days", n_days),
            ("load_per_replica", self.load_per_replica),
        ];
        Ok(law(load / self.load_per_replica, Reason::new(PERIODIC_MAXIMUM, facts)))
    }

    fn metric(&self) -> Option<&str> {
        Some(&self.metric)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_of_the_coming_hour_on_the_days_before_counts() {
        let hour = |hour: i64| Timestamp::from_secs(3600 * hour);
        // Two days by the hour, each as high as its hour, the second day ten higher.
        let history =
            (0..48).map(|at| (hour(at), f64::from(at as u32 % 24 + 10 * (at as u32 / 24))));
        let own = PeriodicMaximum::new("rps", 1.0, Duration::from_secs(3600), history);
        let at = |hour: i64, minute: i64| own.maximum(hour * 60 + minute);
        assert_eq!(at(48 + 5, 0), Some(15.0));
        assert_eq!(at(48 + 5, 1), Some(16.0)); // the hour ahead reaches into the next one
        assert_eq!(
            PeriodicMaximum::new("rps", 1.0, Duration::ZERO, std::iter::empty()).maximum(0),
            None
        );
    }
}
