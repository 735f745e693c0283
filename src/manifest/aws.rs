//! AWS: Application Auto Scaling and EC2 Auto Scaling, as the JSON that their calls take and give.
//!
//! In: `put-scaling-policy`, `register-scalable-target`, `put-scheduled-action`,
//! `put-scheduled-update-group-action`, `put-metric-alarm`, and the lists that the `describe-*`
//! calls answer. Out: one import for each resource or group, whose documents may come in any
//! order. Scheduled actions are read in [`aws_schedule`](super::aws_schedule), API of 2016-02-06
//! and 2011-01-01.

use serde_json::json;

use super::aws_policies::{predictive_policy, read_alarm, steps, tracking_policy};
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
