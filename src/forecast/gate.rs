//! Whether the forecast may be believed: it must have proved better than what needs no model.
//!
//! In: at each step the losses of the forecast that has met its truth, and those of the references.
//! Out: the skill against each, and whether the gate is open. Knows neither loads nor models.

mod trial;

use serde::{Deserialize, Serialize};

use self::trial::Trial;
use super::history::too_little;
use super::reference::DAY;
use crate::explain::{Code, Reason, codes};
use crate::time::Duration;

/// The references, in the order of [`Gate::judge`]: "as now" and the level lately.
pub(super) const N_REFERENCES: usize = 2;

/// Compares the losses of forecasts with those of references at the same steps.
///
/// It opens on two conditions, each against every reference. The forecast **foresees**: its points
/// are nearer to the truth, beyond chance. Points are compared and not quantiles, as those differ by
/// how each follows the width of its errors too, which in mere noise is all they differ by. And its
/// quantile is **worth** as much: the pinball loss over about a day is not above the reference's by
/// more than `min_skill` and the [`SLACK`](Self::SLACK) say.
///
/// Losses are compared in blocks that are long against their memory. Two tests see what chance does
/// not explain. The mean difference of the blocks of about a day is [`OPENS`](Self::OPENS) times its
/// standard error (Diebold and Mariano 1995 on block means, with what memory is left between
/// neighbors counted in): that finds what is a little better, but always. Or their running sum has
/// risen by [`RISEN`](Self::RISEN) usual losses (Page 1954): that finds what is much better, at once.
///
/// It closes when neither holds any more (the mean below [`CLOSES`](Self::CLOSES), the sum half of
/// what opens), when the sum has fallen by [`FALLEN`](Self::FALLEN) usual losses, or by its worth.
///
/// Why not the same time yesterday as a reference? Who stands in when the gate is closed reacts; a
/// forecast that is worse than yesterday and better than "as now" is still the better of the two.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Gate {
    trials: [Trial; N_REFERENCES],
    open: bool,
}

/// The losses of one forecast of one step.
#[derive(Clone, Copy, Debug)]
pub(super) struct Losses {
    /// Squared error of the point, in square-root scale.
    pub(super) point: f64,
    /// Pinball loss of the quantile.
    pub(super) quantile: f64,
}

/// What a gate goes by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Terms {
    pub(super) min_skill: f64,
    /// In steps.
    pub(super) ahead: usize,
    pub(super) step: Duration,
}

impl Terms {
    /// In steps: a day, but so many that there is something to judge.
    pub(super) fn memory(&self) -> f64 {
        (DAY.steps(self.step) as f64).max(2.0 * Gate::BLOCKS)
    }

    /// Steps in a block: half an hour, but not less than forecasts of neighbors have in common.
    fn block(&self) -> u64 {
        ((self.memory() / Gate::BLOCKS) as u64).max(self.ahead as u64)
    }
}

/// What stands in the way.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Lack {
    Worth,
    Proof,
    Fallen,
}

impl Gate {
    /// Standard errors by which it must be better before it is believed. Who is no better than one
    /// of the references is then believed about 2 % of the time by chance.
    const OPENS: f64 = 2.0;

    /// Standard errors below which it is believed no more: when lately it was not better at all.
    const CLOSES: f64 = 0.0;

    /// Usual losses by which it must have been better of late: two blocks cannot prove it.
    const RISEN: f64 = 6.0;

    /// Usual losses that each block takes off that sum, or chance would lift it in the end.
    const CREEP: f64 = 0.02;

    /// Usual losses by which it may have been worse of late: one block cannot disprove it.
    const FALLEN: f64 = 4.0;

    /// Share of a reference's loss by which it must be beaten: between the five running means of
    /// which the level is the best there is always a better one, by about so much.
    const HANDICAP: f64 = 0.01;

    /// Blocks in a day, and those that count, roughly.
    const BLOCKS: f64 = 48.0;

    /// So few blocks prove nothing.
    const LEAST: u64 = 8;

    /// About the error of a skill measured over a day, of which high quantiles see a few errors only.
    const SLACK: f64 = 0.1;

    pub(super) fn new() -> Self {
        Self { trials: [Trial::default(); N_REFERENCES], open: false }
    }

    /// Takes the losses of a forecast, and of the references: "as now", the level lately.
    pub(super) fn judge(
        &mut self,
        terms: Terms,
        own: Losses,
        others: [Option<Losses>; N_REFERENCES],
    ) {
        let mut tested = false;
        for (trial, other) in self.trials.iter_mut().zip(others) {
            if let Some(other) = other {
                tested |= trial.judge(terms, own, other);
            }
        }
        // Bad forecasts are believed no longer than it takes to see them.
        if self.open || tested && self.lacking() == 0 {
            self.open = self.trials.iter().all(|trial| self.lack(terms, trial).is_none());
        }
    }

