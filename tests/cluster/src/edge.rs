//! The surroundings of pods in a real cluster: an ingress controller, and metrics-server.

use std::{net::Ipv4Addr, time::Duration};

use k8s_openapi::api::core::v1::{Pod, Service};
use kube::{Api, Client};
use serde_json::{Value, json};

use crate::{
    api,
    error::{Error, Result},
    images::Image,
    node::Node,
    objects,
    test_cluster::TestCluster,
};

const TRAEFIK: &str = include_str!("../manifests/traefik.yaml");
const METRICS_SERVER: &str = include_str!("../manifests/metrics-server.yaml");
const READY: Duration = Duration::from_mins(2);

/// An ingress controller that runs in the cluster: Traefik, for the Ingress classes [`Edge::CLASS`] and
/// [`Edge::NGINX_CLASS`], and for Gateways of the class [`Edge::CLASS`].
#[derive(Clone, Copy, Debug)]
pub struct Edge {
    address: Ipv4Addr,
}

/// A certificate with its key, signed by the authority of the test cluster.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// The certificate, in PEM.
    pub certificate: String,
    /// Its key, in PEM.
    pub key: String,
    /// The certificate of the authority, in PEM.
    pub authority: String,
    /// The digest of the key, for `--ignore-certificate-errors-spki-list` of Chromium.
    pub key_digest: String,
}

impl Edge {
    /// The namespace of the controller.
    pub const NAMESPACE: &str = "traefik";
    /// The class of Ingresses with Traefik's own annotations, and that of its Gateways.
    pub const CLASS: &str = "traefik";
    /// The class of Ingresses with the annotations of ingress-nginx, which Traefik follows.
    pub const NGINX_CLASS: &str = "nginx";

    /// The address of the controller, on ports 80 and 443, for everybody in the cluster and on the host.
    pub fn address(&self) -> Ipv4Addr {
        self.address
    }
}

impl Certificate {
    /// A Secret of the type `kubernetes.io/tls` with it.
    pub fn secret(&self, namespace: &str, name: &str) -> Value {
        json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": { "name": name, "namespace": namespace },
            "type": "kubernetes.io/tls",
            "stringData": { "tls.crt": self.certificate, "tls.key": self.key },
        })
    }
}

impl TestCluster {
    /// Starts an ingress controller on our own node, with the Gateway API, and returns once it responds.
    /// `certificate` is used for hosts without a route.
    pub async fn start_edge(&self, certificate: &Certificate) -> Result<Edge> {
        self.needs_node()?.load(Image::Traefik)?;
        self.install_gateway_api().await?;
        let client = self.client().await?;
        install(&client, TRAEFIK).await?;
        let secret = certificate.secret(Edge::NAMESPACE, "default-certificate");
        objects::apply(&client, &secret, false).await?;
        ready(&client, Edge::NAMESPACE, "traefik").await?;
        let services: Api<Service> = Api::namespaced(client, Edge::NAMESPACE);
        let spec = services.get("traefik").await?.spec.unwrap_or_default();
        let address = spec.cluster_ip.and_then(|address| address.parse().ok());
        let address = address.ok_or_else(|| Error::NotReady {
            what: "the address of the ingress controller".into(),
            waited: Duration::ZERO,
            last: "the Service has none".into(),
            log: String::new(),
        })?;
        Ok(Edge { address })
    }

    /// Starts metrics-server on our own node, and returns once the API server forwards requests to it.
    pub async fn start_metrics_server(&self) -> Result<()> {
        self.needs_node()?.load(Image::MetricsServer)?;
        let client = self.client().await?;
        install(&client, METRICS_SERVER).await?;
        ready(&client, "kube-system", "metrics-server").await?;
        api::wait_until("the kinds of metrics-server", READY, async || {
            let groups = client.list_api_group_resources("metrics.k8s.io/v1beta1").await;
            groups.map(drop).map_err(|error| error.to_string())
        })
        .await
    }

    /// A certificate for these host names, of which the first label may be `*`.
    pub fn certificate(&self, names: &[&str]) -> Result<Certificate> {
        let authority = &self.needs_node()?.control_plane().authority;
        let (identity, key_digest) = authority.hosts(names)?;
        Ok(Certificate {
            certificate: identity.certificate,
            key: identity.key,
            authority: authority.certificate.clone(),
            key_digest,
        })
    }

    fn needs_node(&self) -> Result<&Node> {
        self.own_node()
            .ok_or_else(|| Error::Unavailable("this is not in a cluster of someone else's".into()))
    }
}

/// Applies all documents of a text. Pods need a `ServiceAccount`, which exists a moment after it is applied.
async fn install(client: &Client, text: &str) -> Result<()> {
    for document in objects::documents(text)? {
        let what = format!("{} {}", document["kind"], document["metadata"]["name"]);
        api::wait_until(&what, READY, async || {
            objects::apply(client, &document, false)
                .await
                .map_err(|error| error.to_string())
        })
        .await?;
    }
    Ok(())
}

/// Waits until a pod is ready.
async fn ready(client: &Client, namespace: &str, name: &str) -> Result<()> {
    let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
    api::wait_until(name, READY, async || {
        let pod = pods.get(name).await.map_err(|error| error.to_string())?;
        let status = pod.status.unwrap_or_default();
        let is_ready = status
            .conditions
            .iter()
            .flatten()
            .any(|condition| condition.type_ == "Ready" && condition.status == "True");
        if is_ready {
            Ok(())
        } else {
            Err(format!("{status:?}"))
        }
    })
    .await
}
