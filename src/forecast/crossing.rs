//! An early warning: when the load is expected to be more than can be carried.
//!
//! In: a forecast and a capacity. Out: the first step that lies above it, and how likely that is at
//! least. Knows neither models nor replicas.

use super::Forecast;
use crate::time::{Duration, Timestamp};

/// A step of a forecast that lies above a limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Crossing {
    /// The end of the step.
    pub at: Timestamp,
    /// The load is above the limit there with at least this probability, in (0, 1).
    pub probability: f64,
    /// The load that is exceeded with that probability, in the load's unit.
    pub load: f64,
}

impl Forecast {
    /// The first step up to `within` from the issue of the forecast at which one of its quantiles lies
    /// above a limit: with the lead time of a replica as `within`, what starts now comes too late for
    /// it, and what starts later comes later still.
    ///
    /// ```
    /// use forescale::forecast::Forecast;
    /// use forescale::{Duration, Timestamp};
    ///
    /// let minute = Duration::from_secs(60);
    /// let forecast = Forecast {
    ///     issued_at: Timestamp::from_secs(0),
    ///     step: minute,
    ///     quantiles: vec![0.5, 0.95],
    ///     values: vec![70.0, 90.0, 80.0, 105.0, 110.0, 130.0],
    /// };
    /// let crossing = forecast.crosses(100.0, minute.times(5)).expect("in the second minute");
    /// assert_eq!((crossing.at, crossing.load), (Timestamp::from_secs(120), 105.0));
    /// assert!((crossing.probability - 0.05).abs() < 1e-12);
    /// assert_eq!(forecast.crosses(100.0, minute), None);
    /// ```
    #[must_use]
    pub fn crosses(&self, limit: f64, within: Duration) -> Option<Crossing> {
        let n_steps = within.steps(self.step).min(self.horizon());
        (0..n_steps).find_map(|ahead| {
            let above = self.row(ahead).iter().position(|load| *load > limit)?;
            Some(Crossing {
                at: self.issued_at + self.step.times(ahead as i64 + 1),
                probability: 1.0 - self.quantiles[above],
                load: self.row(ahead)[above],
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_surest_quantile_of_the_first_step_is_told() {
        let forecast = Forecast {
            issued_at: Timestamp::from_secs(600),
            step: Duration::from_secs(60),
            quantiles: vec![0.1, 0.5, 0.9],
            values: vec![1.0, 2.0, 3.0, 5.0, 6.0, 7.0, 9.0, 9.0, 9.0],
        };
        let told = |limit: f64, minutes: u32| {
            let crossing = forecast.crosses(limit, Duration::from_secs(60 * minutes))?;
            Some((crossing.at.as_millis() / 60_000, (10.0 * crossing.probability).round()))
        };
        assert_eq!(told(2.5, 9), Some((11, 1.0)));
        assert_eq!(told(4.0, 9), Some((12, 9.0)));
        assert_eq!(told(6.0, 9), Some((12, 1.0)), "what is equal is carried");
        assert_eq!(told(7.0, 2), None);
        assert_eq!(told(9.0, 9), None);
        assert_eq!(Forecast::default().crosses(0.0, Duration::from_secs(60)), None);
    }
}
