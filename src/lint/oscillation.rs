//! A steady load under which the size goes up and down for ever.
//!
//! In: the loop as a black box. Out: the smallest size at which it happens, with the load, and the
//! setting that ends it. A pair of thresholds that looks apart may overlap for few replicas: up at
//! 60 %, down at 40 %, and one replica at 65 % becomes two at 32.5 % (kubernetes/website#54304;
//! Azure calls it flapping).
//!
//! How it is found: for a size, the loads at which its answer changes are bisected. A cycle that
//! exists at some load still exists just above the next lower of these loads of its members, so each
//! is tried and its sizes followed. Then the whole loop, guards included, must turn round again and
//! again from there; what a guard keeps still is no finding.

use serde_json::Value;

use super::finding::{Finding, Fix, Severity, number, replicas, rounded, short, unit};
use super::probe::Probe;
use crate::combine::Combine;
use crate::config::read::to_value;
use crate::time::Duration;
use crate::{Config, Error};

/// Up to this size every one is looked at, and every answer within as many replicas.
const ALL_TO: u32 = 16;

/// A load is told apart from another to this relative precision.
const PRECISION: f64 = 1e-5;

/// A cycle, with the load that keeps it going.
#[derive(Clone, Debug)]
pub(super) struct Cycle {
    /// The sizes in turn, the smallest first.
    pub(super) sizes: Vec<u32>,
    load: f64,
    reversals_per_day: f64,
}

pub(super) fn check(config: &Config, findings: &mut Vec<Finding>) -> Result<(), Error> {
    for metric in config.metrics.keys() {
        let reads = |config: &Config| {
            // One that reads nothing has its say all the same.
            Probe::new(config, |_, policy| policy.metric().is_none_or(|reads| reads == metric))
        };
        let Some(probe) = reads(config)? else { continue };
        if let Some(index) = not_shared(config, &probe)? {
            let message = format!(
                "Whether `{metric}` falls as replicas are added cannot be told from the settings, so \
                 it is not proven that the size comes to rest."
            );
            let path = format!("policies[{index}]");
            findings.push(Finding::new("not_proven", Severity::Note, path, message, []));
            continue;
        }
        // Others must agree, and what they say is unknown.
        let asks_others = matches!(config.combine, Combine::All | Combine::KOfN { .. });
        if asks_others && probe.policies.len() < config.policies.len() {
            continue;
        }
        let Some(cycle) = first_cycle(&probe, sizes(&probe)) else { continue };
        findings.push(told(config, metric, &probe, &cycle, &reads)?);
    }
    Ok(())
}

/// The first policy that holds a reading as it is against its marks, as for a latency.
fn not_shared(config: &Config, probe: &Probe) -> Result<Option<usize>, Error> {
    for &index in &probe.policies {
        let settings = to_value(&config.policies[index])?;
        let is_size = settings["kind"] == "pass_through" && probe.is_per_replica();
        if is_size || settings["by"] == "value" || settings["algorithm"] == "absolute" {
            return Ok(Some(index));
        }
    }
    Ok(None)
}

fn told(
    config: &Config,
    metric: &str,
    probe: &Probe,
    cycle: &Cycle,
    reads: &dyn Fn(&Config) -> Result<Option<Probe>, Error>,
) -> Result<Finding, Error> {
    let Cycle { ref sizes, load, reversals_per_day } = *cycle;
    let low = sizes[0];
    let high = sizes.iter().copied().max().unwrap_or(low);
    let share = |n: u32| short(load / f64::from(n.max(1)));
    let spread = if probe.is_per_replica() && low > 0 {
        format!(" ({} a replica)", share(low))
    } else {
        String::new()
    };
    let there = if probe.is_per_replica() {
        format!("where each carries {}", share(high))
    } else {
        "where it is the same".to_owned()
    };
    let message = format!(
        "At {} a steady load of {} of `{metric}`{spread} goes up to {high}, {there}, and down again to \
         {low}, for ever: it turns round {} times a day.",
        replicas(low),
        short(load),
        short(reversals_per_day.round()),
    );
    let facts = [
        ("replicas_low", f64::from(low)),
        ("replicas_high", f64::from(high)),
        ("load", load),
        ("reversals_per_day", reversals_per_day),
    ];
    let fix = mend(config, probe, cycle, reads)?;
    let path = match &fix {
        Some(fix) if fix.path.starts_with("policies") => fix.path.clone(),
        _ => format!("policies[{}]", probe.policies[0]),
    };
    let mut finding = Finding::new("oscillation", Severity::Error, path, message, facts);
    finding.fix = fix;
    Ok(finding)
}

