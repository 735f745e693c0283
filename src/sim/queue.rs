//! Load that waits, first come first served, as a fluid.
//!
//! In: how much comes and how much can be served in a span. Out: how much was served, how much of
//! it too late, how much gave up. Knows nothing of replicas.

use std::collections::VecDeque;

/// A queue of load with carry-over: what is not served in one span waits for the next ones.
///
/// Arrivals and service flow evenly within a span, so waiting times are known exactly: the `x`-th
/// unit of load came at one time and leaves at another, and both are straight lines.
#[derive(Clone, Debug, Default)]
pub(super) struct Queue {
    /// What came together and still waits, the oldest first.
    waiting: VecDeque<Batch>,
}

/// Load that came evenly from `from` to `to`, in seconds.
#[derive(Clone, Copy, Debug)]
struct Batch {
    from: f64,
    to: f64,
    amount: f64,
}

/// What became of the load in one span; in load times seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Flow {
    pub(super) served: f64,
    pub(super) late: f64,
    pub(super) dropped: f64,
}

/// How long load may wait, in seconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    pub(super) late_after: f64,
    pub(super) timeout: f64,
}

impl Queue {
    /// The load that waits, times seconds.
    pub(super) fn waiting(&self) -> f64 {
        // The sum of nothing would be -0.
        self.waiting.iter().fold(0.0, |sum, batch| sum + batch.amount)
    }

    /// Lets `load` flow in from `now` on, where the last span ended, for `seconds` while `capacity`
    /// (load, not less than 0) is served. What has waited for the time-out gives up at that moment.
    pub(super) fn pass(
        &mut self,
        now: f64,
        seconds: f64,
        load: f64,
        capacity: f64,
        patience: Patience,
    ) -> Flow {
        let mut flow = Flow::default();
        if load > 0.0 {
            self.waiting.push_back(Batch { from: now, to: now + seconds, amount: load * seconds });
        }
        let end = now + seconds;
        let mut clock = now;
        while clock < end {
            let Some(batch) = self.waiting.front_mut() else { break };
            // What rounding left of a batch has no length to divide by.
            if batch.amount <= 0.0 || batch.to <= batch.from {
                flow.served += batch.amount.max(0.0);
                self.waiting.pop_front();
                continue;
            }
            let arrivals = batch.amount / (batch.to - batch.from);
            let behind = clock - batch.from; // how long its first unit has waited
            let left = end - clock;
            if arrivals > capacity && behind + MOMENT >= patience.timeout {
                // The first unit cannot wait longer: what gets there is served or gives up.
                let length = batch.to - batch.from;
                let span = length.min(left);
                let gone = if length <= left { batch.amount } else { arrivals * span };
                let served = (capacity * span).min(gone);
                flow.served += served;
                flow.dropped += gone - served;
                if patience.timeout > patience.late_after {
                    flow.late += served;
                }
                clock += span;
                if length <= left {
                    self.waiting.pop_front();
                } else {
                    batch.amount -= gone;
                    batch.from += span;
                }
                continue;
            }
            // Served faster than it comes: after `catch_up` seconds nothing waits any more.
            let catch_up = behind * arrivals / (capacity - arrivals);
            if batch.to >= end && capacity >= arrivals && catch_up < left {
                // It still comes in, and from then on is served as it comes: without waiting.
                flow.served += batch.amount;
                flow.late += capacity * catch_up * share_above(behind, 0.0, patience.late_after);
                self.waiting.pop_front();
                break;
            }
            // Served slower than it comes: the wait grows until the first unit gives up.
            let gives_up = if arrivals > capacity {
                (patience.timeout - behind) * arrivals / (arrivals - capacity)
            } else {
                f64::INFINITY
            };
            let empty_after = batch.amount / capacity;
            let span = empty_after.min(left).min(gives_up);
            let amount = capacity * span;
            let last_came = batch.from + amount / arrivals;
            let last_waits = clock + span - last_came;
            flow.served += amount;
            flow.late += amount * share_above(behind, last_waits, patience.late_after);
            clock += span;
            if empty_after <= span {
                self.waiting.pop_front();
            } else {
                batch.amount -= amount;
                batch.from = last_came;
            }
        }
        flow
    }
}

/// A wait shorter than the time-out by this many seconds is rounding; else the steps towards it
/// might never end.
const MOMENT: f64 = 1e-6;

