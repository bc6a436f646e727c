use std::collections::BTreeMap;

use http::Method;
use jiff::Timestamp;
use neuropod::money::{AccountKind, BillingExt};
use neuropod::user::opening_key;
use neuropod::{Billing, Money, Role, User, UserId};
use serde_json::{Value, json};

use super::google::Signer;
use crate::config::{Auth, Config};
use crate::test_api::{Api, config};

/// A server that takes the tokens of an issuer.
async fn with_issuer(issuer: &Signer) -> Api {
    let auth = Auth {
        jwks_url: Some(issuer.url.clone()),
        issuer: Some("https://login.example.com".into()),
        audience: Some("neuropod".into()),
        ..Auth::default()
    };
    Box::pin(Api::start(Config { auth, ..config() })).await
}

fn token(issuer: &Signer, changes: &Value) -> String {
    let mut claims = json!({ "iss": "https://login.example.com", "aud": "neuropod" });
    let changes = changes.clone();
    claims
        .as_object_mut()
        .unwrap()
        .extend(changes.as_object().unwrap().clone());
    issuer.sign(&claims)
}

/// A user without an identity, from an earlier version or a migration, with 3 EUR.
async fn somebody_from_before(api: &Api, email: &str) -> User {
    let user = User {
        id: UserId::new("0123456789abcdef01234567"),
        email: email.to_owned(),
        name: "From before".into(),
        role: Role::Client,
        identity: None,
        email_verified: false,
        suspended: false,
        deleted: false,
        daily_cap: None,
        extra: BTreeMap::new(),
        registration_date: Timestamp::UNIX_EPOCH,
        version: 0,
    };
    let billing: &dyn Billing = &*api.store.billing;
    billing.open(&user.id, AccountKind::Prepaid).await.unwrap();
    billing.release(&opening_key(&user.id)).await.unwrap();
    billing
        .deposit("migration", &user.id, Money::from_cents(300))
        .await
        .unwrap();
    api.store.pods.insert_user(&user).await.unwrap()
}

#[tokio::test]
async fn who_was_here_before_is_known_again_by_a_verified_address_once() {
    let issuer = Signer::start().await;
    let api = with_issuer(&issuer).await;
    let before = somebody_from_before(&api, "Ana@Example.com").await;
    let path = "/api/auth/me";
    for unproven in [json!(null), json!("yes"), json!(1)] {
        let token = token(&issuer, &json!({ "sub": "eve", "email_verified": unproven }));
        let refused = api.get(path, &token).await.expect(409);
        assert_eq!(refused["code"], "address_taken", "{unproven}");
    }
    let ana = token(&issuer, &json!({ "sub": "ana" }));
    for _ in 0..2 {
        let me = api.get(path, &ana).await.expect(200);
        assert_eq!(me["user"]["id"], before.id.as_str());
        assert_eq!(
            (&me["user"]["balance"], &me["user"]["name"]),
            (&json!(3.0), &json!("From before"))
        );
    }
    let late = token(&issuer, &json!({ "sub": "eve" }));
    api.get(path, &late).await.expect(409);

    // Deleted, she is somebody new when she comes again, and gets nothing for it.
    let admin = api.sign_in("admin@example.com").await;
    let user = format!("/api/auth/users/{}", before.id);
    api.call(Method::DELETE, &user, &admin, None).await.expect(200);
    let again = api
        .get(path, &token(&issuer, &json!({ "sub": "ana", "jti": "2" })))
        .await;
    let again = again.expect(200);
    assert_ne!(again["user"]["id"], before.id.as_str());
    assert_eq!(again["user"]["balance"], 0.0);
}

#[tokio::test]
async fn letters_that_only_fold_to_an_address_are_another_one() {
    let issuer = Signer::start().await;
    let api = with_issuer(&issuer).await;
    let mike = somebody_from_before(&api, "mike@example.com").await;
    // The Kelvin sign is a small k in lower case.
    let kelvin = token(
        &issuer,
        &json!({ "sub": "k", "email": "mi\u{212a}e@example.com" }),
    );
    api.get("/api/auth/me", &kelvin).await.expect(409);
    let mike_now = api.store.pods.user(&mike.id).await.unwrap().unwrap();
    assert_eq!(mike_now.identity, None);
}

#[tokio::test]
async fn an_account_that_is_being_deleted_is_nobody_s() {
    let issuer = Signer::start().await;
    let api = with_issuer(&issuer).await;
    let ana = api.sign_in("ana@example.com").await;
    let me = api.get("/api/auth/me", &ana).await.expect(200);
    let id = UserId::new(me["user"]["id"].as_str().unwrap());
    let known = api.store.pods.user(&id).await.unwrap().unwrap();
    // As a deletion that was broken off leaves it; here nothing drives on for a while.
    let marked = User {
        deleted: true,
        ..known
    };
    api.store.pods.update_user(&marked).await.unwrap();
    let answer = api.get("/api/auth/me", &ana).await;
    assert_eq!(answer.status, 401, "{}", answer.text);
    let body = json!({ "email": "ana@example.com" });
    let answer = api.post("/api/auth/mock-login", "", &body).await;
    let (status, retry) = (answer.status, answer.headers.contains_key("retry-after"));
    assert_eq!((status.as_u16(), retry), (503, true), "{}", answer.text);
    assert_eq!(answer.json()["code"], "account_closing");
}
