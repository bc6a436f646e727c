//! A cluster whose calls are measured.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::BoxStream;
use neuropod::cluster::{
    ClusterEvent, Inventory, LogOptions, LogStream, NodeGpus, Observation, Usage, VolumePolicy, Workload,
    WorkloadRef,
};
use neuropod::{ClusterBackend, PodId, Result};
use tokio::time::Instant;

/// Counts the calls of a cluster, their errors and their duration, and records when the watch reported a pod.
pub(crate) struct MeteredCluster {
    inner: Arc<dyn ClusterBackend>,
    last_report: Arc<Mutex<HashMap<PodId, Instant>>>,
}

impl MeteredCluster {
    /// This cluster, measured.
    pub(crate) fn new(inner: Arc<dyn ClusterBackend>) -> Self {
        Self {
            inner,
            last_report: Arc::default(),
        }
    }

    /// How long ago the cluster reported a change of the pod that no record has yet; the next call returns
    /// `None`.
    pub(crate) fn reported_since(&self, pod: &PodId) -> Option<Duration> {
        let mut last_report = self.last_report.lock().unwrap_or_else(PoisonError::into_inner);
        last_report.remove(pod).map(|at| at.elapsed())
    }

    async fn count<T>(method: &'static str, call: impl Future<Output = Result<T>> + Send) -> Result<T> {
        let begin = Instant::now();
        let answer = call.await;
        metrics::histogram!("neuropod_cluster_call_seconds", "method" => method)
            .record(begin.elapsed().as_secs_f64());
        if let Err(error) = &answer {
            metrics::counter!("neuropod_cluster_errors_total", "method" => method, "kind" => error.kind().code())
                .increment(1);
        }
        answer
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ClusterBackend for MeteredCluster {
    async fn apply(&self, workload: &Workload) -> Result<Observation> {
        Self::count("apply", self.inner.apply(workload)).await
    }

    async fn remove(&self, reference: &WorkloadRef, volume: VolumePolicy) -> Result<Observation> {
        Self::count("remove", self.inner.remove(reference, volume)).await
    }

    async fn observe(&self, reference: &WorkloadRef) -> Result<Observation> {
        Self::count("observe", self.inner.observe(reference)).await
    }

    fn watch(&self) -> BoxStream<'static, ClusterEvent> {
        let last_report = Arc::clone(&self.last_report);
        let note = move |event: &ClusterEvent| {
            let mut last_report = last_report.lock().unwrap_or_else(PoisonError::into_inner);
            match event {
                ClusterEvent::Changed { pod_id, .. } => {
                    last_report.entry(pod_id.clone()).or_insert_with(Instant::now);
                }
                ClusterEvent::Gone { pod_id, .. } => {
                    last_report.remove(pod_id);
                }
                _ => {}
            }
        };
        self.inner.watch().inspect(note).boxed()
    }

    async fn logs(&self, reference: &WorkloadRef, options: LogOptions) -> Result<LogStream> {
        Self::count("logs", self.inner.logs(reference, options)).await
    }

    async fn usage(&self) -> Result<Vec<Usage>> {
        Self::count("usage", self.inner.usage()).await
    }

    async fn inventory(&self) -> Result<Inventory> {
        Self::count("inventory", self.inner.inventory()).await
    }

    async fn gpus(&self) -> Result<Option<Vec<NodeGpus>>> {
        Self::count("gpus", self.inner.gpus()).await
    }

    fn route_delay(&self) -> Duration {
        self.inner.route_delay()
    }
}
