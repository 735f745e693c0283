//! AWS: Application Auto Scaling and EC2 Auto Scaling, as the JSON that their calls take and give.
//!
//! In: `put-scaling-policy`, `register-scalable-target`, `put-scheduled-action`,
//! `put-scheduled-update-group-action`, `put-metric-alarm`, and the lists that the `describe-*`
//! calls answer. Out: one import for each resource or group, whose documents may come in any
//! order. Scheduled actions are read in [`aws_schedule`](super::aws_schedule), API of 2016-02-06
//! and 2011-01-01.

use serde_json::{Value, json};

use super::document::At;
use super::draft::Draft;
use super::{Import, aws_schedule};
use crate::Error;

/// Lists that the `describe-*` calls answer with.
pub(super) const LISTS: [&str; 6] = [
    "ScalingPolicies",
    "ScalableTargets",
    "ScheduledActions",
    "ScheduledUpdateGroupActions",
    "AutoScalingGroups",
    "MetricAlarms",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Policy,
    Scheduled,
    Alarm,
    Target,
}

/// What a document is, if it is AWS's.
pub(super) fn part(at: &At<'_>) -> Option<Part> {
    let has = |name: &str| at.field(name).exists();
    if has("ScheduledActionName") {
        Some(Part::Scheduled)
    } else if has("ComparisonOperator") && has("Threshold") {
        Some(Part::Alarm)
    } else if has("PolicyName") || has("PolicyType") {
        Some(Part::Policy)
    } else if (has("ResourceId") && (has("MaxCapacity") || has("MinCapacity")))
        || (has("AutoScalingGroupName") && (has("MaxSize") || has("MinSize")))
    {
        Some(Part::Target)
    } else {
        None
    }
}

/// The resource or group that a document speaks of.
fn key(at: &At<'_>) -> Result<String, Error> {
    for name in ["ResourceId", "AutoScalingGroupName"] {
        if let Some(text) = at.field(name).text()? {
            return Ok(text.to_owned());
        }
    }
    Ok("unnamed".to_owned())
}

/// All documents of one resource.
#[derive(Default)]
struct Group<'d> {
    name: String,
    policies: Vec<At<'d>>,
    scheduled: Vec<At<'d>>,
    alarms: Vec<At<'d>>,
    targets: Vec<At<'d>>,
}

