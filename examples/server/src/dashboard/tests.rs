use axum::body::Body;
use http::{Request, header};
use serde_json::json;

use crate::test_api::{Api, config};

#[tokio::test(start_paused = true)]
async fn the_dashboard_has_a_strict_policy_and_is_cached() {
    let api = Api::start(config()).await;
    let page = api.get("/", "").await;
    assert_eq!(page.status, 200);
    assert_eq!(page.headers[header::CONTENT_TYPE], "text/html; charset=utf-8");
    let policy = page.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(
        policy.contains("script-src 'self';") && !policy.contains("unsafe"),
        "{policy}"
    );
    assert!(policy.contains("require-trusted-types-for 'script'"), "{policy}");
    let again = Request::get("/")
        .header(header::IF_NONE_MATCH, &page.headers[header::ETAG])
        .body(Body::empty());
    assert_eq!(api.send(again.unwrap()).await.status, 304);
    for path in [
        "/../Cargo.toml",
        "/%2e%2e/Cargo.toml",
        "/tests/text.test.js",
        "/nothing.js",
        "/main.js",
        "/README.md",
        "/assets/",
        "/assets/../Cargo.toml",
        "/assets/page-0123456789abcdef.txt",
    ] {
        assert_eq!(api.get(path, "").await.status, 404, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn files_of_the_page_are_compressed_and_cached() {
    let api = Api::start(config()).await;
    let page = api.get("/", "").await;
    assert_eq!(page.headers[header::CACHE_CONTROL], "no-cache");
    // The configuration that the page would otherwise have to request first.
    assert!(page.text.contains("&quot;devLogin&quot;:true"), "{}", page.text);
    let ask = async |path: &str, accepted: &str| {
        let request = Request::get(path).header(header::ACCEPT_ENCODING, accepted);
        api.send(request.body(Body::empty()).unwrap()).await
    };
    let assets: Vec<_> = page
        .text
        .split('"')
        .filter(|part| part.starts_with("/assets/"))
        .collect();
    assert_eq!(assets.len(), 3, "{assets:?}");
    for path in &assets {
        for (accepted, encoding) in [("gzip, br", Some("br")), ("gzip", Some("gzip")), ("br;q=0", None)] {
            let answer = ask(path, accepted).await;
            assert_eq!(answer.status, 200, "{path}");
            let coded = answer.headers.get(header::CONTENT_ENCODING);
            assert_eq!(coded.map(|value| value.to_str().unwrap()), encoding, "{path}");
            assert_eq!(
                answer.headers[header::CACHE_CONTROL],
                "public, max-age=31536000, immutable"
            );
            assert_eq!(answer.headers[header::VARY], "accept-encoding", "{path}");
        }
    }
    // The file of another replica, which may be older: it works, and is not cached.
    let other = ask("/assets/page-0123456789abcdef.js", "").await;
    assert_eq!(other.headers[header::CACHE_CONTROL], "no-store");
    let script = ask(assets[2], "").await;
    assert_eq!(other.text, script.text);
    let (_, map) = script
        .text
        .trim_end()
        .rsplit_once("//# sourceMappingURL=")
        .unwrap();
    let map = api.get(&format!("/assets/{map}"), "").await.expect(200);
    let sources = map["sources"].as_array().unwrap();
    assert!(sources.contains(&json!("views/pods.js")), "{sources:?}");
}
