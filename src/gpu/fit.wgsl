// What is learnt of many series: one invocation walks the past of one series at one horizon.
//
// A dispatch walks `n_steps` steps and keeps where it is in `states`; the next one goes on there, and
// the last one tells what was learnt. So none is long, however long the series: a driver takes a
// dispatch of seconds for one that hangs, and Mesa's software driver ends all loops of an invocation,
// silently, after 65,535 rounds together.
//
// There is nothing to share, hence no workgroup memory. Twin: `forecast/batch/fit.rs`, the same
// recurrences in the same order. All is continuous in the samples: nothing is picked by a comparison
// that rounding could turn, so a device that fuses multiply and add differs in the last digits alone.
//
// `Params`, `Anchor` and the size of `State` have their twins in `gpu/fit.rs`: same fields, same order.
struct Anchor {
    ahead: u32,
    spacing: u32, // steps between two forecasts that are judged
    refit: u32, // steps between two solutions, at least `ahead`
    delay: u32, // judged forecasts until the truth of one is known
    skip: u32, // errors before this step are left out of the quantiles
    first: u32, // where its errors begin in the scratch memory
    loss: f32,
    ever: f32,
    lately: f32,
    growth: f32,
    ridge: f32,
    n_counted: u32, // errors of which the quantiles are, for the kernel `quantiles`
}
struct Params {
    n_series: u32,
    n_samples: u32,
    season: u32, // in steps, 0 for none
    slow: u32,
    smoothed: u32, // whether a course is the mean of three samples
    n_steps: u32, // so many steps a dispatch
    awake: u32, // a bit for each expert that has an opinion
    n_rows: u32, // for each horizon
    means: vec4<f32>,
    away: vec2<f32>,
    reserved: vec2<u32>, // 0
    anchors: array<Anchor, 6>,
}
// What is used at a time of all that was learnt before.
struct Learnt {
    weights: mat4x4<f32>, // of the means and of the three courses
    few: vec4<f32>, // of the means alone
    say_0: vec4<f32>, // of the nine experts
    say_1: vec4<f32>,
    say_8: f32,
    usual: f32,
}
// Where a walk is, all 0 before it begins.
struct State {
    // Products of the features with each other, in blocks of four by four: the lower triangle, row by
    // row of blocks. Column c of a block holds the products with feature c of the other four.
    products: array<mat4x4<f32>, 10>,
    targets: mat4x4<f32>,
    now: Learnt,
    next: Learnt, // was solved, and waits until its errors are all known
    means: vec4<f32>,
    away_season: vec2<f32>,
    away_slow: vec2<f32>,
    away_profile: vec2<f32>,
    lately: vec2<f32>,
    losses_0: vec4<f32>, // of the nine experts
    losses_1: vec4<f32>,
    loss_8: f32,
    next_weight: f32,
    ever: f32,
    n: f32,
    counted: f32,
    n_counted: u32,
    n_errors: u32,
    t: u32, // the next step
}
const WORKGROUP_SIZE: u32 = 64u;
const PROFILE_SEASONS: u32 = 8u;
const FLOOR: f32 = 1e-3;
const SPIKE: f32 = 20.0;
const ODD: f32 = 5.0;
const USUAL: f32 = 50.0;
const TINY: f32 = 1e-9;
const ABSENT: f32 = 3e38;

// The weights before anything is learnt, of the means and of the three courses.
const PRIOR_0 = vec4<f32>(0.0, 0.1, 0.1, 0.0);
const PRIOR_1 = vec4<f32>(0.2, 0.1, 0.05, 0.05);
const PRIOR_2 = vec4<f32>(0.15, 0.0, 0.0, 0.1);
const PRIOR_3 = vec4<f32>(0.2, 0.1, 0.1, 0.0);

@group(0) @binding(0) var<uniform> params: Params;
// Sample-major: sample t of series s is at t * n_series + s, so neighbors read neighbors.
@group(0) @binding(1) var<storage, read> samples: array<f32>;
// A bit for each sample that is known, the first one lowest: word t / 32 of series s.
@group(0) @binding(2) var<storage, read> known: array<u32>;
// Scratch memory: the size of each error, -1 for none; errors over their scale; errors.
@group(0) @binding(3) var<storage, read_write> sizes: array<f32>;
@group(0) @binding(4) var<storage, read_write> moving: array<f32>;
@group(0) @binding(5) var<storage, read_write> steady: array<f32>;
@group(0) @binding(6) var<storage, read_write> states: array<State>;
@group(0) @binding(7) var<storage, read_write> rows: array<f32>;

