use std::time::Duration;

use async_trait::async_trait;
use futures::stream::BoxStream;
use tokio::time::sleep;

use super::incident::{Call, Method, Refusal};
use super::pod::SimPod;
use super::world::World;
use super::{SimCluster, logs, watch};
use crate::cluster::backend::{ClusterBackend, ClusterEvent, Inventory, LogOptions, LogStream, Usage};
use crate::cluster::observation::Observation;
use crate::cluster::workload::{VolumePolicy, Workload, WorkloadRef};
use crate::error::kind::{Error, ErrorKind, Result};
use crate::id::PodId;

#[async_trait]
impl ClusterBackend for SimCluster {
    async fn apply(&self, workload: &Workload) -> Result<Observation> {
        let name = Some(&workload.reference.name);
        self.call(Method::Apply, name, |world| world.apply(workload))
            .await
    }

    async fn remove(&self, reference: &WorkloadRef, volume: VolumePolicy) -> Result<Observation> {
        let remove = |world: &mut World| Ok(world.remove(reference, volume));
        self.call(Method::Remove, Some(&reference.name), remove).await
    }

    async fn observe(&self, reference: &WorkloadRef) -> Result<Observation> {
        let look = |world: &mut World| Ok(world.look(reference));
        self.call(Method::Observe, Some(&reference.name), look).await
    }

    fn watch(&self) -> BoxStream<'static, ClusterEvent> {
        self.shared.look(|world| world.record(Method::Watch, None));
        watch::open(&self.shared)
    }

    async fn logs(&self, reference: &WorkloadRef, options: LogOptions) -> Result<LogStream> {
        let open = |world: &mut World| world.open_log(reference, options.previous);
        let (log, breaks) = self.call(Method::Logs, Some(&reference.name), open).await?;
        Ok(logs::stream(&self.shared, log, breaks, &options))
    }

    async fn usage(&self) -> Result<Vec<Usage>> {
        self.call(Method::Usage, None, |world| Ok(world.usage())).await
    }

    async fn inventory(&self) -> Result<Inventory> {
        self.call(Method::Inventory, None, |world| Ok(world.inventory()))
            .await
    }
}

/// What an API server that asks for fewer requests sends as `Retry-After`.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The error of a call that is told to fail.
fn refused(method: Method, kind: ErrorKind) -> Error {
    let limited = kind == ErrorKind::RateLimited;
    let error = Error::new(kind, format!("the cluster was told to fail {method:?}"));
    if limited {
        error.with_retry_after(RETRY_AFTER)
    } else {
        error
    }
}

impl SimCluster {
    /// A call on its way to the cluster and back: it takes effect between the two waits.
    async fn call<R>(
        &self,
        method: Method,
        name: Option<&String>,
        effect: impl FnOnce(&mut World) -> Result<R>,
    ) -> Result<R> {
        let latency = self.latency;
        if !latency.is_zero() {
            sleep(latency).await;
        }
        let answer = self.shared.change(|world| {
            world.record(method, name.cloned());
            match world.refusal(method) {
                None => effect(world),
                Some(refusal) => {
                    if refusal.after_effect {
                        // Whatever it answered is lost on the way.
                        drop(effect(world));
                    }
                    Err(refused(method, refusal.kind))
                }
            }
        });
        if !latency.is_zero() {
            sleep(latency).await;
        }
        answer
    }
}

impl World {
    fn record(&mut self, method: Method, name: Option<String>) {
        let at = self.now;
        self.calls.push(Call { at, method, name });
    }

    /// The refusal that this call meets, counted down.
    fn refusal(&mut self, method: Method) -> Option<Refusal> {
        self.refusals.retain(|refusal| refusal.times > 0);
        let meets = |refusal: &&mut Refusal| refusal.method.is_none_or(|refused| refused == method);
        let refusal = self.refusals.iter_mut().find(meets)?;
        refusal.times -= 1;
        Some(refusal.clone())
    }

    /// A tenth of what each running pod may use.
    fn usage(&self) -> Vec<Usage> {
        let pods = self
            .workloads
            .iter()
            .filter_map(|(pod_id, owned)| Some((pod_id, owned.pod.as_ref()?)));
        let runs = |(_, pod): &(&PodId, &SimPod)| pod.observed().container.is_some();
        let usage = |(pod_id, pod): (&PodId, &SimPod)| {
            let resources = &pod.workload.container.resources;
            Usage {
                pod_id: pod_id.clone(),
                cpu_millis: Some(u64::from(resources.cpu_millis) / 10),
                memory_bytes: Some(u64::from(resources.memory_mib) * (1 << 20) / 10),
                gpu_percent: resources.accelerator.as_ref().map(|_| 10.0),
                at: self.now,
            }
        };
        pods.filter(runs).map(usage).collect()
    }
}
