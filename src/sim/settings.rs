//! The settings of the plant and of what is scored.
//!
//! In: text or a value. Out: checked [`Settings`], completed for a trace. Knows no policy.

use serde::{Deserialize, Serialize};

use super::faults::Faults;
use super::money::Price;
use super::trace::Trace;
use super::workload::Workload;
use crate::Error;
use crate::config::read;
use crate::time::{Duration, Timestamp};

/// The workload as the simulator sees it, and which part of the trace is scored.
///
/// ```
/// use forescale::sim::Settings;
///
/// let settings = Settings::from_text(r#"{"start_up": "5m", "scored": "1d"}"#)?;
/// assert_eq!(settings.peak_replicas, 30);
/// let error = Settings::from_text(r#"{"noise": 2}"#).unwrap_err();
/// assert_eq!(error.to_string(), "`noise` is 2, must be in [0, 1)");
/// # Ok::<(), forescale::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Time from decision to decision, above 0. Default 15s, as the Kubernetes HPA.
    pub interval: Duration,
    /// The load one replica can carry, in the load's unit, above 0. Default: so that the scored
    /// peak needs `peak_replicas` at `target_utilization`, which brings traces of any unit to one
    /// size of fleet. A configuration that is given this number knows how high the scored peak is,
    /// not when it comes; give it here where that is too much.
    pub load_per_replica: Option<f64>,
    /// The replicas that the scored peak needs, at least 1. Default 30: a middling service, so that
    /// rounding to whole replicas matters little. Without effect where `load_per_replica` is given.
    pub peak_replicas: u32,
    /// The utilization at which `peak_replicas` carry the peak, in (0, 1]. Default 0.7, the usual
    /// target of an HPA.
    pub target_utilization: f64,
    /// What carries the load, and when it is too slow. Default: a fluid queue.
    pub workload: Workload,
    /// From a replica's request to its readiness. Default 2m: a pod on a node that is there, with an
    /// image to pull and a runtime to warm up.
    pub start_up: Duration,
    /// How far a start-up strays, as a share of it to both sides, in [0, 1]. Default 0.2.
    pub start_up_jitter: f64,
    /// The start-up that 95 of 100 stay within, at least `start_up`, which then is the median of a
    /// log-normal distribution in place of the even one of `start_up_jitter`; cut off at the 999th of
    /// 1000. Default: none.
    pub start_up_p95: Option<Duration>,
    /// How long a stopping replica is still paid for; it takes no new work. Default 30s, the
    /// termination grace of Kubernetes.
    pub stop: Duration,
    /// Load that waited longer is late. Default 1s: a page feels slow from there on.
    pub late_after: Duration,
    /// Load that would wait longer is dropped; at least `late_after`. Default 30s, a common
    /// time-out of proxies.
    pub timeout: Duration,
    /// The age of a metric when it is read. Default 30s: scrape interval and averaging.
    pub metric_lag: Duration,
    /// The relative standard deviation of a reading's error, in [0, 1). Default 0.02.
    pub noise: f64,
    /// The share of readings that are missing, in [0, 1). Default 0.01.
    pub missing: f64,
    /// How often each ready replica crashes a day on average, from 0 up; it starts again at once.
    /// Default 0.
    pub crashes_per_day: f64,
    /// What else goes wrong. Default: nothing.
    pub faults: Faults,
    /// What a replica costs; without it no cost in money is told. Default: none.
    pub price: Option<Price>,
    /// The seed of every random number. Default 1.
    pub seed: u64,
    /// The name under which the total load is observed. Default `rps`.
    pub load_metric: String,
    /// The name under which the mean utilization of the ready replicas is observed, 0 to 1; it
    /// cannot show more than 1, whatever waits. Default `cpu`.
    pub utilization_metric: String,
    /// The name under which the latency is observed, in seconds: the wait, the response time or the
    /// time a token, by `workload`. Default `latency`.
    pub latency_metric: String,
    /// The replicas ready at the start. Default: what the load just before the scored part needs
    /// at `target_utilization`. The bounds begin with what they like.
    pub initial_replicas: Option<u32>,
    /// How much of the trace before the scored part is fed as history, at most. Default 28d.
    pub history: Duration,
    /// How much of the end of the trace is scored; never more than a third of it, so that history
    /// remains. Default 3d.
    pub scored: Duration,
    /// A forecast for the report is issued so often. Default 3h.
    pub forecast_every: Duration,
    /// How far the forecasts for the report look ahead. Default 3h.
    pub forecast_horizon: Duration,
    /// Whether each decision with its steps is kept in the report. Default false, as they are many.
    pub decisions: bool,
}

