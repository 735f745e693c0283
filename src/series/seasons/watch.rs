//! The seasons of a series as it goes on.
//!
//! In: samples one by one. Out: the seasons found when they were last looked for. Keeps the last
//! samples and a coarse history, both bounded.

use serde::{Deserialize, Serialize};

use super::{Season, SeasonFinder};
use crate::Error;
use crate::time::Duration;

/// Looks for the seasons of one series again as its history grows: after each quarter more, and
/// each day at the latest.
///
/// It remembers the last 512 samples and up to 1,024 means of more and more samples, until they
/// reach five weeks back; 6 KiB. The finder is handed in, as its memory can serve any number of
/// series.
///
/// ```
/// use forescale::Duration;
/// use forescale::series::{SeasonFinder, SeasonSettings, SeasonWatch};
///
/// let mut finder = SeasonFinder::new(SeasonSettings::default())?;
/// let mut watch = SeasonWatch::new(Duration::from_secs(60))?;
/// for minute in 0..600 {
///     let load = if minute % 45 < 9 { 300.0 } else { 100.0 } + (minute * minute % 97) as f64;
///     watch.observe(Some(load), &mut finder);
/// }
/// assert_eq!(watch.seasons()[0].steps(), 45);
/// # Ok::<(), forescale::Error>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Saved", into = "Saved")]
pub struct SeasonWatch {
    step: Duration,
    /// The last samples, the oldest first, missing ones as NaN. Invariant: at most [`LAST`].
    last: Vec<f32>,
    /// The means of `width` samples each, the oldest first. Invariant: at most [`COARSE`].
    coarse: Vec<f32>,
    /// Samples in a coarse bin. Invariant: a power of two, so that two bins make the next one.
    width: u32,
    /// The bin that is filling.
    open: Open,
    n_seen: u64,
    /// When to look again, in samples.
    next: u64,
    seasons: Vec<Season>,
}

/// The samples of a bin so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Open {
    n: u32,
    n_known: u32,
    mean: f64,
}

/// So many samples are kept one by one.
const LAST: usize = 512;

/// So many means are kept.
const COARSE: usize = 1024;

/// So far back the means reach, in milliseconds: five weeks.
const REACH: i64 = 35 * 86_400_000;

/// Fewer samples more are not worth a look.
const LEAST_MORE: u64 = 32;

impl SeasonWatch {
    /// Without samples.
    ///
    /// # Errors
    /// If the step is zero.
    pub fn new(step: Duration) -> Result<Self, Error> {
        if step.is_zero() {
            return Err(Error::config("step", "is 0s, must be longer"));
        }
        Ok(Self {
            step,
            last: Vec::new(),
            coarse: Vec::new(),
            width: 1,
            open: Open::default(),
            n_seen: 0,
            next: LEAST_MORE,
            seasons: Vec::new(),
        })
    }

    /// The seasons when last looked for, the strongest first; empty if there is none.
    #[must_use]
    pub fn seasons(&self) -> &[Season] {
        &self.seasons
    }

    /// Takes the sample of the next step, `None` or not finite if it is missing; `true` if the
    /// seasons were looked for anew.
    pub fn observe(&mut self, sample: Option<f64>, finder: &mut SeasonFinder) -> bool {
        let sample = sample.filter(|value| value.is_finite());
        if self.last.len() == LAST {
            self.last.remove(0);
        }
        self.last.push(single(sample));
        self.open.take(sample);
        if self.open.n == self.width {
            self.close();
        }
        self.n_seen = self.n_seen.saturating_add(1);
        if self.n_seen < self.next {
            return false;
        }
        let day = Duration::from_secs(86_400).steps(self.step) as u64;
        let more = (self.n_seen / 4).min(day).max(LEAST_MORE);
        self.next = self.n_seen.saturating_add(more);
        self.look(finder);
        true
    }

