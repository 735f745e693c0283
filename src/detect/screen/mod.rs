//! Which readings of a metric may move replicas.
//!
//! In: a metric's readings, one an observation. Out: the reading to act upon, and what is wrong with the
//! one that came: a rise or a fall beyond all that was usual, a zero beside a busy past, a number that
//! stands still, another unit, a replica far off its siblings. What is usual is learnt from the metric
//! itself, in a few numbers. Knows no policy; a forecast is handed in.
//!
//! A rise is held for one observation at most: the next one that confirms it passes in full. A fall is
//! held until it is over or has lasted long enough to be true, as to take away what serves costs more.
//!
//! # Why not the score of a detector?
//!
//! A detector asks whether something is going on, and a true surge is the best of alarms. Here it is the
//! other way round: a surge must pass, and one broken sample be seen at once, before a second is there.

mod config;
mod judge;
mod replicas;
mod slope;
mod stuck;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::judge::{Finding, Judge, Seen};
use self::replicas::Apart;
use crate::Error;
use crate::explain::{Reason, codes};
use crate::series::{MetricKind, Reading, ReplicaReading, total_load};
use crate::time::{Duration, Timestamp};
pub use config::{Config, Config as ScreenConfig, Treatment};

/// The side of a move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Rise,
    Fall,
}

/// Screens the readings of one metric.
///
/// ```
/// use forescale::detect::{Screen, ScreenConfig};
/// use forescale::series::MetricKind;
/// use forescale::{Reading, Timestamp};
///
/// let mut screen = Screen::new(ScreenConfig::default(), MetricKind::Total)?;
/// let mut see = |minute: i64, load: f64| {
///     let at = Timestamp::from_secs(60 * minute);
///     screen.see(at, &Reading::Number(load), 7, || None).map(|found| found.reason.code())
/// };
/// for minute in 0..60 {
///     assert_eq!(see(minute, 900.0 + (minute * 37 % 100) as f64), None);
/// }
/// assert_eq!(see(60, 9_400.0), Some("implausible_rise")); // a glitch, or a burst: one more is needed
/// assert_eq!(see(61, 920.0), None);
/// assert_eq!(see(62, 9_400.0), Some("implausible_rise"));
/// assert_eq!(see(63, 9_600.0), None); // a burst
/// assert_eq!(see(64, 0.0), Some("zero_beside_load"));
/// # Ok::<(), forescale::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Screen {
    settings: Config,
    kind: MetricKind,
    state: State,
    /// Scratch.
    sorted: Vec<f64>,
    believed: Reading,
}

/// What a screen found.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// What is wrong with the reading, and what is done about it.
    pub reason: Reason,
    /// The reading to act upon; none if that is the one that came.
    pub reading: Option<&'a Reading>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    judge: Judge,
    apart: Apart,
    /// Since when there has been no good reading.
    bad_since: Option<Timestamp>,
}

impl Screen {
    /// From settings, for a metric of a kind.
    ///
    /// # Errors
    /// If a setting is out of its range.
    pub fn new(settings: Config, kind: MetricKind) -> Result<Self, Error> {
        settings.check()?;
        let (state, sorted, believed) = (State::default(), Vec::new(), Reading::Missing);
        Ok(Self { settings, kind, state, sorted, believed })
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &Config {
        &self.settings
    }

    /// Screens a reading at `ready` replicas; none if nothing is wrong with it. `forecast` tells the
    /// total load that is expected now, where a forecast is believed; it is asked only if needed.
    ///
    /// Without a ready replica nothing is found: whoever is at zero must wake up at once.
    pub fn see(
        &mut self,
        at: Timestamp,
        reading: &Reading,
        ready: u32,
        forecast: impl FnOnce() -> Option<f64>,
    ) -> Option<Found<'_>> {
        if !self.settings.enabled || matches!(reading, Reading::Missing) {
            return None;
        }
        let may_find = ready > 0;
        let odd = match reading {
            Reading::PerReplica(replicas) => self.screen_replicas(replicas, may_find),
            _ => None,
        };
        let judged = if odd.is_some() { &self.believed } else { reading };
        let seen = self.seen(judged, ready);
        let (treatment, bound, reason) = match seen {
            Ok(None) => return self.found(odd, odd.is_some()),
            Err(reason) => {
                let is_known = may_find && self.state.judge.is_known(&self.settings);
                if !is_known {
                    return self.found(odd, odd.is_some());
                }
                (self.settings.invalid, None, reason)
            }
            Ok(Some(seen)) => match self.state.judge.judge(at, seen, &self.settings, may_find) {
                None => {
                    self.state.bad_since = None;
                    return self.found(odd, odd.is_some());
                }
                Some(finding) => self.told(finding, seen),
            },
        };
        if treatment == Treatment::Pass {
            return self.found(Some(reason), odd.is_some());
        }
        let reason = self.treat(at, reason, treatment, bound, forecast);
        self.found(Some(reason), true)
    }

