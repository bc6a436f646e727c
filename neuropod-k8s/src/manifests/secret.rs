//! The Secret with the variables of the owner and the access token, which the container reads as environment variables.

use data_encoding::BASE64;
use neuropod_core::cluster::Workload;
use neuropod_core::cluster::workload::SecretSpec;
use serde_json::{Map, Value, json};

use super::draft::Draft;
use crate::api::kinds::Kind;
use crate::api::manifest::Manifest;
use crate::config::KubeConfig;

pub(super) fn secret(workload: &Workload, spec: &SecretSpec, config: &KubeConfig) -> Manifest {
    // Not `stringData`: server-side apply does not remove values from a write-only field.
    let data: Map<_, _> = spec
        .variables
        .0
        .iter()
        .map(|(name, value)| (name.clone(), BASE64.encode(value.as_bytes()).into()))
        .collect();
    let fields = json!({ "type": "Opaque", "data": data });
    Draft::of_run(workload, config, Kind::Secret, &spec.name, fields).finish()
}

/// The copy of a platform's Secret in the namespace of a user: its `type` and its `data`, with only the labels
/// of the platform. Its digest does not cover the values: compare `data` too.
pub(crate) fn copy(config: &KubeConfig, namespace: &str, name: &str, kind: &str, data: &Value) -> Manifest {
    let fields = json!({ "type": kind, "data": data });
    Draft::of_platform(config, Kind::Secret, name, namespace, fields).finish()
}
