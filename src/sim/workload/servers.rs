//! A pool of servers whose requests must be answered within an objective.

use serde::{Deserialize, Serialize};

use super::{Span, Verdict, erlang};
use crate::Error;
use crate::time::Duration;

/// Servers that share one line of requests (M/M/c): a moment is in violation where more requests
/// than the `quantile` leaves take longer than the objective. Serves as a web or RPC service behind a
/// balancer that sends each request to a replica that is free.
///
/// Each interval is taken as settled at its mean load (the pointwise stationary approximation, Green
/// and Kolesar 1991), which fits where service times are far shorter than an interval; load beyond
/// what can be carried waits as in the fluid queue, and then all of it is slow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Servers {
    /// The mean time of a request that does not wait, above 0. Default 100ms.
    pub service_time: Duration,
    /// Requests that one replica serves at a time, in [1, 10000]. Default 1. A replica that carries
    /// `load_per_replica` is one whose servers are all busy.
    pub concurrency: u32,
    /// The response time to keep to; longer than that quantile of the service time alone. Default
    /// 500ms.
    pub objective: Duration,
    /// The share of the requests that must keep to it, in (0, 1). Default 0.95.
    pub quantile: f64,
}

impl Default for Servers {
    fn default() -> Self {
        Self {
            service_time: Duration::from_millis(100),
            concurrency: 1,
            objective: Duration::from_millis(500),
            quantile: 0.95,
        }
    }
}

impl Servers {
    pub(super) fn check(&self) -> Result<(), Error> {
        let refuse = |field: &str, message: String| Err(Error::config(field, message));
        if self.service_time.is_zero() {
            return refuse("service_time", "is 0s, must be above 0".into());
        }
        if !(1..=10_000).contains(&self.concurrency) {
            return refuse(
                "concurrency",
                format!("is {}, must be in [1, 10000]", self.concurrency),
            );
        }
        if !(self.quantile > 0.0 && self.quantile < 1.0) {
            return refuse("quantile", format!("is {}, must be in (0, 1)", self.quantile));
        }
        // The service is exponential, so its quantile is known.
        let least = -libm::log(1.0 - self.quantile) * self.service_time.as_secs_f64();
        if self.objective.as_secs_f64() <= least {
            let (objective, quantile) = (self.objective, self.quantile);
            let message = format!(
                "is {objective}, must be above the {least:.3} s that requests take at quantile {quantile} where none waits"
            );
            return refuse("objective", message);
        }
        Ok(())
    }

    pub(super) fn verdict(&self, span: &Span) -> Verdict {
        let servers = self.servers(span.capacity / span.load_per_replica);
        let slow = self.slow(servers, self.busy(span.load / span.load_per_replica));
        let late = span.flow.late.max(slow * span.flow.served).min(span.flow.served);
        let gone = span.flow.served + span.flow.dropped;
        let missed = late + span.flow.dropped;
        Verdict {
            late,
            violated: missed > (1.0 - self.quantile) * gone && missed > span.rounding(),
            utilization: span.utilization(),
        }
    }

    /// The quantile of the response time in seconds; `None` where there is none, as no more is carried
    /// than comes.
    pub(super) fn latency(&self, load: f64, replicas: f64) -> Option<f64> {
        let (servers, busy) = (self.servers(replicas), self.busy(load));
        (busy < f64::from(servers)).then(|| {
            erlang::time_at(self.quantile, servers, busy) * self.service_time.as_secs_f64()
        })
    }

    /// The fewest replicas that keep to the objective under a load, in replicas that it keeps busy;
    /// found from a `hint` on.
    pub(super) fn need(&self, load: f64, hint: u32) -> u32 {
        if load <= 0.0 {
            return 0;
        }
        let keeps = |replicas: u32| {
            self.slow(self.servers(f64::from(replicas)), self.busy(load)) <= 1.0 - self.quantile
        };
        let (mut low, mut high) = (load.floor() as u32, hint.max(load.ceil() as u32).max(1));
        let mut step = 1;
        if keeps(high) {
            // Down to one that does not.
            while high - low > step && keeps(high - step) {
                high -= step;
                step *= 2;
            }
            low = low.max(high.saturating_sub(step));
        } else {
            while !keeps(high) {
                low = high;
                high = high.saturating_add(step);
                step *= 2;
            }
        }
        // `low` does not keep to it, `high` does.
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if keeps(middle) { high = middle } else { low = middle }
        }
        high
    }

    /// Whole servers; those of a replica that is not there yet serve nobody.
    fn servers(&self, replicas: f64) -> u32 {
        (replicas * f64::from(self.concurrency) + 1e-9) as u32
    }

    /// The servers that a load keeps busy.
    fn busy(&self, load: f64) -> f64 {
        load * f64::from(self.concurrency)
    }

    /// The share of requests that take too long.
    fn slow(&self, servers: u32, busy: f64) -> f64 {
        if busy >= f64::from(servers) {
            return if busy > 0.0 { 1.0 } else { 0.0 };
        }
        let objective = self.objective.as_secs_f64() / self.service_time.as_secs_f64();
        erlang::slower_than(objective, servers, busy)
    }
}
