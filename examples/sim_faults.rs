//! Makes a cluster fail on purpose, and shows the messages for the owner of a pod: for tests of an application.
//!
//! ```console
//! $ cargo run --example sim_faults
//! ```
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::sync::Arc;

use futures::StreamExt;
use neuropod::message::{self, Language};
use neuropod::money::{AccountKind, BillingExt};
use neuropod::sim::{CallError, Method, Mishap, Settings, SimCluster};
use neuropod::store::MemoryStore;
use neuropod::{Actor, Billing, CreatePod, ErrorKind, Money, Naming, Platform, Reason, Status, Update};

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    // The same seed makes the same identities, tokens and order of events.
    let cluster = SimCluster::new(Settings {
        seed: 7,
        ..Settings::default()
    });
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

    // The API server fails twice. The driver retries by itself.
    cluster.inject_error(CallError {
        method: Some(Method::Apply),
        times: 2,
        kind: ErrorKind::Unavailable,
        after_effect: false,
    });
    let mut updates = platform.subscribe(&ana);
    let request = CreatePod::from_image("training", "quay.io/jupyter/base-notebook");
    let pod = platform.create(&ana, &request).await?;
    // The registry can't be reached until the mishap is cleared.
    cluster.inject(&pod.id, Mishap::PullFailing);

    let mut shown = None;
    while let Some(update) = updates.next().await {
        let Update::Changed(pod) = update? else { continue };
        if pod.status == Status::Running {
            println!("it runs");
            break;
        }
        let Some(reason) = &pod.reason else { continue };
        if shown.replace(reason.code) == Some(reason.code) {
            continue;
        }
        show(reason);
        if cluster.pod(&pod.id).is_some() {
            cluster.clear_mishaps(&pod.id);
        }
    }
    let applied = cluster.calls();
    let applied = applied.iter().filter(|call| call.method == Method::Apply);
    println!("the cluster got {} calls of apply", applied.count());
    Ok(())
}

/// The texts that an application shows: the reason, the cluster's own words, and the remedy.
fn show(reason: &Reason) {
    println!("{}", message::reason_of(reason, Language::En));
    println!("  detail: {}", reason.detail);
    println!("  what to do: {}", message::remedy_of(reason, Language::En));
}
