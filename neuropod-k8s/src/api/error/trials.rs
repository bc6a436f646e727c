//! Responses of real API servers, and of proxies before them, with the right kinds of error: every file of
//! `tests/trials/api`. A new case is a new file.

use kube::core::Status;

use super::Call;
use crate::api::kinds::Kind;
use crate::status::tests::trials::trials;

#[test]
fn every_refusal_has_its_kind_and_explains_itself() {
    let mut wrong = Vec::new();
    for (name, trial) in trials("api") {
        let status: Status = serde_json::from_value(trial["body"].clone()).unwrap();
        let details = status.details.clone();
        let kind = match details.as_ref().map(|details| details.kind.as_str()) {
            Some("persistentvolumeclaims") => Kind::PersistentVolumeClaim,
            Some("ingresses") => Kind::Ingress,
            _ => Kind::Pod,
        };
        let call = Call {
            verb: "create",
            kind,
            subresource: None,
            namespace: Some("pods"),
            name: "lab-1",
        };
        let error = call.failed(kube::Error::Api(status.boxed()));
        let reported = format!("{:?}", error.kind());
        if trial["expect"] != reported {
            wrong.push(format!("{name}: {} and not {reported}: {error}", trial["expect"]));
        }
        if let Some(retryable) = trial["retryable"].as_bool() {
            assert_eq!(error.is_retryable(), retryable, "{name}: {error}");
        }
        if let Some(says) = trial["says"].as_str() {
            assert!(error.message().contains(says), "{name}: {error}");
        }
        // Gatekeeper puts names into such brackets too; closing tags only occur in pages.
        let is_page = ["</", "<!", "<html", "<head", "<body"];
        let reported = error.message().to_lowercase();
        assert!(
            !is_page.iter().any(|part| reported.contains(part)),
            "{name}: no page of a proxy: {error}"
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
