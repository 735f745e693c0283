//! The Theta method: a smoothed level, and a share of the long line's slope.
//!
//! In: samples. Out: what Theta models of many settings side by side expect, on the season of the
//! load. Runs no optimizer.

use serde::{Deserialize, Serialize};

use super::contest::{Contest, interpolated};
use super::line::Line;
use super::online::{Rule, online};
use super::seasons::{Seasons, steps_of};
use crate::Error;
use crate::time::Duration;

online! {
    /// Smooths the load off its season, and drifts with a share of the slope of its line.
    ///
    /// The Theta method (Assimakopoulos and Nikolopoulos 2000) extrapolates the line through the
    /// series, and by exponential smoothing the series with its bends magnified by theta; their mean
    /// is smoothing with a drift of `1 - 1 / theta` of the line's slope (Hyndman and Billah 2003).
    /// As in the dynamic optimized Theta model (Fiorucci et al. 2016) the line moves along, here by
    /// discounted least squares, and theta and the smoothing are those that forecast best; here 32
    /// pairs run at once and are weighed by their errors at each horizon.
    ///
    /// ```
    /// use forescale::forecast::theta::{Config, Theta};
    /// use forescale::forecast::{Forecast, Forecaster};
    /// use forescale::series::Sample;
    /// use forescale::{Duration, Timestamp};
    ///
    /// let settings = Config { season: None, ..Config::default() };
    /// let mut model = Theta::new(settings, Duration::from_secs(3600))?;
    /// for hour in 0..400 {
    ///     let load = 1000.0 + 2.0 * hour as f64;
    ///     model.observe(Sample { at: Timestamp::from_secs(3600 * (hour + 1)), value: Some(load) });
    /// }
    /// let mut forecast = Forecast::default();
    /// model.forecast(24, &[0.5], &mut forecast).expect("400 hours are enough");
    /// // 1798 now; a day on 1846 is the truth.
    /// assert!((forecast.row(23)[0] - 1846.0).abs() < 15.0);
    /// # Ok::<(), forescale::Error>(())
    /// ```
    Theta, Thetas, Config
}

/// Smoothers, and the line that all drift with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Thetas {
    /// The weight of all before a step in the line, and the steps that it reaches back and ahead.
    keep: f64,
    reach: usize,
    line: Line,
    /// By [`ALPHAS`]; empty before the first value.
    levels: Vec<f64>,
    /// Candidate `a + N_ALPHAS * s` smooths with `ALPHAS[a]` and drifts with `SHARES[s]`.
    contest: Contest,
    /// Level and drift as the contest weighs them at each of its horizons.
    mixes: Vec<(f64, f64)>,
}

/// From an average over hours of minutes to nearly the last value.
const ALPHAS: [f64; 8] = [0.005, 0.015, 0.04, 0.1, 0.2, 0.4, 0.65, 0.9];

/// `1 - 1 / theta` for theta 1 (no drift), 4/3, 2 (the classical one), and beyond any.
const SHARES: [f64; 4] = [0.0, 0.25, 0.5, 1.0];

impl Rule for Thetas {
    type Config = Config;

    fn new(settings: &Config, step: Duration) -> Result<Self, Error> {
        if settings.line.is_zero() || step.is_zero() {
            return Err(Error::config("line", format!("is {}, must be longer", settings.line)));
        }
        let reach = settings.line.steps(step).max(LEAST_REACH);
        Ok(Self {
            keep: libm::exp(-1.0 / reach as f64),
            reach,
            line: Line::default(),
            levels: Vec::new(),
            contest: Contest::new(ALPHAS.len() * SHARES.len(), step),
            mixes: Vec::new(),
        })
    }

    fn seasons(settings: &Config, step: Duration) -> Result<Seasons, Error> {
        let period = settings.season.map(|season| steps_of(season, step, "season"));
        Ok(Seasons::new(period.transpose()?))
    }

    fn restored(&self, saved: Self) -> Result<Self, String> {
        let known = !saved.levels.is_empty();
        let n_mixes = if known { self.contest.weights().count() } else { 0 };
        if (saved.keep, saved.reach) != (self.keep, self.reach)
            || ![0, ALPHAS.len()].contains(&saved.levels.len())
            || saved.mixes.len() != n_mixes
        {
            return Err("the lines of a forecaster are not of its settings".to_owned());
        }
        Ok(Self { contest: self.contest.restored(saved.contest)?, ..saved })
    }

