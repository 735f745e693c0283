//! How many replicas are still warming up.
//!
//! In: the size as it is seen and as it is decided. Out: how many of it were added too lately to
//! count, and for how long. Knows no metric. The words are those of EC2 Auto Scaling.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::Proposal;
use crate::explain::{Reason, codes};
use crate::time::{Duration, Timestamp};

/// The replicas that were added lately, whoever asked for them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved")]
pub(super) struct WarmUp {
    /// The size when it was last seen or decided; `None` before the first look.
    size: Option<u32>,
    /// Invariant: at most `MOST` of them, the oldest first, none of nothing.
    launches: VecDeque<Launch>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Launch {
    at: Timestamp,
    n: u32,
}

/// What is warming up now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Warming {
    /// So many replicas; none if 0.
    pub(super) n: u32,
    /// Until the last of them has warmed up.
    pub(super) left: Duration,
}

impl Default for WarmUp {
    fn default() -> Self {
        Self { size: None, launches: VecDeque::with_capacity(Self::MOST) }
    }
}

impl WarmUp {
    /// So many launches are told apart; of more, the oldest two count as one, as late as the later.
    const MOST: usize = 64;

    /// Takes in the size there is; what others added or took away counts too.
    pub(super) fn see(&mut self, at: Timestamp, current: u32) {
        // After a clock that stepped back, they warm up from there, not from the future.
        self.launches.iter_mut().for_each(|launch| launch.at = launch.at.min(at));
        let Some(size) = self.size.replace(current) else { return };
        if current > size {
            self.launch(at, current - size);
        }
        // Those that go are the youngest, as Kubernetes picks them.
        let mut n_gone = size.saturating_sub(current);
        while n_gone > 0
            && let Some(youngest) = self.launches.back_mut()
        {
            let n = youngest.n.min(n_gone);
            (youngest.n, n_gone) = (youngest.n - n, n_gone - n);
            if youngest.n == 0 {
                self.launches.pop_back();
            }
        }
    }

    fn launch(&mut self, at: Timestamp, n: u32) {
        if self.launches.len() == Self::MOST
            && let Some(oldest) = self.launches.pop_front()
            && let Some(next) = self.launches.front_mut()
        {
            next.n = next.n.saturating_add(oldest.n);
        }
        self.launches.push_back(Launch { at, n });
    }

    /// What is warming up. A replica is in service `lead_time` after it was asked for, and has warmed
    /// up `warm_up` later.
    pub(super) fn warming(
        &mut self,
        at: Timestamp,
        lead_time: Duration,
        warm_up: Duration,
    ) -> Warming {
        let left = |launch: &Launch| (launch.at + lead_time + warm_up).since(at);
        while self.launches.front().is_some_and(|launch| left(launch).is_zero()) {
            self.launches.pop_front();
        }
        let n = self.launches.iter().fold(0, |n: u32, launch| n.saturating_add(launch.n));
        Warming { n, left: self.launches.back().map(left).unwrap_or_default() }
    }
}

impl Warming {
    /// The reason why nothing is taken away.
    pub(super) fn reason(self) -> Reason {
        let facts = [("n_warming", f64::from(self.n)), ("left_seconds", self.left.as_secs_f64())];
        Reason::new(codes::WARMING_UP, facts)
    }

    /// The present size, so that nobody takes away, while something warms up; else no opinion, for
    /// `otherwise`.
    pub(super) fn stay(self, current: u32, otherwise: Reason) -> Result<Proposal, Reason> {
        if self.n > 0 { Ok(Proposal::replicas(current, self.reason())) } else { Err(otherwise) }
    }
}

/// As it comes from a snapshot, unchecked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    size: Option<u32>,
    launches: Vec<Launch>,
}

impl TryFrom<Saved> for WarmUp {
    type Error = String;

