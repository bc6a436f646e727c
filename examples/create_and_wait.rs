//! Creates a pod, waits until it serves, prints the link that opens it, and deletes it.
//!
//! ```console
//! $ cargo run --example create_and_wait
//! ```
//!
//! Time is simulated here (`start_paused`): seconds of the cluster pass at once.
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::sync::Arc;

use futures::StreamExt;
use neuropod::cluster::VolumePolicy;
use neuropod::message::{self, Language};
use neuropod::money::{AccountKind, BillingExt};
use neuropod::sim::{Settings, SimCluster};
use neuropod::store::MemoryStore;
use neuropod::{Actor, Billing, CreatePod, Money, Naming, Platform, Pod, PodId, Status, Update};

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    let cluster = SimCluster::new(Settings::default());
    let store = Arc::new(MemoryStore::new());
    let platform = Platform::builder()
        .naming(Naming::new("pods.example.com", "a secret of at least 16 bytes")?)
        .clock(Arc::new(cluster.clock()))
        .cluster(Arc::new(cluster))
        .store(store.clone())
        .billing(store.clone())
        .build()?;
    // Calls store the desired state; the driver changes the cluster accordingly.
    let driver = platform.clone();
    tokio::spawn(async move { driver.run(std::future::pending()).await });

    let ana = Actor::client("ana");
    store.open(&ana.id, AccountKind::Prepaid).await?;
    store
        .deposit("payment-1", &ana.id, Money::from_cents(1000))
        .await?;

    let request = CreatePod::from_image("training", "quay.io/jupyter/pytorch-notebook").gpu("rtx-4090");
    let pod = platform.create(&ana, &request).await?;
    println!("{} is {}", pod.name, pod.status.as_str());

    let pod = wait_until_running(&platform, &ana, &pod.id).await?;
    println!("{} is {}", pod.name, pod.status.as_str());
    for connection in platform.connections(&ana, &pod.id).await? {
        println!("port {}: {}", connection.port, connection.link());
    }

    platform.delete(&ana, &pod.id, VolumePolicy::Delete).await?;
    println!("pods left: {}", platform.list_all(&ana, None).await?.len());
    Ok(())
}

/// Returns the pod once it runs.
///
/// A subscription begins with a snapshot, so a change between `create` and `subscribe` is not missed.
async fn wait_until_running(platform: &Platform, actor: &Actor, id: &PodId) -> Result<Pod, Box<dyn Error>> {
    let mut updates = platform.subscribe(actor);
    while let Some(update) = updates.next().await {
        let pods = match update? {
            Update::Snapshot { pods, .. } => pods,
            Update::Changed(pod) => vec![*pod],
            _ => Vec::new(),
        };
        let Some(pod) = pods.into_iter().find(|pod| pod.id == *id) else {
            continue;
        };
        match (pod.status, &pod.reason) {
            (Status::Running, _) => return Ok(pod),
            (Status::Error, Some(reason)) => return Err(message::reason(reason.code, Language::En).into()),
            _ => {}
        }
    }
    Err("the updates ended".into())
}
