//! Backends that do one thing wrong. The suite has to find out each.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt, future, stream};
use neuropod_core::conformance::cluster::{CHECKS, logs};
use neuropod_core::sim::Settings;
use neuropod_core::{
    ClusterBackend, ClusterEvent, Inventory, LogOptions, LogStream, Objects, Observation, Phase, Result,
    Usage, VolumePolicy, Workload, WorkloadRef,
};

use crate::stage::SimStage;

/// What a backend does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lie {
    /// Removes the volume, whatever the policy.
    DeletesVolumes,
    /// Keeps the volume, whatever the policy.
    KeepsVolumes,
    /// Makes a new pod at every apply.
    Replaces,
    /// Says that everything is there when a Service is missing.
    SaysComplete,
    /// Does not list pods whose object is gone.
    ForgetsOrphans,
    /// Does not tell ends.
    LosesEnds,
    /// Tells every change twice.
    Repeats,
    /// Does not tell what there is when the watch opens.
    OpensEmpty,
    /// Never says that it has caught up.
    NeverSynced,
    /// Loses the reason of what it tells.
    LosesReasons,
    /// Calls every container ready.
    SaysReady,
    /// Keeps one container id over restarts.
    LosesRestarts,
    /// Has no pending pods.
    SkipsPending,
    /// Answers `remove` as if all were gone.
    SaysGone,
    /// Gives the whole log whatever part is asked for.
    IgnoresLogOptions,
    /// Takes the first line off a log that is followed.
    FollowsLate,
}

struct Liar {
    inner: Arc<dyn ClusterBackend>,
    lie: Lie,
}

impl Liar {
    fn twist(&self, mut seen: Observation) -> Observation {
        if self.lie == Lie::SaysComplete && seen.objects == Objects::Partial {
            seen.objects = Objects::Complete;
        }
        seen
    }
}

#[async_trait]
impl ClusterBackend for Liar {
    async fn apply(&self, workload: &Workload) -> Result<Observation> {
        if self.lie == Lie::Replaces {
            self.inner.remove(&workload.reference, VolumePolicy::Keep).await?;
        }
        self.inner.apply(workload).await.map(|seen| self.twist(seen))
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
        let asked = match self.lie {
            Lie::IgnoresLogOptions => LogOptions {
                tail: None,
                ..options
            },
            _ => options,
        };
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
}

fn twisted(lie: Lie, opened: bool, mut event: ClusterEvent) -> Vec<ClusterEvent> {
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

/// The checks that find the lie out.
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
    });
    stage
}

#[tokio::test(start_paused = true)]
async fn every_lie_is_found_out() {
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
        Lie::IgnoresLogOptions,
        Lie::FollowsLate,
    ];
    let found = future::join_all(lies.map(|lie| async move { (lie, found_by(lie).await) })).await;
    let believed: Vec<_> = found.iter().filter(|(_, checks)| checks.is_empty()).collect();
    assert!(believed.is_empty(), "the suite believes {believed:?}");
}
