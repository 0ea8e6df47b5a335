//! What a build finds in its environment.

use std::{collections::BTreeMap, time::SystemTime};

use chela_buildspec::{Buildspec, VariableName};

use crate::sandbox::Places;

/// Where a build finds programs.
pub(crate) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Whether no phase has failed so far, as `CodeBuild` says it: 1 or 0.
pub(crate) const SUCCEEDING: &str = "CODEBUILD_BUILD_SUCCEEDING";

/// The variables that every build begins with, and those names of the caller that no shell can
/// hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Variables {
    pub(crate) values: BTreeMap<VariableName, String>,
    pub(crate) left_out: Vec<String>,
}

impl Variables {
    /// Later ones win: the system's, the buildspec's, the caller's, the runner's own.
    pub(crate) fn of(
        spec: &Buildspec,
        given: &BTreeMap<String, String>,
        places: &Places,
        now: SystemTime,
    ) -> Self {
        let mut left_out = Vec::new();
        let mut values = named(&system(places));
        values.extend(spec.env.variables.clone());
        for (name, value) in given {
            match VariableName::new(name) {
                Some(name) if !value.contains('\0') => drop(values.insert(name, value.clone())),
                _ => left_out.push(name.clone()),
            }
        }
        values.extend(named(&own(places, now)));
        Self { values, left_out }
    }
}

fn system(places: &Places) -> [(&'static str, String); 7] {
    [
        ("HOME", places.home.display().to_string()),
        ("LANG", "C.UTF-8".to_owned()),
        ("LOGNAME", "build".to_owned()),
        ("PATH", PATH.to_owned()),
        ("SHELL", "/bin/sh".to_owned()),
        ("TMPDIR", places.tmp.display().to_string()),
        ("USER", "build".to_owned()),
    ]
}

/// See "Environment variables in build environments" of the `CodeBuild` User Guide.
fn own(places: &Places, now: SystemTime) -> [(&'static str, String); 3] {
    let since = now
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    [
        ("CODEBUILD_SRC_DIR", places.source.display().to_string()),
        ("CODEBUILD_START_TIME", since.as_millis().to_string()),
        (SUCCEEDING, "1".to_owned()),
    ]
}

fn named(list: &[(&str, String)]) -> BTreeMap<VariableName, String> {
    let named = |(name, value): &(&str, String)| Some((VariableName::new(name)?, value.clone()));
    list.iter().filter_map(named).collect()
}
