//! Whether a configuration can be replayed in numbers alone, and in which.
//!
//! In: a built configuration, a scene. Out: a [`Lane`], or why only the live code can replay it. What
//! integers make of binary64 (shares of percents, edges of tolerances) is tabulated by the live code.

use std::collections::BTreeMap;

use super::tape::{self, Known};
use crate::Config;
use crate::capacity::{Capacity as _, CapacityConfig, LeadTimeConfig, fixed};
use crate::combine::{Combine, Direction, PolicyEntry};
use crate::config::MetricConfig;
use crate::decide::Mode;
use crate::detect::ScreenConfig;
use crate::detect::screen::Treatment;
use crate::guard::rate::limit::{Change, ChangeLimit, Limits, Select};
use crate::guard::rate::log::EventLog;
use crate::guard::{Guard as _, GuardConfig, rate, stabilization, tolerance};
use crate::policy::PolicyConfig;
use crate::policy::predictive::Foresight;
use crate::policy::target::{self, By};
use crate::series::MetricKind;
use crate::sim::faults::Faults;
use crate::sim::replay::Scene;
use crate::sim::settings::Settings;
use crate::sim::workload::Workload;
use crate::time::{Duration, Timestamp};

/// No replicas above this, so that a table by their number is short.
pub(super) const MOST_REPLICAS: u32 = 1023;
/// What is proposed above the most replicas there are: more than twice of them, so that no tolerance
/// takes it for them.
pub(super) const TOO_MANY: u32 = 2047;
/// No part longer than this: a tick and a number of replicas share a word.
pub(super) const MOST_TICKS: usize = 1 << 21;
/// No lead time of more slots.
const MOST_KEPT: usize = 960;
/// Where there is no table, no tape, no number of replicas.
pub(super) const NONE: u32 = u32::MAX;
/// Guards, in the order in which they stand.
pub(super) const STABILIZATION: u32 = 1;
pub(super) const RATE: u32 = 2;
pub(super) const TOLERANCE: u32 = 3;
/// The directions of a rate.
pub(super) const UP: usize = 0;
pub(super) const DOWN: usize = 1;
/// Limits of a rate, in each direction.
pub(super) const LIMITS: usize = 2;
/// Which limit of a rate holds.
pub(super) const SELECT_MAX: u32 = 0;
pub(super) const SELECT_MIN: u32 = 1;
pub(super) const DISABLED: u32 = 2;
/// A limit of a rate that is a table by the replicas, else it is so many replicas.
pub(super) const BY_TABLE: u32 = 1 << 31;

/// A pair of a workload and settings, in numbers; the kernel's `Lane`: same fields, same order, all of
/// four bytes. Times are in intervals but for those of the screen, which are in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C)]
pub(crate) struct Lane {
    pub(super) min: u32,
    pub(super) max: u32,
    /// The replicas at the start, and their utilization.
    pub(super) initial: u32,
    pub(super) utilization: f32,
    /// What is known of the load: the numbers of its tapes.
    pub(super) tapes: Known,
    /// The law on utilization: its target in percent, 0 for none; the table by percent and
    /// pods of whether rounding adds one to its answer; the percents within its tolerance.
    pub(super) percent: u32,
    pub(super) sizes: u32,
    pub(super) within: [u32; 2],
    /// The screen of the utilization: values before anything is found, 0 where it is off; seconds.
    pub(super) samples: u32,
    pub(super) accept_after: f32,
    pub(super) accept_zero_after: f32,
    pub(super) accept_stuck_after: f32,
    /// The law on the load: thousandths a replica, 0 for none; the edges of its tolerance.
    pub(super) target_load: f32,
    pub(super) low: f32,
    pub(super) high: f32,
    /// The forecast by a quantile: the load a replica is planned with, 0 for none.
    pub(super) planned: f32,
    /// The forecast by a risk: slots of time for which what was needed counts, 0 for none; the tables of a
    /// load that follows the replicas.
    pub(super) keeps: u32,
    pub(super) follows: u32,
    /// The lead time in quarters of a second, and how many times as much what waits is worth as told.
    pub(super) lead: u32,
    pub(super) haste: f32,
    /// The guards in their order, the first one in the lowest four bits.
    pub(super) guards: u32,
    /// The table of the tolerance.
    pub(super) tolerance: u32,
    /// The windows of the stabilization, up and down.
    pub(super) windows: [u32; 2],
    /// The limits of the rate, up and down: which of them holds, how long an event is live, how many.
    pub(super) selects: [u32; 2],
    pub(super) longest: [u32; 2],
    pub(super) n_limits: [u32; 2],
    pub(super) changes: [u32; 2 * LIMITS],
    pub(super) periods: [u32; 2 * LIMITS],
}

