use http::Method;
use neuropod::{User, UserId};
use serde_json::json;

use crate::test_api::{Api, config};

#[tokio::test(start_paused = true)]
async fn administrators_manage_users_and_clients_do_not() {
    let api = Api::start(config()).await;
    let (ana, admin) = (
        api.sign_in("ana@example.com").await,
        api.sign_in("admin@example.com").await,
    );
    api.get("/api/auth/users", &ana).await.expect(403);
    let users = api.get("/api/auth/users?search=ANA", &admin).await.expect(200);
    assert_eq!(users["data"].as_array().unwrap().len(), 1);
    let id = users["data"][0]["id"].as_str().unwrap();
    let me = api.get("/api/auth/me", &admin).await.expect(200);
    assert_eq!(me["user"]["balance"], "Infinity");

    for wrong in [json!(-1), json!(0.000_000_1), json!(1e18)] {
        let refused = api
            .post(
                "/api/auth/users/balance",
                &admin,
                &json!({ "userId": id, "balance": wrong }),
            )
            .await;
        assert_eq!(refused.expect(400)["fields"][0]["field"], "balance");
    }
    let changed = api
        .post(
            "/api/auth/users/balance",
            &admin,
            &json!({ "userId": id, "balance": 2.5 }),
        )
        .await;
    assert_eq!(changed.expect(200)["data"]["balance"], 2.5);

    let suspended = api
        .post(
            "/api/auth/users/suspend",
            &admin,
            &json!({ "userId": id, "suspended": true }),
        )
        .await
        .expect(200);
    assert_eq!(suspended["data"]["suspended"], true);
    let refused = api
        .post("/api/pods", &ana, &crate::test_api::request("training"))
        .await
        .expect(403);
    assert!(
        refused["message"].as_str().unwrap().contains("suspendida"),
        "{refused}"
    );
    let own = json!({ "userId": me["user"]["id"] });
    api.post("/api/auth/users/suspend", &admin, &own)
        .await
        .expect(400);

    api.call(Method::DELETE, &format!("/api/auth/users/{id}"), &admin, None)
        .await
        .expect(200);
    api.get("/api/auth/me", &ana).await.expect(401);
    api.call(Method::DELETE, "/api/auth/users/nobody", &admin, None)
        .await
        .expect(404);
}

#[tokio::test(start_paused = true)]
async fn administrators_are_not_managed_like_clients() {
    let api = Api::start(config()).await;
    let admin = api.sign_in("admin@example.com").await;
    let own = api.get("/api/auth/me", &admin).await.expect(200)["user"]["id"].clone();
    let template = api.app.known_user(own.as_str().unwrap()).await.unwrap();
    let other = User {
        id: UserId::new("0123456789abcdef01234567"),
        email: "root@example.com".into(),
        identity: None,
        ..template
    };
    api.app.platform.register(&other).await.unwrap();
    for (id, code) in [(own, "oneself"), (json!(other.id), "invalid_state")] {
        let refused = async |path: &str, body| {
            let refused = api.post(path, &admin, &body).await.expect(400);
            assert!(refused["message"].is_string(), "{path}: {refused}");
            refused["code"].clone()
        };
        let balance = json!({ "userId": id, "balance": 5 });
        assert_eq!(refused("/api/auth/users/balance", balance).await, "invalid_state");
        for suspended in [json!(null), json!(true), json!(false)] {
            let body = json!({ "userId": id, "suspended": suspended });
            assert_eq!(refused("/api/auth/users/suspend", body).await, code);
        }
        let path = format!("/api/auth/users/{}", id.as_str().unwrap());
        let deleted = api.call(Method::DELETE, &path, &admin, None).await.expect(400);
        assert_eq!(deleted["code"], code);
    }
    assert!(!api.app.known_user(other.id.as_str()).await.unwrap().suspended);
}
