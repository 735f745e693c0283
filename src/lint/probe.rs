//! The live loop as a black box: what it answers to a steady load.
//!
//! In: settings, one metric, a size and a load. Out: the size it goes to, and what a workload that
//! follows it does. Knows no law: an [`Autoscaler`] is built anew and fed until it moves or has seen
//! everything that its settings could wait for.

use std::collections::VecDeque;

use serde_json::Value;

use super::finding::numbers;
use crate::combine::{Combine, PolicyEntry};
use crate::config::read::to_value;
use crate::decide::Mode;
use crate::detect::ScreenConfig;
use crate::guard::GuardConfig;
use crate::policy::Policy;
use crate::series::{MetricKind, Observation, Reading};
use crate::time::{Duration, Timestamp};
use crate::{Autoscaler, Config, Error};

/// More observations than this are not fed to find out what a size goes to.
const MOST_TICKS: i64 = 400;

/// The time between observations where no setting asks for another: that of the Kubernetes HPA.
const INTERVAL: Duration = Duration::from_secs(15);

/// The loop reduced to what reads one metric (or, where none is named, to what reads any).
#[derive(Debug)]
pub(super) struct Probe {
    /// As configured, guards included.
    guarded: Config,
    /// Without the guards that only slow changes down.
    pub(super) free: Config,
    /// The metrics that are fed.
    metrics: Vec<(String, MetricKind)>,
    /// The policies that take part, by their place in the configuration.
    pub(super) policies: Vec<usize>,
    /// Numbers in their settings, near which their answers may change.
    pub(super) marks: Vec<f64>,
    interval: Duration,
    patience: Duration,
    guarded_patience: Duration,
}

/// What a workload did that follows the loop under a steady load.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Course {
    /// The largest size asked for.
    pub(super) peak: u32,
    /// How often the direction turned round.
    pub(super) reversals: u32,
    /// The time it was watched for.
    pub(super) watched: Duration,
}

impl Probe {
    /// Of the policies of `config` that `takes_part` says, or `None` if none is left.
    ///
    /// Schedules and forecasts are silent: they answer to the clock and to history.
    pub(super) fn new(
        config: &Config,
        takes_part: impl Fn(usize, &dyn Policy) -> bool,
    ) -> Result<Option<Self>, Error> {
        let mut policies = Vec::new();
        let mut names = Vec::<String>::new();
        for (index, entry) in config.policies.iter().enumerate() {
            let policy = entry.policy.clone().build()?;
            let is_law =
                policy.outlook().is_none() && !policy.only_narrows() && !policy.never_lowers();
            if is_law && takes_part(index, &*policy) {
                policies.push(index);
                let other = policy.also_reads().map(|(_, name)| name);
                for name in policy.metric().into_iter().chain(other) {
                    if !names.iter().any(|known| known == name) {
                        names.push(name.to_owned());
                    }
                }
            }
        }
        if names.is_empty() {
            return Ok(None);
        }
        let entries: Vec<PolicyEntry> =
            policies.iter().map(|&index| config.policies[index].clone()).collect();
        let zero = config.zero.clone().filter(|zero| {
            let triggers = zero.triggers.iter().map(|trigger| &trigger.metric);
            zero.metric.iter().chain(triggers).all(|name| names.contains(name))
        });
        let metrics: Vec<_> = names
            .into_iter()
            .filter_map(|name| Some((name.clone(), config.metrics.get(&name)?.kind)))
            .collect();
        let has_total = metrics.iter().any(|&(_, kind)| kind == MetricKind::Total);
        let wakes = zero.is_some() || (has_total && config.zero.is_none());
        let mut guarded = config.bare();
        if !wakes {
            guarded.min_replicas = config.min_replicas.max(1);
        }
        if config.mode == Mode::Observe {
            guarded.mode = Mode::On;
        }
        guarded.capacity = None;
        // The loads that are tried are all to be believed.
        for metric in guarded.metrics.values_mut() {
            metric.screen = ScreenConfig::off();
        }
        if let Combine::KOfN { scale_up, scale_down } = &mut guarded.combine {
            let n_policies = u32::try_from(entries.len()).unwrap_or(u32::MAX);
            (*scale_up, *scale_down) = ((*scale_up).min(n_policies), (*scale_down).min(n_policies));
        }
        (guarded.policies, guarded.zero, guarded.pause_at_zero) = (entries, zero, false);
        let mut free = guarded.clone();
        free.guards.retain(is_lasting);
        for entry in &mut free.policies {
            entry.guards.retain(is_lasting);
        }
        let waits = Waits::of(&to_value(&free)?);
        let guarded_waits = Waits::of(&to_value(&guarded)?);
        let mut marks = Vec::new();
        for entry in &free.policies {
            if let Value::Object(fields) = to_value(entry)? {
                marks.extend(
                    numbers(&fields).into_iter().filter(|mark| (1e-6..1e13).contains(mark)),
                );
            }
        }
        marks.sort_by(f64::total_cmp);
        marks.dedup();
        Autoscaler::new(free.clone())?;
        let interval = waits.interval();
        Ok(Some(Self {
            guarded,
            free,
            metrics,
            policies,
            marks,
            interval,
            patience: waits.longest(config.lead_time.initial()),
            guarded_patience: guarded_waits.longest(config.lead_time.initial()),
        }))
    }

