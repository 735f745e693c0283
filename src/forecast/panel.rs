//! Many series at once.
//!
//! In: the samples of many series on one grid. Out: a forecast for each, or why there is none; the
//! same whatever the number of threads, as no series knows of another.

use std::sync::Mutex;

use super::model::check_step;
use super::{Forecast, Forecaster, ForecasterConfig, Horizon, input};
use crate::{Duration, Error, Reason, Timestamp};

/// The samples of many series that lie on one grid.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Panel<'a> {
    /// Row-major, `[n_series x samples]`, the oldest first. What is NaN, negative or infinite
    /// counts as missing: a bad series must not cost the others their forecast.
    pub values: &'a [f64],
    /// The number of series, all with as many samples.
    pub n_series: usize,
    /// End of the first step.
    pub start: Timestamp,
    /// Time between two samples.
    pub step: Duration,
}

/// Quantiles of the load of many series for each of the next steps.
#[derive(Clone, Debug, PartialEq)]
pub struct PanelForecast {
    /// End of the last sample.
    pub issued_at: Timestamp,
    /// Time between two rows; row `h` (from 0) of a series speaks of the step that ends at
    /// `issued_at + (h + 1) * step`.
    pub step: Duration,
    /// The number of steps it looks ahead.
    pub horizon: usize,
    /// The quantiles, rising, each in (0, 1).
    pub quantiles: Vec<f64>,
    /// Row-major, `[n_series x horizon x quantiles]`, in the units of the loads; NaN throughout for
    /// a series without a forecast.
    pub values: Vec<f64>,
    /// The series without a forecast, rising, and why.
    pub abstained: Vec<(usize, Reason)>,
}

impl PanelForecast {
    /// The number of series.
    #[must_use]
    pub fn n_series(&self) -> usize {
        self.values.len() / (self.horizon * self.quantiles.len()).max(1)
    }

    /// The forecast of one series, from 0, row-major `[horizon x quantiles]`.
    ///
    /// # Errors
    /// The reason to abstain.
    ///
    /// # Panics
    /// If `series` is not below [`n_series`](Self::n_series).
    pub fn series(&self, series: usize) -> Result<&[f64], Reason> {
        if let Ok(at) = self.abstained.binary_search_by_key(&series, |&(series, _)| series) {
            return Err(self.abstained[at].1);
        }
        let width = self.horizon * self.quantiles.len();
        Ok(&self.values[series * width..(series + 1) * width])
    }
}

/// Forecasts each series of a panel with a model of its own; on all cores with the feature
/// `parallel`.
///
/// A thread takes blocks of series and fits them one after the other with the same model, reset in
/// between, so that memory does not grow with the number of series.
///
/// ```
/// use forescale::forecast::{ForecasterConfig, Panel, forecast_panel};
/// use forescale::{Duration, Timestamp};
///
/// let (step, start) = (Duration::from_secs(60), Timestamp::from_secs(60));
/// let values: Vec<f64> = (0..60).map(|minute| if minute < 30 { 9.0 } else { f64::NAN }).collect();
/// let panel = Panel { values: &values, n_series: 2, start, step };
/// let naive = ForecasterConfig::from_text("naive")?;
/// let forecast = forecast_panel(&naive, &panel, 2, &[0.5, 0.95])?;
/// assert_eq!(forecast.series(0), Ok(&[9.0; 4][..]));
/// assert_eq!(forecast.series(1).unwrap_err().code(), "too_little_history");
/// assert_eq!(forecast.issued_at, Timestamp::from_secs(60 * 30));
/// # Ok::<(), forescale::Error>(())
/// ```
///
/// # Errors
/// If a setting or an argument is out of its range: the horizon 1 to 10,000 steps, the quantiles
/// rising within (0, 1), as many values for each series.
pub fn forecast_panel(
    settings: &ForecasterConfig,
    panel: &Panel<'_>,
    horizon: impl Into<Horizon>,
    quantiles: &[f64],
) -> Result<PanelForecast, Error> {
    let Panel { values, n_series, start, step } = *panel;
    check_step(step)?;
    let horizon = horizon.into().steps(step);
    input::check_request(horizon, quantiles)?;
    let n_samples = values.len().checked_div(n_series).unwrap_or(0);
    if n_samples * n_series != values.len() {
        let message = format!(
            "has {} numbers, must have as many for each of {n_series} series",
            values.len()
        );
        return Err(Error::observation("values", message));
    }
    let width = horizon * quantiles.len();
    let Some(n_numbers) = n_series.checked_mul(width).filter(|&n| n <= MOST_NUMBERS) else {
        let message = format!(
            "asks for {width} numbers for each of {n_series} series, must be at most \
             {MOST_NUMBERS} in all"
        );
        return Err(Error::observation("horizon", message));
    };

    let mut forecasts = vec![f64::NAN; n_numbers];
    let rows = forecasts.chunks_mut(BLOCK * width);
    let work = Work {
        settings,
        panel,
        n_samples,
        horizon,
        quantiles,
        blocks: Mutex::new(rows.enumerate()),
    };
    // At least one model is built, so that settings out of range are refused for no series too.
    let n_workers = n_threads().min(n_series.div_ceil(BLOCK)).max(1);
    let models = (0..n_workers).map(|_| settings.clone().build(step));
    let abstained = done_by(&work, models.collect::<Result<Vec<_>, _>>()?);
    let issued_at = match n_samples {
        0 => start - step,
        n_samples => start + step.times(n_samples as i64 - 1),
    };
    Ok(PanelForecast {
        issued_at,
        step,
        horizon,
        quantiles: quantiles.to_vec(),
        values: forecasts,
        abstained,
    })
}

