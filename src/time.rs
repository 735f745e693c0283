//! Points in time and spans of it, in whole milliseconds.
//!
//! In: numbers and texts such as `"90s"`. Out: [`Timestamp`] and [`Duration`]. Reads no clock.

use std::fmt;
use std::ops::{Add, Sub};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A point in time: milliseconds since 1970-01-01T00:00:00Z.
///
/// ```
/// use forescale::{Duration, Timestamp};
///
/// let start = Timestamp::from_secs(60);
/// assert_eq!(start + Duration::from_secs(30), Timestamp::from_millis(90_000));
/// assert_eq!(Timestamp::from_secs(90).since(start), Duration::from_secs(30));
/// ```
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From milliseconds since the epoch.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// From whole seconds since the epoch; saturates at the ends of the range.
    #[must_use]
    pub const fn from_secs(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Time passed since `earlier`; zero if `earlier` lies ahead.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        let passed = self.0.saturating_sub(earlier.0);
        Duration(if passed < 0 { 0 } else { passed })
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
}

/// A span of time in whole milliseconds, never negative.
///
/// In a configuration it is a text with units (`"90s"`, `"5m"`, `"1h30m"`, `"1d"`, ISO-8601
/// `"PT5M"`) or a number of seconds, quoted or not; a day has 24 hours, and months and years, whose
/// length varies, are refused.
///
/// ```
/// use forescale::Duration;
///
/// assert_eq!("1h30m".parse::<Duration>()?, Duration::from_secs(5_400));
/// assert_eq!("300".parse::<Duration>()?, Duration::from_secs(300));
/// assert_eq!(Duration::from_secs(90).to_string(), "1m 30s");
/// assert!("soon".parse::<Duration>().is_err());
/// # Ok::<(), forescale::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(i64);

impl Duration {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// From milliseconds.
    #[must_use]
    pub const fn from_millis(millis: u32) -> Self {
        Self(millis as i64)
    }

    /// From whole seconds.
    #[must_use]
    pub const fn from_secs(seconds: u32) -> Self {
        Self(seconds as i64 * 1000)
    }

    /// Milliseconds.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Seconds, with the milliseconds as a fraction.
    #[must_use]
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    /// Whether no time passes.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// `times` spans of this length, saturating.
    #[must_use]
    pub const fn times(self, times: i64) -> Self {
        Self(self.0.saturating_mul(if times < 0 { 0 } else { times }))
    }

    /// How many whole spans of `step` it takes to cover this one; 0 for an empty `step`.
    #[must_use]
    pub fn steps(self, step: Self) -> usize {
        if step.is_zero() {
            return 0;
        }
        let covered = self.0 / step.0 + i64::from(self.0 % step.0 > 0);
        usize::try_from(covered).unwrap_or(0)
    }

    /// From seconds, rounded to the millisecond.
    ///
    /// # Errors
    /// If `seconds` is negative, not finite, or beyond 100 years.
    pub fn from_secs_f64(seconds: f64) -> Result<Self, crate::Error> {
        const LONGEST: f64 = 100.0 * 365.25 * 86_400.0;
        if (0.0..=LONGEST).contains(&seconds) {
            Ok(Self((seconds * 1000.0).round() as i64))
        } else {
            let message = format!("is {seconds} seconds, must be from 0 to {LONGEST} (100 years)");
            Err(crate::Error::config("", message))
        }
    }
}

impl std::str::FromStr for Duration {
    type Err = crate::Error;

