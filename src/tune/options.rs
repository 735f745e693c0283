//! What is looked for, and how hard.
//!
//! In: text or values. Out: checked [`Options`]. Knows no simulator.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::space::Dimension;
use crate::Error;
use crate::config::read;
use crate::gpu::{Choice, Device};
use crate::time::Duration;

/// What a search is to find, how long it looks, and on what it is judged.
///
/// ```
/// use forescale::tune::{Objective, Options};
///
/// let options = Options::from_text(
///     r#"{"objective": {"kind": "least_cost", "violation_share": 0.01}, "settings": 64}"#,
/// )?;
/// assert_eq!(options.objective, Objective::LeastCost { violation_share: 0.01 });
/// let error = Options::from_text(r#"{"confidence": 1}"#).unwrap_err();
/// assert_eq!(error.to_string(), "`confidence` is 1, must be in (0, 1)");
/// # Ok::<(), forescale::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// What is best. Default: the least total where a minute in violation is as dear as 30 minutes of
    /// the current fleet.
    pub objective: Objective,
    /// Settings that are tried, the current ones not counted, from 1 to 100,000. Default 256.
    pub settings: usize,
    /// What may be changed. Default: what the configuration's own policies, guards, capacity and lead
    /// time leave open (see [`default_space`](super::default_space)).
    pub space: Option<Vec<Dimension>>,
    /// How much of the trace settings are chosen on. Default: a third of it, 14 days at most.
    pub selected: Option<Duration>,
    /// How much of the end of the trace is kept apart, to tell what to expect of what was chosen.
    /// Default: a quarter of it, 7 days at most.
    pub told: Option<Duration>,
    /// The share of cases in which what is expected lies in its interval, in (0, 1); surest to be better
    /// is who still gains most at the lower end of such an interval. Default 0.9.
    pub confidence: f64,
    /// The seed of every random number of the search. Default 1.
    pub seed: u64,
    /// Where settings are replayed: `cpu` (the default), `gpu`, an error without an adapter, or `auto`,
    /// the graphics card if there is a real one and settings are many. What the card cannot replay goes
    /// the ordinary way, and whoever leads is replayed by the live code before it is recommended; see
    /// [`Tuning::device`](super::Tuning::device). As the card rounds, a search there may come to
    /// others of those that are about as good.
    pub device: Device,
    /// Which adapter, where it is to be a card. Not part of the text.
    #[serde(skip)]
    pub choice: Choice,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            objective: Objective::default(),
            settings: 256,
            space: None,
            selected: None,
            told: None,
            confidence: 0.9,
            seed: 1,
            device: Device::Cpu,
            choice: Choice::default(),
        }
    }
}

/// What is best.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Objective {
    /// The least cost with at most such a share of the minutes in violation; where none has as few,
    /// the fewest violations.
    LeastCost {
        /// In [0, 1].
        violation_share: f64,
    },
    /// The fewest violations for at most so much; where none is as cheap, the cheapest.
    LeastViolations {
        /// Replica-hours a day, above 0.
        replica_hours_per_day: f64,
    },
    /// The least cost, where violations cost too.
    LeastTotal {
        /// A minute in violation is as dear as so many minutes of the fleet that the current settings
        /// keep on average, from 0 up.
        violation_price: f64,
    },
}

impl Default for Objective {
    fn default() -> Self {
        Self::LeastTotal { violation_price: 30.0 }
    }
}

/// Cost and violations of one setting over some days.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Outcome {
    /// Share of the minutes in violation, 0 to 1.
    pub violation_share: f64,
    /// Replica-hours a day.
    pub replica_hours_per_day: f64,
}

impl Outcome {
    /// Whether it is better in one and worse in none.
    #[must_use]
    pub fn dominates(&self, other: &Self) -> bool {
        self.violation_share <= other.violation_share
            && self.replica_hours_per_day <= other.replica_hours_per_day
            && self != other
    }
}

/// Which of two is less bad.
pub(super) fn by_badness(one: &(f64, f64), other: &(f64, f64)) -> Ordering {
    one.0.total_cmp(&other.0).then(one.1.total_cmp(&other.1))
}

impl Objective {
    /// How bad an outcome is: first by how far it misses what it must keep, then by what is to be
    /// least. `usual` is the cost of the current settings, in replica-hours a day.
    pub(super) fn badness(self, outcome: &Outcome, usual: f64) -> (f64, f64) {
        let Outcome { violation_share: violated, replica_hours_per_day: cost } = *outcome;
        match self {
            Self::LeastCost { violation_share } => ((violated - violation_share).max(0.0), cost),
            Self::LeastViolations { replica_hours_per_day } => {
                ((cost - replica_hours_per_day).max(0.0), violated)
            }
            Self::LeastTotal { violation_price } => {
                (0.0, cost + violation_price * violated * usual)
            }
        }
    }

