//! What is made of the series in a history.
//!
//! In: text or a value. Out: [`Options`]. Knows no series.

use serde::{Deserialize, Serialize};

use super::Labels;
use crate::Error;
use crate::config::read;
use crate::time::Duration;

/// Which series of a history count, and how.
///
/// ```
/// use forescale::sim::prometheus::Options;
///
/// let options = Options::from_text(r#"{"labels": {"job": "shop"}, "sum": true, "step": "1m"}"#)?;
/// assert!(options.sum && !options.counter);
/// assert!(Options::from_text(r#"{"label": "shop"}"#).is_err());
/// # Ok::<(), forescale::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Only series that have all of these labels. Default: none, so every series counts.
    pub labels: Labels,
    /// Adds the series up, as PromQL's `sum`: at each time those that have a sample then. One whose
    /// sample is NaN or infinite makes the sum missing. Default: no, there must be exactly one series.
    pub sum: bool,
    /// The series are raw counters and become rates per second, before any sum. A rate stands at the
    /// end of the step it speaks of, as in PromQL; a fall is a restart from 0, as there. Unlike
    /// PromQL's `rate` nothing is extrapolated and no window is wider than the step; a step whose
    /// start or end has no sample is missing, and the first sample of a series has no rate. The step
    /// of the query must not be shorter than the scrape interval, or the rate will jump between 0 and
    /// a multiple. Default: no.
    pub counter: bool,
    /// The step of the query, above 0. Default: the shortest distance between two samples.
    pub step: Option<Duration>,
}

impl Options {
    /// From text: JSON, or YAML with the feature `yaml`; what is absent has its default.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) for text that is neither, an unknown field, a
    /// value of the wrong type and a step of zero.
    pub fn from_text(text: &str) -> Result<Self, Error> {
        let options: Self = read::or_default(text)?;
        options.check()?;
        Ok(options)
    }

    /// Refuses what is out of its range.
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.step.is_some_and(Duration::is_zero) {
            return Err(Error::config("step", "is 0s, must be above 0"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_and_mistakes_named() {
        assert_eq!(Options::from_text("{}").unwrap(), Options::default());
        let refused = |text| {
            let error = Options::from_text(text).unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::Config);
            error.to_string()
        };
        for (text, want) in [
            (r#"{"step": 0}"#, "`step` is 0s, must be above 0"),
            (r#"{"step": "soon"}"#, "`step`"),
            (r#"{"counters": true}"#, "`counters`"),
            (r#"{"labels": {"job": 3}}"#, "`labels.job`"),
            (r#"{"labels": ["job"]}"#, "`labels`"),
            (r#"{"sum": "yes"}"#, "`sum`"),
            ("[1]", "settings"),
        ] {
            let message = refused(text);
            assert!(message.contains(want), "{text}: {message}");
        }
    }
}
