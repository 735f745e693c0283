//! What is known besides the load: campaigns, the load of an upstream, holidays.
//!
//! In: samples of the load, values of named regressors, dates. Out: the forecast of another model,
//! moved by what these are worth. Knows nothing of how the other model forecasts.
//!
//! # In an autoscaler
//!
//! A `predictive` policy whose forecaster is of this kind knows a regressor in one of two ways. One with the
//! name of a metric is read: its values are that metric's readings, as they come and by
//! [`warm_up`](crate::Autoscaler::warm_up). Any other one is told by
//! [`Autoscaler::regressor`](crate::Autoscaler::regressor), also of times to come. In a replay both are part of
//! the trace, by [`Trace::with_known`](crate::sim::Trace::with_known).
//!
//! ```
//! use forescale::sim::{Settings, Trace, replay};
//! use forescale::{Autoscaler, Duration, Timestamp};
//!
//! // What the gateway serves arrives here ten minutes later; it leaps each two hours.
//! let minute = |number: i64| Timestamp::from_secs(60 * number);
//! let level = |at: i64| if at.rem_euclid(120) < 60 { 300.0 } else { 900.0 };
//! let gateway = |at: i64| level(at) + at.rem_euclid(11) as f64;
//! let loads = (0..4 * 1440).map(|at| gateway(at - 10)).collect();
//! let (times, values): (Vec<_>, Vec<_>) =
//!     (0..4 * 1440).map(|at| (minute(at), gateway(at))).unzip();
//! let trace = Trace::new("orders", minute(0), Duration::from_secs(60), loads)?
//!     .with_known("gateway", &times, &values)?;
//! let config = |forecaster: &str| {
//!     format!(
//!         r#"{{"max_replicas": 60, "lead_time": "4m",
//!             "metrics": {{"rps": {{"kind": "total"}}, "gateway": {{"kind": "total"}}}},
//!             "capacity": {{"kind": "fixed", "metric": "rps", "load_per_replica": 60}},
//!             "policies": [{{"kind": "predictive", "metric": "rps", "forecaster": {forecaster}}}]}}"#
//!     )
//! };
//! let late = |forecaster: &str| {
//!     let mut scaler = Autoscaler::from_text(&config(forecaster))?;
//!     let settings = Settings { load_per_replica: Some(60.0), scored: "1d".parse()?, ..Settings::default() };
//!     Ok::<_, forescale::Error>(replay(&mut scaler, &trace, &settings)?.score.violation_minutes)
//! };
//! let knows =
//!     r#"{"kind": "regressors", "forecaster": "naive", "regressors": {"gateway": {}}}"#;
//! assert!(late(knows)? < 0.3 * late(r#""naive""#)?);
//! # Ok::<(), forescale::Error>(())
//! ```

use std::collections::BTreeMap;

use serde::ser::Error as _;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use super::{Forecast, Forecaster, ForecasterConfig};
use crate::series::{Ring, Sample};
use crate::time::{Duration, Timestamp};
use crate::{Error, Reason};

mod days;
mod input;
#[cfg(test)]
mod tests;

use days::Days;
pub use days::Weekday;
use input::Input;

