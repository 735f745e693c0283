//! Follow requests in flight: a slow (stable) and a fast (panic) average of the same metric.
//!
//! In: the readings of one metric, observation by observation, and the ready replicas. Out: the
//! replicas that bring the stable average to its target; in a burst those of the panic average, and
//! nothing taken away until the burst is a stable window ago. Knows nothing of limits or guards.
//!
//! The law is that of the Knative pod autoscaler (KPA, Knative Serving of
//! August 2026): [`law`] its decision,
//! [`Window`](crate::series::Window) its averages, [`averages`] how readings get there. The policy
//! differs from it in these points:
//!
//! - Knative scrapes once a second. Here a reading speaks for each second since the one before, so
//!   that an average is the mean of what was observed, weighed by time, however seldom it is.
//! - Knative forgets all when it starts anew, and hides in a panic until it has averages. Here that
//!   happens only at the first observation and after a clock that was set back: a snapshot keeps the
//!   panic, and a restored policy goes on as if nothing had been.
//! - Where the metric cannot be read now, Knative goes on by what is left of the window; here nothing
//!   is taken away until it can ([`Want::NotFewer`]), and the next reading speaks for the gap too.
//! - Knative decides every 2 seconds, and its rates hold for a decision; so do these, at whatever
//!   pace the host observes.
//! - The burst capacity, by which Knative puts its activator into the path of the requests, is a fact
//!   of the reason and nothing else. What cannot be reached by requests is unknown here: all can.
//! - The limits, the initial scale, and the way to zero with its grace are the autoscaler's. Of zero
//!   replicas proposed, `min_replicas` and `zero` make what they will.

pub mod averages;
pub mod law;

use serde::{Deserialize, Serialize};

use self::averages::Averages;
use self::law::{Law, State, Verdict};
use super::{Policy, Proposal, View, Want};
use crate::Error;
use crate::explain::{Reason, codes};
use crate::series::{MetricKind, total_load};
use crate::time::Duration;

/// Proposes replicas by the average load, and at once by that of the last seconds in a burst.
///
/// ```
/// use forescale::{Autoscaler, Observation, Timestamp};
///
/// let mut scaler = Autoscaler::from_text(
///     "
///     max_replicas: 100
///     metrics: { in_flight: { kind: total } }
///     policies: [{ kind: concurrency, metric: in_flight, target: 70 }]
///     guards: []
///     ",
/// )?;
/// let mut replicas = |second, ready, in_flight| {
///     let at = Timestamp::from_secs(second);
///     scaler.decide(&Observation::at(at).ready(ready).metric("in_flight", in_flight)).replicas
/// };
/// assert_eq!(replicas(0, 1, 60.0), 1);
/// // Over the last 6 s it is 700, ten times what one replica should have: a panic.
/// assert_eq!(replicas(15, 1, 700.0), 10);
/// assert_eq!(replicas(30, 10, 70.0), 10);
/// # Ok::<(), forescale::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct Concurrency {
    settings: Config,
    averages: Averages,
    /// `None` before the first reading.
    state: Option<State>,
    #[serde(skip_serializing)]
    law: Law,
}

impl Concurrency {
    /// From its settings.
    ///
    /// # Errors
    /// If a setting is out of its range.
    pub fn new(settings: Config) -> Result<Self, Error> {
        let law = settings.law()?;
        let averages = settings.averages()?;
        Ok(Self { settings, averages, state: None, law })
    }

    fn total(&self, view: &View<'_>) -> Result<f64, Reason> {
        let (usage, kind) = view.usage(&self.settings.metric)?;
        total_load(usage, kind, view.replicas.ready)
    }

    fn reason(&self, verdict: &Verdict, seen: &law::Averages) -> Reason {
        let stable = ("stable_average", seen.stable.unwrap_or_default());
        let panic = ("panic_average", seen.panic.unwrap_or_default());
        let target = ("target", self.law.target);
        let excess = ("excess_burst_capacity", verdict.excess_burst_capacity as f64);
        if verdict.desired != verdict.undelayed {
            let delayed = ("delayed", f64::from(verdict.desired));
            let delay = ("delay_seconds", self.law.scale_down_delay.as_secs_f64());
            let facts = [delayed, delay, stable, panic, target, excess];
            return Reason::new(codes::SCALE_DOWN_DELAY, facts);
        }
        let Some(since) = verdict.panic_since else {
            return Reason::new(codes::STABLE_AVERAGE, [stable, panic, target, excess]);
        };
        let passed = ("panic_seconds", seen.at.since(since).as_secs_f64());
        if verdict.undelayed > verdict.asked {
            let peak = ("peak", f64::from(verdict.undelayed));
            return Reason::new(codes::PANIC_PEAK, [peak, passed, stable, panic, target, excess]);
        }
        Reason::new(codes::PANIC, [passed, stable, panic, target, excess])
    }
}

