//! Replicas by a risk: what is cheapest at the price that a violation has.
//!
//! In: the reading of now, the distribution of the load to come, the lead time. Out: the replicas that
//! are worth their price at each step until they could be changed again; without a forecast those
//! that carry the load of now with a plain reserve. Where no risk is set, the one that does best in a
//! rehearsal. Knows nothing of how the forecast is made.

use serde::{Deserialize, Serialize};

use super::drain::Drain;
use super::nowcast::Nowcast;
use super::price::Chances;
use super::reach::Reach;
use super::rehearsal::{self, RISKS, Rehearsal};
use super::saturation::Saturation;
use crate::demand::Demand;
use crate::explain::{Reason, codes};
use crate::forecast::{Outlook, Risk};
use crate::policy::{Past, Proposal, View, Want};
use crate::series::{TimedMax, total_load};
use crate::time::{Duration, Timestamp};

/// What is remembered from one reading to the next.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Weigher {
    nowcast: Nowcast,
    #[serde(default)]
    saturation: Saturation,
    #[serde(default)]
    drain: Drain,
    /// Without a forecast: the highest load lately, and until when it counts.
    pub(super) held: Option<(Timestamp, f64)>,
    /// What was worth its price over the last lead time; a replica taken away is missed if it is
    /// needed again before another one could have come.
    #[serde(default)]
    lately: Option<TimedMax>,
    /// What each risk would have come to, where none is set.
    #[serde(default, deserialize_with = "rehearsal::whole")]
    rehearsal: Option<Rehearsal>,
}

/// What no decision changes: what is known of the load, and the risk that is taken.
pub(super) struct Foreseen<'a> {
    /// The load now, and its standard error.
    pub(super) now: Option<(f64, f64)>,
    pub(super) reach: Result<Reach<'a>, Reason>,
    pub(super) risk: f64,
    /// The same where it was rehearsed.
    learnt: Option<f64>,
}

impl Foreseen<'_> {
    /// The load now in parts of what a replica carries, and of it what may still be there when what is
    /// ordered now is ready; `None` where nothing is worked off.
    pub(super) fn parts(&self, full: f64) -> Option<[u32; 2]> {
        let (load, _) = self.now?;
        let stays = self.reach.as_ref().map_or(load, |reach| reach.stays(load));
        Some([Drain::parts(load, full)?, Drain::parts(stays, full)?])
    }
}

/// Replicas, and what needs them.
#[derive(Clone, Copy)]
pub(super) struct Needed {
    pub(super) replicas: f64,
    at: Timestamp,
    /// What the load may be then; `None` where nothing is needed.
    chances: Option<Chances>,
    /// Whether it is the load of now, as it was read, that needs them.
    is_now: bool,
}

/// What the replicas must bear, as far as they are concerned.
#[derive(Clone, Copy)]
pub(super) struct Reserve {
    /// The most that is needed at any step.
    pub(super) kept: Needed,
    /// The most at those for which what is ordered now can be ready.
    pub(super) ordered: Needed,
}

impl Needed {
    /// What is expected then, where it is no load of now that needs them.
    fn expected(&self) -> Option<Chances> {
        self.chances.filter(|_| !self.is_now)
    }

    /// The chance that they are too few.
    fn chance(&self, full: f64) -> f64 {
        self.chances.map_or(0.0, |chances| chances.short(self.replicas * full))
    }

    /// Whether one replica more than is cheapest is nearly worth its price.
    pub(super) fn keeps_one_more(&self, full: f64, price: f64) -> bool {
        let one_more = Self { replicas: self.replicas + 1.0, ..*self };
        1.0 - price * (self.chance(full) - one_more.chance(full)) < Weigher::WORTH_A_MOVE
    }

    fn or_more(&mut self, other: Self) {
        if other.replicas > self.replicas {
            *self = other;
        }
    }
}

impl Reserve {
    /// For each price what is needed within reach.
    pub(super) fn within<const N: usize>(
        reach: &Reach<'_>,
        full: f64,
        prices: [f64; N],
    ) -> [Self; N] {
        let none = Needed { replicas: 0.0, at: reach.begins(), chances: None, is_now: false };
        let mut reserves = [Self { kept: none, ordered: none }; N];
        for step in reach.steps() {
            let cheapest = step.chances.cheapest(full, prices);
            for (reserve, (replicas, _)) in reserves.iter_mut().zip(cheapest) {
                let chances = Some(step.chances);
                let needed = Needed { replicas, at: step.begins, chances, is_now: step.is_now };
                reserve.kept.or_more(needed);
                if step.in_time {
                    reserve.ordered.or_more(needed);
                }
            }
        }
        reserves
    }

    /// The replicas that are kept, and those that are ordered.
    pub(super) fn both(self) -> [f64; 2] {
        [self.kept.replicas, self.ordered.replicas]
    }

    /// Where so many are there: what is needed before more could come keeps them, and orders none. One
    /// replica more than is cheapest stays where it is nearly worth its price.
    fn asks(&self, current: f64, full: f64, price: f64) -> Needed {
        let Self { kept, ordered } = *self;
        let stays = current == kept.replicas + 1.0 && kept.keeps_one_more(full, price);
        if stays || (ordered.replicas < current && current < kept.replicas) {
            return Needed { replicas: current, ..kept };
        }
        if current < kept.replicas { ordered } else { kept }
    }

