//! The kinds of objects that the backend reads and writes, and their paths on the API server.

use std::fmt;

/// A kind of Kubernetes object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    Namespace,
    ResourceQuota,
    LimitRange,
    PersistentVolumeClaim,
    Pod,
    Service,
    Secret,
    NetworkPolicy,
    Ingress,
    HttpRoute,
    Event,
    Lease,
    Node,
    IngressClass,
    StorageClass,
    PodMetrics,
    SelfSubjectAccessReview,
}

impl Kind {
    /// The objects of a run, beside the pod object itself. Both kinds of routes, so that none remains after a
    /// platform changes from one to the other.
    pub(crate) const OF_A_RUN: [Self; 5] = [
        Self::Service,
        Self::Secret,
        Self::NetworkPolicy,
        Self::Ingress,
        Self::HttpRoute,
    ];

    /// Group and version, as in the field `apiVersion`.
    pub(crate) fn api_version(self) -> &'static str {
        match self {
            Self::Namespace
            | Self::ResourceQuota
            | Self::LimitRange
            | Self::PersistentVolumeClaim
            | Self::Pod
            | Self::Service
            | Self::Secret
            | Self::Event
            | Self::Node => "v1",
            Self::NetworkPolicy | Self::Ingress | Self::IngressClass => "networking.k8s.io/v1",
            Self::HttpRoute => "gateway.networking.k8s.io/v1",
            Self::Lease => "coordination.k8s.io/v1",
            Self::StorageClass => "storage.k8s.io/v1",
            Self::PodMetrics => "metrics.k8s.io/v1beta1",
            Self::SelfSubjectAccessReview => "authorization.k8s.io/v1",
        }
    }

    /// The API group; empty: the core group.
    pub(crate) fn group(self) -> &'static str {
        self.api_version().split_once('/').map_or("", |(group, _)| group)
    }

    /// The field `kind`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Namespace => "Namespace",
            Self::ResourceQuota => "ResourceQuota",
            Self::LimitRange => "LimitRange",
            Self::PersistentVolumeClaim => "PersistentVolumeClaim",
            Self::Pod => "Pod",
            Self::Service => "Service",
            Self::Secret => "Secret",
            Self::NetworkPolicy => "NetworkPolicy",
            Self::Ingress => "Ingress",
            Self::HttpRoute => "HTTPRoute",
            Self::Event => "Event",
            Self::Lease => "Lease",
            Self::Node => "Node",
            Self::IngressClass => "IngressClass",
            Self::StorageClass => "StorageClass",
            Self::PodMetrics => "PodMetrics",
            Self::SelfSubjectAccessReview => "SelfSubjectAccessReview",
        }
    }

    /// The name of the collection, as in paths and RBAC rules.
    pub(crate) fn plural(self) -> &'static str {
        match self {
            Self::Namespace => "namespaces",
            Self::ResourceQuota => "resourcequotas",
            Self::LimitRange => "limitranges",
            Self::PersistentVolumeClaim => "persistentvolumeclaims",
            Self::Pod | Self::PodMetrics => "pods",
            Self::Service => "services",
            Self::Secret => "secrets",
            Self::NetworkPolicy => "networkpolicies",
            Self::Ingress => "ingresses",
            Self::HttpRoute => "httproutes",
            Self::Event => "events",
            Self::Lease => "leases",
            Self::Node => "nodes",
            Self::IngressClass => "ingressclasses",
            Self::StorageClass => "storageclasses",
            Self::SelfSubjectAccessReview => "selfsubjectaccessreviews",
        }
    }

    /// The path of the collection, in one namespace or in all.
    pub(crate) fn path(self, namespace: Option<&str>) -> String {
        let version = self.api_version();
        let root = if version.contains('/') { "/apis" } else { "/api" };
        let plural = self.plural();
        match namespace {
            Some(namespace) => format!("{root}/{version}/namespaces/{namespace}/{plural}"),
            None => format!("{root}/{version}/{plural}"),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::Kind;

    #[test]
    fn paths_are_those_of_the_api_server() {
        assert_eq!(Kind::Pod.path(Some("users")), "/api/v1/namespaces/users/pods");
        assert_eq!(Kind::Node.path(None), "/api/v1/nodes");
        assert_eq!(
            Kind::HttpRoute.path(Some("users")),
            "/apis/gateway.networking.k8s.io/v1/namespaces/users/httproutes"
        );
    }
}
