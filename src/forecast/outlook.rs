//! What is expected of one metric's load, and whether to believe it.
//!
//! In: readings of the total load at any times. Out: the forecast for a policy, cached at each step
//! that closes, or the reason why there is none: too little history, a gap, no skill. Knows nothing
//! of replicas.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::gate::Gate;
use super::{Forecast, Forecaster, ForecasterConfig};
use crate::series::{Resampler, Sample};
use crate::{Duration, Error, Reason, Timestamp};

/// One metric's forecaster with its trust gate, fed by readings.
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
    /// missing values.
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
        for (&at, &value) in times.iter().zip(values) {
            self.observe(at, value);
        }
        Ok(())
    }

    /// The forecast at the policy's quantile up to its horizon, if it may be believed.
    ///
    /// # Errors
    /// The reason to abstain: [`TOO_LITTLE_HISTORY`](codes::TOO_LITTLE_HISTORY),
    /// [`GAP_TOO_WIDE`](codes::GAP_TOO_WIDE), [`MODEL_FAILED`](codes::MODEL_FAILED) or
    /// [`NO_SKILL`](codes::NO_SKILL).
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
}

/// Settings of an [`Outlook`]; also those of the `predictive` policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct OutlookConfig {
    /// The metric whose load is forecast; the configuration's `capacity` speaks of it too.
    pub metric: String,
    /// The load may lie above the forecast with probability `1 - quantile`; from 0.5 to 0.999.
    /// Default 0.95: one step in twenty a little short, which the headroom of the capacity bears.
    #[serde(default = "default_quantile")]
    pub quantile: f64,
    /// Length of the steps on which history is kept and forecast, at least a second. Default `1m`:
    /// about how fast replicas can follow.
    #[serde(default = "default_step")]
    pub step: Duration,
    /// How far ahead the load must be carried. Default: the lead time, and once more the lead time
    /// (at least two steps); a replica that is taken away now is missed if it is needed again
    /// before another one could have come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub horizon: Option<Duration>,
    /// The model. Default `seasonal_naive` with a season of one day.
    #[serde(default)]
    pub forecaster: ForecasterConfig,
    /// The least skill with which the forecast is believed: `1 - loss / loss of "as now"`, pinball
    /// loss at `quantile` a lead time ahead over about a day; below 1. Default 0: not worse than
    /// doing without.
    #[serde(default)]
    pub min_skill: f64,
}

impl OutlookConfig {
    /// Settings of a metric's outlook, all else by default.
    #[must_use]
    pub fn new(metric: impl Into<String>) -> Self {
        Self {
            metric: metric.into(),
            quantile: default_quantile(),
            step: default_step(),
            horizon: None,
            forecaster: ForecasterConfig::default(),
            min_skill: 0.0,
        }
    }

    /// Checks the settings that do not depend on others.
    ///
    /// # Errors
    /// If one is out of its range.
    pub fn check(&self) -> Result<(), Error> {
        if self.metric.is_empty() {
            return Err(Error::config("metric", "is empty, must name a metric"));
        }
        if !(0.5..=0.999).contains(&self.quantile) {
            let message = format!("is {}, must be in [0.5, 0.999]", self.quantile);
            return Err(Error::config("quantile", message));
        }
        if self.step < Duration::from_secs(1) || self.step > Duration::from_secs(86_400) {
            let message = format!("is {}, must be from 1s to 1d", self.step);
            return Err(Error::config("step", message));
        }
        if let Some(horizon) = self.horizon.filter(|&horizon| horizon < self.step) {
            let message = format!("is {horizon}, must be at least one step of {}", self.step);
            return Err(Error::config("horizon", message));
        }
        if !(self.min_skill < 1.0 && self.min_skill.is_finite()) {
            let message = format!("is {}, must be finite and below 1", self.min_skill);
            return Err(Error::config("min_skill", message));
        }
        // The only way to check the forecaster's settings is to build it.
        self.forecaster.clone().build(self.step).map_err(|error| error.at("forecaster"))?;
        Ok(())
    }

    /// The horizon, by default of twice the lead time, or two steps more than it.
    #[must_use]
    pub fn horizon_or(&self, lead_time: Duration) -> Duration {
        let again = lead_time.max(self.step.times(2));
        let start = Timestamp::default();
        self.horizon.unwrap_or_else(|| (start + lead_time + again).since(start))
    }
}

fn default_quantile() -> f64 {
    0.95
}

fn default_step() -> Duration {
    Duration::from_secs(60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::codes;

    const LEAD: Duration = Duration::from_secs(300);

    /// A day of minutes with noise that a seeded generator makes (xorshift, Marsaglia 2003).
    fn daily(minutes: i64, swing: f64, noise: f64) -> Vec<(Timestamp, Option<f64>)> {
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        let mut uniform = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        let value = |minute: i64| {
            let phase = minute as f64 / 1440.0 * std::f64::consts::TAU;
            1000.0 * (1.0 + swing * phase.sin() + noise * (uniform() + uniform() - 1.0))
        };
        (0..minutes)
            .map(|minute| Timestamp::from_secs(60 * minute))
            .zip((0..minutes).map(value).map(Some))
            .collect()
    }

    fn fed(readings: &[(Timestamp, Option<f64>)]) -> Outlook {
        let mut outlook = Outlook::new(&OutlookConfig::new("rps"), LEAD).expect("defaults hold");
        for &(at, load) in readings {
            outlook.observe(at, load);
        }
        outlook
    }

    #[test]
    fn abstains_until_it_has_history_and_evidence() {
        let outlook = fed(&daily(1000, 0.9, 0.05));
        let reason = outlook.latest().expect_err("less than a season");
        assert_eq!(reason.code(), codes::TOO_LITTLE_HISTORY.name());
        assert!(reason.fact("n_samples") < reason.fact("needed_samples"), "{reason}");
    }

    #[test]
    fn opens_on_a_daily_load_and_covers_it() {
        let readings = daily(4 * 1440, 0.9, 0.05);
        let mut outlook = fed(&readings[..2880]);
        let (mut below, mut n) = (0, 0);
        for (at, &(now, load)) in readings.iter().enumerate().skip(2880) {
            outlook.observe(now, load);
            if let (Ok(forecast), Some(&(_, truth))) = (outlook.latest(), readings.get(at + 4)) {
                // Row 4 is the step that ends 5 minutes after the last closed one.
                assert_eq!(forecast.issued_at, now);
                below += usize::from(truth <= Some(forecast.row(4)[0]));
                n += 1;
            }
        }
        let coverage = below as f64 / n as f64;
        assert!(n > 2500, "open for {n} of 2880 steps, skill {}", outlook.skill());
        assert!((0.93..0.97).contains(&coverage), "{coverage}");
        assert!(outlook.skill() > 0.05, "{}", outlook.skill());
    }
}