    fn found(&self, reason: Option<Reason>, is_replaced: bool) -> Option<Found<'_>> {
        Some(Found { reason: reason?, reading: is_replaced.then_some(&self.believed) })
    }

    /// Learns from history of the total load; nothing is found in it.
    pub fn warm_up(&mut self, at: Timestamp, load: Option<f64>) {
        // Of a mean nothing is known where only the load is.
        if self.settings.enabled
            && self.kind == MetricKind::Total
            && let Some(load) = load.filter(|load| load.is_finite() && *load >= 0.0)
        {
            self.state.judge.judge(at, Seen { load, mean: None }, &self.settings, false);
        }
    }

    /// Goes on from a clock that was set back.
    pub fn rebase(&mut self, at: Timestamp) {
        self.state.judge.rebase(at);
        self.state.bad_since = self.state.bad_since.map(|_| at);
    }

    /// The state as a JSON value, for a snapshot.
    ///
    /// # Errors
    /// If it cannot be written as JSON.
    pub fn save(&self) -> Result<Value, Error> {
        serde_json::to_value(&self.state)
            .map_err(|error| Error::snapshot(format!("cannot be written: {error}")))
    }

    /// Takes over what [`save`](Self::save) wrote.
    ///
    /// # Errors
    /// If `saved` is damaged; this one is then unchanged.
    pub fn load(&mut self, saved: Value) -> Result<(), Error> {
        let state: State = serde_json::from_value(saved)
            .map_err(|error| Error::snapshot(format!("holds a screen that is damaged: {error}")))?;
        if !(state.judge.is_sound() && state.apart.is_sound()) {
            return Err(Error::snapshot("holds a screen of numbers that are none"));
        }
        self.state = state;
        Ok(())
    }

    /// Brings replicas that are far off to a plausible value; those whose value is no number are left
    /// out. What is found then stands in `believed`.
    fn screen_replicas(&mut self, replicas: &[ReplicaReading], may_find: bool) -> Option<Reason> {
        if !matches!(self.believed, Reading::PerReplica(_)) {
            self.believed = Reading::PerReplica(Vec::new());
        }
        let Reading::PerReplica(kept) = &mut self.believed else { return None };
        kept.clear();
        kept.extend_from_slice(replicas);
        let is_number = |number: f64| number.is_finite() && number >= 0.0;
        let mut n_invalid = 0_u32;
        for replica in kept.iter_mut() {
            if replica.value.is_some_and(|value| !is_number(value)) {
                replica.value = None;
                n_invalid += 1;
            }
        }
        let n_known = kept.iter().filter(|replica| replica.value.is_some()).count();
        let forget = 1.0 / 1_500.0;
        let State { apart, .. } = &mut self.state;
        let odd = apart.screen(kept, &mut self.sorted, forget, &self.settings);
        let invalid = n_invalid > 0 && n_known > 0 && self.settings.invalid != Treatment::Pass;
        if !may_find || !(odd.is_some() || invalid) {
            return None;
        }
        Some(match odd {
            Some(odd) => Reason::new(
                codes::REPLICA_OUTLIER,
                [
                    ("n_replicas", f64::from(odd.n_odd)),
                    ("measured", odd.measured),
                    ("median", odd.median),
                ],
            ),
            None => Reason::new(codes::REPLICA_INVALID, [("n_replicas", f64::from(n_invalid))]),
        })
    }

    /// The reading as numbers; none where it says nothing.
    fn seen(&self, reading: &Reading, ready: u32) -> Result<Option<Seen>, Reason> {
        let usage = reading.usage(self.kind)?;
        let Ok(load) = total_load(usage, self.kind, ready) else { return Ok(None) };
        let is_mean = self.kind != MetricKind::Total && ready > 0;
        Ok(Some(Seen { load, mean: is_mean.then(|| load / f64::from(ready)) }))
    }

    /// What is done with a finding, the plausible value, and the reason.
    fn told(&self, finding: Finding, seen: Seen) -> (Treatment, Option<f64>, Reason) {
        let Config { rise, fall, zero, unit, stuck, .. } = self.settings;
        let measured = seen.mean.unwrap_or(seen.load);
        let wait = |left: Duration| ("wait_seconds", left.as_secs_f64());
        let moved = |code, usual, bound| {
            Reason::new(code, [("measured", measured), ("usual", usual), ("bound", bound)])
        };
        match finding {
            Finding::Rise { usual, bound } => {
                (rise, Some(bound), moved(codes::IMPLAUSIBLE_RISE, usual, bound))
            }
            Finding::Fall { usual, bound, left } => {
                let (name, seconds) = wait(left);
                let reason = moved(codes::IMPLAUSIBLE_FALL, usual, bound).with(name, seconds);
                (fall, Some(bound), reason)
            }
            Finding::Zero { usual, bound, left } => {
                let facts = [("usual", usual), wait(left)];
                (zero, Some(bound), Reason::new(codes::ZERO_BESIDE_LOAD, facts))
            }
            Finding::Unit { usual, bound, left } => {
                let (name, seconds) = wait(left);
                let reason = moved(codes::OTHER_UNIT, usual, bound).with(name, seconds);
                (unit, Some(bound), reason)
            }
            Finding::Stuck { repeats, most, left } => {
                let facts = [
                    ("measured", measured),
                    ("n_repeats", f64::from(repeats)),
                    ("most_repeats", f64::from(most)),
                    wait(left),
                ];
                (stuck, None, Reason::new(codes::STUCK_VALUE, facts))
            }
        }
    }

    /// Puts what stands for the reading into `believed`, and completes the reason by it.
    fn treat(
        &mut self,
        at: Timestamp,
        reason: Reason,
        treatment: Treatment,
        bound: Option<f64>,
        forecast: impl FnOnce() -> Option<f64>,
    ) -> Reason {
        let since = *self.state.bad_since.get_or_insert(at);
        self.believed = match (treatment, bound) {
            (Treatment::Cap, Some(bound)) if self.kind == MetricKind::Total => {
                Reading::Total { total: bound }
            }
            (Treatment::Cap, Some(bound)) => Reading::Average { average: bound },
            (Treatment::Substitute, _) if at.since(since) <= self.settings.substitute_for => {
                // The last good value of a number that stands still is that number.
                let last = || {
                    (reason.code() != codes::STUCK_VALUE.name())
                        .then(|| self.state.judge.last_load())
                };
                match forecast().or_else(last) {
                    Some(total) => Reading::Total { total },
                    None => Reading::Missing,
                }
            }
            _ => Reading::Missing,
        };
        match self.believed {
            Reading::Total { total: stand_in } | Reading::Average { average: stand_in } => {
                reason.with("stand_in", stand_in)
            }
            _ => reason,
        }
    }
}
