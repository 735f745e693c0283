//! The list of a room's built-in members, written once.
//!
//! In: one line a member. Out: the settings' enum that `kind` tags, the names of the kinds, the
//! building of a boxed member. From this list follow the configuration file, both bindings and the
//! tests; a new member is one line. Knows no member.

use std::sync::Arc;

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::Error;

/// What a boxed member must be able to do so that an autoscaler can be saved and restored.
///
/// Comes by itself for whatever `serde` can write and read: derive `Serialize` and `Deserialize`.
pub trait Saved {
    /// The member, settings and state, as a JSON value.
    ///
    /// # Errors
    /// If `serde` cannot write the member as JSON.
    fn save(&self) -> Result<Value, Error>;

    /// Takes over what [`save`](Self::save) wrote.
    ///
    /// # Errors
    /// If `saved` is not a value that a member of this type wrote; the member is then unchanged.
    fn load(&mut self, saved: Value) -> Result<(), Error>;
}

impl<T: Serialize + DeserializeOwned> Saved for T {
    fn save(&self) -> Result<Value, Error> {
        serde_json::to_value(self)
            .map_err(|error| Error::snapshot(format!("cannot be written: {error}")))
    }

    fn load(&mut self, saved: Value) -> Result<(), Error> {
        *self = serde_json::from_value(saved)
            .map_err(|error| Error::snapshot(format!("holds a member that is damaged: {error}")))?;
        Ok(())
    }
}

/// Opens the snapshot of one series' member, whose format is `forescale` and what it is of.
pub(crate) fn opened(snapshot: &[u8], format: &str, version: u64) -> Result<Value, Error> {
    let value: Value = serde_json::from_slice(snapshot)
        .map_err(|error| Error::snapshot(format!("the snapshot is not JSON: {error}")))?;
    if value.get("format").and_then(Value::as_str) != Some(format) {
        let of = format.trim_start_matches("forescale ");
        return Err(Error::snapshot(format!("the text is no snapshot of a {of}")));
    }
    if value.get("version").and_then(Value::as_u64) != Some(version) {
        let message = format!("the snapshot's version is unknown, must be {version}");
        return Err(Error::snapshot(message));
    }
    Ok(value)
}

/// Splits settings into their `kind` and the rest; a text alone is a kind with its defaults.
pub(crate) fn take_kind<'de, D: Deserializer<'de>>(
    deserializer: D,
    kinds: &[&str],
) -> Result<(String, Value), D::Error> {
    let mut settings = match Value::deserialize(deserializer)? {
        Value::Object(settings) => settings,
        Value::String(kind) => Map::from_iter([("kind".to_owned(), Value::String(kind))]),
        other => {
            let message = format!("is {other}, must be a mapping with a `kind`");
            return Err(D::Error::custom(message));
        }
    };
    match settings.remove("kind") {
        Some(Value::String(kind)) => Ok((kind, Value::Object(settings))),
        Some(other) => {
            Err(D::Error::custom(located("kind", &format!("is {other}, must be a text"))))
        }
        None => Err(D::Error::custom(format!("has no `kind`, must be one of {}", list(kinds)))),
    }
}

/// A snapshot of one thing that `serde` writes whole; [`taken_up`] reads it.
pub(crate) fn written(format: &str, version: u64, of: &impl Serialize) -> Result<Vec<u8>, Error> {
    #[derive(Serialize)]
    struct Snapshot<'a, T> {
        format: &'a str,
        version: u64,
        state: &'a T,
    }
    serde_json::to_vec(&Snapshot { format, version, state: of })
        .map_err(|error| Error::snapshot(format!("cannot be written: {error}")))
}

/// What [`written`] wrote.
pub(crate) fn taken_up<T: DeserializeOwned>(
    snapshot: &[u8],
    format: &str,
    version: u64,
) -> Result<T, Error> {
    let mut value = opened(snapshot, format, version)?;
    serde_json::from_value(value["state"].take())
        .map_err(|error| Error::snapshot(format!("the snapshot is damaged: {error}")))
}

/// Lets the schema of settings by kind allow a text alone, as [`take_kind`] does.
#[cfg(feature = "schema")]
pub(crate) fn or_text(schema: &mut schemars::Schema) {
    let Some(Value::Array(kinds)) = schema.get_mut("oneOf") else { return };
    let names: Vec<_> =
        kinds.iter().filter_map(|kind| kind.pointer("/properties/kind/const").cloned()).collect();
    kinds.push(serde_json::json!({"type": "string", "enum": names}));
}

/// Reads a member's settings; the error says where in them it lies.
pub(crate) fn settings<T: DeserializeOwned, E: serde::de::Error>(rest: Value) -> Result<T, E> {
    serde_path_to_error::deserialize(rest)
        .map_err(|error| E::custom(located(&error.path().to_string(), &error.inner().to_string())))
}

/// The refusal of a kind that is not in the list, with the nearest one that is.
pub(crate) fn unknown_kind<E: serde::de::Error>(
    kind: &str,
    kinds: &[&str],
    needs: &[(&str, &str)],
) -> E {
    let message = match needs.iter().find(|(name, _)| *name == kind) {
        Some((_, feature)) => format!("is \"{kind}\", which needs the feature `{feature}`"),
        None => {
            format!("is \"{kind}\", must be one of {}{}", list(kinds), did_you_mean(kind, kinds))
        }
    };
    E::custom(located("kind", &message))
}

