//! Invalid bodies.

use reqwest::Method;
use serde_json::{Value, json};

use crate::common::{ADMIN, Answer, TestServer, pod};

/// Every address that reads a body.
fn addresses(user: &str, template: &str) -> Vec<(Method, String)> {
    vec![
        (Method::POST, "/api/auth/google".into()),
        (Method::POST, "/api/auth/mock-login".into()),
        (Method::POST, "/api/auth/users/balance".into()),
        (Method::POST, "/api/auth/users/daily-cap".into()),
        (Method::POST, "/api/auth/users/suspend".into()),
        (Method::POST, "/api/pods".into()),
        (Method::POST, "/api/templates".into()),
        (Method::PUT, format!("/api/templates/{template}?user={user}")),
        (Method::PUT, "/api/pricing".into()),
        (Method::POST, "/api/pricing/calculate-cost".into()),
    ]
}

/// A gzip bomb: 10 MB of JSON (`{"name":"` followed by spaces, without an end) in 10 kB, created by Python's
/// `gzip`.
const BOMB: &[u8] = include_bytes!("bomb.json.gz");

#[tokio::test(flavor = "multi_thread")]
async fn invalid_json_is_refused_everywhere_and_changes_nothing() {
    // Without Google, its route does not read the body.
    let server = TestServer::start_with(|config| config.auth.google_client_id = Some("client".into())).await;
    let admin = server.sign_in(ADMIN).await;
    let ana = server.sign_in("ana@example.com").await;
    let id = server.user_id(&ana).await;
    let templates = server.get("/api/templates", &admin).await.expect(200);
    let template = templates[0]["id"].as_str().unwrap();
    let bodies: Vec<(&str, Vec<u8>)> = vec![
        ("empty", Vec::new()),
        ("half", b"{\"name\":".to_vec()),
        ("a list", b"[]".to_vec()),
        ("null", b"null".to_vec()),
        ("a number that is none", b"{\"balance\":NaN}".to_vec()),
        (
            "invalid UTF-8",
            b"{\"name\":\"\xff\xfe\",\"email\":\"\xff@x\"}".to_vec(),
        ),
        (
            "half of a surrogate pair",
            br#"{"name":"\ud800","email":"\ud800@x"}"#.to_vec(),
        ),
        (
            "nested",
            format!("{}{}", "[".repeat(50_000), "]".repeat(50_000)).into_bytes(),
        ),
        (
            "nested objects",
            format!("{}1{}", "{\"name\":".repeat(5_000), "}".repeat(5_000)).into_bytes(),
        ),
        ("compressed", BOMB.to_vec()),
        ("two documents", b"{}{}".to_vec()),
    ];
    for (method, path) in addresses(&id, template) {
        for (what, body) in &bodies {
            let mut request = server.request(method.clone(), &path, &admin).body(body.clone());
            if *what == "compressed" {
                request = request.header("content-encoding", "gzip");
            }
            let refused = Answer::of(request).await;
            assert!(
                [400, 415].contains(&refused.status),
                "{method} {path}, {what}: {} {}",
                refused.status,
                refused.text
            );
            assert_eq!(refused.json()["success"], false);
        }
    }
    assert_eq!(
        server.get("/api/pods/admin", &admin).await.expect(200)["data"],
        json!([])
    );
    assert_eq!(server.get("/api/templates", &admin).await.expect(200), templates);
    assert_eq!(
        server.get("/api/auth/users", &admin).await.expect(200)["data"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_ten_megabytes_is_refused_before_it_is_read() {
    let server = TestServer::start().await;
    let ana = server.sign_in("ana@example.com").await;
    for path in ["/api/pods", "/api/pricing/calculate-cost", "/api/auth/mock-login"] {
        let body = json!({ "name": "x".repeat(10 << 20), "email": "x".repeat(10 << 20) }).to_string();
        match server.request(Method::POST, path, &ana).body(body).send().await {
            Ok(answer) => assert_eq!(answer.status(), 413, "{path}"),
            // The server has replied and closed the connection before most of it was sent.
            Err(error) => assert!(error.is_request() || error.is_body(), "{path}: {error}"),
        }
    }
    server.get("/api/auth/me", &ana).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_of_the_wrong_type_is_named() {
    let server = TestServer::start().await;
    let ana = server.sign_in("ana@example.com").await;
    let wrong = [
        Value::Null,
        json!(true),
        json!([]),
        json!({ "$gt": "" }),
        json!(1e308),
        json!(-1),
        json!(""),
    ];
    for field in [
        "name",
        "gpu",
        "containerDiskSize",
        "volumeDiskSize",
        "ports",
        "deploymentType",
        "dockerImage",
    ] {
        for value in &wrong {
            let mut body = pod("training");
            body[field] = value.clone();
            let refused = server.post("/api/pods", &ana, &body).await;
            // Having no port is valid.
            if field == "ports" && refused.status == 201 {
                assert!(value.is_null() || *value == json!(""), "{value}");
                continue;
            }
            let refused = refused.expect(400);
            let fields = refused["fields"].as_array().unwrap();
            assert!(
                fields.iter().any(|problem| problem["field"] == field),
                "{field}: {value}: {refused}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_address_names_the_fields_of_the_wrong_type_in_both_languages() {
    let server = TestServer::start_with(|config| config.auth.google_client_id = Some("client".into())).await;
    let admin = server.sign_in(ADMIN).await;
    let templates = server.get("/api/templates", &admin).await.expect(200);
    let template = format!("/api/templates/{}", templates[0]["id"].as_str().unwrap());
    let prices = server.get("/api/pricing", &admin).await.expect(200);
    let a_template = json!({
        "name": 1, "dockerImage": [], "httpPorts": "8888", "tcpPorts": [22], "containerDiskSize": "20",
        "volumeDiskSize": 1.5, "volumePath": false, "description": {},
    });
    let rows = [
        (Method::POST, "/api/auth/google", json!({ "token": 7 })),
        (
            Method::POST,
            "/api/auth/mock-login",
            json!({ "email": ["ana@example.com"] }),
        ),
        (
            Method::POST,
            "/api/auth/users/balance",
            json!({ "userId": 7, "balance": "10" }),
        ),
        (
            Method::POST,
            "/api/auth/users/daily-cap",
            json!({ "userId": {}, "dailyCap": "5" }),
        ),
        (
            Method::POST,
            "/api/auth/users/suspend",
            json!({ "userId": true, "suspended": "yes" }),
        ),
        (Method::POST, "/api/templates", a_template.clone()),
        (Method::PUT, &template, a_template),
        (
            Method::PUT,
            "/api/pricing",
            json!({ "gpus": [], "storage": "free" }),
        ),
        (
            Method::POST,
            "/api/pricing/calculate-cost",
            json!({ "gpu": 1, "containerDiskSize": "20", "volumeDiskSize": [30], "hours": "2" }),
        ),
    ];
    for (method, path, body) in rows {
        for (language, text) in [("en", "has the wrong type"), ("es", "tiene un tipo incorrecto")] {
            let request = server
                .client
                .request(method.clone(), format!("{}{path}", server.origin));
            let request = request.header("accept-language", language).bearer_auth(&admin);
            let refused = Answer::of(request.json(&body)).await.expect(400);
            let mut problems: Vec<_> = refused["fields"].as_array().unwrap().iter().collect();
            problems.sort_by_key(|problem| problem["field"].as_str().unwrap());
            let expected: Vec<_> = body
                .as_object()
                .unwrap()
                .keys()
                .map(|field| json!({ "field": field, "code": "wrong_type", "message": format!("{field} {text}") }))
                .collect();
            assert_eq!(problems, expected.iter().collect::<Vec<_>>(), "{method} {path}");
        }
    }
    for path in [
        "/api/auth/users/balance",
        "/api/pricing/calculate-cost",
        "/api/auth/mock-login",
    ] {
        let refused = server.post(path, &admin, &json!({})).await.expect(400);
        assert_eq!(refused["fields"][0]["code"], "required", "{path}: {refused}");
    }
    assert_eq!(server.get("/api/templates", &admin).await.expect(200), templates);
    assert_eq!(
        server.get("/api/pricing", &admin).await.expect(200)["data"],
        prices["data"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_duplicate_field_is_refused() {
    let server = TestServer::start().await;
    let ana = server.sign_in("ana@example.com").await;
    let text = pod("training").to_string().replacen('{', "{\"gpu\":\"none\",", 1);
    let request = server.request(Method::POST, "/api/pods", &ana).body(text);
    Answer::of(request).await.expect(400);
    let twice = r#"{"email":"ana@example.com","email":"admin@example.com"}"#;
    let request = server
        .request(Method::POST, "/api/auth/mock-login", "")
        .body(twice);
    let refused = Answer::of(request).await.expect(400);
    assert_eq!(refused["fields"][0]["field"], "email");
    assert_eq!(server.get("/api/pods", &ana).await.expect(200)["data"], json!([]));
}