    fn from_str(text: &str) -> Result<Self, crate::Error> {
        let refused = || {
            let message = format!(
                "is \"{text}\", must be a duration such as \"90s\", \"5m\", \"1h30m\" or seconds"
            );
            crate::Error::config("", message)
        };
        let text = text.trim();
        // A template often quotes a number of seconds; as text it means what it means bare.
        if text.starts_with(|c: char| c.is_ascii_digit())
            && text.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        {
            return Self::from_secs_f64(text.parse().map_err(|_| refused())?);
        }
        let span: jiff::Span = text.parse().map_err(|_| refused())?;
        let exact =
            span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).map_err(|_| refused())?;
        Self::from_secs_f64(exact.as_secs_f64())
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(i64, &str); 5] =
            [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s"), (1, "ms")];
        let mut rest = self.0;
        let mut gap = "";
        for (millis, unit) in UNITS {
            if rest >= millis {
                write!(f, "{gap}{}{unit}", rest / millis)?;
                rest %= millis;
                gap = " ";
            }
        }
        if self.0 == 0 { f.write_str("0s") } else { Ok(()) }
    }
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Duration;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a duration such as \"90s\", \"5m\", \"1h30m\" or a number of seconds")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Duration, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_f64<E: serde::de::Error>(self, seconds: f64) -> Result<Duration, E> {
                Duration::from_secs_f64(seconds).map_err(E::custom)
            }

            fn visit_u64<E: serde::de::Error>(self, seconds: u64) -> Result<Duration, E> {
                self.visit_f64(seconds as f64)
            }

            fn visit_i64<E: serde::de::Error>(self, seconds: i64) -> Result<Duration, E> {
                self.visit_f64(seconds as f64)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Duration {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A duration such as \"90s\", \"5m\", \"1h30m\", or a number of seconds",
            "oneOf": [{ "type": "string" }, { "type": "number", "minimum": 0 }]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, millis) in [
            ("1d12h", 129_600_000),
            ("PT5M", 300_000),
            ("300", 300_000),
            ("0.5", 500),
            ("0", 0),
            ("1h30m", 5_400_000),
            ("1.5h", 5_400_000),
            (" 90 s ", 90_000),
            ("2w", 1_209_600_000),
            ("250ms", 250),
        ] {
            let duration: Duration = text.parse().expect(text);
            assert_eq!(duration.as_millis(), millis, "{text}");
            assert_eq!(duration.to_string().parse(), Ok(duration), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in ["", "soon", "5 parsecs", "1mo", "P1Y", "1e3", "1.2.3", "NaN", "inf", "5 5"] {
            let error = text.parse::<Duration>().expect_err(text).to_string();
            assert!(error.starts_with(&format!("is \"{text}\", must be a duration")), "{error}");
        }
        for text in ["-5s", "1h ago", "40000d", "99999999999"] {
            let error = text.parse::<Duration>().expect_err(text).to_string();
            assert!(error.contains("must be from 0 to 3155760000 (100 years)"), "{error}");
        }
    }

    #[test]
    fn durations_in_json_are_texts_or_seconds() {
        for (json, millis) in
            [("300", 300_000), ("0.25", 250), ("\"300\"", 300_000), ("\"5m\"", 300_000)]
        {
            let duration: Duration = serde_json::from_str(json).expect(json);
            assert_eq!(duration.as_millis(), millis, "{json}");
        }
        for json in ["-1", "1e300", "null", "true", "[]", "\"soon\""] {
            assert!(serde_json::from_str::<Duration>(json).is_err(), "{json}");
        }
        let day = Duration::from_secs_f64(86_400.001).expect("a day or so");
        assert_eq!(serde_json::to_string(&day).expect("a text"), "\"1d 1ms\"");
    }

    #[test]
    fn arithmetic_stops_at_the_ends_of_time() {
        let (first, last) = (Timestamp::from_millis(i64::MIN), Timestamp::from_millis(i64::MAX));
        let second = Duration::from_secs(1);
        assert_eq!((last + second, first - second), (last, first));
        assert_eq!(last.since(first).as_millis(), i64::MAX);
        assert_eq!(first.since(last), Duration::ZERO);
        assert_eq!(Timestamp::from_secs(i64::MAX), last);
        assert_eq!((second.times(-3), second.times(3)), (Duration::ZERO, Duration::from_secs(3)));
        assert_eq!(second.times(i64::MAX).as_millis(), i64::MAX);
    }

    #[test]
    fn steps_cover_a_span() {
        let seconds = Duration::from_secs;
        for (span, step, n_steps) in [(60, 60, 1), (61, 60, 2), (0, 60, 0), (59, 60, 1), (60, 0, 0)]
        {
            assert_eq!(seconds(span).steps(seconds(step)), n_steps, "{span} s by {step} s");
        }
    }
}
