//! How much time in violation is accepted.
//!
//! In: a share, or `auto`. Out: a checked setting. Knows no price.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::Error;

/// How much time in violation is accepted: `auto`, or about what share of it.
///
/// ```
/// use forescale::forecast::Risk;
///
/// assert_eq!(serde_json::from_str::<Risk>("0.01")?, Risk::Share(0.01));
/// assert_eq!(serde_json::from_str::<Risk>(r#""auto""#)?, Risk::Auto);
/// let error = serde_json::from_str::<Risk>(r#""none""#).unwrap_err().to_string();
/// assert_eq!(error, r#"is text "none", must be "auto" or a number in [0.00001, 1]"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Risk {
    /// The share that would have left least of both, the violations and the spare replicas of the usual
    /// HPA on the same load; learnt of the history and of what is seen.
    #[default]
    Auto,
    /// About this share of the time, from 0.00001 to 1.
    Share(f64),
}

impl Risk {
    /// Refuses a share out of its range.
    ///
    /// # Errors
    /// If it is.
    pub(crate) fn check(self) -> Result<(), Error> {
        match self {
            Self::Share(share) if !(0.000_01..=1.0).contains(&share) => {
                Err(Error::config("risk", format!("is {share}, must be in [0.00001, 1]")))
            }
            _ => Ok(()),
        }
    }
}

impl Serialize for Risk {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Auto => serializer.serialize_str("auto"),
            Self::Share(share) => serializer.serialize_f64(*share),
        }
    }
}

impl<'de> Deserialize<'de> for Risk {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error as _;

        match Value::deserialize(deserializer)? {
            Value::Number(share) => Ok(Self::Share(share.as_f64().unwrap_or(f64::NAN))),
            Value::String(text) if text == "auto" => Ok(Self::Auto),
            other => {
                let given = match other {
                    Value::String(text) => format!("text {text:?}"),
                    other => other.to_string(),
                };
                let message = format!("is {given}, must be \"auto\" or a number in [0.00001, 1]");
                Err(D::Error::custom(message))
            }
        }
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Risk {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Risk".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "How much time in violation is accepted: `auto`, or about what share of it.",
            "oneOf": [
                { "const": "auto" },
                { "type": "number", "minimum": 0.000_01, "maximum": 1 }
            ]
        })
    }
}
