//! Text to trees of values, each with its line and column.
//!
//! In: YAML documents (feature `yaml`) or JSON values, one after the other. Out: a [`Node`] for
//! each. Bounded in time and memory whatever the text: its length, depth and number of values, and
//! what YAML's aliases may unfold to. Knows nothing of what the values mean.

use std::collections::HashSet;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{self, Deserializer};
use serde_json::Number;

use crate::Error;

/// The most bytes that a text may have.
pub(super) const MOST_BYTES: usize = 1 << 20;

/// The most values that a text may have, aliases unfolded.
#[cfg(feature = "yaml")]
const MOST_VALUES: usize = 100_000;

/// How deep values may be nested; the stack of a thread has room for it even without optimization.
#[cfg(feature = "yaml")]
const MOST_DEPTH: usize = 32;

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    /// From 1; 0 if unknown.
    pub(super) line: u32,
    /// From 1; 0 if unknown.
    pub(super) column: u32,
    pub(super) content: Content,
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Content {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

impl Content {
    /// As an error or a report quotes it, cut if long.
    pub(super) fn in_words(&self) -> String {
        match self {
            Self::Null => "nothing".to_owned(),
            Self::Bool(truth) => truth.to_string(),
            Self::Number(number) => number.to_string(),
            Self::Text(text) => {
                let mut short: String = text.chars().take(48).collect();
                if short.len() < text.len() {
                    short.push('…');
                }
                format!("{short:?}")
            }
            Self::List(items) if items.is_empty() => "an empty list".to_owned(),
            Self::Map(fields) if fields.is_empty() => "an empty mapping".to_owned(),
            Self::List(_) => "a list".to_owned(),
            Self::Map(_) => "a mapping".to_owned(),
        }
    }
}

/// The documents in a text, without empty ones.
///
/// # Errors
/// If the text is too long or cannot be read, with line and column.
pub(super) fn parse(text: &str) -> Result<Vec<Node>, Error> {
    if text.len() > MOST_BYTES {
        let message =
            format!("the manifest has {} bytes, must have at most {MOST_BYTES}", text.len());
        return Err(Error::config("", message));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if let Some(at) = text.find('\0') {
        let before = &text[..at];
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|&c| c != '\n').count() + 1;
        let message = format!("the manifest has a NUL character at line {line} column {column}");
        return Err(Error::config("", message));
    }
    let nodes = if text.trim_start().starts_with(['{', '[']) { json(text)? } else { yaml(text)? };
    let nodes: Vec<_> = nodes.into_iter().filter(|node| node.content != Content::Null).collect();
    if nodes.is_empty() {
        return Err(Error::config("", "the manifest is empty"));
    }
    Ok(nodes)
}

fn json(text: &str) -> Result<Vec<Node>, Error> {
    let mut cursor = Cursor { rest: text, line: 1, column: 1 };
    let mut nodes = Vec::new();
    for value in serde_json::Deserializer::from_str(text).into_iter::<Unplaced>() {
        let Unplaced(mut node) = value
            .map_err(|error| Error::config("", format!("the manifest is not JSON: {error}")))?;
        cursor.place(&mut node);
        nodes.push(node);
    }
    Ok(nodes)
}

#[cfg(feature = "yaml")]
fn yaml(text: &str) -> Result<Vec<Node>, Error> {
    // As in YAML 1.2, `on` is a text.
    let mut options = serde_saphyr::options! { strict_booleans: true };
    options.alias_limits.max_total_replayed_events = 10_000;
    options.alias_limits.max_replay_stack_depth = 16;
    if let Some(budget) = &mut options.budget {
        budget.max_depth = MOST_DEPTH;
        budget.flow_nesting_limit = MOST_DEPTH;
        budget.max_nodes = MOST_VALUES;
        budget.max_events = 3 * MOST_VALUES;
        budget.max_documents = 1000;
        budget.max_anchors = 1000;
        budget.max_aliases = 1000;
        budget.max_merge_keys = 1000;
    }
    let nodes: Vec<Placed> =
        serde_saphyr::from_multiple_with_options(text, options).map_err(|error| {
            let text = error.without_snippet().to_string();
            let first = text.lines().next().unwrap_or_default().trim_end_matches('.');
            let place = error.location().filter(|_| !first.contains("line "));
            let place = place.map_or(String::new(), |place| {
                format!(" at line {} column {}", place.line(), place.column())
            });
            Error::config("", format!("the manifest is not YAML: {first}{place}"))
        })?;
    Ok(nodes.into_iter().map(|Placed(node)| node).collect())
}

#[cfg(not(feature = "yaml"))]
fn yaml(text: &str) -> Result<Vec<Node>, Error> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    Err(Error::config("", "the manifest is not JSON; YAML needs the feature `yaml`"))
}

/// A value of YAML, with its place.
#[cfg(feature = "yaml")]
struct Placed(Node);

#[cfg(feature = "yaml")]
impl<'de> Deserialize<'de> for Placed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = serde_saphyr::Spanned::<Bare<Self>>::deserialize(deserializer)?;
        let place = |number: u64| u32::try_from(number).unwrap_or(0);
        let at = spanned.referenced;
        let (line, column) = (place(at.line()), place(at.column()));
        Ok(Self(Node { line, column, content: spanned.value.0 }))
    }
}

#[cfg(feature = "yaml")]
impl From<Placed> for Node {
    fn from(Placed(node): Placed) -> Self {
        node
    }
}

