//! Checks of `apply`, `observe`, `inventory` and `usage`.

use super::fixture::{Case, Owner, assert_complete, pod_of};
use super::stage::{Milestone, Stage};
use crate::cluster::backend::{Inventory, OwnedWorkload};
use crate::cluster::observation::{Objects, Observation, ObservedPod, Phase};
use crate::cluster::workload::{Accelerator, SecretSpec, VolumePolicy, WorkloadRef};
use crate::error::kind::ErrorKind;
use crate::pod::environment::Environment;
use crate::sim::ObjectKind;

/// Apply creates all objects and returns them; observe returns the same.
pub(super) async fn apply_makes_everything(stage: &dyn Stage) {
    let case = Case::new(stage, "makes everything");
    assert_eq!(
        case.observe().await,
        Observation::nothing(),
        "before anything is applied"
    );
    let applied = case.apply().await;
    assert_complete(&case, &applied);
    let pod = pod_of(&applied);
    assert_eq!(pod.phase, Phase::Pending, "no container has started");
    assert!(!pod.ready, "a pod without container is not ready");
    assert_eq!((pod.container, pod.started_at, pod.restarts), (None, None, 0));
    let observed = case.observe().await;
    assert_complete(&case, &observed);
    assert_eq!(
        pod_of(&observed).uid,
        pod.uid,
        "observe sees the pod that apply made"
    );
    case.clear(VolumePolicy::Delete).await;
}

/// Repeating apply creates no second pod, neither before nor while it runs.
pub(super) async fn apply_again_changes_nothing(stage: &dyn Stage) {
    let case = Case::new(stage, "again");
    let first = pod_of(&case.apply().await);
    let second = case.apply().await;
    assert_complete(&case, &second);
    assert_eq!(pod_of(&second).uid, first.uid, "the same pod object");
    case.reach(Milestone::Running { ready: true }).await;
    let running = pod_of(&case.until("a ready pod", is_ready).await);
    let third = case.apply().await;
    assert_complete(&case, &third);
    assert_eq!(
        pod_of(&third),
        running,
        "apply returns the running pod and leaves it as it is"
    );
    case.clear(VolumePolicy::Delete).await;
}

/// Two replicas of a platform that apply concurrently create one pod.
pub(super) async fn apply_twice_at_once_makes_one_pod(stage: &dyn Stage) {
    let case = Case::new(stage, "at once");
    let (one, other) = futures::join!(case.apply(), case.apply());
    assert_eq!(pod_of(&one).uid, pod_of(&other).uid, "one pod object");
    let seen = case.observe().await;
    assert_complete(&case, &seen);
    assert_eq!(pod_of(&seen).uid, pod_of(&one).uid);
    case.clear(VolumePolicy::Delete).await;
}

/// After an object was deleted by hand the objects are partial, and the next apply recreates it beside the
/// running pod.
pub(super) async fn apply_repairs_what_is_missing(stage: &dyn Stage) {
    let case = Case::new(stage, "repairs");
    let pod = case.start().await;
    case.delete_by_hand(ObjectKind::Service).await;
    case.until("missing object", |seen| seen.objects == Objects::Partial)
        .await;
    let repaired = case.apply().await;
    assert_complete(&case, &repaired);
    assert_eq!(pod_of(&repaired).uid, pod.uid, "the pod ran on");
    assert_complete(&case, &case.observe().await);
    case.delete_by_hand(ObjectKind::Pod).await;
    let seen = case.until("missing pod", |seen| seen.pod.is_none()).await;
    assert_eq!(seen.objects, Objects::Partial, "objects without their pod");
    let made = case.apply().await;
    assert_complete(&case, &made);
    assert_ne!(pod_of(&made).uid, pod.uid, "another pod object");
    case.clear(VolumePolicy::Delete).await;
}

/// A pod object of another run is left alone.
pub(super) async fn apply_of_another_run_leaves_the_pod(stage: &dyn Stage) {
    let mut case = Case::new(stage, "another run");
    let first = case.start().await;
    case.workload.run = 2;
    match case.backend.apply(&case.workload).await {
        Ok(seen) => assert_eq!(pod_of(&seen), first, "apply returns the pod of the old run"),
        Err(error) => assert_eq!(*error.kind(), ErrorKind::Conflict, "{error}"),
    }
    assert_eq!(
        pod_of(&case.observe().await),
        first,
        "the pod of the old run is as it was"
    );
    case.clear(VolumePolicy::Delete).await;
}

