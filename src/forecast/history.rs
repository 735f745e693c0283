//! The last samples of a series, and what every model does with them.
//!
//! In: samples. Out: checked values, how stale they are, and a forecast written from a model's
//! point forecasts and its residuals. Knows no model.

use serde::{Deserialize, Serialize};

use super::Forecast;
use super::residuals::Residuals;
use crate::Reason;
use crate::explain::codes;
use crate::series::{Ring, Sample};
use crate::time::{Duration, Timestamp};

/// A forecast is made with up to so many of the last samples missing.
pub(super) const MOST_STALE: usize = 5;

/// The last samples of a series, its step, and how many there were.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved", into = "Saved")]
pub(super) struct History {
    pub(super) ring: Ring,
    step: Duration,
    /// End of the last sample.
    last_at: Timestamp,
    /// All samples so far, missing ones too.
    pub(super) n_samples: u64,
    /// How many of the last ones are missing without a break.
    n_missing: u64,
}

impl History {
    pub(super) fn new(capacity: usize, step: Duration) -> Self {
        Self {
            ring: Ring::new(capacity),
            step,
            last_at: Timestamp::default(),
            n_samples: 0,
            n_missing: 0,
        }
    }

    /// Forgets all samples, keeping the memory.
    pub(super) fn clear(&mut self) {
        self.ring.clear();
        (self.last_at, self.n_samples, self.n_missing) = (Timestamp::default(), 0, 0);
    }

    /// Takes over what was saved, if it has the same size and step.
    pub(super) fn restored(&self, saved: Self) -> Result<Self, String> {
        if saved.ring.capacity() != self.ring.capacity() || saved.step != self.step {
            return Err("the history of a forecaster has another size or step".to_owned());
        }
        Ok(saved)
    }

    /// Takes a sample and returns its value, if it is one a load can have.
    pub(super) fn push(&mut self, sample: Sample) -> Option<f64> {
        let value = sample.value.filter(|value| value.is_finite() && *value >= 0.0);
        self.ring.push(value);
        self.last_at = sample.at;
        self.n_samples += 1;
        self.n_missing = if value.is_some() { 0 } else { self.n_missing + 1 };
        value
    }

    /// How many of the last samples are missing.
    ///
    /// # Errors
    /// If there was no sample yet, or more than [`MOST_STALE`] are missing.
    pub(super) fn stale(&self) -> Result<usize, Reason> {
        if self.n_missing == self.n_samples {
            return Err(too_little(0, 1));
        }
        stale(self.n_missing, self.step)
    }

    /// Empties the forecast for values at `quantiles`.
    pub(super) fn begin(&self, quantiles: &[f64], forecast: &mut Forecast) {
        forecast.issued_at = self.last_at;
        forecast.step = self.step;
        forecast.quantiles.clear();
        forecast.quantiles.extend_from_slice(quantiles);
        forecast.values.clear();
    }

    /// Writes the forecast: `point(ahead)` for each step from 1 on, with quantiles around it.
    ///
    /// With `stale` samples missing at the end, a point `ahead` steps from now was issued
    /// `ahead + stale` steps before its truth, so it bears the errors of that horizon.
    ///
    /// # Errors
    /// If the residuals are too few, or a point is missing; `first` samples come before the first
    /// point.
    pub(super) fn fill(
        &self,
        residuals: &Residuals,
        first: usize,
        horizon: usize,
        quantiles: &[f64],
        forecast: &mut Forecast,
        point: impl Fn(usize) -> Option<f64>,
    ) -> Result<(), Reason> {
        // Before the first sample the whole need is told.
        let stale = if self.n_samples == 0 { 0 } else { self.stale()? };
        if let Some((lack, ahead)) = residuals.lacking(horizon + stale) {
            let needed = (first + ahead + Residuals::LEAST) as u64;
            return Err(too_little(self.n_samples, needed.max(self.n_samples + lack as u64)));
        }
        self.begin(quantiles, forecast);
        for ahead in 1..=horizon {
            let Some(point) = point(ahead) else {
                return Err(too_little(self.n_samples, self.n_samples + 1));
            };
            let value = |&q: &f64| residuals.quantile(point, ahead + stale, q);
            forecast.values.extend(quantiles.iter().map(value));
        }
        Ok(())
    }
}

/// Passes if a forecast may be made with so many of the last samples missing.
///
/// # Errors
/// If they are more than [`MOST_STALE`].
pub(super) fn stale(n_missing: u64, step: Duration) -> Result<usize, Reason> {
    if n_missing > MOST_STALE as u64 {
        let gap = n_missing as f64 * step.as_secs_f64();
        return Err(Reason::new(codes::GAP_TOO_WIDE, [("gap_seconds", gap)]));
    }
    Ok(n_missing as usize)
}

/// The reason to abstain with so many samples of so many needed.
pub(super) fn too_little(n_samples: u64, needed: u64) -> Reason {
    let facts = [("n_samples", n_samples as f64), ("needed_samples", needed as f64)];
    Reason::new(codes::TOO_LITTLE_HISTORY, facts)
}

/// As text.
#[derive(Serialize, Deserialize)]
struct Saved {
    ring: Ring,
    step: Duration,
    last_at: Timestamp,
    n_samples: u64,
    n_missing: u64,
}

impl From<History> for Saved {
    fn from(History { ring, step, last_at, n_samples, n_missing }: History) -> Self {
        Self { ring, step, last_at, n_samples, n_missing }
    }
}

impl TryFrom<Saved> for History {
    type Error = String;

    fn try_from(saved: Saved) -> Result<Self, String> {
        let Saved { ring, step, last_at, n_samples, n_missing } = saved;
        if ring.iter().flatten().any(|value| value < 0.0) {
            return Err("the history of a forecaster has a negative load".to_owned());
        }
        const MOST: u64 = 1 << 53; // so that counting on never overflows
        if n_samples > MOST || n_missing > n_samples || (ring.len() as u64) > n_samples {
            return Err(format!("a history cannot have {n_samples} samples, {n_missing} missing"));
        }
        Ok(Self { ring, step, last_at, n_samples, n_missing })
    }
}
