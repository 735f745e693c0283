//! One linear model for many series at once.
//!
//! In: a panel of series that resemble each other. Out: a model that forecasts any of them, or one
//! like them, from its own last samples. Knows no series by name.

use std::f64::consts::TAU;

use linfa::Dataset;
use linfa::traits::Fit;
use ndarray::{Array1, Array2};
use serde::{Deserialize, Serialize};

use super::history::too_little;
use super::model::check_step;
use super::{Forecast, Horizon, MOST_STALE, Panel, input};
use crate::time::{Duration, Timestamp};
use crate::{Error, Reason};

/// An elastic net over lags and the calendar, fitted on all series of a panel together.
///
/// A short history that says little by itself is forecast as the others went on from where it is
/// now. Each series is scaled by its own level, the mean of its last day, and taken as square roots.
/// The features are its last samples and means, the same time yesterday and last week with their
/// neighbors, what was then now, the time of day and of the week; the weights of each of some
/// horizons are fitted by coordinate descent (Zou and Hastie 2005; the crate `linfa-elasticnet`).
/// The last quarter of the panel is kept from the fit and gives the quantiles of the errors (split
/// conformal prediction).
///
/// With the feature `ml`. Weights may differ in the last digits from one processor to another, as
/// the linear algebra is vectorized.
///
/// ```
/// use forescale::forecast::elastic_net::{Config, ElasticNet};
/// use forescale::forecast::Panel;
/// use forescale::{Duration, Timestamp};
///
/// let step = Duration::from_secs(3600);
/// let load = |series: usize, hour: usize| {
///     let day = if (8..18).contains(&((hour + series) % 24)) { 3.0 } else { 1.0 };
///     day * (100.0 + series as f64) + (hour * hour % 7) as f64
/// };
/// let values: Vec<f64> =
///     (0..8).flat_map(|series| (0..240).map(move |hour| load(series, hour))).collect();
/// let panel = Panel { values: &values, n_series: 8, start: Timestamp::from_secs(3600), step };
/// let model = ElasticNet::fit(&panel, Config { horizon: 12, ..Config::default() })?;
///
/// // A series that it has not seen.
/// let history: Vec<f64> = (0..72).map(|hour| load(4, hour) * 2.0).collect();
/// let forecast = model.forecast(&history, Timestamp::from_secs(72 * 3600), 12, &[0.5])?;
/// let forecast = forecast.expect("three days are enough");
/// // Row 5 speaks of hour 77, five in the morning, and of ten to the series.
/// assert!((forecast.row(5)[0] / (2.0 * load(4, 77)) - 1.0).abs() < 0.2);
/// # Ok::<(), forescale::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved", into = "Saved")]
pub struct ElasticNet {
    settings: Config,
    step: Duration,
    /// Invariant: at least one; `ahead` rises up to the horizon.
    heads: Vec<Head>,
}

/// The model of one horizon.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    ahead: usize,
    intercept: f64,
    /// One a feature.
    weights: Vec<f64>,
    /// Out of sample, in square roots of the level. Invariant: rising, not empty.
    errors: Vec<f64>,
}

/// The number of features; see [`Series::features`].
const N_FEATURES: usize = 16;

/// So many errors are kept; those between are left out evenly.
const MOST_ERRORS: usize = 999;

/// So few rows give no model.
const LEAST_ROWS: usize = 100;

