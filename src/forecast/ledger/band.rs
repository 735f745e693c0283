//! One horizon of the ledger: forecasts on their way to their truth, and what came of them.
//!
//! In: the load of each step, what was expected of it without a model, and the forecast now issued.
//! Out: the scores of all of them, and the gate. Knows no other horizon.

use serde::{Deserialize, Serialize};

use super::{JUDGED, Score, Settings};
use crate::Reason;
use crate::forecast::gate::{Gate, Losses, Terms};
use crate::forecast::margin::{Issued, Level, MOST, Margin, squared_error};
use crate::forecast::reference::Expected;
use crate::series::Ring;

/// One horizon.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Band {
    /// In steps. Invariant: the capacity of both rings.
    ahead: usize,
    /// The forecaster's medians and quantiles that wait for their truth.
    medians: Ring,
    quantiles: Ring,
    /// In the order of [`JUDGED`].
    tallies: [Tally; JUDGED.len()],
    now: Margin,
    yesterday: Margin,
    level: Level,
    gate: Gate,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tally {
    pub(super) n: u64,
    pub(super) lately: Score,
    pub(super) ever: Score,
}

impl Band {
    pub(super) fn new(ahead: usize) -> Self {
        Self {
            ahead,
            medians: Ring::new(ahead),
            quantiles: Ring::new(ahead),
            tallies: Default::default(),
            now: Margin::default(),
            yesterday: Margin::default(),
            level: Level::default(),
            gate: Gate::new(),
        }
    }

    pub(super) fn ahead(&self) -> usize {
        self.ahead
    }

    pub(super) fn tallies(&self) -> &[Tally; JUDGED.len()] {
        &self.tallies
    }

    pub(super) fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Passes if the forecast may be believed; `n_steps` is how many there were so far.
    ///
    /// # Errors
    /// As [`Gate::check`].
    pub(super) fn check(&self, settings: Settings, n_steps: u64) -> Result<(), Reason> {
        self.gate.check(self.terms(settings), n_steps)
    }

    fn terms(&self, Settings { min_skill, step, .. }: Settings) -> Terms {
        Terms { min_skill, ahead: self.ahead, step }
    }

    /// Takes the forecast now issued, if there is one: median and quantile of the step `ahead`.
    pub(super) fn issue(&mut self, row: Option<&[f64]>) {
        self.medians.push(row.and_then(|row| row.first().copied()));
        self.quantiles.push(row.and_then(|row| row.last().copied()));
    }

    /// Takes the truth of this step.
    pub(super) fn judge(&mut self, settings: Settings, load: f64, expected: Expected) {
        let (q, root) = (settings.quantile, load.sqrt());
        let terms = self.terms(settings);
        let now = self.now.meet(q, root, expected.now);
        let yesterday = self.yesterday.meet(q, root, expected.yesterday);
        let level = self.level.meet(q, root, expected.levels);
        let waited = self.ahead - 1;
        let Some((median, quantile)) = self.medians.back(waited).zip(self.quantiles.back(waited))
        else {
            return;
        };
        let own = Issued { point: median.sqrt(), quantile };
        let mut score = |index: usize, issued: Issued, point: f64| {
            let loss = pinball(q, load, issued.quantile);
            let score = Score {
                loss,
                coverage: f64::from(u8::from(load <= issued.quantile)),
                bias: (point - load).clamp(-MOST, MOST),
            };
            self.tallies[index].take(terms.memory(), score);
            Losses { point: squared_error(root, issued.point), quantile: loss }
        };
        let own = score(0, own, median);
        let mut score_point = |index: usize, issued: Issued| {
            score(index, issued, (issued.point * issued.point).min(f64::MAX))
        };
        let now = now.map(|issued| score_point(1, issued));
        if let Some(issued) = yesterday {
            score_point(2, issued);
        }
        let level = level.map(|issued| score_point(3, issued));
        self.gate.judge(terms, own, [now, level]);
    }

    pub(super) fn is_whole(&self, n_steps: u64) -> bool {
        let load = |value: f64| value.is_finite() && value >= 0.0;
        let waiting = [&self.medians, &self.quantiles];
        waiting.iter().all(|ring| ring.capacity() == self.ahead && ring.iter().flatten().all(load))
            && self.now.is_whole()
            && self.yesterday.is_whole()
            && self.level.is_whole(n_steps)
            && self.tallies.iter().all(|tally| tally.n <= n_steps && tally.is_whole())
            && self.gate.is_whole()
    }
}

impl Tally {
    fn take(&mut self, memory: f64, score: Score) {
        self.n += 1;
        let plain = 1.0 / self.n as f64;
        self.ever.take(plain, score);
        self.lately.take(plain.max(1.0 / memory), score);
    }

    fn is_whole(&self) -> bool {
        let whole = |score: &Score| {
            (0.0..=f64::MAX).contains(&score.loss)
                && (0.0..=1.0).contains(&score.coverage)
                && score.bias.is_finite()
        };
        whole(&self.lately) && whole(&self.ever)
    }
}

impl Score {
    fn take(&mut self, weight: f64, Self { loss, coverage, bias }: Self) {
        self.loss += (loss - self.loss) * weight;
        self.coverage += (coverage - self.coverage) * weight;
        self.bias += (bias - self.bias) * weight;
    }
}

/// The loss of expecting `expected` at quantile `q` when `load` came.
fn pinball(q: f64, load: f64, expected: f64) -> f64 {
    let short = (load - expected).clamp(-MOST, MOST);
    // Rounding is no error, or a constant load would be judged by it.
    if short.abs() <= 1e-9 * load {
        return 0.0;
    }
    if short > 0.0 { q * short } else { (q - 1.0) * short }
}
