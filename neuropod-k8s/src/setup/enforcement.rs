//! Detects whether network policies are enforced. An API server stores policies even if nothing in the cluster
//! enforces them.
//!
//! No part of Kubernetes reports it. But most plug-ins that enforce policies have their own API group, which
//! every authenticated user may list; and k3s, with a built-in controller for policies, has its name in its
//! version. Everything else is unknown. AWS's plug-in is not among the groups, because EKS creates its
//! resources even where it enforces nothing.

use std::fmt;

use serde::Deserialize;

use crate::api::request::Requests;

/// The plug-ins that enforce policies, by their API groups.
const KNOWN: [(&str, &str); 11] = [
    ("cilium.io", "Cilium"),
    ("crd.projectcalico.org", "Calico"),
    ("projectcalico.org", "Calico"),
    ("operator.tigera.io", "Calico"),
    ("crd.antrea.io", "Antrea"),
    ("controlplane.antrea.io", "Antrea"),
    ("k8s.ovn.org", "OVN-Kubernetes"),
    ("kubeovn.io", "Kube-OVN"),
    ("network.openshift.io", "OpenShift"),
    ("crd.nsx.vmware.com", "NSX"),
    ("nsx.vmware.com", "NSX"),
];

/// The enforcement of network policies in a cluster, as far as it can be detected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Enforcement {
    /// A network plug-in, by its name.
    By(&'static str),
    /// Nothing known. Pods may reach each other, the API server, the nodes and the cloud's metadata.
    Unknown,
}

/// A sentence for the log.
impl fmt::Display for Enforcement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::By(name) => write!(f, "network policies are enforced by {name}"),
            Self::Unknown => f.write_str(
                "nothing is known in this cluster that enforces network policies: without that, pods reach each other, the \
                 API server, the nodes and the cloud's metadata. Use a network plug-in that does, such as Calico or Cilium, \
                 or make sure that yours does: examples/deploy/README.md says how",
            ),
        }
    }
}

/// Detects what enforces policies. If the API server refuses the questions, that is unknown.
pub(crate) async fn find(requests: &Requests) -> Enforcement {
    let (groups, version) = tokio::join!(
        requests.read::<Groups>("/apis"),
        requests.read::<Version>("/version"),
    );
    for error in [groups.as_ref().err(), version.as_ref().err()]
        .into_iter()
        .flatten()
    {
        tracing::debug!(%error, "the API server does not say what it has");
    }
    let groups = groups.map(|groups| groups.groups).unwrap_or_default();
    let names: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
    recognise(&names, version.ok().map(|version| version.git_version).as_deref())
}

fn recognise(groups: &[&str], version: Option<&str>) -> Enforcement {
    let by_group = KNOWN.iter().find(|(group, _)| groups.contains(group));
    // RKE2 has a plug-in of the list. k3s enforces policies unless it is configured not to.
    let is_k3s = || version.is_some_and(|version| version.contains("+k3s"));
    match by_group {
        Some((_, name)) => Enforcement::By(name),
        None if is_k3s() => Enforcement::By("k3s"),
        None => Enforcement::Unknown,
    }
}

/// `APIGroupList`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Groups {
    groups: Vec<Group>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Group {
    name: String,
}

/// The response of `/version`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Version {
    git_version: String,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::cluster::KubeCluster;
    use crate::config::KubeConfig;
    use crate::fake::world::World;

    #[test]
    fn plug_ins_are_known_by_their_groups_and_k3s_by_its_version() {
        let plain = [
            "apps",
            "batch",
            "networking.k8s.io",
            "policy",
            "gateway.networking.k8s.io",
        ];
        for (more, version, found) in [
            ("cilium.io", "v1.34.1", Enforcement::By("Cilium")),
            (
                "crd.projectcalico.org",
                "v1.33.5+rke2r1",
                Enforcement::By("Calico"),
            ),
            ("crd.antrea.io", "v1.34.1", Enforcement::By("Antrea")),
            ("k8s.ovn.org", "v1.31.9", Enforcement::By("OVN-Kubernetes")),
            ("metrics.k8s.io", "v1.34.1+k3s1", Enforcement::By("k3s")),
            ("metrics.k8s.io", "v1.34.1", Enforcement::Unknown),
            // Every EKS cluster has it.
            ("networking.k8s.aws", "v1.33.5-eks-113cf36", Enforcement::Unknown),
            ("k3s.cattle.io", "v1.34.1", Enforcement::Unknown),
            // Only a similar name.
            ("cilium.io.example.com", "v1.34.1", Enforcement::Unknown),
        ] {
            let groups = [&plain[..], &[more]].concat();
            assert_eq!(recognise(&groups, Some(version)), found, "{more} {version}");
        }
        assert_eq!(recognise(&[], None), Enforcement::Unknown);
    }

    #[tokio::test(start_paused = true)]
    async fn enforcement_is_read_from_the_api_server_or_unknown() {
        for (stated, found) in [
            (
                json!({ "groups": [{ "name": "apps" }, { "name": "cilium.io" }] }),
                Enforcement::By("Cilium"),
            ),
            (json!({ "groups": [{ "name": "apps" }] }), Enforcement::Unknown),
            (json!({ "groups": "none of your business" }), Enforcement::Unknown),
            (Value::Null, Enforcement::Unknown),
        ] {
            let mut world = World::set_up();
            if !stated.is_null() {
                world.objects.insert("/apis".into(), stated);
            }
            let (client, ..) = world.client();
            let cluster = KubeCluster::with_client(client, KubeConfig::default());
            assert_eq!(cluster.enforcement().await.unwrap(), found);
        }
    }

    #[test]
    fn a_missing_enforcement_is_explained_with_a_remedy() {
        let text = Enforcement::Unknown.to_string();
        assert!(
            text.contains("network policies") && text.contains("Calico"),
            "{text}"
        );
    }
}
