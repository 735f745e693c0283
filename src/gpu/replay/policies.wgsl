
// What the policies want together.

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

fn known(which: u32) -> u32 {
    return tapes[lane.tapes[which] * params.n_ticks + state.tick];
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
    if lane.target_load > 0.0 {
        let load = bitcast<f32>(known(READINGS));
        if load == ABSENT {
            is_blocked = true;
        } else {
            let kept = lane.target_load * f32(current);
            let is_within = load >= lane.low * kept * (1.0 - HAIR)
                && load <= lane.high * kept * (1.0 + HAIR);
            most = more(most, select(ceiled(load / lane.target_load), current, is_within));
        }
    }
    if lane.planned > 0.0 {
        let load = bitcast<f32>(known(WANTS));
        if load != ABSENT {
            most = more(most, ceiled(load / lane.planned));
        }
    }
    if lane.keeps > 0u {
        let replicas = by_risk(current);
        if replicas != NONE {
            most = more(most, replicas);
        }
    }
    return select(most, NONE, is_blocked && most < current);
}
