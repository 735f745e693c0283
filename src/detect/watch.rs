//! One series under one evidence, or under all of it.
//!
//! In: samples. Out: an [`Anomaly`] for each. Knows no evidence: each has its file.

use std::fmt::Debug;

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize};

use super::alarm::Alarm;
use super::anomaly::{Anomaly, AnomalyKind};
use super::baseline::{Baseline, FAR, Season, Seen};
use super::missing::Gaps;
use super::recent::Recent;
use super::{Detector, tail};
use crate::Error;
use crate::explain::{Reason, codes};
use crate::series::Sample;
use crate::time::Duration;

/// Something that shows in a series when it is abnormal.
pub trait Evidence:
    Clone + Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// By how much its digits count for an alarm, which is given at five: alone, an evidence is heard
    /// at one chance in four thousand.
    const SAY: f64 = 1.4;

    /// Before the first sample.
    fn new() -> Self;

    /// How rare what shows at this value is; learns from it.
    fn weigh(&mut self, seen: &Seen, recent: &Recent) -> Found;

    /// What is usual is known better from here on than it was: what was learnt counts less.
    fn restart(&mut self);

    /// The deviation in spreads beyond which one value in a thousand lies.
    fn reach(&self) -> f64 {
        4.0
    }
}

/// What an evidence found at a value.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Found {
    /// By which an alarm is given: `-log10` of the chance, or a sum of such.
    pub(super) digits: f64,
    /// `-log10` of the chance.
    pub(super) rarity: f64,
    pub(super) is_up: bool,
    /// `None`: by the looks of the last values.
    pub(super) kind: Option<AnomalyKind>,
}

impl Found {
    pub(super) fn new(digits: f64, is_up: bool) -> Self {
        Self { digits, rarity: digits, is_up, kind: None }
    }

    pub(super) fn with(self, kind: AnomalyKind) -> Self {
        Self { kind: Some(kind), ..self }
    }
}

/// Which side is alarmed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Both.
    #[default]
    Both,
    /// Only what is too high (and data that are missing).
    Above,
    /// Only what is too low (and data that are missing).
    Below,
}

/// Settings of a detector.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// So many alarms a day are welcome in the long run, from 0.001 to 1000: beyond them an event
    /// must be the stronger the more of them there were. It is a ceiling, not a quota: a quiet
    /// series gives fewer. Default 0.2: one in five days.
    pub alarms_per_day: f64,
    /// The seasons that are learnt. Default: the time of day, and the hour of the week.
    pub season: Season,
    /// A deviation below half of this is never abnormal, in the unit of the value, from 0 up.
    /// Default 0: a fifth of a percent of the level is what is too small.
    pub min_deviation: f64,
    /// The side that is alarmed. Default both.
    pub direction: Direction,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            alarms_per_day: 0.2,
            season: Season::default(),
            min_deviation: 0.0,
            direction: Direction::default(),
        }
    }
}

impl Config {
    fn check(&self) -> Result<(), Error> {
        let refuse = |field: &str, value: f64, must: &str| {
            Err(Error::config(field, format!("is {value}, must be {must}")))
        };
        if !(0.001..=1000.0).contains(&self.alarms_per_day) {
            return refuse("alarms_per_day", self.alarms_per_day, "in [0.001, 1000]");
        }
        if !(0.0..=1e100).contains(&self.min_deviation) {
            return refuse("min_deviation", self.min_deviation, "in [0, 1e100]");
        }
        Ok(())
    }
}

/// Watches one series for one kind of evidence; all of it is [`Auto`](super::auto::Auto).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound = "")]
pub struct Watch<E: Evidence> {
    settings: Config,
    /// What the purse of alarms gains a sample.
    income: f64,
    #[serde(deserialize_with = "whole")]
    baseline: Baseline,
    #[serde(deserialize_with = "whole")]
    recent: Recent,
    evidence: E,
    gaps: Gaps,
    alarm: Alarm,
}

/// State that may come from a damaged snapshot.
pub(super) trait Whole {
    /// Whether its parts fit together.
    fn is_whole(&self) -> bool;
}

fn whole<'de, D: Deserializer<'de>, T: Deserialize<'de> + Whole>(
    deserializer: D,
) -> Result<T, D::Error> {
    let state = T::deserialize(deserializer)?;
    if state.is_whole() { Ok(state) } else { Err(D::Error::custom("parts do not fit together")) }
}

impl<E: Evidence> Watch<E> {
    /// From its settings and the typical distance of two samples.
    ///
    /// # Errors
    /// If a setting is out of its range.
    pub fn new(settings: Config, step: Duration) -> Result<Self, Error> {
        settings.check()?;
        let days = step.as_secs_f64() / 86_400.0;
        Ok(Self {
            income: settings.alarms_per_day * days,
            baseline: Baseline::new(settings.season, step, settings.min_deviation),
            recent: Recent::new(),
            evidence: E::new(),
            gaps: Gaps::new(step),
            alarm: Alarm::new(),
            settings,
        })
    }

