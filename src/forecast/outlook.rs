//! What is expected of one metric's load, and whether to believe it.
//!
//! In: readings of the total load at any times. Out: the forecast for a policy, cached at each step
//! that closes, or the reason why there is none: too little history, a gap, no skill. Knows nothing
//! of replicas.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::carry::Carry;
use super::ledger::{Accuracy, Ledger};
use super::{Forecast, Forecaster, OutlookConfig, input};
use crate::series::{Resampler, Sample};
use crate::{Duration, Error, Reason, Timestamp};
use upstream::Upstream;

mod upstream;

/// One metric's forecaster with its trust gate, fed by readings.
///
/// ```
/// use forescale::forecast::{Outlook, OutlookConfig};
/// use forescale::{Duration, Timestamp};
///
/// let mut settings = OutlookConfig::new("rps");
/// let hourly = r#"{"kind": "seasonal_naive", "season": "1h", "smooth": "0s"}"#;
/// settings.forecaster = serde_json::from_str(hourly)?;
/// let mut outlook = Outlook::new(&settings, Duration::from_secs(120))?;
/// for minute in 0..480 {
///     let load = if minute % 60 < 30 { 100.0 } else { 900.0 };
///     outlook.observe(Timestamp::from_secs(60 * minute), Some(load));
/// }
/// // Minute 479 is still open, so the last sample is minute 478; the load falls in minute 480.
/// let forecast = outlook.latest().expect("the last hours were alike");
/// assert!(forecast.row(0)[0] > 800.0 && forecast.row(3)[0] < 500.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Outlook {
    settings: OutlookConfig,
    resampler: Resampler,
    /// Other metrics that are regressors, in the order of their names.
    upstreams: Vec<Upstream>,
    model: Model,
}

/// What a closed step goes through.
#[derive(Debug)]
struct Model {
    quantile: f64,
    /// Whether the whole distribution is asked for.
    weighs: bool,
    step: Duration,
    /// Of the cached forecast, in steps.
    horizon: usize,
    forecaster: Box<dyn Forecaster>,
    ledger: Ledger,
    cached: Forecast,
    /// The same with the median before it, for the ledger; as far as that looks.
    issued: Forecast,
    /// The whole distribution up to the horizon, for who weighs chances; empty where nobody does.
    spread: Forecast,
    carry: Carry,
    /// Why there is no cached forecast, if so.
    abstains: Option<Reason>,
}

/// The quantiles of [`Outlook::distribution`]: the median, and ever closer to the top.
pub(crate) const LEVELS: [f64; 8] = [0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999];

/// The one of [`LEVELS`] that the ledger judges where no quantile is asked for.
const JUDGED: usize = 3;

impl Outlook {
    /// From settings; `lead_time` sets the default horizon and the horizon at which skill is judged.
    ///
    /// # Errors
    /// If a setting is out of its range.
    pub fn new(settings: &OutlookConfig, lead_time: Duration) -> Result<Self, Error> {
        settings.check()?;
        let step = settings.step;
        // A step more than the horizon: the open step lies between the last sample and now.
        let horizon = settings.horizon_or(lead_time).steps(step) + 1;
        let ahead = lead_time.steps(step).clamp(1, horizon);
        if horizon > input::MOST_STEPS {
            return Err(Error::config("horizon", input::too_far(horizon)));
        }
        let forecaster =
            settings.forecaster.clone().build(step).map_err(|error| error.at("forecaster"))?;
        let weighs = settings.risk().is_some();
        let quantile = settings.quantile.unwrap_or(LEVELS[JUDGED]);
        let ledger = Ledger::new(quantile, settings.min_skill, ahead, horizon, step);
        let resampler = Resampler::new(step);
        let mut model = Model {
            quantile,
            weighs,
            step,
            horizon,
            forecaster,
            ledger,
            cached: Forecast::default(),
            issued: Forecast::default(),
            spread: Forecast::default(),
            carry: Carry::new(ahead + 1),
            abstains: None,
        };
        model.forecast();
        Ok(Self { settings: settings.clone(), resampler, upstreams: Vec::new(), model })
    }

