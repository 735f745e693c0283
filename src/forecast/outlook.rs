//! What is expected of one metric's load, and whether to believe it.
//!
//! In: readings of the total load at any times. Out: the forecast for a policy, cached at each step
//! that closes, or the reason why there is none: too little history, a gap, no skill. Knows nothing
//! of replicas.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::gate::Gate;
use super::{Forecast, Forecaster, OutlookConfig};
use crate::series::{Resampler, Sample};
use crate::{Duration, Error, Reason, Timestamp};

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
/// for minute in 0..360 {
///     let load = if minute % 60 < 30 { 100.0 } else { 900.0 };
///     outlook.observe(Timestamp::from_secs(60 * minute), Some(load));
/// }
/// // Minute 359 is still open, so the last sample is minute 358; the load falls in minute 360.
/// let forecast = outlook.latest().expect("the last hours were alike");
/// assert!(forecast.row(0)[0] > 800.0 && forecast.row(3)[0] < 500.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Outlook {
    settings: OutlookConfig,
    resampler: Resampler,
    model: Model,
}

/// What a closed step goes through.
#[derive(Debug)]
struct Model {
    quantile: f64,
    /// That the policy looks to, in steps; the cached forecast reaches to those of the gates too.
    horizon: usize,
    forecaster: Box<dyn Forecaster>,
    gate: Gate,
    /// Gathers evidence at the horizon of a lead time that was learnt since, to take over.
    next_gate: Option<Gate>,
    cached: Forecast,
    /// Why there is no cached forecast, if so.
    abstains: Option<Reason>,
}

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
        if horizon > MOST_STEPS {
            return Err(Error::config("horizon", too_far(horizon)));
        }
        let forecaster =
            settings.forecaster.clone().build(step).map_err(|error| error.at("forecaster"))?;
        let quantile = settings.quantile;
        let gate = Gate::new(quantile, settings.min_skill, ahead, step);
        let resampler = Resampler::new(step);
        let mut model = Model {
            quantile,
            horizon,
            forecaster,
            gate,
            next_gate: None,
            cached: Forecast::default(),
            abstains: None,
        };
        model.forecast();
        Ok(Self { settings: settings.clone(), resampler, model })
    }

    /// Refuses a lead time too long to forecast for.
    ///
    /// # Errors
    /// If the horizon would be of too many steps.
    pub fn check_reach(&self, lead_time: Duration) -> Result<(), Error> {
        let horizon = self.settings.horizon_or(lead_time).steps(self.step()) + 1;
        if horizon > MOST_STEPS {
            return Err(Error::config("horizon", too_far(horizon)));
        }
        Ok(())
    }

    /// Goes on for another lead time, of at most [`check_reach`](Self::check_reach): the forecast
    /// reaches as far at once. Skill goes on to be judged where it was, until at the new horizon, if
    /// that differs by more than a quarter, there is as much evidence as a first trust needs.
    pub fn follow(&mut self, lead_time: Duration) {
        let (step, model) = (self.resampler.step(), &mut self.model);
        let horizon = (self.settings.horizon_or(lead_time).steps(step) + 1).min(MOST_STEPS);
        let ahead = lead_time.steps(step).clamp(1, horizon);
        let near = |gate: &Gate| gate.ahead().abs_diff(ahead) <= gate.ahead().max(ahead) / 4;
        if near(&model.gate) {
            model.next_gate = None;
        } else if !model.next_gate.as_ref().is_some_and(near) {
            let Self { settings: OutlookConfig { quantile, min_skill, .. }, .. } = self;
            model.next_gate = Some(Gate::new(*quantile, *min_skill, ahead, step));
        }
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
    }

    /// Feeds history, the oldest first; then as [`observe`](Self::observe). `None` and NaN are
    /// missing values. A history on a coarser grid than the step is taken along lines.
    ///
    /// # Errors
    /// If the lengths differ, the times do not rise, or a value is negative or infinite; nothing
    /// is fed then.
    pub fn warm_up(&mut self, times: &[Timestamp], values: &[Option<f64>]) -> Result<(), Error> {
        if times.len() != values.len() {
            let message =
                format!("has {} entries, but there are {} times", values.len(), times.len());
            return Err(Error::observation("values", message));
        }
        if let Some(at) = times.windows(2).position(|pair| pair[1] <= pair[0]) {
            let (before, after) = (times[at].as_millis(), times[at + 1].as_millis());
            let message = format!("is {after} ms, must be after the {before} ms before it");
            return Err(Error::observation(format!("times[{}]", at + 1), message));
        }
        let wrong = |value: &Option<f64>| value.is_some_and(|v| v < 0.0 || v.is_infinite());
        if let Some(at) = values.iter().position(wrong) {
            let value = values[at].unwrap_or_default();
            let message = format!("is {value}, must be a finite number from 0 up, or missing");
            return Err(Error::observation(format!("values[{at}]"), message));
        }
        // Where history lies on a coarser grid than ours, the load between two of its samples is
        // taken along a line; what is missing in it stays missing.
        let grid = typical_distance(times);
        let step = self.step();
        for index in 0..times.len() {
            let next = (times.get(index + 1), values.get(index + 1).copied().flatten());
            self.observe(times[index], values[index]);
            if let (Some(before), (Some(&until), Some(after))) = (values[index], next) {
                let distance = until.since(times[index]);
                let n_steps = distance.as_millis() / step.as_millis();
                for ahead in 1..if distance <= grid { n_steps } else { 0 } {
                    let share = ahead as f64 / n_steps as f64;
                    let load = before + (after - before) * share;
                    self.observe(times[index] + step.times(ahead), Some(load));
                }
            }
        }
        Ok(())
    }

    /// The forecast at the policy's quantile up to its horizon, if it may be believed.
    ///
    /// # Errors
    /// The reason to abstain: [`TOO_LITTLE_HISTORY`](crate::codes::TOO_LITTLE_HISTORY),
    /// [`GAP_TOO_WIDE`](crate::codes::GAP_TOO_WIDE), [`MODEL_FAILED`](crate::codes::MODEL_FAILED) or
    /// [`NO_SKILL`](crate::codes::NO_SKILL).
    pub fn latest(&self) -> Result<&Forecast, Reason> {
        let Model { cached, abstains, gate, .. } = &self.model;
        if let Some(reason) = abstains {
            return Err(*reason);
        }
        gate.check()?;
        Ok(cached)
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
        if horizon == 0 || horizon > MOST_STEPS {
            return Err(Error::observation("horizon", too_far(horizon)));
        }
        if quantiles.is_empty() {
            return Err(Error::observation("quantiles", "is empty, must name one at least"));
        }
        for (at, &quantile) in quantiles.iter().enumerate() {
            let before = if at == 0 { 0.0 } else { quantiles[at - 1] };
            if !(quantile > before && quantile < 1.0) {
                let message = format!("is {quantile}, must be above {before} and below 1");
                return Err(Error::observation(format!("quantiles[{at}]"), message));
            }
        }
        let mut forecast = Forecast::default();
        let answer = self.model.forecaster.forecast(horizon, quantiles, &mut forecast);
        Ok(answer.map(|()| forecast))
    }

    /// The skill of the forecast against "as now" over the last day: 1 is perfect, 0 no better.
    #[must_use]
    pub fn skill(&self) -> f64 {
        self.model.gate.skill()
    }

    /// The state as a JSON value, for a snapshot.
    ///
    /// # Errors
    /// If it cannot be written as JSON.
    pub fn save(&self) -> Result<Value, Error> {
        let Model { forecaster, gate, next_gate, .. } = &self.model;
        let saved = SavedOutlook {
            resampler: self.resampler.clone(),
            forecaster: forecaster.save()?,
            gate: gate.clone(),
            next_gate: next_gate.clone(),
        };
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
        // A gate may judge at another horizon, as `follow` tells.
        let is_ours =
            |gate: &Gate| gate.same_settings(&self.model.gate) && gate.ahead() <= MOST_STEPS;
        if saved.resampler.step() != self.step()
            || !is_ours(&saved.gate)
            || !saved.next_gate.as_ref().is_none_or(is_ours)
        {
            return Err(Error::snapshot("holds a forecaster of other settings"));
        }
        self.model.forecaster.load(saved.forecaster)?;
        (self.model.gate, self.model.next_gate) = (saved.gate, saved.next_gate);
        self.resampler = saved.resampler;
        // A forecast is a pure function of the forecaster, so the cached one need not be saved.
        self.model.forecast();
        Ok(())
    }
}

