//! A floor, a cap or a fixed size at the times that people know beforehand.
//!
//! In: the time of the observation. Out: a range of replicas while a window is open, or the reason
//! to have no opinion. Knows nothing of load, nor of other schedules: which of them holds where
//! they overlap is the loop's to say, by their rank.
//!
//! Why not cron for the end of a window too? Two patterns can miss each other (an end that never
//! comes after a start); a start with a duration cannot.

pub(super) mod window;

use serde::{Deserialize, Serialize};

use self::window::{Dated, Recurring, Stretch};
use super::{Policy, Proposal, View, Want};
use crate::Error;
use crate::explain::{Reason, codes};
use crate::time::{Duration, Timestamp};

/// Asks for a range of replicas while a window is open, by cron or by date.
///
/// A window is open from its start for its `duration`, in elapsed time. Where the windows of one
/// pattern overlap, the latest one counts. When clocks are set forward, a start at a time that is
/// skipped happens as soon as the clock goes on; when they are set back, a start at a time that
/// comes twice happens the first time. A pattern that names every hour (`55 * * * *`) follows
/// elapsed time instead: it starts in each hour that passes, and in no other.
///
/// ```
/// use forescale::Timestamp;
/// use forescale::policy::schedule::{Config, Schedule};
///
/// let settings: Config = serde_json::from_str(
///     r#"{"cron": "0 8 * * mon-fri", "time_zone": "Europe/Berlin", "duration": "10h",
///         "min_replicas": 10}"#,
/// )?;
/// let mut office_hours = Schedule::new(settings)?;
///
/// let monday_noon = Timestamp::from_secs(1_767_610_800); // 2026-01-05T12:00+01:00
/// let six_in_the_evening = Timestamp::from_secs(1_767_632_400);
/// assert_eq!(office_hours.open_until(monday_noon), Some(six_in_the_evening));
/// assert_eq!(office_hours.open_until(six_in_the_evening), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Config", into = "Config")]
pub struct Schedule {
    settings: Config,
    opening: Opening,
    /// Spares the search in the calendar. Not saved: it follows from the settings and the time.
    stretch: Option<Stretch>,
}

#[derive(Clone, Debug)]
enum Opening {
    Recurring(Box<Recurring>),
    Dated(Dated),
}

impl Schedule {
    /// A window lasts for this many days at most.
    pub const MOST_DAYS: u32 = 366;

    /// From its settings.
    ///
    /// # Errors
    /// If the time zone is unknown; if there is neither `cron` with `duration` nor `windows`, or
    /// both; if a pattern cannot be read or names a date that never comes; if a window does not
    /// end after it starts; or if no replicas are asked for, or a minimum above the maximum.
    pub fn new(settings: Config) -> Result<Self, Error> {
        settings.check_replicas()?;
        let opening = settings.opening()?;
        Ok(Self { settings, opening, stretch: None })
    }

    /// The name of the schedule, if it has one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.settings.name.as_deref()
    }

    /// When the window that is open at this time ends; `None` if none is open.
    ///
    /// Fast for times close to the one before, whichever way the clock goes; a time outside the
    /// calendar (the years 1 to 5000 for `cron`) has no window.
    pub fn open_until(&mut self, at: Timestamp) -> Option<Timestamp> {
        let cached = self.stretch.filter(|stretch| stretch.from <= at && at < stretch.until);
        let stretch = cached.or_else(|| match &self.opening {
            Opening::Recurring(recurring) => recurring.stretch(at),
            Opening::Dated(dated) => Some(dated.stretch(at)),
        })?;
        self.stretch = Some(stretch);
        stretch.open_until
    }
}

impl Policy for Schedule {
    fn propose(&mut self, view: &View<'_>) -> Result<Proposal, Reason> {
        let inactive = || Reason::new(codes::SCHEDULE_INACTIVE, []);
        let until = self.open_until(view.at).ok_or_else(inactive)?;
        let (min, max) = self.settings.range();
        let left = ("left_seconds", until.since(view.at).as_secs_f64());
        let least = |replicas| ("min_replicas", f64::from(replicas));
        let most = |replicas| ("max_replicas", f64::from(replicas));
        let reason = match (min, max) {
            (Some(min), Some(max)) if min == max => {
                Reason::new(codes::SCHEDULE_EXACT, [least(min), most(max), left])
            }
            (Some(min), Some(max)) => {
                Reason::new(codes::SCHEDULE_ACTIVE, [least(min), most(max), left])
            }
            (Some(min), None) => Reason::new(codes::SCHEDULE_FLOOR, [least(min), left]),
            (None, Some(max)) => Reason::new(codes::SCHEDULE_CAP, [most(max), left]),
            (None, None) => return Err(inactive()),
        };
        let want = Want::Range { min, max, rank: self.settings.rank };
        Ok(Proposal { want, wish: None, demand: None, reason })
    }

    fn name(&self) -> Option<&str> {
        Schedule::name(self)
    }

    fn only_narrows(&self) -> bool {
        true
    }

    fn check_limits(&self, min_replicas: u32, max_replicas: u32) -> Result<(), Error> {
        let field = |other| if self.settings.replicas.is_some() { "replicas" } else { other };
        let outside = |field, asked, side, limit, bound| {
            let message = format!(
                "is {asked}, must not be {side} the autoscaler's `{limit}`, which is {bound}"
            );
            Err(Error::config(field, message))
        };
        match self.settings.range() {
            (Some(floor), _) if floor > max_replicas => {
                outside(field("min_replicas"), floor, "above", "max_replicas", max_replicas)
            }
            (_, Some(cap)) if cap < min_replicas => {
                outside(field("max_replicas"), cap, "below", "min_replicas", min_replicas)
            }
            _ => Ok(()),
        }
    }
}

