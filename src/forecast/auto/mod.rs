//! The default: experts over one memory of the load, mixed as they proved right.
//!
//! In: samples. Out: quantiles for any step ahead. The past is in `memory.rs`, its seasons in `seek.rs`,
//! what is learnt around a horizon in `band.rs`, the regression in `ridge.rs`, what it begins with in
//! `prior.rs`, the errors in `errors.rs`.

mod band;
mod errors;
mod experts;
mod horizons;
mod memory;
mod prior;
mod ridge;
mod seek;
mod sketch;
#[cfg(test)]
mod tests;
mod track;
mod waiting;

use serde::{Deserialize, Serialize};

use self::band::{Band, Quantile};
use self::errors::Errors;
pub use self::experts::ExpertKind;
use self::horizons::ANCHORS;
use self::memory::{MOST_ROOT, Memory, day};
use self::ridge::Weights;
use super::history::{stale, too_little};
use super::{Expert, Forecast, Forecaster};
use crate::series::Sample;
use crate::time::{Duration, Timestamp};
use crate::{Error, Reason};

/// Forecasts whatever load comes, without a setting: finds its seasons, mixes experts, learns how
/// far it errs.
///
/// **Seasons** are looked for as history grows ([`seasons`](crate::series::seasons)); none found
/// means none used. **Experts** over the same memory say how far the load will be from now: a
/// ridge regression on means, season and week that is kept up to date and begins with weights that
/// loads have in common, the course of a season ago, the mean course of the season and of a longer
/// one, the season ago with what the longer one changes from there, "as now", the level. Around each
/// of six horizons (1 to 64 steps; beyond, as around 64) they are **mixed** by the 20th power of
/// their errors of the last 350 steps (an aggregating algorithm for relative loss, Vovk 1998; experts
/// whose season is gone sleep, Freund et al. 1997), so that one that is no longer right is out within
/// tens of samples. **Quantiles** are those of the mixture's own out-of-sample errors at all horizons,
/// forgotten exponentially (conformal prediction, Vovk 2005), in multiples of two scales of the
/// horizon: one that moves with the error lately and at this time of the season (locally weighted,
/// Lei et al. 2018), one that stands still; the two share the say as their pinball losses tell, for
/// each quantile.
///
/// All is done in square-root scale, in which the noise of counts has one width (Bartlett 1936). A
/// load above 10^30 counts as missing. It takes 16 KiB at most, whatever the history.
///
/// ```
/// use forescale::forecast::auto::{Auto, Config};
/// use forescale::forecast::{Forecast, Forecaster};
/// use forescale::series::Sample;
/// use forescale::{Duration, Timestamp};
///
/// let step = Duration::from_secs(300);
/// let mut model = Auto::new(Config::default(), step)?;
/// for index in 0..288 * 4 {
///     let load = if index % 288 < 144 { 100.0 } else { 900.0 } + (index * index % 89) as f64 / 10.0;
///     model.observe(Sample { at: Timestamp::from_secs(300 * (index + 1)), value: Some(load) });
/// }
/// let mut forecast = Forecast::default();
/// model.forecast(12, &[0.5, 0.95], &mut forecast).expect("four days are enough");
/// assert!((forecast.row(11)[0] - 104.5).abs() < 10.0, "{}", forecast.row(11)[0]);
/// # Ok::<(), forescale::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved", into = "Saved")]
pub struct Auto {
    settings: Config,
    step: Duration,
    last_at: Timestamp,
    memory: Memory,
    bands: Vec<Band>,
    /// In multiples of their scales, of all bands.
    errors: Errors,
    /// How the error grows with the horizon around each band, as last worked out.
    slopes: [f32; ANCHORS.len()],
}

/// So many quantiles are looked up at a time.
const AT_A_TIME: usize = 8;

impl Auto {
    /// From its settings, for samples each `step`.
    ///
    /// # Errors
    /// If no expert is named, or the step is zero.
    pub fn new(settings: Config, step: Duration) -> Result<Self, Error> {
        if settings.experts.is_empty() {
            return Err(Error::config("experts", "is empty, must name one at least"));
        }
        if step.is_zero() {
            return Err(Error::config("step", "is 0s, must be longer"));
        }
        Ok(Self {
            step,
            last_at: Timestamp::default(),
            memory: Memory::new(step),
            bands: (0..ANCHORS.len())
                .map(|which| Band::new(which, &settings.experts, day(step)))
                .collect(),
            errors: Errors::new(),
            slopes: [0.0; ANCHORS.len()],
            settings,
        })
    }

