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
use super::screen::Screen;
use super::sheet::{ABSENT, Sheet, Tape};

/// A quotient of two rounded numbers is off by so much at most, as a share of it.
const HAIR: f32 = 4e-7;
/// A wait shorter than the time-out by so many seconds is rounding.
const MOMENT: f32 = 1e-3;
/// Load smaller than this share of what came, or of what one replica carries, is rounding.
const ROUNDING: f32 = 1e-6;
/// Pieces of the load that a queue goes through in an interval at most.
const MOST_PIECES: u32 = 1024;
/// More than any time here.
const NEVER: f32 = 1e30;

/// Where a lane stands; the kernel's `State`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C)]
pub(super) struct State {
    pub(super) screen: Screen,
    pub(super) tick: u32,
    /// Whether it left what is known here: too many starts, or a rate far off.
    pub(super) is_out: u32,
    pub(super) ready: u32,
    /// The starting ones: a queue in a ring, the earliest first.
    pub(super) first_start: u32,
    pub(super) n_starting: u32,
    /// Starts so far.
    pub(super) n_starts: u32,
    /// Stopping ones that are paid for over the whole interval.
    pub(super) n_stopping: u32,
    /// The interval whose load is at the head of the queue, and how much of it is gone, in seconds.
    pub(super) head: u32,
    pub(super) gone: f32,
    /// The recommendations that matter: a queue in a ring, for growth and shrinking.
    pub(super) first_seen: [u32; 2],
    pub(super) n_seen: [u32; 2],
    pub(super) n_events: [u32; 2],
    /// Of the open minute.
    pub(super) is_violated: u32,
    /// Of the open span: minutes in violation, replicas paid for an interval, and for the rest of one.
    pub(super) violated: u32,
    pub(super) paid: u32,
    pub(super) paid_rest: u32,
}

/// Where in a lane's ring memory each ring lies, and how long it is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Rings {
    /// Ready times of starting replicas; a power of two.
    pub(super) starting: [u32; 2],
    /// What the utilization was.
    pub(super) used: [u32; 2],
    /// Replicas that were stopped.
    pub(super) stopped: [u32; 2],
    /// Recommendations for growth and for shrinking; powers of two.
    pub(super) seen: [[u32; 2]; 2],
    /// What has grown, what has shrunk.
    pub(super) events: [[u32; 2]; 2],
    pub(super) n_words: u32,
}

impl Rings {
    /// Long enough for all of these.
    pub(super) fn of(lanes: &[Lane], sheet: &Sheet) -> Self {
        let most = |of: &dyn Fn(&Lane) -> u32| lanes.iter().map(of).max().unwrap_or(0);
        let mut n_words = 0;
        let mut place = |n: u32| {
            let first = n_words;
            n_words += n;
            [first, n]
        };
        let starting = place(most(&|lane| lane.max.max(lane.initial)).next_power_of_two());
        let used = place(sheet.lag + 1);
        let stopped = place(sheet.stop + 1);
        let seen = [UP, DOWN]
            .map(|side| place((most(&|lane| lane.windows[side]) + 2).next_power_of_two()));
        let events = [UP, DOWN].map(|side| place(most(&|lane| lane.n_events(side))));
        Self { starting, used, stopped, seen, events, n_words }
    }
}

/// What a span of a lane comes to, in whole numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Sums {
    pub(super) violated: u32,
    pub(super) paid: u32,
    pub(super) paid_rest: u32,
}

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

    /// Starts what is missing, or stops what is too much, the youngest first.
    fn request(&self, state: &mut State, ring: &mut [u32], current: u32, replicas: u32) {
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
    fn pass(&self, state: &mut State, ring: &mut [u32]) {
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
