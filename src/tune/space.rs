//! What may be changed: settings by their place, and the values they may take.
//!
//! In: dimensions. Out: for a point of the unit cube the changes it stands for, applied to settings
//! as JSON. Knows no member of any room.

use rand_core::Rng;
use rand_pcg::Pcg32;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Error;

/// One setting that may be changed: a list of values, or a range of numbers.
///
/// A value is merged into what stands there (JSON Merge Patch, RFC 7396): a mapping changes the
/// fields that it names, `null` takes one away, anything else takes its place. Durations in a range
/// are numbers of seconds.
///
/// ```
/// use forescale::tune::Dimension;
///
/// let target = Dimension::range("policies[0].target", 0.4, 0.9);
/// assert_eq!(target, serde_json::from_str(r#"{"path": "policies[0].target", "from": 0.4, "to": 0.9}"#)?);
/// let window = Dimension::values("guards[0].scale_down", ["1m", "5m", "1h"]);
/// assert_eq!(window.values.len(), 3);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dimension {
    /// The place of the setting, such as `policies[0].target`.
    pub path: String,
    /// The values it may take; neighbors are taken for alike. Empty where there is a range.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<Value>,
    /// The lowest number of a range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<f64>,
    /// The highest number of a range; above `from`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<f64>,
    /// Whether equal factors are equal steps of the range, rather than equal differences; `from` is
    /// then above 0. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub log: bool,
    /// Only multiples of it are taken, above 0: 1 for whole numbers, 0.01 for whole percents. Default:
    /// numbers of three digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grain: Option<f64>,
}

impl Dimension {
    /// A setting that may take any of these values.
    #[must_use]
    pub fn values<V: Into<Value>>(
        path: impl Into<String>,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        let values = values.into_iter().map(Into::into).collect();
        Self { path: path.into(), values, from: None, to: None, log: false, grain: None }
    }

    /// A number between two others.
    #[must_use]
    pub fn range(path: impl Into<String>, from: f64, to: f64) -> Self {
        let (from, to) = (Some(from), Some(to));
        Self { path: path.into(), values: Vec::new(), from, to, log: false, grain: None }
    }

    /// The same, where equal factors are equal steps.
    #[must_use]
    pub fn by_factors(self) -> Self {
        Self { log: true, ..self }
    }

    /// The same, of which only multiples of `grain` are taken.
    #[must_use]
    pub fn in_grains(self, grain: f64) -> Self {
        Self { grain: Some(grain), ..self }
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        if let Some(grain) = self.grain.filter(|grain| !(*grain > 0.0 && grain.is_finite())) {
            return Err(Error::config("grain", format!("is {grain}, must be above 0")));
        }
        if self.path.is_empty() {
            return Err(Error::config("path", "is empty, must name a setting"));
        }
        match (self.from, self.to) {
            (None, None) if self.values.is_empty() => {
                let message = "is missing, must be a list, or `from` and `to` be given";
                Err(Error::config("values", message))
            }
            (None, None) => Ok(()),
            (Some(_), Some(_)) if !self.values.is_empty() => {
                Err(Error::config("values", "must be absent where `from` and `to` are given"))
            }
            (Some(from), Some(to)) if !(from < to && from.is_finite() && to.is_finite()) => {
                Err(Error::config("to", format!("is {to}, must be above `from`, which is {from}")))
            }
            (Some(from), Some(_)) if self.log && from <= 0.0 => {
                Err(Error::config("from", format!("is {from}, must be above 0 where `log` is set")))
            }
            (Some(_), Some(_)) => Ok(()),
            (None, Some(_)) => Err(Error::config("from", "is missing beside `to`")),
            (Some(_), None) => Err(Error::config("to", "is missing beside `from`")),
        }
    }

