//! Limits that leave no choice or cut a fallback, and an activation that takes away what the policies
//! want.

use serde_json::Value;

use super::finding::{Finding, Fix, Severity, number, replicas, rounded, short};
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
    for (index, entry) in config.policies.iter().enumerate() {
        let Some(fallback) = &entry.fallback else { continue };
        let within = fallback.replicas.clamp(min, max);
        if within != fallback.replicas {
            let path = format!("policies[{index}].fallback.replicas");
            let message = format!(
                "The fallback asks for {}, of which the limits of {min} to {max} make {within}.",
                replicas(fallback.replicas)
            );
            let facts = [("replicas", f64::from(fallback.replicas)), ("within", f64::from(within))];
            let code = "fallback_out_of_reach";
            let mut finding = Finding::new(code, Severity::Warning, path.clone(), message, facts);
            finding.fix = Some(Fix::new(path, Value::from(within)));
            findings.push(finding);
        }
    }
    let Some(zero) = &config.zero else { return Ok(()) };
    if let Some(metric) = &zero.metric {
        findings.extend(drops(config, metric, zero.activation, "zero.activation")?);
    }
    for (index, trigger) in zero.triggers.iter().enumerate() {
        let path = format!("zero.triggers[{index}].activation");
        findings.extend(drops(config, &trigger.metric, trigger.activation, &path)?);
    }
    Ok(())
}

/// What the policies want of the very load that counts as idle, if `zero` did not ask.
fn drops(
    config: &Config,
    metric: &str,
    activation: f64,
    path: &str,
) -> Result<Option<Finding>, Error> {
    let mut awake = config.bare();
    (awake.zero, awake.min_replicas) = (None, 1);
    let probe = Probe::new(&awake, |_, policy| policy.metric() == Some(metric))?;
    let Some(probe) = probe else { return Ok(None) };
    // The others are idle, else they would keep it awake.
    let wanted = |load: f64| probe.next(1, &[load, 0.0]);
    let n = wanted(activation);
    if n <= 1 {
        return Ok(None);
    }
    let (mut good, mut bad) = (0.0, activation);
    for _ in 0..50 {
        let middle = (good + bad) / 2.0;
        if wanted(middle) > 1 { bad = middle } else { good = middle }
    }
    let tidy = rounded(good, false);
    let message = format!(
        "A load of {} of `{metric}` is taken for idle and goes to zero, though the policies want {n} \
         replicas for it.",
        short(activation)
    );
    let facts = [("activation", activation), ("replicas", f64::from(n))];
    let code = "activation_drops_load";
    let mut finding = Finding::new(code, Severity::Warning, path, message, facts);
    finding.fix = Some(Fix::new(path, number(if wanted(tidy) > 1 { 0.0 } else { tidy })));
    Ok(Some(finding))
}
