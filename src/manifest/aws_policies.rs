//! The parts of AWS's scaling policies: steps, alarms, target tracking, predictive scaling.
//!
//! In: the settings of one policy, or the alarm that calls it. Out: the policy of ours. Knows
//! nothing of groups and their limits.

use serde_json::{Value, json};

use super::document::At;
use super::draft::Draft;
use crate::Error;

/// The steps; their bounds are in the metric's own unit, which for a percentage is `unit`.
pub(super) fn steps(settings: &At<'_>, to: &str, unit: f64) -> Result<Value, Error> {
    let mut steps = Vec::new();
    for (index, step) in settings.field("StepAdjustments").items()?.iter().enumerate() {
        let to = format!("{to}.steps[{index}]");
        let mut ours = json!({});
        for (theirs, name) in
            [("MetricIntervalLowerBound", "lower"), ("MetricIntervalUpperBound", "upper")]
        {
            let bound = step.field(theirs);
            if let Some(number) = bound.number()? {
                ours[name] = json!(number / unit);
                bound.mapped(format!("{to}.{name}"));
            }
        }
        let by = step.field("ScalingAdjustment");
        let number = by.number()?.ok_or_else(|| by.missing())?;
        if number.fract() != 0.0 {
            return Err(by.must("be a whole number"));
        }
        ours["by"] = json!(number as i64);
        by.mapped(format!("{to}.by"));
        steps.push(ours);
    }
    Ok(json!(steps))
}

/// Threshold, comparison, periods and metric of an alarm; the unit is 100 for percentages.
pub(super) fn read_alarm(
    alarm: &At<'_>,
    draft: &mut Draft,
    policy: &mut Value,
    to: &str,
) -> Result<f64, Error> {
    let name = alarm.field("MetricName");
    let text = name.text()?.unwrap_or("metric");
    let statistic = alarm.field("Statistic").text()?.unwrap_or("Average");
    let is_percent =
        text.ends_with("Utilization") || alarm.field("Unit").text()? == Some("Percent");
    let (kind, unit) = if is_percent { ("utilization", 100.0) } else { ("total", 1.0) };
    let feed = if is_percent {
        format!("{text} as a ratio: 0.7 for 70 percent")
    } else {
        format!("{text}, {statistic} of each period")
    };
    let metric = draft.metric(text, kind, feed);
    policy["metric"] = json!(metric);
    name.mapped(format!("metrics.{metric}"));
    alarm.field("Unit").mapped(format!("metrics.{metric}"));
    alarm.field("Statistic").mapped(format!("metrics.{metric}"));
    let threshold = alarm.field("Threshold");
    let number = threshold.number()?.ok_or_else(|| threshold.missing())?;
    policy["threshold"] = json!(number / unit);
    threshold.mapped(format!("{to}.threshold"));
    let comparison = alarm.field("ComparisonOperator");
    policy["comparison"] = json!(match comparison.need_text()? {
        "GreaterThanThreshold" => "above",
        "GreaterThanOrEqualToThreshold" => "at_or_above",
        "LessThanThreshold" => "below",
        "LessThanOrEqualToThreshold" => "at_or_below",
        _ => {
            return Err(comparison.must(
                "be GreaterThanThreshold, GreaterThanOrEqualToThreshold, LessThanThreshold or \
                 LessThanOrEqualToThreshold",
            ));
        }
    });
    comparison.mapped(format!("{to}.comparison"));
    let (of, points) = (alarm.field("EvaluationPeriods"), alarm.field("DatapointsToAlarm"));
    let n_of = of.whole()?.ok_or_else(|| of.missing())?;
    policy["of"] = json!(n_of);
    policy["points"] = json!(points.whole()?.unwrap_or(n_of));
    of.mapped(format!("{to}.of"));
    points.mapped(format!("{to}.points"));
    let period = alarm.field("Period");
    if let Some(seconds) = period.whole()? {
        policy["period"] = json!(seconds);
        period.mapped(format!("{to}.period"));
    }
    let missing = alarm.field("TreatMissingData");
    if let Some(text) = missing.text()? {
        let ours = match text {
            "missing" | "breaching" | "ignore" => text,
            "notBreaching" => "not_breaching",
            _ => return Err(missing.must("be missing, breaching, notBreaching or ignore")),
        };
        policy["missing_data"] = json!(ours);
        missing.mapped(format!("{to}.missing_data"));
    }
    for name in ["Namespace", "Dimensions", "Metrics", "ExtendedStatistic"] {
        alarm.field(name).ignored("part of the query, which the host makes");
    }
    for name in ["AlarmName", "AlarmActions"] {
        alarm.field(name).ignored("ties the alarm to its policy");
    }
    for name in ["ActionsEnabled", "OKActions", "InsufficientDataActions"] {
        alarm.field(name).ignored("what else the alarm starts");
    }
    Ok(unit)
}

