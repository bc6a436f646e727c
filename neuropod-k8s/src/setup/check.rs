//! The whole check of the set-up, step by step.

use neuropod_core::message::{Language, unmatched_gpu};
use neuropod_core::{Error, ErrorKind, Result};

use crate::api::kinds::Kind;
use crate::api::partial::PartialObject;
use crate::context::Context;
use crate::operations::prerequisites;
use crate::operations::upkeep::{namespace, secrets};
use crate::setup::enforcement::{self, Enforcement};
use crate::setup::{catalogue, rights, site};

/// Checks all requirements of the platform. See [`KubeCluster::check_setup`](crate::KubeCluster::check_setup).
pub(crate) async fn check(context: &Context) -> Result<()> {
    site::check(&context.config.domains)?;
    context.requests.in_time(check_cluster(context)).await
}

async fn check_cluster(context: &Context) -> Result<()> {
    let Context { requests, config, .. } = context;
    let found = prerequisites::check(context).await;
    // There are no rights in a namespace that does not exist, so a missing object is reported first. All
    // missing rights are reported, not only the first that a request ran into.
    let lacks_right = |error: &Error| *error.kind() == ErrorKind::PermissionDenied;
    if found.as_ref().err().is_none_or(lacks_right) {
        rights::check(requests, config).await?;
    }
    found?;
    namespace::ensure_now(context, &config.namespace).await?;
    secrets::check_sources(context).await?;
    warn_of_namespace(context).await?;
    if let Some(catalogue) = &config.catalogue {
        for gpu in catalogue::unmatched(requests, catalogue, &config.instance).await? {
            tracing::warn!("{}", unmatched_gpu(&gpu, Language::En));
        }
    }
    match enforcement::find(requests).await {
        by @ Enforcement::By(_) => tracing::info!("{by}"),
        unknown => tracing::warn!("{unknown}"),
    }
    Ok(())
}

/// Warns if the namespace of the pods isolates them badly.
async fn warn_of_namespace(context: &Context) -> Result<()> {
    let name = &context.config.namespace;
    let found: Option<PartialObject> = context.requests.get(Kind::Namespace, None, name).await?;
    let level = found.and_then(|namespace| namespace.metadata.labels.pod_security);
    let is_own = context.own_namespace.as_ref() == Some(name);
    for flaw in flaws_of_namespace(is_own, level.as_deref()) {
        tracing::warn!(namespace = name, "{flaw}: see examples/deploy/namespaces.yaml");
    }
    Ok(())
}

/// The flaws of the pods' namespace: the platform itself is in it (`is_own`), or its Pod Security `level` is
/// too open.
fn flaws_of_namespace(is_own: bool, level: Option<&str>) -> impl Iterator<Item = &'static str> {
    let own = "the platform is in the namespace of the pods, which is for them alone";
    let open = "the namespace of the pods has no Pod Security level of baseline or restricted";
    let is_open = !matches!(level, Some("baseline" | "restricted"));
    [is_own.then_some(own), is_open.then_some(open)]
        .into_iter()
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::flaws_of_namespace;

    #[test]
    fn a_namespace_shared_with_the_platform_or_without_security_level_is_a_flaw() {
        let flaws = |is_own, level| flaws_of_namespace(is_own, level).count();
        assert_eq!(flaws(false, Some("baseline")), 0);
        assert_eq!(flaws(false, Some("restricted")), 0);
        assert_eq!(flaws(false, Some("privileged")), 1);
        assert_eq!(flaws(false, None), 1);
        assert_eq!(flaws(true, Some("baseline")), 1);
        assert_eq!(flaws(true, None), 2);
    }
}
