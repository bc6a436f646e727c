//! The stream of a watch.

use std::sync::{Arc, Weak};

use futures::stream::{self, BoxStream, StreamExt};
use jiff::Timestamp;

use super::shared::Shared;
use super::state::{ClusterState, later};
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
    let first = shared.read(|cluster| next_beat(cluster));
    stream::unfold(
        (watch, waiting, first),
        |(watch, mut waiting, mut beat)| async move {
            loop {
                let received = waiting.read(|cluster| {
                    if beat.is_some_and(|at| at <= cluster.now) {
                        cluster.beat(watch.id);
                        beat = next_beat(cluster);
                    }
                    cluster.receive(watch.id)
                })?;
                match received {
                    Ok(event) => return Some((event, (watch, waiting, beat))),
                    Err(due) => waiting.until(due.into_iter().chain(beat).min()).await,
                }
            }
        },
    )
    .boxed()
}

/// When a watch next reports that it is alive.
fn next_beat(cluster: &ClusterState) -> Option<Timestamp> {
    cluster
        .settings
        .heartbeat
        .map(|heartbeat| later(cluster.now, heartbeat))
}
