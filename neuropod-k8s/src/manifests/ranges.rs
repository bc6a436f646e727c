//! Address ranges: which are public, and which the configuration opens or closes in addition.

use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::{Value, json};

/// All of IPv4. [`NOT_PUBLIC_V4`] is closed within it.
const ALL_V4: &str = "0.0.0.0/0";
/// The global unicast addresses of IPv6 (RFC 4291, section 2.4). All other addresses are not public: loopback,
/// unique local and link-local addresses, multicast, IPv4-mapped ones, the NAT64 prefixes `64:ff9b::/96` and
/// `64:ff9b:1::/48` (which lead to any IPv4 address, such as the cloud's metadata), and reserved ones.
const PUBLIC_V6: &str = "2000::/3";

/// Addresses of IPv4 that are never public (IANA special-purpose registry, RFC 6890): the cluster's own pods, Services
/// and nodes, private networks around it, link-local ones with the cloud's metadata (169.254.169.254), multicast and
/// reserved ones. Addresses for documentation are not listed: they lead nowhere, and tests use them as public ones.
const NOT_PUBLIC_V4: [&str; 13] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    // Relays of 6to4, which lead into IPv6.
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "224.0.0.0/4",
    "240.0.0.0/4",
    // Azure's metadata and host agent, at a public address.
    "168.63.129.16/32",
];

/// Ranges inside of [`PUBLIC_V6`] that are not public (IANA special-purpose registry).
const NOT_PUBLIC_V6: [&str; 2] = [
    // Protocols of the IETF, with Teredo (2001::/32), which leads to IPv4 addresses.
    "2001::/23",
    // 6to4: each contains an IPv4 address, which may be a private one.
    "2002::/16",
];

/// Ranges that stay closed within a wider opened range: the node itself, and the cloud's metadata.
const NEVER_BY_THE_WAY: [&str; 7] = [
    "127.0.0.0/8",
    "169.254.0.0/16",
    "100.100.100.200/32",
    "168.63.129.16/32",
    "::1/128",
    "fe80::/10",
    "fd00:ec2::/32",
];

