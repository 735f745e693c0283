//! How many replicas are worth their price.
//!
//! In: the distribution of the load to come, what a replica carries, the price of a minute too short.
//! Out: the cheapest number of replicas. Knows neither time nor forecaster.
//!
//! Why not one quantile for all times? A minute in violation is as bad at night as by day, but what
//! it costs to avoid it differs: where the load is sure, a little more buys much safety; before a
//! spike of unknown height, much buys little. The newsvendor's rule (Edgeworth 1888; Arrow, Harris and
//! Marschak 1951), with a price for being short at all rather than for how short, spends the reserve
//! where it avoids the most.

use crate::forecast::LEVELS;

/// Logarithms of the chances to be above each of [`LEVELS`].
const CHANCES: [f64; LEVELS.len()] = [
    -std::f64::consts::LN_2,
    -1.609_437_91,
    -std::f64::consts::LN_10,
    -2.995_732_27,
    -3.912_023_01,
    -4.605_170_19,
    -5.298_317_37,
    -6.907_755_28,
];

/// How many standard deviations above the mean each of [`LEVELS`] of a normal number lies.
const DEVIATIONS: [f64; LEVELS.len()] = [
    0.0,
    0.841_621_23,
    1.281_551_57,
    1.644_853_63,
    2.053_748_91,
    2.326_347_87,
    2.575_829_3,
    3.090_232_31,
];

/// The load at one time, in square-root scale.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chances {
    median: f64,
    /// How far each of [`LEVELS`] lies above the median; rises.
    above: [f64; LEVELS.len()],
}

impl Chances {
    /// Around the root of a median, as wide as a row of a forecast at [`LEVELS`].
    pub(super) fn new(median: f64, row: &[f64]) -> Self {
        let own = row[0].sqrt();
        let mut above = [0.0; LEVELS.len()];
        for (level, &load) in row.iter().enumerate().skip(1) {
            above[level] = (load.sqrt() - own).max(above[level - 1]);
        }
        Self { median: median.max(0.0), above }
    }

    /// Around a load that was read, give or take its standard error.
    pub(super) fn read(load: f64, error: f64) -> Self {
        Self::new(load.sqrt(), &DEVIATIONS.map(|deviations| load + deviations * error))
    }

    /// The load at a level between two of [`LEVELS`], or beyond the last one.
    fn load(&self, level: f64) -> f64 {
        let last = LEVELS.len() - 1;
        let below = (level as usize).min(last - 1);
        let (from, to) = (self.above[below], self.above[below + 1]);
        let root = self.median + from + (to - from) * (level - below as f64);
        root * root
    }

    /// The load that it is above once in a hundred times.
    pub(super) fn seldom_above(&self) -> f64 {
        const AT_99: f64 = 5.0;
        self.load(AT_99)
    }

    /// The chance that the load is above `capacity`; straight in its logarithm between the levels.
    pub(super) fn short(&self, capacity: f64) -> f64 {
        let distance = capacity.sqrt() - self.median;
        let last = LEVELS.len() - 1;
        if distance < -1e-9 * self.median {
            // As far below the median as above it.
            let scale = self.above[3].max(1e-9);
            return (0.5 - 0.45 * distance / scale).min(1.0);
        }
        let at = self.above[1..last].partition_point(|&above| above <= distance);
        let (from, to) = (self.above[at], self.above[at + 1]);
        let (low, high) = (CHANCES[at], CHANCES[at + 1]);
        if to - from <= 1e-12 * self.median {
            return if distance >= to { libm::exp(high) } else { libm::exp(low) };
        }
        libm::exp(low + (high - low) * (distance - from) / (to - from))
    }

    /// For each price of a violation, in replicas: the replicas that are cheapest, each of which carries
    /// `full`, and the chance that they are too few.
    pub(super) fn cheapest<const N: usize>(&self, full: f64, prices: [f64; N]) -> [(f64, f64); N] {
        // Cost has its lowest points at whole replicas; those next to a few loads are tried.
        let mut tried = (self.median * self.median / full).floor().max(0.0);
        let chance = self.short(tried * full);
        let mut best = [(tried, chance); N];
        let mut least = prices.map(|price| tried + price * chance);
        for step in 0..Self::TRIED {
            let level = step as f64 / Self::A_LEVEL;
            let replicas = (self.load(level) / full - 1e-9).ceil();
            if replicas <= tried {
                continue;
            }
            tried = replicas;
            let chance = self.short(replicas * full);
            for ((best, least), price) in best.iter_mut().zip(&mut least).zip(prices) {
                let cost = replicas + price * chance;
                if cost < *least {
                    (*best, *least) = ((replicas, chance), cost);
                }
            }
        }
        best
    }

    /// Loads tried between two levels, and in all: two levels' width beyond the last.
    const A_LEVEL: f64 = 6.0;
    const TRIED: usize = (LEVELS.len() + 1) * 6;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Exponential above the median 100 in square-root scale: 1 for each factor e of the chance.
    fn chances() -> Chances {
        let row: Vec<_> =
            CHANCES.iter().map(|chance| (10.0 + (CHANCES[0] - chance)).powi(2)).collect();
        Chances::new(10.0, &row)
    }

    #[test]
    fn chances_are_those_of_the_levels_and_fall_with_capacity() {
        let chances = chances();
        assert!((chances.short(100.0) - 0.5).abs() < 1e-6);
        let at_99 = (10.0_f64 + 4.605_170_19 + CHANCES[0]).powi(2);
        assert!((chances.short(at_99) - 0.01).abs() < 1e-6);
        let mut last = 1.1;
        for capacity in 0..400 {
            let chance = chances.short(f64::from(capacity));
            assert!(chance <= last && chance >= 0.0, "{capacity}");
            last = chance;
        }
    }

    #[test]
    fn the_cheapest_is_the_best_of_all_numbers() {
        for price in [5.0, 50.0, 500.0, 5000.0] {
            let [(replicas, chance)] = chances().cheapest(10.0, [price]);
            let cost = |replicas: f64| replicas + price * chances().short(replicas * 10.0);
            let best =
                (10..60).map(f64::from).min_by(|a, b| cost(*a).total_cmp(&cost(*b))).unwrap();
            assert!(cost(replicas) <= cost(best) + 0.5, "{price}: {replicas}, best {best}");
            assert!((chance - chances().short(replicas * 10.0)).abs() < 1e-12);
        }
    }

    #[test]
    fn a_load_that_was_read_needs_a_reserve_for_its_error() {
        let read = Chances::read(100.0, 4.0);
        assert!((read.short(100.0 + 1.644_853_63 * 4.0) - 0.05).abs() < 1e-6);
        // Of one replica for each unit: the dearer it is to be short, the more.
        let [cheap, fair, dear] =
            read.cheapest(1.0, [1.0, 100.0, 1e4]).map(|(replicas, _)| replicas);
        assert!(cheap == 100.0 && fair > 105.0 && dear > fair + 3.0, "{cheap} {fair} {dear}");
        for load in [0.0, 7.0, 30.0, 1234.5] {
            let [(replicas, _)] = Chances::read(load, 0.0).cheapest(load / 3.0 + 1e-9, [1e6]);
            assert_eq!(replicas, if load > 0.0 { 3.0 } else { 0.0 }, "{load}");
        }
    }

    #[test]
    fn a_load_that_is_sure_needs_no_reserve() {
        assert_eq!(Chances::new(10.0, &[100.0; 8]).cheapest(10.0, [1000.0])[0].0, 10.0);
    }
}
