//! What a policy by risk wants, as far as that depends on the replicas there are.
//!
//! In: what is needed at a tick, whoever decides, and where a lane stands. Out: replicas. Twin of
//! `policy/predictive/{weigh,saturation,drain}.rs`, which have the reasons and make what is looked up
//! here; the kernel `replay` has the same in WGSL.

use super::lane::{MOST_REPLICAS, NONE};
use super::sheet::MOST_SLOTS;
use super::state::State;
use super::tape::{EDGES, LOADS, ORDERED, PLAIN, STAYS, WANTS, WORTH, WORTHS};
use super::walk::{Walk, packed};
use crate::policy::predictive::Foresight;

impl Walk<'_> {
    /// [`NONE`] where it has no opinion.
    pub(super) fn by_risk(&self, state: &mut State, ring: &mut [u32], current: u32) -> u32 {
        let hidden = match self.known(EDGES, state.tick) {
            NONE => 0,
            edges => self.hidden(state, ring, edges),
        };
        let piled = match self.known(LOADS, state.tick) {
            NONE => 0,
            loads => self.piled(state, loads),
        };
        let word = self.known(WANTS, state.tick);
        let needed = word & 2047;
        if word & WORTH == 0 {
            return if word & PLAIN > 0 { needed } else { NONE };
        }
        // One replica more than is cheapest stays where it is nearly worth its price; what is needed before
        // more could come orders none.
        let stays = word & STAYS > 0 && current == needed + 1;
        let ordered = if hidden > 0 { needed } else { word >> ORDERED };
        let needed = needed.min(current).max(ordered) + u32::from(stays);
        let asked = hidden.max(piled).max(needed);
        let slot = self.sheet.slots[state.tick as usize];
        highest(ring, self.rings.kept, &mut state.kept, slot, self.lane.keeps, asked)
    }

    /// What carries the load and works off what waits; 0 where nothing does.
    fn piled(&self, state: &mut State, loads: u32) -> u32 {
        let (sheet, lane) = (self.sheet, self.lane);
        let (parts, then) = (loads & 0xffff, loads >> 16);
        let now = state.tick + 1;
        let n_ticks = if state.seen > 0 { (now - state.seen).min(sheet.gap) } else { 0 };
        let (ready, millis) = (state.ready, n_ticks * sheet.interval);
        state.seen = now;
        state.waiting = Foresight::waits(state.waiting, parts, ready, millis);
        let worth = f32::from_bits(self.known(WORTHS, state.tick)) * lane.haste;
        Foresight::works_off(state.waiting, then, ready, lane.lead, worth)
    }

    /// What a fleet asks for whose load follows it; 0 where the load is what it seems to be.
    fn hidden(&self, state: &mut State, ring: &mut [u32], edges: u32) -> u32 {
        let sheet = self.sheet;
        let (beyond, filled) = (edges & 0xffff, edges >> 16);
        let slot = sheet.slots[state.tick as usize];
        let had = self.rings.had;
        let most = highest(ring, had, &mut state.had, slot, sheet.recent, state.ready);
        let now = state.tick + 1;
        if most <= beyond {
            state.beyond = now;
        }
        if now - state.beyond > sheet.memory {
            state.beyond = 0;
        }
        if state.beyond > 0 {
            state.full = 0;
            return 0;
        }
        if state.ready > filled {
            if now - state.full > sheet.age {
                state.full = 0;
            }
            return 0;
        }
        if state.full == 0 {
            (state.filled, state.n_followed) = (state.ready, 0);
        }
        state.full = now;
        state.filled = state.filled.min(state.ready);
        let table = |which: u32, replicas: u32| {
            self.tables[(self.lane.follows + which * (MOST_REPLICAS + 1) + replicas) as usize]
        };
        if state.ready >= table(0, state.filled) {
            state.filled = state.ready;
            state.n_followed += 1;
        }
        match state.n_followed {
            0 => Foresight::asks(0, state.ready),
            1 => table(1, state.ready),
            _ => table(2, state.ready),
        }
    }
}

/// The highest of the last `window` slots, this value with them: a queue of falling values (Lemire 2006).
fn highest(
    ring: &mut [u32],
    [first, n]: [u32; 2],
    [head, length]: &mut [u32; 2],
    slot: u32,
    window: u32,
    value: u32,
) -> u32 {
    let at = |place: u32| (first + (place & (n - 1))) as usize;
    let age = |word: u32| slot.wrapping_sub(word >> 11) & (MOST_SLOTS - 1);
    while *length > 0 && age(ring[at(*head)]) >= window {
        *head += 1;
        *length -= 1;
    }
    let mut is_hidden = false;
    while *length > 0 {
        let last = ring[at(*head + *length - 1)];
        if last & 2047 > value {
            // Within a slot a lower one never matters.
            is_hidden = age(last) == 0;
            break;
        }
        *length -= 1;
    }
    if !is_hidden {
        ring[at(*head + *length)] = packed(slot, value);
        *length += 1;
    }
    ring[at(*head)] & 2047
}
