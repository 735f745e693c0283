//! What a container's readings change in its workload's histograms.
//!
//! In: readings of one running container, and its running out of memory, with times. Out: edits of
//! the histograms, or the reason to refuse. Knows no histogram; the rules are those of the VPA.

use serde::{Deserialize, Serialize};

use super::amount::amount;
use crate::explain::{Reason, codes};
use crate::time::{Duration, Timestamp};

/// A resource that a container requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// Its histogram counts in cores.
    Cpu,
    /// Its histogram counts in bytes.
    Memory,
}

/// One change of a histogram.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Edit {
    /// Whose histogram.
    pub resource: Resource,
    /// Whether the sample is taken away, not added.
    pub subtract: bool,
    /// In cores or bytes.
    pub value: f64,
    /// How much it counts.
    pub weight: f64,
    /// The time it counts for: of memory the end of its interval.
    pub at: Timestamp,
}

/// How samples are taken in, the same for all containers of a workload.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rules {
    /// Of memory only the peak of each such interval counts; above zero.
    pub interval: Duration,
    /// Running out of memory counts as this many times what was used.
    pub oom_bump_ratio: f64,
    /// Running out of memory counts as so many bytes more than used, at least.
    pub oom_min_bump: f64,
}

/// One running container: what of its readings was taken in so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Container {
    last_cpu: Option<Timestamp>,
    last_memory: Option<Timestamp>,
    window_end: Option<Timestamp>,
    peak: f64,
    oom_peak: f64,
}

impl Container {
    /// Takes a reading of the CPU in millicores, which counts with `weight`; `edit` hears of the
    /// change.
    ///
    /// # Errors
    /// `metric_invalid` if it is negative or no finite number, `time_stood_still` or
    /// `time_went_back` if it is not after the one before.
    pub fn cpu(
        &mut self,
        at: Timestamp,
        millicores: f64,
        weight: f64,
        mut edit: impl FnMut(Edit),
    ) -> Result<(), Reason> {
        check_value(millicores)?;
        if self.last_cpu == Some(at) {
            return Err(Reason::new(codes::TIME_STOOD_STILL, []));
        }
        check_order(self.last_cpu, at)?;
        self.last_cpu = Some(at);
        let value = millicores / 1000.0;
        edit(Edit { resource: Resource::Cpu, subtract: false, value, weight, at });
        Ok(())
    }

    /// Takes a reading of the memory in bytes. Only the peak of its interval goes into the
    /// histogram, stamped with the interval's end: a higher one replaces the one before.
    ///
    /// As in the VPA a peak of 0 is not replaced within its interval.
    ///
    /// # Errors
    /// `metric_invalid` if it is negative or no finite number, `time_went_back` if it is before the
    /// last one; at the same time is fine.
    pub fn memory(
        &mut self,
        rules: &Rules,
        at: Timestamp,
        bytes: f64,
        edit: impl FnMut(Edit),
    ) -> Result<(), Reason> {
        check_value(bytes)?;
        check_order(self.last_memory, at)?;
        self.take(rules, at, bytes, false, edit);
        Ok(())
    }

    /// Takes in that the container ran out of memory with `requested` bytes: as a peak above what it
    /// requested and what it used in this interval.
    ///
    /// # Errors
    /// `metric_invalid` if `requested` is no finite number, `out_of_memory_too_old` if it was more
    /// than an interval before the last reading of the memory.
    pub fn out_of_memory(
        &mut self,
        rules: &Rules,
        at: Timestamp,
        requested: f64,
        edit: impl FnMut(Edit),
    ) -> Result<(), Reason> {
        if !requested.is_finite() {
            return Err(Reason::new(codes::METRIC_INVALID, []));
        }
        let late = self.last_memory.map_or(Duration::ZERO, |last| last.since(at));
        if late > rules.interval {
            let facts = [
                ("late_seconds", late.as_secs_f64()),
                ("most_seconds", rules.interval.as_secs_f64()),
            ];
            return Err(Reason::new(codes::OUT_OF_MEMORY_TOO_OLD, facts));
        }
        // Not the peak of an earlier event, so that a series of them does not compound.
        let used = requested.max(self.peak);
        let bumped = used + amount(rules.oom_min_bump) as f64;
        let needed = bumped.max(amount(used * rules.oom_bump_ratio) as f64);
        self.take(rules, at, needed, true, edit);
        Ok(())
    }

    /// The peak of the interval that is still open at `now`, and the interval's end.
    #[must_use]
    pub fn open_peak(&self, now: Timestamp) -> Option<(f64, Timestamp)> {
        let end = self.window_end.filter(|&end| now < end)?;
        Some((self.peak.max(self.oom_peak), end))
    }

    /// The time of the latest reading.
    #[must_use]
    pub fn last(&self) -> Option<Timestamp> {
        self.last_cpu.max(self.last_memory)
    }

    /// Whether what a snapshot holds can have come from readings.
    pub(super) fn is_sound(&self) -> bool {
        check_value(self.peak).is_ok() && check_value(self.oom_peak).is_ok()
    }

    fn take(
        &mut self,
        rules: &Rules,
        at: Timestamp,
        bytes: f64,
        is_oom: bool,
        mut edit: impl FnMut(Edit),
    ) {
        self.last_memory = Some(at);
        let mut end = self.window_end.unwrap_or(at);
        let mut say = |subtract, value, at| {
            edit(Edit { resource: Resource::Memory, subtract, value, weight: 1.0, at });
        };
        if at < end {
            let before = self.peak.max(self.oom_peak);
            if before == 0.0 || bytes <= before {
                return;
            }
            say(true, before, end);
        } else {
            let length = rules.interval.as_millis().max(1);
            let intervals = at.since(end).as_millis() / length;
            end = end + rules.interval.times(intervals.saturating_add(1));
            (self.window_end, self.peak, self.oom_peak) = (Some(end), 0.0, 0.0);
        }
        say(false, bytes, end);
        *(if is_oom { &mut self.oom_peak } else { &mut self.peak }) = bytes;
    }
}

fn check_value(value: f64) -> Result<(), Reason> {
    let is_valid = value.is_finite() && value >= 0.0;
    if is_valid { Ok(()) } else { Err(Reason::new(codes::METRIC_INVALID, [])) }
}

fn check_order(last: Option<Timestamp>, at: Timestamp) -> Result<(), Reason> {
    match last.filter(|&last| at < last) {
        None => Ok(()),
        Some(last) => {
            let back = last.since(at).as_secs_f64();
            Err(Reason::new(codes::TIME_WENT_BACK, [("back_seconds", back)]))
        }
    }
}

/// Whether what was learnt is too old to size by: so many intervals after the last sample, or
/// after `created` if there is none.
///
/// ```
/// use forescale::size::samples::is_expired;
/// use forescale::{Duration, Timestamp};
///
/// let [start, day] = [Timestamp::default(), Timestamp::from_secs(86_400)];
/// let expired = |last, n| is_expired(start, last, day, Duration::from_secs(43_200), n);
/// assert!(expired(None, 2));
/// assert!(!expired(None, 3));
/// assert!(!expired(Some(day), 2));
/// ```
#[must_use]
pub fn is_expired(
    created: Timestamp,
    last: Option<Timestamp>,
    now: Timestamp,
    interval: Duration,
    n_intervals: u32,
) -> bool {
    let silent = now.as_millis().saturating_sub(last.unwrap_or(created).as_millis());
    silent >= interval.times(i64::from(n_intervals)).as_millis()
}
