use http::Method;
use serde_json::json;

use crate::config::Config;
use crate::test_api::{Api, config};

#[tokio::test(start_paused = true)]
async fn who_signs_in_is_a_client_with_a_balance_until_they_sign_out() {
    let api = Api::start(config()).await;
    let answer = api
        .post("/api/auth/mock-login", "", &json!({ "email": "Ana@example.com" }))
        .await
        .expect(200);
    assert_eq!(answer["user"]["role"], "client");
    assert_eq!(answer["user"]["balance"], 10.0);
    assert_eq!(answer["user"]["status"], "online");
    let token = answer["token"].as_str().unwrap();
    let other = api.sign_in("ana@example.com").await;
    assert_eq!(
        api.get("/api/auth/verify", &other).await.expect(200)["user"]["id"],
        answer["user"]["id"]
    );
    api.call(Method::POST, "/api/auth/logout", token, None)
        .await
        .expect(200);
    let refused = api.get("/api/auth/me", token).await.expect(401);
    assert_eq!(
        (&refused["success"], &refused["code"]),
        (&json!(false), &json!("unauthorized"))
    );
    api.get("/api/auth/me", &other).await.expect(200);
}

#[tokio::test(start_paused = true)]
async fn without_development_there_is_no_mock_login_and_without_a_client_id_no_google() {
    let api = Api::start(Config {
        dev: false,
        ..config()
    })
    .await;
    for body in [json!({ "email": "ana@example.com" }), json!({}), json!([])] {
        let answer = api.post("/api/auth/mock-login", "", &body).await;
        assert_eq!(answer.expect(404)["code"], "not_found", "{body}");
    }
    api.post("/api/auth/google", "", &json!({ "token": "x" }))
        .await
        .expect(501);
    for path in [
        "/api/auth/me",
        "/api/pods",
        "/api/templates",
        "/api/pricing",
        "/api/status",
        "/api/auth/users",
    ] {
        api.get(path, "").await.expect(401);
        api.get(path, "nonsense").await.expect(401);
    }
}
