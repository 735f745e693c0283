//! How far a model's forecasts have lately been off, as quantiles.
//!
//! In: the model's point forecasts as it issues them, and the truth when it comes. Out: quantiles
//! around a new point forecast. Knows nothing of how the point forecasts are made.

use serde::{Deserialize, Serialize};

use crate::series::Ring;

/// The model's last out-of-sample errors, a window for each of some horizons.
///
/// Split conformal prediction on the model's own past (Vovk 2005; Lei et al. 2018): the quantile
/// `q` of `n` errors is the one of rank `ceil((n + 1) q)`, so that the truth lies at or below with
/// probability `q` or more as long as errors come as they came. Above rank `n` it is the largest
/// error seen: more is not known, and the coverage is then `n / (n + 1)` at most.
///
/// Errors are kept in square-root scale, `sqrt(truth) - sqrt(forecast)`, where the spread of counts
/// does not depend on their size (Bartlett 1936, Anscombe 1948): what was learnt in the night holds
/// at noon. Calm and wild times follow each other, so each error counts in multiples of a width that
/// moves with the last few errors, between half and twice the long-run one (locally weighted
/// conformal prediction, Lei et al. 2018); the bounds keep a burst after a calm from exploding.
///
/// Between two horizons the error is interpolated over the logarithm of the horizon;
/// beyond the longest one it stays as it is there. Quantiles never cross and are never negative.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Band>", into = "Vec<Band>")]
pub(super) struct Residuals {
    /// Invariant: at least one; `ahead` rises.
    bands: Vec<Band>,
}

/// The errors at one horizon.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "SavedBand", into = "SavedBand")]
struct Band {
    /// The horizon in steps. Invariant: the capacity of `issued`.
    ahead: usize,
    /// The point forecasts that wait for their truth.
    issued: Ring,
    /// The width when each of them was issued.
    widths: Ring,
    /// Mean size of the errors, lately and in the long run.
    lately: f64,
    ever: f64,
    /// The last errors in multiples of the width, in the order they came.
    errors: Ring,
    /// The same, sorted.
    sorted: Vec<f64>,
}

impl Residuals {
    /// Errors at each horizon that are kept: eight hours of minutes. Long enough for the quantile
    /// 0.99; three times as many covered hardly better on real loads, half as many worse at 0.99.
    pub(super) const KEPT: usize = 480;

    /// Weight of an error in what counts as lately: about twenty of them.
    const LATELY: f64 = 0.05;

    /// So few errors say nothing: 19 is the least for which rank `ceil((n + 1) 0.95)` exists.
    pub(super) const LEAST: usize = 19;

    /// At the horizons of [`DOUBLING`].
    pub(super) fn doubling() -> Self {
        Self { bands: DOUBLING.iter().map(|&ahead| Band::new(ahead)).collect() }
    }

    /// One horizon only, at least one step.
    #[cfg(test)]
    pub(super) fn at(ahead: usize) -> Self {
        Self { bands: vec![Band::new(ahead.max(1))] }
    }

    /// Forgets all errors, keeping the memory.
    pub(super) fn clear(&mut self) {
        self.bands.iter_mut().for_each(Band::clear);
    }

    /// Takes over what was saved, if it has the same horizons.
    pub(super) fn restored(&self, saved: Self) -> Result<Self, String> {
        let same =
            self.bands.iter().map(|band| band.ahead).eq(saved.bands.iter().map(|band| band.ahead));
        if same {
            Ok(saved)
        } else {
            Err("the errors of a forecaster have other horizons".to_owned())
        }
    }

    /// Takes the truth of this step, then the model's new point forecasts: `point(ahead)` for
    /// `ahead` steps from now, not negative.
    pub(super) fn observe(&mut self, truth: Option<f64>, point: impl Fn(usize) -> Option<f64>) {
        for band in &mut self.bands {
            if let (Some(truth), Some(issued)) = (truth, band.issued.back(band.ahead - 1)) {
                band.judge(truth.sqrt() - issued.sqrt());
            }
            band.issued.push(point(band.ahead));
            band.widths.push(Some(band.width()));
        }
    }

    /// How many errors lack, if any, before a forecast `ahead` steps from now can be judged, and
    /// how many steps it takes until the first of them is there.
    pub(super) fn lacking(&self, ahead: usize) -> Option<(usize, usize)> {
        let (_, used, _) = between(&self.bands, |band| band.ahead, ahead);
        let lack =
            self.bands[..=used].iter().map(|band| Self::LEAST.saturating_sub(band.sorted.len()));
        lack.max().filter(|&lack| lack > 0).map(|lack| (lack, self.bands[used].ahead))
    }

