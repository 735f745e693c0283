// The quantiles of the errors of many series: the smallest error that so many are at or below, found by
// halving the range in which it lies.
//
// One invocation looks for four quantiles of one kind of errors, of one series at one horizon. A
// dispatch takes `n_looks` looks and keeps where it is in `searches`; the next one goes on there. There
// is nothing to share, hence no workgroup memory. Twin: `quantiles` in `forecast/batch/fit.rs`.
//
// `Params`, `Errors` and the size of `Search` have their twins in `gpu/quantiles.rs`: same fields, same
// order.
struct Errors {
    first: u32, // where they begin in the scratch memory
    n: u32,
    reserved: vec2<u32>,
}
struct Params {
    n_series: u32,
    n_levels: u32,
    n_rows: u32, // for each horizon
    n_looks: u32, // so many looks a dispatch
    errors: array<Errors, 6>,
}
// Where a search is, all 0 before it begins.
struct Search {
    low: vec4<f32>,
    high: vec4<f32>,
    below: vec4<f32>,
    at: u32, // the next error
    round: u32, // through all errors: the first one finds the range, each other one halves it
}
const WORKGROUP_SIZE: u32 = 64u;
const ABSENT: f32 = 3e38;
const HALVINGS: u32 = 26u;
// The row that says how many errors there are, and that of the first quantile.
const COUNT: u32 = 31u;
const ROWS: u32 = 42u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> levels: array<vec4<f32>>;
// Errors over their scale, and errors, as the kernel `fit` leaves them: sample-major, ABSENT for none.
@group(0) @binding(2) var<storage, read> moving: array<f32>;
@group(0) @binding(3) var<storage, read> steady: array<f32>;
@group(0) @binding(4) var<storage, read_write> searches: array<Search>;
@group(0) @binding(5) var<storage, read_write> rows: array<f32>;

fn error_at(kind: u32, at: u32) -> f32 {
    if kind == 0u {
        return moving[at];
    }
    return steady[at];
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let series = id.x;
    let n_series = params.n_series;
    if series >= n_series {
        return;
    }
    let horizon = id.y / 2u;
    let kind = id.y % 2u;
    let errors = params.errors[horizon];
    let scratch = errors.first * n_series + series;
    let own = (id.y * ((params.n_levels + 3u) / 4u) + id.z) * n_series + series;
    let counted = rows[(horizon * params.n_rows + COUNT) * n_series + series];
    let rank = max(
        min(ceil((counted + 1.0) * levels[id.z]), vec4<f32>(counted)),
        vec4<f32>(1.0),
    );
    var search = searches[own];
    if search.round == 0u && search.at == 0u {
        search.low = vec4<f32>(ABSENT);
        search.high = vec4<f32>(-ABSENT);
    }

    var middle = search.low * 0.5 + search.high * 0.5;
    for (var look = 0u; look < params.n_looks && search.round <= HALVINGS; look += 1u) {
        if search.at < errors.n {
            let error = error_at(kind, scratch + search.at * n_series);
            if search.round == 0u {
                search.low = min(search.low, vec4<f32>(error));
                let there = select(-ABSENT, error, error < ABSENT);
                search.high = max(search.high, vec4<f32>(there));
            } else {
                let is_below = vec4<f32>(error) <= middle;
                search.below += select(vec4<f32>(0.0), vec4<f32>(1.0), is_below);
            }
            search.at += 1u;
            continue;
        }
        if search.round > 0u {
            let is_enough = search.below >= rank;
            search.high = select(search.high, middle, is_enough);
            search.low = select(middle, search.low, is_enough);
        }
        middle = search.low * 0.5 + search.high * 0.5;
        search.below = vec4<f32>(0.0);
        search.at = 0u;
        search.round += 1u;
    }
    searches[own] = search;
    if search.round <= HALVINGS {
        return;
    }
    let found = select(vec4<f32>(0.0), search.high, vec4<bool>(counted > 0.0));
    let first = horizon * params.n_rows + ROWS + kind * params.n_levels;
    for (var i = 0u; i < 4u; i += 1u) {
        let level = 4u * id.z + i;
        if level < params.n_levels {
            rows[(first + level) * n_series + series] = found[i];
        }
    }
}
