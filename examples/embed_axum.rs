//! Neuropod inside a web application: two axum routes that create and list the pods of the signed-in user.
//!
//! ```console
//! $ cargo run --example embed_axum
//! ```
//!
//! The example calls its routes itself and ends. An application serves them with
//! `axum::serve(TcpListener::bind("127.0.0.1:3000").await?, app).await?`.
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Request, StatusCode, header};
use axum::routing::get;
use http_body_util::BodyExt;
use neuropod::message::{self, Language};
use neuropod::money::{AccountKind, BillingExt, Currency};
use neuropod::sim::{Settings, SimCluster};
use neuropod::store::MemoryStore;
use neuropod::{Actor, Billing, CreatePod, ErrorKind, Money, Naming, Platform, Pod};
use serde_json::{Value, json};
use tower::ServiceExt;

type Reply = Result<Json<Value>, (StatusCode, String)>;

async fn create(State(platform): State<Platform>, headers: HeaderMap, Json(body): Json<Value>) -> Reply {
    let text = |field: &str| body[field].as_str().unwrap_or_default().to_owned();
    let request = CreatePod::from_image(text("name"), &text("image"));
    let pod = platform
        .create(&signed_in(&headers)?, &request)
        .await
        .map_err(|error| refuse(&error))?;
    Ok(Json(view(&pod)))
}

async fn list(State(platform): State<Platform>, headers: HeaderMap) -> Reply {
    let pods = platform
        .list_all(&signed_in(&headers)?, None)
        .await
        .map_err(|error| refuse(&error))?;
    Ok(Json(pods.iter().map(view).collect()))
}

/// The caller is identified by the credentials alone, never by the body. An application looks up its session
/// here.
fn signed_in(headers: &HeaderMap) -> Result<Actor, (StatusCode, String)> {
    match headers
        .get(header::AUTHORIZATION)
        .map(header::HeaderValue::as_bytes)
    {
        Some(b"Bearer session-of-ana") => Ok(Actor::client("ana")),
        _ => Err((StatusCode::UNAUTHORIZED, "sign in first".to_owned())),
    }
}

/// A pod holds secrets and can't be serialised: the application chooses the fields to show.
fn view(pod: &Pod) -> Value {
    json!({ "id": pod.id.as_str(), "name": pod.name, "status": pod.status.as_str() })
}

/// The status for programs, and a text for people that lists all mistakes.
fn refuse(error: &neuropod::Error) -> (StatusCode, String) {
    let status = match error.kind() {
        ErrorKind::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorKind::InsufficientFunds { .. } => StatusCode::PAYMENT_REQUIRED,
        ErrorKind::NotFound | ErrorKind::Forbidden => StatusCode::NOT_FOUND,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, message::error(error, Language::En, &Currency::EUR))
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    let store = Arc::new(MemoryStore::new());
    let platform = Platform::builder()
        .naming(Naming::new("pods.example.com", "a secret of at least 16 bytes")?)
        .cluster(Arc::new(SimCluster::new(Settings::default())))
        .store(store.clone())
        .billing(store.clone())
        .build()?;
    store.open(&Actor::client("ana").id, AccountKind::Prepaid).await?;
    store
        .deposit("payment-1", &Actor::client("ana").id, Money::from_cents(1000))
        .await?;
    // An application also spawns `platform.run(…)`, which carries out the changes that the routes store.
    let app = axum::Router::new()
        .route("/pods", get(list).post(create))
        .with_state(platform);

    let good = r#"{ "name": "training", "image": "quay.io/jupyter/base-notebook" }"#;
    let wrong = r#"{ "name": "", "image": "Not An Image" }"#;
    for (method, session, body) in [
        ("POST", "session-of-ana", good),
        ("POST", "session-of-ana", wrong),
        ("GET", "session-of-ana", ""),
        ("GET", "session-of-nobody", ""),
    ] {
        let request = Request::builder().method(method).uri("/pods");
        let request = request.header(header::CONTENT_TYPE, "application/json");
        let request = request.header(header::AUTHORIZATION, format!("Bearer {session}"));
        let response = app.clone().oneshot(request.body(Body::from(body))?).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        println!("{method} /pods: {status} {}", String::from_utf8_lossy(&body));
    }
    Ok(())
}