impl Lane {
    /// As the kernel reads it, word by word.
    #[cfg(feature = "gpu")]
    pub(super) fn words(&self) -> Vec<u32> {
        let mut words = vec![self.min, self.max, self.initial, self.utilization.to_bits()];
        words.extend(self.tapes);
        words.extend([self.percent, self.sizes]);
        words.extend(self.within);
        words.push(self.samples);
        let seconds = [self.accept_after, self.accept_zero_after, self.accept_stuck_after];
        let law = [self.target_load, self.low, self.high, self.planned];
        words.extend(seconds.iter().chain(&law).map(|number| number.to_bits()));
        words.extend([self.keeps, self.follows, self.lead, self.haste.to_bits()]);
        words.extend([self.guards, self.tolerance]);
        words.extend(self.windows);
        words.extend(self.selects);
        words.extend(self.longest);
        words.extend(self.n_limits);
        words.extend(self.changes);
        words.extend(self.periods);
        words
    }

    /// Words that the events of one direction of its rate take.
    pub(super) fn n_events(&self, direction: usize) -> u32 {
        self.longest[direction] + 2
    }
}

/// Numbers that lanes look up, each table once however many share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tables {
    pub(super) words: Vec<u32>,
    known: BTreeMap<String, u32>,
}

impl Tables {
    /// The place of a table, made if it is new.
    fn place(&mut self, key: String, make: impl FnOnce() -> Vec<u32>) -> u32 {
        if let Some(&place) = self.known.get(&key) {
            return place;
        }
        let place = self.words.len() as u32;
        self.words.extend(make());
        self.known.insert(key, place);
        place
    }
}

/// Why the plant can only be simulated by the ordinary code; none if it can.
pub(crate) fn plant_refused(settings: &Settings, n_ticks: usize) -> Option<&'static str> {
    let interval = settings.interval.as_millis();
    let hour = 3_600_000;
    if settings.workload != Workload::FluidQueue {
        return Some("the workload is no fluid queue");
    }
    if settings.crashes_per_day > 0.0 || settings.faults != Faults::default() {
        return Some("the plant has faults");
    }
    if settings.metric_lag.steps(settings.interval) > 255
        || settings.stop.as_millis() / interval > 255
    {
        return Some("metrics lag, or replicas stop, for more than 255 intervals");
    }
    if interval > hour || settings.timeout.as_millis() > hour {
        return Some("the interval or the time-out is longer than an hour");
    }
    if settings.longest_start_up().as_millis() > 24 * hour {
        return Some("start-ups last for more than a day");
    }
    if settings.initial_replicas == Some(0) {
        return Some("it begins without a replica");
    }
    (n_ticks > MOST_TICKS).then_some("the part is longer than 2097152 intervals")
}

/// The lane of a configuration; what it knows of the load is still to be told.
///
/// # Errors
/// Why only the live code can replay it.
pub(crate) fn lane(
    config: &Config,
    scene: &Scene<'_>,
    tables: &mut Tables,
) -> Result<Lane, &'static str> {
    if config.mode != Mode::On || config.zero.is_some() {
        return Err("it only observes, or goes to zero");
    }
    let (min, max) = (config.min_replicas, config.max_replicas);
    if min == 0 || max > MOST_REPLICAS {
        return Err("its limits begin at zero or end above 1023 replicas");
    }
    if config.combine != Combine::Maximum {
        return Err("its policies are not combined by the maximum");
    }
    if !matches!(config.lead_time, LeadTimeConfig::Fixed(_)) {
        return Err("its lead time is learnt");
    }
    let initial = scene.initial_within(min, max);
    if initial == 0 || initial > MOST_REPLICAS {
        return Err("it begins with no replicas or more than 1023");
    }
    let share = scene.before / (scene.load_per_replica * f64::from(initial));
    let mut lane = Lane {
        min,
        max,
        initial,
        utilization: share.min(1.0) as f32,
        tapes: [NONE; 5],
        sizes: NONE,
        follows: NONE,
        within: [1, 0],
        tolerance: NONE,
        selects: [DISABLED; 2],
        ..Lane::default()
    };
    for entry in &config.policies {
        lane.policy(entry, config, scene, tables)?;
    }
    for (place, guard) in config.guards.iter().enumerate() {
        let kind = lane.guard(guard, scene.settings.interval, tables)?;
        if place >= 3 || (0..place).any(|other| lane.guards >> (4 * other) & 15 == kind) {
            return Err("a guard stands twice");
        }
        lane.guards |= kind << (4 * place);
    }
    Ok(lane)
}