/// Unusual but valid content is applied unchanged: long values, other scripts, the longest names.
pub(super) async fn apply_takes_hostile_content(stage: &dyn Stage) {
    let longest = "a-name-that-is-as-long-as-names-may-be-and-longer-than-that-too";
    let mut case = Case::new(stage, longest);
    let Some(SecretSpec {
        variables: Environment(environment),
        ..
    }) = &mut case.workload.secret
    else {
        panic!("the workload of the suite has secret variables")
    };
    environment.insert("LONG".to_owned(), "x".repeat(100 * 1024));
    environment.insert(
        "SCRIPTS".to_owned(),
        "año 名前 العربية 🚀 e\u{301}\u{200d}\u{202e}".to_owned(),
    );
    environment.insert(
        "YAML".to_owned(),
        "- a: &b {{ .Values }}\n---\n%TAG ! null ~".to_owned(),
    );
    environment.insert("EXPANSION".to_owned(), "$(LANG) $$(LANG) ${LANG} `id`".to_owned());
    environment.insert("EMPTY".to_owned(), String::new());
    environment.insert("QUOTES".to_owned(), "\"'\\\t\r\n<script>&amp;".to_owned());
    case.workload.volume.mount_path = String::from("/home/ana/mis datos");
    let first = case.apply().await;
    assert_complete(&case, &first);
    let second = case.apply().await;
    assert_complete(&case, &second);
    assert_eq!(pod_of(&second).uid, pod_of(&first).uid);
    case.clear(VolumePolicy::Delete).await;
}

/// A foreign object is neither taken over nor removed nor listed.
pub(super) async fn apply_refuses_a_name_of_somebody_else(stage: &dyn Stage) {
    let case = Case::new(stage, "taken");
    case.take_name().await;
    let error = match case.backend.apply(&case.workload).await {
        Ok(seen) => panic!("apply took an object of somebody else: {seen:#?}"),
        Err(error) => error,
    };
    assert_eq!(*error.kind(), ErrorKind::NameTaken, "{error}");
    assert!(!error.is_retryable(), "it does not pass by itself");
    case.clear(VolumePolicy::Delete).await;
    let again = case.backend.apply(&case.workload).await.err();
    let kind = again.map(|error| error.kind().clone());
    assert_eq!(
        kind,
        Some(ErrorKind::NameTaken),
        "remove left the object of somebody else"
    );
    case.clear(VolumePolicy::Delete).await;
}

/// A smaller size leaves the volume unchanged.
pub(super) async fn a_volume_never_shrinks(stage: &dyn Stage) {
    let mut case = Case::new(stage, "shrinks");
    case.apply().await;
    case.clear(VolumePolicy::Keep).await;
    let size = case.workload.volume.size_gb;
    case.workload.run = 2;
    case.workload.volume.size_gb = size / 2;
    assert_complete(&case, &case.apply().await);
    let inventory = inventory(&case).await;
    let volume = inventory
        .volumes
        .iter()
        .find(|volume| volume.name == case.reference().volume);
    assert_eq!(volume.map(|volume| volume.size_gb), Some(size));
    case.clear(VolumePolicy::Delete).await;
}

