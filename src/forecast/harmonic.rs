//! Seasons as sums of sines, on the level of now.
//!
//! In: samples. Out: the smooth course of the seasons from here on, shifted as the present asks. Keeps
//! no history of them.

use serde::{Deserialize, Serialize};

use super::cholesky;
use super::level::Level;
use super::residuals::Residuals;
use super::screen::{Screen, Seen};
use super::seasons::steps_of;
use super::{Forecast, Forecaster, History, MOST_STALE};
use crate::series::Sample;
use crate::time::Duration;
use crate::{Error, Reason};

/// Fits pairs of sine and cosine to the seasons of the load, and follows the level beside them.
///
/// Dynamic harmonic regression (Young, Pedregal, Tych 1999) of the square roots of the load: least
/// squares with a ridge, forgetting exponentially, kept as sums of products and solved anew some
/// hundred times a season. The ridge grows with the square of the frequency, as that of a smoothing
/// spline, so that fast waves need more evidence. A season joins in once its first cycle has been
/// seen. The rest is expected as it came so far.
///
/// Needs no memory for a season however long, and no sample of last season in particular; sharp
/// edges are rounded.
///
/// ```
/// use forescale::forecast::harmonic::{Config, Harmonic};
/// use forescale::forecast::{Forecast, Forecaster};
/// use forescale::series::Sample;
/// use forescale::{Duration, Timestamp};
///
/// let hour = Duration::from_secs(3600);
/// let settings = Config { seasons: vec![hour], ..Config::default() };
/// let mut model = Harmonic::new(settings, Duration::from_secs(60))?;
/// let load = |minute: i64| 500.0 + 300.0 * (minute as f64 / 60.0 * std::f64::consts::TAU).sin();
/// for minute in 0..360 {
///     let at = Timestamp::from_secs(60 * (minute + 1));
///     model.observe(Sample { at, value: Some(load(minute)) });
/// }
/// let mut forecast = Forecast::default();
/// model.forecast(40, &[0.5], &mut forecast).expect("six hours are enough");
/// assert!((forecast.row(14)[0] - load(374)).abs() < 20.0);
/// assert!((forecast.row(39)[0] - load(399)).abs() < 20.0);
/// # Ok::<(), forescale::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved", into = "Saved")]
pub struct Harmonic {
    settings: Config,
    step: Duration,
    history: History,
    /// The sum of all shifts so far. What is learnt lies above it, so that neither an outage nor a
    /// new level is taken for a wave.
    base: f64,
    waves: Waves,
    level: Level,
    screen: Screen,
    residuals: Residuals,
}

/// The regression on waves, in square-root scale.
#[derive(Clone, Debug, PartialEq)]
struct Waves {
    /// Each season in steps, rising, and its pairs of waves.
    seasons: Vec<(usize, usize)>,
    /// The weight of all before a step, and the steps between two solutions.
    keep: f64,
    stride: u64,
    sums: Sums,
}

/// What was seen of the waves so far. The first feature is the constant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Sums {
    /// Products of the features with each other, row-major, the lower half.
    products: Vec<f64>,
    /// Products of the features with the load.
    targets: Vec<f64>,
    /// As last solved, zero where a season has not joined in; empty before.
    weights: Vec<f64>,
    /// Known samples so far.
    n_known: u64,
}

impl Harmonic {
    /// From its settings and the step of its samples.
    ///
    /// # Errors
    /// If there is no season, or one that is not a whole number of steps; if there are no pairs of
    /// waves or more than 32 in all; or if `memory` is shorter than the longest season.
    pub fn new(settings: Config, step: Duration) -> Result<Self, Error> {
        let Some(&longest) = settings.seasons.iter().max() else {
            return Err(Error::config("seasons", "is empty, must name one at least"));
        };
        let n_pairs = settings.pairs.saturating_mul(settings.seasons.len());
        if n_pairs == 0 || n_pairs > MOST_PAIRS {
            let (pairs, n_seasons) = (settings.pairs, settings.seasons.len());
            let most = MOST_PAIRS / n_seasons;
            let message = format!("is {pairs}, must be 1 to {most} for {n_seasons} seasons");
            return Err(Error::config("pairs", message));
        }
        let mut seasons = Vec::new();
        for (at, &season) in settings.seasons.iter().enumerate() {
            let period = steps_of(season, step, &format!("seasons[{at}]"))?;
            // Of a wave faster than two steps nothing can be seen.
            seasons.push((period, settings.pairs.min((period - 1) / 2).max(1)));
        }
        seasons.sort_unstable();
        if settings.memory < longest {
            let message = format!("is {}, must be {longest} or longer", settings.memory);
            return Err(Error::config("memory", message));
        }
        Ok(Self {
            history: History::new(1 + MOST_STALE, step),
            base: 0.0,
            waves: Waves::new(seasons, settings.memory.steps(step)),
            level: Level::new(step),
            screen: Screen::default(),
            residuals: Residuals::doubling(),
            settings,
            step,
        })
    }
}

