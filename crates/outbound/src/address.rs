//! Which addresses are public: reachable by everybody, and nobody's own network.
//!
//! Source: the IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890), the IPv4 and IPv6
//! multicast registries, and for IPv6 the Global Unicast range `2000::/3` (RFC 4291).
//! Entries that are "globally reachable" but hold no ordinary servers (AS112, AMT, PCP anycast) are
//! refused too: a network often answers them itself.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Why `address` is not public, or `None` if it is.
pub fn not_public(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(v4) => special_v4(v4),
        IpAddr::V6(v6) => special_v6(v6),
    }
}

fn special_v4(address: Ipv4Addr) -> Option<&'static str> {
    let bits = address.to_bits();
    let of = |&(network, length, _): &([u8; 4], u32, &str)| {
        let network = u32::from_be_bytes(network);
        (bits ^ network).leading_zeros() >= length
    };
    SPECIAL_V4
        .iter()
        .find(|entry| of(entry))
        .map(|&(_, _, kind)| kind)
}

fn special_v6(address: Ipv6Addr) -> Option<&'static str> {
    let bits = address.to_bits();
    let of = |&(network, length, _): &([u16; 8], u32, &str)| {
        let network = Ipv6Addr::from(network).to_bits();
        (bits ^ network).leading_zeros() >= length
    };
    SPECIAL_V6
        .iter()
        .find(|entry| of(entry))
        .map(|&(_, _, kind)| kind)
        .or_else(|| (bits >> 125 != 0b001).then_some("outside the global unicast range 2000::/3"))
}

const SPECIAL_V4: &[([u8; 4], u32, &str)] = &[
    ([0, 0, 0, 0], 8, "this network, RFC 791"),
    ([10, 0, 0, 0], 8, "private use, RFC 1918"),
    ([100, 64, 0, 0], 10, "shared by carriers, RFC 6598"),
    ([127, 0, 0, 0], 8, "loopback, RFC 1122"),
    ([169, 254, 0, 0], 16, "link-local, RFC 3927"),
    ([172, 16, 0, 0], 12, "private use, RFC 1918"),
    ([192, 0, 0, 0], 24, "IETF protocol assignments, RFC 6890"),
    ([192, 0, 2, 0], 24, "documentation, RFC 5737"),
    ([192, 31, 196, 0], 24, "AS112, RFC 7535"),
    ([192, 52, 193, 0], 24, "AMT, RFC 7450"),
    ([192, 88, 99, 0], 24, "6to4 relays, RFC 7526"),
    ([192, 168, 0, 0], 16, "private use, RFC 1918"),
    ([192, 175, 48, 0], 24, "AS112, RFC 7534"),
    ([198, 18, 0, 0], 15, "benchmarking, RFC 2544"),
    ([198, 51, 100, 0], 24, "documentation, RFC 5737"),
    ([203, 0, 113, 0], 24, "documentation, RFC 5737"),
    ([224, 0, 0, 0], 4, "multicast, RFC 5771"),
    ([255, 255, 255, 255], 32, "broadcast, RFC 919"),
    ([240, 0, 0, 0], 4, "reserved, RFC 1112"),
];

