//! One series and its forecaster, for a host that needs no autoscaler.
//!
//! In: times and values as the host has them. Out: forecasts from right after the last value, or
//! why there is none. Knows nothing of skill or replicas: whether to trust it is the host's to say.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Expert, Forecast, Forecaster, ForecasterConfig, input};
use crate::catalog::{opened, unlocated};
use crate::series::{Resampler, Sample};
use crate::{Duration, Error, Reason, Timestamp};

/// A forecaster of one series that is fed times and values.
///
/// A value at `t` speaks of the step that ends at `t`. The steps run through the first time that
/// came, so that values on any even grid are taken as they are, each closing its step: the forecast
/// begins right after the last one. Values that come more often are averaged over their step; it
/// closes when a time has reached its end, and until then nothing is learnt from it. A time within
/// a tenth of a step of an end counts as that end, as a host's clock trembles; what comes for a
/// step that has closed so counts in the next one. Where values come less often, the load between
/// them is taken along a line: within one call up to their typical distance, else over up to five
/// steps. Wider gaps are missing samples.
///
/// ```
/// use forescale::forecast::{ForecasterConfig, Model};
/// use forescale::{Duration, Timestamp};
///
/// let hourly = r#"{"kind": "seasonal_naive", "season": "1h", "smooth": "0s"}"#;
/// let mut model = Model::new(ForecasterConfig::from_text(hourly)?, Duration::from_secs(60))?;
/// let times: Vec<_> = (1..=240).map(|minute| Timestamp::from_secs(60 * minute)).collect();
/// let load = |minute| if minute % 60 < 30 { 100.0 } else { 900.0 };
/// let loads: Vec<_> = (1..=240).map(|minute| Some(load(minute))).collect();
/// model.observe(&times, &loads)?;
///
/// let forecast = model.forecast(40, &[0.5, 0.95])?.expect("four hours are enough");
/// assert_eq!(forecast.issued_at, times[239]);
/// // Row 0 speaks of minute 241, row 35 of minute 276.
/// assert!(forecast.row(0)[0] < 110.0 && forecast.row(35)[0] > 890.0);
///
/// let twin = Model::restore(&model.snapshot()?)?;
/// assert_eq!(twin.forecast(40, &[0.5, 0.95])?, Ok(forecast));
/// # Ok::<(), forescale::Error>(())
/// ```
#[derive(Debug)]
pub struct Model {
    settings: ForecasterConfig,
    step: Duration,
    forecaster: Box<dyn Forecaster>,
    /// On time since the first reading; see [`shifted`].
    resampler: Resampler,
    seen: Option<Seen>,
}

/// The times so far.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Seen {
    /// The end of a step.
    first: Timestamp,
    last: Timestamp,
    /// The end of the last step that has closed.
    closed: Timestamp,
}

/// How far ahead to look: steps, or a span of time, of which a part of a step counts as a whole one.
///
/// ```
/// use forescale::Duration;
/// use forescale::forecast::Horizon;
///
/// let step = Duration::from_secs(60);
/// assert_eq!(Horizon::from(90).steps(step), 90);
/// assert_eq!(Horizon::from(Duration::from_secs(90)).steps(step), 2);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Horizon {
    /// So many steps.
    Steps(usize),
    /// So long.
    Span(Duration),
}

impl Horizon {
    /// The number of steps; a span is 0 of them if `step` is zero.
    #[must_use]
    pub fn steps(self, step: Duration) -> usize {
        match self {
            Self::Steps(steps) => steps,
            Self::Span(span) => span.steps(step),
        }
    }
}

impl From<usize> for Horizon {
    fn from(steps: usize) -> Self {
        Self::Steps(steps)
    }
}

impl From<Duration> for Horizon {
    fn from(span: Duration) -> Self {
        Self::Span(span)
    }
}

impl Model {
    /// From the forecaster's settings and the step of its samples.
    ///
    /// # Errors
    /// If the step is zero, or a setting is out of its range.
    pub fn new(settings: ForecasterConfig, step: Duration) -> Result<Self, Error> {
        check_step(step)?;
        let forecaster = settings.clone().build(step)?;
        let resampler = Resampler::new(step);
        Ok(Self { settings, step, forecaster, resampler, seen: None })
    }

