//! Whether the forecast may be believed: it must lately have been better than "as now".
//!
//! In: at each step the load and the quantile that the model expects a lead time ahead. Out: the
//! skill, and whether the gate is open. Knows no model but the naive one.

use serde::{Deserialize, Serialize};

use super::Forecaster;
use super::history::too_little;
use super::naive::Naive;
use crate::Reason;
use crate::explain::codes;
use crate::series::{Ring, Sample};
use crate::time::Duration;

/// Compares the pinball loss (Koenker and Bassett 1978) of the model's quantile with that of
/// [`Naive`] at the same horizon and quantile, both weighted exponentially over about a day.
///
/// The skill is `1 - loss / loss of naive`. The gate opens when the skill over at least
/// [`LEAST`](Self::LEAST) judged steps reaches `min_skill`, and closes when it falls
/// [`BAND`](Self::BAND) below, so that it does not flap.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved", into = "Saved")]
pub(super) struct Gate {
    settings: Settings,
    naive: Naive,
    /// What was forecast for the next steps, the nearest one oldest. Invariant: the capacity of
    /// both is the horizon.
    expected: Ring,
    expected_naive: Ring,
    /// Mean losses, the model's and that of [`Naive`].
    loss: f64,
    loss_naive: f64,
    n_judged: u64,
    open: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Settings {
    quantile: f64,
    min_skill: f64,
    /// In steps.
    ahead: usize,
    step: Duration,
}

impl Gate {
    /// So many forecasts must have met their truth before any is believed.
    const LEAST: u64 = 48;

    /// No skill is told lower than this: a reference without error would make it infinite.
    const WORST: f64 = -99.0;

    /// So far below `min_skill` it stays open: about the error of a skill measured over a day.
    const BAND: f64 = 0.05;

    /// Judges forecasts `ahead` steps from now, at least one.
    pub(super) fn new(quantile: f64, min_skill: f64, ahead: usize, step: Duration) -> Self {
        let ahead = ahead.max(1);
        Self {
            settings: Settings { quantile, min_skill, ahead, step },
            naive: Naive::at_horizon(ahead, step),
            expected: Ring::new(ahead),
            expected_naive: Ring::new(ahead),
            loss: 0.0,
            loss_naive: 0.0,
            n_judged: 0,
            open: false,
        }
    }

    /// The horizon at which it judges, in steps.
    pub(super) fn ahead(&self) -> usize {
        self.settings.ahead
    }

    /// Whether it judges as `other` does, perhaps at another horizon.
    pub(super) fn same_settings(&self, other: &Self) -> bool {
        Settings { ahead: other.ahead(), ..self.settings } == other.settings
    }

    /// Whether enough forecasts have met their truth to believe any.
    pub(super) fn has_evidence(&self) -> bool {
        self.n_judged >= Self::LEAST
    }

    /// Takes the sample of this step, and what the model now expects [`ahead`](Self::ahead) steps
    /// on, if it does.
    pub(super) fn observe(&mut self, sample: Sample, expected: Option<f64>) {
        let Settings { quantile, ahead, .. } = self.settings;
        let before = (self.expected.back(ahead - 1), self.expected_naive.back(ahead - 1));
        self.naive.observe(sample);
        if let (Some(load), (Some(model), Some(naive))) = (self.naive.last(), before) {
            self.judge(pinball(quantile, load, model), pinball(quantile, load, naive));
        }
        self.expected.push(expected);
        self.expected_naive.push(self.naive.quantile(ahead, quantile));
    }

    /// Passes if the forecast may be believed.
    ///
    /// # Errors
    /// [`TOO_LITTLE_HISTORY`](codes::TOO_LITTLE_HISTORY) or [`NO_SKILL`](codes::NO_SKILL).
    pub(super) fn check(&self) -> Result<(), Reason> {
        if !self.has_evidence() {
            let seen = self.naive.n_samples();
            return Err(too_little(seen, seen + Self::LEAST - self.n_judged));
        }
        if !self.open {
            return Err(Reason::new(codes::NO_SKILL, [("skill", self.skill())]));
        }
        Ok(())
    }

    /// `1 - loss / loss of naive`: 1 is perfect, 0 no better than "as now".
    pub(super) fn skill(&self) -> f64 {
        if self.loss == self.loss_naive {
            return 0.0; // also where neither ever errs
        }
        (1.0 - self.loss / self.loss_naive).max(Self::WORST)
    }

