//! Common parts of the checks: workloads with unique names, and waiting.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::BoxStream;
use tokio::time::{Instant, sleep, timeout};

use super::stage::{Milestone, Stage};
use crate::cluster::backend::{ClusterBackend, ClusterEvent};
use crate::cluster::observation::{Objects, Observation, ObservedPod, ObservedVolume};
use crate::cluster::workload::{
    ContainerSpec, EndpointSpec, Isolation, ObjectNames, Resources, SecretSpec, VolumePolicy, VolumeSpec,
    Workload, WorkloadRef,
};
use crate::error::kind::ErrorKind;
use crate::id::PodId;
use crate::naming::{Naming, Slug, UserHash};
use crate::pod::environment::Environment;
use crate::sim::{Mishap, ObjectKind};

/// The pause between two checks of a condition.
pub(super) const PAUSE: Duration = Duration::from_millis(50);
/// The ports of the workloads.
const PORTS: [u16; 2] = [8888, 7860];

/// A user of the platform under test, whom no other check uses.
pub(super) struct Owner {
    naming: Naming,
    hash: UserHash,
}

impl Owner {
    pub(super) fn new() -> Self {
        let naming = match Naming::new("conformance.example", "the key of the conformance suite") {
            Ok(naming) => naming,
            Err(error) => panic!("the naming of the suite is wrong: {error}"),
        };
        let hash = naming.user_hash(PodId::random().as_str());
        Self { naming, hash }
    }

    /// A workload of this user.
    pub(super) fn workload(&self, stage: &dyn Stage, name: &str) -> Workload {
        let slug = match self.naming.slug(name) {
            Ok(slug) => slug,
            Err(problem) => panic!("{name:?} is no pod name: {problem:?}"),
        };
        let user_hash = self.hash.as_str().to_owned();
        Workload {
            reference: WorkloadRef {
                pod_id: PodId::random(),
                namespace: stage.namespace(&user_hash),
                user_hash,
                name: self.naming.pod(&slug, &self.hash),
                volume: self.naming.workspace(&self.hash),
                objects: Some(self.object_names(&slug)),
            },
            run: 1,
            container: container(stage.image()),
            volume: VolumeSpec {
                size_gb: 20,
                mount_path: "/workspace".to_owned(),
            },
            endpoints: PORTS.iter().map(|port| self.endpoint(&slug, *port)).collect(),
            isolation: Isolation {
                policy: self.naming.pod(&slug, &self.hash),
                same_owner: false,
                quota: None,
            },
            secret: Some(SecretSpec {
                name: self.naming.token_secret(&slug, &self.hash),
                variables: Environment(BTreeMap::from([(
                    "JUPYTER_TOKEN".into(),
                    "f00dfacef00dfacef00dfacef00dfacef00dfacef00dface".into(),
                )])),
            }),
            grace_seconds: 5,
        }
    }

    fn object_names(&self, slug: &Slug) -> ObjectNames {
        let endpoints = PORTS.iter().map(|port| self.endpoint(slug, *port));
        let (services, routes) = endpoints
            .map(|endpoint| (endpoint.service, endpoint.route))
            .unzip();
        ObjectNames {
            services,
            routes,
            secret: self.naming.token_secret(slug, &self.hash),
        }
    }

    fn endpoint(&self, slug: &Slug, port: u16) -> EndpointSpec {
        EndpointSpec {
            port,
            service: self.naming.service(slug, &self.hash, port),
            route: self.naming.ingress(slug, &self.hash, port),
            host: self.naming.host(slug, &self.hash, port),
        }
    }
}

fn container(image: String) -> ContainerSpec {
    ContainerSpec {
        environment: BTreeMap::from([("LANG".to_owned(), "C.UTF-8".to_owned())]),
        ready_port: Some(PORTS[0]),
        ..ContainerSpec::new(
            image,
            Resources {
                cpu_millis: 100,
                memory_mib: 128,
                disk_gb: 1,
                accelerator: None,
            },
        )
    }
}

/// One workload under test.
pub(super) struct Case<'a> {
    pub(super) stage: &'a dyn Stage,
    pub(super) backend: Arc<dyn ClusterBackend>,
    pub(super) workload: Workload,
}

