//! The links to simulated pods.

use neuropod::naming::{Naming, Scheme};

use crate::config::{ClusterKind, Config};

/// Domains below this one belong to this machine (RFC 6761, section 6.3): browsers resolve them by themselves.
const LOCAL: &str = "localhost";

/// The naming for links that open here: if the pods are simulated and their domain belongs to this machine,
/// links get the scheme and the port of this server. Otherwise a proxy stands in front, and the configured
/// scheme applies.
pub(crate) fn links(naming: Naming, config: &Config) -> Naming {
    let is_local = naming.domain() == LOCAL || naming.domain().ends_with(&format!(".{LOCAL}"));
    if config.cluster == ClusterKind::Sim && is_local {
        naming.with_scheme(Scheme::Http).with_port(config.listen.port())
    } else {
        naming.with_scheme(config.scheme)
    }
}
