//! The claim of the workspace volume.

use neuropod_core::cluster::Workload;
use serde_json::json;

use super::draft::Draft;
use crate::api::kinds::Kind;
use crate::api::manifest::Manifest;
use crate::api::quantity::from_gigabytes;
use crate::config::KubeConfig;

pub(super) fn claim(workload: &Workload, config: &KubeConfig) -> Manifest {
    let mut spec = json!({
        "accessModes": [config.storage.access_mode],
        "resources": { "requests": { "storage": from_gigabytes(workload.volume.size_gb) } },
    });
    if let Some(class) = &config.storage.class {
        spec["storageClassName"] = class.as_str().into();
    }
    let name = &workload.reference.volume;
    let fields = json!({ "spec": spec });
    Draft::of_owner(workload, config, Kind::PersistentVolumeClaim, name, fields).finish()
}