    /// Refuses a lead time too long to forecast for.
    ///
    /// # Errors
    /// If the horizon would be of too many steps.
    pub fn check_reach(&self, lead_time: Duration) -> Result<(), Error> {
        let horizon = self.settings.horizon_or(lead_time).steps(self.step()) + 1;
        if horizon > input::MOST_STEPS {
            return Err(Error::config("horizon", input::too_far(horizon)));
        }
        Ok(())
    }

    /// Goes on for another lead time, of at most [`check_reach`](Self::check_reach): the forecast
    /// reaches as far at once. Skill goes on to be judged where it was, until there is as much
    /// evidence at a horizon within a quarter of the new one as a first trust needs.
    pub fn follow(&mut self, lead_time: Duration) {
        let step = self.resampler.step();
        let horizon =
            self.settings.horizon_or(lead_time).steps(step).min(input::MOST_STEPS - 1) + 1;
        let ahead = lead_time.steps(step).clamp(1, horizon);
        let model = &mut self.model;
        model.ledger.follow(ahead, horizon);
        model.carry.follow(ahead + 1);
        if std::mem::replace(&mut model.horizon, horizon) != horizon {
            model.forecast();
        }
    }

    /// The metric it forecasts.
    #[must_use]
    pub fn metric(&self) -> &str {
        &self.settings.metric
    }

    /// The settings it was built from.
    #[must_use]
    pub fn settings(&self) -> &OutlookConfig {
        &self.settings
    }

    /// The step of its samples.
    #[must_use]
    pub fn step(&self) -> Duration {
        self.resampler.step()
    }

    /// Feeds one reading of the total load (`None`: no reading now); a step that closes is learnt
    /// from. A reading that is negative or not finite counts as none.
    pub fn observe(&mut self, at: Timestamp, load: Option<f64>) {
        let Self { resampler, model, .. } = self;
        let load = load.filter(|load| *load >= 0.0);
        let mut in_gap = false;
        resampler.push(at, load, |sample| {
            in_gap = sample.value.is_none();
            model.observe(sample);
        });
        // Nothing is asked inside a gap, however long: one forecast at its end is enough.
        if in_gap {
            model.forecast();
        }
    }

    /// Goes on from a clock that was set back: the samples so far stay, those to come follow them.
    pub fn rebase(&mut self, at: Timestamp) {
        self.resampler.rebase(at);
        self.upstreams.iter_mut().for_each(|upstream| upstream.resampler.rebase(at));
    }

    /// Feeds history, the oldest first; then as [`observe`](Self::observe). `None` and NaN are
    /// missing values. A history on a coarser grid than the step is taken along lines, as held level
    /// nothing would beat "as now" between two values and no forecast be trusted; by a risk, which asks
    /// for no such trust, each value holds until the next one.
    ///
    /// # Errors
    /// If the lengths differ, the times do not rise, or a value is negative or infinite; nothing
    /// is fed then.
    pub fn warm_up(&mut self, times: &[Timestamp], values: &[Option<f64>]) -> Result<(), Error> {
        self.warm_up_with(times, values, &mut |_, _, _| {})
    }

    /// As [`warm_up`](Self::warm_up); `told` hears each load once it is taken in.
    pub(crate) fn warm_up_with(
        &mut self,
        times: &[Timestamp],
        values: &[Option<f64>],
        told: &mut dyn FnMut(&Self, Timestamp, f64),
    ) -> Result<(), Error> {
        input::check_history(None, times, values)?;
        let (step, fill) = (self.step(), self.fill());
        fill(times, values, step, &mut |at, load| {
            self.observe(at, load);
            if let Some(load) = load {
                told(self, at, load);
            }
        });
        Ok(())
    }

    /// How a history on a coarser grid than the step is taken.
    fn fill(&self) -> input::Fill {
        if self.model.weighs { input::along_steps } else { input::along_lines }
    }

    /// The forecast at the policy's quantile up to its horizon, if it may be believed.
    ///
    /// # Errors
    /// The reason to abstain: [`TOO_LITTLE_HISTORY`](crate::codes::TOO_LITTLE_HISTORY),
    /// [`GAP_TOO_WIDE`](crate::codes::GAP_TOO_WIDE), [`MODEL_FAILED`](crate::codes::MODEL_FAILED) or
    /// [`NO_SKILL`](crate::codes::NO_SKILL).
    pub fn latest(&self) -> Result<&Forecast, Reason> {
        let Model { cached, abstains, ledger, .. } = &self.model;
        if let Some(reason) = abstains {
            return Err(*reason);
        }
        ledger.check()?;
        Ok(cached)
    }