/// The peers of a policy for the public internet, without the ranges that are `blocked`.
pub(super) fn internet(blocked: &[String]) -> Vec<Value> {
    let v4 = NOT_PUBLIC_V4.into_iter();
    let v6 = NOT_PUBLIC_V6.into_iter();
    let blocked = || blocked.iter().map(String::as_str);
    [
        without(ALL_V4, v4.chain(blocked())),
        without(PUBLIC_V6, v6.chain(blocked())),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The peers of a policy for ranges that are opened although they are not public. A `blocked` range within an
/// opened one stays closed. An opened range within a blocked one is open.
pub(super) fn opened(ranges: &[String], blocked: &[String]) -> Vec<Value> {
    let closed = || {
        NEVER_BY_THE_WAY
            .into_iter()
            .chain(blocked.iter().map(String::as_str))
    };
    let peers = ranges.iter().filter_map(|range| {
        let around = |other: &&str| match (parse(range), parse(other)) {
            (Some(range), Some(other)) => other.contains(&range),
            _ => false,
        };
        without(range, closed().filter(|other| !around(other)))
    });
    peers.collect()
}

/// The peers of a policy for exactly these ranges.
pub(super) fn exactly(ranges: &[String]) -> impl Iterator<Item = Value> {
    ranges
        .iter()
        .map(|range| json!({ "ipBlock": { "cidr": written(range) } }))
}

/// The range without the others; `None` if nothing remains. Kubernetes only accepts exceptions that are smaller
/// than the range and inside it.
fn without<'a>(range: &str, others: impl Iterator<Item = &'a str>) -> Option<Value> {
    let Some(whole) = parse(range) else {
        // The API server refuses it with an explanation, and no pod runs without the policy.
        return Some(json!({ "ipBlock": { "cidr": range } }));
    };
    let mut inside: Vec<IpNet> = Vec::new();
    let mut unreadable = Vec::new();
    for text in others {
        match parse(text) {
            Some(other) if other.contains(&whole) => return None,
            Some(other) if whole.contains(&other) => {
                if !inside.iter().any(|wider| wider.contains(&other)) {
                    inside.push(other);
                }
            }
            Some(_) => {}
            // Kept, so that the API server refuses the policy. Leaving it out would open the range.
            None => unreadable.push(text.to_owned()),
        }
    }
    let except: Vec<_> = inside.iter().map(ToString::to_string).chain(unreadable).collect();
    let mut block = json!({ "cidr": whole.to_string() });
    if !except.is_empty() {
        block["except"] = except.into();
    }
    Some(json!({ "ipBlock": block }))
}

fn written(range: &str) -> String {
    parse(range).map_or_else(|| range.to_owned(), |range| range.to_string())
}

/// Parses a range or a single address. Clears bits beyond the prefix, which newer API servers refuse.
fn parse(text: &str) -> Option<IpNet> {
    let range = text.parse::<IpNet>();
    let range = range.or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    range.ok().map(|range| range.trunc())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether one of the peers contains the address, according to Kubernetes' rules.
    fn reaches(peers: &[Value], address: &str) -> bool {
        let address: IpAddr = address.parse().unwrap();
        let has = |range: &Value| {
            range
                .as_str()
                .unwrap()
                .parse::<IpNet>()
                .unwrap()
                .contains(&address)
        };
        peers.iter().any(|peer| {
            let block = &peer["ipBlock"];
            let except = block["except"].as_array().cloned().unwrap_or_default();
            has(&block["cidr"]) && !except.iter().any(has)
        })
    }

    fn texts(ranges: &[&str]) -> Vec<String> {
        ranges.iter().map(ToString::to_string).collect()
    }

    /// Asserts the rule of Kubernetes: an exception is smaller than its range and inside it.
    fn assert_is_taken(peers: &[Value]) {
        for peer in peers {
            let range = |value: &Value| value.as_str().unwrap().parse::<IpNet>().unwrap();
            let cidr = range(&peer["ipBlock"]["cidr"]);
            for except in peer["ipBlock"]["except"].as_array().into_iter().flatten() {
                let except = range(except);
                assert!(
                    cidr.contains(&except) && except.prefix_len() > cidr.prefix_len(),
                    "{peer}"
                );
            }
        }
    }

    #[test]
    fn only_public_addresses_are_reached() {
        let peers = internet(&[]);
        assert_is_taken(&peers);
        for open in [
            "1.1.1.1",
            "8.8.8.8",
            "140.82.121.4",
            "192.0.1.1",
            "223.255.255.254",
            "2606:4700::1111",
            "2a00::1",
            "2620:fe::fe",
            "2001:4860:4860::8888",
        ] {
            assert!(reaches(&peers, open), "{open}");
        }
        for closed in [
            "0.0.0.1",
            "10.96.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.31.255.255",
            "192.0.0.192",
            "192.88.99.1",
            "192.168.1.1",
            "198.19.0.1",
            "224.0.0.251",
            "239.255.255.250",
            "240.0.0.1",
            "255.255.255.255",
            "168.63.129.16",
            "100.100.100.200",
            "::",
            "::1",
            "::ffff:169.254.169.254",
            "::ffff:0:10.0.0.1",
            "::10.0.0.1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b::1.1.1.1",
            "64:ff9b:1::a9fe:a9fe",
            "100::1",
            "2001::1",
            "2001:2::1",
            "2001:10::1",
            "2001:20::1",
            "2002:a9fe:a9fe::1",
            "2002:a00:1::",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "ff0e::1",
        ] {
            assert!(!reaches(&peers, closed), "{closed}");
        }
    }

    #[test]
    fn blocked_ranges_are_closed_in_every_notation() {
        let blocked = texts(&[
            "8.8.8.8",
            "140.82.121.4/24",
            "2606:4700::/32",
            "10.0.0.0/8",
            "fd00::/8",
            "::/1",
        ]);
        let peers = internet(&blocked);
        assert_is_taken(&peers);
        for closed in [
            "8.8.8.8",
            "140.82.121.9",
            "2606:4700::1111",
            "2a00::1",
            "10.0.0.1",
        ] {
            assert!(!reaches(&peers, closed), "{closed}");
        }
        assert!(reaches(&peers, "8.8.4.4"));
        let nothing = internet(&texts(&["0.0.0.0/0", "::/0"]));
        assert!(nothing.is_empty(), "{nothing:?}");
    }

    #[test]
    fn an_opened_network_excludes_node_addresses_and_blocked_ranges() {
        let peers = opened(
            &texts(&["10.0.0.0/8", "192.168.7.7", "0.0.0.0/0", "fd00::/8"]),
            &texts(&["10.0.0.0/24", "192.168.0.0/16"]),
        );
        assert_is_taken(&peers);
        for open in ["10.1.2.3", "192.168.7.7", "fd12::1"] {
            assert!(reaches(&peers, open), "{open}");
        }
        for closed in [
            "10.0.0.9",
            "169.254.169.254",
            "127.0.0.1",
            "100.100.100.200",
            "fd00:ec2::254",
            "192.168.7.8",
        ] {
            assert!(!reaches(&peers, closed), "{closed}");
        }
        // A range that is listed itself is intended.
        let named = opened(&texts(&["169.254.7.0/24"]), &[]);
        assert!(reaches(&named, "169.254.7.1") && !reaches(&named, "169.254.169.254"));
    }

    #[test]
    fn an_invalid_range_is_kept_for_the_api_server_to_refuse() {
        let peers = opened(&texts(&["10.0.0.0/99"]), &[]);
        assert_eq!(peers, [json!({ "ipBlock": { "cidr": "10.0.0.0/99" } })]);
        for peer in internet(&texts(&["the API server"])) {
            let except = peer["ipBlock"]["except"].as_array().unwrap();
            assert_eq!(except.last().unwrap(), "the API server");
        }
    }
}
