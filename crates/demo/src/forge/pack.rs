//! Objects as a pack: gitformat-pack(5), without deltas.

use std::io::{self, Write as _};

use gix_object::Kind;
use gix_zlib::{Compression, stream::deflate};

use super::repository::Object;

/// A pack of these objects.
pub fn write(objects: &[&Object]) -> io::Result<Vec<u8>> {
    let count = u32::try_from(objects.len()).map_err(io::Error::other)?;
    let mut pack = b"PACK\0\0\0\x02".to_vec();
    pack.extend_from_slice(&count.to_be_bytes());
    for object in objects {
        header(&mut pack, object);
        let mut deflate = deflate::Write::new(&mut pack, Compression::DEFAULT);
        deflate.write_all(&object.data)?;
        deflate.flush()?;
    }
    let mut hasher = gix_hash::hasher(gix_hash::Kind::Sha1);
    hasher.update(&pack);
    let sum = hasher.try_finalize().map_err(io::Error::other)?;
    pack.extend_from_slice(sum.as_slice());
    Ok(pack)
}

/// The type in three bits, and the size: four bits, then seven bits a byte, the lowest first.
fn header(pack: &mut Vec<u8>, object: &Object) {
    let kind: u8 = match object.kind {
        Kind::Commit => 1,
        Kind::Tree => 2,
        Kind::Blob => 3,
        Kind::Tag => 4,
    };
    let mut size = object.data.len();
    let mut byte = kind << 4 | low_bits(size, 4);
    size >>= 4;
    while size > 0 {
        pack.push(byte | 0x80);
        byte = low_bits(size, 7);
        size >>= 7;
    }
    pack.push(byte);
}

fn low_bits(size: usize, bits: u8) -> u8 {
    u8::try_from(size & ((1 << bits) - 1)).expect("at most seven bits")
}
