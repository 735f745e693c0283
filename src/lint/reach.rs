//! Sizes within the limits from which no load moves it.
//!
//! In: the loop as a black box with all its metrics at extremes. Out: the sizes where nothing is ever
//! added or taken away: a percentage that rounds to nothing, a tolerance wider than a step, marks of
//! one direction only. Forecasts and schedules move a size too, so where one is configured nothing
//! is said.

use serde_json::Value;

use super::finding::{Finding, Fix, Severity, replicas};
use super::oscillation::sizes;
use super::probe::Probe;
use crate::decide::Mode;
use crate::{Config, Error};

/// Every mixture of low and high is tried for so many metrics; beyond, all low and all high.
const MOST_MIXED: usize = 5;

pub(super) fn check(config: &Config, findings: &mut Vec<Finding>) -> Result<(), Error> {
    if config.min_replicas == config.max_replicas {
        return Ok(()); // said already
    }
    let Some(probe) = Probe::new(config, |_, _| true)? else { return Ok(()) };
    if probe.policies.len() < config.policies.len() {
        return Ok(());
    }
    let (min, max) = probe.limits();
    let stuck = |up: bool| -> Vec<u32> {
        sizes(&probe)
            .into_iter()
            .filter(|&n| if up { n < max } else { n > min })
            .filter(|&n| !moves(&probe, n, up))
            .collect()
    };
    if let Some(&n) = stuck(true).first() {
        let n = edge(n, min, |n| !moves(&probe, n, true));
        let message = format!(
            "At {} no load adds any, so `max_replicas` of {max} is out of reach from there.",
            replicas(n)
        );
        push("cannot_scale_up", config, "max_replicas", n, (min, max), message, findings)?;
    }
    if config.mode == Mode::ScaleUpOnly {
        return Ok(()); // as asked for
    }
    if let Some(&n) = stuck(false).last() {
        let n = edge(n, max, |n| !moves(&probe, n, false));
        let message = format!(
            "At {} no load takes any away, so `min_replicas` of {min} is out of reach from there.",
            replicas(n)
        );
        push("cannot_scale_down", config, "min_replicas", n, (min, max), message, findings)?;
    }
    Ok(())
}

fn push(
    code: &'static str,
    config: &Config,
    path: &str,
    n: u32,
    (min, max): (u32, u32),
    message: String,
    findings: &mut Vec<Finding>,
) -> Result<(), Error> {
    let facts = [("replicas", f64::from(n))];
    let mut finding = Finding::new(code, Severity::Warning, path, message, facts);
    // The limit that is true already; where it would leave no choice, there is nothing to keep.
    let fix = Fix::new(path, Value::from(n));
    let leaves_choice = if path == "max_replicas" { n > min } else { n < max };
    if leaves_choice && let Ok(changed) = fix.apply(config) {
        let mut left = Vec::new();
        check(&changed, &mut left)?;
        if left.iter().all(|finding| finding.code != code) {
            finding.fix = Some(fix);
        }
    }
    findings.push(finding);
    Ok(())
}

/// The last stuck size from `n` on towards `end`, between two sizes that were looked at.
fn edge(n: u32, end: u32, is_stuck: impl Fn(u32) -> bool) -> u32 {
    let mut last = n;
    for _ in 0..64 {
        let next = if end > last { last + 1 } else { last.wrapping_sub(1) };
        if last == end || !is_stuck(next) {
            break;
        }
        last = next;
    }
    last
}

/// Whether any load moves `n` replicas that way.
fn moves(probe: &Probe, n: u32, up: bool) -> bool {
    let size = f64::from(n.max(1));
    let goes = |loads: &[f64]| {
        let next = probe.next(n, loads);
        if up { next > n } else { next < n }
    };
    let ladder = std::iter::once(0.0)
        .chain((-4..=12).map(|power| libm::pow(10.0, f64::from(power)) * size))
        .chain(probe.marks.iter().flat_map(|&mark| {
            [0.999, 1.001].into_iter().flat_map(move |by| [mark * by, mark * by * size])
        }));
    // The extremes do it for almost all.
    if [1e9 * size, 0.0, 1e-3 * size].into_iter().any(|load| goes(&[load])) {
        return true;
    }
    let n_metrics = probe.n_metrics();
    if (2..=MOST_MIXED).contains(&n_metrics) {
        for mixture in 0..1_u32 << n_metrics {
            let loads: Vec<f64> = (0..n_metrics)
                .map(|metric| if mixture >> metric & 1 == 1 { 1e9 * size } else { 1e-3 * size })
                .collect();
            if goes(&loads) {
                return true;
            }
        }
    }
    ladder.into_iter().any(|load| goes(&[load]))
}
