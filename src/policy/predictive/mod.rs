//! Scale for the load that the forecast expects, before it comes.
//!
//! In: the forecast of one metric's load and what a replica carries. Out: by a `risk` the replicas that
//! are worth their price (`weigh.rs`), by a `quantile` those for its highest load up to the horizon;
//! or the reason to abstain: too little history, no skill, a capacity that is still to be learnt. By a
//! risk what is needed before more could be ready keeps replicas, and orders none; and a load that a full
//! fleet hides is found out (`saturation.rs`), and what waits worked off (`drain.rs`).
//! Knows nothing of how the forecast is made.

mod drain;
mod foresight;
mod nowcast;
mod price;
mod reach;
mod rehearsal;
mod saturation;
mod weigh;

use serde::{Deserialize, Serialize};

pub(crate) use self::foresight::{Foresight, Need};
use self::weigh::Weigher;
use super::{Past, Policy, Proposal, View, Want};
use crate::Error;
use crate::demand::Demand;
use crate::explain::{Reason, codes};
pub use crate::forecast::OutlookConfig as Config;
use crate::forecast::{Outlook, OutlookConfig, Risk};
use crate::time::{Duration, Timestamp};

/// Proposes the replicas that carry the load which the forecast expects.
///
/// ```
/// use forescale::{Autoscaler, Observation, Timestamp};
///
/// let mut scaler = Autoscaler::from_text(
///     r#"{"max_replicas": 60, "metrics": {"rps": {"kind": "total"}},
///         "capacity": {"kind": "fixed", "metric": "rps", "load_per_replica": 100},
///         "policies": [{"kind": "predictive", "metric": "rps"}]}"#,
/// )?;
/// // Without history it carries the load of now at 70 % utilization: 1400 / (100 * 0.7) = 20.
/// let seen = Observation::at(Timestamp::from_secs(0)).ready(15).metric("rps", 1400.0);
/// assert_eq!(scaler.decide(&seen).replicas, 20);
/// # Ok::<(), forescale::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Predictive {
    settings: Config,
    #[serde(default)]
    weigher: Weigher,
}

impl Predictive {
    /// From its settings.
    ///
    /// # Errors
    /// If a setting is out of its range.
    pub fn new(settings: Config) -> Result<Self, Error> {
        settings.check()?;
        Ok(Self { settings, weigher: Weigher::default() })
    }
}

/// The load that a policy by `quantile` is to carry: the highest one up to its horizon.
///
/// # Errors
/// The reason to abstain.
pub(crate) fn demand(
    settings: &Config,
    outlook: &Outlook,
    at: Timestamp,
    lead_time: Duration,
) -> Result<Demand, Reason> {
    let forecast = outlook.latest()?;
    let horizon = settings.horizon_or(lead_time);
    if forecast.issued_at >= at + horizon {
        // It speaks of no time up to the horizon: the clock was set back since, or the history
        // was of another clock.
        let back = forecast.issued_at.since(at).as_secs_f64();
        return Err(Reason::new(codes::TIME_WENT_BACK, [("back_seconds", back)]));
    }
    Demand::peak(forecast, 0, at, horizon).ok_or_else(|| {
        let gap = at.since(forecast.issued_at).as_secs_f64();
        Reason::new(codes::GAP_TOO_WIDE, [("gap_seconds", gap)])
    })
}

impl Policy for Predictive {
    fn propose(&mut self, view: &View<'_>) -> Result<Proposal, Reason> {
        let unknown = || Reason::new(codes::METRIC_MISSING, []);
        let outlook = view.outlook(&self.settings.metric).ok_or_else(unknown)?;
        let capacity = view.capacity().ok_or_else(unknown)?;
        if let Some(risk) = self.settings.risk() {
            return self.weigher.propose(view, outlook, capacity.full_load()?, risk);
        }
        let demand = demand(&self.settings, outlook, view.at, view.lead_time)?;
        let wish = capacity.replicas(demand.load)?;
        let mut reason = Reason::new(
            codes::FORECAST,
            [
                ("load", demand.load),
                ("quantile", self.settings.quantile.unwrap_or_default()),
                ("ahead_seconds", demand.at.since(view.at).as_secs_f64()),
                ("load_per_replica", capacity.load_per_replica()?),
                ("skill", outlook.skill()),
                ("coverage", outlook.coverage().unwrap_or_default()),
            ],
        );
        if let Some(n_samples) = capacity.n_samples() {
            reason = reason.with("capacity_samples", n_samples as f64);
        }
        if let Some(n_starts) = view.n_starts {
            reason = reason.with("lead_time_seconds", view.lead_time.as_secs_f64());
            reason = reason.with("n_starts", n_starts as f64);
        }
        let want = Want::Replicas(wish.ceil() as u32);
        Ok(Proposal { want, wish: Some(wish), demand: Some(demand), reason })
    }

    fn learns(&self) -> bool {
        self.settings.risk() == Some(Risk::Auto)
    }

    fn learn(&mut self, past: &Past<'_>) {
        if self.learns() {
            self.weigher.learn(past);
        }
    }

    fn metric(&self) -> Option<&str> {
        Some(&self.settings.metric)
    }

    fn outlook(&self) -> Option<&OutlookConfig> {
        Some(&self.settings)
    }
}
