//! Whether an answer is the expected one, by the `conventions` of the files.

use serde_json::Value;

/// Maps keyed by data: they match exactly, without further keys.
const EXACT_MAPS: [&str; 5] = ["bucket_weights", "containers", "health", "results", "shares"];

/// Compares what is expected with what came; only what `expect` names is asserted. `rel_tol` is
/// the case's own tolerance for all its numbers.
pub fn matches(expect: &Value, got: &Value, rel_tol: Option<f64>) -> Result<(), String> {
    match (expect.get("error"), got.get("error")) {
        // Whether it refuses is normative, the token is not.
        (Some(_), None) => return Err("did not refuse".to_owned()),
        (None, Some(error)) => return Err(format!("refused with {error}")),
        _ => {}
    }
    let mut expect = expect.clone();
    if let Some(fields) = expect.as_object_mut() {
        fields.remove("error");
    }
    compare("", &expect, got, rel_tol, false)
}

fn compare(
    path: &str,
    expect: &Value,
    got: &Value,
    rel_tol: Option<f64>,
    exact: bool,
) -> Result<(), String> {
    let differs = || Err(format!("`{path}` is {got}, must be {expect}"));
    match (expect, got) {
        (Value::Object(want), Value::Object(have)) => {
            if exact && want.len() != have.len() {
                return differs();
            }
            for (key, want) in want {
                let path = format!("{path}.{key}");
                let Some(have) = have.get(key) else { return Err(format!("`{path}` is absent")) };
                compare(&path, want, have, rel_tol, exact || EXACT_MAPS.contains(&key.as_str()))?;
            }
            Ok(())
        }
        (Value::Array(want), Value::Array(have)) => {
            if want.len() != have.len() {
                return differs();
            }
            for (place, (want, have)) in want.iter().zip(have).enumerate() {
                compare(&format!("{path}[{place}]"), want, have, rel_tol, exact)?;
            }
            Ok(())
        }
        _ if expect == got || same_number(expect, got, rel_tol) => Ok(()),
        _ => differs(),
    }
}

fn same_number(expect: &Value, got: &Value, rel_tol: Option<f64>) -> bool {
    // A text is a number only where a number came: beyond 2^53 integers are written as texts.
    if !expect.is_number() && !got.is_number() {
        return false;
    }
    match (integer(expect), integer(got), rel_tol) {
        (Some(want), Some(have), None) => want == have,
        _ => {
            let (Some(want), Some(have)) = (real(expect), real(got)) else { return false };
            let allowed = (rel_tol.unwrap_or(1e-9) * want.abs()).max(1e-12);
            (want - have).abs() <= allowed
        }
    }
}

fn integer(value: &Value) -> Option<i128> {
    match value {
        Value::Number(number) => {
            number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from))
        }
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

fn real(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| integer(value).map(|number| number as f64))
}