/// `; did you mean `x`?` for the nearest of `known`, or nothing if none is near.
pub(crate) fn did_you_mean<S: AsRef<str>>(given: &str, known: &[S]) -> String {
    known
        .iter()
        .map(|name| (strsim::jaro_winkler(given, name.as_ref()), name.as_ref()))
        .filter(|&(likeness, _)| likeness > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map_or(String::new(), |(_, name)| format!("; did you mean `{name}`?"))
}

/// A member and the name under which it speaks.
pub(crate) type Labeled<T> = (Arc<str>, T);

/// The name under which a member speaks: `target(cpu)`, and `target(cpu)#2` for the second of it.
pub(crate) fn label<T>(name: String, before: &[T], of: impl Fn(&T) -> &Arc<str>) -> Arc<str> {
    let is_taken = |label: &str| before.iter().any(|taken| **of(taken) == *label);
    let mut label = name.clone();
    let mut number = 2;
    while is_taken(&label) {
        label = format!("{name}#{number}");
        number += 1;
    }
    label.into()
}

fn list(kinds: &[&str]) -> String {
    kinds.iter().map(|kind| format!("\"{kind}\"")).collect::<Vec<_>>().join(", ")
}

/// `serde` errors are texts; these marks carry the inner path through them to the border.
const MARK: char = '\u{1}';

pub(crate) fn located(path: &str, message: &str) -> String {
    format!("{MARK}{path}{MARK}{message}")
}

/// Takes the inner paths out of a message again: the joined path and the bare text.
pub(crate) fn unlocated(message: &str) -> (String, String) {
    let mut path = String::new();
    let mut rest = message;
    while let Some((inner, tail)) = rest.strip_prefix(MARK).and_then(|tail| tail.split_once(MARK)) {
        if inner != "." && !inner.is_empty() {
            if !path.is_empty() && !inner.starts_with('[') {
                path.push('.');
            }
            path.push_str(inner);
        }
        rest = tail;
    }
    (path, rest.to_owned())
}

/// Lists the built-in members of a role. See the module's head; the `mod` lines stay outside, as
/// `rustfmt` does not follow those that a macro writes.
macro_rules! catalog {
    // Members built from their settings alone, or from the settings and one argument more.
    (
        $(#[$attribute:meta])*
        pub enum $Settings:ident => dyn $Role:ident {
            $($(#[cfg(feature = $feature:literal)])? $kind:literal => $module:ident::$Member:ident,)+
        }
    ) => {
        $crate::catalog::catalog! {
            @settings $(#[$attribute])* $Settings
            $($(#[cfg(feature = $feature)])? $kind => $module::$Member,)+
        }

        impl $Settings {
            /// Builds the member.
            ///
            /// # Errors
            /// If a setting is out of its range.
            pub fn build(self) -> Result<Box<dyn $Role>, $crate::Error> {
                Ok(match self {
                    $(
                        $(#[cfg(feature = $feature)])?
                        Self::$Member(settings) => Box::new($module::$Member::new(settings)?),
                    )+
                })
            }
        }
    };
    (
        $(#[$attribute:meta])*
        pub enum $Settings:ident => dyn $Role:ident ($argument:ident: $Argument:ty) {
            $($(#[cfg(feature = $feature:literal)])? $kind:literal => $module:ident::$Member:ident,)+
        }
    ) => {
        $crate::catalog::catalog! {
            @settings $(#[$attribute])* $Settings
            $($(#[cfg(feature = $feature)])? $kind => $module::$Member,)+
        }

        impl $Settings {
            /// Builds the member.
            ///
            /// # Errors
            /// If a setting is out of its range.
            pub fn build(self, $argument: $Argument) -> Result<Box<dyn $Role>, $crate::Error> {
                Ok(match self {
                    $(
                        $(#[cfg(feature = $feature)])?
                        Self::$Member(settings) => {
                            Box::new($module::$Member::new(settings, $argument)?)
                        }
                    )+
                })
            }
        }
    };
    (
        @settings $(#[$attribute:meta])* $Settings:ident
        $($(#[cfg(feature = $feature:literal)])? $kind:literal => $module:ident::$Member:ident,)+
    ) => {
        $(#[$attribute])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[cfg_attr(feature = "schema", schemars(transform = $crate::catalog::or_text))]
        #[serde(tag = "kind")]
        #[non_exhaustive]
        pub enum $Settings {
            $(
                $(#[cfg(feature = $feature)])?
                #[doc = concat!("`", $kind, "`: settings of [`", stringify!($Member), "`](", stringify!($module), "::", stringify!($Member), ").")]
                #[serde(rename = $kind)]
                $Member($module::Config),
            )+
        }

        impl $Settings {
            /// The kinds that this build knows, as the configuration names them.
            pub const KINDS: &'static [&'static str] =
                &[$($(#[cfg(feature = $feature)])? $kind),+];

            /// The kind, as the configuration names it.
            #[must_use]
            pub fn kind(&self) -> &'static str {
                match self {
                    $($(#[cfg(feature = $feature)])? Self::$Member(_) => $kind,)+
                }
            }
        }

        impl<'de> serde::Deserialize<'de> for $Settings {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                const NEEDS: &[(&str, &str)] = &[$($(($kind, $feature),)?)+];
                let (kind, rest) = $crate::catalog::take_kind(deserializer, Self::KINDS)?;
                match kind.as_str() {
                    $(
                        $(#[cfg(feature = $feature)])?
                        $kind => Ok(Self::$Member($crate::catalog::settings(rest)?)),
                    )+
                    _ => Err($crate::catalog::unknown_kind(&kind, Self::KINDS, NEEDS)),
                }
            }
        }
    };
}
pub(crate) use catalog;
