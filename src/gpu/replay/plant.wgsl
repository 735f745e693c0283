
// What becomes of it: replicas that start and stop, load that waits.

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
