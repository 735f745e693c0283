//! Two metrics of one workload that no longer move together: load up, but the CPU flat.
//!
//! In: pairs of samples. Out: whether the second is off what the first lets expect, and which of the two
//! moved. The relation is a line, learnt as it goes on, as are its error and how far chance gets. Knows
//! nothing of what the numbers mean.

use serde::{Deserialize, Serialize};

use super::excess::Excess;
use super::kept::kept;
use crate::Error;
use crate::explain::{Reason, codes};
use crate::time::Timestamp;

/// With fewer pairs there is no relation.
const LEAST_PAIRS: u32 = 60;
/// The usual level of each is that of the last this many samples.
const LEVEL_PACE: f64 = 0.02;
/// An error further off than so many deviations is learnt from as if it were as far off.
const CLIP: f64 = 3.0;
/// While the relation is broken it is learnt at this share of the speed.
const SLOW: f64 = 0.1;
/// What is taken off each error in deviations before it is summed up, and what one can add at most.
const ALLOWANCE: f64 = 1.0;
const MOST_OFF: f64 = 4.0;
/// Where chance alone gets the sum to about once in ten thousands of samples, if errors are
/// independent and normal.
const LEAST_SUM: f64 = 6.0;
/// The least share of the second's movements that the first must explain.
const LEAST_EXPLAINED: f64 = 0.3;
/// Beyond this the squares of squares are no numbers.
const MOST: f64 = 1e70;

/// Watches whether two metrics go on moving together.
///
/// ```
/// use forescale::Timestamp;
/// use forescale::detect::relation::{Config, Moved, Relation};
///
/// let mut relation = Relation::new(Config::default())?;
/// for minute in 0..700_i64 {
///     let load = 500.0 + 300.0 * ((minute * 7919 % 101) as f64 / 100.0);
///     let broken = minute >= 600; // the load goes on, the CPU is at rest
///     let cpu = if broken { 0.2 } else { load / 1_000.0 + (minute * 31 % 17) as f64 / 1_000.0 };
///     let seen = relation.observe(Timestamp::from_secs(60 * minute), load, cpu);
///     match minute {
///         0..59 => assert_eq!(seen.unwrap_err().code(), "too_little_history"),
///         100..600 => assert_eq!(seen, Ok(None)),
///         610.. => {
///             let broken = seen.expect("enough is known").expect("it is broken");
///             assert_eq!((broken.moved, broken.is_above), (Moved::Second, false));
///         }
///         _ => {}
///     }
/// }
/// # Ok::<(), forescale::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct Relation {
    settings: Config,
    state: State,
}

/// A relation that does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Break {
    /// What the first metric lets expect of the second.
    pub expected: f64,
    /// The second metric's value.
    pub value: f64,
    /// How far it is off, in deviations of the usual error.
    pub deviations: f64,
    /// Whether it lies above what is expected.
    pub is_above: bool,
    /// Which of the two left its usual level further.
    pub moved: Moved,
    /// Since when it is off.
    pub since: Timestamp,
    /// Whether this is the first sample at which it is told.
    pub is_new: bool,
}

/// Which metric moved, by its own usual movements around its level before the break.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moved {
    /// The first: the load rose and the CPU did not follow.
    First,
    /// The second: the CPU rose without more load.
    Second,
    /// Both, against what they used to do.
    Both,
}

/// Settings of [`Relation`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The samples over which the relation is remembered; 60 to 1,000,000. Default 2,000: a day and a
    /// half of minutes.
    pub memory: u32,
    /// The share of samples that chance may take for off; in (0, 0.01]. Default 1e-4.
    pub chance: f64,
    /// After so many samples off the relation the new one is learnt as fast as the old was; at least
    /// 10. Default 120: two hours of minutes.
    pub accept_after: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self { memory: 2_000, chance: 1e-4, accept_after: 120 }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    n_pairs: u32,
    last_at: Option<Timestamp>,
    /// Means and central moments of both.
    mean: [f64; 2],
    square: [f64; 2],
    product: f64,
    /// The mean square of the error of the line.
    error: f64,
    /// Levels lately and how far samples usually are off them.
    level: [f64; 2],
    spread: [f64; 2],
    /// The sums of the errors above and below, and since when they grow.
    sums: [f64; 2],
    since: [Option<Timestamp>; 2],
    is_off: [bool; 2],
    n_off: u32,
    excess: Excess,
}

