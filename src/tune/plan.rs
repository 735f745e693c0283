//! Which part of the trace is for what, and how the settings to try are spread over it.
//!
//! In: a trace, the options. Out: a [`Plan`], or why the trace is too short. Replays nothing.

use super::card::CHEAPER;
use super::options::Options;
use crate::Error;
use crate::sim::{Settings, Trace};
use crate::time::{Duration, Timestamp};

/// Parts, spans and rungs.
pub(super) struct Plan {
    pub(super) start: Timestamp,
    pub(super) chosen: Timestamp,
    pub(super) end: Timestamp,
    pub(super) span_ticks: usize,
    pub(super) n_selected: usize,
    pub(super) n_told: usize,
}

impl Plan {
    pub(super) fn new(trace: &Trace, plant: &Settings, options: &Options) -> Result<Self, Error> {
        let day = Duration::from_secs(86_400);
        let length = trace.length();
        let part = |given: Option<Duration>, days: i64, share: i64| {
            let usual = Duration::from_millis(1).times(length.as_millis() / share);
            given.unwrap_or_else(|| usual.min(day.times(days)))
        };
        let selected = part(options.selected, 14, 3);
        let told = part(options.told, 7, 4);
        let both = selected.as_millis().saturating_add(told.as_millis());
        // As much for the forecasters to learn from as there is to choose on at least, or a half of it.
        if both > length.as_millis() / 4 * 3 {
            let message = format!(
                "is {length} long, of which `selected` and `told` may take three quarters; they are {selected} and {told}"
            );
            return Err(Error::trace("trace", message));
        }
        let interval = plant.interval.as_millis();
        let span = day.as_millis().min(selected.min(told).as_millis() / 4);
        let span_ticks = (span / interval) as usize;
        if span_ticks == 0 {
            let message = format!(
                "is {length} long, too short to choose settings on {selected} of it and to tell of them on {told}; each must be four times the `interval`, which is {}",
                plant.interval
            );
            return Err(Error::trace("trace", message));
        }
        let span = plant.interval.times(span_ticks as i64);
        let n_spans = |part: Duration| (part.as_millis() / span.as_millis()) as usize;
        let (n_selected, n_told) = (n_spans(selected), n_spans(told));
        let end = trace.end();
        let chosen = end - span.times(n_told as i64);
        let start = chosen - span.times(n_selected as i64);
        Ok(Self { start, chosen, end, span_ticks, n_selected, n_told })
    }

    /// An eighth, a quarter, a half, all of the spans to choose on.
    pub(super) fn rungs(&self) -> Vec<usize> {
        let mut rungs = [8, 4, 2, 1].map(|share| self.n_selected.div_ceil(share)).to_vec();
        rungs.dedup();
        rungs
    }

    /// Decisions that the search takes, about.
    pub(super) fn n_ticks(&self, generations: &[usize], is_on_card: bool) -> usize {
        let (mut n_spans, mut before, mut share) = (0.0, 0, 1.0);
        for rung in self.rungs() {
            n_spans += share * (rung - before) as f64;
            (before, share) = (rung, share / 2.0);
        }
        let n: usize = generations.iter().sum();
        if is_on_card {
            let on_card = (n * self.n_selected).div_ceil(CHEAPER);
            // The current settings, and of the front a dozen, about.
            let by_live_code = 13 * self.n_selected + 12 * self.n_told;
            return (on_card + by_live_code) * self.span_ticks;
        }
        let in_race = n_spans * n as f64 + self.n_selected as f64;
        // Of the front there are a dozen, about.
        ((in_race + 12.0 * self.n_told as f64) * self.span_ticks as f64) as usize
    }
}

/// Half of them fill the space, the others come from beside the best so far, in two rounds.
pub(super) fn generations(n: usize) -> Vec<usize> {
    if n < 12 {
        return vec![n];
    }
    vec![n - n / 2, n / 4, n / 2 - n / 4]
}
