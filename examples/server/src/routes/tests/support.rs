//! Helpers for the tests of several routes.

use std::time::Duration;

use serde_json::Value;

use crate::test_api::Api;

/// The address of the administrator.
pub(super) const ADMIN: &str = "admin@example.com";

/// The `data` of an answer.
pub(super) async fn data(api: &Api, path: &str, token: &str) -> Value {
    api.get(path, token).await.expect(200)["data"].clone()
}

/// Waits until the live updates, from which the list is made, contain the last change.
pub(super) async fn settle() {
    tokio::time::sleep(Duration::from_millis(100)).await;
}

/// The id of the user with this token.
pub(super) async fn user_id(api: &Api, token: &str) -> String {
    let me = api.get("/api/auth/me", token).await.expect(200);
    me["user"]["id"].as_str().unwrap().to_owned()
}

/// The values of a field, in the order of the list.
pub(super) fn each<'a>(list: &'a Value, field: &str) -> Vec<&'a str> {
    let list = list.as_array().unwrap().iter();
    list.map(|item| item[field].as_str().unwrap()).collect()
}