impl ElasticNet {
    /// Fits the model.
    ///
    /// # Errors
    /// If a setting is out of its range, the number of values is none of the number of series, or
    /// the series are too short: two days and the horizon are the least. A value that is NaN,
    /// negative or infinite counts as missing.
    pub fn fit(panel: &Panel<'_>, settings: Config) -> Result<Self, Error> {
        let Panel { values, n_series, start, step } = *panel;
        check_step(step)?;
        settings.check()?;
        let n_samples = values.len().checked_div(n_series).unwrap_or(0);
        if n_samples * n_series != values.len() {
            let message = format!(
                "has {} numbers, must have as many for each of {n_series} series",
                values.len()
            );
            return Err(Error::observation("values", message));
        }
        let heads: Result<Vec<_>, Error> = (horizons(settings.horizon))
            .map(|ahead| {
                let rows = Rows::of(values, n_samples, start, step, ahead, settings.rows);
                rows.fit(&settings, ahead)
            })
            .collect();
        Ok(Self { settings, step, heads: heads? })
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &Config {
        &self.settings
    }

    /// The forecast of a series from its last samples, the oldest first; the last one ends at
    /// `issued_at`. NaN is a missing one.
    ///
    /// # Errors
    /// The outer one if an argument is out of range: the horizon up to the one it was fitted for,
    /// the quantiles rising within (0, 1). The inner one is the reason to abstain: less than a day
    /// and two hours of history, or a gap at its end.
    pub fn forecast(
        &self,
        history: &[f64],
        issued_at: Timestamp,
        horizon: impl Into<Horizon>,
        quantiles: &[f64],
    ) -> Result<Result<Forecast, Reason>, Error> {
        let horizon = horizon.into().steps(self.step);
        input::check_request(horizon, quantiles)?;
        let longest = self.settings.horizon;
        if horizon > longest {
            let message =
                format!("is {horizon} steps, must be up to {longest}, as it was fitted for");
            return Err(Error::observation("horizon", message));
        }
        let start = issued_at - self.step.times(history.len() as i64 - 1);
        let series = Series { values: history, start, step: self.step };
        let n = history.len();
        let mut forecast = Forecast {
            issued_at,
            step: self.step,
            quantiles: quantiles.to_vec(),
            values: Vec::with_capacity(horizon * quantiles.len()),
        };
        for ahead in 1..=horizon {
            let at = self.heads.partition_point(|head| head.ahead < ahead);
            let head = &self.heads[at];
            let Some((features, level)) =
                n.checked_sub(1).and_then(|now| series.features(now, ahead))
            else {
                let needed = series.day() + series.span(2 * 3600) + MOST_STALE;
                return Ok(Err(too_little(n as u64, needed.max(n + 1) as u64)));
            };
            let root = head.root(&features);
            forecast.values.extend(quantiles.iter().map(|&quantile| {
                let root = (root + head.error(quantile)).max(0.0);
                (root * root * level).min(f64::MAX)
            }));
        }
        Ok(Ok(forecast))
    }
}

impl Head {
    fn root(&self, features: &[f64; N_FEATURES]) -> f64 {
        let products = self.weights.iter().zip(features).map(|(weight, feature)| weight * feature);
        self.intercept + products.sum::<f64>()
    }

    /// The error of rank `ceil((n + 1) quantile)`.
    fn error(&self, quantile: f64) -> f64 {
        let n = self.errors.len();
        let rank = ((n + 1) as f64 * quantile).ceil() as usize;
        self.errors[rank.clamp(1, n) - 1]
    }
}

/// The horizons that are fitted: doubling, and the longest.
fn horizons(longest: usize) -> impl Iterator<Item = usize> {
    let doubling = std::iter::successors(Some(1), |ahead| Some(ahead * 2));
    doubling.take_while(move |&ahead| ahead < longest).chain([longest])
}

/// One series of a panel.
#[derive(Clone, Copy)]
struct Series<'a> {
    values: &'a [f64],
    /// End of the first step.
    start: Timestamp,
    step: Duration,
}

