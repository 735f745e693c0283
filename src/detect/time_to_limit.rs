//! When a quantity will reach its limit: a leak, a disk, a quota, a pool of connections.
//!
//! In: samples, oldest first. Out: the earliest, the likely and the latest time of reaching the limit,
//! or a time before which it is not reached. The line is drawn since the last change only, and its error
//! is taken from how the samples wander around it. Knows no units.

mod line;

use serde::{Deserialize, Serialize};

use self::line::{Line, Point, since_last_bend, was_seen_before};
use super::kept::kept;
use crate::Error;
use crate::explain::{Reason, codes};
use crate::time::{Duration, Timestamp};

/// At so many stretches two by two become one, so that any history takes the same memory.
const MOST_STRETCHES: usize = 64;
/// With fewer stretches there is no line.
const LEAST_STRETCHES: usize = 8;
/// With fewer samples neither.
const LEAST_SAMPLES: u32 = 30;
/// A sample further off the level than so many usual steps is pulled in to there.
const CLIP: f64 = 6.0;
/// So many in a row beyond it are a new level: a clean-up, a restart, a step.
const NEW_LEVEL: u32 = 3;
/// The share of the next sample in the level and of its step in what is usual.
const PACE: f64 = 0.2;
const STEP_PACE: f64 = 0.05;
/// Beyond this no square of a number is finite.
const MOST: f64 = 1e150;
/// There is a trend where chance explains the slope this rarely (one-sided).
const CHANCE: f64 = 3.5; // normal quantile of 0.9998
/// The bounds of the 90 % range.
const BOUNDS: f64 = 1.645;

/// Tells when a quantity reaches its limit.
///
/// ```
/// use forescale::Timestamp;
/// use forescale::detect::time_to_limit::{Answer, Config, TimeToLimit};
///
/// let mut memory = TimeToLimit::new(Config::at(900.0))?;
/// for minute in 0..200_u32 {
///     // 300 MiB and 2 more each minute, give or take 10: 900 are reached after 300 minutes.
///     let used = 300.0 + 2.0 * f64::from(minute) + f64::from(minute * 37 % 21) - 10.0;
///     memory.observe(Timestamp::from_secs(60 * i64::from(minute)), used);
/// }
/// let Ok(Answer::Range { earliest, likely, latest }) = memory.answer() else { panic!("a trend") };
/// let minutes = |at: Timestamp| at.as_millis() as f64 / 60_000.0;
/// assert!(minutes(earliest) > 280.0 && minutes(latest) < 320.0);
/// assert!((minutes(likely) - 300.0).abs() < 10.0);
/// # Ok::<(), forescale::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct TimeToLimit {
    settings: Config,
    state: State,
}

/// What is known of the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The last samples are at the limit or beyond it.
    Reached,
    /// There is a trend, and it reaches the limit in nine of ten cases within this range.
    Range {
        /// Before it in one of twenty cases.
        earliest: Timestamp,
        /// Where the line itself reaches the limit.
        likely: Timestamp,
        /// After it in one of twenty cases.
        latest: Timestamp,
    },
    /// There is no trend that could be told from chance, or none that reaches the limit as far as the
    /// history allows to look; before this time it is not reached in nineteen of twenty cases.
    NotBefore(Timestamp),
}

/// On which side of the samples the limit lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// A quantity that grows, such as used memory.
    #[default]
    Above,
    /// A quantity that falls, such as free space.
    Below,
}

/// Settings of [`TimeToLimit`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The limit, in the unit of the samples; finite.
    pub limit: f64,
    /// Where the limit lies. Default: `above`.
    #[serde(default)]
    pub side: Side,
    /// How far ahead a range is told, as a multiple of the stretch over which the trend has held;
    /// above 0, at most 10. Default 1: who has climbed for an hour may well turn in the next but one.
    #[serde(default = "default_reach")]
    pub reach: f64,
}

fn default_reach() -> f64 {
    1.0
}

