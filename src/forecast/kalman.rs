//! A level, a trend and a passing deviation, each as sure as the load lets it be.
//!
//! In: samples. Out: the state of Kalman filters of many noise ratios side by side, on the seasons of
//! the load. Runs no optimizer.

use serde::{Deserialize, Serialize};

use super::bank::{Bank, Fades, GROUP, Gains, N, N_GROUPS};
use super::online::{Rule, online};
use super::seasons::Seasons;
use crate::Error;
use crate::time::Duration;

online! {
    /// Filters level, damped slope and an AR(1) deviation out of the load off its seasons.
    ///
    /// The structural model of Harvey (1989) in square-root scale, filtered as Kalman (1960): a
    /// random walk with a slope, plus a deviation that fades, plus noise. How the noise divides
    /// among them is not known; 32 divisions are filtered at once and mixed by their innovations at
    /// each horizon (multiple models, Magill 1965). Against exponential smoothing the gains are not
    /// fixed: at the start, and after a gap, the filter knows less and so learns faster.
    ///
    /// ```
    /// use forescale::forecast::kalman::{Config, Kalman};
    /// use forescale::forecast::{Forecast, Forecaster};
    /// use forescale::series::Sample;
    /// use forescale::{Duration, Timestamp};
    ///
    /// let mut model = Kalman::new(Config { seasons: vec![] }, Duration::from_secs(60))?;
    /// for minute in 0..240 {
    ///     let load = if minute < 200 { 1000.0 } else { 2000.0 };
    ///     model.observe(Sample { at: Timestamp::from_secs(60 * (minute + 1)), value: Some(load) });
    /// }
    /// let mut forecast = Forecast::default();
    /// model.forecast(30, &[0.5], &mut forecast).expect("four hours are enough");
    /// assert!((forecast.row(29)[0] - 2000.0).abs() < 20.0);
    /// # Ok::<(), forescale::Error>(())
    /// ```
    Kalman, Filters, Config
}

/// The filters of all candidates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Filters {
    bank: Bank,
    /// The covariance of the state in units of the noise, its upper triangle (level, slope,
    /// deviation) by rows; [`N`] each.
    covariance: [Vec<f64>; 6],
}

/// No deviation; one that fades within some steps, some tens, a hundred.
const FADES: Fades = Fades { slope: [0.97; N_GROUPS], deviation: [0.0, 0.8, 0.95, 0.99] };

/// Variances of the level's steps, against that of the noise; the first four go with the smaller
/// deviation, the others with the larger one.
const LEVELS: [f64; GROUP] = [1e-5, 1e-3, 3e-2, 1.0, 1e-6, 1e-4, 1e-2, 0.3];

/// Variance of the slope's steps, against that of the level's.
const SLOPE: f64 = 0.003;

/// Variances of the deviation itself, against that of the noise; the less it fades, the less it is
/// stirred.
const DEVIATIONS: [f64; 2] = [0.5, 8.0];

/// At first next to nothing is known.
const UNKNOWN: f64 = 1e4;

impl Rule for Filters {
    type Config = Config;

    fn new(_: &Config, step: Duration) -> Result<Self, Error> {
        let covariance = [UNKNOWN, 0.0, 0.0, 0.01, 0.0, 0.0].map(|value| vec![value; N]);
        Ok(Self { bank: Bank::new(step), covariance })
    }

    fn seasons(settings: &Config, step: Duration) -> Result<Seasons, Error> {
        Seasons::of(&settings.seasons, step)
    }

    fn restored(&self, saved: Self) -> Result<Self, String> {
        let [ll, _, _, bb, _, dd] = &saved.covariance;
        let negative = |variances: &Vec<f64>| variances.iter().any(|&variance| variance < 0.0);
        if saved.covariance.iter().any(|entries| entries.len() != N)
            || [ll, bb, dd].into_iter().any(negative)
        {
            return Err("the covariance of a forecaster is none".to_owned());
        }
        Ok(Self { bank: self.bank.restored(saved.bank)?, ..saved })
    }

    fn follow(&mut self, rest: Option<f64>) {
        let gains = self.filter(rest.is_some());
        self.bank.observe(rest, &FADES, &gains);
    }

    fn shift(&mut self, by: f64) {
        self.bank.shift(by);
    }

    fn expects(&self, ahead: usize) -> Option<f64> {
        self.bank.expects(ahead, &FADES)
    }
}

