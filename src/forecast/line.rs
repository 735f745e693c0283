//! The straight line through the last samples.
//!
//! In: values, one a step. Out: the slope at the end. Knows nothing of loads.

use serde::{Deserialize, Serialize};

/// The slope of the line of least squares through all values, the older the less they weigh.
///
/// Discounted least squares (Brown 1963), kept as sums over time counted back from now, so that a
/// missing value merely ages the rest. A few steps' worth of "no slope" goes into it, so that two
/// values do not make a trend.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Line {
    /// Sums of the weights, and of the weights times `t`, `t^2`, the value, `t` times the value.
    weight: f64,
    time: f64,
    square: f64,
    value: f64,
    product: f64,
}

/// Of the prior that there is no slope: the variance of time of five steps or so.
const PRIOR: f64 = 20.0;

impl Line {
    /// Takes the value of this step; `keep`, below 1, is the weight of all before.
    pub(super) fn observe(&mut self, value: Option<f64>, keep: f64) {
        // Time runs back from now: what was at t is at t - 1 now.
        self.square = keep * (self.square - 2.0 * self.time + self.weight);
        self.time = keep * (self.time - self.weight);
        self.product = keep * (self.product - self.value);
        self.weight *= keep;
        self.value *= keep;
        if let Some(value) = value {
            self.weight += 1.0;
            self.value += value;
        }
    }

    /// Lifts all values so far.
    pub(super) fn shift(&mut self, by: f64) {
        self.product += by * self.time;
        self.value += by * self.weight;
    }

    /// How much the line rises in a step.
    pub(super) fn slope(&self) -> f64 {
        if self.weight < 1e-9 {
            return 0.0;
        }
        let spread = (self.square - self.time * self.time / self.weight).max(0.0);
        let rise = self.product - self.time * (self.value / self.weight);
        rise / (spread + PRIOR)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slope_of_a_line_is_found_over_gaps_and_shifts() {
        let mut line = Line::default();
        assert_eq!(line.slope(), 0.0);
        for step in 0..400 {
            let value = 7.0 - 0.5 * f64::from(step);
            line.observe(Some(value).filter(|_| step % 7 != 3), 0.99);
        }
        assert!((line.slope() + 0.5).abs() < 1e-3, "{}", line.slope());
        line.shift(1000.0);
        line.observe(Some(1007.0 - 200.0), 0.99);
        assert!((line.slope() + 0.5).abs() < 1e-3, "{}", line.slope());
    }

    #[test]
    fn two_values_make_no_trend() {
        let mut line = Line::default();
        line.observe(Some(0.0), 0.9);
        line.observe(Some(10.0), 0.9);
        assert!(line.slope() < 0.3, "{}", line.slope());
    }
}
