//! An upper quantile of the start-ups that were seen lately.
//!
//! In: looks at the replicas. Out: the lead time in force, within bounds. Knows nothing of what
//! follows from it.
//!
//! A start is known as an interval only (interval censoring). Its weight is spread evenly over it,
//! the first step of the self-consistent estimate (Turnbull 1976): as replicas are asked for at the
//! looks themselves, further steps would learn little more from looks at the same distance. Each
//! scale-up counts the same, however many replicas share it, so that one large one is not all that
//! is known.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::starts::{Start, Starts};
use crate::Error;
use crate::series::Replicas;
use crate::time::{Duration, Timestamp};

/// The lead time as learnt: `quantile` of the start-ups, of which a scale-up counts half as much as
/// one that is `half_life` scale-ups newer, within `min` and `max`.
///
/// Over the first [`NEEDED`](Self::NEEDED) scale-ups it moves evenly from `initial` to what is seen.
/// Where start-ups get longer it follows after few of them, where they get shorter it waits until
/// the long ones count for less than `1 - quantile`: too long a lead time costs money, too short a
/// one costs users.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved")]
pub struct Learned {
    settings: Config,
    starts: Starts,
    /// Invariant: at most `MOST` of them, the oldest first.
    known: VecDeque<Known>,
    /// Scale-ups that were learnt from, a part of one as its share.
    n_scale_ups: f64,
    n_starts: u64,
    /// Follows from the rest.
    #[serde(skip_serializing)]
    in_force: Duration,
}

/// Starts that got ready together.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    /// Seconds; invariant: from 0 up and below `most`.
    least: f64,
    most: f64,
    /// Invariant: above 0 and at most 1.
    weight: f64,
}

impl Learned {
    /// So many scale-ups are needed until only what is seen counts.
    pub const NEEDED: f64 = 8.0;

    /// So many groups of starts are kept at most.
    pub const MOST: usize = 128;

    /// From its settings.
    ///
    /// # Errors
    /// If a setting is out of its range.
    pub fn new(settings: Config) -> Result<Self, Error> {
        settings.check()?;
        let in_force = settings.initial;
        Ok(Self {
            settings,
            starts: Starts::default(),
            known: VecDeque::with_capacity(Self::MOST),
            n_scale_ups: 0.0,
            n_starts: 0,
            in_force,
        })
    }

    /// The lead time to reckon with now.
    #[must_use]
    pub fn in_force(&self) -> Duration {
        self.in_force
    }

    /// The replicas whose start it was learnt from so far.
    #[must_use]
    pub fn n_starts(&self) -> u64 {
        self.n_starts
    }

    /// Takes in the replicas there are; true if another lead time is in force from now on.
    pub fn see(&mut self, at: Timestamp, replicas: Replicas) -> bool {
        let Self { settings, starts, known, n_scale_ups, n_starts, .. } = self;
        let before = *n_starts;
        starts.see(at, replicas, settings.longest(), |start| {
            let Start { least, most, n, of } = start;
            let weight = f64::from(n) / f64::from(of);
            let faded = libm::exp2(-weight / f64::from(settings.half_life));
            known.iter_mut().for_each(|known| known.weight *= faded);
            // What counts for nothing any more must not become a weight that is none.
            while known.len() == Self::MOST || known.front().is_some_and(|it| it.weight < 1e-9) {
                known.pop_front();
            }
            let (least, most) = (least.as_secs_f64(), most.as_secs_f64());
            known.push_back(Known { least, most, weight });
            *n_scale_ups += weight;
            *n_starts += u64::from(n);
        });
        if *n_starts == before {
            return false;
        }
        let in_force = self.estimate();
        std::mem::replace(&mut self.in_force, in_force) != in_force
    }

    /// Hears what size is asked for from `at` on.
    pub fn decided(&mut self, at: Timestamp, replicas: u32) {
        self.starts.decided(at, replicas);
    }

    /// Goes on from a clock that was set back: what is starting now tells nothing.
    pub fn rebase(&mut self) {
        self.starts.clear();
    }

    fn estimate(&self) -> Duration {
        let Config { initial, quantile, min, .. } = self.settings;
        let Some(seen) = self.quantile(quantile) else { return initial };
        let share = (self.n_scale_ups / Self::NEEDED).min(1.0);
        let seconds = initial.as_secs_f64() + (seen - initial.as_secs_f64()) * share;
        let lead_time = Duration::from_secs_f64(seconds).unwrap_or(initial);
        lead_time.max(min).min(self.settings.longest())
    }

