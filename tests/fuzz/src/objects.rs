//! Partial Kubernetes objects, in lists and in watches.

use std::{collections::BTreeSet, time::Duration};

use futures::StreamExt;
use neuropod::cluster::{ClusterEvent, WorkloadRef};
use neuropod::{ClusterBackend, PodId};
use serde_json::Value;
use tokio::time::timeout;

use crate::api_server;

/// Long enough for a watch to break, pause and restart.
const WATCHED: Duration = Duration::from_mins(2);

/// A reply that is not JSON is an error: as an empty list it would mean that every pod is gone.
pub fn partial_objects(data: &[u8]) {
    let is_json = serde_json::from_slice::<Value>(data).is_ok();
    let reference = WorkloadRef {
        pod_id: PodId::from_bits(0x3f9a_0c1d_2e4b_5a68),
        user_hash: "k3j5qzx2ab".into(),
        namespace: None,
        name: "lab-k3j5qzx2ab".into(),
        volume: "workspace-k3j5qzx2ab".into(),
        objects: None,
    };
    let (inventory, gpus, usage, observation) = api_server::block_on(async {
        let cluster = api_server::answering(data.to_vec().into());
        (
            cluster.inventory().await,
            cluster.gpus().await,
            cluster.usage().await,
            cluster.observe(&reference).await,
        )
    });
    assert!(is_json || inventory.is_err(), "{inventory:?}");
    assert!(is_json || gpus.is_err(), "{gpus:?}");
    assert!(is_json || usage.is_err(), "{usage:?}");
    assert!(is_json || observation.is_err(), "{observation:?}");
}

/// For anything that a watch sends: only reported pods can go, and the stream continues.
pub fn watch_lines(data: &[u8]) {
    api_server::block_on(async {
        let cluster = api_server::watched(data.to_vec().into());
        let mut watch = cluster.watch();
        let mut known = BTreeSet::new();
        let mut synced = 0;
        let follow = async {
            while let Some(event) = watch.next().await {
                match event {
                    ClusterEvent::Changed { pod, .. } => {
                        known.insert(pod.uid);
                    }
                    ClusterEvent::Gone { uid, .. } => {
                        assert!(known.remove(&uid), "a pod that was never there is gone: {uid}");
                    }
                    ClusterEvent::Synced => synced += 1,
                    _ => {}
                }
            }
        };
        let ended = timeout(WATCHED, follow).await;
        assert!(ended.is_err(), "the watch ended");
        assert!(synced > 0, "what is there was never reported");
    });
}
