//! Invalid tokens at every entrance: requests, the WebSocket's address and its first message.

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::Method;
use serde_json::{Value, json};

use crate::common::{ADMIN, TestServer, pod};
use crate::websocket::Socket;

const SECRET: &str = "a secret for tests, of more than 32 bytes";

fn encoded(value: &Value) -> String {
    data_encoding::BASE64URL_NOPAD.encode(value.to_string().as_bytes())
}

fn signed(algorithm: Algorithm, secret: &str, claims: &Value) -> String {
    encode(
        &Header::new(algorithm),
        claims,
        &EncodingKey::from_secret(secret.as_bytes()),
    )
    .unwrap()
}

/// The claims of a valid token, with these changes; null removes.
fn claims(subject: &str, changes: &Value) -> Value {
    let now = jiff::Timestamp::now().as_second();
    let mut claims = json!({
        "iss": "neuropod", "aud": "neuropod", "sub": subject, "jti": "0011223344556677",
        "iat": now, "nbf": now, "exp": now + 3600,
    });
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    claims
}

async fn server() -> TestServer {
    TestServer::start_with(|config| config.secrets.jwt = Some(SECRET.into())).await
}

#[tokio::test(flavor = "multi_thread")]
async fn only_tokens_of_this_server_hold() {
    let server = server().await;
    let admin = server.sign_in(ADMIN).await;
    let id = server.user_id(&admin).await;
    let now = jiff::Timestamp::now().as_second();
    let good = signed(Algorithm::HS256, SECRET, &claims(&id, &json!({})));
    server.get("/api/auth/me", &good).await.expect(200);

    let body = encoded(&claims(&id, &json!({})));
    let (_, signature) = good.rsplit_once('.').unwrap();
    let hs = |changes: Value| signed(Algorithm::HS256, SECRET, &claims(&id, &changes));
    let wrong = [
        format!("{}.{body}.", encoded(&json!({ "alg": "none" }))),
        format!(
            "{}.{body}.{signature}",
            encoded(&json!({ "alg": "none", "typ": "JWT" }))
        ),
        format!("{}.{body}.", encoded(&json!({ "alg": "HS256" }))),
        format!("{}.{body}.{signature}", encoded(&json!({ "alg": "RS256" }))),
        format!(
            "{}.{}.{signature}",
            encoded(&json!({ "alg": "HS256" })),
            encoded(&claims("x", &json!({})))
        ),
        signed(Algorithm::HS512, SECRET, &claims(&id, &json!({}))),
        signed(
            Algorithm::HS256,
            "another secret, of more than 32 bytes",
            &claims(&id, &json!({})),
        ),
        signed(Algorithm::HS256, "", &claims(&id, &json!({}))),
        hs(json!({ "exp": now - 60 })),
        hs(json!({ "nbf": now + 60 })),
        hs(json!({ "exp": null })),
        hs(json!({ "exp": "tomorrow" })),
        hs(json!({ "aud": "somebody else" })),
        hs(json!({ "aud": null })),
        hs(json!({ "iss": "somebody else" })),
        hs(json!({ "sub": "nobody" })),
        hs(json!({ "sub": { "$gt": "" } })),
        "a.b.c".to_owned(),
        "x".repeat(4000),
    ];
    for token in &wrong {
        let refused = server.get("/api/auth/users", token).await.expect(401);
        assert_eq!(refused["code"], "unauthorized", "{token}");
        let upgrade = Socket::connect(&server, &format!("?token={token}")).await;
        assert_eq!(upgrade.err(), Some(401), "{token}");
        let mut socket = Socket::connect(&server, "").await.unwrap();
        socket.say(&json!({ "type": "auth", "token": token })).await;
        assert_eq!(socket.hear().await.unwrap()["code"], "unauthorized", "{token}");
    }
    for header in [
        format!("Basic {good}"),
        good.clone(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
    ] {
        let request = server
            .request(Method::GET, "/api/auth/me", "")
            .header("authorization", &header);
        assert_eq!(request.send().await.unwrap().status(), 401, "{header}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ended_sessions_and_deleted_users_are_refused_at_once() {
    let server = server().await;
    let admin = server.sign_in(ADMIN).await;
    let (first, second) = (
        server.sign_in("ana@example.com").await,
        server.sign_in("ana@example.com").await,
    );
    server
        .post("/api/auth/logout", &first, &Value::Null)
        .await
        .expect(200);
    server.get("/api/auth/me", &first).await.expect(401);
    server.get("/api/auth/me", &second).await.expect(200);
    assert_eq!(
        Socket::connect(&server, &format!("?token={first}")).await.err(),
        Some(401)
    );

    let id = server.user_id(&second).await;
    server.create(&second, "training").await;
    server
        .call(Method::DELETE, &format!("/api/auth/users/{id}"), &admin, None)
        .await
        .expect(200);
    server.get("/api/auth/me", &second).await.expect(401);
    server.post("/api/pods", &second, &pod("again")).await.expect(401);
    let again = server.sign_in("ana@example.com").await;
    assert_eq!(server.user_id(&again).await, id, "the same person");
    server.get("/api/auth/me", &second).await.expect(401);
    assert_eq!(
        server.get("/api/pods", &again).await.expect(200)["data"],
        json!([])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_user_sees_their_pods_and_starts_none() {
    let server = server().await;
    let admin = server.sign_in(ADMIN).await;
    let ana = server.sign_in("ana@example.com").await;
    let id = server.user_id(&ana).await;
    let pod_id = server.create(&ana, "training").await;
    server.until(&ana, &pod_id, "running").await;
    let suspended = server
        .post(
            "/api/auth/users/suspend",
            &admin,
            &json!({ "userId": id, "suspended": true }),
        )
        .await;
    assert_eq!(suspended.expect(200)["data"]["suspended"], true);
    server.until(&ana, &pod_id, "stopped").await;
    server.post("/api/pods", &ana, &pod("again")).await.expect(403);
    server
        .post(&format!("/api/pods/{pod_id}/start"), &ana, &Value::Null)
        .await
        .expect(403);
}
