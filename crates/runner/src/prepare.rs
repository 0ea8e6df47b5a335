//! Everything that lies ready before the first process of a build: its folders, and the files its
//! shell reads.

use std::{
    collections::BTreeMap,
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use chela_buildspec::{Buildspec, Shell, Template, VariableName};

use crate::{
    folder::{self, User},
    remove::remove,
    sandbox::{Folders, Kind, Sandbox, bubblewrap},
    session::script,
    variables::Variables,
};

/// Why a build cannot be prepared.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("builds never run as root in this sandbox: name another user for them, such as 65534")]
    Root,
    #[error("only root can run builds as another user: leave the builds' user out")]
    NotRoot,
    #[error(
        "the builds' user {} cannot reach the build's folders: run `chmod o+x {}`",
        user.uid, folder.display()
    )]
    Barrier { user: User, folder: PathBuf },
    #[error("cannot prepare the build's folders: {0}")]
    Io(#[from] io::Error),
}

/// A build's commands, each in a file of its number.
#[derive(Debug)]
pub(crate) struct Commands<'a>(BTreeMap<&'a str, usize>);

impl<'a> Commands<'a> {
    fn of(spec: &'a Buildspec) -> Self {
        let phases = spec.phases.iter();
        let texts = phases.flat_map(|phase| phase.commands.iter().chain(&phase.finally));
        let mut numbers = BTreeMap::new();
        for text in texts {
            let next = numbers.len();
            numbers.entry(text.as_str()).or_insert(next);
        }
        Self(numbers)
    }

    pub(crate) fn number(&self, text: &str) -> Option<usize> {
        self.0.get(text).copied()
    }
}

/// What is asked of the shell at the end of a build.
#[derive(Debug, Default)]
pub(crate) struct Questions<'a> {
    pub(crate) names: Vec<VariableName>,
    /// Texts of which only a shell can say what they stand for.
    pub(crate) texts: Vec<&'a Template>,
}

impl Questions<'_> {
    pub(crate) fn is_empty(&self) -> bool {
        self.names.is_empty() && self.texts.is_empty()
    }
}

/// Makes the folders and writes all files: once the build runs, nothing is written where it could
/// lay a trap.
pub(crate) fn prepare<'a>(
    spec: &'a Buildspec,
    sandbox: &Sandbox,
    folders: &Folders,
    variables: &Variables,
    questions: &Questions<'_>,
) -> Result<Commands<'a>, Error> {
    check(sandbox)?;
    for folder in [&folders.home, &folders.tmp, &folders.control] {
        remove(folder)?;
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
    }
    let control = &folders.control;
    let inside = sandbox.places(folders).control;
    write(control, "loop", &script::main_loop(&inside))?;
    write(control, "variables", &script::variables(&variables.values))?;
    write(
        control,
        "values",
        &script::values(&questions.names, &questions.texts),
    )?;
    let commands = Commands::of(spec);
    for (text, number) in &commands.0 {
        write(control, &format!("command-{number}"), &format!("{text}\n"))?;
    }
    bubblewrap::prepare(control)?;
    if let Some(user) = sandbox.user {
        hand_over(folders, user)?;
    }
    Ok(commands)
}

fn check(sandbox: &Sandbox) -> Result<(), Error> {
    let root = rustix::process::geteuid().is_root();
    match sandbox.user {
        Some(_) if !root => Err(Error::NotRoot),
        Some(User { uid: 0, .. }) | None if root && sandbox.kind != Kind::None => Err(Error::Root),
        _ => Ok(()),
    }
}

fn write(control: &Path, name: &str, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(control.join(name))?;
    file.write_all(text.as_bytes())
}

fn hand_over(folders: &Folders, user: User) -> Result<(), Error> {
    for folder in [
        &folders.source,
        &folders.home,
        &folders.tmp,
        &folders.control,
    ] {
        folder::give(folder, user)?;
        if let Some(barrier) = folder::barrier(&fs::canonicalize(folder)?, user) {
            return Err(Error::Barrier {
                user,
                folder: barrier,
            });
        }
    }
    Ok(())
}

/// The shell's program: the one of the system.
pub(crate) fn shell(shell: Shell) -> &'static Path {
    Path::new(match shell {
        Shell::Sh => "/bin/sh",
        Shell::Bash => "/bin/bash",
    })
}