    fn follow(&mut self, rest: Option<f64>) {
        let Self { keep, reach, line, levels, contest, mixes } = self;
        if levels.is_empty() {
            let Some(rest) = rest else { return };
            levels.resize(ALPHAS.len(), rest);
        }
        line.observe(rest, *keep);
        let slope = line.slope();
        match rest {
            Some(rest) => {
                for (level, alpha) in levels.iter_mut().zip(ALPHAS) {
                    *level += alpha * (rest - *level);
                }
            }
            // The smoothed series lags behind the line by the same as before.
            None => levels.iter_mut().for_each(|level| *level += slope),
        }
        contest.observe(rest, |ahead, said| {
            for (said, (level, drift)) in said.iter_mut().zip(candidates(levels, slope)) {
                *said = level + drift * ahead.min(*reach) as f64;
            }
        });
        mixes.clear();
        mixes.extend(contest.weights().map(|weights| {
            let all = weights.iter().zip(candidates(levels, slope));
            all.fold((0.0, 0.0), |sum, (weight, (level, drift))| {
                (sum.0 + weight * level, sum.1 + weight * drift)
            })
        }));
    }

    fn shift(&mut self, by: f64) {
        self.line.shift(by);
        self.levels.iter_mut().for_each(|level| *level += by);
        self.mixes.iter_mut().for_each(|(level, _)| *level += by);
        self.contest.shift(by);
    }

    fn expects(&self, ahead: usize) -> Option<f64> {
        if self.mixes.is_empty() {
            return None;
        }
        // A line says nothing of what is further ahead than it reaches back.
        let steps = ahead.min(self.reach) as f64;
        Some(interpolated(ahead, |horizon| {
            let (level, drift) = self.mixes[horizon];
            level + drift * steps
        }))
    }
}

/// Level and drift of each candidate. A smoothed line lags by `(1 - alpha) / alpha` of its slope,
/// which the candidates' share of the drift makes good.
fn candidates(levels: &[f64], slope: f64) -> impl Iterator<Item = (f64, f64)> {
    let alphas = move |share: f64| {
        levels.iter().zip(ALPHAS).map(move |(level, alpha)| {
            let drift = share * slope;
            (level + drift * (1.0 - alpha) / alpha, drift)
        })
    };
    SHARES.into_iter().flat_map(alphas)
}

/// A shorter line would be that of the noise.
const LEAST_REACH: usize = 6;

/// Settings of [`Theta`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// After this time the load comes again; a whole number of steps. It counts once its first cycle
    /// has been seen, and loses its say where it does not come true. Default `1d`: most loads that
    /// people make follow the day. `null`: none.
    pub season: Option<Duration>,
    /// Time constant of the weights with which samples go into the line, six steps at least; so far
    /// ahead it is drawn on at most. Default `1d`: a trend shorter than a day is seldom a line.
    pub line: Duration,
}

impl Default for Config {
    fn default() -> Self {
        let day = Duration::from_secs(86_400);
        Self { season: Some(day), line: day }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecast::testing::{
        MINUTE, beats_as_now, hourly, recovers, survives_a_snapshot, uniform,
    };

    const HOUR: Duration = Duration::from_secs(3600);

    fn model() -> Theta {
        Theta::new(Config::default(), HOUR).expect("defaults hold")
    }

    /// Days that grow for a week and shrink for a week.
    fn growing(hours: usize) -> Vec<f64> {
        let mut uniform = uniform(16);
        let load = |hour: usize| {
            let trend = (hour % 336).abs_diff(168) as f64 / 168.0;
            let day = 1.0 + 0.5 * (hour as f64 / 24.0 * std::f64::consts::TAU).sin();
            (500.0 + 3000.0 * trend) * day * (0.95 + 0.1 * uniform())
        };
        (0..hours).map(load).collect()
    }

    #[test]
    fn covers_what_it_says_and_beats_as_now_on_days_that_grow_and_shrink() {
        beats_as_now(|| Box::new(model()), &growing(24 * 100), 6, 24 * 20, 0.4);
    }

    #[test]
    fn a_spike_or_a_reset_is_over_after_ten_samples() {
        recovers(|| Box::new(model()), &hourly(24 * 28, 1.0), 24 * 19, 10);
    }

    #[test]
    fn a_snapshot_changes_no_answer() {
        let mut uniform = uniform(17);
        let holes = |load| Some(load).filter(|_| uniform() > 0.1);
        let loads: Vec<_> = growing(24 * 15).into_iter().map(holes).collect();
        survives_a_snapshot(|| Box::new(model()), &loads);
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        let refused =
            |settings| Theta::new(settings, MINUTE).expect_err("out of range").path().to_owned();
        let second = Duration::from_secs(1);
        assert_eq!(refused(Config { season: Some(second), ..Config::default() }), "season");
        assert_eq!(refused(Config { line: HOUR.times(0), ..Config::default() }), "line");
    }
}
