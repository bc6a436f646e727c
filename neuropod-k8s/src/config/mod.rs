//! The layout of the backend's objects in a cluster: data, with defaults and `with_*` methods.

mod containers;
mod domains;
mod exposure;
mod kube_config;
mod network;
mod services;
mod storage;

pub use self::containers::{ImagePullPolicy, Security};
pub use self::domains::Domains;
pub use self::exposure::{Exposure, GatewayRoutes, IngressRoutes};
pub use self::kube_config::KubeConfig;
pub use self::network::NetworkRules;
pub use self::services::Services;
pub use self::storage::Storage;