/// The imports of all of AWS's documents in a text.
pub(super) fn imports(parts: &[(Part, At<'_>)]) -> Result<Vec<Import>, Error> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    let mut alarms = Vec::new();
    for (part, at) in parts {
        if *part == Part::Alarm {
            alarms.push(at.clone());
            continue;
        }
        let name = key(at)?;
        let index = groups.iter().position(|group| group.name == name).unwrap_or_else(|| {
            groups.push(Group { name, ..Group::default() });
            groups.len() - 1
        });
        let group = &mut groups[index];
        match part {
            Part::Policy => group.policies.push(at.clone()),
            Part::Scheduled => group.scheduled.push(at.clone()),
            Part::Target | Part::Alarm => group.targets.push(at.clone()),
        }
    }
    if groups.is_empty() {
        let at = alarms.first().expect("there is a part");
        return Err(at.refuse("is an alarm, which needs its scaling policy in the same text"));
    }
    for alarm in alarms {
        let mut owner = 0;
        for (index, group) in groups.iter().enumerate() {
            for policy in &group.policies {
                if belongs(&alarm, policy)? {
                    owner = index;
                }
            }
        }
        groups[owner].alarms.push(alarm);
    }
    groups.into_iter().map(Group::import).collect()
}

/// Whether an alarm starts a policy: one of them names the other.
fn belongs(alarm: &At<'_>, policy: &At<'_>) -> Result<bool, Error> {
    let (name, arn) = (policy.field("PolicyName").text()?, policy.field("PolicyARN").text()?);
    for list in ["AlarmActions", "OKActions", "InsufficientDataActions"] {
        for action in alarm.field(list).items()? {
            let action = action.text()?.unwrap_or_default();
            let ends = |name: &str| action.ends_with(&format!("policyName/{name}"));
            if Some(action) == arn || name.is_some_and(ends) {
                return Ok(true);
            }
        }
    }
    let wanted = alarm.field("AlarmName").text()?;
    for one in policy.field("Alarms").items()? {
        if wanted.is_some() && one.field("AlarmName").text()? == wanted {
            return Ok(true);
        }
    }
    Ok(false)
}

impl Group<'_> {
    fn import(self) -> Result<Import, Error> {
        let mut draft = Draft::default();
        draft.set("guards", json!([]));
        let (least, most) = self.limits(&mut draft)?;
        for policy in &self.policies {
            self.policy(policy, &mut draft)?;
        }
        if !self.scheduled.is_empty() {
            aws_schedule::read(&self.scheduled, least, most, &mut draft)?;
        }
        if draft.policies.is_empty() {
            let at = self.targets.first().or(self.policies.first()).or(self.scheduled.first());
            let what = "has no policy and no schedule that can be read in the same text";
            return Err(at.expect("a group has a part").refuse(what));
        }
        for alarm in &self.alarms {
            alarm.ignored("starts nothing that needs it here");
        }
        let mut places = Vec::new();
        for part in [&self.policies, &self.scheduled, &self.alarms, &self.targets] {
            for at in part {
                for name in ["ResourceId", "AutoScalingGroupName"] {
                    at.field(name).mapped("the import's name");
                }
                for name in IDENTITY {
                    at.field(name).ignored("names or describes it, no setting");
                }
                places.push(at.clone());
            }
        }
        places.sort_by_key(|at| (at.document().number, at.line()));
        let source = if places.iter().any(|at| at.field("ResourceId").exists()) {
            "AWS Application Auto Scaling"
        } else {
            "AWS EC2 Auto Scaling"
        };
        draft.finish(self.name, source, &places)
    }

    fn limits(&self, draft: &mut Draft) -> Result<(u32, u32), Error> {
        let (mut least, mut most) = (None, None);
        for target in &self.targets {
            for (name, is_least) in [
                ("MinCapacity", true),
                ("MinSize", true),
                ("MaxCapacity", false),
                ("MaxSize", false),
            ] {
                let at = target.field(name);
                let limit = if is_least { &mut least } else { &mut most };
                *limit = at.whole()?.or(*limit);
                at.mapped(if is_least { "min_replicas" } else { "max_replicas" });
            }
            let suspended = target.field("SuspendedState");
            if suspended.field("DynamicScalingInSuspended").truth()? == Some(true) {
                draft.set("mode", "scale_up_only");
                suspended.field("DynamicScalingInSuspended").mapped("mode");
            }
            suspended.ignored("suspend what it says in the host");
            target.field("DesiredCapacity").ignored("the size at this time, no setting");
            let cooldown = target.field("DefaultCooldown");
            cooldown.ignored("give it to the simple policies as Cooldown");
            let warm_up = target.field("DefaultInstanceWarmup");
            warm_up.ignored("give it to the policies as EstimatedInstanceWarmup");
        }
        let why = "limits are no part of a policy; put describe-scalable-targets or \
                   describe-auto-scaling-groups into the same text";
        let (low, high) = (least.unwrap_or(1), most.unwrap_or(100).max(1));
        if low > high {
            let at = self.targets.last().expect("they have limits");
            return Err(at.refuse(&format!("has a minimum of {low} above its maximum of {high}")));
        }
        if least.is_none() {
            draft.tell("min_replicas", low.to_string(), why);
        }
        if most.is_none() {
            draft.tell("max_replicas", high.to_string(), why);
        }
        draft.set("min_replicas", low);
        draft.set("max_replicas", high);
        Ok((low, high))
    }

    fn policy(&self, at: &At<'_>, draft: &mut Draft) -> Result<(), Error> {
        let kind = at.field("PolicyType");
        let names = ["TargetTrackingConfiguration", "TargetTrackingScalingPolicyConfiguration"];
        let tracking = names.iter().map(|name| at.field(name)).find(At::exists);
        let names = ["PredictiveScalingConfiguration", "PredictiveScalingPolicyConfiguration"];
        let predictive = names.iter().map(|name| at.field(name)).find(At::exists);
        let to = draft.next_policy();
        if at.field("Enabled").truth()? == Some(false) {
            at.ignored("the policy is not enabled");
            return Ok(());
        }
        if let Some(settings) = tracking {
            tracking_policy(at, &settings.mapping()?, draft)?;
        } else if let Some(settings) = predictive {
            let is_alone = self.policies.len() == 1 && self.scheduled.is_empty();
            predictive_policy(&settings.mapping()?, draft, is_alone)?;
        } else {
            let inner = at.field("StepScalingPolicyConfiguration").mapping()?;
            let settings = if inner.exists() { inner } else { at.clone() };
            self.step_policy(at, &settings, draft)?;
        }
        if draft.next_policy() == to {
            kind.ignored("the policy makes no setting");
        } else {
            kind.mapped(to);
        }
        at.field("Enabled").mapped("policies (a policy that is not enabled is left out)");
        Ok(())
    }

    fn step_policy(&self, at: &At<'_>, settings: &At<'_>, draft: &mut Draft) -> Result<(), Error> {
        let is_simple = settings.field("ScalingAdjustment").exists();
        if !is_simple && !settings.field("StepAdjustments").exists() {
            return Err(settings.field("StepAdjustments").missing());
        }
        let mut found = None;
        for alarm in &self.alarms {
            if belongs(alarm, at)? {
                found = Some(alarm);
            }
        }
        if found.is_none() && self.alarms.len() == 1 && self.policies.len() == 1 {
            found = self.alarms.first();
        }
        let Some(alarm) = found else {
            let what = "has no alarm in the same text, which alone knows the threshold; put its \
                        put-metric-alarm or describe-alarms beside it";
            return Err(at.refuse(what));
        };
        let to = draft.next_policy();
        let mut policy = json!({"kind": if is_simple { "simple" } else { "step" }});
        if let Some(name) = at.field("PolicyName").text()? {
            policy["name"] = json!(name);
            at.field("PolicyName").mapped(format!("{to}.name"));
        }
        let unit = read_alarm(alarm, draft, &mut policy, &to)?;

        let adjustment = settings.field("AdjustmentType");
        policy["adjustment"] = json!(match adjustment.need_text()? {
            "ChangeInCapacity" => "change",
            "ExactCapacity" => "exact",
            "PercentChangeInCapacity" => "percent",
            _ => {
                return Err(adjustment
                    .must("be ChangeInCapacity, ExactCapacity or PercentChangeInCapacity"));
            }
        });
        adjustment.mapped(format!("{to}.adjustment"));
        let least = settings.field("MinAdjustmentMagnitude");
        if let Some(replicas) = least.whole()? {
            policy["min_adjustment"] = json!(replicas);
            least.mapped(format!("{to}.min_adjustment"));
        }
        let cooldown = settings.field("Cooldown");
        if is_simple {
            let by = settings.field("ScalingAdjustment");
            policy["by"] = json!(by.number()?.unwrap_or_default() as i64);
            by.mapped(format!("{to}.by"));
            if let Some(seconds) = cooldown.whole()? {
                policy["cooldown"] = json!(seconds);
                cooldown.mapped(format!("{to}.cooldown"));
            }
        } else {
            policy["steps"] = steps(settings, &to, unit)?;
            let how = settings.field("MetricAggregationType");
            if let Some(text) = how.text()? {
                policy["aggregation"] = json!(text.to_lowercase());
                how.mapped(format!("{to}.aggregation"));
            }
            let warm_up = settings.field("EstimatedInstanceWarmup");
            if let Some(seconds) = warm_up.whole()? {
                policy["warm_up"] = json!(seconds);
                warm_up.mapped(format!("{to}.warm_up"));
            } else if let Some(seconds) = cooldown.whole()? {
                policy["warm_up"] = json!(seconds);
                cooldown.approximated(format!("{to}.warm_up"), "what has just been added counts");
            }
        }
        draft.policy(policy);
        Ok(())
    }
}

const IDENTITY: [&str; 16] = [
    "PolicyName",
    "PolicyARN",
    "ScheduledActionName",
    "ScheduledActionARN",
    "ScalableTargetARN",
    "ServiceNamespace",
    "ScalableDimension",
    "RoleARN",
    "CreationTime",
    "Alarms",
    "AlarmName",
    "AlarmArn",
    "AlarmActions",
    "AlarmDescription",
    "Tags",
    "AutoScalingGroupARN",
];

/// The steps; their bounds are in the metric's own unit, which for a percentage is `unit`.
fn steps(settings: &At<'_>, to: &str, unit: f64) -> Result<Value, Error> {
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
fn read_alarm(
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

fn tracking_policy(at: &At<'_>, settings: &At<'_>, draft: &mut Draft) -> Result<(), Error> {
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

fn predictive_policy(settings: &At<'_>, draft: &mut Draft, is_alone: bool) -> Result<(), Error> {
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
