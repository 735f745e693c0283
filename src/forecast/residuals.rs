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
/// at noon. Between two horizons the error is interpolated over the logarithm of the horizon;
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
    /// The last errors in the order they came.
    errors: Ring,
    /// The same, sorted.
    sorted: Vec<f64>,
}

impl Residuals {
    /// Errors at each horizon that are kept: eight hours of minutes. Long enough for the quantile
    /// 0.99; three times as many covered hardly better on real loads, half as many worse at 0.99.
    const KEPT: usize = 480;

    /// So few errors say nothing: 19 is the least for which rank `ceil((n + 1) 0.95)` exists.
    pub(super) const LEAST: usize = 19;

    /// At the horizons of [`DOUBLING`].
    pub(super) fn doubling() -> Self {
        Self { bands: DOUBLING.iter().map(|&ahead| Band::new(ahead)).collect() }
    }

    /// One horizon only, at least one step.
    pub(super) fn at(ahead: usize) -> Self {
        Self { bands: vec![Band::new(ahead.max(1))] }
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
                band.push(truth.sqrt() - issued.sqrt());
            }
            band.issued.push(point(band.ahead));
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
    let share = if lower == upper { 1.0 } else { (ahead as f64 / from).ln() / (to / from).ln() };
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
            errors: Ring::new(Residuals::KEPT),
            sorted: Vec::with_capacity(Residuals::KEPT),
        }
    }

    fn push(&mut self, error: f64) {
        if !error.is_finite() {
            return;
        }
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

    /// The error of rank `ceil((n + 1) q)`, 0 if there is none.
    fn quantile(&self, q: f64) -> f64 {
        let n = self.sorted.len();
        let rank = ((n + 1) as f64 * q).ceil() as usize;
        self.sorted.get(rank.clamp(1, n.max(1)) - 1).copied().unwrap_or(0.0)
    }
}

/// As text: without what can be worked out again.
#[derive(Serialize, Deserialize)]
struct SavedBand {
    issued: Ring,
    errors: Ring,
}

impl From<Band> for SavedBand {
    fn from(band: Band) -> Self {
        Self { issued: band.issued, errors: band.errors }
    }
}

impl TryFrom<SavedBand> for Band {
    type Error = String;

    fn try_from(saved: SavedBand) -> Result<Self, String> {
        let mut band = Self::new(saved.issued.capacity());
        if saved.errors.capacity() != band.errors.capacity() {
            return Err(format!("a window of {} errors is not ours", saved.errors.capacity()));
        }
        for error in saved.errors.iter() {
            band.push(error.ok_or("an error of a forecast is missing")?);
        }
        if saved.issued.iter().flatten().any(|point| point < 0.0) {
            return Err("a forecast is negative".to_owned());
        }
        band.issued = saved.issued;
        Ok(band)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_the_order_statistic_of_the_conformal_rank() {
        let mut residuals = Residuals::at(1);
        residuals.observe(None, |_| Some(100.0));
        // Errors of -1 to 17 in square-root scale: (10 + e)^2 comes after 100 was expected.
        for error in (-1..18).rev() {
            let truth = (10.0 + f64::from(error)).powi(2);
            assert!(residuals.lacking(1).is_some());
            residuals.observe(Some(truth), |_| Some(100.0));
        }
        assert_eq!(residuals.lacking(1), None);
        // ceil(20 * 0.5) = 10: the tenth of -1, 0, ..., 17 is 8; ceil(20 * 0.95) = 19: 17.
        assert_eq!(residuals.quantile(100.0, 1, 0.5), 18.0 * 18.0);
        assert_eq!(residuals.quantile(100.0, 1, 0.95), 27.0 * 27.0);
        assert_eq!(residuals.quantile(100.0, 1, 0.999), 27.0 * 27.0);
        assert_eq!(residuals.quantile(0.0, 1, 0.01), 0.0);
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
        assert!(band.sorted.iter().all(|&error| error == 1.0));
    }

    #[test]
    fn a_damaged_text_is_refused() {
        for text in [
            "[]",
            r#"[{"issued": {"capacity": 1, "samples": [-1.0]}, "errors": {"capacity": 480, "samples": []}}]"#,
        ] {
            assert!(serde_json::from_str::<Residuals>(text).is_err(), "{text}");
        }
        let whole = serde_json::to_string(&Residuals::doubling()).expect("JSON");
        assert_eq!(
            serde_json::from_str::<Residuals>(&whole).expect("its own"),
            Residuals::doubling()
        );
    }
}
