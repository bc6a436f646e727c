//! Checks a request and shows every object that it would become, as YAML, with no cluster and no driver.
//!
//! ```console
//! $ cargo run --example plan_without_cluster
//! ```
//!
//! Decisions are plain functions (`check`, `plan`, `manifests`), so they can be used anywhere: in a test, in a
//! form, in the review of a change.
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::sync::Arc;

use neuropod::cluster::plan::{Layout, plan};
use neuropod::k8s::{Exposure, KubeConfig, manifests};
use neuropod::message::{self, Language};
use neuropod::money::{AccountKind, BillingExt};
use neuropod::pod::check::{RequestRules, check};
use neuropod::sim::{Settings, SimCluster};
use neuropod::store::MemoryStore;
use neuropod::{Actor, Billing, CreatePod, Money, Naming, Platform};

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    let store = Arc::new(MemoryStore::new());
    let platform = Platform::builder()
        .naming(Naming::new("pods.example.com", "a secret of at least 16 bytes")?)
        // Nothing runs the driver below, so this cluster is never called.
        .cluster(Arc::new(SimCluster::new(Settings::default())))
        .store(store.clone())
        .billing(store.clone())
        .build()?;

    // Three mistakes in a request are reported at once.
    let wrong = CreatePod::from_image("", "Not An Image").gpu("abacus");
    let rules = RequestRules {
        catalogue: platform.catalogue(),
        naming: platform.naming(),
        images: platform.image_rules(),
        limits: platform.limits(),
    };
    let (_, problems) = check(&wrong, None, rules);
    for problem in &problems {
        let text = message::problem(problem, Language::En, platform.currency());
        println!("{}: {text}", problem.field);
    }

    // A valid request becomes a record, the record a workload, and the workload the objects of Kubernetes.
    let ana = Actor::client("ana");
    store.open(&ana.id, AccountKind::Prepaid).await?;
    store
        .deposit("payment-1", &ana.id, Money::from_cents(1000))
        .await?;
    let request = CreatePod::from_image("training", "pytorch/pytorch:latest")
        .gpu("rtx-4090")
        .ports([8888, 7860]);
    let pod = platform.create(&ana, &request).await?;
    let workload = plan(&pod, platform.catalogue(), platform.naming(), &Layout::default())?;
    for endpoint in &workload.endpoints {
        println!("port {} at https://{}", endpoint.port, endpoint.host);
    }
    let config = KubeConfig::default().with_exposure(Exposure::ingress("nginx"));
    for object in manifests::objects(&workload, &config) {
        println!("{} {}", object["kind"], object["metadata"]["name"]);
    }
    // Values of Secrets are left out of the YAML.
    println!("{}", manifests::to_yaml(&workload, &config));
    Ok(())
}
