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

    /// Lets `load` flow in from `now` on for `seconds` while `capacity` (load, not less than 0) is
    /// served. What has waited for the time-out when the span begins gives up then.
    pub(super) fn pass(
        &mut self,
        now: f64,
        seconds: f64,
        load: f64,
        capacity: f64,
        patience: Patience,
    ) -> Flow {
        let dropped = self.give_up(now - patience.timeout);
        let mut flow = Flow { dropped, ..Flow::default() };
        if load > 0.0 {
            self.waiting.push_back(Batch { from: now, to: now + seconds, amount: load * seconds });
        }
        let end = now + seconds;
        let mut clock = now;
        while capacity > 0.0 && clock < end {
            let Some(batch) = self.waiting.front_mut() else { break };
            // What rounding left of a batch has no length to divide by.
            if batch.amount <= 0.0 || batch.to <= batch.from {
                flow.served += batch.amount.max(0.0);
                self.waiting.pop_front();
                continue;
            }
            let arrivals = batch.amount / (batch.to - batch.from);
            let behind = clock - batch.from; // how long its first unit has waited
            // Served faster than it comes: after `catch_up` seconds nothing waits any more.
            let catch_up = behind * arrivals / (capacity - arrivals);
            let empty_after = batch.amount / capacity;
            let left = end - clock;
            if batch.to >= end && capacity >= arrivals && catch_up < left {
                // It still comes in, and from then on is served as it comes: without waiting.
                flow.served += batch.amount;
                flow.late += capacity * catch_up * share_above(behind, 0.0, patience.late_after);
                self.waiting.pop_front();
                break;
            }
            let span = empty_after.min(left);
            let amount = capacity * span;
            let last_came = batch.from + amount / arrivals;
            let last_waits = clock + span - last_came;
            flow.served += amount;
            flow.late += amount * share_above(behind, last_waits, patience.late_after);
            clock += span;
            if empty_after <= left {
                self.waiting.pop_front();
            } else {
                batch.amount -= amount;
                batch.from = last_came;
            }
        }
        flow
    }

    /// Drops what came before `since`.
    fn give_up(&mut self, since: f64) -> f64 {
        let mut dropped = 0.0;
        while let Some(batch) = self.waiting.front_mut() {
            if batch.to <= since {
                dropped += batch.amount;
                self.waiting.pop_front();
                continue;
            }
            if batch.from < since {
                let gone = batch.amount * (since - batch.from) / (batch.to - batch.from);
                dropped += gone;
                batch.amount -= gone;
                batch.from = since;
            }
            break;
        }
        dropped
    }
}

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
        // What waits came within the last time-out and span.
        assert!(queue.waiting() <= 8.0 * 45.0 + 1e-9);
        let flow = queue.pass(1e6, 15.0, 0.0, 0.0, PATIENCE);
        assert!(flow.dropped > 0.0 && queue.waiting() == 0.0);
        assert!(queue.waiting().is_sign_positive());
    }
}