impl Config {
    /// Settings of a limit above, all else by default.
    #[must_use]
    pub fn at(limit: f64) -> Self {
        Self { limit, side: Side::Above, reach: default_reach() }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    /// The means of stretches of `per_stretch` samples, the oldest first.
    stretches: Vec<Point>,
    per_stretch: u32,
    /// The stretch that goes on.
    open: Point,
    n_open: u32,
    n_samples: u32,
    last_at: Option<Timestamp>,
    level: f64,
    /// The usual size of a step off the level.
    step: f64,
    /// How many samples in a row were far above (positive) or below the level, and from when on.
    n_off: i32,
    off: [Point; NEW_LEVEL as usize],
}

impl TimeToLimit {
    /// From settings.
    ///
    /// # Errors
    /// If a setting is out of its range.
    pub fn new(settings: Config) -> Result<Self, Error> {
        if !settings.limit.is_finite() || settings.limit.abs() >= MOST {
            let message = format!("is {}, must be finite and below {MOST:e}", settings.limit);
            return Err(Error::config("limit", message));
        }
        if !(settings.reach > 0.0 && settings.reach <= 10.0) {
            let message = format!("is {}, must be above 0 and at most 10", settings.reach);
            return Err(Error::config("reach", message));
        }
        Ok(Self { settings, state: State { per_stretch: 1, ..State::default() } })
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &Config {
        &self.settings
    }

    /// Takes a sample, in the limit's unit. One that is not finite, or not after the last one, is
    /// passed over.
    pub fn observe(&mut self, at: Timestamp, value: f64) {
        if !value.is_finite() || self.state.last_at.is_some_and(|last| at <= last) {
            return;
        }
        let value = value.clamp(-MOST, MOST);
        // Upside down a limit below is one above.
        let value = if self.settings.side == Side::Above { value } else { -value };
        self.state.observe(at, value);
    }

    /// Forgets all samples, as after a restart that the host knows of.
    pub fn reset(&mut self) {
        self.state = State { per_stretch: 1, ..State::default() };
    }

    /// When the limit is reached, as of the last sample.
    ///
    /// # Errors
    /// [`TOO_LITTLE_HISTORY`](codes::TOO_LITTLE_HISTORY) with fewer than 30 samples since the start
    /// or the last new level.
    pub fn answer(&self) -> Result<Answer, Reason> {
        let State { stretches, n_samples, level, step, .. } = &self.state;
        let (Some(now), true) = (self.state.last_at, *n_samples >= LEAST_SAMPLES) else {
            let facts = [
                ("n_samples", f64::from(*n_samples)),
                ("needed_samples", f64::from(LEAST_SAMPLES)),
            ];
            return Err(Reason::new(codes::TOO_LITTLE_HISTORY, facts));
        };
        let limit = match self.settings.side {
            Side::Above => self.settings.limit,
            Side::Below => -self.settings.limit,
        };
        let open = self.state.full_enough().then_some(self.state.open);
        let mut points = [Point::default(); MOST_STRETCHES + 1];
        let n = stretches.len() + usize::from(open.is_some());
        for (point, &stretch) in points.iter_mut().zip(stretches.iter().chain(&open)) {
            *point = stretch;
        }
        let points = &points[..n];
        let first = since_last_bend(points);
        let recent = &points[first..];
        let far = |seconds: f64| now + span(seconds);
        let Some(line) = (n >= LEAST_STRETCHES).then(|| Line::through(recent)).flatten() else {
            return Ok(Answer::NotBefore(now));
        };
        let now_seconds = seconds(now);
        // Of the noise half may lie above the line at any time.
        if line.at(now_seconds) >= limit || *level - *step >= limit {
            return Ok(Answer::Reached);
        }
        let held = recent[recent.len() - 1].at - recent[0].at;
        let reach = self.settings.reach * held;
        let (earliest, latest) = line.crossing(limit, BOUNDS);
        let ahead = |at: Option<f64>| at.map(|at| (at - now_seconds).max(0.0));
        let likely = ahead(line.crosses(limit)).filter(|likely| *likely <= reach);
        let is_trend =
            line.is_beyond_chance(CHANCE) && !was_seen_before(points, first, line.slope());
        match (ahead(earliest), likely, ahead(latest)) {
            (Some(earliest), Some(likely), Some(latest)) if is_trend => Ok(Answer::Range {
                earliest: far(earliest.min(likely)),
                likely: far(likely),
                latest: far(latest.max(likely)),
            }),
            (earliest, ..) => Ok(Answer::NotBefore(far(earliest.unwrap_or(reach).min(reach)))),
        }
    }

    /// The trend in the limit's unit a day, where there is one; with its 90 % range.
    #[must_use]
    pub fn per_day(&self) -> Option<(f64, f64, f64)> {
        let points = &self.state.stretches;
        let line = (points.len() >= LEAST_STRETCHES)
            .then(|| Line::through(&points[since_last_bend(points)..]))
            .flatten()?;
        let (slope, error) = (line.slope(), line.slope_error(BOUNDS));
        let sign = if self.settings.side == Side::Above { 1.0 } else { -1.0 };
        let day = |slope: f64| sign * slope * 86_400.0;
        let (one, other) = (day(slope - error), day(slope + error));
        Some((one.min(other), day(slope), one.max(other)))
    }
}

fn seconds(at: Timestamp) -> f64 {
    at.as_millis() as f64 / 1000.0
}

fn span(seconds: f64) -> Duration {
    const LONGEST: f64 = 3_000_000_000.0; // 95 years
    Duration::from_secs_f64(seconds.clamp(0.0, LONGEST)).unwrap_or(Duration::ZERO)
}

impl State {
    fn observe(&mut self, at: Timestamp, value: f64) {
        self.last_at = Some(at);
        let point = Point { at: seconds(at), value };
        if self.n_samples == 0 {
            self.level = value;
        }
        let off = value - self.level;
        let most = CLIP * self.step;
        let is_known = self.n_samples >= 10;
        let side = if is_known && off.abs() > most { if off > 0.0 { 1 } else { -1 } } else { 0 };
        self.n_off = if side == 0 || side * self.n_off < 0 { side } else { self.n_off + side };
        if side != 0 {
            self.off[self.n_off.unsigned_abs() as usize - 1] = point;
            if self.n_off.unsigned_abs() == NEW_LEVEL {
                self.begin_anew();
                return;
            }
        }
        let kept = if side == 0 { value } else { self.level + off.clamp(-most, most) };
        self.learn(Point { value: kept, ..point });
    }

