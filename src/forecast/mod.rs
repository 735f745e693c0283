//! What the load will be: role [`Forecaster`], a file a model.
//!
//! In: samples of the load on a fixed step. Out: a [`Forecast`], quantiles for each of the next
//! steps, or the reason to abstain. Knows nothing of replicas; so the forecast of a recorded load
//! is the same whatever we decide on it.

mod gate;
mod history;
#[cfg(feature = "augurs")]
pub mod mstl;
pub mod naive;
mod outlook;
mod residuals;
pub mod seasonal_naive;

use serde::{Deserialize, Serialize};

pub use outlook::{Outlook, OutlookConfig};

use history::{History, MOST_STALE};

use crate::catalog::{Saved, catalog};
use crate::explain::Reason;
use crate::series::Sample;
use crate::time::{Duration, Timestamp};

catalog! {
    /// Settings of a built-in forecaster; `kind` names it. Built with the step of its samples.
    pub enum ForecasterConfig => dyn Forecaster (step: Duration) {
        #[cfg(feature = "augurs")] "mstl" => mstl::Mstl,
        "naive" => naive::Naive,
        "seasonal_naive" => seasonal_naive::SeasonalNaive,
    }
}

impl Default for ForecasterConfig {
    fn default() -> Self {
        // Follows the day from the second day on, and is cheap enough for every step.
        Self::SeasonalNaive(seasonal_naive::Config::default())
    }
}

/// Quantiles of the load for each of the next steps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// End of the last sample that went into it.
    pub issued_at: Timestamp,
    /// Time between two rows; row `h` (from 0) speaks of the step that ends at
    /// `issued_at + (h + 1) * step`.
    pub step: Duration,
    /// The quantiles, rising, each in (0, 1).
    pub quantiles: Vec<f64>,
    /// Row-major, `[horizon x quantiles]`, in the unit of the load; each row rises.
    pub values: Vec<f64>,
}

impl Forecast {
    /// The number of steps it looks ahead.
    #[must_use]
    pub fn horizon(&self) -> usize {
        self.values.len() / self.quantiles.len().max(1)
    }

    /// The quantiles of one step ahead, from 0.
    ///
    /// # Panics
    /// If `ahead` is not below [`horizon`](Self::horizon).
    #[must_use]
    pub fn row(&self, ahead: usize) -> &[f64] {
        let width = self.quantiles.len();
        &self.values[ahead * width..(ahead + 1) * width]
    }
}

/// Role: forecasts one series, fed one sample at a time.
pub trait Forecaster: Saved + std::fmt::Debug + Send + Sync {
    /// Takes the sample of the next step; a missing one has no value.
    fn observe(&mut self, sample: Sample);

    /// Writes the forecast of the next `horizon` steps at `quantiles` (rising, in (0, 1)) into
    /// `forecast`, whose memory is reused.
    ///
    /// # Errors
    /// The reason to abstain: too little history, a gap, a model that cannot be fitted.
    fn forecast(
        &self,
        horizon: usize,
        quantiles: &[f64],
        forecast: &mut Forecast,
    ) -> Result<(), Reason>;
}
