//! One answer of the server, checked.
//!
//! In: the body of an answer as bytes. Out: its series with times and values, or the place that
//! stands in the way. Knows nothing of other answers, nor what the series mean.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, IgnoredAny, Visitor};

use super::Labels;
use crate::Error;
use crate::time::Timestamp;

/// What one answer told.
#[derive(Debug)]
pub(super) struct Answer {
    /// Each set of labels once; times rise, values may be NaN or infinite.
    pub(super) series: Vec<(Labels, Vec<(Timestamp, f64)>)>,
    pub(super) warnings: Vec<String>,
}

/// Reads the body of one answer.
pub(super) fn read(body: &[u8]) -> Result<Answer, Error> {
    // A proxy's page, or a text such as "404 page not found".
    match body.trim_ascii_start() {
        [] => return Err(Error::trace("", "is empty, must be a JSON object")),
        [b'{', ..] => {}
        other => {
            let head: String = String::from_utf8_lossy(other).chars().take(60).collect();
            let message = format!("begins with {head:?}, must be a JSON object");
            return Err(Error::trace("", message));
        }
    }
    // Twice over the text rather than once into memory: what the result is may stand behind it.
    let head: Head = parse(body)?;
    match head.status.as_str() {
        "success" => {}
        "error" => {
            let (kind, text) = (head.error_type.as_deref(), head.error.as_deref());
            let (kind, text) = (kind.unwrap_or("no type"), text.unwrap_or("no text"));
            return Err(Error::trace("status", format!("is \"error\" ({kind}): {text}")));
        }
        other => {
            let message = format!("is {other:?}, must be \"success\"");
            return Err(Error::trace("status", message));
        }
    }
    let kind = head.data.and_then(|data| data.result_type);
    match kind.as_deref() {
        Some("matrix") => {}
        None => return Err(Error::trace("data.resultType", "is missing, must be \"matrix\"")),
        Some(kind) => {
            let hint = match kind {
                "vector" | "scalar" | "string" => {
                    ": this is the answer to an instant query, ask /api/v1/query_range"
                }
                _ => "",
            };
            let message = format!("is {kind:?}, must be \"matrix\"{hint}");
            return Err(Error::trace("data.resultType", message));
        }
    }
    let Body { data: Data { result } } = parse(body)?;
    let mut series: Vec<(Labels, Vec<(Timestamp, f64)>)> = Vec::with_capacity(result.len());
    let mut known = std::collections::BTreeMap::new();
    for (number, Series { metric, values, histograms }) in result.into_iter().enumerate() {
        let place = |rest: &str| format!("data.result[{number}]{rest}");
        if histograms.is_some() {
            let message = "are native histograms, must be numbers; ask for a number of them, \
                           such as histogram_count or histogram_quantile";
            return Err(Error::trace(place(".histograms"), message));
        }
        let values = values.ok_or_else(|| Error::trace(place(".values"), "is missing"))?;
        if let Some(first) = known.insert(metric.clone(), number) {
            let message = format!("has the same labels as data.result[{first}]");
            return Err(Error::trace(place(".metric"), message));
        }
        if let Some(index) = values.windows(2).position(|pair| pair[1].0.0 <= pair[0].0.0) {
            let message = "is not after the time before it, times must rise";
            return Err(Error::trace(place(&format!(".values[{}][0]", index + 1)), message));
        }
        series.push((
            metric,
            values.into_iter().map(|Point(Seconds(at), Number(value))| (at, value)).collect(),
        ));
    }
    Ok(Answer { series, warnings: head.warnings.unwrap_or_default() })
}

/// Reads JSON and nothing behind it; an error tells line and column, and the place if it is known.
fn parse<'de, T: Deserialize<'de>>(body: &'de [u8]) -> Result<T, Error> {
    let mut text = serde_json::Deserializer::from_slice(body);
    let read = serde_path_to_error::deserialize(&mut text).map_err(|error| {
        let path = error.path().to_string();
        let (path, inner) = (if path == "." { "" } else { &path }, error.inner());
        match inner.classify() {
            serde_json::error::Category::Data => {
                let text = inner.to_string();
                let is_ours = text.starts_with("is ");
                Error::trace(path, if is_ours { text } else { format!("cannot be read: {text}") })
            }
            _ => no_json(inner),
        }
    })?;
    text.end().map_err(|error| no_json(&error))?;
    Ok(read)
}

fn no_json(error: &serde_json::Error) -> Error {
    Error::trace("", format!("is not JSON: {error}"))
}

