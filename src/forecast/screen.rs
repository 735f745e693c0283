//! Keeps one odd sample from moving a model far, and lets a model follow a shift at once.
//!
//! In: how far each sample was off what the model expected. Out: whether to learn from it, to pass it
//! over, or to move the level to it. Knows no model.

use serde::{Deserialize, Serialize};

/// Errors that are remembered.
const KEPT: usize = 32;

/// With fewer errors nothing is odd yet.
const LEAST: usize = 8;

/// An error is odd beyond so many times the second largest of the last ones.
const FACTOR: f64 = 3.0;

/// Judges each error by the last ones.
///
/// A recursive smoother forgets a wrong sample slowly, so it must not take in what is not plausible
/// (Gelper, Fried, Croux 2010). What is plausible is measured by the second largest of
/// the last errors: a single outlier cannot widen it, and it holds for any distribution and scale.
/// A second odd sample in a row on the same side is no outlier but a shift, which no smoother
/// should creep up to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Screen {
    /// The sizes of the last errors. Invariant: at most [`KEPT`].
    sizes: Vec<f64>,
    /// Where the oldest lies once they are complete.
    next: usize,
    /// Where the size of the last error lies and whether it was above, if that error was odd.
    odd: Option<(usize, bool)>,
}

/// What to make of a sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Seen {
    /// Learn from it.
    Plain,
    /// Take it for missing.
    Odd,
    /// Take its level for the new one.
    Shift,
}

impl Screen {
    /// Takes over what was saved, if it is sound.
    pub(super) fn restored(&self, saved: Self) -> Result<Self, String> {
        let n = saved.sizes.len();
        let outside = |at: usize| at >= n.max(1);
        if n > KEPT || outside(saved.next) || saved.odd.is_some_and(|(at, _)| outside(at)) {
            return Err(format!("a screen of {n} errors is not ours"));
        }
        Ok(saved)
    }

    /// Judges the error of a sample.
    pub(super) fn judge(&mut self, error: f64) -> Seen {
        let is_odd = self.sizes.len() >= LEAST && error.abs() > FACTOR * self.second_largest();
        let before = self.odd.take();
        let at = self.push(error.abs());
        if !is_odd {
            return Seen::Plain;
        }
        match before {
            Some((other, above)) if above == (error > 0.0) => {
                // Errors of the level that has passed say nothing about those to come.
                self.sizes[other] = 0.0;
                self.sizes[at] = 0.0;
                Seen::Shift
            }
            _ => {
                self.odd = Some((at, error > 0.0));
                Seen::Odd
            }
        }
    }

    fn second_largest(&self) -> f64 {
        let larger = |(first, second): (f64, f64), &size: &f64| {
            (first.max(size), second.max(first.min(size)))
        };
        self.sizes.iter().fold((0.0, 0.0), larger).1
    }

    fn push(&mut self, size: f64) -> usize {
        if self.sizes.len() < KEPT {
            self.sizes.push(size);
            return self.sizes.len() - 1;
        }
        let at = self.next;
        self.sizes[at] = size;
        self.next = (at + 1) % KEPT;
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn screen(sizes: &[f64]) -> Screen {
        let mut screen = Screen::default();
        sizes.iter().for_each(|&size| assert_eq!(screen.judge(size), Seen::Plain));
        screen
    }

    #[test]
    fn one_odd_error_is_passed_over_and_two_in_a_row_are_a_shift() {
        let mut screen = screen(&[1.0, -0.5, 0.2, 1.0, -0.8, 0.9, 0.1, 0.4]);
        // Twice 1.0 was seen, so up to 3.0 is plausible.
        assert_eq!(screen.judge(-2.9), Seen::Plain);
        assert_eq!(screen.judge(1e6), Seen::Odd);
        // The second largest is 2.9 now.
        assert_eq!(screen.judge(8.6), Seen::Plain);
        assert_eq!(screen.judge(-1e6), Seen::Odd);
    }

    #[test]
    fn a_shift_leaves_what_is_plausible_as_it_was() {
        let mut screen = screen(&[1.0; 40]);
        assert_eq!(screen.judge(1e6), Seen::Odd);
        assert_eq!(screen.judge(1e6), Seen::Shift);
        assert_eq!(screen.judge(-1e6), Seen::Odd);
        assert_eq!(screen.judge(1e6), Seen::Odd, "the other side is no shift");
    }

    #[test]
    fn a_load_that_never_moved_may_begin_to() {
        let mut screen = screen(&[0.0; 40]);
        let errors = [1.0, -1.0, 1.0, -1.0];
        let seen: Vec<_> = errors.iter().map(|&error| screen.judge(error)).collect();
        assert_eq!(seen, [Seen::Odd, Seen::Odd, Seen::Plain, Seen::Plain]);
    }

    #[test]
    fn a_damaged_one_is_refused() {
        let good = screen(&[1.0; 9]);
        let refused = |damaged: Screen| Screen::default().restored(damaged).is_err();
        assert!(!refused(good.clone()));
        assert!(refused(Screen { next: 9, ..good.clone() }));
        assert!(refused(Screen { odd: Some((9, true)), ..good.clone() }));
        assert!(refused(Screen { sizes: vec![1.0; 33], ..good }));
    }
}
