//! Settings that are better: a search in closed loop over recorded load.
//!
//! In: a configuration, a trace, a plant, and what may be changed. Out: a [`Tuning`]: what can be had
//! at which violations, what is best by an objective, and what to expect of it. Each setting is replayed
//! by the live code through [`sim`](crate::sim).
//!
//! The trace has three parts, in the order of time. In the first forecasters learn; on the second
//! settings are chosen; the third, which no choice has seen, tells what to expect of the chosen, with
//! intervals. What is no better than the current settings there is not recommended: if it is not the best
//! of the second part, the one that was surest to be better there has its turn, and after it nobody.
//!
//! Candidates fill the space evenly at first, later they come from beside the best so far; of each
//! round the worse half is dropped again and again (successive halving). The answer depends on the
//! seed and not on the number of cores.
//!
//! On a graphics card (see [`Options::device`]) settings are replayed over all the days at once, none is
//! dropped, and whoever leads is replayed by the live code: what is told of the front, the current and the
//! recommended settings is its word alone.
//!
//! [`SelfTuning`] is an autoscaler that does so by itself, on the load it sees.
//!
//! Why not a model of the whole space (Bayesian optimization)? A setting is judged in a tenth of a second
//! here, so a model would cost more than the tries it saves.

mod card;
mod defaults;
mod expect;
mod options;
mod plan;
mod race;
mod self_tuning;
mod space;
mod tuning;

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use rand_pcg::Pcg32;
use serde_json::Value;

use self::card::Card;
use self::expect::expected;
use self::options::by_badness;
use self::plan::{Plan, generations};
use self::race::{Candidate, Race};
use crate::capacity::LeadTimeConfig;
use crate::config::read::to_value;
use crate::explain::{Reason, codes};
use crate::forecast::Risk;
use crate::sim::{Front, Settings, Stage, Trace};
use crate::{Autoscaler, Config, Error};
pub use defaults::default_space;
pub use expect::{Estimate, Expected};
pub use options::{Objective, Options, Outcome};
pub use race::Control;
pub use self_tuning::{Event, Retuned, Retuning, Revision, SelfTuning, SelfTuningConfig};
pub use space::{Change, Dimension};
pub use tuning::{Part, Tried, Tuning};

