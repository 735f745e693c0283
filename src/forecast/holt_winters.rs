//! Damped exponential smoothing with several seasons.
//!
//! In: samples. Out: level, trend and deviation of many smoothers side by side, on the seasons of the
//! load. Runs no optimizer.

use serde::{Deserialize, Serialize};

use super::bank::{Bank, Fades, GROUP, Gains, N, N_GROUPS};
use super::online::{Rule, online};
use super::seasons::Seasons;
use crate::Error;
use crate::time::Duration;

online! {
    /// Smooths the load off its seasons with 32 settings at once, and mixes them by how well they
    /// forecast.
    ///
    /// Additive in square-root scale, with several seasons (Holt 1957, Winters 1960, Taylor 2003
    /// and 2010) whose profiles run beside the smoothers, a damped trend (Gardner and McKenzie
    /// 1985), and an autoregressive deviation as in Taylor's models and in TBATS (De Livera,
    /// Hyndman, Snyder 2011). Instead of one best setting, found by an optimizer over history, a
    /// grid of settings runs along; at each horizon they are weighed by their discounted squared
    /// errors there.
    ///
    /// ```
    /// use forescale::forecast::holt_winters::{Config, HoltWinters};
    /// use forescale::forecast::{Forecast, Forecaster};
    /// use forescale::series::Sample;
    /// use forescale::{Duration, Timestamp};
    ///
    /// let settings = Config { seasons: vec![Duration::from_secs(3600)] };
    /// let mut model = HoltWinters::new(settings, Duration::from_secs(60))?;
    /// for minute in 0..360 {
    ///     let load = if minute % 60 < 30 { 100.0 } else { 900.0 };
    ///     model.observe(Sample { at: Timestamp::from_secs(60 * (minute + 1)), value: Some(load) });
    /// }
    /// let mut forecast = Forecast::default();
    /// model.forecast(40, &[0.5], &mut forecast).expect("six hours are enough");
    /// assert!((forecast.values[5] - 100.0).abs() < 20.0 && (forecast.values[35] - 900.0).abs() < 90.0);
    /// # Ok::<(), forescale::Error>(())
    /// ```
    HoltWinters, Smoothers, Config
}

/// The smoothers, of which each group of eight has the level gains [`ALPHAS`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Smoothers {
    bank: Bank,
}

/// From an average over hours of minutes to nearly the last value.
const ALPHAS: [f64; GROUP] = [0.005, 0.015, 0.04, 0.1, 0.2, 0.4, 0.65, 0.9];

/// No trend nor deviation; a damped trend; deviations that fade within minutes, and within the hour.
const FADES: Fades = Fades { slope: [0.0, 0.95, 0.0, 0.0], deviation: [0.0, 0.0, 0.75, 0.96] };

/// The trend's gain, as a share of the level's.
const BETA: [f64; N_GROUPS] = [0.0, 0.1, 0.0, 0.0];

/// The deviation's gain, as a share of what the level leaves of an error.
const DELTA: [f64; N_GROUPS] = [0.0, 0.0, 1.0, 1.0];

const GAINS: Gains = gains();

const fn gains() -> Gains {
    let mut gains = Gains { level: [0.0; N], slope: [0.0; N], deviation: [0.0; N] };
    let mut c = 0;
    while c < N {
        let (group, alpha) = (c / GROUP, ALPHAS[c % GROUP]);
        gains.level[c] = alpha;
        gains.slope[c] = alpha * BETA[group];
        gains.deviation[c] = (1.0 - alpha) * DELTA[group];
        c += 1;
    }
    gains
}

impl Rule for Smoothers {
    type Config = Config;

    fn new(_: &Config, step: Duration) -> Result<Self, Error> {
        Ok(Self { bank: Bank::new(step) })
    }

    fn seasons(settings: &Config, step: Duration) -> Result<Seasons, Error> {
        Seasons::of(&settings.seasons, step)
    }

    fn restored(&self, saved: Self) -> Result<Self, String> {
        Ok(Self { bank: self.bank.restored(saved.bank)? })
    }

    fn follow(&mut self, rest: Option<f64>) {
        self.bank.observe(rest, &FADES, &GAINS);
    }

    fn shift(&mut self, by: f64) {
        self.bank.shift(by);
    }

    fn expects(&self, ahead: usize) -> Option<f64> {
        self.bank.expects(ahead, &FADES)
    }
}

/// Settings of [`HoltWinters`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// After these times the load comes again, each a whole number of steps; one counts once its
    /// first cycle has been seen, and loses its say where it does not come true. Default `1d`: most
    /// loads that people make follow the day. None: only level and trend.
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

    const HOUR: Duration = Duration::from_secs(3600);

    fn model() -> HoltWinters {
        let days = |days: u32| Duration::from_secs(86_400 * days);
        HoltWinters::new(Config { seasons: vec![days(1), days(7)] }, HOUR).expect("in range")
    }

    #[test]
    fn covers_what_it_says_and_beats_as_now_on_days_and_weeks() {
        beats_as_now(|| Box::new(model()), &hourly(24 * 7 * 16, 0.6), 6, 24 * 7 * 8, 0.3);
    }

    #[test]
    fn a_spike_or_a_reset_is_over_after_ten_samples() {
        recovers(|| Box::new(model()), &hourly(24 * 42, 0.6), 24 * 33, 10);
    }

    #[test]
    fn a_snapshot_changes_no_answer() {
        let mut uniform = uniform(13);
        let holes = |load| Some(load).filter(|_| uniform() > 0.1);
        let loads: Vec<_> = hourly(24 * 21, 0.6).into_iter().map(holes).collect();
        survives_a_snapshot(|| Box::new(model()), &loads);
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        let refused = |settings, step| {
            HoltWinters::new(settings, step).expect_err("out of range").path().to_owned()
        };
        let odd = Config { seasons: vec![HOUR, Duration::from_secs(90)] };
        assert_eq!(refused(odd, MINUTE), "seasons[1]");
        assert_eq!(refused(Config { seasons: vec![MINUTE] }, MINUTE), "seasons[0]");
        assert_eq!(refused(Config::default(), Duration::ZERO), "seasons[0]");
    }
}
