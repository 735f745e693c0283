//! One lane, tick by tick: what it sees, what it decides, what becomes of the load.
//!
//! In: a sheet, a tape, tables, a lane and where it stands. Out: where it stands some ticks later, and
//! what each span cost. The same loop as [`sim::replay`](crate::sim::replay) in single precision
//! and whole numbers; the kernel `replay` is its twin in WGSL.
//!
//! Replicas, times and sums are whole numbers, so that only what is divided is rounded: the queue, the
//! utilization, a load by its target. There a number that is a whole one in binary64 must not be a hair
//! above it here, hence [`HAIR`].

use super::lane::{
    BY_TABLE, DISABLED, DOWN, LIMITS, Lane, MOST_REPLICAS, NONE, RATE, SELECT_MAX, STABILIZATION,
    TOO_MANY, UP,
};
use super::sheet::{ABSENT, Sheet, Tape};
use super::state::{Rings, State, Sums};

/// A quotient of two rounded numbers is off by so much at most, as a share of it.
const HAIR: f32 = 4e-7;

/// A lane and all that it looks up.
pub(super) struct Walk<'a> {
    pub(super) sheet: &'a Sheet,
    pub(super) tape: &'a Tape,
    pub(super) tables: &'a [u32],
    pub(super) rings: &'a Rings,
    pub(super) lane: &'a Lane,
}

/// A tick and replicas in a word.
fn packed(tick: u32, replicas: u32) -> u32 {
    tick << 11 | replicas
}

