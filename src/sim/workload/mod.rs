//! What carries the load, and when it is too slow: a fluid queue, servers to an objective, a batch
//! server of a language model.
//!
//! In: the load and the replicas of a span, and what the queue made of it. Out: what of it was late,
//! whether that is a violation, what the metrics show. Knows no policy.

mod batch;
mod erlang;
mod servers;

use serde::{Deserialize, Serialize};

use super::queue::Flow;
use crate::Error;
use crate::time::Duration;

pub use batch::BatchServer;
pub use servers::Servers;

/// What carries the load; `kind` names it.
///
/// Load that cannot be carried waits its turn in all of them. They differ in what is slow before.
/// The load's unit is the trace's own in all of them: a replica that carries `load_per_replica` is
/// one that is fully used.
///
/// ```
/// use forescale::sim::{Settings, Workload};
///
/// let settings = Settings::from_text(r#"{"workload": {"kind": "servers", "objective": "400ms"}}"#)?;
/// assert!(matches!(settings.workload, Workload::Servers(_)));
/// let error = Settings::from_text(r#"{"workload": {"kind": "servers", "objective": "90ms"}}"#);
/// assert_eq!(
///     error.unwrap_err().to_string(),
///     "`workload.objective` is 90ms, must be above the 0.300 s that requests take at quantile 0.95 where none waits"
/// );
/// # Ok::<(), forescale::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Workload {
    /// Load flows and is served at once as long as there is room, so that only what waits for longer
    /// than `late_after` is late. The utilization is the share of the capacity that is used; the
    /// latency is the wait in seconds.
    #[default]
    FluidQueue,
    /// Requests that come at random, served one by one. The utilization is the share of the servers
    /// that are busy; the latency is the response time at the quantile, in seconds.
    Servers(Servers),
    /// A language model that batches its requests. The utilization is the share of the largest batch;
    /// the latency is the time between two tokens in seconds.
    BatchServer(BatchServer),
}

/// A span as the queue left it; loads in the load's unit, the queue in load times seconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) load: f64,
    pub(super) capacity: f64,
    pub(super) seconds: f64,
    pub(super) load_per_replica: f64,
    pub(super) flow: Flow,
}

/// What became of a span.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Verdict {
    /// Load served late, times seconds.
    pub(super) late: f64,
    pub(super) violated: bool,
    pub(super) utilization: Option<f64>,
}

/// Load smaller than this share of what came in a tick, or of what one replica could have carried in
/// it, is rounding, not a violation.
const ROUNDING: f64 = 1e-9;

impl Span {
    fn rounding(&self) -> f64 {
        ROUNDING * (self.load * self.seconds).max(self.load_per_replica * self.seconds)
    }

    fn utilization(&self) -> Option<f64> {
        (self.capacity > 0.0).then(|| (self.flow.served / (self.capacity * self.seconds)).min(1.0))
    }
}

impl Workload {
    /// Refuses what is out of its range.
    pub(super) fn check(&self, timeout: Duration) -> Result<(), Error> {
        match self {
            Self::FluidQueue => Ok(()),
            Self::BatchServer(server) => server.check(),
            Self::Servers(servers) => {
                servers.check()?;
                if timeout < servers.objective {
                    let message = format!(
                        "is {}, must be at most the `timeout` of {timeout}",
                        servers.objective
                    );
                    return Err(Error::config("objective", message));
                }
                Ok(())
            }
        }
    }

    /// How long load may wait before it is late; `set` is what the settings say.
    pub(super) fn late_after(&self, set: Duration) -> Duration {
        match self {
            Self::Servers(servers) => servers.objective,
            Self::FluidQueue | Self::BatchServer(_) => set,
        }
    }

    pub(super) fn verdict(&self, span: &Span) -> Verdict {
        match self {
            Self::FluidQueue => Verdict {
                late: span.flow.late,
                violated: span.flow.late + span.flow.dropped > span.rounding(),
                utilization: span.utilization(),
            },
            Self::Servers(servers) => servers.verdict(span),
            Self::BatchServer(server) => server.verdict(span),
        }
    }

    /// The latency that is shown, in seconds, at most the `timeout`; `None` where nothing serves. The
    /// load, the capacity and what waits are those of one span.
    pub(super) fn latency(
        &self,
        load: f64,
        capacity: f64,
        waiting: f64,
        load_per_replica: f64,
        timeout: f64,
    ) -> Option<f64> {
        if capacity <= 0.0 {
            return None;
        }
        let wait = waiting / capacity;
        let seconds = match self {
            Self::FluidQueue => wait,
            Self::Servers(servers) => servers
                .latency(load / load_per_replica, capacity / load_per_replica)
                .map_or(timeout, |time| time + wait),
            Self::BatchServer(server) => server.latency((load / capacity).min(1.0)),
        };
        Some(seconds.min(timeout))
    }