impl<'a> Case<'a> {
    /// A workload of a new user.
    pub(super) fn new(stage: &'a dyn Stage, name: &str) -> Self {
        Self::for_workload(stage, Owner::new().workload(stage, name))
    }

    pub(super) fn for_workload(stage: &'a dyn Stage, workload: Workload) -> Self {
        Self {
            stage,
            backend: stage.backend(),
            workload,
        }
    }

    pub(super) fn reference(&self) -> &WorkloadRef {
        &self.workload.reference
    }

    /// Applies the workload, with retries after transient errors, as the driver does.
    pub(super) async fn apply(&self) -> Observation {
        let deadline = Instant::now() + self.stage.limit();
        loop {
            match self.backend.apply(&self.workload).await {
                Ok(observation) => return observation,
                Err(error) if error.is_retryable() && Instant::now() < deadline => sleep(PAUSE).await,
                Err(error) => panic!("apply of {}: {error}", self.reference().name),
            }
        }
    }

    /// Applies the workload once its owner's quota has room for it.
    pub(super) async fn apply_when_free(&self) -> Observation {
        let deadline = Instant::now() + self.stage.limit();
        loop {
            match self.backend.apply(&self.workload).await {
                Ok(observation) => return observation,
                Err(error) if *error.kind() == ErrorKind::QuotaExceeded && Instant::now() < deadline => {
                    sleep(PAUSE).await;
                }
                Err(error) => panic!("apply of {}: {error}", self.reference().name),
            }
        }
    }

    pub(super) async fn observe(&self) -> Observation {
        match self.backend.observe(self.reference()).await {
            Ok(observation) => observation,
            Err(error) => panic!("observe of {}: {error}", self.reference().name),
        }
    }

    pub(super) async fn remove(&self, volume: VolumePolicy) -> Observation {
        match self.backend.remove(self.reference(), volume).await {
            Ok(observation) => observation,
            Err(error) => panic!("remove of {}: {error}", self.reference().name),
        }
    }

    pub(super) async fn reach(&self, milestone: Milestone) {
        self.stage.reach(self.reference(), milestone).await;
    }

    pub(super) async fn inject(&self, mishap: Mishap) {
        self.stage.inject(self.reference(), mishap).await;
    }

    pub(super) async fn delete_by_hand(&self, kind: ObjectKind) {
        self.stage.delete_by_hand(self.reference(), kind).await;
    }

    pub(super) async fn take_name(&self) {
        self.stage.take_name(self.reference()).await;
    }

    /// The container ends with an error, and the next one becomes ready.
    pub(super) async fn restart(&self) {
        self.inject(Mishap::Exit).await;
        self.reach(Milestone::Running { ready: true }).await;
    }

    /// Applies the workload and lets its container run.
    pub(super) async fn start(&self) -> ObservedPod {
        self.apply().await;
        self.reach(Milestone::Running { ready: true }).await;
        pod_of(
            &self
                .until("a ready pod", |seen| {
                    seen.pod.as_ref().is_some_and(|pod| pod.ready)
                })
                .await,
        )
    }

    /// Observes until `holds`.
    pub(super) async fn until(&self, what: &str, holds: impl Fn(&Observation) -> bool) -> Observation {
        let deadline = Instant::now() + self.stage.limit();
        loop {
            let seen = self.observe().await;
            if holds(&seen) {
                return seen;
            }
            assert!(
                Instant::now() < deadline,
                "{}: no {what} within {:?}; last seen: {seen:#?}",
                self.reference().name,
                self.stage.limit(),
            );
            sleep(PAUSE).await;
        }
    }

    /// Removes until no objects of the run remain, and with [`VolumePolicy::Delete`] no volume.
    pub(super) async fn clear(&self, volume: VolumePolicy) {
        let deadline = Instant::now() + self.stage.limit();
        loop {
            let seen = self.remove(volume).await;
            if seen.is_cleared() && (volume == VolumePolicy::Keep || seen.volume == ObservedVolume::Absent) {
                return;
            }
            if seen.pod.is_some_and(|pod| pod.terminating) {
                self.reach(Milestone::Ended).await;
            }
            assert!(
                Instant::now() < deadline,
                "{} is not removed ({volume:?}) within {:?}; last seen: {:#?}",
                self.reference().name,
                self.stage.limit(),
                self.observe().await,
            );
            sleep(PAUSE).await;
        }
    }
}