var<private> series: u32;
var<private> state: State;
// While solving: four rows of a column a vector, column by column; and the inverted diagonal.
var<private> matrix: array<vec4<f32>, 64>;
var<private> inverse: array<f32, 16>;
var<private> weights: array<f32, 16>;

fn sample(t: u32) -> f32 {
    return samples[t * params.n_series + series];
}

fn is_known(t: u32) -> u32 {
    return (known[(t / 32u) * params.n_series + series] >> (t % 32u)) & 1u;
}

// The step of the last season before `t` at the same time as `t + ahead`; `n_samples` if it is before
// the first one.
fn then(t: u32, ahead: u32, season: u32) -> u32 {
    let back = max((ahead + season - 1u) / season, 1u) * season;
    return select(params.n_samples, t + ahead - back, t + ahead >= back);
}

// A course's value and whether the past reaches.
fn ago(t: u32, ahead: u32, season: u32) -> vec2<f32> {
    if season == 0u {
        return vec2<f32>(0.0, 0.0);
    }
    let at = then(t, ahead, season);
    if at == params.n_samples {
        return vec2<f32>(0.0, 0.0);
    }
    if params.smoothed == 0u {
        return vec2<f32>(sample(at), 1.0);
    }
    let before = sample(max(at, 1u) - 1u);
    let after = sample(min(at + 1u, t));
    return vec2<f32>((before + sample(at) + after) * (1.0 / 3.0), 1.0);
}

fn profile(t: u32, ahead: u32) -> vec2<f32> {
    let season = params.season;
    if season == 0u {
        return vec2<f32>(0.0, 0.0);
    }
    var at = then(t, ahead, season);
    if at == params.n_samples {
        return vec2<f32>(0.0, 0.0);
    }
    var sum = 0.0;
    var n = 0.0;
    for (var i = 0u; i < PROFILE_SEASONS; i += 1u) {
        sum += sample(at);
        n += 1.0;
        if at < season {
            break;
        }
        at -= season;
    }
    return vec2<f32>(sum * (1.0 / n), 1.0);
}

fn outer(a: vec4<f32>, b: vec4<f32>) -> mat4x4<f32> {
    return mat4x4<f32>(a * b.x, a * b.y, a * b.z, a * b.w);
}

fn together(a: vec4<f32>) -> f32 {
    return (a.x + a.y) + (a.z + a.w);
}

fn put(row: u32, column: u32, block: mat4x4<f32>) {
    let at = 16u * column + row;
    matrix[at] = block[0];
    matrix[at + 4u] = block[1];
    matrix[at + 8u] = block[2];
    matrix[at + 12u] = block[3];
}

fn put_weights(at: u32, four: vec4<f32>) {
    weights[at] = four.x;
    weights[at + 1u] = four.y;
    weights[at + 2u] = four.z;
    weights[at + 3u] = four.w;
}

fn four_weights(at: u32) -> vec4<f32> {
    return vec4<f32>(weights[at], weights[at + 1u], weights[at + 2u], weights[at + 3u]);
}

