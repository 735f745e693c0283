//! One plan for many series: the same walk through the past of each, side by side or on the device.
//!
//! In: samples of one series, or of a panel. Out: quantiles for any step ahead. The plan is in
//! `plan.rs`, the walk in `fit.rs`, what comes of it in `compose.rs`, many series in `many.rs`.

mod compose;
#[cfg(feature = "gpu")]
mod device;
mod fit;
mod lanes;
mod many;
mod plan;
#[cfg(test)]
mod tests;
#[cfg(all(test, feature = "gpu"))]
mod tests_on_device;
mod walk;

use serde::{Deserialize, Serialize};

use self::compose::One;
use self::fit::{ROWS, fit};
pub(super) use self::many::{Ask, Told, forecast_many};
use self::plan::{Plan, pack};
use super::history::MOST_STALE;
use super::{Forecast, Forecaster, History};
use crate::series::Sample;
use crate::time::Duration;
use crate::{Error, Reason};

/// Learns from the whole history at once when it is asked: for panels, above all of a graphics card.
///
/// At each of up to six horizons (1 to 64 steps; beyond, as at 64) one walk through the past mixes
/// nine experts by how well they forecast: a seasonal-lag ridge regression towards a prior (Hoerl and
/// Kennard 1970, Lindley and Smith 1972), the course of a season ago and of a longer one, the mean
/// profile of up to eight seasons, exponential smoothing of the load and of its distance from each
/// course (Brown 1959), "as now". Regression and mixture are solved anew at each twenty-fourth of the
/// history and judged on what comes after (rolling origins, Tashman 2000); each expert has a say by
/// the 20th power of its errors, so that nothing is picked on a hair's breadth. **Quantiles** are those
/// of the mixture's own out-of-sample errors, half as they are, half in multiples of a scale that
/// moves with the errors lately (conformal prediction, Vovk 2005).
///
/// Unlike [`auto`](super::auto) it looks for no seasons, they are those of its settings, and keeps the
/// history. The walk is done in single precision, the forecast is put together in double precision.
///
/// ```
/// use forescale::forecast::batch::{Batch, Config};
/// use forescale::forecast::{Forecast, Forecaster};
/// use forescale::{Duration, Timestamp};
///
/// let step = Duration::from_secs(300);
/// let loads: Vec<f64> = (0..288 * 4).map(|at| if at % 288 < 144 { 100.0 } else { 900.0 }).collect();
/// let mut model = Batch::new(Config::default(), step)?;
/// model.observe_many(Timestamp::from_secs(300), step, &loads);
/// let mut forecast = Forecast::default();
/// model.forecast(12, &[0.5, 0.95], &mut forecast).expect("four days are enough");
/// assert!((forecast.row(11)[0] - 100.0).abs() < 20.0, "{}", forecast.row(11)[0]);
/// # Ok::<(), forescale::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved", into = "Saved")]
pub struct Batch {
    settings: Config,
    step: Duration,
    history: History,
}

impl Batch {
    /// From its settings, for samples each `step`.
    ///
    /// # Errors
    /// If there are more than two seasons, one is shorter than two steps, `n_samples` is not 32 to
    /// 100,000, or the step is zero.
    pub fn new(settings: Config, step: Duration) -> Result<Self, Error> {
        settings.check(step)?;
        let history = History::new(settings.n_samples, step);
        Ok(Self { settings, step, history })
    }
}

impl Forecaster for Batch {
    fn observe(&mut self, sample: Sample) {
        self.history.push(sample);
    }

    fn forecast(
        &self,
        horizon: usize,
        quantiles: &[f64],
        forecast: &mut Forecast,
    ) -> Result<(), Reason> {
        self.history.stale()?;
        let ring = &self.history.ring;
        let ages = (0..ring.len()).rev();
        let values: Vec<f64> = ages.map(|age| ring.back(age).unwrap_or(f64::NAN)).collect();
        let plan = self.settings.plan(values.len(), self.step, horizon, quantiles);
        let mut samples = vec![[0.0]; values.len()];
        let mut known = vec![[0]; values.len().div_ceil(32)];
        let (flat, bits) = (samples.as_flattened_mut(), known.as_flattened_mut());
        let scale = pack(&plan, &values, flat, bits, 1);
        let n_rows = ROWS + 2 * quantiles.len();
        let mut rows = vec![[0.0]; plan.anchors.len() * n_rows];
        for (anchor, rows) in plan.anchors.iter().zip(rows.chunks_mut(n_rows)) {
            fit::<1>(&plan, anchor, &samples, &known, rows);
        }
        self.history.begin(quantiles, forecast);
        forecast.values.resize(horizon * quantiles.len(), 0.0);
        let (samples, rows) = (samples.as_flattened(), rows.as_flattened());
        let one = One { plan: &plan, step: self.step, scale, samples, rows, stride: 1, lane: 0 };
        one.forecast(&mut forecast.values)
    }

    fn reset(&mut self) -> bool {
        self.history.clear();
        true
    }
}

/// As text.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    settings: Config,
    step: Duration,
    history: History,
}

impl From<Batch> for Saved {
    fn from(Batch { settings, step, history }: Batch) -> Self {
        Self { settings, step, history }
    }
}

impl TryFrom<Saved> for Batch {
    type Error = String;

    fn try_from(Saved { settings, step, history }: Saved) -> Result<Self, String> {
        let new = Self::new(settings, step).map_err(|error| error.to_string())?;
        let history = new.history.restored(history)?;
        Ok(Self { history, ..new })
    }
}

/// Settings of [`Batch`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Up to two seasons of the load, each at least two steps; one that the history does not hold twice
    /// is left out. Default: a day and a week, as most loads follow people.
    pub seasons: Vec<Duration>,
    /// So many of the last samples are learnt from and kept, 32 to 100,000. Default 8,064: four weeks
    /// of five minutes; more is slower in proportion.
    pub n_samples: usize,
}

impl Default for Config {
    fn default() -> Self {
        let day = 86_400;
        Self { seasons: [day, 7 * day].map(Duration::from_secs).to_vec(), n_samples: 8064 }
    }
}

impl Config {
    /// # Errors
    /// As [`Batch::new`].
    fn check(&self, step: Duration) -> Result<(), Error> {
        if step.is_zero() {
            return Err(Error::config("step", "is 0s, must be longer"));
        }
        if self.seasons.len() > 2 {
            let message = format!("has {} entries, must have two at most", self.seasons.len());
            return Err(Error::config("seasons", message));
        }
        // What is there by default may be shorter than a step of a day.
        let is_default = self.seasons == Self::default().seasons;
        let too_short = |season: &Duration| season.as_millis() < 2 * step.as_millis();
        if let Some(at) = self.seasons.iter().position(too_short).filter(|_| !is_default) {
            let message = format!("is {}, must be two steps of {step} at least", self.seasons[at]);
            return Err(Error::config(format!("seasons[{at}]"), message));
        }
        if !(32..=100_000).contains(&self.n_samples) {
            let message = format!("is {}, must be 32 to 100000", self.n_samples);
            return Err(Error::config("n_samples", message));
        }
        Ok(())
    }

    fn plan(&self, n_samples: usize, step: Duration, horizon: usize, levels: &[f64]) -> Plan {
        Plan::new(n_samples, step, &self.seasons, horizon, levels)
    }
}