impl Policy for Concurrency {
    fn propose(&mut self, view: &View<'_>) -> Result<Proposal, Reason> {
        let load = match self.total(view) {
            Ok(load) => load,
            // As in Knative, what cannot be read is not remembered.
            Err(reason) => {
                return Ok(Proposal { want: Want::NotFewer, wish: None, demand: None, reason });
            }
        };
        let ready = view.replicas.ready;
        if self.averages.observe(view.at, load) {
            self.state = None;
        }
        let (stable, panic) = self.averages.at(view.at);
        let seen = law::Averages {
            at: view.at,
            ready: Some(ready),
            stable: Some(stable),
            panic: Some(panic),
        };
        let state = self.state.get_or_insert_with(|| State::start(view.at, ready));
        let verdict = state.step(&self.law, &seen);
        let wished = if verdict.panicking { stable.max(panic) } else { stable };
        Ok(Proposal {
            want: Want::Replicas(verdict.desired),
            wish: Some((wished / self.law.target).min(f64::MAX)),
            demand: None,
            reason: self.reason(&verdict, &seen),
        })
    }

    fn metric(&self) -> Option<&str> {
        Some(&self.settings.metric)
    }

    fn check(&self, kind: MetricKind) -> Result<(), Error> {
        if kind == MetricKind::Utilization {
            let message = format!(
                "is \"{}\", a utilization, must be a total or an average: a utilization ends where \
                 the replicas are full, and so tells no burst",
                self.settings.metric
            );
            return Err(Error::config("metric", message));
        }
        Ok(())
    }

    fn check_limits(&self, _: u32, max_replicas: u32) -> Result<(), Error> {
        let activation = self.settings.activation_scale;
        if activation > max_replicas {
            let message =
                format!("is {activation}, must not be above `max_replicas`, {max_replicas}");
            return Err(Error::config("activation_scale", message));
        }
        Ok(())
    }
}

/// What a snapshot holds, before it is trusted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    settings: Config,
    averages: Averages,
    state: Option<State>,
}

impl TryFrom<Stored> for Concurrency {
    type Error = Error;

    fn try_from(Stored { settings, averages, state }: Stored) -> Result<Self, Error> {
        let fresh = Self::new(settings)?;
        if !averages.fits(&fresh.averages) {
            return Err(Error::snapshot("holds averages over other windows than the settings'"));
        }
        if state.as_ref().is_some_and(|state| !state.is_sound()) {
            return Err(Error::snapshot("holds delayed wants in slots that are not its own"));
        }
        Ok(Self { averages, state, ..fresh })
    }
}

/// Settings of [`Concurrency`]. In brackets Knative's name for the same, in `config-autoscaler` or
/// as an annotation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The metric it reads: requests in flight or a second. A total, or an average of the ready
    /// replicas, which is turned into one; not a utilization.
    pub metric: String,
    /// The load that a replica should have, in the metric's unit, from 0.01 up. Knative's default is
    /// 70 requests in flight, a limit of 100 times a target utilization of 0.7, or 140 a second, 200
    /// times 0.7; give the product.
    pub target: f64,
    /// The window of the average that decides, in whole seconds from 6 s to 1 h. Default: 60 s
    /// (`stable-window`).
    #[serde(default = "default_stable_window")]
    pub stable_window: Duration,
    /// The window of the average that tells a burst, as a ratio of `stable_window` in [0.01, 1], at
    /// least 1 s. Default: 0.1 (`panic-window-percentage: 10`).
    #[serde(default = "default_panic_window_ratio")]
    pub panic_window_ratio: f64,
    /// A burst is when the panic window wants this many times the ready replicas, a ratio in
    /// [1.1, 10]. Default: 2 (`panic-threshold-percentage: 200`).
    #[serde(default = "default_panic_threshold")]
    pub panic_threshold: f64,
    /// At most this many times the ready replicas in one decision, above 1. Default: 1000
    /// (`max-scale-up-rate`).
    #[serde(default = "default_max_scale_up_rate")]
    pub max_scale_up_rate: f64,
    /// At least the ready replicas divided by this in one decision, above 1. Default: 2
    /// (`max-scale-down-rate`).
    #[serde(default = "default_max_scale_down_rate")]
    pub max_scale_down_rate: f64,
    /// Goes down only to the highest want of this time, in whole seconds up to 1 h. Default: 0
    /// (`scale-down-delay`).
    #[serde(default)]
    pub scale_down_delay: Duration,
    /// The fewest replicas where there is any load, from 1 up; an exact 0 is left alone. Default: 1
    /// (`activation-scale`).
    #[serde(default = "default_activation_scale")]
    pub activation_scale: u32,
    /// The load that should find room at once, in the metric's unit: 0 for none, -1 for any. Only
    /// told, as `excess_burst_capacity`. Default: 211 (`target-burst-capacity`).
    #[serde(default = "default_target_burst_capacity")]
    pub target_burst_capacity: f64,
    /// The load that a replica can have, in the metric's unit, from `target` up; for the burst
    /// capacity only. Default: `target / 0.7`, as Knative's target utilization
    /// (`containerConcurrency`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_value: Option<f64>,
}