    /// The quantile `q` around `point`, `ahead` steps from now (from 1). Needs
    /// [`lacking`](Self::lacking) to be `None` there.
    pub(super) fn quantile(&self, point: f64, ahead: usize, q: f64) -> f64 {
        let (lower, upper, share) = between(&self.bands, |band| band.ahead, ahead);
        // A weighted sum rises with both its terms even when rounded: quantiles cannot cross.
        let error =
            self.bands[lower].quantile(q) * (1.0 - share) + self.bands[upper].quantile(q) * share;
        let root = (point.sqrt() + error).max(0.0);
        (root * root).min(f64::MAX)
    }
}

/// Horizons at which models learn: up to about an hour of minutes.
pub(super) const DOUBLING: [usize; 7] = [1, 2, 4, 8, 16, 32, 64];

/// Between which two of the rising horizons `ahead` lies, and how far from the first to the second
/// over the logarithm; beyond the ends it stays there.
pub(super) fn between<T>(
    bands: &[T],
    horizon: impl Fn(&T) -> usize,
    ahead: usize,
) -> (usize, usize, f64) {
    let upper = bands.partition_point(|band| horizon(band) < ahead).min(bands.len() - 1);
    let lower = upper.saturating_sub(1);
    let (from, to) = (horizon(&bands[lower]) as f64, horizon(&bands[upper]) as f64);
    let share =
        if lower == upper { 1.0 } else { libm::log(ahead as f64 / from) / libm::log(to / from) };
    (lower, upper, share.clamp(0.0, 1.0))
}

impl From<Residuals> for Vec<Band> {
    fn from(residuals: Residuals) -> Self {
        residuals.bands
    }
}

impl TryFrom<Vec<Band>> for Residuals {
    type Error = String;

    fn try_from(bands: Vec<Band>) -> Result<Self, String> {
        if bands.is_empty() || !bands.is_sorted_by(|a, b| a.ahead < b.ahead) {
            return Err("the horizons of a forecaster's errors do not rise".to_owned());
        }
        Ok(Self { bands })
    }
}

impl Band {
    fn new(ahead: usize) -> Self {
        Self {
            ahead,
            issued: Ring::new(ahead),
            widths: Ring::new(ahead),
            lately: 0.0,
            ever: 0.0,
            errors: Ring::new(Residuals::KEPT),
            sorted: Vec::with_capacity(Residuals::KEPT),
        }
    }

    fn clear(&mut self) {
        for ring in [&mut self.issued, &mut self.widths, &mut self.errors] {
            ring.clear();
        }
        (self.lately, self.ever) = (0.0, 0.0);
        self.sorted.clear();
    }

    /// Takes the error of the point forecast whose truth has come.
    fn judge(&mut self, error: f64) {
        if !error.is_finite() {
            return;
        }
        self.push(error / self.widths.back(self.ahead - 1).unwrap_or(1.0));
        let weight = 1.0 / self.sorted.len() as f64;
        self.ever += (error.abs() - self.ever) * weight;
        self.lately += (error.abs() - self.lately) * weight.max(Residuals::LATELY);
    }

    /// How wide the errors lately are against the long run, from 1/2 to 2.
    fn width(&self) -> f64 {
        let width = self.lately / self.ever;
        if width.is_finite() { width.clamp(0.5, 2.0) } else { 1.0 }
    }

    fn push(&mut self, error: f64) {
        if self.errors.len() == self.errors.capacity()
            && let Some(oldest) = self.errors.back(self.errors.len() - 1)
        {
            let at = self.sorted.partition_point(|known| known.total_cmp(&oldest).is_lt());
            self.sorted.remove(at);
        }
        self.errors.push(Some(error));
        let at = self.sorted.partition_point(|known| known.total_cmp(&error).is_lt());
        self.sorted.insert(at, error);
    }

    /// The error of rank `ceil((n + 1) q)` at the present width, 0 if there is none.
    fn quantile(&self, q: f64) -> f64 {
        let n = self.sorted.len();
        let rank = ((n + 1) as f64 * q).ceil() as usize;
        let ranked = self.sorted.get(rank.clamp(1, n.max(1)) - 1);
        self.width() * ranked.copied().unwrap_or(0.0)
    }
}

/// As text: without what can be worked out again.
#[derive(Serialize, Deserialize)]
struct SavedBand {
    issued: Ring,
    widths: Ring,
    lately: f64,
    ever: f64,
    errors: Ring,
}

impl From<Band> for SavedBand {
    fn from(band: Band) -> Self {
        let Band { issued, widths, lately, ever, errors, .. } = band;
        Self { issued, widths, lately, ever, errors }
    }
}

impl TryFrom<SavedBand> for Band {
    type Error = String;