impl Forecaster for Harmonic {
    fn observe(&mut self, sample: Sample) {
        let Self { history, base, waves, level, screen, residuals, .. } = self;
        let expected = waves.points(level, history.n_samples, *base)(1).map(f64::sqrt);
        let truth = history.push(sample);
        let now = history.n_samples;
        let mut root = truth.map(f64::sqrt);
        if let (Some(seen), Some(expected)) = (root, expected) {
            match screen.judge(seen - expected) {
                Seen::Plain => {}
                Seen::Odd => root = None,
                Seen::Shift => *base += seen - expected,
            }
        }
        let root = root.map(|root| root - *base);
        level.observe(root, |ahead| waves.at(now + ahead as u64));
        let moved = waves.observe(root, now);
        if moved != 0.0 {
            level.moved(-moved);
        }
        let point = waves.points(level, now, *base);
        residuals.observe(truth, |ahead| truth.and_then(|_| point(ahead)));
    }

    fn forecast(
        &self,
        horizon: usize,
        quantiles: &[f64],
        forecast: &mut Forecast,
    ) -> Result<(), Reason> {
        let shortest = self.waves.seasons[0].0;
        let point = self.waves.points(&self.level, self.history.n_samples, self.base);
        self.history.fill(&self.residuals, shortest, horizon, quantiles, forecast, point)
    }

    fn reset(&mut self) -> bool {
        let Self { history, base, waves, level, screen, residuals, .. } = self;
        history.clear();
        *base = 0.0;
        waves.sums.clear();
        level.clear();
        *screen = Screen::default();
        residuals.clear();
        true
    }
}

/// So many pairs of waves at most: the work of a solution grows with their cube.
const MOST_PAIRS: usize = 32;

/// Solutions in the shortest season.
const SOLUTIONS: usize = 96;

/// The ridge of a wave, as samples that say it is not there, for each square of its frequency.
const RIDGE: f64 = 0.25;

impl Waves {
    fn new(seasons: Vec<(usize, usize)>, memory: usize) -> Self {
        let n = 1 + seasons.iter().map(|(_, pairs)| 2 * pairs).sum::<usize>();
        let shortest = seasons.first().map_or(1, |(period, _)| *period);
        Self {
            keep: libm::exp(-1.0 / memory as f64),
            stride: shortest.div_ceil(SOLUTIONS) as u64,
            sums: Sums {
                products: vec![0.0; n * n],
                targets: vec![0.0; n],
                weights: Vec::new(),
                n_known: 0,
            },
            seasons,
        }
    }

    /// The point forecasts, some steps (from 1) from the sample number `now`.
    fn points(&self, level: &Level, now: u64, base: f64) -> impl Fn(usize) -> Option<f64> {
        let course = self.at(now);
        move |ahead| {
            let then = self.at(now + ahead as u64)?;
            let root = (base + then + level.rest(ahead, course?, then)?).max(0.0);
            Some((root * root).min(f64::MAX))
        }
    }

    /// The course at the sample number `step`; `None` before the first solution.
    fn at(&self, step: u64) -> Option<f64> {
        let mut course = *self.sums.weights.first()?;
        let mut weights = self.sums.weights[1..].chunks_exact(2);
        self.each_wave(step, |cosine, sine| {
            if let Some([on_cosine, on_sine]) = weights.next() {
                course += on_cosine * cosine + on_sine * sine;
            }
        });
        Some(course)
    }

    /// Calls `wave` with cosine and sine of each pair at the sample number `step`.
    fn each_wave(&self, step: u64, mut wave: impl FnMut(f64, f64)) {
        for &(period, pairs) in &self.seasons {
            let phase = (step % period as u64) as f64 / period as f64 * std::f64::consts::TAU;
            let (base_sine, base_cosine) = libm::sincos(phase);
            let (mut sine, mut cosine) = (base_sine, base_cosine);
            for _ in 0..pairs {
                wave(cosine, sine);
                // Angles add up: one sine a season is enough.
                (sine, cosine) = (
                    sine * base_cosine + cosine * base_sine,
                    cosine * base_cosine - sine * base_sine,
                );
            }
        }
    }

