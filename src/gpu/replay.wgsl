// Closed loops of many settings on one load: plant, policies, guards and score, tick by tick.
//
// One invocation goes through `n_steps` ticks of one lane and keeps where it is in `states` and `rings`;
// the next dispatch goes on there. There is nothing to share, hence no workgroup memory. Twins: `walk.rs`,
// `plant.rs` and `screen.rs` in `sim/lanes`, function by function, with the reasons.
//
// `Params` has its twin in `gpu/replay.rs`, `Lane`, `State`, `Screen` and `Slope` have theirs in
// `sim/lanes`: same fields, same order.
struct Params {
    n_lanes: u32,
    n_ticks: u32,
    n_steps: u32, // so many ticks a dispatch
    span_ticks: u32,
    interval: u32, // in milliseconds
    n_starts: u32,
    late_after: f32, // in seconds
    timeout: f32,
    // Where each ring of a lane lies, and its length.
    starting: vec2<u32>,
    used: vec2<u32>,
    stopped: vec2<u32>,
    seen_up: vec2<u32>,
    seen_down: vec2<u32>,
    events_up: vec2<u32>,
    events_down: vec2<u32>,
    reserved: vec2<u32>,
}
struct Lane {
    min: u32,
    max: u32,
    initial: u32,
    utilization: f32,
    tape: u32,
    percent: u32,
    sizes: u32,
    within: array<u32, 2>,
    samples: u32,
    accept_after: f32,
    accept_zero_after: f32,
    accept_stuck_after: f32,
    target_load: f32,
    low: f32,
    high: f32,
    planned: f32,
    guards: u32,
    tolerance: u32,
    windows: array<u32, 2>,
    selects: array<u32, 2>,
    longest: array<u32, 2>,
    n_limits: array<u32, 2>,
    changes: array<u32, 4>,
    periods: array<u32, 4>,
}
struct Slope {
    recent: array<f32, 3>,
    level: f32,
    peak: f32,
    rises: array<f32, 2>,
    falls: array<f32, 2>,
    zeros: f32,
}
struct Screen {
    load: Slope,
    mean: Slope,
    n_samples: u32,
    last: u32,
    interval: f32,
    value: f32,
    repeats: u32,
    stuck_since: u32,
    longest: f32,
    n_changes: u32,
    is_accepted: u32,
    doubt: u32,
    doubt_since: u32,
    doubted: array<f32, 2>,
    in_burst: u32,
}
// All 0 before the first tick.
struct State {
    screen: Screen,
    tick: u32,
    is_out: u32,
    ready: u32,
    first_start: u32,
    n_starting: u32,
    n_starts: u32,
    n_stopping: u32,
    head: u32,
    gone: f32,
    first_seen: array<u32, 2>,
    n_seen: array<u32, 2>,
    n_events: array<u32, 2>,
    is_violated: u32,
    violated: u32,
    paid: u32,
    paid_rest: u32,
}
const WORKGROUP_SIZE: u32 = 64u;
// Rounds of all loops after which a dispatch ends early: Mesa's software driver ends all loops of an
// invocation after 65,535 without a word.
const MOST_ROUNDS: u32 = 16384u;
const NONE: u32 = 0xffffffffu;
const ABSENT: f32 = -1.0;
const HAIR: f32 = 4e-7;
const MOMENT: f32 = 1e-3;
const ROUNDING: f32 = 1e-6;
const MOST_PIECES: u32 = 1024u;
const NEVER: f32 = 1e30;
const MOST_REPLICAS: u32 = 1023u;
const TOO_MANY: u32 = 2047u;
const STABILIZATION: u32 = 1u;
const RATE: u32 = 2u;
const DISABLED: u32 = 2u;
const BY_TABLE: u32 = 0x80000000u;
const RISE: u32 = 1u;
const FALL: u32 = 2u;
const OTHER_UNIT: u32 = 3u;

