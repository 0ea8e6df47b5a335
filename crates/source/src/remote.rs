//! Asks a git server for one commit: gitprotocol-v2(5), or gitprotocol-http(5) where the server
//! has never heard of it (Pagure's own HTTP service is one of those).

use chela_contract::{CommitId, Refname};

use crate::error::Error;
use crate::http::{Received, Server, Version};
use crate::note::Place;
use crate::packet::{self, Packet, Packets, Sideband};

/// Takes its name from the version of the crate, as git's own does.
const AGENT: &str = concat!("agent=chela/", env!("CARGO_PKG_VERSION"));

/// A pack, on its way.
pub type Pack<'a> = Sideband<'a, Received<'a>>;

/// Which commit it became, and the pack that holds it.
pub fn open<'a>(
    server: &'a Server,
    refname: &Refname,
    commit: Option<&CommitId>,
) -> Result<(CommitId, Pack<'a>), Error> {
    let name = full_name(refname)?;
    let mut packets = Packets::new(server.advertisement()?, server.host());
    match version(&mut packets)? {
        Version::Two => {
            capabilities(&mut packets)?;
            let commit = match commit {
                Some(commit) => commit.clone(),
                None => tip(server, &name)?,
            };
            let pack = fetch(server, &commit)?;
            Ok((commit, pack))
        }
        Version::Zero => {
            let listed = Listed::read(&mut packets, &name, commit)?;
            let commit = match commit {
                Some(commit) if listed.offered => commit.clone(),
                Some(commit) => return Err(no_commit(commit)),
                None => listed.tip.ok_or_else(|| no_ref(&name))?,
            };
            let pack = fetch_v0(server, &commit)?;
            Ok((commit, pack))
        }
    }
}

/// git takes a name as long as a path may be; longer ones would not fit into a packet either.
fn full_name(refname: &Refname) -> Result<String, Error> {
    const MAX_NAME: usize = 4096;
    let name = match refname {
        Refname::Branch(name) => format!("refs/heads/{name}"),
        Refname::Tag(name) => format!("refs/tags/{name}"),
    };
    if name.len() <= MAX_NAME && gix_validate::reference::name(name.as_str().into()).is_ok() {
        Ok(name)
    } else {
        Err(no_ref(&name))
    }
}

/// Reads up to the first packet that is neither of the service's announcement.
fn version(packets: &mut Packets<'_, Received<'_>>) -> Result<Version, Error> {
    if packets.line()? == Some(b"# service=git-upload-pack") {
        if packets.next()? != Packet::Flush {
            return Err(packets.not_git("its announcement does not end"));
        }
        packets.next()?;
    }
    Ok(match packets.last().trim_ascii_end() {
        b"version 2" => Version::Two,
        _ => Version::Zero,
    })
}

/// gitprotocol-v2(5): without `fetch=shallow` one commit cannot be had alone.
fn capabilities(packets: &mut Packets<'_, Received<'_>>) -> Result<(), Error> {
    let mut shallow = false;
    while let Some(line) = packets.line()? {
        if let Some(features) = line.strip_prefix(b"fetch=") {
            shallow = features
                .split(|&b| b == b' ')
                .any(|word| word == b"shallow");
        }
        if line.starts_with(b"object-format=") && line != b"object-format=sha1" {
            return Err(packets.not_git("its objects are not named by SHA-1"));
        }
    }
    if shallow {
        Ok(())
    } else {
        Err(packets.not_git("it cannot give one commit alone"))
    }
}

/// Where a branch points to, or the commit of a tag.
fn tip(server: &Server, name: &str) -> Result<CommitId, Error> {
    let mut message = command("ls-refs");
    packet::write(&mut message, "peel");
    packet::write(&mut message, &format!("ref-prefix {name}"));
    message.extend_from_slice(b"0000");
    let mut packets = Packets::new(server.ask(&message, Version::Two)?, server.host());
    let mut found = None;
    while let Some(line) = packets.line()? {
        let mut words = line.split(|&b| b == b' ');
        let (id, of) = (words.next(), words.next());
        if of == Some(name.as_bytes()) {
            let peeled = words.find_map(|word| word.strip_prefix(b"peeled:"));
            found = Some(commit_id(peeled.or(id).unwrap_or_default()));
        }
    }
    let found = found.ok_or_else(|| no_ref(name))?;
    found.ok_or_else(|| packets.not_git("its refs have no names of commits"))
}