    /// The load that is expected at a time, at the policy's quantile; none where the forecast is not
    /// believed or does not reach as far.
    #[must_use]
    pub fn expected(&self, at: Timestamp) -> Option<f64> {
        let forecast = self.latest().ok()?;
        let ahead = at.since(forecast.issued_at).steps(forecast.step).saturating_sub(1);
        (ahead < forecast.horizon()).then(|| forecast.row(ahead)[0])
    }

    /// The distribution of the load at each step up to the horizon, at [`LEVELS`], whether or not the
    /// forecast is better than what needs no model: its own errors have set how wide it is.
    ///
    /// # Errors
    /// As [`latest`](Self::latest), but for the lack of skill.
    pub(crate) fn distribution(&self) -> Result<&Forecast, Reason> {
        match &self.model.abstains {
            Some(reason) => Err(*reason),
            None => Ok(&self.model.spread),
        }
    }

    /// The share of the present error that is still there so many steps later.
    pub(crate) fn carried(&self, ahead: usize) -> f64 {
        self.model.carry.share(ahead)
    }

    /// How uncertain the load is a lead time ahead, as a share of its usual level.
    pub(crate) fn unrest(&self) -> f64 {
        self.model.carry.unrest()
    }

    /// The mean load over about the last week; 0 before the first sample.
    pub(crate) fn level(&self) -> f64 {
        self.model.carry.level()
    }

    /// A forecast for people: any horizon (in steps) and quantiles; not gated by skill.
    ///
    /// # Errors
    /// The outer one if an argument is out of range: the horizon 1 to 10,000 steps, the quantiles
    /// rising within (0, 1). The inner one is the reason to abstain.
    pub fn forecast(
        &self,
        horizon: usize,
        quantiles: &[f64],
    ) -> Result<Result<Forecast, Reason>, Error> {
        input::check_request(horizon, quantiles)?;
        let mut forecast = Forecast::default();
        let answer = self.model.forecaster.forecast(horizon, quantiles, &mut forecast);
        Ok(answer.map(|()| forecast))
    }

    /// The skill of the quantile a lead time ahead over about the last day, against the best of what
    /// needs no model (as now, the level lately): 1 is perfect, 0 no better.
    #[must_use]
    pub fn skill(&self) -> f64 {
        self.model.ledger.skill()
    }

    /// The share of loads that the quantile has covered a lead time ahead over about the last day;
    /// `None` before the first forecast has met its truth.
    #[must_use]
    pub fn coverage(&self) -> Option<f64> {
        self.model.ledger.coverage()
    }