    /// The fewest replicas with which nothing is in violation at a level load, given in replicas that
    /// it would use fully; found from a `hint` on.
    pub(super) fn need(&self, load: f64, hint: u32) -> u32 {
        // A hair above a whole number is rounding.
        let whole = |replicas: f64| (replicas - ROUNDING).ceil().max(0.0) as u32;
        match self {
            Self::FluidQueue => whole(load),
            Self::Servers(servers) => servers.need(load, hint),
            Self::BatchServer(server) => whole(load / server.usable()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(load: f64, replicas: f64) -> Span {
        let seconds = 15.0;
        let served = load.min(10.0 * replicas) * seconds;
        let flow = Flow { served, late: 0.0, dropped: 0.0 };
        Span { load, capacity: 10.0 * replicas, seconds, load_per_replica: 10.0, flow }
    }

    /// What rounding left in the queue gives up while nothing comes and nothing is ready.
    #[test]
    fn a_crumb_of_load_is_no_violation() {
        for workload in [Workload::FluidQueue, Workload::Servers(Servers::default())] {
            let flow = Flow { served: 0.0, late: 0.0, dropped: 1e-12 };
            let span = Span { load: 0.0, capacity: 0.0, flow, ..span(0.0, 0.0) };
            assert!(!workload.verdict(&span).violated);
        }
    }

    /// What is needed is in no violation, and one replica fewer is.
    #[test]
    fn as_many_as_needed_are_enough_and_one_fewer_is_not() {
        let kinds = [
            r#"{"kind": "servers"}"#,
            r#"{"kind": "servers", "concurrency": 8, "quantile": 0.99}"#,
            r#"{"kind": "batch_server"}"#,
        ];
        for text in kinds {
            let workload: Workload = serde_json::from_str(text).unwrap();
            let mut hint = 0;
            for load in [0.5, 9.0, 10.0, 95.0, 700.0, 12_345.0, 30.0] {
                let need = workload.need(load / 10.0, hint);
                assert!(!workload.verdict(&span(load, f64::from(need))).violated, "{text} {load}");
                let fewer = span(load, f64::from(need - 1));
                let overloaded = fewer.capacity < load;
                assert!(overloaded || workload.verdict(&fewer).violated, "{text} {load} {need}");
                assert_eq!(need, workload.need(load / 10.0, 0), "the hint has no say");
                hint = need;
            }
            assert_eq!(workload.need(0.0, 7), 0);
        }
    }

    /// Many replicas share better: at the same objective they may be busier.
    #[test]
    fn a_large_pool_of_servers_needs_less_reserve() {
        let workload = Workload::Servers(Servers::default());
        let reserve = |load: f64| f64::from(workload.need(load, 0)) / load;
        assert!(reserve(1.0) > 1.9 && reserve(1000.0) < 1.05);
        let latency = |load| workload.latency(load, 20.0, 0.0, 10.0, 30.0).unwrap();
        assert!(latency(0.0) > 0.29 && latency(10.0) > latency(1.0) && latency(19.0) < 30.0);
        assert_eq!(latency(25.0), 30.0); // without end, but nobody waits longer
    }

    #[test]
    fn each_mistake_is_named_with_its_place() {
        let refused = |text: &str| {
            let settings = format!(r#"{{"workload": {text}}}"#);
            super::super::Settings::from_text(&settings).unwrap_err().to_string()
        };
        let cases = [
            (r#"{"kind": "servers", "concurrency": 0}"#, "`workload.concurrency` is 0, must be in"),
            (
                r#"{"kind": "servers", "quantile": 95}"#,
                "`workload.quantile` is 95, must be in (0, 1)",
            ),
            (
                r#"{"kind": "servers", "objective": "60s"}"#,
                "`workload.objective` is 1m, must be at most",
            ),
            (r#"{"kind": "batch_server", "max_batch": 0}"#, "`workload.max_batch` is 0"),
            (
                r#"{"kind": "batch_server", "kv_cache_tokens": 600}"#,
                "`workload.kv_cache_tokens` is 600, must be at least the 640 tokens of one request",
            ),
            (
                r#"{"kind": "batch_server", "objective": "10ms"}"#,
                "`workload.objective` is 10ms, must be at least the 0.0153 s of a request alone",
            ),
        ];
        for (text, want) in cases {
            let message = refused(text);
            assert!(message.starts_with(want), "{text}: {message}");
        }
        assert!(refused(r#"{"kind": "server"}"#).contains("server"));
    }
}
