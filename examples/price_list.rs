//! Custom prices: the cost of a pod before it is created, and the effect of a new price list on running pods.
//!
//! ```console
//! $ cargo run --example price_list
//! ```
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::sync::Arc;

use neuropod::money::{AccountKind, BillingExt, Currency, PricePolicy};
use neuropod::sim::{Settings, SimCluster};
use neuropod::store::MemoryStore;
use neuropod::{Actor, Billing, CreatePod, Money, Naming, Platform, PriceList};

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    // All prices are per hour. A GPU type without its own price costs `other_gpu`.
    let prices = PriceList {
        gpus: [("rtx-4090".to_owned(), Money::from_cents(180))].into(),
        other_gpu: Money::from_cents(25),
        ..PriceList::default()
    };
    let cluster = SimCluster::new(Settings::default());
    let store = Arc::new(MemoryStore::new());
    let platform = Platform::builder()
        .naming(Naming::new("pods.example.com", "a secret of at least 16 bytes")?)
        .clock(Arc::new(cluster.clock()))
        .cluster(Arc::new(cluster))
        .store(store.clone())
        .billing(store.clone())
        .price_list(prices.clone())
        // `PricePolicy::Current` would charge a running pod the new price from its next period on.
        .price_policy(PricePolicy::Quoted)
        .currency(Currency::EUR)
        .build()?;
    let driver = platform.clone();
    tokio::spawn(async move { driver.run(std::future::pending()).await });

    let currency = platform.currency();
    let quote = platform.quote("rtx-4090", 20, 50).await?;
    println!("running: {} per hour", currency.show(quote.hourly()));
    println!("  GPU {}", currency.show(quote.gpu));
    println!("  20 GB of disk {}", currency.show(quote.container_disk));
    println!("  50 GB of volume {}", currency.show(quote.volume_disk));
    println!("stopped: {} per hour", currency.show(quote.hourly_stopped()));

    let ana = Actor::client("ana");
    store.open(&ana.id, AccountKind::Prepaid).await?;
    store
        .deposit("payment-1", &ana.id, Money::from_cents(1000))
        .await?;
    let request = CreatePod::from_image("training", "pytorch/pytorch:latest")
        .gpu("rtx-4090")
        .disks(20, 50);
    let pod = platform.create(&ana, &request).await?;

    // The store keeps every version of the list, so that each charge can be explained later.
    let dearer = PriceList {
        gpus: [("rtx-4090".to_owned(), Money::from_cents(240))].into(),
        ..prices
    };
    let stored = platform.set_prices(&Actor::admin("root"), &dearer).await?;
    let quote = platform.quote("rtx-4090", 20, 50).await?;
    println!(
        "price list {}: {} per hour",
        stored.version,
        currency.show(quote.hourly())
    );
    let pod = platform.get(&ana, &pod.id).await?;
    println!("{} still costs {}", pod.name, currency.show(pod.price.hourly));
    Ok(())
}