/// Searches for better settings of a configuration on a recorded load.
///
/// `control` hears the share of the work that is done and says whether to go on; after a break what has
/// been found so far is returned, marked as partial. The current settings are always replayed. A plant
/// without `load_per_replica` has that of a configuration with a fixed capacity, or else the peak of
/// the trace sets it. Of the plant's settings `scored` and what concerns reports is without effect.
///
/// ```
/// use std::ops::ControlFlow;
/// use forescale::sim::{Settings, web_service};
/// use forescale::{Config, tune};
///
/// let config = Config::from_text(
///     r#"{"max_replicas": 60, "metrics": {"cpu": {"kind": "utilization"}},
///         "policies": [{"kind": "target", "metric": "cpu", "target": 0.35}]}"#,
/// )?;
/// let options = tune::Options { settings: 16, ..tune::Options::default() };
/// let go_on = |_done: f64| ControlFlow::Continue(());
/// let tuning = tune::tune(&config, &web_service(8, 7), &Settings::default(), &options, &go_on)?;
/// // Twice the replicas that are needed: something cheaper proves as good.
/// let [now, then] = [&tuning.current, &tuning.recommended].map(|tried| tried.expected.unwrap());
/// assert!(then.replica_hours_per_day.mean < now.replica_hours_per_day.mean);
/// # Ok::<(), forescale::Error>(())
/// ```
///
/// # Errors
/// [`ErrorKind::Config`](crate::ErrorKind::Config) for a configuration, plant or options that are
/// refused, a space that is empty or of which nothing can be built;
/// [`ErrorKind::Trace`](crate::ErrorKind::Trace) for a trace that is too short or has no load, or that
/// [knows](Trace::with_known) what is neither a metric nor a regressor of the configuration.
pub fn tune(
    config: &Config,
    trace: &Trace,
    plant: &Settings,
    options: &Options,
    control: &Control<'_>,
) -> Result<Tuning, Error> {
    options.check()?;
    plant.check()?;
    trace.check()?;
    let load_per_replica = load_per_replica(config, trace, plant)?;
    let plan = Plan::new(trace, plant, options)?;
    let stage = Stage::new(trace, plant, load_per_replica, (plan.start, plan.end))?;
    stage.check_known(config)?;
    let space = match &options.space {
        Some(space) => space.clone(),
        None => default_space(config)?,
    };
    if space.is_empty() {
        let message = "is empty, as the configuration leaves nothing open that is known to be worth a \
                       search; must be given";
        return Err(Error::config("space", message));
    }
    let base = to_value(config)?;
    let mut entry = Entry { base, space, seen: BTreeSet::new(), n_refused: 0, refusal: None };
    let current = entry.candidate(Vec::new())?;
    entry.check_each()?;

    let generations = generations(options.settings);
    let card = Card::open(options, &plan, &stage)?;
    let n_planned = plan.n_ticks(&generations, card.is_ok());
    let (span_ticks, rungs) = (plan.span_ticks, plan.rungs());
    let mut race =
        Race::new(&stage, span_ticks, rungs, options.objective, card, n_planned, control);
    race.bracket(current.into_iter().collect())?;
    let mut random = Pcg32::new(options.seed, 7);
    for (number, &n) in generations.iter().enumerate() {
        if race.is_stopped() {
            break;
        }
        let points = if number == 0 {
            space::spread(n, entry.space.len(), &mut random)
        } else {
            let best = race.outcomes(plan.n_selected);
            let best: Vec<&[f64]> = hull(&best)
                .into_iter()
                .map(|id| &race.candidates[id].point[..])
                .filter(|point| !point.is_empty())
                .collect();
            if best.is_empty() {
                space::spread(n, entry.space.len(), &mut random)
            } else {
                (0..n).map(|_| space::beside(&best, &entry.space, &mut random)).collect()
            }
        };
        let mut entrants = Vec::with_capacity(points.len());
        for point in points {
            entrants.extend(entry.candidate(point)?);
        }
        race.enter(entrants)?;
    }
    // Whoever leads by the card is replayed by the live code, until those who lead are all its own.
    loop {
        let outcomes = race.outcomes(plan.n_selected);
        let mut leaders = hull(&outcomes);
        leaders.push(best(&outcomes, options.objective));
        leaders.push(race.surest(plan.n_selected, options.confidence, options.seed));
        if !race.confirm(&leaders)? {
            break;
        }
    }
    if race.candidates.len() == 1
        && !race.is_stopped()
        && let Some(refusal) = entry.refusal
    {
        let message = format!(
            "holds nothing that can be built; of {} tried, the first: {refusal}",
            entry.n_refused
        );
        return Err(Error::config("space", message));
    }
    judged(race, &plan, options, trace, &stage, entry.n_refused)
}

/// Who may take part.
struct Entry {
    base: Value,
    space: Vec<Dimension>,
    seen: BTreeSet<String>,
    n_refused: usize,
    refusal: Option<Error>,
}

impl Entry {
    /// A candidate at a point, the current settings at none; `None` if it is refused or known.
    fn candidate(&mut self, point: Vec<f64>) -> Result<Option<Candidate>, Error> {
        let is_current = point.is_empty();
        let (settings, changes) = space::apply(&self.base, &self.space, &point);
        let text = settings.to_string();
        if !self.seen.insert(text) {
            return Ok(None);
        }
        match built(&settings) {
            Ok((config, expects)) => {
                let spans = Vec::new();
                let is_rough = false;
                Ok(Some(Candidate { point, settings, changes, config, expects, spans, is_rough }))
            }
            Err(error) if is_current => Err(error),
            Err(error) => {
                self.n_refused += 1;
                self.refusal.get_or_insert(error);
                Ok(None)
            }
        }
    }

