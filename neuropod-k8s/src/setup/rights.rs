//! Checks the rights of the platform.
//!
//! A request without the right fails, but perhaps late: a missing right to delete pods shows only when the
//! first pod is stopped, and the failure of a watch reaches nobody. So the API server is asked beforehand, as
//! every authenticated user may.

#[cfg(test)]
mod tests;

use std::fmt;

use futures::future::try_join_all;
use neuropod_core::{Error, ErrorKind, Result};
use serde::Deserialize;
use serde_json::json;

use crate::api::error::{Call, is_transient};
use crate::api::kinds::Kind;
use crate::api::manifest::Manifest;
use crate::api::request::Requests;
use crate::config::{Exposure, KubeConfig};
use crate::watch::beside_pods;

/// The verbs for the objects of a run.
const ALL: &[&str] = &["get", "list", "create", "patch", "delete"];

/// What a platform that may not watch an object beside the pods does without.
const UNWATCHED: &str = "everything is listed every five minutes, even while nothing changes";

/// What a platform that may list the nodes and pods of the cluster, but not watch them, does without.
const GPUS_UNWATCHED: &str = "all nodes and pods of the cluster are listed whenever GPUs are counted";

/// The verbs for namespaces of users, and the limits in them, which are never deleted.
const KEPT: &[&str] = &["get", "create", "patch"];

/// A right that the configuration needs.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Right {
    verb: &'static str,
    kind: Kind,
    subresource: Option<&'static str>,
    /// `None`: cluster-wide.
    namespace: Option<String>,
    /// The object that the right is for; `None`: all objects.
    name: Option<String>,
    /// The feature that fails without the right; `None`: the whole platform.
    without: Option<&'static str>,
}

/// A right that the platform lacks. Its text says how to grant it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MissingRight {
    /// The verb, as RBAC rules have it.
    pub verb: &'static str,
    /// The resource, as RBAC rules have it: `pods`, `pods/log`.
    pub resource: String,
    /// Its API group; empty: the core group.
    pub group: &'static str,
    /// The namespace where it is missing; `None`: cluster-wide.
    pub namespace: Option<String>,
    /// The feature that fails without the right; `None`: the whole platform, and
    /// [`check_setup`](crate::KubeCluster::check_setup) fails.
    pub without: Option<&'static str>,
}

impl fmt::Display for MissingRight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the platform may not {} {}", self.verb, self.resource)?;
        if !self.group.is_empty() {
            write!(f, " ({})", self.group)?;
        }
        if let Some(namespace) = &self.namespace {
            write!(f, " in the namespace {namespace}")?;
        }
        match self.without {
            Some(without) => write!(f, ": {without}"),
            None => f.write_str(", and can't do without"),
        }
    }
}

