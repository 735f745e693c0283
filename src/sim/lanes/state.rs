//! Where a lane stands, and what it remembers.
//!
//! In: nothing, or lanes to make room for. Out: the state and the places of its rings.

use super::lane::{DOWN, Lane, UP};
use super::screen::Screen;
use super::sheet::Sheet;

/// Where a lane stands; the kernel's `State`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C)]
pub(super) struct State {
    pub(super) screen: Screen,
    pub(super) tick: u32,
    /// Whether it left what is known here: too many starts, or a rate far off.
    pub(super) is_out: u32,
    pub(super) ready: u32,
    /// The starting ones: a queue in a ring, the earliest first.
    pub(super) first_start: u32,
    pub(super) n_starting: u32,
    /// Starts so far.
    pub(super) n_starts: u32,
    /// Stopping ones that are paid for over the whole interval.
    pub(super) n_stopping: u32,
    /// The interval whose load is at the head of the queue, and how much of it is gone, in seconds.
    pub(super) head: u32,
    pub(super) gone: f32,
    /// The recommendations that matter: a queue in a ring, for growth and shrinking.
    pub(super) first_seen: [u32; 2],
    pub(super) n_seen: [u32; 2],
    pub(super) n_events: [u32; 2],
    /// What was needed lately and what was ready: the first and the number of a queue in a ring.
    pub(super) kept: [u32; 2],
    pub(super) had: [u32; 2],
    /// The tick after that at which the load was read beyond what is carried, and at which the fleet was
    /// full; 0 for none that counts.
    pub(super) beyond: u32,
    pub(super) full: u32,
    /// The replicas that the load has filled since, and how often it has followed them.
    pub(super) filled: u32,
    pub(super) n_followed: u32,
    /// The load that waits, and the tick after that at which it was seen; 0 for never.
    pub(super) waiting: u32,
    pub(super) seen: u32,
    /// Of the open minute.
    pub(super) is_violated: u32,
    /// Of the open span: minutes in violation, replicas paid for an interval, and for the rest of one.
    pub(super) violated: u32,
    pub(super) paid: u32,
    pub(super) paid_rest: u32,
}

/// Where in a lane's ring memory each ring lies, and how long it is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Rings {
    /// Ready times of starting replicas; a power of two.
    pub(super) starting: [u32; 2],
    /// What the utilization was.
    pub(super) used: [u32; 2],
    /// Replicas that were stopped.
    pub(super) stopped: [u32; 2],
    /// Recommendations for growth and for shrinking; powers of two.
    pub(super) seen: [[u32; 2]; 2],
    /// What has grown, what has shrunk.
    pub(super) events: [[u32; 2]; 2],
    /// What was needed lately, what was ready; powers of two.
    pub(super) kept: [u32; 2],
    pub(super) had: [u32; 2],
    pub(super) n_words: u32,
}

impl Rings {
    /// Long enough for all of these.
    pub(super) fn of(lanes: &[Lane], sheet: &Sheet) -> Self {
        let most = |of: &dyn Fn(&Lane) -> u32| lanes.iter().map(of).max().unwrap_or(0);
        let mut n_words = 0;
        let mut place = |n: u32| {
            let first = n_words;
            n_words += n;
            [first, n]
        };
        let starting = place(most(&|lane| lane.max.max(lane.initial)).next_power_of_two());
        let used = place(sheet.lag + 1);
        let stopped = place(sheet.stop + 1);
        let seen = [UP, DOWN]
            .map(|side| place((most(&|lane| lane.windows[side]) + 2).next_power_of_two()));
        let events = [UP, DOWN].map(|side| place(most(&|lane| lane.n_events(side))));
        let keeps = most(&|lane| lane.keeps);
        let kept = place(keeps.next_power_of_two());
        let had = place(if keeps > 0 { sheet.recent.next_power_of_two() } else { 1 });
        Self { starting, used, stopped, seen, events, kept, had, n_words }
    }
}

/// What a span of a lane comes to, in whole numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Sums {
    pub(super) violated: u32,
    pub(super) paid: u32,
    pub(super) paid_rest: u32,
}
