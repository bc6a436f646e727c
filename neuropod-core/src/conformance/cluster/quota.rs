//! The check of quotas, for stages with a namespace per user.

use std::collections::BTreeMap;

use tokio::time::{Instant, sleep};

use super::fixture::{Case, Owner, PAUSE, assert_complete, pod_of};
use super::stage::Stage;
use crate::cluster::observation::Observation;
use crate::cluster::workload::{Quota, VolumePolicy};
use crate::error::kind::ErrorKind;

/// A pod beyond its owner's quota is refused, and running pods are not affected.
///
/// # Panics
/// If a check fails.
pub async fn quota(stage: &dyn Stage) {
    let owner = Owner::new();
    let [mut allowed, mut refused] =
        ["allowed", "too much"].map(|name| Case::for_workload(stage, owner.workload(stage, name)));
    for case in [&mut allowed, &mut refused] {
        case.workload.isolation.quota = Some(Quota {
            pods: 1,
            cpu_millis: 1000,
            memory_mib: 1024,
            volume_gb: 100,
            gpus: BTreeMap::new(),
        });
    }
    let pod = allowed.start().await;
    let deadline = Instant::now() + stage.limit();
    // A quota takes effect some time after it is created.
    while refused.backend.apply(&refused.workload).await.is_ok() {
        assert!(Instant::now() < deadline, "no quota within {:?}", stage.limit());
        refused.clear(VolumePolicy::Keep).await;
        sleep(PAUSE).await;
    }
    let kind = refused
        .backend
        .apply(&refused.workload)
        .await
        .err()
        .map(|error| error.kind().clone());
    assert_eq!(kind, Some(ErrorKind::QuotaExceeded), "one pod too much");
    refused.clear(VolumePolicy::Keep).await;
    refused
        .until("end of what was refused", Observation::is_cleared)
        .await;
    let seen = allowed.observe().await;
    assert_complete(&allowed, &seen);
    assert_eq!(pod_of(&seen), pod, "the pod within the quota is as it was");

    // The quota is free again after the removal.
    allowed.clear(VolumePolicy::Keep).await;
    assert_complete(&refused, &refused.apply_when_free().await);
    refused.clear(VolumePolicy::Delete).await;
}