// The `n` first weights that minimize the squared error plus the ridge towards the prior, by
// Cholesky's decomposition, into `weights`.
fn solve(n: u32, ridge_of: f32) {
    let scale = 1.0 / state.next_weight;
    put(0u, 0u, state.products[0] * scale);
    if n > 4u {
        put(1u, 0u, state.products[1] * scale);
        put(1u, 1u, state.products[2] * scale);
        put(2u, 0u, state.products[3] * scale);
        put(2u, 1u, state.products[4] * scale);
        put(2u, 2u, state.products[5] * scale);
        put(3u, 0u, state.products[6] * scale);
        put(3u, 1u, state.products[7] * scale);
        put(3u, 2u, state.products[8] * scale);
        put(3u, 3u, state.products[9] * scale);
    }
    var trace = 0.0;
    for (var i = 0u; i < n; i += 1u) {
        trace += matrix[4u * i + i / 4u][i % 4u];
    }
    let ridge = state.ever * state.ever * ridge_of + trace * (FLOOR / f32(n)) + 1e-12;
    for (var i = 0u; i < n; i += 1u) {
        let at = 4u * i + i / 4u;
        let is_diagonal = vec4<u32>(0u, 1u, 2u, 3u) == vec4<u32>(i % 4u);
        matrix[at] = select(matrix[at], matrix[at] + ridge, is_diagonal);
    }
    put_weights(0u, state.targets[0] * scale + PRIOR_0 * ridge);
    put_weights(4u, state.targets[1] * scale + PRIOR_1 * ridge);
    put_weights(8u, state.targets[2] * scale + PRIOR_2 * ridge);
    put_weights(12u, state.targets[3] * scale + PRIOR_3 * ridge);

    let n_blocks = n / 4u;
    for (var k = 0u; k < n; k += 1u) {
        let pivot = matrix[4u * k + k / 4u][k % 4u];
        inverse[k] = 1.0 / sqrt(max(pivot, 1e-30));
        for (var block = k / 4u; block < n_blocks; block += 1u) {
            matrix[4u * k + block] *= inverse[k];
        }
        weights[k] *= inverse[k];
        // What the columns to the right, and their weights, lose to this one.
        for (var j = k + 1u; j < n; j += 1u) {
            let factor = matrix[4u * k + j / 4u][j % 4u];
            for (var block = j / 4u; block < n_blocks; block += 1u) {
                matrix[4u * j + block] -= matrix[4u * k + block] * factor;
            }
            weights[j] -= factor * weights[k];
        }
    }
    for (var up = 0u; up < n; up += 1u) {
        let i = n - 1u - up;
        var weight = weights[i];
        for (var k = i + 1u; k < n; k += 1u) {
            weight -= matrix[4u * i + k / 4u][k % 4u] * weights[k];
        }
        weights[i] = weight * inverse[i];
    }
}

fn are_awake(first: u32) -> vec4<bool> {
    let bits = vec4<u32>(params.awake) >> (vec4<u32>(0u, 1u, 2u, 3u) + first);
    return (bits & vec4<u32>(1u)) == vec4<u32>(1u);
}

fn power_of_20(ratio: vec4<f32>) -> vec4<f32> {
    let square = ratio * ratio;
    let fourth = square * square;
    let eighth = fourth * fourth;
    return eighth * eighth * fourth;
}

// All that was learnt until now; with each expert's say, its mean error to the power of -20.
fn learnt(ridge: f32) -> Learnt {
    let none = vec4<f32>(0.0);
    let absent = vec4<f32>(ABSENT);
    let best_0 = select(absent, state.losses_0, are_awake(0u));
    let best_1 = select(absent, state.losses_1, are_awake(4u));
    let best_8 = select(absent, vec4<f32>(state.loss_8), are_awake(8u)).x;
    let best_4 = min(best_0, best_1);
    let best = max(min(min(min(best_4.x, best_4.y), min(best_4.z, best_4.w)), best_8), TINY);
    let ratio_0 = best / max(state.losses_0, vec4<f32>(TINY));
    let ratio_1 = best / max(state.losses_1, vec4<f32>(TINY));
    let ratio_8 = vec4<f32>(best / max(state.loss_8, TINY));
    let a = select(none, power_of_20(ratio_0), are_awake(0u));
    let b = select(none, power_of_20(ratio_1), are_awake(4u));
    let c = select(none, power_of_20(ratio_8), are_awake(8u)).x;
    let sum = a.x + a.y + a.z + a.w + b.x + b.y + b.z + b.w + c;

    // First the means alone, then all. The bounds of the loops must be none that a compiler knows: it
    // would unroll them all, which takes it a minute.
    var few = vec4<f32>(0.0);
    for (var n = 4u + params.reserved.x; n <= 16u; n += 12u) {
        solve(n, ridge);
        few = select(few, four_weights(0u), n == 4u);
    }
    let all = mat4x4<f32>(four_weights(0u), four_weights(4u), four_weights(8u), four_weights(12u));
    return Learnt(all, few, a / sum, b / sum, c / sum, state.ever);
}

// The error lately and how many went into it, with one more known; a negative one is none.
fn followed(lately: vec2<f32>, size: f32, rate: f32) -> vec2<f32> {
    if size < 0.0 {
        return lately;
    }
    let n = lately.y + 1.0;
    return vec2<f32>(lately.x + (size - lately.x) * max(1.0 / n, min(rate, 1.0)), n);
}