    /// What came before the samples that are off is another story.
    fn begin_anew(&mut self) {
        let (off, step, last_at) = (self.off, self.step, self.last_at);
        *self = Self { per_stretch: 1, step, last_at, level: off[0].value, ..Self::default() };
        for point in off {
            self.learn(point);
        }
    }

    fn learn(&mut self, point: Point) {
        self.n_samples = self.n_samples.saturating_add(1);
        let off = point.value - self.level;
        let pace = |slow: f64| (1.0 / f64::from(self.n_samples)).max(slow);
        // A new level is not known to move as the old one did, nor otherwise.
        let step_pace = if self.step > 0.0 { STEP_PACE } else { pace(STEP_PACE) };
        self.step += step_pace * (off.abs() - self.step);
        self.level += pace(PACE) * off;
        self.n_open += 1;
        let share = 1.0 / f64::from(self.n_open);
        self.open.at += share * (point.at - self.open.at);
        self.open.value += share * (point.value - self.open.value);
        if self.n_open < self.per_stretch {
            return;
        }
        self.stretches.push(self.open);
        (self.open, self.n_open) = (Point::default(), 0);
        if self.stretches.len() == MOST_STRETCHES {
            for index in 0..MOST_STRETCHES / 2 {
                let (one, two) = (self.stretches[2 * index], self.stretches[2 * index + 1]);
                self.stretches[index] =
                    Point { at: 0.5 * (one.at + two.at), value: 0.5 * (one.value + two.value) };
            }
            self.stretches.truncate(MOST_STRETCHES / 2);
            self.per_stretch = self.per_stretch.saturating_mul(2);
        }
    }

    /// Whether the open stretch is nearly as good as a full one.
    fn full_enough(&self) -> bool {
        2 * u64::from(self.n_open) >= u64::from(self.per_stretch) && self.n_open > 0
    }
}

kept!(TimeToLimit, "forescale time to limit");

/// What a snapshot holds, before it is trusted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    settings: Config,
    state: State,
}

impl TryFrom<Stored> for TimeToLimit {
    type Error = Error;

    fn try_from(Stored { settings, state }: Stored) -> Result<Self, Error> {
        let is_sound = |point: &Point| point.at.is_finite() && point.value.abs() <= MOST;
        let points = state.stretches.iter().chain(&state.off).chain([&state.open]);
        if state.stretches.len() >= MOST_STRETCHES
            || !points.into_iter().all(is_sound)
            || state.per_stretch == 0
            || state.n_off.unsigned_abs() >= NEW_LEVEL
            || !(state.level.is_finite() && state.step.is_finite() && state.step >= 0.0)
        {
            return Err(Error::snapshot("holds a trend with numbers that are none"));
        }
        Ok(Self { state, ..Self::new(settings)? })
    }
}

#[cfg(test)]
mod tests;
