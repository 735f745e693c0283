//! Limits that leave no choice, and an activation that takes away what the policies want.

use serde_json::Value;

use super::finding::{Finding, Fix, Severity, number, replicas, short};
use super::probe::Probe;
use crate::{Config, Error};

pub(super) fn check(config: &Config, findings: &mut Vec<Finding>) -> Result<(), Error> {
    let Config { min_replicas: min, max_replicas: max, .. } = *config;
    if min == max {
        let message = format!("Both limits are {}, so nothing is ever scaled.", replicas(max));
        let facts = [("replicas", f64::from(max))];
        let mut finding =
            Finding::new("no_choice", Severity::Warning, "max_replicas", message, facts);
        finding.fix = max.checked_add(1).map(|more| Fix::new("max_replicas", Value::from(more)));
        findings.push(finding);
    }
    let Some(zero) = &config.zero else { return Ok(()) };
    // What the policies want of the very load that counts as idle, if `zero` did not ask.
    let mut awake = config.bare();
    (awake.zero, awake.min_replicas) = (None, 1);
    let reads = |_: usize, policy: &dyn crate::policy::Policy| {
        policy.metric() == Some(zero.metric.as_str())
    };
    let Some(probe) = Probe::new(&awake, reads)? else { return Ok(()) };
    let wanted = |load: f64| probe.next(1, &[load]);
    let n = wanted(zero.activation);
    if n > 1 {
        let (mut good, mut bad) = (0.0, zero.activation);
        for _ in 0..50 {
            let middle = (good + bad) / 2.0;
            if wanted(middle) > 1 { bad = middle } else { good = middle }
        }
        let unit = libm::pow(10.0, libm::log10(good.max(1e-9)).floor() - 1.0);
        let tidy = (good / unit + 1e-6).floor() * unit;
        let message = format!(
            "A load of {} is taken for idle and goes to zero, though the policies want {n} replicas \
             for it.",
            short(zero.activation)
        );
        let facts = [("activation", zero.activation), ("replicas", f64::from(n))];
        let path = "zero.activation";
        let mut finding =
            Finding::new("activation_drops_load", Severity::Warning, path, message, facts);
        finding.fix = Some(Fix::new(path, number(if wanted(tidy) > 1 { 0.0 } else { tidy })));
        findings.push(finding);
    }
    Ok(())
}
