//! How good the forecasts have been: each one is kept until its truth comes.
//!
//! In: the load at each step and the forecast then issued. Out: loss, coverage and bias by horizon,
//! beside those of what needs no model, and whether the forecast may be believed. Knows no model.

use serde::{Deserialize, Serialize};

use super::Forecast;
use super::gate::{Gate, N_REFERENCES, Terms};
use super::input::MOST_STEPS;
use super::reference::{Expected, Margin, Points, SMOOTHED};
use crate::Reason;
use crate::series::{Ring, Sample};
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

const JUDGED: [Judged; 1 + N_REFERENCES] =
    [Judged::Forecast, Judged::AsNow, Judged::Yesterday, Judged::Level];

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

/// One horizon.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Band {
    /// In steps. Invariant: the capacity of both rings.
    ahead: usize,
    /// The forecaster's medians and quantiles that wait for their truth.
    medians: Ring,
    quantiles: Ring,
    tallies: [Tally; JUDGED.len()],
    now: Margin,
    yesterday: Margin,
    levels: [Margin; SMOOTHED.len()],
    /// The mean losses of the levels lately, by which the best is chosen.
    level_losses: [f64; SMOOTHED.len()],
    n_levels: u64,
    gate: Gate,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tally {
    n: u64,
    lately: Score,
    ever: Score,
}

