//! More is asked for before the last replicas could help.
//!
//! In: the loop as a black box, with replicas that are ready at once and with such that take the lead
//! time. Out: the wait that is too short. A law that counts what it has asked for (a target, marks
//! over the ready replicas) asks for the same again and is not found here; one that adds a step each
//! time it finds the load too high adds one for each wait until the first step is ready.

use super::finding::{Finding, Fix, Severity, replicas, short};
use super::oscillation::{changes, sizes};
use super::probe::Probe;
use crate::config::read::to_value;
use crate::time::Duration;
use crate::{Config, Error};

/// Overshooting shows with few replicas, if at all.
const MOST_SIZES: usize = 8;

/// Settings by which a policy waits after it acted.
const WAITS: [&str; 4] = ["cool_down", "cooldown", "warm_up", "scale_up_cooldown"];

/// Waits as people write them, in seconds.
const NICE: [i64; 12] = [15, 30, 60, 120, 180, 240, 300, 600, 900, 1200, 1800, 3600];

pub(super) fn check(config: &Config, findings: &mut Vec<Finding>) -> Result<(), Error> {
    if config.lead_time.initial().is_zero() {
        return Ok(());
    }
    for index in 0..config.policies.len() {
        let Some(over) = overshoot(config, index)? else { continue };
        let Overshoot { from, wanted, peak, load } = over;
        let message = format!(
            "A replica takes {} to start, and the policy asks for more before it can help: at {} a \
             steady load of {} that {} would carry ends at {peak}.",
            config.lead_time.initial(),
            replicas(from),
            short(load),
            replicas(wanted),
        );
        let facts = [
            ("replicas", f64::from(from)),
            ("replicas_wanted", f64::from(wanted)),
            ("replicas_reached", f64::from(peak)),
            ("load", load),
            ("lead_time_seconds", config.lead_time.initial().as_secs_f64()),
        ];
        let fix = mend(config, index)?;
        let path = fix.as_ref().map_or(format!("policies[{index}]"), |fix| fix.path.clone());
        let code = "cooldown_shorter_than_start";
        let mut finding = Finding::new(code, Severity::Warning, path, message, facts);
        finding.fix = fix;
        findings.push(finding);
    }
    Ok(())
}

struct Overshoot {
    from: u32,
    wanted: u32,
    peak: u32,
    load: f64,
}

/// A load just too high for a size, at which the policy ends above what it first asked for, and
/// above where it ends with replicas that are ready at once.
fn overshoot(config: &Config, index: usize) -> Result<Option<Overshoot>, Error> {
    let Some(probe) = Probe::new(config, |other, _| other == index)? else { return Ok(None) };
    // Total load stays as high whatever is added; nothing can tell when it is enough.
    let max = probe.limits().1;
    for n in sizes(&probe).into_iter().filter(|&n| 0 < n && n < max).take(MOST_SIZES) {
        for load in changes(&probe, n, &[]) {
            let wanted = probe.next(n, &[load]);
            if wanted <= n {
                continue;
            }
            let at_once = probe.follow(n, load, Duration::ZERO, 2);
            let wanted = wanted.max(at_once.peak);
            let late = probe.follow(n, load, config.lead_time.initial(), 2);
            if late.peak > wanted {
                return Ok(Some(Overshoot { from: n, wanted, peak: late.peak, load }));
            }
            break; // a higher load only asks for more at first
        }
    }
    Ok(None)
}

/// The shortest wait that does: the policy's own, else that of the whole, else a new one.
fn mend(config: &Config, index: usize) -> Result<Option<Fix>, Error> {
    let settings = to_value(&config.policies[index])?;
    let mut paths: Vec<_> = WAITS
        .iter()
        .filter_map(|name| {
            Some((format!("policies[{index}].{name}"), wait_of(settings.get(*name)?)?))
        })
        .collect();
    let guards = to_value(&config.guards)?;
    for (guard, settings) in guards.as_array().into_iter().flatten().enumerate() {
        if settings["kind"] == "cooldown"
            && let Some(wait) = wait_of(&settings["scale_up"])
        {
            paths.push((format!("guards[{guard}].scale_up"), wait));
        }
    }
    // What the reading still lacks when the replica is ready needs one look more.
    let lead = config.lead_time.initial().as_millis();
    let mut waits: Vec<i64> = NICE.iter().map(|seconds| seconds * 1000).collect();
    waits.extend([lead, lead + 15_000, lead + 60_000, lead * 2]);
    waits.retain(|&wait| wait <= lead * 2);
    waits.sort_unstable();
    waits.dedup();
    let text = |millis: i64| Duration::from_millis(1).times(millis).to_string().replace(' ', "");
    for (path, now) in &paths {
        for &wait in waits.iter().filter(|&&wait| wait > now.as_millis()) {
            let fix = Fix::new(path.clone(), text(wait).into());
            if works(config, &fix, index) {
                return Ok(Some(fix));
            }
        }
    }
    for &wait in &waits {
        let mut guards = settings["guards"].as_array().cloned().unwrap_or_default();
        guards.push(serde_json::json!({
            "kind": "cooldown", "scale_up": text(wait), "scale_down": "0s"
        }));
        let fix = Fix::new(format!("policies[{index}].guards"), guards.into());
        if works(config, &fix, index) {
            return Ok(Some(fix));
        }
    }
    Ok(None)
}

fn wait_of(setting: &serde_json::Value) -> Option<Duration> {
    setting.as_str()?.parse().ok()
}

fn works(config: &Config, fix: &Fix, index: usize) -> bool {
    fix.apply(config).is_ok_and(|changed| matches!(overshoot(&changed, index), Ok(None)))
}