@group(0) @binding(0) var<uniform> params: Params;
// The load in replicas, the error of a reading, whether another minute begins.
@group(0) @binding(1) var<storage, read> ticks: array<vec4<f32>>;
// By tape and tick: the reading of the load in thousandths, the load that is forecast.
@group(0) @binding(2) var<storage, read> tapes: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read> starts: array<u32>;
@group(0) @binding(4) var<storage, read> tables: array<u32>;
@group(0) @binding(5) var<storage, read> lanes: array<Lane>;
@group(0) @binding(6) var<storage, read_write> states: array<State>;
// Word-major: word w of lane l is at w * n_lanes + l.
@group(0) @binding(7) var<storage, read_write> rings: array<u32>;
// Three numbers of each span, and at last whether the lane has come to the end, in the same order.
@group(0) @binding(8) var<storage, read_write> sums: array<u32>;

var<private> own: u32;
var<private> lane: Lane;
var<private> state: State;
var<private> rounds: u32;
var<private> seconds: f32;

fn ring(word: u32) -> u32 {
    return rings[word * params.n_lanes + own];
}

fn set_ring(word: u32, value: u32) {
    rings[word * params.n_lanes + own] = value;
}

// ---- The screen of the utilization. ----

fn highest(slope: Slope) -> f32 {
    return max(max(slope.recent[0], slope.recent[1]), slope.recent[2]);
}

fn lowest(slope: Slope) -> f32 {
    return min(min(slope.recent[0], slope.recent[1]), slope.recent[2]);
}

fn scaled(level: f32, value: f32) -> f32 {
    let lift = 0.05 * level;
    let unit = level + lift;
    if unit <= 0.0 {
        return 0.0;
    }
    return sqrt(sqrt(min((value + lift) / unit, 1e12)));
}

fn unscaled(level: f32, value: f32) -> f32 {
    let lift = 0.05 * level;
    let squared = value * value;
    return max(squared * squared * (level + lift) - lift, 0.0);
}

fn base_of(slope: Slope) -> f32 {
    let high = highest(slope);
    return 0.6 * scaled(slope.level, high) + 0.4 * scaled(slope.level, max(slope.peak, high));
}

fn odd(slope: Slope, value: f32) -> u32 {
    let low = lowest(slope);
    if value == 0.0 {
        let is_busy = low > 0.05 * slope.level;
        return select(0u, FALL, is_busy && scaled(slope.level, low) > 1.25 * slope.zeros);
    }
    if value > 2.0 * highest(slope) {
        let limit = base_of(slope) + 1.25 * slope.rises[1] + 0.06;
        return select(0u, RISE, value > unscaled(slope.level, limit));
    }
    if value < 0.1 * low {
        let limit = scaled(slope.level, low) - 1.25 * slope.falls[1] - 0.06;
        return select(0u, FALL, value < unscaled(slope.level, max(limit, 0.0)));
    }
    return 0u;
}

fn confirms(slope: Slope, before: f32, value: f32) -> bool {
    let level = slope.level;
    return odd(slope, value) == RISE
        || 2.0 * scaled(level, value) > scaled(level, highest(slope)) + scaled(level, before);
}

fn is_low(slope: Slope, value: f32) -> bool {
    return value < 0.3 * lowest(slope);
}

fn pushed(moves: array<f32, 2>, forget: f32, size: f32) -> array<f32, 2> {
    let move_size = min(max(size, 0.0), 1.3 * max(moves[0], 0.05));
    let largest = moves[0] * (1.0 - forget);
    let second = moves[1] * (1.0 - forget);
    if move_size > largest {
        return array<f32, 2>(move_size, largest);
    }
    return array<f32, 2>(largest, max(second, move_size));
}

fn learnt(before: Slope, value: f32, forget: f32) -> Slope {
    var slope = before;
    let of_value = scaled(slope.level, value);
    let rise = of_value - base_of(slope);
    let low = scaled(slope.level, lowest(slope));
    slope.rises = pushed(slope.rises, forget, rise);
    slope.falls = pushed(slope.falls, forget, select(0.0, low - of_value, value > 0.0));
    slope.zeros *= 1.0 - forget;
    if value == 0.0 && lowest(slope) > 0.0 {
        slope.zeros = max(slope.zeros, low);
    }
    return slope;
}

