//! The meaning of a failed request, and whether to retry it.

use std::time::Duration;

use kube::core::Status;
use neuropod_core::{Error, ErrorKind};

use crate::api::kinds::Kind;
use crate::api::manifest::Manifest;
use crate::api::wording::{
    is_denied_by_webhook, is_out_of_addresses, is_over_limit, is_page, is_young_namespace,
    missing_runtime_class,
};

/// A request, as error messages name it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call<'a> {
    /// The verb, as in RBAC rules.
    pub(crate) verb: &'static str,
    pub(crate) kind: Kind,
    /// The subresource, such as `log`.
    pub(crate) subresource: Option<&'static str>,
    pub(crate) namespace: Option<&'a str>,
    /// Empty for collections.
    pub(crate) name: &'a str,
}

impl<'a> Call<'a> {
    /// A request about all objects of a kind.
    pub(crate) fn on_kind(verb: &'static str, kind: Kind, namespace: Option<&'a str>) -> Self {
        Self::on_name(verb, kind, namespace, "")
    }

    /// A request about the object of this name.
    pub(crate) fn on_name(verb: &'static str, kind: Kind, namespace: Option<&'a str>, name: &'a str) -> Self {
        Self {
            verb,
            kind,
            subresource: None,
            namespace,
            name,
        }
    }

    /// A request about the object of this manifest.
    pub(crate) fn on_object(verb: &'static str, manifest: &'a Manifest, namespace: Option<&'a str>) -> Self {
        Self::on_name(verb, manifest.kind, namespace, &manifest.name)
    }

    /// The error for a failed request.
    pub(crate) fn failed(&self, error: kube::Error) -> Error {
        let translated = match &error {
            kube::Error::Api(status) => self.of_status(status),
            kube::Error::Auth(_) => Error::new(
                ErrorKind::PermissionDenied,
                "the credentials for the cluster can't be obtained: check the kubeconfig",
            ),
            kube::Error::HyperError(_) | kube::Error::Service(_) | kube::Error::ReadEvents(_) => {
                Error::new(ErrorKind::Unavailable, "the API server can't be reached")
            }
            _ => Error::new(
                ErrorKind::Unexpected,
                "the response of the API server can't be understood",
            ),
        };
        self.with_context(translated).with_source(error)
    }

    /// Adds the request, namespace and name to an error.
    pub(crate) fn with_context(&self, error: Error) -> Error {
        let error = error.with_context("request", format!("{} {}", self.verb, self.resource()));
        let error = match self.namespace {
            Some(namespace) => error.with_context("namespace", namespace),
            None => error,
        };
        if self.name.is_empty() {
            error
        } else {
            error.with_context("name", self.name)
        }
    }

    fn resource(&self) -> String {
        match self.subresource {
            Some(subresource) => format!("{}/{subresource}", self.kind.plural()),
            None => self.kind.plural().to_owned(),
        }
    }

    fn of_status(&self, status: &Status) -> Error {
        let text = status.message.as_str();
        if is_page(text) {
            let message = format!(
                "something between the platform and the API server answers {} with a page: check proxies and load balancers",
                status.code
            );
            return Error::new(ErrorKind::Unavailable, message);
        }
        if is_denied_by_webhook(text) {
            return Error::new(ErrorKind::Rejected, text);
        }
        match status.code {
            401 => Error::new(
                ErrorKind::PermissionDenied,
                "the cluster does not accept the credentials: renew those of the kubeconfig or the ServiceAccount",
            )
            // kube reads a rotated token from its file within a minute.
            .with_retryable(true),
            403 => self.forbidden(text),
            404 => self.not_found(status),
            409 => Error::new(ErrorKind::Conflict, text),
            405 | 406 | 415 => Error::new(ErrorKind::Unsupported, text),
            429 => limited(status),
            408 | 504 => Error::new(ErrorKind::Timeout, text),
            400 | 413 | 422 => Error::new(ErrorKind::Rejected, text),
            500.. if is_out_of_addresses(text) => Error::new(
                ErrorKind::QuotaExceeded,
                "the cluster has no address left for a Service: add a ServiceCIDR, or stop pods",
            )
            .with_retryable(true),
            500.. => unavailable(status),
            _ => Error::new(ErrorKind::Unexpected, text),
        }
    }

