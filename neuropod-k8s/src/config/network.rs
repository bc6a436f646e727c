//! The networks that pods may reach, and the clients that may reach them.

use std::collections::BTreeMap;

/// The network policies of the pods. They only have an effect if the network plug-in of the cluster enforces
/// them.
///
/// One policy for all pods of a namespace exists before the first pod and stays after the last; no pod runs
/// without it. A pod may reach DNS, the public internet and, if allowed here, some private addresses and other
/// pods of its owner. Its public ports are opened by its own policy, to everything that is not a pod of this
/// platform.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct NetworkRules {
    /// Labels of the ingress controller's namespace. If set, nothing else in the cluster reaches the pods.
    pub ingress_namespace: Option<BTreeMap<String, String>>,
    /// Address ranges (CIDR) that may reach the pods too: nodes or load balancers, if the controller uses the
    /// network of its node.
    pub ingress_ranges: Vec<String>,
    /// Address ranges (CIDR) that pods may not reach, in addition to those that are never public: the API
    /// server and the nodes, if they have public addresses.
    pub blocked_ranges: Vec<String>,
    /// Address ranges (CIDR) that pods may reach although they are not public: a file server, a package mirror.
    /// Inside of a wide range the loopback and link-local addresses, the cloud's metadata and the
    /// [`blocked_ranges`](Self::blocked_ranges) stay closed, unless they are listed here themselves. In an
    /// IPv6-only cluster the NAT64 prefix (`64:ff9b::/96`) opens the IPv4 internet, and with it all private
    /// IPv4 addresses in the network.
    pub allowed_ranges: Vec<String>,
    /// Address ranges (CIDR) of DNS servers (port 53), in addition to the pods of `kube-system` and
    /// `openshift-dns` and to `NodeLocal DNSCache` at 169.254.20.10: the `nameserver` lines of
    /// `/etc/resolv.conf` in a pod, if DNS does not work otherwise.
    pub dns_ranges: Vec<String>,
}

impl NetworkRules {
    /// Sets [`ingress_namespace`](Self::ingress_namespace).
    pub fn with_ingress_namespace(
        mut self,
        labels: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>,
    ) -> Self {
        let labels = labels
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()));
        self.ingress_namespace = Some(labels.collect());
        self
    }

    /// Sets [`ingress_ranges`](Self::ingress_ranges).
    pub fn with_ingress_ranges(mut self, ranges: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.ingress_ranges = texts(ranges);
        self
    }

    /// Sets [`blocked_ranges`](Self::blocked_ranges).
    pub fn with_blocked_ranges(mut self, ranges: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.blocked_ranges = texts(ranges);
        self
    }

    /// Sets [`allowed_ranges`](Self::allowed_ranges).
    pub fn with_allowed_ranges(mut self, ranges: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.allowed_ranges = texts(ranges);
        self
    }

    /// Sets [`dns_ranges`](Self::dns_ranges).
    pub fn with_dns_ranges(mut self, ranges: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.dns_ranges = texts(ranges);
        self
    }
}

fn texts(ranges: impl IntoIterator<Item = impl Into<String>>) -> Vec<String> {
    ranges.into_iter().map(Into::into).collect()
}