/// Another forecaster, for the load without what regressors and holidays add to it.
///
/// In square roots, `sqrt(load) = sqrt(rest) + sum of gain * sqrt(regressor, lag before) + holiday`.
/// The inner forecaster sees the rest and forecasts it; what the regressors and the calendar say of
/// the steps ahead is added again. Gain and lag of each regressor are learnt by ridge regression,
/// updated recursively, from how far the inner forecaster was off and how the regressor changed
/// meanwhile; a gain counts once it is clear of the noise. A regressor without any effect changes
/// nothing.
///
/// A value of a regressor holds from its time until the next one, so that a campaign of tomorrow is
/// told today as a 1 at its begin and a 0 at its end; see
/// [`Model::regressor`](super::Model::regressor) and
/// [`Autoscaler::regressor`](crate::Autoscaler::regressor). What is not told ahead stays as it is. In an
/// autoscaler a regressor with the name of a metric of kind `total`, such as the load of an upstream, need not be told:
/// its values are the means of that metric's readings over each step.
///
/// On a holiday the load is moved by the difference between the day it resembles and the weekday it
/// falls on, for each half hour as learnt so far.
///
/// ```
/// use forescale::forecast::{ForecasterConfig, Model};
/// use forescale::{Duration, Timestamp};
///
/// let settings = r#"{"kind": "regressors", "forecaster": "naive",
///                    "regressors": {"campaign": {"lags": ["0s"]}}}"#;
/// let mut model = Model::new(ForecasterConfig::from_text(settings)?, Duration::from_secs(60))?;
/// let minutes: Vec<_> = (1..=1860).map(|minute| Timestamp::from_secs(60 * minute)).collect();
/// // A campaign each third hour brings 900 in place of 400; the next begins in minute 1980.
/// let runs = |minute: i64| minute % 180 < 60 && minute >= 120;
/// let (times, values): (Vec<_>, Vec<_>) = (1..=1980)
///     .map(|minute| (Timestamp::from_secs(60 * minute), f64::from(u8::from(runs(minute)))))
///     .unzip();
/// model.regressor("campaign", &times, &values)?;
/// let loads: Vec<_> =
///     (1..=1860).map(|minute| Some(if runs(minute) { 900.0 } else { 400.0 })).collect();
/// model.observe(&minutes, &loads)?;
/// let forecast = model.forecast(120, &[0.5])?.expect("a day is enough");
/// // Row 0 speaks of minute 1861.
/// for ahead in [50, 119] {
///     let expected = if runs(1861 + ahead) { 900.0 } else { 400.0 };
///     let load = forecast.row(ahead as usize)[0];
///     assert!((load / expected - 1.0).abs() < 0.1, "{ahead}: {load} for {expected}");
/// }
/// # Ok::<(), forescale::Error>(())
/// ```
#[derive(Debug, Deserialize)]
#[serde(try_from = "Saved")]
pub struct Regressors {
    settings: Config,
    step: Duration,
    inner: Box<dyn Forecaster>,
    /// In the order of their names.
    inputs: Vec<Input>,
    days: Option<Days>,
    /// The square root of what the inner forecaster expected [`BACK`] steps ahead.
    issued: Ring,
    /// Memory of the inner forecast.
    expected: Forecast,
}

/// How many steps back the inner forecast was made that gains are learnt from: long enough for a
/// change to show, short enough to see little else.
const BACK: usize = 5;

impl Regressors {
    /// From its settings and the step of its samples.
    ///
    /// # Errors
    /// If a setting is out of its range, or there is neither a regressor nor a holiday.
    pub fn new(settings: Config, step: Duration) -> Result<Self, Error> {
        if settings.regressors.is_empty() && settings.holidays.is_empty() {
            return Err(Error::config("regressors", "is empty, must name one where `holidays` is"));
        }
        let inner =
            (*settings.forecaster).clone().build(step).map_err(|error| error.at("forecaster"))?;
        let inputs: Result<_, Error> = (settings.regressors.iter())
            .map(|(name, regressor)| {
                Input::new(name, regressor, step)
                    .map_err(|error| error.at(&format!("regressors.{name}")))
            })
            .collect();
        let days = if settings.holidays.is_empty() {
            None
        } else {
            Some(Days::new(&settings.holidays, settings.like, &settings.time_zone)?)
        };
        Ok(Self {
            inputs: inputs?,
            days,
            inner,
            issued: Ring::new(BACK),
            expected: Forecast::default(),
            settings,
            step,
        })
    }

    /// What regressors and calendar add at a time, in square roots.
    fn effect(&self, at: Timestamp) -> f64 {
        let inputs = self.inputs.iter().map(|input| input.effect(at)).sum::<f64>();
        inputs + self.days.as_ref().map_or(0.0, |days| days.effect(at))
    }

    /// Learns from a load (its square root) that came at a time.
    fn learn(&mut self, at: Timestamp, root: f64, effect: f64) {
        let by_inputs = self.inputs.iter().map(|input| input.effect(at)).sum::<f64>();
        if let Some(days) = &mut self.days {
            days.learn(at, root - by_inputs);
        }
        let Some(issued) = self.issued.back(BACK - 1) else { return };
        // A spike is not more than a threefold root: one wild error must not make a gain.
        let error = (root - effect - issued).clamp(-2.0 * root.max(issued), 2.0 * issued.max(1.0));
        for input in &mut self.inputs {
            input.learn(at, BACK, error);
        }
    }
}

impl Forecaster for Regressors {
    fn observe(&mut self, sample: Sample) {
        let load = sample.value.filter(|load| load.is_finite() && *load >= 0.0);
        let effect = self.effect(sample.at);
        let rest = load.map(|load| squared(load.sqrt() - effect));
        if let Some(load) = load {
            self.learn(sample.at, load.sqrt(), effect);
        }
        self.inner.observe(Sample { value: rest, ..sample });
        let Self { inner, expected, .. } = self;
        // Until it knows something, it is "as now".
        let expected = match inner.forecast(BACK, &[0.5], expected) {
            Ok(()) => Some(expected.row(BACK - 1)[0]),
            Err(_) => rest,
        };
        self.issued.push(expected.map(f64::sqrt));
        for input in &mut self.inputs {
            input.forget(sample.at, BACK);
        }
    }

