//! Azure Monitor's autoscale settings, `Microsoft.Insights/autoscalesettings`, as REST and
//! templates write them (2022-10-01).
//!
//! In: the document. Out: a `rule` policy for each rule of the default profile, `schedule` for the
//! limits of the other profiles, `predictive` for the predictive policy.

use serde_json::{Value, json};

use super::Import;
use super::cron;
use super::document::At;
use super::draft::Draft;
use crate::Error;
use crate::time::Duration;

/// Whether a document is an autoscale setting.
pub(super) fn is_setting(at: &At<'_>) -> bool {
    at.fields(&["properties", "profiles"]).exists() || at.field("profiles").exists()
}

pub(super) fn import(at: &At<'_>) -> Result<Import, Error> {
    let inner = at.field("properties").mapping()?;
    let properties = if inner.exists() { inner } else { at.clone() };
    let mut name = "unnamed";
    for place in [properties.field("name"), at.field("name")] {
        name = place.text()?.unwrap_or(name);
        place.mapped("the import's name");
    }
    let mut draft = Draft::default();
    draft.set("guards", json!([]));
    let enabled = properties.field("enabled");
    if enabled.truth()? == Some(false) {
        draft.set("mode", "observe");
    }
    enabled.mapped("mode");

    let profiles = properties.field("profiles").items()?;
    let is_dated = |profile: &At<'_>| {
        profile.field("fixedDate").exists() || profile.field("recurrence").exists()
    };
    let base = profiles.iter().find(|profile| !is_dated(profile)).or(profiles.first());
    let base = base.ok_or_else(|| properties.field("profiles").missing())?;
    let (least, most) = capacity(base)?;
    base.fields(&["capacity", "minimum"]).mapped("min_replicas");
    base.fields(&["capacity", "maximum"]).mapped("max_replicas");
    let capacity_default = base.fields(&["capacity", "default"]);
    capacity_default.ignored("the size without metrics; give the policies a `fallback` for that");
    let n_down = rules(base, &mut draft)?;
    predictive(&properties.field("predictiveAutoscalePolicy"), base, &mut draft)?;
    base.field("name").ignored("a text for people");
    windows(&profiles, base, (least, most), &mut draft)?;
    if draft.policies.is_empty() {
        return Err(base.field("rules").missing());
    }
    if n_down > 1 {
        draft.set("combine", json!({"kind": "k_of_n", "scale_up": 1, "scale_down": n_down}));
        draft.tell("combine", "k_of_n", "out if any rule says so, in if all that may say so");
    }
    for name in ["notifications", "targetResourceUri", "targetResourceLocation"] {
        properties.field(name).ignored("names or tells others, no setting");
    }
    for name in ["id", "type", "location", "tags", "apiVersion", "systemData"] {
        at.field(name).ignored("describes the setting, no setting itself");
    }
    draft.finish(name.to_owned(), "Azure autoscale setting", std::slice::from_ref(at))
}

/// The limits of a profile, which Azure writes as texts.
fn capacity(profile: &At<'_>) -> Result<(u32, u32), Error> {
    let capacity = profile.field("capacity").mapping()?;
    let (min, max) = (capacity.field("minimum"), capacity.field("maximum"));
    let least = min.whole_or_text()?.ok_or_else(|| min.missing())?;
    let most = max.whole_or_text()?.ok_or_else(|| max.missing())?;
    if least > most {
        return Err(min.must(&format!("not be above the maximum, which is {most}")));
    }
    Ok((least, most))
}