/// Within `2000::/3` these are the exceptions; outside of it they only give a better name.
const SPECIAL_V6: &[([u16; 8], u32, &str)] = &[
    ([0; 8], 128, "unspecified, RFC 4291"),
    ([0, 0, 0, 0, 0, 0, 0, 1], 128, "loopback, RFC 4291"),
    ([0, 0, 0, 0, 0, 0xffff, 0, 0], 96, "IPv4-mapped, RFC 4291"),
    ([0; 8], 96, "IPv4-compatible, RFC 4291"),
    ([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96, "NAT64, RFC 6052"),
    (
        [0x64, 0xff9b, 1, 0, 0, 0, 0, 0],
        48,
        "local NAT64, RFC 8215",
    ),
    ([0x100, 0, 0, 0, 0, 0, 0, 0], 64, "discard, RFC 6666"),
    ([0x100, 0, 0, 1, 0, 0, 0, 0], 64, "dummy prefix, RFC 9780"),
    ([0x2001, 0, 0, 0, 0, 0, 0, 0], 32, "Teredo, RFC 4380"),
    ([0x2001, 2, 0, 0, 0, 0, 0, 0], 48, "benchmarking, RFC 5180"),
    ([0x2001, 0x10, 0, 0, 0, 0, 0, 0], 28, "ORCHID, RFC 4843"),
    ([0x2001, 0x20, 0, 0, 0, 0, 0, 0], 28, "ORCHIDv2, RFC 7343"),
    (
        [0x2001, 0, 0, 0, 0, 0, 0, 0],
        23,
        "IETF protocol assignments, RFC 2928",
    ),
    (
        [0x2001, 0xdb8, 0, 0, 0, 0, 0, 0],
        32,
        "documentation, RFC 3849",
    ),
    ([0x2002, 0, 0, 0, 0, 0, 0, 0], 16, "6to4, RFC 3056"),
    ([0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0], 48, "AS112, RFC 7534"),
    ([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20, "documentation, RFC 9637"),
    (
        [0x5f00, 0, 0, 0, 0, 0, 0, 0],
        16,
        "segment routing, RFC 9602",
    ),
    ([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7, "unique-local, RFC 4193"),
    ([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10, "link-local, RFC 4291"),
    ([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10, "site-local, RFC 3879"),
    ([0xff00, 0, 0, 0, 0, 0, 0, 0], 8, "multicast, RFC 4291"),
];

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("1.1.1.1")]
    #[case("9.255.255.255")]
    #[case("11.0.0.0")]
    #[case("100.63.255.255")]
    #[case("100.128.0.0")]
    #[case("126.255.255.255")]
    #[case("128.0.0.0")]
    #[case("169.253.255.255")]
    #[case("169.255.0.0")]
    #[case("172.15.255.255")]
    #[case("172.32.0.0")]
    #[case("192.0.1.0")]
    #[case("192.0.3.0")]
    #[case("192.167.255.255")]
    #[case("192.169.0.0")]
    #[case("198.17.255.255")]
    #[case("198.20.0.0")]
    #[case("223.255.255.255")]
    #[case("2000::1")]
    #[case("2001:200::1")]
    #[case("2001:db7:ffff::1")]
    #[case("2001:db9::1")]
    #[case("2003::1")]
    #[case("2606:4700:4700::1111")]
    #[case("2a01:4f8::1")]
    #[case("3ffe:ffff::1")]
    fn ordinary_addresses_are_public(#[case] address: IpAddr) {
        assert_eq!(not_public(address), None);
    }

    #[rstest]
    #[case("0.0.0.0", "this network")]
    #[case("0.255.255.255", "this network")]
    #[case("10.0.0.0", "private")]
    #[case("10.255.255.255", "private")]
    #[case("100.64.0.0", "shared")]
    #[case("100.127.255.255", "shared")]
    #[case("127.0.0.1", "loopback")]
    #[case("127.255.255.255", "loopback")]
    #[case("169.254.169.254", "link-local")]
    #[case("172.16.0.0", "private")]
    #[case("172.31.255.255", "private")]
    #[case("192.0.0.8", "protocol assignments")]
    #[case("192.0.0.170", "protocol assignments")]
    #[case("192.0.2.1", "documentation")]
    #[case("192.88.99.1", "6to4")]
    #[case("192.168.255.255", "private")]
    #[case("198.18.0.0", "benchmarking")]
    #[case("198.19.255.255", "benchmarking")]
    #[case("198.51.100.1", "documentation")]
    #[case("203.0.113.255", "documentation")]
    #[case("224.0.0.1", "multicast")]
    #[case("239.255.255.255", "multicast")]
    #[case("240.0.0.0", "reserved")]
    #[case("255.255.255.254", "reserved")]
    #[case("255.255.255.255", "broadcast")]
    #[case("::", "unspecified")]
    #[case("::1", "loopback")]
    #[case("::7f00:1", "IPv4-compatible")]
    #[case("::8.8.8.8", "IPv4-compatible")]
    #[case("::ffff:127.0.0.1", "IPv4-mapped")]
    #[case("::ffff:8.8.8.8", "IPv4-mapped")]
    #[case("::ffff:0:8.8.8.8", "outside")]
    #[case("64:ff9b::a00:1", "NAT64")]
    #[case("64:ff9b:1::1", "local NAT64")]
    #[case("100::1", "discard")]
    #[case("100:0:0:1::1", "dummy")]
    #[case("2001::1", "Teredo")]
    #[case("2001:1::1", "protocol assignments")]
    #[case("2001:2::1", "benchmarking")]
    #[case("2001:4:112::1", "protocol assignments")]
    #[case("2001:10::1", "ORCHID")]
    #[case("2001:2f::1", "ORCHIDv2")]
    #[case("2001:30::1", "protocol assignments")]
    #[case("2001:db8::1", "documentation")]
    #[case("2002:7f00:1::", "6to4")]
    #[case("3fff:fff::1", "documentation")]
    #[case("4000::1", "outside")]
    #[case("5f00::1", "segment routing")]
    #[case("fc00::1", "unique-local")]
    #[case("fd12:3456::1", "unique-local")]
    #[case("fe80::1", "link-local")]
    #[case("febf::1", "link-local")]
    #[case("fec0::1", "site-local")]
    #[case("feff::1", "site-local")]
    #[case("ff02::1", "multicast")]
    fn special_addresses_are_not_public(#[case] address: IpAddr, #[case] kind: &str) {
        let found = not_public(address).expect("this address is special");
        assert!(found.contains(kind), "{address} is said to be {found}");
    }
}
