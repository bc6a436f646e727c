//! The matrix of identities: who is who, over real connections, with a simulated issuer.

use axum::routing::get;
use axum::{Json, Router};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use neuropod_server::config::Config;
use reqwest::Method;
use serde_json::{Value, json};

use crate::common::{ADMIN, TestServer, pod};

const ISSUER: &str = "https://login.example.com";

/// Signs tokens, and serves the keys.
struct Issuer {
    key: EncodingKey,
    url: String,
}

impl Issuer {
    async fn start() -> Self {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let key = EncodingKey::from_ec_pem(pair.serialize_pem().as_bytes()).unwrap();
        let mut jwk = Jwk::from_encoding_key(&key, Algorithm::ES256).unwrap();
        jwk.common.key_id = Some("one".into());
        // Together with an unknown kind of key.
        let later = json!({ "kty": "LATER", "kid": "two", "alg": "LATER-1" });
        let keys = json!({ "keys": [later, { "kty": "EC", "crv": "secp256k1", "kid": "one" }, jwk] });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/keys", listener.local_addr().unwrap());
        let router = Router::new().route("/keys", get(async move || Json(keys)));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { key, url }
    }

    /// A token with changes to valid claims (null removes) and to the header.
    fn token_with(&self, changes: &Value, header: impl FnOnce(&mut Header)) -> String {
        let now = jiff::Timestamp::now().as_second();
        let mut claims = json!({
            "iss": ISSUER, "aud": "neuropod", "sub": "ana", "iat": now, "exp": now + 600,
            "email": "ana@example.com", "email_verified": true, "name": "Ana",
        });
        for (name, value) in changes.as_object().unwrap() {
            if value.is_null() {
                claims.as_object_mut().unwrap().remove(name);
            } else {
                claims[name] = value.clone();
            }
        }
        let mut head = Header::new(Algorithm::ES256);
        head.kid = Some("one".into());
        header(&mut head);
        encode(&head, &claims, &self.key).unwrap()
    }

    fn token(&self, changes: &Value) -> String {
        self.token_with(changes, |_| {})
    }

    /// A token of another person.
    fn token_of(&self, sub: &str, email: &str) -> String {
        self.token(&json!({ "sub": sub, "email": email }))
    }

    fn configure(&self, config: &mut Config) {
        config.auth.jwks_url = Some(self.url.clone());
        config.auth.issuer = Some(ISSUER.into());
        config.auth.audience = Some("neuropod".into());
    }

    async fn server(&self) -> TestServer {
        self.server_with(|_| {}).await
    }

    async fn server_with(&self, change: impl FnOnce(&mut Config)) -> TestServer {
        TestServer::start_with(|config| {
            self.configure(config);
            change(config);
        })
        .await
    }
}

/// The user of a token, or status and code.
async fn who(server: &TestServer, token: &str) -> Result<Value, (u16, String)> {
    let answer = server.get("/api/auth/me", token).await;
    let status = answer.status;
    let body = answer.json();
    if status == 200 {
        Ok(body["user"].clone())
    } else {
        Err((status, body["code"].as_str().unwrap().to_owned()))
    }
}

