//! Figures of merit of one replay.
//!
//! In: what happened, tick by tick. Out: a [`Score`]. Knows no policy.

use serde::Serialize;

use super::plant::Tick;
use super::settings::Settings;

/// How good a replay was: what it cost, how slow it was, how restless.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Score {
    /// Minutes of the clock in which some load was served late or dropped, of
    /// [`Servers`](super::Servers) more of it than their objective leaves: it counts when it is
    /// served or gives up, not when it came, and what still waits at the end counts nowhere. An
    /// interval lies in the minute in which it begins; one above a minute counts in full.
    pub violation_minutes: f64,
    /// Minutes that were scored.
    pub minutes: f64,
    /// Share of the load that was dropped, 0 to 1. What still waits at the end is neither dropped
    /// nor late.
    pub dropped_share: f64,
    /// Share of the load that was served late, 0 to 1.
    pub late_share: f64,
    /// Replica-hours paid: starting, ready and stopping replicas.
    pub replica_hours: f64,
    /// What that cost in money, by the settings' [`Price`](super::Price); `None` without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<f64>,
    /// How long it took to get out of a violation.
    pub recovery: Recovery,
    /// How often the size asked for changed from one interval to the next.
    pub actions: u32,
    /// How many of them went the other way than the one before.
    pub reversals: u32,
    /// The elasticity metrics of SPEC.
    pub elasticity: Elasticity,
}

/// How long stretches of violation last: from the beginning of the first interval in violation to the
/// end of the last one before a minute without any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Recovery {
    /// How many stretches there were.
    pub n_stretches: u32,
    /// Minutes of the middle one by length, of two middle ones the longer; 0 without any.
    pub median_minutes: f64,
    /// Minutes of the longest one; 0 without any.
    pub longest_minutes: f64,
}

/// Elasticity as the SPEC research group measures it (Herbst et al. 2016, "Ready for Rain? A View
/// from SPEC Research on the Future of Cloud Metrics"): demand in replicas (the fewest that carry
/// the mean load of an interval without a violation) against supply (those ready when it begins). All are
/// shares, from 0 (best); 0.1 is 10 % there. Where nothing is demanded, the accuracy is a share of 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Elasticity {
    /// Replicas missing, as a share of the demand, averaged over time (accuracy, normalized).
    pub under_accuracy: f64,
    /// Replicas too many, as a share of the demand, averaged over time; 1 and more is possible.
    pub over_accuracy: f64,
    /// Share of the time with too few replicas.
    pub under_time: f64,
    /// Share of the time with too many replicas.
    pub over_time: f64,
    /// Share of the time in which supply and demand do not change in the same direction.
    pub instability: f64,
}

impl Score {
    /// The violation minutes as a share of the minutes scored, 0 to 1.
    #[must_use]
    pub fn violation_share(&self) -> f64 {
        // The first and the last minute of the clock may be scored in part, but count in full.
        (self.violation_minutes / self.minutes.max(f64::MIN_POSITIVE)).min(1.0)
    }
}

/// Sums up ticks into a [`Score`].
#[derive(Clone, Debug)]
pub(super) struct Scorer {
    seconds: f64,
    n_ticks: u64,
    score: Score,
    came: f64,
    dropped: f64,
    late: f64,
    /// The minute of the clock that was counted last.
    violated: Option<i64>,
    last: Option<Last>,
    /// The direction of the last action.
    direction: i8,
    /// Beginning and end of each stretch in violation, in seconds since the epoch.
    stretches: Vec<(f64, f64)>,
}

/// What the next tick is compared with.
#[derive(Clone, Copy, Debug)]
struct Last {
    requested: u32,
    demand: f64,
    supply: f64,
}

