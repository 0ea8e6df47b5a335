//! `[pagure]`

use url::Url;

use crate::{
    section::{Read, Section},
    value,
};

/// The forge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pagure {
    /// Its address; reports go below it and nowhere else. The path ends with a slash.
    pub url: Url,
    /// Its further servers, to clone from.
    pub git: Vec<Url>,
}

impl Pagure {
    pub(crate) fn read(section: &mut Section<'_>) -> Read<Self> {
        let url = section.required("url", value::base_url);
        let git = section.list("git", value::origin);
        Ok(Self {
            url: url?,
            git: git?,
        })
    }

    /// Every server that the administrator has named.
    pub(crate) fn servers(&self) -> impl Iterator<Item = &Url> {
        std::iter::once(&self.url).chain(&self.git)
    }
}
