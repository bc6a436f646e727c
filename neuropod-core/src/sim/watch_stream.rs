//! The stream of a watch.

use std::sync::{Arc, Weak};

use futures::stream::{self, BoxStream, StreamExt};

use super::shared::Shared;
use super::state::ClusterState;
use crate::cluster::backend::ClusterEvent;

/// Closes the watch when its stream is dropped.
struct OpenWatch {
    cluster: Weak<Shared>,
    id: u64,
}

impl Drop for OpenWatch {
    fn drop(&mut self) {
        if let Some(shared) = self.cluster.upgrade() {
            shared.read(|cluster| cluster.watchers.close(self.id));
        }
    }
}

/// Opens a stream of changes. It ends when the cluster is dropped.
pub(super) fn open_watch(shared: &Arc<Shared>) -> BoxStream<'static, ClusterEvent> {
    let id = shared.read(ClusterState::open_watch);
    let watch = OpenWatch {
        cluster: Arc::downgrade(shared),
        id,
    };
    let waiting = shared.waiting();
    stream::unfold((watch, waiting), |(watch, mut waiting)| async move {
        loop {
            let received = waiting.read(|cluster| cluster.receive(watch.id))?;
            match received {
                Ok(event) => return Some((event, (watch, waiting))),
                Err(due) => waiting.until(due).await,
            }
        }
    })
    .boxed()
}
