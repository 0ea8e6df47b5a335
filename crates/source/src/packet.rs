//! The packets of git's protocol: gitprotocol-common(5), "pkt-line Format".

use std::io::{self, Read};

use crate::error::Error;
use crate::note::Place;

/// gitprotocol-common(5): a packet is at most 65520 bytes long, its length included.
const MAX_PACKET: usize = 65_520;

/// One packet.
#[derive(Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// Without its length; text keeps its line break.
    Data(&'a [u8]),
    /// `0000`: the end of a message.
    Flush,
    /// `0001`: the end of a section.
    Delimiter,
}

/// Packets out of a stream.
pub struct Packets<'a, R> {
    read: R,
    host: &'a str,
    buffer: Vec<u8>,
}

impl<'a, R: Read> Packets<'a, R> {
    pub fn new(read: R, host: &'a str) -> Self {
        Self {
            read,
            host,
            buffer: Vec::new(),
        }
    }

    pub fn host(&self) -> &'a str {
        self.host
    }

    /// The next packet. An `ERR` packet is the server's refusal.
    pub fn next(&mut self) -> Result<Packet<'_>, Error> {
        let mut length = [0; 4];
        self.fill(&mut length)?;
        let payload = match length_of(length) {
            Some(0) => return Ok(Packet::Flush),
            Some(1) => return Ok(Packet::Delimiter),
            Some(length @ 4..=MAX_PACKET) => length - 4,
            _ => return Err(self.not_git("its packets have no valid length")),
        };
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.resize(payload, 0);
        self.fill(&mut buffer)?;
        self.buffer = buffer;
        match self.buffer.strip_prefix(b"ERR ") {
            Some(text) => Err(said(self.host, text)),
            None => Ok(Packet::Data(&self.buffer)),
        }
    }

    /// The next packet as a line of text; `None` at a flush or delimiter.
    pub fn line(&mut self) -> Result<Option<&[u8]>, Error> {
        Ok(match self.next()? {
            Packet::Data(line) => Some(line.strip_suffix(b"\n").unwrap_or(line)),
            Packet::Flush | Packet::Delimiter => None,
        })
    }

    /// The last packet once more.
    pub fn last(&self) -> &[u8] {
        &self.buffer
    }

    pub fn not_git(&self, cause: &'static str) -> Error {
        Error::NotGit {
            host: self.host.to_owned(),
            cause,
        }
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        self.read
            .read_exact(bytes)
            .map_err(|error| Error::from_io(error, self.host))
    }
}

/// A refusal in the server's own words.
pub fn said(host: &str, text: &[u8]) -> Error {
    Error::Said {
        host: host.to_owned(),
        text: Place::new(text.trim_ascii()),
    }
}

/// One packet with a line of text.
pub fn write(message: &mut Vec<u8>, line: &str) {
    message.extend_from_slice(format!("{:04x}{line}\n", line.len() + 5).as_bytes());
}

fn length_of(digits: [u8; 4]) -> Option<usize> {
    let text = std::str::from_utf8(&digits).ok()?;
    let hex = text.bytes().all(|b| b.is_ascii_hexdigit());
    hex.then(|| usize::from_str_radix(text, 16).ok()).flatten()
}

/// The pack in the packets: gitprotocol-pack(5), "Packfile Data". The first byte of each packet
/// says whether it is data, progress or a refusal.
pub struct Sideband<'a, R> {
    packets: Packets<'a, R>,
    at: usize,
    ended: bool,
}

impl<'a, R: Read> Sideband<'a, R> {
    pub fn new(packets: Packets<'a, R>) -> Self {
        let at = packets.last().len();
        Self {
            packets,
            at,
            ended: false,
        }
    }

    fn advance(&mut self) -> Result<(), Error> {
        while !self.ended && self.at >= self.packets.last().len() {
            let host = self.packets.host();
            match self.packets.next()? {
                Packet::Data([1, ..]) => self.at = 1,
                Packet::Data([2, ..]) => self.at = usize::MAX,
                Packet::Data([3, text @ ..]) => return Err(said(host, text)),
                Packet::Data(_) => return Err(self.packets.not_git("its pack is not in bands")),
                Packet::Flush | Packet::Delimiter => self.ended = true,
            }
        }
        Ok(())
    }
}

impl<R: Read> io::BufRead for Sideband<'_, R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.advance().map_err(Error::into_io)?;
        Ok(if self.ended {
            &[]
        } else {
            &self.packets.last()[self.at..]
        })
    }

    fn consume(&mut self, amount: usize) {
        self.at += amount;
    }
}

impl<R: Read> Read for Sideband<'_, R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let got = io::BufRead::fill_buf(self)?.read(bytes)?;
        io::BufRead::consume(self, got);
        Ok(got)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(bytes: &[u8]) -> Result<String, String> {
        let mut packets = Packets::new(bytes, "example.org");
        match packets.next() {
            Ok(packet) => Ok(format!("{packet:?}")),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let mut message = Vec::new();
        write(&mut message, "command=fetch");
        let mut packets = Packets::new(&message[..], "example.org");
        assert_eq!(packets.line().unwrap(), Some(&b"command=fetch"[..]));
    }

    #[test]
    fn lengths_are_four_hexadecimal_digits_and_bounded() {
        assert_eq!(first(b"0000").unwrap(), "Flush");
        assert_eq!(first(b"0001").unwrap(), "Delimiter");
        assert_eq!(first(b"0004").unwrap(), "Data([])");
        for bytes in [
            &b"0002"[..],
            b"0003",
            b"fff1",
            b"ffff",
            b"<htm",
            b"+00a",
            b"\xff000",
        ] {
            let text = first(bytes).unwrap_err();
            assert!(text.contains("valid length"), "{bytes:?}: {text}");
        }
        assert!(first(b"0008a").unwrap_err().contains("broke off"));
    }

    #[test]
    fn the_pack_is_what_the_first_band_carries() {
        let stream = b"0007\x01ab0008\x02xyz0006\x01c0000";
        let mut read = Sideband::new(Packets::new(&stream[..], "example.org"));
        let mut got = Vec::new();
        read.read_to_end(&mut got).unwrap();
        assert_eq!(got, b"abc");
    }

    #[test]
    fn the_third_band_ends_it_with_the_servers_words() {
        let stream = b"0007\x01ab0008\x03no\n";
        let mut read = Sideband::new(Packets::new(&stream[..], "example.org"));
        let error = read.read_to_end(&mut Vec::new()).unwrap_err();
        let error = Error::from_io(error, "example.org");
        assert_eq!(
            error.to_string(),
            "the git server at example.org refuses: \"no\""
        );
    }
}
