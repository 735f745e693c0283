//! "As now": the next steps will be as the last one.
//!
//! In: samples. Out: the last value, with the quantiles that this rule's own errors give. It is the
//! reference that every other model is judged against.

use serde::{Deserialize, Serialize};

use super::residuals::Residuals;
use super::{Forecast, Forecaster, History, MOST_STALE};
use crate::series::Sample;
use crate::time::Duration;
use crate::{Error, Reason};

/// Expects the last value to stay.
///
/// ```
/// use forescale::forecast::{Forecast, ForecasterConfig};
/// use forescale::series::Sample;
/// use forescale::{Duration, Timestamp};
///
/// let step = Duration::from_secs(60);
/// let mut naive = serde_json::from_str::<ForecasterConfig>(r#""naive""#)?.build(step)?;
/// for minute in 1..=30 {
///     naive.observe(Sample { at: Timestamp::from_secs(60 * minute), value: Some(9.0) });
/// }
/// let mut forecast = Forecast::default();
/// naive.forecast(2, &[0.5, 0.95], &mut forecast).expect("thirty samples are enough");
/// assert_eq!(forecast.values, [9.0; 4]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Naive {
    settings: Config,
    history: History,
    residuals: Residuals,
}

impl Naive {
    /// From its settings and the step of its samples.
    ///
    /// # Errors
    /// None at present.
    pub fn new(settings: Config, step: Duration) -> Result<Self, Error> {
        let residuals = Residuals::doubling();
        Ok(Self { settings, history: History::new(1 + MOST_STALE, step), residuals })
    }
}

impl Forecaster for Naive {
    fn observe(&mut self, sample: Sample) {
        let truth = self.history.push(sample);
        self.residuals.observe(truth, |_| truth);
    }

    fn forecast(
        &self,
        horizon: usize,
        quantiles: &[f64],
        forecast: &mut Forecast,
    ) -> Result<(), Reason> {
        let stale = self.history.stale()?;
        let last = self.history.ring.back(stale);
        self.history.fill(&self.residuals, 1, horizon, quantiles, forecast, |_| last)
    }

    fn reset(&mut self) -> bool {
        self.history.clear();
        self.residuals.clear();
        true
    }
}

/// Settings of [`Naive`]: none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Config {}
