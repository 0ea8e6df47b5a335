//! Deltas: gitformat-pack(5), "Deltified representation". No I/O.

use std::ops::Range;

/// How large what a delta makes is, out of its first bytes.
pub fn result_size(delta: &[u8]) -> Option<u64> {
    let mut rest = delta;
    number(&mut rest)?;
    number(&mut rest)
}

/// What a delta makes of a base of `base_size` bytes; `None` if it is not made for it, or would
/// make more than `limit` bytes. `read` fills a slice with what stands at a place of the base.
pub fn apply<E>(
    base_size: u64,
    delta: &[u8],
    limit: u64,
    mut read: impl FnMut(u64, &mut [u8]) -> Result<(), E>,
) -> Result<Option<Vec<u8>>, E> {
    let Some((size, mut rest)) = begin(base_size, delta, limit) else {
        return Ok(None);
    };
    let mut result = Vec::with_capacity(size);
    while !rest.is_empty() {
        let left = size - result.len();
        match instruction(&mut rest) {
            Some(Instruction::Insert(piece)) if piece.len() <= left => {
                result.extend_from_slice(piece);
            }
            Some(Instruction::Copy { offset, length })
                if length <= left && offset + length as u64 <= base_size =>
            {
                let done = result.len();
                result.resize(done + length, 0);
                read(offset, &mut result[done..])?;
            }
            _ => return Ok(None),
        }
    }
    Ok((result.len() == size).then_some(result))
}

fn begin(base_size: u64, delta: &[u8], limit: u64) -> Option<(usize, &[u8])> {
    let mut rest = delta;
    if number(&mut rest)? != base_size {
        return None;
    }
    let size = number(&mut rest).filter(|&size| size <= limit)?;
    Some((usize::try_from(size).ok()?, rest))
}

enum Instruction<'a> {
    Insert(&'a [u8]),
    Copy { offset: u64, length: usize },
}

fn instruction<'a>(rest: &mut &'a [u8]) -> Option<Instruction<'a>> {
    let first = *rest.split_off_first()?;
    match first {
        0 => None,
        1..=0x7f => rest
            .split_off(..usize::from(first))
            .map(Instruction::Insert),
        0x80.. => copy(first, rest),
    }
}

/// Four bits say which bytes of the offset follow, three which of the length.
fn copy<'a>(first: u8, rest: &mut &[u8]) -> Option<Instruction<'a>> {
    let mut field = |bits: Range<u8>| {
        let mut value = 0;
        for (place, bit) in bits.enumerate() {
            if first & 1 << bit != 0 {
                value |= u32::from(*rest.split_off_first()?) << (8 * place);
            }
        }
        Some(value)
    };
    let offset = field(0..4)?.into();
    let length = match field(4..7)? {
        0 => 0x10000,
        length => usize::try_from(length).ok()?,
    };
    Some(Instruction::Copy { offset, length })
}

/// Seven bits a byte, the lowest first.
fn number(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..63).step_by(7) {
        let byte = *rest.split_off_first()?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use proptest::prelude::*;
    use rstest::rstest;

    use super::result_size;

    const BASE: &[u8] = b"0123456789";

    fn apply(base: &[u8], delta: &[u8], limit: u64) -> Option<Vec<u8>> {
        let read = |offset, bytes: &mut [u8]| {
            let from = usize::try_from(offset).unwrap();
            bytes.copy_from_slice(&base[from..from + bytes.len()]);
            Ok::<_, Infallible>(())
        };
        let Ok(result) = super::apply(base.len() as u64, delta, limit, read);
        result
    }

    #[test]
    fn a_deltas_second_number_is_the_size_of_its_result() {
        assert_eq!(result_size(&[0x05, 0x0a, 0xff]), Some(10));
        assert_eq!(result_size(&[0x80, 0x01, 0xe5, 0x8e, 0x26]), Some(624_485));
        assert_eq!(result_size(&[0x80, 0x01, 0xe5, 0x8e]), None);
        assert_eq!(result_size(&[0xff; 20]), None);
        assert_eq!(result_size(&[]), None);
    }

    #[rstest]
    #[case::insert(b"\x0a\x03\x03abc", "abc")]
    #[case::copy(b"\x0a\x02\x91\x03\x02", "34")]
    #[case::copy_from_the_beginning(b"\x0a\x02\x90\x02", "01")]
    #[case::both(b"\x0a\x05\x01x\x91\x08\x02\x02yz", "x89yz")]
    #[case::nothing(b"\x0a\x00", "")]
    fn instructions_make_the_result(#[case] delta: &[u8], #[case] expected: &str) {
        assert_eq!(apply(BASE, delta, 100).unwrap(), expected.as_bytes());
    }

    #[rstest]
    #[case::for_another_base(b"\x0b\x03\x03abc")]
    #[case::instruction_zero(b"\x0a\x03\x00\x03abc")]
    #[case::insert_beyond_the_end(b"\x0a\x03\x04abc")]
    #[case::copy_beyond_the_end(b"\x0a\x02\x91\x09\x02")]
    #[case::copy_from_beyond_the_end(b"\x0a\x01\x91\x0b\x01")]
    #[case::copy_from_far_away(b"\x0a\x01\x9f\xff\xff\xff\xff\x01")]
    #[case::half_a_copy(b"\x0a\x02\x91\x03")]
    #[case::more_than_it_says(b"\x0a\x02\x03abc")]
    #[case::less_than_it_says(b"\x0a\x04\x03abc")]
    #[case::more_than_may_be(b"\x0a\x65\x03abc")]
    #[case::no_size(b"\x0a")]
    #[case::empty(b"")]
    fn a_delta_that_is_none_makes_nothing(#[case] delta: &[u8]) {
        assert_eq!(apply(BASE, delta, 100), None);
    }

    #[test]
    fn a_length_of_zero_is_65536() {
        let base = vec![7; 0x10001];
        let delta = [0x81, 0x80, 0x04, 0x80, 0x80, 0x04, 0x80];
        assert_eq!(apply(&base, &delta, 1 << 20).unwrap(), vec![7; 0x10000]);
    }

    proptest! {
        #[test]
        fn whatever_the_bytes_are_the_result_is_within_the_limit(
            tail in proptest::collection::vec(any::<u8>(), 0..60),
            size in 0..200_u8,
        ) {
            let delta = [&[10, size & 0x7f][..], &tail].concat();
            if let Some(result) = apply(BASE, &delta, 100) {
                prop_assert_eq!(result.len(), usize::from(size & 0x7f));
                prop_assert!(result.len() <= 100);
            }
        }
    }
}
