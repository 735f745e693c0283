//! Load that comes now and then: how often, and how much at a time.
//!
//! In: samples, most of them zero. Out: quantiles of a load that is zero with some probability. Knows
//! no season.

use serde::{Deserialize, Serialize};

use super::history::{History, MOST_STALE, too_little};
use super::residuals::Residuals;
use super::screen::{Screen, Seen};
use super::{Forecast, Forecaster};
use crate::series::Sample;
use crate::time::Duration;
use crate::{Error, Reason};

/// Expects zero as often as it came, and else a load as it came.
///
/// Croston (1972) smooths the size of a demand and the interval between two of them apart from each
/// other; Syntetos and Boylan (2005) correct the bias of their quotient; Teunter, Syntetos and Babai
/// (2011, TSB) smooth the probability of a demand instead of the interval, at each step, so that a
/// load that has died is forgotten. With the probability `p` of a load above zero, the quantile `q`
/// is zero up to `q = 1 - p`, and above it the quantile `(q - 1 + p) / p` of the sizes, by the errors
/// of the smoothed size so far. Of a load that is mostly zero the median is so zero, and the mean,
/// which is neither, is never told.
///
/// ```
/// use forescale::forecast::croston::{Config, Croston};
/// use forescale::forecast::{Forecast, Forecaster};
/// use forescale::series::Sample;
/// use forescale::{Duration, Timestamp};
///
/// let mut model = Croston::new(Config::default(), Duration::from_secs(60))?;
/// for minute in 0..600 {
///     let load = if minute % 10 == 9 { 50.0 } else { 0.0 };
///     model.observe(Sample { at: Timestamp::from_secs(60 * (minute + 1)), value: Some(load) });
/// }
/// let mut forecast = Forecast::default();
/// model.forecast(3, &[0.5, 0.8, 0.95], &mut forecast).expect("ten hours are enough");
/// assert_eq!(forecast.row(2)[..2], [0.0, 0.0]);
/// assert!((forecast.row(2)[2] - 50.0).abs() < 1e-6);
/// # Ok::<(), forescale::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved", into = "Saved")]
pub struct Croston {
    settings: Config,
    step: Duration,
    history: History,
    demand: Demand,
    /// Of the sizes: judged only where there was a load above zero.
    residuals: Residuals,
}

/// How often and how much.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Demand {
    /// The smoothed square root of a load above zero; `None` before the first.
    size: Option<f64>,
    /// Smoothed steps from one to the next; 0 before the first.
    interval: f64,
    /// Smoothed share of steps with one.
    probability: f64,
    /// Steps since the last one, known ones only.
    since: f64,
    /// Known steps, and those with a load, each up to where its weight stays.
    n_known: f64,
    n_demands: f64,
    /// Of the sizes.
    screen: Screen,
}

impl Croston {
    /// From its settings and the step of its samples.
    ///
    /// # Errors
    /// If `smoothing` is not within (0, 1].
    pub fn new(settings: Config, step: Duration) -> Result<Self, Error> {
        if !(settings.smoothing > 0.0 && settings.smoothing <= 1.0) {
            let message = format!("is {}, must be above 0 and at most 1", settings.smoothing);
            return Err(Error::config("smoothing", message));
        }
        Ok(Self {
            history: History::new(1 + MOST_STALE, step),
            demand: Demand::default(),
            residuals: Residuals::doubling(),
            settings,
            step,
        })
    }

    /// The probability that a step has a load above zero.
    ///
    /// One demand more than was seen, in one step more: what never came in `n` steps may come with
    /// probability `1 / (n + 1)`, as in conformal prediction.
    fn probability(&self) -> f64 {
        let &Demand { interval, probability, n_known, .. } = &self.demand;
        let alpha = self.settings.smoothing;
        let seen = match self.settings.method {
            Method::Tsb => probability,
            Method::Croston if interval > 0.0 => 1.0 / interval,
            Method::Sba if interval > 0.0 => (1.0 - alpha / 2.0) / interval,
            Method::Croston | Method::Sba => 0.0,
        };
        (seen + (1.0 - seen) / (n_known + 1.0)).min(1.0)
    }
}

impl Forecaster for Croston {
    fn observe(&mut self, sample: Sample) {
        let truth = self.history.push(sample);
        let demand = truth.filter(|&load| load > 0.0);
        if let Some(truth) = truth {
            self.demand.observe(truth.sqrt(), self.settings.smoothing);
        }
        let expected = self.demand.size.map(|root| (root * root).min(f64::MAX));
        self.residuals.observe(demand, |_| expected);
    }