impl Relation {
    /// From settings.
    ///
    /// # Errors
    /// If a setting is out of its range.
    pub fn new(settings: Config) -> Result<Self, Error> {
        if !(60..=1_000_000).contains(&settings.memory) {
            let message = format!("is {}, must be from 60 to 1000000", settings.memory);
            return Err(Error::config("memory", message));
        }
        if !(settings.chance > 0.0 && settings.chance <= 0.01) {
            let message = format!("is {}, must be in (0, 0.01]", settings.chance);
            return Err(Error::config("chance", message));
        }
        if settings.accept_after < 10 {
            let message = format!("is {}, must be at least 10", settings.accept_after);
            return Err(Error::config("accept_after", message));
        }
        Ok(Self { settings, state: State::default() })
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &Config {
        &self.settings
    }

    /// Takes a pair of samples and tells whether they are off their relation. A pair with a number
    /// that is not finite, or not after the last one, is passed over.
    ///
    /// # Errors
    /// [`TOO_LITTLE_HISTORY`](codes::TOO_LITTLE_HISTORY) before 60 pairs, and
    /// [`NO_RELATION`](codes::NO_RELATION) where the first explains too little of the second.
    pub fn observe(
        &mut self,
        at: Timestamp,
        first: f64,
        second: f64,
    ) -> Result<Option<Break>, Reason> {
        let is_new = self.state.last_at.is_none_or(|last| at > last);
        if !(first.is_finite() && second.is_finite() && is_new) {
            return self.state.known().map(|_| None);
        }
        let pair = [first.clamp(-MOST, MOST), second.clamp(-MOST, MOST)];
        let known = self.state.known();
        let found = match known {
            Ok(()) => self.state.judge(at, pair, &self.settings),
            Err(_) => None,
        };
        self.state.learn(at, pair, &self.settings, found.is_some());
        known.map(|()| found)
    }
}

impl State {
    fn slope(&self) -> f64 {
        if self.square[0] > 0.0 { self.product / self.square[0] } else { 0.0 }
    }

    fn expected(&self, first: f64) -> f64 {
        self.mean[1] + self.slope() * (first - self.mean[0])
    }

    /// The usual error, never less than what a number resolves.
    fn deviation(&self) -> f64 {
        self.error.sqrt().max(1e-9 * self.mean[1].abs()).max(f64::MIN_POSITIVE)
    }

    fn known(&self) -> Result<(), Reason> {
        if self.n_pairs < LEAST_PAIRS {
            let facts = [
                ("n_samples", f64::from(self.n_pairs)),
                ("needed_samples", f64::from(LEAST_PAIRS)),
            ];
            return Err(Reason::new(codes::TOO_LITTLE_HISTORY, facts));
        }
        let all = self.square[0] * self.square[1];
        let explained = if all > 0.0 { self.product * (self.product / all) } else { 0.0 };
        if explained < LEAST_EXPLAINED {
            let facts = [("explained", explained), ("least_explained", LEAST_EXPLAINED)];
            return Err(Reason::new(codes::NO_RELATION, facts));
        }
        Ok(())
    }

