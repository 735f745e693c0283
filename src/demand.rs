//! The load to be carried.
//!
//! In: a forecast, the lead time and the horizon. Out: [`Demand`]: how much, when, and at which
//! quantile. Knows nothing of replicas.

use serde::Serialize;

use crate::forecast::Forecast;
use crate::time::{Duration, Timestamp};

/// A load to be carried at a time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Demand {
    /// In the load's unit.
    pub load: f64,
    /// When it is expected.
    pub at: Timestamp,
    /// The quantile of the forecast it is taken from; `None` for a load measured now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantile: Option<f64>,
}

impl Demand {
    /// The highest load that the forecast's quantile number `which` expects up to `horizon` ahead
    /// of `now`; what lies in the past by now is left out. `None` if nothing is left.
    ///
    /// The steps before the lead time has passed count too: a replica ordered now comes too late
    /// for them, but one that is there must not be taken away before.
    #[must_use]
    pub fn peak(
        forecast: &Forecast,
        which: usize,
        now: Timestamp,
        horizon: Duration,
    ) -> Option<Self> {
        let quantile = *forecast.quantiles.get(which)?;
        let mut peak: Option<Self> = None;
        let mut at = forecast.issued_at;
        for ahead in 0..forecast.horizon() {
            let start = at;
            at = at + forecast.step;
            if at <= now {
                continue;
            }
            // A step counts if it begins before the horizon ends.
            if peak.is_some() && start >= now + horizon {
                break;
            }
            let load = forecast.row(ahead)[which];
            if peak.is_none_or(|highest| load > highest.load) {
                peak = Some(Self { load, at, quantile: Some(quantile) });
            }
        }
        peak
    }
}
