//! Whether a metric is beyond a threshold for long enough, exactly as an Amazon CloudWatch alarm.
//!
//! In: the means of whole periods, the newest first. Out: the alarm's state. Knows no replicas and
//! no time. Source: the CloudWatch guide, "Alarm evaluation" and "Configuring how CloudWatch alarms
//! treat missing data"; both of its tables are tests here.

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::explain::{Reason, codes};
use crate::series::Periods;
use crate::time::{Duration, Timestamp};

/// On which side of the threshold a period counts as breaching; AWS's `ComparisonOperator`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Comparison {
    /// Above it. AWS: `GreaterThanThreshold`.
    Above,
    /// Above it or at it. AWS: `GreaterThanOrEqualToThreshold`.
    AtOrAbove,
    /// Below it. AWS: `LessThanThreshold`.
    Below,
    /// Below it or at it. AWS: `LessThanOrEqualToThreshold`.
    AtOrBelow,
}

impl Comparison {
    /// Whether `value` is breaching.
    ///
    /// ```
    /// use forescale::policy::alarm::Comparison::{Above, AtOrAbove};
    ///
    /// assert!(AtOrAbove.breaches(50.0, 50.0) && !Above.breaches(50.0, 50.0));
    /// ```
    #[must_use]
    pub fn breaches(self, value: f64, threshold: f64) -> bool {
        match self {
            Self::Above => value > threshold,
            Self::AtOrAbove => value >= threshold,
            Self::Below => value < threshold,
            Self::AtOrBelow => value <= threshold,
        }
    }

    /// Whether it looks above the threshold.
    #[must_use]
    pub fn is_above(self) -> bool {
        matches!(self, Self::Above | Self::AtOrAbove)
    }
}

/// What stands for a missing period where too few have a reading; AWS's `TreatMissingData`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum MissingData {
    /// Nothing: without any reading the state is [`State::InsufficientData`].
    #[default]
    Missing,
    /// A period beyond the threshold.
    Breaching,
    /// A period within the threshold.
    NotBreaching,
    /// Nothing: the state stays as it is.
    Ignore,
}

/// The state of an alarm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Within the threshold.
    Ok,
    /// Beyond it for long enough.
    Alarm,
    /// There is too little to judge by.
    #[default]
    InsufficientData,
}

/// When an alarm goes off: `points` of the last `of` periods beyond a threshold.
///
/// ```
/// use forescale::policy::alarm::{Comparison, MissingData, Rule, State};
///
/// let rule = Rule {
///     comparison: Comparison::Above,
///     threshold: 50.0,
///     points: 2,
///     of: 3,
///     missing_data: MissingData::Missing,
/// };
/// // The newest first: 60, 40, 55.
/// let means = [Some(60.0), Some(40.0), Some(55.0)];
/// assert_eq!(rule.judge(means, State::Ok), State::Alarm);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rule {
    /// On which side of the threshold a period is breaching.
    pub comparison: Comparison,
    /// The threshold, in the metric's unit.
    pub threshold: f64,
    /// So many periods must be breaching, from 1 to `of`. AWS: `DatapointsToAlarm`.
    pub points: u32,
    /// Of so many. AWS: `EvaluationPeriods`.
    pub of: u32,
    /// What stands for a missing period.
    pub missing_data: MissingData,
}

impl Rule {
    /// A rule judges by so many periods at most; AWS's bound is a day of them.
    pub const MOST_PERIODS: u32 = 100;

    /// From how many of the last periods the `of` that are judged may be taken, missing ones among
    /// them: CloudWatch's evaluation range. How long it is there is not told in general; in the
    /// guide's tables it is 5 for 3, and here always 2 more.
    #[must_use]
    pub fn range(&self) -> usize {
        self.of as usize + 2
    }

    /// The state after a period has closed; `means` are those of the last periods, the newest first
    /// and `None` where missing, of which the first [`range`](Self::range) count.
    ///
    /// The newest `of` periods with a reading are judged, whatever lies between them. Where there
    /// are fewer, what stands for missing data fills up; where that is nothing, the alarm goes off
    /// all the same if there is a reading, all are breaching and the oldest is at least `points`
    /// periods old.
    #[must_use]
    pub fn judge(&self, means: impl IntoIterator<Item = Option<f64>>, before: State) -> State {
        let (mut n_known, mut n_breaching, mut n_within, mut oldest) = (0, 0, 0, 0);
        for (age, mean) in (1..).zip(means.into_iter().take(self.range())) {
            let Some(mean) = mean else { continue };
            if n_known == self.of {
                break;
            }
            n_known += 1;
            oldest = age;
            if self.comparison.breaches(mean, self.threshold) {
                n_breaching += 1;
            } else {
                n_within += 1;
            }
        }
        let n_filled = match self.missing_data {
            MissingData::Breaching => self.of - n_known,
            _ => 0,
        };
        if n_breaching + n_filled >= self.points {
            return State::Alarm;
        }
        match self.missing_data {
            MissingData::Breaching | MissingData::NotBreaching => State::Ok,
            _ if n_within > 0 => State::Ok,
            MissingData::Ignore => before,
            MissingData::Missing if n_known > 0 && oldest >= self.points => State::Alarm,
            MissingData::Missing => State::InsufficientData,
        }
    }

