//! Headers in a pack: gitformat-pack(5), "pack-*.pack files have the following format".

use std::io::Read;

use gix_object::Kind;

use crate::error::Error;

/// What stands before the compressed bytes of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub form: Form,
    /// Of the bytes when inflated.
    pub size: u64,
}

/// How an object is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As it is.
    Whole(Kind),
    /// As the difference from the entry that stands so many bytes before.
    Delta { distance: u64 },
}

/// `PACK`, the version, and how many entries there are.
pub fn count(read: &mut impl Read, host: &str) -> Result<u32, Error> {
    let mut header = [0; 12];
    read.read_exact(&mut header)
        .map_err(|error| Error::from_io(error, host))?;
    match header {
        [b'P', b'A', b'C', b'K', 0, 0, 0, 2 | 3, count @ ..] => Ok(u32::from_be_bytes(count)),
        _ => Err(Error::bad_pack(host, "it is no pack")),
    }
}

/// One entry's header. Deltas by name are refused: we ask for those by offset, and what stands
/// before an entry cannot be a circle.
pub fn header(read: &mut impl Read, host: &str) -> Result<Header, Error> {
    let first = byte(read, host)?;
    let mut size = u64::from(first & 15);
    let (mut more, mut shift) = (first & 0x80 != 0, 4);
    while more {
        let next = byte(read, host)?;
        let part = u64::from(next & 0x7f);
        if shift > 56 {
            return Err(Error::bad_pack(host, "an entry's header is too long"));
        }
        size |= part << shift;
        (more, shift) = (next & 0x80 != 0, shift + 7);
    }
    let form = match first >> 4 & 7 {
        1 => Form::Whole(Kind::Commit),
        2 => Form::Whole(Kind::Tree),
        3 => Form::Whole(Kind::Blob),
        4 => Form::Whole(Kind::Tag),
        6 => Form::Delta {
            distance: distance(read, host)?,
        },
        7 => return Err(Error::bad_pack(host, "a delta's base is not in it")),
        _ => return Err(Error::bad_pack(host, "an entry is of no known kind")),
    };
    Ok(Header { form, size })
}

/// "offset encoding": each byte but the last adds one, so that no number has two spellings.
fn distance(read: &mut impl Read, host: &str) -> Result<u64, Error> {
    let mut next = byte(read, host)?;
    let mut value = u64::from(next & 0x7f);
    while next & 0x80 != 0 {
        next = byte(read, host)?;
        value = (value + 1)
            .checked_mul(128)
            .ok_or_else(|| Error::bad_pack(host, "a delta has no base"))?
            | u64::from(next & 0x7f);
    }
    Ok(value)
}

fn byte(read: &mut impl Read, host: &str) -> Result<u8, Error> {
    let mut byte = [0];
    read.read_exact(&mut byte)
        .map_err(|error| Error::from_io(error, host))?;
    Ok(byte[0])
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const BLOB: Form = Form::Whole(Kind::Blob);

    #[rstest]
    #[case(&[0x3a], BLOB, 10)]
    #[case(&[0xb5, 0x01], BLOB, 21)]
    #[case(&[0x9f, 0xff, 0x7f], Form::Whole(Kind::Commit), 0x3_ffff)]
    #[case(&[0x64, 0x7f], Form::Delta { distance: 127 }, 4)]
    #[case(&[0x64, 0x80, 0x00], Form::Delta { distance: 128 }, 4)]
    #[case(&[0x64, 0x81, 0x00], Form::Delta { distance: 256 }, 4)]
    #[case(&[0x64, 0x80, 0x80, 0x00], Form::Delta { distance: 16_512 }, 4)]
    fn a_header_is_read(#[case] bytes: &[u8], #[case] form: Form, #[case] size: u64) {
        let mut rest = bytes;
        let read = header(&mut rest, "example.org").unwrap();
        assert_eq!(read, Header { form, size });
        assert!(rest.is_empty());
    }

    #[rstest]
    #[case(&[0x0a], "no known kind")]
    #[case(&[0x5a], "no known kind")]
    #[case(&[0x7a], "base is not in it")]
    #[case(&[0xff; 30], "too long")]
    #[case(&[&[0x64_u8][..], &[0xff; 30]].concat(), "no base")]
    #[case(&[], "broke off")]
    #[case(&[0xb5], "broke off")]
    #[case(&[0x64, 0x80], "broke off")]
    fn a_header_that_is_none_is_refused(#[case] bytes: &[u8], #[case] expected: &str) {
        let mut bytes = bytes;
        let text = header(&mut bytes, "example.org").unwrap_err().to_string();
        assert!(text.contains(expected), "{text}");
    }
}
