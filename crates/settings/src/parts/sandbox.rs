//! `[sandbox]`

use std::path::PathBuf;

use super::{MIB, PIB};
use crate::{
    Size,
    section::{Read, Section},
    tree::{Node, Value},
    value::{self, Parsed, Wrong},
};

/// The walls around each build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sandbox {
    /// What they are made of.
    pub kind: Kind,
    /// Of one build, all of its processes together.
    pub memory: Size,
    /// Processes and threads of one build.
    pub processes: u64,
    /// The longest file.
    pub file_size: Size,
    /// All files of one build.
    pub disk: Size,
    /// How many files and folders of one build.
    pub files: u64,
    /// What a build leaves free on its disk.
    pub disk_left: Size,
    /// Files that one process may have open.
    pub open_files: u64,
    /// What builds may read of this machine, beside what they need.
    pub read_only: Vec<PathBuf>,
    /// Who builds run as, where the program runs as root; nobody, if nobody is named.
    pub user: Option<User>,
}

/// What the walls are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The best that works here; without one nothing starts.
    Auto,
    /// Namespaces; the only one for strangers' builds.
    Bubblewrap,
    /// Files and network ports alone; for trusted builds.
    Landlock,
    /// None; for trusted builds.
    None,
}

/// A user of this machine, other than root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum User {
    /// By name.
    Name(String),
    /// By number.
    Id(u32),
}

const KINDS: &[(&str, Kind)] = &[
    ("auto", Kind::Auto),
    ("bubblewrap", Kind::Bubblewrap),
    ("landlock", Kind::Landlock),
    ("none", Kind::None),
];

impl Sandbox {
    pub(crate) fn read(section: &mut Section<'_>) -> Read<Self> {
        let kind = section.required("kind", value::choice(KINDS));
        let memory = section.required("memory", value::size(Size::from_bytes(16 << 20)..=PIB));
        let processes = section.required("processes", value::whole(8..=1_000_000));
        let file_size = section.required("file_size", value::size(MIB..=PIB));
        let disk = section.required("disk", value::size(MIB..=PIB));
        let files = section.required("files", value::whole(1000..=1_000_000_000));
        let disk_left = section.required("disk_left", value::size(MIB..=PIB));
        let open_files = section.required("open_files", value::whole(64..=1_048_576));
        let read_only = section.list("read_only", value::path);
        let user = section.optional("user", user);
        Ok(Self {
            kind: kind?,
            memory: memory?,
            processes: processes?,
            file_size: file_size?,
            disk: disk?,
            files: files?,
            disk_left: disk_left?,
            open_files: open_files?,
            read_only: read_only?,
            user: user?,
        })
    }
}

fn user(node: &Node) -> Parsed<User> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.$".contains(c);
    let user = match &node.value {
        Value::Text(name) if !name.is_empty() && name.chars().all(plain) => match name.parse() {
            Ok(id) => Some(User::Id(id)),
            Err(_) => Some(User::Name(name.clone())),
        },
        Value::Whole(id) => u32::try_from(*id).ok().map(User::Id),
        _ => None,
    };
    let root = [User::Name("root".to_owned()), User::Id(0)];
    match user.filter(|user| !root.contains(user)) {
        Some(user) => Ok(user),
        None => Err(Wrong::Write(
            "the name or number of a user other than root, such as \"chela-build\"".to_owned(),
        )),
    }
}
