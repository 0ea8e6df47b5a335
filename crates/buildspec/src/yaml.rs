//! YAML into a tree that keeps every scalar as it was written, and where it stands.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{
    Error as Fault, Location, MessageFormatter, NonFiniteFloatPolicy, Options, Spanned,
    UserMessageFormatter,
};

use crate::{Error, MAX_BYTES, Place, error::shown};

const MAX_DEPTH: usize = 32;
const MAX_NODES: usize = 20_000;

/// A value and its place.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) at: Place,
    pub(crate) value: Value,
}

/// A tree without types: what `yes` or `1.10` is, its reader decides.
#[derive(Debug)]
pub(crate) enum Value {
    /// Nothing, or `~` or a bare `null` as written.
    Null(String),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) at: Place,
    pub(crate) name: String,
}

pub(crate) fn read(text: &[u8]) -> Result<Node, Error> {
    if text.len() > MAX_BYTES {
        return Err(Error::TooLarge);
    }
    let text = std::str::from_utf8(text).map_err(|error| Error::NotUtf8 {
        line: text[..error.valid_up_to()]
            .split(|byte| *byte == b'\n')
            .count(),
    })?;
    let raw: Spanned<Raw> =
        serde_saphyr::from_str_with_options(text, options()).map_err(|fault| explain(&fault))?;
    Ok(raw.node(text))
}

fn options() -> Options {
    serde_saphyr::options! {
        // Its rendering would quote the file; our errors name the place.
        with_snippet: false,
        reject_unsupported_tags: true,
        non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: MAX_NODES },
        budget: serde_saphyr::budget! { max_depth: MAX_DEPTH, max_nodes: MAX_NODES },
    }
}

fn explain(fault: &Fault) -> Error {
    let at = fault.location().map_or(Place { line: 1, column: 1 }, place);
    let cause = match fault {
        Fault::AliasError { error, .. } => error,
        other => other,
    };
    let message = match cause {
        Fault::Eof { .. } => return Error::Empty,
        Fault::DuplicateMappingKey { key: Some(key), .. } => {
            let key = shown(key);
            format!("`{key}` stands twice in the same map: keep one of them")
        }
        Fault::MultipleDocuments { .. } => {
            "a second document begins here: keep one, and remove the `---`".to_owned()
        }
        Fault::UnsupportedTag { tag, .. } => {
            let tag = shown(tag);
            format!("the tag `{tag}` means nothing in a buildspec: remove it")
        }
        Fault::Budget { .. }
        | Fault::AliasReplayLimitExceeded { .. }
        | Fault::AliasReplayStackDepthExceeded { .. } => format!(
            "too much nesting, or too many values or aliases (at most {MAX_DEPTH} levels and \
             {MAX_NODES} values): write it more simply"
        ),
        Fault::UnknownAnchor { .. } => {
            "this alias has no anchor before it: write `&name` at the value it repeats, or put \
             text that begins with `*` in quotes"
                .to_owned()
        }
        other => format!(
            "this is not valid YAML: {}; look for a missing quote or bracket, and indent with spaces \
             only",
            shown(&UserMessageFormatter.format_message(other))
        ),
    };
    Error::Yaml { at, message }
}

fn place(location: Location) -> Place {
    Place {
        line: location.line(),
        column: location.column(),
    }
}

enum Raw {
    Null,
    /// Something that YAML takes for a number or a boolean.
    Bare,
    Text(String),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<String>, Spanned<Raw>)>),
}

trait Resolve {
    fn node(self, source: &str) -> Node;
}

impl Resolve for Spanned<Raw> {
    fn node(self, source: &str) -> Node {
        let value = match self.value {
            Raw::Null => Value::Null(written(source, self.defined)),
            Raw::Bare => Value::Text(written(source, self.defined)),
            Raw::Text(text) => Value::Text(text),
            Raw::List(items) => {
                Value::List(items.into_iter().map(|item| item.node(source)).collect())
            }
            Raw::Map(entries) => Value::Map(
                entries
                    .into_iter()
                    .map(|(key, value)| {
                        let at = place(key.referenced);
                        (
                            Key {
                                at,
                                name: key.value,
                            },
                            value.node(source),
                        )
                    })
                    .collect(),
            ),
        };
        Node {
            at: place(self.referenced),
            value,
        }
    }
}

/// The very characters at a place: a number parsed and printed again would be another text.
fn written(source: &str, at: Location) -> String {
    let span = at.span();
    let text = span
        .byte_offset()
        .zip(span.byte_len())
        .and_then(|(start, length)| {
            let start = usize::try_from(start).ok()?;
            source.get(start..start + usize::try_from(length).ok()?)
        });
    // Quotes stand here only after a tag such as `!!int`: a plain scalar cannot begin with one.
    let text = text.unwrap_or_default().trim();
    text.trim_matches(['"', '\'']).to_owned()
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any YAML")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Raw, E> {
        Ok(Raw::Bare)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Raw, E> {
        Ok(Raw::Bare)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Raw, E> {
        Ok(Raw::Bare)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Raw, E> {
        Ok(Raw::Bare)
    }

    fn visit_str<E>(self, text: &str) -> Result<Raw, E> {
        Ok(Raw::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Raw::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Raw::Map(entries))
    }
}
