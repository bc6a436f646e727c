//! The cluster with faults: each method is a call, and so is each item of its streams.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt};
use tokio::time::sleep;

use super::fault::Fault;
use super::injector::Faults;
use crate::cluster::backend::{ClusterBackend, ClusterEvent, Inventory, LogOptions, LogStream, Usage};
use crate::cluster::gpus::NodeGpus;
use crate::cluster::observation::Observation;
use crate::cluster::replicas::{Presence, ReplicaId, Replicas};
use crate::cluster::workload::{VolumePolicy, Workload, WorkloadRef};
use crate::error::kind::Result;
use crate::sim::watchers::KnownPods;

/// The length of a watch's interruption.
const GAP: Duration = Duration::from_secs(1);

pub(super) struct FaultyCluster {
    pub(super) faults: Faults,
    pub(super) inner: Arc<dyn ClusterBackend>,
}

pub(super) struct FaultyReplicas {
    pub(super) faults: Faults,
    pub(super) inner: Arc<dyn Replicas>,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Replicas for FaultyReplicas {
    async fn renew(&self, replica: &ReplicaId) -> Result<Vec<Presence>> {
        self.faults
            .pass("replicas.renew", self.inner.renew(replica))
            .await
    }

    async fn give_up(&self, replica: &ReplicaId) -> Result<()> {
        self.faults
            .pass("replicas.give_up", self.inner.give_up(replica))
            .await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ClusterBackend for FaultyCluster {
    async fn apply(&self, workload: &Workload) -> Result<Observation> {
        self.faults
            .pass("cluster.apply", self.inner.apply(workload))
            .await
    }

    async fn remove(&self, reference: &WorkloadRef, volume: VolumePolicy) -> Result<Observation> {
        self.faults
            .pass("cluster.remove", self.inner.remove(reference, volume))
            .await
    }

    async fn observe(&self, reference: &WorkloadRef) -> Result<Observation> {
        self.faults
            .pass("cluster.observe", self.inner.observe(reference))
            .await
    }

    fn watch(&self) -> BoxStream<'static, ClusterEvent> {
        let watch = FaultyWatch {
            faults: self.faults.clone(),
            inner: Arc::clone(&self.inner),
            opening: if self.faults.has_crashed() {
                None
            } else {
                self.faults.count("cluster.watch")
            },
            stream: None,
            known: KnownPods::default(),
            missed: VecDeque::new(),
        };
        stream::unfold(
            watch,
            |mut watch| async move { Some((watch.next().await?, watch)) },
        )
        .boxed()
    }

    async fn logs(&self, reference: &WorkloadRef, options: LogOptions) -> Result<LogStream> {
        let inner = self
            .faults
            .pass("cluster.logs", self.inner.logs(reference, options))
            .await?;
        let state = Some((self.faults.clone(), inner));
        let next = |state: Option<(Faults, LogStream)>| async move {
            let (faults, mut inner) = state?;
            let item = inner.next().await?;
            faults.alive().await;
            match faults.count("cluster.logs.next") {
                None => Some((item, Some((faults, inner)))),
                Some(Fault::Late) => {
                    sleep(Fault::LATENESS).await;
                    Some((item, Some((faults, inner))))
                }
                Some(fault) if fault.is_crash() => faults.crash().await,
                Some(fault) => Some((Err(fault.error("cluster.logs.next")), None)),
            }
        };
        Ok(stream::unfold(state, next).boxed())
    }

    async fn usage(&self) -> Result<Vec<Usage>> {
        self.faults.pass("cluster.usage", self.inner.usage()).await
    }

    async fn inventory(&self) -> Result<Inventory> {
        self.faults
            .pass("cluster.inventory", self.inner.inventory())
            .await
    }

    async fn gpus(&self) -> Result<Option<Vec<NodeGpus>>> {
        self.faults.pass("cluster.gpus", self.inner.gpus()).await
    }

    fn route_delay(&self) -> Duration {
        self.inner.route_delay()
    }
}

struct FaultyWatch {
    faults: Faults,
    inner: Arc<dyn ClusterBackend>,
    /// The fault of opening it.
    opening: Option<Fault>,
    stream: Option<BoxStream<'static, ClusterEvent>>,
    known: KnownPods,
    /// The changes during an interruption.
    missed: VecDeque<ClusterEvent>,
}

impl FaultyWatch {
    async fn next(&mut self) -> Option<ClusterEvent> {
        match self.opening.take() {
            None => {}
            Some(Fault::Late) => sleep(Fault::LATENESS).await,
            Some(fault) if fault.is_crash() => self.faults.crash().await,
            Some(_) => self.gap().await?,
        }
        loop {
            self.faults.alive().await;
            if let Some(event) = self.missed.pop_front() {
                self.known.note(&event);
                return Some(event);
            }
            let event = self
                .stream
                .get_or_insert_with(|| self.inner.watch())
                .next()
                .await?;
            self.faults.alive().await;
            // Several come for one change. Each would be late by itself, and so the next event by their sum.
            if event == ClusterEvent::Altered {
                return Some(event);
            }
            match self.faults.count("cluster.watch.next") {
                None => {}
                Some(Fault::Late) => sleep(Fault::LATENESS).await,
                Some(fault) if fault.is_crash() => self.faults.crash().await,
                Some(_) => {
                    self.gap().await?;
                    continue;
                }
            }
            self.known.note(&event);
            return Some(event);
        }
    }

    /// Loses the connection, opens another one and finds the changes made meanwhile.
    async fn gap(&mut self) -> Option<()> {
        self.stream = None;
        sleep(GAP).await;
        let mut stream = self.inner.watch();
        let mut now = KnownPods::default();
        loop {
            let event = stream.next().await?;
            if event == ClusterEvent::Synced {
                break;
            }
            now.note(&event);
        }
        self.missed = self.known.changes_to(now.pods()).into();
        self.stream = Some(stream);
        Some(())
    }
}
