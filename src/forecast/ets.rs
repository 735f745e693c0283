//! The trend that an exponential smoothing model finds, on the seasons and the level of now.
//!
//! In: samples. Out: the trend as the AutoETS of the augurs crates last fitted it, and what the load
//! has left it by since. The quantiles are our own.

use augurs::ets::AutoETS;
use augurs::{Fit, Predict};
use serde::{Deserialize, Serialize};

use super::bank::sum_of_powers;
use super::level::Level;
use super::online::{Rule, online};
use super::seasons::Seasons;
use crate::Error;
use crate::series::Ring;
use crate::time::Duration;

online! {
    /// Fits exponential smoothing to the last samples now and then, and follows the level between.
    ///
    /// AutoETS (Hyndman, Koehler, Snyder, Grose 2002) chooses among the additive models by their
    /// information (AICc), over the square roots of the load off its seasons, once every `refit`.
    /// Its own seasons are not fitted, as augurs has none; ours are taken off first. Between two
    /// fits, which augurs cannot update, the load's rest off the fitted trend is expected as it came
    /// so far. Where no model is found the trend is flat.
    ///
    /// ```
    /// use forescale::forecast::ets::{Config, Ets};
    /// use forescale::forecast::{Forecast, Forecaster};
    /// use forescale::series::Sample;
    /// use forescale::{Duration, Timestamp};
    ///
    /// let settings = Config { seasons: vec![], n_samples: 48, ..Config::default() };
    /// let mut model = Ets::new(settings, Duration::from_secs(60))?;
    /// for minute in 0..200 {
    ///     let load = 1000.0 + 5.0 * minute as f64;
    ///     model.observe(Sample { at: Timestamp::from_secs(60 * (minute + 1)), value: Some(load) });
    /// }
    /// let mut forecast = Forecast::default();
    /// model.forecast(10, &[0.5], &mut forecast).expect("200 minutes are enough");
    /// // 1995 now; ten minutes on 2045 is the truth.
    /// assert!((forecast.row(9)[0] - 2045.0).abs() < 20.0);
    /// # Ok::<(), forescale::Error>(())
    /// ```
    Ets, Trend, Config
}

/// The trend as last fitted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Trend {
    /// Steps between two fits.
    refit: u64,
    /// The last rests, the sum of all shifts taken off.
    window: Ring,
    base: f64,
    /// Steps so far, and those when it was fitted; `None` before.
    now: u64,
    fitted: Option<Fitted>,
    level: Level,
}

/// A line that may bend until it is flat.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Fitted {
    /// At this step it was fitted.
    at: u64,
    /// One step on, the rise of the next step, and the share of a rise that is left after a step.
    first: f64,
    rise: f64,
    fade: f64,
}

impl Rule for Trend {
    type Config = Config;

    fn new(settings: &Config, step: Duration) -> Result<Self, Error> {
        if !(LEAST_SAMPLES..=MOST_SAMPLES).contains(&settings.n_samples) {
            let n = settings.n_samples;
            let message = format!("is {n}, must be {LEAST_SAMPLES} to {MOST_SAMPLES}");
            return Err(Error::config("n_samples", message));
        }
        if settings.refit.is_zero() {
            return Err(Error::config("refit", "is 0s, must be longer"));
        }
        Ok(Self {
            refit: settings.refit.steps(step).max(LEAST_REFIT) as u64,
            window: Ring::new(settings.n_samples),
            base: 0.0,
            now: 0,
            fitted: None,
            level: Level::new(step),
        })
    }

    fn seasons(settings: &Config, step: Duration) -> Result<Seasons, Error> {
        Seasons::of(&settings.seasons, step)
    }

