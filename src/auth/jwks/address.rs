//! Which addresses keys may come from.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How far the key server may be sought.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reach {
    /// In private networks and on this machine, too.
    pub(super) private: bool,
    /// The connection is not encrypted: whoever is on the way could put in keys of their own.
    pub(super) plain_http: bool,
}

impl Reach {
    /// Whether a connection to this address may be made.
    pub(super) fn permits(self, address: IpAddr) -> bool {
        match kind(address) {
            Kind::Public => !self.plain_http,
            Kind::Private => self.private,
            Kind::Never => false,
        }
    }
}

/// What an address is, by the registries of special-purpose addresses (RFC 6890).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Public,
    /// This machine, and networks that organisations number themselves.
    Private,
    /// No issuer lives there; link-local addresses are where clouds keep their metadata.
    Never,
}

/// Where clouds keep their metadata outside the link-local range.
const METADATA: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
];

fn kind(address: IpAddr) -> Kind {
    if METADATA.contains(&address) {
        return Kind::Never;
    }
    match address {
        IpAddr::V4(address) => kind_v4(address),
        IpAddr::V6(address) => kind_v6(address),
    }
}

fn kind_v4(address: Ipv4Addr) -> Kind {
    match address.octets() {
        [10 | 127, ..] | [192, 168, ..] | [172, 16..=31, ..] | [100, 64..=127, ..] => Kind::Private,
        // This network; link-local; protocol assignments and documentation; relays; benchmarks.
        [0, ..]
        | [169, 254, ..]
        | [192, 0, 0 | 2, _]
        | [198, 51, 100, _]
        | [203, 0, 113, _]
        | [192, 88, 99, _]
        | [198, 18..=19, ..] => Kind::Never,
        // Multicast, reserved, broadcast.
        [224..=255, ..] => Kind::Never,
        _ => Kind::Public,
    }
}

fn kind_v6(address: Ipv6Addr) -> Kind {
    if address == Ipv6Addr::LOCALHOST {
        return Kind::Private;
    }
    let segments = address.segments();
    let embedded = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        kind(IpAddr::V4(Ipv4Addr::new(a, b, c, d)))
    };
    match segments {
        // Addresses that stand for an IPv4 address: mapped, NAT64, 6to4.
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            embedded(high, low)
        }
        [0x2002, high, low, ..] => embedded(high, low),
        [0xfc00..=0xfdff, ..] => Kind::Private,
        // Teredo and other protocol assignments; documentation.
        [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Kind::Never,
        [0x2000..=0x3fff, ..] => Kind::Public,
        // Link-local, multicast, unspecified, discard and whatever is not assigned.
        _ => Kind::Never,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_apart_in_whatever_clothes() {
        for (kind_expected, addresses) in [
            (
                Kind::Public,
                "1.1.1.1 172.15.0.1 172.32.0.1 100.63.0.1 100.128.0.1 192.0.1.1 11.0.0.1 2606:4700::1111 \
                 ::ffff:8.8.8.8 64:ff9b::808:808 2002:808:808::1",
            ),
            (
                Kind::Private,
                "127.0.0.1 127.9.9.9 10.0.0.1 172.16.0.1 172.31.255.255 192.168.0.1 100.64.0.1 ::1 fd00::1 fc00::1 \
                 ::ffff:10.0.0.1 ::ffff:127.0.0.1 64:ff9b::7f00:1 2002:a00:1::1",
            ),
            (
                Kind::Never,
                "0.0.0.0 169.254.169.254 169.254.0.1 192.0.0.1 192.0.2.1 198.18.0.1 224.0.0.1 255.255.255.255 \
                 100.100.100.200 ::ffff:100.100.100.200 fd00:ec2::254 :: ::1.2.3.4 fe80::1 fec0::1 ff02::1 2001::1 \
                 2001:db8::1 ::ffff:169.254.169.254 64:ff9b::a9fe:a9fe 64:ff9b:1::1 2002:a9fe:a9fe::1 100::1",
            ),
        ] {
            for address in addresses.split_whitespace() {
                assert_eq!(kind(address.parse().unwrap()), kind_expected, "{address}");
            }
        }
    }

    #[test]
    fn private_addresses_need_leave_and_plain_http_never_leaves_them() {
        let permits = |address: &str, private, plain_http| {
            let reach = Reach {
                private,
                plain_http,
            };
            reach.permits(address.parse().unwrap())
        };
        assert!(permits("1.1.1.1", false, false) && permits("1.1.1.1", true, false));
        assert!(!permits("1.1.1.1", true, true));
        assert!(!permits("10.0.0.1", false, false));
        assert!(permits("10.0.0.1", true, false) && permits("10.0.0.1", true, true));
        assert!(!permits("169.254.169.254", true, true));
    }
}