    /// The settings of the forecaster.
    #[must_use]
    pub fn settings(&self) -> &ForecasterConfig {
        &self.settings
    }

    /// The step of its samples.
    #[must_use]
    pub fn step(&self) -> Duration {
        self.step
    }

    /// The last time that came.
    #[must_use]
    pub fn last(&self) -> Option<Timestamp> {
        self.seen.map(|seen| seen.last)
    }

    /// Takes values and their times, the oldest first, each after all before; `None` and NaN are
    /// missing values.
    ///
    /// # Errors
    /// If the lengths differ, the times do not rise, or a value is negative or infinite; nothing is
    /// taken then.
    pub fn observe(&mut self, times: &[Timestamp], values: &[Option<f64>]) -> Result<(), Error> {
        input::check_history(self.last(), times, values)?;
        if self.goes_on_evenly(times) {
            let values: Vec<_> = values.iter().map(|value| value.unwrap_or(f64::NAN)).collect();
            self.observe_evenly(times[0], &values);
        } else {
            input::along_lines(times, values, self.step, &mut |at, value| self.take(at, value));
        }
        Ok(())
    }

    /// Takes values of a regressor that the settings name, as those of the forecaster `regressors`
    /// do: what is known besides the load. Each value holds from its time until the next; a series
    /// told anew replaces what was known from its first time on. Times may lie ahead, so that a
    /// campaign is known before it begins; what belongs to a load should be told before it. The latest
    /// 100,000 are kept.
    ///
    /// # Errors
    /// If no regressor has that name, the lengths differ or are above 100,000, the times do not rise, or a
    /// value is not finite; nothing is taken then.
    pub fn regressor(
        &mut self,
        name: &str,
        times: &[Timestamp],
        values: &[f64],
    ) -> Result<(), Error> {
        self.forecaster.regressor(name, times, values)
    }

    /// Whether the times are the ends of the next steps, with nothing left open before.
    fn goes_on_evenly(&self, times: &[Timestamp]) -> bool {
        let Some(&first) = times.first() else { return false };
        let follows = |before: Timestamp, at: Timestamp| at.since(before) == self.step;
        let evenly = times.windows(2).all(|pair| follows(pair[0], pair[1]));
        evenly && self.seen.is_none_or(|seen| seen.last == seen.closed && follows(seen.last, first))
    }

    /// All at once what [`take`](Self::take) would take one by one.
    fn observe_evenly(&mut self, first: Timestamp, values: &[f64]) {
        self.forecaster.observe_many(first, self.step, values);
        let last = first + self.step.times(values.len() as i64 - 1);
        let before = self.seen.unwrap_or(Seen::at(first, self.step));
        // Only the last step matters to those that follow.
        self.resampler = Resampler::new(self.step);
        let value = values.last().copied().filter(|value| !value.is_nan());
        let placed = last.since(before.first).as_millis();
        self.resampler.push(shifted(placed), value, |_| {});
        self.resampler.close(|_| {});
        self.seen = Some(Seen { last, closed: last, ..before });
    }

    /// Takes one value.
    fn take(&mut self, at: Timestamp, value: Option<f64>) {
        let Self { step, forecaster, resampler, seen, .. } = self;
        let seen = seen.get_or_insert(Seen::at(at, *step));
        seen.last = at;
        let (placed, closes) = seen.placed(at, *step);
        let mut learn = |sample: Sample| {
            // The same moment on the host's clock.
            let at = sample.at.as_millis().saturating_add(seen.first.as_millis());
            seen.closed = Timestamp::from_millis(at);
            forecaster.observe(Sample { at: seen.closed, ..sample });
        };
        resampler.push(shifted(placed), value, &mut learn);
        if closes {
            resampler.close(learn);
        }
    }

