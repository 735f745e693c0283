//! Whether a sample may be believed now, later, or not.
//!
//! In: the samples of one metric with their times. Out: nothing, or what is wrong with the sample. A rise
//! waits for one sample that confirms it, a fall until it is over or has lasted long enough to be true.

use serde::{Deserialize, Serialize};

use super::slope::{Pace, Slope};
use super::stuck::Stuck;
use super::{Config, Side};
use crate::time::{Duration, Timestamp};

/// What is usual is remembered for so long, and for at least so many samples.
const MEMORY: Duration = Duration::from_secs(5 * 86_400);
const LEAST_MEMORY: f64 = 1_500.0;
/// After so many usual intervals without a sample there is no step from one to the next.
const GAP: f64 = 5.0;
/// A change of unit multiplies by this, give or take [`UNIT_SLACK`], and lies as far above the peak.
const UNIT: f64 = 1_000.0;
const UNIT_SLACK: f64 = 1.6;
/// Below this share of the day's peak a load is idle, and may leap by any factor.
const BUSY_SHARE: f64 = 0.1;

/// After a rise that was confirmed, further ones are of the same burst.
const BURST: u32 = 10;

/// What is wrong with a sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Finding {
    /// Far above what is usual next; `bound` would be plausible.
    Rise { usual: f64, bound: f64 },
    /// Far below what is usual next; `bound` would be plausible.
    Fall { usual: f64, bound: f64, left: Duration },
    /// Nothing, beside a busy past.
    Zero { usual: f64, bound: f64, left: Duration },
    /// About a thousand times what is usual.
    Unit { usual: f64, bound: f64, left: Duration },
    /// The same number for too long.
    Stuck { repeats: u32, most: u32, left: Duration },
}

/// One metric's samples as one number, and for those of a replica as its mean beside.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    /// The load of the whole workload.
    pub(super) load: f64,
    /// The mean of a replica: halves when the replicas double, where the load stays.
    pub(super) mean: Option<f64>,
}

impl Seen {
    /// The number as its source gave it, for repeats.
    fn raw(self) -> f64 {
        self.mean.unwrap_or(self.load)
    }
}

/// Judges one metric sample by sample.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Judge {
    last_at: Option<Timestamp>,
    /// The usual time between two samples, in seconds.
    interval: f64,
    load: Slope,
    mean: Slope,
    stuck: Stuck,
    doubt: Option<Doubt>,
    /// For so many samples more rises are believed at once, as a burst is under way.
    in_burst: u32,
}

/// A sample that is not believed yet.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Doubt {
    kind: Kind,
    since: Timestamp,
    load: f64,
    mean: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Rise,
    Fall,
    Unit,
}

impl Judge {
    pub(super) fn is_sound(&self) -> bool {
        let doubt = self.doubt.is_none_or(|doubt| {
            doubt.load >= 0.0
                && doubt.load.is_finite()
                && doubt.mean >= 0.0
                && doubt.mean.is_finite()
        });
        let interval = self.interval.is_finite() && self.interval >= 0.0;
        doubt && interval && self.load.is_sound() && self.mean.is_sound() && self.stuck.is_sound()
    }

    /// Whether enough was seen to find anything.
    pub(super) fn is_known(&self, settings: &Config) -> bool {
        self.load.n_samples() >= settings.samples
    }

    /// The last load that was believed; 0 before any.
    pub(super) fn last_load(&self) -> f64 {
        self.load.last()
    }

    pub(super) fn rebase(&mut self, at: Timestamp) {
        self.last_at = Some(at);
        self.stuck.rebase(at);
        if let Some(doubt) = &mut self.doubt {
            doubt.since = at;
        }
    }

    /// Judges a sample and learns from it. Without `may_find` it is only learnt from.
    pub(super) fn judge(
        &mut self,
        at: Timestamp,
        seen: Seen,
        settings: &Config,
        may_find: bool,
    ) -> Option<Finding> {
        let (pace, is_gap) = self.tick(at);
        let may_find = may_find && self.is_known(settings);
        // At the top of what it shows a mean may well stand still: a full machine is full.
        let is_full = seen.mean.is_some_and(|mean| mean >= self.mean.peak());
        let at_bound = seen.raw() == 0.0 || is_full;
        let (is_repeat, stuck) = self.stuck.see(at, seen.raw(), at_bound, pace.forget, settings);
        if may_find && let Some(stuck) = stuck {
            return Some(stuck);
        }
        if let Some(doubt) = self.doubt {
            match self.doubted(doubt, at, seen, settings) {
                Some(finding) if may_find => return Some(finding),
                // Believed: what it was goes on as the new normal.
                Some(_) | None => self.doubt = None,
            }
        } else if is_repeat {
            return None; // nothing new is known
        }
        let finding = if may_find { self.find(at, seen, is_gap, settings) } else { None };
        self.in_burst = self.in_burst.saturating_sub(1);
        self.load.learn_move(seen.load, pace);
        if let Some(mean) = seen.mean {
            self.mean.learn_move(mean, pace);
        }
        if finding.is_none() {
            self.believe(seen, pace, is_gap);
        }
        finding
    }