/// The pod, which must exist.
pub(super) fn pod_of(observation: &Observation) -> ObservedPod {
    match &observation.pod {
        Some(pod) => pod.clone(),
        None => panic!("no pod in {observation:#?}"),
    }
}

/// Whether the volume exists and is not being deleted.
pub(super) fn is_kept(volume: &ObservedVolume) -> bool {
    matches!(volume, ObservedVolume::Pending | ObservedVolume::Bound { .. })
}

/// Asserts that all objects of the workload exist.
pub(super) fn assert_complete(case: &Case<'_>, seen: &Observation) {
    let pod = pod_of(seen);
    assert_eq!(pod.run, case.workload.run, "the run of the pod object");
    assert_eq!(
        pod.spec_hash,
        case.workload.spec_hash(),
        "the digest of the workload"
    );
    assert!(!pod.uid.is_empty(), "the pod object has an identity");
    assert!(!pod.terminating, "the pod is not being deleted");
    assert_eq!(
        seen.objects,
        Objects::Complete,
        "services, routes, policy and secret"
    );
    assert!(
        is_kept(&seen.volume),
        "the volume is there or asked for: {:?}",
        seen.volume
    );
}

/// A watch, and its last reports about some pods.
pub(super) struct Watching {
    stream: BoxStream<'static, ClusterEvent>,
    limit: Duration,
    pods: BTreeMap<PodId, Option<ObservedPod>>,
}

impl Watching {
    /// Opens a watch and reads until it has caught up.
    pub(super) async fn open(stage: &dyn Stage, cases: &[&Case<'_>]) -> Self {
        let pods = cases
            .iter()
            .map(|case| (case.reference().pod_id.clone(), None))
            .collect();
        let mut watching = Self {
            stream: stage.backend().watch(),
            limit: stage.limit(),
            pods,
        };
        while watching.next("Synced").await != ClusterEvent::Synced {}
        watching
    }

    /// The last report about a pod.
    pub(super) fn pod(&self, case: &Case<'_>) -> Option<&ObservedPod> {
        self.pods.get(&case.reference().pod_id).and_then(Option::as_ref)
    }

    /// The next event of one of the pods, or `Synced`. Fails on an event of a pod without a change.
    async fn next(&mut self, what: &str) -> ClusterEvent {
        let deadline = Instant::now() + self.limit;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(event) = timeout(left, self.stream.next()).await else {
                panic!("no {what} within {:?}; last seen: {:#?}", self.limit, self.pods);
            };
            let Some(event) = event else {
                panic!("the watch ended while waiting for {what}")
            };
            match &event {
                ClusterEvent::Synced => return event,
                ClusterEvent::Changed { pod_id, pod } => {
                    let Some(known) = self.pods.get_mut(pod_id) else {
                        continue;
                    };
                    if let Some(known) = known {
                        assert_ne!(known, pod, "the watch reported an event without a change");
                        assert_eq!(
                            known.uid, pod.uid,
                            "a pod object was replaced and its end not reported"
                        );
                    }
                    *known = Some(pod.clone());
                    return event;
                }
                ClusterEvent::Gone { pod_id, uid } => {
                    let Some(known) = self.pods.get_mut(pod_id) else {
                        continue;
                    };
                    let known = known.take().map(|pod| pod.uid);
                    assert_eq!(
                        known.as_ref(),
                        Some(uid),
                        "the watch reported the end of an unknown pod"
                    );
                    return event;
                }
                ClusterEvent::Altered | ClusterEvent::Alive => {}
            }
        }
    }

    /// Reads until `holds` is true for the pod.
    pub(super) async fn until(
        &mut self,
        case: &Case<'_>,
        what: &str,
        holds: impl Fn(&ObservedPod) -> bool,
    ) -> ObservedPod {
        loop {
            if let Some(pod) = self.pod(case).filter(|pod| holds(pod)) {
                return pod.clone();
            }
            self.next(what).await;
        }
    }

    /// Reads until the pod object `uid` is gone.
    pub(super) async fn until_gone(&mut self, case: &Case<'_>, uid: &str) {
        let gone = ClusterEvent::Gone {
            pod_id: case.reference().pod_id.clone(),
            uid: uid.to_owned(),
        };
        while self.next("end of a pod").await != gone {}
    }
}