    /// The means that [`judge`](Self::judge) judges by, the newest first.
    pub fn judged(
        &self,
        means: impl IntoIterator<Item = Option<f64>>,
    ) -> impl Iterator<Item = f64> {
        means.into_iter().take(self.range()).flatten().take(self.of as usize)
    }

    /// Refuses a rule that no periods could meet.
    ///
    /// # Errors
    /// If a number is out of its range.
    pub(super) fn check(&self, period: Duration) -> Result<(), Error> {
        if !self.threshold.is_finite() {
            let message = format!("is {}, must be a finite number", self.threshold);
            return Err(Error::config("threshold", message));
        }
        check_periods("points", self.points, Self::MOST_PERIODS)?;
        check_periods("of", self.of, Self::MOST_PERIODS)?;
        check_periods("points", self.points, self.of)?;
        check_period(period)
    }
}

/// AWS's default: so many periods must be breaching before it scales out.
pub(super) fn three() -> u32 {
    3
}

/// The default length of a period.
pub(super) fn a_minute() -> Duration {
    Duration::from_secs(60)
}

/// AWS's default cooldown, which stands in for a warm-up too.
pub(super) fn five_minutes() -> Duration {
    Duration::from_secs(300)
}

/// Refuses a number of periods that is not in 1 to `most`.
pub(super) fn check_periods(field: &str, n: u32, most: u32) -> Result<(), Error> {
    if (1..=most).contains(&n) {
        return Ok(());
    }
    Err(Error::config(field, format!("is {n}, must be from 1 to {most}")))
}

/// Refuses a period that is too short or too long to be one.
pub(super) fn check_period(period: Duration) -> Result<(), Error> {
    let (least, most) = (Duration::from_secs(1), Duration::from_secs(86_400));
    if (least..=most).contains(&period) {
        return Ok(());
    }
    Err(Error::config("period", format!("is {period}, must be from 1s to 1d")))
}

/// The reading's own trouble where there is too little data: it tells more than that there is too
/// little, and a fallback goes by it.
pub(super) fn own_trouble(reason: Reason, reading: Result<f64, Reason>) -> Reason {
    let is_insufficient = reason.code() == codes::INSUFFICIENT_DATA.name();
    reading.err().filter(|_| is_insufficient).unwrap_or(reason)
}

/// A metric's periods and the alarm on them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Watch {
    periods: Periods,
    state: State,
}

impl Watch {
    pub(super) fn new(rule: &Rule, period: Duration) -> Self {
        Self { periods: Periods::new(period, rule.range()), state: State::InsufficientData }
    }

    /// Refuses a damaged snapshot's, which need not be one of this rule and period.
    pub(super) fn check(&self, rule: &Rule, period: Duration) -> Result<(), Error> {
        if self.periods.period() == period && self.periods.capacity() == rule.range() {
            return Ok(());
        }
        Err(Error::snapshot("holds periods of other settings"))
    }

    /// Takes a reading; whether the periods have changed.
    pub(super) fn push(&mut self, at: Timestamp, rule: &Rule, value: Option<f64>) -> bool {
        let mut closed = false;
        self.periods.push(at, value, |means| {
            let newest_first = (0..rule.range()).map(|age| means.back(age));
            self.state = rule.judge(newest_first, self.state);
            closed = true;
        });
        if self.periods.is_empty() {
            // At the start, and after a clock that was set back.
            self.state = State::InsufficientData;
            return true;
        }
        closed
    }

    /// The last means, the newest first.
    pub(super) fn means(&self) -> impl Iterator<Item = Option<f64>> {
        (0..self.periods.capacity()).map(|age| self.periods.back(age))
    }

