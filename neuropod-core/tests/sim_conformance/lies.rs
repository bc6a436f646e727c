//! Backends that do one thing wrong. The suite must detect each.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use async_trait::async_trait;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt, future, stream};
use jiff::SignedDuration;
use neuropod_core::cluster::{
    ClusterEvent, Inventory, LogOptions, LogStream, NodeGpus, Objects, Observation, ObservedPod, Phase,
    Usage, VolumePolicy, Workload, WorkloadRef,
};
use neuropod_core::conformance::cluster::{CHECKS, logs};
use neuropod_core::sim::Settings;
use neuropod_core::{ClusterBackend, ErrorKind, Result};

use crate::stage::SimStage;

/// The misbehaviour of a backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lie {
    /// Removes the volume, whatever the policy.
    DeletesVolumes,
    /// Keeps the volume, whatever the policy.
    KeepsVolumes,
    /// Creates a new pod at every apply.
    Replaces,
    /// Reports the objects as complete when a Service is missing.
    SaysComplete,
    /// Does not list pods whose object is gone.
    ForgetsOrphans,
    /// Does not report ends.
    LosesEnds,
    /// Reports every change twice.
    Repeats,
    /// Does not report existing pods when the watch opens.
    OpensEmpty,
    /// Never sends `Synced`.
    NeverSynced,
    /// Omits the reasons in its reports.
    LosesReasons,
    /// Reports every container as ready.
    SaysReady,
    /// Keeps the container id over restarts.
    LosesRestarts,
    /// Omits pending pods.
    SkipsPending,
    /// Replies to `remove` as if all objects were gone.
    SaysGone,
    /// Does not report by when a pod object should be gone.
    LosesEndings,
    /// Reports that a pod object should be gone when its container started.
    EndsAtOnce,
    /// Creates objects that are still being deleted.
    IgnoresLeftovers,
    /// Never reports a fault of the node.
    BlamesNoNode,
    /// Reports every failure as the node's fault.
    BlamesNodes,
    /// Reports every warning as certain.
    CertainAtOnce,
    /// Reports no reason as certain.
    NeverCertain,
    /// Does not report how the last container ended.
    LosesLastEnds,
    /// Does not report when a pod reached its step.
    LosesSteps,
    /// Restarts the time of a step at every observation.
    StepsAnew,
    /// Does not report closed ports.
    LosesClosedPorts,
    /// Returns the whole log, whatever part was requested.
    IgnoresLogOptions,
    /// Omits the first line of a followed log.
    FollowsLate,
}

struct Liar {
    inner: Arc<dyn ClusterBackend>,
    lie: Lie,
    observations: AtomicI64,
}