impl Scorer {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            seconds: settings.interval.as_secs_f64(),
            n_ticks: 0,
            score: Score::default(),
            came: 0.0,
            dropped: 0.0,
            late: 0.0,
            violated: None,
            last: None,
            direction: 0,
            stretches: Vec::new(),
        }
    }

    /// Adds a tick; `need` is how many replicas would have carried its load without a violation.
    pub(super) fn add(&mut self, tick: &Tick, need: u32) {
        self.n_ticks += 1;
        self.came += tick.came;
        self.late += tick.late;
        self.dropped += tick.dropped;
        self.score.replica_hours += tick.paid / 3600.0;
        let minute = tick.at.as_millis().div_euclid(60_000);
        if tick.violated && self.violated != Some(minute) {
            self.violated = Some(minute);
            self.score.violation_minutes += (self.seconds / 60.0).max(1.0);
        }
        if tick.violated {
            let from = tick.at.as_millis() as f64 / 1000.0;
            match self.stretches.last_mut() {
                Some((_, end)) if from < *end + 60.0 => *end = from + self.seconds,
                _ => self.stretches.push((from, from + self.seconds)),
            }
        }
        let demand = f64::from(need);
        let supply = f64::from(tick.ready);
        let elasticity = &mut self.score.elasticity;
        let share = (supply - demand) / demand.max(1.0);
        elasticity.under_accuracy += (-share).max(0.0);
        elasticity.over_accuracy += share.max(0.0);
        elasticity.under_time += f64::from(u8::from(supply < demand));
        elasticity.over_time += f64::from(u8::from(supply > demand));
        if let Some(last) = self.last {
            let sign = |change: f64| if change == 0.0 { 0.0 } else { change.signum() };
            if sign(supply - last.supply) != sign(demand - last.demand) {
                elasticity.instability += 1.0;
            }
            if tick.requested != last.requested {
                let direction = if tick.requested > last.requested { 1 } else { -1 };
                self.score.actions += 1;
                self.score.reversals += u32::from(direction == -self.direction);
                self.direction = direction;
            }
        }
        self.last = Some(Last { requested: tick.requested, demand, supply });
    }

    /// Violation minutes and replica-hours so far.
    pub(super) fn sums(&self) -> (f64, f64) {
        (self.score.violation_minutes, self.score.replica_hours)
    }

    /// The score so far, with what it cost.
    pub(super) fn score(&self, cost: Option<f64>) -> Score {
        let n_ticks = (self.n_ticks as f64).max(1.0);
        let load = self.came.max(f64::MIN_POSITIVE);
        let sums = self.score.elasticity;
        let mut stretches: Vec<_> = self.stretches.iter().map(|(from, to)| to - from).collect();
        stretches.sort_by(f64::total_cmp);
        let minutes = |length: Option<&f64>| length.map_or(0.0, |seconds| seconds / 60.0);
        Score {
            cost,
            recovery: Recovery {
                n_stretches: u32::try_from(stretches.len()).unwrap_or(u32::MAX),
                median_minutes: minutes(stretches.get(stretches.len() / 2)),
                longest_minutes: minutes(stretches.last()),
            },
            minutes: self.n_ticks as f64 * self.seconds / 60.0,
            dropped_share: self.dropped / load,
            late_share: self.late / load,
            elasticity: Elasticity {
                under_accuracy: sums.under_accuracy / n_ticks,
                over_accuracy: sums.over_accuracy / n_ticks,
                under_time: sums.under_time / n_ticks,
                over_time: sums.over_time / n_ticks,
                // The first tick has none before it to differ from.
                instability: sums.instability / (n_ticks - 1.0).max(1.0),
            },
            ..self.score
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    fn tick(second: i64, load: f64, ready: u32, late: f64) -> Tick {
        Tick {
            at: Timestamp::from_secs(second),
            load,
            capacity: f64::from(ready) * 10.0,
            ready,
            requested: ready,
            waiting: 0.0,
            came: load * 15.0,
            late,
            dropped: 0.0,
            violated: late > 0.0,
            paid: f64::from(ready) * 15.0,
        }
    }

    #[test]
    fn figures_are_those_worked_out_by_hand() {
        let mut scorer = Scorer::new(&Settings::default());
        // Demand 2, 4, 4, 1; supply 2, 2, 4, 2.
        for (second, load, ready, late) in
            [(30, 20.0, 2, 0.0), (45, 40.0, 2, 1.0), (60, 40.0, 4, 1.0), (75, 10.0, 2, 1.0)]
        {
            scorer.add(&tick(second, load, ready, late), (load / 10.0) as u32);
        }
        let score = scorer.score(None);
        // The late ones lie in the minutes 0 and 1.
        assert_eq!((score.violation_minutes, score.minutes), (2.0, 1.0));
        assert_eq!(score.violation_share(), 1.0);
        assert_eq!((score.actions, score.reversals), (2, 1));
        assert!((score.late_share - 3.0 / (110.0 * 15.0)).abs() < 1e-12);
        assert!((score.replica_hours - 10.0 * 15.0 / 3600.0).abs() < 1e-12);
        let elasticity = score.elasticity;
        assert_eq!(elasticity.under_accuracy, (2.0 / 4.0) / 4.0);
        assert_eq!(elasticity.over_accuracy, 1.0 / 4.0);
        assert_eq!((elasticity.under_time, elasticity.over_time), (0.25, 0.25));
        // Up against still, still against up, down with down.
        assert_eq!(elasticity.instability, 2.0 / 3.0);
    }

    #[test]
    fn a_stretch_ends_with_a_minute_without_violation() {
        let mut scorer = Scorer::new(&Settings::default());
        // 15 to 75, with less than a minute's peace in it; 135 to 150; 300 to 345.
        for second in (0..600).step_by(15) {
            let is_late = [15, 60, 135, 300, 315, 330].contains(&second);
            scorer.add(&tick(second, 10.0, 1, f64::from(u8::from(is_late))), 1);
        }
        let recovery = scorer.score(None).recovery;
        let want = Recovery { n_stretches: 3, median_minutes: 0.75, longest_minutes: 1.0 };
        assert_eq!(recovery, want);
        assert_eq!(Scorer::new(&Settings::default()).score(None).recovery, Recovery::default());
    }
}
