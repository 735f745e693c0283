//! What is known of a load at each tick, whoever decides: made once by the live code for all who expect
//! the same.
//!
//! In: configurations, a scene. Out: tapes of a word a tick, and which of them a lane looks up. Knows no
//! replicas.

use std::collections::BTreeMap;

use super::lane::{MOST_REPLICAS, NONE, TOO_MANY};
use super::sheet::ABSENT;
use crate::capacity::{Capacity as _, CapacityConfig, LeadTimeConfig, fixed};
use crate::catalog::Saved as _;
use crate::config::read::to_value;
use crate::forecast::cores::try_each;
use crate::forecast::{OutlookConfig, Risk};
use crate::policy::PolicyConfig;
use crate::policy::predictive::{self, Foresight, Need, Predictive};
use crate::series::{MetricKind, Usage, total_load};
use crate::sim::replay::Scene;
use crate::{Autoscaler, Config, Error};

/// The tapes that a lane looks up, by their number; [`NONE`] where it looks up none.
pub(super) type Known = [u32; 5];

/// The reading of the load as it is believed, in thousandths of its unit; [`ABSENT`] if there is none.
pub(super) const READINGS: usize = 0;
/// By a quantile the load that the forecast asks for, in its unit, [`ABSENT`] if it abstains. By a risk
/// what is needed: replicas in the lowest eleven bits, then [`STAYS`], [`WORTH`], [`PLAIN`], [`ORDERED`].
pub(super) const WANTS: usize = 1;
/// By a risk: up to how many ready replicas the load is beyond what they carry, and above the sixteenth
/// bit up to how many it fills; [`NONE`] without a reading to go by.
pub(super) const EDGES: usize = 2;
/// By a risk: the load in parts of what a replica carries, and above the sixteenth bit what of it may still
/// be there when what is ordered is ready; [`NONE`] where nothing is worked off.
pub(super) const LOADS: usize = 3;
/// By a risk: what a unit that waits is worth, by one that is set at one of 1.
pub(super) const WORTHS: usize = 4;

/// One more replica stays where it is there.
pub(super) const STAYS: u32 = 1 << 11;
/// What is worth its price; what was so over the last lead time counts too.
pub(super) const WORTH: u32 = 1 << 12;
/// What the load of now takes, without a forecast.
pub(super) const PLAIN: u32 = 1 << 13;
/// From this bit on: how many of what is worth its price are ordered where they are not there.
pub(super) const ORDERED: u32 = 16;

/// Words of all tapes together: a gigabyte.
const MOST_WORDS: usize = 1 << 28;

/// All tapes, each made once.
#[derive(Debug, Default)]
pub(super) struct Tapes {
    /// A word a tick each.
    pub(super) words: Vec<Vec<u32>>,
    known: BTreeMap<String, Known>,
}

/// What is made in one pass over the load, of all who differ in their share of a risk alone.
struct Pass<'a> {
    config: &'a Config,
    /// That of each tape of wants.
    risks: Vec<Risk>,
    wants: Vec<u32>,
    first: Known,
}

impl Tapes {
    /// What a configuration looks up in each case; none where that took more memory than is meant for it.
    /// What is new is made, each pass on its core.
    ///
    /// # Errors
    /// If a configuration reads nothing that the plant shows.
    pub(super) fn of(
        &mut self,
        configs: &[&Config],
        scene: &Scene<'_>,
        n_ticks: usize,
    ) -> Result<Vec<Option<Known>>, Error> {
        let mut passes = BTreeMap::<String, Pass<'_>>::new();
        let mut n_tapes = self.words.len();
        let mut all = Vec::with_capacity(configs.len());
        for &config in configs {
            let (expects, risk) = expects(config, &scene.settings.utilization_metric)?;
            let own = format!("{expects} {risk:?}");
            if let Some(known) = self.known.get(&own) {
                all.push(Some(*known));
                continue;
            }
            if (n_tapes + 5).saturating_mul(n_ticks) > MOST_WORDS {
                all.push(None);
                continue;
            }
            let mut next = || {
                n_tapes += 1;
                n_tapes as u32 - 1
            };
            let pass = passes.entry(expects).or_insert_with(|| {
                let wants = if forecast(config).is_some() { next() } else { NONE };
                let readings = next();
                let mut by_risk = || if risk.is_some() { next() } else { NONE };
                let first = [readings, wants, by_risk(), by_risk(), by_risk()];
                Pass { config, risks: Vec::new(), wants: Vec::new(), first }
            });
            let mut known = pass.first;
            if let Some(risk) = risk {
                if !pass.risks.is_empty() {
                    known[WANTS] = next();
                }
                pass.risks.push(risk);
                pass.wants.push(known[WANTS]);
            }
            self.known.insert(own, known);
            all.push(Some(known));
        }
        self.words.resize(n_tapes, Vec::new());
        let made = try_each(passes.into_values().collect(), |pass| pass.tapes(scene, n_ticks))?;
        for (number, words) in made.into_iter().flatten() {
            self.words[number as usize] = words;
        }
        Ok(all)
    }
}