impl Liar {
    fn twist(&self, mut seen: Observation) -> Observation {
        if self.lie == Lie::SaysComplete && seen.objects == Objects::Partial {
            seen.objects = Objects::Complete;
        }
        if let Some(pod) = &mut seen.pod {
            distort(self.lie, pod);
            if self.lie == Lie::StepsAnew {
                let observations = self.observations.fetch_add(1, Ordering::Relaxed);
                let anew = SignedDuration::from_secs(observations);
                pod.step_since = pod.step_since.map(|since| since + anew);
            }
        }
        seen
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ClusterBackend for Liar {
    async fn apply(&self, workload: &Workload) -> Result<Observation> {
        if self.lie == Lie::Replaces {
            self.inner.remove(&workload.reference, VolumePolicy::Keep).await?;
        }
        let applied = match self.inner.apply(workload).await {
            Err(error) if self.lie == Lie::IgnoresLeftovers && *error.kind() == ErrorKind::Conflict => {
                self.inner.observe(&workload.reference).await
            }
            applied => applied,
        };
        applied.map(|seen| self.twist(seen))
    }

    async fn remove(&self, reference: &WorkloadRef, volume: VolumePolicy) -> Result<Observation> {
        let volume = match self.lie {
            Lie::DeletesVolumes => VolumePolicy::Delete,
            Lie::KeepsVolumes => VolumePolicy::Keep,
            _ => volume,
        };
        let seen = self.inner.remove(reference, volume).await?;
        Ok(if self.lie == Lie::SaysGone {
            Observation::nothing()
        } else {
            self.twist(seen)
        })
    }

    async fn observe(&self, reference: &WorkloadRef) -> Result<Observation> {
        self.inner.observe(reference).await.map(|seen| self.twist(seen))
    }

    fn watch(&self) -> BoxStream<'static, ClusterEvent> {
        let lie = self.lie;
        let synced = AtomicBool::new(false);
        let twist = move |event: ClusterEvent| {
            let opened = synced.fetch_or(event == ClusterEvent::Synced, Ordering::Relaxed);
            stream::iter(twisted(lie, opened, event))
        };
        self.inner.watch().flat_map(twist).boxed()
    }

    async fn logs(&self, reference: &WorkloadRef, options: LogOptions) -> Result<LogStream> {
        let follow = options.follow;
        let mut asked = options;
        if self.lie == Lie::IgnoresLogOptions {
            asked.tail = None;
        }
        let skipped = usize::from(follow && self.lie == Lie::FollowsLate);
        Ok(self.inner.logs(reference, asked).await?.skip(skipped).boxed())
    }

    async fn usage(&self) -> Result<Vec<Usage>> {
        self.inner.usage().await
    }

    async fn inventory(&self) -> Result<Inventory> {
        let mut inventory = self.inner.inventory().await?;
        if self.lie == Lie::ForgetsOrphans {
            inventory
                .workloads
                .retain(|owned| owned.observation.pod.is_some());
        }
        Ok(inventory)
    }

    async fn gpus(&self) -> Result<Option<Vec<NodeGpus>>> {
        self.inner.gpus().await
    }

    fn route_delay(&self) -> std::time::Duration {
        self.inner.route_delay()
    }
}

/// Distorts a pod in the watch and in results.
fn distort(lie: Lie, pod: &mut ObservedPod) {
    match lie {
        Lie::LosesEndings => pod.ending = None,
        Lie::EndsAtOnce => {
            if let (Some(ending), Some(started)) = (&mut pod.ending, pod.started_at) {
                ending.by = started;
            }
        }
        Lie::BlamesNoNode => pod.node_fault = false,
        Lie::BlamesNodes => pod.node_fault = pod.reason.is_some(),
        Lie::CertainAtOnce => pod.passes_until = None,
        Lie::NeverCertain => {
            let since = pod.reason.as_ref().map(|reason| reason.since);
            pod.passes_until = since.map(|since| since + SignedDuration::from_hours(1));
        }
        Lie::LosesLastEnds => pod.last_end = None,
        Lie::LosesSteps => pod.step_since = None,
        Lie::LosesClosedPorts => pod.closed_at = None,
        _ => {}
    }
}

fn twisted(lie: Lie, opened: bool, mut event: ClusterEvent) -> Vec<ClusterEvent> {
    if let ClusterEvent::Changed { pod, .. } = &mut event {
        distort(lie, pod);
    }
    match (lie, &mut event) {
        (Lie::LosesEnds, ClusterEvent::Gone { .. }) | (Lie::NeverSynced, ClusterEvent::Synced) => {
            return vec![];
        }
        (Lie::OpensEmpty, ClusterEvent::Changed { .. }) if !opened => return vec![],
        (Lie::SkipsPending, ClusterEvent::Changed { pod, .. }) if pod.phase == Phase::Pending => {
            return vec![];
        }
        (Lie::Repeats, ClusterEvent::Changed { .. }) => return vec![event.clone(), event],
        (Lie::LosesReasons, ClusterEvent::Changed { pod, .. }) => pod.reason = None,
        (Lie::SaysReady, ClusterEvent::Changed { pod, .. }) => pod.ready = pod.container.is_some(),
        (Lie::LosesRestarts, ClusterEvent::Changed { pod, .. }) => {
            if let Some(container) = &mut pod.container {
                "the same for ever".clone_into(&mut container.id);
            }
        }
        _ => {}
    }
    vec![event]
}

/// The checks that detect the lie.
async fn found_by(lie: Lie) -> Vec<&'static str> {
    let mut found = Vec::new();
    for check in CHECKS {
        let stage = lying(lie);
        if std::panic::AssertUnwindSafe(check.run(&stage))
            .catch_unwind()
            .await
            .is_err()
        {
            found.push(check.name);
        }
    }
    let stage = lying(lie);
    if std::panic::AssertUnwindSafe(logs(&stage))
        .catch_unwind()
        .await
        .is_err()
    {
        found.push("logs");
    }
    found
}

fn lying(lie: Lie) -> SimStage {
    let mut stage = SimStage::new(Settings::still());
    stage.backend = Arc::new(Liar {
        inner: stage.backend,
        lie,
        observations: AtomicI64::new(0),
    });
    stage
}

#[tokio::test(start_paused = true)]
async fn every_wrong_report_is_detected() {
    let lies = [
        Lie::DeletesVolumes,
        Lie::KeepsVolumes,
        Lie::Replaces,
        Lie::SaysComplete,
        Lie::ForgetsOrphans,
        Lie::LosesEnds,
        Lie::Repeats,
        Lie::OpensEmpty,
        Lie::NeverSynced,
        Lie::LosesReasons,
        Lie::SaysReady,
        Lie::LosesRestarts,
        Lie::SkipsPending,
        Lie::SaysGone,
        Lie::LosesEndings,
        Lie::EndsAtOnce,
        Lie::IgnoresLeftovers,
        Lie::BlamesNoNode,
        Lie::BlamesNodes,
        Lie::CertainAtOnce,
        Lie::NeverCertain,
        Lie::LosesLastEnds,
        Lie::LosesSteps,
        Lie::StepsAnew,
        Lie::LosesClosedPorts,
        Lie::IgnoresLogOptions,
        Lie::FollowsLate,
    ];
    let found = future::join_all(lies.map(|lie| async move { (lie, found_by(lie).await) })).await;
    let believed: Vec<_> = found.iter().filter(|(_, checks)| checks.is_empty()).collect();
    assert!(believed.is_empty(), "the suite believes {believed:?}");
}
