//! The pod that a host belongs to.

use std::sync::Arc;

use neuropod::Pod;
use neuropod::pod::connection::{Connection, connections};

use crate::app::App;

/// The result of looking up a host.
pub(super) struct Found {
    pub(super) pod: Arc<Pod>,
    pub(super) connection: Connection,
    /// The index of that port among the ports of the pod.
    pub(super) index: usize,
}

impl Found {
    pub(super) fn at(app: &App, host: &str) -> Option<Self> {
        let naming = app.platform.naming();
        let (slug, hash, port) = naming.parse_host(host)?;
        let is_it = |pod: &Arc<Pod>| pod.slug.as_str() == slug && pod.owner_hash == hash && !pod.is_deleted();
        let pod = app.live.pods().into_iter().find(is_it)?;
        let mut connections = connections(&pod, naming).into_iter().enumerate();
        let (index, connection) = connections.find(|(_, connection)| connection.port == port)?;
        Some(Self {
            pod,
            connection,
            index,
        })
    }
}