    /// The paces of forgetting for the time since the last sample, and whether that was a gap.
    fn tick(&mut self, at: Timestamp) -> (Pace, bool) {
        let passed = self.last_at.map_or(0.0, |last| at.since(last).as_secs_f64());
        self.last_at = Some(at);
        let is_gap = self.interval > 0.0 && passed > GAP * self.interval;
        let usual = if self.interval > 0.0 { passed.min(GAP * self.interval) } else { passed };
        self.interval +=
            0.1 * (usual - self.interval) * if self.interval > 0.0 { 1.0 } else { 10.0 };
        let days = usual / 86_400.0;
        let forget = (86_400.0 * days / MEMORY.as_secs_f64()).min(1.0 / LEAST_MEMORY);
        (Pace { forget, fade: (0.7 * days).min(1.0) }, is_gap)
    }

    fn raw_slope(&self, seen: Seen) -> &Slope {
        if seen.mean.is_some() { &self.mean } else { &self.load }
    }

    /// What is still to be said of a doubt; none if it is over, believed or not.
    fn doubted(
        &mut self,
        doubt: Doubt,
        at: Timestamp,
        seen: Seen,
        settings: &Config,
    ) -> Option<Finding> {
        let accept_after =
            if seen.load == 0.0 { settings.accept_zero_after } else { settings.accept_after };
        let waited = at.since(doubt.since);
        let left = Duration::from_millis(
            (accept_after.as_millis() - waited.as_millis()).clamp(0, i64::from(u32::MAX)) as u32,
        );
        let goes_on = match doubt.kind {
            Kind::Rise => {
                // Whatever is odd a second time is true, so that no burst waits twice.
                let confirms = |slope: &Slope, odd, value| {
                    slope.odd(value) == Some(Side::Rise) || slope.confirms(odd, value)
                };
                let is_confirmed = confirms(&self.load, doubt.load, seen.load)
                    && seen.mean.is_none_or(|mean| confirms(&self.mean, doubt.mean, mean));
                if is_confirmed {
                    self.settle(seen);
                    self.in_burst = BURST;
                }
                return None;
            }
            Kind::Fall => {
                self.load.is_low(seen.load) && seen.mean.is_none_or(|mean| self.mean.is_low(mean))
            }
            Kind::Unit => self.is_other_unit(seen),
        };
        if !goes_on {
            return None;
        }
        if left.is_zero() {
            self.settle(seen);
            return None;
        }
        Some(self.finding(
            if doubt.kind == Kind::Unit { Side::Rise } else { Side::Fall },
            seen,
            left,
        ))
    }

    fn find(
        &mut self,
        at: Timestamp,
        seen: Seen,
        is_gap: bool,
        settings: &Config,
    ) -> Option<Finding> {
        let side = self.load.odd(seen.load)?;
        if seen.mean.is_some_and(|mean| self.mean.odd(mean) != Some(side)) {
            return None;
        }
        if is_gap && seen.load > 0.0 {
            return None;
        }
        if side == Side::Rise && self.in_burst > 0 && !self.is_other_unit(seen) {
            return None;
        }
        let kind = match side {
            Side::Rise if self.is_other_unit(seen) => Kind::Unit,
            Side::Rise => Kind::Rise,
            Side::Fall => Kind::Fall,
        };
        let mean = seen.mean.unwrap_or(0.0);
        self.doubt = Some(Doubt { kind, since: at, load: seen.load, mean });
        let left =
            if seen.load == 0.0 { settings.accept_zero_after } else { settings.accept_after };
        Some(self.finding(side, seen, left))
    }

    fn finding(&self, side: Side, seen: Seen, left: Duration) -> Finding {
        let (slope, raw) = (self.raw_slope(seen), seen.raw());
        let (usual, bound) = (slope.last(), slope.bound(side));
        match side {
            Side::Rise if self.is_other_unit(seen) => Finding::Unit { usual, bound, left },
            Side::Rise => Finding::Rise { usual, bound },
            Side::Fall if raw == 0.0 => Finding::Zero { usual, bound, left },
            Side::Fall => Finding::Fall { usual, bound, left },
        }
    }

    /// A busy load that is a thousandfold at once, and as far above all of the day, is told in
    /// another unit.
    fn is_other_unit(&self, seen: Seen) -> bool {
        let slope = self.raw_slope(seen);
        let ratio = seen.raw() / slope.last();
        slope.last() >= BUSY_SHARE * slope.peak()
            && ratio > UNIT / UNIT_SLACK
            && ratio < UNIT * UNIT_SLACK
            && seen.raw() > BUSY_SHARE * UNIT * slope.peak()
    }

    fn settle(&mut self, seen: Seen) {
        self.load.settle(seen.load);
        if let Some(mean) = seen.mean {
            self.mean.settle(mean);
        }
    }

    fn believe(&mut self, seen: Seen, pace: Pace, is_gap: bool) {
        if is_gap {
            self.settle(seen);
        }
        self.load.believe(seen.load, pace);
        if let Some(mean) = seen.mean {
            self.mean.believe(mean, pace);
        }
    }
}
