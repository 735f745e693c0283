//! Knative Serving: the annotations `autoscaling.knative.dev/*` of a Service, Configuration or
//! Revision, and the ConfigMap `config-autoscaler` if it is in the same text.
//!
//! In: the document and the ConfigMap. Out: a `concurrency` policy for the class `kpa`, what the
//! HPA does for the class `hpa`. As Knative 1.15.

use serde_json::json;

use super::document::At;
use super::draft::Draft;
use super::{Import, bookkeeping, identity};
use crate::Error;
use crate::time::Duration;

const PREFIX: &str = "autoscaling.knative.dev/";

/// The annotations of one workload and the settings of all.
struct Source<'d> {
    annotations: At<'d>,
    global: Option<At<'d>>,
}

impl<'d> Source<'d> {
    /// The annotation, also under its name of before 1.0 (`minScale` for `min-scale`).
    fn annotation(&self, name: &str) -> At<'d> {
        let kebab = self.annotations.field(&format!("{PREFIX}{name}"));
        if kebab.exists() {
            return kebab;
        }
        let mut camel = String::new();
        for (index, part) in name.split('-').enumerate() {
            let (first, rest) = part.split_at(usize::from(index > 0).min(part.len()));
            camel.push_str(&first.to_uppercase());
            camel.push_str(rest);
        }
        let camel = self.annotations.field(&format!("{PREFIX}{camel}"));
        if camel.exists() { camel } else { kebab }
    }

    /// The annotation, else the setting of all workloads, which an annotation overrides.
    fn pick(&self, name: &str, global: &str) -> Option<At<'d>> {
        let own = self.annotation(name);
        let all = self.global(global);
        if own.exists() {
            if let Some(all) = all {
                all.ignored("the workload's own annotation overrides it");
            }
            return Some(own);
        }
        all
    }

    fn global(&self, name: &str) -> Option<At<'d>> {
        self.global.as_ref().map(|data| data.field(name)).filter(At::exists)
    }
}

/// Whether this is the ConfigMap with the settings of all workloads.
pub(super) fn is_map(at: &At<'_>) -> bool {
    let is = |place: At<'_>, text| place.text().is_ok_and(|found| found == Some(text));
    is(at.field("kind"), "ConfigMap") && is(at.fields(&["metadata", "name"]), "config-autoscaler")
}

/// `tells` is whether the fields of the map are told with this import.
pub(super) fn import(at: &At<'_>, map: Option<&At<'_>>, tells: bool) -> Result<Import, Error> {
    let name = identity(at)?;
    let kind = at.field("kind").text()?.unwrap_or_default();
    let version = at.field("apiVersion").need_text()?;
    let template = if kind == "Revision" { at.clone() } else { at.fields(&["spec", "template"]) };
    let template = template.mapping()?;
    let annotations = template.fields(&["metadata", "annotations"]).mapping()?;
    let spec = template.field("spec").mapping()?;
    if kind != "Revision" {
        for (name, entry) in at.fields(&["metadata", "annotations"]).entries() {
            if name.starts_with(PREFIX) {
                entry.ignored("Knative reads it on the template only");
            }
        }
    }
    let source = Source { annotations, global: map.map(|map| map.field("data")) };
    let mut draft = Draft::default();
    let class = source.pick("class", "pod-autoscaler-class");
    let is_hpa = match class.as_ref().map(At::text).transpose()?.flatten() {
        None | Some("kpa.autoscaling.knative.dev") => false,
        Some("hpa.autoscaling.knative.dev") => true,
        Some(_) => {
            let class = class.as_ref().expect("it has a text");
            return Err(class.must("be kpa.autoscaling.knative.dev or hpa.autoscaling.knative.dev"));
        }
    };
    if let Some(class) = class {
        class.mapped("policies[0]");
    }
    limits(&source, &mut draft, is_hpa)?;
    if is_hpa {
        hpa(&source, &mut draft)?;
    } else {
        kpa(&source, &spec, &mut draft)?;
    }
    for (name, initial) in [("initial-scale", true), ("allow-zero-initial-scale", false)] {
        let why = "is about the first replicas, which the host starts";
        if initial {
            source.annotation(name).ignored(why);
        }
        source.global(name).inspect(|at| at.ignored(why));
    }
    spec.field("containerConcurrency").ignored("the class `hpa` does not look at it");
    spec.ignored("what the replicas are, not how many");
    template.field("metadata").ignored("describes the replicas, not their number");
    at.field("spec").ignored("about the traffic and the replicas, not their number");
    bookkeeping(at);
    let mut places = vec![at.clone()];
    if let Some(map) = map {
        map.fields(&["data", "_example"]).ignored("an example, which Knative does not read");
        if let Some(data) = &source.global {
            for name in ["activator-capacity", "scale-to-zero-grace-period"] {
                data.field(name).ignored("is about Knative's own proxy");
            }
            data.field("max-scale-limit").ignored("limits what a workload may ask for");
        }
        for name in ["apiVersion", "kind"] {
            map.field(name).ignored("names the settings of all workloads");
        }
        bookkeeping(map);
        if tells {
            places.push(map.clone());
        }
    }
    draft.finish(name, format!("{kind} {version}"), &places)
}

