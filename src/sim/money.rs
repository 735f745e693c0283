//! What replicas cost in money.
//!
//! In: when each replica began and ended. Out: what it is billed for. Knows no policy.

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::time::{Duration, Timestamp};

/// What a replica costs, and how its time is rounded on the bill.
///
/// ```
/// use forescale::sim::{Price, Settings};
/// use forescale::Duration;
///
/// // By the second, at least a minute, as virtual machines of the large clouds.
/// let text = r#"{"price": {"per_hour": 0.12, "minimum": "1m"}}"#;
/// let price = Settings::from_text(text)?.price.expect("it is given");
/// let cost = |seconds| price.of(Duration::from_secs(seconds));
/// assert_eq!(cost(10), cost(60));
/// assert!((cost(90) - 0.12 * 90.0 / 3600.0).abs() < 1e-12);
///
/// // Each hour that has begun.
/// let hourly = Price { increment: Duration::from_secs(3600), ..price };
/// assert!((hourly.of(Duration::from_secs(3601)) - 0.24).abs() < 1e-12);
/// # Ok::<(), forescale::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// For an hour of one replica, from 0 up, in a currency of the host's.
    pub per_hour: f64,
    /// A replica's time is rounded up to a multiple of this, above 0. Default 1s; `1h` for each hour
    /// that has begun.
    #[serde(default = "second")]
    pub increment: Duration,
    /// A replica is billed for at least so long. Default 0s; `1m` for many clouds.
    #[serde(default)]
    pub minimum: Duration,
}

fn second() -> Duration {
    Duration::from_secs(1)
}

impl Price {
    /// What one replica costs that was there for `span`.
    #[must_use]
    pub fn of(&self, span: Duration) -> f64 {
        self.per_hour * self.billed(span) / 3600.0
    }

    /// Seconds on the bill.
    fn billed(&self, span: Duration) -> f64 {
        let (millis, unit) =
            (span.max(self.minimum).as_millis(), self.increment.as_millis().max(1));
        let n_units = millis / unit + i64::from(millis % unit != 0);
        n_units as f64 * (unit as f64 / 1000.0)
    }

    /// Refuses what is out of its range.
    pub(super) fn check(&self) -> Result<(), Error> {
        if !(self.per_hour.is_finite() && self.per_hour >= 0.0) {
            let message = format!("is {}, must be a finite number from 0 up", self.per_hour);
            return Err(Error::config("per_hour", message));
        }
        if self.increment.is_zero() {
            return Err(Error::config("increment", "is 0s, must be above 0"));
        }
        Ok(())
    }
}

/// Adds up the bills of the replicas that come and go; the youngest goes first.
#[derive(Clone, Debug)]
pub(super) struct Meter {
    price: Price,
    /// When those that are there began, the oldest first.
    since: Vec<Timestamp>,
    billed: f64,
}

impl Meter {
    pub(super) fn new(price: Price, replicas: u32, at: Timestamp) -> Self {
        Self { price, since: vec![at; replicas as usize], billed: 0.0 }
    }

    pub(super) fn begins(&mut self, at: Timestamp) {
        self.since.push(at);
    }

    pub(super) fn end(&mut self, n_replicas: u32, at: Timestamp) {
        for _ in 0..n_replicas {
            let since = self.since.pop().expect("only what has begun ends");
            self.billed += self.price.billed(at.since(since));
        }
    }

    /// What has been billed, and those still there as if they ended `now`.
    pub(super) fn cost(&self, now: Timestamp) -> f64 {
        let left = self.since.iter().map(|&since| self.price.billed(now.since(since)));
        self.price.per_hour * (self.billed + left.sum::<f64>()) / 3600.0
    }
}