    /// Why so many.
    fn tell(&self, needed: &Needed, now: Timestamp, full: f64) -> Reason {
        let Self { kept, ordered } = self;
        let full = ("load_per_replica", full);
        if ordered.replicas < needed.replicas && needed.replicas < kept.replicas {
            return Reason::new(codes::TOO_LATE_TO_ORDER, [("needed", kept.replicas), full]);
        }
        if needed.is_now {
            return Reason::new(codes::NEEDED_NOW, [full]);
        }
        let ahead = ("ahead_seconds", needed.at.since(now).as_secs_f64());
        Reason::new(codes::WORTH_ITS_PRICE, [("chance", needed.chance(full.1)), ahead, full])
    }
}

impl Weigher {
    /// Minutes of the usual fleet that a minute in violation costs at a risk of 1, where the load is
    /// as uncertain as it is large. With the root of its unrest the share of time in violation grows
    /// with the root too: between one price for all loads, which would have a calm one never and a
    /// wild one often in violation, and one share for all, whatever it costs.
    const PRICE: f64 = 0.75;

    /// Replicas that must be saved before any is taken away, so that noise moves nothing.
    const WORTH_A_MOVE: f64 = 0.5;

    /// The grain of the last lead time.
    pub(super) const SLOT: Duration = Duration::from_secs(15);

    pub(super) fn propose(
        &mut self,
        view: &View<'_>,
        outlook: &Outlook,
        full: f64,
        risk: Risk,
    ) -> Result<Proposal, Reason> {
        let ready = view.replicas.ready;
        let reading =
            view.usage(outlook.metric()).and_then(|(usage, kind)| total_load(usage, kind, ready));
        let load = reading.ok();
        let foreseen = self.foresee(view.at, view.lead_time, outlook, load, full, risk);
        let parts = foreseen.parts(full);
        let Foreseen { now, reach, risk, learnt } = foreseen;
        let hidden = now.and_then(|now| self.saturation.see(view.at, now, ready, full));
        let piled = parts.and_then(|[parts, then]| {
            let worth = worth(outlook, full, view.lead_time) * haste(risk);
            self.drain.see(view.at, parts, ready);
            self.drain.asks(then, ready, view.lead_time, worth)
        });
        let needed = reach.map(|reach| {
            let price = price(outlook, full, risk);
            let [mut reserve] = Reserve::within(&reach, full, [price]);
            if hidden.is_some() {
                reserve.ordered = reserve.kept;
            }
            (reserve.asks(f64::from(view.replicas.current()), full, price), reserve)
        });
        match (needed, now) {
            (Ok((needed, reserve)), _) => {
                let (mut asked, mut reason) =
                    (needed.replicas, reserve.tell(&needed, view.at, full));
                let load = now.map(|(load, _)| ("load", load));
                let fact = |reason: Reason, fact: Option<(&'static str, f64)>| match fact {
                    Some((name, value)) => reason.with(name, value),
                    None => reason,
                };
                if let Some((replicas, seconds)) = piled.filter(|&(more, _)| more > asked) {
                    asked = replicas;
                    let facts = [("waiting_seconds", seconds), ("load_per_replica", full)];
                    reason = Reason::new(codes::WORKS_OFF, facts);
                }
                if let Some(replicas) = hidden.filter(|&more| more > asked) {
                    asked = replicas;
                    reason = Reason::new(codes::SATURATED, [("load_per_replica", full)]);
                }
                let replicas = self.keep(view.at, view.lead_time, asked);
                let kept = (replicas > asked).then_some(("kept", replicas));
                let risk = learnt.map(|risk| ("risk", risk));
                let reason =
                    [load, kept, risk].into_iter().fold(reason.with("replicas", asked), fact);
                self.held = None;
                let demand = Demand {
                    load: replicas * full,
                    at: needed.at,
                    quantile: needed.expected().map(|_| 1.0 - needed.chance(full)),
                };
                let want = Want::Replicas(replicas as u32);
                Ok(Proposal { want, wish: Some(replicas), demand: Some(demand), reason })
            }
            (Err(_), Some((load, _))) => Ok(self.without_forecast(view.at, load, full)),
            (Err(reason), None) => Err(reading.err().unwrap_or(reason)),
        }
    }

