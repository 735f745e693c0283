// What is learnt of many series: one invocation walks the past of one series at one horizon.
//
// There is nothing to share, hence no workgroup memory. Twin: `forecast/batch/fit.rs`, the same
// recurrences in the same order. All is continuous in the samples: nothing is picked by a comparison
// that rounding could turn, so a device that fuses multiply and add differs in the last digits alone.
//
// `Params` and `Anchor` have their twins in `gpu/fit.rs`: same fields, same order.
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
    reserved: u32,
}
struct Params {
    n_series: u32,
    n_samples: u32,
    season: u32, // in steps, 0 for none
    slow: u32,
    smoothed: u32, // whether a course is the mean of three samples
    n_levels: u32,
    awake: u32, // a bit for each expert that has an opinion
    n_rows: u32, // for each horizon
    means: vec4<f32>,
    away: vec2<f32>,
    reserved: vec2<u32>,
    anchors: array<Anchor, 6>,
}
const WORKGROUP_SIZE: u32 = 64u;
const EXPERTS: u32 = 9u;
const PROFILE_SEASONS: u32 = 8u;
const ROWS: u32 = 42u;
const FLOOR: f32 = 1e-3;
const SPIKE: f32 = 20.0;
const ODD: f32 = 5.0;
const USUAL: f32 = 50.0;
const TINY: f32 = 1e-9;
const ABSENT: f32 = 3e38;
const HALVINGS: u32 = 26u;

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
@group(0) @binding(3) var<storage, read> levels: array<f32>;
// Scratch memory: the size of each error, -1 for none; errors over their scale; errors.
@group(0) @binding(4) var<storage, read_write> sizes: array<f32>;
@group(0) @binding(5) var<storage, read_write> moving: array<f32>;
@group(0) @binding(6) var<storage, read_write> steady: array<f32>;
@group(0) @binding(7) var<storage, read_write> rows: array<f32>;

var<private> series: u32;
// Products of the features with each other, in blocks of four by four: the lower triangle, row by
// row of blocks. Column c of a block holds the products with feature c of the other four.
var<private> products: array<mat4x4<f32>, 10>;
var<private> targets: array<vec4<f32>, 4>;
var<private> matrix: array<f32, 256>;
var<private> weights: array<f32, 16>;
var<private> losses: array<f32, 9>;
var<private> opinions: array<f32, 9>;

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
    for (var r = 0u; r < 4u; r += 1u) {
        let at = (4u * row + r) * 16u + 4u * column;
        matrix[at] = block[0][r];
        matrix[at + 1u] = block[1][r];
        matrix[at + 2u] = block[2][r];
        matrix[at + 3u] = block[3][r];
    }
}

fn prior(at: u32) -> f32 {
    var all = array<vec4<f32>, 4>(PRIOR_0, PRIOR_1, PRIOR_2, PRIOR_3);
    return all[at / 4u][at % 4u];
}

// The `n` first weights that minimize the squared error plus the ridge towards the prior, by
// Cholesky's decomposition, into `weights`.
fn solve(n: u32, scale: f32, ever: f32, ridge_of: f32) {
    put(0u, 0u, products[0]);
    if n > 4u {
        put(1u, 0u, products[1]);
        put(1u, 1u, products[2]);
        put(2u, 0u, products[3]);
        put(2u, 1u, products[4]);
        put(2u, 2u, products[5]);
        put(3u, 0u, products[6]);
        put(3u, 1u, products[7]);
        put(3u, 2u, products[8]);
        put(3u, 3u, products[9]);
    }
    var trace = 0.0;
    for (var i = 0u; i < n; i += 1u) {
        trace += matrix[17u * i] * scale;
    }
    let ridge = ever * ever * ridge_of + trace * (FLOOR / f32(n)) + 1e-12;
    for (var i = 0u; i < n; i += 1u) {
        for (var j = 0u; j <= i; j += 1u) {
            matrix[16u * i + j] *= scale;
        }
        matrix[17u * i] += ridge;
        weights[i] = targets[i / 4u][i % 4u] * scale + ridge * prior(i);
    }
    for (var i = 0u; i < n; i += 1u) {
        for (var j = 0u; j < i; j += 1u) {
            var rest = matrix[16u * i + j];
            for (var k = 0u; k < j; k += 1u) {
                rest -= matrix[16u * i + k] * matrix[16u * j + k];
            }
            matrix[16u * i + j] = rest * matrix[17u * j];
        }
        var rest = matrix[17u * i];
        var weight = weights[i];
        for (var k = 0u; k < i; k += 1u) {
            rest -= matrix[16u * i + k] * matrix[16u * i + k];
            weight -= matrix[16u * i + k] * weights[k];
        }
        // The diagonal is kept inverted.
        matrix[17u * i] = 1.0 / sqrt(max(rest, 1e-30));
        weights[i] = weight * matrix[17u * i];
    }
    for (var up = 0u; up < n; up += 1u) {
        let i = n - 1u - up;
        var weight = weights[i];
        for (var k = i + 1u; k < n; k += 1u) {
            weight -= matrix[16u * k + i] * weights[k];
        }
        weights[i] = weight * matrix[17u * i];
    }
}