impl Pass<'_> {
    /// Its tapes with their numbers, as the live code of its configuration sees and forecasts the first
    /// `n_ticks` of a scene, whatever is decided, as long as a replica is ready.
    fn tapes(self, scene: &Scene<'_>, n_ticks: usize) -> Result<Vec<(u32, Vec<u32>)>, Error> {
        let config = self.config;
        let mut scaler = Autoscaler::new(config.clone())?;
        let mut seen = scene.observation(&scaler)?;
        scene.warm_up(&mut scaler)?;
        let lead_time = match config.lead_time {
            LeadTimeConfig::Fixed(lead_time) => lead_time,
            LeadTimeConfig::Learned(_) => config.lead_time.initial(),
        };
        let settings = forecast(config);
        let mut foresight = match settings {
            Some((place, settings)) if settings.risk().is_some() => {
                let mut policy = Predictive::new(settings.clone())?;
                policy.load(scaler.policy(place).save()?)?;
                full_load(config).map(|full| Foresight::new(policy, &self.risks, full))
            }
            _ => None,
        };
        let tape = || Vec::<u32>::with_capacity(n_ticks);
        let (mut readings, mut edges) = (tape(), tape());
        let (mut loads, mut worths) = (tape(), tape());
        let mut wants = vec![tape(); self.wants.len().max(1)];
        let metric = &scene.settings.load_metric;
        let mut plant = scene.plant(scene.initial(&scaler).max(1));
        for &load in &scene.loads[..n_ticks] {
            plant.observe(&mut seen);
            let screened = scaler.believe(&seen).flatten();
            let believed = screened.as_ref().unwrap_or(&seen);
            scaler.feed(believed, &seen);
            let reading = believed.metrics.get(metric);
            let usage = reading.and_then(|reading| reading.usage(MetricKind::Total).ok());
            readings.push(match usage {
                // To thousandths, as the HPA counts.
                Some(Usage::Total(total)) => ((total * 1000.0).round() as f32).to_bits(),
                _ => ABSENT.to_bits(),
            });
            let outlook = scaler.outlooks().iter().find(|outlook| outlook.metric() == metric);
            match (&mut foresight, settings.zip(outlook)) {
                (Some(foresight), Some((_, outlook))) => {
                    let ready = seen.replicas.ready;
                    let load =
                        usage.and_then(|usage| total_load(usage, MetricKind::Total, ready).ok());
                    let told = |place: usize, need| wants[place].push(needed(need));
                    let sight = foresight.look(seen.at, lead_time, outlook, load, told);
                    edges.push(sight.map_or(NONE, |sight| edge(sight.edges)));
                    loads.push(
                        sight
                            .and_then(|sight| sight.parts)
                            .map_or(NONE, |[now, then]| now | then << 16),
                    );
                    worths.push(sight.map_or(0, |sight| sight.worth.to_bits()));
                }
                (None, Some(((_, settings), outlook))) => {
                    let demand = predictive::demand(settings, outlook, seen.at, lead_time);
                    let load = demand.map_or(ABSENT, |demand| demand.load.max(0.0) as f32);
                    wants[0].push(load.to_bits());
                }
                _ => {}
            }
            plant.pass(load);
        }
        let [first_readings, first_wants, by_risk @ ..] = self.first;
        let mut made = vec![(first_readings, readings)];
        made.extend(by_risk.into_iter().zip([edges, loads, worths]));
        match self.wants.is_empty() {
            true => made.extend(wants.pop().map(|wants| (first_wants, wants))),
            false => made.extend(self.wants.into_iter().zip(wants)),
        }
        made.retain(|(number, _)| *number != NONE);
        Ok(made)
    }
}

fn needed(need: Need) -> u32 {
    match need {
        Need::Unknown => 0,
        Need::Worth { kept, ordered, stays } => {
            let [kept, ordered] = [kept, ordered].map(|replicas| replicas.min(TOO_MANY));
            WORTH | kept | ordered << ORDERED | if stays { STAYS } else { 0 }
        }
        Need::Plain { replicas } => PLAIN | replicas.min(TOO_MANY),
    }
}

fn edge([beyond, full]: [u32; 2]) -> u32 {
    beyond.min(TOO_MANY) | full.min(TOO_MANY) << 16
}

/// The place of the predictive policy, and its settings.
fn forecast(config: &Config) -> Option<(usize, &OutlookConfig)> {
    config.policies.iter().enumerate().find_map(|(place, entry)| match &entry.policy {
        PolicyConfig::Predictive(settings) => Some((place, settings)),
        _ => None,
    })
}

/// The load at which a replica is full.
fn full_load(config: &Config) -> Option<f64> {
    let Some(CapacityConfig::Fixed(capacity)) = &config.capacity else { return None };
    fixed::Fixed::new(capacity.clone()).ok()?.full_load().ok()
}

/// What a pass depends on: those of the same share it. And the risk, which has a tape of its own. The
/// `utilization` has no part in it; other metrics may be upstream of the load.
fn expects(config: &Config, utilization: &str) -> Result<(String, Option<Risk>), Error> {
    let metrics: Vec<_> = config.metrics.iter().filter(|(name, _)| *name != utilization).collect();
    let Some((_, settings)) = forecast(config) else {
        return Ok((to_value(&metrics)?.to_string(), None));
    };
    let risk = settings.risk();
    // Whoever rehearses has learnt other noise, too.
    let shared = risk.map(|risk| match risk {
        Risk::Auto => Risk::Auto,
        Risk::Share(_) => Risk::Share(1.0),
    });
    let settings = OutlookConfig { risk: shared, ..settings.clone() };
    let full = risk.and_then(|_| full_load(config));
    let all = (metrics, settings, &config.lead_time, full);
    Ok((to_value(&all)?.to_string(), risk))
}

/// What a lane looks up of a load that follows the replicas, by how many are full: how many are more than
/// those, what they ask for once, and what from then on.
pub(super) fn follows() -> Vec<u32> {
    let all = 0..=MOST_REPLICAS;
    let more = |filled: u32| {
        let more = (filled + 1..TOO_MANY).find(|&ready| Foresight::follows(ready, filled));
        more.unwrap_or(TOO_MANY)
    };
    let asks = |n_followed| move |ready| Foresight::asks(n_followed, ready).min(TOO_MANY);
    all.clone().map(more).chain(all.clone().map(asks(1))).chain(all.map(asks(2))).collect()
}