/// The least whole number of replicas that is a quotient, give or take rounding.
fn ceiled(quotient: f32) -> u32 {
    ((quotient - HAIR * quotient).ceil()).min(TOO_MANY as f32) as u32
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

    /// What the policies want together; [`NONE`] if they want nothing.
    fn propose(&self, state: &mut State, ring: &[u32], current: u32) -> u32 {
        let Self { lane, tape, .. } = self;
        let tick = state.tick as usize;
        let (mut most, mut is_blocked) = (NONE, false);
        let mut wants = |replicas: u32| {
            most = if most == NONE { replicas } else { most.max(replicas) };
        };
        if lane.percent > 0 {
            match self.on_utilization(state, ring, current) {
                NONE => is_blocked = true,
                replicas => wants(replicas),
            }
        }
        if lane.target_load > 0.0 {
            let load = tape.readings[tick];
            if load == ABSENT {
                is_blocked = true;
            } else {
                let kept = lane.target_load * current as f32;
                let is_within = load >= lane.low * kept * (1.0 - HAIR)
                    && load <= lane.high * kept * (1.0 + HAIR);
                wants(if is_within { current } else { ceiled(load / lane.target_load) });
            }
        }
        if lane.planned > 0.0 && tape.demands[tick] != ABSENT {
            wants(ceiled(tape.demands[tick] / lane.planned));
        }
        if is_blocked && most < current { NONE } else { most }
    }

    /// The HPA's law on the utilization of the requests; [`NONE`] if it cannot be read.
    fn on_utilization(&self, state: &mut State, ring: &[u32], current: u32) -> u32 {
        let Self { lane, sheet, .. } = self;
        let [first, n] = self.rings.used;
        let used = f32::from_bits(ring[(first + state.tick % n) as usize]);
        let error = sheet.errors[state.tick as usize];
        if used == ABSENT || error == ABSENT {
            return NONE;
        }
        let mean = (used * error).min(1.0);
        let seconds = sheet.interval as f32 / 1000.0;
        if lane.samples > 0 && !state.screen.believes(lane, state.tick, seconds, mean, state.ready)
        {
            return NONE;
        }
        let thousandths = (mean * 1000.0).round() as u32;
        let percent = thousandths / 10;
        let is_within = |percent| lane.within[0] <= percent && percent <= lane.within[1];
        if percent <= lane.percent || state.n_starting == 0 {
            if is_within(percent) {
                return current;
            }
            return self.size(percent, state.ready);
        }
        // Those that start count as idle before anything is added.
        let percent = thousandths * state.ready / (10 * current);
        let replicas = self.size(percent, current);
        if is_within(percent) || percent < lane.percent || replicas < current {
            return current;
        }
        replicas
    }

    /// HPA: ceil(percent / target * pods), and one more where binary64 rounds a whole number up.
    fn size(&self, percent: u32, pods: u32) -> u32 {
        let Lane { percent: target, sizes, .. } = *self.lane;
        let words = (MOST_REPLICAS + 1) / 32;
        let word = self.tables[(sizes + percent * words + pods / 32) as usize];
        let noise = word >> (pods % 32) & 1;
        ((percent * pods).div_ceil(target) + noise).min(TOO_MANY)
    }

    /// Guards and limits.
    fn limit(&self, state: &mut State, ring: &mut [u32], current: u32, proposed: u32) -> u32 {
        let lane = self.lane;
        let mut replicas = current;
        if proposed != NONE && lane.min <= current && current <= lane.max {
            replicas = proposed;
            let mut guards = lane.guards;
            while guards > 0 {
                replicas = match guards & 15 {
                    STABILIZATION => self.stabilized(state, ring, current, replicas),
                    RATE => self.rated(state, ring, current, replicas),
                    _ => self.tolerated(current, replicas),
                };
                guards >>= 4;
            }
        }
        replicas.clamp(lane.min, lane.max)
    }

    fn stabilized(&self, state: &mut State, ring: &mut [u32], current: u32, proposed: u32) -> u32 {
        let mut bounds = [proposed; 2];
        for side in [UP, DOWN] {
            let window = self.lane.windows[side];
            if window == 0 {
                continue;
            }
            let [first, n] = self.rings.seen[side];
            let at = |place: u32| (first + (place & (n - 1))) as usize;
            while state.n_seen[side] > 0
                && state.tick - (ring[at(state.first_seen[side])] >> 11) >= window
            {
                state.first_seen[side] += 1;
                state.n_seen[side] -= 1;
            }
            let better =
                |one: u32, other: u32| if side == UP { one <= other } else { one >= other };
            if state.n_seen[side] > 0 {
                let extreme = ring[at(state.first_seen[side])] & 2047;
                if better(extreme, proposed) {
                    bounds[side] = extreme;
                }
            }
            // Whoever is no better than a younger one will never matter (Lemire 2006).
            while state.n_seen[side] > 0 {
                let last = ring[at(state.first_seen[side] + state.n_seen[side] - 1)] & 2047;
                if !better(proposed, last) {
                    break;
                }
                state.n_seen[side] -= 1;
            }
            ring[at(state.first_seen[side] + state.n_seen[side])] = packed(state.tick, proposed);
            state.n_seen[side] += 1;
        }
        current.max(bounds[UP]).min(bounds[DOWN])
    }

    fn rated(&self, state: &mut State, ring: &[u32], current: u32, proposed: u32) -> u32 {
        if proposed > current {
            proposed.min(self.reached(state, ring, UP, current).max(current))
        } else if proposed < current {
            proposed.max(self.reached(state, ring, DOWN, current).min(current))
        } else {
            proposed
        }
    }

    /// How far the limits of a side let it go.
    fn reached(&self, state: &mut State, ring: &[u32], side: usize, current: u32) -> u32 {
        let Lane { selects, n_limits, changes, periods, .. } = self.lane;
        if selects[side] == DISABLED {
            return current;
        }
        let mut of = |limit: usize| {
            let at = LIMITS * side + limit;
            self.candidate(state, ring, side, changes[at], periods[at], current)
        };
        let first = of(0);
        if n_limits[side] < 2 {
            return first;
        }
        let second = of(1);
        let is_higher = (side == UP) == (selects[side] == SELECT_MAX);
        if is_higher { first.max(second) } else { first.min(second) }
    }

    fn candidate(
        &self,
        state: &mut State,
        ring: &[u32],
        side: usize,
        change: u32,
        period: u32,
        current: u32,
    ) -> u32 {
        let changed = |side| self.changed(state, ring, side, period) as i32;
        let base = current as i32 - changed(UP) + changed(DOWN);
        if change >= BY_TABLE {
            if base < 0 || base > MOST_REPLICAS as i32 {
                state.is_out = 1;
                return current;
            }
            return self.tables[(change - BY_TABLE + base as u32) as usize];
        }
        let moved = if side == UP { base + change as i32 } else { base - change as i32 };
        moved.clamp(0, TOO_MANY as i32) as u32
    }

    /// What has changed within a period.
    fn changed(&self, state: &State, ring: &[u32], side: usize, period: u32) -> u32 {
        let first = self.rings.events[side][0];
        let mut sum = 0;
        for place in 0..state.n_events[side] {
            let event = ring[(first + place) as usize];
            if state.tick - (event >> 11) < period {
                sum += event & 2047;
            }
        }
        sum
    }

    /// Takes a change down; the last event that is too old for every limit gives its place.
    fn record(&self, state: &mut State, ring: &mut [u32], side: usize, change: u32) {
        let [first, n] = self.rings.events[side];
        let mut place = state.n_events[side];
        for known in 0..state.n_events[side] {
            let age = state.tick - (ring[(first + known) as usize] >> 11);
            if age > self.lane.longest[side] {
                place = known;
            }
        }
        if place >= n {
            state.is_out = 1;
            return;
        }
        state.n_events[side] = state.n_events[side].max(place + 1);
        ring[(first + place) as usize] = packed(state.tick, change);
    }

    fn tolerated(&self, current: u32, proposed: u32) -> u32 {
        let edges = self.tables[(self.lane.tolerance + current) as usize];
        if edges & 0xffff <= proposed && proposed <= edges >> 16 { current } else { proposed }
    }
}
