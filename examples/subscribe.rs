//! Follows the pods of one user: a snapshot first, then every change, deletion and warning in order.
//!
//! ```console
//! $ cargo run --example subscribe
//! ```
//!
//! A server forwards these updates to its open connections. The account here can't pay for two hours, so there
//! are warnings of a low balance, too.
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use neuropod::cluster::{Step, VolumePolicy};
use neuropod::message::{self, Language};
use neuropod::money::{AccountKind, BillingExt};
use neuropod::sim::{Settings, SimCluster};
use neuropod::store::MemoryStore;
use neuropod::{Actor, Billing, CreatePod, Money, Naming, Platform, Update};

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
    let driver = platform.clone();
    tokio::spawn(async move { driver.run(std::future::pending()).await });

    let ana = Actor::client("ana");
    store.open(&ana.id, AccountKind::Prepaid).await?;
    store.deposit("payment-1", &ana.id, Money::from_cents(60)).await?;

    // The stream never ends; this example stops reading when its pod is gone.
    let mut updates = platform.subscribe(&ana);
    let request = CreatePod::from_image("training", "quay.io/jupyter/base-notebook");
    let pod = platform.create(&ana, &request).await?;
    let mut shown = None;
    while let Some(update) = updates.next().await {
        match update? {
            Update::Snapshot { pods } => {
                println!("snapshot: pods {}", pods.len());
            }
            Update::Changed(pod) => {
                // A record changes more often than its visible fields.
                if shown.replace(pod.step) != Some(pod.step) {
                    println!("changed: {}: {}", pod.name, message::step(pod.step, Language::En));
                }
                if pod.step == Step::Stopped {
                    // The owner gets a moment to read the reason, then the pod is deleted.
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    platform.delete(&ana, &pod.id, VolumePolicy::Delete).await?;
                }
            }
            Update::LowBalance {
                threshold_seconds, ..
            } => {
                println!(
                    "low balance: less than {} minutes are left",
                    threshold_seconds / 60
                );
            }
            Update::VolumeAtRisk { at, .. } => println!("volume at risk: it is deleted at {at}"),
            Update::Deleted(id) if id == pod.id => {
                println!("deleted: {}", pod.name);
                break;
            }
            _ => {}
        }
    }
    Ok(())
}
