//! One linear model for many series at once.
//!
//! In: a panel of series that resemble each other. Out: a model that forecasts any of them, or one
//! like them, from its own last samples. Knows no series by name.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::history::too_little;
use super::model::check_step;
use super::{Forecast, Horizon, MOST_STALE, Panel, PanelForecast, cores, input};
use crate::catalog::{opened, unlocated};
use crate::time::{Duration, Timestamp};
use crate::{Error, Reason};

mod rows;
#[cfg(test)]
mod tests;

use rows::{N_FEATURES, Rows, Series};

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

impl ElasticNet {
    /// Fits the model.
    ///
    /// # Errors
    /// If a setting is out of its range, the number of values is none of the number of series, or
    /// the series are too short: two days and the horizon are the least. A value that is NaN,
    /// negative or infinite counts as missing.
    pub fn fit(panel: &Panel<'_>, settings: Config) -> Result<Self, Error> {
        let Panel { values, start, step, .. } = *panel;
        check_step(step)?;
        settings.check()?;
        let n_samples = panel.n_samples()?;
        let heads = cores::try_each(horizons(settings.horizon).collect(), |ahead| {
            let rows = Rows::of(values, n_samples, start, step, ahead, settings.rows);
            rows.fit(&settings, ahead)
        })?;
        Ok(Self { settings, step, heads })
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &Config {
        &self.settings
    }

    /// The step of its samples.
    #[must_use]
    pub fn step(&self) -> Duration {
        self.step
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
        let horizon = self.checked(horizon.into(), quantiles)?;
        let start = issued_at - self.step.times(history.len() as i64 - 1);
        let series = Series { values: history, start, step: self.step };
        let mut values = vec![0.0; horizon * quantiles.len()];
        let step = self.step;
        Ok(self.write(series, quantiles, &mut values).map(|()| Forecast {
            issued_at,
            step,
            quantiles: quantiles.to_vec(),
            values,
        }))
    }

    /// The forecast of each series of a panel, on all cores with the feature `parallel`; as
    /// [`forecast`](Self::forecast) of each would be.
    ///
    /// ```
    /// use forescale::forecast::elastic_net::{Config, ElasticNet};
    /// use forescale::forecast::Panel;
    /// use forescale::{Duration, Timestamp};
    ///
    /// let load = |series: usize, hour: usize| (90 + 40 * series + hour % 24 + hour * hour % 7) as f64;
    /// let values: Vec<f64> =
    ///     (0..4).flat_map(|series| (0..240).map(move |hour| load(series, hour))).collect();
    /// let (start, step) = (Timestamp::from_secs(3600), Duration::from_secs(3600));
    /// let panel = Panel { values: &values, n_series: 4, start, step };
    /// let model = ElasticNet::fit(&panel, Config { horizon: 6, ..Config::default() })?;
    /// let forecasts = model.forecast_panel(&panel, 6, &[0.5])?;
    /// let alone = model.forecast(&values[240..480], forecasts.issued_at, 6, &[0.5])?;
    /// assert_eq!(forecasts.series(1), Ok(&alone.expect("ten days are enough").values[..]));
    /// # Ok::<(), forescale::Error>(())
    /// ```
    ///
    /// # Errors
    /// As there, and if the number of values is none of the number of series, or the step is not that of
    /// the fit.
    pub fn forecast_panel(
        &self,
        panel: &Panel<'_>,
        horizon: impl Into<Horizon>,
        quantiles: &[f64],
    ) -> Result<PanelForecast, Error> {
        /// Series that a thread takes at a time.
        const BLOCK: usize = 16;
        let Panel { values, start, step, .. } = *panel;
        if step != self.step {
            let message = format!("is {step}, must be {}, as it was fitted for", self.step);
            return Err(Error::observation("step", message));
        }
        let horizon = self.checked(horizon.into(), quantiles)?;
        let n_samples = panel.n_samples()?;
        let width = horizon * quantiles.len();
        let mut forecasts = vec![f64::NAN; panel.n_numbers(width)?];
        let blocks: Vec<_> = forecasts.chunks_mut(BLOCK * width).collect();
        let abstained = cores::each(blocks, |block, rows| {
            let mut abstained = Vec::new();
            for (row, into) in rows.chunks_mut(width).enumerate() {
                let at = block * BLOCK + row;
                let values = &values[at * n_samples..(at + 1) * n_samples];
                if let Err(reason) = self.write(Series { values, start, step }, quantiles, into) {
                    into.fill(f64::NAN);
                    abstained.push((at, reason));
                }
            }
            abstained
        });
        Ok(PanelForecast {
            issued_at: panel.issued_at(n_samples),
            step,
            horizon,
            quantiles: quantiles.to_vec(),
            values: forecasts,
            abstained: abstained.concat(),
            device: "cpu".to_owned(),
            device_seconds: None,
        })
    }

    /// Settings and weights as JSON text in UTF-8.
    ///
    /// # Errors
    /// None at present: its numbers are finite.
    pub fn snapshot(&self) -> Result<Vec<u8>, Error> {
        let unwritten = |error| Error::snapshot(format!("cannot be written: {error}"));
        let net = serde_json::to_value(self).map_err(unwritten)?;
        let snapshot = Snapshot { format: FORMAT.to_owned(), version: VERSION, net };
        serde_json::to_vec(&snapshot).map_err(unwritten)
    }

    /// Takes up a snapshot.
    ///
    /// # Errors
    /// [`ErrorKind::Snapshot`](crate::ErrorKind::Snapshot) if it is cut, damaged, of another version, or no
    /// snapshot of an elastic net.
    pub fn restore(snapshot: &[u8]) -> Result<Self, Error> {
        let damaged = |error: serde_json::Error| {
            let what = unlocated(&error.to_string()).1;
            Error::snapshot(format!("the snapshot is damaged: {what}"))
        };
        let opened: Snapshot =
            serde_json::from_value(opened(snapshot, FORMAT, VERSION)?).map_err(damaged)?;
        serde_json::from_value(opened.net).map_err(damaged)
    }

    /// The horizon in steps.
    ///
    /// # Errors
    /// If it or a quantile is out of range.
    fn checked(&self, horizon: Horizon, quantiles: &[f64]) -> Result<usize, Error> {
        let horizon = horizon.steps(self.step);
        input::check_request(horizon, quantiles)?;
        let longest = self.settings.horizon;
        if horizon > longest {
            let message =
                format!("is {horizon} steps, must be up to {longest}, as it was fitted for");
            return Err(Error::observation("horizon", message));
        }
        Ok(horizon)
    }

    /// Writes the forecast of a series from its last sample on, row-major.
    fn write(&self, series: Series<'_>, quantiles: &[f64], into: &mut [f64]) -> Result<(), Reason> {
        let n = series.values.len();
        for (row, ahead) in into.chunks_exact_mut(quantiles.len()).zip(1..) {
            let at = self.heads.partition_point(|head| head.ahead < ahead);
            let head = &self.heads[at];
            let Some((features, level)) =
                n.checked_sub(1).and_then(|now| series.features(now, ahead))
            else {
                let needed = series.day() + series.span(2 * 3600) + MOST_STALE;
                return Err(too_little(n as u64, needed.max(n + 1) as u64));
            };
            let root = head.root(&features);
            for (load, &quantile) in row.iter_mut().zip(quantiles) {
                let root = (root + head.error(quantile)).max(0.0);
                *load = (root * root * level).min(f64::MAX);
            }
        }
        Ok(())
    }
}

const FORMAT: &str = "forescale model of many series";
const VERSION: u64 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Snapshot {
    format: String,
    version: u64,
    net: Value,
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