/// A log-normal start-up is cut off here, at the 999th of 1000, so that there is a longest one.
pub(super) const FARTHEST: f64 = 3.090_232_306_167_813;

impl Default for Settings {
    fn default() -> Self {
        let minutes = |n: u32| Duration::from_secs(60 * n);
        Self {
            interval: Duration::from_secs(15),
            load_per_replica: None,
            peak_replicas: 30,
            target_utilization: 0.7,
            workload: Workload::default(),
            start_up: minutes(2),
            start_up_jitter: 0.2,
            start_up_p95: None,
            stop: Duration::from_secs(30),
            late_after: Duration::from_secs(1),
            timeout: Duration::from_secs(30),
            metric_lag: Duration::from_secs(30),
            noise: 0.02,
            missing: 0.01,
            crashes_per_day: 0.0,
            faults: Faults::default(),
            price: None,
            seed: 1,
            load_metric: "rps".into(),
            utilization_metric: "cpu".into(),
            latency_metric: "latency".into(),
            initial_replicas: None,
            history: minutes(28 * 24 * 60),
            scored: minutes(3 * 24 * 60),
            forecast_every: minutes(180),
            forecast_horizon: minutes(180),
            decisions: false,
        }
    }
}

impl Settings {
    /// From text: JSON, or YAML with the feature `yaml`; what is absent has its default.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) for text that is neither, an unknown field
    /// and a value out of its range.
    pub fn from_text(text: &str) -> Result<Self, Error> {
        let settings: Self = read::or_default(text)?;
        settings.check()?;
        Ok(settings)
    }