    fn forecast(
        &self,
        horizon: usize,
        quantiles: &[f64],
        forecast: &mut Forecast,
    ) -> Result<(), Reason> {
        let (n, least) = (self.history.n_samples, Residuals::LEAST as u64);
        let stale = if n == 0 { 0 } else { self.history.stale()? };
        if self.demand.n_known < Residuals::LEAST as f64 {
            let lack = least - self.demand.n_known as u64;
            return Err(too_little(n, n + lack));
        }
        let zero = 1.0 - self.probability();
        let size = self.demand.size.map(|root| (root * root).min(f64::MAX));
        self.history.begin(quantiles, forecast);
        for ahead in 1..=horizon {
            forecast.values.extend(quantiles.iter().map(|&q| match size {
                Some(size) if q > zero => {
                    let among = (q - zero) / (1.0 - zero);
                    self.residuals.quantile(size, ahead + stale, among)
                }
                _ => 0.0,
            }));
        }
        Ok(())
    }

    fn reset(&mut self) -> bool {
        self.history.clear();
        self.demand = Demand::default();
        self.residuals.clear();
        true
    }
}

impl Demand {
    /// Takes the square root of a load.
    fn observe(&mut self, root: f64, alpha: f64) {
        // Means at first, until the weight of a sample has fallen to `alpha`.
        let most = (1.0 / alpha).max(1.0);
        let came = f64::from(u8::from(root > 0.0));
        self.n_known = (self.n_known + 1.0).min(MEMORY * most);
        self.probability += (came - self.probability) / self.n_known;
        self.since += 1.0;
        if root > 0.0 {
            self.n_demands = (self.n_demands + 1.0).min(most);
            let size = self.size.get_or_insert(root);
            match self.screen.judge(root - *size) {
                Seen::Plain => *size += (root - *size) / self.n_demands,
                Seen::Odd => {}
                Seen::Shift => *size = root,
            }
            self.interval += (self.since - self.interval) / self.n_demands;
            self.since = 0.0;
        }
    }
}

/// The probability is smoothed over so many times as many samples as the size: it takes the zeros in,
/// and one sample says less of it.
const MEMORY: f64 = 5.0;

/// As text.
#[derive(Serialize, Deserialize)]
struct Saved {
    settings: Config,
    step: Duration,
    history: History,
    demand: Demand,
    residuals: Residuals,
}

impl From<Croston> for Saved {
    fn from(model: Croston) -> Self {
        let Croston { settings, step, history, demand, residuals } = model;
        Self { settings, step, history, demand, residuals }
    }
}

impl TryFrom<Saved> for Croston {
    type Error = String;

    fn try_from(saved: Saved) -> Result<Self, String> {
        let mut model = Self::new(saved.settings, saved.step).map_err(|error| error.to_string())?;
        model.history = model.history.restored(saved.history)?;
        model.residuals = model.residuals.restored(saved.residuals)?;
        let Demand { size, interval, probability, since, n_known, n_demands, screen } =
            saved.demand;
        let counts = [size.unwrap_or(0.0), interval, since, n_known, n_demands];
        if counts.iter().any(|&count| count < 0.0) || !(0.0..=1.0).contains(&probability) {
            return Err("the demand of a forecaster is out of its range".to_owned());
        }
        let screen = model.demand.screen.restored(screen)?;
        model.demand = Demand { size, interval, probability, since, n_known, n_demands, screen };
        Ok(model)
    }
}

/// Settings of [`Croston`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How the probability of a load is found. Default `tsb`: a workload may be shut down.
    pub method: Method,
    /// Weight of a new demand in the size and the interval, above 0 and at most 1; that of a step in
    /// the probability is a fifth of it. Default `0.05`: within the 0.05 to 0.2 that are usual for
    /// sparse series (Syntetos and Boylan 2005), and calm, as quantiles live on what is rare.
    pub smoothing: f64,
}

/// How [`Croston`] finds the probability that a step has a load above zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// The smoothed share of steps with a load (Teunter, Syntetos, Babai 2011).
    #[default]
    Tsb,
    /// One over the smoothed interval (Croston 1972); a load that has died keeps it.
    Croston,
    /// The same, without its bias (Syntetos and Boylan 2005).
    Sba,
}