    fn check(self) -> Result<(), Error> {
        let refuse = |field: &str, number: f64, must: &str| {
            Err(Error::config(field, format!("is {number}, must be {must}")))
        };
        match self {
            Self::LeastCost { violation_share: share } if !(0.0..=1.0).contains(&share) => {
                refuse("violation_share", share, "in [0, 1]")
            }
            Self::LeastViolations { replica_hours_per_day: cost }
                if !(cost > 0.0 && cost.is_finite()) =>
            {
                refuse("replica_hours_per_day", cost, "above 0")
            }
            Self::LeastTotal { violation_price: price } if !(price >= 0.0 && price.is_finite()) => {
                refuse("violation_price", price, "from 0 up")
            }
            _ => Ok(()),
        }
    }
}

impl Options {
    /// From text: JSON, or YAML with the feature `yaml`; what is absent has its default.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) for text that is neither, an unknown field
    /// and a value out of its range.
    pub fn from_text(text: &str) -> Result<Self, Error> {
        let options: Self = read::or_default(text)?;
        options.check()?;
        Ok(options)
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        const MOST: usize = 100_000;
        self.objective.check().map_err(|error| error.at("objective"))?;
        if !(1..=MOST).contains(&self.settings) {
            let message = format!("is {}, must be from 1 to {MOST}", self.settings);
            return Err(Error::config("settings", message));
        }
        if !(self.confidence > 0.0 && self.confidence < 1.0) {
            let message = format!("is {}, must be in (0, 1)", self.confidence);
            return Err(Error::config("confidence", message));
        }
        for (field, span) in [("selected", self.selected), ("told", self.told)] {
            if span.is_some_and(Duration::is_zero) {
                return Err(Error::config(field, "is 0s, must be above 0"));
            }
        }
        for (index, dimension) in self.space.iter().flatten().enumerate() {
            dimension.check().map_err(|error| error.at(&format!("space[{index}]")))?;
        }
        if self.space.as_ref().is_some_and(Vec::is_empty) {
            return Err(Error::config("space", "is empty, must have at least one dimension"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mistake_is_named_with_its_place() {
        let cases = [
            (r#"{"settings": 0}"#, "`settings` is 0, must be from 1 to 100000"),
            (r#"{"told": 0}"#, "`told` is 0s, must be above 0"),
            (r#"{"space": []}"#, "`space` is empty, must have at least one dimension"),
            (
                r#"{"objective": {"kind": "least_cost", "violation_share": 2}}"#,
                "`objective.violation_share` is 2, must be in [0, 1]",
            ),
            (
                r#"{"objective": {"kind": "least_total", "violation_price": -1}}"#,
                "`objective.violation_price` is -1, must be from 0 up",
            ),
            (
                r#"{"space": [{"path": "max_replicas", "from": 3, "to": 3}]}"#,
                "`space[0].to` is 3, must be above `from`, which is 3",
            ),
            (
                r#"{"space": [{"path": "max_replicas"}]}"#,
                "`space[0].values` is missing, must be a list, or `from` and `to` be given",
            ),
        ];
        for (text, want) in cases {
            assert_eq!(Options::from_text(text).unwrap_err().to_string(), want, "{text}");
        }
    }

    #[test]
    fn what_must_be_kept_goes_before_what_is_to_be_least() {
        let of = |violation_share, replica_hours_per_day| Outcome {
            violation_share,
            replica_hours_per_day,
        };
        let least_cost = Objective::LeastCost { violation_share: 0.01 };
        assert!(
            least_cost.badness(&of(0.01, 90.0), 1.0) < least_cost.badness(&of(0.02, 10.0), 1.0)
        );
        let least_violations = Objective::LeastViolations { replica_hours_per_day: 50.0 };
        let badness = |outcome| least_violations.badness(&outcome, 1.0);
        assert!(badness(of(0.3, 50.0)) < badness(of(0.0, 51.0)));
        // Half an hour of a fleet of 10 for each of the 14.4 minutes: 240 + 0.01 * 30 * 240.
        let total = Objective::default().badness(&of(0.01, 240.0), 240.0);
        assert_eq!(total, (0.0, 312.0));
        assert!(of(0.1, 1.0).dominates(&of(0.1, 2.0)) && !of(0.1, 1.0).dominates(&of(0.0, 2.0)));
    }
}
