
// The loop.

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