/// The sizes that are looked at: each of the first, then one in ten.
pub(super) fn sizes(probe: &Probe) -> Vec<u32> {
    let (min, max) = probe.limits();
    let least = if probe.reads_at_zero() { min } else { min.max(1) };
    let mut sizes = Vec::new();
    let mut n = least;
    while n <= max {
        sizes.push(n);
        let step = if n - least < ALL_TO { 1 } else { (n / 10).max(1) };
        let Some(next) = n.checked_add(step) else { break };
        n = next;
    }
    // A cycle near the upper limit starts below it; the limit itself is where one ends.
    if sizes.last().is_some_and(|&last| last < max) {
        sizes.push(max);
    }
    sizes
}

/// The first cycle from any of these sizes that the guards do not end.
pub(super) fn first_cycle(probe: &Probe, sizes: Vec<u32>) -> Option<Cycle> {
    let mut hints = Vec::new();
    let mut n_held = 0;
    for n in sizes {
        let loads = changes(probe, n, &hints);
        hints = loads.iter().map(|load| load / f64::from(n.max(1))).collect();
        for load in loads {
            let Some(mut sizes) = probe.cycle(n, load) else { continue };
            let smallest = (0..sizes.len()).min_by_key(|&at| sizes[at]).unwrap_or(0);
            sizes.rotate_left(smallest);
            let course = probe.follow(sizes[0], load, Duration::ZERO, 6);
            if course.reversals >= 6 {
                let days = course.watched.as_secs_f64() / 86_400.0;
                let reversals_per_day = f64::from(course.reversals) / days.max(1e-9);
                return Some(Cycle { sizes, load, reversals_per_day });
            }
            n_held += 1;
            if n_held >= 32 {
                return None; // the guards hold it, here and very likely elsewhere
            }
        }
    }
    None
}

/// The loads at which the answer at `n` changes, each a trace above the change.
pub(super) fn changes(probe: &Probe, n: u32, hints: &[f64]) -> Vec<f64> {
    let reach = if n <= ALL_TO + probe.limits().0 { ALL_TO } else { 1 };
    let answer =
        |load: f64| probe.next(n, &[load]).clamp(n.saturating_sub(reach), n.saturating_add(reach));
    let size = f64::from(n.max(1));
    let mut ladder = vec![0.0];
    if hints.is_empty() || n <= ALL_TO {
        ladder.extend((-4..=12).map(|power| libm::pow(10.0, f64::from(power)) * size));
        for mark in &probe.marks {
            for mark in [mark * 0.999, mark * 1.001] {
                ladder.extend([mark, mark * size]);
            }
        }
    } else {
        ladder.extend([1e-4 * size, 1e12 * size]);
        ladder.extend(hints.iter().flat_map(|hint| [hint * size * 0.98, hint * size * 1.02]));
    }
    ladder.sort_by(f64::total_cmp);
    ladder.dedup();
    let mut found = Vec::new();
    let mut before = (ladder[0], answer(ladder[0]));
    for &load in &ladder[1..] {
        let after = (load, answer(load));
        split(&answer, before, after, &mut found);
        before = after;
    }
    found
}

/// Bisects every change of the answer between two loads.
fn split(answer: &impl Fn(f64) -> u32, low: (f64, u32), high: (f64, u32), found: &mut Vec<f64>) {
    if low.1 == high.1 {
        return;
    }
    if high.0 - low.0 <= PRECISION * high.0 || high.0 < 1e-9 {
        found.push(high.0);
        return;
    }
    let middle = (low.0 + high.0) / 2.0;
    let middle = (middle, answer(middle));
    split(answer, low, middle, found);
    split(answer, middle, high, found);
}

