//! Settings of the forecast of one metric.
//!
//! In: what the configuration says. Out: checked settings and their defaults. Builds nothing.

use serde::{Deserialize, Serialize};

use super::{ForecasterConfig, Risk};
use crate::{Duration, Error, Timestamp};

/// Settings of an [`Outlook`](super::Outlook); also those of the `predictive` policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct OutlookConfig {
    /// The metric whose load is forecast; the configuration's `capacity` speaks of it too.
    pub metric: String,
    /// How much time in violation is accepted, about, as a share of it from 0.00001 to 1; or `auto`.
    /// It sets the price of a minute in which the load is more than the replicas carry, in minutes of
    /// the usual fleet, and at each moment there are as many replicas as are cheapest at that price.
    /// Twice the risk halves the price. A calm load stays below the share, as a reserve is cheap there;
    /// one with rare high spikes may lie above it. Without a forecast it scales as an HPA would. Default,
    /// where no `quantile` is set: `auto`, the risk that lately would have left the least of both,
    /// the violations and the spare replicas of an HPA at 70 %.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk: Option<Risk>,
    /// In place of a `risk`: the load may lie above the forecast with probability `1 - quantile`, at all
    /// times alike; from 0.5 to 0.999. The replicas are those of the highest load up to the horizon at
    /// the capacity's target utilization, and without a forecast that has skill there is no proposal.
    /// Above 0.998 it is the largest error of the last 480 steps, as more is not known. 0.95 is usual:
    /// one step in twenty a little short, which the headroom of the capacity bears.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantile: Option<f64>,
    /// Length of the steps on which history is kept and forecast, from a second to a day; not
    /// shorter than the time between two observations or two values of warmed-up history, as most
    /// steps would be missing. Default `1m`: about how fast replicas can follow.
    #[serde(default = "default_step")]
    pub step: Duration,
    /// How far ahead the load must be carried. Default: the lead time, and once more the lead time
    /// (at least two steps); a replica that is taken away now is missed if it is needed again
    /// before another one could have come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub horizon: Option<Duration>,
    /// The model. Default `auto`.
    #[serde(default)]
    pub forecaster: ForecasterConfig,
    /// By a quantile: the least skill with which the forecast is believed, but for 0.1, about the error of a skill
    /// measured over a day: `1 - loss / loss of the reference`, pinball loss at `quantile` a lead time
    /// ahead, against "as now" and the level lately; below 1. Beside it its medians must be nearer
    /// to the truth than either, by more than chance explains; they are believed no more once they
    /// are not, or have just fallen far behind. Default 0: worth no less than doing without.
    #[serde(default)]
    pub min_skill: f64,
}

impl OutlookConfig {
    /// Settings of a metric's outlook, all else by default.
    ///
    /// ```
    /// use forescale::Duration;
    /// use forescale::forecast::OutlookConfig;
    ///
    /// let settings: OutlookConfig = serde_json::from_str(r#"{"metric": "rps"}"#)?;
    /// assert_eq!(settings, OutlookConfig::new("rps"));
    /// assert_eq!(settings.horizon_or(Duration::from_secs(300)), Duration::from_secs(600));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn new(metric: impl Into<String>) -> Self {
        Self {
            metric: metric.into(),
            risk: None,
            quantile: None,
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
        if let Some(quantile) = self.quantile.filter(|given| !(0.5..=0.999).contains(given)) {
            let message = format!("is {quantile}, must be in [0.5, 0.999]");
            return Err(Error::config("quantile", message));
        }
        if let Some(risk) = self.risk {
            risk.check()?;
            if self.quantile.is_some() {
                let message = "is given, must be absent where `quantile` is set";
                return Err(Error::config("risk", message));
            }
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

    /// The risk it goes by; `None` where it goes by its quantile.
    #[must_use]
    pub fn risk(&self) -> Option<Risk> {
        self.risk.or(self.quantile.is_none().then_some(Risk::Auto))
    }

    /// The horizon, by default of twice the lead time, or two steps more than it.
    #[must_use]
    pub fn horizon_or(&self, lead_time: Duration) -> Duration {
        let again = lead_time.max(self.step.times(2));
        let start = Timestamp::default();
        self.horizon.unwrap_or_else(|| (start + lead_time + again).since(start))
    }
}

fn default_step() -> Duration {
    Duration::from_secs(60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_out_of_range_are_refused_by_name() {
        let cases = [
            (r#"{"metric": ""}"#, "metric"),
            (r#"{"metric": "rps", "quantile": 0.4}"#, "quantile"),
            (r#"{"metric": "rps", "quantile": 1}"#, "quantile"),
            (r#"{"metric": "rps", "risk": 0}"#, "risk"),
            (r#"{"metric": "rps", "risk": 0.01, "quantile": 0.9}"#, "risk"),
            (r#"{"metric": "rps", "step": "500ms"}"#, "step"),
            (r#"{"metric": "rps", "horizon": "30s"}"#, "horizon"),
            (r#"{"metric": "rps", "min_skill": 1}"#, "min_skill"),
            (
                r#"{"metric": "rps", "forecaster": {"kind": "seasonal_naive", "season": "90s"}}"#,
                "forecaster.season",
            ),
        ];
        for (text, path) in cases {
            let settings: OutlookConfig = serde_json::from_str(text).expect("of the right types");
            assert_eq!(settings.check().expect_err(text).path(), path);
        }
    }

    #[test]
    fn the_horizon_reaches_two_steps_beyond_a_short_lead_time() {
        let settings = OutlookConfig::new("rps");
        let seconds = |seconds| settings.horizon_or(Duration::from_secs(seconds)).as_secs_f64();
        assert_eq!((seconds(30), seconds(300)), (150.0, 600.0));
        let fixed = OutlookConfig { horizon: Some(Duration::from_secs(900)), ..settings };
        assert_eq!(fixed.horizon_or(Duration::from_secs(30)), Duration::from_secs(900));
    }
}
