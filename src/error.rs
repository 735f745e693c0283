//! The one error of the library.
//!
//! Errors come at the border, from settings, snapshots and traces; the decision itself has none
//! (it answers "hold" with a [`Reason`](crate::Reason)).

use std::borrow::Cow;
use std::fmt;

/// What a call at the border was refused for.
///
/// The text says where, what came and what is allowed, in lower case and without a full stop:
/// `` `policies[0].quantile` is 1.5, must be in (0, 1) ``.
///
/// ```
/// use forescale::{Autoscaler, ErrorKind};
///
/// let error = Autoscaler::from_text(r#"{"min_replicas": 9, "max_replicas": 3}"#).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Config);
/// assert!(error.to_string().contains("`min_replicas` is 9"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Error {
    kind: ErrorKind,
    /// Where in the input, as a path of keys and indexes; empty for the whole.
    path: String,
    message: Cow<'static, str>,
}

/// The kinds of [`Error`], one for each border.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Settings: unknown, of the wrong type, out of range, or in conflict.
    Config,
    /// History handed to [`warm_up`](crate::Autoscaler::warm_up) or a malformed observation as text.
    Observation,
    /// A snapshot that is cut, foreign, or of another version.
    Snapshot,
    /// A trace that cannot be replayed, or a file that is none.
    Trace,
}

impl ErrorKind {
    /// The kind's stable name in lower case: `config`, `observation`, `snapshot` or `trace`.
    ///
    /// ```
    /// assert_eq!(forescale::ErrorKind::Trace.as_str(), "trace");
    /// ```
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Observation => "observation",
            Self::Snapshot => "snapshot",
            Self::Trace => "trace",
        }
    }
}

impl Error {
    /// An error in settings; `message` goes on from the path: `is 1.5, must be in (0, 1)`.
    ///
    /// ```
    /// let error = forescale::Error::config("quantile", "is 1.5, must be in (0, 1)").at("policies[0]");
    /// assert_eq!(error.to_string(), "`policies[0].quantile` is 1.5, must be in (0, 1)");
    /// ```
    #[must_use]
    pub fn config(path: impl Into<String>, message: impl Into<Cow<'static, str>>) -> Self {
        Self { kind: ErrorKind::Config, path: path.into(), message: message.into() }
    }

    pub(crate) fn observation(
        path: impl Into<String>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { kind: ErrorKind::Observation, path: path.into(), message: message.into() }
    }

    pub(crate) fn snapshot(message: impl Into<Cow<'static, str>>) -> Self {
        Self { kind: ErrorKind::Snapshot, path: String::new(), message: message.into() }
    }

    pub(crate) fn trace(path: impl Into<String>, message: impl Into<Cow<'static, str>>) -> Self {
        Self { kind: ErrorKind::Trace, path: path.into(), message: message.into() }
    }

    /// Which border refused.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Where in the input, such as `policies[0].quantile`; empty for the whole.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The same error one level further out: `at("policies[0]")` puts that before the path.
    #[must_use]
    pub fn at(mut self, outer: &str) -> Self {
        self.path = match (outer.is_empty(), self.path.is_empty()) {
            (true, _) => self.path,
            (_, true) => outer.to_owned(),
            _ if self.path.starts_with('[') => format!("{outer}{}", self.path),
            _ => format!("{outer}.{}", self.path),
        };
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            write!(f, "{}", self.message)
        } else {
            write!(f, "`{}` {}", self.path, self.message)
        }
    }
}
