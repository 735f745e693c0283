//! Many series at once.
//!
//! In: the samples of many series on one grid. Out: a forecast for each, or why there is none; the
//! same whatever the number of threads, as no series knows of another.

use std::sync::Mutex;

use super::batch::{Ask, Told, forecast_many};
use super::model::check_step;
use super::{Forecast, Forecaster, ForecasterConfig, Horizon, cores, input};
use crate::gpu::{Choice, Device, Seconds};
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

impl Panel<'_> {
    /// The number of samples of each series.
    ///
    /// # Errors
    /// If the number of values is none of the number of series.
    pub(super) fn n_samples(&self) -> Result<usize, Error> {
        let Self { values, n_series, .. } = *self;
        let n_samples = values.len().checked_div(n_series).unwrap_or(0);
        if n_samples * n_series != values.len() {
            let message = format!(
                "has {} numbers, must have as many for each of {n_series} series",
                values.len()
            );
            return Err(Error::observation("values", message));
        }
        Ok(n_samples)
    }

    /// The numbers of a forecast that has `width` of them for each series.
    ///
    /// # Errors
    /// If they are too many.
    pub(super) fn n_numbers(&self, width: usize) -> Result<usize, Error> {
        let n_series = self.n_series;
        n_series.checked_mul(width).filter(|&n| n <= MOST_NUMBERS).ok_or_else(|| {
            let message = format!(
                "asks for {width} numbers for each of {n_series} series, must be at most \
                 {MOST_NUMBERS} in all"
            );
            Error::observation("horizon", message)
        })
    }

    /// End of the last sample.
    pub(super) fn issued_at(&self, n_samples: usize) -> Timestamp {
        match n_samples {
            0 => self.start - self.step,
            n_samples => self.start + self.step.times(n_samples as i64 - 1),
        }
    }
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
    /// What did it: `cpu`, or the adapter's name.
    pub device: String,
    /// The time of transfer and kernels, each by itself, where a device did it that has a clock.
    pub device_seconds: Option<Seconds>,
}

/// Where a panel is worked on, and for how long.
#[derive(Clone)]
pub struct On<'a> {
    /// The processor or the graphics card.
    pub device: Device,
    /// Which adapter, where it is to be a card.
    pub choice: Choice,
    /// Asked now and then, from the calling thread alone: where it answers false the call ends with an
    /// error. Kinds other than `batch` do not ask.
    pub go_on: &'a (dyn Fn() -> bool + Sync),
}

impl Default for On<'_> {
    fn default() -> Self {
        Self { device: Device::Auto, choice: Choice::default(), go_on: &|| true }
    }
}

impl std::fmt::Debug for On<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { device, choice, .. } = self;
        f.debug_struct("On").field("device", device).field("choice", choice).finish_non_exhaustive()
    }
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
    let cores = On { device: Device::Cpu, ..On::default() };
    forecast_panel_on(settings, panel, horizon, quantiles, &cores)
}

/// [`forecast_panel`] on the processor or on a graphics card.
///
/// The card is for `batch`: its forecasts there are those of the processor but for about the fourth
/// digit, as both work in single precision and round differently. A device that is lost is opened once
/// more; lost again, the processor answers. `device` of the answer tells what did it.
///
/// ```
/// use forescale::forecast::{ForecasterConfig, On, Panel, forecast_panel_on};
/// use forescale::gpu::{Choice, Device};
/// use forescale::{Duration, Timestamp};
///
/// let (step, start) = (Duration::from_secs(60), Timestamp::from_secs(60));
/// let panel = Panel { values: &[9.0; 200], n_series: 2, start, step };
/// let batch = ForecasterConfig::from_text("batch")?;
/// let on = On { device: Device::Auto, choice: Choice::off(), ..On::default() };
/// let forecast = forecast_panel_on(&batch, &panel, 2, &[0.5], &on)?;
/// assert_eq!((forecast.device.as_str(), forecast.series(1)), ("cpu", Ok(&[9.0; 2][..])));
/// # Ok::<(), forescale::Error>(())
/// ```
///
/// # Errors
/// As [`forecast_panel`]; if [`Device::Gpu`] is asked for and there is none, or of another kind than
/// `batch`; and if `go_on` ends it.
pub fn forecast_panel_on(
    settings: &ForecasterConfig,
    panel: &Panel<'_>,
    horizon: impl Into<Horizon>,
    quantiles: &[f64],
    on: &On<'_>,
) -> Result<PanelForecast, Error> {
    let Panel { values, n_series, step, .. } = *panel;
    check_step(step)?;
    let horizon = horizon.into().steps(step);
    input::check_request(horizon, quantiles)?;
    let n_samples = panel.n_samples()?;
    let width = horizon * quantiles.len();
    let mut forecasts = vec![f64::NAN; panel.n_numbers(width)?];
    let told = match settings {
        ForecasterConfig::Batch(settings) => {
            let On { device, ref choice, go_on } = *on;
            let ask = Ask {
                settings,
                values,
                n_series,
                n_samples,
                step,
                horizon,
                quantiles,
                device,
                choice,
                go_on,
            };
            forecast_many(&ask, &mut forecasts)?
        }
        _ if on.device == Device::Gpu => {
            let message = "is \"gpu\", which takes the forecaster `batch`";
            return Err(Error::config("device", message));
        }
        _ => {
            let rows = forecasts.chunks_mut(BLOCK * width);
            let blocks = Mutex::new(rows.enumerate());
            let work = Work { settings, panel, n_samples, horizon, quantiles, blocks };
            // At least one model is built, so that settings out of range are refused for no series
            // too.
            let n_workers = cores::n_threads().min(n_series.div_ceil(BLOCK)).max(1);
            let models = (0..n_workers).map(|_| settings.clone().build(step));
            let abstained = done_by(&work, models.collect::<Result<Vec<_>, _>>()?);
            Told { abstained, device: "cpu".to_owned(), device_seconds: None }
        }
    };
    let Told { abstained, device, device_seconds } = told;
    Ok(PanelForecast {
        issued_at: panel.issued_at(n_samples),
        step,
        horizon,
        quantiles: quantiles.to_vec(),
        values: forecasts,
        abstained,
        device,
        device_seconds,
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

/// The work done, a thread for each model; the series without a forecast, in order.
fn done_by<'a, B: Iterator<Item = (usize, &'a mut [f64])> + Send>(
    work: &Work<'_, B>,
    models: Vec<Box<dyn Forecaster>>,
) -> Vec<(usize, Reason)> {
    let mut abstained = cores::each(models, |_, model| work.take_blocks(model)).concat();
    abstained.sort_unstable_by_key(|&(series, _)| series);
    abstained
}

#[cfg(test)]
mod tests;