impl Default for Config {
    fn default() -> Self {
        Self { method: Method::Tsb, smoothing: 0.05 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecast::naive::{self, Naive};
    use crate::forecast::testing::{MINUTE, judged, sample, survives_a_snapshot, uniform};

    fn model(method: Method) -> Croston {
        Croston::new(Config { method, ..Config::default() }, MINUTE).expect("in range")
    }

    /// A load of 20 to 100 in a tenth of the minutes, else none.
    fn sparse(minutes: usize, seed: u64) -> Vec<f64> {
        let mut uniform = uniform(seed);
        let mut load = |_| if uniform() < 0.1 { 20.0 + (80.0 * uniform()).floor() } else { 0.0 };
        (0..minutes).map(&mut load).collect()
    }

    fn fed(method: Method, loads: &[f64]) -> Croston {
        let mut model = model(method);
        for (minute, &load) in loads.iter().enumerate() {
            model.observe(sample(minute, Some(load)));
        }
        model
    }

    fn asked(model: &Croston, quantiles: &[f64]) -> Vec<f64> {
        let mut forecast = Forecast::default();
        model.forecast(30, quantiles, &mut forecast).expect("enough history");
        forecast.row(29).to_vec()
    }

    #[test]
    fn covers_what_it_says_and_beats_as_now_on_a_sparse_load() {
        let loads = sparse(8000, 21);
        let quantiles = [0.5, 0.95, 0.99];
        for method in [Method::Tsb, Method::Croston, Method::Sba] {
            let ours = judged(&mut model(method), &loads, 15, &quantiles, 2000);
            let mut naive = Naive::new(naive::Config {}, MINUTE).expect("no settings");
            let theirs = judged(&mut naive, &loads, 15, &quantiles, 2000);
            // Nine tenths are zero, so that is what the median must cover.
            for (want, (covered, _)) in [0.9, 0.95, 0.99].iter().zip(&ours) {
                assert!((covered - want).abs() < 0.01, "{method:?}: {covered} for {want}");
            }
            for ((q, ours), theirs) in quantiles.iter().zip(&ours).zip(&theirs) {
                assert!(ours.1 < 0.95 * theirs.1, "{method:?} {q}: {} {}", ours.1, theirs.1);
            }
        }
    }

    #[test]
    fn a_load_that_has_died_is_forgotten_by_tsb_alone() {
        let mut loads = sparse(1000, 22);
        loads.extend([0.0; 600]);
        let high = |method| asked(&fed(method, &loads), &[0.96])[0];
        assert_eq!(high(Method::Tsb), 0.0);
        assert!(high(Method::Croston) > 20.0 && high(Method::Sba) > 20.0);
    }

    #[test]
    fn the_correction_lowers_the_probability() {
        let loads = sparse(1000, 23);
        let (plain, corrected) = (fed(Method::Croston, &loads), fed(Method::Sba, &loads));
        let ratio = corrected.probability() / plain.probability();
        // 1 - 0.05 / 2, but for what is added as one step more.
        assert!((ratio - 0.975).abs() < 0.01, "{ratio}");
    }

    #[test]
    fn what_never_came_is_zero_and_what_came_once_is_not_forgotten_at_once() {
        let mut loads = vec![0.0; 300];
        assert_eq!(asked(&fed(Method::Tsb, &loads), &[0.5, 0.999]), [0.0, 0.0]);
        loads[250] = 70.0;
        let [median, high, highest] = asked(&fed(Method::Tsb, &loads), &[0.5, 0.9, 0.999])[..]
        else {
            unreachable!("three were asked for")
        };
        assert_eq!((median, high), (0.0, 0.0));
        assert!((highest - 70.0).abs() < 1e-9, "{highest}");
    }

    #[test]
    fn a_spike_is_over_at_once_but_for_its_width_and_ten_zeros_move_little() {
        let loads = sparse(3000, 24);
        let whole = fed(Method::Tsb, &loads);
        let quantiles = [0.5, 0.95];
        let mut spiked = loads.clone();
        spiked[2998] = 1e12;
        let (ours, theirs) =
            (asked(&fed(Method::Tsb, &spiked), &quantiles), asked(&whole, &quantiles));
        assert_eq!(ours[0], 0.0);
        assert!((ours[1] / theirs[1] - 1.0).abs() < 0.2, "{ours:?} {theirs:?}");
        let mut reset = loads;
        reset[2990..].fill(0.0);
        let ours = asked(&fed(Method::Tsb, &reset), &quantiles);
        assert!((ours[1] / theirs[1] - 1.0).abs() < 0.2, "{ours:?} {theirs:?}");
    }

    #[test]
    fn a_snapshot_changes_no_answer() {
        let mut uniform = uniform(25);
        let holes = |load| Some(load).filter(|_| uniform() > 0.1);
        let loads: Vec<_> = sparse(1500, 25).into_iter().map(holes).collect();
        survives_a_snapshot(|| Box::new(model(Method::Tsb)), &loads);
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        for smoothing in [0.0, 1.1, f64::NAN] {
            let settings = Config { smoothing, ..Config::default() };
            let error = Croston::new(settings, MINUTE).expect_err("out of range");
            assert_eq!(error.path(), "smoothing");
        }
    }
}
