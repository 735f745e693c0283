//! What an elastic net learns from.
//!
//! In: the samples of series. Out: for a sample and a horizon the features, for a panel the rows of a fit,
//! and the model of that horizon. Knows no forecast.

use std::f64::consts::TAU;

use linfa::Dataset;
use linfa::traits::Fit;
use ndarray::{Array1, Array2};

use super::{Config, Head};
use crate::Error;
use crate::forecast::MOST_STALE;
use crate::time::{Duration, Timestamp};

/// The number of features; see [`Series::features`].
pub(super) const N_FEATURES: usize = 16;

/// So many errors are kept; those between are left out evenly.
const MOST_ERRORS: usize = 999;

/// So few rows give no model.
const LEAST_ROWS: usize = 100;

/// One series of a panel.
#[derive(Clone, Copy)]
pub(super) struct Series<'a> {
    pub(super) values: &'a [f64],
    /// End of the first step.
    pub(super) start: Timestamp,
    pub(super) step: Duration,
}

impl Series<'_> {
    /// A span of seconds in steps, at least one.
    pub(super) fn span(&self, seconds: u32) -> usize {
        let millis = Duration::from_secs(seconds).as_millis();
        ((millis + self.step.as_millis() / 2) / self.step.as_millis()).max(1) as usize
    }

    pub(super) fn day(&self) -> usize {
        self.span(86_400)
    }

    /// A load, unless it is missing or none.
    fn load(&self, index: usize) -> Option<f64> {
        self.values.get(index).copied().filter(|load| load.is_finite() && *load >= 0.0)
    }

    /// The mean of the `n` loads up to an index, of those that are known.
    fn mean(&self, last: usize, n: usize) -> Option<f64> {
        let loads = (last + 1).saturating_sub(n)..=last;
        let known = loads.filter_map(|index| self.load(index));
        let (n, mean) = known.fold((0.0, 0.0), |(n, mean), load| {
            let n = n + 1.0;
            (n, mean + (load - mean) / n)
        });
        (n > 0.0).then_some(mean)
    }

    /// What is known at `now` of the load `ahead` steps later, as roots of shares of the level; and
    /// the level.
    pub(super) fn features(&self, now: usize, ahead: usize) -> Option<([f64; N_FEATURES], f64)> {
        let (day, week) = (self.day(), 7 * self.day());
        let level = self.mean(now, day).filter(|&level| level > 0.0 && level < f64::MAX)?;
        let root = |load: f64| (load / level).min(1e6).sqrt();
        let last = (0..MOST_STALE + 1).find_map(|age| self.load(now.checked_sub(age)?))?;
        let around = |index: usize| self.mean(index + 2, 5).map(root);
        // Whole days ago, so that it is past by now, with its neighbors.
        let ago = |season: usize| {
            let seasons = (ahead + 2).div_ceil(season) * season;
            let then = (now + ahead).checked_sub(seasons)?;
            let neighbors = around(then)?;
            let before = around(now.checked_sub(seasons)?).unwrap_or(neighbors);
            Some([self.load(then).map_or(neighbors, root), neighbors, before])
        };
        let yesterday = ago(day)?;
        let last_week = ago(week).unwrap_or(yesterday);
        let recent = |seconds: u32, least: usize| {
            self.mean(now, self.span(seconds).max(least)).map_or(1.0, root)
        };
        let then = self.start + self.step.times((now + ahead) as i64);
        let turn = |seconds: i64| {
            let millis = seconds * 1000;
            then.as_millis().rem_euclid(millis) as f64 / millis as f64 * TAU
        };
        let (hour, weekday) = (turn(86_400), turn(604_800));
        let features = [
            root(last),
            self.mean(now, 3).map_or(1.0, root),
            recent(1800, 3),
            recent(7200, 4),
            yesterday[0],
            yesterday[1],
            yesterday[2],
            last_week[0],
            last_week[1],
            last_week[2],
            libm::sin(hour),
            libm::cos(hour),
            libm::sin(2.0 * hour),
            libm::cos(2.0 * hour),
            libm::sin(weekday),
            libm::cos(weekday),
        ];
        Some((features, level))
    }
}

/// What a head learns from.
#[derive(Default)]
pub(super) struct Rows {
    /// Row-major.
    features: Vec<f64>,
    roots: Vec<f64>,
    /// The first row that is kept from the fit.
    first_held: usize,
}

