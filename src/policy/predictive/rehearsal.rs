//! What each risk would have come to, beside the usual HPA.
//!
//! In: each load, and what each risk would have asked for. Out: the risk that does best against the HPA
//! in both, violations and cost. Knows no forecast, and of a replica only how long it takes to start.
//!
//! Why beside an HPA? No share of violations suits all loads: a calm one is never in violation for a
//! few percent of its cost, one of bursts costs three times its mean before one minute in a hundred is.
//! What a team has is an HPA at 70 %, and what it expects of another autoscaler is fewer violations at
//! no more cost, whatever the load. The loads do not depend on who decides, so all of them are
//! rehearsed on the same ones: experts with full information (Cesa-Bianchi and Lugosi 2006).

use serde::{Deserialize, Deserializer, Serialize};

use crate::series::TimedMax;
use crate::time::{Duration, Timestamp};

/// The risks that are rehearsed; rise.
pub(super) const RISKS: [f64; 12] =
    [0.0003, 0.0007, 0.0015, 0.003, 0.006, 0.012, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8];

/// The accounts of all risks, and that of the HPA.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rehearsal {
    last: Option<Timestamp>,
    risks: [Account; RISKS.len()],
    hpa: Account,
    /// What the HPA has asked for, and the most that it wanted within its window.
    has: f64,
    wanted: TimedMax,
    /// The time that counts, in seconds.
    seconds: f64,
    /// What those who know the load would pay, as [`Account::cost`].
    least: f64,
}

/// One who decides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Account {
    /// The most that was needed within a lead time is what is asked for.
    needed: TimedMax,
    /// The least that was asked for within a lead time is what is ready; negative.
    asked: TimedMax,
    /// Seconds of the usual fleet.
    cost: f64,
    /// Seconds in violation.
    late: f64,
}

impl Account {
    fn new(lead_time: Duration) -> Self {
        let window = || TimedMax::new(lead_time, Rehearsal::GRAIN);
        Self { needed: window(), asked: window(), cost: 0.0, late: 0.0 }
    }

    fn ready(&self) -> Option<f64> {
        self.asked.max().map(|asked| -asked)
    }

    /// Lets a span pass with what is ready, then asks for what is needed.
    fn pass(&mut self, span: &Span, needed: f64) {
        let is_late = self.ready().is_some_and(|ready| span.load > ready);
        self.late = self.late * span.keep + if is_late { span.seconds } else { 0.0 };
        self.needed.record(span.at, needed);
        let asks = self.needed.max().unwrap_or(needed);
        self.asked.record(span.at, -asks);
        self.cost = self.cost * span.keep + span.seconds * asks / span.usual;
    }

    fn follow(&mut self, lead_time: Duration) {
        self.needed.resize(lead_time);
        self.asked.resize(lead_time);
    }

    fn is_whole(&self) -> bool {
        [self.cost, self.late].iter().all(|number| (0.0..=1e30).contains(number))
    }
}

/// From one load to the next.
struct Span {
    at: Timestamp,
    /// In replicas fully used.
    load: f64,
    usual: f64,
    seconds: f64,
    /// How much of what was before still counts.
    keep: f64,
}

impl Rehearsal {
    /// The risk until half a day was rehearsed.
    pub(super) const FIRST: f64 = 0.03;
    /// How much history counts beside what is seen live, with the noise of its readings.
    pub(super) const HISTORY: f64 = 1.0 / 3.0;

    /// Seconds that count, roughly: three days.
    const MEMORY: f64 = 3.0 * 86_400.0;
    const ENOUGH: f64 = 43_200.0;
    const GRAIN: Duration = Duration::from_secs(15);
    /// Beyond it nothing is known of what was between two loads.
    const GAP: f64 = 3600.0;

    /// The Kubernetes HPA as most run it: utilization, tolerance, window for scale-down.
    pub(super) const TARGET: f64 = 0.7;
    const TOLERANCE: f64 = 0.1;
    pub(super) const WINDOW: Duration = Duration::from_secs(300);