fn put_row(row: u32, value: f32) {
    rows[row * params.n_series + series] = value;
}

fn put_rows(row: u32, four: vec4<f32>) {
    put_row(row, four.x);
    put_row(row + 1u, four.y);
    put_row(row + 2u, four.z);
    put_row(row + 3u, four.w);
}

fn begin() {
    let prior = mat4x4<f32>(PRIOR_0, PRIOR_1, PRIOR_2, PRIOR_3);
    let none = vec4<f32>(0.0);
    let equal = vec4<f32>(1.0 / f32(countOneBits(params.awake)));
    let say_0 = select(none, equal, are_awake(0u));
    let say_1 = select(none, equal, are_awake(4u));
    let say_8 = select(none, equal, are_awake(8u)).x;
    state.now = Learnt(prior, PRIOR_0, say_0, say_1, say_8, 0.0);
    state.next = state.now;
    state.means = vec4<f32>(sample(0u));
    state.next_weight = 1.0;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    series = id.x;
    if series >= params.n_series {
        return;
    }
    let anchor = params.anchors[id.y];
    let n_series = params.n_series;
    let scratch = anchor.first * n_series + series;
    let own = id.y * n_series + series;
    state = states[own];
    if state.t == 0u {
        begin();
    }

    let end = min(state.t + params.n_steps, params.n_samples);
    for (var t = state.t; t < end || t == params.n_samples; t += 1u) {
        if t >= anchor.ahead && (t - anchor.ahead) % anchor.refit == 0u {
            state.now = state.next;
        }
        if t == params.n_samples || (t > 0u && t % anchor.refit == 0u) {
            state.next = learnt(anchor.ridge);
        }
        if t == params.n_samples {
            break;
        }
        let now = sample(t);
        let first = 1.0 / f32(t + 1u);
        state.means += (vec4<f32>(now) - state.means) * max(params.means, vec4<f32>(first));
        let base_season = ago(t, 0u, params.season);
        let base_slow = ago(t, 0u, params.slow);
        let base_profile = profile(t, 0u);
        if base_season.y > 0.0 {
            let rates = max(params.away, vec2<f32>(1.0 / f32(t - params.season + 1u)));
            let from_season = vec2<f32>(now - base_season.x);
            let from_profile = vec2<f32>(now - base_profile.x);
            state.away_season += (from_season - state.away_season) * rates;
            state.away_profile += (from_profile - state.away_profile) * rates;
        }
        if base_slow.y > 0.0 {
            let rates = max(params.away, vec2<f32>(1.0 / f32(t - params.slow + 1u)));
            state.away_slow += (vec2<f32>(now - base_slow.x) - state.away_slow) * rates;
        }

        if t % anchor.spacing != 0u || t + anchor.ahead >= params.n_samples {
            continue;
        }

        let is_there = f32(is_known(t) & is_known(t + anchor.ahead));
        let f_0 = state.means - vec4<f32>(now);
        var f_1 = vec4<f32>(0.0);
        var f_2 = vec4<f32>(0.0);
        var f_3 = vec4<f32>(0.0);
        let season = ago(t, anchor.ahead, params.season);
        if season.y * base_season.y > 0.0 {
            f_1 = vec4<f32>(season.x - now, now - base_season.x, state.away_season);
        }
        let slow = ago(t, anchor.ahead, params.slow);
        if slow.y * base_slow.y > 0.0 {
            f_2 = vec4<f32>(slow.x - now, now - base_slow.x, state.away_slow);
        }
        let course = profile(t, anchor.ahead);
        if course.y * base_profile.y > 0.0 {
            f_3 = vec4<f32>(course.x - now, now - base_profile.x, state.away_profile);
        }
        let goal = sample(t + anchor.ahead) - now;

        let w = state.now.weights;
        let opinions_0 = vec4<f32>(
            together(w[0] * f_0 + w[1] * f_1 + w[2] * f_2 + w[3] * f_3),
            together(state.now.few * f_0),
            together(PRIOR_0 * f_0 + PRIOR_1 * f_1 + PRIOR_2 * f_2 + PRIOR_3 * f_3),
            f_1.x + f_1.z * 0.5,
        );
        let opinions_1 = vec4<f32>(f_3.x + f_3.z, f_2.x + f_2.w, 0.0, f_0.z);
        let opinion_8 = (f_1.x + f_3.x + f_3.w) * 0.5;
        let a = state.now.say_0 * opinions_0;
        let b = state.now.say_1 * opinions_1;
        let mixed = a.x + a.y + a.z + a.w + b.x + b.y + b.z + b.w + state.now.say_8 * opinion_8;
        let error = goal - mixed;

        if state.n_errors >= anchor.delay {
            let size = sizes[scratch + (state.n_errors - anchor.delay) * n_series];
            state.lately = followed(state.lately, size, anchor.lately);
        }
        if t >= anchor.skip {
            let scale = state.lately.x * 0.35 + state.now.usual * 0.65;
            let at = scratch + state.n_counted * n_series;
            moving[at] = select(ABSENT, error / max(scale, TINY), is_there > 0.0);
            steady[at] = select(ABSENT, error, is_there > 0.0);
            state.n_counted += 1u;
            state.counted += is_there;
        }

        state.n += is_there;
        let share = 1.0 / max(state.n, 1.0);
        let most = select(SPIKE * state.ever, ABSENT, state.n < USUAL);
        let rate = max(share, anchor.loss);
        let sizes_0 = min(abs(vec4<f32>(goal) - opinions_0), vec4<f32>(most));
        let sizes_1 = min(abs(vec4<f32>(goal) - opinions_1), vec4<f32>(most));
        let size_8 = min(abs(goal - opinion_8), most);
        state.losses_0 += (sizes_0 - state.losses_0) * rate * is_there;
        state.losses_1 += (sizes_1 - state.losses_1) * rate * is_there;
        state.loss_8 += (size_8 - state.loss_8) * rate * is_there;
        let size = min(abs(error), most);
        state.ever += (size - state.ever) * max(share, anchor.ever) * is_there;
        sizes[scratch + state.n_errors * n_series] = select(-1.0, size, is_there > 0.0);
        state.n_errors += 1u;

        let odd = state.ever * ODD;
        var trust = 1.0;
        if state.n >= USUAL && abs(error) > odd {
            trust = odd / abs(error);
        }
        let weight = trust * is_there * state.next_weight;
        state.next_weight *= anchor.growth;
        let g_0 = f_0 * weight;
        let g_1 = f_1 * weight;
        let g_2 = f_2 * weight;
        let g_3 = f_3 * weight;
        state.products[0] += outer(g_0, f_0);
        state.products[1] += outer(g_1, f_0);
        state.products[2] += outer(g_1, f_1);
        state.products[3] += outer(g_2, f_0);
        state.products[4] += outer(g_2, f_1);
        state.products[5] += outer(g_2, f_2);
        state.products[6] += outer(g_3, f_0);
        state.products[7] += outer(g_3, f_1);
        state.products[8] += outer(g_3, f_2);
        state.products[9] += outer(g_3, f_3);
        state.targets += mat4x4<f32>(g_0 * goal, g_1 * goal, g_2 * goal, g_3 * goal);
    }
    state.t = end;
    if end < params.n_samples {
        states[own] = state;
        return;
    }

    // By now the last errors are known too.
    for (var i = state.n_errors - min(state.n_errors, anchor.delay); i < state.n_errors; i += 1u) {
        state.lately = followed(state.lately, sizes[scratch + i * n_series], anchor.lately);
    }
    let last = state.next;
    let out = id.y * params.n_rows;
    put_rows(out, last.weights[0]);
    put_rows(out + 4u, last.weights[1]);
    put_rows(out + 8u, last.weights[2]);
    put_rows(out + 12u, last.weights[3]);
    put_rows(out + 16u, last.few);
    put_rows(out + 20u, last.say_0);
    put_rows(out + 24u, last.say_1);
    put_row(out + 28u, last.say_8);
    put_row(out + 29u, state.lately.x);
    put_row(out + 30u, state.ever);
    put_row(out + 31u, state.counted);
    put_rows(out + 32u, state.means);
    put_rows(out + 36u, vec4<f32>(state.away_season, state.away_slow));
    put_row(out + 40u, state.away_profile.x);
    put_row(out + 41u, state.away_profile.y);
}