impl Rows {
    /// Rows of all series, evenly over time, those of the last quarter at the end.
    pub(super) fn of(
        values: &[f64],
        n_samples: usize,
        start: Timestamp,
        step: Duration,
        ahead: usize,
        most: usize,
    ) -> Self {
        let mut rows = Self::default();
        let n_series = values.len().checked_div(n_samples).unwrap_or(0);
        let stride = (n_samples * n_series).div_ceil(most).max(1);
        let split = n_samples - n_samples / 4;
        for is_held in [false, true] {
            if is_held {
                rows.first_held = rows.roots.len();
            }
            for (number, samples) in values.chunks_exact(n_samples.max(1)).enumerate() {
                let series = Series { values: samples, start, step };
                // Each series at other times, so that a stride of a day misses no hour.
                for now in (number % stride..n_samples).step_by(stride) {
                    // What is held is not in any target of the fit.
                    let is_late = now >= split;
                    if is_late != is_held || !is_held && now + ahead >= split {
                        continue;
                    }
                    let Some(load) = series.load(now + ahead) else { continue };
                    if let Some((features, level)) = series.features(now, ahead) {
                        rows.features.extend_from_slice(&features);
                        rows.roots.push((load / level).min(1e6).sqrt());
                    }
                }
            }
        }
        rows
    }

    pub(super) fn fit(&self, settings: &Config, ahead: usize) -> Result<Head, Error> {
        let n = self.first_held;
        let n_held = self.roots.len() - n;
        if n < LEAST_ROWS || n_held < LEAST_ROWS / 4 {
            let message = format!(
                "has {n} samples with a day before and {ahead} steps after them, must have \
                 {LEAST_ROWS}, and a quarter more to judge by"
            );
            return Err(Error::observation("values", message));
        }
        // The penalty must be the same for all features, so each is brought to unit variance.
        let mut x =
            Array2::from_shape_vec((n, N_FEATURES), self.features[..n * N_FEATURES].to_vec())
                .expect("as many features a row");
        let mut scales = [(0.0, 1.0); N_FEATURES];
        for (mut column, (mean, scale)) in x.columns_mut().into_iter().zip(&mut scales) {
            *mean = column.iter().sum::<f64>() / n as f64;
            let square = column.iter().map(|value| (value - *mean) * (value - *mean)).sum::<f64>();
            let deviation = (square / n as f64).sqrt();
            *scale = if deviation > 1e-9 { deviation } else { f64::INFINITY };
            column.mapv_inplace(|value| (value - *mean) / *scale);
        }
        let roots = Array1::from(self.roots[..n].to_vec());
        let params = linfa_elasticnet::ElasticNet::params()
            .penalty(settings.penalty)
            .l1_ratio(settings.l1_ratio)
            .max_iterations(1000)
            .tolerance(1e-5);
        let fitted = params
            .fit(&Dataset::new(x, roots))
            .map_err(|error| Error::observation("values", format!("cannot be fitted: {error}")))?;
        let weights: Vec<_> = fitted
            .hyperplane()
            .iter()
            .zip(&scales)
            .map(|(weight, (_, scale))| weight / scale)
            .collect();
        let shift =
            weights.iter().zip(&scales).map(|(weight, (mean, _))| weight * mean).sum::<f64>();
        let intercept = fitted.intercept() - shift;
        if !intercept.is_finite() || !weights.iter().all(|weight| weight.is_finite()) {
            return Err(Error::observation("values", "cannot be fitted: a weight is not finite"));
        }
        let mut head = Head { ahead, intercept, weights, errors: Vec::new() };
        let held = self.features[n * N_FEATURES..].as_chunks::<N_FEATURES>().0;
        let mut errors: Vec<_> = held
            .iter()
            .zip(&self.roots[n..])
            .map(|(features, root)| root - head.root(features).max(0.0))
            .collect();
        errors.sort_unstable_by(f64::total_cmp);
        let kept = errors.len().min(MOST_ERRORS);
        // The middle of each of as many equal parts.
        head.errors = (0..kept).map(|k| errors[(2 * k + 1) * errors.len() / (2 * kept)]).collect();
        Ok(head)
    }
}