    fn try_from(saved: SavedBand) -> Result<Self, String> {
        // Not `new` with that capacity: a damaged one would ask for all memory.
        let mut band = Self { ahead: saved.issued.capacity(), ..Self::new(1) };
        if saved.errors.capacity() != band.errors.capacity() {
            return Err(format!("a window of {} errors is not ours", saved.errors.capacity()));
        }
        for error in saved.errors.iter() {
            band.push(error.ok_or("an error of a forecast is missing")?);
        }
        if saved.issued.iter().flatten().any(|point| point < 0.0) {
            return Err("a forecast is negative".to_owned());
        }
        if saved.widths.capacity() != band.ahead
            || !saved.widths.iter().flatten().all(|width| (0.5..=2.0).contains(&width))
            || saved.lately < 0.0
            || saved.ever < 0.0
        {
            return Err("the width of errors is out of its range".to_owned());
        }
        let SavedBand { issued, widths, lately, ever, .. } = saved;
        Ok(Self { issued, widths, lately, ever, ..band })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_the_order_statistic_of_the_conformal_rank() {
        let mut residuals = Residuals::at(1);
        for error in (-1..18).rev() {
            assert!(residuals.lacking(1).is_some());
            residuals.bands[0].push(f64::from(error));
        }
        assert_eq!(residuals.lacking(1), None);
        // ceil(20 * 0.5) = 10: the tenth of -1, 0, ..., 17 is 8, and (10 + 8)^2 is expected.
        assert_eq!(residuals.quantile(100.0, 1, 0.5), 18.0 * 18.0);
        // ceil(20 * 0.95) = 19: 17, the largest; above there is no more.
        assert_eq!(residuals.quantile(100.0, 1, 0.95), 27.0 * 27.0);
        assert_eq!(residuals.quantile(100.0, 1, 0.999), 27.0 * 27.0);
        assert_eq!(residuals.quantile(0.0, 1, 0.01), 0.0);
    }

    #[test]
    fn quantiles_widen_in_wild_times_at_most_fourfold() {
        let mut residuals = Residuals::at(1);
        let after = |residuals: &mut Residuals, n, size: f64| {
            for step in 0..n {
                let error = if step % 2 == 0 { size } else { -size };
                residuals.observe(Some((100.0 + error).powi(2)), |_| Some(10_000.0));
            }
            residuals.quantile(10_000.0, 1, 0.9).sqrt() - 100.0
        };
        let calm = after(&mut residuals, 400, 1.0);
        assert!((0.9..1.1).contains(&calm), "{calm}");
        // Before half of the window is wild, the quantile already is.
        let wild = after(&mut residuals, 30, 2.0);
        assert!((1.5..2.5).contains(&wild), "{wild}");
        // 2 to 1/2 is the widest that widths can differ.
        let burst = after(&mut residuals, 10, 50.0);
        assert!(burst <= 4.0 * 2.0, "{burst}");
    }

    #[test]
    fn errors_between_two_horizons_lie_between_theirs() {
        // The load rises by one in square-root scale at each step, and "as now" is expected.
        let mut residuals = Residuals::doubling();
        for step in 0..200 {
            let load = f64::from(step).powi(2);
            residuals.observe(Some(load), |_| Some(load));
        }
        for (ahead, want) in [(1, 1.0), (2, 2.0), (4, 4.0), (64, 64.0), (500, 64.0)] {
            assert_eq!(residuals.quantile(0.0, ahead, 0.5), want * want);
        }
        let between = residuals.quantile(0.0, 3, 0.5).sqrt();
        assert!((3.1..3.2).contains(&between), "{between}"); // 2 + 2 * log2(3 / 2) = 3.17
    }

    #[test]
    fn the_oldest_errors_are_forgotten() {
        let mut residuals = Residuals::at(1);
        for step in 0..3 * Residuals::KEPT {
            let load = if step < Residuals::KEPT { 400.0 } else { 121.0 };
            residuals.observe(Some(load), |_| Some(100.0));
        }
        let band = &residuals.bands[0];
        assert_eq!((band.sorted.len(), band.errors.len()), (Residuals::KEPT, Residuals::KEPT));
        assert!(band.sorted.iter().all(|error| (0.5..=2.0).contains(error)));
    }

    #[test]
    fn a_damaged_text_is_refused() {
        let mut residuals = Residuals::at(1);
        for _ in 0..30 {
            residuals.observe(Some(4.0), |_| Some(1.0));
        }
        let whole = serde_json::to_value(&residuals).expect("JSON");
        let read = |value| serde_json::from_value::<Residuals>(value);
        assert_eq!(read(whole.clone()).expect("its own"), residuals);
        for (place, value) in [
            ("/0/issued/samples/0", -1.0),
            ("/0/issued/capacity", 0.0),
            ("/0/widths/samples/0", 0.0),
            ("/0/lately", -1.0),
        ] {
            let mut damaged = whole.clone();
            *damaged.pointer_mut(place).expect(place) = value.into();
            assert!(read(damaged).is_err(), "{place}");
        }
        assert!(read(serde_json::json!([])).is_err());
    }
}
