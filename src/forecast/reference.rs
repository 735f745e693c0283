//! What a forecast must beat: what can be had without a model.
//!
//! In: the load at each step. Out: what "as now", "the same time yesterday" and "the level lately"
//! would have expected of this step, some steps before it. Knows no model.

use serde::{Deserialize, Serialize};

use crate::series::Ring;
use crate::time::Duration;

/// A day, the season that is taken for granted.
pub(super) const DAY: Duration = Duration::from_secs(86_400);

/// Time constants of the running means, in steps: the level lately is the best of them. With "as
/// now", which is the one of a single step, they span what exponential smoothing can do.
pub(super) const SMOOTHED: [f64; 5] = [4.0, 16.0, 64.0, 256.0, 1024.0];

/// Points that all horizons share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Points {
    /// Square roots of the last loads. Invariant: all rings have the same capacity, the longest
    /// horizon.
    loads: Ring,
    yesterday: Yesterday,
    /// The running means of the square roots at each of the last steps, for each of [`SMOOTHED`].
    levels: Vec<Ring>,
    /// How many loads there were, missing ones not among them.
    n_loads: u64,
}

/// What was to be expected of this step, as square roots.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected {
    pub(super) now: Option<f64>,
    pub(super) yesterday: Option<f64>,
    pub(super) levels: [Option<f64>; SMOOTHED.len()],
}

impl Points {
    /// For horizons of up to `longest` steps.
    pub(super) fn new(longest: usize, step: Duration) -> Self {
        Self {
            loads: Ring::new(longest),
            yesterday: Yesterday::new(step),
            levels: SMOOTHED.iter().map(|_| Ring::new(longest)).collect(),
            n_loads: 0,
        }
    }

    /// The longest horizon it serves.
    pub(super) fn longest(&self) -> usize {
        self.loads.capacity()
    }

    /// Serves horizons of up to `longest` steps from now on, too.
    pub(super) fn reach(&mut self, longest: usize) {
        if longest <= self.longest() {
            return;
        }
        for ring in std::iter::once(&mut self.loads).chain(&mut self.levels) {
            let mut longer = Ring::new(longest);
            ring.iter().for_each(|root| longer.push(root));
            *ring = longer;
        }
    }

    /// What was expected of the step that comes next, `ahead` steps before it.
    pub(super) fn of_next(&self, ahead: usize) -> Expected {
        let levels = std::array::from_fn(|index| self.levels[index].back(ahead - 1));
        let known = ahead <= self.yesterday.day;
        let yesterday = known.then(|| self.yesterday.of_next()).flatten();
        Expected { now: self.loads.back(ahead - 1), yesterday, levels }
    }

    /// Takes the square root of the load of this step.
    pub(super) fn observe(&mut self, root: Option<f64>) {
        self.n_loads += u64::from(root.is_some());
        for (ring, constant) in self.levels.iter_mut().zip(SMOOTHED) {
            let last = ring.back(0);
            let level = match (root, last) {
                (Some(root), Some(last)) => {
                    // A plain mean at first.
                    let weight = (1.0 / self.n_loads as f64).max(1.0 / constant);
                    Some(last + (root - last) * weight)
                }
                _ => last.or(root),
            };
            ring.push(level);
        }
        self.loads.push(root);
        self.yesterday.observe(root);
    }

    /// Whether it is of the same size as `other`, and whole.
    pub(super) fn fits(&self, other: &Self) -> bool {
        let longest = other.loads.capacity();
        self.loads.capacity() == longest
            && self.levels.len() == SMOOTHED.len()
            && self.levels.iter().all(|level| level.capacity() == longest)
            && self
                .loads
                .iter()
                .chain(self.levels.iter().flat_map(Ring::iter))
                .flatten()
                .all(is_root)
            && self.yesterday.fits(&other.yesterday)
            && self.n_loads <= self.yesterday.n_steps
    }

    /// All steps so far, missing ones too.
    pub(super) fn n_steps(&self) -> u64 {
        self.yesterday.n_steps
    }
}