    /// The seasons in use, in steps, the shorter one first.
    pub fn seasons(&self) -> impl Iterator<Item = usize> {
        [self.memory.seasons.season, self.memory.seasons.slow].into_iter().flatten()
    }

    /// How the size of the error grows with the logarithm of the horizon around a band.
    fn slope(&self, which: usize) -> f32 {
        let below = which.saturating_sub(1);
        let above = (which + 1).min(self.bands.len() - 1);
        let (low, high) = (self.bands[below].ever(), self.bands[above].ever());
        if low <= 0.0 || high <= 0.0 || self.bands[above].lacking().is_some() {
            return 0.0;
        }
        let octaves = libm::logf(ANCHORS[above] as f32 / ANCHORS[below] as f32);
        (libm::logf(high / low) / octaves).clamp(0.0, 1.0)
    }

    fn take(&mut self, value: Option<f64>) {
        let root =
            value.filter(|&value| value >= 0.0).map(f64::sqrt).filter(|&root| root <= MOST_ROOT);
        let is_usual = self.memory.push(root, self.bands[0].far());
        // First who learns, then all of them: one loop whose end is hard to foresee, not six.
        let (mut due, mut n_due) = ([0; ANCHORS.len() + 1], 0);
        for (which, band) in self.bands.iter_mut().enumerate() {
            due[n_due] = which;
            n_due += usize::from(band.step());
        }
        for &which in &due[..n_due] {
            self.bands[which].judge(root, &mut self.errors);
        }
        self.memory.close();
        if self.memory.look() {
            let seasons = self.memory.seasons;
            self.bands.iter_mut().for_each(|band| band.forget_season(seasons));
        }
        // What comes after an odd value is no lesson.
        if is_usual {
            let present = self.memory.present();
            if self.memory.n_samples.is_multiple_of(16) {
                self.slopes = std::array::from_fn(|which| self.slope(which));
            }
            for (band, &slope) in self.bands.iter_mut().zip(&self.slopes) {
                band.issue(&self.memory, &present, slope);
            }
        }
    }
}

impl Forecaster for Auto {
    fn observe(&mut self, sample: Sample) {
        self.last_at = sample.at;
        self.take(sample.value);
    }

    fn observe_many(&mut self, first: Timestamp, step: Duration, values: &[f64]) {
        for &value in values {
            self.take(Some(value).filter(|value| !value.is_nan()));
        }
        if let Some(last) = values.len().checked_sub(1) {
            self.last_at = first + step.times(last as i64);
        }
    }

    fn reset(&mut self) -> bool {
        self.memory.clear();
        self.bands.iter_mut().for_each(Band::clear);
        self.errors.clear();
        self.slopes = [0.0; ANCHORS.len()];
        self.last_at = Timestamp::default();
        true
    }

    fn forecast(
        &self,
        horizon: usize,
        quantiles: &[f64],
        forecast: &mut Forecast,
    ) -> Result<(), Reason> {
        let Memory { n_samples, n_missing, .. } = self.memory;
        // With samples missing at the end, a forecast was issued so many steps earlier; before the
        // first sample the whole need is told.
        let stale = if n_missing < n_samples { stale(n_missing, self.step)? } else { 0 };
        let farthest = ANCHORS.partition_point(|&anchor| anchor < horizon + stale);
        let bands = &self.bands[..(farthest + 1).min(self.bands.len())];
        if let Some(lack) = bands.iter().filter_map(Band::lacking).max() {
            return Err(too_little(n_samples, n_samples + lack as u64));
        }
        forecast.issued_at = self.last_at;
        forecast.step = self.step;
        forecast.quantiles.clear();
        forecast.quantiles.extend_from_slice(quantiles);
        forecast.values.clear();
        forecast.values.resize(horizon * quantiles.len(), 0.0);
        let present = self.memory.present();
        let mut weights = [Weights::default(); ANCHORS.len()];
        for (which, band) in bands.iter().enumerate() {
            weights[which] = band.ridge();
        }
        for (chunk, some) in quantiles.chunks(AT_A_TIME).enumerate() {
            let mut looked_up = [[Quantile::default(); AT_A_TIME]; ANCHORS.len()];
            for (at, &q) in some.iter().enumerate() {
                let times = self.errors.quantile(q);
                for (band, into) in bands.iter().zip(&mut looked_up) {
                    into[at] = band.quantile(q, times);
                }
            }
            for (ahead, row) in forecast.values.chunks_mut(quantiles.len()).enumerate() {
                let features = self.memory.features(ahead + 1, &present);
                let phase = self.memory.phase(ahead + 1);
                let ahead = ahead + 1 + stale;
                let (lower, upper, share) = between(ahead);
                let told = [lower, upper].map(|which| {
                    let band = &bands[which];
                    let point = band.expects(&weights[which], &features);
                    (point, band.scales(ahead, band.phase(phase), self.slopes[which]).0)
                });
                let mix = |low: f32, high: f32| low + (high - low) * share;
                let point = self.memory.now + f64::from(mix(told[0].0, told[1].0));
                let into = &mut row[chunk * AT_A_TIME..];
                for (at, value) in into.iter_mut().take(some.len()).enumerate() {
                    let error = mix(
                        looked_up[lower][at].times(told[0].1),
                        looked_up[upper][at].times(told[1].1),
                    );
                    let root = (point + f64::from(error)).clamp(0.0, 2.0 * MOST_ROOT);
                    *value = root * root;
                }
            }
        }
        // The share of the two scales differs between quantiles, so that they could cross.
        for row in forecast.values.chunks_mut(quantiles.len()) {
            for at in 1..row.len() {
                row[at] = row[at].max(row[at - 1]);
            }
        }
        Ok(())
    }

