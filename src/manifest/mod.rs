//! The manifests that people already have: other autoscalers' settings become ours, with a report.
//!
//! In: the text of one or several documents, YAML or JSON. Out: an [`Import`] for each workload, or
//! an error with line and column. A system is a file; `document` walks the text, `report` keeps
//! account of every field. Knows settings and how they are built; reads no metric and makes no
//! decision.

mod aws;
mod aws_policies;
mod aws_schedule;
mod azure;
mod cron;
mod document;
mod draft;
mod gcp;
mod hpa;
mod keda;
mod keda_scalers;
mod keda_triggers;
mod knative;
mod parse;
mod quantity;
mod report;

use std::collections::BTreeMap;

use serde::Serialize;

use self::document::{At, Document};
pub use self::report::{Assumed, Fate, Field, Skipped};
use crate::{Config, Error};

/// A workload's settings, made of another autoscaler's.
///
/// Every field of the foreign document that holds a value stands in `fields` exactly once. The text
/// of [`Display`](std::fmt::Display) is the report for people.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Import {
    /// The foreign document's own name, with its namespace where it has one.
    pub name: String,
    /// What it was, such as `HorizontalPodAutoscaler autoscaling/v2`.
    pub source: String,
    /// The settings; [`Autoscaler::new`](crate::Autoscaler::new) takes them.
    pub config: Config,
    /// What became of each field, in the order of the text.
    pub fields: Vec<Field>,
    /// What the host must send, by the names in `config.metrics`.
    pub metrics: BTreeMap<String, String>,
    /// Settings that the manifest does not speak of.
    pub assumed: Vec<Assumed>,
    /// Documents of the same text that are no part of any import.
    pub skipped: Vec<Skipped>,
}

/// Reads manifests: several documents in a text are several imports, unless they belong to one
/// workload. A document of another kind, such as a Deployment beside its autoscaler, is told in
/// [`Import::skipped`].
///
/// ```
/// # #[cfg(feature = "yaml")] {
/// let imports = forescale::manifest::load(
///     "
/// apiVersion: autoscaling/v2
/// kind: HorizontalPodAutoscaler
/// metadata: { name: web }
/// spec:
///   scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: web }
///   minReplicas: 2
///   maxReplicas: 20
///   metrics:
///     - type: Resource
///       resource: { name: cpu, target: { type: Utilization, averageUtilization: 70 } }
/// ",
/// )?;
/// let import = &imports[0];
/// assert_eq!((import.config.min_replicas, import.config.max_replicas), (2, 20));
/// let scaler = forescale::Autoscaler::new(import.config.clone())?;
/// println!("{import}"); // what became of each field, and which metrics to send
/// # }
/// # Ok::<(), forescale::Error>(())
/// ```
///
/// # Errors
/// [`ErrorKind::Config`](crate::ErrorKind::Config) for a text above 1 MiB or nested too deep (32
/// levels of YAML), one that is neither YAML nor JSON, a field of the wrong type or out of its range
/// (with line and column), a version of a known kind that is not read, and a text in which no
/// document is of a known kind.
pub fn load(text: &str) -> Result<Vec<Import>, Error> {
    let documents: Vec<_> = parse::parse(text)?
        .into_iter()
        .enumerate()
        .map(|(index, root)| Document::new(root, index + 1))
        .collect();
    let (mut places, mut wrappers) = (Vec::new(), Vec::new());
    for document in &documents {
        unwrap(document.at_root(), &mut places, &mut wrappers)?;
    }
    let mut imports = Vec::new();
    let mut skipped = Vec::new();
    let mut parts = Vec::new();
    // Settings of all Knative workloads; told with the first of them.
    let mut map = places.iter().find(|at| knative::is_map(at)).cloned();
    let knative_map = map.clone();
    let is_knative = |at: &At<'_>| matches!(recognize(at), Ok(Some(System::Knative)));
    let has_knative = places.iter().any(is_knative);
    for at in &places {
        match recognize(at)? {
            Some(System::Knative) => {
                imports.push(knative::import(at, knative_map.as_ref(), map.take().is_some())?);
            }
            Some(System::Hpa) => imports.push(hpa::import(at)?),
            Some(System::Keda) => imports.push(keda::import(at)?),
            Some(System::Aws(part)) => parts.push((part, at.clone())),
            Some(System::Gcp) => imports.push(gcp::import(at)?),
            Some(System::Azure) => imports.push(azure::import(at)?),
            None if has_knative && knative::is_map(at) => {}
            None => skipped.push(skip(at)?),
        }
    }
    if !parts.is_empty() {
        imports.extend(aws::imports(&parts)?);
    }
    if imports.is_empty() {
        let what: Vec<_> = skipped
            .iter()
            .map(|Skipped { line, what, why, .. }| {
                let line = line.map_or(String::new(), |line| format!(" (line {line})"));
                format!("{what}{line}: {why}")
            })
            .collect();
        let message = format!("the manifest has no autoscaler that is read: {}", what.join("; "));
        return Err(Error::config("", message));
    }
    for wrapper in wrappers {
        let is_inside = |field: &Field| {
            places.iter().any(|at| {
                let rest = field.path.strip_prefix(at.path());
                at.document().number == field.document
                    && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
            })
        };
        let own = wrapper.report().into_iter().filter(|field| !is_inside(field));
        let number = wrapper.document().number;
        let of_document =
            |import: &&mut Import| import.fields.iter().any(|field| field.document == number);
        if let Some(import) = imports.iter_mut().find(of_document) {
            import.fields.extend(own);
        }
    }
    for import in &mut imports {
        import.skipped.clone_from(&skipped);
    }
    Ok(imports)
}

