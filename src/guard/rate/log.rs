//! What has changed lately, in one direction.
//!
//! In: changes with their time. Out: their sum over a period. Slots are reused as the Kubernetes
//! HPA reuses them. Knows no limits.

use serde::{Deserialize, Serialize};

use crate::time::{Duration, Timestamp};

/// Changes in one direction; outdated ones give their slots to new ones.
///
/// ```
/// use forescale::guard::rate::log::EventLog;
/// use forescale::{Duration, Timestamp};
///
/// let mut log = EventLog::default();
/// let minute = Duration::from_secs(60);
/// log.record(Timestamp::from_secs(0), 7, minute);
/// log.record(Timestamp::from_secs(1), 5, minute);
/// // Exactly one period old is out.
/// assert_eq!(log.change_in(Timestamp::from_secs(60), minute), 5);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventLog {
    events: Vec<Event>,
}

/// One change of the replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// By how many replicas, whatever the direction.
    pub change: u32,
    /// Too old for every limit of its direction, so its slot may be reused.
    #[serde(default)]
    pub is_outdated: bool,
}

impl EventLog {
    /// Events that are kept at most.
    pub const MOST_EVENTS: usize = 1024;

    /// A log that holds these events already.
    #[must_use]
    pub fn new(events: Vec<Event>) -> Self {
        Self { events }
    }

    /// The events in the order of their slots.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// The sum of the changes younger than `period`.
    #[must_use]
    pub fn change_in(&self, at: Timestamp, period: Duration) -> i64 {
        let recent = self.events.iter().filter(|event| at.since(event.at) < period);
        recent.map(|event| i64::from(event.change)).sum()
    }

    /// Adds a change. Events older than `longest`, the longest period of any limit, are outdated;
    /// the last of them gives its slot.
    ///
    /// A log that is full of live events joins the two oldest at the younger one's time, so that
    /// no budget comes back too early.
    pub fn record(&mut self, at: Timestamp, change: u32, longest: Duration) {
        let mut slot = None;
        for (place, event) in self.events.iter_mut().enumerate() {
            event.is_outdated |= at.since(event.at) > longest;
            if event.is_outdated {
                slot = Some(place);
            }
        }
        if slot.is_none() && self.events.len() >= Self::MOST_EVENTS {
            slot = self.join_oldest();
        }
        let new = Event { at, change, is_outdated: false };
        match slot {
            Some(slot) => self.events[slot] = new,
            None => self.events.push(new),
        }
    }

    /// Nothing may lie ahead, or a clock set back would spend a budget for ever.
    pub(super) fn recall(&mut self, at: Timestamp) {
        for event in &mut self.events {
            event.at = event.at.min(at);
        }
    }

    fn join_oldest(&mut self) -> Option<usize> {
        let oldest = (0..self.events.len()).min_by_key(|&place| self.events[place].at)?;
        let others = (0..self.events.len()).filter(|&place| place != oldest);
        let next = others.min_by_key(|&place| self.events[place].at)?;
        let joined = self.events[next].change.saturating_add(self.events[oldest].change);
        self.events[next].change = joined;
        Some(oldest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_log_keeps_the_sum_and_its_size() {
        let mut log = EventLog::default();
        let day = Duration::from_secs(86_400);
        for second in 0..3000 {
            log.record(Timestamp::from_secs(second), 2, day);
        }
        assert_eq!(log.events().len(), EventLog::MOST_EVENTS);
        assert_eq!(log.change_in(Timestamp::from_secs(3000), day), 6000);
        // The joined ones leave no earlier than the youngest of them would.
        assert_eq!(log.change_in(Timestamp::from_secs(3000), Duration::from_secs(100)), 198);
    }
}