    fn try_from(Saved { size, launches }: Saved) -> Result<Self, String> {
        let in_order = launches.is_sorted_by_key(|launch| launch.at);
        if launches.len() > Self::MOST || !in_order || launches.iter().any(|launch| launch.n == 0) {
            return Err(format!(
                "{} launches are too many, of nothing or out of order",
                launches.len()
            ));
        }
        let mut warm_up = Self { size, ..Self::default() };
        warm_up.launches.extend(launches);
        Ok(warm_up)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warming(warm_up: &mut WarmUp, second: i64) -> (u32, f64) {
        let (lead_time, span) = (Duration::from_secs(100), Duration::from_secs(200));
        let warming = warm_up.warming(Timestamp::from_secs(second), lead_time, span);
        (warming.n, warming.left.as_secs_f64())
    }

    #[test]
    fn what_was_added_warms_up_and_what_was_there_does_not() {
        let mut warm_up = WarmUp::default();
        //           second, size -> warming, seconds left
        let diary = [
            (0, 10, 0, 0.0),
            (60, 11, 1, 300.0),
            (100, 13, 3, 300.0),
            (359, 13, 3, 41.0),
            (360, 13, 2, 40.0), // the whole of the time is enough
            (399, 13, 2, 1.0),
            (400, 13, 0, 0.0),
        ];
        for (second, size, n, left) in diary {
            warm_up.see(Timestamp::from_secs(second), size);
            assert_eq!(warming(&mut warm_up, second), (n, left), "at {second} s");
        }
    }

    #[test]
    fn the_youngest_go_first() {
        let mut warm_up = WarmUp::default();
        for (second, size) in [(0, 10), (10, 12), (20, 15), (30, 11)] {
            warm_up.see(Timestamp::from_secs(second), size);
        }
        assert_eq!(warming(&mut warm_up, 30), (1, 280.0));
        warm_up.see(Timestamp::from_secs(40), 5);
        assert_eq!(warming(&mut warm_up, 40), (0, 0.0));
    }

    #[test]
    fn a_clock_that_steps_back_warms_up_once_more_and_not_until_it_has_caught_up() {
        let mut warm_up = WarmUp::default();
        for (second, size) in [(86_400, 10), (86_410, 12), (0, 12)] {
            warm_up.see(Timestamp::from_secs(second), size);
        }
        assert_eq!(warming(&mut warm_up, 299), (2, 1.0));
        assert_eq!(warming(&mut warm_up, 300), (0, 0.0));
    }

    #[test]
    fn more_launches_than_are_told_apart_are_added_up() {
        let mut warm_up = WarmUp::default();
        for second in 0..=100 {
            warm_up.see(Timestamp::from_secs(second), 10 + second as u32);
        }
        assert_eq!(warm_up.launches.len(), WarmUp::MOST);
        assert_eq!(warming(&mut warm_up, 100), (100, 300.0));
        // The first 37 count from the last of them.
        assert_eq!(warming(&mut warm_up, 336).0, 100);
        assert_eq!(warming(&mut warm_up, 337).0, 63);
    }

    #[test]
    fn a_snapshot_is_its_own_and_a_damaged_one_is_refused() {
        let mut warm_up = WarmUp::default();
        for (second, size) in [(0, 10), (10, 12)] {
            warm_up.see(Timestamp::from_secs(second), size);
        }
        let text = serde_json::to_string(&warm_up).expect("a snapshot");
        assert_eq!(serde_json::from_str::<WarmUp>(&text).expect("its own"), warm_up);
        for launches in [
            r#"[{"at": 2, "n": 1}, {"at": 1, "n": 1}]"#.to_owned(),
            r#"[{"at": 2, "n": 0}]"#.to_owned(),
            format!("[{}]", vec![r#"{"at": 1, "n": 1}"#; 65].join(",")),
        ] {
            let text = format!(r#"{{"size": 1, "launches": {launches}}}"#);
            assert!(serde_json::from_str::<WarmUp>(&text).is_err(), "{text}");
        }
    }
}
