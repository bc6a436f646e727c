//! The network policy of a pod.

use neuropod_core::Workload;
use serde_json::{Value, json};

use super::{Draft, Manifest};
use crate::config::{KubeConfig, NetworkRules};
use crate::kind::Kind;
use crate::labels;

/// Addresses that are never public (IANA special-purpose registries, RFC 6890): the cluster's own pods, Services
/// and nodes, private networks around it, and link-local ones with the cloud's metadata (169.254.169.254).
const NOT_PUBLIC_V4: [&str; 10] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    // Azure's metadata and host agent, at a public address.
    "168.63.129.16/32",
];
const NOT_PUBLIC_V6: [&str; 4] = ["::/128", "::1/128", "fc00::/7", "fe80::/10"];

/// Where `NodeLocal DNSCache` listens on each node, in the clusters that have it.
const NODE_LOCAL_DNS: &str = "169.254.20.10/32";

pub(super) fn network_policy(workload: &Workload, config: &KubeConfig) -> Manifest {
    let same_owner = workload.isolation.same_owner.then(|| {
        json!({ "podSelector": { "matchLabels": {
            labels::MANAGED_BY: labels::MANAGER,
            labels::USER_HASH: workload.reference.user_hash,
        }}})
    });
    let mut ingress = vec![public_ports(workload, &config.network)];
    let mut egress = vec![names_service(), internet(&config.network.blocked_ranges)];
    if !config.network.allowed_ranges.is_empty() {
        let ranges = config.network.allowed_ranges.iter();
        let peers: Vec<_> = ranges
            .map(|range| json!({ "ipBlock": { "cidr": range } }))
            .collect();
        egress.push(json!({ "to": peers }));
    }
    if let Some(peer) = same_owner {
        ingress.push(json!({ "from": [peer] }));
        egress.push(json!({ "to": [peer] }));
    }
    let fields = json!({ "spec": {
        "podSelector": { "matchLabels": {
            labels::MANAGED_BY: labels::MANAGER,
            labels::POD_ID: workload.reference.pod_id,
        }},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": ingress,
        "egress": egress,
    }});
    Draft::of_run(
        workload,
        config,
        Kind::NetworkPolicy,
        &workload.isolation.policy,
        fields,
    )
    .finish()
}

/// The public ports, from the ingress controller, or else from every pod that is none of ours. (A policy can't say
/// "from everywhere but": where a network plug-in takes a pod's address for any other, an address range with
/// everything in it would let in the pods of other users.)
fn public_ports(workload: &Workload, rules: &NetworkRules) -> Value {
    let mut from = vec![match &rules.ingress_namespace {
        Some(labels) => json!({ "namespaceSelector": { "matchLabels": labels } }),
        None => json!({
            "namespaceSelector": {},
            "podSelector": { "matchExpressions": [
                { "key": labels::MANAGED_BY, "operator": "NotIn", "values": [labels::MANAGER] },
            ]},
        }),
    }];
    from.extend(
        rules
            .ingress_ranges
            .iter()
            .map(|range| json!({ "ipBlock": { "cidr": range } })),
    );
    let ports = workload
        .endpoints
        .iter()
        .map(|endpoint| port("TCP", endpoint.port));
    json!({ "from": from, "ports": ports.collect::<Vec<_>>() })
}

fn names_service() -> Value {
    json!({
        "to": [
            { "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": "kube-system" } } },
            { "ipBlock": { "cidr": NODE_LOCAL_DNS } },
        ],
        "ports": [port("UDP", 53), port("TCP", 53)],
    })
}

fn internet(blocked: &[String]) -> Value {
    // An exception has to be inside the range that it is an exception of.
    let (v6, v4): (Vec<&str>, Vec<&str>) = blocked
        .iter()
        .map(String::as_str)
        .partition(|range| range.contains(':'));
    let except = |fixed: &[&'static str], more: Vec<&str>| -> Value { [fixed, &more].concat().into() };
    json!({ "to": [
        { "ipBlock": { "cidr": "0.0.0.0/0", "except": except(&NOT_PUBLIC_V4, v4) } },
        { "ipBlock": { "cidr": "::/0", "except": except(&NOT_PUBLIC_V6, v6) } },
    ]})
}

fn port(protocol: &str, port: u16) -> Value {
    json!({ "protocol": protocol, "port": port })
}