    fn judge(&mut self, at: Timestamp, pair: [f64; 2], settings: &Config) -> Option<Break> {
        let expected = self.expected(pair[0]);
        let off = (pair[1] - expected) / self.deviation();
        let limit = self.excess.beyond(settings.chance).unwrap_or(0.0).max(LEAST_SUM);
        let mut found = None;
        let mut largest: f64 = 0.0;
        for (side, off) in [off, -off].into_iter().enumerate() {
            let sum = &mut self.sums[side];
            if *sum <= 0.0 {
                self.since[side] = Some(at);
            }
            let step = off.clamp(-MOST_OFF, MOST_OFF) - ALLOWANCE;
            *sum = (*sum + step).clamp(0.0, 1.5 * limit);
            let was_off = self.is_off[side];
            self.is_off[side] = *sum > limit || (was_off && *sum > 0.0);
            if !self.is_off[side] {
                largest = largest.max(*sum);
                continue;
            }
            found = Some(Break {
                expected,
                value: pair[1],
                deviations: off.abs().min(f64::MAX),
                is_above: side == 0,
                moved: self.moved(pair),
                since: self.since[side].unwrap_or(at),
                is_new: !was_off,
            });
        }
        self.excess.learn(largest);
        found
    }

    /// The one that is further off its own level is the one that moved.
    fn moved(&self, pair: [f64; 2]) -> Moved {
        let off = |side: usize| {
            (pair[side] - self.level[side]).abs() / self.spread[side].max(f64::MIN_POSITIVE)
        };
        let (first, second) = (off(0), off(1));
        if first > 2.0 * second {
            Moved::First
        } else if second > 2.0 * first {
            Moved::Second
        } else {
            Moved::Both
        }
    }

    fn learn(&mut self, at: Timestamp, pair: [f64; 2], settings: &Config, is_off: bool) {
        self.last_at = Some(at);
        self.n_off = if is_off { self.n_off.saturating_add(1) } else { 0 };
        self.n_pairs = self.n_pairs.saturating_add(1);
        let usual = (1.0 / f64::from(self.n_pairs)).max(1.0 / f64::from(settings.memory));
        let pace = match (is_off, self.n_off > settings.accept_after) {
            // The new relation counts as much as if it were all there is since then.
            (true, true) => usual.max(1.0 / f64::from(self.n_off - settings.accept_after + 1)),
            (true, false) => SLOW * usual,
            (false, _) => usual,
        };
        let expected = self.expected(pair[0]);
        let most = if self.n_pairs > LEAST_PAIRS && !(is_off && self.n_off > settings.accept_after)
        {
            CLIP * self.deviation()
        } else {
            f64::MAX
        };
        let second = expected + (pair[1] - expected).clamp(-most, most);
        let pair = [pair[0], second];
        let before = [pair[0] - self.mean[0], pair[1] - self.mean[1]];
        for (side, (before, now)) in before.into_iter().zip(pair).enumerate() {
            self.mean[side] += pace * before;
            let after = now - self.mean[side];
            self.square[side] += pace * (before * after - self.square[side]);
        }
        self.product += pace * (before[0] * (pair[1] - self.mean[1]) - self.product);
        // The error as it was told, before the pair was learnt from.
        let error = (pair[1] - expected) * (pair[1] - expected);
        self.error += pace * (error.min(MOST) - self.error);
        if is_off {
            return; // the levels are those of before the break
        }
        let pace = (1.0 / f64::from(self.n_pairs)).max(LEVEL_PACE);
        for (side, now) in pair.into_iter().enumerate() {
            let off = now - self.level[side];
            self.level[side] += pace * off;
            self.spread[side] += pace * (off.abs() - self.spread[side]);
        }
    }

    fn is_sound(&self) -> bool {
        let numbers = [self.mean, self.square, self.level, self.spread, self.sums];
        let all = numbers.iter().flatten().chain([&self.product, &self.error]);
        all.copied().all(f64::is_finite)
            && self.square.iter().chain(&self.spread).chain([&self.error]).all(|n| *n >= 0.0)
            && self.excess.is_sound()
    }
}

kept!(Relation, "forescale relation");

/// What a snapshot holds, before it is trusted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    settings: Config,
    state: State,
}

impl TryFrom<Stored> for Relation {
    type Error = Error;

    fn try_from(Stored { settings, state }: Stored) -> Result<Self, Error> {
        if !state.is_sound() {
            return Err(Error::snapshot("holds a relation with numbers that are none"));
        }
        Ok(Self { state, ..Self::new(settings)? })
    }
}

#[cfg(test)]
mod tests;
