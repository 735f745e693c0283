//! Scheduled actions of AWS as windows.
//!
//! In: the actions of one resource, each of which sets limits until the next one does. Out:
//! `schedule` policies, whose windows end where the next action starts. Knows nothing of policies.

use serde_json::{Value, json};

use super::cron;
use super::document::At;
use super::draft::Draft;
use crate::Error;

/// When an action starts.
enum Start {
    Cron(String),
    Once(String),
    Unread,
}

struct Action<'d> {
    at: At<'d>,
    /// Where the time stands.
    when: At<'d>,
    start: Start,
    zone: String,
    min: At<'d>,
    max: At<'d>,
    limits: (Option<u32>, Option<u32>),
}

/// Adds the windows; the configured limits become the widest of all.
pub(super) fn read(
    places: &[At<'_>],
    least: u32,
    most: u32,
    draft: &mut Draft,
) -> Result<(), Error> {
    let actions: Vec<_> = places.iter().map(action).collect::<Result<_, _>>()?;
    let crons: Vec<_> = actions
        .iter()
        .filter_map(|action| match &action.start {
            Start::Cron(cron) => Some((cron.as_str(), action.zone.as_str())),
            _ => None,
        })
        .collect();
    let mut dates: Vec<_> = actions
        .iter()
        .filter_map(|action| match &action.start {
            Start::Once(date) => Some(date.clone()),
            _ => None,
        })
        .collect();
    dates.sort();
    let (mut low, mut high) = (least, most);
    for action in &actions {
        let (min, max) = action.limits;
        let window = match &action.start {
            Start::Unread => Err("it is neither a cron expression nor a date".to_owned()),
            _ if min.is_none() && max.is_none() => Err("it sets no limits".to_owned()),
            Start::Cron(_) if action.limits == (Some(least), Some(most)) => {
                Err("the limits that it gives back hold outside of all windows".to_owned())
            }
            Start::Cron(cron) => {
                let same_zone = crons.iter().all(|(_, zone)| *zone == action.zone);
                let ends: Vec<_> = crons.iter().map(|(cron, _)| *cron).collect();
                if same_zone {
                    cron::between_any(cron, &ends).map(|length| {
                        json!({"cron": cron, "duration": length.duration, "time_zone": action.zone})
                    })
                } else {
                    Err("the actions are of several time zones".to_owned())
                }
            }
            Start::Once(date) => {
                let next = dates.iter().find(|other| *other > date).cloned();
                let ends: Vec<_> = crons
                    .iter()
                    .filter(|(_, zone)| *zone == action.zone)
                    .map(|(cron, _)| *cron)
                    .collect();
                // A time with an offset of its own is compared with none in the zone.
                let end = cron::next_after(date, &ends).into_iter().chain(next).min();
                let end = end.unwrap_or_else(|| "9999-01-01".to_owned());
                Ok(json!({"windows": [{"start": date, "end": end}], "time_zone": action.zone,
                    "rank": 1}))
            }
        };
        let name = action.at.field("ScheduledActionName");
        let mut window: Value = match window {
            Ok(window) => window,
            Err(why) => {
                for at in [&action.when, &action.min, &action.max] {
                    at.ignored(format!("no window is made of it: {why}"));
                }
                continue;
            }
        };
        let to = draft.next_policy();
        window["kind"] = json!("schedule");
        window["name"] = json!(name.need_text()?);
        name.mapped(format!("{to}.name"));
        if let Some(min) = min {
            window["min_replicas"] = json!(min);
            low = low.min(min);
            high = high.max(min);
            action.min.mapped(format!("{to}.min_replicas"));
        }
        if let Some(max) = max {
            window["max_replicas"] = json!(max);
            high = high.max(max);
            action.max.mapped(format!("{to}.max_replicas"));
        }
        let how = "a window that ends when the next action starts";
        let place = if matches!(action.start, Start::Cron(_)) { "cron" } else { "windows" };
        action.when.approximated(format!("{to}.{place}"), how);
        draft.policy(window);
    }
    for action in &actions {
        for name in ["Timezone", "TimeZone"] {
            action.at.field(name).mapped("policies[*].time_zone");
        }
        for name in ["StartTime", "EndTime", "Time"] {
            action.at.field(name).ignored("an action is taken as valid at all times");
        }
        let desired = action.at.field("DesiredCapacity");
        desired.ignored("sets the size once; the limits and the policies move it on");
    }
    draft.widen((least, most), (low, high));
    Ok(())
}

fn action<'d>(at: &At<'d>) -> Result<Action<'d>, Error> {
    let schedule = at.field("Schedule");
    let recurrence = at.field("Recurrence");
    let (when, start) = if let Some(text) = schedule.text()? {
        let inner = |name: &str| {
            text.strip_prefix(name)?.trim().strip_prefix('(')?.strip_suffix(')').map(str::trim)
        };
        let start = match (inner("cron"), inner("at")) {
            (Some(cron), _) => five_fields(cron).map_or(Start::Unread, Start::Cron),
            (_, Some(date)) => Start::Once(date.to_owned()),
            _ => Start::Unread,
        };
        (schedule, start)
    } else if let Some(cron) = recurrence.text()? {
        (recurrence, Start::Cron(cron.to_owned()))
    } else {
        let start = at.field("StartTime");
        let date = start.need_text()?.to_owned();
        (start, Start::Once(date))
    };
    let zone = match (at.field("Timezone").text()?, at.field("TimeZone").text()?) {
        (Some(zone), _) | (None, Some(zone)) => zone.to_owned(),
        (None, None) => "UTC".to_owned(),
    };
    let start = match start {
        Start::Once(date) if zone == "UTC" => {
            Start::Once(date.trim_end_matches('Z').trim_end_matches("+00:00").to_owned())
        }
        other => other,
    };
    let inner = at.field("ScalableTargetAction");
    let (min, max) = if inner.exists() {
        (inner.field("MinCapacity"), inner.field("MaxCapacity"))
    } else {
        (at.field("MinSize"), at.field("MaxSize"))
    };
    let limits = (min.whole()?, max.whole()?);
    if let (Some(least), Some(most)) = limits
        && least > most
    {
        return Err(min.must(&format!("not be above the maximum, which is {most}")));
    }
    Ok(Action { at: at.clone(), when, start, zone, min, max, limits })
}

