use std::collections::BTreeMap;

use neuropod_core::cluster::workload::Quota;
use neuropod_core::cluster::{Objects, Observation, ObservedVolume, ReasonCode, VolumePolicy};
use neuropod_core::sim::{ObjectKey, ObjectKind};
use neuropod_core::{ClusterBackend, ErrorKind, PodId};

use crate::fixture::{Events, cluster, start, workload};

#[tokio::test(start_paused = true)]
async fn an_agreed_state_is_not_written_again() {
    let cluster = cluster();
    start(&cluster, &workload(1)).await;
    assert_eq!(
        cluster.objects().len(),
        7,
        "pod, two services, two routes, policy, secret"
    );
    let writes = cluster.writes();
    assert_eq!(writes, 8, "those and the volume");
    cluster.apply(&workload(1)).await.unwrap();
    assert_eq!(cluster.writes(), writes);
}

#[tokio::test(start_paused = true)]
async fn an_object_without_its_pod_is_an_orphan() {
    let cluster = cluster();
    start(&cluster, &workload(1)).await;
    assert_eq!(cluster.orphans(), []);
    let reference = workload(1).reference;
    cluster.delete_by_hand(&ObjectKey::new(&reference, ObjectKind::Pod, &reference.name));
    assert_eq!(cluster.orphans().len(), 6);
    let owned = cluster.inventory().await.unwrap().workloads.remove(0);
    assert_eq!(
        (owned.reference.volume.as_str(), owned.observation.volume),
        ("", ObservedVolume::Unknown)
    );
    assert!(
        cluster
            .remove(&owned.reference, VolumePolicy::Keep)
            .await
            .unwrap()
            .is_cleared()
    );
    assert_eq!((cluster.orphans(), cluster.volumes().len()), (vec![], 1));
}

#[tokio::test(start_paused = true)]
async fn an_object_with_a_finalizer_is_left_over_until_it_is_released() {
    let cluster = cluster();
    let mut workload = workload(1);
    let service = ObjectKey::new(
        &workload.reference,
        ObjectKind::Service,
        &workload.endpoints[0].service,
    );
    cluster.hold_finalizer(service.clone());
    start(&cluster, &workload).await;
    let mut events = Events::of(&cluster);
    for _ in 0..2 {
        cluster
            .remove(&workload.reference, VolumePolicy::Keep)
            .await
            .unwrap();
    }
    events.until_gone().await;
    assert_eq!(
        cluster.orphans(),
        std::slice::from_ref(&service),
        "all others are gone"
    );
    workload.run = 2;
    let error = cluster.apply(&workload).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Conflict);
    let seen = cluster.observe(&workload.reference).await.unwrap();
    assert_eq!(
        (seen.pod.unwrap().run, seen.objects),
        (2, Objects::Partial),
        "what could be made was made"
    );
    cluster.release_finalizer(&service);
    let seen = cluster.apply(&workload).await.unwrap();
    assert_eq!(seen.objects, Objects::Complete);
    // A deletion by hand leaves it in the same way, and an object that is not deleted is unaffected.
    cluster.hold_finalizer(service.clone());
    cluster.release_finalizer(&service);
    assert!(cluster.objects().contains(&service));
    cluster.hold_finalizer(service.clone());
    cluster.delete_by_hand(&service);
    assert_eq!(
        *cluster.apply(&workload).await.unwrap_err().kind(),
        ErrorKind::Conflict
    );
}

#[tokio::test(start_paused = true)]
async fn a_volume_with_a_finalizer_shows_as_terminating_until_it_is_released() {
    let cluster = cluster();
    let workload = workload(1);
    let volume = ObjectKey::volume(&workload.reference);
    cluster.hold_finalizer(volume.clone());
    start(&cluster, &workload).await;
    let mut events = Events::of(&cluster);
    cluster
        .remove(&workload.reference, VolumePolicy::Delete)
        .await
        .unwrap();
    events.until_gone().await;
    let seen = cluster.observe(&workload.reference).await.unwrap();
    assert_eq!(
        (seen.is_cleared(), seen.volume),
        (true, ObservedVolume::Terminating)
    );
    let error = cluster.apply(&workload).await.unwrap_err();
    assert_eq!(
        *error.kind(),
        ErrorKind::Conflict,
        "a leftover is still being deleted"
    );
    cluster.release_finalizer(&volume);
    assert_eq!(
        cluster.observe(&workload.reference).await.unwrap().volume,
        ObservedVolume::Absent
    );
    let (_, pod) = events.until(|pod| pod.reason.is_some()).await;
    assert_eq!(
        pod.reason.unwrap().code,
        ReasonCode::VolumePending,
        "the pod waits for a volume"
    );
    cluster.apply(&workload).await.unwrap();
    events.until(|pod| pod.ready).await;
}

