//! A simulated cluster: scheduler, kubelet, registry and API server in memory, for tests, demonstrations and
//! development without a cluster.
//!
//! It is deterministic: identities come from a seed, and time is tokio's, so that a test with paused time
//! (`#[tokio::test(start_paused = true)]`) runs hours in milliseconds. Nothing runs in the background: the
//! cluster has an agenda of coming events, and each access first processes those that are due.
//!
//! Real clusters fail, and this one fails on request: [`SimCluster::inject`] injects a [`Mishap`] into a pod,
//! [`SimCluster::inject_error`] makes calls fail with a [`CallError`], and [`faults`] wraps any backend and store
//! to fail at a chosen call. Network policies, limits and copies of Secrets in namespaces of users, which a
//! backend manages by itself, are not objects here: [`Mishap::NotSetUp`] simulates that they can't be created.
//!
//! ```
//! use std::time::Duration;
//!
//! use futures::StreamExt;
//! use neuropod_core::sim::{Settings, SimCluster};
//! use neuropod_core::ClusterBackend;
//! use neuropod_core::cluster::ClusterEvent;
//! use neuropod_core::cluster::gpus::by_model;
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
//! # runtime.block_on(async {
//! let cluster = SimCluster::new(Settings { watch_delay: Duration::from_millis(20), ..Settings::default() });
//! let mut events = cluster.watch();
//! assert_eq!(events.next().await, Some(ClusterEvent::Synced));
//! assert_eq!(by_model(&cluster.gpus().await?.unwrap_or_default())[0].free, 8);
//! # Ok::<(), neuropod_core::Error>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod advance;
mod agenda;
mod api_server;
mod backend;
mod by_hand;
mod calls;
mod cluster;
mod containers;
pub mod faults;
mod inject;
mod kubelet;
mod log_buffer;
mod log_stream;
mod log_text;
mod mishap;
mod object;
mod open_logs;
mod pod;
mod quota;
mod replicas;
mod scheduler;
mod settings;
mod shared;
mod state;
mod termination;
mod watch_stream;
mod watchers;

pub use self::{
    calls::{CallError, Method, RecordedCall},
    cluster::SimCluster,
    mishap::Mishap,
    object::{ObjectKey, ObjectKind},
    pod::ContainerHistory,
    settings::{GpuPool, Settings},
};