    /// Refuses a dimension of which, alone, nothing can be built.
    fn check_each(&self) -> Result<(), Error> {
        for (index, dimension) in self.space.iter().enumerate() {
            let n = dimension.values.len().max(8);
            let mut refusal = None;
            let is_refused = (0..n).all(|k| {
                let place = k as f64 / (n - 1).max(1) as f64 * (1.0 - 1e-9);
                let one = std::slice::from_ref(dimension);
                let (settings, _) = space::apply(&self.base, one, &[place]);
                built(&settings).map_err(|error| refusal.get_or_insert(error).clone()).is_err()
            });
            if let (true, Some(refusal)) = (is_refused, refusal) {
                let message = format!(
                    "is \"{}\", of which no value can be built; the first: {refusal}",
                    dimension.path
                );
                return Err(Error::config(format!("space[{index}].path"), message));
            }
        }
        Ok(())
    }
}

/// The numbers of those on the front, the fewest violations first.
fn hull(outcomes: &[(usize, Outcome)]) -> Vec<usize> {
    let points = outcomes.iter().map(|(_, of)| (of.violation_share, of.replica_hours_per_day));
    Front::of(points).points().iter().map(|point| outcomes[point.index].0).collect()
}

/// The number of who is best, the current settings where nobody is there.
fn best(outcomes: &[(usize, Outcome)], objective: Objective) -> usize {
    let usual = outcomes.first().map_or(0.0, |(_, current)| current.replica_hours_per_day);
    let badness = |outcome: &Outcome| objective.badness(outcome, usual);
    let best =
        outcomes.iter().min_by(|(_, one), (_, other)| by_badness(&badness(one), &badness(other)));
    best.map_or(0, |(id, _)| *id)
}

/// The configuration, checked, and what it expects of the load: who is alike in that shares forecasts.
fn built(settings: &Value) -> Result<(Config, String), Error> {
    let config = Config::from_value(settings.clone())?;
    Autoscaler::new(config.clone())?;
    let mut outlooks = Vec::new();
    for entry in &config.policies {
        let policy = entry.policy.clone().build()?;
        let Some(outlook) = policy.outlook() else { continue };
        let mut outlook = outlook.clone();
        // The price of a violation is the policy's; the forecast is the same at all of them.
        outlook.risk = outlook.risk().map(|_| Risk::Auto);
        outlooks.push(outlook);
    }
    if outlooks.is_empty() {
        return Ok((config, String::new()));
    }
    let expects = match &config.lead_time {
        LeadTimeConfig::Fixed(lead_time) => {
            to_value(&(outlooks, lead_time, &config.metrics))?.to_string()
        }
        // It is learnt of what was decided, and sets how far the forecast reaches.
        LeadTimeConfig::Learned(_) => settings.to_string(),
    };
    Ok((config, expects))
}

/// The load that one replica of the plant carries.
fn load_per_replica(config: &Config, trace: &Trace, plant: &Settings) -> Result<f64, Error> {
    if let Some(load) = plant.load_per_replica {
        return Ok(load);
    }
    let capacity = to_value(&config.capacity)?;
    if let (Some("fixed"), Some(load)) =
        (capacity["kind"].as_str(), capacity["load_per_replica"].as_f64())
    {
        return Ok(load);
    }
    let peak = trace.values.iter().copied().fold(0.0, f64::max);
    if peak > 0.0 {
        return Ok(peak / (f64::from(plant.peak_replicas) * plant.target_utilization));
    }
    Err(Error::trace("trace", "has no load at all, so `load_per_replica` must be given"))
}

