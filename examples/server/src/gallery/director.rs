//! Follows the cluster, and causes events once a pod has got far enough.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use neuropod::clock::Clock;
use neuropod::cluster::{ClusterEvent, ObservedPod};
use neuropod::pod::{Awaited, Wait};
use neuropod::sim::SimCluster;
use neuropod::{Actor, ClusterBackend, Platform, Pod, PodId};

use super::past::{hours, write};
use super::scenarios::Then;

/// The pods, with their owners and the events to come.
type Cast = HashMap<PodId, (Actor, Then)>;

pub(super) struct Director {
    platform: Platform,
    store: Arc<dyn neuropod::store::Store>,
    cluster: SimCluster,
    cast: Cast,
}

impl Director {
    pub(super) fn new(
        platform: Platform,
        store: Arc<dyn neuropod::store::Store>,
        cluster: SimCluster,
        cast: Cast,
    ) -> Self {
        Self {
            platform,
            store,
            cluster,
            cast,
        }
    }

    /// Continues for as long as the cluster exists: a pod that is restarted gets the same events.
    pub(super) async fn direct(mut self) {
        let mut events = self.cluster.watch();
        while let Some(event) = events.next().await {
            let ClusterEvent::Changed { pod_id, pod } = event else {
                continue;
            };
            if let Some((owner, then)) = self.cast.get(&pod_id).cloned() {
                self.act(&pod_id, &pod, &owner, then).await;
            }
        }
    }

    async fn act(&mut self, id: &PodId, pod: &ObservedPod, owner: &Actor, then: Then) {
        match then {
            Then::StayAt(step) if pod.step == step && pod.container.is_none() && !pod.terminating => {
                self.cluster.halt(id);
            }
            Then::Inject(mishap) if pod.ready => {
                self.cluster.inject(id, mishap);
                self.cluster.halt(id);
            }
            Then::Age(by) => {
                let now = self.cluster.clock().now();
                let is_young = |started| now.duration_since(started).unsigned_abs() < by;
                if pod.container.as_ref().is_some_and(|run| is_young(run.started_at)) {
                    self.cluster.age(id, by);
                }
            }
            Then::StopInVain if pod.terminating => {
                self.cluster.halt(id);
                // It keeps running if somebody restarts it.
                self.cast.remove(id);
            }
            Then::StopForHours if pod.terminating => {
                let since = hours(self.cluster.clock().now(), -2);
                let waited = |record: &mut Pod| {
                    let uid = pod.uid.clone();
                    record.wait = Some(Wait {
                        since,
                        what: Awaited::End { uid },
                    });
                };
                if let Err(error) = write(self.store.as_ref(), id, waited).await {
                    tracing::warn!(%error, "a pod of the gallery can't be made to wait");
                }
                // Its record is read when the cluster reports the change.
                self.cluster.age(id, Duration::from_hours(2));
                self.cast.remove(id);
            }
            Then::StopInVain | Then::StopForHours if pod.ready => {
                if let Err(error) = self.platform.stop(owner, id).await {
                    tracing::warn!(%error, "a pod of the gallery can't be stopped");
                }
            }
            _ => {}
        }
    }
}
