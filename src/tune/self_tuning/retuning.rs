//! One step of self-tuning, apart from the autoscaler whose it is.
//!
//! In: a copy of what is known. Out: what is to be done and why. Changes nothing, so that it may run
//! elsewhere while decisions go on.

use super::event::{Revision, revisions};
use super::settings::SelfTuningConfig;
use super::trial::{Trial, Verdict};
use crate::explain::{Reason, codes};
use crate::sim::{Settings, Trace};
use crate::time::{Duration, Timestamp};
use crate::tune::{Control, tune};
use crate::{Config, Error, Mode};

/// What there is to work out now, from [`SelfTuning::retuning`](super::SelfTuning::retuning).
#[derive(Clone, Debug)]
pub struct Retuning {
    pub(super) settings: SelfTuningConfig,
    pub(super) config: Config,
    /// The load so far, if any is known.
    pub(super) trace: Option<Trace>,
    /// The plant, and what a replica of it carries; or why that is not known.
    pub(super) plant: Result<(Settings, f64), Reason>,
    pub(super) trial: Option<Trial>,
    pub(super) paused_until: Option<Timestamp>,
    /// The time of the last observation.
    pub(super) now: Timestamp,
}

/// What a [`Retuning`] came to, for [`SelfTuning::settle`](super::SelfTuning::settle).
#[derive(Clone, Debug)]
pub struct Retuned {
    /// What it was worked out beside.
    pub(super) trial: Option<Trial>,
    pub(super) changes: Vec<Revision>,
    pub(super) reason: Reason,
    pub(super) next: Next,
}

/// What is to be done.
#[derive(Clone, Debug)]
pub(super) enum Next {
    /// Nothing.
    Stays,
    /// These settings are replayed beside those in force from now on.
    Tries(Box<Trial>),
    /// The others are given up.
    Drops,
    /// The others come into force.
    TakesOver,
}

impl Retuning {
    /// Works it out: a search, or a comparison of two settings.
    ///
    /// `control` hears the share of the work that is done and may end it: then the reason is
    /// `interrupted` and nothing is to be done.
    ///
    /// # Errors
    /// Those of [`tune`](crate::tune::tune).
    pub fn run(self, control: &Control<'_>) -> Result<Retuned, Error> {
        let (plant, load_per_replica) = match &self.plant {
            Ok((plant, load)) => (plant, *load),
            Err(reason) => {
                let reason = *reason;
                return Ok(self.answer(Vec::new(), reason, Next::Stays));
            }
        };
        let Some(trial) = &self.trial else { return self.search(control) };
        let changes = revisions(&self.config, &trial.other)?;
        let part = self.trace.as_ref().map(|trace| (trial.from(trace), trace.end()));
        let seen = part.map_or(Duration::ZERO, |(from, end)| end.since(from));
        let mut verdict = None;
        if let (Some(trace), true) = (&self.trace, self.settings.shadow <= seen) {
            let (plant, options) = ((plant, load_per_replica), &self.settings.search);
            verdict = trial.verdict(&self.config, trace, plant, options, control)?;
            if verdict.is_none() {
                let reason = Reason::new(codes::INTERRUPTED, [("n_tried", 0.0)]);
                return Ok(self.answer(changes, reason, Next::Stays));
            }
        }
        let (reason, next) = self.judged(trial.is_probation, seen, verdict);
        Ok(self.answer(changes, reason, next))
    }

    /// Looks for other settings to try.
    fn search(self, control: &Control<'_>) -> Result<Retuned, Error> {
        let SelfTuningConfig { least, pause, .. } = self.settings;
        let now = self.now;
        // None that lies further ahead than any would: the clock was set back since.
        let until = self.paused_until.filter(|&until| now < until && until <= now + pause);
        if let Some(until) = until {
            let reason = Reason::new(codes::PAUSED, [("left_days", days(until.since(now)))]);
            return Ok(self.answer(Vec::new(), reason, Next::Stays));
        }
        let seen = self.trace.as_ref().map_or(Duration::ZERO, Trace::length);
        let (Some(trace), Ok((plant, _)), true) = (&self.trace, &self.plant, least <= seen) else {
            let facts = [("seen_days", days(seen)), ("needed_days", days(least))];
            let reason = Reason::new(codes::TOO_LITTLE_SEEN, facts);
            return Ok(self.answer(Vec::new(), reason, Next::Stays));
        };
        // Where nothing moves, all settings are alike.
        let acting = self.config.in_mode(Mode::On);
        let tuning = tune(&acting, trace, plant, &self.settings.search, control)?;
        if !tuning.is_change() {
            return Ok(self.answer(Vec::new(), tuning.reason, Next::Stays));
        }
        let other = tuning.recommended.config()?.in_mode(self.config.mode);
        let changes = revisions(&self.config, &other)?;
        let trial = Trial { other, since: trace.end(), is_probation: false };
        Ok(self.answer(changes, tuning.reason, Next::Tries(Box::new(trial))))
    }

    /// What a comparison on so much load comes to; `None` if it was too little for one.
    fn judged(
        &self,
        is_probation: bool,
        seen: Duration,
        verdict: Option<Verdict>,
    ) -> (Reason, Next) {
        let SelfTuningConfig { shadow, shadow_longest, probation, confidence, .. } = self.settings;
        let (longest, better, worse) = if is_probation {
            (probation, codes::ROLLED_BACK, codes::KEPT)
        } else {
            (shadow_longest, codes::ADOPTED, codes::DROPPED)
        };
        let is_over = |chance: f64| longest <= seen || !is_probation && chance <= 1.0 - confidence;
        let facts = |Verdict { saved_share, chance }| {
            [("seen_days", days(seen)), ("saved_share", saved_share), ("chance", chance)]
        };
        match verdict {
            Some(verdict) if confidence <= verdict.chance => {
                (Reason::new(better, facts(verdict)), Next::TakesOver)
            }
            Some(verdict) if is_over(verdict.chance) => {
                (Reason::new(worse, facts(verdict)), Next::Drops)
            }
            verdict => {
                let mut reason = if is_probation {
                    let left = (days(longest) - days(seen)).max(0.0);
                    let facts = [("left_days", left), ("seen_days", days(seen))];
                    Reason::new(codes::ON_PROBATION, facts)
                } else {
                    let facts = [("seen_days", days(seen)), ("needed_days", days(shadow))];
                    Reason::new(codes::IN_SHADOW, facts)
                };
                if let Some(Verdict { saved_share, chance }) = verdict {
                    reason = reason.with("saved_share", saved_share).with("chance", chance);
                }
                (reason, Next::Stays)
            }
        }
    }

    fn answer(self, changes: Vec<Revision>, reason: Reason, next: Next) -> Retuned {
        Retuned { trial: self.trial, changes, reason, next }
    }
}

fn days(span: Duration) -> f64 {
    span.as_secs_f64() / 86_400.0
}