    /// Closes the open bin and makes room for the next.
    fn close(&mut self) {
        let Open { n_known, mean, .. } = std::mem::take(&mut self.open);
        self.coarse.push(single((n_known > 0).then_some(mean)));
        if self.coarse.len() < COARSE {
            return;
        }
        let reach = self.step.times(i64::from(self.width)).times(COARSE as i64);
        if reach.as_millis() >= REACH {
            self.coarse.remove(0);
            return;
        }
        for pair in 0..COARSE / 2 {
            let (a, b) = (self.coarse[2 * pair], self.coarse[2 * pair + 1]);
            self.coarse[pair] = match (a.is_nan(), b.is_nan()) {
                (false, false) => a / 2.0 + b / 2.0,
                (true, _) => b,
                (_, true) => a,
            };
        }
        self.coarse.truncate(COARSE / 2);
        self.width *= 2;
    }

    /// Looks for the seasons.
    fn look(&mut self, finder: &mut SeasonFinder) {
        let mut unpacked = std::mem::take(&mut finder.unpacked);
        unpacked.clear();
        unpacked.extend(self.coarse.iter().chain(&self.last).map(|&value| f64::from(value)));
        let (all, last) = unpacked.split_at(self.coarse.len());
        let found = finder.find_in(all, 1, self.width as usize, last, self.step, |_| true);
        self.seasons.clear();
        self.seasons.extend_from_slice(found);
        finder.unpacked = unpacked;
    }
}

/// Equal watches answer the same.
impl PartialEq for SeasonWatch {
    fn eq(&self, other: &Self) -> bool {
        let same = |ours: &[f32], theirs: &[f32]| {
            ours.len() == theirs.len()
                && ours.iter().zip(theirs).all(|(a, b)| a == b || a.is_nan() && b.is_nan())
        };
        (self.step, self.width, self.open, self.n_seen, self.next)
            == (other.step, other.width, other.open, other.n_seen, other.next)
            && self.seasons == other.seasons
            && same(&self.last, &other.last)
            && same(&self.coarse, &other.coarse)
    }
}

impl Open {
    fn take(&mut self, sample: Option<f64>) {
        self.n += 1;
        if let Some(value) = sample {
            self.n_known += 1;
            let n = f64::from(self.n_known);
            self.mean = self.mean * ((n - 1.0) / n) + value / n;
        }
    }
}

/// As it is kept: to single precision, NaN if missing.
fn single(value: Option<f64>) -> f32 {
    value.map_or(f32::NAN, |value| value.clamp(f64::from(f32::MIN), f64::from(f32::MAX)) as f32)
}

/// As text.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    step: Duration,
    last: Vec<Option<f32>>,
    coarse: Vec<Option<f32>>,
    width: u32,
    open: Open,
    n_seen: u64,
    next: u64,
    seasons: Vec<Season>,
}

impl From<SeasonWatch> for Saved {
    fn from(watch: SeasonWatch) -> Self {
        let SeasonWatch { step, last, coarse, width, open, n_seen, next, seasons } = watch;
        let texts = |values: Vec<f32>| {
            values.into_iter().map(|value| Some(value).filter(|value| !value.is_nan())).collect()
        };
        let (last, coarse) = (texts(last), texts(coarse));
        Self { step, last, coarse, width, open, n_seen, next, seasons }
    }
}

impl TryFrom<Saved> for SeasonWatch {
    type Error = String;

    fn try_from(saved: Saved) -> Result<Self, String> {
        let Saved { step, last, coarse, width, open, n_seen, next, seasons } = saved;
        let whole = !step.is_zero()
            && last.len() <= LAST
            && coarse.len() < COARSE
            && width.is_power_of_two()
            && open.n < width
            && open.n_known <= open.n
            && open.mean.is_finite()
            && next > n_seen
            && last.iter().chain(&coarse).flatten().all(|value| value.is_finite())
            && seasons.len() <= super::MOST_SEASONS
            && seasons.iter().all(Season::is_whole);
        if !whole {
            return Err("a watch of seasons is damaged".to_owned());
        }
        let values = |texts: Vec<Option<f32>>| {
            texts.into_iter().map(|value| value.unwrap_or(f32::NAN)).collect()
        };
        let (last, coarse) = (values(last), values(coarse));
        Ok(Self { step, last, coarse, width, open, n_seen, next, seasons })
    }
}
