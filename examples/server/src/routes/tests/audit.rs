use std::time::Duration;

use http::{Method, Request, header};
use serde_json::{Value, json};

use super::support::{ADMIN, data, each, user_id};
use crate::test_api::{Api, config};

#[tokio::test(start_paused = true)]
async fn who_did_what_is_found_again() {
    let api = Api::start(config()).await;
    let (admin, ana) = (api.sign_in(ADMIN).await, api.sign_in("ana@example.com").await);
    let id = user_id(&api, &ana).await;
    let pod = api.create(&ana, "training").await;
    api.until(&ana, &pod, "running").await;
    // Entries have the order of their times.
    let a_second = || tokio::time::sleep(Duration::from_secs(1));
    a_second().await;
    api.post(&format!("/api/pods/{pod}/stop"), &admin, &Value::Null)
        .await
        .expect(200);
    a_second().await;
    let balance = json!({ "userId": id, "balance": 25 });
    api.post("/api/auth/users/balance", &admin, &balance)
        .await
        .expect(200);
    a_second().await;
    let template = json!({ "name": "Notebook", "dockerImage": "quay.io/jupyter/base-notebook" });
    api.post("/api/templates", &admin, &template).await.expect(201);
    a_second().await;
    // A client tries the doors of administrators: the same door is noted once a minute.
    for _ in 0..5 {
        api.get("/api/auth/users", &ana).await.expect(403);
        api.post("/api/auth/users/balance", &ana, &balance)
            .await
            .expect(403);
    }
    a_second().await;
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
