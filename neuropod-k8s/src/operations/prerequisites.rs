//! The objects that have to exist in a cluster before a pod can.
//!
//! The API server accepts an Ingress or a claim of a class that does not exist, and then nothing happens. So
//! the classes are checked before anything is created.

use kube::api::ListParams;
use neuropod_core::{Error, ErrorKind, Result};

use crate::api::kinds::Kind;
use crate::api::partial::{Annotations, PartialObject};
use crate::api::request::Requests;
use crate::config::{Exposure, IngressRoutes, KubeConfig};
use crate::context::Context;

/// Checks the prerequisites, unless all of them existed within the last five minutes.
pub(crate) async fn ensure(context: &Context) -> Result<()> {
    context.prerequisites.ensure(&(), check(context)).await
}

/// Checks the prerequisites now.
///
/// # Errors
/// `NotConfigured` with the first missing object; those of the API server.
pub(crate) async fn check(context: &Context) -> Result<()> {
    let Context { requests, config, .. } = context;
    tokio::try_join!(
        namespace(requests, config),
        exposure(requests, config),
        storage(requests, config.storage.class.as_deref()),
    )?;
    context.prerequisites.note(());
    Ok(())
}

async fn namespace(requests: &Requests, config: &KubeConfig) -> Result<()> {
    let name = &config.namespace;
    match requests.get::<PartialObject>(Kind::Namespace, None, name).await? {
        Some(namespace) if namespace.metadata.is_leaving() => Err(missing(
            "the namespace is being deleted: wait until it is gone and create it again",
            name,
        )
        // The same request works after that.
        .with_retryable(true)),
        Some(_) => Ok(()),
        None => Err(missing(
            "the namespace does not exist: create it, or name another in KubeConfig::namespace",
            name,
        )),
    }
}

async fn exposure(requests: &Requests, config: &KubeConfig) -> Result<()> {
    match &config.exposure {
        Exposure::Ingress(IngressRoutes {
            class: Some(class), ..
        }) => {
            let found: Option<PartialObject> = requests.get(Kind::IngressClass, None, class).await?;
            found.map(drop).ok_or_else(|| {
                missing(
                    "the IngressClass does not exist: install an ingress controller, or name its class in \
                     KubeConfig::exposure",
                    class,
                )
            })
        }
        Exposure::Ingress(IngressRoutes { class: None, .. }) => {
            let is_default = |found: &Annotations| found.default_ingress_class.as_deref() == Some("true");
            default_class(requests, Kind::IngressClass, is_default, "KubeConfig::exposure").await
        }
        // Fails if the cluster does not have the kind. The Gateway itself may be in a namespace that we can't read.
        Exposure::Gateway(_) => {
            let none = ListParams::default().fields("metadata.name=none");
            let routes = requests.list::<PartialObject>(Kind::HttpRoute, Some(&config.namespace), &none);
            routes.await.map(drop)
        }
    }
}

async fn storage(requests: &Requests, class: Option<&str>) -> Result<()> {
    let Some(class) = class else {
        let is_default = |found: &Annotations| found.default_storage_class.as_deref() == Some("true");
        return default_class(requests, Kind::StorageClass, is_default, "KubeConfig::storage").await;
    };
    let found: Option<PartialObject> = requests.get(Kind::StorageClass, None, class).await?;
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
    let classes: Vec<PartialObject> = requests.list(kind, None, &ListParams::default()).await?;
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

fn missing(message: &str, name: &str) -> Error {
    Error::new(ErrorKind::NotConfigured, message).with_context("name", name)
}