/// Equal settings answer the same at all times.
impl PartialEq for Schedule {
    fn eq(&self, other: &Self) -> bool {
        self.settings == other.settings
    }
}

impl TryFrom<Config> for Schedule {
    type Error = Error;

    fn try_from(settings: Config) -> Result<Self, Error> {
        Self::new(settings)
    }
}

impl From<Schedule> for Config {
    fn from(schedule: Schedule) -> Self {
        schedule.settings
    }
}

/// Settings of [`Schedule`]: `cron` with `duration`, or `windows`; and the replicas asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// What people call it. Default: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// When windows start: minute, hour, day of the month, month, day of the week, in the civil
    /// time of `time_zone`. Names (`mon-fri`, `jan`), steps (`*/2`), `L` (last), `#` (nth) and `W`
    /// (nearest workday) are known; of a day of the month and one of the week, either suffices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cron: Option<String>,
    /// How long a window that `cron` opens stays open, in elapsed time; above zero, at most 366
    /// days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<Duration>,
    /// Windows by date, in place of `cron`; those that overlap count as one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub windows: Option<Vec<Window>>,
    /// The IANA name of the time zone. Default: `UTC`, as no other is everybody's.
    #[serde(default = "utc")]
    pub time_zone: String,
    /// At least so many replicas while a window is open; not above the autoscaler's
    /// `max_replicas`. Default: no floor but the limits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_replicas: Option<u32>,
    /// At most so many replicas while a window is open; not below the autoscaler's
    /// `min_replicas`. Default: no cap but the limits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_replicas: Option<u32>,
    /// Exactly so many replicas while a window is open, in place of a floor and a cap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<u32>,
    /// Where schedules overlap, those of the highest rank hold. Default: 0, so that equals meet.
    #[serde(default)]
    pub rank: i32,
}

/// A window by date.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// When it opens, such as `2026-12-24T08:00` in the civil time of `time_zone`, or with an
    /// offset of its own (`+01:00`, `Z`). A date alone means its midnight.
    pub start: String,
    /// When it closes; written as `start` is, and after it.
    pub end: String,
}

fn utc() -> String {
    "UTC".to_owned()
}

impl Config {
    /// The floor and the cap.
    pub(crate) fn range(&self) -> (Option<u32>, Option<u32>) {
        (self.replicas.or(self.min_replicas), self.replicas.or(self.max_replicas))
    }

    /// When the last of the windows by date ends; `None` for a pattern, which goes on.
    pub(crate) fn last_end(&self) -> Result<Option<Timestamp>, Error> {
        let Some(windows) = &self.windows else { return Ok(None) };
        let zone = window::zone(&self.time_zone)?;
        let mut last = None;
        for window in windows {
            last = last.max(Some(window.moments(&zone)?.1));
        }
        Ok(last)
    }

    fn check_replicas(&self) -> Result<(), Error> {
        match (self.replicas, self.min_replicas, self.max_replicas) {
            (None, None, None) => {
                let message =
                    "asks for nothing, must have `min_replicas`, `max_replicas` or `replicas`";
                Err(Error::config("", message))
            }
            (Some(replicas), Some(_), _) | (Some(replicas), _, Some(_)) => {
                let message =
                    format!("is {replicas}, must stand without `min_replicas` and `max_replicas`");
                Err(Error::config("replicas", message))
            }
            (None, Some(min), Some(max)) if min > max => {
                let message = format!("is {min}, must be at most `max_replicas`, {max}");
                Err(Error::config("min_replicas", message))
            }
            _ => Ok(()),
        }
    }

    fn opening(&self) -> Result<Opening, Error> {
        let zone = window::zone(&self.time_zone)?;
        match (&self.cron, self.duration, &self.windows) {
            (Some(cron), Some(duration), None) => {
                let longest = Duration::from_secs(86_400).times(Schedule::MOST_DAYS.into());
                if duration.is_zero() || duration > longest {
                    let message =
                        format!("is {duration}, must be above zero and at most {longest}");
                    return Err(Error::config("duration", message));
                }
                Ok(Opening::Recurring(Box::new(Recurring::new(cron, zone, duration)?)))
            }
            (None, None, Some(windows)) if !windows.is_empty() => {
                let moments = windows.iter().enumerate().map(|(i, window)| {
                    window.moments(&zone).map_err(|error| error.at(&format!("windows[{i}]")))
                });
                Ok(Opening::Dated(Dated::new(moments.collect::<Result<_, _>>()?)))
            }
            (None, None, Some(_)) => {
                Err(Error::config("windows", "is empty, must have at least one window"))
            }
            (_, _, Some(_)) => {
                let message = "is given, must stand without `cron` and `duration`";
                Err(Error::config("windows", message))
            }
            (Some(_), None, None) => {
                Err(Error::config("duration", "is missing, `cron` must have it"))
            }
            (None, _, None) => {
                Err(Error::config("cron", "is missing, must be given, or else `windows`"))
            }
        }
    }
}

impl Window {
    fn moments(&self, zone: &jiff::tz::TimeZone) -> Result<(Timestamp, Timestamp), Error> {
        let start = window::moment(&self.start, zone).map_err(|error| error.at("start"))?;
        let end = window::moment(&self.end, zone).map_err(|error| error.at("end"))?;
        if start < end {
            return Ok((start, end));
        }
        let message = format!("is \"{}\", must be after `start`, \"{}\"", self.end, self.start);
        Err(Error::config("end", message))
    }
}

#[cfg(test)]
mod tests;
