//! A server of a large language model, whose requests share each step.

use serde::{Deserialize, Serialize};

use super::{Span, Verdict};
use crate::Error;
use crate::time::Duration;

/// A server of a language model that batches at each iteration: every step makes one token for each
/// request in the batch, and new ones join as others leave (Orca, Yu et al. 2022). More requests in
/// the batch make more tokens a second, each of them slower; a moment is in violation where a token
/// takes longer than the objective, or requests wait for a place in the batch for longer than
/// `late_after`.
///
/// A step takes a time that grows on a straight line with the batch, `base + per_request * b`, and
/// the prompts that came are read meanwhile. In the mean over the requests (Little's law) that makes
/// `base / (1 - used)` of it, with the share of the largest throughput that is used; it is the model of
/// the llm-d workload variant autoscaler (Malvankar et al. 2026). How far the batch may grow is the
/// memory for keys and values (PagedAttention, Kwon et al. 2023): each request keeps its prompt and its
/// answer in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct BatchServer {
    /// Tokens of a request's prompt on average, from 0 up. Default 512.
    pub input_tokens: f64,
    /// Tokens of its answer on average, from 1 up. Default 128.
    pub output_tokens: f64,
    /// Seconds of a step without any request, above 0. Default 0.015.
    pub base_seconds: f64,
    /// Seconds that each request adds to a step, from 0 up. Default 0.0002.
    pub request_seconds: f64,
    /// Seconds that reading a token of a prompt takes, from 0 up. Default 0.00003.
    pub input_token_seconds: f64,
    /// The tokens that a replica's memory holds, prompts and answers. Default 100000.
    pub kv_cache_tokens: f64,
    /// Requests in a batch at most, from 1 up. Default 256.
    pub max_batch: u32,
    /// The time between two tokens of an answer to keep to; longer than where one request is alone.
    /// Default 50ms: faster than people read.
    pub objective: Duration,
}

impl Default for BatchServer {
    fn default() -> Self {
        Self {
            input_tokens: 512.0,
            output_tokens: 128.0,
            base_seconds: 0.015,
            request_seconds: 0.0002,
            input_token_seconds: 0.00003,
            kv_cache_tokens: 100_000.0,
            max_batch: 256,
            objective: Duration::from_millis(50),
        }
    }
}

impl BatchServer {
    pub(super) fn check(&self) -> Result<(), Error> {
        let numbers = [
            ("input_tokens", self.input_tokens, 0.0),
            ("output_tokens", self.output_tokens, 1.0),
            ("request_seconds", self.request_seconds, 0.0),
            ("input_token_seconds", self.input_token_seconds, 0.0),
        ];
        for (field, number, least) in numbers {
            if !(number.is_finite() && number >= least) {
                let message = format!("is {number}, must be a finite number from {least} up");
                return Err(Error::config(field, message));
            }
        }
        if !(self.base_seconds.is_finite() && self.base_seconds > 0.0) {
            let message = format!("is {}, must be above 0", self.base_seconds);
            return Err(Error::config("base_seconds", message));
        }
        if self.max_batch == 0 {
            return Err(Error::config("max_batch", "is 0, must be at least 1"));
        }
        let one = self.input_tokens + self.output_tokens;
        if !(self.kv_cache_tokens.is_finite() && self.kv_cache_tokens >= one) {
            let message = format!(
                "is {}, must be at least the {one} tokens of one request",
                self.kv_cache_tokens
            );
            return Err(Error::config("kv_cache_tokens", message));
        }
        let alone = self.step(1.0);
        if self.objective.as_secs_f64() < alone {
            let message = format!(
                "is {}, must be at least the {alone:.4} s of a request alone",
                self.objective
            );
            return Err(Error::config("objective", message));
        }
        Ok(())
    }

    pub(super) fn verdict(&self, span: &Span) -> Verdict {
        let batch = self.batch(span.utilization().unwrap_or(0.0));
        let is_slow = self.step(batch) > self.objective.as_secs_f64() * (1.0 + 1e-6);
        let late = if is_slow { span.flow.served } else { span.flow.late };
        Verdict {
            late,
            violated: late + span.flow.dropped > span.rounding(),
            utilization: span.utilization().map(|_| batch / self.most()),
        }
    }

    /// The time between two tokens, in seconds, at a share of the largest throughput.
    pub(super) fn latency(&self, used: f64) -> f64 {
        self.step(self.batch(used))
    }

    /// The share of its largest throughput up to which a replica keeps to the objective.
    pub(super) fn usable(&self) -> f64 {
        let objective = self.objective.as_secs_f64();
        let slope = self.slope();
        let most = self.most();
        let batch =
            if slope > 0.0 { ((objective - self.base_seconds) / slope).min(most) } else { most };
        self.throughput(batch) / self.throughput(most)
    }

    /// Seconds that each request in the batch adds to a step, its share of the prompts included.
    fn slope(&self) -> f64 {
        self.request_seconds + self.input_token_seconds * self.input_tokens / self.output_tokens
    }

    /// Seconds of a step of a batch.
    fn step(&self, batch: f64) -> f64 {
        self.base_seconds + self.slope() * batch
    }

    /// Requests a second of a batch.
    fn throughput(&self, batch: f64) -> f64 {
        batch / (self.output_tokens * self.step(batch))
    }

    /// The largest batch.
    fn most(&self) -> f64 {
        let fit = self.kv_cache_tokens / (self.input_tokens + self.output_tokens);
        fit.floor().min(f64::from(self.max_batch)).max(1.0)
    }

    /// The batch at which a share of the largest throughput is reached.
    fn batch(&self, used: f64) -> f64 {
        // Little's law: batch = requests a second * output_tokens * step(batch).
        let tokens = used * self.throughput(self.most()) * self.output_tokens;
        (tokens * self.base_seconds / (1.0 - tokens * self.slope()).max(1e-12)).min(self.most())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_batch_grows_faster_than_the_load_up_to_the_memory() {
        let server = BatchServer::default();
        // 100000 / 640 = 156 requests fit.
        assert_eq!(server.most(), 156.0);
        assert!((server.batch(1.0) - 156.0).abs() < 1e-9 && server.batch(0.0) == 0.0);
        let half = server.batch(0.5);
        assert!(half < 78.0 && half > 10.0, "{half}");
        // What goes in comes out: throughput of the batch is the load.
        let load = 0.5 * server.throughput(156.0);
        assert!((server.throughput(half) / load - 1.0).abs() < 1e-12);
        // 15 ms and 0.32 ms a request: 109.375 requests at 50 ms.
        let usable = server.usable();
        assert!((server.batch(usable) - 109.375).abs() < 1e-9);
        assert!((server.latency(usable) - 0.05).abs() < 1e-12);
        // The form of the queueing model: base / (1 - used), used in terms of no end of memory.
        let used = 0.5 * server.throughput(156.0) * 128.0 * server.slope();
        assert!((server.latency(0.5) - 0.015 / (1.0 - used)).abs() < 1e-12);
    }

    #[test]
    fn steps_that_no_request_makes_longer_are_no_division_by_zero() {
        let server = BatchServer {
            request_seconds: 0.0,
            input_token_seconds: 0.0,
            ..BatchServer::default()
        };
        assert_eq!(server.usable(), 1.0);
        assert!((server.batch(0.5) - 78.0).abs() < 1e-9);
    }
}
