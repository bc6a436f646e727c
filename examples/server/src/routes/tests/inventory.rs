use std::time::Duration;

use serde_json::{Value, json};

use super::support::{ADMIN, data};
use crate::test_api::Api;

#[tokio::test(start_paused = true)]
async fn the_inventory_says_who_has_which_gpu() {
    let cluster = crate::test_api::simulated();
    let api = Api::on(&cluster).await;
    let admin = api.sign_in(ADMIN).await;
    let ana = api.sign_in("ana@example.com").await;
    let pod = api.create(&ana, "training").await;
    api.until(&ana, &pod, "running").await;
    cluster.take_gpus(0, 2);
    tokio::time::sleep(Duration::from_secs(6)).await;
    let found = data(&api, "/api/inventory", &admin).await;
    assert_eq!(
        found["gpus"],
        json!([{ "resource": "nvidia.com/gpu", "model": null, "total": 8, "free": 5 }])
    );
    let node = &found["nodes"][0];
    assert_eq!(
        (
            &node["node"],
            &node["total"],
            &node["used"],
            &node["free"],
            &node["schedulable"]
        ),
        (&json!("node-1"), &json!(8), &json!(3), &json!(5), &json!(true))
    );
    let holders = &node["holders"];
    assert_eq!(
        (
            &holders[0]["podId"],
            &holders[0]["podName"],
            &holders[0]["userEmail"],
            &holders[0]["count"]
        ),
        (
            &json!(pod),
            &json!("training"),
            &json!("ana@example.com"),
            &json!(1)
        )
    );
    assert_eq!(
        (&holders[1]["podId"], &holders[1]["count"]),
        (&Value::Null, &json!(2))
    );
    api.get("/api/inventory", &ana).await.expect(403);
}
