//! What became of each field of a manifest.
//!
//! In: fates. Out: lists for programs and a text for people. Knows no system.

use std::fmt;

use serde::Serialize;

use super::Import;

/// A field of a manifest that holds a value, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Field {
    /// The number of its document in the text, from 1.
    pub document: usize,
    /// Its place, such as `spec.metrics[0].resource.target.averageUtilization`.
    pub path: String,
    /// Its line in the text, from 1, where known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Its value, cut if long; `None` for a field that was ignored, as it may be a secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// What became of it.
    #[serde(flatten)]
    pub fate: Fate,
}

/// What became of a field of a manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "fate", rename_all = "snake_case")]
pub enum Fate {
    /// A setting means the same.
    Mapped {
        /// The setting, such as `policies[0].target`.
        to: String,
    },
    /// A setting comes near.
    Approximated {
        /// The setting.
        to: String,
        /// Where it differs.
        how: String,
    },
    /// No setting was made of it.
    Ignored {
        /// Why.
        why: String,
    },
}

/// A setting that the manifest does not speak of and that is not a default of the other system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Assumed {
    /// The setting.
    pub setting: String,
    /// Its value.
    pub value: String,
    /// Why that one.
    pub why: String,
}

/// A document of the text that is no part of the import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// Its number in the text, from 1.
    pub document: usize,
    /// Its place in it; empty for all of it.
    pub path: String,
    /// Its line in the text, from 1, where known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// What it is, such as `Deployment apps/v1 web`.
    pub what: String,
    /// Why it was not read.
    pub why: String,
}

/// The report for people: what was mapped, what only comes near, what was ignored, what to feed.
impl fmt::Display for Import {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} ({})", self.name, self.source)?;
        let is_mapped = |field: &&Field| matches!(field.fate, Fate::Mapped { .. });
        let is_near = |field: &&Field| matches!(field.fate, Fate::Approximated { .. });
        let is_ignored = |field: &&Field| matches!(field.fate, Fate::Ignored { .. });
        let several = self.fields.iter().any(|field| field.document != self.fields[0].document);
        section(f, "mapped", self.fields.iter().filter(is_mapped), several)?;
        section(f, "approximated", self.fields.iter().filter(is_near), several)?;
        section(f, "ignored", self.fields.iter().filter(is_ignored), several)?;
        if !self.assumed.is_empty() {
            writeln!(f, "assumed:")?;
        }
        for Assumed { setting, value, why } in &self.assumed {
            writeln!(f, "  {setting} = {value}: {why}")?;
        }
        if !self.metrics.is_empty() {
            writeln!(f, "metrics to send:")?;
        }
        for (name, feed) in &self.metrics {
            writeln!(f, "  {name}: {feed}")?;
        }
        if !self.skipped.is_empty() {
            writeln!(f, "not read:")?;
        }
        for Skipped { document, what, why, .. } in &self.skipped {
            writeln!(f, "  document {document}, {what}: {why}")?;
        }
        Ok(())
    }
}

fn section<'a>(
    f: &mut fmt::Formatter<'_>,
    title: &str,
    fields: impl Iterator<Item = &'a Field>,
    several: bool,
) -> fmt::Result {
    let mut is_first = true;
    for Field { document, path, line, value, fate } in fields {
        if is_first {
            writeln!(f, "{title}:")?;
        }
        is_first = false;
        f.write_str("  ")?;
        if several {
            write!(f, "document {document}, ")?;
        }
        if let Some(line) = line {
            write!(f, "line {line}: ")?;
        }
        f.write_str(path)?;
        if let Some(value) = value {
            write!(f, " = {value}")?;
        }
        match fate {
            Fate::Mapped { to } => writeln!(f, " -> {to}")?,
            Fate::Approximated { to, how } => writeln!(f, " -> {to}: {how}")?,
            Fate::Ignored { why } => writeln!(f, ": {why}")?,
        }
    }
    Ok(())
}
