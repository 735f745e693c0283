
// What a policy by risk wants, as far as that depends on the replicas there are.

// The place of the highest of a falling queue, from which what is too old and what is lower than the
// value is gone, and into which the value is put. `head` and `length` of the queue are returned.
struct Queue {
    highest: u32,
    head: u32,
    length: u32,
}

fn highest_of(at: vec2<u32>, before: array<u32, 2>, slot: u32, window: u32, value: u32) -> Queue {
    let mask = at.y - 1u;
    var head = before[0];
    var length = before[1];
    while length > 0u {
        rounds += 1u;
        let first = ring(at.x + (head & mask));
        if ((slot - (first >> 11u)) & (MOST_SLOTS - 1u)) < window {
            break;
        }
        head += 1u;
        length -= 1u;
    }
    var is_hidden = false;
    while length > 0u {
        rounds += 1u;
        let last = ring(at.x + ((head + length - 1u) & mask));
        if (last & 2047u) > value {
            is_hidden = (last >> 11u) == slot;
            break;
        }
        length -= 1u;
    }
    if !is_hidden {
        set_ring(at.x + ((head + length) & mask), (slot << 11u) | value);
        length += 1u;
    }
    return Queue(ring(at.x + (head & mask)) & 2047u, head, length);
}

fn of_full(which: u32, replicas: u32) -> u32 {
    return tables[lane.follows + which * (MOST_REPLICAS + 1u) + replicas];
}

// What a fleet asks for whose load follows it; 0 where the load is what it seems to be.
fn hidden(edges: u32, slot: u32) -> u32 {
    let had = highest_of(params.had, state.had, slot, params.recent, state.ready);
    state.had = array<u32, 2>(had.head, had.length);
    let now = state.tick + 1u;
    if had.highest <= (edges & 0xffffu) {
        state.beyond = now;
    }
    if now - state.beyond > params.memory {
        state.beyond = 0u;
    }
    if state.beyond > 0u {
        state.full = 0u;
        return 0u;
    }
    if state.ready > (edges >> 16u) {
        if now - state.full > params.age {
            state.full = 0u;
        }
        return 0u;
    }
    if state.full == 0u {
        state.filled = state.ready;
        state.n_followed = 0u;
    }
    state.full = now;
    state.filled = min(state.filled, state.ready);
    if state.ready >= of_full(0u, state.filled) {
        state.filled = state.ready;
        state.n_followed += 1u;
    }
    if state.n_followed == 0u {
        // No more than is kept.
        return 1u;
    }
    return of_full(min(state.n_followed, 2u), state.ready);
}

fn waits_later(parts: u32, quarters: u32) -> u32 {
    let rises = i32(parts) - i32(min(state.ready, TOO_MANY) * PARTS);
    return u32(clamp(i32(state.waiting) + rises * i32(quarters), 0, i32(TIMEOUT * parts)));
}

// The least whole number whose square is no less; a root is not the same everywhere.
fn whole_root(square: f32) -> u32 {
    var root = u32(sqrt(square));
    while f32(root * root) < square {
        rounds += 1u;
        root += 1u;
    }
    while root > 0u && f32((root - 1u) * (root - 1u)) >= square {
        rounds += 1u;
        root -= 1u;
    }
    return root;
}

// What carries the load and works off what waits; 0 where nothing does.
fn piled(loads: u32) -> u32 {
    let parts = loads & 0xffffu;
    let then = loads >> 16u;
    let now = state.tick + 1u;
    let n_ticks = select(0u, min(now - state.seen, params.gap), state.seen > 0u);
    let quarters = n_ticks * params.interval / QUARTER;
    state.seen = now;
    if quarters > GAP {
        state.waiting = 0u;
    }
    state.waiting = waits_later(parts, min(quarters, GAP));
    let worth = bitcast<f32>(known(WORTHS)) * lane.haste;
    let waiting = waits_later(then, lane.lead);
    let square = min(worth * f32(waiting), MOST_SQUARE);
    let at_once = (waiting + PARTS * TIMEOUT - 1u) / (PARTS * TIMEOUT);
    let extra = min(whole_root(square), at_once);
    return select(0u, (then + PARTS - 1u) / PARTS + extra, extra > 0u);
}

fn by_risk(current: u32) -> u32 {
    let slot = u32(ticks[state.tick].w);
    let edges = known(EDGES);
    var full = 0u;
    if edges != NONE {
        full = hidden(edges, slot);
    }
    var asked = full;
    let loads = known(LOADS);
    if loads != NONE {
        asked = max(asked, piled(loads));
    }
    let word = known(WANTS);
    let needed = word & 2047u;
    if (word & WORTH) == 0u {
        return select(NONE, needed, (word & PLAIN) > 0u);
    }
    let stays = (word & STAYS) > 0u && current == needed + 1u;
    // What is needed before more could come orders none.
    let ordered = select(word >> ORDERED, needed, full > 0u);
    let there = max(min(needed, current), ordered);
    asked = max(asked, there + select(0u, 1u, stays));
    let kept = highest_of(params.kept, state.kept, slot, lane.keeps, asked);
    state.kept = array<u32, 2>(kept.head, kept.length);
    return kept.highest;
}
