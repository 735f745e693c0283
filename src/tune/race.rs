//! Which settings are worth a longer look: successive halving.
//!
//! In: candidates, a stage, rungs. Out: what happened to each, day by day, as far as it came. All run
//! over the first days; the better half goes on over the next ones, and so forth (successive halving,
//! Jamieson and Talwalkar 2016; in brackets, Li et al. 2018). Better is whoever leads at some price of a
//! violation, so that the whole front goes on. Those who expect the same of the load share one outlook.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::Value;

use super::card::{CHEAPER, Card, OnCard};
use super::expect::{self, outcome};
use super::options::{Objective, Outcome, by_badness};
use super::space::Change;
use crate::forecast::cores::try_each;
use crate::sim::{Batch, Span, Stage};
use crate::{Config, Error};

/// Hears which share of the work is done, about, and says whether to go on. It is asked every few
/// thousand decisions, from any thread.
pub type Control<'a> = dyn Fn(f64) -> ControlFlow<()> + Sync + 'a;

/// Settings that take part.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) point: Vec<f64>,
    pub(super) settings: Value,
    pub(super) changes: Vec<Change>,
    pub(super) config: Config,
    /// What it expects of the load; those of the same share an outlook.
    pub(super) expects: String,
    pub(super) spans: Vec<Span>,
    /// Whether they are the card's, which rounds, and not yet the live code's.
    pub(super) is_rough: bool,
}

/// The candidates and how far they have come.
pub(super) struct Race<'a> {
    pub(super) stage: &'a Stage<'a>,
    /// Intervals of a span.
    pub(super) span_ticks: usize,
    /// Spans after which the better half goes on; rising.
    pub(super) rungs: Vec<usize>,
    pub(super) objective: Objective,
    pub(super) candidates: Vec<Candidate>,
    /// Who replays whom it can over all the rungs at once.
    pub(super) card: Result<Card<'a>, OnCard>,
    /// How far what the card has told was off at most.
    pub(super) off_by: Option<Outcome>,
    /// Where those stand who came to the end of the rungs.
    standing: Vec<Batch<'a>>,
    /// A batch at the start for each expectation, from which others are forked.
    starts: BTreeMap<String, Batch<'a>>,
    control: &'a Control<'a>,
    is_stopped: AtomicBool,
    n_done: AtomicUsize,
    n_planned: usize,
}

/// Members of a batch at most: their states should lie in the cache together.
const MOST: usize = 16;

/// Intervals between two looks at whether to go on.
pub(super) const PIECE: usize = 500;

/// The prices of a violation at which somebody may lead: minutes of the usual fleet a minute.
const PRICES: [f64; 10] = [0.0, 1.0, 3.0, 10.0, 20.0, 40.0, 80.0, 200.0, 1000.0, 1e6];

