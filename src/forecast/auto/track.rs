//! Many values of a load in half of single precision's memory.
//!
//! In: values, missing ones too. Out: the same, to the fifth digit of how far those around them lie
//! apart. Knows nothing of time.

use serde::{Deserialize, Serialize};
use wide::{f32x8, i32x8, u16x8};

/// Values that are not negative, some missing, in blocks that each have a grid of their own: a wild
/// one costs those beside it their precision, and no others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Packed {
    blocks: Vec<Block>,
    n: usize,
}

/// Values on an even grid from `low` on, `grain` apart.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Block {
    low: f32,
    grain: f32,
    codes: [u16; BLOCK],
}

/// Values in a block.
const BLOCK: usize = 32;

/// The code of a missing value, and the highest of one that is not.
const MISSING: u16 = u16::MAX;
const MOST: u16 = u16::MAX - 1;

impl Block {
    const EMPTY: Self = Self { low: 0.0, grain: 0.0, codes: [MISSING; BLOCK] };

    #[inline]
    fn get(&self, at: usize) -> Option<f32> {
        let code = self.codes[at];
        (code != MISSING).then(|| self.low + f32::from(code) * self.grain)
    }

    /// The mean of three values, if they all lie in the block and none is missing.
    #[inline]
    fn around(&self, at: usize) -> Option<f32> {
        let codes = self.codes.get(at.wrapping_sub(1)..at + 2)?;
        let sum = codes.iter().map(|&code| u32::from(code)).sum::<u32>();
        let known = codes.iter().all(|&code| code != MISSING);
        known.then(|| self.low + sum as f32 / 3.0 * self.grain)
    }

    fn high(&self) -> f32 {
        self.low + f32::from(MOST) * self.grain
    }

    #[inline]
    fn set(&mut self, at: usize, value: Option<f32>) {
        self.codes[at] = MISSING;
        let Some(value) = value else { return };
        // At the first one the grid forgets what is no longer there.
        if at == 0 || !(self.low..=self.high()).contains(&value) {
            self.stretch(value);
        }
        self.codes[at] = self.code(value);
    }

    fn code(&self, value: f32) -> u16 {
        let code = (value - self.low) / self.grain;
        if self.grain > 0.0 { ((code + 0.5) as u16).min(MOST) } else { 0 }
    }

    /// A new grid for the values that are known and another one.
    fn stretch(&mut self, value: f32) {
        // What is missing is the highest code, and that plus one the lowest.
        let first = self.codes.iter().fold(MISSING, |least, &code| least.min(code));
        let last = self.codes.iter().fold(0, |most, &code| most.max(code.wrapping_add(1)));
        let (mut low, mut high) = (value, value);
        if first != MISSING {
            low = low.min(self.low + f32::from(first) * self.grain);
            high = high.max(self.low + f32::from(last - 1) * self.grain);
        }
        // With room on the side of the new one, so that loads that rise seldom need another.
        let span = high - low;
        let high = if value == high { high + span } else { high };
        let low = if value == low { (low - span).max(0.0) } else { low };
        let grain = (high - low) / f32::from(MOST);
        let scale = if grain > 0.0 { 1.0 / grain } else { 0.0 };
        let (times, more) = (self.grain * scale, (self.low - low) * scale + 0.5);
        for codes in self.codes.as_chunks_mut().0 {
            let before = i32x8::from_u16x8(u16x8::new(*codes));
            let moved = f32x8::from_i32x8(before) * times + f32x8::splat(more);
            let moved = moved.fast_max(f32x8::ZERO).fast_min(f32x8::splat(f32::from(MOST)));
            let missing = before.simd_eq(i32x8::splat(i32::from(MISSING)));
            *codes = missing
                .bitselect(before, moved.fast_trunc_int())
                .to_array()
                .map(|code| code as u16);
        }
        (self.low, self.grain) = (low, grain);
    }

    fn is_whole(&self, most: f32) -> bool {
        (0.0..=most).contains(&self.low) && self.grain >= 0.0 && self.high() <= 3.0 * most
    }
}

impl Packed {
    pub(super) fn with_capacity(capacity: usize) -> Self {
        Self { blocks: Vec::with_capacity(capacity.div_ceil(BLOCK)), n: 0 }
    }

    pub(super) fn clear(&mut self) {
        self.blocks.clear();
        self.n = 0;
    }

    /// So many, all of them missing.
    pub(super) fn reset(&mut self, n: usize) {
        self.blocks.clear();
        self.blocks.resize(n.div_ceil(BLOCK), Block::EMPTY);
        self.n = n;
    }

    pub(super) fn len(&self) -> usize {
        self.n
    }

    #[cfg(test)]
    pub(super) fn n_bytes(&self) -> usize {
        self.blocks.capacity() * size_of::<Block>()
    }

    #[inline]
    pub(super) fn get(&self, at: usize) -> Option<f32> {
        self.blocks[at / BLOCK].get(at % BLOCK)
    }

    #[inline]
    pub(super) fn set(&mut self, at: usize, value: Option<f32>) {
        self.blocks[at / BLOCK].set(at % BLOCK, value);
    }

