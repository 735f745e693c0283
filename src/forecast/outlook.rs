//! What is expected of one metric's load, and whether to believe it.
//!
//! In: readings of the total load at any times. Out: the forecast for a policy, cached at each step
//! that closes, or the reason why there is none: too little history, a gap, no skill. Knows nothing
//! of replicas.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::gate::Gate;
use super::{Forecast, Forecaster, OutlookConfig, input};
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
    /// Of the cached forecast, in steps.
    horizon: usize,
    forecaster: Box<dyn Forecaster>,
    gate: Gate,
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
        if horizon > input::MOST_STEPS {
            return Err(Error::config("horizon", input::too_far(horizon)));
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
            cached: Forecast::default(),
            abstains: None,
        };
        model.forecast();
        Ok(Self { settings: settings.clone(), resampler, model })
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
        input::check_history(None, times, values)?;
        let step = self.step();
        input::along_lines(times, values, step, |at, load| self.observe(at, load));
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
        input::check_request(horizon, quantiles)?;
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
        let Model { forecaster, gate, .. } = &self.model;
        let forecaster = forecaster.save()?;
        let saved =
            SavedOutlook { resampler: self.resampler.clone(), forecaster, gate: gate.clone() };
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
        if saved.resampler.step() != self.step() || !saved.gate.same_settings(&self.model.gate) {
            return Err(Error::snapshot("holds a forecaster of other settings"));
        }
        self.model.forecaster.load(saved.forecaster)?;
        self.model.gate = saved.gate;
        self.resampler = saved.resampler;
        // A forecast is a pure function of the forecaster, so the cached one need not be saved.
        self.model.forecast();
        Ok(())
    }
}

impl Model {
    fn observe(&mut self, sample: Sample) {
        self.forecaster.observe(sample);
        if sample.value.is_none() {
            self.gate.observe(sample, None);
            return;
        }
        self.forecast();
        let expected = match self.abstains {
            None => Some(self.cached.row(self.gate.ahead() - 1)[0]),
            Some(_) => None,
        };
        self.gate.observe(sample, expected);
    }

    /// Caches the forecast, or why there is none.
    fn forecast(&mut self) {
        let Self { quantile, horizon, forecaster, cached, abstains, .. } = self;
        *abstains = forecaster.forecast(*horizon, std::slice::from_ref(quantile), cached).err();
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedOutlook {
    resampler: Resampler,
    forecaster: Value,
    gate: Gate,
}

#[cfg(test)]
mod tests;
