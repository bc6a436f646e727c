//! The Secret with the variables of the owner and the access token, which the container reads as environment variables.

use data_encoding::BASE64;
use neuropod_core::Workload;
use neuropod_core::workload::SecretSpec;
use serde_json::{Map, Value, json};

use super::{Draft, Manifest};
use crate::config::KubeConfig;
use crate::kind::Kind;

/// What stands in place of a value where people may see it.
const MASK: &str = "…";

pub(super) fn secret(workload: &Workload, spec: &SecretSpec, config: &KubeConfig) -> Manifest {
    // `data` rather than `stringData`: server-side apply does not take back fields that are only ever written.
    let data: Map<_, _> = spec
        .variables
        .0
        .iter()
        .map(|(name, value)| (name.clone(), BASE64.encode(value.as_bytes()).into()))
        .collect();
    let fields = json!({ "type": "Opaque", "data": data });
    Draft::of_run(workload, config, Kind::Secret, &spec.name, fields).finish()
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
