//! Work on many series by all cores.
//!
//! In: parts of the work. Out: their answers, in order. Knows no series; a process that was forked
//! after the threads were started works alone, as they are not in it.

#[cfg(feature = "parallel")]
use rayon::prelude::*;

use crate::Error;

/// The threads there are.
#[cfg(feature = "parallel")]
pub(super) fn n_threads() -> usize {
    use std::sync::OnceLock;
    static STARTED_IN: OnceLock<u32> = OnceLock::new();
    let process = std::process::id();
    if *STARTED_IN.get_or_init(|| process) == process { rayon::current_num_threads() } else { 1 }
}

#[cfg(not(feature = "parallel"))]
pub(super) fn n_threads() -> usize {
    1
}

/// The answers to all parts.
#[cfg(feature = "parallel")]
pub(super) fn each<I: Send, T: Send>(
    parts: Vec<I>,
    answer: impl Fn(usize, I) -> T + Send + Sync,
) -> Vec<T> {
    if n_threads() == 1 || parts.len() == 1 {
        return parts.into_iter().enumerate().map(|(at, part)| answer(at, part)).collect();
    }
    parts.into_par_iter().enumerate().map(|(at, part)| answer(at, part)).collect()
}

#[cfg(not(feature = "parallel"))]
pub(super) fn each<I, T>(parts: Vec<I>, answer: impl Fn(usize, I) -> T) -> Vec<T> {
    parts.into_iter().enumerate().map(|(at, part)| answer(at, part)).collect()
}

/// The same for work that may fail: all answers, or the first error in the order of the parts.
pub(crate) fn try_each<I: Send, T: Send>(
    parts: Vec<I>,
    answer: impl Fn(I) -> Result<T, Error> + Send + Sync,
) -> Result<Vec<T>, Error> {
    each(parts, |_, part| answer(part)).into_iter().collect()
}
