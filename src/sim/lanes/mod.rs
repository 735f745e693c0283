//! Many settings on one load in numbers alone: what no decision changes is made once, and then a lane
//! of whole numbers and single precision goes through the trace for each, on the device or on all cores.
//!
//! In: a stage, configurations. Out: what each of them cost, span by span, as a [`Batch`](super::Batch)
//! of the live code tells it but for rounding; or why one of them is for the live code alone. That is
//! said by [`lane::lane`] and nowhere else. Recommends nothing: whoever is told to be good here is to be
//! replayed by the live code before anybody relies on it.

#[cfg(feature = "gpu")]
mod device;
mod guards;
mod lane;
mod plant;
mod policies;
mod risk;
mod screen;
mod sheet;
mod state;
mod tape;
#[cfg(test)]
mod tests;
#[cfg(all(test, feature = "gpu"))]
mod tests_on_device;
mod walk;

use self::lane::Tables;
use self::sheet::Sheet;
use self::state::{Rings, Sums};
use self::tape::Tapes;
use self::walk::Walk;
use super::batch::{Span, Stage};
use crate::forecast::cores::try_each;
use crate::gpu::{Choice, Seconds};
use crate::{Config, Error};

pub(crate) use lane::Lane;

/// A stage made ready for lanes: the sheet, and the tapes of those who entered so far.
#[derive(Debug)]
pub(crate) struct Lanes<'a> {
    stage: &'a Stage<'a>,
    span_ticks: usize,
    sheet: Sheet,
    tables: Tables,
    tapes: Tapes,
}

/// What became of a lane: its spans, none if it went beyond what is known here.
pub(crate) type Told = Option<Vec<Span>>;

/// What became of lanes, and what did it.
#[derive(Debug)]
pub(crate) struct Replayed {
    pub(crate) told: Vec<Told>,
    /// The adapter's name, or `cpu`.
    pub(crate) device: String,
    /// The time of transfer and kernel, each by itself, where the device has a clock.
    pub(crate) device_seconds: Option<Seconds>,
}

impl<'a> Lanes<'a> {
    /// Over the first `n_spans` spans of a stage.
    ///
    /// # Errors
    /// Why the plant is only for the ordinary code.
    pub(crate) fn new(
        stage: &'a Stage<'a>,
        span_ticks: usize,
        n_spans: usize,
    ) -> Result<Self, &'static str> {
        let n_ticks = (span_ticks * n_spans).min(stage.0.loads.len());
        if let Some(why) = lane::plant_refused(&stage.0.settings, n_ticks) {
            return Err(why);
        }
        let sheet = Sheet::new(&stage.0, n_ticks);
        let (tables, tapes) = (Tables::default(), Tapes::default());
        Ok(Self { stage, span_ticks, sheet, tables, tapes })
    }

    /// The lanes of configurations, each or why it is for the live code alone. What is known of the load
    /// is made here where it is new, `each` on its core.
    ///
    /// # Errors
    /// If a configuration reads nothing that the plant shows.
    pub(crate) fn enter(
        &mut self,
        configs: &[&Config],
    ) -> Result<Vec<Result<Lane, &'static str>>, Error> {
        let scene = &self.stage.0;
        let lane = |config: &&Config| lane::lane(config, scene, &mut self.tables);
        let mut lanes: Vec<_> = configs.iter().map(lane).collect();
        let able: Vec<usize> = (0..lanes.len()).filter(|&at| lanes[at].is_ok()).collect();
        let of_able: Vec<_> = able.iter().map(|&at| configs[at]).collect();
        let known = self.tapes.of(&of_able, scene, self.sheet.n_ticks())?;
        for (at, known) in able.into_iter().zip(known) {
            lanes[at] = match (lanes[at], known) {
                (Ok(lane), Some(tapes)) => Ok(Lane { tapes, ..lane }),
                _ => Err("all that is known of the load takes more than a gigabyte"),
            };
        }
        Ok(lanes)
    }

    /// Replays lanes on all cores.
    pub(crate) fn on_cores(&self, lanes: &[Lane]) -> Result<Vec<Told>, Error> {
        let rings = Rings::of(lanes, &self.sheet);
        try_each(lanes.iter().collect(), |lane| {
            let Self { sheet, tables, tapes, .. } = self;
            let (tapes, tables) = (&tapes.words, &tables.words);
            let walk = Walk { sheet, tapes, tables, rings: &rings, lane };
            let mut sums = Vec::new();
            let mut ring = vec![0; rings.n_words as usize];
            let state = walk.run(&mut ring, self.span_ticks, |span| sums.push(span));
            Ok((state.is_out == 0).then(|| self.spans(&sums)))
        })
    }

    /// Replays lanes on the device that `on` leads to, or on the cores; none of them is told of if `go_on`
    /// stops it, which hears the share that is done.
    ///
    /// # Errors
    /// If there is no device and one is asked for, or it refuses.
    pub(crate) fn replay(
        &self,
        lanes: &[Lane],
        choice: &Choice,
        go_on: &dyn Fn(f64) -> bool,
    ) -> Result<Replayed, Error> {
        #[cfg(feature = "gpu")]
        if let Some(replayed) = device::on_device(self, lanes, choice, go_on)? {
            return Ok(replayed);
        }
        #[cfg(not(feature = "gpu"))]
        {
            let _ = go_on;
            crate::gpu::info(choice)?;
        }
        // Lost, twice.
        let told = self.on_cores(lanes)?;
        Ok(Replayed { told, device: "cpu".to_owned(), device_seconds: None })
    }

    /// Whole numbers as minutes and hours.
    fn spans(&self, sums: &[Sums]) -> Vec<Span> {
        let n_ticks = self.sheet.n_ticks();
        let seconds = f64::from(self.sheet.interval) / 1000.0;
        let rest = f64::from(self.sheet.rest) / 1000.0;
        let span = |(number, sums): (usize, &Sums)| {
            let first = number * self.span_ticks;
            let length = self.span_ticks.min(n_ticks - first) as f64;
            let paid = f64::from(sums.paid) * seconds + f64::from(sums.paid_rest) * rest;
            Span {
                violation_minutes: f64::from(sums.violated) * (seconds / 60.0).max(1.0),
                minutes: length * seconds / 60.0,
                replica_hours: paid / 3600.0,
            }
        };
        sums.iter().enumerate().map(span).collect()
    }
}
