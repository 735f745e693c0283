//! Python values to the core's observations and series.
//!
//! In: whatever a host has at hand: floats, lists, mappings, buffers. Out: `Reading`, `Timestamp`
//! and series of them. A number is taken as it is, NaN and all, as the core answers for bad data;
//! only what is no number at all is refused, with its place.

use forescale::{Duration, Observation, Phase, Reading, ReplicaReading, Timestamp};
use pyo3::buffer::PyBuffer;
use pyo3::exceptions::{PyOverflowError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFloat, PyList, PyMapping, PyString, PyTuple};
use serde::Deserialize;
use serde::de::value::{Error as TextError, StrDeserializer};

use crate::error::{raise, refuse};

/// Seconds between which Python's `datetime` has a date: the years 1 to 9999.
const SECONDS: std::ops::RangeInclusive<f64> = -62_135_596_800.0..=253_402_300_799.0;

/// Seconds since the epoch as a point in time, to the millisecond.
pub(crate) fn timestamp(path: &str, seconds: f64) -> PyResult<Timestamp> {
    at_seconds(seconds).map_err(|message| refuse(path, &message))
}

fn at_seconds(seconds: f64) -> Result<Timestamp, String> {
    if SECONDS.contains(&seconds) {
        return Ok(Timestamp::from_millis((seconds * 1000.0).round() as i64));
    }
    let hint = if seconds.abs() < 1e15 { "; is it in milliseconds?" } else { "" };
    Err(format!("is {seconds}, must be seconds since 1970 within the years 1 to 9999{hint}"))
}

/// A span of time as a host writes it: seconds, or a text such as `"30m"`.
#[derive(Debug, FromPyObject)]
pub(crate) enum Span {
    Text(String),
    Seconds(f64),
}

impl Span {
    pub(crate) fn read(self, path: &str) -> PyResult<Duration> {
        match self {
            Self::Text(text) => text.parse(),
            Self::Seconds(seconds) => Duration::from_secs_f64(seconds),
        }
        .map_err(|error| raise(error.at(path)))
    }
}

/// A count of replicas.
pub(crate) fn count(path: &str, number: i64) -> PyResult<u32> {
    u32::try_from(number)
        .map_err(|_| refuse(path, &format!("is {number}, must be from 0 to {}", u32::MAX)))
}

/// The readings of an observation, by name.
pub(crate) fn readings(observation: &mut Observation, metrics: &Bound<'_, PyAny>) -> PyResult<()> {
    if let Ok(metrics) = metrics.cast::<PyDict>() {
        for (name, value) in metrics {
            let (name, reading) = reading(&name, &value)?;
            observation.metrics.insert(name, reading);
        }
    } else if let Ok(metrics) = metrics.cast::<PyMapping>() {
        for item in metrics.items()? {
            let (name, value) = item.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>()?;
            let (name, reading) = reading(&name, &value)?;
            observation.metrics.insert(name, reading);
        }
    } else {
        return Err(wrong_type("metrics", metrics, "a mapping of names to readings"));
    }
    Ok(())
}

