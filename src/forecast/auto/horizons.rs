//! The horizons at which `auto` learns.
//!
//! In: nothing. Out: anchors, and the horizons around each in the order in which they are tried.

/// Horizons in steps around which is learnt; between two of them forecasts are mixed.
pub(super) const ANCHORS: [usize; 6] = [1, 2, 5, 12, 28, 64];

/// Forecasts of a band that wait for their truth at once, at most.
pub(super) const MOST_WAITING: usize = 16;

/// The horizons of a band: up to its neighbors' own.
const fn reach(which: usize) -> (usize, usize) {
    let last = ANCHORS.len() - 1;
    if which == 0 {
        (1, 1)
    } else if which == last {
        (ANCHORS[last - 1] + 1, ANCHORS[last])
    } else {
        (ANCHORS[which - 1] + 1, ANCHORS[which + 1] - 1)
    }
}

/// Steps between two forecasts that are judged, as a power of two: those of neighbors tell the same.
pub(super) const SPACINGS: [u32; ANCHORS.len()] = {
    let mut spacings = [0; ANCHORS.len()];
    let mut which = 0;
    while which < ANCHORS.len() {
        let spacing = reach(which).1.div_ceil(MOST_WAITING);
        spacings[which] = spacing.next_power_of_two().trailing_zeros();
        which += 1;
    }
    spacings
};

/// How many forecasts of a band wait at once.
pub(super) const fn most_waiting(which: usize) -> usize {
    reach(which).1.div_ceil(1 << SPACINGS[which])
}

/// After so many turns a band goes through its horizons again.
pub(super) const N_TURNS: usize = 128;

/// The horizons that each band takes in turn: all within its reach, those near its anchor most often.
pub(super) const TURNS: [[u8; N_TURNS]; ANCHORS.len()] = {
    let mut turns = [[1; N_TURNS]; ANCHORS.len()];
    let mut which = 0;
    while which < ANCHORS.len() {
        let (low, high) = reach(which);
        let anchor = ANCHORS[which];
        let (mut turn, mut at) = (0, 0);
        while turn < N_TURNS {
            // Seven is no divisor of any band's number of horizons, so all have their turn; the
            // golden ratio makes an even draw.
            let ahead = low + at * 7 % (high - low + 1);
            let (far, most) = if ahead < anchor {
                (anchor - ahead, anchor - low)
            } else {
                (ahead - anchor, high - anchor)
            };
            let draw = at * 618_034 % 1_000_000;
            if most == 0 || draw * most <= 1_000_000 * most - 850_000 * far {
                turns[which][turn] = ahead as u8;
                turn += 1;
            }
            at += 1;
        }
        which += 1;
    }
    turns
};
