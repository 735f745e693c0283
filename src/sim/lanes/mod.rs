//! Many settings on one load in numbers alone: what no decision changes is made once, and then a lane
//! of whole numbers and single precision goes through the trace for each, on the device or on all cores.
//!
//! In: a stage, configurations. Out: what each of them cost, span by span, as a [`Batch`](super::Batch)
//! of the live code tells it but for rounding; or why one of them is for the live code alone. That is
//! said by [`lane::lane`] and nowhere else. Recommends nothing: whoever is told to be good here is to be
//! replayed by the live code before anybody relies on it.

#[cfg(feature = "gpu")]
mod device;
mod lane;
mod plant;
mod screen;
mod sheet;
mod state;
#[cfg(test)]
mod tests;
#[cfg(all(test, feature = "gpu"))]
mod tests_on_device;
mod walk;

use std::collections::BTreeMap;

use self::lane::Tables;
use self::sheet::{Sheet, Tape};
use self::state::{Rings, Sums};
use self::walk::Walk;
use super::batch::{Span, Stage};
use crate::capacity::LeadTimeConfig;
use crate::config::read::to_value;
use crate::forecast::cores::try_each;
use crate::gpu::Choice;
use crate::policy::PolicyConfig;
use crate::{Config, Error};

pub(crate) use lane::Lane;

/// A stage made ready for lanes: the sheet, and the tapes of those who entered so far.
#[derive(Debug)]
pub(crate) struct Lanes<'a> {
    stage: &'a Stage<'a>,
    span_ticks: usize,
    sheet: Sheet,
    tables: Tables,
    tapes: Vec<Tape>,
    known: BTreeMap<String, u32>,
}

/// What became of a lane: its spans, none if it went beyond what is known here.
pub(crate) type Told = Option<Vec<Span>>;

/// What became of lanes, and what did it.
#[derive(Debug)]
pub(crate) struct Replayed {
    pub(crate) told: Vec<Told>,
    /// The adapter's name, or `cpu`.
    pub(crate) device: String,
    /// The time in the kernel alone, as the device tells it.
    pub(crate) kernel_seconds: Option<f64>,
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
        let (tables, tapes, known) = (Tables::default(), Vec::new(), BTreeMap::new());
        Ok(Self { stage, span_ticks, sheet, tables, tapes, known })
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
        let mut lanes = Vec::with_capacity(configs.len());
        let mut new = Vec::new();
        for &config in configs {
            let expects = self.expects(config)?;
            let n_known = self.known.len() as u32;
            let tape = self.known.get(&expects).copied().unwrap_or(n_known);
            let lane = lane::lane(config, &self.stage.0, &mut self.tables, tape);
            if lane.is_ok() && tape == n_known {
                self.known.insert(expects, tape);
                new.push(config);
            }
            lanes.push(lane);
        }
        let (stage, n_ticks) = (self.stage, self.sheet.n_ticks());
        self.tapes.extend(try_each(new, |config| Tape::new(config, &stage.0, n_ticks))?);
        Ok(lanes)
    }

    /// What a tape depends on: those of the same share it.
    fn expects(&self, config: &Config) -> Result<String, Error> {
        let load = config.metrics.get(&self.stage.0.settings.load_metric);
        let forecast = config.policies.iter().find_map(|entry| match &entry.policy {
            PolicyConfig::Predictive(settings) => Some(settings),
            _ => None,
        });
        let lead_time = match &config.lead_time {
            LeadTimeConfig::Fixed(lead_time) if forecast.is_some() => Some(lead_time),
            _ => None,
        };
        Ok(to_value(&(load, forecast, lead_time))?.to_string())
    }

    /// Replays lanes on all cores.
    pub(crate) fn on_cores(&self, lanes: &[Lane]) -> Result<Vec<Told>, Error> {
        let rings = Rings::of(lanes, &self.sheet);
        try_each(lanes.iter().collect(), |lane| {
            let Self { sheet, tables, tapes, .. } = self;
            let tape = &tapes[lane.tape as usize];
            let walk = Walk { sheet, tape, tables: &tables.words, rings: &rings, lane };
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
        Ok(Replayed { told, device: "cpu".to_owned(), kernel_seconds: None })
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
