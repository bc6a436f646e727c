//! Follows the log of a pod from its first byte, and stops once it has found a line.
//!
//! ```console
//! $ cargo run --example follow_logs
//! ```
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use neuropod::cluster::LogOptions;
use neuropod::money::{AccountKind, BillingExt};
use neuropod::sim::{Settings, SimCluster};
use neuropod::store::MemoryStore;
use neuropod::{Actor, Billing, CreatePod, Money, Naming, Platform, Status, Update};

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    let cluster = SimCluster::new(Settings::default());
    let store = Arc::new(MemoryStore::new());
    let platform = Platform::builder()
        .naming(Naming::new("pods.example.com", "a secret of at least 16 bytes")?)
        .clock(Arc::new(cluster.clock()))
        .cluster(Arc::new(cluster.clone()))
        .store(store.clone())
        .billing(store.clone())
        .build()?;
    let driver = platform.clone();
    tokio::spawn(async move { driver.run(std::future::pending()).await });

    let ana = Actor::client("ana");
    store.open(&ana.id, AccountKind::Prepaid).await?;
    store
        .deposit("payment-1", &ana.id, Money::from_cents(1000))
        .await?;
    let mut updates = platform.subscribe(&ana);
    let request = CreatePod::from_image("training", "quay.io/jupyter/base-notebook");
    let pod = platform.create(&ana, &request).await?;
    while let Some(update) = updates.next().await {
        if let Update::Changed(pod) = update?
            && pod.status == Status::Running
        {
            break;
        }
    }

    // A program in the container that prints a line every second.
    let id = pod.id.clone();
    tokio::spawn(async move {
        for epoch in 1..=3 {
            tokio::time::sleep(Duration::from_secs(1)).await;
            cluster.print(&id, &format!("epoch {epoch} of 3"));
        }
    });

    let options = LogOptions::default().with_follow();
    let mut log = platform.logs(&ana, &pod.id, options).await?;
    let mut unfinished = Vec::new();
    while let Some(chunk) = log.next().await {
        // A chunk may end anywhere, in the middle of a line or of a character: split the bytes at line ends first.
        unfinished.extend_from_slice(&chunk?);
        while let Some(end) = unfinished.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = unfinished.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            println!("{}", line.trim_end());
            if line.contains("epoch 3 of 3") {
                println!("the training is done");
                return Ok(());
            }
        }
    }
    Err("the log ended early".into())
}
