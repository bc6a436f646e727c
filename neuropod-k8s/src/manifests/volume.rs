//! The claim of the workspace volume.

use neuropod_core::cluster::Workload;
use serde_json::json;

use super::{Draft, Manifest};
use crate::config::KubeConfig;
use crate::kind::Kind;

pub(super) fn volume(workload: &Workload, config: &KubeConfig) -> Manifest {
    let mut spec = json!({
        "accessModes": [config.storage.access_mode],
        "resources": { "requests": { "storage": gigabytes(workload.volume.size_gb) } },
    });
    if let Some(class) = &config.storage.class {
        spec["storageClassName"] = class.as_str().into();
    }
    let name = &workload.reference.volume;
    let fields = json!({ "spec": spec });
    Draft::of_owner(workload, config, Kind::PersistentVolumeClaim, name, fields).finish()
}

/// GB (10^9 bytes) as a Kubernetes quantity.
pub(crate) fn gigabytes(size: u32) -> String {
    format!("{size}G")
}