/// So many series a thread takes at a time: enough that asking for more costs nothing, and few
/// enough that threads end together.
const BLOCK: usize = 16;

/// A forecast has at most so many numbers: 64 GiB.
const MOST_NUMBERS: usize = 1 << 33;

/// What all threads share.
struct Work<'a, B> {
    settings: &'a ForecasterConfig,
    panel: &'a Panel<'a>,
    n_samples: usize,
    horizon: usize,
    quantiles: &'a [f64],
    /// Where the forecasts of the next block of series go, by its number.
    blocks: Mutex<B>,
}

impl<'a, B: Iterator<Item = (usize, &'a mut [f64])>> Work<'_, B> {
    /// Takes blocks until there are none; the series without a forecast.
    fn take_blocks(&self, mut model: Box<dyn Forecaster>) -> Vec<(usize, Reason)> {
        let Self { panel, n_samples, horizon, quantiles, .. } = *self;
        let mut abstained = Vec::new();
        let mut forecast = Forecast::default();
        let mut is_used = false;
        loop {
            // Another thread's panic ends the whole call anyway.
            let next = self.blocks.lock().map_or(None, |mut blocks| blocks.next());
            let Some((block, rows)) = next else { return abstained };
            for (row, into) in rows.chunks_mut(horizon * quantiles.len()).enumerate() {
                let series = block * BLOCK + row;
                if is_used && !model.reset() {
                    model = self.settings.clone().build(panel.step).expect("it was built before");
                }
                is_used = true;
                let samples = &panel.values[series * n_samples..(series + 1) * n_samples];
                model.observe_many(panel.start, panel.step, samples);
                match model.forecast(horizon, quantiles, &mut forecast) {
                    Ok(()) => into.copy_from_slice(&forecast.values),
                    Err(reason) => abstained.push((series, reason)),
                }
            }
        }
    }
}

#[cfg(feature = "parallel")]
fn n_threads() -> usize {
    rayon::current_num_threads()
}

#[cfg(not(feature = "parallel"))]
fn n_threads() -> usize {
    1
}

/// The work done, a thread for each model; the series without a forecast, in order.
#[cfg(feature = "parallel")]
fn done_by<'a, B: Iterator<Item = (usize, &'a mut [f64])> + Send>(
    work: &Work<'_, B>,
    models: Vec<Box<dyn Forecaster>>,
) -> Vec<(usize, Reason)> {
    use rayon::prelude::*;
    let told: Vec<_> = models.into_par_iter().map(|model| work.take_blocks(model)).collect();
    let mut abstained = told.concat();
    abstained.sort_unstable_by_key(|&(series, _)| series);
    abstained
}

#[cfg(not(feature = "parallel"))]
fn done_by<'a, B: Iterator<Item = (usize, &'a mut [f64])>>(
    work: &Work<'_, B>,
    models: Vec<Box<dyn Forecaster>>,
) -> Vec<(usize, Reason)> {
    models.into_iter().flat_map(|model| work.take_blocks(model)).collect()
}

#[cfg(test)]
mod tests;
