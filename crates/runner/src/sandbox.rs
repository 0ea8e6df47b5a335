//! Which walls a build gets, and the folders inside them.

pub(crate) mod bubblewrap;
pub(crate) mod detect;
pub(crate) mod landlock;
mod seccomp;
mod system;

use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    process::{Child, Command},
};

use self::seccomp::Filter;
use crate::folder::User;

/// The walls around a build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Own namespaces and an own root: for builds of anybody.
    Bubblewrap,
    /// Files and TCP only, and other processes can be seen: for trusted builds.
    Landlock,
    /// Nothing but resource limits: for builds that are trusted like their administrator.
    None,
}

/// Whether a build may reach the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// No address but its own.
    Off,
    /// What the machine can reach, the machine's own loopback addresses included.
    On,
}

/// How builds are walled in.
#[derive(Clone, Debug)]
pub struct Sandbox {
    /// The walls.
    pub kind: Kind,
    /// Whether the build may reach the network.
    pub network: Network,
    /// Who the build runs as. Needed, and possible, only where this program runs as root.
    pub user: Option<User>,
    /// Folders of the machine that the build may read at their own place, besides the system's:
    /// tool chains under `/opt`, for example.
    pub readable: Vec<PathBuf>,
    /// The program that runs [`crate::confine`], with its leading arguments. Used by the kinds
    /// without bubblewrap.
    pub confine: Confine,
    /// bubblewrap's program.
    pub bubblewrap: PathBuf,
}

/// How [`crate::confine::main`] is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confine {
    /// The program.
    pub program: PathBuf,
    /// What comes before the arguments of `confine` itself.
    pub arguments: Vec<OsString>,
}

impl Confine {
    /// This very program with the hidden subcommand `confine`.
    pub fn of_this_program() -> io::Result<Self> {
        Ok(Self {
            program: std::env::current_exe()?,
            arguments: vec!["confine".into()],
        })
    }
}

/// Who runs a build where this program runs as root: the user that owns nothing.
pub const NOBODY: User = User {
    uid: 65534,
    gid: 65534,
};

impl Sandbox {
    /// Walls without network, for the user of this process; for nobody, if that is root.
    pub fn new(kind: Kind) -> io::Result<Self> {
        Ok(Self {
            kind,
            network: Network::Off,
            user: rustix::process::geteuid().is_root().then_some(NOBODY),
            readable: Vec::new(),
            confine: Confine::of_this_program()?,
            bubblewrap: PathBuf::from("bwrap"),
        })
    }

    /// The folders as a build sees them.
    pub(crate) fn places(&self, folders: &Folders) -> Places {
        match self.kind {
            Kind::Bubblewrap => Places::inside(),
            Kind::Landlock | Kind::None => Places::outside(folders),
        }
    }

    /// The command that runs a program inside the walls. Standard streams are the caller's.
    pub(crate) fn command(&self, folders: &Folders, program: &[OsString]) -> io::Result<Walled> {
        match self.kind {
            Kind::Bubblewrap => bubblewrap::command(self, folders, program),
            Kind::Landlock | Kind::None => Ok(Walled {
                command: landlock::command(self, folders, program),
                filter: None,
            }),
        }
    }
}

/// A command that runs behind walls, and what it inherits for them.
#[derive(Debug)]
pub(crate) struct Walled {
    pub(crate) command: Command,
    filter: Option<Filter>,
}

impl Walled {
    pub(crate) fn spawn(&mut self) -> io::Result<Child> {
        seccomp::spawn(&mut self.command, self.filter.as_ref())
    }
}

/// A build's folders on the machine.
#[derive(Clone, Debug)]
pub(crate) struct Folders {
    pub(crate) source: PathBuf,
    pub(crate) home: PathBuf,
    pub(crate) tmp: PathBuf,
    /// The runner's own: a build may read it.
    pub(crate) control: PathBuf,
}

impl Folders {
    pub(crate) fn of(source: &Path, scratch: &Path) -> Self {
        Self {
            source: source.to_owned(),
            home: scratch.join("home"),
            tmp: scratch.join("tmp"),
            control: scratch.join("control"),
        }
    }

    /// What the build may write to.
    pub(crate) fn writable(&self) -> [&Path; 3] {
        [&self.source, &self.home, &self.tmp]
    }
}

/// The same folders as the build names them.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    pub(crate) source: PathBuf,
    pub(crate) home: PathBuf,
    pub(crate) tmp: PathBuf,
    pub(crate) control: PathBuf,
}

impl Places {
    fn inside() -> Self {
        Self {
            source: "/codebuild/src".into(),
            home: "/codebuild/home".into(),
            tmp: "/tmp".into(),
            control: "/codebuild/control".into(),
        }
    }

    fn outside(folders: &Folders) -> Self {
        let Folders {
            source,
            home,
            tmp,
            control,
        } = folders.clone();
        Self {
            source,
            home,
            tmp,
            control,
        }
    }
}
