//! A whole platform on a real API server and a real PostgreSQL, with the statuses that kubelets would report.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures::stream::{self, StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::Pod as PodObject;
use kube::Api;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use neuropod_core::money::{AccountKind, BillingExt};
use neuropod_core::{Actor, Billing, CreatePod, Money, Platform, Status};
use neuropod_store::PostgresStore;
use neuropod_test_cluster::PostgresServer;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::clients;
use crate::process::{Process, this_program};
use crate::sample::FLEET_NAMESPACE;
use crate::site::{Site, Way};

/// The pods of one owner.
const PODS_OF_ONE: usize = 20;
/// What each account begins with: enough for a year.
const CREDIT: Money = Money::from_cents(100_000_000);
/// Calls and requests at once.
const WIDTH: usize = 32;
/// The longest wait for anything.
const PATIENCE: Duration = Duration::from_mins(20);
const PAUSE: Duration = Duration::from_millis(200);

/// A platform that drives nothing itself. Its replicas are processes.
pub(crate) struct Fleet {
    pub(crate) site: Site,
    pub(crate) way: Way,
    platform: Platform,
    store: Arc<PostgresStore>,
    objects: Api<PodObject>,
    server: PostgresServer,
}

impl Fleet {
    pub(crate) async fn start() -> Result<Self> {
        let site = Site::start().await?;
        let way = site.way(Duration::ZERO).await?;
        let started = tokio::task::spawn_blocking(PostgresServer::start).await;
        let server = started.context("start PostgreSQL")??;
        let store = PostgresStore::open(&database(&server))
            .await
            .context("the database")?;
        let store = Arc::new(store);
        Ok(Self {
            platform: clients::platform(store.clone(), way.client.clone(), false)?,
            store,
            objects: Api::namespaced(way.client.clone(), FLEET_NAMESPACE),
            site,
            way,
            server,
        })
    }

    /// Starts a replica on the processor of those who are measured.
    pub(crate) fn replica(&self, leases: bool) -> Result<Process> {
        let mut command = this_program()?;
        command
            .args(["replica", "--postgres", &database(&self.server)])
            .args(leases.then_some("--leases"))
            .env("KUBECONFIG", &self.way.kubeconfig);
        Process::start("a replica", command)
    }

    /// The kubeconfig of the processes.
    pub(crate) fn kubeconfig(&self) -> &PathBuf {
        &self.way.kubeconfig
    }

    /// Creates pods with one port each, and returns once the replicas have created all their pod objects.
    pub(crate) async fn create(&self, pods: usize) -> Result<Duration> {
        let started = Instant::now();
        // The pods of one owner come one after the other.
        let owners = (0..pods).step_by(PODS_OF_ONE).map(|first| async move {
            let owner = Actor::client(format!("user-{first}"));
            self.store
                .open(&owner.id, AccountKind::Prepaid)
                .await
                .context("open an account")?;
            self.store
                .deposit(&format!("welcome-{first}"), &owner.id, CREDIT)
                .await
                .context("pay in")?;
            for n in first..pods.min(first + PODS_OF_ONE) {
                let request = CreatePod::from_image(format!("Pod {n}"), "quay.io/jupyter/base-notebook")
                    .ports([8888])
                    .jupyter(false);
                self.platform
                    .create(&owner, &request)
                    .await
                    .context("create a pod")?;
            }
            anyhow::Ok(())
        });
        stream::iter(owners)
            .buffer_unordered(WIDTH)
            .try_collect::<()>()
            .await?;
        wait("all pod objects", async || Ok(self.uids().await?.len() == pods)).await?;
        Ok(started.elapsed())
    }

    /// Reports every pod as ready, as kubelets would, and returns once the store says that they run.
    pub(crate) async fn report_ready(&self, pods: usize) -> Result<Duration> {
        let started = Instant::now();
        let all = self
            .objects
            .list(&ListParams::default())
            .await
            .context("list the pods")?;
        let waiting = all.items.iter().filter(|object| {
            let phase = object.status.as_ref().and_then(|status| status.phase.as_deref());
            phase != Some("Running")
        });
        let reports = waiting.map(|object| self.report(object));
        stream::iter(reports)
            .buffer_unordered(WIDTH)
            .try_collect::<()>()
            .await?;
        self.until_running(pods).await?;
        Ok(started.elapsed())
    }

    async fn report(&self, object: &PodObject) -> Result<()> {
        let name = object.metadata.name.as_deref().context("a pod's name")?;
        let status = ready(object)?;
        let patch = Patch::Merge(json!({ "status": status }));
        self.objects
            .patch_status(name, &PatchParams::default(), &patch)
            .await
            .map(drop)
            .with_context(|| format!("report {name}"))
    }

    /// Returns once the store says that so many pods run.
    pub(crate) async fn until_running(&self, pods: usize) -> Result<()> {
        let ops = Actor::admin("ops");
        wait("all pods run", async || {
            let all = self.platform.list_all(&ops, None).await.context("list")?;
            let running = all.iter().filter(|pod| pod.status == Status::Running).count();
            Ok(running == pods)
        })
        .await
    }

    /// The uid of each pod object, by name.
    pub(crate) async fn uids(&self) -> Result<BTreeMap<String, String>> {
        let all = self
            .objects
            .list_metadata(&ListParams::default())
            .await
            .context("list the pods")?;
        let uids = all
            .items
            .into_iter()
            .filter_map(|object| Some((object.metadata.name?, object.metadata.uid?)));
        Ok(uids.collect())
    }

    /// Deletes pod objects, as somebody would by hand, and returns how long it takes until the replicas have made all of
    /// them again.
    pub(crate) async fn lose(&self, names: &[String]) -> Result<Duration> {
        let before = self.uids().await?;
        let started = Instant::now();
        let now = DeleteParams::default().grace_period(0);
        for name in names {
            self.objects
                .delete(name, &now)
                .await
                .with_context(|| format!("delete {name}"))?;
        }
        wait("lost pods are made again", async || {
            let after = self.uids().await?;
            let again = |name: &String| after.get(name).is_some_and(|uid| Some(uid) != before.get(name));
            Ok(names.iter().all(again))
        })
        .await?;
        Ok(started.elapsed())
    }
}

fn database(server: &PostgresServer) -> String {
    format!("{}postgres", server.uri())
}

async fn wait(what: &str, mut is_so: impl AsyncFnMut() -> Result<bool>) -> Result<()> {
    let end = Instant::now() + PATIENCE;
    while !is_so().await? {
        if Instant::now() > end {
            bail!("it never came to pass: {what}");
        }
        sleep(PAUSE).await;
    }
    Ok(())
}

/// The status of a pod whose container is ready.
fn ready(object: &PodObject) -> Result<Value> {
    let spec = object.spec.as_ref().context("a pod's spec")?;
    let container = spec.containers.first().context("a pod's container")?;
    let uid = object.metadata.uid.as_deref().context("a pod's uid")?;
    let now = k8s_openapi::jiff::Timestamp::now()
        .strftime("%Y-%m-%dT%H:%M:%SZ")
        .to_string();
    let conditions = ["PodScheduled", "Initialized", "ContainersReady", "Ready"];
    let conditions =
        conditions.map(|kind| json!({ "type": kind, "status": "True", "lastTransitionTime": now }));
    Ok(json!({
        "phase": "Running",
        "startTime": now,
        "conditions": conditions,
        "containerStatuses": [{
            "name": container.name,
            "image": container.image,
            "imageID": "",
            "containerID": format!("containerd://{uid}"),
            "ready": true,
            "started": true,
            "restartCount": 0,
            "state": { "running": { "startedAt": now } },
        }],
    }))
}
