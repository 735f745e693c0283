//! Vertical sizing: what a container should request of CPU and memory.
//!
//! In: samples of what the containers of a workload use, and their running out of memory. Out:
//! requests with bounds, and why. Knows nothing of replicas, nodes or money, and changes nothing.
//!
//! The recommendation is that of the Kubernetes vertical pod autoscaler (VPA) 1.4, amount for
//! amount (where not, [`Sizer`] says so): [`samples`] its rules of taking in, [`estimate`] and [`amount`] its arithmetic,
//! [`UpdateRule`] its updater's rule, [`StartupBoost`] its boost, [`VpaCheckpoint`] what it stores.

pub mod amount;
mod boost;
mod checkpoint;
mod config;
pub mod estimate;
mod many;
mod recommendation;
mod sample;
pub mod samples;
mod snapshot;
mod update;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use self::amount::Amounts;
pub use self::boost::StartupBoost;
pub use self::checkpoint::VpaCheckpoint;
pub use self::config::{Config, CpuSampleWeight, ResourceConfig};
pub use self::many::Samples;
pub use self::recommendation::{Bounds, Estimate, Recommendation};
pub use self::sample::{Refused, Sample};
pub use self::update::{Running, Update, UpdateRule};

use self::amount::round_up;
use self::estimate::{History, Stage, percentile, through};
use self::samples::{Container, Edit, Resource, is_expired};
use crate::error::Error;
use crate::explain::{Reason, codes};
use crate::series::{Histogram, Layout};
use crate::time::{Duration, Timestamp};

/// Sizes the containers of one name in one workload.
///
/// A day of samples, one a minute, each at 100 millicores, and a memory that peaks at 300 MB:
///
/// ```
/// use forescale::size::{Config, Sample, Sizer};
/// use forescale::Timestamp;
///
/// let mut sizer = Sizer::new(Config::default())?;
/// for minute in 0..=1440 {
///     let bytes = if minute == 720 { 300e6 } else { 200e6 };
///     let at = Timestamp::from_secs(minute * 60);
///     let refused = sizer.observe(&Sample::at(at).cpu_millicores(100.0).memory_bytes(bytes));
///     assert!(refused.is_none());
/// }
/// let size = sizer.recommend(Timestamp::from_secs(86_400));
///
/// // 0.1 cores lie in bucket 8, which ends at 0.01 * (1.05^9 - 1) / 0.05 = 0.110265 cores.
/// // 110 + 15 % of it, 16.5 counting as 16, is 126. A day at one sample a minute is a confidence
/// // of 1: the lower bound is 126 * 1.001^-2 = 125.7, the upper one 126 * 2.
/// let cpu = size.cpu.bounds.expect("there are samples");
/// assert_eq!((cpu.lower, cpu.target, cpu.upper), (125, 126, 252));
/// assert_eq!(size.cpu.reason.fact("confidence"), Some(1.0));
///
/// // The peak of the day counts, not the 1439 samples below it: 300 MB lie in bucket 18, which
/// // ends at 10 MB * (1.05^19 - 1) / 0.05 = 305,390,039.1 bytes; 15 % of it are 45,808,505. The
/// // next day has just begun with 200 MB, which are newer and make two thirds of the weight, but
/// // the target is the 90th percentile.
/// let memory = size.memory.bounds.expect("there are samples");
/// assert_eq!(memory.target, 305_390_039 + 45_808_505);
/// # Ok::<(), forescale::Error>(())
/// ```
///
/// Where it differs from the VPA:
///
/// - a sample keeps its fractions of a millicore, where the VPA gets whole ones, rounded up;
/// - without any sample of the CPU, the history of the memory says how sure its bounds are; the VPA
///   then has no bounds at all;
/// - a sample after a silence of [`Config::memory_intervals`] is believed only if a second one
///   follows, so that one wrong clock does not end all; then, as in the VPA, all begins anew;
/// - in one bucket of the memory a percentile may be one byte more, see [`Layout`];
/// - a resource without samples has no recommendation, where the VPA answers with the least amount.
///
/// Memory: about 3 KiB for the workload, 100 bytes for each of its running containers, of which
/// [`MOST_CONTAINERS`](Self::MOST_CONTAINERS) are told apart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "snapshot::Stored")]
pub struct Sizer {
    settings: Config,
    cpu: Usage,
    memory: Usage,
    containers: BTreeMap<Arc<str>, Container>,
    /// The latest sample that was believed.
    last: Option<Timestamp>,
    /// A sample after a long silence that waits to be confirmed.
    doubtful: Option<Timestamp>,
}

/// What is known of the use of one resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Usage {
    histogram: Histogram,
    history: History,
}

