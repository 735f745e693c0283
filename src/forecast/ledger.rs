//! How good the forecasts have been: each one is kept until its truth comes.
//!
//! In: the load at each step and the forecast then issued. Out: loss, coverage and bias by horizon,
//! beside those of what needs no model, and whether the forecast may be believed. Knows no model.

mod band;

use serde::{Deserialize, Serialize};

use self::band::{Band, Tally};
use super::Forecast;
use super::input::MOST_STEPS;
use super::reference::Points;
use crate::Reason;
use crate::series::Sample;
use crate::time::Duration;

/// How good the forecasts of one kind and horizon have been; a row of a table.
///
/// Forecast and references are judged on the same steps: those for which the forecaster had said
/// something. Yesterday is judged from the second day on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Accuracy {
    /// Whose forecasts.
    pub of: Judged,
    /// How long before its truth each was issued.
    pub ahead: Duration,
    /// The policy's quantile, at which loss and coverage are measured.
    pub quantile: f64,
    /// How many have met their truth.
    pub n_judged: u64,
    /// Weighted exponentially over about a day.
    pub lately: Score,
    /// All alike since the start.
    pub ever: Score,
}

/// Whose forecasts are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Judged {
    /// The forecaster's.
    Forecast,
    /// "As now": the load stays as it is.
    AsNow,
    /// The load comes again as it was at the same time a day before.
    Yesterday,
    /// The load stays on its level lately: the running mean that has been best, of five whose time
    /// constants are 4 to 1,024 steps.
    Level,
}

impl Judged {
    /// The name in tables, as it is written in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Forecast => "forecast",
            Self::AsNow => "as_now",
            Self::Yesterday => "yesterday",
            Self::Level => "level",
        }
    }
}

const JUDGED: [Judged; 4] = [Judged::Forecast, Judged::AsNow, Judged::Yesterday, Judged::Level];

/// Means over forecasts that have met their truth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Score {
    /// Pinball loss at the quantile (Koenker and Bassett 1978), in the unit of the load.
    pub loss: f64,
    /// Share of loads at or below the quantile; near the quantile where the forecast is honest.
    pub coverage: f64,
    /// The median (of a reference, its one value) less the load: above 0 where it expects too much.
    pub bias: f64,
}

/// The forecasts of one metric on their way to their truth, and what came of those before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ledger {
    settings: Settings,
    /// The horizon at which it is to be decided whether to believe, in steps.
    lead: usize,
    /// So far ahead it judges, in steps; what decides may lie beyond.
    horizon: usize,
    /// The horizon at which it is decided; another one than is near `lead` until there is evidence.
    /// Invariant: that of a band.
    decides: usize,
    points: Points,
    /// Invariant: at least one; `ahead` rises, up to the reach of the points at most.
    bands: Vec<Band>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    quantile: f64,
    min_skill: f64,
    step: Duration,
}

impl Ledger {
    /// The longest horizon that is judged beside the lead time, in steps: the memory of a ledger
    /// grows with it.
    const LONGEST: usize = 256;

    /// Judges forecasts of up to `horizon` steps at `quantile`; those `lead` steps ahead, at least
    /// one and at most `horizon`, decide whether to believe.
    pub(super) fn new(
        quantile: f64,
        min_skill: f64,
        lead: usize,
        horizon: usize,
        step: Duration,
    ) -> Self {
        let lead = lead.max(1);
        let mut ledger = Self {
            settings: Settings { quantile, min_skill, step },
            lead,
            horizon,
            decides: lead,
            points: Points::new(lead, step),
            bands: vec![Band::new(lead)],
        };
        ledger.follow(lead, horizon);
        ledger
    }

    /// Goes on for another lead time and horizon, in steps; a lead time within a quarter of a band's
    /// is near enough to be judged there. The band that decides goes on to do so until one near the
    /// lead time has as much evidence as a first trust needs: trust is not lost by a lead time that
    /// was learnt, and not given without evidence.
    pub(super) fn follow(&mut self, lead: usize, horizon: usize) {
        (self.lead, self.horizon) = (lead.max(1), horizon);
        let doubling = (0..).map(|power| 1 << power);
        doubling
            .take_while(|&ahead| ahead <= horizon.min(Self::LONGEST))
            .for_each(|ahead| self.begin(ahead));
        let near = |band: &Band| band.ahead() <= horizon && is_near(band.ahead(), self.lead);
        if !self.bands.iter().any(near) {
            self.begin(self.lead);
        }
        self.points.reach(self.longest());
        self.settle();
    }

    /// Judges at this horizon too, from now on.
    fn begin(&mut self, ahead: usize) {
        if let Err(at) = self.bands.binary_search_by_key(&ahead, |band| band.ahead()) {
            self.bands.insert(at, Band::new(ahead));
        }
    }

