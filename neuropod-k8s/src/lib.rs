//! The Kubernetes backend of Neuropod, on kube-rs.
//!
//! [`KubeCluster`] is a [`ClusterBackend`](neuropod_core::ClusterBackend). From a
//! [`Workload`](neuropod_core::cluster::Workload) it creates a volume claim, a pod, a Service and a public route for each
//! port, a Secret and network policies. It watches them, reports what happens to them and why, and removes them.
//!
//! ```no_run
//! use neuropod_k8s::{Exposure, KubeCluster, KubeConfig};
//!
//! # async fn example() -> neuropod_core::Result<()> {
//! let config = KubeConfig::default()
//!     .with_namespace("gpu-pods")
//!     .with_exposure(Exposure::ingress("nginx"));
//! let cluster = KubeCluster::infer(config).await?;
//! cluster.check_setup().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Overview
//!
//! - [`config`]: namespaces, routes, storage, network policies, limits.
//! - [`manifests`]: the objects of a workload as values and as YAML, without a cluster.
//! - [`KubeCluster::check_setup`], [`check_catalogue`](KubeCluster::check_catalogue),
//!   [`missing_rights`](KubeCluster::missing_rights), [`enforcement`](KubeCluster::enforcement): checks for operators.
//!
//! # Requirements
//!
//! | requirement | for |
//! |---|---|
//! | Kubernetes 1.31 or later | everything |
//! | a namespace of the pods alone ([`KubeConfig::namespace`]), apart from that of the platform | isolation: the platform may read every Secret in it |
//! | the rights of `examples/deploy/rbac.yaml` in the repository, and no more | everything |
//! | an ingress controller, or a Gateway (Gateway API v1), with a wildcard host name | [`Exposure`] |
//! | a storage class | workspace volumes |
//! | a network plug-in that enforces network policies | keeping pods apart |
//! | metrics-server, optional | the processor and memory that pods use |
//! | the right to list nodes and all pods, and a device plug-in, optional | GPUs |
//!
//! [`KubeCluster::check_setup`] checks them and says how to fix them.
//!
//! # Invariants
//!
//! - A foreign object is never changed or deleted. Updates and deletions name the uid that was read.
//! - No pod is created before the network policy of its namespace, and the policy outlives the last pod.
//! - Every request may be repeated, and every operation ends within [`KubeConfig::deadline`].
//! - A new pod is one wave of creations. There is one watch on pods and three on events, whatever the number of pods.
//! - Values of Secrets are in no log, error, digest or YAML.

mod api;
mod cluster;
pub mod config;
mod context;
#[cfg(test)]
mod fake;
mod labels;
pub mod manifests;
mod operations;
mod recent;
mod setup;
mod status;
mod watch;

pub use self::cluster::KubeCluster;
pub use self::config::{
    Domains, Exposure, ImagePullPolicy, KubeConfig, NetworkRules, Security, Services, Storage,
};
pub use self::setup::enforcement::Enforcement;
pub use self::setup::rights::MissingRight;

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
