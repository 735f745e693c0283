//! Figures of merit of one replay.
//!
//! In: what happened, tick by tick. Out: a [`Score`]. Knows no policy.

use serde::Serialize;

use super::plant::Tick;
use super::settings::Settings;

/// How good a replay was: what it cost, how slow it was, how restless.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Score {
    /// Minutes of the clock in which some load was served late or dropped: it counts when it is
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
    /// How often the size asked for changed from one interval to the next.
    pub actions: u32,
    /// How many of them went the other way than the one before.
    pub reversals: u32,
    /// The elasticity metrics of SPEC.
    pub elasticity: Elasticity,
}

/// Elasticity as the SPEC research group measures it (Herbst et al. 2016, "Ready for Rain? A View
/// from SPEC Research on the Future of Cloud Metrics"): demand in replicas (the fewest that carry
/// the mean load of an interval without waiting) against supply (those ready when it begins). All are
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
    load_per_replica: f64,
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
}

/// What the next tick is compared with.
#[derive(Clone, Copy, Debug)]
struct Last {
    requested: u32,
    demand: f64,
    supply: f64,
}

/// Load smaller than this share of what came in a tick, or of what one replica could have carried in
/// it, is rounding, not a violation.
const ROUNDING: f64 = 1e-9;

impl Scorer {
    pub(super) fn new(settings: &Settings, load_per_replica: f64) -> Self {
        Self {
            load_per_replica,
            seconds: settings.interval.as_secs_f64(),
            n_ticks: 0,
            score: Score::default(),
            came: 0.0,
            dropped: 0.0,
            late: 0.0,
            violated: None,
            last: None,
            direction: 0,
        }
    }

    pub(super) fn add(&mut self, tick: &Tick) {
        self.n_ticks += 1;
        self.came += tick.came;
        self.late += tick.late;
        self.dropped += tick.dropped;
        self.score.replica_hours += tick.paid / 3600.0;
        let minute = tick.at.as_millis().div_euclid(60_000);
        let rounding = ROUNDING * tick.came.max(self.load_per_replica * self.seconds);
        if tick.late + tick.dropped > rounding && self.violated != Some(minute) {
            self.violated = Some(minute);
            self.score.violation_minutes += (self.seconds / 60.0).max(1.0);
        }
        // The fewest replicas that carry the load; a hair above a whole number is rounding.
        let demand = (tick.load / self.load_per_replica - ROUNDING).ceil().max(0.0);
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

    pub(super) fn score(&self) -> Score {
        let n_ticks = (self.n_ticks as f64).max(1.0);
        let load = self.came.max(f64::MIN_POSITIVE);
        let sums = self.score.elasticity;
        Score {
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
            paid: f64::from(ready) * 15.0,
        }
    }

    #[test]
    fn figures_are_those_worked_out_by_hand() {
        let mut scorer = Scorer::new(&Settings::default(), 10.0);
        // Demand 2, 4, 4, 1; supply 2, 2, 4, 2.
        for (second, load, ready, late) in
            [(30, 20.0, 2, 0.0), (45, 40.0, 2, 1.0), (60, 40.0, 4, 1.0), (75, 10.0, 2, 1.0)]
        {
            scorer.add(&tick(second, load, ready, late));
        }
        let score = scorer.score();
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

    /// What rounding left in the queue gives up while nothing comes and nothing is ready.
    #[test]
    fn a_crumb_of_load_is_no_violation() {
        let mut scorer = Scorer::new(&Settings::default(), 10.0);
        scorer.add(&tick(0, 0.0, 0, 1e-12));
        assert_eq!(scorer.score().violation_minutes, 0.0);
    }
}