    /// Refuses what is out of its range.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let refuse = |field: &str, value: &dyn std::fmt::Display, must: &str| {
            Err(Error::config(field, format!("is {value}, must be {must}")))
        };
        let shares = [("noise", self.noise), ("missing", self.missing)];
        if let Some((field, share)) = shares.iter().find(|(_, share)| !(0.0..1.0).contains(share)) {
            return refuse(field, share, "in [0, 1)");
        }
        if let Some(load) = self.load_per_replica.filter(|load| !(load.is_finite() && *load > 0.0))
        {
            return refuse("load_per_replica", &load, "above 0");
        }
        if !(self.target_utilization > 0.0 && self.target_utilization <= 1.0) {
            return refuse("target_utilization", &self.target_utilization, "in (0, 1]");
        }
        if !(0.0..=1.0).contains(&self.start_up_jitter) {
            return refuse("start_up_jitter", &self.start_up_jitter, "in [0, 1]");
        }
        if !(0.0..=1e6).contains(&self.crashes_per_day) {
            return refuse("crashes_per_day", &self.crashes_per_day, "in [0, 1000000]");
        }
        if self.peak_replicas == 0 {
            return refuse("peak_replicas", &0, "at least 1");
        }
        if self.timeout < self.late_after {
            return refuse("timeout", &self.timeout, "at least `late_after`");
        }
        if self.load_metric == self.utilization_metric {
            return refuse("utilization_metric", &self.load_metric, "other than `load_metric`");
        }
        if [&self.load_metric, &self.utilization_metric].contains(&&self.latency_metric) {
            let must = "other than `load_metric` and `utilization_metric`";
            return refuse("latency_metric", &self.latency_metric, must);
        }
        if let Some(p95) = self.start_up_p95.filter(|p95| *p95 < self.start_up) {
            return refuse("start_up_p95", &p95, "at least `start_up`");
        }
        if self.start_up_p95.is_some() && self.start_up.is_zero() {
            return refuse("start_up", &self.start_up, "above 0 beside `start_up_p95`");
        }
        self.faults.check().map_err(|error| error.at("faults"))?;
        self.workload.check(self.timeout).map_err(|error| error.at("workload"))?;
        if let Some(price) = &self.price {
            price.check().map_err(|error| error.at("price"))?;
        }
        // What a lagging reading shows is kept for each interval.
        const MOST_LAGGING: usize = 100_000;
        if self.metric_lag.steps(self.interval) > MOST_LAGGING {
            return refuse("metric_lag", &self.metric_lag, "at most 100000 times `interval`");
        }
        let spans = [
            ("interval", self.interval),
            ("scored", self.scored),
            ("forecast_every", self.forecast_every),
            ("forecast_horizon", self.forecast_horizon),
        ];
        match spans.iter().find(|(_, span)| span.is_zero()) {
            Some((field, span)) => refuse(field, span, "above 0"),
            None => Ok(()),
        }
    }

    /// The longest start-up there is without faults.
    ///
    /// ```
    /// use forescale::sim::Settings;
    ///
    /// let settings = Settings { start_up: "2m".parse()?, ..Settings::default() };
    /// assert_eq!(settings.longest_start_up().as_secs_f64(), 144.0); // 120 s and 20 % of it
    /// # Ok::<(), forescale::Error>(())
    /// ```
    #[must_use]
    pub fn longest_start_up(&self) -> Duration {
        Duration::from_millis(1).times((1000.0 * self.longest_start_up_seconds()).ceil() as i64)
    }

    pub(super) fn longest_start_up_seconds(&self) -> f64 {
        let longest = match self.start_up_spread() {
            Some(spread) => libm::exp(spread * FARTHEST),
            None => 1.0 + self.start_up_jitter,
        };
        self.start_up.as_secs_f64() * longest
    }

    /// The standard deviation of the logarithm of a start-up, where it is log-normal.
    pub(super) fn start_up_spread(&self) -> Option<f64> {
        const AT_P95: f64 = 1.644_853_626_951_472_2; // of the standard normal
        let ratio = |p95: Duration| p95.as_secs_f64() / self.start_up.as_secs_f64();
        self.start_up_p95.map(|p95| libm::log(ratio(p95)) / AT_P95)
    }

    /// The load one replica can carry on this trace, in the load's unit: what is set, or derived
    /// from the peak of the scored part.
    ///
    /// # Errors
    /// If the settings or the trace are refused, or the scored part has no load at all.
    pub fn capacity_on(&self, trace: &Trace) -> Result<f64, Error> {
        self.check()?;
        trace.check()?;
        if let Some(load) = self.load_per_replica {
            return Ok(load);
        }
        let (start, end) = self.scored_part(trace);
        let (mut peak, mut at) = (0.0, start);
        while at < end {
            peak = f64::max(peak, trace.load(at));
            at = at + trace.step;
        }
        if peak > 0.0 {
            Ok(peak / (f64::from(self.peak_replicas) * self.target_utilization))
        } else {
            let message = "has no load in its scored part, so `load_per_replica` must be given";
            Err(Error::trace("trace", message))
        }
    }

    /// Start and end of the part of the trace that is scored, on whole steps of the trace.
    #[must_use]
    pub fn scored_part(&self, trace: &Trace) -> (Timestamp, Timestamp) {
        let n_steps = trace.values.len();
        let n_scored = self.scored.steps(trace.step).min(n_steps / 3).max(1);
        (trace.start + trace.step.times((n_steps - n_scored.min(n_steps)) as i64), trace.end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mistake_is_named_with_its_place() {
        let cases = [
            (
                r#"{"start_upp": "3m"}"#,
                "`start_upp` is not a known setting; did you mean `start_up`? (known: ",
            ),
            (r#"{"seed": "abc"}"#, "`seed` is text \"abc\", must be a whole number from 0 up"),
            (r#"{"start_up": -180}"#, "`start_up` is -180 seconds, must be from 0"),
            ("[1]", "the settings must be a mapping"),
            ("{", "the settings are not JSON: "),
        ];
        for (text, want) in cases {
            let error = Settings::from_text(text).unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::Config);
            let message = error.to_string();
            assert!(message.starts_with(want) && !message.contains('\n'), "{text}: {message}");
        }
    }
}