    /// A sample without a value, or before there is enough of them.
    fn blank(&mut self, sample: Sample, found: Found, reason: Reason) -> Anomaly {
        let score = self.alarm.score(found.digits, false, self.income);
        Anomaly {
            at: sample.at,
            value: sample.value,
            score,
            p_value: chance(found.rarity),
            is_anomaly: score >= 0.5,
            kind: found.kind,
            expected: None,
            lower: None,
            upper: None,
            reason,
        }
    }

    /// What it is, by the looks of the last values.
    fn kind(&self, found: &Found) -> AnomalyKind {
        found.kind.unwrap_or_else(|| {
            let [above, below] = [2.0, -2.0].map(|off| self.recent.n_beyond(3 * JUST_NOW, off));
            if above.min(below) + 1 >= JUST_NOW {
                return AnomalyKind::Variance;
            }
            let side = if found.is_up { 1.0 } else { -1.0 };
            let lasts = self.recent.n_beyond(JUST_NOW, 2.0 * side) + 1 >= JUST_NOW;
            match (lasts, found.is_up) {
                (true, _) if self.recent.is_a_line() => AnomalyKind::Trend,
                (true, true) => AnomalyKind::LevelUp,
                (true, false) => AnomalyKind::LevelDown,
                (false, true) => AnomalyKind::Spike,
                (false, false) => AnomalyKind::Dip,
            }
        })
    }
}

/// A level is told from a spike by so many values, of which one may lie elsewhere.
const JUST_NOW: usize = 4;

/// From here on it is told what a sample is, whether or not it is an alarm.
const ABNORMAL: f64 = 3.0;

/// The chance of so many digits.
fn chance(digits: f64) -> f64 {
    libm::exp(-std::f64::consts::LN_10 * digits)
}

/// No value may lie beyond, so that sums and differences stay finite.
const MOST: f64 = 1e300;

impl<E: Evidence> Detector for Watch<E> {
    fn score(&mut self, sample: Sample) -> Anomaly {
        let value = sample.value.filter(|value| value.abs() <= MOST);
        let sample = Sample { value, ..sample };
        let gap = self.gaps.weigh(sample).with(AnomalyKind::Missing);
        let Some(value) = value else {
            let n_missing = self.gaps.run() as f64;
            let gap = if gap.digits >= ABNORMAL { gap } else { Found { kind: None, ..gap } };
            let reason = Reason::new(codes::MISSING, [("n_missing", n_missing)]);
            return self.blank(sample, gap, reason);
        };
        let seen = self.baseline.see(sample, value);
        self.recent.push(seen.off);
        let found = self.evidence.weigh(&seen, &self.recent);
        if seen.n + 1 == self.baseline.settles_after() {
            self.evidence.restart();
        }
        if seen.n < tail::Tail::LEAST {
            let facts =
                [("n_samples", seen.n as f64), ("needed_samples", tail::Tail::LEAST as f64)];
            let reason = Reason::new(codes::TOO_LITTLE_HISTORY, facts);
            return self.blank(sample, Found::default(), reason);
        }
        let is_asked = match self.settings.direction {
            Direction::Both => true,
            Direction::Above => found.is_up,
            Direction::Below => !found.is_up,
        };
        let digits = if is_asked { E::SAY * found.digits } else { 0.0 };
        let lost = gap.digits > digits;
        let score = self.alarm.score(digits.max(gap.digits), seen.pace < 1.0, self.income);
        let is_anomaly = score >= 0.5;
        let rarity = found.rarity.max(gap.rarity);
        let kind = (is_anomaly || rarity >= ABNORMAL)
            .then(|| if lost { AnomalyKind::Missing } else { self.kind(&found) });
        let reach = self.evidence.reach().min(FAR) * seen.spread;
        let (lower, upper) = (seen.expected - reach, seen.expected + reach);
        let p_value = chance(rarity);
        let facts = [
            ("value", value),
            ("expected", seen.expected),
            ("lower", lower),
            ("upper", upper),
            ("p_value", p_value),
            ("deviations", seen.off),
        ];
        let code = match kind {
            Some(kind) if is_anomaly => kind.code(),
            Some(_) => codes::ABNORMAL,
            None => codes::AS_USUAL,
        };
        Anomaly {
            at: sample.at,
            value: Some(value),
            score,
            p_value,
            is_anomaly,
            kind,
            expected: Some(seen.expected),
            lower: Some(lower),
            upper: Some(upper),
            reason: Reason::new(code, facts),
        }
    }
}
