//! A git repository in memory: small enough that every object is kept whole.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};

use chela_contract::CommitId;
use gix_hash::ObjectId;
use gix_object::{Kind, Tree, WriteTo as _, compute_hash, tree};

/// Who makes every commit, and when: the same names of commits each time.
const AUTHOR: &str = "Ada <ada@example.org> 1795000000 +0000";

/// Objects, and names for some of the commits among them.
#[derive(Debug, Default)]
pub struct Repository {
    commits: HashMap<CommitId, Commit>,
    refs: BTreeMap<String, CommitId>,
}

/// A commit with all that stands in it.
#[derive(Debug)]
struct Commit {
    parent: Option<CommitId>,
    /// Itself, its tree and its files.
    objects: BTreeMap<ObjectId, Object>,
}

/// An object as git names and packs it.
#[derive(Clone, Debug)]
pub struct Object {
    /// Commit, tree or blob.
    pub kind: Kind,
    /// Its bytes, without a header.
    pub data: Vec<u8>,
}

/// A file of a commit: its name and its text.
pub type File = (&'static str, &'static str);

/// What a fetch brings.
#[derive(Debug, PartialEq, Eq)]
pub struct Reach {
    /// The commits.
    pub commits: Vec<CommitId>,
    /// Those of them whose parents stay behind.
    pub shallow: Vec<CommitId>,
}

impl Repository {
    /// Adds a commit of these files and these alone.
    pub fn commit(&mut self, parent: Option<&CommitId>, files: &[File], message: &str) -> CommitId {
        let mut objects = BTreeMap::new();
        let mut entries: Vec<_> = files
            .iter()
            .map(|(name, text)| tree::Entry {
                mode: mode(name).into(),
                filename: (*name).into(),
                oid: keep(&mut objects, Kind::Blob, text.as_bytes().to_vec()),
            })
            .collect();
        entries.sort();
        let mut data = Vec::new();
        let tree = Tree { entries };
        tree.write_to(&mut data)
            .expect("a buffer takes every byte, and no name has a NUL");
        let tree = keep(&mut objects, Kind::Tree, data);
        let parents = parent.map_or(String::new(), |parent| format!("parent {parent}\n"));
        let text =
            format!("tree {tree}\n{parents}author {AUTHOR}\ncommitter {AUTHOR}\n\n{message}\n");
        let id = keep(&mut objects, Kind::Commit, text.into_bytes());
        let id: CommitId = id.to_string().parse().expect("a SHA-1 in lower case");
        let commit = Commit {
            parent: parent.cloned(),
            objects,
        };
        self.commits.insert(id.clone(), commit);
        id
    }

    /// Lets a full name, such as `refs/heads/main`, point to a commit.
    pub fn name(&mut self, refname: &str, commit: &CommitId) {
        self.refs.insert(refname.to_owned(), commit.clone());
    }

    /// All names in order, with their commits.
    pub fn refs(&self) -> impl Iterator<Item = (&str, &CommitId)> {
        self.refs
            .iter()
            .map(|(name, commit)| (name.as_str(), commit))
    }

    /// Whether the commit is here.
    #[must_use]
    pub fn has(&self, commit: &CommitId) -> bool {
        self.commits.contains_key(commit)
    }

    /// What `wanted` and its ancestors are, `depth` generations at most.
    #[must_use]
    pub fn reach(&self, wanted: &[CommitId], depth: Option<u32>) -> Reach {
        let (mut commits, mut shallow) = (Vec::new(), Vec::new());
        for tip in wanted {
            let mut next = Some(tip);
            let mut left = depth.unwrap_or(u32::MAX);
            while let Some((id, commit)) = next.and_then(|id| self.commits.get_key_value(id)) {
                left = left.saturating_sub(1);
                commits.push(id.clone());
                next = commit.parent.as_ref().filter(|_| left > 0);
                if next.is_none() && commit.parent.is_some() {
                    shallow.push(id.clone());
                }
            }
        }
        for list in [&mut commits, &mut shallow] {
            list.sort();
            list.dedup();
        }
        Reach { commits, shallow }
    }

    /// All objects of these commits, each once.
    #[must_use]
    pub fn objects(&self, commits: &[CommitId]) -> Vec<&Object> {
        let found = commits.iter().filter_map(|id| self.commits.get(id));
        let objects: BTreeMap<_, _> = found.flat_map(|commit| &commit.objects).collect();
        objects.into_values().collect()
    }
}

/// Scripts can be run.
fn mode(name: &str) -> tree::EntryKind {
    if Path::new(name).extension().is_some_and(|kind| kind == "sh") {
        tree::EntryKind::BlobExecutable
    } else {
        tree::EntryKind::Blob
    }
}

fn keep(objects: &mut BTreeMap<ObjectId, Object>, kind: Kind, data: Vec<u8>) -> ObjectId {
    let id = compute_hash(gix_hash::Kind::Sha1, kind, &data)
        .expect("our own few files are no attack on SHA-1");
    objects.insert(id, Object { kind, data });
    id
}