/// A system whose settings are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum System {
    Hpa,
    Keda,
    Knative,
    Aws(aws::Part),
    Gcp,
    Azure,
}

/// Documents within others: `kind: List`, JSON lists, and the autoscaler of an instance group.
fn unwrap<'d>(
    at: At<'d>,
    places: &mut Vec<At<'d>>,
    wrappers: &mut Vec<At<'d>>,
) -> Result<(), Error> {
    let kind = at.field("kind").scalar().ok().flatten();
    let items = if kind.as_deref() == Some("List") {
        for name in ["apiVersion", "kind", "metadata"] {
            at.field(name).ignored("belongs to the list, not to its items");
        }
        at.field("items").items()?
    } else if let Some(list) = aws::LISTS.iter().map(|name| at.field(name)).find(At::exists) {
        for (name, entry) in at.entries() {
            if !aws::LISTS.contains(&name) {
                entry.ignored("belongs to the list, not to its items");
            }
        }
        list.items()?
    } else if at.fields(&["autoscaler", "autoscalingPolicy"]).exists() {
        for (name, entry) in at.entries() {
            if name != "autoscaler" {
                entry.ignored("belongs to the instance group, not to its autoscaler");
            }
        }
        vec![at.field("autoscaler")]
    } else if let (Ok(items), true) = (at.items(), at.exists()) {
        items
    } else {
        places.push(at);
        return Ok(());
    };
    wrappers.push(at);
    places.extend(items);
    Ok(())
}

fn recognize(at: &At<'_>) -> Result<Option<System>, Error> {
    let at = at.clone().mapping()?;
    let kind = at.field("kind").text()?;
    let version = at.field("apiVersion").scalar().ok().flatten().unwrap_or_default();
    let is_knative = version.starts_with("serving.knative.dev/");
    Ok(match kind {
        Some("HorizontalPodAutoscaler") => Some(System::Hpa),
        Some("ScaledObject" | "ScaledJob") => Some(System::Keda),
        Some("Service" | "Configuration" | "Revision") if is_knative => Some(System::Knative),
        _ if at.field("autoscalingPolicy").exists() => Some(System::Gcp),
        _ if azure::is_setting(&at) => Some(System::Azure),
        Some(_) => None,
        None => aws::part(&at).map(System::Aws),
    })
}

/// What is told of a document that nobody reads.
fn skip(at: &At<'_>) -> Result<Skipped, Error> {
    let text = |place: At<'_>| place.scalar().ok().flatten();
    let parts = [
        text(at.field("kind")),
        text(at.field("apiVersion")),
        text(at.fields(&["metadata", "name"])),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    let what = if parts.is_empty() {
        let names: Vec<_> =
            at.entries().iter().take(4).map(|(name, _)| format!("`{name}`")).collect();
        format!("a document with {}", names.join(", "))
    } else {
        parts.join(" ")
    };
    let (document, line) = (at.document().number, at.line().filter(|&line| line > 0));
    let has = |names: &[&str]| names.iter().any(|name| at.field(name).exists());
    let why = if has(&["Resources", "AWSTemplateFormatVersion"]) {
        "a CloudFormation template, which may refer to others; give what it made, as \
         `aws autoscaling describe-policies` tells it"
    } else if has(&["resource", "planned_values", "terraform_version"]) {
        "Terraform's, whose names are its own; give what it made, as the cloud's own client tells it"
    } else if has(&["resources"]) && has(&["$schema", "contentVersion"]) {
        "an ARM template, which may have parameters; give what it made, as \
         `az monitor autoscale show` tells it"
    } else {
        "not the settings of a known autoscaler"
    };
    let why = why.to_owned();
    let path = at.path().to_owned();
    Ok(Skipped { document, path, line, what, why })
}

/// `namespace/name` of a Kubernetes object, and the fate of everything that only identifies it.
fn identity(at: &At<'_>) -> Result<String, Error> {
    let metadata = at.field("metadata").mapping()?;
    let name = metadata.field("name").text()?.unwrap_or("unnamed");
    let name = match metadata.field("namespace").text()? {
        Some(namespace) => format!("{namespace}/{name}"),
        None => name.to_owned(),
    };
    metadata.field("name").mapped("the import's name");
    metadata.field("namespace").mapped("the import's name");
    at.field("apiVersion").mapped("the import's source");
    at.field("kind").mapped("the import's source");
    Ok(name)
}

/// After a system has spoken: what Kubernetes keeps beside the settings.
fn bookkeeping(at: &At<'_>) {
    at.field("metadata").ignored("describes the object, not its scaling");
    at.field("status").ignored("what the controller saw, no setting");
}
