//! How an autoscaler tunes itself.
//!
//! In: text or values. Out: checked [`SelfTuningConfig`]. Searches nothing.

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::config::read;
use crate::sim::Settings;
use crate::time::Duration;
use crate::tune::Options;

/// Settings of [`SelfTuning`](super::SelfTuning); each has a default.
///
/// ```
/// use forescale::tune::SelfTuningConfig;
///
/// let settings = SelfTuningConfig::from_text(r#"{"probation": "14d", "search": {"settings": 64}}"#)?;
/// assert_eq!((settings.confidence, settings.search.settings), (0.9, 64));
/// let error = SelfTuningConfig::from_text(r#"{"confidence": 0.4}"#).unwrap_err();
/// assert_eq!(error.to_string(), "`confidence` is 0.4, must be in [0.5, 1)");
/// # Ok::<(), forescale::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SelfTuningConfig {
    /// What a search looks for, and how hard. Its objective is what settings are compared by in shadow
    /// and on probation too.
    pub search: Options,
    /// The workload as the simulator sees it. `interval`, `start_up` and the names of the metrics are what
    /// is seen and set, and `load_per_replica`, where it is not given, what the capacity says or what is
    /// learnt from load and utilization; the other fields are taken from here.
    pub plant: Settings,
    /// The step on which the load is recorded, from a second to an hour. Default 1m.
    pub step: Duration,
    /// How much load is recorded at most; what is older is forgotten. Default 28d.
    pub record: Duration,
    /// How much must be recorded before anything is searched. Default 3d.
    pub least: Duration,
    /// How much load that no search has seen must have passed before what was found can be adopted.
    /// Default 2d.
    pub shadow: Duration,
    /// What has not proved better in shadow after so much load is dropped; at least `shadow`. Default 7d.
    pub shadow_longest: Duration,
    /// For so long after an adoption the settings before are replayed beside those in force, and come
    /// back where they would have done better; nothing else is tried meanwhile. Default 7d.
    pub probation: Duration,
    /// For so long after settings were rolled back nothing is tried. Default 7d.
    pub pause: Duration,
    /// The share of the draws of days in which the others must be better, to be adopted or to come back,
    /// in [0.5, 1). Default 0.9.
    pub confidence: f64,
}

impl Default for SelfTuningConfig {
    fn default() -> Self {
        let days = |n: u32| Duration::from_secs(n * 86_400);
        Self {
            search: Options::default(),
            plant: Settings::default(),
            step: Duration::from_secs(60),
            record: days(28),
            least: days(3),
            shadow: days(2),
            shadow_longest: days(7),
            probation: days(7),
            pause: days(7),
            confidence: 0.9,
        }
    }
}

impl SelfTuningConfig {
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

    pub(super) fn check(&self) -> Result<(), Error> {
        self.search.check().map_err(|error| error.at("search"))?;
        self.plant.check().map_err(|error| error.at("plant"))?;
        let refuse = |field: &str, span: Duration, must: String| {
            Err(Error::config(field, format!("is {span}, must be {must}")))
        };
        let Self { step, record, least, shadow, .. } = *self;
        if step < Duration::from_secs(1) || step > Duration::from_secs(3600) {
            return refuse("step", step, "from 1s to 1h".into());
        }
        let most = step.times(Self::MOST_STEPS);
        if record > most {
            return refuse("record", record, format!("at most {most}, {} steps", Self::MOST_STEPS));
        }
        let block = Self::BLOCK.times(Self::FEWEST_BLOCKS as i64);
        if least < block || least > record {
            return refuse(
                "least",
                least,
                format!("from {block} up to `record`, which is {record}"),
            );
        }
        if shadow < block || shadow > record {
            return refuse(
                "shadow",
                shadow,
                format!("from {block} up to `record`, which is {record}"),
            );
        }
        for (field, span) in
            [("shadow_longest", self.shadow_longest), ("probation", self.probation)]
        {
            if span < shadow || span > record {
                let must =
                    format!("from `shadow`, which is {shadow}, up to `record`, which is {record}");
                return refuse(field, span, must);
            }
        }
        if !(0.5..1.0).contains(&self.confidence) {
            let message = format!("is {}, must be in [0.5, 1)", self.confidence);
            return Err(Error::config("confidence", message));
        }
        Ok(())
    }

    const MOST_STEPS: i64 = 1_000_000;

    /// Load is compared in blocks of six hours: minutes of one hang together, nights and peaks apart.
    pub(super) const BLOCK: Duration = Duration::from_secs(6 * 3600);

    /// A day of them at least.
    pub(super) const FEWEST_BLOCKS: usize = 4;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mistake_is_named_with_its_place() {
        let cases = [
            (r#"{"step": 0}"#, "`step` is 0s, must be from 1s to 1h"),
            (
                r#"{"record": "2000d"}"#,
                "`record` is 2000d, must be at most 694d 10h 40m, 1000000 steps",
            ),
            (r#"{"least": "1h"}"#, "`least` is 1h, must be from 1d up to `record`, which is 28d"),
            (
                r#"{"shadow": "29d"}"#,
                "`shadow` is 29d, must be from 1d up to `record`, which is 28d",
            ),
            (
                r#"{"probation": "1d"}"#,
                "`probation` is 1d, must be from `shadow`, which is 2d, up to `record`, which is 28d",
            ),
            (r#"{"confidence": 1}"#, "`confidence` is 1, must be in [0.5, 1)"),
            (r#"{"search": {"settings": 0}}"#, "`search.settings` is 0, must be from 1 to 100000"),
            (r#"{"plant": {"noise": 2}}"#, "`plant.noise` is 2, must be in [0, 1)"),
        ];
        for (text, want) in cases {
            let error = SelfTuningConfig::from_text(text).unwrap_err();
            assert_eq!(error.to_string(), want, "{text}");
        }
        let error = SelfTuningConfig::from_text(r#"{"shadows": "1d"}"#).unwrap_err().to_string();
        assert!(error.contains("did you mean `shadow`?"), "{error}");
    }
}