impl Sizer {
    /// So many containers are told apart; beyond that the one silent for longest is forgotten.
    pub const MOST_CONTAINERS: usize = 10_000;

    /// From its settings, without any history.
    ///
    /// # Errors
    /// If a setting is out of its range.
    pub fn new(settings: Config) -> Result<Self, Error> {
        settings.check()?;
        let usage = |layout: Layout, half_life| {
            let histogram = Histogram::decaying(layout, half_life)?;
            Ok::<_, Error>(Usage { histogram, history: History::default() })
        };
        // As the VPA: 5 % wider each, a thousandth of the least weight counts as nothing.
        let cores = Layout::exponential(1000.0, 0.01, 1.05, 0.0001)?;
        let bytes = Layout::exponential(1e12, 1e7, 1.05, 0.0001)?;
        Ok(Self {
            cpu: usage(cores, settings.cpu.half_life)?,
            memory: usage(bytes, settings.memory.half_life)?,
            settings,
            containers: BTreeMap::new(),
            last: None,
            doubtful: None,
        })
    }

    /// From its settings as text: JSON, or YAML with the feature `yaml`.
    ///
    /// # Errors
    /// As [`Config::from_text`].
    pub fn from_text(text: &str) -> Result<Self, Error> {
        Self::new(Config::from_text(text)?)
    }

