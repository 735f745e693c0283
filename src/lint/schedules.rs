//! Schedules without effect, and those that ask for the impossible together.
//!
//! In: the schedules and the limits. Out: those that narrow nothing, are over, or are always
//! overruled while they are open; and a floor above another's cap. What depends on the calendar is
//! looked at minute by minute for five weeks.

use serde_json::Value;

use super::finding::{Finding, Fix, Severity, replicas};
use crate::policy::PolicyConfig;
use crate::policy::schedule::{Config as Settings, Schedule};
use crate::time::{Duration, Timestamp};
use crate::{Config, Error};

/// So long a stretch of the calendar is looked at: every weekly pattern, and most monthly ones.
const LOOKED_AT: Duration = Duration::from_secs(35 * 86_400);

/// Where no time is given: a Monday, as any week is like the next to a weekly pattern.
const MONDAY: Timestamp = Timestamp::from_secs(1_767_571_200);

/// More schedules than this are not held against each other.
const MOST: usize = 32;

struct Member<'a> {
    index: usize,
    settings: &'a Settings,
    schedule: Schedule,
    n_open: u32,
    n_overruled: u32,
    /// Of the rank that overruled it last.
    by_rank: i32,
}

pub(super) fn check(
    config: &Config,
    now: Option<Timestamp>,
    findings: &mut Vec<Finding>,
) -> Result<(), Error> {
    let mut members = Vec::new();
    for (index, entry) in config.policies.iter().enumerate() {
        let PolicyConfig::Schedule(settings) = &entry.policy else { continue };
        let schedule = Schedule::new(settings.clone())?;
        members.push(Member { index, settings, schedule, n_open: 0, n_overruled: 0, by_rank: 0 });
    }
    let ranks: Vec<i32> = members.iter().map(|member| member.settings.rank).collect();
    for member in &mut members {
        let overrules = ranks.iter().any(|&rank| rank < member.settings.rank);
        findings.extend(without_effect(config, member, overrules));
        if let Some(now) = now {
            findings.extend(all_past(member, now)?);
        }
    }
    if members.len() > 1 && members.len() <= MOST {
        calendar(&mut members, now.unwrap_or(MONDAY), findings);
    }
    Ok(())
}

/// A floor at the minimum or a cap at the maximum says what the limits say; unless it is there to
/// overrule another.
fn without_effect(config: &Config, member: &Member<'_>, overrules: bool) -> Option<Finding> {
    let (min, max) = (config.min_replicas, config.max_replicas);
    let (floor, cap) = member.settings.range();
    let is_idle = floor.is_none_or(|floor| floor <= min) && cap.is_none_or(|cap| cap >= max);
    if !is_idle || overrules || min == max {
        return None;
    }
    let asked = match (floor, cap) {
        (Some(floor), Some(cap)) => format!("{floor} to {cap} replicas"),
        (Some(floor), None) => format!("at least {}", replicas(floor)),
        (None, cap) => format!("at most {}", replicas(cap.unwrap_or(max))),
    };
    let message = format!(
        "The schedule asks for {asked}, which the limits of {min} to {max} see to at all times, so it \
         changes nothing."
    );
    let facts = [("min_replicas", f64::from(min)), ("max_replicas", f64::from(max))];
    let (name, value) = match (floor, cap) {
        (Some(_), _) => ("min_replicas", min.saturating_add(1).min(cap.unwrap_or(max))),
        (None, _) => ("max_replicas", max.saturating_sub(1).max(floor.unwrap_or(min))),
    };
    let path = format!("policies[{}].{name}", member.index);
    let mut finding =
        Finding::new("schedule_never_holds", Severity::Warning, path.clone(), message, facts);
    finding.fix = Some(Fix::new(path, Value::from(value)));
    Some(finding)
}

fn all_past(member: &mut Member<'_>, now: Timestamp) -> Result<Option<Finding>, Error> {
    let Some(last) = member.settings.last_end()? else { return Ok(None) };
    if last > now {
        return Ok(None);
    }
    let days = now.since(last).as_secs_f64() / 86_400.0;
    let path = format!("policies[{}].windows", member.index);
    let message = format!("The last window closed {:.1} days ago, and none is to come.", days);
    let facts = [("closed_days", days)];
    Ok(Some(Finding::new("schedule_never_holds", Severity::Warning, path, message, facts)))
}

/// Minute by minute: who is overruled, and which floors lie above which caps.
fn calendar(members: &mut [Member<'_>], from: Timestamp, findings: &mut Vec<Finding>) {
    let minute = Duration::from_secs(60);
    let mut contradictions = Vec::<(usize, usize, u32, u32)>::new();
    let mut open = Vec::with_capacity(members.len());
    for step in 0..LOOKED_AT.steps(minute) as i64 {
        let at = from + minute.times(step);
        open.clear();
        for (index, member) in members.iter_mut().enumerate() {
            if member.schedule.open_until(at).is_some() {
                open.push(index);
            }
        }
        let Some(top) = open.iter().map(|&index| members[index].settings.rank).max() else {
            continue;
        };
        for &index in &open {
            let member = &mut members[index];
            member.n_open += 1;
            if member.settings.rank < top {
                (member.n_overruled, member.by_rank) = (member.n_overruled + 1, top);
            }
        }
        let at_top = || open.iter().copied().filter(|&index| members[index].settings.rank == top);
        for low in at_top() {
            for high in at_top() {
                let (Some(floor), Some(cap)) =
                    (members[low].settings.range().0, members[high].settings.range().1)
                else {
                    continue;
                };
                let is_known = contradictions.iter().any(|&(a, b, ..)| (a, b) == (low, high));
                if floor > cap && !is_known {
                    contradictions.push((low, high, floor, cap));
                }
            }
        }
    }
    for (low, high, floor, cap) in contradictions {
        let (floor_at, cap_at) = (members[low].index, members[high].index);
        let message = format!(
            "While `policies[{floor_at}]` asks for at least {}, this schedule of the same rank allows \
             at most {cap}; the floor holds.",
            replicas(floor)
        );
        let facts = [("floor", f64::from(floor)), ("cap", f64::from(cap))];
        let code = "schedules_contradict";
        let path = format!("policies[{cap_at}].rank");
        let mut finding = Finding::new(code, Severity::Warning, path, message, facts);
        // The floor holds as it is; said by rank, it is no accident.
        let above = members[high].settings.rank.saturating_add(1);
        finding.fix = Some(Fix::new(format!("policies[{floor_at}].rank"), Value::from(above)));
        findings.push(finding);
    }
    for member in
        members.iter().filter(|member| 0 < member.n_open && member.n_open == member.n_overruled)
    {
        let hours = f64::from(member.n_open) / 60.0;
        let message = format!(
            "In all of the {hours:.1} hours that it is open in five weeks, a schedule of rank {} \
             overrules it.",
            member.by_rank
        );
        let facts = [("open_hours", hours), ("rank", f64::from(member.by_rank))];
        let path = format!("policies[{}].rank", member.index);
        let mut finding =
            Finding::new("schedule_never_holds", Severity::Warning, path.clone(), message, facts);
        finding.fix = member.by_rank.checked_add(1).map(|rank| Fix::new(path, Value::from(rank)));
        findings.push(finding);
    }
}