/// The share of a straight line from `from` to `to` that lies above `edge`.
fn share_above(from: f64, to: f64, edge: f64) -> f64 {
    let (low, high) = if from < to { (from, to) } else { (to, from) };
    if low > edge {
        1.0
    } else if high <= edge {
        0.0
    } else {
        (high - edge) / (high - low)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PATIENCE: Patience = Patience { late_after: 1.0, timeout: 30.0 };

    #[test]
    fn enough_capacity_leaves_nothing_waiting() {
        let mut queue = Queue::default();
        let flow = queue.pass(0.0, 15.0, 10.0, 12.0, PATIENCE);
        assert_eq!(flow, Flow { served: 150.0, late: 0.0, dropped: 0.0 });
        assert_eq!(queue.waiting(), 0.0);
    }

    /// 20 come a second, 10 are served: the x-th unit comes at x / 20 and leaves at x / 10, so it
    /// waits x / 20. The 150 served wait up to 7.5 s, those above 1 s are 13 / 15 of them.
    #[test]
    fn half_the_capacity_makes_the_wait_grow_by_half_a_second_a_second() {
        let mut queue = Queue::default();
        let flow = queue.pass(0.0, 15.0, 20.0, 10.0, PATIENCE);
        assert!((flow.served - 150.0).abs() < 1e-9);
        assert!((flow.late - 130.0).abs() < 1e-9, "{flow:?}");
        assert!((queue.waiting() - 150.0).abs() < 1e-9);

        // 40 a second: the 150 that wait are gone after 3.75 s; the new load comes with 10 a
        // second and is caught up with after 3.75 * 10 / (40 - 10) = 1.25 s more.
        let flow = queue.pass(15.0, 15.0, 10.0, 40.0, PATIENCE);
        assert!((flow.served - 300.0).abs() < 1e-9);
        assert!(queue.waiting() < 1e-9);
        // The 150 waited 7.5 s falling to 3.75 s: all late. The new load waited from 3.75 s down
        // to nothing while 50 of it were served; (3.75 - 1) / 3.75 of those are late.
        let want = 150.0 + 50.0 * 2.75 / 3.75;
        assert!((flow.late - want).abs() < 1e-9, "{} against {want}", flow.late);
    }

    #[test]
    fn without_capacity_load_gives_up_after_the_timeout_and_none_is_lost_or_made() {
        let mut queue = Queue::default();
        let (mut came, mut left) = (0.0, 0.0);
        for tick in 0..20 {
            let flow = queue.pass(f64::from(tick) * 15.0, 15.0, 8.0, 3.0, PATIENCE);
            came += 8.0 * 15.0;
            left += flow.served + flow.dropped;
        }
        assert!((came - left - queue.waiting()).abs() < 1e-6);
        // What waits came within the time-out.
        assert!((queue.waiting() - 8.0 * 30.0).abs() < 1e-3);
        let flow = queue.pass(300.0, 40.0, 0.0, 0.0, PATIENCE);
        assert!((flow.dropped - 8.0 * 30.0).abs() < 1e-3 && queue.waiting() < 1e-9);
        assert!(queue.waiting().is_sign_positive());
    }

    /// 20 come a second, 10 are served: after a minute the first unit has waited 30 s, and from then
    /// on as much gives up as is served. A
    /// span longer than the time-out changes nothing.
    #[test]
    fn load_gives_up_when_its_time_is_out_and_not_at_the_next_span() {
        let flow = Queue::default().pass(0.0, 100.0, 20.0, 10.0, PATIENCE);
        assert!((flow.dropped - 400.0).abs() < 1e-3, "{flow:?}"); // 40 s, 10 a second
        assert!((flow.served - 1000.0).abs() < 1e-3, "{flow:?}");
    }

    /// The same queue, a grain of load at a time: what `n` grains a second of load, each served in
    /// its turn unless its time is out by then, come to.
    fn by_grains(loads: &[f64], capacities: &[f64], seconds: f64, patience: Patience) -> Flow {
        const N: usize = 4000; // grains in a span
        let served_by = |at: f64, amount: f64| {
            // When `amount` more has been served from `at` on.
            let (mut at, mut amount) = (at, amount);
            loop {
                let span = (at / seconds + 1e-12).floor();
                let capacity = capacities.get(span as usize).copied().unwrap_or(1e12);
                let room = ((span + 1.0) * seconds - at) * capacity;
                if amount <= room {
                    return at + amount / capacity.max(1e-12);
                }
                amount -= room;
                at = (span + 1.0) * seconds;
            }
        };
        let (mut flow, mut free) = (Flow::default(), 0.0_f64);
        for (span, &load) in loads.iter().enumerate() {
            for grain in 0..N {
                let at = (span as f64 + (grain as f64 + 0.5) / N as f64) * seconds;
                let amount = load * seconds / N as f64;
                let begins = free.max(at);
                // Load has no size: it waits until the first of its grain is served.
                let wait = served_by(begins, 1e-6 * amount) - at;
                if wait > patience.timeout {
                    flow.dropped += amount;
                } else {
                    free = served_by(begins, amount);
                    flow.served += amount;
                    flow.late += if wait > patience.late_after { amount } else { 0.0 };
                }
            }
        }
        flow
    }

    proptest! {
        #![proptest_config(crate::testing::cases(64))]

        #[test]
        fn nothing_is_lost_and_all_is_as_grain_by_grain(
            spans in prop::collection::vec((0_u8..30, 0_u8..20), 1..7),
            late_after in 0.5..4.0,
            more in 1.0..60.0,
        ) {
            let patience = Patience { late_after, timeout: late_after + more };
            let seconds = 15.0;
            // No load at the end, and room for all that waits: grains have no end of the replay.
            let mut loads: Vec<_> = spans.iter().map(|span| f64::from(span.0)).collect();
            let mut capacities: Vec<_> = spans.iter().map(|span| f64::from(span.1)).collect();
            loads.push(0.0);
            capacities.push(1e12);
            let (mut queue, mut sum, mut came) = (Queue::default(), Flow::default(), 0.0);
            for (index, (&load, &capacity)) in loads.iter().zip(&capacities).enumerate() {
                let before = queue.waiting();
                let flow = queue.pass(index as f64 * seconds, seconds, load, capacity, patience);
                let all = before + load * seconds;
                prop_assert!((all - flow.served - flow.dropped - queue.waiting()).abs() < 1e-9 * all.max(1.0));
                prop_assert!(flow.served <= capacity * seconds + 1e-9 * all.max(1.0));
                prop_assert!(flow.late <= flow.served + 1e-9 && flow.dropped >= 0.0);
                came += load * seconds;
                sum.served += flow.served;
                sum.late += flow.late;
                sum.dropped += flow.dropped;
            }
            prop_assert!(queue.waiting() < 1e-6);
            let grains = by_grains(&loads, &capacities, seconds, patience);
            let near = |a: f64, b: f64| (a - b).abs() <= 0.003 * came + 1e-6;
            prop_assert!(near(sum.dropped, grains.dropped) && near(sum.late, grains.late), "{sum:?} {grains:?}");
        }
    }
}
