//! What holds back, and what it remembers of what was decided.
//!
//! In: what the policies want. Out: the replicas to ask for. The guards stabilization, rate and tolerance,
//! and the limits.

use super::lane::{
    BY_TABLE, DISABLED, DOWN, LIMITS, Lane, MOST_REPLICAS, NONE, RATE, SELECT_MAX, STABILIZATION,
    TOO_MANY, UP,
};
use super::state::State;
use super::walk::{Walk, packed};

impl Walk<'_> {
    /// Guards and limits.
    pub(super) fn limit(
        &self,
        state: &mut State,
        ring: &mut [u32],
        current: u32,
        proposed: u32,
    ) -> u32 {
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
    pub(super) fn record(&self, state: &mut State, ring: &mut [u32], side: usize, change: u32) {
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