    /// Takes in the reading of now, if there is one.
    pub(super) fn foresee<'a>(
        &mut self,
        at: Timestamp,
        lead_time: Duration,
        outlook: &'a Outlook,
        load: Option<f64>,
        full: f64,
        risk: Risk,
    ) -> Foreseen<'a> {
        if let Some(load) = load {
            self.nowcast.see(at, load);
        }
        let now = self.now(at, outlook);
        let reach = Reach::new(at, lead_time, outlook, now);
        let (risk, learnt) = match risk {
            Risk::Share(share) => (share, None),
            Risk::Auto => {
                if let (Ok(reach), Some((load, _))) = (&reach, now) {
                    let now = Past { at, load, outlook, lead_time, full_load: Some(full) };
                    self.rehearse(&now, reach, 1.0);
                }
                let learnt = self.rehearsal.as_ref().and_then(Rehearsal::risk);
                (learnt.unwrap_or(Rehearsal::FIRST), learnt)
            }
        };
        Foreseen { now, reach, risk, learnt }
    }

    /// Rehearses over a load that was.
    pub(super) fn learn(&mut self, past: &Past<'_>) {
        self.nowcast.see(past.at, past.load);
        let now = self.now(past.at, past.outlook);
        if let Ok(reach) = Reach::new(past.at, past.lead_time, past.outlook, now) {
            self.rehearse(past, &reach, Rehearsal::HISTORY);
        }
    }

    fn rehearse(&mut self, past: &Past<'_>, reach: &Reach<'_>, counts: f64) {
        let Past { at, load, outlook, lead_time, full_load } = *past;
        // As long as it is not known: a hundredth of the usual load, so that rounding matters little.
        let full = full_load.unwrap_or(outlook.level() / 100.0);
        if full <= 0.0 {
            return;
        }
        let prices = RISKS.map(|risk| price(outlook, full, risk));
        // All that is needed counts as ordered, as a rehearsal leaves out some of what a replica costs: those
        // that stay, what noise adds, what is worked off.
        let needed = Reserve::within(reach, full, prices).map(|reserve| reserve.kept.replicas);
        let rehearsal = self.rehearsal.get_or_insert_with(|| Rehearsal::new(lead_time));
        rehearsal.follow(lead_time);
        rehearsal.see(at, load / full, &needed, usual(outlook, full), counts);
    }

    fn now(&self, at: Timestamp, outlook: &Outlook) -> Option<(f64, f64)> {
        self.nowcast.now(at, outlook.step().max(Duration::from_secs(60)))
    }

    /// How many slots what is asked for is kept: the lead time, and one in which it is ready.
    pub(super) fn slots_kept(lead_time: Duration) -> usize {
        lead_time.steps(Self::SLOT) + 1
    }

    /// The most that was asked for over the last lead time.
    fn keep(&mut self, at: Timestamp, lead_time: Duration, replicas: f64) -> f64 {
        let window = Self::SLOT.times(Self::slots_kept(lead_time) as i64);
        let lately = self.lately.get_or_insert_with(|| TimedMax::new(window, Self::SLOT));
        lately.resize(window);
        lately.record(at, replicas);
        lately.max().unwrap_or(replicas)
    }

    /// As an HPA would, on the load.
    pub(super) fn without_forecast(&mut self, at: Timestamp, load: f64, full: f64) -> Proposal {
        let held = self.held.filter(|&(until, highest)| at < until && highest > load);
        let (until, highest) = held.unwrap_or((at + Rehearsal::WINDOW, load));
        self.held = Some((until, highest));
        let wish = highest / (full * Rehearsal::TARGET);
        let facts =
            [("load", highest), ("utilization", Rehearsal::TARGET), ("load_per_replica", full)];
        let want = Want::Replicas((wish - 1e-9).ceil() as u32);
        let demand = Some(Demand { load: highest, at, quantile: None });
        Proposal {
            want,
            wish: Some(wish),
            demand,
            reason: Reason::new(codes::NO_FORECAST_YET, facts),
        }
    }
}

/// The replicas that the usual load fills.
fn usual(outlook: &Outlook, full: f64) -> f64 {
    (outlook.level() / full).max(0.5)
}

/// What a violation costs at a risk, in replicas.
pub(super) fn price(outlook: &Outlook, full: f64, risk: f64) -> f64 {
    Weigher::PRICE * usual(outlook, full) * outlook.unrest().sqrt() / risk
}

/// What a unit of what waits is worth at a risk of 1.
pub(super) fn worth(outlook: &Outlook, full: f64, lead_time: Duration) -> f32 {
    Drain::worth(price(outlook, full, 1.0), lead_time)
}

/// So many times as much is it worth at a risk.
pub(crate) fn haste(risk: f64) -> f32 {
    (1.0 / risk) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_before_an_order_is_ready_keeps_replicas_and_orders_none() {
        let at = Timestamp::from_secs(60);
        let needed = |replicas| Needed { replicas, at, chances: None, is_now: false };
        let reserve = Reserve { kept: needed(14.0), ordered: needed(9.0) };
        let asked = |current| reserve.asks(current, 1.0, 1e-6).replicas;
        // Few: as many as are in time. Some: all of them stay. Enough: the rest goes, but for one.
        assert_eq!(
            [4.0, 9.0, 12.0, 14.0, 15.0, 20.0].map(asked),
            [9.0, 9.0, 12.0, 14.0, 14.0, 14.0]
        );
        let told = |current| {
            let needed = reserve.asks(current, 1.0, 1e-6);
            reserve.tell(&needed, Timestamp::from_secs(0), 1.0).code()
        };
        assert_eq!(told(12.0), codes::TOO_LATE_TO_ORDER.name());
        assert_ne!(told(4.0), codes::TOO_LATE_TO_ORDER.name());
    }
}
