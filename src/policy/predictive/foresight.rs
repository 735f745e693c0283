//! What no decision changes of proposals by risk: made once for all who replay the same load.
//!
//! In: readings, the outlook, risks. Out: at each moment what is needed by each risk, and between which
//! sizes a load may be more than is seen. The arithmetic is the policy's own; whoever replays adds what
//! depends on the replicas: one more that stays, what was needed lately, a load that follows them, what waits.

use super::Predictive;
use super::drain::Drain;
use super::saturation::Saturation;
use super::weigh::{Foreseen, Reserve, Weigher, haste, price, worth};
use crate::forecast::{Outlook, Risk};
use crate::policy::Want;
use crate::time::{Duration, Timestamp};

/// One outlook and what a replica carries, seen by several who differ in their risk alone.
#[derive(Debug)]
pub(crate) struct Foresight {
    weigher: Weigher,
    risks: Risks,
    full: f64,
}

#[derive(Debug)]
enum Risks {
    /// That of one who rehearses.
    Auto,
    Shares(Vec<f64>),
}

/// What one of them needs at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum Need {
    /// Nothing is known: no proposal.
    #[default]
    Unknown,
    /// So many are kept where they are there, and one more may stay; so many are ordered where they are
    /// not. What was asked for over the last lead time counts too.
    Worth { kept: u32, ordered: u32, stays: bool },
    /// So many, without a forecast.
    Plain { replicas: u32 },
}

/// What is seen of the load at a moment, where there is a reading to go by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sight {
    /// Up to how many ready replicas it is beyond what they carry, and fills them.
    pub(crate) edges: [u32; 2],
    /// The load in parts of what a replica carries, and of it what may still be there when what is ordered
    /// now is ready, where what waits is worked off.
    pub(crate) parts: Option<[u32; 2]>,
    /// What a unit that waits is worth, by a risk that is set at one of 1.
    pub(crate) worth: f32,
}

impl Foresight {
    /// The grain of time by which what was needed over the last lead time is kept, and what was ready
    /// over [`RECENT`](Self::RECENT).
    pub(crate) const SLOT: Duration = Weigher::SLOT;
    /// So long what was ready may still be what a reading shows.
    pub(crate) const RECENT: Duration = Saturation::AGE;
    /// So long a load that was read beyond what is carried hides nothing.
    pub(crate) const MEMORY: Duration = Saturation::MEMORY;
    /// Beyond it nothing is known of what was between two readings.
    pub(crate) const GAP: Duration = Duration::from_millis(Drain::GAP * Drain::QUARTER);

    /// Prices that are worked out side by side: what it takes to weigh a load is shared.
    const ABREAST: usize = 16;

    /// Of a policy that has learnt its history, and of all others that differ in their share alone.
    pub(crate) fn new(policy: Predictive, risks: &[Risk], full: f64) -> Self {
        let share = |risk: &Risk| match risk {
            Risk::Share(share) => Some(*share),
            Risk::Auto => None,
        };
        let shares: Option<Vec<f64>> = risks.iter().map(share).collect();
        Self { weigher: policy.weigher, risks: shares.map_or(Risks::Auto, Risks::Shares), full }
    }