fn limits(source: &Source<'_>, draft: &mut Draft, is_hpa: bool) -> Result<(), Error> {
    let (min, max) = (source.pick("min-scale", "min-scale"), source.pick("max-scale", "max-scale"));
    let to_zero = source.global("enable-scale-to-zero");
    let may_be_zero = to_zero.as_ref().map(At::truth).transpose()?.flatten().unwrap_or(true);
    let count = |at: &Option<At<'_>>| -> Result<Option<u32>, Error> {
        Ok(at.as_ref().map(At::whole_or_text).transpose()?.flatten())
    };
    let most = count(&max)?.filter(|&most| most > 0);
    let least = count(&min)?;
    if let (Some(least), Some(most)) = (least, most)
        && least > most
    {
        let min = min.as_ref().expect("it has a number");
        return Err(min.must(&format!("not be above `max-scale`, which is {most}")));
    }
    let floor = u32::from(is_hpa || !may_be_zero);
    draft.set("min_replicas", least.unwrap_or(0).max(floor));
    if let Some(to_zero) = to_zero {
        to_zero.mapped("min_replicas");
    }
    match &min {
        Some(min) => min.mapped("min_replicas"),
        None => draft.tell("min_replicas", floor.to_string(), "default of Knative"),
    }
    if let Some(max) = &max {
        max.mapped("max_replicas");
    }
    match most {
        Some(most) => draft.set("max_replicas", most),
        None => {
            let why = "Knative has no limit without max-scale; set one that you can pay for";
            draft.assume("max_replicas", i32::MAX, why);
        }
    }
    Ok(())
}

fn kpa(source: &Source<'_>, spec: &At<'_>, draft: &mut Draft) -> Result<(), Error> {
    let metric = source.annotation("metric");
    let is_rps = match metric.text()? {
        None | Some("concurrency") => false,
        Some("rps") => true,
        Some(_) => return Err(metric.must("be concurrency or rps for the class kpa")),
    };
    let (name, feed) = if is_rps {
        ("rps", "the requests per second of all replicas")
    } else {
        ("concurrency", "the requests in flight of all replicas, waiting ones included")
    };
    let name = draft.metric(name, "total", feed);
    metric.mapped(format!("metrics.{name}"));

    let total = total(source, spec, is_rps, draft)?;
    let share =
        source.pick("target-utilization-percentage", "container-concurrency-target-percentage");
    let percent = match share.as_ref().map(At::number_or_text).transpose()?.flatten() {
        None => 70.0,
        // In the ConfigMap a number up to 1 is a share.
        Some(share)
            if share <= 1.0
                && share > 0.0
                && !source.annotation("target-utilization-percentage").exists() =>
        {
            share * 100.0
        }
        Some(percent) if (1.0..=100.0).contains(&percent) => percent,
        Some(_) => return Err(share.as_ref().expect("it has a number").must("be from 1 to 100")),
    };
    match &share {
        Some(share) => share.mapped("policies[0].target"),
        None => draft.tell("policies[0].target", "70 % of it", "default of Knative"),
    }
    let target = (total * percent / 100.0).max(0.01);
    let mut policy = json!({
        "kind": "concurrency", "metric": name, "target": target, "total_value": total,
    });

    let mut window = Duration::from_secs(60);
    for (theirs, global, ours) in [
        ("window", "stable-window", "stable_window"),
        ("scale-down-delay", "scale-down-delay", "scale_down_delay"),
    ] {
        let Some(at) = source.pick(theirs, global) else { continue };
        let Some(span) = at.duration()? else { continue };
        if ours == "stable_window" {
            window = span;
        }
        policy[ours] = json!(span);
        at.mapped(format!("policies[0].{ours}"));
    }
    for (theirs, global, ours, unit) in [
        ("panic-window-percentage", "panic-window-percentage", "panic_window_ratio", 100.0),
        ("panic-threshold-percentage", "panic-threshold-percentage", "panic_threshold", 100.0),
        ("target-burst-capacity", "target-burst-capacity", "target_burst_capacity", 1.0),
        ("", "max-scale-up-rate", "max_scale_up_rate", 1.0),
        ("", "max-scale-down-rate", "max_scale_down_rate", 1.0),
    ] {
        let at =
            if theirs.is_empty() { source.global(global) } else { source.pick(theirs, global) };
        let Some(at) = at else { continue };
        let Some(number) = at.number_or_text()? else { continue };
        policy[ours] = json!(number / unit);
        at.mapped(format!("policies[0].{ours}"));
    }
    let activation = source.annotation("activation-scale");
    if let Some(replicas) = activation.whole_or_text()? {
        policy["activation_scale"] = json!(replicas);
        activation.mapped("policies[0].activation_scale");
    }
    draft.policy(policy);
    draft.set("guards", json!([]));
    source.annotation("metric-aggregation-algorithm").ignored("the average is linear");

    let retention =
        source.pick("scale-to-zero-pod-retention-period", "scale-to-zero-pod-retention-period");
    if let Some(retention) = retention {
        let kept = retention.duration()?.unwrap_or(Duration::ZERO);
        let is_zero = draft.get("min_replicas") == Some(&json!(0));
        if kept > Duration::ZERO && is_zero {
            let seconds = window.as_secs_f64() + kept.as_secs_f64();
            draft.set("zero", json!({"metric": name, "idle_grace": seconds}));
            let how = "the stable window and the retention, counted from the last load";
            retention.approximated("zero.idle_grace", how);
        } else {
            retention.ignored("nothing is kept longer than the stable window");
        }
    }
    Ok(())
}

