//! Candidates on the graphics card, where that can replay them.
//!
//! In: candidates, where to work. Out: what became of each, or that it is for the live code. Whoever leads
//! is replayed by the live code afterwards; that is the race's.

use super::options::Options;
use super::plan::Plan;
use super::race::Candidate;
use crate::Error;
use crate::gpu::{Choice, Device, Seconds, info};
use crate::sim::{Lane, Lanes, Stage};

/// `auto` takes the card from so many settings on: below, opening it costs more than the cores. To be
/// measured on a real card yet.
const CROSSOVER: usize = 1000;

/// A decision on the card is so many times cheaper than one of the live code, about; for the share
/// that is done.
pub(super) const CHEAPER: usize = 50;

/// The card, and what it has done.
#[derive(Debug)]
pub(super) struct Card<'a> {
    lanes: Lanes<'a>,
    choice: Choice,
    pub(super) told: OnCard,
}

/// What the card has done.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct OnCard {
    /// The adapter's name, or `cpu`.
    pub(super) device: String,
    /// Settings that were replayed there.
    pub(super) n: usize,
    /// Why the first of the others was not.
    pub(super) refused: Option<String>,
    /// The time of transfer and kernel, each by itself, where the device has a clock.
    pub(super) device_seconds: Option<Seconds>,
}

impl OnCard {
    /// Nothing, on the processor.
    pub(super) fn nothing(refused: Option<String>) -> Self {
        Self { device: "cpu".to_owned(), n: 0, refused, device_seconds: None }
    }
}

impl<'a> Card<'a> {
    /// The card that the options lead to; what it is not wanted for, or cannot do, else.
    ///
    /// # Errors
    /// If one is asked for and there is none.
    pub(super) fn open(
        options: &Options,
        plan: &Plan,
        stage: &'a Stage<'a>,
    ) -> Result<Result<Self, OnCard>, Error> {
        let Options { device, choice, settings, .. } = options;
        let nothing = |why: Option<&str>| Ok(Err(OnCard::nothing(why.map(str::to_owned))));
        match device {
            Device::Cpu => return nothing(None),
            Device::Auto => {
                let is_worth = *settings >= CROSSOVER && !choice.off;
                let is_card = |info: crate::gpu::Info| info.kind != "cpu";
                if !is_worth || !info(choice).is_ok_and(is_card) {
                    return nothing(None);
                }
            }
            Device::Gpu => _ = info(choice)?,
        }
        match Lanes::new(stage, plan.span_ticks, plan.n_selected) {
            Ok(lanes) => {
                Ok(Ok(Self { lanes, choice: choice.clone(), told: OnCard::nothing(None) }))
            }
            Err(why) => nothing(Some(why)),
        }
    }

    /// Replays whom it can, whose spans are then there, and returns the others. None of them has any if
    /// `go_on` stops it.
    ///
    /// # Errors
    /// If a candidate reads nothing that the plant shows, or the device refuses.
    pub(super) fn replay(
        &mut self,
        entrants: Vec<Candidate>,
        go_on: &dyn Fn(f64) -> bool,
    ) -> Result<(Vec<Candidate>, Vec<Candidate>), Error> {
        let configs: Vec<_> = entrants.iter().map(|one| &one.config).collect();
        let entered = self.lanes.enter(&configs)?;
        let (mut able, mut others, mut lanes) = (Vec::new(), Vec::new(), Vec::<Lane>::new());
        for (one, lane) in entrants.into_iter().zip(entered) {
            match lane {
                Ok(lane) => {
                    lanes.push(lane);
                    able.push(one);
                }
                Err(why) => {
                    self.told.refused.get_or_insert_with(|| why.to_owned());
                    others.push(one);
                }
            }
        }
        if lanes.is_empty() {
            return Ok((able, others));
        }
        let replayed = self.lanes.replay(&lanes, &self.choice, go_on)?;
        self.told.device = replayed.device;
        if let Some(seconds) = replayed.device_seconds {
            *self.told.device_seconds.get_or_insert_default() += seconds;
        }
        let mut done = Vec::with_capacity(able.len());
        for (mut one, told) in able.into_iter().zip(replayed.told) {
            match told {
                Some(spans) => {
                    (one.spans, one.is_rough) = (spans, true);
                    done.push(one);
                }
                None => others.push(one),
            }
        }
        self.told.n += done.len();
        Ok((done, others))
    }
}
