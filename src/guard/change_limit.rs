//! So much at once and no more: a share of the present size.
//!
//! In: the current and the proposed replicas. Out: the proposed ones, or as many as one decision
//! may reach. Remembers nothing, so a decision twice as often is a limit twice as high; where that
//! matters, limit the rate.
//!
//! The arithmetic is that of the Datadog watermark autoscaler (WPA): at least one replica, the share
//! rounded down, and 0 switches the direction off.

use serde::{Deserialize, Serialize};

use super::Guard;
use crate::Error;
use crate::explain::{Reason, codes};
use crate::time::Timestamp;

/// Limits each single change to a share of the current replicas.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct ChangeLimit {
    settings: Config,
}

impl ChangeLimit {
    /// From its settings.
    ///
    /// # Errors
    /// If a setting is out of its range.
    pub fn new(settings: Config) -> Result<Self, Error> {
        let Config { scale_up, scale_down } = settings;
        if !(scale_up.is_finite() && scale_up >= 0.0) {
            return Err(Error::config("scale_up", format!("is {scale_up}, must be from 0 up")));
        }
        if !(0.0..=1.0).contains(&scale_down) {
            return Err(Error::config("scale_down", format!("is {scale_down}, must be in [0, 1]")));
        }
        Ok(Self { settings })
    }
}

impl Guard for ChangeLimit {
    fn hold(&mut self, _: Timestamp, current: u32, proposed: u32) -> (u32, Option<Reason>) {
        let Config { scale_up, scale_down } = self.settings;
        let (reached, code) = if proposed > current {
            let highest = count(scale_up_limit(current, percent(scale_up)));
            (proposed.min(highest), codes::SCALE_UP_LIMIT)
        } else {
            let lowest = count(scale_down_limit(current, percent(scale_down)));
            (proposed.max(lowest), codes::SCALE_DOWN_LIMIT)
        };
        let limited = reached != proposed;
        (reached, limited.then(|| Reason::new(code, [("limit", f64::from(reached))])))
    }
}

/// The most replicas that one decision may reach: `current + max(1, floor(percent * current / 100))`,
/// or `current` for a limit of 0, which switches growth off.
///
/// ```
/// use forescale::guard::change_limit::scale_up_limit;
///
/// assert_eq!(scale_up_limit(423, 30.0), 549);
/// assert_eq!(scale_up_limit(2, 10.0), 3); // at least one
/// assert_eq!(scale_up_limit(423, 0.0), 423);
/// ```
#[must_use]
pub fn scale_up_limit(current: u32, percent: f64) -> i64 {
    i64::from(current).saturating_add(most_at_once(current, percent))
}

/// The fewest replicas that one decision may reach, as [`scale_up_limit`] with a minus; below 0
/// where the share is more than there is.
///
/// ```
/// use forescale::guard::change_limit::scale_down_limit;
///
/// assert_eq!(scale_down_limit(423, 30.0), 297);
/// assert_eq!(scale_down_limit(423, 0.0), 423);
/// ```
#[must_use]
pub fn scale_down_limit(current: u32, percent: f64) -> i64 {
    i64::from(current).saturating_sub(most_at_once(current, percent))
}

fn most_at_once(current: u32, percent: f64) -> i64 {
    if percent == 0.0 {
        return 0;
    }
    ((percent * f64::from(current) / 100.0).floor() as i64).max(1)
}

/// Everything that bounds a size at once, as the WPA does it: limits of change and of size in one.
///
/// An autoscaler here has the two apart, as guards and limits; this is for hosts that must come out
/// where the WPA does, and for those who compare.
///
/// ```
/// use forescale::guard::change_limit::{Bound, Bounds};
///
/// let bounds = Bounds { min_replicas: 3, max_replicas: 60, scale_up: 20.0, scale_down: 0.0 };
/// assert_eq!(bounds.normalize(50, 80, 50), (60, Bound::ScaleUpLimit));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// The lower limit; 0 acts as 1 and switches the limit of shrinking off.
    pub min_replicas: u32,
    /// The upper limit.
    pub max_replicas: u32,
    /// Growth at once, in percent of the current replicas.
    pub scale_up: f64,
    /// Shrinking at once, in percent of the current replicas.
    pub scale_down: f64,
}

/// What bounded a size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bound {
    /// Nothing.
    Within,
    /// At least one replica, where the lower limit is 0; the WPA has no name for it.
    One,
    /// Shrinking at once.
    ScaleDownLimit,
    /// The lower limit.
    TooFewReplicas,
    /// Growth at once.
    ScaleUpLimit,
    /// The upper limit.
    TooManyReplicas,
}

