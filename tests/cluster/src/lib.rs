//! Starts a real Kubernetes for the tests: etcd, the API server and the controllers in seconds, and, where the
//! machine allows, a node with containers, a network plug-in that enforces policies, a gateway and metrics-server. It also
//! starts a PostgreSQL server and one that speaks the protocol of MongoDB, and prepares packages of npm and `PyPI` and a
//! browser.
//!
//! ```no_run
//! # async fn example() -> neuropod_test_cluster::Result<()> {
//! use neuropod_test_cluster::{TestCluster, skip};
//!
//! let cluster = match TestCluster::control_plane() {
//!     Ok(cluster) => cluster,
//!     Err(error) if error.is_unavailable() => {
//!         skip("suite/test", &error.to_string());
//!         return Ok(());
//!     }
//!     Err(error) => return Err(error),
//! };
//! let version = cluster.client().await?.apiserver_version().await?;
//! # let _ = version;
//! # Ok(())
//! # }
//! ```
//!
//! Servers are found in `KUBEBUILDER_ASSETS`, or built once with Go and kept in `NEUROPOD_TEST_CACHE` (by
//! default in the user's cache folder). `NEUROPOD_TEST_KUBECONFIG` names a cluster to use instead, and
//! `NEUROPOD_TEST_MONGODB_URI` a MongoDB, `NEUROPOD_TEST_POSTGRES_URI` a PostgreSQL; without them the MongoDB is a container where Docker answers. With
//! `NEUROPOD_TEST_LOGS` the servers' logs are copied to a folder when a cluster is dropped.

mod api;
mod assets;
mod browser;
mod cache;
mod command;
mod control_plane;
mod data_dir;
mod debian;
mod edge;
mod error;
mod images;
mod kubeconfig;
mod measured;
mod mongo;
mod node;
mod objects;
mod packages;
mod pki;
mod ports;
mod postgres;
mod prepare;
mod process;
mod skip;
mod test_cluster;

pub use api::{client, wait_until};
pub use assets::{Assets, Program};
pub use browser::{check_browser, prepare_browser};
pub use cache::folder as cache_folder;
pub use control_plane::ControlPlane;
pub use edge::{Certificate, Edge};
pub use error::{Error, Result};
pub use images::Image;
pub use measured::{MEASURED, measured};
pub use mongo::{MONGODB_IMAGE, MONGODB_URI, Mongo, MongoServer};
pub use node::{Enforcer, Node, Outside};
pub use objects::{SELECTOR, apply, count_objects, documents, service_address};
pub use packages::{npm_modules, npm_packages, python, python_packages};
pub use pki::Authority;
pub use ports::free_ports;
pub use postgres::{POSTGRES_URI, Postgres, PostgresServer};
pub use prepare::{prepare_control_plane, prepare_edge, prepare_mongo, prepare_node, prepare_postgres};
pub use skip::{SKIPS_FILE, or_skip, skip};
pub use test_cluster::{KUBECONFIG, Level, TestCluster};