    /// The value at a place in [0, 1).
    pub(super) fn at(&self, place: f64) -> Value {
        let (Some(from), Some(to)) = (self.from, self.to) else {
            let index = (place * self.values.len() as f64) as usize;
            return self.values[index.min(self.values.len() - 1)].clone();
        };
        let number =
            if self.log { from * libm::pow(to / from, place) } else { from + (to - from) * place };
        let number = match self.grain {
            // By the inverse, so that hundredths come out as they are written.
            Some(grain) => (number * (1.0 / grain)).round() / (1.0 / grain),
            None => three_digits(number),
        };
        let number = number.clamp(from, to);
        // A count is written as one.
        if self.grain.is_some() && number.fract() == 0.0 && number.abs() < 1e15 {
            return Value::from(number as i64);
        }
        Value::from(number)
    }

    /// A place near another one: a step of a list, or about an eighth of a range.
    fn near(&self, place: f64, random: &mut Pcg32) -> f64 {
        let moved = if self.from.is_some() {
            // The sum of three even numbers is near enough to normal.
            let stray: f64 = (0..3).map(|_| uniform(random) - 0.5).sum();
            place + 0.25 * stray
        } else if uniform(random) < 0.3 {
            uniform(random)
        } else {
            let step = 1.0 / self.values.len() as f64;
            place + if uniform(random) < 0.5 { step } else { -step }
        };
        // Reflected at the ends.
        let moved = if moved < 0.0 { -moved } else { moved };
        let moved = if moved >= 1.0 { 2.0 - moved } else { moved };
        moved.clamp(0.0, 1.0 - 1e-9)
    }
}

/// Three digits are enough for anyone to read.
pub(super) fn three_digits(number: f64) -> f64 {
    let digits = libm::pow(10.0, 2.0 - libm::log10(number.abs().max(1e-12)).floor());
    (number * digits).round() / digits
}

/// Settings by a point of the unit cube.
pub(super) fn apply(base: &Value, space: &[Dimension], point: &[f64]) -> (Value, Vec<Change>) {
    let mut settings = base.clone();
    let mut changes = Vec::with_capacity(space.len());
    for (dimension, &place) in space.iter().zip(point) {
        let value = dimension.at(place);
        merge(place_of(&mut settings, &dimension.path), &value);
        changes.push(Change { path: dimension.path.clone(), value });
    }
    (settings, changes)
}

/// A setting of a candidate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// Its place.
    pub path: String,
    /// Its value, merged into what stands there.
    pub value: Value,
}

/// What stands at a place; made where there is nothing yet. Items beyond a list's end are refused
/// later, as their settings are then no settings.
fn place_of<'a>(mut value: &'a mut Value, path: &str) -> &'a mut Value {
    for part in path.split('.') {
        let (name, indices) = part.split_once('[').map_or((part, ""), |(name, rest)| (name, rest));
        if !name.is_empty() {
            if !value.is_object() {
                *value = Value::Object(serde_json::Map::new());
            }
            let fields = value.as_object_mut().expect("just made one");
            value = fields.entry(name).or_insert(Value::Null);
        }
        for index in indices.split('[').filter(|index| !index.is_empty()) {
            let index: usize = index.trim_end_matches(']').parse().unwrap_or(usize::MAX);
            if value.as_array().is_none_or(|items| index > items.len()) {
                // Nothing that it could be the place of: a field that no setting has.
                *value = serde_json::json!({ part: null });
                value = &mut value[part];
                continue;
            }
            let items = value.as_array_mut().expect("just seen");
            if index == items.len() {
                items.push(Value::Null);
            }
            value = &mut items[index];
        }
    }
    value
}

/// JSON Merge Patch (RFC 7396).
fn merge(into: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        *into = patch.clone();
        return;
    };
    if !into.is_object() {
        *into = Value::Object(serde_json::Map::new());
    }
    let fields = into.as_object_mut().expect("just made one");
    for (name, change) in changes {
        if change.is_null() {
            fields.remove(name);
        } else {
            merge(fields.entry(name).or_insert(Value::Null), change);
        }
    }
}