/// What an answer is, without its samples.
#[derive(serde::Deserialize)]
struct Head {
    status: String,
    #[serde(rename = "errorType")]
    error_type: Option<String>,
    error: Option<String>,
    warnings: Option<Vec<String>>,
    data: Option<Kind>,
}

#[derive(serde::Deserialize)]
struct Kind {
    #[serde(rename = "resultType")]
    result_type: Option<String>,
}

/// An answer that is known to hold a matrix.
#[derive(serde::Deserialize)]
struct Body {
    data: Data,
}

#[derive(serde::Deserialize)]
struct Data {
    result: Vec<Series>,
}

#[derive(serde::Deserialize)]
struct Series {
    metric: Labels,
    values: Option<Vec<Point>>,
    histograms: Option<IgnoredAny>,
}

#[derive(serde::Deserialize)]
struct Point(Seconds, Number);

/// A time as Prometheus writes it: a number of seconds since the epoch, with a fraction.
struct Seconds(Timestamp);

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Seconds;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("seconds since 1970")
            }

            fn visit_f64<E: de::Error>(self, seconds: f64) -> Result<Seconds, E> {
                const YEARS_1_TO_9999: std::ops::RangeInclusive<f64> =
                    -62_135_596_800.0..=253_402_300_799.0;
                if YEARS_1_TO_9999.contains(&seconds) {
                    return Ok(Seconds(Timestamp::from_millis((seconds * 1000.0).round() as i64)));
                }
                let must = "must be seconds since 1970 within the years 1 to 9999";
                Err(E::custom(format!("is {seconds:?}, {must}")))
            }

            fn visit_i64<E: de::Error>(self, seconds: i64) -> Result<Seconds, E> {
                self.visit_f64(seconds as f64)
            }

            fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<Seconds, E> {
                self.visit_f64(seconds as f64)
            }
        }
        deserializer.deserialize_f64(Text)
    }
}