    /// The forecast of the steps after the last one that has closed, at `quantiles`.
    ///
    /// # Errors
    /// The outer one if an argument is out of range: the horizon 1 to 10,000 steps, the quantiles
    /// rising within (0, 1). The inner one is the reason to abstain.
    pub fn forecast(
        &self,
        horizon: impl Into<Horizon>,
        quantiles: &[f64],
    ) -> Result<Result<Forecast, Reason>, Error> {
        let horizon = horizon.into().steps(self.step);
        input::check_request(horizon, quantiles)?;
        let mut forecast = Forecast::default();
        let answer = self.forecaster.forecast(horizon, quantiles, &mut forecast);
        Ok(answer.map(|()| forecast))
    }

    /// The experts that the forecaster mixes, with their say and their errors; none for a model of
    /// its own. See [`ExpertKind`](super::auto::ExpertKind).
    #[must_use]
    pub fn experts(&self) -> Vec<Expert> {
        self.forecaster.experts()
    }

    /// Settings and state as JSON text in UTF-8.
    ///
    /// # Errors
    /// None at present: a built-in forecaster can always be written.
    pub fn snapshot(&self) -> Result<Vec<u8>, Error> {
        let snapshot = Snapshot {
            format: FORMAT.to_owned(),
            version: VERSION,
            settings: self.settings.clone(),
            step: self.step,
            forecaster: self.forecaster.save()?,
            resampler: self.resampler.clone(),
            seen: self.seen,
        };
        serde_json::to_vec(&snapshot)
            .map_err(|error| Error::snapshot(format!("cannot be written: {error}")))
    }

    /// Takes up a snapshot.
    ///
    /// # Errors
    /// [`ErrorKind::Snapshot`](crate::ErrorKind::Snapshot) if it is cut, damaged, of another
    /// version, or no snapshot of a forecaster.
    pub fn restore(snapshot: &[u8]) -> Result<Self, Error> {
        let value = opened(snapshot, FORMAT, VERSION)?;
        let damaged = |what: &str| Error::snapshot(format!("the snapshot is damaged: {what}"));
        let Snapshot { settings, step, forecaster, resampler, seen, .. } =
            serde_json::from_value(value)
                .map_err(|error| damaged(&unlocated(&error.to_string()).1))?;
        let mut model = Self::new(settings, step).map_err(|error| damaged(&error.to_string()))?;
        if resampler.step() != step {
            return Err(damaged("its readings are on another step"));
        }
        if seen.is_some_and(|seen| seen.first > seen.last || seen.closed > seen.last + step) {
            return Err(damaged("its times do not rise"));
        }
        model.forecaster.load(forecaster)?;
        Ok(Self { resampler, seen, ..model })
    }
}

/// # Errors
/// If the step is zero.
pub(super) fn check_step(step: Duration) -> Result<(), Error> {
    if step.is_zero() { Err(Error::config("step", "is 0s, must be longer")) } else { Ok(()) }
}

impl Seen {
    /// Before the first time, which closes the first step.
    fn at(first: Timestamp, step: Duration) -> Self {
        Self { first, last: first, closed: first - step }
    }

    /// Where a reading at `at` counts, in milliseconds since the first time, and whether it closes
    /// its step.
    fn placed(&self, at: Timestamp, step: Duration) -> (i64, bool) {
        let [at, closed] =
            [at, self.closed].map(|time| time.as_millis().saturating_sub(self.first.as_millis()));
        let step = step.as_millis();
        let (near, since_end) = (step / 10, at % step);
        let (before, after) = (at - since_end, at.saturating_add(step - since_end));
        if since_end <= near && before > closed {
            (before, true)
        } else if step - since_end <= near && after > closed {
            (after, true)
        } else {
            (at.max(closed.saturating_add(1)), false)
        }
    }
}

/// The resampler's name for the reading that many milliseconds after the first. Its steps take in
/// their begin and ours their end, so it hears of each reading the least time there is earlier.
fn shifted(placed: i64) -> Timestamp {
    Timestamp::from_millis(placed - 1)
}

const FORMAT: &str = "forescale forecaster";
const VERSION: u64 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Snapshot {
    format: String,
    version: u64,
    settings: ForecasterConfig,
    step: Duration,
    forecaster: Value,
    resampler: Resampler,
    seen: Option<Seen>,
}

#[cfg(test)]
mod tests;
