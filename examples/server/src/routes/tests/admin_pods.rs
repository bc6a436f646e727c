use std::time::Duration;

use serde_json::{Value, json};

use super::support::{ADMIN, data, each, settle};
use crate::test_api::{Api, config};

#[tokio::test(start_paused = true)]
async fn administrators_see_the_pods_of_everybody_and_stop_them() {
    let api = Api::start(config()).await;
    let admin = api.sign_in(ADMIN).await;
    let mut pods = Vec::new();
    for name in ["ana", "berta"] {
        let token = api.sign_in(&format!("{name}@example.com")).await;
        pods.push(api.create(&token, &format!("training of {name}")).await);
        api.until(&token, &pods[pods.len() - 1], "running").await;
    }
    // The use is measured now and then.
    tokio::time::sleep(Duration::from_secs(15)).await;
    let all = data(&api, "/api/admin/pods", &admin).await;
    assert_eq!(
        each(&all["pods"], "userEmail"),
        ["berta@example.com", "ana@example.com"]
    );
    assert_eq!(all["total"], 2);
    assert_eq!(all["counts"], json!({ "running": 2 }));
    assert_eq!(all["gpus"], json!(["rtx-4090"]));
    assert_eq!(all["next"], Value::Null);
    let first = &all["pods"][0];
    assert_eq!(first["userName"], "berta");
    assert_eq!(first["node"], "node-1");
    assert_eq!(first["costPerHour"], 3.0);
    assert_eq!(first["stats"]["gpuUsage"], 10.0);
    assert!(!all.to_string().contains("token"), "{all}");

    for (query, expected) in [
        ("search=ANA", vec!["training of ana"]),
        ("owner=berta@example.com", vec!["training of berta"]),
        ("gpu=cpu", vec![]),
        ("status=stopped", vec![]),
        (
            "node=node-1&sort=name&order=asc",
            vec!["training of ana", "training of berta"],
        ),
    ] {
        let found = data(&api, &format!("/api/admin/pods?{query}"), &admin).await;
        assert_eq!(each(&found["pods"], "podName"), expected, "{query}");
    }
    let page = data(&api, "/api/admin/pods?limit=1&sort=name&order=asc", &admin).await;
    let next = page["next"].as_str().unwrap();
    let page = data(
        &api,
        &format!("/api/admin/pods?limit=1&sort=name&order=asc&after={next}"),
        &admin,
    )
    .await;
    assert_eq!(each(&page["pods"], "podName"), ["training of berta"]);
    assert_eq!((&page["next"], &page["total"]), (&Value::Null, &json!(2)));
    for wrong in [
        "limit=0",
        "limit=201",
        "limit=x",
        "status=gone",
        "sort=colour",
        "order=up",
        "after=x",
    ] {
        let refused = api.get(&format!("/api/admin/pods?{wrong}"), &admin).await;
        assert_eq!(refused.status, 400, "{wrong}: {}", refused.text);
    }

    for pod in &pods {
        let path = format!("/api/pods/{pod}/stop");
        api.post(&path, &admin, &Value::Null).await.expect(200);
        api.until(&admin, pod, "stopped").await;
    }
    settle().await;
    let stopped = data(&api, "/api/admin/pods?status=stopped", &admin).await;
    assert_eq!(stopped["total"], 2);
    let ana = api.sign_in("ana@example.com").await;
    api.get("/api/admin/pods", &ana).await.expect(403);
    api.get("/api/admin/pods", "").await.expect(401);
}

#[tokio::test(start_paused = true)]
async fn a_page_of_many_pods_reads_nothing_from_the_store() {
    let api = Api::start(config()).await;
    let admin = api.sign_in(ADMIN).await;
    let ana = api.sign_in("ana@example.com").await;
    api.create(&ana, "training").await;
    settle().await;
    data(&api, "/api/admin/pods", &admin).await;
    let users = api.app.directory.reads();
    for _ in 0..100 {
        data(&api, "/api/admin/pods?search=training", &admin).await;
    }
    assert_eq!(api.app.directory.reads(), users, "they were read a moment ago");
    // Somebody new is there at once all the same.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let berta = api.sign_in("berta@example.com").await;
    api.create(&berta, "training").await;
    settle().await;
    let all = data(&api, "/api/admin/pods?sort=owner&order=asc", &admin).await;
    assert_eq!(
        each(&all["pods"], "userEmail"),
        ["ana@example.com", "berta@example.com"]
    );
}
