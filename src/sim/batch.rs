//! Many autoscalers on the same load in lockstep, with their forecasts made once.
//!
//! In: autoscalers, a stage. Out: what each of them cost, span by span. The forecast of a load does
//! not depend on what is decided, and the plant's readings of the load do not either; so those who
//! expect the same of it share one outlook, which learns once a tick for all of them.
//!
//! Why in lockstep, and not a tape of forecasts that is played to one after the other? It needs no
//! memory, it is the live code itself, and whatever a policy may ask of an outlook it can ask here.
//! Whoever would have taught the outlook otherwise (its readings were screened in another way, as it
//! had no replica left) is marked as strayed and is to be replayed alone.

use super::plant::Plant;
use super::replay::Scene;
use super::score::Scorer;
use super::settings::Settings;
use super::trace::Trace;
use crate::forecast::Outlook;
use crate::series::Observation;
use crate::time::Timestamp;
use crate::{Autoscaler, Config, Error};

/// A part of a trace on which whoever decides plays, with the history before it.
#[derive(Clone, Debug)]
pub(crate) struct Stage<'a>(pub(super) Scene<'a>);

impl<'a> Stage<'a> {
    /// Over a part of the trace, on a plant whose replicas carry so much.
    pub(crate) fn new(
        trace: &'a Trace,
        settings: &Settings,
        load_per_replica: f64,
        part: (Timestamp, Timestamp),
    ) -> Result<Self, Error> {
        Scene::over(trace, settings, load_per_replica, part).map(Self)
    }

    /// The plant's settings, with the load per replica filled in.
    pub(crate) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// Refuses what is known of the trace to no end for a configuration.
    pub(crate) fn check_known(&self, config: &Config) -> Result<(), Error> {
        self.0.check_known(&Autoscaler::new(config.clone())?)
    }

    /// A batch of one.
    pub(crate) fn batch(&self, id: usize, config: Config) -> Result<Batch<'_>, Error> {
        let mut scaler = Autoscaler::new(config)?;
        let seen = self.0.observation(&scaler)?;
        self.0.warm_up(&mut scaler)?;
        let mut outlooks = Vec::new();
        scaler.exchange(&mut outlooks);
        let member = self.member(id, scaler, seen);
        Ok(Batch { stage: self, tick: 0, outlooks, members: vec![member] })
    }

    fn member(&self, id: usize, scaler: Autoscaler, seen: Observation) -> Member {
        let Scene { settings, .. } = &self.0;
        Member {
            id,
            plant: self.0.plant(self.0.initial(&scaler)),
            scorer: Scorer::new(settings),
            scaler,
            seen,
            screened: None,
            has_strayed: false,
            n_ticks: 0,
            told: Span::default(),
            spans: Vec::new(),
        }
    }
}

/// What happened in a span of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize)]
pub(crate) struct Span {
    /// Minutes of the clock in violation.
    pub(crate) violation_minutes: f64,
    /// Minutes of it.
    pub(crate) minutes: f64,
    /// Replica-hours paid.
    pub(crate) replica_hours: f64,
}

/// Autoscalers that expect the same of the load.
#[derive(Debug)]
pub(crate) struct Batch<'a> {
    stage: &'a Stage<'a>,
    tick: usize,
    outlooks: Vec<Outlook>,
    members: Vec<Member>,
}

/// One autoscaler and the plant that it scales.
#[derive(Debug)]
struct Member {
    id: usize,
    scaler: Autoscaler,
    plant: Plant,
    scorer: Scorer,
    seen: Observation,
    screened: Option<Observation>,
    has_strayed: bool,
    /// Intervals of the open span.
    n_ticks: usize,
    /// The sums when the open span began.
    told: Span,
    spans: Vec<Span>,
}

