use std::time::Duration;

use http::{Method, Request, header};
use serde_json::{Value, json};

use super::{Answer, Api, config};

const ADMIN: &str = "admin@example.com";

/// The `data` of an answer.
async fn data(api: &Api, path: &str, token: &str) -> Value {
    api.get(path, token).await.expect(200)["data"].clone()
}

/// The live updates, of which the list is made, have come to what was just done.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(100)).await;
}

async fn user_id(api: &Api, token: &str) -> String {
    let me = api.get("/api/auth/me", token).await.expect(200);
    me["user"]["id"].as_str().unwrap().to_owned()
}

/// The values of a field, in the order of the list.
fn each<'a>(list: &'a Value, field: &str) -> Vec<&'a str> {
    let list = list.as_array().unwrap().iter();
    list.map(|item| item[field].as_str().unwrap()).collect()
}

async fn credit(api: &Api, token: &str, user: &str, body: &Value, key: Option<&str>) -> Answer {
    let mut request = Request::post(format!("/api/admin/users/{user}/credit"))
        .header(header::AUTHORIZATION, format!("Bearer {token}"));
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    api.send(request.body(body.to_string().into()).unwrap()).await
}

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

#[tokio::test(start_paused = true)]
async fn the_inventory_says_who_has_which_gpu() {
    let cluster = super::simulated();
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

#[tokio::test(start_paused = true)]
async fn money_is_added_with_a_note_once_for_a_double_click() {
    let api = Api::start(config()).await;
    let (admin, ana) = (api.sign_in(ADMIN).await, api.sign_in("ana@example.com").await);
    let id = user_id(&api, &ana).await;
    let body = json!({ "amount": 20, "note": "Taller de octubre" });
    let (one, other) = tokio::join!(
        credit(&api, &admin, &id, &body, Some("click")),
        credit(&api, &admin, &id, &body, Some("click")),
    );
    assert_eq!(one.expect(200)["data"]["balance"], 30.0);
    other.expect(200);
    let again = credit(&api, &admin, &id, &body, Some("click")).await;
    assert_eq!(again.expect(200)["data"]["balance"], 30.0);
    let another = json!({ "amount": 21, "note": "Taller de octubre" });
    credit(&api, &admin, &id, &another, Some("click"))
        .await
        .expect(409);
    credit(
        &api,
        &admin,
        &id,
        &json!({ "amount": 0.000_001, "note": "exact" }),
        None,
    )
    .await
    .expect(200);
    let statement = data(&api, "/api/account/statement", &ana).await;
    let entries = statement["entries"].as_array().unwrap();
    let noted = entries
        .iter()
        .filter(|entry| entry["note"] == "Taller de octubre");
    let noted: Vec<_> = noted.map(|entry| (&entry["kind"], &entry["amount"])).collect();
    assert_eq!(noted, [(&json!("deposit"), &json!(20.0))]);

    for (body, fields) in [
        (json!({}), vec!["amount", "note"]),
        (json!({ "amount": "20", "note": 7 }), vec!["amount", "note"]),
        (json!({ "amount": 0, "note": "" }), vec!["amount", "note"]),
        (json!({ "amount": -20, "note": "x" }), vec!["amount"]),
        (json!({ "amount": 1e18, "note": "x" }), vec!["amount"]),
        (json!({ "amount": 0.000_000_1, "note": "x" }), vec!["amount"]),
        (json!({ "amount": 20, "note": "two\nlines" }), vec!["note"]),
        (json!({ "amount": 20, "note": "n".repeat(201) }), vec!["note"]),
    ] {
        let refused = credit(&api, &admin, &id, &body, None).await.expect(400);
        assert_eq!(each(&refused["fields"], "field"), fields, "{body}");
    }
    let long = "k".repeat(256);
    credit(&api, &admin, &id, &another, Some(&long)).await.expect(400);
    let own = user_id(&api, &admin).await;
    credit(&api, &admin, &own, &another, None).await.expect(400);
    credit(&api, &admin, "nobody", &another, None).await.expect(404);
    credit(&api, &ana, &id, &another, None).await.expect(403);
    let balance = data(&api, "/api/account/balance", &ana).await;
    assert_eq!(balance["balance"], 30.000_001);
}

#[tokio::test(start_paused = true)]
async fn who_did_what_is_found_again() {
    let api = Api::start(config()).await;
    let (admin, ana) = (api.sign_in(ADMIN).await, api.sign_in("ana@example.com").await);
    let id = user_id(&api, &ana).await;
    let pod = api.create(&ana, "training").await;
    api.until(&ana, &pod, "running").await;
    api.post(&format!("/api/pods/{pod}/stop"), &admin, &Value::Null)
        .await
        .expect(200);
    let balance = json!({ "userId": id, "balance": 25 });
    api.post("/api/auth/users/balance", &admin, &balance)
        .await
        .expect(200);
    let template = json!({ "name": "Notebook", "dockerImage": "quay.io/jupyter/base-notebook" });
    api.post("/api/templates", &admin, &template).await.expect(201);
    // A client tries the doors of administrators: the same door is noted once a minute.
    for _ in 0..5 {
        api.get("/api/auth/users", &ana).await.expect(403);
        api.post("/api/auth/users/balance", &ana, &balance)
            .await
            .expect(403);
    }
    api.call(Method::DELETE, &format!("/api/auth/users/{id}"), &admin, None)
        .await
        .expect(200);

    let found = async |query: &str| data(&api, &format!("/api/admin/audit?{query}"), &admin).await;
    let all = found("limit=500").await;
    let mut whats = each(&all["entries"], "what");
    assert_eq!(whats.pop(), Some("signed_in"), "the administrator came first");
    assert_eq!(
        whats,
        [
            "user_deleted",
            "access_refused",
            "template_created",
            "balance_set",
            "pod_stopped"
        ]
    );
    let set = found("what=balance_set").await;
    let entry = &set["entries"][0];
    assert_eq!(entry["who"]["email"], ADMIN);
    assert_eq!(entry["whom"]["name"], "ana@example.com");
    assert_eq!(entry["after"], "25.00");
    assert_eq!(
        (&entry["outcome"], &entry["code"]),
        (&json!("done"), &Value::Null)
    );
    let refused = found("who=ANA@example.com").await;
    assert_eq!(each(&refused["entries"], "what"), ["access_refused"]);
    assert_eq!(refused["entries"][0]["outcome"], "refused");
    assert_eq!(refused["entries"][0]["whom"]["name"], "GET /api/auth/users");
    // Ana is gone, and what was done to her and her pods is there.
    let whom = found("whom=ana@example.com").await;
    assert_eq!(
        each(&whom["entries"], "what"),
        ["user_deleted", "balance_set", "pod_stopped"]
    );
    let page = found("whom=ana@example.com&limit=2").await;
    let next = page["next"].as_str().unwrap();
    let page = found(&format!("whom=ana@example.com&limit=2&after={next}")).await;
    assert_eq!(each(&page["entries"], "what"), ["pod_stopped"]);
    assert_eq!(found("until=2020-01-01").await["entries"], json!([]));

    for wrong in [
        "limit=0",
        "limit=501",
        "what=nonsense",
        "what=unknown",
        "from=yesterday",
        "after=x",
    ] {
        let refused = api.get(&format!("/api/admin/audit?{wrong}"), &admin).await;
        assert_eq!(refused.status, 400, "{wrong}: {}", refused.text);
    }
    let berta = api.sign_in("berta@example.com").await;
    api.get("/api/admin/audit", &berta).await.expect(403);
    assert!(!all.to_string().contains("token"), "{all}");
}

#[tokio::test(start_paused = true)]
async fn the_address_of_who_asks_is_in_the_log() {
    let mut config = config();
    config.limits.client_address_header = Some("x-forwarded-for".into());
    let api = Api::start(config).await;
    let (admin, ana) = (api.sign_in(ADMIN).await, api.sign_in("ana@example.com").await);
    let id = user_id(&api, &ana).await;
    let request = Request::post("/api/auth/users/suspend")
        .header(header::AUTHORIZATION, format!("Bearer {admin}"))
        .header("x-forwarded-for", "198.51.100.1, 203.0.113.7");
    let body = json!({ "userId": id }).to_string();
    api.send(request.body(body.into()).unwrap()).await.expect(200);
    let found = data(&api, &format!("/api/admin/audit?whom={id}"), &admin).await;
    assert_eq!(found["entries"][0]["address"], "203.0.113.7");
}