/// Points that fill the cube evenly, however many are taken: steps of powers of the inverse of the
/// generalized golden ratio, modulo 1 (a Kronecker sequence; Weyl 1916, Roberts 2018), from a start
/// that is drawn.
pub(super) fn spread(n: usize, n_dimensions: usize, random: &mut Pcg32) -> Vec<Vec<f64>> {
    // The root of x^(d+1) = x + 1.
    let mut golden = 1.5;
    for _ in 0..64 {
        golden = libm::pow(1.0 + golden, 1.0 / (n_dimensions as f64 + 1.0));
    }
    let start: Vec<f64> = (0..n_dimensions).map(|_| uniform(random)).collect();
    let steps: Vec<f64> =
        (1..=n_dimensions).map(|k| libm::pow(1.0 / golden, k as f64).fract()).collect();
    let point = |index: usize| {
        start
            .iter()
            .zip(&steps)
            .map(|(start, step)| (start + index as f64 * step).fract())
            .collect()
    };
    (0..n).map(point).collect()
}

/// A point beside one of the best: each of its places moved or not, or taken from another one.
pub(super) fn beside(best: &[&[f64]], space: &[Dimension], random: &mut Pcg32) -> Vec<f64> {
    let mut pick = || best[((uniform(random) * best.len() as f64) as usize).min(best.len() - 1)];
    let (one, other) = (pick(), pick());
    let share = (2.0 / space.len() as f64).max(0.3);
    let mut places = Vec::with_capacity(space.len());
    for (index, dimension) in space.iter().enumerate() {
        let from = if uniform(random) < 0.25 { other[index] } else { one[index] };
        let moves = uniform(random) < share;
        places.push(if moves { dimension.near(from, random) } else { from });
    }
    places
}

/// Evenly in [0, 1).
pub(super) fn uniform(random: &mut Pcg32) -> f64 {
    f64::from(random.next_u32()) / 4_294_967_296.0
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_is_merged_into_what_stands_at_its_place() {
        let base = json!({"policies": [{"kind": "a", "quantile": 0.9}], "lead_time": "2m"});
        let space = [
            Dimension::values("policies[0]", [json!({"risk": 0.1, "quantile": null})]),
            Dimension::range("lead_time", 60.0, 240.0),
            Dimension::values("guards", [json!([])]),
        ];
        let (settings, changes) = apply(&base, &space, &[0.0, 0.5, 0.0]);
        let want =
            json!({"policies": [{"kind": "a", "risk": 0.1}], "lead_time": 150.0, "guards": []});
        assert_eq!(settings, want);
        assert_eq!((changes[1].path.as_str(), &changes[1].value), ("lead_time", &json!(150.0)));
    }

    #[test]
    fn places_are_values_of_the_range() {
        let log = Dimension::range("risk", 0.001, 1.0).by_factors();
        assert_eq!([log.at(0.0), log.at(0.5)], [json!(0.001), json!(0.0316)]);
        let whole = Dimension::range("max_replicas", 1.0, 9.0).in_grains(1.0);
        assert_eq!(whole.at(0.49), json!(5));
        assert_eq!(Dimension::range("target", 0.3, 0.95).in_grains(0.01).at(0.5), json!(0.63));
        let list = Dimension::values("x", [1, 2, 3]);
        assert_eq!(
            [list.at(0.0), list.at(0.34), list.at(0.999_999)],
            [json!(1), json!(2), json!(3)]
        );
    }

    /// Each eighth of each axis gets about its eighth of the points.
    #[test]
    fn points_fill_the_cube_evenly() {
        let points = spread(128, 6, &mut Pcg32::new(1, 1));
        for axis in 0..6 {
            let mut counts = [0; 8];
            points.iter().for_each(|point| counts[(point[axis] * 8.0) as usize] += 1);
            assert!(counts.iter().all(|&count| (9..=23).contains(&count)), "{axis}: {counts:?}");
        }
    }

    #[test]
    fn a_point_beside_another_stays_in_the_cube() {
        let space = [Dimension::range("a", 0.0, 1.0), Dimension::values("b", [1, 2, 3])];
        let mut random = Pcg32::new(3, 1);
        let best: [&[f64]; 2] = [&[0.01, 0.99], &[0.99, 0.01]];
        for _ in 0..1000 {
            let point = beside(&best, &space, &mut random);
            assert!(point.iter().all(|place| (0.0..1.0).contains(place)), "{point:?}");
        }
    }
}