fn is_awake(expert: u32) -> bool {
    return ((params.awake >> expert) & 1u) == 1u;
}

// The experts' mean errors to the power of -20.
fn say_of_losses() -> array<f32, 9> {
    var best = ABSENT;
    for (var i = 0u; i < EXPERTS; i += 1u) {
        if is_awake(i) {
            best = min(best, losses[i]);
        }
    }
    best = max(best, TINY);
    var say = array<f32, 9>();
    var sum = 0.0;
    for (var i = 0u; i < EXPERTS; i += 1u) {
        if is_awake(i) {
            let ratio = best / max(losses[i], TINY);
            let square = ratio * ratio;
            let fourth = square * square;
            let eighth = fourth * fourth;
            say[i] = eighth * eighth * fourth;
            sum += say[i];
        }
    }
    for (var i = 0u; i < EXPERTS; i += 1u) {
        say[i] /= sum;
    }
    return say;
}

// The error lately and how many went into it, with one more known; a negative one is none.
fn followed(lately: vec2<f32>, size: f32, rate: f32) -> vec2<f32> {
    if size < 0.0 {
        return lately;
    }
    let n = lately.y + 1.0;
    return vec2<f32>(lately.x + (size - lately.x) * max(1.0 / n, min(rate, 1.0)), n);
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

    // What is used now, and what was solved and waits until its errors are all known.
    var weight_0 = PRIOR_0;
    var weight_1 = PRIOR_1;
    var weight_2 = PRIOR_2;
    var weight_3 = PRIOR_3;
    var few = PRIOR_0;
    var say = array<f32, 9>();
    let equal = 1.0 / f32(countOneBits(params.awake));
    for (var i = 0u; i < EXPERTS; i += 1u) {
        say[i] = select(0.0, equal, is_awake(i));
    }
    var usual = 0.0;
    var next_0 = weight_0;
    var next_1 = weight_1;
    var next_2 = weight_2;
    var next_3 = weight_3;
    var next_few = few;
    var next_say = say;
    var next_usual = 0.0;

    var next_weight = 1.0;
    var ever = 0.0;
    var n = 0.0;
    var lately = vec2<f32>(0.0, 0.0);
    var n_errors = 0u;
    var n_counted = 0u;
    var counted = 0.0;

    var means = vec4<f32>(sample(0u));
    var away_season = vec2<f32>(0.0, 0.0);
    var away_slow = vec2<f32>(0.0, 0.0);
    var away_profile = vec2<f32>(0.0, 0.0);

    for (var t = 0u; t < params.n_samples; t += 1u) {
        let now = sample(t);
        let first = 1.0 / f32(t + 1u);
        means += (vec4<f32>(now) - means) * max(params.means, vec4<f32>(first));
        let base_season = ago(t, 0u, params.season);
        let base_slow = ago(t, 0u, params.slow);
        let base_profile = profile(t, 0u);
        if base_season.y > 0.0 {
            let rates = max(params.away, vec2<f32>(1.0 / f32(t - params.season + 1u)));
            away_season += (vec2<f32>(now - base_season.x) - away_season) * rates;
            away_profile += (vec2<f32>(now - base_profile.x) - away_profile) * rates;
        }
        if base_slow.y > 0.0 {
            let rates = max(params.away, vec2<f32>(1.0 / f32(t - params.slow + 1u)));
            away_slow += (vec2<f32>(now - base_slow.x) - away_slow) * rates;
        }

        if t >= anchor.ahead && (t - anchor.ahead) % anchor.refit == 0u {
            weight_0 = next_0;
            weight_1 = next_1;
            weight_2 = next_2;
            weight_3 = next_3;
            few = next_few;
            say = next_say;
            usual = next_usual;
        }
        if t > 0u && t % anchor.refit == 0u {
            solve(16u, 1.0 / next_weight, ever, anchor.ridge);
            next_0 = vec4<f32>(weights[0], weights[1], weights[2], weights[3]);
            next_1 = vec4<f32>(weights[4], weights[5], weights[6], weights[7]);
            next_2 = vec4<f32>(weights[8], weights[9], weights[10], weights[11]);
            next_3 = vec4<f32>(weights[12], weights[13], weights[14], weights[15]);
            solve(4u, 1.0 / next_weight, ever, anchor.ridge);
            next_few = vec4<f32>(weights[0], weights[1], weights[2], weights[3]);
            next_say = say_of_losses();
            next_usual = ever;
        }
        if t % anchor.spacing != 0u || t + anchor.ahead >= params.n_samples {
            continue;
        }

        let is_there = f32(is_known(t) & is_known(t + anchor.ahead));
        let f_0 = means - vec4<f32>(now);
        var f_1 = vec4<f32>(0.0);
        var f_2 = vec4<f32>(0.0);
        var f_3 = vec4<f32>(0.0);
        let season = ago(t, anchor.ahead, params.season);
        if season.y * base_season.y > 0.0 {
            f_1 = vec4<f32>(season.x - now, now - base_season.x, away_season.x, away_season.y);
        }
        let slow = ago(t, anchor.ahead, params.slow);
        if slow.y * base_slow.y > 0.0 {
            f_2 = vec4<f32>(slow.x - now, now - base_slow.x, away_slow.x, away_slow.y);
        }
        let course = profile(t, anchor.ahead);
        if course.y * base_profile.y > 0.0 {
            f_3 = vec4<f32>(course.x - now, now - base_profile.x, away_profile.x, away_profile.y);
        }
        let goal = sample(t + anchor.ahead) - now;

        opinions[0] = together(weight_0 * f_0 + weight_1 * f_1 + weight_2 * f_2 + weight_3 * f_3);
        opinions[1] = together(few * f_0);
        opinions[2] = together(PRIOR_0 * f_0 + PRIOR_1 * f_1 + PRIOR_2 * f_2 + PRIOR_3 * f_3);
        opinions[3] = f_1.x + f_1.z * 0.5;
        opinions[4] = f_3.x + f_3.z;
        opinions[5] = f_2.x + f_2.w;
        opinions[6] = 0.0;
        opinions[7] = f_0.z;
        opinions[8] = (f_1.x + f_3.x + f_3.w) * 0.5;
        var mixed = 0.0;
        for (var i = 0u; i < EXPERTS; i += 1u) {
            mixed += say[i] * opinions[i];
        }
        let error = goal - mixed;

        if n_errors >= anchor.delay {
            let size = sizes[scratch + (n_errors - anchor.delay) * n_series];
            lately = followed(lately, size, anchor.lately);
        }
        if t >= anchor.skip {
            let scale = lately.x * 0.35 + usual * 0.65;
            let at = scratch + n_counted * n_series;
            moving[at] = select(ABSENT, error / max(scale, TINY), is_there > 0.0);
            steady[at] = select(ABSENT, error, is_there > 0.0);
            n_counted += 1u;
            counted += is_there;
        }

        n += is_there;
        let share = 1.0 / max(n, 1.0);
        let most = select(SPIKE * ever, ABSENT, n < USUAL);
        for (var i = 0u; i < EXPERTS; i += 1u) {
            let size = min(abs(goal - opinions[i]), most);
            losses[i] += (size - losses[i]) * max(share, anchor.loss) * is_there;
        }
        let size = min(abs(error), most);
        ever += (size - ever) * max(share, anchor.ever) * is_there;
        sizes[scratch + n_errors * n_series] = select(-1.0, size, is_there > 0.0);
        n_errors += 1u;

        let odd = ever * ODD;
        var trust = 1.0;
        if n >= USUAL && abs(error) > odd {
            trust = odd / abs(error);
        }
        let weight = trust * is_there * next_weight;
        next_weight *= anchor.growth;
        let g_0 = f_0 * weight;
        let g_1 = f_1 * weight;
        let g_2 = f_2 * weight;
        let g_3 = f_3 * weight;
        products[0] += outer(g_0, f_0);
        products[1] += outer(g_1, f_0);
        products[2] += outer(g_1, f_1);
        products[3] += outer(g_2, f_0);
        products[4] += outer(g_2, f_1);
        products[5] += outer(g_2, f_2);
        products[6] += outer(g_3, f_0);
        products[7] += outer(g_3, f_1);
        products[8] += outer(g_3, f_2);
        products[9] += outer(g_3, f_3);
        targets[0] += g_0 * goal;
        targets[1] += g_1 * goal;
        targets[2] += g_2 * goal;
        targets[3] += g_3 * goal;
    }
    // By now the last errors are known too.
    for (var i = n_errors - min(n_errors, anchor.delay); i < n_errors; i += 1u) {
        lately = followed(lately, sizes[scratch + i * n_series], anchor.lately);
    }

    let out = id.y * params.n_rows * n_series + series;
    solve(16u, 1.0 / next_weight, ever, anchor.ridge);
    for (var i = 0u; i < 16u; i += 1u) {
        rows[out + i * n_series] = weights[i];
    }
    solve(4u, 1.0 / next_weight, ever, anchor.ridge);
    for (var i = 0u; i < 4u; i += 1u) {
        rows[out + (16u + i) * n_series] = weights[i];
    }
    say = say_of_losses();
    for (var i = 0u; i < EXPERTS; i += 1u) {
        rows[out + (20u + i) * n_series] = say[i];
    }
    rows[out + 29u * n_series] = lately.x;
    rows[out + 30u * n_series] = ever;
    rows[out + 31u * n_series] = counted;
    for (var i = 0u; i < 4u; i += 1u) {
        rows[out + (32u + i) * n_series] = means[i];
    }
    for (var i = 0u; i < 2u; i += 1u) {
        rows[out + (36u + i) * n_series] = away_season[i];
        rows[out + (38u + i) * n_series] = away_slow[i];
        rows[out + (40u + i) * n_series] = away_profile[i];
    }

    // The quantiles: the smallest error that so many are at or below, found by halving the range in
    // which it lies.
    for (var kind = 0u; kind < 2u; kind += 1u) {
        var first = ABSENT;
        var last = -ABSENT;
        for (var i = 0u; i < n_counted; i += 1u) {
            let error = counted_error(kind, scratch + i * n_series);
            first = min(first, error);
            last = max(last, select(-ABSENT, error, error < ABSENT));
        }
        for (var level = 0u; level < params.n_levels; level += 1u) {
            let rank = max(min(ceil((counted + 1.0) * levels[level]), counted), 1.0);
            var low = first;
            var high = last;
            for (var i = 0u; i < HALVINGS; i += 1u) {
                let middle = low * 0.5 + high * 0.5;
                var below = 0.0;
                for (var j = 0u; j < n_counted; j += 1u) {
                    if counted_error(kind, scratch + j * n_series) <= middle {
                        below += 1.0;
                    }
                }
                if below >= rank {
                    high = middle;
                } else {
                    low = middle;
                }
            }
            let row = ROWS + kind * params.n_levels + level;
            rows[out + row * n_series] = select(0.0, high, counted > 0.0);
        }
    }
}

fn counted_error(kind: u32, at: u32) -> f32 {
    if kind == 0u {
        return moving[at];
    }
    return steady[at];
}
