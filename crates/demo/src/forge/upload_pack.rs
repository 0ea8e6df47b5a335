//! What `git upload-pack` answers in version 2 of its protocol: gitprotocol-v2(5). Clients of the
//! last years ask for it; to others it says so.

use std::{collections::HashSet, io};

use chela_contract::CommitId;

use super::{
    pack,
    packet::{self, DELIMITER, FLUSH, Packet},
    repository::Repository,
};

/// What is said to a client that asks for something else.
const ONLY_VERSION_2: &str = "ERR this server speaks version 2 of git's protocol only";

/// The answer to `info/refs`: what this server can do.
pub fn advertisement(protocol: Option<&str>) -> Vec<u8> {
    let mut message = Vec::new();
    packet::line(&mut message, "# service=git-upload-pack");
    message.extend_from_slice(FLUSH);
    let asks = protocol.is_some_and(|words| words.split(':').any(|word| word == "version=2"));
    if !asks {
        packet::line(&mut message, ONLY_VERSION_2);
        return message;
    }
    let agent = concat!("agent=chela-demo/", env!("CARGO_PKG_VERSION"));
    for line in [
        "version 2",
        agent,
        "ls-refs",
        "fetch=shallow",
        "object-format=sha1",
    ] {
        packet::line(&mut message, line);
    }
    message.extend_from_slice(FLUSH);
    message
}

/// The answer to a request; a refusal is an `ERR` packet.
pub fn answer(repository: &Repository, request: &[u8]) -> io::Result<Vec<u8>> {
    let mut message = Vec::new();
    match Request::read(request) {
        Some(Request::LsRefs { prefixes, symrefs }) => {
            ls_refs(&mut message, repository, &prefixes, symrefs);
        }
        Some(Request::Fetch(fetch)) => match fetch.unknown(repository) {
            Some(id) => {
                packet::line(&mut message, &format!("ERR upload-pack: not our ref {id}"));
            }
            None => fetch.answer(&mut message, repository)?,
        },
        None => packet::line(&mut message, ONLY_VERSION_2),
    }
    Ok(message)
}

/// A command with what of its arguments matters here.
enum Request<'a> {
    LsRefs {
        prefixes: Vec<&'a str>,
        symrefs: bool,
    },
    Fetch(Fetch<'a>),
}

#[derive(Default)]
struct Fetch<'a> {
    wants: Vec<&'a str>,
    haves: Vec<&'a str>,
    /// Commits whose parents the client does not have.
    shallow: HashSet<&'a str>,
    depth: Option<u32>,
    done: bool,
}

impl<'a> Request<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let packets = packet::read(bytes)?;
        let (Packet::Line(command), rest) = packets.split_first()? else {
            return None;
        };
        // The capabilities stand before the delimiter, the arguments after it.
        let lines = rest
            .iter()
            .skip_while(|packet| matches!(packet, Packet::Line(_)))
            .filter_map(|packet| match packet {
                Packet::Line(line) => Some(*line),
                _ => None,
            });
        match command.strip_prefix("command=")? {
            "ls-refs" => Some(Self::ls_refs(lines)),
            "fetch" => Fetch::read(lines).map(Self::Fetch),
            _ => None,
        }
    }

    fn ls_refs(lines: impl Iterator<Item = &'a str>) -> Self {
        let (mut prefixes, mut symrefs) = (Vec::new(), false);
        for line in lines {
            symrefs |= line == "symrefs";
            prefixes.extend(line.strip_prefix("ref-prefix "));
        }
        Self::LsRefs { prefixes, symrefs }
    }
}

fn ls_refs(message: &mut Vec<u8>, repository: &Repository, prefixes: &[&str], symrefs: bool) {
    const MAIN: &str = "refs/heads/main";
    let asked = |name: &str| prefixes.is_empty() || prefixes.iter().any(|p| name.starts_with(p));
    let head = repository.refs().find(|(name, _)| *name == MAIN);
    if let Some((_, commit)) = head.filter(|_| asked("HEAD")) {
        let target = if symrefs {
            format!(" symref-target:{MAIN}")
        } else {
            String::new()
        };
        packet::line(message, &format!("{commit} HEAD{target}"));
    }
    for (name, commit) in repository.refs().filter(|(name, _)| asked(name)) {
        packet::line(message, &format!("{commit} {name}"));
    }
    message.extend_from_slice(FLUSH);
}

