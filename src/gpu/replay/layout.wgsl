// Closed loops of many settings on one load: plant, policies, guards and score, tick by tick.
//
// One invocation goes through `n_steps` ticks of one lane and keeps where it is in `states` and `rings`;
// the next dispatch goes on there. There is nothing to share, hence no workgroup memory. Twin: the files
// of the same names in `sim/lanes`, function by function, with the reasons.
//
// This part: what lies where. The others, which `gpu/replay.rs` puts behind it: `screen`, `policies`,
// `risk`, `guards`, `plant`, and `walk`, which is where it begins.
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
    kept: vec2<u32>,
    had: vec2<u32>,
    recent: u32, // slots for which what was ready counts
    age: u32, // the same in ticks
    memory: u32, // ticks for which a load beyond what is carried hides nothing
    gap: u32, // ticks after which what waits is not known any more
}
struct Lane {
    min: u32,
    max: u32,
    initial: u32,
    utilization: f32,
    tapes: array<u32, 5>,
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
    keeps: u32,
    follows: u32,
    lead: u32,
    haste: f32,
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
    kept: array<u32, 2>,
    had: array<u32, 2>,
    beyond: u32,
    full: u32,
    filled: u32,
    n_followed: u32,
    waiting: u32,
    seen: u32,
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
const READINGS: u32 = 0u;
const WANTS: u32 = 1u;
const EDGES: u32 = 2u;
const LOADS: u32 = 3u;
const WORTHS: u32 = 4u;
// Of `policy/predictive/drain.rs`.
const PARTS: u32 = 32u;
const QUARTER: u32 = 250u;
const TIMEOUT: u32 = 120u;
const GAP: u32 = 480u;
const MOST_SQUARE: f32 = 4190209.0;
const STAYS: u32 = 2048u;
const WORTH: u32 = 4096u;
const PLAIN: u32 = 8192u;
const ORDERED: u32 = 16u;
const MOST_SLOTS: u32 = 2097152u;
const RISE: u32 = 1u;
const FALL: u32 = 2u;
const OTHER_UNIT: u32 = 3u;

@group(0) @binding(0) var<uniform> params: Params;
// The load in replicas, the error of a reading, whether another minute begins, the slot of time.
@group(0) @binding(1) var<storage, read> ticks: array<vec4<f32>>;
// What is known of the load, by tape and tick.
@group(0) @binding(2) var<storage, read> tapes: array<u32>;
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