/// AWS's six fields as five: any year, `?` for any day, and days of the week from 1 for Sunday.
fn five_fields(cron: &str) -> Option<String> {
    let fields: Vec<_> = cron.split_whitespace().collect();
    let [minute, hour, day, month, weekday, "*"] = fields[..] else { return None };
    let any = |field: &str| if field == "?" { "*".to_owned() } else { field.to_owned() };
    // In `3#2`, the second Tuesday, only the first number is a day.
    let (named, nth) = weekday.split_at(weekday.find('#').unwrap_or(weekday.len()));
    if named.contains('/') {
        return None;
    }
    let shifted = |c| if matches!(c, '1'..='7') { char::from(c as u8 - 1) } else { c };
    let weekday = named.chars().map(shifted).collect::<String>() + nth;
    Some(format!("{minute} {hour} {} {month} {}", any(day), any(&weekday)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_fields_of_aws_are_five() {
        for (theirs, ours) in [
            ("0 8 * * ? *", Some("0 8 * * *")),
            ("30 18 ? * 2-6 *", Some("30 18 * * 1-5")),
            ("0 0 1 JAN,JUL ? *", Some("0 0 1 JAN,JUL *")),
            ("0 8 ? * MON-FRI *", Some("0 8 * * MON-FRI")),
            ("0 8 ? * 3#2 *", Some("0 8 * * 2#2")),
            ("0 8 ? * 1/2 *", None),
            ("0 8 * * ? 2026", None),
            ("0 8 * * *", None),
        ] {
            assert_eq!(five_fields(theirs).as_deref(), ours, "{theirs}");
        }
    }
}