fn refused(status: u16, code: &str) -> Result<Value, (u16, String)> {
    Err((status, code.to_owned()))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_claim() {
    let issuer = Issuer::start().await;
    let server = issuer.server().await;
    let now = jiff::Timestamp::now().as_second();
    let long = "x".repeat(10_000);
    let unauthorized = refused(401, "unauthorized");
    // The problem in the token of a new person, and the result.
    let matrix = [
        (json!({}), Ok("client")),
        // Addresses.
        (json!({ "email": null }), Err(())),
        (json!({ "email": "" }), Err(())),
        (json!({ "email": "  " }), Err(())),
        (json!({ "email": 7 }), Err(())),
        (json!({ "email": ["x@example.com"] }), Err(())),
        (json!({ "email": "nobody" }), Err(())),
        (json!({ "email": "x@y@example.com" }), Err(())),
        (json!({ "email": format!("{long}@example.com") }), Err(())),
        (json!({ "email": "x\n@example.com" }), Err(())),
        (json!({ "email": "x\u{202e}@example.com" }), Err(())),
        (json!({ "email": "admin\u{200b}@example.com" }), Err(())),
        (json!({ "email": "\u{feff}admin@example.com" }), Err(())),
        // Verification of addresses.
        (json!({ "email_verified": "true" }), Ok("client")),
        (json!({ "email_verified": false }), Err(())),
        (json!({ "email_verified": "false" }), Err(())),
        (json!({ "email_verified": null }), Ok("client")),
        (json!({ "email_verified": "yes" }), Ok("client")),
        (json!({ "email_verified": 1 }), Ok("client")),
        (json!({ "email_verified": {} }), Ok("client")),
        // Subjects.
        (json!({ "sub": null }), Err(())),
        (json!({ "sub": "" }), Err(())),
        (json!({ "sub": " " }), Err(())),
        (json!({ "sub": long }), Err(())),
        (json!({ "sub": { "$ne": "" } }), Err(())),
        // Decoration.
        (json!({ "name": null }), Ok("client")),
        (json!({ "name": 7 }), Ok("client")),
        (json!({ "name": long }), Ok("client")),
        (json!({ "name": "\u{202e}nimdA\0" }), Ok("client")),
        (
            json!({ "picture": { "url": "https://example.com" } }),
            Ok("client"),
        ),
        (json!({ "picture": "javascript:alert(1)" }), Ok("client")),
        (json!({ "jti": 7 }), Ok("client")),
        (json!({ "jti": { "a": 1 } }), Ok("client")),
        (json!({ "jti": long }), Ok("client")),
        // Times.
        (
            json!({ "exp": f64::from(u32::MAX) + 0.5, "iat": 1.5, "nbf": 1.5 }),
            Ok("client"),
        ),
        (json!({ "exp": now - 120 }), Err(())),
        (json!({ "exp": null }), Err(())),
        (json!({ "exp": "never" }), Err(())),
        (json!({ "nbf": now + 120 }), Err(())),
        // Audience and issuer.
        (json!({ "aud": ["others", "neuropod"] }), Ok("client")),
        (json!({ "aud": ["others"] }), Err(())),
        (json!({ "aud": "others" }), Err(())),
        (json!({ "aud": null }), Err(())),
        (json!({ "iss": "https://evil.example" }), Err(())),
        (json!({ "iss": ["https://evil.example", ISSUER] }), Err(())),
        (json!({ "iss": null }), Err(())),
    ];
    for (row, (changes, expected)) in matrix.into_iter().enumerate() {
        let mut claims = json!({ "sub": format!("row-{row}"), "email": format!("row-{row}@example.com") });
        claims
            .as_object_mut()
            .unwrap()
            .append(changes.clone().as_object_mut().unwrap());
        let found = who(&server, &issuer.token(&claims)).await;
        match expected {
            Ok(role) => {
                let user = found.unwrap_or_else(|refused| panic!("{changes}: {refused:?}"));
                assert_eq!(user["role"], role, "{changes}");
                let name = user["name"].as_str().unwrap();
                assert!((1..=100).contains(&name.chars().count()), "{changes}: {name}");
                assert!(
                    !name.contains('\u{202e}') && !name.contains('\0'),
                    "{changes}: {name}"
                );
                assert_eq!(user.get("avatar"), None, "{changes}");
            }
            Err(()) => assert_eq!(found, unauthorized, "{changes}"),
        }
    }
    let odd = [
        issuer.token_with(&json!({}), |header| header.crit = Some(vec!["exp".into()])),
        issuer.token_with(&json!({}), |header| {
            header.crit = Some(vec!["https://example.com/x".into()]);
        }),
        issuer.token_with(&json!({}), |header| header.crit = Some(Vec::new())),
        issuer.token_with(&json!({}), |header| header.kid = Some("two".into())),
        issuer.token_with(&json!({}), |header| header.kid = None),
        Issuer::start().await.token(&json!({})),
    ];
    for token in odd {
        assert_eq!(who(&server, &token).await, unauthorized, "{token}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_claim_of_the_trials_comes_out_right() {
    let issuer = Issuer::start().await;
    let server = issuer.server().await;
    let trials = include_str!("../../../../tests/trials/input/jwt-claims.json");
    let trials: Value = serde_json::from_str(trials).unwrap();
    let cases = trials["cases"].as_array().unwrap();
    assert!(cases.len() >= 7);
    for (row, case) in cases.iter().enumerate() {
        let mut claims =
            json!({ "sub": format!("trial-{row}"), "email": format!("trial-{row}@example.com") });
        for (name, value) in case["claims"].as_object().unwrap() {
            claims[name] = match value.as_str() {
                Some("a*10000@example.com") => format!("{}@example.com", "a".repeat(10_000)).into(),
                Some(text) if text.starts_with("now+600.5") => {
                    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 are exact")]
                    let now = jiff::Timestamp::now().as_second() as f64;
                    (now + 600.5).into()
                }
                _ => value.clone(),
            };
        }
        let found = who(&server, &issuer.token(&claims)).await;
        let status = found.as_ref().map_or_else(|(status, _)| *status, |_| 200);
        assert_eq!(u64::from(status), case["expect"], "{case}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_issuer_and_subject() {
    let issuer = Issuer::start().await;
    let server = issuer.server().await;
    let ana = who(&server, &issuer.token_of("1", "ana@example.com"))
        .await
        .unwrap();
    // Another subject with the same address, in any spelling, is refused and gets no access.
    for email in ["ana@example.com", " Ana@Example.COM "] {
        for verified in [json!(true), json!(null)] {
            let other = json!({ "sub": "2", "email": email, "email_verified": verified });
            let other = issuer.token(&other);
            assert_eq!(who(&server, &other).await, refused(409, "address_taken"));
            server.get("/api/pods", &other).await.expect(409);
            server.post("/api/pods", &other, &pod("stolen")).await.expect(409);
        }
    }
    let refused = server
        .get("/api/auth/me", &issuer.token_of("2", "ana@example.com"))
        .await
        .json();
    assert!(
        refused["message"].as_str().unwrap().contains("another account"),
        "{refused}"
    );
    // Nor is she a user of another way to sign in.
    let mock = server
        .post("/api/auth/mock-login", "", &json!({ "email": "ana@example.com" }))
        .await;
    assert_eq!(mock.expect(409)["code"], "address_taken");
    // The same subject is the same person, even with a new address.
    let moved = who(&server, &issuer.token_of("1", "ana@new.example"))
        .await
        .unwrap();
    assert_eq!(
        (&moved["id"], &moved["email"]),
        (&ana["id"], &json!("ana@new.example"))
    );
    let free = who(&server, &issuer.token_of("2", "ana@example.com"))
        .await
        .unwrap();
    assert_ne!(
        free["id"], ana["id"],
        "the address is free again, and who has it now is somebody else"
    );
    // An address that is taken or unverified is not adopted.
    let stays = who(&server, &issuer.token_of("1", "ana@example.com"))
        .await
        .unwrap();
    assert_eq!(
        (&stays["id"], &stays["email"]),
        (&ana["id"], &json!("ana@new.example"))
    );
    let claimed = json!({ "sub": "1", "email": "third@example.com", "email_verified": null });
    let stays = who(&server, &issuer.token(&claimed)).await.unwrap();
    assert_eq!(stays["email"], "ana@new.example");
    // Many concurrent first sign-ins are one person, with or without a verified address.
    for round in 0..10 {
        let first_time = json!({
            "sub": format!("many-{round}"),
            "email": format!("many-{round}@example.com"),
            "email_verified": if round % 2 == 0 { json!(true) } else { json!(null) },
        });
        let token = issuer.token(&first_time);
        let asked = (0..20).map(|_| who(&server, &token));
        let found = futures::future::join_all(asked).await;
        let first = found[0].as_ref().unwrap()["id"].clone();
        assert!(found.iter().all(|user| user.as_ref().unwrap()["id"] == first));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_verified_address_makes_an_administrator() {
    let issuer = Issuer::start().await;
    let server = issuer.server().await;
    for verified in [json!(null), json!(1), json!("yes"), json!({})] {
        for email in [ADMIN.to_owned(), format!(" {} ", ADMIN.to_uppercase())] {
            let token = json!({ "sub": "evil", "email": email, "email_verified": verified });
            let token = issuer.token(&token);
            assert_eq!(
                who(&server, &token).await,
                refused(401, "unauthorized"),
                "{verified}"
            );
            server.get("/api/auth/users", &token).await.expect(401);
        }
    }
    let root = issuer.token_of("root", ADMIN);
    let admin = who(&server, &root).await.unwrap();
    assert_eq!(
        (&admin["role"], &admin["balance"]),
        (&json!("admin"), &json!("Infinity"))
    );
    // Any other address is accepted as claimed, until its real owner comes.
    let evil = issuer.token(&json!({ "sub": "evil", "email": "ana@example.com", "email_verified": null }));
    assert_eq!(who(&server, &evil).await.unwrap()["email"], "ana@example.com");
    let ana = who(&server, &issuer.token_of("ana", "ana@example.com"))
        .await
        .unwrap();
    let users = server.get("/api/auth/users", &root).await.expect(200);
    let users = users["data"].as_array().unwrap();
    assert_eq!(users.len(), 3, "{users:?}");
    let evil = users
        .iter()
        .find(|user| ![&admin["id"], &ana["id"]].contains(&&user["id"]));
    let evil = evil.unwrap();
    assert_eq!(
        evil["email"],
        format!("{}@unverified.invalid", evil["id"].as_str().unwrap())
    );
    assert_eq!(
        (&evil["issuer"], &evil["emailVerified"]),
        (&json!(ISSUER), &json!(false))
    );

    // If the issuer verifies every address, tokens need not say so; an explicit denial still counts.
    let trusting = issuer
        .server_with(|config| config.auth.issuer_verifies_addresses = true)
        .await;
    let unsaid = issuer.token(&json!({ "sub": "root", "email": ADMIN, "email_verified": null }));
    assert_eq!(who(&trusting, &unsaid).await.unwrap()["role"], "admin");
    let denied = issuer.token(&json!({ "sub": "2", "email": "b@example.com", "email_verified": false }));
    assert_eq!(who(&trusting, &denied).await, refused(401, "unauthorized"));
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_decide_who_may_sign_in() {
    let issuer = Issuer::start().await;
    let lists = |config: &mut Config| {
        config.auth.allowed_domains = vec!["example.com".into(), "münchen.de".into()];
        config.auth.allowed_emails = vec!["guest@example.org".into()];
        config.auth.admin_emails = vec!["root@elsewhere.example".into()];
    };
    let server = issuer.server_with(lists).await;
    for (email, verified, role) in [
        ("ana@example.com", true, Some("client")),
        ("bea@EXAMPLE.com", true, Some("client")),
        ("cia@xn--mnchen-3ya.de", true, Some("client")),
        ("Guest@example.org", true, Some("client")),
        ("root@elsewhere.example", true, Some("admin")),
        (ADMIN, true, Some("client")),
        ("dea@example.org", true, None),
        ("eva@sub.example.com", true, None),
        ("fia@notexample.com", true, None),
        ("gia@example.com.evil.example", true, None),
        ("hia@ex\u{430}mple.com", true, None),
        ("ina@example.com", false, None),
    ] {
        let verified = if verified { json!(true) } else { json!(null) };
        let token = issuer.token(&json!({ "sub": email, "email": email, "email_verified": verified }));
        let found = who(&server, &token).await;
        match role {
            Some(role) => assert_eq!(found.unwrap()["role"], role, "{email}"),
            None => assert_eq!(found, refused(403, "not_allowed"), "{email}"),
        }
    }
    let mock = server
        .post("/api/auth/mock-login", "", &json!({ "email": "zoe@example.org" }))
        .await;
    let refused = mock.expect(403);
    assert!(
        refused["message"].as_str().unwrap().contains("no access"),
        "{refused}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_follow_the_lists_at_once_down_and_at_the_next_sign_in_up() {
    let folder = tempfile::tempdir().unwrap();
    let store = format!("sqlite:{}", folder.path().join("neuropod.db").display());
    let start = async |admins: &[&str], allowed: &[&str]| {
        let list = |entries: &[&str]| entries.iter().map(|&entry| entry.to_owned()).collect();
        TestServer::start_with(|config| {
            config.store = store.as_str().into();
            config.auth.admin_emails = list(admins);
            config.auth.allowed_emails = list(allowed);
        })
        .await
    };
    let server = start(&["root@example.com"], &[]).await;
    let ana = server.sign_in("ana@example.com").await;
    let id = server.user_id(&ana).await;
    let root = server.sign_in("root@example.com").await;
    let empty = json!({ "userId": id, "balance": 0 });
    server
        .post("/api/auth/users/balance", &root, &empty)
        .await
        .expect(200);
    server.post("/api/pods", &ana, &pod("poor")).await.expect(400);
    server.stop().await.unwrap();

    // Ana becomes an administrator when she signs in, and her account becomes unlimited.
    let server = start(&["ana@example.com"], &[]).await;
    assert_eq!(who(&server, &ana).await.unwrap()["role"], "client");
    assert_eq!(who(&server, &root).await.unwrap()["role"], "client", "at once");
    server.get("/api/auth/users", &root).await.expect(403);
    let again = server.sign_in("ana@example.com").await;
    for token in [&ana, &again] {
        let user = who(&server, token).await.unwrap();
        assert_eq!(
            (&user["role"], &user["balance"]),
            (&json!("admin"), &json!("Infinity"))
        );
    }
    let pod_id = server.create(&again, "rich").await;
    server.until(&again, &pod_id, "running").await;
    server.stop().await.unwrap();

    // She is a client again, owes nothing, and can be suspended.
    let server = start(&["root@example.com"], &[]).await;
    let user = who(&server, &ana).await.unwrap();
    assert_eq!((&user["role"], &user["balance"]), (&json!("client"), &json!(0.0)));
    server.stop().await.unwrap();
    let server = start(&["root@example.com"], &["bea@example.com"]).await;
    assert_eq!(who(&server, &ana).await, refused(403, "not_allowed"));
    server.sign_in("bea@example.com").await;
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_user_who_returns_gets_no_second_credit() {
    let issuer = Issuer::start().await;
    let server = issuer.server().await;
    let root = server.sign_in(ADMIN).await;
    for by_token in [true, false] {
        let email = if by_token {
            "ana@example.com"
        } else {
            "bea@example.com"
        };
        let come = async || {
            if by_token {
                // A new token each time, as from a real issuer.
                let id: u64 = rand::random();
                issuer.token(&json!({ "sub": "ana", "email": email, "jti": id.to_string() }))
            } else {
                server.sign_in(email).await
            }
        };
        let first = come().await;
        let user = who(&server, &first).await.unwrap();
        assert_eq!(user["balance"], 10.0);
        let spent = json!({ "userId": user["id"], "balance": 0 });
        server
            .post("/api/auth/users/balance", &root, &spent)
            .await
            .expect(200);
        let path = format!("/api/auth/users/{}", user["id"].as_str().unwrap());
        server.call(Method::DELETE, &path, &root, None).await.expect(200);
        if !by_token {
            assert_eq!(who(&server, &first).await, refused(401, "unauthorized"));
        }
        let second = come().await;
        let again = who(&server, &second).await.unwrap();
        assert_eq!(
            (&again["id"], &again["balance"]),
            (&user["id"], &json!(0.0)),
            "{email}"
        );
        if !by_token {
            let old = who(&server, &first).await;
            assert_eq!(
                old,
                refused(401, "unauthorized"),
                "tokens from before do not come to life again"
            );
        }
    }
}

/// The same token with the other valid signature: (r, n - s) instead of (r, s), in the group of P-256.
fn mirrored(token: &str) -> String {
    const ORDER: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let mut signature = data_encoding::BASE64URL_NOPAD
        .decode(signature.as_bytes())
        .unwrap();
    let order = data_encoding::HEXLOWER.decode(ORDER.as_bytes()).unwrap();
    let mut borrow = 0;
    for place in (0..32).rev() {
        let difference = i16::from(order[place]) - i16::from(signature[32 + place]) - borrow;
        borrow = i16::from(difference < 0);
        signature[32 + place] = u8::try_from(difference.rem_euclid(256)).unwrap();
    }
    format!("{signed}.{}", data_encoding::BASE64URL_NOPAD.encode(&signature))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_out_token_of_an_issuer_stays_out() {
    let issuer = Issuer::start().await;
    let server = issuer.server().await;
    for id in [
        json!(null),
        json!("one"),
        json!(2),
        json!({ "a": [1] }),
        json!("x".repeat(10_000)),
    ] {
        let token = issuer.token(&json!({ "jti": id }));
        let mirror = mirrored(&token);
        assert_ne!(token, mirror);
        who(&server, &token).await.unwrap();
        who(&server, &mirror).await.expect("both signatures hold");
        server
            .post("/api/auth/logout", &token, &json!({}))
            .await
            .expect(200);
        for token in [&token, &mirror] {
            assert_eq!(who(&server, token).await, refused(401, "unauthorized"), "{id}");
        }
        let other =
            issuer.token(&json!({ "jti": "another", "exp": jiff::Timestamp::now().as_second() + 601 }));
        who(&server, &other).await.expect("another session goes on");
    }
}