    /// Lets the band nearest to the lead time decide, once it has the evidence; drops what nobody
    /// needs any more.
    fn settle(&mut self) {
        if !is_near(self.decides, self.lead) {
            let proven = self.bands.iter().filter(|band| band.gate().has_evidence());
            let near = proven.map(|band| band.ahead()).filter(|&ahead| is_near(ahead, self.lead));
            let nearest = near.min_by_key(|ahead| ahead.abs_diff(self.lead));
            self.decides = nearest.unwrap_or(self.decides);
        }
        // What lies beyond the horizon costs longer forecasts.
        let Self { horizon, decides, bands, .. } = self;
        bands.retain(|band| band.ahead() <= *horizon || band.ahead() == *decides);
    }

    /// The horizon at which it is decided whether to believe, in steps.
    #[cfg(test)]
    pub(super) fn decides(&self) -> usize {
        self.decides
    }

    /// The longest horizon that is judged, in steps; so far each forecast must reach.
    pub(super) fn longest(&self) -> usize {
        self.bands.last().map_or(self.lead, |band| band.ahead())
    }

    /// Takes over what was saved, if it is whole and of the same settings; the lead time may be
    /// another one, as [`follow`](Self::follow) tells.
    pub(super) fn restored(&self, saved: Self) -> Result<Self, String> {
        if saved.settings != self.settings {
            return Err("holds a forecaster of other settings".to_owned());
        }
        let n_steps = saved.points.n_steps();
        let horizons = 1..=MOST_STEPS;
        let rises = saved.bands.is_sorted_by(|one, next| one.ahead() < next.ahead());
        let reach = saved.points.longest();
        if !rises
            || !saved.bands.iter().any(|band| band.ahead() == saved.decides)
            || !horizons.contains(&saved.lead)
            || !horizons.contains(&saved.horizon)
            || !horizons.contains(&reach)
            || !saved.bands.iter().all(|band| (1..=reach).contains(&band.ahead()))
            || !saved.points.fits(&Points::new(reach, self.settings.step))
            || !saved.bands.iter().all(|band| band.is_whole(n_steps))
        {
            return Err("holds a forecaster that is damaged: its ledger is not whole".to_owned());
        }
        Ok(saved)
    }

    /// Takes the sample of this step, and the forecast now issued, if there is one: its first
    /// quantile is the median, its last the policy's.
    pub(super) fn observe(&mut self, sample: Sample, issued: Option<&Forecast>) {
        let load = sample.value.filter(|load| load.is_finite() && *load >= 0.0);
        for band in &mut self.bands {
            if let Some(load) = load {
                band.judge(self.settings, load, self.points.of_next(band.ahead()));
            }
            band.issue(issued.map(|forecast| forecast.row(band.ahead() - 1)));
        }
        self.points.observe(load.map(f64::sqrt));
        self.settle();
    }

    /// Passes if the forecast may be believed a lead time ahead.
    ///
    /// # Errors
    /// [`TOO_LITTLE_HISTORY`](crate::codes::TOO_LITTLE_HISTORY) or
    /// [`NO_SKILL`](crate::codes::NO_SKILL).
    pub(super) fn check(&self) -> Result<(), Reason> {
        self.at_lead().check(self.settings, self.points.n_steps())
    }

    /// The least skill against any reference a lead time ahead: 1 is perfect, 0 no better.
    pub(super) fn skill(&self) -> f64 {
        self.at_lead().gate().skill()
    }

    /// The share of loads lately covered a lead time ahead; `None` before the first.
    pub(super) fn coverage(&self) -> Option<f64> {
        let Tally { n, lately, .. } = self.at_lead().tallies()[0];
        (n > 0).then_some(lately.coverage)
    }

    /// By horizon, and at each the forecaster before the references.
    pub(super) fn accuracy(&self) -> impl Iterator<Item = Accuracy> + '_ {
        let Settings { quantile, step, .. } = self.settings;
        self.bands.iter().flat_map(move |band| {
            let ahead = step.times(band.ahead() as i64);
            JUDGED.iter().zip(band.tallies()).filter(|(_, tally)| tally.n > 0).map(
                move |(&of, &Tally { n, lately, ever })| Accuracy {
                    of,
                    ahead,
                    quantile,
                    n_judged: n,
                    lately,
                    ever,
                },
            )
        })
    }

    /// The band that decides.
    fn at_lead(&self) -> &Band {
        let found = self.bands.iter().find(|band| band.ahead() == self.decides);
        found.expect("a band decides")
    }
}

/// Whether forecasts `ahead` steps tell of those `lead` steps ahead.
fn is_near(ahead: usize, lead: usize) -> bool {
    ahead.abs_diff(lead) <= ahead.max(lead) / 4
}

#[cfg(test)]
mod tests;
