//! By how much a rule moves the replicas, as Cloud Foundry writes and rounds it.
//!
//! In: a text such as `"+1"` or `"-50%"`, and the present replicas. Out: the replicas after it.
//! Knows no limits.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Error;

/// So many replicas, or so many percent of them, more or fewer.
///
/// In a configuration it is a text with a sign (`"+1"`, `"-2"`, `"+50%"`, `"-10%"`) or a whole
/// number; Cloud Foundry knows the text only.
///
/// ```
/// use forescale::policy::rule::adjustment::Adjustment;
///
/// let half_more: Adjustment = "+50%".parse()?;
/// assert_eq!(half_more.apply(5), 8); // 7.5 rounds up
/// assert_eq!("-10%".parse::<Adjustment>()?.apply(3), 2); // 2.7 rounds to 3, but one moves
/// assert_eq!("-2".parse::<Adjustment>()?.apply(1), 0);
/// # Ok::<(), forescale::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Adjustment {
    /// Not 0, and within 32 bits.
    amount: i32,
    is_percent: bool,
}

impl Adjustment {
    /// Whether it adds replicas.
    #[must_use]
    pub fn grows(self) -> bool {
        self.amount > 0
    }

    /// The replicas after it; from 0 up.
    ///
    /// As in Cloud Foundry (`ComputeNewInstances`) a percentage rounds to the nearest, halves up,
    /// and moves one replica at least. It has the precision of binary32 there, and so here.
    #[must_use]
    pub fn apply(self, current: u32) -> u32 {
        let from = i64::from(current);
        let to = if self.is_percent {
            let percent = f64::from(self.amount as f32);
            let to = (f64::from(current) * (1.0 + percent / 100.0) + 0.5).trunc() as i64;
            if to == from { from + i64::from(self.amount.signum()) } else { to }
        } else {
            from + i64::from(self.amount)
        };
        u32::try_from(to.max(0)).unwrap_or(u32::MAX)
    }
}

impl FromStr for Adjustment {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let refused = || {
            let message = format!(
                "is \"{text}\", must be a change such as \"+1\", \"-2\", \"+50%\" or \"-10%\", not 0"
            );
            Error::config("", message)
        };
        let number = text.strip_suffix('%');
        let amount = number.unwrap_or(text);
        if !amount.starts_with(['+', '-']) {
            return Err(refused());
        }
        let amount: i32 = amount.parse().map_err(|_| refused())?;
        if amount == 0 { Err(refused()) } else { Ok(Self { amount, is_percent: number.is_some() }) }
    }
}

impl fmt::Display for Adjustment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:+}{}", self.amount, if self.is_percent { "%" } else { "" })
    }
}

impl Serialize for Adjustment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Adjustment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Adjustment;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a change such as \"+1\", \"-2\", \"+50%\" or \"-10%\"")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Adjustment, E> {
                text.parse().map_err(E::custom)
            }

            // YAML takes a bare +1 for a number.
            fn visit_i64<E: serde::de::Error>(self, amount: i64) -> Result<Adjustment, E> {
                self.visit_str(&format!("{amount:+}"))
            }

            fn visit_u64<E: serde::de::Error>(self, amount: u64) -> Result<Adjustment, E> {
                self.visit_str(&format!("{amount:+}"))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Adjustment {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Adjustment".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A change such as \"+1\", \"-2\", \"+50%\", \"-10%\", or a whole number",
            "oneOf": [
                { "type": "string", "pattern": "^[-+]0*[1-9][0-9]*%?$" },
                { "type": "integer" }
            ]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_round_to_the_nearest_and_move_one_at_least() {
        for (text, current, want) in [
            ("+10%", 3, 4), // 3.3 rounds to 3
            ("+50%", 3, 5), // 4.5
            ("-50%", 3, 2), // 1.5
            ("-50%", 1, 0), // 0.5 rounds to 1, but one moves
            ("+10%", 0, 1),
            ("+149%", 1, 2), // 2.49
            ("+150%", 1, 3), // 2.5
            ("-150%", 10, 0),
            ("-100%", 10, 0),
            ("+100%", u32::MAX, u32::MAX),
        ] {
            let adjustment: Adjustment = text.parse().expect(text);
            assert_eq!(adjustment.apply(current), want, "{text} of {current}");
        }
    }

    #[test]
    fn steps_end_at_zero_and_at_the_largest_count() {
        for (text, current, want) in
            [("+2", 3, 5), ("-2", 3, 1), ("-5", 3, 0), ("+2147483647", u32::MAX, u32::MAX)]
        {
            let adjustment: Adjustment = text.parse().expect(text);
            assert_eq!(adjustment.apply(current), want, "{text} of {current}");
            assert_eq!(adjustment.to_string(), text);
        }
    }

    #[test]
    fn what_is_no_change_is_refused() {
        for text in ["", "1", "+0", "-0%", "+", "%", "+1.5", "+1 %", "--1", "+2147483648", "+1%%"] {
            let error = text.parse::<Adjustment>().expect_err(text).to_string();
            assert!(error.starts_with(&format!("is \"{text}\", must be a change")), "{error}");
        }
        for (json, want) in [("1", "+1"), ("-2", "-2"), ("\"+50%\"", "+50%")] {
            let read: Adjustment = serde_json::from_str(json).expect(json);
            assert_eq!(read.to_string(), want);
        }
        for json in ["0", "1.5", "null", "[1]"] {
            assert!(serde_json::from_str::<Adjustment>(json).is_err(), "{json}");
        }
    }
}
