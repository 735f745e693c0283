//! When work comes back to an idle workload, learnt from how long it stayed away before.
//!
//! In: how long each idleness was. Out: for how long it may sleep, and until when it is worth being
//! awake. Knows no load and no replicas.
//!
//! The rule is the hybrid histogram policy of Shahrad et al. 2020, "Serverless in the Wild" (USENIX ATC):
//! awake from a tenth before the 5th percentile of the idle times until a tenth past the 99th, and by
//! the fixed grace where the times have no pattern, or most of them are longer than four hours. A pattern
//! is there if the counts of minutes vary by twice their mean; here the chance to meet in a minute is
//! estimated without bias, so that ten times tell already. Exact times of the last 256 returns
//! take the place of its bins.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::time::Duration;

/// The idle times of the last returns of work.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "VecDeque<u32>", into = "VecDeque<u32>")]
pub(super) struct Arrivals {
    /// In seconds, the oldest first.
    idle: VecDeque<u32>,
    pattern: Option<Pattern>,
}

/// The bounds of most idle times, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pattern {
    head: u32,
    tail: u32,
}

impl Arrivals {
    /// So many returns are remembered.
    const MOST: usize = 256;

    /// With fewer nothing is known.
    const LEAST: usize = 10;

    /// Longer idle times are beyond what is looked at.
    const LONGEST: u32 = 4 * 3600;

    /// Seconds of a bin, in which times are alike.
    const BIN: u32 = 60;

    /// The variation of the bins' counts from which on they have a pattern.
    const VARIATION: f64 = 2.0;

    /// Work has come back after so long.
    pub(super) fn learn(&mut self, idle: Duration) {
        if self.idle.len() == Self::MOST {
            self.idle.pop_front();
        }
        self.idle.push_back((idle.as_millis() / 1000).clamp(0, i64::from(u32::MAX)) as u32);
        self.pattern = pattern(&self.idle);
    }

    /// From when after the beginning of an idleness a replica should be ready, if it takes `lead_time` to
    /// get so, and until when; `None` where the times have no pattern.
    pub(super) fn awake(&self, lead_time: Duration) -> Option<(Duration, Duration)> {
        let Pattern { head, tail } = self.pattern?;
        let until = Duration::from_secs(tail.saturating_add(tail.div_ceil(10)));
        let from = i64::from(head - head / 10) * 1000;
        // Sleep that is no longer than waking up takes is not worth it.
        let is_worth = from >= 2 * lead_time.as_millis();
        let start = if is_worth { from - lead_time.as_millis() } else { 0 };
        let start = Duration::from_millis(1).times(start);
        Some((start, until))
    }
}

fn pattern(idle: &VecDeque<u32>) -> Option<Pattern> {
    let n = idle.len();
    let mut within: Vec<u32> =
        idle.iter().copied().filter(|&idle| idle <= Arrivals::LONGEST).collect();
    if within.len() < Arrivals::LEAST || 2 * within.len() < n {
        return None;
    }
    within.sort_unstable();
    let n = within.len();
    let bins = within.chunk_by(|one, other| one / Arrivals::BIN == other / Arrivals::BIN);
    let pairs: usize = bins.map(|bin| bin.len() * (bin.len() - 1)).sum();
    let meet = pairs as f64 / (n * (n - 1)) as f64;
    let n_bins = f64::from(Arrivals::LONGEST / Arrivals::BIN);
    if n_bins * meet - 1.0 < Arrivals::VARIATION * Arrivals::VARIATION {
        return None;
    }
    // Downwards and upwards: of few both ends.
    let (head, tail) = (n * 5 / 100, (n * 99).div_ceil(100) - 1);
    Some(Pattern { head: within[head], tail: within[tail] })
}

impl From<VecDeque<u32>> for Arrivals {
    fn from(mut idle: VecDeque<u32>) -> Self {
        let extra = idle.len().saturating_sub(Self::MOST);
        idle.drain(..extra);
        Self { pattern: pattern(&idle), idle }
    }
}

impl From<Arrivals> for VecDeque<u32> {
    fn from(arrivals: Arrivals) -> Self {
        arrivals.idle
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::uniform;

    fn minutes(minutes: f64) -> Duration {
        Duration::from_secs_f64(60.0 * minutes).expect("a span of time")
    }

    fn after(times: impl IntoIterator<Item = f64>) -> Arrivals {
        let mut arrivals = Arrivals::default();
        times.into_iter().for_each(|idle| arrivals.learn(minutes(idle)));
        arrivals
    }

    #[test]
    fn work_that_comes_every_half_hour_is_waited_for_just_before_it() {
        let arrivals = after((0..40).map(|k| 29.0 + 0.1 * f64::from(k % 11)));
        let (from, until) = arrivals.awake(minutes(2.0)).expect("a pattern");
        assert_eq!((from, until), (minutes(29.0 * 0.9 - 2.0), minutes(30.0 * 1.1)));
        // A start that takes as long as the wait: nothing is gained by sleep.
        assert_eq!(arrivals.awake(minutes(14.0)).map(|(from, _)| from), Some(Duration::ZERO));
        let text = serde_json::to_string(&arrivals).expect("numbers");
        assert_eq!(serde_json::from_str::<Arrivals>(&text).expect("the same"), arrivals);
    }

    #[test]
    fn work_that_comes_at_any_time_has_no_pattern() {
        let mut random = uniform(3);
        let poisson = |mean: f64| -mean * libm::log(1.0 - random());
        assert_eq!(after(std::iter::repeat_n(90.0, 200).map(poisson)).awake(minutes(1.0)), None);
        assert_eq!(after(std::iter::repeat_n(30.0, 9)).awake(minutes(1.0)), None, "too few");
        let days = after((0..50).map(|k| if k % 3 == 0 { 30.0 } else { 900.0 }));
        assert_eq!(days.awake(minutes(1.0)), None, "most are beyond");
    }

    #[test]
    fn what_changed_is_known_after_the_last_returns() {
        let arrivals = after((0..300).map(|k| if k < 40 { 120.0 } else { 30.0 }));
        let (_, until) = arrivals.awake(minutes(1.0)).expect("a pattern");
        assert_eq!(until, minutes(33.0));
    }
}