impl Lane {
    fn policy(
        &mut self,
        entry: &PolicyEntry,
        config: &Config,
        scene: &Scene<'_>,
        tables: &mut Tables,
    ) -> Result<(), &'static str> {
        let PolicyEntry { policy, direction, guards, group, fallback } = entry;
        let is_plain = *direction == Direction::Both
            && guards.is_empty()
            && group.is_empty()
            && fallback.is_none();
        if !is_plain {
            return Err("a policy has a direction, guards, a group or a fallback of its own");
        }
        let Settings { load_metric, utilization_metric, .. } = &scene.settings;
        let kind = |metric: &str| config.metrics.get(metric).map(|metric| metric.kind);
        match policy {
            PolicyConfig::Target(law) if law.metric == *utilization_metric => {
                let is_known = kind(&law.metric) == Some(MetricKind::Utilization)
                    && law.by.is_none_or(|by| by == By::Utilization);
                if !is_known || self.percent > 0 {
                    return Err("a law on the utilization is no share, or there are two");
                }
                self.law_on_utilization(law, tables);
                self.screen(&config.metrics[&law.metric])
            }
            PolicyConfig::Target(law) if law.metric == *load_metric => {
                let is_known = kind(&law.metric) == Some(MetricKind::Total)
                    && law.by.is_none_or(|by| by == By::AverageValue);
                if !is_known || self.target_load > 0.0 {
                    return Err("a law on the load is no average, or there are two");
                }
                self.target_load = (law.target * 1000.0).round() as f32;
                self.low = (1.0 - law.tolerance.down) as f32;
                self.high = (1.0 + law.tolerance.up) as f32;
                Ok(())
            }
            PolicyConfig::Predictive(settings) => {
                let is_known = settings.metric == *load_metric
                    && kind(&settings.metric) == Some(MetricKind::Total);
                if !is_known || self.planned > 0.0 || self.keeps > 0 {
                    return Err("a forecast is of another metric, or there are two");
                }
                let Some(CapacityConfig::Fixed(capacity)) = &config.capacity else {
                    return Err("the capacity is learnt");
                };
                if let Some(risk) = settings.risk() {
                    let LeadTimeConfig::Fixed(lead_time) = config.lead_time else {
                        return Err("its lead time is learnt");
                    };
                    let slots = Foresight::slots_kept(lead_time);
                    if slots > MOST_KEPT {
                        return Err("its lead time is longer than four hours");
                    }
                    self.keeps = slots as u32;
                    (self.lead, self.haste) =
                        (Foresight::quarters(lead_time), Foresight::haste(risk));
                    self.follows = tables.place("follows".to_owned(), tape::follows);
                    return Ok(());
                }
                let capacity = fixed::Fixed::new(capacity.clone()).map_err(|_| "no capacity")?;
                self.planned = capacity.load_per_replica().map_err(|_| "no capacity")? as f32;
                Ok(())
            }
            _ => Err("a policy is neither a target nor predictive, or reads another metric"),
        }
    }

    fn law_on_utilization(&mut self, law: &target::Config, tables: &mut Tables) {
        let target = (law.target * 100.0).round() as i64;
        let ratio = |percent: u32| f64::from(percent) / target as f64;
        let mut within = (0..=100).filter(|&percent| law.tolerance.contains(ratio(percent)));
        self.percent = target as u32;
        if let Some(low) = within.next() {
            self.within = [low, within.next_back().unwrap_or(low)];
        }
        // HPA: ceil(ratio * pods), whose rounding noise in binary64 can make one more of a whole number.
        self.sizes = tables.place(format!("sizes {target}"), || {
            let word = |percent: u32, first: u32| {
                let noise = |pods: u32| {
                    let live = (ratio(percent) * f64::from(pods)).ceil() as u32;
                    live - (percent * pods).div_ceil(target as u32)
                };
                (0..32).fold(0, |word, bit| word | noise(first + bit) << bit)
            };
            let row = |percent| (0..=MOST_REPLICAS / 32).map(move |at| word(percent, 32 * at));
            (0..=100).flat_map(row).collect()
        });
    }

    fn screen(&mut self, metric: &MetricConfig) -> Result<(), &'static str> {
        let ScreenConfig { enabled, rise, fall, zero, unit, stuck, samples, .. } = metric.screen;
        if !enabled {
            return Ok(());
        }
        if [rise, fall, zero, unit, stuck] != [Treatment::Hold; 5] {
            return Err("the screen of the utilization does not hold what it finds");
        }
        let seconds = |time: Duration| time.as_secs_f64() as f32;
        self.samples = samples;
        self.accept_after = seconds(metric.screen.accept_after);
        self.accept_zero_after = seconds(metric.screen.accept_zero_after);
        self.accept_stuck_after = seconds(metric.screen.accept_stuck_after);
        Ok(())
    }

    fn guard(
        &mut self,
        guard: &GuardConfig,
        interval: Duration,
        tables: &mut Tables,
    ) -> Result<u32, &'static str> {
        match guard {
            GuardConfig::Stabilization(settings) => {
                let stabilization::Config { scale_up, scale_down } = settings;
                self.windows = [within(*scale_up, interval)?, within(*scale_down, interval)?];
                Ok(STABILIZATION)
            }
            GuardConfig::Rate(settings) => {
                let rate::Config { scale_up, scale_down, select_scale_up, select_scale_down } =
                    settings;
                self.limits(UP, scale_up, *select_scale_up, interval, tables)?;
                self.limits(DOWN, scale_down, *select_scale_down, interval, tables)?;
                Ok(RATE)
            }
            GuardConfig::Tolerance(settings) => {
                let key = format!("tolerance {} {}", settings.scale_up, settings.scale_down);
                let mut guard =
                    tolerance::Tolerance::new(settings.clone()).map_err(|_| "no tolerance")?;
                let mut holds = |current, proposed| {
                    guard.hold(Timestamp::default(), current, proposed).0 == current
                };
                self.tolerance = tables.place(key, || {
                    let edges = |current: u32| {
                        let low = (0..current).rev().find(|&low| !holds(current, low));
                        let high = (current + 1..TOO_MANY).find(|&high| !holds(current, high));
                        low.map_or(0, |low| low + 1) | (high.unwrap_or(TOO_MANY) - 1) << 16
                    };
                    (0..=MOST_REPLICAS).map(edges).collect()
                });
                Ok(TOLERANCE)
            }
            _ => Err("a guard is none of stabilization, rate and tolerance"),
        }
    }

    fn limits(
        &mut self,
        direction: usize,
        limits: &[ChangeLimit],
        select: Select,
        interval: Duration,
        tables: &mut Tables,
    ) -> Result<(), &'static str> {
        if limits.len() > LIMITS {
            return Err("a rate has more than two limits in a direction");
        }
        self.selects[direction] = match select {
            Select::Max => SELECT_MAX,
            Select::Min => SELECT_MIN,
            Select::Disabled => DISABLED,
        };
        self.n_limits[direction] = limits.len() as u32;
        for (place, limit) in limits.iter().enumerate() {
            let periods = within(limit.period, interval)?;
            self.periods[LIMITS * direction + place] = periods;
            let live = limit.period.as_millis() / interval.as_millis();
            self.longest[direction] = self.longest[direction].max(live as u32);
            self.changes[LIMITS * direction + place] = match limit.change {
                Change::Replicas(replicas) => replicas.min(TOO_MANY),
                Change::Percent(percent) => {
                    let key = format!("percent {direction} {percent}");
                    let place = tables.place(key, || {
                        let limits =
                            Limits { of: std::slice::from_ref(limit), select: Select::Max };
                        let (none, at) = (EventLog::default(), Timestamp::default());
                        let reached = |base| match direction {
                            UP => limits.scale_up(at, base, &none, &none),
                            _ => limits.scale_down(at, base, &none, &none),
                        };
                        // Below zero acts as zero.
                        let all = (0..=MOST_REPLICAS).map(reached);
                        all.map(|reached| reached.clamp(0, i64::from(TOO_MANY)) as u32).collect()
                    });
                    BY_TABLE | place
                }
            };
        }
        Ok(())
    }
}

/// So many intervals back are younger than a time.
fn within(time: Duration, interval: Duration) -> Result<u32, &'static str> {
    let n = (time.as_millis() + interval.as_millis() - 1) / interval.as_millis();
    if n > 1000 {
        // Of more events or recommendations the live code forgets some.
        return Err("a window or a period is longer than 1000 intervals");
    }
    Ok(n as u32)
}
