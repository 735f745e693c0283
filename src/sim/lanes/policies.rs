//! What the policies want together.
//!
//! In: what a lane sees at a tick. Out: replicas. Laws on a utilization and on a load, and a forecast by a
//! quantile; by a risk: `risk.rs`.

use super::lane::{Lane, MOST_REPLICAS, NONE, TOO_MANY};
use super::sheet::ABSENT;
use super::state::State;
use super::tape::{READINGS, WANTS};
use super::walk::Walk;

/// A quotient of two rounded numbers is off by so much at most, as a share of it.
const HAIR: f32 = 4e-7;

/// The least whole number of replicas that is a quotient, give or take rounding.
fn ceiled(quotient: f32) -> u32 {
    ((quotient - HAIR * quotient).ceil()).min(TOO_MANY as f32) as u32
}

impl Walk<'_> {
    /// What the policies want together; [`NONE`] if they want nothing.
    pub(super) fn propose(&self, state: &mut State, ring: &mut [u32], current: u32) -> u32 {
        let lane = self.lane;
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
            let load = f32::from_bits(self.known(READINGS, state.tick));
            if load == ABSENT {
                is_blocked = true;
            } else {
                let kept = lane.target_load * current as f32;
                let is_within = load >= lane.low * kept * (1.0 - HAIR)
                    && load <= lane.high * kept * (1.0 + HAIR);
                wants(if is_within { current } else { ceiled(load / lane.target_load) });
            }
        }
        if lane.planned > 0.0 {
            let load = f32::from_bits(self.known(WANTS, state.tick));
            if load != ABSENT {
                wants(ceiled(load / lane.planned));
            }
        }
        if lane.keeps > 0 {
            match self.by_risk(state, ring, current) {
                NONE => {}
                replicas => wants(replicas),
            }
        }
        if is_blocked && most < current { NONE } else { most }
    }

    /// What a tape has of a tick.
    pub(super) fn known(&self, which: usize, tick: u32) -> u32 {
        self.tapes[self.lane.tapes[which] as usize][tick as usize]
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
}