/// The rules of the default profile; how many of them lower.
fn rules(profile: &At<'_>, draft: &mut Draft) -> Result<u32, Error> {
    let mut n_down = 0;
    for rule in profile.field("rules").items()? {
        let trigger = rule.field("metricTrigger").mapping()?;
        let action = rule.field("scaleAction").mapping()?;
        let comparison = trigger.field("operator");
        let operator = match comparison.need_text()? {
            "GreaterThan" => ">",
            "GreaterThanOrEqual" => ">=",
            "LessThan" => "<",
            "LessThanOrEqual" => "<=",
            "Equals" | "NotEquals" => {
                rule.ignored("no rule compares for being equal");
                continue;
            }
            _ => {
                return Err(comparison.must(
                    "be GreaterThan, GreaterThanOrEqual, LessThan, LessThanOrEqual, Equals or \
                     NotEquals",
                ));
            }
        };
        let (direction, kind, value) =
            (action.field("direction"), action.field("type"), action.field("value"));
        let sign = match direction.need_text()? {
            "Increase" => "+",
            "Decrease" => "-",
            _ => return Err(direction.must("be Increase or Decrease")),
        };
        let number = value.whole_or_text()?.unwrap_or(1);
        let unit = match kind.need_text()? {
            "ChangeCount" => "",
            "PercentChangeCount" => "%",
            "ExactCount" | "ServiceAllowedNextValue" => {
                rule.ignored("a rule changes the replicas by a number or a percentage only");
                continue;
            }
            _ => {
                return Err(kind.must(
                    "be ChangeCount, PercentChangeCount, ExactCount or ServiceAllowedNextValue",
                ));
            }
        };
        let name = trigger.field("metricName");
        let text = name.need_text()?;
        let window = trigger.field("timeWindow");
        let average = trigger.field("timeAggregation").text()?.unwrap_or("Average");
        let divided = trigger.field("dividePerInstance").truth()? == Some(true);
        let each = if divided { ", divided by the replicas" } else { "" };
        let over = window.text()?.unwrap_or("PT10M");
        let metric =
            draft.shared_metric(text, "average", format!("{text}, {average} over {over}{each}"));
        let threshold = trigger.field("threshold");
        let cool_down = action.field("cooldown");
        let to = draft.policy(json!({
            "kind": "rule", "metric": metric, "operator": operator,
            "threshold": threshold.number_or_text()?.ok_or_else(|| threshold.missing())?,
            "breach_duration": "0s",
            "cool_down": cool_down.duration()?.unwrap_or(Duration::from_secs(300)),
            "adjustment": format!("{sign}{number}{unit}"),
        }));
        n_down += u32::from(sign == "-");
        comparison.mapped(format!("{to}.operator"));
        threshold.mapped(format!("{to}.threshold"));
        cool_down.mapped(format!("{to}.cool_down"));
        if sign == "-" {
            let how = "Azure does not scale in where it foresees to scale out again; this does";
            direction.approximated(format!("{to}.adjustment"), how);
        }
        for at in [&direction, &kind, &value] {
            at.mapped(format!("{to}.adjustment"));
        }
        name.mapped(format!("{to}.metric"));
        for name in ["timeWindow", "timeGrain", "timeAggregation", "statistic", "dividePerInstance"]
        {
            let how = "the host averages before it sends";
            trigger.field(name).approximated(format!("{to}.metric"), how);
        }
        trigger.ignored("part of the query, which the host makes");
        action.ignored("unknown field");
    }
    Ok(n_down)
}

fn predictive(at: &At<'_>, base: &At<'_>, draft: &mut Draft) -> Result<(), Error> {
    let (mode, ahead) = (at.field("scaleMode"), at.field("scaleLookAheadTime"));
    match mode.text()? {
        None | Some("Disabled" | "ForecastOnly") => {
            at.ignored("nothing is done by the forecast");
            return Ok(());
        }
        Some("Enabled") => {}
        Some(_) => return Err(mode.must("be Disabled, ForecastOnly or Enabled")),
    }
    let mut target = None;
    for rule in base.field("rules").items()? {
        let is_out = rule.fields(&["scaleAction", "direction"]).text()? == Some("Increase");
        if is_out && rule.fields(&["metricTrigger", "metricName"]).text()? == Some("Percentage CPU")
        {
            target = rule.fields(&["metricTrigger", "threshold"]).number_or_text()?;
        }
    }
    let Some(target) = target else {
        return Err(mode.refuse("needs a rule that scales out by \"Percentage CPU\""));
    };
    let feed = "Percentage CPU, summed over the replicas";
    let metric = draft.metric("cpu_load", "total", feed);
    draft.set(
        "capacity",
        json!({"kind": "fixed", "metric": metric, "load_per_replica": target,
            "target_utilization": 1.0, "headroom": 0.0}),
    );
    let to = draft.policy(
        json!({"kind": "predictive", "metric": metric, "quantile": 0.5, "direction": "up"}),
    );
    mode.approximated(to, "another forecaster, with a season of a day");
    if let Some(span) = ahead.duration()? {
        draft.set("lead_time", json!(span));
        ahead.mapped("lead_time");
    }
    Ok(())
}