/// A point and a quantile that were expected of this step.
#[derive(Clone, Copy)]
struct Issued {
    point: f64,
    quantile: f64,
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
        let near = |band: &Band| band.ahead <= horizon && is_near(band.ahead, self.lead);
        if !self.bands.iter().any(near) {
            self.begin(self.lead);
        }
        self.points.reach(self.longest());
        self.settle();
    }

    /// Judges at this horizon too, from now on.
    fn begin(&mut self, ahead: usize) {
        if let Err(at) = self.bands.binary_search_by_key(&ahead, |band| band.ahead) {
            self.bands.insert(at, Band::new(ahead));
        }
    }

    /// Lets the band nearest to the lead time decide, once it has the evidence; drops what nobody
    /// needs any more.
    fn settle(&mut self) {
        if !is_near(self.decides, self.lead) {
            let proven = self.bands.iter().filter(|band| band.gate.has_evidence());
            let near = proven.map(|band| band.ahead).filter(|&ahead| is_near(ahead, self.lead));
            let nearest = near.min_by_key(|ahead| ahead.abs_diff(self.lead));
            self.decides = nearest.unwrap_or(self.decides);
        }
        // What lies beyond the horizon costs longer forecasts.
        let Self { horizon, decides, bands, .. } = self;
        bands.retain(|band| band.ahead <= *horizon || band.ahead == *decides);
    }

    /// The horizon at which it is decided whether to believe, in steps.
    #[cfg(test)]
    pub(super) fn decides(&self) -> usize {
        self.decides
    }

    /// The longest horizon that is judged, in steps; so far each forecast must reach.
    pub(super) fn longest(&self) -> usize {
        self.bands.last().map_or(self.lead, |band| band.ahead)
    }

    /// Takes over what was saved, if it is whole and of the same settings; the lead time may be
    /// another one, as [`follow`](Self::follow) tells.
    pub(super) fn restored(&self, saved: Self) -> Result<Self, String> {
        if saved.settings != self.settings {
            return Err("holds a forecaster of other settings".to_owned());
        }
        let n_steps = saved.points.n_steps();
        let horizons = 1..=MOST_STEPS;
        let rises = saved.bands.is_sorted_by(|one, next| one.ahead < next.ahead);
        let reach = saved.points.longest();
        if !rises
            || !saved.bands.iter().any(|band| band.ahead == saved.decides)
            || !horizons.contains(&saved.lead)
            || !horizons.contains(&saved.horizon)
            || !horizons.contains(&reach)
            || !saved.bands.iter().all(|band| (1..=reach).contains(&band.ahead))
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
                let terms = terms(&self.settings, band.ahead);
                band.judge(&self.settings, terms, load, self.points.of_next(band.ahead));
            }
            let row = issued.map(|forecast| forecast.row(band.ahead - 1));
            band.medians.push(row.and_then(|row| row.first().copied()));
            band.quantiles.push(row.and_then(|row| row.last().copied()));
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
        let band = self.at_lead();
        band.gate.check(terms(&self.settings, band.ahead), self.points.n_steps())
    }

    /// The least skill against any reference a lead time ahead: 1 is perfect, 0 no better.
    pub(super) fn skill(&self) -> f64 {
        self.at_lead().gate.skill()
    }

    /// The share of loads lately covered a lead time ahead; `None` before the first.
    pub(super) fn coverage(&self) -> Option<f64> {
        let Tally { n, lately, .. } = self.at_lead().tallies[0];
        (n > 0).then_some(lately.coverage)
    }

    /// By horizon, and at each the forecaster before the references.
    pub(super) fn accuracy(&self) -> impl Iterator<Item = Accuracy> + '_ {
        let Settings { quantile, step, .. } = self.settings;
        self.bands.iter().flat_map(move |band| {
            let ahead = step.times(band.ahead as i64);
            JUDGED.iter().zip(&band.tallies).filter(|(_, tally)| tally.n > 0).map(
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
        let found = self.bands.iter().find(|band| band.ahead == self.decides);
        found.expect("a band decides")
    }
}

/// Whether forecasts `ahead` steps tell of those `lead` steps ahead.
fn is_near(ahead: usize, lead: usize) -> bool {
    ahead.abs_diff(lead) <= ahead.max(lead) / 4
}

fn terms(&Settings { min_skill, step, .. }: &Settings, ahead: usize) -> Terms {
    Terms { min_skill, ahead, step }
}

impl Band {
    fn new(ahead: usize) -> Self {
        Self {
            ahead,
            medians: Ring::new(ahead),
            quantiles: Ring::new(ahead),
            tallies: Default::default(),
            now: Margin::default(),
            yesterday: Margin::default(),
            levels: Default::default(),
            level_losses: Default::default(),
            n_levels: 0,
            gate: Gate::new(),
        }
    }

    /// Takes the truth of this step.
    fn judge(&mut self, settings: &Settings, terms: Terms, load: f64, expected: Expected) {
        let q = settings.quantile;
        let model = self
            .medians
            .back(self.ahead - 1)
            .zip(self.quantiles.back(self.ahead - 1))
            .map(|(point, quantile)| Issued { point, quantile });
        let others = [
            meet(&mut self.now, q, load, expected.now),
            meet(&mut self.yesterday, q, load, expected.yesterday),
            self.level(q, terms.memory(), load, expected.levels),
        ];
        let Some(model) = model else { return };
        let mut tell = |index: usize, issued: Issued| {
            let loss = pinball(q, load, issued.quantile);
            self.tallies[index].take(
                terms.memory(),
                Score {
                    loss,
                    coverage: f64::from(u8::from(load <= issued.quantile)),
                    bias: (issued.point - load).clamp(-MOST, MOST),
                },
            );
            loss
        };
        let loss = tell(0, model);
        let mut losses = [None; N_REFERENCES];
        for (index, issued) in others.into_iter().enumerate() {
            losses[index] = issued.map(|issued| tell(index + 1, issued));
        }
        self.gate.judge(terms, loss, losses);
    }

    /// What the best of the running means has expected; all of them learn.
    fn level(
        &mut self,
        q: f64,
        memory: f64,
        load: f64,
        points: [Option<f64>; SMOOTHED.len()],
    ) -> Option<Issued> {
        let best = (0..SMOOTHED.len())
            .min_by(|&a, &b| self.level_losses[a].total_cmp(&self.level_losses[b]))?;
        let mut chosen = None;
        let mut all = true;
        let mut losses = [0.0; SMOOTHED.len()];
        for (index, point) in points.into_iter().enumerate() {
            let issued = meet(&mut self.levels[index], q, load, point);
            match issued {
                Some(issued) => losses[index] = pinball(q, load, issued.quantile),
                None => all = false,
            }
            if index == best {
                chosen = issued;
            }
        }
        if all {
            self.n_levels += 1;
            let weight = (1.0 / self.n_levels as f64).max(1.0 / memory);
            for (mean, loss) in self.level_losses.iter_mut().zip(losses) {
                *mean += (loss - *mean) * weight;
            }
        }
        chosen
    }

    fn is_whole(&self, n_steps: u64) -> bool {
        let load = |value: f64| value.is_finite() && value >= 0.0;
        let waiting = [&self.medians, &self.quantiles];
        let mut margins = self.levels.iter().chain([&self.now, &self.yesterday]);
        waiting.iter().all(|ring| ring.capacity() == self.ahead && ring.iter().flatten().all(load))
            && margins.all(Margin::is_whole)
            && self.level_losses.iter().copied().all(load)
            && self.tallies.iter().all(|tally| tally.n <= n_steps && tally.is_whole())
            && self.n_levels <= n_steps
            && self.gate.is_whole()
    }
}

/// What a reference with this margin has expected, a point given as square root; then it learns.
fn meet(margin: &mut Margin, q: f64, load: f64, point: Option<f64>) -> Option<Issued> {
    let point = point?;
    let issued = margin
        .expects(point)
        .map(|quantile| Issued { point: (point * point).min(f64::MAX), quantile });
    margin.learn(q, load.sqrt() - point);
    issued
}

impl Tally {
    fn take(&mut self, memory: f64, score: Score) {
        self.n += 1;
        let plain = 1.0 / self.n as f64;
        self.ever.take(plain, score);
        self.lately.take(plain.max(1.0 / memory), score);
    }

    fn is_whole(&self) -> bool {
        let whole = |score: &Score| {
            (0.0..=f64::MAX).contains(&score.loss)
                && (0.0..=1.0).contains(&score.coverage)
                && score.bias.is_finite()
        };
        whole(&self.lately) && whole(&self.ever)
    }
}

impl Score {
    fn take(&mut self, weight: f64, Self { loss, coverage, bias }: Self) {
        self.loss += (loss - self.loss) * weight;
        self.coverage += (coverage - self.coverage) * weight;
        self.bias += (bias - self.bias) * weight;
    }
}

/// No error counts for more, so that means of errors stay numbers.
const MOST: f64 = 1e300;

/// The loss of expecting `expected` at quantile `q` when `load` came.
fn pinball(q: f64, load: f64, expected: f64) -> f64 {
    let short = (load - expected).clamp(-MOST, MOST);
    // Rounding is no error, or a constant load would be judged by it.
    if short.abs() <= 1e-9 * load {
        return 0.0;
    }
    if short > 0.0 { q * short } else { (q - 1.0) * short }
}

#[cfg(test)]
mod tests;