    /// The share of time in violation that nobody minds; below it counts little.
    const SPARE: f64 = 0.001;
    /// How much more a violation weighs than a replica.
    const WEIGHT: f64 = 1.5;
    /// The share of the HPA's spare replicas that is spent at most.
    const DEAREST: f64 = 0.85;

    pub(super) fn new(lead_time: Duration) -> Self {
        Self {
            last: None,
            risks: std::array::from_fn(|_| Account::new(lead_time)),
            hpa: Account::new(lead_time),
            has: 0.0,
            wanted: TimedMax::new(Self::WINDOW, Self::GRAIN),
            seconds: 0.0,
            least: 0.0,
        }
    }

    /// Goes on for another lead time.
    pub(super) fn follow(&mut self, lead_time: Duration) {
        self.risks.iter_mut().for_each(|account| account.follow(lead_time));
        self.hpa.follow(lead_time);
    }

    /// Takes the load and what each risk needs, in replicas fully used; `usual` of them carry the usual
    /// load. `counts` is how much it weighs.
    pub(super) fn see(
        &mut self,
        at: Timestamp,
        load: f64,
        needed: &[f64; RISKS.len()],
        usual: f64,
        counts: f64,
    ) {
        let Some(last) = self.last.replace(at) else { return };
        let seconds = if last < at { at.since(last).as_secs_f64() } else { 0.0 };
        if seconds == 0.0 || seconds > Self::GAP {
            return;
        }
        let keep = libm::exp(-seconds / Self::MEMORY);
        let seconds = seconds * counts;
        let span = Span { at, load, usual, seconds, keep };
        self.seconds = self.seconds * keep + seconds;
        self.least = self.least * keep + seconds * (load - 1e-9).ceil().max(0.0) / usual;
        for (account, &needed) in self.risks.iter_mut().zip(needed) {
            account.pass(&span, needed);
        }
        let asks = self.ask_hpa(&span);
        self.hpa.pass(&span, asks);
    }

    fn ask_hpa(&mut self, span: &Span) -> f64 {
        let wish = match self.hpa.ready() {
            // Nothing shows more than full use.
            Some(ready) => {
                let used = span.load.min(ready.max(1.0));
                let strays = (used / (Self::TARGET * ready.max(1.0)) - 1.0).abs();
                if strays <= Self::TOLERANCE { self.has } else { (used / Self::TARGET).ceil() }
            }
            None => (span.load / Self::TARGET).ceil(),
        };
        self.wanted.record(span.at, wish);
        self.has = self.has.max(wish).min(self.wanted.max().unwrap_or(wish)).max(1.0);
        self.has
    }

    /// The risk that leaves as little of the HPA's violations as of its spare replicas; `None` until
    /// enough was rehearsed.
    pub(super) fn risk(&self) -> Option<f64> {
        if self.seconds < Self::ENOUGH {
            return None;
        }
        let spare = Self::SPARE * self.seconds;
        let usual = (self.hpa.cost - self.least).max(1e-9);
        let late = |account: &Account| libm::log((account.late + spare) / (self.hpa.late + spare));
        let dear = |account: &Account| libm::log(((account.cost - self.least) / usual).max(1e-6));
        // The first grows with the risk, the second falls.
        let balance = |account: &Account| late(account) - Self::WEIGHT * dear(account);
        let within = |account: &Account| libm::log(Self::DEAREST) - dear(account);
        Some(self.crossing(balance).max(self.crossing(within)))
    }

    /// The risk at which what grows with it comes to zero, between two of [`RISKS`] by a straight line
    /// over its logarithm.
    fn crossing(&self, grows: impl Fn(&Account) -> f64) -> f64 {
        let mut before: Option<(f64, f64)> = None;
        for (account, risk) in self.risks.iter().zip(RISKS) {
            let (here, value) = (libm::log(risk), grows(account));
            if value >= 0.0 {
                let Some((there, was)) = before else { return risk };
                return libm::exp(there + (here - there) * was / (was - value));
            }
            before = Some((here, value));
        }
        RISKS[RISKS.len() - 1]
    }