pub(super) fn tracking_policy(
    at: &At<'_>,
    settings: &At<'_>,
    draft: &mut Draft,
) -> Result<(), Error> {
    let target = settings.field("TargetValue");
    let number = target.number()?.ok_or_else(|| target.missing())?;
    if number <= 0.0 {
        return Err(target.must("be above 0"));
    }
    let predefined = settings.field("PredefinedMetricSpecification").mapping()?;
    let custom = settings.field("CustomizedMetricSpecification").mapping()?;
    let (name, is_percent) = if predefined.exists() {
        let kind = predefined.field("PredefinedMetricType").need_text()?;
        (kind, kind.ends_with("Utilization"))
    } else if custom.exists() {
        let name = custom.field("MetricName").text()?.unwrap_or("metric");
        (name, name.ends_with("Utilization") || custom.field("Unit").text()? == Some("Percent"))
    } else {
        return Err(settings.field("PredefinedMetricSpecification").missing());
    };
    let (kind, unit, feed) = if is_percent {
        ("utilization", 100.0, format!("{name} as a ratio: 0.7 for 70 percent"))
    } else {
        ("average", 1.0, format!("{name} of each replica, as a mean over them"))
    };
    let metric = draft.metric(name, kind, feed);
    let mut policy = json!({"kind": "target_tracking", "metric": metric, "target": number / unit});
    let to = draft.next_policy();
    target.mapped(format!("{to}.target"));
    predefined.field("PredefinedMetricType").mapped(format!("metrics.{metric}"));
    custom.field("MetricName").mapped(format!("metrics.{metric}"));
    custom.field("Unit").mapped(format!("metrics.{metric}"));
    custom.field("Metrics").approximated(
        format!("metrics.{metric}"),
        "no metric math is worked out here; the host sends its value",
    );
    predefined.ignored("part of the query, which the host makes");
    custom.ignored("part of the query, which the host makes");
    let no_in = settings.field("DisableScaleIn");
    if let Some(disabled) = no_in.truth()? {
        policy["scale_in"] = json!(!disabled);
        no_in.mapped(format!("{to}.scale_in"));
    }
    let warm_up = at.field("EstimatedInstanceWarmup");
    if let Some(seconds) = warm_up.whole()? {
        policy["warm_up"] = json!(seconds);
        warm_up.mapped(format!("{to}.warm_up"));
    }
    let (out, scale_in) = (settings.field("ScaleOutCooldown"), settings.field("ScaleInCooldown"));
    if out.exists() || scale_in.exists() {
        let seconds = |at: &At<'_>| at.whole().map(|seconds| seconds.unwrap_or(300));
        policy["guards"] = json!([{"kind": "cooldown", "scale_up": seconds(&out)?, "scale_down": seconds(&scale_in)?}]);
        policy["warm_up"] = json!("0s");
        let how = "from any change of the replicas, and a larger want waits too";
        out.approximated(format!("{to}.guards[0].scale_up"), how);
        scale_in.approximated(format!("{to}.guards[0].scale_down"), how);
    }
    draft.policy(policy);
    Ok(())
}

pub(super) fn predictive_policy(
    settings: &At<'_>,
    draft: &mut Draft,
    is_alone: bool,
) -> Result<(), Error> {
    let mode = settings.field("Mode");
    let acts = match mode.text()? {
        None | Some("ForecastOnly") => false,
        Some("ForecastAndScale") => true,
        Some(_) => return Err(mode.must("be ForecastOnly or ForecastAndScale")),
    };
    if !acts && !is_alone {
        settings.ignored("only forecasts, which must not stop the other policies from acting");
        return Ok(());
    }
    let specifications = settings.field("MetricSpecifications").items()?;
    let Some(specification) = specifications.first() else {
        return Err(settings.field("MetricSpecifications").missing());
    };
    let target = specification.field("TargetValue");
    let number = target.number()?.ok_or_else(|| target.missing())?;
    let pair = specification.field("PredefinedMetricPairSpecification");
    let kind = pair.field("PredefinedMetricType");
    let name = kind.text()?.unwrap_or("load");
    let feed = format!(
        "the load behind {name}, summed over the replicas, in the unit of the target of {number}"
    );
    let metric = draft.metric(name, "total", feed);
    kind.mapped(format!("metrics.{metric}"));
    draft.set(
        "capacity",
        json!({"kind": "fixed", "metric": metric, "load_per_replica": number,
            "target_utilization": 1.0, "headroom": 0.0}),
    );
    target.mapped("capacity.load_per_replica");
    let to = draft.policy(
        json!({"kind": "predictive", "metric": metric, "quantile": 0.5, "direction": "up"}),
    );
    draft.tell(&format!("{to}.quantile"), "0.5", "AWS tells one forecast, no quantiles");
    draft.tell(&format!("{to}.direction"), "up", "AWS's forecast only raises");
    let buffer = settings.field("SchedulingBufferTime");
    let seconds = buffer.whole()?.unwrap_or(300);
    draft.set("lead_time", seconds);
    buffer.mapped("lead_time");
    if !acts {
        draft.set("mode", "observe");
    }
    mode.mapped("mode");
    let breach = settings.field("MaxCapacityBreachBehavior");
    if breach.text()? == Some("IncreaseMaxCapacity") {
        breach.approximated("max_replicas", "a forecast never passes the maximum here");
    } else {
        breach.mapped("max_replicas");
    }
    settings.field("MaxCapacityBuffer").ignored("a forecast never passes the maximum here");
    specification.ignored("part of the query, which the host makes");
    Ok(())
}
