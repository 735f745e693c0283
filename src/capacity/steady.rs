//! Whether the replicas have been the same for a while.

use serde::{Deserialize, Serialize};

use crate::time::{Duration, Timestamp};

/// The number of ready replicas, and since when it is about the same.
///
/// A load and a utilization are the means of a while that has passed, and a replica that has just
/// got ready warms up; both make the load per replica wrong after the number has changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Steady {
    since: Option<(Timestamp, u32)>,
}

impl Steady {
    /// About the same: so small a change moves the load per replica less than its noise.
    const ABOUT: f64 = 0.05;

    /// Takes in the number; true if it has been about the same for `settle`.
    pub(super) fn see(&mut self, at: Timestamp, ready: u32, settle: Duration) -> bool {
        match self.since {
            // Of a clock that was set back it starts anew.
            Some((since, n))
                if since <= at && f64::from(n.abs_diff(ready)) <= Self::ABOUT * f64::from(n) =>
            {
                at.since(since) >= settle
            }
            first => {
                self.since = Some((at, ready));
                first.is_some() && settle.is_zero()
            }
        }
    }
}