fn believed(before: Slope, value: f32, n_samples: u32, forget: f32, fade: f32) -> Slope {
    var slope = before;
    if n_samples == 0u {
        slope.recent = array<f32, 3>(value, value, value);
    }
    slope.level += max(1.0 / f32(n_samples + 1u), forget) * (value - slope.level);
    slope.recent = array<f32, 3>(value, slope.recent[0], slope.recent[1]);
    slope.peak = max(slope.peak * (1.0 - fade), value);
    return slope;
}

fn settle(load: f32, mean: f32) {
    state.screen.load.recent = array<f32, 3>(load, load, load);
    state.screen.mean.recent = array<f32, 3>(mean, mean, mean);
}

fn is_other_unit(mean: f32) -> bool {
    let last = state.screen.mean.recent[0];
    let peak = state.screen.mean.peak;
    return last >= 0.1 * peak && mean > 625.0 * last && mean < 1600.0 * last && mean > 100.0 * peak;
}

fn since(tick: u32) -> f32 {
    return f32(state.tick + 1u - tick) * seconds;
}

// 0: the number is another one than before; 1: the same; 2: the same, for too long.
fn repeated(mean: f32, forget: f32) -> u32 {
    state.screen.longest *= 1.0 - forget;
    if mean != state.screen.value || state.screen.repeats == 0u {
        let run = min(f32(state.screen.repeats), 1.3 * state.screen.longest + 2.0);
        state.screen.longest = max(state.screen.longest, run);
        state.screen.n_changes += 1u;
        state.screen.value = mean;
        state.screen.repeats = 1u;
        state.screen.stuck_since = 0u;
        state.screen.is_accepted = 0u;
        return 0u;
    }
    state.screen.repeats += 1u;
    let at_bound = mean == 0.0 || mean >= state.screen.mean.peak;
    let most = max(2.0 * state.screen.longest + 2.0, 10.0);
    let is_usual = f32(state.screen.repeats) <= most;
    let is_new = state.screen.n_changes < lane.samples;
    if at_bound || state.screen.is_accepted > 0u || is_new || is_usual {
        return 1u;
    }
    if state.screen.stuck_since == 0u {
        state.screen.stuck_since = state.tick + 1u;
    }
    if since(state.screen.stuck_since) >= lane.accept_stuck_after {
        state.screen.is_accepted = 1u;
        state.screen.longest = max(state.screen.longest, f32(state.screen.repeats));
        return 1u;
    }
    return 2u;
}

fn goes_on(load: f32, mean: f32) -> bool {
    if state.screen.doubt == RISE {
        if confirms(state.screen.load, state.screen.doubted[0], load)
            && confirms(state.screen.mean, state.screen.doubted[1], mean) {
            settle(load, mean);
            state.screen.in_burst = 10u;
        }
        return false;
    }
    var does = is_other_unit(mean);
    if state.screen.doubt == FALL {
        does = is_low(state.screen.load, load) && is_low(state.screen.mean, mean);
    }
    if !does {
        return false;
    }
    let after = select(lane.accept_after, lane.accept_zero_after, load == 0.0);
    if since(state.screen.doubt_since) >= after {
        settle(load, mean);
        return false;
    }
    return true;
}

fn finds(load: f32, mean: f32, is_gap: bool) -> bool {
    let side = odd(state.screen.load, load);
    if side == 0u || (is_gap && load > 0.0) {
        return false;
    }
    if odd(state.screen.mean, mean) != side {
        return false;
    }
    let is_unit = side == RISE && is_other_unit(mean);
    if side == RISE && state.screen.in_burst > 0u && !is_unit {
        return false;
    }
    state.screen.doubt = select(side, OTHER_UNIT, is_unit);
    state.screen.doubt_since = state.tick + 1u;
    state.screen.doubted = array<f32, 2>(load, mean);
    return true;
}

