//! Texts of other systems as trees, in which each value knows its place and what became of it.
//!
//! In: a text of YAML or JSON documents. Out: [`Document`]s, walked by [`At`], which reads values
//! of a wanted type and takes down the fate of each. Whatever nobody spoke of is reported as
//! unknown, so nothing is dropped in silence. Knows no system.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::parse::{Content, Node};
use super::quantity::Quantity;
use super::report::{Fate, Field};
use crate::Error;
use crate::time::Duration;

/// One document, and the fates of its leaves so far.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) root: Node,
    /// Its number in the text, from 1.
    pub(super) number: usize,
    fates: RefCell<BTreeMap<String, Fate>>,
}

impl Document {
    pub(super) fn new(root: Node, number: usize) -> Self {
        Self { root, number, fates: RefCell::default() }
    }

    pub(super) fn at_root(&self) -> At<'_> {
        At { document: self, path: String::new(), node: Some(&self.root) }
    }
}

/// A place in a document, whether or not anything is there.
#[derive(Clone, Debug)]
pub(super) struct At<'d> {
    document: &'d Document,
    path: String,
    node: Option<&'d Node>,
}

impl<'d> At<'d> {
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn document(&self) -> &'d Document {
        self.document
    }

    pub(super) fn line(&self) -> Option<u32> {
        self.node.map(|node| node.line)
    }

    /// Whether there is anything but null.
    pub(super) fn exists(&self) -> bool {
        self.node.is_some_and(|node| !matches!(node.content, Content::Null))
    }

    /// The field of that name, if this is a mapping; else nothing.
    pub(super) fn field(&self, name: &str) -> Self {
        let node = match self.node.map(|node| &node.content) {
            Some(Content::Map(fields)) => {
                fields.iter().find(|(key, _)| key == name).map(|(_, node)| node)
            }
            _ => None,
        };
        Self { document: self.document, path: join(&self.path, name), node }
    }

    /// Several fields deep.
    pub(super) fn fields(&self, names: &[&str]) -> Self {
        names.iter().fold(self.clone(), |at, name| at.field(name))
    }

    /// The fields, if this is a mapping.
    pub(super) fn entries(&self) -> Vec<(&'d str, Self)> {
        match self.node.map(|node| &node.content) {
            Some(Content::Map(fields)) => fields
                .iter()
                .map(|(key, node)| {
                    let path = join(&self.path, key);
                    (key.as_str(), Self { document: self.document, path, node: Some(node) })
                })
                .collect(),
            _ => Vec::new(),
        }
    }

    /// The items of a list; none where nothing is.
    ///
    /// # Errors
    /// If it is anything else.
    pub(super) fn items(&self) -> Result<Vec<Self>, Error> {
        match self.node.map(|node| &node.content) {
            None | Some(Content::Null) => Ok(Vec::new()),
            Some(Content::List(items)) => Ok(items
                .iter()
                .enumerate()
                .map(|(index, node)| Self {
                    document: self.document,
                    path: format!("{}[{index}]", self.path),
                    node: Some(node),
                })
                .collect()),
            Some(_) => Err(self.must("be a list")),
        }
    }

    /// A mapping, or nothing.
    ///
    /// # Errors
    /// If it is anything else.
    pub(super) fn mapping(self) -> Result<Self, Error> {
        match self.node.map(|node| &node.content) {
            None | Some(Content::Null | Content::Map(_)) => Ok(self),
            Some(_) => Err(self.must("be a mapping")),
        }
    }

    /// A text.
    ///
    /// # Errors
    /// If there is something else than a text.
    pub(super) fn text(&self) -> Result<Option<&'d str>, Error> {
        match self.node.map(|node| &node.content) {
            None | Some(Content::Null) => Ok(None),
            Some(Content::Text(text)) => Ok(Some(text)),
            Some(_) => Err(self.must("be a text")),
        }
    }

    /// A text that must be there.
    ///
    /// # Errors
    /// If it is missing or is no text.
    pub(super) fn need_text(&self) -> Result<&'d str, Error> {
        self.text()?.ok_or_else(|| self.missing())
    }

    /// A text, number or truth as text: what stands in annotations and in KEDA's metadata.
    ///
    /// # Errors
    /// If there is a list or a mapping.
    pub(super) fn scalar(&self) -> Result<Option<String>, Error> {
        match self.node.map(|node| &node.content) {
            None | Some(Content::Null) => Ok(None),
            Some(Content::Text(text)) => Ok(Some(text.clone())),
            Some(Content::Number(number)) => Ok(Some(number.to_string())),
            Some(Content::Bool(truth)) => Ok(Some(truth.to_string())),
            Some(Content::List(_) | Content::Map(_)) => Err(self.must("be a text")),
        }
    }

    /// A whole number from 0 up.
    ///
    /// # Errors
    /// If there is anything else.
    pub(super) fn whole(&self) -> Result<Option<u32>, Error> {
        const RULE: &str = "be a whole number from 0 to 2147483647";
        match self.node.map(|node| &node.content) {
            None | Some(Content::Null) => Ok(None),
            Some(Content::Number(number)) => {
                let whole = number.as_f64().filter(|n| n.fract() == 0.0);
                match whole.filter(|n| (0.0..=f64::from(i32::MAX)).contains(n)) {
                    Some(whole) => Ok(Some(whole as u32)),
                    None => Err(self.must(RULE)),
                }
            }
            Some(_) => Err(self.must(RULE)),
        }
    }

    /// A whole number from 0 up, also as text.
    ///
    /// # Errors
    /// If there is anything else.
    pub(super) fn whole_or_text(&self) -> Result<Option<u32>, Error> {
        match self.node.map(|node| &node.content) {
            Some(Content::Text(text)) => {
                let whole = text.trim().parse::<u32>().ok().filter(|&n| n <= i32::MAX as u32);
                whole.map(Some).ok_or_else(|| self.must("be a whole number from 0 to 2147483647"))
            }
            _ => self.whole(),
        }
    }

    /// A finite number.
    ///
    /// # Errors
    /// If there is anything else.
    pub(super) fn number(&self) -> Result<Option<f64>, Error> {
        match self.node.map(|node| &node.content) {
            None | Some(Content::Null) => Ok(None),
            Some(Content::Number(number)) => {
                let number = number.as_f64().filter(|number| number.is_finite());
                number.map(Some).ok_or_else(|| self.must("be a number"))
            }
            Some(_) => Err(self.must("be a number")),
        }
    }

    /// A finite number, also as text.
    ///
    /// # Errors
    /// If there is anything else.
    pub(super) fn number_or_text(&self) -> Result<Option<f64>, Error> {
        match self.node.map(|node| &node.content) {
            Some(Content::Text(text)) => {
                let number = text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
                number.map(Some).ok_or_else(|| self.must("be a number"))
            }
            _ => self.number(),
        }
    }

    /// True or false, also as text.
    ///
    /// # Errors
    /// If there is anything else.
    pub(super) fn truth(&self) -> Result<Option<bool>, Error> {
        match self.node.map(|node| &node.content) {
            None | Some(Content::Null) => Ok(None),
            Some(Content::Bool(truth)) => Ok(Some(*truth)),
            Some(Content::Text(text)) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
            Some(Content::Text(text)) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
            Some(_) => Err(self.must("be true or false")),
        }
    }

    /// A Kubernetes quantity, as text or number.
    ///
    /// # Errors
    /// If there is anything else, or it is negative.
    pub(super) fn quantity(&self) -> Result<Option<Quantity>, Error> {
        let Some(text) = self.scalar()? else { return Ok(None) };
        Quantity::parse(&text).map(Some).map_err(|rule| self.wrong(rule))
    }

    /// A duration such as `1m30s`, or a number of seconds.
    ///
    /// # Errors
    /// If there is anything else.
    pub(super) fn duration(&self) -> Result<Option<Duration>, Error> {
        const RULE: &str = "be a duration such as 90s or 1m30s";
        match self.node.map(|node| &node.content) {
            Some(Content::Text(text)) => text.parse().map(Some).map_err(|_: Error| self.must(RULE)),
            _ => Ok(self.whole()?.map(Duration::from_secs)),
        }
    }

    /// An error that says what is here and what must be: `is "ten", must ...`.
    pub(super) fn must(&self, rule: &str) -> Error {
        self.wrong(&format!("must {rule}"))
    }

    /// An error that says what is here, and goes on in words of its own.
    pub(super) fn wrong(&self, what: &str) -> Error {
        let came = self.node.map_or("missing".to_owned(), |node| node.content.in_words());
        self.refuse(&format!("is {came}, {what}"))
    }

    pub(super) fn missing(&self) -> Error {
        // The nearest place that exists.
        let mut node = Some(&self.document.root);
        let (mut line, mut column) = (self.document.root.line, self.document.root.column);
        let mut rest = self.path.as_str();
        while let Some(here) = node {
            (line, column) = (here.line, here.column);
            let Content::Map(fields) = &here.content else { break };
            let name = rest.split(['.', '[']).next().unwrap_or_default();
            node = fields.iter().find(|(key, _)| key == name).map(|(_, node)| node);
            rest = rest.get(name.len() + 1..).unwrap_or_default();
        }
        let near = place(line, column);
        Error::config(self.path.clone(), format!("is missing{near}"))
    }

    /// An error at this place.
    pub(super) fn refuse(&self, message: &str) -> Error {
        let near = self.node.map_or(String::new(), |node| place(node.line, node.column));
        if self.path.is_empty() {
            return Error::config("", format!("the document {message}{near}"));
        }
        Error::config(self.path.clone(), format!("{message}{near}"))
    }

    /// The setting has this very meaning.
    pub(super) fn mapped(&self, to: impl Into<String>) {
        self.mark(&Fate::Mapped { to: to.into() });
    }

    /// Takes back what was said of all leaves from here on.
    pub(super) fn unmark(&self) {
        let Some(node) = self.node else { return };
        let mut fates = self.document.fates.borrow_mut();
        leaves(node, &self.path, &mut |path, _| {
            fates.remove(path);
        });
    }

    /// The setting comes near.
    pub(super) fn approximated(&self, to: impl Into<String>, how: impl Into<String>) {
        self.mark(&Fate::Approximated { to: to.into(), how: how.into() });
    }

    /// No setting is made of it.
    pub(super) fn ignored(&self, why: impl Into<String>) {
        self.mark(&Fate::Ignored { why: why.into() });
    }

    /// The fate of all leaves from here on that have none yet.
    fn mark(&self, fate: &Fate) {
        let Some(node) = self.node else { return };
        let mut fates = self.document.fates.borrow_mut();
        leaves(node, &self.path, &mut |path, _| {
            fates.entry(path.to_owned()).or_insert_with(|| fate.clone());
        });
    }

    /// All leaves from here on with their fates.
    pub(super) fn report(&self) -> Vec<Field> {
        let mut fields = Vec::new();
        let Some(node) = self.node else { return fields };
        let fates = self.document.fates.borrow();
        leaves(node, &self.path, &mut |path, leaf| {
            let unknown = || Fate::Ignored { why: "unknown field".to_owned() };
            let fate = fates.get(path).cloned().unwrap_or_else(unknown);
            let value = match fate {
                Fate::Ignored { .. } => None, // it may be a secret, and nothing was made of it
                _ => Some(leaf.content.in_words()),
            };
            let (document, path) = (self.document.number, path.to_owned());
            let line = Some(leaf.line).filter(|&line| line > 0);
            fields.push(Field { document, path, line, value, fate });
        });
        fields
    }
}

/// `(line 3, column 7)`, if known.
fn place(line: u32, column: u32) -> String {
    if line == 0 { String::new() } else { format!(" (line {line}, column {column})") }
}

/// Empty lists and mappings are leaves too, so that they are spoken of.
fn leaves<'n>(node: &'n Node, path: &str, visit: &mut impl FnMut(&str, &'n Node)) {
    match &node.content {
        Content::Map(fields) if !fields.is_empty() => {
            for (name, node) in fields {
                leaves(node, &join(path, name), visit);
            }
        }
        Content::List(items) if !items.is_empty() => {
            for (index, node) in items.iter().enumerate() {
                leaves(node, &format!("{path}[{index}]"), visit);
            }
        }
        _ => visit(path, node),
    }
}

/// A name with a dot or a slash in it stands in brackets: `annotations["keda.sh/paused"]`.
fn join(path: &str, name: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    if name.is_empty() || !name.chars().all(is_plain) {
        format!("{path}[{name:?}]")
    } else if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}
