//! The replies, field by field.

use reqwest::Method;
use serde_json::{Value, json};

use crate::common::{ADMIN, TestServer, pod};
use crate::shape::{TEMPLATE, USER, has, is_pod};

#[tokio::test(flavor = "multi_thread")]
async fn users_are_as_the_frontend_reads_them() {
    let server = TestServer::start().await;
    let answer = server
        .post("/api/auth/mock-login", "", &json!({ "email": "ana@example.com" }))
        .await
        .expect(200);
    has(&answer, &[("token", "text"), ("user", "object")]);
    has(&answer["user"], USER);
    assert_eq!(answer["user"]["role"], "client");
    assert_eq!(answer["user"]["balance"], 10.0);
    assert_eq!(answer["user"]["status"], "online");
    let admin = server.sign_in(ADMIN).await;
    let me = server.get("/api/auth/verify", &admin).await.expect(200);
    has(&me["user"], USER);
    assert_eq!(
        (&me["user"]["role"], &me["user"]["balance"]),
        (&json!("admin"), &json!("Infinity"))
    );
    let found = server.get("/api/auth/users?search=ANA", &admin).await.expect(200);
    assert_eq!(found["data"].as_array().unwrap().len(), 1);
    has(&found["data"][0], USER);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_has_the_frontends_shape_from_its_creation_to_its_end() {
    let server = TestServer::start().await;
    let token = server.sign_in("ana@example.com").await;
    let created = server
        .post("/api/pods", &token, &pod("My training"))
        .await
        .expect(201);
    let shape = [
        ("podId", "text"),
        ("podName", "text"),
        ("status", "text"),
        ("message", "text"),
    ];
    has(&created["data"], &shape);
    assert_eq!(created["data"]["status"], "creating");
    let id = created["data"]["podId"].as_str().unwrap().to_owned();
    let path = format!("/api/pods/{id}");

    let starting = server
        .get(&format!("{path}/connections"), &token)
        .await
        .expect(200);
    assert_eq!(starting["data"]["status"], "starting");
    assert_eq!(starting["data"]["tcpServices"], json!([]));
    for service in starting["data"]["httpServices"].as_array().unwrap() {
        assert_eq!(service["status"], "starting");
    }
    let early = server.get(&format!("{path}/logs"), &token).await.expect(200);
    assert!(!early["data"]["logs"].as_str().unwrap().is_empty());

    let running = server.until(&token, &id, "running").await;
    is_pod(&running["pod"]);
    has(
        &running["details"],
        &[
            ("url", "text"),
            ("subdomain", "text"),
            ("createdAt", "time"),
            ("lastActive", "time"),
            ("cost", "number"),
            ("totalCost", "number"),
        ],
    );
    let connections = server
        .get(&format!("{path}/connections"), &token)
        .await
        .expect(200);
    let data = &connections["data"];
    has(
        data,
        &[
            ("podId", "text"),
            ("podName", "text"),
            ("httpServices", "list"),
            ("tcpServices", "list"),
        ],
    );
    assert_eq!(data["status"], "running");
    let link = |port: u16| {
        let services = data["httpServices"].as_array().unwrap();
        let found = services.iter().find(|service| service["port"] == port);
        found.unwrap()["url"].as_str().unwrap().to_owned()
    };
    assert_eq!(link(8888).matches("token=").count(), 1, "{}", link(8888));
    assert!(!link(7860).contains("token"), "{}", link(7860));
    let listed = server.get("/api/pods", &token).await.expect(200);
    is_pod(&listed["data"][0]);

    let stopped = server
        .post(&format!("{path}/stop"), &token, &Value::Null)
        .await
        .expect(200);
    has(&stopped, &[("message", "text"), ("data", "object")]);
    assert_eq!(stopped["data"]["podId"], id);
    server.until(&token, &id, "stopped").await;
    let connections = server
        .get(&format!("{path}/connections"), &token)
        .await
        .expect(200);
    let lists = (
        &connections["data"]["httpServices"],
        &connections["data"]["tcpServices"],
    );
    assert_eq!(lists, (&json!([]), &json!([])));
    let logs = server.get(&format!("{path}/logs"), &token).await.expect(200);
    assert!(!logs["data"]["logs"].as_str().unwrap().is_empty());

    let deleted = server.call(Method::DELETE, &path, &token, None).await.expect(200);
    has(&deleted, &[("message", "text")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_sees_owners_and_creates_for_clients() {
    let server = TestServer::start().await;
    let admin = server.sign_in(ADMIN).await;
    let ana = server.sign_in("ana@example.com").await;
    let assigned = |email: &str| {
        let mut body = pod("assigned");
        body["assignToUser"] = email.into();
        body
    };
    for (token, email) in [
        (&admin, "nobody@example.com"),
        (&admin, ADMIN),
        (&ana, "ana@example.com"),
    ] {
        let refused = server.post("/api/pods", token, &assigned(email)).await;
        assert!([400, 403].contains(&refused.status), "{email}: {}", refused.text);
    }
    server
        .post("/api/pods", &admin, &assigned("ANA@example.com"))
        .await
        .expect(201);
    let theirs = server.get("/api/pods", &ana).await.expect(200);
    assert_eq!(theirs["data"][0]["podName"], "assigned");
    for path in ["/api/pods", "/api/pods/admin"] {
        let pods = server
            .get(&format!("{path}?userEmail=ana@example.com"), &admin)
            .await;
        let pods = pods.expect(200);
        is_pod(&pods["data"][0]);
        assert_eq!(pods["data"][0]["userEmail"], "ana@example.com");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_mistakes_of_a_pod_are_reported_at_once() {
    let server = TestServer::start().await;
    let token = server.sign_in("ana@example.com").await;
    let mut body = pod("");
    body["gpu"] = "rtx-1".into();
    body["containerDiskSize"] = 101.into();
    body["volumeDiskSize"] = "20".into();
    body["ports"] = "80.5".into();
    let refused = server.post("/api/pods", &token, &body).await.expect(400);
    let errors = refused["errors"].as_array().unwrap();
    assert!(
        errors.iter().all(Value::is_string) && errors.len() >= 5,
        "{refused}"
    );
    let fields: Vec<_> = refused["fields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|field| &field["field"])
        .collect();
    for field in ["name", "gpu", "containerDiskSize", "volumeDiskSize", "ports"] {
        assert!(fields.contains(&&json!(field)), "{field}: {refused}");
    }
    assert_eq!(errors.len(), fields.len());
    assert_eq!(
        server.get("/api/pods", &token).await.expect(200)["data"],
        json!([])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_without_enough_money_reports_the_required_amount() {
    let server = TestServer::start_with(|config| config.opening_credit = 0.5).await;
    let token = server.sign_in("ana@example.com").await;
    let refused = server
        .post("/api/pods", &token, &pod("training"))
        .await
        .expect(400);
    assert_eq!(refused["code"], "insufficient_funds");
    has(
        &refused,
        &[
            ("required", "number"),
            ("available", "number"),
            ("message", "text"),
        ],
    );
    assert_eq!(refused["available"], 0.5);
    assert_eq!(
        server.get("/api/pods", &token).await.expect(200)["data"],
        json!([])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn templates_and_prices_are_as_the_frontend_reads_them() {
    let server = TestServer::start().await;
    let admin = server.sign_in(ADMIN).await;
    let body = json!({
        "name": "Whisper", "dockerImage": "example.org/whisper:1", "description": "<script>alert(1)</script>",
        "httpPorts": [{ "port": 7860, "serviceName": "Web" }], "volumeDiskSize": 30,
    });
    let created = server.post("/api/templates", &admin, &body).await.expect(201);
    has(&created, &[("message", "text"), ("template", "object")]);
    has(&created["template"], TEMPLATE);
    assert_eq!(created["template"]["_id"], created["template"]["id"]);
    assert_eq!(
        created["template"]["description"], body["description"],
        "kept as it is: pages show it as text"
    );
    let all = server.get("/api/templates", &admin).await.expect(200);
    assert!(
        all.as_array()
            .unwrap()
            .iter()
            .any(|template| template["name"] == "Whisper")
    );

    let pricing = server.get("/api/pricing/public", "").await.expect(200)["data"].clone();
    for (id, price) in [("rtx-4050", 0.5), ("rtx-4070", 1.0), ("rtx-4090", 2.5)] {
        let gpu = &pricing["gpus"][id];
        has(
            gpu,
            &[
                ("id", "text"),
                ("name", "text"),
                ("price", "number"),
                ("available", "bool"),
                ("specs", "object"),
            ],
        );
        has(
            &gpu["specs"],
            &[("memory", "text"), ("cores", "number"), ("performance", "text")],
        );
        assert_eq!(gpu["price"], price);
    }
    for disk in ["containerDisk", "volumeDisk"] {
        let disk = &pricing["storage"][disk];
        has(
            disk,
            &[("price", "number"), ("unit", "text"), ("description", "text")],
        );
        assert_eq!(disk["price"], 0.01);
    }
    let limits = json!({ "containerDiskMax": 100, "volumeDiskMax": 150, "portsMax": 10 });
    assert_eq!(pricing["limits"], limits);
    assert_eq!(
        pricing["freeTier"],
        json!({ "enabled": true, "initialBalance": 10.0 })
    );

    let body = json!({ "gpu": "rtx-4090", "containerDiskSize": 10, "volumeDiskSize": 20, "hours": 2 });
    let cost = server
        .post("/api/pricing/calculate-cost", &admin, &body)
        .await
        .expect(200)["data"]
        .clone();
    has(
        &cost["gpu"],
        &[
            ("name", "text"),
            ("hourlyRate", "number"),
            ("cost", "number"),
            ("hours", "number"),
        ],
    );
    for disk in ["containerDisk", "volumeDisk"] {
        has(
            &cost[disk],
            &[
                ("size", "number"),
                ("hourlyRate", "number"),
                ("cost", "number"),
                ("hours", "number"),
            ],
        );
    }
    assert_eq!(
        (&cost["total"], &cost["totalHourly"], &cost["currency"]),
        (&json!(5.6), &json!(2.8), &json!("EUR"))
    );
    let status = server.get("/api/status/public", "").await.expect(200);
    has(
        &status,
        &[("status", "text"), ("message", "text"), ("timestamp", "time")],
    );
    assert_eq!(status["status"], "ok");
}
