//! The kernel `quantiles`: which errors so many others are at or below.
//!
//! In: the errors that the kernel `fit` left on the device, and levels. Out: rows beside those of `fit`.
//! Twin: `quantiles` in `forecast/batch/fit.rs`. Knows no load.

use super::fit::{self, ANCHORS};

/// The source of the kernel.
pub(crate) const SOURCE: &str = include_str!("quantiles.wgsl");

/// Rounds through all errors: one for the range, the others halve it.
const ROUNDS: usize = 27;

/// Bytes of the kernel's `Search`, of which there is one for four levels, a kind and a horizon.
pub(super) const SEARCH_BYTES: usize = 64;

/// No invocation takes more looks a dispatch: a quarter of the rounds after which Mesa's software
/// driver ends all loops.
const MOST_LOOKS: usize = 16_384;

/// No dispatch takes more looks in all: a tenth of a second where 10 GB/s are read.
const MOST_WORK: usize = 1 << 28;

/// The kernel's `Params`: same fields, same order, all of four bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C)]
pub(crate) struct Params {
    pub(crate) n_series: u32,
    pub(crate) n_levels: u32,
    pub(crate) n_rows: u32,
    pub(crate) n_looks: u32,
    pub(crate) errors: [Errors; ANCHORS],
}

/// The kernel's `Errors`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C)]
pub(crate) struct Errors {
    pub(crate) first: u32,
    pub(crate) n: u32,
    pub(crate) reserved: [u32; 2],
}

impl Params {
    /// For the errors that `fit` leaves, and so many levels.
    pub(super) fn new(fit: &fit::Params, n_anchors: usize, n_levels: usize) -> Self {
        let n_groups = 2 * n_anchors * n_levels.div_ceil(4);
        let share = MOST_WORK / (fit.n_series as usize * n_groups).max(1);
        let errors = |anchor: fit::Anchor| Errors {
            first: anchor.first,
            n: anchor.n_counted,
            reserved: [0; 2],
        };
        Self {
            n_series: fit.n_series,
            n_levels: n_levels as u32,
            n_rows: fit.n_rows,
            n_looks: share.clamp(1, MOST_LOOKS) as u32,
            errors: fit.anchors.map(errors),
        }
    }

    /// So many dispatches until all is found.
    pub(super) fn n_dispatches(&self) -> usize {
        let longest = self.errors.iter().map(|errors| errors.n as usize).max().unwrap_or(0);
        // The end of a round takes a look too.
        (ROUNDS * (longest + 1)).div_ceil(self.n_looks as usize)
    }

    /// As the kernel reads them, word by word.
    pub(crate) fn words(&self) -> Vec<u32> {
        let Self { n_series, n_levels, n_rows, n_looks, errors } = *self;
        let mut words = vec![n_series, n_levels, n_rows, n_looks];
        words.extend(errors.iter().flat_map(|of| [of.first, of.n, of.reserved[0], of.reserved[1]]));
        words
    }
}