fn fetch<'a>(server: &'a Server, commit: &CommitId) -> Result<Pack<'a>, Error> {
    let mut message = command("fetch");
    packet::write(&mut message, &format!("want {commit}"));
    for argument in ["deepen 1", "ofs-delta", "no-progress", "done"] {
        packet::write(&mut message, argument);
    }
    message.extend_from_slice(b"0000");
    let mut packets = Packets::new(server.ask(&message, Version::Two)?, server.host());
    loop {
        match packets.next().map_err(|error| not_ours(error, commit))? {
            Packet::Data(b"packfile\n" | b"packfile") => return Ok(Sideband::new(packets)),
            Packet::Data(_) | Packet::Delimiter => {}
            Packet::Flush => return Err(packets.not_git("its answer holds no pack")),
        }
    }
}

fn fetch_v0<'a>(server: &'a Server, commit: &CommitId) -> Result<Pack<'a>, Error> {
    let mut message = Vec::new();
    let capabilities = "side-band-64k ofs-delta shallow no-progress";
    packet::write(
        &mut message,
        &format!("want {commit} {capabilities} {AGENT}"),
    );
    packet::write(&mut message, "deepen 1");
    message.extend_from_slice(b"0000");
    packet::write(&mut message, "done");
    let mut packets = Packets::new(server.ask(&message, Version::Zero)?, server.host());
    loop {
        match packets.next().map_err(|error| not_ours(error, commit))? {
            Packet::Data(line) if line.starts_with(b"NAK") => return Ok(Sideband::new(packets)),
            Packet::Data(line) if line.starts_with(b"shallow ") => {}
            Packet::Flush => {}
            _ => return Err(packets.not_git("its answer holds no pack")),
        }
    }
}

fn command(name: &str) -> Vec<u8> {
    let mut message = Vec::new();
    packet::write(&mut message, &format!("command={name}"));
    packet::write(&mut message, AGENT);
    packet::write(&mut message, "object-format=sha1");
    message.extend_from_slice(b"0001");
    message
}

/// What of the first version's list matters.
#[derive(Debug, Default)]
struct Listed {
    tip: Option<CommitId>,
    offered: bool,
}

impl Listed {
    /// The first line is the last one that was read; it carries the capabilities too.
    fn read(
        packets: &mut Packets<'_, Received<'_>>,
        name: &str,
        commit: Option<&CommitId>,
    ) -> Result<Self, Error> {
        let mut first = packets.last().split(|&b| b == 0);
        let line = first.next().unwrap_or_default().trim_ascii_end().to_vec();
        let capabilities = first.next().unwrap_or_default().trim_ascii_end();
        let has = |wanted: &[u8]| {
            capabilities
                .split(|&b| b == b' ')
                .any(|word| word == wanted)
        };
        if !has(b"side-band-64k") || !has(b"shallow") {
            return Err(packets.not_git("it cannot give one commit alone"));
        }
        let mut listed = Self {
            tip: None,
            offered: has(b"allow-reachable-sha1-in-want") || has(b"allow-tip-sha1-in-want"),
        };
        listed.add(&line, name, commit);
        while let Some(line) = packets.line()? {
            listed.add(line, name, commit);
        }
        Ok(listed)
    }

    fn add(&mut self, line: &[u8], name: &str, commit: Option<&CommitId>) {
        let Some((id, of)) = line.split_at_checked(40) else {
            return;
        };
        let Some(of) = of.strip_prefix(b" ") else {
            return;
        };
        self.offered |= commit.is_some_and(|commit| commit.as_str().as_bytes() == id);
        // `refs/tags/x^{}`, the commit of a tag object, comes right after `refs/tags/x`.
        if of.strip_suffix(b"^{}").unwrap_or(of) == name.as_bytes() {
            self.tip = commit_id(id);
        }
    }
}

fn commit_id(digits: &[u8]) -> Option<CommitId> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn no_ref(name: &str) -> Error {
    Error::NoRef {
        refname: Place::new(name.as_bytes()),
    }
}

fn no_commit(commit: &CommitId) -> Error {
    Error::NoCommit {
        commit: commit.clone(),
    }
}

/// `upload-pack: not our ref <id>` is how git says that it does not hand out a commit.
fn not_ours(error: Error, commit: &CommitId) -> Error {
    match error {
        Error::Said { text, .. } if text.to_string().contains("not our ref") => no_commit(commit),
        error => error,
    }
}