/// The limits of profiles with times of their own.
fn windows(
    profiles: &[At<'_>],
    base: &At<'_>,
    (least, most): (u32, u32),
    draft: &mut Draft,
) -> Result<(), Error> {
    let mut crons = Vec::new();
    for profile in profiles {
        crons.push(recurrence(&profile.field("recurrence"))?);
    }
    let starts: Vec<&str> = crons.iter().flatten().map(|(cron, _)| cron.as_str()).collect();
    let (mut low, mut high) = (least, most);
    for (profile, cron) in profiles.iter().zip(&crons) {
        if profile.path() == base.path() {
            profile.field("recurrence").ignored("the profile that holds outside of all others");
            profile.field("fixedDate").ignored("the profile that holds outside of all others");
            continue;
        }
        profile.field("rules").ignored("the rules of the default profile hold at all times");
        profile.fields(&["capacity", "default"]).ignored("the size without metrics");
        let to = draft.next_policy();
        let length = match cron {
            Some((cron, _)) => cron::between_any(cron, &starts).map(Some),
            None => Ok(None),
        };
        let (min, max) = capacity(profile)?;
        let is_base = cron.is_some() && (min, max) == (least, most);
        if is_base || length.is_err() {
            let why = if is_base {
                "gives back the limits that hold outside of all windows"
            } else {
                "no window is made of it: its length is not always the same"
            };
            profile.unmark();
            profile.ignored(why);
            continue;
        }
        profile.fields(&["capacity", "minimum"]).mapped(format!("{to}.min_replicas"));
        profile.fields(&["capacity", "maximum"]).mapped(format!("{to}.max_replicas"));
        let mut window = json!({"kind": "schedule", "min_replicas": min, "max_replicas": max});
        if let Some(name) = profile.field("name").text()? {
            window["name"] = json!(name);
        }
        profile.field("name").mapped(format!("{to}.name"));
        let dates = profile.field("fixedDate").mapping()?;
        if dates.exists() {
            window["windows"] = json!([{"start": dates.field("start").need_text()?.trim_end_matches('Z'),
                "end": dates.field("end").need_text()?.trim_end_matches('Z')}]);
            window["time_zone"] = zone(&dates.field("timeZone"))?;
            window["rank"] = json!(1);
            dates.field("start").mapped(format!("{to}.windows[0].start"));
            dates.field("end").mapped(format!("{to}.windows[0].end"));
            dates.field("timeZone").mapped(format!("{to}.time_zone"));
        } else if let Some((cron, zone)) = cron {
            let place = profile.field("recurrence");
            window["cron"] = json!(cron);
            window["duration"] = json!(length.ok().flatten().map(|length| length.duration));
            window["time_zone"] = zone.clone();
            place.fields(&["schedule", "timeZone"]).mapped(format!("{to}.time_zone"));
            place.approximated(format!("{to}.cron"), "until the next profile starts");
        }
        draft.policy(window);
        (low, high) = (low.min(min), high.max(max));
    }
    draft.set("min_replicas", least);
    draft.set("max_replicas", most);
    draft.widen((least, most), (low, high));
    Ok(())
}

/// A weekly recurrence as cron and zone.
fn recurrence(at: &At<'_>) -> Result<Option<(String, Value)>, Error> {
    let at = at.clone().mapping()?;
    if !at.exists() {
        return Ok(None);
    }
    let schedule = at.field("schedule").mapping()?;
    let mut days = Vec::new();
    for day in schedule.field("days").items()? {
        let text = day.need_text()?;
        let short = text.get(..3).filter(|_| text.ends_with("day"));
        days.push(short.ok_or_else(|| day.must("be a day of the week"))?.to_lowercase());
    }
    let whole = |name: &str| -> Result<u32, Error> {
        let items = schedule.field(name).items()?;
        let first = items.first().ok_or_else(|| schedule.field(name).missing())?;
        first.whole()?.ok_or_else(|| first.missing())
    };
    let days = if days.is_empty() { "*".to_owned() } else { days.join(",") };
    let cron = format!("{} {} * * {days}", whole("minutes")?, whole("hours")?);
    Ok(Some((cron, zone(&schedule.field("timeZone"))?)))
}

/// Windows' names of time zones, as far as known, or IANA's.
fn zone(at: &At<'_>) -> Result<Value, Error> {
    let name = at.text()?.unwrap_or("UTC");
    let iana = match name {
        "UTC" => "UTC",
        "Pacific Standard Time" => "America/Los_Angeles",
        "Mountain Standard Time" => "America/Denver",
        "Central Standard Time" => "America/Chicago",
        "Eastern Standard Time" => "America/New_York",
        "E. South America Standard Time" => "America/Sao_Paulo",
        "GMT Standard Time" => "Europe/London",
        "W. Europe Standard Time" => "Europe/Berlin",
        "Romance Standard Time" => "Europe/Paris",
        "Central Europe Standard Time" => "Europe/Budapest",
        "FLE Standard Time" => "Europe/Kyiv",
        "India Standard Time" => "Asia/Kolkata",
        "China Standard Time" => "Asia/Shanghai",
        "Tokyo Standard Time" => "Asia/Tokyo",
        "Singapore Standard Time" => "Asia/Singapore",
        "AUS Eastern Standard Time" => "Australia/Sydney",
        other if other.contains('/') => other,
        _ => return Err(at.must("be a time zone that is known here, such as Europe/Berlin")),
    };
    Ok(json!(iana))
}
