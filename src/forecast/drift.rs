//! As now, and on the way the load has lately been going.
//!
//! In: samples. Out: the last value, moved on along the recent slope, ever less the further ahead.
//! Knows no season.

use serde::{Deserialize, Serialize};

use super::bank::sum_of_powers;
use super::line::Line;
use super::online::{Rule, online};
use super::seasons::Seasons;
use crate::Error;
use crate::time::Duration;

online! {
    /// Expects the last value to drift on, ever more slowly.
    ///
    /// The drift is the slope of the line of least squares through the recent square roots of the
    /// load (Brown 1963), damped with the horizon (Gardner and McKenzie 1985), so that a ramp is
    /// followed and none runs off.
    ///
    /// ```
    /// use forescale::forecast::drift::{Config, Drift};
    /// use forescale::forecast::{Forecast, Forecaster};
    /// use forescale::series::Sample;
    /// use forescale::{Duration, Timestamp};
    ///
    /// let mut model = Drift::new(Config::default(), Duration::from_secs(60))?;
    /// for minute in 0..240 {
    ///     let load = 1000.0 + 5.0 * minute as f64;
    ///     model.observe(Sample { at: Timestamp::from_secs(60 * (minute + 1)), value: Some(load) });
    /// }
    /// let mut forecast = Forecast::default();
    /// model.forecast(10, &[0.5], &mut forecast).expect("four hours are enough");
    /// // 2195 now; ten minutes on 2245 is the truth.
    /// assert!((forecast.row(9)[0] - 2245.0).abs() < 5.0);
    /// # Ok::<(), forescale::Error>(())
    /// ```
    Drift, Recent, Config
}

/// The last rest and the line through those before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Recent {
    last: Option<f64>,
    line: Line,
    /// The weight of all before a step, and the share of the drift that is left after one.
    keep: f64,
    fade: f64,
}

impl Rule for Recent {
    type Config = Config;

    fn new(settings: &Config, step: Duration) -> Result<Self, Error> {
        for (name, span) in [("stretch", settings.stretch), ("fade", settings.fade)] {
            if span.is_zero() || step.is_zero() {
                return Err(Error::config(name, format!("is {span}, must be longer")));
            }
        }
        let share = |span: Duration, least: f64| {
            libm::exp(-1.0 / (span.as_secs_f64() / step.as_secs_f64()).max(least))
        };
        let (keep, fade) = (share(settings.stretch, LEAST_STEPS), share(settings.fade, 1.0));
        Ok(Self { last: None, line: Line::default(), keep, fade })
    }

    fn seasons(_: &Config, _: Duration) -> Result<Seasons, Error> {
        Ok(Seasons::new([]))
    }

    fn restored(&self, saved: Self) -> Result<Self, String> {
        if (saved.keep, saved.fade) != (self.keep, self.fade) {
            return Err("the drift of a forecaster is not of its settings".to_owned());
        }
        Ok(saved)
    }

    fn follow(&mut self, rest: Option<f64>) {
        self.line.observe(rest, self.keep);
        match rest {
            Some(rest) => self.last = Some(rest),
            // Where the value is missing, the drift has gone on.
            None => self.last = self.last.map(|last| last + self.line.slope() * self.fade),
        }
    }

    fn shift(&mut self, by: f64) {
        self.last = self.last.map(|last| last + by);
        self.line.shift(by);
    }

    fn expects(&self, ahead: usize) -> Option<f64> {
        Some(self.last? + self.line.slope() * sum_of_powers(self.fade, ahead))
    }
}

/// The slope is taken over at least so many steps, or it would be that of the noise.
const LEAST_STEPS: f64 = 12.0;

/// Settings of [`Drift`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Time constant of the weights with which samples go into the slope; at least twelve steps are
    /// taken. Default `15m`: it
    /// takes as long to notice that a ramp is over, and lead times are minutes.
    pub stretch: Duration,
    /// Time constant with which the drift fades ahead: it never carries further than it would in
    /// this time, at least one step. Default `1h`: ramps of people's loads last hours.
    pub fade: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self { stretch: Duration::from_secs(900), fade: Duration::from_secs(3600) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecast::testing::{MINUTE, beats_as_now, recovers, survives_a_snapshot, uniform};
    use crate::forecast::{Forecast, Forecaster, testing::sample};

    fn model() -> Drift {
        Drift::new(Config::default(), MINUTE).expect("defaults hold")
    }

    /// Ramps of two to four hours to anywhere, with a little noise.
    fn ramps(minutes: usize) -> Vec<f64> {
        let mut uniform = uniform(11);
        let mut loads = vec![1000.0];
        while loads.len() < minutes {
            let (from, to) = (loads[loads.len() - 1], 500.0 + 1500.0 * uniform());
            let length = 120 + (120.0 * uniform()) as usize;
            let height = |minute: usize| from + (to - from) * minute as f64 / length as f64;
            loads.extend((1..=length).map(height));
        }
        loads.truncate(minutes);
        loads.into_iter().map(|load| load + 20.0 * uniform()).collect()
    }

    #[test]
    fn covers_what_it_says_and_beats_as_now_on_ramps() {
        beats_as_now(|| Box::new(model()), &ramps(9000), 15, 600, 0.75);
    }

    #[test]
    fn however_far_ahead_it_does_not_run_off() {
        let mut model = model();
        for minute in 0..350 {
            model.observe(sample(minute, Some(1000.0 + 4.0 * minute as f64)));
        }
        let mut forecast = Forecast::default();
        model.forecast(10_000, &[0.5], &mut forecast).expect("enough history");
        // 2396 now and 240 more in an hour of this ramp, of which two thirds are believed, and what it
        // has been short so far; in all never more than 240 on the square root.
        let (hour, end) = (forecast.row(59)[0], forecast.row(9_999)[0]);
        assert!((2550.0..2680.0).contains(&hour) && (hour..2780.0).contains(&end), "{hour} {end}");
    }

    #[test]
    fn a_spike_or_a_reset_is_over_after_two_samples() {
        recovers(|| Box::new(model()), &ramps(1200), 700, 2);
    }

    #[test]
    fn a_snapshot_changes_no_answer() {
        let mut uniform = uniform(12);
        let loads: Vec<_> =
            ramps(900).into_iter().map(|load| Some(load).filter(|_| uniform() > 0.1)).collect();
        survives_a_snapshot(|| Box::new(model()), &loads);
    }

    #[test]
    fn a_step_longer_than_the_stretch_takes_twelve_of_them() {
        let day = Duration::from_secs(86_400);
        let model = Recent::new(&Config::default(), day).expect("any step");
        assert_eq!((model.keep, model.fade), (libm::exp(-1.0 / 12.0), libm::exp(-1.0)));
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        let refused =
            |settings| Drift::new(settings, MINUTE).expect_err("out of range").path().to_owned();
        assert_eq!(refused(Config { stretch: Duration::ZERO, ..Config::default() }), "stretch");
        assert_eq!(refused(Config { fade: Duration::ZERO, ..Config::default() }), "fade");
    }
}