/// The front and what to expect of it.
fn judged(
    mut race: Race<'_>,
    plan: &Plan,
    options: &Options,
    trace: &Trace,
    stage: &Stage<'_>,
    n_refused: usize,
) -> Result<Tuning, Error> {
    // Interrupted: the furthest that anyone came. What the card alone has told is no one's figure.
    race.candidates.iter_mut().filter(|one| one.is_rough).for_each(|one| one.spans.clear());
    let reached = race.candidates.iter().skip(1).map(|one| one.spans.len()).max().unwrap_or(0);
    let n_spans = if reached == 0 { plan.n_selected } else { reached.min(plan.n_selected) };
    let outcomes = race.outcomes(n_spans);
    let on_front = hull(&outcomes);
    let best = best(&outcomes, options.objective);
    let surest = race.surest(n_spans, options.confidence, options.seed);
    let mut ids = vec![0, best, surest];
    ids.extend(&on_front);
    if !race.is_stopped() {
        race.go_on(&ids, plan.n_told)?;
    }
    let n_all = plan.n_selected + plan.n_told;
    let told = |id: usize| race.candidates[id].spans.get(plan.n_selected..n_all);
    let tried = |id: usize| {
        let one = &race.candidates[id];
        let expected = told(id).zip(told(0)).map(|(own, current)| {
            expected(own, current, options.objective, options.confidence, options.seed)
        });
        let selected = expect::outcome(&one.spans[..n_spans.min(one.spans.len())]);
        let (config, changes) = (one.settings.clone(), one.changes.clone());
        Tried { config, changes, selected, expected }
    };
    let n_tried = race.candidates.len() - 1;
    let on_card = match &race.card {
        Ok(card) => card.told.clone(),
        Err(nothing) => nothing.clone(),
    };
    let current = tried(0);
    let (recommended, reason) = match (told(best), told(0)) {
        _ if race.is_stopped() => {
            (current.clone(), Reason::new(codes::INTERRUPTED, [("n_tried", n_tried as f64)]))
        }
        _ if best == 0 => {
            let facts = [("n_tried", n_tried as f64)];
            (current.clone(), Reason::new(codes::NOTHING_BETTER, facts))
        }
        (Some(first), Some(now)) => {
            let now = expect::outcome(now);
            let usual = now.replica_hours_per_day;
            let badness = |outcome: &Outcome| options.objective.badness(outcome, usual);
            let is_better =
                |own: &Outcome| !now.dominates(own) && now != *own && badness(own) < badness(&now);
            // Whoever leads may owe it to a few days; then who is better on most of them has its turn.
            let proved = [best, surest].into_iter().find_map(|id| {
                let own = expect::outcome(told(id)?);
                is_better(&own).then_some((id, own))
            });
            let own = proved.map_or_else(|| expect::outcome(first), |(_, own)| own);
            let facts = [
                ("violation_share", own.violation_share),
                ("replica_hours_per_day", own.replica_hours_per_day),
                ("current_violation_share", now.violation_share),
                ("current_replica_hours_per_day", now.replica_hours_per_day),
            ];
            match proved {
                Some((id, _)) => (tried(id), Reason::new(codes::PROVED_BETTER, facts)),
                None => (current.clone(), Reason::new(codes::NOT_CONFIRMED, facts)),
            }
        }
        _ => (current.clone(), Reason::new(codes::NOTHING_BETTER, [("n_tried", n_tried as f64)])),
    };
    Ok(Tuning {
        trace: trace.name.clone(),
        settings: stage.settings().clone(),
        objective: options.objective,
        selected: Part { start: plan.start, end: plan.chosen },
        told: Part { start: plan.chosen, end: plan.end },
        is_partial: race.is_stopped(),
        n_tried,
        n_refused,
        device: on_card.device,
        n_on_device: on_card.n,
        not_on_device: on_card.refused,
        off_by: race.off_by,
        device_seconds: on_card.device_seconds,
        front: on_front.into_iter().map(tried).collect(),
        current,
        recommended,
        reason,
    })
}

/// Goes on to the end: for who has no one to ask.
///
/// ```
/// assert!(forescale::tune::to_the_end(0.5).is_continue());
/// ```
pub fn to_the_end(_done: f64) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

#[cfg(test)]
mod tests;
#[cfg(all(test, feature = "gpu"))]
mod tests_on_device;