    /// The limits of the size.
    pub(super) fn limits(&self) -> (u32, u32) {
        (self.free.min_replicas, self.free.max_replicas)
    }

    /// Whether every metric is the load of the whole workload, which can be read at zero replicas.
    pub(super) fn reads_at_zero(&self) -> bool {
        self.metrics.iter().all(|&(_, kind)| kind == MetricKind::Total)
    }

    /// How many metrics are fed.
    pub(super) fn n_metrics(&self) -> usize {
        self.metrics.len()
    }

    /// Whether a reading is the load of one replica, not of all.
    pub(super) fn is_per_replica(&self) -> bool {
        self.metrics.iter().any(|&(_, kind)| kind != MetricKind::Total)
    }

    /// Where `n` ready replicas go first under a load that stays; `n` if they stay. Each metric has
    /// its own load; the last one counts for those that follow.
    pub(super) fn next(&self, n: u32, loads: &[f64]) -> u32 {
        let mut scaler = self.scaler(&self.free);
        let ticks = (self.patience.steps(self.interval) as i64 + 2).min(MOST_TICKS);
        let interval = self.interval.max(self.patience.divided(MOST_TICKS));
        let mut seen = Observation::at(START).ready(n);
        self.read(&mut seen, loads, n);
        for _ in 0..ticks {
            let replicas = scaler.decide(&seen).replicas;
            if replicas != n {
                return replicas;
            }
            seen.at = seen.at + interval;
        }
        n
    }

    /// The sizes that come again and again from `n` on; `None` if it comes to rest.
    pub(super) fn cycle(&self, n: u32, load: f64) -> Option<Vec<u32>> {
        let mut path = vec![n];
        // A step at a time over thousands of replicas is a ramp, no cycle of few.
        while path.len() < 64 {
            let next = self.next(path[path.len() - 1], &[load]);
            match path.iter().position(|&before| before == next) {
                Some(at) if at + 1 == path.len() => return None,
                Some(at) => return Some(path.split_off(at)),
                None => path.push(next),
            }
        }
        None
    }

    /// What a workload does that follows the loop, guards included, with replicas that take
    /// `start_up` to get ready; watched until it has rested for longer than anything in the settings
    /// waits, or turned round `enough` times.
    pub(super) fn follow(&self, from: u32, load: f64, start_up: Duration, enough: u32) -> Course {
        let mut scaler = self.scaler(&self.guarded);
        let rest = self.guarded_patience.plus(start_up).plus(start_up);
        let interval = self.interval.max(rest.divided(MOST_TICKS));
        let mut starting = VecDeque::<(Timestamp, u32)>::new();
        let mut seen = Observation::at(START).ready(from);
        let mut course = Course { peak: from, ..Course::default() };
        let (mut direction, mut moved_at) = (std::cmp::Ordering::Equal, START);
        for _ in 0..50 * MOST_TICKS {
            while let Some(&(_, n)) = starting.front().filter(|&&(at, _)| at <= seen.at) {
                seen.replicas.ready += n;
                seen.replicas.pending -= n;
                starting.pop_front();
            }
            let ready = seen.replicas.ready;
            self.read(&mut seen, &[load], ready);
            let current = seen.replicas.existing();
            let replicas = scaler.decide(&seen).replicas;
            if replicas != current {
                let now = replicas.cmp(&current);
                course.reversals += u32::from(direction.reverse() == now);
                (direction, moved_at) = (now, seen.at);
                course.peak = course.peak.max(replicas);
            }
            if replicas > current {
                starting.push_back((seen.at + start_up, replicas - current));
                seen.replicas.pending += replicas - current;
            }
            let mut surplus = current.saturating_sub(replicas);
            while surplus > 0
                && let Some((_, n)) = starting.back_mut()
            {
                let taken = surplus.min(*n);
                (*n, surplus) = (*n - taken, surplus - taken);
                seen.replicas.pending -= taken;
                if *n == 0 {
                    starting.pop_back();
                }
            }
            seen.replicas.ready -= surplus;
            course.watched = seen.at.since(START);
            let rested = seen.at.since(moved_at);
            if course.reversals >= enough || rested > rest.plus(interval.times(4)) {
                break;
            }
            seen.at = seen.at + interval;
        }
        course
    }

