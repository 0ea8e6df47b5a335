//! The file that is documentation and default at once.

use std::{path::Path, sync::Arc};

use crate::{
    key::{Key, Place},
    tree::{self, Node, Table, Value},
};

/// The built-in file, with a comment for each setting.
pub const DOCUMENTED: &str = include_str!("../chela.toml");

/// What the built-in file says.
pub(crate) struct Documented {
    /// Its defaults.
    pub defaults: Table,
    /// Every setting that there is, those without a default too.
    pub keys: Vec<Key>,
    examples: Table,
}

impl Documented {
    pub fn read() -> Self {
        let examples = parse(&with_examples());
        let mut keys = Vec::new();
        collect(&examples, &Key::default(), &mut keys);
        let mut defaults = parse(DOCUMENTED);
        defaults.values_mut().for_each(forget_lines);
        Self {
            defaults,
            keys,
            examples,
        }
    }

    /// A line that sets this setting.
    pub fn example(&self, key: &Key) -> String {
        let section = self.examples.get(&key.section().to_string());
        let value = match section.map(|node| &node.value) {
            Some(Value::Table(table)) => table.get(key.name()).and_then(Node::text),
            _ => None,
        };
        format!("{} = {:?}", key.name(), value.unwrap_or("…"))
    }
}

/// The file with its examples as if they were meant: `#name = …` and `#[section]`, without a blank.
pub(crate) fn with_examples() -> String {
    let line = |line: &'static str| match line.strip_prefix('#') {
        Some(example) if example.starts_with(|c: char| c == '[' || c.is_ascii_lowercase()) => {
            example
        }
        _ => line,
    };
    let lines: Vec<&str> = DOCUMENTED.lines().map(line).collect();
    lines.join("\n")
}

fn parse(text: &str) -> Table {
    let file: Arc<Path> = Arc::from(Path::new("chela.toml"));
    tree::parse(&file, text)
        .unwrap_or_else(|problems| unreachable!("the built-in file is TOML, but: {problems:?}"))
}

/// Its lines are not the user's.
fn forget_lines(node: &mut Node) {
    node.place = Place::Default;
    if let Value::Table(table) = &mut node.value {
        table.values_mut().for_each(forget_lines);
    }
}

/// Every setting, but not what an example puts into a table of its own names.
fn collect(table: &Table, key: &Key, keys: &mut Vec<Key>) {
    for (name, node) in table {
        let key = key.then(name);
        match &node.value {
            Value::Table(inner) if !matches!(name.as_str(), "environment" | "secret_files") => {
                collect(inner, &key, keys);
            }
            _ => keys.push(key),
        }
    }
}