    fn regressors(&self) -> Vec<&str> {
        self.inputs.iter().map(|input| &*input.name).collect()
    }

    fn regressor(&mut self, name: &str, times: &[Timestamp], values: &[f64]) -> Result<(), Error> {
        match self.inputs.iter_mut().find(|input| input.name == name) {
            Some(input) => input.tell(times, values),
            None => {
                let known = self.regressors();
                let near = crate::catalog::did_you_mean(name, &known);
                let message = format!("is \"{name}\", must be one of {known:?}{near}");
                Err(Error::observation("name", message))
            }
        }
    }

    fn forecast(
        &self,
        horizon: usize,
        quantiles: &[f64],
        forecast: &mut Forecast,
    ) -> Result<(), Reason> {
        self.inner.forecast(horizon, quantiles, forecast)?;
        let width = quantiles.len();
        let mut at = forecast.issued_at;
        for row in forecast.values.chunks_exact_mut(width) {
            at = at + self.step;
            let effect = self.effect(at);
            for load in row {
                *load = squared(load.sqrt() + effect);
            }
        }
        Ok(())
    }

    fn reset(&mut self) -> bool {
        let settings = self.settings.clone();
        *self = Self::new(settings, self.step).expect("it was built of these before");
        true
    }
}

/// The load of a square root; none is below zero or beyond what can be written.
fn squared(root: f64) -> f64 {
    let root = root.max(0.0);
    (root * root).min(f64::MAX)
}

impl Serialize for Regressors {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let saved = Saved {
            settings: self.settings.clone(),
            step: self.step,
            inner: self.inner.save().map_err(S::Error::custom)?,
            inputs: self.inputs.clone(),
            days: self.days.as_ref().map(|days| days.profile.clone()),
            issued: self.issued.clone(),
        };
        saved.serialize(serializer)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    settings: Config,
    step: Duration,
    inner: Value,
    inputs: Vec<Input>,
    days: Option<days::Profile>,
    issued: Ring,
}

impl TryFrom<Saved> for Regressors {
    type Error = String;

    fn try_from(saved: Saved) -> Result<Self, String> {
        let mut model = Self::new(saved.settings, saved.step).map_err(|error| error.to_string())?;
        model.inner.load(saved.inner).map_err(|error| error.to_string())?;
        if model.inputs.len() != saved.inputs.len()
            || !model.inputs.iter().zip(&saved.inputs).all(|(ours, saved)| ours.is_like(saved))
        {
            return Err("the regressors of a forecaster are not of its settings".to_owned());
        }
        model.inputs = saved.inputs;
        match (&mut model.days, saved.days) {
            (Some(days), Some(profile)) => days.profile = profile,
            (None, None) => {}
            _ => return Err("the holidays of a forecaster are not of its settings".to_owned()),
        }
        if saved.issued.capacity() != BACK || saved.issued.iter().flatten().any(|root| root < 0.0) {
            return Err("what a forecaster expected is damaged".to_owned());
        }
        Ok(Self { issued: saved.issued, ..model })
    }
}

/// Settings of [`Regressors`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The model of the rest. Default `seasonal_naive`: one that soon adapts to whatever comes takes
    /// a part of what the regressors explain for its own.
    pub forecaster: Box<ForecasterConfig>,
    /// What is known besides, by name; in an autoscaler one that is the name of a metric has that metric's
    /// readings for its values.
    pub regressors: BTreeMap<String, RegressorConfig>,
    /// The dates of holidays, past and to come, such as `2026-12-25`.
    pub holidays: Vec<String>,
    /// The weekday that holidays resemble. Default: past holidays once there was one, until then
    /// Sunday.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub like: Option<Weekday>,
    /// The time zone of the dates, as IANA names it; with the feature `schedule`. Default `UTC`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        let course = super::seasonal_naive::Config::default();
        Self {
            forecaster: Box::new(ForecasterConfig::SeasonalNaive(course)),
            regressors: BTreeMap::new(),
            holidays: Vec::new(),
            like: None,
            time_zone: None,
        }
    }
}

/// Settings of one regressor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct RegressorConfig {
    /// How long before the load it may have come; the likeliest is learnt. Each is cut to whole
    /// steps; 1 to 16 of them, up to a day. Default 0s, 1m, 2m, 5m, 10m, 15m, 30m: the ways of a
    /// request through queues.
    pub lags: Vec<Duration>,
}

impl Default for RegressorConfig {
    fn default() -> Self {
        Self { lags: [0, 1, 2, 5, 10, 15, 30].map(|m| Duration::from_secs(60 * m)).to_vec() }
    }
}
