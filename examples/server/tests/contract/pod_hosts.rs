//! The hosts of simulated pods: who has access, and what is not available there.

use futures::{SinkExt, StreamExt};
use reqwest::Method;
use serde_json::json;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::common::{Answer, TestServer, pod};

/// A running pod, with the parts of its link.
struct Opened {
    id: String,
    /// With its port.
    authority: String,
    token: String,
}

async fn open(server: &TestServer, user: &str, name: &str) -> Opened {
    let id = server.create(user, name).await;
    server.until(user, &id, "running").await;
    let path = format!("/api/pods/{id}/connections");
    let connections = server.get(&path, user).await.expect(200);
    let url = connections["data"]["httpServices"][0]["url"].as_str().unwrap();
    let (address, token) = url.split_once("?token=").unwrap();
    let authority = address.strip_prefix("http://").unwrap().to_owned();
    let token = token.to_owned();
    Opened { id, authority, token }
}

/// Sends a request to the host of a pod, with these headers.
async fn ask(server: &TestServer, authority: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let request = server.request(Method::GET, path, "").header("host", authority);
    let request = headers
        .iter()
        .fold(request, |request, (name, value)| request.header(*name, *value));
    Answer::of(request).await
}

/// The cookie set by an answer, as it is sent back.
fn cookie(answer: &Answer) -> String {
    let set = answer.headers["set-cookie"].to_str().unwrap();
    let (pair, attributes) = set.split_once(';').unwrap();
    let attributes = attributes.to_lowercase();
    assert!(
        attributes.contains("httponly") && attributes.contains("samesite=lax"),
        "{set}"
    );
    assert!(!attributes.contains("domain"), "for its host alone: {set}");
    pair.to_owned()
}

#[tokio::test]
async fn a_link_opens_with_its_token_and_with_nothing_else() {
    let server = TestServer::start().await;
    let user = server.sign_in("ana@example.com").await;
    let name = "<b>Ana & \"co\"</b>";
    let one = open(&server, &user, name).await;
    let other = open(&server, &user, "Other").await;
    let port = server.origin.rsplit_once(':').unwrap().1;
    assert!(
        one.authority.ends_with(&format!(".pods.localhost:{port}")),
        "{}",
        one.authority
    );

    let with_token = format!("/lab?token={}", one.token);
    let opened = ask(&server, &one.authority, &with_token, &[]).await;
    let kept = cookie(&opened);
    assert!(!kept.contains(&one.token), "the cookie is not the token");
    let others = cookie(
        &ask(
            &server,
            &other.authority,
            &format!("/?token={}", other.token),
            &[],
        )
        .await,
    );
    let header = format!("token {}", one.token);
    let wrong = format!("/?token={}", other.token);
    let twice = format!("/?token=x&token={}", one.token);
    for (path, headers, status) in [
        ("/", vec![], 403),
        ("/?token=", vec![], 403),
        (&*wrong, vec![], 403),
        (&*twice, vec![], 403),
        (&*with_token, vec![], 200),
        ("/", vec![("authorization", &*header)], 200),
        ("/", vec![("authorization", "token nonsense")], 403),
        ("/lab/tree/any", vec![("cookie", &*kept)], 200),
        ("/", vec![("cookie", &*others)], 403),
        ("/", vec![("cookie", "neuropod-pod=; neuropod-pod")], 403),
        // A wrong token is reported, even with a valid cookie.
        (&*wrong, vec![("cookie", &*kept)], 403),
    ] {
        let answer = ask(&server, &one.authority, path, &headers).await;
        assert_eq!(answer.status, status, "{path} {headers:?}");
        assert_eq!(
            answer.text.contains("type=\"password\""),
            status == 403,
            "{path} {headers:?}"
        );
        assert_eq!(answer.headers["content-type"], "text/html; charset=utf-8");
        assert_eq!(answer.headers["cache-control"], "no-store");
        assert!(
            answer
                .text
                .contains("&lt;b&gt;Ana &amp; &quot;co&quot;&lt;/b&gt;"),
            "{}",
            answer.text
        );
        assert!(
            !answer.text.contains("<b>") && !answer.text.contains(&one.token),
            "{}",
            answer.text
        );
    }
    // The pod's other port needs no token.
    let web = one.authority.replacen("-8888.", "-7860.", 1);
    assert_eq!(ask(&server, &web, "/", &[]).await.status, 200);
}