    /// 403 means a missing right, or that an admission plug-in refused.
    fn forbidden(&self, text: &str) -> Error {
        if text.contains(" cannot ") && text.contains("resource \"") {
            let message = format!(
                "the platform may not {} {}: grant it, as examples/deploy/rbac.yaml does",
                self.verb,
                self.resource()
            );
            Error::new(ErrorKind::PermissionDenied, message)
        } else if text.contains("because it is being terminated") {
            // Nothing can be created in it until it is gone and exists again.
            let message = "the namespace is being deleted: wait until it is gone and create it again";
            Error::new(ErrorKind::NotConfigured, message).with_retryable(true)
        } else if is_young_namespace(text) {
            Error::new(ErrorKind::Unavailable, text)
        } else if let Some(class) = missing_runtime_class(text) {
            let message = format!(
                "the cluster has no RuntimeClass {class}: create it, or name another for the GPU type in the catalogue"
            );
            Error::new(ErrorKind::NotConfigured, message)
        } else if is_over_limit(text) {
            Error::new(ErrorKind::QuotaExceeded, text)
        } else {
            Error::new(ErrorKind::Rejected, text)
        }
    }

    fn not_found(&self, status: &Status) -> Error {
        let missing = status.details.as_ref().map(|details| details.kind.as_str());
        if missing == Some("namespaces") {
            return Error::new(
                ErrorKind::NotConfigured,
                "the namespace does not exist: create it, or name another in KubeConfig::namespace",
            );
        }
        if is_unknown_resource(status) {
            let message = match self.kind {
                Kind::HttpRoute => {
                    "the cluster has no Gateway API: install its definitions, or use Exposure::Ingress"
                        .to_owned()
                }
                kind => format!("the cluster does not know {kind} ({})", kind.api_version()),
            };
            return Error::new(ErrorKind::NotConfigured, message);
        }
        Error::new(ErrorKind::NotFound, status.message.as_str())
    }
}

/// Whether the API itself is not installed: the API server does not serve the path.
pub(crate) fn is_unknown_resource(status: &Status) -> bool {
    let names_object = status
        .details
        .as_ref()
        .is_some_and(|details| !details.name.is_empty());
    status.code == 404 && !names_object
}

/// Whether the same request is likely to succeed a moment later. Every request of this crate may be repeated.
pub(crate) fn is_transient(error: &kube::Error) -> bool {
    match error {
        kube::Error::HyperError(_) | kube::Error::Service(_) => true,
        kube::Error::Api(status) => match status.code {
            429 | 500 | 502 | 503 => {
                !is_denied_by_webhook(&status.message) && !is_out_of_addresses(&status.message)
            }
            403 => is_young_namespace(&status.message),
            _ => false,
        },
        _ => false,
    }
}

/// The delay that the API server asked for. Read from the body of its response, because kube drops the header
/// `Retry-After`.
pub(crate) fn retry_after(error: &kube::Error) -> Option<Duration> {
    match error {
        kube::Error::Api(status) => wait_of(status),
        _ => None,
    }
}

fn wait_of(status: &Status) -> Option<Duration> {
    let seconds = status.details.as_ref()?.retry_after_seconds;
    (seconds > 0).then(|| Duration::from_secs(seconds.into()))
}

fn limited(status: &Status) -> Error {
    let error = Error::new(ErrorKind::RateLimited, "the API server asks for fewer requests");
    match wait_of(status) {
        Some(wait) => error.with_retry_after(wait),
        None => error,
    }
}

fn unavailable(status: &Status) -> Error {
    let error = Error::new(ErrorKind::Unavailable, status.message.as_str());
    match wait_of(status) {
        Some(wait) => error.with_retry_after(wait),
        None => error,
    }
}

#[cfg(test)]
mod trials;

#[cfg(test)]
mod tests {
    use kube::core::response::{Status, StatusDetails};
    use neuropod_core::ErrorKind;

    use super::{Call, is_transient, retry_after};
    use crate::api::kinds::Kind;

