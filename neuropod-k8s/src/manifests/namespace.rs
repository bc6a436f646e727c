//! The namespace of a user, with limits on its contents.

use neuropod_core::cluster::Workload;
use neuropod_core::cluster::workload::Quota;
use serde_json::{Value, json};

use super::draft::Draft;
use crate::api::kinds::Kind;
use crate::api::manifest::Manifest;
use crate::api::quantity::from_gigabytes;
use crate::config::{KubeConfig, Security};

/// The name of the `ResourceQuota` and of the `LimitRange`.
const NAME: &str = "neuropod";

/// The namespace of the owner; `None` if all users share one.
pub(super) fn namespace(workload: &Workload, config: &KubeConfig) -> Option<Manifest> {
    let name = workload.reference.namespace.as_ref()?;
    let mut namespace = Draft::of_owner(workload, config, Kind::Namespace, name, Value::Null);
    namespace.namespace = None;
    let level = match config.security {
        Security::Baseline => "baseline",
        Security::Restricted => "restricted",
    };
    namespace.label("pod-security.kubernetes.io/enforce", level);
    Some(namespace.finish())
}

/// The `ResourceQuota` and the `LimitRange` of a user's namespace.
pub(super) fn limits(workload: &Workload, config: &KubeConfig) -> Vec<Manifest> {
    let quota = workload.isolation.quota.as_ref();
    let Some(quota) = quota.filter(|_| workload.reference.namespace.is_some()) else {
        return Vec::new();
    };
    let limit = |kind, fields| Draft::of_owner(workload, config, kind, NAME, fields).finish();
    vec![
        limit(Kind::ResourceQuota, resource_quota(quota)),
        limit(Kind::LimitRange, limit_range(quota)),
    ]
}

fn resource_quota(quota: &Quota) -> Value {
    let Quota {
        pods,
        cpu_millis,
        memory_mib,
        volume_gb,
        gpus,
    } = quota;
    let mut hard = json!({
        "pods": pods.to_string(),
        "limits.cpu": format!("{cpu_millis}m"),
        "limits.memory": format!("{memory_mib}Mi"),
        "requests.storage": from_gigabytes(*volume_gb),
    });
    // A quota only counts the requests of extended resources. They can't be in the `LimitRange`, which would
    // give them to every container that requests none.
    for (resource, count) in gpus {
        hard[format!("requests.{resource}")] = count.to_string().into();
    }
    json!({ "spec": { "hard": hard } })
}

/// Limits each container and each volume to the whole quota. A container without limits (created by hand) gets
/// these, so that the quota counts it.
fn limit_range(quota: &Quota) -> Value {
    json!({ "spec": { "limits": [
        { "type": "Container", "max": {
            "cpu": format!("{}m", quota.cpu_millis),
            "memory": format!("{}Mi", quota.memory_mib),
        }},
        { "type": "PersistentVolumeClaim", "max": { "storage": from_gigabytes(quota.volume_gb) } },
    ]}})
}