fn reading(name: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<(String, Reading)> {
    let Ok(name) = name.extract::<String>() else {
        return Err(wrong_type("metrics", name, "a mapping whose keys are texts"));
    };
    let place = || format!("metrics.{name}");
    let reading = if value.is_none() {
        Reading::Missing
    } else if let Ok(number) = value.cast_exact::<PyFloat>() {
        Reading::Number(number.value())
    } else if let Ok(form) = value.cast::<PyDict>() {
        whole(&place(), form)?
    } else if let Ok(list) = value.cast::<PyList>() {
        per_replica(&place(), list.iter())?
    } else if let Ok(tuple) = value.cast::<PyTuple>() {
        per_replica(&place(), tuple.iter())?
    } else if value.is_instance_of::<PyString>() {
        return Err(wrong_type(&place(), value, READING));
    } else if let Ok(form) = value.cast::<PyMapping>() {
        let dict = PyDict::new(value.py());
        dict.update(form)?;
        whole(&place(), &dict)?
    } else if value.len().is_ok() {
        // Arrays and the columns of tables; a wrong element tells its place.
        let elements = value.try_iter()?.collect::<PyResult<Vec<_>>>()?;
        per_replica(&place(), elements.into_iter())?
    } else {
        Reading::Number(number(value).ok_or_else(|| wrong_type(&place(), value, READING))?)
    };
    Ok((name, reading))
}

const READING: &str = "a number, None, a list of them, {\"total\": ...} or {\"average\": ...}";
const REPLICA: &str = "a number, None, or {\"value\", \"request\", \"phase\"}";

/// `{"total": x}` or `{"average": x}`.
fn whole(path: &str, form: &Bound<'_, PyDict>) -> PyResult<Reading> {
    let mut items = form.iter();
    let (Some((key, value)), None) = (items.next(), items.next()) else {
        return Err(refuse(path, "has not one key, must be `total` or `average`"));
    };
    let value = optional(path, &value)?;
    match (key.extract::<String>().as_deref(), value) {
        (Ok("total" | "average"), None) => Ok(Reading::Missing),
        (Ok("total"), Some(total)) => Ok(Reading::Total { total }),
        (Ok("average"), Some(average)) => Ok(Reading::Average { average }),
        _ => {
            Err(refuse(path, &format!("has the key {}, must be `total` or `average`", key.repr()?)))
        }
    }
}

fn per_replica<'py>(
    path: &str,
    elements: impl ExactSizeIterator<Item = Bound<'py, PyAny>>,
) -> PyResult<Reading> {
    let mut replicas = Vec::with_capacity(elements.len());
    for (index, element) in elements.enumerate() {
        replicas.push(if let Ok(number) = element.cast_exact::<PyFloat>() {
            Some(number.value()).into()
        } else if let Ok(form) = element.cast::<PyDict>() {
            replica(&format!("{path}[{index}]"), form)?
        } else if element.is_none() {
            None.into()
        } else {
            let place = || wrong_type(&format!("{path}[{index}]"), &element, REPLICA);
            Some(number(&element).ok_or_else(place)?).into()
        });
    }
    Ok(Reading::PerReplica(replicas))
}

fn replica(path: &str, form: &Bound<'_, PyDict>) -> PyResult<ReplicaReading> {
    let mut replica = ReplicaReading::default();
    for (key, value) in form {
        match key.extract::<String>().as_deref() {
            Ok("value") => replica.value = optional(&format!("{path}.value"), &value)?,
            Ok("request") => replica.request = optional(&format!("{path}.request"), &value)?,
            Ok("phase") => replica.phase = phase(&format!("{path}.phase"), &value)?,
            _ => {
                let message =
                    format!("has the key {}, must be `value`, `request` or `phase`", key.repr()?);
                return Err(refuse(path, &message));
            }
        }
    }
    Ok(replica)
}

fn phase(path: &str, value: &Bound<'_, PyAny>) -> PyResult<Phase> {
    let Ok(name) = value.extract::<String>() else {
        return Err(wrong_type(path, value, "the name of a phase"));
    };
    Phase::deserialize(StrDeserializer::<TextError>::new(&name))
        .map_err(|error| refuse(path, &format!("is no phase: {error}")))
}

fn optional(path: &str, value: &Bound<'_, PyAny>) -> PyResult<Option<f64>> {
    if value.is_none() {
        return Ok(None);
    }
    number(value).map(Some).ok_or_else(|| wrong_type(path, value, "a number or None"))
}

/// Whatever Python can turn into a float; an integer beyond its range is infinite.
fn number(value: &Bound<'_, PyAny>) -> Option<f64> {
    match value.extract::<f64>() {
        Ok(number) => Some(number),
        Err(error) => error.is_instance_of::<PyOverflowError>(value.py()).then_some(f64::INFINITY),
    }
}

fn wrong_type(path: &str, value: &Bound<'_, PyAny>, wanted: &str) -> PyErr {
    let name =
        value.get_type().name().map_or_else(|_| "object".to_owned(), |name| name.to_string());
    PyTypeError::new_err(format!("`{path}` is of type {name}, must be {wanted}"))
}

/// A series of seconds since the epoch.
pub(crate) fn times(path: &str, times: &Bound<'_, PyAny>) -> PyResult<Vec<Timestamp>> {
    let seconds = series(path, times)?;
    let in_place = |(index, second): (usize, Option<f64>)| {
        // The place is worded only for the time that is refused.
        at_seconds(second.unwrap_or(f64::NAN))
            .map_err(|message| refuse(format!("{path}[{index}]"), &message))
    };
    seconds.into_iter().enumerate().map(in_place).collect()
}