    /// Takes the sample number `step`; tells how much the course at it moved by a new solution.
    fn observe(&mut self, root: Option<f64>, step: u64) -> f64 {
        if let Some(root) = root {
            let n = self.sums.targets.len();
            let mut features = [1.0; 1 + 2 * MOST_PAIRS];
            let mut next = 1;
            self.each_wave(step, |cosine, sine| {
                features[next..next + 2].copy_from_slice(&[cosine, sine]);
                next += 2;
            });
            let (keep, sums) = (self.keep, &mut self.sums);
            for (i, feature) in features[..n].iter().enumerate() {
                let row = &mut sums.products[i * n..=i * n + i];
                for (product, other) in row.iter_mut().zip(&features) {
                    *product = keep * *product + feature * other;
                }
                sums.targets[i] = keep * sums.targets[i] + feature * root;
            }
            sums.n_known += 1;
        }
        if !step.is_multiple_of(self.stride) || self.sums.n_known == 0 {
            return 0.0;
        }
        let before = self.at(step);
        self.solve(step);
        before.zip(self.at(step)).map_or(0.0, |(before, after)| after - before)
    }

    /// Finds the weights of the seasons of which a whole cycle has passed.
    fn solve(&mut self, step: u64) {
        let joined = self.seasons.iter().filter(|(period, _)| *period as u64 <= step);
        let n = 1 + joined.clone().map(|(_, pairs)| 2 * pairs).sum::<usize>();
        if n == 1 {
            return;
        }
        let Sums { products, targets, weights, .. } = &mut self.sums;
        let width = targets.len();
        const MOST: usize = 1 + 2 * MOST_PAIRS;
        let mut matrix = [[[0.0; cholesky::LANES]; MOST.div_ceil(cholesky::LANES)]; MOST];
        for i in 0..n {
            let row = matrix[i].as_flattened_mut();
            row[..=i].copy_from_slice(&products[i * width..=i * width + i]);
        }
        let mut i = 1;
        for &(_, pairs) in joined {
            for frequency in 1..=pairs {
                let ridge = RIDGE * (frequency * frequency) as f64;
                matrix[i].as_flattened_mut()[i] += ridge;
                matrix[i + 1].as_flattened_mut()[i + 1] += ridge;
                i += 2;
            }
        }
        // The constant alone has no ridge, but must not vanish in a long gap.
        matrix[0][0][0] += 1e-9;
        let mut solution = [0.0; MOST];
        solution[..n].copy_from_slice(&targets[..n]);
        cholesky::solve(&mut matrix[..n], &mut solution[..n]);
        if solution.iter().all(|weight| weight.is_finite()) {
            weights.resize(width, 0.0);
            weights[..n].copy_from_slice(&solution[..n]);
        }
    }
}

impl Sums {
    fn clear(&mut self) {
        self.products.fill(0.0);
        self.targets.fill(0.0);
        self.weights.clear();
        self.n_known = 0;
    }
}

/// As text.
#[derive(Serialize, Deserialize)]
struct Saved {
    settings: Config,
    step: Duration,
    history: History,
    base: f64,
    sums: Sums,
    level: Level,
    screen: Screen,
    residuals: Residuals,
}

impl From<Harmonic> for Saved {
    fn from(model: Harmonic) -> Self {
        let Harmonic { settings, step, history, base, waves, level, screen, residuals } = model;
        Self { settings, step, history, base, sums: waves.sums, level, screen, residuals }
    }
}

impl TryFrom<Saved> for Harmonic {
    type Error = String;

    fn try_from(saved: Saved) -> Result<Self, String> {
        let mut model = Self::new(saved.settings, saved.step).map_err(|error| error.to_string())?;
        let (ours, sums) = (&model.waves.sums, saved.sums);
        let sizes = |sums: &Sums| (sums.products.len(), sums.targets.len());
        let n_weights = sums.weights.len();
        if sizes(ours) != sizes(&sums)
            || ![0, sums.targets.len()].contains(&n_weights)
            || sums.n_known > 1 << 53
        {
            return Err("the waves of a forecaster are not of its settings".to_owned());
        }
        model.waves.sums = sums;
        model.base = saved.base;
        model.history = model.history.restored(saved.history)?;
        model.level = model.level.restored(saved.level)?;
        model.screen = model.screen.restored(saved.screen)?;
        model.residuals = model.residuals.restored(saved.residuals)?;
        Ok(model)
    }
}

/// Settings of [`Harmonic`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// After these times the load comes again, each a whole number of steps; one counts once its
    /// first cycle has been seen. Default `1d`: most loads that people make follow the day.
    pub seasons: Vec<Duration>,
    /// Pairs of sine and cosine for each season, 1 to 32 in all; cut to what the step can show.
    /// Default 6: down to four hours of a day, so that a morning's rise is one.
    pub pairs: usize,
    /// Time constant of forgetting, at least the longest season. Default `7d`: each day of the week
    /// has its say.
    pub memory: Duration,
}

impl Default for Config {
    fn default() -> Self {
        let day = Duration::from_secs(86_400);
        Self { seasons: vec![day], pairs: 6, memory: day.times(7) }
    }
}

#[cfg(test)]
mod tests;
