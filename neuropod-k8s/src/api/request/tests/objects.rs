//! One object: read, created, updated, deleted.

use http::Method;
use neuropod_core::ErrorKind;
use serde_json::{Value, json};

use super::{manifest, meta, object, requests};
use crate::api::kinds::Kind;
use crate::api::partial::{PartialClaim, PartialObject, PartialPod};
use crate::fake::server::Reply;

const SERVICE: &str = "/api/v1/namespaces/users/services/lab-1";

fn absent() -> Reply {
    Reply::absent("services", "lab-1")
}

fn there(uid: &str) -> Reply {
    Reply::Json(200, object("lab-1", uid))
}

fn deleted() -> Reply {
    let details = json!({ "name": "lab-1", "kind": "services", "uid": "u1" });
    Reply::Json(
        200,
        json!({ "kind": "Status", "status": "Success", "details": details }),
    )
}

/// The object, with the owner of each field.
fn managed(entries: &Value) -> Reply {
    let mut object = object("lab-1", "u1");
    object["metadata"]["managedFields"] = entries.clone();
    Reply::Json(200, object)
}

#[tokio::test(start_paused = true)]
async fn a_missing_object_is_none_and_a_missing_kind_is_an_error() {
    let unknown = [
        Reply::Text(404, "404 page not found"),
        Reply::refused(
            404,
            "NotFound",
            "the server could not find the requested resource",
        ),
    ];
    let (requests, log) = requests([absent()].into_iter().chain(unknown));
    let get = || requests.get::<PartialObject>(Kind::Service, Some("users"), "lab-1");
    assert_eq!(get().await.unwrap(), None);
    assert_eq!(get().await.unwrap_err().kind(), &ErrorKind::NotConfigured);
    assert_eq!(get().await.unwrap_err().kind(), &ErrorKind::NotConfigured);
    assert_eq!(log.all().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn pods_and_claims_are_read_whole_and_others_by_their_metadata() {
    let (requests, log) = requests((0..3).map(|_| there("u1")));
    let users = Some("users");
    requests
        .get::<PartialPod>(Kind::Pod, users, "lab-1")
        .await
        .unwrap();
    let claim = requests.get::<PartialClaim>(Kind::PersistentVolumeClaim, users, "lab-1");
    claim.await.unwrap();
    requests
        .get::<PartialObject>(Kind::Secret, users, "lab-1")
        .await
        .unwrap();
    let partial: Vec<_> = log
        .all()
        .iter()
        .map(|received| received.accept.contains("as=PartialObjectMetadata"))
        .collect();
    assert_eq!(partial, [false, false, true], "the values of a Secret never come");
}

#[tokio::test(start_paused = true)]
async fn a_failed_creation_returns_the_words_of_the_api_server() {
    let taken = Reply::refused(409, "AlreadyExists", "services \"lab-1\" already exists");
    let (requests, log) = requests([taken]);
    let error = requests
        .create::<PartialObject>(&manifest(), Some("users"))
        .await
        .unwrap_err();
    assert!(matches!(error, kube::Error::Api(status) if status.is_already_exists()));
    let received = &log.all()[0];
    assert_eq!(log.lines(), ["POST /api/v1/namespaces/users/services"]);
    assert!(
        received.query.contains("fieldManager=neuropod"),
        "{}",
        received.query
    );
}

#[tokio::test(start_paused = true)]
async fn an_apply_names_the_uid_and_takes_the_fields() {
    let (requests, log) = requests([managed(&json!([])), there("u1")]);
    let applied: PartialObject = requests.apply(&manifest(), Some("users"), "u1").await.unwrap();
    assert_eq!(applied.metadata.uid, "u1");
    assert_eq!(
        log.lines(),
        [format!("GET {SERVICE}"), format!("PATCH {SERVICE}")]
    );
    let patch = &log.all()[1];
    assert_eq!(patch.body["metadata"], json!({ "name": "lab-1", "uid": "u1" }));
    assert_eq!(patch.content, "application/apply-patch+yaml");
    assert!(
        patch.query.contains("force=true") && patch.query.contains("fieldManager=neuropod"),
        "{}",
        patch.query
    );
}

#[tokio::test(start_paused = true)]
async fn an_apply_first_takes_over_the_fields_of_the_creation() {
    let entry = |manager: &str, operation: &str| json!({ "manager": manager, "operation": operation, "fieldsV1": { "f:spec": {} } });
    let entries = json!([entry("kubectl", "Update"), entry("neuropod", "Update")]);
    let (requests, log) = requests([managed(&entries), there("u1"), there("u1")]);
    requests
        .apply::<PartialObject>(&manifest(), Some("users"), "u1")
        .await
        .unwrap();
    let received = log.all();
    assert_eq!(received.len(), 3);
    assert_eq!(received[1].content, "application/merge-patch+json");
    let owned = json!([entry("kubectl", "Update"), entry("neuropod", "Apply")]);
    assert_eq!(
        received[1].body["metadata"],
        json!({ "managedFields": owned, "resourceVersion": "7", "uid": "u1" }),
        "what others have written since is not lost"
    );
}

#[tokio::test(start_paused = true)]
async fn an_object_removed_or_replaced_before_an_apply_is_a_conflict() {
    let conflict = || Reply::refused(409, "Conflict", "Precondition failed: UID in precondition: u1");
    let entries = json!([{ "manager": "neuropod", "operation": "Update" }]);
    for replies in [vec![absent(), conflict()], vec![managed(&entries), conflict()]] {
        let (requests, _) = requests(replies);
        let applied = requests
            .apply::<PartialObject>(&manifest(), Some("users"), "u1")
            .await;
        let error = applied.unwrap_err();
        assert_eq!((error.kind(), error.is_retryable()), (&ErrorKind::Conflict, true));
        assert!(error.to_string().contains("patch services"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_merge_names_the_uid() {
    let (requests, log) = requests([there("u1")]);
    let fields = json!({ "spec": { "a": 1 } });
    requests
        .merge::<PartialObject>(&manifest(), Some("users"), "u1", fields)
        .await
        .unwrap();
    assert_eq!(log.lines(), [format!("PATCH {SERVICE}")]);
    assert_eq!(
        log.all()[0].body,
        json!({ "spec": { "a": 1 }, "metadata": { "uid": "u1" } })
    );
}

/// The object that remains after a deletion with these replies, and the methods of its requests.
async fn delete(replies: Vec<Reply>) -> (neuropod_core::Result<Option<String>>, Vec<Method>) {
    let (requests, log) = requests(replies);
    let left = requests.delete::<PartialObject>(Kind::Service, &meta()).await;
    for received in log.all() {
        assert_eq!(received.path, SERVICE);
        if received.method == Method::DELETE {
            assert_eq!(
                received.body["preconditions"]["uid"], "u1",
                "another object of the name is not meant"
            );
        }
    }
    let left = left.map(|left| left.map(|object| object.metadata.uid));
    (
        left,
        log.all().into_iter().map(|received| received.method).collect(),
    )
}

#[tokio::test(start_paused = true)]
async fn an_object_that_is_already_gone_counts_as_deleted() {
    let (left, methods) = delete(vec![absent()]).await;
    assert_eq!((left.unwrap(), methods), (None, vec![Method::DELETE]));
    // The first attempt succeeded, but its reply was lost.
    let (left, methods) = delete(vec![Reply::Broken, absent()]).await;
    assert_eq!((left.unwrap(), methods), (None, vec![Method::DELETE; 2]));
}

#[tokio::test(start_paused = true)]
async fn an_object_that_is_gone_at_once_is_not_read_again() {
    let (left, methods) = delete(vec![deleted()]).await;
    assert_eq!((left.unwrap(), methods), (None, vec![Method::DELETE]));
}

#[tokio::test(start_paused = true)]
async fn an_object_that_ends_later_is_read_again() {
    let both = vec![Method::DELETE, Method::GET];
    let (left, methods) = delete(vec![there("u1"), there("u1")]).await;
    assert_eq!((left.unwrap().as_deref(), methods), (Some("u1"), both.clone()));
    let (left, methods) = delete(vec![there("u1"), absent()]).await;
    assert_eq!((left.unwrap(), methods), (None, both.clone()));
    let (left, methods) = delete(vec![there("u1"), there("u2")]).await;
    assert_eq!(
        (left.unwrap(), methods),
        (None, both),
        "another has its name by now"
    );
}

#[tokio::test(start_paused = true)]
async fn another_object_of_the_same_name_is_not_deleted() {
    let conflict = Reply::refused(409, "Conflict", "Precondition failed: UID in precondition: u1");
    let (left, methods) = delete(vec![conflict]).await;
    let error = left.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (&ErrorKind::Conflict, true));
    assert_eq!(methods, [Method::DELETE]);
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_is_refused_is_an_error() {
    let text = r#"services "lab-1" is forbidden: User "x" cannot delete resource "services" in API group """#;
    let (left, methods) = delete(vec![Reply::refused(403, "Forbidden", text)]).await;
    let error = left.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::PermissionDenied);
    assert!(error.message().contains("may not delete services"), "{error}");
    assert_eq!(methods, [Method::DELETE]);
}
