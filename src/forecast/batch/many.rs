//! Panels of many series: blocks of lanes on all cores, or chunks on the device.
//!
//! In: a panel. Out: the forecast of each series, and who abstains; the same as of a model for each.

use super::super::cores;
use super::Config;
use super::compose::One;
use super::fit::{ROWS, fit};
use super::plan::{Plan, Scale, pack};
use crate::gpu::{Choice, Device, Seconds};
use crate::{Duration, Error, Reason};

/// So many series are worked on side by side: the vector registers of most processors, four times.
const LANES: usize = 16;

/// So many series between two looks whether to go on: a tenth of a second.
const PART: usize = 1024;

/// `auto` takes the device from so many samples on: below, opening it costs more than the cores. To be
/// measured on a real card yet.
const CROSSOVER: usize = 4_000_000;

/// What is asked of a panel.
#[derive(Clone, Copy)]
pub(in crate::forecast) struct Ask<'a> {
    pub(in crate::forecast) settings: &'a Config,
    /// Row-major, `[n_series x n_samples]`.
    pub(in crate::forecast) values: &'a [f64],
    pub(in crate::forecast) n_series: usize,
    pub(in crate::forecast) n_samples: usize,
    pub(in crate::forecast) step: Duration,
    pub(in crate::forecast) horizon: usize,
    pub(in crate::forecast) quantiles: &'a [f64],
    pub(in crate::forecast) device: Device,
    pub(in crate::forecast) choice: &'a Choice,
    /// Asked now and then; the call ends where it answers false.
    pub(in crate::forecast) go_on: &'a (dyn Fn() -> bool + Sync),
}

/// What is told of a panel beside its forecasts.
pub(in crate::forecast) struct Told {
    /// Who abstained, in order.
    pub(in crate::forecast) abstained: Vec<(usize, Reason)>,
    /// The adapter's name, or `cpu`.
    pub(in crate::forecast) device: String,
    pub(in crate::forecast) device_seconds: Option<Seconds>,
}

/// Writes the forecasts.
///
/// # Errors
/// If the settings are out of range, the device is not there, or the call was stopped.
pub(in crate::forecast) fn forecast_many(ask: &Ask<'_>, into: &mut [f64]) -> Result<Told, Error> {
    ask.settings.check(ask.step)?;
    let work = Work::new(ask);
    let is_large = ask.n_series.saturating_mul(work.plan.n_samples) >= CROSSOVER;
    let wanted = match ask.device {
        Device::Cpu => false,
        Device::Auto => is_large && !ask.choice.off,
        Device::Gpu => true,
    };
    let did_ask = cfg!(feature = "gpu") && work.plan.n_samples > 0 && ask.n_series > 0;
    #[cfg(feature = "gpu")]
    if wanted && did_ask {
        match super::device::on_device(&work, into) {
            Ok(Some(told)) => return Ok(told),
            // Lost, twice: the same call is answered here.
            Ok(None) => {}
            Err(error) if ask.device == Device::Auto && error.path() == "device" => {}
            Err(error) => return Err(error),
        }
    }
    if wanted && ask.device == Device::Gpu && !did_ask {
        // Nothing to do, or no such feature: an adapter that is not there is told all the same.
        crate::gpu::info(ask.choice)?;
    }
    let abstained = work.on_cores(into)?;
    Ok(Told { abstained, device: "cpu".to_owned(), device_seconds: None })
}

/// A panel and its plan.
pub(super) struct Work<'a> {
    pub(super) ask: &'a Ask<'a>,
    pub(super) plan: Plan,
    /// So many of the oldest samples are left out.
    skipped: usize,
}

impl<'a> Work<'a> {
    pub(super) fn new(ask: &'a Ask<'a>) -> Self {
        let n_samples = ask.n_samples.min(ask.settings.n_samples);
        let plan = ask.settings.plan(n_samples, ask.step, ask.horizon, ask.quantiles);
        Self { ask, plan, skipped: ask.n_samples - n_samples }
    }

    pub(super) fn samples(&self, series: usize) -> &'a [f64] {
        &self.ask.values
            [series * self.ask.n_samples + self.skipped..(series + 1) * self.ask.n_samples]
    }

    /// Numbers of a forecast.
    pub(super) fn width(&self) -> usize {
        self.ask.horizon * self.ask.quantiles.len()
    }

    pub(super) fn n_rows(&self) -> usize {
        ROWS + 2 * self.plan.levels.len()
    }

    /// The error of a call that was stopped.
    pub(super) fn go_on(&self) -> Result<(), Error> {
        if (self.ask.go_on)() { Ok(()) } else { Err(Error::observation("", "was interrupted")) }
    }

    /// Puts the forecasts of series from `first` on together from what was learnt of them, which lies
    /// side by side.
    pub(super) fn compose(
        &self,
        first: usize,
        scales: &[Scale],
        samples: &[f32],
        rows: &[f32],
        stride: usize,
        into: &mut [f64],
    ) -> Vec<(usize, Reason)> {
        let mut abstained = Vec::new();
        for (lane, (&scale, into)) in scales.iter().zip(into.chunks_mut(self.width())).enumerate() {
            let step = self.ask.step;
            let one = One { plan: &self.plan, step, scale, samples, rows, stride, lane };
            if let Err(reason) = one.forecast(into) {
                into.fill(f64::NAN);
                abstained.push((first + lane, reason));
            }
        }
        abstained
    }

    /// All series in blocks of [`LANES`], on all cores.
    fn on_cores(&self, into: &mut [f64]) -> Result<Vec<(usize, Reason)>, Error> {
        let mut abstained = Vec::new();
        for (part, into) in into.chunks_mut(PART * self.width().max(1)).enumerate() {
            self.go_on()?;
            let blocks = into.chunks_mut(LANES * self.width()).collect();
            let first = part * PART;
            let told = cores::each(blocks, |at, into| self.block(first + at * LANES, into));
            abstained.extend(told.concat());
        }
        Ok(abstained)
    }

    fn block(&self, first: usize, into: &mut [f64]) -> Vec<(usize, Reason)> {
        let Plan { n_samples, ref anchors, .. } = self.plan;
        let n = into.len() / self.width();
        let mut samples = vec![[0.0_f32; LANES]; n_samples];
        let mut known = vec![[0_u32; LANES]; n_samples.div_ceil(32)];
        let scales: Vec<_> = (0..n)
            .map(|lane| {
                let samples = samples.as_flattened_mut().get_mut(lane..).unwrap_or_default();
                let known = known.as_flattened_mut().get_mut(lane..).unwrap_or_default();
                pack(&self.plan, self.samples(first + lane), samples, known, LANES)
            })
            .collect();
        let mut rows = vec![[0.0_f32; LANES]; anchors.len() * self.n_rows()];
        for (anchor, rows) in anchors.iter().zip(rows.chunks_mut(self.n_rows())) {
            fit::<LANES>(&self.plan, anchor, &samples, &known, rows);
        }
        self.compose(first, &scales, samples.as_flattened(), rows.as_flattened(), LANES, into)
    }
}