fn believes(mean: f32) -> bool {
    let load = mean * f32(state.ready);
    let passed = select(0.0, since(state.screen.last), state.screen.last > 0u);
    state.screen.last = state.tick + 1u;
    let longest_usual = 5.0 * state.screen.interval;
    let is_first = state.screen.interval <= 0.0;
    let is_gap = !is_first && passed > longest_usual;
    let usual = select(min(passed, longest_usual), passed, is_first);
    state.screen.interval += select(0.1 * (usual - state.screen.interval), usual, is_first);
    let forget = min(usual / 432000.0, 1.0 / 1500.0);
    let fade = min(0.7 / 86400.0 * usual, 1.0);

    let may_find = state.screen.n_samples >= lane.samples;
    let repeat = repeated(mean, forget);
    if may_find && repeat == 2u {
        return false;
    }
    if state.screen.doubt > 0u {
        if goes_on(load, mean) && may_find {
            return false;
        }
        state.screen.doubt = 0u;
    } else if repeat > 0u {
        return true;
    }
    var is_odd = false;
    if may_find {
        is_odd = finds(load, mean, is_gap);
    }
    if state.screen.in_burst > 0u {
        state.screen.in_burst -= 1u;
    }
    if state.screen.n_samples >= 3u {
        state.screen.load = learnt(state.screen.load, load, forget);
        state.screen.mean = learnt(state.screen.mean, mean, forget);
    }
    if is_odd {
        return false;
    }
    if is_gap {
        settle(load, mean);
    }
    let n = state.screen.n_samples;
    state.screen.load = believed(state.screen.load, load, n, forget, fade);
    state.screen.mean = believed(state.screen.mean, mean, n, forget, fade);
    state.screen.n_samples = n + 1u;
    return true;
}

// ---- What the policies want. ----

fn ceiled(quotient: f32) -> u32 {
    return u32(min(ceil(quotient - HAIR * quotient), f32(TOO_MANY)));
}

// HPA: ceil(percent / target * pods), and one more where binary64 rounds a whole number up.
fn size_at(percent: u32, pods: u32) -> u32 {
    let bit = tables[lane.sizes + percent * 32u + pods / 32u] >> (pods % 32u);
    let least = (percent * pods + lane.percent - 1u) / lane.percent;
    return min(least + (bit & 1u), TOO_MANY);
}

fn on_utilization(current: u32) -> u32 {
    let used = bitcast<f32>(ring(params.used.x + state.tick % params.used.y));
    let error = ticks[state.tick].y;
    if used == ABSENT || error == ABSENT {
        return NONE;
    }
    let mean = min(used * error, 1.0);
    if lane.samples > 0u {
        if !believes(mean) {
            return NONE;
        }
    }
    let thousandths = u32(floor(mean * 1000.0 + 0.5));
    let first = thousandths / 10u;
    if first <= lane.percent || state.n_starting == 0u {
        if lane.within[0] <= first && first <= lane.within[1] {
            return current;
        }
        return size_at(first, state.ready);
    }
    // Those that start count as idle before anything is added.
    let percent = thousandths * state.ready / (10u * current);
    let replicas = size_at(percent, current);
    let is_within = lane.within[0] <= percent && percent <= lane.within[1];
    if is_within || percent < lane.percent || replicas < current {
        return current;
    }
    return replicas;
}

fn more(most: u32, replicas: u32) -> u32 {
    if most == NONE {
        return replicas;
    }
    return max(most, replicas);
}

fn propose(current: u32) -> u32 {
    var most = NONE;
    var is_blocked = false;
    if lane.percent > 0u {
        let replicas = on_utilization(current);
        is_blocked = replicas == NONE;
        most = replicas;
    }
    let known = tapes[lane.tape * params.n_ticks + state.tick];
    if lane.target_load > 0.0 {
        if known.x == ABSENT {
            is_blocked = true;
        } else {
            let kept = lane.target_load * f32(current);
            let is_within = known.x >= lane.low * kept * (1.0 - HAIR)
                && known.x <= lane.high * kept * (1.0 + HAIR);
            most = more(most, select(ceiled(known.x / lane.target_load), current, is_within));
        }
    }
    if lane.planned > 0.0 && known.y != ABSENT {
        most = more(most, ceiled(known.y / lane.planned));
    }
    return select(most, NONE, is_blocked && most < current);
}

