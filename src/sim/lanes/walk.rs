//! One lane, tick by tick: what it sees, what it decides, what becomes of the load.
//!
//! In: a sheet, tapes, tables, a lane and where it stands. Out: where it stands some ticks later, and
//! what each span cost. The same loop as [`sim::replay`](crate::sim::replay) in single precision
//! and whole numbers; the kernel `replay` is its twin in WGSL.
//!
//! Replicas, times and sums are whole numbers, so that only what is divided is rounded: the queue, the
//! utilization, a load by its target. There a number that is a whole one in binary64 must not be a hair
//! above it here.

use super::lane::{DOWN, Lane, UP};
use super::sheet::Sheet;
use super::state::{Rings, State, Sums};

/// A lane and all that it looks up.
pub(super) struct Walk<'a> {
    pub(super) sheet: &'a Sheet,
    pub(super) tapes: &'a [Vec<u32>],
    pub(super) tables: &'a [u32],
    pub(super) rings: &'a Rings,
    pub(super) lane: &'a Lane,
}

/// A tick, or a slot of time, and replicas in a word.
pub(super) fn packed(tick: u32, replicas: u32) -> u32 {
    tick << 11 | replicas
}

impl Walk<'_> {
    /// Goes through the sheet; `ring` are zeros, as many as the rings take.
    pub(super) fn run(
        &self,
        ring: &mut [u32],
        span_ticks: usize,
        mut told: impl FnMut(Sums),
    ) -> State {
        let Self { sheet, lane, .. } = self;
        let mut state = State { ready: lane.initial, ..State::default() };
        let [first, n] = self.rings.used;
        ring[first as usize..(first + n) as usize].fill(lane.utilization.to_bits());
        // A first sight counts as recommended just then.
        for side in [UP, DOWN] {
            ring[self.rings.seen[side][0] as usize] = packed(0, lane.initial);
            state.n_seen[side] = 1;
        }
        for tick in 0..sheet.n_ticks() {
            self.step(&mut state, ring);
            if (tick + 1) % span_ticks == 0 || tick + 1 == sheet.n_ticks() {
                let State { violated, paid, paid_rest, .. } = state;
                told(Sums { violated, paid, paid_rest });
                (state.violated, state.paid, state.paid_rest) = (0, 0, 0);
            }
            if state.is_out > 0 {
                break;
            }
        }
        state
    }

    fn step(&self, state: &mut State, ring: &mut [u32]) {
        let current = state.ready + state.n_starting;
        let proposed = self.propose(state, ring, current);
        let replicas = self.limit(state, ring, current, proposed);
        if replicas != current {
            let side = if replicas > current { UP } else { DOWN };
            self.record(state, ring, side, current.abs_diff(replicas));
        }
        self.request(state, ring, current, replicas);
        self.pass(state, ring);
        state.tick += 1;
    }
}
