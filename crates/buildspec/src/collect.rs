//! Which files of a finished build are artifacts, and where each of them goes.

use crate::glob::Pattern;
use crate::{ArtifactSet, Paths, Template, relative};

/// A set with its variables replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    base: Pattern,
    files: Vec<Pattern>,
    exclude: Vec<Pattern>,
    paths: Paths,
}

/// A pattern that leads out of the source directory once its variables are replaced.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{written}` of the artifacts leads out of the source directory, from where alone files are \
     collected: copy them there in a command, and write the path from there"
)]
pub struct Unusable {
    /// As the buildspec has it.
    pub written: String,
}

impl ArtifactSet {
    /// The set for a build whose sources lie at the absolute path `source` (as the build sees it)
    /// and whose variables are `lookup`'s.
    pub fn selection(
        &self,
        source: &str,
        lookup: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Selection, Unusable> {
        let pattern = |template: &Template| expanded(template, source, lookup);
        let base = self
            .base_directory
            .as_ref()
            .map_or(Ok(Pattern::new("")), pattern)?;
        Ok(Selection {
            base,
            files: self.files.iter().map(pattern).collect::<Result<_, _>>()?,
            exclude: self
                .exclude_paths
                .iter()
                .map(pattern)
                .collect::<Result<_, _>>()?,
            paths: self.paths,
        })
    }
}

fn expanded(
    template: &Template,
    source: &str,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Result<Pattern, Unusable> {
    let inside = |path: String| {
        let source = source.trim_end_matches('/');
        let path = match path.strip_prefix(source) {
            Some(below) if below.is_empty() || below.starts_with('/') => {
                below.trim_start_matches('/')
            }
            _ => &path,
        };
        relative(path)
    };
    let path = template.expand(lookup).and_then(inside);
    path.map(|path| Pattern::new(&path))
        .ok_or_else(|| Unusable {
            written: template.as_written().to_owned(),
        })
}

impl Selection {
    /// For a file at `path` (relative to the source directory, `/` between names, no `.` or `..`):
    /// its path among the artifacts, or `None` if it is none of them.
    ///
    /// With [`Paths::Discard`] two files may get the same path: the caller decides, and says so.
    #[must_use]
    pub fn place<'a>(&self, path: &'a [u8]) -> Option<&'a [u8]> {
        let names: Vec<&[u8]> = path.split(|byte| *byte == b'/').collect();
        let (base, rest) = names.split_at_checked(self.base.depth())?;
        if rest.is_empty() || !self.base.matches(base) {
            return None;
        }
        let any = |patterns: &[Pattern]| patterns.iter().any(|pattern| pattern.matches(rest));
        if !any(&self.files) || any(&self.exclude) {
            return None;
        }
        let kept = match self.paths {
            Paths::Keep => rest.len(),
            Paths::Discard => 1,
        };
        let length: usize = rest[rest.len() - kept..]
            .iter()
            .map(|name| name.len() + 1)
            .sum();
        Some(&path[path.len() + 1 - length..])
    }
}
