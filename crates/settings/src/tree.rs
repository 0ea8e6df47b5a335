//! Settings as they are written, before anybody asks what they mean. Each value knows its place.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use toml::de::{DeTable, DeValue};

use crate::{
    error::{Complaint, Problem},
    key::Place,
};

pub(crate) type Table = BTreeMap<String, Node>;

/// A value and where it was written.
#[derive(Clone)]
pub(crate) struct Node {
    pub place: Place,
    pub value: Value,
    /// What a variable of the environment holds, for a setting that is text whatever it looks like.
    pub raw: Option<String>,
}

#[derive(Clone)]
pub(crate) enum Value {
    Text(String),
    Whole(i64),
    Switch(bool),
    List(Vec<Node>),
    Table(Table),
    /// What no setting is: a fraction, a date, a number beyond all bounds.
    Other(&'static str),
}

impl Node {
    /// The text, if it is one.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => self.raw.as_deref(),
        }
    }
}

/// The tables of a file. What TOML cannot read is reported, all of it.
pub(crate) fn parse(file: &Arc<Path>, text: &str) -> Result<Table, Vec<Problem>> {
    let place = |at: usize| {
        let before = text.as_bytes().iter().take(at);
        let line = 1 + before.filter(|&&byte| byte == b'\n').count();
        let file = Arc::clone(file);
        Place::Line { file, line }
    };
    let (read, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        return Ok(table(read.get_ref(), &place));
    }
    // The message without its excerpt of the line: a secret may stand there by mistake.
    let problem = |error: &toml::de::Error| Problem {
        place: place(error.span().map_or(0, |span| span.start)),
        complaint: Complaint::Syntax(error.message().to_owned()),
    };
    Err(errors.iter().map(problem).collect())
}

/// A variable's value: as TOML would have it, else as text.
pub(crate) fn from_variable(name: &str, text: &str) -> Node {
    let place = Place::Variable(name.to_owned());
    let mut node = match DeValue::parse(text) {
        Ok(read) => node(read.get_ref(), 0, &|_| place.clone()),
        Err(_) => Node {
            place,
            value: Value::Text(text.to_owned()),
            raw: None,
        },
    };
    node.raw = Some(text.to_owned());
    node
}

/// What `over` says counts; what it leaves out stays. Tables grow together, all else is replaced.
pub(crate) fn overlay(under: &mut Table, over: Table) {
    for (name, upper) in over {
        match (under.get_mut(&name), upper) {
            (
                Some(Node {
                    value: Value::Table(lower),
                    ..
                }),
                Node {
                    value: Value::Table(upper),
                    ..
                },
            ) => overlay(lower, upper),
            (_, upper) => {
                under.insert(name, upper);
            }
        }
    }
}

fn table(read: &DeTable<'_>, place: &impl Fn(usize) -> Place) -> Table {
    let entry = |(name, value): (&toml::Spanned<_>, &toml::Spanned<DeValue<'_>>)| {
        let name: &std::borrow::Cow<'_, str> = name.get_ref();
        let start = value.span().start;
        (
            name.clone().into_owned(),
            node(value.get_ref(), start, place),
        )
    };
    read.iter().map(entry).collect()
}

fn node(read: &DeValue<'_>, at: usize, place: &impl Fn(usize) -> Place) -> Node {
    let value = match read {
        DeValue::String(text) => Value::Text(text.clone().into_owned()),
        DeValue::Boolean(switch) => Value::Switch(*switch),
        DeValue::Integer(digits) => i64::from_str_radix(digits.as_str(), digits.radix())
            .map_or(Value::Other("a number beyond all bounds"), Value::Whole),
        DeValue::Float(_) => Value::Other("a fraction"),
        DeValue::Datetime(_) => Value::Other("a date or time"),
        DeValue::Array(list) => {
            let one = |value: &toml::Spanned<DeValue<'_>>| {
                node(value.get_ref(), value.span().start, place)
            };
            Value::List(list.iter().map(one).collect())
        }
        DeValue::Table(read) => Value::Table(table(read, place)),
    };
    Node {
        place: place(at),
        value,
        raw: None,
    }
}