    /// The seconds that the share `quantile` of the starts did not take longer than; to a
    /// millisecond. `None` if none is known.
    fn quantile(&self, quantile: f64) -> Option<f64> {
        let total = self.known.iter().fold(0.0, |sum, known| sum + known.weight);
        let mut low = self.known.iter().map(|known| known.least).reduce(f64::min)?;
        let mut high = self.known.iter().map(|known| known.most).reduce(f64::max)?;
        let below = |seconds: f64| {
            let part = |known: &Known| {
                let share = (seconds - known.least) / (known.most - known.least);
                known.weight * share.clamp(0.0, 1.0)
            };
            self.known.iter().fold(0.0, |sum, known| sum + part(known))
        };
        while high - low > 0.0005 {
            let middle = low + (high - low) / 2.0;
            if below(middle) < quantile * total { low = middle } else { high = middle }
        }
        Some(high)
    }
}

/// Settings of [`Learned`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The lead time until starts were seen, above 0. Default: 2 minutes, a container that pulls its
    /// image and warms up.
    pub initial: Duration,
    /// The share of the starts that take no longer, in [0.5, 1). Default 0.9: of ten replicas nine
    /// are there in time, and one odd start does not count.
    pub quantile: f64,
    /// Never shorter. Default 0.
    pub min: Duration,
    /// Never longer, and a start that takes longer counts as failed; above 0, from `min` up to a
    /// week. Default: ten times `initial`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<Duration>,
    /// A scale-up counts half as much as one so many scale-ups newer, from 1 to 1000. Default 16.
    pub half_life: u32,
}

/// No replica is waited for longer.
const WEEK: Duration = Duration::from_secs(7 * 86_400);

impl Default for Config {
    fn default() -> Self {
        Self {
            initial: Duration::from_secs(120),
            quantile: 0.9,
            min: Duration::ZERO,
            max: None,
            half_life: 16,
        }
    }
}

impl Config {
    /// The longest lead time that may come into force.
    #[must_use]
    pub fn longest(&self) -> Duration {
        self.max.unwrap_or_else(|| self.initial.times(10)).min(WEEK)
    }

    fn check(&self) -> Result<(), Error> {
        let Self { initial, quantile, min, half_life, .. } = *self;
        if initial.is_zero() || initial > WEEK {
            return Err(Error::config(
                "initial",
                format!("is {initial}, must be above 0, at most 7d"),
            ));
        }
        if !(0.5..1.0).contains(&quantile) {
            return Err(Error::config("quantile", format!("is {quantile}, must be in [0.5, 1)")));
        }
        if let Some(max) = self.max.filter(|&max| max < initial || max > WEEK) {
            let message = format!("is {max}, must be from `initial`, which is {initial}, to 7d");
            return Err(Error::config("max", message));
        }
        if min > initial {
            let message = format!("is {min}, must not be above `initial`, which is {initial}");
            return Err(Error::config("min", message));
        }
        if !(1..=1000).contains(&half_life) {
            return Err(Error::config(
                "half_life",
                format!("is {half_life}, must be from 1 to 1000"),
            ));
        }
        Ok(())
    }
}

/// As it comes from a snapshot, unchecked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    settings: Config,
    starts: Starts,
    known: Vec<Known>,
    n_scale_ups: f64,
    n_starts: u64,
}

impl TryFrom<Saved> for Learned {
    type Error = String;

    fn try_from(saved: Saved) -> Result<Self, String> {
        let Saved { settings, starts, known, n_scale_ups, n_starts } = saved;
        let mut learned = Self::new(settings).map_err(|error| error.to_string())?;
        let is_sound = |known: &Known| {
            known.weight > 0.0
                && known.weight <= 1.0
                && known.least >= 0.0
                && known.least < known.most
                && known.most < 1e12
        };
        if known.len() > Self::MOST || !known.iter().all(is_sound) {
            return Err(format!("{} start-ups are too many or of no length", known.len()));
        }
        if !(n_scale_ups.is_finite() && n_scale_ups >= 0.0) {
            return Err(format!("a lead time cannot be learnt from {n_scale_ups} scale-ups"));
        }
        (learned.starts, learned.n_scale_ups, learned.n_starts) = (starts, n_scale_ups, n_starts);
        learned.known.extend(known);
        learned.in_force = learned.estimate();
        Ok(learned)
    }
}

#[cfg(test)]
mod tests;