    /// The reason to do nothing if the alarm is not on.
    pub(super) fn check_alarm(&self, rule: &Rule) -> Result<(), Reason> {
        let count = |counts: fn(&f64, &Rule) -> bool| {
            rule.judged(self.means()).filter(|mean| counts(mean, rule)).count() as f64
        };
        match self.state {
            State::Alarm => Ok(()),
            State::Ok => {
                let breaching = count(|&mean, rule| rule.comparison.breaches(mean, rule.threshold));
                let facts = [
                    ("n_breaching", breaching),
                    ("threshold", rule.threshold),
                    ("needed", rule.points.into()),
                ];
                Err(Reason::new(codes::WITHIN_THRESHOLD, facts))
            }
            State::InsufficientData => {
                Err(Reason::new(codes::INSUFFICIENT_DATA, [("n_periods", count(|_, _| true))]))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::MissingData::{Breaching, Ignore, Missing, NotBreaching};
    use super::*;

    fn rule(points: u32, of: u32, missing_data: MissingData) -> Rule {
        Rule { comparison: Comparison::AtOrAbove, threshold: 1.0, points, of, missing_data }
    }

    /// A picture as the guide draws it: the newest to the right, X breaching, 0 not, - missing.
    fn judge(rule: Rule, picture: &str, before: State) -> State {
        let means = picture.bytes().rev().map(|period| match period {
            b'X' => Some(1.0),
            b'0' => Some(0.0),
            _ => None,
        });
        rule.judge(means, before)
    }

    /// `None`: the state stays as it is.
    fn read(points: u32, of: u32, table: &[(&str, [Option<State>; 4])]) {
        for (picture, want) in table {
            for (missing_data, want) in
                [Missing, Ignore, Breaching, NotBreaching].into_iter().zip(want)
            {
                for before in [State::Ok, State::Alarm, State::InsufficientData] {
                    let state = judge(rule(points, of, missing_data), picture, before);
                    assert_eq!(state, want.unwrap_or(before), "{picture} {missing_data:?}");
                }
            }
        }
    }

    const OK: Option<State> = Some(State::Ok);
    const ALARM: Option<State> = Some(State::Alarm);
    const NONE: Option<State> = Some(State::InsufficientData);
    const STAYS: Option<State> = None;

    #[test]
    fn three_of_three_are_judged_as_in_the_guides_table() {
        read(
            3,
            3,
            &[
                // missing, ignore, breaching, not breaching
                ("0-X-X", [OK, OK, OK, OK]),
                ("0----", [OK, OK, OK, OK]),
                ("-----", [NONE, STAYS, ALARM, OK]),
                ("0XX-X", [ALARM, ALARM, ALARM, ALARM]),
                ("--X--", [ALARM, STAYS, ALARM, OK]),
                // Of the guide's text and its older table: too early to tell.
                ("----X", [NONE, STAYS, ALARM, OK]),
                ("---X-", [NONE, STAYS, ALARM, OK]),
                ("X----", [ALARM, STAYS, ALARM, OK]),
                ("--X-0", [OK, OK, OK, OK]),
            ],
        );
    }

    #[test]
    fn two_of_three_are_judged_as_in_the_guides_table() {
        read(
            2,
            3,
            &[
                ("0-X-X", [ALARM, ALARM, ALARM, ALARM]),
                ("00X0X", [ALARM, ALARM, ALARM, ALARM]),
                ("0-X--", [OK, OK, ALARM, OK]),
                ("----0", [OK, OK, ALARM, OK]),
                ("---X-", [ALARM, STAYS, ALARM, OK]),
                ("----X", [NONE, STAYS, ALARM, OK]),
            ],
        );
    }

    #[test]
    fn only_the_newest_periods_count() {
        read(
            2,
            3,
            &[
                ("XX000", [OK; 4]),
                ("000XX", [ALARM; 4]),
                ("XXX-0-0-", [OK; 4]),
                ("XXX-0---", [OK, OK, ALARM, OK]),
            ],
        );
        read(1, 1, &[("X0", [OK; 4]), ("0X", [ALARM; 4]), ("X--", [ALARM; 4])]);
        let means = [None, Some(4.0), Some(3.0), Some(2.0), Some(1.0)];
        let judged: Vec<_> = rule(2, 3, Missing).judged(means).collect();
        assert_eq!(judged, [4.0, 3.0, 2.0]);
    }

    #[test]
    fn each_comparison_has_its_side_and_its_edge() {
        use Comparison::{Above, AtOrAbove, AtOrBelow, Below};
        for (comparison, want) in [
            (Above, [false, false, true]),
            (AtOrAbove, [false, true, true]),
            (Below, [true, false, false]),
            (AtOrBelow, [true, true, false]),
        ] {
            let breaches = [49.0, 50.0, 51.0].map(|value| comparison.breaches(value, 50.0));
            assert_eq!(breaches, want, "{comparison:?}");
            assert_eq!(comparison.is_above(), want[2], "{comparison:?}");
        }
    }

    #[test]
    fn a_rule_out_of_its_range_is_refused() {
        let good = rule(2, 3, Missing);
        let minute = Duration::from_secs(60);
        assert!(good.check(minute).is_ok());
        for (rule, period, want) in [
            (Rule { points: 0, ..good }, minute, "`points` is 0, must be from 1 to 100"),
            (Rule { points: 4, ..good }, minute, "`points` is 4, must be from 1 to 3"),
            (Rule { of: 101, ..good }, minute, "`of` is 101, must be from 1 to 100"),
            (Rule { threshold: f64::NAN, ..good }, minute, "`threshold` is NaN"),
            (good, Duration::from_millis(999), "`period` is 999ms, must be from 1s to 1d"),
            (good, Duration::from_secs(86_401), "`period` is 1d 1s"),
        ] {
            let error = rule.check(period).expect_err(want).to_string();
            assert!(error.starts_with(want), "{error}");
        }
    }
}
