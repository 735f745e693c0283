
// The screen of the utilization: whether a reading is believed.

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
