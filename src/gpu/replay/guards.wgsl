
// What holds it back.

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