fn default_stable_window() -> Duration {
    Duration::from_secs(60)
}

fn default_panic_window_ratio() -> f64 {
    0.1
}

fn default_panic_threshold() -> f64 {
    2.0
}

fn default_max_scale_up_rate() -> f64 {
    1000.0
}

fn default_max_scale_down_rate() -> f64 {
    2.0
}

fn default_activation_scale() -> u32 {
    1
}

fn default_target_burst_capacity() -> f64 {
    211.0
}

impl Config {
    fn law(&self) -> Result<Law, Error> {
        const LEAST_WINDOW: Duration = Duration::from_secs(6);
        const MOST_WINDOW: Duration = Duration::from_secs(3600);
        const TARGET_UTILIZATION: f64 = 0.7;
        let check = |field, number: f64, sound: bool, allowed: &str| {
            if sound && number.is_finite() {
                return Ok(number);
            }
            Err(Error::config(field, format!("is {number}, must be {allowed}")))
        };
        let whole_seconds = |field, span: Duration, least: Duration| {
            if (least..=MOST_WINDOW).contains(&span) && span.as_millis() % 1000 == 0 {
                return Ok(span);
            }
            let allowed = format!("must be whole seconds from {least} to {MOST_WINDOW}");
            Err(Error::config(field, format!("is {span}, {allowed}")))
        };
        if self.metric.is_empty() {
            return Err(Error::config("metric", "is empty, must be the name of a metric"));
        }
        if self.activation_scale == 0 {
            return Err(Error::config("activation_scale", "is 0, must be from 1 up"));
        }
        let target = check("target", self.target, self.target >= 0.01, "from 0.01 up")?;
        let ratio = self.panic_window_ratio;
        check("panic_window_ratio", ratio, (0.01..=1.0).contains(&ratio), "in [0.01, 1]")?;
        let threshold = self.panic_threshold;
        let (up, down) = (self.max_scale_up_rate, self.max_scale_down_rate);
        let burst = self.target_burst_capacity;
        let total = self.total_value.unwrap_or((target / TARGET_UTILIZATION).min(f64::MAX));
        let at_least_target = format!("from `target`, {target}, up");
        Ok(Law {
            target,
            total: check("total_value", total, total >= target, &at_least_target)?,
            target_burst_capacity: check(
                "target_burst_capacity",
                burst,
                burst >= 0.0 || burst == -1.0,
                "from 0 up, or -1 for no limit",
            )?,
            panic_threshold: check(
                "panic_threshold",
                threshold,
                (1.1..=10.0).contains(&threshold),
                "in [1.1, 10]: 2 stands for 200 %",
            )?,
            max_scale_up_rate: check("max_scale_up_rate", up, up > 1.0, "above 1")?,
            max_scale_down_rate: check("max_scale_down_rate", down, down > 1.0, "above 1")?,
            stable_window: whole_seconds("stable_window", self.stable_window, LEAST_WINDOW)?,
            scale_down_delay: whole_seconds(
                "scale_down_delay",
                self.scale_down_delay,
                Duration::ZERO,
            )?,
            activation_scale: self.activation_scale,
            reachable: true,
        })
    }

    fn averages(&self) -> Result<Averages, Error> {
        let panic = self.stable_window.as_secs_f64() * self.panic_window_ratio;
        Averages::new(self.stable_window, Duration::from_secs_f64(panic.max(1.0))?)
    }
}

#[cfg(test)]
mod tests;