/// The rights that a platform with this configuration needs. Those for watching its pods come first.
fn needed(config: &KubeConfig) -> Vec<Right> {
    let pods = (!config.namespace_per_user).then(|| config.namespace.clone());
    let right = |verb, kind| Right {
        verb,
        kind,
        subresource: None,
        namespace: pods.clone(),
        name: None,
        without: None,
    };
    let rights =
        |kind, verbs: &[&'static str]| -> Vec<Right> { verbs.iter().map(|verb| right(verb, kind)).collect() };
    let of_cluster = |verb, kind| Right {
        namespace: None,
        ..right(verb, kind)
    };
    let mut all = rights(Kind::Pod, &["list", "watch"]);
    all.extend(rights(Kind::Event, &["list", "watch"]));
    all.extend(rights(Kind::Pod, &["get", "create", "delete"]));
    all.push(Right {
        subresource: Some("log"),
        ..right("get", Kind::Pod)
    });
    for kind in [Kind::Service, Kind::Secret, Kind::NetworkPolicy] {
        all.extend(rights(kind, ALL));
    }
    all.extend(rights(
        Kind::PersistentVolumeClaim,
        &["get", "list", "create", "delete"],
    ));
    if config.storage.grow {
        all.push(right("patch", Kind::PersistentVolumeClaim));
    }
    all.extend(routes(&config.exposure, right));
    if config.namespace_per_user {
        all.extend(rights(Kind::Namespace, KEPT));
        all.extend(rights(Kind::ResourceQuota, KEPT));
        all.extend(rights(Kind::LimitRange, KEPT));
    } else {
        all.push(Right {
            name: pods.clone(),
            ..right("get", Kind::Namespace)
        });
    }
    all.extend(classes(config).map(|(kind, class)| match class {
        Some(class) => Right {
            name: Some(class.to_owned()),
            ..of_cluster("get", kind)
        },
        None => of_cluster("list", kind),
    }));
    all.extend(beside_pods(config).into_iter().map(|kind| Right {
        without: Some(UNWATCHED),
        ..right("watch", kind)
    }));
    if config.leases {
        let verbs = ["list", "create", "patch", "delete"];
        all.extend(verbs.map(|verb| Right {
            namespace: Some(config.namespace.clone()),
            without: Some("the replicas can't divide the pods, and each drives all of them"),
            ..right(verb, Kind::Lease)
        }));
    }
    all.push(Right {
        without: Some("what pods use of processors and memory is not known"),
        ..right("list", Kind::PodMetrics)
    });
    all.extend([Kind::Node, Kind::Pod].map(|kind| Right {
        without: Some("which GPUs there are, and how many are free, is not known"),
        ..of_cluster("list", kind)
    }));
    all.extend([Kind::Node, Kind::Pod].map(|kind| Right {
        without: Some(GPUS_UNWATCHED),
        ..of_cluster("watch", kind)
    }));
    all
}

/// The rights for the kind of routes in use, and for those of an earlier configuration.
fn routes(exposure: &Exposure, right: impl Fn(&'static str, Kind) -> Right) -> Vec<Right> {
    let (used, left) = match exposure {
        Exposure::Ingress(_) => (Kind::Ingress, Kind::HttpRoute),
        Exposure::Gateway(_) => (Kind::HttpRoute, Kind::Ingress),
    };
    let of_use = ALL.iter().map(|verb| right(verb, used));
    // Every observation of a pod lists both kinds.
    let of_left = [right("list", left)].into_iter();
    let of_removal = ["get", "delete"].map(|verb| Right {
        without: Some("routes of an earlier configuration can't be removed"),
        ..right(verb, left)
    });
    of_use.chain(of_left).chain(of_removal).collect()
}

/// The classes that have to exist: by name, or `None` for the default class.
fn classes(config: &KubeConfig) -> impl Iterator<Item = (Kind, Option<&str>)> {
    let ingress = match &config.exposure {
        Exposure::Ingress(routes) => Some((Kind::IngressClass, routes.class.as_deref())),
        Exposure::Gateway(_) => None,
    };
    let storage = (Kind::StorageClass, config.storage.class.as_deref());
    ingress.into_iter().chain([storage])
}

/// Checks every right that the configuration needs, and returns the missing ones. If the API server refuses the question
/// itself, no right counts as missing.
pub(crate) async fn missing(requests: &Requests, config: &KubeConfig) -> Result<Vec<MissingRight>> {
    let reviews = try_join_all(needed(config).into_iter().map(async |right| {
        let allowed = may(requests, &right).await?;
        Ok::<_, Error>((!allowed).then(|| right.missing()))
    }));
    Ok(reviews.await?.into_iter().flatten().collect())
}

/// Checks all rights. A missing optional right is a warning in the log.
///
/// # Errors
/// `PermissionDenied` with all other missing rights.
pub(crate) async fn check(requests: &Requests, config: &KubeConfig) -> Result<()> {
    let missing = missing(requests, config).await?;
    let (optional, vital): (Vec<_>, Vec<_>) = missing.into_iter().partition(|right| right.without.is_some());
    for right in optional {
        tracing::warn!("{right}");
    }
    if vital.is_empty() {
        return Ok(());
    }
    let each = vital
        .iter()
        .map(|right| format!("{} {}", right.verb, right.resource));
    let each: Vec<_> = each.collect();
    let example = if config.namespace_per_user {
        "rbac-namespace-per-user.yaml"
    } else {
        "rbac.yaml"
    };
    let message = format!(
        "the platform may not {}, and can't do without: grant it, as examples/deploy/{example} does",
        each.join(", ")
    );
    let error = Error::new(ErrorKind::PermissionDenied, message);
    Err(match vital.into_iter().find_map(|right| right.namespace) {
        Some(namespace) => error.with_context("namespace", namespace),
        None => error,
    })
}

impl Right {
    fn resource(&self) -> String {
        match self.subresource {
            Some(subresource) => format!("{}/{subresource}", self.kind.plural()),
            None => self.kind.plural().to_owned(),
        }
    }

    fn missing(&self) -> MissingRight {
        MissingRight {
            verb: self.verb,
            resource: self.resource(),
            group: self.kind.group(),
            namespace: self.namespace.clone(),
            without: self.without,
        }
    }

    /// The review of this right.
    fn review(&self) -> Manifest {
        let review = Kind::SelfSubjectAccessReview;
        let mut attributes = json!({
            "verb": self.verb,
            "group": self.kind.group(),
            "resource": self.kind.plural(),
        });
        // Without a namespace it covers all namespaces, and without a name all objects.
        let narrower = [
            ("subresource", self.subresource),
            ("namespace", self.namespace.as_deref()),
            ("name", self.name.as_deref()),
        ];
        for (field, value) in narrower {
            if let Some(value) = value {
                attributes[field] = value.into();
            }
        }
        Manifest {
            kind: review,
            name: String::new(),
            digest: String::new(),
            body: json!({
                "apiVersion": review.api_version(),
                "kind": review.name(),
                "spec": { "resourceAttributes": attributes },
            }),
            update: None,
        }
    }
}

async fn may(requests: &Requests, right: &Right) -> Result<bool> {
    match requests.create::<Review>(&right.review(), None).await {
        Ok(review) => Ok(review.status.allowed),
        Err(error) if is_refused(&error) => {
            tracing::debug!(%error, ?right, "the API server refuses questions about rights");
            Ok(true)
        }
        Err(error) => {
            let call = Call::on_kind("create", Kind::SelfSubjectAccessReview, None);
            Err(call.failed(error))
        }
    }
}

/// Whether the API server refuses such questions.
fn is_refused(error: &kube::Error) -> bool {
    match error {
        kube::Error::Api(status) => (400..500).contains(&status.code) && !is_transient(error),
        _ => false,
    }
}

/// The response to a question about a right.
#[derive(Debug, Deserialize)]
struct Review {
    status: Verdict,
}

#[derive(Debug, Deserialize)]
struct Verdict {
    allowed: bool,
}