    /// How good the forecasts have been, and beside them what needs no model: a row for each of
    /// them at each horizon of 1, 2, 4, ... steps (up to the horizon, at most 256 steps) and at the
    /// lead time.
    ///
    /// ```
    /// use forescale::forecast::{Judged, Outlook, OutlookConfig};
    /// use forescale::{Duration, Timestamp};
    ///
    /// let mut settings = OutlookConfig::new("rps");
    /// settings.forecaster = serde_json::from_str(r#""naive""#)?;
    /// let mut outlook = Outlook::new(&settings, Duration::from_secs(120))?;
    /// for minute in 0..100 {
    ///     outlook.observe(Timestamp::from_secs(60 * minute), Some(100.0 + (minute % 2) as f64));
    /// }
    /// let rows = outlook.accuracy();
    /// let next = rows.iter().find(|row| row.of == Judged::Forecast).expect("it has been judged");
    /// assert_eq!((next.ahead, next.quantile), (Duration::from_secs(60), 0.95));
    /// assert!(next.ever.coverage > 0.9 && next.ever.bias.abs() < 2.0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn accuracy(&self) -> Vec<Accuracy> {
        self.model.ledger.accuracy().collect()
    }

    /// The state as a JSON value, for a snapshot.
    ///
    /// # Errors
    /// If it cannot be written as JSON.
    pub fn save(&self) -> Result<Value, Error> {
        let Model { forecaster, ledger, carry, .. } = &self.model;
        let forecaster = forecaster.save()?;
        let (resampler, ledger) = (self.resampler.clone(), ledger.clone());
        let upstreams = self.upstreams.iter().map(|upstream| upstream.resampler.clone()).collect();
        let saved = SavedOutlook { resampler, upstreams, forecaster, ledger, carry: carry.clone() };
        serde_json::to_value(saved)
            .map_err(|error| Error::snapshot(format!("cannot be written: {error}")))
    }

    /// Takes over what [`save`](Self::save) wrote from an outlook of the same settings.
    ///
    /// # Errors
    /// If `saved` is not of such an outlook; this one is then unchanged.
    pub fn load(&mut self, saved: Value) -> Result<(), Error> {
        let saved: SavedOutlook = serde_json::from_value(saved).map_err(|error| {
            Error::snapshot(format!("holds a forecaster that is damaged: {error}"))
        })?;
        let step = self.step();
        if saved.resampler.step() != step
            || saved.upstreams.len() != self.upstreams.len()
            || saved.upstreams.iter().any(|resampler| resampler.step() != step)
        {
            return Err(Error::snapshot("holds a forecaster of other settings"));
        }
        if !saved.carry.is_whole() {
            return Err(Error::snapshot(
                "holds a forecaster that is damaged: its carry is not whole",
            ));
        }
        let ledger = self.model.ledger.restored(saved.ledger).map_err(Error::snapshot)?;
        self.model.forecaster.load(saved.forecaster)?;
        self.model.ledger = ledger;
        self.model.carry = saved.carry;
        self.resampler = saved.resampler;
        for (own, saved) in self.upstreams.iter_mut().zip(saved.upstreams) {
            own.resampler = saved;
        }
        // A forecast is a pure function of the forecaster, so the cached one need not be saved.
        self.model.forecast();
        Ok(())
    }
}

impl Model {
    fn observe(&mut self, sample: Sample) {
        self.forecaster.observe(sample);
        if sample.value.is_none() {
            self.ledger.observe(sample, None);
            self.carry.observe(None, None, self.step);
            return;
        }
        self.forecast();
        let issued = self.abstains.is_none().then_some(&self.issued);
        self.ledger.observe(sample, issued);
        self.carry.observe(sample.value, issued, self.step);
    }

    /// Caches the forecast, or why there is none.
    fn forecast(&mut self) {
        if self.weighs {
            return self.weigh();
        }
        let Self { quantile, horizon, forecaster, ledger, cached, issued, abstains, .. } = self;
        let both = [0.5, *quantile];
        // At the median itself there is but one.
        let quantiles = if *quantile > 0.5 { &both[..] } else { &both[1..] };
        let reach = ledger.longest().max(*horizon);
        *abstains = forecaster.forecast(reach, quantiles, issued).err();
        if abstains.is_some() {
            return;
        }
        (cached.issued_at, cached.step) = (issued.issued_at, issued.step);
        cached.quantiles.clear();
        cached.quantiles.push(*quantile);
        cached.values.clear();
        let last = issued.values.chunks_exact(quantiles.len()).filter_map(<[f64]>::last);
        cached.values.extend(last.take(*horizon));
    }

    /// The same where the whole distribution is asked for.
    fn weigh(&mut self) {
        let reach = self.ledger.longest().max(self.horizon);
        self.abstains = self.forecaster.forecast(reach, &LEVELS, &mut self.spread).err();
        if self.abstains.is_some() {
            return;
        }
        let Self { cached, issued, spread, horizon, .. } = self;
        let columns: [(&mut Forecast, &[usize]); 2] = [(issued, &[0, JUDGED]), (cached, &[JUDGED])];
        for (part, columns) in columns {
            (part.issued_at, part.step) = (spread.issued_at, spread.step);
            part.quantiles.clear();
            part.quantiles.extend(columns.iter().map(|&column| LEVELS[column]));
            part.values.clear();
            let rows = spread.values.chunks_exact(LEVELS.len());
            part.values.extend(rows.flat_map(|row| columns.iter().map(|&column| row[column])));
        }
        cached.values.truncate(*horizon);
        spread.values.truncate(*horizon * LEVELS.len());
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedOutlook {
    resampler: Resampler,
    /// One a metric that is a regressor, in the order of their names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    upstreams: Vec<Resampler>,
    forecaster: Value,
    ledger: Ledger,
    carry: Carry,
}

#[cfg(test)]
mod tests;