impl<'a> Race<'a> {
    pub(super) fn new(
        stage: &'a Stage<'a>,
        span_ticks: usize,
        rungs: Vec<usize>,
        objective: Objective,
        card: Result<Card<'a>, OnCard>,
        n_planned: usize,
        control: &'a Control<'a>,
    ) -> Self {
        Self {
            stage,
            span_ticks,
            rungs,
            objective,
            card,
            off_by: None,
            candidates: Vec::new(),
            standing: Vec::new(),
            starts: BTreeMap::new(),
            control,
            is_stopped: AtomicBool::new(false),
            n_done: AtomicUsize::new(0),
            n_planned,
        }
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::Relaxed)
    }

    /// Lets these take part: those whom the card can replay over all rungs at once, the others in a
    /// bracket.
    pub(super) fn enter(&mut self, entrants: Vec<Candidate>) -> Result<(), Error> {
        let Ok(card) = &mut self.card else { return self.bracket(entrants) };
        let n_ticks = self.rungs.last().copied().unwrap_or(0) * self.span_ticks * entrants.len();
        let (n_done, n_planned) = (self.n_done.load(Ordering::Relaxed), self.n_planned);
        let go_on = |share: f64| {
            let n_done = n_done as f64 + share * (n_ticks / CHEAPER) as f64;
            let goes = (self.control)((n_done / n_planned.max(1) as f64).min(1.0)).is_continue();
            self.is_stopped.fetch_or(!goes, Ordering::Relaxed);
            goes
        };
        let (done, others) = card.replay(entrants, &go_on)?;
        self.n_done.fetch_add(n_ticks / CHEAPER, Ordering::Relaxed);
        self.candidates.extend(done);
        if others.is_empty() || self.is_stopped() {
            return Ok(());
        }
        self.bracket(others)
    }

    /// Replays those of these by the live code who so far were by the card alone; whether there were any.
    pub(super) fn confirm(&mut self, ids: &[usize]) -> Result<bool, Error> {
        let is_rough = |id: &usize| self.candidates[*id].is_rough;
        let mut rough: Vec<usize> = ids.iter().copied().filter(is_rough).collect();
        rough.sort_unstable();
        rough.dedup();
        if rough.is_empty() || self.is_stopped() {
            return Ok(false);
        }
        let told = |race: &Self, id: &usize| outcome(&race.candidates[*id].spans);
        let before: Vec<_> = rough.iter().map(|id| told(self, id)).collect();
        let mut batches = self.batches(&rough)?;
        self.pass(&mut batches, 0, self.rungs.last().copied().unwrap_or(0))?;
        if self.is_stopped() {
            return Ok(false);
        }
        for (id, before) in rough.iter().zip(before) {
            self.candidates[*id].is_rough = false;
            let after = told(self, id);
            let off = self.off_by.get_or_insert_default();
            let share = (after.violation_share - before.violation_share).abs();
            off.violation_share = off.violation_share.max(share);
            let cost = (after.replica_hours_per_day - before.replica_hours_per_day).abs();
            off.replica_hours_per_day = off.replica_hours_per_day.max(cost);
        }
        self.standing.append(&mut batches);
        Ok(true)
    }

    /// Runs these over the rungs; the better half of them goes on at each.
    pub(super) fn bracket(&mut self, entrants: Vec<Candidate>) -> Result<(), Error> {
        let first = self.candidates.len();
        self.candidates.extend(entrants);
        let ids: Vec<usize> = (first..self.candidates.len()).collect();
        let mut batches = self.batches(&ids)?;
        let mut stays = ids;
        let mut before = 0;
        for (number, &rung) in self.rungs.clone().iter().enumerate() {
            self.pass(&mut batches, before, rung)?;
            if self.is_stopped() && self.candidates.len() > 1 {
                return Ok(());
            }
            if number + 1 < self.rungs.len() {
                stays = self.better_half(stays, rung);
                let is_in = |id: usize| stays.contains(&id);
                batches.iter_mut().for_each(|batch| batch.keep(is_in));
                batches.retain(|batch| !batch.is_empty());
            }
            before = rung;
        }
        self.standing.append(&mut batches);
        Ok(())
    }

    /// Runs some of those who came to the end over so many spans more.
    pub(super) fn go_on(&mut self, ids: &[usize], n_spans: usize) -> Result<(), Error> {
        let mut batches = std::mem::take(&mut self.standing);
        batches.iter_mut().for_each(|batch| batch.keep(|id| ids.contains(&id)));
        batches.retain(|batch| !batch.is_empty());
        let before = self.rungs.last().copied().unwrap_or(0);
        self.pass(&mut batches, before, before + n_spans)
    }

    /// Batches at the start, of those who expect the same.
    fn batches(&mut self, ids: &[usize]) -> Result<Vec<Batch<'a>>, Error> {
        let mut groups = BTreeMap::<&str, Vec<usize>>::new();
        for &id in ids {
            groups.entry(&self.candidates[id].expects).or_default().push(id);
        }
        let stage = self.stage;
        let candidates = &self.candidates;
        let new: Vec<_> = groups
            .iter()
            .filter(|(expects, _)| !self.starts.contains_key(**expects))
            .map(|(expects, ids)| ((*expects).to_owned(), ids[0]))
            .collect();
        let started = try_each(new, |(expects, id)| {
            Ok((expects, stage.batch(id, candidates[id].config.clone())?))
        })?;
        self.starts.extend(started);
        let starts = &self.starts;
        let chunks: Vec<(&Batch<'a>, &[usize])> = groups
            .iter()
            .flat_map(|(expects, ids)| ids.chunks(MOST).map(|ids| (&starts[*expects], ids)))
            .collect();
        try_each(chunks, |(start, ids)| {
            let mut batch = start.fork(&candidates[ids[0]].config)?;
            for &id in ids {
                batch.join(id, candidates[id].config.clone())?;
            }
            Ok(batch)
        })
    }

    /// Lets all batches pass from one span up to another, and takes down what happened.
    fn pass(
        &mut self,
        batches: &mut Vec<Batch<'a>>,
        before: usize,
        until: usize,
    ) -> Result<(), Error> {
        let passed = try_each(std::mem::take(batches), |mut batch| {
            for _ in before..until {
                let mut left = self.span_ticks;
                while left > 0 {
                    let piece = left.min(PIECE);
                    left -= piece;
                    batch.pass(piece, left == 0);
                    let n_done = piece * batch.len();
                    let n_done = n_done + self.n_done.fetch_add(n_done, Ordering::Relaxed);
                    let share = (n_done as f64 / self.n_planned.max(1) as f64).min(1.0);
                    if (self.control)(share).is_break() {
                        self.is_stopped.store(true, Ordering::Relaxed);
                    }
                    // The current settings, which come first and alone, are always replayed.
                    if self.is_stopped() && self.candidates.len() > 1 {
                        return Ok(batch);
                    }
                }
            }
            Ok(batch)
        })?;
        *batches = passed;
        let mut strayed = Vec::new();
        for (id, spans) in batches.iter().flat_map(Batch::spans) {
            match spans {
                Some(spans) => self.candidates[id].spans = spans.to_vec(),
                None => strayed.push(id),
            }
        }
        if strayed.is_empty() || self.is_stopped() {
            return Ok(());
        }
        // Alone from the start on, as their outlooks would have learnt.
        batches.iter_mut().for_each(|batch| batch.keep(|id| !strayed.contains(&id)));
        batches.retain(|batch| !batch.is_empty());
        let stage = self.stage;
        let candidates = &self.candidates;
        let alone = try_each(strayed, |id| {
            let mut batch = stage.batch(id, candidates[id].config.clone())?;
            for _ in 0..until {
                batch.pass(self.span_ticks, true);
            }
            Ok(batch)
        })?;
        for (id, spans) in alone.iter().flat_map(Batch::spans) {
            self.candidates[id].spans = spans.unwrap_or_default().to_vec();
        }
        batches.extend(alone);
        Ok(())
    }

    /// The better half of these, by the place that each takes among all who came as far, at the price
    /// where it does best.
    fn better_half(&self, mut ids: Vec<usize>, n_spans: usize) -> Vec<usize> {
        let pool: Vec<(usize, Outcome)> = self.outcomes(n_spans);
        let usual = pool.first().map_or(0.0, |(_, current)| current.replica_hours_per_day);
        let mut places = BTreeMap::<usize, (usize, usize)>::new();
        let orders = PRICES
            .map(|violation_price| Objective::LeastTotal { violation_price })
            .into_iter()
            .chain([self.objective]);
        for order in orders {
            let mut sorted: Vec<_> =
                pool.iter().map(|(id, outcome)| (order.badness(outcome, usual), *id)).collect();
            sorted.sort_by(|(a, id), (b, other)| by_badness(a, b).then(id.cmp(other)));
            for (place, (_, id)) in sorted.iter().enumerate() {
                // Beside the best place that by the objective, which comes last.
                let best = places.get(id).map_or(place, |&(best, _)| best.min(place));
                places.insert(*id, (best, place));
            }
        }
        ids.sort_by_key(|id| (places.get(id).copied(), *id));
        ids.truncate(ids.len().div_ceil(2));
        ids.sort_unstable();
        ids
    }

    /// The number of who is surest to be better than the current settings, of those who came so far.
    pub(super) fn surest(&self, n_spans: usize, confidence: f64, seed: u64) -> usize {
        let all: Vec<_> = self.came(n_spans).collect();
        expect::surest(&all, self.objective, confidence, seed)
    }

    /// What those who came so far did up to there, in the order of their numbers.
    pub(super) fn outcomes(&self, n_spans: usize) -> Vec<(usize, Outcome)> {
        self.came(n_spans).map(|(id, spans)| (id, outcome(spans))).collect()
    }

    fn came(&self, n_spans: usize) -> impl Iterator<Item = (usize, &[Span])> {
        let spans = self.candidates.iter().map(move |one| one.spans.get(..n_spans));
        spans.enumerate().filter_map(|(id, spans)| Some((id, spans?)))
    }
}
