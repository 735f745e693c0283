//! Between JavaScript's values and the core's.
//!
//! In: milliseconds, objects of readings. Out: the core's types. A number passes as it is, NaN and
//! the infinities too: whether it can be relied on is the core's to say.

use std::collections::BTreeMap;

use forescale::{Phase, Reading, ReplicaReading, Timestamp};
use napi::bindgen_prelude::{Either, Either4, Env, Float64ArraySlice, Object, Result};
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::Error as Refused;

use crate::raise::refuse;

type Numbers<'env> = Vec<Option<Either<f64, Object<'env>>>>;

/// The point in time `millis` milliseconds after the epoch, rounded.
pub(crate) fn timestamp(millis: f64) -> Timestamp {
    Timestamp::from_millis(millis.round() as i64)
}

/// A recorded load: its times and values, without the rows that have no value, which are holes.
pub(crate) fn samples(times: &[f64], values: &[f64]) -> (Vec<Timestamp>, Vec<f64>) {
    let times = times.iter().copied().map(timestamp);
    if times.len() != values.len() {
        return (times.collect(), values.to_vec()); // the core words the refusal
    }
    times.zip(values.iter().copied()).filter(|(_, value)| !value.is_nan()).unzip()
}

/// A value of the core as JSON text.
pub(crate) fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("the core's values have text keys")
}

/// The readings by the metric's name.
pub(crate) fn readings(env: &Env, metrics: &Object) -> Result<BTreeMap<String, Reading>> {
    Object::keys(metrics)?
        .into_iter()
        .map(|name| match reading(metrics, &name) {
            Some(reading) => Ok((name, reading)),
            None => {
                let path = format!("metrics.{name}");
                let message = format!(
                    "`{path}` must be a number, null, {{ total }}, {{ average }}, or a list with a \
                     number, null or {{ value, request, phase }} for each replica"
                );
                Err(refuse(env, "FORESCALE_OBSERVATION".to_owned(), &path, message))
            }
        })
        .collect()
}

/// `None` for what is no reading.
fn reading(metrics: &Object, name: &str) -> Option<Reading> {
    type Any<'env> = Either4<f64, Float64ArraySlice<'env>, Numbers<'env>, Object<'env>>;
    match metrics.get::<Option<Any>>(name).ok()?.flatten() {
        None => Some(Reading::Missing),
        Some(Either4::A(number)) => Some(Reading::Number(number)),
        Some(Either4::B(numbers)) => {
            let replicas = numbers.iter().map(|&value| Some(value).into()).collect();
            Some(Reading::PerReplica(replicas))
        }
        Some(Either4::C(numbers)) => {
            let replicas: Option<Vec<_>> = numbers.into_iter().map(replica).collect();
            Some(Reading::PerReplica(replicas?))
        }
        Some(Either4::D(whole)) => {
            let keys = Object::keys(&whole).ok()?;
            match keys.iter().map(String::as_str).collect::<Vec<_>>()[..] {
                ["total"] => Some(Reading::Total { total: whole.get("total").ok()?? }),
                ["average"] => Some(Reading::Average { average: whole.get("average").ok()?? }),
                _ => None,
            }
        }
    }
}

fn replica(given: Option<Either<f64, Object>>) -> Option<ReplicaReading> {
    let fields = match given {
        None => return Some(ReplicaReading::default()),
        Some(Either::A(value)) => return Some(Some(value).into()),
        Some(Either::B(fields)) => fields,
    };
    let mut replica = ReplicaReading::default();
    for key in Object::keys(&fields).ok()? {
        match key.as_str() {
            "value" => replica.value = fields.get::<Option<f64>>(&key).ok()?.flatten(),
            "request" => replica.request = fields.get::<Option<f64>>(&key).ok()?.flatten(),
            "phase" => {
                let name: String = fields.get(&key).ok()??;
                let name: serde::de::value::StringDeserializer<Refused> = name.into_deserializer();
                replica.phase = Phase::deserialize(name).ok()?;
            }
            _ => return None,
        }
    }
    Some(replica)
}