    /// The time of the latest sample that was believed; `None` before the first.
    #[must_use]
    pub fn last_sample(&self) -> Option<Timestamp> {
        self.last
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &Config {
        &self.settings
    }

    /// Takes in what a container used; what is refused of it, and why. The readings count each for
    /// itself: one that is refused does not keep the other out.
    pub fn observe(&mut self, sample: &Sample) -> Refused {
        let at = sample.at;
        if let Err(reason) = self.believe(at) {
            let of = |reading: Option<f64>| reading.map(|_| reason);
            return Refused { cpu: of(sample.cpu_millicores), memory: of(sample.memory_bytes) };
        }
        let rules = self.settings.rules();
        let weight = self.settings.cpu_sample_weight.of(sample.cpu_request_millicores);
        let Self { containers, cpu, memory, .. } = self;
        let container = Self::container(containers, &sample.container);
        let cpu_taken = sample.cpu_millicores.map(|millicores| {
            let taken = container.cpu(at, millicores, weight, |edit| cpu.apply(edit));
            taken.inspect(|()| cpu.history.note(at))
        });
        let memory_taken = sample.memory_bytes.map(|bytes| {
            let taken = container.memory(&rules, at, bytes, |edit| memory.apply(edit));
            taken.inspect(|()| memory.history.note(at))
        });
        if [cpu_taken, memory_taken].contains(&Some(Ok(()))) {
            self.last = self.last.max(Some(at));
        }
        Refused { cpu: cpu_taken.and_then(Result::err), memory: memory_taken.and_then(Result::err) }
    }

    /// Takes in that a container ran out of memory at `at` with so many bytes requested: counts as
    /// a peak above what it requested and used.
    ///
    /// # Errors
    /// The reason why it does not count: `metric_invalid`, `out_of_memory_too_old`, or a time that
    /// is not believed.
    pub fn out_of_memory(
        &mut self,
        container: &str,
        at: Timestamp,
        requested_bytes: f64,
    ) -> Result<(), Reason> {
        if !(requested_bytes.is_finite() && requested_bytes >= 0.0) {
            return Err(Reason::new(codes::METRIC_INVALID, []));
        }
        self.believe(at)?;
        let rules = self.settings.rules();
        let Self { containers, memory, .. } = self;
        let container = Self::container(containers, container);
        container.out_of_memory(&rules, at, requested_bytes, |edit| memory.apply(edit))?;
        self.last = self.last.max(Some(at));
        Ok(())
    }

    /// Forgets which readings of a container came last, once it runs no more. What it used stays.
    pub fn forget(&mut self, container: &str) {
        self.containers.remove(container);
    }

    /// What to request as of `now`, with bounds and reasons. Changes nothing.
    #[must_use]
    pub fn recommend(&self, now: Timestamp) -> Recommendation {
        let least = self.settings.least();
        let cpu = self.size(now, Resource::Cpu, least.cpu.unwrap_or(0));
        let memory = self.size(now, Resource::Memory, least.memory.unwrap_or(0));
        Recommendation { cpu, memory }
    }

    /// The CPU to request of a recommendation, boosted while the container starts, in millicores;
    /// `ready_for` is `None` while it is not ready. `None` if there is no recommendation.
    #[must_use]
    pub fn startup_cpu(&self, wanted: &Recommendation, ready_for: Option<Duration>) -> Option<i64> {
        let target = wanted.cpu.bounds?.target;
        let boost = self.settings.startup_boost.as_ref();
        Some(boost.map_or(target, |boost| boost.apply(target, ready_for)))
    }

    fn size(&self, now: Timestamp, resource: Resource, least: i64) -> Estimate {
        let (settings, usage, unit_scale) = match resource {
            Resource::Cpu => (&self.settings.cpu, &self.cpu, 1000.0),
            Resource::Memory => (&self.settings.memory, &self.memory, 1.0),
        };
        let none = |code| Estimate { bounds: None, reason: Reason::new(code, []) };
        if !settings.controlled {
            return none(codes::NOT_CONTROLLED);
        }
        let Some(last) = self.last.filter(|_| !usage.histogram.is_empty()) else {
            return none(codes::NO_SAMPLES);
        };
        if self.is_expired(last, now) {
            let expiry = self.settings.memory_interval.times(self.settings.memory_intervals.into());
            let facts = [
                ("silent_seconds", now.since(last).as_secs_f64()),
                ("expiry_seconds", expiry.as_secs_f64()),
            ];
            return Estimate { bounds: None, reason: Reason::new(codes::SAMPLES_EXPIRED, facts) };
        }

        // The VPA counts samples of the CPU only.
        let is_cpu_seen = self.cpu.history.samples > 0;
        let history = if is_cpu_seen { self.cpu.history } else { usage.history };
        let confidence = history.confidence(settings.confidence_interval);
        let margin = Stage::Margin(self.settings.margin);
        let widen = |multiplier, exponent| Stage::Confidence { multiplier, exponent, confidence };
        let amount = |p: f64, stages: &[Stage]| {
            let wish = through(percentile(&usage.histogram, p, unit_scale), stages);
            // The settings have a step above 0.
            let rounded = round_up(wish, settings.round_up_to).unwrap_or(wish);
            rounded.clamp(settings.min_allowed, settings.max_allowed)
        };
        let min = Stage::Min(least);
        let bounds = Bounds {
            lower: amount(settings.lower_percentile, &[margin, widen(0.001, -2.0), min]),
            target: amount(settings.target_percentile, &[margin, min]),
            upper: amount(settings.upper_percentile, &[margin, widen(1.0, 1.0), min]),
        };
        let target = settings.target_percentile;
        let facts = [
            ("n_samples", history.samples as f64),
            ("span_days", history.last.since(history.first).as_secs_f64() / 86_400.0),
            ("confidence", confidence),
            ("percentile", target),
            ("usage", percentile(&usage.histogram, target, unit_scale) as f64),
        ];
        Estimate { bounds: Some(bounds), reason: Reason::new(codes::USAGE_HISTORY, facts) }
    }

    fn is_expired(&self, last: Timestamp, now: Timestamp) -> bool {
        let Config { memory_interval, memory_intervals, .. } = self.settings;
        is_expired(last, Some(last), now, memory_interval, memory_intervals)
    }

    /// Whether a sample's time can be believed; one after a long silence needs a second one, with
    /// which all begins anew.
    fn believe(&mut self, at: Timestamp) -> Result<(), Reason> {
        let Some(last) = self.last.filter(|&last| self.is_expired(last, at)) else {
            self.doubtful = None;
            return Ok(());
        };
        let confirms = |seen: Timestamp| at > seen && !self.is_expired(seen, at);
        if !self.doubtful.is_some_and(confirms) {
            self.doubtful = Some(at);
            let ahead = at.since(last).as_secs_f64();
            return Err(Reason::new(codes::TIME_JUMPED_AHEAD, [("ahead_seconds", ahead)]));
        }
        for usage in [&mut self.cpu, &mut self.memory] {
            usage.histogram.clear();
            usage.history = History::default();
        }
        self.containers.clear();
        (self.last, self.doubtful) = (None, None);
        Ok(())
    }

    fn container<'a>(
        containers: &'a mut BTreeMap<Arc<str>, Container>,
        name: &str,
    ) -> &'a mut Container {
        if !containers.contains_key(name) {
            if containers.len() >= Self::MOST_CONTAINERS {
                let silent = containers.iter().min_by_key(|(_, container)| container.last());
                if let Some(silent) = silent.map(|(name, _)| name.clone()) {
                    containers.remove(&silent);
                }
            }
            return containers.entry(name.into()).or_default();
        }
        containers.get_mut(name).expect("it was found above")
    }
}

impl Usage {
    fn apply(&mut self, Edit { subtract, value, weight, at, .. }: Edit) {
        let taken = if subtract {
            self.histogram.subtract(value, weight, at)
        } else {
            self.histogram.add(value, weight, at)
        };
        debug_assert!(taken, "a checked reading has been refused");
    }
}

#[cfg(test)]
mod tests;