    fn push(&mut self, value: Option<f32>) {
        if self.n.is_multiple_of(BLOCK) {
            self.blocks.push(Block::EMPTY);
        }
        self.n += 1;
        self.set(self.n - 1, value);
    }

    /// Whether there is no value above `most`, about.
    pub(super) fn is_whole(&self, most: f32) -> bool {
        self.blocks.len() == self.n.div_ceil(BLOCK)
            && self.blocks.iter().all(|block| block.is_whole(most))
    }
}

/// The last values, one after the other.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Track {
    pub(super) values: Packed,
    /// Where the next one goes once the track is full.
    pub(super) next: usize,
}

impl Track {
    pub(super) fn new(capacity: usize) -> Self {
        Self { values: Packed::with_capacity(capacity), next: 0 }
    }

    pub(super) fn clear(&mut self) {
        self.values.clear();
        self.next = 0;
    }

    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    pub(super) fn push(&mut self, value: Option<f32>, capacity: usize) {
        if self.len() < capacity {
            self.values.push(value);
        } else {
            self.values.set(self.next, value);
            self.next = if self.next + 1 == capacity { 0 } else { self.next + 1 };
        }
    }

    /// The value `age` steps before the last one.
    #[inline]
    pub(super) fn back(&self, age: usize) -> Option<f32> {
        let len = self.len();
        if age >= len {
            return None;
        }
        let at = self.next + len - 1 - age;
        self.values.get(if at >= len { at - len } else { at })
    }

    /// The mean of the value `age` steps before the last one and its neighbors, as far as known.
    #[inline]
    pub(super) fn around(&self, age: usize) -> Option<f32> {
        let len = self.len();
        if age > 0 && age + 1 < len {
            let at = self.next + len - 1 - age;
            let at = if at >= len { at - len } else { at };
            if let Some(mean) = self.values.blocks[at / BLOCK].around(at % BLOCK) {
                return Some(mean);
            }
        }
        let newer = if age > 0 { self.back(age - 1) } else { None };
        let (mut n, mut sum) = (0, 0.0);
        for value in [newer, self.back(age), self.back(age + 1)].into_iter().flatten() {
            (n, sum) = (n + 1, sum + value);
        }
        (n > 0).then(|| sum / n as f32)
    }

    /// The loads, the oldest first, missing ones as NaN.
    pub(super) fn unpack(&self, into: &mut Vec<f64>) {
        into.clear();
        let load =
            |age| self.back(age).map_or(f64::NAN, |value| f64::from(value) * f64::from(value));
        into.extend((0..self.len()).rev().map(load));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecast::testing::uniform;

    #[test]
    fn the_last_values_are_there_to_the_fifth_digit_of_their_spread() {
        let mut track = Track::new(96);
        let mut uniform = uniform(11);
        // One wild value, a gap, and a level that moves.
        let values: Vec<Option<f32>> = (0..500)
            .map(|at| match at {
                350 => Some(1e9),
                at if at % 17 == 3 => None,
                at => Some(1000.0 + at as f32 + 10.0 * uniform() as f32),
            })
            .collect();
        for (at, &value) in values.iter().enumerate() {
            track.push(value, 96);
            let known = (at + 1).min(96);
            assert_eq!((track.len(), track.back(known)), (known, None));
            for age in 0..known {
                let (kept, want) = (track.back(age), values[at - age]);
                // In its block, until it is gone when the next lap begins there.
                let beside = [320..352, 416..448].iter().any(|block| block.contains(&(at - age)));
                let most = if beside { 2e5 } else { 0.02 };
                assert_eq!(kept.is_some(), want.is_some(), "{at} {age}");
                let off = (kept.unwrap_or(0.0) - want.unwrap_or(0.0)).abs();
                assert!(off <= most, "{at} {age}: {off}");
            }
        }
    }

    #[test]
    fn the_mean_around_a_value_is_that_of_the_three_that_are_known() {
        let mut track = Track::new(96);
        let mut uniform = uniform(12);
        for at in 0..250 {
            let value = (at % 11 > 1).then(|| 100.0 + 10.0 * uniform() as f32);
            track.push(value, 96);
            for age in 0..track.len() {
                let newer = age.checked_sub(1).and_then(|age| track.back(age));
                let three = [newer, track.back(age), track.back(age + 1)];
                let known: Vec<f32> = three.into_iter().flatten().collect();
                let want = known.iter().sum::<f32>() / known.len() as f32;
                let off = track.around(age).map(|mean| (mean - want).abs());
                assert_eq!(off.is_some(), !known.is_empty(), "{at} {age}");
                assert!(off.is_none_or(|off| off < 1e-4), "{at} {age}: {off:?} from {want}");
            }
        }
    }

    #[test]
    fn what_does_not_move_is_kept_to_the_last_bit() {
        let mut packed = Packed::default();
        for value in [0.0, 0.1, 1e-30, 3e15] {
            packed.reset(70);
            (0..140).for_each(|at| packed.set(at % 70, Some(value)));
            assert!((0..70).all(|at| packed.get(at) == Some(value)), "{value}");
        }
        packed.set(69, None);
        assert_eq!(packed.get(69), None);
        assert!(packed.is_whole(3e15) && !packed.is_whole(1e15));
    }
}
