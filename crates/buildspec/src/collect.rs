//! Which files of a finished build are artifacts, and where each of them goes.

use crate::error::shown;
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

/// A set whose files cannot be told, once its variables are replaced.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// A pattern leads out of the source directory.
    #[error(
        "`{written}` of the artifacts leads out of the source directory, from where alone files \
         are collected: copy them there in a command, and write the path from there"
    )]
    Outside {
        /// As the buildspec has it.
        written: String,
    },
    /// Every file is held against every pattern, and strangers write both.
    #[error(
        "the patterns of the artifacts have {bytes} bytes with their variables replaced, more than \
         the {MAX_PATTERN_BYTES} that are tried: use fewer patterns, with `**` in them"
    )]
    TooLong {
        /// Of all patterns of the set.
        bytes: usize,
    },
}

const MAX_PATTERN_BYTES: usize = 16 * 1024;

impl ArtifactSet {
    /// The set for a build whose sources lie at the absolute path `source` (as the build sees it)
    /// and whose variables are `lookup`'s.
    pub fn selection(
        &self,
        source: &str,
        lookup: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Selection, Unusable> {
        let mut bytes = 0;
        let mut pattern = |template: &Template| {
            let path = expanded(template, source, lookup)?;
            bytes += path.len();
            Ok(Pattern::new(&path))
        };
        let base = self.base_directory.as_ref();
        let selection = Selection {
            base: base.map_or_else(|| Ok(Pattern::new("")), &mut pattern)?,
            files: self
                .files
                .iter()
                .map(&mut pattern)
                .collect::<Result<_, _>>()?,
            exclude: self
                .exclude_paths
                .iter()
                .map(&mut pattern)
                .collect::<Result<_, _>>()?,
            paths: self.paths,
        };
        if bytes > MAX_PATTERN_BYTES {
            return Err(Unusable::TooLong { bytes });
        }
        Ok(selection)
    }
}

fn expanded(
    template: &Template,
    source: &str,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Result<String, Unusable> {
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
    path.ok_or_else(|| Unusable::Outside {
        written: shown(template.as_written()),
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