pub(super) fn is_root(value: f64) -> bool {
    value.is_finite() && value >= 0.0
}

/// The day before, in at most [`CELLS`](Self::CELLS) means, so that short steps need no more memory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Yesterday {
    /// In steps; below 2 there is no day to speak of.
    day: usize,
    /// Of a cell, in steps.
    width: usize,
    /// The mean root of each of the last cells that are complete.
    cells: Ring,
    n_steps: u64,
    /// Of the cell that is not yet complete.
    mean: f64,
    n_in_mean: u32,
}

impl Yesterday {
    /// Cells of five minutes.
    const CELLS: usize = 288;

    fn new(step: Duration) -> Self {
        let day = DAY.steps(step);
        let width = day.div_ceil(Self::CELLS).max(1);
        let cells = Ring::new(day / width + 2);
        Self { day, width, cells, n_steps: 0, mean: 0.0, n_in_mean: 0 }
    }

    /// The load a day before the step that comes next.
    fn of_next(&self) -> Option<f64> {
        if self.day < 2 {
            return None;
        }
        let width = self.width as u64;
        let cell = self.n_steps.checked_sub(self.day as u64)? / width;
        let age = (self.n_steps / width).checked_sub(cell + 1)?;
        self.cells.back(usize::try_from(age).ok()?)
    }

    fn observe(&mut self, root: Option<f64>) {
        if let Some(root) = root {
            self.n_in_mean += 1;
            self.mean += (root - self.mean) / f64::from(self.n_in_mean);
        }
        self.n_steps += 1;
        if self.n_steps.is_multiple_of(self.width as u64) {
            self.cells.push((self.n_in_mean > 0).then_some(self.mean));
            (self.mean, self.n_in_mean) = (0.0, 0);
        }
    }

    fn fits(&self, other: &Self) -> bool {
        (self.day, self.width, self.cells.capacity())
            == (other.day, other.width, other.cells.capacity())
            && self.cells.iter().flatten().all(is_root)
            && is_root(self.mean)
            && self.n_in_mean as usize <= self.width
            && self.n_steps <= 1 << 53
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yesterday_is_the_load_a_day_before_whatever_the_step() {
        for (seconds, tolerance) in [(3600, 0.0), (300, 0.0), (60, 2.0), (7, 22.0), (1, 150.0)] {
            let mut points = Points::new(3, Duration::from_secs(seconds));
            let day = DAY.steps(Duration::from_secs(seconds));
            let mut n_known = 0;
            for step in 0..2 * day + 5 {
                match points.of_next(2).yesterday {
                    Some(root) => {
                        assert!((root - (step - day) as f64).abs() <= tolerance, "{step}: {root}");
                        n_known += 1;
                    }
                    None => assert!(step < day),
                }
                points.observe(Some(step as f64));
            }
            assert_eq!(n_known, day + 5);
        }
        let mut points = Points::new(3, Duration::from_secs(86_400));
        (0..9).for_each(|day| points.observe(Some(f64::from(day))));
        assert_eq!(points.of_next(1).yesterday, None, "as now is yesterday");
    }

    #[test]
    fn now_and_levels_are_those_of_some_steps_before() {
        let mut points = Points::new(4, Duration::from_secs(60));
        for root in [Some(1.0), Some(3.0), None, Some(5.0)] {
            points.observe(root);
        }
        let expected = |ahead| points.of_next(ahead);
        assert_eq!(
            [1, 2, 3, 4].map(|ahead| expected(ahead).now),
            [Some(5.0), None, Some(3.0), Some(1.0)]
        );
        // The plain mean of 1, 3 and 5, and before it that of 1 and 3, also while one was missing.
        assert_eq!(expected(1).levels, [Some(3.0); SMOOTHED.len()]);
        assert_eq!(expected(2).levels, [Some(2.0); SMOOTHED.len()]);
        assert_eq!(expected(4).levels, [Some(1.0); SMOOTHED.len()]);
    }
}
