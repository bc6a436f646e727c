use axum::Json;
use axum::Router;
use axum::routing::get;
use jiff::Timestamp;
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use crate::config::{Auth, Config};
use crate::test_api::{Api, config};

/// Somebody who signs as Google does, and the address of their keys.
pub(super) struct Signer {
    key: EncodingKey,
    pub(super) url: String,
}

impl Signer {
    pub(super) async fn start() -> Self {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let key = EncodingKey::from_ec_pem(pair.serialize_pem().as_bytes()).unwrap();
        let mut jwk = Jwk::from_encoding_key(&key, Algorithm::ES256).unwrap();
        jwk.common.key_id = Some("one".into());
        let keys = JwkSet { keys: vec![jwk] };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/certs", listener.local_addr().unwrap());
        let router = Router::new().route("/certs", get(async move || Json(keys)));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { key, url }
    }

    pub(super) fn sign(&self, change: &Value) -> String {
        let now = Timestamp::now().as_second();
        let mut claims = json!({
            "iss": "https://accounts.google.com", "aud": "client", "sub": "1", "exp": now + 600,
            "email": "ana@example.com", "email_verified": true, "name": "Ana", "picture": "https://example.com/a.png",
        });
        for (key, value) in change.as_object().unwrap() {
            claims[key] = value.clone();
        }
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some("one".into());
        encode(&header, &claims, &self.key).unwrap()
    }
}

#[tokio::test]
async fn who_google_knows_is_known() {
    let (google, stranger) = (Signer::start().await, Signer::start().await);
    let auth = Auth {
        google_client_id: Some("client".into()),
        google_keys_url: google.url.clone(),
        ..Auth::default()
    };
    let api = Api::start(Config { auth, ..config() }).await;
    let sign_in = async |token: &str| api.post("/api/auth/google", "", &json!({ "token": token })).await;
    let answer = sign_in(&google.sign(&json!({}))).await.expect(200);
    assert_eq!(
        (&answer["user"]["name"], &answer["user"]["balance"]),
        (&json!("Ana"), &json!(10.0))
    );
    let token = answer["token"].as_str().unwrap();
    assert_eq!(
        api.get("/api/auth/me", token).await.expect(200)["user"]["email"],
        "ana@example.com"
    );

    let now = Timestamp::now().as_second();
    let wrong = [
        json!({ "aud": "another application" }),
        json!({ "iss": "https://evil.example" }),
        json!({ "exp": now - 600 }),
        json!({ "email_verified": false }),
        json!({ "email": null }),
        json!({ "email": "ana" }),
    ];
    for change in wrong {
        sign_in(&google.sign(&change)).await.expect(401);
    }
    sign_in(&stranger.sign(&json!({}))).await.expect(401);
    sign_in(token).await.expect(401);
    sign_in("nonsense").await.expect(401);
}

#[tokio::test]
async fn tokens_of_another_issuer_are_taken_where_it_is_set_up() {
    let issuer = Signer::start().await;
    let auth = Auth {
        jwks_url: Some(issuer.url.clone()),
        issuer: Some("https://login.example.com".into()),
        audience: Some("neuropod".into()),
        ..Auth::default()
    };
    let api = Api::start(Config { auth, ..config() }).await;
    let good = issuer.sign(&json!({ "iss": "https://login.example.com", "aud": "neuropod", "jti": "1" }));
    assert_eq!(
        api.get("/api/auth/me", &good).await.expect(200)["user"]["email"],
        "ana@example.com"
    );
    let of_issuer = |change: &Value| {
        let mut claims = json!({ "iss": "https://login.example.com", "aud": "neuropod" });
        claims
            .as_object_mut()
            .unwrap()
            .append(change.clone().as_object_mut().unwrap());
        issuer.sign(&claims)
    };
    let unsaid = of_issuer(&json!({ "email_verified": null }));
    api.get("/api/auth/me", &unsaid).await.expect(200);
    let unverified = of_issuer(&json!({ "email": config().admin_email, "email_verified": false }));
    api.get("/api/auth/me", &unverified).await.expect(401);
    let admin = of_issuer(&json!({ "email": config().admin_email }));
    let me = api.get("/api/auth/me", &admin).await.expect(200);
    assert_eq!(me["user"]["role"], "admin");
    api.get("/api/auth/me", &issuer.sign(&json!({})))
        .await
        .expect(401);
    api.post("/api/auth/logout", &good, &json!({})).await.expect(200);
    api.get("/api/auth/me", &good).await.expect(401);
    let own = api.sign_in("berta@example.com").await;
    api.get("/api/auth/me", &own).await.expect(200);
}