#[tokio::test(start_paused = true)]
async fn a_volume_in_use_by_another_pod_is_not_deleted_under_it() {
    let cluster = cluster();
    let [one, mut other] = [workload(1), workload(2)];
    other.reference.volume.clone_from(&one.reference.volume);
    start(&cluster, &one).await;
    start(&cluster, &other).await;
    let mut events = Events::of(&cluster);
    cluster
        .remove(&one.reference, VolumePolicy::Delete)
        .await
        .unwrap();
    events.until_gone().await;
    let seen = cluster.observe(&other.reference).await.unwrap();
    assert_eq!(
        seen.volume,
        ObservedVolume::Terminating,
        "it goes when nobody has it"
    );
    cluster
        .remove(&other.reference, VolumePolicy::Keep)
        .await
        .unwrap();
    events.until_gone().await;
    assert_eq!(cluster.volumes(), []);
}

#[tokio::test(start_paused = true)]
async fn a_volume_grows_and_never_shrinks() {
    let cluster = cluster();
    let mut workload = workload(1);
    start(&cluster, &workload).await;
    for (asked, size) in [(80, 80), (10, 80)] {
        workload.volume.size_gb = asked;
        let seen = cluster.apply(&workload).await.unwrap();
        assert_eq!(seen.volume, ObservedVolume::Bound { size_gb: size });
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_is_refused_for_ever_or_until_it_is_free() {
    let cluster = cluster();
    let first = workload(1);
    let foreign = ObjectKey::new(&first.reference, ObjectKind::Service, &first.endpoints[0].service);
    cluster.add_foreign(foreign.clone());
    assert_eq!(
        *cluster.apply(&first).await.unwrap_err().kind(),
        ErrorKind::NameTaken
    );
    cluster
        .remove(&first.reference, VolumePolicy::Delete)
        .await
        .unwrap();
    assert_eq!(
        cluster.objects(),
        [],
        "what was made beside it is gone, and the foreign one is not ours"
    );

    // A pod that was deleted and recreated with the same name has another id.
    let old = workload(2);
    start(&cluster, &old).await;
    let mut new = old.clone();
    new.reference.pod_id = PodId::from_bits(3);
    assert_eq!(
        *cluster.apply(&new).await.unwrap_err().kind(),
        ErrorKind::NameTaken,
        "the other one runs"
    );
    let mut events = Events::of(&cluster);
    cluster.remove(&old.reference, VolumePolicy::Keep).await.unwrap();
    assert_eq!(
        *cluster.apply(&new).await.unwrap_err().kind(),
        ErrorKind::Conflict,
        "the other one ends"
    );
    events.until_gone().await;
    cluster.apply(&new).await.unwrap();
}

/// GPUs are counted by resource, and a pod that requests none is not refused.
#[tokio::test(start_paused = true)]
async fn a_quota_counts_gpus_by_their_resource() {
    let cluster = cluster();
    let mut workloads = [workload(1), workload(2), workload(3), workload(4)];
    for workload in &mut workloads {
        workload.reference.user_hash = "ana".to_owned();
        workload.isolation.quota = Some(Quota {
            pods: 9,
            cpu_millis: 100_000,
            memory_mib: 100_000,
            volume_gb: 500,
            gpus: BTreeMap::from([("nvidia.com/gpu".to_owned(), 1)]),
        });
    }
    let [one, other, mut without, mut another_kind] = workloads;
    without.container.resources.accelerator = None;
    if let Some(accelerator) = &mut another_kind.container.resources.accelerator {
        accelerator.resource = "amd.com/gpu".to_owned();
    }
    start(&cluster, &one).await;
    let error = cluster.apply(&other).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::QuotaExceeded);
    let text = "requested: requests.nvidia.com/gpu=1, used: requests.nvidia.com/gpu=1, limited: requests.nvidia.com/gpu=1";
    assert!(error.to_string().contains(text), "{error}");
    cluster.apply(&without).await.unwrap();
    cluster.apply(&another_kind).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_quota_refuses_one_pod_too_many() {
    let cluster = cluster();
    let [mut one, mut other] = [workload(1), workload(2)];
    for workload in [&mut one, &mut other] {
        workload.reference.user_hash = "ana".to_owned();
        workload.isolation.quota = Some(Quota {
            pods: 5,
            cpu_millis: 6000,
            memory_mib: 10_000,
            volume_gb: 500,
            gpus: BTreeMap::new(),
        });
    }
    start(&cluster, &one).await;
    let error = cluster.apply(&other).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::QuotaExceeded);
    assert!(
        error
            .to_string()
            .contains("requested: limits.cpu=4000, used: limits.cpu=4000, limited: limits.cpu=6000")
    );
    let seen = cluster
        .remove(&other.reference, VolumePolicy::Delete)
        .await
        .unwrap();
    assert_eq!(seen, Observation::nothing());
}