impl Filters {
    /// A step passes, with a value or without: the covariances after it, and the gains for it.
    fn filter(&mut self, seen: bool) -> Gains {
        let mut gains = Gains { level: [0.0; N], slope: [0.0; N], deviation: [0.0; N] };
        let [ll, lb, ld, bb, bd, dd] = &mut self.covariance;
        for c in 0..N {
            let (group, which) = (c / GROUP, c % GROUP);
            let (f, r) = (FADES.slope[group], FADES.deviation[group]);
            // The state moves on: level + f slope, f slope, r deviation; and is stirred.
            let (q, stirred) = (LEVELS[which], DEVIATIONS[which / 4] * (1.0 - r * r));
            let has_deviation = if r > 0.0 { stirred } else { 0.0 };
            ll[c] += 2.0 * f * lb[c] + f * f * bb[c] + q;
            lb[c] = f * lb[c] + f * f * bb[c];
            ld[c] = r * (ld[c] + f * bd[c]);
            bb[c] = f * f * bb[c] + SLOPE * q;
            bd[c] *= f * r;
            dd[c] = r * r * dd[c] + has_deviation;
            if seen {
                // The value is level + deviation + noise of variance 1.
                let (l, b, d) = (ll[c] + ld[c], lb[c] + bd[c], ld[c] + dd[c]);
                let all = l + d + 1.0;
                gains.level[c] = l / all;
                gains.slope[c] = b / all;
                gains.deviation[c] = d / all;
                ll[c] = (ll[c] - l * l / all).max(0.0);
                lb[c] -= l * b / all;
                ld[c] -= l * d / all;
                bb[c] = (bb[c] - b * b / all).max(0.0);
                bd[c] -= b * d / all;
                dd[c] = (dd[c] - d * d / all).max(0.0);
            }
            // Nobody waits for so long a gap to be told apart from a longer one.
            ll[c] = ll[c].min(UNKNOWN);
        }
        gains
    }
}

/// Settings of [`Kalman`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// After these times the load comes again, each a whole number of steps; one counts once its
    /// first cycle has been seen, and loses its say where it does not come true. Default `1d`: most
    /// loads that people make follow the day. None: only level, trend and deviation.
    pub seasons: Vec<Duration>,
}

impl Default for Config {
    fn default() -> Self {
        Self { seasons: vec![Duration::from_secs(86_400)] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecast::testing::{
        MINUTE, beats_as_now, hourly, recovers, survives_a_snapshot, uniform,
    };

    fn model() -> Kalman {
        Kalman::new(Config { seasons: vec![] }, MINUTE).expect("in range")
    }

    /// A level that wanders, with a deviation that fades in ten minutes and noise.
    fn wandering(minutes: usize) -> Vec<f64> {
        let mut uniform = uniform(14);
        let (mut level, mut deviation) = (40.0, 0.0);
        let mut load = |_| {
            level += 0.1 * (uniform() - 0.5);
            deviation = 0.9 * deviation + uniform() - 0.5;
            let root: f64 = level + deviation + 2.0 * (uniform() - 0.5);
            root * root
        };
        (0..minutes).map(&mut load).collect()
    }

    #[test]
    fn covers_what_it_says_and_beats_as_now_on_a_wandering_load() {
        beats_as_now(|| Box::new(model()), &wandering(4000), 4, 400, 0.85);
    }

    #[test]
    fn the_gains_fall_as_it_learns_and_rise_after_a_gap() {
        let mut filters = Filters::new(&Config::default(), MINUTE).expect("in range");
        let first = filters.filter(true).level[2];
        let settled = (0..500).map(|_| filters.filter(true).level[2]).last().expect("500");
        for _ in 0..100 {
            filters.filter(false);
        }
        let after = filters.filter(true).level[2];
        assert!(
            first > 0.99 && settled < 0.25 && after > 2.0 * settled,
            "{first} {settled} {after}"
        );
        // Level 1e-2, slope 3e-5 against noise 1 and a deviation: about the root of 0.01.
        assert!(settled > 0.1);
    }

    #[test]
    fn a_spike_or_a_reset_is_over_after_a_day() {
        let day = || Kalman::new(Config::default(), Duration::from_secs(3600)).expect("in range");
        recovers(|| Box::new(day()), &hourly(24 * 28, 1.0), 24 * 19, 24);
    }

    #[test]
    fn a_snapshot_changes_no_answer() {
        let mut uniform = uniform(15);
        let holes = |load| Some(load).filter(|_| uniform() > 0.1);
        let loads: Vec<_> = wandering(500).into_iter().map(holes).collect();
        survives_a_snapshot(|| Box::new(model()), &loads);
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        let odd = Config { seasons: vec![Duration::from_secs(90)] };
        assert_eq!(Kalman::new(odd, MINUTE).expect_err("out of range").path(), "seasons[0]");
    }
}
