//! `chela config` and `chela pages`: looks at the settings of `chela serve`.

use chela_settings::{DOCUMENTED, Environment, Settings, Tokens, check as look};
use serde::Serialize;
use url::Url;

use crate::{
    cli::{ConfigArgs, PagesArgs},
    output::{Exit, Line, Shown},
};

/// What a look at the settings found.
#[derive(Serialize)]
pub struct Checked {
    /// Nothing can be served until these are mended.
    problems: Vec<String>,
    /// These may not be meant.
    warnings: Vec<String>,
}

/// Reads the settings and the tokens.
pub fn check(args: &ConfigArgs) -> anyhow::Result<Checked> {
    let environment = Environment::of_process();
    let settings = Settings::load(args.config.as_deref(), &environment)?;
    let tokens = Tokens::new(&settings, &environment);
    let secrets = settings.secret_files().filter_map(|file| file.read().err());
    let tokens = tokens
        .problems()
        .into_iter()
        .map(|problem| problem.to_string());
    Ok(Checked {
        problems: tokens
            .chain(secrets.map(|problem| problem.to_string()))
            .collect(),
        warnings: look(&settings).iter().map(ToString::to_string).collect(),
    })
}

impl Shown for Checked {
    fn lines(&self) -> Vec<Line> {
        let problems = self
            .problems
            .iter()
            .map(|text| Line::Bad("wrong  ", text.clone()));
        let warnings = self
            .warnings
            .iter()
            .map(|text| Line::Open("warning", text.clone()));
        let mut lines: Vec<Line> = problems.chain(warnings).collect();
        if self.problems.is_empty() {
            lines.push(Line::Good("ok     ", "The settings are valid.".to_owned()));
        }
        lines
    }

    fn exit(&self) -> Exit {
        if self.problems.is_empty() {
            Exit::Done
        } else {
            Exit::Refused
        }
    }
}

/// The built-in file.
#[derive(Serialize)]
pub struct Documented;

impl Shown for Documented {
    fn lines(&self) -> Vec<Line> {
        vec![Line::Plain(DOCUMENTED.trim_end().to_owned())]
    }

    fn exit(&self) -> Exit {
        Exit::Done
    }
}

/// Where the builds are listed.
#[derive(Serialize)]
pub struct Address {
    url: Url,
}

/// The address cannot be guessed: whoever has it may read every log.
pub fn pages(args: &PagesArgs) -> anyhow::Result<Address> {
    let environment = Environment::of_process();
    let settings = Settings::load(args.settings.config.as_deref(), &environment)?;
    let project = args
        .project
        .as_ref()
        .map(chela_pagure::ProjectName::fullname);
    let url = chela_serve::list_page(&settings, project.as_deref())?;
    Ok(Address { url })
}

impl Shown for Address {
    fn lines(&self) -> Vec<Line> {
        vec![Line::Plain(self.url.to_string())]
    }

    fn exit(&self) -> Exit {
        Exit::Done
    }
}
