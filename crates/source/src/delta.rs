//! Deltas: gitformat-pack(5), "Deltified representation". No I/O.

/// As much of a delta as [`result_size`] needs: two numbers of at most ten bytes.
pub const HEADER_BYTES: usize = 20;

/// How large what a delta makes is, out of its first bytes.
pub fn result_size(delta: &[u8]) -> Option<u64> {
    let mut rest = delta;
    number(&mut rest)?;
    number(&mut rest)
}

/// What a delta makes of its base; `None` if it is not made for it, or would make more than
/// `limit` bytes.
pub fn apply(base: &[u8], delta: &[u8], limit: u64) -> Option<Vec<u8>> {
    let mut rest = delta;
    if number(&mut rest)? != base.len() as u64 {
        return None;
    }
    let size = number(&mut rest).filter(|&size| size <= limit)?;
    let size = usize::try_from(size).ok()?;
    let mut result = Vec::with_capacity(size);
    while let Some((&instruction, after)) = rest.split_first() {
        rest = after;
        let piece = match instruction {
            0 => return None,
            1..=0x7f => rest.split_off(..usize::from(instruction))?,
            0x80.. => copied(base, instruction, &mut rest)?,
        };
        if piece.len() > size - result.len() {
            return None;
        }
        result.extend_from_slice(piece);
    }
    (result.len() == size).then_some(result)
}

/// Four bits say which bytes of the offset follow, three which of the length.
fn copied<'a>(base: &'a [u8], instruction: u8, rest: &mut &[u8]) -> Option<&'a [u8]> {
    let mut field = |bits: std::ops::Range<u8>| {
        let mut value = 0;
        for (place, bit) in bits.enumerate() {
            if instruction & 1 << bit != 0 {
                value |= usize::from(*rest.split_off_first()?) << (8 * place);
            }
        }
        Some(value)
    };
    let offset = field(0..4)?;
    let length = match field(4..7)? {
        0 => 0x10000,
        length => length,
    };
    base.get(offset..offset.checked_add(length)?)
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
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    const BASE: &[u8] = b"0123456789";

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