    /// Takes in a reading, and tells what each of the risks needs, in their order.
    pub(crate) fn look(
        &mut self,
        at: Timestamp,
        lead_time: Duration,
        outlook: &Outlook,
        load: Option<f64>,
        mut told: impl FnMut(usize, Need),
    ) -> Option<Sight> {
        let full = self.full;
        let risk = match self.risks {
            Risks::Auto => Risk::Auto,
            Risks::Shares(_) => Risk::Share(1.0),
        };
        let foreseen = self.weigher.foresee(at, lead_time, outlook, load, full, risk);
        let parts = foreseen.parts(full);
        let Foreseen { now, reach, risk, .. } = foreseen;
        let learnt = [risk];
        let risks = match &self.risks {
            Risks::Auto => &learnt[..],
            Risks::Shares(shares) => shares,
        };
        match (reach, now) {
            (Ok(reach), _) => {
                for (chunk, risks) in risks.chunks(Self::ABREAST).enumerate() {
                    let at = |place: usize| risks[place.min(risks.len() - 1)];
                    let prices = |place| price(outlook, full, at(place));
                    let first = chunk * Self::ABREAST;
                    let mut tell = |place: usize, reserve: Reserve| {
                        let [kept, ordered] = reserve.both().map(|replicas| replicas as u32);
                        let stays = reserve.kept.keeps_one_more(full, prices(place));
                        told(first + place, Need::Worth { kept, ordered, stays });
                    };
                    if let [_] = risks {
                        let [reserve] = Reserve::within(&reach, full, [prices(0)]);
                        tell(0, reserve);
                        continue;
                    }
                    let reserves: [_; Self::ABREAST] =
                        Reserve::within(&reach, full, std::array::from_fn(prices));
                    (0..risks.len()).for_each(|place| tell(place, reserves[place]));
                }
                self.weigher.held = None;
            }
            (Err(_), Some((load, _))) => {
                let plain = self.weigher.without_forecast(at, load, full);
                let Want::Replicas(replicas) = plain.want else { return None };
                (0..risks.len()).for_each(|place| told(place, Need::Plain { replicas }));
            }
            (Err(_), None) => (0..risks.len()).for_each(|place| told(place, Need::Unknown)),
        }
        let haste = match self.risks {
            Risks::Auto => haste(risk),
            Risks::Shares(_) => 1.0,
        };
        now.map(|(load, error)| {
            let beyond = |replicas| Saturation::is_beyond((load, error), replicas, full);
            Sight {
                edges: [most(beyond), most(|replicas| Saturation::is_full(load, replicas, full))],
                parts,
                worth: worth(outlook, full, lead_time) * haste,
            }
        })
    }
}

impl Foresight {
    /// How many slots what is asked for is kept.
    pub(crate) fn slots_kept(lead_time: Duration) -> usize {
        Weigher::slots_kept(lead_time)
    }

    /// Whether so many that are full are more than those that were.
    pub(crate) fn follows(ready: u32, filled: u32) -> bool {
        Saturation::follows(ready, filled)
    }

    /// How many times as much what waits is worth at a risk that is set as at one of 1; once where it is
    /// rehearsed, as the worth told is that already.
    pub(crate) fn haste(risk: Risk) -> f32 {
        match risk {
            Risk::Share(share) => haste(share),
            Risk::Auto => 1.0,
        }
    }

    /// A lead time in quarters of a second, as what waits is counted.
    pub(crate) fn quarters(lead_time: Duration) -> u32 {
        Drain::quarters(lead_time)
    }

    /// What waits `millis` after it was `waiting`, if so many `parts` of the load come and `ready` replicas
    /// serve.
    pub(crate) fn waits(waiting: u32, parts: u32, ready: u32, millis: u32) -> u32 {
        Drain::since(waiting, parts, ready, millis / Drain::QUARTER)
    }

    /// The replicas that carry so many parts and work off what will wait so many quarters later; 0 where
    /// nothing will.
    pub(crate) fn works_off(
        waiting: u32,
        parts: u32,
        ready: u32,
        quarters: u32,
        worth: f32,
    ) -> u32 {
        let worked_off = Drain::works_off(waiting, parts, ready, quarters, worth);
        worked_off.map_or(0, |(replicas, _)| replicas)
    }

    /// What a full fleet asks for at least whose load has followed it so often; what is kept is ordered too.
    pub(crate) fn asks(n_followed: u32, ready: u32) -> u32 {
        Saturation::asks(n_followed, f64::from(ready)) as u32
    }
}

/// The most replicas of which something holds that holds of all that are fewer.
fn most(holds: impl Fn(f64) -> bool) -> u32 {
    // Nobody who replays has more.
    let (mut known, mut beyond) = (0, 1 << 16);
    while beyond - known > 1 {
        let middle = u32::midpoint(known, beyond);
        if holds(f64::from(middle)) {
            known = middle;
        } else {
            beyond = middle;
        }
    }
    known
}
