//! Faults at the n-th call: wrappers over the traits count every call into any of them and make one go wrong.
//!
//! A test that runs a story once for every call and every [`Fault`] tries each point at which a platform can fail:
//!
//! ```
//! use std::sync::Arc;
//!
//! use neuropod_core::ClusterBackend;
//! use neuropod_core::sim::{Settings, SimCluster};
//! use neuropod_core::sim::faults::{Fault, Faults};
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
//! # runtime.block_on(async {
//! let cluster = Arc::new(SimCluster::new(Settings::default()));
//! for n in 1.. {
//!     let faults = Faults::at_call(n, Fault::ErrorBefore);
//!     let backend = faults.cluster(cluster.clone());
//!     let first = backend.usage().await;
//!     let second = backend.inventory().await;
//!     if faults.injected().is_none() {
//!         break;
//!     }
//!     assert_eq!((first.is_err(), second.is_err()), (n == 1, n == 2), "{:?}", faults.call(n));
//! }
//! # });
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod accounts;
mod cluster;
mod fault;
mod injector;
mod plan;
mod wrap;

pub use self::{fault::Fault, injector::Faults};
