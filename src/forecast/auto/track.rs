//! The last values of a load, one after the other, in single precision.
//!
//! In: values, missing ones too. Out: any of the last by its age. Knows nothing of time.

use serde::{Deserialize, Serialize};

/// The last values, missing ones as a negative number.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Track {
    pub(super) values: Vec<f32>,
    /// Where the next one goes once the track is full.
    pub(super) next: usize,
}

pub(super) const MISSING: f32 = -1.0;

impl Track {
    pub(super) fn new(capacity: usize) -> Self {
        Self { values: Vec::with_capacity(capacity), next: 0 }
    }

    pub(super) fn clear(&mut self) {
        self.values.clear();
        self.next = 0;
    }

    pub(super) fn push(&mut self, value: Option<f32>, capacity: usize) {
        let value = value.unwrap_or(MISSING);
        if self.values.len() < capacity {
            self.values.push(value);
        } else {
            self.values[self.next] = value;
            self.next = if self.next + 1 == capacity { 0 } else { self.next + 1 };
        }
    }

    /// The value `age` steps before the last one.
    #[inline]
    pub(super) fn back(&self, age: usize) -> Option<f32> {
        let len = self.values.len();
        if age >= len {
            return None;
        }
        let at = self.next + len - 1 - age;
        let value = self.values[if at >= len { at - len } else { at }];
        (value >= 0.0).then_some(value)
    }

    /// The loads, the oldest first, missing ones as NaN.
    pub(super) fn unpack(&self, into: &mut Vec<f64>) {
        into.clear();
        let (newer, older) = self.values.split_at(self.next);
        let load = |&value: &f32| {
            if value < 0.0 { f64::NAN } else { f64::from(value) * f64::from(value) }
        };
        into.extend(older.iter().chain(newer).map(load));
    }
}