    /// What stands in the way of being believed, or of staying so.
    fn lack(&self, Terms { min_skill, .. }: Terms, trial: &Trial) -> Option<Lack> {
        let (errors, rise) = if self.open {
            (Self::CLOSES, 0.5 * Self::RISEN)
        } else {
            (Self::OPENS * trial.caution(), Self::RISEN)
        };
        if trial.fall() > Self::FALLEN {
            Some(Lack::Fallen)
        } else if trial.skill() < min_skill - Self::SLACK {
            Some(Lack::Worth)
        } else if trial.evidence() < errors && trial.rise() < rise {
            Some(Lack::Proof)
        } else {
            None
        }
    }

    /// Passes if the forecast may be believed; `n_samples` is how many there were so far.
    ///
    /// # Errors
    /// [`TOO_LITTLE_HISTORY`](codes::TOO_LITTLE_HISTORY) or [`NO_SKILL`](codes::NO_SKILL).
    pub(super) fn check(&self, terms: Terms, n_samples: u64) -> Result<(), Reason> {
        if self.open {
            return Ok(());
        }
        let lacking = self.lacking();
        if lacking > 0 {
            return Err(too_little(n_samples, n_samples + lacking * terms.block()));
        }
        Err(self.lost(terms))
    }

    /// Whether enough was judged to believe anything.
    pub(super) fn has_evidence(&self) -> bool {
        self.lacking() == 0
    }

    /// The least skill against any of the references; 0 before the first is judged.
    pub(super) fn skill(&self) -> f64 {
        self.trials.iter().map(Trial::skill).fold(f64::INFINITY, f64::min)
    }

    /// Why it is closed: the reference that stands most in the way.
    fn lost(&self, terms: Terms) -> Reason {
        let lack = |index: usize| self.lack(terms, &self.trials[index]);
        let unproven = |index: usize| {
            let trial = &self.trials[index];
            Self::OPENS * trial.caution() - trial.evidence()
        };
        // It may be that neither lacks anything now, and no block has ended since.
        let first = usize::from(unproven(1) > unproven(0));
        let worst = [Lack::Fallen, Lack::Worth, Lack::Proof]
            .into_iter()
            .find_map(|one| [first, 1 - first].into_iter().find(|&index| lack(index) == Some(one)))
            .unwrap_or(first);
        let trial = &self.trials[worst];
        let code = match lack(worst) {
            Some(Lack::Fallen) => FALLEN_BEHIND[worst],
            Some(Lack::Worth) => WORTH_LESS[worst],
            Some(Lack::Proof) | None => NOT_PROVED[worst],
        };
        let [now, level] = self.trials.each_ref().map(Trial::skill);
        let facts = [
            ("skill", trial.skill()),
            ("evidence", trial.evidence()),
            ("needed", Self::OPENS * trial.caution()),
            ("behind", trial.fall()),
            ("skill_as_now", now),
            ("skill_level", level),
        ];
        Reason::new(code, facts)
    }

    /// How many blocks lack before anything is proved.
    fn lacking(&self) -> u64 {
        let lacks = self.trials.iter().map(|trial| Self::LEAST.saturating_sub(trial.n_blocks()));
        lacks.max().unwrap_or(Self::LEAST)
    }

    pub(super) fn is_whole(&self) -> bool {
        self.trials.iter().all(Trial::is_whole)
    }
}

/// [`NO_SKILL`](codes::NO_SKILL), with the sentence for each reference.
const NOT_PROVED: [Code; N_REFERENCES] = [
    codes::NO_SKILL,
    no_skill(
        "the forecast has not lately proved better than the level of the load (skill {skill}, {evidence} standard errors of {needed} needed)",
    ),
];
const WORTH_LESS: [Code; N_REFERENCES] = [
    no_skill(
        "the quantile of the forecast is lately worth less than that of \"as now\" (skill {skill})",
    ),
    no_skill(
        "the quantile of the forecast is lately worth less than that of the level of the load (skill {skill})",
    ),
];
const FALLEN_BEHIND: [Code; N_REFERENCES] = [
    no_skill("the forecast has just fallen behind \"as now\", by {behind} times its usual loss"),
    no_skill(
        "the forecast has just fallen behind the level of the load, by {behind} times its usual loss",
    ),
];

const fn no_skill(sentence: &'static str) -> Code {
    Code::new(codes::NO_SKILL.name(), sentence)
}

#[cfg(test)]
mod tests;
