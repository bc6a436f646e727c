//! Checks of `remove`.

use super::fixture::{Case, Owner, assert_complete, is_kept, pod_of};
use super::stage::{Milestone, Stage};
use crate::cluster::observation::{Objects, Observation, ObservedVolume, Phase};
use crate::cluster::workload::VolumePolicy;

/// Remove returns the remaining objects until all are gone but the volume.
pub(super) async fn remove_keeps_the_volume(stage: &dyn Stage) {
    let case = Case::new(stage, "keeps");
    let pod = case.start().await;
    let removed = case.remove(VolumePolicy::Keep).await;
    let ending = pod_of(&removed);
    assert_eq!(ending.uid, pod.uid);
    assert!(ending.terminating, "a running container gets its time to end");
    assert_eq!(ending.phase, Phase::Running, "its container still runs");
    let again = case.remove(VolumePolicy::Keep).await;
    assert!(pod_of(&again).terminating, "another removal changes nothing");
    case.reach(Milestone::Ended).await;
    let seen = case.until("end", Observation::is_cleared).await;
    assert!(is_kept(&seen.volume), "the volume stays: {:?}", seen.volume);
    let again = case.remove(VolumePolicy::Keep).await;
    assert!(again.is_cleared() && is_kept(&again.volume), "{again:#?}");
    case.clear(VolumePolicy::Delete).await;
}

/// The volume is deleted on request, even after a removal that kept it.
pub(super) async fn remove_deletes_the_volume_on_request(stage: &dyn Stage) {
    let case = Case::new(stage, "deletes");
    case.start().await;
    let removed = case.remove(VolumePolicy::Delete).await;
    assert!(
        !is_kept(&removed.volume),
        "the volume is going: {:?}",
        removed.volume
    );
    case.clear(VolumePolicy::Delete).await;
    assert_eq!(case.observe().await, Observation::nothing());

    let late = Case::new(stage, "deletes later");
    late.start().await;
    late.clear(VolumePolicy::Keep).await;
    late.clear(VolumePolicy::Delete).await;
    assert_eq!(late.observe().await, Observation::nothing());
}

/// Removing a workload that never existed, or is gone, succeeds.
pub(super) async fn remove_of_nothing_is_fine(stage: &dyn Stage) {
    let case = Case::new(stage, "nothing");
    for volume in [VolumePolicy::Keep, VolumePolicy::Delete] {
        assert_eq!(case.remove(volume).await, Observation::nothing());
    }
}

/// A restarted pod is a new pod object on the same volume.
pub(super) async fn the_next_run_is_another_pod_on_the_same_volume(stage: &dyn Stage) {
    let mut case = Case::new(stage, "next run");
    let first = case.start().await;
    case.clear(VolumePolicy::Keep).await;
    let between = case.observe().await;
    assert!(is_kept(&between.volume), "the volume stays: {:?}", between.volume);
    case.workload.run = 2;
    let applied = case.apply().await;
    assert_complete(&case, &applied);
    assert_ne!(pod_of(&applied).uid, first.uid, "another pod object");
    assert_eq!(pod_of(&applied).restarts, 0);
    assert!(is_kept(&applied.volume));
    case.clear(VolumePolicy::Delete).await;
}

/// Two pods of one owner share a workspace and nothing else.
pub(super) async fn two_workloads_do_not_disturb_each_other(stage: &dyn Stage) {
    let owner = Owner::new();
    let one = Case::for_workload(stage, owner.workload(stage, "one"));
    let other = Case::for_workload(stage, owner.workload(stage, "one more"));
    assert_eq!(
        one.reference().volume,
        other.reference().volume,
        "one workspace per user"
    );
    let ((), pod) = futures::join!(async { drop(one.start().await) }, other.start());
    one.clear(VolumePolicy::Keep).await;
    let seen = other.observe().await;
    assert_complete(&other, &seen);
    assert_eq!(pod_of(&seen), pod, "the other pod is as it was");
    let seen = one.observe().await;
    assert_eq!(
        (seen.pod, seen.objects),
        (None, Objects::Absent),
        "observe reads one pod only"
    );
    assert_ne!(seen.volume, ObservedVolume::Absent);
    other.clear(VolumePolicy::Delete).await;
}
