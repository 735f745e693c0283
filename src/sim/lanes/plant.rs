//! What becomes of what a lane decides: replicas that start and stop, load that waits.
//!
//! In: the replicas asked for. Out: where the lane stands an interval later. Twin of `sim/plant.rs` and
//! `sim/queue.rs`, which have the reasons; the kernel `replay` has the same in WGSL.

use super::sheet::ABSENT;
use super::state::State;
use super::walk::Walk;

/// A wait shorter than the time-out by so many seconds is rounding.
const MOMENT: f32 = 1e-3;
/// Load smaller than this share of what came, or of what one replica carries, is rounding.
const ROUNDING: f32 = 1e-6;
/// Pieces of the load that a queue goes through in an interval at most.
const MOST_PIECES: u32 = 1024;
/// More than any time here.
const NEVER: f32 = 1e30;

impl Walk<'_> {
    /// Starts what is missing, or stops what is too much, the youngest first.
    pub(super) fn request(&self, state: &mut State, ring: &mut [u32], current: u32, replicas: u32) {
        let [first, n] = self.rings.starting;
        let at = |place: u32| (first + (place & (n - 1))) as usize;
        let now = state.tick.wrapping_mul(self.sheet.interval);
        for _ in current..replicas {
            let Some(time) = self.sheet.starts.get(state.n_starts as usize) else {
                state.is_out = 1;
                return;
            };
            state.n_starts += 1;
            let ready_at = now.wrapping_add(*time);
            let mut place = state.first_start + state.n_starting;
            while place > state.first_start {
                let before = ring[at(place - 1)];
                if (before.wrapping_sub(ready_at) as i32) <= 0 {
                    break;
                }
                ring[at(place)] = before;
                place -= 1;
            }
            ring[at(place)] = ready_at;
            state.n_starting += 1;
        }
        let surplus = current.saturating_sub(replicas);
        let unready = surplus.min(state.n_starting);
        state.n_starting -= unready;
        let stopped = surplus - unready;
        state.ready -= stopped;
        let [first, n] = self.rings.stopped;
        ring[(first + state.tick % n) as usize] = stopped;
        // What was stopped as many intervals ago as are paid in full is paid for the rest.
        let leaves = ring[(first + (state.tick + 1) % n) as usize];
        state.n_stopping = state.n_stopping + stopped - leaves;
        state.paid += state.ready + state.n_starting + state.n_stopping;
        state.paid_rest += leaves;
    }

    /// An interval of the plant.
    pub(super) fn pass(&self, state: &mut State, ring: &mut [u32]) {
        let sheet = self.sheet;
        let [first, n] = self.rings.starting;
        let at = |place: u32| (first + (place & (n - 1))) as usize;
        let end = state.tick.wrapping_mul(sheet.interval).wrapping_add(sheet.interval);
        let (whole, mut partly) = (state.ready, 0);
        while state.n_starting > 0 {
            let left = end.wrapping_sub(ring[at(state.first_start)]) as i32;
            if left < 0 {
                break;
            }
            partly += (left as u32).min(sheet.interval);
            state.ready += 1;
            state.first_start += 1;
            state.n_starting -= 1;
        }
        let capacity = whole as f32 + partly as f32 / sheet.interval as f32;
        let [served, missed] = self.flow(state, capacity);
        let seconds = sheet.interval as f32 / 1000.0;
        let load = sheet.loads[state.tick as usize];
        if sheet.begins[state.tick as usize] {
            state.is_violated = 0;
        }
        if missed > ROUNDING * load.max(1.0) * seconds && state.is_violated == 0 {
            state.is_violated = 1;
            state.violated += 1;
        }
        let used = if capacity > 0.0 { (served / (capacity * seconds)).min(1.0) } else { ABSENT };
        let [first, n] = self.rings.used;
        ring[(first + state.tick % n) as usize] = used.to_bits();
    }

    /// The load served, and that served late or given up, in replicas times seconds; as `sim/queue.rs`.
    fn flow(&self, state: &mut State, capacity: f32) -> [f32; 2] {
        let sheet = self.sheet;
        let seconds = sheet.interval as f32 / 1000.0;
        let (mut served, mut missed, mut clock, mut pieces) = (0.0, 0.0, 0.0, 0);
        while clock < seconds && state.head <= state.tick {
            pieces += 1;
            if pieces > MOST_PIECES {
                state.is_out = 1;
                break;
            }
            let arrivals = sheet.loads[state.head as usize];
            let length = seconds - state.gone;
            let amount = arrivals * length;
            if amount <= 0.0 {
                (state.head, state.gone) = (state.head + 1, 0.0);
                continue;
            }
            let since = (state.tick - state.head) as f32 * seconds;
            let behind = since + (clock - state.gone);
            let left = seconds - clock;
            if arrivals > capacity && behind + MOMENT >= sheet.timeout {
                let is_all = length <= left;
                let span = length.min(left);
                let goes = arrivals * span;
                let serves = (capacity * span).min(goes);
                served += serves;
                missed += goes - serves;
                if sheet.timeout > sheet.late_after {
                    missed += serves;
                }
                clock += span;
                if is_all {
                    (state.head, state.gone) = (state.head + 1, 0.0);
                } else {
                    state.gone += span;
                }
                continue;
            }
            let spare = capacity - arrivals;
            if state.head == state.tick && spare >= 0.0 && behind * arrivals < left * spare {
                // Caught up with: from then on it is served as it comes.
                let caught_up = capacity * behind * arrivals / spare;
                served += amount;
                missed += caught_up * share_above(behind, 0.0, sheet.late_after);
                (state.head, state.gone) = (state.head + 1, 0.0);
                break;
            }
            let gives_up =
                if spare < 0.0 { (sheet.timeout - behind) * arrivals / -spare } else { NEVER };
            let empty_after = if capacity > 0.0 { amount / capacity } else { NEVER };
            let span = empty_after.min(left).min(gives_up);
            let serves = capacity * span;
            let last = state.gone + serves / arrivals;
            let waits = since + (clock + span - last);
            served += serves;
            missed += serves * share_above(behind, waits, sheet.late_after);
            clock += span;
            if empty_after <= span {
                (state.head, state.gone) = (state.head + 1, 0.0);
            } else {
                state.gone = last;
            }
        }
        [served, missed]
    }
}

/// The share of a straight line from `from` to `to` that lies above `edge`.
fn share_above(from: f32, to: f32, edge: f32) -> f32 {
    let (low, high) = (from.min(to), from.max(to));
    if low > edge {
        1.0
    } else if high <= edge {
        0.0
    } else {
        (high - edge) / (high - low)
    }
}