impl Bound {
    /// The WPA's name for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Within => "DesiredWithinRange",
            Self::One => "",
            Self::ScaleDownLimit => "ScaleDownLimit",
            Self::TooFewReplicas => "TooFewReplicas",
            Self::ScaleUpLimit => "ScaleUpLimit",
            Self::TooManyReplicas => "TooManyReplicas",
        }
    }
}

impl Bounds {
    /// The size within the bounds, and the bound it came up against. The floor is checked first, so
    /// it wins where it lies above the cap.
    #[must_use]
    pub fn normalize(&self, current: u32, desired: u32, ready: u32) -> (u32, Bound) {
        let lowest = count(scale_down_limit(current, self.scale_down));
        let (floor, bound) = if self.min_replicas == 0 {
            (1, Bound::One)
        } else if desired < lowest {
            let floor = lowest.max(self.min_replicas);
            // With fewer ready than would be left, some may never have come up: take none away.
            let floor = if 0 < ready && ready < floor { current } else { floor };
            (floor, Bound::ScaleDownLimit)
        } else {
            (self.min_replicas, Bound::TooFewReplicas)
        };
        if desired < floor {
            return (floor, bound);
        }

        let highest = count(scale_up_limit(current, self.scale_up));
        let (cap, bound) = if desired > highest {
            (highest.min(self.max_replicas), Bound::ScaleUpLimit)
        } else {
            (self.max_replicas, Bound::TooManyReplicas)
        };
        if desired > cap { (cap, bound) } else { (desired, Bound::Within) }
    }
}

/// A ratio as percent, to the thousandth: 0.29 * 100.0 is a little less than 29.
fn percent(ratio: f64) -> f64 {
    (ratio * 100_000.0).round() / 1000.0
}

fn count(replicas: i64) -> u32 {
    u32::try_from(replicas.max(0)).unwrap_or(u32::MAX)
}

/// What a snapshot holds, before it is trusted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    settings: Config,
}

impl TryFrom<Stored> for ChangeLimit {
    type Error = Error;

    fn try_from(stored: Stored) -> Result<Self, Error> {
        Self::new(stored.settings)
    }
}

/// Settings of [`ChangeLimit`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Growth at once, as a ratio of the current replicas from 0 up; at least one replica, and 0
    /// switches growth off. Default: 0.5, as the WPA's `scaleUpLimitFactor`.
    pub scale_up: f64,
    /// Shrinking at once, as a ratio of the current replicas in [0, 1]; at least one replica, and 0
    /// switches shrinking off. Default: 0.2, as the WPA's `scaleDownLimitFactor`.
    pub scale_down: f64,
}

impl Default for Config {
    fn default() -> Self {
        // Up faster than down: too few replicas cost more than too many.
        Self { scale_up: 0.5, scale_down: 0.2 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hold(scale_up: f64, scale_down: f64, current: u32, proposed: u32) -> (u32, Option<Reason>) {
        let mut guard = ChangeLimit::new(Config { scale_up, scale_down }).expect("in range");
        guard.hold(Timestamp::default(), current, proposed)
    }

    #[test]
    fn each_change_is_cut_to_its_share() {
        //       up    down  current  proposed  reached
        for (up, down, current, proposed, want) in [
            (0.5, 0.2, 10, 40, 15),
            (0.5, 0.2, 10, 14, 14),
            (0.5, 0.2, 10, 1, 8),
            (0.5, 0.2, 3, 1, 2),
            (0.5, 0.2, 0, 9, 1),
            (0.29, 0.2, 100, 200, 129),
            (0.0, 0.0, 10, 40, 10),
            (0.0, 0.0, 10, 4, 10),
            (1e300, 1.0, 10, 4_000_000_000, 4_000_000_000),
            (0.5, 1.0, 10, 0, 0),
        ] {
            let (reached, reason) = hold(up, down, current, proposed);
            assert_eq!(reached, want, "from {current} to {proposed}");
            assert_eq!(reason.is_some(), reached != proposed);
        }
        let (_, reason) = hold(0.5, 0.2, 10, 40);
        assert_eq!(reason.and_then(|reason| reason.fact("limit")), Some(15.0));
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        for (scale_up, scale_down) in [(-0.1, 0.2), (f64::NAN, 0.2), (0.5, 1.1), (0.5, -0.1)] {
            assert!(ChangeLimit::new(Config { scale_up, scale_down }).is_err());
        }
    }

    #[test]
    fn too_few_ready_are_not_taken_from() {
        let bounds = Bounds { min_replicas: 3, max_replicas: 60, scale_up: 15.0, scale_down: 15.0 };
        for (ready, want) in [(0, 43), (42, 50), (43, 43), (50, 43)] {
            assert_eq!(bounds.normalize(50, 10, ready), (want, Bound::ScaleDownLimit), "{ready}");
        }
    }
}