#[tokio::test]
async fn the_host_of_a_stopped_pod_says_so() {
    let server = TestServer::start().await;
    let user = server.sign_in("ana@example.com").await;
    let one = open(&server, &user, "Training").await;
    let with_token = format!("/?token={}", one.token);
    let unknown_port = one.authority.replacen("-8888.", "-8889.", 1);
    let unknown = one.authority.replacen("training-", "trainer-", 1);
    for authority in [
        &*unknown_port,
        &*unknown,
        "x.pods.localhost",
        "a.b.pods.localhost:1",
    ] {
        assert_eq!(
            ask(&server, authority, &with_token, &[]).await.status,
            404,
            "{authority}"
        );
    }
    let path = format!("/api/pods/{}", one.id);
    server
        .post(&format!("{path}/stop"), &user, &json!({}))
        .await
        .expect(200);
    server.until(&user, &one.id, "stopped").await;
    let stopped = ask(&server, &one.authority, &with_token, &[]).await;
    assert_eq!(stopped.status, 503);
    assert!(stopped.text.contains("It is stopped"), "{}", stopped.text);
    server
        .post(&format!("{path}/start"), &user, &json!({}))
        .await
        .expect(200);
    let starting = ask(&server, &one.authority, &with_token, &[("accept-language", "es")]).await;
    assert_eq!(
        (starting.status, &starting.headers["retry-after"]),
        (503, &"2".parse().unwrap())
    );
    assert!(
        starting.text.contains("http-equiv=\"refresh\""),
        "{}",
        starting.text
    );
    server.until(&user, &one.id, "running").await;
    // Another run has another token.
    let again = ask(&server, &one.authority, &with_token, &[]).await;
    assert_eq!(again.status, 403);
    server.call(Method::DELETE, &path, &user, None).await.expect(200);
    assert_eq!(
        ask(&server, &one.authority, "/", &[]).await.status,
        404,
        "it is deleted"
    );
}

#[tokio::test]
async fn nothing_of_the_platform_is_to_be_had_at_the_host_of_a_pod() {
    let server = TestServer::start().await;
    let user = server.sign_in("ana@example.com").await;
    let one = open(&server, &user, "Training").await;
    let login = format!("token {}", one.token);
    let bearer = format!("Bearer {user}");
    for path in [
        "/api/config",
        "/api/auth/me",
        "/api/pods",
        "/metrics",
        "/readyz",
        "/healthz",
        "/main.js",
        "/ws",
        "/socket.io/?EIO=4&transport=polling",
        "//evil.example/",
    ] {
        for authorization in [&login, &bearer] {
            let answer = ask(&server, &one.authority, path, &[("authorization", authorization)]).await;
            assert!(
                answer.text.starts_with("<!doctype html>"),
                "{path}: {}",
                answer.text
            );
            let policy = answer.headers["content-security-policy"].to_str().unwrap();
            for part in [
                "default-src 'none'",
                "frame-ancestors 'none'",
                "trusted-types 'none'",
            ] {
                assert!(policy.contains(part), "{path}: {policy}");
            }
            assert!(!policy.contains("unsafe"), "{policy}");
        }
    }
    for method in [Method::POST, Method::PUT, Method::DELETE] {
        let request = server
            .request(method, "/api/pods", &user)
            .header("host", &one.authority);
        assert_eq!(Answer::of(request.json(&pod("More"))).await.status, 405);
    }
    let pods = server.get("/api/pods", &user).await.expect(200);
    assert_eq!(pods["data"].as_array().unwrap().len(), 1);
    // Nor may its pages send requests to the platform.
    let origin = format!("http://{}", one.authority);
    let request = server
        .request(Method::GET, "/api/config", "")
        .header("origin", origin);
    let answer = Answer::of(request).await;
    assert!(!answer.headers.contains_key("access-control-allow-origin"));
    // The platform's own hosts are not affected.
    for host in ["app.pods.localhost", "pods.localhost", "localhost:1"] {
        let config = ask(&server, host, "/api/config", &[]).await.expect(200);
        assert_eq!(config["data"]["simulated"], true, "{host}");
    }
}

#[tokio::test]
async fn the_websocket_of_a_pod_echoes_as_long_as_the_pod_runs() {
    let server = TestServer::start().await;
    let user = server.sign_in("ana@example.com").await;
    let one = open(&server, &user, "Training").await;
    let connect = async |headers: &[(&'static str, String)]| {
        let mut request = server.socket("/_neuropod/echo").into_client_request().unwrap();
        let headers = headers.iter().cloned().chain([("host", one.authority.clone())]);
        for (name, value) in headers {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        match connect_async(request).await {
            Ok((socket, _)) => Ok(socket),
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    };
    let login = ("authorization", format!("token {}", one.token));
    let from = |origin: &str| ("origin", origin.to_owned());
    assert_eq!(connect(&[]).await.err(), Some(403), "without the token");
    for origin in ["http://evil.example", "http://localhost:3000", "null"] {
        let refused = connect(&[login.clone(), from(origin)]).await.err();
        assert_eq!(refused, Some(403), "{origin}");
    }
    let own = from(&format!("http://{}", one.authority));
    let mut socket = connect(&[login, own]).await.unwrap();
    for text in ["hello", "¿<b>?"] {
        socket.send(Message::text(text)).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), Message::text(text));
    }
    let stop = format!("/api/pods/{}/stop", one.id);
    server.post(&stop, &user, &json!({})).await.expect(200);
    server.until(&user, &one.id, "stopped").await;
    socket.send(Message::text("still there?")).await.unwrap();
    let end = socket.next().await;
    assert!(!matches!(end, Some(Ok(Message::Text(_)))), "{end:?}");
}
