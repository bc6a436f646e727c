//! Whether the platform may follow its pods.
//!
//! A right that a request lacks is told by its error. A watch has nobody to tell: it is tried again and again, and
//! the driver waits for what it says. So the API server is asked beforehand, which every authenticated user may do.

#[cfg(test)]
mod tests;

use futures::future::try_join_all;
use neuropod_core::{Error, ErrorKind, Result};
use serde::Deserialize;
use serde_json::json;

use crate::error::{Call, is_transient};
use crate::kind::Kind;
use crate::manifests::Manifest;
use crate::request::Requests;

/// What the watch does, in `scope` or in all namespaces.
const NEEDED: [(&str, Kind); 4] = [
    ("list", Kind::Pod),
    ("watch", Kind::Pod),
    ("list", Kind::Event),
    ("watch", Kind::Event),
];

/// Asks for all rights that the watch needs.
///
/// # Errors
/// `PermissionDenied` with those that are missing. Where the question itself is refused, nothing is known to be.
pub(crate) async fn look(requests: &Requests, scope: Option<&str>) -> Result<()> {
    let answers = try_join_all(NEEDED.map(async |(verb, kind)| {
        let allowed = may(requests, scope, verb, kind).await?;
        Ok::<_, Error>((!allowed).then(|| format!("{verb} {}", kind.plural())))
    }));
    let missing: Vec<_> = answers.await?.into_iter().flatten().collect();
    if missing.is_empty() {
        return Ok(());
    }
    let example = match scope {
        Some(_) => "rbac.yaml",
        None => "rbac-namespace-per-user.yaml",
    };
    let message = format!(
        "the platform may not {}, and can't follow its pods without: grant it, as examples/deploy/{example} does",
        missing.join(", ")
    );
    let error = Error::new(ErrorKind::PermissionDenied, message);
    Err(match scope {
        Some(namespace) => error.with_context("namespace", namespace),
        None => error,
    })
}

async fn may(requests: &Requests, scope: Option<&str>, verb: &str, kind: Kind) -> Result<bool> {
    let review = Kind::SelfSubjectAccessReview;
    let mut attributes = json!({ "verb": verb, "group": "", "resource": kind.plural() });
    // Without a namespace it is about all of them.
    if let Some(namespace) = scope {
        attributes["namespace"] = namespace.into();
    }
    let manifest = Manifest {
        kind: review,
        name: String::new(),
        digest: String::new(),
        body: json!({
            "apiVersion": review.api_version(),
            "kind": review.name(),
            "spec": { "resourceAttributes": attributes },
        }),
    };
    match requests.create::<Review>(&manifest, None).await {
        Ok(review) => Ok(review.status.allowed),
        Err(error) if is_refused(&error) => {
            tracing::debug!(%error, verb, %kind, "whether there is a right can't be asked");
            Ok(true)
        }
        Err(error) => {
            let call = Call {
                verb: "create",
                kind: review,
                subresource: None,
                namespace: None,
                name: "",
            };
            Err(call.failed(error))
        }
    }
}

/// Whether an answer says that such questions are not taken.
fn is_refused(error: &kube::Error) -> bool {
    match error {
        kube::Error::Api(status) => (400..500).contains(&status.code) && !is_transient(error),
        _ => false,
    }
}

/// The answer to a question about a right.
#[derive(Debug, Deserialize)]
struct Review {
    status: Verdict,
}

#[derive(Debug, Deserialize)]
struct Verdict {
    allowed: bool,
}
