//! Network policies: one for all pods of a namespace, and one for each pod.
//!
//! Policies are additive: traffic is allowed if any of them allows it. The policy of the namespace selects
//! every pod of the platform, by label. It closes everything except DNS, the public internet and the ranges in
//! the configuration. It exists before the first pod and after the last, so that a container is isolated while
//! it is ending, too, or if its own objects could not be created. The policy of a pod only opens its public
//! ports and, if the platform allows it, the other pods of its owner. It is removed with the other objects of
//! its run.

use neuropod_core::cluster::Workload;
use serde_json::{Value, json};

use super::draft::Draft;
use super::ranges;
use crate::api::kinds::Kind;
use crate::api::manifest::Manifest;
use crate::config::{KubeConfig, NetworkRules};
use crate::labels;

/// The address of `NodeLocal DNSCache` on each node, in clusters that have it.
const NODE_LOCAL_DNS: &str = "169.254.20.10/32";

/// The label that every namespace has with its name.
const NAMESPACE_NAME: &str = "kubernetes.io/metadata.name";

/// The policy of all pods of the platform in `namespace`.
pub(crate) fn of_namespace(config: &KubeConfig, namespace: &str) -> Manifest {
    let rules = &config.network;
    let mut egress = dns(&rules.dns_ranges);
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
        // Not omitted: an apply only reverts changes of others in fields that it contains.
        "ingress": [],
        "egress": egress,
    }});
    let name = namespace_policy_name(&config.instance);
    Draft::of_platform(config, Kind::NetworkPolicy, &name, namespace, fields).finish()
}

/// A different name for each platform, because two may share a namespace. A hash, because an instance need not
/// be a valid object name. No pod has a name of this form: those end in the hash of a user, which is shorter.
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

/// Opens the public ports to the ingress controller or, if it is not known, to every pod that is not ours. (An
/// address range that contains everything would not do: some network plug-ins match pods by address too, and
/// would admit the pods of other users.)
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
    from.extend(ranges::exactly(&rules.ingress_ranges));
    let ports = workload
        .endpoints
        .iter()
        .map(|endpoint| port("TCP", endpoint.port));
    json!({ "from": from, "ports": ports.collect::<Vec<_>>() })
}

/// Opens DNS. Plug-ins match the port of the receiving pod, not that of the Service: the pods of `dns-default`
/// in `OpenShift` listen at port 5353.
fn dns(more: &[String]) -> Vec<Value> {
    let in_namespace =
        |name: &str| json!({ "namespaceSelector": { "matchLabels": { NAMESPACE_NAME: name } } });
    let both = |number| [port("UDP", number), port("TCP", number)];
    let mut to = vec![
        in_namespace("kube-system"),
        json!({ "ipBlock": { "cidr": NODE_LOCAL_DNS } }),
    ];
    to.extend(ranges::exactly(more));
    vec![
        json!({ "to": to, "ports": both(53) }),
        json!({ "to": [in_namespace("openshift-dns")], "ports": both(5353) }),
    ]
}

fn port(protocol: &str, port: u16) -> Value {
    json!({ "protocol": protocol, "port": port })
}
