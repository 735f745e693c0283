//! What has piled up, and the replicas that are worth adding to work it off.
//!
//! In: the load now, the replicas that are ready, the price of a minute too short. Out: how many replicas
//! carry the load and work off what waits. Knows no forecast.

use serde::{Deserialize, Serialize};

use crate::time::{Duration, Timestamp};

/// While the load is more than the ready replicas carry, what is not served waits, and replicas that just
/// carry the load let it wait for ever after. Some more work it off: they cost until they can be taken
/// away again, `extra` times a span, and the minutes that it takes them cost `waiting / extra` times their
/// price; both together are least at the square root of one by the other.
///
/// In whole numbers and single precision, so that whoever replays it elsewhere comes to the same replicas:
/// a load in [`PARTS`](Self::PARTS) of what a replica carries, times in quarters of a second.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Drain {
    last: Option<Timestamp>,
    /// The load that waits, times quarters.
    waiting: u32,
}

impl Drain {
    /// Parts of the load that a replica carries.
    const PARTS: u32 = 32;

    /// Milliseconds in a quarter of a second.
    pub(super) const QUARTER: u32 = 250;

    /// What has waited for so many quarters gives up: a usual time-out of 30 seconds.
    const TIMEOUT: u32 = 120;

    /// Beyond so many quarters nothing is known of what was between two readings.
    pub(super) const GAP: u32 = 480;

    /// So many replicas and quarters at most, so that nothing leaves 32 bits.
    const MOST: u32 = 2047;
    const LONGEST: u32 = 16_383;

    /// Mean time in seconds until what waits is gone without, as the load has fallen.
    const GOES: f64 = 120.0;

    /// A load in parts of what a replica carries; `None` beyond what is worked off here.
    pub(super) fn parts(load: f64, full: f64) -> Option<u32> {
        let parts = (load / full * f64::from(Self::PARTS)).round();
        (parts <= f64::from(Self::MOST * Self::PARTS)).then_some(parts as u32)
    }

    /// The quarters of a lead time.
    pub(super) fn quarters(lead_time: Duration) -> u32 {
        let quarters = lead_time.as_millis() / i64::from(Self::QUARTER);
        u32::try_from(quarters).unwrap_or(0).min(Self::LONGEST)
    }

    /// What a unit that waits is worth at a risk of 1, in squares of replicas; `price` is that of a minute
    /// too short at that risk, in minutes of a replica.
    pub(super) fn worth(price: f64, lead_time: Duration) -> f32 {
        let units_a_minute = f64::from(Self::PARTS) * 60_000.0 / f64::from(Self::QUARTER);
        let lead_time = lead_time.as_secs_f64();
        let is_there = libm::exp(-lead_time / Self::GOES);
        // From the order until they could be taken away again, and the minute in which they work.
        let minutes = 2.0 * lead_time / 60.0 + 1.0;
        (is_there * price / (units_a_minute * minutes)) as f32
    }

    /// What waits `quarters` later if `parts` come and `ready` replicas serve.
    fn later(waiting: u32, parts: u32, ready: u32, quarters: u32) -> u32 {
        let rises = parts as i32 - (ready.min(Self::MOST) * Self::PARTS) as i32;
        let piled = waiting as i32 + rises * quarters as i32;
        piled.clamp(0, (Self::TIMEOUT * parts) as i32) as u32
    }

    /// The same of quarters that have passed since the last reading, which may be many.
    pub(super) fn since(waiting: u32, parts: u32, ready: u32, quarters: u32) -> u32 {
        let before = if quarters > Self::GAP { 0 } else { waiting };
        Self::later(before, parts, ready, quarters.min(Self::GAP))
    }

    /// The replicas that carry so many parts and work off what will wait so many quarters later, and what
    /// will; `None` where nothing will.
    pub(super) fn works_off(
        waiting: u32,
        parts: u32,
        ready: u32,
        quarters: u32,
        worth: f32,
    ) -> Option<(u32, u32)> {
        let waiting = Self::later(waiting, parts, ready, quarters);
        let extra = Self::extra(waiting, worth);
        (extra > 0).then(|| (parts.div_ceil(Self::PARTS) + extra, waiting))
    }

    /// The replicas that work off what waits best, where a unit of it is worth so much; no more than work it
    /// off within a time-out, as minutes in violation are whole ones.
    fn extra(waiting: u32, worth: f32) -> u32 {
        let square = (worth * waiting as f32).min((Self::MOST * Self::MOST) as f32);
        // A root is not the same everywhere; whole squares are.
        let of = |replicas: u32| (replicas * replicas) as f32;
        let mut extra = square.sqrt() as u32;
        while of(extra) < square {
            extra += 1;
        }
        while extra > 0 && of(extra - 1) >= square {
            extra -= 1;
        }
        extra.min(waiting.div_ceil(Self::PARTS * Self::TIMEOUT))
    }

