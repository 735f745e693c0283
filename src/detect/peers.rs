//! Which replica differs from its siblings, or which workload from its fleet.
//!
//! In: one reading a member and tick. Out: the members that lie off the others for longer than chance
//! keeps them there, with side and since when. Common ups and downs cancel out, as each tick is held
//! against its own median. Knows nothing of what the numbers mean.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::excess::Excess;
use super::kept::kept;
use crate::Error;
use crate::explain::{Reason, codes};
use crate::time::{Duration, Timestamp};

/// A single tick can lie off by more than any fault that lasts; it counts as this many deviations.
const MOST_OFF: f64 = 3.5;
/// What is taken off each tick, in deviations: a little less than half of a fault of three (Page 1954).
const ALLOWANCE: f64 = 1.3;
/// Where chance alone gets the sum to about once in fifty days of ten members and a tick a minute,
/// if the ticks are independent and normal.
const LEAST_SUM: f64 = 4.9;
/// The deviation is the median of the absolute ones times this, for a normal distribution.
const TO_DEVIATION: f64 = 1.4826;
/// The deviation follows a tick by this share.
const PACE: f64 = 0.01;
/// So many ticks it is that of the medians, then of the squares up to [`CLIP`] deviations, whose mean
/// is [`CLIPPED`] for a normal distribution (Huber 1964).
const FIRST_TICKS: u32 = 30;
const CLIP: f64 = 2.5;
const CLIPPED: f64 = 0.9505;
/// A tick at which all lie apart, as in a burst, counts by this share of its own deviation.
const ROUGH: f64 = 0.5;
/// The middle of a tick is the mean without this share on both sides.
const TRIMMED: f64 = 0.2;
/// Members more than one in so many off are no odd ones, but another kind.
const ODD_SHARE: f64 = 1.0 / 3.0;

/// Finds the members of a group that differ from the others.
///
/// The distance of each from the median of its tick, in deviations of the group, is summed up while it
/// stays on one side (a CUSUM), so that a fault of three deviations is found within five ticks, and one
/// wild tick is none. How far chance gets those sums is learnt beside: members that wander slowly are
/// given more room.
///
/// ```
/// use forescale::Timestamp;
/// use forescale::detect::peers::{Config, Peers, Side};
///
/// let mut peers = Peers::new(Config::default())?;
/// let names = ["a", "b", "c", "d", "e"];
/// let noise = |minute: usize, member: usize| ((minute * 31 + member * 17) % 19) as f64 / 100.0;
/// for minute in 0..60 {
///     let mut readings = names.map(|name| (name, Some(0.5)));
///     for (member, reading) in readings.iter_mut().enumerate() {
///         let broken = if member == 2 && minute >= 50 { 0.6 } else { 0.0 };
///         reading.1 = Some(0.5 + noise(minute, member) + broken);
///     }
///     let odd = peers.see(Timestamp::from_secs(60 * minute as i64), &readings);
///     let odd = odd.map(|odd| odd.iter().map(|peer| (&*peer.name, peer.side)).collect());
///     match minute {
///         0..10 => assert!(odd.is_err(), "too little history"),
///         10..50 => assert_eq!(odd, Ok(vec![])),
///         53.. => assert_eq!(odd, Ok(vec![("c", Side::Above)])),
///         _ => {}
///     }
/// }
/// # Ok::<(), forescale::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct Peers {
    settings: Config,
    members: BTreeMap<String, Member>,
    /// The mean square by which a member is off the middle, lately.
    variance: f64,
    n_ticks: u32,
    last_at: Option<Timestamp>,
    /// The usual seconds between two ticks.
    interval: f64,
    /// How far the largest sum of each tick gets.
    sums: Excess,
    #[serde(skip)]
    scratch: Vec<f64>,
    #[serde(skip)]
    odd: Vec<Peer>,
}

/// A member that differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Peer {
    /// Its name.
    pub name: String,
    /// Where it lies.
    pub side: Side,
    /// Its reading.
    pub value: f64,
    /// The median of the tick, in the same unit.
    pub median: f64,
    /// How far it is off the median now, in deviations of the group.
    pub deviations: f64,
    /// Since when it lies on that side.
    pub since: Timestamp,
    /// Whether this is the first tick at which it is told.
    pub is_new: bool,
}

/// On which side of the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Above the others.
    Above,
    /// Below the others.
    Below,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Member {
    above: Sum,
    below: Sum,
    seen_at: Timestamp,
}

/// What is summed up on one side.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sum {
    sum: f64,
    since: Timestamp,
    is_odd: bool,
}

