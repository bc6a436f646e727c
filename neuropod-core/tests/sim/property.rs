//! For any operations in any order, the events of the watch lead to the state of the cluster, and none is
//! without a change.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use neuropod_core::cluster::{ClusterEvent, ObservedPod, VolumePolicy};
use neuropod_core::sim::faults::{Fault, Faults};
use neuropod_core::sim::{Mishap, ObjectKey, ObjectKind, Settings, SimCluster};
use neuropod_core::{ClusterBackend, PodId};
use proptest::prelude::*;
use tokio::time::{sleep, timeout};

use crate::fixture::workload;

/// The maximum number of pods.
const PODS: u64 = 3;

#[derive(Debug, Clone)]
enum Step {
    Apply(u64, u64),
    Remove(u64),
    DeleteByHand(u64),
    InjectOnce(u64, Mishap),
    InjectLasting(u64, Mishap),
    Clear(u64),
    BreakWatch,
    MendWatch,
    Delay(u64),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    use Mishap::{CrashLoop, IgnoresTermination, ImageMissing, MountFailing, NeverReady, NoGpuFree};
    use Mishap::{DiskExceeded, Evicted, Exit, NodeLost, OutOfMemory};
    let pod = || 0..PODS;
    let once = prop::sample::select(vec![Exit, OutOfMemory, Evicted, DiskExceeded, NodeLost]);
    let lasting = vec![
        CrashLoop,
        IgnoresTermination,
        ImageMissing,
        MountFailing,
        NeverReady,
        NoGpuFree,
    ];
    prop_oneof![
        3 => (pod(), 1..4_u64).prop_map(|(pod, run)| Step::Apply(pod, run)),
        2 => pod().prop_map(Step::Remove),
        1 => pod().prop_map(Step::DeleteByHand),
        2 => (pod(), once).prop_map(|(pod, mishap)| Step::InjectOnce(pod, mishap)),
        1 => (pod(), prop::sample::select(lasting)).prop_map(|(pod, mishap)| Step::InjectLasting(pod, mishap)),
        1 => pod().prop_map(Step::Clear),
        1 => Just(Step::BreakWatch),
        1 => Just(Step::MendWatch),
        1 => (0..2000_u64).prop_map(Step::Delay),
        4 => (1..3000_u64).prop_map(Step::Wait),
    ]
}

async fn carry_out(cluster: &SimCluster, step: Step) {
    let id = |number| workload(number).reference.pod_id;
    match step {
        Step::Apply(number, run) => {
            let mut workload = workload(number);
            workload.run = run;
            // It may conflict with a pod that is ending.
            drop(cluster.apply(&workload).await);
        }
        Step::Remove(number) => drop(
            cluster
                .remove(&workload(number).reference, VolumePolicy::Keep)
                .await,
        ),
        Step::DeleteByHand(number) => {
            let reference = workload(number).reference;
            cluster.delete_by_hand(&ObjectKey::new(&reference, ObjectKind::Pod, &reference.name));
        }
        Step::InjectOnce(number, mishap) | Step::InjectLasting(number, mishap) => {
            cluster.inject(&id(number), mishap);
        }
        Step::Clear(number) => cluster.clear_mishaps(&id(number)),
        Step::BreakWatch => cluster.break_watch(),
        Step::MendWatch => cluster.mend_watch(),
        Step::Delay(millis) => cluster.delay_watch(Duration::from_millis(millis)),
        Step::Wait(millis) => sleep(Duration::from_millis(millis)).await,
    }
}

/// Follows a watch until it is silent for longer than anything takes.
async fn follow(backend: Arc<dyn ClusterBackend>) -> BTreeMap<PodId, ObservedPod> {
    let mut known = BTreeMap::new();
    let mut events = backend.watch();
    while let Ok(event) = timeout(Duration::from_hours(1), events.next()).await {
        match event.expect("the cluster is there") {
            ClusterEvent::Changed { pod_id, pod } => {
                let old: Option<ObservedPod> = known.insert(pod_id, pod.clone());
                assert_ne!(old.as_ref(), Some(&pod), "a change that is none");
                assert!(
                    old.is_none_or(|old| old.uid == pod.uid),
                    "a replaced pod whose end was not reported"
                );
            }
            ClusterEvent::Gone { pod_id, uid } => {
                let old = known.remove(&pod_id).expect("the end of a pod that was reported");
                assert_eq!(old.uid, uid);
            }
            _ => {}
        }
    }
    known
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn the_watch_agrees_with_the_cluster(steps in prop::collection::vec(step(), 1..40), gap in 1..60_usize) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            // Without signs of life, which never end.
            let cluster = SimCluster::new(Settings { heartbeat: None, ..Settings::default() });
            let faults = Faults::at_call(gap, Fault::ErrorAfter);
            let bare = tokio::spawn(follow(Arc::new(cluster.clone())));
            let broken = tokio::spawn(follow(faults.cluster(Arc::new(cluster.clone()))));
            for step in steps {
                carry_out(&cluster, step).await;
            }
            cluster.mend_watch();
            // A crash loop would change for ever.
            (0..PODS).for_each(|number| cluster.clear_mishaps(&workload(number).reference.pod_id));
            let (bare, broken) = (bare.await.unwrap(), broken.await.unwrap());
            let ids = (0..PODS).map(|number| workload(number).reference.pod_id);
            let there: BTreeMap<_, _> = ids.filter_map(|id| Some((id.clone(), cluster.pod(&id)?))).collect();
            assert_eq!(bare, there);
            assert_eq!(broken, there, "with a gap at event {gap}");
        });
    }
}
