//! What a sizer answers.

use serde::Serialize;

use crate::explain::Reason;

/// What a container should request of each resource, and why.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Recommendation {
    /// CPU in millicores.
    pub cpu: Estimate,
    /// Memory in bytes.
    pub memory: Estimate,
}

impl Recommendation {
    /// The recommendation as JSON text, without line breaks: the same bytes in every language.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a recommendation has text keys and plain numbers only")
    }
}

/// What to request of one resource; never a number that nothing stands behind.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// The amounts; `None` if there is nothing to size by.
    pub bounds: Option<Bounds>,
    /// Why these, or why none. For amounts the facts are `n_samples`, `span_days`, `confidence`,
    /// `percentile` of the target, and `usage`, the amount there before the margin.
    pub reason: Reason,
}

/// What to request, and between which bounds a present request may stay; in millicores or bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Bounds {
    /// Below this the container lacks. The VPA's `lowerBound`.
    pub lower: i64,
    /// What to request. The VPA's `target`.
    pub target: i64,
    /// Above this the container wastes; 10^14 while no bound is known. The VPA's `upperBound`.
    pub upper: i64,
}
