//! Every address, and its reply to each kind of caller.

use reqwest::Method;
use serde_json::{Value, json};

use crate::common::{ADMIN, Answer, TestServer, pod};

/// The statuses for a stranger, another client, the owner and an administrator, in this order.
type Statuses = [u16; 4];

const PUBLIC: Statuses = [200, 200, 200, 200];
const SIGNED_IN: Statuses = [401, 200, 200, 200];
const OWNER: Statuses = [401, 403, 200, 200];
const ADMINS: Statuses = [401, 403, 403, 200];

#[expect(clippy::too_many_lines, reason = "a table")]
fn rows(
    own: &str,
    others: &str,
    gone: &str,
    pod_id: &str,
    template: &str,
) -> Vec<(Method, String, Value, Statuses)> {
    let (get, post, put, delete) = (Method::GET, Method::POST, Method::PUT, Method::DELETE);
    let none = Value::Null;
    let new_template = json!({ "name": "Whisper", "dockerImage": "example.org/whisper:1" });
    let cost = json!({ "gpu": "rtx-4090", "containerDiskSize": 10, "volumeDiskSize": 20, "hours": 2 });
    let prices = json!({ "gpus": { "rtx-4090": { "price": 3 } } });
    let row = |method: &Method, path: &str, body: &Value, statuses| {
        let path = path
            .replace("{own}", own)
            .replace("{gone}", gone)
            .replace("{pod}", pod_id)
            .replace("{template}", template);
        (method.clone(), path, body.clone(), statuses)
    };
    vec![
        row(&post, "/api/auth/google", &json!({ "token": "a.b.c" }), [501; 4]),
        row(
            &post,
            "/api/auth/mock-login",
            &json!({ "email": "carla@example.com" }),
            PUBLIC,
        ),
        row(&get, "/api/auth/verify", &none, SIGNED_IN),
        row(&get, "/api/auth/me", &none, SIGNED_IN),
        row(&get, "/api/auth/users", &none, ADMINS),
        row(&get, "/api/auth/users?search=ana", &none, ADMINS),
        row(
            &post,
            "/api/auth/users/balance",
            &json!({ "userId": own, "balance": 50.25 }),
            ADMINS,
        ),
        row(
            &post,
            "/api/auth/users/daily-cap",
            &json!({ "userId": own, "dailyCap": null }),
            ADMINS,
        ),
        row(
            &post,
            "/api/auth/users/suspend",
            &json!({ "userId": others, "suspended": false }),
            ADMINS,
        ),
        row(&post, "/api/auth/admin/fix-balances", &none, ADMINS),
        row(&delete, "/api/auth/users/{gone}", &none, ADMINS),
        row(&get, "/api/pods", &none, SIGNED_IN),
        row(&get, "/api/pods?userEmail=ana@example.com", &none, ADMINS),
        row(&get, "/api/pods/admin?userEmail=ana@example.com", &none, ADMINS),
        row(
            &get,
            "/api/pods/admin?userEmail=nobody@example.com",
            &none,
            [401, 403, 403, 404],
        ),
        row(&post, "/api/pods", &pod("another"), [401, 201, 201, 201]),
        row(&post, "/api/pods", &json!({}), [401, 400, 400, 400]),
        row(&get, "/api/pods/{pod}", &none, OWNER),
        row(&get, "/api/pods/{pod}/connections", &none, OWNER),
        row(&get, "/api/pods/{pod}/logs", &none, OWNER),
        row(&get, "/api/pods/{pod}/logs?tail=10&previous=true", &none, OWNER),
        row(&post, "/api/pods/{pod}/restart", &none, OWNER),
        row(&post, "/api/pods/{pod}/start", &none, [401, 403, 400, 400]),
        row(&post, "/api/pods/{pod}/stop", &none, [401, 403, 200, 400]),
        row(&post, "/api/pods/{pod}/restart", &none, [401, 403, 400, 400]),
        row(&post, "/api/pods/{pod}/start", &none, [401, 403, 200, 400]),
        row(&get, "/api/pods/0123456789abcdef", &none, [401, 404, 404, 404]),
        row(&get, "/api/templates", &none, SIGNED_IN),
        row(&get, "/api/templates/summary", &none, SIGNED_IN),
        row(&get, "/api/templates/{template}", &none, SIGNED_IN),
        row(&get, "/api/templates/nothing", &none, [401, 404, 404, 404]),
        row(&post, "/api/templates", &new_template, [401, 403, 403, 201]),
        row(&post, "/api/templates", &new_template, [401, 403, 403, 400]),
        row(
            &put,
            "/api/templates/{template}",
            &json!({ "description": "new" }),
            ADMINS,
        ),
        row(&delete, "/api/templates/{template}", &none, ADMINS),
        row(&delete, "/api/templates/{template}", &none, [401, 403, 403, 404]),
        row(&get, "/api/pricing/public", &none, PUBLIC),
        row(&get, "/api/pricing", &none, SIGNED_IN),
        row(&put, "/api/pricing", &prices, ADMINS),
        row(&post, "/api/pricing/reset", &none, ADMINS),
        row(&post, "/api/pricing/calculate-cost", &cost, PUBLIC),
        row(&get, "/api/pricing/gpus/available", &none, PUBLIC),
        row(&get, "/api/pricing/gpus/rtx-4090", &none, PUBLIC),
        row(&get, "/api/pricing/gpus/rtx-9999", &none, [404; 4]),
        row(&get, "/api/account/balance", &none, SIGNED_IN),
        row(&get, "/api/account/balance?userId={own}", &none, OWNER),
        row(&get, "/api/account/statement", &none, SIGNED_IN),
        row(&get, "/api/account/statement?userId={own}", &none, OWNER),
        row(
            &get,
            "/api/account/statement?from=yesterday",
            &none,
            [401, 400, 400, 400],
        ),
        row(&get, "/api/inventory", &none, ADMINS),
        row(&get, "/api/status/public", &none, PUBLIC),
        row(&get, "/api/status", &none, SIGNED_IN),
        row(&get, "/api/config", &none, PUBLIC),
        row(&get, "/api/openapi.json", &none, PUBLIC),
        row(&get, "/api/nothing", &none, [404; 4]),
        row(&put, "/api/pods", &none, [405; 4]),
        // The last rows: afterwards nobody is signed in.
        row(&delete, "/api/pods/{pod}", &none, [401, 403, 200, 404]),
        row(&post, "/api/auth/logout", &none, SIGNED_IN),
        row(&get, "/api/auth/me", &none, [401; 4]),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_address_replies_to_every_caller_according_to_the_contract() {
    let server = TestServer::start_with(|config| config.opening_credit = 100.0).await;
    let own = server.sign_in("ana@example.com").await;
    let other = server.sign_in("berta@example.com").await;
    let gone = server.sign_in("gone@example.com").await;
    let admin = server.sign_in(ADMIN).await;
    let id = server.create(&own, "training").await;
    server.until(&own, &id, "running").await;
    let templates = server.get("/api/templates", &own).await.expect(200);
    let template = templates[0]["id"].as_str().unwrap();
    let ids = [
        server.user_id(&own).await,
        server.user_id(&other).await,
        server.user_id(&gone).await,
    ];
    let mut wrong = Vec::new();
    for (method, path, body, statuses) in rows(&ids[0], &ids[1], &ids[2], &id, template) {
        let body = (!body.is_null()).then_some(&body);
        for (token, status) in ["", &other, &own, &admin].into_iter().zip(statuses) {
            let answer = server.call(method.clone(), &path, token, body).await;
            let who =
                ["nobody", "another client", "the owner", "an administrator"][["", &other, &own, &admin]
                    .iter()
                    .position(|known| *known == token)
                    .unwrap()];
            if answer.status != status {
                wrong.push(format!(
                    "{method} {path} as {who}: {} {}",
                    answer.status, answer.text
                ));
            } else if status >= 400 {
                is_shown_in_both_languages(&server, &answer, &method, &path, token, body).await;
            } else if answer
                .json()
                .get("success")
                .is_some_and(|success| success != true)
            {
                wrong.push(format!("{method} {path} as {who}: {}", answer.text));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A failure changes nothing, so the request can be repeated: in Spanish, which is the default.
async fn is_shown_in_both_languages(
    server: &TestServer,
    english: &Answer,
    method: &Method,
    path: &str,
    token: &str,
    body: Option<&Value>,
) {
    let mut request = server
        .client
        .request(method.clone(), format!("{}{path}", server.origin));
    if !token.is_empty() {
        request = request.bearer_auth(token);
    }
    if let Some(body) = body {
        request = request.json(body);
    }
    let spanish = Answer::of(request).await;
    assert_eq!(spanish.status, english.status, "{method} {path}");
    let (spanish, english) = (spanish.json(), english.json());
    for answer in [&spanish, &english] {
        assert_eq!(answer["success"], false, "{answer}");
        assert!(!answer["code"].as_str().unwrap().is_empty(), "{answer}");
    }
    assert_eq!(spanish["code"], english["code"], "{method} {path}");
    let (es, en) = (
        spanish["message"].as_str().unwrap(),
        english["message"].as_str().unwrap(),
    );
    assert!(!es.is_empty() && es != en, "{method} {path}: {es} / {en}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_development_nobody_signs_in_by_address_alone() {
    let server = TestServer::start_with(|config| config.dev = false).await;
    let body = json!({ "email": ADMIN });
    server.post("/api/auth/mock-login", "", &body).await.expect(404);
    let config = server.get("/api/config", "").await.expect(200);
    assert_eq!(config["data"]["devLogin"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_pages_of_known_origins_may_read_replies() {
    let server = TestServer::start().await;
    for (origin, allowed) in [
        ("http://localhost:5173", true),
        ("http://localhost:3000", true),
        ("https://app.pods.localhost", true),
        ("https://evil.example", false),
        ("null", false),
    ] {
        let asked = server
            .request(Method::OPTIONS, "/api/pods", "")
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization, content-type");
        let answer = Answer::of(asked).await;
        let header = answer.headers.get("access-control-allow-origin");
        let may = header.is_some_and(|header| header.to_str().is_ok_and(|header| header == origin));
        assert_eq!(may, allowed, "{origin}: {header:?}");
    }
}
