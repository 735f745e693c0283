//! How much of the present surprise stays.
//!
//! In: each load and the medians issued before it. Out: the share of an error of now that is still
//! there a lead time later, and the usual level of the load. Knows neither quantiles nor replicas.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::Forecast;
use crate::time::Duration;

/// Learns by regression through zero how much of a forecast's error is still there `ahead` steps
/// later, in square-root scale and in multiples of the spread then issued, so that a spike weighs no
/// more than three usual errors. Until there is evidence all of it stays: the load is as now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Carry {
    ahead: usize,
    /// Forecasts that wait for their truth, the oldest first; at most `ahead + 1`.
    waiting: VecDeque<Waiting>,
    square: f64,
    product: f64,
    level: f64,
    /// How far the quantile lies above the median a lead time ahead, on average.
    unrest: f64,
    n: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Waiting {
    /// Roots of the medians of the next step, and of that `ahead` steps after it.
    next: f64,
    later: f64,
    spread: f64,
    /// The error at the next step, once it has come.
    error: Option<f64>,
}

impl Carry {
    /// Steps whose errors count, roughly.
    const MEMORY: f64 = 500.0;
    /// The prior counts as so many squared errors.
    const PRIOR: f64 = 5.0;
    const WEEK: Duration = Duration::from_secs(7 * 86_400);

    pub(super) fn new(ahead: usize) -> Self {
        let waiting = VecDeque::with_capacity(ahead + 2);
        Self { ahead, waiting, square: 0.0, product: 0.0, level: 0.0, unrest: 0.0, n: 0 }
    }

    /// Goes on for another distance.
    pub(super) fn follow(&mut self, ahead: usize) {
        if std::mem::replace(&mut self.ahead, ahead) != ahead {
            self.waiting.clear();
        }
    }

    /// Takes the load of a step and the forecast now issued: its first quantile is the median, its
    /// last the spread.
    pub(super) fn observe(&mut self, load: Option<f64>, issued: Option<&Forecast>, step: Duration) {
        let Some(load) = load.filter(|load| *load <= 1e30) else { return self.waiting.clear() };
        self.n += 1;
        let memory = (Self::WEEK.steps(step) as f64).max(1.0);
        self.level += (load - self.level) / memory.min(self.n as f64);
        let root = load.sqrt();
        if let Some(last) = self.waiting.back_mut() {
            last.error = Some((root - last.next) / last.spread);
        }
        if self.waiting.len() > self.ahead
            && let Some(Waiting { later, spread, error: Some(error), .. }) =
                self.waiting.pop_front()
        {
            let (error, left) =
                (error.clamp(-3.0, 3.0), ((root - later) / spread).clamp(-4.0, 4.0));
            let keep = 1.0 - 1.0 / Self::MEMORY;
            self.square = self.square * keep + error * error;
            self.product = self.product * keep + error * left;
        }
        let Some(issued) = issued.filter(|issued| issued.horizon() > self.ahead) else {
            return self.waiting.clear();
        };
        let row = issued.row(0);
        let next = row[0].sqrt();
        let spread = (row[row.len() - 1].sqrt() - next).max(1e-9);
        let row = issued.row(self.ahead);
        let later = row[0].sqrt();
        let width = row[row.len() - 1] - row[0];
        self.unrest += (width - self.unrest) / memory.min(self.n as f64);
        self.waiting.push_back(Waiting { next, later, spread, error: None });
    }

    /// The share of an error of now that is there so many steps later, in [0, 1.3].
    pub(super) fn share(&self, ahead: usize) -> f64 {
        let learnt = (self.product + Self::PRIOR) / (self.square + Self::PRIOR);
        let way = (ahead as f64 / self.ahead.max(1) as f64).min(1.0);
        1.0 + (learnt.clamp(0.0, 1.3) - 1.0) * way
    }

    /// How far the quantile lies above the median a lead time ahead, as a share of the usual load;
    /// within [0.01, 4], and 0.1 before anything is known.
    pub(super) fn unrest(&self) -> f64 {
        if self.level > 0.0 && self.unrest > 0.0 {
            (self.unrest / self.level).clamp(0.01, 4.0)
        } else {
            0.1
        }
    }

    /// The mean load over about a week.
    pub(super) fn level(&self) -> f64 {
        self.level
    }

    pub(super) fn is_whole(&self) -> bool {
        let numbers = |one: &Waiting| {
            let all = [one.next, one.later, one.spread, one.error.unwrap_or_default()];
            all.iter().all(|number| number.is_finite()) && one.spread > 0.0
        };
        self.waiting.len() <= self.ahead + 1
            && self.waiting.iter().all(numbers)
            && (0.0..=1e30).contains(&self.level)
            && (0.0..=1e40).contains(&self.unrest)
            && (0.0..=1e9).contains(&self.square)
            && self.product.abs() <= 1e9
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    fn told(median: f64) -> Forecast {
        Forecast {
            issued_at: Timestamp::default(),
            step: Duration::from_secs(60),
            quantiles: vec![0.5, 0.95],
            values: (0..4).flat_map(|_| [median, median * 1.21]).collect(),
        }
    }

    /// The forecast always says 100; the load leaves it by itself each step, or for good.
    #[test]
    fn noise_does_not_stay_and_a_shift_does() {
        let minute = Duration::from_secs(60);
        let mut random = crate::forecast::testing::uniform(3);
        let (mut noise, mut shift) = (Carry::new(3), Carry::new(3));
        for step in 0..2000 {
            noise.observe(Some(90.0 + 20.0 * random()), Some(&told(100.0)), minute);
            let level = if (step / 100) % 2 == 0 { 90.0 } else { 110.0 };
            shift.observe(Some(level), Some(&told(100.0)), minute);
        }
        assert!(noise.share(3) < 0.2, "{}", noise.share(3));
        assert!(shift.share(3) > 0.9, "{}", shift.share(3));
        assert_eq!(noise.share(0), 1.0);
        assert!((noise.level() - 100.0).abs() < 2.0 && noise.is_whole());
    }
}