    fn judge(&mut self, loss: f64, loss_naive: f64) {
        const DAY: Duration = Duration::from_secs(86_400);
        self.n_judged += 1;
        // A plain mean at first, then one that forgets over a day.
        let memory = DAY.steps(self.settings.step).max(Self::LEAST as usize);
        let weight = (1.0 / self.n_judged as f64).max(1.0 / memory as f64);
        self.loss += (loss - self.loss) * weight;
        self.loss_naive += (loss_naive - self.loss_naive) * weight;
        if !self.has_evidence() {
            return;
        }
        let least = self.settings.min_skill - if self.open { Self::BAND } else { 0.0 };
        self.open = self.skill() >= least;
    }
}

/// The loss of expecting `expected` at quantile `q` when `load` came.
fn pinball(q: f64, load: f64, expected: f64) -> f64 {
    let short = load - expected;
    // Rounding is no error, or a constant load would be judged by it.
    if short.abs() <= 1e-9 * load {
        return 0.0;
    }
    if short > 0.0 { q * short } else { (q - 1.0) * short }
}

/// As text.
#[derive(Serialize, Deserialize)]
struct Saved {
    settings: Settings,
    naive: Naive,
    expected: Ring,
    expected_naive: Ring,
    loss: f64,
    loss_naive: f64,
    n_judged: u64,
    open: bool,
}

impl From<Gate> for Saved {
    fn from(gate: Gate) -> Self {
        let Gate { settings, naive, expected, expected_naive, loss, loss_naive, n_judged, open } =
            gate;
        Self { settings, naive, expected, expected_naive, loss, loss_naive, n_judged, open }
    }
}

impl TryFrom<Saved> for Gate {
    type Error = String;

    fn try_from(saved: Saved) -> Result<Self, String> {
        let Saved { settings, naive, expected, expected_naive, loss, loss_naive, n_judged, open } =
            saved;
        let ahead = settings.ahead;
        if n_judged > naive.n_samples() {
            return Err(format!("a trust gate cannot have judged {n_judged} steps"));
        }
        if ahead == 0 || expected.capacity() != ahead || expected_naive.capacity() != ahead {
            return Err(format!("a trust gate at horizon {ahead} waits for other forecasts"));
        }
        Ok(Self { settings, naive, expected, expected_naive, loss, loss_naive, n_judged, open })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecast::testing::{MINUTE, daily, sample};

    /// Feeds a gate at 5 minutes what a model says of the truth, and tells when it was open.
    fn opened(loads: &[f64], expects: impl Fn(usize, f64) -> f64) -> (Gate, Vec<bool>) {
        let mut gate = Gate::new(0.95, 0.0, 5, MINUTE);
        let mut open = Vec::new();
        for minute in 0..loads.len() - 5 {
            let expected = expects(minute, loads[minute + 5]);
            gate.observe(sample(minute, Some(loads[minute])), Some(expected));
            open.push(gate.check().is_ok());
        }
        (gate, open)
    }

    #[test]
    fn needs_evidence_then_opens_for_a_good_model() {
        let loads = daily(600, 0.5, 0.1, 9);
        let (gate, open) = opened(&loads, |_, truth| truth + 1.0);
        let first = open.iter().position(|&open| open).expect("it opens");
        // The naive one needs its first errors too.
        assert!((Gate::LEAST as usize..150).contains(&first), "{first}");
        assert!(open[first..].iter().all(|&open| open));
        assert!(gate.skill() > 0.9, "{}", gate.skill());
    }

    #[test]
    fn stays_closed_for_a_bad_model_and_says_why() {
        let loads = daily(600, 0.5, 0.1, 10);
        let (gate, open) = opened(&loads, |_, _| 3000.0);
        assert!(!open.contains(&true));
        let reason = gate.check().expect_err("no skill");
        assert_eq!(reason.code(), "no_skill");
        assert!(reason.fact("skill").is_some_and(|skill| skill < -0.5), "{reason}");
    }

    #[test]
    fn closes_when_the_model_turns_bad_and_opens_again_by_evidence() {
        let loads = daily(12_000, 0.5, 0.1, 11);
        let bad = 3000..3600;
        let (_, open) =
            opened(
                &loads,
                |minute, truth| {
                    if bad.contains(&minute) { truth + 2000.0 } else { truth + 1.0 }
                },
            );
        assert!(open[2999] && !open[3599] && *open.last().expect("many"));
        let changes = open.windows(2).filter(|pair| pair[0] != pair[1]).count();
        assert_eq!(changes, 3, "opens, closes, opens");
    }

    #[test]
    fn a_constant_load_is_no_reason_to_distrust() {
        let (gate, open) = opened(&[7.0; 300], |_, truth| truth * (1.0 + 1e-12));
        assert!(open[299 - 5] && gate.skill() == 0.0);
    }
}
