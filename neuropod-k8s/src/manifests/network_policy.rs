//! Network policies: one for all pods of a namespace, and one for each pod.
//!
//! Policies add up: what any of them opens is open. The one of the namespace closes everything but the names service,
//! the public internet and what the platform opens, for every pod of the platform by its labels. It is there before
//! the first pod and stays after the last, so that a container which is still ending, or whose own objects could not
//! be made, is as closed as any. The one of a pod only opens its public ports and, where the platform wants that, the
//! other pods of its owner. It goes with the other objects of its run.

use neuropod_core::cluster::Workload;
use serde_json::{Value, json};

use super::draft::Draft;
use super::ranges;
use crate::api::kinds::Kind;
use crate::api::manifest::Manifest;
use crate::config::{KubeConfig, NetworkRules};
use crate::labels;

/// Where `NodeLocal DNSCache` listens on each node, in the clusters that have it.
const NODE_LOCAL_DNS: &str = "169.254.20.10/32";

/// The label that every namespace has with its name.
const NAMESPACE_NAME: &str = "kubernetes.io/metadata.name";

/// The policy of all pods of the platform in `namespace`.
pub(crate) fn of_namespace(config: &KubeConfig, namespace: &str) -> Manifest {
    let rules = &config.network;
    let mut egress = names_services(&rules.dns_ranges);
    let peers = [
        ranges::internet(&rules.blocked_ranges),
        ranges::opened(&rules.allowed_ranges, &rules.blocked_ranges),
    ]
    .concat();
    // A rule without peers would open everything.
    if !peers.is_empty() {
        egress.push(json!({ "to": peers }));
    }
    let fields = json!({ "spec": {
        "podSelector": { "matchLabels": {
            labels::MANAGED_BY: labels::MANAGER,
            labels::INSTANCE: config.instance,
        }},
        "policyTypes": ["Ingress", "Egress"],
        // Said, and not left out: an apply takes back what somebody else has put into a field only where it has the field.
        "ingress": [],
        "egress": egress,
    }});
    let name = namespace_policy_name(&config.instance);
    Draft::of_platform(config, Kind::NetworkPolicy, &name, namespace, fields).finish()
}

/// Two platforms may share a namespace, and an instance need not be a name that objects can have. No pod has a name of
/// this form: theirs end in the hash of a user, which is shorter.
fn namespace_policy_name(instance: &str) -> String {
    let hash = blake3::hash(instance.as_bytes()).to_hex();
    format!("neuropod-pods-{}", &hash[..16])
}

/// The policy of one pod.
pub(super) fn of_pod(workload: &Workload, config: &KubeConfig) -> Manifest {
    let mut spec = json!({
        "podSelector": { "matchLabels": {
            labels::MANAGED_BY: labels::MANAGER,
            labels::POD_ID: workload.reference.pod_id,
        }},
        "policyTypes": ["Ingress", "Egress"],
    });
    let mut ingress = Vec::new();
    // A rule without ports would open all of them.
    if !workload.endpoints.is_empty() {
        ingress.push(public_ports(workload, &config.network));
    }
    if workload.isolation.same_owner {
        let peer = json!({ "podSelector": { "matchLabels": {
            labels::MANAGED_BY: labels::MANAGER,
            labels::USER_HASH: workload.reference.user_hash,
        }}});
        ingress.push(json!({ "from": [peer] }));
        spec["egress"] = json!([{ "to": [peer] }]);
    }
    if !ingress.is_empty() {
        spec["ingress"] = ingress.into();
    }
    let name = &workload.isolation.policy;
    let fields = json!({ "spec": spec });
    Draft::of_run(workload, config, Kind::NetworkPolicy, name, fields).finish()
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
    from.extend(ranges::of(&rules.ingress_ranges));
    let ports = workload
        .endpoints
        .iter()
        .map(|endpoint| port("TCP", endpoint.port));
    json!({ "from": from, "ports": ports.collect::<Vec<_>>() })
}

/// Where pods ask for names. Plug-ins look at where a packet arrives, not at the Service that it was sent to: the pods
/// of `dns-default` in `OpenShift` listen at port 5353.
fn names_services(more: &[String]) -> Vec<Value> {
    let in_namespace =
        |name: &str| json!({ "namespaceSelector": { "matchLabels": { NAMESPACE_NAME: name } } });
    let both = |number| [port("UDP", number), port("TCP", number)];
    let mut to = vec![
        in_namespace("kube-system"),
        json!({ "ipBlock": { "cidr": NODE_LOCAL_DNS } }),
    ];
    to.extend(ranges::of(more));
    vec![
        json!({ "to": to, "ports": both(53) }),
        json!({ "to": [in_namespace("openshift-dns")], "ports": both(5353) }),
    ]
}

fn port(protocol: &str, port: u16) -> Value {
    json!({ "protocol": protocol, "port": port })
}