// ---- What holds it back. ----

fn seen_ring(side: u32) -> vec2<u32> {
    return select(params.seen_down, params.seen_up, side == 0u);
}

// The extreme of a window: the lowest recommendation for growth (side 0), the highest for shrinking.
fn extreme(side: u32, proposed: u32) -> u32 {
    let window = lane.windows[side];
    if window == 0u {
        return proposed;
    }
    let at = seen_ring(side);
    let mask = at.y - 1u;
    var first = state.first_seen[side];
    var n = state.n_seen[side];
    while n > 0u {
        rounds += 1u;
        if state.tick - (ring(at.x + (first & mask)) >> 11u) < window {
            break;
        }
        first += 1u;
        n -= 1u;
    }
    var bound = proposed;
    if n > 0u {
        let replicas = ring(at.x + (first & mask)) & 2047u;
        bound = select(max(replicas, proposed), min(replicas, proposed), side == 0u);
    }
    while n > 0u {
        rounds += 1u;
        let last = ring(at.x + ((first + n - 1u) & mask)) & 2047u;
        let is_kept = select(last > proposed, last < proposed, side == 0u);
        if is_kept {
            break;
        }
        n -= 1u;
    }
    set_ring(at.x + ((first + n) & mask), (state.tick << 11u) | proposed);
    state.first_seen[side] = first;
    state.n_seen[side] = n + 1u;
    return bound;
}

fn events_ring(side: u32) -> vec2<u32> {
    return select(params.events_down, params.events_up, side == 0u);
}

fn changed(side: u32, period: u32) -> u32 {
    let first = events_ring(side).x;
    var sum = 0u;
    for (var place = 0u; place < state.n_events[side]; place += 1u) {
        rounds += 1u;
        let event = ring(first + place);
        if state.tick - (event >> 11u) < period {
            sum += event & 2047u;
        }
    }
    return sum;
}

fn candidate(side: u32, change: u32, period: u32, current: u32) -> u32 {
    let base = i32(current) - i32(changed(0u, period)) + i32(changed(1u, period));
    if change >= BY_TABLE {
        if base < 0 || base > i32(MOST_REPLICAS) {
            state.is_out = 1u;
            return current;
        }
        return tables[change - BY_TABLE + u32(base)];
    }
    let moved = select(base - i32(change), base + i32(change), side == 0u);
    return u32(clamp(moved, 0, i32(TOO_MANY)));
}

// A call has its side as a constant, so that no array of the lane's own is indexed by a variable.
fn reached(side: u32, current: u32) -> u32 {
    if lane.selects[side] == DISABLED {
        return current;
    }
    let first = candidate(side, lane.changes[2u * side], lane.periods[2u * side], current);
    if lane.n_limits[side] < 2u {
        return first;
    }
    let change = lane.changes[2u * side + 1u];
    let second = candidate(side, change, lane.periods[2u * side + 1u], current);
    let is_higher = (side == 0u) == (lane.selects[side] == 0u);
    return select(min(first, second), max(first, second), is_higher);
}

fn rated(current: u32, proposed: u32) -> u32 {
    if proposed > current {
        return min(proposed, max(reached(0u, current), current));
    }
    if proposed < current {
        return max(proposed, min(reached(1u, current), current));
    }
    return proposed;
}

fn tolerated(current: u32, proposed: u32) -> u32 {
    let edges = tables[lane.tolerance + current];
    let is_small = (edges & 0xffffu) <= proposed && proposed <= (edges >> 16u);
    return select(proposed, current, is_small);
}

