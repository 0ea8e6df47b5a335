//! Reading one section strictly: whatever nobody asked for is unknown, and every mistake is kept.

use std::{cell::RefCell, path::Path};

use crate::{
    documented::Documented,
    environment::Environment,
    error::{Complaint, Hint, Problem},
    key::{Key, Place},
    nearest::nearest,
    tree::{Node, Table, Value},
    value::{Parsed, describe},
};

/// What could not be read has been reported already.
#[derive(Debug)]
pub(crate) struct Reported;

pub(crate) type Read<T> = Result<T, Reported>;

/// What all sections share.
pub(crate) struct Reader<'a> {
    pub documented: &'a Documented,
    pub environment: &'a Environment,
    /// Where something that is missing belongs.
    pub file: &'a Path,
    pub problems: RefCell<Vec<Problem>>,
}

/// One table of the settings.
pub(crate) struct Section<'a> {
    key: Key,
    place: Place,
    table: &'a Table,
    known: Vec<&'static str>,
    reader: &'a Reader<'a>,
}

static NOTHING: Table = Table::new();

impl<'a> Section<'a> {
    /// Reads the whole tree.
    pub fn top<T>(
        reader: &'a Reader<'a>,
        table: &'a Table,
        read: impl FnOnce(&mut Section<'a>) -> Read<T>,
    ) -> Read<T> {
        let mut top = Section {
            key: Key::default(),
            place: Place::File(reader.file.to_owned()),
            table,
            known: Vec::new(),
            reader,
        };
        let read = read(&mut top);
        top.finish();
        read
    }

    pub fn key(&self) -> &Key {
        &self.key
    }

    pub fn place(&self) -> &Place {
        &self.place
    }

    pub fn environment(&self) -> &Environment {
        self.reader.environment
    }

    /// A section of this one.
    pub fn section<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&mut Section<'a>) -> Read<T>,
    ) -> Read<T> {
        let node = self.node(name);
        self.enter(name, node, read)
    }

    /// A section of the built-in settings, in which nothing is wrong.
    pub fn built_in<T>(
        &self,
        name: &'static str,
        read: impl FnOnce(&mut Section<'a>) -> Read<T>,
    ) -> Read<T> {
        self.enter(name, self.reader.documented.defaults.get(name), read)
    }

    /// Every table in this one, whose names are the user's own.
    pub fn each<T>(
        &mut self,
        mut read: impl FnMut(&str, &mut Section<'a>) -> Read<T>,
    ) -> Read<Vec<T>> {
        let table = self.table;
        let all: Vec<Read<T>> = table
            .iter()
            .map(|(name, node)| self.enter(name, Some(node), |section| read(name, section)))
            .collect();
        all.into_iter().collect()
    }

    /// A table whose names are the user's own and whose values are not tables.
    pub fn entries<T>(
        &mut self,
        name: &'static str,
        read: impl Fn(&str, &Node) -> Parsed<T>,
    ) -> Read<Vec<(String, T)>> {
        let Some(node) = self.node(name) else {
            return Ok(Vec::new());
        };
        let key = self.key.then(name);
        let Value::Table(table) = &node.value else {
            return Err(self.wrong_table(&key, node));
        };
        let all: Vec<Read<(String, T)>> = table
            .iter()
            .map(|(name, node)| {
                let read = self.parse(&key.then(name), node, |node| read(name, node))?;
                Ok((name.clone(), read))
            })
            .collect();
        all.into_iter().collect()
    }

    /// A setting that may be absent.
    pub fn optional<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&Node) -> Parsed<T>,
    ) -> Read<Option<T>> {
        let Some(node) = self.node(name) else {
            return Ok(None);
        };
        self.parse(&self.key.then(name), node, parse).map(Some)
    }

