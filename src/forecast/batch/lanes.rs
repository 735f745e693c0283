//! Several series side by side, so that one instruction works on many.
//!
//! In: numbers of as many series as there are lanes. Out: the same arithmetic for each. A lane knows of
//! no other, so the number of lanes changes no bit.

use std::ops::{Add, AddAssign, Div, Mul, Sub};

/// A number of each of `N` series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Lanes<const N: usize>(pub(super) [f32; N]);

impl<const N: usize> Lanes<N> {
    pub(super) const ZERO: Self = Self::all(0.0);

    #[inline(always)]
    pub(super) const fn all(value: f32) -> Self {
        Self([value; N])
    }

    #[inline(always)]
    pub(super) fn map(mut self, with: impl Fn(f32) -> f32) -> Self {
        for value in &mut self.0 {
            *value = with(*value);
        }
        self
    }

    #[inline(always)]
    pub(super) fn zip(mut self, other: Self, with: impl Fn(f32, f32) -> f32) -> Self {
        for (value, other) in self.0.iter_mut().zip(other.0) {
            *value = with(*value, other);
        }
        self
    }

    #[inline(always)]
    pub(super) fn abs(self) -> Self {
        self.map(f32::abs)
    }

    #[inline(always)]
    pub(super) fn min(self, other: Self) -> Self {
        self.zip(other, |a, b| if b < a { b } else { a })
    }

    #[inline(always)]
    pub(super) fn max(self, other: Self) -> Self {
        self.zip(other, |a, b| if b > a { b } else { a })
    }
}

macro_rules! arithmetic {
    ($($role:ident $name:ident $sign:tt),*) => {$(
        impl<const N: usize> $role for Lanes<N> {
            type Output = Self;

            #[inline(always)]
            fn $name(self, other: Self) -> Self {
                self.zip(other, |a, b| a $sign b)
            }
        }

        impl<const N: usize> $role<f32> for Lanes<N> {
            type Output = Self;

            #[inline(always)]
            fn $name(self, other: f32) -> Self {
                self.map(|a| a $sign other)
            }
        }
    )*};
}

arithmetic!(Add add +, Sub sub -, Mul mul *, Div div /);

impl<const N: usize> AddAssign for Lanes<N> {
    #[inline(always)]
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}
