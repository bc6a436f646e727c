//! The configuration of limits.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Limits on requests of a user, or of an address that is not signed in. An IPv6 address counts with its /64.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// The sustained rate of requests of one user or address.
    #[schemars(range(min = 1), extend("unit" = "requests per second"))]
    pub requests_per_second: u32,
    /// The maximum burst of requests of one user or address.
    #[schemars(range(min = 1), extend("unit" = "requests"))]
    pub burst: u32,
    /// Invalid tokens, and messages before signing in, from one address. Beyond the limit the reply is 429, or
    /// the connection is closed; valid tokens are never refused because of it.
    #[schemars(range(min = 1), extend("unit" = "per minute"))]
    pub wrong_tokens_per_minute: u32,
    /// Connections of one address that wait for a request, or for the rest of one. Beyond the limit, the one
    /// that has waited longest is closed. Not with `limits.client_address_header`: then all come from the
    /// proxy, which has its own limits.
    #[schemars(range(min = 1), extend("unit" = "connections"))]
    pub waiting_connections: u32,
    /// The maximum size of a request's body.
    #[schemars(range(min = 1, max = 1_048_576), extend("unit" = "KiB"))]
    pub body_kib: usize,
    /// The maximum number of pods of a client, including stopped ones. Administrators have no limit, and
    /// clients who already have more keep them.
    #[schemars(range(min = 1), extend("unit" = "pods"))]
    pub max_pods: u32,
    /// The maximum size of a container's disk.
    #[schemars(range(min = 1), extend("unit" = "GB"))]
    pub disk_gb: u32,
    /// The maximum size of a workspace volume.
    #[schemars(range(min = 1), extend("unit" = "GB"))]
    pub volume_gb: u32,
    /// The maximum number of public ports of a pod.
    #[schemars(range(min = 1, max = 100), extend("unit" = "ports"))]
    pub ports: usize,
    /// A header with the client's address, set by a trusted proxy (`x-forwarded-for`: its last address;
    /// `cf-connecting-ip`). Only if nobody can bypass the proxy. Without it, all clients behind a proxy count
    /// as one.
    #[schemars(extend("allowed" = "the name of a header"))]
    pub client_address_header: Option<String>,
}

impl Default for Limits {
    fn default() -> Self {
        let pods = neuropod::pod::Limits::default();
        Self {
            requests_per_second: 50,
            burst: 200,
            wrong_tokens_per_minute: 60,
            waiting_connections: 128,
            body_kib: 256,
            max_pods: 20,
            disk_gb: pods.disk_gb,
            volume_gb: pods.volume_gb,
            ports: pods.ports,
            client_address_header: None,
        }
    }
}