/// The load that a replica can have: the smaller of what is asked for and what it lets in.
fn total(
    source: &Source<'_>,
    spec: &At<'_>,
    is_rps: bool,
    draft: &mut Draft,
) -> Result<f64, Error> {
    let target = source.annotation("target");
    let asked = target.number_or_text()?;
    if asked.is_some_and(|asked| asked < 0.01) {
        return Err(target.must("be at least 0.01"));
    }
    let limit = spec.field("containerConcurrency");
    let let_in = limit.whole()?.filter(|&limit| limit > 0 && !is_rps).map(f64::from);
    let (global, default) = if is_rps {
        ("requests-per-second-target-default", 200.0)
    } else {
        ("container-concurrency-target-default", 100.0)
    };
    let other = if is_rps {
        "container-concurrency-target-default"
    } else {
        "requests-per-second-target-default"
    };
    source.global(other).inspect(|at| at.ignored("is about the other metric"));
    let setting = source.global(global);
    if let_in.is_none() {
        limit.ignored(if is_rps {
            "limits requests in flight, not their rate"
        } else {
            "0 is no limit"
        });
    }
    let total = match (asked, let_in) {
        (Some(asked), Some(let_in)) => asked.min(let_in),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => match &setting {
            Some(setting) => {
                setting.mapped("policies[0].total_value");
                setting.number_or_text()?.unwrap_or(default)
            }
            None => {
                draft.tell("policies[0].total_value", default.to_string(), "default of Knative");
                default
            }
        },
    };
    if let Some(setting) = setting {
        setting.ignored("the workload's own target overrides it");
    }
    match (asked, let_in) {
        (Some(asked), Some(let_in)) if asked > let_in => {
            target.ignored("containerConcurrency is smaller");
            limit.mapped("policies[0].total_value");
        }
        (Some(_), _) => {
            target.mapped("policies[0].total_value");
            limit.ignored("the target is smaller");
        }
        (None, _) => limit.mapped("policies[0].total_value"),
    }
    Ok(total)
}

/// What Knative's HPA does.
fn hpa(source: &Source<'_>, draft: &mut Draft) -> Result<(), Error> {
    let (metric, target) = (source.annotation("metric"), source.annotation("target"));
    let asked = target.number_or_text()?;
    if asked.is_some_and(|asked| asked <= 0.0) {
        return Err(target.must("be above 0"));
    }
    draft.set("pause_at_zero", true);
    let kind = metric.text()?.unwrap_or("cpu");
    let (name, by, number) = match (kind, asked) {
        ("cpu", percent) => {
            if percent.is_none() {
                draft.tell("policies[0].target", "0.8", "default of Kubernetes");
            }
            let feed = "the cpu usage of each replica with its request, in cores";
            let name = draft.metric("cpu", "utilization", feed);
            (name, "utilization", percent.unwrap_or(80.0) / 100.0)
        }
        (_, None) => return Err(target.missing()),
        ("memory", Some(mebibytes)) => {
            let name = draft.metric("memory", "average", "the memory of each replica, in bytes");
            (name, "average_value", mebibytes * 1_048_576.0)
        }
        (custom, Some(number)) => {
            let name = draft.metric(custom, "average", format!("{custom} of each replica"));
            (name, "average_value", number)
        }
    };
    let to = draft.policy(json!({"kind": "target", "metric": name, "by": by, "target": number}));
    metric.mapped(format!("metrics.{name}"));
    target.mapped(format!("{to}.target"));
    let window = source.annotation("window");
    match window.duration()? {
        Some(span) => {
            draft.set(
                "guards",
                json!([{"kind": "stabilization", "scale_up": span, "scale_down": span}, "rate"]),
            );
            window.mapped("guards[0].scale_down");
        }
        None => draft.set("guards", json!(["without_behavior"])),
    }
    for (name, entry) in source.annotations.entries() {
        if let Some(name) = name.strip_prefix(PREFIX) {
            let is_read = matches!(
                name,
                "min-scale"
                    | "minScale"
                    | "max-scale"
                    | "maxScale"
                    | "initial-scale"
                    | "initialScale"
            );
            if !is_read {
                entry.ignored("only the class kpa reads it");
            }
        }
    }
    if let Some(data) = &source.global {
        for (name, entry) in data.entries() {
            let is_read = matches!(
                name,
                "_example"
                    | "allow-zero-initial-scale"
                    | "initial-scale"
                    | "activator-capacity"
                    | "scale-to-zero-grace-period"
                    | "max-scale-limit"
            );
            if !is_read {
                entry.ignored("only the class kpa reads it");
            }
        }
    }
    Ok(())
}