    fn is_whole(&self) -> bool {
        let numbers = [self.has, self.seconds, self.least];
        numbers.iter().all(|number| (0.0..=1e30).contains(number))
            && self.risks.iter().all(Account::is_whole)
            && self.hpa.is_whole()
    }
}

/// Reads what a snapshot holds.
pub(super) fn whole<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Rehearsal>, D::Error> {
    let read = Option::<Rehearsal>::deserialize(from)?;
    if read.as_ref().is_some_and(|rehearsal| !rehearsal.is_whole()) {
        return Err(serde::de::Error::custom("the rehearsal is not whole"));
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `calm` never moves, `bursts` triples for ten minutes each two hours without a sign.
    fn rehearsed(bursts: bool) -> Rehearsal {
        let mut rehearsal = Rehearsal::new(Duration::from_secs(120));
        for minute in 0..3 * 1440 {
            let load = if bursts && minute % 120 < 10 { 30.0 } else { 10.0 };
            // A risk of 0.0003 keeps three times the load, one of 0.8 none more than it.
            let share = |index: usize| 2.0 * (1.0 - index as f64 / (RISKS.len() - 1) as f64);
            let needed = std::array::from_fn(|index| (load * (1.0 + share(index))).ceil());
            rehearsal.see(Timestamp::from_secs(60 * minute), load, &needed, 10.0, 1.0);
        }
        rehearsal
    }

    #[test]
    fn until_half_a_day_was_rehearsed_nothing_is_said() {
        assert_eq!(Rehearsal::new(Duration::from_secs(120)).risk(), None);
    }

    #[test]
    fn a_calm_load_takes_no_more_than_a_share_of_what_the_hpa_spares() {
        let rehearsal = rehearsed(false);
        let risk = rehearsal.risk().expect("three days");
        // The HPA has 15 replicas for 10; the share is that between two risks.
        let spare = 2.0 * (1.0 - (libm::log(risk / RISKS[0]) / libm::log(RISKS[11] / RISKS[0])));
        assert!((0.2..=0.5).contains(&spare), "{spare} at {risk}");
    }

    #[test]
    fn before_bursts_it_has_both_fewer_violations_and_less_cost_than_the_hpa() {
        let rehearsal = rehearsed(true);
        let chosen = RISKS.partition_point(|&risk| Some(risk) < rehearsal.risk());
        let own = &rehearsal.risks[chosen];
        assert!(rehearsal.hpa.late > 60.0 * 30.0);
        assert!(own.late < rehearsal.hpa.late, "{} {}", own.late, rehearsal.hpa.late);
        assert!(own.cost < rehearsal.hpa.cost, "{} {}", own.cost, rehearsal.hpa.cost);
    }

    #[test]
    fn a_time_that_does_not_pass_and_a_gap_change_no_account() {
        let mut rehearsal = rehearsed(true);
        let before = (rehearsal.seconds, rehearsal.hpa.clone());
        let last = rehearsal.last.expect("it has seen");
        for at in [last, last + Duration::from_secs(7200), Timestamp::from_secs(0)] {
            rehearsal.see(at, 5.0, &[5.0; RISKS.len()], 10.0, 1.0);
        }
        assert_eq!((rehearsal.seconds, rehearsal.hpa.clone()), before);
    }

    #[test]
    fn a_damaged_one_is_refused() {
        let mut saved = serde_json::to_value(rehearsed(true)).expect("plain numbers");
        assert!(whole(saved.clone()).is_ok());
        saved["seconds"] = (-1.0).into();
        assert!(whole(saved).unwrap_err().to_string().contains("not whole"));
    }
}
