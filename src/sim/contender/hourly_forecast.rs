//! A plan by the hour from a forecast, in force a little early.

use serde_json::{Value, json};

use super::law;
use crate::Error;
use crate::catalog::Saved;
use crate::explain::{Code, Reason, codes};
use crate::forecast::{ForecasterConfig, Model};
use crate::policy::{Policy, Proposal, View};
use crate::time::{Duration, Timestamp};

const HOURLY_FORECAST: Code = Code::new(
    "hourly_forecast",
    "the forecast for this hour, or for one that begins within {buffer_seconds} s, is {load} at most, at {load_per_replica} a replica",
);

/// Predictive scaling as that of AWS: a forecast makes a size for each hour, which is there a buffer
/// before it begins and only adds to what a reactive policy wants ("forecast and scale" beside target
/// tracking). AWS does not publish its model; here `auto` stands in its place, and the highest of its
/// medians within the hour is taken.
#[derive(Debug)]
pub(super) struct HourlyForecast {
    metric: String,
    load_per_replica: f64,
    model: Model,
    /// The hours since the epoch that are planned last, and the highest load of each.
    plan: [Option<(i64, f64)>; 2],
}

/// `SchedulingBufferTime` has this default.
const BUFFER: Duration = Duration::from_secs(300);
const AN_HOUR: i64 = 3_600_000;

impl HourlyForecast {
    /// `load_per_replica` is what a replica is to carry; the history, on `step`, ends where the replay
    /// begins.
    pub(super) fn new(
        metric: &str,
        load_per_replica: f64,
        step: Duration,
        history: impl Iterator<Item = (Timestamp, f64)>,
    ) -> Result<Self, Error> {
        // An hour needs no finer steps than this.
        let step = step.max(Duration::from_secs(300));
        let mut model = Model::new(ForecasterConfig::default(), step)?;
        let (times, loads): (Vec<_>, Vec<_>) = history.map(|(at, load)| (at, Some(load))).unzip();
        model.observe(&times, &loads)?;
        Ok(Self { metric: metric.into(), load_per_replica, model, plan: [None; 2] })
    }

    /// Plans the hour that holds `ahead`, once.
    fn plan(&mut self, now: Timestamp, ahead: Timestamp) -> Result<(), Reason> {
        let hour = ahead.as_millis().div_euclid(AN_HOUR);
        if self.plan[1].is_some_and(|(planned, _)| planned >= hour) {
            return Ok(());
        }
        let end = Timestamp::from_millis((hour + 1) * AN_HOUR);
        // From the last closed step on, which lies a step or two back.
        let horizon = end.since(now - self.model.step().times(2));
        let forecast = self.model.forecast(horizon, &[0.5]);
        let short = || Reason::new(codes::NO_PROPOSAL, []);
        let forecast = forecast.map_err(|_| short())??;
        let within = (0..forecast.horizon()).filter(|&step| {
            let at = forecast.issued_at + forecast.step.times(step as i64);
            at.as_millis().div_euclid(AN_HOUR) == hour
        });
        let most = within.map(|step| forecast.row(step)[0]).fold(f64::NAN, f64::max);
        if most.is_nan() {
            return Err(short());
        }
        self.plan = [self.plan[1], Some((hour, most))];
        Ok(())
    }
}

impl Policy for HourlyForecast {
    fn propose(&mut self, view: &View<'_>) -> Result<Proposal, Reason> {
        let load = view.value(&self.metric).ok();
        // A time that does not rise is told by the loop, and feeds no model.
        let _ = self.model.observe(&[view.at], &[load]);
        self.plan(view.at, view.at + BUFFER)?;
        let hour = view.at.as_millis().div_euclid(AN_HOUR);
        let in_force = self.plan.iter().flatten().filter(|&&(planned, _)| planned >= hour);
        let load = in_force.map(|&(_, load)| load).fold(0.0, f64::max);
        let buffer = ("buffer_seconds", BUFFER.as_secs_f64());
        let carries = ("load_per_replica", self.load_per_replica);
        let reason = Reason::new(HOURLY_FORECAST, [buffer, ("load", load), carries]);
        Ok(law(load / self.load_per_replica, reason))
    }

    fn metric(&self) -> Option<&str> {
        Some(&self.metric)
    }
}

impl Saved for HourlyForecast {
    fn save(&self) -> Result<Value, Error> {
        let model = self.model.snapshot()?;
        let model: Value = serde_json::from_slice(&model)
            .map_err(|error| Error::snapshot(format!("cannot be written: {error}")))?;
        Ok(json!({
            "metric": self.metric, "load_per_replica": self.load_per_replica,
            "model": model, "plan": self.plan,
        }))
    }

    fn load(&mut self, saved: Value) -> Result<(), Error> {
        let damaged = || Error::snapshot("holds a member that is damaged: an hourly forecast");
        let part = |name: &str| saved.get(name).cloned().ok_or_else(damaged);
        let metric = serde_json::from_value(part("metric")?).map_err(|_| damaged())?;
        let carries = part("load_per_replica")?.as_f64().ok_or_else(damaged)?;
        let plan = serde_json::from_value(part("plan")?).map_err(|_| damaged())?;
        let model = Model::restore(part("model")?.to_string().as_bytes())?;
        (self.metric, self.load_per_replica, self.plan, self.model) =
            (metric, carries, plan, model);
        Ok(())
    }
}
