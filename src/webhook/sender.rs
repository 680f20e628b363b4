//! Who sent a delivery, for the rate limit: whoever connects, or whom a trusted proxy names.

// `core`, because an address is a number here and nothing is connected.
use core::net::{IpAddr, Ipv6Addr, SocketAddr};
use core::str::FromStr;

use http::HeaderMap;

/// Where proxies say for whom they connect.
const FORWARDED: &str = "x-forwarded-for";

/// Some addresses, as in 10.0.0.0/8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: u128,
    /// Bits that count, of 128.
    bits: u32,
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("{text:?} is neither an address nor a network such as 10.0.0.0/8");
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u32>().map_err(|_| wrong())?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(width);
        if bits > width {
            return Err(wrong());
        }
        let bits = bits + 128 - width;
        let network = Self { address: number(address), bits };
        if network.address & !network.mask() != 0 {
            return Err(format!("{text:?} is an address within a network: write the network's own"));
        }
        Ok(network)
    }
}

impl Network {
    fn mask(self) -> u128 {
        u128::MAX.checked_shl(128 - self.bits).unwrap_or(0)
    }

    fn contains(self, address: IpAddr) -> bool {
        number(address) & self.mask() == self.address
    }
}

/// An address of either family as one number: that of IPv4 as IPv6 maps it.
fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// Whose delivery it is: the last hop that is no trusted proxy. Of IPv6 the network counts, which is what one subscriber
/// has. What a stranger writes into the header is not believed.
pub fn sender(peer: IpAddr, headers: &HeaderMap, proxies: &[Network]) -> IpAddr {
    let trusted = |address: IpAddr| proxies.iter().any(|network| network.contains(address));
    let mut sender = peer.to_canonical();
    let hops = headers.get_all(FORWARDED).into_iter().rev();
    let mut hops = hops.flat_map(|value| value.as_bytes().rsplit(|byte| *byte == b','));
    while trusted(sender) {
        let Some(hop) = hops.next().and_then(|hop| address(hop.trim_ascii())) else { break };
        sender = hop.to_canonical();
    }
    match sender {
        IpAddr::V4(_) => sender,
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64))),
    }
}

/// An address as proxies write it: some with a port.
fn address(hop: &[u8]) -> Option<IpAddr> {
    let hop = std::str::from_utf8(hop).ok()?;
    hop.parse().ok().or_else(|| hop.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_read_strictly() {
        for (text, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.0"),
            ("10.1.2.3", "10.1.2.3", "10.1.2.4"),
            ("0.0.0.0/0", "255.255.255.255", "::1"),
            ("fd00::/8", "fdff::1", "fe00::1"),
            ("::/0", "10.0.0.1", ""),
            ("::1", "::1", "::2"),
        ] {
            let network: Network = text.parse().unwrap();
            assert!(network.contains(inside.parse().unwrap()), "{text} has {inside}");
            assert!(outside.is_empty() || !network.contains(outside.parse().unwrap()), "{text} has not {outside}");
        }
        for wrong in ["", "ten", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.1/8", "::/129", "10.0.0.0/", "/8"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }

    /// Who sent what comes from a peer with these X-Forwarded-For, where 10.0.0.0/8 and fd00::/8 are proxies.
    fn check(peer: &str, forwarded: &[&str], expected: &str) {
        let mut headers = HeaderMap::new();
        forwarded.iter().for_each(|value| {
            headers.append(FORWARDED, value.parse().unwrap());
        });
        let proxies = ["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        let found = sender(peer.parse().unwrap(), &headers, &proxies);
        assert_eq!(found, expected.parse::<IpAddr>().unwrap(), "{peer} {forwarded:?}");
    }

    #[test]
    fn only_a_trusted_proxy_is_believed_about_others() {
        check("192.0.2.1", &[], "192.0.2.1");
        check("192.0.2.1", &["198.51.100.7"], "192.0.2.1");
        check("10.0.0.1", &["198.51.100.7"], "198.51.100.7");
        check("::ffff:10.0.0.1", &["198.51.100.7"], "198.51.100.7");
        check("10.0.0.1", &["1.1.1.1, 198.51.100.7"], "198.51.100.7");
        check("10.0.0.1", &["1.1.1.1, 198.51.100.7,10.0.0.2"], "198.51.100.7");
        check("10.0.0.1", &["1.1.1.1", "198.51.100.7:4711"], "198.51.100.7");
        check("fd00::1", &["2001:db8:1:2:3::4"], "2001:db8:1:2::");
        check("10.0.0.1", &["[2001:db8:1:2:3::4]:80"], "2001:db8:1:2::");
    }

    #[test]
    fn what_a_proxy_says_that_is_no_address_is_the_proxys_own() {
        check("10.0.0.1", &[], "10.0.0.1");
        check("10.0.0.1", &["unknown"], "10.0.0.1");
        check("10.0.0.1", &["198.51.100.7, "], "10.0.0.1");
        check("10.0.0.1", &["10.0.0.2"], "10.0.0.2");
    }
}