impl Series<'_> {
    /// A span of seconds in steps, at least one.
    fn span(&self, seconds: u32) -> usize {
        let millis = Duration::from_secs(seconds).as_millis();
        ((millis + self.step.as_millis() / 2) / self.step.as_millis()).max(1) as usize
    }

    fn day(&self) -> usize {
        self.span(86_400)
    }

    /// A load, unless it is missing or none.
    fn load(&self, index: usize) -> Option<f64> {
        self.values.get(index).copied().filter(|load| load.is_finite() && *load >= 0.0)
    }

    /// The mean of the `n` loads up to an index, of those that are known.
    fn mean(&self, last: usize, n: usize) -> Option<f64> {
        let loads = (last + 1).saturating_sub(n)..=last;
        let known = loads.filter_map(|index| self.load(index));
        let (n, mean) = known.fold((0.0, 0.0), |(n, mean), load| {
            let n = n + 1.0;
            (n, mean + (load - mean) / n)
        });
        (n > 0.0).then_some(mean)
    }

    /// What is known at `now` of the load `ahead` steps later, as roots of shares of the level; and
    /// the level.
    fn features(&self, now: usize, ahead: usize) -> Option<([f64; N_FEATURES], f64)> {
        let (day, week) = (self.day(), 7 * self.day());
        let level = self.mean(now, day).filter(|&level| level > 0.0 && level < f64::MAX)?;
        let root = |load: f64| (load / level).min(1e6).sqrt();
        let last = (0..MOST_STALE + 1).find_map(|age| self.load(now.checked_sub(age)?))?;
        let around = |index: usize| self.mean(index + 2, 5).map(root);
        // Whole days ago, so that it is past by now, with its neighbors.
        let ago = |season: usize| {
            let seasons = (ahead + 2).div_ceil(season) * season;
            let then = (now + ahead).checked_sub(seasons)?;
            let neighbors = around(then)?;
            let before = around(now.checked_sub(seasons)?).unwrap_or(neighbors);
            Some([self.load(then).map_or(neighbors, root), neighbors, before])
        };
        let yesterday = ago(day)?;
        let last_week = ago(week).unwrap_or(yesterday);
        let recent = |seconds: u32, least: usize| {
            self.mean(now, self.span(seconds).max(least)).map_or(1.0, root)
        };
        let then = self.start + self.step.times((now + ahead) as i64);
        let turn = |seconds: i64| {
            let millis = seconds * 1000;
            then.as_millis().rem_euclid(millis) as f64 / millis as f64 * TAU
        };
        let (hour, weekday) = (turn(86_400), turn(604_800));
        let features = [
            root(last),
            self.mean(now, 3).map_or(1.0, root),
            recent(1800, 3),
            recent(7200, 4),
            yesterday[0],
            yesterday[1],
            yesterday[2],
            last_week[0],
            last_week[1],
            last_week[2],
            libm::sin(hour),
            libm::cos(hour),
            libm::sin(2.0 * hour),
            libm::cos(2.0 * hour),
            libm::sin(weekday),
            libm::cos(weekday),
        ];
        Some((features, level))
    }
}

/// What a head learns from.
#[derive(Default)]
struct Rows {
    /// Row-major.
    features: Vec<f64>,
    roots: Vec<f64>,
    /// The first row that is kept from the fit.
    first_held: usize,
}

impl Rows {
    /// Rows of all series, evenly over time, those of the last quarter at the end.
    fn of(
        values: &[f64],
        n_samples: usize,
        start: Timestamp,
        step: Duration,
        ahead: usize,
        most: usize,
    ) -> Self {
        let mut rows = Self::default();
        let n_series = values.len().checked_div(n_samples).unwrap_or(0);
        let stride = (n_samples * n_series).div_ceil(most).max(1);
        let split = n_samples - n_samples / 4;
        for is_held in [false, true] {
            if is_held {
                rows.first_held = rows.roots.len();
            }
            for (number, samples) in values.chunks_exact(n_samples.max(1)).enumerate() {
                let series = Series { values: samples, start, step };
                // Each series at other times, so that a stride of a day misses no hour.
                for now in (number % stride..n_samples).step_by(stride) {
                    // What is held is not in any target of the fit.
                    let is_late = now >= split;
                    if is_late != is_held || !is_held && now + ahead >= split {
                        continue;
                    }
                    let Some(load) = series.load(now + ahead) else { continue };
                    if let Some((features, level)) = series.features(now, ahead) {
                        rows.features.extend_from_slice(&features);
                        rows.roots.push((load / level).min(1e6).sqrt());
                    }
                }
            }
        }
        rows
    }