/// The smallest change after which no cycle is left: the lower mark down, else the upper mark up,
/// else a higher minimum.
fn mend(
    config: &Config,
    probe: &Probe,
    cycle: &Cycle,
    reads: &dyn Fn(&Config) -> Result<Option<Probe>, Error>,
) -> Result<Option<Fix>, Error> {
    let mut known = cycle.sizes.clone();
    for lower in [true, false] {
        for &index in &probe.policies {
            let alone = Probe::new(config, |other, _| other == index)?;
            let Some(alone) = alone else { continue };
            let (ups, downs) = ways(&alone, &cycle.sizes);
            let settings = to_value(&config.policies[index])?;
            let marks: &[&str] = match (lower, ups, downs) {
                (true, _, true) if !ups => &["threshold", "low", "lower_bound", "upper_bound"],
                (true, true, true) => &["low", "lower_bound"],
                (false, true, _) if !downs => &["threshold", "high", "upper_bound", "lower_bound"],
                (false, true, true) => &["high", "upper_bound"],
                _ => continue,
            };
            for name in marks {
                // A watermark's one mark is both, until the other is given.
                let mark = settings[*name].as_f64().or_else(|| {
                    let other = match *name {
                        "low" => "high",
                        "high" => "low",
                        _ => return None,
                    };
                    settings.get(*name)?;
                    settings[other].as_f64()
                });
                let Some(mark) = mark.filter(|&mark| mark > 0.0) else { continue };
                let path = format!("policies[{index}].{name}");
                if let Some(fix) = moved(config, &path, mark, lower, &mut known, reads) {
                    return Ok(Some(fix));
                }
            }
        }
    }
    let (min, max) = probe.limits();
    for least in
        (min.saturating_add(1)..=max.min(min.saturating_add(ALL_TO))).skip_while(|_| max == min)
    {
        let fix = Fix::new("min_replicas", Value::from(least));
        if rests(config, &fix, &mut known, reads) {
            return Ok(Some(fix));
        }
    }
    Ok(None)
}

/// Whether a policy, alone, raises and lowers at any of these sizes.
fn ways(alone: &Probe, sizes: &[u32]) -> (bool, bool) {
    let (min, max) = alone.limits();
    let near = sizes.iter().flat_map(|&n| [n.saturating_sub(1), n, n.saturating_add(1)]);
    let (mut ups, mut downs) = (false, false);
    for n in near.filter(|n| (min..=max).contains(n)) {
        for power in -4..=12 {
            let load = libm::pow(10.0, f64::from(power)) * f64::from(n.max(1));
            let next = alone.next(n, &[load]);
            ups |= next > n;
            downs |= next < n;
        }
    }
    (ups, downs)
}

/// The nearest value of a mark, lower or higher, with which it rests; written short.
fn moved(
    config: &Config,
    path: &str,
    mark: f64,
    lower: bool,
    known: &mut Vec<u32>,
    reads: &dyn Fn(&Config) -> Result<Option<Probe>, Error>,
) -> Option<Fix> {
    let mut try_out = |value: f64| rests(config, &Fix::new(path, number(value)), known, reads);
    let far = if lower { mark / 64.0 } else { mark * 64.0 };
    // Two digits that matter, so that a utilization stays whole percents.
    let tidy = |value: f64| rounded(value, !lower);
    let (mut good, mut bad) = (tidy(far), mark);
    if !try_out(good) {
        return None;
    }
    for _ in 0..12 {
        let middle = tidy((good + bad) / 2.0);
        let is_between =
            if lower { good < middle && middle < bad } else { bad < middle && middle < good };
        let middle = if is_between {
            middle
        } else {
            // The next short number from the good end may still do.
            let unit = unit(good);
            let next = if lower { tidy(good + unit * 1.01) } else { tidy(good - unit * 1.01) };
            let is_between =
                if lower { good < next && next < bad } else { bad < next && next < good };
            if !is_between {
                break;
            }
            next
        };
        if try_out(middle) { good = middle } else { bad = middle }
    }
    Some(Fix::new(path, number(good)))
}

/// Whether the loop rests everywhere with this change. Sizes where it did not once are looked at
/// first, as they fail first.
fn rests(
    config: &Config,
    fix: &Fix,
    known: &mut Vec<u32>,
    reads: &dyn Fn(&Config) -> Result<Option<Probe>, Error>,
) -> bool {
    let Ok(changed) = fix.apply(config) else { return false };
    let Ok(Some(probe)) = reads(&changed) else { return false };
    let (min, max) = probe.limits();
    let first: Vec<u32> = known.iter().copied().filter(|n| (min..=max).contains(n)).collect();
    if first_cycle(&probe, first).is_some() {
        return false;
    }
    match first_cycle(&probe, sizes(&probe)) {
        Some(cycle) => {
            known.extend(cycle.sizes);
            known.sort_unstable();
            known.dedup();
            false
        }
        None => true,
    }
}
