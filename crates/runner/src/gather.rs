//! What must be known at the end of a build, while its shell still lives: the exported variables,
//! and what the texts in `artifacts` stand for.

use std::{cell::RefCell, collections::BTreeMap};

use chela_buildspec::{ArtifactSet, Buildspec, Template, VariableName, relative};

use crate::{
    artifacts::{Error, Wanted},
    prepare::Questions,
};

/// The folder of the set that has neither identifier nor name.
const PRIMARY: &str = "primary";

/// What is asked, and of which sets.
pub(crate) struct Gathering<'a> {
    sets: Vec<(&'a str, &'a ArtifactSet)>,
    questions: Questions<'a>,
}

/// The answers.
pub(crate) struct Gathered(BTreeMap<String, String>);

impl<'a> Gathering<'a> {
    pub(crate) fn of(spec: &'a Buildspec) -> Self {
        let mut sets = Vec::new();
        if let Some(artifacts) = &spec.artifacts {
            sets.push((PRIMARY, &artifacts.primary));
            let secondary = artifacts.secondary.iter();
            sets.extend(secondary.map(|(identifier, set)| (identifier.as_str(), set)));
        }
        let mut questions = Questions {
            names: spec.env.exported.clone(),
            texts: Vec::new(),
        };
        for (_, set) in &sets {
            questions
                .texts
                .extend(set.name.as_ref().filter(|name| needs_a_shell(name)));
            for name in names_in(set) {
                if !questions.names.contains(&name) {
                    questions.names.push(name);
                }
            }
        }
        Self { sets, questions }
    }

    pub(crate) fn questions(&self) -> &Questions<'a> {
        &self.questions
    }

    /// The answers by the names of the questions.
    pub(crate) fn gathered(&self, mut values: BTreeMap<String, String>) -> Gathered {
        let texts = self.questions.texts.len();
        values.retain(|key, _| {
            let name = |name: &VariableName| name.as_str() == key;
            let number = key.parse::<usize>();
            self.questions.names.iter().any(name) || number.is_ok_and(|number| number < texts)
        });
        Gathered(values)
    }

    /// The sets with every text replaced.
    pub(crate) fn wanted(&self, values: &Gathered, source: &str) -> Result<Vec<Wanted>, Error> {
        let wanted = |(identifier, set): &(&str, &ArtifactSet)| {
            let lookup = |name: &str| values.0.get(name).cloned();
            let selection = set
                .selection(source, &lookup)
                .map_err(|unusable| Error::Unusable(unusable.to_string()))?;
            let folder = match &set.name {
                Some(name) => self.folder(name, values)?,
                None => (*identifier).to_owned(),
            };
            Ok(Wanted { folder, selection })
        };
        self.sets.iter().map(wanted).collect()
    }

    fn folder(&self, name: &Template, values: &Gathered) -> Result<String, Error> {
        let asked = self.questions.texts.iter().position(|text| *text == name);
        let text = match asked {
            Some(number) => values.0.get(&number.to_string()).cloned(),
            None => name.expand(&|name| values.0.get(name).cloned()),
        };
        let folder = text
            .as_deref()
            .and_then(relative)
            .filter(|folder| !folder.is_empty());
        folder.ok_or_else(|| Error::Name(name.as_written().to_owned()))
    }
}

impl Gathered {
    pub(crate) fn exported(&self, spec: &Buildspec) -> BTreeMap<String, String> {
        let names = spec.env.exported.iter().map(VariableName::as_str);
        names
            .filter_map(|name| Some((name.to_owned(), self.0.get(name)?.clone())))
            .collect()
    }
}

fn needs_a_shell(text: &Template) -> bool {
    text.expand(&|_| None).is_none()
}

/// The variables in a set's texts.
fn names_in(set: &ArtifactSet) -> Vec<VariableName> {
    let names = RefCell::new(Vec::new());
    let lookup = |name: &str| {
        names.borrow_mut().extend(VariableName::new(name));
        None
    };
    let patterns = set
        .files
        .iter()
        .chain(&set.exclude_paths)
        .chain(&set.base_directory);
    for text in patterns.chain(&set.name) {
        let _ = text.expand(&lookup);
    }
    names.into_inner()
}