    const CALL: Call<'static> = Call {
        verb: "create",
        kind: Kind::Pod,
        subresource: None,
        namespace: Some("users"),
        name: "lab-1",
    };

    fn status(code: u16, message: &str) -> Status {
        Status::failure(message, "").with_code(code)
    }

    fn details(kind: &str, name: &str, wait: u32) -> StatusDetails {
        StatusDetails {
            name: name.into(),
            group: String::new(),
            kind: kind.into(),
            uid: String::new(),
            causes: Vec::new(),
            retry_after_seconds: wait,
        }
    }

    /// Messages of API server 1.34 and its admission plug-ins.
    #[test]
    fn each_response_has_its_kind() {
        let cases = [
            (401, "Unauthorized", ErrorKind::PermissionDenied, true),
            (
                403,
                r#"pods is forbidden: User "system:serviceaccount:a:b" cannot create resource "pods" in API group "" in the namespace "users""#,
                ErrorKind::PermissionDenied,
                false,
            ),
            (
                403,
                r#"pods "lab-1" is forbidden: exceeded quota: neuropod, requested: pods=1, used: pods=2, limited: pods=2"#,
                ErrorKind::QuotaExceeded,
                false,
            ),
            (
                403,
                r#"pods "lab-1" is forbidden: maximum memory usage per Container is 1Gi, but limit is 4Gi"#,
                ErrorKind::QuotaExceeded,
                false,
            ),
            (
                403,
                r#"pods "lab-1" is forbidden: unable to create new content in namespace users because it is being terminated"#,
                ErrorKind::NotConfigured,
                true,
            ),
            (
                403,
                r#"pods "lab-1" is forbidden: error looking up service account users/default: serviceaccount "default" not found"#,
                ErrorKind::Unavailable,
                true,
            ),
            (
                403,
                r#"pods "lab-1" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true"#,
                ErrorKind::Rejected,
                false,
            ),
            (
                400,
                r#"admission webhook "policy.example" denied the request: no"#,
                ErrorKind::Rejected,
                false,
            ),
            (
                500,
                r#"Internal error occurred: failed calling webhook "policy.example": connection refused"#,
                ErrorKind::Unavailable,
                true,
            ),
            (
                500,
                "Internal error occurred: failed to allocate a serviceIP: range is full",
                ErrorKind::QuotaExceeded,
                true,
            ),
            (
                422,
                "Pod is invalid: spec.containers: Required value",
                ErrorKind::Rejected,
                false,
            ),
            (409, "the object has been modified", ErrorKind::Conflict, true),
            (429, "too many requests", ErrorKind::RateLimited, true),
            (503, "apiserver is shutting down", ErrorKind::Unavailable, true),
            (504, "request did not complete", ErrorKind::Timeout, true),
            (404, "404 page not found", ErrorKind::NotConfigured, false),
        ];
        for (code, message, kind, retryable) in cases {
            let error = CALL.of_status(&status(code, message));
            assert_eq!(
                (error.kind(), error.is_retryable()),
                (&kind, retryable),
                "{code} {message}"
            );
        }
    }

    #[test]
    fn a_missing_namespace_is_not_a_missing_object() {
        let namespace =
            status(404, "namespaces \"users\" not found").with_details(details("namespaces", "users", 0));
        assert_eq!(CALL.of_status(&namespace).kind(), &ErrorKind::NotConfigured);
        let pod = status(404, "pods \"lab-1\" not found").with_details(details("pods", "lab-1", 0));
        assert_eq!(CALL.of_status(&pod).kind(), &ErrorKind::NotFound);
    }

    #[test]
    fn a_requested_wait_is_in_the_error() {
        let busy = status(429, "busy").with_details(details("", "", 7));
        let error = kube::Error::Api(busy.boxed());
        assert!(is_transient(&error));
        assert_eq!(retry_after(&error).map(|wait| wait.as_secs()), Some(7));
        assert_eq!(
            CALL.failed(error).retry_after().map(|wait| wait.as_secs()),
            Some(7)
        );
    }

    #[test]
    fn a_missing_right_is_named() {
        let error = CALL.of_status(&status(
            403,
            r#"User "x" cannot create resource "pods" in API group """#,
        ));
        assert!(error.message().contains("may not create pods"), "{error}");
    }
}
