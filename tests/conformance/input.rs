//! Reading the fields of a case. What is not as the schema says panics, and so fails its case.

use forescale::{Duration, Timestamp};
use serde_json::Value;

/// The moment of decision; ages count back from it.
pub const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

/// A number without fraction; beyond 2^53 it is written as a text.
pub fn integer(value: &Value) -> i64 {
    let whole = |number: f64| (number.fract() == 0.0).then_some(number as i64);
    match value {
        Value::String(text) => text.parse().ok(),
        other => other.as_i64().or_else(|| other.as_f64().and_then(whole)),
    }
    .unwrap_or_else(|| panic!("{value} is no 64-bit integer"))
}

/// As [`integer`], or `None` for null and absent.
pub fn optional_integer(value: &Value) -> Option<i64> {
    (!value.is_null()).then(|| integer(value))
}

/// A number of replicas.
pub fn count(value: &Value) -> u32 {
    u32::try_from(integer(value)).unwrap_or_else(|_| panic!("{value} is no count"))
}

/// A real number.
pub fn real(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// A duration in seconds.
pub fn span(value: &Value) -> Duration {
    Duration::from_secs_f64(real(value)).unwrap_or_else(|error| panic!("{error}"))
}

/// The time so many seconds before [`NOW`].
pub fn ago(value: &Value) -> Timestamp {
    Timestamp::from_millis(NOW.as_millis() - (real(value) * 1000.0).round() as i64)
}

/// A text.
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

/// A list; absent is empty.
pub fn list(value: &Value) -> &[Value] {
    match value {
        Value::Null => &[],
        other => other.as_array().unwrap_or_else(|| panic!("{value} is no list")),
    }
}

/// The integers of a list.
pub fn integers(value: &Value) -> impl Iterator<Item = i64> {
    list(value).iter().map(integer)
}
