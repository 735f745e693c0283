//! From one cron pattern to the next of another.
//!
//! In: a pattern that opens and one that closes, each of five fields. Out: the length of time
//! between, where that is always the same. Knows no time zone.

use crate::time::Duration;

/// How long a window lasts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Length {
    pub(super) duration: Duration,
    /// Whether a night lies in it, in which clocks may change.
    pub(super) crosses_midnight: bool,
}

/// The time from each start to the end that follows it.
///
/// # Errors
/// What is wrong with the patterns, or that the time is not always the same.
pub(super) fn between(start: &str, end: &str) -> Result<Length, String> {
    between_any(start, &[end])
}

/// As [`between`], to whichever of several ends comes first.
///
/// # Errors
/// As [`between`].
#[cfg(feature = "schedule")]
pub(super) fn between_any(start: &str, ends: &[&str]) -> Result<Length, String> {
    use croner::parser::{CronParser, Seconds, Year};
    use jiff::civil::DateTime;

    let read = |text: &str| {
        let parser =
            CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        parser.parse(text).map_err(|_| {
            format!("\"{text}\" is not five fields of cron such as \"0 8 * * mon-fri\"")
        })
    };
    let starts = read(start)?;
    let ends: Vec<_> = ends.iter().map(|end| read(end)).collect::<Result<_, _>>()?;
    let next = |cron: &croner::Cron, from: &DateTime| {
        cron.find_next_occurrence(from, false).map_err(|_| "never comes".to_owned())
    };
    let varies = || "the time from `start` to `end` is not always the same".to_owned();
    // A leap year and the week after it, by way of all starts if there are few.
    let mut from = DateTime::constant(2023, 12, 31, 23, 59, 0, 0);
    let last = DateTime::constant(2025, 1, 8, 0, 0, 0, 0);
    let mut found: Option<Length> = None;
    for _ in 0..1500 {
        let opens = next(&starts, &from)?;
        if found.is_some() && opens > last {
            break;
        }
        let closes = ends.iter().filter_map(|end| next(end, &opens).ok()).min();
        let closes = closes.ok_or_else(|| "never ends".to_owned())?;
        let seconds = opens.duration_until(closes).as_secs();
        let seconds = u32::try_from(seconds).map_err(|_| varies())?;
        let crosses_midnight = opens.date() != closes.date();
        let length = Length { duration: Duration::from_secs(seconds), crosses_midnight };
        if found.is_some_and(|found| found.duration != length.duration) {
            return Err(varies());
        }
        found = Some(Length {
            crosses_midnight: crosses_midnight || found.is_some_and(|found| found.crosses_midnight),
            ..length
        });
        from = opens;
    }
    found.ok_or_else(varies)
}

/// The first time after a civil one that any of the patterns names; `None` for a time with an
/// offset.
#[cfg(feature = "schedule")]
pub(super) fn next_after(date: &str, patterns: &[&str]) -> Option<String> {
    use croner::parser::{CronParser, Seconds, Year};

    let from: jiff::civil::DateTime = date.parse().ok().filter(|_| !date.ends_with('Z'))?;
    let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
    let crons = patterns.iter().filter_map(|text| parser.parse(text).ok());
    let next = crons.filter_map(|cron| cron.find_next_occurrence(&from, false).ok()).min()?;
    Some(next.to_string())
}

#[cfg(not(feature = "schedule"))]
pub(super) fn next_after(_: &str, _: &[&str]) -> Option<String> {
    None
}

#[cfg(not(feature = "schedule"))]
pub(super) fn between_any(_: &str, _: &[&str]) -> Result<Length, String> {
    Err("a schedule needs the feature `schedule`".to_owned())
}

#[cfg(all(test, feature = "schedule"))]
mod tests {
    use super::*;

    #[test]
    fn a_window_has_the_time_between_its_patterns() {
        for (start, end, hours, night) in [
            ("0 8 * * *", "0 18 * * *", 10, false),
            ("30 20 * * 1-5", "30 6 * * 2-6", 10, true),
            ("0 0 * * 6", "0 0 * * 1", 48, true),
            ("0 9 1 * *", "0 10 1 * *", 1, false),
        ] {
            let length = between(start, end).unwrap();
            let want = Duration::from_secs(hours * 3600);
            assert_eq!(length, Length { duration: want, crosses_midnight: night }, "{start}");
        }
        for (start, end) in [
            ("0 8 * * *", "0 18 * * 1-5"),
            ("0 8 1 * *", "0 8 15,20 * 2"),
            ("0 8 * *", "0 18 * * *"),
            ("0 0 31 2 *", "0 1 * * *"),
            ("x", "y"),
        ] {
            assert!(between(start, end).is_err(), "{start} to {end}");
        }
    }
}
