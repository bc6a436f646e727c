use std::sync::Arc;

use neuropod::cluster::Catalogue;
use neuropod::store::MemoryStore;
use serde_json::json;

use super::keep_types;
use crate::backends::Store;
use crate::config::Config;
use crate::test_api::{Api, config, request, secrets};

/// A server on this store that starts with this catalogue.
async fn server(store: &Arc<MemoryStore>, catalogue: Catalogue) -> Api {
    let config = Config {
        catalogue: keep_types(catalogue, &**store).await.unwrap(),
        ..config()
    };
    let cluster = Arc::new(crate::test_api::simulated());
    Api::with(config, &secrets(), Store::all(Arc::clone(store)), cluster)
}

/// A pod whose GPU type the catalogue lacks can still be used.
#[tokio::test(start_paused = true)]
async fn a_pod_of_a_removed_type_can_be_shown_started_paid_and_stopped() {
    let store = Arc::new(MemoryStore::new());
    let before = server(&store, Catalogue::default()).await;
    let ana = before.sign_in("ana@example.com").await;
    let pod = before.create(&ana, "training").await;
    before.until(&ana, &pod, "running").await;
    let stop = format!("/api/pods/{pod}/stop");
    before.post(&stop, &ana, &json!({})).await.expect(200);
    before.app.stopping.cancel();

    let types = Catalogue::default();
    let types = types.iter().filter(|(id, _)| *id != "rtx-4090");
    let left = Catalogue::new(types.map(|(id, gpu)| (id.to_owned(), gpu.clone())));
    let after = server(&store, left).await;
    let ana = after.sign_in("ana@example.com").await;
    let start = format!("/api/pods/{pod}/start");
    after.post(&start, &ana, &json!({})).await.expect(200);
    let running = after.until(&ana, &pod, "running").await;
    assert_eq!(running["pod"]["gpu"], "rtx-4090");
    let prices = after.get("/api/pricing/public", "").await.expect(200);
    let gpu = &prices["data"]["gpus"]["rtx-4090"];
    assert_eq!(
        (&gpu["available"], &gpu["price"]),
        (&false.into(), &2.5.into()),
        "{gpu}"
    );
    assert!(gpu["specs"]["memory"].is_string(), "{gpu}");
    // Nobody gets a new one.
    let refused = after
        .post("/api/pods", &ana, &request("another"))
        .await
        .expect(400);
    assert!(
        refused["errors"][0].as_str().unwrap().contains("GPU"),
        "{refused}"
    );
    after.post(&stop, &ana, &json!({})).await.expect(200);
    after.until(&ana, &pod, "stopped").await;
}
