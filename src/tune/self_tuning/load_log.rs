//! The load that was seen, on a fixed step.
//!
//! In: the load at each observation. Out: a [`Trace`] of the last days, and how far apart observations
//! are. Knows neither settings nor replicas.

use serde::{Deserialize, Serialize};

use crate::series::{Resampler, Ring};
use crate::sim::Trace;
use crate::time::{Duration, Timestamp};

/// The last days of a load, in constant memory.
///
/// A gap of up to [`MOST_MISSING`](Self::MOST_MISSING) is kept as such; after a longer one, or where the
/// clock was set back, it begins anew, as nobody knows what would have come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LoadLog {
    resampler: Resampler,
    loads: Ring,
    /// End of the last step.
    end: Option<Timestamp>,
    /// Steps without a load up to there.
    n_missing: usize,
    last_at: Option<Timestamp>,
    /// Seconds between observations, and how many they are the mean of, at most
    /// [`MEMORY`](Self::MEMORY).
    interval: f64,
    n_intervals: f64,
}

impl LoadLog {
    /// Six hours: a night's maintenance, and still a day around it to draw a line through.
    const MOST_MISSING: Duration = Duration::from_secs(6 * 3600);
    const MEMORY: f64 = 1000.0;

    pub(super) fn new(step: Duration, length: Duration) -> Self {
        Self {
            resampler: Resampler::new(step),
            loads: Ring::new(length.steps(step)),
            end: None,
            n_missing: 0,
            last_at: None,
            interval: 0.0,
            n_intervals: 0.0,
        }
    }

    /// Whether it is of these settings, as a snapshot may be damaged.
    pub(super) fn is_of(&self, step: Duration, length: Duration) -> bool {
        let numbers = [self.interval, self.n_intervals];
        self.resampler.step() == step
            && self.loads.capacity() == length.steps(step).max(1)
            && numbers.iter().all(|number| number.is_finite() && *number >= 0.0)
    }

    /// Takes in the load at an observation; `None` if it is not known.
    pub(super) fn see(&mut self, at: Timestamp, load: Option<f64>) {
        if let Some(last) = self.last_at
            && last < at
        {
            let seconds = at.since(last).as_secs_f64();
            // A pause is no interval.
            if seconds <= 3600.0 {
                self.n_intervals = (self.n_intervals + 1.0).min(Self::MEMORY);
                self.interval += (seconds - self.interval) / self.n_intervals;
            }
        }
        self.record(at, load);
    }

    /// The same for history, whose steps are not those of observations.
    pub(super) fn record(&mut self, at: Timestamp, load: Option<f64>) {
        let step = self.resampler.step();
        if self.last_at.is_some_and(|last| at < last) {
            self.forget();
            self.resampler = Resampler::new(step);
        }
        self.last_at = Some(at);
        let mut resampler = self.resampler.clone();
        resampler.push(at, load, |sample| {
            if sample.value.is_some() {
                self.n_missing = 0;
            } else {
                self.n_missing += 1;
                if step.times(self.n_missing as i64) > Self::MOST_MISSING {
                    self.forget();
                }
                if self.loads.is_empty() {
                    return;
                }
            }
            self.end = Some(sample.at);
            self.loads.push(sample.value.map(six_digits));
        });
        self.resampler = resampler;
    }

    fn forget(&mut self) {
        self.loads.clear();
        self.end = None;
        self.n_missing = 0;
    }

    /// When the last observation was.
    pub(super) fn last_at(&self) -> Option<Timestamp> {
        self.last_at
    }

    /// Start of the first step and end of the last one.
    pub(super) fn part(&self) -> Option<(Timestamp, Timestamp)> {
        let end = self.end?;
        Some((end - self.resampler.step().times(self.loads.len() as i64), end))
    }

    /// The time between observations, in whole seconds; `None` before there were two.
    pub(super) fn interval(&self) -> Option<Duration> {
        let seconds = self.interval.round().clamp(1.0, 3600.0) as u32;
        (self.n_intervals > 0.0).then(|| Duration::from_secs(seconds))
    }

    /// All of it, holes filled on a straight line. `None` if nothing is known.
    pub(super) fn trace(&self, name: &str) -> Option<Trace> {
        let (start, _) = self.part()?;
        let step = self.resampler.step();
        let mut values = Vec::with_capacity(self.loads.len());
        let mut hole = 0;
        for load in self.loads.iter() {
            let Some(load) = load else {
                hole += 1;
                continue;
            };
            let from = values.last().copied().unwrap_or(load);
            let share = |k: usize| k as f64 / (hole + 1) as f64;
            values.extend((1..=hole).map(|k| from + (load - from) * share(k)));
            values.push(load);
            hole = 0;
        }
        let last = *values.last()?;
        values.extend(std::iter::repeat_n(last, hole));
        Trace::new(name, start, step, values).ok()
    }
}

/// A load to six digits, so that a snapshot is half as long; its noise is larger.
fn six_digits(load: f64) -> f64 {
    if load <= 0.0 {
        return 0.0;
    }
    let scale = libm::pow(10.0, 5.0 - libm::floor(libm::log10(load)));
    let rounded = (load * scale).round() / scale;
    if rounded.is_finite() { rounded } else { load }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn log() -> LoadLog {
        LoadLog::new(MINUTE, Duration::from_secs(3600 * 24))
    }

    fn seen(log: &mut LoadLog, minutes: impl IntoIterator<Item = (i64, Option<f64>)>) {
        for (minute, load) in minutes {
            log.see(Timestamp::from_secs(60 * minute), load);
        }
    }

    #[test]
    fn a_hole_is_filled_and_a_long_one_begins_anew() {
        let mut log = log();
        seen(&mut log, [(0, Some(10.0)), (1, None), (2, None), (3, Some(40.0)), (4, None)]);
        let part = log.part().unwrap();
        assert_eq!(part, (Timestamp::from_secs(0), Timestamp::from_secs(240)));
        assert_eq!(log.trace("rps").unwrap().values, [10.0, 20.0, 30.0, 40.0]);
        assert_eq!(log.interval(), Some(MINUTE));

        seen(&mut log, (5..400).map(|minute| (minute, None)));
        assert_eq!((log.part(), log.trace("rps")), (None, None));
        seen(&mut log, [(400, Some(7.0)), (401, None)]);
        assert_eq!(log.trace("rps").unwrap().values, [7.0]);
        // A clock that was set back.
        seen(&mut log, [(30, Some(1.0)), (31, Some(2.0)), (32, Some(3.0))]);
        assert_eq!(log.trace("rps").unwrap().values, [1.0, 2.0]);
    }

    #[test]
    fn only_the_last_days_are_kept() {
        let mut log = log();
        seen(&mut log, (0..2000).map(|minute| (minute, Some(minute as f64))));
        let (start, end) = log.part().unwrap();
        assert_eq!(end.since(start), Duration::from_secs(86_400));
        assert_eq!(log.trace("rps").unwrap().values[0], 559.0);
        let text = serde_json::to_string(&log).unwrap();
        assert_eq!(serde_json::from_str::<LoadLog>(&text).unwrap(), log);
    }

    #[test]
    fn six_digits_are_kept() {
        for (load, want) in
            [(0.0, 0.0), (1234.5678, 1234.57), (0.001_234_567_8, 0.001_234_57), (7e300, 7e300)]
        {
            assert!((six_digits(load) - want).abs() <= 1e-12 * want, "{load}");
        }
        assert_eq!(six_digits(5e-324), 5e-324);
    }
}
