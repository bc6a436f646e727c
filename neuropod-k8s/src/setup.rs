//! What has to be in a cluster before a pod can be.
//!
//! The API server takes an Ingress or a claim of a class that does not exist, and nothing ever happens to it. So
//! the classes are looked at before anything is made.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use kube::api::ListParams;
use neuropod_core::cluster::Catalogue;
use neuropod_core::cluster::gpus::UnmatchedGpu;
use neuropod_core::{Error, ErrorKind, Result};
use tokio::time::Instant;

use crate::cluster::KubeCluster;
use crate::config::{Exposure, KubeConfig};
use crate::gpus;
use crate::kind::Kind;
use crate::request::Requests;
use crate::slim::{Annotations, SlimObject};

/// How long it is taken for granted that what was there still is.
const GOOD_FOR: Duration = Duration::from_mins(5);

/// Remembers when everything was last there.
#[derive(Debug, Default)]
pub(crate) struct Setup(Mutex<Option<Instant>>);

impl Setup {
    /// [`look`](Self::look), unless it found everything within the last five minutes.
    pub(crate) async fn check(&self, requests: &Requests, config: &KubeConfig) -> Result<()> {
        let good = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if good.is_some_and(|at| at.elapsed() < GOOD_FOR) {
            return Ok(());
        }
        self.look(requests, config).await
    }

    /// Looks at the cluster now.
    pub(crate) async fn look(&self, requests: &Requests, config: &KubeConfig) -> Result<()> {
        tokio::try_join!(
            namespace(requests, config),
            exposure(requests, config),
            storage(requests, config.storage.class.as_deref()),
        )?;
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        Ok(())
    }
}

async fn namespace(requests: &Requests, config: &KubeConfig) -> Result<()> {
    let name = &config.namespace;
    match requests.get::<SlimObject>(Kind::Namespace, None, name).await? {
        Some(namespace) if namespace.metadata.is_leaving() => Err(missing(
            "the namespace is being deleted: wait until it is gone and create it again",
            name,
        )
        // It is the same request that works after that.
        .with_retryable(true)),
        Some(_) => Ok(()),
        None => Err(missing(
            "the namespace does not exist: create it, or name another in KubeConfig::namespace",
            name,
        )),
    }
}

/// Warns of a namespace of the pods that keeps them less apart than it could.
pub(crate) async fn warn_of_namespace(cluster: &KubeCluster) -> Result<()> {
    let name = &cluster.config.namespace;
    let found: Option<SlimObject> = cluster.requests.get(Kind::Namespace, None, name).await?;
    let level = found.and_then(|namespace| namespace.metadata.labels.pod_security);
    let is_own = cluster.own_namespace.as_ref() == Some(name);
    for flaw in flaws_of_namespace(is_own, level.as_deref()) {
        tracing::warn!(namespace = name, "{flaw}: see examples/deploy/namespaces.yaml");
    }
    Ok(())
}

/// What is not as it should be with the namespace of the pods: whether the platform itself `is_own` there, and its Pod
/// Security `level`.
fn flaws_of_namespace(is_own: bool, level: Option<&str>) -> impl Iterator<Item = &'static str> {
    let own = "the platform is in the namespace of the pods, which is for them alone";
    let open = "the namespace of the pods has no Pod Security level of baseline or restricted";
    let is_open = !matches!(level, Some("baseline" | "restricted"));
    [is_own.then_some(own), is_open.then_some(open)]
        .into_iter()
        .flatten()
}

async fn exposure(requests: &Requests, config: &KubeConfig) -> Result<()> {
    match &config.exposure {
        Exposure::Ingress {
            class: Some(class), ..
        } => {
            let found: Option<SlimObject> = requests.get(Kind::IngressClass, None, class).await?;
            found.map(drop).ok_or_else(|| {
                missing(
                    "the IngressClass does not exist: install an ingress controller, or name its class in \
                     KubeConfig::exposure",
                    class,
                )
            })
        }
        Exposure::Ingress { class: None, .. } => {
            let is_default = |found: &Annotations| found.default_ingress_class.as_deref() == Some("true");
            default_class(requests, Kind::IngressClass, is_default, "KubeConfig::exposure").await
        }
        // Fails where the cluster does not know routes; the gateway itself may be in a namespace of others.
        Exposure::Gateway { .. } => {
            let none = ListParams::default().fields("metadata.name=none");
            let routes = requests.list::<SlimObject>(Kind::HttpRoute, Some(&config.namespace), &none);
            routes.await.map(drop)
        }
    }
}

async fn storage(requests: &Requests, class: Option<&str>) -> Result<()> {
    let Some(class) = class else {
        let is_default = |found: &Annotations| found.default_storage_class.as_deref() == Some("true");
        return default_class(requests, Kind::StorageClass, is_default, "KubeConfig::storage").await;
    };
    let found: Option<SlimObject> = requests.get(Kind::StorageClass, None, class).await?;
    found.map(drop).ok_or_else(|| {
        missing(
            "the StorageClass does not exist: create it, or name another in KubeConfig::storage",
            class,
        )
    })
}

async fn default_class(
    requests: &Requests,
    kind: Kind,
    is_default: fn(&Annotations) -> bool,
    option: &str,
) -> Result<()> {
    let classes: Vec<SlimObject> = requests.list(kind, None, &ListParams::default()).await?;
    if classes
        .iter()
        .any(|class| is_default(&class.metadata.annotations))
    {
        return Ok(());
    }
    let message =
        format!("the cluster has no default {kind}: mark one as the default, or name one in {option}");
    Err(Error::new(ErrorKind::NotConfigured, message))
}

/// The GPU types on offer that no node can take; none where nobody may look.
pub(crate) async fn unmatched(
    requests: &Requests,
    catalogue: &Catalogue,
    instance: &str,
) -> Result<Vec<UnmatchedGpu>> {
    let nodes = gpus::find(requests, instance).await?;
    Ok(nodes.map_or_else(Vec::new, |nodes| {
        neuropod_core::cluster::gpus::unmatched(catalogue, &nodes)
    }))
}

fn missing(message: &str, name: &str) -> Error {
    Error::new(ErrorKind::NotConfigured, message).with_context("name", name)
}

#[cfg(test)]
mod tests {
    use super::flaws_of_namespace;

    #[test]
    fn a_namespace_of_the_pods_is_theirs_alone_and_says_what_containers_may_do() {
        let flaws = |is_own, level| flaws_of_namespace(is_own, level).count();
        assert_eq!(flaws(false, Some("baseline")), 0);
        assert_eq!(flaws(false, Some("restricted")), 0);
        assert_eq!(flaws(false, Some("privileged")), 1);
        assert_eq!(flaws(false, None), 1);
        assert_eq!(flaws(true, Some("baseline")), 1);
        assert_eq!(flaws(true, None), 2);
    }
}