fn limit(current: u32, proposed: u32) -> u32 {
    var replicas = current;
    if proposed != NONE && lane.min <= current && current <= lane.max {
        replicas = proposed;
        for (var guards = lane.guards; guards > 0u; guards >>= 4u) {
            rounds += 1u;
            let kind = guards & 15u;
            if kind == STABILIZATION {
                let least = extreme(0u, replicas);
                let most = extreme(1u, replicas);
                replicas = min(max(current, least), most);
            } else if kind == RATE {
                replicas = rated(current, replicas);
            } else {
                replicas = tolerated(current, replicas);
            }
        }
    }
    return clamp(replicas, lane.min, lane.max);
}

fn record(side: u32, change: u32) {
    let at = events_ring(side);
    var place = state.n_events[side];
    for (var known = 0u; known < state.n_events[side]; known += 1u) {
        rounds += 1u;
        if state.tick - (ring(at.x + known) >> 11u) > lane.longest[side] {
            place = known;
        }
    }
    if place >= at.y {
        state.is_out = 1u;
        return;
    }
    state.n_events[side] = max(state.n_events[side], place + 1u);
    set_ring(at.x + place, (state.tick << 11u) | change);
}

// ---- What becomes of it. ----

fn request(current: u32, replicas: u32) {
    let mask = params.starting.y - 1u;
    let now = state.tick * params.interval;
    for (var n = current; n < replicas; n += 1u) {
        rounds += 1u;
        if state.n_starts >= params.n_starts {
            state.is_out = 1u;
            return;
        }
        let ready_at = now + starts[state.n_starts];
        state.n_starts += 1u;
        var place = state.first_start + state.n_starting;
        while place > state.first_start {
            rounds += 1u;
            let before = ring(params.starting.x + ((place - 1u) & mask));
            if bitcast<i32>(before - ready_at) <= 0 {
                break;
            }
            set_ring(params.starting.x + (place & mask), before);
            place -= 1u;
        }
        set_ring(params.starting.x + (place & mask), ready_at);
        state.n_starting += 1u;
    }
    let surplus = max(current, replicas) - replicas;
    let unready = min(surplus, state.n_starting);
    state.n_starting -= unready;
    let stopped = surplus - unready;
    state.ready -= stopped;
    set_ring(params.stopped.x + state.tick % params.stopped.y, stopped);
    let leaves = ring(params.stopped.x + (state.tick + 1u) % params.stopped.y);
    state.n_stopping = state.n_stopping + stopped - leaves;
    state.paid += state.ready + state.n_starting + state.n_stopping;
    state.paid_rest += leaves;
}

fn share_above(start: f32, end: f32, edge: f32) -> f32 {
    let low = min(start, end);
    let high = max(start, end);
    if low > edge {
        return 1.0;
    }
    if high <= edge {
        return 0.0;
    }
    return (high - edge) / (high - low);
}

// The load served, and that served late or given up.
fn flow(capacity: f32) -> vec2<f32> {
    var served = 0.0;
    var missed = 0.0;
    var clock = 0.0;
    var pieces = 0u;
    while clock < seconds && state.head <= state.tick {
        rounds += 1u;
        pieces += 1u;
        if pieces > MOST_PIECES {
            state.is_out = 1u;
            break;
        }
        let arrivals = ticks[state.head].x;
        let length = seconds - state.gone;
        let amount = arrivals * length;
        if amount <= 0.0 {
            state.head += 1u;
            state.gone = 0.0;
            continue;
        }
        let ahead = f32(state.tick - state.head) * seconds;
        let behind = ahead + (clock - state.gone);
        let left = seconds - clock;
        if arrivals > capacity && behind + MOMENT >= params.timeout {
            let is_all = length <= left;
            let span = min(length, left);
            let goes = arrivals * span;
            let serves = min(capacity * span, goes);
            served += serves;
            missed += goes - serves;
            if params.timeout > params.late_after {
                missed += serves;
            }
            clock += span;
            if is_all {
                state.head += 1u;
                state.gone = 0.0;
            } else {
                state.gone += span;
            }
            continue;
        }
        let spare = capacity - arrivals;
        if state.head == state.tick && spare >= 0.0 && behind * arrivals < left * spare {
            let caught_up = capacity * behind * arrivals / spare;
            served += amount;
            missed += caught_up * share_above(behind, 0.0, params.late_after);
            state.head += 1u;
            state.gone = 0.0;
            break;
        }
        var gives_up = NEVER;
        if spare < 0.0 {
            gives_up = (params.timeout - behind) * arrivals / -spare;
        }
        var empty_after = NEVER;
        if capacity > 0.0 {
            empty_after = amount / capacity;
        }
        let span = min(min(empty_after, left), gives_up);
        let serves = capacity * span;
        let last = state.gone + serves / arrivals;
        let waits = ahead + (clock + span - last);
        served += serves;
        missed += serves * share_above(behind, waits, params.late_after);
        clock += span;
        if empty_after <= span {
            state.head += 1u;
            state.gone = 0.0;
        } else {
            state.gone = last;
        }
    }
    return vec2<f32>(served, missed);
}

