//! The destination of a registry's host name, as far as its text shows it: the public internet, or a machine
//! near the node.

use std::net::Ipv4Addr;

use url::Host;

/// Last labels of names that never lead to the public internet: reserved ones (RFC 6761, RFC 6762, RFC 7686,
/// RFC 8375, ICANN's `internal`), unreserved ones that private networks use, and those of a cluster's services.
const INTERNAL_ENDS: [&str; 21] = [
    "arpa",
    "cluster",
    "consul",
    "corp",
    "default",
    "docker",
    "domain",
    "home",
    "internal",
    "intra",
    "intranet",
    "kubernetes",
    "lan",
    "local",
    "localdomain",
    "localhost",
    "onion",
    "private",
    "svc",
    "test",
    "workgroup",
];

/// Public names that resolve to an address spelt in the name itself, or to that of the requesting machine.
const NAMES_OF_ANY_ADDRESS: [&str; 8] = [
    "lacolhost.com",
    "localtest.me",
    "lvh.me",
    "nip.io",
    "sslip.io",
    "traefik.me",
    "vcap.me",
    "xip.io",
];

/// The address at which virtual machines of Azure reach their host. It resembles a public one.
const AZURE_HOST: Ipv4Addr = Ipv4Addr::new(168, 63, 129, 16);

/// Whether a host, without its port, may be one of the public internet. `false` for every spelling of an address that is
/// none (`127.0.0.1`, `127.1`, `0x7f.1`, `017700000001`), and for names that only a private network or a cluster knows.
///
/// A name can still resolve to a private address: the owner of a domain decides that. Only a list of registries or a
/// firewall on the nodes keeps that out.
pub(super) fn is_public(host: &str) -> bool {
    // The parser of URLs reads an address in all spellings that resolvers know (inet_aton).
    match Host::parse(host) {
        Ok(Host::Ipv4(address)) => is_public_address(address),
        Ok(Host::Domain(name)) => is_public_name(&name),
        // No reference has an IPv6 address; and a text that is neither address nor name is not public.
        Ok(Host::Ipv6(_)) | Err(_) => false,
    }
}

/// Documentation ranges count as public: nothing is there, and examples use them.
fn is_public_address(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    let shared = first == 100 && (64..128).contains(&second);
    let protocol = (first, second, third) == (192, 0, 0);
    let benchmark = first == 198 && matches!(second, 18 | 19);
    let reserved = first == 0 || first >= 240;
    !(address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_multicast()
        || shared
        || protocol
        || benchmark
        || reserved
        || address == AZURE_HOST)
}

fn is_public_name(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let Some((_, end)) = name.rsplit_once('.') else {
        // A name without a dot is completed by the node's own search list.
        return false;
    };
    // Top-level domains have letters only, or are in punycode: `registry.kube-system` is a Service.
    let is_top_level = end.starts_with("xn--") || end.bytes().all(|byte| byte.is_ascii_lowercase());
    let below = |parent: &&str| {
        name.strip_suffix(*parent)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    is_top_level && !INTERNAL_ENDS.contains(&end) && !NAMES_OF_ANY_ADDRESS.iter().any(below)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_registries() {
        for host in [
            "docker.io",
            "registry-1.docker.io",
            "ghcr.io",
            "nvcr.io",
            "quay.io",
            "public.ecr.aws",
            "us-docker.pkg.dev",
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
            "swr.cn-north-4.myhuaweicloud.com",
            "registry.gitlab.com",
            "registry.example.com",
            "xn--80akhbyknj4f.example",
            "registry.xn--p1ai",
            // Names in which an address or a private name is only a part.
            "localhost.example.com",
            "internal.example.com",
            "10.0.0.1.example.com",
            "notnip.io",
            "svc.io",
            // Public addresses, and those of documentation.
            "8.8.8.8",
            "192.0.2.7",
            "203.0.113.5",
            "172.15.255.255",
            "172.32.0.1",
            "100.63.255.255",
            "100.128.0.1",
            "169.253.1.1",
            "198.17.0.1",
            "192.0.1.1",
            "223.255.255.254",
        ] {
            assert!(is_public(host), "{host}");
        }
    }

    #[test]
    fn addresses_that_are_not_public_in_every_spelling() {
        for host in [
            "127.0.0.1",
            "127.255.255.254",
            "127.1",
            "127.0.1",
            "0177.0.0.1",
            "0x7f.0.0.1",
            "0x7f.1",
            "0x7F000001",
            "2130706433",
            "017700000001",
            "0.0.0.0",
            "0",
            "0.1.2.3",
            "10.0.0.7",
            "10.1",
            "167772167",
            "012.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "192.168.257",
            "0300.0250.1.1",
            "100.64.0.1",
            "100.100.100.200",
            "100.127.255.255",
            "169.254.169.254",
            "169.254.170.2",
            "0xa9fea9fe",
            "0xA9.0xFE.0xA9.0xFE",
            "2852039166",
            "025177524776",
            "169.254.43518",
            "192.0.0.192",
            "198.18.0.1",
            "198.19.255.255",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "168.63.129.16",
            // Not an address, though it resembles one: no public name ends in a number.
            "256.1.1.1",
            "1.2.3.4.5",
            "08.8.8.8",
            "4294967296",
            "a.1",
            "[::1]",
            "[fd00:ec2::254]",
            "[::ffff:127.0.0.1]",
            "::1",
        ] {
            assert!(!is_public(host), "{host}");
        }
    }

    #[test]
    fn names_of_private_networks_and_clusters() {
        for host in [
            "localhost",
            "LOCALHOST",
            "LocalHost",
            "localhost.",
            "a.localhost",
            "localhost.localdomain",
            "metadata",
            "registry",
            "instance-data",
            "kubernetes",
            "metadata.google.internal",
            "instance-data.ec2.internal",
            "host.docker.internal",
            "ip-10-0-0-1.eu-west-1.compute.internal",
            "printer.local",
            "registry.default.svc.cluster.local",
            "registry.default.svc",
            "kubernetes.default",
            "registry.kube-system",
            "Registry.Kube-System",
            "registry.node1",
            "nas.lan",
            "git.corp",
            "router.home",
            "router.home.arpa",
            "git.intranet",
            "vault.service.consul",
            "app.test",
            "127.0.0.1.nip.io",
            "169-254-169-254.sslip.io",
            "localtest.me",
            "a.lvh.me",
        ] {
            assert!(!is_public(host), "{host}");
        }
    }
}
