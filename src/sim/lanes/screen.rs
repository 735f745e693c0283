//! The screen of the utilization, in single precision and with all it finds held back.
//!
//! In: readings and the ready replicas. Out: whether one is believed. Twin of `detect/screen`, which has
//! the reasons and the meaning of each constant; the kernel `replay` has the same in WGSL.

use super::lane::Lane;

const MEMORY: f32 = 5.0 * 86_400.0;
const LEAST_MEMORY: f32 = 1_500.0;
const GAP: f32 = 5.0;
const UNIT: f32 = 1_000.0;
const UNIT_SLACK: f32 = 1.6;
const BUSY_SHARE: f32 = 0.1;
const BURST: u32 = 10;

const LEAST_RISE: f32 = 2.0;
const MOST_LEFT: f32 = 0.1;
const MARGIN: f32 = 1.25;
const DISTANCE: f32 = 0.06;
const IDLE_SHARE: f32 = 0.05;
const RECENT_SHARE: f32 = 0.6;
const FLOOR_SHARE: f32 = 0.05;
const FARTHEST: f32 = 1e12;
const GROWTH: f32 = 1.3;
const LEAST_KNOWN: f32 = 0.05;

const LEAST_REPEATS: f32 = 10.0;
const FACTOR: f32 = 2.0;
const RUN_MARGIN: f32 = 2.0;

/// What is doubted; nothing by default.
const RISE: u32 = 1;
const FALL: u32 = 2;
const OTHER_UNIT: u32 = 3;

/// How one quantity moves; the kernel's `Slope`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C)]
pub(super) struct Slope {
    pub(super) recent: [f32; 3],
    pub(super) level: f32,
    pub(super) peak: f32,
    /// The two largest moves each, the largest first.
    pub(super) rises: [f32; 2],
    pub(super) falls: [f32; 2],
    pub(super) zeros: f32,
}

/// The state of the screen; the kernel's `Screen`. Ticks count from 1, 0 is none.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C)]
pub(super) struct Screen {
    pub(super) load: Slope,
    pub(super) mean: Slope,
    pub(super) n_samples: u32,
    pub(super) last: u32,
    pub(super) interval: f32,
    pub(super) value: f32,
    pub(super) repeats: u32,
    pub(super) stuck_since: u32,
    pub(super) longest: f32,
    pub(super) n_changes: u32,
    pub(super) is_accepted: u32,
    pub(super) doubt: u32,
    pub(super) doubt_since: u32,
    pub(super) doubted: [f32; 2],
    pub(super) in_burst: u32,
}

impl Slope {
    fn highest(&self) -> f32 {
        self.recent[0].max(self.recent[1]).max(self.recent[2])
    }

    fn lowest(&self) -> f32 {
        self.recent[0].min(self.recent[1]).min(self.recent[2])
    }

    fn scaled(&self, value: f32) -> f32 {
        let floor = FLOOR_SHARE * self.level;
        let unit = self.level + floor;
        if unit <= 0.0 {
            return 0.0;
        }
        ((value + floor) / unit).min(FARTHEST).sqrt().sqrt()
    }

    fn unscaled(&self, scaled: f32) -> f32 {
        let floor = FLOOR_SHARE * self.level;
        let squared = scaled * scaled;
        (squared * squared * (self.level + floor) - floor).max(0.0)
    }

    fn base(&self) -> f32 {
        let highest = self.highest();
        RECENT_SHARE * self.scaled(highest)
            + (1.0 - RECENT_SHARE) * self.scaled(self.peak.max(highest))
    }

    /// To which side a value lies beyond what is plausible next: [`RISE`], [`FALL`] or 0.
    fn odd(&self, value: f32) -> u32 {
        let lowest = self.lowest();
        if value == 0.0 {
            let is_busy = lowest > IDLE_SHARE * self.level;
            return if is_busy && self.scaled(lowest) > MARGIN * self.zeros { FALL } else { 0 };
        }
        // Most values are plainly neither.
        if value > LEAST_RISE * self.highest() {
            let limit = self.base() + MARGIN * self.rises[1] + DISTANCE;
            return if value > self.unscaled(limit) { RISE } else { 0 };
        }
        if value < MOST_LEFT * lowest {
            let limit = self.scaled(lowest) - MARGIN * self.falls[1] - DISTANCE;
            return if value < self.unscaled(limit.max(0.0)) { FALL } else { 0 };
        }
        0
    }

    fn confirms(&self, odd: f32, value: f32) -> bool {
        2.0 * self.scaled(value) > self.scaled(self.highest()) + self.scaled(odd)
    }

    fn is_low(&self, value: f32) -> bool {
        value < 3.0 * MOST_LEFT * self.lowest()
    }

    fn learn_move(&mut self, value: f32, forget: f32) {
        let rise = self.scaled(value) - self.base();
        let lowest = self.scaled(self.lowest());
        let fall = if value > 0.0 { lowest - self.scaled(value) } else { 0.0 };
        self.rises = pushed(self.rises, forget, rise);
        self.falls = pushed(self.falls, forget, fall);
        self.zeros *= 1.0 - forget;
        if value == 0.0 && self.lowest() > 0.0 {
            self.zeros = self.zeros.max(lowest);
        }
    }

    fn believe(&mut self, value: f32, n_samples: u32, forget: f32, fade: f32) {
        if n_samples == 0 {
            self.recent = [value; 3];
        }
        let weight = (1.0 / (n_samples + 1) as f32).max(forget);
        self.level += weight * (value - self.level);
        self.recent = [value, self.recent[0], self.recent[1]];
        self.peak = (self.peak * (1.0 - fade)).max(value);
    }
}