/// A value as Prometheus writes it: a number as text, as JSON has no NaN and no infinity.
struct Number(f64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Number;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number as text")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Number, E> {
                let refused = |_| E::custom(format!("is {text:?}, must be a number as text"));
                text.parse().map(Number).map_err(refused)
            }
        }
        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: &str = r#"{"status": "success", "warnings": ["slow"], "infos": ["new"], "data": {
        "result": [{"values": [[1435781430.781, "1"], [1435781445.781, "+Inf"],
                               [1435781460.781, "-Inf"], [1435781475.781, "NaN"],
                               [1435781490.781, "0.1"], [1435781505, "1e3"]],
                    "metric": {"__name__": "up", "job": "shop"}}],
        "resultType": "matrix"}}"#;

    #[test]
    fn an_answer_is_read_whatever_the_order_of_its_keys() {
        let answer = read(SOUND.as_bytes()).unwrap();
        assert_eq!(answer.warnings, ["slow"]);
        let (labels, samples) = &answer.series[0];
        assert_eq!(labels["job"], "shop");
        let millis: Vec<_> =
            samples.iter().map(|(at, _)| at.as_millis() - 1_435_781_430_000).collect();
        assert_eq!(millis, [781, 15_781, 30_781, 45_781, 60_781, 75_000]);
        let values: Vec<_> = samples.iter().map(|(_, value)| *value).collect();
        assert_eq!(values[..3], [1.0, f64::INFINITY, f64::NEG_INFINITY]);
        assert!(values[3].is_nan());
        assert_eq!(values[4..], [0.1, 1000.0]);
    }

    fn refused(body: &str) -> String {
        let error = read(body.as_bytes()).expect_err(body);
        assert_eq!(error.kind(), crate::ErrorKind::Trace);
        error.to_string()
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        for (body, want) in [
            ("", "is empty, must be a JSON object"),
            ("\n<html>502</html>", "begins with \"<html>502</html>\", must be a JSON"),
            ("404 page not found", "begins with \"404 page not found\", must be"),
            ("{status}", "is not JSON: key must be a string at line 1 column 2"),
            (&SOUND[..200], "is not JSON: EOF while parsing"),
            (&format!("{SOUND}]"), "is not JSON: trailing characters"),
            ("{}", "cannot be read: missing field `status`"),
            ("[{}]", "begins with \"[{}]\", must be a JSON object"),
            (r#"{"status": 1}"#, "`status` cannot be read: invalid type: integer `1`"),
            (r#"{"status": "partial"}"#, "`status` is \"partial\", must be \"success\""),
            (r#"{"status": "error"}"#, "`status` is \"error\" (no type): no text"),
            (
                r#"{"status": "error", "errorType": "timeout", "error": "query timed out"}"#,
                "`status` is \"error\" (timeout): query timed out",
            ),
            (r#"{"status": "success"}"#, "`data.resultType` is missing, must be \"matrix\""),
            (r#"{"status": "success", "data": {"result": []}}"#, "`data.resultType` is missing"),
        ] {
            let message = refused(body);
            assert!(message.starts_with(want), "{body}: {message}");
        }
        let not_utf8 = [b"{\"status\": \"".as_slice(), &[0xff, 0xfe], b"\"}"].concat();
        assert!(read(&not_utf8).unwrap_err().to_string().contains("not JSON: invalid unicode"));
    }

    #[test]
    fn an_answer_of_another_type_is_refused() {
        let of = |kind, result| {
            format!(
                r#"{{"status": "success", "data": {{"resultType": "{kind}", "result": {result}}}}}"#
            )
        };
        for (kind, result) in [
            ("vector", r#"[{"metric": {}, "value": [0, "1"]}]"#),
            ("scalar", r#"[0, "1"]"#),
            ("string", r#"[0, "text"]"#),
        ] {
            let want = format!(
                "`data.resultType` is \"{kind}\", must be \"matrix\": this is the answer to an instant"
            );
            let message = refused(&of(kind, result));
            assert!(message.starts_with(&want), "{message}");
        }
        let want = "`data.resultType` is \"streams\", must be \"matrix\"";
        assert_eq!(refused(&of("streams", "[]")), want);
        assert!(refused(&of("matrix", "{}")).starts_with("`data.result` cannot be read"));
        let missing = r#"{"status": "success", "data": {"resultType": "matrix"}}"#;
        assert!(refused(missing).starts_with("`data` cannot be read: missing field `result`"));
    }

    #[test]
    fn a_series_that_is_none_is_named_with_its_place() {
        let of = |series: &str| {
            format!(
                r#"{{"status": "success", "data": {{"resultType": "matrix", "result": [{series}]}}}}"#
            )
        };
        let values = |values: &str| of(&format!(r#"{{"metric": {{}}, "values": [{values}]}}"#));
        let (point, place) = (r#"{"metric": {}, "values": [[0, "1"]]}"#, "`data.result[0].values");
        for (body, want) in [
            (
                of(r#"{"values": [[0, "1"]]}"#),
                "`data.result[0]` cannot be read: missing field `metric`",
            ),
            (
                of(r#"{"metric": {"job": 1}, "values": []}"#),
                "`data.result[0].metric.job` cannot be read",
            ),
            (of(r#"{"metric": {}}"#), "`data.result[0].values` is missing"),
            (of(r#"{"metric": {}, "value": [0, "1"]}"#), "`data.result[0].values` is missing"),
            (
                of(r#"{"metric": {}, "histograms": [[0, {"count": "1", "sum": "1"}]]}"#),
                "`data.result[0].histograms` are native histograms, must be numbers; ask for a number",
            ),
            (
                of(r#"{"metric": {}, "values": [[0, "1"]], "histograms": []}"#),
                "`data.result[0].histograms` are native histograms",
            ),
            (
                of(&format!("{point}, {point}")),
                "`data.result[1].metric` has the same labels as data.result[0]",
            ),
            (values(r#"[0, "one"]"#), "[0][1]` is \"one\", must be a number as text at line 1"),
            (values(r#"[0, ""]"#), "[0][1]` is \"\", must be a number as text"),
            (values(r#"[0, "1"], [60, 2]"#), "[1][1]` cannot be read: invalid type: integer `2`"),
            (values("[0, null]"), "[0][1]` cannot be read: invalid type: null"),
            (values("[0]"), "[0]` cannot be read: invalid length 1"),
            (values(r#"["0", "1"]"#), "[0][0]` cannot be read: invalid type: string \"0\""),
            (values(r#"[1e300, "1"]"#), "[0][0]` is 1e300, must be seconds since 1970"),
            (values(r#"[1435781430781, "1"]"#), "[0][0]` is 1435781430781.0, must be seconds"),
            (values(r#"[60, "1"], [60, "1"]"#), "[1][0]` is not after the time before it"),
            (values(r#"[60, "1"], [0.5, "1"]"#), "[1][0]` is not after the time before it"),
            (values(r#"[0, "1"], [0.0001, "1"]"#), "[1][0]` is not after the time before it"),
        ] {
            let want =
                if want.starts_with('[') { format!("{place}{want}") } else { want.to_owned() };
            let message = refused(&body);
            assert!(message.starts_with(&want), "{body}: {message}");
        }
        let message = refused(&values(r#"[0, "1", 2]"#));
        assert!(message.contains("trailing characters"), "{message}");
    }
}