    fn fit(&self, settings: &Config, ahead: usize) -> Result<Head, Error> {
        let n = self.first_held;
        let n_held = self.roots.len() - n;
        if n < LEAST_ROWS || n_held < LEAST_ROWS / 4 {
            let message = format!(
                "has {n} samples with a day before and {ahead} steps after them, must have \
                 {LEAST_ROWS}, and a quarter more to judge by"
            );
            return Err(Error::observation("values", message));
        }
        // The penalty must be the same for all features, so each is brought to unit variance.
        let mut x =
            Array2::from_shape_vec((n, N_FEATURES), self.features[..n * N_FEATURES].to_vec())
                .expect("as many features a row");
        let mut scales = [(0.0, 1.0); N_FEATURES];
        for (mut column, (mean, scale)) in x.columns_mut().into_iter().zip(&mut scales) {
            *mean = column.iter().sum::<f64>() / n as f64;
            let square = column.iter().map(|value| (value - *mean) * (value - *mean)).sum::<f64>();
            let deviation = (square / n as f64).sqrt();
            *scale = if deviation > 1e-9 { deviation } else { f64::INFINITY };
            column.mapv_inplace(|value| (value - *mean) / *scale);
        }
        let roots = Array1::from(self.roots[..n].to_vec());
        let params = linfa_elasticnet::ElasticNet::params()
            .penalty(settings.penalty)
            .l1_ratio(settings.l1_ratio)
            .max_iterations(1000)
            .tolerance(1e-5);
        let fitted = params
            .fit(&Dataset::new(x, roots))
            .map_err(|error| Error::observation("values", format!("cannot be fitted: {error}")))?;
        let weights: Vec<_> = fitted
            .hyperplane()
            .iter()
            .zip(&scales)
            .map(|(weight, (_, scale))| weight / scale)
            .collect();
        let shift =
            weights.iter().zip(&scales).map(|(weight, (mean, _))| weight * mean).sum::<f64>();
        let intercept = fitted.intercept() - shift;
        if !intercept.is_finite() || !weights.iter().all(|weight| weight.is_finite()) {
            return Err(Error::observation("values", "cannot be fitted: a weight is not finite"));
        }
        let mut head = Head { ahead, intercept, weights, errors: Vec::new() };
        let held = self.features[n * N_FEATURES..].as_chunks::<N_FEATURES>().0;
        let mut errors: Vec<_> = held
            .iter()
            .zip(&self.roots[n..])
            .map(|(features, root)| root - head.root(features).max(0.0))
            .collect();
        errors.sort_unstable_by(f64::total_cmp);
        let kept = errors.len().min(MOST_ERRORS);
        // The middle of each of as many equal parts.
        head.errors = (0..kept).map(|k| errors[(2 * k + 1) * errors.len() / (2 * kept)]).collect();
        Ok(head)
    }
}

/// Settings of [`ElasticNet`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How far ahead it will be asked for, in steps, up to 2,000. Default 12: an hour of 5 minutes.
    pub horizon: usize,
    /// The weight of the penalty, above 0. Default 0.001.
    pub penalty: f64,
    /// The share of the absolute weights in the penalty, 0 to 1; the rest is of their squares.
    /// Default 0.5.
    pub l1_ratio: f64,
    /// As many rows of features at most are fitted for each horizon, 1,000 to 1,000,000. Default
    /// 20,000, beyond which the weights hardly move.
    pub rows: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { horizon: 12, penalty: 1e-3, l1_ratio: 0.5, rows: 20_000 }
    }
}

impl Config {
    fn check(&self) -> Result<(), Error> {
        if !(1..=2000).contains(&self.horizon) {
            let message = format!("is {} steps, must be 1 to 2000", self.horizon);
            return Err(Error::config("horizon", message));
        }
        if !(self.penalty > 0.0 && self.penalty.is_finite()) {
            let message = format!("is {}, must be finite and above 0", self.penalty);
            return Err(Error::config("penalty", message));
        }
        if !(0.0..=1.0).contains(&self.l1_ratio) {
            let message = format!("is {}, must be in [0, 1]", self.l1_ratio);
            return Err(Error::config("l1_ratio", message));
        }
        if !(1000..=1_000_000).contains(&self.rows) {
            let message = format!("is {}, must be 1000 to 1000000", self.rows);
            return Err(Error::config("rows", message));
        }
        Ok(())
    }
}

/// As text.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    settings: Config,
    step: Duration,
    heads: Vec<Head>,
}

impl From<ElasticNet> for Saved {
    fn from(ElasticNet { settings, step, heads }: ElasticNet) -> Self {
        Self { settings, step, heads }
    }
}

impl TryFrom<Saved> for ElasticNet {
    type Error = String;

    fn try_from(Saved { settings, step, heads }: Saved) -> Result<Self, String> {
        settings.check().map_err(|error| error.to_string())?;
        let is_whole = |head: &Head| {
            head.weights.len() == N_FEATURES
                && head.weights.iter().chain(&head.errors).all(|number| number.is_finite())
                && head.intercept.is_finite()
                && !head.errors.is_empty()
                && head.errors.is_sorted()
        };
        let are_those = heads.iter().map(|head| head.ahead).eq(horizons(settings.horizon));
        if step.is_zero() || !are_those || !heads.iter().all(is_whole) {
            return Err("an elastic net is damaged".to_owned());
        }
        Ok(Self { settings, step, heads })
    }
}

#[cfg(test)]
mod tests;
