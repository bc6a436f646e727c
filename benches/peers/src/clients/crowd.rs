//! What is measured in a namespace with thousands of pods. Each is a process that prints one number and ends.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Subcommand;
use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::core::v1::{Pod, Service};
use kube::api::PostParams;
use kube::runtime::{WatchStreamExt, reflector, watcher};
use kube::{Api, Client as KubeClient};
use neuropod_core::ClusterBackend;
use neuropod_k8s::KubeCluster;
use serde_json::json;
use tokio::time::Instant;

use super::again::synced;
use super::bundle;
use super::raw::Raw;
use crate::processor;
use crate::sample::NAMESPACE;

/// Pods that are created at the same time.
const WIDTH: usize = 32;

/// What to do among many pods.
#[derive(Clone, Copy, Debug, Subcommand)]
pub(crate) enum Crowd {
    /// Create this many pod objects, nothing else; prints their number
    Fill { count: usize },
    /// Create this many Services with addresses of their own, nothing else; prints their number
    Services { count: usize },
    /// Look at one pod with three ports; prints the median in microseconds
    Observe,
    /// Read the whole inventory; prints the median in microseconds
    Inventory,
    /// Watch all pods as Neuropod does; prints the bytes that the process has grown by
    Watch,
    /// Watch all pods as Neuropod does; prints the bytes that the process had grown by at most
    Peak,
    /// Keep all pods in a reflector of kube; prints the bytes that the process has grown by
    Reflector,
    /// Watch all pods across a restart of the API server: reads commands from the standard input
    Again,
}

impl Crowd {
    /// Its words on the command line.
    pub(crate) fn words(self) -> Vec<String> {
        match self {
            Self::Fill { count } => vec!["fill".into(), count.to_string()],
            Self::Services { count } => vec!["services".into(), count.to_string()],
            Self::Observe => vec!["observe".into()],
            Self::Inventory => vec!["inventory".into()],
            Self::Watch => vec!["watch".into()],
            Self::Peak => vec!["peak".into()],
            Self::Reflector => vec!["reflector".into()],
            Self::Again => vec!["again".into()],
        }
    }
}

/// Does it, and returns the number.
pub(super) async fn run(what: Crowd, connection: kube::Config) -> Result<u128> {
    let ours = || KubeCluster::connect(connection.clone(), bundle::config()).context("connect");
    match what {
        Crowd::Fill { count } => fill(connection, count).await,
        Crowd::Services { count } => services(connection, count).await,
        Crowd::Observe => observe(&ours()?).await,
        Crowd::Inventory => inventory(&ours()?).await,
        Crowd::Watch => watch(&ours()?, processor::memory_of).await,
        Crowd::Peak => watch(&ours()?, processor::most_memory_of).await,
        Crowd::Reflector => keep(connection).await,
        Crowd::Again => bail!("it has no number"),
    }
}

async fn fill(connection: kube::Config, count: usize) -> Result<u128> {
    let raw = Raw::connect(connection)?;
    let all = stream::iter(0..count)
        .map(|_| raw.create_pod())
        .buffer_unordered(WIDTH);
    all.try_collect::<()>().await?;
    Ok(u128::try_from(count)?)
}

async fn services(connection: kube::Config, count: usize) -> Result<u128> {
    let client = KubeClient::try_from(connection).context("connect")?;
    let services: Api<Service> = Api::namespaced(client, NAMESPACE);
    let create = async |number| {
        let service = json!({
            "metadata": { "name": format!("other-{number}") },
            "spec": { "selector": { "app": "other" }, "ports": [{ "port": 80 }] },
        });
        let service = serde_json::from_value(service).context("a Service")?;
        let created = services.create(&PostParams::default(), &service).await;
        created.map(drop).context("create a Service")
    };
    let all = stream::iter(0..count).map(create).buffer_unordered(WIDTH);
    all.try_collect::<()>().await?;
    Ok(u128::try_from(count)?)
}

async fn observe(cluster: &KubeCluster) -> Result<u128> {
    let workload = bundle::workload(3);
    cluster.apply(&workload).await.context("apply")?;
    let mut times = Vec::new();
    for round in 0..55 {
        let started = Instant::now();
        cluster.observe(&workload.reference).await.context("observe")?;
        if round >= 5 {
            times.push(started.elapsed());
        }
    }
    middle(times)
}

async fn inventory(cluster: &KubeCluster) -> Result<u128> {
    let mut times = Vec::new();
    for round in 0..6 {
        let started = Instant::now();
        cluster.inventory().await.context("inventory")?;
        if round >= 1 {
            times.push(started.elapsed());
        }
    }
    middle(times)
}

fn middle(mut times: Vec<Duration>) -> Result<u128> {
    times.sort_unstable();
    let middle = times.get(times.len() / 2).context("nothing was measured")?;
    Ok(middle.as_micros())
}

async fn watch(cluster: &KubeCluster, memory_of: fn(u32) -> Result<u64>) -> Result<u128> {
    // It opens its connections first.
    cluster.check_setup().await.context("check the set-up")?;
    let before = resident()?;
    let mut events = cluster.watch();
    synced(&mut events).await?;
    let after = memory_of(std::process::id())?;
    Ok(u128::from(after).saturating_sub(before))
}

async fn keep(connection: kube::Config) -> Result<u128> {
    let client = KubeClient::try_from(connection).context("connect")?;
    client
        .apiserver_version()
        .await
        .context("the version of the API server")?;
    let before = resident()?;
    let pods: Api<Pod> = Api::namespaced(client, NAMESPACE);
    let (store, writer) = reflector::store();
    let events = watcher(pods, watcher::Config::default()).reflect(writer);
    let mut events = std::pin::pin!(events.applied_objects());
    let mut ready = std::pin::pin!(store.wait_until_ready());
    loop {
        tokio::select! {
            biased;
            kept = &mut ready => {
                kept.context("the reflector has ended")?;
                return Ok(resident()?.saturating_sub(before));
            }
            event = events.next() => match event {
                Some(event) => drop(event.context("watch")?),
                None => bail!("the watch has ended"),
            },
        }
    }
}

/// The memory of this process, in bytes.
fn resident() -> Result<u128> {
    processor::memory_of(std::process::id()).map(u128::from)
}
