//! Data that does not come.
//!
//! In: whether each sample had a value, and gaps in time. Out: how rare so long a gap is. Knows no
//! values.

use serde::{Deserialize, Serialize};

use super::watch::Found;
use crate::series::Sample;
use crate::time::{Duration, Timestamp};

/// How often a sample is missing, and how often the next one is too; both learnt. A gap of `k` samples
/// then has the chance `first * next ^ (k - 1)` (a Markov chain of two states; Gilbert 1960).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Gaps {
    step: Duration,
    last: Option<Timestamp>,
    first: f64,
    next: f64,
    run: u64,
}

impl Gaps {
    /// Chances before anything is seen: one in a hundred is lost, and one in five of those after it.
    const FIRST: f64 = 0.01;
    const NEXT: f64 = 0.2;

    const MEMORY: f64 = 2000.0;

    /// Samples that are missing are counted up to here, however long the gap.
    const MOST: u64 = 10_000;

    pub(super) fn new(step: Duration) -> Self {
        Self { step, last: None, first: Self::FIRST, next: Self::NEXT, run: 0 }
    }

    /// Samples missing in a row by now.
    pub(super) fn run(&self) -> u64 {
        self.run
    }

    /// Takes a sample, with a value or without; the digits of the gap that it begins or goes on with.
    /// A gap that shows only afterwards, as the times of two values lie far apart, is learnt from.
    pub(super) fn weigh(&mut self, sample: Sample) -> Found {
        let passed = self.last.map_or(0, |last| sample.at.since(last).as_millis());
        self.last = Some(self.last.map_or(sample.at, |last| last.max(sample.at)));
        // A sample that comes within half a step of its time is in time.
        let step = self.step.as_millis().max(1);
        let skipped = ((passed + step / 2) / step - 1).max(0) as u64;
        (0..skipped.min(Self::MOST)).for_each(|_| self.lack());
        if sample.value.is_none() {
            self.lack();
            return Found::new(self.digits(), false);
        }
        if self.run > 0 {
            self.next -= self.next / 50.0;
        } else {
            self.first += (0.0 - self.first) / Self::MEMORY;
        }
        self.keep_within();
        self.run = 0;
        Found::default()
    }

    fn lack(&mut self) {
        if self.run == 0 {
            self.first += (1.0 - self.first) / Self::MEMORY;
        } else {
            self.next += (1.0 - self.next) / 50.0;
        }
        self.keep_within();
        self.run = (self.run + 1).min(Self::MOST);
    }

    fn keep_within(&mut self) {
        self.first = self.first.clamp(1e-4, 0.5);
        self.next = self.next.clamp(0.05, 0.98);
    }

    fn digits(&self) -> f64 {
        let more = self.run.saturating_sub(1) as f64;
        (-libm::log10(self.first) - more * libm::log10(self.next)).min(super::tail::Tail::MOST)
    }
}