    fn read(&self, seen: &mut Observation, loads: &[f64], ready: u32) {
        for (index, (name, kind)) in self.metrics.iter().enumerate() {
            let load = loads[index.min(loads.len() - 1)];
            let reading = match kind {
                MetricKind::Total => Reading::Total { total: load },
                _ if ready == 0 => Reading::Missing,
                _ => Reading::Average { average: load / f64::from(ready) },
            };
            match seen.metrics.get_mut(name) {
                Some(old) => *old = reading,
                None => {
                    seen.metrics.insert(name.clone(), reading);
                }
            }
        }
    }

    fn scaler(&self, config: &Config) -> Autoscaler {
        Autoscaler::new(config.clone()).expect("was built once from the same settings")
    }
}

/// Any moment will do; this one is on a whole day.
const START: Timestamp = Timestamp::from_secs(1_767_225_600);

/// Whether a guard goes on holding, however long it is asked; the others only put off.
fn is_lasting(guard: &GuardConfig) -> bool {
    matches!(guard, GuardConfig::ChangeLimit(_) | GuardConfig::Tolerance(_))
}

/// What the times in some settings come to.
struct Waits {
    shortest: Option<Duration>,
    longest: Duration,
}

impl Waits {
    /// Every time in the settings counts, times the largest count of points beside it; too long is
    /// slow, too short would be wrong.
    fn of(settings: &Value) -> Self {
        let mut waits = Self { shortest: None, longest: Duration::ZERO };
        for part in ["policies", "guards", "zero"] {
            waits.walk(&settings[part]);
        }
        waits
    }

    fn walk(&mut self, value: &Value) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.walk(item)),
            Value::Object(fields) => {
                let most = |is_count: &dyn Fn(&str) -> bool| {
                    let counts = fields.iter().filter(|(name, _)| is_count(name));
                    counts.filter_map(|(_, count)| count.as_i64()).max().unwrap_or(1).max(1)
                };
                // So many periods, or so many looks within a window.
                let times = most(&|name| name.contains("points") || name == "of");
                let looks = most(&|name| name.contains("trigger"));
                for field in fields.values() {
                    match field.as_str().map(str::parse::<Duration>) {
                        Some(Ok(wait)) if !wait.is_zero() => {
                            self.longest = self.longest.plus(wait.times(times));
                            let wait = wait.divided(looks);
                            let before = self.shortest.unwrap_or(wait);
                            self.shortest = Some(before.min(wait));
                        }
                        _ => self.walk(field),
                    }
                }
            }
            _ => {}
        }
    }

    /// With the lead time, for which a law that remembers may also wait.
    fn longest(&self, lead_time: Duration) -> Duration {
        if self.longest.is_zero() { self.longest } else { self.longest.plus(lead_time) }
    }

    /// Often enough for the shortest of the times, and no more often than needed.
    fn interval(&self) -> Duration {
        self.shortest.map_or(INTERVAL, |shortest| {
            let least = Duration::from_secs(1);
            shortest.divided(2).max(least).min(Duration::from_secs(60))
        })
    }
}

trait Spans {
    fn plus(self, other: Duration) -> Duration;
    fn divided(self, parts: i64) -> Duration;
}

impl Spans for Duration {
    fn plus(self, other: Duration) -> Duration {
        (Timestamp::default() + self + other).since(Timestamp::default())
    }

    fn divided(self, parts: i64) -> Duration {
        Duration::from_millis(1).times(self.as_millis() / parts.max(1))
    }
}