    fn restored(&self, saved: Self) -> Result<Self, String> {
        let sound = |fitted: Fitted| fitted.at <= saved.now && (0.0..=1.0).contains(&fitted.fade);
        if saved.refit != self.refit
            || saved.window.capacity() != self.window.capacity()
            || saved.now > 1 << 53
            || !saved.fitted.is_none_or(sound)
        {
            return Err("the trend of a forecaster is not of its settings".to_owned());
        }
        Ok(Self { level: self.level.restored(saved.level)?, ..saved })
    }

    fn follow(&mut self, rest: Option<f64>) {
        self.now += 1;
        let rest = rest.map(|rest| rest - self.base);
        let (now, fitted, reach) = (self.now, self.fitted, self.window.capacity());
        let course = |ahead: usize| fitted.map(|fitted| fitted.at(now, ahead, reach));
        self.level.observe(rest, course);
        // A gap goes on as it was, so that its end is no event.
        let value = rest.or_else(|| self.window.back(0));
        if self.window.is_empty() && value.is_none() {
            return;
        }
        self.window.push(value);
        let due = match self.fitted {
            Some(fitted) => self.now - fitted.at >= self.refit,
            None => self.window.len() >= LEAST_SAMPLES,
        };
        if due && rest.is_some() {
            let before = course(0);
            self.fit();
            if let (Some(before), Some(fitted)) = (before, self.fitted) {
                self.level.moved(before - fitted.at(now, 0, reach));
            }
        }
    }

    fn shift(&mut self, by: f64) {
        self.base += by;
    }

    fn expects(&self, ahead: usize) -> Option<f64> {
        let fitted = self.fitted?;
        let course = |ahead| fitted.at(self.now, ahead, self.window.capacity());
        let (now, then) = (course(0), course(ahead));
        // Before anything came after the first fit, the trend itself.
        let rest = self.level.rest(ahead, now, then).unwrap_or(0.0);
        Some(self.base + then + rest)
    }
}

impl Trend {
    fn fit(&mut self) {
        let series: Vec<f64> = self.window.iter().flatten().collect();
        self.fitted = Some(Fitted { at: self.now, ..fitted(&series) });
    }
}

impl Fitted {
    /// The trend `ahead` steps from the step `now`; not further on than the samples it is from
    /// reach back.
    fn at(&self, now: u64, ahead: usize, reach: usize) -> f64 {
        let steps = ((now - self.at) as usize).saturating_add(ahead).min(reach);
        // A damped rise adds up to rise * (1 + fade + ...); the first step has none of it.
        let n = steps as f64 - 1.0;
        if self.fade >= 1.0 || steps == 0 {
            return self.first + self.rise * n;
        }
        let bent = if steps < 2 { 0.0 } else { 1.0 + sum_of_powers(self.fade, steps - 2) };
        self.first + self.rise * bent
    }
}

/// The trend that AutoETS finds; flat at the mean where it finds none.
fn fitted(series: &[f64]) -> Fitted {
    // Additive errors alone: in square-root scale they do not grow with the load, and rests may be
    // negative.
    let found = AutoETS::new(1, "AZN").and_then(|search| search.fit(series));
    let points = found.and_then(|model| model.predict(3, None)).map(|forecast| forecast.point);
    if let Ok([first, second, third]) = points.as_deref() {
        let rise = second - first;
        let fade = if rise.abs() > 1e-12 * first.abs() { (third - second) / rise } else { 0.0 };
        // Beyond this a rise that fades cannot be told from one that does not.
        let fade = if fade > 1.0 - 1e-6 { 1.0 } else { fade.max(0.0) };
        let trend = Fitted { at: 0, first: *first, rise, fade };
        if [trend.first, trend.rise, trend.fade].iter().all(|number| number.is_finite()) {
            return trend;
        }
    }
    let mean = series.iter().sum::<f64>() / series.len().max(1) as f64;
    Fitted { first: mean, ..Fitted::default() }
}

/// A fit to fewer samples says nothing.
const LEAST_SAMPLES: usize = 24;

/// A fit to more takes a quarter of a second or longer.
const MOST_SAMPLES: usize = 2016;