/// The median distance between two times; zero where there are fewer than two.
fn typical_distance(times: &[Timestamp]) -> Duration {
    let mut distances: Vec<_> = times.windows(2).map(|pair| pair[1].since(pair[0])).collect();
    distances.sort_unstable();
    distances.get(distances.len() / 2).copied().unwrap_or_default()
}

impl Model {
    fn observe(&mut self, sample: Sample) {
        self.forecaster.observe(sample);
        if sample.value.is_none() {
            self.gates().for_each(|gate| gate.observe(sample, None));
            return;
        }
        self.forecast();
        let Self { cached, abstains, gate, next_gate, .. } = self;
        for gate in std::iter::once(gate).chain(next_gate) {
            let expected = abstains.is_none().then(|| cached.row(gate.ahead() - 1)[0]);
            gate.observe(sample, expected);
        }
        if let Some(next) = self.next_gate.take_if(|next| next.has_evidence()) {
            self.gate = next;
        }
    }

    fn gates(&mut self) -> impl Iterator<Item = &mut Gate> {
        std::iter::once(&mut self.gate).chain(&mut self.next_gate)
    }

    /// Caches the forecast, or why there is none.
    fn forecast(&mut self) {
        let horizon = self.gates().map(|gate| gate.ahead()).max().max(Some(self.horizon));
        let Self { quantile, forecaster, cached, abstains, .. } = self;
        let horizon = horizon.unwrap_or(1);
        *abstains = forecaster.forecast(horizon, std::slice::from_ref(quantile), cached).err();
    }
}

/// No forecast reaches further than so many steps.
const MOST_STEPS: usize = 10_000;

fn too_far(horizon: usize) -> String {
    format!("is {horizon} steps, must be 1 to {MOST_STEPS}")
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedOutlook {
    resampler: Resampler,
    forecaster: Value,
    gate: Gate,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next_gate: Option<Gate>,
}

#[cfg(test)]
mod tests;