/// A series of numbers; `None` is a missing one. Memory of `double`s (NumPy, `array.array`, Arrow)
/// is read as it lies, with its strides.
pub(crate) fn series(path: &str, values: &Bound<'_, PyAny>) -> PyResult<Vec<Option<f64>>> {
    if let Ok(buffer) = PyBuffer::<f64>::get(values) {
        if buffer.dimensions() != 1 {
            let message = format!("has {} dimensions, must have one", buffer.dimensions());
            return Err(refuse(path, &message));
        }
        return Ok(buffer.to_vec(values.py())?.into_iter().map(Some).collect());
    }
    if values.is_instance_of::<PyString>() || values.cast::<PyDict>().is_ok() {
        return Err(wrong_type(path, values, "a series of numbers"));
    }
    let elements =
        values.try_iter().map_err(|_| wrong_type(path, values, "a series of numbers"))?;
    let mut series = Vec::with_capacity(values.len().unwrap_or(0));
    for (index, element) in elements.enumerate() {
        let element = element?;
        series.push(match element.cast_exact::<PyFloat>() {
            Ok(number) => Some(number.value()),
            Err(_) => optional(&format!("{path}[{index}]"), &element)?,
        });
    }
    Ok(series)
}

/// A series of numbers, NaN for what is missing.
pub(crate) fn numbers(path: &str, values: &Bound<'_, PyAny>) -> PyResult<Vec<f64>> {
    let values = series(path, values)?;
    Ok(values.into_iter().map(|value| value.unwrap_or(f64::NAN)).collect())
}

/// The rows of a matrix of numbers, one after the other, and how many they are. Memory of `double`s
/// is read in the order of its rows whatever its strides, and copied, as other threads may write to
/// it once the interpreter is released.
pub(crate) fn matrix(path: &str, values: &Bound<'_, PyAny>) -> PyResult<(usize, Vec<f64>)> {
    if let Ok(buffer) = PyBuffer::<f64>::get(values) {
        let [n_rows, _] = *buffer.shape() else {
            let message = format!("has {} dimensions, must have two", buffer.dimensions());
            return Err(refuse(path, &message));
        };
        return Ok((n_rows, buffer.to_vec(values.py())?));
    }
    const WANTED: &str = "a matrix of numbers, a row for each series";
    if values.is_instance_of::<PyString>() || values.cast::<PyDict>().is_ok() {
        return Err(wrong_type(path, values, WANTED));
    }
    let rows = values.try_iter().map_err(|_| wrong_type(path, values, WANTED))?;
    let (mut n_rows, mut matrix, mut width) = (0, Vec::new(), 0);
    for (index, row) in rows.enumerate() {
        let row = series(&format!("{path}[{index}]"), &row?)?;
        if index == 0 {
            width = row.len();
        } else if row.len() != width {
            let message = format!("has {} numbers, must have {width}, as the first row", row.len());
            return Err(refuse(format!("{path}[{index}]"), &message));
        }
        n_rows += 1;
        matrix.extend(row.into_iter().map(|value| value.unwrap_or(f64::NAN)));
    }
    Ok((n_rows, matrix))
}

/// Times and a value for each.
pub(crate) fn pairs(
    times: &Bound<'_, PyAny>,
    values: &Bound<'_, PyAny>,
) -> PyResult<(Vec<Timestamp>, Vec<Option<f64>>)> {
    let times = self::times("times", times)?;
    let values = series("values", values)?;
    if times.len() != values.len() {
        let message = format!("has {} entries, must have {} as `times`", values.len(), times.len());
        return Err(refuse("values", &message));
    }
    Ok((times, values))
}

/// A recorded load: its times and values, without the rows that have no value, which are holes.
pub(crate) fn samples(
    times: &Bound<'_, PyAny>,
    values: &Bound<'_, PyAny>,
) -> PyResult<(Vec<Timestamp>, Vec<f64>)> {
    let times = self::times("times", times)?;
    let values = series("values", values)?;
    if times.len() != values.len() {
        // The core words the refusal.
        return Ok((times, values.into_iter().map(|value| value.unwrap_or(0.0)).collect()));
    }
    let rows = times.into_iter().zip(values);
    Ok(rows.filter_map(|(at, value)| Some((at, value.filter(|load| !load.is_nan())?))).unzip())
}
