//! Where letters may go. Names are resolved here, and what they lead to is judged before anything is connected, so that a name
//! cannot lead elsewhere a moment later.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// How far letters may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// To the internet, over https.
    Public,
    /// To private networks, too: for GitSyncs of the operator's namespace.
    Private,
    /// Over http and to this machine, too: where the operator's flag says so.
    Any,
}

/// Why an address is not connected to.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Refused(pub &'static str);

const INSECURE: &str = "its address is not https; the operator allows http with the flag --alerts-to-internal";
const LOCAL: &str = "its address leads to this machine or its own link, where nothing is told; the operator allows this machine with \
                     the flag --alerts-to-internal";
const PRIVATE: &str = "its address leads into a private network, where only GitSyncs of the operator's namespace tell; the operator \
                       allows it with the flag --alerts-to-internal";

impl Reach {
    /// How far those of a GitSync may go.
    pub fn of(operators: bool, internal: bool) -> Self {
        match (internal, operators) {
            (true, _) => Self::Any,
            (false, true) => Self::Private,
            (false, false) => Self::Public,
        }
    }

    pub(super) fn index(self) -> usize {
        match self {
            Self::Public => 0,
            Self::Private => 1,
            Self::Any => 2,
        }
    }

    /// Whether that may be called, as far as its text says.
    pub(super) fn allows(self, url: &Url) -> Result<(), &'static str> {
        if url.scheme() != "https" && self != Self::Any {
            return Err(INSECURE);
        }
        let host = url.host_str().unwrap_or_default();
        match host.trim_start_matches('[').trim_end_matches(']').parse() {
            Ok(address) => self.judges(address),
            Err(_) => Ok(()),
        }
    }

    fn judges(self, address: IpAddr) -> Result<(), &'static str> {
        match (net_of(address), self) {
            (Net::Link, _) | (Net::Machine, Self::Public | Self::Private) => Err(LOCAL),
            (Net::Private, Self::Public) => Err(PRIVATE),
            _ => Ok(()),
        }
    }
}

/// Whose network an address is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Net {
    Public,
    Private,
    /// This machine.
    Machine,
    /// Its link, where clouds answer with credentials; and what is no address of one host.
    Link,
}

fn net_of(address: IpAddr) -> Net {
    match address {
        IpAddr::V4(address) => of_v4(address),
        IpAddr::V6(address) => match embedded(address) {
            Some(inner) => of_v4(inner),
            None => of_v6(address),
        },
    }
}

fn of_v4(address: Ipv4Addr) -> Net {
    let [a, b, c, d] = address.octets();
    match (a, b) {
        // Azure, Alibaba and Oracle answer on addresses of their own.
        _ if [[168, 63, 129, 16], [100, 100, 100, 200]].contains(&[a, b, c, d]) => Net::Link,
        (192, 0) if c == 0 => Net::Link,
        (127 | 0, _) => Net::Machine,
        (169, 254) => Net::Link,
        (224.., _) => Net::Link,
        // Shared and benchmark networks are somebody's own, too.
        (10, _) | (192, 168) | (100, 64..=127) | (198, 18 | 19) => Net::Private,
        (172, 16..=31) => Net::Private,
        _ => Net::Public,
    }
}

fn of_v6(address: Ipv6Addr) -> Net {
    let first = address.segments()[0];
    match first {
        _ if address.is_loopback() || address.is_unspecified() => Net::Machine,
        // fd00:ec2::254 answers with credentials.
        0xfd00 if address.segments()[1] == 0x0ec2 => Net::Link,
        // Translated to whatever somebody nearby has set up.
        0x64 if address.segments()[1..3] == [0xff9b, 1] => Net::Link,
        0xfc00..=0xfdff => Net::Private,
        0xfe80..=0xfebf | 0xff00.. => Net::Link,
        0xfec0..=0xfeff => Net::Private,
        _ => Net::Public,
    }
}

/// The address of IPv4 that one of IPv6 stands for: mapped, compatible, translated (64:ff9b::/96, ::ffff:0:0:0/96) or 6to4.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let tail = |high: u16, low: u16| {
        let ([one, two], [three, four]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(one, two, three, four)
    };
    match (a, b, c, d, e, f) {
        (0, 0, 0, 0, 0, 0 | 0xffff) | (0, 0, 0, 0, 0xffff, 0) | (0x64, 0xff9b, 0, 0, 0, 0) => Some(tail(g, h)),
        (0x2002, ..) => Some(tail(b, c)),
        _ => None,
    }
}

/// Resolves names, and gives out what may be connected to.
pub(super) struct Guarded(pub Reach);

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0;
        Box::pin(async move {
            // The port is set by whoever connects.
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let (mut allowed, mut refused) = (Vec::new(), None);
            for address in found {
                match reach.judges(address.ip()) {
                    Ok(()) => allowed.push(address),
                    Err(why) => refused = Some(Refused(why)),
                }
            }
            match refused {
                Some(refused) if allowed.is_empty() => Err(refused.into()),
                _ => Ok(Box::new(allowed.into_iter()) as Addrs),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, expected: [bool; 3]) {
        let url = Url::parse(url).unwrap();
        let found = [Reach::Public, Reach::Private, Reach::Any].map(|reach| reach.allows(&url).is_ok());
        assert_eq!(found, expected, "{url}");
    }

    #[test]
    fn by_default_only_https_to_public_addresses_is_sent() {
        check("https://hooks.slack.com/x", [true; 3]);
        check("https://93.184.216.34/", [true; 3]);
        check("https://[2606:2800::1]/", [true; 3]);
        check("http://hooks.slack.com/x", [false, false, true]);
    }

    #[test]
    fn private_networks_are_for_the_operator_and_this_machine_for_nobody() {
        for private in
            ["10.1.2.3", "172.16.0.1", "172.31.9.9", "192.168.1.1", "100.64.0.1", "[fd12::1]", "[::ffff:10.0.0.1]"]
        {
            check(&format!("https://{private}/"), [false, true, true]);
        }
        for machine in [
            "127.0.0.1",
            "127.9.9.9",
            "0.0.0.0",
            "[::1]",
            "[::]",
            "[::7f00:1]",
            "[::ffff:127.0.0.1]",
            "2130706433",
            "0x7f.1",
        ] {
            check(&format!("https://{machine}/"), [false, false, true]);
        }
        for public in ["172.15.0.1", "172.32.0.1", "100.63.0.1", "192.0.1.1", "168.63.129.17", "11.0.0.1"] {
            check(&format!("https://{public}/"), [true; 3]);
        }
    }

    #[test]
    fn where_clouds_answer_with_credentials_nothing_is_sent_by_anybody() {
        for link in [
            "169.254.169.254",
            "[::ffff:169.254.169.254]",
            "[fe80::1]",
            "[fd00:ec2::254]",
            "[64:ff9b::a9fe:a9fe]",
            "[64:ff9b:1::a9fe:a9fe]",
            "[::ffff:0:a9fe:a9fe]",
            "[::a9fe:a9fe]",
            "100.100.100.200",
            "168.63.129.16",
            "192.0.0.192",
            "224.0.0.1",
        ] {
            check(&format!("https://{link}/"), [false; 3]);
        }
    }
}
