//! Whether a recommendation is worth disturbing a running container for.
//!
//! In: a recommendation, what the container requests, how long it runs. Out: yes or no, and why.
//! Restarts nothing; the rule is that of the VPA's updater for a pod of one container.

use serde::{Deserialize, Serialize};

use super::amount::Amounts;
use super::recommendation::{Estimate, Recommendation};
use crate::config::read;
use crate::error::Error;
use crate::explain::{Reason, codes};
use crate::time::Duration;

/// When a running container is to be resized; the defaults are those of the VPA's updater.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct UpdateRule {
    /// Within its bounds a container is left alone until it has run for so long. Default: 12 h, as
    /// the VPA's `in-recommendation-bounds-eviction-lifetime-threshold`.
    pub settled_after: Duration,
    /// Within its bounds a container is left alone unless the relative differences of its resources
    /// add up to this; from 0 up. Default: 0.1, as the VPA's `pod-update-threshold`.
    pub min_difference: f64,
    /// Running out of memory so soon after the start asks for an update at once. Default: 10 min,
    /// as the VPA's `evict-after-oom-threshold`.
    pub quick_oom: Duration,
}

impl Default for UpdateRule {
    fn default() -> Self {
        // As the VPA's updater.
        Self {
            settled_after: Duration::from_secs(43_200),
            min_difference: 0.1,
            quick_oom: Duration::from_secs(600),
        }
    }
}

/// What runs now.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Running {
    /// What it requests; `None` counts as 0, and as out of bounds.
    pub requested: Amounts,
    /// How long it has been running.
    pub age: Duration,
    /// How long it ran before it last ran out of memory; `None` if it did not.
    pub ran_out_of_memory_after: Option<Duration>,
}

/// Whether to resize, and in which order among others: growers first, then by the difference.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Update {
    /// Whether to resize now.
    pub needed: bool,
    /// Whether some resource is to grow.
    pub grows: bool,
    /// The relative differences between request and target, added up over the resources.
    pub difference: f64,
    /// Why.
    pub reason: Reason,
}

impl UpdateRule {
    /// Reads a rule: JSON, or YAML with the feature `yaml`.
    ///
    /// ```
    /// use forescale::size::UpdateRule;
    ///
    /// let rule = UpdateRule::from_text(r#"{"settled_after": "6h"}"#)?;
    /// assert_eq!(rule.min_difference, 0.1);
    /// let error = UpdateRule::from_text(r#"{"min_difference": -1}"#).unwrap_err();
    /// assert_eq!(error.to_string(), "`min_difference` is -1, must be from 0 up");
    /// # Ok::<(), forescale::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) for text that is neither, for an unknown
    /// setting (named, with the nearest known one), a value of the wrong type or out of its range.
    pub fn from_text(text: &str) -> Result<Self, Error> {
        let rule: Self = read::read(&read::parse(text)?)?;
        // What is no number fails the comparison.
        if !(rule.min_difference >= 0.0 && rule.min_difference.is_finite()) {
            let message = format!("is {}, must be from 0 up", rule.min_difference);
            return Err(Error::config("min_difference", message));
        }
        Ok(rule)
    }

    /// Whether a container is to be resized. A resource without a recommendation has no say.
    ///
    /// ```
    /// use forescale::size::{Amounts, Config, Running, Sample, Sizer, UpdateRule};
    /// use forescale::Timestamp;
    ///
    /// let mut sizer = Sizer::new(Config::default())?;
    /// sizer.observe(&Sample::at(Timestamp::from_secs(0)).cpu_millicores(400.0));
    /// let wanted = sizer.recommend(Timestamp::from_secs(60));
    /// let requested = Amounts { cpu: Some(20), memory: None }; // below the least there is, 25
    /// let update = UpdateRule::default().judge(&wanted, &Running { requested, ..Running::default() });
    /// assert!(update.needed && update.grows);
    /// assert_eq!(update.reason.code(), "request_out_of_bounds");
    /// # Ok::<(), forescale::Error>(())
    /// ```
    #[must_use]
    pub fn judge(&self, wanted: &Recommendation, running: &Running) -> Update {
        let (mut is_outside, mut grows, mut difference) = (false, false, 0.0);
        let resources =
            [(&wanted.cpu, running.requested.cpu), (&wanted.memory, running.requested.memory)];
        for (estimate, requested) in resources {
            let Estimate { bounds: Some(bounds), .. } = estimate else { continue };
            let request = requested.unwrap_or(0);
            grows |= requested.is_none() || bounds.target > request;
            is_outside |= requested.is_none() || request < bounds.lower || request > bounds.upper;
            let request = (request as f64).max(1.0);
            difference += (request - bounds.target as f64).abs() / request;
        }
        let quick = running.ran_out_of_memory_after.filter(|&ran| ran < self.quick_oom);
        let differs = ("difference", difference);
        let age = ("age_seconds", running.age.as_secs_f64());
        let (needed, reason) = match quick {
            // A restart that changes nothing would not help.
            Some(ran) if difference > 0.0 => {
                let ran = ("ran_seconds", ran.as_secs_f64());
                (true, Reason::new(codes::OUT_OF_MEMORY_SOON, [ran, differs]))
            }
            None if is_outside => (true, Reason::new(codes::REQUEST_OUT_OF_BOUNDS, [differs])),
            None if running.age >= self.settled_after && difference >= self.min_difference => {
                (true, Reason::new(codes::REQUEST_OFF_TARGET, [differs, age]))
            }
            _ => (false, Reason::new(codes::REQUEST_FITS, [differs, age])),
        };
        Update { needed, grows, difference, reason }
    }
}
