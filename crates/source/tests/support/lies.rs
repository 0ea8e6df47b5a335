//! Answers that no honest server gives, made by hand.

use std::io::Write as _;
use std::net::TcpStream;

use super::{Request, Server};

pub const ADVERTISEMENT: &str = "application/x-git-upload-pack-advertisement";
pub const RESULT: &str = "application/x-git-upload-pack-result";

pub fn answer(stream: &mut TcpStream, status: &str, headers: &str, body: &[u8]) {
    let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\n{headers}\r\n");
    let _ = stream.write_all(head.as_bytes());
    let _ = stream.write_all(body);
}

pub fn fine(stream: &mut TcpStream, kind: &str, body: &[u8]) {
    answer(stream, "200 OK", &format!("Content-Type: {kind}\r\n"), body);
}

pub fn packet(line: &[u8]) -> Vec<u8> {
    [format!("{:04x}", line.len() + 4).as_bytes(), line].concat()
}

/// Says that it speaks the newest protocol, and then what it is told to say.
pub fn speaks(then: impl Fn(&mut TcpStream) + Send + Sync + 'static) -> Server {
    Server::start(move |request: &Request, stream| {
        if request.method == "GET" {
            let lines = [packet(b"version 2\n"), packet(b"fetch=shallow\n")].concat();
            fine(stream, ADVERTISEMENT, &[&lines[..], b"0000"].concat());
        } else {
            then(stream);
        }
    })
}

pub fn sends_pack(pack: Vec<u8>) -> Server {
    speaks(move |stream| {
        let mut body = packet(b"packfile\n");
        for chunk in pack.chunks(60_000) {
            body.extend(packet(&[b"\x01", chunk].concat()));
        }
        body.extend_from_slice(b"0000");
        fine(stream, RESULT, &body);
    })
}

/// gitformat-pack(5), by hand.
#[derive(Default)]
pub struct Packer {
    body: Vec<u8>,
    count: u32,
}

impl Packer {
    /// An entry whose bytes are what they are; where it stands.
    pub fn raw(&mut self, kind: u8, size: u64, bytes: &[u8]) -> u64 {
        let offset = 12 + self.body.len() as u64;
        let mut byte = (kind << 4) | u8::try_from(size & 15).expect("four bits");
        let mut rest = size >> 4;
        while rest > 0 {
            self.body.push(byte | 0x80);
            byte = u8::try_from(rest & 127).expect("seven bits");
            rest >>= 7;
        }
        self.body.push(byte);
        self.body.extend_from_slice(bytes);
        self.count += 1;
        offset
    }

    /// A difference from what stands at `base`.
    pub fn delta(&mut self, base: u64, delta: &[u8]) -> u64 {
        let mut distance = 12 + self.body.len() as u64 - base;
        let mut digits = vec![u8::try_from(distance & 127).expect("seven bits")];
        while distance >= 128 {
            distance = (distance >> 7) - 1;
            digits.push(0x80 | u8::try_from(distance & 127).expect("seven bits"));
        }
        digits.reverse();
        self.raw(6, delta.len() as u64, &[digits, stored(delta)].concat())
    }

    pub fn done(self) -> Vec<u8> {
        let head = [b"PACK", &2_u32.to_be_bytes()[..], &self.count.to_be_bytes()].concat();
        let mut pack = [head, self.body].concat();
        let mut hasher = gix_hash::hasher(gix_hash::Kind::Sha1);
        hasher.update(&pack);
        let sum = hasher.try_finalize().expect("the test makes it so");
        pack.extend_from_slice(sum.as_slice());
        pack
    }
}

/// zlib's form without compression: RFC 1950 and RFC 1951, section 3.2.4.
pub fn stored(data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).expect("the test makes it so");
    let (mut a, mut b) = (1_u32, 0_u32);
    for &byte in data {
        a = (a + u32::from(byte)) % 65521;
        b = (b + a) % 65521;
    }
    let mut bytes = vec![0x78, 0x01, 0x01];
    bytes.extend(length.to_le_bytes());
    bytes.extend((!length).to_le_bytes());
    bytes.extend_from_slice(data);
    bytes.extend(((b << 16) | a).to_be_bytes());
    bytes
}