/// The inventory has every workload with any object, and every volume; a pod that does not run has no usage.
pub(super) async fn inventory_lists_what_is_owned(stage: &dyn Stage) {
    let owner = Owner::new();
    let mut case = Case::for_workload(stage, owner.workload(stage, "listed"));
    let gpu = Accelerator {
        resource: "nvidia.com/gpu".to_owned(),
        count: 1,
    };
    case.workload.container.resources.accelerator = Some(gpu);
    let orphan = Case::for_workload(stage, owner.workload(stage, "orphan"));
    let applied = case.apply().await;
    orphan.start().await;
    orphan.delete_by_hand(ObjectKind::Pod).await;
    orphan.until("missing pod", |seen| seen.pod.is_none()).await;

    let seen = inventory(&case).await;
    let listed = find(&seen, &case);
    // A list need not know the names of the other objects.
    let shared = |reference: &WorkloadRef| WorkloadRef {
        objects: None,
        ..reference.clone()
    };
    assert_eq!(shared(&listed.reference), shared(case.reference()));
    assert_eq!(listed.observation.objects, Objects::Complete);
    assert_eq!(pod_of(&listed.observation).uid, pod_of(&applied).uid);
    let left = find(&seen, &orphan);
    assert_eq!(left.observation.pod, None, "its pod object is gone");
    assert_eq!(left.observation.objects, Objects::Partial);
    assert_eq!(left.reference.name, orphan.reference().name);
    assert_eq!(left.reference.user_hash, orphan.reference().user_hash);
    assert_eq!(left.reference.namespace, orphan.reference().namespace);
    let volumes_named = |name: &str| seen.volumes.iter().filter(|volume| volume.name == name).count();
    assert_eq!(
        volumes_named(&case.reference().volume),
        1,
        "one volume of the owner"
    );
    match case.backend.usage().await {
        Ok(usage) => assert!(
            usage.iter().all(|usage| usage.pod_id != case.reference().pod_id),
            "a pod without container uses nothing"
        ),
        Err(error) => panic!("usage: {error}"),
    }

    // The references in the inventory are enough to remove the leftovers.
    assert!(
        case.backend
            .remove(&left.reference, VolumePolicy::Keep)
            .await
            .is_ok()
    );
    orphan.until("end of the orphan", Observation::is_cleared).await;
    case.clear(VolumePolicy::Delete).await;
    let after = inventory(&case).await;
    let still = |case: &Case<'_>| {
        after
            .workloads
            .iter()
            .any(|owned| owned.reference.pod_id == case.reference().pod_id)
    };
    assert!(!still(&case) && !still(&orphan), "what was removed is not listed");
    assert!(
        after
            .volumes
            .iter()
            .all(|volume| volume.name != case.reference().volume)
    );
}

/// The numbers of GPUs are plausible, if the cluster reports them: each resource of a node once, in order, with no more
/// free than there are.
pub(super) async fn gpus_are_listed_by_node(stage: &dyn Stage) {
    let case = Case::new(stage, "counted");
    let nodes = match case.backend.gpus().await {
        Ok(nodes) => nodes.unwrap_or_default(),
        Err(error) => panic!("gpus: {error}"),
    };
    let places: Vec<_> = nodes.iter().map(|gpus| (&gpus.node, &gpus.resource)).collect();
    assert!(
        places.is_sorted_by(|one, next| one < next),
        "sorted by node and resource, each once: {places:?}"
    );
    for gpus in &nodes {
        assert!(
            gpus.free() <= gpus.total,
            "more GPUs free than there are: {gpus:?}"
        );
        assert!(
            gpus.holders.iter().all(|holder| holder.count > 0),
            "a holder without GPUs: {gpus:?}"
        );
    }
}

/// No Debug output of a backend's result shows secret variables.
pub(super) async fn a_token_is_never_shown(stage: &dyn Stage) {
    let case = Case::new(stage, "secret");
    let applied = case.apply().await;
    let shown = format!(
        "{applied:?} {:?} {:?}",
        case.observe().await,
        inventory(&case).await
    );
    let Some(secret) = &case.workload.secret else {
        panic!("the workload of the suite has secret variables")
    };
    for (name, value) in &secret.variables.0 {
        assert!(!shown.contains(value.as_str()), "{name} is shown");
    }
    case.clear(VolumePolicy::Delete).await;
}

fn is_ready(seen: &Observation) -> bool {
    seen.pod.as_ref().is_some_and(|pod: &ObservedPod| pod.ready)
}

async fn inventory(case: &Case<'_>) -> Inventory {
    match case.backend.inventory().await {
        Ok(inventory) => inventory,
        Err(error) => panic!("inventory: {error}"),
    }
}

fn find(inventory: &Inventory, case: &Case<'_>) -> OwnedWorkload {
    let mut found = inventory
        .workloads
        .iter()
        .filter(|owned| owned.reference.pod_id == case.reference().pod_id);
    match (found.next(), found.next()) {
        (Some(owned), None) => owned.clone(),
        (None, _) => panic!("{} is not listed", case.reference().name),
        (Some(_), Some(_)) => panic!("{} is listed twice", case.reference().name),
    }
}
