//! One regressor: its values by time, and what it is worth at which lag.
//!
//! In: values that hold until the next, errors of a forecast. Out: its effect at a time, in square
//! roots. Knows no other regressor.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::RegressorConfig;
use crate::Error;
use crate::forecast::input::{self, MOST_VALUES};
use crate::time::{Duration, Timestamp};

/// A regressor, its lag and its gain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved", into = "Saved")]
pub(super) struct Input {
    pub(super) name: String,
    step: Duration,
    /// Signed square roots by time. Invariant: the times rise; at most [`MOST_VALUES`].
    values: VecDeque<(Timestamp, f64)>,
    /// For each lag what speaks for it.
    lags: Vec<Lag>,
    /// The lag that counts. Invariant: one of them.
    chosen: usize,
    /// 0 until it is clear of the noise.
    gain: f64,
}

/// Sums of squares and products at a lag, old ones forgotten as new ones come: of the regressor now
/// (`x`) and when the forecast was made (`w`), and of the error without what the gain made of it
/// (`y`). How much of a change the inner forecaster follows by itself is told by `w`, so that the
/// coefficient of `x` is the gain, whatever the gain has been before.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Lag {
    steps: u32,
    /// The number of changes.
    n: f64,
    xx: f64,
    xw: f64,
    ww: f64,
    xy: f64,
    wy: f64,
    yy: f64,
}

/// So few changes tell nothing.
const LEAST_CHANGES: f64 = 20.0;

/// So much of the sums stays when a new sample comes.
const KEPT: f64 = 1.0 - 1.0 / 2000.0;

/// As many changes without effect are assumed before the first: the ridge.
const PRIOR: f64 = 2.0;

/// An effect counts if its square is so many times what noise gives; errors of neighboring steps
/// are alike, hence more than for independent ones.
const CLEAR: f64 = 30.0;

impl Input {
    pub(super) fn new(
        name: &str,
        settings: &RegressorConfig,
        step: Duration,
    ) -> Result<Self, Error> {
        let most = Duration::from_secs(86_400);
        if settings.lags.is_empty() || settings.lags.len() > 16 {
            let message = format!("has {} lags, must have 1 to 16", settings.lags.len());
            return Err(Error::config("lags", message));
        }
        if let Some(lag) = settings.lags.iter().find(|&&lag| lag > most) {
            return Err(Error::config("lags", format!("has {lag}, must be up to {most}")));
        }
        let mut steps: Vec<_> = (settings.lags.iter())
            .map(|lag| (lag.as_millis() / step.as_millis().max(1)) as u32)
            .collect();
        steps.sort_unstable();
        steps.dedup();
        let lag =
            |steps| Lag { steps, n: 0.0, xx: 0.0, xw: 0.0, ww: 0.0, xy: 0.0, wy: 0.0, yy: 0.0 };
        Ok(Self {
            name: name.to_owned(),
            step,
            values: VecDeque::new(),
            lags: steps.into_iter().map(lag).collect(),
            chosen: 0,
            gain: 0.0,
        })
    }

    /// Whether a saved one has the same settings.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let steps = |input: &Self| input.lags.iter().map(|lag| lag.steps).collect::<Vec<_>>();
        self.name == other.name && self.step == other.step && steps(self) == steps(other)
    }

    /// Takes values, each from its time until the next, in place of what was known from the first
    /// of them on.
    pub(super) fn tell(&mut self, times: &[Timestamp], values: &[f64]) -> Result<(), Error> {
        input::check_told(times, values)?;
        let Some(&first) = times.first() else { return Ok(()) };
        self.values.truncate(self.values.partition_point(|&(at, _)| at < first));
        let too_many = (self.values.len() + times.len()).saturating_sub(MOST_VALUES);
        self.values.drain(..too_many);
        let roots = values.iter().map(|value| value.abs().sqrt().copysign(*value));
        self.values.extend(times.iter().copied().zip(roots));
        Ok(())
    }

    /// What it adds to the square root of the load at a time.
    pub(super) fn effect(&self, at: Timestamp) -> f64 {
        if self.gain == 0.0 {
            return 0.0;
        }
        let root = self.root(at - self.step.times(i64::from(self.lags[self.chosen].steps)));
        root.map_or(0.0, |root| self.gain * root)
    }

    /// The value that holds at a time, as a root.
    pub(super) fn root(&self, at: Timestamp) -> Option<f64> {
        let after = self.values.partition_point(|&(from, _)| from <= at);
        after.checked_sub(1).map(|index| self.values[index].1)
    }

    /// Takes how far the forecast of `back` steps ago was off, its effect taken into account.
    pub(super) fn learn(&mut self, at: Timestamp, back: usize, error: f64) {
        let error = error + self.effect(at);
        for index in 0..self.lags.len() {
            let then = at - self.step.times(i64::from(self.lags[index].steps));
            let before = then - self.step.times(back as i64);
            if let (Some(now), Some(before)) = (self.root(then), self.root(before)) {
                self.lags[index].take(now, before, error);
            }
        }
        let power = |index: usize| self.lags[index].power();
        let best = (0..self.lags.len()).max_by(|&a, &b| power(a).total_cmp(&power(b)));
        // The present one stays unless another is clearly better.
        if let Some(best) = best.filter(|&best| power(best) > 1.1 * power(self.chosen)) {
            self.chosen = best;
        }
        self.gain = self.lags[self.chosen].gain();
    }

    /// Forgets what no lag reaches any more.
    pub(super) fn forget(&mut self, at: Timestamp, back: usize) {
        let longest = self.lags.last().map_or(0, |lag| lag.steps) as usize + back;
        let oldest = at - self.step.times(longest as i64);
        while self.values.get(1).is_some_and(|&(from, _)| from <= oldest) {
            self.values.pop_front();
        }
    }
}