fn pass_interval() {
    let mask = params.starting.y - 1u;
    let end = state.tick * params.interval + params.interval;
    let whole = state.ready;
    var partly = 0u;
    while state.n_starting > 0u {
        rounds += 1u;
        let left = bitcast<i32>(end - ring(params.starting.x + (state.first_start & mask)));
        if left < 0 {
            break;
        }
        partly += min(u32(left), params.interval);
        state.ready += 1u;
        state.first_start += 1u;
        state.n_starting -= 1u;
    }
    let capacity = f32(whole) + f32(partly) / f32(params.interval);
    let fate = flow(capacity);
    let tick = ticks[state.tick];
    if tick.z > 0.0 {
        state.is_violated = 0u;
    }
    if fate.y > ROUNDING * max(tick.x, 1.0) * seconds && state.is_violated == 0u {
        state.is_violated = 1u;
        state.violated += 1u;
    }
    var used = ABSENT;
    if capacity > 0.0 {
        used = min(fate.x / (capacity * seconds), 1.0);
    }
    set_ring(params.used.x + state.tick % params.used.y, bitcast<u32>(used));
}

fn begin() {
    state.ready = lane.initial;
    for (var place = 0u; place < params.used.y; place += 1u) {
        set_ring(params.used.x + place, bitcast<u32>(lane.utilization));
    }
    set_ring(params.seen_up.x, lane.initial);
    set_ring(params.seen_down.x, lane.initial);
    state.n_seen[0] = 1u;
    state.n_seen[1] = 1u;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    own = id.x;
    if own >= params.n_lanes {
        return;
    }
    state = states[own];
    if state.is_out > 0u || state.tick >= params.n_ticks {
        return;
    }
    lane = lanes[own];
    seconds = f32(params.interval) / 1000.0;
    rounds = 0u;
    if state.tick == 0u {
        begin();
    }
    for (var step = 0u; step < params.n_steps && rounds < MOST_ROUNDS; step += 1u) {
        rounds += 1u;
        let current = state.ready + state.n_starting;
        let replicas = limit(current, propose(current));
        if replicas > current {
            record(0u, replicas - current);
        } else if replicas < current {
            record(1u, current - replicas);
        }
        request(current, replicas);
        pass_interval();
        state.tick += 1u;
        if state.is_out > 0u {
            break;
        }
        let is_end = state.tick == params.n_ticks;
        if is_end || state.tick % params.span_ticks == 0u {
            let first = 3u * ((state.tick - 1u) / params.span_ticks);
            sums[first * params.n_lanes + own] = state.violated;
            sums[(first + 1u) * params.n_lanes + own] = state.paid;
            sums[(first + 2u) * params.n_lanes + own] = state.paid_rest;
            state.violated = 0u;
            state.paid = 0u;
            state.paid_rest = 0u;
        }
        if is_end {
            let n_spans = (params.n_ticks + params.span_ticks - 1u) / params.span_ticks;
            sums[3u * n_spans * params.n_lanes + own] = 1u;
            break;
        }
    }
    states[own] = state;
}