/// A value of JSON, before [`Cursor::place`].
struct Unplaced(Node);

impl<'de> Deserialize<'de> for Unplaced {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let content = Bare::<Self>::deserialize(deserializer)?.0;
        Ok(Self(Node { line: 0, column: 0, content }))
    }
}

impl From<Unplaced> for Node {
    fn from(Unplaced(node): Unplaced) -> Self {
        node
    }
}

/// A value whose own place is somebody else's matter, with inner values of type `T`.
struct Bare<T>(Content, PhantomData<T>);

impl<'de, T: Deserialize<'de> + Into<Node>> Deserialize<'de> for Bare<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de> + Into<Node>> de::Visitor<'de> for Visitor<T> {
            type Value = Content;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_unit<E>(self) -> Result<Content, E> {
                Ok(Content::Null)
            }

            fn visit_none<E>(self) -> Result<Content, E> {
                Ok(Content::Null)
            }

            fn visit_bool<E>(self, truth: bool) -> Result<Content, E> {
                Ok(Content::Bool(truth))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Content, E> {
                Ok(Content::Number(number.into()))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Content, E> {
                Ok(Content::Number(number.into()))
            }

            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Content, E> {
                let finite = Number::from_f64(number);
                finite.map(Content::Number).ok_or_else(|| E::custom("a number is not finite"))
            }

            fn visit_str<E>(self, text: &str) -> Result<Content, E> {
                Ok(Content::Text(text.to_owned()))
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut items: A) -> Result<Content, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = items.next_element::<T>()? {
                    list.push(item.into());
                }
                Ok(Content::List(list))
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut fields: A) -> Result<Content, A::Error> {
                let (mut mapping, mut seen) = (Vec::new(), HashSet::new());
                while let Some(name) = fields.next_key::<String>()? {
                    if !seen.insert(name.clone()) {
                        return Err(de::Error::custom(format!("`{name}` is given twice")));
                    }
                    mapping.push((name, fields.next_value::<T>()?.into()));
                }
                Ok(Content::Map(mapping))
            }
        }
        let content = deserializer.deserialize_any(Visitor::<T>(PhantomData))?;
        Ok(Self(content, PhantomData))
    }
}

/// Walks through JSON that is known to be right, to tell the values their places.
struct Cursor<'t> {
    rest: &'t str,
    line: u32,
    column: u32,
}

impl Cursor<'_> {
    fn place(&mut self, node: &mut Node) {
        self.skip(|c| c.is_ascii_whitespace() || c == ',' || c == ':');
        (node.line, node.column) = (self.line, self.column);
        match &mut node.content {
            Content::Text(_) => self.string(),
            Content::Null | Content::Bool(_) | Content::Number(_) => {
                self.skip(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
            }
            Content::List(items) => {
                self.step();
                items.iter_mut().for_each(|item| self.place(item));
                self.close();
            }
            Content::Map(fields) => {
                self.step();
                for (_, value) in fields {
                    self.skip(|c| c.is_ascii_whitespace() || c == ',');
                    self.string();
                    self.place(value);
                }
                self.close();
            }
        }
    }

    fn close(&mut self) {
        self.skip(|c| c.is_ascii_whitespace());
        self.step();
    }

    fn string(&mut self) {
        self.step();
        loop {
            match self.step() {
                Some('\\') => {
                    self.step();
                }
                Some('"') | None => return,
                Some(_) => {}
            }
        }
    }

    fn skip(&mut self, skips: impl Fn(char) -> bool) {
        while self.rest.chars().next().is_some_and(&skips) {
            self.step();
        }
    }

    fn step(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let next = chars.next()?;
        self.rest = chars.as_str();
        if next == '\n' {
            (self.line, self.column) = (self.line + 1, 1);
        } else {
            self.column += 1;
        }
        Some(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_json_know_their_places() {
        let text = "{\"a\": [1, {\"b\\\"}\": true}],\n \"c\": {}, \"d\": []}\n{\"e\": null}";
        let nodes = parse(text).unwrap();
        let Content::Map(fields) = &nodes[0].content else { panic!() };
        let Content::List(items) = &fields[0].1.content else { panic!() };
        let Content::Map(inner) = &items[1].content else { panic!() };
        assert_eq!((items[0].line, items[0].column), (1, 8));
        assert_eq!((inner[0].1.line, inner[0].1.column), (1, 20));
        assert_eq!((fields[1].1.line, fields[1].1.column), (2, 7));
        assert_eq!((fields[2].1.line, fields[2].1.column), (2, 16));
        let Content::Map(fields) = &nodes[1].content else { panic!() };
        assert_eq!((nodes[1].line, fields[0].1.column), (3, 7));
    }

    #[cfg(feature = "yaml")]
    #[test]
    fn values_of_yaml_know_their_places() {
        let nodes = parse("a:\n  - 1\n  - {value: on, referenced: 2}\n---\nb: null\n").unwrap();
        let Content::Map(fields) = &nodes[0].content else { panic!() };
        let Content::List(items) = &fields[0].1.content else { panic!() };
        let Content::Map(inner) = &items[1].content else { panic!() };
        assert_eq!((items[0].line, items[0].column), (2, 5));
        assert_eq!(inner[0].0, "value");
        assert_eq!(inner[0].1.content, Content::Text("on".to_owned()));
        assert_eq!((inner[1].1.line, inner[1].1.column), (3, 29));
        assert_eq!(nodes.len(), 2);
    }
}