impl Batch<'_> {
    /// Adds an autoscaler that expects the same of the load as the first one; at the start only.
    pub(crate) fn join(&mut self, id: usize, config: Config) -> Result<(), Error> {
        debug_assert!(self.tick == 0, "the batch stands at its start");
        let mut scaler = Autoscaler::new(config)?;
        let seen = self.stage.0.observation(&scaler)?;
        // History is forecast once more only for a policy that learns of how that went.
        if !scaler.learns() {
            scaler.exchange(&mut Vec::new());
        }
        self.stage.0.warm_up(&mut scaler)?;
        scaler.exchange(&mut Vec::new());
        self.members.push(self.stage.member(id, scaler, seen));
        Ok(())
    }

    /// A batch that stands where this one does, of the same outlooks and without a member.
    pub(crate) fn fork(&self, of: &Config) -> Result<Self, Error> {
        let mut outlooks = Vec::new();
        Autoscaler::new(of.clone())?.exchange(&mut outlooks);
        for (own, other) in outlooks.iter_mut().zip(&self.outlooks) {
            own.load(other.save()?)?;
        }
        Ok(Self { stage: self.stage, tick: self.tick, outlooks, members: Vec::new() })
    }

    /// Lets so many intervals pass, which are one span, or part of one that `closes` later.
    pub(crate) fn pass(&mut self, n_ticks: usize, closes: bool) {
        let Self { stage, tick, outlooks, members } = self;
        let Scene { loads, needs, .. } = &stage.0;
        let until = (*tick + n_ticks).min(loads.len());
        for (&load, &need) in loads[*tick..until].iter().zip(&needs[*tick..until]) {
            step(outlooks, members, load, need);
        }
        let passed = until - *tick;
        *tick = until;
        let minutes = stage.0.settings.interval.as_secs_f64() / 60.0;
        for member in members {
            member.n_ticks += passed;
            if closes && member.n_ticks > 0 {
                member.close(minutes);
            }
        }
    }

    /// Keeps those of these numbers.
    pub(crate) fn keep(&mut self, stays: impl Fn(usize) -> bool) {
        self.members.retain(|member| stays(member.id));
    }

    /// Whether nobody is left.
    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    /// Each with its spans so far; `None` in their place for who has strayed.
    pub(crate) fn spans(&self) -> impl Iterator<Item = (usize, Option<&[Span]>)> {
        self.members
            .iter()
            .map(|member| (member.id, (!member.has_strayed).then_some(&member.spans[..])))
    }
}

/// One interval of all: what comes, and the fewest replicas that carry it.
fn step(outlooks: &mut Vec<Outlook>, members: &mut [Member], load: f64, need: u32) {
    let mut is_believed = true;
    for member in members.iter_mut() {
        member.plant.observe(&mut member.seen);
        member.scaler.exchange(outlooks);
        match member.scaler.believe(&member.seen) {
            Some(screened) => member.screened = screened,
            None => is_believed = false,
        }
        member.scaler.exchange(outlooks);
    }
    if let (Some((first, others)), true) = (members.split_first_mut(), is_believed) {
        let own = outlooks.iter().map(Outlook::metric);
        for metric in own.chain(outlooks.iter().flat_map(Outlook::upstreams)) {
            let learnt = first.to_learn(metric);
            for other in &mut *others {
                let same = match (other.to_learn(metric), learnt) {
                    (Some(own), Some(learnt)) => own.to_bits() == learnt.to_bits(),
                    (own, learnt) => own == learnt,
                };
                other.has_strayed |= !same;
            }
        }
        first.scaler.exchange(outlooks);
        let believed = first.screened.as_ref().unwrap_or(&first.seen);
        first.scaler.feed(believed, &first.seen);
        first.scaler.exchange(outlooks);
    }
    for member in members.iter_mut() {
        if is_believed {
            member.scaler.exchange(outlooks);
            member.scaler.conclude(&member.seen, member.screened.take());
            member.scaler.exchange(outlooks);
        }
        member.plant.request(member.scaler.decision().replicas);
        member.scorer.add(&member.plant.pass(load), need);
    }
}

