//! Kubeconfig texts.

use data_encoding::BASE64;
use serde_json::json;

use crate::pki::Identity;

/// A kubeconfig for one cluster and one user, as JSON, which is YAML too.
pub(crate) fn render(server: &str, authority: &str, identity: &Identity) -> String {
    let user = json!({
        "client-certificate-data": BASE64.encode(identity.certificate.as_bytes()),
        "client-key-data": BASE64.encode(identity.key.as_bytes()),
    });
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{
            "name": "test",
            "cluster": {
                "server": server,
                "certificate-authority-data": BASE64.encode(authority.as_bytes()),
            },
        }],
        "users": [{ "name": "test", "user": user }],
        "contexts": [{ "name": "test", "context": { "cluster": "test", "user": "test" } }],
        "current-context": "test",
    });
    format!("{config:#}\n")
}

/// The kubeconfig `text` with a bearer token in place of the current user's credentials.
pub(crate) fn with_token(text: &str, token: &str) -> crate::Result<String> {
    let config = kube::config::Kubeconfig::from_yaml(text)?;
    let mut value = serde_json::to_value(config).unwrap_or_default();
    let current = value["current-context"].clone();
    let user = value["contexts"]
        .as_array()
        .and_then(|contexts| contexts.iter().find(|context| context["name"] == current))
        .map(|context| context["context"]["user"].clone())
        .unwrap_or_default();
    value["users"] = json!([{ "name": user, "user": { "token": token } }]);
    Ok(format!("{value:#}\n"))
}
