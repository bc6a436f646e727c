//! The Kubernetes backend of Neuropod, on kube-rs.
//!
//! [`KubeCluster`] is a [`ClusterBackend`](neuropod_core::ClusterBackend): it turns a
//! [`Workload`](neuropod_core::cluster::Workload) into a volume claim, a pod, a Service and a public route for each port, a
//! Secret for the access token and network policies, and says how they are doing.
//!
//! ```no_run
//! use neuropod_k8s::{Exposure, KubeCluster, KubeConfig};
//!
//! # async fn example() -> neuropod_core::Result<()> {
//! let config = KubeConfig {
//!     namespace: "gpu-pods".into(),
//!     exposure: Exposure::ingress("nginx"),
//!     ..KubeConfig::default()
//! };
//! let cluster = KubeCluster::infer(config).await?;
//! cluster.check_setup().await?;
//! # Ok(())
//! # }
//! ```
//!
//! - [`config`]: namespaces, routes, storage, network policies, limits.
//! - [`manifests`]: the objects of a workload as YAML, without a cluster.
//! - `examples/deploy/rbac.yaml` in the repository: the rights that the backend needs, and no more.

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
pub use self::config::{Domains, Exposure, ImagePullPolicy, KubeConfig, NetworkRules, Security, Storage};
pub use self::setup::enforcement::Enforcement;
pub use self::setup::rights::MissingRight;