impl Member {
    fn to_learn(&self, metric: &str) -> Option<f64> {
        let believed = self.screened.as_ref().unwrap_or(&self.seen);
        self.scaler.load_to_learn(metric, believed, &self.seen)
    }

    fn close(&mut self, minutes_a_tick: f64) {
        let (violation_minutes, replica_hours) = self.scorer.sums();
        let minutes = self.n_ticks as f64 * minutes_a_tick;
        self.spans.push(Span {
            violation_minutes: violation_minutes - self.told.violation_minutes,
            minutes,
            replica_hours: replica_hours - self.told.replica_hours,
        });
        self.told = Span { violation_minutes, minutes, replica_hours };
        self.n_ticks = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::{replay, web_service};

    fn config(rest: &str) -> Config {
        let text = format!(
            r#"{{"max_replicas": 60, "metrics": {{"rps": {{"kind": "total"}}, "cpu": {{"kind": "utilization"}}}},
                "capacity": {{"kind": "fixed", "metric": "rps", "load_per_replica": 100}}, {rest}}}"#
        );
        Config::from_text(&text).unwrap()
    }

    fn by_risk(risk: f64) -> Config {
        config(&format!(
            r#""policies": [{{"kind": "predictive", "metric": "rps", "risk": {risk},
                              "forecaster": {{"kind": "naive"}}}}]"#
        ))
    }

    /// As above for policies that learn of the history, which only the first one's outlook sees.
    #[test]
    fn who_rehearses_does_so_in_a_batch_too() {
        let trace = web_service(4, 7);
        let settings = Settings { scored: "4h".parse().unwrap(), ..Settings::default() };
        let part = settings.scored_part(&trace);
        let stage = Stage::new(&trace, &settings, 100.0, part).unwrap();
        let auto = config(r#""policies": [{"kind": "predictive", "metric": "rps"}]"#);
        let other = config(r#""policies": [{"kind": "predictive", "metric": "rps", "risk": 0.1}]"#);
        let mut batch = stage.batch(0, other).unwrap();
        let mut fork = batch.fork(&auto).unwrap();
        batch.join(1, auto.clone()).unwrap();
        fork.join(1, auto.clone()).unwrap();
        let mut live = Autoscaler::new(auto).unwrap();
        stage.0.warm_up(&mut live).unwrap();
        let state = |scaler: &Autoscaler| {
            serde_json::from_slice::<serde_json::Value>(&scaler.snapshot().unwrap()).unwrap()["policies"].clone()
        };
        assert!(state(&live)[0].to_string().contains("rehearsal"));
        assert_eq!(state(&batch.members[1].scaler), state(&live));
        assert_eq!(state(&fork.members[0].scaler), state(&live));
    }

    /// The whole replay of one, with an outlook of its own, against its place in a batch.
    #[test]
    fn who_shares_an_outlook_decides_to_the_bit_as_alone() {
        let trace = web_service(3, 7);
        let settings = Settings {
            load_per_replica: Some(100.0),
            scored: "10h".parse().unwrap(),
            history: "6h".parse().unwrap(),
            missing: 0.05,
            ..Settings::default()
        };
        let part = settings.scored_part(&trace);
        let stage = Stage::new(&trace, &settings, 100.0, part).unwrap();
        let risks = [0.001, 0.01, 0.1, 0.5];
        let mut batch = stage.batch(0, by_risk(risks[0])).unwrap();
        for (id, &risk) in risks.iter().enumerate().skip(1) {
            batch.join(id, by_risk(risk)).unwrap();
        }
        let n_ticks = stage.0.loads.len();
        batch.pass(500, false);
        batch.pass(n_ticks / 2 - 500, true);
        // The first one leaves: the others go on as they would have.
        let mut alone = batch.spans().map(|(_, spans)| spans.unwrap().to_vec()).collect::<Vec<_>>();
        batch.keep(|id| id != 0);
        batch.pass(n_ticks, true);
        for (id, spans) in batch.spans() {
            alone[id] = spans.expect("nobody strays").to_vec();
        }
        let mut hours = Vec::new();
        for (id, &risk) in risks.iter().enumerate().skip(1) {
            let mut scaler = Autoscaler::new(by_risk(risk)).unwrap();
            let score = replay(&mut scaler, &trace, &settings).unwrap().score;
            let [first, second] = alone[id][..] else { panic!("two spans") };
            let violated = first.violation_minutes + second.violation_minutes;
            assert_eq!(violated, score.violation_minutes, "{risk}");
            let paid = first.replica_hours + second.replica_hours;
            assert!((paid - score.replica_hours).abs() < 1e-9, "{risk}");
            hours.push(score.replica_hours);
        }
        assert!(hours.is_sorted_by(|a, b| a > b), "the risk counts: {hours:?}");
    }

    /// Each decision, with all its steps, is the one that the live code makes.
    #[test]
    fn each_decision_is_the_live_one() {
        let trace = web_service(2, 3);
        let history = "6h".parse().unwrap();
        let settings = Settings { missing: 0.1, noise: 0.1, history, ..Settings::default() };
        let part = (trace.start + trace.step.times(2 * 1440 - 300), trace.end());
        let stage = Stage::new(&trace, &settings, 100.0, part).unwrap();
        let mut batch = stage.batch(0, by_risk(0.3)).unwrap();
        batch.join(1, by_risk(0.002)).unwrap();
        let mut live = Autoscaler::new(by_risk(0.002)).unwrap();
        let mut seen = stage.0.observation(&live).unwrap();
        stage.0.warm_up(&mut live).unwrap();
        let mut plant = stage.0.plant(stage.0.initial(&live));
        for (tick, &load) in stage.0.loads.iter().enumerate() {
            plant.observe(&mut seen);
            let decision = live.decide(&seen).clone();
            plant.request(decision.replicas);
            plant.pass(load);
            batch.pass(1, false);
            assert_eq!(*batch.members[1].scaler.decision(), decision, "tick {tick}");
        }
    }

    /// A forked batch goes on from the same forecasts.
    #[test]
    fn a_fork_expects_the_same() {
        let trace = web_service(2, 3);
        let settings = Settings::default();
        let part = (trace.start + trace.step.times(1440), trace.end());
        let stage = Stage::new(&trace, &settings, 100.0, part).unwrap();
        let mut batch = stage.batch(0, by_risk(0.1)).unwrap();
        let mut fork = batch.fork(&by_risk(0.1)).unwrap();
        fork.join(1, by_risk(0.1)).unwrap();
        batch.pass(2000, true);
        fork.pass(2000, true);
        let spans = |batch: &Batch<'_>| batch.spans().next().unwrap().1.unwrap().to_vec();
        assert_eq!(spans(&batch), spans(&fork));
    }

    /// At zero replicas nothing is screened, so whoever is there learns otherwise.
    #[test]
    fn who_learns_otherwise_is_told_of() {
        let minute = crate::Duration::from_secs(60);
        let mut values = vec![100.0; 1200];
        values[1100..].fill(100_000.0);
        let trace = Trace::new("leap", Timestamp::from_secs(0), minute, values).unwrap();
        let settings = Settings { missing: 0.0, ..Settings::default() };
        let part = (trace.start + minute.times(1000), trace.end());
        let stage = Stage::new(&trace, &settings, 1000.0, part).unwrap();
        let least = |least: u32| {
            config(&format!(
                r#""min_replicas": {least}, "zero": null, "mode": "observe",
                   "policies": [{{"kind": "predictive", "metric": "rps", "risk": 0.1,
                                 "forecaster": {{"kind": "naive"}}}}]"#
            ))
        };
        let mut batch = stage.batch(0, least(1)).unwrap();
        batch.join(1, least(0)).unwrap();
        batch.members[1].plant = stage.0.plant(0);
        batch.pass(800, true);
        let told: Vec<_> = batch.spans().map(|(_, spans)| spans.is_some()).collect();
        assert_eq!(told, [true, false]);
    }
}