/// The two largest moves with one more.
fn pushed([largest, second]: [f32; 2], forget: f32, size: f32) -> [f32; 2] {
    let size = size.max(0.0).min(GROWTH * largest.max(LEAST_KNOWN));
    let (largest, second) = (largest * (1.0 - forget), second * (1.0 - forget));
    if size > largest { [size, largest] } else { [largest, second.max(size)] }
}

impl Screen {
    /// Whether the reading `mean` of `ready` replicas is believed; `seconds` is an interval.
    pub(super) fn believes(
        &mut self,
        lane: &Lane,
        tick: u32,
        seconds: f32,
        mean: f32,
        ready: u32,
    ) -> bool {
        let load = mean * ready as f32;
        let passed = if self.last > 0 { (tick + 1 - self.last) as f32 * seconds } else { 0.0 };
        self.last = tick + 1;
        let longest_usual = GAP * self.interval;
        let is_first = self.interval <= 0.0;
        let is_gap = !is_first && passed > longest_usual;
        let usual = if is_first { passed } else { passed.min(longest_usual) };
        self.interval += if is_first { usual } else { 0.1 * (usual - self.interval) };
        let forget = (usual / MEMORY).min(1.0 / LEAST_MEMORY);
        let fade = (0.7 / 86_400.0 * usual).min(1.0);

        let may_find = self.n_samples >= lane.samples;
        let (is_repeat, is_stuck) = self.repeated(lane, tick, seconds, mean, forget);
        if may_find && is_stuck {
            return false;
        }
        if self.doubt > 0 {
            if self.goes_on(lane, tick, seconds, load, mean) && may_find {
                return false;
            }
            self.doubt = 0;
        } else if is_repeat {
            return true;
        }
        let is_odd = may_find && self.finds(tick, load, mean, is_gap);
        self.in_burst = self.in_burst.saturating_sub(1);
        if self.n_samples >= 3 {
            self.load.learn_move(load, forget);
            self.mean.learn_move(mean, forget);
        }
        if is_odd {
            return false;
        }
        if is_gap {
            self.settle(load, mean);
        }
        self.load.believe(load, self.n_samples, forget, fade);
        self.mean.believe(mean, self.n_samples, forget, fade);
        self.n_samples += 1;
        true
    }

    /// Whether the number is that of before, and whether it has come too often.
    fn repeated(
        &mut self,
        lane: &Lane,
        tick: u32,
        seconds: f32,
        mean: f32,
        forget: f32,
    ) -> (bool, bool) {
        self.longest *= 1.0 - forget;
        if mean != self.value || self.repeats == 0 {
            let run = (self.repeats as f32).min(GROWTH * self.longest + RUN_MARGIN);
            self.longest = self.longest.max(run);
            self.n_changes += 1;
            (self.value, self.repeats, self.stuck_since, self.is_accepted) = (mean, 1, 0, 0);
            return (false, false);
        }
        self.repeats += 1;
        let at_bound = mean == 0.0 || mean >= self.mean.peak;
        let most = (FACTOR * self.longest + RUN_MARGIN).max(LEAST_REPEATS);
        let is_usual = self.repeats as f32 <= most;
        if at_bound || self.is_accepted > 0 || self.n_changes < lane.samples || is_usual {
            return (true, false);
        }
        if self.stuck_since == 0 {
            self.stuck_since = tick + 1;
        }
        if (tick + 1 - self.stuck_since) as f32 * seconds >= lane.accept_stuck_after {
            self.is_accepted = 1;
            self.longest = self.longest.max(self.repeats as f32);
            return (true, false);
        }
        (true, true)
    }

    /// Whether a doubt is still one.
    fn goes_on(&mut self, lane: &Lane, tick: u32, seconds: f32, load: f32, mean: f32) -> bool {
        if self.doubt == RISE {
            let confirms =
                |slope: &Slope, odd, value| slope.odd(value) == RISE || slope.confirms(odd, value);
            if confirms(&self.load, self.doubted[0], load)
                && confirms(&self.mean, self.doubted[1], mean)
            {
                self.settle(load, mean);
                self.in_burst = BURST;
            }
            return false;
        }
        let goes_on = if self.doubt == FALL {
            self.load.is_low(load) && self.mean.is_low(mean)
        } else {
            self.is_other_unit(mean)
        };
        if !goes_on {
            return false;
        }
        let after = if load == 0.0 { lane.accept_zero_after } else { lane.accept_after };
        if (tick + 1 - self.doubt_since) as f32 * seconds >= after {
            self.settle(load, mean);
            return false;
        }
        true
    }

    /// Whether the sample is odd, which then is doubted.
    fn finds(&mut self, tick: u32, load: f32, mean: f32, is_gap: bool) -> bool {
        let side = self.load.odd(load);
        if side == 0 || self.mean.odd(mean) != side || (is_gap && load > 0.0) {
            return false;
        }
        let is_unit = side == RISE && self.is_other_unit(mean);
        if side == RISE && self.in_burst > 0 && !is_unit {
            return false;
        }
        self.doubt = if is_unit { OTHER_UNIT } else { side };
        self.doubt_since = tick + 1;
        self.doubted = [load, mean];
        true
    }

    fn is_other_unit(&self, mean: f32) -> bool {
        let (last, peak) = (self.mean.recent[0], self.mean.peak);
        last >= BUSY_SHARE * peak
            && mean > UNIT / UNIT_SLACK * last
            && mean < UNIT * UNIT_SLACK * last
            && mean > BUSY_SHARE * UNIT * peak
    }

    fn settle(&mut self, load: f32, mean: f32) {
        self.load.recent = [load; 3];
        self.mean.recent = [mean; 3];
    }
}