/// So many steps lie between two fits at least, as one costs more than a thousand updates.
const LEAST_REFIT: usize = 12;

/// Settings of [`Ets`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// After these times the load comes again, each a whole number of steps; one counts once its
    /// first cycle has been seen, and loses its say where it does not come true. Default `1d`: most
    /// loads that people make follow the day. None: only level and trend.
    pub seasons: Vec<Duration>,
    /// So many of the last samples are fitted, 24 to 2016. Default 168: a week of hours, and a fit in
    /// some ten milliseconds.
    pub n_samples: usize,
    /// Time between two fits; at least twelve steps lie between them. Default `1h`: trends change
    /// slowly.
    pub refit: Duration,
}

impl Default for Config {
    fn default() -> Self {
        let seasons = vec![Duration::from_secs(86_400)];
        Self { seasons, n_samples: 168, refit: Duration::from_secs(3600) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecast::testing::{
        MINUTE, beats_as_now, hourly, recovers, survives_a_snapshot, uniform,
    };

    const HOUR: Duration = Duration::from_secs(3600);

    fn model() -> Ets {
        // Short, as a fit takes long where the compiler does not optimize.
        let settings =
            Config { n_samples: 36, refit: Duration::from_secs(86_400), ..Config::default() };
        Ets::new(settings, HOUR).expect("in range")
    }

    #[test]
    fn covers_what_it_says_and_beats_as_now_on_days() {
        beats_as_now(|| Box::new(model()), &hourly(24 * 70, 1.0), 6, 24 * 20, 0.3);
    }

    #[test]
    fn the_trend_of_a_line_is_found_and_ends_where_its_samples_reach() {
        let line: Vec<f64> = (0..40).map(|step| 10.0 + 0.5 * f64::from(step)).collect();
        let trend = fitted(&line);
        let at = |steps| trend.at(0, steps, 40);
        assert!((at(1) - 30.0).abs() < 0.1 && (at(11) - 35.0).abs() < 0.5, "{trend:?}");
        assert_eq!(at(40), at(400));
    }

    #[test]
    fn a_damped_trend_bends() {
        let trend = Fitted { at: 5, first: 10.0, rise: 4.0, fade: 0.5 };
        let at = |ahead| trend.at(5, ahead, 100);
        assert_eq!([1, 2, 3, 4].map(at), [10.0, 14.0, 16.0, 17.0]);
        assert!((at(90) - 18.0).abs() < 1e-9);
    }

    #[test]
    fn where_no_model_is_found_the_trend_is_flat() {
        for series in [vec![3.0; 2], vec![1e154, -1e154, 1e154, 0.0]] {
            let trend = fitted(&series);
            let mean = series.iter().sum::<f64>() / series.len() as f64;
            assert_eq!((trend.first, trend.rise), (mean, 0.0));
        }
    }

    #[test]
    fn a_spike_or_a_reset_is_over_after_two_days() {
        recovers(|| Box::new(model()), &hourly(24 * 28, 1.0), 24 * 19, 48);
    }

    #[test]
    fn a_snapshot_changes_no_answer() {
        let mut uniform = uniform(41);
        let holes = |load| Some(load).filter(|_| uniform() > 0.1);
        let loads: Vec<_> = hourly(24 * 14, 0.6).into_iter().map(holes).collect();
        survives_a_snapshot(|| Box::new(model()), &loads);
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        let refused =
            |settings| Ets::new(settings, MINUTE).expect_err("out of range").path().to_owned();
        assert_eq!(refused(Config { n_samples: 23, ..Config::default() }), "n_samples");
        assert_eq!(refused(Config { refit: Duration::ZERO, ..Config::default() }), "refit");
        let odd = vec![Duration::from_secs(90)];
        assert_eq!(refused(Config { seasons: odd, ..Config::default() }), "seasons[0]");
    }
}
