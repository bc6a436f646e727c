use http::header;

use crate::test_api::{Api, config};

#[tokio::test(start_paused = true)]
async fn the_document_names_every_route_and_the_page_shows_it() {
    let api = Api::start(config()).await;
    let document = api.get("/api/openapi.json", "").await.expect(200);
    assert_eq!(document["openapi"], "3.1.0");
    for path in [
        "/api/pods",
        "/api/pods/{podId}/logs",
        "/api/auth/google",
        "/api/templates/{id}",
        "/api/pricing/reset",
    ] {
        assert!(document["paths"][path].is_object(), "{path}");
    }
    let page = api.get("/api/docs", "").await;
    assert!(page.text.contains("/api/docs.js"));
    for path in ["/api/docs", "/api/docs.js", "/api/docs.css", "/api/openapi.json"] {
        let cache = &api.get(path, "").await.headers[header::CACHE_CONTROL];
        assert_eq!(cache, "public, max-age=300", "{path}");
    }
    let of_user = &api.get("/api/pods", "").await.headers[header::CACHE_CONTROL];
    assert_eq!(of_user, "no-store");
}