/// Settings of [`Peers`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// With fewer members that report none can be said to differ; at least 4, the default.
    pub least_members: u32,
    /// Nothing is told before so many ticks; at least 5. Default 10.
    pub least_ticks: u32,
    /// The false alarms of the whole group that are put up with, a day; above 0, at most 100. Default
    /// 0.02: one in fifty days.
    pub false_alarms_per_day: f64,
    /// A member that did not report for so long is gone. Default 15m.
    pub forget_after: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            least_members: 4,
            least_ticks: 10,
            false_alarms_per_day: 0.02,
            forget_after: Duration::from_secs(900),
        }
    }
}

impl Peers {
    /// From settings.
    ///
    /// # Errors
    /// If a setting is out of its range.
    pub fn new(settings: Config) -> Result<Self, Error> {
        if settings.least_members < 4 {
            let message = format!("is {}, must be at least 4", settings.least_members);
            return Err(Error::config("least_members", message));
        }
        if settings.least_ticks < 5 {
            let message = format!("is {}, must be at least 5", settings.least_ticks);
            return Err(Error::config("least_ticks", message));
        }
        let rate = settings.false_alarms_per_day;
        if !(rate > 0.0 && rate <= 100.0) {
            let message = format!("is {rate}, must be above 0 and at most 100");
            return Err(Error::config("false_alarms_per_day", message));
        }
        Ok(Self {
            settings,
            members: BTreeMap::new(),
            variance: 0.0,
            n_ticks: 0,
            last_at: None,
            interval: 0.0,
            sums: Excess::default(),
            scratch: Vec::new(),
            odd: Vec::new(),
        })
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &Config {
        &self.settings
    }

    /// Takes the readings of a tick, by the members' names, and tells who differs, in the order of
    /// the readings. Of a name that comes twice the first counts; a reading that is not finite counts
    /// as none; a time that is not after the last one leaves everything as it is.
    ///
    /// # Errors
    /// [`TOO_FEW_PEERS`](codes::TOO_FEW_PEERS) if fewer than four report, and
    /// [`TOO_LITTLE_HISTORY`](codes::TOO_LITTLE_HISTORY) in the first ticks.
    pub fn see<N: AsRef<str>>(
        &mut self,
        at: Timestamp,
        readings: &[(N, Option<f64>)],
    ) -> Result<&[Peer], Reason> {
        let known = |value: &Option<f64>| value.filter(|value| value.is_finite());
        self.odd.clear();
        self.scratch.clear();
        self.scratch.extend(readings.iter().filter_map(|(_, value)| known(value)));
        let n = self.scratch.len();
        if n < self.settings.least_members as usize {
            let facts = [
                ("n_members", n as f64),
                ("least_members", f64::from(self.settings.least_members)),
            ];
            return Err(Reason::new(codes::TOO_FEW_PEERS, facts));
        }
        if self.last_at.is_some_and(|last| at <= last) {
            return Ok(&self.odd);
        }
        if let Some(last) = self.last_at {
            let passed = at.since(last).as_secs_f64();
            let weight = if self.interval > 0.0 { 0.1 } else { 1.0 };
            self.interval += weight * (passed - self.interval);
        }
        self.last_at = Some(at);
        let (median, center) = middle(&mut self.scratch);
        self.scratch.iter_mut().for_each(|value| *value = (*value - center).abs());
        let rough = TO_DEVIATION * middle(&mut self.scratch).0 * n as f64 / (n as f64 - 0.8);
        self.n_ticks = self.n_ticks.saturating_add(1);
        self.learn(rough, center, readings);
        let deviation = self.variance.sqrt().max(ROUGH * rough).clamp(f64::MIN_POSITIVE, f64::MAX);
        if self.n_ticks <= self.settings.least_ticks {
            let facts = [
                ("n_samples", f64::from(self.n_ticks)),
                ("needed_samples", f64::from(self.settings.least_ticks) + 1.0),
            ];
            return Err(Reason::new(codes::TOO_LITTLE_HISTORY, facts));
        }
        let limit = self.limit();
        let (mut largest, mut n_off) = (0.0_f64, 0);
        for (name, value) in readings {
            let Some(value) = known(value) else { continue };
            let off = (value - center) / deviation;
            let off = if off.is_nan() { 0.0 } else { off };
            let name = name.as_ref();
            let member = match self.members.get_mut(name) {
                Some(member) if member.seen_at == at => continue,
                Some(member) => member,
                None => self.members.entry(name.to_owned()).or_insert(Member::new(at)),
            };
            member.seen_at = at;
            let sides =
                [(Side::Above, &mut member.above, off), (Side::Below, &mut member.below, -off)];
            for (side, sum, off) in sides {
                let was_odd = sum.is_odd;
                sum.add(at, off, limit);
                n_off += usize::from(sum.is_odd || sum.sum > 0.5 * limit);
                if !sum.is_odd {
                    largest = largest.max(sum.sum);
                    continue;
                }
                let (name, since) = (name.to_owned(), sum.since);
                let (deviations, is_new) = (off.abs().min(f64::MAX), !was_odd);
                self.odd.push(Peer { name, side, value, median, deviations, since, is_new });
            }
        }
        self.sums.learn(largest);
        let forget = self.settings.forget_after;
        self.members.retain(|_, member| at.since(member.seen_at) <= forget);
        if n_off as f64 > ODD_SHARE * n as f64 {
            self.odd.clear();
        }
        Ok(&self.odd)
    }

    /// Learns how far members are off the middle of their tick, without those that are odd.
    fn learn<N: AsRef<str>>(&mut self, rough: f64, center: f64, readings: &[(N, Option<f64>)]) {
        let square = if self.n_ticks <= FIRST_TICKS {
            rough * rough
        } else {
            let most = CLIP * CLIP * self.variance;
            let (mut sum, mut n) = (0.0, 0.0);
            for (name, value) in readings {
                let is_odd = |member: &Member| member.above.is_odd || member.below.is_odd;
                let Some(value) = value.filter(|value| value.is_finite()) else { continue };
                if !self.members.get(name.as_ref()).is_some_and(is_odd) {
                    let off = value - center;
                    sum += (off * off).min(most);
                    n += 1.0;
                }
            }
            if n > 0.0 { sum / n / CLIPPED } else { self.variance }
        };
        let pace = PACE.max(1.0 / f64::from(self.n_ticks));
        self.variance += pace * (square.min(f64::MAX) - self.variance);
    }

    /// The sum that chance gets to as often as the settings put up with.
    fn limit(&self) -> f64 {
        let ticks_per_day = 86_400.0 / self.interval.max(1.0);
        let p = self.settings.false_alarms_per_day / ticks_per_day;
        self.sums.beyond(p).map_or(LEAST_SUM, |learnt| learnt.max(LEAST_SUM))
    }
}

impl Member {
    fn new(at: Timestamp) -> Self {
        let sum = Sum { sum: 0.0, since: at, is_odd: false };
        Self { above: sum, below: sum, seen_at: at }
    }
}

impl Sum {
    fn add(&mut self, at: Timestamp, off: f64, limit: f64) {
        if self.sum <= 0.0 {
            self.since = at;
        }
        // It may not grow without end, or a member that is mended would stay odd for as long again.
        let off = off.clamp(-MOST_OFF, MOST_OFF);
        self.sum = (self.sum + off - ALLOWANCE).clamp(0.0, 1.5 * limit);
        self.is_odd = self.sum > limit || (self.is_odd && self.sum > 0.0);
    }
}

/// The median of some numbers, which are brought into order, and the mean of those in the middle.
fn middle(numbers: &mut [f64]) -> (f64, f64) {
    let n = numbers.len();
    numbers.sort_unstable_by(f64::total_cmp);
    // Halved first, so that two huge ones do not sum up beyond all numbers.
    let median = 0.5 * numbers[(n - 1) / 2] + 0.5 * numbers[n / 2];
    let cut = (TRIMMED * n as f64) as usize;
    let inner = &numbers[cut..n - cut];
    let mean = inner.iter().map(|number| number / inner.len() as f64).sum();
    (median, mean)
}

kept!(Peers, "forescale peers");

/// What a snapshot holds, before it is trusted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    settings: Config,
    members: BTreeMap<String, Member>,
    variance: f64,
    n_ticks: u32,
    last_at: Option<Timestamp>,
    interval: f64,
    sums: Excess,
}

impl TryFrom<Stored> for Peers {
    type Error = Error;

    fn try_from(stored: Stored) -> Result<Self, Error> {
        let Stored { settings, members, variance, n_ticks, last_at, interval, sums } = stored;
        let sums_of = |member: &Member| [member.above.sum, member.below.sum];
        let mut numbers = members.values().flat_map(sums_of).chain([variance, interval]);
        if !numbers.all(|number| number.is_finite() && number >= 0.0) || !sums.is_sound() {
            return Err(Error::snapshot("holds peers with numbers that are none"));
        }
        let fresh = Self::new(settings)?;
        Ok(Self { members, variance, n_ticks, last_at, interval, sums, ..fresh })
    }
}

#[cfg(test)]
mod tests;
