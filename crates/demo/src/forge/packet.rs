//! The packets of git's protocol: gitprotocol-common(5), "pkt-line Format".

/// The end of a message.
pub const FLUSH: &[u8] = b"0000";
/// The end of a section.
pub const DELIMITER: &[u8] = b"0001";
/// The most that a packet of a pack carries: 65520 bytes less its length and the band.
const MAX_BAND: usize = 65_515;

/// One packet of a request.
#[derive(Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// A line of text, without its line break.
    Line(&'a str),
    /// `0000`
    Flush,
    /// `0001`
    Delimiter,
}

/// All packets of a request, or `None` if these are none.
pub fn read(mut bytes: &[u8]) -> Option<Vec<Packet<'_>>> {
    let mut packets = Vec::new();
    while let Some((digits, rest)) = bytes.split_at_checked(4) {
        let length = length_of(digits)?;
        let (packet, rest) = match length {
            0 => (Packet::Flush, rest),
            1 => (Packet::Delimiter, rest),
            _ => {
                let (text, rest) = rest.split_at_checked(length.checked_sub(4)?)?;
                let text = str::from_utf8(text).ok()?;
                (Packet::Line(text.strip_suffix('\n').unwrap_or(text)), rest)
            }
        };
        packets.push(packet);
        bytes = rest;
    }
    bytes.is_empty().then_some(packets)
}

fn length_of(digits: &[u8]) -> Option<usize> {
    let hex = digits.iter().all(u8::is_ascii_hexdigit);
    let text = str::from_utf8(digits).ok().filter(|_| hex)?;
    usize::from_str_radix(text, 16).ok()
}

/// One packet with a line of text.
pub fn line(message: &mut Vec<u8>, line: &str) {
    message.extend_from_slice(format!("{:04x}{line}\n", line.len() + 5).as_bytes());
}

/// A pack on the first band: gitprotocol-pack(5), "Packfile Data".
pub fn bands(message: &mut Vec<u8>, pack: &[u8]) {
    for part in pack.chunks(MAX_BAND) {
        message.extend_from_slice(format!("{:04x}\x01", part.len() + 5).as_bytes());
        message.extend_from_slice(part);
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut message = Vec::new();
        line(&mut message, "command=fetch");
        message.extend_from_slice(DELIMITER);
        message.extend_from_slice(FLUSH);
        let packets = [
            Packet::Line("command=fetch"),
            Packet::Delimiter,
            Packet::Flush,
        ];
        assert_eq!(read(&message).as_deref(), Some(&packets[..]));
    }

    #[test]
    fn a_long_pack_travels_in_bands_that_git_takes() {
        let pack: Vec<u8> = (0..=250).cycle().take(2 * MAX_BAND + 1).collect();
        let mut message = Vec::new();
        bands(&mut message, &pack);
        let (mut rest, mut got) = (&message[..], Vec::new());
        while let Some((digits, after)) = rest.split_at_checked(4) {
            let length = length_of(digits).unwrap();
            assert!(length <= 65_520, "a packet of {length} bytes");
            let (packet, after) = after.split_at(length - 4);
            assert_eq!(packet[0], 1);
            got.extend_from_slice(&packet[1..]);
            rest = after;
        }
        assert!(got == pack, "the pack has changed on its way");
    }

    #[rstest]
    #[case(b"0002")]
    #[case(b"0003")]
    #[case(b"00")]
    #[case(b"0008a")]
    #[case(b"+00a12")]
    #[case(b"<htm")]
    #[case(b"0006\xff\xff")]
    fn what_is_no_packet_is_refused(#[case] bytes: &[u8]) {
        assert_eq!(read(bytes), None);
    }
}
