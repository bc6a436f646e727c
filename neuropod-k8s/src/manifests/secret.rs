//! The Secret with the access token, which the container reads as an environment variable.

use data_encoding::BASE64;
use neuropod_core::Workload;
use neuropod_core::workload::TokenSpec;
use serde_json::{Value, json};

use super::{Draft, Manifest};
use crate::config::KubeConfig;
use crate::kind::Kind;

/// What stands in place of a token where people may see it.
const MASK: &str = "…";

pub(super) fn secret(workload: &Workload, token: &TokenSpec, config: &KubeConfig) -> Manifest {
    // `data` rather than `stringData`: server-side apply does not take back fields that are only ever written.
    let encoded = BASE64.encode(token.token.expose().as_bytes());
    let fields = json!({ "type": "Opaque", "data": { token.variable.as_str(): encoded } });
    Draft::of_run(workload, config, Kind::Secret, &token.secret, fields).finish()
}

/// Puts a mask in place of all values of a Secret; other objects stay as they are.
pub(super) fn mask(body: &mut Value) {
    if body["kind"] == Kind::Secret.name()
        && let Some(data) = body.get_mut("data").and_then(Value::as_object_mut)
    {
        for value in data.values_mut() {
            *value = MASK.into();
        }
    }
}