    /// A setting that must be there, be it by its default.
    pub fn required<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&Node) -> Parsed<T>,
    ) -> Read<T> {
        self.or(name, parse, None)
    }

    /// A setting that is `otherwise` where it is absent, and required if there is no such thing.
    pub fn or<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&Node) -> Parsed<T>,
        otherwise: Option<T>,
    ) -> Read<T> {
        if let Some(read) = self.optional(name, parse)?.or(otherwise) {
            return Ok(read);
        }
        let key = self.key.then(name);
        let example = self.reader.documented.example(&key);
        let place = Place::File(self.reader.file.to_owned());
        Err(self.report(&place, Complaint::Missing { key, example }))
    }

    /// A list of such settings; absent is empty.
    pub fn list<T>(
        &mut self,
        name: &'static str,
        parse: impl Fn(&Node) -> Parsed<T>,
    ) -> Read<Vec<T>> {
        let Some(node) = self.node(name) else {
            return Ok(Vec::new());
        };
        let key = self.key.then(name);
        let Value::List(nodes) = &node.value else {
            let found = describe(node);
            let write = "a list, such as [\"…\", \"…\"]".to_owned();
            return Err(self.report(&node.place, Complaint::Wrong { key, found, write }));
        };
        let all: Vec<Read<T>> = nodes
            .iter()
            .map(|node| self.parse(&key, node, &parse))
            .collect();
        all.into_iter().collect()
    }

    /// Whether a name like this stands here: it will be reported as unknown if it is.
    pub fn mentions(&self, part: &str) -> bool {
        let table = self.table.keys();
        table
            .into_iter()
            .any(|name| name.to_ascii_lowercase().contains(part))
    }

    pub fn report(&self, place: &Place, complaint: Complaint) -> Reported {
        let place = place.clone();
        let problem = Problem { place, complaint };
        self.reader.problems.borrow_mut().push(problem);
        Reported
    }

    fn node(&mut self, name: &'static str) -> Option<&'a Node> {
        self.known.push(name);
        self.table.get(name)
    }

    fn parse<T>(&self, key: &Key, node: &Node, parse: impl FnOnce(&Node) -> Parsed<T>) -> Read<T> {
        parse(node).map_err(|wrong| self.report(&node.place, wrong.about(key.clone(), node)))
    }

    fn enter<T>(
        &self,
        name: &str,
        node: Option<&'a Node>,
        read: impl FnOnce(&mut Section<'a>) -> Read<T>,
    ) -> Read<T> {
        let key = self.key.then(name);
        let (table, place) = match node {
            None => (&NOTHING, self.place.clone()),
            Some(node) => match &node.value {
                Value::Table(table) => (table, node.place.clone()),
                _ => return Err(self.wrong_table(&key, node)),
            },
        };
        let mut section = Section {
            key,
            place,
            table,
            known: Vec::new(),
            reader: self.reader,
        };
        let read = read(&mut section);
        section.finish();
        read
    }

    fn wrong_table(&self, key: &Key, node: &Node) -> Reported {
        let complaint = Complaint::Wrong {
            key: key.clone(),
            found: describe(node),
            write: format!("a section: [{key}], and the settings below it"),
        };
        self.report(&node.place, complaint)
    }

    fn finish(self) {
        // Sections of the user's own names have asked for none.
        let own_names = self.known.is_empty();
        let unknown = |name: &&String| !own_names && !self.known.contains(&name.as_str());
        for name in self.table.keys().filter(unknown) {
            let key = self.key.then(name);
            let complaint = match (secret_like(name), self.hint(&key)) {
                (Some(instead), _) => Complaint::Secret { key, instead },
                (None, hint) => Complaint::Unknown { key, hint },
            };
            self.report(&self.table[name].place, complaint);
        }
    }

    fn hint(&self, key: &Key) -> Hint {
        if let Some(near) = nearest(key.name(), &self.known) {
            return Hint::Nearest(self.key.then(near));
        }
        let same = |other: &&Key| !key.is_top() && other.name() == key.name();
        match self.reader.documented.keys.iter().find(same) {
            Some(other) => Hint::Elsewhere(other.clone()),
            None => Hint::Choices(self.known.iter().map(|&name| name.to_owned()).collect()),
        }
    }
}

/// What to write instead of a setting that would hold a secret.
fn secret_like(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    // Misspelled names of the settings that say where a secret is.
    if name.contains("file") || name.contains("env") {
        return None;
    }
    if name.contains("token") || name == "key" {
        Some("token_file = \"/etc/chela/tokens/hello\", or token_env = \"HELLO_TOKEN\"")
    } else if name.contains("secret") || name.contains("password") {
        Some("secret_files = { DEPLOY_KEY = \"/etc/chela/secrets/hello-deploy\" }")
    } else {
        None
    }
}