    /// Takes in the load of now.
    pub(super) fn see(&mut self, at: Timestamp, parts: u32, ready: u32) {
        let last = self.last.replace(at);
        let passed = last.filter(|&last| last < at).map_or(0, |last| at.since(last).as_millis());
        let quarters = u32::try_from(passed / i64::from(Self::QUARTER)).unwrap_or(u32::MAX);
        self.waiting = Self::since(self.waiting, parts, ready, quarters);
    }

    /// The replicas that carry the load, so many parts until they are ready, and work off what will wait
    /// then, and the seconds that it will have waited; `None` where nothing will.
    pub(super) fn asks(
        &self,
        parts: u32,
        ready: u32,
        lead_time: Duration,
        worth: f32,
    ) -> Option<(f64, f64)> {
        let quarters = Self::quarters(lead_time);
        let (replicas, waiting) = Self::works_off(self.waiting, parts, ready, quarters, worth)?;
        let seconds = f64::from(waiting) / f64::from(parts.max(1) * 1000 / Self::QUARTER);
        Some((f64::from(replicas), seconds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAD: Duration = Duration::from_secs(120);

    /// Ten replicas, a load of `load` replicas for `n` decisions of 15 seconds; what is asked for.
    fn asked(load: f64, n: i64, price: f64) -> Option<(f64, f64)> {
        let mut drain = Drain::default();
        let parts = Drain::parts(load, 1.0).expect("a few replicas");
        (0..n).for_each(|tick| drain.see(Timestamp::from_secs(15 * tick), parts, 10));
        drain.asks(parts, 10, LEAD, Drain::worth(price, LEAD))
    }

    #[test]
    fn what_waits_is_worked_off_by_more_the_more_it_is_and_the_dearer() {
        assert_eq!(asked(9.9, 9, 100.0), None);
        let (few, seconds) = asked(10.5, 2, 30.0).expect("half a replica is too little");
        let (many, longer) = asked(12.0, 2, 30.0).expect("two are");
        let (dear, _) = asked(12.0, 2, 300.0).expect("two are");
        assert!(few > 11.0 && many > few + 1.0 && dear > many + 2.0, "{few} {many} {dear}");
        // Half a replica of 10.5 for 15 seconds and the lead time; two of 12 reach the time-out.
        assert!((seconds - 135.0 * 0.5 / 10.5).abs() < 0.1 && longer > 22.0, "{seconds} {longer}");
        assert_eq!(asked(12.0, 100, 30.0).expect("two are").1, 30.0);
    }

    #[test]
    fn the_square_root_is_the_cheapest_of_all_numbers() {
        let (waiting, price) = (40_000_u32, 50.0);
        let minutes_of_one = f64::from(waiting) / f64::from(Drain::PARTS * 240);
        let cost = |extra: u32| {
            5.0 * f64::from(extra) + libm::exp(-1.0) * price * minutes_of_one / f64::from(extra)
        };
        let best = (1..100).min_by(|a, b| cost(*a).total_cmp(&cost(*b))).expect("some");
        let own = Drain::extra(waiting, Drain::worth(price, LEAD));
        assert!(own == best || own == best + 1, "{own}, best {best}");
    }

    #[test]
    fn what_is_enough_is_worked_off_by_itself_and_a_gap_is_no_load() {
        let mut drain = Drain::default();
        for tick in 0..4 {
            drain.see(Timestamp::from_secs(15 * tick), 12 * Drain::PARTS, 10);
        }
        assert_eq!(drain.waiting, 2 * Drain::PARTS * 3 * 60);
        // Twenty are ready now: gone within the lead time, so nothing is asked for.
        assert_eq!(drain.asks(12 * Drain::PARTS, 20, LEAD, Drain::worth(100.0, LEAD)), None);
        drain.see(Timestamp::from_secs(4000), 12 * Drain::PARTS, 12);
        assert_eq!(drain.waiting, 0);
        // A clock that is set back is no time that passes, and no load is too high for a word.
        drain.see(Timestamp::from_secs(0), 12 * Drain::PARTS, 0);
        assert_eq!(drain.waiting, 0);
        assert_eq!(Drain::parts(1e300, 1.0), None);
        assert_eq!(Drain::later(0, 2047 * Drain::PARTS, 0, Drain::LONGEST), 2047 * 32 * 120);
    }
}