impl<'a> Fetch<'a> {
    fn read(lines: impl Iterator<Item = &'a str>) -> Option<Self> {
        let mut fetch = Self::default();
        for line in lines {
            match line.split_once(' ') {
                Some(("want", id)) => fetch.wants.push(id),
                Some(("have", id)) => fetch.haves.push(id),
                Some(("shallow", id)) => drop(fetch.shallow.insert(id)),
                Some(("deepen", depth)) => fetch.depth = Some(depth.parse().ok()?),
                None if line == "done" => fetch.done = true,
                // `thin-pack`, `no-progress`, `ofs-delta`: only allow what is not done here.
                _ => {}
            }
        }
        Some(fetch)
    }

    fn unknown(&self, repository: &Repository) -> Option<&'a str> {
        let mut wants = self.wants.iter().copied();
        wants.find(|want| !is_here(repository, want))
    }

    /// Sends all that is reachable, whatever the client has: it is little.
    fn answer(&self, message: &mut Vec<u8>, repository: &Repository) -> io::Result<()> {
        if !self.done && !self.acknowledge(message, repository) {
            message.extend_from_slice(FLUSH);
            return Ok(());
        }
        let wants: Vec<CommitId> = self.wants.iter().filter_map(|id| id.parse().ok()).collect();
        let reach = repository.reach(&wants, self.depth);
        if self.depth.is_some() {
            packet::line(message, "shallow-info");
            for id in &reach.shallow {
                packet::line(message, &format!("shallow {id}"));
            }
            let whole = |id: &&CommitId| !reach.shallow.contains(id);
            for id in reach.commits.iter().filter(whole) {
                if self.shallow.contains(id.as_str()) {
                    packet::line(message, &format!("unshallow {id}"));
                }
            }
            message.extend_from_slice(DELIMITER);
        }
        packet::line(message, "packfile");
        let pack = pack::write(&repository.objects(&reach.commits))?;
        packet::bands(message, &pack);
        message.extend_from_slice(FLUSH);
        Ok(())
    }

    /// Says which commits both sides have, and whether the pack follows.
    fn acknowledge(&self, message: &mut Vec<u8>, repository: &Repository) -> bool {
        packet::line(message, "acknowledgments");
        let mut common = self
            .haves
            .iter()
            .filter(|id| is_here(repository, id))
            .peekable();
        let ready = common.peek().is_some();
        for id in common {
            packet::line(message, &format!("ACK {id}"));
        }
        packet::line(message, if ready { "ready" } else { "NAK" });
        if ready {
            message.extend_from_slice(DELIMITER);
        }
        ready
    }
}

fn is_here(repository: &Repository, id: &str) -> bool {
    id.parse().is_ok_and(|id| repository.has(&id))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::forge::sample;

    fn request(lines: &[String]) -> Vec<u8> {
        let mut request = Vec::new();
        packet::line(&mut request, "command=fetch");
        request.extend_from_slice(DELIMITER);
        for line in lines {
            packet::line(&mut request, line);
        }
        request.extend_from_slice(FLUSH);
        request
    }

    proptest! {
        #[test]
        fn whatever_is_asked_is_answered(
            words in prop::collection::vec("(want|have|shallow|deepen|done)( [0-9a-f]{0,40}| 1)?", 0..5),
            noise: Vec<u8>,
        ) {
            let (repository, [good, _]) = sample::make();
            let mut lines = words;
            lines.push(format!("want {}", good.commit));
            for bytes in [request(&lines), noise] {
                let message = answer(&repository, &bytes).unwrap();
                prop_assert!(!message.is_empty());
            }
        }
    }
}
