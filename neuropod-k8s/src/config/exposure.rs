//! How ports are reached from outside of the cluster.

use std::collections::BTreeMap;

/// How ports are reached from outside of the cluster.
///
/// ```
/// use neuropod_k8s::Exposure;
/// use neuropod_k8s::config::{GatewayRoutes, IngressRoutes};
///
/// let ingress: Exposure = IngressRoutes::default()
///     .with_class("nginx")
///     .with_tls_secret("wildcard")
///     .into();
/// let gateway: Exposure = GatewayRoutes::new("public").with_namespace("gateways").into();
/// # assert_ne!(ingress, gateway);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Exposure {
    /// One `Ingress` per port.
    Ingress(IngressRoutes),
    /// One `HTTPRoute` per port (Gateway API v1).
    Gateway(GatewayRoutes),
}

impl Exposure {
    /// An Ingress of this class, with the controller's own certificate.
    pub fn ingress(class: impl Into<String>) -> Self {
        IngressRoutes::default().with_class(class).into()
    }

    /// Routes through the Gateway of this name, in the namespace of the pods.
    pub fn gateway(name: impl Into<String>) -> Self {
        GatewayRoutes::new(name).into()
    }
}

impl Default for Exposure {
    /// An Ingress of the cluster's default class.
    fn default() -> Self {
        Self::Ingress(IngressRoutes::default())
    }
}

impl From<IngressRoutes> for Exposure {
    fn from(routes: IngressRoutes) -> Self {
        Self::Ingress(routes)
    }
}

impl From<GatewayRoutes> for Exposure {
    fn from(routes: GatewayRoutes) -> Self {
        Self::Gateway(routes)
    }
}

/// Ports as Ingresses. By default with the default class of the cluster and the controller's own certificate.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct IngressRoutes {
    /// `ingressClassName`; `None`: the default class of the cluster.
    pub class: Option<String>,
    /// A Secret with a wildcard certificate, in [`KubeConfig::namespace`](super::KubeConfig::namespace) and copied like
    /// [`KubeConfig::image_pull_secrets`](super::KubeConfig::image_pull_secrets); `None`: the controller's own.
    pub tls_secret: Option<String>,
    /// Annotations for the controller, in addition to those that ingress-nginx needs for uploads and idle
    /// `WebSockets`. An annotation of the same name replaces the platform's.
    pub annotations: BTreeMap<String, String>,
}

impl IngressRoutes {
    /// Sets [`class`](Self::class).
    pub fn with_class(mut self, class: impl Into<String>) -> Self {
        self.class = Some(class.into());
        self
    }

    /// Sets [`tls_secret`](Self::tls_secret).
    pub fn with_tls_secret(mut self, name: impl Into<String>) -> Self {
        self.tls_secret = Some(name.into());
        self
    }

    /// Adds one of the [`annotations`](Self::annotations).
    pub fn with_annotation(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.annotations.insert(name.into(), value.into());
        self
    }
}

/// Ports as `HTTPRoute`s of a Gateway. One listener with a wildcard host name serves all of them; it has to allow routes
/// from the namespace of the pods.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct GatewayRoutes {
    /// The name of the Gateway.
    pub name: String,
    /// Its namespace; `None`: that of the pod.
    pub namespace: Option<String>,
    /// The name of the listener; `None`: every listener that matches.
    pub section: Option<String>,
}

impl GatewayRoutes {
    /// Routes through all listeners of the Gateway of this name, in the namespace of the pods.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            namespace: None,
            section: None,
        }
    }

    /// Sets [`namespace`](Self::namespace).
    pub fn with_namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// Sets [`section`](Self::section).
    pub fn with_section(mut self, section: impl Into<String>) -> Self {
        self.section = Some(section.into());
        self
    }
}