impl Lag {
    fn take(&mut self, x: f64, w: f64, y: f64) {
        if x == 0.0 && w == 0.0 {
            return;
        }
        let changes = f64::from(u8::from(x != w));
        let next = Self {
            steps: self.steps,
            n: self.n * KEPT + changes,
            xx: self.xx * KEPT + x * x,
            xw: self.xw * KEPT + x * w,
            ww: self.ww * KEPT + w * w,
            xy: self.xy * KEPT + x * y,
            wy: self.wy * KEPT + w * y,
            yy: self.yy * KEPT + y * y,
        };
        if next.numbers().iter().all(|number| number.is_finite()) {
            *self = next;
        }
    }

    fn numbers(&self) -> [f64; 7] {
        [self.n, self.xx, self.xw, self.ww, self.xy, self.wy, self.yy]
    }

    /// Of `x` and `y`, what `w` does not explain: the square of `x`, the product, the square of `y`.
    fn partial(&self) -> (f64, f64, f64) {
        if self.ww > 0.0 {
            let share = self.xw / self.ww;
            let y = self.yy - self.wy * self.wy / self.ww;
            (self.xx - self.xw * share, self.xy - self.wy * share, y)
        } else {
            (self.xx, self.xy, self.yy)
        }
    }

    /// How much of the error it explains.
    fn power(&self) -> f64 {
        let (xx, xy, _) = self.partial();
        // Below that it is rounding.
        if xx > 1e-9 * self.xx { xy * xy / xx } else { 0.0 }
    }

    /// The coefficient, 0 unless it is clear.
    fn gain(&self) -> f64 {
        let (xx, xy, yy) = self.partial();
        let (power, n) = (self.power(), self.n);
        let noise = (yy - power).max(0.0) / n.max(1.0);
        if n < LEAST_CHANGES || power <= CLEAR * noise {
            return 0.0;
        }
        let gain = xy / xx * n / (n + PRIOR);
        if gain.is_finite() { gain } else { 0.0 }
    }
}

/// As text.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    name: String,
    step: Duration,
    values: VecDeque<(Timestamp, f64)>,
    lags: Vec<Lag>,
    chosen: usize,
    gain: f64,
}

impl From<Input> for Saved {
    fn from(Input { name, step, values, lags, chosen, gain }: Input) -> Self {
        Self { name, step, values, lags, chosen, gain }
    }
}

impl TryFrom<Saved> for Input {
    type Error = &'static str;

    fn try_from(saved: Saved) -> Result<Self, &'static str> {
        let Saved { name, step, values, lags, chosen, gain } = saved;
        let rise = values.iter().zip(values.iter().skip(1)).all(|(a, b)| a.0 < b.0);
        let squares = lags.iter().flat_map(|lag| [lag.n, lag.xx, lag.ww, lag.yy]);
        let whole = rise
            && values.len() <= MOST_VALUES
            && values.iter().all(|(_, root)| root.is_finite())
            && squares.into_iter().all(|square| square >= 0.0)
            && lags.iter().flat_map(Lag::numbers).all(f64::is_finite)
            && chosen < lags.len()
            && gain.is_finite();
        if whole {
            Ok(Self { name, step, values, lags, chosen, gain })
        } else {
            Err("a regressor is damaged")
        }
    }
}