    fn experts(&self) -> Vec<Expert> {
        let of_band = |(band, ahead): (&Band, usize)| {
            let told = ExpertKind::ALL.into_iter().zip(band.say().iter().zip(band.losses()));
            told.map(move |(expert, (weight, error))| Expert {
                name: expert.name(),
                ahead,
                weight: f64::from(*weight),
                error: f64::from(*error),
            })
            .collect::<Vec<_>>()
        };
        self.bands.iter().zip(ANCHORS).flat_map(of_band).collect()
    }
}

/// Between which two anchors `ahead` lies, and how far over the logarithm; at the last one beyond.
fn between(ahead: usize) -> (usize, usize, f32) {
    let upper = ANCHORS.partition_point(|&anchor| anchor < ahead).min(ANCHORS.len() - 1);
    if ANCHORS[upper] <= ahead {
        return (upper, upper, 0.0);
    }
    let (from, to) = (ANCHORS[upper - 1] as f32, ANCHORS[upper] as f32);
    (upper - 1, upper, libm::logf(ahead as f32 / from) / libm::logf(to / from))
}

/// As text.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    settings: Config,
    step: Duration,
    last_at: Timestamp,
    memory: Memory,
    bands: Vec<Band>,
    errors: Errors,
    slopes: [f32; ANCHORS.len()],
}

impl From<Auto> for Saved {
    fn from(Auto { settings, step, last_at, memory, bands, errors, slopes }: Auto) -> Self {
        Self { settings, step, last_at, memory, bands, errors, slopes }
    }
}

impl TryFrom<Saved> for Auto {
    type Error = String;

    fn try_from(saved: Saved) -> Result<Self, String> {
        let Saved { settings, step, last_at, memory, mut bands, errors, slopes } = saved;
        let new = Self::new(settings.clone(), step).map_err(|error| error.to_string())?;
        let same = memory.is_for(step)
            && slopes.iter().all(|slope| (0.0..=1.0).contains(slope))
            && errors.is_whole()
            && bands.len() == new.bands.len()
            && bands.iter().zip(&new.bands).all(|(band, new)| band.is_whole(new));
        if !same {
            return Err("the parts of a forecaster are not of one".to_owned());
        }
        bands.iter_mut().for_each(Band::recall);
        Ok(Self { settings, step, last_at, memory, bands, errors, slopes })
    }
}

/// Settings of [`Auto`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The experts that are asked. Default: all, as each is the best on some load and those that
    /// are not cost next to nothing. One alone is that model by itself: `["ridge"]`, `["profile"]`.
    #[serde(skip_serializing_if = "is_all")]
    pub experts: Vec<ExpertKind>,
}

/// Settings as they are by default need not be told.
fn is_all(experts: &Vec<ExpertKind>) -> bool {
    *experts == ExpertKind::ALL
}

impl Default for Config {
    fn default() -> Self {
        Self { experts: ExpertKind::ALL.to_vec() }
    }
}
